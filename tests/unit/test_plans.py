"""The plans by crop, rule by rule: phases, the guard, the tubes' vote, the calendar's book, and the sun."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.jsons import from_plain, to_plain
from gateway.core.plans import calendar, levels, sun
from gateway.core.plans.force import in_force
from gateway.core.plans.kinds import Calendar, Orchard, Phase, Phases, Plan, Rice, Sun, Vegetable
from gateway.core.plans.memory import InPhase, PlanState, Slot
from gateway.core.probes import Trust
from gateway.core.refs import SettingsError
from gateway.core.rules import Rule
from gateway.core.state import Latest, State, ZoneState, shifted
from gateway.core.types import Decide, RunEnded, RunStarted, ZoneSettings
from gateway.core.weather import Place
from tests.support import irrigation, plans
from tests.support.irrigation import GROUND, MINUTE_MS, START_MS, Village
from wire import fields

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
CAO_LANH = Place(10.45, 105.63, 2.0)


def village(plan: Plan | None, **changes: object) -> Village:
    """One garden with a plan, fresh water and moist soil."""
    found = Village(irrigation.settings((irrigation.zone_settings("xoai", plan=plan, **changes),)))
    found.measure(irrigation.LEVEL, 700)
    found.measure(irrigation.SALT, 400)
    return found


def soil(found: Village, percent: float) -> None:
    for channel in range(3):
        found.measure(irrigation.probe("xoai", channel), round(percent * 100))


def rules(found: Village) -> list[Rule]:
    return [decision.rule for decision in found.decisions]


def said(found: Village, rule: Rule) -> list[Decide]:
    return [decision for decision in found.decisions if decision.rule is rule]


def phase(found: Village) -> InPhase:
    known = found.state.zones["xoai"].plan.phase
    assert known is not None
    return known


# ---- phases


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


# ---- the orchard


def test_a_locked_garden_is_not_watered_until_the_guard() -> None:
    found = village(plans.made("orchard"), ground=GROUND, max_run_ms=5_400_000)
    soil(found, 25)
    found.run(START_MS + DAY_MS)
    assert not [e for e in found.effects if isinstance(e, RunStarted)]
    soil(found, 21)
    found.run(START_MS + 2 * DAY_MS)
    started = [e for e in found.effects if isinstance(e, RunStarted)]
    assert started and {e.why for e in started} == {Rule.WILTING}


@pytest.mark.parametrize(
    "changes",
    [
        {"max_run_ms": 10 * MINUTE_MS, "min_rest_ms": MINUTE_MS},
        {"max_run_ms": 90 * MINUTE_MS, "cycle_ms": 10 * MINUTE_MS, "soak_ms": 20 * MINUTE_MS},
    ],
    ids=["short runs", "cycles"],
)
@pytest.mark.parametrize("probes", [True, False], ids=["seen", "blind"])
def test_the_guard_gives_all_that_it_promised_in_as_many_runs_as_it_takes(
    changes: dict[str, int], probes: bool
) -> None:
    found = village(plans.made("orchard"), ground=GROUND, **changes)
    soil(found, 24)
    found.run(START_MS + HOUR_MS)
    if not probes:
        for channel in range(3):
            found.kill_sensor(irrigation.probe("xoai", channel))
        while not said(found, Rule.WILTING):
            found.run(found.now_ms + 6 * HOUR_MS)
        found.run(found.now_ms + 12 * HOUR_MS)
    else:
        soil(found, 21)
        found.run(START_MS + 12 * HOUR_MS)
    saved = [e.run for e in found.effects if isinstance(e, RunStarted) and e.why is Rule.WILTING]
    given = [e.millilitres for e in found.effects if isinstance(e, RunEnded) and e.run in saved]
    (first, *_) = said(found, Rule.WILTING)
    asked_ml = int(str(first.inputs["dose_um"])) * GROUND.area_m2
    assert len(given) >= 2
    assert sum(given) == pytest.approx(asked_ml, rel=0.03)


def test_rain_ends_what_the_guard_has_still_to_give() -> None:
    found = village(plans.made("orchard"), ground=GROUND, max_run_ms=10 * MINUTE_MS)
    soil(found, 21)
    found.measure(irrigation.RAIN, 0)
    found.run(START_MS + 15 * MINUTE_MS)
    for tenths in range(1, 7):
        found.measure(irrigation.RAIN, 500 * tenths)
        found.run(found.now_ms + 5 * MINUTE_MS)
    found.run(START_MS + 12 * HOUR_MS)
    assert len([e for e in found.effects if isinstance(e, RunStarted)]) == 1
    assert Rule.REST_NOT_NEEDED in rules(found) and Rule.SHORTFALL not in rules(found)


def test_the_guard_of_a_thermostat_needs_a_sure_vote() -> None:
    for values, expected in (((21, 21, 21), True), ((21, 35, 50), False)):
        found = village(plans.made("orchard"))
        for channel, percent in enumerate(values):
            found.measure(irrigation.probe("xoai", channel), percent * 100)
        found.run(START_MS + HOUR_MS)
        assert (Rule.WILTING in rules(found)) is expected


def test_a_lock_that_was_forgotten_holds_back_no_longer() -> None:
    found = village(plans.made("orchard", since="2023-11-01"), ground=GROUND, max_run_ms=5_400_000)
    soil(found, 25)
    found.run(START_MS + HOUR_MS)
    assert Rule.LOCK_OVER in rules(found) and phase(found).id == "rest"


def test_a_part_of_what_the_crop_uses_is_no_more_than_that() -> None:
    found = village(plans.made("orchard", first="flower"), ground=GROUND, max_run_ms=5_400_000, min_rest_ms=60_000)
    soil(found, 26)
    found.run(START_MS + 12 * DAY_MS)
    known, memory = found.state.zones["xoai"].known, phase(found)
    assert known is not None and Rule.PHASE_PART in rules(found) and Rule.PART_DOSE in rules(found)
    by_part = {e.run for e in found.effects if isinstance(e, RunStarted) and e.why is Rule.PART_DOSE}
    given_um = (
        sum(e.millilitres for e in found.effects if isinstance(e, RunEnded) and e.run in by_part) / GROUND.area_m2
    )
    assert 0 < given_um <= 0.25 * (known.sums.used_um - memory.used_um) + 500


# ---- rice


def tubes(*values: int | None, age_ms: int = 0, quality: int = fields.GOOD) -> dict[str, Latest]:
    return {plans.tube(n).key: Latest(START_MS - age_ms, value, quality) for n, value in enumerate(values)}


@pytest.mark.parametrize(
    ("values", "age_ms", "quality", "trust", "level_mm"),
    [
        ((-150,), 0, fields.GOOD, Trust.SURE, -150),
        ((-150,), 2_700_001, fields.GOOD, Trust.BLIND, None),
        ((-150,), 0, fields.FAIL, Trust.BLIND, None),
        ((None,), 0, fields.GOOD, Trust.BLIND, None),
        ((-351,), 0, fields.GOOD, Trust.BLIND, None),
        ((-150, -100), 0, fields.GOOD, Trust.SURE, -125),
        ((-150, -60), 0, fields.GOOD, Trust.UNSURE, -105),
        ((-150, -351), 0, fields.GOOD, Trust.UNSURE, -150),
        ((-150, -140, 300), 0, fields.GOOD, Trust.SURE, -140),
        ((-300, -100, 100), 0, fields.GOOD, Trust.UNSURE, -100),
    ],
)
def test_the_tubes_vote(
    values: tuple[int | None, ...], age_ms: int, quality: int, trust: Trust, level_mm: int | None
) -> None:  # S12
    plan = plans.made("rice", tubes=len(values))
    assert isinstance(plan, Rice)
    vote = levels.vote(plan, tubes(*values, age_ms=age_ms, quality=quality), START_MS)
    assert (vote.trust, vote.level_mm) == (trust, level_mm)


def poured_mm(found: Village) -> float:
    return sum(e.millilitres for e in found.effects if isinstance(e, RunEnded)) / 1000 / 100


def test_a_field_whose_tube_is_stuck_gets_no_more_than_two_rises() -> None:
    found = village(plans.made("rice"), max_run_ms=2 * HOUR_MS, min_rest_ms=MINUTE_MS, flow_ml_min=300_000)
    found.measure(plans.tube(0), -150)
    found.run(START_MS + 8 * HOUR_MS)
    assert 400 <= poured_mm(found) <= 400 + 3
    assert len(said(found, Rule.FIELD_NO_RISE)) == 1 and rules(found)[-1] is Rule.FIELD_STUCK


def test_a_field_whose_tube_falls_silent_is_not_filled_over_its_mark_meanwhile() -> None:
    found = village(plans.made("rice"), max_run_ms=2 * HOUR_MS, flow_ml_min=300_000)
    found.measure(plans.tube(0), -150)
    found.run(START_MS + 10 * MINUTE_MS)
    found.measure(plans.tube(0), 40)  # the mark is 50
    found.run(found.now_ms + MINUTE_MS)
    found.kill_sensor(plans.tube(0))
    found.run(START_MS + 3 * HOUR_MS)
    assert poured_mm(found) <= 10 * 3 + (50 - 40 + 20) + 2
    found.measure(plans.tube(0), 20)  # heard again, and it has moved
    found.run(START_MS + 4 * HOUR_MS)
    assert len([e for e in found.effects if isinstance(e, RunStarted)]) == 2


# ---- the calendar


def test_days_of_a_calendar() -> None:
    weekly = plans.made("calendar", weekdays=(0, 4))
    third = plans.made("calendar", every_days=3, first_day="2024-03-01", season=("2024-03-04", "2024-03-10"))
    assert isinstance(weekly, Calendar) and isinstance(third, Calendar)
    march = [plans.day(f"2024-03-{n:02d}") for n in range(1, 15)]
    assert [n + 1 for n, day in enumerate(march) if weekly.is_on(day)] == [1, 4, 8, 11]
    assert [n + 1 for n, day in enumerate(march) if third.is_on(day)] == [4, 7, 10]


def test_a_month_and_a_season_bound_what_is_given() -> None:
    months = (100, 100, 50, *(100,) * 9)
    plan = plans.made("calendar", every_days=1, month_pct=months, cap_ml=2_500_000, season=("2024-03-01", "2024-04-30"))
    found = village(plan)
    found.run(START_MS + 5 * DAY_MS)
    given = [e.millilitres for e in found.effects if isinstance(e, RunEnded)]
    assert 2_400_000 <= sum(given) <= 2_500_000 and given[0] == pytest.approx(1_000_000, rel=0.02)
    assert Rule.SEASON_CAP in rules(found)


def test_water_before_its_season_is_none_of_the_season() -> None:
    plan = plans.made("calendar", every_days=1, cap_ml=2_500_000, season=("2024-03-04", "2024-03-06"))
    found = village(plan)
    found.run(START_MS + HOUR_MS)
    found.ask("water", "xoai", 20)
    found.run(START_MS + 2 * DAY_MS)
    assert [e.why for e in found.effects if isinstance(e, RunStarted)] == [Rule.MANUAL_WATER]
    assert found.state.zones["xoai"].plan.season_ml == 0
    found.run(START_MS + 8 * DAY_MS)
    given = [e.millilitres for e in found.effects if isinstance(e, RunEnded)][1:]
    assert sum(given) == pytest.approx(2_500_000, rel=0.02)


@pytest.mark.parametrize("days", [1, 6, 20])
def test_every_time_that_a_sleeping_gateway_has_missed_is_told(days: int) -> None:
    found = village(plans.made("calendar", every_days=1))
    found.run(START_MS + 3 * HOUR_MS)
    found.kill_gateway()
    found.run(START_MS + (days + 1) * DAY_MS - HOUR_MS)
    found.start_gateway()
    found.run(found.now_ms + HOUR_MS)
    told = [decision.inputs["over_at_ms"] for decision in said(found, Rule.CALENDAR_SHORT)]
    assert len(told) == len(set(told)) == days
    found.run(found.now_ms + DAY_MS)
    assert len([e for e in found.effects if isinstance(e, RunEnded)]) == 2


def test_rain_leaves_out_the_rest_of_a_time_that_has_begun() -> None:
    found = village(plans.made("calendar", every_days=1, rain_um=10_000, rain_wait_ms=DAY_MS, amount_ml=6_000_000))
    found.measure(irrigation.RAIN, 0)
    found.run(START_MS + HOUR_MS + 5 * MINUTE_MS)  # at seven it has begun, with 30 minutes at a time
    for total in range(300, 2_100, 300):
        found.measure(irrigation.RAIN, total)
        found.run(found.now_ms + 3 * MINUTE_MS)
    found.run(START_MS + 8 * HOUR_MS)
    assert len([e for e in found.effects if isinstance(e, RunStarted)]) == 1
    assert len(said(found, Rule.CALENDAR_RAINED)) == 1 and Rule.CALENDAR_SHORT not in rules(found)


def test_a_time_of_the_sun() -> None:
    found = village(plans.made("calendar", every_days=1, sun="sunset", minute=-30))
    found.run(START_MS + DAY_MS)
    (started,) = (e for e in found.effects if isinstance(e, RunStarted))
    expected_ms = sun.at_ms(plans.day("2024-03-01"), irrigation.PLACE, Sun.SUNSET) - 30 * MINUTE_MS
    assert abs(started.at_ms - expected_ms) <= 1000


def test_a_long_amount_is_given_in_several_runs_and_never_twice() -> None:
    found = village(plans.made("calendar", every_days=1, amount_ml=7_000_000), min_rest_ms=60_000)
    found.run(START_MS + 20 * HOUR_MS)
    given = [e.millilitres for e in found.effects if isinstance(e, RunEnded)]
    assert len(given) > 1 and sum(given) == pytest.approx(7_000_000, rel=0.03)


def test_what_a_finish_leaves_open_is_told_with_its_amount() -> None:
    plan = plans.made("calendar", every_days=1, amount_ml=7_000_000, minute=480, by_end=True, window_ms=HOUR_MS)
    found = village(plan, min_rest_ms=60_000)
    found.run(START_MS + 4 * HOUR_MS)
    (short,) = said(found, Rule.CALENDAR_SHORT)
    given = sum(e.millilitres for e in found.effects if isinstance(e, RunEnded))
    assert short.inputs["water_ml"] == 7_000_000 - given > 0


# Minutes of the local day by Meeus's low-accuracy algorithm (Astronomical Algorithms, chapters 15 and 25).
@pytest.mark.parametrize(
    ("day", "rise_min", "set_min"),
    [
        ("2024-01-15", 379.3, 1073.9), ("2024-03-20", 361.6, 1088.3), ("2024-06-21", 337.2, 1101.4),
        ("2024-09-22", 346.7, 1073.5), ("2024-11-03", 348.9, 1053.0), ("2024-12-21", 370.2, 1061.1),
    ],
)  # fmt: skip
def test_the_sun_within_a_minute(day: str, rise_min: float, set_min: float) -> None:
    for which, expected_min in ((Sun.SUNRISE, rise_min), (Sun.SUNSET, set_min)):
        found_min = (sun.at_ms(plans.day(day), CAO_LANH, which) + 7 * HOUR_MS) / MINUTE_MS - plans.day(day) * 1440
        assert abs(found_min - expected_min) <= 1.0


# ---- as data


def every_plan() -> list[Plan]:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("orchard", {}), ("vegetable", {}), ("rice", {"tubes": 2}), ("calendar", {"weekdays": (1,), "sun": "sunrise"}),
        ("manual", {}),
    ]  # fmt: skip
    return [plans.made(kind, **changes) for kind, changes in kinds]


@pytest.mark.parametrize("plan", every_plan(), ids=lambda plan: type(plan).__name__)
def test_a_plan_is_data(plan: Plan) -> None:
    zone = irrigation.zone_settings("xoai", plan=plan)
    assert from_plain(ZoneSettings, json.loads(json.dumps(to_plain(zone))), "zone") == zone


@pytest.mark.parametrize(
    "make",
    [
        lambda: Phase("rest", 0),
        lambda: Phase("rest", 1, marks_e4=(3000, 3000)),
        lambda: Phases((Phase("rest", 1), Phase("rest", 1)), "rest", 0),
        lambda: Phases((Phase("rest", 1),), "fruit", 0),
        lambda: plans.made("calendar"),
        lambda: plans.made("calendar", every_days=1, cap_ml=5),
        lambda: plans.made("rice", tubes=0),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(make: Any) -> None:
    with pytest.raises(SettingsError):
        make()


def test_a_state_of_a_version_before_keeps_what_it_had() -> None:
    found = village(plans.made("orchard"))
    found.measure(irrigation.RAIN, 0)
    found.run(START_MS)
    now = found.state
    old = json.loads(now.to_json())
    old["version"] = 4
    for zone in old["state"]["zones"].values():
        del zone["plan"]["left"]
    for gauge in old["state"]["gauges"].values():
        del gauge["told_at_ms"]
    gauges = {id: replace(gauge, told_at_ms={}) for id, gauge in now.gauges.items()}
    assert gauges and State.from_json(json.dumps(old)) == replace(now, gauges=gauges)
    old["version"] = 3
    for zone in old["state"]["zones"].values():
        del zone["plan"]
    zones = {id: replace(zone, plan=PlanState()) for id, zone in now.zones.items()}
    assert State.from_json(json.dumps(old)) == replace(now, zones=zones, gauges=gauges)


def test_a_slot_moves_with_the_clock() -> None:  # S4
    slot = Slot(START_MS, START_MS + HOUR_MS, 1, done=True)
    assert calendar.APART_MS == 12 * HOUR_MS
    state = State(zones={"xoai": ZoneState(plan=PlanState(slot=slot))})
    moved = shifted(state, -DAY_MS).zones["xoai"].plan.slot
    assert moved is not None and moved.from_at_ms == START_MS - DAY_MS


@pytest.mark.parametrize("plan", every_plan(), ids=lambda plan: type(plan).__name__)
def test_settings_with_a_plan_can_be_kept_and_read_back(plan: Plan) -> None:  # D6
    settings = irrigation.settings((irrigation.zone_settings("xoai", plan=plan, ground=GROUND),))
    kept = json.loads(json.dumps(to_plain(settings)))
    assert from_plain(type(settings), kept, "settings") == settings
