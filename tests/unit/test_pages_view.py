"""The view: what is told as now, what as old, and what is refused as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.view import (
    MAX_JSON_BYTES,
    STALE_MS,
    Asked,
    Band,
    ViewError,
    Village,
    age_s,
    is_stale,
    shown_source_state,
    shown_state,
    soil_state,
)
from tests.support.views import MINUTE_MS, NOW_MS, garden, source, village


def test_json_brings_back_the_same_village() -> None:
    before = village()
    assert Village.from_json(before.to_json()) == before
    assert Village.from_json(before.to_json().encode()) == before


def _broken(path: str, value: Any) -> str:
    """The JSON of a good village with one place changed; ``...`` takes the key away."""
    found: Any = json.loads(village().to_json())
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = found
    for step in steps:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(found)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("name", 5, "village.name: expected text, found a whole number"),
        ("name", "", "village.name: expected a text that is not empty"),
        ("name", "x" * 401, "village.name: expected at most 400 characters"),
        ("name", ..., "village: missing key 'name'"),
        ("colour", "red", "village: unknown key 'colour'"),
        ("simulated", 1, "village.simulated: expected true or false"),
        ("now_ms", True, "village.now_ms: expected a whole number"),
        ("now_ms", 10**16, "village.now_ms: expected milliseconds"),
        ("now_ms", -1, "village.now_ms: expected milliseconds"),
        ("speed", 10**400, "village.speed: the number is too large"),
        ("speed", 0, "village.speed: expected a number in"),
        ("gardens", {}, "village.gardens: expected a list"),
        ("gardens.0.state", "happy", "village.gardens[0].state: expected one of dry, ok"),
        ("gardens.1.moisture_pct", 101, "garden.moisture_pct: expected a number in 0..100"),
        ("gardens.1.id", "xoai", "village.gardens: expected every id once"),
        ("gardens.0.history.3", [1], "village.gardens[0].history[3]: expected 2 items, found 1"),
        ("gardens.0.history", [[NOW_MS, 20.0]] * 121, "garden.history: expected at most 120 points"),
        ("gardens.0.band", {"dry_pct": 30, "target_pct": 20}, "band: expected dry_pct below target_pct"),
        ("gardens.0.running", {"started_ms": 0}, "village.gardens[0].running: missing key 'ends_ms'"),
        ("alerts.0.level", "panic", "village.alerts[0].level: expected one of"),
    ],
)
def test_wrong_json_is_refused_with_its_place(path: str, value: Any, told: str) -> None:
    with pytest.raises(ViewError) as refused:
        Village.from_json(_broken(path, value))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{", "NaN", '{"name":1,"name":2}', "[" * 100_000, " " * (MAX_JSON_BYTES + 1), b"\xff\xfe\x00"],
)
def test_what_is_no_village_is_refused(text: str | bytes) -> None:
    with pytest.raises(ViewError):
        Village.from_json(text)


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ViewError, match="not a JSON number"):
        Village.from_json(village().to_json().replace("26.4", "NaN"))
    with pytest.raises(ViewError, match=r"village\.speed"):
        Village.from_json(village().to_json().replace('"speed":1.0', '"speed":1e999'))


@given(st.text(max_size=200))
def test_any_text_is_a_village_or_a_view_error(text: str) -> None:
    """The invariant: reading raises ViewError and nothing else."""
    with pytest.raises(ViewError):
        Village.from_json(text)


def test_a_reading_is_news_for_thirty_minutes() -> None:
    assert not is_stale(NOW_MS - STALE_MS, NOW_MS)
    assert is_stale(NOW_MS - STALE_MS - 1, NOW_MS)
    assert is_stale(None, NOW_MS)


def test_a_reading_from_the_future_counts_as_just_measured() -> None:
    assert age_s(NOW_MS + 5000, NOW_MS) == 0
    assert age_s(None, NOW_MS) is None
    assert age_s(NOW_MS - 61_000, NOW_MS) == 61


def test_a_view_gets_older_on_its_way() -> None:
    seen = village(garden(state="dry", moisture_pct=20.0))
    assert shown_state(seen.gardens[0], seen, NOW_MS) == "dry"
    assert shown_state(seen.gardens[0], seen, NOW_MS + 31 * MINUTE_MS) == "blind"


def test_a_watering_is_not_shown_beyond_its_end_or_from_an_old_view() -> None:
    seen = village()
    rau = seen.gardens[1]
    assert shown_state(rau, seen, NOW_MS) == "watering"
    assert shown_state(rau, seen, NOW_MS + 9 * MINUTE_MS) == "ok"
    assert shown_state(rau, seen, NOW_MS + 31 * MINUTE_MS) == "blind"


def test_soil_is_dry_moist_or_wet() -> None:
    band = Band(22, 30)
    found = [soil_state(pct, band) for pct in (None, 22, 22.1, 30, 30.5, 30.6)]
    assert found == ["blind", "dry", "ok", "ok", "ok", "wet"]


@pytest.mark.parametrize("mark", [22.0, 30.0, 30.5])
def test_the_word_does_not_flip_with_the_last_digit_of_a_probe(mark: float) -> None:
    said = [soil_state(mark, Band(22, 30))]
    for n in range(100):
        said.append(soil_state(mark + (0.2 if n % 2 else -0.2), Band(22, 30), said[-1]))
    assert sum(one != other for one, other in pairwise(said)) <= 1


def test_a_word_that_was_kept_still_gives_way() -> None:
    band = Band(22, 30)
    assert soil_state(22.6, band, "dry") == "ok" and soil_state(30.0, band, "wet") == "ok"
    assert soil_state(35.0, band, "dry") == "wet" and soil_state(10.0, band, "wet") == "dry"


def test_a_request_counts_from_the_moment_it_was_kept() -> None:
    asked = Asked("water", NOW_MS, NOW_MS + MINUTE_MS, 5, None)
    seen = village(garden(asked=asked))
    assert shown_state(seen.gardens[0], seen, NOW_MS) == "opening"
    assert shown_state(seen.gardens[0], seen, NOW_MS + MINUTE_MS + 1) == "ok"
    seen = village(garden(asked=replace(asked, kind="stop")))
    assert shown_state(seen.gardens[0], seen, NOW_MS) == "closing"


def test_an_old_source_is_blind_whatever_it_was() -> None:
    seen = village()
    assert shown_source_state(source(state="salt"), seen, NOW_MS) == "salt"
    assert shown_source_state(source(measured_ms=None), seen, NOW_MS) == "blind"
    assert shown_source_state(source(measured_ms=NOW_MS - 31 * MINUTE_MS), seen, NOW_MS) == "blind"
