"""Tenants, the tokens of their gateways, and the people who log in.

Rules
1. A token is 256 random bits, shown once, stored as SHA-256; nothing shorter or chosen by a person is accepted.
   It is found by its hash, so the time of a refusal says nothing about how much of a token was right.
2. A password is stored as argon2id (``kit.login``). One is looked at at a time, so that a flood of logins cannot
   fill the memory; an unknown name costs the same time as a wrong password.
3. The tenant of a request comes from its credential only; nothing here takes a tenant from anywhere else.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select

from cloud.store.database import Database
from cloud.store.schema import sessions, tenants, tokens, users
from kit.login import MAX_PASSWORD, hash_password, password_fits
from wire import topics

ROLES = ("farmer", "technician", "researcher")
SESSION_MS = 30 * 24 * 3600 * 1000
MIN_PASSWORD = 10
MAX_NAME = 64

class PeopleError(Exception):
    """A tenant, user or password cannot be taken; the text says why in one line."""


@dataclass(frozen=True)
class Person:
    """Who is logged in, and of which village."""

    tenant: str
    name: str
    role: str


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
        token = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            if connection.execute(select(tenants.c.tenant).where(tenants.c.tenant == tenant)).first():
                raise PeopleError(f"the village {tenant} exists; `tenant token {tenant}` makes it another token")
            connection.execute(tenants.insert().values(tenant=tenant, created_ms=now_ms))
            connection.execute(tokens.insert().values(tenant=tenant, token_hash=_hash(token), created_ms=now_ms))
        return token

    def add_token(self, tenant: str, now_ms: int) -> str:
        """Another token for a village that exists."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            if not connection.execute(select(tenants.c.tenant).where(tenants.c.tenant == tenant)).first():
                raise PeopleError(f"no village {tenant} in this ledger")
            connection.execute(tokens.insert().values(tenant=tenant, token_hash=_hash(token), created_ms=now_ms))
        return token

    def revoke_tokens(self, tenant: str) -> int:
        """Take back every token of a village. Returns how many there were."""
        with self._database.write() as connection:
            return connection.execute(delete(tokens).where(tokens.c.tenant == tenant)).rowcount

    def tenants(self) -> list[str]:
        with self._database.read() as connection:
            return list(connection.execute(select(tenants.c.tenant).order_by(tenants.c.tenant)).scalars())

    def tenant_of_token(self, token: str) -> str | None:
        with self._database.read() as connection:
            found = connection.execute(select(tokens.c.tenant).where(tokens.c.token_hash == _hash(token))).scalar()
        return None if found is None else str(found)

    def add_user(self, tenant: str, name: str, password: str, role: str, now_ms: int) -> None:
        """A person who can log in to one village's pages."""
        if role not in ROLES:
            raise PeopleError(f"{role!r} is not a role: {', '.join(ROLES)}")
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            raise PeopleError(f"a name has 1 to {MAX_NAME} printable characters")
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise PeopleError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        hashed = hash_password(password)
        with self._database.write() as connection:
            if not connection.execute(select(tenants.c.tenant).where(tenants.c.tenant == tenant)).first():
                raise PeopleError(f"no village {tenant} in this ledger")
            if connection.execute(select(users.c.name).filter_by(tenant=tenant, name=name)).first():
                raise PeopleError(f"{tenant} has a user {name} already")
            row = {"tenant": tenant, "name": name, "password_hash": hashed, "role": role, "created_ms": now_ms}
            connection.execute(users.insert().values(**row))

    def verify(self, tenant: str, name: str, password: str) -> Person | None:
        """The person, if the password is right."""
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
