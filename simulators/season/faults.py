"""What goes wrong in a season, by schedule: probes that lie or fall silent, nodes that cannot be reached.

Rules of this module:
- A fault of a probe changes what its converter gives, never the field; when it ends the probe is sound again.
- stuck: the first value after it begins, for ever. drift: ``size`` more each day. offset: ``size`` more. spike:
  with a chance at each reading, ``size`` up or down. missing: no answer. Sizes are in m3/m3.
- Spikes are drawn from a stream of the probe's own, so a fault of one probe changes no other.
- A node that is down loses commands sent to it and keeps its readings until it is back.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.core.village import Zone
from simulators.field.layout import Layout
from simulators.field.sensors import Sensor
from wire.fields import SOIL_MOISTURE

STUCK, DRIFT, SPIKE, OFFSET, MISSING = KINDS = ("stuck", "drift", "spike", "offset", "missing")
E4 = 10_000.0
DAY_MS = 86_400_000


@dataclass(frozen=True)
class ProbeFault:
    """``probes`` are places in the zone's list of probes, from 0; none named means all of them."""

    zone: str
    kind: str
    from_ms: int
    to_ms: int
    probes: tuple[int, ...] = ()
    size_vwc: float = 0.0
    chance: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault {self.kind!r} is not in {KINDS}")
        if self.from_ms >= self.to_ms:
            raise ValueError("a fault must end after it begins")


@dataclass(frozen=True)
class LinkFault:
    node: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True)
class Faults:
    probes: tuple[ProbeFault, ...] = ()
    links: tuple[LinkFault, ...] = ()

    def is_down(self, node: str, at_ms: int) -> bool:
        return any(fault.node == node and fault.from_ms <= at_ms < fault.to_ms for fault in self.links)


@dataclass
class _Victim:
    """A probe with all its faults. Mutable: it turns the sensor of one copy of the field."""

    sensor: Sensor
    offset: float  # of its place, without faults
    faults: list[ProbeFault]
    stream: random.Random

    def suffer(self, at_ms: int) -> None:
        offset, answer = self.offset, ""
        for fault in self.faults:
            if fault.from_ms <= at_ms < fault.to_ms:
                offset += self._lie(fault, at_ms)
                answer = fault.kind if fault.kind in (STUCK, MISSING) else answer
        if answer != self.sensor.fault:
            self.sensor.fault, self.sensor.stuck_at = answer, None
        self.sensor.offset = offset

    def _lie(self, fault: ProbeFault, at_ms: int) -> float:
        if fault.kind == OFFSET:
            return fault.size_vwc * E4
        if fault.kind == DRIFT:
            return fault.size_vwc * E4 * (at_ms - fault.from_ms) / DAY_MS
        if fault.kind == SPIKE and self.stream.random() < fault.chance:
            return self.stream.choice((-1.0, 1.0)) * fault.size_vwc * E4
        return 0.0


class Mischief:
    """The probe faults of a schedule on one copy of the field; call ``suffer`` before its probes are read."""

    def __init__(self, faults: Iterable[ProbeFault], zones: Mapping[str, Zone], layout: Layout, seed: int) -> None:
        self._victims: dict[tuple[str, int], _Victim] = {}
        for channel in layout.channels.values():
            channel.sensor.fault = ""
        for fault in faults:
            probes = zones[fault.zone].probes
            for place in fault.probes or range(len(probes)):
                key = (probes[place].node, probes[place].channel)
                victim = self._victims.get(key)
                if victim is None:
                    sensor = layout.channels[(key[0], SOIL_MOISTURE, key[1])].sensor
                    stream = random.Random(f"spike/{seed}/{key[0]}/{key[1]}")
                    victim = self._victims[key] = _Victim(sensor, sensor.offset, [], stream)
                victim.faults.append(fault)

    def suffer(self, at_ms: int) -> None:
        for victim in self._victims.values():
            victim.suffer(at_ms)
