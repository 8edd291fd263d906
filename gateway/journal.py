"""Keeps what each step of the irrigation was decided from, in control.db, in the transaction of the step itself.

Rules
1. A step and its line are one commit: what was decided and what it was decided from cannot part.
2. Lines are packed (zstd) into a part when there are PART_STEPS of them, PART_BYTES or PART_MS; each part begins with
   the whole state, so that it can be replayed alone. A new process begins a new part.
3. ``kept`` is told when the transaction has ended well; without it the next line is written against the old base.
4. It never stops the irrigation. What it cannot put into a line is logged, and the next step begins a new part, whose
   mark says how many steps are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

import zstandard

from gateway import core
from gateway.core import journal
from gateway.core.journal import Base, Mark
from gateway.core.jsons import ShapeError
from gateway.core.state import State
from gateway.core.types import Effect, Inputs, Limits
from gateway.store.control import ControlReader, ControlWriter, Part
from kit import log

PART_STEPS = 4_000
PART_BYTES = 2_000_000
PART_MS = 6 * 3_600_000
LEVEL = 9
MAX_PART_BYTES = 64_000_000  # unpacked; a part is a few megabytes


@dataclass(frozen=True)
class Plan:
    """What the settings were made from."""

    registry: str
    speed: float
    limits: Limits


class Journal:
    """The journal of one process of the irrigation."""

    def __init__(self, writer: ControlWriter, plan: Plan) -> None:
        self._writer = writer
        self._plan = plan
        self._base: Base | None = None  # None: the next line is behind a mark
        self._next: Base | None = None
        self._since_ms = 0
        self._bytes = 0
        self._lost = 0

    def add(
        self,
        before: State,
        now_ms: int,
        inputs: Inputs,
        effects: Sequence[Effect],
        rows: Sequence[int],
        state_json: str,
        intents_from: int | None,
    ) -> None:
        """Add a step; belongs into its transaction. ``before`` is the state without ``intents_from``."""
        self._next = None
        try:
            digest = journal.digest(state_json, effects)
            base = Base() if self._is_full(now_ms) else self._base
            if base is None or base.number == 0:
                base = Base()
                self._begin(before, now_ms)
            text, after = journal.line(base, now_ms, inputs, rows, digest, intents_from)
        except ShapeError as error:
            log.get().error("a step cannot be kept for a replay", why=str(error))
            self._lost += 1
            return
        self._writer.add_line(now_ms, text)
        self._bytes += len(text)
        self._next = after

    def kept(self) -> None:
        """The transaction has been committed."""
        if self._next is not None:
            self._lost = 0
        self._base = self._next

    def _is_full(self, now_ms: int) -> bool:
        number = self._base.number if self._base else 0
        return number >= PART_STEPS or self._bytes >= PART_BYTES or not 0 <= now_ms - self._since_ms < PART_MS

    def _begin(self, before: State, now_ms: int) -> None:
        """Pack what there is, and write where the next part begins."""
        left = self._writer.lines()
        if left:
            packed = zstandard.ZstdCompressor(level=LEVEL).compress("\n".join(line for _, line in left).encode())
            steps = sum(not line.startswith('{"v"') for _, line in left)
            times = [at_ms for at_ms, _ in left]
            self._writer.pack_lines(Part(0, min(times), max(times), steps, packed))
        plan, state = self._plan, before.to_json()
        text = Mark(now_ms, program(), plan.registry, float(plan.speed), plan.limits, state, self._lost).line()
        self._writer.add_line(now_ms, text)
        self._since_ms, self._bytes = now_ms, len(text)


def parts(reader: ControlReader, from_ms: int, to_ms: int) -> Iterator[Callable[[], list[str]]]:
    """The parts that have steps between two instants, oldest first, the one in work last. Each is asked for its lines,
    and raises JournalError when it is damaged."""

    def lines_of(part: Part) -> Callable[[], list[str]]:
        return lambda: unpacked(part.packed)

    for part_id in reader.part_ids(from_ms, to_ms):
        part = reader.part(part_id)
        if part is not None:
            yield lines_of(part)
    yield reader.lines


def unpacked(packed: bytes) -> list[str]:
    """The lines of a part. Raises JournalError."""
    try:
        text = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_PART_BYTES).decode()
    except (zstandard.ZstdError, UnicodeDecodeError) as error:
        raise journal.JournalError(f"a part of the journal is damaged: {error}") from error
    return text.split("\n")


@cache
def program() -> str:
    """Which program decides: a digest of the sources of the core."""
    found = blake2b(digest_size=8)
    folder = Path(core.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()
