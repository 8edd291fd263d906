"""The people of the village, as the technician sets them up: a name and a password for the card of each household.

Rules
1. A password is made here and shown once, or chosen and then refused when it is empty, short or common.
2. Setting a user again gives a new password and ends all sessions: that is how a lost card is revoked.
"""

from __future__ import annotations

from gateway.home import Home
from gateway.process import ProcessError
from gateway.store.village import User, VillageWriter
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
    with VillageWriter(home.village) as writer:
        writer.set_user(User(user, hash_password(chosen), ROLE))
    return user, chosen
