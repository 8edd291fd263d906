"""``python -m gateway update``: offers a release to the nodes of the village, hands it out, and notes what came of it.

Rules
1. It is apart from the irrigation: it reads data.db and control.db, writes update.db alone, and its user at the
   broker can neither command an output nor acknowledge a reading.
2. A node asks for pieces of a release and gets them; nothing is remembered of a transfer. Only releases that the
   village's maker has signed are handed out, and only the one that was ordered is offered.
3. What a report changes is committed before anything follows from it. Whom to offer it to is ``gateway.core.rollout``.
4. Times are real times, also where the village's clock runs fast: a transfer takes as long as it takes.
5. While control.db cannot be read, nodes with outputs are offered nothing. While another database cannot be used, or
   an order, reports and orders wait: nothing is forgotten before it is committed.
6. An offer to a node that sleeps is one that the broker keeps for it (QoS 1); all others are as good as the moment.
   Who takes up an old one is told at its first question that the release is not given out any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace

from gateway import in_force, releases, secrets
from gateway.core import rollout as core
from gateway.core.rollout import Limits, Rollout, Said, Seen, Standing
from gateway.core.state import Phase, State, StateError
from gateway.core.village import Village
from gateway.home import Home
from gateway.mqtt import link as mqtt
from gateway.mqtt import users
from gateway.process import Stop
from gateway.releases import Release, ReleaseError
from gateway.store.common import Replaced, StoreError
from gateway.store.control import ControlReader
from gateway.store.data import DataReader
from gateway.store.update import NodeReport, UpdateReader, UpdateWriter
from gateway.translate import heard_at_ms
from gateway.update_state import BY_HAND, packed, parsed
from kit import log
from kit.clock import Clock, real_mono_s, real_sleep_s
from wire import topics, updates
from wire.errors import WireError
from wire.manifest import version_text
from wire.seal import TAG_BYTES, Sealer

POLL_S = 0.2
TURN_S = 1.0
PAUSE_S = 2.0
MAX_WAITING = 500  # reports that came in one turn
MAX_KEPT = 2_000  # reports while a database cannot be used; the oldest go


class Update:
    """The updates of one village; ``turn`` it for as long as the gateway runs."""

    def __init__(
        self,
        home: Home,
        village: Village,
        keys: Mapping[str, bytes],
        link: mqtt.Link,
        writer: UpdateWriter,
        clock: Clock,
    ) -> None:
        self._home = home
        self._village = village
        self._sealers = {node: Sealer(key) for node, key in keys.items() if node in village.nodes}
        self._link = link
        self._writer = writer
        self._clock = clock
        self._limits = limits_of(clock)
        self._log = log.get()
        self._held: dict[str, Release] = {}
        self._said: list[NodeReport] = []
        self._due_s = 0.0
        self._told = ""
        with UpdateReader(home.update) as reader:
            self._heard = {node: report.at_ms for node, report in reader.reports().items()}
            self._rollout, self._turn = parsed(reader.rollout())

    def turn(self) -> None:
        """Answer what nodes ask, and go on with the rollout once a second."""
        for message in self._link.poll(POLL_S):
            self._take(message)
            self._link.acknowledge(message)
        if real_mono_s() < self._due_s and len(self._said) < MAX_WAITING:
            return
        self._due_s = real_mono_s() + TURN_S
        try:
            self._go_on()
        except Replaced:
            raise
        except StoreError as error:
            self._tell(str(error))
            real_sleep_s(PAUSE_S)

    def _take(self, message: mqtt.Message) -> None:
        try:
            _, node, _, kind = topics.parse(message.topic)
            sealer = self._sealers.get(node)
            if sealer is None or len(message.payload) > 1024 + TAG_BYTES:
                return
            frame = sealer.unseal(message.topic, message.payload)
            if kind == topics.ASK:
                self._answer(node, updates.decode_ask(frame))
            elif kind == topics.REPORT:
                self._said.append(report_of(node, updates.decode_report(frame), self._clock.now_ms()))
                del self._said[:-MAX_KEPT]
        except WireError as error:
            self._log.warning("a message that is not ours", topic=message.topic[: topics.MAX_TOPIC], why=error.code)

    def _answer(self, node: str, ask: updates.Ask) -> None:
        release = self._release(ask.release.hex())
        if release is None:
            return
        first = ask.item == ask.offset == 0
        data = b"" if first and not self._given_out(release) else release.piece(ask.item, ask.offset, ask.length)
        self._send(node, topics.CHUNK, updates.encode_chunk(updates.Chunk(ask.release, ask.item, ask.offset, data)))

    def _given_out(self, release: Release) -> bool:
        """Whether a node may begin with it now."""
        going = self._rollout
        return going is not None and going.release == release.id.hex() and going.standing is not Standing.STOPPED

    def _release(self, name: str) -> Release | None:
        """A release that may be handed out; it is checked once a process."""
        if name not in self._held:
            try:
                self._held = {name: releases.held(self._home, name)}
            except ReleaseError as error:
                self._tell(str(error))
                return None
        return self._held[name]

    def _send(self, node: str, kind: str, frame: bytes, qos: int = 0) -> None:
        topic = topics.topic(self._village.id, node, topics.DOWN, kind)
        self._link.publish(topic, self._sealers[node].seal(topic, frame), qos)

    def _go_on(self) -> None:
        now_ms = self._clock.now_ms()
        said = self._said[:]
        self._heard.update({report.node: report.at_ms for report in said})
        rollout, turn = self._obeyed(now_ms)
        offers: tuple[str, ...] = ()
        seen: dict[str, Seen] = {}
        if rollout is not None and (said or rollout.standing is Standing.RUNNING):
            seen = self._seen()
            words = [said_of(report) for report in said if report.release == rollout.release]
            rollout, offers = core.step(rollout, now_ms, words, seen, self._limits)
        before = self._rollout
        if said or rollout != before or turn != self._turn:
            self._commit(said, rollout, turn, now_ms)
        self._rollout, self._turn = rollout, turn
        del self._said[: len(said)]
        if before is not None and rollout is not None and rollout.standing is not before.standing:
            self._log.info("rollout", version=rollout.version, standing=rollout.standing, why=rollout.why)
        release = self._release(rollout.release) if offers and rollout is not None else None
        if release is not None:
            frame = updates.encode_offer(updates.Offer(release.id, len(release.signed), release.offered_version))
            for node in offers:
                # rule 6: the broker keeps it for who sleeps
                self._send(node, topics.OFFER, frame, qos=1 if seen[node].away_ms else 0)

    def _commit(self, said: list[NodeReport], rollout: Rollout | None, turn: int, now_ms: int) -> None:
        with self._writer.transaction():
            for report in said:
                failed = report.status == updates.CRASHED or updates.is_failure(report.status)
                self._writer.add_report(report, failed or updates.is_refusal(report.status))
            if rollout is not None:
                self._writer.set_rollout(now_ms, packed(rollout), turn)

    def _obeyed(self, now_ms: int) -> tuple[Rollout | None, int]:
        """The rollout with a new order of a person, and the order's number. One that cannot be used changes nothing."""
        try:
            order = releases.order(self._home)
            if order is None or order.turn <= self._turn:
                return self._rollout, self._turn
            release = releases.held(self._home, order.release)
        except ReleaseError as error:
            self._tell(str(error))
            return self._rollout, self._turn
        going = self._rollout if self._rollout is not None and self._rollout.release == order.release else None
        if order.action == "stop":
            stopped = replace(going, standing=Standing.STOPPED, why=BY_HAND) if going is not None else self._rollout
            return stopped, order.turn
        if going is not None:
            return core.again(going, now_ms), order.turn
        # No release passes a bridge: a leaf is updated by hand.
        fits = [n.id for n in self._village.nodes.values() if n.model in release.manifest.models and not n.via]
        return core.begin(order.release, release.version, fits, now_ms), order.turn

    def _seen(self) -> dict[str, Seen]:
        """What is known of every node. One in rescue says no hello, but it reports."""
        with DataReader(self._home.data) as data:
            heard = {node: heard_at_ms(boot, self._clock) for node, boot in data.current_boots().items()}
        for node, at_ms in self._heard.items():
            heard[node] = max(heard.get(node, 0), at_ms)
        open_nodes = self._watering()
        return {
            node.id: Seen(
                node.model,
                bool(node.outputs),
                heard.get(node.id),
                not node.outputs or node.id not in open_nodes,
                node.away_ms,
            )
            for node in self._village.nodes.values()
        }

    def _watering(self) -> frozenset[str]:
        """Nodes of which an output may be on, or about to be."""
        try:
            with ControlReader(self._home.control) as control:
                kept = control.state()
            state = State.from_json(kept.json) if kept is not None else State()
        except (StoreError, StateError):
            return frozenset(self._village.nodes)
        return frozenset(
            key.rpartition("/")[0] for key, output in state.outputs.items() if output.phase is not Phase.CLOSED
        )

    def _tell(self, why: str) -> None:
        """Log a trouble once, not every second."""
        if why != self._told:
            self._told = why
            self._log.error("updates wait", why=why)

    def finish(self) -> None:
        self._link.close()


def limits_of(clock: Clock) -> Limits:
    """The limits in village time that last as long as the plain ones in real time (rule 4)."""
    plain = Limits()
    return Limits(**{f.name: round(clock.speed * getattr(plain, f.name)) for f in dataclass_fields(Limits)})


def said_of(report: NodeReport) -> Said:
    """A report in the words of the rollout. Who runs a release and is sure of it is healthy, if that word was lost."""
    runs = report.status in (updates.RUNS, updates.CRASHED)
    status = updates.HEALTHY if runs and report.state == updates.STATE_GOOD else report.status
    return Said(report.node, status, report.text)


def report_of(node: str, report: updates.Report, now_ms: int) -> NodeReport:
    return NodeReport(
        node,
        now_ms,
        report.status,
        "" if report.release == updates.NO_RELEASE else report.release.hex(),
        version_text(report.firmware),
        version_text(report.interpreter),
        report.slot,
        report.state,
        report.done,
        report.total,
        report.hardware,
        report.text,
    )


def run(home: Home, clock: Clock) -> None:
    """Run until the process is asked to end. Raises RegistryError, SecretsError, StoreError or ProcessError."""
    stop = Stop().on_signals().or_replaced(home.secrets)
    village = in_force.load(home).village
    secret = secrets.load(home.secrets, village.nodes)
    with UpdateWriter(home.update) as writer:
        filters = [where for what, where in users.access(village)[users.UPDATE] if what == "read"]
        password = secret.mqtt[users.UPDATE]
        link = mqtt.Link(village.broker, home.ca, users.UPDATE, password, filters=filters, persistent=True)
        update = Update(home, village, secret.keys, link, writer, clock)
        while not stop:
            update.turn()
        update.finish()
