"""The gateway of a village: takes readings in, waters on its own, shows it to people and sends it to the cloud."""
