"""Promise P9: an update that is cut off at any write leaves a node that boots the old release or the new one."""

from __future__ import annotations

from pathlib import Path

from cli.firmware_build import build
from tests.support import releases
from tests.support.mp import REPOSITORY, run_micropython

CUTTER = Path(__file__).parent / "update_cutter.py"


def test_a_cut_at_every_write_leaves_the_old_release_or_the_new_one(tmp_path: Path) -> None:
    old = releases.small(tmp_path / "old", "0.1.0", {"node/core.mpy": b"old" * 300, "wire/topics.mpy": b"o" * 40})
    files = {f"node/part{number}.mpy": bytes(range(256)) * number for number in range(1, 26, 4)}
    files.update({"node/start.mpy": b"s" * 901, "wire/topics.mpy": b"n" * 33})
    new = releases.small(tmp_path / "release", "0.2.0", files)
    releases.flash(tmp_path / "flash", old)
    (tmp_path / "key").write_bytes(releases.public())
    done = run_micropython(CUTTER, heap="16m", path=(REPOSITORY, build()), timeout=120, arguments=(str(tmp_path), "1"))
    figures = done.stdout.split()
    counts = dict(zip(figures[::2], map(int, figures[1::2]), strict=True))
    print(counts)
    assert counts["writes"] >= 90 and counts["old"] + counts["new"] == counts["writes"] + 1
    assert counts["new"] >= 1 and counts["old"] >= 80
    assert counts["resumed"] >= counts["old"] // 2, "what was there already was not loaded twice"
    assert new.manifest.version == (0, 2, 0)
