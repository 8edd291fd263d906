"""How fast this processor runs Python at this moment, so that a bound on time means the same on every machine.

A bound in milliseconds is held on any processor by dividing what was spent by what a fixed piece of plain Python took
in the same run, which is ``REFERENCE_S`` on the processor that the bounds were set on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

REFERENCE_S = 0.018
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    share: float
    name: str


def scaled_s(measure: Callable[[], float]) -> float:
    """What a measurement in seconds would be on the reference: the best of it and of the plain Python, in turn."""
    took, plain = [], []
    for _ in range(ROUNDS):
        plain.append(took_s(_plain_python))
        took.append(measure())
    return min(took) / min(plain) * REFERENCE_S


def took_s(work: Callable[[], object]) -> float:
    """The processor's time for a piece of work."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _plain_python() -> None:
    """Small records, dicts and floats, as everywhere here."""
    parts = {f"part-{number}": _Part(number, number / 7.0, "part") for number in range(300)}
    for turn in range(60):
        for name, part in parts.items():
            parts[name] = replace(part, share=math.cos(part.share) + turn, number=max(turn, part.number))
        sum(part.share for part in parts.values() if part.name == "part")
