"""Who wants water now, and whose turn it is.

Rules
1. A garden that has the rest of a dose goes on with that; all others are asked by their soil (``zone.need``).
2. The one that has been dry longest comes first. A garden whose soil soaks is not ready, so others of its pump fill the
   gap.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core import dose as doses
from gateway.core import zone
from gateway.core.rules import Rule, Verdict
from gateway.core.turn import Finding, Turn
from gateway.core.types import OutputRef, ZoneSettings

Waiting = tuple[int, int, ZoneSettings, Finding]  # dry since, place in the settings


def judge(turn: Turn, settings: ZoneSettings) -> Finding:
    """What an idle garden wants: START, or why not."""
    wanted = zone.need(turn, settings)
    if wanted.rule in (Rule.DEPLETED, Rule.SOIL_DRY) and doses.is_at_target(turn, settings):
        wanted = Finding(Verdict.NO, Rule.SOIL_OK)  # the estimate has not taken in yet what the probes see
    return doses.go_on(turn, settings, wanted)


def entry(turn: Turn, place: int, settings: ZoneSettings, finding: Finding) -> Waiting:
    since_at_ms = turn.zone(settings.id).dry_since_at_ms
    return (turn.now_ms if since_at_ms is None else since_at_ms, place, settings, finding)


def is_persons(turn: Turn, settings: ZoneSettings) -> bool:
    """Whether what is left to be given is what a person asked for."""
    dose = turn.zone(settings.id).dose
    return dose is not None and dose.why is Rule.MANUAL_WATER


def for_pump(turn: Turn, pump: OutputRef, but: str) -> Iterator[tuple[ZoneSettings, Finding]]:
    """The idle gardens of a pump that could be watered if only the pump were free, in their order."""
    found: list[Waiting] = []
    for place, settings in turn.settings.of_pump.get(pump, ()):
        if settings.id == but or turn.zone(settings.id).run is not None:
            continue
        finding = judge(turn, settings)
        manual = is_persons(turn, settings)
        if finding.verdict is Verdict.START and zone.guard(turn, settings, finding, manual=manual, over=True) is None:
            found.append(entry(turn, place, settings, finding))
    for _, _, settings, finding in sorted(found, key=lambda one: one[:2]):
        yield settings, finding
