"""Data that leaves the cloud for researchers."""
