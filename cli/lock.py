"""``hoiquan lock``: writes the locked versions of all dependencies from pyproject.toml (ADR 0005).

locked.txt has versions and hashes and is what ``./hoiquan`` installs; constraints.txt has the same versions
without hashes, for ``pip install -c constraints.txt .[gateway]``. Neither names a package index.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cli.arguments import Parser
from kit.files import write_atomic

ROOT = Path(__file__).resolve().parent.parent
LOCKED = ROOT / "locked.txt"
CONSTRAINTS = ROOT / "constraints.txt"
LOCKED_HEAD = "# Written by './hoiquan lock'. Install with: pip install --require-hashes -r locked.txt\n"
CONSTRAINTS_HEAD = "# Written by './hoiquan lock'. Use with: pip install -c constraints.txt '.[gateway]'\n"


def main(argv: list[str]) -> int:
    """Resolve, and write both files."""
    parser = Parser(prog="hoiquan lock", description="Write locked.txt and constraints.txt from pyproject.toml.")
    parser.add_argument("--upgrade", action="store_true",
                        help="take the newest versions, not the locked ones where they fit")
    args = parser.parse_args(argv)
    done = subprocess.run(resolve_command(upgrade=args.upgrade), cwd=ROOT, check=False)
    if done.returncode != 0:
        print("hoiquan lock: the versions could not be resolved, see above", file=sys.stderr)
        return 1
    locked = LOCKED.read_text(encoding="utf-8")
    write_atomic(LOCKED, LOCKED_HEAD + re.sub(r"\A(#.*\n)+", "", locked))
    write_atomic(CONSTRAINTS, CONSTRAINTS_HEAD + without_hashes(locked))
    return 0


def resolve_command(*, upgrade: bool) -> list[str]:
    """For every Python from 3.11 on and every platform at once; what is locked stays if it fits."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "--quiet"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate"]
    return [*command, "--output-file", LOCKED.name, *(["--upgrade"] if upgrade else [])]


def without_hashes(locked: str) -> str:
    """The lines ``name==version ; marker`` alone."""
    pins = [line.removesuffix("\\").rstrip() for line in locked.splitlines() if re.match(r"[a-zA-Z0-9]", line)]
    return "\n".join(pins) + "\n"
