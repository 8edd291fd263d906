"""Starts the processes of a machine, starts them again when they die, and never leaves one behind.

Rules
1. A child dies with its parent, even if the parent is killed with SIGKILL: the kernel sends the child SIGKILL
   (PR_SET_PDEATHSIG). Our stores are built to survive that.  The kernel forgets this for a program that changes
   its user, as Mosquitto does when root starts it without "user root".
2. A child that ends by itself is started again after a pause that doubles, from ``first_s`` to ``longest_s``; a
   child that ran for ``healthy_s`` starts from the first pause again. After ``limit`` starts in a row without
   that, the supervisor gives up on it, and ``run`` ends: a process that cannot start needs a person.
3. ``stop`` asks with SIGTERM, all children at once, and kills what is left of a child's process group at the
   deadline. It is called on the way out of the ``with`` block, whatever happened inside.
4. Children have their own session: Ctrl-C reaches the supervisor alone, which then stops them in order.
5. All pauses are real time: this is about processes, not about the village.

Call everything from the thread that made the supervisor: the kernel ties rule 1 to the thread that started the child.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from kit.clock import real_mono_s, real_sleep_s

POLL_S = 0.05
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

Report = Callable[[str, str, Mapping[str, object]], None]


@dataclass(frozen=True)
class Restart:
    """When a child that ended is started again; ``limit`` None means always."""

    first_s: float = 0.5
    longest_s: float = 30.0
    healthy_s: float = 60.0
    limit: int | None = None

    def pause_s(self, failures: int) -> float:
        """The pause after so many starts in a row that did not last."""
        return min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run. ``log`` gets stdout and stderr, appended; None lets them through."""

    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    log: Path | None = None
    restart: Restart | None = field(default_factory=Restart)  # None: it runs once


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    due_s: float | None = None
    failures: int = 0
    starts: int = 0
    exit_code: int | None = None
    gave_up: bool = False


class Supervisor:
    """A set of children; see the rules of the module."""

    def __init__(self, *, deadline_s: float = 10.0, report: Report | None = None) -> None:
        self._children: dict[str, _Child] = {}
        self._deadline_s = deadline_s
        self._report = report if report is not None else lambda _event, _name, _facts: None
        self._stop_signal: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, program: Program) -> int:
        """Start a program and return its process number."""
        if program.name in self._children and self.is_running(program.name):
            raise ValueError(f"{program.name} is running already")
        child = self._children[program.name] = _Child(program)
        return self._spawn(child)

    def poll(self) -> None:
        """Notice what ended and start again what is due. Call it often; it does not wait."""
        now_s = real_mono_s()
        for child in self._children.values():
            if child.process is not None and child.process.poll() is not None:
                self._ended(child, now_s)
            if child.due_s is not None and now_s >= child.due_s:
                self._spawn(child)

    def run(self, *programs: Program, until: Callable[[], bool] = lambda: False) -> int:
        """Start the programs and keep them running until SIGTERM, SIGINT or ``until()``; then stop all and return 0.

        Returns 1 as soon as one child is given up. The signals are caught before the first start.
        """
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            for program in programs:
                self.start(program)
            while self._stop_signal is None and not until() and not self.gave_up():
                self.poll()
                real_sleep_s(POLL_S)
            failed = bool(self.gave_up())
            self.stop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return 1 if failed else 0

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to one child, as a fault. It is started again by its rule."""
        process = self._children[name].process
        if process is not None and process.poll() is None:
            process.send_signal(number)

    def end(self, name: str) -> int | None:
        """Stop one child for good and return its exit code."""
        child = self._children[name]
        self._stop([child])
        return child.exit_code

    def stop(self) -> None:
        """Stop all children. Nothing runs afterwards."""
        self._stop(list(self._children.values()))

    def is_running(self, name: str) -> bool:
        """Whether the child runs at this moment."""
        process = self._children[name].process
        return process is not None and process.poll() is None

    def pid(self, name: str) -> int | None:
        """The child's process number while it runs."""
        process = self._children[name].process
        return process.pid if process is not None and process.poll() is None else None

    def starts(self, name: str) -> int:
        """How often the child was started."""
        return self._children[name].starts

    def exit_code(self, name: str) -> int | None:
        """The exit code of the last run that ended; negative: the signal that ended it."""
        return self._children[name].exit_code

    def gave_up(self) -> tuple[str, ...]:
        """The children that are not started again because they never lasted."""
        return tuple(name for name, child in self._children.items() if child.gave_up)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._stop_signal = number

    def _spawn(self, child: _Child) -> int:
        program = child.program
        output = program.log.open("ab") if program.log is not None else None
        try:
            child.process = subprocess.Popen(
                [str(word) for word in program.argv],
                env=None if program.env is None else dict(program.env),
                cwd=program.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        finally:
            if output is not None:
                output.close()
        child.started_s, child.due_s = real_mono_s(), None
        child.starts += 1
        self._report("started", program.name, {"pid": child.process.pid, "starts": child.starts})
        return child.process.pid

    def _ended(self, child: _Child, now_s: float) -> None:
        assert child.process is not None
        child.exit_code = child.process.returncode
        _kill_group(child.process.pid)  # what it had started itself
        child.process = None
        rule = child.program.restart
        ran_s = now_s - child.started_s
        pause_s = None
        if rule is not None:
            child.failures = 1 if ran_s >= rule.healthy_s else child.failures + 1
            if rule.limit is not None and child.failures > rule.limit:
                child.gave_up = True
            else:
                pause_s = rule.pause_s(child.failures)
                child.due_s = now_s + pause_s
        facts = {"exit_code": child.exit_code, "ran_s": round(ran_s, 1), "again_in_s": pause_s}
        self._report("ended", child.program.name, facts)

    def _stop(self, children: list[_Child]) -> None:
        for child in children:
            child.due_s = None
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        deadline_s = real_mono_s() + self._deadline_s
        for child in children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline_s - real_mono_s()))
            except subprocess.TimeoutExpired:
                self._report("killed", child.program.name, {"deadline_s": self._deadline_s})
            _kill_group(child.process.pid)
            child.exit_code = child.process.wait()
            child.process = None
            self._report("stopped", child.program.name, {"exit_code": child.exit_code})


def _kill_group(pid: int) -> None:
    """Kill what is left of a child's process group, which has the child's number because of its own session."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # nobody left, or only one that changed its user
        return


def _die_with(parent: int) -> Callable[[], None]:
    """What the child does between fork and exec: ask the kernel to be killed with its parent."""

    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between, and the kernel will not tell
            os._exit(1)

    return prepare
