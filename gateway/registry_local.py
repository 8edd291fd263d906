"""``[node.local]``: what a cabinet does by itself. Checked here, written into the node's config by provisioning.

Rules
1. Nothing of it is on unless it is written there. What each part does stands in firmware/node/local.py; its limits are
   these.
2. Quantities are written as in the rest of the registry. A node compares raws, so they are turned back by the
   calibration in force: provision again after a calibration.
3. A fall-back or a button that opens an intake must name the conductivity that it looks at, on its own node. Only
   outputs that take no water from a canal may do without (``intake = "no"``).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from gateway.core.village import Node, Sensor
from gateway.strict import Table
from wire import commands, fields

Config = dict[str, object]


def local(t: Table, node: Node) -> Mapping[str, object]:
    """The node's ``local`` as its config has it; empty when there is none."""
    found: Config = {}
    if not t.has("local"):
        return found
    with t.table("local") as own:
        if own.has("min_run_s"):
            found["min_run_s"] = own.whole("min_run_s", 1, 600)
        if own.has("confirm"):
            found["confirm"] = _confirm(own.table("confirm"), node)
        if own.has("button"):
            with own.table("button") as button:
                asked = {"outputs": _outputs(button, node), "minutes": button.whole("minutes", 1, 60)}
                found["button"] = asked | _intake(button, node)
        if own.has("fallback"):
            found["fallback"] = _fallback(own.table("fallback"), node)
    return found


def _confirm(table: Table, node: Node) -> Config:
    with table as t:
        output = t.whole("output", 0, commands.MAX_OUTPUTS - 1)
        if node.output(output) is None:
            t.refuse("output", f"the index of an output of node {node.id}")
        if t.has("min_a"):
            sensor = _sensor(t, node, fields.CURRENT)
            least = _raw(sensor, t.number("min_a", Decimal("0.1"), 100) * 1_000)
        else:
            sensor = _sensor(t, node, fields.FLOW)
            least = _raw(sensor, t.number("min_lpm", Decimal("0.1"), 5_000) * 1_000)
        return {
            "output": output,
            "sensor": {"field": sensor.field, "channel": sensor.channel},
            "min": least,
            "dry_s": t.whole("dry_s", 3, 120) if t.has("dry_s") else 15,
        }


def _fallback(table: Table, node: Node) -> Config:
    with table as t:
        found: Config = {
            "outputs": _outputs(t, node),
            "after_h": t.whole("after_h", 6, 168),
            "minutes_day": t.whole("minutes_day", 0, 120),
            "run_minutes": t.whole("run_minutes", 1, 120),
        }
        with t.table("soil") as soil:
            probe = _sensor(soil, node, fields.SOIL_MOISTURE)
            critical = soil.number("below_vwc", Decimal("0.01"), Decimal("0.9")) * 10_000
            rises = probe.calibration is None or _slope(probe) > 0
            found["soil"] = _place(probe) | {"raw": _raw(probe, critical), "dry_above": not rises}
        return found | _intake(t, node)


def _intake(t: Table, node: Node) -> Config:
    """What the water must be like that is let in."""
    found: Config = {"intake": t.choice("intake", ("yes", "no")) == "yes" if t.has("intake") else True}
    if t.has("salt") or found["intake"]:
        with t.table("salt") as salt:
            probe = _sensor(salt, node, fields.CONDUCTIVITY_25)
            found["salt"] = _place(probe) | {"max": _raw(probe, salt.number("max_us_cm", 1, 80_000))}
    if t.has("level"):
        with t.table("level") as level:
            probe = _sensor(level, node, fields.WATER_LEVEL)
            found["level"] = _place(probe) | {"min": _raw(probe, level.number("min_mm", -2_000, 10_000))}
    return found


def _outputs(t: Table, node: Node) -> list[int]:
    """Outputs in the order in which they open: valves before the pump."""
    found = t.wholes("outputs", 1, commands.MAX_OUTPUTS, 0, commands.MAX_OUTPUTS - 1)
    kinds = [output.kind for index in found if (output := node.output(index))]
    if len(kinds) != len(found) or len(set(found)) != len(found):
        t.refuse("outputs", f"different outputs of node {node.id}")
    if "pump" in kinds and "valve" not in kinds[: kinds.index("pump")]:
        t.refuse("outputs", "with a valve before the pump")
    return found


def _sensor(t: Table, node: Node, field: int) -> Sensor:
    channel = t.whole("channel", 0, 15)
    found = next((s for s in node.sensors if (s.field, s.channel) == (field, channel)), None)
    if found is None:
        t.refuse("channel", f"a channel on which node {node.id} measures {fields.field(field).name}")
    return found


def _place(sensor: Sensor) -> Config:
    return {"field": sensor.field, "channel": sensor.channel}


def _slope(sensor: Sensor) -> int:
    line = sensor.calibration
    assert line is not None
    return (line.raw[1] - line.raw[0]) * (line.value[1] - line.value[0])


def _raw(sensor: Sensor, value: Decimal) -> int:
    """The raw at which a sensor shows this value."""
    line = sensor.calibration
    if line is None or line.value[0] == line.value[1]:
        return int(value)
    span = Decimal(line.raw[1] - line.raw[0]) / (line.value[1] - line.value[0])
    return int(line.raw[0] + (value - line.value[0]) * span)
