"""The pages of a garden's plan: the phase in farmer's words, the two taps that change it, and pauses."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from html import unescape

from gateway.core.reasons_plans import PHASES_EN, PHASES_VI
from gateway.plan_view import SENTENCES
from pages.i18n import Language, language
from pages.plan import pause_change, phase_change, plan_line
from pages.render import Controls, render_change, render_home, render_plan
from pages.view import Plan, Stage, Village
from tests.support.views import DAY_MS, NOW_MS, garden, village

VI = language("vi")
EN = language("en")
CONTROLS = Controls(csrf="c" * 32, form_id="f" * 22)
LIMIT_BYTES = 14_000


def _home(seen: Village) -> str:
    return render_home(seen, NOW_MS, VI, csrf=CONTROLS.csrf, controls=CONTROLS)


def _text(html: str) -> str:
    """What one can read on a page."""
    bare = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def _stage(id: str, name: str, effect: str, warning: str = "") -> Stage:
    return Stage(id, name, effect, warning)


PLAN = Plan(
    now=_stage("fruit", "nuôi trái", "Đất khô là máy tưới đủ."),
    next=_stage("harvest", "hái trái", "Máy chỉ cho 75 % nước cây cần."),
    before=_stage("flower", "trổ bông", "Máy chỉ cho 25 % nước cây cần."),
    since_ms=NOW_MS - 22 * DAY_MS,
    usual_days=90,
    told_by="chị Hai",
    about="",
    paused_until_ms=None,
    paused_by="",
)
INDUCE = _stage(
    "induce",
    "xử lý ra hoa",
    "7 ngày đầu giữ đất ướt, sau đó khóa nước.",
    "Đang mùa mặn. Xử lý ra hoa lúc này dễ hư bông.",
)


def _plan_page(plan: Plan = PLAN, language: Language = VI) -> str:
    return render_plan(garden(plan=plan), NOW_MS, language, CONTROLS)


def test_a_phase_is_told_in_farmers_words_with_its_day_and_what_comes_next() -> None:
    html = _plan_page()
    text = _text(html)
    assert "Đang nuôi trái, ngày thứ 23" in text and "Đất khô là máy tưới đủ." in text
    assert "Từ ngày 08/02, chị Hai báo." in text and "Thường 90 ngày, rồi tới: hái trái." in text
    assert 'href="/plan?zone=xoai&amp;phase=harvest"' in html and 'href="/plan?zone=xoai&amp;phase=flower"' in html
    assert "<form" not in html  # the first tap changes nothing
    assert "Giai đoạn: nuôi trái, ngày thứ 23" in _text(_home(village(garden(plan=PLAN))))
    english = _text(_plan_page(language=EN))
    assert "Now: fruiting, day 23" in english and "Since 08/02, said by chị Hai." in english and "harvest" in english


def test_the_second_tap_tells_what_follows_and_asks_who_says_so() -> None:
    change = phase_change(garden(plan=PLAN), "harvest", VI)
    assert change is not None
    html = render_change(garden(plan=PLAN), change, VI, CONTROLS)
    text = _text(html)
    assert "Chuyển Vườn xoài Cát Chu qua hái trái?" in text and "Máy chỉ cho 75 % nước cây cần." in text
    assert 'action="/phase"' in html and 'name="phase" value="harvest"' in html and 'name="told_by"' in html
    assert CONTROLS.csrf in html and CONTROLS.form_id in html and "KHÔNG ĐỔI" in text
    assert phase_change(garden(plan=PLAN), "rest", VI) is None and phase_change(garden(), "rest", VI) is None


def test_flowers_in_the_season_of_salt_are_warned_of_before() -> None:
    found = garden(plan=replace(PLAN, next=INDUCE))
    change = phase_change(found, "induce", VI)
    assert change is not None and "Đang mùa mặn." in _text(render_change(found, change, VI, CONTROLS))
    english = phase_change(found, "induce", EN)
    assert english is not None and english.warning.startswith("It is the season of salt.")
    assert english.effect == "The soil is kept wet for the first 7 days, then water is locked."


def test_a_phase_that_is_due_and_a_pause_are_on_the_first_page() -> None:
    due = replace(PLAN, since_ms=NOW_MS - 95 * DAY_MS)
    assert "ngày thứ 96 – tới lúc coi lại" in _text(_home(village(garden(plan=due))))
    paused = replace(PLAN, paused_until_ms=NOW_MS + DAY_MS, paused_by="bà Tư")
    assert "Đang nghỉ tưới tới 9:10" in _text(_home(village(garden(plan=paused))))
    text = _text(_plan_page(paused))
    assert "bà Tư đã cho nghỉ tưới tới 9:10" in text and "Tưới lại" in text and "14 ngày" not in text


def test_a_pause_is_two_taps_and_always_has_an_end() -> None:
    assert pause_change(garden(plan=PLAN), 5, NOW_MS, VI) is None
    for days, action in ((3, "CHO NGHỈ"), (0, "TƯỚI LẠI")):
        change = pause_change(garden(plan=PLAN), days, NOW_MS, VI)
        assert change is not None and change.button == action and change.value == str(days)
        assert ("04/03" in change.effect) is (days == 3)


def test_a_garden_without_a_soil_probe_is_not_called_silent() -> None:
    by_hand = replace(PLAN, now=None, next=None, before=None, about="Vườn này có người bấm mới tưới.")
    found = garden(state="none", moisture_pct=None, measured_ms=None, history=(), plan=by_hand)
    text = _text(_home(village(found)))
    assert "Không đo đất" in text and "Vườn này có người bấm mới tưới." in text
    assert "là khô" not in text


def test_the_pages_of_a_plan_are_small() -> None:
    change = phase_change(garden(plan=PLAN), "harvest", VI)
    assert change is not None
    for html in (_plan_page(), render_change(garden(plan=PLAN), change, VI, CONTROLS)):
        assert len(gzip.compress(html.encode(), 6)) <= LIMIT_BYTES
    six = [garden(f"vuon-{n}", f"Vườn số {n}", plan=PLAN) for n in range(6)]
    assert len(gzip.compress(_home(village(*six)).encode(), 6)) <= LIMIT_BYTES


def test_a_name_that_was_typed_is_text_on_the_plan_too() -> None:
    html = _plan_page(replace(PLAN, told_by="<script>alert(1)</script>"))
    assert "<script>alert" not in html and "&lt;script&gt;" in html


def test_what_the_gateway_says_of_plans_has_its_english() -> None:
    for sentence in SENTENCES.values():
        shown = sentence.format(n=7, low="-15", high="5")
        assert EN.say_again(shown) != shown and VI.say_again(shown) == shown
    for id, name in PHASES_VI.items():
        assert EN.say_again(name) == PHASES_EN[id]


def test_a_garden_that_is_watered_by_its_soil_has_no_line_and_can_be_paused() -> None:
    plain = replace(PLAN, now=None, next=None, before=None, since_ms=None, usual_days=0, told_by="")
    for language_of_page in (VI, EN):
        assert plan_line(garden(plan=plain), NOW_MS, language_of_page) == ""
    assert "Watered by the soil." in _text(_plan_page(plain, EN)) and "14 days" in _text(_plan_page(plain, EN))


def test_a_calendar_tells_its_next_time_its_season_and_the_year() -> None:
    next_ms = NOW_MS + 3 * DAY_MS
    season_ms = (NOW_MS - 90 * DAY_MS, NOW_MS + 60 * DAY_MS)
    plan = replace(
        PLAN, now=None, next=None, before=None, since_ms=None, told_by="", about=SENTENCES["calendar"],
        next_ms=next_ms, season_ms=season_ms,
    )  # fmt: skip
    assert plan_line(garden(plan=plan), NOW_MS, VI) == "Tưới theo lịch, lần tới 9:10 04/03"
    text = _text(_plan_page(plan))
    assert "Lần tưới tới: 9:10 thứ hai 04/03." in text and "Vụ này từ 02/12/2023 tới 30/04/2024." in text
    english = _text(_plan_page(plan, EN))
    assert "Next watering: 9:10, Monday 04/03." in english and "The season is from 02/12/2023 to" in english
    assert "Lần tưới tới: 9:10 thứ hai 06/01/2025." in _text(_plan_page(replace(plan, next_ms=NOW_MS + 311 * DAY_MS)))
    over = replace(plan, next_ms=None, season_ms=(season_ms[0], NOW_MS - 1))
    assert "Lịch của vụ này đã hết." in _text(_plan_page(over))
    assert "The calendar of this season is over." in _text(_plan_page(over, EN))


def test_a_phase_that_began_in_another_year_says_which() -> None:
    assert "Từ ngày 25/11/2023, chị Hai báo." in _text(_plan_page(replace(PLAN, since_ms=NOW_MS - 97 * DAY_MS)))


def test_a_rice_field_is_told_by_its_water() -> None:
    about = "Nước xuống -15 cm thì cho vô, tới 5 cm thì ngưng."
    field = replace(PLAN, now=_stage("tiller", "đẻ nhánh", about), about=about, is_field=True, level_mm=-152)
    found = garden(state="dry", moisture_pct=None, history=(), plan=field)
    text = _text(_home(village(found)))
    assert "Ruộng cạn" in text and "Nước ruộng: -15 cm." in text and about in text
    assert "là khô" not in text and "Đất khô" not in text
    english = _text(render_home(village(found), NOW_MS, EN, csrf=CONTROLS.csrf, controls=CONTROLS))
    assert "Field dry" in english and "Water of the field: -15 cm." in english
