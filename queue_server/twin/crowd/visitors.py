"""Visitors: each comes, takes a number, waits, goes to the counter when called, and goes home."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from ...wire import messages as m
from ...wire.link import Refused
from ...wire.words import MINUTE
from .day import GUIDE, PHONE, Visit
from .devices import Kiosks, NoAnswer
from .hall import CALLED, DONE, MISSED, SENT_ON, Hall, Seat
from .people import NoPage, OrderRefused, Phones
from .staff import Guide
from .tally import Tally
from .timing import Timing

OUT_AFTER, OUT_FOR = 1.0, 3.0
SURVEY_AFTER = 5.0
BACK_BEFORE = 3.0
"""Minutes before her time that a visitor who took a number for later is back."""


@dataclass
class Visitors:
    """The doors that visitors come through."""

    kiosks: Kiosks
    phones: Phones
    guide: Guide
    hall: Hall
    timing: Timing
    tally: Tally
    day: str
    take_page: bool

    async def come(self, visit: Visit) -> None:
        """A whole visit; what is refused is counted, and the visitor goes home."""
        await self.timing.until(visit.at)
        try:
            taken = await self._take(visit)
        except (Refused, OrderRefused, NoAnswer, httpx.HTTPError):
            return
        seat = self.hall.sit(visit, taken)
        if visit.abandons and visit.door not in (PHONE, GUIDE):
            return
        self.tally.told.append(taken.ticket)
        if taken.estimate is not None and taken.booked is None:
            self.tally.promised[taken.ticket] = taken.estimate
        if taken.booked is not None:
            await self._go_until(taken.booked)
        try:
            await self._stay(seat)
        except (httpx.HTTPError, NoPage):
            self.tally.refused["phone_failed"] += 1

    async def _take(self, visit: Visit) -> m.TicketTaken:
        if visit.door == GUIDE:
            return await self.guide.take(visit)
        if visit.door == PHONE and not self.take_page:
            self.tally.happened["no_take_page"] += 1
        elif visit.door == PHONE:
            try:
                return await self.phones.take(visit, self.day)
            except (NoPage, httpx.HTTPError) as error:
                self.tally.refused[f"phone {error}"] += 1
        return await self.kiosks.take(visit)

    async def _stay(self, seat: Seat) -> None:
        visit = seat.visit
        if visit.late_priority is not None:
            self.guide.grant(seat, visit.late_priority)
        if visit.steps_out:
            await self._step_out(seat)
        if visit.leaves_after is not None and not await self._is_called(seat, visit.leaves_after):
            await self._leave(seat)
            return
        await self._be_served(seat)

    async def _go_until(self, booked: int) -> None:
        """Out of the house, and back a little before her time."""
        self.tally.happened["took_later"] += 1
        await self.timing.until((booked - self.timing.midnight) / MINUTE - BACK_BEFORE)

    async def _step_out(self, seat: Seat) -> None:
        """Out for a while, said on her phone; nothing of it when she is called before."""
        if await self._is_called(seat, OUT_AFTER) or not await self.phones.step(seat.token, "out"):
            return
        self.tally.happened["stepped_out"] += 1
        await self.timing.rest(OUT_FOR)
        await self.phones.step(seat.token, "back")

    async def _is_called(self, seat: Seat, minutes: float) -> bool:
        """Whether she hears her call within so long; it stays to be heard."""
        try:
            async with asyncio.timeout(self.timing.seconds(minutes)):
                news = await seat.news.get()
        except TimeoutError:
            return False
        seat.news.put_nowait(news)
        return True

    async def _leave(self, seat: Seat) -> None:
        if not seat.visit.tells:
            self.tally.happened["left"] += 1
        elif await self.phones.step(seat.token, "cancel"):
            self.tally.happened["left_told"] += 1

    async def _be_served(self, seat: Seat) -> None:
        """Until she is done, or stays away for good."""
        absent = seat.visit.misses_call
        while (news := await seat.news.get()) != DONE:
            if news == MISSED and not absent:
                self.tally.happened["unheard"] += 1
                return
            if news == MISSED:
                if not seat.visit.comes_back:
                    return
                absent = False
                await self.timing.rest(seat.visit.back_after)
                self.guide.put_back(seat)
            elif news == CALLED and not absent:
                await self.timing.rest(seat.visit.walking)
                seat.here.set()
            elif news == SENT_ON:
                seat.here.clear()
        await self._afterwards(seat)

    async def _afterwards(self, seat: Seat) -> None:
        if not seat.visit.survey:
            return
        await self.timing.rest(SURVEY_AFTER)
        if await self.phones.rate(seat.token, 4):
            self.tally.happened["survey"] += 1
