"""Numbers for when a kiosk is cut off: leased from the top of the band downwards, handed over afterwards.

The ordinary line counts upwards and stops below the lowest leased number, so that both never meet. A
lease is good for its day. What is handed over is counted once, and keeps the number on its paper.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from ..wire.words import DAY, day_of, ms_of, ticket_id
from . import events as e
from . import orders as o
from .numbers import leased_from, next_ordinal, number_of, ordinal_of
from .outcome import HandedOver, Leased, Refused
from .setup import Service
from .state import State, apply

LEAVES = 4
"""A lease takes at most one in so many of the numbers that are left between the line and the leases."""
MOST_OUT = 3
"""Leases' worth of one service that a kiosk may have out: one whose disk was changed lost what it had."""
MOST_COPIES = 999
NUMBER = re.compile(r"[^\W\d_]\d{3,4}\Z")


def begun(state: State, day: str) -> State:
    """A copy to try events on, in which `day` has begun."""
    copy = replace(state)
    if state.day < day:
        apply(copy, e.DayStarted(day=day), state.at)
    return copy


# --- leasing ------------------------------------------------------------------------------------


def lease(state: State, order: o.LeaseNumbers, actor: e.Actor) -> tuple[list[e.Event], Leased]:
    """Fill up what the kiosk has of each open service. `state` is a copy, and is changed."""
    events: list[e.Event] = []
    void: list[str] = []
    fresh: dict[str, tuple[str, ...]] = {}
    for service in state.setup.services:
        if order.day == state.day:
            held = order.held.get(service.id, ())
            known_again, taken = _known_again(state, service, held, actor.device)
            void += taken
            events += _tried(state, known_again, actor)
        block = _block(state, service, order.have.get(service.id, 0), actor.device)
        if block is not None:
            events += _tried(state, [block], actor)
            ordinals = range(block.first, block.last + 1)
            fresh[service.id] = tuple(number_of(service, x) for x in ordinals)
    return events, Leased(day=state.day, numbers=fresh, void=tuple(void))


def _tried(state: State, events: list[e.NumbersLeased], actor: e.Actor) -> list[e.NumbersLeased]:
    for event in events:
        apply(state, event, state.at, actor)
    return events


def _block(state: State, service: Service, have: int, device: str) -> e.NumbersLeased | None:
    """None while it has half of its lease, or where too few numbers are left."""
    size = state.setup.rules.lease_numbers
    if service.id in state.suspended or have * 2 > size:
        return None
    top = leased_from(state, service)
    left = top - next_ordinal(state, service)
    out = sum(
        x.last - x.first + 1 - x.handed
        for x in state.leases
        if (x.device, x.service) == (device, service.id)
    )
    count = min(size - have, MOST_OUT * size - out, left // LEAVES)
    if count <= 0:
        return None
    return e.NumbersLeased(
        device=device, service=service.id, first=top - count, last=top - 1, day=state.day
    )


def _known_again(
    state: State, service: Service, held: Iterable[str], device: str
) -> tuple[list[e.NumbersLeased], list[str]]:
    """What a restored log did not know of the leases of a kiosk, and what of them others have by now."""
    ours, others = set[int](), set[int]()
    for x in state.leases:
        if x.service == service.id:
            (ours if x.device == device else others).update(range(x.first, x.last + 1))
    unknown, void = [], []
    for number in held:
        ordinal = ordinal_of(service, number)
        if ordinal is None or ordinal in ours:
            continue
        ticket = state.tickets.get(ticket_id(state.day, number))
        if ordinal in others or (ticket is not None and ticket.source != device):
            void.append(number)
        elif ordinal >= state.next_ordinal.get(service.id, service.first):
            unknown.append(ordinal)
    again = [
        e.NumbersLeased(
            device=device, service=service.id, first=first, last=last, day=state.day, again=True
        )
        for first, last in _runs(unknown)
    ]
    return again, void


def _runs(ordinals: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Neighbours together, as (first, last)."""
    run: list[int] = []
    for ordinal in sorted(set(ordinals)):
        if run and ordinal > run[-1] + 1:
            yield run[0], run[-1]
            run = []
        run.append(ordinal)
    if run:
        yield run[0], run[-1]


# --- handing over -------------------------------------------------------------------------------


def hand_over(
    state: State, order: o.HandOver, at: int, actor: e.Actor
) -> tuple[list[e.Event], HandedOver]:
    """A number given while cut off becomes a ticket, with the place of the time when it was given.

    Nothing of the centre's present state refuses it, since the visitor has it on paper: who comes too
    late for its day, or for a service that is no more, is counted and expired.
    """
    service = state.setup.service(order.service)
    ordinal = _checked(service, order)
    arrived = _arrived(state, order, at, actor.device)
    late = day_of(arrived, state.setup.rules.utc_offset_minutes) < state.day
    ticket, doubled = _name(state, order)
    known = state.asks.get(order.ask)
    if known or order.known:
        return [], HandedOver(ticket=known or ticket, number=order.number, arrived=arrived)
    over = late or service is None or not state.day_open
    token = order.token_hash if order.token_hash not in state.tokens else ""
    issued = e.TicketIssued(
        ticket=ticket,
        number=order.number,
        ordinal=ordinal,
        service=order.service,
        visit=order.visit,
        token=token,
        language=order.language,
        priority=state.setup.known_priority(order.priority),
        procedure=order.procedure,
        dossiers=max(1, order.dossiers),
        then=tuple(x for x in order.then if state.setup.service(x) is not None),
        source=actor.device,
        ask=order.ask,
        prepared=order.prepared,
        copies=min(max(0, order.copies), MOST_COPIES),
        supplement=order.supplement,
        sealed=order.sealed,
        offline=True,
        arrived=arrived,
        late=late,
        doubled=doubled,
    )
    events: list[e.Event] = [issued]
    if order.printed:
        events.append(e.TicketPrinted(ticket=ticket, outcome=order.printed))
    if over:
        events.append(e.TicketExpired(ticket=ticket))
    return events, HandedOver(ticket=ticket, number=order.number, arrived=arrived, late=over)


def _checked(service: Service | None, order: o.HandOver) -> int:
    """The ordinal (0: of a service that is no more); Refused(`bad_number`) for what no lease ever held."""
    ordinal = ordinal_of(service, order.number) if service is not None else 0
    try:
        dt.date.fromisoformat(order.day)
    except ValueError:
        ordinal = None
    if ordinal is None or not NUMBER.match(order.number):
        raise Refused("bad_number", number=order.number[:8])
    return ordinal


def _arrived(state: State, order: o.HandOver, at: int, device: str) -> int:
    """When she came: within her day, not in the future, not before whom the kiosk served before her."""
    day = dt.datetime.fromisoformat(order.day)
    midnight = ms_of(day, state.setup.rules.utc_offset_minutes)
    arrived = max(order.issued_at, midnight)
    if arrived > at:
        arrived = min(at, midnight + DAY - 1)
    before = (t.arrived for t in state.tickets.values() if t.offline and t.source == device)
    return max(arrived, max(before, default=0)) if order.day >= state.day else arrived


def _name(state: State, order: o.HandOver) -> tuple[str, str]:
    """The ticket's id; and the ticket of her day that has her number already, if there is one.

    Two have a number only where a restored server leased it anew before this kiosk could tell of it.
    She keeps what stands on her paper; the log tells the two apart.
    """
    own = ticket_id(order.day, order.number)
    there = [
        x.id for x in state.tickets.values() if x.id.partition(".")[0] == own and x.ask != order.ask
    ]
    return (f"{own}.{len(there) + 1}", there[0]) if there else (own, "")
