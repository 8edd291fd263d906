"""The control shell on real databases and a clock that stands still: commit before dispatch, crashes, a set clock."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.rows import Receipt
from gateway.core.rules import Rule
from gateway.core.state import Lock
from gateway.store import control as stored
from gateway.store.common import StoreError
from gateway.store.control import ControlWriter
from gateway.store.village import Intent, VillageWriter
from tests.support.control_home import (
    NONCE,
    START_MS,
    UPTIME_MS,
    VILLAGE,
    Home,
    commands_of,
)
from wire import commands, fields


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path)) as home:
        yield home


def test_a_dry_garden_from_the_commit_to_the_command(home: Home) -> None:
    home.dry()
    assert home.control.turn()
    assert [(o.action, o.output) for o in home.sent] == [(commands.QUERY, 255), (commands.OPEN, 1)]
    assert {o.nonce for o in home.sent} == {NONCE}
    home.accept(home.sent[1], 0b10)
    assert home.control.turn() and home.sent[-1].output == 0
    with home.rows() as reader:
        decision = reader.decisions("xoai")[0]
        by_state = {command.state for command in reader.commands()}
        kept = reader.state()
    assert decision.rule == Rule.SOIL_DRY and decision.text_vi == "Tưới vườn xoài: đất khô (18 %, ngưỡng 22 %)."
    inputs, limits = json.loads(decision.inputs), json.loads(decision.limits)
    assert (inputs["soil_e4"], inputs["probes"], inputs["level_mm"], inputs["salt_us_cm"]) == (1800, 2, 500, 400)
    assert (limits["dry_e4"], limits["limit_us_cm"]) == (2200, 1562)
    assert by_state == {"sent", "answered"} and kept is not None and kept.at_ms == START_MS


def test_nothing_new_is_nothing_to_do(home: Home) -> None:
    home.dry(3000)
    assert home.control.turn()
    assert not home.control.turn()


def test_what_cannot_be_committed_has_not_happened(home: Home) -> None:  # P12
    home.dry()
    with ControlWriter.transaction(home.writer):
        home.writer._run("ALTER TABLE commands RENAME TO away")
    before = home.control.state
    with pytest.raises(StoreError):
        home.control.turn()
    assert home.sent == [] and home.control.state == before and home.rules() == []
    with ControlWriter.transaction(home.writer):
        home.writer._run("ALTER TABLE away RENAME TO commands")
    home.control.come_back()
    assert home.control.turn() and home.sent[-1].action == commands.OPEN and home.rules() == ["soil_dry"]


def test_a_crash_before_publishing_sends_what_is_still_valid(home: Home) -> None:  # P4, D4
    home.connected = False
    home.dry()
    home.control.turn()
    home.connected = True
    home.clock.advance_ms(4_000)
    home.crash()
    home.control.turn()
    assert [o.action for o in home.sent].count(commands.OPEN) == 1
    assert home.sent[0].expires_uptime_ms == UPTIME_MS + 10_000


def test_a_crash_long_before_publishing_sends_nothing_old(home: Home) -> None:  # P4
    home.connected = False
    home.dry()
    home.control.turn()
    home.connected = True
    home.clock.advance_ms(11_000)
    home.crash()
    home.commit()
    home.control.turn()
    assert commands.OPEN not in [o.action for o in home.sent]
    assert home.rules()[-1] == Rule.NO_ANSWER
    with home.rows() as reader:
        assert "unsent" in {command.state for command in reader.commands()}


def test_a_request_is_taken_once_also_over_a_crash(home: Home) -> None:  # P4
    home.dry(3000)
    home.village.add_intent(Intent(0, START_MS, START_MS + 60_000, "water", "xoai", 5, "chú Sáu"))
    home.control.turn()
    home.crash()
    home.control.turn()
    assert home.rules().count(Rule.MANUAL_WATER) == 1


def test_a_clock_of_the_year_2107_stops_nothing_and_is_forgotten(home: Home) -> None:  # P12
    home.dry(3000)
    home.control.turn()
    home.clock.wall_ms = 4_323_456_000_000
    home.dry()
    home.ask("water", 5)
    home.control.turn()
    home.clock.wall_ms = START_MS + home.clock.mono_ms() + 60_000
    home.dry()
    home.control.turn()
    counters = [order.counter for order in home.sent]
    assert len(counters) >= 2 and counters == sorted(set(counters)) and counters[-1] < START_MS // 1000 + 100


def test_a_command_that_no_frame_can_hold_is_unsent_and_the_next_ones_are_sent(home: Home) -> None:
    home.dry(3000)
    home.control.turn()
    with home.writer.transaction():
        state = home.control.state
        too_high = replace(state, nodes={"van-1": replace(state.nodes["van-1"], counter=1 << 32)})
        home.writer.set_state(stored.State(1, START_MS, too_high.to_json()))
        home.writer._run("UPDATE commands SET counter = ?, state = 'decided', sent_ms = NULL", (1 << 32,))
    home.crash()
    home.dry()
    home.control.turn()
    assert [order.counter for order in home.sent[1:]] == [START_MS // 1000, START_MS // 1000 + 1]
    with home.rows() as reader:
        assert [command.state for command in reader.commands()] == ["sent", "sent", "unsent"]


def test_a_command_without_an_answer_is_repeated_once_at_half_its_time(home: Home) -> None:  # P4
    home.dry()
    home.control.turn()
    (query, opened) = home.sent
    for _ in range(9):
        home.clock.advance_ms(1_000)
        home.control.turn()
    assert [order.counter for order in home.sent] == [query.counter, opened.counter, opened.counter]
    home.accept(opened, 0b10)
    home.control.turn()
    assert home.sent[-1].output == 0 and Rule.NO_ANSWER not in home.rules()


def test_a_command_is_repeated_over_a_crash_too(home: Home) -> None:  # P4
    home.dry()
    home.control.turn()
    home.clock.advance_ms(6_000)
    home.crash()
    home.control._dispatch.send(home.clock.now_ms())
    assert [order.action for order in home.sent] == [commands.QUERY, commands.OPEN, commands.OPEN]
    assert home.sent[1].counter == home.sent[2].counter


def pump_on_and_control_gone(home: Home) -> commands.Command:
    """Up to the OPEN of the pump, which the node takes, and nobody reads its receipt."""
    home.dry()
    home.control.turn()
    home.accept(home.sent[-1], 0b10)
    home.control.turn()
    home.clock.advance_ms(200)
    home.accept(home.sent[-1], 0b11)
    return home.sent[-1]


def test_water_that_flowed_while_control_was_gone_is_a_run(home: Home) -> None:  # P3
    opened = pump_on_and_control_gone(home)
    assert (opened.output, opened.duration_ms) == (0, 90_000)
    home.clock.advance_ms(90_000)
    home.ended(opened, 0b10)
    home.clock.advance_ms(400_000)
    home.crash()
    home.commit()
    home.control.turn()
    home.accept(home.sent[-1], 0)
    home.control.turn()
    with home.rows() as reader:
        (run,) = reader.runs()
    assert (run.started_ms, run.ended_ms) == (START_MS + 200, START_MS + 90_200)
    assert (run.why_start, run.why_stop) == (Rule.SOIL_DRY, Rule.LEASE_ENDED)
    assert run.litres == pytest.approx(VILLAGE.zones["xoai"].flow_lpm * 1.5, rel=0.01)


def test_water_of_which_only_the_output_readings_tell_is_a_run(home: Home) -> None:
    home.dry()
    home.control.turn()
    home.accept(home.sent[-1], 0b10)
    home.control.turn()
    home.clock.advance_ms(300)
    home.commit(("van-1", fields.OUTPUT, 0, 1))
    home.clock.advance_ms(90_000)
    home.commit(("van-1", fields.OUTPUT, 0, 0))
    home.clock.advance_ms(30_000)
    home.crash()
    home.commit()
    for _ in range(3):
        before = len(home.sent)
        home.control.turn()
        for order in home.sent[before:]:
            home.accept(order, 0)
    with home.rows() as reader:
        (run,) = reader.runs()
    assert (run.started_ms, run.ended_ms) == (START_MS + 300, START_MS + 90_300)


def test_a_run_that_goes_on_after_a_restart_began_when_the_water_did(home: Home) -> None:
    pump_on_and_control_gone(home)
    home.clock.advance_ms(5_000)
    home.crash()
    home.control.turn()
    home.accept(home.sent[-1], 0b11)
    home.control.turn()
    with home.rows() as reader:
        assert [run.started_ms for run in reader.runs()] == [START_MS + 200]


def test_an_end_by_itself_is_no_answer_to_its_open(home: Home) -> None:
    home.dry()
    home.control.turn()
    opened, uptime_ms = home.sent[-1], home.uptime_ms()
    receipts = tuple(
        Receipt("van-1", 1, opened.counter, status, 1, 0, 0, uptime_ms + late_ms, 0)
        for late_ms, status in ((1, commands.ENDED_LEASE), (0, commands.ACCEPTED))
    )
    home.commit(receipts=receipts)
    home.control.turn()
    with home.rows() as reader:
        (row,) = [command for command in reader.commands() if command.counter == opened.counter]
    assert (row.state, row.status) == ("answered", commands.ACCEPTED)


def test_the_first_start_looks_at_what_is_latest_not_at_the_whole_past(tmp_path: Path) -> None:
    with closing(Home(tmp_path)) as home:
        for soil_e4 in range(1000, 1800, 100):
            home.clock.advance_ms(1000)
            home.dry(soil_e4)
        home.control.turn()
        assert home.control.state.latest["dat-1/1/0"].value == 1700
        assert home.writer.cursors()["readings"].id == home.reader.last_id()


def test_another_data_db_is_read_from_its_first_row(home: Home) -> None:  # P12
    for _ in range(20):
        home.dry(3000)
    home.control.turn()
    home.ask("water", 5)
    home.control.turn()
    home.lose("data.db")
    home.accept(home.sent[-1], 0b10)
    home.dry(2900)
    home.control.turn()
    assert home.control.state.latest["dat-1/1/0"].value == 2900
    home.accept(home.sent[-1], 0b10)
    home.control.turn()
    assert home.sent[-1].output == 0  # the receipts of the valve were read, so the pump follows
    home.clock.advance_ms(1_000)
    home.dry(2800)
    home.control.turn()
    assert home.control.state.latest["dat-1/1/0"].value == 2800


def test_an_older_copy_of_data_db_is_noticed_when_it_has_grown_past_the_cursor(home: Home) -> None:  # P12
    home.dry(3000)
    with closing(sqlite3.connect(home.folder / "data.db")) as db:
        db.execute("VACUUM INTO ?", (str(home.folder / "old"),))
    home.dry(3100)
    home.control.turn()
    home.lose("data.db", copy="old")
    for soil_e4 in (3200, 3300, 3400):
        home.clock.advance_ms(1_000)
        home.dry(soil_e4)
    home.control.turn()
    assert home.control.state.latest["dat-1/1/0"].value == 3400


def test_a_stop_in_another_village_db_is_obeyed(home: Home) -> None:  # D7, P12
    home.dry(3000)
    for _ in range(3):
        home.ask("water", 5)
    home.control.turn()
    home.lose("village.db")
    home.ask("stop")
    home.control.turn()
    assert Rule.MANUAL_STOP in home.rules()


def test_a_village_db_that_is_replaced_while_control_runs_is_found(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbox.PAUSE_S", 0.0)
    home.dry(3000)
    home.ask("water", 5)
    home.control.turn()
    home.village.close()
    (home.folder / "village.db").unlink()
    home.village = VillageWriter(home.folder / "village.db")
    home.ask("stop")
    home.control.turn()
    home.control.turn()
    assert Rule.MANUAL_STOP in home.rules()


def test_a_valve_that_opened_by_itself_is_an_alarm_until_it_is_off(home: Home) -> None:
    home.dry(3000)
    home.control.turn()
    uptime_ms = home.uptime_ms()
    home.commit(receipts=(Receipt("van-1", 1, 7, commands.REPLAYED, 255, 0b10, 0, uptime_ms, 0),))
    home.control.turn()
    home.crash()
    home.clock.advance_ms(1_000)
    home.control.turn()
    with home.rows() as reader:
        (alarm,) = reader.alarms(START_MS)
    assert (alarm.code, alarm.node, alarm.output) == (Rule.OUTPUT_STRANGE, "van-1", 1)
    assert (alarm.since_ms, alarm.until_ms) == (START_MS, None)
    (close,) = [order for order in home.sent if order.action == commands.CLOSE]
    home.accept(close, 0)
    home.control.turn()
    with home.rows() as reader:
        assert [alarm.until_ms for alarm in reader.alarms(START_MS)] == [START_MS + 1_000]
        assert reader.alarms(START_MS + 1_001) == []


def test_the_alarm_of_what_is_locked_lasts_until_a_person_unlocks_it(home: Home) -> None:
    home.dry(3000)
    home.control.turn()
    home.control.state = replace(home.control.state, locks={"van-1/1": Lock(Rule.FLOW_BURST, START_MS)})
    with home.control._writer.transaction():
        home.control._writer.raise_alarm(START_MS, Rule.FLOW_BURST, "van-1", 1)
    home.clock.advance_ms(1_000)
    home.ask("water", 10)
    home.control.turn()
    with home.rows() as reader:
        assert [alarm.until_ms for alarm in reader.alarms(START_MS)] == [None]
    assert Rule.VALVE_LOCKED in home.rules() and not commands_of(home)
    home.ask("unlock")
    home.control.turn()
    assert Rule.UNLOCKED in home.rules() and not home.control.state.locks
    with home.rows() as reader:
        assert [alarm.until_ms for alarm in reader.alarms(START_MS)] == [START_MS + 1_000]


def test_a_state_that_is_not_understood_begins_anew(home: Home) -> None:
    home.dry(3000)
    home.control.turn()
    with home.writer.transaction():
        home.writer.set_state(stored.State(99, START_MS, '{"version": 99, "state": {}}'))
    home.crash()
    home.commit()
    assert home.control.state.at_ms == 0
    home.control.turn()
    assert home.control.state.at_ms == START_MS
    counters = [order.counter for order in home.sent]
    assert counters == sorted(set(counters))
