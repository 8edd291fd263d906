"""The locked dependencies: the two files agree, they satisfy pyproject.toml, and every file has a hash."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cli.lock import without_hashes

ROOT = Path(__file__).resolve().parents[2]
LOCKED = (ROOT / "locked.txt").read_text(encoding="utf-8")
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def pins() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in CONSTRAINTS.splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier).removeprefix("=="))
    return found


def test_both_files_hold_the_same_versions() -> None:
    kept = [line for line in CONSTRAINTS.splitlines() if not line.startswith("#")]
    assert without_hashes(LOCKED).splitlines() == kept


def test_every_locked_version_has_a_hash() -> None:
    entries = re.split(r"\n(?=[a-zA-Z0-9])", LOCKED)[1:]
    assert len(entries) > 30
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_locked_versions_satisfy_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + [text for extra in project["optional-dependencies"].values() for text in extra]
    locked = pins()
    for text in wanted:
        requirement = Requirement(text)
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} is not locked: run ./hoiquan lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{text}: run ./hoiquan lock"


def imported(*folders: str) -> set[str]:
    """The packages, as they are installed, that the modules of our folders import from outside."""
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()}
    roots: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                roots.add(node.module.partition(".")[0])
    installed = packages_distributions()
    return {canonicalize_name(installed[root][0]) for root in roots - ours - sys.stdlib_module_names}


@pytest.mark.parametrize("part", ["gateway", "cloud"])
def test_a_part_names_what_it_imports_and_nothing_else(part: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {canonicalize_name(Requirement(text).name) for text in project["optional-dependencies"][part]}
    named |= {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    needed = imported(part, "kit", "pages", "wire")
    assert needed - named == set(), "imported, and not named in pyproject.toml"
    assert named - needed == set(), "named in pyproject.toml, and imported nowhere"
