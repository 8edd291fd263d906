"""kill -9 of ingest at any point: what was acknowledged is on the disk, and everything arrives exactly once."""

from __future__ import annotations

import random
from pathlib import Path

from kit.clock import real_sleep_s
from tests.net.test_ingest_process import covered, listening, readings
from tests.support.gateway_home import GatewayHome, wait_for

ROUNDS = 6
FRAMES = 120
PER_FRAME = 3


def test_kill_nine_loses_and_doubles_nothing(tmp_path: Path) -> None:  # P1 P2 P13
    """Each frame is published once only: after a kill it is the broker that sends again what we did not PUBACK."""
    chance = random.Random(7)
    with GatewayHome(tmp_path / "home") as gateway:
        node = listening(gateway)
        gateway.start_ingest()
        sent = 0
        for _ in range(ROUNDS):
            for _ in range(FRAMES):
                node.publish(*readings(gateway, *range(sent + 1, sent + 1 + PER_FRAME)))
                sent += PER_FRAME
            real_sleep_s(chance.uniform(0.0, 0.06))
            gateway.kill("ingest")
            acknowledged = covered(gateway, node)
            with gateway.reader() as reader:
                stored = {r.seq for r in reader.readings_after(0, 100_000)}
            assert acknowledged <= stored, "acknowledged before it was on the disk"
            gateway.start_ingest()
        wait_for(lambda: len(covered(gateway, node)) > 0)
        with gateway.reader() as reader:
            # ids have holes where a copy came, so rows are counted
            wait_for(lambda: sum(c.received for c in reader.completeness()) >= sent)
            seqs = [r.seq for r in reader.readings_after(0, 100_000)]
            assert sorted(seqs) == list(range(1, sent + 1))
            assert reader.completeness()[0].received == sent and reader.gaps("dat-1") == []


def test_what_the_broker_holds_while_ingest_is_down_arrives(tmp_path: Path) -> None:
    with GatewayHome(tmp_path / "home") as gateway:
        gateway.start_ingest()
        gateway.stop("ingest")  # the session stays at the broker
        node = listening(gateway)
        for seq in range(1, 601):  # more than the broker keeps in flight
            node.publish(*readings(gateway, seq))
        wait_for(lambda: len(node.published) == 600)
        gateway.start_ingest()
        wait_for(lambda: covered(gateway, node) == set(range(1, 601)))
        with gateway.reader() as reader:
            assert reader.last_id() == 600 and reader.counters()["readings_new"] == 600
