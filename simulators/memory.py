"""The peak memory of every process of a run, by what it is.

Rules of this module:
- A process is known by its command line and counted only while it descends from the one that looks.
- The kernel's own high-water mark (VmHWM of /proc/PID/status) is taken, so that looking once in a while misses
  no peak of a process that is seen again; a process that was killed keeps the highest mark that was seen.
"""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


class PeakMemory:
    def __init__(self, ancestor: int | None = None) -> None:
        self._ancestor = os.getpid() if ancestor is None else ancestor
        self._peaks_kb: dict[str, int] = {}

    def look(self) -> None:
        """Take the marks of all processes that run now."""
        parents: dict[int, int] = {}
        found: dict[int, tuple[str, int]] = {}
        for entry in PROC.iterdir():
            if entry.name.isdigit():
                status = _status(entry)
                if status is not None:
                    pid = int(entry.name)
                    parents[pid] = int(status.get("PPid", "0"))
                    name = name_of(_command(entry))
                    if name and "VmHWM" in status:
                        found[pid] = (name, int(status["VmHWM"].split()[0]))
        for pid, (name, kilobytes) in found.items():
            if self._descends(pid, parents):
                self._peaks_kb[name] = max(kilobytes, self._peaks_kb.get(name, 0))

    def peaks_mb(self) -> dict[str, float]:
        return {name: kilobytes / 1024.0 for name, kilobytes in sorted(self._peaks_kb.items())}

    def _descends(self, pid: int, parents: dict[int, int]) -> bool:
        while pid > 1:
            if pid == self._ancestor:
                return True
            pid = parents.get(pid, 0)
        return False


def name_of(command: list[str]) -> str:
    """What a process is: "control", "web", "cloud", "node" …; "" for one that does not belong to the village."""
    if not command:
        return ""
    if any(Path(word).name == "micropython" for word in command):
        return "node"
    if Path(command[0]).name == "mosquitto":
        return "broker"
    if "-m" not in command:
        return ""
    module, *rest = command[command.index("-m") + 1 :] or [""]
    if module == "gateway":
        return {"run": "gateway"}.get(rest[0], rest[0]) if rest else ""
    return {"cloud": "cloud", "simulators.field_server": "field"}.get(module, "")


def _status(entry: Path) -> dict[str, str] | None:
    try:
        lines = (entry / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # it ended while we looked
        return None
    return {name: value.strip() for name, _colon, value in (line.partition(":") for line in lines)}


def _command(entry: Path) -> list[str]:
    try:
        return (entry / "cmdline").read_text(encoding="utf-8", errors="replace").split("\0")[:-1]
    except OSError:
        return []
