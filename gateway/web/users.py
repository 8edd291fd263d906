"""The people of the village, as the technician sets them up: a name and a password for the card of each household.

Rules
1. A password is made here and shown once, or chosen and then refused when it is empty, short or common.
2. Setting a user again gives a new password and ends all sessions: that is how a lost card is revoked.
3. village.db has one writer. So a user is a request first: a file of the owner's own, with the hash and never the
   password. While web runs it takes the requests in before it looks at anything else in village.db, so nobody comes in
   with an old card; while nobody writes the file, the command itself takes them in.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import structlog

from gateway.home import Home
from gateway.process import ProcessError
from gateway.store.common import Busy
from gateway.store.village import User, VillageWriter
from kit.files import PRIVATE, sync_folder, write_atomic
from kit.login import (
    MAX_NAME,
    MAX_PASSWORD,
    MIN_PASSWORD,
    hash_password,
    name_is_fit,
    new_pin,
    password_problem,
    tidy_name,
)

ROLE = "farmer"
_log = structlog.get_logger(__name__)
_PROBLEMS = {
    "empty": "is empty",
    "short": f"is shorter than {MIN_PASSWORD} characters",
    "long": f"is longer than {MAX_PASSWORD} characters",
    "common": "is too easy to guess",
}


def add_user(home: Home, name: str, password: str | None = None) -> tuple[str, str]:
    """Set a user's password, made up when None is given. Returns the name to log in with, and the password."""
    user = tidy_name(name)
    if not name_is_fit(user):
        raise ProcessError(f"a name has 1 to {MAX_NAME} letters, digits, spaces, dots, - or _; not {name[:60]!r}")
    chosen = new_pin() if password is None else password
    problem = password_problem(chosen, user)
    if problem is not None:
        raise ProcessError(f"the password {_PROBLEMS[problem]}: choose another, or let one be made")
    _ask(home.people, User(user, hash_password(chosen), ROLE))
    try:
        with VillageWriter(home.village) as writer:
            take_in(home.people, writer)
    except Busy:
        pass  # web runs, and takes it in
    return user, chosen


def _ask(folder: Path, user: User) -> None:
    """Leave a request; a later one for the same name takes its place."""
    name = hashlib.sha256(user.name.encode()).hexdigest()[:32]
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        write_atomic(folder / f"{name}.json", json.dumps(user._asdict()), mode=PRIVATE)
    except OSError as error:
        raise ProcessError(f"{folder}: {error.strerror or error}") from error


def take_in(folder: Path, writer: VillageWriter) -> None:
    """Do what is asked for in a folder of requests. Raises StoreError; then the requests stay."""
    for path in sorted(folder.glob("*.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            user = User(str(found["name"]), str(found["password_hash"]), str(found["role"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.error("a request for a user cannot be read", path=str(path), why=str(error))
            path.replace(path.with_suffix(".bad"))
            continue
        writer.set_user(user)
        path.unlink()
        sync_folder(folder)
        _log.info("user set", user=user.name)
