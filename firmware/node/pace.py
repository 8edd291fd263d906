"""How often a node measures, in quarters of what its config says. Pure.

Rules
1. While water runs from this node, or a value moved by more than its ``swing`` in one interval, it measures twice as
   often: that is when the village decides.
2. A weak battery measures half as often, a very weak one a quarter, whatever else is: ``battery_mv`` of the config is
   (weak, very weak). An age that the gateway does not accept any more is then the honest answer.
3. Nothing is measured more often than every LEAST_MS for this reason. A node never measures less often for a calm
   value: that a garden is not blind hangs on it.
"""

from wire import fields

from .sampler import PLAIN

# What is much for one interval, in raw units; 0 or nothing: this field never hurries.
SWINGS = {fields.SOIL_MOISTURE: 40_000, fields.WATER_LEVEL: 50, fields.CONDUCTIVITY_25: 300}


def quarters(moved: bool, watering: bool, battery_mv: int | None, limits_mv: tuple[int, int] | None) -> int:
    """The pace that fits."""
    if battery_mv is not None and limits_mv is not None:
        if battery_mv < limits_mv[1]:
            return 4 * PLAIN
        if battery_mv < limits_mv[0]:
            return 2 * PLAIN
    return PLAIN // 2 if moved or watering else PLAIN
