"""From what a station measured to ET0: the chain of FAO-56 for missing inputs, and the record of what it did.

Rules
1. Each row takes its own way: a value that is missing (NaN) is replaced by the first alternative whose inputs are
   there, in the order of FAO-56: measured, then derived, then assumed.
2. Tmean is (Tmax + Tmin) / 2 (Eq. 9) whenever both are there. Of Tmax, Tmin and Tmean the third follows from two. With
   Tmean alone it stands for both, and nothing is derived from a range of temperature that nobody measured.
3. Humidity: ``vapour_kpa``, dew point, RHmax with RHmin, RHmax, RHmean, RHmin, Tmin. Sun: ``srad_mj_m2``, sunshine,
   range of temperature. Wind: measured, else 2 m/s at 2 m. Pressure: measured, else from the elevation.
4. Of a day of which only temperatures are known ET0 is that of Hargreaves (Eq. 52).
5. ``method`` says for each row: equation; measured=…; estimated=quantity(how)+…  A row without ET0 says why.
6. By night the cloud ratio is that of the last hour with the sun at least ``SUN_HIGH_RAD`` above the horizon and not
   longer than a day ago, else ``Station.night_ratio``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gateway.core.fao56 import atmosphere as air
from gateway.core.fao56 import radiation as sun
from gateway.core.fao56 import reference
from gateway.core.fao56.atmosphere import Array, floats

SUN_HIGH_RAD = 0.3  # below it the ratio of two small numbers says little; ASCE-EWRI (2005) p. 43
NIGHT_RATIO_HUMID = 0.6  # FAO-56 p. 75: 0.4 to 0.6 in humid, 0.7 to 0.8 in arid climates
DAY_H = 24.0


@dataclass(frozen=True, slots=True)
class Station:
    """Where it stands. ``longitude`` in degrees east, or None where only the time zone is known."""

    latitude: float
    elevation_m: float
    longitude: float | None = None
    coast: bool = False
    night_ratio: float = NIGHT_RATIO_HUMID

    @property
    def krs(self) -> float:
        return sun.KRS_COAST if self.coast else sun.KRS_INLAND


@dataclass(frozen=True)
class Observations:
    """Columns of n rows, each of shape (n,); NaN is a missing value, and a column that is left out is all missing."""

    day_of_year: Array
    tmax_c: Array = field(default_factory=lambda: floats(np.nan))
    tmin_c: Array = field(default_factory=lambda: floats(np.nan))
    tmean_c: Array = field(default_factory=lambda: floats(np.nan))
    tdew_c: Array = field(default_factory=lambda: floats(np.nan))
    rhmax_pct: Array = field(default_factory=lambda: floats(np.nan))
    rhmin_pct: Array = field(default_factory=lambda: floats(np.nan))
    rhmean_pct: Array = field(default_factory=lambda: floats(np.nan))
    vapour_kpa: Array = field(default_factory=lambda: floats(np.nan))
    wind_ms: Array = field(default_factory=lambda: floats(np.nan))
    wind_height_m: Array = field(default_factory=lambda: floats(np.nan))
    srad_mj_m2: Array = field(default_factory=lambda: floats(np.nan))
    sunshine_h: Array = field(default_factory=lambda: floats(np.nan))
    pressure_kpa: Array = field(default_factory=lambda: floats(np.nan))

    def __post_init__(self) -> None:
        for column in fields(self):
            values = np.broadcast_to(floats(getattr(self, column.name)), self.day_of_year.shape)
            object.__setattr__(self, column.name, values)

    @cached_property
    def has_range(self) -> NDArray[np.bool_]:
        """Whether the range of temperature is known: two of Tmax, Tmin and Tmean are there."""
        known = np.isfinite(self.tmax_c).astype(int) + np.isfinite(self.tmin_c) + np.isfinite(self.tmean_c)
        return np.asarray(known >= 2)

    @cached_property
    def upper_c(self) -> Array:
        """Tmax, or what follows from Tmin and Tmean, or Tmean."""
        return first(self.tmax_c, 2.0 * self.tmean_c - self.tmin_c, self.tmean_c)

    @cached_property
    def lower_c(self) -> Array:
        """Tmin, or what follows from Tmax and Tmean, or Tmean."""
        return first(self.tmin_c, 2.0 * self.tmean_c - self.tmax_c, self.tmean_c)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a quantity: how it is named in the record, the inputs it takes, and its values (NaN: not open)."""

    how: str
    inputs: tuple[str, ...]
    values: Array


@dataclass(frozen=True, slots=True)
class Chosen:
    """A quantity with, for each row, the first way that was open; ``taken`` is -1 where none was."""

    name: str
    ways: Sequence[Way]
    taken: NDArray[np.int8]
    values: Array


@dataclass(frozen=True, slots=True)
class Reference:
    """ET0 of n rows, mm (NaN: none), how each came about, and what the crop needs beside it."""

    et0_mm: Array
    method: tuple[str, ...]
    u2_ms: Array
    rhmin_pct: Array


def first(*columns: Array) -> Array:
    """For each row the first value that is not NaN."""
    result = columns[0]
    for column in columns[1:]:
        result = np.where(np.isnan(result), column, result)
    return floats(result)


def choose(name: str, ways: Sequence[Way]) -> Chosen:
    """Take for each row the first open way."""
    taken = np.full(ways[0].values.shape, -1, dtype=np.int8)
    for place, way in enumerate(ways):
        taken[(taken == -1) & ~np.isnan(way.values)] = place
    return Chosen(name, ways, taken, first(*(way.values for way in ways)))


def daily(seen: Observations, station: Station, *, only: str | None = None) -> Reference:
    """ET0 of each day.

    ``only`` is ``"pm"`` for Penman-Monteith also where only temperatures are known, ``"hargreaves"`` for Eq. 52
    everywhere, or None for rule 4. Columns of shape (n,). Raises nothing: what cannot be computed is NaN, and says why.
    """
    tmax, tmin = seen.upper_c, seen.lower_c
    ra = sun.extraterrestrial_mj(station.latitude, seen.day_of_year)
    rso = sun.clear_sky_mj(station.elevation_m, ra)
    temperature = choose("temperature", _temperature(seen))
    vapour = choose("ea", _vapour(seen))
    light = choose("rs", _light(seen, station, ra, rso))
    wind, pressure = choose("u2", _wind(seen)), choose("pressure", _pressure(seen, station))
    ratio = sun.cloud_ratio(light.values, rso, station.night_ratio)
    net = sun.net_shortwave_mj(light.values) - sun.net_longwave_mj(tmax, tmin, vapour.values, ratio)
    penman = reference.penman_monteith_day_mm(
        (tmax + tmin) / 2.0, air.mean_saturation_kpa(tmax, tmin), vapour.values, net, wind.values, pressure.values
    )
    simple = np.where(seen.has_range, reference.hargreaves_day_mm(tmax, tmin, ra), np.nan)
    by_range = {None: _only_temperatures(vapour, light, wind), "pm": np.zeros(ra.shape, bool)}.get(only, True)
    et0 = floats(np.where(by_range, simple, penman))
    parts = (temperature, vapour, light, wind, pressure)
    method = _record(et0, np.broadcast_to(np.asarray(by_range), et0.shape), parts, "Penman-Monteith Eq.6")
    return Reference(et0, method, wind.values, _least_humidity(seen, tmax, vapour))


def hourly(seen: Observations, station: Station, middle_h: Array, zone_h: Array) -> Reference:
    """ET0 of each hour, rows in the order of time.

    ``middle_h`` is the clock time at the middle of each hour, counted on from one day to the next (30.5 is 6:30 of the
    second day), ``zone_h`` what the clock is ahead of UTC. Temperature is Tmean, or the mean of Tmax and Tmin.
    Shapes (n,). Raises nothing.
    """
    t = floats(first(seen.tmean_c, (seen.tmax_c + seen.tmin_c) / 2.0))
    zone_longitude = 15.0 * zone_h
    longitude = zone_longitude if station.longitude is None else floats(station.longitude)
    angle = sun.solar_time_rad(seen.day_of_year, middle_h % DAY_H, longitude, zone_longitude)
    ra = sun.extraterrestrial_hour_mj(station.latitude, seen.day_of_year, angle)
    height = sun.sun_height_rad(station.latitude, seen.day_of_year, angle)
    vapour = choose("ea", _vapour_of_hour(seen, t))
    light = choose("rs", _light_of_hour(seen, ra, station.latitude, angle))
    wind, pressure = choose("u2", _wind(seen)), choose("pressure", _pressure(seen, station))
    ratio = sun.cloud_ratio(light.values, sun.clear_sky_mj(station.elevation_m, ra), station.night_ratio)
    ratio = _carry_on(np.where(height >= SUN_HIGH_RAD, ratio, np.nan), middle_h, station.night_ratio)
    net = sun.net_shortwave_mj(light.values) - sun.net_longwave_hour_mj(t, vapour.values, ratio)
    et0 = reference.penman_monteith_hour_mm(
        t, vapour.values, net, sun.soil_heat_hour_mj(net), wind.values, pressure.values
    )
    temperature = choose("temperature", (
        Way("", ("tmean_c",), seen.tmean_c), Way("Eq.9", ("tmax_c", "tmin_c"), (seen.tmax_c + seen.tmin_c) / 2.0)
    ))  # fmt: skip
    parts = (temperature, vapour, light, wind, pressure)
    method = _record(et0, np.zeros(et0.shape, bool), parts, "Penman-Monteith Eq.53")
    return Reference(et0, method, wind.values, _least_humidity(seen, t, vapour))


def _temperature(seen: Observations) -> Sequence[Way]:
    return (
        Way("", ("tmax_c", "tmin_c"), (seen.tmax_c + seen.tmin_c) / 2.0),
        Way("Tmin by Eq.9", ("tmax_c", "tmean_c"), seen.tmax_c + seen.tmean_c),
        Way("Tmax by Eq.9", ("tmin_c", "tmean_c"), seen.tmin_c + seen.tmean_c),
        Way("Tmax and Tmin as Tmean", ("tmean_c",), seen.tmean_c),
    )


def _vapour(seen: Observations) -> Sequence[Way]:
    tmax, tmin = seen.upper_c, seen.lower_c
    ranged = np.where(seen.has_range, 0.0, np.nan)  # shuts the ways that need the range of temperature
    return (
        Way("", ("vapour_kpa",), seen.vapour_kpa),
        Way("Eq.14", ("tdew_c",), air.vapour_from_dew_kpa(seen.tdew_c)),
        Way("Eq.17", ("rhmax_pct", "rhmin_pct"),
            air.vapour_from_rh_extremes_kpa(tmax, tmin, seen.rhmax_pct, seen.rhmin_pct) + ranged),
        Way("Eq.18", ("rhmax_pct",), air.vapour_from_rhmax_kpa(tmin, seen.rhmax_pct) + ranged),
        Way("Eq.19", ("rhmean_pct",), air.vapour_from_rhmean_kpa(tmax, tmin, seen.rhmean_pct)),
        Way("ASCE Eq.13", ("rhmin_pct",), air.vapour_from_rhmin_kpa(tmax, seen.rhmin_pct) + ranged),
        Way("Eq.48", (), air.vapour_from_tmin_kpa(tmin) + ranged),
    )  # fmt: skip


def _vapour_of_hour(seen: Observations, t: Array) -> Sequence[Way]:
    return (
        Way("", ("vapour_kpa",), seen.vapour_kpa),
        Way("Eq.14", ("tdew_c",), air.vapour_from_dew_kpa(seen.tdew_c)),
        Way("Eq.54", ("rhmean_pct",), air.saturation_kpa(t) * seen.rhmean_pct / 100.0),
        Way("Eq.54", ("rhmax_pct", "rhmin_pct"),
            air.saturation_kpa(t) * (seen.rhmax_pct + seen.rhmin_pct) / 200.0),
    )  # fmt: skip


def _light(seen: Observations, station: Station, ra: Array, rso: Array) -> Sequence[Way]:
    possible = sun.daylight_h(station.latitude, seen.day_of_year)
    spread = sun.from_temperature_mj(seen.upper_c, seen.lower_c, ra, rso, station.krs)
    return (
        Way("", ("srad_mj_m2",), seen.srad_mj_m2),
        Way("Eq.35", ("sunshine_h",), sun.from_sunshine_mj(seen.sunshine_h, possible, ra)),
        Way(f"Eq.50 kRs {station.krs:.2f}", (), np.where(seen.has_range, spread, np.nan)),
    )


def _light_of_hour(seen: Observations, ra: Array, latitude: float, angle: Array) -> Sequence[Way]:
    ws = sun.sunset_rad(latitude, seen.day_of_year)
    middle = (angle + np.pi) % (2.0 * np.pi) - np.pi
    lit_h = np.clip(middle + np.pi / 24.0, -ws, ws) - np.clip(middle - np.pi / 24.0, -ws, ws)
    return (
        Way("", ("srad_mj_m2",), seen.srad_mj_m2),
        Way("Eq.35", ("sunshine_h",), sun.from_sunshine_mj(seen.sunshine_h, lit_h * 12.0 / np.pi, ra)),
        Way("night", (), np.where(ra > 0.0, np.nan, 0.0)),
    )


def _wind(seen: Observations) -> Sequence[Way]:
    assumed = np.full(seen.day_of_year.shape, air.WIND_UNKNOWN_MS)
    at_2m = np.where(seen.wind_height_m == 2.0, seen.wind_ms, np.nan)
    return (
        Way("", ("wind_ms", "wind_height_m"), at_2m),
        Way("Eq.47", ("wind_ms", "wind_height_m"), air.wind_at_2m_ms(seen.wind_ms, seen.wind_height_m)),
        Way("height taken as 2 m", ("wind_ms",), seen.wind_ms),
        Way("2 m/s", (), assumed),
    )


def _pressure(seen: Observations, station: Station) -> Sequence[Way]:
    from_elevation = np.broadcast_to(air.pressure_kpa(station.elevation_m), seen.day_of_year.shape)
    return Way("", ("pressure_kpa",), seen.pressure_kpa), Way("Eq.7", (), floats(from_elevation))


def _least_humidity(seen: Observations, warmest_c: Array, vapour: Chosen) -> Array:
    """RHmin as measured, else what the vapour pressure means at the warmest temperature."""
    return first(seen.rhmin_pct, floats(np.minimum(air.rhmin_pct(warmest_c, vapour.values), 100.0)))


def _only_temperatures(*parts: Chosen) -> NDArray[np.bool_]:
    """Rows in which none of these quantities rests on a measurement of its own."""
    unmeasured = [np.asarray([not way.inputs for way in part.ways] + [True])[part.taken] for part in parts]
    return np.asarray(np.logical_and.reduce(unmeasured))


def _carry_on(ratio: Array, middle_h: Array, unknown: float) -> Array:
    """Fill the gaps of a column with the last value before, if that is no more than a day old."""
    rows = np.arange(ratio.size)
    last = np.maximum.accumulate(np.where(np.isnan(ratio), -1, rows))
    fresh = (last >= 0) & (middle_h - middle_h[last] <= DAY_H)
    return floats(np.where(fresh, ratio[last], unknown))


def _record(et0: Array, by_range: NDArray[np.bool_], parts: Sequence[Chosen], equation: str) -> tuple[str, ...]:
    """Rule 5, written once for each combination of ways."""
    columns = [np.isnan(et0).astype(np.int8), by_range.astype(np.int8), *(part.taken for part in parts)]
    kinds, kind_of_row = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    said = [_sentence(bool(none), bool(simple), taken, parts, equation) for none, simple, *taken in kinds.tolist()]
    return tuple(said[kind] for kind in kind_of_row.reshape(-1).tolist())


def _sentence(none: bool, simple: bool, taken: Sequence[int], parts: Sequence[Chosen], equation: str) -> str:
    if none:
        missing = [part.name for part, way in zip(parts, taken, strict=True) if way < 0]
        return f"none; missing={'+'.join(missing) or 'tmax_c and tmin_c'}"
    used = parts[:1] if simple else parts
    ways = [(part.name, part.ways[way]) for part, way in zip(used, taken, strict=False)]
    measured = "+".join(dict.fromkeys(name for _, way in ways for name in way.inputs))
    estimated = "+".join(f"{name}({way.how})" for name, way in ways if way.how) or "nothing"
    return f"{'Hargreaves Eq.52' if simple else equation}; measured={measured}; estimated={estimated}"
