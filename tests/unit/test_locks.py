"""The locked dependencies: the two files agree, they satisfy pyproject.toml, and every file has a hash."""

import re
import tomllib
from pathlib import Path

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
