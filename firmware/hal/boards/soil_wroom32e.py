"""Máy đo đất: soil on ESP32-WROOM-32E-N4.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "soil"
MCU = "wroom32e"
OUTPUT_PINS = (13, 4, 23)  # what must be low at boot, before anything else
LED_PIN = 14
BUTTON_PIN = 39
SENSORS = (
    {"field": 7, "channel": 0, "driver": "adc", "pin": 35, "ratio": (1, 1)},  # battery 0
    {  # soil_moisture 0
        "field": 1, "channel": 0, "driver": "modbus_soil",
        "rx": 18, "tx": 19, "de": 23, "power": 4, "bus_power": 13, "uart": 2, "address": 1,
    },
    {  # soil_temperature 0
        "field": 2, "channel": 0, "driver": "modbus_soil",
        "rx": 18, "tx": 19, "de": 23, "power": 4, "bus_power": 13, "uart": 2, "address": 1,
    },
    {  # conductivity_25 0
        "field": 4, "channel": 0, "driver": "modbus_soil",
        "rx": 18, "tx": 19, "de": 23, "power": 4, "bus_power": 13, "uart": 2, "address": 1,
    },
    {"field": 1, "channel": 1, "driver": "adc", "pin": 32, "power": 13},  # soil_moisture 1
    {"field": 1, "channel": 2, "driver": "adc", "pin": 33, "power": 13},  # soil_moisture 2
    {"field": 1, "channel": 3, "driver": "adc", "pin": 34, "power": 13},  # soil_moisture 3
)
OUTPUTS = ()
