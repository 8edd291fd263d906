"""Reads the record of a time out of the journal: every step is decided again, and what it looked at is kept by minutes.

Rules
1. It only reads. What the steps come to is the record itself (``gateway.replay`` holds that), so the soil water, rain
   and waterings are those that were reckoned then, not a guess made now.
2. A part that cannot be read, being damaged or of a program that kept other things, is left out, and counted.
3. At most MAX_DAYS at once. Meters are left out: in a trial other water flows than they measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gateway import registry
from gateway.core import journal, weather
from gateway.core.journal import JournalError, Mark, Step
from gateway.core.reckon import NOWHERE
from gateway.core.record import TICK_MS, Came, Record, Tick, Watered
from gateway.core.state import State, StateError
from gateway.core.types import Effect, Intent, Limits, Reading, RunEnded, RunStarted, Settings
from gateway.core.weather import DAY_MS, Et0, Outlook, local_day
from gateway.home import Home
from gateway.journal import parts
from gateway.process import ProcessError
from gateway.settings import settings_of
from gateway.store.control import ControlReader
from gateway.strict import RegistryError
from kit import log
from kit.clock import SpedClock
from wire import fields

MAX_DAYS = 92
FLOWING = (fields.FLOW, fields.OUTPUT)


class NoRecord(ProcessError):
    """There is no record of that time; one line in Vietnamese and English."""


@dataclass
class _Minute:
    """A tick that is being gathered."""

    at_ms: int = 0
    readings: list[Reading] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    outlook: Outlook | None = None
    came: dict[str, Came] = field(default_factory=dict)

    def take(self, one: Step, before: State, after: State) -> None:
        self.at_ms = one.now_ms
        self.readings += [r for r in one.inputs.readings if r.sensor.field not in FLOWING]
        self.intents += one.inputs.intents
        self.outlook = one.inputs.outlook
        for zone, state in after.zones.items():
            known, old = state.known, before.zones[zone].known if zone in before.zones else None
            if known is None:
                continue
            so_far = self.came.get(zone)
            rain_um, corrected_um = (so_far.rain_um, so_far.corrected_um) if so_far else (0, 0)
            if old is not None and old.sums.start_um == known.sums.start_um:
                rain_um += known.sums.rain_um - old.sums.rain_um
                corrected_um += known.sums.corrected_um - old.sums.corrected_um
            self.came[zone] = Came(rain_um, corrected_um, known.depletion_um, round(known.sd_mm * 1000))

    def tick(self) -> Tick:
        return Tick(self.at_ms, tuple(self.readings), tuple(self.intents), self.outlook, dict(self.came))


@dataclass
class _Gathered:
    """What is read so far."""

    from_ms: int
    text: str = ""
    speed: float = 1.0
    settings: Settings = field(default_factory=Settings)
    limits: Limits = field(default_factory=Limits)
    begin: State | None = None
    begin_ms: int = 0
    ticks: list[Tick] = field(default_factory=list)
    minute: _Minute = field(default_factory=_Minute)
    since_ms: int = 0
    started: dict[int, RunStarted] = field(default_factory=dict)
    watered: list[Watered] = field(default_factory=list)
    et0: dict[int, Et0] = field(default_factory=dict)

    def take(self, one: Step, before: State, after: State, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, RunStarted):
                self.started[effect.run] = effect
            elif isinstance(effect, RunEnded) and effect.ended_at_ms >= self.from_ms:
                on_ms, off_ms = effect.started_at_ms, effect.ended_at_ms
                self.watered.append(Watered(effect.zone, on_ms, off_ms, effect.millilitres))
        if one.now_ms < self.from_ms:
            return
        if self.begin is None:
            self.begin, self.begin_ms, self.since_ms = after, one.now_ms, one.now_ms
            return
        if one.inputs.intents and self.minute.readings:
            self.close()
        self.minute.take(one, before, after)
        if one.inputs.intents or one.now_ms - self.since_ms >= TICK_MS:
            self.close()
        place = self.settings.place or NOWHERE
        today = local_day(one.now_ms)
        for day in (today - 1, today) if today not in self.et0 else (today,):
            self.et0[day] = weather.et0(day, one.now_ms, place, one.inputs.outlook, after.air)

    def close(self) -> None:
        if self.minute.at_ms:
            self.ticks.append(self.minute.tick())
            self.since_ms = self.minute.at_ms
        self.minute = _Minute()


class Found(NamedTuple):
    """A record, the text of the registry that was in force at its end, and the speed of the clock."""

    record: Record
    registry: str
    speed: float


def load(home: Home, from_ms: int, to_ms: int) -> Found:
    """The record between two instants. Raises NoRecord or StoreError."""
    gathered, unread = _Gathered(from_ms), 0
    with ControlReader(home.control) as reader, reader.snapshot():
        for lines in parts(reader, from_ms, to_ms):
            try:
                _part(gathered, lines(), to_ms)
            except (JournalError, StateError, RegistryError) as error:
                log.get().warning("a part of the journal is left out", why=str(error))
                unread += 1
    gathered.close()
    if gathered.begin is None or len(gathered.ticks) < 2:
        raise NoRecord("nhật ký chưa có gì trong khoảng này / the journal has nothing of this time")
    first, last = gathered.begin_ms, gathered.ticks[-1].at_ms
    if last - first > MAX_DAYS * DAY_MS:
        raise NoRecord(f"dài quá: nhiều nhất {MAX_DAYS} ngày một lần / too long: at most {MAX_DAYS} days at once")
    record = Record(
        first, last, without_meters(gathered.settings), gathered.limits, gathered.begin, gathered.ticks,
        gathered.watered, gathered.et0, unread,
    )  # fmt: skip
    return Found(record, gathered.text, gathered.speed)


def _part(gathered: _Gathered, lines: list[str], to_ms: int) -> None:
    state = State()
    for one in journal.read(lines):
        if isinstance(one, Mark):
            state = State.from_json(one.state)
            gathered.text, gathered.speed, gathered.limits = one.registry, one.speed, one.limits
            gathered.settings = settings_of(registry.parse(one.registry), SpedClock(0, 0, one.speed))
        elif one.now_ms <= to_ms:
            before = state
            state, effects = journal.again(state, one, gathered.settings, gathered.limits)
            gathered.take(one, before, state, effects)


def without_meters(settings: Settings) -> Settings:
    zones = tuple(replace(zone, meter=None, watched=None) for zone in settings.zones)
    return replace(settings, zones=zones, pumps={key: replace(p, meter=None) for key, p in settings.pumps.items()})
