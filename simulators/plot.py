"""A picture of a run, as SVG: soil moisture of each garden with its waterings, the water's level and salt, and
the faults.

Rules of this module:
- Pure: figures in, text out. It draws the field's truth and what the field saw switched, not what a part says
  of itself.
- One time axis for all panels, in local days; colours differ in brightness too, and every line is named at its
  end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from simulators.field.weather import DAY_MS, LOCAL_OFFSET_MS, local_date

WIDTH, LEFT, RIGHT, TOP = 1100, 60, 170, 46
PANEL, GAP = 190, 42
COLOURS = ("#0b5d1e", "#b35900", "#0b4f9e", "#7a1fa2", "#4a4a4a")
INK, GRID, FAULT, WATER = "#111111", "#d9d9d9", "#a3001b", "#9ecbff"
HOUR_MS = 3_600_000

Point = tuple[int, float]


@dataclass(frozen=True)
class Series:
    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    series: Sequence[Series]
    limits: Sequence[tuple[str, float]] = ()  # horizontal lines with a name
    spans: Sequence[tuple[int, int, int]] = ()  # (from, to, index of the series): water on


@dataclass(frozen=True)
class Picture:
    title: str
    start_ms: int
    end_ms: int
    panels: Sequence[Panel]
    faults: Sequence[tuple[str, int]]


def svg(picture: Picture) -> str:
    height = TOP + len(picture.panels) * (PANEL + GAP) + 26 + 12 * len(picture.faults)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 24, picture.title, size=16, weight="bold"),
    ]
    for index, panel in enumerate(picture.panels):
        parts += _panel(picture, panel, TOP + 20 + index * (PANEL + GAP))
    parts += _faults(picture, TOP + 20, height - 28 - 12 * len(picture.faults))
    return "\n".join([*parts, "</svg>\n"])


def _x(picture: Picture, at_ms: float) -> float:
    share = (at_ms - picture.start_ms) / max(1, picture.end_ms - picture.start_ms)
    return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)


def _panel(picture: Picture, panel: Panel, top: int) -> Iterable[str]:
    low, high = _range(panel)

    def y(value: float) -> float:
        return top + PANEL - (value - low) / (high - low) * PANEL

    bottom, right = top + PANEL, WIDTH - RIGHT
    yield _text(LEFT, top - 6, f"{panel.title} ({panel.unit})", weight="bold")
    for from_ms, to_ms, index in panel.spans:
        left, width = _x(picture, from_ms), max(1.5, _x(picture, to_ms) - _x(picture, from_ms))
        lane = top + 4 + index * 7
        yield f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{PANEL}" fill="{WATER}" opacity="0.35"/>'
        yield f'<rect x="{left:.1f}" y="{lane}" width="{width:.1f}" height="5" fill="{_colour(index)}"/>'
    for at_ms in _times(picture):
        x = _x(picture, at_ms)
        yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{GRID}"/>'
        yield _text(x + 2, bottom + 14, _time(at_ms))
    for value in _ticks(low, high):
        yield f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{right}" y2="{y(value):.1f}" stroke="{GRID}"/>'
        yield _text(LEFT - 6, y(value) + 4, f"{value:.4g}", anchor="end")
    for name, value in panel.limits:
        yield (
            f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{right}" y2="{y(value):.1f}" stroke="{INK}" '
            'stroke-dasharray="5 4"/>'
        )
        yield _text(LEFT + 4, y(value) - 3, name)
    for index, series in enumerate(panel.series):
        points = " ".join(f"{_x(picture, at_ms):.1f},{y(value):.1f}" for at_ms, value in series.points)
        yield f'<polyline points="{points}" fill="none" stroke="{_colour(index)}" stroke-width="1.6"/>'
        yield _text(right + 8, top + 14 + 18 * index, f"━ {series.name}", colour=_colour(index))
    yield f'<rect x="{LEFT}" y="{top}" width="{right - LEFT}" height="{PANEL}" fill="none" stroke="{INK}"/>'


def _faults(picture: Picture, top: int, bottom: int) -> Iterable[str]:
    for index, (name, at_ms) in enumerate(picture.faults):
        x = _x(picture, at_ms)
        yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="{FAULT}" stroke-width="1.4"/>'
        yield _text(x + 3, bottom + 14 + 12 * index, name, colour=FAULT)


def _range(panel: Panel) -> tuple[float, float]:
    values = [value for series in panel.series for _at, value in series.points]
    values += [value for _name, value in panel.limits]
    if not values:
        return 0.0, 1.0
    margin = (max(values) - min(values)) * 0.06 or 1.0
    return min(values) - margin, max(values) + margin


def _ticks(low: float, high: float) -> Iterable[float]:
    """Up to six round values within a range."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return (step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1))


def _times(picture: Picture) -> Iterable[int]:
    """Local midnights, and in a short run the hours between them."""
    length_ms = picture.end_ms - picture.start_ms
    step_ms = next((step for step in (HOUR_MS, 6 * HOUR_MS) if length_ms <= 8 * step), DAY_MS)
    first = -(-(picture.start_ms + LOCAL_OFFSET_MS) // step_ms)
    last = (picture.end_ms + LOCAL_OFFSET_MS) // step_ms
    return (n * step_ms - LOCAL_OFFSET_MS for n in range(first, last + 1))


def _time(at_ms: int) -> str:
    hour = (at_ms + LOCAL_OFFSET_MS) % DAY_MS // HOUR_MS
    return f"{hour}:00" if hour else f"{local_date(at_ms):%d/%m}"


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _text(
    x: float, y: float, words: str, *, size: int = 12, weight: str = "normal", anchor: str = "start", colour: str = INK
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(words)}</text>'
    )
