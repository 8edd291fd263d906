"""What must hold of plans whatever comes in: no water by missing data, the guard first, phases by people alone.

S12, S4, D4: hypothesis over ``step`` with readings that no honest village would send, a rice field with water of its
own, and calendars under clocks that are set at will.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from gateway.core.plans import calendar, want
from gateway.core.plans.kinds import Calendar, Orchard, Plan, Rice
from gateway.core.probes import Trust
from gateway.core.rules import Rule, Verdict
from gateway.core.state import State, ZoneState, shifted
from gateway.core.step import _look, step
from gateway.core.turn import Turn
from gateway.core.types import DAY_MS, HOUR_MS, Decide, Inputs, Intent, Limits, Reading, SensorRef, Settings
from tests.support import irrigation, plans
from tests.support.irrigation import GROUND, MINUTE_MS, START_MS, Village
from wire import fields

LIMITS = Limits()
PROBES = [irrigation.probe("xoai", channel) for channel in range(3)]
TUBES = [plans.tube(0), plans.tube(1)]
VALUES: dict[int, tuple[int | None, ...]] = {
    fields.SOIL_MOISTURE: (None, 0, 99, 1800, 2000, 2160, 2161, 2400, 2600, 3200, 7001),
    fields.WATER_LEVEL: (None, -351, -350, -160, -150, -149, 0, 49, 50, 351),
}
AGES_MS = (0, 0, 0, 300_000, 700_000, 2_700_001, 90_000_000, -60_000)
ALL_PHASES = ("rest", "induce", "flower", "fruit", "harvest")


@st.composite
def measured(draw: st.DrawFn) -> tuple[SensorRef, int | None, int, int]:
    sensor = draw(st.sampled_from(PROBES + TUBES))
    value = draw(st.sampled_from(VALUES[sensor.field]))
    return sensor, value, draw(st.sampled_from(AGES_MS)), draw(st.sampled_from((fields.GOOD,) * 5 + fields.QUALITIES))


@st.composite
def planned(draw: st.DrawFn) -> tuple[Plan, bool]:
    """A plan that looks at the soil or at a field, and whether the garden's water is reckoned."""
    kind = draw(st.sampled_from(("orchard", "vegetable", "rice")))
    if kind == "orchard":
        since = draw(st.sampled_from(("2023-10-01", "2024-02-20")))
        return plans.made("orchard", first=draw(st.sampled_from(ALL_PHASES)), since=since), draw(st.booleans())
    if kind == "vegetable":
        return plans.made("vegetable"), draw(st.booleans())
    return plans.made("rice", tubes=2, first=draw(st.sampled_from(("tiller", "heading", "drain")))), False


def settings_with(plan: Plan, reckoned: bool) -> Settings:
    ground = GROUND if reckoned else None
    zone = irrigation.zone_settings("xoai", plan=plan, ground=ground, max_run_ms=5_400_000)
    return irrigation.settings((zone,))


@run_with(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(planned(), st.lists(st.tuples(st.lists(measured(), max_size=5), st.sampled_from(
    (1000, 300_000, 3_600_000, DAY_MS, 40 * DAY_MS))), min_size=1, max_size=12))  # fmt: skip
def test_no_plan_starts_on_missing_data_and_no_phase_changes_by_itself(
    made: tuple[Plan, bool], moments: list[tuple[list[tuple[SensorRef, int | None, int, int]], int]]
) -> None:  # S12
    settings = settings_with(*made)
    state, now_ms, first = State(), START_MS, None
    for readings, after_ms in moments:
        now_ms += after_ms
        heard = tuple(Reading(ref, now_ms - age_ms, value, flag) for ref, value, age_ms, flag in readings)
        state, effects = step(state, now_ms, Inputs(settings, readings=heard), LIMITS)
        assert State.from_json(state.to_json()) == state
        known = state.zones["xoai"].plan.phase
        assert known is not None
        first = first or known
        assert (known.id, known.since_at_ms, known.user) == (first.id, first.since_at_ms, "")
        _asks_by_data_alone(settings, state, now_ms, heard)
        assert not [e for e in effects if isinstance(e, Decide) and e.rule in (Rule.PHASE_SET, Rule.PHASE_SET_SALT)]


def _asks_by_data_alone(settings: Settings, state: State, now_ms: int, heard: tuple[Reading, ...]) -> None:
    """Whatever asks for water has a vote that is sure, or a balance that allows no more than the crop has used."""
    turn = Turn(state, now_ms, Inputs(settings, readings=heard), LIMITS)
    _look(turn)  # as a step does before it decides
    zone = turn.settings.zones[0]
    found = want.need(turn, zone)
    if found.verdict is not Verdict.START:
        return
    if isinstance(zone.plan, Rice):
        assert turn.levels["xoai"].trust is Trust.SURE
    elif zone.ground is None:
        assert turn.votes["xoai"].trust is Trust.SURE
    else:
        judged, dose_um = turn.judged["xoai"], found.inputs["dose_um"]
        assert isinstance(dose_um, int)
        sure = turn.votes["xoai"].trust is Trust.SURE
        assert sure or dose_um <= judged.known.asked_um + 1


# ---- the guard and the locks


@pytest.mark.parametrize("reckoned", [False, True])
@pytest.mark.parametrize("first", ALL_PHASES)
def test_the_guard_goes_before_every_phase_and_a_lock_lets_nothing_else_through(first: str, reckoned: bool) -> None:
    plan = plans.made("orchard", first=first)
    assert isinstance(plan, Orchard)
    settings = settings_with(plan, reckoned)
    for soil_e4 in range(1800, 3600, 60):
        heard = tuple(Reading(ref, START_MS, soil_e4) for ref in PROBES)
        state, _ = step(State(), START_MS, Inputs(settings, readings=heard), LIMITS)
        turn = Turn(state, START_MS, Inputs(settings), LIMITS)
        _look(turn)
        turn.zones["xoai"] = replace(turn.zones["xoai"], run=None)
        found = want.need(turn, turn.settings.zones[0])
        phase = plan.phases.of(first)
        assert phase is not None
        if soil_e4 < plan.guard_e4 - 30:
            assert (found.verdict, found.rule) == (Verdict.START, Rule.WILTING), soil_e4
        elif soil_e4 > plan.guard_e4 + 30 and phase.water_pct == 0 and first == "rest":
            assert found.rule is Rule.PHASE_LOCKED, soil_e4


@run_with(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from((*ALL_PHASES, "bloom", "")), max_size=8), st.booleans())
def test_the_phase_is_what_people_said_last(asked: list[str], late: bool) -> None:
    settings = settings_with(plans.made("orchard"), False)
    state, now_ms, expected = State(), START_MS, "rest"
    for number, phase in enumerate(asked, start=1):
        now_ms += HOUR_MS
        expires_ms = now_ms - 1 if late else now_ms + MINUTE_MS
        intent = Intent(number, now_ms - 10, expires_ms, "phase", "xoai", user="a", what=phase, told_by="b")
        state, _ = step(state, now_ms, Inputs(settings, intents=(intent,)), LIMITS)
        state, _ = step(state, now_ms + 1, Inputs(settings, intents=(intent,)), LIMITS)  # delivered twice
        expected = phase if phase in ALL_PHASES and not late else expected
        known = state.zones["xoai"].plan.phase
        assert known is not None and known.id == expected


# ---- a rice field that has water of its own


@pytest.mark.parametrize("loss_mm_h", [1.0, 2.0])
def test_a_field_goes_between_its_marks(loss_mm_h: float) -> None:
    """The field loses water all the time and gains what is pumped: filled at -15 cm up to 5 cm, and only there."""
    plan = plans.made("rice", area_m2=30.0)
    zone = irrigation.zone_settings("xoai", plan=plan, min_rest_ms=60_000, max_run_ms=7_200_000)
    village = Village(irrigation.settings((zone,)), Limits(starts_a_day=24))
    village.measure(irrigation.LEVEL, 700)
    village.measure(irrigation.SALT, 400)
    level_mm, lowest, highest, began = 0.0, 0.0, 0.0, []
    on = False
    for _ in range(12 * 24 * 10):
        level_mm += (3.33 if on else 0.0) * 5 - loss_mm_h / 12  # 100 L/min on 30 m², for five minutes
        village.measure(plans.tube(0), round(level_mm))
        village.run(village.now_ms + 5 * MINUTE_MS)
        was, on = on, village.state.zones["xoai"].run is not None
        if on and not was:
            began.append(level_mm)
        lowest, highest = min(lowest, level_mm), max(highest, level_mm)
    assert -160 <= lowest <= -149 and 50 <= round(highest) <= 85
    assert began and all(mm <= -149 for mm in began)
    dry = {e.rule for e in village.decisions} & {Rule.FIELD_DRY, Rule.FIELD_FILLING, Rule.FIELD_FULL, Rule.FIELD_WET}
    assert dry >= {Rule.FIELD_DRY, Rule.FIELD_FULL, Rule.FIELD_WET}


# ---- calendars


class Book:
    """A calendar alone on a clock: what it asks for is given at once."""

    def __init__(self, plan: Plan) -> None:
        self.settings = irrigation.settings((irrigation.zone_settings("xoai", plan=plan),))
        self.state = State(at_ms=START_MS, zones={"xoai": ZoneState()})
        self.true_ms = START_MS
        self.ahead_ms = 0
        self.began: list[tuple[int, int]] = []  # in true time, and by the clock
        self.short: list[Any] = []

    def at(self, true_ms: int, *, deaf: bool = False) -> None:
        """Look once; ``deaf``: the water does not come."""
        self.true_ms = true_ms
        now_ms = true_ms + self.ahead_ms
        turn = Turn(replace(self.state, at_ms=now_ms), now_ms, Inputs(self.settings), LIMITS)
        zone = turn.settings.zones[0]
        want.look(turn)
        found = want.need(turn, zone)
        if found.verdict is Verdict.START and not deaf:
            assert found.rule is Rule.CALENDAR_DUE
            self.began.append((true_ms, now_ms))
            amount = found.inputs["water_ml"]
            assert isinstance(amount, int)
            want.poured(turn, "xoai", amount)
        self.short += [e for e in turn.effects if isinstance(e, Decide) and e.rule is Rule.CALENDAR_SHORT]
        self.state = replace(self.state, at_ms=now_ms, zones=dict(turn.zones))

    def set_clock(self, by_ms: int) -> None:
        self.ahead_ms += by_ms
        self.state = shifted(self.state, by_ms)


def test_a_year_of_a_calendar_has_a_time_on_each_day_at_its_minute() -> None:  # S4
    book = Book(plans.made("calendar", every_days=1, minute=330))
    for n in range(366 * 48):
        book.at(START_MS + n * 30 * MINUTE_MS)
    times = [(wall_ms + 7 * HOUR_MS) % DAY_MS for _, wall_ms in book.began]
    assert len(book.began) == 366 and set(times) == {330 * MINUTE_MS} and not book.short


STEPS_MS = (DAY_MS, -DAY_MS, HOUR_MS, -HOUR_MS, 11 * HOUR_MS, -13 * HOUR_MS, 90_000, -90_000)


@run_with(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 40 * 48 - 1), st.sampled_from(STEPS_MS)), max_size=4),
    st.sampled_from((330, 1430)),
    st.booleans(),
)
def test_a_clock_that_is_set_repeats_no_time_and_loses_none(
    steps: list[tuple[int, int]], minute: int, by_end: bool
) -> None:  # S4
    book = Book(plans.made("calendar", every_days=1, minute=minute, by_end=by_end))
    for n in range(40 * 48):
        for place, by_ms in steps:
            if place == n:
                book.set_clock(by_ms)
        book.at(START_MS + n * 30 * MINUTE_MS)
    moved_ms = sum(abs(by_ms) for _, by_ms in steps)
    true = [true_ms for true_ms, _ in book.began]
    gaps = [later - earlier for earlier, later in pairwise(true)]
    assert min(gaps) >= 12 * HOUR_MS and max(gaps) <= 36 * HOUR_MS + moved_ms
    assert abs(len(true) - 40) <= 1 + (moved_ms + 12 * HOUR_MS * len(steps)) // DAY_MS


@run_with(max_examples=40, deadline=None, derandomize=True)
@given(st.sets(st.integers(0, 10 * 48), max_size=200), st.booleans())
def test_what_a_calendar_could_not_give_is_told_to_the_last_litre(deaf: set[int], by_end: bool) -> None:
    plan = plans.made("calendar", every_days=1, minute=600, by_end=by_end)
    assert isinstance(plan, Calendar)
    book = Book(plan)
    for n in range(10 * 48):
        book.at(START_MS + n * 30 * MINUTE_MS, deaf=n in deaf)
    told = sum(int(e.inputs["water_ml"]) for e in book.short)
    assert len(book.began) * plan.amount_ml + told == 10 * plan.amount_ml
    assert calendar.APART_MS == 12 * HOUR_MS
