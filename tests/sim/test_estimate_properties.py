"""What must hold of gardens that are reckoned, whatever the field, the sky and the links do: hypothesis over a village
with the real core and the real lease code.

S12: bad data never starts more water than the weather asks for. D2: nothing is counted twice. D3: a forecast starts
nothing and is in no balance. D6: the same step again gives the same.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from gateway.core.moist import Moist
from gateway.core.probes import Trust, vote
from gateway.core.rules import Rule
from gateway.core.state import State
from gateway.core.step import step
from gateway.core.types import Decide, Effect, Inputs, Limits, RunEnded, SensorRef
from gateway.core.weather import Outlook, OutlookDay, local_day
from tests.support import irrigation
from tests.support.irrigation import GROUND, LEVEL, MINUTE_MS, RAIN, SALT, START_MS, Village, probe
from wire import fields

ZONES = ("xoai", "quyt")
METER = SensorRef("van-2", fields.FLOW, 0)
SETTINGS = irrigation.settings((
    irrigation.zone_settings("xoai", ground=GROUND, min_rest_ms=0),
    irrigation.zone_settings("quyt", ground=replace(GROUND, root_m=0.3), meter=METER, dry_e4=2900),
))  # fmt: skip
TAW_UM = {"xoai": 108_000, "quyt": 54_000}
HOUR_MS = 60 * MINUTE_MS
LIMITS = Limits()


class Watched(Village):
    """A village that is judged at every step."""

    def on_step(self, before: State, inputs: Inputs, effects: tuple[Effect, ...]) -> None:
        assert State.from_json(self.state.to_json()) == self.state
        if self.steps % 20 == 0:
            assert step(before, self.wall_ms, inputs, self.limits) == (self.state, effects)  # D6
        for zone in ZONES:
            known = self.state.zones[zone].known
            assert known is not None and 0 <= known.depletion_um <= TAW_UM[zone] and known.variance_um2 > 0
            assert known.sums.depletion_um == known.depletion_um  # D2
        for effect in effects:
            if isinstance(effect, Decide):
                self._judge(before, inputs, effect)

    def _judge(self, before: State, inputs: Inputs, told: Decide) -> None:
        if told.rule not in (Rule.DEPLETED, Rule.MODEL_DRY, Rule.BALANCE_DRY):
            return
        dose_um, asked_um = told.inputs["dose_um"], told.inputs["asked_um"]
        assert isinstance(dose_um, int) and isinstance(asked_um, int) and dose_um > 0
        settings = self.settings.zone_by_id[told.zone]
        ballot = vote(settings, self.state.latest, self.wall_ms, self.limits)
        if told.rule is Rule.DEPLETED:
            assert ballot.trust is Trust.SURE and told.inputs["moist"] == Moist.SURE_DRY
        elif told.rule is Rule.BALANCE_DRY:
            assert dose_um <= asked_um or ballot.trust is Trust.SURE
        else:
            assert dose_um <= asked_um and told.inputs["moist"] == Moist.BLIND  # S12
        again = step(before, self.wall_ms, replace(inputs, outlook=None), self.limits)[1]
        assert any(isinstance(e, Decide) and e.rule is told.rule and e.zone == told.zone for e in again)  # D3


events = st.one_of(
    st.tuples(st.just("soil"), st.sampled_from(ZONES), st.tuples(*[st.integers(1500, 3900)] * 3)),
    st.tuples(st.just("drift"), st.sampled_from(ZONES), st.integers(2200, 3600)),
    st.tuples(st.just("dead"), st.sampled_from(ZONES), st.integers(0, 2)),
    st.tuples(st.just("rain"), st.just(""), st.integers(0, 60)),
    st.tuples(st.just("outlook"), st.just(""), st.integers(0, 60)),
    st.tuples(st.just("meter"), st.just(""), st.sampled_from((0, 60_000, 100_000))),
    st.tuples(st.just("link"), st.sampled_from(("van", "van-2")), st.sampled_from(("up", "up", "cut", "deaf"))),
    st.tuples(st.just("water"), st.sampled_from(ZONES), st.integers(1, 40)),
    st.tuples(st.just("clock"), st.just(""), st.sampled_from((-7200, 3600, 86_400))),
    st.tuples(st.just("restart"), st.just(""), st.just(0)),
)


def happen(village: Village, kind: str, what: str, amount: object, total: list[int]) -> None:
    match kind, amount:
        case "soil", (int(first), int(second), int(third)):
            for channel, value in enumerate((first, second, third)):
                village.measure(probe(what, channel), value)
        case "drift", int(value):
            for channel in range(3):
                village.measure(probe(what, channel), value + 10 * channel)
        case "dead", int(channel):
            village.kill_sensor(probe(what, channel))
        case "rain", int(mm):
            total[0] += mm * 100
            village.measure(RAIN, total[0])
        case "outlook", int(mm):
            days = {local_day(village.wall_ms) + lead: OutlookDay(34, 24, mm, 0.9) for lead in range(5)}
            village.outlook = Outlook(village.wall_ms, "test", days)
        case "meter", int(flow):
            village.measure(METER, flow)
        case "link", str(link):
            village.set_link(what, link)
        case "water", int(minutes):
            village.ask("water", what, minutes)
        case "clock", int(seconds):
            village.set_clock(seconds * 1000)
        case _:
            village.kill_gateway()
            village.after(10 * MINUTE_MS, village.start_gateway)


@run_with(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 300), events), max_size=10))
def test_whatever_the_field_and_the_sky_do(plan: list[tuple[int, tuple[str, str, object]]]) -> None:
    village = Watched(SETTINGS, LIMITS)
    total = [1000]
    for zone in ZONES:
        happen(village, "drift", zone, 3000, total)
    for ref, value in ((LEVEL, 700), (SALT, 400), (RAIN, total[0])):
        village.measure(ref, value)
    at_ms = START_MS
    for minutes, (kind, what, amount) in plan:
        at_ms += minutes * MINUTE_MS
        village.at(at_ms, lambda k=kind, w=what, a=amount: happen(village, k, w, a, total))  # type: ignore[misc]
    village.run(at_ms + 6 * HOUR_MS)


def started() -> Village:
    village = Village(SETTINGS, LIMITS)
    for zone in ZONES:
        happen(village, "drift", zone, 2500, [0])
    for ref, value in ((LEVEL, 700), (SALT, 400), (RAIN, 1000)):
        village.measure(ref, value)
    return village


def test_rain_is_given_to_every_garden_once() -> None:  # D2
    village = started()
    village.at(START_MS + 40 * MINUTE_MS, lambda: village.measure(RAIN, 2250))  # and again every five minutes
    village.run(START_MS + 5 * HOUR_MS)
    for zone in ZONES:
        known = village.state.zones[zone].known
        assert known is not None and known.sums.rain_um == 12_500


@pytest.mark.parametrize(("flow", "part"), [(None, 1.0), (60_000, 0.6), (0, 0.0)])
def test_irrigation_is_what_the_meter_saw(flow: int | None, part: float) -> None:
    village = started()
    village.run(START_MS + 2 * MINUTE_MS)
    if flow is not None:
        village.measure(METER, flow)
    village.run(START_MS + 45 * MINUTE_MS)
    known = village.state.zones["quyt"].known
    ended = [effect for effect in village.effects if isinstance(effect, RunEnded) and effect.zone == "quyt"]
    assert known is not None and ended
    open_min = sum(effect.ended_at_ms - effect.started_at_ms for effect in ended) / MINUTE_MS
    nominal_um = open_min * 100_000 / GROUND.area_m2
    before_um = 2 * 100_000 / GROUND.area_m2  # the two minutes until the meter was heard
    assert known.sums.irrigation_um == pytest.approx(before_um + part * (nominal_um - before_um), abs=1_500)
    assert known.sums.irrigation_um == pytest.approx(sum(e.millilitres for e in ended) / GROUND.area_m2, abs=len(ended))


def test_a_probe_that_does_not_move_for_a_day_loses_its_vote() -> None:  # D1
    village = started()
    village.run(START_MS + 26 * HOUR_MS)
    ballot = vote(SETTINGS.zones[0], village.state.latest, village.wall_ms, LIMITS)
    assert ballot.trust is Trust.BLIND and {why for _, why in ballot.dropped} == {"frozen"}
    thermostat = irrigation.zone_settings("xoai")
    assert vote(thermostat, village.state.latest, village.wall_ms, LIMITS).trust is Trust.SURE


def test_a_decision_keeps_what_it_was_made_from() -> None:  # D6
    village = started()
    village.run(START_MS + MINUTE_MS)
    told = next(decision for decision in village.decisions if decision.rule is Rule.DEPLETED)
    names = {"depletion_um", "sd_um", "dry_chance_pct", "soil_e4", "probes", "et0_um", "et0_method", "weather"}
    assert names | {"dose_um"} <= set(told.inputs) and {"dry_at_um", "refill_um", "raw_um"} <= set(told.limits)
