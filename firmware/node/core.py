"""The node: what it does in one turn of its loop, and in which order.

Rules
1. Leases first, in every turn, whatever the link or the flash did in the last one, and before each reading of a
   sensor, because a dead one takes its time. Then the watchdog, the readings, the journal, the link, and what is to
   be sent.
2. An output is switched at once and then journaled like any other reading. Before one goes on the hal is armed with
   the time at which the next lease ends: if this loop is not there then, the board switches everything off by itself.
   When it did, all leases are over and are told so, at the time of the board.
3. Nothing is sent that is not stored. Receipts and hello are not stored: a receipt that got lost is asked for again
   by the gateway with the same command, and hello is said at each connection.
4. What comes down and is not for us, or not ours, is counted and dropped. It never ends the loop and is never answered:
   an answer is for who has the key.
5. The time of day comes with the gateway's acknowledgements. A time outside EARLIEST_MS..LATEST_MS, or of a gateway
   that does not know it either, is refused. An acknowledgement that was under way for long shows too early a clock, so
   of two that differ by less than CLOCK_STEP_MS the later clock is kept.
6. Readings and a hello that no acknowledgement answers within ACK_WAIT_MS (real time) are sent again. The broker may
   have taken them while the gateway had not subscribed yet; without a hello it cannot command this boot.
7. If anything raises that should not: outputs off, then reset. Nothing is guessed.
8. The nonce of a boot is a hash of the node's key, the stored boot counter and random bytes: before the radio is up
   a board's random numbers are weak, and a nonce that came again would let old commands pass.
9. A node that has no volume works on in RAM, and starts again for another try RETRY_VOLUME_MS later, if nothing is on.
"""

from hashlib import sha256

from wire import commands, fields, frames, topics
from wire.errors import WireError
from wire.seal import Sealer

from . import lease, link, sampler

FIRMWARE = "0.1.0"
EARLIEST_MS = 1_577_836_800_000  # 2020-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01
CLOCK_STEP_MS = 2_000
ACK_WAIT_MS = 10_000
MAX_RECEIPTS = 16
IDLE_MS = 1_000
RETRY_VOLUME_MS = 6 * 3600 * 1000


class Node:
    """One node over its hal, its journal and its link."""

    def __init__(self, config: dict, hal, store, connection) -> None:
        self._hal = hal
        self._store = store
        self._link = connection
        self._village, self._node = config["village"], config["node"]
        self._model = config["model"]
        key = bytes.fromhex(config["key"])
        self._sealer = Sealer(key)
        outputs = lease.outputs_of(config)
        self._nonce = nonce_of(key, store.boot_id, hal.random_bytes(16))
        self._leases = lease.Leases(outputs, store.boot_id, self._nonce)
        self._sampler = sampler.Sampler(config, self._read)
        self._armed_ms = None
        self._boot_cause = hal.boot_cause()
        self._hello_due = False
        self._hello_sent_ms = None  # since when a hello waits for its answer: the acknowledgement without ranges
        self._receipts = []
        self._progress_ms = 0
        self._strange = 0
        for output in outputs:
            hal.set_output(output.index, False)

    def step(self) -> None:
        """One turn of the loop, with the rest at its end."""
        now_ms = self._tend()
        self._hal.feed()
        self._measure(now_ms)
        self._listen()
        self._send()
        self._rest()

    @property
    def boot_id(self) -> int:
        return self._store.boot_id

    def wants_restart(self) -> bool:
        """Whether to start again is worth a try, and harms nothing (rule 9)."""
        without = self._store.volume == fields.VOLUME_NONE
        return without and not self._leases.mask() and self._hal.ticks_ms() > RETRY_VOLUME_MS

    def _tend(self) -> int:
        """Look after the leases; the time of it."""
        now_ms = self._hal.ticks_ms()
        fired_ms = self._hal.fired()
        if fired_ms is not None:
            self._leases.cut(fired_ms)
            self._switch(fired_ms)
        self._leases.tick(now_ms)
        self._switch(now_ms)
        return now_ms

    def _switch(self, now_ms: int) -> None:
        rows = []
        for index, on in self._leases.take_changes():
            if on:
                self._arm()
            self._hal.set_output(index, on)
            rows.append(sampler.output_row(now_ms, index, on))
        self._arm()
        self._keep(rows)
        for receipt in self._leases.take_ended():
            self._answer(receipt)

    def _arm(self) -> None:
        due_ms = self._leases.due_ms()
        if due_ms != self._armed_ms:
            self._armed_ms = due_ms
            self._hal.arm(due_ms)

    def _read(self, sensor: dict) -> int | None:
        self._tend()
        return self._hal.read_raw(sensor)

    def _measure(self, now_ms: int) -> None:
        if now_ms < self._sampler.due_ms():
            return
        if not self._hal.measuring():
            self._sampler.skip(now_ms)
            return
        rows = self._sampler.sample(now_ms)
        strange = self._strange + self._link.foreign + self._link.skipped
        counters = {
            fields.REFUSED_COMMANDS: self._leases.refused + strange,
            fields.DROPPED_READINGS: self._store.dropped,
            fields.VOLUME: self._store.volume,
        }
        self._keep(rows + self._sampler.health(now_ms, self._heap_free, self._hal.rssi, counters))

    def _heap_free(self) -> int:
        free = self._hal.heap_free()
        self._hal.trace("heap %d" % free)
        return free

    def _keep(self, rows: list) -> None:
        stored = self._store.append(rows) if rows else None
        if stored is not None:
            self._hal.trace("stored %d %d %d" % (self._store.boot_id, stored[0], stored[1]))

    def _listen(self) -> None:
        for event in self._link.step(self._hal.link_ms()):
            if event[0] == link.CONNECTED:
                self._hello_due = True
                self._store.forget_flight()
            elif event[0] == link.LOST:
                self._store.forget_flight()
            else:
                self._take(event[1], event[2], event[3])

    def _take(self, kind: str, payload: bytes, retained: bool) -> None:
        now_ms = self._hal.ticks_ms()
        try:
            topic = topics.topic(self._village, self._node, topics.DOWN, kind)
            frame = self._sealer.unseal(topic, payload)
            if kind == topics.COMMAND:
                self._obey(commands.decode_command(frame), retained, now_ms)
            else:
                self._forget(frames.decode_ack(frame), now_ms)
        except WireError:
            self._strange += 1

    def _obey(self, command: commands.Command, retained: bool, now_ms: int) -> None:
        receipt = self._leases.command(command, retained, now_ms)
        if command.action == commands.OPEN and receipt.status == commands.ACCEPTED:
            self._hal.trace("lease %d %d" % (receipt.output, receipt.until_uptime_ms))
        self._switch(now_ms)
        self._answer(receipt)

    def _forget(self, ack: frames.Ack, now_ms: int) -> None:
        if ack.boot_id == self._store.boot_id and not ack.ranges:
            self._hello_sent_ms = None
        if self._store.acknowledge(ack.boot_id, ack.ranges):
            self._progress_ms = self._hal.link_ms()
        quality = min(ack.clock_quality, fields.CLOCK_GATEWAY)
        if quality == fields.CLOCK_NONE or not EARLIEST_MS <= ack.now_ms < LATEST_MS:
            return
        offset_ms = ack.now_ms - now_ms
        known_ms, known_quality = self._store.clock
        if quality < known_quality or (quality == known_quality and 0 <= known_ms - offset_ms < CLOCK_STEP_MS):
            return
        self._store.set_clock(offset_ms, quality)

    def _answer(self, receipt: commands.Receipt) -> None:
        if len(self._receipts) >= MAX_RECEIPTS:
            self._receipts.pop(0)  # the older one: the gateway asks again for what it misses
        self._receipts.append(receipt)

    def _send(self) -> None:
        link_ms = self._hal.link_ms()
        if self._hello_sent_ms is not None and link_ms - self._hello_sent_ms > ACK_WAIT_MS:
            self._hello_due = True
        if self._hello_due and self._publish(topics.HELLO, frames.encode_hello(self._hello())):
            self._hello_due = False
            self._hello_sent_ms = link_ms
        while self._receipts and self._publish(topics.RECEIPT, commands.encode_receipt(self._receipts[0])):
            self._receipts.pop(0)
        if self._store.in_flight() and link_ms - self._progress_ms > ACK_WAIT_MS:
            self._store.forget_flight()
        # One place stays free, so that a receipt never waits for readings.
        while not self._hello_due and self._link.room > 1:
            found = self._store.next_frame(self._hal.ticks_ms())
            if found is None or not self._publish(topics.READINGS, found[0]):
                return
            if not self._store.in_flight():
                self._progress_ms = link_ms
            self._store.sent(found[1])

    def _hello(self) -> frames.Hello:
        return frames.Hello(
            self._store.boot_id,
            self._nonce,
            self._hal.ticks_ms(),
            self._store.next_seq,
            self._boot_cause,
            self._leases.mask(),
            self._hal.heap_free(),
            FIRMWARE,
            self._model,
        )

    def _publish(self, kind: str, frame: bytes) -> bool:
        if not self._link.room:
            return False
        topic = topics.topic(self._village, self._node, topics.UP, kind)
        return self._link.publish(kind, self._sealer.seal(topic, frame))

    def _rest(self) -> None:
        due_ms = self._sampler.due_ms()
        lease_ms = self._leases.due_ms()
        if lease_ms is not None:
            due_ms = min(due_ms, lease_ms)
        link_ms = min(IDLE_MS, self._link.wait_ms(self._hal.link_ms()))
        self._hal.wait(self._link.poller, link_ms, due_ms)


def nonce_of(key: bytes, boot_id: int, drawn: bytes) -> bytes:
    """The nonce of a boot (rule 8)."""
    return sha256(key + boot_id.to_bytes(4, "big") + drawn).digest()[: frames.NONCE_BYTES]
