"""Salt as farmers know it: grams in a litre, told from the conductivity.

Rules
1. g/l = 0.64 x EC in mS/cm at 25 C: the usual factor for waters below 5 mS/cm (USDA Handbook 60, 1954: dissolved salts
   in mg/l = 640 x EC; also FAO Irrigation and Drainage Paper 29), and what hand meters show. Pure sodium chloride
   would be about 0.5; the water of canals is not that. So 1500 uS/cm is told as 0.96 g/l.
2. It is a convention for telling only: what is compared is always the conductivity itself.
3. Two decimals, as on a hand meter, and more when two figures of one sentence would else look the same though they
   differ: a value that was refused never reads like its limit.
"""

GRAMS_PER_LITRE_PER_US_CM = 0.64 / 1000
LEAST_DECIMALS = 2
MOST_DECIMALS = 4  # a whole uS/cm is 0.00064 g/l


def decimals(values: list[int] | list[float]) -> int:
    """How many decimals tell these conductivities (in uS/cm) apart."""
    different = len(set(values))
    for places in range(LEAST_DECIMALS, MOST_DECIMALS):
        if len({round(value * GRAMS_PER_LITRE_PER_US_CM, places) for value in values}) == different:
            return places
    return MOST_DECIMALS
