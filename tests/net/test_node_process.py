"""The whole node as a process: built bytecode in real MicroPython with an ESP32's heap, real Mosquitto, a field.

Promise P1, on the way to the gateway: stored readings survive kill -9 and come again until they are acknowledged.
Promise P3: a lease ends on time, whatever dies. Promise P4: retained, repeated, late and foreign commands do nothing.
Promise P5: bad bytes are counted and the node goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.firmware_build import build
from kit.clock import sped_clock_from
from tests.support.broker import Broker
from tests.support.field_server import FieldServer
from tests.support.node_process import ACL, KEY, USERS, Gateway, NodeProcess, node_config, wait_for
from wire import commands, fields, frames, topics
from wire.seal import Sealer

LATE_S = 0.2  # what a lease may be late in real time
RESTART = 42
# The node's own program, with a fault of ours that shows once a valve is open.
FAULTY = """
import gc
gc.threshold(2048)
import hal
from node import sampler, start
healthy = sampler.Sampler.due_ms
def faulty(self):
    if any(hal._outputs):
        raise RuntimeError("a fault of ours")
    return healthy(self)
sampler.Sampler.due_ms = faulty
start.run(hal)
"""
# The node's own program on a hal whose sockets or flash hang for HANG_S of real time once a valve is open.
HANG_S = 5
HANGS = """
import gc
gc.threshold(2048)
import time
import hal
hung = []
def hang(healthy):
    def wrapped(*arguments):
        if hal._outputs[0] and not hung:
            hung.append(True)
            time.sleep({HANG_S})
        return healthy(*arguments)
    return wrapped
{PATCH}
from node import start
start.run(hal)
"""
HANGING_SOCKET = "hal.open_socket = hang(hal.open_socket)"
HANGING_FLASH = "import flash_file\nflash_file.FlashFile.writeblocks = hang(flash_file.FlashFile.writeblocks)"
DEAD_FLASH = """
import gc
gc.threshold(2048)
import hal
import flash_file
flash_file.FlashFile.readblocks = lambda *_: -5
from node import start
start.run(hal)
"""
SPEED = 600


@dataclass
class Village:
    """A broker, a gateway that is connected, and a field; nodes are started by the test."""

    folder: Path
    broker: Broker
    gateway: Gateway
    field: FieldServer
    nodes: list[NodeProcess]

    def node(self, clock_file: Path | None = None, code: str | None = None, **changes: Any) -> NodeProcess:
        node = NodeProcess(self.folder / "node", node_config(self.broker, **changes), self.field.port, clock_file)
        self.nodes.append(node)
        return node.start(code)

    def hello(self, count: int = 1) -> frames.Hello:
        wait_for(lambda: len(self.gateway.hellos) >= count)
        return self.gateway.hellos[-1]

    def more_stored(self, count: int) -> None:
        wanted = len(self.field.stored()) + count
        wait_for(lambda: len(self.field.stored()) >= wanted)

    def off_times(self, output: int) -> list[float]:
        return [at for at, index, on in self.field.switched if index == output and not on]

    def on_times(self, output: int) -> list[float]:
        return [at for at, index, on in self.field.switched if index == output and on]

    def late_s(self, output: int, lease_s: float, opened: int = -1) -> float:
        """How late the last lease of an output ended. It never ends early, by when its OPEN was made: on a busy machine
        an output goes on later than it was told, and the end waits for nobody."""
        off = self.off_times(output)[-1]
        assert off - self.gateway.opens[output][opened] >= lease_s, "early"
        return off - self.on_times(output)[-1] - lease_s


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    nodes: list[NodeProcess] = []
    build()  # takes seconds, and is no time of a test
    with Broker(tmp_path / "broker", USERS, ACL) as broker, FieldServer() as field, Gateway(broker) as gateway:
        field.raw.update({(fields.SOIL_MOISTURE, 0): 1_500_000, (fields.SOIL_TEMPERATURE, 0): 2_800})
        try:
            yield Village(tmp_path, broker, gateway, field, nodes)
        finally:
            for node in nodes:
                node.kill()


def test_readings_arrive_and_are_forgotten_once_they_are_acknowledged(village: Village) -> None:
    node = village.node()
    hello = village.hello()
    wait_for(lambda: len(village.gateway.readings) >= 6)
    village.field.measuring = False
    wait_for(lambda: village.field.stored() == set(village.gateway.readings))
    village.gateway.order(village.gateway.command(commands.QUERY))  # what was sent before has reached the node, too
    volumes = [r[6] for r in village.gateway.readings.values() if r[2] == fields.VOLUME]
    assert volumes == [fields.VOLUME_MADE], "that the flash was made new is told"
    first = village.gateway.readings[hello.boot_id, 1]
    assert first[2:] == (fields.SOIL_MOISTURE, 0, fields.GOOD, fields.FAULT_NONE, 1_500_000)
    newest = village.gateway.frames[-1]
    assert newest.clock_quality == fields.CLOCK_GATEWAY
    assert abs(newest.clock_offset_ms + newest.sent_uptime_ms - time.time_ns() // 1_000_000) < 5_000
    node.kill()
    assert wait_for(lambda: village.gateway.gone) == [hello.boot_id], "the will names the boot"
    village.field.measuring = True
    count = len(village.gateway.frames)
    node.start()
    second = village.hello(2)
    wait_for(lambda: len(village.gateway.frames) > count + 1)
    assert second.boot_id >> 16 == (hello.boot_id >> 16) + 1 and second.nonce != hello.nonce
    assert {frame.boot_id for frame in village.gateway.frames[count:]} == {second.boot_id}, "nothing old came again"


def test_without_acknowledgement_all_is_kept_over_kill_and_comes_again(village: Village) -> None:
    village.gateway.acknowledging = False
    node = village.node()
    wait_for(lambda: len(village.field.stored()) >= 7)
    for _ in range(3):
        node.kill()
        node.start()
        village.more_stored(4)
    wait_for(lambda: village.gateway.frames)
    node.kill()
    village.gateway.acknowledging = True
    node.start()
    village.hello()
    wait_for(lambda: len(village.field.stored()) >= 25)
    village.field.measuring = False
    wait_for(lambda: village.field.stored() <= set(village.gateway.readings))
    stored = village.field.stored()
    # A kill between the flash and the trace leaves a reading that the witness does not know: never the other way.
    boots = {boot for boot, _ in village.gateway.readings}
    assert len(boots) == 5 and len(set(village.gateway.readings) - stored) <= 3 * len(boots)


def test_commands_move_outputs_and_leases_end_by_themselves(village: Village) -> None:
    village.node()
    village.hello()
    assert village.gateway.order(village.gateway.command(commands.OPEN, 1, 900)).status == commands.INTERLOCK
    valve = village.gateway.order(village.gateway.command(commands.OPEN, 0, 1_500))
    pump = village.gateway.order(village.gateway.command(commands.OPEN, 1, 15_000))
    assert (valve.status, pump.status, pump.outputs_mask) == (commands.ACCEPTED, commands.ACCEPTED, 0b11)
    wait_for(lambda: village.off_times(0) and village.off_times(1))
    assert village.off_times(1)[0] <= village.off_times(0)[0], "the pump before its valve"
    assert village.late_s(0, 1.5) <= LATE_S
    ended = wait_for(lambda: [r for r in village.gateway.receipts if r.status == commands.ENDED_LEASE][1:])
    assert ended[0].output == 0 and ended[0].counter == valve.counter
    wait_for(lambda: len([r for r in village.gateway.readings.values() if r[2] == fields.OUTPUT]) >= 4)
    switched = sorted(r for r in village.gateway.readings.values() if r[2] == fields.OUTPUT)
    assert [(r[3], r[6]) for r in switched] == [(0, 1), (1, 1), (1, 0), (0, 0)], "switching is journaled too"
    assert [lease[:1] for lease in village.field.told("lease")] == [[0], [1]]


def test_what_is_not_fresh_or_not_ours_moves_nothing_and_is_told(village: Village) -> None:
    gateway = village.gateway
    village.node()
    hello = village.hello()

    first = gateway.command(commands.OPEN, 0, 300)
    assert gateway.order(first).status == commands.ACCEPTED
    wait_for(lambda: village.off_times(0))
    assert gateway.order(first).status == commands.ACCEPTED, "a copy gets the same receipt"
    assert gateway.order(gateway.command(commands.OPEN, 0, 900, counter=0)).status == commands.REPLAYED
    assert gateway.order(gateway.command(commands.OPEN, 0, 900, expires_uptime_ms=1)).status == commands.EXPIRED
    assert gateway.order(gateway.command(commands.OPEN, 0, 900, nonce=b"an older")).status == commands.BAD_NONCE

    answers = len(gateway.receipts)
    forged = commands.encode_command(gateway.command(commands.OPEN, 0, 900))
    gateway.send(topics.COMMAND, forged, sealer=Sealer(bytes(32)))
    gateway.send(topics.COMMAND, b"not a command")
    gateway.send(topics.ACK, frames.encode_ack(hello.boot_id, 1, 3, [(1, 2**32 - 1)]), sealer=Sealer(bytes(32)))
    gateway.send(topics.ACK, frames.encode_ack(hello.boot_id, 946_684_800_000, fields.CLOCK_SNTP, []))  # 2000-01-01
    gateway.send(topics.COMMAND, bytes(1000))
    assert gateway.order(gateway.command(commands.QUERY)).outputs_mask == 0
    assert len(gateway.receipts) == answers + 1, "who has no key gets no answer"
    assert len(village.on_times(0)) == 1, "only the first command opened anything"

    told = wait_for(lambda: [r[6] for r in gateway.readings.values() if r[2] == fields.REFUSED_COMMANDS and r[6] >= 7])
    assert max(told) == 7, "3 refusals, 4 messages that were not ours"
    assert gateway.frames[-1].clock_offset_ms > 1_577_836_800_000, "the time of 2000 was not taken"


def test_a_retained_command_is_refused_at_each_connection(village: Village) -> None:
    topic = topics.topic("v1", "valve-1", topics.DOWN, topics.COMMAND)
    command = commands.Command(1, b"anything", commands.OPEN, 0, 900, 2**40)
    sealed = Sealer(KEY).seal(topic, commands.encode_command(command))
    assert village.gateway.client is not None
    village.gateway.client.publish(topic, sealed, qos=1, retain=True).wait_for_publish(5)
    village.node()
    village.hello()
    assert wait_for(lambda: village.gateway.receipts)[0].status == commands.RETAINED
    assert village.on_times(0) == []


def test_the_lease_ends_on_time_though_the_broker_was_killed(village: Village) -> None:
    village.node()
    hello = village.hello()
    village.gateway.order(village.gateway.command(commands.OPEN, 0, 2_000))
    village.gateway.disconnect()
    village.broker.kill()
    wait_for(lambda: village.off_times(0))
    assert village.late_s(0, 2.0) <= LATE_S
    village.broker.start()
    village.gateway.connect()
    again = village.hello(2)
    assert (again.boot_id, again.nonce) == (hello.boot_id, hello.nonce), "the same boot says hello again"
    assert wait_for(lambda: [r for r in village.gateway.receipts if r.status == commands.ENDED_LEASE])
    village.field.measuring = False
    wait_for(lambda: village.field.stored() == set(village.gateway.readings))


def test_a_frozen_broker_does_not_hold_a_lease_either(village: Village) -> None:
    village.node()
    village.hello()
    village.gateway.order(village.gateway.command(commands.OPEN, 0, 1_000))
    village.broker.freeze()
    wait_for(lambda: village.off_times(0))
    village.broker.thaw()
    assert village.late_s(0, 1.0) <= LATE_S


@pytest.mark.parametrize("patch", [HANGING_SOCKET, HANGING_FLASH])
def test_an_output_goes_off_though_the_loop_hangs_and_the_end_is_told(village: Village, patch: str) -> None:
    """P3 does not depend on calls that come back in time: the guard beside the program ends what is on."""
    node = village.node(code=HANGS.replace("{HANG_S}", str(HANG_S)).replace("{PATCH}", patch))
    hello = village.hello()
    for output, lease_ms in ((0, 1_500), (1, 15_000)):
        command = village.gateway.command(commands.OPEN, output, lease_ms)
        village.gateway.send(topics.COMMAND, commands.encode_command(command))
    wait_for(lambda: village.on_times(0))
    village.broker.kill()  # the node opens a socket again
    village.gateway.disconnect()
    wait_for(lambda: village.field.fired)
    assert 0.4 <= village.off_times(0)[0] - village.on_times(0)[0] - 1.5 <= 2.0
    assert not any(village.field.outputs.values()), "not only the one that was due"
    village.broker.start()
    village.gateway.connect()
    ended = wait_for(lambda: [r for r in village.gateway.receipts if r.status == commands.ENDED_LEASE])
    assert village.hello(2).boot_id == hello.boot_id and node.exit_code() is None, "the same boot goes on"
    off = wait_for(lambda: [r for r in village.gateway.readings.values() if r[2] == fields.OUTPUT and not r[6]])
    on = [r for r in village.gateway.readings.values() if r[2] == fields.OUTPUT and r[6]]
    assert {r.output for r in ended} == {r[3] for r in on} == {r[3] for r in off}
    assert 1_900 <= off[0][1] - on[0][1] <= 2_100 and ended[0].uptime_ms == off[0][1], "told at its own time"


def test_without_a_volume_leases_and_commands_go_on_and_it_is_told(village: Village) -> None:
    node = village.node(code=DEAD_FLASH)
    village.hello()
    assert village.gateway.order(village.gateway.command(commands.OPEN, 0, 1_000)).status == commands.ACCEPTED
    wait_for(lambda: village.off_times(0))
    assert village.late_s(0, 1.0) <= LATE_S
    wait_for(lambda: [r for r in village.gateway.receipts if r.status == commands.ENDED_LEASE])
    wait_for(lambda: [r for r in village.gateway.readings.values() if r[2:3] + r[6:] == (fields.VOLUME, 2)])
    wait_for(lambda: [r for r in village.gateway.readings.values() if r[2] == fields.SOIL_MOISTURE][2:])
    assert village.field.stored() == set() and node.exit_code() is None


def test_the_hard_maximum_holds_against_renewals(village: Village) -> None:
    village.node(outputs=[{"index": 0, "kind": "valve", "hard_max_s": 2}])
    village.hello()
    deadline = time.monotonic() + 3.0
    while time.monotonic() < deadline:
        village.gateway.order(village.gateway.command(commands.OPEN, 0, 1_500))
        time.sleep(0.2)
    assert village.late_s(0, 2.0, opened=0) <= LATE_S
    assert len(village.on_times(0)) == 1
    assert any(receipt.status == commands.ENDED_HARD_MAX for receipt in village.gateway.receipts)
    assert village.gateway.receipts[-1].status == commands.RESTING


def test_sped_up_a_lease_is_late_by_real_milliseconds_only(village: Village) -> None:
    clock = village.folder / "clock.json"
    village.field.clock = sped_clock_from(1_709_251_200_000, SPEED)
    clock.write_text(village.field.clock.to_json(), encoding="utf-8")
    sensors = [{"field": fields.SOIL_MOISTURE, "channel": 0, "every_s": 600}]
    outputs = [{"index": 0, "kind": "valve", "hard_max_s": 3_600}]
    village.node(clock, sensors=sensors, outputs=outputs)
    village.hello()
    for _ in range(5):
        village.gateway.order(village.gateway.command(commands.OPEN, 0, 240_000))  # 0.4 s real
        wait_for(lambda: len(village.off_times(0)) == len(village.on_times(0)))
        assert village.late_s(0, 0.4) <= LATE_S
    assert abs(village.field.epochs_ms[0] - 1_709_251_200_000) < SPEED * 10_000
    wait_for(lambda: len([r for r in village.gateway.readings.values() if r[2] == fields.SOIL_MOISTURE]) >= 4)


def test_a_field_that_is_away_is_missing_readings_and_nothing_worse(village: Village) -> None:
    gateway, field = village.gateway, village.field
    field.__exit__()
    node = village.node()
    village.hello()
    wait_for(lambda: [r for r in gateway.readings.values() if r[4:6] == (fields.MISSING, fields.FAULT_NO_ANSWER)])
    gateway.order(gateway.command(commands.OPEN, 0, 20_000))
    with field:
        wait_for(lambda: field.outputs.get(0), 5)
        wait_for(lambda: [r for r in gateway.readings.values() if r[4] == fields.GOOD and r[2] == fields.SOIL_MOISTURE])
        assert node.exit_code() is None
        node.kill()
        wait_for(lambda: not field.outputs[0])
    field.__enter__()


def test_a_config_that_cannot_be_ends_in_a_restart_with_outputs_off(village: Village) -> None:
    node = village.node(sensors=[{"field": 99, "channel": 0, "every_s": 1}])
    assert wait_for(lambda: node.exit_code()) == RESTART
    assert any("unknown field 99" in text for _, text in village.field.traces if text.startswith("error"))
    assert not node.flash.exists(), "the flash was not touched"


def test_a_config_that_cannot_be_gives_way_to_the_last_good_one_and_that_is_told(village: Village) -> None:
    node = village.node()
    village.hello()
    node.kill()
    bad = node_config(village.broker, sensors=[{"field": 99, "channel": 0, "every_s": 1}])
    (village.folder / "node" / "node.json").write_text(json.dumps(bad), encoding="utf-8")
    node.start()
    assert wait_for(lambda: node.exit_code()) == RESTART
    assert any(text.startswith("config refused") and "unknown field 99" in text for _, text in village.field.traces)
    node.start()
    village.hello(2)
    wait_for(lambda: [r for r in village.gateway.readings.values() if r[2:3] + r[6:] == (fields.CONFIG, 1)])
    boot = village.gateway.hellos[-1].boot_id
    wait_for(lambda: [k for k, r in village.gateway.readings.items() if k[0] == boot and r[2] == fields.SOIL_MOISTURE])


def test_a_fault_of_our_own_closes_everything_and_restarts(village: Village) -> None:
    node = village.node(code=FAULTY)
    village.hello()
    open_valve = commands.encode_command(village.gateway.command(commands.OPEN, 0, 20_000))
    village.gateway.send(topics.COMMAND, open_valve)
    assert wait_for(lambda: node.exit_code()) == RESTART
    assert len(village.on_times(0)) == len(village.off_times(0)) == 1
    assert village.field.traces[-1][1] == "error RuntimeError('a fault of ours',)"
    node.start()
    wait_for(lambda: village.gateway.hellos[-1].boot_cause == frames.BOOT_ERROR)
    assert village.gateway.hellos[-1].outputs == 0


def test_the_heap_of_an_esp32_is_enough_and_does_not_grow(village: Village) -> None:
    """A day without a broker in the journal, then all of it sent; sensors and outputs of the largest node."""
    clock = village.folder / "clock.json"
    clock.write_text(sped_clock_from(1_709_251_200_000, SPEED).to_json(), encoding="utf-8")
    sensors = [{"field": f, "channel": c, "every_s": 120, "reads": 1} for f in (1, 2, 3, 4) for c in (0, 1)]
    village.broker.kill()
    village.node(clock, sensors=sensors)
    wait_for(lambda: len(village.field.stored()) >= 300, 30)
    village.broker.start()
    village.gateway.disconnect()
    village.gateway.connect()
    wait_for(lambda: len(village.gateway.readings) >= 500, 40)
    village.field.measuring = False
    wait_for(lambda: village.field.stored() <= set(village.gateway.readings), 20)
    live = village.field.told("ready")[0][1]
    free = [numbers[0] for numbers in village.field.told("heap")]
    print(f"live={live} lowest_free={min(free)} heaps={free}")
    assert live <= 88_000 and min(free) >= 22_000
    assert free[-1] >= free[len(free) // 2] - 2_000, "it grows"
