"""The pages as text: what is on them, what never is, and how heavy they are."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from html import unescape

import pytest

from pages.i18n import language
from pages.render import (
    CONTENT_SECURITY_POLICY,
    ERRORS,
    LOGIN_MESSAGES,
    Controls,
    render_error,
    render_home,
    render_login,
    render_water,
)
from pages.view import Alert, Village
from tests.support.views import MINUTE_MS, NOW_MS, garden, reason, source, village

VI = language("vi")
EN = language("en")
CONTROLS = Controls(csrf="c" * 32, form_id="f" * 22)
LIMIT_BYTES = 14_000
NASTY = 'Vườn "<script>alert(1)</script>" \n{{7*7}} <img src=x onerror=alert(1)>'


def _home(seen: Village, *, now_ms: int = NOW_MS, said: str | None = None, english: bool = False) -> str:
    return render_home(seen, now_ms, EN if english else VI, csrf=CONTROLS.csrf, controls=CONTROLS, said=said)


def _text(html: str) -> str:
    """What one can read on a page."""
    bare = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def test_each_garden_has_a_word_a_picture_and_a_reason() -> None:
    html, text = _home(village()), _text(_home(village()))
    for word, picture in (("Đất khô", "dry"), ("Đang tưới", "watering"), ("Mất sóng", "blind"), ("Nước tốt", "wet")):
        assert word in text
        assert f'href="#i-{picture}"' in html
    assert "Chưa tưới: máy bơm đang tưới vườn rau." in text
    assert "Còn 8 phút, rồi tự tắt." in text
    assert "Máy đo im tiếng, nên chưa biết đất khô hay ướt." in text
    assert "Mực nước 85 cm – nước kinh Ông Kho mặn 0,40 g/l" in text


def test_it_is_one_answer_of_at_most_14_kb() -> None:
    six = [garden(f"vuon-{n}", f"Vườn số {n}") for n in range(6)]
    for seen in (village(), village(*six)):
        html = _home(seen)
        assert len(gzip.compress(html.encode(), 6)) <= LIMIT_BYTES
        assert html.count('class="plot"') >= 2
        assert not re.search(r'(src|href)="(?!#|/\?lang|/water|/plan|/report"|data:,")', html)


def test_stop_is_there_while_it_runs_and_only_then() -> None:
    running = _home(village())
    assert 'class="stopbar"' in running and 'id="s-rau"' in running and 'id="w-rau"' not in running
    assert 'class="stopbar"' not in _home(village(garden()))
    assert 'class="stopbar"' not in _home(village(), now_ms=NOW_MS + 9 * MINUTE_MS)


def test_without_controls_nothing_can_be_pressed_and_it_says_where() -> None:
    html = render_home(village(), NOW_MS, VI, csrf="c")
    assert 'action="/stop"' not in html and "/water" not in html
    assert "vào Wi-Fi của làng, mở trang của làng." in _text(html)


def test_an_old_number_is_never_shown_as_now() -> None:
    later = NOW_MS + 40 * MINUTE_MS
    text = _text(_home(village(garden(moisture_pct=26.4)), now_ms=later))
    assert "Mất sóng" in text and "Đất đủ ẩm" not in text
    assert "Lần đo cuối lúc 9:05: độ ẩm đất 26,4 %." in text
    assert "Độ ẩm đất: 26,4 %" not in text
    assert "Mất sóng với làng từ 9:10. Số liệu cũ." in text
    assert "85 cm" not in text


def test_a_simulated_village_says_so() -> None:
    text = _text(_home(village(simulated=True, speed=60.0)))
    assert "Làng mô phỏng – thời gian chạy nhanh 60 lần" in text
    assert "mô phỏng" not in _text(_home(village()))
    assert "Simulated village – time runs 60 times as fast" in _text(
        _home(village(simulated=True, speed=60.0), english=True)
    )


def test_english_stands_beside_it() -> None:
    text = _text(_home(village(), english=True))
    assert "Soil dry" in text and "WATER" in text and "STOP" in text and "5 minutes ago" in text
    assert "Not yet: the pump is busy." in text
    assert "Level 85 cm – nước kinh Ông Kho: salt 0.40 g/l" in text
    assert "Tiếng Việt" in text


def test_names_are_text_whatever_they_contain() -> None:
    nasty = garden(id='"><script>', name=NASTY, why=(reason(NASTY, NASTY),))
    seen = village(nasty, name=NASTY, sources=(source(name=NASTY),), alerts=(Alert("a", "warning", NASTY),))
    pages = [
        _home(seen),
        _home(seen, english=True),
        _home(seen, said=NASTY),
        render_water(seen, nasty, NOW_MS, VI, CONTROLS),
        render_login(NASTY, VI),
    ]
    for html in pages:
        assert html.count("<script>") <= 1  # our own
        assert "<img" not in html and "49" not in _text(html)
        assert 'Vườn "<script>alert(1)</script>"' in unescape(html)


def test_a_message_is_chosen_by_code_only() -> None:
    seen = village()
    assert "Lệnh này đã gửi rồi." in _text(_home(seen, said="again"))
    for unknown in ("<b>", "sent", ""):
        assert 'role="status"' not in _home(seen, said=unknown)


def test_the_second_step_tells_what_follows() -> None:
    html = render_water(village(), garden(), NOW_MS, VI, CONTROLS)
    text = _text(html)
    assert "Tưới Vườn xoài Cát Chu bao lâu?" in text
    for minutes, amount, ends in ((5, "150", "9:15"), (10, "300", "9:20"), (20, "600", "9:30"), (30, "900", "9:40")):
        assert f'value="{minutes}"' in html
        assert f"tưới khoảng {amount} lít, tự tắt lúc {ends}." in text
    assert html.count("checked") == 1 + html.count(":checked")


def test_no_more_minutes_are_offered_than_the_garden_may_run() -> None:
    html = render_water(village(), garden(max_minutes=12), NOW_MS, VI, CONTROLS)
    assert re.findall(r'name="minutes" id="m\d" value="(\d+)"', html) == ["5", "10"]
    html = render_water(village(), garden(max_minutes=3), NOW_MS, VI, CONTROLS)
    assert re.findall(r'name="minutes" id="m\d" value="(\d+)"', html) == ["3"]


@pytest.mark.parametrize(
    ("state", "told"), [("salt", "Nước đang mặn."), ("low", "Nước đang cạn."), ("blind", "Chưa biết nước mặn")]
)
def test_a_likely_refusal_is_told_before(state: str, told: str) -> None:
    seen = village(sources=(source(state=state),) if state != "blind" else (source(measured_ms=None),))
    assert told in _text(render_water(seen, garden(), NOW_MS, VI, CONTROLS))


def test_the_policy_allows_exactly_our_style_and_script() -> None:
    html = _home(village())
    for tag in ("style", "script"):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
    assert "unsafe" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_says_what_to_do(code: str) -> None:
    assert "TRỞ VỀ" in _text(render_error(code, VI)) and "BACK" in _text(render_error(code, EN))
    title, what_to_do = ERRORS[code]
    assert all(len(sentence.split()) <= 12 for sentence in (title, *what_to_do.split(".")))


@pytest.mark.parametrize("message", [None, *LOGIN_MESSAGES])
def test_login(message: str | None) -> None:
    text = _text(render_login("Hội quán", VI, message=message, wait_minutes=15))
    assert "VÀO" in text and "{" not in text
    assert "Mã làng" in _text(render_login("Hội quán", VI, with_village=True))
