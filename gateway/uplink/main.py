"""``python -m gateway uplink``: tell the cloud, for as long as the village runs.

Rules
1. Irrigation does not know this process: it may hang, crash or have no network, and nothing else changes.
2. It reads the village's databases and writes only uplink.db.
3. Transport is real time: the cycle, the time-outs and the waits after a failure do not speed up with the village.
4. A village without ``[cloud]`` or without a token has nothing to do here: the process says so once and stays idle.
"""

from __future__ import annotations

import random
from contextlib import ExitStack

from gateway import in_force, secrets
from gateway.core import sync
from gateway.core.village import Village
from gateway.home import Home
from gateway.process import Stop
from gateway.store.data import DataReader
from gateway.store.uplink import UplinkWriter
from gateway.uplink.client import CloudClient
from gateway.uplink.lanes import Lanes
from gateway.uplink.page import Page
from gateway.view import Viewer
from kit import log
from kit.clock import Clock, real_mono_s, real_sleep_s

PINNED_CA = "cloud_ca.crt"
NAP_S = 0.2  # how soon a wait notices that the process is to end


def run(home: Home, clock: Clock) -> None:
    """Run until asked to end. Raises RegistryError, SecretsError, StoreError or ProcessError."""
    stop = Stop().on_signals()
    village = in_force.load(home).village
    token = secrets.load(home.secrets, village.nodes).cloud_token
    if village.cloud is None or token is None:
        log.get().info("no cloud is set up for this village: idle")
        _wait(stop, float("inf"))
        return
    with ExitStack() as stack:
        client = CloudClient(url=village.cloud.url, token=token, pinned_ca=home.tls / PINNED_CA)
        stack.callback(client.close)
        _cycles(home, village, clock, client, stop, stack)


def _cycles(home: Home, village: Village, clock: Clock, client: CloudClient, stop: Stop, stack: ExitStack) -> None:
    writer = stack.enter_context(UplinkWriter(home.uplink))
    reader = stack.enter_context(DataReader(home.data))
    viewer = Viewer(home, village, clock)
    stack.callback(viewer.close)
    lanes = Lanes(clock, reader, writer, client)
    page = Page(clock, writer, client, viewer.build)
    pace = sync.pace_for(clock.speed)
    failures = 0
    while not stop:
        started_s = real_mono_s()
        end_s = started_s + pace.cycle_ms / 1000
        taken = _cycle(page, lanes, stop, end_s)
        failures = 0 if taken else failures + 1
        _wait(stop, started_s + sync.wait_ms(pace, failures, random.random()) / 1000)


def _cycle(page: Page, lanes: Lanes, stop: Stop, end_s: float) -> bool:
    """The page, the newest readings, then the backlog until the time is over. False: wait longer than usual."""
    shown = page.send_if_due()
    if shown is not None and shown.status is None:
        return False  # no way to the cloud at all; a page that it refuses is no reason to keep readings back
    return lanes.cycle(lambda: not stop and real_mono_s() < end_s)


def _wait(stop: Stop, until_s: float) -> None:
    while not stop and (left_s := until_s - real_mono_s()) > 0:
        real_sleep_s(min(NAP_S, left_s))
