"""The log: English, one line an event, ``key=value``, to stderr; whoever started the process decides where it goes.

Rules
1. A line never holds a secret. The value under a name whose last word is key, password, token, secret … is
   replaced, also inside dictionaries and lists; so is what follows such a word in a text ("?token=…", the repr
   of an object, the message of an exception), and a private key in PEM form.  # P14
2. A line is one line: line breaks in values are escaped, so that nothing from outside can forge an entry.
3. The time is the time of the clock that is passed in: the log of a sped-up run reads like the village's day.
4. Libraries that use the standard library's logging end up in the same form, from level WARNING on.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from kit.clock import Clock

HIDDEN = "***"
SECRET_WORDS = ("authorization", "cookie", "key", "passwd", "password", "secret", "token")
MAX_DEPTH = 6  # what is nested deeper is shown as text

_SECRET_NAME = re.compile(rf"(?:^|[_\W])(?:{'|'.join(SECRET_WORDS)})s?$", re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(
    rf"""((?:{'|'.join(SECRET_WORDS)})s?["']?\s*[=:]\s*(?:bearer\s+)?)(b?"[^"]*"|b?'[^']*'|[^\s,;&)}}\]]+)""",
    re.IGNORECASE,
)


def configure(process: str, clock: Clock, *, level: str = "info", stream: TextIO | None = None) -> None:
    """Set up the log of this process. Call it once, first thing; later calls replace the set-up (tests)."""
    target = stream if stream is not None else sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _Stamp(process, clock),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    render = structlog.processors.LogfmtRenderer(key_order=["at", "level", "process", "event"], bool_as_flag=False)
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    ))
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def get(**context: object) -> FilteringBoundLogger:
    """A logger; ``context`` is added to each of its lines."""
    logger: FilteringBoundLogger = structlog.get_logger(**context)
    return logger


class _Stamp:
    """Adds when and who."""

    def __init__(self, process: str, clock: Clock) -> None:
        self._process = process
        self._clock = clock

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        at = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        event["at"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event["process"] = self._process
        return event


def _redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: redact(name, value) for name, value in event.items()}


def redact(name: object, value: Any, depth: int = 0) -> Any:
    """The value as it may be shown under this name."""
    if isinstance(name, str) and _SECRET_NAME.search(name):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        return {inner: redact(inner, item, depth + 1) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < MAX_DEPTH:
        return [redact(None, item, depth + 1) for item in value]
    text = value if isinstance(value, str) else repr(value)
    return HIDDEN if "PRIVATE KEY-----" in text else _SECRET_IN_TEXT.sub(rf"\1{HIDDEN}", text)
