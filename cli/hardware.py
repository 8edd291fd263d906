"""``hoiquan hardware``: makes all that follows from hardware/pins.toml, checks it, and tells the power budget.

Exit code: 0 when all is well; 1 when `check` has findings; 2 when a file of the hardware cannot be read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cli.arguments import Parser
from hardware import circuit as circuits
from hardware import generate, model, power, tools
from hardware.checks import findings
from hardware.generate import power_page, wiring
from hardware.model import HardwareError
from kit.files import write_atomic

ROOT = Path(__file__).resolve().parent.parent
FINDINGS, UNREADABLE = 1, 2


def main(argv: list[str]) -> int:
    """Run one of the three."""
    parser = Parser(prog="hoiquan hardware", description="Make and check the hardware from hardware/pins.toml.")
    parser.add_argument("what", choices=("build", "check", "power"),
                        help="build: write what is made; check: find mistakes and stale files; power: the budget")
    args = parser.parse_args(argv)
    try:
        return {"build": build, "check": check, "power": tell_power}[args.what]()
    except HardwareError as error:
        print(f"hoiquan hardware: {error}", file=sys.stderr)
        return UNREADABLE


def build() -> int:
    """Write every made file that differs, and draw the harnesses whose source has changed."""
    made = generate.texts()
    for name, text in made.items():
        path = ROOT / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, text)
            print(f"wrote {name}")
    for name in wiring.stale_drawings(ROOT):
        tools.graphviz()
        source = (ROOT / name).with_suffix(".yml").read_text(encoding="utf-8")
        write_atomic(ROOT / name, tools.draw(source))
        print(f"drew {name}")
    for name in generate.stale(ROOT):
        print(f"not made any more: {name}: remove it")
    return 0


def check() -> int:
    """Print every finding and every stale file; 0 when there is none."""
    hardware, limits = model.load(), model.load_limits()
    found = [*findings(hardware, limits), *power_findings(hardware)]
    for name, said in tools.skidl(circuits.build_all(hardware)).items():
        if said["errors"] or said["warnings"]:
            found.append(f"{name}: SKiDL has {said['errors']} errors and {said['warnings']} warnings")
    found += [f"{name} is not fresh: run ./hoiquan hardware build and commit" for name in generate.stale(ROOT)]
    for sentence in found:
        print(sentence)
    print(f"hardware: {len(found)} findings")
    return FINDINGS if found else 0


def power_findings(hardware: model.Hardware) -> list[str]:
    """Goals missed by the budget, the valve's pulse on either module, and the cell's peak."""
    table = power.read()
    cable_m = hardware.harnesses["latching_1"].length_m
    try:
        pulses = [
            sentence
            for mcu in hardware.mcus
            for sentence in power.pulse_findings(table, circuits.build(hardware, "valve", mcu), cable_m)
        ]
        return [*power.budget_findings(table), *pulses, *power.peak_findings(table)]
    except KeyError as error:
        raise HardwareError(f"power_budget.toml: {error} is missing") from error


def tell_power() -> int:
    """Print the table of the power budget."""
    print("\n".join(power_page.lines(power.budgets(power.read()))))
    return 0
