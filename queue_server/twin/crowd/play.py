"""A simulated day played on a running centre: everybody is sent through the real doors."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

import httpx

from ...line.setup import Setup
from ...wire.link import Credentials
from .day import Shift, Visit
from .devices import Kiosks, Tablet
from .hall import Hall
from .manager import Manager, News, Team
from .manners import Manners
from .people import NOT_FOUND, Person, Phones, Site
from .staff import Dossiers, Guide, Officer, Room, services_of
from .tally import Tally
from .timing import Timing
from .trouble import Mishap
from .visitors import Visitors

READY_WITHIN_S = 60.0


class NotReady(Exception):
    """The centre does not answer; the text is one line."""


@dataclass
class Cast:
    """Who plays where. `logins`: first passwords by account; `password`: the one that all take."""

    setup: Setup
    site: Site
    kiosks: list[Credentials]
    tablets: list[Credentials]
    logins: dict[str, str]
    password: str
    guide: str
    manager: str
    agency: str
    press: Callable[[int, int], Awaitable[None]] | None = None
    terminals: frozenset[int] = frozenset()


@dataclass
class Play:
    """`run()` plays until the day is over; what was done stands in `tally` at any time."""

    cast: Cast
    visits: list[Visit]
    shifts: list[Shift]
    manners: Manners
    timing: Timing
    seed: int
    mishaps: tuple[Mishap, ...] = ()
    manager_accepts: bool = True
    language: str = "vi"
    tally: Tally = field(default_factory=Tally)
    on_playing: Callable[[], None] = lambda: None
    """Called once, when all are logged in and in their places."""
    on_news: Callable[[str], None] = lambda _: None
    """A line to be read: what goes wrong, what is proposed, and what came of it."""
    _people: dict[str, Person] = field(default_factory=dict)

    async def run(self) -> None:
        """Raises NotReady; ends when the last counter has closed. Cancelled, it leaves nothing open."""
        async with AsyncExitStack() as open_now:
            await ready(self.cast.site)
            await self._log_in(open_now)
            hall = Hall()
            kiosks = Kiosks(self.cast.kiosks, hall, self.timing, self.tally)
            open_now.callback(kiosks.stop)
            await kiosks.start()
            tablets = [Tablet(own, hall, self.timing, self.tally) for own in self.cast.tablets]
            await asyncio.gather(*(self._start(tablet, open_now) for tablet in tablets))
            self.on_playing()
            await self._play(hall, kiosks)

    async def _start(self, tablet: Tablet, open_now: AsyncExitStack) -> None:
        await tablet.start()
        open_now.callback(tablet.stop)

    async def _log_in(self, open_now: AsyncExitStack) -> None:
        """One after the other: a log-in is work for the server's machine."""
        cast = self.cast
        for account, first in cast.logins.items():
            person = await Person.log_in(cast.site, account, first, cast.password, self.tally)
            open_now.push_async_callback(person.log_out)
            self._people[account] = person

    async def _play(self, hall: Hall, kiosks: Kiosks) -> None:
        room = self._room(hall)
        guide = Guide(room, self._people[self.cast.guide])
        visitors = Visitors(
            kiosks,
            Phones.of(self.cast.site, self.tally),
            guide,
            hall,
            self.timing,
            self.tally,
            self._day().isoformat(),
            await self._has_take_page(),
        )
        news = News(self.cast.setup, self.timing, self.language, self.on_news)
        around = [asyncio.create_task(guide.work(kiosks.called_help))]
        around += [asyncio.create_task(visitors.come(visit)) for visit in self.visits]
        around += [asyncio.create_task(news.tell(self.mishaps))]
        officers = {shift.counter: self._officer(room, shift) for shift in self.shifts}
        try:
            async with asyncio.TaskGroup() as counters:
                for officer in officers.values():
                    counters.create_task(officer.work())
                team = Team(self._people, officers, self._free(), counters.create_task)
                around += [asyncio.create_task(self._manager(room, team, news).work())]
        finally:
            for task in around:
                task.cancel()
            ended = await asyncio.gather(*around, return_exceptions=True)
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure

    def _room(self, hall: Hall) -> Room:
        cast = self.cast
        return Room(
            setup=cast.setup,
            manners=self.manners,
            hall=hall,
            timing=self.timing,
            tally=self.tally,
            dossiers=Dossiers(cast.agency, self._day()),
            press=cast.press,
            terminals=cast.terminals,
        )

    def _officer(self, room: Room, shift: Shift) -> Officer:
        person = self._people[shift.account]
        chance = Random(f"{self.seed} {shift.account}")
        return Officer(room, person, shift, services_of(self.cast.setup, shift), chance)

    def _manager(self, room: Room, team: Team, news: News) -> Manager:
        person = self._people[self.cast.manager]
        return Manager(room, person, team, news, self.manager_accepts, self.seed)

    def _free(self) -> list[str]:
        """Officers with no counter of their own: the reserve."""
        return [x.account for x in self.cast.setup.officers if x.counter is None]

    def _day(self) -> dt.date:
        noon = self.timing.midnight / 1000 + 43_200
        return dt.datetime.fromtimestamp(noon, dt.UTC).date()

    async def _has_take_page(self) -> bool:
        async with self.cast.site.client() as http:
            return (await http.get("/take")).status_code not in (NOT_FOUND, httpx.codes.FORBIDDEN)


async def ready(site: Site) -> None:
    """Until the pages have the line in reach. Raises NotReady."""
    async with site.client() as http:
        until = asyncio.get_running_loop().time() + READY_WITHIN_S
        while asyncio.get_running_loop().time() < until:
            try:
                if (await http.get("/healthz")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise NotReady(f"{site.base} does not answer")
