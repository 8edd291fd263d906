"""Tủ van tưới: valve on ESP32-WROOM-32E-N4.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "valve"
MCU = "wroom32e"
OUTPUT_PINS = (4, 22, 25, 26, 27, 33)  # what must be low at boot, before anything else
LED_PIN = 14
BUTTON_PIN = 39
SENSORS = (
    {"field": 7, "channel": 0, "driver": "adc", "pin": 35, "ratio": (1, 1)},  # battery 0
    {"field": 6, "channel": 0, "driver": "pulse", "pin": 18},  # flow 0
)
OUTPUTS = (
    {  # valve 0
        "index": 0, "kind": "valve", "driver": "latching",
        "open": 25, "close": 26, "charge": 4, "wake": 22, "sense": 34,
    },
    {  # valve 1
        "index": 1, "kind": "valve", "driver": "latching",
        "open": 27, "close": 33, "charge": 4, "wake": 22, "sense": 34,
    },
)
