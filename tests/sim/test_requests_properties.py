"""Requests of people whatever comes: each is answered, none begins late, a stop takes back what waits; a try is alone
on its pump, short, and told by one decision.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from gateway.core.commission import TRY_MS
from gateway.core.rules import PERSONS, Rule, Verdict
from gateway.core.types import Decide, Intent
from tests.sim.test_named_properties import MACHINES, scripts
from tests.support.witness import LIMITS, PUMP_SETTINGS, SETTINGS, Script, Witnessed, effects, play

RESULTS = {
    Rule.TRY_GOOD, Rule.TRY_ANSWERS, Rule.TRY_BLIND, Rule.TRY_UNEVEN, Rule.TRY_OTHER_FLOW, Rule.TRY_FAILED,
}  # fmt: skip
WAITS = {Rule.WAITS_FOR_GARDEN, Rule.WAITS_FOR_PUMP}
TELL_MS = 180_000  # closing with retries, and a meter that is waited for
PEOPLE = st.one_of(
    st.sampled_from(["try xoai", "try rau", "try quyt", "water xoai 5", "water rau 8", "water quyt 3"]),
    st.sampled_from(["stop xoai", "stop rau", "late try rau", "late water xoai 5", "unlock xoai"]),
    st.sampled_from(["soil xoai 35 35 35", "soil rau 33 33 33", "soil rau 24 24 24"]),
    st.sampled_from(["salt 1600", "salt 400", "flow 0", "flow 0.6", "flow 1", "leak 5", "leak 0"]),
)
TOLD: Script = (
    (0, "soil xoai 35 35 35"), (0, "soil rau 33 33 33"),
    (10, "try xoai"), (60, "water rau 5"), (70, "stop rau"), (80, "water rau 5"),
    (1_500, "water xoai 10"), (1_560, "water rau 5"), (1_700, "salt 1600"),
)  # fmt: skip


def judge(village: Witnessed) -> None:
    intents = {intent.id: intent for seen in village.trace for intent in seen.inputs.intents}
    told = {id: [d for _, d in effects(village, Decide) if d.inputs.get("intent") == id] for id in intents}
    clock_was_set = any(words[0] == "clock" for _, words in village.events)
    for intent in (i for i in intents.values() if i.kind in ("water", "try")):
        begun = [d for d in told[intent.id] if d.verdict is Verdict.START]
        assert told[intent.id], intent
        for decision in [] if clock_was_set else begun:
            assert decision.at_ms - intent.at_ms <= LIMITS.wish_ms, (intent, decision)
        if all(d.rule in WAITS for d in told[intent.id]):
            _judge_end_of_waiting(village, intents, intent)
    for number, seen in enumerate(village.trace):
        for intent in seen.inputs.intents:
            if intent.kind == "stop" and intent.zone in seen.after.zones:
                later = any(i.zone == intent.zone and i.id > intent.id for i in seen.inputs.intents)
                assert seen.after.zones[intent.zone].wish is None or later, (seen.at_ms, intent)
        runs = {id: zone.run for id, zone in seen.after.zones.items() if zone.run}
        tries = [id for id, run in runs.items() if run.why is Rule.TRY]
        for id in tries:
            assert not any(other != id and runs[other].line == runs[id].line for other in runs), (number, runs)
            assert runs[id].ends_at_ms - (runs[id].started_at_ms or seen.wall_ms) <= TRY_MS + PUMP_SETTINGS.lead_ms
    _judge_results(village)


def _judge_end_of_waiting(village: Witnessed, intents: dict[int, Intent], intent: Intent) -> None:
    """Nothing else was told of it: it still waits, or a later word for its garden took its place."""
    wish = village.state.zones[intent.zone].wish
    waits = wish is not None and wish.intent == intent.id
    replaced = any(i.id > intent.id and i.zone == intent.zone for i in intents.values())
    assert waits or replaced or not village.alive, intent


def _judge_results(village: Witnessed) -> None:
    for seen, began in effects(village, Decide):
        if began.rule is not Rule.TRY:
            continue
        found = [
            d.rule
            for _, d in effects(village, Decide)
            if d.rule in RESULTS and d.inputs["intent"] == began.inputs["intent"]
        ]
        zone = village.state.zones[began.zone]
        assert len(found) <= 1, (began, found)
        goes_on = (zone.run is not None and zone.run.why is Rule.TRY) or zone.tried is not None or not village.alive
        assert found or goes_on, (seen.at_ms, began)


@run_with(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(script=scripts(PEOPLE, PEOPLE, MACHINES))
def test_every_request_is_answered_and_none_begins_late(script: Script) -> None:
    judge(play(script))


def test_the_scripts_are_not_too_tame() -> None:
    village = play(TOLD)
    judge(village)
    rules = {decision.rule for decision in village.decisions}
    assert {Rule.TRY_GOOD, *WAITS, Rule.MANUAL_STOP, Rule.SOURCE_SALT} <= rules, rules
    assert any(d.rule in PERSONS and d.zone == "rau" for d in village.decisions)
    assert SETTINGS.zone_by_id["xoai"].valve.key in village.state.flows  # the try has taught what is usual
