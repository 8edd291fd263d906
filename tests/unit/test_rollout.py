"""How a release goes out: in stages, one node of a model at a time, and not one further after the first failure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from gateway.core.rollout import (
    ACTIVE,
    Limits,
    Phase,
    Progress,
    Rollout,
    Said,
    Seen,
    Standing,
    again,
    begin,
    stage,
    step,
)
from wire import updates

LIMITS = Limits()
MODELS = ("soil", "level", "valve")
NODES = {f"n{number:02}": MODELS[number % 3] for number in range(30)}


def seen(now_ms: int, closed: bool = True, silent: frozenset[str] = frozenset()) -> dict[str, Seen]:
    return {
        node: Seen(model, model == "valve", None if node in silent else now_ms, closed) for node, model in NODES.items()
    }


class Village:
    """Nodes that do as they are told, as long as nobody makes them do otherwise."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.rollout = begin("r", "0.2.0", list(NODES), 0)
        self.offered: list[str] = []
        self.words: list[Said] = []

    def turn(self, known: Mapping[str, Seen] | None = None) -> tuple[str, ...]:
        self.now_ms += 1_000
        words, self.words = self.words, []
        self.rollout, offers = step(self.rollout, self.now_ms, words, known or seen(self.now_ms), LIMITS)
        self.offered += [node for node in offers if node not in self.offered]
        return offers

    def say(self, node: str, *statuses: int) -> None:
        self.words += [Said(node, status) for status in statuses]

    def all_well(self) -> None:
        for node in self.turn():
            self.say(node, updates.LOADING, updates.LOADED, updates.RUNS, updates.HEALTHY)


def test_one_node_then_a_tenth_then_all_and_one_of_a_model_at_a_time() -> None:
    village = Village()
    sizes: list[int] = []
    for _ in range(60):
        village.all_well()
        healthy = [n for n, p in village.rollout.nodes.items() if p.phase is Phase.HEALTHY]
        active = [NODES[n] for n, p in village.rollout.nodes.items() if p.phase in ACTIVE]
        assert len(active) == len(set(active)), "two of one model at once"
        sizes.append(len(healthy) + len(active))
    assert sizes[0] == 1 and NODES[village.offered[0]] != "valve", "one without outputs first"
    assert 3 in sizes and village.rollout.standing is Standing.DONE
    assert sorted(village.offered) == sorted(NODES)
    second = sizes.index(next(size for size in sizes if size > 1))
    assert all(size <= 3 for size in sizes[: second + 1]), "a tenth of 30"


@pytest.mark.parametrize(
    "status",
    [updates.ROLLED_BACK, updates.BAD_SLOT, updates.RESCUE, updates.BAD_SIGNATURE, updates.BAD_FILE, updates.NO_SPACE],
)
def test_the_first_failure_stops_it_until_a_person_says_go_on(status: int) -> None:
    village = Village()
    village.all_well()
    village.turn()
    third = village.offered[-1]
    village.say(third, updates.LOADING, status)
    assert village.turn() == ()
    assert village.rollout.standing is Standing.STOPPED
    assert village.rollout.why == f"{third}: {updates.status_name(status)}"
    count = len(village.offered)
    for _ in range(200):
        assert village.turn() == ()
    assert len(village.offered) == count
    village.rollout = again(village.rollout, village.now_ms)
    assert village.turn(), "and who failed is served again"


@pytest.mark.parametrize(
    ("said", "limit_ms", "why"),
    [((updates.LOADING,), LIMITS.load_ms, "loading"), ((updates.LOADED,), LIMITS.trial_ms, "healthy")],
)
def test_who_does_not_come_back_in_time_has_failed(said: tuple[int, ...], limit_ms: int, why: str) -> None:
    village = Village()
    (first,) = village.turn()
    village.say(first, *said)
    village.turn()
    village.now_ms += limit_ms - 2_000
    village.turn()
    assert str(village.rollout.standing) == "running"
    village.now_ms += 2_000
    village.turn()
    assert village.rollout.standing is Standing.STOPPED and why in village.rollout.why


def test_who_waters_or_is_silent_is_offered_nothing_and_holds_nobody_up() -> None:
    village = Village()
    assert village.turn(seen(village.now_ms, closed=False)) == ()
    silent = frozenset(sorted(NODES)[:3])
    (first,) = village.turn(seen(village.now_ms + 1_000, silent=silent))
    assert first not in silent
    assert village.turn() == () or village.offered[0] == first


def test_an_offer_is_said_again_and_taken_back_when_nobody_answers() -> None:
    village = Village()
    (first,) = village.turn()
    assert village.turn() == ()
    village.now_ms += LIMITS.offer_ms
    assert village.turn() == (first,)
    village.now_ms += LIMITS.answer_ms
    village.turn(seen(village.now_ms, silent=frozenset({first})))
    assert village.rollout.nodes[first].phase is Phase.WAITING
    assert village.turn(seen(village.now_ms, silent=frozenset({first}))) != (first,)


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        (updates.SAME, Phase.HEALTHY), (updates.OLDER, Phase.PASSED), (updates.OTHER_HARDWARE, Phase.PASSED),
        (updates.OLD_INTERPRETER, Phase.PASSED), (updates.BUSY, Phase.WAITING), (updates.NO_ANSWER, Phase.WAITING),
    ],
)  # fmt: skip
def test_what_is_no_failure_stops_nothing(status: int, phase: Phase) -> None:
    village = Village()
    (first,) = village.turn()
    village.say(first, status)
    village.turn()
    assert village.rollout.nodes[first].phase is phase
    assert village.rollout.standing is Standing.RUNNING


def test_words_about_nodes_that_are_not_there_do_nothing() -> None:
    village = Village()
    village.say("nobody", updates.ROLLED_BACK)
    village.turn()
    assert village.rollout.standing is Standing.RUNNING and "nobody" not in village.rollout.nodes


@pytest.mark.parametrize("seed", range(40))
def test_whatever_nodes_say_no_offer_follows_a_failure_and_no_model_is_served_twice(seed: int) -> None:
    draw = random.Random(seed)
    village = Village()
    for _ in range(300):
        village.now_ms += draw.choice((0, 1_000, 60_000, 1_800_000))
        for _ in range(draw.randrange(3)):
            village.say(draw.choice(list(NODES)), draw.choice([*updates.STATUSES, 99]))
        failed_before = any(p.phase is Phase.FAILED for p in village.rollout.nodes.values())
        before = village.rollout
        offers = village.turn(seen(village.now_ms, silent=frozenset(draw.sample(sorted(NODES), 5))))
        assert not (offers and (failed_before or before.standing is Standing.STOPPED))
        fresh = [NODES[node] for node in offers if before.nodes[node].phase is Phase.WAITING]
        assert len(fresh) == len(set(fresh))
        assert 1 <= stage(village.rollout) <= 3
        if village.rollout.standing is Standing.STOPPED and draw.random() < 0.2:
            village.rollout = again(village.rollout, village.now_ms)


def test_a_rollout_to_nobody_is_done_at_once() -> None:
    empty = Rollout("r", "1.0.0", 0)
    assert step(empty, 1, (), {}, LIMITS)[0].standing is Standing.DONE
    passed = replace(empty, nodes={"a": Progress(Phase.PASSED)})
    assert step(passed, 1, (), {}, LIMITS)[0].standing is Standing.DONE


def test_nodes_that_never_answer_take_turns_with_the_others() -> None:
    """Two that hear no offer, as an old program does, must not be offered it alternately for ever."""
    rollout = begin("r", "0.2.0", ["a", "b", "c"], 0)
    now_ms, offered = 0, set[str]()
    while now_ms < 3 * LIMITS.answer_ms:
        now_ms += 10_000
        known = {node: Seen("soil", False, now_ms, True) for node in ("a", "b", "c")}
        rollout, offers = step(rollout, now_ms, (), known, LIMITS)
        offered |= set(offers)
    assert offered == {"a", "b", "c"}


def test_an_offer_waits_for_a_node_that_sleeps_and_is_not_said_again_until_it_was_heard() -> None:
    send_ms = 3_600_000
    away_ms = 2 * send_ms + 300_000
    rollout = begin("r", "0.2.0", ["a"], 0)
    now_ms, offers_at = 0, []
    while now_ms < 2 * send_ms:
        now_ms += 10_000
        heard_ms = now_ms // send_ms * send_ms
        known = {"a": Seen("soil", False, heard_ms, True, away_ms)}
        rollout, offers = step(rollout, now_ms, (), known, LIMITS)
        offers_at += [now_ms] if offers else []
    assert offers_at == [10_000, send_ms, 2 * send_ms], "also when it is unheard for longer than others may be"
    assert rollout.nodes["a"].phase is Phase.OFFERED
    rollout, _ = step(rollout, now_ms, [Said("a", updates.LOADING), Said("a", updates.LOADED)], known, LIMITS)
    rollout, _ = step(rollout, now_ms + LIMITS.trial_ms + send_ms, (), known, LIMITS)
    assert rollout.standing is Standing.RUNNING, "it has slept a whole time longer than others may take"


@pytest.mark.parametrize(
    ("status", "phase"), [(updates.NO_PARTITION, Phase.PASSED), (updates.WITHDRAWN, Phase.WAITING)]
)
def test_a_chip_that_cannot_take_it_stops_nobody_and_a_late_taker_waits(status: int, phase: Phase) -> None:
    village = Village()
    (first,) = village.turn()[:1]
    village.say(first, updates.LOADING, status)
    village.turn()
    assert village.rollout.nodes[first].phase is phase and village.rollout.standing is Standing.RUNNING
