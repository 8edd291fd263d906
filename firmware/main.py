"""Runs after boot.py. Safe outputs and a running watchdog come before anything is imported that could fail."""

import hal

hal.outputs_off()
hal.feed()  # the first feed starts the watchdog

# Collect often while modules are loaded: what stays then lies side by side, and the rest of the heap is one piece.
import gc  # noqa: E402 - the order is the point

gc.threshold(2048)

from node import start  # noqa: E402

start.run(hal)
