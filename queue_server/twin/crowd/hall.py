"""The hall: who sits there with which number, what is called, and how long the lines are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...wire import messages as m
from .day import Visit

CALLED, MISSED, SENT_ON, DONE = "called", "missed", "sent_on", "done"


@dataclass(eq=False)
class Seat:
    """A visitor who has a ticket. `news` is what reaches her; `here`: she stands at the counter."""

    visit: Visit
    ticket: str
    number: str
    token: str
    news: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    here: asyncio.Event = field(default_factory=asyncio.Event)
    came_once: bool = False


@dataclass
class Hall:
    """Filled by what is said on MQTT, as the hall's display is."""

    by_number: dict[str, Seat] = field(default_factory=dict)
    by_ticket: dict[str, Seat] = field(default_factory=dict)
    calls: int = 0
    _waiting: dict[str, int] = field(default_factory=dict)
    _quieter: dict[str, int] = field(default_factory=dict)
    _unseated: set[str] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _sat: asyncio.Event = field(default_factory=asyncio.Event)

    def sit(self, visit: Visit, taken: m.TicketTaken) -> Seat:
        seat = Seat(visit, taken.ticket, taken.number, taken.token)
        self.by_number[seat.number] = self.by_ticket[seat.ticket] = seat
        if seat.number in self._unseated:
            seat.news.put_nowait(CALLED)
        self._sat = _set(self._sat)
        return seat

    def hear_call(self, call: m.Call) -> None:
        """A number is called: whoever holds it hears it, also if she gets it only now."""
        self.calls += 1
        seat = self.by_number.get(call.number)
        if seat is None:
            self._unseated.add(call.number)
        else:
            seat.news.put_nowait(CALLED)

    def see_line(self, line: m.LineState) -> None:
        self._waiting = {s.id: s.waiting for s in line.services}
        self._quieter = {s.id: s.quieter.starts for s in line.services if s.quieter}
        self._changed = _set(self._changed)

    def quieter(self, service: str) -> int | None:
        """When (ms) the quieter half-hour begins that this service offers now."""
        return self._quieter.get(service) or None

    def waiting(self, services: Iterable[str]) -> int:
        return sum(self._waiting.get(s, 0) for s in services)

    async def change(self, seconds: float) -> None:
        """Until the line has changed, at most so long (real time)."""
        await _wait(self._changed, seconds)

    async def seat(self, ticket: str, seconds: float) -> Seat | None:
        """Who holds the ticket; None when nobody of ours does (a person at a real kiosk or phone)."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while ticket not in self.by_ticket and loop.time() < until:
            await _wait(self._sat, until - loop.time())
        return self.by_ticket.get(ticket)


def _set(event: asyncio.Event) -> asyncio.Event:
    """Wake all who wait for it; a new one for who waits next."""
    event.set()
    return asyncio.Event()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    except TimeoutError:
        pass
