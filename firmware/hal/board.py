"""The outputs of the reference board (ESP32-WROOM-32E). A node that is built as firmware/hal/boards/ says carries the
file of its type from there, under this name.

Rules: outputs are on no strap (0, 2, 5, 12, 15), no flash pin (6 to 11), no console (1, 3) and no input-only pin (34 to
39); analogue inputs are on ADC1 (32 to 39), because ADC2 is dead while WLAN is on.
"""

OUTPUT_PINS = (25, 26, 27, 33)  # what must be low at boot, before anything else
