"""The test broker is a real, strict one: TLS, passwords and ACL hold."""

import queue
from pathlib import Path

from tests.support.broker import Broker
from tests.support.mp import run_micropython


def test_messages_pass_only_where_the_acl_lets_them(tmp_path: Path) -> None:
    acl = {"a": [("write", "hq/a")], "b": [("read", "hq/#")]}
    with Broker(tmp_path, users={"a": "one", "b": "two"}, acl=acl) as broker:
        got: queue.Queue[tuple[str, bytes]] = queue.Queue()
        ready: queue.Queue[bool] = queue.Queue()
        reader, writer = broker.client("b"), broker.client("a")
        reader.on_message = lambda _client, _data, message: got.put((message.topic, bytes(message.payload)))
        reader.on_subscribe = lambda *_: ready.put(True)
        try:
            reader.connect(broker.host, broker.port)
            reader.loop_start()
            reader.subscribe("hq/#", qos=1)
            assert ready.get(timeout=5)
            writer.connect(broker.host, broker.port)
            writer.loop_start()
            writer.publish("hq/b", b"forbidden", qos=1)
            writer.publish("hq/a", b"allowed", qos=1).wait_for_publish(5)
            assert got.get(timeout=5) == ("hq/a", b"allowed")
            assert got.empty()
        finally:
            reader.loop_stop()
            writer.loop_stop()
            reader.disconnect()
            writer.disconnect()


def test_micropython_has_the_heap_of_a_node() -> None:
    done = run_micropython("import gc, sys; print(sys.implementation[0], gc.mem_alloc() + gc.mem_free())")
    name, heap = done.stdout.split()
    assert name == "micropython" and int(heap) < 112 * 1024
