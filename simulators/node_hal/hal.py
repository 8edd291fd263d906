"""The hal of a simulated node: real MicroPython on this machine, a flash in a file, a field behind a socket.

The node's program imports ``hal`` and nothing else that knows where it runs. On a board that is firmware/hal; here
this folder stands first on MICROPYPATH and answers instead. Functions and meanings are the same.

To start a node:  MICROPYPATH=simulators/node_hal:build/node:.frozen micropython -X heapsize=112k -m main
(not with a path to main.py: MicroPython would search that file's folder first and find the board's hal.)

Environment
    HOIQUAN_NODE_CONFIG  path of the node's JSON config, as the gateway's provisioning wrote it (must be set)
    HOIQUAN_NODE_FLASH   path of the flash file; made blank (0xFF) when missing. Keep it: it is the node's memory
    HOIQUAN_FIELD        host:port of the field server; without it every read is None and outputs move nothing
    HOIQUAN_CLOCK        the village clock (see kit.clock); without it village time is real time
    HOIQUAN_NODE_CHIP    the chip's two partitions for interpreters (chip.py); without it there is one only
    HOIQUAN_PORTAL       where a node that is set up listens (portal.py)

Rules
1. ``ticks_ms`` is village time since the process started and never wraps; ``link_ms`` is real time. The two are
   not comparable.
2. ``wait`` never lasts more than MAX_WAIT_MS of real time, so in a sped-up run a lease ends at most that late. When
   the program hangs, the guard that ``arm`` sets switches off: it lives in the field server, as a board's lives in a
   timer beside the program.
3. Nothing here raises because the field server is slow or away: a read is None, an output is remembered and set
   again when the server is back (rules of the line: field_line.py).
4. Exit codes: 0 done, RESTART (42) the node asks to be started again, as a board's reset would, ASLEEP (43) it sleeps
   and is to be started again at once (nap.py); anything else is a crash, and the launcher starts it again too. A killed
   process has lost its power.
5. A node whose field server has been away for ORPHAN_MS of real time ends by itself with 0: its run is over.
"""

import gc
import json
import os
import socket
import sys
import time

import field_line
import flash_file

MAX_WAIT_MS = 50
ORPHAN_MS = 30_000
RESTART = 42
MAX_OUTPUTS = 8

# What of wire.frames.BOOT_CAUSES can happen here.
CAUSE_POWER = 1
CAUSE_SLEEP = 4
CAUSE_ERROR = 5
_EINPROGRESS = 115

_start_us = time.ticks_us()


def _clock() -> tuple[float, int]:
    """(speed, village wall ms at the start of this process)."""
    name = os.getenv("HOIQUAN_CLOCK")
    if not name:
        return 1.0, time.time_ns() // 1_000_000
    with open(name) as file:
        anchor = json.load(file)
    speed = float(anchor["speed"])
    return speed, int(anchor["village_ms"]) + int((_start_us - int(anchor["mono_us"])) * speed / 1000)


_speed, _epoch_ms = _clock()
ROOT = None  # where slots and pointer lie, as safe.py mounts them; None on a node that has one tree of files
briefing = None  # what the loader tells the program (update/briefing.py)
_config = None
_news = None
_outputs = [False] * MAX_OUTPUTS
_line = None
_armed_ms = None


def config() -> dict:
    """The node's config. A node without one cannot live: OSError or ValueError says why."""
    global _config, _news
    if _config is None:
        from node import lastgood

        _config, _news = lastgood.find(*_config_places(), lambda _: None)
    return _config


def _config_places() -> tuple[str, str]:
    """What stands before the names of the slots, and the file that was given."""
    flash = os.getenv("HOIQUAN_NODE_FLASH") or "node.flash"
    return flash + ".", os.getenv("HOIQUAN_NODE_CONFIG") or "node.json"


def config_news() -> int | None:
    """What the reading ``config`` is to say; None: nothing."""
    return _news


def config_proved() -> None:
    """The node could be built by its config."""
    from node import lastgood

    lastgood.proved(*_config_places())


def config_refused() -> bool:
    """The node could not be built by it; whether there is another to start again with."""
    from node import lastgood

    return lastgood.refused(*_config_places())


def enrolling():
    """What sets this node up (portal.py), when this start is for that; else None."""
    if os.getenv("HOIQUAN_PORTAL"):
        import portal

        if portal.wanted():
            return portal
    return None


def ticks_ms() -> int:
    """Village milliseconds since the start, monotonic, never wrapping."""
    return int((time.ticks_us() - _start_us) * _speed / 1000)


def link_ms() -> int:
    """Real milliseconds, monotonic, for transport timers only."""
    return time.ticks_us() // 1000


def _field() -> field_line.FieldLine:
    global _line
    if _line is None:
        address = os.getenv("HOIQUAN_FIELD") or ""
        _line = field_line.FieldLine(address, config()["node"], _epoch_ms, _outputs)
    return _line


def outputs_off() -> None:
    """Every output off. Works before anything else does, also without config or field server."""
    for index in range(MAX_OUTPUTS):
        _outputs[index] = False
    if _line is not None:
        _line.replay()


def set_output(index: int, on: bool) -> None:
    """Switch one output. When the field server is away it is switched as soon as it is back."""
    _outputs[index] = bool(on)
    _field().switch(index)


def arm(due_ms: int | None) -> None:
    """Set the guard: all outputs off by themselves soon after ``due_ms`` unless it is set anew; None: nothing is on."""
    global _armed_ms
    _armed_ms = due_ms
    _field().arm(due_ms)


def fired() -> int | None:
    """The ticks_ms at which the guard switched everything off; it is told once."""
    if _armed_ms is not None and ticks_ms() >= _armed_ms + field_line.GUARD_MS * _speed:
        arm(None)
    return _field().take_fired()


def read_raw(sensor: dict) -> int | None:
    """One raw reading, or None when nothing answers."""
    return _field().read(int(sensor["field"]), int(sensor.get("channel", 0)))


def block_device() -> flash_file.FlashFile:
    """The flash that the node's data volume lives on."""
    return flash_file.FlashFile(os.getenv("HOIQUAN_NODE_FLASH") or "node.flash")


def partition():
    """The class of the chip's partitions."""
    import chip

    return chip.Partition


def random_bytes(count: int) -> bytes:
    return os.urandom(count)


def open_socket(host: str, port: int) -> socket.socket:
    """A non-blocking stream socket, to a numeric address, that is connected or still connects. Raises OSError."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    opened = socket.socket(family, kind, proto)
    opened.setblocking(False)
    try:
        opened.connect(address)
    except OSError as error:
        if error.errno != _EINPROGRESS:
            opened.close()
            raise
    return opened


def wait(poller, link_ms: int, due_ms: int | None = None) -> None:
    """Rest until ``poller`` has something, ``link_ms`` real ms are over, or village time ``due_ms`` is reached."""
    rest_ms = min(max(link_ms, 0), MAX_WAIT_MS)
    if due_ms is not None:
        rest_ms = min(rest_ms, max(0, int((due_ms - ticks_ms()) / _speed) + 1))
    if poller is None:
        time.sleep_ms(rest_ms)
    else:
        poller.poll(rest_ms)
    if _line is not None:
        _line.retry()


def feed() -> None:
    """The watchdog of a board. Here the launcher sees a dead process, and a hung one shows in the witness."""


def radio():
    """The ESP-NOW radio, of a node that relays or is relayed."""
    import radio as found

    return found.Radio()


def stuck() -> bool:
    """Whether the radio is. There is none here."""
    return False


def pressed() -> bool:
    """Whether somebody presses the button of the board. Nobody is here."""
    return False


def rssi() -> int | None:
    """Signal of the access point in dBm. There is no radio here."""


def heap_free() -> int:
    """Free heap in bytes after a collection."""
    gc.collect()
    return gc.mem_free()


def _cause_path() -> str:
    return (os.getenv("HOIQUAN_NODE_FLASH") or "node.flash") + ".cause"


def boot_cause() -> int:
    """Why this boot happened: CAUSE_ERROR after ``reset``, CAUSE_SLEEP, else CAUSE_POWER. Can be asked once."""
    try:
        os.remove(_cause_path())
    except OSError:
        return CAUSE_SLEEP if _slept else CAUSE_POWER
    return CAUSE_ERROR


def restart() -> None:
    """Start again as planned, by exit code RESTART; does not return."""
    sys.exit(RESTART)


def reset(reason: str) -> None:
    """Start again after a failure, by exit code RESTART; does not return. The launcher lets time pass before."""
    import safe

    safe.keep_reason(reason)
    try:
        open(_cause_path(), "w").close()
    except OSError:
        pass  # then the next boot says power, which is harmless
    sys.exit(RESTART)


def __getattr__(name: str):
    """What only a node that sleeps asks for: rtc, rtc_keep, rtc_ms, deepsleep."""
    import nap

    return getattr(nap, name)


def village_ms() -> int:
    """The village's wall time."""
    return _epoch_ms + ticks_ms()


def _woken() -> bool:
    """Whether this process is a board that was asleep; it goes on when its time has come."""
    global _epoch_ms, _start_us
    try:
        os.stat((os.getenv("HOIQUAN_NODE_FLASH") or "node.flash") + ".nap")
    except OSError:
        return False
    import nap

    _epoch_ms = nap.woken_ms(village_ms, _speed)
    _start_us = time.ticks_us()
    return True


_slept = _woken()
if os.getenv("HOIQUAN_NODE_CHIP"):
    partition()  # a start of the chip is its boot loader's first


def trace(line: str) -> None:
    """Tell the simulator's witness; nothing waits for what it says."""
    _field().tell(line)


def measuring() -> bool:
    """False once the simulator wants no more readings, so that the node only sends what it has."""
    return _field().measuring()


def stopping() -> bool:
    """True when the run is over."""
    return _field().away_ms() > ORPHAN_MS
