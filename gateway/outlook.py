"""weather.json in the gateway's home: a forecast or an archive as somebody has put it there, read when it has changed.

Rules
1. The file is other people's: anything wrong in it, or no file, is no outlook. What is wrong is logged once, with key,
   value and allowed range; what was read before is not kept beside a wrong file.
2. It says itself when it was issued, so its age goes on counting over restarts, and a copy that is put there again is
   no younger (D5).
3. ``{"version": 1, "source": text, "issued_ms": UTC, "days": [{"date": "2024-03-01", "tmax_c": …, "tmin_c": …,
   "rain_mm": …, "rain_chance_pct": …, "rhmean_pct": …, "wind10m_max_kmh": …}]}``; the last two may be left out. Days
   rise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from gateway.core.weather import Outlook, OutlookDay
from kit import log

VERSION = 1
MAX_BYTES = 500_000
MAX_DAYS = 400
MAX_SOURCE = 120
EPOCH = date(1970, 1, 1)
RANGES: Mapping[str, tuple[float, float]] = {
    "tmax_c": (-10.0, 55.0),
    "tmin_c": (-20.0, 45.0),
    "rain_mm": (0.0, 700.0),
    "rain_chance_pct": (0.0, 100.0),
    "rhmean_pct": (1.0, 100.0),
    "wind10m_max_kmh": (0.0, 250.0),
}
OPTIONAL = ("rhmean_pct", "wind10m_max_kmh")


class OutlookError(Exception):
    """A weather.json that cannot be used; one line."""


class OutlookFile:
    """The outlook of a home; look as often as you like."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._outlook: Outlook | None = None

    def read(self) -> Outlook | None:
        """What the file says now."""
        try:
            stat = self._path.stat()
        except OSError:
            self._seen = self._outlook = None
            return None
        seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if seen != self._seen:
            self._seen, self._outlook = seen, self._parsed(stat.st_size)
        return self._outlook

    def _parsed(self, size: int) -> Outlook | None:
        try:
            if size > MAX_BYTES:
                raise OutlookError(f"larger than {MAX_BYTES} bytes")
            return parse(self._path.read_text(encoding="utf-8"))
        except (OutlookError, OSError, UnicodeDecodeError) as error:
            log.get().warning("the weather file is not used", file=self._path.name, why=str(error))
            return None


def parse(text: str) -> Outlook:
    """The outlook of a file's text. Raises OutlookError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OutlookError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise OutlookError("not an object")
    if found.get("version") != VERSION:
        raise OutlookError(f"version = {found.get('version')!r}: must be {VERSION}")
    source, issued_ms, days = found.get("source"), found.get("issued_ms"), found.get("days")
    if not isinstance(source, str) or not 0 < len(source) <= MAX_SOURCE or not source.isprintable():
        raise OutlookError(f"source = {source!r}: must be a text of 1 to {MAX_SOURCE} printable characters")
    if type(issued_ms) is not int or not 0 < issued_ms < 2**42:
        raise OutlookError(f"issued_ms = {issued_ms!r}: must be milliseconds since 1970")
    if not isinstance(days, list) or not 0 < len(days) <= MAX_DAYS:
        raise OutlookError(f"days: must be a list of 1 to {MAX_DAYS}")
    told: dict[int, OutlookDay] = {}
    for place, day in enumerate(days, start=1):
        number, figures = _day(day, f"days[{place}]")
        if told and number <= max(told):
            raise OutlookError(f"days[{place}].date = {day['date']}: must be later than the day before it")
        told[number] = figures
    return Outlook(issued_ms, source, told)


def _day(found: object, where: str) -> tuple[int, OutlookDay]:
    if not isinstance(found, dict):
        raise OutlookError(f"{where}: must be an object")
    try:
        number = (date.fromisoformat(found.get("date", "")) - EPOCH).days
    except (TypeError, ValueError) as error:
        raise OutlookError(f"{where}.date = {found.get('date')!r}: must be a day such as 2024-03-01") from error
    values = {name: _number(found, name, where) for name in RANGES}
    tmax, tmin = values["tmax_c"], values["tmin_c"]
    rain, chance = values["rain_mm"], values["rain_chance_pct"]
    assert tmax is not None and tmin is not None and rain is not None and chance is not None  # none of them OPTIONAL
    if tmin > tmax:
        raise OutlookError(f"{where}.tmin_c = {tmin:g}: must be at most tmax_c ({tmax:g})")
    return number, OutlookDay(tmax, tmin, rain, chance / 100.0, values["rhmean_pct"], values["wind10m_max_kmh"])


def _number(found: Mapping[str, object], name: str, where: str) -> float | None:
    value = found.get(name)
    if value is None and name in OPTIONAL:
        return None
    low, high = RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:  # refuses NaN too
        raise OutlookError(f"{where}.{name} = {value!r}: must be a number in {low:g}..{high:g}")
    return float(value)
