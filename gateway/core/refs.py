"""How a sensor and an output of a node are named, and the error of settings that contradict themselves.

A key is asked for in every step of every reading and output, so it is made once for each name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


class SettingsError(ValueError):
    """Settings or limits that contradict themselves. The registry refuses them earlier and in better words."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise SettingsError(what)


@dataclass(frozen=True)
class SensorRef:
    node: str
    field: int
    channel: int

    @cached_property
    def key(self) -> str:
        return f"{self.node}/{self.field}/{self.channel}"


@dataclass(frozen=True)
class OutputRef:
    node: str
    output: int

    @cached_property
    def key(self) -> str:
        return f"{self.node}/{self.output}"
