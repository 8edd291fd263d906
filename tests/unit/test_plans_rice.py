"""The plan of a rice field: the tubes' vote, and what a stuck or silent tube may cost."""

from __future__ import annotations

import pytest

from gateway.core.plans import levels
from gateway.core.plans.kinds import Rice
from gateway.core.probes import Trust
from gateway.core.rules import Rule
from gateway.core.state import Latest
from gateway.core.types import RunEnded, RunStarted
from tests.support import plans
from tests.support.irrigation import MINUTE_MS, START_MS, Village
from tests.support.planned import rules, said, village
from wire import fields

HOUR_MS = 3_600_000


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
