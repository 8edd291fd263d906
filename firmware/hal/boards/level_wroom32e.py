"""Máy đo mực nước: level on ESP32-WROOM-32E-N4.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "level"
MCU = "wroom32e"
OUTPUT_PINS = (13,)  # what must be low at boot, before anything else
LED_PIN = 14
BUTTON_PIN = 39
SENSORS = (
    {"field": 7, "channel": 0, "driver": "adc", "pin": 35, "ratio": (1, 1)},  # battery 0
    {  # water_level 0
        "field": 3, "channel": 0, "driver": "a02yyuw",
        "rx": 16, "tx": 17, "power": 13, "uart": 1, "zero_mm": 3000,
    },
    {"field": 5, "channel": 0, "driver": "ds18b20", "pin": 21, "power": 13},  # water_temperature 0
    {"field": 8, "channel": 0, "driver": "pulse", "pin": 27},  # rain 0
)
OUTPUTS = ()
