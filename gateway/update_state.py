"""The rollout as it lies in update.db, for its writer and its readers."""

from __future__ import annotations

import json

from gateway.core.jsons import ShapeError, from_plain, to_plain
from gateway.core.rollout import Rollout

BY_HAND = "by hand"


def parsed(found: tuple[str, int] | None) -> tuple[Rollout | None, int]:
    """(rollout, number of its order) as they were kept. One of another shape is forgotten, and must be ordered anew."""
    if found is None:
        return None, 0
    try:
        return from_plain(Rollout, json.loads(found[0]), "rollout"), found[1]
    except (ValueError, ShapeError):
        return None, found[1]


def packed(rollout: Rollout) -> str:
    return json.dumps(to_plain(rollout))
