"""Past days of the log as days that can be replayed and learned from: who came, was called where, and until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from ..line import events as e
from ..line.setup import Setup
from ..line.state import CounterNow, State, Ticket, apply
from ..wire.words import AT_COUNTER, MINUTE, SECOND, TicketStatus
from .day import Day, DayCounter, DayService, DayVisitor, Further

NO_SHOW_MINUTES = 1.0
"""What an absent visitor costs a counter where the day shows none."""
LEFT = frozenset({TicketStatus.CANCELLED})
"""Who went away before her turn is no visit: nobody knows what it would have taken."""


@dataclass
class _Desk:
    """A counter on one day: its open spans (ms), what it served, and who sat there for how long (ms)."""

    serves: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    sat: dict[str, int] = field(default_factory=dict)
    officer: str = ""
    since: int | None = None


@dataclass
class _Today:
    """What the fold itself does not keep of a day."""

    desks: dict[int, _Desk] = field(default_factory=dict)
    called_at: dict[str, int] = field(default_factory=dict)
    """Ticket → the counter that called it last."""
    parked: dict[str, int] = field(default_factory=dict)
    """Ticket → ms that it lay parked since its last call."""
    booked: dict[str, int] = field(default_factory=dict)


def days_of(entries: Iterable[e.Entry], setup: Setup = Setup()) -> list[Day]:
    """The days of these lines of the log, in order; the last may still be running.

    The entries begin with the log or with a `DayStarted`, and then `setup` is the centre's of that day (services
    and counters that it does not know are taken as they come). Times are minutes after the centre's midnight. A
    counter is open while it is neither closed nor paused; its officer is who sat there longest. `finished` −
    `called` is without the time a visitor lay parked. A visit that never ended has its service's mean as
    `minutes` and no `finished`; who went away before her turn is left out.
    """
    state = State(setup=setup, counters={c.id: CounterNow(id=c.id) for c in setup.counters})
    found: list[Day] = []
    today = _Today()
    for entry in entries:
        event = entry.event
        if isinstance(event, e.DayStarted) and state.day:
            found.append(_day(state, today, entry.at))
            today = _Today()
        _watch(state, today, event, entry.at)
        apply(state, event, entry.at, entry.actor)
    if state.day:
        found.append(_day(state, today, state.at))
    return found


def _watch(state: State, today: _Today, event: e.Event, at: int) -> None:
    """Before `event` is folded: counters' spans, who called whom, and time parked."""
    counter = getattr(event, "counter", None)
    if counter is not None:
        state.counters.setdefault(counter, CounterNow(id=counter))
    match event:
        case e.CounterOpened():
            desk = today.desks.setdefault(event.counter, _Desk())
            _shut(desk, at)
            desk.since, desk.officer = at, event.officer
            _serve(state, desk, event.counter, event.serves)
        case e.ServesChanged() if event.counter in today.desks:
            _serve(state, today.desks[event.counter], event.counter, event.serves)
        case e.CounterClosed() | e.CounterPaused() if event.counter in today.desks:
            _shut(today.desks[event.counter], at)
        case e.CounterResumed() if event.counter in today.desks:
            today.desks[event.counter].since = at
        case e.TicketIssued() if event.booked is not None:
            today.booked[event.ticket] = event.booked
        case e.TicketCalled():
            today.called_at[event.ticket] = event.counter
            today.parked.pop(event.ticket, None)
        case e.TicketResumed() if event.ticket in state.tickets:
            away = at - state.tickets[event.ticket].out_since
            today.parked[event.ticket] = today.parked.get(event.ticket, 0) + away


def _serve(state: State, desk: _Desk, counter: int, serves: Sequence[str]) -> None:
    """Add services; the counter's home service, if it is among them, stands first."""
    desk.serves += [s for s in serves if s not in desk.serves]
    settled = state.setup.counter(counter)
    if settled is not None and settled.serves[0] in desk.serves:
        desk.serves.sort(key=lambda s: s != settled.serves[0])


def _shut(desk: _Desk, at: int) -> None:
    if desk.since is not None and at > desk.since:
        desk.spans.append((desk.since, at))
        desk.sat[desk.officer] = desk.sat.get(desk.officer, 0) + at - desk.since
    desk.since = None


def _day(state: State, today: _Today, until: int) -> Day:
    midnight = _midnight(state)
    for desk in today.desks.values():
        _shut(desk, min(until, midnight + 1440 * MINUTE))
    means = {s.id: s.mean_minutes for s in state.setup.services}
    tickets = sorted(state.tickets.values(), key=lambda t: (t.arrived, t.id))
    visitors = tuple(
        _visitor(ticket, today, means, midnight)
        for ticket in tickets
        if ticket.status not in LEFT or ticket.served
    )
    counters = tuple(_counters(today, midnight))
    named = {s.id: s.name.vi for s in state.setup.services}
    asked = [s for v in visitors for s in (v.service, *v.then)]
    every = dict.fromkeys((*named, *asked, *(s for c in counters for s in c.serves)))
    return Day(
        services=tuple(
            DayService(id=s, name=named[s], mean_minutes=means[s])
            if s in named
            else DayService(id=s)
            for s in every
        ),
        counters=counters,
        visitors=visitors,
        no_show_minutes=_no_show_minutes(visitors),
        day=state.day,
    )


def _midnight(state: State) -> int:
    """The centre's midnight (ms UTC) with which the running day began."""
    offset = state.setup.rules.utc_offset_minutes
    began = dt.datetime.fromisoformat(state.day).replace(tzinfo=dt.UTC)
    return round(began.timestamp()) * SECOND - offset * MINUTE


def _counters(today: _Today, midnight: int) -> Iterator[DayCounter]:
    for number, desk in sorted(today.desks.items()):
        yield DayCounter(
            id=number,
            serves=tuple(desk.serves),
            open=tuple((_minute(a, midnight), _minute(b, midnight)) for a, b in desk.spans),
            officer=max(desk.sat, key=lambda who: desk.sat[who], default=desk.officer),
        )


def _minute(at: int, midnight: int) -> float:
    return max(0, at - midnight) / MINUTE


def _visitor(ticket: Ticket, today: _Today, means: dict[str, float], midnight: int) -> DayVisitor:
    """The visit; its errands in the order in which they were done, then those that never were."""
    done = list(ticket.served)
    over = ticket.status is TicketStatus.FINISHED or ticket.status in LEFT
    left = () if over else (ticket.service, *ticket.then)
    services = (*(service for service, _, _, _ in done), *left)
    first = services[0]
    visitor = DayVisitor(
        arrives=_minute(ticket.arrived, midnight),
        service=first,
        minutes=means.get(first, DayService(id=first).mean_minutes),
        priority=ticket.priority,
        shows=ticket.status is not TicketStatus.NO_SHOW or bool(done),
        booked=_minute(today.booked[ticket.id], midnight) if ticket.id in today.booked else None,
        then=services[1:],
        prepared=ticket.prepared,
        copies=ticket.copies or None,
    )
    return _with_calls(visitor, ticket, today, midnight)


def _with_calls(visitor: DayVisitor, ticket: Ticket, today: _Today, midnight: int) -> DayVisitor:
    if ticket.served:
        _, counter, called, finished = ticket.served[0]
        parked = today.parked.get(ticket.id, 0) if len(ticket.served) == 1 else 0
        ended = max(called, finished - parked)
        return replace(
            visitor,
            minutes=(ended - called) / MINUTE,
            called=_minute(called, midnight),
            counter=counter,
            finished=_minute(ended, midnight),
            further=tuple(
                Further(
                    service=service,
                    counter=where,
                    called=_minute(began, midnight),
                    finished=_minute(over, midnight),
                )
                for service, where, began, over in ticket.served[1:]
            ),
        )
    if ticket.called_at and (ticket.status in AT_COUNTER or not visitor.shows):
        return replace(
            visitor,
            called=_minute(ticket.called_at, midnight),
            counter=today.called_at.get(ticket.id),
            finished=None if visitor.shows else _minute(ticket.ended_at, midnight),
        )
    return visitor


def _no_show_minutes(visitors: Sequence[DayVisitor]) -> float:
    spent = [
        v.finished - v.called
        for v in visitors
        if not v.shows and v.called is not None and v.finished is not None
    ]
    return sum(spent) / len(spent) if spent else NO_SHOW_MINUTES
