"""The config of a node: whatever is given and wherever the power goes, the node has one that it can live by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware.node import lastgood


def check(config: dict[str, Any]) -> None:
    if config["pin"] > 39:
        raise ValueError("pin")
    config.get("wifi", {}).get("ssid")
    assert 60 // config.get("each", 1)


class Board:
    """One board: a config is given, the node starts, and is built or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder) + "/"
        self.path = str(folder / "node.json")

    def give(self, text: str | dict[str, Any]) -> None:
        Path(self.path).write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")

    def start(self, builds: bool = True) -> tuple[Any, int | None]:
        found = lastgood.find(self.folder, self.path, check)
        if builds:
            lastgood.proved(self.folder, self.path)
        elif lastgood.refused(self.folder, self.path):
            return self.start()
        return found


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


@pytest.mark.parametrize(
    "bad",
    ['{"pin": 40}', "{", "[1]", '{"pin": "x"}', "{}", "x" * 20_000, '{"pin": 4, "wifi": "w"}', '{"pin": 4, "each": 0}'],
)
def test_what_cannot_be_used_is_refused_and_the_last_good_one_goes_on(board: Board, bad: str) -> None:
    board.give({"pin": 4})
    assert board.start() == ({"pin": 4}, None)
    board.give(bad)
    news = None if len(bad) > lastgood.MAX_BYTES else 1  # what is too long to be read is as if it were not there
    for _ in range(3):
        assert board.start() == ({"pin": 4}, news)
    board.give({"pin": 5})
    assert board.start() == ({"pin": 5}, 0 if news else None), "a new one is taken, and that is told once"
    assert board.start() == ({"pin": 5}, None)


def test_what_the_node_cannot_be_built_by_is_refused_as_well(board: Board) -> None:
    board.give({"pin": 4})
    board.start()
    board.give({"pin": 6})
    assert board.start(builds=False) == ({"pin": 4}, 1)
    assert board.start() == ({"pin": 4}, 1)


def test_the_first_config_has_nothing_to_go_back_to(board: Board) -> None:
    with pytest.raises(OSError, match="no config"):
        board.start()
    board.give({"pin": 50})
    with pytest.raises(ValueError, match="pin"):
        board.start()
    board.give({"pin": 3})
    assert board.start(builds=False) == ({"pin": 3}, None)


def test_a_given_file_that_is_gone_costs_nothing(board: Board) -> None:
    board.give({"pin": 4})
    board.start()
    Path(board.path).unlink()
    assert board.start() == ({"pin": 4}, None)


@pytest.mark.parametrize("new", [{"pin": 7}, {"pin": 77}])
def test_a_power_cut_at_any_byte_of_any_write_leaves_a_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: dict[str, int]
) -> None:
    """Every write of a start with a new config, torn at each of its bytes, old content gone."""
    written: list[tuple[str, bytes]] = []
    honest = lastgood._write

    def record(path: str, slot: tuple[int, int, bytes]) -> None:
        honest(path, slot)
        written.append((path, Path(path).read_bytes()))

    monkeypatch.setattr(lastgood, "_write", record)
    cuts = 0
    for write in range(2):
        for at in range(400):
            folder = tmp_path / f"{write}-{at}"
            folder.mkdir()
            board = Board(folder)
            for pin in (1, 2, 4):
                board.give({"pin": pin})
                board.start()
            board.give(new)
            written.clear()
            board.start()
            if at >= len(written[write][1]):
                break
            # The same start again, on a board where this write was torn and what came after it never was.
            path, whole = written[write]
            Path(path).write_bytes(whole[:at])
            cuts += 1
            expected = new if new["pin"] < 40 else {"pin": 4}
            assert board.start()[0] == expected, f"write {write} torn at {at}"
            assert board.start()[0] == expected
    assert cuts > 50
