"""``hoiquan docs``: writes the documents that are generated from code, or checks that they are fresh."""

from __future__ import annotations

import sys
from pathlib import Path

from cli import wire_docs
from cli.arguments import Parser

ROOT = Path(__file__).resolve().parent.parent


def main(argv: list[str]) -> int:
    """Write, or with ``--check`` only compare."""
    parser = Parser(prog="hoiquan docs", description="Write the documents that are generated from the wire contract.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a document is not fresh")
    if not parser.parse_args(argv).check:
        print("\n".join(f"wrote {name}" for name in wire_docs.write(ROOT)))
        return 0
    stale = wire_docs.stale(ROOT)
    if stale:
        print(f"hoiquan docs: not fresh: {', '.join(stale)}: run ./hoiquan docs and commit", file=sys.stderr)
    return 1 if stale else 0
