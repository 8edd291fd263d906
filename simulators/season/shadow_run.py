"""A shadow on its copy of the field: in the morning it is asked, then its gardens are watered one after another.

Rules of this module:
- Watering begins at BEGIN_H. Gardens of one pump follow each other, pumps run side by side; a day's watering of a
  pump ends after LONGEST_H at the latest, and what has found no place is dropped.
- The sluice stands open always: it is the farmer's culvert as it was before anything was measured.
- The garden gets what its valve passes in the time that the dose needs; when the ditch is empty it gets nothing.
"""

from __future__ import annotations

from collections import defaultdict

from gateway.core.shadow import Morning, Plot, Shadow
from gateway.core.types import SensorRef
from simulators.field.layout import Zone
from simulators.field.weather import DAY_MS, local_date
from simulators.season.climate import Climate
from simulators.season.readings import gauge
from simulators.season.scenario import Scenario
from simulators.season.trial import Trial
from wire.fields import FAIL, SOIL_MOISTURE

BEGIN_H = 5.5
LONGEST_H = 18.0
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


class ShadowRun:
    def __init__(self, scenario: Scenario, shadow: Shadow, trial: Trial, climate: Climate) -> None:
        self.trial = trial
        self._shadow = shadow
        self._climate = climate
        self._weather = scenario.weather
        zones = scenario.village.zones
        self._plots = {id: _plot(trial.zones[id], zone.dry_vwc, zone.target_vwc, climate) for id, zone in zones.items()}
        self._memory = {id: shadow.begin(plot) for id, plot in self._plots.items()}
        self._probes = {
            id: gauge(scenario.village, SensorRef(zone.probes[0].node, SOIL_MOISTURE, zone.probes[0].channel))
            for id, zone in zones.items()
            if zone.probes
        }

    def run(self, until_ms: int) -> None:
        """Whole days, until an instant."""
        if self.trial.world.layout.sluice:
            self.trial.world.set_output(*self.trial.world.layout.sluice, True)
        while self.trial.world.now_ms < until_ms:
            midnight_ms = self.trial.world.now_ms
            self.trial.advance(midnight_ms + int(BEGIN_H * HOUR_MS))
            self._water(self._asked())
            self.trial.advance(midnight_ms + DAY_MS)

    def _asked(self) -> dict[str, float]:
        """The doses of this morning."""
        now_ms = self.trial.world.now_ms
        self.trial.mischief.suffer(now_ms)
        yesterday = local_date(now_ms - DAY_MS)
        known = yesterday >= self._weather.first
        et0_mm = self._climate.et0_mm[yesterday] if known else 0.0
        rain_mm = self._weather.day(yesterday).rain_mm if known else 0.0
        doses = {}
        for zone, plot in self._plots.items():
            seen = self._probes[zone].read(self.trial.world, now_ms) if zone in self._probes else None
            probe_e4 = None if seen is None or seen.quality >= FAIL else seen.value
            morning = Morning(et0_mm, rain_mm, probe_e4)
            self._memory[zone], doses[zone] = self._shadow.water(plot, self._memory[zone], morning)
        return doses

    def _water(self, doses: dict[str, float]) -> None:
        world = self.trial.world
        free_ms: dict[tuple[str, int], int] = defaultdict(lambda: world.now_ms)
        last_ms = world.now_ms + int(LONGEST_H * HOUR_MS)
        switches: list[tuple[int, bool, Zone]] = []
        for id, mm in doses.items():
            zone = self.trial.zones[id]
            on_ms = free_ms[zone.pump]
            off_ms = min(last_ms, on_ms + round(mm * zone.area_m2 / zone.flow_lpm * MINUTE_MS))
            if off_ms > on_ms:
                switches += [(on_ms, True, zone), (off_ms, False, zone)]
                free_ms[zone.pump] = off_ms
        for at_ms, on, zone in sorted(switches, key=lambda switch: switch[:2]):  # what goes off goes first
            self.trial.advance(at_ms)
            world.set_output(*zone.valve, on)
            world.set_output(*zone.pump, on)


def _plot(zone: Zone, dry_vwc: float, target_vwc: float, climate: Climate) -> Plot:
    soil = zone.soil
    return Plot(
        crop_coefficient=soil.crop_coefficient,
        raw_mm=soil.depletion_fraction * (soil.field_capacity - soil.wilting_point) * soil.root_zone_mm,
        root_mm=soil.root_zone_mm,
        dry_e4=round(dry_vwc * 10_000),
        target_e4=round(target_vwc * 10_000),
        driest_mm=soil.crop_coefficient * climate.driest_et0_mm,
        depletion_mm=max(0.0, (soil.field_capacity - zone.start_vwc) * soil.root_zone_mm),
    )
