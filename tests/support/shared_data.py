"""Other people's data, which tests read where it lies and which is never copied into this repository.

It is looked for in the folder that HOIQUAN_SHARED_DATA names, else in ``shared/data`` beside the checkout. Where it is
absent, the tests that need it are skipped with one line that says so.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def folder(name: str) -> Path:
    """The folder of a data set, such as ``fao56``; skips the test when it is not on this machine."""
    data = Path(os.environ.get("HOIQUAN_SHARED_DATA") or ROOT.parent / "shared/data")
    if not (data / name).is_dir():
        pytest.skip(f"no {data / name}: name the folder of the data sets in HOIQUAN_SHARED_DATA")
    return data / name
