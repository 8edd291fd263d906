"""Checks the golden manifests and update frames. Runs in CPython and, unchanged, in MicroPython.

Usage: manifest_runner.py MANIFESTS.json. Prints ``ok N`` when all N cases hold, else the first that does not.
"""

import binascii
import json
import sys

from wire import manifest, updates
from wire.errors import WireError

MYPY = False
if MYPY:
    from collections.abc import Callable
    from typing import Any

    Case = dict[str, Any]
    Call = Callable[[], object]
    Decoder = Callable[[bytes], Any]
    Encoder = Callable[[Any], bytes]


def unhex(text: str) -> bytes:
    return binascii.unhexlify(text)


def manifest_of(v: "Case") -> manifest.Manifest:
    return manifest.Manifest(
        v["kind"],
        tuple(v["version"]),
        tuple(v["min_firmware"]),
        tuple(v["min_interpreter"]),
        tuple(v["hardware"]),
        tuple(v["models"]),
        tuple((path, size, unhex(digest)) for path, size, digest in v["files"]),
    )


def encode(case: "Case") -> bytes:
    v = case["value"]
    kind = case["kind"]
    if kind == "manifest":
        return manifest.encode(manifest_of(v))
    release = unhex(v["release"])
    if kind == "offer":
        return updates.encode_offer(updates.Offer(release, v["size"], tuple(v["version"])))
    if kind == "ask":
        return updates.encode_ask(updates.Ask(release, v["item"], v["offset"], v["length"]))
    if kind == "chunk":
        return updates.encode_chunk(updates.Chunk(release, v["item"], v["offset"], unhex(v["data"])))
    return updates.encode_report(report_of(release, v))


def report_of(release: bytes, v: "Case") -> updates.Report:
    return updates.Report(
        v["status"],
        release,
        tuple(v["firmware"]),
        tuple(v["interpreter"]),
        v["slot"],
        v["state"],
        v["done"],
        v["total"],
        v["hardware"],
        v["text"],
    )


DECODERS: "dict[str, Decoder]" = {
    "manifest": manifest.decode,
    "offer": updates.decode_offer,
    "ask": updates.decode_ask,
    "chunk": updates.decode_chunk,
    "report": updates.decode_report,
}
ENCODERS: "dict[str, Encoder]" = {
    "manifest": manifest.encode,
    "offer": updates.encode_offer,
    "ask": updates.encode_ask,
    "chunk": updates.encode_chunk,
    "report": updates.encode_report,
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
    for case in vectors["good"]:
        packed = encode(case)
        assert binascii.hexlify(packed).decode() == case["bytes"], case["name"] + ": encodes otherwise"
        decoder = DECODERS[case["kind"]]
        assert ENCODERS[case["kind"]](decoder(packed)) == packed, case["name"] + ": decodes otherwise"
        head = 0 if case["kind"] != "chunk" else len(packed) - len(case["value"]["data"]) // 2
        for cut in range(head or len(packed)):
            code = error_code(lambda: decoder(packed[:cut]))  # noqa: B023
            assert code is not None, case["name"] + ": cut at " + str(cut) + " is taken"
        done += 1
    for case in vectors["bad"]:
        code = error_code(lambda: DECODERS[case["kind"]](unhex(case["bytes"])))  # noqa: B023
        assert code == case["code"], case["name"] + ": " + str(code)
        done += 1
    modulus = unhex(vectors["modulus"])
    for case in vectors["signed"]:
        signed = unhex(case["bytes"])
        code = error_code(lambda: manifest.opened(signed, modulus))  # noqa: B023
        assert code == case["code"], case["name"] + ": " + str(code)
        assert binascii.hexlify(manifest.release_id(signed)).decode() == case["release"], case["name"]
        done += 1
    for case in vectors["reasons"]:
        found = manifest.reason_against(
            manifest_of(case["value"]),
            case["hardware"],
            case["model"],
            tuple(case["firmware"]),
            tuple(case["interpreter"]),
        )
        assert found == case["reason"], case["name"] + ": " + found
        done += 1
    return done


if __name__ == "__main__":
    with open(sys.argv[1]) as file:  # noqa: PTH123 - MicroPython has no pathlib
        print("ok", check(json.load(file)))
