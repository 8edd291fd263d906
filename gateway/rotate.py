"""New secrets for one node, or none: ``gateway provision --rotate NODE`` and ``--revoke NODE``.

Rules
1. New secrets mean a new key and a new password: the board that has the old ones is refused by the broker, and what it
   sealed is no more than noise. Its codes are void, and a new card can be printed.
2. A node that is shut out stays in the registry, so that its history keeps its name, but has no user at the broker and
   no config. Its key is changed as well: frames of it that the broker still holds are refused.
3. The broker is told by SIGHUP to read its files again; it then drops who may not be there any more. It is found by
   its command line, which names our configuration, so that nobody else is signalled.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from gateway import registry, registry_relay, secrets
from gateway.core.village import Village
from gateway.enrol.codes import Codes
from gateway.home import Home
from gateway.process import no_such_node
from gateway.provision import provision

_PROC = Path("/proc")


def change(home: Home, rotate: Sequence[str], revoke: Sequence[str]) -> None:
    """Make the secrets of these nodes anew, shut those out, and bring the broker's files up to date."""
    if not rotate and not revoke:
        return
    village = registry.load(home.registry)
    found = secrets.complete(secrets.read(home.secrets), village.nodes)
    for node in (*rotate, *revoke):
        if node not in village.nodes:
            raise no_such_node(node, home.registry, village.nodes)
    for node in rotate:
        found = secrets.renewed(found, node, shut_out=False)
    for node in revoke:
        found = secrets.renewed(found, node, shut_out=True)
    # The codes first: between the two nobody can claim secrets that are about to end.
    for node in (*rotate, *revoke):
        Codes(home.enrol).forget(node)
    secrets.write(home.secrets, found)
    provision(home)


def cut_off(village: Village, rotated: Sequence[str]) -> list[str]:
    """What to do about nodes out of reach whose bridge has new secrets: the key of their hop follows from its key."""
    said = []
    for bridge in rotated:
        leaves = [leaf for leaf in registry_relay.leaves(village.nodes, bridge) if leaf not in rotated]
        if leaves:
            options = " ".join(f"--rotate {leaf}" for leaf in leaves)
            names = ", ".join(leaves)
            said.append(f"{names} nói qua {bridge} nên cũng phải cài lại: chạy thêm {options}, in phiếu mới / "
                        f"speak through {bridge} and must be set up again: {options}, then new cards")  # fmt: skip
    return said


def tell_broker(home: Home) -> bool:
    """Let the running broker read its files again; False when none runs, or it is not ours to signal."""
    told = False
    for pid in brokers(home.mosquitto_conf):
        try:
            os.kill(pid, signal.SIGHUP)
            told = True
        except OSError:
            continue  # it has just ended, or it is another user's: the caller says what to do
    return told


def brokers(configuration: Path) -> list[int]:
    """The processes of Mosquitto that run from this configuration."""
    found = []
    for folder in _PROC.glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if Path(os.fsdecode(words[0])).name == "mosquitto" and os.fsencode(configuration) in words[1:]:
            found.append(int(folder.name))
    return found
