"""Drivers of sensors: from the bytes of a bus to whole numbers. Nothing here knows a pin; docs/node.md tells of each.

A driver is a module with ``WARM_MS``, how long its sensor needs after its supply came on, and
``measure(sensor, io, known) -> {field: raw}``. ``sensor`` is its config; ``io`` the one module of ``hal`` that speaks
its bus (uart, adc, one_wire, i2c, counter; each has ``rest``); ``known(field, channel)`` the last good raw of another
sensor of the node, or None.

Rules
1. A driver gives a number that it believes, None for one that cannot be (FAULT_OUT_OF_RANGE), or raises
   ``OSError(fields.FAULT_ERRNO + fault)`` for all of them. It never guesses and never repeats an older number.
2. Whatever bytes come, it ends: every wait has a limit, every loop a count, and no buffer grows.
3. What parses bytes is a function of bytes, so that it is held against garbage in both interpreters.
4. Loaded only on a node whose config names it.
"""
