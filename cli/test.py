"""``hoiquan test``: the tools first, then every check, then the tests; all of them, also when one fails.

Rules
1. Missing tools are installed before anything runs. Nothing else is started here: a test starts what it needs.
2. A check that passes prints one line; one that fails shows all it said. pytest is always shown.
3. Tests run side by side, one on each core, but for those that are ``alone`` (tests/conftest.py): they come after.
4. With paths or -k a person works on one thing: only pytest runs, on that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.arguments import Parser, folder
from hardware import tools as hardware_tools
from kit import toolchain
from kit.clock import real_mono_s

ROOT = Path(__file__).resolve().parent.parent
ARTEFACTS_ENV = "HOIQUAN_ARTEFACTS"
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@dataclass(frozen=True)
class Check:
    """One step: a Python command line and whether its output is shown as it comes."""

    name: str
    python: Sequence[str]
    shown: bool = False


TOOLS = (
    toolchain.mosquitto,
    toolchain.micropython,
    toolchain.chromium,
    toolchain.browser_driver,
    toolchain.postgresql,
    toolchain.victoria_metrics,
    hardware_tools.graphviz,
)
CHECKS = (
    Check("ruff", ("-m", "ruff", "check", ".")),
    Check("mypy", ("-m", "mypy", ".")),
    Check("lint-imports", ("-c", LINT_IMPORTS, "--no-logo")),
    Check("docs", ("-m", "cli", "docs", "--check")),
    Check("side by side", ("-m", "pytest", "-n", "auto", "-m", "not alone"), shown=True),
    Check("alone", ("-m", "pytest", "-m", "alone"), shown=True),
)


def main(argv: list[str]) -> int:
    """Install the tools, run the checks and tests, and print the summary."""
    parser = Parser(prog="hoiquan test", description="Check the code and run all tests on real components.")
    parser.add_argument("paths", nargs="*", metavar="PATH",
                        help="test files or folders (default: all checks and all tests)")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests whose names match, as in pytest")
    parser.add_argument("--artefacts", type=folder, default=ROOT / "artefacts", metavar="FOLDER",
                        help="where screenshots and figures are kept (default: artefacts)")
    args = parser.parse_args(argv)
    missing = [path for path in args.paths if not Path(path.split("::")[0]).exists()]
    if missing:
        parser.error(f"không có tệp hay thư mục {missing[0]!r} / there is no file or folder {missing[0]!r}")
    for tool in TOOLS:
        tool()
    hardware_tools.folder()  # from the package index, where the others come from Debian
    args.artefacts.mkdir(exist_ok=True)
    words = [*(str(Path(path).absolute()) for path in args.paths), *(["-k", args.k] if args.k else [])]
    checks = [Check("pytest", ("-m", "pytest", *words), shown=True)] if words else CHECKS
    return run_all(checks, {ARTEFACTS_ENV: str(args.artefacts.resolve())})


def run_all(checks: Sequence[Check], environment: dict[str, str]) -> int:
    """Run each check, print a line for each and a summary."""
    began_s = real_mono_s()
    failed = [check.name for check in checks if not passes(check, environment)]
    took_s = real_mono_s() - began_s
    print(f"hoiquan test: {took_s:.0f} s" + (f", failed: {', '.join(failed)}" if failed else ""))
    print(f"checks: {len(checks) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


def passes(check: Check, environment: dict[str, str]) -> bool:
    """Run one check in a process of its own."""
    began_s = real_mono_s()
    done = subprocess.run(
        [sys.executable, *check.python],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=None if check.shown else subprocess.PIPE,
        stderr=None if check.shown else subprocess.STDOUT,
        check=False,
    )
    if done.stdout and done.returncode != 0:
        sys.stdout.write(done.stdout.decode("utf-8", "replace"))
    verdict = "ok    " if done.returncode == 0 else "FAILED"
    print(f"{verdict} {check.name:14}{real_mono_s() - began_s:6.1f} s", flush=True)
    return done.returncode == 0
