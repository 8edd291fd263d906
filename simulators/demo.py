"""``hoiquan demo``: a whole village of real processes on this machine, to look at or to be put through its
faults.

Rules of this module:
- Everything that runs is the real component (simulators.stage); this module only starts, watches, disturbs and
  stops it.
- However it ends, by itself, by Ctrl-C or by an error, no process is left; files are kept only where a folder
  was named, or when a run has failed and somebody will want to look.
- The console gets one address with its login, then a line now and then; everything else goes to the logs.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cli import firmware_build
from gateway.registry import RegistryError, load
from kit import toolchain
from kit.clock import SystemClock, real_sleep_s, sped_clock_from
from kit.supervisor import Supervisor
from simulators.batch import Batch
from simulators.choice import Choice, choose, for_place
from simulators.field.weather import WeatherError, local_date, local_midnight_ms, write_csv
from simulators.launch import Login, Running, launch, wait_for_page
from simulators.link import HOST, Link
from simulators.stage import HERE, Stage, StageError, free_ports

LEAD_REAL_S = 6.0  # from the first process to the first second of the village: so long does everything take to come up
PAGE_S = 60.0
POLL_S = 0.05
SAY_EVERY_MS = 6 * 3_600_000
DAY_MS = 86_400_000
MORNING_MS = 6 * 3_600_000  # a village to look at begins when the sun rises
INTERRUPTED = 130


def main(args: argparse.Namespace) -> int:
    """Run the demonstration with checked arguments; the exit code says how it went."""
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell starts what runs behind it with SIGINT ignored
        signal.signal(number, _stop)
    try:
        return _main(args)
    except (StageError, WeatherError, RegistryError, firmware_build.BuildFailed) as error:
        print(f"hoiquan demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("stopped")
        return INTERRUPTED if args.days else 0


def say(line: str) -> None:
    print(line, flush=True)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _main(args: argparse.Namespace) -> int:
    registry = load(HERE / "village.toml")
    choice = choose(
        file=args.weather,
        first=args.start,
        days=args.days,
        seed=args.seed,
        today=local_date(SystemClock().now_ms()),
        fetch=for_place(registry.latitude, registry.longitude),
    )
    with _folder(args.home) as folder:
        stage = Stage(
            root=folder.path,
            ports=free_ports(args.port),
            micropython=toolchain.micropython(),
            mosquitto=toolchain.mosquitto(),
            firmware=firmware_build.build(),
        )
        failed = _run(stage, choice, args)
        folder.keep = folder.keep or failed
    return 1 if failed else 0


class _Folder:
    def __init__(self, path: Path, keep: bool) -> None:
        self.path = path
        self.keep = keep


@contextmanager
def _folder(named: Path | None) -> Iterator[_Folder]:
    """Where the run's files go: the folder that was named, or one that is removed unless the run fails."""
    if named is not None and named.exists() and any(named.iterdir()):
        raise StageError(f"{named} is not empty: name a new folder for the village's files")
    path = named or Path(tempfile.mkdtemp(prefix="hoiquan-demo-"))
    folder = _Folder(path, keep=named is not None)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StageError(f"{path}: cannot be made ({error.strerror}): name another folder") from error
    try:
        yield folder
    finally:
        if folder.keep:
            say(f"files      {path}")
        else:
            shutil.rmtree(path, ignore_errors=True)


def _run(stage: Stage, choice: Choice, args: argparse.Namespace) -> bool:
    """Everything from the first process to the last; True when something failed."""
    with ExitStack() as cleanup:
        stage.make_folders()
        stage.write_registry()
        write_csv(choice.weather, stage.weather)
        start_ms = local_midnight_ms(choice.first) + (0 if choice.days else MORNING_MS)
        end_ms = start_ms + round(choice.days * DAY_MS) if choice.days else None
        clock = sped_clock_from(start_ms - round(LEAD_REAL_S * 1000 * args.speed), args.speed)
        stage.write_clock(clock)
        link = cleanup.enter_context(Link(stage.ports.cloud_link, stage.ports.cloud))
        supervisor = cleanup.enter_context(Supervisor())
        running = launch(stage, supervisor, link, clock, seed=args.seed, start_ms=start_ms, end_ms=end_ms)
        wait_for_page(running, PAGE_S)
        _announce(stage, choice, running.login, args.speed)
        if end_ms is None:
            return _until_interrupted(running)
        return not Batch(running, choice, args.seed, start_ms, end_ms, args.summary, say).run()


def _announce(stage: Stage, choice: Choice, login: Login, speed: float) -> None:
    say(f"page       http://{HOST}:{stage.ports.web}   name {login.name}   password {login.password}")
    end = f"{choice.days:g} day{'' if choice.days == 1 else 's'}" if choice.days else "until Ctrl-C"
    say(f"village    from {choice.first}, {end}, {speed:g} times as fast; weather: {choice.weather.label}")


def _until_interrupted(running: Running) -> bool:
    """Keep the village going; True when a process could not be kept running."""
    said_ms = running.clock.now_ms()
    while not running.supervisor.gave_up():
        running.supervisor.poll()
        running.watch.follow()
        now_ms = running.clock.now_ms()
        if now_ms - said_ms >= SAY_EVERY_MS:
            said_ms = now_ms
            say(running.progress())
        real_sleep_s(POLL_S)
    say(f"{', '.join(running.supervisor.gave_up())} does not stay up: see {running.stage.root / 'logs'}")
    return True
