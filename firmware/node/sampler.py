"""What to measure when, and what a measurement is worth. Pure but for the ``read`` function that it is given.

Rules
1. Each sensor is due on the grid of its ``every_s``, the first time at once. What was missed is not made up for: the
   next reading is at the next point of the grid.
2. All that is due together is one batch of rows (uptime_ms, field, channel, quality, fault, raw): one write.
3. A reading is the median of ``reads`` raw values. When fewer than half of them answer it is MISSING; raw is then 0
   and means nothing. A sensor is given up as soon as half of them cannot be had any more: silence costs time.
4. A raw value outside its field's range is kept as it is, with FAIL and OUT_OF_RANGE: the node reports, it does not
   mend. The same median ``stuck_samples`` times in a row is SUSPECT with STUCK (0 = this sensor may stand still).
5. A sensor that raises OSError has a bus fault, or the fault that its driver names (``fields.FAULT_ERRNO`` + fault).
   Its neighbours are still read.
6. Health goes along: the free heap and the radio's signal at the first and at every HEALTH_EVERY-th sample, a counter
   whenever it has moved. A node without sensors samples nothing every ``sample_s``, so that it tells its health too.
7. ``quarters`` is the pace: PLAIN of them are ``every_s``, fewer is faster, but no interval gets shorter than LEAST_MS.
8. ``sensors`` is for a node that sleeps (doze.py): it keeps ``last``, ``same`` and what is due.
9. A sensor with ``on_s`` is read so often while an output of the node is on, and for FAST_MS after: a flow meter guards
   against bursts and leaks by it.
"""

from wire import fields

MAX_SENSORS = 24
HEALTH_EVERY = 10
FAST_MS = 60_000
READS = 3
SAMPLE_S = 600
PLAIN = 4
LEAST_MS = 60_000
LONGEST_MS = 7 * 86_400_000
# Converters show noise, so that an analogue value which does not move is a dead one. Levels and counters may stand.
STUCK_SAMPLES = {fields.SOIL_MOISTURE: 36}

_I32_MIN = -(2**31)
_I32_MAX = 2**31 - 1


class _Sensor:
    def __init__(self, config: dict) -> None:
        self.config = config
        self.field = config["field"]
        if self.field not in fields.RAW_RANGES:
            raise ValueError("unknown field %r" % (self.field,))
        self.channel = config.get("channel", 0)
        self.every_ms = int(config["every_s"] * 1000)
        self.reads = config.get("reads", READS)
        self.stuck_samples = config.get("stuck_samples", STUCK_SAMPLES.get(self.field, 0))
        often = 1000 <= self.every_ms <= LONGEST_MS and config.get("on_s", 1) > 0
        if not often or not 1 <= self.reads <= 15 or not 0 <= self.channel <= 255:
            raise ValueError("sensor %d: every_s, reads or channel" % self.field)
        self.due_ms = 0
        self.last = None
        self.same = 0

    def row(self, now_ms: int, read) -> tuple[int, int, int, int, int, int]:
        raw, fault = self._median(read)
        if raw is None:
            return (now_ms, self.field, self.channel, fields.MISSING, fault, 0)
        quality = fields.GOOD
        low, high = fields.RAW_RANGES[self.field]
        if not low <= raw <= high:
            quality, fault = fields.FAIL, fields.FAULT_OUT_OF_RANGE
        elif self._stuck(raw):
            quality, fault = fields.SUSPECT, fields.FAULT_STUCK
        return (now_ms, self.field, self.channel, quality, fault, min(max(raw, _I32_MIN), _I32_MAX))

    def _median(self, read) -> tuple[int | None, int]:
        got = []
        fault = fields.FAULT_NONE
        for left in range(self.reads, 0, -1):
            if 2 * (len(got) + left) < self.reads:
                break
            try:
                raw = read(self.config)
            except OSError as error:
                code = (error.args[0] if error.args else 0) - fields.FAULT_ERRNO
                fault = code if 0 < code <= fields.FAULT_LAST else fields.FAULT_BUS
                continue
            if raw is None:
                fault = fault or fields.FAULT_NO_ANSWER
            elif type(raw) is int:
                got.append(raw)
            else:
                fault = fields.FAULT_DRIVER  # nothing else can be stored
        if 2 * len(got) < self.reads:
            return None, fault
        got.sort()
        return got[len(got) // 2], fields.FAULT_NONE

    def _stuck(self, raw: int) -> bool:
        self.same = self.same + 1 if raw == self.last else 1
        self.last = raw
        return 0 < self.stuck_samples <= self.same

    def next_point(self, now_ms: int, quarters: int, fast: bool = False) -> None:
        every_ms = self.every_ms
        if fast and "on_s" in self.config:
            every_ms = self.config["on_s"] * 1000
        elif quarters != PLAIN:
            every_ms = max(every_ms * quarters // PLAIN, min(every_ms, LEAST_MS))
        self.due_ms = (now_ms // every_ms + 1) * every_ms


class Sampler:
    """All sensors of a node. Raises ValueError or KeyError for a config that cannot be."""

    def __init__(self, config: dict, read) -> None:
        self.sensors = [_Sensor(sensor) for sensor in config.get("sensors", ())]
        if len(self.sensors) > MAX_SENSORS:
            raise ValueError("more than %d sensors" % MAX_SENSORS)
        self._read = read
        self.quarters = PLAIN
        self._fast_until_ms = 0
        self._idle_ms = 0 if self.sensors else int(config.get("sample_s", SAMPLE_S) * 1000)
        self._idle_due_ms = 0
        self._samples = 0
        self._told = {}

    def due_ms(self) -> int:
        """When there is something to measure next."""
        if not self.sensors:
            return self._idle_due_ms
        due_ms = self.sensors[0].due_ms
        for sensor in self.sensors:
            due_ms = min(due_ms, sensor.due_ms)
        return due_ms

    def sample(self, now_ms: int) -> list[tuple[int, int, int, int, int, int]]:
        """Rows of all that is due; an empty list when nothing is."""
        if now_ms < self.due_ms():
            return []
        rows = []
        for sensor in self.sensors:
            if now_ms >= sensor.due_ms:
                rows.append(sensor.row(now_ms, self._read))
                sensor.next_point(now_ms, self.quarters, now_ms < self._fast_until_ms)
        if self._idle_ms:
            self._idle_due_ms = (now_ms // self._idle_ms + 1) * self._idle_ms
        self._samples += 1
        return rows

    def hurry(self, now_ms: int) -> None:
        """Something is on, or has just gone off (rule 9)."""
        began = now_ms >= self._fast_until_ms
        self._fast_until_ms = now_ms + FAST_MS
        for sensor in self.sensors if began else ():
            if "on_s" in sensor.config:
                sensor.due_ms = min(sensor.due_ms, now_ms + sensor.config["on_s"] * 1000)

    def skip(self, now_ms: int) -> None:
        """Let what is due pass unread."""
        for sensor in self.sensors:
            if now_ms >= sensor.due_ms:
                sensor.next_point(now_ms, self.quarters)
        if self._idle_ms and now_ms >= self._idle_due_ms:
            self._idle_due_ms = (now_ms // self._idle_ms + 1) * self._idle_ms

    def health(
        self, now_ms: int, heap_free, rssi, counters: dict[int, int]
    ) -> list[tuple[int, int, int, int, int, int]]:
        """Rows of health that go with the sample just taken. ``heap_free`` and ``rssi`` (None: no radio) are functions,
        because asking costs."""
        rows = []
        if self._samples % HEALTH_EVERY == 1:
            rows.append(_good(now_ms, fields.HEAP_FREE, 0, heap_free()))
            signal_dbm = rssi()
            if signal_dbm is not None:
                rows.append(_good(now_ms, fields.RSSI, 0, signal_dbm))
        for field, count in counters.items():
            if count != self._told.get(field, 0):
                self._told[field] = count
                rows.append(_good(now_ms, field, 0, count))
        return rows


def output_row(now_ms: int, index: int, on: bool) -> tuple[int, int, int, int, int, int]:
    """The reading that says that an output was switched."""
    return _good(now_ms, fields.OUTPUT, index, 1 if on else 0)


def _good(now_ms: int, field: int, channel: int, raw: int) -> tuple[int, int, int, int, int, int]:
    return (now_ms, field, channel, fields.GOOD, fields.FAULT_NONE, raw)
