"""What a reading costs the flash: erases of real LittleFS, counted by the block device, of the node's own bytecode.

The issue's bound is a tenth of an erase a record, in every state: 100,000 erases of a block are then decades.
"""

from __future__ import annotations

from pathlib import Path

from cli.firmware_build import build
from tests.support.mp import run_micropython

RUNNER = Path(__file__).with_name("wear_runner.py")
MOST = 0.1


def test_no_reading_costs_more_than_a_tenth_of_an_erase(tmp_path: Path) -> None:
    """Batches of 1 to 40 readings: kept through an outage, acknowledged at once, acknowledged late."""
    path = (build(tmp_path / "node", also=RUNNER),)
    done = run_micropython(RUNNER, heap="8m", path=path, timeout=120)
    rows = [line.split() for line in done.stdout.splitlines()]
    worn = {(state, int(batch)): int(erases) / int(records) for state, batch, erases, records in rows}
    print(worn)
    assert len(worn) == 30 and {state for state, _ in worn} == {"kept", "sent", "late"}
    assert max(worn.values()) <= MOST
    assert all(worn[state, 4] <= 0.06 for state in ("kept", "sent", "late")), "a level node, say"
