"""Who may do what in the cloud: every route the application has, with every kind of credential.

The routes are those of the application itself: one that has no row here fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from cloud.store.database import Database, open_database
from cloud.store.ledger import Ledger
from cloud.store.people import People
from cloud.web.app import create_app
from cloud.web.auth import SESSION_COOKIE
from kit.clock import ManualClock
from tests.support.asgi import Client
from tests.support.cloud import body_of
from tests.support.readings import reading
from tests.support.views import NOW_MS, garden, village

URL = "http://cloud.test"
PASSWORD = "xoài chín cây"
MINE, THEIRS = "tan-thuan", "my-khanh"
CREDENTIALS = ("none", "gateway", "reader", "session")
PERIOD = "?from=2024-01-01&to=2025-01-01"

# What each credential gets. "adds" and "reads": the data of its own village, and of no other.
NOBODY, FORBIDDEN, LOGIN = "401 unauthorized", "403 wrong_scope", "303 /login"
MATRIX: dict[str, tuple[str, str, str, str]] = {
    # route                     none      gateway    reader     session
    "POST /api/v1/ingest":      (NOBODY,  "adds",    FORBIDDEN, NOBODY),
    "POST /api/v1/snapshot":    (NOBODY,  "adds",    FORBIDDEN, NOBODY),
    "GET /api/v1/readings.csv": (NOBODY,  FORBIDDEN, "reads",   "reads"),
    "GET /health":              ("200",   "200",     "200",     "200"),
    "GET /openapi.json":        ("200",   "200",     "200",     "200"),
    "HEAD /openapi.json":       ("200",   "200",     "200",     "200"),
    "GET /":                    (LOGIN,   LOGIN,     LOGIN,     "reads"),
    "GET /login":               ("200",   "200",     "200",     "303 /"),
    "POST /login":              ("400",   "400",     "400",     "400"),  # with an empty form
    "POST /logout":             (LOGIN,   LOGIN,     LOGIN,     "403"),  # without the word of its page
}  # fmt: skip


@dataclass(frozen=True)
class Cloud:
    database: Database
    client: Client
    headers: dict[tuple[str, str], dict[str, str]]  # of (village, credential)

    def holds(self) -> dict[str, tuple[int, bool]]:
        """What has been added to each village: readings, and whether its page was sent again."""
        ledger = Ledger(self.database)
        return {v: (ledger.counts(v)["readings"], "gửi lại" in (ledger.snapshot(v) or (0, ""))[1]) for v in _VILLAGES}


_VILLAGES = (MINE, THEIRS)


def _page(of: str, name: str) -> str:
    return village(garden(name=f"{name} {of}"), id=of, now_ms=NOW_MS).to_json()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    database = open_database(f"sqlite:///{tmp_path}/cloud.db")
    people, ledger = People(database), Ledger(database)
    headers: dict[tuple[str, str], dict[str, str]] = {}
    for tenant in _VILLAGES:
        gateway = people.add_tenant(tenant, NOW_MS)
        people.add_user(tenant, "bà tư", PASSWORD, "farmer", NOW_MS)
        person = people.verify(tenant, "bà tư", PASSWORD)
        assert person is not None
        ledger.ingest(tenant, [reading(1, node=f"node-{tenant}")], NOW_MS)
        ledger.put_snapshot(tenant, _page(tenant, "Vườn"), NOW_MS)
        headers[tenant, "none"] = {}
        headers[tenant, "gateway"] = {"authorization": f"Bearer {gateway}"}
        headers[tenant, "reader"] = {"authorization": f"Bearer {people.add_token(tenant, 'read', NOW_MS)}"}
        headers[tenant, "session"] = {"cookie": f"{SESSION_COOKIE}={people.open_session(person, NOW_MS)}"}
    yield Cloud(database, Client(create_app(database, ManualClock(NOW_MS)), URL), headers)
    database.close()


def _ask(cloud: Cloud, route: str, tenant: str, credential: str) -> httpx.Response:
    method, path = route.split()
    bodies = {
        "/api/v1/ingest": body_of([reading(2, node=f"node-{tenant}")]),
        "/api/v1/snapshot": _page(tenant, "Vườn gửi lại").encode(),
    }
    headers = {"origin": URL, **cloud.headers[tenant, credential]}
    if path == "/api/v1/ingest":
        headers["content-encoding"] = "zstd"
    if path in ("/login", "/logout") and method == "POST":
        headers["content-type"] = "application/x-www-form-urlencoded"
    query = PERIOD if path.endswith(".csv") else ""
    return cloud.client.request(method, path + query, headers=headers, content=bodies.get(path, b""))


def _outcome(cloud: Cloud, route: str, tenant: str, credential: str) -> str:
    """What came of a request, and that it touched no other village."""
    other = next(v for v in _VILLAGES if v != tenant)
    before = cloud.holds()
    answer = _ask(cloud, route, tenant, credential)
    after = cloud.holds()
    assert after[other] == before[other], "another village was written to"
    assert other not in answer.text, "another village was shown"
    if after != before:
        assert answer.status_code == 200
        return "adds"
    if tenant in answer.text:
        assert answer.status_code == 200
        return "reads"
    told = str(answer.status_code)
    if "location" in answer.headers:
        return f"{told} {answer.headers['location']}"
    if answer.status_code >= 400 and answer.headers["content-type"] == "application/json":
        return f"{told} {answer.json()['code']}"
    return told


def test_every_route_has_its_row(cloud: Cloud) -> None:
    app = cloud.client._app
    routes = {
        f"{method} {context.path}"
        for context in iter_route_contexts(app.routes)  # type: ignore[attr-defined]
        for method in context.methods or {"?"}
    }
    assert routes == set(MATRIX), "a route without a row, or a row without a route"


@pytest.mark.parametrize("tenant", _VILLAGES)
@pytest.mark.parametrize("route", MATRIX)
def test_each_credential_does_what_it_is_for_and_only_in_its_own_village(  # P7
    cloud: Cloud, route: str, tenant: str
) -> None:
    found = {credential: _outcome(cloud, route, tenant, credential) for credential in CREDENTIALS}
    assert found == dict(zip(CREDENTIALS, MATRIX[route], strict=True))


@pytest.mark.parametrize("route", MATRIX)
def test_a_credential_that_was_taken_back_is_none(cloud: Cloud, route: str) -> None:  # P7
    people = People(cloud.database)
    assert people.revoke_tokens(MINE, "add", "read") == 2
    people.close_session(cloud.headers[MINE, "session"]["cookie"].split("=", 1)[1])
    for credential in ("gateway", "reader", "session"):
        assert _outcome(cloud, route, MINE, credential) == MATRIX[route][0]
