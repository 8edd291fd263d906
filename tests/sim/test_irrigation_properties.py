"""What must hold whatever comes in: hypothesis against ``step``, with inputs that no honest village would send.

P3, P4: every OPEN has an end, counters never repeat. S12: nothing starts on bad, stale or missing data. D4, D6: a
state and its JSON are one thing, the same inputs give the same effects, and everything that happens has a decision.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from gateway.core.probes import Trust, vote
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Latest, Phase, State
from gateway.core.step import next_wake_ms, step
from gateway.core.types import (
    Decide,
    Effect,
    Inputs,
    Intent,
    Limits,
    Link,
    Reading,
    Receipt,
    RunEnded,
    RunStarted,
    Send,
    SensorRef,
)
from tests.support.irrigation import LEVEL, SALT, START_MS, probe, settings, zone_settings
from wire import commands, fields

LIMITS = Limits()
VILLAGE = settings((zone_settings("xoai"), zone_settings("rau"), zone_settings("quyt", pump=None)))
SOURCE = VILLAGE.sources[0]
SENSORS = [LEVEL, SALT, *(probe(zone, c) for zone in ("xoai", "rau", "quyt") for c in range(3))]
NODES = ("van", "van-2")
BOOTS = (1, 2)

# Values that tempt: around every threshold, and far outside.
VALUES = {
    LEVEL.field: (None, -2000, 0, 549, 550, 619, 700, 700, 700),
    SALT.field: (None, 0, 9, 400, 400, 400, 1200, 1499, 1500, 80_000),
    fields.SOIL_MOISTURE: (None, 0, 99, 1500, 2400, 2400, 2400, 2600, 2601, 3200, 7001),
}
AGES_MS = (0, 0, 0, 0, 1000, 300_000, 700_000, 90_000_000, -60_000, -600_000)


@st.composite
def readings(draw: st.DrawFn) -> tuple[SensorRef, int | None, int, int, bool]:
    """(sensor, value, age, quality, timed)"""
    sensor = draw(st.sampled_from(SENSORS))
    return (
        sensor,
        draw(st.sampled_from(VALUES[sensor.field])),
        draw(st.sampled_from(AGES_MS)),
        draw(st.sampled_from((fields.GOOD,) * 6 + fields.QUALITIES)),
        draw(st.sampled_from((True, True, True, True, False))),
    )


@st.composite
def receipts(draw: st.DrawFn) -> tuple[int, int, int, int, int]:
    """(which of the last commands, status, mask, uptime step, boot shift): a true answer, a copy, or nonsense"""
    return (
        draw(st.integers(0, 3)),
        draw(st.sampled_from((commands.ACCEPTED,) * 6 + tuple(commands.STATUSES))),
        draw(st.integers(0, 7)),
        draw(st.sampled_from((0, 100, 100, -5000))),
        draw(st.sampled_from((0, 0, 0, 1))),
    )


@st.composite
def moments(draw: st.DrawFn) -> dict[str, object]:
    good = draw(st.booleans())
    return {
        "after_ms": draw(st.sampled_from((0, 1000, 5000, 10_000, 40_000, 300_000, 3_600_000))),
        "good": good,
        "readings": draw(st.lists(readings(), max_size=4)),
        "honest": draw(st.sampled_from((True, True, True, False))),
        "receipts": draw(st.lists(receipts(), max_size=2)),
        "water": draw(st.sampled_from((0, 0, 0, 0, 5, 500, -3))),
        "stop": draw(st.sampled_from((False,) * 6 + (True,))),
        "late": draw(st.booleans()),
        "zone": draw(st.sampled_from(("xoai", "rau", "quyt", "mars"))),
        "boot": draw(st.sampled_from((0,) * 8 + (1,))),
        "linked": draw(st.sampled_from((True,) * 8 + (False,))),
        "restarted": draw(st.sampled_from((False,) * 8 + (True,))),
    }


@dataclass
class History:
    """What the test itself knows of the past, to judge each step by."""

    state: State = field(default_factory=State)
    now_ms: int = START_MS
    newest: dict[SensorRef, Latest] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    sent: list[Send] = field(default_factory=list)
    boots: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NODES, 1))
    uptime_ms: int = 600_000
    intents: int = 0
    told: list[Decide] = field(default_factory=list)


@run_with(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.lists(moments(), min_size=1, max_size=30))
def test_whatever_comes_in(plan: list[dict[str, object]]) -> None:  # P3, P4
    history = History()
    for moment in plan:
        inputs = _inputs(history, moment)
        before = history.state
        after, effects = step(before, history.now_ms, inputs, LIMITS)
        assert (after, effects) == step(before, history.now_ms, inputs, LIMITS)
        assert State.from_json(after.to_json()) == after
        assert next_wake_ms(after, LIMITS) >= history.now_ms
        _judge_sends(history, before, effects)
        _judge_decisions(history, before, after, inputs, effects)
        history.state = after


def _inputs(history: History, moment: dict[str, object]) -> Inputs:
    after_ms = moment["after_ms"]
    assert isinstance(after_ms, int)
    history.now_ms += after_ms
    history.uptime_ms += after_ms
    if moment["boot"]:
        history.boots["van"] += 1
    return Inputs(
        settings=VILLAGE,
        readings=tuple(_readings(history, moment)),
        receipts=tuple(_receipts(history, moment)),
        intents=tuple(_intents(history, moment)),
        links=tuple(
            Link(node, boot, bytes(8), history.now_ms - history.uptime_ms, history.now_ms)
            for node, boot in history.boots.items()
            if moment["linked"]
        ),
        restarted=bool(moment["restarted"]),
    )


def _readings(history: History, moment: dict[str, object]) -> list[Reading]:
    found: list[Reading] = []
    if moment["good"]:
        values = {LEVEL.field: 700, SALT.field: 400, fields.SOIL_MOISTURE: 2400}
        found += [Reading(sensor, history.now_ms, values[sensor.field]) for sensor in SENSORS]
    drawn = moment["readings"]
    assert isinstance(drawn, list)
    for sensor, value, age_ms, quality, timed in drawn:
        found.append(Reading(sensor, history.now_ms - age_ms, value, quality, timed))
    for reading in found:
        known = history.newest.get(reading.sensor)
        if not reading.timed or reading.measured_at_ms > history.now_ms + LIMITS.ahead_ms:
            continue
        if known is None or reading.measured_at_ms >= known.measured_at_ms:
            history.newest[reading.sensor] = Latest(reading.measured_at_ms, reading.value, reading.quality)
    return found


def _receipts(history: History, moment: dict[str, object]) -> list[Receipt]:
    found: list[Receipt] = []
    if moment["honest"]:
        # What a node does that obeys: the last commands are accepted one by one.
        mask: dict[str, int] = {}
        for number, send in enumerate(history.sent[-4:]):
            bit = 1 << send.output if send.output < 8 else 0
            before = mask.get(send.node, 7 if send.action == commands.CLOSE else 0)
            mask[send.node] = before | bit if send.action == commands.OPEN else before & ~bit
            until_ms = history.uptime_ms + send.duration_ms
            found.append(
                Receipt(send.node, send.boot, send.counter, commands.ACCEPTED, send.output, mask[send.node], until_ms,
                        history.uptime_ms + number)
            )
    drawn = moment["receipts"]
    assert isinstance(drawn, list)
    for back, status, mask_bits, step_ms, boot_shift in drawn:
        if not history.sent:
            continue
        send = history.sent[-1 - back % len(history.sent)]
        uptime_ms = max(0, history.uptime_ms + step_ms)
        found.append(
            Receipt(send.node, send.boot + boot_shift, send.counter, status, send.output, mask_bits,
                    uptime_ms + send.duration_ms, uptime_ms)
        )
    return found


def _intents(history: History, moment: dict[str, object]) -> list[Intent]:
    found: list[Intent] = []
    at_ms = history.now_ms - (600_000 if moment["late"] else 0)
    for kind, minutes in (("water", moment["water"]), ("stop", int(bool(moment["stop"])))):
        if minutes:
            assert isinstance(minutes, int)
            history.intents += 1
            found.append(
                Intent(history.intents, at_ms, at_ms + 60_000, kind, str(moment["zone"]), minutes, "chú Sáu")
            )
    return found + found[:1]  # and once more the same


def _judge_sends(history: History, before: State, effects: tuple[Effect, ...]) -> None:
    for send in (effect for effect in effects if isinstance(effect, Send)):
        assert send.counter > history.counters.get(send.node, 0)  # S3
        history.counters[send.node] = send.counter
        history.sent.append(send)
        assert send.expires_at_ms == history.now_ms + LIMITS.answer_ms
        if send.action != commands.OPEN:
            assert send.duration_ms == 0
            continue
        assert 0 < send.duration_ms <= LIMITS.lease_ms  # S1
        assert _source_is_good(history), "OPEN without a fresh and good source"  # S5, S12
        zone = next(z for z in VILLAGE.zones if z.id == send.zone)
        known = before.zones.get(zone.id)
        run = known.run if known else None
        starts = [e for e in effects if isinstance(e, Decide) and e.zone == zone.id and e.verdict == "start"]
        if run is None or (run.stop is not None and starts):  # the last run may be over in the very step
            start = starts[-1]
            dose = known.dose if known else None
            of_soil = start.rule is Rule.GOES_ON and dose is not None and dose.why is Rule.SOIL_DRY
            if start.rule is Rule.SOIL_DRY or of_soil:
                latest = {sensor.key: reading for sensor, reading in history.newest.items()}
                ballot = vote(zone, latest, history.now_ms, LIMITS)
                most_e4 = zone.target_e4 - 1 if of_soil else zone.dry_e4
                assert ballot.trust is Trust.SURE and (ballot.soil_e4 or 0) <= most_e4  # S12
            assert send.output == zone.valve.output and send.duration_ms <= zone.max_run_ms
        else:
            assert run.stop is None
            assert history.now_ms + send.duration_ms <= run.ends_at_ms <= run.asked_at_ms + zone.max_run_ms


def _source_is_good(history: History) -> bool:
    level, salt = history.newest.get(LEVEL), history.newest.get(SALT)
    for reading in (level, salt):
        if reading is None or reading.value is None or reading.quality not in (fields.GOOD, fields.NOT_EVALUATED):
            return False
        if history.now_ms - reading.measured_at_ms > SOURCE.max_age_ms:
            return False
    assert level and salt and level.value is not None and salt.value is not None
    return level.value >= SOURCE.min_level_mm and 0 < salt.value < SOURCE.limit_us_cm


def _judge_decisions(
    history: History, before: State, after: State, inputs: Inputs, effects: tuple[Effect, ...]
) -> None:
    now = [effect for effect in effects if isinstance(effect, Decide)]
    history.told += now
    for decision in now:
        assert decision.at_ms == history.now_ms <= decision.next_check_at_ms
        assert decision.inputs and "garden" in decision.inputs
    new_intents = {i.id: i.zone for i in inputs.intents if i.id > before.last_intent}
    for zone in new_intents.values():
        assert any(decision.zone == zone for decision in now)  # D6
    for effect in effects:
        if isinstance(effect, RunStarted):
            # Told when it begins; only when it is over in the very step, before it was heard of, with its end.
            known = before.zones.get(effect.zone)
            over = any(isinstance(other, RunEnded) and other.run == effect.run for other in effects)
            assert not over or (known is not None and known.run is not None and known.run.started_at_ms is None)
            assert any(d.zone == effect.zone and d.rule is (Rule.RUN_ENDED if over else Rule.WATER_ON) for d in now)
            assert any(d.zone == effect.zone and d.verdict is Verdict.START and d.rule is effect.why
                       for d in history.told)
        if isinstance(effect, RunEnded):
            assert any(d.zone == effect.zone and d.rule is effect.why for d in history.told)
            assert any(d.zone == effect.zone and d.rule is Rule.RUN_ENDED for d in now)
            assert effect.started_at_ms <= effect.ended_at_ms
            assert effect.millilitres >= 0
    for zone_settings_ in VILLAGE.zones:
        known = after.zones[zone_settings_.id]
        assert known.said is not None and history.now_ms - known.said.said_at_ms < 3_600_000 + LIMITS.decide_every_ms
        if known.run is None:
            valve = after.outputs.get(zone_settings_.valve.key)
            assert valve is None or valve.phase is not Phase.OPEN


def test_the_plan_is_not_too_tame() -> None:
    """A plain dry village under the same judge does open, run and close: the properties are not empty."""
    history = History()
    seen: set[str] = set()
    for number in range(60):
        moment = {
            "after_ms": 10_000, "good": True, "readings": [], "honest": True, "receipts": [], "water": 0,
            "stop": number == 40, "late": False, "zone": "xoai", "boot": 0, "linked": True, "restarted": False,
        }
        inputs = _inputs(history, moment)
        before = history.state
        history.state, effects = step(before, history.now_ms, inputs, LIMITS)
        _judge_sends(history, before, effects)
        _judge_decisions(history, before, history.state, inputs, effects)
        seen |= {type(effect).__name__ for effect in effects}
    assert {"Send", "Decide", "RunStarted", "RunEnded"} <= seen
