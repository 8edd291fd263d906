"""The MQTT core by itself: what it writes, what it takes, what it refuses, and when it gives up."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.node import mqtt, packets
from firmware.node.backoff import Backoff
from firmware.node.mqtt import ACKED, CONNECTED, MAX_PACKET, MESSAGE, NOTHING, SUBSCRIBED, Client
from firmware.node.packets import ProtocolError

CONNACK = b"\x20\x02\x00\x00"
PINGRESP = b"\xd0\x00"
TOPIC = b"hq/1/v/n1/up/readings"


# An independent reading and writing of the packets, only as far as these tests need it


@dataclass(frozen=True)
class Packet:
    first: int
    body: bytes

    @property
    def kind(self) -> int:
        return self.first >> 4

    def publish(self) -> tuple[bytes, int, bytes]:
        """(topic, packet id, payload) of a PUBLISH with QoS 1."""
        size = int.from_bytes(self.body[:2], "big")
        rest = self.body[2 + size :]
        return self.body[2 : 2 + size], int.from_bytes(rest[:2], "big"), rest[2:]


def split(stream: bytes) -> Iterator[Packet]:
    at = 0
    while at < len(stream):
        size, shift, start = 0, 0, at + 1
        while True:
            byte = stream[start]
            size |= (byte & 127) << shift
            shift, start = shift + 7, start + 1
            if byte < 128:
                break
        assert start + size <= len(stream), "half a packet"
        yield Packet(stream[at], stream[start : start + size])
        at = start + size


def packet(first: int, body: bytes) -> bytes:
    size, encoded = len(body), b""
    while True:
        encoded += bytes(((size & 127) | (128 if size > 127 else 0),))
        size >>= 7
        if not size:
            return bytes((first,)) + encoded + body


def message(topic: bytes, payload: bytes, packet_id: int = 0, flags: int = 0) -> bytes:
    qos = 0x02 if packet_id else 0
    identity = packet_id.to_bytes(2, "big") if packet_id else b""
    return packet(0x30 | qos | flags, len(topic).to_bytes(2, "big") + topic + identity + payload)


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


# Driving the client


def feed(client: Client, data: bytes, now_ms: int = 0) -> list[tuple[int, object]]:
    """Give it bytes; the events, with what belongs to each."""
    events: list[tuple[int, object]] = []
    while True:
        room = client.rx_room()
        count = min(len(room), len(data))
        room[:count] = data[:count]
        if count:
            client.received(count)
        data = data[count:]
        while event := client.next_event(now_ms):
            events.append((event, described(client, event)))
        if not data:
            return events
        assert count, "it takes nothing more in"


def described(client: Client, event: int) -> object:
    if event == MESSAGE:
        return client.topic, bytes(client.payload), client.retain, client.qos
    return {CONNECTED: client.session_present, ACKED: client.packet_id, SUBSCRIBED: None}[event]


def drain(client: Client) -> list[Packet]:
    stream = bytes(client.tx_pending())
    client.sent(len(stream))
    return list(split(stream))


def opened(now_ms: int = 0, **options: object) -> Client:
    client = Client("n1", "n1", "secret", (b"t/gone", b"bye"), **options)  # type: ignore[arg-type]
    client.connect(now_ms)
    drain(client)
    assert feed(client, CONNACK, now_ms) == [(CONNECTED, False)]
    return client


def give(client: Client, payload: bytes, now_ms: int = 0) -> int:
    packet_id: int = client.publish(TOPIC, payload, now_ms)
    return packet_id


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


# Time


def test_an_unanswered_publish_is_sent_again_with_dup_and_its_old_id() -> None:
    client = opened(response_ms=1000, sends=3)
    packet_id = give(client, b"x", 0)
    (first,) = drain(client)
    client.tick(999)
    assert drain(client) == []
    client.tick(1000)
    (second,) = drain(client)
    assert second == Packet(first.first | 0x08, first.body)
    feed(client, puback(packet_id), 1500)
    client.tick(2000)
    assert drain(client) == []


def test_silence_ends_the_connection_after_the_last_send() -> None:
    client = opened(response_ms=1000, sends=3)
    give(client, b"x", 0)
    for now_ms in (0, 1000, 2000, 2999):
        client.tick(now_ms)
    assert len(drain(client)) == 3
    with pytest.raises(ProtocolError, match="silent"):
        client.tick(3000)


def test_other_traffic_does_not_excuse_a_missing_answer() -> None:
    client = opened(response_ms=1000, sends=3)
    give(client, b"x", 0)
    for now_ms in range(0, 3000, 100):
        feed(client, message(b"t", b"still here"), now_ms)
        client.tick(now_ms)
        drain(client)
    with pytest.raises(ProtocolError, match="silent"):
        client.tick(3000)


def test_a_connect_without_answer_is_given_up() -> None:
    client = Client("n1")
    client.connect(0)
    client.tick(8_999)
    with pytest.raises(ProtocolError, match="silent"):
        client.tick(9_000)


def silent_after_ms(client: Client, frozen_ms: int, step_ms: int, busy: bool) -> int:
    for now_ms in range(frozen_ms, frozen_ms + 60_000, step_ms):
        if busy:
            give(client, b"x", now_ms)
        try:
            client.tick(now_ms)
        except ProtocolError as error:
            return now_ms - frozen_ms if error.code == "silent" else 60_000
        drain(client)
    return 60_000


@settings(deadline=None)
@given(st.lists(st.integers(1, 4_000), max_size=8), st.integers(1, 500), st.booleans())
def test_a_frozen_broker_is_found_within_15_s(gaps: list[int], step_ms: int, busy: bool) -> None:
    client, now_ms = opened(), 0
    for gap in gaps:  # a live broker for a while
        now_ms += gap
        client.tick(now_ms)
        for sent in drain(client):
            feed(client, PINGRESP if sent.kind == 12 else puback(sent.publish()[1]), now_ms)
    assert silent_after_ms(client, now_ms, step_ms, busy) <= 15_000


def test_hearing_much_does_not_stop_it_from_speaking() -> None:
    client = opened()
    for now_ms in range(0, 6_000, 500):  # QoS 0 needs no answer, and the broker's keep alive runs on
        feed(client, message(b"t", b"x"), now_ms)
        client.tick(now_ms)
    assert [sent.first for sent in drain(client)] == [0xC0]


def test_an_answer_to_something_else_does_not_stand_for_a_suback() -> None:
    client = opened()
    client.tick(5_000)  # asks
    client.subscribe(["a"], 6_000)
    feed(client, PINGRESP, 7_000)
    client.tick(14_999)
    with pytest.raises(ProtocolError, match="silent"):
        client.tick(15_000)


def test_an_idle_link_asks_and_is_content_with_the_answer() -> None:
    client, pings = opened(), 0
    for now_ms in range(0, 120_000, 500):
        client.tick(now_ms)
        for sent in drain(client):
            assert sent == Packet(0xC0, b"")
            pings += 1
            feed(client, PINGRESP, now_ms)
    assert 20 <= pings <= 24


@settings(deadline=None)
@given(st.integers(0, 20_000), st.booleans(), st.booleans())
def test_nothing_happens_before_tick_is_due(later_ms: int, published: bool, asked: bool) -> None:
    client = opened()
    if asked:
        client.tick(5_000)
    if published:
        give(client, b"x", 5_000)
    drain(client)
    due_ms = client.tick_due_ms(5_000)
    client.tick(5_000 + min(later_ms, max(0, due_ms - 1)))
    assert drain(client) == [] or due_ms == 0
    if due_ms:
        try:
            client.tick(5_000 + due_ms)
        except ProtocolError:
            return
        assert drain(client)


# Reconnecting


def test_what_was_not_acknowledged_is_sent_again_in_order_after_a_reconnect() -> None:
    client = opened(window=3)
    ids = [give(client, payload) for payload in (b"1", b"2", b"3")]
    drain(client)
    feed(client, puback(ids[1]))
    for session_present in (b"\x01", b"\x00"):
        client.connect(1000)
        feed(client, b"\x20\x02" + session_present + b"\x00", 1000)
        client.subscribe(["a"], 1000)
        client.tick(1000)
        kinds = drain(client)
        assert [sent.kind for sent in kinds] == [1, 8, 3, 3]
        assert [(sent.first, *sent.publish()[1:]) for sent in kinds[2:]] == [
            (0x3A, ids[0], b"1"),
            (0x3A, ids[2], b"3"),
        ]


def test_what_never_left_is_not_a_duplicate_after_a_reconnect() -> None:
    client = opened(window=3)
    for _ in range(3):
        give(client, bytes(1040))  # the second and third find no room among the bytes out
    client.connect(0)
    drain(client)
    feed(client, CONNACK)
    flags = []
    for _ in range(3):
        client.tick(0)
        flags += [sent.first for sent in drain(client)]
    assert flags == [0x3A, 0x32, 0x32]


def test_half_a_packet_is_forgotten_with_its_connection() -> None:
    for half in (message(b"t", b"x" * 50, 1)[:20], message(b"t", bytes(9_000))[:5_000], b"\x30"):
        client = opened()
        feed(client, half)
        client.connect(0)
        drain(client)
        assert feed(client, CONNACK) == [(CONNECTED, False)]


def test_a_clean_session_forgets() -> None:
    client = opened(clean_session=True)
    give(client, b"x")
    client.connect(0)
    drain(client)
    feed(client, CONNACK)
    client.tick(0)
    assert drain(client) == [] and client.in_flight == 0 and client.room == 3


@settings(deadline=None)
@given(st.lists(st.sampled_from(["publish", "answer", "cut", "late", "lose_answers"]), max_size=60))
def test_every_accepted_message_reaches_the_broker_in_order(steps: list[str]) -> None:
    """A broker that answers late, or whose connection is cut before or after it has taken the bytes."""
    client = opened(window=3, response_ms=1000, sends=3)
    now_ms, accepted, taken, answers = 0, [], [], b""

    def carry() -> None:
        nonlocal answers
        client.tick(now_ms)
        for sent in drain(client):
            if sent.kind == 3:
                _, packet_id, payload = sent.publish()
                taken.append(payload)
                answers += puback(packet_id)

    def reconnect() -> None:
        nonlocal answers
        answers = b""
        client.connect(now_ms)
        drain(client)
        feed(client, CONNACK, now_ms)

    for number, step in enumerate(steps):
        now_ms += 10
        if step == "publish" and give(client, b"%d" % number, now_ms):
            accepted.append(b"%d" % number)
        elif step == "answer":
            carry()
            feed(client, answers, now_ms)
            answers = b""
        elif step == "lose_answers":
            carry()
            answers = b""
        elif step == "cut":
            reconnect()
        elif step == "late":
            now_ms += 990
            try:
                carry()
            except ProtocolError:
                reconnect()
    reconnect()
    for _ in range(4):
        carry()
        feed(client, answers, now_ms)
        answers = b""
    assert client.in_flight == 0
    assert list(dict.fromkeys(taken)) == accepted


# Waiting between tries


def test_the_backoff_grows_to_its_limit_and_starts_again_when_calm() -> None:
    backoff = Backoff(500, 60_000)
    most = [backoff.next_ms(0xFFFF) for _ in range(9)]
    assert most == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]
    assert backoff.next_ms(0) == 500  # never less, so a dead gateway is not hammered
    backoff.calm()
    assert backoff.next_ms(0xFFFF) == 1_000


@settings(deadline=None)
@given(st.integers(0, 0xFFFF))
def test_the_wait_is_spread(draw: int) -> None:
    backoff = Backoff(500, 60_000)
    assert 500 <= backoff.next_ms(draw) <= 1_000


def test_lengths_are_those_of_the_standard() -> None:
    for size, encoded in [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (268_435_455, "ffffff7f")]:
        assert packets.remaining_length(size).hex() == encoded
        data = memoryview(b"\x30" + bytes.fromhex(encoded))
        assert packets.fixed_header(data, 0, len(data)) == (len(data), size)
        assert packets.fixed_header(data, 0, len(data) - 1) == (0, 0)
    assert opened().next_event(0) == NOTHING
