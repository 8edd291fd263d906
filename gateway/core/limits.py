"""How long things may take, and how much is believed."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.refs import require
from wire import commands

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take and how much is believed; the shell stretches the lengths in a sped-up run."""

    answer_ms: int = 10_000  # S9: after this a command has no answer
    close_retries: int = 3  # S9: then the output is quarantined
    lease_ms: int = 120_000  # S1: nothing is open longer without being renewed
    decide_every_ms: int = 600_000  # a decision is told again after this, even if nothing has changed
    ahead_ms: int = 120_000  # a reading from further in the future is not believed
    soil_min_e4: int = 100  # an open probe reads as bone dry: that is a fault, not thirst
    soil_max_e4: int = 7_000  # more than the pores of any soil
    soil_spread_e4: int = 800  # probes further apart than this disagree
    salt_min_us_cm: int = 10  # less is a probe hanging in the air
    salt_hold_ms: int = 1_800_000  # water must have been fresh for this long after it was salt
    starts_a_day: int = 8  # per zone, in any 24 hours
    keep_rest_ms: int = DAY_MS  # the rest of a dose waits for this long
    resume_ms: int = 6 * HOUR_MS  # that of a person's
    wish_ms: int = 1_800_000  # a person's request waits for the pump for this long at most
    apart_ms: int = 5_000  # S8: between two closings on one pipe
    stop_hold_ms: int = 6 * HOUR_MS  # after a person's stop the system does not start by itself
    sure_pct: int = 80  # from this chance on that the soil is dry it is sure
    wet_pct: int = 20  # up to this it is wet
    perhaps_check_ms: int = 300_000  # what may be dry is looked at again after this
    believe_ms: int = 4 * HOUR_MS  # without a vote that was believed for longer, a garden lives on the weather
    frozen_ms: int = DAY_MS  # a probe that has not moved by its resolution for longer is dead

    def __post_init__(self) -> None:
        require(min(self.answer_ms, self.lease_ms, self.decide_every_ms) > 0, "limits: lengths must be positive")
        require(self.lease_ms <= commands.MAX_DURATION_MS, "limits: lease_ms is longer than the protocol allows")
        require(self.close_retries >= 0 and self.starts_a_day > 0, "limits: counts")
        require(0 < self.wet_pct < self.sure_pct < 100, "limits: wet_pct must be below sure_pct")

    @property
    def pump_lease_ms(self) -> int:
        """Shorter than the valve's, so that a pump left alone stops before its valve closes (S8)."""
        return max(1, self.lease_ms * 3 // 4)
