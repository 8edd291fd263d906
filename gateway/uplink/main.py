"""``python -m gateway uplink``: tell the cloud, for as long as the village runs.

Rules
1. Irrigation does not know this process: it may hang, crash or have no network, and nothing else changes.
2. It reads the village's databases and writes only uplink.db.
3. Transport is real time: the cycle, the time-outs and the waits after a failure do not speed up with the village.
4. A village without ``[cloud]`` or without a token has nothing to do here: the process says so once and stays idle.
"""

from __future__ import annotations

import json
import random
from contextlib import ExitStack

from gateway import registry
from gateway.core import sync
from gateway.home import Home
from gateway.store.common import StoreError
from gateway.store.data import DataReader
from gateway.store.uplink import UplinkWriter
from gateway.uplink.client import CloudClient
from gateway.uplink.lanes import Lanes
from kit import log
from kit.clock import Clock, real_mono_s, real_sleep_s

IDLE_S = 60.0
TOKEN_KEY = "cloud_token"
PINNED_CA = "cloud_ca.crt"


class UplinkError(Exception):
    """The home does not let the uplink run; one line that says what to mend."""


def cloud_token(home: Home) -> str:
    """The token of this village in the cloud, or "" when it has none."""
    try:
        found = json.loads(home.secrets.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise UplinkError(f"{home.secrets} cannot be read: {error}") from error
    token = found.get(TOKEN_KEY, "") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token.isascii():
        raise UplinkError(f"{home.secrets}: {TOKEN_KEY} must be a text")
    return token


def run(home: Home, clock: Clock) -> None:
    """Run until the process is ended. Raises RegistryError, ClientError, StoreError or UplinkError at the start."""
    village = registry.load(home.registry)
    token = cloud_token(home)
    if village.cloud is None or not token:
        log.get().info("no cloud is set up for this village: idle")
        while True:
            real_sleep_s(IDLE_S)
    with ExitStack() as stack:
        client = CloudClient(url=village.cloud.url, token=token, pinned_ca=home.tls / PINNED_CA)
        stack.callback(client.close)
        writer = stack.enter_context(UplinkWriter(home.uplink))
        reader = stack.enter_context(_reader_when_there(home))
        _forever(clock, Lanes(clock, reader, writer, client))


def _reader_when_there(home: Home) -> DataReader:
    """data.db is made by ingest, which may start later than we do."""
    while True:
        try:
            return DataReader(home.data)
        except StoreError as error:
            log.get().info("waiting for data.db", why=str(error))
            real_sleep_s(1.0)


def _forever(clock: Clock, lanes: Lanes) -> None:
    pace = sync.pace_for(clock.speed)
    failures = 0
    while True:
        started_s = real_mono_s()
        deadline_s = started_s + pace.cycle_ms / 1000
        taken = lanes.cycle(lambda end_s=deadline_s: real_mono_s() < end_s)  # type: ignore[misc]
        failures = 0 if taken else failures + 1
        wait_s = sync.wait_ms(pace, failures, random.random()) / 1000
        real_sleep_s(max(0.0, started_s + wait_s - real_mono_s()))
