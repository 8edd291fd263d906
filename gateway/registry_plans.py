"""The registry's part about plans: a garden's ``plan``, made of what the file says and of defaults with their sources.

Rules
1. As in ``gateway.registry``: complete and consistent, or refused with key, value and allowed range.
2. A plan has a ``kind``. Those with phases (``registry_phases``) say in which ``phase`` the garden is and ``since``
   when: the word of a person, which holds until a person confirms another.
3. A garden that is not watered by its soil needs no probe: rice, a calendar, people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from math import ceil

from gateway.agronomy import EPOCH
from gateway.core.crops import defaults as crop_defaults
from gateway.core.ground import E4
from gateway.core.plans import defaults
from gateway.core.plans.defaults import Figure, Given
from gateway.core.plans.kinds import PHASES, Calendar, Manual, Orchard, Plan, Rice, Sun, Vegetable
from gateway.core.refs import SensorRef
from gateway.core.village import Node
from gateway.registry_phases import MOST_DAYS, About, Book, phases, whole
from gateway.registry_water import sensor_ref
from gateway.strict import Table
from wire import fields

KINDS = ("orchard", "vegetable", "rice", "calendar", "manual")
WITHOUT_PROBES = ("rice", "calendar", "manual")
MINUTE_MS = 60_000
WEEKDAYS = ("t2", "t3", "t4", "t5", "t6", "t7", "cn")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(sunrise|sunset)([+-][0-9]{1,3})?")
MOST_OFFSET_MIN = 240


def kind_of(zone: Table) -> str:
    """The kind of a garden's plan, empty where it has none."""
    return zone.table("plan").choice("kind", KINDS) if zone.has("plan") else ""


def plan(zone: Table, about: About, nodes: Mapping[str, Node]) -> tuple[Plan | None, tuple[Figure, ...]]:
    """The plan of a garden and its figures."""
    if not zone.has("plan"):
        return None, ()
    book = Book()
    with zone.table("plan") as t:
        t.where = "plan"
        kind = t.choice("kind", KINDS)
        t.where = f"{zone.where}.plan"
        if kind == "orchard":
            made: Plan = _orchard(t, about, book)
        elif kind == "vegetable":
            made = Vegetable(phases(t, "vegetable", _vegetable_defaults(about), about, book))
        elif kind == "rice":
            made = _rice(t, about, nodes, book)
        elif kind == "calendar":
            made = _calendar(t, about, book)
        else:
            made = Manual()
    head = f"{zone.where}.plan."
    return made, tuple(Figure(f.key.removeprefix(head), f.value, f.source, f.changed) for f in book.figures)


# ---- the kinds


def _orchard(t: Table, about: About, book: Book) -> Orchard:
    found = phases(t, "orchard", defaults.orchard(about.crop), about, book, again=True)
    part, source = defaults.ORCHARD_OWN["guard_part"]
    ground, (dry, _) = about.ground, about.marks
    if ground is None and not t.has("guard_vwc"):
        t.refuse("guard_vwc", f"a number in 0.01..{dry:g}, because nothing is said of the soil")
    guard = 0.0 if ground is None else round(ground.wp + float(str(part)) * (ground.fc - ground.wp), 4)
    if t.has("guard_vwc"):
        guard = float(t.number("guard_vwc", Decimal("0.01"), Decimal("0.9")))
    driest = min([dry, *(p.marks_e4[0] / E4 for p in found.steps if p.marks_e4)])
    if not (ground.wp if ground else 0.0) < guard < driest:
        t.refuse("guard_vwc", f"above wp ({ground.wp if ground else 0:g}) and below dry_vwc ({driest:g})")
    book.keep(t, "guard_vwc", guard, source)
    days, source = defaults.ORCHARD_OWN["most_dry_days"]
    most_dry_days = t.whole("most_dry_days", 1, MOST_DAYS) if t.has("most_dry_days") else whole((days, ""))
    book.keep(t, "most_dry_days", most_dry_days, source)
    months, source = defaults.ORCHARD_OWN["saline_months"]
    saline = t.wholes("saline_months", 0, 12, 1, 12) if t.has("saline_months") else months
    book.keep(t, "saline_months", saline, source)
    assert isinstance(saline, tuple | list)
    return Orchard(found, round(guard * E4), most_dry_days, tuple(saline))


def _vegetable_defaults(about: About) -> Mapping[str, Mapping[str, Given]]:
    """The stages of the crop, from FAO-56 or from the file."""
    said = crop_defaults(about.crop)
    stages = about.ground.stages_days if about.ground else said.stages_days if said else (20, 30, 20, 10)
    p = about.ground.p if about.ground else 0.45
    source = said.source if said else "registry"
    given: dict[str, Mapping[str, Given]] = {}
    for id, days in zip(PHASES["vegetable"], stages, strict=True):
        share, why = defaults.VEGETABLE_P[id]
        given[id] = {"days": (days, source), "p": (p * share, why)}
    return given


def _rice(t: Table, about: About, nodes: Mapping[str, Node], book: Book) -> Rice:
    tubes = tuple(sensor_ref(tube, nodes, fields.WATER_LEVEL) for tube in t.tables("tubes", 1, 8))
    if len(set(tubes)) != len(tubes):
        t.refuse("tubes", "different tubes")
    if any((tube.node, tube.channel) in about.waters for tube in tubes):
        t.refuse("tubes", "tubes in the field, not the level of a ditch or canal")
    steps = phases(t, "rice", defaults.RICE, about, book)
    found: dict[str, int] = {}
    for key, high in (("max_age_min", 24 * 60), ("spread_mm", 500), ("range_mm", 1_000)):
        usual, source = defaults.RICE_OWN[key]
        found[key] = t.whole(key, 1, high) if t.has(key) else whole((usual, ""))
        book.keep(t, key, found[key], source)
    every_s = max(nodes[tube.node].told_s(fields.WATER_LEVEL, tube.channel) for tube in tubes)
    if 2 * every_s > 60 * found["max_age_min"]:
        t.refuse("max_age_min", f"at least twice the sample_s of its tubes ({every_s}), in minutes")
    marks = [abs(mm) for step in steps.steps for mm in step.flood_mm or ()]
    if max(marks, default=0) >= found["range_mm"]:
        t.refuse("range_mm", f"more than every mark of its phases ({max(marks)})")
    refs = tuple(SensorRef(tube.node, fields.WATER_LEVEL, tube.channel) for tube in tubes)
    age_ms = found["max_age_min"] * MINUTE_MS
    return Rice(steps, refs, about.area_m2, age_ms, found["spread_mm"], found["range_mm"])


# ---- the calendar


def _calendar(t: Table, about: About, book: Book) -> Calendar:
    weekdays = _weekdays(t) if t.has("weekdays") else ()
    every_days = t.whole("every_days", 1, 60) if t.has("every_days") else 0
    if bool(weekdays) == bool(every_days):
        t.refuse("weekdays", "given, or every_days instead, and not both")
    first = t.day("first_day") if t.has("first_day") else EPOCH
    if weekdays and t.has("first_day"):
        t.refuse("first_day", "left out where weekdays are given")
    by_end = t.has("by")
    if by_end == t.has("at"):
        t.refuse("at", "given, or by instead, and not both")
    minute, sun = _time(t, "by" if by_end else "at")
    window, source = defaults.CALENDAR_OWN["window_min"]
    window_min = t.whole("window_min", 1, 720) if t.has("window_min") else whole((window, ""))
    if by_end:
        book.keep(t, "window_min", window_min, source)
    amount_ml = _amount_ml(t, about)
    months, source = defaults.CALENDAR_OWN["months_pct"]
    month_pct = (
        tuple(int(n) for n in t.numbers("months_pct", 12, 0, 200, whole=True)) if t.has("months_pct") else months
    )
    assert isinstance(month_pct, tuple)
    book.keep(t, "months_pct", month_pct, source)
    rain_um = round(t.number("rain_mm", 1, 200) * 1000) if t.has("rain_mm") else None
    wait, source = defaults.CALENDAR_OWN["rain_wait_h"]
    wait_h = t.whole("rain_wait_h", 1, 168) if t.has("rain_wait_h") else whole((wait, ""))
    if rain_um is not None:
        book.keep(t, "rain_wait_h", wait_h, source)
    season, cap_ml = _season(t, about) if t.has("season") else (None, None)
    takes_min = ceil(amount_ml * max(month_pct) / 100 / (about.flow_lpm * 1000))
    if by_end and takes_min > window_min:
        t.refuse("window_min", f"at least {takes_min}, as long as its water flows")
    return Calendar(
        amount_ml=amount_ml, minute=minute, weekdays=weekdays, every_days=every_days, first_day=(first - EPOCH).days,
        sun=sun, by_end=by_end, window_ms=window_min * MINUTE_MS, month_pct=month_pct, cap_ml=cap_ml, season=season,
        rain_um=rain_um, rain_wait_ms=wait_h * 60 * MINUTE_MS,
    )  # fmt: skip


def _weekdays(t: Table) -> tuple[int, ...]:
    said = t.texts("weekdays", 1, 7)
    if not set(said) <= set(WEEKDAYS) or len(set(said)) != len(said):
        t.refuse("weekdays", f"different days of {', '.join(WEEKDAYS)}")
    return tuple(sorted(WEEKDAYS.index(word) for word in said))


def _time(t: Table, key: str) -> tuple[int, Sun | None]:
    found = _TIME.fullmatch(t.text(key))
    if found is None or abs(int(found[4] or 0)) > MOST_OFFSET_MIN:
        t.refuse(key, 'a time such as "05:30", "sunrise-30" or "sunset+15"')
    if found[3]:
        return int(found[4] or 0), Sun(found[3])
    return 60 * int(found[1]) + int(found[2]), None


def _amount_ml(t: Table, about: About) -> int:
    if t.has("minutes") == t.has("depth_mm"):
        t.refuse("minutes", "given, or depth_mm instead, and not both")
    if t.has("minutes"):
        return round(t.whole("minutes", 1, 720) * about.flow_lpm * 1000)
    return round(float(t.number("depth_mm", Decimal("0.5"), 100)) * about.area_m2 * 1000)


def _season(t: Table, about: About) -> tuple[tuple[int, int], int | None]:
    with t.table("season") as s:
        first, last = s.day("from"), s.day("to")
        if not 0 <= (last - first).days <= MOST_DAYS:
            s.refuse("to", f"a day from {first} on, {MOST_DAYS} days later at the latest")
        cap_ml = None
        if s.has("cap_mm") and s.has("cap_m3"):
            s.refuse("cap_m3", "left out where cap_mm is given")
        if s.has("cap_mm"):
            cap_ml = round(s.whole("cap_mm", 1, 5_000) * about.area_m2 * 1000)
        elif s.has("cap_m3"):
            cap_ml = s.whole("cap_m3", 1, 10_000_000) * 1_000_000
        return ((first - EPOCH).days, (last - EPOCH).days), cap_ml
