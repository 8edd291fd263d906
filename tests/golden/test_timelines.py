"""Golden timelines: inputs on a virtual clock, and exactly what is switched and decided, when.

The promises that a timeline stands for are in its file; here they are named for the search: P3 (no valve beyond its
limit), P4 (a command at most once, only fresh and ours), P10 (it waters with no Internet; there is none in here).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.reasons import english, vietnamese
from tests.golden import timeline
from tests.support.irrigation import Village

FILES = sorted((Path(__file__).parent / "timelines").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_timeline(path: Path) -> None:
    expected = timeline.load(path)
    village = timeline.play(expected)
    _compare("outputs", expected.outputs, timeline.outputs_of(village))
    _compare("decisions", expected.decisions, timeline.decisions_of(village))
    for decision in village.decisions:
        assert "?" not in vietnamese(decision) + english(decision), decision


def test_there_are_timelines_for_the_named_dangers() -> None:
    promises = {promise for path in FILES for promise in timeline.load(path).promises}
    assert len(FILES) >= 15 and promises == {"P3", "P4", "P10"}


def test_a_timeline_can_fail() -> None:
    assert timeline.same("0:00:01 xoai on", "0:00:02 xoai on")
    assert not timeline.same("0:00:01 xoai on", "0:00:03 xoai on")
    assert not timeline.same("0:00:01 xoai on", "0:00:01 xoai off")
    with pytest.raises(AssertionError, match="no such event"):
        timeline.happen(Village(timeline.load(FILES[0]).settings), ["fly"])


def _compare(what: str, expected: tuple[str, ...], found: list[str]) -> None:
    as_found = "\n".join(found)
    assert len(expected) == len(found), f"{what} are:\n{as_found}"
    for one, other in zip(expected, found, strict=True):
        assert timeline.same(one, other), f"expected {one}, found {other}; {what} are:\n{as_found}"
