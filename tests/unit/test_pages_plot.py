"""The plot: small, honest about holes, and told in words."""

from __future__ import annotations

import gzip
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from pages.i18n import language
from pages.plot import _LEFT, _LETTER, HEIGHT, WIDTH, moisture_plot
from pages.view import Band
from tests.support.views import DAY_MS, MINUTE_MS, NOW_MS, garden, watering

VI = language("vi")


def _plot(**changes: Any) -> str:
    return str(moisture_plot(garden(**changes), NOW_MS, VI))


def _line(svg: str) -> str:
    found = re.search(r'<path d="([^"]*)" class="line"/>', svg)
    assert found
    return found[1]


def _points(path: str) -> list[tuple[int, int]]:
    """The absolute points of our own small kind of path."""
    points: list[tuple[int, int]] = []
    x = y = 0
    for letter, numbers in re.findall(r"([Mhl])([-\d ]+)", path):
        values = [int(n) for n in re.findall(r"-?\d+", numbers)]
        if letter == "M":
            x, y = values
        elif letter == "h":
            x += values[0]
        else:
            x, y = x + values[0], y + values[1]
        points.append((x, y))
    return points


def test_it_is_well_formed_and_says_what_it_shows() -> None:
    root = ElementTree.fromstring(_plot())
    title, description = root.find("title"), root.find("desc")
    assert title is not None and title.text == "Độ ẩm đất 3 ngày qua: Vườn xoài Cát Chu"
    assert description is not None and description.text is not None
    assert re.fullmatch(r"Từ [\d,]+\s% đến [\d,]+\s%, tưới 2 lần\.", description.text)
    assert root.get("role") == "img"


def test_every_point_is_inside_the_box_and_in_order() -> None:
    points = _points(_line(_plot()))
    assert 60 <= len(points) <= 121
    assert all(0 <= x <= WIDTH + 1 and 0 <= y <= HEIGHT for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_the_line_stands_where_the_moisture_is() -> None:
    history = ((NOW_MS - 2 * DAY_MS, 20.0), (NOW_MS - 2 * DAY_MS + 60 * MINUTE_MS, 30.0))
    (low, _, high) = _points(_line(_plot(history=history)))
    assert low[0] == round(_LEFT + (WIDTH - _LEFT) / 3)
    assert high[1] < low[1]


@pytest.mark.parametrize(("dry", "target"), [(22.0, 30.0), (30.0, 32.5), (29.9, 30.0), (20.0, 20.3)])
@pytest.mark.parametrize("around", [15.0, 45.0])
def test_dry_and_target_are_named_at_their_height(dry: float, target: float, around: float) -> None:
    svg = _plot(band=Band(dry, target), history=((NOW_MS - DAY_MS, around),))
    marks = re.findall(r'<text x="(\d+)" y="(\d+)" text-anchor="end">([\d,]+)\s%</text>', svg)
    (_, target_y, told_target), (_, dry_y, told_dry) = marks
    assert (told_target, told_dry) == (f"{target:g}".replace(".", ","), f"{dry:g}".replace(".", ","))
    assert int(dry_y) - int(target_y) >= _LETTER  # they do not lie upon each other
    assert int(target_y) >= 16 and int(dry_y) <= HEIGHT - 20  # nor beyond the box, nor upon the dates
    assert all(x >= _LEFT for x, _ in _points(_line(svg)))


def test_a_hole_in_the_data_is_a_hole_in_the_line() -> None:
    hour = 60 * MINUTE_MS
    history = tuple((NOW_MS - n * hour, 25.0 + n % 3) for n in (20, 19, 18, 8, 7, 6))
    assert _line(_plot(history=history)).count("M") == 2


def test_waterings_are_bars_also_the_one_that_is_on() -> None:
    past, now_on = watering(NOW_MS - DAY_MS, 1), watering(NOW_MS - MINUTE_MS, None)
    long_ago = watering(NOW_MS - 9 * DAY_MS, 1)
    svg = _plot(waterings=(past, now_on, long_ago))
    assert svg.count('class="bar"') == 2
    assert all(int(width) >= 3 for width in re.findall(r'width="(\d+)" height="\d+" class="bar"', svg))


def test_without_a_reading_in_these_days_there_is_no_picture() -> None:
    assert _plot(history=()) == ""
    assert _plot(history=((NOW_MS - 4 * DAY_MS, 25.0),)) == ""


def test_a_name_cannot_become_markup() -> None:
    svg = _plot(name='<script>alert(1)</script>"&')
    assert "<script>" not in svg
    title = ElementTree.fromstring(svg).find("title")
    assert title is not None and title.text is not None and "<script>alert(1)</script>" in title.text


def test_it_is_small() -> None:
    assert len(gzip.compress(_plot().encode())) < 1000
