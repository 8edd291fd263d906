"""The one-time codes of the cards: made when a card is printed, used once by the node that has it.

Rules
1. A code is 60 random bits and is kept as a hash only. A new card of a node makes its earlier code worthless.
2. It lasts until ``expires_ms`` and belongs to the first claim that comes with it. The file that says so appears whole
   and at once, by a link that fails when there is one, so two claims at once cannot both be first. The same claim is
   answered again for REPEAT_MS.
3. What was handed over stays noted until the node's secrets are made anew (``gateway provision --rotate``): one set
   of secrets goes to one board.
4. ``cards`` writes NODE.json, the listener writes NODE.*.claim; neither changes a file of the other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from kit.files import PRIVATE, sync_folder, write_atomic
from wire import enrol, topics

REPEAT_MS = 15 * 60_000
_NAME_HEX = 16


@dataclass(frozen=True)
class Open:
    """A code that was printed."""

    digest: str
    issued_ms: int
    expires_ms: int


class Codes:
    """The codes of a gateway, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def issue(self, node: str, now_ms: int, lasts_ms: int) -> str:
        """A new code for a node; an earlier one is void."""
        code = enrol.letters(secrets.token_bytes(8))[: enrol.CODE_CHARS]
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = {"digest": _digest(node, code), "issued_ms": now_ms, "expires_ms": now_ms + lasts_ms}
        write_atomic(self._code_file(node), json.dumps(found) + "\n", mode=PRIVATE)
        return code

    def handed_over(self, node: str) -> bool:
        """Whether a board has the present secrets of this node."""
        return any(self._folder.glob(f"{node}.*.claim"))

    def forget(self, node: str) -> None:
        """No code of this node is good any more, and nobody has its secrets."""
        for path in (self._code_file(node), *self._folder.glob(f"{node}.*.claim")):
            path.unlink(missing_ok=True)

    def any_open(self, now_ms: int) -> bool:
        """Whether there is a code that somebody could still use."""
        for path in self._folder.glob("*.json"):
            found = self._open(path.stem)
            if found is None:
                continue
            claimed = self._claim(path.stem, found)
            if now_ms < (found.expires_ms if claimed is None else claimed[1] + REPEAT_MS):
                return True
        return False

    def use(self, node: str, code: str, claim: str, now_ms: int) -> str:
        """Claim the node's secrets: empty when they may be handed over, else a reason of ``wire.enrol``."""
        found = self._open(node) if topics.id_ok(node) else None
        if found is None or not hmac.compare_digest(found.digest, _digest(node, code)):
            return enrol.WRONG
        claimed = self._claim(node, found)
        if claimed is None:
            if now_ms >= found.expires_ms:
                return enrol.EXPIRED
            return "" if self._make_claim(node, found, claim, now_ms) else enrol.USED
        same = hmac.compare_digest(claimed[0], _digest(node, claim))
        return "" if same and now_ms < claimed[1] + REPEAT_MS else enrol.USED

    def _make_claim(self, node: str, found: Open, claim: str, now_ms: int) -> bool:
        """Note the first claim; False when somebody else was first."""
        path = self._claim_file(node, found)
        made = self._folder / f".{node}.{secrets.token_hex(8)}"
        write_atomic(made, json.dumps([_digest(node, claim), now_ms]), mode=PRIVATE)
        try:
            os.link(made, path)
        except FileExistsError:
            return False
        finally:
            made.unlink()
        sync_folder(self._folder)
        return True

    def _open(self, node: str) -> Open | None:
        try:
            found = json.loads(self._code_file(node).read_text(encoding="ascii"))
            return Open(str(found["digest"]), int(found["issued_ms"]), int(found["expires_ms"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none was printed, or what is there is no code

    def _claim(self, node: str, found: Open) -> tuple[str, int] | None:
        """(hash of the claim, since when); a file that is none is a claim that nobody can repeat."""
        try:
            text = self._claim_file(node, found).read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        try:
            digest, at_ms = json.loads(text)
            return str(digest), int(at_ms)
        except (ValueError, TypeError):
            return "", 0

    def _code_file(self, node: str) -> Path:
        return self._folder / f"{node}.json"

    def _claim_file(self, node: str, found: Open) -> Path:
        return self._folder / f"{node}.{found.digest[:_NAME_HEX]}.claim"


def _digest(node: str, text: str) -> str:
    return hashlib.sha256(f"{node}\0{text}".encode()).hexdigest()
