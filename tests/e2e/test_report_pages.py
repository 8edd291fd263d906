"""What a farmer is sent, the report of a week and the answer of what-if, on a phone in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import report, whatif, whatif_page
from gateway.tell import ALWAYS_MS
from tests.support import recorded
from tests.support.chromium import PHONE, chromium

DAYS = 2
LEAST_PX = 11.0  # of a letter: its whole line is some 1.2 of it


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        home, _ = recorded.written(folder, DAYS, patch)
    week = folder / "week.html"
    week.write_text(report.page(report.make(home, "2024-W06")), encoding="utf-8")
    answer = folder / "answer.html"
    changes = [whatif.change("zone.vuon-xoai.dry_vwc=0.28")]
    answer.write_text(whatif_page.page(whatif.ask(home, 0, ALWAYS_MS, changes)), encoding="utf-8")
    return [week, answer]


def test_they_fit_a_phone_and_their_letters_can_be_read(pages: list[Path]) -> None:
    with chromium() as browser:
        for width in (1200, PHONE["width"]):
            tab = browser.new_page(viewport={"width": width, "height": 800})
            for path in pages:
                tab.goto(path.as_uri())
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, path.name
                lines = tab.locator("svg text")
                heights = lines.evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
                assert len(heights) > 9 and min(heights) >= LEAST_PX, path.name
            tab.close()
