"""The form of what ``status`` says: what is wrong first, in two languages, and of long lists only the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from gateway.core.types import DAY_MS, HOUR_MS

MAX_LINES = 12


class Ago(NamedTuple):
    """How long something is, in both languages."""

    vi: str
    en: str

    @classmethod
    def of(cls, ms: int) -> Self:
        if ms < 2 * 60_000:
            return cls(f"{max(0, ms) // 1000} giây", f"{max(0, ms) // 1000} s")
        if ms < 2 * HOUR_MS:
            return cls(f"{ms // 60_000} phút", f"{ms // 60_000} min")
        if ms < 2 * DAY_MS:
            return cls(f"{ms // HOUR_MS} giờ", f"{ms // HOUR_MS} h")
        return cls(f"{ms // DAY_MS} ngày", f"{ms // DAY_MS} days")


@dataclass
class Report:
    """``every`` asks for a line for each node."""

    every: bool = False
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def line(self, vi: str, en: str) -> None:
        """What is so; short, on one line."""
        self.lines.append(f"{vi} / {en}")

    def rows(self, rows: Sequence[str]) -> None:
        """A list below a line, of which the worst come first."""
        shown = rows if self.every else rows[:MAX_LINES]
        self.lines += [f"  {row}" for row in shown]
        if len(rows) > len(shown):
            n = len(rows) - len(shown)
            self.lines.append(f"  và {n} nữa, xem bằng --all / and {n} more, see --all")

    def problem(self, vi: str, en: str) -> None:
        """What is wrong: the Vietnamese, and the English below."""
        self.problems.append(f"{vi}\n      {en}")

    def problems_of(self, found: Sequence[tuple[str, str]]) -> None:
        """Problems of one kind, which may be many."""
        for vi, en in found if self.every else found[:MAX_LINES]:
            self.problem(vi, en)
        if len(found) > MAX_LINES and not self.every:
            n = len(found) - MAX_LINES
            self.problem(f"và {n} chỗ như vậy nữa, xem bằng --all", f"and {n} more of this kind, see --all")

    @property
    def text(self) -> str:
        head = ["ỔN / HEALTHY"] if not self.problems else ["CHƯA ỔN / NOT HEALTHY"]
        return "\n".join([*head, *(f"  ! {line}" for line in self.problems), *self.lines])
