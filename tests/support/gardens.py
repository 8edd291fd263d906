"""Settings of a small village for tests of the irrigation: gardens, a ditch and its canal, pumps."""

from __future__ import annotations

from gateway.core.ground import Ground
from gateway.core.pumps import Hours, PumpSettings
from gateway.core.types import (
    FillSettings,
    OutputRef,
    OutputSettings,
    SensorRef,
    Settings,
    SourceSettings,
    ZoneSettings,
)
from gateway.core.weather import Place, StationSettings
from wire import fields

START_MS = 1_709_247_600_000  # 2024-03-01 06:00 in Vietnam
SAMPLE_MS = 300_000
HOP_MS = 100
MINUTE_MS = 60_000
HARD_MAX_S = 7_200
INTENT_MS = 60_000

VALVES = {"xoai": OutputRef("van", 1), "rau": OutputRef("van", 2), "quyt": OutputRef("van-2", 1)}
PUMPS = {"xoai": OutputRef("van", 0), "rau": OutputRef("van", 0), "quyt": OutputRef("van-2", 0)}
NAMES = {"xoai": "Vườn xoài", "rau": "Liếp rau", "quyt": "Vườn quýt"}
LEVEL = SensorRef("muc", fields.WATER_LEVEL, 0)
SALT = SensorRef("muc", fields.CONDUCTIVITY_25, 0)
RAIN = SensorRef("mua", fields.RAIN, 0)
PLACE = Place(10.45, 105.63, 2.0)
GROUND = Ground(0.36, 0.18, 0.6, 100.0, 0.5, (0.65, 0.85, 0.75), (60, 90, 120, 95))
CANAL_LEVEL = SensorRef("muc", fields.WATER_LEVEL, 1)
CANAL_SALT = SensorRef("muc", fields.CONDUCTIVITY_25, 1)
SLUICE, LIFT = OutputRef("cong", 0), OutputRef("cong", 1)
METER = SensorRef("van", fields.FLOW, 0)
PUMP, MAIN = OutputRef("van", 0), OutputRef("van", 3)
METER_MS = 5_000  # while water runs, and a minute longer


def probe(zone: str, channel: int) -> SensorRef:
    return SensorRef(f"dat-{zone}", fields.SOIL_MOISTURE, channel)


def zone_settings(zone: str, **changes: object) -> ZoneSettings:
    plain: dict[str, object] = {
        "id": zone,
        "name": NAMES[zone],
        "probes": tuple(probe(zone, channel) for channel in range(3)),
        "probe_max_age_ms": 2 * SAMPLE_MS + MINUTE_MS,
        "valve": VALVES[zone],
        "pump": PUMPS[zone],
        "source": "muong",
        "dry_e4": 2600,
        "target_e4": 3200,
        "max_run_ms": 30 * MINUTE_MS,
        "min_rest_ms": 60 * MINUTE_MS,
        "flow_ml_min": 100_000,
    }
    probes = changes.pop("probe_count", None)
    if isinstance(probes, int):
        plain["probes"] = tuple(probe(zone, channel) for channel in range(probes))
    return ZoneSettings(**(plain | changes))  # type: ignore[arg-type]


def source_settings(**changes: object) -> SourceSettings:
    plain: dict[str, object] = {
        "id": "muong",
        "name": "Mương chính",
        "level": LEVEL,
        "min_level_mm": 550,
        "reopen_level_mm": 620,
        "conductivity": (SALT,),
        "limit_us_cm": 1500,
        "reopen_us_cm": 1200,
        "max_age_ms": 2 * SAMPLE_MS + MINUTE_MS,
    }
    return SourceSettings(**(plain | changes))  # type: ignore[arg-type]


def fill_settings(*, sluice: bool = True, lift: bool = False, **changes: object) -> FillSettings:
    """How the ditch is filled. Its canal: no limit of level but for a lift, the ditch's limits of salt."""
    canal = source_settings(
        id="muong/canal", name="Kênh", level=CANAL_LEVEL, conductivity=(CANAL_SALT,),
        min_level_mm=600 if lift else -2000, reopen_level_mm=650 if lift else -2000,
    )  # fmt: skip
    plain: dict[str, object] = {
        "canal": canal,
        "sluice": SLUICE if sluice else None,
        "lift": LIFT if lift else None,
        "start_level_mm": 900,
        "target_level_mm": 1000,
        "min_head_mm": 100,
    }
    return FillSettings(**(plain | changes))  # type: ignore[arg-type]


def settings(
    zones: tuple[ZoneSettings, ...] | None = None,
    source: SourceSettings | None = None,
    pump: PumpSettings | None = None,
) -> Settings:
    zones = zones if zones is not None else (zone_settings("xoai"),)
    outputs = {
        ref.key: OutputSettings(HARD_MAX_S * 1000, 60_000 if ref.output == 0 else 0, 30 * MINUTE_MS)
        for zone in zones
        for ref in (zone.valve, zone.pump)
        if ref
    }
    source = source or source_settings()
    for ref in (source.fill.sluice, source.fill.lift) if source.fill else ():
        if ref:
            outputs[ref.key] = OutputSettings(HARD_MAX_S * 1000, 60_000, 30 * MINUTE_MS)
    if pump and pump.main:
        outputs[pump.main.key] = OutputSettings(HARD_MAX_S * 1000, 0, 30 * MINUTE_MS)
    return Settings(
        zones=zones,
        sources=(source,),
        outputs=outputs,
        pumps={PUMP.key: pump} if pump else {},
        place=PLACE,
        station=StationSettings(rain=RAIN),
    )


def pump_settings(*, main: bool = False, meter: bool = False, **changes: object) -> PumpSettings:
    """How the water of the pump of ``xoai`` and ``rau`` is let out."""
    plain: dict[str, object] = {"main": MAIN if main else None, "meter": METER if meter else None}
    for key in ("open_hours", "quiet_hours"):
        spans = changes.pop(key, None)
        if isinstance(spans, list):  # [[from, to], ...] in hours
            changes[key] = tuple(Hours(round(start * 60), round(end * 60)) for start, end in spans)
    return PumpSettings(**(plain | changes))  # type: ignore[arg-type]


def output_name(ref: OutputRef) -> str:
    """How timelines call an output: its zone's id for a valve, its node's and "pump" for a pump; sluice and lift."""
    if ref in (SLUICE, LIFT):
        return "sluice" if ref == SLUICE else "lift"
    if ref == MAIN:
        return "main"
    if ref in PUMPS.values():
        return f"pump-{ref.node}"
    return next(zone for zone, valve in VALVES.items() if valve == ref)
