"""Runs after boot.py. Safe outputs and a running watchdog come before anything is imported that could fail."""

import safe

safe.outputs_off()
safe.watchdog()

# Collect often while modules are loaded: what stays then lies side by side, and the rest of the heap is one piece.
import gc  # noqa: E402 - the order is the point

gc.threshold(2048)

if safe.ROOT is not None:  # there are slots: nothing is imported of them that was not verified
    import loader

    loader.run(safe)
    del loader

import sys  # noqa: E402

del safe, sys.modules["safe"]

import hal  # noqa: E402
from node import start  # noqa: E402

start.run(hal)
