"""Village time: the same in all processes, as fast as it was told, and refused when the file is wrong."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit import clock
from tests.support.mp import run_micropython


def test_sped_clock_runs_as_fast_as_told() -> None:
    sped = clock.sped_clock_from(1_709_226_000_000, speed=600)
    wall, mono, real = sped.now_ms(), sped.mono_ms(), time.monotonic()
    sped.sleep_ms(60_000)
    elapsed_ms = (time.monotonic() - real) * 1000
    assert 100 <= elapsed_ms < 5_000
    assert sped.now_ms() - wall == pytest.approx(elapsed_ms * 600, rel=0.05)
    assert sped.mono_ms() - mono == pytest.approx(elapsed_ms * 600, rel=0.05)


def test_two_processes_read_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    sped = clock.sped_clock_from(1_709_226_000_000, speed=600)
    file.write_text(sped.to_json())
    before = sped.now_ms()
    # MicroPython has the same monotonic clock behind ticks_us
    code = (
        "import json, time\n"
        f"c = json.load(open({str(file)!r}))\n"
        "print(int((time.ticks_us() - c['mono_us']) * c['speed'] // 1000) + c['village_ms'])"
    )
    theirs = int(run_micropython(code).stdout)
    assert before <= theirs <= sped.now_ms()


def test_environment_names_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.CLOCK_ENV, raising=False)
    assert isinstance(clock.clock_from_environment(), clock.SystemClock)
    file = tmp_path / "clock.json"
    file.write_text(clock.SpedClock(5, 7, 60.0).to_json())
    monkeypatch.setenv(clock.CLOCK_ENV, str(file))
    assert clock.clock_from_environment() == clock.SpedClock(5, 7, 60.0)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", json.dumps({"mono_us": 1, "village_ms": 1, "speed": 0}), '{"mono_us": "x"}']
    + [json.dumps({"mono_us": 1, "village_ms": 1, "speed": s}) for s in (-1, 5000)],
)
def test_a_wrong_clock_file_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "clock.json"
    file.write_text(text)
    monkeypatch.setenv(clock.CLOCK_ENV, str(file))
    with pytest.raises(clock.ClockFileError):
        clock.clock_from_environment()


def test_a_missing_clock_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.CLOCK_ENV, "/nowhere/clock.json")
    with pytest.raises(clock.ClockFileError):
        clock.clock_from_environment()


def test_stretch_gives_a_sped_run_real_time_and_leaves_a_real_gateway_alone() -> None:
    assert clock.stretch_ms(clock.SystemClock(), 10_000, 1_000) == 10_000
    assert clock.stretch_ms(clock.SystemClock(), 100, 1_000) == 100
    assert clock.stretch_ms(clock.ManualClock(0, speed=600), 10_000, 1_000) == 600_000
    assert clock.stretch_ms(clock.ManualClock(0, speed=2), 10_000, 1_000) == 10_000


def test_manual_clock_moves_only_when_told() -> None:
    manual = clock.ManualClock(1_000)
    assert (manual.now_ms(), manual.mono_ms()) == (1_000, 0)
    manual.sleep_ms(250)
    assert (manual.now_ms(), manual.mono_ms(), manual.slept_ms) == (1_250, 250, [250])


def test_the_steady_clock_has_one_name_for_all_processes_until_the_machine_restarts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from kit.clock import SystemClock; print(SystemClock().steady_id)"
    theirs = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    sped = clock.SpedClock(5, 7, 60.0)
    assert theirs == clock.SystemClock().steady_id and 0 < theirs < 2**63
    assert sped.steady_id == clock.SpedClock(5, 7, 60.0).steady_id
    assert len({theirs, sped.steady_id, clock.SpedClock(6, 7, 60.0).steady_id}) == 3
    (tmp_path / "start").write_text("another start")
    monkeypatch.setattr(clock, "BOOT_ID", tmp_path / "start")
    clock._steady_id.cache_clear()
    assert clock.SystemClock().steady_id != theirs and sped.steady_id != theirs
    clock._steady_id.cache_clear()


def test_a_set_wall_clock_is_seen_against_the_steady_one() -> None:
    manual = clock.ManualClock(1_000)
    before = clock.ahead_ms(manual)
    manual.advance_ms(500)
    assert clock.ahead_ms(manual) == before
    manual.wall_ms -= 300
    assert clock.ahead_ms(manual) == before - 300


def test_days_are_days_of_vietnam() -> None:
    assert clock.vietnam_time(1_709_226_000_000).isoformat() == "2024-03-01T00:00:00+07:00"
