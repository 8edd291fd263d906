"""What people are told of the nodes' programs: an alert for the farmer, lines for the technician, Vietnamese first."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core import rollout as core
from gateway.core.rollout import Limits, Said
from gateway.home import Home
from gateway.provision import provision
from gateway.store.update import NodeReport, UpdateReader, UpdateWriter
from gateway.update_state import BY_HAND, packed, parsed
from gateway.updates_told import WHY, alerts, lines
from gateway.view import Viewer
from kit.clock import ManualClock
from pages.i18n import language
from tests.support import village
from wire import updates

NOW_MS = 1_709_259_000_000
VILLAGE = village.village()


def report(status: int, state: int = updates.STATE_GOOD, text: str = "") -> NodeReport:
    return NodeReport(
        "van-1", NOW_MS - 7_200_000, status, "ab" * 16, "0.1.0", "1.26.1", 1, state, 0, 0, "s3", text
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.registry.write_text(village.TEXT, encoding="utf-8")
    provision(home)
    return home


def write(home: Home, rollout: core.Rollout | None, *reports: NodeReport) -> None:
    with UpdateWriter(home.update) as writer, writer.transaction():
        for one in reports:
            writer.add_report(one, updates.is_failure(one.status) or one.status == updates.CRASHED)
        if rollout is not None:
            writer.set_rollout(NOW_MS, packed(rollout), 1)


def stopped() -> core.Rollout:
    going = core.begin("ab" * 16, "0.2.0", list(VILLAGE.nodes), NOW_MS)
    return core.step(going, NOW_MS, [Said("van-1", updates.ROLLED_BACK, "a fault")], {}, Limits())[0]


def test_an_update_that_came_back_is_told_to_the_farmer_and_to_the_technician(home: Home) -> None:
    write(home, stopped(), report(updates.ROLLED_BACK, updates.STATE_LAST, "a fault"))
    with UpdateReader(home.update) as reader:
        (alert,) = alerts(VILLAGE, reader)
        shown, problems = lines(VILLAGE, reader, NOW_MS)
    assert alert.text == "Trạm bơm cập nhật không xong, máy đã chạy lại bản cũ. Nhắn kỹ thuật hội quán."
    assert "its update failed" in language("en").say(
        "{name} cập nhật không xong, máy đã chạy lại bản cũ. Nhắn kỹ thuật hội quán.", name="x"
    )
    assert problems == ["bản 0.2.0 đã ngưng phát hành / release 0.2.0 was stopped: van-1: rolled_back: a fault"]
    assert "ĐÃ NGƯNG / STOPPED" in shown[0] and "1 failed" in shown[0]
    assert "hỏng gần nhất: đã chạy lại bản trước / last" in shown[1]
    assert "bản trước/previous" in shown[1] and "last failure 2 h: rolled_back (a fault)" in shown[1]
    viewer = Viewer(home, VILLAGE, ManualClock(NOW_MS))
    assert alert in viewer.build(NOW_MS).alerts
    viewer.close()


def test_a_node_in_rescue_is_an_alert_until_it_reports_something_else(home: Home) -> None:
    write(home, None, report(updates.RESCUE, updates.STATE_RESCUE, "MemoryError()"))
    with UpdateReader(home.update) as reader:
        (alert,) = alerts(VILLAGE, reader)
        _, problems = lines(VILLAGE, reader, NOW_MS)
    assert alert.text.startswith("Trạm bơm bị hư chương trình")
    assert problems == ["van-1 (Trạm bơm) chỉ còn chế độ cứu hộ / is in rescue: MemoryError()"]
    write(home, None, report(updates.RUNS))
    with UpdateReader(home.update) as reader:
        assert not list(alerts(VILLAGE, reader))


def test_nothing_is_told_where_all_is_well_or_a_person_stopped_it(home: Home) -> None:
    with UpdateReader(home.update) as reader:
        assert lines(VILLAGE, reader, NOW_MS) == (["bản cập nhật / updates: chưa có / none was given out"], [])
    going = core.begin("ab" * 16, "0.2.0", ["van-1"], NOW_MS)
    by_hand = core.Rollout("ab" * 16, "0.2.0", NOW_MS, core.Standing.STOPPED, BY_HAND, going.nodes)
    write(home, by_hand, report(updates.RUNS))
    with UpdateReader(home.update) as reader:
        assert not list(alerts(VILLAGE, reader)) and lines(VILLAGE, reader, NOW_MS)[1] == []
        kept = reader.rollout()
    assert parsed(kept) == (by_hand, 1)


def test_a_rollout_of_another_shape_is_forgotten_and_its_order_is_not(home: Home) -> None:
    assert parsed(('{"release": 1}', 7)) == (None, 7) and parsed(("no", 3)) == (None, 3) and parsed(None) == (None, 0)
    home.update.unlink()
    viewer = Viewer(home, VILLAGE, ManualClock(NOW_MS))
    assert viewer.build(NOW_MS) is not None, "a page never fails by it"
    viewer.close()


def test_every_reason_of_a_node_has_vietnamese_words() -> None:
    told = {status for status in updates.STATUSES if updates.is_refusal(status) or updates.is_failure(status)}
    assert told | {updates.CRASHED} == set(WHY)
