"""bom.csv and the page of costs: the parts of every netlist and the content of every box, at the prices of prices.csv.

Rules
1. Quantities come from the netlists, never from a hand: what is on the board is on the list.
2. Every price is an estimate for small quantities, and says so in its row; kVND at 26,000 VND a dollar.
3. The list is for the reference module. A part without a price is a HardwareError.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hardware.circuit import Circuit
from hardware.model import HERE, REFERENCE_MCU, Hardware, HardwareError

PRICES = HERE / "prices.csv"
VND_PER_USD = 26_000
COLUMNS = ("part", "value", "node types", "quantity", "USD", "kVND", "source class", "note")
NOTE = "estimate"
GOALS_USD = {"level": 50.0, "soil": 55.0, "valve": 60.0}


@dataclass(frozen=True)
class Price:
    usd: float
    source: str


@dataclass(frozen=True)
class Line:
    """One part of one node type."""

    node: str
    part: str
    value: str
    quantity: int
    price: Price

    @property
    def usd(self) -> float:
        return self.quantity * self.price.usd


def prices(path: Path = PRICES) -> dict[tuple[str, str], Price]:
    """(part, value) -> price; the value "*" stands for every value of the part. Raises HardwareError."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            return {(row["part"], row["value"]): _price(row, f"{path.name}, line {rows.line_num}") for row in rows}
    except OSError as error:
        raise HardwareError(f"{path.name}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HardwareError(f"{path.name}: {error}") from error
    except KeyError as error:
        raise HardwareError(f"{path.name}: the column {error} is missing") from error


def _price(row: dict[str, str], where: str) -> Price:
    try:
        usd = float(row["usd"])
    except (TypeError, ValueError):
        usd = -1.0
    if not 0 <= usd < 10_000:
        raise HardwareError(f"{where}: {row['usd']!r} is no price in USD of {row['part']}")
    return Price(usd, row["source"])


def lines(hardware: Hardware, circuit: Circuit, known: dict[tuple[str, str], Price]) -> list[Line]:
    """What one node consists of."""
    counted = Counter((part.part, "" if part.part == part.value else part.value) for part in circuit.parts)
    counted.update({(item, ""): count for item, count in hardware.nodes[circuit.node].box.items()})
    found = []
    for (part, value), quantity in sorted(counted.items()):
        price = known.get((part, value)) or known.get((part, "*")) or known.get((part, part))
        if price is None:
            raise HardwareError(f"prices.csv has no price of {part} {value}".rstrip())
        found.append(Line(circuit.node, part, value, quantity, price))
    return found


def totals(hardware: Hardware, circuits: list[Circuit]) -> dict[str, float]:
    """USD of each node type."""
    return {node: round(sum(line.usd for line in rows), 2) for node, rows in _by_node(hardware, circuits).items()}


def bom(hardware: Hardware, circuits: list[Circuit]) -> str:
    """One row for each part, value and quantity, with the node types that need so many; then the total of each node."""
    by_node = _by_node(hardware, circuits)
    rows: dict[tuple[str, str, int], list[Line]] = {}
    for found in by_node.values():
        for line in found:
            rows.setdefault((line.part, line.value, line.quantity), []).append(line)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (part, value, quantity), same in sorted(rows.items()):
        usd = same[0].usd
        nodes = " ".join(line.node for line in same)
        writer.writerow([part, value, nodes, quantity, f"{usd:.2f}", _kvnd(usd), same[0].price.source, NOTE])
    for node, total in totals(hardware, circuits).items():
        writer.writerow(["TOTAL", "", node, 1, f"{total:.2f}", _kvnd(total), "", NOTE])
    return out.getvalue()


def page(hardware: Hardware, circuits: list[Circuit]) -> str:
    """docs/hardware/costs.md."""
    text = [
        "# What a node costs",
        "",
        "Written by `./hoiquan hardware build`. Every figure is an estimate for small quantities in 2025 and 2026, at",
        "26,000 VND a dollar; nothing was bought yet. The parts are in `hardware/bom.csv`, the prices in",
        "`hardware/prices.csv`.",
        "",
        "| node | USD | kVND | goal, USD | parts on the board | dearest |",
        "|---|---|---|---|---|---|",
    ]
    by_node = _by_node(hardware, circuits)
    for circuit in circuits:
        if circuit.mcu != REFERENCE_MCU:
            continue
        node = circuit.node
        total = sum(line.usd for line in by_node[node])
        dearest = sorted(by_node[node], key=lambda line: -line.usd)[:3]
        goal = f"≤ {GOALS_USD[node]:g}" if node in GOALS_USD else "–"
        names = ", ".join(f"{line.part} {line.usd:.2f}" for line in dearest)
        text.append(f"| {node} | {total:.2f} | {_kvnd(total)} | {goal} | {len(circuit.parts)} | {names} |")
    text += [
        "",
        "A soil node has one RS485 probe in this sum; each further one on its bus is 16 USD, a capacitive one 1.50.",
        "A valve node has one valve; a second one is 7 USD. A pump node has the whole panel, but not the pump and not",
        "the three valves.",
        "",
    ]
    return "\n".join(text)


def _by_node(hardware: Hardware, circuits: list[Circuit]) -> dict[str, list[Line]]:
    known = prices()
    return {c.node: lines(hardware, c, known) for c in circuits if c.mcu == REFERENCE_MCU}


def _kvnd(usd: float) -> int:
    return round(usd * VND_PER_USD / 1000)
