"""What becomes of each reading of a batch that a gateway sends.

Rules
1. A reading is (tenant, node, boot, seq). Sent again unchanged it is *same*; sent again changed it is a
   *conflict*, which is kept beside the first and never written over it.
2. A reading that cannot be true (unknown field, outside the field's range) is *rejected* with a reason and kept;
   it never blocks its neighbours.
3. The raw of a reading that claims no value and is flagged FAIL or MISSING is evidence of a broken probe, not a
   measurement: it may be outside the field's range. Whatever the gateway keeps on purpose, the ledger keeps too.
4. Nothing is judged by its time alone: a node with a wrong clock still has measured something. Only instants
   that no calendar can print are rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as factory
from typing import NamedTuple

from wire import fields
from wire.errors import WireError

Identity = tuple[str, int, int]

U8_MAX = 2**8 - 1
I32_MIN, I32_MAX = -(2**31), 2**31 - 1
U32_MAX = 2**32 - 1
UPTIME_MAX_MS = 2**53
# the last millisecond of the year 9999: beyond it datetime, CSV readers and PostgreSQL stop agreeing
INSTANT_MAX_MS = 253_402_300_799_999


class Reading(NamedTuple):
    """One row of wire.columns. ``received_ms`` is when the gateway got it."""

    node: str
    boot: int
    seq: int
    field: int
    channel: int
    uptime_ms: int
    measured_ms: int
    time_quality: int
    received_ms: int
    raw: int
    value: int | None
    flag: int
    calibration: int

    @property
    def identity(self) -> Identity:
        return (self.node, self.boot, self.seq)


@dataclass(frozen=True)
class Rejection:
    """A reading that the ledger does not take, and why: a short code and a sentence."""

    reading: Reading
    code: str
    detail: str


@dataclass
class Verdict:
    """A batch, sorted. Every reading of it is in exactly one place."""

    new: list[Reading] = factory(default_factory=list)
    same: int = 0
    conflicts: list[Reading] = factory(default_factory=list)
    rejected: list[Rejection] = factory(default_factory=list)


_RANGES: tuple[tuple[str, int, int, int], ...] = tuple(
    (name, Reading._fields.index(name), low, high)
    for name, low, high in (
        ("boot", 0, U32_MAX),
        ("seq", 1, U32_MAX),
        ("channel", 0, U8_MAX),
        ("uptime_ms", 0, UPTIME_MAX_MS),
        ("measured_ms", 0, INSTANT_MAX_MS),
        ("received_ms", 0, INSTANT_MAX_MS),
        ("time_quality", fields.CLOCK_NONE, fields.CLOCK_BY_GATEWAY),
        ("calibration", 0, U32_MAX),
        ("raw", I32_MIN, I32_MAX),
    )
)


def has_identity(reading: Reading) -> bool:
    """Whether boot and seq are numbers that a node can have given."""
    return 0 <= reading.boot <= U32_MAX and 1 <= reading.seq <= U32_MAX


def objection(reading: Reading) -> Rejection | None:
    """Why the reading cannot be true, or None."""
    for name, index, low, high in _RANGES:
        number = reading[index]
        if not low <= number <= high:  # type: ignore[operator]  # all of them are integers
            return Rejection(reading, f"bad_{name}", f"{name} {number} is not in {low}..{high}")
    if reading.flag not in fields.QUALITIES:
        return Rejection(reading, "bad_flag", f"flag {reading.flag} is not a QARTOD flag")
    try:
        spec = fields.field(reading.field)
    except WireError:
        return Rejection(reading, "unknown_field", f"no field has the id {reading.field}")
    measured = reading.value is not None or reading.flag < fields.FAIL
    if measured and not spec.raw_ok(reading.raw):
        return Rejection(
            reading, "raw_out_of_range", f"{spec.name}: raw {reading.raw} is not in {spec.raw_min}..{spec.raw_max}"
        )
    if reading.value is not None and not spec.value_ok(reading.value):
        return Rejection(
            reading,
            "value_out_of_range",
            f"{spec.name}: value {reading.value} is not in {spec.value_min}..{spec.value_max}",
        )
    return None


def classify(batch: Iterable[Reading], stored: Mapping[Identity, Reading]) -> Verdict:
    """Sort a batch, given what the ledger already holds of it."""
    verdict = Verdict()
    known = dict(stored)
    for reading in batch:
        refused = objection(reading)
        if refused is not None:
            verdict.rejected.append(refused)
            continue
        first = known.get(reading.identity)
        if first is None:
            known[reading.identity] = reading
            verdict.new.append(reading)
        elif first == reading:
            verdict.same += 1
        else:
            verdict.conflicts.append(reading)
    return verdict
