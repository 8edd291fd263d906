"""The waters that a village draws from: canals, and ditches as stores that are filled from them.

Rules
1. A source is closed below ``min_level_mm`` or from ``limit_us_cm`` on, and open again past the two ``reopen`` marks.
2. A ditch may be filled. The canal that fills it is a source like any other, judged by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.core.refs import OutputRef, SensorRef, require


@dataclass(frozen=True, slots=True)
class FillSettings:
    """How a ditch is filled from its canal, which is a source like any other; its levels are those of the lift pump.

    A ``sluice`` lets the water in by itself while the canal is ``min_head_mm`` higher; a ``lift`` pumps it in.
    """

    canal: SourceSettings
    sluice: OutputRef | None
    lift: OutputRef | None
    start_level_mm: int
    target_level_mm: int
    min_head_mm: int
    drain_level_mm: int | None = None  # from here on rain is let out by the sluice; None: never

    def __post_init__(self) -> None:
        name = self.canal.id
        require(bool(self.sluice or self.lift), f"{name}: neither sluice nor lift")
        require(self.start_level_mm < self.target_level_mm, f"{name}: start_level_mm must be below target_level_mm")
        low_mm = self.target_level_mm if self.drain_level_mm is None else self.drain_level_mm - 1
        require(low_mm >= self.target_level_mm, f"{name}: drain_level_mm must be above target_level_mm")
        require(self.min_head_mm > 0 and self.canal.fill is None, f"{name}: min_head_mm, or a fill of its own")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """A ditch or canal. Closed below ``min`` or from ``limit`` on; open again from ``reopen`` on."""

    id: str
    name: str
    level: SensorRef
    min_level_mm: int
    reopen_level_mm: int
    conductivity: tuple[SensorRef, ...]
    limit_us_cm: int
    reopen_us_cm: int
    max_age_ms: int
    salt_places: tuple[str, ...] = ()  # which water each of ``conductivity`` measures, in words
    fill: FillSettings | None = None

    def salt_place(self, number: int) -> str:
        """The water that one of ``conductivity`` measures."""
        return self.salt_places[number] if self.salt_places else f"nước {self.name[:1].lower()}{self.name[1:]}"

    def at_most(self, limit_us_cm: int) -> SourceSettings:
        """The same water for a crop that bears no more salt than this."""
        reopen_us_cm = min(self.reopen_us_cm, max(1, limit_us_cm * 4 // 5))
        return replace(
            self, id=f"{self.id}/{limit_us_cm}", limit_us_cm=limit_us_cm, reopen_us_cm=reopen_us_cm, fill=None
        )

    def __post_init__(self) -> None:
        require(len(self.salt_places) in (0, len(self.conductivity)), f"source {self.id}: salt_places")
        require(self.min_level_mm <= self.reopen_level_mm, f"source {self.id}: min_level_mm > reopen_level_mm")
        require(0 < self.reopen_us_cm <= self.limit_us_cm, f"source {self.id}: reopen_us_cm > limit_us_cm")
        require(self.max_age_ms > 0, f"source {self.id}: max_age_ms")
