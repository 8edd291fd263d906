"""The water chain whatever comes: a village with its real lease code, and scripts that tempt.

P3, S1, S5, S12: the ditch is filled only with water that is known to be fresh, only while its level is known and
below the target, never by sluice and lift at once; and what is open has an end.
"""

from __future__ import annotations

from functools import partial

from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from gateway.core.state import State
from gateway.core.step import step
from gateway.core.types import Effect, Inputs, Limits, Send, SensorRef
from tests.golden import timeline
from tests.support.irrigation import (
    CANAL_LEVEL,
    CANAL_SALT,
    HARD_MAX_S,
    LEVEL,
    LIFT,
    SALT,
    SLUICE,
    START_MS,
    Village,
    fill_settings,
    settings,
    source_settings,
)
from wire import commands, fields

FILL = fill_settings(lift=True)
SETTINGS = settings(source=source_settings(fill=FILL))
LIMITS = Limits()
GATES = (SLUICE, LIFT)
HOUR_MS = 3_600_000

# Values that tempt: around every threshold, and far outside; "-": the probe dies.
_WATER = {
    "level": ("-", "-2000", "500", "599", "600", "619", "700", "700", "899", "900", "901", "999", "1000", "1200"),
    "canal level": ("-", "300", "599", "650", "700", "749", "750", "751", "799", "800", "1000", "1000", "1500"),
    "canal salt": ("-", "0", "9", "300", "300", "300", "1200", "1201", "1499", "1500", "40000"),
    "salt": ("400", "2000"),
}
EVENTS = st.one_of(
    st.sampled_from([f"{what} {value}" for what, values in _WATER.items() for value in values]),
    st.sampled_from([f"link cong {how}" for how in ("cut", "deaf", "up", "up")] + ["slow cong 12000", "reboot cong"]),
    st.sampled_from(("gateway kill", "gateway start", "gateway start", "clock 86400", "clock -3600")),
)
SCRIPTS = st.lists(st.tuples(st.integers(0, 9000), EVENTS), max_size=24)


class Watched(Village):
    """Judges every step by what has come in so far."""

    fills = 0

    def on_step(self, before: State, inputs: Inputs, effects: tuple[Effect, ...]) -> None:
        assert (self.state, effects) == step(before, self.wall_ms, inputs, self.limits)  # D6
        assert State.from_json(self.state.to_json()) == self.state  # D4
        for effect in effects:
            if isinstance(effect, Send) and effect.action == commands.OPEN and effect.node == SLUICE.node:
                assert 0 < effect.duration_ms <= LIMITS.lease_ms  # S1
                assert self._may_fill(), (effect, self.state.latest)
                self.fills += 1
        run = before.zones["muong"].run if "muong" in before.zones else None
        after = self.state.zones["muong"].run
        if run and run.stop is None and not self._may_fill():
            assert after is None or after.stop is not None  # in the very step

    def _may_fill(self) -> bool:
        level, canal, salt = (self._known(ref) for ref in (LEVEL, CANAL_LEVEL, CANAL_SALT))
        return (
            level is not None
            and level < FILL.target_level_mm
            and canal is not None
            and salt is not None
            and LIMITS.salt_min_us_cm <= salt < FILL.canal.limit_us_cm
        )

    def _known(self, ref: SensorRef) -> int | None:
        found = self.state.latest.get(ref.key)
        if found is None or found.quality not in (fields.GOOD, fields.NOT_EVALUATED):
            return None
        return found.value if self.wall_ms - found.measured_at_ms <= FILL.canal.max_age_ms else None


def play(script: list[tuple[int, str]]) -> Watched:
    village = Watched(SETTINGS, LIMITS)
    for ref, value in ((LEVEL, 700), (SALT, 400), (CANAL_LEVEL, 1000), (CANAL_SALT, 300)):
        village.measure(ref, value)
    for at_s, event in script:
        village.at(START_MS + at_s * 1000, partial(timeline.happen, village, event.split()))
    village.run(START_MS + 10_000_000)
    return village


@run_with(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(SCRIPTS)
def test_whatever_comes_the_ditch_takes_only_fresh_water_up_to_its_target(script: list[tuple[int, str]]) -> None:
    village = play(script)
    on: dict[object, int] = {}
    for switched in village.switched:
        if switched.on:
            on[switched.output] = switched.at_ms
            assert sum(gate in on for gate in GATES) <= 1, "sluice and lift at once"
        else:
            assert switched.at_ms - on.pop(switched.output) <= HARD_MAX_S * 1000 + 2_000


def test_the_plan_is_not_too_tame() -> None:
    """A plain script under the same judge does fill by both, and ends by salt: the properties are not empty."""
    village = play([(1800, "level 600"), (1800, "canal level 650"), (3600, "canal salt 1500")])
    assert village.fills > 20
    assert {s.output for s in village.switched} == set(GATES)
    assert not village.switched[-1].on and village.switched[-1].at_ms <= START_MS + HOUR_MS + 1_000
