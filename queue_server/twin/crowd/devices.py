"""The pretended devices: kiosks and tablets, which speak MQTT as the real ones do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from ...wire import messages as m
from ...wire import topics
from ...wire.link import Credentials, Incoming, Link, Refused, new_id
from ...wire.words import Frozen
from .day import Visit
from .hall import Hall
from .tally import Tally
from .timing import Timing

VERSION = "crowd"
CONNECT_WITHIN_S = 30.0
GLANCE = (0.15, 0.6)
"""Minutes until a visitor has answered the tablet."""


class NoAnswer(Exception):
    """A device asked and the server was silent for too long."""


@dataclass
class Device:
    """One link, used from the event loop."""

    own: Credentials
    tally: Tally
    hear: Callable[[Incoming], None] = lambda _: None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.link = Link(self.own, VERSION)
        self.link.on_message = lambda incoming: _hand_over(loop, self.hear, incoming)
        self.link.start()

    def stop(self) -> None:
        self.link.stop()

    async def connected(self) -> None:
        """Raises NoAnswer."""
        if not await asyncio.to_thread(self.link.wait_connected, CONNECT_WITHIN_S):
            raise NoAnswer(f"{self.own.device} does not get in at the broker")

    async def ask(self, verb: str, message: Frozen, times: int = 1) -> m.Answer:
        """Ask, `times` with the same id as a double tap does. Raises Refused, NoAnswer."""
        began = time.perf_counter()
        futures = [self.link.ask(verb, message) for _ in range(times)]
        try:
            return await asyncio.wrap_future(futures[-1])
        except TimeoutError as error:
            raise NoAnswer(verb) from error
        except Refused as refused:
            self.tally.refused[refused.refusal.code] += 1
            raise
        finally:
            self.tally.mqtt.append((time.perf_counter() - began) * 1000)


def _hand_over(
    loop: asyncio.AbstractEventLoop, hear: Callable[[Incoming], None], incoming: Incoming
) -> None:
    """From the link's thread to the loop, which may have ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(hear, incoming)


@dataclass
class Kiosks:
    """The kiosks at the door and the line of people before them; one of them tells the hall what is said."""

    credentials: list[Credentials]
    hall: Hall
    timing: Timing
    tally: Tally
    called_help: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _free: asyncio.Queue[Device] = field(default_factory=asyncio.Queue)
    _all: list[Device] = field(default_factory=list)

    async def start(self) -> None:
        self._all = [Device(own, self.tally) for own in self.credentials]
        self._all[0].hear = self._hear
        for kiosk in self._all:
            kiosk.start()
        await asyncio.gather(*(kiosk.connected() for kiosk in self._all))
        for kiosk in self._all:
            self._free.put_nowait(kiosk)

    def stop(self) -> None:
        for kiosk in self._all:
            kiosk.stop()

    def _hear(self, incoming: Incoming) -> None:
        kind, *_ = topics.split(self.credentials[0].centre, incoming.topic) or [""]
        if kind == "calls":
            self.hall.hear_call(m.decode(m.Call, incoming.payload))
        elif kind == "line":
            self.hall.see_line(m.decode(m.LineState, incoming.payload))

    async def take(self, visit: Visit) -> m.TicketTaken:
        """A number; she waits until a kiosk is free. Raises Refused, NoAnswer."""
        kiosk = await self._free.get()
        try:
            return await self._at(kiosk, visit)
        finally:
            self._free.put_nowait(kiosk)

    async def _at(self, kiosk: Device, visit: Visit) -> m.TicketTaken:
        await self.timing.rest(visit.touching)
        if visit.help:
            await kiosk.ask("call_help", m.CallHelp(id=new_id(), screen="service"))
            self.tally.happened["help"] += 1
            self.called_help.put_nowait(kiosk.own.device)
        wanted = m.TakeTicket(
            id=new_id(),
            service=visit.asks,
            asked_at=kiosk.link.now(),
            priority=visit.priority,
            language=visit.language,
            dossiers=max(1, visit.dossiers),
            booked=self._accepted(visit),
        )
        if visit.abandons:
            return await self._walk_away(kiosk, wanted)
        answer = await self._ask(kiosk, wanted, 1 + visit.double_tap)
        self.tally.happened["double_tap"] += visit.double_tap
        taken = msgspec.json.decode(answer.ok, type=m.TicketTaken)
        await kiosk.ask(
            "report_print", m.ReportPrint(id=new_id(), ticket=taken.ticket, outcome="confirmed")
        )
        return taken

    def _accepted(self, visit: Visit) -> int | None:
        """The quieter time, if one is offered to her and she takes it; who has priority is not asked."""
        if visit.priority is not None or not visit.accepts_later:
            return None
        return self.hall.quieter(visit.asks)

    async def _ask(self, kiosk: Device, wanted: m.TakeTicket, times: int) -> m.Answer:
        """A number, for now if the time that she chose is full meanwhile."""
        try:
            return await kiosk.ask("take_ticket", wanted, times)
        except Refused:
            if wanted.booked is None:
                raise
            now = msgspec.structs.replace(
                wanted, id=new_id(), booked=None, asked_at=kiosk.link.now()
            )
            return await kiosk.ask("take_ticket", now, times)

    async def _walk_away(self, kiosk: Device, wanted: m.TakeTicket) -> m.TicketTaken:
        """The number may be made or not: either way nobody is left to wait for it."""
        ticket = asyncio.ensure_future(kiosk.ask("take_ticket", wanted))
        await kiosk.ask("withdraw_ticket", m.WithdrawTicket(id=new_id(), ask=wanted.id))
        self.tally.happened["abandoned"] += 1
        return msgspec.json.decode((await ticket).ok, type=m.TicketTaken)


@dataclass
class Tablet:
    """The tablet at a counter: whoever was served there answers, or does not."""

    own: Credentials
    hall: Hall
    timing: Timing
    tally: Tally
    _seen: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self.device = Device(self.own, self.tally, self._hear)
        self.device.start()
        await self.device.connected()

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.device.stop()

    def _hear(self, incoming: Incoming) -> None:
        kind, *_ = topics.split(self.own.centre, incoming.topic) or [""]
        if kind != "offer" or not incoming.payload:
            return
        offer: m.Offer = m.decode(m.Offer, incoming.payload)
        if offer.offer in self._seen:
            return
        self._seen.add(offer.offer)
        task = asyncio.get_running_loop().create_task(self._answer(offer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, offer: m.Offer) -> None:
        seat = self.hall.by_number.get(offer.number)
        visit = seat.visit if seat else None
        least, most = GLANCE
        await self.timing.rest(least + (most - least) * (hash(offer.offer) % 100) / 100)
        try:
            if visit is None or visit.score is None:
                await self.device.ask("stay_silent", m.StaySilent(id=new_id(), offer=offer.offer))
            else:
                await self._rate(offer.offer, visit, visit.score)
        except (Refused, NoAnswer):
            return  # taken back by the officer, or rated already: both are counted as refusals

    async def _rate(self, offer: str, visit: Visit, score: int) -> None:
        rating = m.Rate(
            id=new_id(),
            offer=offer,
            score=score,
            pressed_at=self.device.link.now(),
            reasons=visit.reasons,
        )
        await self.device.ask("rate", rating, 1 + visit.double_tap)
        if visit.double_tap:
            self.tally.happened["double_rating"] += 1
            again = msgspec.structs.replace(rating, id=new_id())
            await self.device.ask("rate", again)
