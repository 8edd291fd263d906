"""village.db: the people of the village, their sessions, and what they have asked for. Written by web alone.

Rules
1. No password and no session token is kept, only their hashes, made by the caller.
2. An intent is a wish with an end: control takes it up while it is valid, or says why not. It is never a command.
3. A form is taken once: what is sent again under the same form id changes nothing.
4. Kept are at most MAX_SESSIONS sessions of a user, MAX_INTENTS intents and the form ids of FORMS_MS; the oldest go.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.store.common import FILE_ID, Schema, Writer
from gateway.store.places import Feed, FeedReader

MAX_SESSIONS = 20
MAX_INTENTS = 10_000
FORMS_MS = 86_400_000

SCHEMA = Schema(
    "village.db",
    (
        """
        CREATE TABLE users(
            name TEXT PRIMARY KEY, password_hash TEXT NOT NULL, role TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE sessions(
            token_hash BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
            created_ms INT NOT NULL, expires_ms INT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE intents(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_ms INT NOT NULL, expires_ms INT NOT NULL, kind TEXT NOT NULL CHECK(kind IN ('water', 'stop')),
            zone TEXT NOT NULL, minutes INT NOT NULL, user TEXT NOT NULL) STRICT;
        """,
        "CREATE TABLE forms(id TEXT PRIMARY KEY, at_ms INT NOT NULL) STRICT, WITHOUT ROWID;",
        FILE_ID,
        """
        CREATE TABLE wishes(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_ms INT NOT NULL, expires_ms INT NOT NULL, kind TEXT NOT NULL CHECK(kind IN
                ('water', 'stop', 'unlock', 'try', 'phase', 'pause', 'resume')),
            zone TEXT NOT NULL, minutes INT NOT NULL, user TEXT NOT NULL,
            what TEXT NOT NULL DEFAULT '', told_by TEXT NOT NULL DEFAULT '') STRICT;
        INSERT INTO wishes(id, at_ms, expires_ms, kind, zone, minutes, user)
            SELECT id, at_ms, expires_ms, kind, zone, minutes, user FROM intents;
        DROP TABLE intents;
        ALTER TABLE wishes RENAME TO intents;
        """,
    ),
)

INTENTS = Feed("intents", "at_ms || ' ' || kind || ' ' || zone || ' ' || user")


class User(NamedTuple):
    name: str
    password_hash: str
    role: str


class Session(NamedTuple):
    token_hash: bytes
    user: str
    created_ms: int
    expires_ms: int


class Intent(NamedTuple):
    """``kind`` is "water", for so many minutes, "try", "stop" or "unlock"; of a plan "phase" (``what`` is the phase),
    "pause" for so many minutes, or "resume". ``told_by`` is for whom ``user`` has pressed, empty: for himself."""

    id: int
    at_ms: int
    expires_ms: int
    kind: str
    zone: str
    minutes: int
    user: str
    what: str = ""
    told_by: str = ""


class VillageWriter(Writer):
    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def set_user(self, user: User) -> None:
        """Add a user, or change the password or role; a change ends the user's sessions."""
        with self.transaction():
            self._run("DELETE FROM sessions WHERE user = ?", (user.name,))
            self._run(
                """INSERT INTO users(name, password_hash, role) VALUES(?, ?, ?) ON CONFLICT(name)
                   DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role""",
                user,
            )

    def delete_user(self, name: str) -> None:
        with self.transaction():
            self._run("DELETE FROM users WHERE name = ?", (name,))

    def open_session(self, session: Session) -> None:
        """Also forgets the sessions that ended before it began, and the user's oldest beyond the limit."""
        with self.transaction():
            self._run("DELETE FROM sessions WHERE expires_ms <= ?", (session.created_ms,))
            self._run(
                """DELETE FROM sessions WHERE token_hash IN
                   (SELECT token_hash FROM sessions WHERE user = ? ORDER BY created_ms DESC LIMIT -1 OFFSET ?)""",
                (session.user, MAX_SESSIONS - 1),
            )
            self._run("INSERT INTO sessions VALUES(?, ?, ?, ?)", session)

    def close_session(self, token_hash: bytes) -> None:
        with self.transaction():
            self._run("DELETE FROM sessions WHERE token_hash = ?", (token_hash,))

    def take_form(self, form_id: str, at_ms: int, intents: Sequence[Intent]) -> bool:
        """Keep the intents of a form, unless it was taken before. Returns whether it was new."""
        with self.transaction():
            self._run("DELETE FROM forms WHERE at_ms < ?", (at_ms - FORMS_MS,))
            if self._run("INSERT OR IGNORE INTO forms(id, at_ms) VALUES(?, ?)", (form_id, at_ms)) == 0:
                return False
            for intent in intents:
                self._add(intent)
            self._run("DELETE FROM intents WHERE id <= (SELECT max(id) FROM intents) - ?", (MAX_INTENTS,))
        return True

    def add_intent(self, intent: Intent) -> int:
        """Its ``id`` is given here and returned."""
        with self.transaction():
            return self._add(intent)

    def _add(self, intent: Intent) -> int:
        return self._insert(
            f"INSERT INTO intents({', '.join(Intent._fields[1:])}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)", intent[1:]
        )


class VillageReader(FeedReader):
    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def user(self, name: str) -> User | None:
        row = self._one("SELECT name, password_hash, role FROM users WHERE name = ?", (name,))
        return User._make(row) if row else None

    def users(self) -> list[User]:
        return [User._make(row) for row in self._all("SELECT name, password_hash, role FROM users ORDER BY name")]

    def session(self, token_hash: bytes, now_ms: int) -> Session | None:
        """The session, unless it has ended."""
        sql = "SELECT token_hash, user, created_ms, expires_ms FROM sessions WHERE token_hash = ? AND expires_ms > ?"
        row = self._one(sql, (token_hash, now_ms))
        return Session._make(row) if row else None

    def intents_after(self, after_id: int, limit: int = 100) -> list[Intent]:
        """Oldest first: the way of a cursor."""
        sql = f"SELECT {', '.join(Intent._fields)} FROM intents WHERE id > ? ORDER BY id LIMIT ?"
        return [Intent._make(row) for row in self._all(sql, (after_id, limit))]

    def last_intents(self, look_back: int = 200) -> dict[str, Intent]:
        """The last of each zone, among so many of the newest."""
        sql = f"SELECT {', '.join(Intent._fields)} FROM intents ORDER BY id DESC LIMIT ?"
        newest = [Intent._make(row) for row in self._all(sql, (look_back,))]
        return {intent.zone: intent for intent in reversed(newest)}

    def last_intent_before(self, at_ms: int) -> int:
        """The id of the last intent that is older than this, 0 when there is none."""
        row = self._one("SELECT max(id) FROM intents WHERE at_ms < ?", (at_ms,))
        return int(row[0] or 0) if row else 0
