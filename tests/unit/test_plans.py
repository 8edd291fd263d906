"""The plans as data: they can be kept and read back, and one that contradicts itself is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.jsons import from_plain, to_plain
from gateway.core.plans.kinds import Phase, Phases, Plan
from gateway.core.plans.memory import PlanState
from gateway.core.refs import SettingsError
from gateway.core.state import State
from gateway.core.types import ZoneSettings
from tests.support import irrigation, plans
from tests.support.irrigation import GROUND, START_MS
from tests.support.planned import village


def every_plan() -> list[Plan]:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("orchard", {}), ("vegetable", {}), ("rice", {"tubes": 2}), ("calendar", {"weekdays": (1,), "sun": "sunrise"}),
        ("manual", {}),
    ]  # fmt: skip
    return [plans.made(kind, **changes) for kind, changes in kinds]


@pytest.mark.parametrize("plan", every_plan(), ids=lambda plan: type(plan).__name__)
def test_a_plan_is_data(plan: Plan) -> None:
    zone = irrigation.zone_settings("xoai", plan=plan)
    assert from_plain(ZoneSettings, json.loads(json.dumps(to_plain(zone))), "zone") == zone


@pytest.mark.parametrize(
    "make",
    [
        lambda: Phase("rest", 0),
        lambda: Phase("rest", 1, marks_e4=(3000, 3000)),
        lambda: Phases((Phase("rest", 1), Phase("rest", 1)), "rest", 0),
        lambda: Phases((Phase("rest", 1),), "fruit", 0),
        lambda: plans.made("calendar"),
        lambda: plans.made("calendar", every_days=1, cap_ml=5),
        lambda: plans.made("rice", tubes=0),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(make: Any) -> None:
    with pytest.raises(SettingsError):
        make()


def test_a_state_of_a_version_before_keeps_what_it_had() -> None:
    found = village(plans.made("orchard"))
    found.measure(irrigation.RAIN, 0)
    found.run(START_MS)
    now = found.state
    old = json.loads(now.to_json())
    old["version"] = 4
    for zone in old["state"]["zones"].values():
        del zone["plan"]["left"]
    for gauge in old["state"]["gauges"].values():
        del gauge["told_at_ms"]
    gauges = {id: replace(gauge, told_at_ms={}) for id, gauge in now.gauges.items()}
    assert gauges and State.from_json(json.dumps(old)) == replace(now, gauges=gauges)
    old["version"] = 3
    for zone in old["state"]["zones"].values():
        del zone["plan"]
    zones = {id: replace(zone, plan=PlanState()) for id, zone in now.zones.items()}
    assert State.from_json(json.dumps(old)) == replace(now, zones=zones, gauges=gauges)


@pytest.mark.parametrize("plan", every_plan(), ids=lambda plan: type(plan).__name__)
def test_settings_with_a_plan_can_be_kept_and_read_back(plan: Plan) -> None:  # D6
    settings = irrigation.settings((irrigation.zone_settings("xoai", plan=plan, ground=GROUND),))
    kept = json.loads(json.dumps(to_plain(settings)))
    assert from_plain(type(settings), kept, "settings") == settings
