"""Pictures of a season as inline SVG: lines over the days, bars by the day, shares of the day, bars to compare.

Rules of this module:
- Pure: figures in, markup out. Everything that comes from outside is escaped.
- One box for all pictures over time, so that they stand exactly below each other; a line has at most a point for
  each half pixel, the lowest and the highest of what falls together.
- Each picture says in a title what it shows; colours are those of Okabe and Ito, told apart by every eye.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from simulators.field.weather import DAY_MS, local_date, local_midnight_ms

WIDTH, LEFT, RIGHT, TOP = 1060, 46, 14, 8
FOOT = 20
BLUE, SKY, GREEN, ORANGE, RED, PURPLE, GREY, YELLOW = (
    "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#777777", "#f0e442",
)  # fmt: skip
MANY_DAYS = 45

Point = tuple[int, float]


@dataclass(frozen=True)
class Span:
    """The days of a run, as a scale from instants to pixels."""

    start_ms: int
    end_ms: int

    def x(self, at_ms: float) -> float:
        return LEFT + (at_ms - self.start_ms) / (self.end_ms - self.start_ms) * (WIDTH - LEFT - RIGHT)

    @property
    def day_px(self) -> float:
        return (WIDTH - LEFT - RIGHT) * DAY_MS / (self.end_ms - self.start_ms)


@dataclass(frozen=True)
class Line:
    points: Sequence[Point]
    colour: str


@dataclass(frozen=True)
class Bars:
    """A bar for each day, from the bottom or hanging from the top, as long as ``share`` of the box at ``most``."""

    days: Sequence[tuple[dt.date, float]]
    colour: str
    most: float
    hanging: bool = False
    share: float = 0.3


@dataclass(frozen=True)
class Level:
    """A horizontal line with its name."""

    value: float
    name: str
    colour: str = GREY


@dataclass(frozen=True)
class Stretch:
    """A part of the time that has a name, from an instant to the next of its kind."""

    from_ms: int
    name: str


def over_time(
    span: Span,
    title: str,
    lines: Sequence[Line],
    *,
    height: int = 230,
    bars: Sequence[Bars] = (),
    levels: Sequence[Level] = (),
    band: tuple[float, float] | None = None,
    stretches: Sequence[Stretch] = (),
) -> str:
    """Lines, with daily bars behind them, and above them the names of stretches of time."""
    values = [value for line in lines for _, value in line.points] + [level.value for level in levels]
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = (high - low) * 0.06 or 1.0
    low, high = low - margin, high + margin
    bottom = height - FOOT

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - TOP)

    parts = []
    if band:
        parts.append(_rect(LEFT, y(band[1]), WIDTH - LEFT - RIGHT, y(band[0]) - y(band[1]), GREEN, 0.18))
    parts += [_bars(span, bar, bottom) for bar in bars]
    parts += _grid(span, bottom)
    for value in ticks(low, high):
        parts.append(_text(LEFT - 5, y(value) + 4, f"{value:.6g}", anchor="end"))
        parts.append(_stroke(f"M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}", "#dddddd"))
    for level in levels:
        parts.append(_stroke(f"M{LEFT} {y(level.value):.1f}H{WIDTH - RIGHT}", level.colour, dash="6 4"))
        above = y(level.value) > TOP + 18
        parts.append(_text(LEFT + 5, y(level.value) + (-4 if above else 13), level.name, colour=level.colour))
    parts += [_stroke(_path(span, line.points, y), line.colour, 1.6) for line in lines]
    parts += _stretches(span, stretches, bottom)
    return _svg(WIDTH, height, title, parts)


def shares(span: Span, title: str, days: Sequence[tuple[dt.date, Sequence[float]]], colours: Sequence[str]) -> str:
    """Each day as a column of shares (of 1), stacked in the order of the colours from the bottom."""
    height, paths = 74, [""] * len(colours)
    bottom, width = height - FOOT, max(0.7, span.day_px)
    for date, parts in days:
        top = float(bottom)
        for place, share in enumerate(parts):
            tall = share * (bottom - TOP)
            if tall > 0.05:
                top -= tall
                paths[place] += f"M{span.x(local_midnight_ms(date)):.1f} {top:.1f}h{width:.1f}v{tall:.1f}h-{width:.1f}z"
    drawn = [f'<path d="{path}" fill="{colour}"/>' for path, colour in zip(paths, colours, strict=True) if path]
    return _svg(WIDTH, height, title, [*drawn, *_grid(span, bottom)])


def compared(title: str, bars: Sequence[tuple[str, float | None, str]], unit: str) -> str:
    """A bar for each controller: (name, value, how it is written)."""
    row, left, right = 26, 190, 110
    most = max((value for _, value, _ in bars if value is not None), default=0.0) or 1.0
    width, parts = 520, []
    for place, (name, value, written) in enumerate(bars):
        top = 6 + place * row
        long = max(0.0, value or 0.0) / most * (width - left - right)
        parts.append(_text(left - 8, top + 14, name, anchor="end", size=13))
        parts.append(_rect(left, top, max(1.0, long), row - 8, GREEN if place == 0 else GREY, 1.0))
        parts.append(_text(left + max(1.0, long) + 6, top + 14, f"{written} {unit}", size=13))
    return _svg(width, 10 + row * len(bars), title, parts)


def ticks(low: float, high: float) -> Iterator[float]:
    """Up to six round values within a range."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return (step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1))


def thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """At most about ``most`` points: of each stretch the first, the lowest and the highest, in their order."""
    size = math.ceil(3 * len(points) / most)
    if size <= 3:
        return points
    kept: list[Point] = []
    for begin in range(0, len(points), size):
        stretch = points[begin : begin + size]
        kept += sorted({stretch[0], min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])})
    return kept


# ---- pieces


def _path(span: Span, points: Sequence[Point], y: object) -> str:
    assert callable(y)
    thin = thinned(points, 2 * WIDTH)
    return "".join(f"{'L' if place else 'M'}{span.x(at):.1f} {y(value):.1f}" for place, (at, value) in enumerate(thin))


def _bars(span: Span, bars: Bars, bottom: int) -> str:
    room, width = (bottom - TOP) * bars.share, max(0.7, span.day_px * 0.8)
    path = ""
    for date, value in bars.days:
        tall = value / bars.most * room if bars.most else 0.0
        if tall > 0.05:
            top = TOP if bars.hanging else bottom - tall
            path += f"M{span.x(local_midnight_ms(date)):.1f} {top:.1f}h{width:.1f}v{tall:.1f}h-{width:.1f}z"
    return f'<path d="{path}" fill="{bars.colour}" opacity="0.75"/>'


def _stretches(span: Span, stretches: Sequence[Stretch], bottom: int) -> Iterable[str]:
    """Every other stretch is shaded; the name stands where its stretch begins."""
    ends = [stretch.from_ms for stretch in [*stretches[1:], Stretch(span.end_ms, "")]]
    for place, (stretch, end_ms) in enumerate(zip(stretches, ends, strict=False)):
        x, width = span.x(max(span.start_ms, stretch.from_ms)), span.x(end_ms)
        if place % 2 == 0:
            yield _rect(x, TOP, width - x, bottom - TOP, GREY, 0.12)
        yield _text(x + 3, TOP + 40, stretch.name)


def _grid(span: Span, bottom: int) -> Iterable[str]:
    """A line at the first of each month; in a short run at each Monday."""
    first, last = local_date(span.start_ms), local_date(span.end_ms - 1)
    by_week = (last - first).days < MANY_DAYS
    for number in range((last - first).days + 1):
        date = first + dt.timedelta(days=number)
        if date.weekday() == 0 if by_week else date.day == 1:
            x = span.x(local_midnight_ms(date))
            yield _stroke(f"M{x:.1f} {TOP}V{bottom}", "#cccccc")
            yield _text(x + 3, bottom + 14, f"{date:%d/%m}" if by_week else f"{date:%m/%y}")
    yield _stroke(f"M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}V{TOP}z", "#555555")


def _svg(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img"><title>{escape(title)}</title>{"".join(parts)}</svg>'


def _rect(x: float, y: float, width: float, height: float, colour: str, opacity: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}" opacity="{opacity}"/>'
    )


def _stroke(path: str, colour: str, width: float = 1.0, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = "#222222", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {place}>{escape(words)}</text>"
