"""What a technician reads of each kind of frame; and no secret in any line (P14)."""

from gateway.core import readable
from wire import commands, fields, frames, topics
from wire.seal import Sealer

KEY = bytes(range(32))
NONCE = b"\xde\xad\xbe\xef\xca\xfe\xf0\x0d"


def shown(direction: str, kind: str, frame: bytes, *, key: bytes = KEY) -> str:
    topic = topics.topic("v", "soil-1", direction, kind)
    return readable.line(topic, Sealer(key).seal(topic, frame), {"soil-1": KEY})


def test_readings_name_the_field_and_its_unit_and_are_bounded() -> None:
    records = b"".join(frames.pack_record((seq, 60_000, 1, 0, 1, 0, 1_523_000)) for seq in range(1, 11))
    text = shown("up", "readings", frames.encode_readings(0x10002, 61_000, 0, 0, records))
    assert text.startswith("soil-1 readings: boot 00010002, clock unknown; #1 soil_moisture 1523000 uV (channel 0,")
    assert text.endswith("and 4 more") and text.count("soil_moisture") == readable.MAX_RECORDS_SHOWN


def test_every_kind_can_be_read_and_no_nonce_is_shown() -> None:
    hello = frames.Hello(1, NONCE, 5, 1, 1, 4, 60_000, "0.1.0", "soil")
    command = commands.Command(7, NONCE, commands.OPEN, 2, 120_000, 999)
    receipt = commands.Receipt(1, 7, commands.EXPIRED, 2, 0, 0, 1_000)
    lines = [
        shown("up", "hello", frames.encode_hello(hello)),
        shown("up", "gone", frames.encode_gone(1)),
        shown("down", "ack", frames.encode_ack(1, 1_709_226_000_000, 2, [(1, 40)])),
        shown("down", "ack", frames.encode_ack(1, 1_709_226_000_000, 2, [])),
        shown("down", "command", commands.encode_command(command)),
        shown("up", "receipt", commands.encode_receipt(receipt)),
    ]
    assert lines[0].startswith("soil-1 hello: boot 00000001 after power, up 5 ms, soil 0.1.0, outputs 00000100")
    assert lines[1] == "soil-1 gone: boot 00000001 is gone"
    assert "may forget 1-40" in lines[2] and "nothing, only the time" in lines[3]
    assert lines[4] == "soil-1 command: #7 open output 2 for 120000 ms, until uptime 999 ms"
    assert "#7 expired, output 2" in lines[5]
    assert not any(NONCE.hex() in line or repr(NONCE)[2:-1] in line for line in lines)


def test_what_cannot_be_read_says_why() -> None:
    assert shown("up", "gone", frames.encode_gone(1), key=bytes(32)).startswith("? 'hq/1/v/soil-1/up/gone': bad_seal")
    assert readable.line("weather/now", b"x", {}) == "? 'weather/now': bad_topic: shape (1 bytes)"
    assert "unknown_node: n9" in readable.line("hq/1/v/n9/up/gone", b"x" * 30, {})
    assert shown("up", "hello", b"\x01\x02").startswith("? ") and "bad_length" in shown("up", "hello", b"\x01\x02")
    assert readable.quantity(200, 5) == "field 200 = 5" and readable.quantity(fields.RSSI, -70) == "rssi -70 dBm"
