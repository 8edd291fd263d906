"""Control under clocks that were set, restarts of the machine, and what has grown old meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.core.rules import Rule
from tests.support.control_home import (
    HOUR_MS,
    START_MS,
    YEAR_MS,
    Home,
    commands_of,
)
from wire import commands, fields


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path)) as home:
        yield home


def test_a_clock_that_was_set_back_does_not_put_it_to_sleep(home: Home) -> None:  # S4
    home.dry(3000)
    home.control.turn()
    home.clock.wall_ms -= 86_400_000
    assert home.control.turn()
    assert home.control.state.at_ms == START_MS - 86_400_000
    assert home.control.state.latest["kinh-1/3/0"].measured_at_ms == START_MS - 86_400_000


@pytest.mark.parametrize("step_ms", [-HOUR_MS, HOUR_MS, -10 * YEAR_MS, 10 * YEAR_MS])
def test_a_command_goes_to_the_boot_of_the_newest_hello(home: Home, step_ms: int) -> None:  # P4, P12
    home.commit(boot=1)
    home.control.turn()
    home.clock.wall_ms += step_ms
    home.commit(boot=2)
    home.dry()
    home.crash()
    home.control.turn()
    with home.rows() as reader:
        assert {command.boot for command in reader.commands() if command.action == commands.OPEN} == {2}


@pytest.mark.parametrize("step_ms", [-HOUR_MS, 3 * HOUR_MS, 10 * YEAR_MS])
@pytest.mark.parametrize("down", [False, True])
def test_a_command_expires_by_the_uptime_of_its_node(home: Home, step_ms: int, down: bool) -> None:  # P4, P12
    home.dry(3000)
    home.control.turn()
    home.clock.wall_ms += step_ms
    if down:
        home.crash()
    home.ask("water", 5)
    home.control.turn()
    (order,) = commands_of(home)
    assert order.expires_uptime_ms == home.uptime_ms() + 10_000


def test_nothing_is_commanded_before_its_node_was_heard_after_the_restart_of_the_machine(home: Home) -> None:  # P12
    home.dry(3000)
    home.control.turn()
    home.clock.steady_id, home.clock.monotonic_ms = 2, 5_000
    home.crash()
    home.sent.clear()
    assert home.control.state.latest == {}
    home.ask("water", 5)
    home.control.turn()
    assert home.sent == [] and home.rules()[-1] != Rule.MANUAL_WATER
    home.dry(3000)
    home.ask("water", 5)
    home.control.turn()
    (order,) = commands_of(home)
    assert order.expires_uptime_ms == home.uptime_ms() + 10_000


@pytest.mark.parametrize("step_ms", [0, -HOUR_MS, -8 * HOUR_MS])
def test_what_is_old_starts_nothing_however_the_clock_was_set(home: Home, step_ms: int) -> None:  # S12, P12
    """Eight hours without control, the clock set back meanwhile: by its looks the dry soil is of just now."""
    home.control.turn()
    home.dry()
    home.crash()
    home.clock.advance_ms(8 * HOUR_MS)
    home.clock.wall_ms += step_ms
    home.commit()
    home.control.turn()
    assert commands_of(home) == [] and home.rules()[-1] != Rule.SOIL_DRY


@pytest.mark.parametrize("step_ms", [0, -8 * HOUR_MS])
def test_what_is_remembered_grows_old_while_control_is_gone(home: Home, step_ms: int) -> None:  # S4, S12, P12
    home.dry(3000)
    home.control.turn()
    home.clock.advance_ms(8 * HOUR_MS)
    home.clock.wall_ms += step_ms
    home.crash()
    home.commit()
    home.control.turn()
    assert home.rules()[-1] == Rule.PROBES_BLIND


@pytest.mark.parametrize("time_q", [fields.CLOCK_NONE, fields.CLOCK_KEPT, fields.CLOCK_GATEWAY])
def test_a_reading_of_a_boot_without_a_time_starts_nothing(home: Home, time_q: int) -> None:  # S12
    home.control.turn()
    home.dry()
    with home.data.transaction():
        home.data._run("UPDATE boots SET steady = 0 WHERE node = 'dat-1'")
        home.data._run("UPDATE readings SET time_q = ?", (time_q,))
    home.control.turn()
    assert commands_of(home) == [] and home.rules()[-1] != Rule.SOIL_DRY
    with home.data.transaction():
        home.data._run("UPDATE boots SET steady = 1")
    home.dry()
    home.control.turn()
    assert [order.action for order in commands_of(home)] == [commands.OPEN]
