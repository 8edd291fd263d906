"""Water and stop on the farmer's page in a real Chromium: asked for once, answered on the card, taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.core.rules import Rule, Verdict
from gateway.core.state import Run as ZoneRun
from gateway.core.state import State, ZoneState
from gateway.core.types import OutputRef
from gateway.home import Home
from gateway.store.control import ControlWriter, Decision, Run
from gateway.store.control import State as StateRow
from kit.clock import SystemClock
from tests.support.chromium import chromium, phone
from tests.support.farmer_page import log_in, picture
from tests.support.seeded import Web, seed, serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    home = seed(tmp_path_factory.mktemp("home"), SystemClock().now_ms())
    with serving(home) as running:
        yield running


def test_water_takes_two_steps_and_is_asked_for_once(browser: Browser, web: Web) -> None:
    with phone(browser, web.url) as page:
        log_in(page)
        before = web.orders()
        page.locator("#w-xoai").click()
        expect(page.locator("h1")).to_have_text("Tưới Vườn xoài Cát Chu bao lâu?")
        assert web.orders() == before
        page.get_by_text("5 phút", exact=True).click()
        expect(page.locator(".then:visible")).to_have_text(re.compile(r"tưới khoảng 150 lít, tự tắt lúc \d+:\d\d\."))
        picture(page, "water")
        page.get_by_role("button", name="TƯỚI NGAY").click()
        expect(page.locator("#g-xoai .state")).to_have_text("Đang mở van")
        expect(page.locator("#g-xoai")).to_contain_text("Máy đang nhận lệnh. Chờ van trả lời.")
        expect(page.locator("#s-xoai")).to_be_visible()
        expect(page.locator("#stop-all")).to_have_text("DỪNG HẾT")
        assert web.orders() == [*before, ("water", "xoai", 5, "bà tư")]
        picture(page, "sent")
        page.reload()
        page.go_back()
        page.go_forward()
        assert web.orders() == [*before, ("water", "xoai", 5, "bà tư")]


def _control_says(home: Home, verdict: Verdict, rule: Rule, text: str, intent: int, state: State) -> None:
    """What control would commit; its process does not run here."""
    now_ms = SystemClock().now_ms()
    inputs = json.dumps({"garden": "Vườn xoài Cát Chu", "intent": intent})
    with ControlWriter(home.control) as control, control.transaction():
        control.add_decision(Decision(0, now_ms, "xoai", verdict, rule, inputs, "{}", now_ms + 1, text))
        control.set_state(StateRow(1, now_ms, replace(state, last_intent=intent).to_json()))


def _press_water(page: Page) -> None:
    page.goto("/water?zone=xoai")
    page.get_by_text("5 phút", exact=True).click()
    page.get_by_role("button", name="TƯỚI NGAY").click()
    expect(page.locator("#g-xoai .state")).to_have_text("Đang mở van")


def test_whoever_presses_water_is_answered_on_the_card(browser: Browser, tmp_path: Path) -> None:
    """From the tap to the last litre, without touching the phone again: the page itself fetches what is new."""
    now_ms = SystemClock().now_ms()
    with serving(seed(tmp_path, now_ms, running=None)) as web, phone(browser, web.url) as page:
        log_in(page)
        _press_water(page)
        refused = "Không tưới: nước ngoài kênh mặn 1,02 g/l. Từ 0,96 g/l là ngưng."
        _control_says(web.home, Verdict.REFUSED, Rule.SOURCE_SALT, refused, 1, State())
        card = page.locator("#g-xoai")
        expect(card.locator(".answer")).to_have_text(re.compile(r"Trả lời lúc \d+:\d\d:"), timeout=4000)
        expect(card.locator("summary")).to_contain_text(refused)
        expect(card.locator(".state")).to_have_text("Đất khô")
        picture(page, "refused")

        _press_water(page)
        run = ZoneRun(1, Rule.MANUAL_WATER, "bà tư", OutputRef("van-1", 1), None, now_ms, now_ms + 300_000, 30_000)
        begun = State(zones={"xoai": ZoneState(run=run)})
        _control_says(web.home, Verdict.START, Rule.MANUAL_WATER, "bà tư bấm tưới vườn xoài trong 5 phút.", 2, begun)
        expect(card.locator("summary")).to_contain_text("bà tư bấm tưới vườn xoài trong 5 phút.", timeout=4000)
        expect(card.locator(".state")).to_have_text("Đang mở van")
        flows = State(zones={"xoai": ZoneState(run=replace(run, started_at_ms=now_ms))})
        _control_says(web.home, Verdict.WATERING, Rule.WATER_ON, "Nước đang chảy, trễ nhất 9:20 tự tắt.", 2, flows)
        expect(card.locator(".state")).to_have_text("Đang tưới", timeout=4000)
        expect(page.locator("#s-xoai")).to_be_visible()
        with ControlWriter(web.home.control) as control, control.transaction():
            ended_ms = SystemClock().now_ms()
            control.add_run(Run(0, "xoai", ended_ms - 300_000, ended_ms, 1233.0, "manual_water", "manual_done"))
        moist = "Không tưới: đất còn ẩm (31 %, dưới 22 % mới tưới)."
        _control_says(web.home, Verdict.NO, Rule.SOIL_OK, moist, 2, State())
        expect(card.locator(".answer")).to_have_text(
            re.compile(r"Vừa tưới xong 5 phút, 1\.230 lít lúc \d+:\d\d\."), timeout=15_000
        )
        expect(page.locator("#w-xoai")).to_be_visible()
        picture(page, "just-watered")


def test_an_order_that_waits_can_be_taken_back(browser: Browser, tmp_path: Path) -> None:
    with serving(seed(tmp_path, SystemClock().now_ms(), running=None)) as web, phone(browser, web.url) as page:
        log_in(page)
        _press_water(page)
        picture(page, "waiting")
        page.locator("#s-xoai").click()
        expect(page.locator("#g-xoai .state")).to_have_text("Đang tắt")
        assert [order[:2] for order in web.orders()] == [("water", "xoai"), ("stop", "xoai")]


def test_a_double_tap_is_one_order(browser: Browser, web: Web) -> None:
    with phone(browser, web.url) as page:
        log_in(page)
        before = web.orders()
        page.goto("/water?zone=cam")
        page.get_by_role("button", name="TƯỚI NGAY").dblclick(no_wait_after=True)
        expect(page.locator("#g-cam .state")).to_have_text("Đang mở van")
        assert web.orders() == [*before, ("water", "cam", 10, "bà tư")]


def test_stop_is_one_tap_and_always_in_sight(browser: Browser, web: Web) -> None:
    with phone(browser, web.url) as page:
        log_in(page)
        before = web.orders()
        bar = page.locator("#stop-all")
        for _ in range(3):
            expect(bar).to_be_in_viewport(ratio=1)
            page.mouse.wheel(0, 500)
        page.locator("#s-rau").click()
        expect(page.locator("#g-rau .state")).to_have_text("Đang tắt")
        expect(page.locator("#g-rau")).to_contain_text("Máy đang nhận lệnh DỪNG.")
        assert web.orders() == [*before, ("stop", "rau", 0, "bà tư")]
        bar.click()
        page.wait_for_timeout(300)
        assert set(web.orders()[len(before) :]) >= {("stop", "rau", 0, "bà tư")}
        assert len(web.orders()) > len(before) + 1
