"""What the centre says in public: retained messages made from the state; numbers, never people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..line import booking
from ..line.decide import ahead_of
from ..line.moves import MoveStatus
from ..line.state import CounterNow, OfferNow, State, Ticket
from ..wire import messages as m
from ..wire.surveys import Survey
from ..wire.words import (
    MINUTE,
    Estimate,
    Language,
    Names,
    TicketStatus,
    day_of,
    half_hour,
    moment_of,
)
from .estimates import OLD, Estimates, Later


def service_state(state: State, service: str, at: int) -> str:
    """open · suspended · closed."""
    if service in state.suspended:
        return "suspended"
    today = day_of(at, state.setup.rules.utc_offset_minutes)
    if state.day == today and not state.day_open:
        return "closed"
    return "open"


def centre_setup(
    state: State,
    at: int,
    web: str,
    public_url: str,
    catalogue: str,
    colours: dict[str, str],
    take_mode: str,
    forms: str = "",
    filing_key: str = "",
    known: Iterable[Survey] = (),
) -> m.CentreSetup:
    setup = state.setup
    return m.CentreSetup(
        centre=setup.centre,
        name=setup.name,
        authority=setup.authority,
        at=at,
        services=tuple(
            m.ServiceInfo(
                id=s.id,
                letter=s.letter,
                name=s.name,
                state=service_state(state, s.id, at),
                reason=state.suspended.get(s.id, ""),
                counters=tuple(c.id for c in setup.counters if s.id in c.serves),
            )
            for s in setup.services
        ),
        priorities=setup.priorities,
        hotline=setup.hotline,
        web=web,
        public_url=public_url,
        utc_offset_minutes=setup.rules.utc_offset_minutes,
        catalogue_version=catalogue,
        colours=colours,
        take_mode=take_mode,
        appointments=setup.rules.appointment_days > 0,
        forms_version=forms,
        filing_key=filing_key,
        phone_upload=bool(public_url),
        surveys=tuple(x for x in known if any(x.id == use.survey for use in setup.surveys)),
    )


def line_state(state: State, estimates: Estimates, at: int) -> m.LineState:
    called: dict[str, str] = {}
    for ticket in sorted(state.tickets.values(), key=lambda t: t.called_at):
        if ticket.called_at:
            called[ticket.service] = ticket.number
    today = day_of(at, state.setup.rules.utc_offset_minutes)
    closed = state.day == today and not state.day_open
    return m.LineState(
        at=at,
        day=state.day,
        state="closed" if closed else "open",
        services=tuple(
            m.ServiceLine(
                id=s.id,
                state=service_state(state, s.id, at),
                waiting=waiting_now(state, s.id, at),
                open_counters=tuple(c.id for c in state.serving_counters(s.id) if c.paused is None),
                estimate=newcomer(state, estimates, s.id, None),
                reason=state.suspended.get(s.id, ""),
                last_called=called.get(s.id, ""),
                quieter=quieter(state, estimates, s.id, at),
            )
            for s in state.setup.services
        ),
        counters=tuple(counter_line(state, state.counters[c.id]) for c in state.setup.counters),
    )


def counter_line(state: State, counter: CounterNow) -> m.CounterLine:
    ticket = state.tickets[counter.ticket] if counter.ticket else None
    return m.CounterLine(
        id=counter.id,
        state=counter_state_word(state, counter),
        number=ticket.number if ticket else "",
        called_at=ticket.called_at if ticket else 0,
    )


def counter_state_word(state: State, counter: CounterNow) -> str:
    """closed · open · paused · calling · serving."""
    if counter.ticket:
        called = state.tickets[counter.ticket].status is TicketStatus.CALLED
        return "calling" if called else "serving"
    if not counter.open:
        return "closed"
    return "paused" if counter.paused is not None else "open"


def counter_state(state: State, counter_id: int, at: int) -> m.CounterState:
    counter = state.counters[counter_id]
    settled = state.setup.counter(counter_id)
    officer = state.setup.officer(counter.officer)
    line = counter_line(state, counter)
    return m.CounterState(
        counter=counter_id,
        name=settled.name if settled else Names(vi=str(counter_id), en=str(counter_id)),
        state=line.state,
        at=at,
        number=line.number,
        officer=officer.name if officer and counter.open else "",
    )


def offer_message(state: State, offer: OfferNow, number: str, language: str) -> m.Offer:
    """The offer as the counter's tablet shows it: a receipt number, never a name."""
    lasts = int(state.setup.rules.offer_minutes * MINUTE)
    return m.Offer(
        offer=offer.id,
        counter=offer.counter,
        at=offer.opened,
        expires=offer.opened + lasts,
        number=number,
        procedure=offer.procedure,
        language=Language(language),
        survey=offer.survey,
    )


def newcomer(
    state: State, estimates: Estimates, service: str, priority: str | None
) -> Estimate | None:
    """The wait of somebody who takes a number now: the table's figure, moved by who came since."""
    ahead = ahead_of(state, service, priority)
    return estimates.newcomer(service, priority is not None, ahead, state.at)


def quieter(state: State, estimates: Estimates, service: str, at: int) -> m.Quieter | None:
    """For somebody who may come later: the next half-hour of today with half the wait and numbers left.

    None while she would be called within the target now, or no numbers are given.
    """
    rules = state.setup.rules
    now = newcomer(state, estimates, service, None)
    if now is None or now.minutes <= rules.target_minutes:
        return None
    if service_state(state, service, at) != "open":
        return None
    this = half_hour(at, rules.utc_offset_minutes)
    for later in sorted(estimates.table.later, key=_half_hour):
        soon_enough = this < later.half_hour and later.half_hour[:10] == this[:10]
        if later.service != service or not soon_enough or later.minutes > now.minutes / 2:
            continue
        starts = moment_of(later.half_hour, rules.utc_offset_minutes)
        if booking.may_have(state, service, starts, at):
            return m.Quieter(at=later.half_hour[11:], minutes=later.minutes, starts=starts)
    return None


def _half_hour(later: Later) -> str:
    return later.half_hour


def wait_from(
    state: State, estimates: Estimates, service: str, booked: int, at: int
) -> Estimate | None:
    """What somebody who comes at `booked` (ms) is foretold to wait from then; without a range.

    The table of half-hours knows means alone; None: it does not know this half-hour, or is old.
    """
    if at - estimates.table.at > OLD:
        return None
    wanted = half_hour(booked, state.setup.rules.utc_offset_minutes)
    for later in estimates.table.later:
        if later.service == service and later.half_hour == wanted:
            minutes = round(later.minutes)
            return Estimate(minutes=minutes, low=minutes, high=minutes)
    return None


def wait_of(state: State, estimates: Estimates, ticket: Ticket, at: int) -> Estimate | None:
    """The wait of somebody in line, from her own time on if that is still to come."""
    found = estimates.table.tickets.get(ticket.id)
    if ticket.booked is None or ticket.booked <= at:
        return found
    if found is None:
        return wait_from(state, estimates, ticket.service, ticket.booked, at)
    before = (ticket.booked - estimates.table.at) / MINUTE
    return Estimate(
        minutes=round(max(0.0, found.minutes - before), 1),
        low=round(max(0.0, found.low - before), 1),
        high=round(max(0.0, found.high - before), 1),
    )


def waiting_now(state: State, service: str, at: int) -> int:
    """People in this line, without those whose time is to come."""
    line = state.waiting.get(service, ())
    return sum(1 for ticket in line if state.tickets[ticket].waiting_from <= at)


def score_figures(state: State) -> dict[str, float]:
    """How well waits of today were foretold, by service, named as Prometheus wants it."""
    found: dict[str, float] = {}
    for service, score in state.scores.items():
        of = f'{{service="{service}"}}'
        found[f"motcua_estimates_scored{of}"] = score.count
        found[f"motcua_estimate_error_minutes{of}"] = round(score.mean_error, 2)
        found[f"motcua_estimate_bias_minutes{of}"] = round(score.mean_bias, 2)
        found[f"motcua_estimate_inside_share{of}"] = round(score.share_inside, 4)
    return found


def calls_by_simple_rule(state: State) -> int:
    """Visitors of today whose last call fell back to the simple rule, since the set one failed."""
    return sum(t.reason is not None and t.reason.code == "simple" for t in state.tickets.values())


def dossier_figures(state: State) -> dict[str, float]:
    """Dossiers that are not ended by how they stand, and how many of all papers the centre had already."""
    stand = Counter(str(x.status) for x in state.dossiers.values())
    found: dict[str, float] = {f'motcua_dossiers{{status="{x}"}}': stand[x] for x in sorted(stand)}
    found["motcua_papers_filed"] = state.papers_filed
    found["motcua_papers_reused"] = state.papers_reused
    return found


def move_figures(state: State) -> dict[str, float]:
    """Moves of today by how they stand."""
    stand = [now.status for now in state.moves.values()]
    return {f'motcua_moves{{status="{x}"}}': stand.count(x) for x in MoveStatus}
