"""The registry's part about letting water out: pumps with their main valve, hours and meter, and gardens that soak.

Rules
1. As in ``gateway.registry``: complete and consistent, or refused with key, value and allowed range. All of it may be
   left out; a pump of which nothing is said is like ``gateway.core.pumps.PLAIN``.
2. A ``[[pump]]`` says more about an output of kind pump that gardens use. Its main valve is on its own node, so that
   one link carries both, and serves no other pump. Of the lift of a ditch it says least run, rest and starts only.
3. A meter that guards is read at least every METER_S, or a burst would be seen too late; that of a pump every
   PUMP_METER_S, because a pump that runs dry is stopped within 15 s. Its pace while water runs (``on_s``) counts only
   where its node lets that water run: no node knows of the outputs of another.
4. A cycle is as long as the least run of its pump at least. It may be given in minutes, or follows from how fast the
   soil takes water in (``infiltration_mm_h``): then what comes in a cycle beyond that stands for POND_MM at most, and
   soaks in before the next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from gateway.core.pumps import DAY_MS, Hours
from gateway.core.village import Node, OutputRef, Pump, SensorRef, Soak, Source, Zone
from gateway.registry_water import output_ref, sensor_ref
from gateway.strict import Table
from wire import fields

METER_S, PUMP_METER_S = 10, 5
POND_MM = 5.0
MAX_WAIT_S = 600
MAX_CYCLE_MIN, MAX_SOAK_MIN = 600, 1_440
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def soak(t: Table, nodes: Mapping[str, Node], valve: OutputRef, area_m2: float, flow_lpm: float) -> Soak:
    """What a zone says of its own meter, its cycles and its soaking."""
    meter = _meter(t, nodes, valve, METER_S) if t.has("meter") else None
    fill_s = t.whole("fill_s", 0, MAX_WAIT_S) if t.has("fill_s") else Soak.fill_s
    if t.has("infiltration_mm_h"):
        if t.has("cycle_min"):
            t.refuse("cycle_min", "left out where infiltration_mm_h is given")
        return _by_infiltration(float(t.number("infiltration_mm_h", 1, 1000)), area_m2, flow_lpm, meter, fill_s)
    if not t.has("cycle_min"):
        if t.has("soak_min"):
            t.refuse("soak_min", "with cycle_min beside it")
        return Soak(meter, fill_s)
    cycle_min = t.whole("cycle_min", 1, MAX_CYCLE_MIN)
    return Soak(meter, fill_s, cycle_min, t.whole("soak_min", 1, MAX_SOAK_MIN))


def _by_infiltration(mm_h: float, area_m2: float, flow_lpm: float, meter: SensorRef | None, fill_s: int) -> Soak:
    """Rule 4. A garden that takes in more than comes needs no cycles."""
    comes_mm_h = flow_lpm * 60.0 / area_m2
    if comes_mm_h <= mm_h:
        return Soak(meter, fill_s)
    cycle_min = max(1, int(POND_MM / (comes_mm_h - mm_h) * 60.0))
    return Soak(meter, fill_s, min(MAX_CYCLE_MIN, cycle_min), min(MAX_SOAK_MIN, max(1, round(POND_MM / mm_h * 60.0))))


def pumps(
    root: Table, nodes: Mapping[str, Node], zones: Mapping[str, Zone], sources: Mapping[str, Source]
) -> dict[OutputRef, Pump]:
    """All that is said of pumps and lifts."""
    lifts = {source.fill.lift for source in sources.values() if source.fill}
    found: dict[OutputRef, Pump] = {}
    mains: set[OutputRef] = set()
    for table in root.tables("pump", 0, 100):
        with table as t:
            ref = output_ref(t.table("output"), nodes, "pump", "lift")
            t.where += f" {ref.node}/{ref.output}"
            if ref in found:
                t.refuse("output", "given only once")
            if ref in lifts:
                found[ref] = _lift(t, nodes, ref)
                continue
            if ref not in {zone.pump for zone in zones.values()}:
                t.refuse("output", "the pump of a zone of this file, or the lift of a source")
            pump = _pump(t, nodes, ref)
            if pump.main is not None and pump.main in mains:
                t.refuse("main", "a main valve that no other pump has")
            mains |= {pump.main} if pump.main else set()
            _fits(t, pump, ref, nodes, zones)
            found[ref] = pump
    return found


def _pump(t: Table, nodes: Mapping[str, Node], ref: OutputRef) -> Pump:
    main = output_ref(t.table("main"), nodes, "main") if t.has("main") else None
    if main is not None and main.node != ref.node:
        t.refuse("main", f"on the node of the pump ({ref.node})")
    plain = Pump()
    pump = replace(
        _motor(t),
        main=main,
        meter=_meter(t, nodes, ref, PUMP_METER_S) if t.has("meter") else None,
        lead_s=t.whole("lead_s", 0, MAX_WAIT_S) if t.has("lead_s") else plain.lead_s,
        lag_s=t.whole("lag_s", 0, MAX_WAIT_S) if t.has("lag_s") else plain.lag_s,
        prime_s=t.whole("prime_s", 0, MAX_WAIT_S) if t.has("prime_s") else plain.prime_s,
        open_hours=_hours(t, "open_hours"),
        quiet_hours=_hours(t, "quiet_hours"),
    )
    if t.has("min_flow_lpm"):
        if pump.meter is None:
            t.refuse("min_flow_lpm", "with a meter beside it")
        pump = replace(pump, min_flow_lpm=float(t.number("min_flow_lpm", 0, 5000)))
    return pump


def _motor(t: Table) -> Pump:
    """What is said of a motor that is not started too often."""
    plain = Pump()
    return replace(
        plain,
        min_run_s=t.whole("min_run_s", 1, 3600) if t.has("min_run_s") else plain.min_run_s,
        min_rest_s=t.whole("min_rest_s", 0, 3600) if t.has("min_rest_s") else plain.min_rest_s,
        starts_an_hour=t.whole("starts_an_hour", 1, 60) if t.has("starts_an_hour") else plain.starts_an_hour,
    )


def _lift(t: Table, nodes: Mapping[str, Node], ref: OutputRef) -> Pump:
    lift, output = _motor(t), nodes[ref.node].output(ref.output)
    assert output is not None  # output_ref saw to it
    if lift.min_run_s > output.hard_max_s:
        t.refuse("min_run_s", f"at most the hard_max_s of the output ({output.hard_max_s})")
    return lift


def _meter(t: Table, nodes: Mapping[str, Node], guards: OutputRef, most_s: int) -> SensorRef:
    ref = sensor_ref(t.table("meter"), nodes, fields.FLOW)
    node = nodes[ref.node]
    pace_s = node.watch_s if ref.node == guards.node else node.every_s
    every_s = pace_s(fields.FLOW, ref.channel)
    if every_s > most_s:
        t.refuse("meter", f"one that is read every {most_s} s at least while water runs (it is every {every_s} s)")
    return ref


def _hours(t: Table, key: str) -> tuple[Hours, ...]:
    found: list[Hours] = []
    for table in t.tables(key, 0, 12):
        with table as span:
            start, end = _minute(span, "from"), _minute(span, "to")
            if start == end:
                span.refuse("to", "another time than from")
            found.append(Hours(start, end))
    return tuple(found)


def _minute(t: Table, key: str) -> int:
    found = _CLOCK.fullmatch(t.text(key))
    if found is None:
        t.refuse(key, 'a time such as "05:30"')
    return int(found[1]) * 60 + int(found[2])


def _fits(t: Table, pump: Pump, ref: OutputRef, nodes: Mapping[str, Node], zones: Mapping[str, Zone]) -> None:
    """What a pump asks for must be possible for each of its gardens."""
    if not any(1000 * pump.min_run_s <= end - start for start, end in pump.chosen().windows(0, 2 * DAY_MS)):
        t.refuse("quiet_hours", "hours that leave the pump some time to run")
    for zone in (zone for zone in zones.values() if zone.pump == ref):
        most_s = zone.max_run_s - pump.lead_s
        if pump.min_run_s > most_s:
            t.refuse("min_run_s", f"at most the max_run_s of zone {zone.id}, less lead_s ({most_s})")
        cycle_min = zone.soak.cycle_min
        if cycle_min is not None and 60 * cycle_min < pump.min_run_s:
            t.refuse("min_run_s", f"at most the cycle of zone {zone.id} ({60 * cycle_min} s)")
    if pump.main is not None:
        main, own = nodes[ref.node].output(pump.main.output), nodes[ref.node].output(ref.output)
        assert main is not None and own is not None  # output_ref saw to it
        if main.hard_max_s < own.hard_max_s:
            t.refuse("main", f"an output with the hard_max_s of its pump at least ({own.hard_max_s})")


def in_use(pumps_of_village: Mapping[OutputRef, Pump]) -> list[tuple[OutputRef, str]]:
    """The outputs that pumps use beside themselves, and where that is said."""
    return [(pump.main, f"pump {ref.node}/{ref.output}.main") for ref, pump in pumps_of_village.items() if pump.main]
