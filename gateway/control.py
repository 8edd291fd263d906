"""``python -m gateway control``: the irrigation. A thin shell around ``gateway.core.step``.

Rules
1. It looks at committed rows only: readings, receipts and boots in data.db, what people ask for in village.db; and at
   the weather that somebody has put into weather.json.
2. New state, decisions, commands, runs, cursors and what they were made from (``gateway.journal``) are one
   transaction; commands are published after it, never before.
   If the commit fails, nothing has happened: the old state stays, and what is open closes by its lease.
3. What people ask for comes from a database that web writes; while it cannot be read, watering goes on without it.
   A data.db that is replaced under it ends the process: the next one opens what is there then.
4. It wakes at once when another process has committed something, at the first deadline of the irrigation, and at
   least every 30 s. Nothing else wakes it, and neither web nor uplink can hold it up.
5. A state that cannot be read is not guessed at: the irrigation begins anew, and closes what it finds open.
6. When somebody sets the wall clock, all that is remembered moves with it, also over a restart of this process. Over
   a restart of the machine nobody knows how far it was set: then every sensor must be heard again before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace

from gateway import in_force, secrets, translate
from gateway.core.state import VERSION, NodeState, Phase, State, StateError
from gateway.core.step import next_wake_ms, step
from gateway.core.types import (
    Alarm,
    Decide,
    Effect,
    Inputs,
    Limits,
    OutputRef,
    RunEnded,
    RunStarted,
    Send,
    Settings,
)
from gateway.core.weather import Outlook
from gateway.dispatch import Change, Dispatch
from gateway.home import Home
from gateway.inbox import Inbox, Mail, People
from gateway.journal import Journal, Plan
from gateway.mqtt import link as mqtt
from gateway.mqtt import users
from gateway.outlook import OutlookFile
from gateway.process import Stop
from gateway.settings import limits_of, settings_of
from gateway.store import control as stored
from gateway.store.common import Replaced, StoreError
from gateway.store.control import ControlReader, ControlWriter
from gateway.store.data import DataReader
from gateway.store.places import Place
from kit import log
from kit.clock import Clock, ahead_ms, real_mono_s, real_sleep_s

POLL_S = 0.025  # how long news may wait, in real time
LEAST_REST_S = 0.1  # between two steps that nothing but time has caused
PRUNE_S = 3600.0
PAUSE_S = 2.0  # after a commit that failed
CLOCK_STEP_MS = 2_000
MAX_RESTORED = 500
NO_DECISION = 0


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
        outlook: Callable[[], Outlook | None] = lambda: None,
        registry: str = "",
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._inbox = Inbox(data, people, clock)
        self._writer = writer
        self._dispatch = dispatch
        self._clock = clock
        self._outlook = outlook
        self._journal = Journal(writer, Plan(registry, clock.speed, limits))
        self._log = log.get()
        self._clock_step_ms = 0
        self._stepped_s = 0.0
        self._prune_s = real_mono_s() + PRUNE_S
        self._restarted = True
        self._cursors: Mapping[str, Place] = writer.cursors()
        with ControlReader(writer.path) as reader:
            left = reader.commands(MAX_RESTORED)
            self.state, self._ahead_ms = _restored(writer, left, clock)
            dispatch.restore(left, translate.links(data.current_boots().values(), clock))
            # By zone: the row of its last decision, and of the run that is on.
            self._decisions = {zone: decision.id for zone, decision in reader.last_decisions().items()}
            self._runs = {run.zone: run.id for run in reversed(reader.runs(clock.now_ms())) if run.ended_ms is None}

    # ---- when

    def turn(self) -> bool:
        """Step if there is a reason to, and send what waits. Says whether it stepped."""
        self._follow_clock()
        reason = self._inbox.is_news() or self._is_due() or self._clock_step_ms != 0
        if reason:
            self.step()
        self._keep(self._dispatch.send(self._clock.now_ms()))
        self._prune()
        return reason

    def _prune(self) -> None:
        """Once an hour, let go of what is kept no longer (``store.control``)."""
        if real_mono_s() < self._prune_s:
            return
        self._prune_s = real_mono_s() + PRUNE_S
        with self._writer.transaction():
            gone = self._writer.prune(self._clock.now_ms())
        if gone:
            self._log.info("kept no longer", rows=gone)

    def _is_due(self) -> bool:
        rested = real_mono_s() - self._stepped_s >= LEAST_REST_S
        return rested and self._clock.now_ms() >= next_wake_ms(self.state, self._limits)

    def _follow_clock(self) -> None:
        step_ms = ahead_ms(self._clock) - self._ahead_ms
        if abs(step_ms) >= CLOCK_STEP_MS:
            self._log.warning("the clock of the gateway was set", step_ms=step_ms)
            self._ahead_ms += step_ms
            self._clock_step_ms += step_ms

    # ---- one step

    def step(self) -> None:
        """Take in what is new, decide, and keep the decision; raises StoreError when it cannot be kept."""
        now_ms = self._clock.now_ms()
        mail = self._inbox.read(self._cursors, now_ms)
        before = self.state if mail.intents_from is None else replace(self.state, last_intent=mail.intents_from)
        inputs = self._inputs(mail)
        state, effects = step(before, now_ms, inputs, self._limits)
        state_json = state.to_json()
        changes = self._dispatch.answered(mail.receipts, now_ms)
        with self._writer.transaction():
            rows = [self._store(effect, now_ms) for effect in effects]
            self._journal.add(self.state, now_ms, inputs, effects, rows, state_json, mail.intents_from)
            self._end_alarms(state, now_ms)
            _store_changes(self._writer, changes)
            steady = self._clock.steady_id, now_ms - self._ahead_ms
            self._writer.set_state(stored.State(VERSION, now_ms, state_json, *steady))
            for name, place in mail.cursors.items():
                if place != self._cursors.get(name):
                    self._writer.set_cursor(name, place)
        self._journal.kept()
        self.state, self._cursors = state, mail.cursors
        self._restarted, self._clock_step_ms = False, 0
        self._stepped_s = real_mono_s()
        if mail.more:
            self._inbox.look_again()
        self._dispatch.forget(changes)
        for row, effect in zip(rows, effects, strict=True):
            if isinstance(effect, Send):
                self._dispatch.add(translate.waiting(row, effect))
        self._tell(effects)

    def _inputs(self, mail: Mail) -> Inputs:
        return Inputs(
            settings=self._settings,
            readings=mail.readings,
            receipts=mail.receipts,
            intents=mail.intents,
            links=mail.links,
            restarted=self._restarted,
            clock_step_ms=self._clock_step_ms,
            outlook=self._outlook(),
        )

    # ---- what is kept of it

    def _store(self, effect: Effect, now_ms: int) -> int:
        """Store an effect; the id of its row, 0 for one that has none of its own."""
        match effect:
            case Decide():
                row = self._writer.add_decision(translate.decision(effect))
                self._decisions[effect.zone] = row
                return row
            case Send():
                decision = self._decisions.get(effect.zone, NO_DECISION)
                return self._writer.add_command(translate.command(effect, decision, now_ms))
            case RunStarted():
                run = stored.Run(0, effect.zone, effect.at_ms, None, 0.0, effect.why, None)
                row = self._writer.add_run(run)
                self._runs[effect.zone] = row
                return row
            case RunEnded():
                row = self._runs.get(effect.zone, 0)
                self._writer.end_run(row, effect.ended_at_ms, effect.millilitres / 1000, effect.why)
                return row
            case Alarm(on=True):
                self._writer.raise_alarm(effect.at_ms, effect.rule, effect.node, effect.output)
            case Alarm():
                pass  # _end_alarms sees it in the state
        return 0

    def _end_alarms(self, state: State, now_ms: int) -> None:
        """An alarm ends with the proof that its output is off, or with the word of a person who has unlocked it."""
        for node, output in self._writer.alarmed_outputs():
            key = OutputRef(node, output).key
            known = state.outputs.get(key)
            if key not in state.locks and (known is None or known.phase is Phase.CLOSED):
                self._writer.end_alarms(node, output, now_ms)

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
        self._inbox.look_again()


def run(home: Home, clock: Clock) -> None:
    """Run until the process is asked to end. Raises RegistryError, SecretsError, StoreError or ProcessError."""
    stop = Stop().on_signals().or_replaced(home.secrets)
    village, refused, text = in_force.load(home)
    if refused:
        log.get().error("village.toml is refused: the plan stays as it was", why=str(refused))
    secret = secrets.load(home.secrets, village.nodes)
    link = mqtt.Link(village.broker, home.ca, users.CONTROL, secret.mqtt[users.CONTROL])
    with (
        ControlWriter(home.control) as writer,
        DataReader(home.data) as data,
        closing(People(home.village)) as people,
    ):
        dispatch = Dispatch(village.id, secret.keys, link.publish)
        outlook = OutlookFile(home.outlook).read
        control = Control(
            settings_of(village, clock), limits_of(clock), data, people, writer, dispatch, clock, outlook, text
        )
        while not stop:
            link.poll(POLL_S)
            try:
                control.turn()
            except Replaced:
                raise
            except StoreError as error:
                log.get().error("nothing is decided: what is open closes by its lease", why=str(error))
                control.come_back()
                real_sleep_s(PAUSE_S)
    link.close()


def _restored(writer: ControlWriter, left: list[stored.Command], clock: Clock) -> tuple[State, int]:
    """The stored state, or else a new one that goes on with the counters of the commands that were kept; and how far
    its wall clock was ahead of the steady one."""
    kept = writer.state()
    try:
        if kept is not None:
            state = State.from_json(kept.json)
            if kept.steady == clock.steady_id:
                return state, kept.at_ms - kept.mono_ms
            return replace(state, latest={}), ahead_ms(clock)
    except StateError as error:
        log.get().error("the stored state cannot be used: beginning anew", why=str(error))
    counters: dict[str, int] = {}
    for command in left:
        counters[command.node] = max(command.counter, counters.get(command.node, 0))
    nodes = {node: NodeState(boot=0, counter=counter) for node, counter in counters.items()}
    return State(nodes=nodes), ahead_ms(clock)


def _store_changes(writer: ControlWriter, changes: Iterable[Change]) -> None:
    for change in changes:
        writer.set_command(
            change.row,
            change.state,
            sent_ms=change.sent_ms,
            answered_ms=change.answered_ms,
            status=change.status,
        )
