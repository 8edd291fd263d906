"""How a command reads its arguments: a mistake is one line, Vietnamese first, that says what is allowed.

Rules
1. The line is ``PROGRAM: Vietnamese / English (xem / see PROGRAM --help)`` and the exit code 2; no page of usage.
2. No option is guessed from its beginning.
3. What argparse itself says is known to ``VIETNAMESE``. What a command says of its own values, by ArgumentTypeError or
   ``Parser.error``, is already Vietnamese first.
4. A value is shown on one line and not longer than MAX_SHOWN: what is pasted by mistake does not fill the screen.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Any, NoReturn

WRONG_USAGE = 2
MAX_SHOWN = 60  # letters of one word
UNKNOWN = "không dùng được"

# What argparse says, as a pattern, and the Vietnamese with its groups.
VIETNAMESE: Mapping[str, str] = {
    r"expected one argument": "phải ghi thêm một giá trị ở sau",
    r"expected at least one argument": "phải ghi thêm ít nhất một giá trị ở sau",
    r"expected at most one argument": "chỉ được ghi nhiều nhất một giá trị ở sau",
    r"expected (?P<n>\d+) arguments?": "phải ghi thêm {n} giá trị ở sau",
    r"unrecognized arguments: (?P<words>.+)": "không hiểu {words}",
    r"the following arguments are required: (?P<names>.+)": "còn thiếu {names}",
    r"one of the arguments (?P<names>.+) is required": "phải ghi một trong: {names}",
    r"not allowed with argument (?P<other>.+)": "không ghi chung với {other}",
    r"ignored explicit argument (?P<value>.+)": "không nhận giá trị {value}",
    r"invalid int value: (?P<value>.+)": "{value} không phải số nguyên",
    r"invalid float value: (?P<value>.+)": "{value} không phải số",
    r"invalid choice: (?P<value>.+?) \(choose from (?P<known>.+)\)": "không có {value}; chỉ có: {known}",
}
_PATTERNS = [(re.compile(pattern, re.DOTALL), told) for pattern, told in VIETNAMESE.items()]
_OF_AN_ARGUMENT = re.compile(r"argument (?P<name>.+?): (?P<said>.*)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """See the head of the module; a command's parser and, by it, those of its sub-commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_USAGE, f"{self.prog}: {told(message)} (xem / see {self.prog} --help)\n")


def told(message: str) -> str:
    """A mistake as a person is told it."""
    found = _OF_AN_ARGUMENT.fullmatch(message)
    name, said = (f"{found['name']}: ", found["said"]) if found else ("", message)
    return name + _in_two_languages(_short(said))


def _in_two_languages(said: str) -> str:
    for pattern, vietnamese in _PATTERNS:
        found = pattern.fullmatch(said)
        if found:
            return f"{vietnamese.format(**found.groupdict())} / {said}"
    return said if " / " in said else f"{UNKNOWN} / {said}"


def _short(text: str) -> str:
    """On one line, and no word longer than MAX_SHOWN."""
    words = ("".join(letter if letter.isprintable() else "?" for letter in word) for word in text.split())
    return " ".join(word if len(word) <= MAX_SHOWN else f"{word[: MAX_SHOWN - 1]}…" for word in words)
