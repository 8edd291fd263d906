"""Máy đo độ mặn: salinity on ESP32-WROOM-32E-N4.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "salinity"
MCU = "wroom32e"
OUTPUT_PINS = (13, 4, 23)  # what must be low at boot, before anything else
LED_PIN = 14
BUTTON_PIN = 39
SENSORS = (
    {"field": 7, "channel": 0, "driver": "adc", "pin": 35, "ratio": (1, 1)},  # battery 0
    {  # water_level 0
        "field": 3, "channel": 0, "driver": "a02yyuw",
        "rx": 16, "tx": 17, "power": 13, "uart": 1, "zero_mm": 3000,
    },
    {  # conductivity_25 0
        "field": 4, "channel": 0, "driver": "modbus_ec",
        "rx": 18, "tx": 19, "de": 23, "power": 4, "bus_power": 13, "uart": 2, "address": 1,
    },
    {  # water_temperature 0
        "field": 5, "channel": 0, "driver": "modbus_ec",
        "rx": 18, "tx": 19, "de": 23, "power": 4, "bus_power": 13, "uart": 2, "address": 1,
    },
)
OUTPUTS = ()
