"""What keeps lightning, coils, floating pins and supply noise from doing harm.

Rules
1. A field wire touches connectors, surge parts, series parts and passives only, and has a surge part to ground on
   itself or right behind its series part. A cable longer than 3 m has a gas tube to earth on every wire as well.
2. A gate has a resistor to ground, so that a pin that floats, in reset or in deep sleep, means off.
3. A chip has a capacitor of its own on every supply net. A coil has a diode.
4. Mains stays apart: only a relay touches both a net M_ and another one. Nothing bridges its contact: a varistor that
   dies as a short would run the pump with nobody's leave.
"""

from __future__ import annotations

from hardware.circuit import Circuit, Part
from hardware.model import EARTH, GROUND, NOT_CONNECTED, Hardware, HardwareError

LONG_CABLE_M = 3.0
MAY_TOUCH_FIELD = {"connector", "surge", "surge_primary", "series", "resistor", "capacitor"}
PULL_DOWN_MAX_OHM = 100_000
MAINS = "M_"


def findings(hardware: Hardware, circuit: Circuit) -> list[str]:
    return [
        *(line for connector in circuit.field_connectors for line in _cable(hardware, circuit, connector)),
        *_open_terminals(circuit),
        *_gates(hardware, circuit),
        *_decoupling(circuit),
        *_coils(circuit),
        *_mains(circuit),
    ]


def _cable(hardware: Hardware, circuit: Circuit, connector: Part) -> list[str]:
    long = hardware.harnesses[connector.harness].length_m > LONG_CABLE_M
    found = []
    for net in connector.nets:
        if net in (GROUND, EARTH, NOT_CONNECTED):
            continue
        where = f"field wire {net} of {connector.ref}"
        if net.startswith(MAINS):
            continue
        touching = [part.ref for part, _ in circuit.nets[net] if part.kind.kind not in MAY_TOUCH_FIELD]
        if touching:
            found.append(f"{where} reaches {', '.join(touching)} with no series part before it")
        if not any(_clamped(circuit, other) for other in (net, *circuit.beyond(net, "series"))):
            found.append(f"{where} has no surge protection")
        if long and not circuit.between(net, EARTH, "surge_primary"):
            found.append(f"{where} is longer than {LONG_CABLE_M:g} m and has no gas tube to earth")
    return found


def _clamped(circuit: Circuit, net: str) -> bool:
    return net not in (GROUND, EARTH) and bool(circuit.between(net, GROUND, "surge"))


def _open_terminals(circuit: Circuit) -> list[str]:
    """A screw terminal is there for a cable: one without a harness would be checked by nobody."""
    return [
        f"{part.ref} is a terminal for the field and has no harness"
        for part in circuit.of_kind("connector")
        if part.part.startswith("TERM") and not part.harness
    ]


def _gates(hardware: Hardware, circuit: Circuit) -> list[str]:
    return [
        f"gate {name} has no pull-down"
        for name in circuit.signals
        if hardware.signals[name].role == "gate"
        and not any(ohm(part.value) <= PULL_DOWN_MAX_OHM for part in circuit.between(name, GROUND, "resistor"))
    ]


def _decoupling(circuit: Circuit) -> list[str]:
    found = []
    for chip in circuit.parts:
        if not chip.is_chip:
            continue
        for net in sorted({net for pin, net in chip.pins() if pin.type == "power_in"}):
            own = [part for part in circuit.between(net, GROUND, "capacitor") if part.at == chip.ref]
            if not own:
                found.append(f"{chip.ref} ({chip.part}) has no capacitor of its own on {net}")
    return found


def _coils(circuit: Circuit) -> list[str]:
    relays = [
        f"the coil of {relay.ref} has no diode"
        for relay in circuit.of_kind("relay")
        if not circuit.between(relay.nets[0], relay.nets[1], "diode")
    ]
    switches = [
        f"the drain of {fet.ref} has no diode for the coil that it switches"
        for fet in circuit.of_kind("fet")
        if not circuit.beyond(fet.nets[2], "diode")
    ]
    return relays + switches


def _mains(circuit: Circuit) -> list[str]:
    found = []
    for part in circuit.parts:
        sides = {net.startswith(MAINS) for net in part.nets if net != NOT_CONNECTED}
        if len(sides) == 2 and part.kind.kind != "relay":
            found.append(f"{part.ref} joins mains and low voltage")
        if part.kind.kind == "relay":
            contact = {net for net in part.nets[2:] if net.startswith(MAINS)}
            found += [
                f"{other.ref} bridges the contact of {part.ref}"
                for other in circuit.parts
                if other is not part and other.kind.kind != "connector" and len(contact & set(other.nets)) > 1
            ]
    return found


def ohm(value: str) -> float:
    """The number in a resistor's value: "4k7" is 4700."""
    try:
        for letter, factor in (("k", 1_000.0), ("M", 1_000_000.0)):
            if letter in value:
                whole, _, rest = value.partition(letter)
                return float(f"{whole}.{rest or 0}") * factor
        return float(value)
    except ValueError as error:
        raise HardwareError(f"{value!r} is no resistance: it is written as 100, 4k7 or 1M") from error
