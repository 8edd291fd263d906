"""A board that was never set up: the node's bytecode in real MicroPython, its form on a port, its USB line a pipe."""

from __future__ import annotations

import subprocess
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

from cli.firmware_build import build
from tests.support.mp import HEAP, MICROPYTHON, REPOSITORY
from tests.support.ports import free_port

WIFI = ("Hội Quán", "mat-khau-wifi")


class NewNode:
    """``with NewNode(folder) as board: board.get("/"), board.post(n=…), board.type("HQ …")``."""

    def __init__(self, folder: Path, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.config = folder / "node.json"
        self._log = folder / "setup.log"
        self._environment = {
            "MICROPYPATH": f"{REPOSITORY / 'simulators' / 'node_hal'}:{build()}:.frozen",
            "HOIQUAN_NODE_CONFIG": str(self.config),
            "HOIQUAN_NODE_FLASH": str(folder / "flash"),
            "HOIQUAN_PORTAL": f"127.0.0.1:{self.port}",
            "HOIQUAN_WIFI": " ".join(WIFI),
            "PATH": "/usr/bin:/bin",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> NewNode:
        """Power on; also once more, after it has ended."""
        if self.process is not None:
            self._close()
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(MICROPYTHON), "-X", f"heapsize={HEAP}", "-m", "main"],
                cwd=self._log.parent, env=self._environment, stdin=subprocess.PIPE, stdout=log, stderr=log,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(5)
        if self.process.stdin is not None:
            self.process.stdin.close()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def is_open(self) -> bool:
        try:
            self.get("/")
        except (OSError, HTTPException):
            return False
        return True

    def wait_open(self) -> None:
        deadline = time.monotonic() + 20
        while not self.is_open():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def get(self, path: str) -> tuple[int, str]:
        return self._ask("GET", path, None)

    def post(self, **values: str) -> str:
        """Send the form, and the page once nothing is being tried any more."""
        status, _ = self._ask("POST", "/", urlencode(values))
        assert status == 303
        deadline = time.monotonic() + 60
        while "http-equiv" in (page := self.get("/")[1]):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        return page

    def type(self, line: str) -> None:
        """Over USB."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()
