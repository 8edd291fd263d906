"""The summary of a run: the audit's figures with what the run was, as JSON, as a few lines, and as a picture.

Rules of this module:
- The JSON file is written whole or not at all, and says pass or fail itself (`ok`, `failures`).
- The picture shows the field's truth and what the field saw switched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core.village import Village
from kit.clock import vietnam_time
from kit.files import write_atomic
from simulators import audit
from simulators.faults import VIETNAMESE, Fault
from simulators.plot import Panel, Picture, Series, svg


@dataclass(frozen=True)
class RunFacts:
    """What the run was, apart from what the audit found."""

    start: str
    days: float
    start_ms: int
    end_ms: int
    speed: float
    seed: int
    weather: str
    real_s: float
    drain_real_s: float
    faults: tuple[tuple[Fault, int], ...]  # what, and when in village ms
    restarts: Mapping[str, int]


def figures(report: audit.Report, facts: RunFacts) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "failures": report.failures,
        **report.figures,
        "start": facts.start,
        "days": facts.days,
        "speed": facts.speed,
        "seed": facts.seed,
        "weather": facts.weather,
        "real_seconds": round(facts.real_s, 1),
        "real_seconds_a_day": round(facts.real_s / facts.days, 1),
        "drain_real_seconds": round(facts.drain_real_s, 1),
        "faults": [
            {"what": fault.value, "village_ms": at_ms, "local_time": f"{vietnam_time(at_ms):%Y-%m-%d %H:%M}"}
            for fault, at_ms in facts.faults
        ],
        "restarts": dict(facts.restarts),
    }


def write(path: Path, found: Mapping[str, Any], picture: str) -> Path:
    """Write the JSON file and the picture beside it; returns the picture's path."""
    write_atomic(path.with_suffix(".svg"), picture)
    write_atomic(path, json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    return path.with_suffix(".svg")


def lines(found: Mapping[str, Any]) -> Iterable[str]:
    """The summary for the console."""
    readings, outputs, irrigation = found["readings"], found["outputs"], found["irrigation"]
    yield (
        f"readings    measured {readings['measured']:,}, gateway {readings['gateway']:,}, "
        f"cloud {readings['cloud']:,}; lost {readings['lost']}, duplicated {readings['duplicated']}"
    )
    yield (
        f"outputs     on {outputs['times_on']} times under {outputs['leases_accepted']} leases; beyond a lease "
        f"{outputs['beyond_lease']} (latest {outputs['longest_overrun_ms'] / 1000:.1f} s, "
        f"allowed {outputs['tolerance_ms'] / 1000:.0f} s of node time)"
    )
    yield (
        f"watering    {irrigation['runs']} runs, {irrigation['dry_to_target']} from dry to target; refused "
        f"{irrigation['refused_salt']} times because salt, {irrigation['refused_low']} because low; "
        f"{irrigation['decisions']} decisions, {irrigation['decisions_without_reason']} without a reason"
    )
    for zone, got in found["water_by_zone"].items():
        yield f"water       {zone}: {got['litres']:,.0f} L = {got['mm']:.1f} mm in {got['minutes']:.0f} min"
    memory = ", ".join(f"{name} {mb:.0f}" for name, mb in found["peak_memory_mb"].items())
    yield f"memory      lowest free heap of a node {found['lowest_free_heap_bytes']} B; peaks in MB: {memory}"
    a_day = f"{found['real_seconds_a_day']:.0f} s a day at speed {found['speed']:g}"
    yield f"time        {found['real_seconds']:.0f} s, {a_day}"
    yield from (f"FAILED      {failure}" for failure in found["failures"])


def picture(village: Village, facts: RunFacts, witness: Path, truth: Path) -> str:
    """The run as SVG."""
    moments = [moment for moment in audit.read_lines(truth) if moment["at_ms"] <= facts.end_ms]
    times_on = audit.on_times(audit.read_lines(witness))
    zones = list(village.zones.values())
    spans = [
        (time.on_ms, time.off_ms or facts.end_ms, index)
        for index, zone in enumerate(zones)
        for time in times_on
        if time.output == (zone.valve.node, zone.valve.output)
    ]
    moisture = [Series(zone.name, [(m["at_ms"], 100.0 * m["vwc"][zone.id]) for m in moments]) for zone in zones]
    source = next(iter(village.sources.values()))

    def water(key: str, name: str) -> Series:
        return Series(name, [(m["at_ms"], m[key]) for m in moments])

    return svg(
        Picture(
            f"{village.name}: {facts.days:g} ngày từ {facts.start} · thời tiết: {facts.weather}",
            facts.start_ms,
            facts.end_ms,
            [
                Panel("Độ ẩm đất, và lúc tưới", "%", moisture, [], spans),
                Panel(
                    "Mực nước", "mm", [water("ditch_level", "Mương"), water("canal_level", "Rạch")],
                    [("thấp nhất được bơm", source.min_level_mm)],
                ),
                Panel(
                    "Độ mặn", "µS/cm", [water("ditch_salinity", "Mương"), water("canal_salinity", "Rạch")],
                    [("mặn nhất được bơm", source.limit_us_cm)],
                ),
            ],
            [(VIETNAMESE[fault], at_ms) for fault, at_ms in facts.faults],
        )
    )  # fmt: skip
