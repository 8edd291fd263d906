"""The node's MQTT client in time: answers that do not come, silence, and connections that are lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.node import packets
from firmware.node.backoff import Backoff
from firmware.node.mqtt import CONNECTED, NOTHING, Client
from firmware.node.packets import ProtocolError
from tests.support.mqtt_packets import CONNACK, PINGRESP, Packet, drain, feed, give, message, opened, puback

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
