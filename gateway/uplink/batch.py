"""Readings as they travel: columns of ``wire``, compressed.

The bytes of a batch are what a village pays for: they are held against gzip line protocol by a test.
"""

from __future__ import annotations

from collections.abc import Sequence

import zstandard

from gateway.core.rows import Reading
from wire.columns import encode_columns

# Measured on 2,000 rows of a village: 19 saves a tenth over 3 and takes some ten milliseconds.
ZSTD_LEVEL = 19


def pack(readings: Sequence[Reading]) -> bytes:
    """The body of one POST. The frame says its full size, which the cloud insists on."""
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_content_size=True, write_checksum=False)
    return compressor.compress(encode_columns(list(readings)))
