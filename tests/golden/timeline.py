"""The language of the golden timelines (timelines/*.toml): anyone can add one.

    title = "Dry soil is watered up to its target"
    promises = ["P3"]                      # optional: docs/promises.md
    until = "1:00:00"                      # times are h:mm:ss after 06:00 of the first day
    [zones.xoai]                           # optional: what differs from tests/support/irrigation.py
    max_run_ms = 600_000
    [fill]                                 # optional: the ditch is filled; what differs from there
    lift = true
    [pump]                                 # optional: of xoai and rau; main, meter = true, open_hours = [[22, 5]]
    lead_ms = 5_000
    events = ["0:10:00 soil xoai 33 33 33"]
    outputs = ["0:00:00 xoai on"]          # everything that any node switches, in order, at most a second off
    decisions = ["0:00:00 xoai start soil_dry"]   # every decision in order; one told again unchanged is left out

Events: ``soil ZONE V V V`` in % (``-`` the probe dies, ``x`` it says that it is faulty), ``level MM``,
``salt US_CM``, the same after ``canal``, ``water ZONE MINUTES``, ``stop ZONE``, ``late water|stop|try ZONE ...`` (asked
for ten minutes ago), ``unlock ZONE``, ``try ZONE``, ``flow PART`` (of what should flow), ``leak L_MIN``,
``link NODE up|cut|deaf`` (cut: kept and delivered later; deaf: lost), ``slow NODE MS``, ``reboot NODE``,
``gateway kill|start``, ``clock SECONDS``;
``rain MM`` (the gauge's total; there is none before),
``outlook MM PERCENT`` (issued now: so much rain each day, from tomorrow on), ``outlook -`` (the file is gone).
Plans: ``tube MM MM`` (a rice field's level), ``phase ZONE ID``, ``pause ZONE DAYS``, ``resume ZONE``.
A zone with ``ground = true`` is reckoned (tests.support.irrigation.GROUND); others are thermostats. One with a
``plan`` table has that plan (tests.support.plans.made).
What is not said at 0:00:00 is 30 % in every garden, 700 mm and 400 µS/cm; in a canal 1,100 mm and 300 µS/cm.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.types import Limits, SensorRef, Settings
from gateway.core.weather import Outlook, OutlookDay, local_day
from tests.support import irrigation, plans
from tests.support.irrigation import (
    CANAL_LEVEL,
    CANAL_SALT,
    LEVEL,
    RAIN,
    SALT,
    START_MS,
    Village,
    output_name,
    probe,
)
from wire import fields

PLACES = ("title", "promises", "until", "zones", "source", "fill", "pump", "limits", "events", "outputs", "decisions")


@dataclass(frozen=True)
class Timeline:
    name: str
    title: str
    until_ms: int
    settings: Settings
    limits: Limits
    events: tuple[str, ...]
    outputs: tuple[str, ...]
    decisions: tuple[str, ...]
    promises: tuple[str, ...] = field(default=())


def load(path: Path) -> Timeline:
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = set(found) - set(PLACES)
    assert not unknown, f"{path.name}: unknown {sorted(unknown)}"
    zones = found.get("zones") or {"xoai": {}}
    fill = irrigation.fill_settings(**found["fill"]) if "fill" in found else None
    return Timeline(
        name=path.stem,
        title=found["title"],
        until_ms=millis(found["until"]),
        settings=irrigation.settings(
            tuple(irrigation.zone_settings(zone, **_changes(changes)) for zone, changes in zones.items()),
            irrigation.source_settings(fill=fill, **found.get("source", {})),
            irrigation.pump_settings(**found["pump"]) if "pump" in found else None,
        ),
        limits=Limits(**found.get("limits", {})),
        events=tuple(found.get("events", ())),
        outputs=tuple(found["outputs"]),
        decisions=tuple(found["decisions"]),
        promises=tuple(found.get("promises", ())),
    )


def _changes(changes: dict[str, object]) -> dict[str, object]:
    found = {**changes, "ground": irrigation.GROUND} if changes.get("ground") else dict(changes)
    plan = found.get("plan")
    if isinstance(plan, dict):
        found["plan"] = plans.made(**plan)
    return found


def play(timeline: Timeline, village: Village | None = None) -> Village:
    """Run a timeline; returns the village as it is at the end."""
    village = village or Village(timeline.settings, timeline.limits)
    for zone in timeline.settings.zones:
        for ref in zone.probes:
            village.measure(ref, 3000)
    village.measure(LEVEL, 700)
    village.measure(SALT, 400)
    if timeline.settings.fills:
        village.measure(CANAL_LEVEL, 1100)
        village.measure(CANAL_SALT, 300)
    for line in timeline.events:
        at, *words = line.split()
        village.at(START_MS + millis(at), lambda words=words: happen(village, words))  # type: ignore[misc]
    village.run(START_MS + timeline.until_ms)
    return village


def outputs_of(village: Village) -> list[str]:
    return [f"{clock(s.at_ms - START_MS)} {output_name(s.output)} {'on' if s.on else 'off'}" for s in village.switched]


def decisions_of(village: Village) -> list[str]:
    """Every decision but those that only repeat what was last said about their zone."""
    told: list[str] = []
    said: dict[str, str] = {}
    for true_ms, decision in village.told:
        text = f"{decision.zone} {decision.verdict} {decision.rule}"
        if said.get(decision.zone) != text:
            told.append(f"{clock(true_ms - START_MS)} {text}")
        said[decision.zone] = text
    return told


def millis(clock_text: str) -> int:
    hours, minutes, seconds = clock_text.split(":")
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1000


def clock(ms: int) -> str:
    seconds = ms // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def same(expected: str, found: str) -> bool:
    """Equal in everything but a second."""
    expected_at, _, expected_text = expected.partition(" ")
    found_at, _, found_text = found.partition(" ")
    return expected_text == found_text and abs(millis(expected_at) - millis(found_at)) <= 1000


def happen(village: Village, words: list[str]) -> None:
    match words:
        case ["soil", zone, *values]:
            for channel, value in enumerate(values):
                _soil(village, zone, channel, value)
        case ["level" | "salt" as what, value]:
            _water(village, LEVEL if what == "level" else SALT, value)
        case ["canal", "level" | "salt" as what, value]:
            _water(village, CANAL_LEVEL if what == "level" else CANAL_SALT, value)
        case ["rain", value]:
            village.measure(RAIN, round(float(value) * 100))
        case ["outlook", "-"]:
            village.outlook = None
        case ["outlook", mm, percent]:
            village.outlook = _outlook(village.wall_ms, float(mm), float(percent) / 100.0)
        case ["late", kind, zone, *minutes]:
            village.ask(kind, zone, int(minutes[0]) if minutes else 0, age_ms=600_000)
        case ["tube", *values]:
            for channel, value in enumerate(values):
                _water(village, plans.tube(channel), value)
        case ["phase", zone, phase]:
            village.ask("phase", zone, what=phase, told_by="chị Hai")
        case ["pause", zone, days]:
            village.ask("pause", zone, int(days) * 24 * 60)
        case ["resume", zone]:
            village.ask("resume", zone)
        case ["flow", part]:
            village.flow_part = float(part)
        case ["leak", litres]:
            village.leak_ml_min = round(float(litres) * 1000)
        case ["water" | "stop" | "unlock" | "try" as kind, zone, *minutes]:
            village.ask(kind, zone, int(minutes[0]) if minutes else 0)
        case _:
            _happen_to_machines(village, words)


def _happen_to_machines(village: Village, words: list[str]) -> None:
    match words:
        case ["link", node, link]:
            village.set_link(node, link)
        case ["slow", node, ms]:
            village.nodes[node].hop_ms = int(ms)
        case ["reboot", node]:
            village.reboot(node)
        case ["gateway", "kill"]:
            village.kill_gateway()
        case ["gateway", "start"]:
            village.start_gateway()
        case ["clock", seconds]:
            village.set_clock(int(seconds) * 1000)
        case _:
            raise AssertionError(f"no such event: {' '.join(words)}")


def _outlook(now_ms: int, mm: float, chance: float) -> Outlook:
    days = range(local_day(now_ms) + 1, local_day(now_ms) + 6)
    return Outlook(now_ms, "timeline", {day: OutlookDay(34.0, 24.0, mm, chance, 70.0, 16.0) for day in days})


def _water(village: Village, ref: SensorRef, value: str) -> None:
    if value == "-":
        village.kill_sensor(ref)
    else:
        village.measure(ref, int(value))


def _soil(village: Village, zone: str, channel: int, value: str) -> None:
    ref = probe(zone, channel)
    if value == "-":
        village.kill_sensor(ref)
    elif value == "x":
        village.measure(ref, None, fields.FAIL)
    else:
        village.measure(ref, round(float(value) * 100))
