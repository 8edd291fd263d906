"""The registry is complete and consistent, or it is refused in one line that names key, value and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import registry
from gateway.registry import Calibration, RegistryError
from tests.support import village
from wire import fields


def test_a_valid_village_is_read_whole() -> None:
    found = village.village()
    assert list(found.nodes) == ["dat-1", "dat-2", "kinh-1", "van-1"]
    assert found.zones["xoai"].probes[1] == registry.SensorRef("dat-1", 1)
    assert found.sources["kinh"].limit_us_cm == 2000
    assert found.cloud is None
    sensor = found.nodes["dat-1"].sensor(fields.SOIL_MOISTURE, 1)
    assert sensor is not None and sensor.calibration == Calibration(2, (1200000, 2800000), (4500, 500))


def test_a_node_may_send_housekeeping_and_its_outputs_and_nothing_else() -> None:
    node = village.village().nodes["van-1"]
    assert node.sensor(fields.HEAP_FREE, 0) and node.sensor(fields.OUTPUT, 2) and node.sensor(fields.FLOW, 0)
    assert node.sensor(fields.OUTPUT, 3) is None and node.sensor(fields.SOIL_MOISTURE, 0) is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('id = "thu"', 'id = "Thử"', "village.id = 'Thử': must be an id"),
        ('id = "thu"', 'id = "a#\\nb"', "village.id"),
        ("elevation_m = 1.5", 'elevation_m = "x"', "village.elevation_m = 'x': must be a number in -100..5000"),
        ("latitude = 10.03", "latitude = 91", "village.latitude = 91: must be a number in -90..90"),
        ("latitude = 10.03", "latitude = nan", "village.latitude = NaN: must be a number"),
        ("elevation_m = 1.5", "elevation_m = 1.5\nheight = 3", "village.height: unknown key; allowed here:"),
        ("port = 18883", "port = true", "broker.port = True: must be a whole number in 1..65535"),
        ('host = "127.0.0.1"', 'host = "0.0.0.0"', "the one address at which the nodes reach"),
        ('host = "127.0.0.1"', 'host = "a b"', "host name or IPv4"),
        ("sample_s = 300", "sample_s = 0", "node[1] 'dat-1'.sample_s = 0: must be a whole number in 1..86400"),
        ("sample_s = 300", "", "node[1] 'dat-1'.sample_s = (missing): must be a whole number"),
        ('model = "soil"', 'model = "sol"', "must be one of soil, level, salinity, valve, pump, relay"),
        ('model = "valve"', 'model = "soil"', 'must be "valve" or "pump", because the node has outputs'),
        ('field = "flow"', 'field = "heap_free"', "sensor[1].field = 'heap_free': must be one of"),
        ('id = "dat-2"', 'id = "dat-1"', "node[2].id = 'dat-1': must be given only once"),
        ("channel = 1\n    [[node", "channel = 0\n    [[node", "must be different in field and channel"),
        ("index = 2", "index = 1", "node[4] 'van-1'.output"),
        ("id = 2\n    raw", "id = 2\n    rew", "calibration[1].raw = (missing)"),
        ("raw = [2800000, 1200000]", "raw = [2800000, 2800000]", "must be two different whole numbers"),
        ("raw = [2800000, 1200000]", "raw = [2800000.5, 1]", "must be two different whole numbers"),
        ("raw = [2800000, 1200000]", "raw = [2800000]", "must be two numbers in 0..3300000"),
        ("value = [0.05, 0.45]", "value = [500, 4500]", "value = [500, 4500]: must be two numbers in 0..1"),
        ("value = [0.05, 0.45]", "value = [0.05, 0.45001]", "must be in m3/m3 with at most 4 decimals"),
        (
            'field = "flow"\n  channel = 0',
            'field = "soil_moisture"\n  channel = 0',
            "calibration = (missing): must be 1 to 100 tables",
        ),
        ("dry_vwc = 0.22", "dry_vwc = 0.4", "dry_vwc = 0.4: must be at least 0.01 below target_vwc (0.32)"),
        ("dry_vwc = 0.22", "dry_vwc = 0.3195", "dry_vwc = 0.3195: must be at least 0.01 below target_vwc (0.32)"),
        ("max_run_s = 1800", "max_run_s = 3601", "must be at most the hard_max_s of its valve and pump (3600)"),
        ("max_run_s = 1800", "max_run_s = -1", "zone[1] 'xoai'.max_run_s = -1: must be a whole number"),
        ('source = "kinh"', 'source = "song"', "zone[1] 'xoai'.source = 'song': must be the id of a source"),
        ('pump = { node = "van-1", output = 0 }', 'pump = { node = "van-1", output = 1 }', "index of a pump"),
        ('pump = { node = "van-1", output = 0 }', 'pump = { node = "x", output = 1 }', "the id of a node"),
        ('valve = { node = "van-1", output = 2 }', 'valve = { node = "van-1", output = 1 }', "elsewhere too"),
        ('probes = [{ node = "dat-2", channel = 0 }]', 'probes = [{ node = "dat-2", channel = 1 }]', "measures soil"),
        ('probes = [{ node = "dat-2", channel = 0 }]', "probes = []", "probes = []: must be 1 to 16 tables"),
        ("reopen_level_mm = 350", "reopen_level_mm = 250", "at least min_level_mm (300)"),
        ("reopen_us_cm = 1600", "reopen_us_cm = 2600", "at most limit_us_cm (2000)"),
        ("max_age_s = 180", "max_age_s = 301", "source[1] 'kinh'.max_age_s = 301: must be a whole number in 1..300"),
        ("max_age_s = 180", "max_age_s = 119", "at least twice the sample_s of water_level/0 of kinh-1 (60)"),
        ("sample_s = 60", "sample_s = 300", "at least twice the sample_s of water_level/0 of kinh-1 (300)"),
        (
            'field = "conductivity_25"\n  channel = 0',
            'field = "conductivity_25"\n  channel = 0\n  sample_s = 600',
            "at least twice the sample_s of conductivity_25/0 of kinh-1 (600)",
        ),
        ("[village]", "[village", "not TOML"),
        ("[village]", f"n = {'9' * 5000}\n[village]", "not TOML"),
        ("[web]", "[wob]", "web = (missing)"),
    ],
)
def test_an_error_is_one_line_that_names_key_value_and_what_is_allowed(old: str, new: str, expected: str) -> None:
    assert old in village.TEXT
    with pytest.raises(RegistryError) as caught:
        registry.parse(village.TEXT.replace(old, new, 1))
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_a_source_is_believed_for_three_minutes_unless_told_otherwise() -> None:  # S5
    found = registry.parse(village.TEXT.replace("max_age_s = 180\n", ""))
    assert found.sources["kinh"].max_age_s == 180


def test_a_sensor_may_have_its_own_pace() -> None:
    text = village.TEXT.replace('field = "soil_temperature"', 'field = "soil_temperature"\n  sample_s = 3600')
    node = registry.parse(text).nodes["dat-1"]
    assert node.every_s(fields.SOIL_TEMPERATURE, 0) == 3600 and node.every_s(fields.SOIL_MOISTURE, 0) == 300


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="not found; write the village's registry there"):
        registry.load(tmp_path / "village.toml")


@given(st.integers(0, 3_300_000), st.integers(0, 3_300_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_calibration_passes_through_its_points(raw_0: int, raw_1: int, value_0: int, value_1: int) -> None:
    if raw_0 >= raw_1:
        return
    line = Calibration(1, (raw_0, raw_1), (value_0, value_1))
    assert (line.apply(raw_0), line.apply(raw_1)) == (value_0, value_1)
    middle = (raw_0 + raw_1) // 2
    assert min(value_0, value_1) <= line.apply(middle) <= max(value_0, value_1)
