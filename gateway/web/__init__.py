"""The pages of the village on its own Wi-Fi."""
