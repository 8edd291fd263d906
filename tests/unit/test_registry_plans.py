"""The registry's plans: defaults with their sources, what the file changes, and what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway import in_force, registry
from gateway.__main__ import main
from gateway.core.plans import defaults
from gateway.core.plans.defaults import OWN, Figure
from gateway.core.plans.kinds import Calendar, Manual, Orchard, Phase, Plan, Rice, Sun, Vegetable
from gateway.core.village import Zone
from gateway.home import Home
from gateway.plan_show import show
from gateway.registry import RegistryError
from gateway.settings import settings_of
from kit.clock import ManualClock
from tests.support import village

TUBE = """[[node]]
id = "ruong-1"
model = "level"
name = "Ống đo ruộng"
sample_s = 600
[[node.sensor]]
field = "water_level"
channel = 0

"""
SOIL = "\nsoil = { fc = 0.36, wp = 0.18, depth_m = 0.6 }"
MARKS = "dry_vwc = 0.22"
PROBES = 'probes = [{ node = "dat-1", channel = 0 }, { node = "dat-1", channel = 1 }]'
DAY_MS = 86_400_000
JULY_2026_MS = 1_782_864_000_000


def text(plan: str, changes: Mapping[str, str] | None = None, *, soil: bool = True) -> str:
    """The village of tests whose first garden has a plan."""
    assert MARKS in village.TEXT
    found = village.TEXT.replace(MARKS, MARKS + (SOIL if soil else ""), 1)
    if soil:
        found = found.replace(MARKS, "dry_vwc = 0.27", 1)
    if "ruong-1" in plan:
        found = found.replace("[[source]]", f"{TUBE}[[source]]", 1)
    for old, new in (changes or {}).items():
        assert old in found
        found = found.replace(old, new, 1)
    head, _, rest = found.partition("[[zone]]")
    first, more, others = rest.partition("[[zone]]")
    return f"{head}[[zone]]{first}\n[zone.plan]\n{plan}\n{more}{others}"


def zone(plan: str, changes: Mapping[str, str] | None = None, *, soil: bool = True) -> Zone:
    return next(iter(registry.parse(text(plan, changes, soil=soil)).zones.values()))


def refused(plan: str, changes: Mapping[str, str] | None = None, *, soil: bool = True) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        registry.parse(text(plan, changes, soil=soil))
    return caught.value


def step(plan: Plan | None, id: str) -> Phase:
    assert isinstance(plan, Orchard | Vegetable | Rice)
    found = plan.phases.of(id)
    assert found is not None
    return found


def figure(found: Zone, key: str) -> Figure:
    return next(figure for figure in found.figures if figure.key == key)


ORCHARD = 'kind = "orchard"\nphase = "fruit"\nsince = 2026-05-01\n'


def test_an_orchard_has_every_figure_with_its_source() -> None:
    found = zone(ORCHARD)
    plan = found.plan
    assert isinstance(plan, Orchard) and plan.phases.again and plan.phases.first == "fruit"
    assert [(s.id, s.days, s.water_pct, s.wet_days, s.kc) for s in plan.phases.steps] == [
        ("rest", 30, 0, 0, 0.65),
        ("induce", 42, 0, 7, 0.65),
        ("flower", 30, 25, 0, 0.65),
        ("fruit", 90, 100, 0, 1.05),
        ("harvest", 30, 75, 0, 0.88),
    ]
    assert (plan.guard_e4, plan.most_dry_days, plan.saline_months) == (2160, 60, (1, 2, 3, 4, 5))
    assert all(f.source and not f.changed for f in found.figures)
    assert "six weeks" in figure(found, "phases 'induce'.days").source
    assert figure(found, "phases 'rest'.days").source == OWN


def test_what_the_file_changes_is_changed_and_shown_as_such() -> None:
    rows = '[[zone.plan.phases]]\nid = "induce"\ndays = 50\n[[zone.plan.phases]]\nid = "flower"\nwater_pct = 0'
    found = zone(f"{ORCHARD}guard_vwc = 0.2\n{rows}")
    assert step(found.plan, "induce").days == 50 and step(found.plan, "flower").water_pct == 0
    assert step(found.plan, "induce").wet_days == 7
    for key in ("phases 'induce'.days", "phases 'flower'.water_pct", "guard_vwc"):
        assert figure(found, key).changed
    assert not figure(found, "phases 'induce'.wet_days").changed


def test_the_crop_of_an_orchard_decides_its_phases_and_the_files_own_kc_goes_before() -> None:
    citrus = zone(ORCHARD, {'crop = "mango"': 'crop = "quýt"'})
    assert step(citrus.plan, "induce").days == 20 and step(citrus.plan, "fruit").kc is None
    own = zone(ORCHARD, {'crop = "mango"': 'crop = { name = "xoài", kc = [0.7, 0.8, 0.7] }'})
    assert step(own.plan, "fruit").kc is None and own.ground is not None and own.ground.kc == (0.7, 0.8, 0.7)


def test_vegetables_have_the_stages_of_their_crop_and_marks_by_stage() -> None:
    plan = 'kind = "vegetable"\nphase = "seedling"\nsince = 2026-06-20\n'
    found = zone(plan, {'crop = "mango"': 'crop = "dưa leo"'})
    assert isinstance(found.plan, Vegetable)
    assert [s.days for s in found.plan.phases.steps] == [20, 30, 40, 15]
    assert step(found.plan, "seedling").marks_e4 == (3060, 3420)  # fc 0.36 - 0.8 * 0.75 * 0.5 * 0.18
    row = '[[zone.plan.phases]]\nid = "growth"\np = 0.3\ntarget_vwc = 0.35'
    changed = zone(plan + row, {'crop = "mango"': 'crop = "dưa leo"'})
    assert step(changed.plan, "growth").marks_e4 == (3168, 3500)


def test_stages_by_days_of_the_season() -> None:
    plan = 'kind = "vegetable"\nphase = "seedling"\nsince = 2026-06-20\n'
    rows = "".join(
        f'[[zone.plan.phases]]\nid = "{id}"\nfrom_day = {first}\nto_day = {last}\n'
        for id, first, last in (("seedling", 0, 19), ("growth", 20, 44), ("yield", 45, 60), ("last", 61, 70))
    )
    found = zone(plan + rows)
    assert isinstance(found.plan, Vegetable) and [s.days for s in found.plan.phases.steps] == [20, 25, 16, 10]
    wrong = refused(plan + rows.replace("from_day = 20", "from_day = 15"))
    assert wrong.field.endswith("plan.phases 'growth'.from_day") and wrong.value == "15"
    assert "(20)" in wrong.vietnamese and "chồng" in wrong.vietnamese


TUBES = 'tubes = [{ node = "ruong-1", channel = 0 }]\n'
RICE = f'kind = "rice"\nphase = "establish"\nsince = 2026-06-20\n{TUBES}'


def test_rice_needs_a_tube_and_no_probe() -> None:
    found = zone(RICE, {PROBES: "probes = []"}, soil=False)
    assert isinstance(found.plan, Rice) and not found.probes
    assert [(s.id, s.flood_mm) for s in found.plan.phases.steps] == [
        ("establish", (10, 50)),
        ("tiller", (-150, 50)),
        ("heading", (10, 50)),
        ("grain", (-150, 50)),
        ("drain", None),
    ]
    assert (found.plan.max_age_ms, found.plan.spread_mm, found.plan.range_mm) == (2_700_000, 80, 350)
    settings = settings_of(registry.parse(text(RICE)), ManualClock(0))
    assert found.plan.tubes[0].key in settings.sensor_keys


def test_a_calendar() -> None:
    found = zone('kind = "calendar"\nweekdays = ["t2", "cn"]\nby = "sunrise-30"\nminutes = 20\nrain_mm = 10\n'
                 "season = { from = 2026-06-01, to = 2026-10-31, cap_mm = 300 }")  # fmt: skip
    plan = found.plan
    assert isinstance(plan, Calendar)
    assert (plan.weekdays, plan.sun, plan.minute, plan.by_end) == ((0, 6), Sun.SUNRISE, -30, True)
    assert plan.amount_ml == round(20 * found.flow_lpm * 1000) and plan.cap_ml == round(300 * found.area_m2 * 1000)
    assert (plan.rain_um, plan.rain_wait_ms) == (10_000, DAY_MS)
    depth = zone('kind = "calendar"\nevery_days = 3\nfirst_day = 2026-06-01\nat = "05:30"\ndepth_mm = 4').plan
    assert isinstance(depth, Calendar) and depth.minute == 330 and depth.amount_ml == round(4 * found.area_m2 * 1000)


def test_a_garden_of_hand() -> None:
    assert zone('kind = "manual"').plan == Manual()


CALENDAR = 'kind = "calendar"\nweekdays = ["t2"]\nat = "05:30"\nminutes = 20\n'
BY = CALENDAR.replace("at =", "by =")


@pytest.mark.parametrize(
    ("plan", "field", "said"),
    [
        ('kind = "lotus"', "plan.kind", "phải là một trong: orchard"),
        (ORCHARD.replace("fruit", "bloom"), "plan.phase", "phải là một trong: rest"),
        (ORCHARD.replace("since = 2026-05-01", ""), "plan.since", "(chưa ghi): phải là ngày"),
        (f"{ORCHARD}moon = 1", "plan.moon", "không có mục này"),
        (f"{ORCHARD}guard_vwc = 0.3", "plan.guard_vwc", "thấp hơn dry_vwc"),
        (f"{ORCHARD}guard_vwc = 0.1", "plan.guard_vwc", "cao hơn wp (0.18)"),
        (f"{ORCHARD}saline_months = [13]", "plan.saline_months", "số nguyên trong 1..12"),
        (f'{ORCHARD}[[zone.plan.phases]]\nid = "rest"\ndays = -3', "'rest'.days", "số nguyên trong 1..365"),
        (f'{ORCHARD}[[zone.plan.phases]]\nid = "rest"\nwater_pct = 120', "'rest'.water_pct", "0..100"),
        (f'{ORCHARD}[[zone.plan.phases]]\nid = "rest"\nfill_at_mm = 1', "fill_at_mm", "không có mục này"),
        (f'{ORCHARD}[[zone.plan.phases]]\nid = "rest"\n[[zone.plan.phases]]\nid = "rest"', "plan.phases", "một lần"),
        (f'{RICE}[[zone.plan.phases]]\nid = "tiller"\nfill_at_mm = 60', "fill_at_mm", "thấp hơn fill_to_mm (50)"),
        (f"{RICE}range_mm = 100", "plan.range_mm", "lớn hơn mọi mốc"),
        (f"{RICE}max_age_min = 1", "plan.max_age_min", "ít nhất gấp đôi sample_s"),
        (RICE.replace("ruong-1", "kinh-1"), "plan.tubes", "không phải mực nước mương"),
        (RICE.replace(TUBES, "tubes = []\n"), "plan.tubes", "phải có 1 đến 8 bảng"),
        (BY.replace("= 20", "= 241"), "plan.window_min", "(chưa ghi): phải ít nhất 241"),
        (BY + "window_min = 19", "plan.window_min", "19: phải ít nhất 20"),
        (BY + f"window_min = 30\nmonths_pct = {[100] * 11 + [160]}", "plan.window_min", "phải ít nhất 32"),
        (CALENDAR.replace("= 20", "= -20"), "plan.minutes", "số nguyên trong 1..720"),
        (CALENDAR + "every_days = 2", "plan.weekdays", "một trong hai"),
        (CALENDAR + 'by = "06:00"', "plan.at", "một trong hai"),
        (CALENDAR.replace("05:30", "25:30"), "plan.at", "phải là giờ như"),
        (CALENDAR.replace('"t2"', '"t9"'), "plan.weekdays", "t2, t3"),
        (CALENDAR + "depth_mm = 4", "plan.minutes", "một trong hai"),
        (CALENDAR + "months_pct = [100]", "plan.months_pct", "12 số nguyên trong 0..200"),
        (CALENDAR + "season = { from = 2026-06-01, to = 2026-05-01 }", "season.to", "từ 2026-06-01 trở đi"),
        ('kind = "manual"\nminutes = 5', "plan.minutes", "không có mục này"),
    ],
)
def test_what_cannot_be_is_refused_with_field_value_and_range(plan: str, field: str, said: str) -> None:
    found = refused(plan)
    assert found.field.endswith(field) and said in found.vietnamese, found.vietnamese
    assert "không dùng được" not in found.vietnamese


def test_what_needs_a_soil_says_so() -> None:
    assert refused(ORCHARD, soil=False).field.endswith("'flower'.water_pct")
    rows = "".join(f'[[zone.plan.phases]]\nid = "{id}"\nwater_pct = 0\n' for id in ("flower", "harvest"))
    assert refused(ORCHARD + rows, soil=False).field.endswith("plan.guard_vwc")
    assert zone(f"{ORCHARD}guard_vwc = 0.15\n{rows}", soil=False).plan is not None
    assert refused(ORCHARD, {PROBES: "probes = []"}).field.endswith("probes")


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (RICE.replace("2026-06-20", "2025-12-01"), "plan.since"),
        (RICE.replace("2026-06-20", "2027-12-01"), "plan.since"),
        (CALENDAR + "season = { from = 2025-06-01, to = 2025-10-31 }", "plan.season.to"),
    ],
)
def test_a_season_that_is_over_or_to_come_is_remarked(plan: str, field: str) -> None:
    (remark,) = in_force.remarks(registry.parse(text(plan)), JULY_2026_MS)
    assert remark.field.endswith(field) and "2026-07-01" in remark.on_screen
    assert not in_force.remarks(registry.parse(text(RICE)), JULY_2026_MS)
    assert not in_force.remarks(registry.parse(text(ORCHARD.replace("2026", "2024"))), JULY_2026_MS)


def test_show_prints_every_figure_its_source_and_whether_it_was_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    home.registry.write_text(text(f"{ORCHARD}guard_vwc = 0.2"), encoding="utf-8")
    assert main(["plan", "show", "xoai", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "nuôi trái / fruiting, 2026-05-01, village.toml" in shown
    assert "guard_vwc" in shown and "đã sửa trong sổ" in shown and "Carr 2013" in shown
    assert "guard_vwc     = 0.2   đã sửa trong sổ, số gốc theo / changed in the file, the default is of [" in shown
    assert shown.count(OWN) == 1 and 'nuôi trái / fruiting   ([[zone.plan.phases]] id = "fruit")' in shown
    assert main(["plan", "show", "mars", "--home", str(tmp_path)]) == 1
    assert "không có vườn 'mars'" in capsys.readouterr().err


def test_every_source_is_told_in_vietnamese_too() -> None:
    tables = (defaults.MANGO, defaults.CITRUS, defaults.RICE)
    said = {source for table in tables for figures in table.values() for _, source in figures.values()}
    for own in (defaults.ORCHARD_OWN, defaults.RICE_OWN, defaults.CALENDAR_OWN, defaults.VEGETABLE_P):
        said |= {source for _, source in own.values()}
    assert said and said | {defaults.CROP, defaults.GARDEN, defaults.NO_PLAN} == set(defaults.SOURCES_VI)
    assert all(vi != en for en, vi in defaults.SOURCES_VI.items())


def test_show_tells_when_a_calendar_waters_and_what_its_season_has_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path)
    season = "rain_mm = 10\nseason = { from = 2026-06-01, to = 2026-10-31, cap_m3 = 90 }"
    home.registry.write_text(text(CALENDAR.replace('"05:30"', '"sunrise-30"') + season), encoding="utf-8")
    assert main(["plan", "show", "xoai", "--home", str(tmp_path)]) == 0
    assert "t2, bắt đầu / begins at sunrise-30" in capsys.readouterr().out
    shown = show(home, "xoai", JULY_2026_MS)
    assert "lần tới / next time: 2026-07-06 05:1" in shown
    for said in ("t2, bắt đầu / begins at sunrise-30", "mưa từ 10 mm", "2026-06-01 - 2026-10-31", "0,0 m³ / 90,0 m³"):
        assert said in shown
