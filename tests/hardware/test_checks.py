"""Every mistake that a check is there for is planted in pins.toml and found by that check; as committed, none is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from hardware import circuit as circuits
from hardware import model
from hardware.checks import circuit_findings, findings

Table = dict[str, Any]
Edit = Callable[[Table], object]
PINS: Table = model.read_toml(model.PINS)
LIMITS = model.load_limits()


def found(edit: Edit, name: str) -> list[str]:
    """What the checks say of one board after an edit of pins.toml."""
    table = copy.deepcopy(PINS)
    edit(table)
    node, _, mcu = name.rpartition("_")
    hardware = model.parse(table)
    return circuit_findings(hardware, LIMITS, circuits.build(hardware, node, mcu))


def put(path: str, value: object) -> Edit:
    """Set the value at a dotted path; a number in it is an index."""

    def edit(table: Table) -> None:
        *way, last = path.split(".")
        here: Any = table
        for step in way:
            here = here[int(step)] if step.isdigit() else here[step]
        here[int(last) if last.isdigit() else last] = value

    return edit


def without(block: str, ref: str) -> Edit:
    return lambda table: table["block"][block].pop(ref)


def test_the_hardware_is_clean() -> None:
    assert findings(model.parse(PINS), LIMITS) == []


PIN_MISTAKES = [
    ("valve_wroom32e", put("signal.VALVE_1A.wroom32e", 12), "VALVE_1A is on GPIO12: it is a strap"),
    ("valve_s3", put("signal.VALVE_1A.s3", 45), "VALVE_1A is on GPIO45: it is a strap"),
    ("valve_wroom32e", put("signal.VALVE_1A.wroom32e", 36), "VALVE_1A is on GPIO36: it is an input only"),
    ("level_wroom32e", put("signal.LEVEL_TX.wroom32e", 34), "LEVEL_TX is on GPIO34: it is an input only"),
    ("valve_wroom32e", put("signal.VALVE_1A.wroom32e", 6), "VALVE_1A is on GPIO6: it belongs to the flash"),
    ("valve_s3", put("signal.VALVE_1A.s3", 28), "VALVE_1A is on GPIO28: it belongs to the flash"),
    ("level_wroom32e", put("signal.LEVEL_RX.wroom32e", 20), "ESP32-WROOM-32E-N4 has no such pad"),
    ("level_wroom32e", put("signal.ONEWIRE.wroom32e", 3), "ONEWIRE and RXD0 are both on GPIO3"),
    ("level_s3", put("signal.ONEWIRE.s3", 43), "ONEWIRE is on GPIO43: it is a line of the console"),
    ("soil_s3", put("signal.SOIL_1.s3", 12), "SOIL_1 is on GPIO12: it is not on ADC1"),
    ("soil_wroom32e", put("signal.SOIL_1.wroom32e", 25), "SOIL_1 is on GPIO25: it is not on ADC1"),
    ("level_s3", put("signal.RAIN.s3", 38), "RAIN is on GPIO38: the RTC cannot see it"),
    ("level_wroom32e", put("signal.RAIN.wroom32e", 22), "RAIN is on GPIO22: the RTC cannot see it"),
    ("pump_wroom32e", without("panel_input", "R17{n}"), "IN_1 is on GPIO36: it is an input only and has no pull"),
    ("level_s3", put("signal.ONEWIRE.role", "magic"), "ONEWIRE has the role 'magic'"),
    ("level_s3", put("signal.ONEWIRE.s3", None), "ONEWIRE has no pin on ESP32-S3"),
    ("level_s3", put("signal.ONEWIRE.s3", 20), "ONEWIRE and USB_DP are both on GPIO20"),
]

PROTECTION_MISTAKES = [
    ("level_s3", without("level", "D62"), "field wire F_LEVEL_TX of J60 has no surge protection"),
    ("level_s3", without("panel", "D10"), "field wire F_PANEL of J10 has no surge protection"),
    ("soil_s3", without("rs485", "D71"), "field wire F_485_A of J70 has no surge protection"),
    ("soil_s3", without("rs485", "G72"), "field wire F_485_B of J70 is longer than 3 m and has no gas tube"),
    ("level_s3", put("harness.level.length_m", 8), "field wire F_LEVEL_V of J60 is longer than 3 m"),
    ("soil_s3", put("block.rs485.U70.nets.A", "F_485_A"), "field wire F_485_A of J70 reaches U70 with no series part"),
    ("valve_s3", without("bridge", "R131"), "gate VALVE_1A has no pull-down"),
    ("pump_s3", put("block.pump_relay.R191.value", "1M"), "gate PUMP has no pull-down"),
    ("level_s3", without("sensor_rail", "R40"), "gate SENSOR_EN has no pull-down"),
    ("soil_s3", without("rs485", "C70"), "U70 (SP3485) has no capacitor of its own on 3V3_SW"),
    ("valve_s3", put("block.bridge.C130.at", "U50"), "U130 (DRV8833) has no capacitor of its own on VCAP"),
    ("pump_s3", without("pump_relay", "D190"), "the coil of K190 has no diode"),
    ("pump_s3", without("valve_12v", "D14{n}"), "the drain of Q141 has no diode"),
    ("pump_s3", put("block.pump_relay.V190", {"part": "C", "value": "100n", "nets": ["M_COM", "M_NO"]}),
     "V190 bridges the contact of K190"),
    ("pump_s3", put("block.pump_relay.R191.nets", ["PUMP", "M_NO"]), "R191 joins mains and low voltage"),
    ("soil_s3", put("node.soil.harness", {}), "J70 is a terminal for the field and has no harness"),
]

ERC_MISTAKES = [
    ("level_s3", put("block.level.R61.nets", ["F_LEVEL_TX", "LEVEL_XR"]), "LEVEL_XR has one pin only, R61.2"),
    ("soil_s3", put("block.rs485.U70.nets.DI", "NC"), "U70.DI is not connected"),
    ("level_s3", put("block.buck_boost.U30.nets.PG", "FB_3V3"), "U30.PG must stay open"),
    ("soil_s3", put("block.sensor_rail.U40.nets.VOUT", "VBOOST_IN"), "VBOOST_IN is driven by U40.VOUT and U50.VOUT"),
    ("valve_s3", without("boost_valve", "R53"), "VCAP supplies U130.VM, and nothing feeds it"),
    ("level_s3", put("block.sensor_rail.U40.nets.GND", "EARTH"), "U40.GND is a ground pin, and is on EARTH"),
]

SUPPLY_MISTAKES = [
    ("level_s3", put("rail.3V3.v", [2.5, 3.65]), "U1.3V3 (ESP32-S3-WROOM-1-N8R2) takes 3 to 3.6 V"),
    ("level_s3", put("rail.VPANEL.v", [0.0, 7.5]), "U20.VIN (CN3058E) takes 0 to 6 V, and VPANEL has 0 to 7.5 V"),
    ("valve_s3", put("rail.VCAP.v", [0.0, 12.0]), "U130.VM (DRV8833) takes 0 to 10.8 V"),
    ("level_s3", put("device.a02yyuw.v", [4.5, 5.5]), "A02YYUW ultrasonic level sensor takes 4.5 to 5.5 V"),
    ("level_s3", put("device.a02yyuw.ma", 150), "F60 carries 60 mA, and A02YYUW"),
    ("valve_s3", put("block.panel.F10", {"part": "PTC", "value": "2A", "nets": ["F_PANEL", "PV"]}),
     "F10 carries 1200 mA, and Solar panel 6 V 10 W"),
    ("pump_s3", put("device.valve_12v.ma", 900), "the loads of 12V draw 2700 mA, and it gives 2000 mA"),
    ("soil_s3", without("boost_12v", "R52"), "U51 (MT3608) has no divider of two resistors at FB_BOOST"),
    ("valve_s3", put("block.boost_valve.R51.value", "953k"), "U51 (MT3608) makes 12.06 V of VCHARGE"),
    ("level_s3", put("block.buck_boost.R31.value", "47k"), "U30 (TPS63802) makes 5.94 V of 3V3"),
    ("soil_s3", put("block.rs485.D70.value", "SMAJ5.0A"), "D70 stands off 5 V, and 12V_SW has 12.6 V"),
    ("level_s3", put("block.level.D60.value", "SMAJ3"), "limits.toml does not say what SMAJ3 stands off"),
    ("soil_s3", put("block.rs485.U70.nets.VCC", "BUS_A"), "U70.VCC is on BUS_A, which is no rail"),
]

LINE_MISTAKES = [
    ("level_s3", put("block.rain.D100.value", "SMAJ5.0A"), "D100 (SMAJ5.0A) leaks up to 800 µA of RAIN"),
    ("soil_s3", put("block.soil.D9{n}.value", "SMAJ5.0A"), "D91 (SMAJ5.0A) leaks up to 800 µA of SOIL_1"),
    ("level_s3", put("block.level.D62.value", "SMAJ12A"), "D62: limits.toml does not say what SMAJ12A leaks"),
    ("level_s3", put("block.one_wire.R81.value", "4k7"), "ONEWIRE needs 9.9 µs to rise, and is read after 5"),
    ("level_s3", put("harness.temperature.length_m", 30), "ONEWIRE needs 8.8 µs to rise"),
    ("level_s3", without("one_wire", "R81"), "ONEWIRE has no pull-up"),
]

HARNESS_MISTAKES = [
    ("level_s3", put("device.a02yyuw.pins", ["V+", "GND", "SENSOR_TX", "SENSOR_RX"]), "wire 3-3 joins SENSOR_RX and"),
    ("level_s3", put("harness.level.wires.3", "4-3 YE"), "wire 4-3 joins SENSOR_TX and SENSOR_RX"),
    ("level_s3", lambda table: table["harness"]["level"]["wires"].pop(), "board pin 4 has 0 wires"),
    ("level_s3", put("harness.level.wires.3", "4-9 YE"), "wire 4-9 ends at no pin"),
    ("level_s3", put("harness.level.board", ["V+", "GND"]), "the cable has 2 pins at the board, the connector 4"),
    ("level_s3", put("block.level.R61.nets", ["F_LEVEL_TX", "LEVEL_TX"]), "SENSOR_TX, and ends at LEVEL_TX"),
    ("level_s3", put("block.one_wire.J80.nets", ["F_1W_V", "F_1W", "GND"]), "pin 2 is called GND, and is on F_1W"),
]


@pytest.mark.parametrize(
    ("name", "edit", "sentence"),
    PIN_MISTAKES + PROTECTION_MISTAKES + ERC_MISTAKES + SUPPLY_MISTAKES + LINE_MISTAKES + HARNESS_MISTAKES,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_mistake_is_found(name: str, edit: Edit, sentence: str) -> None:
    try:
        said = found(edit, name)
    except model.HardwareError as error:
        said = [str(error)]
    assert any(sentence in line for line in said), said


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (put("part.R.colour", "red"), "part.R: got an unexpected keyword argument 'colour'"),
        (put("part.R.pins", ["1:passive"]), "part.R: '1:passive' is not 3 words"),
        (put("block.level.R61.part", "R2D2"), "block.level.R61: there is no part 'R2D2'"),
        (put("block.level.R61.nets", ["A"]), "block.level.R61: R has 2 pins, not 1"),
        (put("node.level.blocks", ["levle"]), "node.level: there is no block 'levle'"),
        (put("block.level.J60.harness", "levle"), "J60: there is no harness 'levle'"),
        (put("block.sensor_rail.U40.nets", {"VIN": "3V3"}), "is not on both sides"),
        (put("extra", {}), "pins.toml has the tables"),
        (put("sensor.2.pins.pin", "ONEWIER"), "sensor water_temperature 0: there is no signal 'ONEWIER'"),
        (put("output.0.nodes", ["vavle"]), "output 0: there is no node 'vavle'"),
        (put("harness.level.device", "a02"), "harness.level: there is no device 'a02'"),
        (put("harness.level.length_m", "two"), "harness.level.length_m: 'two' is not a number"),
        (put("harness.level.wires.0", "x-1 RD"), "harness.level: 'x' is not a whole number"),
        (put("signal.LED.s3", True), "signal.LED.s3: True is not a whole number"),
        (put("block.level.R61.value", 1), "block.level.R61.value: 1 is not a text"),
        (put("block.one_wire.R81.value", "many"), "'many' is no resistance"),
        (put("node.level.box", {"Box": "one"}), "node.level.box: {'Box': 'one'} is not a table of whole numbers"),
        (put("rail.VBAT.v", [2.5]), "rail.VBAT.v: [2.5] is not the lowest and the highest voltage"),
        (put("mcu.s3.pads.3", "IOx"), "mcu.s3.pads: IOx: 'x' is not a whole number"),
        (put("device.a02yyuw", "none"), "device.a02yyuw: 'none' is not a table"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_place(edit: Edit, sentence: str) -> None:
    with pytest.raises(model.HardwareError) as caught:
        found(edit, "level_s3")
    assert sentence in str(caught.value)
