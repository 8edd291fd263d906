"""All that is made from pins.toml, as texts by their path in the repository. What is committed equals what is made."""

from __future__ import annotations

from pathlib import Path

from hardware import circuit as circuits
from hardware import model
from hardware.generate import boards, cards, costs, netlist, panel, pins_page, power_page, wiring
from hardware.model import Hardware

ROOT = Path(__file__).resolve().parents[2]
# Folders where every file is made here, so that one that is not made any more must go.
OWN_FOLDERS = ("firmware/hal/boards", "hardware/netlists", "docs/hardware/harness", "docs/hardware/vi")


def texts(hardware: Hardware | None = None) -> dict[str, str]:
    """Every made file: path -> text. The drawings of the harnesses come beside it, from ``wiring.draw``."""
    known = hardware or model.load()
    all_circuits = circuits.build_all(known)
    made: dict[str, str] = {}
    for circuit in all_circuits:
        made[f"firmware/hal/boards/{circuit.name}.py"] = boards.board(known, circuit)
        made[f"hardware/netlists/{circuit.name}.net"] = netlist.kicad(circuit)
    for circuit in all_circuits:
        if circuit.mcu == model.REFERENCE_MCU:
            made[f"docs/hardware/harness/{circuit.node}.yml"] = wiring.harness(known, circuit)
            made[f"docs/hardware/vi/day-{circuit.node}.html"] = cards.wiring_card(known, circuit)
    made |= {f"docs/hardware/vi/{name}.html": text for name, text in cards.sheets().items()}
    made["gateway/boards.json"] = boards.of_gateway(known, all_circuits)
    made["docs/hardware/pins.md"] = pins_page.page(known, all_circuits)
    made["docs/hardware/pump-panel.svg"] = panel.svg()
    made["hardware/bom.csv"] = costs.bom(known, all_circuits)
    made["docs/hardware/costs.md"] = costs.page(known, all_circuits)
    made |= power_page.pages()
    return made


def stale(root: Path = ROOT) -> list[str]:
    """The committed files that differ from what is made, are missing, or are not made any more."""
    made = texts()
    wrong = [name for name, text in made.items() if _read(root / name) != text]
    wrong += wiring.stale_drawings(root)
    drawings = {name.replace(".yml", ".svg") for name in made if name.endswith(".yml")}
    for folder in OWN_FOLDERS:
        there = {f"{folder}/{path.name}" for path in (root / folder).glob("*") if path.is_file()}
        wrong += sorted(there - set(made) - drawings)
    return wrong


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
