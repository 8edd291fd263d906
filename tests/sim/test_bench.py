"""The bench measures what it says: whole, accepted readings on both sides, and an exit code that follows the goals."""

from __future__ import annotations

import json
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.registry import load
from simulators import bench, peer
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
    monkeypatch.setattr(peer, "FOLDER", tmp_path)
    assert bench.main(["--days", "1", "--offline", "--json", str(tmp_path / "b.json")]) == 0
    told = capsys.readouterr().out
    assert "machine" in told and "not measured: pyfao56" in told
    figures = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert [ratio["met"] for ratio in figures["ratios"][:3]] == [True, True, None]
    assert [ratio["name"][:22] for ratio in figures["ratios"][3:]] == ["step of 1,000 gardens "] * 2
    monkeypatch.setitem(bench.GOALS, "ingest", 2.0)
    assert bench.main(["--days", "1", "--offline"]) == 1
    assert "NOT MET" in capsys.readouterr().out


def test_a_season_is_measured_against_the_peer_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "FOLDER", tmp_path)
    monkeypatch.setattr(peer, "WANTED", "pyfao56")
    (tmp_path / "pyfao56").mkdir()
    assert peer.search_path().split(os.pathsep) == [str(peer.ROOT), str(tmp_path)]
    told = json.dumps(
        {"zones": 1000, "days": 180, "together_s": 0.1, "pyfao56_s": 300.0, "ratio": 3000.0, "goal": 200.0}
    )
    (tmp_path / "simulators").mkdir()
    (tmp_path / "simulators" / "__init__.py").touch()
    (tmp_path / "simulators" / "bench_balance.py").write_text(f"print({told!r})")
    monkeypatch.setattr(peer, "ROOT", tmp_path)
    (ratio,) = bench.balance(offline=True)
    assert ratio.met and ratio.ours == pytest.approx(3000.0 * ratio.theirs) and "1,000 gardens" in ratio.name


def test_where_pip_cannot_install_the_peer_that_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "FOLDER", tmp_path / "build" / "peer")
    monkeypatch.setattr(peer, "ROOT", tmp_path)
    monkeypatch.setattr(peer, "WANTED", "./no-such-folder")
    assert list(bench.balance(offline=False)) == []
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 1 and "pip could not install ./no-such-folder" in told[0]
    assert not (tmp_path / "build" / "peer").exists()
