"""Máy đo độ mặn: salinity on ESP32-S3-WROOM-1-N8R2.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "salinity"
MCU = "s3"
OUTPUT_PINS = (21, 14, 13)  # what must be low at boot, before anything else
LED_PIN = 48
BUTTON_PIN = 2
SENSORS = (
    {"field": 7, "channel": 0, "driver": "adc", "pin": 1, "ratio": (1, 1)},  # battery 0
    {  # water_level 0
        "field": 3, "channel": 0, "driver": "a02yyuw",
        "rx": 17, "tx": 18, "power": 21, "uart": 1, "zero_mm": 3000,
    },
    {  # conductivity_25 0
        "field": 4, "channel": 0, "driver": "modbus_ec",
        "rx": 15, "tx": 16, "de": 13, "power": 14, "bus_power": 21, "uart": 2, "address": 1,
    },
    {  # water_temperature 0
        "field": 5, "channel": 0, "driver": "modbus_ec",
        "rx": 15, "tx": 16, "de": 13, "power": 14, "bus_power": 21, "uart": 2, "address": 1,
    },
)
OUTPUTS = ()
