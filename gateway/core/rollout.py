"""How a release goes out to a village: which node is offered it next, and when it stops. Pure.

Rules
1. In stages: one node, then a tenth of those it fits, then all. A stage begins when every node of the one before is
   healthy. Nodes without outputs come first.
2. One node of a model at a time. Offered is only who was heard lately and whose outputs are all closed; the offer is
   said again every ``offer_ms``, because a node that is busy may miss it. For one that sleeps it waits at the broker,
   so it is said again only when the node was heard since, and its answer has the time of two sleeps. Who was offered
   it longest ago comes first: nodes that do not answer take turns with the others.
3. The first failure stops it: a node that went back to its release before, refused what should fit, or did not come
   back healthy in time. What already loads is not interrupted. Only a person lets it go on.
4. A node that says that the release is not for it, or that it has a newer one, is passed over; one that is silent is
   waited for as long as others can be served.
5. Time is the gateway's wall clock. When it is set forward, a node may look late, and the release stops: the safe
   side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from wire import updates

TENTH = 10


class Phase(StrEnum):
    """How far a node is with the release."""

    WAITING = "waiting"
    OFFERED = "offered"
    LOADING = "loading"
    TRIAL = "trial"
    HEALTHY = "healthy"
    PASSED = "passed over"
    FAILED = "failed"


class Standing(StrEnum):
    """How the release stands as a whole."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


ACTIVE = frozenset({Phase.OFFERED, Phase.LOADING, Phase.TRIAL})
SETTLED = frozenset({Phase.HEALTHY, Phase.PASSED})
# Refusals that only mean "not this one" or "not now"; the others mean that something is wrong with the release.
_PASSED = frozenset({updates.OTHER_HARDWARE, updates.OLDER, updates.OLD_FIRMWARE, updates.OLD_INTERPRETER,
                     updates.NO_PARTITION})  # fmt: skip
_LATER = frozenset({updates.BUSY, updates.NO_ANSWER, updates.WITHDRAWN})


@dataclass(frozen=True)
class Limits:
    """Times in ms."""

    offer_ms: int = 60_000
    silent_ms: int = 30 * 60_000
    answer_ms: int = 30 * 60_000  # from the first offer to the first word of loading
    load_ms: int = 60 * 60_000
    trial_ms: int = 90 * 60_000  # three bad boots of a quarter of an hour each, and as much again


class Seen(NamedTuple):
    """What is known of a node now."""

    model: str
    has_outputs: bool
    heard_ms: int | None
    closed: bool  # all of its outputs, as far as is known
    away_ms: int = 0  # how long it may be unheard because it sleeps; 0: it is always there


class Said(NamedTuple):
    """What a node reported about the release of the rollout."""

    node: str
    status: int
    text: str = ""


@dataclass(frozen=True)
class Progress:
    phase: Phase = Phase.WAITING
    since_ms: int = 0
    offered_ms: int = 0
    note: str = ""


@dataclass(frozen=True)
class Rollout:
    """A release on its way; ``nodes`` are those of the village whose model it fits."""

    release: str
    version: str
    began_ms: int
    standing: Standing = Standing.RUNNING
    why: str = ""
    nodes: Mapping[str, Progress] = field(default_factory=dict)


def begin(release: str, version: str, nodes: Sequence[str], now_ms: int) -> Rollout:
    """A rollout to these nodes, of which none has got anything yet."""
    return Rollout(release, version, now_ms, nodes={node: Progress(since_ms=now_ms) for node in nodes})


def again(rollout: Rollout, now_ms: int) -> Rollout:
    """Go on after a stop: who failed waits anew."""
    nodes = {
        node: Progress(since_ms=now_ms) if progress.phase is Phase.FAILED else progress
        for node, progress in rollout.nodes.items()
    }
    return replace(rollout, standing=Standing.RUNNING, why="", nodes=nodes)


def step(
    rollout: Rollout, now_ms: int, said: Sequence[Said], seen: Mapping[str, Seen], limits: Limits
) -> tuple[Rollout, tuple[str, ...]]:
    """Take in what nodes said, judge who is late, and choose whom to offer the release: (rollout, those nodes)."""
    nodes = dict(rollout.nodes)
    for word in said:
        if word.node in nodes:
            nodes[word.node] = heard(nodes[word.node], word, now_ms)
    nodes = {
        node: _late(progress, now_ms, limits, seen[node].away_ms if node in seen else 0)
        for node, progress in nodes.items()
    }
    rollout = replace(rollout, nodes=nodes)
    failed = sorted(node for node, progress in nodes.items() if progress.phase is Phase.FAILED)
    if failed and rollout.standing is not Standing.STOPPED:
        rollout = replace(rollout, standing=Standing.STOPPED, why=f"{failed[0]}: {nodes[failed[0]].note}")
    elif rollout.standing is Standing.RUNNING and all(progress.phase in SETTLED for progress in nodes.values()):
        rollout = replace(rollout, standing=Standing.DONE)
    if rollout.standing is not Standing.RUNNING:
        return rollout, ()
    offers = _offers(rollout, now_ms, seen, limits)
    for node in offers:
        progress = nodes[node]
        since_ms = now_ms if progress.phase is Phase.WAITING else progress.since_ms
        nodes[node] = replace(progress, phase=Phase.OFFERED, since_ms=since_ms, offered_ms=now_ms)
    return replace(rollout, nodes=nodes), tuple(offers)


def heard(progress: Progress, word: Said, now_ms: int) -> Progress:
    """What a report makes of a node's progress."""
    status, name = word.status, updates.status_name(word.status)
    note = f"{name}: {word.text}" if word.text else name
    if status in (updates.HEALTHY, updates.SAME):
        phase = Phase.TRIAL if status == updates.SAME and progress.phase is Phase.TRIAL else Phase.HEALTHY
    elif status == updates.LOADING:
        phase = Phase.LOADING
    elif status in (updates.LOADED, updates.RUNS, updates.CRASHED):
        # a program that runs and has not said healthy yet is on trial
        phase = progress.phase if progress.phase is Phase.HEALTHY else Phase.TRIAL
    elif status in _LATER:
        phase = Phase.WAITING
    elif status in _PASSED:
        phase = Phase.PASSED
    elif updates.is_failure(status) or updates.is_refusal(status):
        phase = Phase.FAILED
    else:
        return progress
    if phase is progress.phase:
        return progress
    return Progress(phase, now_ms, progress.offered_ms, note)


def _late(progress: Progress, now_ms: int, limits: Limits, away_ms: int) -> Progress:
    age_ms = now_ms - progress.since_ms
    if progress.phase is Phase.OFFERED and age_ms > max(limits.answer_ms, away_ms):
        return replace(progress, phase=Phase.WAITING, since_ms=now_ms, note="no answer to the offer")
    if progress.phase is Phase.LOADING and age_ms > limits.load_ms:
        return Progress(Phase.FAILED, now_ms, note="late: it did not finish loading in time")
    if progress.phase is Phase.TRIAL and age_ms > max(limits.trial_ms, 2 * away_ms):
        return Progress(Phase.FAILED, now_ms, note="late: it did not come back healthy in time")
    return progress


def stage(rollout: Rollout) -> int:
    """1, 2 or 3: one node, a tenth, all."""
    done = sum(progress.phase is Phase.HEALTHY for progress in rollout.nodes.values())
    if done < 1:
        return 1
    return 2 if done < _room(rollout, 2) else 3


def _room(rollout: Rollout, number: int) -> int:
    """How many nodes may have got the release in a stage."""
    fits = sum(progress.phase is not Phase.PASSED for progress in rollout.nodes.values())
    return (1, max(1, -(-fits // TENTH)), fits)[number - 1]


def _offers(rollout: Rollout, now_ms: int, seen: Mapping[str, Seen], limits: Limits) -> list[str]:
    nodes = rollout.nodes
    began = sum(p.phase in ACTIVE or p.phase is Phase.HEALTHY for p in nodes.values())
    room = _room(rollout, stage(rollout)) - began
    busy = {seen[node].model for node, progress in nodes.items() if progress.phase in ACTIVE and node in seen}
    offers: list[str] = []
    for node in sorted(nodes, key=lambda n: (n not in seen or seen[n].has_outputs, nodes[n].offered_ms, n)):
        progress, now = nodes[node], seen.get(node)
        if now is None or now.heard_ms is None or not now.closed:
            continue
        if now_ms - now.heard_ms > max(limits.silent_ms, now.away_ms):
            continue
        if progress.phase is Phase.OFFERED:
            waits = now.away_ms and now.heard_ms <= progress.offered_ms  # at the broker
            if not waits and now_ms - progress.offered_ms >= limits.offer_ms:
                offers.append(node)
        elif progress.phase is Phase.WAITING and room > 0 and now.model not in busy:
            if progress.offered_ms and now_ms - progress.offered_ms < limits.offer_ms:
                continue
            room -= 1
            busy.add(now.model)
            offers.append(node)
    return offers
