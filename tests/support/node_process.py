"""A whole node for a test: the built bytecode in real MicroPython with an ESP32's heap, and a gateway's end to it.

    with Gateway(broker) as gateway, NodeProcess(folder, broker, field.port) as node:
        gateway.readings, gateway.hellos, gateway.receipts; gateway.command(…); node.kill(); node.start()

Rules: the gateway here is a paho client that acknowledges what it keeps, as the real one does after its COMMIT; with
``acknowledging`` False it is a gateway that is away though the broker is not.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage

from cli.firmware_build import build
from tests.support.broker import Broker
from tests.support.mp import HEAP, MICROPYTHON, REPOSITORY
from wire import commands, fields, frames, topics
from wire.errors import WireError
from wire.seal import Sealer

VILLAGE, NODE = "v1", "valve-1"
KEY = bytes(range(32))
USERS = {NODE: "node-password", "gateway": "gateway-password"}
ACL = {NODE: topics.node_acl(VILLAGE, NODE), "gateway": topics.gateway_acl(VILLAGE)}
SENSORS = [{"field": 1, "channel": 0, "every_s": 1, "reads": 1}, {"field": 2, "channel": 0, "every_s": 1, "reads": 1}]
OUTPUTS = [
    {"index": 0, "kind": "valve", "hard_max_s": 20, "min_rest_s": 0},
    {"index": 1, "kind": "pump", "hard_max_s": 20, "min_rest_s": 0},
]


def wait_for(what: Callable[[], Any], seconds: float = 15.0) -> Any:
    """The first true value of ``what``."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return found


def node_config(broker: Broker, **changes: Any) -> dict[str, Any]:
    """A config as provisioning writes it."""
    config = {
        "village": VILLAGE,
        "node": NODE,
        "key": KEY.hex(),
        "model": "valve",
        "name": "Van thử",
        "broker": {
            "host": broker.host,
            "port": broker.port,
            "server_name": broker.server_name,
            "user": NODE,
            "password": USERS[NODE],
            "ca_pem": broker.authority.pem.decode(),
        },
        "sensors": SENSORS,
        "outputs": OUTPUTS,
        "keepalive_s": 15,
    }
    return {**config, **changes}


class NodeProcess:
    """One node; its flash outlives ``kill``."""

    def __init__(
        self,
        folder: Path,
        config: dict[str, Any],
        field_port: int,
        clock_file: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.flash = folder / "flash"
        self._config = folder / "node.json"
        self._config.write_text(json.dumps(config), encoding="utf-8")
        self._log = folder / "node.log"
        self._environment = {
            "MICROPYPATH": f"{REPOSITORY / 'simulators' / 'node_hal'}:{build()}:.frozen",
            "HOIQUAN_NODE_CONFIG": str(self._config),
            "HOIQUAN_NODE_FLASH": str(self.flash),
            "HOIQUAN_FIELD": f"127.0.0.1:{field_port}",
            "PATH": "/usr/bin:/bin",
            **(environment or {}),
        }
        if clock_file is not None:
            self._environment["HOIQUAN_CLOCK"] = str(clock_file)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, code: str | None = None) -> NodeProcess:
        """Run the node's main, or other code in the same surroundings."""
        what = ["-m", "main"] if code is None else ["-c", code]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(MICROPYTHON), "-X", f"heapsize={HEAP}", *what],
                cwd=self.flash.parent,
                env=self._environment,
                stdout=log,
                stderr=log,
                umask=0o077,  # a board's flash has one reader
            )
        return self

    def kill(self) -> None:
        """SIGKILL: the power is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def exit_code(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def __enter__(self) -> NodeProcess:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class Gateway:
    """The other end of the line: keeps, acknowledges, commands."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._sealer = Sealer(KEY)
        self._lock = threading.Lock()
        self.acknowledging = True
        self.readings: dict[tuple[int, int], tuple[int, ...]] = {}
        self.frames: list[frames.Readings] = []
        self.hellos: list[frames.Hello] = []
        self.receipts: list[commands.Receipt] = []
        self.gone: list[int] = []
        self.bad: list[str] = []
        self.counter = 0
        self.opens: dict[int, list[float]] = {}  # output -> when each OPEN for it was made, monotonic
        self.client: Client | None = None

    def __enter__(self) -> Gateway:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def connect(self) -> None:
        client = self._broker.client("gateway")
        ready = threading.Event()
        client.on_message = self._take
        filters = [(name, 1) for access, name in ACL["gateway"] if access == "read"]
        client.on_connect = lambda c, *_: c.subscribe(filters)
        client.on_subscribe = lambda *_: ready.set()
        client.connect(self._broker.host, self._broker.port)
        client.loop_start()
        assert ready.wait(10)
        self.client = client

    def disconnect(self) -> None:
        if self.client is not None:
            self.client.disconnect()
            self.client.loop_stop()
            self.client = None

    def send(self, kind: str, frame: bytes, retain: bool = False, sealer: Sealer | None = None) -> None:
        assert self.client is not None
        topic = topics.topic(VILLAGE, NODE, topics.DOWN, kind)
        sealed = (sealer or self._sealer).seal(topic, frame)
        self.client.publish(topic, sealed, qos=1, retain=retain).wait_for_publish(5)

    def command(self, action: int, output: int = 0, duration_ms: int = 0, **changes: Any) -> commands.Command:
        """A command for the present boot; ``changes`` are fields of it that a test wants otherwise."""
        hello = self.hellos[-1]
        self.counter += 1
        if action == commands.OPEN:
            self.opens.setdefault(output, []).append(time.monotonic())
        if action in (commands.CLOSE_ALL, commands.QUERY):
            output = commands.NO_OUTPUT
        given = {
            "counter": self.counter,
            "nonce": hello.nonce,
            "action": action,
            "output": output,
            "duration_ms": duration_ms,
            "expires_uptime_ms": 2**40,
            **changes,
        }
        return commands.Command(**given)

    def order(self, command: commands.Command, retain: bool = False) -> commands.Receipt:
        """Send a command and wait for its receipt."""
        known = len(self.receipts)
        self.send(topics.COMMAND, commands.encode_command(command), retain)

        def answers() -> list[commands.Receipt]:
            new = self.receipts[known:]
            return [r for r in new if r.counter == command.counter and r.status < commands.ENDED_LEASE]

        found: commands.Receipt = wait_for(answers)[0]
        return found

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        kind = topics.parse(message.topic)[3]
        try:
            frame = self._sealer.unseal(message.topic, bytes(message.payload))
            if kind == topics.READINGS:
                self._keep(frames.decode_readings(frame))
            elif kind == topics.HELLO:
                hello = frames.decode_hello(frame)
                self.hellos.append(hello)
                self._acknowledge(hello.boot_id, [])
            elif kind == topics.RECEIPT:
                self.receipts.append(commands.decode_receipt(frame))
            else:
                self.gone.append(frames.decode_gone(frame))
        except WireError as error:
            self.bad.append(f"{kind}: {error.code}")

    def _keep(self, got: frames.Readings) -> None:
        self.frames.append(got)
        if self.acknowledging:
            for record in got.records:
                self.readings[got.boot_id, record[0]] = record
            self._acknowledge(got.boot_id, frames.ranges_of([record[0] for record in got.records]))

    def _acknowledge(self, boot_id: int, ranges: list[tuple[int, int]]) -> None:
        assert self.client is not None
        topic = topics.topic(VILLAGE, NODE, topics.DOWN, topics.ACK)
        frame = frames.encode_ack(boot_id, time.time_ns() // 1_000_000, fields.CLOCK_SNTP, ranges)
        self.client.publish(topic, self._sealer.seal(topic, frame), qos=1)
