"""The manager: reads what the twin proposes, accepts what can be done, and sees that people do it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import msgspec

from ... import said
from ...line.moves import Move, MoveKind, MoveNow, MoveStatus
from ...line.setup import Setup
from ...wire.words import MINUTE
from .day import Shift, waits_for_rest
from .people import OrderRefused, Person
from .staff import Officer, Room, services_of
from .tally import TEXTS
from .timing import Timing, clock_text
from .trouble import Mishap

READS = 1.0
"""Minutes that she takes to read a proposal and decide."""
LOOKS_EVERY = 0.5
BY_SOMEBODY_NEW = frozenset({MoveKind.OPEN, MoveKind.RESERVE})


class Seen(Move):
    """A move as `GET /api/moves` tells it."""

    status: MoveStatus = MoveStatus.PROPOSED
    words: dict[str, str] = {}
    came: float | None = None
    by: str = ""
    reason: str = ""


@dataclass
class News:
    """What the demo says as the day goes, one line each."""

    setup: Setup
    timing: Timing
    language: str
    print_line: Callable[[str], None]

    def say(self, key: str, **values: object) -> None:
        words = TEXTS.say(f"news.{key}", self.language, **values)
        self.print_line(f"{clock_text(self.timing.minute)}  {words}")

    async def tell(self, mishaps: tuple[Mishap, ...]) -> None:
        for mishap in mishaps:
            await self.timing.until(mishap.at)
            officer = self.setup.officer(mishap.account)
            self.say(
                mishap.what,
                counter=mishap.counter,
                name=officer.name if officer else "",
                service=self.service(mishap.service),
                until=clock_text(mishap.until),
                people=mishap.people,
            )

    def service(self, service: str) -> str:
        found = self.setup.service(service)
        return found.name.say(self.language) if found else service


@dataclass
class Team:
    """Who works: at the counters, and who is free to open one."""

    people: dict[str, Person]
    at: dict[int, Officer]
    free: list[str]
    begin: Callable[[Coroutine[Any, Any, None]], object]


@dataclass
class Manager:
    """`work()` is her whole day. `accepts` False: she looks on, and what others accept is done all the same."""

    room: Room
    person: Person
    team: Team
    news: News
    accepts: bool
    seed: int
    _told: dict[str, MoveStatus] = field(default_factory=dict)
    _read_at: dict[str, float] = field(default_factory=dict)
    _offered: set[str] = field(default_factory=set)
    """What is no counter's is said once, however often it is proposed."""
    _sent: dict[str, str] = field(default_factory=dict)
    """By move: who of the free officers is to open the counter."""

    async def work(self) -> None:
        while True:
            try:
                moves = msgspec.convert(await self.person.get("/api/moves"), list[Seen])
            except httpx.HTTPError:
                moves = []  # the pages are away for a moment
            for move in moves:
                await self._see(move)
            await self.room.timing.rest(LOOKS_EVERY)

    async def _see(self, move: Seen) -> None:
        if self._told.get(move.id) is not move.status:
            self._told[move.id] = move.status
            self._note(move)
        waiting = move.status is MoveStatus.PROPOSED and move.id in self._read_at
        if waiting and self.room.timing.minute >= self._read_at[move.id]:
            del self._read_at[move.id]
            await self._answer(move)

    def _note(self, move: Seen) -> None:
        """The move is new, or stands otherwise than before."""
        words = move.words.get(self.news.language, "")
        if move.status is MoveStatus.PROPOSED:
            if move.counter is not None or move.place not in self._offered:
                self.news.say("proposed", words=words)
            self._offered.add(move.place)
            self._read_at[move.id] = self.room.timing.minute + READS
        elif move.status is MoveStatus.ACCEPTED:
            self.news.say("accepted", words=self._short(move), by=move.by or "–")
            self._carry_out(move)
        elif move.status is MoveStatus.ENDED:
            self.news.say("ended", words=self._short(move), came=self._came(move))
            self._undo(move)
        elif move.counter is not None:
            self.news.say(str(move.status), words=self._short(move), reason=move.reason)

    def _short(self, move: Seen) -> str:
        """Without the waits, which were said when it was proposed."""
        language = self.news.language
        if move.counter is None:
            return move.words.get(language, "")
        words = said.move_at_counter(move, self.room.setup, language)
        return TEXTS.say("news.at_counter", language, counter=move.counter, words=words)

    def _came(self, move: Seen) -> str:
        return said.move_came(MoveNow(move=move, proposed_at=0, came=move.came), self.news.language)

    # --- her answer ---

    async def _answer(self, move: Seen) -> None:
        """Accepts what somebody can do; refuses to open a counter for which nobody is free."""
        if not self.accepts or not self._concerns(move):
            return
        path = f"/api/moves/{move.id}"
        try:
            if move.kind in BY_SOMEBODY_NEW and not self._send(move):
                reason = TEXTS.say("why.nobody_free", self.news.language)
                await self.person.post(f"{path}/refuse", {"reason": reason})
            else:
                await self.person.post(f"{path}/accept", {})
        except OrderRefused:
            self._back(move)  # by now it is stale, or somebody else has answered

    def _concerns(self, move: Seen) -> bool:
        """Whether it asks something of the people here; a time to return the kiosks offer by themselves."""
        if move.kind is MoveKind.LATER_BREAK:
            officer = self.team.at.get(move.counter or 0)
            return officer is not None and waits_for_rest(officer.rests, self._until(move))
        return move.kind is MoveKind.HELP or move.kind in BY_SOMEBODY_NEW

    # --- what people do ---

    def _carry_out(self, move: Seen) -> None:
        counter = move.counter or 0
        officer = self.team.at.get(counter)
        if move.kind is MoveKind.HELP:
            self.room.helps.setdefault(counter, set()).add(move.service)
        elif move.kind is MoveKind.LATER_BREAK and officer is not None:
            officer.rest_later(self._until(move))
        elif move.kind in BY_SOMEBODY_NEW and (
            account := self._sent.get(move.id) or self._send(move)
        ):
            self.team.begin(self._relieve(account, counter, self._until(move)))

    def _undo(self, move: Seen) -> None:
        counter = move.counter or 0
        if move.kind is MoveKind.HELP:
            self.room.helps.get(counter, set()).discard(move.service)
        elif (officer := self.team.at.get(counter)) and move.id in self._sent:
            officer.closes = self.room.timing.minute

    def _send(self, move: Seen) -> str:
        """Somebody free who may serve it there; "" when nobody is."""
        setup = self.room.setup
        for account in self.team.free:
            officer = setup.officer(account)
            if officer is not None and move.service in officer.skills:
                self.team.free.remove(account)
                self._sent[move.id] = account
                return account
        return ""

    def _back(self, move: Seen) -> None:
        if account := self._sent.pop(move.id, ""):
            self.team.free.append(account)

    async def _relieve(self, account: str, counter: int, until: float) -> None:
        """She opens the counter and serves until the move ends, then who still waits there; and is free again."""
        now = self.room.timing.minute
        shift = Shift(account=account, counter=counter, opens=now, closes=until)
        serves = services_of(self.room.setup, shift)
        chance = Random(f"{self.seed} {account} {now:.0f}")
        officer = Officer(self.room, self.team.people[account], shift, serves, chance)
        self.team.at[counter] = officer
        try:
            await officer.work()
        finally:
            self.team.at.pop(counter, None)
            self.team.free.append(account)

    def _until(self, move: Seen) -> float:
        return (move.until - self.room.timing.midnight) / MINUTE
