"""How much salt a crop bears in its water, where the registry says only its name; and who says so.

Rules
1. Limits are of the water, in g/l, and are kept as conductivity at 25 °C by the factor that farmers are told
   them with (1 g/l = 1 562 µS/cm). A zone is watered up to the stricter of its own limit and its source's.
2. Where sources differ the careful one is taken, and an adviser may raise it for a zone (its ``limit_us_cm``).
   Mango: 4 to 5 g/l in the local press, but "sensitive" to FAO; so 1 g/l. Jackfruit has the same doubtful source.
3. A name is known by a word of it, Vietnamese or English, the longest first. What is not known bears as little as
   leaf vegetables.
"""

from __future__ import annotations

from dataclasses import dataclass

from wire.salt import GRAMS_PER_LITRE_PER_US_CM


@dataclass(frozen=True, slots=True)
class Tolerance:
    grams_per_litre: float
    source: str

    @property
    def limit_us_cm(self) -> int:
        return int(self.grams_per_litre / GRAMS_PER_LITRE_PER_US_CM)


BEN_TRE = "guide of Bến Tre, baodongkhoi.vn 2023-03-09"
DURIAN = Tolerance(0.5, "Tiền Giang, baomoi.com: more than 0.5 g/l harms durian")
SENSITIVE = Tolerance(1.0, BEN_TRE)
CAREFUL = Tolerance(1.0, f"{BEN_TRE} says 4 to 5; FAO rates it sensitive, so careful")
POMELO = Tolerance(1.5, BEN_TRE)
PADDY = Tolerance(1_900 * GRAMS_PER_LITRE_PER_US_CM, "loss above 1.9 dS/m in fields: Zeng, Calif. Agriculture 56(6)")
HARDY = Tolerance(2.0, BEN_TRE)
COCONUT = Tolerance(5.0, f"half of what the {BEN_TRE} allows")
UNKNOWN = Tolerance(1.0, "not in the table: as leaf vegetables")

KNOWN: dict[str, Tolerance] = {
    "sầu riêng": DURIAN, "durian": DURIAN,
    "rau": SENSITIVE, "cải": SENSITIVE, "bắp cải": SENSITIVE, "cabbage": SENSITIVE,
    "xà lách": SENSITIVE, "vegetable": SENSITIVE, "lettuce": SENSITIVE,
    "măng cụt": SENSITIVE, "mangosteen": SENSITIVE, "chuối": SENSITIVE, "banana": SENSITIVE,
    "nhãn": SENSITIVE, "longan": SENSITIVE,
    "xoài": CAREFUL, "mango": CAREFUL, "mít": CAREFUL, "jackfruit": CAREFUL,
    "bưởi": POMELO, "pomelo": POMELO,
    "lúa": PADDY, "rice": PADDY,
    "bắp": HARDY, "maize": HARDY, "cà chua": HARDY, "tomato": HARDY,
    "cam": HARDY, "quýt": HARDY, "chanh": HARDY, "citrus": HARDY, "ổi": HARDY, "guava": HARDY,
    "dừa": COCONUT, "coconut": COCONUT,
}  # fmt: skip


def tolerance(crop: str) -> Tolerance:
    """What is known of a crop by its name."""
    said = crop.lower()
    found = [word for word in KNOWN if word in said]
    return KNOWN[max(found, key=len)] if found else UNKNOWN
