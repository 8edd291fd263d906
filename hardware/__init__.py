"""The hardware as text: pins.toml is its single truth, and all else is made from it or checked against it.

This package is for the workshop and for continuous integration; nothing that runs in a village imports it.
"""
