"""Latching valves that share one bank of capacitors: what is to be done next. Pure; time and voltage are arguments.

A pulse of one direction opens such a valve, one of the other closes it, and without power it stays where it is.

Rules
1. One thing at a time: ``next`` names a single valve, which is pulsed and told by ``done`` before it is asked again. So
   there are never two pulses at once.
2. Closing comes before opening. At start no valve is known to be closed, so each gets a closing pulse.
3. A pulse waits for READY_MV. When the capacitors are not full within CHARGE_MS, a valve is not opened: its wish is
   dropped and ``failed`` says so. One that is to be closed gets what there is, if that may move it (LEAST_MV), and is
   tried again after RETRY_MS if not.
4. Capacitors are kept full while a valve is open (``charge``): its closing pulse is there when the cell is not.
5. Below CLOSE_BELOW_MV of the cell all is closed and nothing opened, until OPEN_ABOVE_MV.
"""

READY_MV = 9_000
LEAST_MV = 7_000
CHARGE_MS = 3_000
RETRY_MS = 60_000
CLOSE_BELOW_MV = 2_950
OPEN_ABOVE_MV = 3_100
WAIT = -1


class Bank:
    def __init__(self, count: int) -> None:
        self._wanted = [False] * count
        self._is_open = [None] * count  # None: nobody knows
        self._since_ms = None  # when the capacitors began to be waited for
        self._retry_ms = 0
        self.weak = False
        self.failed = False

    def want(self, valve: int, on: bool) -> None:
        self._wanted[valve] = on and not self.weak
        if on and self.weak:
            self.failed = True

    def cell(self, millivolt: int) -> None:
        """The voltage of the cell (rule 5)."""
        self.weak = millivolt < (OPEN_ABOVE_MV if self.weak else CLOSE_BELOW_MV)
        if self.weak and any(self._wanted):
            self._wanted = [False] * len(self._wanted)
            self.failed = True

    def is_open(self) -> bool:
        """Whether a valve is, or may be, open."""
        return any(is_open is not False for is_open in self._is_open)

    def charge(self) -> bool:
        """Whether the capacitors are to be kept full."""
        return self._since_ms is not None or any(self._is_open)

    def next(self, now_ms: int, millivolt: int) -> int | None:
        """A valve to be pulsed towards ``wants(valve)``, WAIT for the capacitors, or None: all is as it should be."""
        valve = self.due(now_ms)
        if valve is None:
            self._since_ms = None
            return None
        if self._since_ms is None:
            self._since_ms = now_ms
        if millivolt >= READY_MV:
            return valve
        if now_ms - self._since_ms < CHARGE_MS:
            return WAIT
        if self._wanted[valve]:
            self._wanted[valve] = False
            self.failed = True
            return self.next(now_ms, millivolt)
        if millivolt >= LEAST_MV:
            return valve
        self._retry_ms = now_ms + RETRY_MS
        self._since_ms = None
        return None

    def wants(self, valve: int) -> bool:
        return self._wanted[valve]

    def done(self, valve: int, opened: bool) -> None:
        """A valve had its pulse."""
        self._is_open[valve] = opened
        self._since_ms = None

    def shut(self) -> None:
        """All had a closing pulse, beside the program."""
        self._wanted = [False] * len(self._wanted)
        self._is_open = [False] * len(self._is_open)

    def due(self, now_ms: int) -> int | None:
        """The valve that is next, whenever that may be."""
        due = [at for at, wanted in enumerate(self._wanted) if wanted != self._is_open[at]]
        if now_ms >= self._retry_ms:
            for valve in due:
                if not self._wanted[valve]:
                    return valve
        for valve in due:
            if self._wanted[valve]:
                return valve
        return None
