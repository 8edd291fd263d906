# mypy: ignore-errors
# ruff: noqa: ARG002
"""What is connected to a simulated board: wires, chips and probes, at the level of bytes and volts.

For MicroPython. The modules ``machine``, ``onewire`` and ``time`` beside this one stand before the builtin ones on
MICROPYPATH, so that a board's hal and the drivers run unchanged, in a time that passes only while they wait.
"""

NEVER = -(10**12)


class World:
    """One board. ``reset`` makes a new one."""

    def __init__(self):
        self.now_us = 5_000_000
        self.pins = {}  # pin -> level
        self.changes = []  # (us, pin, level)
        self.volts = {}  # pin -> function() -> microvolt
        self.ports = {}  # uart -> device
        self.wires = {}  # pin -> DS18B20s
        self.chips = {}  # i2c address -> device
        self.counts = {}  # pin -> count
        self.bites_us = None  # when the watchdog bites
        self.timers = []

    def set(self, pin, level):
        if self.pins.get(pin) != level:
            self.pins[pin] = level
            self.changes.append((self.now_us, pin, level))

    def level_at(self, pin, at_us):
        level = 0
        for when, which, what in self.changes:
            if which == pin and when <= at_us:
                level = what
        return level

    def on_since_us(self, pin):
        """Since when a pin is high; None while it is low."""
        if not self.pins.get(pin):
            return None
        return max(when for when, which, what in self.changes if which == pin)

    def pass_us(self, us):
        """Time goes on; timers fire on their way."""
        until = self.now_us + us
        while True:
            due = [t for t in self.timers if t.due_us is not None and t.due_us <= until]
            if not due:
                break
            first = min(due, key=lambda t: t.due_us)
            self.now_us = max(self.now_us, first.due_us)
            first.fire()
        self.now_us = max(self.now_us, until)


board = World()


def reset():
    board.__init__()
    return board


class Powered:
    """A device that has its supply from pins of the board, and is ready ``warm_ms`` after the last came on."""

    def __init__(self, power=(), warm_ms=0):
        self.power = power
        self.warm_ms = warm_ms

    def ready_us(self):
        """Since when it works; None without power."""
        since = [board.on_since_us(pin) for pin in self.power]
        if None in since:
            return None
        return max(since or [NEVER]) + 1000 * self.warm_ms


class Serial(Powered):
    """A device on a UART. ``answers`` holds (us, bytes) on their way to the board."""

    def __init__(self, power=(), warm_ms=0):
        super().__init__(power, warm_ms)
        self.answers = []
        self.heard = []

    def take(self):
        self.work()
        got = b"".join(data for at, data in self.answers if at <= board.now_us)
        self.answers = [(at, data) for at, data in self.answers if at > board.now_us]
        return got

    def work(self):
        pass

    def hear(self, data, takes_us):
        self.heard.append(data)


class Level(Serial):
    """A02YYUW: a frame every 100 ms while it has power. ``say(n)`` gives the bytes of the n-th frame."""

    def __init__(self, say, power=(), warm_ms=0, triggered=False):
        super().__init__(power, warm_ms)
        self.say = say
        self.count = 0
        self.next_us = NEVER
        self.triggered = triggered

    def work(self):
        since = self.ready_us()
        if since is None or self.triggered:
            return
        self.next_us = max(self.next_us, since, board.now_us - 300_000)
        while self.next_us <= board.now_us:
            self.answers.append((self.next_us, self.say(self.count)))
            self.count += 1
            self.next_us += 100_000

    def hear(self, data, takes_us):
        super().hear(data, takes_us)
        if self.triggered and self.ready_us() is not None and data == b"\x55":
            self.answers.append((board.now_us + 60_000, self.say(self.count)))
            self.count += 1


class Modbus(Serial):
    """A device on RS485. ``say(request)`` gives the bytes of its answer; ``de`` is the pin that turns the direction.

    It hears only what is sent while the direction is outward, to its last bit, and what it says is lost while the
    direction is still outward. ``before`` is what the line leaves before each answer.
    """

    def __init__(self, say, power=(), warm_ms=0, de=None, before=b"\x00", delay_us=2_500):
        super().__init__(power, warm_ms)
        self.say = say
        self.de = de
        self.before = before
        self.delay_us = delay_us
        self.asked = None

    def hear(self, data, takes_us):
        super().hear(data, takes_us)
        self.asked = (data, board.now_us, board.now_us + takes_us)

    def work(self):
        if self.asked is None or self.de is None:
            return
        data, from_us, to_us = self.asked
        says_us = to_us + self.delay_us
        if board.now_us < says_us:
            return
        self.asked = None
        ready = self.ready_us()
        if ready is None or not (board.level_at(self.de, from_us) and board.level_at(self.de, to_us - 1)):
            return
        if board.level_at(self.de, says_us):
            return
        said = self.say(data) if ready <= from_us else None
        if said is not None:
            self.answers.append((says_us, self.before + said))


class Thermometer(Powered):
    """One DS18B20, or what stands in for it: ``pad(n)`` gives the scratchpad of the n-th reading, None nobody."""

    def __init__(self, pad, power=(), present=True):
        super().__init__(power)
        self.pad = pad
        self.present = present
        self.count = 0
        self.converted_us = None
        self.told = b""

    def reset(self):
        self.told = b""
        return self.present and self.ready_us() is not None

    def write(self, data):
        self.told += data
        if self.told.endswith(b"\x44"):
            self.converted_us = board.now_us + 750_000

    def read(self, count):
        self.count += 1
        early = self.converted_us is None or board.now_us < self.converted_us
        return self.pad(self.count, early)[:count]
