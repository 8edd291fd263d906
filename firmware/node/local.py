"""What a cabinet does by itself: stop a pump that runs dry, obey its button, water a little when nobody answers.

Loaded only on a node whose config has ``local``. Pure but for the ``read`` function that it is given.

Rules
1. All of it goes through the leases: their hard maximum, rests and the pump's need of an open valve hold here too, and
   a lease from here is never renewed. What was switched from here is told with a fault of its own (``told``).
2. ``confirm``: while ``output`` is on, its ``sensor`` is read every ``every_s``. When it has not said at least ``min``
   for ``dry_s`` (15 s if the config does not say), everything goes off and that output rests DRY_REST_MS: DRY_RUN. A
   sensor that cannot be read says no water. It is one of the node's own: a flow meter, or a current.
3. ``button``: pressed while something is on, everything goes off. Otherwise, if no gateway was heard for ALONE_MS, the
   ``outputs`` go on in their order for ``minutes``, and off when rule 5 says no more. While a gateway answers it is
   the page that is asked.
4. ``fallback`` opens ``outputs`` when no gateway was heard for ``after_h``, the soil is critical, and the salt is known
   and low. It runs for at most ``run_minutes`` at a time, rests PAUSE_MS, and spends ``minutes_day`` in a day of
   uptime: 0, or a config without it, is never. It goes off at once when the gateway is heard or a condition falls away.
5. Soil, salt and level count only as last good readings younger than MAX_AGE_MS. Unknown salt never opens an intake,
   whoever asks: button and fall-back name ``salt``, unless their ``intake`` is False. A button without either (a config
   of before) only closes.
6. ``min_run_s``: an OPEN of what is off for less than that is answered NO_DURATION: motors that start often die young.
7. A reset forgets what was spent. It also begins to wait for the gateway anew, so that a node that keeps starting over
   spends at most a day's budget in every ``after_h``; LEAST_AFTER_H is as short as that may be.
"""

from wire import commands, fields

from . import core

DRY_S = 15
TURN_MS = 1_000  # what a turn of the loop may be late
DRY_REST_MS = 10 * 60_000
LOOK_S = 3
ALONE_MS = 10 * 60_000
MAX_BUTTON_MINUTES = 60
MAX_DAY_MINUTES = 120
LEAST_AFTER_H = 6
PAUSE_MS = 30 * 60_000
MAX_AGE_MS = 60 * 60_000
DAY_MS = 86_400_000


class Cabinet(core.Node):
    """A node that does something by itself."""

    _own = None

    def __init__(self, config: dict, hal, store, connection) -> None:
        super().__init__(config, hal, store, connection)
        own = config["local"]
        if "confirm" in own:
            own["confirm"]["sensor"] = _whole(config["sensors"], own["confirm"]["sensor"])
        self._own = Local(own, self._leases, hal.read_raw)

    def obey(self, command: commands.Command, retained: bool) -> None:
        if self._own.too_short(command):
            command.duration_ms = 0
        super().obey(command, retained)

    def _tend(self) -> int:
        if self._own is not None:
            self._own.step(self._hal.ticks_ms(), self.talk.heard_ms, self._hal.pressed())
        return super()._tend()

    def _keep(self, rows: list) -> None:
        """Readings on their way to the journal: they are looked at, and what was switched here says so."""
        if rows:
            self._own.seen(rows)
            super()._keep([self._own.told(row) for row in rows])


class Local:
    """Raises ValueError or KeyError for a config that cannot be."""

    def __init__(self, config: dict, leases, read) -> None:
        self._leases = leases
        self._read = read
        self._confirm = config.get("confirm")
        self._button = config.get("button")
        self._fallback = config.get("fallback")
        check(config, leases)
        self._min_run = config.get("min_run_s", 0) * 1000
        self._good = {}  # (field, channel) -> (ms, raw) of what the fall-back asks for
        self._why = {}  # output -> fault of its next switching
        self._wet_ms = 0  # when water was seen last, or the pump went on
        self._look_ms = 0
        self._down = False  # the button
        self._looking = False
        self._running = False
        self._by_hand = False  # what is on was opened by the button
        self._spent_ms = 0
        self._day = 0
        self._stepped_ms = 0
        self._pause_ms = 0

    def too_short(self, command: commands.Command) -> bool:
        """Whether it would start something for less than the minimum run."""
        starts = command.action == commands.OPEN and not self._on(command.output)
        return starts and command.duration_ms < self._min_run

    def told(self, row: tuple) -> tuple:
        """The same reading; that of an output that was switched from here carries the fault that says why, once."""
        if row[1] != fields.OUTPUT or row[2] not in self._why:
            return row
        at_ms, field, index, quality, _, raw = row
        return at_ms, field, index, quality, self._why.pop(index), raw

    def seen(self, rows: list) -> None:
        """Readings that were just taken."""
        for at_ms, field, channel, quality, _, raw in rows:
            if quality == fields.GOOD and field != fields.OUTPUT:
                self._good[field, channel] = at_ms, raw

    def step(self, now_ms: int, heard_ms: int, down: bool) -> None:
        """One look at all of it. ``heard_ms`` is when the gateway was heard last (0: never in this boot), ``down``
        whether the button is."""
        self._account(now_ms)
        if down and not self._down:
            self._press(now_ms, heard_ms)
        self._down = down
        if self._by_hand:
            self._by_hand = bool(self._leases.mask()) and now_ms - heard_ms >= ALONE_MS
            if self._by_hand and not self._fit(self._button, now_ms):
                self._shut(now_ms, fields.FAULT_BY_BUTTON)
        if self._confirm is not None:
            self._watch(now_ms)
        if self._running:
            self._running = any(self._on(index) for index in self._fallback["outputs"])
            if self._running and not (self._left_ms() > 0 and self._may(now_ms, heard_ms)):
                self._shut(now_ms, fields.FAULT_FALLBACK)
        elif self._fallback is not None and not self._leases.mask() and now_ms >= self._pause_ms:
            left_ms = self._left_ms()
            if left_ms > 0 and self._may(now_ms, heard_ms):
                ms = min(left_ms, self._fallback["run_minutes"] * 60_000)
                self._running = self._open(self._fallback["outputs"], ms, fields.FAULT_FALLBACK, now_ms)
                self._pause_ms = now_ms + ms + PAUSE_MS

    def _press(self, now_ms: int, heard_ms: int) -> None:
        if self._leases.mask():
            self._shut(now_ms, fields.FAULT_BY_BUTTON)
        elif self._button is not None and now_ms - heard_ms >= ALONE_MS and self._fit(self._button, now_ms):
            self._by_hand = self._open(
                self._button["outputs"], self._button["minutes"] * 60_000, fields.FAULT_BY_BUTTON, now_ms
            )

    def _watch(self, now_ms: int) -> None:
        """The pump, and whether water comes."""
        confirm = self._confirm
        if not self._on(confirm["output"]):
            self._wet_ms = 0
            return
        if not self._wet_ms:
            self._wet_ms = now_ms
            self._look_ms = now_ms
        if now_ms >= self._look_ms and not self._looking:
            self._looking = True
            self._look_ms = now_ms + confirm.get("every_s", LOOK_S) * 1000
            try:
                raw = self._read(confirm["sensor"])
                if raw is not None and raw >= confirm["min"]:
                    self._wet_ms = now_ms
            except OSError:
                pass  # rule 2: no water was seen
            finally:
                self._looking = False
        if now_ms - self._wet_ms >= self._dry_ms():
            self._shut(now_ms, fields.FAULT_DRY_RUN)
            pump = self._leases.find(confirm["output"])
            pump.rested_at_ms = max(pump.rested_at_ms, now_ms + DRY_REST_MS)
            self._wet_ms = 0

    def _dry_ms(self) -> int:
        return self._confirm.get("dry_s", DRY_S) * 1000 - TURN_MS

    def _may(self, now_ms: int, heard_ms: int) -> bool:
        """Whether the conditions of the fall-back hold."""
        how = self._fallback
        if now_ms - heard_ms < how["after_h"] * 3_600_000:
            return False
        soil = how["soil"]
        dry = self._fresh(soil, now_ms)
        if dry is None or (dry <= soil["raw"] if soil.get("dry_above", True) else dry >= soil["raw"]):
            return False
        return self._fit(how, now_ms)

    def _fit(self, how: dict, now_ms: int) -> bool:
        """Whether there is water that may be let in."""
        if how.get("intake", True):
            salt = self._fresh(how["salt"], now_ms) if "salt" in how else None
            if salt is None or salt > how["salt"]["max"]:
                return False
        if "level" in how:
            level = self._fresh(how["level"], now_ms)
            return level is not None and level >= how["level"]["min"]
        return True

    def _fresh(self, what: dict, now_ms: int) -> int | None:
        found = self._good.get((what["field"], what.get("channel", 0)))
        return found[1] if found is not None and now_ms - found[0] <= MAX_AGE_MS else None

    def _account(self, now_ms: int) -> None:
        """What a running fall-back has spent, by the day of uptime."""
        if self._running:
            self._spent_ms += now_ms - self._stepped_ms
        self._stepped_ms = now_ms
        if now_ms // DAY_MS != self._day:
            self._day = now_ms // DAY_MS
            self._spent_ms = 0

    def _left_ms(self) -> int:
        return self._fallback["minutes_day"] * 60_000 - self._spent_ms

    def _on(self, index: int) -> bool:
        return bool(self._leases.mask() >> index & 1)

    def _open(self, outputs: list, ms: int, fault: int, now_ms: int) -> bool:
        """All of them, or none."""
        for index in outputs:
            if self._leases.open(index, ms, 0, now_ms) != commands.ACCEPTED:
                self._shut(now_ms, fault)
                return False
            self._why[index] = fault
        return True

    def _shut(self, now_ms: int, fault: int) -> None:
        self._running = False
        for index in range(commands.MAX_OUTPUTS):
            if self._on(index):
                self._why[index] = fault
        self._leases.close_all(now_ms)


def _whole(sensors: list, named: dict) -> dict:
    """The sensor of the node's config that is meant: it has its driver and pins."""
    for sensor in sensors:
        if sensor["field"] == named["field"] and sensor.get("channel", 0) == named.get("channel", 0):
            return sensor
    raise ValueError("local")


def check(config: dict, leases) -> None:
    """Whether the config keeps its limits. What is wrong with one is said where it is written, by the registry."""
    confirm, button, how = config.get("confirm"), config.get("button"), config.get("fallback")
    fine = not set(config) - {"confirm", "button", "fallback", "min_run_s"}
    named = []
    if confirm is not None:
        named.append(confirm["output"])
        fine = fine and confirm["min"] > 0 and 3 <= confirm.get("dry_s", DRY_S) <= 120
    if button is not None:
        named += button["outputs"]
        fine = fine and 0 < button["minutes"] <= MAX_BUTTON_MINUTES
    if how is not None:
        named += how["outputs"]
        fine = fine and how["outputs"] and 0 <= how["minutes_day"] <= MAX_DAY_MINUTES and how["run_minutes"] > 0
        fine = fine and how["after_h"] >= LEAST_AFTER_H and "raw" in how["soil"]
        fine = fine and (not how.get("intake", True) or "max" in how["salt"])
    if not fine or None in [leases.find(index) for index in named]:
        raise ValueError("local")
