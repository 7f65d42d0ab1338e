"""The twin's process: learns from past days, follows the line, and keeps the table of wait estimates fresh."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import structlog
from msgspec.structs import replace

from ..desk.clock import Clock
from ..desk.estimates import Table
from ..doors.local import FreshTable
from ..doors.replica import Replica
from ..folder import Folder
from ..line import events as e
from ..line import orders as o
from ..line.moves import Move
from ..line.proposals import TWIN
from ..line.setup import Setup
from ..line.times import Times
from ..wire import logs
from ..wire.link import new_id
from ..wire.words import MINUTE
from .ahead import Coming, answered, question
from .foretell import Calibration, Told
from .learn import Came, learned
from .lessons import past_days, times_of
from .present import MANY, NO_SHOW_MINUTES, Present, foreseen, present

log = structlog.get_logger()
AT_MOST_EVERY_S = 2.0
AT_LEAST_EVERY_S = 8.0
BUSY_S = 0.5
"""When a pass takes longer than this, the next one draws fewer futures."""
FEWEST, STEP = 12, 4
LOOKS = 40
"""Futures of one look ahead."""


@dataclass(frozen=True)
class Lessons:
    """What past days teach: `times` for the log, and who came, by day."""

    times: Times = Times()
    came: tuple[tuple[Came, ...], ...] = ()
    no_show_minutes: float = NO_SHOW_MINUTES


class Twin:
    """Over one replica; `run` works until it is cancelled."""

    def __init__(self, folder: Folder, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._replica = Replica(folder.database, folder.door)
        self._changed = asyncio.Event()
        self._lessons = Lessons()
        self._learned = ""
        """The running day when the lessons were read."""
        self._calibration = Calibration()
        self._many = MANY
        self._coming = Coming()
        self._looked = 0
        self._looking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._looking.set_result(None)

    async def run(self) -> None:
        self._replica.listen(self._happened)
        self._replica.start()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AT_LEAST_EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            if not self._replica.fresh:
                continue
            await self._learn()
            here = self._present()
            self._replica.line.send(FreshTable(table=await self._table(here)))
            self._begin_look(here)
            await asyncio.sleep(AT_MOST_EVERY_S)

    def _happened(self, entries: list[e.Entry]) -> None:
        for entry in entries:
            if isinstance(entry.event, e.TicketCalled):
                self._score(entry.event.ticket, entry.at)
        if entries or not self._replica.estimates.table.at:
            self._changed.set()

    def _score(self, ticket_id: str, at: int) -> None:
        """What she was told, held against what came: the next intervals are wider or narrower for it."""
        ticket = self._replica.state.tickets[ticket_id]
        if ticket.told is None or ticket.waits or ticket.absences or ticket.booked is not None:
            return
        told = Told(p10=ticket.told.low, p50=ticket.told.minutes, p90=ticket.told.high)
        self._calibration.score(told, ticket.wait(at) / MINUTE)

    async def _learn(self) -> None:
        """At the start and with each new day: read past days, and tell the log what they teach."""
        state = self._replica.state
        if self._learned == state.day:
            return
        today, setup = state.day, state.setup
        began = time.monotonic()
        self._lessons = await asyncio.to_thread(lessons, self._folder.database, setup, today)
        self._learned = today
        took = round(time.monotonic() - began, 2)
        log.info("learned", days=len(self._lessons.came), day=today, seconds=took)
        if self._lessons.times.services:
            await self._tell(self._lessons.times)

    async def _tell(self, times: Times) -> None:
        order = o.LearnTimes(times=times)
        try:
            await self._replica.line.give(
                new_id(), type(order).__name__, order, e.Actor(device=TWIN), None
            )
        except (ConnectionError, TimeoutError) as error:
            self._learned = ""
            log.warning("times_not_told", kind=type(error).__name__)

    def _present(self) -> Present:
        """The columns, made between two events."""
        state = self._replica.state
        now = max(self._clock.now(), state.at)
        return present(state, now, self._lessons.came, self._lessons.no_show_minutes)

    async def _table(self, here: Present) -> Table:
        """One pass, its futures beside the event loop."""
        began = time.monotonic()
        number = int(here.at // MINUTE) & 0x7FFFFFFF
        table = await asyncio.to_thread(foreseen, here, self._many, number, self._calibration.scale)
        took = time.monotonic() - began
        self._many = max(FEWEST, self._many // 2) if took > BUSY_S else min(MANY, self._many + STEP)
        return replace(table, outlook=self._coming.outlook, later=self._coming.later)

    def _begin_look(self, here: Present) -> None:
        """Once a minute, beside the tables: a look that takes long holds up none of them."""
        minute = here.at // MINUTE
        if minute == self._looked or not self._looking.done():
            return
        self._looked = minute
        self._looking = asyncio.ensure_future(self._look(here, minute))

    async def _look(self, here: Present, minute: int) -> None:
        """What the next hour brings, for the next table, and the moves that would help."""
        number = int(minute) & 0xFFFFFF
        asked = question(self._replica.state, here)
        try:
            self._coming = await asyncio.to_thread(answered, asked, new_id, LOOKS, number)
        except Exception as error:  # whatever it is: tables go on without an outlook
            self._coming = Coming()
            log.exception("look_failed", kind=type(error).__name__)
            return
        self._changed.set()  # a table with this outlook, so that no proposal stands beside an older one
        for move in self._coming.moves:
            await self._propose(move)

    async def _propose(self, move: Move) -> None:
        """Said to the server, which refuses what is stale, rests or was said already."""
        order = o.ProposeMove(move=move)
        try:
            answer = await self._replica.line.give(
                new_id(), type(order).__name__, order, e.Actor(device=TWIN), None
            )
        except (ConnectionError, TimeoutError) as error:
            log.warning("move_not_proposed", kind=type(error).__name__)
            return
        code = answer.refusal.code if answer.refusal else ""
        log.info("move", id=move.id, kind=move.kind, service=move.service, refused=code)


def lessons(database: Path, setup: Setup, today: str) -> Lessons:
    """What the days of the log before `today` teach."""
    days = past_days(database, setup, today)
    absent = [d.no_show_minutes for d in days if any(not v.shows for v in d.visitors)]
    return Lessons(
        times=times_of(days),
        came=learned(days).came,
        no_show_minutes=sum(absent) / len(absent) if absent else NO_SHOW_MINUTES,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="motcua-twin")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--ahead-ms", type=int, default=0)
    parser.add_argument("--origin", type=int, default=0)
    args = parser.parse_args(arguments)
    logs.begin()
    clock = Clock(speed=args.speed, ahead_ms=args.ahead_ms, origin=args.origin)

    async def run() -> None:
        task = asyncio.create_task(Twin(Folder(args.data), clock).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
