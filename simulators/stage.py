"""One machine as the stage of a whole village: where the files of a run are, which ports it uses, how each
process is started.

Rules of this module:
- Every process is the real one, started as it would be anywhere: nothing here reaches into it.
- All of a run's files are under one folder; ports are free ones of loopback; all processes live by one clock
  file.
- The cloud is reached through a relay (simulators.link), so that its line can be cut while it goes on living.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import simulators
from gateway.home import HOME_ENV, Home
from kit.clock import CLOCK_ENV, SpedClock
from kit.files import write_atomic
from kit.supervisor import Program, Restart

HERE = Path(simulators.__file__).parent
REPOSITORY = HERE.parent
HOST = "127.0.0.1"
NODE_HEAP = "112k"  # what an ESP32 without extra memory leaves to MicroPython
COMMAND_S = 60.0
RESTART = Restart(first_s=0.5, longest_s=5.0, limit=20)


class StageError(Exception):
    """The village cannot be set up; one line for the person who started it."""


@dataclass(frozen=True)
class Ports:
    web: int
    broker: int
    cloud: int
    cloud_link: int
    field: int


def free_ports(web: int) -> Ports:
    """Ports that are free now; the page's port is chosen by the person."""
    with ExitStack() as held:
        found = []
        for _ in range(4):
            probe = held.enter_context(socket.socket())
            probe.bind((HOST, 0))
            found.append(probe.getsockname()[1])
    return Ports(web, *found)


@dataclass(frozen=True)
class Stage:
    root: Path
    ports: Ports
    micropython: Path
    mosquitto: Path
    firmware: Path  # the built tree of a node's flash

    @property
    def home(self) -> Home:
        return Home(self.root / "gateway")

    @property
    def cloud_db(self) -> Path:
        return self.root / "cloud" / "cloud.db"

    @property
    def field(self) -> Path:
        return self.root / "field"

    @property
    def weather(self) -> Path:
        return self.field / "weather.csv"

    @property
    def witness(self) -> Path:
        return self.field / "witness.jsonl"

    @property
    def truth(self) -> Path:
        return self.field / "truth.jsonl"

    @property
    def clock(self) -> Path:
        return self.root / "clock.json"

    def make_folders(self) -> None:
        for folder in (self.home.root, self.cloud_db.parent, self.field, self.root / "nodes", self.root / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.root / "nodes").chmod(0o700)  # a node keeps its config there, with its key

    def write_registry(self) -> None:
        """The demonstration's registry with the ports of this run."""
        text = (HERE / "village.toml").read_text(encoding="utf-8")
        for written, wanted in (
            ("port = 8883\n", f"port = {self.ports.broker}\n"),
            ("port = 8080\n", f"port = {self.ports.web}\n"),
            ('url = "http://127.0.0.1:8090"\n', f'url = "http://{HOST}:{self.ports.cloud_link}"\n'),
        ):
            if text.count(written) != 1:
                raise StageError(f"village.toml must hold {written.strip()!r} once")
            text = text.replace(written, wanted)
        write_atomic(self.home.registry, text)

    def write_clock(self, clock: SpedClock) -> None:
        write_atomic(self.clock, clock.to_json())

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What every process gets: nothing secret, and nothing of the caller's Python settings."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, CLOCK_ENV: str(self.clock), HOME_ENV: str(self.home.root), **(more or {})}

    def command(self, *words: str | Path, stdin: str | None = None) -> str:
        """What one of our own command lines printed; StageError with its words when it fails."""
        argv = [sys.executable, "-m", *map(str, words)]
        try:
            done = subprocess.run(
                argv, cwd=REPOSITORY, env=self.environment(), input=stdin, capture_output=True, text=True,
                timeout=COMMAND_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise StageError(f"{' '.join(argv[2:4])} took more than {COMMAND_S:g} s") from error
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise StageError(f"{' '.join(argv[2:4])} failed: {' '.join(last) or f'exit code {done.returncode}'}")
        return done.stdout

    @property
    def cloud_url(self) -> str:
        return f"sqlite:///{self.cloud_db}"

    def broker_program(self) -> Program:
        return self._program("broker", [self.mosquitto, "-c", self.home.mosquitto_conf])

    def cloud_program(self) -> Program:
        words = ["--database", self.cloud_url, "serve", "--host", HOST, "--port", str(self.ports.cloud)]
        return self._program("cloud", self._python("cloud", *words))

    def gateway_program(self) -> Program:
        return self._program("gateway", self._python("gateway", "run", "--home", self.home.root))

    def field_program(self, seed: int, start_ms: int, end_ms: int | None) -> Program:
        argv: list[str | Path] = self._python(
            "simulators.field_server", "--village", self.home.registry, "--truth", HERE / "field.toml",
            "--weather", self.weather, "--witness", self.field, "--port", str(self.ports.field),
            "--seed", str(seed), "--start-ms", str(start_ms), "--outlook", self.home.outlook,
        )  # fmt: skip
        if end_ms is not None:
            argv += ["--end-ms", str(end_ms)]
        return self._program("field", argv, restart=None)

    def node_program(self, node: str) -> Program:
        """Real MicroPython with an ESP32's heap, on the bytecode that goes onto a node."""
        more = {
            "MICROPYPATH": f"{HERE / 'node_hal'}:{self.firmware}:.frozen",
            "HOIQUAN_NODE_CONFIG": str(self.home.nodes / f"{node}.json"),
            "HOIQUAN_NODE_FLASH": str(self.root / "nodes" / f"{node}.flash"),
            "HOIQUAN_FIELD": f"{HOST}:{self.ports.field}",
        }
        argv: list[str | Path] = [self.micropython, "-X", f"heapsize={NODE_HEAP}", "-m", "main"]
        return self._program(node, argv, more=more, cwd=self.root / "nodes")

    def _python(self, module: str, *words: str | Path) -> list[str | Path]:
        return [sys.executable, "-m", module, *words]

    def _program(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        more: Mapping[str, str] | None = None,
        cwd: Path = REPOSITORY,
        restart: Restart | None = RESTART,
    ) -> Program:
        log = self.root / "logs" / f"{name}.log"
        return Program(name=name, argv=argv, env=self.environment(more), cwd=cwd, log=log, restart=restart)
