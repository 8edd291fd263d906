"""The pins of the reference board (ESP32-WROOM-32E).

Rules: outputs are on no strap (0, 2, 5, 12, 15), no flash pin (6 to 11), no console (1, 3) and no input-only pin (34 to
39); analogue inputs are on ADC1 (32 to 39), because ADC2 is dead while WLAN is on.
"""

OUTPUT_PINS = (25, 26, 27, 33)  # output 0, 1, 2, 3 of the config
CONFIG_PATH = "/node.json"
DATA_PARTITION = "data"
CONNECTING = (115, 119)  # EINPROGRESS as POSIX and as lwIP number it
