"""The parts of the registry about soil, crop and sky: a garden's ``soil`` and ``crop``, and the village's ``station``.

Rules
1. A garden without ``soil`` has no water balance. With it everything else has a default: the crop's figures by its name
   (``gateway.core.crops``), the marks for dry and target by the soil.
2. ``crop`` is a name, or a table with a ``name`` and the figures that differ. A name that is not known needs ``kc`` and
   ``p`` of its own; ``stages_days`` and ``start`` only belong together.
3. Without marks of its own a garden is dry at ``DRY_PART`` of what its crop takes without stress, and is refilled to
   ``TARGET_PART`` of all that is available, which leaves room for a shower.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from gateway.core.crops import CropDefaults, defaults
from gateway.core.ground import Ground
from gateway.core.village import Node, SensorRef, Station
from gateway.strict import RegistryError, Table
from wire import fields

# Nearer marks would be the same number on a page, and no garden can be kept between them.
LEAST_BAND = 0.01
DRY_PART = 0.8
TARGET_PART = 0.1
UNUSED = (0.25, 0.35)  # the marks of a garden that nobody holds against its soil
LEAST_AVAILABLE = Decimal("0.02")
EPOCH = date(1970, 1, 1)
MOST_DAYS = 365
AIR = ("air_temperature", "air_humidity", "wind", "solar")


class Soil(NamedTuple):
    fc: float
    wp: float
    depth_m: float


class Crop(NamedTuple):
    """``source`` says whose the figures are that were not given; ``root_m`` None: as deep as the soil."""

    name: str
    kc: tuple[float, float, float]
    stages_days: tuple[int, int, int, int]
    planted_day: int | None
    p: float
    root_m: float | None
    source: str


def soil(zone: Table) -> Soil | None:
    """The soil of a garden, None where nothing is said of it."""
    if not zone.has("soil"):
        return None
    with zone.table("soil") as t:
        found = Soil(
            fc=float(t.number("fc", Decimal("0.05"), Decimal("0.60"))),
            wp=float(t.number("wp", Decimal("0.01"), Decimal("0.50"))),
            depth_m=float(t.number("depth_m", Decimal("0.05"), 3)),
        )
        if found.wp + float(LEAST_AVAILABLE) > found.fc:
            t.refuse("wp", f"a number in 0.01..{found.fc - float(LEAST_AVAILABLE):.2f}, below fc ({found.fc:g})")
        return found


def crop(zone: Table, *, known: bool) -> Crop | None:
    """The crop of a garden; its figures only where they are ``known`` to be needed."""
    if not zone.is_table("crop"):
        name = zone.text("crop")
        if not known:
            return None
        said = defaults(name)
        if said is None:
            zone.refuse("crop", "a known crop, or a table { name, kc, p } with its figures")
        return _crop(name, said)
    with zone.table("crop") as t:
        return _figures(t)


def crop_name(zone: Table) -> str:
    """Only what a garden's crop is called."""
    return zone.table("crop").text("name") if zone.is_table("crop") else zone.text("crop")


def ground(zone: Table, area_m2: float) -> tuple[Ground | None, str]:
    """What a garden's water is reckoned with, and the source of the crop's figures."""
    found = soil(zone)
    grown = crop(zone, known=found is not None)
    if found is None or grown is None:
        return None, ""
    root_m = found.depth_m if grown.root_m is None else min(grown.root_m, found.depth_m)
    return (
        Ground(found.fc, found.wp, root_m, area_m2, grown.p, grown.kc, grown.stages_days, grown.planted_day),
        grown.source,
    )


def has_own_kc(zone: Table) -> bool:
    """Whether the file says itself what a garden's crop coefficients are."""
    return zone.is_table("crop") and zone.table("crop").has("kc")


def marks(zone: Table, known: Ground | None, *, needed: bool = True) -> tuple[float, float]:
    """Moisture at which a garden is dry, and to which it is watered. Not ``needed``: its plan does not look at it."""
    low, high = Decimal("0.01"), Decimal("0.9")
    dry, target = (0.0, 0.0) if needed else UNUSED
    if known is not None:
        available = known.fc - known.wp
        dry = round(known.fc - DRY_PART * known.p * available, 4)
        target = round(known.fc - TARGET_PART * available, 4)
    if (known is None and needed) or zone.has("dry_vwc"):
        dry = float(zone.number("dry_vwc", low, high))
    if (known is None and needed) or zone.has("target_vwc"):
        target = float(zone.number("target_vwc", low, high))
    if known is not None and not known.wp < dry < known.fc:
        zone.refuse("dry_vwc", f"between wp ({known.wp:g}) and fc ({known.fc:g}) of its soil")
    if known is not None and target > known.fc:
        zone.refuse("target_vwc", f"at most fc ({known.fc:g}) of its soil")
    if round(target - dry, 6) < LEAST_BAND:
        zone.refuse("dry_vwc", f"at least {LEAST_BAND:g} below target_vwc ({target:g})")
    return dry, target


def station(root: Table, nodes: Mapping[str, Node]) -> Station:
    """The village's own weather station, whatever it has."""
    if not root.has("station"):
        return Station()
    with root.table("station") as t:
        rain = _sensor(t, "rain", nodes) if t.has("rain") else None
        air = {fields.field_by_name(name).id: _sensor(t, name, nodes) for name in AIR if t.has(name)}
        if rain is None and not air:
            raise RegistryError(f"empty; allowed here: rain, {', '.join(AIR)}", t.where)
        return Station(rain, air)


def _sensor(table: Table, name: str, nodes: Mapping[str, Node]) -> SensorRef:
    with table.table(name) as t:
        ref = SensorRef(t.id("node"), t.whole("channel", 0, 15))
        node = nodes.get(ref.node)
        if node is None:
            t.refuse("node", "the id of a node of this file")
        if not any((s.field, s.channel) == (fields.field_by_name(name).id, ref.channel) for s in node.sensors):
            t.refuse("channel", f"a channel on which node {ref.node} measures {name}")
        return ref


# ---- the crop's table


def _crop(name: str, said: CropDefaults) -> Crop:
    return Crop(name, said.kc, said.stages_days, None, said.p, said.root_m, said.source)


def _figures(t: Table) -> Crop:
    name = t.text("name")
    said = defaults(name)
    if said is None:
        for key in ("kc", "p"):
            if not t.has(key):
                t.refuse(key, f"given, because {name!r} is not a known crop")
    found = _crop(name, said or CropDefaults((1.0, 1.0, 1.0), (1, 1, 1, 1), 0.5, 0.0, "registry"))
    if said is None:
        found = found._replace(root_m=None)
    if t.has("kc"):
        initial, middle, end = (float(kc) for kc in t.numbers("kc", 3, Decimal("0.1"), Decimal("1.5")))
        found = found._replace(kc=(initial, middle, end))
    if t.has("p"):
        found = found._replace(p=float(t.number("p", Decimal("0.1"), Decimal("0.8"))))
    if t.has("root_m"):
        found = found._replace(root_m=float(t.number("root_m", Decimal("0.05"), 3)))
    if t.has("stages_days"):
        first, second, third, last = (int(days) for days in t.numbers("stages_days", 4, 1, MOST_DAYS, whole=True))
        found = found._replace(stages_days=(first, second, third, last))
        if not t.has("start"):
            t.refuse("stages_days", "with start, the day of planting, beside it")
    if t.has("start"):
        if said is None and not t.has("stages_days"):
            t.refuse("start", "with stages_days beside it")
        found = found._replace(planted_day=(t.day("start") - EPOCH).days)
    return found
