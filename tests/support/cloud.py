"""A real cloud process for one test: uvicorn over a ledger, on a free loopback port.

    with CloudProcess(database_url) as cloud:
        token = cloud.tenant("my-khanh"); cloud.ingest(token, rows); cloud.csv("my-khanh"); cloud.kill(); cloud.start()

Rules: the port survives kill() and start(); leaving the ``with`` block always ends the process.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import httpx
import zstandard

from cloud.core.batch import Reading
from tests.support.ports import free_port
from wire.columns import encode_columns

ROOT = Path(__file__).parents[2]
START_S = 20.0


def run_cloud(database: str, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """``python -m cloud`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cloud", "--database", database, *arguments],
        input=stdin, capture_output=True, text=True, timeout=60, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip


def body_of(readings: Sequence[Reading]) -> bytes:
    """A batch as a gateway sends it."""
    return zstandard.ZstdCompressor().compress(encode_columns(list(readings)))


class CloudProcess:
    """One ``python -m cloud serve``, or another program with the same arguments."""

    def __init__(self, database: str, program: Sequence[str] = ("-m", "cloud"), log: Path | None = None) -> None:
        self.database = database
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._log = log or Path(os.devnull)
        self._readers: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the cloud is not running"
        return self._process.pid

    def start(self, **environment: str) -> "CloudProcess":
        assert self._process is None, "the cloud is running"
        command = [sys.executable, *self._program, "--database", self.database, "serve", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env={**os.environ, **environment}
            )
        assert self._process.stdout is not None
        if not self._process.stdout.readline().startswith("http"):
            raise RuntimeError(f"the cloud did not start: exit code {self._process.wait(START_S)}")
        return self

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self.wait()

    def stop(self) -> int:
        """End it as systemd would: SIGTERM. Returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def wait(self) -> int:
        assert self._process is not None
        code = self._process.wait(START_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return code

    def memory_peak_kb(self) -> int:
        """VmHWM of the process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    def tenant(self, village: str) -> str:
        """Add a village; its gateway's token."""
        return self._printed("tenant", "add", village)

    def reader(self, village: str) -> str:
        """A token that reads a village."""
        if village not in self._readers:
            self._readers[village] = self._printed("tenant", "token", village, "--reader")
        return self._readers[village]

    def _printed(self, *arguments: str) -> str:
        done = run_cloud(self.database, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def post(self, path: str, token: str, body: bytes, **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {token}", "content-encoding": "zstd", **headers}
        return httpx.post(self.url + path, content=body, headers=sent, timeout=30)

    def ingest(self, token: str, readings: Sequence[Reading]) -> dict[str, object]:
        answer = self.post("/api/v1/ingest", token, body_of(readings))
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    def csv(self, village: str, start: str = "1970-01-02", end: str = "2200-01-01") -> list[list[str]]:
        """The lines of an export, without the header."""
        query = {"from": start, "to": end}
        credential = {"authorization": f"Bearer {self.reader(village)}"}
        answer = httpx.get(self.url + "/api/v1/readings.csv", params=query, headers=credential, timeout=60)
        assert answer.status_code == 200, answer.text
        return [line.split(",") for line in answer.text.splitlines()[1:]]

    def __enter__(self) -> "CloudProcess":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
