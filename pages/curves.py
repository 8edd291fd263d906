"""A few lines over some days, with the hours of watering below: a picture for a report, as SVG inside of a page.

Rules
1. No script and nothing to load; whole pixels; what it shows is said in words too. As wide as a phone, so that
   its letters can be read there.
2. Lines differ in brightness and in dashes, not in colour alone, and each is named.
3. Figures are those of the caller; a hole longer than ``GAP_MS`` is a hole in the line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pages import words

WIDTH, LEFT, TOP = 360, 46, 12
HEIGHT, ROW = 150, 24
GAP_MS = 6 * 3_600_000
DAY_MS = 86_400_000
VIETNAM_MS = 7 * 3_600_000
MOST_DAYS = 7  # named below the picture
COLOURS = ("#0b5d1e", "#b35900", "#0b4f9e", "#4a4a4a")
DASHES = ("", "6 4", "2 3", "9 3 2 3")

Scale = Callable[[float], int]


@dataclass(frozen=True)
class Curve:
    """``points`` are (time, value); ``spans`` when water was on."""

    name: str
    points: Sequence[tuple[int, float]]
    spans: Sequence[tuple[int, int]] = ()


def picture(title: str, unit: str, curves: Sequence[Curve], from_ms: int, to_ms: int) -> Markup:
    """The picture; nothing when there is nothing to draw."""
    values = [value for curve in curves for _, value in curve.points]
    if not values or to_ms <= from_ms:
        return Markup("")
    low, high = min(0.0, *values), max(*values, 1.0) * 1.05

    def x(at_ms: float) -> int:
        return LEFT + round((at_ms - from_ms) / (to_ms - from_ms) * (WIDTH - LEFT - 8))

    def y(value: float) -> int:
        return TOP + HEIGHT - round((value - low) / (high - low) * HEIGHT)

    floor = TOP + HEIGHT
    height = floor + 24 + ROW * len(curves)
    parts = [*_grid(low, high, unit, y), *_days(from_ms, to_ms, x, floor)]
    for place, curve in enumerate(curves):
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        path = "".join(_path(curve.points, x, y))
        line = '<path d="{}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="{}"/>'
        parts.append(Markup(line).format(path, colour, dash or "none"))
        parts += _row(curve, floor + 20 + ROW * place, colour, x)
    names = ", ".join(curve.name for curve in curves)
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" font-family="sans-serif" font-size="12"><title>{}: {}</title>{}</svg>'
    ).format(WIDTH, height, title, names, Markup("").join(parts))


def _path(points: Sequence[tuple[int, float]], x: Scale, y: Scale) -> Iterator[str]:
    last_ms: int | None = None
    for at_ms, value in points:
        joined = last_ms is not None and at_ms - last_ms <= GAP_MS
        yield f"{'L' if joined else 'M'}{x(at_ms)} {y(value)}"
        last_ms = at_ms


def _row(curve: Curve, top: int, colour: str, x: Scale) -> Iterator[Markup]:
    """The name of a line, and when it had water."""
    yield Markup('<text x="0" y="{}" fill="{}">{}</text>').format(top + 9, colour, curve.name[:40])
    for on_ms, off_ms in curve.spans:
        left = max(LEFT, x(on_ms))
        bar = '<rect x="{}" y="{}" width="{}" height="5" fill="{}"/>'
        yield Markup(bar).format(left, top + 14, max(2, x(off_ms) - left), colour)


def _grid(low: float, high: float, unit: str, y: Scale) -> Iterator[Markup]:
    for value in (low, (low + high) / 2, high / 1.05):
        line = '<path d="M{} {}H{}" stroke="#d9d9d9"/><text x="0" y="{}">{} {}</text>'
        yield Markup(line).format(LEFT, y(value), WIDTH, y(value) + 4, f"{value:.0f}", unit)


def _days(from_ms: int, to_ms: int, x: Scale, floor: int) -> Iterator[Markup]:
    midnight = (from_ms + VIETNAM_MS) // DAY_MS * DAY_MS + DAY_MS - VIETNAM_MS
    every = max(1, math.ceil((to_ms - from_ms) / DAY_MS / MOST_DAYS))
    count = 0
    while midnight < to_ms:
        if count % every == 0 and x(midnight) < WIDTH - 40:
            text = '<path d="M{} {}V{}" stroke="#d9d9d9"/><text x="{}" y="{}">{}</text>'
            yield Markup(text).format(x(midnight), TOP, floor, x(midnight) + 2, floor + 12, words.day(midnight))
        midnight += DAY_MS
        count += 1
