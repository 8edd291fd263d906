"""The life of a node that sleeps: read, store, perhaps send, deep sleep. Straight through, no loop but while it talks.

Rules
1. One wake is one run of the program. What goes on lies in RTC memory (rtclog.py); what has no room there goes to the
   flash in one piece; modules of the flash and the radio are imported only by the wakes that need them.
2. A reading is stored, and told so, before anything is sent. It is forgotten when the gateway has acknowledged it.
3. It sends when ``send_s`` has passed since the last time, after a failure 2 and then 4 times as late: the radio is
   what the battery is for. The next time is kept before a talk begins, because it may end the program. It talks
   while that gets on, and leaves in order (parley.py).
4. Only nodes without outputs may sleep, because nobody would end a lease, and only those that count no pulses. What it
   will live by is looked at before it measures, not when a battery is weak (one of lastgood.WRONG).
5. What cannot be stored anywhere, because the flash does not answer, pushes out the oldest and is counted.
6. Housekeeping goes along with what is sent: heap, signal, the ledger of energy since boot, what was dropped.
"""

from wire import fields

from . import doze, pace, rtclog, sampler

SEND_S = 1800
LEAST_SLEEP_MS = 1_000
PAUSE_MS = 100
_DROP = 40
_HEALTH = 8  # rows of housekeeping
_MOST = 2**31 - 1
_INTERPRETER = 2  # on trial (update/briefing.py): it has this one wake to be proved in


class Sleeper:
    """One wake over its hal; ``log`` is what it has in RTC memory."""

    def __init__(self, config: dict, hal) -> None:
        if config.get("outputs"):
            raise ValueError("a node with outputs may not sleep")
        weak = config.get("battery_mv")
        if weak is not None and weak[0] < weak[1]:
            raise ValueError("battery_mv")
        self._every_ms = _ms(config.get("send_s", SEND_S))
        _ms(config.get("still_s", 1))
        self._config = config
        self._hal = hal
        self._begun_ms = hal.link_ms()
        self.log = rtclog.RtcLog(hal.rtc())
        self._sampler = sampler.Sampler(config, self._read)
        for sensor in self._sampler.sensors:
            if sensor.field in (fields.RAIN, fields.FLOW):
                raise ValueError("nothing counts in deep sleep")
        self._volume = fields.VOLUME_KEPT
        self._store = None  # the journal, while it is open
        if self.log.fresh:
            self._begin()
        else:
            self.log.go_on(hal.rtc_ms())
            self._sampler.quarters = self.log.quarters
            doze.resume(self._sampler.sensors, self.log.sensors, self.log.sampled_ms, self.log.quarters)

    def now_ms(self) -> int:
        return self.log.uptime_ms(self._hal.rtc_ms())

    def wake(self) -> int:
        """All of one wake; for how many ms of the RTC to sleep."""
        self._hal.feed()
        now_ms = self.now_ms()
        if self._hal.measuring():
            self._sample(now_ms)
        told = self._hal.briefing
        if now_ms >= self.log.send_ms or (told and told[6] == _INTERPRETER):
            self._talk(now_ms)
        log = self.log
        log.awake_ms = min(log.awake_ms + self._hal.link_ms() - self._begun_ms, _MOST)
        self._hal.rtc_keep(log.sealed())
        return max(LEAST_SLEEP_MS, log.sleep_ms(self._sampler.due_ms(), self._hal.rtc_ms()))

    def _read(self, sensor: dict) -> int | None:
        self.log.reads += 1
        self._hal.feed()
        return self._hal.read_raw(sensor)

    def _pace(self, moved: bool) -> int:
        return pace.quarters(
            moved, False, doze.last(self._sampler.sensors, fields.BATTERY), self._config.get("battery_mv")
        )

    def _sample(self, now_ms: int) -> None:
        rows = self._sampler.sample(now_ms)
        if not rows:
            return
        quarters = self._pace(doze.moved(self._sampler.sensors, self.log.sensors))
        doze.keep(self._sampler.sensors, self.log.sensors)
        if quarters != self._sampler.quarters:
            self._sampler.quarters = self.log.quarters = quarters
            doze.resume(self._sampler.sensors, self.log.sensors, now_ms, quarters)
        self.log.sampled_ms = now_ms
        self._keep(rows)

    def _keep(self, rows: list) -> None:
        found = self.log.append(rows)
        if found is None:
            self._spill()
            found = self.log.append(rows)
        self._hal.rtc_keep(self.log.sealed())
        self._hal.trace("stored %d %d %d" % (self.log.boot_id, found[0], found[1]))

    def _journal(self, drawn: int = 0):
        """The journal on flash, of this boot, its volume mounted. Raises OSError."""
        from . import journal, volume

        blocks, made = volume.mount(self._hal.block_device(), lambda: self._hal.wait(None, PAUSE_MS))
        if made:
            self._volume = fields.VOLUME_MADE
        found = journal.Journal(volume.MOUNT_POINT, blocks, drawn, self.log.boot_id)
        found.clock = self.log.clock
        self._store = found
        return found

    def _leave(self) -> None:
        """Let go of the flash; what it lost is counted."""
        from . import volume

        self.log.dropped += self._store.dropped
        self._store = None
        volume.leave()

    def _without(self, error: OSError) -> None:
        self._hal.trace("no volume: %r" % error)
        self._volume = fields.VOLUME_NONE

    def _begin(self) -> None:
        """RTC memory was empty: count a new boot, on flash, before its first reading."""
        drawn = int.from_bytes(self._hal.random_bytes(2), "big")
        boot_id = drawn or 1
        try:
            store = self._journal(drawn)
            boot_id = store.boot_id
            self.log.backlog = not store.empty()
            self._leave()
        except OSError as error:
            self._without(error)
        self.log.begin(boot_id, self._hal.rtc_ms())

    def _spill(self) -> None:
        """Everything from RTC memory to the flash; when that takes nothing, the oldest gives way."""
        whole = False
        try:
            store = self._journal()
            whole = all(store.take(piece) for piece in self.log.pieces())
            self._leave()
        except OSError as error:
            self._without(error)
        if whole:
            self.log.clear()
        else:
            self.log.drop_oldest(_DROP)

    def _talk(self, now_ms: int) -> None:
        """Send what there is, newest first, and say when to talk next."""
        from . import parley

        begun_ms = self._hal.link_ms()
        every_ms = self._every_ms
        if self.log.room() < _HEALTH:
            self._spill()
        self.log.send_ms = now_ms + every_ms
        self._hal.rtc_keep(self.log.sealed())
        done = parley.hold(self._config, self._hal, self.log, self._health, self._backlog)
        if self._store is not None:
            self._leave()
        self.log.radio_ms = min(self.log.radio_ms + self._hal.link_ms() - begun_ms, _MOST)
        if done:
            self._hal.config_proved()
            self.log.failures = 0
            self.log.send_ms = (self.now_ms() // every_ms + 1) * every_ms  # on the grid of uptime, as the readings are
        else:
            self.log.failures += 1
            self.log.send_ms = now_ms + (every_ms << min(self.log.failures, 2))

    def _backlog(self):
        """The journal, to be sent; None when it cannot be had now."""
        try:
            return self._journal()
        except OSError as error:
            self._without(error)
            return None

    def _health(self) -> None:
        log = self.log
        now_ms = self.now_ms()
        rows = [
            _row(now_ms, fields.HEAP_FREE, self._hal.heap_free()),
            _row(now_ms, fields.AWAKE, log.awake_ms // 1000),
            _row(now_ms, fields.RADIO, log.radio_ms // 1000),
        ]
        signal_dbm = self._hal.rssi()
        if signal_dbm is not None:
            rows.append(_row(now_ms, fields.RSSI, signal_dbm))
        if log.dropped != log.told_dropped:
            log.told_dropped = log.dropped
            rows.append(_row(now_ms, fields.DROPPED_READINGS, log.dropped))
        news = self._hal.config_news()
        if news is not None:
            rows.append(_row(now_ms, fields.CONFIG, news))
        if self._volume:
            rows.append(_row(now_ms, fields.VOLUME, self._volume))
        self._keep(rows)


def _ms(seconds) -> int:
    found = int(seconds * 1000)  # of a text this is a text a thousand times as long
    if not 1_000 <= found <= sampler.LONGEST_MS:
        raise ValueError("seconds")
    return found


def _row(now_ms: int, field: int, raw: int) -> tuple[int, int, int, int, int, int]:
    return (now_ms, field, 0, fields.GOOD, fields.FAULT_NONE, raw)


def run(hal, config: dict) -> None:
    """One wake, and to sleep; does not return."""
    sleeper = Sleeper(config, hal)
    hal.deepsleep(sleeper.wake())
