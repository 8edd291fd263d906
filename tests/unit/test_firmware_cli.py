"""``hoiquan firmware``: each step says in one line what is wrong; a key is neither overwritten nor left open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import firmware, firmware_build, firmware_bundle, firmware_flash
from gateway import releases as held
from gateway.home import Home
from gateway.provision import provision
from gateway.store.update import NodeReport, UpdateWriter
from tests.support import releases, village
from wire import manifest, updates


def run(*words: str | Path) -> int:
    try:
        return firmware.main([str(word) for word in words])
    except SystemExit as left:
        return int(left.code or 0)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.registry.write_text(village.TEXT, encoding="utf-8")
    provision(home)
    return home


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    assert run("key", "--folder", tmp_path / "keys") == 0
    return tmp_path / "keys"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """An unsigned bundle of a few bytes."""
    made = releases.small(tmp_path / "bundle", "0.2.0", {"node/core.mpy": b"code", "update/start.mpy": b"load"},
                          hardware=("s3", "sim"))  # fmt: skip
    path = made.folder / "manifest"
    path.write_bytes(made.signed[: -manifest.SIGNATURE_BYTES])
    return made.folder


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "keys"
    assert run("key", "--folder", folder) == 0
    assert (folder / "maker.key").stat().st_mode & 0o777 == 0o600
    assert len((folder / "maker.pub").read_bytes()) == 256
    before = (folder / "maker.key").read_bytes()
    assert run("key", "--folder", folder) == 1
    assert (folder / "maker.key").read_bytes() == before
    said = capsys.readouterr()
    assert "đã có khóa" in said.err and "PRIVATE KEY" not in said.out + said.err and len(said.err.splitlines()) == 1


def test_from_key_to_release(home: Home, keys: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sign", "--key", keys / "maker.key", bundle) == 0
    assert run("sign", "--key", keys / "maker.key", bundle) == 0, "signing again is no harm"
    assert run("release", "--home", home.root, bundle) == 1
    assert "--key" in capsys.readouterr().err, "the first time the village must be told whom to trust"
    assert run("release", "--home", home.root, "--key", keys / "maker.pub", bundle) == 0
    order = held.order(home)
    assert order is not None and (order.turn, order.action) == (1, "start")
    assert held.held(home, order.release).version == "0.2.0"
    assert run("release", "--home", home.root, "--stop") == 0
    assert held.order(home) == (2, order.release, "stop")


def test_a_wrong_key_typed_once_does_not_shut_the_right_one_out(
    home: Home, keys: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sign", "--key", keys / "maker.key", bundle) == 0
    assert run("key", "--folder", tmp_path / "other") == 0
    assert run("release", "--home", home.root, "--key", tmp_path / "other" / "maker.pub", bundle) == 1
    assert "không do nơi làm máy của làng ký" in capsys.readouterr().err
    assert run("release", "--home", home.root, "--key", keys / "maker.pub", bundle) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "required"),
        (["build"], 2, "--version"),
        (["build", "--version", "2"], 1, "không phải ba số"),
        (["build", "--version", "0.2.0", "--models", "toaster"], 2, "toaster"),
        (["sign", "nowhere"], 1, "không có gói"),
        (["release", "--home", "nowhere", "x"], 1, "không phải thư mục của trạm"),
        (["flash", "x"], 2, "--node"),
    ],
)
def test_wrong_usage_is_one_line(words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == code
    err = capsys.readouterr().err
    assert said in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("key", ["missing", "loose", "rubbish", "public"])
def test_a_key_that_cannot_be_used_signs_nothing(
    keys: Path, bundle: Path, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keys / "maker.key"
    if key == "missing":
        path.unlink()
    elif key == "loose":
        path.chmod(0o644)
    elif key == "rubbish":
        path.write_text("no key")
    else:
        path.write_bytes((keys / "maker.pub").read_bytes())
    before = (bundle / "manifest").read_bytes()
    assert run("sign", "--key", path, bundle) == 1
    assert (bundle / "manifest").read_bytes() == before and str(path) in capsys.readouterr().err


def test_a_bundle_that_was_changed_is_neither_signed_nor_released(home: Home, keys: Path, bundle: Path) -> None:
    assert run("sign", "--key", keys / "maker.key", bundle) == 0
    (bundle / "node/core.mpy").write_bytes(b"c0de")
    assert run("sign", "--key", keys / "maker.key", bundle) == 1
    assert run("release", "--home", home.root, "--key", keys / "maker.pub", bundle) == 1
    assert held.order(home) is None


def test_a_second_maker_is_not_trusted(home: Home, keys: Path, bundle: Path, tmp_path: Path) -> None:
    assert run("sign", "--key", keys / "maker.key", bundle) == 0
    assert run("release", "--home", home.root, "--key", keys / "maker.pub", bundle) == 0
    assert run("key", "--folder", tmp_path / "other") == 0
    assert run("sign", "--key", tmp_path / "other" / "maker.key", bundle) == 0
    assert run("release", "--home", home.root, bundle) == 1
    assert run("release", "--home", home.root, "--key", tmp_path / "other" / "maker.pub", bundle) == 1


def test_a_dry_run_tells_every_step_of_flashing_and_does_none(
    home: Home,
    keys: Path,
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tree = releases.tree("0.1.0")
    monkeypatch.setattr(firmware_flash, "STAGING", tmp_path / "staging")
    monkeypatch.setattr(firmware_build, "build", lambda: tree)
    assert run("sign", "--key", keys / "maker.key", bundle) == 0
    image = tmp_path / "micropython.bin"
    image.write_bytes(b"image")
    base: list[str | Path] = ["flash", "--home", home.root, "--node", "van-1", "--model", "valve"]
    base += ["--public-key", keys / "maker.pub", bundle]
    assert run(*base, "--interpreter", image) == 0
    said = capsys.readouterr().out
    for words in ("--chip esp32s3", "erase_flash", "write_flash -z 0x0", "fs cp -r", "reset", "nothing was run"):
        assert words in said, words
    staged = tmp_path / "staging" / "van-1"
    there = sorted(path.name for path in staged.iterdir())
    assert " ".join(there) == "a board.py boot.py enrol loader.mpy main.py maker.pub node.json rescue safe.py"
    assert 'MODEL = "valve"' in (staged / "board.py").read_text()
    assert (json.loads((staged / "node.json").read_text())["key"]) not in said
    assert (staged / "node.json").stat().st_mode & 0o777 == 0o600
    assert run(*[w if w != "valve" else "toaster" for w in base]) == 1
    assert run(*[w if w != "van-1" else "van-9" for w in base]) == 1
    assert "van-9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("node", "model", "mcu", "said"),
    [
        ("van-1", "soil", "s3", "van-1 is a valve node"),
        ("dat-1", "soil", "s3", "the bundle is not for soil"),
        ("van-1", "valve", "wroom32e", "not for valve on wroom32e"),
    ],
)
def test_a_board_of_another_type_is_not_flashed(
    home: Home, keys: Path, bundle: Path, node: str, model: str, mcu: str, said: str,
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its pins are others: what should be a valve may be a pump."""
    monkeypatch.setattr(firmware_flash, "STAGING", tmp_path / "staging")
    assert run("sign", "--key", keys / "maker.key", bundle) == 0
    words: list[str | Path] = ["--home", home.root, "--node", node, "--model", model, "--mcu", mcu]
    assert run("flash", *words, "--public-key", keys / "maker.pub", bundle) == 1
    err = capsys.readouterr().err
    assert said in err and len(err.splitlines()) == 1 and not (tmp_path / "staging").exists()


def test_a_board_of_another_module_is_not_flashed(
    home: Home, keys: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = home.registry.read_text(encoding="utf-8")
    relay = '[[node]]\nid = "xa-1"\nmodel = "relay"\nname = "Hộp chuyển tin"\nsample_s = 60\nboard = "wroom32e"\n\n'
    home.registry.write_text(text.replace("[[node]]\n", relay + "[[node]]\n", 1), encoding="utf-8")
    provision(home)
    words: list[str | Path] = ["--home", home.root, "--node", "xa-1", "--model", "relay", "--mcu", "s3", bundle]
    assert run("flash", *words, "--public-key", keys / "maker.pub") == 1
    assert "is built on wroom32e in village.toml" in capsys.readouterr().err


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--out ~`` must not empty a home."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letters.txt").write_text("mine")
    for out in (mine, mine / "letters.txt"):
        assert run("build", "--version", "0.2.0", "--out", out) == 1
        assert "không ghi đè" in capsys.readouterr().err
    assert [path.name for path in mine.iterdir()] == ["letters.txt"]
    tree = releases.tree("0.1.0")
    for _ in range(2):
        firmware_bundle.bundle(tmp_path / "bundle", "0.1.0", tree=tree)
    assert firmware_bundle.matches(tmp_path / "bundle", manifest.decode((tmp_path / "bundle/manifest").read_bytes()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "mine"]


def test_the_option_that_is_wrong_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("build", "--version", "0.2.0", "--min-firmware", "x") == 1
    assert "--min-firmware: x" in capsys.readouterr().err


def test_a_release_that_fits_nobody_is_not_given_out(
    home: Home, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = releases.small(tmp_path / "b", "0.2.0", {"a.mpy": b"a"}, models=("salinity",)).folder
    assert run("sign", "--key", keys / "maker.key", made) == 0
    assert run("release", "--home", home.root, "--key", keys / "maker.pub", made) == 1
    assert "no node of the village" in capsys.readouterr().err and held.order(home) is None


def test_a_release_older_than_what_runs_is_told_before_it_is_refused_everywhere(
    home: Home, keys: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with UpdateWriter(home.update) as writer, writer.transaction():
        writer.add_report(NodeReport("van-1", 1, 1, "", "0.3.0", "1.26.1", 1, 1, 0, 0, "sim", ""), failed=False)
    assert run("sign", "--key", keys / "maker.key", bundle) == 0
    assert run("release", "--home", home.root, "--key", keys / "maker.pub", bundle) == 0
    assert "van-1 run a newer version than 0.2.0" in capsys.readouterr().err


def test_the_bundle_of_today_fits_a_node(tmp_path: Path) -> None:
    made = firmware_bundle.bundle(tmp_path / "b", "0.1.0", tree=releases.tree("0.1.0"))
    assert sum(size for _, size, _ in made.files) <= 90_000
    assert firmware_bundle.matches(tmp_path / "b", made)


def app_image(chip: int) -> bytes:
    """The head of an image as esptool makes it, and something behind it."""
    head = bytearray(b"\xe9" + bytes(31) + b"\x32\x54\xcd\xab")
    head[12] = chip
    return bytes(head) + b"code" * 100


def test_an_interpreter_goes_from_its_image_to_a_release(
    home: Home, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, out = tmp_path / "mp.app-bin", tmp_path / "mp"
    image.write_bytes(app_image(9))
    words = ("build", "--version", "1.27.0", "--interpreter", image, "--hardware", "s3", "--out", out)
    assert run(*words) == 0 and run(*words) == 0, "it takes its own place"
    assert run("sign", "--key", keys / "maker.key", out) == 0
    with UpdateWriter(home.update) as writer, writer.transaction():
        writer.add_report(NodeReport("van-1", 1, 1, "", "3.0.0", "1.28.0", 1, 1, 0, 0, "s3", ""), failed=False)
    capsys.readouterr()
    assert run("release", "--home", home.root, "--key", keys / "maker.pub", out) == 0
    said = capsys.readouterr()
    assert "bản MicroPython 1.27.0" in said.out and "van-1 run a newer version than MicroPython 1.27.0" in said.err
    found = held.held(home, held.order(home).release)  # type: ignore[union-attr]
    assert found.offered_version == updates.ANY_VERSION and found.piece(1, 0, 4) == b"\xe9\0\0\0"
    assert run("flash", "--home", home.root, "--node", "van-1", "--model", "valve", out) == 1
    assert "dùng --interpreter" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("image", "hardware", "said"),
    [
        (app_image(0), ("s3",), "another chip than s3"),
        (app_image(9), ("s3", "wroom32e"), "name the one module"),
        (b"\xe9" + bytes(200), ("s3",), "is no .app-bin"),
        (b"", ("sim",), "is empty"),
    ],
)
def test_an_image_that_no_chip_would_start_is_refused(
    image: bytes, hardware: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "image").write_bytes(image)
    words: list[str | Path] = ["build", "--version", "1.27.0", "--interpreter", tmp_path / "image"]
    assert run(*words, "--out", tmp_path / "mp", "--hardware", *hardware) == 1
    assert said in capsys.readouterr().err and not (tmp_path / "mp").exists()
