"""Every mistake in the arguments of a command is one line, Vietnamese first, that fits a screen."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud import __main__ as cloud
from gateway import __main__ as gateway
from kit.arguments import UNKNOWN, VIETNAMESE, Parser, told


def parser() -> Parser:
    made = Parser(prog="thu")
    made.add_argument("zone", nargs="?", choices=["xoai", "rau"])
    made.add_argument("--n", type=int)
    made.add_argument("--x", type=float)
    made.add_argument("--raw", nargs=2)
    made.add_argument("--many", nargs="+")
    made.add_argument("--on", action="store_true")
    either = made.add_mutually_exclusive_group(required=True)
    either.add_argument("--a", action="store_true")
    either.add_argument("--b", action="store_true")
    return made


MISTAKES = {
    "--a --n": "--n: phải ghi thêm một giá trị ở sau / expected one argument",
    "--a --n bảy": "--n: 'bảy' không phải số nguyên / invalid int value: 'bảy'",
    "--a --x 1,5": "--x: '1,5' không phải số / invalid float value: '1,5'",
    "--a --raw 1": "--raw: phải ghi thêm 2 giá trị ở sau / expected 2 arguments",
    "--a --many": "--many: phải ghi thêm ít nhất một giá trị ở sau / expected at least one argument",
    "--a --nn 4": "không hiểu --nn / unrecognized arguments: --nn",
    "--a --on=1": "--on: không nhận giá trị '1' / ignored explicit argument '1'",
    "--a --b": "--b: không ghi chung với --a / not allowed with argument --a",
    "": "phải ghi một trong: --a --b / one of the arguments --a --b is required",
    "--a cam": "zone: không có 'cam'; chỉ có: ",
}


@pytest.mark.parametrize(("words", "said"), MISTAKES.items())
def test_what_argparse_finds_is_told_in_vietnamese_first(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        parser().parse_args(words.replace("--nn 4", "--nn").split())
    (line,) = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2 and line.startswith(f"thu: {said}") and line.endswith(" (xem / see thu --help)")


def test_no_word_of_argparse_is_left_out() -> None:
    """Whoever reads arguments by another Python gets its new words in English behind a Vietnamese lead."""
    source = Path(argparse.__file__).read_text(encoding="utf-8")
    begin = "expected|unrecognized|not allowed|the following|one of the|ignored|invalid choice"
    words = re.findall(rf"\b(?:_|ngettext)\(\s*'((?:{begin})[^']*)'", source)
    assert len(words) >= 9
    for text in words:
        sample = re.sub(r"%\((\w+)\)[sr]|%[sr]", "7", text)
        assert UNKNOWN not in told(sample), text
    assert told("something new") == f"{UNKNOWN} / something new" and len(VIETNAMESE) >= 11


def test_what_was_pasted_by_mistake_does_not_fill_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["status", "--hom", "x" * 10_000], ["x" * 10_000], ["replay", "--from", "é\n\x1b" * 3_000]):
        with pytest.raises(SystemExit):
            gateway.main(argv)
        line = capsys.readouterr().err
        assert line.count("\n") == 1 and len(line) < 1_000 and line.rstrip("\n").isprintable()


@pytest.mark.parametrize(("main", "argv", "said"), [
    (gateway.main, ["plan"], "python -m gateway plan: còn thiếu ACTION"),
    (gateway.main, ["card", "--days", "a", "x"], "python -m gateway card: --days: 'a' không phải số nguyên"),
    (gateway.main, ["replay", "--to", "mai"], "--to: 'mai' không phải ngày giờ, ghi như 2024-03-01"),
    (cloud.main, ["serve", "--port", "a"], "python -m cloud serve: --port: 'a' không phải số nguyên"),
])  # fmt: skip
def test_it_is_the_same_for_all_commands(
    main: Callable[[list[str]], int], argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2 and said in capsys.readouterr().err
