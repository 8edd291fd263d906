"""The power budget: mAh a day, days without sun, the panel's margin; the valve's pulse; the peak current of the cell.

Rules
1. Pure arithmetic over power_budget.toml: a figure that changes there changes every result and every page.
2. The worst case is taken where a range is known. Self-discharge counts against the days without sun, not as a load.
3. What may not happen at once is written down (``exclusive``), and only that may exceed the cell's peak together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from hardware.circuit import Circuit
from hardware.model import HERE, HardwareError, read_toml

BUDGET = HERE / "power_budget.toml"
DAY_S = 86_400
MONTH_DAYS = 30
V_3V3 = 3.3
V_12V = 12.0
TABLES = {"conversion", "sun", "goal", "node", "pulse", "peak"}
TEXTS = {"kind", "every", "name", "source", "rail", "exclusive"}


@dataclass(frozen=True)
class Load:
    name: str
    mah_day: float
    source: str


@dataclass(frozen=True)
class Budget:
    """One node type, in the current of its cell."""

    node: str
    kind: str
    every: str
    loads: tuple[Load, ...]
    self_discharge_mah_day: float
    usable_mah: float
    panel_wh_day: float
    cell_v: float

    @property
    def mah_day(self) -> float:
        return sum(load.mah_day for load in self.loads)

    @property
    def days_without_sun(self) -> float:
        return self.usable_mah / (self.mah_day + self.self_discharge_mah_day)

    @property
    def margin(self) -> float:
        """How many times over a day's sun of the worst month covers a day's loads and self-discharge."""
        return self.panel_wh_day / ((self.mah_day + self.self_discharge_mah_day) * self.cell_v / 1000)


def read(path: Path = BUDGET) -> dict[str, Any]:
    """The tables of power_budget.toml, every figure a number above 0. Raises HardwareError."""
    table = read_toml(path)
    if set(table) != TABLES:
        raise HardwareError(f"{path.name} has the tables {sorted(table)}, and needs {sorted(TABLES)}")
    _figures(table, path.name)
    return table


def _figures(value: Any, where: str, key: str = "") -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _figures(inner, f"{where}, {name}", name)
    elif isinstance(value, list) and key != "exclusive":
        for inner in value:
            _figures(inner, where, key)
    elif key not in TEXTS and (isinstance(value, bool) or not isinstance(value, int | float) or not value > 0):
        raise HardwareError(f"{where}: {value!r} is not a number above 0")


def budgets(table: dict[str, Any]) -> list[Budget]:
    """One for each node of the table. Raises HardwareError when a key is missing."""
    try:
        return [_budget(table, name, row) for name, row in table["node"].items()]
    except KeyError as error:
        raise HardwareError(f"power_budget.toml: {error} is missing") from error


def _budget(table: dict[str, Any], name: str, row: dict[str, Any]) -> Budget:
    cell_v = row.get("cell_v", table["conversion"]["cell_v"])
    factors = _factors(table["conversion"], cell_v)
    for load in row["load"]:
        if load["rail"] not in factors:
            raise HardwareError(f"power_budget.toml, node.{name}: {load['rail']!r} is none of {', '.join(factors)}")
    loads = tuple(
        Load(load["name"], _coulombs_day(load) / 3.6 * factors[load["rail"]], load["source"]) for load in row["load"]
    )
    sun = table["sun"]
    return Budget(
        node=name, kind=row["kind"], every=row["every"], loads=loads, cell_v=cell_v,
        self_discharge_mah_day=row["cell_mah"] * row["self_discharge_month"] / MONTH_DAYS,
        usable_mah=row["cell_mah"] * row["usable"],
        panel_wh_day=row["panel_w"] * sun["peak_hours"] * sun["system"] * sun["soiling"],
    )


def _factors(conversion: dict[str, float], cell_v: float) -> dict[str, float]:
    """Current of the cell for a current on each rail."""
    high = cell_v > V_3V3 + 1
    return {
        "VBAT": 1.0,
        "3V3": V_3V3 / (cell_v * conversion["buck_12v" if high else "buck_boost"]),
        "12V": V_12V / (cell_v * conversion["boost_12v"]),
    }


def _coulombs_day(load: dict[str, Any]) -> float:
    if "mc" in load:
        return float(load["mc"] * load["per_day"]) / 1000
    return float(load["ma"] * load.get("s", DAY_S) * load.get("per_day", 1)) / 1000


def budget_findings(table: dict[str, Any]) -> list[str]:
    """The goals that a node misses."""
    goal = table["goal"]
    found = []
    for budget in budgets(table):
        days = goal[f"{budget.kind}_days"]
        if budget.days_without_sun < days:
            found.append(f"{budget.node} lasts {budget.days_without_sun:.1f} days without sun, and {days} are wanted")
        if budget.margin < goal["margin"]:
            found.append(f"the panel of {budget.node} gives {budget.margin:.1f} times its need, not {goal['margin']}")
        if budget.node == "level" and budget.mah_day > goal["level_mah_day"]:
            found.append(f"level draws {budget.mah_day:.2f} mAh a day, and {goal['level_mah_day']} are allowed")
    return found


@dataclass(frozen=True)
class Pulse:
    """The worst case of one pulse of a latching valve."""

    start_v: float
    end_v: float
    coil_end_v: float
    peak_ma: float
    charge_peak_ma: float


def pulse(table: dict[str, Any], circuit: Circuit, cable_m: float) -> Pulse:
    """From the capacitors and the charging resistor that the netlist has, not from what it should have."""
    row = table["pulse"]
    farad = sum(_farad(part.value) for part in circuit.of_kind("capacitor") if part.on("VCAP") and part.on("GND"))
    charge_ohm = sum(float(part.value) for part in circuit.between("VCHARGE", "VCAP", "resistor"))
    if not farad or not charge_ohm:
        raise HardwareError(f"{circuit.name} has no pulse capacitors or no charging resistor")
    slow = charge_ohm * farad * (1 + row["tolerance"])
    start = row["full_v"] * (1 - math.exp(-row["charge_ms"] / 1000 / slow))
    ohm = row["coil_ohm"] + row["bridge_ohm"] + row["fuses_ohm"] + 2 * cable_m * row["wire_ohm_per_m"]
    end = start * math.exp(-row["pulse_ms"] / 1000 / (ohm * farad * (1 - row["tolerance"])))
    return Pulse(start, end, end * row["coil_ohm"] / ohm, start / ohm * 1000, row["full_v"] / charge_ohm * 1000)


def pulse_findings(table: dict[str, Any], circuit: Circuit, cable_m: float) -> list[str]:
    row = table["pulse"]
    worst = pulse(table, circuit, cable_m)
    charge_max = circuit.rails["VCHARGE"].ma or 0
    rules = (
        (worst.start_v - worst.end_v > row["droop_max_v"], f"the pulse droops by {worst.start_v - worst.end_v:.1f} V"),
        (worst.coil_end_v < row["pull_in_v"], f"the coil has {worst.coil_end_v:.1f} V at the end of its pulse"),
        (worst.peak_ma > row["bridge_max_ma"], f"the bridge carries {worst.peak_ma:.0f} mA"),
        (worst.charge_peak_ma > charge_max, f"charging starts with {worst.charge_peak_ma:.0f} mA"),
    )
    return [f"{circuit.name}: {sentence}" for broken, sentence in rules if broken]


def peak_findings(table: dict[str, Any]) -> list[str]:
    """Every set of loads that may meet must leave the cell above its cut-off."""
    row = table["peak"]
    limit = (row["cell_v"] - row["cutoff_v"]) / row["path_ohm"] * 1000
    exclusive = [set(pair) for pair in row["exclusive"]]
    drawn = {load["name"]: load["v"] * load["ma"] / (row["cutoff_v"] * load["efficiency"]) for load in row["load"]}
    found = []
    for count in range(1, len(drawn) + 1):
        for names in combinations(drawn, count):
            total = sum(drawn[name] for name in names)
            if total > limit and not any(pair <= set(names) for pair in exclusive):
                found.append(f"{' and '.join(names)} draw {total:.0f} mA at once, and the cell gives {limit:.0f} mA")
    return found


def _farad(value: str) -> float:
    """"4700u 16V" is 0.0047."""
    number = value.split()[0]
    for letter, factor in (("u", 1e-6), ("n", 1e-9)):
        if letter in number:
            whole, _, rest = number.partition(letter)
            return float(f"{whole}.{rest or 0}") * factor
    raise HardwareError(f"{value!r} is no capacitance")
