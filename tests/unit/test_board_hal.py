"""What of a board's hal needs no board: what it wants of a config, and when its guard bites.

The guard meets a stand-in of ``machine`` here, which only writes down what it is told; that timer and watchdog do what
they are told is on the bench list of docs/node.md.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HAL = Path(__file__).resolve().parents[2] / "firmware" / "hal"


def load(name: str) -> Any:
    """A file of the hal by itself: the package wants ``machine`` at its import."""
    spec = importlib.util.spec_from_file_location(f"hal_{name}", HAL / f"{name}.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


needs = load("needs")
PINS = (25, 26)
LATCHED_PINS = (25, 26, 27, 33, 21, 22)
SENSOR: dict[str, Any] = {"field": 3, "channel": 0, "driver": "a02yyuw", "uart": 1, "rx": 16, "tx": 17, "zero_mm": 3000}
OUTPUT: dict[str, Any] = {"index": 0, "kind": "valve", "driver": "level", "pin": 26}
LATCHED = {**OUTPUT, "driver": "latching", "open": 25, "close": 26, "charge": 27, "wake": 33, "sense": 34}
TWIN = {**LATCHED, "index": 1, "open": 21, "close": 22}
CONFIG: dict[str, Any] = {
    "wifi": {"ssid": "hoi-quan", "password": ""}, "sensors": [SENSOR], "outputs": [OUTPUT],
}  # fmt: skip


def test_a_config_with_all_that_the_board_needs() -> None:
    needs.check(CONFIG, PINS)
    assert needs.pins(CONFIG, PINS) == {0: 26}
    latched = {**CONFIG, "outputs": [LATCHED, TWIN]}
    assert needs.pins(latched, LATCHED_PINS) == {0: (25, 26, 27, 33, 34), 1: (21, 22, 27, 33, 34)}
    assert needs.cell(CONFIG) is None
    assert needs.cell({"sensors": [{"field": 7, "pin": 35, "ratio": [1, 1]}]}) == (35, [1, 1])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wifi": None}, "wifi: ssid and password are missing"),
        ({"wifi": {"ssid": "x"}}, "wifi: ssid and password are missing"),
        (
            {"sensors": [{"field": 3, "every_s": 60}]},
            "sensor 3/0: driver None, must be one of ['a02yyuw', 'adc', 'current_loop',",
        ),
        ({"sensors": [{**SENSOR, "driver": "sdi12"}]}, "sensor 3/0: driver 'sdi12', must be one of"),
        ({"sensors": [{**SENSOR, "driver": "ds18b20"}]}, "sensor 3/0: pin is missing"),
        ({"sensors": [{**SENSOR, "power": 5}]}, "sensor 3/0: power 5, must be one of [25, 26]"),
        ({"sensors": [{**SENSOR, "driver": "modbus_soil"}]}, "sensor 3/0: de is missing"),
        ({"sensors": [{"field": 1, "channel": 2, "driver": "adc"}]}, "sensor 1/2: pin is missing"),
        (
            {"outputs": [{"index": 4, "kind": "valve"}]},
            "output 4: driver None, must be one of ['capacitor', 'latching', 'level']",
        ),
        ({"outputs": [{**OUTPUT, "driver": "latching"}]}, "output 0: open None, must be one of [25, 26]"),
        ({"outputs": [LATCHED, {**LATCHED, "index": 1}]}, "two outputs have one pin"),
        ({"outputs": [{**LATCHED, "sense": None}, TWIN]}, "latching outputs share charge, wake and sense"),
        ({"outputs": [{**OUTPUT, "pin": 5}]}, "output 0: pin 5, must be one of [25, 26]"),
        ({"outputs": [OUTPUT, {**OUTPUT, "index": 1}]}, "two outputs have one pin"),
    ],
)
def test_what_is_missing_is_said_in_one_line(changes: dict[str, Any], said: str) -> None:
    latched = any("charge" in output for output in changes.get("outputs", ()))
    with pytest.raises(ValueError, match=r".") as refused:
        needs.check({**CONFIG, **changes}, LATCHED_PINS if latched else PINS)
    assert str(refused.value).startswith(said)


class Machine(ModuleType):
    """Pins, timer and watchdog that write down what they are told."""

    def __init__(self) -> None:
        super().__init__("machine")
        told = self.told = []  # type: list[tuple[Any, ...]]

        class Pin:
            OUT = 1

            def __init__(self, number: int, _mode: int, value: int) -> None:
                self.number = number
                told.append(("pin", number, value))

            def off(self) -> None:
                told.append(("pin", self.number, 0))

        class Timer:
            ONE_SHOT = 0

            def __init__(self, _number: int) -> None: ...

            def init(self, mode: int, period: int, callback: Any) -> None:
                assert mode == self.ONE_SHOT
                told.append(("timer", period))
                self.callback = callback

            def deinit(self) -> None:
                told.append(("timer", None))

        class Watchdog:
            def __init__(self, timeout: int) -> None:
                told.append(("watchdog", timeout))

            def feed(self) -> None: ...

        self.Pin, self.Timer, self.WDT = Pin, Timer, Watchdog

    def take(self) -> list[tuple[Any, ...]]:
        taken, self.told[:] = list(self.told), []
        return taken


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    board = ModuleType("hal.board")
    board.OUTPUT_PINS = PINS  # type: ignore[attr-defined]
    hal = ModuleType("hal")
    hal.board = board  # type: ignore[attr-defined]
    for name, module in (("machine", found), ("hal", hal), ("hal.board", board)):
        monkeypatch.setitem(sys.modules, name, module)
    return found


@pytest.fixture
def guard(machine: Machine) -> Any:
    loaded = load("guard")
    assert machine.take() == [("pin", 25, 0), ("pin", 26, 0)]
    return loaded


def test_the_timer_is_set_half_a_second_after_the_lease_and_taken_back(machine: Machine, guard: Any) -> None:
    guard.arm(100_000, 40_000)
    assert machine.take() == [("timer", None), ("timer", 60_500), ("watchdog", 8_000)]
    guard.arm(None, 70_000)
    assert machine.take() == [("timer", None)] and guard.fired(70_000) is None


def test_the_watchdog_bites_within_a_second_of_the_lease(machine: Machine, guard: Any) -> None:
    """P3 when a call into C holds the timer's callback up: whenever the last feed was, the bite is in time."""
    guard.arm(100_000, 40_000)
    bites = []
    for now_ms in range(90_000, 100_000, 250):
        guard.feed(now_ms)
        limits = [what[1] for what in machine.take() if what[0] == "watchdog"]
        bites.append(now_ms + (limits or [8_000])[-1])
    assert bites[0] == 98_000 and max(bites) == 101_000 and bites[-28:] == 28 * [101_000]
    guard.arm(None, 100_000)
    assert machine.take() == [("timer", None), ("watchdog", 8_000)]


def test_what_fired_is_told_once_and_at_its_time(machine: Machine, guard: Any) -> None:
    guard.arm(1_000, 0)
    machine.take()
    guard._timer.callback(guard._timer)
    assert machine.take() == [("pin", 25, 0), ("pin", 26, 0)]
    assert guard.fired(9_000) == 1_500 and guard.fired(9_000) is None
