"""How a new board gets its interpreter, program and config over USB, as commands of esptool and mpremote.

Rules
1. The steps are made from what is there and checked before the first is run: signed bundle, config, public key, board.
2. Nothing secret is on a command line: the config goes over as a file.
3. No chip is on the build machine. The commands are those of esptool 4 and mpremote 1.2x; docs/hardware/bench.md has
   the line that a person checks on a board.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

from cli import firmware_build, firmware_bundle, firmware_keys
from cli.refusal import Refused
from gateway.home import home_from
from gateway.releases import load
from kit.toolchain import ToolMissing
from wire import manifest

ROOT = Path(__file__).resolve().parents[1]
STAGING = ROOT / "build" / "flash"
# chip name of esptool, and where the image begins
CHIPS = {"wroom32e": ("esp32", "0x1000"), "s3": ("esp32s3", "0x0")}
TOOLS = {"esptool": "esptool", "mpremote": "mpremote"}


class Step(NamedTuple):
    what: str
    command: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the signed folder")
    parser.add_argument("--node", required=True, metavar="ID", help="the node, as the registry calls it")
    parser.add_argument("--home", metavar="FOLDER", help="the gateway's folder (default: HOIQUAN_HOME, else .)")
    parser.add_argument("--model", required=True, metavar="TYPE", help="node type of the board, such as valve")
    parser.add_argument("--mcu", choices=sorted(CHIPS), default="s3", help="module of the board (default: s3)")
    parser.add_argument("--public-key", type=Path, metavar="FILE",
                        help="the maker's public key (default: the one that the gateway has)")  # fmt: skip
    parser.add_argument("--interpreter", type=Path, metavar="FILE",
                        help="MicroPython 1.26 or newer; without it the chip keeps its own")  # fmt: skip
    parser.add_argument(
        "--port", metavar="DEVICE", help="such as /dev/ttyUSB0 or COM3; without it steps are only printed"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the steps, run none")


def steps(args: argparse.Namespace) -> list[Step]:
    """All steps, their files made ready. Raises Refused, ReleaseError or BuildFailed."""
    home = home_from(args.home)
    config = home.nodes / f"{args.node}.json"
    if not config.is_file():
        raise Refused(str(config), f"trạm không có hộp {args.node}; xem village.toml rồi provision lại",
                      f"the gateway has no node {args.node}; see village.toml and provision again")  # fmt: skip
    board = firmware_bundle.board_file(args.model, args.mcu)
    if board is None:
        known = ", ".join(sorted(path.stem for path in firmware_bundle.BOARDS.glob("*_*.py")))
        raise Refused("--model", f"không có loại hộp {args.model} trên {args.mcu}; có: {known}",
                      f"there is no board {args.model} on {args.mcu}; there are: {known}")  # fmt: skip
    key_file = args.public_key or home.releases / "maker.pub"
    release = load(args.bundle, firmware_keys.read_public(key_file))
    tree = firmware_build.build()
    staged = firmware_bundle.flash_tree(STAGING / args.node, args.bundle, config, key_file, board, tree)
    port = args.port or "PORT"
    return [*_interpreter(args, port), *_files(staged, port, manifest.version_text(release.manifest.version))]


def _interpreter(args: argparse.Namespace, port: str) -> list[Step]:
    if args.interpreter is None:
        return []
    if not args.interpreter.is_file():
        raise Refused(str(args.interpreter), "không có tệp này", "there is no such file")
    chip, offset = CHIPS[args.mcu]
    esptool = [sys.executable, "-m", "esptool", "--chip", chip, "--port", port]
    return [
        Step("xóa chip / erase the chip", [*esptool, "erase_flash"]),
        Step("nạp MicroPython / write MicroPython", [*esptool, "--baud", "460800", "write_flash", "-z", offset,
                                                     str(args.interpreter.resolve())]),
    ]  # fmt: skip


def _files(staged: Path, port: str, version: str) -> list[Step]:
    mpremote = [sys.executable, "-m", "mpremote", "connect", port]
    top = sorted(str(path) for path in staged.iterdir())
    return [
        Step(f"chép chương trình {version} và cấu hình / copy program and config",
             [*mpremote, "fs", "cp", "-r", *top, ":"]),
        Step("khởi động lại / start it", [*mpremote, "reset"]),
    ]  # fmt: skip


def require_tools(found: list[Step]) -> None:
    """Raises ToolMissing with the line that installs what is missing."""
    for step in found:
        module = step.command[2]
        if importlib.util.find_spec(TOOLS[module]) is None:
            raise ToolMissing(f"{module} is not installed: run .venv/bin/pip install {module}")
