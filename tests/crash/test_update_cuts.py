"""Promise P9: an update that is cut off at any write leaves a node that boots the old release or the new one."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from cli.firmware_build import build
from tests.support import releases
from tests.support.mp import REPOSITORY, run_micropython
from wire import manifest

CUTTER = Path(__file__).parent / "update_cutter.py"
IMAGES = Path(__file__).parent / "image_cutter.py"


def test_a_cut_at_every_write_leaves_the_old_release_or_the_new_one(tmp_path: Path) -> None:
    old = releases.small(tmp_path / "old", "0.1.0", {"node/core.mpy": b"old" * 300, "wire/topics.mpy": b"o" * 40})
    files = {f"node/part{number}.mpy": bytes(range(256)) * number for number in range(1, 26, 4)}
    files.update({"node/start.mpy": b"s" * 901, "wire/topics.mpy": b"n" * 33})
    new = releases.small(tmp_path / "release", "0.2.0", files)
    releases.flash(tmp_path / "flash", old)
    (tmp_path / "key").write_bytes(releases.public())
    path = (REPOSITORY, build(tmp_path / "build", also=CUTTER))
    done = run_micropython(CUTTER, heap="16m", path=path, timeout=120, arguments=(str(tmp_path), "1"))
    figures = done.stdout.split()
    counts = dict(zip(figures[::2], map(int, figures[1::2]), strict=True))
    print(counts)
    assert counts["writes"] >= 90 and counts["old"] + counts["new"] == counts["writes"] + 1
    assert counts["new"] >= 1 and counts["old"] >= 80
    assert counts["resumed"] >= counts["old"] // 2, "what was there already was not loaded twice"
    assert new.manifest.version == (0, 2, 0)


def test_an_interpreter_cut_off_at_every_write_or_wrong_leaves_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    old = releases.small(tmp_path / "old", "0.1.0", {"node/core.mpy": b"old" * 300})
    releases.flash(tmp_path / "flash", old)
    (tmp_path / "key").write_bytes(releases.public())
    image = b"\xe9" + bytes(range(256)) * 80  # five blocks and a bit
    releases.interpreter(tmp_path / "release", "1.27.0", image)
    foreign = releases.interpreter(tmp_path / "wrong-key", "1.27.0", image)
    packed = foreign.signed[: -manifest.SIGNATURE_BYTES]
    key = rsa.generate_private_key(manifest.EXPONENT, 2048)
    (foreign.folder / "manifest").write_bytes(releases.signed(packed, key))
    releases.interpreter(tmp_path / "hardware", "1.27.0", image, hardware=("s3",))
    releases.interpreter(tmp_path / "older", "1.26.9", image)
    releases.interpreter(tmp_path / "big", "1.27.0", image * 2)
    releases.interpreter(tmp_path / "noimage", "1.27.0", b"\x00" + image)
    for name, changed in (("half", image[:9_000]), ("bit", image[:9_000] + b"\xff" + image[9_001:])):
        made = releases.interpreter(tmp_path / name, "1.27.0", image)
        next(made.folder.glob("*.bin")).write_bytes(changed)
    path = (IMAGES.parent, REPOSITORY, build(tmp_path / "build", also=IMAGES))
    done = run_micropython(IMAGES, heap="16m", path=path, timeout=120, arguments=(str(tmp_path),))
    figures = done.stdout.split()
    counts = dict(zip(figures[::2], map(int, figures[1::2]), strict=True))
    print(counts)
    assert counts["writes"] >= 20 and counts["old"] + counts["new"] == counts["writes"] + 1
    assert counts["new"] >= 1 and counts["resumed"] >= counts["old"] // 2 and counts["refused"] == 8
