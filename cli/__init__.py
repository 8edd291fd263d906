"""The command line: one module a command, each with ``main(argv) -> exit code``.

Exit codes: 0 done, 1 failed, 2 wrong usage, 69 something is missing on this machine, 130 stopped by Ctrl-C.
Nobody imports this package but its tests and the simulators.
"""
