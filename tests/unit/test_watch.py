"""Flags of readings as they come: each fault is found in time, nothing else is, and a restart forgets nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import registry
from gateway.core.quality import names_of
from gateway.core.rows import Failed, Reading
from gateway.core.watch import Watch
from gateway.store.data import Batch, DataReader, DataWriter
from simulators import bench
from tests.support import village as registry_village
from wire import fields

START_MS = 1_709_226_000_000
SAMPLE_MS = 300_000
HOUR = 12  # samples
DAY = 24 * HOUR
DRY_UV, UV_PER_E4 = 2_800_000, -400  # of the test village's calibration: 5 % at 2.8 V, 45 % at 1.2 V


def village() -> registry.Village:
    """Three probes in one garden, where the test village has two."""
    sensor = registry_village.TEXT[registry_village.TEXT.index("  [[node.sensor]]") :]
    first = sensor[: sensor.index("  [[node.sensor]]", 5)]
    more = first.replace("channel = 0", "channel = 2")
    text = registry_village.TEXT.replace(first, first + more, 1)
    one = '{ node = "dat-1", channel = 1 }'
    assert one in text
    return registry.parse(text.replace(one, one + ', { node = "dat-1", channel = 2 }', 1))


VILLAGE = village()
VILLAGE_TOML = Path(bench.__file__).with_name("village.toml")


class Probe:
    """A healthy probe in drying soil; ``fault`` turns (sample, e4) into what it shows, None: it does not answer."""

    def __init__(self, channel: int, fault: Callable[[int, float], float | None] = lambda _, e4: e4) -> None:
        self.channel = channel
        self._fault = fault
        self._noise = random.Random(channel)

    def reading(self, sample: int, **changes: Any) -> Reading:
        true_e4 = 3_200 - sample * 0.9 + 90 * self.channel + self._noise.gauss(0, 6)
        shown = self._fault(sample, true_e4)
        at_ms, seq = START_MS + sample * SAMPLE_MS, 1 + sample * 3 + self.channel
        value = None if shown is None else round(shown)
        raw = 0 if value is None else DRY_UV + (value - 500) * UV_PER_E4
        flag = fields.MISSING if value is None else fields.GOOD
        row = Reading("dat-1", 1, seq, fields.SOIL_MOISTURE, self.channel, sample * SAMPLE_MS, at_ms,
                      fields.CLOCK_BY_GATEWAY, at_ms + 500, raw, value, flag, 2)  # fmt: skip
        return row._replace(**changes)


def watched(samples: int, *faults: Callable[[int, float], float | None], watch: Watch | None = None) -> list[Failed]:
    """The failed tests over so many samples of three probes, of which the first have faults."""
    probes = [Probe(n, *faults[n : n + 1]) for n in range(3)]
    watch = watch or Watch(VILLAGE)
    found: list[Failed] = []
    for sample in range(samples):
        found += watch.look(probe.reading(sample) for probe in probes)[1]
    return found


def first(found: list[Failed], name: str) -> int:
    """The sample at which the first probe fails a test for the first time."""
    return min((f.seq - 1) // 3 for f in found if f.channel == 0 and name in names_of(f.tests))


def test_healthy_probes_fail_nothing_in_six_days() -> None:
    assert watched(6 * DAY) == []


def test_of_a_simulated_village_the_stuck_probe_is_found_and_nothing_else() -> None:
    found = registry.load(VILLAGE_TOML)
    keys = {node: bytes(32) for node in found.nodes}
    rows = bench.judged(found, keys, bench.simulate(found, keys, 3, 1))
    readings, failed = Watch(found).look(rows)
    assert len(readings) > 5_000 and len(failed) > 500
    series = {(f.node, f.field, f.channel, names_of(f.tests)) for f in failed}
    assert series == {("soil-2", fields.SOIL_MOISTURE, 2, ("stuck",))}  # as simulators/field.toml has it


@pytest.mark.parametrize(
    ("fault", "name", "flag", "at_most"),
    [
        (lambda n, e4: e4 if n < DAY else 23_000, "range", fields.FAIL, 0),  # 2300 for 23 %
        (lambda n, e4: e4 if n < DAY else 40, "range", fields.FAIL, 0),  # an open probe
        (lambda n, e4: e4 if n < DAY else None, "missing", fields.MISSING, 0),
        (lambda n, e4: e4 if n < DAY else e4 + 2_000, "rate", fields.SUSPECT, 0),
        (lambda n, e4: e4 if n < DAY else e4 + 2_500 * (-1) ** n, "spike", fields.FAIL, 3),
        (lambda n, e4: e4 if n < DAY else 2_900, "stuck", fields.SUSPECT, DAY),
        (lambda n, e4: e4 if n < 4 * DAY else e4 + 900, "drift", fields.SUSPECT, 2 * DAY),
        (lambda n, e4: e4 if n < 4 * DAY else e4 + (n - 4 * DAY) * 300 / DAY, "drift", fields.SUSPECT, 4 * DAY),
    ],
)
def test_each_fault_is_found_in_time_and_nobody_else_is_accused(
    fault: Callable[[int, float], float | None], name: str, flag: int, at_most: int
) -> None:  # D1: what can be told at once is told within 30 minutes, six samples
    begin = 4 * DAY if name == "drift" else DAY
    found = watched(begin + at_most + 6, fault)
    assert begin <= first(found, name) <= begin + at_most
    assert {f.channel for f in found} == {0}
    assert max(f.flag for f in found if name in names_of(f.tests)) == flag


def test_after_two_days_a_stuck_probe_has_failed() -> None:
    found = watched(3 * DAY + 2, lambda *_: 2_900)
    assert [f.flag for f in found if f.channel == 0][-1] == fields.FAIL


def test_a_level_that_lasts_is_believed_in_the_end() -> None:
    found = watched(2 * DAY, lambda n, e4: e4 if n < DAY else e4 + 2_000)
    rate = [f for f in found if "rate" in names_of(f.tests)]
    assert 1 <= len(rate) <= 2 * HOUR


def test_of_two_probes_that_part_nobody_knows_which() -> None:
    two = registry_village.village()
    probes = [Probe(0), Probe(1, lambda n, e4: e4 if n < 4 * DAY else e4 + 900)]
    watch = Watch(two)
    failed = [f for n in range(7 * DAY) for f in watch.look(p.reading(n) for p in probes)[1]]
    assert failed == []


def test_a_gap_is_not_evaluated_and_a_copy_or_backlog_changes_nothing() -> None:
    watch, probe = Watch(VILLAGE), Probe(0)
    readings = [probe.reading(n) for n in (0, 1, 2, 6, 7)]
    flagged, failed = watch.look(readings)
    assert [r.flag for r in flagged] == [1, 1, 1, 2, 1]
    assert [(f.seq, names_of(f.tests), f.flag) for f in failed] == [(readings[3].seq, ("gap",), 2)]
    before = watch.tracks()
    late = [readings[0], readings[3], probe.reading(4), readings[4]]
    again, failed = watch.look(row._replace(received_ms=START_MS + DAY * SAMPLE_MS) for row in late)
    assert [r.flag for r in again] == [1, 1, 1, 1] and failed == [] and watch.tracks() == before
    untimed = probe.reading(9, time_q=fields.CLOCK_NONE, value=5_900)
    assert watch.look([untimed]) == ([untimed], []) and watch.tracks() == before


def test_what_node_and_calibration_say_stays_and_is_named() -> None:
    watch, probe = Watch(VILLAGE), Probe(0)
    doubt = probe.reading(0, flag=fields.SUSPECT)
    beyond = probe.reading(1, flag=fields.SUSPECT, value=0)
    flagged, failed = watch.look([doubt, beyond])
    assert [r.flag for r in flagged] == [3, 3]
    assert [names_of(f.tests) for f in failed] == [("node",), ("range",)]


def test_another_calibration_and_a_clock_that_was_ahead_begin_anew() -> None:
    watch, probe = Watch(VILLAGE), Probe(0)
    watch.look([probe.reading(n) for n in range(5)])
    ahead = probe.reading(DAY, received_ms=START_MS + DAY * SAMPLE_MS)
    watch.look([ahead])
    assert watch.look([probe.reading(6)])[1] == []
    assert watch.tracks()["dat-1", fields.SOIL_MOISTURE, 0][1] == START_MS + 6 * SAMPLE_MS
    assert watch.look([probe.reading(7, calibration=3, value=5_500)])[1] == []


def test_housekeeping_is_not_judged() -> None:
    row = Probe(0).reading(0)._replace(field=fields.RSSI, channel=0, value=-300)
    assert Watch(VILLAGE).look([row]) == ([row], [])


@pytest.mark.parametrize("cut", [1, HOUR, DAY + 3, 4 * DAY + HOUR])
def test_a_restart_forgets_nothing(cut: int) -> None:
    def faulty(n: int, e4: float) -> float | None:
        return e4 if n < DAY or n > 2 * DAY + 40 else 2_900 if n < 2 * DAY else e4 + 2_200 * (n % 2)

    probes = [Probe(0, faulty), Probe(1), Probe(2)]
    rows = [probe.reading(n) for n in range(5 * DAY) for probe in probes]
    whole = Watch(VILLAGE)
    flagged, failed = whole.look(rows)
    early = Watch(VILLAGE)
    early.look(rows[: cut * 3])
    kept = {key: json.loads(json.dumps(track)) for key, track in early.tracks().items()}
    tests = {(f.node, f.boot, f.seq): f.tests for f in failed}
    later = Watch(VILLAGE, kept)
    middle = cut * 3 + HOUR * 3
    later.again(flagged[cut * 3 : middle], tests)  # these came after the tracks were kept, and before the crash
    assert later.look(rows[middle:])[0] == flagged[middle:]
    assert later.tracks() == whole.tracks()


def test_failed_tests_and_tracks_are_kept_with_the_readings(tmp_path: Path) -> None:
    watch, probe = Watch(VILLAGE), Probe(0, lambda n, e4: e4 if n != 3 else 23_000)
    readings, failed = watch.look([probe.reading(n) for n in range(5)])
    with DataWriter(tmp_path / "data.db") as writer:
        writer.commit(Batch(readings=readings, failed=failed, tracks=watch.tracks()))
        again = [readings[4]._replace(flag=fields.SUSPECT)]  # sent again, and judged otherwise: the first one counts
        late = Failed("dat-1", 1, readings[4].seq, fields.SOIL_MOISTURE, 0, 0, fields.SUSPECT, 8)
        outcome = writer.commit(Batch(readings=again, failed=[late]))
        assert (outcome.new, outcome.same) == (0, 1)
    with DataReader(tmp_path / "data.db") as reader:
        assert reader.failed_since(0) == failed and names_of(failed[0].tests) == ("range",)
        assert [row.flag for row in reader.readings_after(0, 9)] == [1, 1, 1, 4, 1]
        assert reader.tracks() == (watch.tracks(), 5)
