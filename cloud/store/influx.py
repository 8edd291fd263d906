"""Readings as InfluxDB line protocol, and the servers that take it.

Rules
1. A line has exactly the tags tenant, node and channel; its measurement is the field's name; its fields are numbers
   only: ``value`` (in the field's unit, if there is one), ``raw``, ``flag``, ``time_quality``. Strings would become
   0 in VictoriaMetrics.
2. A reading is checked before it is sent, because a server may drop it in silence: VictoriaMetrics answers 204 to
   times more than two days ahead and, up to 1.79, to lines that it cannot read. A reading whose true time is not
   known is passed by: all such readings of a frame have the time at which that came in, and would overwrite
   each other, at a time at which nothing was measured.
3. When a server refuses a batch with 400 (a line is wrong) or 422 (a line is older than what it keeps), halves of it
   are tried, down to the one line that is refused: it is named as poison and the others are written. A batch that
   is too large for it (413) is halved likewise; a single line cannot be.
4. 204 is a promise of InfluxDB but not of VictoriaMetrics, which loses what it has just acknowledged when it is killed.
   ``make_durable`` returns when everything written before it is on disk: there by making a snapshot, and deleting it.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from cloud.core.batch import Reading
from cloud.core.table import decimal
from cloud.store.ledger import Stored
from wire import fields

AHEAD_MS = 24 * 3600 * 1000
_REFUSES_LINES = (400, 422)
_TOO_LARGE = 413
TIMEOUT_MS = 30_000
Barrier = Literal["auto", "influxdb", "victoriametrics"]


class ServerError(Exception):
    """The server cannot take anything now; nothing was promised. Try again later."""


@dataclass(frozen=True)
class Poison:
    """A reading that cannot be projected, and why."""

    stored: Stored
    reason: str


def line_of(tenant: str, reading: Reading) -> str:
    """One line, time in milliseconds. Ids are [a-z0-9-] and names are ours, so nothing needs an escape."""
    spec = fields.field(reading.field)
    value = "" if reading.value is None else f"value={decimal(reading.value, spec.decimals)},"
    return (
        f"{spec.name},tenant={tenant},node={reading.node},channel={reading.channel} "
        f"{value}raw={reading.raw}i,flag={reading.flag}i,time_quality={reading.time_quality}i {reading.measured_ms}"
    )


def objection(reading: Reading, now_ms: int) -> str | None:
    """Why a server would not keep this reading, or None."""
    if reading.time_quality == fields.CLOCK_NONE:
        return "the time at which it was measured is not known"
    if reading.measured_ms > now_ms + AHEAD_MS:
        return "measured more than a day ahead of the cloud's clock"
    return None


class Sink(Protocol):
    """Where lines go. ``write`` returns the readings that were refused for good; both raise ServerError."""

    def write(self, batch: Sequence[Stored]) -> list[Poison]: ...

    def make_durable(self) -> None: ...

    def close(self) -> None: ...


class InfluxSink:
    """A server with the InfluxDB v2 write API."""

    def __init__(self, *, url: str, token: str, org: str, bucket: str, barrier: Barrier) -> None:
        self._url = url.rstrip("/")
        self._org = org
        self._bucket = bucket
        self._barrier = barrier
        token = token or "none"  # the client insists on one; VictoriaMetrics needs none
        self._client = InfluxDBClient(url=self._url, token=token, org=org, timeout=TIMEOUT_MS, enable_gzip=True)
        self._write_api = self._client.write_api(write_options=SYNCHRONOUS)
        self._http = PoolManager(timeout=Timeout(TIMEOUT_MS / 1000), retries=Retry(0))

    def write(self, batch: Sequence[Stored]) -> list[Poison]:
        if not batch:
            return []
        try:
            lines = "\n".join(line_of(stored.tenant, stored.reading) for stored in batch)
            self._write_api.write(self._bucket, self._org, lines.encode(), write_precision="ms")  # type: ignore[arg-type]
        except ApiException as error:
            if len(batch) > 1 and error.status in (*_REFUSES_LINES, _TOO_LARGE):
                middle = len(batch) // 2
                return self.write(batch[:middle]) + self.write(batch[middle:])
            if error.status in _REFUSES_LINES:
                return [Poison(batch[0], " ".join(str(error.body or error.reason).split())[:200])]
            raise ServerError(f"{self._url} answers {error.status} {error.reason}") from error
        except (HTTPError, OSError) as error:
            raise ServerError(f"{self._url} cannot be reached: {type(error).__name__}") from error
        return []

    def make_durable(self) -> None:
        if self._barrier == "auto":
            self._barrier = "victoriametrics" if self._has_snapshots() else "influxdb"
        if self._barrier == "influxdb":
            return
        status, made = self._get("/snapshot/create")
        name = made.get("snapshot")
        if status != 200 or made.get("status") != "ok" or not isinstance(name, str):
            raise ServerError(f"{self._url}/snapshot/create answers {status}: nothing is durable yet")
        self._get("/snapshot/delete?snapshot=" + urllib.parse.quote(name))

    def _has_snapshots(self) -> bool:
        """Whether this is a VictoriaMetrics: InfluxDB has no such address."""
        status, found = self._get("/snapshot/list")
        if status >= 500:
            raise ServerError(f"{self._url}/snapshot/list answers {status}")
        return status == 200 and found.get("status") == "ok"

    def _get(self, path: str) -> tuple[int, dict[str, object]]:
        try:
            answer = self._http.request("GET", self._url + path)
            found = json.loads(answer.data) if answer.data[:1] == b"{" else {}
        except (HTTPError, OSError, ValueError) as error:
            raise ServerError(f"{self._url} cannot be reached: {type(error).__name__}") from error
        return answer.status, found

    def close(self) -> None:
        self._write_api.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]
        self._http.clear()
