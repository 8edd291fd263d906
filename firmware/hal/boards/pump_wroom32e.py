"""Tủ bơm: pump on ESP32-WROOM-32E-N4.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "pump"
MCU = "wroom32e"
OUTPUT_PINS = (25, 26, 27, 33)  # what must be low at boot, before anything else
LED_PIN = 14
BUTTON_PIN = 39
SENSORS = (
    {"field": 6, "channel": 0, "driver": "pulse", "pin": 18},  # flow 0
    {"field": 22, "channel": 0, "driver": "mains_current", "pin": 32, "ma_per_mv": 30},  # current 0
)
OUTPUTS = (
    {"index": 0, "kind": "pump", "driver": "level", "pin": 25},  # pump 0
    {"index": 1, "kind": "valve", "driver": "level", "pin": 26},  # valve 1
    {"index": 2, "kind": "valve", "driver": "level", "pin": 27},  # valve 2
    {"index": 3, "kind": "valve", "driver": "level", "pin": 33},  # valve 3
)
