"""The gateway's side of the broker: one link, and the process that takes readings in."""
