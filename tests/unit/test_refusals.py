"""A wrong registry is refused in Vietnamese first, with field, value and allowed range; the running plan stays."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import in_force, refusals, registry
from gateway.__main__ import main
from gateway.home import Home
from gateway.provision import provision
from gateway.registry import RegistryError
from tests.support import village

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = [path for path in sorted((ROOT / "gateway").glob("*.py")) if path.name != "refusals.py"]
LETTER = re.compile(r"[ạảãàáâậầấẩẫăắằặẳẵèẻẽéẹêềểễếệđìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ]")


def texts_of(node: ast.expr) -> Iterator[str]:
    """A literal or f-string, with ⟨n⟩ for what is put in; of a choice both; of a variable nothing."""
    if isinstance(node, ast.IfExp):
        yield from (*texts_of(node.body), *texts_of(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = enumerate(node.values)
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else f"⟨{n}⟩" for n, part in parts)


def reasons() -> Iterator[str]:
    """Every reason that a module of the registry can give."""
    for path in REGISTRY:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "refuse":
                yield from ("must be " + said for said in texts_of(node.args[1]))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RegistryError":
                yield from texts_of(node.args[0])
            elif (
                isinstance(node, ast.Assign) and path.name == "strict.py" and ast.unparse(node.targets[0]) == "allowed"
            ):
                yield from ("must be " + said for said in texts_of(node.value))


@pytest.mark.parametrize("reason", sorted(set(reasons()) - {"must be ⟨1⟩"}))
def test_every_reason_is_in_the_catalogue(reason: str) -> None:
    assert refusals.is_known(reason), f"add to gateway/refusals.py: {reason!r}"
    said = refusals.vietnamese(reason)
    assert LETTER.search(said) and "{" not in said.replace("{ name, kc, p }", "")
    assert sorted(re.findall("⟨.⟩", said)) == sorted(re.findall("⟨.⟩", reason))


def test_the_catalogue_can_fail_and_nothing_is_swallowed() -> None:
    assert not refusals.is_known("must be green")
    assert refusals.vietnamese("must be green") == "không dùng được: must be green"


def refused(text: str) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        registry.parse(text)
    return caught.value


def test_an_error_carries_field_value_and_what_is_allowed() -> None:
    found = refused(village.TEXT.replace("dry_vwc = 0.22", "dry_vwc = 2300"))
    assert (found.field, found.value, found.allowed) == ("zone[1] 'xoai'.dry_vwc", "2300", "a number in 0.01..0.9")
    assert str(found) == "zone[1] 'xoai'.dry_vwc = 2300: must be a number in 0.01..0.9"
    assert found.vietnamese == "zone[1] 'xoai'.dry_vwc = 2300: phải là số trong 0.01..0.9"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_run_s = 1800", "max_run_s = -1", "max_run_s = -1: phải là số nguyên trong 1.."),
        ('probes = [{ node = "dat-2", channel = 0 }]', "probes = []", "probes = []: phải có 1 đến 16 bảng"),
        ("sample_s = 300", "", "sample_s = (chưa ghi): phải là số nguyên"),
        ("min_rest_s = 3600", "min_rest_s = 3600\nmax_rest_s = 1", "max_rest_s: không có mục này"),
        ('id = "dat-2"', 'id = "dat-1"', "node[2].id = 'dat-1': chỉ được ghi một lần"),
        ("[village]", "[village", "sai cách ghi TOML"),
    ],
)
def test_bad_input_is_told_in_vietnamese(old: str, new: str, said: str) -> None:
    assert old in village.TEXT
    assert said in refused(village.TEXT.replace(old, new, 1)).vietnamese


def test_an_impossible_soil_is_told_in_vietnamese() -> None:
    marks = "dry_vwc = 0.22"
    text = village.TEXT.replace(marks, marks + "\nsoil = { fc = 0.2, wp = 0.3, depth_m = 0.6 }", 1)
    assert refused(text).vietnamese == ("zone[1] 'xoai'.soil.wp = 0.3: phải là số trong 0.01..0.18, nhỏ hơn fc (0.2)")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.registry.write_text(village.TEXT, encoding="utf-8")
    provision(home)
    return home


def break_it(home: Home) -> None:
    home.registry.write_text(village.TEXT.replace("dry_vwc = 0.22", "dry_vwc = 23"), encoding="utf-8")


def test_check_tells_vietnamese_first_and_english_below(home: Home) -> None:
    asked = [sys.executable, "-m", "gateway", "check", "--home", str(home.root)]
    good = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert good.returncode == 0 and "dùng được: 4 hộp" in good.stdout.splitlines()[0]
    break_it(home)
    bad = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    vietnamese, english = bad.stdout.splitlines()
    assert bad.returncode == 1 and not bad.stderr
    assert "dry_vwc = 23: phải là số trong 0.01..0.9" in vietnamese
    assert english.startswith("  ") and "dry_vwc = 23: must be a number in 0.01..0.9" in english


def test_provision_refuses_what_run_would_pass_over(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    break_it(home)
    assert main(["provision", "--home", str(home.root)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        0 < line.index("phải là số trong 0.01..0.9") < line.index(" / ") < line.index("must be a number in 0.01..0.9")
    )
    assert in_force.load(home).village.zones["xoai"].dry_vwc == 0.22


def test_a_wrong_registry_leaves_the_last_good_one_in_force(home: Home) -> None:
    break_it(home)
    found = in_force.load(home)
    assert found.refused is not None and found.refused.value == "23" and in_force.is_edited(home)
    assert found.village == registry.parse(village.TEXT)
    home.registry.write_text(village.TEXT.replace("dry_vwc = 0.22", "dry_vwc = 0.23"), encoding="utf-8")
    assert in_force.load(home).refused is None and in_force.load(home).village.zones["xoai"].dry_vwc == 0.23


def test_without_a_good_one_it_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    break_it(home)
    with pytest.raises(RegistryError, match="dry_vwc = 23"):
        in_force.load(home)


def test_a_season_that_is_over_is_remarked_and_not_refused() -> None:
    crop = 'crop = { name = "dưa leo", start = 2024-02-01, stages_days = [20, 30, 40, 15] }'
    soil = "soil = { fc = 0.36, wp = 0.18, depth_m = 0.6 }"
    text = village.TEXT.replace('crop = "mango"', f"{crop}\n{soil}", 1)
    found = registry.parse(text)
    in_season, over = 1_709_259_000_000, 1_735_689_600_000
    assert in_force.remarks(found, in_season) == []
    (remark,) = in_force.remarks(found, over)
    assert (remark.field, remark.value) == ("zone 'xoai'.crop.start", "2024-02-01")
    assert "vụ này hết từ 2024-05-15" in remark.vi and "over on 2024-05-15" in remark.english
