"""A period as a person writes it.

Rules
1. A date alone means midnight of Vietnam (+07:00), as does a time without an offset.
2. A period is half-open: ``from`` is in it, ``to`` is not; so days and months join without overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class PeriodError(ValueError):
    """Not a period; the text says why in one sentence."""


@dataclass(frozen=True)
class Period:
    """UTC milliseconds, half-open."""

    from_ms: int
    to_ms: int


def instant_ms(name: str, text: str) -> int:
    """Milliseconds of an ISO 8601 date or time."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise PeriodError(f"'{name}' is not an ISO date such as 2024-03-01 or 2024-03-01T06:00+07:00.") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
    return (moment - _EPOCH) // _MILLISECOND


def parse_period(from_text: str, to_text: str) -> Period:
    """The period between two dates. Raises PeriodError."""
    period = Period(instant_ms("from", from_text), instant_ms("to", to_text))
    if period.from_ms >= period.to_ms:
        raise PeriodError("'from' must be before 'to'; 'to' itself is not in the period.")
    return period
