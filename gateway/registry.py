"""The registry of a village: who is there, what is wired to what, and within which limits. Read from village.toml.

Rules
1. The registry holds no secret, so it can be shown, copied and kept in version control.
2. It is complete and consistent or it is refused: every reference exists and is of the right kind, every limit is
   within its range. What runs on it never has to ask again.
3. An attribute has the name and the unit of its key in the file. Quantities are written in the field's unit
   (``value = [0.05, 0.42]`` m3/m3) and are kept as the scaled integers of ``wire.fields``.
4. A reading of a source that is older than ``max_age_s`` counts as no water. So it is bounded by MAX_SOURCE_AGE_S, and
   a sensor of the source is read at least twice in that time, or one lost reading would stop every pump.
5. Several calibrations of a sensor are its history: the ids rise, the last one is in force. Id 0 is "none".
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from gateway import agronomy
from gateway.core.village import (
    HOUSEKEEPING,
    Broker,
    Calibration,
    Cloud,
    Node,
    Output,
    OutputRef,
    Sensor,
    SensorRef,
    Source,
    Village,
    Web,
    Zone,
)
from gateway.strict import RegistryError, Table
from wire import commands, fields

__all__ = [
    "Broker",
    "Calibration",
    "Cloud",
    "Node",
    "Output",
    "OutputRef",
    "RegistryError",
    "Sensor",
    "SensorRef",
    "Source",
    "Village",
    "Web",
    "Zone",
    "load",
    "parse",
]

MODELS = ("soil", "level", "valve")
KINDS = ("valve", "pump")
MAX_NODES = 500
MAX_FILE_BYTES = 1_000_000
DAY_S = 86_400
SOURCE_AGE_S = 180
MAX_SOURCE_AGE_S = 300
MAX_RUN_S = commands.MAX_DURATION_MS // 1000
# Not to be wired by hand: the outputs' states, and what a node says of itself without being told.
NOT_SENSORS = (fields.OUTPUT, *(f for f in HOUSEKEEPING if f != fields.BATTERY))


def load(path: Path) -> Village:
    """The village of a file. Raises RegistryError with one line."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RegistryError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RegistryError(f"{path}: not found; write the village's registry there") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"{path}: cannot be read: {error}") from error
    try:
        return parse(text)
    except RegistryError as error:
        raise RegistryError(f"{path}: {error}") from error


def parse(text: str) -> Village:
    """The village of a registry text. Raises RegistryError with one line."""
    try:
        found = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, ArithmeticError, RecursionError) as error:
        raise RegistryError(f"not TOML: {error}") from error
    with Table(found, "") as root:
        nodes = _unique("node", [_node(t) for t in root.tables("node", 1, MAX_NODES)])
        sources = _unique("source", [_source(t, nodes) for t in root.tables("source", 0, 50)])
        zones = _unique("zone", [_zone(t, nodes, sources) for t in root.tables("zone", 0, 200)])
        _one_zone_a_valve(zones)
        station = agronomy.station(root, nodes)
        with root.table("broker") as t:
            broker = Broker(t.host("host"), t.whole("port", 1, 65535))
            if broker.host == "0.0.0.0":
                t.refuse("host", "the one address at which the nodes reach this gateway")
        with root.table("web") as t:
            web = Web(t.host("host"), t.whole("port", 1, 65535))
        cloud = None
        if root.has("cloud"):
            with root.table("cloud") as t:
                cloud = Cloud(t.url("url"))
        with root.table("village") as t:
            return Village(
                id=t.id("id"),
                name=t.text("name"),
                latitude=float(t.number("latitude", -90, 90)),
                longitude=float(t.number("longitude", -180, 180)),
                elevation_m=float(t.number("elevation_m", -100, 5000)),
                broker=broker,
                web=web,
                cloud=cloud,
                nodes=nodes,
                sources=sources,
                zones=zones,
                station=station,
            )


_Named = TypeVar("_Named", Node, Source, Zone)


def _unique(what: str, entries: list[_Named]) -> dict[str, _Named]:
    by_id: dict[str, _Named] = {}
    for place, entry in enumerate(entries, start=1):
        if entry.id in by_id:
            raise RegistryError(f"{what}[{place}].id = {entry.id!r}: must be given only once")
        by_id[entry.id] = entry
    return by_id


def _node(table: Table) -> Node:
    with table as t:
        node_id = t.id("id")
        t.where += f" {node_id!r}"
        sensors = tuple(_sensor(s) for s in t.tables("sensor", 0, 32))
        outputs = tuple(_output(o) for o in t.tables("output", 0, commands.MAX_OUTPUTS))
        taken: set[tuple[str, int, int]] = set()
        for key, number, channel in [("sensor", s.field, s.channel) for s in sensors] + [
            ("output", 0, o.index) for o in outputs
        ]:
            if (key, number, channel) in taken:
                t.refuse(key, "different in field and channel (or index) from the others of the node")
            taken.add((key, number, channel))
        node = Node(
            id=node_id,
            model=t.choice("model", MODELS),
            name=t.text("name"),
            sample_s=t.whole("sample_s", 1, DAY_S),
            sensors=sensors,
            outputs=outputs,
        )
        if outputs and node.model != "valve":
            t.refuse("model", '"valve", because the node has outputs')
        return node


def _sensor(table: Table) -> Sensor:
    with table as t:
        name = t.choice("field", tuple(f.name for f in fields.FIELDS if f.id not in NOT_SENSORS))
        what = fields.field_by_name(name)
        channel = t.whole("channel", 0, 15)
        t.where += f" {name}/{channel}"
        called = t.text("name") if t.has("name") else ""
        low = 0 if _is_own_value(what) else 1
        calibrations = tuple(_calibration(c, what) for c in t.tables("calibration", low, 100))
        ids = [c.id for c in calibrations]
        if ids != sorted(set(ids)):
            raise RegistryError(f"{t.where}.calibration: the ids must rise, but are {ids}")
        sample_s = t.whole("sample_s", 1, DAY_S) if t.has("sample_s") else None
        return Sensor(what.id, channel, calibrations, sample_s, called)


def _is_own_value(what: fields.Field) -> bool:
    """Whether raw and value of a field are the same number, so that no calibration is needed."""
    return (what.raw_min, what.raw_max) == (what.value_min, what.value_max)


def _calibration(table: Table, what: fields.Field) -> Calibration:
    with table as t:
        calibration_id = t.whole("id", 1, 1_000_000)
        raw_0, raw_1 = t.pair("raw", what.raw_min, what.raw_max)
        if raw_0 == raw_1 or raw_0 != int(raw_0) or raw_1 != int(raw_1):
            t.refuse("raw", "two different whole numbers")
        unit = Decimal(10) ** what.decimals
        quantities = t.pair("value", what.value_min / unit, what.value_max / unit)
        scaled = [q * unit for q in quantities]
        if any(v != int(v) for v in scaled):
            t.refuse("value", f"in {what.unit} with at most {what.decimals} decimals")
        points = sorted(((int(raw_0), int(scaled[0])), (int(raw_1), int(scaled[1]))))
        return Calibration(calibration_id, (points[0][0], points[1][0]), (points[0][1], points[1][1]))


def _output(table: Table) -> Output:
    with table as t:
        return Output(
            index=t.whole("index", 0, commands.MAX_OUTPUTS - 1),
            kind=t.choice("kind", KINDS),
            hard_max_s=t.whole("hard_max_s", 1, MAX_RUN_S),
            min_rest_s=t.whole("min_rest_s", 0, DAY_S),
        )


def _sensor_ref(table: Table, nodes: Mapping[str, Node], field_id: int) -> SensorRef:
    name = fields.field(field_id).name
    with table as t:
        ref = SensorRef(t.id("node"), t.whole("channel", 0, 15))
        node = nodes.get(ref.node)
        if node is None:
            t.refuse("node", "the id of a node of this file")
        if (field_id, ref.channel) not in {(s.field, s.channel) for s in node.sensors}:
            t.refuse("channel", f"a channel on which node {ref.node} measures {name}")
        return ref


def _output_ref(table: Table, nodes: Mapping[str, Node], kind: str) -> OutputRef:
    with table as t:
        ref = OutputRef(t.id("node"), t.whole("output", 0, commands.MAX_OUTPUTS - 1))
        node = nodes.get(ref.node)
        if node is None:
            t.refuse("node", "the id of a node of this file")
        output = node.output(ref.output)
        if output is None or output.kind != kind:
            t.refuse("output", f"the index of a {kind} of node {ref.node}")
        return ref


def _source(table: Table, nodes: Mapping[str, Node]) -> Source:
    with table as t:
        source_id = t.id("id")
        t.where += f" {source_id!r}"
        level = fields.field(fields.WATER_LEVEL)
        salt = fields.field(fields.CONDUCTIVITY_25)
        source = Source(
            id=source_id,
            name=t.text("name"),
            level=_sensor_ref(t.table("level"), nodes, level.id),
            min_level_mm=t.whole("min_level_mm", level.value_min, level.value_max),
            reopen_level_mm=t.whole("reopen_level_mm", level.value_min, level.value_max),
            conductivity=tuple(_sensor_ref(c, nodes, salt.id) for c in t.tables("conductivity", 1, 4)),
            limit_us_cm=t.whole("limit_us_cm", 1, salt.value_max),
            reopen_us_cm=t.whole("reopen_us_cm", 0, salt.value_max),
            max_age_s=t.whole("max_age_s", 1, MAX_SOURCE_AGE_S) if t.has("max_age_s") else SOURCE_AGE_S,
        )
        if source.reopen_level_mm < source.min_level_mm:
            t.refuse("reopen_level_mm", f"at least min_level_mm ({source.min_level_mm})")
        if source.reopen_us_cm > source.limit_us_cm:
            t.refuse("reopen_us_cm", f"at most limit_us_cm ({source.limit_us_cm})")
        for what, ref in [(level, source.level), *((salt, ref) for ref in source.conductivity)]:
            every_s = nodes[ref.node].every_s(what.id, ref.channel)
            if 2 * every_s > source.max_age_s:
                name = f"{what.name}/{ref.channel} of {ref.node}"
                t.refuse("max_age_s", f"at least twice the sample_s of {name} ({every_s}); read that more often")
        return source


def _zone(table: Table, nodes: Mapping[str, Node], sources: Mapping[str, Source]) -> Zone:
    with table as t:
        zone_id = t.id("id")
        t.where += f" {zone_id!r}"
        area_m2 = float(t.number("area_m2", 1, 1_000_000))
        ground, crop_source = agronomy.ground(t, area_m2)
        dry_vwc, target_vwc = agronomy.marks(t, ground)
        zone = Zone(
            id=zone_id,
            name=t.text("name"),
            crop=agronomy.crop_name(t),
            area_m2=area_m2,
            probes=tuple(_sensor_ref(p, nodes, fields.SOIL_MOISTURE) for p in t.tables("probes", 1, 16)),
            valve=_output_ref(t.table("valve"), nodes, "valve"),
            pump=_output_ref(t.table("pump"), nodes, "pump"),
            source=t.id("source"),
            dry_vwc=dry_vwc,
            target_vwc=target_vwc,
            max_run_s=t.whole("max_run_s", 1, MAX_RUN_S),
            min_rest_s=t.whole("min_rest_s", 0, DAY_S),
            flow_lpm=float(t.number("flow_lpm", Decimal("0.1"), 5000)),
            ground=ground,
            crop_source=crop_source,
        )
        if zone.source not in sources:
            t.refuse("source", "the id of a source of this file")
        if len(set(zone.probes)) != len(zone.probes):
            t.refuse("probes", "different probes")
        if zone.valve.node != zone.pump.node:
            # The node itself keeps a pump from running without an open valve, so it must own both.
            t.refuse("pump", f"on the node of the valve ({zone.valve.node})")
        hard_max_s = min(_hard_max_s(nodes, zone.valve), _hard_max_s(nodes, zone.pump))
        if zone.max_run_s > hard_max_s:
            t.refuse("max_run_s", f"at most the hard_max_s of its valve and pump ({hard_max_s})")
        return zone


def _hard_max_s(nodes: Mapping[str, Node], ref: OutputRef) -> int:
    output = nodes[ref.node].output(ref.output)
    assert output is not None  # _output_ref saw to it
    return output.hard_max_s


def _one_zone_a_valve(zones: Mapping[str, Zone]) -> None:
    owner: dict[OutputRef, str] = {}
    for zone in zones.values():
        if zone.valve in owner:
            raise RegistryError(
                f"zone {zone.id!r}.valve = {zone.valve.node}/{zone.valve.output}: must not be the valve "
                f"of another zone too ({owner[zone.valve]})"
            )
        owner[zone.valve] = zone.id
