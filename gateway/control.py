"""``python -m gateway control``: the irrigation. A thin shell around ``gateway.core.step``.

Rules
1. It looks at committed rows only: readings, receipts and boots in data.db, what people ask for in village.db.
2. New state, decisions, commands, runs and cursors are one transaction; commands are published after it, never before.
   If the commit fails, nothing has happened: the old state stays, and what is open closes by its lease.
3. What people ask for comes from a database that web writes; while it cannot be read, watering goes on without it.
4. It wakes at once when another process has committed something, at the first deadline of the irrigation, and at
   least every 30 s. Nothing else wakes it, and neither web nor uplink can hold it up.
5. A state that cannot be read is not guessed at: the irrigation begins anew, and closes what it finds open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from gateway import registry, secrets
from gateway.core.reasons import vietnamese
from gateway.core.rows import Boot
from gateway.core.state import VERSION, NodeState, State, StateError
from gateway.core.step import next_wake_ms, step
from gateway.core.types import (
    Alarm,
    Decide,
    Effect,
    Facts,
    Inputs,
    Intent,
    Limits,
    Link,
    Reading,
    Receipt,
    RunEnded,
    RunStarted,
    Send,
    SensorRef,
    Settings,
)
from gateway.dispatch import DECIDED, Change, Dispatch, Waiting
from gateway.home import Home
from gateway.mqtt import link as mqtt
from gateway.mqtt import users
from gateway.process import Stop
from gateway.settings import limits_of, settings_of
from gateway.store import control as stored
from gateway.store.common import StoreError
from gateway.store.control import ControlReader, ControlWriter
from gateway.store.data import DataReader, StoredReading, StoredReceipt
from gateway.store.village import Intent as StoredIntent
from gateway.store.village import VillageReader
from kit import log
from kit.clock import Clock, real_mono_s, real_sleep_s
from wire import commands as wire_commands
from wire import fields

POLL_S = 0.025  # how long news may wait, in real time
LEAST_REST_S = 0.1  # between two steps that nothing but time has caused
PAUSE_S = 2.0  # after a commit that failed
CLOCK_STEP_MS = 2_000
MAX_ROWS = 2_000  # of each kind in one step
MAX_RESTORED = 500
NO_DECISION = 0

T = TypeVar("T")

READINGS, RECEIPTS, INTENTS = "readings", "receipts", "intents"


class People:
    """What people ask for; nothing while village.db cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: VillageReader | None = None
        self._told = ""
        self._retry_s = 0.0

    def data_version(self) -> int:
        reader = self._open()
        return 0 if reader is None else self._or_nothing(reader.data_version, 0)

    def intents_after(self, after_id: int) -> list[StoredIntent]:
        reader = self._open()
        return [] if reader is None else self._or_nothing(lambda: reader.intents_after(after_id, MAX_ROWS), [])

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def _open(self) -> VillageReader | None:
        if self._reader is None and real_mono_s() >= self._retry_s:
            self._reader = self._or_nothing(lambda: VillageReader(self._path), None)
        return self._reader

    def _or_nothing(self, read: Callable[[], T], nothing: T) -> T:
        try:
            return read()
        except StoreError as error:
            self.close()
            self._retry_s = real_mono_s() + PAUSE_S
            if str(error) != self._told:
                log.get().error("requests of people cannot be read: watering goes on", why=str(error))
                self._told = str(error)
            return nothing


class Control:
    """The irrigation of one village; ``turn`` it for as long as the gateway runs."""

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        data: DataReader,
        people: People,
        writer: ControlWriter,
        dispatch: Dispatch,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._data = data
        self._people = people
        self._writer = writer
        self._dispatch = dispatch
        self._clock = clock
        self._log = log.get()
        self._epoch_ms = clock.now_ms() - clock.mono_ms()
        self._clock_step_ms = 0
        self._seen: tuple[int, int] | None = None
        self._stepped_s = 0.0
        self._restarted = True
        self._cursors = writer.cursors()
        with ControlReader(writer.path) as reader:
            left = reader.commands(MAX_RESTORED)
            self.state = _restored(writer, left)
            dispatch.restore(left, data.current_boots())
            # By zone: the row of its last decision, and of the run that is on.
            self._decisions = {zone: decision.id for zone, decision in reader.last_decisions().items()}
            self._runs = {run.zone: run.id for run in reversed(reader.runs(clock.now_ms())) if run.ended_ms is None}

    # ---- when

    def turn(self) -> bool:
        """Step if there is a reason to, and send what waits. Says whether it stepped."""
        self._follow_clock()
        reason = self._is_news() or self._is_due() or self._clock_step_ms != 0
        if reason:
            self.step()
        self._keep(self._dispatch.send(self._clock.now_ms()))
        return reason

    def _is_news(self) -> bool:
        seen = (self._data.data_version(), self._people.data_version())
        if seen == self._seen:
            return False
        self._seen = seen
        return True

    def _is_due(self) -> bool:
        rested = real_mono_s() - self._stepped_s >= LEAST_REST_S
        return rested and self._clock.now_ms() >= next_wake_ms(self.state, self._limits)

    def _follow_clock(self) -> None:
        epoch_ms = self._clock.now_ms() - self._clock.mono_ms()
        step_ms, self._epoch_ms = epoch_ms - self._epoch_ms, epoch_ms
        if abs(step_ms) >= CLOCK_STEP_MS:
            self._log.warning("the clock of the gateway was set", step_ms=step_ms)
            self._clock_step_ms += step_ms

    # ---- one step

    def step(self) -> None:
        """Take in what is new, decide, and keep the decision; raises StoreError when it cannot be kept."""
        inputs, cursors = self._gather()
        now_ms = self._clock.now_ms()
        state, effects = step(self.state, now_ms, inputs, self._limits)
        changes = self._dispatch.answered(inputs.receipts, now_ms)
        with self._writer.transaction():
            waiting = list(self._store(effects, now_ms))
            _store_changes(self._writer, changes)
            self._writer.set_state(stored.State(VERSION, now_ms, state.to_json()))
            for name, value in cursors.items():
                self._writer.set_cursor(name, value)
        self.state, self._cursors = state, cursors
        self._restarted, self._clock_step_ms = False, 0
        self._stepped_s = real_mono_s()
        self._dispatch.forget(changes)
        for one in waiting:
            self._dispatch.add(one)
        self._tell(effects)

    def _gather(self) -> tuple[Inputs, dict[str, int]]:
        cursors = dict(self._cursors)
        with self._data.snapshot():
            readings = self._readings(cursors)
            receipts = self._data.receipts_after(cursors.get(RECEIPTS, 0), MAX_ROWS)
            boots = self._data.current_boots()
        intents = self._people.intents_after(cursors.get(INTENTS, 0))
        if receipts:
            cursors[RECEIPTS] = receipts[-1].id
        if intents:
            cursors[INTENTS] = intents[-1].id
        if len(receipts) == MAX_ROWS or len(readings) == MAX_ROWS:
            self._seen = None  # there may be more: come back at once
        inputs = Inputs(
            settings=self._settings,
            readings=tuple(readings),
            receipts=tuple(_receipt(row) for row in receipts),
            intents=tuple(
                Intent(i.id, i.at_ms, i.expires_ms, i.kind, i.zone, i.minutes, i.user) for i in intents
            ),
            links=tuple(_link(boot) for boot in boots.values()),
            restarted=self._restarted,
            clock_step_ms=self._clock_step_ms,
        )
        return inputs, cursors

    def _readings(self, cursors: dict[str, int]) -> list[Reading]:
        """New readings; the first time of all, the latest of each sensor instead of the whole past."""
        if READINGS not in cursors:
            cursors[READINGS] = self._data.last_id()
            return [
                Reading(SensorRef(r.node, r.field, r.channel), min(r.measured_ms, r.received_ms), r.value, r.flag)
                for r in self._data.latest().values()
            ]
        rows = self._data.readings_after(cursors[READINGS], MAX_ROWS)
        if rows:
            cursors[READINGS] = rows[-1].id
        return [_reading(row) for row in rows]

    # ---- what is kept of it

    def _store(self, effects: Iterable[Effect], now_ms: int) -> Iterator[Waiting]:
        """Store the effects in their order; yields the commands to be published after the commit."""
        for effect in effects:
            match effect:
                case Decide():
                    self._decisions[effect.zone] = self._writer.add_decision(_decision(effect))
                case Send():
                    decision = self._decisions.get(effect.zone, NO_DECISION)
                    yield _waiting(self._writer.add_command(_command(effect, decision, now_ms)), effect)
                case RunStarted():
                    run = stored.Run(0, effect.zone, effect.at_ms, None, 0.0, effect.why, None)
                    self._runs[effect.zone] = self._writer.add_run(run)
                case RunEnded():
                    row = self._runs.get(effect.zone, 0)
                    self._writer.end_run(row, effect.ended_at_ms, effect.millilitres / 1000, effect.why)
                case Alarm():
                    pass  # it is in the state, where the pages look

    def _keep(self, changes: list[Change]) -> None:
        if changes:
            with self._writer.transaction():
                _store_changes(self._writer, changes)

    def _tell(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Decide():
                    self._log.info(
                        "decision", zone=effect.zone, verdict=str(effect.verdict), rule=str(effect.rule)
                    )
                case Alarm():
                    self._log.warning(
                        "alarm", node=effect.node, output=effect.output, rule=str(effect.rule), on=effect.on
                    )
                case _:
                    pass

    def come_back(self) -> None:
        """After a failure: look at everything again."""
        self._seen = None


def run(home: Home, clock: Clock) -> None:
    """Run until the process is asked to end. Raises RegistryError, SecretsError, StoreError or ProcessError."""
    stop = Stop().on_signals()
    village = registry.load(home.registry)
    secret = secrets.load(home.secrets, village.nodes)
    link = mqtt.Link(village.broker, home.ca, users.CONTROL, secret.mqtt_password)
    with (
        ControlWriter(home.control) as writer,
        DataReader(home.data) as data,
        closing(People(home.village)) as people,
    ):
        dispatch = Dispatch(village.id, secret.keys, link.publish)
        control = Control(settings_of(village, clock), limits_of(clock), data, people, writer, dispatch, clock)
        while not stop:
            link.poll(POLL_S)
            try:
                control.turn()
            except StoreError as error:
                log.get().error("nothing is decided: what is open closes by its lease", why=str(error))
                control.come_back()
                real_sleep_s(PAUSE_S)
    link.close()


def _restored(writer: ControlWriter, left: list[stored.Command]) -> State:
    """The stored state; or else a new one that goes on with the counters of the commands that were kept."""
    kept = writer.state()
    try:
        if kept is not None:
            return State.from_json(kept.json)
    except StateError as error:
        log.get().error("the stored state cannot be used: beginning anew", why=str(error))
    counters: dict[str, int] = {}
    for command in left:
        counters[command.node] = max(command.counter, counters.get(command.node, 0))
    return State(nodes={node: NodeState(boot=0, counter=counter) for node, counter in counters.items()})


# ---- between rows and the core


def _reading(row: StoredReading) -> Reading:
    # A node whose clock is ahead cannot make its reading younger than its arrival.
    measured_at_ms = min(row.measured_ms, row.received_ms)
    timed = row.time_q != fields.CLOCK_NONE
    return Reading(SensorRef(row.node, row.field, row.channel), measured_at_ms, row.value, row.flag, timed)


def _receipt(row: StoredReceipt) -> Receipt:
    return Receipt(
        row.node, row.boot, row.counter, row.status, row.output, row.outputs_mask, row.until_uptime_ms, row.uptime_ms
    )


def _link(boot: Boot) -> Link:
    return Link(boot.node, boot.boot, boot.nonce, boot.offset_ms, boot.last_received_ms)


def _decision(made: Decide) -> stored.Decision:
    return stored.Decision(
        id=0,
        at_ms=made.at_ms,
        zone=made.zone,
        verdict=made.verdict,
        rule=made.rule,
        inputs=_json(made.inputs),
        limits=_json(made.limits),
        next_check_ms=made.next_check_at_ms,
        text_vi=vietnamese(made),
    )


def _json(facts: Facts) -> str:
    return json.dumps(dict(facts), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _command(send: Send, decision_id: int, now_ms: int) -> stored.Command:
    return stored.Command(
        id=0,
        at_ms=now_ms,
        node=send.node,
        boot=send.boot,
        counter=send.counter,
        action=send.action,
        output=send.output,
        duration_ms=send.duration_ms,
        expires_uptime_ms=send.expires_uptime_ms,
        zone=send.zone,
        decision_id=decision_id,
        state=DECIDED,
        sent_ms=None,
        answered_ms=None,
        status=None,
    )


def _waiting(row: int, send: Send) -> Waiting:
    order = wire_commands.Command(
        send.counter, send.nonce, send.action, send.output, send.duration_ms, send.expires_uptime_ms
    )
    return Waiting(row, send.node, send.boot, order, send.expires_at_ms)


def _store_changes(writer: ControlWriter, changes: Iterable[Change]) -> None:
    for change in changes:
        writer.set_command(
            change.row,
            change.state,
            sent_ms=change.sent_ms,
            answered_ms=change.answered_ms,
            status=change.status,
        )
