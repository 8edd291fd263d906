"""The drivers of a node's sensors as they are shipped, in real MicroPython, against simulated probes and garbage.

The board's own hal and the node's own sampler go along: only ``machine``, ``onewire`` and ``time`` are stand-ins
(tests/support/shims), which model wires at the level of bytes: a probe does not hear what is sent before its supply is
warm or while the direction pin stands wrong, and what it says while that pin is still outward is lost.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.boards import run_board
from tests.support.mp import REPOSITORY
from wire import fields

RUNNER = Path(__file__).parent / "driver_runner.py"
HEAP_RUNNER = Path(__file__).parent / "driver_heap_runner.py"
BOARDS = REPOSITORY / "gateway" / "boards.json"
# Bytes that the drivers of a board keep, on a 64-bit machine: twice of what a chip keeps.
RESIDENT = {"level_s3": 18_000, "soil_s3": 11_000, "salinity_s3": 17_000, "valve_s3": 8_000, "pump_s3": 9_000}
Row = tuple[int, int, int]


def good(*raws: int) -> list[Row]:
    return [(fields.GOOD, fields.FAULT_NONE, raw) for raw in raws]


def missing(fault: int, times: int = 1) -> list[Row]:
    return times * [(fields.MISSING, fault, 0)]


WANTED: dict[str, list[Row]] = {
    "soil": good(312, 2_850, 1_450),
    "soil_frost": good(312, -150, 1_450),
    "soil_behind_noise_and_its_own_echo": good(312, 2_850, 1_450),
    "soil_every_third_answer_wrong": good(312, 2_850, 1_450),
    "soil_every_answer_wrong": missing(fields.FAULT_GARBAGE, 3),
    "soil_silent": missing(fields.FAULT_NO_ANSWER, 3),
    "soil_only_zeros_on_the_line": missing(fields.FAULT_NO_ANSWER, 3),
    "soil_says_no": missing(fields.FAULT_REFUSED, 3),
    "soil_not_awake": missing(fields.FAULT_WARM_UP, 3),
    "soil_warms_up_longer": good(312, 2_850, 1_450),
    "soil_impossible": missing(fields.FAULT_OUT_OF_RANGE, 3),
    "soil_answers_at_once": good(312, 2_850, 1_450),
    "water": good(4_200, 2_810),
    "water_at_its_own_temperature": good(3_500, 3_500),
    "water_scaled": good(4_200, 2_810),
    "water_as_float": good(4_200, 2_810),
    "water_not_a_number": missing(fields.FAULT_NOT_A_NUMBER, 2),
    "water_infinite": missing(fields.FAULT_NOT_A_NUMBER, 2),
    "ultrasonic": good(1_740),
    "ultrasonic_one_of_three_wrong": good(1_738),
    "ultrasonic_unsteady": missing(fields.FAULT_UNSTEADY),
    "ultrasonic_dead_zone": missing(fields.FAULT_DEAD_ZONE),
    "ultrasonic_no_echo": missing(fields.FAULT_NO_ECHO),
    "ultrasonic_wrong_sums": missing(fields.FAULT_GARBAGE),
    "ultrasonic_silent": missing(fields.FAULT_NO_ANSWER),
    "ultrasonic_stuck": [(fields.SUSPECT, fields.FAULT_STUCK, 1_740)],
    "ultrasonic_in_warm_air": good(3_000, 1_983),
    "ultrasonic_without_its_thermometer": missing(fields.FAULT_POWER_ON) + good(2_000),
    "ultrasonic_by_trigger": good(740),
    "ultrasonic_by_trigger_garbage": missing(fields.FAULT_GARBAGE),
    "thermometer": good(2_831),
    "thermometer_frost": good(-250),
    "thermometer_85": missing(fields.FAULT_POWER_ON),
    "thermometer_one_wrong_crc": good(2_831),
    "thermometer_wrong_crc": missing(fields.FAULT_GARBAGE),
    "thermometer_shorted": missing(fields.FAULT_SHORT),
    "thermometer_away": missing(fields.FAULT_NO_ANSWER),
    "thermometer_open_wire": missing(fields.FAULT_GARBAGE),
    "air": good(2_709, 7_629),
    "air_wrong_crc": missing(fields.FAULT_GARBAGE, 2),
    "air_away": missing(fields.FAULT_NO_ANSWER, 2),
    "probe": good(1_503_000),
    "probe_broken": missing(fields.FAULT_BROKEN_WIRE),
    "probe_shorted": missing(fields.FAULT_SHORT),
    "probe_floating": missing(fields.FAULT_UNSTEADY),
    "cell": good(3_280),
    "loop": good(2_000),
    "loop_ends": missing(fields.FAULT_BROKEN_WIRE) + good(-500, 4_500) + missing(fields.FAULT_SHORT),
    "motor": good(2_119),
    "motor_off": good(0),
    "motor_without_its_lift": missing(fields.FAULT_BROKEN_WIRE),
    "rain": good(0, 140),
    "rain_bounces": missing(fields.FAULT_TOO_FAST) + good(20),
    "rain_over_the_wrap": good(140),
    "flow": missing(fields.FAULT_WARM_UP) + good(10_000, 0),
    "a_driver_that_fails": missing(fields.FAULT_DRIVER),
}
# What a bus full of garbage may take at the most: warm-up and three tries of each answer.
LONGEST_MS = {"soil": 3_500, "water": 6_500, "water as float": 6_500, "level": 1_500, "thermometer": 1_000,
              "air": 200, "volts": 1_300, "pulses": 100}  # fmt: skip


@cache
def told() -> dict[str, str]:
    """What the runner printed, by the name before the colon."""
    return dict(line.split(": ", 1) for line in run_board(RUNNER).splitlines())


@pytest.mark.parametrize("name", WANTED)
def test_what_a_probe_says_and_what_it_is_worth(name: str) -> None:
    assert ast.literal_eval(told()[name]) == WANTED[name]


def test_every_scenario_is_expected() -> None:
    assert {name for name, said in told().items() if said.startswith("[")} == set(WANTED)


def test_a_probe_is_asked_once_for_three_numbers_and_three_times_in_vain() -> None:
    """The median of three answers, whatever is wanted of them; a dead or stubborn one costs its silence once."""
    assert told()["soil asked"] == "3 True"
    assert (told()["silent asked"], told()["wrong asked"], told()["refused asked"]) == ("3", "3", "1")


@pytest.mark.parametrize("name", LONGEST_MS)
def test_garbage_ends_in_a_fault_and_in_time(name: str) -> None:
    """P5: rows of a quality, supplies off, the watchdog fed; asserted in the runner for each of the rounds."""
    found = re.fullmatch(r"longest (\d+) ms, faults (.*)", told()[f"fuzz {name}"])
    assert found is not None and int(found[1]) <= LONGEST_MS[name]
    assert len(ast.literal_eval(found[2])) > 1, "the garbage made nothing wrong, or everything"


@pytest.mark.parametrize("board", RESIDENT)
def test_a_board_keeps_only_its_own_drivers_and_they_do_not_grow(board: str) -> None:
    printed = run_board(HEAP_RUNNER, str(BOARDS), board)
    found = re.fullmatch(r"resident (\d+) growth (-?\d+)", printed.strip().splitlines()[-1])
    assert found is not None and int(found[1]) <= RESIDENT[board] and int(found[2]) <= 512
