"""The village's line to the Internet: a TCP relay on loopback that can be cut.

Rules of this module:
- Cutting resets every connection at once and answers new ones by hanging up, until the line is mended. Bytes
  are never changed, kept or sent again: what was under way when the line was cut is gone.
- It runs in one thread of its own; `cut`, `mend` and `close` may be called from any thread.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK = 65_536
MAX_CONNECTIONS = 64


class Link:
    """Listens on `port` and passes everything on to `target_port`."""

    def __init__(self, port: int, target_port: int) -> None:
        self._port = port
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._main, name="link", daemon=True)
        self.cuts = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    def cut(self) -> None:
        if not self._is_cut:
            self._is_cut = True
            self.cuts += 1
            self._loop.call_soon_threadsafe(self._abort)

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            listener = await asyncio.start_server(self._relay, HOST, self._port)
        except OSError as error:
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        await self._end.wait()
        listener.close()
        self._abort()
        await asyncio.sleep(0)  # let the aborted relays see their end

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut or len(self._writers) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target_port)
        except OSError:
            writer.transport.abort()
            return
        if self.is_cut:  # meanwhile
            writer.transport.abort()
            far_writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
