"""A cabinet with rules of its own as a process: a pump without water is off, and the gateway is told why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.field_server import FieldServer
from tests.support.node_process import ACL, USERS, Gateway, NodeProcess, node_config, wait_for
from wire import commands, fields

FLOW = {"field": fields.FLOW, "channel": 0, "every_s": 1, "reads": 1}
LOCAL = {
    "confirm": {"output": 1, "sensor": {"field": fields.FLOW, "channel": 0}, "min": 2_000, "dry_s": 4, "every_s": 1},
    "min_run_s": 5,
}


@pytest.mark.alone
def test_a_dry_pump_is_off_in_time_and_told_with_its_reason(tmp_path: Path) -> None:  # P3
    with Broker(tmp_path / "broker", USERS, ACL) as broker, FieldServer() as field, Gateway(broker) as gateway:
        field.raw.update({(fields.FLOW, 0): 9_000})
        node = NodeProcess(tmp_path / "node", node_config(broker, sensors=[FLOW], local=LOCAL), field.port)
        with node:
            wait_for(lambda: gateway.hellos)
            for output in (0, 1):
                short = gateway.order(gateway.command(commands.OPEN, output, 4_000))
                assert short.status == commands.NO_DURATION
            for output in (0, 1):
                assert gateway.order(gateway.command(commands.OPEN, output, 20_000)).status == commands.ACCEPTED
            wait_for(lambda: len(field.switched) >= 2 and all(field.outputs.get(n) for n in (0, 1)))
            field.raw[fields.FLOW, 0] = 0
            off = wait_for(lambda: [r for r in gateway.readings.values() if r[5] == fields.FAULT_DRY_RUN][1:])
            on = [r for r in gateway.readings.values() if r[2] == fields.OUTPUT and r[6] == 1]
            assert {r[3] for r in on} == {0, 1} and not any(field.outputs.values())
            dry = [r for r in gateway.readings.values() if r[2] == fields.FLOW and r[6] == 0]
            # the meter is also read for itself, so its first zero is when the water was gone
            assert off[0][1] - min(r[1] for r in dry) <= 4_000 + 250
            assert gateway.order(gateway.command(commands.OPEN, 0, 20_000)).status == commands.ACCEPTED
            assert gateway.order(gateway.command(commands.OPEN, 1, 20_000)).status == commands.RESTING
            assert node.exit_code() is None
