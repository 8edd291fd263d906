"""The MQTT core by itself: what it writes, what it takes, what it refuses, and when it gives up."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.node import mqtt
from firmware.node.mqtt import ACKED, CONNECTED, MAX_PACKET, MESSAGE, SUBSCRIBED, Client
from firmware.node.packets import ProtocolError
from tests.support.mqtt_packets import (
    CONNACK,
    PINGRESP,
    TOPIC,
    Packet,
    drain,
    feed,
    give,
    message,
    opened,
    packet,
    puback,
    split,
)

# What it writes


def test_connect_is_the_packet_of_the_standard() -> None:
    client = Client("n1", "u", "p", (b"t", b"w"), keepalive_s=15)
    client.connect(0)
    assert bytes(client.tx_pending()) == bytes.fromhex(
        "10 1a 0004 4d515454 04 cc 000f"  # MQTT, level 4, user + password + will with QoS 1, keep alive 15 s
        "0002 6e31 0001 74 0001 77 0001 75 0001 70"  # client id, will topic, will message, user, password
    )


def test_a_clean_session_without_user_sets_only_its_own_flag() -> None:
    client = Client("n1", clean_session=True)
    client.connect(0)
    assert bytes(client.tx_pending()).hex() == "100e00044d51545404" + "02" + "000f" + "00026e31"


def test_subscribe_is_the_packet_of_the_standard() -> None:
    client = opened()
    client.subscribe(["a/b", "c"], 0)
    assert bytes(client.tx_pending()).hex() == "820c" + "0001" + "0003612f6201" + "00016301"
    assert feed(client, b"\x90\x04\x00\x01\x01\x01") == [(SUBSCRIBED, None)]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=100), st.binary(max_size=1040))
def test_a_publish_carries_topic_and_payload(topic: bytes, payload: bytes) -> None:
    client = opened()
    packet_id = client.publish(topic, payload, 0)
    (sent,) = drain(client)
    assert sent.first == 0x32 and sent.publish() == (topic, packet_id, payload)
    assert feed(client, puback(packet_id)) == [(ACKED, packet_id)]


def test_disconnect_is_the_last_packet() -> None:
    client = opened()
    client.disconnect(0)
    feed(client, message(b"t", b"x", 7))
    client.tick(60_000)
    assert drain(client) == [Packet(0xE0, b"")]


# What it takes


INBOUND = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8", exclude_characters="\0+#"), min_size=1, max_size=20),
        st.binary(max_size=1100),
        st.integers(0, 0xFFFF),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)
@given(INBOUND, st.data())
def test_messages_arrive_whole_however_the_stream_is_cut(
    inbound: list[tuple[str, bytes, int, bool]], data: st.DataObject
) -> None:
    stream = b"".join(message(t.encode(), p, i, flags=int(retain)) for t, p, i, retain in inbound)
    expected = [(MESSAGE, (t, p, retain, int(i > 0))) for t, p, i, retain in inbound]
    client, got, acknowledged = opened(), [], []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        got += feed(client, stream[:cut])
        acknowledged += drain(client)
        stream = stream[cut:]
    assert got == expected
    assert acknowledged == [Packet(0x40, i.to_bytes(2, "big")) for _, _, i, _ in inbound if i]


def test_one_byte_at_a_time_is_the_same() -> None:
    client = Client("n1")
    client.connect(0)
    stream = b"\x20\x02\x01\x00" + message(b"t", b"x" * 200, 9, flags=0x09) + PINGRESP + message(b"t", b"")
    events = [event for i in range(len(stream)) for event in feed(client, stream[i : i + 1])]
    assert events == [
        (CONNECTED, True),
        (MESSAGE, ("t", b"x" * 200, True, 1)),
        (MESSAGE, ("t", b"", False, 0)),
    ]


@pytest.mark.parametrize("packet_id", [0, 77])
@pytest.mark.parametrize("size", [MAX_PACKET, 5_000, 300_000])
def test_a_message_that_is_too_long_is_skipped_and_counted(size: int, packet_id: int) -> None:
    client = opened()
    assert feed(client, message(b"t", bytes(size), packet_id) + message(b"t", b"next")) == [
        (MESSAGE, ("t", b"next", False, 0))
    ]
    assert client.skipped == 1
    # acknowledged all the same, or the broker would send it again at every connection
    assert drain(client) == ([Packet(0x40, packet_id.to_bytes(2, "big"))] if packet_id else [])


def test_the_longest_message_that_fits_is_taken() -> None:
    client = opened()
    payload = bytes(MAX_PACKET - 3 - 2 - 1 - 2)
    assert feed(client, message(b"t", payload, 1)) == [(MESSAGE, ("t", payload, False, 1))]
    assert client.skipped == 0


def test_nothing_is_taken_in_while_acknowledgements_cannot_leave() -> None:
    client, taken = opened(), 0
    one = message(b"t", b"x", 5)
    while True:
        room = client.rx_room()
        if len(room) < len(one):
            break
        room[: len(one)] = one
        client.received(len(one))
        while client.next_event(0):
            taken += 1
    assert taken * 4 <= mqtt.TX_BYTES < (taken + 1) * 4  # one acknowledgement for each, and no more
    waiting = len(drain(client))
    while client.next_event(0):
        taken += 1
    assert waiting + len(drain(client)) == taken


# What it refuses

BAD = {
    "length": b"\x30\xff\xff\xff\xff\x01",
    "flags": b"\xd1\x00",
    "qos": packet(0x36, b"\x00\x01t\x00\x01"),
    "topic_length": packet(0x30, b"\x00\x09t"),
    "packet_id": packet(0x32, b"\x00\x01t\x00\x00"),
    "utf8": packet(0x30, b"\x00\x02\xc3\x28"),
    "topic": packet(0x30, b"\x00\x03a/#"),
    "connack": CONNACK,
    "puback": packet(0x40, b"\x01"),
    "suback": packet(0x90, b"\x00\x01\x01"),
    "unexpected": packet(0x10, b""),
}


@pytest.mark.parametrize(("code", "data"), BAD.items())
def test_a_malformed_packet_names_its_fault(code: str, data: bytes) -> None:
    with pytest.raises(ProtocolError) as raised:
        feed(opened(), data)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (packet(0x36, b""), "qos"),  # QoS 3
        (packet(0x34, b"\x00\x01t\x00\x01"), "qos"),  # QoS 2 was never asked for
        (packet(0x38, b"\x00\x01t"), "flags"),  # DUP on QoS 0
        (packet(0x30, b"\x00\x00x"), "topic_length"),  # no topic
        (packet(0x30, b""), "topic_length"),
        (packet(0x32, b"\x00\x01t"), "topic_length"),  # no room for the packet id
        (b"\x30\xff\x0b" + b"\x05\x00" + b"t" * 1300, "topic_length"),  # a topic that does not fit
        (b"\x40\xff\x0b", "length"),  # an acknowledgement of 1.5 kB
        (packet(0xD0, b"x"), "unexpected"),
        (packet(0x30, b"\x00\x03a\x00b"), "topic"),
    ],
)
def test_more_malformed_packets(data: bytes, code: str) -> None:
    with pytest.raises(ProtocolError) as raised:
        feed(opened(), data)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"\x20\x02\x00\x01", "connack_1"),
        (b"\x20\x02\x00\x02", "connack_2"),
        (b"\x20\x02\x00\x03", "connack_3"),
        (b"\x20\x02\x00\x04", "connack_4"),
        (b"\x20\x02\x00\x05", "connack_5"),
        (b"\x20\x02\x02\x00", "connack"),
        (b"\x20\x01\x00", "connack"),
        (PINGRESP, "not_connack"),
        (message(b"t", b"x"), "not_connack"),
    ],
)
def test_the_first_packet_must_be_a_good_connack(answer: bytes, code: str) -> None:
    client = Client("n1")
    client.connect(0)
    with pytest.raises(ProtocolError) as raised:
        feed(client, answer)
    assert raised.value.code == code


def test_a_clean_session_cannot_be_present() -> None:
    client = Client("n1", clean_session=True)
    client.connect(0)
    with pytest.raises(ProtocolError, match="session_present"):
        feed(client, b"\x20\x02\x01\x00")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"\x90\x04\x00\x01\x01\x80", "subscribe_refused"),
        (b"\x90\x04\x00\x01\x01\x03", "suback"),
        (b"\x90\x03\x00\x01\x01", "suback"),
        (b"\x90\x04\x00\x02\x01\x01", "suback"),
    ],
)
def test_a_bad_answer_to_subscribe_is_an_error(answer: bytes, code: str) -> None:
    client = opened()
    client.subscribe(["a", "b"], 0)
    with pytest.raises(ProtocolError) as raised:
        feed(client, answer)
    assert raised.value.code == code


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_can_do_more_than_end_the_connection(data: bytes, after_connack: bool) -> None:
    client = Client("n1")
    client.connect(0)
    drain(client)
    with suppress(ProtocolError):
        feed(client, (CONNACK if after_connack else b"") + data)


def test_every_flipped_bit_of_a_good_stream_is_survived() -> None:
    good = CONNACK + b"\x90\x03\x00\x01\x01" + message(b"hq/1", b"payload", 3) + puback(2) + PINGRESP
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        client = Client("n1")
        client.connect(0)
        drain(client)
        try:
            for i in range(len(bad)):
                if CONNECTED in (event for event, _ in feed(client, bytes(bad[i : i + 1]))):
                    client.subscribe(["hq/1"], 0)
                    give(client, b"x")
        except ProtocolError:
            continue


# Its own limits


def test_the_window_refuses_and_opens_again() -> None:
    client = opened(window=2)
    first, second = give(client, b"1"), give(client, b"2")
    assert client.room == 0 and give(client, b"3") == 0
    assert feed(client, puback(second)) == [(ACKED, second)]  # in any order
    assert give(client, b"3") and give(client, b"4") == 0
    assert feed(client, puback(first)) == [(ACKED, first)]
    assert feed(client, puback(first)) == []  # the second answer to a publish that was sent twice


def test_bytes_that_do_not_leave_are_bounded() -> None:
    client = opened(window=4)
    for _ in range(4):
        assert give(client, bytes(1040))
    assert len(client.tx_pending()) <= mqtt.TX_BYTES
    seen = []
    for _ in range(4):
        seen += drain(client)
        client.tick(0)
    assert [sent.publish()[1] for sent in seen] == [1, 2, 3, 4]


def test_publishes_leave_room_for_an_acknowledgement() -> None:
    client = opened()
    half = mqtt.TX_BYTES // 2 - 3 - 2 - len(TOPIC) - 2
    assert give(client, bytes(half)) and give(client, bytes(half))  # together they would fill all of it
    assert feed(client, message(b"t", b"x", 5)) == [(MESSAGE, ("t", b"x", False, 1))]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 700), st.integers(1, 900)), min_size=1, max_size=20))
def test_bytes_leave_in_order_however_they_are_taken(steps: list[tuple[int, int]]) -> None:
    client, stream = opened(window=4), b""
    published: list[bytes] = []
    for size, taken in steps:
        if give(client, bytes((len(published),)) * size):
            published.append(bytes((len(published),)) * size)
        client.tick(0)
        chunk = bytes(client.tx_pending()[:taken])
        client.sent(len(chunk))
        stream += chunk
    while client.tx_waiting:
        stream += bytes(client.tx_pending())
        client.sent(len(client.tx_pending()))
        client.tick(0)
    assert [sent.publish()[2] for sent in split(stream)] == published


def test_room_that_became_free_is_used() -> None:
    client = opened()
    give(client, bytes(1040))
    client.sent(1000)
    give(client, bytes(1040))
    assert len(client.tx_pending()) > 1040


def test_packet_ids_go_round_and_skip_what_is_in_flight() -> None:
    client = opened(window=2)
    held = give(client, b"held")
    ids = []
    for _ in range(0xFFFF + 2):
        packet_id = give(client, b"")
        ids.append(packet_id)
        drain(client)
        feed(client, puback(packet_id))
    assert held == 1 and ids[:3] == [2, 3, 4]
    assert ids[0xFFFD:] == [0xFFFF, 2, 3, 4]
    assert set(ids) == set(range(2, 0x10000))


def test_a_wrong_call_is_our_own_fault() -> None:
    with pytest.raises(AssertionError):
        give(Client("n1"), b"before connect")
    with pytest.raises(AssertionError):
        give(opened(), bytes(mqtt.MAX_PUBLISH))
    with pytest.raises(AssertionError):
        Client("n1", window=5)
    with pytest.raises(AssertionError):
        Client("n1", password="without user")
    client = opened()
    for _ in range(3):
        with pytest.raises(AssertionError):
            client.publish(TOPIC, bytes(mqtt.MAX_PUBLISH), 0)
    assert client.room == 3 and not client.tx_waiting  # a refused call leaves nothing behind
