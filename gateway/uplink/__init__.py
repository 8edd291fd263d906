"""The process that tells the cloud: readings in two lanes, and what the farmer's page shows."""
