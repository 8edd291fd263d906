"""The village as its farmers see it, made from what is committed: for the page here, and for the one in the cloud.

Rules
1. Only committed rows are looked at, in one snapshot of each database, read-only. A database that is not there yet
   gives a village without data; one that cannot be read gives the same and an alert. A page never fails by them.
   Without village.db the village is shown, and nothing of what people asked for.
2. A garden's moisture is what the irrigation itself makes of its probes (their vote). When they disagree there is no
   number; when none is fresh, the last good one is kept with its time, so that the page can say how old it is.
3. What the irrigation remembers (salt, low, running) is taken from its state and not judged a second time. What it
   did and why is told by ``gateway.story``.
4. History is thinned to fixed slices of time, so that the same data give the same view a minute later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from statistics import fmean
from typing import Literal, NamedTuple, TypedDict

from gateway import alerts, plan_view, story, updates_told
from gateway.core.plans.force import in_force
from gateway.core.plans.kinds import Rice
from gateway.core.probes import Trust, vote
from gateway.core.rules import Rule
from gateway.core.state import Latest as CoreLatest
from gateway.core.state import SourceState, State, StateError
from gateway.core.types import Limits, Settings, SourceSettings, ZoneSettings
from gateway.core.village import SensorRef, Source, Village, Zone
from gateway.home import Home
from gateway.settings import limits_of, settings_of
from gateway.store.common import StoreError
from gateway.store.control import ControlReader
from gateway.store.data import DataReader, Latest
from gateway.store.update import UpdateReader
from gateway.store.village import Intent, VillageReader
from kit.clock import Clock, SpedClock
from pages import view
from pages.plot import SPAN_MS
from wire import fields

SLICE_MS = 40 * 60_000  # 109 of them touch three days
assert SPAN_MS // SLICE_MS + 1 <= view.MAX_HISTORY
_FIT = (fields.GOOD, fields.NOT_EVALUATED)

_Readings = dict[tuple[str, int, int], Latest]


class Viewer:
    """Builds the view of one home again and again. One thread at a time may use it."""

    def __init__(self, home: Home, village: Village, clock: Clock) -> None:
        self._home = home
        self._village = village
        self._clock = clock
        self._data: DataReader | None = None
        self._control: ControlReader | None = None
        self._people: VillageReader | None = None
        self._updates: UpdateReader | None = None
        self._soils: Mapping[str, view.SoilState] = {}  # what each soil was called last

    def build(self, now_ms: int) -> view.Village:
        """The view now."""
        try:
            if self._data is None and self._home.data.exists():
                self._data = DataReader(self._home.data)
            if self._control is None and self._home.control.exists():
                self._control = ControlReader(self._home.control)
            return self._build(now_ms)
        except StoreError:
            self.close()
            return self._without_data(now_ms)

    def close(self) -> None:
        for reader in (self._data, self._control, self._people, self._updates):
            if reader is not None:
                reader.close()
        self._data = self._control = self._people = self._updates = None

    def _build(self, now_ms: int) -> view.Village:
        asked = self._asked()  # before the rest, so that an answer cannot be looked for too early
        built = build_village(self._village, self._data, self._control, self._clock, now_ms, asked, self._soils)
        self._soils = {garden.id: garden.state for garden in built.gardens}
        return replace(built, alerts=(*built.alerts, *self._programs())[: view.MAX_ALERTS])

    def _programs(self) -> tuple[view.Alert, ...]:
        """Alerts of the nodes' programs; none while update.db cannot be read."""
        try:
            if self._updates is None:
                self._updates = UpdateReader(self._home.update)
            self._updates.require_same_file()
            return tuple(updates_told.alerts(self._village, self._updates))
        except StoreError:
            if self._updates is not None:
                self._updates.close()
            self._updates = None
            return ()

    def _asked(self) -> Mapping[str, Intent]:
        """The last request for each garden."""
        try:
            if self._people is None:
                self._people = VillageReader(self._home.village)
            self._people.require_same_file()
            return self._people.last_intents()
        except StoreError:
            if self._people is not None:
                self._people.close()
            self._people = None
            return {}

    def _without_data(self, now_ms: int) -> view.Village:
        return replace(self._build(now_ms), alerts=(alerts.no_data(),))


def build_village(
    village: Village,
    data: DataReader | None,
    control: ControlReader | None,
    clock: Clock,
    now_ms: int,
    asked: Mapping[str, Intent] | None = None,
    before: Mapping[str, view.SoilState] | None = None,
) -> view.Village:
    """The view of a village. ``asked``: the last request for each garden; ``before``: what each soil was called last.
    Raises StoreError when a database cannot be read."""
    settings, limits = settings_of(village, clock), limits_of(clock)
    with ExitStack() as stack:
        for reader in (data, control):
            if reader is not None:
                stack.enter_context(reader.snapshot())
        latest = data.latest() if data is not None else {}
        state = _state(control)
        settings = in_force(settings, state.zones)
        soils = {
            zone.id: _soil(zone, plan_view.marks_mm(zone, state), latest, now_ms, limits) for zone in settings.zones
        }
        sources = tuple(
            _source(source, settings.source_by_id[source.id], state, latest) for source in village.sources.values()
        )
        return view.Village(
            id=village.id,
            name=village.name,
            now_ms=now_ms,
            gardens=tuple(
                _garden(
                    zone,
                    soils[zone.id],
                    (before or {}).get(zone.id),
                    tuple(_history(zone, data, now_ms)),
                    story.tell(control, zone.id, state, (asked or {}).get(zone.id), now_ms, clock.speed),
                    plan_view.plan(settings.zone_by_id[zone.id], state, settings, soils[zone.id].level_mm, now_ms),
                    _band(settings.zone_by_id[zone.id]),
                    _is_locked(settings, settings.zone_by_id[zone.id], state),
                    _is_doubted(zone.id, state),
                    now_ms,
                )
                for zone in village.zones.values()
            ),
            sources=sources,
            alerts=alerts.alerts_of(village, data, control, state, sources, clock, now_ms),
            simulated=isinstance(clock, SpedClock),
            speed=clock.speed,
        )


def _state(control: ControlReader | None) -> State:
    """What the irrigation remembers; nothing when it has not begun or is of another version."""
    kept = control.state() if control is not None else None
    try:
        return State.from_json(kept.json) if kept is not None else State()
    except StateError:
        return State()


# ---- gardens


class _Soil(NamedTuple):
    """How much water is in the soil and when that was measured; ``unsure`` when the probes disagree."""

    percent: float | None
    measured_ms: int | None
    unsure: bool
    state: view.SoilState | None = None  # of a garden that is not known by its soil
    level_mm: int | None = None


def _soil(
    zone: ZoneSettings, marks_mm: tuple[int, int] | None, latest: _Readings, now_ms: int, limits: Limits
) -> _Soil:
    if isinstance(zone.plan, Rice):
        return _field(zone.plan, marks_mm, latest)
    if not zone.probes:
        return _Soil(None, None, unsure=False, state="none")
    heard = {ref.key: found for ref in zone.probes if (found := latest.get((ref.node, ref.field, ref.channel)))}
    good = [
        (_measured_ms(found), found.value)
        for found in heard.values()
        if found.value is not None and found.flag in _FIT and limits.soil_min_e4 <= found.value <= limits.soil_max_e4
    ]
    if not good:
        return _Soil(None, None, unsure=False)
    readings = {key: CoreLatest(_measured_ms(found), found.value, found.flag) for key, found in heard.items()}
    said = vote(zone, readings, now_ms, limits)
    newest_ms, newest_e4 = max(good)
    if said.trust is Trust.UNSURE:
        return _Soil(None, newest_ms, unsure=True)
    return _Soil((newest_e4 if said.soil_e4 is None else said.soil_e4) / 100, newest_ms, unsure=False)


def _field(plan: Rice, marks: tuple[int, int] | None, latest: _Readings) -> _Soil:
    """A rice field's water: dry where it is to be filled, wet from where filling ends."""
    found = [f for ref in plan.tubes if (f := latest.get((ref.node, ref.field, ref.channel))) and f.flag in _FIT]
    levels = sorted(f.value for f in found if f.value is not None and abs(f.value) <= plan.range_mm)
    if not levels:
        return _Soil(None, None, unsure=False)
    level_mm = levels[len(levels) // 2]
    state: view.SoilState = "ok"
    if marks:
        state = "dry" if level_mm <= marks[0] else "wet" if level_mm >= marks[1] else "ok"
    return _Soil(None, min(_measured_ms(f) for f in found), unsure=False, state=state, level_mm=level_mm)


def _garden(
    zone: Zone,
    soil: _Soil,
    before: view.SoilState | None,
    history: tuple[tuple[int, float], ...],
    told: story.Story,
    plan: view.Plan | None,
    band: view.Band,
    locked: bool,
    doubted: bool,
    now_ms: int,
) -> view.Garden:
    return view.Garden(
        id=zone.id,
        name=zone.name,
        state=soil.state or _soil_state(soil, band, before, now_ms),
        moisture_pct=soil.percent,
        measured_ms=soil.measured_ms,
        why=told.why,
        running=told.running,
        asked=told.asked,
        can_water=told.running is None,
        litres_per_minute=zone.flow_lpm or None,
        max_minutes=max(1, min(60, zone.max_run_s // 60)),
        band=band,
        history=history,
        waterings=told.waterings,
        plan=plan,
        locked=locked,
        doubted=doubted,
    )


def _is_locked(settings: Settings, zone: ZoneSettings, state: State) -> bool:
    refs = (zone.valve, zone.pump, settings.pump_of(zone.pump).main)
    return any(ref is not None and ref.key in state.locks for ref in refs)


def _is_doubted(zone_id: str, state: State) -> bool:
    known = state.zones[zone_id].known if zone_id in state.zones else None
    return known is not None and known.doubt is not None


def _band(zone: ZoneSettings) -> view.Band:
    """The marks in force: those of its phase, if that has its own."""
    return view.Band(round(zone.dry_e4 / 100, 1), round(zone.target_e4 / 100, 1))


def _soil_state(soil: _Soil, band: view.Band, before: view.SoilState | None, now_ms: int) -> view.SoilState:
    if view.is_stale(soil.measured_ms, now_ms):
        return "blind"
    return "unsure" if soil.unsure else view.soil_state(soil.percent, band, before)


def _measured_ms(found: Latest) -> int:
    """A node whose clock is ahead cannot make its reading younger than its arrival."""
    return min(found.measured_ms, found.received_ms)


def _found(latest: _Readings, field: int, refs: Sequence[SensorRef]) -> list[Latest]:
    wanted = (latest.get((ref.node, field, ref.channel)) for ref in refs)
    return [found for found in wanted if found is not None]


def _history(zone: Zone, data: DataReader | None, now_ms: int) -> Iterator[tuple[int, float]]:
    """One mean point for each slice of time in which a probe was good."""
    if data is None:
        return
    slices: dict[int, list[int]] = {}
    for probe in zone.probes:
        for point in data.history(probe.node, fields.SOIL_MOISTURE, probe.channel, now_ms - SPAN_MS, now_ms + 1):
            if point.flag in _FIT:
                slices.setdefault(point.measured_ms // SLICE_MS, []).append(point.value)
    for number in sorted(slices):
        percent = fmean(slices[number]) / 100
        yield min(now_ms, number * SLICE_MS + SLICE_MS // 2), round(min(100.0, max(0.0, percent)), 1)


# ---- sources


def _source(source: Source, settings: SourceSettings, state: State, latest: _Readings) -> view.Source:
    levels = [f for f in _found(latest, fields.WATER_LEVEL, [source.level]) if f.value is not None and f.flag in _FIT]
    salts = [
        (f.value, -number, f)
        for number, ref in enumerate(settings.conductivity)
        if (f := latest.get((ref.node, ref.field, ref.channel))) and f.value is not None and f.flag in _FIT
    ]
    level_mm = levels[0].value if levels else None
    salt_us_cm, place, _ = max(salts, default=(None, 0, None))
    times = [_measured_ms(f) for f in (*levels, *(f for _, _, f in salts))]
    return view.Source(
        id=source.id,
        name=source.name,
        state=_source_state(source, state.sources.get(source.id), level_mm, salt_us_cm),
        level_mm=level_mm,
        conductivity_us_cm=None if salt_us_cm is None else float(salt_us_cm),
        salt_place=settings.salt_place(-place),
        limit_us_cm=float(source.limit_us_cm),
        measured_ms=min(times, default=None),
        **_gate(source, state),
    )


class _Gate(TypedDict):
    gate: Literal["shut", "filling", "draining"]
    gate_ends_ms: int | None


def _gate(source: Source, state: State) -> _Gate:
    """What its sluice or lift does now."""
    known = state.zones.get(source.id) if source.fill else None
    if known is None or known.run is None or known.run.started_at_ms is None:
        return {"gate": "shut", "gate_ends_ms": None}
    return {"gate": "draining" if known.run.why is Rule.DRAIN else "filling", "gate_ends_ms": known.run.ends_at_ms}


def _source_state(
    source: Source, memory: SourceState | None, level_mm: int | None, salt_us_cm: int | None
) -> view.SourceState:
    salt = salt_us_cm is not None and salt_us_cm >= source.limit_us_cm
    low = level_mm is not None and level_mm < source.min_level_mm
    if salt or (memory is not None and memory.salt):
        return "salt"
    if low or (memory is not None and memory.low):
        return "low"
    return "ok" if level_mm is not None and salt_us_cm is not None else "blind"
