"""The node: what it does in one turn of its loop, and in which order.

Rules
1. Leases first, in every turn, whatever the link or the flash did in the last one, before each reading of a sensor,
   because a dead one takes its time, and while the hal waits for one that warms up (``hal.tend``). Then the watchdog,
   the readings, the journal, the link, and what is to be sent.
2. An output is switched at once and then journaled like any other reading. Before one goes on the hal is armed with
   the time at which the next lease ends: if this loop is not there then, the board switches everything off by itself.
   When it did, all leases are over and are told so, at the time of the board.
3. What is said to the gateway and heard from it is talk.py.
4. If anything raises that should not: outputs off, then reset. Nothing is guessed.
5. A node that has no volume works on in RAM, and starts again for another try RETRY_VOLUME_MS later, if nothing is on.
"""

from wire import commands, fields, frames

from . import lease, sampler, talk
from .version import FIRMWARE

IDLE_MS = 1_000
RETRY_VOLUME_MS = 6 * 3600 * 1000


class Node:
    """One node over its hal, its journal and its link."""

    def __init__(self, config: dict, hal, store, connection) -> None:
        self._hal = hal
        self._store = store
        self._link = connection
        self._model = config["model"]
        outputs = lease.outputs_of(config)
        self._nonce = talk.nonce_of(bytes.fromhex(config["key"]), store.boot_id, hal.random_bytes(16))
        self._leases = lease.Leases(outputs, store.boot_id, self._nonce)
        self.talk = talk.Talk(config, hal, store, connection, self)
        self._sampler = sampler.Sampler(config, self._read)
        self._armed_ms = None
        self._boot_cause = hal.boot_cause()
        hal.tend = self._tend
        for output in outputs:
            hal.set_output(output.index, False)

    def step(self) -> None:
        """One turn of the loop, with the rest at its end."""
        now_ms = self._tend()
        self._hal.feed()
        self._measure(now_ms)
        self.talk.listen()
        self.talk.send()
        self._rest()

    @property
    def boot_id(self) -> int:
        return self._store.boot_id

    def wants_restart(self) -> bool:
        """Whether to start again is worth a try, and harms nothing (rule 5): for volume, stuck radio, or a release."""
        without = self._store.volume == fields.VOLUME_NONE and self._hal.ticks_ms() > RETRY_VOLUME_MS
        return (without or self.talk.update or self._hal.stuck()) and self.idle()

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
            self._sampler.hurry(now_ms)
            rows.append(sampler.output_row(now_ms, index, on))
        self._arm()
        self._keep(rows)
        for receipt in self._leases.take_ended():
            self.talk.answer(receipt)

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
        if self._leases.mask():
            self._sampler.hurry(now_ms)
        rows = self._sampler.sample(now_ms)
        strange = self.talk.strange + self._link.foreign + self._link.skipped
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

    def now_ms(self) -> int:
        return self._hal.ticks_ms()

    def obey(self, command: commands.Command, retained: bool) -> None:
        """Judge a command whose seal was right, do it and answer it. First comes what the board did: it may
        have switched off what this would end or renew."""
        now_ms = self._tend()
        receipt = self._leases.command(command, retained, now_ms)
        if command.action == commands.OPEN and receipt.status == commands.ACCEPTED:
            self._hal.trace("lease %d %d" % (receipt.output, receipt.until_uptime_ms))
        self._switch(now_ms)
        self.talk.answer(receipt)

    def idle(self) -> bool:
        """Whether every output is off."""
        return not self._leases.mask()

    def hello(self) -> frames.Hello:
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

    def _rest(self) -> None:
        due_ms = self._sampler.due_ms()
        lease_ms = self._leases.due_ms()
        if lease_ms is not None:
            due_ms = min(due_ms, lease_ms)
        link_ms = min(IDLE_MS, self._link.wait_ms(self._hal.link_ms()))
        self._hal.wait(self._link.poller, link_ms, due_ms)
