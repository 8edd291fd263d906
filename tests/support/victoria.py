"""A real VictoriaMetrics, the server with the InfluxDB v2 write API that Debian has.

The project's own toolchain finds or unpacks it; where that cannot be, the test is skipped with a line that says why.
"""

import json
import subprocess
import time
from pathlib import Path
from types import TracebackType

import httpx
import pytest

from kit import toolchain
from tests.support.ports import free_port

START_S = 20.0
FOREVER = "1970-01-01T00:00:01Z"


def program() -> str:
    """The path of the server."""
    try:
        return str(toolchain.victoria_metrics())
    except toolchain.ToolMissing as error:
        pytest.skip(str(error))


class Victoria:
    """One server; its port and its data survive kill() and start()."""

    def __init__(self, folder: Path) -> None:
        self._program = program()
        self._folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Victoria":
        assert self._process is None, "it is running"
        self._process = subprocess.Popen(
            [
                self._program, f"-storageDataPath={self._folder}", f"-httpListenAddr=127.0.0.1:{self.port}",
                "-retentionPeriod=100y", "-search.latencyOffset=0s", "-dedup.minScrapeInterval=1ms",
                "-memory.allowedBytes=64MB", "-loggerLevel=WARN",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while True:
            try:
                if httpx.get(self.url + "/health", timeout=1).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("VictoriaMetrics did not start")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, as a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def points(self, metric: str) -> dict[tuple[str, str, str, int], float]:
        """All points of a metric: (tenant, node, channel, ms) → value."""
        httpx.get(self.url + "/internal/force_flush", timeout=10)
        answer = httpx.post(
            self.url + "/api/v1/export", data={"match[]": metric, "start": FOREVER, "end": "2099-01-01T00:00:00Z"},
            timeout=30,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        found = {}
        for line in answer.text.splitlines():
            series = json.loads(line)
            name = series["metric"]
            for value, at_ms in zip(series["values"], series["timestamps"], strict=True):
                found[(name["tenant"], name["node"], name["channel"], at_ms)] = value
        return found

    def drop(self, metric: str) -> None:
        """Delete every series of a metric."""
        url = self.url + "/api/v1/admin/tsdb/delete_series"
        assert httpx.post(url, data={"match[]": metric}, timeout=30).status_code == 204

    def snapshots(self) -> list[str]:
        found: list[str] = httpx.get(self.url + "/snapshot/list", timeout=10).json()["snapshots"]
        return found

    def __enter__(self) -> "Victoria":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
