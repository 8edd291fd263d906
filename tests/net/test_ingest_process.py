"""The real ingest process on a real broker: commit before acknowledgement, answers, poison, lost broker, full disk."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway.core.quality import names_of
from tests.support.gateway_home import GatewayHome, Peer, now_ms, wait_for
from tests.support.sealed import record
from wire import commands, fields, frames, topics

BOOT = 0x0001_1234
DAY_MS = 86_400_000
# It comes with Mosquitto, in the folder of the machine's own libraries.
PLUGIN = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayHome]:
    with GatewayHome(tmp_path / "home") as gateway:
        gateway.start_ingest()
        yield gateway


def hello(gateway: GatewayHome, node: str = "dat-1", uptime_ms: int = 60_000) -> tuple[str, bytes]:
    frame = frames.Hello(BOOT, b"nonce--1", uptime_ms, 1, frames.BOOT_POWER, 0, 90_000, "0.1.0", "soil")
    return gateway.seal(node, topics.HELLO, frames.encode_hello(frame))


def readings(
    gateway: GatewayHome,
    *seqs: int,
    node: str = "dat-1",
    raw: int = 2500,
    field: int = fields.SOIL_TEMPERATURE,
    offset_ms: int = 0,
    clock: int = fields.CLOCK_NONE,
) -> tuple[str, bytes]:
    packed = b"".join(frames.pack_record(record(seq, raw=raw, field=field)) for seq in seqs)
    frame = frames.encode_readings(BOOT, 60_000, offset_ms, clock, packed)
    return gateway.seal(node, topics.READINGS, frame)


def listening(gateway: GatewayHome, node: str = "dat-1") -> Peer:
    peer = gateway.peer(node)
    peer.subscribe(gateway.topic(node, topics.ACK), gateway.topic(node, topics.COMMAND))
    return peer


def covered(gateway: GatewayHome, peer: Peer, node: str = "dat-1") -> set[int]:
    """The seqs that a node has seen acknowledged."""
    return {seq for ack in gateway.acks(node, peer) for first, last in ack.ranges for seq in range(first, last + 1)}


def is_covered(gateway: GatewayHome, peer: Peer, seq: int) -> bool:
    return seq in covered(gateway, peer)


def test_what_no_soil_can_show_is_flagged_with_the_test_that_it_failed(gateway: GatewayHome) -> None:  # D1
    node = listening(gateway)
    node.publish(*hello(gateway))
    wait_for(lambda: gateway.acks("dat-1", node))
    for seq, raw in ((1, 1_800_000), (2, 10_000), (3, 1_800_500)):  # 30 %, 75 %, 30 %
        node.publish(*readings(gateway, seq, raw=raw, field=fields.SOIL_MOISTURE))
        wait_for(partial(is_covered, gateway, node, seq))
    with gateway.reader() as reader:
        assert [row.flag for row in reader.readings_after(0, 10)] == [fields.GOOD, fields.FAIL, fields.GOOD]
        assert [(f.seq, names_of(f.tests)) for f in reader.failed_since(0)] == [(2, ("range",))]
    gateway.stop("ingest")
    with gateway.reader() as reader:
        assert reader.tracks()[1] == 3 and ("dat-1", fields.SOIL_MOISTURE, 0) in reader.tracks()[0]


def test_a_reading_is_committed_and_then_acknowledged(gateway: GatewayHome) -> None:  # P1
    node = listening(gateway)
    node.publish(*hello(gateway))
    (answer,) = wait_for(lambda: gateway.acks("dat-1", node))
    assert answer.ranges == () and answer.boot_id == BOOT and answer.clock_quality == fields.CLOCK_GATEWAY
    assert abs(answer.now_ms - now_ms()) < 5000
    node.publish(*readings(gateway, 1, 2, 3))
    wait_for(lambda: covered(gateway, node) == {1, 2, 3})
    with gateway.reader() as reader:
        assert [r.seq for r in reader.readings_after(0, 10)] == [1, 2, 3]
        assert reader.current_boots()["dat-1"].nonce == b"nonce--1"
        newest = reader.latest()["dat-1", fields.SOIL_TEMPERATURE, 0]
    assert (newest.raw, newest.value, newest.flag) == (2500, 2500, fields.GOOD)
    assert 58_000 < newest.received_ms - newest.measured_ms < 62_000
    assert gateway.stop("ingest") == 0
    assert "Traceback" not in gateway.log("ingest")


def test_a_hello_gets_an_answer_of_its_own(gateway: GatewayHome) -> None:
    """A node that is answered with readings only says hello again: it could not be commanded else."""
    node = listening(gateway)
    gateway.stop("ingest")
    node.deliver(*readings(gateway, 1, 2))
    node.deliver(*hello(gateway))
    node.deliver(*readings(gateway, 3))
    gateway.start_ingest()  # finds all three at once; of the hello nobody knows how old it is
    wait_for(lambda: covered(gateway, node) == {1, 2, 3})
    assert () not in [ack.ranges for ack in gateway.acks("dat-1", node)]
    node.deliver(*hello(gateway))
    wait_for(lambda: () in [ack.ranges for ack in gateway.acks("dat-1", node)])


def test_a_receipt_is_kept(gateway: GatewayHome) -> None:
    node = listening(gateway, "van-1")
    sent = commands.Receipt(BOOT, 5, commands.BAD_NONCE, 1, 0, 0, 60_000)
    node.publish(*gateway.seal("van-1", topics.RECEIPT, commands.encode_receipt(sent)))
    with gateway.reader() as reader:
        (kept,) = wait_for(lambda: reader.receipts_after(0, 10))
    assert (kept.node, kept.counter, kept.status) == ("van-1", 5, commands.BAD_NONCE)


def test_what_is_sent_again_is_acknowledged_again_and_kept_once(gateway: GatewayHome) -> None:  # P2
    node = listening(gateway)
    for _ in range(5):
        node.deliver(*readings(gateway, *range(1, 41)))
    node.deliver(*readings(gateway, 1, raw=1))
    node.deliver(*readings(gateway, 41))
    wait_for(lambda: 41 in covered(gateway, node))
    with gateway.reader() as reader:
        stored = reader.readings_after(0, 1000)
        counters = reader.counters()
    assert [r.seq for r in stored] == list(range(1, 42)) and {r.raw for r in stored} == {2500}
    assert (counters["readings_same"], counters["quarantine_conflict"]) == (160, 1)


def test_poison_of_every_kind_is_counted_and_blocks_nobody(gateway: GatewayHome) -> None:  # P5
    node, other = listening(gateway), listening(gateway, "dat-2")
    topic, good = readings(gateway, 1)
    node.publish(topic, b"")
    node.publish(topic, b"\0" * 4096)
    node.publish(topic, good[:-1] + bytes([good[-1] ^ 1]))
    node.publish(topic, good[:-1])
    node.publish(gateway.topic("dat-1", topics.HELLO), good)
    node.publish(*gateway.seal("dat-1", topics.READINGS, b"\x09\x01" + good[2:-16]))
    node.publish(*gateway.seal("dat-1", topics.READINGS, good[:-17]))
    mixed = [record(10), record(11, raw=-99_999), record(12, field=99), record(13, channel=7), record(14)]
    frame = frames.encode_readings(BOOT, 60_000, 0, 0, b"".join(map(frames.pack_record, mixed)))
    node.publish(*gateway.seal("dat-1", topics.READINGS, frame))
    wait_for(lambda: covered(gateway, node) == {10, 11, 12, 13, 14})
    other.publish(*readings(gateway, 1, node="dat-2", field=fields.BATTERY))
    wait_for(lambda: covered(gateway, other, "dat-2") == {1})
    with gateway.reader() as reader:
        assert [(r.node, r.seq) for r in reader.readings_after(0, 99)] == [("dat-1", 10), ("dat-1", 14), ("dat-2", 1)]
        counters = dict(reader.counters())
    expected = {"bad_seal": 4, "oversized": 1, "bad_version": 1, "bad_length": 1, "raw_out_of_range": 1}
    expected |= {"unknown_field": 1, "unknown_channel": 1}
    assert {k.removeprefix("quarantine_"): n for k, n in counters.items() if "quarantine_" in k} == expected


@pytest.mark.parametrize(
    "offset_ms", [946_684_800_000, now_ms() + 10 * 365 * DAY_MS], ids=["2000-01-01", "in 10 years"]
)
def test_a_node_with_a_wrong_clock_loses_nothing_but_its_clock(gateway: GatewayHome, offset_ms: int) -> None:  # P12
    node = listening(gateway)
    node.publish(*hello(gateway))
    node.publish(*readings(gateway, 1, offset_ms=offset_ms, clock=fields.CLOCK_SNTP))
    wait_for(lambda: covered(gateway, node) == {1})
    with gateway.reader() as reader:
        (kept,) = reader.readings_after(0, 10)
        assert kept.time_q == fields.CLOCK_BY_GATEWAY and abs(now_ms() - 59_000 - kept.measured_ms) < 5000
        assert reader.counters()["quarantine_bad_clock"] == 1


def test_the_broker_may_die_and_come_back(gateway: GatewayHome) -> None:
    node = listening(gateway)
    node.deliver(*readings(gateway, 1))
    wait_for(lambda: covered(gateway, node) == {1})
    gateway.kill("broker")
    wait_for(lambda: "broker link down" in gateway.log("ingest"))
    links = gateway.log("ingest").count("broker link up")
    gateway.start_broker()
    wait_for(lambda: gateway.log("ingest").count("broker link up") == links + 1)
    again = listening(gateway)
    again.publish(*readings(gateway, 2))
    wait_for(lambda: covered(gateway, again) == {2})
    assert "Traceback" not in gateway.log("ingest")


def test_a_refused_subscription_is_told_and_tried_again_until_it_is_granted(tmp_path: Path) -> None:
    """The broker's own security plugin refuses what its access list would grant."""
    with GatewayHome(tmp_path / "home", broker=False) as gateway:
        conf = gateway.home.mosquitto_conf
        good = conf.read_text()
        line = next(row for row in (conf.parent / "passwd").read_text().splitlines() if row.startswith("gateway.ing"))
        user, _, hashed = line.partition(":")
        _, _, rounds, salt, password = hashed.split("$")
        rules = conf.parent / "rules.json"
        rules.write_text(json.dumps({
            "defaultACLAccess": {"publishClientSend": True, "publishClientReceive": True, "subscribe": False},
            "clients": [{"username": user, "password": password, "salt": salt, "iterations": int(rounds), "roles": []}],
            "groups": [], "roles": [],
        }))  # fmt: skip
        conf.write_text(
            "\n".join(row for row in good.splitlines() if not row.startswith(("acl_file", "password_file")))
            + f"\nplugin {PLUGIN}\nplugin_opt_config_file {rules}\n"
        )
        gateway.start_broker()
        gateway.start("ingest")
        wait_for(lambda: gateway.log("ingest").count("broker link down") >= 3)
        assert gateway.log("ingest").count("the broker refuses subscriptions") == 1
        assert "broker link up" not in gateway.log("ingest")
        gateway.kill("broker")
        conf.write_text(good)
        gateway.start_broker()
        wait_for(lambda: "broker link up" in gateway.log("ingest"))


def test_a_disk_that_takes_nothing_costs_time_and_no_reading(gateway: GatewayHome) -> None:  # P12
    node = listening(gateway)
    intruder = sqlite3.connect(gateway.home.data, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")  # the database cannot be written, as when the disk is full
    node.publish(*readings(gateway, 1, 2))
    wait_for(lambda: "nothing can be stored" in gateway.log("ingest"), 30)
    assert covered(gateway, node) == set()
    intruder.execute("ROLLBACK")
    intruder.close()
    with gateway.reader() as reader:
        wait_for(lambda: reader.last_id() == 2)  # the broker sent it again
        assert reader.counters()["readings_new"] == 2


def test_one_line_says_what_stops_the_process(tmp_path: Path) -> None:
    with GatewayHome(tmp_path / "home", broker=False) as gateway:
        gateway.start("ingest")
        wait_for(lambda: "no broker at 127.0.0.1" in gateway.log("ingest"))  # not an end: the broker may come later
        with gateway.reader() as reader:
            assert reader.last_id() == 0
        second = subprocess.run(
            [sys.executable, "-m", "gateway", "ingest", "--home", str(gateway.home.root)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        (line,) = second.stderr.splitlines()
        assert second.returncode == 1 and f"already being written by process {gateway.pid('ingest')}" in line


def test_a_second_gateway_on_one_home_is_refused_in_one_line(gateway: GatewayHome) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "gateway", "run", "--home", str(gateway.home.root)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert second.returncode == 1 and second.stderr.count("\n") == 1
    assert f"is already being written by process {gateway.pid('ingest')}: stop that gateway first" in second.stderr


def test_the_log_holds_no_secret(gateway: GatewayHome) -> None:  # P14
    node = listening(gateway)
    node.publish(*readings(gateway, 1))
    wait_for(lambda: covered(gateway, node) == {1})
    gateway.stop("ingest")
    log = gateway.log("ingest")
    for secret in gateway.secrets.nodes.values():
        assert secret.password not in log and secret.key.hex() not in log
    assert not any(password in log for password in gateway.secrets.mqtt.values())
    assert re.search(r"event=ingest .*new=1", log)
