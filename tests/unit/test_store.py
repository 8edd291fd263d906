"""The four databases: durable settings, one writer, identity of readings, bounded quarantine, typed readers."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.core.rows import Boot, Quarantined, Reading, Receipt
from gateway.store import common, control, data, uplink, village
from gateway.store.common import Reader, Replaced, Schema, StoreError, Writer
from gateway.store.data import READINGS, Batch, DataReader, DataWriter, Outcome
from gateway.store.places import Place

T0 = 1_709_251_200_000


def reading(seq: int, *, raw: int = 100, node: str = "n1", boot: int = 7, at_ms: int | None = None) -> Reading:
    measured_ms = T0 + seq * 1000 if at_ms is None else at_ms
    return Reading(node, boot, seq, 3, 0, seq * 1000, measured_ms, 2, T0 + 10**6, raw, raw, 1, 0)


def boot(*, number: int = 7, last_ms: int = T0) -> Boot:
    return Boot("n1", number, b"12345678", T0, T0, last_ms, 5, "1.0", "soil", 1, 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.db"


def test_a_commit_is_durable_by_its_settings(path: Path) -> None:
    with DataWriter(path) as writer:
        pragmas = {name: writer._all(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")}
        assert pragmas == {"journal_mode": "wal", "synchronous": 2}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_writing_process_is_refused_in_one_line(path: Path) -> None:
    code = f"from pathlib import Path\nfrom gateway.store.data import DataWriter\nDataWriter(Path({str(path)!r}))"
    with DataWriter(path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode != 0
        assert "is already being written by process" in done.stderr.splitlines()[-1]
    with DataWriter(path):
        pass  # the lock went with its owner


def test_a_reader_cannot_write_and_sees_commits(path: Path) -> None:
    with DataWriter(path) as writer, DataReader(path) as reader:
        assert reader.last_id() == 0
        writer.commit(Batch(readings=[reading(1)]))
        assert reader.last_id() == 1
        with pytest.raises(StoreError, match="readonly"):
            reader._all("DELETE FROM readings")


def test_a_reader_works_while_no_writer_runs(path: Path) -> None:
    with DataWriter(path) as writer:
        writer.commit(Batch(readings=[reading(1)]))
    with DataReader(path) as reader:
        assert reader.last_id() == 1


def test_a_snapshot_holds_still(path: Path) -> None:
    with DataWriter(path) as writer, DataReader(path) as reader:
        with reader.snapshot():
            before = reader.last_id()
            writer.commit(Batch(readings=[reading(1)]))
            assert reader.last_id() == before
        assert reader.last_id() == 1


def test_a_newer_schema_a_missing_file_and_a_damaged_file_are_refused(path: Path) -> None:
    with pytest.raises(StoreError, match="is not there: run `python -m gateway run`"):
        DataReader(path)
    DataWriter(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    for opener in (DataWriter, DataReader):
        with pytest.raises(StoreError, match=rf"has schema 99, this program knows {data.SCHEMA.version}"):
            opener(path)
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        DataWriter(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_flipped_page_is_found_at_the_start(path: Path) -> None:
    with DataWriter(path) as writer:
        writer.commit(Batch(readings=[reading(i) for i in range(1, 2000)]))
    found = bytearray(path.read_bytes())
    found[4096 * 10 : 4096 * 10 + 64] = b"\xff" * 64
    path.write_bytes(found)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        DataWriter(path)


def test_a_failing_migration_leaves_the_version_before_it(path: Path) -> None:
    first = Schema("x.db", ("CREATE TABLE a(n INT)",))
    Writer(path, first).close()
    with pytest.raises(StoreError):
        Writer(path, Schema("x.db", (*first.migrations, "CREATE TABLE b(n INT); CREATE TABLE a(n INT)")))
    with Writer(path, first) as writer:
        assert writer._all("SELECT name FROM sqlite_master WHERE type = 'table'") == [("a",)]
        assert writer.version() == 1


def test_new_same_and_conflict_are_told_apart_and_the_first_is_kept(path: Path) -> None:
    with DataWriter(path) as writer, DataReader(path) as reader:
        first = [reading(1), reading(2)]
        assert writer.commit(Batch(readings=first)) == Outcome(2, 0, 0)
        retimed = first[0]._replace(measured_ms=T0 + 5, received_ms=T0 + 6)
        sent = [retimed, reading(2, raw=200), reading(3), reading(3), reading(3, raw=9)]
        assert writer.commit(Batch(readings=sent)) == Outcome(1, 2, 2)
        stored = reader.readings_after(0, 10)
        assert [r.reading for r in stored] == [*first, reading(3)]
        assert [q.reason for q in reader.quarantine()] == ["conflict", "conflict"]
        assert "kept (3, 0, 2000, 100), sent (3, 0, 2000, 200)" in reader.quarantine()[1].detail
        assert reader.counters() == {"readings_new": 3, "readings_same": 2, "quarantine_conflict": 2}
        assert reader.latest()["n1", 3, 0].raw == 100


def test_a_conflict_within_one_batch_does_not_reach_latest(path: Path) -> None:
    with DataWriter(path) as writer, DataReader(path) as reader:
        writer.commit(Batch(readings=[reading(1), reading(1, raw=5, at_ms=T0 + 10**9)]))
        assert reader.latest()["n1", 3, 0].raw == 100


def test_latest_moves_forward_only(path: Path) -> None:
    with DataWriter(path) as writer, DataReader(path) as reader:
        writer.commit(Batch(readings=[reading(5, raw=5), reading(4, raw=4)]))
        writer.commit(Batch(readings=[reading(3, raw=3)]))
        assert reader.latest()["n1", 3, 0].raw == 5
        writer.commit(Batch(readings=[reading(9, raw=9)._replace(time_q=0)]))
        assert reader.latest()["n1", 3, 0].raw == 5
        writer.commit(Batch(readings=[reading(6, raw=6)]))
        assert reader.latest()["n1", 3, 0].raw == 6


def test_a_latest_that_lies_in_the_future_gives_way(path: Path) -> None:  # P12
    with DataWriter(path) as writer, DataReader(path) as reader:
        writer.commit(Batch(readings=[reading(1, raw=1, at_ms=T0 + 10**9)._replace(received_ms=T0 + 10**9)]))
        writer.commit(Batch(readings=[reading(2, raw=2)]))  # the clock was set back in between
        assert reader.latest()["n1", 3, 0].raw == 2


def test_a_node_that_restarts_for_ever_does_not_fill_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MAX_BOOTS_PER_NODE", 10)
    with DataWriter(path) as writer, DataReader(path) as reader:
        for number in range(1, 31):
            begun = boot(number=number, last_ms=T0 - number)._replace(first_received_ms=T0 - number, hello=number)
            writer.commit(Batch(boots={("n1", number): begun}))
        assert [b.boot for b in reader.boots()] == list(range(21, 31))


def test_a_failed_commit_keeps_nothing_of_the_batch(path: Path) -> None:
    with DataWriter(path) as writer, DataReader(path) as reader:
        bad = reading(2)._replace(raw="x")  # type: ignore[arg-type]
        with pytest.raises(StoreError, match=r"data\.db"):
            writer.commit(Batch(readings=[reading(1), bad]))
        assert reader.last_id() == 0
        assert writer.commit(Batch(readings=[reading(1)])) == Outcome(1, 0, 0)


def test_a_full_disk_is_an_error_that_passes(path: Path) -> None:  # P12
    with DataWriter(path) as writer, DataReader(path) as reader:
        writer.commit(Batch(readings=[reading(1)]))
        pages = writer._all("PRAGMA page_count")[0][0]
        writer._all(f"PRAGMA max_page_count = {pages + 2}")  # what SQLite then says is what it says of a full disk
        many = [reading(i) for i in range(2, 5000)]
        with pytest.raises(StoreError, match="full"):
            writer.commit(Batch(readings=many))
        assert reader.last_id() == 1
        writer._all("PRAGMA max_page_count = 1000000")
        assert writer.commit(Batch(readings=many)).new == len(many)


def test_quarantine_is_bounded_and_what_falls_out_is_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MAX_QUARANTINE", 50)
    with DataWriter(path) as writer, DataReader(path) as reader:
        for i in range(8):
            rows = [Quarantined(i, "t", "bad_seal", str(j), b"x") for j in range(10)]
            writer.commit(Batch(quarantine=rows))
        kept = reader.quarantine(1000)
        assert len(kept) == 50 and kept[0].received_ms == 7 and kept[-1].received_ms == 3
        assert reader.counters()["quarantine_dropped"] == 30
        assert reader.counters()["quarantine_bad_seal"] == 80


def test_boots_receipts_history_completeness_and_gaps(path: Path) -> None:
    with DataWriter(path) as writer, DataReader(path) as reader:
        receipt = Receipt("n1", 7, 1, 1, 0, 1, 900, 100, T0)
        readings = [reading(s) for s in (2, 3, 6, 7)] + [reading(1, boot=8)]
        # The clock was set back between the two hellos.
        boots = {("n1", b): boot(number=b, last_ms=T0 - b)._replace(hello=b) for b in (8, 7)}
        writer.commit(Batch(readings=readings, receipts=[receipt, receipt], boots=boots))
        assert [r[1:] for r in reader.receipts_after(0, 10)] == [receipt]
        assert reader.receipts_after(1, 10) == []
        assert [b.boot for b in reader.boots()] == [7, 8]
        assert reader.current_boots() == {"n1": boots["n1", 8]}
        points = reader.history("n1", 3, 0, T0, T0 + 7000)
        assert [p.measured_ms for p in points] == [T0 + 1000, T0 + 2000, T0 + 3000, T0 + 6000]
        assert [p.measured_ms for p in reader.history("n1", 3, 0, T0, T0 + 7000, limit=1)] == [T0 + 6000]
        assert reader.completeness() == [data.Completeness("n1", 8, 5)]
        assert reader.gaps("n1") == [data.Gap(7, 1, 1), data.Gap(7, 4, 5)]
        assert [r.id for r in reader.newest_readings(2, 2)] == [5, 4]


def test_control_keeps_a_step_in_one_transaction(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    with control.ControlWriter(path) as writer, control.ControlReader(path) as reader:

        def add_twice() -> None:
            with writer.transaction():
                writer.set_cursor("intents", Place("f", 5, "x"))
                writer.add_command(command)

        with writer.transaction():
            writer.set_state(control.State(1, T0, "{}"))
            writer.set_cursor("intents", Place("f", 4, "y"))
            decision = control.Decision(0, T0, "xoai", "start", "dry", "{}", "{}", T0 + 1, "Đất khô")
            decision_id = writer.add_decision(decision)
            command = control.Command(0, T0, "v", 1, 1, 1, 0, 9, 9, "xoai", decision_id, "queued", None, None, None)
            command_id = writer.add_command(command)
            run_id = writer.add_run(control.Run(0, "xoai", T0, None, 0.0, "dry", None))
        with pytest.raises(StoreError, match="UNIQUE"):
            add_twice()
        with writer.transaction():
            writer.set_command(command_id, "sent", sent_ms=T0 + 1)
            writer.set_command(command_id, "answered", answered_ms=T0 + 2, status=1)
            writer.end_run(run_id, T0 + 9, 12.5, "wet")
        assert writer.cursors() == {"intents": Place("f", 4, "y")}
        assert reader.state() == writer.state() == control.State(1, T0, "{}")
        assert reader.last_decisions()["xoai"] == decision._replace(id=decision_id)
        assert reader.decisions("buoi") == [] and len(reader.decisions()) == 1
        assert reader.commands()[0][-4:] == ("answered", T0 + 1, T0 + 2, 1)
        assert reader.runs(T0 + 9) == [control.Run(run_id, "xoai", T0, T0 + 9, 12.5, "dry", "wet")]
        assert reader.runs(T0 + 10) == []


def test_people_sessions_and_intents(tmp_path: Path) -> None:
    path = tmp_path / "village.db"
    with village.VillageWriter(path) as writer, village.VillageReader(path) as reader:
        writer.set_user(village.User("bay", "hash", "farmer"))
        writer.open_session(village.Session(b"a", "bay", T0, T0 + 10))
        assert reader.session(b"a", T0 + 9) and reader.session(b"a", T0 + 10) is None
        writer.open_session(village.Session(b"b", "bay", T0 + 20, T0 + 30))
        writer.set_user(village.User("bay", "hash2", "farmer"))
        assert reader.user("bay") == village.User("bay", "hash2", "farmer")
        assert reader.session(b"b", T0 + 25) is None
        with pytest.raises(StoreError):
            writer.open_session(village.Session(b"c", "nobody", T0, T0 + 1))
        intent = village.Intent(0, T0, T0 + 5, "water", "xoai", 10, "bay")
        assert reader.intents_after(0) == [] and writer.add_intent(intent) == 1
        assert reader.intents_after(0) == [intent._replace(id=1)]
        with pytest.raises(StoreError):
            writer.add_intent(intent._replace(kind="open"))
        writer.delete_user("bay")
        assert reader.users() == []


def test_uplink_keeps_cursors_and_traffic(tmp_path: Path) -> None:
    path = tmp_path / "uplink.db"
    with uplink.UplinkWriter(path) as writer, uplink.UplinkReader(path) as reader:
        with writer.transaction():
            writer.set_cursor("backlog", Place("f", 3, "z"))
            writer.set_contiguous("n1", 7, 12)
            writer.add_traffic(uplink.Traffic(19783, 1, 100, 900))
            writer.add_traffic(uplink.Traffic(19783, 1, 50, 400))
        assert reader.cursors() == {"backlog": 3} and reader.contiguous() == {("n1", 7): 12}
        assert reader.traffic(19783) == uplink.Traffic(19783, 2, 150, 1300)
        assert reader.traffic(1) == uplink.Traffic(1, 0, 0, 0)


def test_every_file_has_its_own_name() -> None:
    names = [m.SCHEMA.file for m in (data, control, village, uplink)]
    assert names == ["data.db", "control.db", "village.db", "uplink.db"]
    assert issubclass(DataReader, Reader) and common.BUSY_TIMEOUT_S > 1


def test_a_place_holds_in_its_own_file_and_in_no_other(path: Path) -> None:  # P12
    with DataWriter(path) as writer, DataReader(path) as reader:
        writer.commit(Batch(readings=[reading(seq) for seq in range(1, 6)]))
        place = reader.place(READINGS, 5)
        assert reader.holds(READINGS, place) and reader.holds(READINGS, reader.place(READINGS, 0))
        assert not reader.holds(READINGS, place._replace(mark="n1 7 4"))
        with writer.transaction():
            writer._run("DELETE FROM readings WHERE id <= 3")
        assert reader.holds(READINGS, Place(place.file, 2, "n1 7 2"))  # pruned: what is left lies behind it
    path.unlink()
    with DataWriter(path) as writer, DataReader(path) as reader:
        writer.commit(Batch(readings=[reading(seq) for seq in range(1, 9)]))
        assert reader.file_id() != place.file and not reader.holds(READINGS, place)


def test_an_older_copy_that_grew_past_a_place_is_noticed(path: Path) -> None:  # P12
    with DataWriter(path) as writer:
        writer.commit(Batch(readings=[reading(seq) for seq in range(1, 4)]))
    copy = path.with_suffix(".old")
    shutil.copy(path, copy)
    with DataWriter(path) as writer, DataReader(path) as reader:
        writer.commit(Batch(readings=[reading(4), reading(5)]))
        early, late = reader.place(READINGS, 3), reader.place(READINGS, 5)
    shutil.copy(copy, path)
    with DataWriter(path) as writer, DataReader(path) as reader:
        assert reader.holds(READINGS, early) and not reader.holds(READINGS, late)
        writer.commit(Batch(readings=[reading(seq) for seq in range(6, 16)]))
        assert reader.file_id() == late.file and not reader.holds(READINGS, late)


def test_a_place_of_the_program_before_is_taken_over(path: Path) -> None:
    with DataWriter(path) as writer, DataReader(path) as reader:
        writer.commit(Batch(readings=[reading(1), reading(2)]))
        assert reader.holds(READINGS, Place("", 2, "")) and not reader.holds(READINGS, Place("", 3, ""))


def test_a_file_of_the_program_before_gets_an_id_and_keeps_its_cursors(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    with sqlite3.connect(path) as db:
        db.executescript(control.SCHEMA.migrations[0] + "INSERT INTO cursors VALUES('readings', 7);")
        db.execute("PRAGMA user_version = 1")
    with control.ControlWriter(path) as writer:
        assert writer.cursors() == {"readings": Place("", 7, "")} and len(writer.file_id()) == 32


def test_the_boots_of_the_program_before_keep_their_order_and_nothing_of_their_times(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.executescript("".join(data.SCHEMA.migrations[:2]))
        for number, last_ms in ((9, 50), (7, 90), (8, 70)):
            row = ("n1", number, b"12345678", T0, 10, last_ms, 5, "1.0", "soil", 1, 0)
            db.execute(f"INSERT INTO boots VALUES({', '.join('?' * len(row))})", row)
        db.execute("PRAGMA user_version = 2")
    with DataWriter(path), DataReader(path) as reader:
        assert [(b.boot, b.hello, b.steady) for b in reader.boots()] == [(9, 1, 0), (8, 2, 0), (7, 3, 0)]
        assert reader.current_boots()["n1"].boot == 7


def test_the_present_boots_are_found_without_reading_the_past(path: Path) -> None:
    nodes, lives = 20, 200
    with DataWriter(path) as writer, DataReader(path) as reader:
        for life in range(1, lives):
            boots = [boot(number=life)._replace(node=f"n{n}", hello=life * nodes + n) for n in range(nodes)]
            writer.commit(Batch(boots={(b.node, b.boot): b for b in boots}))
        assert {b.boot for b in reader.current_boots().values()} == {lives - 1}
        plan = " ".join(str(row[3]) for row in reader._all("EXPLAIN QUERY PLAN " + data._CURRENT_BOOTS))
        assert plan.count("SEARCH boots USING") == 4 and plan.count("boots_by_hello") == 4, plan


def test_a_file_that_is_replaced_in_use_is_told_at_once(path: Path) -> None:  # P12
    with DataWriter(path) as writer, DataReader(path) as reader:
        reading_1 = reading(1)
        path.rename(path.with_suffix(".away"))
        for use in (reader.data_version, lambda: writer.commit(Batch(readings=[reading_1]))):
            with pytest.raises(Replaced, match="replaced or taken away"):
                use()


def test_what_is_kept_no_longer_goes_in_batches_and_the_newest_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = common.Keep(age_ms=1000, most=40, least=10, batch=15)
    monkeypatch.setattr(control, "KEPT", {"decisions": ("at_ms", keep), "runs": ("ended_ms", keep)})
    with control.ControlWriter(tmp_path / "control.db") as writer:

        def prune(now_ms: int) -> tuple[int, list[int]]:
            with writer.transaction():
                gone = writer.prune(now_ms)
            return gone, [row[0] for row in writer._all("SELECT id FROM decisions ORDER BY id")]

        with writer.transaction():
            for n in range(60):
                writer.add_decision(control.Decision(0, T0 + n, "xoai", "no", "dry", "{}", "{}", T0, "Đất khô"))
                writer.add_run(control.Run(0, "xoai", T0, None, 0.0, "dry", None))
        assert prune(T0) == (15, list(range(16, 61)))  # beyond the most, a batch
        assert prune(T0) == (5, list(range(21, 61)))
        assert prune(T0 + 1025) == (5, list(range(26, 61)))  # those that are too old; open runs never
        for _ in range(3):
            left = prune(T0 + 10**12)[1]  # a clock that says 30 years later
        assert left == list(range(51, 61))


def test_old_receipts_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "KEPT_RECEIPTS", common.Keep(age_ms=1000, most=5, least=2, batch=100))
    with DataWriter(path) as writer, DataReader(path) as reader:
        rows = [Receipt("n1", 7, n, 1, 0, 0, 0, n, T0 + n) for n in range(1, 9)]
        writer.commit(Batch(receipts=rows))
        place = reader.place(data.RECEIPTS, 8)
        assert writer.prune(T0) == 3 and [row.id for row in reader.receipts_after(0, 9)] == [4, 5, 6, 7, 8]
        assert writer.prune(T0 + 5000) == 3 and reader.holds(data.RECEIPTS, place)
        assert reader.holds(data.RECEIPTS, place._replace(id=3, mark="long ago"))
