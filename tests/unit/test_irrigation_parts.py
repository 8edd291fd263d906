"""The parts of the irrigation's core one by one: votes, sources, state, sentences, dispatch."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import probes, reasons, source
from gateway.core.probes import Trust
from gateway.core.reasons import ENGLISH, VIETNAMESE, tell
from gateway.core.rules import Rule, Verdict
from gateway.core.state import VERSION, Latest, SourceState, State, StateError
from gateway.core.types import Fact, Limits, Link, Receipt, Settings, SettingsError
from gateway.dispatch import Change, Dispatch, Waiting
from gateway.settings import limits_of, settings_of
from gateway.store.control import Command as StoredCommand
from kit.clock import SystemClock, sped_clock_from
from tests.golden import timeline
from tests.support import village as registry_village
from tests.support.facts import PLAN_BOUNDS, PLAN_FACTS
from tests.support.irrigation import LEVEL, SALT, START_MS, Village, settings, source_settings, zone_settings
from wire import commands, fields

LIMITS = Limits()
ZONE = zone_settings("xoai")
SOURCE = source_settings()
FRESH_MS = START_MS - 60_000


def readings(*values: int | None, at_ms: int = FRESH_MS, quality: int = fields.GOOD) -> dict[str, Latest]:
    return {
        probe.key: Latest(at_ms, value, quality)
        for probe, value in zip(ZONE.probes, values, strict=False)
    }


def vote(*values: int | None, zone: object = ZONE) -> probes.Vote:
    assert isinstance(zone, type(ZONE))
    return probes.vote(zone, readings(*values), START_MS, LIMITS)


# ---- probes


@given(st.tuples(st.integers(100, 7000), st.integers(100, 7000)), st.integers(-1000, 20_000))
def test_one_wrong_probe_of_three_never_leaves_the_good_ones(good: tuple[int, int], wrong: int) -> None:  # D1
    low, high = min(good), max(good)
    found = vote(*good, wrong)
    assert found.soil_e4 is not None and low <= found.soil_e4 <= high


@pytest.mark.parametrize(
    ("values", "trust", "soil_e4"),
    [
        ((2400, 2500, 2600), Trust.SURE, 2500),
        ((2400, 2500, None), Trust.SURE, 2450),
        ((1500, 3000, None), Trust.UNSURE, 2250),
        ((2400, None, None), Trust.UNSURE, 2400),
        ((None, None, None), Trust.BLIND, None),
        ((1000, 2500, 4000), Trust.UNSURE, 2500),
        ((0, 2500, 2600), Trust.SURE, 2550),
        ((9000, 8000, 99), Trust.BLIND, None),
    ],
)
def test_votes(values: tuple[int | None, ...], trust: Trust, soil_e4: int | None) -> None:
    found = vote(*values)
    assert (found.trust, found.soil_e4) == (trust, soil_e4)


def test_a_probe_without_a_vote_is_named_with_the_reason() -> None:
    latest = readings(2500) | {
        ZONE.probes[1].key: Latest(START_MS - ZONE.probe_max_age_ms - 1, 2500, fields.GOOD),
        ZONE.probes[2].key: Latest(FRESH_MS, 2500, fields.SUSPECT),
    }
    found = probes.vote(ZONE, latest, START_MS, LIMITS)
    assert found.dropped == (("dat-xoai/1", "stale"), ("dat-xoai/2", "faulty"))
    assert probes.vote(ZONE, {}, START_MS, LIMITS).dropped[0] == ("dat-xoai/0", "missing")


def test_a_garden_with_one_probe_trusts_it() -> None:
    assert vote(2400, zone=zone_settings("xoai", probe_count=1)).trust is Trust.SURE


# ---- source


NO_MEMORY = SourceState()


def look(
    level: int | None, salt: int | None, before: SourceState = NO_MEMORY, at_ms: int = START_MS
) -> tuple[SourceState, Rule | None]:
    latest = {}
    if level is not None:
        latest[LEVEL.key] = Latest(at_ms, level, fields.GOOD)
    if salt is not None:
        latest[SALT.key] = Latest(at_ms, salt, fields.GOOD)
    after, view = source.look(SOURCE, before, latest, at_ms, LIMITS)
    return after, view.closed_by


@pytest.mark.parametrize(
    ("level", "salt", "closed_by"),
    [
        (700, 400, None),
        (700, 1500, Rule.SOURCE_SALT),
        (700, 1499, None),
        (549, 400, Rule.SOURCE_LOW),
        (550, 400, None),
        (None, 400, Rule.SOURCE_LEVEL_UNKNOWN),
        (700, None, Rule.SOURCE_SALT_UNKNOWN),
        (700, 0, Rule.SOURCE_SALT_UNKNOWN),  # a probe in the air
        (400, 2000, Rule.SOURCE_SALT),
    ],
)
def test_sources(level: int | None, salt: int | None, closed_by: Rule | None) -> None:  # S5, S12
    assert look(level, salt)[1] == closed_by


def test_salt_opens_again_only_after_it_was_fresh_for_long_without_a_break() -> None:
    salt, closed_by = look(700, 1600)
    assert closed_by is Rule.SOURCE_SALT
    easing, closed_by = look(700, 1100, salt)
    assert closed_by is Rule.SOURCE_SALT_EASING and easing.fresh_since_at_ms == START_MS
    almost_ms = START_MS + LIMITS.salt_hold_ms - 1
    assert look(700, 1100, easing, almost_ms)[1] is Rule.SOURCE_SALT_EASING
    assert look(700, 1100, easing, almost_ms + 1)[1] is None
    broken, _ = look(700, None, easing, almost_ms)
    assert look(700, 1100, broken, almost_ms + 1)[1] is Rule.SOURCE_SALT_EASING
    assert look(700, 1201, easing, almost_ms + 1)[0].fresh_since_at_ms is None


def test_of_several_salt_probes_the_worst_that_works_counts() -> None:
    second = replace(SALT, channel=1)
    two = source_settings(conductivity=(SALT, second))
    latest = {
        LEVEL.key: Latest(START_MS, 700, fields.GOOD),
        SALT.key: Latest(START_MS, 400, fields.GOOD),
        second.key: Latest(START_MS, 1800, fields.GOOD),
    }
    assert source.look(two, SourceState(), latest, START_MS, LIMITS)[1].closed_by is Rule.SOURCE_SALT
    latest[second.key] = Latest(START_MS, 1800, fields.FAIL)
    assert source.look(two, SourceState(), latest, START_MS, LIMITS)[1].closed_by is None


# ---- settings


def test_contradicting_settings_are_refused() -> None:
    with pytest.raises(SettingsError, match="dry_e4"):
        zone_settings("xoai", dry_e4=3300)
    with pytest.raises(SettingsError, match="max_run_ms"):
        zone_settings("xoai", max_run_ms=-1)
    with pytest.raises(SettingsError, match="reopen_us_cm"):
        source_settings(reopen_us_cm=1600)
    with pytest.raises(SettingsError, match="share a valve"):
        settings((ZONE, replace(ZONE, id="other")))
    with pytest.raises(SettingsError, match="no settings"):
        Settings(zones=(ZONE,))
    with pytest.raises(SettingsError, match="lease_ms"):
        Limits(lease_ms=commands.MAX_DURATION_MS + 1)


def test_settings_come_from_the_registry_and_stretch_with_the_clock() -> None:
    village = registry_village.village()
    real = settings_of(village, SystemClock())
    zone = real.zone_by_id["xoai"]
    assert (zone.dry_e4, zone.target_e4, zone.flow_ml_min) == (2200, 3200, 60_000)
    assert zone.probe_max_age_ms == 2 * 300_000 + 60_000
    assert limits_of(SystemClock()) == Limits()
    fast = sped_clock_from(START_MS, 600)
    assert (limits_of(fast).answer_ms, limits_of(fast).lease_ms) == (600_000, 900_000)
    assert settings_of(village, fast).zone_by_id["xoai"].probe_max_age_ms == 2 * 300_000 + 1_800_000


# ---- state


def a_busy_state() -> State:
    village = Village(settings((zone_settings("xoai"), zone_settings("rau"))))
    for zone in village.settings.zones:
        for ref in zone.probes:
            village.measure(ref, 2400)
    village.measure(LEVEL, 700)
    village.measure(SALT, 400)
    village.run(START_MS + 60_000)
    return village.state


def test_a_state_and_its_json_are_the_same_thing() -> None:  # D4
    state = a_busy_state()
    assert state.zones["xoai"].run is not None
    assert State.from_json(state.to_json()) == state
    assert State.from_json(state.to_json()).to_json() == state.to_json()


def test_a_state_that_is_not_understood_is_refused() -> None:
    good = json.loads(a_busy_state().to_json())
    for broken, why in [
        ("{", "not JSON"),
        ("[]", "not a state"),
        (json.dumps(good | {"version": 99}), "version 99"),
        (json.dumps({"version": VERSION, "state": good["state"] | {"moon": 1}}), "moon"),
        (json.dumps({"version": VERSION, "state": good["state"] | {"last_run": "1"}}), r"state\.last_run"),
        (json.dumps({"version": VERSION, "state": good["state"] | {"last_run": True}}), r"state\.last_run"),
        (json.dumps({"version": VERSION, "state": good["state"] | {"zones": {"a": {}}}}), r"state\.zones\.a"),
    ]:
        with pytest.raises(StateError, match=why):
            State.from_json(broken)


# ---- sentences


def test_every_rule_is_told_in_both_languages() -> None:  # D6
    assert set(VIETNAMESE) == set(Rule) == set(ENGLISH)


@pytest.mark.parametrize("rule", list(Rule))
def test_a_sentence_has_twelve_words_at_most(rule: Rule) -> None:
    facts: dict[str, Fact] = {
        "garden": "Vườn xoài", "soil_e4": 2450, "source": "Kinh", "level_mm": 553, "salt_us_cm": 3281,
        "salt_place": "Nước trong mương",
        "user": "chú Sáu", "until_at_ms": START_MS + 3_600_000, "ends_at_ms": START_MS, "run_ms": 600_000,
        "water_ml": 1_250_000, "depletion_um": 38_400, "dose_um": 21_000, "expected_um": 14_000, "weather": "month",
        "node": "van-1", "output": "pump", "status": "resting", "other_garden": "Liếp rau", "starts": 8, "minutes": 5,
        "ditch_level_mm": 655, "head_mm": 123, "flow_ml_min": 12_000, "usual_ml_min": 100_000, "missing_um": 6_000,
        "left_um": 6_000, "because": "dry_run", "wait_ms": 720_000, "least_ml_min": 20_000, "most_ml_min": 90_000,
        "failed": "no_answer", **PLAN_FACTS,
    }
    bounds: dict[str, Fact] = {
        "dry_e4": 2600, "target_e4": 3200, "min_level_mm": 550, "reopen_level_mm": 620, "limit_us_cm": 1563,
        "reopen_us_cm": 1250, "salt_hold_ms": 1_800_000, "answer_ms": 10_000, "start_level_mm": 900, "min_head_mm": 100,
        "dry_at_um": 36_000, "min_run_ms": 60_000, **PLAN_BOUNDS,
    }
    for verdict, told in itertools.product(Verdict, (facts, {**facts, "ditch": "Mương"})):
        if "đất" in VIETNAMESE[rule] and "ditch" in told:
            continue
        text = tell("vi", verdict, rule, told, bounds, START_MS)
        assert "?" not in text and "{" not in text
        assert text == text.strip() and text.endswith(".")
        for sentence in text.removesuffix(".").split(". "):
            assert len(sentence.split()) <= 12, sentence
        english = tell("en", verdict, rule, told, bounds, START_MS)
        assert "?" not in english and english.endswith(".")


def test_the_sentences_of_the_specification() -> None:
    facts: dict[str, Fact] = {"garden": "Vườn xoài", "soil_e4": 2400, "salt_place": "Nước kênh", "salt_us_cm": 3281}
    bounds: dict[str, Fact] = {"dry_e4": 2600, "limit_us_cm": 1563}
    said = tell("vi", Verdict.START, Rule.SOIL_DRY, facts, bounds, START_MS)
    assert said == "Tưới vườn xoài: đất khô (24 %, ngưỡng 26 %)."
    said = tell("vi", Verdict.REFUSED, Rule.SOURCE_SALT, facts, bounds, START_MS)
    assert said == "Không tưới: nước kênh mặn 2,10 g/l. Từ 1,00 g/l là ngưng."
    said = tell("en", Verdict.REFUSED, Rule.SOURCE_SALT, facts, bounds, START_MS)
    assert said == "Not watering: nước kênh is salty, 2.10 g/l. No water from 1.00 g/l on."


@given(st.integers(1, 80_000), st.integers(0, 80_000))
def test_a_refused_salt_reads_above_its_limit_and_an_allowed_one_below(limit: int, salt: int) -> None:
    text = tell("en", Verdict.REFUSED, Rule.SOURCE_SALT, {"salt_us_cm": salt}, {"limit_us_cm": limit}, START_MS)
    told, bound = (float(figure.replace(",", "")) for figure in re.findall(r"([\d.,]+) g/l", text))
    assert (told > bound, told == bound) == (salt > limit, salt == limit)


def test_the_salt_that_is_told_is_named_by_where_it_is() -> None:
    settings = source_settings(
        conductivity=(SALT, replace(SALT, channel=1)), salt_places=("nước trong mương", "nước ngoài kênh")
    )
    latest = {SALT.key: Latest(START_MS, 750, 1), replace(SALT, channel=1).key: Latest(START_MS, 1588, 1)}
    _, seen = source.look(settings, SourceState(), latest, START_MS, Limits())
    said = tell("vi", Verdict.REFUSED, Rule.SOURCE_SALT, seen.inputs, seen.limits, START_MS)
    assert said == "Không tưới: nước ngoài kênh mặn 1,02 g/l. Từ 0,96 g/l là ngưng."


def test_numbers_are_written_as_people_write_them() -> None:
    def shown(fact: int, suffix: str, language: reasons.Language) -> str:
        return reasons._show(f"x{suffix}", fact, language, START_MS)[1]

    assert shown(2455, "_e4", "vi") == "24,6 %" and shown(2455, "_e4", "en") == "24.6 %"
    assert shown(1_250_000, "_ml", "vi") == "1.250 lít" and shown(1_250_000, "_ml", "en") == "1,250 litres"
    assert shown(START_MS + 9 * 3_600_000, "_at_ms", "vi") == "15:00"
    assert shown(START_MS + 24 * 3_600_000, "_at_ms", "vi") == "6:00 ngày 2/3"
    assert shown(7_500_000, "_ms", "vi") == "2 giờ 5 phút" and shown(10_000, "_ms", "vi") == "10 giây"
    assert shown(553, "_mm", "vi") == "55 cm"


def test_a_fact_that_is_missing_is_a_question_mark_and_no_error() -> None:
    assert tell("vi", Verdict.NO, Rule.SOIL_OK, {"soil_e4": None}, {}, START_MS).count("?") == 2


# ---- dispatch


KEYS = {"van": b"k" * 32}
NONCE = b"n" * 8


def waiting(row: int, counter: int, expires_at_ms: int = START_MS + 10_000) -> Waiting:
    order = commands.Command(counter, NONCE, commands.OPEN, 1, 60_000, 70_000)
    return Waiting(row, "van", 7, order, expires_at_ms)


def receipt(counter: int, status: int = commands.ACCEPTED) -> Receipt:
    return Receipt("van", 7, counter, status, 1, 2, 0, 0)


class Broker:
    def __init__(self) -> None:
        self.up = True
        self.sent: list[bytes] = []

    def publish(self, topic: str, payload: bytes, qos: int) -> bool:
        assert topic == "hq/1/thu/van/down/command" and qos == 1
        if self.up:
            self.sent.append(payload)
        return self.up


def test_a_command_is_published_once_in_order_and_then_answered() -> None:
    broker = Broker()
    dispatch = Dispatch("thu", KEYS, broker.publish)
    dispatch.add(waiting(2, 12))
    dispatch.add(waiting(1, 11))
    assert [(c.row, c.state) for c in dispatch.send(START_MS)] == [(1, "sent"), (2, "sent")]
    assert dispatch.send(START_MS) == [] and len(broker.sent) == 2
    ended = receipt(12, commands.ENDED_LEASE)
    changes = dispatch.answered([receipt(11), receipt(11), ended], START_MS + 5)
    assert changes == [Change(1, "answered", answered_ms=START_MS + 5, status=commands.ACCEPTED)]
    dispatch.forget(changes)
    assert [(c.row, c.state) for c in dispatch.send(START_MS + 10_001)] == [(2, "unanswered")]


def test_a_command_that_expired_before_it_could_be_sent_is_never_sent() -> None:  # P4
    broker = Broker()
    broker.up = False
    dispatch = Dispatch("thu", KEYS, broker.publish)
    dispatch.add(waiting(1, 11))
    assert dispatch.send(START_MS + 10_000) == []
    broker.up = True
    assert dispatch.send(START_MS + 10_001) == [Change(1, "unsent")]
    assert broker.sent == []


def test_after_a_crash_only_what_is_still_valid_is_sent_again() -> None:  # P4, D4
    def stored(row: int, state: str, boot: int, expires_uptime_ms: int) -> StoredCommand:
        order = (10 + row, commands.CLOSE, 1, 0, expires_uptime_ms)
        return StoredCommand(row, START_MS, "van", boot, *order, "xoai", 1, state, None, None, None)

    broker = Broker()
    dispatch = Dispatch("thu", KEYS, broker.publish)
    link = Link("van", 7, NONCE, START_MS - 60_000, START_MS)
    rows = [
        stored(1, "decided", 7, 70_000),  # valid for 10 s more
        stored(2, "decided", 7, 59_000),  # expired while we were away
        stored(3, "decided", 6, 70_000),  # of an earlier boot of the node
        stored(4, "sent", 7, 70_000),  # perhaps answered yet
        stored(5, "answered", 7, 70_000),
    ]
    dispatch.restore(rows, {"van": link})
    assert {(c.row, c.state) for c in dispatch.send(START_MS)} == {(1, "sent"), (2, "unsent"), (3, "unsent")}
    assert len(broker.sent) == 1
    assert [c.row for c in dispatch.answered([receipt(14), receipt(15)], START_MS)] == [4]


def test_the_clock_of_a_timeline_reads_back() -> None:
    assert timeline.clock(timeline.millis("1:02:03")) == "1:02:03"
