"""Who may come in, on the village Wi-Fi as in the cloud: passwords, sessions, and patience with guessing.

Rules
1. Passwords are kept as argon2id, session tokens as SHA-256; neither is ever logged. There is no default password.
2. A wrong password and an unknown name get the same answer after the same work: an unknown name is checked against
   a hash that no password fits. A name with a control character, which nobody can have, gets that answer too.
3. Guessing is slowed for an account from one address first, so that a neighbour who guesses locks himself out and
   not the owner; then for an address, whatever names it tries; and at many more failures for the account from
   everywhere, because guesses may come from many addresses. While a key is locked its passwords are not even looked
   at, and the locks hold for names that do not exist too.
4. Every table is bounded: at most ``MAX_KEYS`` keys are remembered, and the one that failed longest ago is forgotten
   first. An address must fail for every key it adds, so its own lock comes long before it could push out another's.
5. One login is looked at at a time: a hash takes 19 MiB, and guesses made at once cannot slip through together. A
   household that taps six times in a hurry waits, and is not counted as guessing.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SESSION_MS = 150 * 86_400_000  # a season
MAX_SESSIONS = 20  # of one user; the oldest goes first
MAX_TOKEN = 128
MAX_NAME = 40
MAX_ACCOUNT = 128  # in the cloud a village and a name
MIN_PASSWORD = 8
MAX_PASSWORD = 128
PIN_DIGITS = 8

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
MAX_KEYS = 4096

# 19 MiB, two passes, one lane: OWASP's second choice for argon2id, which fits in the 120 MB of the gateway's web.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# One thread makes all hashes: were they made in many, the allocator would keep 19 MiB for each of them.
_hashing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")

_COMMON_PASSWORDS = """
    password password1 passw0rd matkhau matkhau1 matkhau123 hoiquan hoiquan1 hoiquan123 admin123 administrator
    qwertyui qwerty123 iloveyou vietnam1 vietnam123 dongthap mangcaolanh nongdan1 nongdan123 abcd1234 abc12345
    11223344 12341234 12344321 87654321 98765432 01234567 12345678 123456789 1234567890 0987654321
"""
_COMMON = frozenset(_COMMON_PASSWORDS.split())

PasswordProblem = Literal["empty", "short", "long", "common"]


def tidy_name(name: str) -> str:
    """The one spelling of a name that counts: ``  Bà  TƯ `` is ``bà tư``."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def name_is_fit(name: str) -> bool:
    """A tidy name of letters, digits and a few marks, short enough for a printed card."""
    return 0 < len(name) <= MAX_NAME and all(letter.isalnum() or letter in " .-_" for letter in name)


def tidy_password(password: str) -> str:
    """Spaces between the digits of a printed PIN do not count; those inside a real password do."""
    text = unicodedata.normalize("NFC", password).strip().encode("utf-8", "replace").decode()
    digits = text.replace(" ", "").replace("-", "")
    return digits if digits.isdecimal() else text


def password_problem(password: str, name: str) -> PasswordProblem | None:
    """Why a password may not be chosen."""
    text = tidy_password(password)
    if not text:
        return "empty"
    if len(text) < MIN_PASSWORD:
        return "short"
    if len(text) > MAX_PASSWORD:
        return "long"
    lowered = text.casefold()
    steps = {ord(b) - ord(a) for a, b in pairwise(lowered)}
    if lowered in _COMMON or len(set(lowered)) <= 2 or steps in ({1}, {-1}):
        return "common"
    if lowered in (tidy_name(name), tidy_name(name).replace(" ", "")):
        return "common"
    return None


def new_pin() -> str:
    """Digits for a printed card, such as ``4729 1836``: 26 bits, enough behind rule 3."""
    while True:
        pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        if password_problem(pin, "") is None:
            return f"{pin[:4]} {pin[4:]}"


def hash_password(password: str) -> str:
    return _hashing.submit(_hasher.hash, tidy_password(password)).result()


def password_fits(password: str, kept_hash: str | None) -> bool:
    """True when the password belongs to the hash; ``None`` (no such user) takes as long and is False."""
    return _hashing.submit(_verify, kept_hash or _hash_of_nobody(), tidy_password(password)).result() and bool(
        kept_hash
    )


def _verify(kept_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(kept_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return hash_password(secrets.token_hex(32))


def new_token() -> str:
    """A session's secret, for the cookie only."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of a session's secret."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def csrf_token(token: str) -> str:
    """The word that a form of this session carries; it does not give away the session."""
    return hmac.new(token.encode("utf-8", "replace"), b"hoiquan form", hashlib.sha256).hexdigest()[:32]


def csrf_fits(token: str, given: str) -> bool:
    return hmac.compare_digest(csrf_token(token).encode(), given.encode("utf-8", "replace"))


def address_key(address: str) -> str:
    """The address that is counted: an IPv4 address, or the /64 that one IPv6 customer owns."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


@dataclass
class _Failures:
    count: int
    last_ms: int
    locked_until_ms: int


@dataclass(frozen=True)
class Patience:
    """How many failures are free, and how long the lock after them is; it doubles up to a maximum."""

    free: int
    first_lock_ms: int
    longest_lock_ms: int
    forget_ms: int


# One household at its own phone, or a neighbour at his.
PAIR = Patience(free=5, first_lock_ms=MINUTE_MS, longest_lock_ms=15 * MINUTE_MS, forget_ms=24 * HOUR_MS)
# More than one address can reach in half a day: only guessing from many gets here.
ACCOUNT = Patience(free=50, first_lock_ms=MINUTE_MS, longest_lock_ms=15 * MINUTE_MS, forget_ms=24 * HOUR_MS)
# Many households may come from one address of a mobile provider.
ADDRESS = Patience(free=30, first_lock_ms=MINUTE_MS, longest_lock_ms=15 * MINUTE_MS, forget_ms=HOUR_MS)


class Backoff:
    """Failures by key. Times are monotonic milliseconds of the caller's clock."""

    def __init__(self, patience: Patience, *, stretch: float = 1.0, max_keys: int = MAX_KEYS) -> None:
        self._patience = patience
        self._stretch = max(1.0, stretch)
        self._max_keys = max_keys
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def wait_ms(self, key: str, now_ms: int) -> int:
        """Real milliseconds until the key may try again; 0 when it may now."""
        found = self._failures.get(key)
        return 0 if found is None else max(0, int((found.locked_until_ms - now_ms) / self._stretch))

    def failed(self, key: str, now_ms: int) -> None:
        found = self._failures.pop(key, None)
        if found is None or now_ms - found.last_ms > self._patience.forget_ms * self._stretch:
            found = _Failures(0, now_ms, 0)
        found.count += 1
        found.last_ms = now_ms
        over = found.count - self._patience.free
        if over >= 0:
            lock_ms = min(self._patience.first_lock_ms * 2 ** min(over, 20), self._patience.longest_lock_ms)
            found.locked_until_ms = now_ms + int(lock_ms * self._stretch)
        self._failures[key] = found
        while len(self._failures) > self._max_keys:
            self._failures.popitem(last=False)

    def forget(self, key: str) -> None:
        """The key has shown that it is the right one."""
        self._failures.pop(key, None)


@dataclass(frozen=True)
class Refused:
    """``problem`` is empty, wrong or locked; a locked one may try again after ``wait_ms`` of real time."""

    problem: Literal["empty", "wrong", "locked"]
    wait_ms: int = 0

    @property
    def wait_minutes(self) -> int:
        return max(1, -(-self.wait_ms // MINUTE_MS))


T = TypeVar("T")


class Door:
    """Where one comes in, one after the other. Safe to use from several threads."""

    def __init__(self, *, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._pairs = Backoff(PAIR, stretch=speed)
        self._accounts = Backoff(ACCOUNT, stretch=speed)
        self._addresses = Backoff(ADDRESS, stretch=speed)

    def knock(
        self, account: str, password: str, address: str, mono_ms: int, check: Callable[[], T | None]
    ) -> T | Refused:
        """What ``check`` gives for a right password; it is not called while one of the keys is locked.

        ``account`` is a tidy name or, where there are several villages, village and name.
        """
        if not account or not tidy_password(password):
            return Refused("empty")
        # A name that could not be one shares one key, so that long nonsense cannot fill the memory.
        account_key = account if len(account) <= MAX_ACCOUNT else "unfit"
        address = address_key(address)
        keys = (
            (self._pairs, f"{address} {account_key}"), (self._accounts, account_key), (self._addresses, address)
        )
        with self._lock:
            wait_ms = max(failures.wait_ms(key, mono_ms) for failures, key in keys)
            if wait_ms > 0:
                return Refused("locked", wait_ms)
            # nobody has such a name or password; a database need not be asked, and PostgreSQL could not be
            nobody = not account.isprintable() or len(password) > MAX_PASSWORD
            found = None if nobody else check()
            if found is None:
                for failures, key in keys:
                    failures.failed(key, mono_ms)
                return Refused("wrong")
            for failures, key in keys[:2]:
                failures.forget(key)
            return found
