"""How far somebody has read a table of another process, kept so that it can be told when it does not hold any more.

Rules
1. Rows are read by their rising ids. An id alone says nothing once the file was lost and made anew, or an older copy
   was put back: the ids start again, or stand for other rows. So a place also keeps which file it was, and who the
   row at that id was.
2. A place holds while the file has the same id and the row at the place is the same one. A row that was pruned holds
   too: then everything that is left lies behind it.
3. A place that does not hold is worth nothing; what its owner begins with instead is for the owner to say.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.store.common import Reader, Writer

# For the migrations of a file that keeps cursors as (name, value).
PLACES = """
    ALTER TABLE cursors ADD COLUMN file TEXT NOT NULL DEFAULT '';
    ALTER TABLE cursors ADD COLUMN mark TEXT NOT NULL DEFAULT '';
"""


class Feed(NamedTuple):
    """A table with rising ids that others follow; ``identity`` is the SQL that says who a row is."""

    table: str
    identity: str


class Place(NamedTuple):
    """Everything up to ``id`` was read; ``mark`` is the identity of that row, empty when there is none."""

    file: str
    id: int
    mark: str


class FeedReader(Reader):
    """A reader whose tables can be followed."""

    def place(self, feed: Feed, row_id: int) -> Place:
        """The place of a row of the present file."""
        return Place(self.file_id(), row_id, self._mark(feed, row_id) or "")

    def holds(self, feed: Feed, place: Place) -> bool:
        """Whether what lies behind the place is what was not read yet."""
        if place.file not in ("", self.file_id()):
            return False
        row = self._one(f"SELECT min(id), max(id) FROM {feed.table}")
        first, last = row if row and row[0] is not None else (1, 0)
        if not place.file:  # kept by a program that knew ids only
            return bool(place.id <= last)
        if place.id == 0 or place.id < first:
            return True
        return self._mark(feed, place.id) == place.mark

    def _mark(self, feed: Feed, row_id: int) -> str | None:
        row = self._one(f"SELECT {feed.identity} FROM {feed.table} WHERE id = ?", (row_id,))
        return str(row[0]) if row else None


class CursorWriter(Writer):
    """A writer that keeps places; ``set_cursor`` belongs into a transaction of the caller."""

    def set_cursor(self, name: str, place: Place) -> None:
        self._run("REPLACE INTO cursors(name, file, value, mark) VALUES(?, ?, ?, ?)", (name, *place))

    def cursors(self) -> dict[str, Place]:
        return {str(row[0]): Place(*row[1:]) for row in self._all("SELECT name, file, value, mark FROM cursors")}
