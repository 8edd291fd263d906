"""What a plan remembers of its garden: a part of the state, so it survives every restart (D4).

Rules
1. Instants end in ``_at_ms`` and move with the clock (S4). That is why a calendar remembers the instant of its last
   time and not its day: a clock that was set wrong for a while neither repeats nor loses one.
2. ``given_ml`` counts every run, whoever began it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InPhase:
    """``user`` confirmed it at the phone, for ``told_by`` (empty: for himself); both are empty when the file says so.
    ``file_day`` is the day of the file that it was begun by: another day there is a new word of a person.
    ``used_um`` is what the crop had used when it began."""

    id: str
    since_at_ms: int
    file_day: int
    user: str = ""
    told_by: str = ""
    used_um: int = 0
    given_ml: int = 0
    due_told: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    until_at_ms: int
    user: str


@dataclass(frozen=True, slots=True)
class Refill:
    """A field that is being filled, from a level on."""

    from_mm: int
    given_ml: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """One time of a calendar: may begin, must be over, and how much of how much was given."""

    from_at_ms: int
    by_at_ms: int
    want_ml: int
    given_ml: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class PlanState:
    """``tried_mm`` is the level of a field that did not rise though it was given more than it can hold. ``left`` is the
    phase that a person has left last, as it was then: that can be taken back."""

    phase: InPhase | None = None
    left: InPhase | None = None
    pause: Pause | None = None
    refill: Refill | None = None
    tried_mm: int | None = None
    slot: Slot | None = None
    season_day: int = 0
    season_ml: int = 0
    rain_day: int = 0
    rain_um: int = 0
    wet_until_at_ms: int | None = None
