"""The command line: instant help, one clear line for every mistake, the agreed exit codes."""

import argparse
import os
import pwd
import socket
import subprocess
import sys
import types
from datetime import date
from pathlib import Path

import pytest

from cli import __main__ as entry
from cli import arguments, demo, test
from kit.toolchain import ToolMissing

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "cli", *words], capture_output=True, text=True, cwd=cwd, check=False)


def test_help_names_every_command_and_imports_none() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in entry.available():
        assert f"\n  {name} " in done.stdout
    code = "import sys; from cli.__main__ import main; main(['--help']); print(*sys.modules)"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert "cli.demo" not in seen
    assert "cli.test" not in seen


def test_version_and_no_command() -> None:
    assert run("--version").stdout == f"hoiquan {entry.VERSION}\n"
    done = run()
    assert done.returncode == 2
    assert "usage: hoiquan" in done.stderr


def test_an_unknown_command_is_told_with_the_nearest_one() -> None:
    done = run("dmeo")
    assert done.returncode == 2
    vi, en = "không có lệnh 'dmeo', có phải 'demo' không?", "there is no command 'dmeo': did you mean 'demo'?"
    assert done.stderr == f"hoiquan: {vi} / {en}\n"


@pytest.mark.parametrize(("words", "told"), [
    (["--days", "0"], "0 is not in 1 to 366"),
    (["--days", "four"], "'four' is not a whole number"),
    (["--start", "01/03/2024"], "'01/03/2024' is not a day, write it like 2024-03-01"),
    (["--start", "2024-02-30"], "is not a day"),
    (["--weather", "nowhere.csv"], "there is no file 'nowhere.csv'"),
    (["--speed", "0.5"], "0.5 is not in 1 to 1200"),
    (["--speed", "1201"], "1201 is not in 1 to 1200"),
    (["--speed", "nan"], "nan is not in 1 to 1200"),
    (["--summary", "/nowhere/out.json"], "there is no folder '/nowhere', make it first"),
    (["--summary", "/tmp"], "'/tmp' is a folder, name a file in it"),
    (["--port", "70000"], "70000 is not in 1 to 65535"),
    (["--home", "/nowhere/home"], "there is no folder '/nowhere', make it first"),
    (["--seed", "-1"], "-1 is not in 0 to 4294967295"),
    (["--dyas", "4"], "unrecognized arguments: --dyas 4"),
    (["--day", "4"], "unrecognized arguments: --day 4"),
    (["--summary", "/tmp/out.json"], "--summary is written at the end of a run: give --days too"),
    (["--summary", "/proc/out.json", "--days", "1"], "'/proc/out.json' cannot be written"),
    (["--home", "/proc/home"], "'/proc/home' cannot be written"),
])
def test_a_wrong_argument_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        demo.parse(words)
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert told in said
    assert said.count("\n") == 1
    assert said.endswith("(xem / see hoiquan demo --help)\n")


def test_a_folder_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    tmp_path.chmod(0o755)
    was_root = os.geteuid() == 0
    if was_root:  # root reaches everything
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        with pytest.raises(argparse.ArgumentTypeError, match="cannot be reached"):
            arguments.folder(str(closed / "inner" / "home"))
    finally:
        if was_root:
            os.seteuid(0)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_busy_port_is_one_line_and_the_default_moves_on(
    address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(SystemExit) as stop:
            demo.parse(["--port", str(port)])
        assert stop.value.code == 2
        assert f"port {port} is in use, choose another" in capsys.readouterr().err
        monkeypatch.setattr(demo, "DEFAULT_PORT", port)
        assert demo.parse([]).port > port


def test_defaults_depend_on_days(tmp_path: Path) -> None:
    watching, running = demo.parse([]), demo.parse(["--days", "4"])
    assert (watching.days, watching.speed, watching.seed, watching.home) == (None, 60.0, 1, None)
    assert running.speed == 600.0
    summary = tmp_path / "out.json"
    args = demo.parse(
        ["--days", "1", "--start", "2024-03-01", "--home", str(tmp_path), "--summary", str(summary), "--speed", "5"]
    )
    assert (args.start, args.home, args.summary, args.speed) == (date(2024, 3, 1), tmp_path, summary, 5.0)


def test_the_village_gets_the_checked_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[argparse.Namespace] = []

    def main(args: argparse.Namespace) -> int:
        given.append(args)
        return 1

    village = types.ModuleType("simulators.demo")
    monkeypatch.setattr(village, "main", main, raising=False)
    monkeypatch.setitem(sys.modules, "simulators.demo", village)
    assert demo.main(["--days", "2"]) == 1
    assert given[0].days == 2


@pytest.mark.parametrize(("error", "code", "told"), [
    (ToolMissing("mosquitto is missing: run this"), 69, "hoiquan x: mosquitto is missing: run this\n"),
    (KeyboardInterrupt(), 130, "hoiquan x: stopped\n"),
])
def test_what_stops_a_command_is_one_line(
    error: BaseException, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = types.ModuleType("command_x")

    def main(_argv: list[str]) -> int:
        raise error

    monkeypatch.setattr(command, "main", main, raising=False)
    monkeypatch.setitem(sys.modules, "command_x", command)
    assert entry.run(entry.Command("x", "command_x", ""), []) == code
    assert capsys.readouterr().err == told


def test_checks_are_all_run_and_summed_up(capfd: pytest.CaptureFixture[str]) -> None:
    checks = [
        test.Check("good", ("-c", "print('quiet')")),
        test.Check("bad", ("-c", "print('why it failed'); raise SystemExit(5)")),
        test.Check("told", ("-c", "import os; print(os.environ['HOIQUAN_ARTEFACTS'])"), shown=True),
    ]
    assert test.run_all(checks, {test.ARTEFACTS_ENV: "/somewhere"}) == 1
    said = capfd.readouterr().out
    assert "quiet" not in said
    assert "why it failed" in said
    assert "/somewhere" in said
    assert "FAILED bad" in said
    assert said.splitlines()[-1] == "checks: 2 passed, 1 failed"


def test_paths_of_tests_must_exist() -> None:
    done = run("test", "tests/nowhere.py")
    assert done.returncode == 2
    assert done.stderr == (
        "hoiquan test: không có tệp hay thư mục 'tests/nowhere.py' / there is no file or folder 'tests/nowhere.py' "
        "(xem / see hoiquan test --help)\n"
    )


def test_a_port_below_1024_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert arguments.port_problem(80) == ("cổng 80 phải có quyền root", "port 80 needs root")
