"""Where everything must be there, a test that is skipped has failed.

Rules
1. In continuous integration (CI is set) and under ``./hoiquan test`` (it sets HOIQUAN_ARTEFACTS, and has installed the
   tools) a skip is a failure: nothing may be left out without a word. A person who runs plain pytest is only told.
2. Other people's data sets (tests.support.shared_data) may not be handed on, so they may be missing anywhere.
3. A test is ``alone`` when it is about real processes or about time: others beside it would be its weather. All in the
   folders ``ALONE`` are; elsewhere a test says so itself. The rest may run side by side (``hoiquan test`` does that).
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

STRICT = any(os.environ.get(name) for name in ("CI", "HOIQUAN_ARTEFACTS"))
MAY_BE_MISSING = "HOIQUAN_SHARED_DATA"  # the reason of such a skip names it
ALONE = ("crash", "e2e", "net")

_Report = pytest.TestReport | pytest.CollectReport


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.path.relative_to(here).parts[0] in ALONE:
            item.add_marker(pytest.mark.alone)


def _judge(report: _Report) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if report.skipped and not hasattr(report, "wasxfail") and MAY_BE_MISSING not in reason:
        report.outcome = "failed"
        report.longrepr = f"{reason}: a skip is a failure where CI or HOIQUAN_ARTEFACTS is set"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if STRICT:
        _judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if STRICT:
        _judge(report)
    return report
