"""The secrets of a gateway: made by provisioning, read by its processes, never in the registry, a log or an argument.

Rules
1. Secrets are generated; there is no default. A missing, weak, repeated or readable secret stops the process at its
   start with one line that says what to do.
2. A node has a key (32 bytes, seals its frames) and a password (for the broker). They are unrelated: who has the
   broker's files cannot open a valve.
3. So is each process that talks to the broker: one user, one password, so that who has one of them has only its part.
   A file with one password for all of them is of an earlier program: provisioning gives each its own.
4. Passwords consist of letters that no configuration file gives a meaning.
5. A node that leaves the registry loses its secrets. One that is shut out (``revoked``) stays there, with secrets that
   nobody was given, no user at the broker and no config.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kit.files import PRIVATE, write_atomic
from wire.seal import KEY_BYTES

# A dot is in no node's id.
INGEST, CONTROL, LISTEN, UPDATE = "gateway.ingest", "gateway.control", "gateway.listen", "gateway.update"
PROCESSES = (INGEST, CONTROL, LISTEN, UPDATE)
PASSWORD_BYTES = 24
_PASSWORD = re.compile(r"[A-Za-z0-9_-]{24,128}")
_TOKEN = re.compile(r"[\x21-\x7e]{20,512}")
_LEAST_DISTINCT = 8
_AGAIN = "run `python -m gateway provision` to make good ones"
_ANEW = "put back a copy of the file, or delete it, " + _AGAIN + " and give every node its new config"


class SecretsError(Exception):
    """The secrets cannot be used; one line that does not show them."""


@dataclass(frozen=True, repr=False)
class NodeSecret:
    key: bytes
    password: str


@dataclass(frozen=True, repr=False)
class Secrets:
    nodes: Mapping[str, NodeSecret]
    mqtt: Mapping[str, str]  # the password of each of PROCESSES
    cloud_token: str | None = None
    revoked: frozenset[str] = frozenset()

    @property
    def keys(self) -> dict[str, bytes]:
        return {node: secret.key for node, secret in self.nodes.items()}


def load(path: Path, nodes: Iterable[str]) -> Secrets:
    """The secrets of exactly these nodes. Raises SecretsError."""
    found = read(path)
    if found is None:
        raise SecretsError(f"{path} is not there: {_AGAIN}")
    if set(found.mqtt) != set(PROCESSES):
        raise SecretsError(f"{path}: not every process has its own password for the broker: {_AGAIN}")
    missing = [node for node in nodes if node not in found.nodes]
    if missing:
        raise SecretsError(f"{path}: node {missing[0]} has no secret: {_AGAIN}")
    return replace(found, nodes={node: found.nodes[node] for node in nodes})


def complete(found: Secrets | None, nodes: Collection[str]) -> Secrets:
    """The same secrets with new ones for new nodes, and none for nodes that are not named any more."""
    known = found.nodes if found else {}
    return Secrets(
        nodes={node: known.get(node) or _new_node() for node in nodes},
        mqtt={user: (found.mqtt.get(user) if found else None) or _new_password() for user in PROCESSES},
        cloud_token=found.cloud_token if found else None,
        revoked=found.revoked & frozenset(nodes) if found else frozenset(),
    )


def renewed(found: Secrets, node: str, *, shut_out: bool) -> Secrets:
    """The same secrets with new ones for this node, which is shut out or let in again."""
    revoked = found.revoked | {node} if shut_out else found.revoked - {node}
    return replace(found, nodes={**found.nodes, node: _new_node()}, revoked=revoked)


def with_cloud_token(found: Secrets, token: str) -> Secrets:
    """The same secrets with the token that the cloud gave to this village. Raises SecretsError."""
    if not _TOKEN.fullmatch(token):
        raise SecretsError("the cloud token must be one word of 20 to 512 characters, as `cloud tenant add` printed it")
    return replace(found, cloud_token=token)


def read(path: Path) -> Secrets | None:
    """What the file holds, checked; None when there is no file. Raises SecretsError."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsError(f"{path}: cannot be read: {error}") from error
    if mode & 0o077:
        raise SecretsError(f"{path}: other users may read it: run `chmod 600 {path}`")
    try:
        secret = _parse(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SecretsError(f"{path}: not a file of secrets ({type(error).__name__}): {_ANEW}") from error
    if weak := _weakness(secret):
        raise SecretsError(f"{path}: {weak}: {_ANEW}")
    return secret


def write(path: Path, secret: Secrets) -> None:
    """Write the file, readable by its owner only."""
    nodes = {node: {"key": s.key.hex(), "password": s.password} for node, s in secret.nodes.items()}
    found: dict[str, object] = {"nodes": nodes, "mqtt": dict(secret.mqtt)}
    if secret.cloud_token is not None:
        found["cloud_token"] = secret.cloud_token
    if secret.revoked:
        found["revoked"] = sorted(secret.revoked)
    write_atomic(path, json.dumps(found, indent=1) + "\n", mode=PRIVATE)


def _parse(found: Mapping[str, object]) -> Secrets:
    nodes, token = found["nodes"], found.get("cloud_token")
    mqtt = {} if "mqtt_password" in found else found["mqtt"]
    if not isinstance(nodes, dict) or not isinstance(mqtt, dict) or not (token is None or isinstance(token, str)):
        raise TypeError
    return Secrets(
        nodes={str(n): NodeSecret(bytes.fromhex(s["key"]), str(s["password"])) for n, s in nodes.items()},
        mqtt={str(user): str(password) for user, password in mqtt.items()},
        cloud_token=token,
        revoked=frozenset(_names(found.get("revoked", []))),
    )


def _names(found: object) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise TypeError
    return found


def _weakness(found: Secrets) -> str:
    """Why these secrets must not be used; empty when they are good."""
    passwords = [(f"the password of {user}", password) for user, password in found.mqtt.items()]
    passwords += [(f"the password of node {node}", s.password) for node, s in found.nodes.items()]
    for name, password in passwords:
        if not _PASSWORD.fullmatch(password) or len(set(password)) < _LEAST_DISTINCT:
            return f"{name} is empty or weak"
    for node, s in found.nodes.items():
        if len(s.key) != KEY_BYTES or len(set(s.key)) < _LEAST_DISTINCT:
            return f"the key of node {node} is empty or weak"
    if len({p for _, p in passwords}) < len(passwords) or len(set(found.keys.values())) < len(found.nodes):
        return "two secrets are the same"
    if found.cloud_token is not None and not _TOKEN.fullmatch(found.cloud_token):
        return "cloud_token is empty or weak"
    return ""


def _new_node() -> NodeSecret:
    return NodeSecret(secrets.token_bytes(KEY_BYTES), _new_password())


def _new_password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)
