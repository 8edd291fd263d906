"""How a new node gets its secrets: printed cards with one-time codes, and the listener that answers to them.

docs/provisioning.md tells it from the technician's side; why it is so stands in docs/adr.
"""
