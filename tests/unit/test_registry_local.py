"""``[node.local]`` of the registry: refused without limits, and accepted by the node's own code as it is written."""

from __future__ import annotations

from typing import Any

import pytest

from firmware.node.lease import Leases, outputs_of
from firmware.node.local import Local
from gateway import registry
from gateway.provision import node_config
from gateway.registry import RegistryError
from gateway.secrets import complete
from tests.support import village
from wire import fields

TEXT = """
[[node]]
id = "tu-1"
model = "pump"
name = "Tủ vườn sau"
sample_s = 300
    [[node.sensor]]
    field = "flow"
    channel = 0
    [[node.sensor]]
    field = "soil_moisture"
    channel = 0
        [[node.sensor.calibration]]
        id = 1
        raw = [2800000, 1200000]
        value = [0.05, 0.45]
    [[node.sensor]]
    field = "conductivity_25"
    channel = 0
    [[node.output]]
    index = 0
    kind = "pump"
    hard_max_s = 1800
    min_rest_s = 60
    [[node.output]]
    index = 1
    kind = "valve"
    hard_max_s = 1800
    min_rest_s = 0
    [node.local]
    min_run_s = 60
        [node.local.confirm]
        output = 0
        channel = 0
        min_lpm = 2.5
        [node.local.button]
        outputs = [1, 0]
        minutes = 10
        salt = { channel = 0, max_us_cm = 2000 }
        [node.local.fallback]
        outputs = [1, 0]
        after_h = 8
        minutes_day = 20
        run_minutes = 8
        soil = { channel = 0, below_vwc = 0.15 }
        salt = { channel = 0, max_us_cm = 1500 }
"""


def config(text: str = TEXT) -> dict[str, Any]:
    found = registry.parse(village.TEXT + text)
    return node_config(found, found.nodes["tu-1"], complete(None, found.nodes), "", "192.0.2.1")


def test_it_is_written_into_the_config_in_raws_and_the_node_takes_it() -> None:
    made = config()
    assert made["local"] == {
        "min_run_s": 60,
        "confirm": {"output": 0, "sensor": {"field": fields.FLOW, "channel": 0}, "min": 2_500, "dry_s": 15},
        "button": {
            "outputs": [1, 0],
            "minutes": 10,
            "intake": True,
            "salt": {"field": fields.CONDUCTIVITY_25, "channel": 0, "max": 2_000},
        },
        "fallback": {
            "outputs": [1, 0],
            "after_h": 8,
            "minutes_day": 20,
            "run_minutes": 8,
            "soil": {"field": fields.SOIL_MOISTURE, "channel": 0, "raw": 2_400_000, "dry_above": True},
            "salt": {"field": fields.CONDUCTIVITY_25, "channel": 0, "max": 1_500},
            "intake": True,
        },
    }
    Local(made["local"], Leases(outputs_of(made), 1, b"12345678"), lambda _: None)


def test_a_current_proves_that_a_pump_pumps_as_well() -> None:
    text = TEXT.replace('field = "flow"', 'field = "current"').replace("min_lpm = 2.5", "min_a = 1.8")
    confirm = config(text)["local"]["confirm"]
    assert (confirm["sensor"], confirm["min"]) == ({"field": fields.CURRENT, "channel": 0}, 1_800)


def test_nothing_of_it_is_on_by_itself() -> None:
    found = registry.parse(village.TEXT)
    for node in found.nodes.values():
        assert "local" not in node_config(found, node, complete(None, found.nodes), "", "192.0.2.1")


def test_a_probe_that_rises_with_water_is_dry_below() -> None:
    made = config(TEXT.replace("raw = [2800000, 1200000]", "raw = [50, 450]"))
    soil = made["local"]["fallback"]["soil"]
    assert (soil["raw"], soil["dry_above"]) == (150, False)


def test_what_takes_no_water_from_a_canal_needs_no_salt() -> None:
    text = TEXT.replace("        salt = { channel = 0, max_us_cm = 1500 }\n", '        intake = "no"\n')
    made = config(text)["local"]["fallback"]
    assert made["intake"] is False and "salt" not in made


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("salt = { channel = 0, max_us_cm = 1500 }", "", "fallback.salt = (missing): must be a table"),
        ("salt = { channel = 0, max_us_cm = 2000 }", "", "button.salt = (missing): must be a table"),
        ("after_h = 8", "after_h = 1", "after_h = 1: must be a whole number in 6..168"),
        ("minutes_day = 20", "minutes_day = 500", "minutes_day = 500: must be a whole number in 0..120"),
        ("minutes = 10", "minutes = 90", "minutes = 90: must be a whole number in 1..60"),
        ("outputs = [1, 0]\n        minutes", "outputs = [0]\n        minutes", "must be with a valve before the pump"),
        (
            "outputs = [1, 0]\n        after",
            "outputs = [1, 5]\n        after",
            "must be different outputs of node tu-1",
        ),
        ("output = 0\n        channel", "output = 4\n        channel", "must be the index of an output of node tu-1"),
        ("channel = 0\n        min_lpm", "channel = 3\n        min_lpm", "a channel on which node tu-1 measures flow"),
        ("min_run_s = 60", "lamp = 1", "node[5] 'tu-1'.local.lamp: unknown key"),
    ],
)
def test_what_has_no_limit_is_refused(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(RegistryError) as refused:
        registry.parse(village.TEXT + TEXT.replace(old, new))
    assert said in str(refused.value) and not refused.value.vietnamese.startswith("không dùng được")
