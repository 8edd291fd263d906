"""Rules of the module's pins.

Rules
1. A strap, a pin of the flash or PSRAM, the pins of USB and of the console carry nothing but what they are for: a level
   that a circuit puts there decides whether the module starts at all.
2. What drives something is on no input-only pin. Those have no pull of their own, so an input there has one outside.
3. Analogue inputs are on ADC1: ADC2 is dead while WLAN is on. What ends deep sleep is on a pin that the RTC can see.
"""

from __future__ import annotations

from hardware.circuit import Circuit
from hardware.model import Hardware, Mcu, Signal

PROGRAMMER_ROLES = {"boot", "usb", "console"}
DRIVING_ROLES = {"gate", "uart_tx", "onewire", "led"}
INPUT_ROLES = {"in", "wake", "uart_rx", "adc"}
ROLES = PROGRAMMER_ROLES | DRIVING_ROLES | INPUT_ROLES


def findings(hardware: Hardware, circuit: Circuit) -> list[str]:
    found: list[str] = []
    mcu = hardware.mcus[circuit.mcu]
    for name in circuit.signals:
        signal = hardware.signals[name]
        gpio = signal.gpio(circuit.mcu)
        if signal.role not in ROLES:
            found.append(f"{name} has the role {signal.role!r}, which no rule knows")
        elif gpio is None:
            found.append(f"{name} has no pin on {mcu.module}")
        else:
            found += [f"{name} is on GPIO{gpio}: {problem}" for problem in _problems(circuit, name, signal, gpio, mcu)]
    return found


def _problems(circuit: Circuit, name: str, signal: Signal, gpio: int, mcu: Mcu) -> list[str]:
    role = signal.role
    rules = (
        (gpio in mcu.memory, "it belongs to the flash or PSRAM"),
        (gpio not in mcu.gpios, f"{mcu.module} has no such pad"),
        (gpio in mcu.straps and role != "boot", "it is a strap that decides how the module starts"),
        (gpio in mcu.usb and role != "usb", "it is a line of USB"),
        (gpio in mcu.console and role != "console", "it is a line of the console"),
        (gpio in mcu.input_only and role in DRIVING_ROLES, "it is an input only"),
        (role == "adc" and gpio not in mcu.adc1, "it is not on ADC1"),
        (role == "wake" and gpio not in mcu.rtc, "the RTC cannot see it, so it ends no deep sleep"),
        (
            gpio in mcu.input_only and role in ("in", "wake") and not _pulled(circuit, name),
            "it is an input only and has no pull outside",
        ),
    )
    return [problem for broken, problem in rules if broken]


def _pulled(circuit: Circuit, net: str) -> bool:
    return any(circuit.between(net, rail, "resistor") for rail in circuit.rails)
