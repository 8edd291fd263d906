"""The wire contract: what a node, a gateway and the cloud say to each other, byte by byte.

Rules
1. Nothing but this package defines a topic, a field, a unit, a scale or a layout.
2. It is written in the subset of Python that MicroPython on an ESP32 understands, in integers only, and gives
   the same bytes in both interpreters. It imports struct, hashlib and binascii, nothing else.
3. Bytes from outside may be anything: a decoder returns a value or raises WireError, and nothing else.
   A wrong argument to an encoder is our own fault and raises WireError too, so that no bad frame ever leaves.
4. A frame is sealed with its node's key for the topic that it travels on, in both directions.
5. A layout never changes in place: a new layout gets a new kind or a new VERSION.
"""
