"""A broken probe, from the node's flash to the cloud: what it said is kept everywhere, and takes nothing with it."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.provision import provision
from tests.support.cloud import CloudProcess
from tests.support.field_server import FieldServer
from tests.support.gateway_home import GatewayHome, wait_for
from tests.support.node_process import NodeProcess
from wire import fields

SHORTED, TORN_OFF = -5_000, 0
SOIL = fields.field(fields.SOIL_MOISTURE)


def test_node_gateway_and_cloud_keep_the_same_readings(tmp_path: Path) -> None:  # P2 P5
    database = f"sqlite:///{tmp_path}/ledger.db"
    with CloudProcess(database) as cloud, GatewayHome(tmp_path / "home") as gateway, FieldServer() as field:
        village = gateway.village.id
        registry = gateway.home.registry
        registry.write_text(f'{registry.read_text()}\n[cloud]\nurl = "{cloud.url}"\n')
        provision(gateway.home, cloud.tenant(village))
        field.raw[fields.SOIL_MOISTURE, 0] = 2_000_000
        field.raw[fields.SOIL_MOISTURE, 1] = SHORTED
        assert (fields.SOIL_TEMPERATURE, 0) not in field.raw  # nothing answers
        config = json.loads((gateway.home.nodes / "dat-1.json").read_text(encoding="utf-8"))
        for sensor in config["sensors"]:
            sensor.update(every_s=1, reads=1)
        gateway.start_ingest()
        with NodeProcess(tmp_path / "node", config, field.port), gateway.reader() as reader:
            wait_for(lambda: reader.last_id() >= 12)
            field.measuring = False
            wait_for(lambda: {(r.boot, r.seq) for r in reader.readings_after(0, 10_000)} >= field.stored())
            measured = sorted(field.stored())
            rows = reader.readings_after(0, 10_000)
        gateway.start("uplink")
        wait_for(lambda: len(cloud.csv(village)) >= len(rows))
        lines = cloud.csv(village)
    assert sorted((r.boot, r.seq) for r in rows) == measured
    assert sorted((int(line[2]), int(line[3])) for line in lines) == measured
    told = {(line[4], line[5], line[10], line[11], line[12]) for line in lines}
    assert ("soil_moisture", "0", "2000000", "0.2500", "1") in told
    assert (SOIL.name, "1", str(SHORTED), "", str(fields.FAIL)) in told
    assert ("soil_temperature", "0", str(TORN_OFF), "", str(fields.MISSING)) in told
