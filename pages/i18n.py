"""Vietnamese is the source language; English stands beside it in a gettext catalogue read at run time.

Rules
1. A msgid *is* the Vietnamese sentence. What has no translation is shown in Vietnamese, never as a code.
2. Numbers go into named places: ``say("còn {n} phút", n=5)``. A name from outside is put in after translation, so
   it is never looked up and never formatted again.
3. A finished Vietnamese sentence that the gateway kept (a decision) is translated by finding the template that it
   was made from (``say_again``). So a decision is stored once, as its farmer read it.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

DEFAULT = "vi"
LANGUAGES: Mapping[str, str] = {"vi": "Tiếng Việt", "en": "English"}
_PLACE = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"-?\d+(?:\.\d{3})*(?:,\d+)?(?=\s|$)")
_MAX_HEADER = 200


@dataclass(frozen=True)
class Language:
    """How to say things in one language."""

    code: str
    decimal_mark: str
    thousands_mark: str
    _catalogue: gettext.NullTranslations
    _templates: tuple[tuple[re.Pattern[str], str], ...]

    def say(self, sentence: str, **values: object) -> str:
        """The sentence with its places filled."""
        return _fill(self._catalogue.gettext(sentence), values)

    def count(self, sentence: str, n: int, **values: object) -> str:
        """The same for a sentence that counts ``{n}`` things; Vietnamese has one form, English two."""
        return _fill(self._catalogue.ngettext(sentence, sentence, n), {"n": n, **values})

    def say_again(self, sentence: str) -> str:
        """Translate a finished Vietnamese sentence, or sentences, by the template each was made from."""
        if self.code == DEFAULT:
            return sentence
        whole = self._translate_one(sentence)
        if whole is not None:
            return whole
        parts = re.split(r"(?<=[.!?])\s+", sentence)
        return " ".join(self._translate_one(part) or part for part in parts)

    def _translate_one(self, sentence: str) -> str | None:
        known = self._catalogue.gettext(sentence)
        if known != sentence:
            return known
        for pattern, template in self._templates:
            match = pattern.fullmatch(sentence)
            if match:
                return _fill(template, {name: self._translate_number(text) for name, text in match.groupdict().items()})
        return None

    def _translate_number(self, text: str) -> str:
        """``12,5 %`` of Vietnam is ``12.5 %`` in English; what does not begin with a number stays as it is."""
        found = _NUMBER.match(text)
        if not found:
            return text
        swap = {",": self.decimal_mark, ".": self.thousands_mark}
        return "".join(swap.get(letter, letter) for letter in found[0]) + text[found.end() :]


def _fill(template: str, values: Mapping[str, object]) -> str:
    """Put values into ``{places}``. Unlike str.format it cannot reach into an object, and never fails."""
    return _PLACE.sub(lambda match: str(values.get(match[1], match[0])), template)


@lru_cache(maxsize=len(LANGUAGES))
def language(code: str) -> Language:
    """The language with this code; one we do not have is Vietnamese."""
    if code not in LANGUAGES or code == DEFAULT:
        return Language(DEFAULT, ",", ".", gettext.NullTranslations(), ())
    path = resources.files("pages") / "locale" / code / "LC_MESSAGES" / "hoiquan.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    singles = {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str) and isinstance(message.string, str) and message.string and "{" in message.id
    }
    # The template with the most fixed letters is tried first, so that a loose one cannot shadow an exact one.
    ordered = sorted(singles, key=lambda sentence: -len(_PLACE.sub("", sentence)))
    templates = tuple((_pattern(sentence), singles[sentence]) for sentence in ordered)
    return Language(code, ".", ",", gettext.GNUTranslations(compiled), templates)


def _pattern(template: str) -> re.Pattern[str]:
    pieces: list[str] = []
    end = 0
    seen: set[str] = set()
    for match in _PLACE.finditer(template):
        pieces.append(re.escape(template[end : match.start()]))
        name = match[1]
        pieces.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
        seen.add(name)
        end = match.end()
    return re.compile("".join(pieces) + re.escape(template[end:]))


def choose(asked: str | None, kept: str | None, accept_language: str | None) -> str:
    """The language of an answer: asked for by ?lang=, else kept in the cookie, else what the phone prefers.

    A phone that is set to English often belongs to somebody who never changed it, so only a first choice of
    English counts; everybody else gets Vietnamese.
    """
    for code in (asked, kept):
        if code is not None and code in LANGUAGES:
            return code
    first = (accept_language or "")[:_MAX_HEADER].split(",")[0].split(";")[0].strip().lower()
    primary = first.split("-")[0]
    return primary if primary in LANGUAGES else DEFAULT
