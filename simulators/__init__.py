"""The simulated village: a field with weather, soil, tide and salt, and what runs the real processes on it."""
