"""Manifests of releases and the frames of updates: the same bytes, errors and signatures in both interpreters.

Promise P9: no manifest is opened that the maker has not signed.
Promise P5: bad bytes never crash a part; a decoder gives a value or raises WireError.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract import manifest_runner
from tests.support.mp import REPOSITORY, run_micropython
from wire import manifest, updates
from wire.errors import WireError

VECTORS = Path(__file__).parent / "manifests.json"
LOADED = json.loads(VECTORS.read_text(encoding="utf-8"))
COUNT = sum(len(cases) for name, cases in LOADED.items() if name != "modulus")


def test_golden_manifests_in_cpython() -> None:
    assert manifest_runner.check(LOADED) == COUNT


def test_golden_manifests_in_micropython() -> None:
    script = REPOSITORY / "tests/contract/manifest_runner.py"
    done = run_micropython(script, heap="512k", arguments=[str(VECTORS)])  # all vectors at once, wire from source
    assert done.stdout.strip() == f"ok {COUNT}"


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(LOADED["good"]), st.integers(0), st.integers(0, 255), st.booleans())
def test_a_changed_byte_gives_a_value_or_the_one_error(case: dict[str, str], at: int, byte: int, cut: bool) -> None:
    packed = bytearray.fromhex(case["bytes"])
    packed[at % len(packed)] = byte
    try:
        found = manifest_runner.DECODERS[case["kind"]](bytes(packed[: at % len(packed)] if cut else packed))
    except WireError:
        return
    # one form of bytes only
    assert manifest_runner.ENCODERS[case["kind"]](found) == bytes(packed[: at % len(packed)] if cut else packed)


@pytest.mark.parametrize("bit", range(0, 8 * manifest.SIGNATURE_BYTES, 97))
def test_no_flipped_bit_of_a_signature_is_right(bit: int) -> None:
    signed = bytearray.fromhex(LOADED["signed"][0]["bytes"])
    signed[-1 - bit // 8] ^= 1 << bit % 8
    with pytest.raises(WireError, match="bad_signature"):
        manifest.opened(bytes(signed), bytes.fromhex(LOADED["modulus"]))


@pytest.mark.parametrize("modulus", [b"", bytes(256), b"\x7f" + bytes(255), bytes(255), b"\xff" * 257])
def test_what_is_no_key_of_2048_bits_opens_nothing(modulus: bytes) -> None:
    with pytest.raises(WireError, match="bad_signature"):
        manifest.opened(bytes.fromhex(LOADED["signed"][0]["bytes"]), modulus)


@pytest.mark.parametrize(
    "text", ["1", "1.2", "1.2.3.4", "01.2.3", "1.2.65536", "-1.2.3", "1.2.x", "", "1..2", "1.2.3-rc"]
)
def test_a_version_is_three_numbers(text: str) -> None:
    assert manifest.version_text(manifest.version_of("10.0.65535")) == "10.0.65535"
    with pytest.raises(WireError, match="bad_version"):
        manifest.version_of(text)


def a_report(**changes: object) -> updates.Report:
    values: dict[str, object] = {
        "status": updates.CRASHED, "release": updates.NO_RELEASE, "firmware": (0, 1, 0), "interpreter": (1, 26, 1),
        "slot": 1, "state": 1, "done": 0, "total": 0, "hardware": "s3", "text": "",
    }  # fmt: skip
    return updates.Report(**{**values, **changes})  # type: ignore[arg-type]


def test_a_report_takes_any_text_of_an_exception() -> None:
    sent = a_report(text="OSError: không mở được \n" * 9, hardware="esp32-s3-wroom-1-n8r2")
    found = updates.decode_report(updates.encode_report(sent))
    assert len(found.text) == updates.MAX_TEXT and found.text.startswith("OSError: kh??ng") and "\n" not in found.text
    assert found.hardware == "esp32-s3-wroom-1"


@pytest.mark.parametrize(
    "call",
    [
        lambda: updates.encode_offer(updates.Offer(b"short", 1, (0, 0, 1))),
        lambda: updates.encode_offer(updates.Offer(bytes(16), 65_536, (0, 0, 1))),
        lambda: updates.encode_ask(updates.Ask(bytes(16), 256, 0, 1)),
        lambda: updates.encode_chunk(updates.Chunk(bytes(16), 0, 0, bytes(901))),
        lambda: updates.encode_report(a_report(done=2**32)),
    ],
)
def test_what_does_not_fit_is_not_sent(call: Callable[[], bytes]) -> None:
    with pytest.raises(WireError, match="out_of_range"):
        call()


def test_what_a_status_means() -> None:
    assert updates.is_refusal(updates.OLDER) and not updates.is_refusal(updates.HEALTHY)
    assert updates.is_failure(updates.ROLLED_BACK) and not updates.is_refusal(updates.ROLLED_BACK)
    assert updates.status_name(updates.BAD_SLOT) == "bad_slot" and updates.status_name(99) == "status_99"
