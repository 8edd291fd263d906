"""The speed of the water balance: one season of many zones at once, against the same zones one by one.

Rules
1. The zones differ in soil, roots, crop and program, drawn from a seed, so that nothing can be shared between them.
2. Both sides compute the same: the results are compared, and a difference is an error.
3. pyfao56 is measured when it can be imported, over ``PEER_ZONES`` of the same zones, and counted up to all of them. It
   is no dependency of this project.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from gateway.core.fao56.atmosphere import Array, floats
from gateway.core.fao56.balance import Choices, Crop, Field, Result, Soil, begin
from gateway.core.fao56.crop import total_evaporable_mm
from gateway.core.fao56.season import Events, Weather, run
from kit.clock import real_mono_s

ZONES, DAYS, SEED = 1000, 180, 1
ALONE_ZONES, PEER_ZONES = 20, 5
START = date(2024, 1, 1)
GOAL = 200.0  # times faster than pyfao56
WIND_HEIGHT_M = 2.0


@dataclass(frozen=True, slots=True)
class Case:
    """A village of zones and its season."""

    field: Field
    theta: Array
    weather: Weather
    events: Events

    def zones(self) -> int:
        return int(self.field.crop.p.size)

    def run(self) -> Result:
        return run(self.field, begin(self.field, self.theta), self.weather, events=self.events)[1]

    def only(self, zone: int) -> Case:
        """The same season of one zone."""
        field = Field(_of_zone(self.field.crop, zone), _of_zone(self.field.soil, zone), self.field.choices)
        return Case(field, self.theta[:, [zone]], self.weather, _of_zone(self.events, zone))


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds for a season of all zones; None where it was not measured."""

    zones: int
    days: int
    together_s: float
    one_by_one_s: float
    pyfao56_s: float | None
    pyfao56_gap_mm: float | None

    @property
    def ratio(self) -> float | None:
        """How many times faster than pyfao56."""
        return self.pyfao56_s / self.together_s if self.pyfao56_s else None


def _of_zone(part: Any, zone: int) -> Any:
    arrays = {name: getattr(part, name) for name in part.__dataclass_fields__}
    return replace(part, **{name: v[..., [zone]] for name, v in arrays.items() if isinstance(v, np.ndarray)})


def village(zones: int = ZONES, days: int = DAYS, seed: int = SEED) -> Case:
    """Zones and weather from a seed."""
    source = np.random.default_rng(seed)

    def draw(low: float, high: float, *shape: int) -> Array:
        return floats(np.round(source.uniform(low, high, shape), 4))

    wp = draw(0.08, 0.18, zones)
    fc = wp + draw(0.08, 0.18, zones)
    root = draw(0.2, 0.5, zones)
    deepest = root + draw(0.1, 0.8, zones)
    crop = Crop(
        True,
        np.floor(draw(20.0, 50.0, 4, zones)),
        np.stack([draw(0.15, 0.3, zones), draw(0.9, 1.2, zones), draw(0.5, 0.9, zones)]),
        np.zeros(zones),
        np.stack([root, deepest]),
        np.stack([draw(0.05, 0.2, zones), draw(0.4, 2.0, zones)]),
        draw(0.35, 0.6, zones),
    )
    crop = replace(crop, kc_min=crop.kc[0])  # as pyfao56 has it
    soil = Soil(
        deepest[None],
        fc[None],
        wp[None],
        total_evaporable_mm(fc, wp, 0.1),
        draw(4.0, 9.0, zones),
        np.full(zones, np.nan),
    )
    weather = Weather(
        draw(3.0, 6.5, days, 1), np.where(draw(0, 1, days, 1) < 0.25, draw(0, 40, days, 1), 0.0), draw(1, 4, days, 1),
        draw(35, 80, days, 1),
    )  # fmt: skip
    depth = np.where(draw(0.0, 1.0, days, zones) < 0.15, draw(8.0, 30.0, days, zones), 0.0)
    events = Events(depth, np.full((days, zones), 0.5), np.full((days, zones), 0.9))
    return Case(Field(crop, soil, Choices()), (wp + 0.6 * (fc - wp))[None], weather, events)


def measure(zones: int = ZONES, days: int = DAYS, seed: int = SEED) -> Speed:
    """Measure both ways, and pyfao56 when it is there. Raises RuntimeError when they do not agree."""
    case = village(zones, days, seed)
    case.only(0).run()  # imports and caches are paid before
    began = real_mono_s()
    together = case.run()
    together_s = real_mono_s() - began

    count = min(ALONE_ZONES, zones)
    alone = [case.only(zone) for zone in range(count)]
    began = real_mono_s()
    apart = [one.run() for one in alone]
    one_by_one_s = (real_mono_s() - began) / count * zones
    for zone, result in enumerate(apart):
        if not np.array_equal(result.dr_mm[:, 0], together.dr_mm[:, zone]):
            raise RuntimeError(f"zone {zone} alone differs from the same zone among others")
    if importlib.util.find_spec("pyfao56") is None:
        return Speed(zones, days, together_s, one_by_one_s, None, None)
    peer_s, gap_mm = _peer(case, together, min(PEER_ZONES, zones))
    return Speed(zones, days, together_s, one_by_one_s, peer_s * zones, gap_mm)


def _peer(case: Case, ours: Result, count: int) -> tuple[float, float]:
    """Seconds of pyfao56 for a zone, and the largest difference of Dr in mm."""
    models = [_model(case, zone) for zone in range(count)]
    began = real_mono_s()
    for model in models:
        model.run()
    took_s = (real_mono_s() - began) / count
    gaps = [
        np.max(np.abs(np.asarray(model.odata["Dr"], dtype=float) - ours.dr_mm[:, zone]))
        for zone, model in enumerate(models)
    ]
    return took_s, float(max(gaps))


def _model(case: Case, zone: int) -> Any:
    """The season of one zone as a model of pyfao56."""
    peer = importlib.import_module("pyfao56")
    one = case.only(zone)
    par, crop, soil = peer.Parameters(), one.field.crop, one.field.soil
    par.Kcbini, par.Kcbmid, par.Kcbend = (float(value) for value in crop.kc[:, 0])
    par.Lini, par.Ldev, par.Lmid, par.Lend = (int(value) for value in crop.stages_days[:, 0])
    par.hini, par.hmax = (float(value) for value in crop.height_m[:, 0])
    par.Zrini, par.Zrmax = (float(value) for value in crop.root_m[:, 0])
    par.thetaFC, par.thetaWP, par.theta0 = float(soil.fc[0, 0]), float(soil.wp[0, 0]), float(one.theta[0, 0])
    par.pbase, par.Ze, par.REW = float(crop.p[0]), 0.1, float(soil.rew_mm[0])

    weather, irrigation = peer.Weather(), peer.Irrigation()
    weather.rfcrp, weather.z, weather.lat, weather.wndht = "S", 2.0, 10.0, WIND_HEIGHT_M
    sky = one.weather
    for n, day in enumerate(_days(len(sky.et0_mm))):
        weather.wdata.loc[day] = [
            *([np.nan] * 6), float(sky.rhmin_pct[n, 0]), float(sky.u2_ms[n, 0]) / _to_2m(), float(sky.rain_mm[n, 0]),
            float(sky.et0_mm[n, 0]), "M",
        ]  # fmt: skip
        if one.events.depth_mm[n, 0] > 0.0:
            irrigation.addevent(*(int(part) for part in day.split("-")), float(one.events.depth_mm[n, 0]), 0.5, 90.0)
    days = list(_days(len(sky.et0_mm)))
    return peer.Model(days[0], days[-1], par, weather, irr=irrigation)


def _to_2m() -> float:
    return float(4.87 / np.log(67.8 * WIND_HEIGHT_M - 5.42))


def _days(count: int) -> Iterator[str]:
    return (f"{START + timedelta(days=n):%Y-%j}" for n in range(count))


def main(argv: list[str]) -> int:
    """Measure and print the figures as JSON."""
    if argv:
        print("usage: python -m simulators.bench_balance", file=sys.stderr)
        return 2
    speed = measure()
    print(json.dumps(asdict(speed) | {"ratio": speed.ratio, "goal": GOAL}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
