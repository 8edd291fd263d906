"""A test that is skipped has failed where everything must be there (tests/conftest.py)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import pytest
def test_tool(): pytest.skip("no such tool")
def test_data(): pytest.skip("name the folder of the data sets in HOIQUAN_SHARED_DATA")
@pytest.mark.xfail(strict=True)
def test_known(): assert False
def test_good(): pass
"""


@pytest.mark.parametrize("setting", ["CI", "HOIQUAN_ARTEFACTS", ""])
def test_a_skip_is_a_failure_where_nothing_may_be_missing(tmp_path: Path, setting: str) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_one.py").write_text(TESTS)
    (tmp_path / "test_two.py").write_text("import pytest\npytest.skip('a whole module', allow_module_level=True)")
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "HOIQUAN_ARTEFACTS")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(tmp_path),
         "--continue-on-collection-errors", "-p", "no:cacheprovider"],
        env={**environment, **({setting: "1"} if setting else {})}, cwd=tmp_path, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    last = done.stdout.splitlines()[-1]
    if setting:
        assert done.returncode == 1
        assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error" in last
        assert "no such tool" in done.stdout and "a whole module" in done.stdout
    else:
        assert done.returncode == 0
        assert "1 passed, 3 skipped, 1 xfailed" in last
