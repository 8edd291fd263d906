"""The interface for gateways and researchers. See docs/cloud.md.

Rules
1. ``POST /api/v1/ingest`` answers 200 only after the COMMIT, and may be sent again without harm.
2. The body is at most 1 MiB as sent and as decompressed; what is larger, cut or foreign gets a 4xx with a code.
3. The tenant is that of the credential. Nothing in a path, query or body can name another.
"""

from __future__ import annotations

from typing import Annotated, Literal

import anyio.to_thread
import structlog
from anyio import CapacityLimiter
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from cloud.core.batch import Reading
from cloud.core.period import PeriodError, parse_period
from cloud.export import csv
from cloud.store.ledger import Receipt, UnknownTenant
from cloud.web.auth import GatewayTenant, ReaderTenant, TheClock, TheLedger
from cloud.web.body import plain_body, read_body
from cloud.web.errors import Refusal
from pages.view import ViewError, Village
from wire.columns import decode_columns
from wire.errors import WireError

router = APIRouter()
_log = structlog.get_logger(__name__)

MAX_SNAPSHOT_BYTES = 256 * 1024
MAX_REJECTED_TOLD = 100
# An unpacked batch is some megabytes and the ledger takes one at a time anyway: the others wait packed.
_unpacking = CapacityLimiter(3)


def _readings(plain: bytes) -> list[Reading]:
    try:
        return [Reading._make(row) for row in decode_columns(plain)]
    except WireError as error:
        raise Refusal(400, error.code, f"The body is not a frame of reading columns: {error}.") from error


def _told(receipt: Receipt) -> dict[str, object]:
    refused = [
        {"node": r.reading.node, "boot": r.reading.boot, "seq": r.reading.seq, "code": r.code, "detail": r.detail}
        for r in receipt.rejected[:MAX_REJECTED_TOLD]
    ]
    return {
        "new": receipt.new,
        "same": receipt.same,
        "conflict": receipt.conflict,
        "rejected_count": len(receipt.rejected),
        "rejected": refused,
        "contiguous": {f"{node}/{boot}": seq for (node, boot), seq in receipt.contiguous.items()},
    }


@router.post("/api/v1/ingest")
async def ingest(
    request: Request,
    tenant: GatewayTenant,
    ledger: TheLedger,
    clock: TheClock,
    lane: Literal["live", "backlog"] = "live",
) -> JSONResponse:
    """Take a batch of readings: zstd of wire.columns. The lane is for the log; both are stored alike."""
    body = await read_body(request)

    def store() -> Receipt:
        return ledger.ingest(tenant, _readings(plain_body(request, body)), clock.now_ms())

    try:
        receipt = await anyio.to_thread.run_sync(store, limiter=_unpacking)
    except UnknownTenant as error:
        raise Refusal(401, "unauthorized", "The village of this token no longer exists.") from error
    counts = {"new": receipt.new, "same": receipt.same, "conflict": receipt.conflict}
    _log.info("ingest", tenant=tenant, lane=lane, bytes=len(body), **counts, rejected=len(receipt.rejected))
    return JSONResponse(_told(receipt))


def _village_json(plain: bytes, tenant: str) -> str:
    """The snapshot, checked to be what the pages are able to show."""
    try:
        village = Village.from_json(plain)
    except (ViewError, UnicodeDecodeError) as error:
        raise Refusal(422, "bad_snapshot", f"The body is not a village's page: {error}.") from error
    if village.id != tenant:
        raise Refusal(422, "foreign_village", "The token belongs to a village with another id.")
    return village.to_json()


@router.post("/api/v1/snapshot")
async def snapshot(request: Request, tenant: GatewayTenant, ledger: TheLedger, clock: TheClock) -> JSONResponse:
    """Keep what the village's own page shows now."""
    body = await read_body(request, MAX_SNAPSHOT_BYTES)

    def store() -> None:
        ledger.put_snapshot(tenant, _village_json(plain_body(request, body), tenant), clock.now_ms())

    await run_in_threadpool(store)
    return JSONResponse({"stored": True})


@router.get("/api/v1/readings.csv")
def readings_csv(
    tenant: ReaderTenant,
    ledger: TheLedger,
    from_text: Annotated[str, Query(alias="from", max_length=40)],
    to_text: Annotated[str, Query(alias="to", max_length=40)],
) -> StreamingResponse:
    """The readings measured from ``from`` up to, not including, ``to``."""
    try:
        period = parse_period(from_text, to_text)
    except PeriodError as error:
        raise Refusal(422, "bad_period", str(error)) from error
    headers = {"Content-Disposition": f'attachment; filename="{tenant}-readings.csv"'}
    return StreamingResponse(csv.chunks(ledger, tenant, period), media_type="text/csv", headers=headers)


@router.get("/health")
def health(ledger: TheLedger) -> JSONResponse:
    """Whether the ledger can be read."""
    ledger.newest_id()
    return JSONResponse({"status": "ok"})
