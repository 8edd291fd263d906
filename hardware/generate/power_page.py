"""docs/hardware/power.md and power.svg: where each node's charge goes, how long it lasts, what its panel gives."""

from __future__ import annotations

from html import escape

from hardware import circuit as circuits
from hardware import model, power
from hardware.power import Budget

WIDTH, ROW, LEFT, BAR, BOTTOM = 920, 92, 96, 560, 16
COLOURS = ("#0b6e4f", "#e09f3e", "#335c67", "#9e2a2b", "#7a9e7e", "#6d597a", "#b08968", "#8d99ae")


def pages() -> dict[str, str]:
    table = power.read()
    found = power.budgets(table)
    return {"docs/hardware/power.md": _page(found), "docs/hardware/power.svg": svg(found)}


def lines(found: list[Budget]) -> list[str]:
    """The table as the command line prints it."""
    out = [f"{'node':10}{'mAh/day':>9}{'days without sun':>18}{'panel margin':>14}"]
    return out + [f"{b.node:10}{b.mah_day:9.2f}{b.days_without_sun:18.1f}{b.margin:14.1f}" for b in found]


def _page(found: list[Budget]) -> str:
    text = [
        "# Power budget",
        "",
        "Written by `./hoiquan hardware build` from `hardware/power_budget.toml`. Worked out, not measured: the",
        "charges are others' measurements or estimates, as each row says; [bench.md](bench.md) lists what to measure.",
        "Days without sun count self-discharge (3 % a month); the panel's margin is a day of the worst month, 3.8 peak",
        "hours, with dirt and losses.",
        "",
        "| node | how often | mAh a day | days without sun | panel margin |",
        "|---|---|---|---|---|",
    ]
    for budget in found:
        goal = "≥ 14" if budget.kind == "sensor" else "≥ 5"
        text.append(
            f"| {budget.node} | {budget.every} | {budget.mah_day:.2f} | {budget.days_without_sun:.0f} ({goal})"
            f" | {budget.margin:.1f} (≥ 3) |"
        )
    text += ["", "The pump panel runs from the mains.", "", "![Where the charge goes](power.svg)", ""]
    text += [*_valve(), ""]
    for budget in found:
        text += [f"## {budget.node}", "", "| load | mAh a day | where the figure comes from |", "|---|---|---|"]
        text += [f"| {load.name} | {load.mah_day:.3f} | {load.source} |" for load in budget.loads]
        text.append("")
    return "\n".join(text)


def _valve() -> list[str]:
    table, hardware = power.read(), model.load()
    circuit = circuits.build(hardware, "valve", model.REFERENCE_MCU)
    worst = power.pulse(table, circuit, hardware.harnesses["latching_1"].length_m)
    return [
        "## One pulse of a latching valve",
        "",
        f"In the worst case the capacitors start at {worst.start_v:.2f} V and end at {worst.end_v:.2f} V; the coil has"
        f" {worst.coil_end_v:.2f} V at the end,",
        f"and {table['pulse']['pull_in_v']:.1f} V move it. The bridge carries {worst.peak_ma:.0f} mA. Charging takes"
        f" {table['pulse']['charge_ms']} ms and begins with {worst.charge_peak_ma:.0f} mA.",
        "While it charges or pulses, the node sends nothing: radio and charging together would pull an almost empty",
        "cell below the cut-off of its protection.",
    ]


def svg(found: list[Budget]) -> str:
    """For each node a bar of shares, and its three results beside it."""
    height = ROW * len(found) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for index, budget in enumerate(found):
        parts += _bar(budget, index * ROW + 14)
    return "\n".join([*parts, "</svg>", ""])


def figure(value: float) -> str:
    """Three figures, and never a power of ten."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _bar(budget: Budget, top: int) -> list[str]:
    parts = [f'<text x="8" y="{top + 20}" font-weight="bold">{escape(budget.node)}</text>']
    x = float(LEFT)
    legend_x = float(LEFT)
    for load, colour in zip(sorted(budget.loads, key=lambda load: -load.mah_day), COLOURS, strict=False):
        share = load.mah_day / budget.mah_day
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{share * BAR:.1f}" height="30" fill="{colour}">'
            f"<title>{escape(load.name)} {load.mah_day:.2f} mAh</title></rect>"
        )
        if share > 0.07:
            parts.append(f'<text x="{x + 6:.1f}" y="{top + 20}" fill="#fff">{share:.0%}</text>')
            label = f"{load.name} {figure(load.mah_day)}"
            if legend_x + 7 * len(label) < LEFT + BAR + 240:
                parts.append(f'<rect x="{legend_x:.0f}" y="{top + 41}" width="10" height="10" fill="{colour}"/>')
                parts.append(f'<text x="{legend_x + 14:.0f}" y="{top + 51}" font-size="12">{escape(label)}</text>')
                legend_x += 36 + 6.9 * len(label)
        x += share * BAR
    right = LEFT + BAR + 14
    parts.append(f'<text x="{right}" y="{top + 13}" font-weight="bold">{figure(budget.mah_day)} mAh a day</text>')
    results = f"{budget.days_without_sun:.3g} days without sun · panel × {budget.margin:.3g}"
    parts.append(f'<text x="{right}" y="{top + 30}">{results}</text>')
    return parts
