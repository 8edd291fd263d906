"""What a node measures when, and what it says of what it measured."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.node import sampler
from wire import fields, frames

CONFIG = {
    "sensors": [
        {"field": fields.SOIL_MOISTURE, "channel": 0, "every_s": 10},
        {"field": fields.SOIL_TEMPERATURE, "channel": 2, "every_s": 30, "reads": 1},
    ]
}
Read = Callable[[dict[str, int]], int | None]


def one(read: Read, **changes: int) -> sampler.Sampler:
    return sampler.Sampler({"sensors": [{"field": fields.SOIL_MOISTURE, "every_s": 10, **changes}]}, read)


def test_all_that_is_due_is_one_batch_on_the_grid() -> None:
    node = sampler.Sampler(CONFIG, lambda sensor: 100 * sensor["field"])
    assert node.sample(3) == [
        (3, fields.SOIL_MOISTURE, 0, fields.GOOD, 0, 100),
        (3, fields.SOIL_TEMPERATURE, 2, fields.GOOD, 0, 200),
    ]
    assert node.due_ms() == 10_000 and node.sample(9_999) == []
    assert [row[1] for row in node.sample(10_000)] == [fields.SOIL_MOISTURE]
    assert [row[1] for row in node.sample(65_000)] == [fields.SOIL_MOISTURE, fields.SOIL_TEMPERATURE], "late: once"
    assert node.due_ms() == 70_000
    node.skip(70_000)
    assert node.due_ms() == 80_000


@pytest.mark.parametrize(
    ("raws", "row"),
    [
        ((5, 900, 6), (fields.GOOD, fields.FAULT_NONE, 6)),
        ((None, 7, 8), (fields.GOOD, fields.FAULT_NONE, 8)),
        ((None, None, 8), (fields.MISSING, fields.FAULT_NO_ANSWER, 0)),
        ((None, None, None), (fields.MISSING, fields.FAULT_NO_ANSWER, 0)),
        ((-1, -1, -1), (fields.FAIL, fields.FAULT_OUT_OF_RANGE, -1)),
        ((3_300_001, 3_300_001, 5), (fields.FAIL, fields.FAULT_OUT_OF_RANGE, 3_300_001)),
        ((2**40, 2**40, 2**40), (fields.FAIL, fields.FAULT_OUT_OF_RANGE, 2**31 - 1)),
    ],
)
def test_the_median_and_what_it_is_worth(raws: tuple[int | None, ...], row: tuple[int, int, int]) -> None:
    answers = iter(raws)
    assert one(lambda _: next(answers)).sample(0)[0][3:] == row


def test_a_broken_bus_is_told_and_does_not_take_the_neighbour_along() -> None:
    def read(sensor: dict[str, int]) -> int:
        if sensor["field"] == fields.SOIL_MOISTURE:
            raise OSError(5)
        return 2800

    first, second = sampler.Sampler(CONFIG, read).sample(0)
    assert first[3:] == (fields.MISSING, fields.FAULT_BUS, 0) and second[3:] == (fields.GOOD, 0, 2800)


@pytest.mark.parametrize(
    ("number", "fault"),
    [(fields.FAULT_ERRNO + fields.FAULT_POWER_ON, fields.FAULT_POWER_ON), (fields.FAULT_ERRNO + 200, fields.FAULT_BUS),
     (fields.FAULT_ERRNO, fields.FAULT_BUS), (19, fields.FAULT_BUS)],
)  # fmt: skip
def test_the_fault_that_a_driver_names_goes_along(number: int, fault: int) -> None:
    def read(_: object) -> int:
        raise OSError(number)

    assert one(read).sample(0)[0][3:] == (fields.MISSING, fault, 0)


def test_a_probe_that_never_moves_is_suspect() -> None:
    raws = [7, 7, 7, 7, 8, 7]
    node = one(lambda _: raws[0], reads=1, stuck_samples=3)
    seen = []
    for at in range(6):
        seen.append(node.sample(at * 10_000)[0][3:5])
        raws.pop(0)
    good, stuck = (fields.GOOD, fields.FAULT_NONE), (fields.SUSPECT, fields.FAULT_STUCK)
    assert seen == [good, good, stuck, stuck, good, good]


def test_a_level_may_stand_still() -> None:
    node = one(lambda _: 1200, field=fields.WATER_LEVEL)
    assert {node.sample(at * 10_000)[0][3] for at in range(100)} == {fields.GOOD}


def test_health_goes_along() -> None:
    counters = {fields.REFUSED_COMMANDS: 0, fields.DROPPED_READINGS: 0}
    node = one(lambda _: 1, reads=1)
    seen = []
    for at in range(21):
        counters[fields.REFUSED_COMMANDS] = 2 if at >= 5 else 0
        node.sample(at * 10_000)
        seen += [(at, row[1], row[5]) for row in node.health(at, lambda: 50_000, lambda: -61, counters)]
    always = [[(at, fields.HEAP_FREE, 50_000), (at, fields.RSSI, -61)] for at in (0, 10, 20)]
    assert seen == [*always[0], (5, fields.REFUSED_COMMANDS, 2), *always[1], *always[2]]


def test_a_node_without_sensors_tells_its_health() -> None:
    node = sampler.Sampler({"sample_s": 60}, lambda _: None)
    assert node.due_ms() == 0 and node.sample(0) == [] and node.due_ms() == 60_000
    assert [row[1] for row in node.health(0, lambda: 1, lambda: None, {})] == [fields.HEAP_FREE], "there is no radio"
    node.skip(60_000)
    assert node.due_ms() == 120_000


@pytest.mark.parametrize(
    "sensor", [{"field": 99, "every_s": 10}, {"field": 1, "every_s": 0}, {"field": 1, "every_s": 9, "reads": 0}]
)
def test_a_sensor_that_cannot_be_is_refused(sensor: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"field|sensor"):
        sampler.Sampler({"sensors": [sensor]}, lambda _: None)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**70), 2**70)), min_size=3, max_size=3), st.integers(0, 2**50))
def test_every_row_can_be_stored(raws: list[int | None], now_ms: int) -> None:
    answers = iter(raws)
    row = one(lambda _: next(answers)).sample(now_ms)[0]
    assert frames.unpack_record(frames.pack_record((1, *row))) == (1, *row)


def test_a_flow_meter_is_read_often_while_an_output_is_on_and_for_a_minute_after() -> None:
    flow = {"field": fields.FLOW, "channel": 0, "every_s": 600, "on_s": 5}
    battery = {"field": fields.BATTERY, "channel": 0, "every_s": 600}
    node = sampler.Sampler({"sensors": [flow, battery]}, lambda _: 4000)
    seen: list[tuple[int, int]] = []
    for now_s in range(400):
        if 100 <= now_s < 200:  # an output is on
            node.hurry(now_s * 1000)
        seen += [(now_s, row[1]) for row in node.sample(now_s * 1000)]
    assert [field for at_s, field in seen if at_s < 100] == [fields.FLOW, fields.BATTERY]
    times = [at_s for at_s, field in seen if field == fields.FLOW and at_s >= 100]
    assert times[0] == 105 and times[-1] == 260 and {b - a for a, b in pairwise(times)} == {5}
    assert [at_s for at_s, field in seen if field == fields.BATTERY] == [0]


@pytest.mark.parametrize("raw", [float("nan"), float("inf"), 1_234.5, "1200", b"12"])
def test_what_is_no_whole_number_is_a_fault_of_its_driver(raw: Any) -> None:
    row = one(lambda _: raw).sample(0)[0]
    assert row[3:] == (fields.MISSING, fields.FAULT_DRIVER, 0)
    frames.pack_record((1, *row))
