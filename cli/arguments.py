"""The kinds of values that the commands read from their arguments; how a mistake is told is ``kit.arguments``."""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from kit.arguments import WRONG_USAGE as WRONG_USAGE
from kit.arguments import Parser as Parser


def _mistake(vi: str, en: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{vi} / {en}")


def _no_folder(path: Path) -> argparse.ArgumentTypeError:
    folder = str(path.parent)
    return _mistake(f"không có thư mục {folder!r}, hãy tạo trước", f"there is no folder {folder!r}, make it first")


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number between ``low`` and ``high``."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise _mistake(
                f"{text!r} không phải số nguyên, {low} đến {high}", f"{text!r} is not a whole number, {low} to {high}"
            ) from None
        if not low <= number <= high:
            raise _mistake(f"{number} không nằm trong {low} đến {high}", f"{number} is not in {low} to {high}")
        return number

    return read


def real(low: float, high: float) -> Callable[[str], float]:
    """A number between ``low`` and ``high``."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise _mistake(
                f"{text!r} không phải số, {low:g} đến {high:g}", f"{text!r} is not a number, {low:g} to {high:g}"
            ) from None
        if not low <= number <= high:  # also refuses "nan", which no comparison accepts
            raise _mistake(f"{text} không nằm trong {low:g} đến {high:g}", f"{text} is not in {low:g} to {high:g}")
        return number

    return read


def day(text: str) -> date:
    """A calendar day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _mistake(
            f"{text!r} không phải ngày, ghi như 2024-03-01", f"{text!r} is not a day, write it like 2024-03-01"
        ) from None


def readable_file(text: str) -> Path:
    """A file that is there and can be read."""
    path = Path(text)
    if not path.is_file():
        raise _mistake(f"không có tệp {text!r}", f"there is no file {text!r}")
    if not os.access(path, os.R_OK):
        raise _mistake(f"không được phép đọc {text!r}", f"{text!r} cannot be read, check its owner and mode")
    return path.resolve()


def new_file(text: str) -> Path:
    """A file that can be written: its folder is there, and it is no folder itself."""
    path = Path(text)
    if path.is_dir():
        raise _mistake(f"{text!r} là thư mục, ghi tên một tệp", f"{text!r} is a folder, name a file in it")
    if not path.parent.is_dir():
        raise _no_folder(path)
    if not _can_write(path if path.exists() else path.parent):
        raise _mistake(f"không được phép ghi {text!r}", f"{text!r} cannot be written, check its owner and mode")
    return path.resolve()


def _can_write(place: Path) -> bool:
    """Whether a file can be made in a folder, or an existing one opened for writing: by trying, as root may all."""
    try:
        if place.is_dir():
            with tempfile.TemporaryFile(dir=place):
                return True
        with place.open("ab"):
            return True
    except OSError:
        return False


def folder(text: str) -> Path:
    """A folder that is there and can be written, or can be made because its parent is there."""
    path = Path(text)
    try:
        there = path.exists()
        nearest = path if there else path.absolute().parent
        missing = not nearest.is_dir()
    except PermissionError:
        raise _mistake(
            f"không tới được {text!r}", f"{text!r} cannot be reached, check the modes of the folders above"
        ) from None
    if there and missing:
        raise _mistake(f"{text!r} không phải thư mục", f"{text!r} is not a folder")
    if missing:
        raise _no_folder(path)
    if not _can_write(nearest):
        raise _mistake(f"không được phép ghi {text!r}", f"{text!r} cannot be written, check its owner and mode")
    return path.resolve()


def free_port(text: str) -> int:
    """A TCP port of this machine that nobody listens on."""
    port = whole(1, 65535)(text)
    problem = port_problem(port)
    if problem:
        other = first_free_port(8080)
        raise _mistake(f"{problem[0]}, chọn cổng khác như {other}", f"{problem[1]}, choose another, such as {other}")
    return port


def port_problem(port: int) -> tuple[str, str] | None:
    """Why the port cannot be used, in Vietnamese and English, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))  # every address, so that a listener on any of them is found
        except PermissionError:
            return f"cổng {port} phải có quyền root", f"port {port} needs root"
        except OSError:
            return f"cổng {port} đang có máy khác dùng", f"port {port} is in use"
    return None


def first_free_port(start: int) -> int:
    """The first port from ``start`` on that nobody listens on."""
    for port in range(start, start + 200):
        if port_problem(port) is None:
            return port
    raise _mistake(f"từ cổng {start} tới {start + 199} đều bận", f"no port is free from {start} to {start + 199}")
