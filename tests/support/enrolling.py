"""A new node's end of ``wire.enrol``, as any TLS client can speak it, and what a card says."""

from __future__ import annotations

import re
import socket
import ssl

from wire import enrol

CLAIM = bytes(range(16))


def talk(port: int, request: bytes, ca_der: bytes | None = None) -> tuple[int, str, bytes]:
    """(length, reason, what follows) of one request; without ``ca_der`` nobody is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ca_der is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=ca_der)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=15) as raw,
        context.wrap_socket(raw, server_hostname="hoiquan-gateway") as stream,
    ):
        stream.sendall(request)
        got = b""
        while more := stream.recv(4096):
            got += more
    line, _, body = got.partition(b"\n")
    length, reason = enrol.parse_answer(line)
    return length, reason, body


def ask(port: int, node: str, code: str, claim: bytes = CLAIM) -> tuple[str, bytes]:
    """(reason, config) of a claim, after the authority was fetched."""
    ca_der = talk(port, enrol.ask_ca())[2]
    _, reason, body = talk(port, enrol.ask_config(node, code, claim), ca_der)
    return reason, body


def codes_on(page: str) -> list[str]:
    """The codes of a sheet, in its order."""
    return [enrol.normal(found) for found in re.findall(r"<td>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</td>", page)]
