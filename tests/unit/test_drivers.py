"""The parsing of bus bytes, in CPython, by published check values and against any bytes.

That the same code does the same in MicroPython, with a bus beneath: tests/contract/test_drivers.py.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.drivers import analogue, current_loop, ds18b20, ec_probe, mains_current, modbus, pulse, sht3x, ultrasonic
from wire import fields

DRIVERS = Path(__file__).resolve().parents[2] / "firmware" / "drivers"
ANY_BYTES = st.binary(max_size=64)


def judged(what: Callable[..., Any], *given: Any) -> tuple[Any, int]:
    """(what it gave, its fault)."""
    try:
        return what(*given), fields.FAULT_NONE
    except OSError as error:
        return None, int(error.args[0]) - fields.FAULT_ERRNO


def test_crcs_by_their_published_check_values() -> None:
    check = b"123456789"
    assert (modbus.crc16(check), ds18b20.crc8(check), sht3x.crc8(check)) == (0x4B37, 0xA1, 0xF7)
    assert sht3x.crc8(b"\xbe\xef") == 0x92, "the example of the data sheet"


def test_every_fault_has_a_name_and_its_number_for_ever() -> None:
    codes = {name: value for name, value in vars(fields).items() if name.startswith("FAULT_") and type(value) is int}
    del codes["FAULT_LAST"], codes["FAULT_ERRNO"]
    assert sorted(codes.values()) == list(range(len(fields.FAULT_NAMES))) and max(codes.values()) == fields.FAULT_LAST
    assert fields.FAULT_NAMES[:6] == ("none", "no_answer", "out_of_range", "stuck", "warm_up", "bus_error")


def test_drivers_touch_no_hardware() -> None:
    for path in DRIVERS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module in {"struct", "binascii", "wire"}, path.name
            assert not isinstance(node, ast.Import), path.name


@given(got=ANY_BYTES)
def test_no_bytes_are_an_answer_without_their_crc(got: bytes) -> None:
    found, fault = judged(modbus.reply, got, 1, 3, 2)
    assert fault in (fields.FAULT_NONE, fields.FAULT_REFUSED)
    if found is not None:
        whole = bytes((1, 3, 4)) + found
        assert whole + modbus.crc16(whole).to_bytes(2, "little") in got


@given(before=ANY_BYTES, words=st.lists(st.integers(0, 0xFFFF), min_size=2, max_size=2), after=ANY_BYTES)
def test_a_whole_answer_is_found_behind_anything(before: bytes, words: list[int], after: bytes) -> None:
    data = b"".join(word.to_bytes(2, "big") for word in words)
    whole = bytes((1, 3, 4)) + data
    before = before.replace(b"\x01", b"\x00")  # or something in it could be an answer, too
    assert modbus.reply(before + whole + modbus.crc16(whole).to_bytes(2, "little") + after, 1, 3, 2) == data


@given(got=ANY_BYTES)
def test_a_distance_is_in_a_frame_with_the_right_sum(got: bytes) -> None:
    found = ultrasonic.distance(got)
    if found is not None:
        high, low = found >> 8, found & 0xFF
        assert bytes((0xFF, high, low, 0xFF + high + low & 0xFF)) in got
    assert ultrasonic.distance(got + bytes((0xFF, 0x07, 0xA1, 0xA7))) == 1_953


@given(distances=st.lists(st.integers(0, 65_535), min_size=2, max_size=3))
def test_two_of_three_distances_agree_or_there_is_none(distances: list[int]) -> None:
    found = ultrasonic.two_of(distances)
    near = [d for d in distances if found is not None and abs(d - found) <= ultrasonic.AGREE_MM]
    pairs = [abs(a - b) for n, a in enumerate(distances) for b in distances[:n]]
    assert (found is None) == (min(pairs) > ultrasonic.AGREE_MM) and (found is None or len(near) >= 2)


def test_a_distance_in_warm_air_is_longer() -> None:
    assert ultrasonic.in_air(1_000, 1_000) == 1_017, "0.17 % for each of ten degrees"
    assert ultrasonic.in_air(1_000, -1_000) == 983 and ultrasonic.in_air(1_000, 0) == 1_000


@given(microampere=st.integers(0, 40_000), zero=st.integers(-2_000, 2_000), span=st.integers(1, 10_000))
def test_a_current_is_a_level_or_a_wire(microampere: int, zero: int, span: int) -> None:
    found, fault = judged(current_loop.level, microampere, zero, span)
    low, high = microampere < 3_600, microampere > 21_000
    assert fault == (fields.FAULT_BROKEN_WIRE if low else fields.FAULT_SHORT if high else fields.FAULT_NONE)
    assert low or high or zero <= found <= zero + span


@given(conductivity=st.integers(0, 80_000), cdeg=st.integers(-500, 6_000))
def test_conductivity_at_25_degrees(conductivity: int, cdeg: int) -> None:
    found = ec_probe.at_25(conductivity, cdeg)
    exact = conductivity / (1 + 0.02 * (cdeg / 100 - 25))
    assert abs(found - exact) <= 1


@pytest.mark.parametrize("data", [b"\x7f\xc0\0\0", b"\x7f\x80\0\0", b"\xff\x80\0\0", b"\xff\xff\xff\xff"])
def test_what_is_no_number_is_told(data: bytes) -> None:
    assert judged(ec_probe.number, data, 0, "float") == (None, fields.FAULT_NOT_A_NUMBER)


@given(data=st.binary(min_size=9, max_size=9))
def test_a_scratchpad_is_a_temperature_that_a_chip_can_have(data: bytes) -> None:
    found, fault = judged(ds18b20.temperature, data)
    assert fault in (fields.FAULT_NONE, fields.FAULT_SHORT, fields.FAULT_POWER_ON)
    assert found is None or (-5_500 <= found <= 12_500 and found != 8_500)


@given(got=st.binary(max_size=8))
def test_air_is_in_its_range_or_none(got: bytes) -> None:
    found = sht3x.air(got)
    assert found is None or (-4_500 <= found[0] <= 13_000 and 0 <= found[1] <= 10_000)


@given(values=st.lists(st.integers(0, 3_300_000), min_size=16, max_size=16))
def test_the_middle_of_voltages_lies_among_them(values: list[int]) -> None:
    found, fault = judged(analogue.middle, values)
    assert fault in (fields.FAULT_NONE, fields.FAULT_UNSTEADY)
    near = [v for v in values if found is not None and abs(v - found) <= analogue.SPREAD_UV]
    assert found is None or (found in values and len(near) >= 8)


@given(milliamp=st.integers(0, 30_000), lift=st.integers(1_300, 2_000), turn=st.floats(0, 6.28))
def test_a_sine_is_its_effective_current(milliamp: int, lift: int, turn: float) -> None:
    top = milliamp / 30 * 2**0.5
    values = [round(lift - 1_650 + top * math.sin(turn + 2 * math.pi * n / 60)) for n in range(120)]
    found, fault = judged(mains_current.root_mean_square, 120, sum(values), sum(v * v for v in values))
    assert fault == fields.FAULT_NONE and abs(found * 30 - milliamp) <= 30


def test_a_lift_that_is_gone_is_a_wire() -> None:
    assert judged(mains_current.root_mean_square, 100, -165_000, 272_250_000) == (None, fields.FAULT_BROKEN_WIRE)
    assert judged(mains_current.root_mean_square, 10, 0, 0) == (None, fields.FAULT_UNSTEADY)


@given(start=st.integers(0, 2**32 - 1), tips=st.lists(st.integers(0, 300), max_size=30), lost=st.integers(0, 2**31))
def test_a_total_of_tips_never_wraps_and_never_falls(start: int, tips: list[int], lost: int) -> None:
    sensor: dict[str, Any] = {"pin": 1, "field": fields.RAIN, "tip": 20}
    board = SimpleNamespace(WRAP=2**32, now=0, counted=start)
    io = SimpleNamespace(WRAP=2**32, now_ms=lambda: board.now, count=lambda _: board.counted % 2**32)
    pulse._totals.clear()
    total = pulse.measure(sensor, io, None)[fields.RAIN]
    assert total == 0
    for come in tips:
        board.now += 60_000
        board.counted += come
        total += 20 * come
        assert pulse.measure(sensor, io, None)[fields.RAIN] == total
    board.now += 60_000
    board.counted -= lost + 1  # the counter was set back
    assert judged(pulse.measure, sensor, io, None) == (None, fields.FAULT_TOO_FAST)
    board.now += 60_000
    board.counted += 1
    assert pulse.measure(sensor, io, None)[fields.RAIN] == total + 20
