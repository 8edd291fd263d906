"""One ledger, two databases: SQLite and a real PostgreSQL must keep the same promises."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from cloud.core import spans as spans_of
from cloud.core.batch import Reading
from cloud.store import schema
from cloud.store.database import Database, DatabaseError, open_database
from cloud.store.ledger import Ledger, UnknownTenant
from cloud.store.people import MIN_PASSWORD, SCOPES, Bearer, People, PeopleError
from tests.support.postgres import Postgres
from tests.support.readings import BOOT, START_MS, reading, village

A, B = "my-khanh", "phong-dien"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/ledger.db"
    else:
        url = request.getfixturevalue("postgres").database()
    opened = open_database(url)
    for tenant in (A, B):
        People(opened).add_tenant(tenant, 1)
    yield opened
    opened.close()


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


def _all(ledger: Ledger, tenant: str) -> list[Reading]:
    return [stored.reading for page in ledger.period(tenant, 0, 2**50) for stored in page]


def test_a_commit_is_a_promise_on_every_connection(database: Database) -> None:  # P1
    with database.read() as connection:
        if database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_sent_twice_is_stored_once(ledger: Ledger) -> None:  # P2
    batch = village(1, 500)
    first, again = ledger.ingest(A, batch, 5), ledger.ingest(A, batch, 6)
    assert (first.new, first.same) == (500, 0)
    assert (again.new, again.same) == (0, 500)
    assert first.contiguous == again.contiguous
    assert sorted(_all(ledger, A)) == sorted(batch)


def test_overlapping_and_reordered_batches_lose_and_double_nothing(ledger: Ledger) -> None:  # P2
    rows = village(2, 600)
    rng = Random(3)
    new = same = 0
    for _ in range(40):
        start = rng.randrange(len(rows))
        batch = rows[start : start + rng.randrange(1, 80)]
        rng.shuffle(batch)
        receipt = ledger.ingest(A, batch, 1)
        new, same = new + receipt.new, same + receipt.same
        assert receipt.new + receipt.same == len(batch)
    receipt = ledger.ingest(A, rows, 2)
    assert new + receipt.new == 600
    assert sorted(_all(ledger, A)) == sorted(rows)
    assert ledger.gaps(A) == {}


def test_sparse_seqs_are_found_as_well_as_dense_ones(ledger: Ledger) -> None:
    ledger.ingest(A, [reading(s) for s in range(1, 3_001)], 1)
    for step in (1, 3, 100, 2_900):
        batch = [reading(s) for s in range(50, 3_001, step)]
        assert ledger.ingest(A, batch, 2).same == len(batch)


def test_watermark_and_gaps_follow_what_has_arrived(ledger: Ledger) -> None:
    key = ("soil-1", BOOT)
    assert ledger.ingest(A, [reading(s) for s in (8, 9)], 1).contiguous == {key: 0}
    assert ledger.ingest(A, [reading(s) for s in (1, 2, 3)], 1).contiguous == {key: 3}
    assert ledger.gaps(A) == {key: [(4, 7)]}
    assert ledger.ingest(A, [reading(s) for s in (5, 7)], 1).contiguous == {key: 3}
    assert ledger.gaps(A) == {key: [(4, 4), (6, 6)]}
    assert ledger.ingest(A, [reading(4)], 1).contiguous == {key: 5}
    assert ledger.ingest(A, [reading(6)], 1).contiguous == {key: 9}
    assert ledger.gaps(A) == {}
    assert ledger.ingest(A, [reading(1, boot=BOOT + 1)], 1).contiguous == {("soil-1", BOOT + 1): 1}


def test_a_conflict_is_kept_and_overwrites_nothing(ledger: Ledger, database: Database) -> None:
    ledger.ingest(A, [reading(1), reading(2)], 1)
    for _ in range(2):  # a conflict sent twice is kept once
        receipt = ledger.ingest(A, [reading(1), reading(2, raw=5)], 2)
        assert (receipt.new, receipt.same, receipt.conflict) == (0, 1, 1)
    assert _all(ledger, A) == [reading(1), reading(2)]
    assert ledger.counts(A) == {"readings": 2, "conflicts": 1, "rejected": 0}
    with database.read() as connection:
        kept = connection.execute(select(schema.conflicts.c.reading)).scalar_one()
    assert '"raw":5,' in kept


def test_a_rejected_row_is_kept_and_stops_nobody(ledger: Ledger) -> None:  # P5
    bad = [reading(2, raw=-4), reading(3, field=200), reading(4, measured_ms=2**63 - 1), reading(0)]
    for expected_new in (2, 0):
        receipt = ledger.ingest(A, [reading(1), *bad, reading(5)], 1)
        assert receipt.new == expected_new
        assert [r.code for r in receipt.rejected] == [
            "raw_out_of_range", "unknown_field", "bad_measured_ms", "bad_seq",
        ]  # fmt: skip
    # it has arrived, so it is not asked for again
    assert receipt.contiguous == {("soil-1", BOOT): 5}
    assert ledger.counts(A) == {"readings": 2, "conflicts": 0, "rejected": 4}
    # and when a mended row comes for it, that is taken
    assert ledger.ingest(A, [reading(2)], 2).new == 1


def test_numbers_that_no_column_holds_are_rejected_not_raised(ledger: Ledger) -> None:  # P5
    changes: list[dict[str, Any]] = [{name: n} for name in Reading._fields[1:] for n in (-(2**70), 2**70)]
    huge = [reading(1)._replace(**change) for change in changes]
    receipt = ledger.ingest(A, [*huge, reading(1)], 1)
    assert receipt.new == 1
    assert len(receipt.rejected) == len(huge)


def test_tenants_do_not_see_each_other(ledger: Ledger) -> None:  # P7
    ledger.ingest(A, [reading(1)], 1)
    receipt = ledger.ingest(B, [reading(1, raw=5)], 1)
    assert (receipt.new, receipt.conflict) == (1, 0)
    assert _all(ledger, A) == [reading(1)]
    assert _all(ledger, B) == [reading(1, raw=5)]
    ledger.put_snapshot(A, "{}", 1)
    assert ledger.snapshot(B) is None
    with pytest.raises(UnknownTenant):
        ledger.ingest("nobody", [reading(1)], 1)


def test_ids_rise_in_commit_order_for_concurrent_writers(ledger: Ledger) -> None:
    """A reader behind a cursor never misses a row that commits late."""
    rows = village(4, 800)
    batches = [(tenant, rows[n : n + 40]) for n in range(0, 800, 40) for tenant in (A, B)]
    seen: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(ledger.ingest, tenant, batch, 1) for tenant, batch in batches]
        while not all(job.done() for job in jobs):
            seen += [stored.ledger_id for stored in ledger.after(seen[-1] if seen else 0)]
        assert sum(job.result().new for job in jobs) == 1600
    seen += [stored.ledger_id for stored in ledger.after(seen[-1] if seen else 0)]
    assert seen == list(range(1, 1601))
    assert ledger.newest_id() == 1600


def test_a_period_is_paged_by_key_and_stops_at_what_was_there(ledger: Ledger) -> None:
    same_time = [reading(s, measured_ms=START_MS) for s in range(1, 4501)]
    ledger.ingest(A, same_time, 1)
    ledger.ingest(A, [reading(s) for s in range(5001, 5003)], 1)
    pages = ledger.period(A, START_MS, START_MS + 1)
    first = next(pages)
    ledger.ingest(A, [reading(9000, measured_ms=START_MS)], 1)
    seqs = [stored.reading.seq for stored in first] + [stored.reading.seq for page in pages for stored in page]
    assert seqs == list(range(1, 4501))
    assert _all(ledger, A)[-1] == reading(5002)


def test_people_and_sessions_belong_to_one_tenant(database: Database) -> None:  # P7
    people = People(database)
    people.add_user(A, "Ông Bảy", "mua nang theo mua", "farmer", 1)
    with pytest.raises(PeopleError, match="already"):
        people.add_user(A, "Ông Bảy", "mua nang theo mua", "farmer", 1)
    with pytest.raises(PeopleError, match=str(MIN_PASSWORD)):
        people.add_user(A, "Cô Tư", "ngan", "farmer", 1)
    with pytest.raises(PeopleError, match="no village"):
        people.add_user("nobody", "Cô Tư", "mua nang theo mua", "farmer", 1)
    assert people.verify(B, "Ông Bảy", "mua nang theo mua") is None
    assert people.verify(A, "Ông Bảy", "mua nang theo mu") is None
    person = people.verify(A, "Ông Bảy", "mua nang theo mua")
    assert person is not None and person.name == "ông bảy"
    session = people.open_session(person, 1_000)
    assert people.person_of_session(session, 2_000) == person
    assert people.person_of_session(session[:-1], 2_000) is None
    assert people.person_of_session(session, 2_000 + 31 * 86_400_000) is None
    people.close_session(session)
    assert people.person_of_session(session, 2_000) is None


def test_tokens_are_hashed_and_revocable(database: Database, tmp_path: Path) -> None:
    people = People(database)
    token, reader = people.add_token(A, "add", 1), people.add_token(A, "read", 1)
    assert len(token) >= 43 and len(reader) >= 43  # 256 bits
    assert (people.bearer(token), people.bearer(reader)) == (Bearer(A, "add"), Bearer(A, "read"))
    assert people.bearer(token[:-1]) is None
    assert people.bearer("") is None
    if database.is_sqlite:
        kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert token.encode() not in kept and reader.encode() not in kept
    assert people.revoke_tokens(A, "read") == 1
    assert (people.bearer(token), people.bearer(reader)) == (Bearer(A, "add"), None)
    assert people.revoke_tokens(A, *SCOPES) == 2
    assert people.bearer(token) is None


def test_a_token_from_before_there_were_readers_only_adds(database: Database) -> None:
    people = People(database)
    with database.write() as connection:
        schema.reader_tokens.drop(connection)
    token = people.add_token(A, "add", 1)
    url = database.engine.url.render_as_string(hide_password=False)
    with closing(open_database(url)) as again:
        assert People(again).bearer(token) == Bearer(A, "add")


def test_names_have_one_spelling_and_no_control_character(database: Database) -> None:
    people = People(database)
    people.add_user(A, "  Ông   Bảy ", "mua nang theo mua", "farmer", 1)
    for name in ("Ông Bảy", "ông bảy", "ÔNG  BẢY "):
        person = people.verify(A, name, "mua nang theo mua")
        assert person is not None and person.name == "ông bảy"
    for name in ("", " ", "Bảy\0", "Bảy\x1b[2J", "<b>", "x" * 41):
        with pytest.raises(PeopleError, match="a name has"):
            people.add_user(A, name, "mua nang theo mua", "farmer", 1)


def test_the_file_is_its_owners_alone_from_the_beginning(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        old = tmp_path / "old.db"
        old.touch(0o666)
        for file in (tmp_path / "ledger.db", old):
            with closing(open_database(f"sqlite:///{file}")) as opened:
                Ledger(opened).newest_id()
                found = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob(file.name + "*")}
            assert set(found) == {file.name, file.name + "-wal", file.name + "-shm"}
            assert set(found.values()) == {0o600}
    finally:
        os.umask(mask)


def test_spans_far_from_a_batch_are_not_looked_at(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that loses every second reading leaves a span for each; a batch at both ends must not load them all."""
    ledger.ingest(A, [reading(s) for s in range(1, 5_000, 2)], 1)
    looked_at: list[int] = []
    merge = spans_of.merge

    def counted(spans: list[spans_of.Span], seqs: list[int]) -> list[spans_of.Span]:
        looked_at.append(len(spans))
        return merge(spans, seqs)

    monkeypatch.setattr(spans_of, "merge", counted)
    receipt = ledger.ingest(A, [reading(2), reading(1_000_000), reading(3_000)], 2)
    assert receipt.new == 3 and receipt.contiguous == {("soil-1", BOOT): 3}
    assert looked_at[0] <= 3 * spans_of.NEAR
    gaps = ledger.gaps(A)["soil-1", BOOT]
    assert gaps[0] == (4, 4) and (3_000, 3_000) not in gaps and gaps[-1] == (5_000, 999_999)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "is not a database address"),
        ("mysql://x/y", "not on mysql"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:////no/such/folder/x.db", "cannot use the database"),
        ("postgresql://nobody:canary-secret@127.0.0.1:1/x", "cannot use the database"),
    ],
)
def test_a_wrong_address_is_one_line_without_the_password(url: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message) as caught:
        open_database(url)
    assert "\n" not in str(caught.value)
    assert "canary-secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mưa lớn ngày 12 " * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        open_database(f"sqlite:///{file}")
    assert file.read_text().startswith("mưa lớn")
