"""How a new node gets its config: one line to the gateway over TLS, against the one-time code of its card.

    "hq-enrol 1 ca"                               -> "ok LENGTH", then the DER of the village's authority
    "hq-enrol 1 claim NODE CODE CLAIM"            -> "ok LENGTH", then the node's config (JSON)
    anything that is not answered by "ok"         -> "no REASON"

Rules
1. Every line ends with a line feed and is at most MAX_LINE bytes; one request a connection, then the gateway closes.
2. The first request is made without trust: whoever answers can only give bytes, and they are taken for the authority
   only if their pin is the one on the card. The second one is made over TLS that trusts that authority alone.
3. CLAIM is 16 random bytes of the node, in hex. The code belongs to the first claim that comes with it, and is given
   to that one again for a while: an answer that got lost costs nothing, and nobody else can use the code.
4. Codes and pins are written in letters that cannot be mistaken for each other (Crockford's base 32), and read with
   the mistakes that people make all the same.
"""

from binascii import hexlify, unhexlify
from hashlib import sha256

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARS = 12  # 60 bits
PIN_BYTES = 16
PIN_CHARS = 26
CLAIM_BYTES = 16
MAX_LINE = 160
MAX_CONFIG = 16_384
HEAD = "hq-enrol 1 "

# Why a claim is refused
BAD = "bad"  # not a request
WRONG = "wrong"  # no such code for this node
USED = "used"  # another node has used it
EXPIRED = "expired"
LATER = "later"  # too many tries: wait
REASONS = (BAD, WRONG, USED, EXPIRED, LATER)


def normal(text: str) -> str:
    """A code or pin as it is meant: without spaces and hyphens, in capitals, O and I and L for what they look like."""
    kept = text.upper().replace("-", "").replace(" ", "")
    return kept.replace("O", "0").replace("I", "1").replace("L", "1")


def code_ok(code: str) -> bool:
    """Whether this is a code as ``normal`` gives it back."""
    return len(code) == CODE_CHARS and all(c in ALPHABET for c in code)


def pin_ok(pin: str) -> bool:
    return len(pin) == PIN_CHARS and all(c in ALPHABET for c in pin)


def letters(data: bytes) -> str:
    """Bytes in base 32, five bits a letter; the last one is filled up with zeros."""
    bits = 8 * len(data)
    count = (bits + 4) // 5
    number = int.from_bytes(data, "big") << (5 * count - bits)
    return "".join(ALPHABET[number >> 5 * (count - 1 - i) & 31] for i in range(count))


def pin_of(ca_der: bytes) -> str:
    """The pin of an authority."""
    return letters(sha256(ca_der).digest()[:PIN_BYTES])


def ask_ca() -> bytes:
    return (HEAD + "ca\n").encode()


def ask_config(node: str, code: str, claim: bytes) -> bytes:
    return (HEAD + "claim " + node + " " + code + " " + hexlify(claim).decode() + "\n").encode()


def parse_request(line: bytes) -> tuple[str, ...] | None:
    """("ca",) or ("claim", node, code, claim in hex) of a line without its end; None when it is no request."""
    try:
        text = line.decode()
    except UnicodeError:
        return None
    if len(line) > MAX_LINE or text[: len(HEAD)] != HEAD:
        return None
    words = text[len(HEAD) :].split(" ")
    if words == ["ca"]:
        return ("ca",)
    if len(words) != 4 or words[0] != "claim" or not code_ok(words[2]):
        return None
    try:
        claim = unhexlify(words[3])
    except ValueError:
        return None
    return tuple(words) if len(claim) == CLAIM_BYTES else None


def parse_answer(line: bytes) -> tuple[int, str]:
    """(length of what follows, "") or (0, reason) of an answer's first line without its end."""
    words = line.split(b" ")
    if len(words) == 2 and words[0] == b"ok" and words[1].isdigit() and len(words[1]) <= 5:
        length = int(words[1])
        if 0 < length <= MAX_CONFIG:
            return length, ""
    if len(words) == 2 and words[0] == b"no":
        for reason in REASONS:
            if words[1] == reason.encode():
                return 0, reason
    return 0, BAD
