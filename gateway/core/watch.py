"""QARTOD flags for readings as they come: each is judged once, when it arrives, by what came before it.

Rules
1. The tests are those of ``gateway.core.quality`` as far as they can be told without what comes after. What the node or
   the calibration has said already is not made better, and the worst test decides.
2. *missing*: no value (9). *range*: no soil, air or water can show it (4); or the calibration's range (as ``ingest``).
   *gap*: more than ``GAP_PERIODS`` periods since the last value (2). *rate*: a change by more than ``step`` within an
   hour from the last believed value; more time allows for more, so a level that lasts is believed in the end (3).
   *spike*: another such change right after it (4). *stuck*: the raw value has not changed at all for a day (3), for two
   (4). *drift*: the mean distance of a day from more than half of the other probes of the garden, two at least, has
   moved by more than ``DRIFT_E4`` since the first three days (3); what lasts is forgiven in ``FORGIVE_MS``.
   *node*: the node itself doubts it.
3. A reading that is late (older than the newest of its series), or of which nobody knows when it was, is compared
   with nothing and remembered by nothing: copies and backlogs change no flag.
4. What is remembered of a series is a ``Track``: a few numbers, and a few for each neighbour. It is kept with the rows,
   and what came after it was kept is judged again after a restart, to the same.
5. Another calibration, or a clock that was ahead, begins a series anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.core.quality import TESTS
from gateway.core.rows import Failed, Key, Reading
from gateway.core.village import Village
from wire import fields

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
GAP_PERIODS = 2.1  # a little more than two: nodes are not that exact
MIN_STUCK = 5
DRIFT_E4 = 600
BASELINE_MS = 3 * DAY_MS
FORGIVE_MS = 60 * DAY_MS
LEAST_MATES = 2

BIT = {name: 1 << place for place, name in enumerate(TESTS)}
MISSING, RANGE, SPIKE, RATE = BIT["missing"], BIT["range"], BIT["spike"], BIT["rate"]
STUCK, GAP, DRIFT, NODE = BIT["stuck"], BIT["gap"], BIT["drift"], BIT["node"]


class Profile(NamedTuple):
    """What a field can show, in its scaled integers; ``step`` 0: may change at once, ``stuck``: never stands still."""

    low: int
    high: int
    step: int
    stuck: bool


PROFILES: Mapping[int, Profile] = {
    fields.SOIL_MOISTURE: Profile(100, 7_000, 1_500, True),
    fields.SOIL_TEMPERATURE: Profile(-500, 6_000, 1_000, True),
    fields.AIR_TEMPERATURE: Profile(-500, 5_500, 1_500, True),
    fields.WATER_LEVEL: Profile(-2_000, 10_000, 1_500, False),
}
ANYTHING = Profile(-(2**62), 2**62, 0, False)


@dataclass(slots=True)
class Mate:
    """How far a probe is from a neighbour: at first, and lately."""

    since_ms: int
    count: int
    base: float
    lately: float
    at_ms: int


@dataclass(slots=True)
class Track:
    """``value`` is the newest that was believed, ``odd`` the last that was not; ``raw`` stands since ``still_ms``."""

    calibration: int
    at_ms: int = 0
    value: int | None = None
    value_ms: int = 0
    odd: int | None = None
    raw: int = 0
    still_ms: int = 0
    still: int = 0
    mates: dict[str, Mate] = field(default_factory=dict)

    def plain(self) -> list[Any]:
        mates = {key: [m.since_ms, m.count, m.base, m.lately, m.at_ms] for key, m in self.mates.items()}
        return [self.calibration, self.at_ms, self.value, self.value_ms, self.odd, self.raw, self.still_ms, self.still,
                mates]  # fmt: skip

    @classmethod
    def of(cls, plain: list[Any]) -> Track:
        *own, mates = plain
        track = cls(*own)
        track.mates = {key: Mate(*found) for key, found in mates.items()}
        return track


class _Rule(NamedTuple):
    profile: Profile
    period_ms: int
    mates: tuple[Key, ...]


class Watch:
    """The flags of one village. ``tracks`` are those that were kept."""

    def __init__(self, village: Village, tracks: Mapping[Key, list[Any]] | None = None) -> None:
        self._rules = _rules(village)
        self._tracks: dict[Key, Track] = {}
        for key, plain in (tracks or {}).items():
            if key in self._rules:
                self._tracks[key] = Track.of(plain)

    def tracks(self) -> dict[Key, list[Any]]:
        """All that is remembered, to be kept."""
        return {key: track.plain() for key, track in self._tracks.items()}

    def look(self, readings: Iterable[Reading]) -> tuple[list[Reading], list[Failed]]:
        """The readings with their flags, and which tests failed."""
        flagged: list[Reading] = []
        failed: list[Failed] = []
        for reading in readings:
            rule = self._rules.get((reading[0], reading[3], reading[4]))
            flag, tests = (reading[11], 0) if rule is None else self._judge(reading, rule)
            if tests:
                failed.append(
                    Failed(reading[0], reading[1], reading[2], reading[3], reading[4], reading[8], flag, tests)
                )
                if flag != reading[11]:
                    reading = reading._replace(flag=flag)
            flagged.append(reading)
        return flagged, failed

    def again(self, readings: Iterable[Reading], failed: Mapping[tuple[str, int, int], int]) -> None:
        """Judge stored readings again, to remember what they left behind; ``failed`` are their tests by identity."""
        for reading in readings:
            tests = failed.get(reading[:3], 0)
            ours = tests and not tests & (MISSING | RANGE | NODE)
            self.look([reading._replace(flag=fields.GOOD) if ours else reading])

    def _judge(self, reading: Reading, rule: _Rule) -> tuple[int, int]:
        """Flag and failed tests of one reading."""
        node, _, _, field_id, channel, _, at_ms, time_q, received_ms, raw, value, flag, calibration = reading
        profile = rule.profile
        if flag == fields.MISSING:
            return flag, MISSING
        if value is None or flag >= fields.SUSPECT:
            return flag, NODE if value is None or profile.low < value < profile.high else RANGE
        if not profile.low <= value <= profile.high:
            return fields.FAIL, RANGE
        key = (node, field_id, channel)
        track = self._tracks.get(key)
        if track is None or track.calibration != calibration or track.at_ms > received_ms:
            track = self._begin(key, calibration)
        if time_q == fields.CLOCK_NONE or at_ms <= track.at_ms:
            return flag, 0
        tests = GAP if track.at_ms and at_ms - track.at_ms > GAP_PERIODS * rule.period_ms else 0
        worst = fields.NOT_EVALUATED if tests else flag
        track.at_ms = at_ms
        if profile.step:
            jumped = _jump(track, value, at_ms, profile.step)
            if jumped:
                tests |= jumped
                worst = fields.FAIL if jumped == SPIKE else fields.SUSPECT
        if profile.stuck:
            days = _still_days(track, raw, at_ms)
            if days:
                tests |= STUCK
                worst = fields.FAIL if days > 1 else max(worst, fields.SUSPECT)
        if rule.mates and self._drifts(track, value, at_ms, rule):
            tests |= DRIFT
            worst = max(worst, fields.SUSPECT)
        return worst, tests

    def _begin(self, key: Key, calibration: int) -> Track:
        track = self._tracks[key] = Track(calibration)
        name = _name(key)
        for other in self._rules[key].mates:
            if other in self._tracks:
                self._tracks[other].mates.pop(name, None)
        return track

    def _drifts(self, track: Track, value: int, at_ms: int, rule: _Rule) -> bool:
        moved = known = 0
        for key in rule.mates:
            other = self._tracks.get(key)
            if other is None or other.value is None or at_ms - other.value_ms > GAP_PERIODS * rule.period_ms:
                continue
            name, distance = _name(key), value - other.value
            mate = track.mates.get(name)
            if mate is None:
                track.mates[name] = Mate(at_ms, 1, distance, distance, at_ms)
                continue
            passed_ms = max(0, at_ms - mate.at_ms)
            mate.at_ms = max(at_ms, mate.at_ms)
            mate.lately += (1.0 - math.exp(-passed_ms / DAY_MS)) * (distance - mate.lately)
            if at_ms - mate.since_ms < BASELINE_MS:
                mate.count += 1
                mate.base += (distance - mate.base) / mate.count
                continue
            known += 1
            moved += abs(mate.lately - mate.base) > DRIFT_E4
            mate.base += passed_ms / FORGIVE_MS * (mate.lately - mate.base)
        return known >= LEAST_MATES and 2 * moved > known


def _jump(track: Track, value: int, at_ms: int, step: int) -> int:
    """RATE or SPIKE when a value is too far from the last believed one, else 0."""
    if track.value is None or abs(value - track.value) <= step * max(1.0, (at_ms - track.value_ms) / HOUR_MS):
        track.value, track.value_ms, track.odd = value, at_ms, None
        return 0
    again = track.odd is not None and abs(value - track.odd) > step
    track.odd = value
    return SPIKE if again else RATE


def _still_days(track: Track, raw: int, at_ms: int) -> int:
    """For how many whole days a raw value has not changed at all."""
    if raw != track.raw or not track.still:
        track.raw, track.still_ms, track.still = raw, at_ms, 1
        return 0
    track.still = min(track.still + 1, MIN_STUCK)
    return (at_ms - track.still_ms) // DAY_MS if track.still >= MIN_STUCK else 0


def _rules(village: Village) -> dict[Key, _Rule]:
    """What is measured; what a node says of itself is not judged."""
    mates: dict[Key, tuple[Key, ...]] = {}
    for zone in village.zones.values():
        keys = [(probe.node, fields.SOIL_MOISTURE, probe.channel) for probe in zone.probes]
        for key in keys:
            mates[key] = tuple(other for other in keys if other != key) if len(keys) > LEAST_MATES else ()
    return {
        key: _Rule(
            PROFILES.get(sensor.field, ANYTHING), node.every_s(sensor.field, sensor.channel) * 1000, mates.get(key, ())
        )
        for node in village.nodes.values()
        for sensor in node.sensors
        for key in [(node.id, sensor.field, sensor.channel)]
    }


def _name(key: Key) -> str:
    return f"{key[0]}/{key[2]}"
