"""What a run looks like from outside while it goes on: which outputs are on, and how far the readings have
come.

Rules of this module:
- It only reads: the witness's file from where it had come to, the databases read-only. A database that is not
  there yet, or is just being made, counts as empty.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulators import audit

OutputKey = tuple[str, int]


@dataclass
class Watch:
    """Follows the witness, and compares identities when asked."""

    witness: Path
    data: Path
    cloud: Path
    tenant: str
    measured: set[audit.Identity] = field(default_factory=set)
    on: set[OutputKey] = field(default_factory=set)
    _offset: int = 0

    def follow(self) -> None:
        """Take in the witness's new lines."""
        try:
            with self.witness.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        events: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]
        self.measured |= audit.measured(events)
        for event in events:
            if event["kind"] == "output":
                key = (event["node"], event["output"])
                self.on = self.on | {key} if event["on"] else self.on - {key}

    def at_gateway(self) -> int:
        return self._count(self.data, "SELECT count(*) FROM readings")

    def at_cloud(self) -> int:
        return self._count(self.cloud, "SELECT count(*) FROM readings WHERE tenant = ?", self.tenant)

    def drained(self) -> bool:
        """Whether everything measured has reached gateway and cloud, and no output is on."""
        self.follow()
        if self.on or min(self.at_gateway(), self.at_cloud()) < len(self.measured):
            return False
        try:
            gateway = set(audit.gateway_identities(self.data))
            cloud = set(audit.cloud_identities(self.cloud, self.tenant))
        except sqlite3.OperationalError:
            return False
        return self.measured <= gateway and self.measured <= cloud

    def _count(self, path: Path, query: str, *values: object) -> int:
        try:
            return int(audit.rows(path, query, values)[0][0])
        except sqlite3.OperationalError:
            return 0
