"""The real irrigation on a copy of the field: ``gateway.core.step`` with the registry's own settings.

Rules of this module:
- Only the public step API is used: state, time, inputs and limits in; state and effects out. What the core looks at
  (``Settings.sensor_keys``) is what is measured.
- Nothing waits: time moves to the next look, lease end or wake of the core. Commands and receipts pass at once.
- While nothing is on, the core is stepped at each look; so a deadline that falls between two looks is met at the
  later one, which is the price of the pace (see scenario).
- What the core last said about a garden holds until it says something else: so each day's hours are shared out by
  rule.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from gateway.core.state import Phase, State
from gateway.core.step import next_wake_ms, step
from gateway.core.types import Alarm, Effect, Inputs, Link, Reading, Receipt, RunEnded, Send
from gateway.core.weather import Outlook
from gateway.settings import settings_of
from kit.clock import ManualClock
from simulators.field.weather import local_date
from simulators.outlook import issue_ms, outlook_at
from simulators.season.farmer import Farmer
from simulators.season.nodes import BOOT, NONCE, Node
from simulators.season.readings import gauge
from simulators.season.scenario import MINUTE_MS, Scenario
from simulators.season.trial import Trial

WARM_UP_MS = 60 * MINUTE_MS  # nodes have been up for a while, so that every output has rested
ROUNDS = 50  # of commands and receipts at one instant; more would be two parts talking in circles
HOUR_MS = 60 * MINUTE_MS
TRACE_MS = 3 * HOUR_MS


@dataclass(frozen=True)
class Sight:
    """The field at one instant, for pictures."""

    at_ms: int
    vwc: dict[str, float]
    field_mm: dict[str, float]  # the water of a paddy
    ditch_mm: float
    canal_mm: float
    ditch_us_cm: float
    canal_us_cm: float


@dataclass
class Diary:
    """What the gateway did: hours of each rule by garden and day, its runs and alarms, and what the field was like."""

    hours: dict[str, dict[dt.date, dict[str, float]]] = field(default_factory=dict)  # garden -> day -> rule -> hours
    runs: list[RunEnded] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    phases: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # garden -> since when it was in which
    steps: int = 0


class Gateway:
    def __init__(self, scenario: Scenario, trial: Trial) -> None:
        village, start_ms = scenario.village, scenario.start_ms
        self.trial = trial
        self.diary = Diary({zone: {} for zone in village.zones})
        self.state = State()
        self._scenario = scenario
        self._pace = scenario.pace
        self._settings = settings_of(village, ManualClock(start_ms))
        self._gauges = {
            node: [gauge(village, ref) for ref in self._settings.sensors if ref.node == node] for node in village.nodes
        }
        self._farmer = Farmer(self._settings)
        self._outlook = Outlook(0, "none")
        seen = [node.sample_s for node in village.nodes.values() if self._gauges[node.id]]
        self._watch_ms = self._pace.watch_ms
        if self._watch_ms < self._pace.quiet_ms:
            self._watch_ms = min(self._watch_ms, 1000 * min(seen, default=300))
        self.nodes = {node.id: Node(node, start_ms - WARM_UP_MS, scenario.faults) for node in village.nodes.values()}
        self._with_outputs = [self.nodes[node.id] for node in village.nodes.values() if node.outputs]
        self._links: tuple[Link, ...] = ()
        self._readings: list[Reading] = []
        self._receipts: list[Receipt] = []
        self._start_ms = start_ms
        self._looked_ms = start_ms - 1
        self._restarted = True

    def run(self, until_ms: int) -> None:
        """Let time pass until an instant."""
        while self.trial.world.now_ms < until_ms:
            self._to(min(until_ms, self._next_ms()))

    # ---- when

    def _next_ms(self) -> int:
        busy = self._busy()
        times = [self._look_ms(busy)]
        times += [due_ms for node in self._with_outputs if (due_ms := node.due_ms()) is not None]
        if busy:
            times.append(self._wake_ms())
        return max(min(times), self.trial.world.now_ms)

    def _look_ms(self, busy: bool) -> int:
        """The next point of the looks' grid, as a node's sampler has it."""
        period_ms = self._watch_ms if busy else self._pace.quiet_ms
        return self._start_ms + ((self._looked_ms - self._start_ms) // period_ms + 1) * period_ms

    def _wake_ms(self) -> int:
        """What the core waits for by the second (lead and lag of a pump, a hand-over) it gets at any pace."""
        coarse_ms = max(next_wake_ms(self.state, self._pace.limits), self.state.at_ms + self._pace.wake_ms)
        due_ms = self.state.wake_at_ms
        return coarse_ms if due_ms is None else min(coarse_ms, max(due_ms, self.state.at_ms + 1))

    def _busy(self) -> bool:
        """Whether water runs, or an answer is awaited."""
        resting = (Phase.CLOSED, Phase.QUARANTINED)
        return any(zone.run for zone in self.state.zones.values()) or any(
            output.phase not in resting for output in self.state.outputs.values()
        )

    def _to(self, at_ms: int) -> None:
        self._keep_hours(at_ms)
        self.trial.advance(at_ms)
        busy = self._busy()
        for node in self._with_outputs:
            self._switch(node, at_ms)
        if at_ms >= self._look_ms(busy):
            self._look(at_ms)
        if self._readings or self._receipts or (busy and at_ms >= self._wake_ms()):
            self._step(at_ms)

    # ---- the nodes

    def _look(self, at_ms: int) -> None:
        """Every node measures; those that can be reached are heard."""
        self._looked_ms = at_ms
        self.trial.mischief.suffer(at_ms)
        for node in self.nodes.values():
            measured = [gauge.read(self.trial.world, at_ms) for gauge in self._gauges[node.id]]
            self._readings += node.measure(measured, at_ms)
            self._receipts += node.receipts(at_ms)
        self._links = tuple(Link(node.id, BOOT, NONCE, node.booted_ms, node.heard_ms) for node in self.nodes.values())
        if (at_ms - self._start_ms) % TRACE_MS == 0:
            self._see(at_ms)

    def _switch(self, node: Node, at_ms: int) -> None:
        for index, on in node.tick(at_ms):
            self.trial.world.set_output(node.id, index, on)
        self._receipts += node.receipts(at_ms)

    # ---- the core

    def _step(self, at_ms: int) -> None:
        """Step until nobody has anything more to say at this instant."""
        for _ in range(ROUNDS):
            inputs = Inputs(
                settings=self._settings,
                readings=tuple(self._readings),
                receipts=tuple(self._receipts),
                intents=self._farmer.asks(self.state, at_ms),
                links=self._links,
                restarted=self._restarted,
                outlook=self._told(at_ms),
            )
            self._readings, self._receipts, self._restarted = [], [], False
            self.state, effects = step(self.state, at_ms, inputs, self._pace.limits)
            self.diary.steps += 1
            self._obey(effects, at_ms)
            self._keep_phases(at_ms)
            if not self._receipts:
                return
        raise AssertionError(f"gateway and nodes talk in circles at {at_ms}")

    def _told(self, at_ms: int) -> Outlook | None:
        """What the weather service says: the newest that it has issued, unless nobody gets it."""
        if not self._scenario.outlook:
            return None
        if self._outlook.issued_at_ms != issue_ms(at_ms):
            self._outlook = outlook_at(self._scenario.weather, at_ms, self._scenario.seed)
        return self._outlook

    def _obey(self, effects: tuple[Effect, ...], at_ms: int) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                node = self.nodes[effect.node]
                node.order(effect, at_ms)
                self._switch(node, at_ms)
            elif isinstance(effect, RunEnded):
                self.diary.runs.append(effect)
            elif isinstance(effect, Alarm):
                self.diary.alarms.append(effect)

    # ---- the diary

    def _keep_hours(self, to_ms: int) -> None:
        """Share the time that passes out to what was last said of each garden."""
        from_ms = self.trial.world.now_ms
        day = local_date(from_ms)
        for zone, state in self.state.zones.items():
            if state.said and zone in self.diary.hours:
                hours = self.diary.hours[zone].setdefault(day, {})
                rule = state.said.rule.value
                hours[rule] = hours.get(rule, 0.0) + (to_ms - from_ms) / HOUR_MS

    def _keep_phases(self, at_ms: int) -> None:
        for zone, state in self.state.zones.items():
            known = state.plan.phase
            kept = self.diary.phases.setdefault(zone, []) if known else []
            if known and (not kept or kept[-1][1] != known.id):
                kept.append((at_ms, known.id))

    def _see(self, at_ms: int) -> None:
        world = self.trial.world
        self.diary.sights.append(
            Sight(
                at_ms,
                {zone: world.vwc(zone) for zone in self.trial.zones},
                {id: world.field_mm(id) for id, zone in self.trial.zones.items() if zone.soil.percolation_mm_h},
                world.water("ditch_level"),
                world.water("canal_level"),
                world.water("ditch_salinity"),
                world.water("canal_salinity"),
            )
        )
