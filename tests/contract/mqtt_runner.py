# mypy: ignore-errors
"""Prints a scripted life of the node's MQTT core: what it wrote, what it took, what it refused. For both interpreters.

The broker's half is a table of hex; every line of the output is one step, so a difference between the interpreters,
or with the transcript that is kept, points at the step.

With "memory" as argument (MicroPython only) it prints instead what one publish and its answer leave on the heap.
"""

import sys
from binascii import hexlify, unhexlify

from firmware.node import mqtt

LONG = b"\x30\xff\x0a\x00\x01t" + bytes(1404)
LONG_QOS1 = b"\x32\xff\x0a\x00\x01t\x12\x34" + bytes(1402)

BAD_AFTER_CONNECT = (
    "200200",  # half a CONNACK, then nothing: not an error
    "20020004",  # bad password
    "d000",
    "30ffffffff01",
    "20020000d100",
    "2002000036050001740001",
    "200200003003000974",
    "2002000032050001740000",
    "2002000030040002c328",
    "2002000030050003612f23",
    "20020000400101",
    "200200009003000101",
    "200200001000",
    "2002000020020000",
)


def feed(client, data, now_ms):
    """One byte at a time, which takes every path of a cut packet."""
    for i in range(len(data)):
        client.rx_room()[0] = data[i]
        client.received(1)
        event = client.next_event(now_ms)
        while event:
            tell(client, event)
            event = client.next_event(now_ms)


def tell(client, event):
    if event == mqtt.MESSAGE:
        payload = hexlify(bytes(client.payload)).decode()
        print("message", client.topic, client.qos, int(client.retain), payload)
    elif event == mqtt.CONNECTED:
        print("connected", int(client.session_present))
    elif event == mqtt.ACKED:
        print("acked", client.packet_id)
    else:
        print("subscribed")


def written(client):
    data = bytes(client.tx_pending())
    client.sent(len(data))
    print("wrote", hexlify(data).decode())


def until(client, now_ms, end_ms):
    while now_ms < end_ms:
        now_ms += 500
        try:
            client.tick(now_ms)
        except mqtt.ProtocolError as error:
            print("at", now_ms, error.code)
            return
        if client.tx_waiting:
            print("at", now_ms)
            written(client)


def life():
    client = mqtt.Client("node-1", "node-1", "mật khẩu", (b"hq/1/v/node-1/up/gone", b"\x00bye"))
    client.connect(1000)
    written(client)
    feed(client, b"\x20\x02\x01\x00", 1000)
    client.subscribe(["hq/1/v/node-1/down/ack", "hq/1/v/node-1/down/command"], 1000)
    feed(client, b"\x90\x04\x00\x01\x01\x00", 1000)
    for payload in (b"", b"one", bytes(range(200)), b"refused"):
        print("publish", client.publish(b"hq/1/v/node-1/up/readings", payload, 1000))
    written(client)
    feed(client, b"\x40\x02\x00\x03" b"\x40\x02\x00\x09" b"\x40\x02\x00\x02", 1200)
    feed(client, b"\x32\x09\x00\x04t/\xc3\xa9\x00\x07x", 1300)
    feed(client, b"\x3b\x05\x00\x01t\x00\x07" + LONG + b"\x31\x04\x00\x01ty" + LONG_QOS1, 1400)
    print("skipped", client.skipped)
    until(client, 1400, 20_000)
    client.connect(20_000)
    feed(client, b"\x20\x02\x00\x00", 20_000)
    client.tick(20_000)
    written(client)
    feed(client, b"\x40\x02\x00\x04", 20_000)
    until(client, 20_000, 40_000)
    client.connect(40_000)
    written(client)
    feed(client, b"\x20\x02\x00\x00", 40_000)
    client.disconnect(40_000)
    feed(client, b"\x32\x05\x00\x01t\x00\x07", 40_000)
    written(client)


def refusals():
    for text in BAD_AFTER_CONNECT:
        client = mqtt.Client("n", clean_session=True)
        client.connect(0)
        try:
            feed(client, unhexlify(text), 0)
            print("good", text)
        except mqtt.ProtocolError as error:
            print("bad", text, error.code)


def memory():
    import gc

    client = mqtt.Client("n")
    client.connect(0)
    client.sent(len(client.tx_pending()))
    feed_whole(client, b"\x20\x02\x00\x00")
    payload = bytes(1040)
    for _ in range(3):
        cycle(client, payload)
    gc.collect()
    before = gc.mem_alloc()
    gc.disable()
    for _ in range(16):
        cycle(client, payload)
    churn = (gc.mem_alloc() - before) // 16
    gc.enable()
    for _ in range(10_000):
        cycle(client, payload)
    gc.collect()
    print("churn", churn)
    print("growth", gc.mem_alloc() - before)


def cycle(client, payload):
    packet_id = client.publish(b"hq/1/v/n/up/readings", payload, 0)
    client.sent(len(client.tx_pending()))
    feed_whole(client, b"\x40\x02" + packet_id.to_bytes(2, "big"))


def feed_whole(client, data):
    client.rx_room()[: len(data)] = data
    client.received(len(data))
    while client.next_event(0):
        pass


if sys.argv[1:] == ["memory"]:
    memory()
else:
    life()
    refusals()
