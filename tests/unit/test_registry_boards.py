"""From pins.toml to a node's config: what a board has may be in the registry, and provisioning wires it."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from gateway import registry, registry_boards
from gateway.provision import node_config
from gateway.registry import RegistryError
from gateway.secrets import complete
from tests.support import village
from tests.unit.test_board_hal import load
from wire import fields

ROOT = Path(__file__).resolve().parents[2]
BOARDS = json.loads((ROOT / "gateway" / "boards.json").read_text(encoding="utf-8"))
NAMED = sorted(BOARDS)
needs = load("needs")


def node_toml(board: str, more: str = "") -> str:
    """A node of this board with all that it has."""
    model, mcu = board.split("_")
    lines = [f'[[node]]\nid = "tu-moi"\nmodel = "{model}"\nboard = "{mcu}"\nname = "Tủ mới"\nsample_s = 600']
    for row in BOARDS[board]["sensors"]:
        what = fields.field(row["field"])
        lines.append(f'[[node.sensor]]\nfield = "{what.name}"\nchannel = {row["channel"]}')
        if (what.raw_min, what.raw_max) != (what.value_min, what.value_max):
            lines.append("[[node.sensor.calibration]]\nid = 1\nraw = [0, 1000]\nvalue = [0, 1]")
        if what.id == fields.WATER_LEVEL:
            lines.append("[node.sensor.wiring]\nzero_mm = 2750" + more)
    for row in BOARDS[board]["outputs"]:
        lines.append(
            f'[[node.output]]\nindex = {row["index"]}\nkind = "{row["kind"]}"\nhard_max_s = 600\nmin_rest_s = 5'
        )
    return "\n".join(lines) + "\n"


def config(text: str) -> dict[str, Any]:
    found = registry.parse(village.TEXT + text)
    return node_config(found, found.nodes["tu-moi"], complete(None, found.nodes), "", "192.0.2.1")


def refused(text: str) -> str:
    with pytest.raises(RegistryError) as caught:
        registry.parse(village.TEXT + text)
    assert caught.value.vietnamese != str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("board", NAMED)
def test_a_node_of_each_board_is_wired_by_provisioning_and_accepted_by_its_firmware(board: str) -> None:
    made = config(node_toml(board))
    pins = runpy.run_path(str(ROOT / "firmware" / "hal" / "boards" / f"{board}.py"))["OUTPUT_PINS"]
    needs.check({**made, "wifi": {"ssid": "x", "password": ""}}, pins)
    wired = [{key: row[key] for key in row if key not in ("every_s",)} for row in made["sensors"]]
    assert wired == [row | ({"zero_mm": 2_750} if "zero_mm" in row else {}) for row in BOARDS[board]["sensors"]]
    assert [row["driver"] for row in made["outputs"]] == [row["driver"] for row in BOARDS[board]["outputs"]]


def test_a_node_without_a_board_is_not_wired() -> None:
    found = registry.parse(village.TEXT)
    for node in found.nodes.values():
        made: dict[str, Any] = node_config(found, node, complete(None, found.nodes), "", "192.0.2.1")
        assert all("driver" not in row for row in made["sensors"] + made["outputs"])


def test_another_level_sensor_fits_the_same_terminals() -> None:
    (level,) = [s for s in config(node_toml("level_s3", '\ndriver = "jsn_sr04t"'))["sensors"] if s["field"] == 3]
    assert (level["driver"], level["uart"], level["zero_mm"]) == ("jsn_sr04t", 1, 2_750)


@pytest.mark.parametrize(
    ("board", "old", "new", "said"),
    [
        ("level_s3", '"rain"', '"flow"', "flow/0: must be one of those of its board: battery/0, water_level/0,"),
        ("soil_s3", "channel = 3", "channel = 4", "soil_moisture/4: must be one of those of its board"),
        ("pump_s3", "index = 3", "index = 5", "valve/5: must be one of those of its board: pump/0, valve/1,"),
        ("pump_s3", 'kind = "pump"', 'kind = "valve"', "valve/0: must be one of those of its board"),
        ("level_s3", "zero_mm = 2750", "zero_mm = 99999", "zero_mm = 99999: must be a whole number in -2000..10000"),
        ("level_s3", "zero_mm = 2750", "pin = 5", "wiring.pin: unknown key; allowed here: address, baud, driver"),
        ("level_s3", 'board = "s3"', 'board = "c3"', "board = 'c3': must be one of s3, wroom32e"),
        ("level_s3", 'board = "s3"\n', "", "sensor.wiring: must be with the board of the node beside it"),
        ("level_s3", 'model = "level"\nboard = "s3"', 'model = "relay"', 'must be another than "relay"'),
        ("pump_s3", 'model = "pump"\nboard = "s3"', 'model = "salinity"', 'must be "valve" or "pump", because'),
    ],
)
def test_what_a_board_has_not_is_refused_with_what_it_has(board: str, old: str, new: str, said: str) -> None:
    text = node_toml(board)
    assert old in text
    assert said in refused(text.replace(old, new))


def test_a_sluice_and_a_lift_are_valve_and_pump_to_a_board() -> None:
    text = (
        node_toml("pump_s3")
        .replace('kind = "pump"', 'kind = "lift"')
        .replace('index = 1\nkind = "valve"', 'index = 1\nkind = "sluice"')
    )
    assert [o["kind"] for o in config(text)["outputs"]] == ["lift", "sluice", "valve", "valve"]


def test_the_models_are_those_of_the_hardware() -> None:
    assert {name.split("_")[0] for name in NAMED} == set(registry_boards.MODELS)
    assert {name.split("_")[1] for name in NAMED} == set(registry_boards.BOARDS)
