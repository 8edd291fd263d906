"""What a node is told of its broker, made ready once: an address that needs no look-up, and TLS that trusts one CA.

Rules
1. The address is an IPv4 address. A name would have to be looked up, and that waits while leases run.
2. ValueError for what cannot be.
"""

from binascii import unhexlify

# Sizes for mqtt.py that are enough for what a node and its gateway say: an offer or an acknowledgement of 32 ranges in;
# 40 sealed readings and a topic of 82 B out. With them goes a window of 2: a third publish would cost 1 kB of heap.
LEAN = (640, 936, 1088)


def address(broker: dict) -> tuple[str, int]:
    host = broker["host"]
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError("broker host %r is no IPv4 address" % host)
    return host, broker["port"]


def pinned(broker: dict):
    """A TLS client that trusts one CA: DER (hex) or PEM, as the config has it."""
    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    if broker.get("ca_der_hex"):
        context.load_verify_locations(unhexlify(broker["ca_der_hex"]))
    else:
        context.load_verify_locations(broker["ca_pem"].encode())
    return context
