"""The physics of the field: pure, seeded and stepped by village time. Nothing here reads a clock, a socket or a
database.
"""
