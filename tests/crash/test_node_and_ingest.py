"""A real MicroPython node and the real ingest, each killed while the other runs: nothing lost, nothing doubled."""

from __future__ import annotations

import json
from pathlib import Path

from kit.clock import real_sleep_s
from tests.support.field_server import FieldServer
from tests.support.gateway_home import GatewayHome, wait_for
from tests.support.node_process import NodeProcess
from wire import fields


def test_kills_on_both_sides_lose_and_double_nothing(tmp_path: Path) -> None:  # P1 P2
    with GatewayHome(tmp_path / "home") as gateway, FieldServer() as field:
        field.raw[fields.SOIL_MOISTURE, 0] = 2_000_000
        field.raw[fields.SOIL_MOISTURE, 1] = 1_900_000
        field.raw[fields.SOIL_TEMPERATURE, 0] = 2_650
        config = json.loads((gateway.home.nodes / "dat-1.json").read_text(encoding="utf-8"))
        for sensor in config["sensors"]:
            sensor.update(every_s=1, reads=1)
        gateway.start_ingest()
        node = NodeProcess(tmp_path / "node", config, field.port).start()
        try:
            with gateway.reader() as reader:
                wait_for(lambda: reader.last_id() >= 6)
                gateway.kill("ingest")
                real_sleep_s(1.5)
                gateway.start_ingest()
                node.kill()
                node.start()
                wait_for(lambda: len({r.boot for r in reader.readings_after(0, 10_000)}) == 2)
                gateway.kill("broker")
                real_sleep_s(1.0)
                gateway.start_broker()
                count = reader.last_id()
                wait_for(lambda: reader.last_id() >= count + 6, 30)
                field.measuring = False
                wait_for(lambda: {(r.boot, r.seq) for r in reader.readings_after(0, 10_000)} >= field.stored())
                rows = reader.readings_after(0, 10_000)
                assert sorted((r.boot, r.seq) for r in rows) == sorted(field.stored())
                assert reader.gaps("dat-1") == [] and reader.counters().get("quarantine_conflict", 0) == 0
                assert {r.value for r in rows if r.field == fields.SOIL_MOISTURE and r.channel == 0} == {2500}
                assert all(r.time_q >= fields.CLOCK_GATEWAY for r in rows)
                assert all(0 <= r.received_ms - r.measured_ms < 30_000 for r in rows)
        finally:
            node.kill()
