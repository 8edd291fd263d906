"""Both ends of every field cable.

Rules
1. A wire joins pins of the same function: what the board calls V+ or A, the device calls so too.
2. Every pin of either end has exactly one wire.
3. The function is what the circuit does there: GND is ground, and SENSOR_TX, which the device sends on, ends at a pin
   that the software receives on. So lines that were swapped on the board are found as well.
"""

from __future__ import annotations

from collections import Counter

from hardware.circuit import Circuit, Part
from hardware.model import EARTH, GROUND, Hardware, Harness

# function of a wire -> role of the signal behind it
ROLE_BEHIND = {
    "SENSOR_TX": {"uart_rx"}, "SENSOR_RX": {"uart_tx"}, "DATA": {"onewire"}, "ANALOG": {"adc"}, "PULSE": {"in", "wake"},
    "CT": {"adc"},
}
NET_OF = {"GND": GROUND, "EARTH": EARTH}


def findings(hardware: Hardware, circuit: Circuit) -> list[str]:
    found = []
    for connector in circuit.field_connectors:
        harness = hardware.harnesses[connector.harness]
        for line in [*_wires(hardware, connector, harness), *_functions(hardware, circuit, connector, harness)]:
            found.append(f"{connector.ref} to {harness.device}: {line}")
    return found


def _wires(hardware: Hardware, connector: Part, harness: Harness) -> list[str]:
    device = hardware.devices.get(harness.device)
    if device is None:
        return ["there is no such device"]
    if len(harness.board) != len(connector.nets):
        return [f"the cable has {len(harness.board)} pins at the board, the connector {len(connector.nets)}"]
    found = []
    for wire in harness.wires:
        if not 1 <= wire.board_pin <= len(harness.board) or not 1 <= wire.device_pin <= len(device.pins):
            found.append(f"wire {wire.board_pin}-{wire.device_pin} ends at no pin")
            continue
        here, there = harness.board[wire.board_pin - 1], device.pins[wire.device_pin - 1]
        if here != there:
            found.append(f"wire {wire.board_pin}-{wire.device_pin} joins {here} and {there}")
    ends = (
        ("board", len(harness.board), Counter(wire.board_pin for wire in harness.wires)),
        ("device", len(device.pins), Counter(wire.device_pin for wire in harness.wires)),
    )
    for side, count, used in ends:
        found += [f"{side} pin {pin} has {used[pin]} wires" for pin in range(1, count + 1) if used[pin] != 1]
    return found


def _functions(hardware: Hardware, circuit: Circuit, connector: Part, harness: Harness) -> list[str]:
    found = []
    for number, (function, net) in enumerate(zip(harness.board, connector.nets, strict=False), start=1):
        wanted = NET_OF.get(function)
        if (wanted or net) != net or (wanted is None and net in NET_OF.values()):
            found.append(f"pin {number} is called {function}, and is on {net}")
        roles = ROLE_BEHIND.get(function)
        if roles is not None:
            reached = circuit.beyond(net, "resistor") | _opto(circuit, net)
            behind = {name for name in reached if name in hardware.signals}
            wrong = sorted(name for name in behind if hardware.signals[name].role not in roles)
            if wrong or not behind:
                found.append(f"pin {number} is called {function}, and ends at {', '.join(wrong) or 'no signal'}")
    return found


def _opto(circuit: Circuit, net: str) -> set[str]:
    """The signal on the far side of an optocoupler."""
    lit = circuit.beyond(net, "resistor")
    return {part.nets[3] for part in circuit.of_kind("opto") if part.nets[0] in lit}
