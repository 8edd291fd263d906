"""The scratch pad of one step: the state being changed, and the effects in the order in which they arise.

Rules
1. It lives for one call of ``step`` only; nothing outside ``gateway.core`` sees it.
2. A command gets its counter here and nowhere else. Counters of a node rise strictly and are part of the state, which
   is committed before anything is sent: so no counter is ever used twice (S3). They have 32 bits: a clock that says
   2100 or later gives no floor, and what such a clock once counted too high is forgotten.
3. A decision is told when verdict or rule changes, at every event of a run, and at least every ``decide_every_ms``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.core.moist import Judged
from gateway.core.plans.force import in_force
from gateway.core.plans.levels import LevelVote
from gateway.core.probes import Vote
from gateway.core.quick import changed
from gateway.core.rules import Rule, Verdict
from gateway.core.source import SourceView
from gateway.core.state import NodeState, OutputState, Run, Said, State, ZoneState
from gateway.core.types import (
    Alarm,
    Decide,
    Effect,
    Fact,
    Inputs,
    Limits,
    Link,
    OutputRef,
    Send,
    SourceSettings,
)

YEAR_2100_S = 4_102_444_800
MAX_COUNTER = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Finding:
    """A judgement about a zone, or about the filling of a ditch, with what is special to its rule."""

    verdict: Verdict
    rule: Rule
    inputs: Mapping[str, Fact] = field(default_factory=dict)
    limits: Mapping[str, Fact] = field(default_factory=dict)
    until_at_ms: int | None = None  # when it may change by the passing of time alone
    from_at_ms: int | None = None  # of a START: the water is wanted not before this
    by_at_ms: int | None = None  # of a START: it is wanted to be over by this; what then is missing is stated


class Turn:
    """Everything one step works on. The dicts are fresh copies; what they hold is frozen."""

    def __init__(self, state: State, now_ms: int, inputs: Inputs, limits: Limits) -> None:
        self.now_ms = now_ms
        self.before_at_ms = state.at_ms  # of the step before; 0 when there was none
        self.settings = in_force(inputs.settings, state.zones)
        self.limits = limits
        self.links: dict[str, Link] = {link.node: link for link in inputs.links}
        self.latest = dict(state.latest)
        self.nodes = dict(state.nodes)
        self.outputs = dict(state.outputs)
        self.sources = dict(state.sources)
        self.zones = dict(state.zones)
        self.gauges = dict(state.gauges)
        self.air = state.air
        self.outlook = inputs.outlook
        self.rain_um = 0  # that is new in this step
        self.last_intent = state.last_intent
        self.last_run = state.last_run
        self.pumps = dict(state.pumps)
        self.flows = dict(state.flows)
        self.meters = dict(state.meters)
        self.locks = dict(state.locks)
        self.wake_at_ms: int | None = None
        self.views: dict[str, SourceView] = {}
        self.votes: dict[str, Vote] = {}
        self.judged: dict[str, Judged] = {}
        self.levels: dict[str, LevelVote] = {}
        self.told: dict[str, tuple[dict[str, Fact], dict[str, Fact]]] = {}  # by plans, of their gardens
        self.effects: list[Effect] = []
        self.refs_of = _refs_by_node(state, inputs)
        # Whose run an output serves: a pump serves one zone at a time. A ditch that is filled has a run as a zone has.
        self.user_of: dict[str, str] = {
            ref.key: zone_id for zone_id, zone in self.zones.items() if zone.run for ref in refs_of_run(zone.run)
        }
        # How many runs are on the pipe of a pump: more than one while it is handed over.
        self.on_line: Counter[str] = Counter(
            zone.run.line.key for zone in self.zones.values() if zone.run and zone.run.line
        )

    def output(self, ref: OutputRef) -> OutputState:
        return self.outputs.get(ref.key) or OutputState()

    def zone(self, zone_id: str) -> ZoneState:
        return self.zones.get(zone_id) or ZoneState()

    def wake(self, at_ms: int) -> None:
        """Ask for a step at an instant."""
        if at_ms > self.now_ms:
            self.wake_at_ms = at_ms if self.wake_at_ms is None else min(self.wake_at_ms, at_ms)

    def level_mm(self, water: str) -> int | None:
        """The level of a water, if it may be believed."""
        view = self.views.get(water)  # none while things are only heard
        return view.level_mm if view else None

    def head_mm(self, ditch: SourceSettings) -> int | None:
        """By how much the canal of a ditch is higher than the ditch."""
        canal_mm = self.level_mm(ditch.fill.canal.id) if ditch.fill else None
        ditch_mm = self.level_mm(ditch.id)
        return None if canal_mm is None or ditch_mm is None else canal_mm - ditch_mm

    def send(self, node_id: str, action: int, output: int, duration_ms: int, zone: str) -> int:
        """Add a command and return its counter. A node never heard of gets nothing, and so will not answer."""
        node = self.nodes.get(node_id) or NodeState(boot=0)
        counter = _counter_after(node.counter, self.now_ms // 1000)
        self.nodes[node_id] = replace(node, counter=counter)
        link = self.links.get(node_id)
        if link is None:
            return counter
        self.effects.append(
            Send(
                node=node_id,
                boot=link.boot,
                nonce=link.nonce,
                counter=counter,
                action=action,
                output=output,
                duration_ms=duration_ms,
                expires_uptime_ms=max(0, self.now_ms - node.booted_at_ms + self.limits.answer_ms),
                expires_at_ms=self.now_ms + self.limits.answer_ms,
                zone=zone,
            )
        )
        return counter

    def decide(self, zone_id: str, finding: Finding, *, always: bool = False) -> None:
        """Tell a decision about a zone, unless the same was told a short while ago."""
        zone = self.zone(zone_id)
        said = zone.said
        same = said is not None and (said.verdict, said.rule) == (finding.verdict, finding.rule)
        if not always and said and same and self.now_ms - said.said_at_ms < self.limits.decide_every_ms:
            return
        next_check_at_ms = self.now_ms + self.limits.decide_every_ms
        if finding.until_at_ms is not None:
            next_check_at_ms = max(self.now_ms, min(next_check_at_ms, finding.until_at_ms))
        said = Said(finding.verdict, finding.rule, self.now_ms, next_check_at_ms)
        self.zones[zone_id] = changed(zone, said=said)
        inputs, bounds = self._known(zone_id)
        self.effects.append(
            Decide(
                at_ms=self.now_ms,
                zone=zone_id,
                verdict=finding.verdict,
                rule=finding.rule,
                inputs={**inputs, **finding.inputs} if finding.inputs else inputs,
                limits={**bounds, **finding.limits} if finding.limits else bounds,
                next_check_at_ms=next_check_at_ms,
            )
        )

    def alarm(self, ref: OutputRef, rule: Rule, *, on: bool) -> None:
        self.effects.append(Alarm(self.now_ms, ref.node, ref.output, rule, on))

    def _known(self, zone_id: str) -> tuple[dict[str, Fact], dict[str, Fact]]:
        """What is known about a zone and its source, and the bounds it is held against."""
        ditch = self.settings.fills.get(zone_id)
        if ditch:
            return self._known_of_ditch(ditch)
        settings = self.settings.zone_by_id.get(zone_id)
        if settings is None:
            return {"garden": zone_id}, {}
        inputs: dict[str, Fact] = {"garden": settings.name}
        bounds: dict[str, Fact] = {"dry_e4": settings.dry_e4, "target_e4": settings.target_e4}
        vote = self.votes.get(zone_id)
        if vote:
            inputs["soil_e4"] = vote.soil_e4
            inputs["probes"] = vote.fit
            inputs["probes_asked"] = vote.asked
            inputs["dropped"] = ", ".join([f"{probe} {why}" for probe, why in vote.dropped]) if vote.dropped else ""
        judged = self.judged.get(zone_id)
        if judged:
            inputs |= judged.inputs()
            bounds |= judged.limits()
        of_plan = self.told.get(zone_id)
        if of_plan:
            inputs |= of_plan[0]
            bounds |= of_plan[1]
        view = self.views.get(self.settings.water_of(settings))
        if view:
            inputs |= view.inputs
            bounds |= view.limits
        return inputs, bounds

    def _known_of_ditch(self, ditch: SourceSettings) -> tuple[dict[str, Fact], dict[str, Fact]]:
        """The same about a ditch that is filled: the source of its water is the canal."""
        fill = ditch.fill
        assert fill is not None
        canal = self.views.get(fill.canal.id)
        own: dict[str, Fact] = {"ditch": ditch.name, "ditch_level_mm": self.level_mm(ditch.id)}
        bounds: dict[str, Fact] = {
            "start_level_mm": fill.start_level_mm,
            "target_level_mm": fill.target_level_mm,
            "min_head_mm": fill.min_head_mm,
            "drain_level_mm": fill.drain_level_mm,
            "ditch_max_age_ms": ditch.max_age_ms,
            "ditch_reopen_level_mm": ditch.reopen_level_mm,
        }
        if canal is None:
            return own, bounds
        return {**canal.inputs, **own, "head_mm": self.head_mm(ditch)}, {**canal.limits, **bounds}


def refs_of_run(run: Run) -> tuple[OutputRef, ...]:
    """The outputs that a run has to itself now: its valve, and main valve and pump unless another garden has them."""
    if run.after:
        return (run.valve,)
    return tuple(ref for ref in (run.valve, run.main, run.pump) if ref)


def _counter_after(last: int, now_s: int) -> int:
    """Seconds since 1970 are the floor: counters rise even when the gateway's memory was lost."""
    floor = now_s if 0 <= now_s < YEAR_2100_S else 0
    return max(floor, last + 1 if last < MAX_COUNTER else 1)


def _refs_by_node(state: State, inputs: Inputs) -> Mapping[str, Sequence[OutputRef]]:
    """All outputs that are used or remembered, in a fixed order."""
    if state.outputs.keys() <= inputs.settings.ref_keys:
        return inputs.settings.refs_of
    remembered = {OutputRef(node, int(output)) for node, _, output in (k.rpartition("/") for k in state.outputs)}
    by_node: dict[str, list[OutputRef]] = {}
    for ref in sorted(inputs.settings.refs | remembered, key=lambda r: (r.node, r.output)):
        by_node.setdefault(ref.node, []).append(ref)
    return by_node
