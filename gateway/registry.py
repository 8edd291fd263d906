"""The registry of a village: who is there, what is wired to what, and within which limits. Read from village.toml.

Rules
1. The registry holds no secret, so it can be shown, copied and kept in version control.
2. It is complete and consistent or it is refused: every reference exists and is of the right kind, every limit is
   within its range. What runs on it never has to ask again.
3. An attribute has the name and the unit of its key in the file. Quantities are written in the field's unit
   (``value = [0.05, 0.42]`` m3/m3) and are kept as the scaled integers of ``wire.fields``.
4. Several calibrations of a sensor are its history: the ids rise, the last one is in force. Id 0 is "none".
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from gateway import (
    agronomy,
    registry_boards,
    registry_delivery,
    registry_local,
    registry_plans,
    registry_relay,
    registry_sleep,
)
from gateway.core.village import (
    HOUSEKEEPING,
    Broker,
    Calibration,
    Cloud,
    Fill,
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
from gateway.registry_phases import About
from gateway.registry_water import crop_limit_us_cm, levels, output_ref, sensor_ref, source
from gateway.strict import RegistryError, Table
from wire import commands, fields

__all__ = [
    "Broker",
    "Calibration",
    "Cloud",
    "Fill",
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

KINDS = ("valve", "pump", "main", "sluice", "lift")  # a sluice and a lift need no path, and are none to a pump
MAX_NODES = 500
MAX_FILE_BYTES = 1_000_000
DAY_S = 86_400
MAX_RUN_S = commands.MAX_DURATION_MS // 1000
# Not to be wired by hand: the outputs' states, and what a node says of itself without being told.
NOT_SENSORS = (fields.OUTPUT, *(f for f in HOUSEKEEPING if f != fields.BATTERY))


def load(path: Path) -> Village:
    """The village of a file. Raises RegistryError with one line."""
    return parse(read(path), path)


def read(path: Path) -> str:
    """The text of a file that is no registry yet. Raises RegistryError with one line."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RegistryError(f"larger than {MAX_FILE_BYTES} bytes", file=path)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RegistryError("not found; write the village's registry there", file=path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"cannot be read: {error}", file=path) from error


def parse(text: str, file: Path | None = None) -> Village:
    """The village of a registry text, which is that of ``file``. Raises RegistryError with one line."""
    try:
        return _parse(text)
    except RegistryError as error:
        raise error.of(file) from error


def _parse(text: str) -> Village:
    try:
        found = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:  # ValueError: also of an endless number
        raise RegistryError(f"not TOML: {error}") from error
    with Table(found, "") as root:
        nodes = _unique("node", [_node(t) for t in root.tables("node", 1, MAX_NODES)])
        registry_relay.check(nodes)
        sources = _unique("source", [source(t, nodes) for t in root.tables("source", 0, 50)])
        zones = _unique("zone", [_zone(t, nodes, sources) for t in root.tables("zone", 0, 200)])
        pumps = registry_delivery.pumps(root, nodes, zones, sources)
        _one_user_each(zones, sources, registry_delivery.in_use(pumps))
        station = agronomy.station(root, nodes)
        with root.table("broker") as t:
            port = t.whole("port", 1, 65535)
            enrol_port = t.whole("enrol_port", 1, 65535) if t.has("enrol_port") else port % 65535 + 1
            broker = Broker(t.host("host"), port, enrol_port)
            if enrol_port == port:
                t.refuse("enrol_port", "another port than that of the broker")
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
                pumps=pumps,
            )


_Named = TypeVar("_Named", Node, Source, Zone)


def _unique(what: str, entries: list[_Named]) -> dict[str, _Named]:
    by_id: dict[str, _Named] = {}
    for place, entry in enumerate(entries, start=1):
        if entry.id in by_id:
            raise RegistryError("must be given only once", f"{what}[{place}].id", repr(entry.id))
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
            model=t.choice("model", registry_boards.MODELS),
            name=t.text("name"),
            sample_s=t.whole("sample_s", 1, DAY_S),
            sensors=sensors,
            outputs=outputs,
            board=registry_boards.board(t),
            via=t.id("via") if t.has("via") else "",
            send_s=registry_sleep.send_s(t),
        )
        registry_sleep.check(t, node)
        registry_boards.check(t, node)
        return replace(node, local=registry_local.local(t, node))


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
            raise RegistryError("must have ids that rise", f"{t.where}.calibration", str(ids))
        sample_s = t.whole("sample_s", 1, DAY_S) if t.has("sample_s") else None
        on_s = t.whole("on_s", 1, 60) if t.has("on_s") else None
        return Sensor(what.id, channel, calibrations, sample_s, called, on_s, registry_boards.wiring(t, what.id))


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


def _zone(table: Table, nodes: Mapping[str, Node], sources: Mapping[str, Source]) -> Zone:
    with table as t:
        zone_id = t.id("id")
        t.where += f" {zone_id!r}"
        area_m2 = float(t.number("area_m2", 1, 1_000_000))
        ground, crop_source = agronomy.ground(t, area_m2)
        crop = agronomy.crop_name(t)
        by_soil = registry_plans.kind_of(t) not in registry_plans.WITHOUT_PROBES
        dry_vwc, target_vwc = agronomy.marks(t, ground, needed=by_soil)
        flow_lpm = float(t.number("flow_lpm", Decimal("0.1"), 5000))
        own_kc, waters = agronomy.has_own_kc(t), levels(sources.values())
        about = About(crop, area_m2, flow_lpm, ground, (dry_vwc, target_vwc), own_kc, waters)
        plan, figures = registry_plans.plan(t, about, nodes)
        valve = output_ref(t.table("valve"), nodes, "valve")
        zone = Zone(
            id=zone_id,
            name=t.text("name"),
            crop=crop,
            area_m2=area_m2,
            probes=tuple(sensor_ref(p, nodes, fields.SOIL_MOISTURE) for p in t.tables("probes", int(by_soil), 16)),
            valve=valve,
            pump=output_ref(t.table("pump"), nodes, "pump"),
            source=t.id("source"),
            dry_vwc=dry_vwc,
            target_vwc=target_vwc,
            max_run_s=t.whole("max_run_s", 1, MAX_RUN_S),
            min_rest_s=t.whole("min_rest_s", 0, DAY_S),
            flow_lpm=flow_lpm,
            limit_us_cm=crop_limit_us_cm(t, crop),
            ground=ground,
            crop_source=crop_source,
            plan=plan,
            figures=figures,
            soak=registry_delivery.soak(t, nodes, valve, area_m2, flow_lpm),
        )
        if zone.source not in sources:
            t.refuse("source", "the id of a source of this file")
        for probe in zone.probes:
            registry_sleep.check_probe(t, nodes[probe.node])
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


def _one_user_each(zones: Mapping[str, Zone], sources: Mapping[str, Source], more: list[tuple[OutputRef, str]]) -> None:
    """A valve, main valve, sluice or lift serves one zone or ditch; and a ditch's decisions are not those of a zone."""
    uses = [(zone.valve, f"zone {zone.id!r}.valve") for zone in zones.values()] + more
    for ditch in sources.values():
        if ditch.fill is None:
            continue
        if ditch.id in zones:
            raise RegistryError("must not be the id of a zone too, because it is filled", f"source {ditch.id!r}.id")
        gates = (("sluice", ditch.fill.sluice), ("lift", ditch.fill.lift))
        uses += [(ref, f"source {ditch.id!r}.fill.{key}") for key, ref in gates if ref]
    owner: dict[OutputRef, str] = {}
    for ref, where in uses:
        if ref in owner:
            raise RegistryError(f"must not be in use elsewhere too ({owner[ref]})", where, f"{ref.node}/{ref.output}")
        owner[ref] = where
