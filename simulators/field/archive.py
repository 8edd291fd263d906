"""Weather of the last weeks at the village, from Open-Meteo's public archive (ERA5; CC BY 4.0, Open-Meteo and
Copernicus).

Rules of this module:
- One request, one short time-out, no retry: the caller falls back to the generator and says so.
- What comes back is checked like a file: a hole, a foreign unit or an impossible figure is an error, never a
  guess.
"""

from __future__ import annotations

import datetime as dt

import httpx

from simulators.field.weather import COLUMNS, Day, Weather, WeatherError

URL = "https://archive-api.open-meteo.com/v1/archive"
LAG_DAYS = 6  # the archive is complete up to about five days ago
TIMEOUT_S = 4.0

# name in the archive -> our column, unit that it must come in
DAILY = {
    "temperature_2m_max": ("tmax_c", "°C"),
    "temperature_2m_min": ("tmin_c", "°C"),
    "precipitation_sum": ("rain_mm", "mm"),
    "wind_speed_10m_max": ("wind10m_max_kmh", "km/h"),
    "relative_humidity_2m_mean": ("rh_mean_pct", "%"),
}


def fetch(latitude: float, longitude: float, first: dt.date, last: dt.date, *, url: str = URL) -> Weather:
    query = {
        "latitude": f"{latitude:.4f}",
        "longitude": f"{longitude:.4f}",
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "daily": ",".join(DAILY),
        "timezone": "Asia/Ho_Chi_Minh",
    }
    try:
        answer = httpx.get(url, params=query, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return parse(answer.json(), first, last)
    except (httpx.HTTPError, ValueError) as error:
        raise WeatherError(f"Open-Meteo did not answer ({type(error).__name__})") from error


def parse(answer: object, first: dt.date, last: dt.date) -> Weather:
    """The archive's JSON as `Weather`, checked."""
    if not isinstance(answer, dict):
        raise WeatherError("Open-Meteo answered something else than weather")
    daily, units = answer.get("daily"), answer.get("daily_units")
    if not isinstance(daily, dict) or not isinstance(units, dict):
        raise WeatherError("Open-Meteo's answer has no daily figures")
    count = (last - first).days + 1
    dates = [(first + dt.timedelta(days=index)).isoformat() for index in range(count)]
    if daily.get("time") != dates:
        raise WeatherError("Open-Meteo's answer is not of the days asked for")
    columns: dict[str, list[float]] = {}
    for name, (column, unit) in DAILY.items():
        if units.get(name) != unit:
            raise WeatherError(f"Open-Meteo gave {name} in {units.get(name)!r}, not in {unit}")
        columns[column] = _checked(daily.get(name), column, count)
    days = (
        Day(first + dt.timedelta(days=index), **{column: values[index] for column, values in columns.items()})
        for index in range(count)
    )
    return Weather("Open-Meteo archive (ERA5, CC BY 4.0)", tuple(days))


def _checked(values: object, column: str, count: int) -> list[float]:
    low, high = COLUMNS[column]
    if not isinstance(values, list) or len(values) != count:
        raise WeatherError(f"Open-Meteo's answer has holes in {column}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise WeatherError(f"Open-Meteo's answer holds {value!r} for {column}")
    return [float(value) for value in values]
