"""A scenario of the soil water balance: the TOML file of ``hoiquan balance``, and the weather that it names.

Rules
1. Every key is checked against what nature allows and against the others: WP < FC, roots within the soil, REW < TEW,
   water at the start between WP and FC.
2. Paths in a scenario start at the scenario's own folder.
3. The run goes from ``crop.start`` to ``crop.end``, else to the last day of the weather; the weather must hold every
   day of it, with rain and either ET0 or enough to compute it.
4. ``[choices]`` has the defaults of pyfao56 (gateway.core.fao56.balance); with two or more layers the water below the
   roots is tracked.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from cli import tables, toml_tables, weather
from cli.refusal import Refused, input_file
from cli.tables import Hint, Limits, Table
from cli.toml_tables import Toml
from gateway.core.fao56.atmosphere import Array, floats
from gateway.core.fao56.balance import Choices, Crop, Field, Soil, State, begin
from gateway.core.fao56.season import Events, Observed, Rule, Weather, adjusted_to_climate
from gateway.core.fao56.station import Station, daily
from gateway.core.fao56.water import column_mm

MAX_RUN_DAYS = 3660
BY_CALENDAR = -1.0  # a depletion that is always exceeded
RHMIN_STANDARD = 45.0  # of the standard climate of FAO-56 Table 12, where humidity is not known

PER_CENT = Hint(1, 100, "có vẻ là phần trăm: chia cho 100", "this looks like per cent: divide by 100")
CONTENT = Limits(
    0.01, 0.8, "m³/m³", (PER_CENT, Hint(100, 1e5, "có phải mm/m? chia cho 1000", "is it mm/m? divide by 1000"))
)
DRY_CONTENT = Limits(0.0, 0.8, CONTENT.unit, CONTENT.hints)
PART = Limits(0.01, 1, "", (PER_CENT,))
DEPTH = Limits(0.01, 10, "m", (Hint(10, 1000, "có vẻ là cm: chia cho 100", "this looks like cm: divide by 100"),))
HEIGHT = Limits(0, 40, "m")
COEFFICIENT = Limits(0.01, 1.6, "")


@dataclass(frozen=True)
class Scenario:
    """Everything that a run needs: one zone, with arrays as the balance takes them."""

    days: tuple[date, ...]
    season_days: int
    field: Field
    state: State
    weather: Weather
    events: Events | None
    rule: Rule | None
    observed: Observed | None
    ignored_events: int
    files: tuple[Path, ...]  # what it was read from, beside the scenario itself


@dataclass(frozen=True)
class _Sky:
    """The weather of the run, and what ET0 it holds."""

    days: tuple[date, ...]
    weather: Weather
    reference: str


def read(path: Path) -> Scenario:
    """Read a scenario and the files it names. Raises Refused."""
    with toml_tables.read(path) as top:
        crop_table = top.table("crop")
        with top.table("weather") as weather_table:
            files = [_named_file(weather_table, "csv", path.parent)]
            sky = _sky(weather_table, files[0], crop_table)
        with crop_table:
            dual = crop_table.choice("method", ("dual", "single")) == "dual"
            crop = _crop(crop_table, dual)
            observed = None
            if crop_table.has("observed_csv"):
                files.append(_named_file(crop_table, "observed_csv", path.parent))
                observed = _observed(files[-1], sky.days)
        with top.table("soil") as soil_table:
            soil, theta, de_mm = _soil(soil_table, crop, dual)
        choices, climate = _choices(top, soil, sky.reference)
        events, rule, ignored = _irrigation(top, sky.days)
    if climate == "adjusted":
        crop = adjusted_to_climate(crop, sky.weather)
    field = Field(crop, soil, choices)
    season_days = int(crop.stages_days.sum())
    return Scenario(
        sky.days, season_days, field, begin(field, theta, de_mm), sky.weather, events, rule, observed, ignored,
        tuple(files),
    )  # fmt: skip


def _column(*values: float) -> Array:
    """Values of one zone, (len(values), 1)."""
    return floats(values)[:, None]


def _named_file(table: Toml, key: str, folder: Path) -> Path:
    try:
        return input_file(str(folder / table.text(key)))
    except argparse.ArgumentTypeError as error:
        vi, _, en = str(error).partition(" / ")
        raise table.refused(key, vi, en) from None


def _sky(table: Toml, path: Path, crop: Toml) -> _Sky:
    """The days of the run with their weather."""
    station = Station(
        table.number("latitude", Limits(-90, 90, "°")),
        table.number("elevation_m", Limits(-430, 6000, "m")),
        coast=table.flag("coast", False),
    )
    reference = table.choice("reference", ("short", "tall"), "short")
    found = tables.read(path, ("date", *weather.DAILY, "rain_mm", "et0_mm", "method"), ("date", "rain_mm"))
    all_days = found.days()
    seen = weather.observations(found, weather.days_of_year(all_days), weather.DAILY, station.latitude)
    computed = daily(seen, station)
    et0 = found.numbers("et0_mm", weather.ET0)
    if reference == "short":
        et0 = np.where(np.isnan(et0), np.maximum(computed.et0_mm, 0.0), et0)
    rain = found.numbers("rain_mm", weather.RAIN)
    run = _run(found, all_days, crop)
    for row in range(run.start, run.stop):
        if np.isnan(rain[row]):
            raise found.refused(
                row, "rain_mm", "thiếu mưa; ghi 0 nếu không mưa", "rain is missing; write 0 if it was dry"
            )
        if np.isnan(et0[row]):
            raise found.refused(
                row, "date", f"không có et0_mm và không tính được ({computed.method[row]})",
                f"has no et0_mm and too little to compute it ({computed.method[row]})",
            )  # fmt: skip
    rhmin = np.where(np.isnan(computed.rhmin_pct), RHMIN_STANDARD, computed.rhmin_pct)
    columns = (values[run, None] for values in (et0, rain, computed.u2_ms, rhmin))
    return _Sky(all_days[run], Weather(*columns), reference)


def _run(found: Table, days: Sequence[date], crop: Toml) -> slice:
    """The rows of the run: every day from the crop's start to its end."""
    start = crop.day("start")
    if not days[0] <= start <= days[-1]:
        raise crop.refused("start", f"phải trong thời tiết {days[0]}..{days[-1]} của {found.name}",
                           f"must be within the weather {days[0]}..{days[-1]} of {found.name}")  # fmt: skip
    end = crop.day("end", days[-1])
    if end < start or end > days[-1]:
        raise crop.refused("end", f"phải trong {start}..{days[-1]}", f"must be in {start}..{days[-1]}")
    if (end - start).days >= MAX_RUN_DAYS:
        raise crop.refused(
            "end", f"quá {MAX_RUN_DAYS} ngày, hãy ghi crop.end", f"is more than {MAX_RUN_DAYS} days, name crop.end"
        )
    for first, last in tables.gaps(days):
        if first <= end and last >= start:
            raise Refused(
                found.name,
                f"thiếu ngày {first} đến {last}, hãy thêm vào",
                f"the days {first} to {last} are missing, add them",
            )
    return slice(days.index(start), days.index(end) + 1)


def _crop(table: Toml, dual: bool) -> Crop:
    stages = []
    for place, days in enumerate(table.numbers("stages_days", 4, Limits(1, 365, "ngày/days"), "[ini, dev, mid, late]")):
        if days != int(days):
            raise table.refused(
                "stages_days", f"giai đoạn {place + 1} phải là số ngày nguyên", f"stage {place + 1} must be whole days"
            )
        stages.append(days)
    key, other = ("kcb", "kc") if dual else ("kc", "kcb")
    if table.has(other):
        raise table.refused(other, f"với phương pháp này hãy ghi {key}", f"this method takes {key}")
    kc = table.numbers(key, 3, COEFFICIENT, "[ini, mid, end]")
    root = _rising(table, "root_m", DEPTH)
    height = _rising(table, "height_m", HEIGHT) if dual or table.has("height_m") else [0.5, 0.5]
    kc_min = table.number("kc_min", Limits(0, 1, ""), kc[0])
    p = table.number("p", Limits(0.05, 0.9, "", (PER_CENT,)))
    return Crop(dual, _column(*stages), _column(*kc), floats([kc_min]), _column(*root), _column(*height), floats([p]))


def _rising(table: Toml, key: str, limits: Limits) -> list[float]:
    low, high = table.numbers(key, 2, limits, "[ini, max]")
    if low > high:
        raise table.refused(key, "số đầu không được lớn hơn số sau", "the first must not be above the second")
    return [low, high]


def _observed(path: Path, days: Sequence[date]) -> Observed:
    """What was seen in the field on some of the days."""
    found = tables.read(path, ("date", "kcb", "height_m", "cover"), ("date",))
    row_of = {day: row for row, day in enumerate(found.days())}
    rows = [row_of.get(day, -1) for day in days]
    columns = []
    for name, limits in (("kcb", COEFFICIENT), ("height_m", HEIGHT), ("cover", Limits(0, 0.99, "", (PER_CENT,)))):
        values = np.append(found.numbers(name, limits), np.nan)  # the last one is for days that were not seen
        columns.append(values[rows][:, None])
    return Observed(*columns)


def _soil(table: Toml, crop: Crop, dual: bool) -> tuple[Soil, Array, Array | None]:
    """The soil, the water in its layers at the start, and the depletion of its surface if it is named."""
    bottom, fc, wp = (floats(column)[:, None] for column in zip(*_layers(table), strict=True))
    deepest = float(crop.root_m[1, 0])
    if bottom[-1, 0] < deepest - 1e-9:
        raise table.refused("layers", f"đất phải sâu tới rễ dài nhất, crop.root_m = {deepest:g} m",
                            f"must reach the deepest root, crop.root_m = {deepest:g} m")  # fmt: skip
    theta = _theta(table, fc, wp)
    ze = table.number("ze_m", Limits(0.02, 0.5, "m", (Hint(0.5, 50, DEPTH.hints[0].vi, DEPTH.hints[0].en),)),
                      None if dual else 0.1)  # fmt: skip
    tew = column_mm(bottom, fc - 0.5 * wp, floats([ze]))
    rew = table.number("rew_mm", Limits(0.1, 100, "mm"), None if dual else float(tew[0]) / 2)
    if rew >= tew[0]:
        raise table.refused(
            "rew_mm", f"phải nhỏ hơn TEW = {tew[0]:.1f} mm (Eq. 73)", f"must be below TEW = {tew[0]:.1f} mm (Eq. 73)"
        )
    number = table.number("curve_number", Limits(1, 100, "")) if table.has("curve_number") else np.nan
    de_mm = None
    if table.has("de_initial_mm"):
        de_mm = floats([table.number("de_initial_mm", Limits(0, float(tew[0]), "mm"))])
    return Soil(bottom, fc, wp, tew, floats([rew]), floats([number])), theta, de_mm


def _layers(table: Toml) -> list[tuple[float, float, float]]:
    layers: list[tuple[float, float, float]] = []
    for entry in table.tables("layers", 1, 50):
        with entry as layer:
            depth, fc, wp = layer.number("depth_m", DEPTH), layer.number("fc", CONTENT), layer.number("wp", DRY_CONTENT)
            if wp >= fc:
                raise layer.refused("wp", f"phải nhỏ hơn fc = {fc:g}", f"must be below fc = {fc:g}")
            if layers and depth <= layers[-1][0]:
                raise layer.refused(
                    "depth_m", f"là độ sâu của đáy lớp, phải lớn hơn {layers[-1][0]:g} m của lớp trên",
                    f"is the depth of the layer's lower edge, must be more than the {layers[-1][0]:g} m above it",
                )  # fmt: skip
            layers.append((depth, fc, wp))
    return layers


def _theta(table: Toml, fc: Array, wp: Array) -> Array:
    """Water at the start, (layers, 1), from one number for all or one for each."""
    if table.is_list("theta_initial"):
        theta = floats(table.numbers("theta_initial", len(fc), DRY_CONTENT, "[lớp/layer 1, 2, …]"))[:, None]
    else:
        theta = np.full(fc.shape, table.number("theta_initial", DRY_CONTENT))
    bad = np.flatnonzero((theta < wp - 1e-9) | (theta > fc + 1e-9))
    if bad.size:
        low, high = float(wp[bad[0], 0]), float(fc[bad[0], 0])
        raise table.refused("theta_initial", f"phải trong wp..fc = {low:g}..{high:g} của lớp {bad[0] + 1}",
                            f"must be in wp..fc = {low:g}..{high:g} of layer {bad[0] + 1}")  # fmt: skip
    return theta


def _choices(top: Toml, soil: Soil, reference: str) -> tuple[Choices, str]:
    """What FAO-56 leaves open, and whether coefficients are adjusted to the climate."""
    moments = ("end_of_day", "start_of_day")
    tracked = "tracked" if len(soil.bottom_m) > 1 else "field_capacity"
    with top.table("choices") if top.has("choices") else Toml(top.file, {}, "choices") as table:
        named: dict[str, Any] = {
            "roots": table.choice("roots", ("kcb", "time"), "kcb"),
            "rain": table.choice("rain", moments, moments[0]),
            "irrigation": table.choice("irrigation", moments, moments[0]),
            "p": table.choice("p", ("etc", "fixed"), "etc"),
            "stress": table.choice("stress", ("linear", "aquacrop"), "linear"),
            "below_roots": table.choice("below_roots", ("field_capacity", "tracked"), tracked),
            "beyond_taw": table.choice("beyond_taw", ("cut", "as_computed"), "cut"),
            "first_day": table.whole("first_day", 0, 1, 0),
            "reference": reference,
        }
        return Choices(**named), table.choice("climate", ("as_given", "adjusted"), "as_given")


def _irrigation(top: Toml, days: Sequence[date]) -> tuple[Events | None, Rule | None, int]:
    """Events or a rule, and how many events lie outside of the run."""
    if not top.has("irrigation"):
        return None, None, 0
    with top.table("irrigation") as table:
        if table.has("rule"):
            if table.has("events"):
                raise table.refused("rule", "chỉ ghi events hoặc rule", "write events or a rule, not both")
            with table.table("rule") as rule:
                return None, _rule(rule, days), 0
        if not table.has("events"):
            return None, None, 0
        events, ignored = _events(table, days)
        return events, None, ignored


def _events(table: Toml, days: Sequence[date]) -> tuple[Events, int]:
    place = {day: number for number, day in enumerate(days)}
    given = np.tile([0.0, 1.0, 1.0], (len(days), 1))
    seen: set[date] = set()
    for entry in table.tables("events", 0, MAX_RUN_DAYS):
        with entry as event:
            day = event.day("date")
            if day in seen:
                raise event.refused(
                    "date", "ngày này đã có lần tưới khác, hãy cộng lại", "has another event, add them up"
                )
            seen.add(day)
            row = [event.number("depth_mm", Limits(0, 1000, "mm")), event.number("fw", PART, 1.0), _efficiency(event)]
            if day in place:
                given[place[day]] = row
    return Events(*(given[:, [column]] for column in range(3))), len(seen - set(place))


def _efficiency(table: Toml) -> float:
    """The part of the irrigation that reaches the soil; above 1 it can only be per cent, and is taken as that."""
    value = table.number("efficiency", Limits(0.01, 100, "(1 = 100 %)"), 1.0)
    return value / 100.0 if value > 1.0 else value


def _rule(table: Toml, days: Sequence[date]) -> Rule:
    in_time = table.flag("in_time", False)
    if in_time and table.has("mad"):
        raise table.refused("mad", "chỉ ghi mad hoặc in_time", "write mad or in_time, not both")
    if not in_time and not table.has("mad") and not table.has("every_days"):
        raise table.refused("mad", "cần mad, in_time hoặc every_days", "mad, in_time or every_days is needed")
    mad = table.number("mad", Limits(0, 1, "", (PER_CENT,)), BY_CALENDAR)
    every = table.whole("every_days", 1, 366, 1)
    part, depth = _refill(table)
    first, last = table.day("from", days[0]), table.day("to", days[-1])
    if first > last:
        if table.has("to"):
            raise table.refused("to", f"không được trước from = {first}", f"must not be before from = {first}")
        raise table.refused("from", f"không được sau to = {last}", f"must not be after to = {last}")
    allowed = np.asarray([[first <= day <= last] for day in days])
    fw, efficiency = table.number("fw", PART, 1.0), _efficiency(table)
    mads, all_days, parts, depths, fws, good = (floats([x]) for x in (mad, every, part, depth, fw, efficiency))
    return Rule(allowed, mads, all_days, parts, depths, fws, good, in_time)


def _refill(table: Toml) -> tuple[float, float]:
    """How much: the part of the depletion (1 for "fc"), and the fixed depth in mm or NaN."""
    if table.is_text("refill"):
        table.choice("refill", ("fc",))
        return 1.0, np.nan
    value = table.number("refill", Limits(0.01, 1000, '(0..1: part of the depletion, >1: mm, or "fc")'), 1.0)
    return (value, np.nan) if value <= 1.0 else (1.0, value)
