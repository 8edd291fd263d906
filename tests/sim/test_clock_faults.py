"""The clock of the gateway set at any time, by seconds or by years, while this and that is down: from seeds.

The real ingest, control and databases (``tests.support.clocked``). Every seed draws its faults for some hours, then all
is well and the clock is right. A failure names its seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway import control as control_module
from gateway.core.types import OutputRef
from gateway.store.control import ControlReader
from gateway.store.data import DataReader
from tests.support.clocked import TICK_MS, TOLERANCE_MS, Clocked
from tests.support.sealed import VILLAGE
from wire import commands

SEEDS = range(8)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
YEAR_MS = 365 * 24 * HOUR_MS
FAULTY_MS = 10 * HOUR_MS
HEALING_MS = 3 * HOUR_MS
LONGEST_DOWN_MS = 4 * HOUR_MS


@pytest.fixture(autouse=True)
def kept_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "LEAST_REST_S", 0.0)


class Drawn:
    """Faults of a seed on a clocked gateway."""

    def __init__(self, village: Clocked, seed: int) -> None:
        self.village = village
        self.random = random.Random(seed)
        self._plan: list[tuple[int, Callable[[], None]]] = []
        self.met: set[str] = set()

    def faulty(self) -> None:
        end_ms = self.village.now_ms + FAULTY_MS
        next_ms = self.village.now_ms + 10 * MINUTE_MS
        while self.village.now_ms < end_ms:
            if self.village.now_ms >= next_ms:
                next_ms += self.random.randrange(MINUTE_MS, 30 * MINUTE_MS)
                fault = self.random.choice(self._faults())
                self.met.add(fault.__name__)
                fault()
            for at_ms, do in [entry for entry in self._plan if entry[0] <= self.village.now_ms]:
                self._plan.remove((at_ms, do))
                do()
            self.village.tick()

    def _faults(self) -> list[Callable[[], None]]:
        return [self.clock, self.clock, self.clock, self.ingest, self.ingest, self.control, self.machine, self.node,
                self.node, self.link, self.soil, self.soil, self.people, self.years]  # fmt: skip

    def _later(self, longest_ms: int, do: Callable[[], None]) -> None:
        at_ms = self.village.now_ms + int(longest_ms * self.random.random() ** 2) + 1_000
        self._plan.append((at_ms, do))

    def clock(self) -> None:
        step_ms = self.random.choice((5_000, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS))
        self.village.set_clock(self.random.choice((-1, 1)) * step_ms + self.random.randrange(-3_000, 3_000))

    def years(self) -> None:
        if abs(self.village.ahead_ms) < YEAR_MS:
            self.village.set_clock(10 * YEAR_MS + self.random.randrange(MINUTE_MS))
            self._later(2 * HOUR_MS, lambda: self.village.set_clock(-self.village.ahead_ms))

    def ingest(self) -> None:
        self.village.kill_ingest()
        self._later(LONGEST_DOWN_MS, self.village.start_ingest)

    def control(self) -> None:
        self.village.kill_control()
        self._later(LONGEST_DOWN_MS, self.village.start_control)

    def machine(self) -> None:
        """No clock of its own: it comes back with the time at which it went."""
        self.village.kill_machine()
        went_ms = self.village.now_ms

        def back() -> None:
            if self.village.off and self.random.random() < 0.7:
                self.village.ahead_ms -= self.village.now_ms - went_ms
            self.village.start_machine()

        self._later(HOUR_MS, back)

    def node(self) -> None:
        self.village.restart(self.random.choice(sorted(self.village.nodes)))

    def link(self) -> None:
        node = self.random.choice(sorted(self.village.nodes))
        self.village.nodes[node].cut = True
        self._later(HOUR_MS, lambda: self.village.join(node))

    def soil(self) -> None:
        for node in ("dat-1", "dat-2"):
            self.village.world[node] = self.random.choice((1800, 2000, 2600, 3600))

    def people(self) -> None:
        self.village.ask(self.random.choice(("water", "stop")), self.random.choice(("xoai", "buoi")), 5)

    def heal(self) -> None:
        village = self.village
        village.set_clock(-village.ahead_ms)
        village.start_machine()
        village.start_ingest()
        village.start_control()
        for node in village.nodes:
            village.join(node)
        for node in ("dat-1", "dat-2"):
            village.world[node] = 1800


def on_times(village: Clocked, ref: OutputRef) -> Iterator[tuple[int, int]]:
    since_ms = None
    for at_ms, output, on in village.switched:
        if output == ref and on:
            since_ms = at_ms
        elif output == ref and since_ms is not None:
            yield since_ms, at_ms
            since_ms = None
    if since_ms is not None:
        yield since_ms, village.now_ms


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_sets_the_clock(seed: int, tmp_path: Path) -> None:  # P1, P3, P4, P12
    with closing(Clocked(tmp_path)) as village:
        drawn = Drawn(village, seed)
        drawn.faulty()
        drawn.heal()
        healed_ms = village.now_ms
        village.run(HEALING_MS)
        assert not village.faults, (seed, village.faults[:5])
        for zone in VILLAGE.zones.values():  # S1, S4
            for on_ms, off_ms in on_times(village, OutputRef(zone.valve.node, zone.valve.output)):
                assert off_ms - on_ms <= zone.max_run_s * 1000 + 10_000 + 2 * TICK_MS + TOLERANCE_MS, (seed, zone.id)
        with DataReader(tmp_path / "data.db") as data, ControlReader(tmp_path / "control.db") as control:
            kept = {(r.node, r.boot, r.seq) for r in data.readings_after(0, 1_000_000)}
            assert kept == village.numbered, seed  # no reading is lost, whatever its time
            late = [q for q in data.quarantine(10_000) if q.received_ms > healed_ms + 30 * MINUTE_MS]
            assert [q for q in late if q.received_ms <= village.now_ms] == [], (seed, late[:3])
            for zone_id in VILLAGE.zones:  # liveness
                rules = {d.rule for d in control.decisions(zone_id, 60)}
                valve = VILLAGE.zones[zone_id].valve
                watered = any(off > healed_ms for _, off in on_times(village, OutputRef(valve.node, valve.output)))
                assert watered or rules & {"held_by_stop", "daily_cap"}, (seed, zone_id, rules)
        assert not [r for r in village.refused if r[0] > healed_ms + 5 * MINUTE_MS and r[1] == commands.BAD_NONCE]
        assert not [r for r in village.refused if r[0] > healed_ms + 5 * MINUTE_MS and r[1] == commands.EXPIRED]
