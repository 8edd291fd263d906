"""The readings of a period as CSV, in constant memory.

Rules
1. Pages of the ledger become chunks of the answer, one at a time; what is committed after the start is left out.
2. The columns and their meaning are those of cloud.core.table. The order is by time, then by ledger id.
"""

from __future__ import annotations

from collections.abc import Iterator

from cloud.core import table
from cloud.core.period import Period
from cloud.store.ledger import Ledger


def chunks(ledger: Ledger, tenant: str, period: Period) -> Iterator[str]:
    """The header, then the lines of a page each."""
    yield table.HEADER
    for page in ledger.period(tenant, period.from_ms, period.to_ms):
        yield "".join(table.line(tenant, stored.reading) for stored in page)
