"""A node that sleeps, one process for each wake: built bytecode in real MicroPython, real Mosquitto, a field.

Promise P1: what is stored in RTC memory or on flash arrives, whatever the broker does meanwhile; a battery that is
pulled takes what was in RTC memory and nothing else, and no (boot, seq) is ever given twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.field_server import FieldServer
from tests.support.node_process import ACL, USERS, Gateway, NodeProcess, node_config, wait_for
from wire import fields, frames

ASLEEP = 43
SENSORS = [
    {"field": fields.SOIL_MOISTURE, "channel": 0, "every_s": 600, "reads": 1},
    {"field": fields.SOIL_TEMPERATURE, "channel": 0, "every_s": 600, "reads": 1},
    {"field": fields.BATTERY, "channel": 0, "every_s": 600, "reads": 1},
]


@dataclass
class Sleeper:
    """A node that sleeps; its time is virtual, so a wake takes as long as its work."""

    folder: Path
    broker: Broker
    gateway: Gateway
    field: FieldServer
    node: NodeProcess
    codes: list[int] = dataclasses.field(default_factory=list)

    def wakes(self, count: int) -> None:
        for _ in range(count):
            self.node.start()
            code = wait_for(lambda: self.node.exit_code() is not None and str(self.node.exit_code()), 40)
            self.codes.append(int(code))
            assert self.codes[-1] == ASLEEP, (self.field.traces[-1], self.node.log()[-2000:])

    def pull_battery(self) -> None:
        for kind in (".rtc", ".nap"):
            self.node.flash.with_name(self.node.flash.name + kind).unlink(missing_ok=True)

    def has_done(self, more_than: int) -> bool:
        """Whether it has told more than so many things, or sleeps again."""
        return len(self.field.traces) > more_than or self.node.exit_code() is not None

    def boots(self) -> list[int]:
        return sorted({boot for boot, _ in self.field.stored()})


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Sleeper]:
    with Broker(tmp_path / "broker", USERS, ACL) as broker, FieldServer() as field, Gateway(broker) as gateway:
        field.raw.update({(1, 0): 1_500_000, (2, 0): 2_800, (7, 0): 3_300})
        config = node_config(broker, model="soil", sensors=SENSORS, outputs=[], life="wake", send_s=1_800, still_s=2)
        node = NodeProcess(tmp_path / "node", config, field.port, environment={"HOIQUAN_VIRTUAL": "1"})
        try:
            yield Sleeper(tmp_path, broker, gateway, field, node)
        finally:
            node.kill()


def test_it_reads_at_each_wake_sends_at_some_and_stays_one_boot(sleeper: Sleeper) -> None:
    sleeper.wakes(7)
    stored = sleeper.field.stored()
    assert len(sleeper.boots()) == 1, "deep sleep is no new boot"
    assert len(sleeper.gateway.hellos) == 3, "at 0, 30 and 60 minutes"
    assert [hello.boot_cause for hello in sleeper.gateway.hellos] == [
        frames.BOOT_POWER,
        frames.BOOT_SLEEP,
        frames.BOOT_SLEEP,
    ]
    assert wait_for(lambda: stored == set(sleeper.gateway.readings))
    assert sorted(seq for _, seq in stored) == list(range(1, len(stored) + 1)), "no gap, nothing twice"
    moist = sorted(r[1] for r in sleeper.gateway.readings.values() if r[2] == fields.SOIL_MOISTURE)
    assert len(moist) == 7 and all(abs(at - 600_000 * n) < 60_000 for n, at in enumerate(moist))
    assert sleeper.gateway.gone == [], "who sleeps is not gone"


def test_an_outage_goes_to_the_flash_and_arrives_after_it(sleeper: Sleeper) -> None:
    sleeper.wakes(1)
    sleeper.gateway.disconnect()
    sleeper.broker.kill()
    sleeper.wakes(45)
    assert len(sleeper.field.stored()) > 95, "more than RTC memory holds"
    sleeper.broker.start()
    sleeper.gateway.connect()
    sleeper.wakes(20)
    stored = sleeper.field.stored()
    assert wait_for(lambda: len(sleeper.gateway.readings) > 130)
    sleeper.field.measuring = False
    sleeper.wakes(1)
    missing = stored - set(sleeper.gateway.readings)
    assert max((seq for _, seq in stored - missing), default=0) > 0 and len(missing) <= 3 * 3, (
        "only since the last talk"
    )
    assert len(sleeper.boots()) == 1 and sleeper.gateway.gone == []


def test_a_pulled_battery_takes_rtc_memory_only_and_begins_a_new_boot(sleeper: Sleeper) -> None:
    sleeper.gateway.acknowledging = False
    sleeper.wakes(40)
    before = sleeper.field.stored()
    sleeper.pull_battery()
    sleeper.gateway.acknowledging = True
    sleeper.wakes(2)
    first, second = sleeper.boots()
    assert second >> 16 == (first >> 16) + 1
    assert wait_for(lambda: {boot for boot, _ in sleeper.gateway.readings} == {first, second})
    lost = sorted(seq for boot, seq in before if (boot, seq) not in sleeper.gateway.readings)
    assert lost == list(range(lost[0], max(seq for _, seq in before) + 1)) and len(lost) <= 95, "the newest, one batch"
    second_seqs = sorted(seq for boot, seq in sleeper.gateway.readings if boot == second)
    assert second_seqs[0] == 1, "the seqs of a boot begin at 1"


def test_killed_while_awake_it_loses_nothing(sleeper: Sleeper) -> None:
    sleeper.wakes(1)
    for n in range(12):
        sleeper.node.start()
        stored = len(sleeper.field.traces)
        wait_for(partial(sleeper.has_done, more_than=stored))
        sleeper.node.kill()
        if n % 3 == 0:
            sleeper.wakes(1)
    sleeper.wakes(4)
    assert wait_for(
        lambda: len(set(sleeper.gateway.readings) & sleeper.field.stored()) >= len(sleeper.field.stored()) - 9
    )
    assert len(sleeper.boots()) == 1
