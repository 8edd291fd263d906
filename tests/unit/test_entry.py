"""./hoiquan itself: from anywhere, through a symlink, with spaces; and one line with exit code 69 when it cannot.

The checkout is a copy in a folder of the test, and pip is replaced there by a program that writes down its
arguments: what pip installs from the machine's package index is seen by every run of ./hoiquan test.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "dirname", "readlink", "uname", "mkdir", "cat", "sha256sum", "flock", "grep", "id")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment that looks half-made: a Python, and a pip that only takes notes."""
    folder = tmp_path / "hội quán"
    venv = folder / ".venv/bin"
    venv.mkdir(parents=True)
    for name in ("hoiquan", "locked.txt"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "cli").mkdir()
    (folder / "cli/__init__.py").touch()
    (folder / "cli/__main__.py").write_text("import os, sys; print(os.getcwd(), sys.argv[1:])\n")
    python = venv / "python"
    python.write_text(
        "#!/bin/sh\n"
        f'if [ "$2" = pip ]; then echo "$@" >>"{folder}/pip-calls"; [ "$3" = --version ] || exit "${{PIP_FAILS:-0}}"; '
        "exit; fi\n"
        f'[ "$1" = -c ] && {{ mkdir -p "{folder}/site"; echo "{folder}/site"; exit; }}\n'
        f'PYTHONPATH="{folder}" exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    (venv / "pip").write_text(f"#!{venv}/python\n")
    return folder


def start(program: Path, *words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, **environment}
    return subprocess.run(
        [program, *words], cwd=cwd, env=whole, capture_output=True, text=True, timeout=60, check=False
    )


def installs(checkout: Path) -> int:
    return (checkout / "pip-calls").read_text().count("--require-hashes")


def test_from_anywhere_through_a_symlink(checkout: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(checkout / "hoiquan")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "cli").mkdir(parents=True)  # must not be taken for ours
    (elsewhere / "cli/__init__.py").touch()
    (elsewhere / "cli/__main__.py").write_text("print('the wrong one')\n")
    done = start(link, "demo", "--home", "a b", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{elsewhere} ['demo', '--home', 'a b']\n"
    assert (checkout / "site/hoiquan.pth").read_text() == f"{checkout}\n"


def test_a_second_start_installs_nothing_and_a_new_lock_does(checkout: Path) -> None:
    first = start(checkout / "hoiquan", cwd=checkout)
    assert "Python packages into .venv" in first.stderr
    assert installs(checkout) == 1
    second = start(checkout / "hoiquan", cwd=checkout)
    assert (second.stderr, installs(checkout)) == ("", 1)
    with (checkout / "locked.txt").open("a") as locked:
        locked.write("# another version\n")
    start(checkout / "hoiquan", cwd=checkout)
    assert installs(checkout) == 2


def test_a_failed_install_is_one_line_and_is_tried_again(checkout: Path) -> None:
    failed = start(checkout / "hoiquan", cwd=checkout, PIP_FAILS="1")
    assert failed.returncode == 69
    assert "hoiquan: pip could not install the Python packages: is the network up?" in failed.stderr.splitlines()[-1]
    assert start(checkout / "hoiquan", cwd=checkout).returncode == 0


def machine(folder: Path, uname: str = "Linux", processor: str = "x86_64", user: str = "1000") -> str:
    """A PATH with nothing but the shell's own tools: no Python, no apt."""
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    for tool, answers in (("uname", f'[ "$1" = -s ] && echo {uname} || echo {processor}'), ("id", f"echo {user}")):
        (folder / tool).unlink()
        (folder / tool).write_text(f"#!/bin/sh\n{answers}\n")
        (folder / tool).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(("processor", "told"), [
    ("x86_64", "Python 3.11 or later is needed: install python3 with this system's package manager, then run again"),
    ("armv7l", "this is Linux on armv7l: use a 64-bit Linux (x86_64 or aarch64), such as 64-bit Raspberry Pi OS"),
])
def test_no_python(checkout: Path, tmp_path: Path, processor: str, told: str) -> None:
    done = start(checkout / "hoiquan", cwd=tmp_path, PATH=machine(tmp_path / "bin", processor=processor))
    assert (done.returncode, done.stderr) == (69, f"hoiquan: {told}\n")


def test_not_root(checkout: Path, tmp_path: Path) -> None:
    path = machine(tmp_path / "bin")
    apt = tmp_path / "bin/apt-get"
    apt.write_text("#!/bin/sh\nexit 1\n")
    apt.chmod(0o755)
    done = start(checkout / "hoiquan", cwd=tmp_path, PATH=path)
    assert done.returncode == 69
    told = "Python 3.11 or later is needed: run 'sudo apt-get install -y python3', then run again"
    assert done.stderr == f"hoiquan: {told}\n"


def test_no_network(checkout: Path, tmp_path: Path) -> None:
    path = machine(tmp_path / "bin", user="0")
    apt = tmp_path / "bin/apt-get"
    apt.write_text("#!/bin/sh\necho 'Temporary failure resolving'\nexit 100\n")
    apt.chmod(0o755)
    done = start(checkout / "hoiquan", cwd=tmp_path, PATH=path)
    assert done.returncode == 69
    assert done.stderr.splitlines()[-1].startswith("hoiquan: apt-get could not install python3: is the network up?")
