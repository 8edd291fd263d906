"""A gateway's record as a season of the simulated field leaves it: the real irrigation, and its journal in control.db.

with written(tmp_path, days=6) as home: …      # what-if and report read it as they read a village's
"""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from gateway.core.state import State
from gateway.core.step import step
from gateway.core.types import Decide, Effect, Inputs, Limits, RunEnded, RunStarted, Send
from gateway.home import Home
from gateway.journal import Journal, Plan
from gateway.store import control as stored
from gateway.store.control import ControlWriter
from gateway.translate import command, decision
from simulators.season import gateway as season_gateway
from simulators.season.gateway import Gateway
from simulators.season.scenario import Pace
from simulators.season.trial import Trial
from tests.support import seasons

MINUTE_MS = 60_000
PACE = Pace(MINUTE_MS, MINUTE_MS, 30_000, MINUTE_MS, Limits())  # as often as a real level node is read


def written(folder: Path, days: int, patch: pytest.MonkeyPatch, *, first: date = seasons.FIRST) -> tuple[Home, Gateway]:
    """A home with the record of some days, of the dry season if nothing is said, and the season's gateway and field."""
    home = Home(folder)
    home.registry.write_text(seasons.VILLAGE_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    scenario = seasons.scenario(days, first=first, pace=PACE)
    with closing(ControlWriter(home.control)) as writer, writer.transaction():
        keeper = _Keeper(writer, home.registry.read_text(encoding="utf-8"))
        patch.setattr(season_gateway, "step", keeper.step)
        gateway = Gateway(scenario, Trial(scenario))
        gateway.run(scenario.end_ms)
        writer.set_state(stored.State(1, gateway.state.at_ms, gateway.state.to_json()))
    return home, gateway


class _Keeper:
    """Stands for the step and writes it down, as the shell does."""

    def __init__(self, writer: ControlWriter, registry: str) -> None:
        self._writer = writer
        self._journal = Journal(writer, Plan(registry, 1.0, PACE.limits))
        self._runs: dict[str, int] = {}

    def step(self, state: State, now_ms: int, inputs: Inputs, limits: Limits) -> tuple[State, tuple[Effect, ...]]:
        after, effects = step(state, now_ms, inputs, limits)
        rows = [self._row(effect, now_ms) for effect in effects]
        self._journal.add(state, now_ms, inputs, effects, rows, after.to_json(), None)
        self._journal.kept()
        return after, effects

    def _row(self, effect: Effect, now_ms: int) -> int:
        if isinstance(effect, Decide):
            return self._writer.add_decision(decision(effect))
        if isinstance(effect, Send):
            return self._writer.add_command(command(effect, 0, now_ms))
        if isinstance(effect, RunStarted):
            run = stored.Run(0, effect.zone, effect.at_ms, None, 0.0, effect.why, None)
            self._runs[effect.zone] = self._writer.add_run(run)
        if isinstance(effect, RunEnded):
            self._writer.end_run(
                self._runs.get(effect.zone, 0), effect.ended_at_ms, effect.millilitres / 1000, effect.why
            )
        return self._runs.get(effect.zone, 0) if isinstance(effect, RunStarted | RunEnded) else 0
