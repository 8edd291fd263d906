"""Pure rules of the gateway: no clock, no files, no network, no randomness. Time is an argument."""
