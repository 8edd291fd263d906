"""The ground under a village that has no file of its own for it: what simulators/field.toml says of the demonstration,
made up from the registry.

Rules of this module:
- Clay loam of raised beds everywhere; the crop is known by the word of the registry, else taken as in FAO-56's middle.
- Kc and p are those of FAO-56 Tables 12 and 22 (middle of the season), mango of Carr 2013; roots as the gardens of
  the delta have them, whose water table is high.
- A garden with a plan of rice is a paddy: clay that was puddled, a bund of 15 cm, 3 mm a day through the plough pan
  (2 to 6 are usual; ours), and Kc between those of FAO-56 Table 12 for the beginning and for the middle of the season.
  At the beginning it is full of water, and none stands on it.
- The ditch has a third of the gardens' area, and the canal stands above its reopening level at middle tide.
"""

from __future__ import annotations

from typing import Any

from gateway.core.plans.kinds import Rice
from gateway.core.village import Source, Village, Zone
from wire import fields

# words of the crop -> Kc, p, depth of roots in mm
CROPS: dict[tuple[str, ...], tuple[float, float, float]] = {
    ("xoài", "mango"): (0.85, 0.50, 600.0),
    ("quýt", "cam", "bưởi", "chanh", "citrus"): (0.70, 0.50, 500.0),
    ("chuối", "banana"): (1.10, 0.35, 500.0),
    ("cà chua", "tomato"): (1.15, 0.40, 400.0),
    ("dưa leo", "cucumber"): (1.00, 0.50, 400.0),
    ("dưa hấu", "watermelon"): (1.00, 0.40, 400.0),
    ("rau", "cải", "vegetable", "cabbage"): (1.05, 0.45, 300.0),
}
OTHER = (1.00, 0.50, 500.0)
PADDY: dict[str, float] = {
    "root_zone_mm": 300.0, "wilting_point": 0.24, "field_capacity": 0.40, "saturation": 0.52,
    "depletion_fraction": 0.20, "crop_coefficient": 1.15, "infiltration_mm_h": 30.0, "surface_mm": 150.0,
    "drainage_h": 18.0, "percolation_mm_h": 3.0 / 24.0, "start_vwc": 0.52,
}  # fmt: skip
WILTING, CAPACITY, SATURATION = 0.18, 0.36, 0.48
DITCH_SHARE = 1 / 3
CULVERT_PER_M2 = 4.5 / 800.0  # litres a minute for each mm of difference
LEAK_SHARE = 1 / 450  # of a shut sluice
LIFT_PER_M2 = 1.0  # litres a minute: the ditch rises by 6 cm in an hour
MIDDLE_TIDE_MM = 1350.0
ABOVE_REOPEN_MM = 700.0
PLAIN = {
    fields.WATER_TEMPERATURE: "water_temperature",
    fields.SOIL_TEMPERATURE: "soil_temperature",
    fields.RAIN: "rain",
    fields.FLOW: "flow",
    fields.AIR_TEMPERATURE: "air_temperature",
    fields.AIR_HUMIDITY: "air_humidity",
}


def ground(village: Village) -> dict[str, Any]:
    """The truth of a village's field, in the form of field.toml."""
    sources = list(village.sources.values())
    reopen_mm = max((source.reopen_level_mm for source in sources), default=0)
    tubes = {(t.node, t.channel) for z in village.zones.values() if isinstance(z.plan, Rice) for t in z.plan.tubes}
    area_m2 = DITCH_SHARE * sum(zone.area_m2 for zone in village.zones.values())
    return {
        "canal": {"mean_mm": max(MIDDLE_TIDE_MM, reopen_mm + ABOVE_REOPEN_MM)},
        "ditch": {
            "area_m2": area_m2,
            "culvert_lpm_per_mm": CULVERT_PER_M2 * area_m2,
            "leak_lpm_per_mm": LEAK_SHARE * CULVERT_PER_M2 * area_m2,
            "lift_lpm": LIFT_PER_M2 * area_m2,
            "foot_valve_mm": max(0.0, min([150.0, *(source.min_level_mm for source in sources)])),
            "start_level_mm": reopen_mm + 100.0,
            "start_us_cm": 300.0,
        },
        "zone": [_zone(zone) for zone in village.zones.values()],
        "sensor": [
            {
                "node": node.id,
                "field": fields.field(sensor.field).name,
                "channel": sensor.channel,
                "measures": _measures(sources, tubes, node.id, sensor.field, sensor.channel),
            }
            for node in village.nodes.values()
            for sensor in node.sensors
            if sensor.field not in (fields.SOIL_MOISTURE, fields.BATTERY)
        ],
    }


def _zone(zone: Zone) -> dict[str, Any]:
    if isinstance(zone.plan, Rice):
        return {"id": zone.id, **PADDY}
    crop = zone.crop.lower()
    known = (figures for words, figures in CROPS.items() if any(word in crop for word in words))
    kc, fraction, root_mm = next(known, OTHER)
    return {
        "id": zone.id,
        "root_zone_mm": root_mm,
        "wilting_point": WILTING,
        "field_capacity": CAPACITY,
        "saturation": SATURATION,
        "depletion_fraction": fraction,
        "crop_coefficient": kc,
        "infiltration_mm_h": 30.0,
        "surface_mm": 10.0,
        "drainage_h": 18.0,
        "start_vwc": min(CAPACITY, max(WILTING, (zone.dry_vwc + zone.target_vwc) / 2.0)),
    }


def _measures(sources: list[Source], tubes: set[tuple[str, int]], node: str, field: int, channel: int) -> str:
    """Tubes stand in their field; the source's own level and first conductivity are the ditch's; others the canal's."""
    if field == fields.WATER_LEVEL and (node, channel) in tubes:
        return "field_level"
    if field == fields.WATER_LEVEL:
        own = any((source.level.node, source.level.channel) == (node, channel) for source in sources)
        return "ditch_level" if own else "canal_level"
    if field == fields.CONDUCTIVITY_25:
        own = any((s.conductivity[0].node, s.conductivity[0].channel) == (node, channel) for s in sources)
        return "ditch_salinity" if own else "canal_salinity"
    return PLAIN.get(field, "rain")
