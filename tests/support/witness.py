"""A village under witness: every step and every switching of a script is kept, for judges to look at afterwards.

Rules
1. A script is a tuple of (second, event), events in the words of the golden timelines, and ``mess N`` or ``mess off``:
   from then on commands and receipts are lost, doubled, late and out of order, by the seed N.
2. Two gardens share a pump with main valve, meter, lead and lag; one is reckoned and soaks, the other is a thermostat.
   A third has a pump of its own on another node.
3. The same script gives the same trace, and is played once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar

from gateway.core.state import State
from gateway.core.types import Effect, Inputs, Limits, OutputRef, Send
from tests.golden import timeline
from tests.support.irrigation import (
    GROUND,
    LEVEL,
    MAIN,
    PUMP,
    SALT,
    START_MS,
    VALVES,
    Village,
    VirtualNode,
    probe,
    pump_settings,
    settings,
    zone_settings,
)
from wire import commands

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
END_MS = START_MS + 60 * MINUTE_MS
LATEST_HOP_MS = 20_000
PUMP_SETTINGS = pump_settings(
    main=True, meter=True, lead_ms=3_000, lag_ms=4_000, starts_an_hour=4, prime_ms=30_000, min_flow_ml_min=20_000
)
ZONES = (
    zone_settings("xoai", ground=GROUND, cycle_ms=8 * MINUTE_MS, soak_ms=10 * MINUTE_MS, min_rest_ms=10 * MINUTE_MS),
    zone_settings("rau", min_rest_ms=10 * MINUTE_MS, max_run_ms=12 * MINUTE_MS),
    zone_settings("quyt", min_rest_ms=10 * MINUTE_MS, max_run_ms=12 * MINUTE_MS),
)
SETTINGS = settings(ZONES, pump=PUMP_SETTINGS)
LIMITS = Limits()
PIPE = frozenset({MAIN, VALVES["xoai"], VALVES["rau"]})

Script = tuple[tuple[int, str], ...]
T = TypeVar("T")


class Step(NamedTuple):
    """``at_ms`` is true time, ``wall_ms`` what the gateway's clock showed."""

    at_ms: int
    wall_ms: int
    before: State
    inputs: Inputs
    after: State
    effects: tuple[Effect, ...]


class Executed(NamedTuple):
    """A command that reached a node, and the receipt it made."""

    at_ms: int
    send: Send
    boot: int
    uptime_ms: int
    receipt: commands.Receipt


class Witnessed(Village):
    """Keeps everything; with ``mess`` the way to its nodes is a bad one."""

    def __init__(self) -> None:
        self.trace: list[Step] = []
        self.executed: list[Executed] = []
        self.events: list[tuple[int, list[str]]] = []
        self.mess: random.Random | None = None
        self._judging: tuple[Send, int, int] | None = None  # the command that a node judges now
        super().__init__(SETTINGS, LIMITS)

    def on_step(self, before: State, inputs: Inputs, effects: tuple[Effect, ...]) -> None:
        self.trace.append(Step(self.now_ms, self.wall_ms, before, inputs, self.state, effects))

    def happen(self, event: str) -> None:
        words = event.split()
        self.events.append((self.now_ms, words))
        if words[0] == "mess":
            self.mess = None if words[1] == "off" else random.Random(int(words[1]))
        else:
            timeline.happen(self, words)

    def _copies(self) -> list[int]:
        """How late each copy of a message arrives."""
        if self.mess is None:
            return [0]
        count = self.mess.choice((0, 1, 1, 1, 2, 2))
        return [self.mess.choice((0, 0, 0, 3_000, LATEST_HOP_MS)) for _ in range(count)]

    def _deliver(self, send: Send) -> None:
        for late_ms in self._copies():
            self.after(late_ms, partial(super()._deliver, send))

    def _arrive(self, send: Send) -> None:
        node = self.nodes[send.node]
        self._judging = (send, node.boot, self._uptime(node))
        super()._arrive(send)
        self._judging = None

    def _return(self, node: VirtualNode, receipt: commands.Receipt) -> None:
        if self._judging is not None and receipt.counter == self._judging[0].counter:
            self.executed.append(Executed(self.now_ms, *self._judging, receipt))
        for late_ms in self._copies():
            self.after(late_ms, partial(super()._return, node, receipt))

    # ---- what was on, and when

    def on_times(self, output: OutputRef) -> list[tuple[int, int]]:
        """From when to when an output was on."""
        found: list[tuple[int, int]] = []
        since_ms: int | None = None
        for switched in self.switched:
            if switched.output == output:
                if switched.on:
                    since_ms = switched.at_ms
                elif since_ms is not None:
                    found.append((since_ms, switched.at_ms))
                    since_ms = None
        return found if since_ms is None else [*found, (since_ms, self.now_ms)]

    def is_calm(self, from_ms: int, to_ms: int) -> bool:
        """Whether nothing is wrong with gateway, links and clock between two times, and was not a little before."""
        wrong: set[str] = set()
        machines = [(at_ms, words) for at_ms, words in self.events if words[0] in MACHINES and at_ms <= to_ms]
        for at_ms, words in machines:
            what = words[0] if words[0] in ("gateway", "mess") else " ".join(words[:2])
            well = (
                words[-1] in ("up", "start", "off", "100")
                or words[0] in ("reboot", "clock")
                or words[0::2] == ["slow", "100"]
            )
            if at_ms >= from_ms - CALM_MS:
                return False
            wrong = wrong - {what} if well else wrong | {what}
        return not wrong


MACHINES = ("link", "slow", "reboot", "gateway", "clock", "mess")
CALM_MS = 3 * MINUTE_MS  # longer than a lease: what was wrong is over by then


@lru_cache(maxsize=256)
def play(script: Script) -> Witnessed:
    village = Witnessed()
    for zone in ZONES:
        for channel in range(3):
            village.measure(probe(zone.id, channel), 2400)
    village.measure(LEVEL, 700)
    village.measure(SALT, 400)
    for at_s, event in script:
        village.at(START_MS + at_s * 1000, partial(village.happen, event))
    village.run(END_MS)
    return village


def is_on(village: Witnessed, output: OutputRef, at_ms: int) -> bool:
    return any(on_ms <= at_ms < off_ms for on_ms, off_ms in village.on_times(output))


def effects(village: Witnessed, kind: type[T]) -> Iterator[tuple[Step, T]]:
    """All effects of a kind, each with the step that it arose in."""
    for seen in village.trace:
        yield from ((seen, effect) for effect in seen.effects if isinstance(effect, kind))


__all__ = ["PUMP", "VALVES", "ZONES", "Executed", "Script", "Step", "Witnessed", "effects", "is_on", "play"]
