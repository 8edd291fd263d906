"""Promise P9: whatever happens to a slot or to a program in it, the node boots one that verifies, or its rescue."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest

from tests.support import releases
from tests.support.mp import REPOSITORY
from wire import manifest


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("node_loader", REPOSITORY / "firmware" / "loader.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


loader = _load()
FILES = {"hal/__init__.mpy": b"h" * 700, "node/core.mpy": b"c" * 1500, "wire/seal.mpy": b"s" * 512}


class Node:
    """A node's file system, and its boots."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.path = root
        self.old = releases.small(root / "made-old", "0.1.0", FILES)
        self.new = releases.small(root / "made-new", "0.2.0", {**FILES, "node/core.mpy": b"n" * 900})
        releases.flash(root, self.old)

    def update(self) -> None:
        """As if the new release had been loaded."""
        target = self.path / "b"
        for path in self.new.folder.rglob("*"):
            if path.is_file():
                (target / path.relative_to(self.new.folder)).parent.mkdir(parents=True, exist_ok=True)
                (target / path.relative_to(self.new.folder)).write_bytes(path.read_bytes())
        loader.switch(self.root, 1, self.new.id)

    def boot(self, slept: bool = False, powered: bool = False) -> tuple[str, str]:
        program, folder = loader.choose(self.root, slept, powered)
        return program, folder[len(self.root) :]

    def healthy(self) -> None:
        loader.write(self.root, loader.proved(self.root, loader.read(self.root)))

    def state(self) -> Any:
        return loader.read(self.root)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_the_loader_reads_manifests_as_the_contract_writes_them(node: Node) -> None:
    assert tuple(loader.files_of(node.old.signed)) == node.old.manifest.files
    assert loader.release_of(node.root, 0) == node.old.id == manifest.release_id(node.old.signed)
    assert loader.version_of(node.root, 0) == (0, 1, 0)
    for cut in range(len(node.old.signed)):
        with pytest.raises((ValueError, IndexError)):
            tuple(loader.files_of(node.old.signed[:cut]))


def test_without_slots_the_one_tree_of_files_runs(tmp_path: Path) -> None:
    assert loader.choose(str(tmp_path), False, True) == (loader.APP, "")
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_a_good_program_runs_and_nothing_is_written_for_it(node: Node) -> None:
    for slept, powered in ((False, True), (True, False), (False, True)):
        assert node.boot(slept, powered) == ("node", "/a")
    assert not (node.path / "slot").exists()


@pytest.mark.parametrize("powered", [True, False])
def test_a_program_on_trial_has_three_boots_and_then_the_old_one_runs(node: Node, powered: bool) -> None:
    node.update()
    for _ in range(loader.BAD_BOOTS):
        assert node.boot(powered=powered) == ("node", "/b")
    assert node.boot(powered=powered) == ("node", "/a")
    state = node.state()
    assert (state.state, state.outcome, state.release) == (loader.LAST, loader.ROLLED_BACK, node.new.id)
    node.healthy()
    state = node.state()
    assert (state.state, state.outcome, state.floor) == (loader.GOOD, 0, (0, 1, 0))


def test_a_program_that_proved_healthy_stays(node: Node) -> None:
    node.update()
    assert node.boot() == ("node", "/b")
    node.healthy()
    for _ in range(10):
        assert node.boot(powered=True) == ("node", "/b"), "power that flickers is no fault of a program"
    assert node.state().floor == (0, 2, 0)


def test_a_good_program_that_begins_to_crash_gives_way_too_and_then_the_rescue_comes(node: Node) -> None:
    node.update()
    node.boot()
    node.healthy()
    for _ in range(loader.BAD_BOOTS):
        assert node.boot() == ("node", "/b")
    for _ in range(loader.BAD_BOOTS):
        assert node.boot() == ("node", "/a")
    assert node.boot() == ("update", "/rescue")
    assert node.state().state == loader.RESCUE
    assert node.boot() == ("update", "/rescue"), "and it stays there"
    assert node.boot(powered=True) == ("node", "/a"), "until a person switches it off and on"


def test_a_rescue_that_gives_its_slot_a_try_comes_back_after_one_bad_boot(node: Node) -> None:
    for _ in range(loader.BAD_BOOTS):
        node.boot()
    assert node.boot() == ("update", "/rescue")
    pointer = node.state()
    loader.retry(pointer)
    loader.write(node.root, pointer)
    assert node.boot() == ("node", "/a")
    assert node.boot() == ("update", "/rescue")


def test_a_sleeper_on_trial_is_not_believed_for_ever(node: Node) -> None:
    node.update()
    assert node.boot() == ("node", "/b")
    for _ in range(loader.MAX_WAKES):
        assert node.boot(slept=True) == ("node", "/b")
    assert node.boot(slept=True) == ("node", "/a")


def damaged(data: bytes, draw: random.Random) -> bytes:
    """A file that was cut, doubled, emptied, or has one bit wrong."""
    kind = draw.randrange(4)
    if kind == 0:
        return data[: draw.randrange(len(data))]
    if kind == 1:
        return data + data[:1]
    if kind == 2:
        return b""
    at = draw.randrange(len(data) * 8)
    changed = bytearray(data)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_is_never_imported(node: Node, seed: int) -> None:
    """A truncated .mpy would hang the importer for ever, a flipped bit would be run."""
    draw = random.Random(seed)
    node.update()
    path = node.path / "b" / draw.choice([*FILES, "manifest"])
    right = path.read_bytes()
    wrong = damaged(right, draw)
    path.write_bytes(wrong)
    expected = "/a"
    if path.name == "manifest" and loader.verify(node.root, 1):
        # a bit of a version, a name or the signature: the files are all the same
        expected = "/b"
        assert tuple(loader.files_of(wrong)) == tuple(loader.files_of(right))
    assert node.boot() == ("node", expected)
    if expected == "/a":
        assert node.state().outcome == loader.BAD_SLOT
        (node.path / "a" / "node" / "core.mpy").unlink()
        assert node.boot() == ("update", "/rescue")


@pytest.mark.parametrize("cut", range(0, 41, 5))
def test_a_pointer_that_is_no_pointer_lets_the_first_good_slot_run(node: Node, cut: int) -> None:
    node.update()
    pointer = node.path / "slot"
    pointer.write_bytes(pointer.read_bytes()[:cut] + b"\xff" * (3 if cut == 40 else 0))
    assert node.boot() == ("node", "/a")
    (node.path / "a" / "manifest").unlink()
    assert node.boot() == ("node", "/b")


def test_a_sleeper_wakes_to_load_what_it_was_offered(node: Node) -> None:
    loader.want(node.root, node.new.id, len(node.new.signed), (0, 2, 0))
    assert node.boot(slept=True) == ("update", "/a")


def test_a_wish_is_tried_five_times_and_counts_no_bad_boot(node: Node) -> None:
    loader.want(node.root, node.new.id, len(node.new.signed), (0, 2, 0))
    for _ in range(loader.WISH_TRIES):
        assert node.boot() == ("update", "/a")
    assert node.boot(powered=True) == ("node", "/a")
    assert loader.wish(node.root) is None and not (node.path / "slot").exists()
