"""What an order leads to: the events of it, or a refusal with its cause. Pure: time is an argument."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict, replace

from ..satisfaction.triggers import FEWEST, FEWEST_TIMES, LONGEST_MINUTES, is_sound
from ..wire.words import (
    AT_COUNTER,
    DAY,
    IN_LINE,
    MINUTE,
    SECOND,
    TicketStatus,
    day_of,
    half_hour,
    ticket_id,
)
from . import alerts, appointments, booking, feedback, filing, leases, passing, proposals
from . import events as e
from . import orders as o
from .expected import minutes_of
from .next import able, call_next, lightest, passed_by
from .numbers import leased_from, next_ordinal, number_of
from .outcome import NOTHING, Issued, Outcome, Refused, Reply, Touched
from .setup import MOVES, POLICIES, Service, Setup, minutes_to_closing
from .state import NOT_TAKEN, CounterNow, State, Ticket
from .surveys import survey_of, well_timed
from .times import sound

__all__ = [
    "Issued",
    "Outcome",
    "Refused",
    "Reply",
    "Touched",
    "ahead_of",
    "check_setup",
    "decide",
    "number_of",
]

S = TicketStatus
LONGEST_NAME = 100


def decide(state: State, order: o.AnyOrder, at: int, actor: e.Actor) -> Outcome:
    """The events that `order` leads to at `at` (ms UTC); raises Refused. Does not change the state."""
    return _RULES[type(order)](state, order, at, actor)


# --- what orders need ---------------------------------------------------------------------------


def _service(state: State, service_id: str) -> Service:
    service = state.setup.service(service_id)
    if service is None:
        raise Refused("unknown_service", service=service_id)
    return service


def _known_counter(state: State, counter_id: int) -> CounterNow:
    if state.setup.counter(counter_id) is None:
        raise Refused("unknown_counter", counter=counter_id)
    return state.counters[counter_id]


def _open_counter(state: State, counter_id: int, actor: e.Actor) -> CounterNow:
    counter = _known_counter(state, counter_id)
    if not counter.open:
        raise Refused("counter_closed", counter=counter_id)
    if actor.account and counter.officer and actor.account != counter.officer:
        raise Refused("not_your_counter", counter=counter_id)
    return counter


def _ticket(state: State, ticket_id: str) -> Ticket:
    ticket = state.tickets.get(ticket_id)
    if ticket is None:
        raise Refused("unknown_ticket", ticket=ticket_id)
    return ticket


def _held(state: State, counter_id: int, actor: e.Actor, ticket_id: str | None = None) -> Ticket:
    """The ticket at her counter; `ticket_id` is the one that her screen showed."""
    _open_counter(state, counter_id, actor)
    ticket = state.ticket_of(counter_id)
    if ticket is None:
        raise Refused("nobody_at_counter", counter=counter_id)
    if ticket_id is not None and ticket.id != ticket_id:
        raise Refused("not_at_counter", number=ticket.number)
    return ticket


def _free(state: State, counter: CounterNow) -> None:
    held = state.ticket_of(counter.id)
    if held is not None:
        raise Refused("counter_busy", number=held.number)
    if counter.paused is not None:
        raise Refused("counter_paused", counter=counter.id)


def _reason(text: str) -> str:
    if not text.strip():
        raise Refused("reason_missing")
    return text.strip()[:200]


# --- the centre ---------------------------------------------------------------------------------


def _change_setup(state: State, order: o.ChangeSetup, at: int, actor: e.Actor) -> Outcome:
    check_setup(order.setup)
    kept = {c.id for c in order.setup.counters}
    services = {s.id for s in order.setup.services}
    for counter in state.counters.values():
        if counter.open and counter.id not in kept:
            raise Refused("counter_still_open", counter=counter.id)
    for service, line in state.waiting.items():
        if line and service not in services:
            raise Refused("service_still_waiting", service=service)
    return [e.SetupChanged(setup=order.setup, why=order.why)], NOTHING


def check_setup(setup: Setup) -> None:
    """Raises Refused(`bad_setup`) naming what does not fit together."""
    letters = [s.letter for s in setup.services]
    if len(set(letters)) < len(letters) or not all(x.isalpha() and x.isupper() for x in letters):
        raise Refused("bad_setup", detail="services: letter")
    if len({s.id for s in setup.services}) < len(letters):
        raise Refused("bad_setup", detail="services: id")
    if len({c.id for c in setup.counters}) < len(setup.counters):
        raise Refused("bad_setup", detail="counters: id")
    known = {s.id for s in setup.services}
    for counter in setup.counters:
        if not counter.serves or not set(counter.serves) <= known:
            raise Refused("bad_setup", detail=f"counters: {counter.id}: serves")
    for officer in setup.officers:
        if not set(officer.skills) <= known:
            raise Refused("bad_setup", detail=f"officers: {officer.account}: skills")
    if setup.rules.policy not in POLICIES:
        raise Refused("bad_setup", detail=f"rules: policy: {', '.join(POLICIES)}")
    for name in ("balance_due_minutes", "balance_level_minutes", "supplement_factor"):
        if not getattr(setup.rules, name) > 0:
            raise Refused("bad_setup", detail=f"rules: {name}")
    for name in (
        "booked_per_half_hour",
        "lease_numbers",
        "appointment_days",
        "appointments_per_half_hour",
    ):
        if getattr(setup.rules, name) < 0:
            raise Refused("bad_setup", detail=f"rules: {name}")
    for trigger in setup.triggers:
        if not is_sound(trigger):
            raise Refused("bad_setup", detail=f"triggers: {trigger.id}")
    if setup.rules.moves not in MOVES:
        raise Refused("bad_setup", detail=f"rules: moves: {', '.join(MOVES)}")


def _start_day(state: State, order: o.StartDay, at: int, actor: e.Actor) -> Outcome:
    today = day_of(at, state.setup.rules.utc_offset_minutes)
    if state.day == today and not state.day_open:
        raise Refused("day_ended")
    return _new_day(state, at), NOTHING


def _new_day(state: State, at: int) -> list[e.Event]:
    today = day_of(at, state.setup.rules.utc_offset_minutes)
    if state.day >= today:
        return []
    events = _close_day(state, "midnight", at) if state.day_open else []
    open_counters = [c.id for c in state.counters.values() if c.open]
    events += [e.CounterClosed(counter=c) for c in open_counters]
    events += filing.never_fetched(state, at)
    events += appointments.missed(state, at)
    return [*events, e.DayStarted(day=today)]


def _close_day(state: State, reason: str, at: int) -> list[e.Event]:
    left = [t for t in state.tickets.values() if t.status in IN_LINE]
    if reason == "midnight":
        left += [t for t in state.tickets.values() if t.status in AT_COUNTER]
    return [
        *proposals.day_over(state, at),
        *[e.TicketExpired(ticket=t.id) for t in left],
        *([e.DayScored(day=state.day, scores=dict(state.scores))] if state.scores else []),
        e.DayEnded(reason=reason),
    ]


def _end_day(state: State, order: o.EndDay, at: int, actor: e.Actor) -> Outcome:
    if not state.day_open:
        raise Refused("day_ended")
    return _close_day(state, order.reason, at), NOTHING


def _pass_time(state: State, order: o.PassTime, at: int, actor: e.Actor) -> Outcome:
    over = [e.OfferWithdrawn(offer=x.id) for x in state.offers.values() if x.expires <= at]
    new_day = _new_day(state, at)
    moves = [] if new_day else proposals.due(state, at)
    return [*new_day, *moves, *over, *alerts.due(state, at), *_unserved(state, at)], NOTHING


def _unserved(state: State, at: int) -> list[e.Event]:
    """After the last session, tickets whose last able counter has closed."""
    rules = state.setup.rules
    hours = state.setup.hours
    if not hours.enforced or not state.day_open:
        return []
    if state.day != day_of(at, rules.utc_offset_minutes):
        return []
    if minutes_to_closing(hours, at, rules.utc_offset_minutes)[1] is not None:
        return []
    return [
        e.TicketExpired(ticket=t)
        for service, line in state.waiting.items()
        if line and not state.serving_counters(service)
        for t in line
    ]


def _open_epoch(state: State, order: o.OpenEpoch, at: int, actor: e.Actor) -> Outcome:
    rules = state.setup.rules
    margin = rules.restore_margin if order.margin is None else order.margin
    jumped = {
        s.id: max(state.next_ordinal.get(s.id, s.first), order.highest.get(s.id, 0) + 1) + margin
        for s in state.setup.services
    }
    below = {
        s.id: max(
            s.first,
            leased_from(state, s) - order.leased.get(s.id, 0) - rules.lease_numbers - margin,
        )
        for s in state.setup.services
    }
    opened = e.EpochOpened(
        epoch=state.epoch + 1,
        next_ordinal=jumped,
        leased_from=below,
        why=order.why,
        dossiers_from=filing.jumped(state, order.dossiers + margin, at),
        feedback_from=feedback.jumped(state, order.feedback + margin, at),
    )
    return [opened], NOTHING


def _open(state: State, order: o.OpenCounter, at: int, actor: e.Actor) -> Outcome:
    counter = _known_counter(state, order.counter)
    if counter.open and counter.officer != actor.account:
        raise Refused("counter_taken", counter=order.counter)
    elsewhere = [c.id for c in state.counters.values() if c.open and c.officer == actor.account]
    if actor.account and elsewhere and elsewhere != [order.counter]:
        raise Refused("already_at_counter", counter=elsewhere[0])
    settled = state.setup.counter(order.counter)
    assert settled is not None
    serves = settled.serves
    officer = state.setup.officer(actor.account)
    if officer is not None:
        serves = tuple(s for s in serves if s in officer.skills)
    if not serves:
        raise Refused("no_skill", counter=order.counter)
    if counter.open:
        return [], NOTHING
    opened = e.CounterOpened(counter=order.counter, officer=actor.account, serves=serves)
    return [*_new_day(state, at), opened], NOTHING


def _close(state: State, order: o.CloseCounter, at: int, actor: e.Actor) -> Outcome:
    counter = _known_counter(state, order.counter)
    if not counter.open:
        return [], NOTHING
    held = state.ticket_of(order.counter)
    if held is not None:
        raise Refused("counter_busy", number=held.number)
    return [e.CounterClosed(counter=order.counter)], NOTHING


def _pause(state: State, order: o.PauseCounter, at: int, actor: e.Actor) -> Outcome:
    _open_counter(state, order.counter, actor)
    return [e.CounterPaused(counter=order.counter, reason=_reason(order.reason))], NOTHING


def _resume_counter(state: State, order: o.ResumeCounter, at: int, actor: e.Actor) -> Outcome:
    counter = _open_counter(state, order.counter, actor)
    return ([e.CounterResumed(counter=counter.id)] if counter.paused is not None else []), NOTHING


def _change_serves(state: State, order: o.ChangeServes, at: int, actor: e.Actor) -> Outcome:
    counter = _known_counter(state, order.counter)
    for service in order.serves:
        _service(state, service)
    officer = state.setup.officer(counter.officer)
    missing = [s for s in order.serves if officer is not None and s not in officer.skills]
    if missing or not order.serves:
        raise Refused("no_skill", counter=order.counter)
    return [e.ServesChanged(counter=order.counter, serves=order.serves, why=order.why)], NOTHING


def _suspend(state: State, order: o.SuspendService, at: int, actor: e.Actor) -> Outcome:
    _service(state, order.service)
    return [e.ServiceSuspended(service=order.service, reason=_reason(order.reason))], NOTHING


def _resume_service(state: State, order: o.ResumeService, at: int, actor: e.Actor) -> Outcome:
    _service(state, order.service)
    known = order.service in state.suspended
    return ([e.ServiceResumed(service=order.service)] if known else []), NOTHING


# --- issuing ------------------------------------------------------------------------------------


def _issue(state: State, order: o.IssueTicket, at: int, actor: e.Actor) -> Outcome:
    if order.expires and at > order.expires:
        raise Refused("too_late")
    if order.ask and order.ask in state.asks:
        raise Refused("withdrawn")
    service = _service(state, order.service)
    for further in order.then:
        _service(state, further)
    if order.priority is not None and state.setup.priority_rank(order.priority) == len(
        state.setup.priorities
    ):
        raise Refused("unknown_priority", group=order.priority)
    _must_be_open(state, service, at)
    if order.offered and order.booked is not None:
        booking.check(state, service.id, order.booked, at)
    first = _new_day(state, at)
    begins = _begins(state, order, service.id, at) if order.then and not first else service.id
    ordinal = service.first if first else next_ordinal(state, service)
    day = day_of(at, state.setup.rules.utc_offset_minutes)
    number = number_of(service, ordinal)
    issued = e.TicketIssued(
        ticket=ticket_id(day, number),
        number=number,
        ordinal=ordinal,
        service=service.id,
        visit=order.visit,
        token=order.token_hash,
        language=order.language,
        priority=order.priority,
        procedure=order.procedure,
        booked=order.booked,
        dossiers=max(1, order.dossiers),
        then=order.then,
        first=begins if begins != service.id else "",
        source=order.source or actor.device,
        ask=order.ask,
        sealed=order.sealed,
        why=order.why,
        told=order.told,
        prepared=order.prepared,
        copies=min(max(0, order.copies), leases.MOST_COPIES),
        supplement=order.supplement,
    )
    reply = Issued(
        ticket=issued.ticket,
        number=number,
        ahead=0 if first else ahead_of(state, begins, order.priority),
        counters=tuple(c.id for c in state.serving_counters(begins)),
        closes_in=minutes_to_closing(state.setup.hours, at, state.setup.rules.utc_offset_minutes)[
            0
        ],
    )
    return [*first, issued], reply


def _book(state: State, order: o.BookAppointment, at: int, actor: e.Actor) -> Outcome:
    events, reply = appointments.book(state, order, at, actor.device)
    return events, reply


def _cancel_appointment(
    state: State, order: o.CancelAppointment, at: int, actor: e.Actor
) -> Outcome:
    return appointments.cancel(state, order), NOTHING


def _check_in(state: State, order: o.CheckIn, at: int, actor: e.Actor) -> Outcome:
    """Her number: that of a booked visitor, whenever on its day she comes."""
    due = appointments.due(state, order.token_hash, at)
    ticket = o.IssueTicket(
        service=due.service,
        visit=due.visit,
        token_hash=order.ticket_token,
        ask=order.ask,
        language=due.language,
        priority=state.setup.known_priority(due.priority),
        procedure=due.procedure,
        booked=due.starts,
        sealed=due.sealed,
        source=order.source,
        expires=order.expires,
    )
    events, reply = _issue(state, ticket, at, actor)
    return [
        replace(event, appointment=due.id) if isinstance(event, e.TicketIssued) else event
        for event in events
    ], reply


def _begins(state: State, order: o.IssueTicket, asked: str, at: int) -> str:
    """The errand with the lightest line, of those she asks for."""
    errands = (asked, *order.then)
    minutes = (minutes_of(order, s, asked, state.setup, state.times) for s in errands)
    return lightest(state, errands, minutes, at)


def ahead_of(state: State, service: str, priority: str | None) -> int:
    """People waiting in this line who will be called before a newcomer (of the priority class, if one).

    Whose time is to come is not before her.
    """
    line = (state.tickets[t] for t in state.waiting.get(service, ()))
    here = (t for t in line if t.waiting_from <= state.at)
    return sum(1 for t in here if priority is None or t.priority is not None)


def _must_be_open(state: State, service: Service, at: int) -> None:
    rules, hours = state.setup.rules, state.setup.hours
    if state.day == day_of(at, rules.utc_offset_minutes) and not state.day_open:
        raise Refused("day_ended")
    if service.id in state.suspended:
        raise Refused("service_suspended", reason=state.suspended[service.id])
    if not hours.enforced:
        return
    early = at + hours.early_minutes * MINUTE
    here, last = minutes_to_closing(hours, at, rules.utc_offset_minutes)
    soon, _ = minutes_to_closing(hours, early, rules.utc_offset_minutes)
    if here is None and soon is None:
        raise Refused("outside_hours")
    if last is not None and here == last and last <= hours.cut_off_minutes:
        raise Refused("cut_off", minutes=last)


def _lease(state: State, order: o.LeaseNumbers, at: int, actor: e.Actor) -> Outcome:
    begins = _new_day(state, at)
    today = day_of(at, state.setup.rules.utc_offset_minutes)
    if not begins and state.day == today and not state.day_open:
        raise Refused("day_ended")
    events, reply = leases.lease(leases.begun(state, today), order, actor)
    return [*begins, *events], reply


def _hand_over(state: State, order: o.HandOver, at: int, actor: e.Actor) -> Outcome:
    begins = _new_day(state, at)
    today = day_of(at, state.setup.rules.utc_offset_minutes)
    events, reply = leases.hand_over(leases.begun(state, today), order, at, actor)
    return [*begins, *events], reply


def _withdraw(state: State, order: o.WithdrawTicket, at: int, actor: e.Actor) -> Outcome:
    ticket_id = state.asks.get(order.ask)
    if not ticket_id:
        known = ticket_id is not None
        return ([] if known else [e.AskWithdrawn(ask=order.ask)]), NOTHING
    ticket = state.tickets[ticket_id]
    if ticket.status is not S.WAITING:
        return [], NOTHING
    return [e.TicketCancelled(ticket=ticket_id, reason=NOT_TAKEN)], NOTHING


# --- at the counter -----------------------------------------------------------------------------


def _touched(ticket: Ticket, offer: str = "") -> Reply:
    return Touched(ticket=ticket.id, number=ticket.number, offer=offer)


def _call_next(state: State, order: o.CallNext, at: int, actor: e.Actor) -> Outcome:
    counter = _open_counter(state, order.counter, actor)
    held = state.ticket_of(order.counter)
    if order.after is not None and held is not None and order.after != held.id:
        return [], _touched(held)  # the second press of a double press: she has been called
    if counter.paused is not None:
        raise Refused("counter_paused", counter=counter.id)
    events: list[e.Event] = []
    offer = ""
    if held is not None:
        if held.status is not S.SERVING:
            raise Refused("counter_busy", number=held.number)
        events = _finishing(state, held, counter.id, at, order.offer)
        offer = order.offer if any(isinstance(x, e.OfferOpened) for x in events) else ""
    choice = call_next(state, order.counter, at)
    if choice is None:
        if events:
            return events, Touched(offer=offer)
        raise Refused("nobody_waits")
    called = e.TicketCalled(
        ticket=choice.ticket,
        counter=order.counter,
        reason=choice.reason,
        passed=choice.passed,
        after=order.after or "",
    )
    return [*events, called], _touched(state.tickets[choice.ticket], offer)


def _call_number(state: State, order: o.CallNumber, at: int, actor: e.Actor) -> Outcome:
    counter = _open_counter(state, order.counter, actor)
    ticket = _ticket(state, order.ticket)
    held = state.ticket_of(order.counter)
    if held is not None and held.id == ticket.id:
        return [], _touched(ticket)
    _free(state, counter)
    if ticket.status in AT_COUNTER:
        raise Refused("called_already", number=ticket.number, counter=ticket.counter or 0)
    if ticket.status not in (S.WAITING, S.OUT, S.PARKED, S.NO_SHOW):
        raise Refused("ticket_ended", number=ticket.number)
    if ticket.service not in counter.serves:
        raise Refused("no_skill", counter=counter.id)
    reason = e.Reason(code="named", values={"why": _reason(order.reason)})
    events: list[e.Event] = []
    if ticket.status in (S.PARKED, S.NO_SHOW):
        events.append(e.TicketPutBack(ticket=ticket.id))
    called = e.TicketCalled(
        ticket=ticket.id,
        counter=counter.id,
        reason=reason,
        passed=passed_by(able(state, counter, at), ticket),
    )
    return [*events, called], _touched(ticket)


def _recall(state: State, order: o.Recall, at: int, actor: e.Actor) -> Outcome:
    ticket = _held(state, order.counter, actor)
    if ticket.status is not S.CALLED:
        raise Refused("served_already", number=ticket.number)
    if ticket.calls > state.setup.rules.recalls:
        raise Refused("recalled_enough", number=ticket.number, times=ticket.calls)
    return [e.TicketRecalled(ticket=ticket.id, counter=order.counter)], _touched(ticket)


def _start(state: State, order: o.Start, at: int, actor: e.Actor) -> Outcome:
    ticket = _held(state, order.counter, actor)
    if ticket.status is S.SERVING:
        return [], _touched(ticket)
    return [e.ServiceStarted(ticket=ticket.id, counter=order.counter)], _touched(ticket)


def _finish(state: State, order: o.Finish, at: int, actor: e.Actor) -> Outcome:
    ticket = _held(state, order.counter, actor, order.ticket)
    events = _finishing(state, ticket, order.counter, at, order.offer, order.dossiers, order.sealed)
    offered = any(isinstance(x, e.OfferOpened) for x in events)
    return events, _touched(ticket, order.offer if offered else "")


def _finishing(
    state: State,
    ticket: Ticket,
    counter: int,
    at: int,
    offer: str,
    dossiers: int = 0,
    sealed: str = "",
) -> list[e.Event]:
    """Finish (starting first, if *start* was never pressed), and ask for a rating when the visit is over."""
    rules = state.setup.rules
    events: list[e.Event] = []
    if ticket.status is S.CALLED:
        events.append(e.ServiceStarted(ticket=ticket.id, counter=counter, since=ticket.called_at))
    then = _goes_on(state, ticket, at) if ticket.then else ""
    events.append(
        e.ServiceFinished(
            ticket=ticket.id, counter=counter, dossiers=dossiers, sealed=sealed, then=then
        )
    )
    if offer and not then:
        events.append(
            e.OfferOpened(
                offer=offer,
                service=ticket.service,
                counter=counter,
                half_hour=half_hour(at, rules.utc_offset_minutes),
                expires=at + int(rules.phone_offer_days * DAY),
                procedure=ticket.procedure or "",
                survey=survey_of(state.setup, offer, ticket.service, counter, at),
                officer=state.counters[counter].officer if counter in state.counters else "",
                waited=(sum(ticket.waits) + ticket.wait(at)) // MINUTE,
                priority=ticket.priority or "",
                language=ticket.language,
            )
        )
    return events


def _goes_on(state: State, ticket: Ticket, at: int) -> str:
    """The next of her errands: the one with the lightest line now."""
    minutes = (minutes_of(ticket, s, ticket.asked, state.setup, state.times) for s in ticket.then)
    return lightest(state, ticket.then, minutes, at)


def _no_show(state: State, order: o.NoShow, at: int, actor: e.Actor) -> Outcome:
    ticket = _held(state, order.counter, actor, order.ticket)
    if ticket.status is not S.CALLED:
        raise Refused("served_already", number=ticket.number)
    return [e.TicketNoShow(ticket=ticket.id, counter=order.counter)], _touched(ticket)


def _put_back(state: State, order: o.PutBack, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    if ticket.status not in (S.CALLED, S.NO_SHOW):
        raise Refused("not_to_put_back", number=ticket.number)
    if ticket.status is S.NO_SHOW and ticket.absences >= state.setup.rules.absences:
        raise Refused("absent_too_often", number=ticket.number, times=ticket.absences)
    return [e.TicketPutBack(ticket=ticket.id, reason=order.reason)], _touched(ticket)


def _transfer(state: State, order: o.Transfer, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    _service(state, order.service)
    if order.service in state.suspended:
        raise Refused("service_suspended", reason=state.suspended[order.service])
    if ticket.status not in AT_COUNTER and ticket.status is not S.WAITING:
        raise Refused("ticket_ended", number=ticket.number)
    if ticket.service == order.service:
        raise Refused("same_service", number=ticket.number)
    return [
        e.TicketTransferred(ticket=ticket.id, service=order.service, reason=order.reason)
    ], _touched(ticket)


def _park(state: State, order: o.Park, at: int, actor: e.Actor) -> Outcome:
    ticket = _held(state, order.counter, actor, order.ticket)
    return [e.TicketParked(ticket=ticket.id, counter=order.counter, reason=order.reason)], _touched(
        ticket
    )


def _resume(state: State, order: o.Resume, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    if ticket.status is not S.PARKED:
        raise Refused("not_parked", number=ticket.number)
    if order.counter is not None:
        counter = _open_counter(state, order.counter, actor)
        _free(state, counter)
        if ticket.service not in counter.serves:
            raise Refused("no_skill", counter=counter.id)
    return [e.TicketResumed(ticket=ticket.id, counter=order.counter)], _touched(ticket)


def _serve_without_ticket(
    state: State, order: o.ServeWithoutTicket, at: int, actor: e.Actor
) -> Outcome:
    counter = _open_counter(state, order.counter, actor)
    _free(state, counter)
    why = _reason(order.reason)
    if order.service not in counter.serves:
        raise Refused("no_skill", counter=counter.id)
    issue = o.IssueTicket(
        service=order.service,
        visit=order.visit,
        token_hash=order.token_hash,
        source=f"counter-{counter.id}",
        why=why,
    )
    issued, reply = _issue(state, issue, at, actor)
    assert isinstance(reply, Issued)
    called = e.TicketCalled(
        ticket=reply.ticket,
        counter=counter.id,
        reason=e.Reason(code="without_ticket", values={"why": why}),
        passed=tuple(t.id for t in able(state, counter, at)),
    )
    started = e.ServiceStarted(ticket=reply.ticket, counter=counter.id)
    return [*issued, called, started], Touched(ticket=reply.ticket, number=reply.number)


def _undo(state: State, order: o.Undo, at: int, actor: e.Actor) -> Outcome:
    step = state.steps.get(order.counter)
    if step is None or step.account != actor.account:
        raise Refused("nothing_to_undo")
    if state.tickets.get(step.after.id) != step.after:
        raise Refused("moved_on", number=step.after.number)
    if state.counters[order.counter].ticket != step.held:
        raise Refused("moved_on", number=step.after.number)
    if step.offer and state.offers.get(step.offer, None) is not None:
        if state.offers[step.offer].answered == "rated":
            raise Refused("rated_already")
    undone = e.StepUndone(
        counter=order.counter, ticket=step.after.id, step=step.name, offer=step.offer
    )
    return [undone], _touched(step.before, step.offer)


# --- the visitor's own, and the guide's ----------------------------------------------------------


def _step_out(state: State, order: o.StepOut, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    if ticket.status is S.OUT:
        return [], _touched(ticket)
    if ticket.status is not S.WAITING:
        raise Refused("not_waiting", number=ticket.number)
    return [e.TicketSteppedOut(ticket=ticket.id)], _touched(ticket)


def _step_back(state: State, order: o.StepBack, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    if ticket.status is S.WAITING:
        return [], _touched(ticket)
    if ticket.status is not S.OUT:
        raise Refused("not_waiting", number=ticket.number)
    return [e.TicketSteppedBack(ticket=ticket.id)], _touched(ticket)


def _cancel(state: State, order: o.Cancel, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    if ticket.status is S.CANCELLED:
        return [], _touched(ticket)
    if ticket.status is S.SERVING or ticket.status in (S.FINISHED, S.EXPIRED):
        raise Refused("ticket_ended", number=ticket.number)
    return [e.TicketCancelled(ticket=ticket.id, reason=order.reason)], _touched(ticket)


def _grant(state: State, order: o.GrantPriority, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    if state.setup.priority_rank(order.group) == len(state.setup.priorities):
        raise Refused("unknown_priority", group=order.group)
    reason = _reason(order.reason)
    return [e.PriorityGranted(ticket=ticket.id, group=order.group, reason=reason)], _touched(ticket)


def _take_back(state: State, order: o.WithdrawPriority, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    if ticket.priority is None:
        return [], _touched(ticket)
    return [e.PriorityWithdrawn(ticket=ticket.id, reason=_reason(order.reason))], _touched(ticket)


def _note_print(state: State, order: o.NotePrint, at: int, actor: e.Actor) -> Outcome:
    ticket = _ticket(state, order.ticket)
    printed = e.TicketPrinted(
        ticket=ticket.id, outcome=order.outcome, detail=order.detail[:80], reprint=order.reprint
    )
    return [printed], _touched(ticket)


def _call_help(state: State, order: o.CallHelp, at: int, actor: e.Actor) -> Outcome:
    known = order.place in state.help
    return ([] if known else [e.HelpCalled(place=order.place, screen=order.screen)]), NOTHING


def _answer_help(state: State, order: o.AnswerHelp, at: int, actor: e.Actor) -> Outcome:
    known = order.place in state.help
    return ([e.HelpAnswered(place=order.place)] if known else []), NOTHING


# --- ratings ------------------------------------------------------------------------------------


def _choose_surveys(state: State, order: o.ChooseSurveys, at: int, actor: e.Actor) -> Outcome:
    for use in order.uses:
        if not 0 <= use.share <= 1:
            raise Refused("bad_share", survey=use.survey)
        for service in use.services:
            _service(state, service)
        for counter in use.counters:
            _known_counter(state, counter)
        if not well_timed(use):
            raise Refused("bad_survey_time", survey=use.survey)
    return [e.SurveysChosen(uses=order.uses)], NOTHING


def _choose_triggers(state: State, order: o.ChooseTriggers, at: int, actor: e.Actor) -> Outcome:
    ids = [trigger.id for trigger in order.triggers]
    if len(set(ids)) < len(ids) or not all(is_sound(trigger) for trigger in order.triggers):
        raise Refused("bad_trigger", answers=FEWEST, times=FEWEST_TIMES, minutes=LONGEST_MINUTES)
    for trigger in order.triggers:
        if trigger.service is not None:
            _service(state, trigger.service)
        if trigger.counter is not None:
            _known_counter(state, trigger.counter)
    if order.triggers == state.setup.triggers:
        return [], NOTHING
    return [e.TriggersChosen(triggers=order.triggers)], NOTHING


def _declare_online(state: State, order: o.DeclareOnline, at: int, actor: e.Actor) -> Outcome:
    today = day_of(at, state.setup.rules.utc_offset_minutes)
    try:
        begins = dt.date.fromisoformat(f"{order.month}-01")
    except ValueError as error:
        raise Refused("bad_month") from error
    if f"{begins:%Y-%m}" != order.month or order.month >= today[:7]:
        raise Refused("bad_month")
    if not 0 <= order.late <= order.online <= order.dossiers:
        raise Refused("bad_counts")
    return [e.OnlineDeclared(**asdict(order))], NOTHING


def _rate(state: State, order: o.GiveRating, at: int, actor: e.Actor) -> Outcome:
    offer = state.offers.get(order.offer)
    if offer is None:
        raise Refused("no_offer")
    if offer.answered == "rated":
        raise Refused("rated_already")
    if not 1 <= order.score <= 5:
        raise Refused("bad_score", score=order.score)
    given = e.RatingGiven(
        offer=offer.id,
        score=order.score,
        reasons=order.reasons[:8],
        sealed=order.sealed,
        source=order.source,
        answers=order.answers,
        shown=order.shown,
        pressed_at=order.pressed_at,
    )
    return [given], Touched(offer=offer.id)


def _press(state: State, order: o.PressRating, at: int, actor: e.Actor) -> Outcome:
    offer = state.offer_of(order.counter, at - order.age_ms)
    if offer is None or offer.opened > at - order.age_ms + 2 * SECOND:
        raise Refused("no_offer")
    rating = o.GiveRating(
        offer=offer.id,
        score=order.score,
        source=f"terminal:{order.terminal}",
        pressed_at=at - order.age_ms,
    )
    return _rate(state, rating, at, actor)


def _stay_silent(state: State, order: o.StaySilent, at: int, actor: e.Actor) -> Outcome:
    offer = state.offers.get(order.offer)
    if offer is None or offer.answered:
        return [], NOTHING
    return [e.RatingSilent(offer=offer.id)], Touched(offer=offer.id)


# --- the twin's ----------------------------------------------------------------------------------


def _learn(state: State, order: o.LearnTimes, at: int, actor: e.Actor) -> Outcome:
    proposals.only_the_twin(actor)
    if not sound(order.times):
        raise Refused("bad_times")
    return ([] if order.times == state.times else [e.TimesLearned(times=order.times)]), NOTHING


def _mark_form(state: State, order: o.MarkForm, at: int, actor: e.Actor) -> Outcome:
    if not all(0 < len(x) <= LONGEST_NAME for x in (order.form, order.version, order.sha)):
        raise Refused("bad_form")
    marked = state.forms_checked.get(f"{order.form}/{order.version}")
    if marked == (order.sha if order.checked else None):
        return [], NOTHING
    mark = e.FormMarked(
        form=order.form, version=order.version, sha=order.sha, checked=order.checked
    )
    return [mark], NOTHING


def _note(state: State, order: o.Note, at: int, actor: e.Actor) -> Outcome:
    return [e.Noted(what=order.what, subject=order.subject, detail=order.detail)], NOTHING


_RULES: dict[type, Callable[[State, Any, int, e.Actor], Outcome]] = {
    o.ChangeSetup: _change_setup,
    o.StartDay: _start_day,
    o.EndDay: _end_day,
    o.PassTime: _pass_time,
    o.OpenEpoch: _open_epoch,
    o.OpenCounter: _open,
    o.CloseCounter: _close,
    o.PauseCounter: _pause,
    o.ResumeCounter: _resume_counter,
    o.ChangeServes: _change_serves,
    o.SuspendService: _suspend,
    o.ResumeService: _resume_service,
    o.IssueTicket: _issue,
    o.BookAppointment: _book,
    o.CancelAppointment: _cancel_appointment,
    o.CheckIn: _check_in,
    o.WithdrawTicket: _withdraw,
    o.LeaseNumbers: _lease,
    o.HandOver: _hand_over,
    o.CallNext: _call_next,
    o.CallNumber: _call_number,
    o.Recall: _recall,
    o.Start: _start,
    o.Finish: _finish,
    o.NoShow: _no_show,
    o.PutBack: _put_back,
    o.Transfer: _transfer,
    o.Park: _park,
    o.Resume: _resume,
    o.StepOut: _step_out,
    o.StepBack: _step_back,
    o.Cancel: _cancel,
    o.ServeWithoutTicket: _serve_without_ticket,
    o.GrantPriority: _grant,
    o.WithdrawPriority: _take_back,
    o.Undo: _undo,
    o.NotePrint: _note_print,
    o.ProposeMove: proposals.propose,
    o.AcceptMove: proposals.accept,
    o.RefuseMove: proposals.refuse,
    o.LearnTimes: _learn,
    o.CallHelp: _call_help,
    o.AnswerHelp: _answer_help,
    o.ChooseSurveys: _choose_surveys,
    o.ChooseTriggers: _choose_triggers,
    o.DeclareOnline: _declare_online,
    o.TurnAlert: alerts.turn,
    o.GiveRating: _rate,
    o.PressRating: _press,
    o.StaySilent: _stay_silent,
    o.MarkForm: _mark_form,
    o.RegisterDossier: filing.register,
    o.TurnDossier: filing.turn,
    o.CodeDossier: filing.give_code,
    o.PassOn: passing.pass_on,
    o.PassAgain: passing.pass_again,
    o.SayProvince: passing.say_province,
    o.RegisterFeedback: feedback.register,
    o.SortFeedback: feedback.sort,
    o.WeighFeedback: feedback.judge,
    o.TurnFeedback: feedback.turn,
    o.AddToFeedback: feedback.add,
    o.Note: _note,
}
