"""The real components: found by running them, and told in one line when they cannot be had."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.test import TOOLS
from kit import debian, toolchain
from kit.toolchain import ToolMissing


@pytest.mark.parametrize(("text", "version"), [
    ("(1, 26, 1, '')", (1, 26, 1)),
    ("mosquitto version 2.0.11\n\nmosquitto is an MQTT v5.0 broker", (2, 0, 11)),
    ("Chromium 136.0.7103.113 built on Debian GNU/Linux 12", (136, 0, 7103, 113)),
    ("no such option", None),
    ("", None),
])
def test_versions_are_read(text: str, version: tuple[int, ...] | None) -> None:
    assert toolchain.read_version(text) == version


@pytest.mark.parametrize(("find", "ask", "oldest"), [
    (toolchain.mosquitto, ["-h"], (2, 0)),
    (toolchain.micropython, ["-c", "import sys; print(sys.implementation[1])"], (1, 26)),
    (toolchain.chromium, ["--version"], (100,)),
])
def test_this_machine_has_the_real_ones(find: Callable[[], Path], ask: list[str], oldest: tuple[int, ...]) -> None:
    version = toolchain.version_of(find(), ask)
    assert version is not None
    assert version >= oldest


def empty_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv(toolchain.TOOLS_ENV, str(folder / "tools"))
    monkeypatch.setattr(toolchain, "_which", lambda _name: None)
    monkeypatch.setattr(toolchain, "POSTGRESQL", folder)
    monkeypatch.setattr(toolchain, "RAN", ())  # no program runs here


@pytest.mark.parametrize("find", TOOLS)
def test_a_machine_without_apt_is_told_in_one_line(
    find: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_machine(tmp_path / "bin", monkeypatch)
    with pytest.raises(ToolMissing) as told:
        find()
    assert "\n" not in str(told.value)
    assert "is missing" in str(told.value)
    assert not (tmp_path / "bin/tools").exists()


def test_without_root_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_machine(tmp_path / "bin", monkeypatch)
    apt = tmp_path / "bin/apt-get"
    apt.write_text("#!/bin/sh\nexit 1\n")
    apt.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ToolMissing, match="run 'sudo apt-get install -y mosquitto mosquitto-clients', then run again"):
        toolchain.mosquitto()


def test_a_failed_unpack_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    sources = '[ "$1" = indextargets ] && { echo http://mirror/debian/ bookworm main; exit; }'
    for name, script in (("apt-get", f'{sources}; echo "E: no route" >&2; exit 100'), ("dpkg", "exit 1")):
        (bin_folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (bin_folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    with pytest.raises(ToolMissing, match="E: no route: is the network up"):
        debian.unpack("micropython", tmp_path / "tools/micropython", "a test")
    assert list((tmp_path / "tools").iterdir()) == []


@pytest.mark.parametrize(("sources", "address"), [
    ("http://mirror/debian/ bookworm main\nhttp://mirror/debian/ bookworm-updates main", "http://mirror/debian/"),
    ("http://archive.raspberrypi.example/debian/ bookworm main\nhttp://m/d/ bookworm main", "http://m/d/"),
    ("http://x/apt/ cloud-sdk-bookworm main\nhttp://m/security/ trixie main\nhttp://m/d/ trixie main", "http://m/d/"),
])
def test_the_mirror_is_the_one_of_debian_itself(sources: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_run", lambda _command: sources)
    assert debian._mirror() == address


def test_another_system_has_no_mirror_of_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "_run", lambda _command: "http://archive.example/ubuntu/ noble main")
    with pytest.raises(ToolMissing, match="use Debian 12 or later"):
        debian._mirror()


def test_an_old_program_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "mosquitto"
    old.write_text("#!/bin/sh\necho mosquitto version 1.4.10\nexit 3\n")
    old.chmod(0o755)
    monkeypatch.setattr(toolchain, "_which", lambda _name: old)
    with pytest.raises(ToolMissing, match=r"is version 1\.4\.10, and 2\.0 is needed"):
        toolchain.mosquitto()
