"""A second process's own copy of the line: folded from the log, kept in step through the local door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from ..desk.estimates import Estimates, Table
from ..line import events as e
from ..line.state import State, apply
from ..store.log import load
from ..store.schema import connect
from ..wire import messages as m
from .local import Following, LocalLine

log = structlog.get_logger()


class Replica:
    """`state` is never older than a few milliseconds while `fresh`; callbacks run in the event loop."""

    def __init__(self, database: Path, door: Path) -> None:
        self._database = database
        self.state = State()
        self.seq = 0
        self.fresh = False
        self.estimates = Estimates()
        self.presence: dict[str, m.Presence] = {}
        self.figures: dict[str, float] = {}
        self._listeners: list[Callable[[list[e.Entry]], None]] = []
        self.line = LocalLine(
            door,
            self._following,
            self._happened,
            self._table,
            self._seen,
            self._lost,
            self._take_figures,
        )

    def start(self) -> None:
        self.line.start()

    async def stop(self) -> None:
        await self.line.stop()

    def listen(self, listener: Callable[[list[e.Entry]], None]) -> Callable[[], None]:
        """Call `listener` after each change ([]: the table or the connection changed); returns its end."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    async def wait_fresh(self, seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not self.fresh:
                await asyncio.sleep(0.02)

    def _following(self, frame: Following) -> None:
        """The head when following began; all before it is read from the log itself."""
        conn = connect(self._database, read_only=True)
        try:
            self.state, self.seq = load(conn)
        finally:
            conn.close()
        self.estimates.replace(frame.table)
        self.presence = {p.device: p for p in frame.presence}
        self.fresh = True
        self._tell([])

    def _happened(self, entries: list[e.Entry]) -> None:
        new = [x for x in entries if x.seq > self.seq]
        for entry in new:
            apply(self.state, entry.event, entry.at, entry.actor)
            self.seq = entry.seq
        if new:
            self._tell(new)

    def _table(self, table: Table) -> None:
        self.estimates.replace(table)
        self._tell([])

    def _seen(self, presence: m.Presence) -> None:
        self.presence[presence.device] = presence
        self._tell([])

    def _take_figures(self, values: dict[str, float]) -> None:
        self.figures = values

    def _lost(self) -> None:
        if self.fresh:
            log.warning("server_lost")
        self.fresh = False
        self._tell([])

    def _tell(self, entries: list[e.Entry]) -> None:
        for listener in list(self._listeners):
            try:
                listener(entries)
            except Exception as error:
                log.exception("listener_failed", kind=type(error).__name__)
