"""Máy đo đất: soil on ESP32-S3-WROOM-1-N8R2.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "soil"
MCU = "s3"
OUTPUT_PINS = (21, 14, 13)  # what must be low at boot, before anything else
LED_PIN = 48
BUTTON_PIN = 2
SENSORS = (
    {"field": 7, "channel": 0, "driver": "adc", "pin": 1, "ratio": (1, 1)},  # battery 0
    {  # soil_moisture 0
        "field": 1, "channel": 0, "driver": "modbus_soil",
        "rx": 15, "tx": 16, "de": 13, "power": 14, "bus_power": 21, "uart": 2, "address": 1,
    },
    {  # soil_temperature 0
        "field": 2, "channel": 0, "driver": "modbus_soil",
        "rx": 15, "tx": 16, "de": 13, "power": 14, "bus_power": 21, "uart": 2, "address": 1,
    },
    {  # conductivity_25 0
        "field": 4, "channel": 0, "driver": "modbus_soil",
        "rx": 15, "tx": 16, "de": 13, "power": 14, "bus_power": 21, "uart": 2, "address": 1,
    },
    {"field": 1, "channel": 1, "driver": "adc", "pin": 4, "power": 21},  # soil_moisture 1
    {"field": 1, "channel": 2, "driver": "adc", "pin": 5, "power": 21},  # soil_moisture 2
    {"field": 1, "channel": 3, "driver": "adc", "pin": 6, "power": 21},  # soil_moisture 3
)
OUTPUTS = ()
