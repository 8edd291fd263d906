"""A garden's plan in a real Chromium of a phone's size, served by the real web process: the taps, and what can be read.

Screenshots are left in artefacts/ to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from gateway.store.village import VillageReader
from kit.clock import SystemClock
from tests.security.test_web_plans import PLAN
from tests.support.chromium import PHONE, SMALLEST, chromium, phone
from tests.support.farmer_page import check_sizes, log_in, picture
from tests.support.seeded import NAME, Web, seed, serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    home = seed(tmp_path_factory.mktemp("home"), SystemClock().now_ms())
    text = home.registry.read_text(encoding="utf-8")
    head, zone, rest = text.partition("[[zone]]")
    first, more, others = rest.partition("[[zone]]")
    home.registry.write_text(f"{head}{zone}{first}{PLAN}{more}{others}", encoding="utf-8")
    with serving(home) as running:
        yield running


def test_a_phase_is_confirmed_by_two_taps_for_whoever_has_seen_it(browser: Browser, web: Web) -> None:
    with phone(browser, web.url) as page:
        log_in(page)
        page.get_by_role("link", name="Giai đoạn: nuôi trái").click()
        expect(page.locator(".state")).to_contain_text("Đang nuôi trái, ngày thứ")
        page.get_by_role("link", name="Chuyển qua: hái trái").click()
        page.get_by_label("Ai coi vườn và báo?").fill("chị Hai")
        page.get_by_role("button", name="ĐÚNG, CHUYỂN").click()
        expect(page.get_by_role("status")).to_have_text("Đã gửi. Máy đang ghi.")
    with VillageReader(web.home.village) as people:
        (intent,) = people.intents_after(0)
    assert (intent.kind, intent.what, intent.user, intent.told_by) == ("phase", "harvest", NAME.lower(), "chị Hai")


@pytest.mark.parametrize("size", [PHONE, SMALLEST], ids=lambda size: str(size["width"]))
def test_the_pages_of_a_plan_can_be_read_and_touched(browser: Browser, web: Web, size: dict[str, int]) -> None:
    with phone(browser, web.url, size=size) as page:
        log_in(page)
        for address, name in (
            ("/plan?zone=xoai", "plan"),
            ("/plan?zone=xoai&phase=harvest", "plan-change"),
            ("/plan?zone=rau&pause=3", "plan-pause"),
            ("/plan?zone=rau&lang=en", "plan-en"),
        ):
            page.goto(address)
            picture(page, f"{name}-{size['width']}", whole=True)
            check_sizes(page)
