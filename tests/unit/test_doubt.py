"""Probes that the water balance contradicts: when they are doubted, what is believed then, and when it is over."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import doubt
from gateway.core import estimate as filters
from gateway.core.estimate import Doubt, Estimate, Seen, Sums
from gateway.core.ground import Ground, Plots
from gateway.core.jsons import from_plain, to_plain
from gateway.core.state import OLDER, VERSION, State, ZoneState
from gateway.core.weather import DAY_MS, Et0, Origin, day_begins_at_ms

START_MS = day_begins_at_ms(19_800)
HOUR_MS = 3_600_000
ORCHARD = Ground(0.36, 0.18, 0.6, 1000.0, 0.5, (0.65, 0.85, 0.75), (60, 90, 120, 95))
TAW_UM = round(ORCHARD.taw_mm * 1000)


def known_at(depletion_mm: float, **more: object) -> Estimate:
    um = round(depletion_mm * 1000)
    known = Estimate(START_MS, um, 4_000_000, Sums(um), believed_at_ms=START_MS)
    return replace(known, **more)  # type: ignore[arg-type]


def dried(known: Estimate, to_ms: int, mm: float = 4.5) -> Estimate:
    return filters.advance([known], Plots([ORCHARD]), to_ms, lambda _day: Et0(mm, Origin.OUTLOOK, ""))[0]


def seen(depletion_mm: float) -> Seen:
    return Seen(ORCHARD.soil_e4(depletion_mm), 3)


def watered_while(known: Estimate, days: int, dose_mm: float, shown_mm: float) -> Estimate:
    """Watered each morning; the probes stay where they are, whatever is given."""
    for day in range(days):
        at_ms = START_MS + day * DAY_MS
        known = filters.poured(known, ORCHARD, round(dose_mm * 1000), at_ms)
        for hour in range(2, 24):
            known = dried(known, at_ms + hour * HOUR_MS)
            known = doubt.weigh(known, ORCHARD, seen(shown_mm), at_ms + hour * HOUR_MS)
    return known


def test_water_that_no_probe_shows_is_summed_up_until_they_are_doubted() -> None:
    known = watered_while(known_at(45.0), 14, 25.0, 45.0)
    assert known.doubt is not None and known.doubt.gap_um > 20_000
    assert known.sums.depletion_um == known.depletion_um < 40_000


def test_what_the_crop_may_have_used_is_not_lost() -> None:
    """Nearly half more than it is reckoned to use, for two months: a crop or a pump is known no better."""
    known = watered_while(known_at(45.0), 60, 1.4 * 0.85 * 4.5, 45.0)
    assert known.doubt is None


def test_a_first_error_of_the_estimate_is_no_lost_water() -> None:
    known = known_at(5.0)
    for hour in range(1, 400):
        known = doubt.weigh(known, ORCHARD, seen(80.0), START_MS + hour * HOUR_MS)
    assert known.depletion_mm > 70.0
    assert known.lost_um == 0 and known.doubt is None


def test_of_doubted_probes_the_changes_are_believed_and_not_the_level() -> None:
    over = Doubt(START_MS - 2 * DAY_MS, START_MS - DAY_MS, 40_000)
    known = known_at(10.0, doubt=over)
    for hour in range(1, 48):
        known = doubt.weigh(known, ORCHARD, seen(50.0), START_MS + hour * HOUR_MS)
    assert abs(known.depletion_mm - 10.0) < 1.0
    for hour in range(48, 96):
        known = doubt.weigh(known, ORCHARD, seen(58.0), START_MS + hour * HOUR_MS)
    assert abs(known.depletion_mm - 18.0) < 2.0 and known.doubt == over


def test_the_gap_is_learnt_while_what_was_given_drains_away() -> None:
    known = known_at(0.0, doubt=Doubt(START_MS, START_MS + DAY_MS, 20_000), believed_at_ms=None)
    for hour, shown_mm in ((2, 25.0), (10, 40.0), (20, 38.0)):
        known = doubt.weigh(known, ORCHARD, seen(shown_mm), START_MS + hour * HOUR_MS)
    assert known.doubt is not None and abs(known.doubt.gap_um - 40_000) < 100
    assert known.depletion_um == 0 and known.believed_at_ms is None


def test_probes_beyond_wilting_tell_no_change() -> None:
    known = known_at(10.0, doubt=Doubt(START_MS - DAY_MS, START_MS, 90_000), believed_at_ms=None)
    after = doubt.weigh(known, ORCHARD, seen(108.0), START_MS + HOUR_MS)
    assert (after.depletion_um, after.believed_at_ms) == (10_000, None)


@pytest.mark.parametrize(("wet_may_come", "votes"), [(True, doubt.VOTES), (False, doubt.DRY_VOTES)])
def test_it_is_over_when_the_probes_are_back_for_long_and_not_before(wet_may_come: bool, votes: int) -> None:
    def vote(depletion_mm: float) -> Seen:
        return replace(seen(depletion_mm), wet_may_come=wet_may_come)

    known = known_at(10.0, doubt=Doubt(START_MS - DAY_MS, START_MS, 40_000))
    for hour in range(1, votes):
        known = doubt.weigh(known, ORCHARD, vote(12.0), START_MS + hour * HOUR_MS)
    assert known.doubt is not None and known.doubt.votes == votes - 1
    shower = doubt.weigh(known, ORCHARD, vote(45.0), START_MS + 60 * HOUR_MS)
    assert shower.doubt is not None and shower.doubt.votes == 0
    known = doubt.weigh(known, ORCHARD, vote(12.0), START_MS + 60 * HOUR_MS)
    assert known.doubt is None and known.believed_at_ms is not None
    for hour in range(61, 67):
        known = doubt.weigh(known, ORCHARD, vote(12.0), START_MS + hour * HOUR_MS)
    assert known.doubt is None and abs(known.depletion_mm - 12.0) < 4.0


def test_a_person_ends_it_and_the_next_vote_is_believed() -> None:
    known = doubt.confirmed(known_at(10.0, doubt=Doubt(START_MS, START_MS, 40_000), lost_um=9_000, fresh_um=5))
    assert (known.doubt, known.lost_um, known.fresh_um, known.believed_at_ms) == (None, 0, 0, None)
    after = doubt.weigh(known, ORCHARD, seen(70.0), START_MS + HOUR_MS)
    assert after.depletion_mm > 60.0 and after.doubt is None


def test_a_doubt_lives_in_the_state_and_older_states_have_none() -> None:
    known = known_at(10.0, doubt=Doubt(START_MS, START_MS + 5, 40_000, 3), lost_um=7, fresh_um=8)
    assert from_plain(Estimate, to_plain(known), "known") == known
    state = State(zones={"xoai": ZoneState(known=known)})
    assert State.from_json(state.to_json()) == state
    found = json.loads(State(zones={"xoai": ZoneState(known=known_at(10.0))}).to_json())
    for name in ("doubt", "lost_um", "fresh_um"):
        del found["state"]["zones"]["xoai"]["known"][name]
    assert 5 in OLDER and VERSION > 5
    older = State.from_json(json.dumps(found | {"version": 5}))
    assert older.zones["xoai"].known == known_at(10.0)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pour"), st.integers(-5_000, 60_000)),
        st.tuples(st.just("rain"), st.integers(0, 60_000)),
        st.tuples(st.just("wait"), st.integers(1, 72)),
        st.tuples(st.just("see"), st.integers(0, 115)),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_whatever_comes_the_books_close_and_no_more_is_lost_than_was_given(script: list[tuple[str, int]]) -> None:
    """D2. Nothing is doubted of a garden to which nothing was given."""
    known, now_ms, given_um = known_at(30.0), START_MS, 0
    for what, n in script:
        if what == "pour":
            known, given_um = filters.poured(known, ORCHARD, n, now_ms), given_um + max(0, n)
        elif what == "rain":
            known = filters.rained(known, ORCHARD, n, now_ms)
        elif what == "wait":
            now_ms += n * HOUR_MS
            known = dried(known, now_ms)
        elif what == "see":
            now_ms += HOUR_MS
            known = doubt.weigh(dried(known, now_ms), ORCHARD, seen(float(n)), now_ms)
        else:
            known = doubt.confirmed(known)
        assert known.sums.depletion_um == known.depletion_um and 0 <= known.depletion_um <= TAW_UM
        assert known.variance_um2 > 0 and known.fresh_um >= 0
        assert 0 <= known.lost_um <= min(given_um, doubt.LIMIT * TAW_UM)
        assert known.doubt is None or (given_um > 0 and known.doubt.gap_um >= 0)
