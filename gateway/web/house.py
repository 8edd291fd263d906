"""What the web process can do: show the village, let people in, and pass on what they ask for.

Rules
1. It writes village.db and nothing else; control reads what people asked for there, and decides.
2. Any thread may call any method: the databases are used by one thread at a time.
3. A view is made at most once in VIEW_S of real time, however many phones ask.
4. A village.db that was taken away or replaced is opened anew before anything is read or written: an order that went
   into the lost file would never be seen.
5. What a technician asked for (``users``) is done before anybody's word or session is looked at.
6. An order is worthless after ORDER_MS: a valve never opens because a phone came back from the orchard.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import structlog

from gateway.core.plans.kinds import phases_of
from gateway.core.village import Village
from gateway.home import Home
from gateway.store.common import Replaced
from gateway.store.village import Intent, Session, VillageReader, VillageWriter
from gateway.view import Viewer
from gateway.web.users import take_in
from kit.clock import Clock, real_mono_s, stretch_ms
from kit.login import (
    MAX_TOKEN,
    SESSION_MS,
    Door,
    Refused,
    new_token,
    password_fits,
    tidy_name,
    token_hash,
)
from pages import view

ORDER_MS = 60_000
ORDER_REAL_MS = 10_000  # in a sped-up village an order must still survive the way through the processes
VIEW_S = 0.5
MAX_MINUTES = 60
MAX_PAUSE_DAYS = 30
_log = structlog.get_logger(__name__)


class House:
    """One village, for as long as the process runs."""

    def __init__(self, home: Home, village: Village, clock: Clock) -> None:
        self.village = village
        self.clock = clock
        self._path, self._people = home.village, home.people
        self.reports = home.reports
        self._open()
        self._viewer = Viewer(home, village, clock)
        self._door = Door(speed=clock.speed)
        self._one_thread = threading.Lock()
        self._seen: tuple[float, view.Village] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._viewer.close()
        self._close()

    def _open(self) -> None:
        self._writer = VillageWriter(self._path)
        self._reader = VillageReader(self._path)

    def _close(self) -> None:
        self._reader.close()
        self._writer.close()

    @contextmanager
    def _databases(self) -> Iterator[None]:
        """The databases for one thread."""
        with self._one_thread:
            try:
                self._writer.require_same_file()
            except Replaced as gone:
                _log.error("beginning with the village.db that is there now", why=str(gone))
                self._close()
                self._open()
            take_in(self._people, self._writer)
            yield

    def view(self) -> view.Village:
        """The village as it was at most VIEW_S ago."""
        with self._databases():
            now_s = real_mono_s()
            if self._seen is None or now_s - self._seen[0] > VIEW_S:
                self._seen = (now_s, self._viewer.build(self.clock.now_ms()))
            return self._seen[1]

    def come_in(self, name: str, password: str, address: str) -> str | Refused:
        """The token of a new session, or why there is none."""
        user = tidy_name(name)

        def check() -> str | None:
            with self._databases():
                found = self._reader.user(user)
            if not password_fits(password, found.password_hash if found else None):
                return None
            token, now_ms = new_token(), self.clock.now_ms()
            with self._databases():
                self._writer.open_session(Session(token_hash(token), user, now_ms, now_ms + SESSION_MS))
            return token

        return self._door.knock(user, password, address, self.clock.mono_ms(), check)

    def who(self, token: str) -> str | None:
        """The user of a session, or None."""
        if not 0 < len(token) <= MAX_TOKEN:
            return None
        with self._databases():
            session = self._reader.session(token_hash(token), self.clock.now_ms())
        return session.user if session else None

    def leave(self, token: str) -> None:
        with self._databases():
            self._writer.close_session(token_hash(token))

    def water(self, user: str, zone: str, minutes: int, form_id: str) -> bool:
        """Ask for water. False when this form was taken before."""
        assert zone in self.village.zones and 1 <= minutes <= MAX_MINUTES
        return self._ask("water", user, [zone], minutes, form_id)

    def stop(self, user: str, zones: Sequence[str], form_id: str) -> bool:
        """Ask to stop. False when this form was taken before."""
        assert zones and all(zone in self.village.zones or zone in self.village.sources for zone in zones)
        return self._ask("stop", user, zones, 0, form_id)

    def unlock(self, user: str, zone: str, form_id: str) -> bool:
        """Say that somebody has looked at what is locked. False when this form was taken before."""
        assert zone in self.village.zones
        return self._ask("unlock", user, [zone], 0, form_id)

    def phase(self, user: str, zone: str, phase: str, told_by: str, form_id: str) -> bool:
        """Say that a garden has come to a phase, for whoever has seen it. False when this form was taken before."""
        phases = phases_of(self.village.zones[zone].plan)
        assert phases is not None and phases.of(phase) is not None
        return self._ask("phase", user, [zone], 0, form_id, phase, told_by)

    def pause(self, user: str, zone: str, days: int, form_id: str) -> bool:
        """Let a garden pause for so many days; 0 ends a pause. False when this form was taken before."""
        assert zone in self.village.zones and 0 <= days <= MAX_PAUSE_DAYS
        return self._ask("pause" if days else "resume", user, [zone], days * 24 * 60, form_id)

    def _ask(
        self,
        kind: str,
        user: str,
        zones: Sequence[str],
        minutes: int,
        form_id: str,
        what: str = "",
        told_by: str = "",
    ) -> bool:
        now_ms = self.clock.now_ms()
        expires_ms = now_ms + stretch_ms(self.clock, ORDER_MS, ORDER_REAL_MS)
        intents = [Intent(0, now_ms, expires_ms, kind, zone, minutes, user, what, told_by) for zone in zones]
        with self._databases():
            self._seen = None
            return self._writer.take_form(form_id, now_ms, intents)
