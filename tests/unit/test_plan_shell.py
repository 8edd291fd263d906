"""A phase on its whole way: from the phone's order in village.db through control into its state, and to the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway import registry
from gateway.control import Control
from gateway.core.rows import Reading
from gateway.core.village import Village
from gateway.dispatch import Dispatch
from gateway.home import Home
from gateway.inbox import People
from gateway.plan_show import show
from gateway.settings import limits_of, settings_of
from gateway.store.control import ControlReader, ControlWriter
from gateway.store.data import Batch, DataReader, DataWriter
from gateway.view import build_village
from gateway.web.house import House
from kit.clock import ManualClock
from pages import view
from tests.support import village as registry_village
from tests.unit.test_registry_plans import TUBE
from wire import fields

NOW_MS = 1_709_247_600_000
DAY_MS = 86_400_000
ORCHARD = """
[zone.plan]
kind = "orchard"
phase = "fruit"
since = 2024-02-20
"""
RICE = """
[zone.plan]
kind = "rice"
phase = "tiller"
since = 2024-02-20
tubes = [{ node = "ruong-1", channel = 0 }]
"""


class Gateway:
    """Control and web on one home."""

    def __init__(self, folder: Path, first: str) -> None:
        self.home = Home(folder)
        soil = "dry_vwc = 0.27\nsoil = { fc = 0.36, wp = 0.18, depth_m = 0.6 }"
        text = registry_village.TEXT.replace("dry_vwc = 0.22", soil, 1)
        if "ruong-1" in first:
            text = text.replace("[[source]]", f"{TUBE}[[source]]", 1)
        head, zone, rest = text.partition("[[zone]]")
        one, more, other = rest.partition("[[zone]]")
        self.home.registry.write_text(f"{head}{zone}{one}{first}{more}{other}", encoding="utf-8")
        self.village: Village = registry.load(self.home.registry)
        self.clock = ManualClock(NOW_MS)
        self.data = DataWriter(self.home.data)
        self.house = House(self.home, self.village, self.clock)
        self.open()

    def open(self) -> None:
        self.writer, self.reader = ControlWriter(self.home.control), DataReader(self.home.data)
        settings, limits = settings_of(self.village, self.clock), limits_of(self.clock)
        dispatch = Dispatch(self.village.id, {}, lambda *_: True)
        people = People(self.home.village)
        self.control = Control(settings, limits, self.reader, people, self.writer, dispatch, self.clock)
        self.control.step()

    def restart(self) -> None:
        self.writer.close()
        self.reader.close()
        self.open()

    def close(self) -> None:
        for part in (self.writer, self.reader, self.data):
            part.close()
        self.house.__exit__()

    def garden(self) -> view.Garden:
        with closing(ControlReader(self.home.control)) as control:
            seen = build_village(self.village, self.reader, control, self.clock, self.clock.now_ms())
        assert view.Village.from_json(seen.to_json()) == seen
        return seen.gardens[0]

    def plan(self) -> view.Plan:
        plan = self.garden().plan
        assert plan is not None
        return plan


@pytest.fixture
def orchard(tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path, ORCHARD)
    yield gateway
    gateway.close()


def test_a_phase_goes_from_the_phone_to_the_state_and_back(orchard: Gateway) -> None:
    before = orchard.plan()
    assert before.now is not None and before.next is not None
    assert (before.now.name, before.next.name, before.told_by) == ("nuôi trái", "hái trái", "")
    assert orchard.house.phase("bà tư", "xoai", "harvest", "chị Hai", "f" * 22)
    orchard.clock.advance_ms(1000)
    orchard.control.step()
    after = orchard.plan()
    assert after.now is not None and after.before is not None
    assert (after.now.name, after.told_by, after.before.name) == ("hái trái", "chị Hai", "nuôi trái")
    assert after.since_ms == NOW_MS + 1000 and after.now.effect == "Máy chỉ cho 75 % nước cây cần."
    assert orchard.garden().why[0].text != "" and "hái trái / harvest" in show(orchard.home, "xoai", NOW_MS + 1000)


def test_a_phase_and_a_pause_survive_a_restart(orchard: Gateway) -> None:  # D4
    orchard.house.phase("bà tư", "xoai", "harvest", "", "f" * 22)
    orchard.house.pause("bà tư", "xoai", 3, "g" * 22)
    orchard.control.step()
    orchard.restart()
    plan = orchard.plan()
    assert plan.now is not None and plan.now.id == "harvest" and plan.told_by == "bà tư"
    assert plan.paused_until_ms == NOW_MS + 3 * DAY_MS and plan.paused_by == "bà tư"
    orchard.house.pause("bà tư", "xoai", 0, "h" * 22)
    orchard.control.step()
    assert orchard.plan().paused_until_ms is None


def test_an_order_that_comes_too_late_changes_nothing(orchard: Gateway) -> None:
    orchard.house.phase("bà tư", "xoai", "harvest", "", "f" * 22)
    orchard.clock.advance_ms(600_000)
    orchard.control.step()
    plan = orchard.plan()
    assert plan.now is not None and plan.now.id == "fruit"


def test_a_rice_field_is_shown_by_its_water(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, RICE)
    try:
        row = Reading("ruong-1", 1, 1, fields.WATER_LEVEL, 0, 1, NOW_MS, 2, NOW_MS, -152, -152, fields.GOOD, 0)
        gateway.data.commit(Batch(readings=[row]))
        garden = gateway.garden()
        assert (garden.state, garden.moisture_pct, garden.measured_ms) == ("dry", None, NOW_MS)
        assert garden.plan is not None and (garden.plan.is_field, garden.plan.level_mm) == (True, -152)
    finally:
        gateway.close()


def test_the_band_of_the_page_is_that_of_the_stage(tmp_path: Path) -> None:
    stage = '\n[zone.plan]\nkind = "vegetable"\nphase = "seedling"\nsince = 2024-02-20\n'
    gateway = Gateway(tmp_path, stage)
    try:
        garden = gateway.garden()
        assert (garden.band.dry_pct, garden.band.target_pct) == (30.6, 34.2)
    finally:
        gateway.close()
