"""The registry's part about water: how a ditch is filled, and how much salt a crop bears."""

from __future__ import annotations

import pytest

from gateway import registry
from gateway.core.salinity import KNOWN, tolerance
from gateway.registry import RegistryError
from gateway.settings import settings_of
from kit.clock import SystemClock
from tests.support import village

FILL = """
  [source.fill]
  name = "Kênh Cái"
  level = { node = "kinh-1", channel = 1 }
  conductivity = [{ node = "kinh-1", channel = 1 }]
  sluice = { node = "van-1", output = 3 }
  lift = { node = "van-1", output = 4 }
  lift_min_level_mm = 200
  start_level_mm = 700
  target_level_mm = 900
  min_head_mm = 100
  limit_us_cm = 1500
  reopen_us_cm = 1200
  max_age_s = 180
"""
GATES = "".join(
    f'  [[node.output]]\n  index = {index}\n  kind = "{kind}"\n  hard_max_s = 7200\n  min_rest_s = 60\n'
    for index, kind in ((3, "sluice"), (4, "lift"))
)
CANAL = "".join(
    f'  [[node.sensor]]\n  field = "{name}"\n  channel = 1\n' for name in ("water_level", "conductivity_25")
)
TEXT = (
    village.TEXT.replace("[[source]]", GATES + "\n[[source]]", 1)
    .replace('[[node]]\nid = "van-1"', CANAL + '\n[[node]]\nid = "van-1"', 1)
    .replace("max_age_s = 180\n", "max_age_s = 180\n" + FILL, 1)
)

OUTPUT_3, OUTPUT_4 = '{ node = "van-1", output = 3 }', '{ node = "van-1", output = 4 }'
CANAL_1 = '{ node = "kinh-1", channel = 1 }'


def test_the_level_from_which_rain_is_let_out_reaches_the_irrigation() -> None:
    text = TEXT.replace("min_head_mm = 100", "min_head_mm = 100\n  drain_level_mm = 1200")
    fill = settings_of(registry.parse(text), SystemClock()).fills["kinh"].fill
    assert fill is not None and fill.drain_level_mm == 1200


def test_a_ditch_with_a_canal_is_read_and_given_to_the_irrigation() -> None:
    found = settings_of(registry.parse(TEXT), SystemClock())
    ditch = found.fills["kinh"]
    assert ditch.fill is not None and ditch.fill.canal.id == "kinh/canal" and ditch.fill.canal.name == "Kênh Cái"
    canal = ditch.fill.canal
    assert (canal.level.channel, canal.conductivity[0].channel, canal.limit_us_cm) == (1, 1, 1500)
    assert (canal.min_level_mm, canal.reopen_level_mm) == (200, 250)
    assert {"kinh", "kinh/canal"} <= set(found.waters)
    assert canal.level.key in found.sensor_keys and {ref.output for ref in found.refs} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("start_level_mm = 700", "start_level_mm = 900", "fill.start_level_mm = 900: must be less than target"),
        ("start_level_mm = 700", "", "fill.start_level_mm = (missing)"),
        ("min_head_mm = 100", "min_head_mm = 100\n  drain_level_mm = 900", "must be more than target_level_mm (900)"),
        (
            'sluice = { node = "van-1", output = 3 }\n',
            "drain_level_mm = 999\n",
            "fill.drain_level_mm = 999: must be left out where there is no sluice",
        ),
        ("target_level_mm = 900", "target_level_mm = 350", "less than target_level_mm (350)"),
        (
            "start_level_mm = 700\n  target_level_mm = 900",
            "start_level_mm = 100\n  target_level_mm = 350",
            "a target_level_mm above reopen_level_mm (350)",
        ),
        ("min_head_mm = 100", "min_head_mm = 0", "fill.min_head_mm = 0: must be a whole number in 1..3000"),
        ("reopen_us_cm = 1200", "reopen_us_cm = 1201", "at most 0.8 times limit_us_cm (1200)"),
        ("limit_us_cm = 1500", "limit_us_cm = 2001", "limit_us_cm of at most that of the source (2000)"),
        ("sluice = " + OUTPUT_3, "sluice = " + OUTPUT_4, "output = 4: must be the index of a sluice of node van-1"),
        ("lift = " + OUTPUT_4, "lift = " + OUTPUT_3, "output = 3: must be the index of a lift of node van-1"),
        ("lift = " + OUTPUT_4, "", "lift_min_level_mm: unknown key"),
        ("lift_min_level_mm = 200", "", "lift_min_level_mm = (missing)"),
        ("level = " + CANAL_1, "level = " + CANAL_1.replace("1 }", "0 }"), "other than those in the ditch"),
        (f"[{CANAL_1}]", f"[{CANAL_1}]".replace("1 }", "0 }"), "other than those in the ditch"),
        (f"[{CANAL_1}]", "[]", "conductivity = []: must be 1 to 4 tables"),
        ('id = "buoi"', 'id = "kinh"', "must not be the id of a zone too, because it is filled"),
        ("area_m2 = 1000", "area_m2 = 1000\nlimit_us_cm = 0", "limit_us_cm = 0: must be a whole number in 1..80000"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(old: str, new: str, expected: str) -> None:
    assert old in TEXT
    with pytest.raises(RegistryError) as caught:
        registry.parse(TEXT.replace(old, new, 1))
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_to_fill_with_is_refused() -> None:
    lines = [line for line in TEXT.splitlines() if not line.strip().startswith(("sluice =", "lift =", "lift_min"))]
    with pytest.raises(RegistryError, match="the sluice, or a lift"):
        registry.parse("\n".join(lines))


def test_two_ditches_do_not_share_a_sluice() -> None:
    source = TEXT[TEXT.index("[[source]]") : TEXT.index("[[zone]]")]
    second = source.replace('id = "kinh"', 'id = "rach"')
    with pytest.raises(RegistryError, match="elsewhere too"):
        registry.parse(TEXT.replace("[[zone]]", second + "[[zone]]", 1))


def test_a_zone_takes_the_stricter_of_its_crop_and_its_source() -> None:
    found = settings_of(registry.parse(TEXT), SystemClock())
    mango, pomelo = found.zone_by_id["xoai"], found.zone_by_id["buoi"]
    assert mango.limit_us_cm == 1562 and found.waters[found.water_of(mango)].limit_us_cm == 1562
    assert found.waters[found.water_of(mango)].reopen_us_cm == 1249
    assert pomelo.limit_us_cm == 2343 and found.water_of(pomelo) == "kinh"  # the source allows 2000
    raised = registry.parse(TEXT.replace("area_m2 = 1000", "area_m2 = 1000\nlimit_us_cm = 5000", 1))
    found = settings_of(raised, SystemClock())
    assert found.water_of(found.zone_by_id["xoai"]) == "kinh"  # by an adviser; the source's limit still holds


def test_crops_are_known_by_their_words() -> None:
    assert tolerance("Xoài cát Chu").grams_per_litre == 1.0
    assert tolerance("sầu riêng").limit_us_cm == 781
    assert tolerance("bắp cải").grams_per_litre == 1.0 and tolerance("bắp").grams_per_litre == 2.0
    assert tolerance("hoa hồng").grams_per_litre == 1.0 and "not in the table" in tolerance("hoa hồng").source
    assert all(entry.source and 0.4 < entry.grams_per_litre < 10 for entry in KNOWN.values())


def test_a_lift_may_have_its_own_rests() -> None:
    own = '[[pump]]\noutput = { node = "van-1", output = 4 }\nmin_run_s = 120\nmin_rest_s = 300\nstarts_an_hour = 3\n'
    found = settings_of(registry.parse(TEXT + own), SystemClock())
    lift = next(iter(found.fills.values())).fill
    assert lift is not None and lift.lift is not None
    pump = found.pump_of(lift.lift)
    assert (pump.min_run_ms, pump.min_rest_ms, pump.starts_an_hour) == (120_000, 300_000, 3)
    for wrong, said in (
        (own + "lead_s = 5\n", "lead_s: unknown key"),
        (own.replace("output = 4", "output = 3"), "must be the index of a pump or lift of node van-1"),
        (own.replace("= 120", "= 3600").replace("3600", "3601"), "min_run_s = 3601"),
        (own + own, "must be given only once"),
    ):
        with pytest.raises(RegistryError, match=said):
            registry.parse(TEXT + wrong)
