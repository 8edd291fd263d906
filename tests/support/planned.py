"""One garden with a plan, for tests of the plans: fresh water, moist soil, and what was decided about it."""

from __future__ import annotations

from gateway.core.plans.kinds import Plan
from gateway.core.plans.memory import InPhase
from gateway.core.rules import Rule
from gateway.core.types import Decide
from tests.support import irrigation
from tests.support.irrigation import Village


def village(plan: Plan | None, **changes: object) -> Village:
    """One garden with a plan, fresh water and moist soil."""
    found = Village(irrigation.settings((irrigation.zone_settings("xoai", plan=plan, **changes),)))
    found.measure(irrigation.LEVEL, 700)
    found.measure(irrigation.SALT, 400)
    return found


def soil(found: Village, percent: float) -> None:
    for channel in range(3):
        found.measure(irrigation.probe("xoai", channel), round(percent * 100))


def rules(found: Village) -> list[Rule]:
    return [decision.rule for decision in found.decisions]


def said(found: Village, rule: Rule) -> list[Decide]:
    return [decision for decision in found.decisions if decision.rule is rule]


def phase(found: Village) -> InPhase:
    known = found.state.zones["xoai"].plan.phase
    assert known is not None
    return known
