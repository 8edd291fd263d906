"""``changed`` is ``replace``, for the records that a step makes most of."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from gateway.core.estimate import Estimate, Sums
from gateway.core.quick import changed
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Said, ZoneState
from gateway.core.types import OutputSettings

KNOWN = Estimate(1, 2, 3, Sums(4, 5, 6, 7, 8, 9), 10, 11, 12, 13, 14, 15, 16, 17)
STATE = ZoneState(1, (2, 3), 4, 5, Said(Verdict.NO, Rule.SOIL_OK, 6, 7), None, KNOWN)


@pytest.mark.parametrize(
    ("record", "changes"),
    [(KNOWN, {"depletion_um": 99, "refused": 0}), (STATE, {"known": None}), (STATE, {}), (KNOWN.sums, {"rain_um": 1})],
)
def test_it_gives_what_replace_gives(record: object, changes: dict[str, object]) -> None:
    before = repr(record)
    made = changed(record, **changes)
    assert made == replace(record, **changes) and repr(record) == before  # type: ignore[type-var]
    assert made is not record and type(made) is type(record)


def test_what_it_gives_is_frozen_and_has_no_other_field() -> None:
    with pytest.raises(FrozenInstanceError):
        changed(STATE, known=None).known = KNOWN  # type: ignore[misc]
    with pytest.raises(AttributeError):
        changed(STATE, knwon=None)


def test_a_record_that_checks_itself_is_not_changed_behind_its_back() -> None:
    with pytest.raises(TypeError, match="OutputSettings checks"):
        changed(OutputSettings(1, 2, 3), hard_max_ms=-1)
