"""The program of a node that loads a release, and of one in rescue: network and update only, outputs off.

Rules
1. No lease, no sensor, no journal: the data volume is not even mounted. So an update has the whole heap, and nothing
   that it does can move an output or lose a reading.
2. One question at a time, asked again after ANSWER_MS. When nothing came for QUIET_S the node goes back to its
   program and keeps what it has; the gateway offers again. In rescue it goes on for RESCUE_MS, then tries its slots
   once more.
3. Whatever comes of it is reported, and the report is given REPORT_MS to leave.
4. What comes down and is not ours is dropped; an offer is taken in rescue only.
"""

import gc
import sys

import loader
import safe
from node import broker, link

from wire import topics, updates
from wire.errors import WireError
from wire.seal import Sealer

from . import transfer
from .report import reason, report

ANSWER_MS = 4_000
QUIET_S = 60
RESCUE_MS = 1_800_000
REPORT_MS = 3_000
IDLE_MS = 500
KEY_FILE = "/maker.pub"


def run(hal) -> None:
    """Load what is wished for, and start again; never returns but on a simulator that stops."""
    try:
        session = Session(hal)
        gc.collect()
        while not hal.stopping() and not session.over:
            session.step()
        hal.restart()
    except Exception as error:  # noqa: BLE001 - as in node/start.py: outputs off, then reset
        hal.outputs_off()
        safe.keep_reason(repr(error))
        hal.trace("error %s" % repr(error)[:100])
        hal.reset(repr(error))
    finally:
        hal.outputs_off()


class Session:
    """One life of this program."""

    def __init__(self, hal) -> None:
        config = hal.config()
        if sys.modules.pop("node.lastgood", None) is not None:  # the config is read
            delattr(sys.modules["node"], "lastgood")
        self._hal = hal
        self._root = safe.ROOT
        self._village, self._node, self._model = config["village"], config["node"], config["model"]
        self._sealer = Sealer(bytes.fromhex(config["key"]))
        self._rescue = loader.read(self._root).state == loader.RESCUE
        self._link = link.Link(hal, config, None, down=(topics.CHUNK, topics.OFFER), window=1, sizes=broker.LEAN)
        config["broker"].clear()  # the link has its own copy
        self._transfer = None
        self._release = updates.NO_RELEASE
        self._asked_ms = None  # when the last question went out that has no answer
        self._heard_ms = hal.link_ms()
        self._started_ms = hal.link_ms()
        self._quiet_ms = 1000 * config.get("quiet_s", QUIET_S)
        self._reports = []
        self._leave_ms = None  # when to start again, at the latest
        self.over = False
        self._begin()

    def step(self) -> None:
        """One turn of the loop."""
        self._hal.feed()
        link_ms = self._hal.link_ms()
        for event in self._link.step(link_ms):
            if event[0] == link.CONNECTED:
                self._asked_ms = None
                if self._transfer is None and self._rescue and self._leave_ms is None:
                    self._report(loader.IN_RESCUE)
            elif event[0] == link.MESSAGE:
                self._take(event[1], event[2])
        self._send(link_ms)
        self._watch(link_ms)
        self._hal.wait(self._link.poller, min(IDLE_MS, self._link.wait_ms(link_ms)))

    def _begin(self) -> None:
        """Take up the wish of the program before."""
        wanted = loader.wish(self._root)
        if wanted is not None:
            self._open(wanted[0], wanted[1])
        elif not self._rescue:
            self.over = True

    def _open(self, release: bytes, size: int) -> None:
        self._release = release
        me = (safe.HARDWARE, self._model, tuple(sys.implementation.version[:3]))
        try:
            key = open(self._root + KEY_FILE, "rb").read(257) if loader.exists(self._root + KEY_FILE) else b""
            self._transfer = transfer.Transfer(self._root, release, size, key, me, self._hal)
            self._report(updates.LOADING)
            self._check()
        except transfer.Refusal as refusal:
            self._end(refusal.status)

    def _take(self, kind: str, payload: bytes) -> None:
        topic = topics.topic(self._village, self._node, topics.DOWN, kind)
        try:
            frame = self._sealer.unseal(topic, payload)
            if kind == topics.OFFER:
                offer = updates.decode_offer(frame)
                if self._rescue and self._transfer is None and self._leave_ms is None:
                    loader.want(self._root, offer.release, offer.size, offer.version)
                    self._open(offer.release, offer.size)
                return
            chunk = updates.decode_chunk(frame)
        except WireError:
            return
        if self._transfer is None or self._leave_ms is not None or chunk.release != self._release:
            return
        try:
            if self._transfer.take(chunk.item, chunk.offset, chunk.data):
                self._asked_ms = None
                self._heard_ms = self._hal.link_ms()
                self._check()
        except transfer.Refusal as refusal:
            self._end(refusal.status)

    def _check(self) -> None:
        if self._transfer.loaded:
            self._end(updates.LOADED)

    def _end(self, status: int) -> None:
        """Nothing more to load: tell it, forget the wish, start again."""
        self._report(status)
        if self._transfer is not None:
            self._transfer.close()
        loader.unwish(self._root)
        self._hal.trace("update %d" % status)
        if self._rescue and status != updates.LOADED:
            self._transfer = None  # the next offer may be a better one
        else:
            self._leave_ms = self._hal.link_ms() + REPORT_MS + (0 if status == updates.NO_ANSWER else self._quiet_ms)

    def _report(self, status: int) -> None:
        done, total = (0, 0) if self._transfer is None else (self._transfer.done, self._transfer.total)
        text, release = "", self._release
        if status == loader.IN_RESCUE:
            text, release = reason(self._root), loader.read(self._root).release
        self._reports.append(report(self._root, status, release, done, total, text))

    def _send(self, link_ms: int) -> None:
        while self._reports and self._publish(topics.REPORT, self._reports[0]):
            self._reports.pop(0)
            if self._leave_ms is not None and not self._reports:
                self._leave_ms = link_ms + REPORT_MS
        if self._transfer is None or self._leave_ms is not None:
            return
        if self._asked_ms is None or link_ms - self._asked_ms > ANSWER_MS:
            item, offset, length = self._transfer.wanted()
            if self._publish(topics.ASK, updates.encode_ask(updates.Ask(self._release, item, offset, length))):
                self._asked_ms = link_ms

    def _publish(self, kind: str, frame: bytes) -> bool:
        if not self._link.room:
            return False
        topic = topics.topic(self._village, self._node, topics.UP, kind)
        return self._link.publish(kind, self._sealer.seal(topic, frame))

    def _watch(self, link_ms: int) -> None:
        """Whether it is time to go (rules 2 and 3)."""
        if self._leave_ms is not None:
            sent = not self._reports and not self._link.in_flight
            self.over = sent or link_ms > self._leave_ms
        elif self._rescue:
            if self._transfer is not None and link_ms - self._heard_ms > self._quiet_ms:
                self._end(updates.NO_ANSWER)
                self._heard_ms = link_ms
            if link_ms - self._started_ms > RESCUE_MS and self._transfer is None:
                pointer = loader.read(self._root)
                loader.retry(pointer)
                loader.write(self._root, pointer)
                self.over = True
        elif link_ms - self._heard_ms > self._quiet_ms:
            self._end(updates.NO_ANSWER)
        if self.over:
            self._link.close(link_ms)
