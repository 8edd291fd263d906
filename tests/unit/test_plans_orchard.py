"""The plan of an orchard: locked until the guard, the guard gives what it promised, a part is no more."""

from __future__ import annotations

import pytest

from gateway.core.rules import Rule
from gateway.core.types import RunEnded, RunStarted
from tests.support import irrigation, plans
from tests.support.irrigation import GROUND, MINUTE_MS, START_MS
from tests.support.planned import phase, rules, said, soil, village

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


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
