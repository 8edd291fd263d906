"""The files from which Mosquitto runs: configuration, passwords, access list. Pure: text in, text out.

Rules
1. TLS only, one address, no anonymous client, nothing retained, every limit set: Mosquitto's own defaults are
   "unlimited".
2. A client's id is its user name. Its access list names each topic in full.
3. The broker keeps sessions and queues over a restart, but nobody relies on it: a node keeps its readings until the
   gateway has acknowledged them after its commit.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from gateway.core.village import Village
from gateway.mqtt.users import Access

# More than one commit of ingest takes at most, or the broker would wait for acknowledgements while ingest waits
# for messages.
MAX_INFLIGHT = 256
MAX_QUEUED = 20_000
MAX_QUEUED_BYTES = 24_000_000
MAX_MESSAGE_BYTES = 4096
MAX_PACKET_BYTES = 8192
MEMORY_LIMIT_BYTES = 96_000_000
# The passwords are 24 random bytes: stretching them would protect nothing and slow 200 nodes down that come back.
PASSWORD_ROUNDS = 101
SALT_BYTES = 12


def configuration(village: Village, folder: Path, tls: Path, user: str) -> str:
    """mosquitto.conf, to be run by this user of the system."""
    return f"""\
# Written by `python -m gateway provision` from village.toml; changes made here are lost.
user {user}
listener {village.broker.port} {village.broker.host}
certfile {tls}/server.crt
keyfile {tls}/server.key
tls_version tlsv1.2

allow_anonymous false
password_file {folder}/passwd
acl_file {folder}/acl
use_username_as_clientid true
allow_zero_length_clientid false
retain_available false

max_connections {2 * len(village.nodes) + 16}
message_size_limit {MAX_MESSAGE_BYTES}
max_packet_size {MAX_PACKET_BYTES}
max_inflight_messages {MAX_INFLIGHT}
max_queued_messages {MAX_QUEUED}
max_queued_bytes {MAX_QUEUED_BYTES}
memory_limit {MEMORY_LIMIT_BYTES}
max_keepalive 300
set_tcp_nodelay true

persistence true
persistence_location {folder}/
persistent_client_expiration 30d
autosave_interval 60
sys_interval 0

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true
"""


def access_list(access: Mapping[str, Access]) -> str:
    """The access list file."""
    blocks = [
        f"user {user}\n" + "".join(f"topic {what} {where}\n" for what, where in entries)
        for user, entries in access.items()
    ]
    return "\n".join(blocks)


def password_file(passwords: Mapping[str, str]) -> str:
    """The password file, in Mosquitto's own format: PBKDF2 with SHA-512."""
    return "".join(f"{user}:{_hashed(user, password)}\n" for user, password in passwords.items())


def _hashed(user: str, password: str) -> str:
    # The salt follows from the secret, so that provisioning twice writes the same file.
    salt = hashlib.sha256(f"salt\0{user}\0{password}".encode()).digest()[:SALT_BYTES]
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ROUNDS)
    return f"$7${PASSWORD_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
