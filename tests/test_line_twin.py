"""The live line and the twin are one rule: the same made day gives the same calls, to the second."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from queue_server.line import orders as o
from queue_server.line.next import first_to_call
from queue_server.line.setup import Counter, Rules, Service, Setup
from queue_server.twin.day import Day
from queue_server.twin.generate import generate
from queue_server.twin.replay import replay
from queue_server.wire.words import MINUTE, SECOND, PriorityGroup
from tests.line_room import START, Room, names

OPENED = 450.0
"""`Room` counts minutes from half past seven."""
FINISH, TURN, COME = 0, 1, 2
"""At one moment visits end first, then counters open and close, then visitors join; then idle ones call."""

Call = tuple[str, int, int]
"""(service, counter, second of the day)."""


def setup_of(day: Day) -> Setup:
    return Setup(
        services=tuple(
            Service(id=s.id, letter="ABCDEFGH"[k], name=names(s.name), mean_minutes=s.mean_minutes)
            for k, s in enumerate(day.services)
        ),
        counters=tuple(
            Counter(id=c.id, name=names(str(c.id)), serves=c.serves) for c in day.counters
        ),
        priorities=(PriorityGroup(id="elderly", name=names("elderly")),),
        rules=Rules(),
    )


@dataclass
class Live:
    """A day played through the orders that officers and kiosks give."""

    day: Day
    room: Room = field(init=False)
    tickets: dict[str, int] = field(default_factory=dict)
    """Ticket → visitor."""
    agenda: list[tuple[float, int, int, int]] = field(default_factory=list)
    calls: list[list[Call]] = field(init=False)

    def __post_init__(self) -> None:
        self.room = Room(setup=setup_of(self.day))
        self.calls = [[] for _ in self.day.visitors]
        self.last = max(end for c in self.day.counters for _, end in c.open)

    def play(self) -> list[list[Call]]:
        for place, counter in enumerate(self.day.counters):
            for begin, end in counter.open:
                heapq.heappush(self.agenda, (begin, TURN, 1, place))
                if end < self.last:
                    heapq.heappush(self.agenda, (end, TURN, 0, place))
        for place, visitor in enumerate(self.day.visitors):
            heapq.heappush(self.agenda, (visitor.arrives, COME, place, 0))
            if visitor.booked is not None and visitor.booked > visitor.arrives:
                heapq.heappush(self.agenda, (visitor.booked, COME, -1, 0))
        while self.agenda:
            at = self.agenda[0][0]
            while self.agenda and self.agenda[0][0] <= at:
                _, kind, first, place = heapq.heappop(self.agenda)
                self.happens(kind, first, place, at)
            while (number := first_to_call(self.room.state, self.ms(at))) is not None:
                self.call(number, at)
        return self.calls

    def ms(self, at: float) -> int:
        return START + round((at - OPENED) * MINUTE)

    def happens(self, kind: int, first: int, place: int, at: float) -> None:
        if kind == COME and first >= 0:
            self.comes(first, at)
        elif kind == FINISH:
            self.ends(first, at)
        elif kind == TURN:
            self.turns(self.day.counters[place].id, bool(first), at)

    def comes(self, visitor: int, at: float) -> None:
        one = self.day.visitors[visitor]
        ticket = self.room.take(
            one.service,
            at - OPENED,
            priority=one.priority,
            then=one.then,
            booked=None if one.booked is None else self.ms(one.booked),
        )
        self.tickets[ticket] = visitor

    def turns(self, number: int, opens: bool, at: float) -> None:
        counter = self.room.state.counters[number]
        if opens and not counter.open:
            self.room.do(o.OpenCounter(counter=number), at - OPENED)
        elif opens:
            self.room.do(o.ResumeCounter(counter=number), at - OPENED)
        elif counter.ticket is not None:
            self.room.do(o.PauseCounter(counter=number, reason="closing"), at - OPENED)
        else:
            self.room.do(o.CloseCounter(counter=number), at - OPENED)

    def call(self, number: int, at: float) -> None:
        ticket = self.room.call(number, at - OPENED, account="")
        visitor = self.tickets[ticket]
        one = self.day.visitors[visitor]
        service = self.room.ticket(ticket).service
        self.calls[visitor].append((service, number, round(at * MINUTE / SECOND)))
        counter = next(c for c in self.day.counters if c.id == number)
        means = {s.id: s.mean_minutes for s in self.day.services}
        spent = self.day.no_show_minutes
        if one.shows:
            share = means[service] / means[one.service]
            spent = (one.minutes or 0.0) * share / counter.speed.get(service, 1.0)
        heapq.heappush(self.agenda, (at + spent, FINISH, number, 0))

    def ends(self, number: int, at: float) -> None:
        held = self.room.state.counters[number].ticket
        assert held is not None
        if self.day.visitors[self.tickets[held]].shows:
            self.room.finish(number, at - OPENED, account="")
        else:
            self.room.do(o.NoShow(counter=number, ticket=held), at - OPENED)
        if self.room.state.counters[number].paused is not None:
            self.room.do(o.CloseCounter(counter=number), at - OPENED)


def with_errands(day: Day) -> Day:
    """Every seventh visitor without an appointment has further errands."""
    services = [s.id for s in day.services]
    visitors = []
    for k, visitor in enumerate(day.visitors):
        if k % 7 == 0 and visitor.booked is None:
            others = [s for s in services if s != visitor.service]
            then = (others[k % len(others)], others[(k + 3) % len(others)])[: 1 + k % 2]
            visitor = replace(visitor, then=then)
        visitors.append(visitor)
    return replace(day, visitors=tuple(visitors))


def smaller(day: Day, counters: int) -> Day:
    """Fewer counters, the last ones closed at noon for an hour, and what they can serve."""
    kept = day.counters[:counters]
    served = {s for c in kept for s in c.serves}
    return replace(
        day,
        counters=(*kept[:-1], replace(kept[-1], open=((480.0, 600.0), (660.0, 960.0)))),
        visitors=tuple(v for v in day.visitors if v.service in served),
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("family", ["paired", "mixed", "full", "slower", "appointments", "surge"])
def test_the_live_line_calls_as_the_twin_does(family: str, seed: int) -> None:
    whole = generate(family, 0.95, seed)
    day = smaller(replace(whole, visitors=whole.visitors[seed % 5 :: 5]), 3)
    if seed % 2:
        day = with_errands(day)
    assert 40 <= len(day.visitors) <= 200
    live = Live(day).play()
    twin = [
        [(c.service, c.counter, round(c.called * MINUTE / SECOND)) for c in visit]
        for visit in replay(day, "balanced")
    ]
    for visitor, (ours, theirs) in enumerate(zip(live, twin, strict=True)):
        assert len(ours) == len(theirs), (visitor, ours, theirs)
        for here, there in zip(ours, theirs, strict=True):
            assert here[:2] == there[:2], (visitor, ours, theirs)
            assert abs(here[2] - there[2]) <= 1, (visitor, ours, theirs)
    assert sum(map(len, live)) > 0.7 * len(day.visitors)
