"""``python -m gateway ingest``: takes in what the nodes send, and acknowledges it once it is on the disk.

Rules
1. COMMIT, then PUBACK, then the application's acknowledgement. A process that dies between any two of them has lost
   nothing: the broker or the node sends again, and the store knows the reading by its identity.
2. A commit holds at most GROUP readings (and the rest of the frame that filled it) and is at most GROUP_S late. It
   happens at once when somebody waits for an answer, or when nothing more is coming.
3. At most one group is held in memory. What is not read waits in the broker, and what the broker cannot hold waits
   in the flash of the node.
4. When the disk does not take a commit, the group is dropped unacknowledged and the connection with it; both come
   back after a pause. So a full disk costs time, never readings.
5. Every reading is judged as it comes (``gateway.core.watch``). What the tests remember is kept with the readings every
   SAVE_S and at the end; after a crash the readings that came later are judged again.
6. Times that must last are taken from the steady clock (``gateway.core.boots``); the wall clock may be set at any time.
"""

from __future__ import annotations

from collections import Counter

from gateway import in_force, secrets
from gateway.core.boots import Arrival, Boots
from gateway.core.ingest import Judge, Verdict, learn
from gateway.core.village import Village
from gateway.core.watch import Watch
from gateway.home import Home
from gateway.mqtt import users
from gateway.mqtt.broker_files import MAX_INFLIGHT
from gateway.mqtt.echo import Echo
from gateway.mqtt.link import Link, Message
from gateway.process import Stop
from gateway.store.common import Replaced, StoreError
from gateway.store.data import Batch, DataReader, DataWriter
from kit import log
from kit.clock import Clock, real_mono_s, real_sleep_s
from wire import topics

GROUP = 100
GROUP_MESSAGES = MAX_INFLIGHT // 2
GROUP_S = 1.0
IDLE_S = 0.02
WAIT_S = 0.5
PAUSE_S = 2.0
REPORT_S = 60.0
PRUNE_S = 3600.0
SAVE_S = 600.0
MOST_AGAIN = 50_000  # readings that are judged again at a start
PAGE = 5_000


class Ingest:
    """The data path from the broker to data.db; ``step`` it for as long as the gateway runs."""

    def __init__(
        self, link: Link, echo: Echo, judge: Judge, watch: Watch, writer: DataWriter, boots: Boots, clock: Clock
    ) -> None:
        self._link = link
        self._echo = echo
        self._judge = judge
        self._watch = watch
        self._writer = writer
        self._boots = boots
        self._clock = clock
        self._log = log.get()
        self._report_s = real_mono_s() + REPORT_S
        self._prune_s = real_mono_s() + PRUNE_S
        self._save_s = real_mono_s() + SAVE_S
        self.totals: Counter[str] = Counter()
        self._begin()

    def _begin(self) -> None:
        """Start an empty group."""
        self._batch = Batch()
        self._messages: list[Message] = []
        # By node, boot and whether it is for a hello, whose answer is always one without seqs.
        self._answers: dict[tuple[str, int, bool], list[int]] = {}
        self._hurry = False
        self._since_s = 0.0

    def step(self) -> None:
        """Take in what is there, and commit when it is time."""
        self._echo.send(self._link.publish)
        came = self._link.poll(IDLE_S if self._messages else WAIT_S)
        for message in came:
            self.take(message)
        if self._messages and (not came or self._is_full()):
            self.commit()
        if real_mono_s() >= self._report_s:
            self._report()
        if real_mono_s() >= self._prune_s:
            self._prune()

    def take(self, message: Message) -> None:
        """Add a message to the group."""
        if message.topic == self._echo.topic:
            self._take_echo(message)
            return
        if not self._messages:
            self._since_s = real_mono_s()
        clock = self._clock
        arrival = Arrival(clock.now_ms(), clock.mono_ms(), clock.steady_id, self._echo.is_live())
        verdict = self._judge.judge(message.topic, message.payload, arrival, self._boots)
        learn(self._boots, verdict)
        self._messages.append(message)
        self._collect(verdict)

    def _take_echo(self, message: Message) -> None:
        """It holds nothing to be kept, but the broker is told of messages in the order in which they came."""
        if self._echo.heard(message.payload):
            self._log.info("the broker has passed on all that it kept")
        if self._messages:
            self._messages.append(message)
        else:
            self._link.acknowledge(message)

    def _collect(self, verdict: Verdict) -> None:
        batch = self._batch
        readings, failed = self._watch.look(verdict.readings)
        batch.readings += readings
        batch.failed += failed
        batch.faults += verdict.faults
        batch.quarantine += verdict.quarantine
        batch.counts[verdict.count] += 1
        if verdict.receipt is not None:
            batch.receipts.append(verdict.receipt)
        if verdict.boot is not None:
            batch.boots[verdict.boot.node, verdict.boot.boot] = verdict.boot
        if verdict.ack is not None:
            node, boot, seqs = verdict.ack
            self._answers.setdefault((node, boot, not seqs), []).extend(seqs)
        self._hurry = self._hurry or verdict.hurry

    def _is_full(self) -> bool:
        return (
            self._hurry
            or len(self._batch.readings) >= GROUP
            or len(self._messages) >= GROUP_MESSAGES
            or real_mono_s() - self._since_s >= GROUP_S
        )

    def commit(self) -> None:
        """Put the group on the disk, then tell the broker and the nodes."""
        started_s = real_mono_s()
        if started_s >= self._save_s:
            self._save_s = started_s + SAVE_S
            self._batch.tracks = self._watch.tracks()
        try:
            outcome = self._writer.commit(self._batch)
        except Replaced:
            raise  # the next process opens what is there then; this group was not acknowledged
        except StoreError as error:
            self._log.error("nothing can be stored: readings wait in the nodes", why=str(error), again_in_s=PAUSE_S)
            self._begin()
            self._link.drop()
            real_sleep_s(PAUSE_S)
            return
        took_ms = int((real_mono_s() - started_s) * 1000)
        for message in self._messages:
            self._link.acknowledge(message)
        self._acknowledge()
        self.totals.update(
            commits=1,
            new=outcome.new,
            same=outcome.same,
            conflict=outcome.conflict,
            quarantined=len(self._batch.quarantine),
        )
        self.totals["slowest_commit_ms"] = max(self.totals["slowest_commit_ms"], took_ms)
        self._begin()

    def _acknowledge(self) -> None:
        for (node, boot, _), seqs in self._answers.items():
            for topic, payload in self._judge.acknowledge(node, boot, seqs, self._clock.now_ms()):
                self._link.publish(topic, payload)

    def _report(self) -> None:
        if not self._echo.is_live():
            self._log.warning("the broker is behind, or does not return our echo: was it provisioned for this program?")
        self._log.info("ingest", **self.totals)
        self.totals.pop("slowest_commit_ms", None)
        self._report_s = real_mono_s() + REPORT_S

    def _prune(self) -> None:
        self._prune_s = real_mono_s() + PRUNE_S
        try:
            self._writer.prune(self._clock.now_ms())
        except Replaced:
            raise
        except StoreError as error:
            self._log.error("old receipts stay", why=str(error))

    def finish(self) -> None:
        """Commit what is held and say goodbye."""
        self._batch.tracks = self._watch.tracks()
        self.commit()
        self._link.close()
        self._report()


def run(home: Home, clock: Clock) -> None:
    """Run until the process is asked to end. Raises RegistryError, SecretsError, StoreError or ProcessError."""
    stop = Stop().on_signals().or_replaced(home.secrets)
    village = in_force.load(home).village
    secret = secrets.load(home.secrets, village.nodes)
    with DataWriter(home.data) as writer:
        with DataReader(home.data) as reader:
            boots = Boots(reader.boots())
            watch = _watch(village, reader)
        filters = [where for what, where in users.access(village)[users.INGEST] if what == "read"]
        link = Link(village.broker, home.ca, users.INGEST, secret.mqtt[users.INGEST], filters=filters, persistent=True)
        echo = Echo(topics.echo_topic(village.id), clock)
        ingest = Ingest(link, echo, Judge(village, secret.keys), watch, writer, boots, clock)
        while not stop:
            ingest.step()
        ingest.finish()


def _watch(village: Village, data: DataReader) -> Watch:
    """What the tests remembered, and what has come since."""
    tracks, upto = data.tracks()
    watch = Watch(village, tracks)
    upto = max(upto, data.last_id() - MOST_AGAIN)
    failed = {(found.node, found.boot, found.seq): found.tests for found in data.failed_since(0, MOST_AGAIN)}
    while rows := data.readings_after(upto, PAGE):
        watch.again((row.reading for row in rows), failed)
        upto = rows[-1].id
    return watch
