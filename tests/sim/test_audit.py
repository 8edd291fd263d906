"""The audit passes a whole run, and fails for each fault planted in one: it is able to fail."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cloud.store.database import open_database
from gateway.store.control import ControlWriter
from gateway.store.data import DataWriter
from simulators.audit import Evidence, Report, audit, on_times

BOOT = 0x0001_0042
LEASE_MS = 120_000


@dataclass
class Run:
    """The files of a small, whole run: 100 readings, one watering with a renewed lease, one refusal."""

    folder: Path
    evidence: Evidence

    def sql(self, file: str, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / file)) as db, db:
            assert db.execute(statement).rowcount > 0

    def change(self, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Rewrite the witness line by line; None leaves the line out."""
        lines = map(json.loads, self.evidence.witness.read_text(encoding="utf-8").splitlines())
        kept = [changed for line in lines if (changed := change(line)) is not None]
        write_witness(self.evidence.witness, kept)

    def audit(self) -> Report:
        return audit(self.evidence)


def write_witness(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def switch(at_ms: int, output: int, on: bool) -> dict[str, Any]:
    return {"kind": "output", "at_ms": at_ms, "node": "valve-1", "output": output, "on": on, "why": "set"}


def lease(at_ms: int, output: int) -> dict[str, Any]:
    return {"kind": "lease", "at_ms": at_ms, "node": "valve-1", "output": output, "until_ms": at_ms + LEASE_MS}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    witness = [
        {"kind": "stored", "at_ms": 1, "node": "soil-1", "boot": BOOT, "first": 1, "last": 60},
        {"kind": "stored", "at_ms": 2, "node": "soil-1", "boot": BOOT, "first": 61, "last": 100},
        {"kind": "heap", "at_ms": 2, "node": "soil-1", "free": 41_000},
        {"kind": "heap", "at_ms": 3, "node": "soil-1", "free": 39_000},
        lease(1000, 1), switch(1001, 1, True), lease(1100, 0), switch(1101, 0, True),
        lease(80_000, 1), lease(80_100, 0), switch(150_000, 0, False), switch(150_001, 1, False),
        {"kind": "water", "at_ms": 160_000, "zone": "xoai", "litres": 600.0, "mm": 0.6, "open_s": 149.0},
    ]  # fmt: skip
    write_witness(tmp_path / "witness.jsonl", witness)
    DataWriter(tmp_path / "data.db").close()
    ControlWriter(tmp_path / "control.db").close()
    open_database(f"sqlite:///{tmp_path / 'cloud.db'}").close()
    series = [(seq, "soil-1", BOOT, seq, 1, 0, seq, seq, 4, seq, 2_000_000, 2500, 1, 1) for seq in range(1, 101)]
    with closing(sqlite3.connect(tmp_path / "data.db")) as db, db:
        db.executemany(f"INSERT INTO readings VALUES({','.join('?' * 14)})", series)
    with closing(sqlite3.connect(tmp_path / "cloud.db")) as db, db:
        names = (
            "ledger_id, tenant, stored_ms, node, boot, seq, field, channel, uptime_ms, measured_ms, time_quality,"
            " received_ms, raw, value, flag, calibration"
        )
        db.executemany(f"INSERT INTO readings({names}) VALUES(?, 'v', 9, {', '.join('?' * 13)})", series)
    with closing(sqlite3.connect(tmp_path / "control.db")) as db, db:
        db.executemany(
            "INSERT INTO decisions VALUES(?, 1, 'xoai', ?, ?, '{}', '{}', 2, 'Đất khô, đang tưới.')",
            [(1, "start", "soil_dry"), (2, "stop", "target_reached"), (3, "refused", "source_salt")],
        )
        db.execute("INSERT INTO runs VALUES(1, 'xoai', 1000, 150000, 590.0, 'soil_dry', 'target_reached')")
        opens = [(n, n, 1 - n % 2) for n in range(1, 5)]
        db.executemany(
            f"INSERT INTO commands VALUES(?, 1, 'valve-1', 7, ?, 1, ?, {LEASE_MS}, 1, 'xoai', 1, 'done', 1, 1, 1)",
            opens,
        )
    return Run(
        tmp_path,
        Evidence(
            witness=tmp_path / "witness.jsonl", data=tmp_path / "data.db", control=tmp_path / "control.db",
            cloud=tmp_path / "cloud.db", tenant="v", speed=1.0,
            hard_max_ms={("valve-1", 0): 150_000, ("valve-1", 1): 150_000},
            peak_memory_mb={"control": 60.0, "web": 90.0, "cloud": 100.0},
        ),
    )  # fmt: skip


def test_a_whole_run_passes_with_its_figures(run: Run) -> None:
    report = run.audit()
    assert report.failures == []
    readings = report.figures["readings"]
    assert (readings["measured"], readings["gateway"], readings["cloud"]) == (100, 100, 100)
    assert readings["lost"] == readings["duplicated"] == 0
    assert report.figures["outputs"]["times_on"] == 2
    assert report.figures["irrigation"]["dry_to_target"] == 1
    assert report.figures["irrigation"]["refused_salt"] == 1
    water = {"litres": 600.0, "mm": 0.6, "minutes": 2.5, "litres_reckoned_by_gateway": 590.0}
    assert report.figures["water_by_zone"]["xoai"] == water
    assert report.figures["lowest_free_heap_bytes"] == 39_000


def test_a_run_without_a_torn_last_line_is_the_same(run: Run) -> None:
    with run.evidence.witness.open("a", encoding="utf-8") as file:
        file.write('{"kind": "stored", "node": "soil-1", "bo')
    assert run.audit().ok


def test_a_lease_that_was_told_twice_counts_once(run: Run) -> None:
    lines = [json.loads(line) for line in run.evidence.witness.read_text(encoding="utf-8").splitlines()]
    write_witness(run.evidence.witness, [line for line in lines for _ in range(1 + (line["kind"] == "lease"))])
    report = run.audit()
    assert report.ok and report.figures["outputs"]["leases_accepted"] == 4


def fails(run: Run, with_words: str) -> Report:
    report = run.audit()
    assert any(with_words in failure for failure in report.failures), report.failures
    return report


def test_a_reading_lost_on_the_way_is_found_even_if_the_counts_agree(run: Run) -> None:
    run.sql("data.db", "UPDATE readings SET seq = 4000 WHERE seq = 17")
    report = fails(run, f"lost before the gateway: 1, such as ('soil-1', {BOOT}, 17)")
    assert report.figures["readings"]["lost"] == 1
    assert report.figures["readings"]["gateway"] == 100
    fails(run, "stored but never measured: 1")


def test_a_reading_lost_before_the_cloud_is_found(run: Run) -> None:
    run.sql("cloud.db", "DELETE FROM readings WHERE seq IN (5, 6)")
    assert fails(run, "lost before the cloud: 2").figures["readings"]["lost"] == 2


def test_another_village_does_not_count(run: Run) -> None:
    run.sql("cloud.db", "UPDATE readings SET tenant = 'other' WHERE seq = 9")
    fails(run, "lost before the cloud: 1")


def test_a_reading_stored_twice_is_found(run: Run) -> None:
    with closing(sqlite3.connect(run.folder / "data.db")) as db, db:  # a store that lost its UNIQUE
        db.execute("CREATE TABLE copy AS SELECT * FROM readings")
        db.execute("INSERT INTO copy SELECT * FROM readings WHERE seq = 3")
        db.execute("DROP TABLE readings")
        db.execute("ALTER TABLE copy RENAME TO readings")
    assert fails(run, "1 reading(s) stored twice").figures["readings"]["duplicated"] == 1


def test_an_output_on_beyond_its_lease_is_found(run: Run) -> None:
    def late(line: dict[str, Any]) -> dict[str, Any]:
        if line["kind"] == "output" and line["output"] == 0 and not line["on"]:
            line["at_ms"] = 80_100 + LEASE_MS + 2_001
        return line

    run.change(late)
    assert fails(run, "on beyond the lease: 1").figures["outputs"]["beyond_lease"] == 1
    run.evidence = replace(run.evidence, speed=600.0)  # 0.2 s of real time is now two minutes
    assert run.audit().ok


def test_a_lease_that_was_renewed_too_late_is_found(run: Run) -> None:
    def shorter(line: dict[str, Any]) -> dict[str, Any]:
        if line["kind"] == "lease" and line["at_ms"] == 1100:
            line["until_ms"] = 80_100 - 2_001  # off at the end all the same, but on without a lease before
        return line

    run.change(shorter)
    assert fails(run, "on beyond the lease: 1").figures["outputs"]["beyond_lease"] == 1


def test_an_output_on_beyond_its_hard_maximum_is_found(run: Run) -> None:
    run.evidence = replace(run.evidence, hard_max_ms={("valve-1", 0): 150_000, ("valve-1", 1): 100_000})
    report = fails(run, "on beyond the hard maximum: 1, such as (('valve-1', 1), 1001, 150001)")
    assert report.figures["outputs"]["beyond_hard_maximum"] == 1
    run.evidence = replace(run.evidence, hard_max_ms={("valve-1", 0): 150_000})
    fails(run, "on beyond the hard maximum: 1")  # an output that the registry does not know


def test_an_output_that_stays_on_is_found(run: Run) -> None:
    run.change(lambda line: None if line["kind"] == "output" and not line["on"] and line["output"] == 1 else line)
    fails(run, "on beyond the lease: 1")


def test_an_output_on_without_a_lease_is_found(run: Run) -> None:
    run.change(lambda line: None if line["kind"] == "lease" and line["output"] == 1 else line)
    fails(run, "on beyond the lease: 1, such as (('valve-1', 1), 1001, 150001)")


def test_the_lease_of_an_earlier_time_does_not_count() -> None:
    times = on_times([lease(0, 1), switch(1, 1, True), switch(2, 1, False), switch(3, 1, True), switch(4, 1, False)])
    assert [time.overrun_ms for time in times] == [0, float("inf")]


def test_leases_that_nobody_committed_are_found(run: Run) -> None:
    run.sql("control.db", "DELETE FROM commands WHERE id = 1")
    fails(run, "leases that no committed command explains: 1")


def test_a_longer_lease_than_was_commanded_is_found(run: Run) -> None:
    run.sql("control.db", "UPDATE commands SET duration_ms = 60000")
    fails(run, "leases that no committed command explains: 2")


def test_a_decision_without_a_reason_is_found(run: Run) -> None:
    run.sql("control.db", "UPDATE decisions SET text_vi = ' ' WHERE id = 2")
    assert fails(run, "decisions without a reason: 1, such as 2").figures["irrigation"]["decisions_without_reason"] == 1


def test_a_run_that_shows_no_watering_or_refusal_fails(run: Run) -> None:
    run.sql("control.db", "UPDATE runs SET why_stop = 'max_run'")
    fails(run, "no garden was watered because it was dry and stopped at its target")
    run.sql("control.db", "UPDATE decisions SET rule = 'held_by_stop' WHERE id = 3")
    fails(run, "no watering was refused")
    run.sql("control.db", "UPDATE runs SET why_stop = NULL")
    fails(run, "runs that ended without a reason: 1")


def test_water_that_never_came_is_found(run: Run) -> None:
    run.change(lambda line: {**line, "litres": 0.0} if line["kind"] == "water" else line)
    fails(run, "no water reached a garden")


def test_too_much_memory_or_none_seen_is_found(run: Run) -> None:
    run.evidence = replace(run.evidence, peak_memory_mb={"control": 80.1, "web": 90.0})
    fails(run, "control took 80.1 MB, its limit is 80 MB")
    fails(run, "the memory of cloud was never seen")


def test_an_empty_run_fails(run: Run) -> None:
    write_witness(run.evidence.witness, [])
    report = run.audit()
    assert "no reading was measured" in report.failures
    assert "no node told its free heap" in report.failures
