"""The soil water of all gardens in one step: what came in and went out since the last one, and what probes say of it.

Rules
1. Only gardens with a ``Ground`` have an estimate; the others stay what they are, thermostats.
2. Rain is the gauge's (``rain``), irrigation what flowed while both outputs were known to be open: by the meter from
   ``METER_LAG_MS`` on, if there is one, else by the garden's own flow. What a run has poured is a number of the run, so
   it is counted once, for the estimate, the plan and the record alike; at its end it is put right by when the water
   really stopped, and the garden is judged anew.
3. The crop's use is reckoned every ``TICK_MS``, and a sure vote is weighed every ``WEIGH_MS``, but not while water runs
   and ``SETTLE_MS`` after it: the probes have not seen it yet.
4. Whether it is dry is told by the probability that the depletion is beyond the mark: that of the garden's ``dry``
   moisture, or RAW if that comes first. RAW is reckoned with the table's p at the most, because the day after one of
   little ETc may be hot. From ``sure_pct`` on it is *sure dry*, up to ``wet_pct`` *wet*, between them *perhaps*, and
   *blind* when no vote was believed for ``believe_ms``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.core import air, doubt, estimate, rain, weather
from gateway.core.estimate import Estimate, Seen
from gateway.core.ground import Ground, Plots
from gateway.core.moist import Judged, Moist
from gateway.core.probes import Trust, Vote
from gateway.core.quick import changed
from gateway.core.state import Phase, Run, ZoneState
from gateway.core.turn import Turn
from gateway.core.types import DAY_MS, HOUR_MS, Reading, ZoneSettings
from gateway.core.weather import LOCAL_MS, Et0, Place, local_day
from wire import fields

TICK_MS = 600_000
WEIGH_MS = HOUR_MS
SETTLE_MS = HOUR_MS
METER_LAG_MS = 60_000
GAUGE_FRESH_MS = 3 * HOUR_MS
MINUTE_MS = 60_000
NOWHERE = Place(10.0, 105.8, 2.0)  # the middle of the delta, for settings without a place
SKY = frozenset({fields.RAIN, *air.QUANTITIES})
_FIT = (fields.GOOD, fields.NOT_EVALUATED)


# ---- what is heard


def hear(turn: Turn, reading: Reading) -> None:
    """Take what the village's station says: once for every reading of ``SKY`` that is admitted."""
    if reading.value is None or reading.quality not in _FIT:
        return
    station = turn.settings.station
    if reading.sensor == station.rain:
        key = reading.sensor.key
        gauge = turn.gauges.get(key) or rain.Gauge()
        turn.gauges[key], um = rain.count(gauge, reading.boot, reading.value, reading.measured_at_ms, turn.now_ms)
        turn.rain_um += um
    elif reading.sensor in station.air:
        hour = (reading.measured_at_ms + LOCAL_MS) % DAY_MS // HOUR_MS
        day = local_day(reading.measured_at_ms)
        turn.air = air.take(turn.air, reading.sensor.field, reading.value, day, hour)


# ---- one look


def look(turn: Turn) -> None:
    """Count what runs, bring every estimate up to now and judge it. The votes must have been taken."""
    for settings in turn.settings.zones:
        if settings.ground is None:
            _run_on(turn, settings.id)
    zones, plots = turn.settings.grounded, turn.settings.plots
    if not zones:
        return
    for zone, ground in zip(zones, plots.grounds, strict=True):
        if turn.zone(zone.id).known is None:
            _keep(turn, zone.id, estimate.begin(ground, turn.now_ms))
    dried = _dried(turn, zones, plots)
    today = _et0(turn, local_day(turn.now_ms))
    day = plots.on(local_day(turn.now_ms), today.mm)
    marks = turn.settings.marks_mm
    each = zip(zones, plots.grounds, dried, marks, day.raw_each_mm, day.etc_each_mm, strict=True)
    for zone, ground, known, marks_mm, raw_mm, etc_mm in each:
        known = _weighed(turn, zone, ground, _wetted(turn, zone, ground, known))
        _keep(turn, zone.id, known)
        turn.judged[zone.id] = _judge(turn, zone, known, marks_mm, raw_mm, etc_mm, today)


def _known(turn: Turn, zone_id: str) -> Estimate:
    known = turn.zone(zone_id).known
    assert known is not None  # look has begun it
    return known


def _keep(turn: Turn, zone_id: str, known: Estimate) -> None:
    before = turn.zone(zone_id)
    if known is not before.known:
        turn.zones[zone_id] = changed(before, known=known)


def _dried(turn: Turn, zones: Sequence[ZoneSettings], plots: Plots) -> list[Estimate]:
    """All estimates, with what the crops have used taken off at whole ticks."""
    to_ms = turn.now_ms // TICK_MS * TICK_MS
    before = [_known(turn, zone.id) for zone in zones]
    if all(known.reckoned_at_ms >= to_ms for known in before):
        return before
    return estimate.advance(before, plots, to_ms, lambda day: _et0(turn, day))


def _et0(turn: Turn, day: int) -> Et0:
    return weather.et0(day, turn.now_ms, turn.settings.place or NOWHERE, turn.outlook, turn.air)


def _wetted(turn: Turn, zone: ZoneSettings, ground: Ground, known: Estimate) -> Estimate:
    """Rain since the last step, and what runs."""
    if turn.rain_um:
        known = estimate.rained(known, ground, turn.rain_um, turn.now_ms)
    if turn.zones[zone.id].run is None:
        return known
    _keep(turn, zone.id, known)
    _run_on(turn, zone.id)
    return _known(turn, zone.id)


def _run_on(turn: Turn, zone_id: str) -> None:
    going = turn.zone(zone_id).run
    if going is None or going.started_at_ms is None or going.stop is not None:
        return
    outputs = [turn.output(ref) for ref in (going.valve, going.pump) if ref]
    if all(output.phase is Phase.OPEN for output in outputs):
        pour(turn, zone_id, going, min([turn.now_ms, *(output.until_at_ms for output in outputs)]))


def pour(turn: Turn, zone_id: str, going: Run, until_at_ms: int) -> None:
    """Count what a run has poured until an instant. Back in time takes it back."""
    since_at_ms = going.poured_at_ms if going.poured_at_ms is not None else going.started_at_ms
    if since_at_ms is None:
        return
    zone = turn.settings.zone_by_id.get(zone_id)
    flowed = going.poured_rest + _rate_ml_min(turn, zone, going) * (until_at_ms - since_at_ms)
    ml = going.poured_ml + flowed // MINUTE_MS
    after = replace(going, poured_ml=ml, poured_rest=flowed % MINUTE_MS, poured_at_ms=until_at_ms)
    turn.zones[zone_id] = replace(turn.zone(zone_id), run=after)
    known = turn.zone(zone_id).known
    if zone is not None and zone.ground is not None and known is not None:
        um = _um(ml, zone.ground) - _um(going.poured_ml, zone.ground)
        _keep(turn, zone_id, estimate.poured(known, zone.ground, um, turn.now_ms))


def finish(turn: Turn, zone_id: str, going: Run, ended_at_ms: int) -> None:
    """The last of a run: put right by when the water stopped, and the crop's asking begins anew."""
    pour(turn, zone_id, going, ended_at_ms)
    known, judged = turn.zone(zone_id).known, turn.judged.get(zone_id)
    if known is not None and judged is not None:
        after = estimate.watered(known)
        _keep(turn, zone_id, after)
        turn.judged[zone_id] = _judged_anew(turn, zone_id, judged, after)


def confirm(turn: Turn, zone_id: str) -> bool:
    """A person has looked at what was doubted of a garden. Whether anything was."""
    known = turn.zone(zone_id).known
    if known is None or known.doubt is None:
        return False
    after = doubt.confirmed(known)
    _keep(turn, zone_id, after)
    if zone_id in turn.judged:
        turn.judged[zone_id] = _judged_anew(turn, zone_id, turn.judged[zone_id], after)
    return True


def _um(ml: int, ground: Ground) -> int:
    return round(ml / ground.area_m2)


def _rate_ml_min(turn: Turn, zone: ZoneSettings | None, going: Run) -> int:
    seen = turn.latest.get(zone.meter.key) if zone and zone.meter else None
    if seen is None or seen.value is None or seen.quality not in _FIT or going.started_at_ms is None:
        return going.flow_ml_min
    return seen.value if seen.measured_at_ms >= going.started_at_ms + METER_LAG_MS else going.flow_ml_min


def _weighed(turn: Turn, zone: ZoneSettings, ground: Ground, known: Estimate) -> Estimate:
    """An estimate held against the vote, when it is time to."""
    state, vote = turn.zones[zone.id], turn.votes[zone.id]
    if vote.trust is not Trust.SURE or vote.soil_e4 is None or vote.oldest_at_ms is None:
        return known
    last_at_ms = known.weighed_at_ms
    if last_at_ms is not None and (turn.now_ms - last_at_ms < WEIGH_MS or vote.oldest_at_ms <= last_at_ms):
        return known
    if state.run is not None or (state.ended_at_ms is not None and turn.now_ms - state.ended_at_ms < SETTLE_MS):
        return known
    age_part = max(0, turn.now_ms - vote.oldest_at_ms) / zone.probe_max_age_ms
    came = _water_may_have_come(turn, state, known)
    seen = Seen(vote.soil_e4, vote.fit, vote.gap_e4, age_part, wet_may_come=came)
    return doubt.weigh(known, ground, seen, turn.now_ms)


def _water_may_have_come(turn: Turn, state: ZoneState, known: Estimate) -> bool:
    """Whether there may be water in the soil that nobody has counted: the gauge is silent, or it is wet these days."""
    station = turn.settings.station
    gauge = turn.gauges.get(station.rain.key) if station.rain else None
    if gauge is None or gauge.heard_at_ms is None or turn.now_ms - gauge.heard_at_ms > GAUGE_FRESH_MS:
        return True
    wetted = [at_ms for at_ms in (known.wetted_at_ms, state.ended_at_ms) if at_ms is not None]
    return any(turn.now_ms - at_ms < DAY_MS for at_ms in wetted)


# ---- what is made of it


def _judge(
    turn: Turn,
    zone: ZoneSettings,
    known: Estimate,
    marks_mm: tuple[float, float],
    raw_mm: float,
    etc_mm: float,
    today: Et0,
) -> Judged:
    dry_mm = min(marks_mm[0], raw_mm)
    refill_mm = min(marks_mm[1], dry_mm)
    chance = known.chance_beyond(dry_mm)
    moist = _moist(turn, known, turn.votes[zone.id], chance)
    return Judged(moist, known, chance, dry_mm, refill_mm, raw_mm, etc_mm, today)


def _judged_anew(turn: Turn, zone_id: str, judged: Judged, known: Estimate) -> Judged:
    chance = known.chance_beyond(judged.dry_mm)
    return replace(judged, known=known, chance=chance, moist=_moist(turn, known, turn.votes[zone_id], chance))


def _moist(turn: Turn, known: Estimate, vote: Vote, chance: float) -> Moist:
    believed_at_ms = known.believed_at_ms
    if believed_at_ms is None or turn.now_ms - believed_at_ms > turn.limits.believe_ms or known.doubt is not None:
        return Moist.BLIND
    if 100.0 * chance <= turn.limits.wet_pct:
        return Moist.WET
    if 100.0 * chance < turn.limits.sure_pct:
        return Moist.PERHAPS
    return Moist.SURE_DRY if vote.trust is Trust.SURE else Moist.BLIND
