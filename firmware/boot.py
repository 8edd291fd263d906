"""The first code that runs on a node: every output off, before anything else."""

from safe import outputs_off

outputs_off()
