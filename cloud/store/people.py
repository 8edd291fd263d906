"""Tenants, the tokens of their gateways and readers, and the people who log in.

Rules
1. A token is 256 random bits, shown once, stored as SHA-256; nothing shorter or chosen by a person is accepted.
   It is found by its hash, so the time of a refusal says nothing about how much of a token was right.
2. A password is stored as argon2id (``kit.login``). One is looked at at a time, so that a flood of logins cannot
   fill the memory; an unknown name costs the same time as a wrong password.
3. The tenant of a request comes from its credential only; nothing here takes a tenant from anywhere else.
4. A token does one thing: a gateway's adds, a reader's reads. A stolen gateway gives nobody the village's history, and
   a researcher's script cannot add to it.
5. A name has one spelling (``kit.login.tidy_name``), when it is kept as when somebody logs in.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, Table, delete, literal, select, union_all

from cloud.store.database import Database
from cloud.store.schema import reader_tokens, sessions, tenants, tokens, users
from kit.login import MAX_NAME, MAX_PASSWORD, hash_password, name_is_fit, password_fits, tidy_name
from wire import topics

ROLES = ("farmer", "technician", "researcher")
SESSION_MS = 30 * 24 * 3600 * 1000
MIN_PASSWORD = 10

Scope = Literal["add", "read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_TOKENS: dict[Scope, Table] = {"add": tokens, "read": reader_tokens}


class PeopleError(Exception):
    """A tenant, user or password cannot be taken; the text says why in one line."""


@dataclass(frozen=True)
class Person:
    """Who is logged in, and of which village."""

    tenant: str
    name: str
    role: str


@dataclass(frozen=True)
class Bearer:
    """Whose token it is, and the one thing that it may do."""

    tenant: str
    scope: Scope


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class People:
    """Credentials, by tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_tenant(self, tenant: str, now_ms: int) -> str:
        """A new village and the token of its gateway, which cannot be read again."""
        if not topics.id_ok(tenant):
            raise PeopleError(f"{tenant!r} is not a village id: a-z, 0-9 and -, at most {topics.MAX_ID}")
        with self._database.write() as connection:
            if connection.execute(select(tenants.c.tenant).where(tenants.c.tenant == tenant)).first():
                raise PeopleError(f"the village {tenant} exists; `tenant token {tenant}` makes it another token")
            connection.execute(tenants.insert().values(tenant=tenant, created_ms=now_ms))
            return _new_token(connection, tenant, "add", now_ms)

    def add_token(self, tenant: str, scope: Scope, now_ms: int) -> str:
        """Another token for a village that exists."""
        with self._database.write() as connection:
            _require_tenant(connection, tenant)
            return _new_token(connection, tenant, scope, now_ms)

    def revoke_tokens(self, tenant: str, *scopes: Scope) -> int:
        """Take back every token of a village with these scopes. Returns how many there were."""
        with self._database.write() as connection:
            gone = [delete(_TOKENS[scope]).where(_TOKENS[scope].c.tenant == tenant) for scope in scopes]
            return sum(connection.execute(one).rowcount for one in gone)

    def tenants(self) -> list[str]:
        with self._database.read() as connection:
            return list(connection.execute(select(tenants.c.tenant).order_by(tenants.c.tenant)).scalars())

    def bearer(self, token: str) -> Bearer | None:
        """Whose token it is, or None."""
        hashed = _hash(token)
        wanted = union_all(
            *(
                select(table.c.tenant, literal(scope)).where(table.c.token_hash == hashed)
                for scope, table in _TOKENS.items()
            )
        )
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else Bearer(str(row[0]), row[1])

    def add_user(self, tenant: str, name: str, password: str, role: str, now_ms: int) -> None:
        """A person who can log in to one village's pages."""
        if role not in ROLES:
            raise PeopleError(f"{role!r} is not a role: {', '.join(ROLES)}")
        name = tidy_name(name)
        if not name_is_fit(name):
            raise PeopleError(f"a name has 1 to {MAX_NAME} letters, digits, spaces, dots, - or _")
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise PeopleError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        hashed = hash_password(password)
        with self._database.write() as connection:
            _require_tenant(connection, tenant)
            if connection.execute(select(users.c.name).filter_by(tenant=tenant, name=name)).first():
                raise PeopleError(f"{tenant} has a user {name} already")
            row = {"tenant": tenant, "name": name, "password_hash": hashed, "role": role, "created_ms": now_ms}
            connection.execute(users.insert().values(**row))

    def verify(self, tenant: str, name: str, password: str) -> Person | None:
        """The person, if the password is right."""
        name = tidy_name(name)
        wanted = select(users.c.password_hash, users.c.role).filter_by(tenant=tenant, name=name)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        hashed, role = (str(row[0]), str(row[1])) if row else (None, "")
        fits = password_fits(password[: MAX_PASSWORD + 1], hashed)
        return Person(tenant, name, role) if fits else None

    def open_session(self, person: Person, now_ms: int) -> str:
        """A session token for a cookie. Sessions that have ended are cleared away."""
        token = secrets.token_urlsafe(32)
        row = {"tenant": person.tenant, "token_hash": _hash(token), "name": person.name}
        with self._database.write() as connection:
            connection.execute(
                delete(sessions).where(sessions.c.tenant == person.tenant, sessions.c.expires_ms <= now_ms)
            )
            connection.execute(sessions.insert().values(**row, created_ms=now_ms, expires_ms=now_ms + SESSION_MS))
        return token

    def person_of_session(self, token: str, now_ms: int) -> Person | None:
        """Who holds this session, while it lasts and the user exists."""
        wanted = (
            select(users.c.tenant, users.c.name, users.c.role)
            .join(sessions, (sessions.c.tenant == users.c.tenant) & (sessions.c.name == users.c.name))
            .where(sessions.c.token_hash == _hash(token), sessions.c.expires_ms > now_ms)
        )
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else Person(str(row[0]), str(row[1]), str(row[2]))

    def close_session(self, token: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_hash == _hash(token)))


def _require_tenant(connection: Connection, tenant: str) -> None:
    if not connection.execute(select(tenants.c.tenant).where(tenants.c.tenant == tenant)).first():
        raise PeopleError(f"no village {tenant} in this ledger")


def _new_token(connection: Connection, tenant: str, scope: Scope, now_ms: int) -> str:
    token = secrets.token_urlsafe(32)
    row = {"tenant": tenant, "token_hash": _hash(token), "created_ms": now_ms}
    connection.execute(_TOKENS[scope].insert().values(**row))
    return token
