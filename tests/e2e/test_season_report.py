"""The report of a season in a real Chromium: it asks for nothing, says no error, and shows what it promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Error, Request

from simulators.season.report import page
from simulators.season.season import run
from simulators.season.words import CONTROLLERS
from tests.support import seasons
from tests.support.chromium import PHONE, chromium


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("season") / "report.html"
    path.write_text(page(run(seasons.scenario(60, fresh=False))), encoding="utf-8")
    return path


def test_it_opens_alone_and_shows_every_garden(report: Path) -> None:
    with chromium() as browser:
        for width in (1200, PHONE["width"]):
            tab = browser.new_page(viewport={"width": width, "height": 800})
            said: list[str] = []
            asked: list[str] = []

            def on_console(line: ConsoleMessage, said: list[str] = said) -> None:
                said.append(line.text)

            def on_error(error: Error, said: list[str] = said) -> None:
                said.append(str(error))

            def on_request(request: Request, asked: list[str] = asked) -> None:
                asked.append(request.url)

            tab.on("console", on_console)
            tab.on("pageerror", on_error)
            tab.on("request", on_request)
            tab.goto(report.as_uri())
            assert said == [] and [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
            text = tab.inner_text("body")
            for zone in seasons.village().zones.values():
                assert zone.name in text
            for name in CONTROLLERS.values():
                assert name.vi in text and name.en in text
            # gardens, waters, comparisons (no rainy month, so one of water)
            assert tab.locator("svg").count() == 2 * 3 + 2 + 3
            sizes = tab.locator("svg").evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
            assert min(sizes) > 20
            # only the pictures and tables may be wider than the screen, and they scroll in their own box
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            drawn = tab.locator("svg path").evaluate_all("all => all.filter(one => one.getTotalLength() > 0).length")
            assert drawn > 50
            tab.close()


def test_names_from_the_village_are_shown_as_they_are(tmp_path: Path) -> None:
    base = seasons.scenario(3)
    zones = dict(base.village.zones)
    zones["vuon-xoai"] = replace(zones["vuon-xoai"], name='<b>"Xoài" & Mận</b>')
    path = tmp_path / "report.html"
    path.write_text(page(run(replace(base, village=replace(base.village, zones=zones)), ())), encoding="utf-8")
    with chromium() as browser:
        tab = browser.new_page()
        tab.goto(path.as_uri())
        assert '<b>"Xoài" & Mận</b>' in tab.inner_text("body")
