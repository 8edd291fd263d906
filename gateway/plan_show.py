"""``python -m gateway plan show ZONE``: every figure of a plan, whose it is, and whether the file has changed it.

Rules
1. It shows what is in force, as the gateway itself reads it, and the phase that a person has confirmed last.
2. Vietnamese first; keys and values are those of village.toml, because that is where a figure is changed.
3. A source is said once, below, and named by its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

from gateway import in_force
from gateway.core.plans.calendar import next_window_at_ms
from gateway.core.plans.defaults import SOURCES_VI, Figure
from gateway.core.plans.kinds import Calendar, Manual, Orchard, Plan, Rice, phases_of
from gateway.core.plans.memory import PlanState
from gateway.core.reasons_plans import PHASES_EN, PHASES_VI
from gateway.core.state import State, StateError
from gateway.core.village import Zone
from gateway.core.weather import EPOCH, Place, local_day
from gateway.home import Home
from gateway.process import ProcessError
from gateway.registry_plans import WEEKDAYS
from gateway.store.common import StoreError
from gateway.store.control import ControlReader

VIETNAM = timezone(timedelta(hours=7))
_OF_A_PHASE = re.compile(r"phases '(\w+)'\.(\w+)")
NAMES = {
    "Orchard": ("vườn cây, theo giai đoạn", "orchard, by phases"),
    "Vegetable": ("rau, theo lứa tuổi", "vegetables, by stages"),
    "Rice": ("lúa, ướt khô xen kẽ", "rice, alternate wetting and drying"),
    "Calendar": ("lịch tưới", "calendar"),
    "Manual": ("bấm tay", "by hand"),
}


def show(home: Home, zone_id: str, now_ms: int) -> str:
    """The plan of a garden as text. Raises RegistryError, or ProcessError for a garden that is not there."""
    village = in_force.load(home).village
    zone = village.zones.get(zone_id)
    if zone is None:
        known = ", ".join(village.zones)
        raise ProcessError(f"không có vườn {zone_id!r}; có: {known} / no such garden; there are: {known}")
    place = Place(village.latitude, village.longitude, village.elevation_m)
    return "\n".join(_lines(zone, _memory(home, zone_id), place, now_ms))


def _memory(home: Home, zone_id: str) -> PlanState:
    """What the irrigation remembers; nothing while it has not begun."""
    try:
        if not home.control.exists():
            return PlanState()
        with ControlReader(home.control) as reader:
            kept = reader.state()
        state = State.from_json(kept.json) if kept else State()
    except (StoreError, StateError):
        return PlanState()
    return state.zones[zone_id].plan if zone_id in state.zones else PlanState()


def _lines(zone: Zone, memory: PlanState, place: Place, now_ms: int) -> Iterator[str]:
    if zone.plan is None:
        yield f"{zone.name}: chưa có kế hoạch, tưới theo đất / no plan, watered by its soil"
        return
    vi, en = NAMES[type(zone.plan).__name__]
    yield f"{zone.name}: {vi} / {en}"
    yield from _phase(zone.plan, memory, now_ms)
    yield from _rest(zone.plan, memory, place, now_ms)
    yield from _figures(zone.figures)


def _figures(figures: Sequence[Figure]) -> Iterator[str]:
    """By phases, each with the number of its source; then the sources."""
    sources = list(dict.fromkeys(figure.source for figure in figures))
    phase, keys = "", [_OF_A_PHASE.fullmatch(figure.key) for figure in figures]
    width = max((len(key[2] if key else f.key) for key, f in zip(keys, figures, strict=True)), default=0)
    for key, figure in zip(keys, figures, strict=True):
        if key and key[1] != phase:
            phase = key[1]
            yield f'  {PHASES_VI[phase]} / {PHASES_EN[phase]}   ([[zone.plan.phases]] id = "{phase}")'
        name, indent = (key[2], "    ") if key else (figure.key, "  ")
        changed = "   đã sửa trong sổ, số gốc theo / changed in the file, the default is of" if figure.changed else "  "
        yield f"{indent}{name:<{width}} = {figure.value}{changed} [{sources.index(figure.source) + 1}]"
    for number, source in enumerate(sources, start=1):
        vi = SOURCES_VI.get(source)
        yield f"  [{number}] {vi} / {source}" if vi else f"  [{number}] {source}"


def _phase(plan: Plan, memory: PlanState, now_ms: int) -> Iterator[str]:
    phases = phases_of(plan)
    if phases is None:
        return
    known = memory.phase
    if known is None or known.file_day != phases.since_day or phases.of(known.id) is None:
        day = EPOCH + timedelta(days=phases.since_day)
        yield f"  giai đoạn / phase: {PHASES_VI[phases.first]} / {PHASES_EN[phases.first]}, {day}, village.toml"
        return
    day = EPOCH + timedelta(days=local_day(known.since_at_ms))
    days = local_day(now_ms) - local_day(known.since_at_ms)
    who = known.told_by or known.user or "village.toml"
    yield f"  giai đoạn / phase: {PHASES_VI[known.id]} / {PHASES_EN[known.id]}, {day} ({days} ngày / days), {who}"


def _rest(plan: Plan, memory: PlanState, place: Place, now_ms: int) -> Iterator[str]:
    """What only the file can say, so that nothing is hidden."""
    match plan:
        case Orchard():
            yield "  nước của giai đoạn: phần trăm của ETc / water_pct is a part of ETc (FAO-56)"
        case Rice():
            yield "  mực nước tính từ mặt đất / levels from the soil's surface, mm"
        case Calendar():
            yield from _calendar(plan, memory, place, now_ms)
        case Manual():
            yield "  chỉ tưới khi có người bấm / watered by people only"
        case _:
            pass


def _calendar(plan: Calendar, memory: PlanState, place: Place, now_ms: int) -> Iterator[str]:
    days = ", ".join(WEEKDAYS[day] for day in plan.weekdays) or f"{plan.every_days} ngày một lần / every so many days"
    sign = f"{plan.sun.value}{plan.minute:+d}" if plan.sun else f"{plan.minute // 60:02d}:{plan.minute % 60:02d}"
    yield f"  {days}, {'xong lúc / over by' if plan.by_end else 'bắt đầu / begins at'} {sign}"
    next_ms = next_window_at_ms(plan, place, now_ms, dry_months=False)
    if next_ms is None:
        yield "  lịch không còn lần nào / the calendar has no time any more"
    else:
        yield f"  lần tới / next time: {datetime.fromtimestamp(next_ms / 1000, VIETNAM):%Y-%m-%d %H:%M}"
    yield f"  mỗi lần / each time: {_m3(plan.amount_ml)}"
    if plan.rain_um is not None:
        yield f"  mưa từ {plan.rain_um // 1000} mm một ngày thì bỏ / left out after so much rain on a day"
    if plan.season is None:
        return
    first, last = (EPOCH + timedelta(days=day) for day in plan.season)
    given_ml = memory.season_ml if memory.season_day == plan.season[0] else 0
    most = "" if plan.cap_ml is None else f" / {_m3(plan.cap_ml)}"
    yield f"  vụ / season {first} - {last}: đã tưới / given {_m3(given_ml)}{most}"


def _m3(millilitres: int) -> str:
    return f"{millilitres / 1_000_000:.1f} m³".replace(".", ",")
