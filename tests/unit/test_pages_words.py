"""Numbers and times in a farmer's words, in both languages, and that nothing is left without its English."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from gateway.core import reasons
from pages import words
from pages.i18n import choose, language
from pages.render import ERRORS, LOGIN_MESSAGES
from pages.sentences import FIELD_WORDS, GARDEN_WORDS, SOURCE_WORDS

VI = language("vi")
EN = language("en")
PAGES = Path(words.__file__).parent
CATALOGUE = PAGES / "locale" / "en" / "LC_MESSAGES" / "hoiquan.po"


def _plain(text: str) -> str:
    return text.replace(words.NBSP, " ")


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [
        (None, "chưa có số liệu", "no data yet"),
        (0, "vừa xong", "just now"),
        (59, "vừa xong", "just now"),
        (60, "1 phút trước", "1 minute ago"),
        (359, "5 phút trước", "5 minutes ago"),
        (3599, "59 phút trước", "59 minutes ago"),
        (3600, "1 giờ trước", "1 hour ago"),
        (2 * 86_400 - 1, "47 giờ trước", "47 hours ago"),
        (2 * 86_400, "2 ngày trước", "2 days ago"),
    ],
)
def test_age(seconds: int | None, vi: str, en: str) -> None:
    assert words.age(seconds, VI) == vi
    assert words.age(seconds, EN) == en


def test_numbers_have_the_marks_of_their_language() -> None:
    assert words.number(1250.5, 1, VI) == "1.250,5"
    assert words.number(1250.5, 1, EN) == "1,250.5"
    assert words.number(-0.04, 1, VI) == "0,0"
    assert _plain(words.percent(26.4, VI)) == "26,4 %"
    assert _plain(words.percent(30.0, VI)) == "30 %"
    assert _plain(words.level(-120, VI)) == "-12 cm"


def test_litres_are_no_more_exact_than_a_pump() -> None:
    assert words.litres(47.3, VI) == "47 lít"
    assert words.litres(304, VI) == "300 lít"
    assert words.litres(1233, VI) == "1.230 lít"
    assert _plain(words.litres(18_000, VI)) == "18,0 m³"


def test_times_are_civil_times_of_vietnam() -> None:
    new_year_utc_ms = 1_704_067_200_000
    assert words.clock(new_year_utc_ms) == "7:00"
    assert words.day(new_year_utc_ms - 1) == "01/01"
    assert words.clock_and_day(new_year_utc_ms, new_year_utc_ms) == "7:00"
    assert words.clock_and_day(new_year_utc_ms, new_year_utc_ms + 86_400_000) == "7:00 01/01"


def test_what_is_still_on_is_rounded_up() -> None:
    assert words.minutes(1, VI) == "1 phút"
    assert words.minutes(61_000, VI) == "2 phút"


def test_salt_in_words_is_the_same_as_in_decisions() -> None:
    assert _plain(words.salt(1500, VI)) == "0,96 g/l" == reasons._show("x_us_cm", 1500, "vi", 0)[1]
    assert _plain(words.salt(0, VI)) == "0,00 g/l"
    assert _plain(words.salt(1501, VI, 3)) == "0,961 g/l"


def test_language_is_asked_for_kept_or_of_the_phone() -> None:
    assert choose("en", "vi", "vi") == "en"
    assert choose(None, "en", "vi") == "en"
    assert choose(None, None, "en-GB,en;q=0.9,vi;q=0.8") == "en"
    assert choose(None, None, "vi-VN,en") == "vi"
    assert choose("xx", "<script>", "de,en;q=0.5") == "vi"
    assert choose(None, None, None) == "vi"


def test_places_are_filled_without_reaching_into_anything() -> None:
    assert VI.say("Tưới {name} bao lâu?", name="{0.__class__} {name}") == "Tưới {0.__class__} {name} bao lâu?"
    assert VI.say("{a} {b}", a=1) == "1 {b}"


def test_a_kept_sentence_is_translated_by_its_template() -> None:
    kept = VI.say("Độ ẩm đất: {amount}.", amount="12,5 %")
    assert EN.say_again(kept) == "Soil moisture: 12.5 %."
    kept = VI.say("Làng mô phỏng")
    assert EN.say_again(kept) == "Simulated village"
    assert EN.say_again("Câu này không ai dịch.") == "Câu này không ai dịch."
    assert VI.say_again(kept) == kept
    both = "Nước đang mặn. Máy có thể không tưới. Máy đang theo dõi đất."
    assert EN.say_again(both).endswith("The system is watching the soil.")


def _said_in_code() -> set[str]:
    found: set[str] = set()
    for path in PAGES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="say" | "count"), args=[ast.Constant(value=str(sentence)), *_]):
                    found.add(sentence)
    return found


def _said_in_templates() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in (PAGES / "templates").glob("*.html"))
    return {sentence for text in texts for sentence in re.findall(r'\b(?:say|count)\("([^"]+)"', text)}


def test_every_sentence_of_the_pages_has_its_english() -> None:
    tables = {*GARDEN_WORDS.values(), *FIELD_WORDS.values(), *SOURCE_WORDS.values(), *LOGIN_MESSAGES.values()}
    said = _said_in_code() | _said_in_templates() | tables | {text for pair in ERRORS.values() for text in pair}
    assert len(said) > 60
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="en")
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in catalogue if message.string}
    assert said - known == set()


def test_english_keeps_the_places_of_the_vietnamese() -> None:
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="en")
    for message in catalogue:
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
        places = set(re.findall(r"{\w+}", ids[0]))
        assert all(set(re.findall(r"{\w+}", text)) | {"{n}"} == places | {"{n}"} for text in strings), ids[0]
