"""A simulated node with slots: real MicroPython, the code volume in an image, started again as a board would be.

    node = SlotNode(folder, config, field_port, release)
    node.live_until(lambda: …)          # starts it, and again after every planned restart or failure

Rules: what lies beside the slots comes from a folder of its own, so a program can only come from a slot; the image
outlives every start; a test that ends kills the process.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support import releases
from tests.support.mp import HEAP, MICROPYTHON, run_micropython
from tests.support.releases import NODE_HAL, Release
from wire import fields

RESTART = 42
CHIP_BYTES = 64 * 4096  # of a partition, as simulators/node_hal/chip.py has them
# a simulated node that asks its field for nothing thinks that its run is over
SENSORS = [{"field": fields.FLOW, "channel": 0, "every_s": 2}]


class SlotNode:
    def __init__(
        self, folder: Path, config: dict[str, Any], field_port: int, release: Release, chip: bool = False
    ) -> None:
        """``chip``: there are two partitions for interpreters."""
        tree = releases.flash(folder / "tree", release)
        self._set_up(folder, tree, releases.tree("0.1.0"), {**config, "sensors": SENSORS}, field_port)
        if chip:
            self._environment["HOIQUAN_NODE_CHIP"] = str(folder / "chip")

    @classmethod
    def flashed(cls, folder: Path, staged: Path, field_port: int, sensors: list[dict[str, int]]) -> SlotNode:
        """A node with what ``hoiquan firmware flash`` would put onto a board."""
        made = cls.__new__(cls)
        config = json.loads((staged / "node.json").read_text(encoding="utf-8"))
        made._set_up(folder, staged, staged, {**config, "sensors": sensors}, field_port)
        return made

    def _set_up(self, folder: Path, tree: Path, beside: Path, config: dict[str, Any], field_port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.image = releases.image(tree, folder / "code.img")
        (folder / "node.json").write_text(json.dumps({**config, "healthy_s": 1}), encoding="utf-8")
        (folder / "beside").mkdir()
        for name in ("boot.py", "main.py", "loader.mpy"):
            shutil.copyfile(beside / name, folder / "beside" / name)
        self._environment = {
            "MICROPYPATH": f"{NODE_HAL}:{folder / 'beside'}:.frozen",
            "HOIQUAN_NODE_CONFIG": str(folder / "node.json"),
            "HOIQUAN_NODE_FLASH": str(folder / "flash"),
            "HOIQUAN_NODE_CODE": str(self.image),
            "HOIQUAN_FIELD": f"127.0.0.1:{field_port}",
            "PATH": "/usr/bin:/bin",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._started_s = 0.0
        self.exits: list[int] = []

    def start(self, cause: str = "") -> None:
        environment = {**self._environment, **({"HOIQUAN_NODE_CAUSE": cause} if cause else {})}
        with (self.folder / "node.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(MICROPYTHON), "-X", f"heapsize={HEAP}", "-m", "main"],
                cwd=self.folder, env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        self.starts += 1
        self._started_s = time.monotonic()

    def tend(self) -> None:
        """Start it again when it has ended, as the chip would."""
        if self._process is None:
            self.start()
        elif (code := self._process.poll()) is not None:
            self.exits.append(code)
            self.start()

    def kill(self) -> None:
        """The power is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def running_s(self) -> float:
        """How long the present start is ago."""
        return time.monotonic() - self._started_s

    def log(self) -> str:
        path = self.folder / "node.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def pointer(self) -> dict[str, Any]:
        """What the node's pointer says now; the node must not run."""
        code = (
            "import flash_file, vfs, loader, json, os\n"
            f"vfs.mount(vfs.VfsLfs2(flash_file.FlashFile({str(self.image)!r}, 512)), '/code')\n"
            "p = loader.read('/code')\n"
            "print(json.dumps({'slot': p.slot, 'state': p.state, 'boots': p.boots, 'outcome': p.outcome,"
            " 'floor': p.floor, 'whole': [loader.verify('/code', 0), loader.verify('/code', 1)],"
            " 'wish': loader.wish('/code') is not None}))\n"
        )
        done = run_micropython(code, path=(NODE_HAL, self.folder / "beside"), heap="1m")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def chip(self) -> tuple[int, str]:
        """Which partition is started, and how sure the boot loader is of it."""
        found = json.loads((self.folder / "chip.ota").read_text())
        return found["boot"], found["states"][found["boot"]]

    def chip_holds(self, at: int, image: bytes) -> bool:
        """Whether a partition holds this image."""
        start = at * CHIP_BYTES
        return (self.folder / "chip").read_bytes()[start : start + len(image)] == image

    def floor(self, *version: int) -> None:
        """The node has once been healthy with this version."""
        code = (
            "import flash_file, vfs, loader\n"
            f"vfs.mount(vfs.VfsLfs2(flash_file.FlashFile({str(self.image)!r}, 512)), '/code')\n"
            f"p = loader.read('/code')\np.floor = {version!r}\nloader.write('/code', p)\nvfs.umount('/code')\n"
        )
        run_micropython(code, path=(NODE_HAL, self.folder / "beside"), heap="1m")

    def damage(self, path: str, change: str) -> None:
        """Change a file on the node: ``change`` is Python of ``d``, its bytes."""
        code = (
            "import flash_file, vfs\n"
            f"vfs.mount(vfs.VfsLfs2(flash_file.FlashFile({str(self.image)!r}, 512)), '/code')\n"
            f"with open('/code/{path}', 'rb') as file:\n    d = bytearray(file.read())\n"
            f"with open('/code/{path}', 'wb') as file:\n    file.write(bytes({change}))\n"
            "vfs.umount('/code')\n"
        )
        run_micropython(code, path=(NODE_HAL,), heap="1m")


def live_until(what: Callable[[], Any], *nodes: SlotNode, seconds: float = 60.0) -> Any:
    """The first true value of ``what``, while the nodes live."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "\n".join(node.log()[-2000:] for node in nodes)
        for node in nodes:
            node.tend()
        time.sleep(0.05)
    return found


__all__ = ["RESTART", "SlotNode", "live_until"]
