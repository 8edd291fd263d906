"""A small field server for tests of a node: what simulators/node_hal/field_line.py says, and nothing more.

    with FieldServer() as field:
        field.raw[1, 0] = 1_500_000        # what (field, channel) reads; missing = nothing answers
        field.outputs, field.switched, field.traces, field.measuring

Rules: one thread, real time stamps (monotonic seconds); a connection that closes turns the outputs off, as pull-downs
do when a node has no power; the guard of a node fires GUARD_S after the armed time of ``clock`` on a thread of its own;
leaving the `with` block ends it.
"""

from __future__ import annotations

import socketserver
import threading
import time
from dataclasses import dataclass, field

from kit.clock import Clock, SystemClock

GUARD_S = 0.5


@dataclass
class FieldServer:
    """State that a test reads and sets while nodes are connected."""

    raw: dict[tuple[int, int], int] = field(default_factory=dict)
    outputs: dict[int, bool] = field(default_factory=dict)
    switched: list[tuple[float, int, bool]] = field(default_factory=list)  # real changes only
    traces: list[tuple[float, str]] = field(default_factory=list)
    epochs_ms: list[int] = field(default_factory=list)  # one for each hello
    measuring: bool = True
    port: int = 0
    clock: Clock = field(default_factory=SystemClock)  # the nodes' clock
    guard: threading.Timer | None = None
    fired: list[float] = field(default_factory=list)  # when the guard fired
    untold: str = "ok"

    def __enter__(self) -> FieldServer:
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    for line in self.rfile:
                        self.wfile.write(owner.answer(line.decode().split()).encode() + b"\n")
                except OSError:
                    pass  # a killed node
                finally:
                    for index in list(owner.outputs):
                        owner._switch(index, False)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, words: list[str]) -> str:
        kind = words[0] if words else ""
        if kind == "hello":
            self.epochs_ms.append(int(words[2]))
        elif kind == "read":
            raw = self.raw.get((int(words[2]), int(words[3])))
            return "none" if raw is None else f"v {raw}"
        elif kind == "set":
            self._switch(int(words[2]), words[3] == "1")
        elif kind == "arm":
            return self._arm(words[2])
        elif kind == "trace":
            self.traces.append((time.monotonic(), " ".join(words[2:])))
        elif kind == "measuring":
            return str(int(self.measuring))
        else:
            return "err unknown"
        return "ok"

    def _arm(self, due: str) -> str:
        if self.guard:
            self.guard.cancel()
            self.guard = None
        if due != "none":
            rest_ms = self.epochs_ms[-1] + int(due) - self.clock.now_ms()
            rest_s = max(0.0, GUARD_S + rest_ms / self.clock.speed / 1000)
            self.guard = threading.Timer(rest_s, self._fire, (int(due),))
            self.guard.daemon = True
            self.guard.start()
        untold, self.untold = self.untold, "ok"
        return untold

    def _fire(self, due_ms: int) -> None:
        self.fired.append(time.monotonic())
        self.untold = f"fired {due_ms + int(GUARD_S * 1000 * self.clock.speed)}"
        for index in list(self.outputs):
            self._switch(index, False)

    def _switch(self, index: int, on: bool) -> None:
        if self.outputs.get(index, False) != on:
            self.switched.append((time.monotonic(), index, on))
        self.outputs[index] = on

    def stored(self) -> set[tuple[int, int]]:
        """Every (boot, seq) that a node said is on its flash."""
        found: set[tuple[int, int]] = set()
        for _, text in list(self.traces):
            if text.startswith("stored "):
                boot, first, last = (int(word) for word in text.split()[1:])
                found.update((boot, seq) for seq in range(first, last + 1))
        return found

    def told(self, word: str) -> list[list[int]]:
        """The numbers of all traces that begin with ``word``."""
        return [[int(n) for n in text.split()[1:]] for _, text in list(self.traces) if text.split()[0] == word]
