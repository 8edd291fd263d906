"""One line of ``hoiquan bench``: two things measured in the same run, and the goal that their ratio is held to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """`at_least` tells on which side of the goal it is good. One that is `absolute` is held to a time, which another
    machine may miss without a fault of ours: it is told, but does not decide the exit code."""

    name: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    goal: float | None = None
    at_least: bool = True
    absolute: bool = False

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal

    def plain(self) -> dict[str, object]:
        return {
            "name": self.name, "ours": round(self.ours, 3), "theirs": round(self.theirs, 3), "unit": self.unit,
            "ratio": round(self.ratio, 4), "goal": self.goal, "met": self.met,
        }  # fmt: skip


def table(ratios: Iterable[Ratio]) -> Iterator[str]:
    yield f"{'what':52}{'ours':>12}{'theirs':>12}  {'unit':12}{'ratio':>9}  goal"
    for ratio in ratios:
        sign = "≥" if ratio.at_least else "≤"
        goal = "" if ratio.goal is None else f"{sign} {ratio.goal:g} {'met' if ratio.met else 'NOT MET'}"
        yield f"{ratio.name:52}{ratio.ours:12,.1f}{ratio.theirs:12,.1f}  {ratio.unit:12}{ratio.ratio:9,.2f}  {goal}"


def all_met(ratios: Iterable[Ratio]) -> bool:
    """Whether no ratio misses its goal; those that are held to a time do not count."""
    return all(ratio.met is not False for ratio in ratios if not ratio.absolute)
