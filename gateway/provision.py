"""Makes a gateway's home from its registry: secrets, certificates, the broker's files, a config for each node.

Rules
1. It can be run again at any time: what is there and fits stays as it is, to the byte; what is missing is made.
2. What follows from the registry follows it: a new node gets its secrets, one that is gone loses them, its user and
   its config.
3. Every file with a secret in it is readable by its owner only.
4. A node is told the broker's IPv4 address, never a name: looking one up would hold up the ends of its leases. A name
   is looked up here, and refused unless it gives exactly one address that nodes can reach.
5. Ids were checked by the registry, so no name can smuggle a line into a file of the broker; free text (a node's
   name) goes into JSON only.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from gateway import certificates, in_force, registry, registry_boards, registry_relay, secrets
from gateway.core.village import Node, Village
from gateway.home import Home
from gateway.mqtt import broker_files, users
from gateway.process import ProcessError
from gateway.secrets import Secrets
from gateway.store.common import Writer
from gateway.store.control import ControlWriter
from gateway.store.data import DataWriter
from gateway.store.update import UpdateWriter
from gateway.store.uplink import UplinkWriter
from gateway.store.village import VillageWriter
from kit.files import PRIVATE, PUBLIC, write_atomic

KEEPALIVE_S = 15


class ProvisionError(ProcessError):
    """The home cannot be made; one line."""


def provision(home: Home, cloud_token: str | None = None) -> Village:
    """Make or mend the home. Raises RegistryError, SecretsError, StoreError or ProvisionError."""
    if any(ord(character) < 32 for character in str(home.root)):
        raise ProvisionError(f"{str(home.root)!r}: the path of a home must not hold control characters")
    village = registry.load(home.registry)
    try:
        secret = _secrets(home, village, cloud_token)
        certificates.ensure(home.tls, village.broker.host)
        _broker(home, village, secret)
        _nodes(home, village, secret)
        _databases(home)
        in_force.remember(home)
    except OSError as error:
        raise ProvisionError(f"{error.filename or home.root}: {error.strerror or error}") from error
    return village


def _secrets(home: Home, village: Village, cloud_token: str | None) -> Secrets:
    found = secrets.read(home.secrets)
    secret = secrets.complete(found, village.nodes)
    if cloud_token is not None:
        secret = secrets.with_cloud_token(secret, cloud_token)
    if secret != found:
        secrets.write(home.secrets, secret)
    return secret


def _broker(home: Home, village: Village, secret: Secrets) -> None:
    folder = home.mosquitto
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    account = pwd.getpwuid(os.geteuid()).pw_name
    _put(home.mosquitto_conf, broker_files.configuration(village, folder, home.tls, account), PUBLIC)
    _put(folder / "acl", broker_files.access_list(users.access(village, secret.revoked)), PRIVATE)
    _put(folder / "passwd", broker_files.password_file(users.passwords(secret)), PRIVATE)


def _nodes(home: Home, village: Village, secret: Secrets) -> None:
    home.nodes.mkdir(mode=0o700, parents=True, exist_ok=True)
    ca_pem = home.ca.read_text(encoding="ascii")
    address = broker_address(village.broker.host)
    let_in = village.nodes.keys() - secret.revoked
    for node in (village.nodes[name] for name in sorted(let_in)):
        config = node_config(village, node, secret, ca_pem, address)
        _put(home.nodes / f"{node.id}.json", json.dumps(config, indent=1, ensure_ascii=False) + "\n", PRIVATE)
    for path in home.nodes.glob("*.json"):
        if path.stem not in let_in:
            path.unlink()


def broker_address(host: str) -> str:
    """The IPv4 address of the broker's host. Raises ProvisionError."""
    try:
        found = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)})
    except OSError as error:
        raise ProvisionError(f"broker.host = {host!r}: not found ({error}); write the IPv4 address there") from error
    named = host not in found
    if len(found) != 1 or (named and host != "localhost" and ip_address(found[0]).is_loopback):
        raise ProvisionError(f"broker.host = {host!r}: gives {', '.join(found)}; write the one address of the gateway")
    return found[0]


def node_config(village: Village, node: Node, secret: Secrets, ca_pem: str, address: str) -> dict[str, object]:
    """What a node has to know. Fields are ids of ``wire.fields``: the node need not know the registry's words."""
    return {
        "village": village.id,
        "node": node.id,
        "model": node.model,
        "name": node.name,
        "key": secret.nodes[node.id].key.hex(),
        "broker": {
            "host": address,
            "port": village.broker.port,
            "server_name": certificates.SERVER_NAME,
            "user": node.id,
            "password": secret.nodes[node.id].password,
            "ca_pem": ca_pem,
        },
        "sample_s": node.sample_s,
        "sensors": [
            {"field": s.field, "channel": s.channel, "every_s": node.every_s(s.field, s.channel)}
            | registry_boards.sensor_config(node, s)
            | ({"on_s": s.on_s} if s.on_s else {})
            for s in node.sensors
        ],
        "outputs": [
            {"index": o.index, "kind": o.kind, "hard_max_s": o.hard_max_s, "min_rest_s": o.min_rest_s}
            | registry_boards.output_config(node, o)
            for o in node.outputs
        ],
        **({"local": dict(node.local)} if node.local else {}),
        **({"life": "wake", "send_s": node.send_s} if node.send_s else {}),
        "keepalive_s": KEEPALIVE_S,
    } | registry_relay.config(village, node, secret)


def _databases(home: Home) -> None:
    """Make the files, empty, so that every reader finds them; one that exists belongs to its writer."""
    writers: dict[Path, Callable[[Path], Writer]] = {
        home.data: DataWriter,
        home.control: ControlWriter,
        home.village: VillageWriter,
        home.uplink: UplinkWriter,
        home.update: UpdateWriter,
    }
    for path, writer in writers.items():
        if not path.exists():
            writer(path).close()


def _put(path: Path, text: str, mode: int) -> None:
    """Write a file unless it is so already."""
    if not path.exists() or path.read_text(encoding="utf-8") != text or path.stat().st_mode & 0o777 != mode:
        write_atomic(path, text, mode=mode)
