"""The weekly report on a real record: ours as it was, three others on the same days, and how surely."""

from __future__ import annotations

import csv
import io
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from gateway import report, reports
from gateway.__main__ import main
from gateway.core.savings import Saving
from gateway.home import Home
from gateway.report import Report
from gateway.web.reports import newest
from kit.clock import real_mono_s, real_sleep_s
from simulators.season.gateway import Gateway
from tests.support import recorded

MONDAY = date(2024, 6, 3)
WEEK = "2024-W23"
DAYS = 3
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Gateway]:
    """Monday to Wednesday of a rainy week."""
    with pytest.MonkeyPatch.context() as patch:
        return recorded.written(tmp_path_factory.mktemp("home"), DAYS, patch, first=MONDAY)


@pytest.fixture(scope="module")
def made(wet: tuple[Home, Gateway]) -> Report:
    return report.make(wet[0], WEEK)


def garden(made: Report, zone: str = "vuon-xoai") -> Saving:
    return next(saving for saving in made.gardens if saving.zone.id == zone)


def test_ours_is_what_was_really_watered(made: Report, wet: tuple[Home, Gateway]) -> None:
    assert len(made.gardens) == 3 and not made.unreckoned
    for saving in made.gardens:
        runs = [run for run in wet[1].diary.runs if run.zone == saving.zone.id]
        assert saving.ours.litres == sum(run.millilitres for run in runs) / 1000
        assert saving.ours.times == len(runs)


def test_the_others_live_on_the_same_days(made: Report) -> None:
    saving = garden(made)
    timer, et, probe = saving.others
    assert (timer.name, et.name, probe.name) == ("timer", "et", "probe")
    assert timer.times == DAYS and timer.mm == pytest.approx(DAYS * 4.5, rel=0.3)
    assert timer.drained_mm is not None and timer.drained_mm > 1.0  # it waters in the rain
    assert saving.saved_mm(timer) == pytest.approx(
        timer.mm - saving.ours.mm - (saving.ours.end_mm - timer.end_mm), abs=1e-9
    )


def test_watering_in_the_rain_is_a_loss_that_is_seen(made: Report) -> None:
    saving = garden(made)
    timer = saving.others[0]
    assert saving.saved_mm(timer) > saving.doubt_mm > 0.0
    vi, en = next(report.sentences(made))
    assert vi.startswith("Vườn xoài chú Sáu: tưới ") and "ít hơn tưới theo giờ cố định khoảng" in vi
    assert vi.endswith("cây không thiếu nước.") and "less than a fixed timer" in en
    assert list(report.sentences(made))[-1][0].startswith("Cả làng: tưới ")


def test_what_is_not_sure_is_not_claimed() -> None:
    assert report._against(1.0, 2.0, 20.0)[0] == "chưa thấy khác tưới theo giờ cố định"
    assert report._against(5.0, 2.0, 20.0)[0] == "ít hơn tưới theo giờ cố định khoảng 25 % (sai số 10)"
    assert report._against(-5.0, 2.0, 20.0)[1] == "about 25 % (± 10) more than a fixed timer"
    assert report._against(-5.0, 2.0, 0.0)[1] == "no difference from a fixed timer seen yet"


def test_page_and_table_are_written_and_the_page_stands_alone(
    wet: tuple[Home, Gateway], capsys: pytest.CaptureFixture[str]
) -> None:
    home = wet[0]
    assert newest(home.reports) is None
    assert main(["report", "--home", str(home.root), "--week", WEEK, "--whole"]) == 1  # three days are no week
    assert "nhật ký chỉ có" in capsys.readouterr().err
    assert main(["report", "--home", str(home.root), "--week", WEEK]) == 0
    assert "Vườn xoài chú Sáu: tưới" in capsys.readouterr().out
    page = newest(home.reports)
    assert page is not None and page.name == f"{WEEK}.html" and page.stat().st_mode & 0o077 == 0
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 3 and "<script" not in html and "http" not in html
    assert "Nhật ký chỉ có 3,0 ngày" in html
    rows = list(csv.DictReader(io.StringIO((home.reports / f"{WEEK}.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 3 * 4 and {row["way"] for row in rows} == {"ours", "timer", "et", "probe"}
    assert {row["measured"] for row in rows if row["way"] == "ours"} <= {"meter", "flow"}


def test_a_week_with_a_hole_inside_is_not_whole(wet: tuple[Home, Gateway], tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.control.write_bytes(wet[0].control.read_bytes())
    noon_ms = report.week_span(WEEK)[0] + 36 * 3_600_000  # of Tuesday
    with closing(sqlite3.connect(home.control)) as db:
        hole = "at_ms < ? AND until_ms > ?", (noon_ms + 8 * 3_600_000, noon_ms - 8 * 3_600_000)
        gone = db.execute(f"DELETE FROM parts WHERE {hole[0]}", hole[1]).rowcount
        db.commit()
    made = report.make(home, WEEK)
    assert gone > 1 and made.record.days > DAYS - 0.1
    assert DAYS - 1.5 < made.record.heard_days < DAYS - 0.6
    assert f"chỉ có {made.record.heard_days:.1f}".replace(".", ",") in report.page(made)


def test_a_week_is_named_and_begins_on_monday_in_vietnam() -> None:
    first_ms, last_ms = report.week_span(WEEK)
    assert first_ms == 1_717_347_600_000 and last_ms - first_ms == 7 * 86_400_000 - 1
    assert report.week_before(last_ms) == "2024-W22" == reports.week_before(last_ms)
    assert report.week_before(last_ms + 1) == WEEK == reports.week_before(last_ms + 1)


def test_a_week_that_cannot_be_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--home", str(tmp_path), "--week", "2024-W60"]) == 1
    assert "--week = 2024-W60: phải là tuần như 2024-W09" in capsys.readouterr().err


def test_the_process_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "gateway", "reports", "--home", str(tmp_path)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        status = Path(f"/proc/{process.pid}/status")
        until_s = real_mono_s() + 60.0
        while not _listens(status):  # SIGTERM is taken from then on
            assert process.poll() is None and real_mono_s() < until_s
            real_sleep_s(0.05)
        process.terminate()
        assert process.wait(60.0) == 0


def _listens(status: Path) -> bool:
    caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_the_process_makes_none_of_a_week_that_is_not_whole(wet: tuple[Home, Gateway], tmp_path: Path) -> None:
    assert not reports.make(wet[0], "2024-W20")
    assert not reports.make(Home(tmp_path), WEEK)


def test_a_process_that_reckons_nothing_does_without_the_registry_and_numpy() -> None:
    """``reports`` waits for a week to be over: it should cost a village's machine next to nothing."""
    script = "import sys; import gateway.__main__, gateway.reports; print('numpy' in sys.modules, len(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False"), done.stdout
