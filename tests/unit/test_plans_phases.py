"""A garden's phases: begun by the file, changed by people alone, taken back, and in force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.plans.force import in_force
from gateway.core.plans.kinds import Orchard, Phase, Phases, Rice, Vegetable
from gateway.core.plans.memory import InPhase, PlanState
from gateway.core.rules import Rule
from gateway.core.state import State, ZoneState
from tests.support import irrigation, plans
from tests.support.irrigation import GROUND, MINUTE_MS, START_MS
from tests.support.planned import phase, rules, said, soil, village

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def test_a_phase_begins_as_the_file_says_and_its_days_are_local() -> None:
    found = village(plans.made("orchard", first="flower", since="2024-02-20"))
    found.run(START_MS)
    assert (phase(found).id, said(found, Rule.PHASE_BEGUN)[0].inputs["phase_days"]) == ("flower", 10)


def test_a_phase_never_changes_without_a_person_however_long_it_lasts() -> None:
    found = village(plans.made("orchard", first="induce", since="2024-01-01"), ground=GROUND, max_run_ms=5_400_000)
    soil(found, 30)
    found.run(START_MS + 3 * DAY_MS)
    due = said(found, Rule.PHASE_DUE)
    assert phase(found).id == "induce" and len(due) == 1
    assert (due[0].inputs["phase_days"], due[0].inputs["next_phase"]) == (60, "flower")


def test_what_a_person_confirms_is_kept_with_who_and_for_whom_and_only_once() -> None:
    found = village(plans.made("orchard"))
    found.run(START_MS)
    for _ in range(2):
        found.ask("phase", "xoai", what="fruit", told_by="chị Hai")
        found.run(found.now_ms + 1000)
    known = phase(found)
    assert (known.id, known.user, known.told_by) == ("fruit", "chú Sáu", "chị Hai")
    assert len(said(found, Rule.PHASE_SET)) == len(said(found, Rule.PHASE_SAME)) == 1
    assert said(found, Rule.PHASE_SET)[0].inputs["before"] == "rest"
    assert State.from_json(found.state.to_json()) == found.state


@pytest.mark.parametrize(
    ("what", "age_ms", "rule"), [("bloom", 0, Rule.PHASE_WRONG), ("fruit", 600_000, Rule.INTENT_EXPIRED)]
)
def test_a_request_that_is_wrong_or_late_changes_nothing(what: str, age_ms: int, rule: Rule) -> None:
    found = village(plans.made("orchard"))
    found.run(START_MS)
    found.ask("phase", "xoai", what=what, age_ms=age_ms)
    found.run(START_MS + 1000)
    assert phase(found).id == "rest" and rule in rules(found)


def test_a_step_that_was_pressed_by_mistake_can_be_taken_back_with_its_days() -> None:
    found = village(plans.made("orchard", first="induce", since="2024-01-25"), ground=GROUND, max_run_ms=5_400_000)
    soil(found, 26)
    found.run(START_MS + HOUR_MS)
    before = phase(found)
    for what in ("flower", "induce"):
        found.ask("phase", "xoai", what=what, told_by="chị Hai")
        found.run(found.now_ms + MINUTE_MS)
    assert phase(found) == replace(before, user="chú Sáu", told_by="chị Hai", given_ml=phase(found).given_ml)
    found.run(START_MS + DAY_MS)  # the week after the drench is long over: nothing is kept wet
    assert Rule.KEEP_WET not in rules(found)


def test_a_phase_that_is_gone_back_to_after_days_begins_anew() -> None:
    found = village(plans.made("orchard", first="induce", since="2024-01-25"), ground=GROUND, max_run_ms=5_400_000)
    soil(found, 35)
    found.run(START_MS + HOUR_MS)
    found.ask("phase", "xoai", what="flower")
    found.run(START_MS + 5 * DAY_MS)
    found.ask("phase", "xoai", what="induce")
    found.run(found.now_ms + MINUTE_MS)
    assert (phase(found).id, phase(found).since_at_ms) == ("induce", START_MS + 5 * DAY_MS)


def test_an_edited_file_is_a_persons_word_too() -> None:
    found = village(plans.made("orchard", first="rest", since="2024-02-20"))
    found.run(START_MS)
    found.ask("phase", "xoai", what="fruit")
    found.run(START_MS + 1000)
    zone = found.settings.zones[0]
    same = replace(zone, plan=plans.made("orchard", first="rest", since="2024-02-20", most_dry_days=50))
    found.settings = replace(found.settings, zones=(same,))
    found.run(START_MS + HOUR_MS)
    assert phase(found).id == "fruit"
    found.settings = replace(
        found.settings, zones=(replace(zone, plan=plans.made("orchard", first="flower", since="2024-02-28")),)
    )
    found.run(START_MS + 2 * HOUR_MS)
    assert (phase(found).id, phase(found).user) == ("flower", "")


def test_a_phase_that_nobody_has_confirmed_is_the_one_of_the_file() -> None:
    found = village(plans.made("orchard", first="rest"))
    found.run(START_MS)
    zone = found.settings.zones[0]
    found.settings = replace(found.settings, zones=(replace(zone, plan=plans.made("orchard", first="fruit")),))
    found.run(START_MS + HOUR_MS)
    assert (phase(found).id, phase(found).since_at_ms) == ("fruit", START_MS - 10 * DAY_MS - 6 * HOUR_MS)
    found.ask("phase", "xoai", what="harvest")
    found.run(found.now_ms + MINUTE_MS)
    found.settings = replace(found.settings, zones=(zone,))
    found.run(found.now_ms + HOUR_MS)
    assert phase(found).id == "harvest"  # what a person has confirmed needs another since to be changed


def test_the_phases_of_a_year_go_round_and_those_of_a_season_end() -> None:
    orchard, rice = plans.made("orchard"), plans.made("rice")
    assert isinstance(orchard, Orchard) and isinstance(rice, Rice)
    after = orchard.phases.after("harvest")
    assert after is not None and after.id == "rest"
    assert rice.phases.after("drain") is None and rice.phases.before("establish") is None


def test_marks_and_coefficient_of_a_phase_are_in_force_and_made_once() -> None:
    plan = Vegetable(Phases((Phase("seedling", 20, marks_e4=(3000, 3400), kc=0.7), Phase("growth", 30)), "seedling", 0))
    zone = irrigation.zone_settings("xoai", plan=plan, ground=GROUND)
    settings = irrigation.settings((zone,))
    first = in_force(settings, {})
    assert (first.zones[0].dry_e4, first.zones[0].target_e4) == (3000, 3400)
    assert first.zones[0].ground is not None and first.zones[0].ground.kc == (0.7, 0.7, 0.7)
    assert in_force(settings, {"xoai": ZoneState()}) is first
    grown = ZoneState(plan=PlanState(phase=InPhase("growth", START_MS, 0, "chú Sáu")))
    assert in_force(settings, {"xoai": grown}).zones[0] == zone
    assert in_force(irrigation.settings(), {}) == irrigation.settings()
