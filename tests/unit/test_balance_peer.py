"""Random seasons as files, against what pyfao56 computed for the same: programs, layers, runoff and dry soils."""

from pathlib import Path

import numpy as np
import pytest

from cli import __main__ as entry
from gateway.core.fao56.atmosphere import floats
from tests.support.agronomy import table
from tests.support.peer_seasons import TOTALS, PeerSeason, load

SEASONS = load()
DR_MM = 0.35  # the goal is 1 mm; pyfao56 counts roots in layered soils by whole millimetres
TOTAL_SHARE, TOTAL_MM = 0.003, 0.3  # the goal is 1 %


def balance(season: PeerSeason, beyond_taw: str) -> list[dict[str, str]]:
    Path("weather.csv").write_text(season.weather, encoding="utf-8")
    Path("field.toml").write_text(f'{season.toml}beyond_taw = "{beyond_taw}"\n', encoding="utf-8")
    assert entry.main(["balance", "field.toml", "-o", "out.csv"]) == 0
    return table(Path("out.csv").read_text(encoding="utf-8"))


def column(rows: list[dict[str, str]], name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return floats([float(row[name]) for row in rows])


@pytest.mark.parametrize("number", range(len(SEASONS)))
def test_every_depletion_and_all_totals_are_those_of_pyfao56(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    season = SEASONS[number]
    computed, cut = balance(season, "as_computed"), balance(season, "cut")
    for rows in (computed, cut):
        assert np.max(np.abs(column(rows, "dr_mm") - floats(season.dr_mm))) <= DR_MM
    for theirs, name in TOTALS.items():
        assert column(computed, name).sum() == pytest.approx(season.totals_mm[theirs], rel=TOTAL_SHARE, abs=TOTAL_MM)
    assert column(cut, "eta_mm").sum() <= column(computed, "eta_mm").sum() + 1e-6


def test_the_seasons_hold_what_they_are_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs, runoff, percolation, stress, and soils so dry that the two choices differ."""
    monkeypatch.chdir(tmp_path)
    assert {"events" in one.toml or "rule" in one.toml for one in SEASONS} == {True, False}
    for name in ("Irrig", "Runoff", "DP"):
        assert sum(one.totals_mm[name] > 5.0 for one in SEASONS) >= 5, name
    differ = 0
    for one in SEASONS:
        eaten = [column(balance(one, way), "eta_mm").sum() for way in ("cut", "as_computed")]
        differ += eaten[1] > eaten[0] + 0.1
    assert differ >= 3
