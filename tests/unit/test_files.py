"""Whole files: the old content or the new, the right mode from the first byte, nothing left behind."""

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.data import DataWriter
from kit import files


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_content_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    files.write_atomic(path, "một")
    files.write_atomic(path, b"hai")
    assert path.read_bytes() == b"hai"
    assert names(tmp_path) == ["state.json"]


@pytest.mark.parametrize(("mode", "umask"), [(files.PRIVATE, 0), (files.PUBLIC, 0o077), (files.PUBLIC, 0)])
def test_mode_is_what_was_asked_for(tmp_path: Path, mode: int, umask: int) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("old")
    path.chmod(0o666)
    before = os.umask(umask)
    try:
        files.write_atomic(path, "new", mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_secret_is_private_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real_open = os.open

    def watch(path: str, flags: int, mode: int = 0o777) -> int:
        seen.append(mode)
        return real_open(path, flags, mode)

    monkeypatch.setattr(os, "open", watch)
    files.write_atomic(tmp_path / "secrets.json", "canary", mode=files.PRIVATE)
    assert seen[0] & 0o077 == 0


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "state.json"
    files.write_atomic(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", fail) if step == "fsync" else (Path, "replace", fail)))
    with pytest.raises(OSError, match="No space"):
        files.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["state.json"]


def test_the_folder_is_flushed_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_sync(descriptor)

    def replace(path: Path, target: Path) -> Path:
        steps.append("rename")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    files.write_atomic(tmp_path / "state.json", "new")
    assert steps == ["file", "rename", "folder"]


def test_the_leftover_of_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / f".state.json.{os.getpid()}.tmp").write_text("half")
    files.write_atomic(tmp_path / "state.json", "whole")
    assert names(tmp_path) == ["state.json"]


def test_a_database_is_its_owners_alone_from_its_first_byte(tmp_path: Path) -> None:
    made, old = tmp_path / "made.db", tmp_path / "old.db"
    mask = os.umask(0)
    try:
        old.touch(0o666)
        with closing(DataWriter(made)), closing(DataWriter(old)):
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(mask)
    assert set(modes.values()) == {0o600} and {"made.db", "made.db-wal", "made.db-shm"} <= modes.keys()


def test_a_file_that_is_there_is_closed_to_others_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    path.write_text("mưa")
    path.chmod(0o644)
    files.make_private(path)
    assert path.read_text() == "mưa" and path.stat().st_mode & 0o777 == 0o600
