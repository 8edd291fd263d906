"""What a reading costs on the way to the cloud, against the line protocol that others send."""

import gzip

import pytest

from cloud.store.influx import line_of
from gateway.core.rows import Reading
from gateway.uplink.batch import pack
from tests.support.readings import village
from wire.columns import decode_columns


@pytest.mark.parametrize("count", [100, 500, 2_000])
def test_a_reading_costs_less_than_half_of_gzip_line_protocol(count: int) -> None:
    """The line is as short as others write it: one value, no raw, flag, time quality or identity; ours has all."""
    import zstandard

    rows = village(1, count)
    full = "\n".join(line_of("my-khanh", row) for row in rows).encode()
    packed = pack([Reading._make(row) for row in rows])
    assert [tuple(row) for row in rows] == decode_columns(zstandard.decompress(packed))
    assert len(packed) / len(gzip.compress(full, 6)) <= 0.5
    assert len(packed) / count < (6 if count == 100 else 3)
