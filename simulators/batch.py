"""A run of so many days that puts the village through its faults, lets it drain, and audits it.

Rules of this module:
- Faults come at the village times of simulators.faults and hit processes from outside, as a power cut or a cut
  cable would.
- At the end of the last day the nodes measure no more; the run waits until what they have measured is where it
  belongs, or until its patience ends. Then every process is stopped, the field last, and only then are the
  files judged.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kit.clock import real_mono_s, real_sleep_s, vietnam_time
from simulators import audit, summary
from simulators.choice import Choice
from simulators.faults import Fault, Faults, plan
from simulators.launch import Running
from simulators.memory import PeakMemory

POLL_S = 0.05
MEMORY_EVERY_S = 1.0
SAY_EVERY_MS = 6 * 3_600_000
DRAIN_S = 90.0  # real seconds; the longest wait of a part is its reconnection
QUIET_S = 2.0  # drained must stay drained for so long


class Batch:
    """One run; `run` says whether all of it held."""

    def __init__(
        self,
        running: Running,
        choice: Choice,
        seed: int,
        start_ms: int,
        end_ms: int,
        summary_file: Path | None,
        say: Callable[[str], None],
    ) -> None:
        assert choice.days is not None  # a run without an end is not a batch
        self._running = running
        self._choice = choice
        self._days = choice.days
        self._seed = seed
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._summary_file = summary_file
        self._say = say
        self._faults = Faults(list(plan(start_ms, end_ms - start_ms)))
        self._memory = PeakMemory()
        self._looked_s = 0.0

    def run(self) -> bool:
        began_s = real_mono_s()
        self._live()
        lived_s = real_mono_s() - began_s
        drained = self._drain()
        restarts = {name: self._running.supervisor.starts(name) - 1 for name in self._names()}
        self._stop()
        facts = summary.RunFacts(
            start=str(self._choice.first),
            days=self._days,
            start_ms=self._start_ms,
            end_ms=self._end_ms,
            speed=self._running.clock.speed,
            seed=self._seed,
            weather=self._choice.weather.label,
            real_s=lived_s,
            drain_real_s=real_mono_s() - began_s - lived_s,
            faults=tuple(self._faults.happened),
            restarts={name: count for name, count in restarts.items() if count},
        )
        return self._judge(facts, drained)

    def _live(self) -> None:
        """From the first day to the end of the last."""
        said_ms = self._start_ms
        while (now_ms := self._running.clock.now_ms()) < self._end_ms and not self._running.supervisor.gave_up():
            self._poll()
            for fault in self._faults.due(now_ms, watering=bool(self._running.watering())):
                self._commit(fault)
            if now_ms - said_ms >= SAY_EVERY_MS:
                said_ms += SAY_EVERY_MS
                self._say(self._running.progress())
            real_sleep_s(POLL_S)

    def _drain(self) -> bool:
        """Wait until everything measured is in gateway and cloud, for as long as patience lasts."""
        self._say("the last day is over: the nodes send what they have")
        deadline_s = real_mono_s() + DRAIN_S
        quiet_since_s: float | None = None
        while real_mono_s() < deadline_s:
            self._poll()
            if not self._running.watch.drained():
                quiet_since_s = None
            elif quiet_since_s is None:
                quiet_since_s = real_mono_s()
            elif real_mono_s() - quiet_since_s >= QUIET_S:
                return True
            real_sleep_s(4 * POLL_S)
        return False

    def _stop(self) -> None:
        """End every process; the field last, so that it sees all outputs go off."""
        for name in (*self._running.village.nodes, "gateway", "cloud", "broker", "field"):
            self._running.supervisor.end(name)

    def _judge(self, facts: summary.RunFacts, drained: bool) -> bool:
        stage = self._running.stage
        report = audit.audit(
            audit.Evidence(
                witness=stage.witness,
                data=stage.home.data,
                control=stage.home.control,
                cloud=stage.cloud_db,
                tenant=self._running.village.id,
                speed=self._running.clock.speed,
                hard_max_ms={
                    (node.id, output.index): output.hard_max_s * 1000
                    for node in self._running.village.nodes.values()
                    for output in node.outputs
                },
                peak_memory_mb=self._memory.peaks_mb(),
            )
        )
        report.require(drained, f"the village was not quiet {DRAIN_S:g} s after its last day")
        missing = [due.fault.value for due in self._faults.waiting]
        report.require(not missing, f"a fault never came about: {', '.join(missing)}")
        lost = self._running.supervisor.gave_up()
        report.require(not lost, f"could not be kept running: {', '.join(lost)}")
        found = summary.figures(report, facts)
        for line in summary.lines(found):
            self._say(line)
        if self._summary_file is not None:
            picture = summary.picture(self._running.village, facts, stage.witness, stage.truth)
            self._say(f"summary     {self._summary_file}, picture {summary.write(self._summary_file, found, picture)}")
        return report.ok

    def _poll(self) -> None:
        self._running.supervisor.poll()
        self._running.watch.follow()
        if real_mono_s() - self._looked_s >= MEMORY_EVERY_S:
            self._looked_s = real_mono_s()
            self._memory.look()

    def _commit(self, fault: Fault) -> None:
        self._say(f"{_words(self._running.clock.now_ms())}  {fault.value}")
        if fault == Fault.CUT_CLOUD:
            self._running.link.cut()
        elif fault == Fault.MEND_CLOUD:
            self._running.link.mend()
        elif fault == Fault.KILL_BROKER:
            self._running.supervisor.kill("broker")
        else:
            self._running.supervisor.kill("gateway")  # its children die with it

    def _names(self) -> tuple[str, ...]:
        return (*self._running.village.nodes, "gateway", "cloud", "broker", "field")


def _words(at_ms: int) -> str:
    return f"{vietnam_time(at_ms):%Y-%m-%d %H:%M}"
