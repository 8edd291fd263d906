"""A technician's path as a new user goes it: build, sign, flash, calibrate, update, break the update, see it back.

Everything is the real thing but the chip: command line, broker, gateway processes, MicroPython with a node's heap.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from cli import firmware, firmware_flash
from gateway.__main__ import main
from gateway.status import status
from gateway.store.update import UpdateReader
from kit.clock import SystemClock
from tests.support import releases
from tests.support.field_server import FieldServer
from tests.support.gateway_home import GatewayHome
from tests.support.slot_node import SlotNode, live_until
from tests.support.waiting import eventually
from wire import fields, updates

NODE = "dat-2"
DRY_UV, WET_UV = 2_600_000, 1_000_000  # what the technician reads with the probe in the two pots
BROKEN = b"def run(hal):\n    raise ValueError('0.3.0 was never tried')\n"
SENSORS = [{"field": fields.SOIL_MOISTURE, "channel": 0, "every_s": 1, "reads": 1}]


def run(*words: str | Path) -> None:
    assert firmware.main([str(word) for word in words]) == 0


def test_a_technician_builds_flashes_calibrates_updates_and_sees_a_bad_update_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, bundles = tmp_path / "keys", tmp_path / "bundles"
    monkeypatch.setattr(firmware_flash, "STAGING", tmp_path / "staging")
    run("key", "--folder", keys)
    for version in ("0.1.0", "0.2.0"):
        run("build", "--version", version, "--out", bundles / version)
        run("sign", "--key", keys / "maker.key", bundles / version)

    with GatewayHome(tmp_path / "home") as gateway, FieldServer() as field:
        home = gateway.home
        gateway.start("update")
        gateway.start_ingest()
        eventually(lambda: "broker link up" in gateway.log("update"))
        run("flash", "--home", home.root, "--node", NODE, "--model", "soil", "--dry-run",
            "--public-key", keys / "maker.pub", bundles / "0.1.0")  # fmt: skip
        node = SlotNode.flashed(tmp_path / "node", tmp_path / "staging" / NODE, field.port, SENSORS)
        try:
            # two pots: what the sensor says in each, and what is known of it; ingest is started again
            for raw, value in ((DRY_UV, "0.05"), (WET_UV, "0.45")):
                raw_of(gateway, field, node, raw)
                live_until(partial(calibrated, gateway, value), node)
            assert "id = 3" in home.registry.read_text(encoding="utf-8"), "the calibration before is kept"
            gateway.stop("ingest")
            gateway.start_ingest()
            raw_of(gateway, field, node, (DRY_UV + WET_UV) // 2)
            with gateway.reader() as data:
                newest = data.latest()[NODE, fields.SOIL_MOISTURE, 0]
            assert newest.value == 2500, "half way between the two pots is 0.25"

            run("release", "--home", home.root, "--key", keys / "maker.pub", bundles / "0.2.0")
            live_until(lambda: last(gateway) == (updates.HEALTHY, "0.2.0"), node)
            told = status(home, SystemClock(), every=True).lines
            assert any("0.2.0" in line and "tốt/good" in line for line in told)

            changed = {"node/start.mpy": releases.compiled(BROKEN)}
            made = releases.whole(tmp_path / "broken", "0.3.0", changed, built=bundles / "0.2.0")
            run("sign", "--key", keys / "maker.key", made.folder)
            run("release", "--home", home.root, made.folder)
            live_until(lambda: last(gateway)[0] == updates.ROLLED_BACK, node)
            live_until(lambda: any("0.3.0" in problem for problem in status(home, SystemClock()).problems), node)
            assert last(gateway)[1] == "0.2.0", "it runs what ran before"
            report = status(home, SystemClock())
            assert any("rolled_back" in line and NODE in line for line in [*report.lines, *report.problems])
            live_until(lambda: last(gateway) == (updates.HEALTHY, "0.2.0"), node)
        finally:
            node.kill()


def raw_of(gateway: GatewayHome, field: FieldServer, node: SlotNode, raw: int) -> int:
    """Put the probe into something, and read what the gateway got of it."""
    field.raw[fields.SOIL_MOISTURE, 0] = raw

    def newest() -> int | None:
        with gateway.reader() as data:
            found = data.latest().get((NODE, fields.SOIL_MOISTURE, 0))
        return found.raw if found is not None and found.raw == raw else None

    got: int = live_until(newest, node)
    return got


def calibrated(gateway: GatewayHome, value: str) -> bool:
    """Whether the technician's point was taken: the probe must have settled."""
    return main(["calibrate", "--home", str(gateway.home.root), NODE, "soil_moisture", "--now", value]) == 0


def last(gateway: GatewayHome) -> tuple[int, str]:
    with UpdateReader(gateway.home.update) as reader:
        found = reader.reports().get(NODE)
    return (0, "") if found is None else (found.status, found.firmware)
