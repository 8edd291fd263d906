"""The rules of the house, checked on the files themselves, so that an export without git is checked too.

Each rule names the files that break it. An exception to a rule is made here, with its reason, or not at all.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.__main__ import VERSION

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cli", "cloud", "firmware", "gateway", "hardware", "kit", "pages", "simulators", "wire")
NOT_OURS = {".git", ".venv", ".tools", "build", "artefacts", "demo-home", "__pycache__", ".hypothesis"}
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_SECRET_SCAN_BYTES = 2_000_000

OWNERS_OF_TIME = ("kit/clock.py", "firmware/hal/", "simulators/node_hal/")
CLOCK_CALLS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "sleep", "sleep_ms", "sleep_us", "ticks_ms", "ticks_us"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
WIRE_MAY_IMPORT = {"binascii", "hashlib", "struct", "wire"}
NODE_LOGIC_NEVER_IMPORTS = {"cloud", "esp32", "gateway", "kit", "machine", "network", "pages", "simulators"}
# written in two parts, so that the rule does not find itself
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE" rb" KEY-----\s+[A-Za-z0-9+/=]{16}")
PACKAGE_INDEX = re.compile(
    rb"pypi\." rb"org|python" rb"hosted\.org|deb\.debian\." rb"org|registry\." rb"npmjs|piwheels\." rb"org"
)


def files(*folders: str, suffix: str = "") -> Iterator[Path]:
    """Our own files below these folders of the checkout."""
    for folder in folders:
        for where, below, names in os.walk(ROOT / folder):
            below[:] = sorted(other for other in below if other not in NOT_OURS and not other.endswith("_cache"))
            yield from (Path(where) / file for file in sorted(names) if file.endswith(suffix))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules(*folders: str) -> list[tuple[str, ast.Module]]:
    found = [(name(path), ast.parse(path.read_text(encoding="utf-8"))) for path in files(*folders, suffix=".py")]
    assert found, f"no module below {folders}: the walk is broken"
    return found


def imported_roots(tree: ast.Module) -> set[str]:
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            roots.add(node.module.split(".")[0])
    return roots


def test_no_module_is_too_long() -> None:
    long = [
        f"{name(path)} has {lines} lines"
        for path in files(*PACKAGES, suffix=".py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_MODULE_LINES
    ]
    assert not long


def test_no_function_is_too_long() -> None:
    long = [
        f"{module}:{node.lineno} {node.name} has {lines} lines"
        for module, tree in modules(*PACKAGES)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert not long


def test_every_module_states_what_it_is() -> None:
    silent = [module for module, tree in modules(*PACKAGES) if tree.body and ast.get_docstring(tree) is None]
    assert not silent


def reads_the_clock(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom) and node.module == "time":
        return any(alias.name in CLOCK_CALLS["time"] for alias in node.names)
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    owner = node.func.value
    owner_name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    return node.func.attr in CLOCK_CALLS.get(owner_name, set())


def test_only_the_clock_reads_the_time() -> None:
    guilty = [
        f"{module}:{getattr(node, 'lineno', 0)}"
        for module, tree in modules(*PACKAGES)
        if not module.startswith(OWNERS_OF_TIME)
        for node in ast.walk(tree)
        if reads_the_clock(node)
    ]
    assert not guilty, "take a Clock as an argument (kit.clock)"


@pytest.mark.parametrize(
    "code", ["time.sleep(1)", "from time import monotonic", "datetime.datetime.now()", "date.today()", "time.time()"]
)
def test_the_clock_rule_can_fail(code: str) -> None:
    assert any(reads_the_clock(node) for node in ast.walk(ast.parse(code)))


def test_nothing_is_swallowed() -> None:
    bare = [
        f"{module}:{node.lineno}"
        for module, tree in modules(*PACKAGES, "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not bare


def test_the_contract_imports_almost_nothing() -> None:
    guilty = {module: extra for module, tree in modules("wire") if (extra := imported_roots(tree) - WIRE_MAY_IMPORT)}
    assert not guilty


def test_node_logic_touches_no_hardware() -> None:
    guilty = {
        module: bad
        for module, tree in modules("firmware/node")
        if (bad := imported_roots(tree) & NODE_LOGIC_NEVER_IMPORTS)
    }
    assert not guilty


def test_no_private_key_is_kept_here() -> None:  # P14
    guilty = [
        name(path)
        for path in files(".")
        if path.stat().st_size < MAX_SECRET_SCAN_BYTES and PRIVATE_KEY.search(path.read_bytes())
    ]
    assert not guilty, "keys are generated where they are used"


def test_no_package_index_is_named() -> None:
    guilty = [name(path) for path in files(".") if PACKAGE_INDEX.search(path.read_bytes())]
    assert not guilty, "every machine uses the package index that it is set up with"


def promises() -> dict[str, list[str]]:
    """The ids of docs/promises.md and the test files named beside each."""
    rows = re.findall(r"^\| (P\d+) \|(.*)$", (ROOT / "docs/promises.md").read_text(encoding="utf-8"), re.MULTILINE)
    return {promise: re.findall(r"`(tests/[\w/.]+\.py)`", rest) for promise, rest in rows}


def cited_promises() -> dict[str, set[str]]:
    """The ids that each test file cites."""
    return {
        name(path): set(re.findall(r"\bP\d{1,2}\b", path.read_text(encoding="utf-8")))
        for path in files("tests", suffix=".py")
        if path != Path(__file__).resolve()
    }


def test_every_promise_is_tested_and_every_cited_promise_is_made() -> None:
    made, cited = promises(), cited_promises()
    assert made, "docs/promises.md has no row"
    everywhere = set().union(*cited.values()) | {"P14"}  # P14 is cited above
    assert set(made) <= everywhere, "promises that no test cites"
    assert everywhere <= set(made), "tests cite promises that docs/promises.md does not make"


def test_the_promise_table_names_the_tests_that_cite_it() -> None:
    cited = cited_promises() | {name(Path(__file__).resolve()): {"P14"}}
    wrong = [
        f"{promise}: {test}"
        for promise, tests in promises().items()
        for test in tests or ["no test"]
        if promise not in cited.get(test, set())
    ]
    assert not wrong


def test_one_version_everywhere() -> None:
    project = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert project is not None
    assert project[1] == VERSION
    assert f"## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
