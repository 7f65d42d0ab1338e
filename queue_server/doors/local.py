"""The local door: a Unix socket (mode 600) by which the centre's own processes give orders and follow the log.

Frames are JSON behind a 4-byte length. Who holds the socket's folder is trusted: the web process
names the logged-in person and her role, which it has from the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from ..desk.desk import Request
from ..desk.estimates import Table
from ..desk.verbs import VERBS
from ..line import events as e
from ..wire import messages as m
from ..wire.words import Frozen, Role

log = structlog.get_logger()
LARGEST = 16_000_000
SLOWEST_FOLLOWER_BYTES = 8_000_000


class Frame(Frozen, tag_field="f"):
    pass


class Give(Frame, tag=True):
    """An order. `id` is chosen by the giver; asked again it gives the same answer."""

    id: str
    verb: str
    actor: e.Actor
    body: msgspec.Raw
    role: Role | None = None


class Follow(Frame, tag=True):
    """Send me all that happens from now on."""


class FreshTable(Frame, tag=True):
    """The twin's new estimates (twin → server → followers)."""

    table: Table


class Following(Frame, tag=True):
    """The log's head when following began; estimates and devices as they are."""

    seq: int
    table: Table
    presence: tuple[m.Presence, ...] = ()


class DeviceSeen(Frame, tag=True):
    presence: m.Presence


class ServerFigures(Frame, tag=True):
    """How the server's own process does, for `/metrics`: names as Prometheus wants them."""

    values: dict[str, float] = {}


class Happened(Frame, tag=True):
    entries: list[e.Entry]


class Answered(Frame, tag=True):
    answer: m.Answer


class DevicesChanged(Frame, tag=True):
    """Devices were added, enrolled or revoked: let the broker know them."""


Heard = Give | Follow | FreshTable | DevicesChanged
Said = Following | Happened | Answered | FreshTable | DeviceSeen | ServerFigures

_heard = msgspec.json.Decoder(Heard)
_said = msgspec.json.Decoder(Said)


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame, or None at the end of the line."""
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > LARGEST:
            return None
        return await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def framed(message: Frozen) -> bytes:
    body = m.encode(message)
    return len(body).to_bytes(4, "big") + body


class LocalDoor:
    """Runs its own event loop in a thread of the server's process; `say_*` may be called from any thread."""

    def __init__(
        self,
        path: Path,
        submit: Callable[[Request], None],
        seq: Callable[[], int],
        table: Callable[[], Table],
        on_table: Callable[[Table], None],
        on_devices: Callable[[], None] = lambda: None,
        presence: Callable[[], tuple[m.Presence, ...]] = tuple,
    ) -> None:
        self._presence = presence
        self._path, self._submit, self._seq = path, submit, seq
        self._table, self._on_table, self._on_devices = table, on_table, on_devices
        self._loop = asyncio.new_event_loop()
        self._followers: set[asyncio.StreamWriter] = set()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="local-door", daemon=True)
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        self._thread.start()
        self._up.wait(5)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(3)
        self._path.unlink(missing_ok=True)

    def say_happened(self, entries: list[e.Entry]) -> None:
        self._say(Happened(entries=entries))

    def say_table(self, table: Table) -> None:
        self._say(FreshTable(table=table))

    def say_seen(self, presence: m.Presence) -> None:
        self._say(DeviceSeen(presence=presence))

    def say_figures(self, values: dict[str, float]) -> None:
        self._say(ServerFigures(values=values))

    def _say(self, message: Frozen) -> None:
        if not self._followers:
            return
        frame = framed(message)
        self._loop.call_soon_threadsafe(self._to_all, frame)

    def _to_all(self, frame: bytes) -> None:
        for writer in list(self._followers):
            if writer.transport.get_write_buffer_size() > SLOWEST_FOLLOWER_BYTES:
                writer.close()  # it will come back and read the log
                self._followers.discard(writer)
            else:
                writer.write(frame)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._path.unlink(missing_ok=True)
        self._server = self._loop.run_until_complete(
            asyncio.start_unix_server(self._serve, str(self._path))
        )
        os.chmod(self._path, 0o600)
        self._up.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (body := await read_frame(reader)) is not None:
                self._hear(body, writer)
        finally:
            self._followers.discard(writer)
            with contextlib.suppress(ConnectionError):
                writer.close()

    def _hear(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            frame = _heard.decode(body)
        except msgspec.DecodeError as error:
            log.warning("local_frame_unreadable", cause=type(error).__name__)
            return
        match frame:
            case Give():
                self._give(frame, writer)
            case Follow():
                head = Following(seq=self._seq(), table=self._table(), presence=self._presence())
                writer.write(framed(head))
                self._followers.add(writer)
            case FreshTable(table=table):
                self._on_table(table)
            case DevicesChanged():
                self._on_devices()

    def _give(self, frame: Give, writer: asyncio.StreamWriter) -> None:
        def reply(answer: m.Answer) -> None:
            self._loop.call_soon_threadsafe(writer.write, framed(Answered(answer=answer)))

        kind = VERBS.get(frame.verb)
        try:
            body: Any = msgspec.json.decode(bytes(frame.body), type=kind) if kind else None
        except msgspec.DecodeError as error:
            body, kind = None, None
            log.warning("order_unreadable", verb=frame.verb, cause=type(error).__name__)
        if kind is None:
            refusal = m.Refusal(code="unreadable")
            reply(m.Answer(id=frame.id, verb=frame.verb, at=0, refusal=refusal))
            return
        self._submit(
            Request(
                id=frame.id,
                verb=frame.verb,
                actor=frame.actor,
                body=body,
                reply=reply,
                role=frame.role,
            )
        )


class LocalLine:
    """The other end: gives orders and follows; comes back by itself when the server does (asyncio)."""

    def __init__(
        self,
        path: Path,
        on_following: Callable[[Following], None] = lambda _: None,
        on_happened: Callable[[list[e.Entry]], None] = lambda _: None,
        on_table: Callable[[Table], None] = lambda _: None,
        on_seen: Callable[[m.Presence], None] = lambda _: None,
        on_lost: Callable[[], None] = lambda: None,
        on_figures: Callable[[dict[str, float]], None] = lambda _: None,
        follow: bool = True,
    ) -> None:
        self._path, self._follow = path, follow
        self._on_following, self._on_happened = on_following, on_happened
        self._on_table, self._on_seen, self._on_lost = on_table, on_seen, on_lost
        self._on_figures = on_figures
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[str, asyncio.Future[m.Answer]] = {}
        self._task: asyncio.Task[None] | None = None
        self.up = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._writer is not None:
            self._writer.close()

    async def give(
        self,
        order_id: str,
        verb: str,
        body: Frozen,
        actor: e.Actor,
        role: Role | None,
        seconds: float = 10.0,
    ) -> m.Answer:
        """The server's answer; raises TimeoutError or ConnectionError when it is away (then ask again).

        An order that is under way already is given once: both who gave it get the one answer.
        """
        if self._writer is None:
            raise ConnectionError("server away")
        if (under_way := self._waiting.get(order_id)) is not None:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(under_way)
        future: asyncio.Future[m.Answer] = asyncio.get_running_loop().create_future()
        self._waiting[order_id] = future
        raw = msgspec.Raw(m.encode(body))
        frame = Give(id=order_id, verb=verb, actor=actor, body=raw, role=role)
        try:
            self._writer.write(framed(frame))
            async with asyncio.timeout(seconds):
                return await future
        finally:
            self._waiting.pop(order_id, None)

    def send(self, message: Frozen) -> None:
        """Say something that needs no answer; lost if the server is away."""
        if self._writer is not None:
            self._writer.write(framed(message))

    async def _keep(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except (OSError, ConnectionError):
                await asyncio.sleep(0.2)
                continue
            self._writer = writer
            if self._follow:
                writer.write(framed(Follow()))
            self.up.set()
            try:
                while (body := await read_frame(reader)) is not None:
                    self._hear(_said.decode(body))
            finally:
                self._lost()

    def _lost(self) -> None:
        self.up.clear()
        self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("server away"))
        self._on_lost()

    def _hear(self, frame: Said) -> None:
        match frame:
            case Answered(answer=answer):
                future = self._waiting.get(answer.id)
                if future is not None and not future.done():
                    future.set_result(answer)
            case Happened(entries=entries):
                self._on_happened(entries)
            case Following():
                self._on_following(frame)
            case FreshTable(table=table):
                self._on_table(table)
            case DeviceSeen(presence=presence):
                self._on_seen(presence)
            case ServerFigures(values=values):
                self._on_figures(values)
