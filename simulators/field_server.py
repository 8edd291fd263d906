"""The field as a process: nodes read and switch it through a line on loopback, and it bears witness to what
happened.

Rules of this module:
- The line is the one of simulators/node_hal/field_line.py. A wrong request is answered `err …` and changes
  nothing.
- The field moves on by the village clock, up to now, before every request; between requests a tick keeps it
  moving.
- A node whose connection closes has no power: its outputs go off. A new `hello` of the same node replaces the
  old line.
- The guard of a node is a timer beside its program. Once it is armed, all outputs of the node go off GUARD_MS of
  real time after the armed time, unless it is armed anew before; the node is told by the next answer to `arm`.
- The witness knows nothing of broker, gateway and cloud. It is append-only JSON lines, one file for what the
  nodes told and did (witness.jsonl) and one for the truth of the field at intervals (truth.jsonl); each line is
  whole or missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from gateway.registry import RegistryError, load
from kit.clock import Clock, ClockFileError, clock_from_environment, stretch_ms
from simulators.field.layout import LayoutError, layout
from simulators.field.weather import WeatherError, read_csv
from simulators.field.world import World
from simulators.outlook import Service

HOST = "127.0.0.1"
MAX_LINE = 200
MAX_CONNECTIONS = 300
TICK_REAL_S = 0.1
TRUTH_EVERY_MS = 600_000
GUARD_MS = 500


class RequestError(Exception):
    """A request that the field does not understand; the text goes back to the node."""


class Witness:
    """Append-only JSON lines, flushed line by line."""

    def __init__(self, folder: Path) -> None:
        self._events: IO[str] = (folder / "witness.jsonl").open("a", encoding="utf-8", buffering=1)
        self._truth: IO[str] = (folder / "truth.jsonl").open("a", encoding="utf-8", buffering=1)

    def event(self, kind: str, at_ms: int, **facts: object) -> None:
        self._events.write(json.dumps({"kind": kind, "at_ms": at_ms, **facts}, ensure_ascii=False) + "\n")

    def truth(self, at_ms: int, facts: dict[str, object]) -> None:
        self._truth.write(json.dumps({"at_ms": at_ms, **facts}) + "\n")

    def close(self) -> None:
        self._events.close()
        self._truth.close()


class FieldServer:
    """The requests of the line, applied to a `World`. Nodes are told to measure from its start to `end_ms` only."""

    def __init__(
        self, world: World, witness: Witness, clock: Clock, end_ms: int | None, service: Service | None = None
    ) -> None:
        self._world = world
        self._witness = witness
        self._clock = clock
        self._start_ms = world.now_ms
        self._end_ms = end_ms
        self._service = service
        self._epochs: dict[str, int] = {}  # node -> village wall ms at ticks 0 of its boot
        self._lines: dict[str, object] = {}  # node -> the connection that speaks for it
        self._greeted: set[tuple[object, str]] = set()  # (connection, node) that said hello and is not closed
        self._truth_due_ms = world.now_ms
        self._guard_ms = stretch_ms(clock, GUARD_MS, GUARD_MS)
        self._armed: dict[str, int] = {}  # node -> village wall ms at which its guard fires
        self._fired: dict[str, int] = {}  # node -> when it fired, not yet told
        self._verbs: dict[str, Callable[[str, list[str]], str]] = {
            "read": self._read,
            "set": self._set,
            "arm": self._arm,
            "trace": self._trace,
            "measuring": self._measuring,
        }

    def tick(self) -> int:
        """Move the field on to now, and let guards fire and note the truth when that is due."""
        now_ms = self._clock.now_ms()
        while self._truth_due_ms <= now_ms:
            self._world.advance(self._truth_due_ms)
            self._witness.truth(self._truth_due_ms, self._world.report())
            self._truth_due_ms += TRUTH_EVERY_MS
        for node in [node for node, due_ms in self._armed.items() if due_ms <= now_ms]:
            self._fired[node] = due_ms = self._armed.pop(node)
            self._world.advance(max(due_ms, self._world.now_ms))
            self._all_off(node, "guard")
        self._world.advance(now_ms)
        if self._service is not None:
            self._service.deliver(now_ms)
        return now_ms

    def request(self, line: str, connection: object) -> str:
        """The answer to one line of one connection."""
        self.tick()
        words = line.split(" ")
        try:
            if len(words) < 2 or not all(words[:2]):
                raise RequestError("say a verb and a node")
            verb, node = words[:2]
            if verb == "hello":
                return self._hello(node, words[2:], connection)
            # what a node told before it hung up may be read after its new hello: it is evidence all the same
            greeted = (connection, node) in self._greeted if verb == "trace" else self._lines.get(node) is connection
            if not greeted:
                raise RequestError("say hello first")
            if verb not in self._verbs:
                raise RequestError("unknown verb")
            return self._verbs[verb](node, words[2:])
        except (RequestError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            self._witness.event("err", self._world.now_ms, line=line[:MAX_LINE], reason=reason)
            return f"err {reason}"

    def closed(self, connection: object) -> None:
        """A connection is gone: the nodes that spoke on it have no power."""
        self.tick()
        self._greeted = {greeted for greeted in self._greeted if greeted[0] is not connection}
        for node in [node for node, line in self._lines.items() if line is connection]:
            del self._lines[node]
            self._power_off(node)

    def finish(self) -> None:
        """The last words: all outputs off and the water that each garden got."""
        now_ms = self.tick()
        for node in list(self._lines):
            self._power_off(node)
        self._witness.truth(now_ms, self._world.report())
        for zone in self._world.layout.zones:
            totals = self._world.delivered[zone.id]
            self._witness.event(
                "water", now_ms, zone=zone.id, litres=totals.litres, mm=totals.litres / zone.area_m2,
                open_s=totals.open_s,
            )  # fmt: skip
        self._witness.close()

    def _hello(self, node: str, words: list[str], connection: object) -> str:
        epoch_ms = int(_one(words))
        self._power_off(node)
        self._lines[node] = connection
        self._greeted.add((connection, node))
        if self._epochs.get(node) != epoch_ms:
            self._epochs[node] = epoch_ms
            self._witness.event("boot", self._world.now_ms, node=node, epoch_ms=epoch_ms)
        return "ok"

    def _read(self, node: str, words: list[str]) -> str:
        field_id, channel = _two(words)
        raw = self._world.read(node, int(field_id), int(channel))
        return "none" if raw is None else f"v {raw}"

    def _set(self, node: str, words: list[str]) -> str:
        output, state = _two(words)
        if state not in ("0", "1"):
            raise RequestError("an output is 0 or 1")
        self._switch(node, int(output), state == "1", "set")
        return "ok"

    def _arm(self, node: str, words: list[str]) -> str:
        due = _one(words)
        self._armed.pop(node, None)
        if due != "none":
            self._armed[node] = self._epochs[node] + int(due) + self._guard_ms
        fired_ms = self._fired.pop(node, None)
        return "ok" if fired_ms is None else f"fired {fired_ms - self._epochs[node]}"

    def _trace(self, node: str, words: list[str]) -> str:
        kind, *rest = words or [""]
        if kind == "stored":
            boot, first, last = (int(word) for word in rest)
            self._witness.event("stored", self._world.now_ms, node=node, boot=boot, first=first, last=last)
        elif kind == "lease":
            output, until_ticks_ms = (int(word) for word in rest)
            until_ms = self._epochs[node] + until_ticks_ms
            self._witness.event("lease", self._world.now_ms, node=node, output=output, until_ms=until_ms)
        elif kind == "heap":
            self._witness.event("heap", self._world.now_ms, node=node, free=int(_one(rest)))
        else:
            self._witness.event("said", self._world.now_ms, node=node, text=" ".join(words))
        return "ok"

    def _measuring(self, _node: str, _words: list[str]) -> str:
        now_ms = self._clock.now_ms()
        return "1" if self._start_ms <= now_ms and (self._end_ms is None or now_ms < self._end_ms) else "0"

    def _power_off(self, node: str) -> None:
        self._armed.pop(node, None)
        self._fired.pop(node, None)
        self._all_off(node, "no power")

    def _all_off(self, node: str, why: str) -> None:
        for owner, index in sorted(self._world.outputs):
            if owner == node:
                self._switch(owner, index, False, why)

    def _switch(self, node: str, index: int, on: bool, why: str) -> None:
        if self._world.outputs.get((node, index)) == on:
            return
        self._world.set_output(node, index, on)
        self._witness.event("output", self._world.now_ms, node=node, output=index, on=on, why=why)


def _one(words: list[str]) -> str:
    if len(words) != 1:
        raise RequestError("one word is wanted")
    return words[0]


def _two(words: list[str]) -> tuple[str, str]:
    if len(words) != 2:
        raise RequestError("two words are wanted")
    return words[0], words[1]


async def serve(server: FieldServer, port: int, stopped: asyncio.Event) -> None:
    """Answer lines until `stopped`, and then say the last words."""
    writers: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(writers) >= MAX_CONNECTIONS:
            writer.close()
            return
        writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write((server.request(line.decode("utf-8", "replace").rstrip("\r\n"), writer) + "\n").encode())
                await writer.drain()
        except (ConnectionError, ValueError):  # ValueError: a line longer than the limit
            pass
        finally:
            writers.discard(writer)
            if not stopped.is_set():
                server.closed(writer)
            writer.close()

    listener = await asyncio.start_server(talk, HOST, port, limit=MAX_LINE)
    while not stopped.is_set():
        server.tick()
        try:
            await asyncio.wait_for(stopped.wait(), TICK_REAL_S)
        except TimeoutError:
            continue
    listener.close()
    server.finish()
    for writer in list(writers):
        writer.close()


async def _run(server: FieldServer, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await serve(server, port, stopped)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="simulators.field_server", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--village", type=Path, required=True, help="the village's registry")
    parser.add_argument("--truth", type=Path, required=True, help="field.toml")
    parser.add_argument("--weather", type=Path, required=True, help="daily weather")
    parser.add_argument("--witness", type=Path, required=True, help="folder for what the witness writes")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start-ms", type=int, required=True, help="village wall time at which the field begins")
    parser.add_argument("--end-ms", type=int, help="village wall time from which nodes measure no more")
    parser.add_argument("--outlook", type=Path, help="where the weather service puts what it foresees")
    args = parser.parse_args(argv)
    try:
        clock = clock_from_environment()
        plan = layout(load(args.village), tomllib.loads(args.truth.read_text(encoding="utf-8")), args.seed)
        world = World(plan, read_csv(args.weather), args.seed, args.start_ms)
    except (ClockFileError, RegistryError, LayoutError, WeatherError, OSError, tomllib.TOMLDecodeError) as error:
        print(f"field server: {error}", file=sys.stderr)
        return 2
    args.witness.mkdir(parents=True, exist_ok=True)
    service = Service(world.weather, args.seed, args.outlook) if args.outlook else None
    asyncio.run(_run(FieldServer(world, Witness(args.witness), clock, args.end_ms, service), args.port))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
