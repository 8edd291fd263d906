"""``python -m gateway replay``: decides again what was decided, from what it was decided from, and compares (D6).

Rules
1. It only reads. Each step that the journal holds is run through ``gateway.core.step`` again, from the state with which
   its part begins; the state goes from step to step as it did then.
2. Compared are the state after each step and all effects (by their digest), and, field by field, each effect with what
   is stored of it: decision with its sentence, command, run. A row that is not there is a difference, and so is one
   that no step has made. What became of a command later is not compared. The last state of all is compared with the
   one that is in force.
3. After a difference the rest of a part says nothing more; the next part begins with its own state.
4. Each part begins where the one before has ended, else steps are missing. Told and no difference are steps that the
   journal could not keep at the time, and rows that are kept no longer (``store.control.KEPT``).
5. Another program may decide otherwise, and that is no fault of the record: it is said which steps another one made,
   and how many parts this one cannot read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, TypeVar

from gateway import registry, translate
from gateway.core import journal
from gateway.core.journal import JournalError, Mark, Step
from gateway.core.state import State, StateError
from gateway.core.types import Alarm, Decide, Effect, Limits, RunEnded, RunStarted, Send, Settings
from gateway.home import Home
from gateway.journal import parts, program
from gateway.settings import settings_of
from gateway.store.control import KEPT, MAX_IDS, ControlReader
from gateway.strict import RegistryError
from kit.clock import SpedClock

Row = TypeVar("Row", bound=NamedTuple)
MOST_TOLD = 20
# By table: its effect, and which of its columns is the time of the step.
MADE: Mapping[str, tuple[type[Effect], str]] = {
    "decisions": (Decide, "at_ms"),
    "commands": (Send, "at_ms"),
    "runs": (RunStarted, "started_ms"),
}
VIETNAM = timezone(timedelta(hours=7))


@dataclass
class Outcome:
    """What came of a replay; ``effects`` counts by kind, ``foreign`` the steps of another program."""

    steps: int = 0
    effects: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    foreign: int = 0
    unread: int = 0  # parts of another program
    lost: int = 0  # steps that could not be kept
    let_go: int = 0  # rows that are kept no longer
    first_ms: int | None = None
    last_ms: int | None = None
    rows: dict[str, list[int]] = field(default_factory=lambda: {table: [] for table in MADE})

    @property
    def is_same(self) -> bool:
        return not self.differences

    def text(self) -> str:
        """For the screen: Vietnamese first, English below."""
        if self.first_ms is None or self.last_ms is None:
            return "Nhật ký chưa có bước nào trong khoảng này.\n  The journal has no step in this time."
        span = f"{_when(self.first_ms)} .. {_when(self.last_ms)}"
        made = [self.effects.get(kind.__name__, 0) for kind in (Decide, Send, RunStarted)]
        wrong = len(self.differences)
        lines = [
            f"{span}: chạy lại {self.steps} bước, {made[0]} quyết định, {made[1]} lệnh, {made[2]} lần tưới: "
            + (f"{wrong} chỗ khác" if wrong else "giống hệt"),
            f"  replayed {self.steps} steps, {made[0]} decisions, {made[1]} commands, {made[2]} runs: "
            + (f"{wrong} differences" if wrong else "identical"),
        ]
        lines += [f"Chú ý: {n} {vi}.\n  Note: {n} {en}." for n, vi, en in self._notes() if n]
        lines += [f"  ! {told}" for told in self.differences[:MOST_TOLD]]
        if wrong > MOST_TOLD:
            lines.append(f"  ! … {wrong - MOST_TOLD}")
        return "\n".join(lines)

    def _notes(self) -> Iterator[tuple[int, str, str]]:
        yield (
            self.foreign,
            "bước do bản phần mềm khác quyết định",
            "steps were decided by another version",
        )
        yield self.unread, "phần của bản phần mềm khác, không đọc được", "parts of another version cannot be read"
        yield self.lost, "bước hồi đó nhật ký không ghi được", "steps could not be kept by the journal then"
        yield self.let_go, "dòng đã quá hạn giữ, không còn để so", "rows are kept no longer and cannot be compared"


def replay(home: Home, from_ms: int, to_ms: int) -> Outcome:
    """Replay the steps between two instants. Raises StoreError."""
    with ControlReader(home.control) as reader, reader.snapshot():
        outcome = Outcome()
        last: End | None = None
        for lines in parts(reader, from_ms, to_ms):
            try:
                last = _part(reader, lines(), from_ms, to_ms, outcome, last)
            except (JournalError, StateError, RegistryError) as error:
                outcome.differences.append(str(error))
                last = None
        if outcome.is_same and last is not None and last.state.at_ms <= to_ms:
            kept = reader.state()
            if kept is None or last.state.to_json() != kept.json:
                outcome.differences.append("the state in force is not the one after the last step of the journal")
            outcome.differences += _strangers(reader, outcome, to_the_end=True)
        elif outcome.is_same:
            outcome.differences += _strangers(reader, outcome, to_the_end=False)
        return outcome


class End(NamedTuple):
    """The state after a part, and the program that has made it."""

    state: State
    core: str


def _part(
    reader: ControlReader, lines: list[str], from_ms: int, to_ms: int, outcome: Outcome, before: End | None
) -> End | None:
    """Replay a part that follows ``before``; its end, None when that is not known."""
    state, settings, limits, core, foreign = State(), Settings(), Limits(), "", False
    for one in journal.read(lines):
        if isinstance(one, Mark):
            limits, core, foreign = one.limits, one.core, one.core != program()
            try:
                state = State.from_json(one.state)
                settings = settings_of(registry.parse(one.registry), SpedClock(0, 0, one.speed))
            except (StateError, RegistryError):
                if not foreign:
                    raise
                outcome.unread += 1
                return None
            outcome.differences += _missing(before, state, one, to_ms)
            outcome.lost += one.lost if from_ms <= one.at_ms <= to_ms else 0
            continue
        state, effects = journal.again(state, one, settings, limits)
        if not from_ms <= one.now_ms <= to_ms:
            continue
        _count(outcome, one, effects, foreign)
        found = list(_differences(reader, one, state, effects, outcome))
        outcome.differences += [f"{_when(one.now_ms)}: {told}" for told in found]
        if found:
            return None
    return End(state, core)


def _missing(before: End | None, begun: State, mark: Mark, to_ms: int) -> Iterator[str]:
    """Whether a part does not begin where the one before has ended. A state that could not be used begins anew (0), one
    that another start of the machine has left is without its readings, and another program may keep other things."""
    if before is None or mark.at_ms > to_ms or mark.lost or begun.at_ms == 0:
        return
    left = before.state
    same = left.at_ms == begun.at_ms
    if same and before.core == mark.core == program():
        same = replace(left, latest={}) == replace(begun, latest={})
    if not same:
        yield f"steps are missing between {_when(left.at_ms)} and {_when(begun.at_ms)}"


def _strangers(reader: ControlReader, outcome: Outcome, to_the_end: bool) -> Iterator[str]:
    """Rows that no step has made. Rows get their numbers in the order of the steps."""
    if outcome.lost or outcome.unread or outcome.first_ms is None or outcome.last_ms is None:
        return
    for table, (_, column) in MADE.items():
        made = outcome.rows[table]
        if made:
            found = reader.ids(table, "id", min(made), reader.newest_id(table) if to_the_end else max(made))
        else:
            found = reader.ids(table, column, outcome.first_ms, outcome.last_ms)
        for row in sorted(set(found) - set(made)):
            yield f"{table} {row}: no step of the journal has made it"


def _count(outcome: Outcome, one: Step, effects: Sequence[Effect], foreign: bool) -> None:
    for effect, row in zip(effects, one.rows, strict=False):
        for table, (made, _) in MADE.items():
            if isinstance(effect, made):
                outcome.rows[table].append(row)
    outcome.steps += 1
    outcome.foreign += foreign
    outcome.first_ms = one.now_ms if outcome.first_ms is None else outcome.first_ms
    outcome.last_ms = one.now_ms
    for effect in effects:
        kind = type(effect).__name__
        outcome.effects[kind] = outcome.effects.get(kind, 0) + 1


# ---- what was stored


def _differences(
    reader: ControlReader, one: Step, state: State, effects: Sequence[Effect], outcome: Outcome
) -> Iterator[str]:
    if len(effects) != len(one.rows):
        yield f"{len(one.rows)} effects then, {len(effects)} now"
        return
    rows = _Rows(reader, one, effects, outcome)
    for effect, row in zip(effects, one.rows, strict=True):
        yield from rows.held_against(effect, row)
    if journal.digest(state.to_json(), effects) != one.digest:
        yield "the state after the step is not the one of then, or its line was changed"


class _Rows:
    """The rows of one step's effects."""

    def __init__(self, reader: ControlReader, one: Step, effects: Sequence[Effect], outcome: Outcome) -> None:
        def stored(of: Callable[[list[int]], dict[int, Row]], *kinds: type[Effect]) -> dict[int, Row]:
            asked = [row for effect, row in zip(effects, one.rows, strict=True) if isinstance(effect, kinds)]
            found: dict[int, Row] = {}
            for place in range(0, len(asked), MAX_IDS):
                found |= of(asked[place : place + MAX_IDS])
            return found

        self._reader, self._outcome, self._now_ms = reader, outcome, one.now_ms
        self._decisions = stored(reader.decisions_by_id, Decide)
        self._commands = stored(reader.commands_by_id, Send)
        self._runs = stored(reader.runs_by_id, RunStarted, RunEnded)

    def held_against(self, effect: Effect, row: int) -> Iterator[str]:
        match effect:
            case Decide():
                now = translate.decision(effect)._asdict()
                yield from self._compare("decision", row, self._decisions.get(row), now, ("id",))
            case Send():
                stored = self._commands.get(row)
                made = translate.command(effect, stored.decision_id if stored else 0, self._now_ms)._asdict()
                later = ("id", "state", "sent_ms", "answered_ms", "status")
                yield from self._compare("command", row, stored, made, later)
            case RunStarted():
                begun = {"zone": effect.zone, "started_ms": effect.at_ms, "why_start": effect.why.value}
                yield from self._compare("run", row, self._runs.get(row), begun, ())
            case RunEnded() if row:
                ended = {
                    "zone": effect.zone,
                    "ended_ms": effect.ended_at_ms,
                    "litres": effect.millilitres / 1000,
                    "why_stop": effect.why.value,
                }
                yield from self._compare("run", row, self._runs.get(row), ended, ())
            case RunEnded() | Alarm():
                pass  # they are in the digest

    def _compare(
        self, what: str, row: int, stored: NamedTuple | None, now: Mapping[str, object], apart: Iterable[str]
    ) -> Iterator[str]:
        if stored is None:
            table = what + "s"
            if row <= self._reader.newest_id(table) - KEPT[table][1].least:
                self._outcome.let_go += 1
            else:
                yield f"{what} {row} is not there any more"
            return
        then = stored._asdict()
        for name, value in now.items():
            if name not in apart and then[name] != value:
                yield f"{what} {row}: {name} was {then[name]!r}, is {value!r} now"


def _when(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, VIETNAM):%Y-%m-%d %H:%M:%S}"
