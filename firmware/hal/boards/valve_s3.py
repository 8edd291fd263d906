"""Tủ van tưới: valve on ESP32-S3-WROOM-1-N8R2.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "valve"
MCU = "s3"
OUTPUT_PINS = (14, 47, 9, 10, 11, 12)  # what must be low at boot, before anything else
LED_PIN = 48
BUTTON_PIN = 2
SENSORS = (
    {"field": 7, "channel": 0, "driver": "adc", "pin": 1, "ratio": (1, 1)},  # battery 0
    {"field": 6, "channel": 0, "driver": "pulse", "pin": 15},  # flow 0
)
OUTPUTS = (
    {  # valve 0
        "index": 0, "kind": "valve", "driver": "latching",
        "open": 9, "close": 10, "charge": 14, "wake": 47, "sense": 4,
    },
    {  # valve 1
        "index": 1, "kind": "valve", "driver": "latching",
        "open": 11, "close": 12, "charge": 14, "wake": 47, "sense": 4,
    },
)
