"""Readings of an invented village, from a seed: enough like real ones to measure bytes and rates with."""

import math
import random
from typing import Any

from cloud.core.batch import Reading
from wire import fields

START_MS = 1_709_226_000_000  # 2024-03-01 00:00 +07:00
BOOT = 65_537


def reading(seq: int, node: str = "soil-1", boot: int = BOOT, **changes: Any) -> Reading:
    """One reading of soil moisture, a minute apart by seq."""
    at_ms = START_MS + seq * 60_000
    row = Reading(
        node=node, boot=boot, seq=seq, field=fields.SOIL_MOISTURE, channel=0, uptime_ms=seq * 60_000,
        measured_ms=at_ms, time_quality=fields.CLOCK_BY_GATEWAY, received_ms=at_ms + 400,
        raw=1_200_000 + seq * 37 % 900, value=2_345 + seq % 11, flag=fields.GOOD, calibration=1,
    )  # fmt: skip
    return row._replace(**changes)


def village(seed: int, count: int, nodes: int = 6, sample_ms: int = 300_000) -> list[Reading]:
    """``count`` readings in the order in which a gateway receives them: soil nodes and level nodes with noise,
    jittered clocks, and the battery and signal that every node tells."""
    rng = random.Random(seed)
    series = [_series(n) for n in range(nodes)]
    seqs = [0] * nodes
    rows: list[Reading] = []
    at_ms = START_MS
    while len(rows) < count:
        for node in range(nodes):
            measured_ms = at_ms + node * 1_700 + rng.randrange(40)
            received_ms = measured_ms + 300 + rng.randrange(250)
            for field, channel, base, swing, noise in series[node]:
                seqs[node] += 1
                day = math.sin(2 * math.pi * (measured_ms % 86_400_000) / 86_400_000 + node)
                raw = int(base + swing * day + rng.gauss(0, noise))
                raw = max(fields.field(field).raw_min, min(fields.field(field).raw_max, raw))
                soil = field == fields.SOIL_MOISTURE
                value = (raw - 900_000) * 4_000 // 1_500_000 if soil else raw
                uptime_ms = measured_ms - START_MS + node * 911
                rows.append(Reading(
                    f"node-{node}", BOOT + node * 65_536, seqs[node], field, channel, uptime_ms, measured_ms,
                    fields.CLOCK_BY_GATEWAY, received_ms, raw, value, fields.GOOD, 1 if soil else 0,
                ))  # fmt: skip
        at_ms += sample_ms
    return rows[:count]


def _series(node: int) -> list[tuple[int, int, float, float, float]]:
    """(field, channel, base, daily swing, noise) of what a node measures."""
    own: list[tuple[int, int, float, float, float]] = (
        [(fields.WATER_LEVEL, 0, 900, 400, 3), (fields.CONDUCTIVITY_25, 0, 700, 150, 6)]
        if node % 3 == 2
        else [(fields.SOIL_MOISTURE, c, 1_600_000 + 90_000 * c, 12_000, 1_500) for c in (0, 1)]
    )
    return [
        *own,
        (fields.SOIL_TEMPERATURE, 0, 2_800, 250, 4),
        (fields.BATTERY, 0, 3_900, 120, 5),
        (fields.RSSI, 0, -67, 3, 2),
    ]
