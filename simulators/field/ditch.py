"""The ditch between the raised beds: a store of water that the canal fills through a culvert and the pumps draw from.

Rules of this module:
- Water and salt are conserved: salt moves only with water, and the ditch is well mixed.
- The culvert passes water both ways, in proportion to the difference of levels: while it is open the ditch follows
  the tide late and damped. A shut sluice in it leaks a little, both ways too.
- A lift pumps what it pumps, whatever the levels.
- The pump cannot draw more than there is above its foot valve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Ditch:
    area_m2: float  # 1 mm over 1 m2 is 1 litre
    culvert_lpm_per_mm: float
    foot_valve_mm: float
    leak_lpm_per_mm: float = 0.0  # of the culvert with its sluice shut
    lift_lpm: float = 0.0


class DitchState(NamedTuple):
    litres: float
    salt: float  # µS/cm times litres: conductivity stands for the amount of salt
    from_canal_l: float = 0.0  # sums since the start of the run; out of the ditch counts negative
    rain_l: float = 0.0
    pumped_l: float = 0.0
    evaporated_l: float = 0.0


def start(ditch: Ditch, level_mm: float, conductivity_us_cm: float) -> DitchState:
    litres = level_mm * ditch.area_m2
    return DitchState(litres, litres * conductivity_us_cm)


def level_mm(ditch: Ditch, state: DitchState) -> float:
    return state.litres / ditch.area_m2


def conductivity_us_cm(state: DitchState) -> float:
    return state.salt / state.litres if state.litres > 1e-6 else 0.0


def exchange(
    ditch: Ditch, state: DitchState, canal_level_mm: float, canal_us_cm: float, minutes: float, *, is_open: bool = True
) -> DitchState:
    """After `minutes` of flow through the culvert; explicit, so `minutes` must be short against area / conductance."""
    head_mm = canal_level_mm - level_mm(ditch, state)
    litres = (ditch.culvert_lpm_per_mm if is_open else ditch.leak_lpm_per_mm) * head_mm * minutes
    return _through(state, max(litres, -state.litres), canal_us_cm)


def lift(ditch: Ditch, state: DitchState, canal_us_cm: float, minutes: float) -> DitchState:
    """After `minutes` of the lift pump."""
    return _through(state, ditch.lift_lpm * minutes, canal_us_cm)


def _through(state: DitchState, litres: float, canal_us_cm: float) -> DitchState:
    """Water in from the canal, or out to it when negative; the salt goes with it."""
    carried = canal_us_cm if litres > 0.0 else conductivity_us_cm(state)
    return DitchState(
        litres=state.litres + litres,
        salt=state.salt + litres * carried,
        from_canal_l=state.from_canal_l + litres,
        rain_l=state.rain_l,
        pumped_l=state.pumped_l,
        evaporated_l=state.evaporated_l,
    )


def weather(ditch: Ditch, state: DitchState, rain_mm: float, evaporation_mm: float) -> DitchState:
    """Rain and evaporation move water without salt."""
    rain = rain_mm * ditch.area_m2
    evaporated = min(evaporation_mm * ditch.area_m2, state.litres + rain)
    return DitchState(
        litres=state.litres + rain - evaporated,
        salt=state.salt,
        from_canal_l=state.from_canal_l,
        rain_l=state.rain_l + rain,
        pumped_l=state.pumped_l,
        evaporated_l=state.evaporated_l + evaporated,
    )


def draw(ditch: Ditch, state: DitchState, litres: float) -> tuple[DitchState, float]:
    """Pump up to `litres`; how much really came."""
    above = max(0.0, state.litres - ditch.foot_valve_mm * ditch.area_m2)
    came = min(litres, above)
    salt = came * conductivity_us_cm(state)
    return (
        state._replace(litres=state.litres - came, salt=state.salt - salt, pumped_l=state.pumped_l + came),
        came,
    )


def imbalance_l(begin: DitchState, end: DitchState) -> float:
    """What is missing from the ditch's balance between two states, in litres; 0 but for rounding."""
    into = (end.from_canal_l - begin.from_canal_l) + (end.rain_l - begin.rain_l)
    out = (end.pumped_l - begin.pumped_l) + (end.evaporated_l - begin.evaporated_l)
    return into - out - (end.litres - begin.litres)
