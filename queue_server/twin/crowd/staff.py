"""Officers at their counters and the guide at the door, as they work through a simulated day."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from ...desk.commands import FinishService
from ...dossiers import codes
from ...line import orders as o
from ...line.setup import Setup
from ...wire import messages as m
from ...wire.link import new_id
from .day import Rest, Shift, Visit, put_off
from .hall import DONE, MISSED, SENT_ON, Hall, Seat
from .manners import Manners
from .people import OrderRefused, Person
from .tally import TEXTS, Tally
from .timing import Timing

NOTICE_S = 1.0
"""Real seconds in which a ticket must be known to belong to a visitor of ours."""
STRANGER = 3.0
"""Service minutes of a person who took a number at a real kiosk or phone, by the service factor."""
LONGEST_OVERTIME = 60.0
COUNTER_FREE_AFTER = 1.0
"""Minutes until an officer tries again to open a counter at which a colleague still sits."""
LONGEST_IDLE = 2.0
"""Minutes until an officer looks again, also when the line says nothing new."""


def why(key: str) -> str:
    return TEXTS.say(f"why.{key}")


@dataclass
class Dossiers:
    """Codes of dossiers received today."""

    agency: str
    day: dt.date
    _serials: count[int] = field(default_factory=lambda: count(1))

    def codes(self, number: int) -> tuple[str, ...]:
        return tuple(
            codes.compose(self.agency, self.day, next(self._serials)) for _ in range(number)
        )


@dataclass
class Room:
    """What all of the staff share."""

    setup: Setup
    manners: Manners
    hall: Hall
    timing: Timing
    tally: Tally
    dossiers: Dossiers
    press: Callable[[int, int], Awaitable[None]] | None = None
    """Press a button (score) of the terminal at a counter, where one stands."""
    terminals: frozenset[int] = frozenset()
    helps: dict[int, set[str]] = field(default_factory=dict)
    """What a counter serves for a while beside its own, as its officer reads on her page."""


@dataclass
class Officer:
    """`work()` is her whole day. `held`: the ticket that her next call will finish.

    `rests` still to come and `closes` may change as the day goes.
    """

    room: Room
    person: Person
    shift: Shift
    serves: tuple[str, ...]
    chance: Random
    after: str = ""
    held: Seat | None = None
    parked: list[tuple[float, Seat]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rests, self.closes = list(self.shift.rests), self.shift.closes

    async def work(self) -> None:
        await self.room.timing.until(self.shift.opens)
        if not await self._open():
            return
        while self.rests:
            await self._serve_until(lambda: self.rests[0].begins)
            await self._rest(self.rests.pop(0))
        await self._serve_until(lambda: self.closes)
        overtime = self.room.timing.minute + LONGEST_OVERTIME
        while self._wanted() and self.room.timing.minute < overtime:
            await self._try_next(overtime)
        await self._finish_held()
        await self.person.give(o.CloseCounter(counter=self.shift.counter))

    def rest_later(self, until: float) -> None:
        """Her next rest does not begin before then."""
        self.rests = put_off(self.rests, until)

    async def _open(self) -> bool:
        """False when a colleague sits there all day."""
        while self.room.timing.minute < self.closes:
            try:
                await self.person.give(o.OpenCounter(counter=self.shift.counter))
                return True
            except OrderRefused:
                await self.room.timing.rest(COUNTER_FREE_AFTER)
        return False

    async def _rest(self, rest: Rest) -> None:
        await self._finish_held()
        if rest.ends <= self.room.timing.minute:
            return
        reason = TEXTS.say(f"rest.{rest.why}")
        await self.person.give(o.PauseCounter(counter=self.shift.counter, reason=reason))
        self.room.tally.happened["pause"] += 1
        await self.room.timing.until(rest.ends)
        await self.person.give(o.ResumeCounter(counter=self.shift.counter))

    async def _serve_until(self, minute: Callable[[], float]) -> None:
        while self.room.timing.minute < minute():
            await self._try_next(minute())

    def _wanted(self) -> bool:
        return bool(self.parked or self._waiting())

    def _waiting(self) -> int:
        helps = self.room.helps.get(self.shift.counter, set())
        return self.room.hall.waiting({*self.serves, *helps})

    async def _try_next(self, until: float) -> None:
        """A refusal (she cancelled at this moment, somebody else pressed here) is counted; life goes on."""
        try:
            await self._next(until)
        except OrderRefused:
            await self.room.timing.rest(0.2)

    async def _next(self, until: float) -> None:
        """One visitor: who was parked and is back, else whom the centre calls; else wait for somebody."""
        timing = self.room.timing
        back = next((s for due, s in self.parked if due <= timing.minute), None)
        if back is not None and await self._resume(back):
            await self._serve(back, back.visit.minutes / 2)
            return
        wanted = self.held is not None or self._waiting() > 0
        ticket = await self._call() if wanted else ""
        if not ticket:
            idle = min(LONGEST_IDLE, max(0.0, until - timing.minute))
            await self.room.hall.change(timing.seconds(idle))
            return
        seat = await self.room.hall.seat(ticket, NOTICE_S)
        if seat is None:
            await self._serve_stranger(ticket)
        elif await self._comes(seat):
            await self._receive(seat)

    # --- calling ---

    async def _call(self) -> str:
        """The ticket that is called, or "" when nobody waits for her."""
        twice = self.chance.random() < self.room.manners.double_press
        order = o.CallNext(counter=self.shift.counter, after=self.after)
        pressed = [self.person.give(order) for _ in range(1 + twice)]
        answers = await asyncio.gather(*pressed, return_exceptions=True)
        called = {a["ticket"] for a in answers if isinstance(a, dict) and a.get("ticket")}
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, OrderRefused):
                raise answer
        if self.held is not None and any(isinstance(a, dict) for a in answers):
            self.held.news.put_nowait(DONE)
            self.held = None
        if twice and called:
            self.room.tally.happened["wrong_press" if len(called) > 1 else "double_press"] += 1
        return next(iter(called), "")

    async def _comes(self, seat: Seat) -> bool:
        """She stands here; else she is called again, and then noted as absent."""
        counter = self.shift.counter
        patience = self.room.timing.seconds(self.room.manners.calls_again)
        for again in range(self.room.setup.rules.recalls + 1):
            if again:
                await self.person.give(o.Recall(counter=counter))
            try:
                async with asyncio.timeout(patience):
                    await seat.here.wait()
                return True
            except TimeoutError:
                continue
        await self._absent(seat)
        return False

    async def _absent(self, seat: Seat) -> None:
        try:
            await self.person.give(o.NoShow(counter=self.shift.counter, ticket=seat.ticket))
        except OrderRefused:
            return  # she cancelled on her phone at this very moment
        self.room.tally.happened["no_show"] += 1
        self.after = seat.ticket
        seat.news.put_nowait(MISSED)

    # --- serving ---

    async def _receive(self, seat: Seat) -> None:
        """She has come: to the right counter, or by a wrong choice."""
        visit, counter = seat.visit, self.shift.counter
        await self.person.give(o.Start(counter=counter))
        if visit.asks != visit.needs and not seat.came_once:
            await self._send_on(seat)
        elif visit.parks and not seat.came_once:
            await self._park(seat)
        else:
            await self._serve(seat, visit.minutes)

    async def _send_on(self, seat: Seat) -> None:
        await self.room.timing.rest(min(1.0, seat.visit.minutes))
        self._leaves(seat)
        transfer = o.Transfer(
            ticket=seat.ticket, service=seat.visit.needs, reason=why("wrong_choice")
        )
        await self.person.give(transfer)
        self.room.tally.happened["transferred"] += 1

    async def _park(self, seat: Seat) -> None:
        timing = self.room.timing
        await timing.rest(seat.visit.minutes / 2)
        park = o.Park(counter=self.shift.counter, ticket=seat.ticket, reason=why("park"))
        await self.person.give(park)
        self.room.tally.happened["parked"] += 1
        self.parked.append((timing.minute + seat.visit.minutes, seat))
        self.after = seat.ticket
        seat.came_once = True

    async def _resume(self, seat: Seat) -> bool:
        await self._finish_held()
        self.parked = [(due, s) for due, s in self.parked if s is not seat]
        try:
            await self.person.give(o.Resume(ticket=seat.ticket, counter=self.shift.counter))
        except OrderRefused:
            return False
        return True

    def _leaves(self, seat: Seat) -> None:
        """She goes back to her chair, to be called elsewhere."""
        seat.came_once = True
        seat.here.clear()
        self.after = seat.ticket
        seat.news.put_nowait(SENT_ON)

    async def _serve(self, seat: Seat, minutes: float) -> None:
        await self.room.timing.rest(minutes)
        self.after = seat.ticket
        if not seat.visit.dossiers:
            self.held = seat  # the next call finishes her
            return
        await self._finish(seat)
        if self.chance.random() < self.room.manners.undo:
            await self._one_more_question(seat)
        seat.news.put_nowait(DONE)
        await self._button(seat.visit)

    async def _finish(self, seat: Seat) -> None:
        finish = FinishService(
            counter=self.shift.counter,
            ticket=seat.ticket,
            dossiers=self.room.dossiers.codes(seat.visit.dossiers),
        )
        await self.person.give(finish)

    async def _one_more_question(self, seat: Seat) -> None:
        try:
            await self.person.give(o.Undo(counter=self.shift.counter))
        except OrderRefused:
            return  # she has rated already: it stands
        self.room.tally.happened["undone"] += 1
        await self.room.timing.rest(0.5)
        await self._finish(seat)

    async def _finish_held(self) -> None:
        held, self.held = self.held, None
        if held is not None:
            await self._finish(held)
            held.news.put_nowait(DONE)
            await self._button(held.visit)

    async def _serve_stranger(self, ticket: str) -> None:
        """A person who plays with us: she is taken to have come."""
        counter, timing = self.shift.counter, self.room.timing
        self.room.tally.happened["stranger"] += 1
        await timing.rest(self.room.manners.calls_again)
        await self.person.give(o.Start(counter=counter))
        await timing.rest(STRANGER * self.room.manners.service_factor)
        self.after = ticket
        await self.person.give(FinishService(counter=counter, ticket=ticket))

    async def _button(self, visit: Visit) -> None:
        """At a counter with a button terminal the visitor presses a face as she goes."""
        press, counter = self.room.press, self.shift.counter
        if press is not None and counter in self.room.terminals and visit.score is not None:
            await press(counter, visit.score)
            self.room.tally.happened["pressed"] += 1


@dataclass
class Guide:
    """At the door: one thing after the other, each half a minute of her time."""

    room: Room
    person: Person
    _wanted: asyncio.Queue[Callable[[], Awaitable[None]]] = field(default_factory=asyncio.Queue)

    async def work(self, help_called: asyncio.Queue[str]) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self._serve())
            both.create_task(self._answer(help_called))

    async def _serve(self) -> None:
        while True:
            job = await self._wanted.get()
            await self.room.timing.rest(0.5)
            await job()

    async def _answer(self, help_called: asyncio.Queue[str]) -> None:
        while True:
            place = await help_called.get()
            self._wanted.put_nowait(lambda at=place: self._try(o.AnswerHelp(place=at)))  # type: ignore[misc]

    async def _try(self, order: o.Order) -> None:
        try:
            await self.person.give(order)
        except OrderRefused:
            return  # counted; by now it may well be past

    async def take(self, visit: Visit) -> m.TicketTaken:
        """A number for a visitor who asks at the door. Raises OrderRefused."""
        future: asyncio.Future[m.TicketTaken] = asyncio.get_running_loop().create_future()

        async def job() -> None:
            try:
                future.set_result(await self._take(visit))
            except OrderRefused as refused:
                future.set_exception(refused)

        self._wanted.put_nowait(job)
        return await future

    async def _take(self, visit: Visit) -> m.TicketTaken:
        order_id = new_id()
        wanted = m.TakeTicket(
            id=order_id,
            service=visit.asks,
            asked_at=0,
            priority=visit.priority,
            language=visit.language,
        )
        pressed = [self.person.give(wanted, order_id) for _ in range(1 + visit.double_tap)]
        answers = await asyncio.gather(*pressed)
        self.room.tally.happened["double_tap"] += visit.double_tap
        reply = answers[0]
        return m.TicketTaken(
            ticket=reply["ticket"],
            number=reply["number"],
            service=reply["service"],
            issued_at=reply["issued_at"],
            ahead=reply["ahead"],
            token=reply["token"],
        )

    def grant(self, seat: Seat, group: str) -> None:
        order = o.GrantPriority(ticket=seat.ticket, group=group, reason=why("late_priority"))
        self._wanted.put_nowait(lambda: self._try(order))
        self.room.tally.happened["late_priority"] += 1

    def put_back(self, seat: Seat) -> None:
        order = o.PutBack(ticket=seat.ticket, reason=why("back"))
        self._wanted.put_nowait(lambda: self._try(order))
        self.room.tally.happened["came_back"] += 1


def services_of(setup: Setup, shift: Shift) -> tuple[str, ...]:
    """What an officer serves at her counter, as the line decides it."""
    counter = setup.counter(shift.counter)
    officer = setup.officer(shift.account)
    both: Iterable[str] = counter.serves if counter else ()
    return tuple(s for s in both if officer is None or s in officer.skills)
