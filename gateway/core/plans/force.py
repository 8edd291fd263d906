"""The settings in force: what people chose, with what the present phase of each garden changes in them.

Rules
1. A phase can change a garden's marks (dry, target) and its crop's coefficient; nothing else of the settings.
2. The same phases give the same object, so that what settings keep ready for themselves is made once for a phase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from gateway.core.plans.kinds import Phase, phases_of
from gateway.core.plans.memory import PlanState

if TYPE_CHECKING:
    from gateway.core.types import Settings, ZoneSettings


class Remembers(Protocol):
    """The memory of a garden."""

    @property
    def plan(self) -> PlanState: ...


def phase_of(zone: ZoneSettings, memory: PlanState) -> Phase | None:
    """The phase that a garden is in: as it was last confirmed, or as its file says."""
    phases = phases_of(zone.plan)
    if phases is None:
        return None
    known = memory.phase
    if known is not None and known.file_day == phases.since_day and known.user:
        found = phases.of(known.id)
        if found is not None:
            return found
    return phases.of(phases.first)  # nobody has confirmed another since that was written


def in_force(settings: Settings, zones: Mapping[str, Remembers]) -> Settings:
    """The settings of a step."""
    changing = settings.changed_by_phase
    if not changing:
        return settings
    phases = tuple(phase_of(zone, zones[zone.id].plan if zone.id in zones else PlanState()) for zone in changing)
    known = settings.by_phases.get(phases)
    if known is None:
        changed = {zone.id: _changed(zone, phase) for zone, phase in zip(changing, phases, strict=True) if phase}
        known = replace(settings, zones=tuple(changed.get(zone.id, zone) for zone in settings.zones))
        settings.by_phases.clear()  # phases change some times a year: one is enough
        settings.by_phases[phases] = known
    return known


def _changed(zone: ZoneSettings, phase: Phase) -> ZoneSettings:
    dry_e4, target_e4 = phase.marks_e4 or (zone.dry_e4, zone.target_e4)
    ground = zone.ground
    if ground is not None and phase.kc is not None:
        ground = replace(ground, kc=(phase.kc,) * 3)
    return replace(zone, dry_e4=dry_e4, target_e4=target_e4, ground=ground)
