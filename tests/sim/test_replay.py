"""Every decision can be made again from what it was made from, and is the same; a changed record is found (D6)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from gateway.__main__ import main as gateway
from gateway.control import Control
from gateway.core import journal
from gateway.core.journal import Base, JournalError, Mark
from gateway.core.jsons import ShapeError
from gateway.core.state import State
from gateway.core.types import Effect, Inputs
from gateway.dispatch import Dispatch
from gateway.home import Home as Paths
from gateway.inbox import People
from gateway.replay import Outcome, replay
from gateway.settings import limits_of, settings_of
from gateway.store.common import StoreError
from gateway.store.control import KEPT, Command, ControlWriter
from gateway.store.data import DataReader
from gateway.tell import ALWAYS_MS
from kit.clock import ManualClock
from tests.golden import timeline
from tests.golden.test_timelines import FILES
from tests.support import village as registry_village
from tests.support.control_home import HOUR_MS, KEYS, START_MS, VILLAGE, Home
from tests.support.irrigation import Village
from wire import commands

NOBODY = ManualClock(START_MS)
SOME = FILES[::3]
LONGEST_MS = 30 * HOUR_MS  # of a timeline: the rest of a long one is more of the same

# ---- the pure part, over every golden timeline


class Recorder:
    """Writes what each step of a virtual village was decided from."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.states: list[State] = []
        self.effects: list[tuple[Effect, ...]] = []
        self._base = Base()

    def on_step(self, village: Village, before: State, inputs: Inputs, effects: tuple[Effect, ...]) -> None:
        if inputs.restarted:
            mark = Mark(village.wall_ms, "", "", 1.0, village.limits, before.to_json())
            self.lines.append(mark.line())
            self._base = Base()
        digest = journal.digest(village.state.to_json(), effects)
        text, self._base = journal.line(self._base, village.wall_ms, inputs, (), digest, None)
        self.lines.append(text)
        self.states.append(village.state)
        self.effects.append(effects)


@pytest.mark.parametrize("path", SOME, ids=[path.stem for path in SOME])
def test_a_timeline_replays_to_the_same_states_and_effects(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, recorder = timeline.load(path), Recorder()
    script = replace(whole, until_ms=min(whole.until_ms, LONGEST_MS))
    monkeypatch.setattr(Village, "on_step", lambda self, *what: recorder.on_step(self, *what))
    timeline.play(script)
    state, found = State(), 0
    for one in journal.read(recorder.lines):
        if isinstance(one, Mark):
            state = State.from_json(one.state)
            continue
        state, effects = journal.again(state, one, script.settings, script.limits)
        assert state == recorder.states[found] and effects == recorder.effects[found]
        assert journal.digest(state.to_json(), effects) == one.digest
        found += 1
    assert found == len(recorder.states) > 10


def test_a_line_that_is_not_there_is_found() -> None:
    lines = [Mark(0, "", "", 1.0, limits_of(NOBODY), State().to_json()).line()]
    base = Base()
    for now_ms in (1, 2, 3):
        text, base = journal.line(base, now_ms, Inputs(settings=settings_of(VILLAGE, NOBODY)), (), "", None)
        lines.append(text)
    assert len(list(journal.read(lines))) == 4
    with pytest.raises(JournalError, match="step 3 follows step 1"):
        list(journal.read(lines[:2] + lines[3:]))
    with pytest.raises(JournalError, match="cannot be read"):
        list(journal.read([lines[0], lines[1][:-5]]))


# ---- the real shell on real databases


class Recorded(Home):
    """The databases of a gateway whose irrigation knows its registry."""

    def _open(self) -> None:
        self.writer = ControlWriter(self.folder / "control.db")
        self.reader = DataReader(self.folder / "data.db")
        dispatch = Dispatch(VILLAGE.id, KEYS, self.publish)
        people = People(self.folder / "village.db")
        settings, limits = settings_of(VILLAGE, self.clock), limits_of(self.clock)
        self.control = Control(
            settings, limits, self.reader, people, self.writer, dispatch, self.clock, registry=registry_village.TEXT
        )

    def replayed(self, from_ms: int = 0, to_ms: int = ALWAYS_MS) -> Outcome:
        return replay(Paths(self.folder), from_ms, to_ms)

    def rules_of_all(self) -> list[str]:
        with self.rows() as reader:
            return [decision.rule for decision in reader.decisions(None, 1000)]

    def commands(self) -> list[Command]:
        with self.rows() as reader:
            return reader.commands(1000)

    def live(self) -> None:
        """A dry garden is watered over a crash, a person stops it, the clock is set, and the canal goes salt."""
        self.dry()
        self.control.turn()
        self.accept(self.sent[-1], 0b10)
        self.control.turn()
        self.accept(self.sent[-1], 0b11)
        self.control.turn()
        self.crash()
        self.control.turn()
        self.ask("stop")
        self.control.turn()
        for order in self.sent[-2:]:
            self.accept(order, 0)
            self.control.turn()
        for hour in range(8):
            self.clock.advance_ms(HOUR_MS)
            self.dry(1800 + 40 * hour)
            self.control.turn()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Recorded]:
    with closing(Recorded(tmp_path)) as home:
        yield home


def test_a_life_with_a_crash_replays_without_a_difference(home: Recorded) -> None:  # P15, D6
    home.live()
    outcome = home.replayed()
    assert outcome.differences == [] and outcome.is_same and outcome.foreign == 0
    assert outcome.steps >= 14 and outcome.effects["Decide"] == len(home.rules_of_all())
    assert outcome.effects["Send"] == len(home.commands()) and outcome.effects["RunEnded"] == 1
    assert "giống hệt" in outcome.text() and "identical" in outcome.text()
    with home.rows() as reader:
        (first,) = [reader.part(number) for number in reader.part_ids(0, ALWAYS_MS)][:1]
        assert first is not None and first.steps >= 3  # what the process before the crash has left
    some = home.replayed(START_MS + HOUR_MS, START_MS + 3 * HOUR_MS)
    assert some.is_same and 0 < some.steps < outcome.steps


def test_a_set_clock_and_a_lost_village_db_replay_too(home: Recorded) -> None:
    home.dry(3000)
    home.control.turn()
    home.clock.wall_ms += 40 * HOUR_MS
    home.ask("water", 5)
    home.control.turn()
    home.lose("village.db")
    home.ask("water", 5)
    home.control.turn()
    assert home.replayed().differences == []


def _change_a_decision(db: sqlite3.Connection) -> None:
    changed = (
        """UPDATE decisions SET inputs = replace(inputs, '"soil_e4":1800', '"soil_e4":2100') WHERE rule = 'soil_dry'"""
    )
    assert db.execute(changed).rowcount


def _change_a_sentence(db: sqlite3.Connection) -> None:
    assert db.execute("UPDATE decisions SET text_vi = 'Tưới.' WHERE rule = 'soil_dry'").rowcount


def _drop_a_decision(db: sqlite3.Connection) -> None:
    assert db.execute("DELETE FROM decisions WHERE rule = 'manual_stop'").rowcount


def _lengthen_a_command(db: sqlite3.Connection) -> None:
    assert db.execute(f"UPDATE commands SET duration_ms = duration_ms + 1 WHERE action = {commands.OPEN}").rowcount


def _pour_less(db: sqlite3.Connection) -> None:
    assert db.execute("UPDATE runs SET litres = litres + 1 WHERE ended_ms IS NOT NULL").rowcount


def _change_a_reading(db: sqlite3.Connection) -> None:
    """In the packed journal: the soil was drier than was decided on."""
    row, packed = db.execute("SELECT id, packed FROM parts ORDER BY id LIMIT 1").fetchone()
    text = zstandard.ZstdDecompressor().decompress(packed).decode()
    assert ",1800,1,true" in text
    changed = zstandard.ZstdCompressor().compress(text.replace(",1800,1,true", ",1799,1,true", 1).encode())
    db.execute("UPDATE parts SET packed = ? WHERE id = ?", (changed, row))


def _drop_a_step(db: sqlite3.Connection) -> None:
    assert db.execute("DELETE FROM lines WHERE id = (SELECT min(id) + 1 FROM lines)").rowcount


def _drop_the_last_step(db: sqlite3.Connection) -> None:
    assert db.execute("DELETE FROM lines WHERE id = (SELECT max(id) FROM lines)").rowcount


def _spoil_a_part(db: sqlite3.Connection) -> None:
    assert db.execute("UPDATE parts SET packed = substr(packed, 1, length(packed) - 9)").rowcount


def _drop_a_part(db: sqlite3.Connection) -> None:
    row = "SELECT id FROM parts ORDER BY id LIMIT 1 OFFSET 1"
    assert db.execute(f"DELETE FROM parts WHERE id = ({row})").rowcount


def _cut_a_part(db: sqlite3.Connection) -> None:
    """Its last step is not there, and nothing else shows it."""
    row, packed = db.execute("SELECT id, packed FROM parts ORDER BY id LIMIT 1").fetchone()
    lines = zstandard.ZstdDecompressor().decompress(packed).decode().split("\n")
    cut = zstandard.ZstdCompressor().compress("\n".join(lines[:-1]).encode())
    db.execute("UPDATE parts SET packed = ? WHERE id = ?", (cut, row))


def _invent_a_decision(db: sqlite3.Connection) -> None:
    names = "at_ms, zone, verdict, rule, inputs, limits, next_check_ms, text_vi"
    db.execute(f"INSERT INTO decisions({names}) SELECT {names} FROM decisions LIMIT 1")


def _invent_a_run(db: sqlite3.Connection) -> None:
    names = "zone, started_ms, ended_ms, litres, why_start, why_stop"
    db.execute(f"INSERT INTO runs({names}) SELECT {names} FROM runs LIMIT 1")


def _drop_the_state(db: sqlite3.Connection) -> None:
    assert db.execute("DELETE FROM state").rowcount


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_change_a_decision, "inputs was"),
        (_change_a_sentence, "text_vi was 'Tưới.'"),
        (_drop_a_decision, "is not there any more"),
        (_lengthen_a_command, "duration_ms was"),
        (_pour_less, "litres was"),
        (_change_a_reading, "inputs was"),
        (_drop_a_step, "steps are missing"),
        (_drop_the_last_step, "the state in force is not"),
        (_spoil_a_part, "damaged"),
        (_drop_a_part, "steps are missing between"),
        (_cut_a_part, "steps are missing between"),
        (_invent_a_decision, "no step of the journal has made it"),
        (_invent_a_run, "no step of the journal has made it"),
        (_drop_the_state, "the state in force is not"),
    ],
)
def test_a_record_that_was_changed_is_found(
    home: Recorded, tamper: Callable[[sqlite3.Connection], None], said: str
) -> None:
    home.live()
    assert home.replayed().is_same
    home.close()
    with closing(sqlite3.connect(home.folder / "control.db")) as db:
        tamper(db)
        db.commit()
    outcome = home.replayed()
    assert any(said in told for told in outcome.differences), outcome.differences
    assert "chỗ khác" in outcome.text() and "differences" in outcome.text()
    home._open()


def test_a_step_that_was_not_committed_is_not_in_the_journal(home: Recorded) -> None:
    home.dry()
    with home.writer.transaction():
        home.writer._run("ALTER TABLE commands RENAME TO away")
    with pytest.raises(StoreError):
        home.control.turn()
    with home.writer.transaction():
        home.writer._run("ALTER TABLE away RENAME TO commands")
    home.control.come_back()
    home.control.turn()
    assert home.replayed().is_same and home.replayed().steps == 1


def test_a_step_that_cannot_be_written_stops_nothing(home: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> tuple[str, Base]:
        raise ShapeError("no plain form")

    home.dry()
    home.control.turn()
    with monkeypatch.context() as patch:
        patch.setattr(journal, "line", broken)
        home.clock.advance_ms(HOUR_MS)
        home.dry()
        home.control.turn()
    home.clock.advance_ms(HOUR_MS)
    home.dry()
    home.control.turn()
    outcome = home.replayed()
    assert outcome.is_same and outcome.steps == 2 and len(home.rules_of_all()) > 2
    assert outcome.lost == 1 and "1 bước hồi đó nhật ký không ghi được" in outcome.text()


def test_rows_that_are_kept_no_longer_are_told_and_are_no_difference(
    home: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large village makes the most decisions that are kept in less than the 90 days of the journal."""
    home.live()
    stamp, keep = KEPT["decisions"]
    few = replace(keep, most=3, least=3)
    with monkeypatch.context() as patch:
        patch.setitem(KEPT, "decisions", (stamp, few))
        with home.writer.transaction():
            gone = home.writer.prune(home.clock.wall_ms)
        outcome = home.replayed()
        assert gone > 3 and outcome.is_same and outcome.let_go == gone
        assert f"{gone} dòng đã quá hạn giữ" in outcome.text()
    assert not home.replayed().is_same  # they would still have to be there


def test_a_part_of_an_older_program_with_fewer_limits_can_be_read() -> None:
    text = Mark(5, "old", "", 1.0, limits_of(NOBODY), State().to_json(), lost=2).line()
    found = json.loads(text)
    assert found["lost"] == 2 and "lost" not in found["mark"]
    del found["mark"]["limits"]["lease_ms"]
    (mark,) = journal.read([json.dumps(found)])
    assert isinstance(mark, Mark) and mark.lost == 2 and mark.limits == limits_of(NOBODY)


def test_nothing_to_replay_is_no_proof(home: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    home.live()
    at_home = ["replay", "--home", str(home.folder)]
    assert gateway(at_home) == 0 and "giống hệt" in capsys.readouterr().out
    assert gateway([*at_home, "--from", "2040-01-01"]) == 1 and "chưa có bước nào" in capsys.readouterr().out
    assert gateway([*at_home, "--from", "2024-02-02", "--to", "2024-02-01"]) == 1
    assert "--from sau --to" in capsys.readouterr().err
    for asked in (["replay"], ["what-if", "--set", "zone.a.dry_vwc=0.2"], ["report"]):
        assert gateway([*asked, "--home", str(home.folder / "nowhere")]) == 1
        assert "không có sổ này, coi lại --home" in capsys.readouterr().err


def test_parts_begin_anew_in_time_and_are_let_go(home: Recorded) -> None:
    for _ in range(30):
        home.clock.advance_ms(HOUR_MS)
        home.dry(3000)
        home.control.turn()
    with home.rows() as reader:
        numbers = reader.part_ids(0, ALWAYS_MS)
    assert len(numbers) == 5 - 1 + (30 // 7 - 4)
    assert home.replayed().is_same and home.replayed().steps == 30
    keep = KEPT["parts"][1]
    assert keep.age_ms == 90 * 24 * HOUR_MS and keep.most * 0.2 < 500  # a part is some 100 kB
