"""The documents of the contract are what the code says, and the AsyncAPI document hangs together."""

import json
from pathlib import Path
from typing import Any

from cli import wire_docs
from wire import topics

ROOT = Path(__file__).resolve().parents[2]


def test_committed_documents_are_fresh() -> None:
    assert wire_docs.stale(ROOT) == [], "run ./hoiquan docs"


def test_a_changed_document_is_found_and_mended(tmp_path: Path) -> None:
    assert wire_docs.write(tmp_path) == ["docs/wire.md", "docs/asyncapi.json"]
    (tmp_path / "docs/wire.md").write_text("old")
    assert wire_docs.stale(tmp_path) == ["docs/wire.md"]


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [r for value in part.values() for r in references(value)]
    return [r for value in part for r in references(value)] if isinstance(part, list) else []


def test_asyncapi_names_every_kind_and_every_reference_resolves() -> None:
    document = json.loads(wire_docs.asyncapi())
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {*topics.UP_KINDS, *topics.DOWN_KINDS}
    found = references(document)
    assert len(found) == 2 * len(document["channels"]) + 1  # a message and an operation each, and the login
    for reference in found:
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
        assert part
