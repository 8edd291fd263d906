"""Tủ bơm: pump on ESP32-S3-WROOM-1-N8R2.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "pump"
MCU = "s3"
OUTPUT_PINS = (9, 10, 11, 12)  # what must be low at boot, before anything else
LED_PIN = 48
BUTTON_PIN = 2
SENSORS = (
    {"field": 6, "channel": 0, "driver": "pulse", "pin": 15},  # flow 0
    {"field": 22, "channel": 0, "driver": "mains_current", "pin": 4, "ma_per_mv": 30},  # current 0
)
OUTPUTS = (
    {"index": 0, "kind": "pump", "driver": "level", "pin": 9},  # pump 0
    {"index": 1, "kind": "valve", "driver": "level", "pin": 10},  # valve 1
    {"index": 2, "kind": "valve", "driver": "level", "pin": 11},  # valve 2
    {"index": 3, "kind": "valve", "driver": "level", "pin": 12},  # valve 3
)
