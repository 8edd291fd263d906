"""Voltages and currents against the limits of the datasheets (limits.toml).

Rules
1. Every chip has limits for its supply pins, and the whole range of the rail it is on lies inside them.
2. The loads of a rail, chips and field devices together, draw no more than the rail gives, and the rail gives no more
   than the part that feeds it can deliver.
3. The divider at a converter's feedback pin makes the voltage that its rail promises.
4. A TVS or gas tube stands off more than the highest voltage of its net. A fuse carries the current of its device or
   panel; a PTC also in a hot box, where it passes no more than HOT_PTC of what it is sold for.
"""

from __future__ import annotations

from hardware.checks.protection import ohm
from hardware.circuit import Circuit, Part
from hardware.model import GROUND, Hardware, Limits, Rail

SUPPLY_FUNCTION = "V+"
PANEL_FUNCTION = "PV+"
HOT_PTC = 0.6  # at 70 °C


def findings(hardware: Hardware, limits: Limits, circuit: Circuit) -> list[str]:
    return [
        *(line for part in circuit.of_kind("ic", "mcu", "module") for line in _voltages(limits, circuit, part)),
        *_devices(hardware, circuit),
        *_fuses(hardware, limits, circuit),
        *_currents(hardware, limits, circuit),
        *(line for part in circuit.of_kind("ic") for line in _feedback(limits, circuit, part)),
        *_standoffs(limits, circuit),
    ]


def _voltages(limits: Limits, circuit: Circuit, part: Part) -> list[str]:
    known = limits.part.get(part.part)
    if known is None:
        return [f"{part.ref}: limits.toml says nothing of {part.part}"]
    found = []
    for pin, net in part.pins():
        if pin.type != "power_in":
            continue
        if pin.name not in known.supply:
            found.append(f"{part.ref}: limits.toml says nothing of pin {pin.name}")
        elif net not in circuit.rails:
            found.append(f"{part.ref}.{pin.name} is on {net}, which is no rail")
        else:
            found += _outside(f"{part.ref}.{pin.name} ({part.part})", net, circuit.rails[net], known.supply[pin.name])
    return found


def _outside(what: str, net: str, rail: Rail, allowed: list[float]) -> list[str]:
    if allowed[0] <= rail.v[0] and rail.v[1] <= allowed[1]:
        return []
    return [f"{what} takes {allowed[0]:g} to {allowed[1]:g} V, and {net} has {rail.v[0]:g} to {rail.v[1]:g} V"]


def _devices(hardware: Hardware, circuit: Circuit) -> list[str]:
    """The supply of what hangs in the field."""
    found = []
    for connector in circuit.field_connectors:
        harness = hardware.harnesses[connector.harness]
        device = hardware.devices[harness.device]
        for function, net in zip(harness.board, connector.nets, strict=False):
            if function != SUPPLY_FUNCTION or device.v is None:
                continue
            rail = _rail_behind(circuit, net)
            if rail is None:
                found.append(f"{connector.ref}: {device.name} has no supply")
                continue
            found += _outside(device.name, rail, circuit.rails[rail], device.v)
    return found


def _fuses(hardware: Hardware, limits: Limits, circuit: Circuit) -> list[str]:
    found = []
    for connector in circuit.field_connectors:
        harness = hardware.harnesses[connector.harness]
        device = hardware.devices[harness.device]
        for function, net in zip(harness.board, connector.nets, strict=False):
            if function not in (SUPPLY_FUNCTION, PANEL_FUNCTION):
                continue
            for fuse in (part for part in circuit.of_kind("series") if part.on(net)):
                carries = limits.carries_ma.get(f"{fuse.part} {fuse.value}", 0)
                carries = round(carries * HOT_PTC) if fuse.part == "PTC" else carries
                if carries < device.ma:
                    found.append(f"{fuse.ref} carries {carries} mA, and {device.name} has {device.ma} mA")
    return found


def _rail_behind(circuit: Circuit, net: str) -> str | None:
    return next((other for other in sorted({net} | circuit.beyond(net, "series")) if other in circuit.rails), None)


def loads_ma(hardware: Hardware, limits: Limits, circuit: Circuit, rail: str) -> int:
    """What chips and field devices draw from a rail at most, all at once."""
    total = 0
    for part in circuit.of_kind("ic", "mcu", "module"):
        peaks = limits.part[part.part].peak_ma if part.part in limits.part else {}
        total += sum(peaks.get(pin.name, 0) for pin, net in part.pins() if net == rail)
    for connector in circuit.field_connectors:
        harness = hardware.harnesses[connector.harness]
        for function, net in zip(harness.board, connector.nets, strict=False):
            if function == SUPPLY_FUNCTION and _rail_behind(circuit, net) == rail:
                total += hardware.devices[harness.device].ma
    return total


def _currents(hardware: Hardware, limits: Limits, circuit: Circuit) -> list[str]:
    found = []
    for name, rail in circuit.rails.items():
        if rail.ma is None or name not in circuit.nets:
            continue
        drawn = loads_ma(hardware, limits, circuit, name)
        if drawn > rail.ma:
            found.append(f"the loads of {name} draw {drawn} mA, and it gives {rail.ma} mA")
        for part, pin in circuit.nets[name]:
            source = limits.part.get(part.part)
            gives = source.out_ma if source is not None and pin.type == "power_out" else None
            if gives is not None and gives < drawn:
                found.append(f"{part.ref} ({part.part}) gives {gives} mA, and the loads of {name} draw {drawn} mA")
    return found


def _feedback(limits: Limits, circuit: Circuit, part: Part) -> list[str]:
    known = limits.part.get(part.part)
    if known is None or known.feedback_v is None:
        return []
    net = next(net for pin, net in part.pins() if pin.name == "FB")
    below = [ohm(other.value) for other in circuit.between(net, GROUND, "resistor")]
    above = [
        (rail, ohm(other.value))
        for rail in circuit.rails
        if rail != GROUND
        for other in circuit.between(net, rail, "resistor")
    ]
    if len(below) != 1 or len(above) != 1:
        return [f"{part.ref} ({part.part}) has no divider of two resistors at {net}"]
    rail, high = above[0]
    makes_v = known.feedback_v * (1 + high / below[0])
    low_v, high_v = circuit.rails[rail].v
    if low_v <= makes_v <= high_v:
        return []
    return [f"{part.ref} ({part.part}) makes {makes_v:.2f} V of {rail}, which is {low_v:g} to {high_v:g} V"]


def _standoffs(limits: Limits, circuit: Circuit) -> list[str]:
    found = []
    for part in circuit.of_kind("surge", "surge_primary"):
        if part.part == "SM712":  # made for the range of RS485, -7 to 12 V
            continue
        stands = limits.standoff.get(part.value)
        if stands is None:
            found.append(f"{part.ref}: limits.toml does not say what {part.value} stands off")
            continue
        for net in part.nets:
            rail = _rail_behind(circuit, net)
            if rail is not None and circuit.rails[rail].v[1] > stands:
                found.append(f"{part.ref} stands off {stands:g} V, and {rail} has {circuit.rails[rail].v[1]:g} V")
    return found
