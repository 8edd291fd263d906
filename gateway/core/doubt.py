"""Whether probes that agree may be believed: held against the water that was given.

Rules
1. Water that was given and that the probes do not show has been lost, or they do not show what is there. ``lost_um``
   sums it up: whatever the probes take away from the estimate again, as far as it is irrigation that the crop cannot
   have used yet (``fresh_um``); what they add to it is taken off. It shrinks by ``SLACK`` of the crop's use, because
   crop, flow and soil may be known that badly for ever. A first error of the estimate counts not: nothing was given.
2. From ``LIMIT`` of TAW on the probes are contradicted by the balance: more was given than the crop has used and the
   soil can hold. What they had taken away is given back, and for ``LEARN_MS``, while that drains away, the garden lives
   on the weather (S12). How much drier than the balance the probes are then is their ``gap``.
3. After that their changes are believed, less the gap, and not their level. So it does not matter whether they lie or a
   broken pipe loses the water, which looks the same: if less arrives than the crop uses they go on falling, and more is
   given. Either way the garden gets small doses, so that it stays near where it was found. Probes beyond wilting tell
   no change: then it lives on the weather.
4. Lost water is summed up on, with ``DOUBT_SLACK``; probes that move further away are doubted again, by a larger gap.
5. It is over when a person says that it was seen to, or when the probes have been wetter than the gap allows for
   ``VOTES`` in a row, as long as a soaked soil may take to drain; for ``DRY_VOTES`` where nothing has come for a day
   that could have soaked it, because a shallow bed is dry again before the many are together.
6. Pure; one garden at a time, and only when a vote is weighed.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import estimate
from gateway.core.estimate import UM, UM2, Doubt, Estimate, Seen
from gateway.core.ground import Ground
from gateway.core.weather import DAY_MS

LIMIT = 0.4
LEARN_MS = DAY_MS
VOTES = 48
DRY_VOTES = 12
BACK_PART = 0.15  # of TAW
BEGIN_PART = 0.125


def weigh(before: Estimate, ground: Ground, seen: Seen, now_ms: int) -> Estimate:
    """The estimate after a vote: believed, believed less the gap, or only looked at."""
    doubt = before.doubt
    if doubt is None:
        return _held(before, estimate.weigh(before, ground, seen, now_ms), ground, seen, now_ms)
    dry_um = round(ground.depletion_mm(seen.soil_e4) * UM)
    if now_ms < doubt.learns_until_at_ms:
        gap_um = max(doubt.gap_um, dry_um - before.depletion_um)
        return replace(before, weighed_at_ms=now_ms, doubt=replace(doubt, gap_um=gap_um))
    if dry_um >= round(ground.taw_mm * UM):  # drier than can be told: on the weather, as without probes
        return replace(before, weighed_at_ms=now_ms)
    is_back = dry_um - doubt.gap_um < -BACK_PART * ground.taw_mm * UM
    votes = doubt.votes + 1 if is_back else 0
    if votes >= (VOTES if seen.wet_may_come else DRY_VOTES):
        return estimate.weigh(confirmed(before), ground, seen, now_ms)
    if votes != doubt.votes:
        before = replace(before, doubt=replace(doubt, votes=votes))
    less = replace(seen, soil_e4=ground.soil_e4(max(0, dry_um - doubt.gap_um) / UM))
    return _held(before, estimate.weigh(before, ground, less, now_ms), ground, seen, now_ms)


def confirmed(before: Estimate) -> Estimate:
    """A person has looked: the next vote is believed, and all is counted anew."""
    return replace(before, doubt=None, fresh_um=0, lost_um=0, believed_at_ms=None)


def _held(before: Estimate, after: Estimate, ground: Ground, seen: Seen, now_ms: int) -> Estimate:
    """Rules 1 and 2."""
    dried_um = after.sums.corrected_um - before.sums.corrected_um
    gone_um = min(dried_um, before.fresh_um)
    lost_um = max(0, before.lost_um + gone_um)
    if lost_um > LIMIT * ground.taw_mm * UM:
        return _doubted(after, ground, seen, lost_um, now_ms)
    if lost_um == before.lost_um and gone_um <= 0:
        return after
    return replace(after, fresh_um=before.fresh_um - max(0, gone_um), lost_um=lost_um)


def _doubted(known: Estimate, ground: Ground, seen: Seen, lost_um: int, now_ms: int) -> Estimate:
    left_um = max(0, known.depletion_um - lost_um)
    gap_um = max(0, round(ground.depletion_mm(seen.soil_e4) * UM) - left_um)
    return replace(
        known,
        depletion_um=left_um,
        variance_um2=max(known.variance_um2, round((BEGIN_PART * ground.taw_mm) ** 2 * UM2)),
        sums=replace(known.sums, corrected_um=known.sums.corrected_um + left_um - known.depletion_um),
        fresh_um=0,
        lost_um=0,
        believed_at_ms=None,
        doubt=Doubt(now_ms, now_ms + LEARN_MS, gap_um),
    )
