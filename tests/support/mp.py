"""Real MicroPython (the unix port) for a test, with the heap of an ESP32.

    done = run_micropython("import node.mqtt; print('ok')")        # a str is code, a Path is a script
    with start_micropython(Path("script.py"), arguments=[…]) as process: …

Rules: `firmware/` and the repository are importable, as they are on the node (`import node`, `import wire`); nothing
of the test's own environment but PATH is handed on; a run that exceeds its time is killed.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kit import toolchain

REPOSITORY = Path(__file__).resolve().parents[2]
MICROPYTHON = toolchain.micropython()
NODE_PATH: tuple[str | Path, ...] = (REPOSITORY / "firmware", REPOSITORY)
HEAP = "112k"


class MicroPythonFailed(AssertionError):
    """The interpreter ended with an error; the message carries what it printed."""


def run_micropython(
    code_or_file: str | Path,
    heap: str = HEAP,
    path: Sequence[str | Path] = NODE_PATH,
    timeout: float = 30.0,
    arguments: Sequence[str] = (),
    check: bool = True,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run to the end; with `check`, an exit code other than 0 raises with the whole output."""
    done = subprocess.run(
        _command(code_or_file, heap, arguments),
        env=_environment(path, environment),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode != 0:
        raise MicroPythonFailed(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def start_micropython(
    code_or_file: str | Path,
    heap: str = HEAP,
    path: Sequence[str | Path] = NODE_PATH,
    arguments: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start and talk to it by stdin and stdout; the caller ends it."""
    return subprocess.Popen(
        _command(code_or_file, heap, arguments),
        env=_environment(path, environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    )


def _command(code_or_file: str | Path, heap: str, arguments: Sequence[str]) -> list[str]:
    what = [str(code_or_file)] if isinstance(code_or_file, Path) else ["-c", code_or_file]
    return [str(MICROPYTHON), "-X", f"heapsize={heap}", *what, *arguments]


def _environment(path: Sequence[str | Path], more: dict[str, str] | None) -> dict[str, str]:
    search = ":".join([*(str(entry) for entry in path), ".frozen"])
    return {"PATH": os.environ["PATH"], "MICROPYPATH": search, **(more or {})}
