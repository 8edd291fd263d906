"""Prints what each decoder makes of each line of hex: its value, or its error. For both interpreters.

Usage: outcome_runner.py FILE, lines ``kind hex``.
"""

import binascii
import sys

from wire import columns, commands, frames
from wire.errors import WireError

MYPY = False
if MYPY:
    from collections.abc import Callable

DECODERS: "dict[str, Callable[[bytes], object]]" = {
    "readings": frames.decode_readings,
    "hello": frames.decode_hello,
    "gone": frames.decode_gone,
    "ack": frames.decode_ack,
    "command": commands.decode_command,
    "receipt": commands.decode_receipt,
    "columns": columns.decode_columns,
}


def outcome(kind: str, frame: bytes) -> str:
    try:
        return repr(DECODERS[kind](frame))
    except WireError as error:
        return error.code


if __name__ == "__main__":
    with open(sys.argv[1]) as lines:  # noqa: PTH123 - MicroPython has no pathlib
        for line in lines:
            name, frame = (line.rstrip("\n") + " ").split(" ")[:2]
            print(outcome(name, binascii.unhexlify(frame)))
