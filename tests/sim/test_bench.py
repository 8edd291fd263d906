"""The bench measures what it says: whole, accepted readings on both sides, and an exit code that follows the goals."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.registry import load
from simulators import bench
from simulators.stage import HERE
from wire.seal import KEY_BYTES

VILLAGE = load(HERE / "village.toml")
KEYS = {node: random.Random(node).randbytes(KEY_BYTES) for node in VILLAGE.nodes}


def test_both_sides_store_the_same_readings(tmp_path: Path) -> None:
    messages = list(bench.simulate(VILLAGE, KEYS, 1, seed=1))
    readings = bench.judged(VILLAGE, KEYS, messages)
    assert len(readings) > 5000
    bench._ingest(tmp_path / "ours.db", VILLAGE, KEYS, messages)
    bench._raw(tmp_path / "raw.db", readings)
    query = "SELECT node, boot, seq, field, channel, measured_ms, raw, value, flag FROM readings ORDER BY node, seq"
    kept = []
    for name in ("ours.db", "raw.db"):
        with closing(sqlite3.connect(tmp_path / name)) as db:
            kept.append(db.execute(query).fetchall())
    assert kept[0] == kept[1] and len(kept[0]) == len(readings)


def test_the_goals_decide_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "ROUNDS", 1)
    assert bench.main(["--days", "1", "--json", str(tmp_path / "b.json")]) == 0
    assert "machine" in capsys.readouterr().out
    figures = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert [ratio["met"] for ratio in figures["ratios"]] == [True, True, None]
    monkeypatch.setitem(bench.GOALS, "ingest", 2.0)
    assert bench.main(["--days", "1"]) == 1
    assert "NOT MET" in capsys.readouterr().out
