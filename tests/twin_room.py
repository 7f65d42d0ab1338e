"""A pretend twin: stands in for the twin's process at the local door of a running centre."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from queue_server.desk.estimates import Table
from queue_server.doors.local import FreshTable, LocalLine
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.moves import Move, MoveKind
from queue_server.wire import messages as m
from queue_server.wire.link import new_id
from queue_server.wire.words import MINUTE
from tests.centre import Centre


class PretendTwin:
    """Proposes, teaches and foretells, as the real one does: through the local door, as device `twin`."""

    def __init__(self, door: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._line = LocalLine(door, follow=False)

    def start(self) -> None:
        self._thread.start()
        self._do(self._begin())

    async def _begin(self) -> None:
        self._line.start()
        await asyncio.wait_for(self._line.up.wait(), 20)

    def stop(self) -> None:
        self._do(self._line.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def give(self, order: o.ProposeMove | o.LearnTimes) -> m.Answer:
        actor = e.Actor(device="twin")
        answer: m.Answer = self._do(
            self._line.give(new_id(), type(order).__name__, order, actor, None)
        )
        return answer

    def foretell(self, table: Table) -> None:
        self._loop.call_soon_threadsafe(self._line.send, FreshTable(table=table))

    def _do(self, work: object) -> m.Answer:
        found: m.Answer = asyncio.run_coroutine_threadsafe(work, self._loop).result(30)  # type: ignore[arg-type]
        return found


@contextmanager
def pretend_twin(centre: Centre) -> Iterator[PretendTwin]:
    """The real twin is held still meanwhile, so that its tables do not come between."""
    real = centre.pid_of("queue_server.twin.process")
    os.kill(real, signal.SIGSTOP)
    twin = PretendTwin(Folder(centre.data).door)
    twin.start()
    try:
        yield twin
    finally:
        twin.stop()
        os.kill(real, signal.SIGCONT)


def help_move(
    move: str, counter: int, service: str, serves: tuple[str, ...], minutes: float
) -> Move:
    now = int(time.time() * 1000)
    return Move(
        id=move,
        kind=MoveKind.HELP,
        service=service,
        counter=counter,
        serves=serves,
        until=now + int(minutes * MINUTE),
        without=19.2,
        expected=12.4,
        made=now,
    )
