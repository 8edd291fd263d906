"""The time of one ``step`` of the irrigation for a village of many gardens.

Rules
1. Every garden has three probes, ground, crop, a valve, a pump that eight of them share, and one ditch for all; every
   ten minutes all probes are heard in the same step, the most that a step can be given.
2. All gardens go from wet to dry, so that steps without news, decisions told by all, and runs of all pumps are in it.
3. What is held is the median of the steps that hear all probes; the first step, which reads the settings, is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from gateway.core.ground import Ground
from gateway.core.rules import Rule
from gateway.core.state import State
from gateway.core.step import step
from gateway.core.types import (
    Effect,
    Inputs,
    Limits,
    Link,
    OutputRef,
    OutputSettings,
    Reading,
    Receipt,
    Send,
    SensorRef,
    Settings,
    SourceSettings,
    ZoneSettings,
)
from gateway.core.weather import Outlook, OutlookDay, Place, StationSettings, local_day
from kit.clock import real_mono_s
from simulators.ratio import Ratio
from wire import commands, fields

GARDENS = 1_000
GOAL_MS = 50.0
STEPS = 120
MINUTE_MS = 60_000
HEARD_EVERY = 10  # minutes
START_MS = 1_710_036_000_000  # nine in the morning: a multiple of ten minutes
UP_MS = 3_600_000  # nodes have been up for so long
GARDENS_A_PUMP = 8
WET_E4, DRY_E4 = 2_700, 2_540  # the mark is 2700, where RAW ends
DITCH = SensorRef("ditch", fields.WATER_LEVEL, 0)
SALT = SensorRef("ditch", fields.CONDUCTIVITY_25, 0)
RAIN = SensorRef("ditch", fields.RAIN, 0)


@dataclass(frozen=True)
class Took:
    """Milliseconds of every step after the first, with how many readings it was given."""

    ms: tuple[tuple[float, int], ...]

    @property
    def loaded_ms(self) -> float:
        """The median of the steps that hear all probes."""
        return median(ms for ms, readings in self.ms if readings > 2)

    @property
    def worst_ms(self) -> float:
        return max(ms for ms, _ in self.ms)


def settings(gardens: int) -> Settings:
    zones = tuple(_zone(number) for number in range(gardens))
    refs = [ref for zone in zones for ref in (zone.valve, zone.pump) if ref]
    outputs = {ref.key: OutputSettings(4 * 3_600_000, 60_000, 900_000) for ref in refs}
    ditch = SourceSettings("ditch", "Mương", DITCH, 300, 400, (SALT,), 1_500, 1_200, 1_800_000)
    return Settings(zones, (ditch,), outputs, Place(10.0, 105.8, 2.0), StationSettings(rain=RAIN))


def _zone(number: int) -> ZoneSettings:
    probes = tuple(SensorRef(f"soil-{number}", fields.SOIL_MOISTURE, channel) for channel in range(3))
    node = f"valve-{number // GARDENS_A_PUMP}"
    ground = Ground(0.36, 0.18, 0.5, 100.0, 0.5, (0.7, 1.0, 0.8), (20, 30, 40, 20), local_day(START_MS) - number % 100)
    return ZoneSettings(
        f"garden-{number}", f"Vườn {number}", probes, 1_800_000, OutputRef(node, number % GARDENS_A_PUMP),
        OutputRef(node, GARDENS_A_PUMP), "ditch", 2_600, 3_200, 2 * 3_600_000, 3_600_000, 20_000, ground=ground,
    )  # fmt: skip


class Village:
    """Steps of one village, a minute apart. Mutable: it keeps the state, and what its nodes have to answer."""

    def __init__(self, gardens: int) -> None:
        self._settings = settings(gardens)
        self._limits = Limits()
        days = {local_day(START_MS) + day: OutlookDay(33.0, 24.0, 0.0, 0.0, 80.0, 16.0) for day in range(-1, 3)}
        self._outlook = Outlook(START_MS, "bench", days)
        found = {ref.node for ref in self._settings.refs} | {ref.node for ref in self._settings.sensors}
        self._nodes = sorted(found)
        self._state = State()
        self._on: dict[str, int] = {}
        self._receipts: tuple[Receipt, ...] = ()

    @property
    def watered(self) -> list[str]:
        """The gardens whose water runs."""
        return [zone for zone, state in self._state.zones.items() if state.run]

    @property
    def told(self) -> set[Rule | None]:
        """What was last said of the gardens."""
        return {state.said.rule if state.said else None for state in self._state.zones.values()}

    def run(self, steps: int = STEPS, clock: Callable[[], float] = real_mono_s) -> Took:
        """Step minute by minute; ``clock`` gives seconds of any kind."""
        took = []
        for number in range(steps + 1):
            now_ms = START_MS + number * MINUTE_MS
            readings = tuple(self._heard(number, steps, now_ms))
            links = tuple(Link(node, 1, bytes(8), START_MS - UP_MS, now_ms) for node in self._nodes)
            inputs = Inputs(self._settings, readings, self._receipts, links=links, outlook=self._outlook)
            began = clock()
            self._state, effects = step(self._state, now_ms, inputs, self._limits)
            took.append(((clock() - began) * 1000.0, len(readings)))
            self._receipts = tuple(self._answers(effects, now_ms))
        return Took(tuple(took[1:]))

    def _heard(self, number: int, steps: int, now_ms: int) -> Iterator[Reading]:
        yield Reading(DITCH, now_ms, 900)
        yield Reading(SALT, now_ms, 300)
        if number % HEARD_EVERY == 0:
            soil_e4 = WET_E4 - (WET_E4 - DRY_E4) * number // steps
            for place, zone in enumerate(self._settings.zones):
                yield from (Reading(probe, now_ms, soil_e4 + (place + 7 * probe.channel) % 40) for probe in zone.probes)

    def _answers(self, effects: tuple[Effect, ...], now_ms: int) -> Iterator[Receipt]:
        """What nodes that obey would tell."""
        uptime_ms = now_ms - START_MS + UP_MS
        for sent in effects:
            if isinstance(sent, Send):
                bit = 1 << sent.output
                before = self._on.get(sent.node, 0)
                self._on[sent.node] = before | bit if sent.action == commands.OPEN else before & ~bit
                yield Receipt(
                    sent.node, 1, sent.counter, commands.ACCEPTED, sent.output, self._on[sent.node],
                    uptime_ms + sent.duration_ms, uptime_ms,
                )  # fmt: skip


def measure(gardens: int = GARDENS) -> Iterator[Ratio]:
    took = Village(gardens).run()
    for which, ms, goal in (("all probes heard", took.loaded_ms, 1.0), ("the slowest", took.worst_ms, None)):
        name = f"step of {gardens:,} gardens in budget, {which}"
        yield Ratio(name, ms, GOAL_MS, "ms", ms / GOAL_MS, goal, at_least=False, absolute=True)
