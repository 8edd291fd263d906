"""The cloud, but it dies by SIGKILL between COMMIT and answer of the batch number HOIQUAN_TEST_DIE_AT.

Run as a program with the arguments of ``python -m cloud``; only tests start it.
"""

import os
import signal
import sys
from collections.abc import Sequence

from cloud import __main__ as cloud_main
from cloud.core.batch import Reading
from cloud.store import ledger

_committed = 0
_ingest = ledger.Ledger.ingest


def _ingest_and_die(self: ledger.Ledger, tenant: str, batch: Sequence[Reading], now_ms: int) -> ledger.Receipt:
    global _committed
    receipt = _ingest(self, tenant, batch, now_ms)
    _committed += 1
    if _committed == int(os.environ["HOIQUAN_TEST_DIE_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return receipt


ledger.Ledger.ingest = _ingest_and_die  # type: ignore[method-assign]
sys.exit(cloud_main.main())
