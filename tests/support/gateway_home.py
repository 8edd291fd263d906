"""A provisioned gateway in a test's own folder, its real Mosquitto, its ingest process, and users of its broker.

with GatewayHome(tmp_path) as gateway:              # provisioned, and the broker runs
    gateway.start("ingest")                         # a real process; killed at the end at the latest
    node = gateway.node("dat-1")                    # a connected client with the node's own credentials
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway import secrets
from gateway.home import Home
from gateway.mqtt import users
from gateway.provision import provision
from gateway.store.data import DataReader
from kit.clock import real_mono_s, real_sleep_s
from tests.support import village
from tests.support.ports import free_port
from wire import frames, topics
from wire.seal import Sealer

REPOSITORY = Path(__file__).resolve().parents[2]
WAIT_S = 15.0


def wait_for(what: Callable[[], Any], seconds: float = WAIT_S) -> Any:
    """The first true value of ``what``."""
    deadline_s = real_mono_s() + seconds
    while not (found := what()):
        assert real_mono_s() < deadline_s, f"not within {seconds} s"
        real_sleep_s(0.02)
    return found


LISTENS = "the broker has passed on all that it kept"


class Peer:
    """A client of the broker, with its own thread; keeps what it receives."""

    def __init__(
        self,
        gateway: GatewayHome,
        user: str,
        password: str,
        *,
        client_id: str = "",
        protocol: MQTTProtocolVersion = MQTTv311,
        will: tuple[str, bytes] | None = None,
    ) -> None:
        self.received: list[MQTTMessage] = []
        self.published: dict[int, str] = {}
        self.granted: list[str] = []
        self.refused = ""
        self.disconnected = threading.Event()
        self._connected = threading.Event()
        self._subscribed = threading.Event()
        kept = {} if protocol == MQTTv5 else {"clean_session": True}
        client = PahoClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or user,
            protocol=protocol,
            reconnect_on_failure=False,
            **kept,  # type: ignore[arg-type]
        )
        client.username_pw_set(user, password)
        client.tls_set_context(ssl.create_default_context(cafile=str(gateway.home.ca)))
        client.on_connect = self._on_connect
        client.on_message = lambda _, __, message: self.received.append(message)
        client.on_publish = lambda _, __, mid, reason, ___: self.published.update({mid: str(reason)})
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        if will is not None:
            client.will_set(will[0], will[1], qos=1)
        self.client = client
        client.connect("127.0.0.1", gateway.broker_port, 30)
        client.loop_start()
        assert self._connected.wait(WAIT_S), "the broker did not answer"

    def _on_connect(self, _: PahoClient, __: object, ___: object, reason: Any, ____: object) -> None:
        self.refused = str(reason) if reason.is_failure else ""
        self._connected.set()

    def _on_disconnect(self, *_: object) -> None:
        if not self._connected.is_set():
            self.refused = "dropped"
        self._connected.set()
        self.disconnected.set()

    def _on_subscribe(self, _: PahoClient, __: object, ___: int, reasons: list[Any], ____: object) -> None:
        self.granted = [str(reason) for reason in reasons]
        self._subscribed.set()

    def subscribe(self, *filters: str) -> None:
        self._subscribed.clear()
        self.client.subscribe([(name, 1) for name in filters])
        assert self._subscribed.wait(WAIT_S), "no SUBACK"

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Publish with QoS 1; its number."""
        return self.client.publish(topic, payload, qos=1, retain=retain).mid

    def deliver(self, topic: str, payload: bytes) -> str:
        """Publish with QoS 1 and wait for the broker's answer, which is returned."""
        mid = self.publish(topic, payload)
        reason: str = wait_for(lambda: self.published.get(mid))
        return reason

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self) -> None:
        """Lose the connection without a goodbye, so that the broker sends the will."""
        found = self.client.socket()
        assert isinstance(found, socket.socket)
        found.shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()


class GatewayHome:
    """See the head of the module."""

    def __init__(self, folder: Path, *, broker: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.broker_port, self.web_port = free_port(), free_port()
        self.home = Home(folder)
        self.home.registry.write_text(
            village.text(broker_port=self.broker_port, web_port=self.web_port), encoding="utf-8"
        )
        self.village = provision(self.home)
        self.secrets = secrets.load(self.home.secrets, self.village.nodes)
        self._with_broker = broker
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._peers: list[Peer] = []

    def __enter__(self) -> GatewayHome:
        if self._with_broker:
            self.start_broker()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_peers()
        for name in list(self._running):
            self.kill(name)

    def start_broker(self) -> None:
        self._spawn("broker", ["mosquitto", "-c", str(self.home.mosquitto_conf)], {})
        wait_for(lambda: self._accepts() or self._ended("broker"))
        assert not self._ended("broker"), self.log("broker")

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.broker_port), timeout=0.2).close()
        except OSError:
            return False
        return True

    def start(self, process: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a process of the gateway."""
        argv = [sys.executable, "-m", "gateway", process, "--home", str(self.home.root)]
        self._spawn(process, argv, environment or {})

    def start_ingest(self, environment: Mapping[str, str] | None = None) -> None:
        """Start ingest and wait until it hears the nodes at once."""
        before = self.log("ingest").count(LISTENS)
        self.start("ingest", environment)
        wait_for(lambda: self.log("ingest").count(LISTENS) > before or self._ended("ingest"))
        assert not self._ended("ingest"), self.log("ingest")

    def _spawn(self, name: str, argv: list[str], environment: Mapping[str, str]) -> None:
        with self._log_file(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                argv, cwd=REPOSITORY, env={**os.environ, **environment}, stdout=log, stderr=log
            )

    def _ended(self, name: str) -> bool:
        return self._running[name].poll() is not None

    def _log_file(self, name: str) -> Path:
        return self.home.root / f"{name}.log"

    def log(self, name: str) -> str:
        return self._log_file(name).read_text(errors="replace") if self._log_file(name).exists() else ""

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL."""
        process = self._running.pop(name)
        process.kill()
        process.wait(5)

    def stop(self, name: str) -> int:
        """SIGTERM; the exit code."""
        process = self._running.pop(name)
        process.terminate()
        return process.wait(10)

    def reader(self) -> DataReader:
        return DataReader(self.home.data)

    def peer(self, user: str, **options: Any) -> Peer:
        """A client with the user's own password."""
        password = options.pop("password", users.passwords(self.secrets).get(user, ""))
        peer = Peer(self, user, password, **options)
        self._peers.append(peer)
        return peer

    def close_peers(self) -> None:
        while self._peers:
            self._peers.pop().close()

    def topic(self, node: str, kind: str) -> str:
        direction = topics.UP if kind in topics.UP_KINDS else topics.DOWN
        return topics.topic(self.village.id, node, direction, kind)

    def seal(self, node: str, kind: str, frame: bytes) -> tuple[str, bytes]:
        """(topic, payload) of a frame, sealed with the node's key."""
        topic = self.topic(node, kind)
        return topic, Sealer(self.secrets.nodes[node].key).seal(topic, frame)

    def acks(self, node: str, peer: Peer) -> list[frames.Ack]:
        """The acknowledgements that a node has received."""
        sealer, topic = Sealer(self.secrets.nodes[node].key), self.topic(node, topics.ACK)
        return [
            frames.decode_ack(sealer.unseal(topic, bytes(m.payload))) for m in list(peer.received) if m.topic == topic
        ]


def now_ms() -> int:
    """The wall clock, as the processes under test see it."""
    return time.time_ns() // 1_000_000
