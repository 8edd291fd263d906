"""What every long-running process of the system needs: a clock, a log, safe files, a supervisor; and every web process.

Nothing in here knows about irrigation, MQTT or the cloud.
"""
