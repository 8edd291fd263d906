"""Whose request it is.

Rules
1. A gateway or a script shows ``Authorization: Bearer TOKEN``; a person shows the session cookie. Both name exactly
   one tenant, and no other part of a request can.
2. A missing, unknown, revoked or malformed credential gets one and the same 401.
3. A gateway's token adds and reads nothing; a reader's token reads and adds nothing; a person who is logged in
   reads. A good token at the wrong route gets 403, so that its owner knows that it is not lost.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cloud.store.ledger import Ledger
from cloud.store.people import People, Person, Scope
from cloud.web.errors import Refusal
from kit.clock import Clock

SESSION_COOKIE = "hoiquan_session"
MAX_TOKEN = 128
_WRONG_SCOPE: dict[Scope, str] = {
    "add": "This is a gateway's token, which only adds; to read, a token of `tenant token --reader` is needed.",
    "read": "This is a reader's token, which only reads; a gateway needs a token of its own.",
}


def ledger_of(request: Request) -> Ledger:
    found: Ledger = request.app.state.ledger
    return found


def people_of(request: Request) -> People:
    found: People = request.app.state.people
    return found


def clock_of(request: Request) -> Clock:
    found: Clock = request.app.state.clock
    return found


TheLedger = Annotated[Ledger, Depends(ledger_of)]
ThePeople = Annotated[People, Depends(people_of)]
TheClock = Annotated[Clock, Depends(clock_of)]


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and 0 < len(token) <= MAX_TOKEN else None


def person_of(request: Request, people: ThePeople, clock: TheClock) -> Person | None:
    """Who is logged in, or None. For pages, which then show the login."""
    token = request.cookies.get(SESSION_COOKIE, "")
    return people.person_of_session(token, clock.now_ms()) if 0 < len(token) <= MAX_TOKEN else None


def _tenant_of_token(request: Request, people: People, scope: Scope) -> str:
    """The tenant of the bearer token, if that may do what it is shown for. Raises Refusal 401 or 403."""
    token = _bearer(request)
    bearer = people.bearer(token) if token else None
    if bearer is None:
        raise Refusal(401, "unauthorized", "A valid token is needed: Authorization: Bearer TOKEN.")
    if bearer.scope != scope:
        raise Refusal(403, "wrong_scope", _WRONG_SCOPE[bearer.scope])
    return bearer.tenant


def tenant_of_gateway(request: Request, people: ThePeople) -> str:
    """The tenant of a gateway's token. Raises Refusal 401 or 403."""
    return _tenant_of_token(request, people, "add")


def tenant_of_reader(request: Request, people: ThePeople, clock: TheClock) -> str:
    """The tenant of a reader's token or of the person logged in. Raises Refusal 401 or 403."""
    if "authorization" in request.headers:
        return _tenant_of_token(request, people, "read")
    person = person_of(request, people, clock)
    if person is None:
        raise Refusal(401, "unauthorized", "A token or a login is needed.")
    return person.tenant


GatewayTenant = Annotated[str, Depends(tenant_of_gateway)]
ReaderTenant = Annotated[str, Depends(tenant_of_reader)]
MaybePerson = Annotated[Person | None, Depends(person_of)]
