"""The routes of plans: nothing is changed by a first tap, a wrong form or twice; what is kept says who and for whom."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import registry
from gateway.home import Home
from gateway.store.village import User
from gateway.web.house import ORDER_MS, House
from kit.clock import ManualClock
from tests.security.test_web_routes import FORM_ID, HASH, NAME, NOW_MS, URL, Phone
from tests.support.seeded import seed

PLAN = '\n[zone.plan]\nkind = "orchard"\nphase = "fruit"\nsince = 2024-02-20\nguard_vwc = 0.1\n' + "".join(
    f'[[zone.plan.phases]]\nid = "{id}"\nwater_pct = 0\n' for id in ("flower", "harvest")
)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeded village whose first garden has a plan."""
    home = seed(tmp_path_factory.mktemp("seeded"), NOW_MS)
    text = home.registry.read_text(encoding="utf-8")
    head, zone, rest = text.partition("[[zone]]")
    first, more, others = rest.partition("[[zone]]")
    home.registry.write_text(f"{head}{zone}{first}{PLAN}{more}{others}", encoding="utf-8")
    return home.root


@pytest.fixture
def phone(seeded: Path, tmp_path: Path) -> Iterator[Phone]:
    shutil.copytree(seeded, tmp_path, dirs_exist_ok=True)
    home = Home(tmp_path)
    with House(home, registry.load(home.registry), ManualClock(NOW_MS)) as house:
        house._writer.set_user(User(NAME, HASH, "farmer"))
        yield Phone(house, tmp_path / "village.db")


def test_looking_and_asking_change_nothing(phone: Phone) -> None:
    assert "Giai đoạn: nuôi trái, ngày thứ 11" in phone.client.get("/").text
    first = phone.client.get("/plan?zone=xoai")
    assert first.status_code == 200 and "phase=harvest" in first.text
    second = phone.client.get("/plan?zone=xoai&phase=harvest")
    assert second.status_code == 200 and 'action="/phase"' in second.text
    assert phone.client.get("/plan?zone=xoai&pause=3").status_code == 200
    assert phone.client.get("/plan?zone=rau").status_code == 200  # watered by its soil, can be paused
    assert phone.orders() == []


def test_a_phase_is_kept_with_who_pressed_and_for_whom(phone: Phone) -> None:
    answer = phone.order("/phase", zone="xoai", phase="harvest", told_by="  chị   Hai ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/plan?zone=xoai&said=sent")
    (intent,) = phone.orders()
    assert intent[1:] == (NOW_MS, NOW_MS + ORDER_MS, "phase", "xoai", 0, NAME, "harvest", "chị Hai")
    again = phone.order("/phase", zone="xoai", phase="harvest", told_by="")
    assert again.headers["location"] == "/plan?zone=xoai&said=again" and len(phone.orders()) == 1
    assert 'http-equiv="refresh"' in phone.client.get("/plan?zone=xoai&said=sent").text


def test_a_pause_and_its_end(phone: Phone) -> None:
    phone.order("/pause", zone="xoai", days=3)
    phone.order("/pause", zone="xoai", days=0, form="g" * 22)
    assert [(i.kind, i.minutes) for i in phone.orders()] == [("pause", 3 * 24 * 60), ("resume", 0)]


@pytest.mark.parametrize(
    ("route", "fields", "status"),
    [
        ("/phase", {"zone": "mars", "phase": "harvest"}, 404),
        ("/phase", {"zone": "xoai", "phase": "bloom"}, 404),
        ("/phase", {"zone": "xoai"}, 404),
        ("/phase", {"zone": "rau", "phase": "harvest"}, 404),
        ("/phase", {"zone": "xoai", "phase": "harvest", "told_by": "x" * 41}, 400),
        ("/phase", {"zone": "xoai", "phase": "harvest", "told_by": "a\x07b"}, 400),
        ("/phase", {"zone": "xoai", "phase": "harvest", "form": "short"}, 400),
        ("/phase", {"zone": "xoai", "phase": "harvest", "csrf": "0" * 32}, 403),
        ("/pause", {"zone": "xoai", "days": "31"}, 400),
        ("/pause", {"zone": "xoai", "days": "-1"}, 400),
        ("/pause", {"zone": "xoai", "days": "9999"}, 400),
        ("/pause", {"zone": "xoai"}, 400),
        ("/pause", {"zone": "mars", "days": "1"}, 404),
    ],
)
def test_a_wrong_order_is_refused_and_not_done(phone: Phone, route: str, fields: dict[str, Any], status: int) -> None:
    assert phone.order(route, **fields).status_code == status
    assert phone.orders() == []


@pytest.mark.parametrize("query", ["zone=mars", "zone=", "zone=xoai&phase=rest", "zone=xoai&phase=%3Cb%3E"])
def test_what_there_is_not_is_not_shown(phone: Phone, query: str) -> None:
    answer = phone.client.get(f"/plan?{query}")
    assert answer.status_code == 404 and "<b>" not in answer.text


def test_a_stranger_sees_the_login_and_changes_nothing(phone: Phone) -> None:
    phone.client.cookies.clear()
    assert phone.client.get("/plan?zone=xoai").headers["location"] == "/login"
    orders: list[tuple[str, dict[str, Any]]] = [("/phase", {"phase": "harvest"}), ("/pause", {"days": "1"})]
    for route, fields in orders:
        assert phone.order(route, zone="xoai", **fields).status_code == 401
    assert phone.orders() == []


@pytest.mark.parametrize("route", ["/phase", "/pause"])
def test_a_foreign_page_cannot_change_a_plan(phone: Phone, route: str) -> None:
    answer = phone.order(route, headers={"origin": "http://evil.test"}, zone="xoai", phase="harvest", days="1")
    assert answer.status_code == 403 and phone.orders() == [] and FORM_ID and URL
