"""How a sensor and an output of a node are named, and the error of settings that contradict themselves."""

from __future__ import annotations

from dataclasses import dataclass


class SettingsError(ValueError):
    """Settings or limits that contradict themselves. The registry refuses them earlier and in better words."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise SettingsError(what)


@dataclass(frozen=True, slots=True)
class SensorRef:
    node: str
    field: int
    channel: int

    @property
    def key(self) -> str:
        return f"{self.node}/{self.field}/{self.channel}"


@dataclass(frozen=True, slots=True)
class OutputRef:
    node: str
    output: int

    @property
    def key(self) -> str:
        return f"{self.node}/{self.output}"
