"""Trạm chuyển tiếp: relay on ESP32-WROOM-32E-N4.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "relay"
MCU = "wroom32e"
OUTPUT_PINS = ()  # what must be low at boot, before anything else
LED_PIN = 14
BUTTON_PIN = 39
SENSORS = ()
OUTPUTS = ()
