"""Input that is refused: one line in Vietnamese and English that names the place, the value and what to do.

Rules
1. The Vietnamese comes first, the English after " / ". Both name the place; the file is named once, in front.
2. A command that refuses its input ends with exit code 1 and has written nothing; wrong usage ends with 2.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from kit.files import write_atomic

BAD_DATA = 1
MAX_SHOWN = 40


class Refused(Exception):
    """Input that cannot be used; the message is the line for the person."""

    def __init__(self, file: str, vi: str, en: str) -> None:
        super().__init__(f"{file}: {vi} / {en}")


def shown(value: object) -> str:
    """A value as it was written, on one line and not too long."""
    text = " ".join(str(value).split()) if str(value).strip() else repr(value)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def run(name: str, work: Callable[[], int]) -> int:
    """Do a command's work; tell a refusal, or a disk that fails, in one line."""
    try:
        return work()
    except Refused as refusal:
        print(f"hoiquan {name}: {refusal}", file=sys.stderr)
    except BrokenPipeError:
        raise
    except OSError as error:
        file = error.filename or "?"
        print(f"hoiquan {name}: {file}: không đọc hoặc ghi được, kiểm tra ổ đĩa và quyền / "
              f"cannot be read or written ({error.strerror}), check disk and rights", file=sys.stderr)  # fmt: skip
    return BAD_DATA


def note(name: str, vi: str, en: str) -> None:
    """Tell what was done with input that is unusual but can be used."""
    print(f"hoiquan {name}: chú ý: {vi} / note: {en}", file=sys.stderr)


def input_file(text: str) -> Path:
    """An argument that names a file to read."""
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(
            f"không có tệp {text!r}, xem lại tên / there is no file {text!r}, check its name"
        )
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text!r} không phải là tệp / {text!r} is not a file")
    if not os.access(path, os.R_OK):
        raise argparse.ArgumentTypeError(f"không được phép đọc {text!r} / {text!r} cannot be read, check its mode")
    return path


def output_file(text: str) -> Path:
    """An argument that names a file to write, new or to be replaced; never a device or a pipe."""
    path = Path(text)
    if path.exists() and not path.is_file():
        raise argparse.ArgumentTypeError(
            f"{text!r} không phải là tệp thường, hãy ghi tên một tệp / {text!r} is no regular file, name a file"
        )
    folder = str(path.parent)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(
            f"không có thư mục {folder!r}, hãy tạo trước / there is no folder {folder!r}, make it first"
        )
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise argparse.ArgumentTypeError(
            f"không được phép ghi {text!r} / {text!r} cannot be written, check owner and mode"
        )
    return path.resolve()


def deliver(text: str, output: Path | None, *sources: Path) -> None:
    """Write the whole result to its file as one step, or to the screen; never over one of the files it came from."""
    if output is None:
        sys.stdout.write(text)
        return
    if output.exists() and any(output.samefile(source) for source in sources):
        raise Refused(str(output), "đây là tệp đầu vào, hãy ghi ra tệp khác", "this is the input, name another file")
    write_atomic(output, text)
