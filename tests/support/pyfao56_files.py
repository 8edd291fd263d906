"""Reads the files of pyfao56 (.par, .wth, .irr, .upd, .sol, .out, .sum) as their season and its expected balance."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from gateway.core.fao56.atmosphere import Array, floats, wind_at_2m_ms
from gateway.core.fao56.balance import Choices, Crop, Field, Result, Soil, begin
from gateway.core.fao56.crop import total_evaporable_mm
from gateway.core.fao56.season import Events, Observed, Weather, run
from gateway.core.fao56.water import column_mm

STARS = "*" * 72
FIRST_FIGURE, LAST_FIGURE = "ETref", "Runoff"


@dataclass(frozen=True)
class Season:
    """One run of pyfao56: its inputs, and what it computed, by name of its own columns."""

    days: tuple[date, ...]
    par: dict[str, float]
    weather: dict[str, Array]
    wind_height_m: float
    irrigation: dict[date, tuple[float, float, float]]
    observed: Observed | None
    layers: Array | None
    expected: dict[str, Array]
    sums: dict[str, float]

    def field(self, choices: Choices = Choices()) -> Field:  # noqa: B008
        par = self.par
        crop = Crop(
            dual=True,
            stages_days=floats([[par[name]] for name in ("Lini", "Ldev", "Lmid", "Lend")]),
            kc=floats([[par[name]] for name in ("Kcbini", "Kcbmid", "Kcbend")]),
            kc_min=floats([par["Kcbini"]]),
            root_m=floats([[par["Zrini"]], [par["Zrmax"]]]),
            height_m=floats([[par["hini"]], [par["hmax"]]]),
            p=floats([par["pbase"]]),
        )
        bottom, fc, wp, _ = self.columns()
        tew = (
            total_evaporable_mm(fc[0], wp[0], par["Ze"])
            if self.layers is None
            else column_mm(bottom, fc - 0.5 * wp, floats([par["Ze"]]))
        )
        return Field(crop, Soil(bottom, fc, wp, tew, floats([par["REW"]]), floats([np.nan])), choices)

    def columns(self) -> tuple[Array, Array, Array, Array]:
        """Lower edges, FC, WP and initial water of the layers, each (layers, 1)."""
        if self.layers is not None:
            bottom, fc, wp, theta = (column[:, None] for column in self.layers.T)
            return bottom / 100.0, fc, wp, theta
        par = self.par
        bottom, fc, wp, theta = (
            floats([[par[name]]]) for name in ("Zrmax", "thetaFC", "thetaWP", "theta0")
        )
        return bottom, fc, wp, theta

    def run(self, choices: Choices = Choices()) -> dict[str, Array]:  # noqa: B008
        """Our balance of this season, as columns (days,) by our names."""
        field = self.field(choices)
        state = begin(field, self.columns()[3])
        _, result = run(field, state, self.season_weather(), events=self.events(), observed=self.observed)
        return {name: getattr(result, name)[:, 0] for name in Result.__dataclass_fields__}

    def season_weather(self) -> Weather:
        u2 = wind_at_2m_ms(self.weather["Wndsp"], self.wind_height_m)
        columns = (self.weather["ETref"], self.weather["Rain"], u2, self.weather["RHmin"])
        return Weather(*(column[:, None] for column in columns))

    def events(self) -> Events:
        rows = floats([self.irrigation.get(day, (0.0, 1.0, 100.0)) for day in self.days])
        return Events(rows[:, [0]], rows[:, [1]], rows[:, [2]] / 100.0)


def day_of(text: str) -> date:
    return datetime.strptime(text, "%Y-%j").date()


def table(path: Path, skip: int = 1) -> list[list[str]]:
    """The words of each line below the last row of stars and the heading."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = max(n for n, line in enumerate(lines) if line.strip() == STARS) + 1 + skip
    return [line.split() for line in lines[first:] if line.strip()]


def load(folder: Path, par: str, wth: str, irr: str, out: str, upd: str = "", sol: str = "") -> Season:
    """The season of one ``.out`` file."""
    expected = _expected(folder / f"{out}.out")
    days = tuple(day_of(row[0]) for row in table(folder / f"{out}.out"))
    assert days == tuple(days[0] + timedelta(n) for n in range(len(days)))
    height_m, weather = _weather(folder / f"{wth}.wth", days)
    irrigation = {}
    for row in table(folder / f"{irr}.irr"):
        day, depth, fw, *efficiency = row
        irrigation[day_of(day)] = (float(depth), float(fw), float(efficiency[0]) if efficiency else 100.0)
    sums = {row[2]: float(row[0]) for row in table(folder / f"{out}.sum", skip=0)}
    layers = floats([[float(word) for word in row] for row in table(folder / f"{sol}.sol")]) if sol else None
    observed = _observed(folder / f"{upd}.upd", days) if upd else None
    return Season(days, _parameters(folder / f"{par}.par"), weather, height_m, irrigation, observed, layers, expected,
                  sums)  # fmt: skip


def _parameters(path: Path) -> dict[str, float]:
    return {row[1].rstrip(","): float(row[0]) for row in table(path, skip=0)}


def _expected(path: Path) -> dict[str, Array]:
    names, *rows = table(path, skip=0)
    figures = range(names.index(FIRST_FIGURE), names.index(LAST_FIGURE) + 1)
    return {names[place]: floats([float(row[place]) for row in rows]) for place in figures}


def _weather(path: Path, days: tuple[date, ...]) -> tuple[float, dict[str, Array]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    height_m = next(float(line.split()[0]) for line in lines if "Wind speed measurement height" in line)
    head = next(n for n, line in enumerate(lines) if line.startswith("Year-DOY"))
    names = lines[head].split()[1:-1]
    rows = {day_of(words[0]): words[1:] for line in lines[head + 1 :] if (words := line.split())}
    return height_m, {
        name: floats([float(rows[day][place]) for day in days]) for place, name in enumerate(names)
    }


def _observed(path: Path, days: tuple[date, ...]) -> Observed:
    """What was observed; pyfao56 takes only values above 0."""
    rows = {day_of(row[0]): [float(word) for word in row[1:]] for row in table(path)}
    seen = floats([rows.get(day, [np.nan] * 3) for day in days])
    seen = np.where(seen > 0.0, seen, np.nan)
    return Observed(seen[:, [0]], seen[:, [1]], seen[:, [2]])
