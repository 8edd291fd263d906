"""The irrigation itself, tried on the record with any settings: what would it have watered?

Rules
1. The decisions are those of ``gateway.core.step``, minute by minute: every guard, plan, rest and phase counts. It
   hears what was heard then: the canal, its salt, the sky, the outlook, and what people asked for.
2. Only the moisture probes say something else: what the soil of the trial (``record.Soil``) would have shown. A probe
   that was faulty then is as faulty now. They agree with each other, because how soils differ is not in the record.
3. Nodes obey at once and never fail; water flows as the garden's own flow says, and the ditch is as full as it was.
4. A garden without a known ground is not tried: nothing can be said of its water.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gateway.core.limits import Limits
from gateway.core.record import SOIL_MS, Record, Soil, Tick, Watered
from gateway.core.step import next_wake_ms, step
from gateway.core.types import Effect, Inputs, Link, Reading, Receipt, RunEnded, Send, Settings, ZoneSettings
from wire import commands, fields

BOOT = 1
NONCE = bytes(8)
ROUNDS = 50  # of commands and receipts at one instant; more would be two parts talking in circles
LEAST_MS = 1_000
MINUTE_MS = 60_000
UP_MS = 86_400_000  # nodes have been up for a day, so that every output has rested
SEEN_MS = 3_600_000  # how often the soil is looked at for a picture
DITHER_E4 = 2  # a probe never stands quite still
FIT = (fields.GOOD, fields.NOT_EVALUATED)


@dataclass
class Garden:
    """What a trial came to in one garden."""

    soil: Soil
    watered: list[Watered] = field(default_factory=list)
    seen: list[tuple[int, float]] = field(default_factory=list)  # time, depletion in mm
    apart_mm: list[float] = field(default_factory=list)  # from what was recorded, at the same times
    poured_ml: int = 0
    pump_ms: int = 0

    @property
    def runs(self) -> int:
        return len(self.watered)

    @property
    def mm(self) -> float:
        return self.poured_ml / 1000.0 / self.soil.ground.area_m2


def run(record: Record, settings: Settings, limits: Limits) -> dict[str, Garden]:
    """The gardens of a trial, by zone."""
    trial = _Trial(record, settings, limits)
    for tick in record.ticks:
        trial.to(tick)
    return trial.gardens


class _Trial:
    def __init__(self, record: Record, settings: Settings, limits: Limits) -> None:
        self._record, self._settings, self._limits = record, settings, limits
        begin = record.state
        zones = {zone: replace(state, run=None) for zone, state in begin.zones.items()}
        self._state = replace(begin, outputs={}, nodes={}, zones=zones, wake_at_ms=None)
        self._now_ms = record.from_ms
        nodes = sorted({ref.node for ref in settings.refs})
        self._nodes = {node: _Node(node, record.from_ms - UP_MS) for node in nodes}
        grounds = {zone.id: zone.ground for zone in record.settings.grounded}
        self.gardens = {
            zone.id: Garden(Soil(ground, record.begun[zone.id]))
            for zone in settings.grounded
            if (ground := grounds.get(zone.id)) and zone.id in record.begun
        }
        self._zone_of = {ref: zone for zone in reversed(settings.grounded) for ref in zone.probes}

    def to(self, tick: Tick) -> None:
        """Let time pass up to a tick, and decide with what was heard in it."""
        while self._is_busy() and (next_ms := self._next_ms()) < tick.at_ms:
            self._pass(next_ms)
            self._step((), tick)
        self._pass(tick.at_ms)
        for zone, garden in self.gardens.items():
            came = tick.came.get(zone)
            if tick.at_ms // SOIL_MS * SOIL_MS > garden.soil.known.reckoned_at_ms:
                garden.soil.dry(tick.at_ms // SOIL_MS * SOIL_MS, self._record.et0)
            if came:
                garden.soil.rain(came.rain_um, tick.at_ms)
                garden.soil.correct(came.corrected_um)
                self._see(garden, tick.at_ms, came.depletion_um)
        self._step(tuple(self._heard(tick)), tick)

    def _see(self, garden: Garden, at_ms: int, recorded_um: int) -> None:
        if not garden.seen or at_ms - garden.seen[-1][0] >= SEEN_MS:
            garden.seen.append((at_ms, garden.soil.depletion_mm))
            garden.apart_mm.append(abs(garden.soil.depletion_mm - recorded_um / 1000.0))

    def _heard(self, tick: Tick) -> Iterator[Reading]:
        for reading in tick.readings:
            zone = self._zone_of.get(reading.sensor)
            garden = self.gardens.get(zone.id) if zone else None
            fit = reading.quality in FIT and reading.value is not None
            yield _shown(reading, garden.soil) if garden and fit else reading

    # ---- time

    def _is_busy(self) -> bool:
        return any(zone.run for zone in self._state.zones.values()) or any(
            output.asked_at_ms is not None for output in self._state.outputs.values()
        )

    def _next_ms(self) -> int:
        return max(next_wake_ms(self._state, self._limits), self._now_ms + LEAST_MS)

    def _pass(self, to_ms: int) -> None:
        """Let water flow."""
        passed_ms = max(0, to_ms - self._now_ms)
        for zone in self._settings.grounded if passed_ms else ():
            garden = self.gardens.get(zone.id)
            if garden and self._flows(zone):
                ml = zone.flow_ml_min * passed_ms // MINUTE_MS
                before_um = round(garden.poured_ml / garden.soil.ground.area_m2)
                garden.poured_ml += ml
                garden.pump_ms += passed_ms
                garden.soil.irrigate(round(garden.poured_ml / garden.soil.ground.area_m2) - before_um, to_ms)
        self._now_ms = max(self._now_ms, to_ms)

    def _flows(self, zone: ZoneSettings) -> bool:
        refs = [ref for ref in (zone.valve, zone.pump, self._settings.pump_of(zone.pump).main) if ref]
        return all(self._nodes[ref.node].is_on(ref.output, self._now_ms) for ref in refs)

    # ---- the core

    def _step(self, readings: tuple[Reading, ...], tick: Tick) -> None:
        intents = tick.intents if tick.at_ms == self._now_ms else ()
        receipts: tuple[Receipt, ...] = ()
        for _ in range(ROUNDS):
            inputs = Inputs(
                settings=self._settings,
                readings=readings,
                receipts=receipts,
                intents=intents,
                links=tuple(node.link(self._now_ms) for node in self._nodes.values()),
                outlook=tick.outlook,
            )
            self._state, effects = step(self._state, self._now_ms, inputs, self._limits)
            readings, intents = (), ()
            receipts = tuple(self._obeyed(effects))
            if not receipts:
                return

    def _obeyed(self, effects: tuple[Effect, ...]) -> Iterator[Receipt]:
        for effect in effects:
            if isinstance(effect, Send):
                yield self._nodes[effect.node].obey(effect, self._now_ms)
            elif isinstance(effect, RunEnded) and effect.zone in self.gardens:
                self.gardens[effect.zone].watered.append(
                    Watered(effect.zone, effect.started_at_ms, effect.ended_at_ms, effect.millilitres)
                )


class _Node:
    """A node that always obeys, and closes when a lease is over."""

    def __init__(self, id: str, booted_ms: int) -> None:
        self.id = id
        self._booted_ms = booted_ms
        self._until: dict[int, int] = {}

    def link(self, now_ms: int) -> Link:
        return Link(self.id, BOOT, NONCE, self._booted_ms, now_ms)

    def is_on(self, output: int, now_ms: int) -> bool:
        return self._until.get(output, 0) > now_ms

    def obey(self, order: Send, now_ms: int) -> Receipt:
        until_ms = 0
        if order.action == commands.OPEN:
            until_ms = self._until[order.output] = now_ms + order.duration_ms
        elif order.action == commands.CLOSE:
            self._until.pop(order.output, None)
        elif order.action == commands.CLOSE_ALL:
            self._until.clear()
        mask = sum(1 << output for output, until in self._until.items() if until > now_ms)
        uptime_ms = now_ms - self._booted_ms
        until_uptime_ms = max(0, until_ms - self._booted_ms)
        return Receipt(self.id, BOOT, order.counter, commands.ACCEPTED, order.output, mask, until_uptime_ms, uptime_ms)


def _shown(reading: Reading, soil: Soil) -> Reading:
    """What a probe would have shown."""
    dither = (reading.measured_at_ms // MINUTE_MS * 7 + reading.sensor.channel * 3) % (2 * DITHER_E4 + 1) - DITHER_E4
    return replace(reading, value=soil.ground.soil_e4(soil.depletion_mm) + dither)
