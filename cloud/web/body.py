"""Reading a body that nobody vouches for.

Rules
1. No more than the limit is ever held: the stream is cut off as it passes it, whatever Content-Length says.
2. A compressed body must say its full size, which must be within the limit, and is then decompressed into exactly
   that: a bomb is refused before it grows. A cut or padded frame is refused.
3. A body that does not arrive in time is refused, so that slow senders cannot hold all connections.
"""

from __future__ import annotations

import asyncio

import zstandard
from fastapi import Request
from starlette.requests import ClientDisconnect

from cloud.web.errors import Refusal

MAX_SENT_BYTES = 1024 * 1024
# The longest frame of wire.columns: 5,000 rows of 14 integers of at most 10 bytes, and 1,000 node ids, is 0.7 MiB.
MAX_PLAIN_BYTES = 1024 * 1024
BODY_S = 60.0


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"The body is larger than {limit} bytes; send fewer rows.")


async def read_body(request: Request, limit: int = MAX_SENT_BYTES) -> bytes:
    """The body as sent. Raises Refusal 413 or 408."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError as error:
        raise Refusal(408, "too_slow", f"The body did not arrive within {BODY_S:g} s.") from error
    except ClientDisconnect as error:
        raise Refusal(400, "cut_off", "The connection ended before the body did.") from error
    return bytes(body)


def decompress(body: bytes, limit: int = MAX_PLAIN_BYTES) -> bytes:
    """The plain bytes of one zstd frame. Raises Refusal 400 or 413."""
    try:
        size = zstandard.frame_content_size(body)
        if size > limit:
            raise _too_large(limit)
        if size <= 0:
            raise Refusal(400, "bad_zstd", "The zstd frame is empty or does not say its size.")
        plain: bytes = zstandard.ZstdDecompressor(max_window_size=limit * 8).decompress(body, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Refusal(400, "bad_zstd", f"The body is not one whole zstd frame: {error}.") from error
    return plain


def plain_body(request: Request, body: bytes) -> bytes:
    """The body without its content encoding, which may be zstd or none. Raises Refusal 415 for others."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "zstd":
        return decompress(body)
    if encoding == "identity":
        return body
    raise Refusal(415, "encoding", "Content-Encoding must be zstd or absent.")
