"""The files of a season run, read strictly: weather, village, field, faults.

Rules
1. Every mistake is one line: file, key or row, value, what is allowed (cli.refusal).
2. The weather may come in the columns of an archive or of a station; the field's model takes temperatures, rain,
   humidity and wind, and what else is there is left out with a note.
3. Times in the faults' file are days of the village, with an hour where one is needed.
"""

from __future__ import annotations

import math
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from cli import tables, toml_tables
from cli.refusal import Refused, note, shown
from cli.tables import Limits, Table
from cli.toml_tables import Toml
from cli.weather import DAILY, days_of_year, observations
from gateway import registry
from gateway.core.fao56.atmosphere import WIND_UNKNOWN_MS, Array, floats
from gateway.core.plans.kinds import last_day_of, phases_of
from gateway.core.village import Village
from gateway.core.weather import EPOCH
from gateway.strict import RegistryError
from simulators.field.evapotranspiration import MEAN_OF_LARGEST_WIND
from simulators.field.layout import LayoutError, layout
from simulators.field.weather import COLUMNS, Day, Weather, local_midnight_ms
from simulators.season import faults as kinds
from simulators.season.faults import Faults, LinkFault, ProbeFault
from simulators.season.ground import ground

ARCHIVE = {
    "wind10m_max_kmh": Limits(*COLUMNS["wind10m_max_kmh"], "km/h"),
    "rh_mean_pct": Limits(*COLUMNS["rh_mean_pct"], "%"),
}
UNUSED = ("tdew_c", "vapour_kpa", "srad_mj_m2", "sunshine_h", "pressure_kpa", "et0_mm", "method")
NEEDED = {
    "tmax_c": Limits(*COLUMNS["tmax_c"], "°C"),
    "tmin_c": Limits(*COLUMNS["tmin_c"], "°C"),
    "rain_mm": Limits(*COLUMNS["rain_mm"], "mm"),
}
MOST_FAULTS = 1_000
HOUR_MS = 3_600_000
SHARE = Limits(0.001, 1, "")
SIZES = {
    kinds.OFFSET: Limits(-0.5, 0.5, "m³/m³"),
    kinds.DRIFT: Limits(-0.1, 0.1, "m³/m³/ngày"),
    kinds.SPIKE: Limits(0.001, 0.5, "m³/m³"),
}


# ---- weather


def weather(name: str, path: Path, latitude: float) -> Weather:
    """Daily weather of a file. Raises Refused."""
    known = ("date", *DAILY, *ARCHIVE, "rain_mm", "et0_mm", "method")
    table = tables.read(path, known, ("date", *NEEDED))
    days = table.days()
    for first, last in tables.gaps(days):
        raise Refused(
            str(path), f"thiếu ngày {first} đến {last}, hãy thêm vào", f"{first} to {last} are missing, add them"
        )
    observations(table, days_of_year(days), DAILY, latitude)  # units mixed up, and what contradicts itself
    columns = {column: _whole(table, column, limits) for column, limits in NEEDED.items()}
    humidity, wind = _humidity(table), _wind_kmh(table)
    left_out = [column for column in UNUSED if table.has(column)]
    if left_out:
        names = ", ".join(left_out)
        note(name, f"đồng mô phỏng không dùng cột {names}", f"the simulated field does not use {names}")
    rows = zip(days, columns["tmax_c"], columns["tmin_c"], columns["rain_mm"], wind, humidity, strict=True)
    return Weather(f"{path.name}", tuple(Day(day, *(float(value) for value in values)) for day, *values in rows))


def _whole(table: Table, column: str, limits: Limits) -> Array:
    """A column without a hole."""
    values = table.numbers(column, limits)
    holes = np.flatnonzero(np.isnan(values))
    if holes.size:
        raise table.refused(int(holes[0]), column, "không được để trống", "must not be empty")
    return values


def _humidity(table: Table) -> Array:
    for column in ("rh_mean_pct", "rhmean_pct"):
        if table.has(column):
            return _whole(table, column, ARCHIVE["rh_mean_pct"])
    if table.has("rhmax_pct") and table.has("rhmin_pct"):
        parts = [_whole(table, column, ARCHIVE["rh_mean_pct"]) for column in ("rhmax_pct", "rhmin_pct")]
        return floats((parts[0] + parts[1]) / 2.0)
    raise Refused(table.name, "dòng 1: thiếu cột độ ẩm không khí: rhmean_pct, hoặc rhmax_pct và rhmin_pct",
                  "row 1: a humidity is missing: rhmean_pct, or rhmax_pct and rhmin_pct")  # fmt: skip


def _wind_kmh(table: Table) -> Array:
    """The day's largest wind at 10 m, from itself or from the mean (FAO-56 Eq. 47 turned round)."""
    if table.has("wind10m_max_kmh"):
        return _whole(table, "wind10m_max_kmh", ARCHIVE["wind10m_max_kmh"])
    mean_ms = table.numbers("wind_ms", DAILY["wind_ms"])
    height_m = table.numbers("wind_height_m", DAILY["wind_height_m"])
    height_m = np.where(np.isnan(height_m) | np.isnan(mean_ms), 2.0, height_m)
    mean_ms = np.where(np.isnan(mean_ms), WIND_UNKNOWN_MS, mean_ms)
    at_10m = mean_ms * math.log(67.8 * 10.0 - 5.42) / np.log(67.8 * height_m - 5.42)
    return floats(at_10m / MEAN_OF_LARGEST_WIND * 3.6)


# ---- village and field


def village(path: Path) -> Village:
    """The village of a registry. Raises Refused."""
    try:
        found = registry.load(path)
    except RegistryError as error:
        bare = RegistryError(error.reason, error.field, error.value)
        raise Refused(str(path), f"tệp làng không dùng được, sửa chỗ này: {bare.vietnamese}",
                      f"the village cannot be used, mend this: {bare}") from None  # fmt: skip
    if not found.zones:
        raise Refused(str(path), "làng chưa có vườn nào, hãy thêm [[zone]]", "there is no zone, add a [[zone]]")
    return found


def plans(path: Path, known: Village, first: date) -> None:
    """Whether the plans of a village can be run from a day on. Raises Refused."""
    for zone in known.zones.values():
        where = f"zone {zone.id!r}.plan"
        last_day, phases = last_day_of(zone.plan), phases_of(zone.plan)
        if last_day is not None and EPOCH + timedelta(days=last_day) < first:
            last = EPOCH + timedelta(days=last_day)
            raise Refused(str(path), f"{where}: vụ này hết từ {last}, trước ngày chạy {first}; hãy ghi vụ mới",
                          f"its season was over on {last}, before the first day {first}; write a new one")  # fmt: skip
        if phases and EPOCH + timedelta(days=phases.since_day) > first:
            since = EPOCH + timedelta(days=phases.since_day)
            raise Refused(str(path), f"{where}.since = {since}: phải từ {first} trở về trước",
                          f"must be {first}, the first day, or earlier")  # fmt: skip


def field(name: str, path: Path | None, beside: Path, known: Village) -> dict[str, Any]:
    """The ground truth: of the file named, else of field.toml beside the village, else made up. Raises Refused."""
    own = path or beside.with_name("field.toml")
    if path is None and not own.is_file():
        note(name, "không có field.toml bên cạnh tệp làng: đất, mương và kinh là giả định (đất thịt pha sét)",
             "no field.toml beside the village: soil, ditch and canal are assumed (clay loam)")  # fmt: skip
        truth = ground(known)
    else:
        truth = _toml(own)
    try:
        layout(known, truth, 0)
    except (LayoutError, TypeError, ValueError, AttributeError) as error:
        raise Refused(str(own), f"không khớp với tệp làng: {error}", "does not fit the village") from None
    _check(str(own), truth)
    return truth


def _toml(path: Path) -> dict[str, Any]:
    toml_tables.read(path)  # for its refusals
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def _check(file: str, truth: dict[str, Any]) -> None:
    """What the field's dataclasses do not see: numbers that are none, and soils that cannot be."""
    for name, entry in (("canal", truth["canal"]), ("ditch", truth["ditch"]), *((z["id"], z) for z in truth["zone"])):
        for key, value in entry.items():
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if key != "id" and not (number and value >= 0):
                raise Refused(file, f"{name}.{key} = {shown(value)}: phải là số từ 0 trở lên",
                              f"{name}.{key} = {shown(value)}: must be a number, 0 or more")  # fmt: skip
    if not truth["ditch"]["area_m2"]:
        raise Refused(file, "ditch.area_m2 = 0: phải lớn hơn 0", "ditch.area_m2 = 0: must be above 0")
    for zone in truth["zone"]:
        _check_soil(file, zone)


def _check_soil(file: str, zone: dict[str, Any]) -> None:
    dry, full, most = (zone[key] for key in ("wilting_point", "field_capacity", "saturation"))
    limits = {
        "wilting_point": (0, 1), "field_capacity": (dry, 1), "saturation": (full, 1), "start_vwc": (dry, most),
        "depletion_fraction": (0.05, 0.95), "root_zone_mm": (10, 10_000), "drainage_h": (0.1, 10_000),
        "crop_coefficient": (0, 2), "infiltration_mm_h": (0.01, 10_000), "surface_mm": (0, 1_000),
    }  # fmt: skip
    for key, (low, high) in limits.items():
        strict = key in ("field_capacity", "saturation") and zone[key] == low
        if strict or not low <= zone[key] <= high:
            told, words = f"{zone['id']}.{key} = {zone[key]}", "above" if strict else "in"
            raise Refused(file, f"{told}: phải trong {low}..{high}" + (f", lớn hơn {low}" if strict else ""),
                          f"{told}: must be {words} {low if strict else f'{low}..{high}'}")  # fmt: skip


# ---- faults


def faults(path: Path | None, known: Village) -> Faults:
    """The schedule of a file; none without one. Raises Refused."""
    if path is None:
        return Faults()
    with toml_tables.read(path) as root:
        probes = [_probe(entry, known) for entry in root.tables("probe", 0, MOST_FAULTS)] if root.has("probe") else []
        links = [_link(entry, known) for entry in root.tables("link", 0, MOST_FAULTS)] if root.has("link") else []
    return Faults(tuple(probes), tuple(links))


def _probe(entry: Toml, known: Village) -> ProbeFault:
    with entry as table:
        zone = table.choice("zone", tuple(known.zones))
        kind = table.choice("kind", kinds.KINDS)
        from_ms, to_ms = _window(table)
        if table.is_text("probe"):
            table.choice("probe", ("all",))
            probes: tuple[int, ...] = ()
        else:
            probes = (table.whole("probe", 1, len(known.zones[zone].probes)) - 1,)
        size = table.number("size", SIZES[kind]) if kind in SIZES else 0.0
        chance = table.number("chance", SHARE, 0.05) if kind == kinds.SPIKE else 0.0
    return ProbeFault(zone, kind, from_ms, to_ms, probes, size, chance)


def _link(entry: Toml, known: Village) -> LinkFault:
    with entry as table:
        return LinkFault(table.choice("node", tuple(known.nodes)), *_window(table))


def _window(table: Toml) -> tuple[int, int]:
    """From a day (and hour) on for so many hours or days, or up to and with a day."""
    first = table.day("from")
    from_ms = local_midnight_ms(first) + round(table.number("hour", Limits(0, 24, "h"), 0.0) * HOUR_MS)
    if table.has("to"):
        last = table.day("to")
        if last < first or last - first > timedelta(days=4_000):
            raise table.refused("to", f"phải từ {first} trở đi", f"must be {first} or later")
        return from_ms, local_midnight_ms(last + timedelta(days=1))
    return from_ms, from_ms + round(table.number("hours", Limits(0.1, 90_000, "h")) * HOUR_MS)


def covered(path: Path | None, found: Weather, first: date, last: date) -> None:
    """Refuse days that the weather does not have."""
    if first < found.first or last > found.last:
        raise Refused(
            str(path or found.label), f"thời tiết chỉ có từ {found.first} đến {found.last}, cần {first} đến {last}",
            f"the weather runs from {found.first} to {found.last}, {first} to {last} is asked for",
        )  # fmt: skip
