"""What a registry may say of pumps, cycles and meters; and that each mistake is refused with its key."""

from __future__ import annotations

import pytest

from gateway import registry
from gateway.core.pumps import Hours, PumpSettings
from gateway.core.types import OutputRef, SensorRef
from gateway.settings import settings_of
from kit.clock import ManualClock
from tests.support import village
from wire import fields

METER = "on_s = 5\n"
MAIN = '[[node.output]]\nindex = 3\nkind = "main"\nhard_max_s = 3600\nmin_rest_s = 0\n'
PUMP = """
[[pump]]
output = { node = "van-1", output = 0 }
main = { node = "van-1", output = 3 }
meter = { node = "van-1", channel = 0 }
lead_s = 5
lag_s = 8
min_run_s = 120
starts_an_hour = 4
min_flow_lpm = 20
open_hours = [{ from = "22:00", to = "05:00" }]
quiet_hours = [{ from = "23:00", to = "23:30" }]
"""
OWN = 'meter = { node = "van-1", channel = 0 }\n'
SOAK = "cycle_min = 12\nsoak_min = 30\n"


def text(pump: str = PUMP, *, zone: str = SOAK, meter: str = METER, main: str = MAIN) -> str:
    plain = village.text()
    node = plain.index('id = "van-1"')
    plain = plain[:node] + plain[node:].replace("[[node.output]]", meter + "[[node.output]]", 1)
    plain = plain.replace("[[source]]", main + "[[source]]", 1)
    at = plain.index("[[zone]]") + len("[[zone]]\n")
    return plain[:at] + zone + plain[at:] + pump


def test_pump_and_cycles_reach_the_irrigation() -> None:
    found = settings_of(registry.parse(text()), ManualClock(0))
    pump = found.pump_of(found.zones[0].pump)
    meter = SensorRef("van-1", fields.FLOW, 0)
    assert pump == PumpSettings(
        OutputRef("van-1", 3), 5_000, 8_000, 120_000, 60_000, 4, meter, 60_000, 20_000,
        (Hours(1320, 300),), (Hours(1380, 1410),),
    )  # fmt: skip
    assert (found.zones[0].cycle_ms, found.zones[0].soak_ms) == (720_000, 1_800_000)
    assert found.zones[0].meter == meter and found.zones[0].watched is None
    assert OutputRef("van-1", 3) in found.refs and meter in found.sensors


def test_a_cycle_follows_from_how_fast_the_soil_takes_water_in() -> None:
    zone = registry.parse(text(zone="infiltration_mm_h = 2\n")).zones
    soak = next(iter(zone.values())).soak
    assert (soak.cycle_min, soak.soak_min) == (187, 150)  # 3.6 mm/h come, so 5 mm stand after that
    fast = registry.parse(text(zone="infiltration_mm_h = 1000\n")).zones
    assert next(iter(fast.values())).soak.cycle_min is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (text(PUMP.replace("lead_s = 5", "lead_s = -5")), r"lead_s = -5: must be a whole number in 0\.\.600"),
        (text(PUMP.replace("min_run_s = 120", "min_run_s = 0")), r"min_run_s = 0: must be a whole number in 1\.\.3600"),
        (text(PUMP.replace("min_run_s = 120", "min_run_s = 900")), r"min_run_s = 900: must be at most the cycle of"),
        (text(PUMP.replace('"22:00"', '"24:00"')), r"from = '24:00': must be a time such as"),
        (text(PUMP.replace('to = "05:00"', 'to = "22:00"')), r"to = '22:00': must be another time than from"),
        (text(PUMP.replace('"23:30"', '"22:59"')), r"quiet_hours .*: must be hours that leave the pump some time"),
        (text(PUMP.replace('meter = { node = "van-1", channel = 0 }\n', "")), "min_flow_lpm = 20: must be with a"),
        (text(meter=""), r"meter = .*: must be one that is read every 5 s"),
        (text(meter="on_s = 10\n"), r"meter = .*: must be one that is read every 5 s .*is every 10 s"),
        (text(zone=OWN, meter="on_s = 15\n", pump=""), r"meter = .*: must be one that is read every 10 s"),
        (text(PUMP.replace("= 120", "= 1300").replace("lead_s = 5", "lead_s = 600")), r"less lead_s \(1200\)"),
        (text(main=MAIN.replace("3600", "60")), r"main = .*: must be an output with the hard_max_s of its pump"),
        (text(PUMP + PUMP), r"output = .*: must be given only once"),
        (text(zone="soak_min = 5\n"), "soak_min = 5: must be with cycle_min beside it"),
        (text(zone="cycle_min = -3\nsoak_min = 5\n"), r"cycle_min = -3: must be a whole number in 1\.\.600"),
        (text(PUMP + "wishes = 3\n"), r"wishes: unknown key"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_key(wrong: str, said: str) -> None:
    with pytest.raises(registry.RegistryError, match=said):
        registry.parse(wrong)


def test_the_pace_while_water_runs_counts_only_where_the_water_is_let_out() -> None:
    assert registry.parse(text(zone=OWN, meter="on_s = 10\n", pump=""))
    node = (
        '[[node]]\nid = "dong-ho"\nmodel = "level"\nname = "Đồng hồ"\nsample_s = 600\n'
        '[[node.sensor]]\nfield = "flow"\nchannel = 0\non_s = 5\n'
    )
    with pytest.raises(registry.RegistryError, match=r"meter = .*every 10 s .*it is every 600 s"):
        registry.parse(text(zone=OWN.replace("van-1", "dong-ho"), main=node, pump=""))


def test_hours_over_midnight() -> None:
    night = PumpSettings(open_hours=(Hours(22 * 60, 5 * 60),), quiet_hours=(Hours(23 * 60, 23 * 60 + 30),))
    hour = 3_600_000
    at_20 = 13 * hour  # 20:00 in Vietnam
    spans = [((a - at_20) / hour, (b - at_20) / hour) for a, b in night.windows(at_20, at_20 + 24 * hour)]
    assert spans == [(2.0, 3.0), (3.5, 9.0)]
    assert PumpSettings().windows(5, 10) == ((5, 10),)
