"""What goes onto a node by its type: nothing that it cannot use, and all that it loads."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from cli import firmware_build, firmware_bundle
from tests.support.mp import REPOSITORY

ROOM = 10_000  # bytes that every bundle keeps free below its bound
SENSORS = ("level", "salinity", "soil", "weather")


@pytest.fixture(scope="module")
def tree() -> Path:
    return firmware_build.build()


def _made(tree: Path, out: Path, *models: str) -> tuple[set[str], int]:
    """The files of a bundle, and its bytes."""
    files = firmware_bundle.bundle(out, "0.1.0", models=models or firmware_bundle.MODELS, tree=tree).files
    return {name for name, _, _ in files}, sum(size for _, size, _ in files)


def test_a_bundle_has_room_and_leaves_out_what_its_types_cannot_use(tree: Path, tmp_path: Path) -> None:
    everything, most = _made(tree, tmp_path / "all")
    valve, _ = _made(tree, tmp_path / "valve", "valve")
    sensors, some = _made(tree, tmp_path / "sensors", *SENSORS)
    relay, least = _made(tree, tmp_path / "relay", "relay")
    print(most, some, least)
    assert most <= firmware_bundle.MAX_BYTES - ROOM and least < some < most
    assert valve == everything and not any(name.startswith("enrol/") or name == "loader.mpy" for name in everything)
    assert everything - sensors == {"drivers/latch.mpy", "hal/latching.mpy", "node/local.mpy"}
    assert not any(name.startswith("drivers/") for name in relay) and "hal/sensors.mpy" not in relay
    mixed, _ = _made(tree, tmp_path / "mixed", "relay", "pump")
    assert mixed == everything


@pytest.mark.parametrize("models", [SENSORS, ("relay",), ("pump",)])
def test_all_that_a_module_loads_at_its_start_is_there(tree: Path, tmp_path: Path, models: tuple[str, ...]) -> None:
    files, _ = _made(tree, tmp_path / "bundle", *models)
    for name in files - {"hal/board.mpy"}:
        source = (REPOSITORY / ("" if name.startswith("wire/") else "firmware") / name).with_suffix(".py")
        for statement in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.ImportFrom):
                inside = name.split("/")[0] if statement.level else ""
                path = "/".join(part for part in (inside, *(statement.module or "").split(".")) if part)
                if path.split("/")[0] in ("node", "hal", "drivers", "wire", "relay", "update"):
                    of = {f"{path}/{alias.name}.mpy" for alias in statement.names}
                    there = f"{path}.mpy" in files or f"{path}/__init__.mpy" in files or of & files == of
                    assert there, (name, path)
                    exists = {one for one in of if (REPOSITORY / "firmware" / one).with_suffix(".py").is_file()}
                    assert exists <= files, (name, exists - files)
