"""The web application of the cloud: the interface and the farmer's pages over one ledger."""

from __future__ import annotations

from fastapi import FastAPI

from cloud.store.database import Database
from cloud.store.ledger import Ledger
from cloud.store.people import People
from cloud.web import api, errors, pages
from kit.clock import Clock
from kit.web import HeadLikeGet


def create_app(database: Database, clock: Clock) -> FastAPI:
    """The application. Its parts are in ``app.state``: ledger, people, clock."""
    app = FastAPI(title="Hội Quán cloud", version="1", docs_url=None, redoc_url=None)
    app.state.ledger = Ledger(database)
    app.state.people = People(database)
    app.state.clock = clock
    app.add_middleware(HeadLikeGet, beside="/api/")
    errors.install(app)
    app.include_router(api.router)
    pages.install(app)
    return app
