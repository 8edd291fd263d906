"""The registry's part about phases of a plan: their order and lengths, and what each changes.

Rules
1. ``phases`` has only what differs from the defaults (``gateway.core.plans.defaults``).
2. Phases are given by ``days`` after each other, or each with ``from_day`` and ``to_day`` of the season; then none may
   overlap another, and no day may be without one.
3. A part of the water (``water_pct`` between 0 and 100) needs a garden whose water is reckoned.
4. Each figure is kept as ``Figure`` too, with its source and whether the file has changed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from gateway.agronomy import DRY_PART, EPOCH, LEAST_BAND, TARGET_PART
from gateway.core.ground import E4, Ground
from gateway.core.plans import defaults
from gateway.core.plans.defaults import Figure, Given
from gateway.core.plans.kinds import PHASES, Phase, Phases
from gateway.strict import Table

MOST_DAYS = 365
BEYOND_MM = 10_000


@dataclass(frozen=True)
class About:
    """What a plan has to know of its garden. ``own_kc``: the file says itself what the crop's coefficients are;
    ``waters`` are node and channel of the levels of ditches and canals."""

    crop: str
    area_m2: float
    flow_lpm: float
    ground: Ground | None
    marks: tuple[float, float]
    own_kc: bool = False
    waters: frozenset[tuple[str, int]] = frozenset()


class Book:
    """The figures of a plan, as they are read: from the file, else the default."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def keep(self, table: Table, key: str, value: object, source: str) -> None:
        self.figures.append(Figure(f"{table.where}.{key}", _shown(value), source, changed=table.has(key)))


def phases(
    t: Table, kind: str, given: Mapping[str, Mapping[str, Given]], about: About, book: Book, *, again: bool = False
) -> Phases:
    ids = PHASES[kind]
    first = t.choice("phase", ids)
    since = t.day("since")
    given_rows = list(t.tables("phases", 0, len(ids)))
    rows = {row.choice("id", ids): row for row in given_rows}
    if len(rows) < len(given_rows):
        t.refuse("phases", "different phases, each only once")
    spans = _Spans()
    steps = []
    for id in ids:
        row = rows.get(id) or Table({"id": id}, f"{t.where}.phases {id!r}")
        row.where = f"{t.where}.phases {id!r}"
        with row as r:
            r.choice("id", ids)
            steps.append(_phase(r, id, kind, dict(given[id]), about, book, spans))
    return Phases(tuple(steps), first, (since - EPOCH).days, again=again)


class _Spans:
    """Phases by days of the season: each begins on the day after the one before."""

    def __init__(self) -> None:
        self._next = 0

    def days(self, row: Table, usual: int) -> int:
        if not (row.has("from_day") or row.has("to_day")):
            days = row.whole("days", 1, MOST_DAYS) if row.has("days") else usual
            self._next += days
            return days
        from_day = row.whole("from_day", 0, MOST_DAYS)
        if from_day != self._next:
            row.refuse("from_day", f"the day after the phase before it ({self._next}), so that none overlaps")
        to_day = row.whole("to_day", from_day, MOST_DAYS)
        if row.has("days"):
            row.refuse("days", "left out where from_day and to_day are given")
        self._next = to_day + 1
        return to_day - from_day + 1


def _phase(row: Table, id: str, kind: str, given: dict[str, Given], about: About, book: Book, spans: _Spans) -> Phase:
    days = spans.days(row, whole(given["days"]))
    book.figures.append(
        Figure(f"{row.where}.days", str(days), given["days"][1], row.has("days") or row.has("from_day"))
    )
    full, why_full = given.get("water_pct", (100, ""))
    water_pct = row.whole("water_pct", 0, 100) if row.has("water_pct") else whole((full, ""))
    if 0 < water_pct < 100 and (about.ground is None or kind != "orchard"):
        row.refuse("water_pct", "0 or 100, because nothing is reckoned for this garden (it needs a [zone.soil])")
    if why_full or row.has("water_pct"):
        book.keep(row, "water_pct", water_pct, why_full or defaults.OWN)
    flood = _flood(row, given, book, locked=water_pct == 0) if kind == "rice" else None
    return Phase(
        id=id,
        days=days,
        water_pct=water_pct,
        wet_days=_wet_days(row, given, days, book) if kind == "orchard" else 0,
        marks_e4=_marks(row, kind, given, about, book) if kind != "rice" else None,
        kc=_kc(row, given, about, book) if kind != "rice" else None,
        flood_mm=flood,
        ditch_level_mm=_ditch(row, book) if kind == "orchard" else None,
    )


def _wet_days(row: Table, given: dict[str, Given], days: int, book: Book) -> int:
    usual, source = given.get("wet_days", (0, defaults.OWN))
    wet_days = row.whole("wet_days", 0, days) if row.has("wet_days") else min(days, whole((usual, "")))
    if wet_days or row.has("wet_days"):
        book.keep(row, "wet_days", wet_days, source)
    return wet_days


def _kc(row: Table, given: dict[str, Given], about: About, book: Book) -> float | None:
    """Only where water is reckoned. The crop's own curve holds where neither file nor default has one."""
    kc, source = (None, defaults.CROP) if about.own_kc else given.get("kc", (None, defaults.CROP))
    if row.has("kc"):
        kc = float(row.number("kc", Decimal("0.1"), Decimal("1.5")))
    if about.ground is None or kc is None:
        return None
    book.keep(row, "kc", kc, source)
    return float(str(kc))


def _marks(row: Table, kind: str, given: dict[str, Given], about: About, book: Book) -> tuple[int, int] | None:
    """The marks of a phase: by its share p of the soil's water, or as they are given."""
    dry, target = about.marks
    low, high = Decimal("0.01"), Decimal("0.9")
    ground = about.ground
    p, source = given.get("p", (None, defaults.TABLE_P))
    if kind == "vegetable" and ground is not None:
        share = float(row.number("p", Decimal("0.1"), Decimal("0.8"))) if row.has("p") else float(str(p))
        book.keep(row, "p", round(share, 3), source)
        dry = round(ground.fc - DRY_PART * share * (ground.fc - ground.wp), 4)
        target = max(target, round(ground.fc - TARGET_PART * (ground.fc - ground.wp), 4))
    if row.has("dry_vwc"):
        dry = float(row.number("dry_vwc", low, high))
        book.keep(row, "dry_vwc", dry, defaults.GARDEN)
    if row.has("target_vwc"):
        target = float(row.number("target_vwc", low, high))
        book.keep(row, "target_vwc", target, defaults.GARDEN)
    if ground is not None and not ground.wp < dry < ground.fc:
        row.refuse("dry_vwc", f"between wp ({ground.wp:g}) and fc ({ground.fc:g}) of its soil")
    if ground is not None and target > ground.fc:
        row.refuse("target_vwc", f"at most fc ({ground.fc:g}) of its soil")
    if round(target - dry, 6) < LEAST_BAND:
        row.refuse("dry_vwc", f"at least {LEAST_BAND:g} below target_vwc ({target:g})")
    return None if (dry, target) == about.marks else (round(dry * E4), round(target * E4))


def _flood(row: Table, given: dict[str, Given], book: Book, *, locked: bool) -> tuple[int, int] | None:
    if locked:
        return None
    marks = []
    for key in ("fill_at_mm", "fill_to_mm"):
        usual, source = given.get(key, (0, defaults.OWN))
        marks.append(row.whole(key, -300, 200) if row.has(key) else whole((usual, "")))
        book.keep(row, key, marks[-1], source)
    if marks[0] >= marks[1]:
        row.refuse("fill_at_mm", f"below fill_to_mm ({marks[1]})")
    return marks[0], marks[1]


def _ditch(row: Table, book: Book) -> int | None:
    if not row.has("ditch_level_mm"):
        return None
    level_mm = row.whole("ditch_level_mm", 0, BEYOND_MM)
    book.keep(row, "ditch_level_mm", level_mm, defaults.NO_PLAN)
    return level_mm


def whole(given: Given) -> int:
    value = given[0]
    assert isinstance(value, int)
    return value


def _shown(value: object) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, tuple | list) else f"{value}"
