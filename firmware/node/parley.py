"""What a node that sleeps does with its radio: connect, hello, send all there is, leave.

Rules
1. Sent first is what is in RTC memory, then what is on flash, oldest first. What is acknowledged is forgotten at once.
   The answer to hello brings the gateway's time, which corrects the uptime of the boot.
2. It ends when all is acknowledged, when nothing got on for ``still_s`` (of the config), or after TALK_MS; what is left
   is sent next time.
3. It leaves with DISCONNECT: the broker then tells no will, because a node that sleeps is not gone.
"""

from wire import frames, topics
from wire.seal import Sealer

from . import link, talk
from .broker import LEAN
from .version import FIRMWARE

TALK_MS = 60_000
STILL_S = 12  # without progress for so long: the gateway is not there


class _Owner:
    """What talk.Talk asks of a node."""

    def __init__(self, config: dict, hal, log) -> None:
        self._model = config["model"]
        self._hal = hal
        self._log = log
        self._nonce = talk.nonce_of(bytes.fromhex(config["key"]), log.boot_id, hal.random_bytes(16))
        self._cause = hal.boot_cause()

    def now_ms(self) -> int:
        return self._log.uptime_ms(self._hal.rtc_ms())

    def hello(self) -> frames.Hello:
        return frames.Hello(
            self._log.boot_id,
            self._nonce,
            self.now_ms(),
            self._log.next_seq,
            self._cause,
            0,
            self._hal.heap_free(),
            FIRMWARE,
            self._model,
        )

    def obey(self, _command, _retained: bool) -> None:
        """There is nothing to command."""

    def idle(self) -> bool:
        """Nothing is ever on here."""
        return True


def hold(config: dict, hal, log, health, backlog) -> bool:
    """Talk; whether all that is in RTC memory has arrived. ``health`` is called once the gateway has answered, to add
    its rows; ``backlog`` opens the journal on flash, or answers None."""
    connection = link.Link(hal, config, _gone(config, log.boot_id), window=2, sizes=LEAN)
    config["broker"].clear()  # the link has its own copy; heap is dear with the flash and the radio at once
    conversation = talk.Talk(config, hal, log, connection, _Owner(config, hal, log))
    begun_ms = moved_ms = hal.link_ms()
    left = None
    told = done = False
    still_ms = int(config.get("still_s", STILL_S) * 1000)
    while not done and hal.link_ms() - moved_ms < still_ms and hal.link_ms() - begun_ms < TALK_MS:
        hal.feed()
        conversation.listen()
        if conversation.answered() and not told:
            told = True
            if log.clock[1]:
                log.learn(hal.rtc_ms())
            health()
        conversation.send()
        now_left = _left(conversation.store), told
        if now_left != left:
            left, moved_ms = now_left, hal.link_ms()
        if told and conversation.store.empty():
            # RTC memory first, then the flash, then it is done.
            more = backlog() if conversation.store is log and log.backlog else None
            if more is None:
                done = True
            else:
                conversation.store = more
        if not done:
            hal.wait(connection.poller, connection.wait_ms(hal.link_ms()))
    if done and hal.briefing is not None:
        from update import probation

        probation.woke(hal, conversation, connection)
    if conversation.store is not log:
        log.backlog = not conversation.store.empty()
    connection.close(hal.link_ms())
    return log.empty()


def _left(store) -> tuple[int, bool]:
    """Changes when something was sent or acknowledged."""
    return store.in_flight(), store.empty()


def _gone(config: dict, boot_id: int) -> bytes:
    """The sealed last will: for a node that dies while it talks."""
    topic = topics.topic(config["village"], config["node"], topics.UP, topics.GONE)
    return Sealer(bytes.fromhex(config["key"])).seal(topic, frames.encode_gone(boot_id))
