"""How a new board gets its interpreter, program and config over USB, as commands of esptool and mpremote.

Rules
1. The steps are made from what is there and checked before the first is run: signed bundle, config, public key, and
   that the board is the one of the node in village.toml: the pins of another one would move what they should not.
2. Nothing secret is on a command line: the config goes over as a file.
3. No chip is on the build machine. The commands are those of esptool 4 and mpremote 1.2x; docs/hardware/bench.md has
   the line that a person checks on a board.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import NamedTuple

from cli import firmware_build, firmware_bundle, firmware_keys
from cli.refusal import Refused
from gateway import registry
from gateway.home import Home, home_from
from gateway.releases import load
from gateway.strict import RegistryError
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
    _check_board(home, config, args)
    key_file = args.public_key or home.releases / "maker.pub"
    release = load(args.bundle, firmware_keys.read_public(key_file))
    made = release.manifest
    if not release.is_program:
        raise Refused(str(args.bundle), "đây là MicroPython, không phải chương trình; dùng --interpreter",
                      "this is an interpreter and no program; give it by --interpreter")  # fmt: skip
    if args.model not in made.models or args.mcu not in made.hardware:
        fits = f"{', '.join(made.models)}; {', '.join(made.hardware)}"
        raise Refused(str(args.bundle), f"gói không dành cho {args.model} trên {args.mcu}, chỉ cho {fits}",
                      f"the bundle is not for {args.model} on {args.mcu}, but for {fits}")  # fmt: skip
    tree = firmware_build.build()
    staged = firmware_bundle.flash_tree(STAGING / args.node, args.bundle, config, key_file, board, tree)
    port = args.port or "PORT"
    return [*_interpreter(args, port), *_files(staged, port, manifest.version_text(release.manifest.version))]


def _check_board(home: Home, config: Path, args: argparse.Namespace) -> None:
    """The wrong board file would move the wrong pins: the board must be that of the node (rule 1)."""
    try:
        node = registry.load(home.registry).nodes.get(args.node)
    except RegistryError as error:
        raise Refused(str(home.registry), error.vietnamese, str(error)) from error
    model = json.loads(config.read_bytes())["model"]
    board = node.board if node is not None else ""
    if node is None or node.model != model:
        raise Refused(str(config), "không còn khớp village.toml, hãy provision lại",
                      "is not what village.toml says any more: provision again")  # fmt: skip
    if args.model != model:
        raise Refused("--model", f"{args.node} trong village.toml là hộp {model}, không phải {args.model}",
                      f"{args.node} is a {model} node in village.toml, no {args.model} node")  # fmt: skip
    if board and args.mcu != board:
        raise Refused("--mcu", f"{args.node} trong village.toml dùng {board}, không phải {args.mcu}",
                      f"{args.node} is built on {board} in village.toml, not on {args.mcu}")  # fmt: skip


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
