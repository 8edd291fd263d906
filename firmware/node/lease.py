"""Outputs and commands: what may be on, until when, and what each command is answered. Pure; time is an argument.

Rules (S1 to S4 of the safety list; promises P3 and P4)
1. Nothing is on without an end. An OPEN gives a lease: the output goes off at the earlier of ``now + duration`` of
   the last accepted OPEN and ``first open + hard maximum``. Only an accepted OPEN moves the first, nothing the second.
2. All of it is uptime of the node (monotonic). No wall clock is read, so a clock that steps changes no run.
3. A command is judged in this order, and the first reason that fits answers it: RETAINED, BAD_NONCE, then the
   counter: equal to the last one = the very same receipt again and nothing is done; lower = REPLAYED. From here the
   counter is spent, whatever follows: EXPIRED, UNKNOWN_OUTPUT, NO_DURATION, TOO_LONG, RESTING, INTERLOCK, ACCEPTED.
   So a command is executed at most once, and its copy is always told the same.
4. After it went off an output rests for ``min_rest``; at start all outputs have just gone off. After its hard
   maximum it rests at least HARD_REST_MS, or opening it again at once would make that maximum mean nothing.
5. A pump runs only while a valve of this node is open. With the last valve it goes off too, and before it.
   A sluice lets water in by itself and a lift pumps into the open: they need no path and are none. A main valve is
   none either, because behind it all the others may be shut.
6. Every end is told by a receipt: status ENDED_LEASE, ENDED_HARD_MAX or ENDED_COMMAND, with the counter of the OPEN
   that it ends. A pump that a valve takes along carries the status of the valve.
7. ``command`` first ends what is due, so a late ``tick`` never lets a renewal revive what should be over.
8. ``cut`` ends all that is on, because the board has switched it off by itself already: ENDED_LEASE for what was not
   due either, at the time that the board tells.
9. The lists handed out by ``take_changes`` and ``take_ended`` are bounded: at most one on and one off for each output
   and call of ``command``, ``tick`` or ``cut``.
"""

from wire import commands

VALVE = "valve"
PUMP = "pump"
KINDS = (VALVE, PUMP, "main", "sluice", "lift")
HARD_REST_MS = 60_000
LONGEST_REST_MS = 7 * 86_400_000


class Output:
    """One valve or pump as the config has it, and its state."""

    def __init__(self, index: int, kind: str, hard_max_ms: int, min_rest_ms: int) -> None:
        if not 0 <= index < commands.MAX_OUTPUTS:
            raise ValueError("output index %r" % (index,))
        if kind not in KINDS:
            raise ValueError("output kind %r" % (kind,))
        if not 0 < hard_max_ms <= commands.MAX_DURATION_MS or not 0 <= min_rest_ms <= LONGEST_REST_MS:
            raise ValueError("output %d: hard_max or min_rest" % index)
        self.index = index
        self.kind = kind
        self.hard_max_ms = hard_max_ms
        self.min_rest_ms = min_rest_ms
        self.on = False
        self.counter = 0
        self.lease_end_ms = 0
        self.hard_end_ms = 0
        self.rested_at_ms = min_rest_ms

    def end_ms(self) -> int:
        return min(self.lease_end_ms, self.hard_end_ms)


def outputs_of(config: dict) -> list[Output]:
    """The outputs of a node's config. Raises ValueError or KeyError for one that cannot be."""
    found = [
        Output(o["index"], o["kind"], int(o["hard_max_s"] * 1000), int(o.get("min_rest_s", 0) * 1000))
        for o in config.get("outputs", ())
    ]
    if len({output.index for output in found}) != len(found):
        raise ValueError("two outputs have one index")
    return found


class Leases:
    """All outputs of a node in one boot."""

    def __init__(self, outputs: list[Output], boot_id: int, nonce: bytes) -> None:
        # Pumps first: whenever several end at once, a pump stops before its valve closes.
        self._outputs = sorted(outputs, key=lambda o: (o.kind != PUMP, o.index))
        self._boot_id = boot_id
        self._nonce = nonce
        self._last_counter = 0
        self._last_receipt = None
        self._changes = []
        self._ended = []
        self.refused = 0

    def mask(self) -> int:
        """Bit i is output i."""
        mask = 0
        for output in self._outputs:
            if output.on:
                mask |= 1 << output.index
        return mask

    def due_ms(self) -> int | None:
        """When ``tick`` has something to do next."""
        due = None
        for output in self._outputs:
            if output.on and (due is None or output.end_ms() < due):
                due = output.end_ms()
        return due

    def take_changes(self) -> list[tuple[int, bool]]:
        """(output, on) in the order in which they are to be switched; each is handed out once."""
        taken, self._changes = self._changes, []
        return taken

    def take_ended(self) -> list[commands.Receipt]:
        """Receipts of what ended; each is handed out once."""
        taken, self._ended = self._ended, []
        return taken

    def tick(self, now_ms: int) -> None:
        """End what is due."""
        for output in self._outputs:
            if output.on and now_ms >= output.end_ms():
                hard = output.hard_end_ms <= output.lease_end_ms
                self._end(output, now_ms, commands.ENDED_HARD_MAX if hard else commands.ENDED_LEASE)

    def cut(self, now_ms: int) -> None:
        """Everything went off at ``now_ms``, without us."""
        self.tick(now_ms)
        self._end_all(now_ms, commands.ENDED_LEASE)

    def _end_all(self, now_ms: int, status: int) -> None:
        for output in self._outputs:
            if output.on:
                self._end(output, now_ms, status)

    def close_all(self, now_ms: int) -> None:
        """Everything off, as a command would."""
        self._end_all(now_ms, commands.ENDED_COMMAND)

    def command(self, command: commands.Command, retained: bool, now_ms: int) -> commands.Receipt:
        """Judge and do one command whose seal was right; the receipt is its answer."""
        self.tick(now_ms)
        if retained:
            return self._refuse(command, commands.RETAINED, now_ms)
        if command.nonce != self._nonce:
            return self._refuse(command, commands.BAD_NONCE, now_ms)
        if command.counter == self._last_counter and self._last_receipt is not None:
            return self._last_receipt
        if command.counter <= self._last_counter:
            return self._refuse(command, commands.REPLAYED, now_ms)
        self._last_counter = command.counter
        status = self._do(command, now_ms)
        if status == commands.ACCEPTED:
            self._last_receipt = self._receipt(command.counter, status, command.output, now_ms)
        else:
            self._last_receipt = self._refuse(command, status, now_ms)
        return self._last_receipt

    def _do(self, command: commands.Command, now_ms: int) -> int:
        if now_ms > command.expires_uptime_ms:
            return commands.EXPIRED
        if command.action == commands.QUERY:
            return commands.ACCEPTED
        if command.action == commands.CLOSE_ALL:
            self.close_all(now_ms)
            return commands.ACCEPTED
        output = self.find(command.output)
        if output is None:
            return commands.UNKNOWN_OUTPUT
        if command.action == commands.CLOSE:
            if output.on:
                self._end(output, now_ms, commands.ENDED_COMMAND)
            return commands.ACCEPTED
        return self.open(command.output, command.duration_ms, command.counter, now_ms)

    def open(self, index: int, duration_ms: int, counter: int, now_ms: int) -> int:
        """Open or renew; the status. Counter 0 is the node itself (local.py)."""
        output = self.find(index)
        if duration_ms <= 0:
            return commands.NO_DURATION
        if duration_ms > output.hard_max_ms:
            return commands.TOO_LONG
        if not output.on and now_ms < output.rested_at_ms:
            return commands.RESTING
        if output.kind == PUMP and not self._valve_open():
            return commands.INTERLOCK
        if not output.on:
            output.on = True
            output.hard_end_ms = now_ms + output.hard_max_ms
            self._changes.append((output.index, True))
        output.lease_end_ms = now_ms + duration_ms
        output.counter = counter
        return commands.ACCEPTED

    def _end(self, output: Output, now_ms: int, status: int) -> None:
        if output.kind == VALVE and self._valves_open() == 1:
            for pump in self._outputs:
                if pump.kind == PUMP and pump.on:
                    self._end(pump, now_ms, status)
        output.on = False
        rest_ms = output.min_rest_ms
        if status == commands.ENDED_HARD_MAX:
            rest_ms = max(rest_ms, HARD_REST_MS)
        output.rested_at_ms = now_ms + rest_ms
        self._changes.append((output.index, False))
        self._ended.append(self._receipt(output.counter, status, output.index, now_ms))

    def find(self, index: int) -> Output | None:
        for output in self._outputs:
            if output.index == index:
                return output
        return None

    def _valves_open(self) -> int:
        return sum(1 for output in self._outputs if output.kind == VALVE and output.on)

    def _valve_open(self) -> bool:
        return self._valves_open() > 0

    def _refuse(self, command: commands.Command, status: int, now_ms: int) -> commands.Receipt:
        self.refused += 1
        return self._receipt(command.counter, status, command.output, now_ms)

    def _receipt(self, counter: int, status: int, index: int, now_ms: int) -> commands.Receipt:
        output = self.find(index)
        until_ms = output.end_ms() if output is not None and output.on else 0
        return commands.Receipt(self._boot_id, counter, status, index, self.mask(), until_ms, now_ms)
