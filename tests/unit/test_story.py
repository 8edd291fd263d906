"""The story of a garden: which decisions are told, which watering had which reason, and what came of a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import story
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Run as ZoneRun
from gateway.core.state import State, ZoneState
from gateway.core.step import step
from gateway.core.types import Decide, Fact, Inputs, Limits, OutputRef
from gateway.core.types import Intent as CoreIntent
from gateway.store.control import ControlReader, ControlWriter, Decision, Run
from gateway.store.village import Intent
from pages import view
from tests.support.irrigation import settings

NOW_MS = 1_709_259_000_000
MINUTE_MS = 60_000
RUN = ZoneRun(1, Rule.SOIL_DRY, "", OutputRef("van", 1), None, NOW_MS - MINUTE_MS, NOW_MS + 9 * MINUTE_MS, 30_000)


class Book:
    """The decisions and waterings of one garden, as control keeps them."""

    def __init__(self, path: Path) -> None:
        self._writer = ControlWriter(path)
        self._reader = ControlReader(path)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    def said(self, ago_min: float, verdict: Verdict, rule: Rule, **inputs: Fact) -> None:
        at_ms = NOW_MS - round(ago_min * MINUTE_MS)
        text = f"{rule} {ago_min:g}"
        row = Decision(0, at_ms, "xoai", verdict, rule, json.dumps(inputs), "{}", at_ms, text)
        with self._writer.transaction():
            self._writer.add_decision(row)

    def watered(self, from_min: float, to_min: float | None, why: Rule, stop: Rule | None, litres: float = 0.0) -> None:
        ended = None if to_min is None else NOW_MS - round(to_min * MINUTE_MS)
        with self._writer.transaction():
            self._writer.add_run(Run(0, "xoai", NOW_MS - round(from_min * MINUTE_MS), ended, litres, why, stop))

    def told(self, state: State | None = None, intent: Intent | None = None) -> story.Story:
        return story.tell(self._reader, "xoai", state or State(), intent, NOW_MS, 1.0)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "control.db")
    yield made
    made.close()


def _asked(kind: str = "water", ago_min: float = 0.2, number: int = 7) -> Intent:
    at_ms = NOW_MS - round(ago_min * MINUTE_MS)
    return Intent(number, at_ms, at_ms + MINUTE_MS, kind, "xoai", 5, "bà tư")


def test_forty_hours_of_still_moist_do_not_hide_the_waterings(book: Book) -> None:
    for ago_min in range(44 * 60, 0, -10):
        watering = next((start for start in (2500, 1300, 300) if ago_min == start), None)
        if watering is None:
            book.said(ago_min, Verdict.NO, Rule.SOIL_OK)
            continue
        book.said(ago_min, Verdict.START, Rule.SOIL_DRY)
        book.said(ago_min - 1, Verdict.WATERING, Rule.WATER_ON)
        book.said(ago_min - 8, Verdict.STOP, Rule.TARGET_REACHED)
        book.said(ago_min - 9, Verdict.STOP, Rule.RUN_ENDED)
        book.watered(ago_min - 1, ago_min - 9, Rule.SOIL_DRY, Rule.TARGET_REACHED, 1233.0)
    told = book.told()
    assert [(r.verdict, (NOW_MS - r.since_ms) // MINUTE_MS, (NOW_MS - r.at_ms) // MINUTE_MS) for r in told.why] == [
        ("no", 290, 10), ("no", 1290, 310), ("no", 2490, 1310), ("no", 2640, 2510)
    ]
    assert [(w.on_ms, w.off_ms, w.litres) for w in told.waterings] == [
        (NOW_MS - (ago - 1) * MINUTE_MS, NOW_MS - (ago - 9) * MINUTE_MS, 1233.0) for ago in (300, 1300, 2500)
    ]
    for ago, one in zip((300, 1300, 2500), told.waterings, strict=True):
        assert one.began and one.began.text == f"soil_dry {ago}"
        assert one.ended and one.ended.text == f"target_reached {ago - 8}"


def test_what_is_done_now_comes_first_even_when_it_is_a_start(book: Book) -> None:
    book.said(30, Verdict.NO, Rule.SOIL_OK)
    book.said(1, Verdict.START, Rule.SOIL_DRY)
    assert [reason.text for reason in book.told().why] == ["soil_dry 1", "soil_ok 30"]


def test_only_the_last_waterings_bring_their_reasons(book: Book) -> None:
    for ago in range(1000, 0, -50):
        book.said(ago, Verdict.START, Rule.SOIL_DRY)
        book.watered(ago, ago - 10, Rule.SOIL_DRY, Rule.TARGET_REACHED)
    told = book.told().waterings
    assert len(told) == 20 and [w.began is not None for w in told] == [n < story.TOLD_WATERINGS for n in range(20)]


@pytest.mark.parametrize(
    ("started_ms", "stop", "phase"),
    [(None, None, "opening"), (NOW_MS, None, "on"), (NOW_MS, Rule.MANUAL_STOP, "closing")],
)
def test_a_run_says_why_and_how_far_it_is(book: Book, started_ms: int | None, stop: Rule | None, phase: str) -> None:
    book.said(500, Verdict.START, Rule.SOIL_DRY)
    book.said(2, Verdict.START, Rule.MANUAL_WATER)
    book.said(1, Verdict.START, Rule.SOIL_DRY)
    book.said(0.5, Verdict.START, Rule.STILL_OPENING)
    going = ZoneRun(**{**{n: getattr(RUN, n) for n in RUN.__slots__}, "started_at_ms": started_ms, "stop": stop})
    running = book.told(State(zones={"xoai": ZoneState(run=going)})).running
    assert running is not None and running.why is not None
    assert (running.phase, running.why.text, running.ends_ms) == (phase, "soil_dry 1", NOW_MS + 9 * MINUTE_MS)


def test_a_request_waits_until_it_is_taken(book: Book) -> None:
    intent = _asked()
    found = book.told(State(last_intent=6), intent).asked
    assert found == view.Asked("water", intent.at_ms, intent.expires_ms, 5, None)
    assert book.told(State(last_intent=7), intent).asked is None  # taken without a word: not ours any more


def test_the_answer_is_the_decision_that_names_the_request(book: Book) -> None:
    book.said(0.15, Verdict.REFUSED, Rule.SOURCE_SALT, intent=6)
    book.said(0.1, Verdict.REFUSED, Rule.SOURCE_LOW, intent=7)
    book.said(0.05, Verdict.REFUSED, Rule.RESTING)
    asked = book.told(State(last_intent=7), _asked()).asked
    assert asked is not None and asked.answer is not None and asked.answer.text == "source_low 0.1"


def test_an_answer_is_news_for_a_quarter_of_an_hour(book: Book) -> None:
    book.said(14, Verdict.REFUSED, Rule.SOURCE_SALT, intent=7)
    assert book.told(State(last_intent=7), _asked(ago_min=14.5)).asked is not None
    book.said(16, Verdict.REFUSED, Rule.SOURCE_SALT, intent=8)
    assert book.told(State(last_intent=8), _asked(ago_min=16.5, number=8)).asked is None
    assert view.news_ms(60.0) == 60 * view.NEWS_REAL_MS


def test_a_request_without_any_answer_is_told_for_a_while(book: Book) -> None:
    assert book.told(State(), _asked(ago_min=10)).asked is not None
    assert book.told(State(), _asked(ago_min=17)).asked is None


def _decided(*intents: CoreIntent) -> list[tuple[Verdict, Rule, Fact]]:
    given = Inputs(settings=settings(), intents=intents)
    _, effects = step(State(), NOW_MS, given, Limits())
    return [
        (e.verdict, e.rule, e.inputs["intent"]) for e in effects if isinstance(e, Decide) and "intent" in e.inputs
    ]


def test_a_stop_takes_back_the_water_that_was_just_asked_for() -> None:
    water = CoreIntent(3, NOW_MS, NOW_MS + MINUTE_MS, "water", "xoai", 5, "bà tư")
    stop = CoreIntent(4, NOW_MS, NOW_MS + MINUTE_MS, "stop", "xoai", 0, "bà tư")
    assert _decided(water, stop) == [
        (Verdict.REFUSED, Rule.TAKEN_BACK, 3), (Verdict.NO, Rule.NOTHING_TO_STOP, 4)
    ]
    other = CoreIntent(4, NOW_MS, NOW_MS + MINUTE_MS, "stop", "rau", 0, "bà tư")
    assert _decided(water, other)[0][1:] == (Rule.SOURCE_SALT_UNKNOWN, 3)
    again = CoreIntent(5, NOW_MS, NOW_MS + MINUTE_MS, "water", "xoai", 5, "bà tư")
    assert [rule for _, rule, _ in _decided(stop, again)] == [Rule.NOTHING_TO_STOP, Rule.SOURCE_SALT_UNKNOWN]
