"""The view that the gateway makes of its databases: what is now, what is old, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import registry
from gateway.core.estimate import Doubt, Estimate, Sums
from gateway.core.rows import Boot, Quarantined, Reading
from gateway.core.rules import Rule
from gateway.core.state import Lock, OutputState, Phase, Run, SourceState, State, ZoneState
from gateway.core.types import OutputRef as CoreOutputRef
from gateway.core.village import Fill, Output, OutputRef, SensorRef, Village
from gateway.home import Home
from gateway.store.control import ControlReader, ControlWriter
from gateway.store.control import State as StateRow
from gateway.store.data import Batch, DataReader, DataWriter
from gateway.view import Viewer, build_village
from kit.clock import ManualClock, SpedClock
from pages import view
from pages.i18n import language
from pages.render import Controls, render_home
from tests.support.seeded import HOUR_MS, MINUTE_MS, seed, village_toml
from wire import fields

NOW_MS = 1_709_259_000_000


class Built:
    """The databases of a village, written by hand."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.registry.write_text(village_toml(), encoding="utf-8")
        self.village: Village = registry.load(self.home.registry)
        self._data = DataWriter(self.home.data)
        self._control = ControlWriter(self.home.control)
        self.reader = DataReader(self.home.data)
        self.control = ControlReader(self.home.control)
        self._seq = 0

    def close(self) -> None:
        for database in (self._data, self._control, self.reader, self.control):
            database.close()

    def measured(
        self, node: str, field: int, value: int | None, *, ago_ms: int = 0, flag: int = fields.GOOD, late_ms: int = 0
    ) -> None:
        self._seq += 1
        at_ms = NOW_MS - ago_ms
        row = Reading(node, 1, self._seq, field, 0, self._seq, at_ms, 2, at_ms + late_ms, value or 0, value, flag, 0)
        self._data.commit(Batch(readings=[row]))

    def heard(self, node: str, ago_ms: int) -> None:
        boot = Boot(node, 1, b"12345678", 0, 0, NOW_MS - ago_ms, 9, "1", "soil", 1, 0)
        self._data.commit(Batch(boots={(node, 1): boot}))

    def remembers(self, state: State) -> None:
        with self._control.transaction():
            self._control.set_state(StateRow(1, NOW_MS, state.to_json()))

    def alarm(self, rule: Rule, *, ended: bool = False) -> None:
        with self._control.transaction():
            self._control.raise_alarm(NOW_MS - MINUTE_MS, rule, "van-1", 1)
            if ended:
                self._control.end_alarms("van-1", 1, NOW_MS)

    def seen(self, now_ms: int = NOW_MS) -> view.Village:
        return build_village(self.village, self.reader, self.control, ManualClock(now_ms), now_ms)

    def garden(self, zone: str = "xoai", now_ms: int = NOW_MS) -> view.Garden:
        return next(garden for garden in self.seen(now_ms).gardens if garden.id == zone)


@pytest.fixture
def built(tmp_path: Path) -> Iterator[Built]:
    made = Built(tmp_path)
    yield made
    made.close()


def test_a_village_without_data_is_blind_and_quiet(built: Built) -> None:
    seen = built.seen()
    assert {garden.state for garden in seen.gardens} == {"blind"}
    assert {source.state for source in seen.sources} == {"blind"}
    assert seen.alerts == ()
    assert view.Village.from_json(seen.to_json()) == seen


@pytest.mark.parametrize("clock_ms", [0, 4_102_444_800_001, 9_223_372_036_854])  # 1970, 2100, the end of Linux's time
def test_a_clock_far_from_today_breaks_no_page(built: Built, clock_ms: int) -> None:
    built.measured("dat-xoai", fields.SOIL_MOISTURE, 2640)
    seen = built.seen(clock_ms)
    assert seen.now_ms == clock_ms and view.Village.from_json(seen.to_json()) == seen


def test_moisture_is_what_a_fresh_good_probe_says(built: Built) -> None:
    built.measured("dat-xoai", fields.SOIL_MOISTURE, 2640, ago_ms=5 * MINUTE_MS)
    garden = built.garden()
    assert (garden.moisture_pct, garden.measured_ms, garden.state) == (26.4, NOW_MS - 5 * MINUTE_MS, "ok")
    assert (garden.band.dry_pct, garden.band.target_pct) == (22.0, 30.0)


def test_probes_that_disagree_give_no_number(built: Built) -> None:
    two = (*built.village.zones["xoai"].probes, SensorRef("dat-rau", 0))
    zones = {**built.village.zones, "xoai": replace(built.village.zones["xoai"], probes=two)}
    built.village = replace(built.village, zones=zones)
    built.measured("dat-xoai", fields.SOIL_MOISTURE, 1500)
    built.measured("dat-rau", fields.SOIL_MOISTURE, 3500)
    garden = built.garden()
    assert (garden.state, garden.moisture_pct, garden.measured_ms) == ("unsure", None, NOW_MS)
    assert view.shown_state(garden, built.seen(), NOW_MS) == "unsure"
    assert view.shown_state(garden, built.seen(), NOW_MS + HOUR_MS) == "blind"


def test_a_faulty_reading_is_not_shown(built: Built) -> None:
    built.measured("dat-xoai", fields.SOIL_MOISTURE, 100, flag=fields.FAIL)
    assert built.garden().state == "blind" and built.garden().history == ()


def test_an_old_reading_keeps_its_number_and_its_time(built: Built) -> None:
    built.measured("dat-xoai", fields.SOIL_MOISTURE, 2640, ago_ms=2 * HOUR_MS)
    garden = built.garden()
    assert (garden.state, garden.moisture_pct, garden.measured_ms) == ("blind", 26.4, NOW_MS - 2 * HOUR_MS)


def test_a_node_whose_clock_is_ahead_does_not_look_fresh_for_ever(built: Built) -> None:
    built.measured("dat-xoai", fields.SOIL_MOISTURE, 2640, ago_ms=-HOUR_MS, late_ms=-HOUR_MS)
    assert built.garden().measured_ms == NOW_MS
    assert built.garden(now_ms=NOW_MS + 31 * MINUTE_MS).state == "blind"


def test_history_does_not_move_when_only_time_passes(built: Built) -> None:
    for n in range(200):
        built.measured("dat-xoai", fields.SOIL_MOISTURE, 2500 + n, ago_ms=(200 - n) * 15 * MINUTE_MS)
    first, later = built.garden().history, built.garden(now_ms=NOW_MS + MINUTE_MS).history
    assert first == later
    assert 60 < len(first) <= view.MAX_HISTORY
    assert [at for at, _ in first] == sorted(at for at, _ in first)


@pytest.mark.parametrize(
    ("level_mm", "salt_us_cm", "state", "code"),
    [(850, 600, "ok", None), (850, 2000, "salt", "salt"), (299, 600, "low", "low"), (299, 2500, "salt", "salt")],
)
def test_a_source_is_good_salty_or_low(
    built: Built, level_mm: int, salt_us_cm: int, state: str, code: str | None
) -> None:
    built.measured("kinh-1", fields.WATER_LEVEL, level_mm)
    built.measured("kinh-1", fields.CONDUCTIVITY_25, salt_us_cm)
    (source,) = built.seen().sources
    assert (source.state, source.level_mm, source.conductivity_us_cm) == (state, level_mm, float(salt_us_cm))
    assert [alert.code for alert in built.seen().alerts] == ([code] if code else [])


def test_a_probe_that_is_wrong_for_half_an_hour_is_told_once(built: Built) -> None:
    def codes() -> list[str]:
        return [alert.code for alert in built.seen().alerts]

    for ago in (50, 40):
        built.measured("dat-xoai", fields.SOIL_MOISTURE, 3000, ago_ms=ago * MINUTE_MS)
    for ago in (25, 15):
        built.measured("dat-xoai", fields.SOIL_MOISTURE, 9000, ago_ms=ago * MINUTE_MS, flag=fields.FAIL)
    built.measured("dat-rau", fields.SOIL_MOISTURE, 3000, ago_ms=10 * MINUTE_MS)
    (alert,) = built.seen().alerts
    assert (alert.code, alert.level) == ("wrong", "warning")
    assert alert.text.startswith("Vườn xoài Cát Chu: 1 máy đo đất đo sai (Máy đo đất xoai), ")
    assert language("en").say_again(alert.text).endswith("and are not used. Look at them.")
    built.measured("dat-xoai", fields.SOIL_MOISTURE, 3000, ago_ms=5 * MINUTE_MS)
    assert codes() == []
    built.measured("dat-xoai", fields.SOIL_MOISTURE, 9000, ago_ms=0, flag=fields.SUSPECT)
    assert codes() == []  # not for half an hour yet


def test_what_the_irrigation_remembers_of_salt_holds(built: Built) -> None:
    built.measured("kinh-1", fields.WATER_LEVEL, 850)
    built.measured("kinh-1", fields.CONDUCTIVITY_25, 1700)  # below the limit, above where it opens again
    assert built.seen().sources[0].state == "ok"
    built.remembers(State(sources={"kinh": SourceState(salt=True)}))
    assert built.seen().sources[0].state == "salt"


def test_silent_nodes_are_named_in_one_alert(built: Built) -> None:
    built.heard("kinh-1", 5 * MINUTE_MS)
    built.heard("van-1", 45 * MINUTE_MS)
    (alert,) = built.seen().alerts
    assert alert.text == "Mất sóng: Trạm bơm, Máy đo đất xoai, Máy đo đất rau và 1 máy nữa."
    built.heard("van-1", 0)
    assert built.seen().alerts[0].text == "Mất sóng: Máy đo đất xoai, Máy đo đất rau, Máy đo đất cam."


def test_an_output_that_does_not_obey_comes_first(built: Built) -> None:
    built.heard("kinh-1", 0)
    built.remembers(State(outputs={"van-1/1": OutputState(phase=Phase.QUARANTINED)}))
    alerts = built.seen().alerts
    assert [alert.code for alert in alerts] == ["output", "silent"]
    assert (alerts[0].level, alerts[0].text) == ("danger", "Trạm bơm: van hay máy bơm không nghe lệnh. Ra coi tại chỗ.")


def test_an_output_that_was_on_by_itself_is_told_for_an_hour_after_its_end(built: Built) -> None:
    built.alarm(Rule.OUTPUT_STRANGE)
    text = "Trạm bơm: có van mở mà không ai bấm. Đã gửi lệnh tắt."
    assert [(alert.level, alert.text) for alert in built.seen().alerts] == [("danger", text)]
    built.alarm(Rule.OUTPUT_STRANGE, ended=True)
    assert [(alert.level, alert.text) for alert in built.seen().alerts] == [("warning", text)]
    assert built.seen(NOW_MS + HOUR_MS + 1).alerts == ()


def test_an_output_that_answers_again_is_told(built: Built) -> None:
    built.alarm(Rule.NO_ANSWER, ended=True)
    (alert,) = built.seen().alerts
    assert (alert.level, alert.text) == ("info", "Trạm bơm: van đã trả lời lại và đang tắt.")
    assert language("en").say_again(alert.text) == "Trạm bơm: the valve answers again and is off."


def test_what_was_quarantined_in_the_last_day_is_told_in_one_line(built: Built) -> None:
    row = Quarantined(NOW_MS - 23 * HOUR_MS, "t", "bad_seal", "", b"")
    built._data.commit(Batch(quarantine=[row, row]))
    (alert,) = built.seen().alerts
    assert (alert.code, alert.level) == ("quarantine", "info")
    assert language("en").say_again(alert.text).startswith("Some readings of today")
    assert built.seen(NOW_MS + HOUR_MS).alerts == ()


def test_alerts_have_their_english(built: Built) -> None:
    built.heard("kinh-1", 0)
    built.alarm(Rule.OUTPUT_STRANGE)
    built.measured("kinh-1", fields.WATER_LEVEL, 100)
    built.measured("kinh-1", fields.CONDUCTIVITY_25, 5000)
    built.remembers(State(outputs={"van-1/1": OutputState(phase=Phase.UNKNOWN)}, sources={"kinh": SourceState()}))
    for alert in built.seen().alerts:
        assert language("en").say_again(alert.text) != alert.text


def test_a_state_of_another_version_is_no_reason_to_fail(built: Built) -> None:
    with built._control.transaction():
        built._control.set_state(StateRow(99, NOW_MS, '{"version":99,"state":{}}'))
    assert len(built.seen().gardens) == 3


def test_the_seeded_village_is_seen_as_it_is(tmp_path: Path) -> None:
    home = seed(tmp_path, NOW_MS)
    viewer = Viewer(home, registry.load(home.registry), ManualClock(NOW_MS))
    seen = viewer.build(NOW_MS)
    viewer.close()
    xoai, rau, cam = seen.gardens
    assert (xoai.state, rau.state, cam.state) == ("dry", "ok", "blind")
    assert rau.running is not None and rau.running.why is not None
    assert rau.running.why.text == "bà tư bấm tưới vườn rau trong 10 phút."
    assert (rau.running.phase, rau.running.ends_ms) == ("on", NOW_MS + 8 * MINUTE_MS)
    assert (rau.waterings[0].on_ms, rau.waterings[0].off_ms) == (NOW_MS - 2 * MINUTE_MS, None)
    assert (rau.can_water, xoai.can_water) == (False, True)
    assert xoai.why[0].text == "Chưa tưới: máy bơm đang tưới vườn rau."
    assert xoai.why[0].english == "Not yet: the pump is watering vườn rau."
    assert not seen.simulated


def test_a_sped_up_clock_makes_it_a_simulated_village(tmp_path: Path) -> None:
    home = seed(tmp_path, NOW_MS)
    viewer = Viewer(home, registry.load(home.registry), SpedClock(0, NOW_MS, 60.0))
    seen = viewer.build(NOW_MS)
    viewer.close()
    assert (seen.simulated, seen.speed) == (True, 60.0)


def test_databases_may_come_later_and_may_break(tmp_path: Path) -> None:
    other = tmp_path / "later"
    other.mkdir()
    home = Home(other)
    home.registry.write_text(village_toml(), encoding="utf-8")
    viewer = Viewer(home, registry.load(home.registry), ManualClock(NOW_MS))
    assert viewer.build(NOW_MS).gardens[0].measured_ms is None
    seed(other, NOW_MS)
    assert viewer.build(NOW_MS).gardens[0].measured_ms is not None
    viewer.close()
    home.data.write_bytes(b"broken" * 1000)
    seen = viewer.build(NOW_MS)
    assert [alert.code for alert in seen.alerts] == ["store"]
    assert {garden.state for garden in seen.gardens} == {"blind"}
    viewer.close()


def test_a_cabinet_in_trouble_is_named_once(built: Built) -> None:
    built.remembers(State(outputs={f"van-1/{n}": OutputState(phase=Phase.UNKNOWN) for n in range(100)}))
    assert [alert.code for alert in built.seen().alerts] == ["output"]


def test_what_is_locked_is_told_with_where_to_look_and_its_garden_can_be_unlocked(built: Built) -> None:
    built.remembers(State(locks={"van-1/1": Lock(Rule.FLOW_BURST, NOW_MS)}))
    (alert,) = built.seen().alerts
    assert (alert.level, alert.text) == (
        "danger",
        "Trạm bơm: nước ra quá nhiều, đã khóa van. Coi bể ống rồi bấm MỞ KHÓA.",
    )
    assert "burst" in language("en").say_again(alert.text)
    assert {garden.id: garden.locked for garden in built.seen().gardens}["xoai"]


def test_doubted_probes_are_told_with_where_to_look_and_a_person_can_say_that_it_was_done(built: Built) -> None:
    known = Estimate(NOW_MS, 0, 1, Sums(0), doubt=Doubt(NOW_MS, NOW_MS + HOUR_MS, 40_000))
    built.remembers(State(zones={"xoai": ZoneState(known=known)}))
    seen = built.seen()
    (alert,) = [alert for alert in seen.alerts if alert.code == "doubt"]
    assert alert.level == "warning" and "Máy đo sai hoặc ống bể" in alert.text
    assert "a pipe leaks" in language("en").say_again(alert.text)
    assert [garden.id for garden in seen.gardens if garden.doubted] == ["xoai"]
    html = render_home(seen, NOW_MS, language("vi"), csrf="c", controls=Controls("c", "f"))
    assert 'action="/unlock"' in html and "ĐÃ COI</button>" in html


def test_a_ditch_that_is_filled_and_its_salt_canal_are_shown(built: Built) -> None:
    source = built.village.sources["kinh"]
    canal = SensorRef("kinh-1", 0)
    fill = Fill("Kênh Cái", canal, (canal,), OutputRef("van-1", 7), None, None, 700, 900, 100, 1500, 1200, 180)
    cabinet = built.village.nodes["van-1"]
    cabinet = replace(cabinet, outputs=(*cabinet.outputs, Output(7, "sluice", 7200, 60)))
    nodes = {**built.village.nodes, "van-1": cabinet}
    built.village = replace(built.village, nodes=nodes, sources={"kinh": replace(source, fill=fill)})
    built.measured("kinh-1", fields.CONDUCTIVITY_25, 400)
    ref = CoreOutputRef("van-1", 7)
    run = Run(1, Rule.FILL_SLUICE, "", ref, None, NOW_MS - MINUTE_MS, NOW_MS + HOUR_MS, 0, NOW_MS - MINUTE_MS)
    built.remembers(State(sources={"kinh/canal": SourceState(salt=True)}, zones={"kinh": ZoneState(run=run)}))
    seen = built.seen()
    assert (seen.sources[0].gate, seen.sources[0].gate_ends_ms) == ("filling", NOW_MS + HOUR_MS)
    (alert,) = [alert for alert in seen.alerts if alert.code == "canal_salt"]
    assert alert.level == "warning" and alert.text.startswith("Kênh Cái đang mặn. Chưa lấy nước vô ")
    html = render_home(seen, NOW_MS, language("vi"), csrf="c", controls=Controls("c", "f"))
    assert "Đang lấy nước vô" in html and 'id="s-kinh"' in html
    built.remembers(State(zones={"kinh": ZoneState(run=replace(run, why=Rule.DRAIN))}))
    assert built.seen().sources[0].gate == "draining"
    assert 'id="s-kinh"' not in render_home(seen, NOW_MS, language("vi"), csrf="c")
