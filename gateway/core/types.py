"""What goes into a step of the irrigation and what comes out of it.

Rules
1. Everything is frozen and made of integers and texts. A name that ends in ``_at_ms`` is an instant of the gateway's
   wall clock (UTC); one that ends in ``_ms`` is a length, or an uptime where it says so.
2. Soil moisture is in ten-thousandths of m3/m3 (``_e4``: 2600 is 26 %), as in ``wire.fields``; levels are in mm,
   conductivity in µS/cm at 25 °C, amounts of water in millilitres.
3. ``Settings`` is what people chose, ``Inputs`` what happened since the last step, ``Limits`` how long things may
   take. All three are arguments, so a log can be run again with other settings.
4. Effects are only described here. They are committed together with the new state before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateway.core.rules import Rule, Verdict
from wire import commands, fields

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Fact = int | str | None
Facts = Mapping[str, Fact]


class SettingsError(ValueError):
    """Settings or limits that contradict themselves. The registry refuses them earlier and in better words."""


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise SettingsError(what)


# ---- settings


@dataclass(frozen=True, slots=True)
class SensorRef:
    node: str
    field: int
    channel: int

    @property
    def key(self) -> str:
        return f"{self.node}/{self.field}/{self.channel}"


@dataclass(frozen=True, slots=True)
class OutputRef:
    node: str
    output: int

    @property
    def key(self) -> str:
        return f"{self.node}/{self.output}"


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What the node itself holds an output to, and how long its node may be unheard before we leave it alone."""

    hard_max_ms: int
    min_rest_ms: int
    silent_ms: int

    def __post_init__(self) -> None:
        _require(self.hard_max_ms > 0 and self.min_rest_ms >= 0 and self.silent_ms > 0, "output: lengths")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """A ditch or canal. Closed below ``min`` or from ``limit`` on; open again from ``reopen`` on."""

    id: str
    name: str
    level: SensorRef
    min_level_mm: int
    reopen_level_mm: int
    conductivity: tuple[SensorRef, ...]
    limit_us_cm: int
    reopen_us_cm: int
    max_age_ms: int
    salt_places: tuple[str, ...] = ()  # which water each of ``conductivity`` measures, in words

    def salt_place(self, number: int) -> str:
        """The water that one of ``conductivity`` measures."""
        return self.salt_places[number] if self.salt_places else f"nước {self.name[:1].lower()}{self.name[1:]}"

    def __post_init__(self) -> None:
        _require(len(self.salt_places) in (0, len(self.conductivity)), f"source {self.id}: salt_places")
        _require(self.min_level_mm <= self.reopen_level_mm, f"source {self.id}: min_level_mm > reopen_level_mm")
        _require(0 < self.reopen_us_cm <= self.limit_us_cm, f"source {self.id}: reopen_us_cm > limit_us_cm")
        _require(self.max_age_ms > 0, f"source {self.id}: max_age_ms")


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    id: str
    name: str
    probes: tuple[SensorRef, ...]
    probe_max_age_ms: int
    valve: OutputRef
    pump: OutputRef | None
    source: str
    dry_e4: int
    target_e4: int
    max_run_ms: int
    min_rest_ms: int
    flow_ml_min: int

    def __post_init__(self) -> None:
        _require(0 < self.dry_e4 < self.target_e4, f"zone {self.id}: dry_e4 must be below target_e4")
        _require(0 < self.max_run_ms <= commands.MAX_DURATION_MS, f"zone {self.id}: max_run_ms")
        _require(self.min_rest_ms >= 0 and self.probe_max_age_ms > 0, f"zone {self.id}: lengths")
        _require(self.flow_ml_min >= 0, f"zone {self.id}: flow_ml_min")


@dataclass(frozen=True)
class Settings:
    """The village as the irrigation sees it. The order of the zones is the order of every step."""

    zones: tuple[ZoneSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    outputs: Mapping[str, OutputSettings] = field(default_factory=dict)  # by OutputRef.key

    def __post_init__(self) -> None:
        valves = [zone.valve.key for zone in self.zones]
        _require(len(set(valves)) == len(valves), "two zones share a valve")
        _require(len({zone.id for zone in self.zones}) == len(self.zones), "two zones have one id")
        used = {ref.key for zone in self.zones for ref in (zone.valve, zone.pump) if ref}
        _require(used <= set(self.outputs), "an output of a zone has no settings")

    @cached_property
    def zone_by_id(self) -> Mapping[str, ZoneSettings]:
        return {zone.id: zone for zone in self.zones}

    @cached_property
    def source_by_id(self) -> Mapping[str, SourceSettings]:
        return {source.id: source for source in self.sources}

    @cached_property
    def sensor_keys(self) -> frozenset[str]:
        """The sensors that a decision may look at; of no other is anything kept."""
        probes = [ref.key for zone in self.zones for ref in zone.probes]
        waters = [ref.key for source in self.sources for ref in (source.level, *source.conductivity)]
        return frozenset(probes + waters)


# ---- limits


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take and how much is believed; the shell stretches the lengths in a sped-up run."""

    answer_ms: int = 10_000  # S9: after this a command has no answer
    close_retries: int = 3  # S9: then the output is quarantined
    lease_ms: int = 120_000  # S1: nothing is open longer without being renewed
    decide_every_ms: int = 600_000  # a decision is told again after this, even if nothing has changed
    ahead_ms: int = 120_000  # a reading from further in the future is not believed
    soil_min_e4: int = 100  # an open probe reads as bone dry: that is a fault, not thirst
    soil_max_e4: int = 7_000  # more than the pores of any soil
    soil_spread_e4: int = 800  # probes further apart than this disagree
    salt_min_us_cm: int = 10  # less is a probe hanging in the air
    salt_hold_ms: int = 1_800_000  # water must have been fresh for this long after it was salt
    starts_a_day: int = 8  # per zone, in any 24 hours
    stop_hold_ms: int = 6 * HOUR_MS  # after a person's stop the system does not start by itself

    def __post_init__(self) -> None:
        _require(min(self.answer_ms, self.lease_ms, self.decide_every_ms) > 0, "limits: lengths must be positive")
        _require(self.lease_ms <= commands.MAX_DURATION_MS, "limits: lease_ms is longer than the protocol allows")
        _require(self.close_retries >= 0 and self.starts_a_day > 0, "limits: counts")

    @property
    def pump_lease_ms(self) -> int:
        """Shorter than the valve's, so that a pump left alone stops before its valve closes (S8)."""
        return max(1, self.lease_ms * 3 // 4)


# ---- inputs


@dataclass(frozen=True, slots=True)
class Reading:
    """A committed reading. ``timed`` is False when nobody knows when it was measured."""

    sensor: SensorRef
    measured_at_ms: int
    value: int | None
    quality: int = fields.GOOD
    timed: bool = True


@dataclass(frozen=True, slots=True)
class Receipt:
    """A committed receipt of a node; see ``wire.commands``."""

    node: str
    boot: int
    counter: int
    status: int
    output: int
    outputs_mask: int
    until_uptime_ms: int
    uptime_ms: int

    def is_on(self, output: int) -> bool:
        return bool(self.outputs_mask >> output & 1)


@dataclass(frozen=True, slots=True)
class Link:
    """The present boot of a node: what a command needs to be accepted. ``offset_ms`` is wall clock minus uptime."""

    node: str
    boot: int
    nonce: bytes
    offset_ms: int
    heard_at_ms: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What a person asked for: ``water`` for some minutes, or ``stop``."""

    id: int
    at_ms: int
    expires_at_ms: int
    kind: str
    zone: str
    minutes: int = 0
    user: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What happened since the last step; ``links`` is always the whole of what is known."""

    settings: Settings
    readings: tuple[Reading, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    intents: tuple[Intent, ...] = ()
    links: tuple[Link, ...] = ()
    restarted: bool = False  # the first step of a process: what is open must be asked for
    clock_step_ms: int = 0  # by how much somebody set the wall clock since the last step (S4)


# ---- effects


@dataclass(frozen=True, slots=True)
class Send:
    """A command to one node; worthless after ``expires_at_ms``. ``zone`` is empty when it belongs to none."""

    node: str
    boot: int
    nonce: bytes
    counter: int
    action: int
    output: int
    duration_ms: int
    expires_uptime_ms: int
    expires_at_ms: int
    zone: str


@dataclass(frozen=True, slots=True)
class Decide:
    """A decision with all that it was made from, so that it can be told and made again (D6)."""

    at_ms: int
    zone: str
    verdict: Verdict
    rule: Rule
    inputs: Facts
    limits: Facts
    next_check_at_ms: int


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Water began to flow."""

    run: int
    zone: str
    at_ms: int
    why: Rule


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Water has stopped. ``millilitres`` is reckoned from the zone's flow, not measured."""

    run: int
    zone: str
    started_at_ms: int
    ended_at_ms: int
    millilitres: int
    why: Rule


@dataclass(frozen=True, slots=True)
class Alarm:
    """Somebody should look: an output that does not answer, or is on without being asked. ``on`` False ends it."""

    at_ms: int
    node: str
    output: int
    rule: Rule
    on: bool


Effect = Send | Decide | RunStarted | RunEnded | Alarm
