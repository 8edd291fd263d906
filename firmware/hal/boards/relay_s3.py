"""Trạm chuyển tiếp: relay on ESP32-S3-WROOM-1-N8R2.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "relay"
MCU = "s3"
OUTPUT_PINS = ()  # what must be low at boot, before anything else
LED_PIN = 48
BUTTON_PIN = 2
SENSORS = ()
OUTPUTS = ()
