"""``hoiquan what-if``: the command of the gateway, from the one entry that people know."""

from __future__ import annotations

from gateway.__main__ import main as gateway


def main(argv: list[str]) -> int:
    """Run ``python -m gateway what-if`` with the same arguments."""
    return gateway(["what-if", *argv])
