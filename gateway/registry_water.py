"""The registry's part about water: sources, how they are filled, and the salt that a crop bears.

Rules
1. As in ``gateway.registry``: complete and consistent, or refused with key, value and allowed range.
2. A source may be filled from a canal, by a ``sluice``, a ``lift`` or both; the canal has probes and limits of its own.
3. A reading of a water that is older than ``max_age_s`` counts as no water. So it is bounded by MAX_AGE_S, and the
   sensors of a water are read at least twice in that time, or one lost reading would stop every pump.
4. Salt that was too much is believed to be gone at 0.8 times the limit at most, so that a tide does not make it flap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.core import salinity
from gateway.core.village import Fill, Node, OutputRef, SensorRef, Source
from gateway.strict import Table
from wire import commands, fields

MAX_HEAD_MM = 3_000
AGE_S = 180
MAX_AGE_S = 300


def sensor_ref(table: Table, nodes: Mapping[str, Node], field_id: int) -> SensorRef:
    name = fields.field(field_id).name
    with table as t:
        ref = SensorRef(t.id("node"), t.whole("channel", 0, 15))
        node = nodes.get(ref.node)
        if node is None:
            t.refuse("node", "the id of a node of this file")
        if (field_id, ref.channel) not in {(s.field, s.channel) for s in node.sensors}:
            t.refuse("channel", f"a channel on which node {ref.node} measures {name}")
        return ref


def output_ref(table: Table, nodes: Mapping[str, Node], *kinds: str) -> OutputRef:
    with table as t:
        ref = OutputRef(t.id("node"), t.whole("output", 0, commands.MAX_OUTPUTS - 1))
        node = nodes.get(ref.node)
        if node is None:
            t.refuse("node", "the id of a node of this file")
        output = node.output(ref.output)
        if output is None or output.kind not in kinds:
            t.refuse("output", f"the index of a {' or '.join(kinds)} of node {ref.node}")
        return ref


def source(table: Table, nodes: Mapping[str, Node]) -> Source:
    with table as t:
        source_id = t.id("id")
        t.where += f" {source_id!r}"
        level = fields.field(fields.WATER_LEVEL)
        salt = fields.field(fields.CONDUCTIVITY_25)
        found = Source(
            id=source_id,
            name=t.text("name"),
            level=sensor_ref(t.table("level"), nodes, level.id),
            min_level_mm=t.whole("min_level_mm", level.value_min, level.value_max),
            reopen_level_mm=t.whole("reopen_level_mm", level.value_min, level.value_max),
            conductivity=tuple(sensor_ref(c, nodes, salt.id) for c in t.tables("conductivity", 1, 4)),
            limit_us_cm=t.whole("limit_us_cm", 1, salt.value_max),
            reopen_us_cm=t.whole("reopen_us_cm", 1, salt.value_max),
            max_age_s=_max_age_s(t),
            fill=_fill(t.table("fill"), nodes) if t.has("fill") else None,
        )
        if found.fill and found.fill.target_level_mm <= found.reopen_level_mm:
            t.refuse("fill", f"with a target_level_mm above reopen_level_mm ({found.reopen_level_mm})")
        if found.fill and found.fill.limit_us_cm > found.limit_us_cm:
            t.refuse("fill", f"with a limit_us_cm of at most that of the source ({found.limit_us_cm})")
        if found.fill and (found.fill.level == found.level or set(found.fill.conductivity) & set(found.conductivity)):
            t.refuse("fill", "with probes in the canal, other than those in the ditch")
        if found.reopen_level_mm < found.min_level_mm:
            t.refuse("reopen_level_mm", f"at least min_level_mm ({found.min_level_mm})")
        if found.reopen_us_cm > found.limit_us_cm:
            t.refuse("reopen_us_cm", f"at most limit_us_cm ({found.limit_us_cm})")
        _read_often(t, nodes, found)
        return found


def _fill(table: Table, nodes: Mapping[str, Node]) -> Fill:
    """How a ditch is filled from its canal."""
    level, salt = fields.field(fields.WATER_LEVEL), fields.field(fields.CONDUCTIVITY_25)
    with table as t:
        lift = output_ref(t.table("lift"), nodes, "lift") if t.has("lift") else None
        fill = Fill(
            name=t.text("name"),
            level=sensor_ref(t.table("level"), nodes, level.id),
            conductivity=tuple(sensor_ref(c, nodes, salt.id) for c in t.tables("conductivity", 1, 4)),
            sluice=output_ref(t.table("sluice"), nodes, "sluice") if t.has("sluice") else None,
            lift=lift,
            lift_min_level_mm=t.whole("lift_min_level_mm", level.value_min, level.value_max) if lift else None,
            start_level_mm=t.whole("start_level_mm", level.value_min, level.value_max),
            target_level_mm=t.whole("target_level_mm", level.value_min, level.value_max),
            min_head_mm=t.whole("min_head_mm", 1, MAX_HEAD_MM),
            limit_us_cm=t.whole("limit_us_cm", 1, salt.value_max),
            reopen_us_cm=t.whole("reopen_us_cm", 1, salt.value_max),
            max_age_s=_max_age_s(t),
            drain_level_mm=t.whole("drain_level_mm", level.value_min, level.value_max)
            if t.has("drain_level_mm")
            else None,
        )
        if fill.drain_level_mm is not None and fill.sluice is None:
            t.refuse("drain_level_mm", "left out where there is no sluice")
        if fill.drain_level_mm is not None and fill.drain_level_mm <= fill.target_level_mm:
            t.refuse("drain_level_mm", f"more than target_level_mm ({fill.target_level_mm})")
        if fill.sluice is None and lift is None:
            t.refuse("sluice", "the sluice, or a lift: the ditch must be filled by something")
        if fill.start_level_mm >= fill.target_level_mm:
            t.refuse("start_level_mm", f"less than target_level_mm ({fill.target_level_mm})")
        if 5 * fill.reopen_us_cm > 4 * fill.limit_us_cm:
            t.refuse("reopen_us_cm", f"at most 0.8 times limit_us_cm ({fill.limit_us_cm * 4 // 5})")
        _read_often(t, nodes, fill)
        return fill


def _max_age_s(t: Table) -> int:
    return t.whole("max_age_s", 1, MAX_AGE_S) if t.has("max_age_s") else AGE_S


def _read_often(t: Table, nodes: Mapping[str, Node], water: Source | Fill) -> None:
    level, salt = fields.field(fields.WATER_LEVEL), fields.field(fields.CONDUCTIVITY_25)
    for what, ref in [(level, water.level), *((salt, ref) for ref in water.conductivity)]:
        every_s = nodes[ref.node].told_s(what.id, ref.channel)
        if 2 * every_s > water.max_age_s:
            name = f"{what.name}/{ref.channel} of {ref.node}"
            t.refuse("max_age_s", f"at least twice the sample_s of {name} ({every_s}); read that more often")


def levels(sources: Iterable[Source]) -> frozenset[tuple[str, int]]:
    """Node and channel of each level of a ditch or canal."""
    refs = [ref for source in sources for ref in (source.level, source.fill.level if source.fill else None)]
    return frozenset((ref.node, ref.channel) for ref in refs if ref)


def crop_limit_us_cm(t: Table, crop: str) -> int:
    """The salt that the crop bears: what an adviser has set for the zone, or else the table's for the crop."""
    if t.has("limit_us_cm"):
        return t.whole("limit_us_cm", 1, fields.field(fields.CONDUCTIVITY_25).value_max)
    return salinity.tolerance(crop).limit_us_cm
