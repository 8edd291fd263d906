"""Which firmware this is: what hello says. A release's build puts its own version in place of it."""

FIRMWARE = "0.1.0"
