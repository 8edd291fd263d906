"""The netlist in the form that KiCad imports into a board: parts with footprints, and the pins of every net.

Deterministic: no date, no path, no random id, so that a change of the circuit is all that a diff shows.
"""

from __future__ import annotations

from hardware.circuit import Circuit


def kicad(circuit: Circuit) -> str:
    """An S-expression, version D, as eeschema writes it."""
    lines = ['(export (version "D")', f'  (design (source "hardware/pins.toml") (tool "hoiquan {circuit.name}"))']
    lines.append("  (components")
    for part in circuit.parts:
        value = part.value or part.part
        lines.append(
            f"    (comp (ref {_quote(part.ref)}) (value {_quote(value)}) (footprint {_quote(part.kind.footprint)})"
            f" (libsource (lib \"hoiquan\") (part {_quote(part.part)}) (description {_quote(part.kind.kind)})))"
        )
    lines.append("  )")
    lines.append("  (nets")
    for code, (net, pins) in enumerate(circuit.nets.items(), start=1):
        lines.append(f'    (net (code "{code}") (name {_quote(net)})')
        lines += [f"      (node (ref {_quote(part.ref)}) (pin {_quote(pin.number)}))" for part, pin in pins]
        lines.append("    )")
    lines += ["  )", ")", ""]
    return "\n".join(lines)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
