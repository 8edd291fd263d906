"""A web process of ours, but with uvicorn's access log on stderr, so that a test sees every address that is asked for.

    python -m tests.support.access_log cloud --database URL serve
    python -m tests.support.access_log gateway web --home DIR

Only tests start it: the processes themselves keep no access log.
"""

import logging
import sys
from typing import Any

import uvicorn

from cloud import __main__ as cloud_main
from gateway import __main__ as gateway_main

_configure = uvicorn.Config.__init__


def _configure_with_log(self: uvicorn.Config, app: Any, **settings: Any) -> None:
    _configure(self, app, **{**settings, "access_log": True})
    logger = logging.getLogger("uvicorn.access")
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.StreamHandler())  # not the handler of our log, which would hide a secret


uvicorn.Config.__init__ = _configure_with_log  # type: ignore[assignment,method-assign]
which, *arguments = sys.argv[1:]
sys.exit(cloud_main.main(arguments) if which == "cloud" else gateway_main.main(arguments))
