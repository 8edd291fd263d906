"""A village on a virtual clock for tests of the irrigation: the real core, the real lease code of the nodes, and a
link between them that can be slow, cut or deaf.

Rules
1. Nothing waits: time moves to the next thing that can happen. The same script gives the same run.
2. A node is ``firmware.node.lease`` with its own uptime. What it switches is the truth that tests look at.
3. A sensor repeats its value every SAMPLE_MS until it dies.
4. Killing the gateway keeps its state as JSON only. Ingest is another process: it goes on taking things in.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace

from gateway.core.state import State
from gateway.core.step import next_wake_ms, step
from gateway.core.types import (
    Decide,
    Effect,
    Inputs,
    Intent,
    Limits,
    Link,
    OutputRef,
    Reading,
    Receipt,
    Send,
    SensorRef,
    Settings,
)
from gateway.core.weather import Outlook
from tests.support.gardens import (
    CANAL_LEVEL,
    CANAL_SALT,
    GROUND,
    HARD_MAX_S,
    HOP_MS,
    INTENT_MS,
    LEVEL,
    LIFT,
    MAIN,
    METER,
    METER_MS,
    MINUTE_MS,
    NAMES,
    PLACE,
    PUMP,
    PUMPS,
    RAIN,
    SALT,
    SAMPLE_MS,
    SLUICE,
    START_MS,
    VALVES,
    fill_settings,
    output_name,
    probe,
    pump_settings,
    settings,
    source_settings,
    zone_settings,
)
from tests.support.virtual_node import Switched, VirtualNode
from wire import commands, fields

# what tests import from here, wherever it is made
__all__ = [
    "CANAL_LEVEL",
    "CANAL_SALT",
    "GROUND",
    "HARD_MAX_S",
    "HOP_MS",
    "INTENT_MS",
    "LEVEL",
    "LIFT",
    "MAIN",
    "METER",
    "METER_MS",
    "MINUTE_MS",
    "NAMES",
    "PLACE",
    "PUMP",
    "PUMPS",
    "RAIN",
    "SALT",
    "SAMPLE_MS",
    "SLUICE",
    "START_MS",
    "VALVES",
    "Switched",
    "Village",
    "VirtualNode",
    "fill_settings",
    "output_name",
    "probe",
    "pump_settings",
    "settings",
    "source_settings",
    "zone_settings",
]  # fmt: skip


class Village:
    """The virtual village. ``at`` plans something, ``run`` lets time pass."""

    def __init__(self, settings_of_village: Settings, limits: Limits | None = None) -> None:
        self.settings = settings_of_village
        self.limits = limits or Limits()
        self.now_ms = START_MS
        self.clock_ahead_ms = 0  # how far the gateway's wall clock was set away from true time
        self.state = State()
        self.effects: list[Effect] = []
        self.switched: list[Switched] = []
        self.told: list[tuple[int, Decide]] = []  # with the true time, whatever the wall clock showed
        self.steps = 0
        self._plan: list[tuple[int, int, Callable[[], None]]] = []
        self._planned = 0
        self._inbox: tuple[list[Reading], list[Receipt], list[Intent]] = ([], [], [])
        self._sensors: dict[SensorRef, tuple[int | None, int]] = {}
        self.outlook: Outlook | None = None
        self._intents = 0
        self.alive = True
        self._restarted = True
        self._clock_step_ms = 0
        self._stored = ""
        self._dirty = True
        self._links: dict[str, Link] = {}  # what ingest knows of the nodes
        self.flow_part = 1.0  # of what should flow, what does
        self.leak_ml_min = 0  # that flows whatever is on
        self._metered_ms = 0
        nodes = sorted({ref.rpartition("/")[0] for ref in settings_of_village.outputs})
        self.nodes = {id: VirtualNode.start(id, 1, self.now_ms - 10 * MINUTE_MS) for id in nodes}
        for node in self.nodes.values():
            self._heard(node)
            self._beat(node.id)
        if METER in settings_of_village.behind:
            self._meter()

    # ---- planning

    def at(self, at_ms: int, do: Callable[[], None]) -> None:
        self._planned += 1
        heapq.heappush(self._plan, (at_ms, self._planned, do))

    def after(self, ms: int, do: Callable[[], None]) -> None:
        self.at(self.now_ms + ms, do)

    def run(self, until_ms: int) -> None:
        """Let time pass until an instant of true time."""
        while True:
            next_ms = min([until_ms, *self._next_times()])
            self.now_ms = max(self.now_ms, next_ms)
            while self._plan and self._plan[0][0] <= self.now_ms:
                heapq.heappop(self._plan)[2]()
            for node in self.nodes.values():
                node.leases.tick(self._uptime(node))
                self._collect(node)
            if self.alive and (self._dirty or self.wall_ms >= self._wake_ms()):
                self._step()
            elif self.now_ms >= until_ms:
                return

    def _next_times(self) -> list[int]:
        times = [self._plan[0][0]] if self._plan else []
        for node in self.nodes.values():
            due_ms = node.leases.due_ms()
            if due_ms is not None:
                times.append(node.booted_ms + due_ms)
        if self.alive:
            times.append(self.now_ms if self._dirty else self._wake_ms() - self.clock_ahead_ms)
        return times

    def _wake_ms(self) -> int:
        return max(next_wake_ms(self.state, self.limits), self.state.at_ms + 100)

    @property
    def wall_ms(self) -> int:
        """What the gateway's clock shows."""
        return self.now_ms + self.clock_ahead_ms

    # ---- the gateway

    def _step(self) -> None:
        readings, receipts, intents = self._inbox
        self._inbox = ([], [], [])
        inputs = Inputs(
            settings=self.settings,
            readings=tuple(readings),
            receipts=tuple(receipts),
            intents=tuple(intents),
            links=tuple(self._links.values()),
            restarted=self._restarted,
            clock_step_ms=self._clock_step_ms,
            outlook=self.outlook,
        )
        self._restarted, self._clock_step_ms, self._dirty = False, 0, False
        before = self.state
        self.state, effects = step(before, self.wall_ms, inputs, self.limits)
        self.on_step(before, inputs, effects)
        self.steps += 1
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Send):
                self._deliver(effect)
            elif isinstance(effect, Decide):
                self.told.append((self.now_ms, effect))

    def on_step(self, before: State, inputs: Inputs, effects: tuple[Effect, ...]) -> None:
        """For tests that look at every step."""

    def kill_gateway(self) -> None:
        self._stored = self.state.to_json()
        self.alive = False

    def start_gateway(self) -> None:
        if self.alive:
            return
        self.state = State.from_json(self._stored)
        self.alive = self._restarted = self._dirty = True

    def set_clock(self, by_ms: int) -> None:
        """Somebody sets the wall clock of the gateway. The links stand by the steady one, and are read by this."""
        self.clock_ahead_ms += by_ms
        for id, link in self._links.items():
            self._links[id] = replace(link, offset_ms=link.offset_ms + by_ms, heard_at_ms=link.heard_at_ms + by_ms)
        self._clock_step_ms += by_ms
        self._dirty = True  # the shell steps at once: by the new clock the next deadline may be days away

    @property
    def decisions(self) -> list[Decide]:
        return [effect for effect in self.effects if isinstance(effect, Decide)]

    def sent(self, action: int) -> list[Send]:
        return [effect for effect in self.effects if isinstance(effect, Send) and effect.action == action]

    # ---- people

    def ask(
        self, kind: str, zone: str, minutes: int = 0, *, age_ms: int = 0, what: str = "", told_by: str = ""
    ) -> None:
        self._intents += 1
        at_ms = self.wall_ms - age_ms
        self._inbox[2].append(
            Intent(self._intents, at_ms, at_ms + INTENT_MS, kind, zone, minutes, "chú Sáu", what, told_by)
        )
        self._dirty = True

    # ---- sensors

    def measure(self, ref: SensorRef, value: int | None, quality: int = fields.GOOD) -> None:
        """From now on the sensor shows this."""
        fresh = ref not in self._sensors
        self._sensors[ref] = (value, quality)
        if fresh:
            self._sample(ref)
        else:
            self._report(ref)

    def kill_sensor(self, ref: SensorRef) -> None:
        self._sensors.pop(ref, None)

    def _sample(self, ref: SensorRef) -> None:
        if ref in self._sensors:
            self._report(ref)
            self.after(SAMPLE_MS, lambda: self._sample(ref))

    def _report(self, ref: SensorRef) -> None:
        value, quality = self._sensors[ref]
        self._inbox[0].append(Reading(ref, self.wall_ms, value, quality))
        self._dirty = True

    def _meter(self) -> None:
        """The node of the meter reads it often while something of it is on, and for a minute after."""
        node = self.nodes[METER.node]
        on = [OutputRef(node.id, i) for i in range(4) if node.leases.mask() >> i & 1]
        if on:
            self._metered_ms = self.now_ms
        often = self.now_ms - self._metered_ms <= MINUTE_MS
        if node.link == "up" and (often or self.now_ms % SAMPLE_MS == 0):
            self._inbox[0].append(Reading(METER, self.wall_ms, self._flow_ml_min(on)))
            self._dirty = True
        self.after(METER_MS, self._meter)

    def _flow_ml_min(self, on: list[OutputRef]) -> int:
        flows = [zone.flow_ml_min for zone in self.settings.zones if zone.valve in on]
        return self.leak_ml_min + (round(max(flows) * self.flow_part) if PUMP in on and flows else 0)

    # ---- nodes

    def set_link(self, node_id: str, link: str) -> None:
        node = self.nodes[node_id]
        node.link = link
        if link == "up":
            held, node.held = node.held, []
            for deliver in held:
                deliver()
            self._heard(node)

    def reboot(self, node_id: str) -> None:
        """Power gone and back: every output off at once, a new boot, heard a moment later."""
        old = self.nodes[node_id]
        old.leases.close_all(self._uptime(old))
        for index, on in old.leases.take_changes():
            self.switched.append(Switched(self.now_ms, OutputRef(node_id, index), on))
        new = VirtualNode.start(node_id, old.boot + 1, self.now_ms)
        new.link, new.hop_ms = old.link, old.hop_ms
        self.nodes[node_id] = new
        self.after(2_000, lambda: self._hello(node_id))

    def _hello(self, node_id: str) -> None:
        node = self.nodes[node_id]
        if node.link == "up":
            self._heard(node)
        else:
            node.held.append(lambda: self._heard(self.nodes[node_id]))

    def _beat(self, node_id: str) -> None:
        """A node sends readings of its own now and then."""
        node = self.nodes[node_id]
        if node.link == "up" and self._uptime(node) > 2_000:
            self._heard(node)
        self.after(SAMPLE_MS, lambda: self._beat(node_id))

    def _heard(self, node: VirtualNode) -> None:
        """Something of the node has reached ingest."""
        offset_ms = self.wall_ms - self._uptime(node)
        known = self._links.get(node.id)
        if known and known.boot == node.boot:
            offset_ms = min(known.offset_ms, offset_ms)
        self._links[node.id] = Link(node.id, node.boot, node.nonce, offset_ms, self.wall_ms)
        self._dirty = True

    def _uptime(self, node: VirtualNode) -> int:
        return self.now_ms - node.booted_ms

    def _deliver(self, send: Send) -> None:
        node = self.nodes[send.node]
        if node.link == "up":
            self.after(node.hop_ms, lambda: self._arrive(send))
        elif node.link == "cut":
            node.held.append(lambda: self.after(node.hop_ms, lambda: self._arrive(send)))

    def _arrive(self, send: Send) -> None:
        node = self.nodes[send.node]
        order = commands.Command(
            send.counter, send.nonce, send.action, send.output, send.duration_ms, send.expires_uptime_ms
        )
        receipt = node.leases.command(order, False, self._uptime(node))
        self._collect(node)
        self._return(node, receipt)

    def _collect(self, node: VirtualNode) -> None:
        for index, on in node.leases.take_changes():
            self.switched.append(Switched(self.now_ms, OutputRef(node.id, index), on))
        for receipt in node.leases.take_ended():
            self._return(node, receipt)

    def _return(self, node: VirtualNode, receipt: commands.Receipt) -> None:
        kept = Receipt(
            node.id,
            receipt.boot_id,
            receipt.counter,
            receipt.status,
            receipt.output,
            receipt.outputs_mask,
            receipt.until_uptime_ms,
            receipt.uptime_ms,
        )

        def arrive() -> None:
            self._inbox[1].append(kept)
            self._heard(node)

        if node.link == "up":
            self.after(node.hop_ms, arrive)
        elif node.link == "cut":
            node.held.append(arrive)
