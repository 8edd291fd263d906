"""Files for the commands et0, balance and quality, and what a refusal of theirs is."""

import csv
import io
from pathlib import Path

import pytest

from cli import __main__ as entry

ROOT = Path(__file__).resolve().parents[2]
DAYS = """date,tmax_c,tmin_c,rhmean_pct,wind_ms,srad_mj_m2,rain_mm
2024-03-01,34.8,24.1,70,2.1,21.0,0
2024-03-02,35.0,24.4,68,2.3,22.1,0
2024-03-03,33.9,25.0,75,1.9,18.4,6.5
2024-03-04,34.2,24.6,71,2.0,20.9,0
"""
SCENARIO = """[weather]
csv = "weather.csv"
latitude = 10.45
elevation_m = 2
[soil]
layers = [{depth_m = 1.0, fc = 0.32, wp = 0.15}]
theta_initial = 0.24
ze_m = 0.1
rew_mm = 8
[crop]
method = "dual"
start = 2024-03-01
stages_days = [1, 1, 30, 20]
kcb = [0.15, 1.1, 0.9]
root_m = [0.3, 0.6]
height_m = [0.1, 0.5]
p = 0.5
[irrigation]
events = [{date = 2024-03-02, depth_mm = 20}]
"""
LIMITS = "[soil]\nrange = [0.0, 0.6]\nresolution = 0.001\nperiod_s = 3600\nlargest_step = 0.05\n"
READINGS = "time,soil\n2024-03-01T00:00+07:00,0.25\n2024-03-01T01:00+07:00,0.25\n2024-03-01T02:00+07:00,0.25\n"
WHERE = ["--lat", "10.45", "--elevation", "2"]


def write_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good files of every kind, in a folder that is then the current one."""
    monkeypatch.chdir(folder)
    for name, text in (("weather.csv", DAYS), ("field.toml", SCENARIO), ("limits.toml", LIMITS),
                       ("readings.csv", READINGS)):  # fmt: skip
        Path(name).write_text(text, encoding="utf-8")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def refusal(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 1) -> str:
    """Run a command that must refuse: the one line it said, nothing on the screen, nothing written."""
    before = {path: path.read_bytes() for path in Path().iterdir()}
    try:
        result = entry.main([*words, *([] if "-o" in words else ["-o", "out.csv"])])
    except SystemExit as stop:
        result = stop.code if isinstance(stop.code, int) else -1
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if "/ note: " not in line]
    assert (result, out, len(lines)) == (code, "", 1), err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    assert " / " in lines[0]
    return lines[0]
