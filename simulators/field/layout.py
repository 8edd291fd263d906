"""What stands where in the field: made from the village's registry and the field's own truth.

Rules of this module:
- The registry says how things are wired (probes, valves, pumps, calibrations); field.toml says what the ground, the
  ditch and the canal are like. Nothing is written down twice.
- A name in one that the other does not know is an error, with the name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.core.plans.kinds import Rice
from gateway.core.refs import SensorRef
from gateway.core.village import Node, Village
from gateway.core.village import Zone as RegistryZone
from simulators.field.canal import Canal
from simulators.field.ditch import Ditch
from simulators.field.evapotranspiration import Place
from simulators.field.sensors import Sensor
from simulators.field.soil import Soil
from wire.fields import BATTERY, SOIL_MOISTURE, field

Table = dict[str, Any]
MEASURES = (
    "ditch_level", "canal_level", "ditch_salinity", "canal_salinity",
    "water_temperature", "soil_temperature", "rain", "flow", "air_temperature", "air_humidity", "field_level",
)  # fmt: skip

# one standard deviation of the noise, in raw units
NOISE = {
    "soil_moisture": 2500.0, "soil_temperature": 5.0, "water_level": 3.0, "conductivity_25": 8.0,
    "water_temperature": 4.0, "rain": 0.0, "flow": 0.0, "battery": 4.0, "air_temperature": 10.0, "air_humidity": 100.0,
}  # fmt: skip


class LayoutError(Exception):
    """The registry and field.toml do not fit together."""


@dataclass(frozen=True)
class Zone:
    id: str
    soil: Soil
    start_vwc: float
    area_m2: float
    flow_lpm: float
    valve: tuple[str, int]
    pump: tuple[str, int]


@dataclass(frozen=True)
class Channel:
    """A sensor and what it looks at: a name of MEASURES, "battery", or "soil_moisture"; this and "field_level" of a
    zone."""

    sensor: Sensor
    measures: str
    zone: str = ""


@dataclass(frozen=True)
class Layout:
    place: Place
    canal: Canal
    ditch: Ditch
    ditch_start_mm: float
    ditch_start_us_cm: float
    zones: tuple[Zone, ...]
    channels: dict[tuple[str, int, int], Channel]  # (node, field id, channel)
    outputs: frozenset[tuple[str, int]]
    sluice: tuple[str, int] | None = None  # None: the culvert is always open
    lift: tuple[str, int] | None = None


def layout(village: Village, truth: Table, seed: int) -> Layout:
    try:
        return _layout(village, truth, seed)
    except KeyError as error:
        raise LayoutError(f"the field has no {error}") from error


def _layout(village: Village, truth: Table, seed: int) -> Layout:
    ditch = dict(truth["ditch"])
    start_mm, start_us_cm = ditch.pop("start_level_mm"), ditch.pop("start_us_cm")
    ground = {zone["id"]: {key: value for key, value in zone.items() if key != "id"} for zone in truth["zone"]}
    fills = [source.fill for source in village.sources.values() if source.fill]
    sluice, lift = (fills[0].sluice, fills[0].lift) if fills else (None, None)
    return Layout(
        place=Place(village.latitude, village.elevation_m),
        canal=Canal(**truth["canal"]),
        ditch=Ditch(**ditch),
        ditch_start_mm=start_mm,
        ditch_start_us_cm=start_us_cm,
        zones=tuple(_zone(zone, ground[zone.id]) for zone in village.zones.values()),
        channels={
            key: channel for node in village.nodes.values() for key, channel in _channels(village, node, truth, seed)
        },
        outputs=frozenset((node.id, output.index) for node in village.nodes.values() for output in node.outputs),
        sluice=(sluice.node, sluice.output) if sluice else None,
        lift=(lift.node, lift.output) if lift else None,
    )


def _zone(zone: RegistryZone, ground: Table) -> Zone:
    start_vwc = ground.pop("start_vwc")
    return Zone(
        id=zone.id,
        soil=Soil(**ground),
        start_vwc=start_vwc,
        area_m2=zone.area_m2,
        flow_lpm=zone.flow_lpm,
        valve=(zone.valve.node, zone.valve.output),
        pump=(zone.pump.node, zone.pump.output),
    )


def _channels(village: Village, node: Node, truth: Table, seed: int) -> Iterator[tuple[tuple[str, int, int], Channel]]:
    zone_of = {(probe.node, probe.channel): zone.id for zone in village.zones.values() for probe in zone.probes}
    probes = {(probe["node"], probe["channel"]): probe for probe in truth.get("probe", ())}
    measures = {(s["node"], s["field"], s["channel"]): s["measures"] for s in truth["sensor"]}
    fields_of = {(tube.node, tube.channel): zone.id for zone in village.zones.values() for tube in _tubes(zone)}
    for entry in node.sensors:
        name = field(entry.field).name
        sensor = Sensor(node.id, name, entry.channel, NOISE[name], seed=seed)
        at = (node.id, entry.field, entry.channel)
        if entry.field == BATTERY:
            yield at, Channel(sensor, "battery")
        elif entry.field == SOIL_MOISTURE:
            probe = probes.get((node.id, entry.channel), {})
            sensor.offset = probe.get("offset_vwc", 0.0) * 10_000
            sensor.fault = probe.get("fault", "")
            sensor.response = entry.calibration
            yield at, Channel(sensor, "soil_moisture", zone_of[(node.id, entry.channel)])
        else:
            looks_at = measures[(node.id, name, entry.channel)]
            if looks_at not in MEASURES:
                raise LayoutError(f"{node.id} measures {looks_at!r}, which is not one of {', '.join(MEASURES)}")
            yield at, Channel(sensor, looks_at, fields_of[at[0], at[2]] if looks_at == "field_level" else "")


def _tubes(zone: RegistryZone) -> tuple[SensorRef, ...]:
    return zone.plan.tubes if isinstance(zone.plan, Rice) else ()
