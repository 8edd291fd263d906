"""A reading as a line of a table that a person or a program can read without this code.

Rules
1. The columns are COLUMNS, in this order, for ever; a new one is added at the end.
2. ``raw`` is the integer that the node measured. ``value`` is the calibrated quantity in ``unit``, a decimal written
   from integers and so exact, empty when there was no calibration to make one.
3. Times are ISO 8601 in UTC with milliseconds. ``time_quality`` 0 means the true time is not known, only that it
   is not after ``measured_at``; 1 kept by the node, 2 set by the gateway, 3 SNTP, 4 told by the gateway from uptime.
4. ``flag`` is QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing. ``calibration`` 0 is none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloud.core.batch import Reading
from wire import fields

COLUMNS = (
    "village", "node", "boot_id", "seq", "field", "channel", "unit", "measured_at", "time_quality", "received_at",
    "raw", "value", "flag", "calibration",
)  # fmt: skip
HEADER = ",".join(COLUMNS) + "\n"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decimal(scaled: int, decimals: int) -> str:
    """``scaled / 10 ** decimals``, written exactly: decimal(-5, 2) is -0.05."""
    if not decimals:
        return str(scaled)
    whole, part = divmod(abs(scaled), 10**decimals)
    return f"{'-' if scaled < 0 else ''}{whole}.{part:0{decimals}d}"


def timestamp(ms: int) -> str:
    """2024-03-01T06:00:00.250+00:00"""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


def line(village: str, reading: Reading) -> str:
    """One line. No cell can hold a comma or quote: ids are [a-z0-9-], names and units come from wire.fields."""
    spec = fields.field(reading.field)
    value = "" if reading.value is None else decimal(reading.value, spec.decimals)
    return (
        f"{village},{reading.node},{reading.boot},{reading.seq},{spec.name},{reading.channel},{spec.unit},"
        f"{timestamp(reading.measured_ms)},{reading.time_quality},{timestamp(reading.received_ms)},"
        f"{reading.raw},{value},{reading.flag},{reading.calibration}\n"
    )
