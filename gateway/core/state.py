"""All that the irrigation remembers between two steps, and its exact form as JSON.

Rules
1. Nothing else is remembered anywhere: state, time, inputs and limits decide everything.
2. JSON and back is the identity. An unknown version, an unknown, missing or wrong key is refused (StateError): a state
   that is half understood is worse than none, because the lease closes everything anyway. A state of the versions
   before is taken over, because the phase of a garden is a person's word.
3. Instants end in ``_at_ms``; ``shifted`` moves all of them when somebody sets the clock, so that no run gets longer
   or shorter and no rest vanishes (S4).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any

from gateway.core.air import Air
from gateway.core.estimate import Estimate
from gateway.core.jsons import ShapeError, filled, from_plain, to_plain
from gateway.core.plans.memory import PlanState
from gateway.core.rain import Gauge
from gateway.core.rules import Rule, Verdict
from gateway.core.types import OutputRef

VERSION = 7
OLDER = (3, 4, 5, 6)  # what they lack has a default, so nothing that people said is lost by an update


class StateError(Exception):
    """A stored state that cannot be used."""


class Phase(StrEnum):
    """What the gateway knows of an output."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    ASKING = "asking"  # it was open when the gateway ended; the node is asked
    CLOSING = "closing"
    UNKNOWN = "unknown"  # a command was not answered: neither open nor closed may be assumed (S9)
    QUARANTINED = "quarantined"  # it did not answer even to being closed; not used until proved off


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest reading of a sensor."""

    measured_at_ms: int
    value: int | None
    quality: int
    changed_at_ms: int | None = None  # since when its value has been this; None: not watched


@dataclass(frozen=True, slots=True)
class NodeState:
    """The boot that commands are made for, and the highest counter ever given to the node.

    When it was booted is kept here and moves with our clock (S4), for as long as nothing better is heard of it.
    """

    boot: int
    counter: int = 0
    booted_at_ms: int = 0
    heard_uptime_ms: int = 0  # of the newest receipt of this boot


@dataclass(frozen=True, slots=True)
class OutputState:
    phase: Phase = Phase.CLOSED
    counter: int = 0  # of the last command for it
    asked_at_ms: int | None = None  # when the command that awaits its answer was decided
    granted_at_ms: int = 0  # when the lease was last asked for
    lease_ms: int = 0
    until_at_ms: int = 0  # until then it may be on, as far as is known
    closes: int = 0  # CLOSE commands without an answer
    opened_at_ms: int | None = None  # when it went on for the present run, as its node tells it; None: not known to
    closed_at_ms: int | None = None  # since when it is known to be off; None: it never was on
    heard_uptime_ms: int = 0
    trouble: Rule | None = None  # why it is not what it was told to be
    status: int = 0  # of the receipt that told so


@dataclass(frozen=True, slots=True)
class SourceState:
    """The memory of the two hystereses."""

    salt: bool = False
    low: bool = False
    fresh_since_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The last decision told about a zone."""

    verdict: Verdict
    rule: Rule
    said_at_ms: int
    next_check_at_ms: int


@dataclass(frozen=True, slots=True)
class Gaze:
    """What a meter has said in a run: since when it has been too little, or too much."""

    heard_at_ms: int | None = None
    low_at_ms: int | None = None
    high_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One watering, from the decision until all its outputs are known to be off."""

    number: int
    why: Rule
    user: str
    valve: OutputRef
    pump: OutputRef | None
    asked_at_ms: int
    ends_at_ms: int
    flow_ml_min: int
    started_at_ms: int | None = None  # since when water flows
    stop: Rule | None = None  # once set the run only closes
    dose_um: int | None = None  # what is given when its time is over, if that is all that was asked for
    poured_ml: int = 0  # that has flowed until poured_at_ms
    poured_rest: int = 0  # of a millilitre, in sixty-thousandths
    poured_at_ms: int | None = None
    end_rule: Rule | None = None  # why it ends when its time is over
    line: OutputRef | None = None  # the pump on whose pipe it is, also when that serves another garden by now
    main: OutputRef | None = None  # the valve of the whole pipe
    after: str = ""  # the garden from which it takes the pump over, until it has it
    taken_at_ms: int | None = None  # it took the pump over: its water counts from then on
    handed_at_ms: int | None = None  # another garden took the pump over: its water counts until then
    by_pump: Gaze = field(default_factory=Gaze)
    by_garden: Gaze = field(default_factory=Gaze)
    flow_readings: int = 0  # settled ones, and their sum
    flow_sum_ml_min: int = 0
    flow_least_ml_min: int | None = None  # of all settled ones, also those that are too low or too high
    flow_most_ml_min: int | None = None
    intent: int = 0  # the request of a person that it was begun by


@dataclass(frozen=True, slots=True)
class Dose:
    """Water that was decided on and has not all been given yet."""

    why: Rule
    user: str
    left_ms: int  # for which it has still to flow
    asked_um: int | None  # of what was asked for in the beginning; None where that is a length of time
    left_um: int | None
    until_at_ms: int  # what has not been given by then is stated as missing
    next_at_ms: int = 0  # not before this
    paused_by: Rule | None = None  # what has ended the last run; None while one is on


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's request for water that has not begun yet."""

    why: Rule
    intent: int
    user: str
    run_ms: int
    until_at_ms: int  # not begun after this


@dataclass(frozen=True, slots=True)
class Tried:
    """What the try of a garden's pipe has shown, until it is told."""

    intent: int
    user: str
    stop: Rule
    off_at_ms: int
    readings: int
    mean_ml_min: int
    least_ml_min: int
    most_ml_min: int


@dataclass(frozen=True, slots=True)
class Flow:
    """What is known of the flow through a valve."""

    recent_ml_min: tuple[int, ...] = ()  # means of the last runs
    learned_ml_min: int | None = None
    first_ml_min: int | None = None  # what it was when it was first known
    none_at_ms: int | None = None  # when it was last shut because nothing flowed


@dataclass(frozen=True, slots=True)
class Meter:
    """Of a meter, what is needed to know a leak: its last reading, and since when water flows though all is off."""

    heard_at_ms: int | None = None
    wet_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PumpState:
    starts_at_ms: tuple[int, ...] = ()  # of the last hour
    trips_at_ms: tuple[int, ...] = ()  # when it ran dry, of the last hour
    shut_at_ms: int | None = None  # when a valve of its pipe was last told to close


@dataclass(frozen=True, slots=True)
class Lock:
    """An output that is not used before a person has said so."""

    rule: Rule
    locked_at_ms: int


@dataclass(frozen=True, slots=True)
class ZoneState:
    dry_since_at_ms: int | None = None
    starts_at_ms: tuple[int, ...] = ()  # of the last 24 hours
    ended_at_ms: int | None = None
    held_until_at_ms: int | None = None
    said: Said | None = None
    run: Run | None = None
    known: Estimate | None = None  # of its soil water
    plan: PlanState = field(default_factory=PlanState)
    dose: Dose | None = None  # that is being given, or waits for its turn
    wish: Wish | None = None  # that waits for the pump
    tried: Tried | None = None
    foreseen: bool = False  # whether what it wants, and has not begun to get, will fit into the hours of its pump


@dataclass(frozen=True, slots=True)
class State:
    at_ms: int = 0
    latest: Mapping[str, Latest] = field(default_factory=dict)  # by SensorRef.key
    nodes: Mapping[str, NodeState] = field(default_factory=dict)
    outputs: Mapping[str, OutputState] = field(default_factory=dict)  # by OutputRef.key
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    zones: Mapping[str, ZoneState] = field(default_factory=dict)
    gauges: Mapping[str, Gauge] = field(default_factory=dict)  # by SensorRef.key
    air: Air = field(default_factory=Air)
    last_intent: int = 0
    last_run: int = 0
    pumps: Mapping[str, PumpState] = field(default_factory=dict)  # by OutputRef.key
    flows: Mapping[str, Flow] = field(default_factory=dict)  # by OutputRef.key of the valve
    meters: Mapping[str, Meter] = field(default_factory=dict)  # by SensorRef.key
    locks: Mapping[str, Lock] = field(default_factory=dict)  # by OutputRef.key
    wake_at_ms: int | None = None  # when something is due that no output tells

    def to_json(self) -> str:
        return json.dumps({"version": VERSION, "state": to_plain(self)}, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> State:
        """Raises StateError."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise StateError(f"not JSON: {error}") from error
        if not isinstance(found, dict) or set(found) != {"version", "state"}:
            raise StateError("not a state: expected version and state")
        if found["version"] not in (VERSION, *OLDER):
            raise StateError(f"state of version {found['version']!r}; this program knows version {VERSION}")
        try:
            plain = found["state"] if found["version"] == VERSION else filled(cls, found["state"])
            state: State = from_plain(cls, plain, "state")
        except ShapeError as error:
            raise StateError(str(error)) from error
        return state


def shifted(state: State, by_ms: int) -> State:
    """The same state on a clock that was set forward by ``by_ms`` (negative: back)."""
    return state if by_ms == 0 else replace(_shift(state, by_ms), at_ms=state.at_ms + by_ms)


def _shift(part: Any, by_ms: int) -> Any:
    if is_dataclass(part) and not isinstance(part, type):
        moved = {}
        for f in fields(part):
            value = getattr(part, f.name)
            moved[f.name] = _moved(value, by_ms) if f.name.endswith("_at_ms") else _shift(value, by_ms)
        return replace(part, **moved)
    if isinstance(part, Mapping):
        return {key: _shift(value, by_ms) for key, value in part.items()}
    return part


def _moved(instant: Any, by_ms: int) -> Any:
    if isinstance(instant, tuple):
        return tuple(i + by_ms for i in instant)
    if isinstance(instant, Mapping):
        return {key: at_ms + by_ms for key, at_ms in instant.items()}
    return None if instant is None else instant + by_ms
