"""Soil, crop and station of the registry: defaults with their source, and what cannot be is refused with its range."""

from __future__ import annotations

import pytest

from gateway import registry
from gateway.core.village import SensorRef, Zone
from gateway.registry import RegistryError
from tests.support.village import TEXT
from wire import fields

SOIL = "[zone.soil]\nfc = 0.36\nwp = 0.18\ndepth_m = 0.6\n"
MANGO = 'crop = "mango"\n'
MARKS = "dry_vwc = 0.22\ntarget_vwc = 0.32\n"
LAST_KEY = "flow_lpm = 60\n"


def zone_of(more: str, *, crop: str = MANGO, marks: str = MARKS) -> Zone:
    """The first garden with tables behind it, and another crop or other marks."""
    text = TEXT.replace(MANGO, crop).replace(MARKS, marks, 1).replace(LAST_KEY, LAST_KEY + more)
    return registry.parse(text).zones["xoai"]


def test_without_soil_a_garden_is_the_thermostat_that_it_was() -> None:
    zone = zone_of("", crop='crop = "sầu riêng"\n')
    assert zone.ground is None and zone.crop == "sầu riêng" and zone.crop_source == ""


def test_the_crop_of_a_name_brings_its_figures_and_their_source() -> None:
    zone = zone_of(SOIL)
    ground = zone.ground
    assert ground is not None and zone.crop_source.startswith("Carr 2013")
    assert (ground.kc, ground.p, ground.root_m, ground.area_m2) == ((0.65, 0.85, 0.75), 0.5, 0.6, 1000.0)
    assert ground.planted_day is None and ground.taw_mm == pytest.approx(108.0)
    assert (zone.dry_vwc, zone.target_vwc) == (0.22, 0.32)


def test_figures_of_ones_own_go_before() -> None:
    crop = "[zone.crop]\nname = \"dưa leo\"\nkc = [0.5, 0.9, 0.7]\np = 0.4\nroot_m = 0.4\nstart = 2024-02-01\n"
    ground = zone_of(SOIL + crop, crop="").ground
    assert ground is not None
    assert (ground.kc, ground.p, ground.root_m) == ((0.5, 0.9, 0.7), 0.4, 0.4)
    assert ground.stages_days == (20, 30, 40, 15) and ground.planted_day == 19_754


def test_roots_go_no_deeper_than_the_soil_is_told() -> None:
    ground = zone_of(SOIL.replace("0.6", "0.3")).ground
    assert ground is not None and ground.root_m == 0.3


def test_marks_follow_from_the_soil_when_they_are_not_given() -> None:
    zone = zone_of(SOIL, marks="")
    assert zone.dry_vwc == pytest.approx(0.36 - 0.8 * 0.5 * 0.18)
    assert zone.target_vwc == pytest.approx(0.36 - 0.1 * 0.18)


@pytest.mark.parametrize(
    ("more", "crop", "marks", "said"),
    [
        (SOIL.replace("0.18", "0.36"), MANGO, MARKS, "'xoai'.soil.wp = 0.36: must be a number in 0.01..0.34"),
        (SOIL.replace("0.36", "36"), MANGO, MARKS, "soil.fc = 36: must be a number in 0.05..0.60"),
        (SOIL.replace("depth_m = 0.6", "depth_m = 600"), MANGO, MARKS, "depth_m = 600: must be a number in 0.05..3"),
        (SOIL + "clay = 1\n", MANGO, MARKS, "soil.clay: unknown key; allowed here: depth_m, fc, wp"),
        (SOIL, MANGO, "dry_vwc = 23\ntarget_vwc = 0.32\n", "dry_vwc = 23: must be a number in 0.01..0.9"),
        (SOIL, MANGO, "dry_vwc = 0.17\ntarget_vwc = 0.32\n", "dry_vwc = 0.17: must be between wp (0.18) and fc (0.36)"),
        (SOIL, MANGO, "dry_vwc = 0.3\ntarget_vwc = 0.4\n", "target_vwc = 0.4: must be at most fc (0.36) of its soil"),
        ("", MANGO, "", "dry_vwc = (missing): must be a number in 0.01..0.9"),
        (SOIL, 'crop = "sầu riêng"\n', MARKS, "crop = 'sầu riêng': must be a known crop, or a table"),
        (SOIL + '[zone.crop]\nname = "sầu riêng"\np = 0.5\n', "", MARKS, "crop.kc = (missing): must be given"),
        (SOIL + '[zone.crop]\nname = "rau"\nkc = [1, 1]\n', "", MARKS, "kc = [1, 1]: must be 3 numbers in 0.1..1.5"),
        (SOIL + '[zone.crop]\nname = "rau"\np = 50\n', "", MARKS, "crop.p = 50: must be a number in 0.1..0.8"),
        (
            SOIL + '[zone.crop]\nname = "rau"\nstart = 2024-02-01\nstages_days = [20, -3, 20, 10]\n', "", MARKS,
            "crop.stages_days = [20, -3, 20, 10]: must be 4 whole numbers in 1..365",
        ),
        (SOIL + '[zone.crop]\nname = "rau"\nstages_days = [9, 9, 9, 9]\n', "", MARKS, "with start, the day"),
        (SOIL + '[zone.crop]\nname = "rau"\nstart = 1024-02-01\n', "", MARKS, "crop.start = 1024-02-01: must be a day"),
        (SOIL + '[zone.crop]\nname = "x"\nkc = [1, 1, 1]\np = 0.5\nstart = 2024-02-01\n', "", MARKS, "stages_days"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(more: str, crop: str, marks: str, said: str) -> None:
    with pytest.raises(RegistryError) as refused:
        zone_of(more, crop=crop, marks=marks)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_an_unknown_crop_with_its_own_figures() -> None:
    zone = zone_of(SOIL + '[zone.crop]\nname = "sầu riêng"\nkc = [0.8, 0.9, 0.8]\np = 0.4\n', crop="")
    assert zone.ground is not None and zone.ground.root_m == 0.6 and zone.crop_source == "registry"


STATION = '[station]\nrain = { node = "kinh-1", channel = 0 }\nair_temperature = { node = "kinh-1", channel = 1 }\n'
SENSORS = '[[node.sensor]]\nfield = "rain"\nchannel = 0\n[[node.sensor]]\nfield = "air_temperature"\nchannel = 1\n'


def with_station(station: str) -> registry.Village:
    level = '  [[node.sensor]]\n  field = "water_level"\n'
    assert TEXT.count(level) == 1
    return registry.parse(TEXT.replace(level, SENSORS + level) + station)


def test_a_station_is_made_of_sensors_that_are_there() -> None:
    station = with_station(STATION).station
    assert station.rain == SensorRef("kinh-1", 0)
    assert station.air == {fields.AIR_TEMPERATURE: SensorRef("kinh-1", 1)}
    assert with_station("").station.rain is None


@pytest.mark.parametrize(
    ("station", "said"),
    [
        ('[station]\nrain = { node = "kinh-9", channel = 0 }\n', "rain.node = 'kinh-9': must be the id of a node"),
        ('[station]\nwind = { node = "kinh-1", channel = 0 }\n', "a channel on which node kinh-1 measures wind"),
        ('[station]\nsnow = { node = "kinh-1", channel = 0 }\n', "empty; allowed here: rain, air_temperature"),
        ("[station]\n", "station: empty"),
    ],
)
def test_a_station_of_what_is_not_there_is_refused(station: str, said: str) -> None:
    with pytest.raises(RegistryError) as refused:
        with_station(station)
    assert said in str(refused.value)
