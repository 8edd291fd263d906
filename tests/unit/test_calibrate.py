"""``gateway calibrate``: two points become a calibration in village.toml, and nothing else changes there."""

from __future__ import annotations

import difflib
import io
from pathlib import Path

import pytest

from gateway import registry
from gateway.__main__ import main
from gateway.core.rows import Reading
from gateway.home import Home
from gateway.provision import provision
from gateway.store.data import Batch, DataWriter
from kit.clock import SystemClock
from tests.support import village
from wire import fields

DRY, WET = 2_600_000, 1_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    text = village.TEXT.replace('[[node]]\nid = "dat-2"', '# the grapefruit garden\n[[node]]\nid = "dat-2"')
    home.registry.write_text(text + "\n# the end, without a newline", encoding="utf-8")
    provision(home)
    return home


def run(home: Home, *words: str) -> int:
    return main(["calibrate", "--home", str(home.root), *words])


def send(home: Home, *raws: int, age_s: int = 0, flag: int = fields.GOOD) -> None:
    """Readings of dat-2, a second apart."""
    now_ms = SystemClock().now_ms() - 1000 * age_s
    with DataWriter(home.data) as writer:
        for place, raw in enumerate(raws):
            at_ms = now_ms - 1000 * (len(raws) - place)
            seq = at_ms % 2**31
            row = Reading("dat-2", 1, seq, fields.SOIL_MOISTURE, 0, 0, at_ms, fields.CLOCK_BY_GATEWAY, at_ms, raw, None,
                          flag, 3)  # fmt: skip
            writer.commit(Batch(readings=[row]))


def added(home: Home, before: str) -> list[str]:
    after = home.registry.read_text(encoding="utf-8")
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    assert not [line for line in lines if line.startswith("- ")], "nothing of the file is lost"
    return [line[2:].strip().partition("  #")[0] for line in lines if line.startswith("+ ")]


def test_two_raws_make_a_calibration_below_the_old_one(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    before = home.registry.read_text(encoding="utf-8")
    assert run(home, "dat-2", "soil_moisture", "--raw", str(DRY), "0.05", "--raw", str(WET), "0,45") == 0
    assert added(home, before) == [
        "[[node.sensor.calibration]]", "id = 4", f"raw = [{WET}, {DRY}]", "value = [0.4500, 0.0500]",
    ]  # fmt: skip
    sensor = registry.load(home.registry).nodes["dat-2"].sensors[0]
    assert [c.id for c in sensor.calibrations] == [3, 4] and sensor.calibration is not None
    assert sensor.calibration.apply((DRY + WET) // 2) == 2_500
    said = capsys.readouterr().out
    assert "hiệu chuẩn số 4" in said and "trước 0.5000, nay 0.4500" in said and "Số đo cũ giữ nguyên" in said
    assert run(home, "dat-2", "soil_moisture", "--raw", "2500000", "0.05", "--raw", str(WET), "0.45") == 0
    assert [c.id for c in registry.load(home.registry).nodes["dat-2"].sensors[0].calibrations] == [3, 4, 5]


def test_the_present_reading_is_a_point_and_the_first_one_waits_for_the_second(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = home.registry.read_text(encoding="utf-8")
    send(home, DRY, DRY + 2_000)
    assert run(home, "dat-2", "soil_moisture/0", "--now", "0.05") == 0
    assert home.registry.read_text(encoding="utf-8") == before and "điểm thứ nhất" in capsys.readouterr().out
    assert home.points.stat().st_mode & 0o777 == 0o600
    send(home, WET, WET)
    monkeypatch.setattr("sys.stdin", io.StringIO("0.45\n"))
    assert run(home, "dat-2", "soil_moisture", "--now") == 0
    assert f"raw = [{WET}, {DRY + 2_000}]" in added(home, before)
    assert "dat-2" not in home.points.read_text()


@pytest.mark.parametrize("node", ["dat-1", "kinh-1", "van-1"])
def test_it_finds_its_place_below_every_kind_of_sensor(home: Home, node: str) -> None:
    for sensor in registry.load(home.registry).nodes[node].sensors:
        what = fields.field(sensor.field)
        before = home.registry.read_text(encoding="utf-8")
        low, high = (0, min(what.raw_max, 2_000_000))
        values = [what.value_min // 2 + what.value_max // 4, what.value_max // 2]
        if what.id == fields.SOIL_MOISTURE:
            values.reverse()
        words = [f"{value / 10**what.decimals:.{what.decimals}f}" for value in values]
        name = f"{what.name}/{sensor.channel}"
        assert run(home, node, name, "--raw", str(low), words[0], "--raw", str(high), words[1]) == 0, name
        found = registry.load(home.registry).nodes[node].sensor(sensor.field, sensor.channel)
        assert found is not None and len(found.calibrations) == len(sensor.calibrations) + 1
        assert len(added(home, before)) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nix", "soil_moisture", "--raw", "1", "0.1"], "không có hộp"),
        (["dat-2", "soil", "--raw", "1", "0.1"], "không có đầu đo"),
        (["dat-2", "soil_moisture/1", "--raw", "1", "0.1"], "không có đầu đo"),
        (["dat-2", "soil_moisture"], "một hay hai điểm"),
        (["dat-2", "soil_moisture", "--raw", "x", "0.1"], "không phải số nguyên"),
        (["dat-2", "soil_moisture", "--raw", "9999999", "0.1"], "ngoài"),
        (["dat-2", "soil_moisture", "--raw", "1", "wet"], "không phải số"),
        (["dat-2", "soil_moisture", "--raw", "1", "nan"], "không phải số"),
        (["dat-2", "soil_moisture", "--raw", "1", "1e999999999"], "không phải số"),
        (["dat-2", "soil_moisture", "--raw", "1", "1.5"], "không phải số"),
        (["dat-2", "soil_moisture", "--raw", "1", "0.12345"], "không phải số"),
        (["dat-2", "soil_moisture", "--raw", "1000000", "0.45", "--raw", "1010000", "0.05"], "quá gần"),
        (["dat-2", "soil_moisture", "--raw", "1000000", "0.45", "--raw", "2600000", "0.445"], "quá gần"),
        (["dat-2", "soil_moisture", "--raw", "1000000", "0.05", "--raw", "2600000", "0.45"], "ngược chiều"),
        (["dat-2", "soil_moisture", "--now", "0.1"], "chưa gửi"),
    ],
)
def test_nonsense_is_one_line_and_changes_nothing(
    home: Home, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = home.registry.read_bytes()
    assert run(home, *words) == 1
    err = capsys.readouterr().err
    assert said in err and len(err.splitlines()) == 1
    assert home.registry.read_bytes() == before and not home.points.exists()


def test_a_sensor_that_is_silent_on_its_way_or_dead_is_no_point(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    send(home, DRY, DRY, age_s=7_200)
    assert run(home, "dat-2", "soil_moisture", "--now", "0.05") == 1
    assert "phút trước" in capsys.readouterr().err
    send(home, DRY, WET)
    assert run(home, "dat-2", "soil_moisture", "--now", "0.05") == 1
    assert "chưa đứng" in capsys.readouterr().err
    send(home, WET, WET, flag=fields.MISSING)
    assert run(home, "dat-2", "soil_moisture", "--now", "0.05") == 1


def test_a_registry_written_another_way_is_left_to_a_person(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    text = home.registry.read_text(encoding="utf-8")
    start = text.index('id = "dat-2"')
    end = text.index("[[node]]", start)
    inline = (
        'id = "dat-2"\nmodel = "soil"\nname = "Đất"\nsample_s = 300\nsensor = [{field = "soil_moisture", channel = 0,'
        " calibration = [{id = 3, raw = [2800000, 1200000], value = [0.05, 0.45]}]}]\n\n"
    )
    home.registry.write_text(text[:start] + inline + text[end:], encoding="utf-8")
    before = home.registry.read_bytes()
    assert run(home, "dat-2", "soil_moisture", "--raw", str(DRY), "0.05", "--raw", str(WET), "0.45") == 1
    assert "hãy tự ghi" in capsys.readouterr().err and home.registry.read_bytes() == before
