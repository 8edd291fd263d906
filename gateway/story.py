"""What was done in a garden and why, as its farmer is told: what was asked for, what came of it, what is done now.

Rules
1. The starts and stops of water have their own place, each with its reason: they are not to be looked for between
   what was said every ten minutes.
2. What was said again and again without a change is one line, from the first time to the last.
3. A request of a person is shown from the moment it was kept until a while after its answer (``view.news_ms``). Its
   answer is the decision that names its number, and nothing else.
4. Only the newest LOOK_BACK decisions of a garden are looked at: some days.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from gateway.core import reasons
from gateway.core.rules import Rule, Verdict
from gateway.core.state import State
from gateway.store.control import ControlReader, Decision, Run, Told
from gateway.store.village import Intent
from pages import view
from pages.plot import SPAN_MS

LOOK_BACK = 600
REASONS = 6
TOLD_WATERINGS = 5  # with their reasons; of older ones only their times, for the plot
_OF_A_WATERING = (Verdict.START, Verdict.WATERING, Verdict.STOP)


@dataclass(frozen=True)
class Story:
    """What belongs into ``view.Garden``."""

    why: tuple[view.Reason, ...] = ()
    running: view.Running | None = None
    asked: view.Asked | None = None
    waterings: tuple[view.Watering, ...] = ()


def tell(
    control: ControlReader | None, zone: str, state: State, intent: Intent | None, now_ms: int, speed: float
) -> Story:
    """The story of one garden; ``intent`` is the last request for it. Raises StoreError."""
    if intent is not None and now_ms - intent.expires_ms > 2 * view.news_ms(speed):
        intent = None
    if control is None:
        return Story(asked=_asked(intent, None, state, now_ms, speed))
    told = control.told(zone, LOOK_BACK)
    runs = control.runs(now_ms - SPAN_MS, zone, view.MAX_WATERINGS)
    stretches = list(_stretches(told))[:REASONS]
    reasons_of_runs = {run.id: _why(run, told) for run in runs[:TOLD_WATERINGS]}
    start = _start_of_what_runs(zone, state, told)
    answers = [one.id for one in told if intent is not None and one.at_ms >= intent.at_ms]
    wanted = [start, *answers, *(last.id for _, last in stretches), *chain(*reasons_of_runs.values())]
    found = control.decisions_by_id({id for id in wanted if id is not None})
    answer = next((found[n] for n in reversed(answers) if intent and _is_answer(found[n], intent)), None)
    return Story(
        why=tuple(_reason(found[last.id], first.at_ms) for first, last in stretches),
        running=_running(zone, state, found.get(start or 0)),
        asked=_asked(intent, answer, state, now_ms, speed),
        waterings=tuple(_watering(run, reasons_of_runs.get(run.id, (None, None)), found) for run in runs),
    )


# ---- decisions


def _stretches(told: Sequence[Told]) -> Iterator[tuple[Told, Told]]:
    """The first and the last of what was said without a change, the newest first. What is done now is always told,
    starts and stops that are over are not (rule 1)."""
    first = last = None
    for one in told:
        if first and last and (one.verdict, one.rule) == (first.verdict, first.rule):
            first = one
            continue
        if first and last and (last is told[0] or last.verdict not in _OF_A_WATERING):
            yield first, last
        first = last = one
    if first and last and (last is told[0] or last.verdict not in _OF_A_WATERING):
        yield first, last


def _why(run: Run, told: Sequence[Told]) -> tuple[int | None, int | None]:
    """The ids of the decisions that began and ended a run."""
    began = _first(one.id for one in told if _began(one, run.why_start) and one.at_ms <= run.started_ms)
    ended = None
    for one in told:
        if one.at_ms < run.started_ms:
            break
        if one.rule == run.why_stop and one.verdict in (Verdict.STOP, Verdict.FAULT):
            ended = one.id  # the oldest of them after its start
    return began, ended


def _began(one: Told, rule: str) -> bool:
    return one.verdict == Verdict.START and one.rule == rule


def _first(ids: Iterable[int]) -> int | None:
    return next(iter(ids), None)


def _reason(decision: Decision, since_ms: int | None = None) -> view.Reason:
    return view.Reason(
        since_ms=decision.at_ms if since_ms is None else min(since_ms, decision.at_ms),
        at_ms=decision.at_ms,
        verdict=decision.verdict,
        text=decision.text_vi,
        english=_english(decision),
    )


def _english(decision: Decision) -> str:
    """The same decision told in English; nothing when it was kept by another version of the rules."""
    try:
        verdict, rule = Verdict(decision.verdict), Rule(decision.rule)
        inputs, limits = json.loads(decision.inputs), json.loads(decision.limits)
    except ValueError:
        return ""
    return reasons.tell("en", verdict, rule, inputs, limits, decision.at_ms)[: view.MAX_TEXT]


# ---- waterings


def _start_of_what_runs(zone: str, state: State, told: Sequence[Told]) -> int | None:
    memory = state.zones.get(zone)
    if memory is None or memory.run is None:
        return None
    why = memory.run.why
    return _first(one.id for one in told if _began(one, why))


def _running(zone: str, state: State, start: Decision | None) -> view.Running | None:
    memory = state.zones.get(zone)
    if memory is None or memory.run is None:
        return None
    run = memory.run
    phase: view.RunPhase = "closing" if run.stop else "opening" if run.started_at_ms is None else "on"
    since_ms = run.asked_at_ms if run.started_at_ms is None else run.started_at_ms
    return view.Running(phase, since_ms, run.ends_at_ms, None if start is None else _reason(start))


def _watering(run: Run, why: tuple[int | None, int | None], found: dict[int, Decision]) -> view.Watering:
    began, ended = (found.get(n) if n else None for n in why)
    return view.Watering(
        on_ms=run.started_ms,
        off_ms=run.ended_ms,
        litres=run.litres if run.ended_ms is not None else None,
        began=None if began is None else _reason(began),
        ended=None if ended is None else _reason(ended),
    )


# ---- what a person asked for


def _is_answer(decision: Decision, intent: Intent) -> bool:
    try:
        inputs = json.loads(decision.inputs)
    except ValueError:
        return False
    return isinstance(inputs, dict) and inputs.get("intent") == intent.id


def _asked(
    intent: Intent | None, answer: Decision | None, state: State, now_ms: int, speed: float
) -> view.Asked | None:
    """The request while it waits, and its answer for a while; nothing when it was taken without a word."""
    if intent is None or intent.kind not in ("water", "stop"):
        return None
    if now_ms - (intent.expires_ms if answer is None else answer.at_ms) > view.news_ms(speed):
        return None
    if answer is None and state.last_intent >= intent.id:
        return None
    return view.Asked(
        kind="stop" if intent.kind == "stop" else "water",
        at_ms=intent.at_ms,
        expires_ms=intent.expires_ms,
        minutes=intent.minutes,
        answer=None if answer is None else _reason(answer),
    )
