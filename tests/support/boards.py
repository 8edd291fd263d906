"""A simulated board for a test: the built bytecode of a node with its real hal, on stand-ins of what a chip has.

    done = run_board(RUNNER, "argument")

Rules: one build serves all runners, so that it is made once; the stand-ins (tests/support/shims) come first on the
path; the heap is larger than a board's, because the test's own program lies in it too.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cli.firmware_build import build
from kit.files import write_atomic
from tests.support.mp import REPOSITORY, run_micropython

SHIMS = REPOSITORY / "tests" / "support" / "shims"
RUNNERS = ("driver_runner", "driver_heap_runner", "lease_runner", "valve_runner")


@cache
def tree() -> Path:
    """What the runners name of the node stays in it."""
    parts = [(REPOSITORY / "tests" / "contract" / f"{name}.py").read_text(encoding="utf-8") for name in RUNNERS]
    out = REPOSITORY / "build" / "board"
    out.mkdir(parents=True, exist_ok=True)
    beside = out / "runners.py"
    write_atomic(beside, "\n".join(parts))
    return build(out / "node", also=beside)


def run_board(runner: Path, *arguments: str) -> str:
    """What the runner printed."""
    return run_micropython(runner, heap="1m", path=(SHIMS, tree()), timeout=180, arguments=arguments).stdout
