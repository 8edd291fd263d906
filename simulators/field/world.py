"""The field as a whole: sky, canal, ditch, gardens, pumps and sensors, moved on by village time.

Rules of this module:
- Time comes in by `advance(to_ms)`, never backwards; the steps are at most `step_ms` long and end at every change
  of an output.
- A pump moves water only while it is on and a valve that it feeds is open; the pump's flow is shared by its
  open zones.
- Where the village has a sluice the culvert is open only while that is on; there is one ditch, that of the first source
  that is filled.
- Same layout, weather, seed and same calls at the same times: same field, to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.field import canal, ditch, soil
from simulators.field.evapotranspiration import day_share, reference_et_mm
from simulators.field.layout import Channel, Layout, Zone
from simulators.field.sensors import battery_mv, humidity_pct, temperature_c
from simulators.field.weather import (
    DAY_MS,
    Day,
    Weather,
    day_fraction,
    local_date,
    local_midnight_ms,
    rain_between_mm,
)

STEP_MS = 30_000
RAIN_TIP_MM = 0.2
WATER = ("ditch_level", "canal_level", "ditch_salinity", "canal_salinity")


@dataclass
class ZoneTotals:
    litres: float = 0.0
    open_s: float = 0.0


class World:
    def __init__(self, layout: Layout, weather: Weather, seed: int, start_ms: int, step_ms: int = STEP_MS) -> None:
        self.layout = layout
        self.weather = weather
        self.seed = seed
        self.step_ms = step_ms
        self.now_ms = start_ms
        self._soils = {zone.id: zone.soil for zone in layout.zones}
        self.soil = {zone.id: soil.start(zone.soil, zone.start_vwc) for zone in layout.zones}
        self.ditch = ditch.start(layout.ditch, layout.ditch_start_mm, layout.ditch_start_us_cm)
        self.outputs = dict.fromkeys(layout.outputs, False)
        self.delivered = {zone.id: ZoneTotals() for zone in layout.zones}
        self.flow_lpm = {zone.id: 0.0 for zone in layout.zones}
        self.rain_mm = 0.0
        self._switched = frozenset(node for node, _index in layout.outputs)
        self._dawn(start_ms)

    def advance(self, to_ms: int) -> None:
        """Move the field on to `to_ms`; a time that has passed changes nothing."""
        while self.now_ms < to_ms:
            self._step(min(to_ms, self.now_ms + self.step_ms, self.midnight_ms))

    def _dawn(self, now_ms: int) -> None:
        """A day begins."""
        date = local_date(now_ms)
        self.midnight_ms = local_midnight_ms(date) + DAY_MS  # its end
        self._day: Day = self.weather.day(date)
        self._et0_mm = reference_et_mm(self._day, self.layout.place)

    def set_output(self, node: str, index: int, on: bool) -> None:
        """Switch an output now. KeyError for one that is not there."""
        if (node, index) not in self.outputs:
            raise KeyError(f"{node} has no output {index}")
        self.outputs[(node, index)] = on
        self.flow_lpm = {zone.id: self._demand_lpm(zone) for zone in self.layout.zones}

    def vwc(self, zone_id: str) -> float:
        return soil.vwc(self._soils[zone_id], self.soil[zone_id])

    def field_mm(self, zone_id: str) -> float:
        """The level of the water on, or in, a field."""
        return soil.level_mm(self._soils[zone_id], self.soil[zone_id])

    def read(self, node: str, field_id: int, channel: int) -> int | None:
        """What the converter of a sensor gives now; None when nothing answers, also when there is no such sensor."""
        found = self.layout.channels.get((node, field_id, channel))
        return None if found is None else found.sensor.read(self._truth(found))

    def _step(self, to_ms: int) -> None:
        hours = (to_ms - self.now_ms) / 3_600_000.0
        begin, end = day_fraction(self.now_ms), day_fraction(to_ms) or 1.0
        rain = rain_between_mm(self._day, self.seed, begin, end)
        et0 = self._et0_mm * day_share(begin, end)
        middle_ms = (self.now_ms + to_ms) / 2.0
        self.ditch = ditch.weather(self.layout.ditch, self.ditch, rain, et0)
        canal_us_cm = canal.conductivity_us_cm(self.layout.canal, middle_ms)
        self.ditch = ditch.exchange(
            self.layout.ditch,
            self.ditch,
            canal.level_mm(self.layout.canal, middle_ms),
            canal_us_cm,
            hours * 60.0,
            is_open=self.layout.sluice is None or self.outputs[self.layout.sluice],
        )
        if self.layout.lift and self.outputs[self.layout.lift]:
            self.ditch = ditch.lift(self.layout.ditch, self.ditch, canal_us_cm, hours * 60.0)
        watered = any(self.outputs.values())
        for zone in self.layout.zones:
            litres = self._deliver(zone, hours) if watered else 0.0
            self.soil[zone.id] = soil.step(zone.soil, self.soil[zone.id], rain, litres / zone.area_m2, et0, hours)
        self.rain_mm += rain
        self.now_ms = to_ms
        if to_ms == self.midnight_ms:
            self._dawn(to_ms)

    def _demand_lpm(self, zone: Zone) -> float:
        if not (self.outputs[zone.pump] and self.outputs[zone.valve]):
            return 0.0
        sharing = sum(1 for other in self.layout.zones if other.pump == zone.pump and self.outputs[other.valve])
        return zone.flow_lpm / sharing

    def _deliver(self, zone: Zone, hours: float) -> float:
        wanted_lpm = self._demand_lpm(zone)
        if wanted_lpm <= 0.0:
            return 0.0
        self.ditch, came = ditch.draw(self.layout.ditch, self.ditch, wanted_lpm * hours * 60.0)
        self.flow_lpm[zone.id] = came / (hours * 60.0)
        totals = self.delivered[zone.id]
        totals.litres += came
        totals.open_s += hours * 3600.0
        return came

    def _truth(self, channel: Channel) -> float:
        """The true value of what a channel looks at, in the scaled unit of its field."""
        if channel.measures == "soil_moisture":
            return self.vwc(channel.zone) * 10_000.0
        if channel.measures == "field_level":
            return self.field_mm(channel.zone)
        if channel.measures in WATER:
            return self.water(channel.measures)
        fraction = day_fraction(self.now_ms)
        if channel.measures == "battery":
            return battery_mv(fraction, 60.0 if channel.sensor.node in self._switched else 0.0)
        if channel.measures == "flow":
            node = channel.sensor.node
            return sum(self.flow_lpm[zone.id] for zone in self.layout.zones if zone.pump[0] == node) * 1000.0
        if channel.measures == "rain":
            return int(self.rain_mm / RAIN_TIP_MM + 1e-9) * RAIN_TIP_MM * 100.0
        if channel.measures.startswith("air_"):
            return self._air(channel.measures, fraction)
        damping, lag = (0.35, 0.12) if channel.measures.startswith("soil") else (0.45, 0.08)
        return temperature_c(self._day.tmin_c, self._day.tmax_c, fraction, damping, lag) * 100.0

    def _air(self, measures: str, fraction: float) -> float:
        now_c = temperature_c(self._day.tmin_c, self._day.tmax_c, fraction, 1.0, 0.0)
        if measures == "air_temperature":
            return now_c * 100.0
        return humidity_pct(self._day.rh_mean_pct, self._day.tmin_c, self._day.tmax_c, now_c) * 100.0

    def water(self, measures: str) -> float:
        """Level in mm or conductivity in µS/cm of the ditch or the canal."""
        if measures == "ditch_level":
            return ditch.level_mm(self.layout.ditch, self.ditch)
        if measures == "canal_level":
            return canal.level_mm(self.layout.canal, self.now_ms)
        if measures == "ditch_salinity":
            return ditch.conductivity_us_cm(self.ditch)
        return canal.conductivity_us_cm(self.layout.canal, self.now_ms)

    def report(self) -> dict[str, object]:
        """The truth of this moment, for the witness."""
        return {
            "vwc": {zone.id: round(self.vwc(zone.id), 5) for zone in self.layout.zones},
            "litres": {zone.id: round(self.delivered[zone.id].litres, 3) for zone in self.layout.zones},
            "rain_mm": round(self.rain_mm, 3),
            **{name: round(self.water(name), 1) for name in WATER},
        }
