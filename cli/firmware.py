"""``hoiquan firmware``: builds, signs and releases what runs on the nodes, and puts it onto a new board.

    ./hoiquan firmware key                                  once, where releases are made
    ./hoiquan firmware build --version 0.2.0                (--interpreter IMAGE: MicroPython itself)
    ./hoiquan firmware sign --key ~/hoiquan-maker/maker.key build/firmware/0.2.0
    ./hoiquan firmware flash --home HOME --node van-1 build/firmware/0.2.0 --port /dev/ttyUSB0
    ./hoiquan firmware release --home HOME --key ~/hoiquan-maker/maker.pub build/firmware/0.2.0

Rules
1. What a person did wrong is one line, in Vietnamese and English, and nothing was written then.
2. ``flash`` without a port, or with ``--dry-run``, prints the steps and runs none of them.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from cli import firmware_bundle, firmware_flash, firmware_interpreter, firmware_keys, refusal
from cli.arguments import Parser
from cli.firmware_build import BuildFailed
from cli.refusal import Refused
from gateway import registry, releases
from gateway.home import Home, home_from
from gateway.releases import ReleaseError
from gateway.store.common import StoreError
from gateway.store.update import UpdateReader
from gateway.strict import RegistryError
from kit.files import write_atomic
from wire import manifest
from wire.errors import WireError

ROOT = Path(__file__).resolve().parents[1]
KEYS = Path.home() / "hoiquan-maker"
BUNDLES = ROOT / "build" / "firmware"


def main(argv: list[str]) -> int:
    """Run one of the five."""
    args = _parser().parse_args(argv)

    def work() -> int:
        try:
            code: int = args.run(args)
            return code
        except (BuildFailed, ReleaseError) as error:
            print(f"hoiquan firmware {args.what}: {error}", file=sys.stderr)
            return refusal.BAD_DATA

    return refusal.run(f"firmware {args.what}", work)


def _parser() -> Parser:
    parser = Parser(
        prog="hoiquan firmware",
        description="Build, sign, flash and release what runs on the nodes.",
        epilog="docs/ota.md tells the whole way. Every step says in one line what it did, or what is wrong.",
    )
    steps = parser.add_subparsers(dest="what", required=True, metavar="STEP", parser_class=Parser)

    key = steps.add_parser("key", help="make the maker's key pair: once, on a machine that is kept safe")
    key.add_argument("--folder", type=Path, default=KEYS, metavar="FOLDER", help=f"where to put it (default: {KEYS})")
    key.set_defaults(run=_key)

    build = steps.add_parser("build", help="compile the node's program into a bundle of one version")
    build.add_argument("--version", required=True, metavar="X.Y.Z", help="the version that the nodes will say they run")
    build.add_argument("--out", type=Path, metavar="FOLDER", help="the bundle (default: build/firmware/X.Y.Z)")
    build.add_argument(
        "--hardware",
        nargs="+",
        choices=firmware_bundle.HARDWARE,
        default=firmware_bundle.HARDWARE,
        metavar="NAME",
        help=f"modules that it is for (default: {' '.join(firmware_bundle.HARDWARE)})",
    )
    build.add_argument(
        "--models",
        nargs="+",
        choices=firmware_bundle.MODELS,
        default=firmware_bundle.MODELS,
        metavar="NAME",
        help=f"node types that it is for (default: {' '.join(firmware_bundle.MODELS)})",
    )
    build.add_argument("--interpreter", type=Path, metavar="IMAGE",
                       help="make a release of this MicroPython instead: the .app-bin of one module")  # fmt: skip
    build.add_argument("--min-firmware", default="0.0.0", metavar="X.Y.Z", help="the oldest version it may follow")
    build.set_defaults(run=_build)

    sign = steps.add_parser("sign", help="sign a bundle with the maker's private key")
    sign.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder that build made")
    sign.add_argument(
        "--key",
        type=Path,
        default=KEYS / firmware_keys.PRIVATE_NAME,
        metavar="FILE",
        help=f"the private key (default: {KEYS / firmware_keys.PRIVATE_NAME})",
    )
    sign.set_defaults(run=_sign)

    _release_options(steps.add_parser("release", help="give a signed bundle to a gateway, which offers it in stages"))
    flash = steps.add_parser("flash", help="put interpreter, program and config onto a new board by USB")
    firmware_flash.add_arguments(flash)
    flash.set_defaults(run=_flash)
    return parser


def _release_options(release: argparse.ArgumentParser) -> None:
    release.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="the signed folder; not with --stop")
    release.add_argument("--home", metavar="FOLDER", help="the gateway's folder (default: HOIQUAN_HOME, else .)")
    release.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="the maker's public key, needed the first time; nodes must have the same",
    )
    release.add_argument("--stop", action="store_true", help="offer it to no further node")
    release.set_defaults(run=_release)


def _key(args: argparse.Namespace) -> int:
    private, public = firmware_keys.make(args.folder)
    print(f"{private}: khóa riêng, cất kỹ, đừng chép đi đâu / the private key: keep it safe, copy it nowhere")
    print(f"{public}: khóa công khai, nạp vào hộp và trạm / the public key, for nodes and gateways")
    return 0


def _build(args: argparse.Namespace) -> int:
    named = tuple(args.hardware), tuple(args.models)
    try:
        if args.interpreter is not None:
            out = args.out or BUNDLES / f"micropython-{args.version}-{args.hardware[0]}"
            made = firmware_interpreter.bundle(out, args.interpreter, args.version, *named, args.min_firmware)
        else:
            out = args.out or BUNDLES / args.version
            made = firmware_bundle.bundle(
                out, args.version, hardware=named[0], models=named[1], min_firmware=args.min_firmware
            )
    except WireError as error:
        option, value = "--version", args.version
        if _is_version(args.version):
            option, value = "--min-firmware", args.min_firmware
        given = refusal.shown(value)
        raise Refused(option, f"{given} không phải ba số như 0.2.0",
                      f"{given} is not three numbers like 0.2.0 ({error})") from error  # fmt: skip
    total = sum(size for _, size, _ in made.files)
    most = firmware_bundle.MAX_BYTES if made.kind == manifest.KIND_APP else manifest.MAX_IMAGE
    print(f"{out}: {len(made.files)} tệp, {total} byte trong {most} cho phép, chưa ký / "
          f"{len(made.files)} files, {total} bytes of at most {most}, not signed yet")  # fmt: skip
    return 0


def _is_version(text: str) -> bool:
    try:
        manifest.version_of(text)
    except WireError:
        return False
    return True


def _sign(args: argparse.Namespace) -> int:
    path = args.bundle / firmware_bundle.MANIFEST
    made = _unsigned(path)
    if not firmware_bundle.matches(args.bundle, made):
        raise Refused(str(args.bundle), "tệp trong gói không khớp bảng kê, hãy build lại",
                      "its files are not what its manifest says: build it again")  # fmt: skip
    signed = firmware_keys.sign(manifest.encode(made), args.key)
    write_atomic(path, signed)
    print(f"{args.bundle}: version {manifest.version_text(made.version)}, release {manifest.release_id(signed).hex()}")
    return 0


def _unsigned(path: Path) -> manifest.Manifest:
    """A manifest with or without a signature, which is made anew."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        raise Refused(str(path), "không có gói ở đây; tạo bằng ./hoiquan firmware build",
                      "there is no bundle here; make one by ./hoiquan firmware build") from None  # fmt: skip
    for packed in (found, found[: -manifest.SIGNATURE_BYTES]):
        try:
            return manifest.decode(packed)
        except WireError:
            continue
    raise Refused(str(path), "bảng kê hỏng, hãy build lại", "no manifest: build the bundle again")


def _release(args: argparse.Namespace) -> int:
    home = home_from(args.home)
    if not home.registry.is_file():
        raise Refused(
            str(home.root), "đây không phải thư mục của trạm", "this is no folder of a gateway (no village.toml)"
        )
    if args.stop:
        going = releases.order(home)
        if going is None:
            raise Refused(str(home.root), "chưa phát hành bản nào", "no release has been given out yet")
        releases.give_order(home, going.release, "stop")
        print("ngưng mời thêm hộp; hộp đang tải vẫn tải xong / no further node is offered it; what loads goes on")
        return 0
    if args.bundle is None:
        raise Refused("BUNDLE", "thiếu gói đã ký", "the signed bundle is missing")
    if args.key is not None:
        key = firmware_keys.read_public(args.key)
        releases.load(args.bundle, key)  # whom the village trusts stays: so only a key that has signed what is given
        releases.pin(home, key)
    _check_fits(home, releases.load(args.bundle, releases.pinned(home)))
    release = releases.put(home, args.bundle)
    order = releases.give_order(home, release.id.hex(), "start")
    print(f"bản {release.version} ({release.id.hex()[:8]}) đã giao cho trạm, lần {order.turn}: một hộp trước, rồi một "
          f"phần mười, rồi tất cả / version {release.version} is with the gateway: one node, then a tenth, then all. "
          "See python -m gateway status")  # fmt: skip
    return 0


def _check_fits(home: Home, release: releases.Release) -> None:
    """Somebody must be there who can take it; who runs a newer one is told, because it would refuse."""
    try:
        nodes = registry.load(home.registry).nodes.values()
    except RegistryError as error:
        raise Refused(str(home.registry), error.vietnamese, str(error)) from error
    models = release.manifest.models
    if not any(node.model in models and not node.via for node in nodes):
        raise Refused("BUNDLE", f"làng không có hộp nào thuộc loại {', '.join(models)}",
                      f"no node of the village is of the types {', '.join(models)}")  # fmt: skip
    runs = _versions(home, release.is_program)
    newer = [node for node, at in runs.items() if at > release.manifest.version]
    if newer:
        names = ", ".join(sorted(newer)[:8])
        refusal.note("firmware release", f"{names} đang chạy bản mới hơn {release.version} và sẽ không nhận",
                     f"{names} run a newer version than {release.version} and will not take it")  # fmt: skip


def _versions(home: Home, program: bool) -> dict[str, tuple[int, int, int]]:
    """What each node reported to run: its program, or the interpreter under it."""
    try:
        with UpdateReader(home.update) as reader:
            found = reader.reports().items()
        return {node: manifest.version_of(said.firmware if program else said.interpreter) for node, said in found}
    except (StoreError, WireError):
        return {}  # not provisioned yet


def _flash(args: argparse.Namespace) -> int:
    steps = firmware_flash.steps(args)
    for step in steps:
        print(f"# {step.what}\n{shlex.join(step.command)}", flush=True)
    if args.port is None or args.dry_run:
        print("# chưa chạy gì: thêm --port, bỏ --dry-run / nothing was run: give --port, leave out --dry-run")
        return 0
    firmware_flash.require_tools(steps)
    for step in steps:
        done = subprocess.run(step.command, check=False)
        if done.returncode != 0:
            raise Refused(step.command[0], f"bước hỏng: {step.what}; cắm lại cáp, giữ nút BOOT rồi thử lại",
                          f"failed: {step.what}; plug the cable in again, hold BOOT, and try again")  # fmt: skip
    print(
        "xong: rút cáp, cấp nguồn, xem python -m gateway status / done: give it power and see python -m gateway status"
    )
    return 0
