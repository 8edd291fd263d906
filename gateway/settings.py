"""From the registry to what the irrigation's core is given: settings and limits, stretched where the clock runs fast.

Rules
1. A length that waits for the network or for another process lasts at least some real time (``stretch_ms``); on a
   real gateway it is exactly what the registry and ``Limits`` say.
2. A probe may be two reporting periods old (D1), and as long more as its node sleeps between two talks; a node may be
   unheard for three. A minute is added for the way.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core.pumps import PumpSettings
from gateway.core.types import (
    FillSettings,
    Limits,
    OutputRef,
    OutputSettings,
    SensorRef,
    Settings,
    SourceSettings,
    ZoneSettings,
)
from gateway.core.village import Fill, Node, Source, Village, Zone
from gateway.core.village import OutputRef as RegistryOutput
from gateway.core.village import SensorRef as RegistrySensor
from gateway.core.weather import Place, StationSettings
from kit.clock import Clock, stretch_ms
from wire import fields

WAY_MS = 60_000
WAY_REAL_MS = 3_000
NO_PROBE_S = 300  # of a garden that is not watered by its soil
E4 = 10 ** fields.field(fields.SOIL_MOISTURE).decimals


def limits_of(clock: Clock) -> Limits:
    """The limits of a gateway whose clock is this one."""
    plain = Limits()
    return Limits(
        answer_ms=stretch_ms(clock, plain.answer_ms, 1_000),
        lease_ms=stretch_ms(clock, plain.lease_ms, 1_500),
        ahead_ms=stretch_ms(clock, plain.ahead_ms, 1_000),
    )


def settings_of(village: Village, clock: Clock) -> Settings:
    """The settings of a village."""
    way_ms = stretch_ms(clock, WAY_MS, WAY_REAL_MS)
    return Settings(
        place=Place(village.latitude, village.longitude, village.elevation_m),
        station=_station(village),
        zones=tuple(_zone(zone, village, way_ms) for zone in village.zones.values()),
        sources=tuple(_source(source, village, clock) for source in village.sources.values()),
        pumps=_pumps(village),
        outputs={
            OutputRef(node.id, output.index).key: OutputSettings(
                hard_max_ms=output.hard_max_s * 1000,
                min_rest_ms=output.min_rest_s * 1000,
                silent_ms=3 * node.sample_s * 1000 + way_ms,
            )
            for node in village.nodes.values()
            for output in node.outputs
        },
    )


def _zone(zone: Zone, village: Village, way_ms: int) -> ZoneSettings:
    nodes: list[Node] = [village.nodes[probe.node] for probe in zone.probes]
    return ZoneSettings(
        id=zone.id,
        name=zone.name,
        probes=tuple(SensorRef(p.node, fields.SOIL_MOISTURE, p.channel) for p in zone.probes),
        probe_max_age_ms=1000 * max((2 * n.sample_s + n.send_s for n in nodes), default=2 * NO_PROBE_S) + way_ms,
        valve=_output(zone.valve),
        pump=_output(zone.pump),
        source=zone.source,
        dry_e4=round(zone.dry_vwc * E4),
        target_e4=round(zone.target_vwc * E4),
        max_run_ms=zone.max_run_s * 1000,
        min_rest_ms=zone.min_rest_s * 1000,
        flow_ml_min=round(zone.flow_lpm * 1000),
        limit_us_cm=zone.limit_us_cm,
        ground=zone.ground,
        plan=zone.plan,
        meter=_water_meter(zone, village),
        watched=_flow(zone.soak.meter),
        fill_ms=zone.soak.fill_s * 1000,
        cycle_ms=None if zone.soak.cycle_min is None else zone.soak.cycle_min * 60_000,
        soak_ms=zone.soak.soak_min * 60_000,
    )


def _water_meter(zone: Zone, village: Village) -> SensorRef | None:
    """What the water of a garden is reckoned by: its own meter, its pump's, or else the one of its node."""
    pump = village.pumps.get(zone.pump)
    return _flow(zone.soak.meter) or _flow(pump.meter if pump else None) or _meter(village.nodes[zone.pump.node])


def _flow(ref: RegistrySensor | None) -> SensorRef | None:
    return SensorRef(ref.node, fields.FLOW, ref.channel) if ref else None


def _pumps(village: Village) -> dict[str, PumpSettings]:
    return {
        _output(ref).key: replace(
            pump.chosen(), main=_output(pump.main) if pump.main else None, meter=_flow(pump.meter)
        )
        for ref, pump in village.pumps.items()
    }


def _meter(node: Node) -> SensorRef | None:
    """The flow sensor of a node with one pump: then what it measures is the water of the garden that is watered."""
    meters = [sensor for sensor in node.sensors if sensor.field == fields.FLOW]
    pumps = [output for output in node.outputs if output.kind == "pump"]
    return SensorRef(node.id, fields.FLOW, meters[0].channel) if len(meters) == len(pumps) == 1 else None


def _station(village: Village) -> StationSettings:
    rain, air = village.station.rain, village.station.air
    return StationSettings(
        rain=SensorRef(rain.node, fields.RAIN, rain.channel) if rain else None,
        air=tuple(SensorRef(ref.node, field, ref.channel) for field, ref in air.items()),
    )


def _source(source: Source, village: Village, clock: Clock) -> SourceSettings:
    return SourceSettings(
        id=source.id,
        name=source.name,
        level=_level(source.level),
        min_level_mm=source.min_level_mm,
        reopen_level_mm=source.reopen_level_mm,
        conductivity=_salts(source.conductivity),
        limit_us_cm=source.limit_us_cm,
        reopen_us_cm=source.reopen_us_cm,
        max_age_ms=stretch_ms(clock, source.max_age_s * 1000, WAY_REAL_MS),
        salt_places=_salt_places(source, village),
        fill=_fill(source, source.fill, clock) if source.fill else None,
    )


def _salt_places(source: Source, village: Village) -> tuple[str, ...]:
    """Which water each conductivity sensor is in: its own name, or that of its node when there are several."""
    several = len(source.conductivity) > 1
    places: list[str] = []
    for ref in source.conductivity:
        node = village.nodes[ref.node]
        sensor = node.sensor(fields.CONDUCTIVITY_25, ref.channel)
        other = f"nước chỗ {_in_a_sentence(node.name)}" if several else f"nước {_in_a_sentence(source.name)}"
        places.append(sensor.name if sensor and sensor.name else other)
    return tuple(places)


def _in_a_sentence(name: str) -> str:
    return name[:1].lower() + name[1:]


def _fill(source: Source, fill: Fill, clock: Clock) -> FillSettings:
    """The canal is a source of its own; its low mark is the lift's, with as much to come back as the ditch has."""
    reopen_mm = source.reopen_level_mm - source.min_level_mm
    no_lift = fields.field(fields.WATER_LEVEL).value_min
    min_level_mm = no_lift if fill.lift_min_level_mm is None else fill.lift_min_level_mm
    return FillSettings(
        canal=SourceSettings(
            id=f"{source.id}/canal",
            name=fill.name,
            level=_level(fill.level),
            min_level_mm=min_level_mm,
            reopen_level_mm=min_level_mm + reopen_mm,
            conductivity=_salts(fill.conductivity),
            limit_us_cm=fill.limit_us_cm,
            reopen_us_cm=fill.reopen_us_cm,
            max_age_ms=stretch_ms(clock, fill.max_age_s * 1000, WAY_REAL_MS),
        ),
        sluice=_output(fill.sluice) if fill.sluice else None,
        lift=_output(fill.lift) if fill.lift else None,
        start_level_mm=fill.start_level_mm,
        target_level_mm=fill.target_level_mm,
        min_head_mm=fill.min_head_mm,
        drain_level_mm=fill.drain_level_mm,
    )


def _output(ref: RegistryOutput) -> OutputRef:
    return OutputRef(ref.node, ref.output)


def _level(ref: RegistrySensor) -> SensorRef:
    return SensorRef(ref.node, fields.WATER_LEVEL, ref.channel)


def _salts(refs: tuple[RegistrySensor, ...]) -> tuple[SensorRef, ...]:
    return tuple(SensorRef(ref.node, fields.CONDUCTIVITY_25, ref.channel) for ref in refs)
