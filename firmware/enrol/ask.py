"""How a node asks its gateway for its config: ``wire.enrol`` over TLS on a socket that never waits.

Rules
1. Everything here is a generator that yields when it has to wait, so that the form goes on answering. It ends with
   what was asked for, or raises Refused with one word that page.py has a sentence for.
2. The authority is fetched without trust, and is worth something only if its pin is the one on the card. The claim
   travels on a second connection, whose certificate that authority must have signed.
3. At most MAX_CONFIG bytes are taken in.
"""

import errno

import tls

from wire import enrol

SERVER_NAME = "hoiquan-gateway"
_MAX_CA = 2048
_NOT_YET = (errno.EAGAIN, errno.EINPROGRESS, getattr(errno, "ENOTCONN", errno.EAGAIN))


class Refused(Exception):
    """The config cannot be had; ``reason`` is one word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def config(connect, host: str, port: int, node: str, code: str, pin: str, claim: bytes):
    """The bytes of the config, as the gateway has it."""
    ca_der = yield from talk(connect(host, port), None, enrol.ask_ca(), _MAX_CA)
    if enrol.pin_of(ca_der) != pin:
        raise Refused("pin")
    return (yield from talk(connect(host, port), ca_der, enrol.ask_config(node, code, claim), enrol.MAX_CONFIG))


def talk(raw, ca_der: bytes | None, request: bytes, most: int):
    """What the gateway answers to one request; closes the socket."""
    stream = None
    try:
        stream = _context(ca_der).wrap_socket(raw, server_hostname=SERVER_NAME, do_handshake_on_connect=False)
        while request:
            count = _attempt(stream.write, request)
            if count is None:
                yield
            else:
                request = request[count:]
        return (yield from _answer(stream, most))
    except ValueError:
        raise Refused("pin")  # MicroPython's word for a certificate that it does not accept
    except (OSError, MemoryError):
        raise Refused("gateway")
    finally:
        for end in (stream, raw):
            if end is not None:
                try:
                    end.close()
                except OSError:
                    pass  # closing says what we know already


def _context(ca_der: bytes | None):
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if ca_der is None:
        context.verify_mode = tls.CERT_NONE
    else:
        context.verify_mode = tls.CERT_REQUIRED
        context.load_verify_locations(ca_der)
    return context


def _answer(stream, most: int):
    head = b""
    piece = bytearray(256)
    while b"\n" not in head:
        count = _attempt(stream.readinto, piece)
        if count is None:
            yield
            continue
        if not count or len(head) > enrol.MAX_LINE:
            raise Refused("gateway")
        head += bytes(memoryview(piece)[:count])
    line, _, begun = head.partition(b"\n")
    length, reason = enrol.parse_answer(line)
    if reason:
        raise Refused(reason)
    if length > most or len(begun) > length:
        raise Refused("bad")
    body = bytearray(length)
    body[: len(begun)] = begun
    have = len(begun)
    while have < length:
        count = _attempt(stream.readinto, memoryview(body)[have:])
        if count is None:
            yield
            continue
        if not count:
            raise Refused("gateway")
        have += count
    return bytes(body)


def _attempt(operation, data) -> int | None:
    """None when it would block, also while the socket still connects."""
    try:
        return operation(data)
    except OSError as error:
        if error.errno in _NOT_YET:
            return None
        raise
