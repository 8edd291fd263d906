"""Power cuts at any program or erase of the flash: real LittleFS, real MicroPython, the node's own bytecode.

Promise P1, on the node: a reading that the journal took survives; invariant: 0 stored records lost, 0 invented, 0
mounts failed, no boot_id twice.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.firmware_build import build
from tests.support.mp import run_micropython

CUTTER = Path(__file__).parent / "journal_cutter.py"
CUTS = 500


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("node"), also=CUTTER)


@pytest.mark.parametrize("seed", [1, 20241124])
def test_no_cut_loses_what_was_stored(seed: int, bundle: Path) -> None:
    done = run_micropython(CUTTER, heap="8m", path=(bundle,), timeout=90, arguments=(str(CUTS), str(seed)))
    figures = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", done.stdout)}
    assert figures["cuts"] == CUTS
    # The cuts were among real work, or they would prove nothing.
    assert figures["stored"] > 5 * CUTS and figures["acked"] > CUTS and figures["boots"] > CUTS // 2
