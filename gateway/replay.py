"""``python -m gateway replay``: decides again what was decided, from what it was decided from, and compares (D6).

Rules
1. It only reads. Each step that the journal holds is run through ``gateway.core.step`` again, from the state with which
   its part begins; the state goes from step to step as it did then.
2. Compared are the state after each step and all effects (by their digest), and, field by field, each effect with what
   is stored of it: decision with its sentence, command, run. A row that is not there is a difference. The last state
   of all is compared with the one that is in force.
3. After a difference the rest of a part says nothing more; the next part begins with its own state.
4. Another program may decide otherwise, and that is no fault of the record: it is said which steps another one made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from gateway import registry, translate
from gateway.core import journal
from gateway.core.journal import JournalError, Mark, Step
from gateway.core.state import State, StateError
from gateway.core.types import Alarm, Decide, Effect, Limits, RunEnded, RunStarted, Send, Settings
from gateway.home import Home
from gateway.journal import parts, program
from gateway.settings import settings_of
from gateway.store.control import ControlReader
from gateway.strict import RegistryError
from kit.clock import SpedClock

MOST_TOLD = 20
VIETNAM = timezone(timedelta(hours=7))


@dataclass
class Outcome:
    """What came of a replay; ``effects`` counts by kind, ``foreign`` the steps of another program."""

    steps: int = 0
    effects: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    foreign: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

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
        if self.foreign:
            lines.append(
                f"Chú ý: {self.foreign} bước do bản phần mềm khác quyết định.\n"
                f"  Note: {self.foreign} steps were decided by another version of the program."
            )
        lines += [f"  ! {told}" for told in self.differences[:MOST_TOLD]]
        if wrong > MOST_TOLD:
            lines.append(f"  ! … {wrong - MOST_TOLD}")
        return "\n".join(lines)


def replay(home: Home, from_ms: int, to_ms: int) -> Outcome:
    """Replay the steps between two instants. Raises StoreError."""
    with ControlReader(home.control) as reader, reader.snapshot():
        outcome = Outcome()
        last: State | None = None
        for lines in parts(reader, from_ms, to_ms):
            try:
                last = _part(reader, lines(), from_ms, to_ms, outcome)
            except (JournalError, StateError, RegistryError) as error:
                outcome.differences.append(str(error))
        kept = reader.state()
        at_end = outcome.is_same and last is not None and kept is not None and last.at_ms <= to_ms
        if at_end and last and kept and last.to_json() != kept.json:
            outcome.differences.append("the state in force is not the one after the last step of the journal")
        return outcome


def _part(reader: ControlReader, lines: list[str], from_ms: int, to_ms: int, outcome: Outcome) -> State:
    """Replay a part; the state after it."""
    state, settings, limits, foreign = State(), Settings(), Limits(), False
    for one in journal.read(lines):
        if isinstance(one, Mark):
            state, limits, foreign = State.from_json(one.state), one.limits, one.core != program()
            settings = settings_of(registry.parse(one.registry), SpedClock(0, 0, one.speed))
            continue
        state, effects = journal.again(state, one, settings, limits)
        if not from_ms <= one.now_ms <= to_ms:
            continue
        _count(outcome, one, effects, foreign)
        found = list(_differences(reader, one, state, effects))
        outcome.differences += [f"{_when(one.now_ms)}: {told}" for told in found]
        if found:
            break
    return state


def _count(outcome: Outcome, one: Step, effects: Sequence[Effect], foreign: bool) -> None:
    outcome.steps += 1
    outcome.foreign += foreign
    outcome.first_ms = one.now_ms if outcome.first_ms is None else outcome.first_ms
    outcome.last_ms = one.now_ms
    for effect in effects:
        kind = type(effect).__name__
        outcome.effects[kind] = outcome.effects.get(kind, 0) + 1


# ---- what was stored


def _differences(reader: ControlReader, one: Step, state: State, effects: Sequence[Effect]) -> Iterator[str]:
    if len(effects) != len(one.rows):
        yield f"{len(one.rows)} effects then, {len(effects)} now"
        return
    rows = _Rows(reader, one, effects)
    for effect, row in zip(effects, one.rows, strict=True):
        yield from rows.held_against(effect, row)
    if journal.digest(state.to_json(), effects) != one.digest:
        yield "the state after the step is not the one of then, or its line was changed"


class _Rows:
    """The rows of one step's effects."""

    def __init__(self, reader: ControlReader, one: Step, effects: Sequence[Effect]) -> None:
        def rows(*kinds: type[Effect]) -> list[int]:
            return [row for effect, row in zip(effects, one.rows, strict=True) if isinstance(effect, kinds)]

        self._now_ms = one.now_ms
        self._decisions = reader.decisions_by_id(rows(Decide))
        self._commands = reader.commands_by_id(rows(Send))
        self._runs = reader.runs_by_id(rows(RunStarted, RunEnded))

    def held_against(self, effect: Effect, row: int) -> Iterator[str]:
        match effect:
            case Decide():
                now = translate.decision(effect)._asdict()
                yield from _compare("decision", row, self._decisions.get(row), now, ("id",))
            case Send():
                stored = self._commands.get(row)
                made = translate.command(effect, stored.decision_id if stored else 0, self._now_ms)._asdict()
                later = ("id", "state", "sent_ms", "answered_ms", "status")
                yield from _compare("command", row, stored, made, later)
            case RunStarted():
                begun = {"zone": effect.zone, "started_ms": effect.at_ms, "why_start": effect.why.value}
                yield from _compare("run", row, self._runs.get(row), begun, ())
            case RunEnded() if row:
                ended = {
                    "zone": effect.zone,
                    "ended_ms": effect.ended_at_ms,
                    "litres": effect.millilitres / 1000,
                    "why_stop": effect.why.value,
                }
                yield from _compare("run", row, self._runs.get(row), ended, ())
            case RunEnded() | Alarm():
                pass  # they are in the digest


def _compare(
    what: str, row: int, stored: NamedTuple | None, now: Mapping[str, object], apart: Iterable[str]
) -> Iterator[str]:
    if stored is None:
        yield f"{what} {row} is not there any more"
        return
    then = stored._asdict()
    for name, value in now.items():
        if name not in apart and then[name] != value:
            yield f"{what} {row}: {name} was {then[name]!r}, is {value!r} now"


def _when(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, VIETNAM):%Y-%m-%d %H:%M:%S}"
