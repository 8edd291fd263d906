"""The soil of the last days as a small picture: one line, the band it should stay in, and bars where it was watered.

Rules
1. It is drawn by the server as SVG inside the page: no script, no second request, at most ``MAX_HISTORY`` points.
2. Coordinates are whole pixels of a box as narrow as the narrowest phone, so letters never get smaller than 20 px.
3. A hole in the data is a hole in the line: two points further apart than ``GAP_MS`` are not joined.
4. Two figures stand at its left, at the height of what they say: where the soil counts as dry, and up to where it is
   watered. They never lie upon each other or upon the line.
5. It says in words what it shows (title and description), for those who hear the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from markupsafe import Markup

from pages import words
from pages.i18n import Language
from pages.view import Garden

DAYS = 3
SPAN_MS = DAYS * 86_400_000
GAP_MS = 3 * 3_600_000
WIDTH = 264
HEIGHT = 160
_LEFT = 62  # "32,5 %" in letters of 20 px
_LETTER = 20
_TOP = 10
_FLOOR = 132  # the baseline; the names of the days stand below it
_BAR_TOP = 120
_DAY_MS = 86_400_000
_VIETNAM_MS = 7 * 3_600_000


def moisture_plot(garden: Garden, now_ms: int, language: Language) -> Markup:
    """The picture, or nothing when there is not one reading in these days."""
    since_ms = now_ms - SPAN_MS
    points = [(at, pct) for at, pct in garden.history if since_ms <= at <= now_ms]
    if not points:
        return Markup("")
    low, high = _scale(garden, points)
    x = _Axis(since_ms, now_ms, _LEFT, WIDTH)
    y = _Axis(low, high, _BAR_TOP - 10, _TOP)
    spans = [(w.on_ms, now_ms if w.off_ms is None else w.off_ms) for w in garden.waterings]
    bars = [(max(on, since_ms), min(off, now_ms)) for on, off in spans if off > since_ms and on < now_ms]
    dry, target = y(garden.band.dry_pct), y(garden.band.target_pct)
    parts = [
        Markup('<rect x="{}" y="{}" width="{}" height="{}" class="band"/>').format(
            _LEFT, target, WIDTH - _LEFT, dry - target
        ),
        *_marks(garden, target, dry, language),
        *(_bar(x(on), x(off)) for on, off in bars),
        *_days(since_ms, now_ms, x),
        Markup('<path d="{}" class="line"/>').format("".join(_steps(points, x, y))),
    ]
    title, description = _words(garden, points, len(bars), language)
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>').format(
        WIDTH, HEIGHT, title, description, Markup("").join(parts)
    )


class _Axis:
    """A straight scale from a quantity to whole pixels."""

    def __init__(self, start: float, end: float, start_px: int, end_px: int) -> None:
        self._start, self._start_px = start, start_px
        self._px_per_unit = (end_px - start_px) / (end - start)

    def __call__(self, value: float) -> int:
        return round(self._start_px + (value - self._start) * self._px_per_unit)


def _scale(garden: Garden, points: list[tuple[int, float]]) -> tuple[float, float]:
    """Room for the line and the band, and never so tight that noise looks like weather."""
    values = [pct for _, pct in points] + [garden.band.dry_pct, garden.band.target_pct]
    low, high = min(values), max(values)
    margin = max(1.0, (high - low) * 0.1)
    return low - margin, high + margin


def _steps(points: Iterable[tuple[int, float]], x: _Axis, y: _Axis) -> Iterator[str]:
    """Path data with relative steps, which compress to half of absolute ones."""
    before: tuple[int, int, int] | None = None
    for at_ms, pct in points:
        px, py = x(at_ms), y(pct)
        if before is None or at_ms - before[0] > GAP_MS:
            yield f"M{px} {py}h1"  # a lone point is still a dot
            px += 1
        elif (px, py) != before[1:]:
            yield f"l{px - before[1]} {py - before[2]}"
        before = (at_ms, px, py)


def _marks(garden: Garden, target_px: int, dry_px: int, language: Language) -> Iterator[Markup]:
    """The two figures, apart by the height of a letter at least."""
    apart = max(0, _LETTER - (dry_px - target_px))
    for percent, px in (
        (garden.band.target_pct, target_px - apart // 2),
        (garden.band.dry_pct, dry_px + apart - apart // 2),
    ):
        yield Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
            _LEFT - 4, px + 7, words.percent(percent, language)
        )


def _bar(left: int, right: int) -> Markup:
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" class="bar"/>').format(
        left, _BAR_TOP, max(3, right - left), _FLOOR - _BAR_TOP
    )


def _days(since_ms: int, now_ms: int, x: _Axis) -> Iterator[Markup]:
    """A thin line at each midnight of Vietnam, and the date at its right."""
    midnight = (since_ms + _VIETNAM_MS) // _DAY_MS * _DAY_MS + _DAY_MS - _VIETNAM_MS
    while midnight < now_ms:
        px = x(midnight)
        yield Markup('<path d="M{} {}V{}" class="tick"/>').format(px, _TOP, _FLOOR)
        if px <= WIDTH - 60:
            yield Markup('<text x="{}" y="{}">{}</text>').format(px + 3, HEIGHT - 5, words.day(midnight))
        midnight += _DAY_MS


def _words(garden: Garden, points: list[tuple[int, float]], bars: int, language: Language) -> tuple[str, str]:
    values = [pct for _, pct in points]
    title = language.count("Độ ẩm đất {n} ngày qua: {name}", DAYS, name=garden.name)
    lowest, highest = (words.percent(round(value, 1), language) for value in (min(values), max(values)))
    description = language.count("Từ {low} đến {high}, tưới {n} lần.", bars, low=lowest, high=highest)
    return title, description
