"""One connection to the broker: TLS, a user, subscriptions; it comes back by itself, and nothing is acknowledged
before its owner says so.

Rules
1. One thread, no queue of our own: ``poll`` returns what has come in, and what is not read waits in the broker.
2. A message is acknowledged by ``acknowledge`` alone (``manual_ack``), and only on the connection that brought it: on
   a later one its number may belong to another message.
3. A lost or refused connection is tried again in real time, with a pause that doubles and is a little random.
4. A connection counts when the broker has granted every subscription. One that it refuses, or does not answer, would
   leave us deaf and looking well: it is told in one line, and the connection is a failed one.
5. ``publish`` says whether there was a connection; it promises nothing more.
"""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.core.village import Broker
from gateway.process import ProcessError
from kit import log
from kit.clock import real_mono_s, real_sleep_s

KEEPALIVE_S = 30
CONNECT_S = 5.0
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0


class Message(NamedTuple):
    topic: str
    payload: bytes
    mid: int
    qos: int
    connection: int


class Link:
    def __init__(
        self,
        broker: Broker,
        ca: Path,
        user: str,
        password: str,
        *,
        filters: Sequence[str] = (),
        persistent: bool = False,
    ) -> None:
        """``persistent``: the broker keeps what comes in for us while we are away."""
        self._broker = broker
        self._user = user
        self._filters = [(name, 1) for name in filters]
        self._inbox: list[Message] = []
        self._log = log.get(user=user)
        self._failures = 0
        self._due_s = 0.0
        self._granted_by_s: float | None = None  # until when the broker has time to grant the subscriptions
        self._refused = ""
        self._told_refused = False
        self._session_kept = False
        self.connected = False
        self.connection = 0
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=user,
            clean_session=not persistent,
            protocol=MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.username_pw_set(user, password)
        client.tls_set_context(_trusting(ca))
        client.connect_timeout = CONNECT_S
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    def poll(self, seconds: float) -> list[Message]:
        """What has come in; waits for it at most so long. Also keeps the connection up."""
        if self._client.socket() is None and not self._connect():
            real_sleep_s(max(0.0, min(seconds, self._due_s - real_mono_s())))
            return []
        if self._client.loop(seconds) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost("the connection ended")
        elif self._granted_by_s is not None and (self._refused or real_mono_s() > self._granted_by_s):
            self._end(self._refused or "the broker did not answer the subscriptions")
        inbox, self._inbox = self._inbox, []
        return inbox

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that it may forget the message."""
        if self.connected and message.connection == self.connection:
            self._client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: bytes, qos: int = 0) -> bool:
        """Hand a message to the broker; False when there is no connection."""
        if not self.connected:
            return False
        return self._client.publish(topic, payload, qos).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def drop(self) -> None:
        """End the connection; what was not acknowledged will come again on the next one."""
        self._end("dropped by us")

    def _end(self, why: str) -> None:
        self._client.disconnect()
        self._client.loop(0)
        self._lost(why)

    def close(self) -> None:
        """Say goodbye."""
        if self.connected:
            self._client.disconnect()
            self._client.loop(0.05)
        self.connected = False

    def _connect(self) -> bool:
        if real_mono_s() < self._due_s:
            return False
        try:
            self._client.connect(self._broker.host, self._broker.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self._lost(f"no broker at {self._broker.host}:{self._broker.port}: {error}")
            return False
        return True

    def _lost(self, why: str) -> None:
        self._inbox = []
        self.connected = False
        self._granted_by_s, self._refused = None, ""
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._failures, 20)) * random.uniform(0.7, 1.3)
        self._failures += 1
        self._due_s = real_mono_s() + pause_s
        self._log.warning("broker link down", why=why, again_in_s=round(pause_s, 2))

    def _on_connect(
        self, client: Client, _: object, flags: ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            self._log.error("the broker refuses us: provision again and restart it", reason=str(reason))
            return
        self.connected = True
        self.connection += 1
        self._session_kept = flags.session_present
        if self._filters:
            self._granted_by_s = real_mono_s() + CONNECT_S
            client.subscribe(self._filters)
        else:
            self._up()

    def _on_subscribe(
        self, _: Client, __: object, ___: int, reasons: list[ReasonCode], ____: Properties | None
    ) -> None:
        refused = [name for (name, _), reason in zip(self._filters, reasons, strict=False) if reason.is_failure]
        if not refused:
            self._granted_by_s = None
            self._up()
            return
        self._refused = "the broker refuses a subscription"
        if not self._told_refused:
            self._told_refused = True
            self._log.error("the broker refuses subscriptions: provision again and restart it", refused=refused)

    def _up(self) -> None:
        self._failures = 0
        self._told_refused = False
        self._log.info("broker link up", session_kept=self._session_kept)

    def _on_message(self, _: Client, __: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no topic of ours: it will be refused, and counted, as such
        self._inbox.append(Message(topic, bytes(message.payload), message.mid, message.qos, self.connection))


def _without_delay(_: Client, __: object, connection: object) -> None:
    """Send small messages at once: an answer would else wait 40 ms for the other side to confirm the PUBACK."""
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _trusting(ca: Path) -> ssl.SSLContext:
    """TLS that trusts the village's own authority and nobody else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(ca)
    except OSError as error:
        raise ProcessError(f"{ca}: cannot be read ({error}): run `python -m gateway provision`") from error
    return context
