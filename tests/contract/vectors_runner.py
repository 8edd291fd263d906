"""Checks the golden vectors of the wire contract. Runs in CPython and, unchanged, in MicroPython.

Usage: vectors_runner.py VECTORS.json. Prints ``ok N`` when all N cases hold, else the first that does not.
"""

import binascii
import json
import sys

from wire import columns, commands, frames, seal, topics
from wire.errors import WireError

MYPY = False
if MYPY:
    from collections.abc import Callable
    from typing import Any

    Case = dict[str, Any]
    Call = Callable[[], object]


def unhex(text: str) -> bytes:
    return binascii.unhexlify(text)


def record(values: list[int]) -> bytes:
    seq, uptime_ms, field, channel, quality, fault, raw = values
    return frames.pack_record((seq, uptime_ms, field, channel, quality, fault, raw))


def encode(case: "Case") -> bytes:
    kind = case["kind"]
    v = case["value"]
    if kind == "readings":
        packed = b"".join(record(r) for r in v["records"])
        return frames.encode_readings(
            v["boot_id"], v["sent_uptime_ms"], v["clock_offset_ms"], v["clock_quality"], packed
        )
    if kind == "hello":
        return frames.encode_hello(hello(v))
    if kind == "gone":
        return frames.encode_gone(v["boot_id"])
    if kind == "ack":
        return frames.encode_ack(v["boot_id"], v["now_ms"], v["clock_quality"], [tuple(r) for r in v["ranges"]])
    if kind == "command":
        return commands.encode_command(command(v))
    if kind == "receipt":
        return commands.encode_receipt(receipt(v))
    return columns.encode_columns([tuple(r) for r in v])


def hello(v: "Case") -> frames.Hello:
    return frames.Hello(
        v["boot_id"],
        unhex(v["nonce"]),
        v["uptime_ms"],
        v["next_seq"],
        v["boot_cause"],
        v["outputs"],
        v["heap_free"],
        v["firmware"],
        v["model"],
    )


def command(v: "Case") -> commands.Command:
    return commands.Command(
        v["counter"], unhex(v["nonce"]), v["action"], v["output"], v["duration_ms"], v["expires_uptime_ms"]
    )


def receipt(v: "Case") -> commands.Receipt:
    return commands.Receipt(
        v["boot_id"],
        v["counter"],
        v["status"],
        v["output"],
        v["outputs_mask"],
        v["until_uptime_ms"],
        v["uptime_ms"],
    )


def decoded_equals(case: "Case", frame: bytes) -> bool:
    kind = case["kind"]
    v = case["value"]
    if kind == "readings":
        found = frames.decode_readings(frame)
        return [list(r) for r in found.records] == v["records"] and (
            found.boot_id,
            found.sent_uptime_ms,
            found.clock_offset_ms,
            found.clock_quality,
        ) == (v["boot_id"], v["sent_uptime_ms"], v["clock_offset_ms"], v["clock_quality"])
    if kind == "hello":
        return frames.decode_hello(frame) == hello(v)
    if kind == "gone":
        boot_id: int = v["boot_id"]
        return frames.decode_gone(frame) == boot_id
    if kind == "ack":
        ranges = tuple(tuple(r) for r in v["ranges"])
        ack = frames.Ack(v["boot_id"], v["now_ms"], v["clock_quality"], ranges)
        return frames.decode_ack(frame) == ack
    if kind == "command":
        return commands.decode_command(frame) == command(v)
    if kind == "receipt":
        return commands.decode_receipt(frame) == receipt(v)
    rows: list[list[object]] = case["value"]
    return [list(r) for r in columns.decode_columns(frame)] == rows


DECODERS = {
    "readings": frames.decode_readings,
    "hello": frames.decode_hello,
    "gone": frames.decode_gone,
    "ack": frames.decode_ack,
    "command": commands.decode_command,
    "receipt": commands.decode_receipt,
    "columns": columns.decode_columns,
}


def error_code(call: "Call") -> "str | None":
    try:
        call()
    except WireError as error:
        return error.code
    return None


def check(vectors: "Case") -> int:
    """The number of cases that hold; raises AssertionError with the name of the first that does not."""
    done = 0
    for case in vectors["frames"]:
        frame = encode(case)
        assert binascii.hexlify(frame).decode() == case["frame"], case["name"] + ": encodes otherwise"
        assert decoded_equals(case, frame), case["name"] + ": decodes otherwise"
        if "topic" in case:
            sealer = seal.Sealer(unhex(vectors["key"]))
            sealed = sealer.seal(case["topic"], frame)
            assert binascii.hexlify(sealed[-16:]).decode() == case["tag"], case["name"] + ": sealed otherwise"
            assert sealer.unseal(case["topic"], sealed) == frame, case["name"]
            other = topics.topic("other", "n", "up", "gone")
            assert error_code(lambda: sealer.unseal(other, sealed)) == "bad_seal", case["name"]  # noqa: B023
        for cut in range(len(frame)):
            # a cut frame is an error of the wire and nothing else, at every length
            code = error_code(lambda: DECODERS[case["kind"]](frame[:cut]))  # noqa: B023
            assert code is not None, case["name"] + ": cut at " + str(cut) + " is taken"
        done += 1
    for case in vectors["bad_frames"]:
        code = error_code(lambda: DECODERS[case["kind"]](unhex(case["frame"])))  # noqa: B023
        assert code == case["code"], case["name"] + ": " + str(code)
        done += 1
    for case in vectors["bad_topics"]:
        assert error_code(lambda: topics.parse(case)) == "bad_topic", case  # noqa: B023
        done += 1
    for case in vectors["bad_values"]:
        assert error_code(lambda: encode(case)) == case["code"], case["name"]  # noqa: B023
        done += 1
    return done


if __name__ == "__main__":
    with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython has no pathlib
        print("ok", check(json.load(file)))
