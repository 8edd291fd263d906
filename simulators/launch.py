"""Brings a whole village up, in order, and hands out what is needed to watch and disturb it.

Rules of this module:
- Secrets are made for this run by the programs that make them anywhere: provisioning, tenant, people. They stay
  in the run's folder.
- Only the field must be there before the nodes are: what they store before it listens, no witness would have
  seen.
- A part is started when the parts that it talks to have been; none waits for another, because each must stand
  that anyway.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

import httpx

from gateway.core.village import Village
from gateway.registry import load
from kit.clock import SpedClock, real_mono_s, real_sleep_s, vietnam_time
from kit.supervisor import Supervisor
from simulators.link import HOST, Link
from simulators.stage import Stage, StageError
from simulators.watch import Watch

POLL_S = 0.1
ASK_S = 5.0
FIELD_S = 20.0
FARMER = "chú sáu"


@dataclass(frozen=True)
class Login:
    name: str
    password: str


@dataclass(frozen=True)
class Running:
    """A village that is up."""

    stage: Stage
    village: Village
    supervisor: Supervisor
    link: Link
    clock: SpedClock
    watch: Watch
    login: Login

    def watering(self) -> list[str]:
        """The gardens that water flows to, as the field sees it: pump and valve on."""
        return [
            zone.name
            for zone in self.village.zones.values()
            if {(zone.valve.node, zone.valve.output), (zone.pump.node, zone.pump.output)} <= self.watch.on
        ]

    def progress(self) -> str:
        """One line on how it goes."""
        at = vietnam_time(self.clock.now_ms())
        on = [
            zone.name for zone in self.village.zones.values() if (zone.valve.node, zone.valve.output) in self.watch.on
        ]
        watering = f"; watering {', '.join(on)}" if on else ""
        cut = "; cloud link cut" if self.link.is_cut else ""
        return (
            f"{at:%Y-%m-%d %H:%M}  measured {len(self.watch.measured):,}, gateway {self.watch.at_gateway():,}, "
            f"cloud {self.watch.at_cloud():,}{watering}{cut}"
        )


def launch(
    stage: Stage, supervisor: Supervisor, link: Link, clock: SpedClock, *, seed: int, start_ms: int, end_ms: int | None
) -> Running:
    """Provision and start everything; StageError says what could not be."""
    village = load(stage.home.registry)
    token = stage.command("cloud", "--database", stage.cloud_url, "tenant", "add", village.id).strip()
    stage.command("gateway", "provision", "--home", stage.home.root, "--cloud-token", "-", stdin=token + "\n")
    login = _login(stage)
    supervisor.start(stage.cloud_program())
    supervisor.start(stage.broker_program())
    supervisor.start(stage.field_program(seed, start_ms, end_ms))
    _wait_for_field(stage)
    supervisor.start(stage.gateway_program())
    for node in village.nodes:
        supervisor.start(stage.node_program(node))
    watch = Watch(stage.witness, stage.home.data, stage.cloud_db, village.id)
    return Running(stage, village, supervisor, link, clock, watch, login)


def _login(stage: Stage) -> Login:
    """A farmer who may log in, with the password that was made for this run."""
    printed = stage.command("gateway", "user", "add", "--home", stage.home.root, FARMER)
    said = dict(line.split(": ", 1) for line in printed.splitlines() if ": " in line)
    return Login(said["name"], said["password"])


def _wait_for_field(stage: Stage) -> None:
    deadline_s = real_mono_s() + FIELD_S
    while real_mono_s() < deadline_s:
        try:
            socket.create_connection((HOST, stage.ports.field), timeout=ASK_S).close()
            return
        except OSError:
            real_sleep_s(POLL_S)
    raise StageError(f"the field did not come up within {FIELD_S:g} s: see {stage.root / 'logs'}")


def wait_for_page(running: Running, within_s: float) -> None:
    """Until the village's page answers; StageError when it does not in time."""
    deadline_s = real_mono_s() + within_s
    url = f"http://{HOST}:{running.stage.ports.web}/login"
    while real_mono_s() < deadline_s:
        running.supervisor.poll()
        try:
            if httpx.get(url, timeout=ASK_S).status_code == 200:
                return
        except httpx.TransportError:
            pass
        real_sleep_s(POLL_S)
    raise StageError(f"the page did not come up within {within_s:g} s: see {running.stage.root / 'logs'}")
