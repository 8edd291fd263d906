"""Random seasons with what pyfao56 computed for them: ``python -m tests.support.peer_seasons`` makes them anew.

Rules
1. A season is what ``hoiquan balance`` takes, as text (TOML and CSV), so that tests go the way of a file.
2. They are kept in ``tests/unit/peer_seasons.json``, because pyfao56 (``WANTED`` of simulators.peer) is no part of this
   project: run the module with a Python that has it, and the project on its path.
3. Out of the draw is what pyfao56 does otherwise on purpose (docs/interfaces.md): Kcb that ends above its middle.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).resolve().parents[1] / "unit" / "peer_seasons.json"
SEASONS = 24
TOTALS = {
    "ETc": "etc_mm", "ETa": "eta_mm", "E": "evaporation_mm", "T": "transpiration_mm", "DP": "percolation_mm",
    "Irrig": "irrigation_mm", "Runoff": "runoff_mm",
}  # fmt: skip


@dataclass(frozen=True)
class PeerSeason:
    """A season: its two files without the choice of ``beyond_taw``, Dr of each day, and the totals of TOTALS."""

    toml: str
    weather: str
    dr_mm: list[float]
    totals_mm: dict[str, float]


def load() -> list[PeerSeason]:
    return [PeerSeason(**one) for one in json.loads(FILE.read_text(encoding="utf-8"))]


class _Draw:
    """A season as numbers."""

    def __init__(self, seed: int) -> None:
        self._source = np.random.default_rng(seed)
        self.program = ("none", "events", "rule")[seed // 2 % 3]
        filled, most_rain_mm = ((0.0, 0.05), 15) if self.program == "none" else ((0.2, 1.0), 60)
        self.stages = [int(n) for n in self._source.integers(5, 21, 4)]
        self.start = date(2000 + seed, 1 + seed % 12, 3)
        self.days = [self.start + timedelta(days=n) for n in range(sum(self.stages))]
        self.root = [self.of(0.2, 0.5), self.of(0.6, 1.6 if self.program != "none" else 0.7)]
        self.height = [self.of(0.05, 0.3), self.of(0.4, 2.5)]
        bottoms = [self.root[1]] if seed % 2 else [0.15, self.root[0] + 0.1, self.root[1] + 0.2]
        self.layers = []
        for bottom in bottoms:
            wp = self.of(0.05, 0.25)
            fc = round(wp + self.of(0.08, 0.2), 2)
            self.layers.append((round(bottom, 2), fc, wp, round(wp + self.of(*filled) * (fc - wp), 3)))
        self.kcb = [self.of(0.1, 0.35), self.of(0.8, 1.2), 0.0]
        self.kcb[2] = self.of(self.kcb[0], self.kcb[1])
        self.p, self.rew_mm, self.ze_m = self.of(0.25, 0.65), self.of(3, 9), 0.1
        self.number = int(self.of(60, 92)) if seed % 3 else None
        self.fixed, self.aquacrop, self.tall = seed % 4 == 1, seed % 5 == 2, seed % 6 == 3
        self.rule = {"mad": self.of(0.25, 0.7), "every_days": 1 + seed % 4, "fw": self.of(0.3, 1), "efficiency": 0.85}
        self.events = [
            (day, self.of(3, 45), self.of(0.3, 1), self.of(0.6, 1)) for day in self.days if self.of(0, 1) < 0.12
        ]
        self.weather = [
            (self.of(1, 9), self.of(0, most_rain_mm) if self.of(0, 1) < 0.2 else 0.0, self.of(15, 95), self.of(0.3, 7))
            for _ in self.days
        ]

    def of(self, low: float, high: float) -> float:
        return round(float(self._source.uniform(low, high)), 2)

    def toml(self) -> str:
        layers = ", ".join(f"{{depth_m = {b}, fc = {fc}, wp = {wp}}}" for b, fc, wp, _ in self.layers)
        events = ", ".join(
            f"{{date = {day}, depth_mm = {depth}, fw = {fw}, efficiency = {good}}}"
            for day, depth, fw, good in self.events
        )
        rule = ", ".join(f"{key} = {value}" for key, value in self.rule.items())
        program = {"none": "", "events": f"events = [{events}]", "rule": f"rule = {{{rule}}}"}[self.program]
        return f"""[weather]
csv = "weather.csv"
latitude = 10
elevation_m = 2
reference = "{"tall" if self.tall else "short"}"
[soil]
layers = [{layers}]
theta_initial = {[theta for *_, theta in self.layers]}
ze_m = {self.ze_m}
rew_mm = {self.rew_mm}
{f"curve_number = {self.number}" if self.number else ""}
[crop]
method = "dual"
start = {self.start}
stages_days = {self.stages}
kcb = {self.kcb}
root_m = {self.root}
height_m = {self.height}
p = {self.p}
[irrigation]
{program}
[choices]
p = "{"fixed" if self.fixed else "etc"}"
stress = "{"aquacrop" if self.aquacrop else "linear"}"
"""

    def csv(self) -> str:
        rows = (f"{day},{','.join(map(str, row))}\n" for day, row in zip(self.days, self.weather, strict=True))
        return "date,et0_mm,rain_mm,rhmin_pct,wind_ms\n" + "".join(rows)

    def peer(self) -> Any:
        """The same as a model of pyfao56 that has run."""
        peer = importlib.import_module("pyfao56")
        _, fc, wp, theta = self.layers[0]
        parameters = peer.Parameters(
            Kcmini=self.kcb[0], Kcbini=self.kcb[0], Kcbmid=self.kcb[1], Kcbend=self.kcb[2],
            **dict(zip(("Lini", "Ldev", "Lmid", "Lend"), self.stages, strict=True)),
            hini=self.height[0], hmax=self.height[1], thetaFC=fc, thetaWP=wp, theta0=theta, Zrini=self.root[0],
            Zrmax=self.root[1], pbase=self.p, Ze=self.ze_m, REW=self.rew_mm, CN2=self.number or 70,
        )  # fmt: skip
        weather, irrigation, program, profile = peer.Weather(), peer.Irrigation(), peer.AutoIrrigate(), None
        weather.rfcrp, weather.z, weather.lat, weather.wndht = "T" if self.tall else "S", 2.0, 10.0, 2.0
        for day, (et0, rain, rhmin, wind) in zip(self.days, self.weather, strict=True):
            weather.wdata.loc[f"{day:%Y-%j}"] = [*([np.nan] * 6), rhmin, wind, rain, et0, "M"]
        for day, depth, fw, good in self.events:
            irrigation.addevent(day.year, int(f"{day:%j}"), depth, fw, good * 100)
        first, last = f"{self.days[0]:%Y-%j}", f"{self.days[-1]:%Y-%j}"
        program.addset(first, last, alre=False, mad=self.rule["mad"], dsli=self.rule["every_days"], fw=self.rule["fw"],
                       ieff=self.rule["efficiency"] * 100)  # fmt: skip
        if len(self.layers) > 1:
            profile = peer.SoilProfile()
            for bottom, *contents in self.layers:
                profile.sdata.loc[round(bottom * 100)] = contents
        model = peer.Model(
            first, last, parameters, weather, irr=irrigation if self.program == "events" else None,
            autoirr=program if self.program == "rule" else None, sol=profile, roff=self.number is not None,
            cons_p=self.fixed, aq_Ks=self.aquacrop,
        )  # fmt: skip
        model.run()
        return model


def make(seed: int) -> PeerSeason:
    """Draw a season and let pyfao56 run it."""
    drawn = _Draw(seed)
    found = drawn.peer().odata
    dr_mm = [round(float(value), 3) for value in found["Dr"]]
    totals = {name: round(float(found[name].sum()), 3) for name in TOTALS}
    return PeerSeason(drawn.toml(), drawn.csv(), dr_mm, totals)


if __name__ == "__main__":
    lines = (json.dumps(asdict(make(seed)), ensure_ascii=False) for seed in range(SEASONS))
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
