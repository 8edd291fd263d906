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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from gateway.core.ground import Ground, Plots
from gateway.core.limits import DAY_MS as DAY_MS
from gateway.core.limits import HOUR_MS as HOUR_MS
from gateway.core.limits import Limits as Limits
from gateway.core.plans.kinds import Phase, Plan, Rice, phases_of
from gateway.core.pumps import PLAIN, PumpSettings
from gateway.core.refs import OutputRef as OutputRef
from gateway.core.refs import SensorRef as SensorRef
from gateway.core.refs import SettingsError as SettingsError
from gateway.core.refs import require
from gateway.core.rules import Rule, Verdict
from gateway.core.waters import FillSettings as FillSettings
from gateway.core.waters import SourceSettings as SourceSettings
from gateway.core.weather import Outlook, Place, StationSettings
from wire import commands, fields

Fact = int | str | None
Facts = Mapping[str, Fact]


# ---- settings


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What the node itself holds an output to, and how long its node may be unheard before we leave it alone."""

    hard_max_ms: int
    min_rest_ms: int
    silent_ms: int

    def __post_init__(self) -> None:
        require(self.hard_max_ms > 0 and self.min_rest_ms >= 0 and self.silent_ms > 0, "output: lengths")


class Job(Protocol):
    """What a run is made for: a garden, or the filling of a ditch. Without a pump only the valve is opened."""

    @property
    def id(self) -> str: ...
    @property
    def valve(self) -> OutputRef: ...
    @property
    def pump(self) -> OutputRef | None: ...
    @property
    def motor(self) -> OutputRef | None: ...  # that is not started too often (S7): the pump, or the lift of a ditch
    @property
    def min_rest_ms(self) -> int: ...
    @property
    def flow_ml_min(self) -> int: ...


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
    limit_us_cm: int | None = None  # of the crop; None: as much as the source allows
    ground: Ground | None = None  # what its water is reckoned with; None: it is a thermostat
    meter: SensorRef | None = None  # of the water that it gets, in mL/min
    plan: Plan | None = None  # None: it is watered by its soil alone
    watched: SensorRef | None = None  # its own meter, by which its flow is guarded
    fill_ms: int = 60_000  # until its pipe is full and its flow steady
    cycle_ms: int | None = None  # the soil takes no more at a time; None: as much as comes
    soak_ms: int = 0  # between two cycles at least

    @property
    def motor(self) -> OutputRef | None:
        return self.pump

    def __post_init__(self) -> None:
        require(self.limit_us_cm is None or self.limit_us_cm > 0, f"zone {self.id}: limit_us_cm")
        require(0 < self.dry_e4 < self.target_e4, f"zone {self.id}: dry_e4 must be below target_e4")
        require(0 < self.max_run_ms <= commands.MAX_DURATION_MS, f"zone {self.id}: max_run_ms")
        require(self.min_rest_ms >= 0 and self.probe_max_age_ms > 0, f"zone {self.id}: lengths")
        require(self.flow_ml_min >= 0, f"zone {self.id}: flow_ml_min")
        require(self.fill_ms >= 0 and self.soak_ms >= 0, f"zone {self.id}: fill_ms, soak_ms")
        require(self.cycle_ms is None or self.cycle_ms > 0, f"zone {self.id}: cycle_ms")


@dataclass(frozen=True)
class Settings:
    """The village as the irrigation sees it. The order of the zones is the order of every step."""

    zones: tuple[ZoneSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    outputs: Mapping[str, OutputSettings] = field(default_factory=dict)  # by OutputRef.key
    place: Place | None = None
    station: StationSettings = field(default_factory=StationSettings)
    pumps: Mapping[str, PumpSettings] = field(default_factory=dict)  # by OutputRef.key; ``PLAIN`` what is not in it

    def __post_init__(self) -> None:
        gates = [ref for s in self.fills.values() if s.fill for ref in (s.fill.sluice, s.fill.lift) if ref]
        alone = [*(zone.valve for zone in self.zones), *gates]
        require(len(set(alone)) == len(alone), "two zones or fills share a valve, sluice or lift")
        pumps = {zone.pump for zone in self.zones if zone.pump}
        mains = [pump.main for pump in self.pumps.values() if pump.main]
        require(not pumps & set(alone), "a pump of a zone is a valve, sluice or lift too")
        taken = len(set(mains)) == len(mains) and not set(mains) & {*alone, *pumps}
        require(taken, "a main valve serves two pumps, or is another output too")
        ids = [zone.id for zone in self.zones] + list(self.fills)
        require(len(set(ids)) == len(ids), "two zones, or a zone and a filled source, have one id")
        require({ref.key for ref in self.refs} <= set(self.outputs), "an output that is used has no settings")

    @cached_property
    def zone_by_id(self) -> Mapping[str, ZoneSettings]:
        return {zone.id: zone for zone in self.zones}

    @cached_property
    def planned(self) -> tuple[ZoneSettings, ...]:
        """The zones that have a plan."""
        return tuple(zone for zone in self.zones if zone.plan is not None)

    @cached_property
    def changed_by_phase(self) -> tuple[ZoneSettings, ...]:
        """The zones whose marks or coefficient a phase can change."""
        phased = ((zone, phases_of(zone.plan)) for zone in self.planned)
        return tuple(zone for zone, found in phased if found and any(p.marks_e4 or p.kc for p in found.steps))

    @cached_property
    def by_phases(self) -> dict[tuple[Phase | None, ...], Settings]:
        """What the present phases make of it, kept ready by ``plans.force``."""
        return {}

    @cached_property
    def source_by_id(self) -> Mapping[str, SourceSettings]:
        return {source.id: source for source in self.sources}

    @cached_property
    def fills(self) -> Mapping[str, SourceSettings]:
        """The ditches that are filled, by id."""
        return {source.id: source for source in self.sources if source.fill}

    @cached_property
    def refs(self) -> frozenset[OutputRef]:
        """Every output that may be opened."""
        gates = [(source.fill.sluice, source.fill.lift) for source in self.sources if source.fill]
        mains = [(pump.main,) for pump in self.pumps.values()]
        of_zones = [(zone.valve, zone.pump) for zone in self.zones]
        return frozenset(ref for some in (*of_zones, *gates, *mains) for ref in some if ref)

    @cached_property
    def of_pump(self) -> Mapping[OutputRef, Sequence[tuple[int, ZoneSettings]]]:
        """The zones of each pump, with their places in the order of the settings."""
        found: dict[OutputRef, list[tuple[int, ZoneSettings]]] = {}
        for place, zone in enumerate(self.zones):
            if zone.pump:
                found.setdefault(zone.pump, []).append((place, zone))
        return found

    def pump_of(self, pump: OutputRef | None) -> PumpSettings:
        return self.pumps.get(pump.key, PLAIN) if pump else PLAIN

    @cached_property
    def behind(self) -> Mapping[SensorRef, tuple[OutputRef, ...]]:
        """What has to be off that no water passes a meter, the output that is locked for a leak first."""
        found: dict[SensorRef, tuple[OutputRef, ...]] = {}
        for zone in self.zones:
            pump = self.pump_of(zone.pump)
            if zone.pump and pump.meter:
                first = (zone.pump, pump.main) if pump.main else (zone.pump,)
                found[pump.meter] = (*found.get(pump.meter, first), zone.valve)
            if zone.watched and zone.watched != pump.meter:
                found[zone.watched] = (*found.get(zone.watched, ()), zone.valve)
        return found

    @cached_property
    def refs_of(self) -> Mapping[str, tuple[OutputRef, ...]]:
        """The same by node, in the order of a step."""
        by_node: dict[str, list[OutputRef]] = {}
        for ref in sorted(self.refs, key=lambda r: (r.node, r.output)):
            by_node.setdefault(ref.node, []).append(ref)
        return {node: tuple(refs) for node, refs in by_node.items()}

    @cached_property
    def ref_keys(self) -> frozenset[str]:
        return frozenset(ref.key for ref in self.refs)

    @cached_property
    def waters(self) -> Mapping[str, SourceSettings]:
        """Every water that is judged: sources, the canals that fill them, sources for crops that bear less salt."""
        found = {source.id: source for source in self.sources}
        found |= {source.fill.canal.id: source.fill.canal for source in self.sources if source.fill}
        for zone in self.zones:
            source = self.source_by_id.get(zone.source)
            if source and zone.limit_us_cm is not None and zone.limit_us_cm < source.limit_us_cm:
                water = source.at_most(zone.limit_us_cm)
                found[water.id] = water
        return found

    def water_of(self, zone: ZoneSettings) -> str:
        """The water of a zone, in ``waters`` if there is such a source."""
        own = f"{zone.source}/{zone.limit_us_cm}"
        return own if own in self.waters else zone.source

    @cached_property
    def sensors(self) -> tuple[SensorRef, ...]:
        """The sensors that a decision may look at; of no other is anything kept."""
        probes = [ref for zone in self.zones for ref in zone.probes]
        waters = [ref for water in self.waters.values() for ref in (water.level, *water.conductivity)]
        meters = [ref for zone in self.zones for ref in (zone.meter, zone.watched) if ref]
        meters += [pump.meter for pump in self.pumps.values() if pump.meter]
        tubes = [ref for zone in self.planned if isinstance(zone.plan, Rice) for ref in zone.plan.tubes]
        return tuple(dict.fromkeys(probes + tubes + waters + meters + list(self.station.sensors)))

    @cached_property
    def grounded(self) -> tuple[ZoneSettings, ...]:
        """The zones whose water is reckoned."""
        return tuple(zone for zone in self.zones if zone.ground)

    @cached_property
    def plots(self) -> Plots:
        """Their grounds, in the same order."""
        return Plots([zone.ground for zone in self.zones if zone.ground])

    @cached_property
    def marks_mm(self) -> tuple[tuple[float, float], ...]:
        """Of the same zones, the depletions that their dry and target moisture mean."""
        known = ((zone, zone.ground) for zone in self.grounded if zone.ground)
        return tuple((ground.depletion_mm(zone.dry_e4), ground.depletion_mm(zone.target_e4)) for zone, ground in known)

    @cached_property
    def sensor_keys(self) -> frozenset[str]:
        return frozenset(ref.key for ref in self.sensors)


# ---- inputs


@dataclass(frozen=True, slots=True)
class Reading:
    """A committed reading. ``timed`` is False when nobody knows when it was measured."""

    sensor: SensorRef
    measured_at_ms: int
    value: int | None
    quality: int = fields.GOOD
    timed: bool = True
    boot: int = 0  # of its node; what counts since the boot is told apart by it


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
    """The present boot of a node: what a command needs to be accepted. ``offset_ms`` is wall clock minus uptime, by
    the wall clock of now. A node of whose uptime nothing is known has no link: to command it would be to guess."""

    node: str
    boot: int
    nonce: bytes
    offset_ms: int
    heard_at_ms: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What a person asked for: ``water`` for some minutes, ``try``, ``stop`` or ``unlock``; of a plan ``phase``
    (``what`` names it), ``pause`` for some minutes, or ``resume``. ``told_by`` is for whom ``user`` has pressed, empty:
    for himself."""

    id: int
    at_ms: int
    expires_at_ms: int
    kind: str
    zone: str
    minutes: int = 0
    user: str = ""
    what: str = ""
    told_by: str = ""


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
    outlook: Outlook | None = None  # what is told of the weather, of whatever age


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
    """Water has stopped. ``millilitres`` is by the meter where there is one, else reckoned from the zone's flow."""

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
