"""The log: one line an event, village time, and never a secret (P14)."""

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog

from kit import log
from kit.clock import ManualClock

CANARY = "s3cr3t-canary"
PEM = "-----BEGIN EC PRIVATE" + " KEY-----\nMHcCAQ\n"


@dataclass(frozen=True)
class Node:
    """What somebody might pass to the log as it is."""

    id: str
    node_key: str


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    text = io.StringIO()
    log.configure("ingest", ManualClock(1_709_226_000_000), stream=text)
    yield text
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def test_one_line_with_time_level_process_event(stream: io.StringIO) -> None:
    log.get(node="n1").info("stored readings", count=40)
    assert stream.getvalue() == (
        'at=2024-02-29T17:00:00.000Z level=info process=ingest event="stored readings" node=n1 count=40\n'
    )


def test_a_value_cannot_forge_a_line(stream: io.StringIO) -> None:
    log.get().warning("bad frame", topic="hq/1\nat=2030-01-01T00:00:00Z level=info event=forged")
    assert stream.getvalue().count("\n") == 1


def test_an_exception_is_one_line(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"refused: password={CANARY}")
    except ValueError:
        log.get().exception("ingest failed")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError" in stream.getvalue()
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize("fields", [
    {"key": CANARY},
    {"node_key": CANARY},
    {"mqtt-password": CANARY},
    {"Authorization": f"Bearer {CANARY}"},
    {"cloud": {"url": "http://x", "token": CANARY}},
    {"nodes": [{"id": "n1", "secret": CANARY}]},
    {"node": Node("n1", CANARY)},
    {"url": f"https://cloud/api?token={CANARY}&from=1"},
    {"headers": f"Authorization: Bearer {CANARY}"},
    {"config": f'{{"password": "{CANARY} with space"}}'},
    {"deep": [[[[[[[{"key": CANARY}]]]]]]]},
    {"pem": PEM + CANARY},
    {"raw": b"password: " + CANARY.encode()},
])
def test_no_secret_is_written(stream: io.StringIO, fields: dict[str, object]) -> None:
    log.get().info("loaded", **fields)
    assert CANARY not in stream.getvalue()
    assert log.HIDDEN in stream.getvalue()


def test_what_is_no_secret_stays(stream: io.StringIO) -> None:
    log.get().info("done", keyboard="vn", monkey="ok", key_count=3, text="the monkeys ate 3 bananas")
    assert log.HIDDEN not in stream.getvalue()


def test_libraries_log_in_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("paho").info("chatter")
    logging.getLogger("paho").warning("lost %s, password=%s", "broker", CANARY)
    assert stream.getvalue().count("\n") == 1
    assert 'level=warning process=ingest event="lost broker, password=***"' in stream.getvalue()


def test_level_is_kept(stream: io.StringIO) -> None:
    log.configure("ingest", ManualClock(0), level="warning", stream=stream)
    log.get().info("nothing")
    assert stream.getvalue() == ""
