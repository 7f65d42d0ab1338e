"""The state of the line: what the log folds to. `apply` is the only way in which it changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from ..dossiers.calendar import ProcessingTime
from ..dossiers.life import ENDED, STOPPED, DossierStatus
from ..satisfaction.triggers import LONGEST_MINUTES, Alert, AlertStatus, Answer, Comment
from ..wire.words import AT_COUNTER, MINUTE, Estimate, Frozen, Language, TicketStatus, day_of
from . import events as e
from . import feedback_now
from .expected import minutes_of
from .feedback_now import FeedbackNow
from .moves import MoveNow, MoveStatus
from .rule import taught
from .scores import DayScores, Score, scored
from .setup import Setup
from .times import Times

S = TicketStatus
NOT_TAKEN = "not_taken"
"""Why a number is cancelled whose visitor left before she saw it."""


class Ticket(Frozen):
    """A visitor's number and how it stands. Times in ms UTC, spans in ms.

    `place` orders the line (first arrival, or booked time); `waiting_from` starts the wait of the
    present transaction (arrival, transfer or the end of the service before). `asked`: the errand that
    `prepared`, `copies`, `dossiers` and `supplement` tell of.
    """

    id: str
    number: str
    service: str
    visit: str
    token: str
    arrived: int
    place: int
    waiting_from: int
    language: Language = Language.VI
    priority: str | None = None
    procedure: str | None = None
    booked: int | None = None
    dossiers: int = 1
    then: tuple[str, ...] = ()
    source: str = ""
    ask: str = ""
    sealed: str = ""
    status: TicketStatus = S.WAITING
    counter: int | None = None
    called_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    calls: int = 0
    absences: int = 0
    passed: int = 0
    passed_by_priority: int = 0
    out_since: int = 0
    out_for: int = 0
    waits: tuple[int, ...] = ()
    served: tuple[tuple[str, int, int, int], ...] = ()
    """Transactions done: (service, counter, called_at, finished_at)."""
    reason: e.Reason | None = None
    printed: str = ""
    prepared: bool = False
    copies: int = 0
    supplement: bool = False
    asked: str = ""
    told: Estimate | None = None
    """The wait that she was told at issue, for the service she came for."""
    scored: bool = False
    """Her first call has been held against it."""
    offline: bool = False
    """A cut off kiosk gave it."""

    def wait(self, at: int) -> int:
        """The wait of the present transaction (ms): last call − joining − time stepped out."""
        until = self.called_at if self.status in AT_COUNTER else at
        out = self.out_for + (at - self.out_since if self.status is S.OUT else 0)
        return max(0, until - self.waiting_from - out)


class Seen(Frozen):
    """Today's visits of one service at one counter and officer, in minutes: what they took, what had been
    foretold of them, and what of the last one."""

    took: float = 0.0
    foretold: float = 0.0
    last: float = 0.0


class Step(Frozen):
    """An officer's last step at her counter and what it changed, so that it can be undone once."""

    account: str
    name: str
    before: Ticket
    after: Ticket
    held: str | None
    offer: str = ""
    passed: tuple[str, ...] = ()
    pace: str = ""
    seen: Seen | None = None
    """What `State.seen` held under `pace` before."""


class CounterNow(Frozen):
    """A counter at this moment. `ticket` is with it; `followed` is the ticket it had before."""

    id: int
    open: bool = False
    officer: str = ""
    serves: tuple[str, ...] = ()
    paused: str | None = None
    ticket: str | None = None
    followed: str = ""
    since: int = 0


class AppointmentNow(Frozen):
    """A booked time. `status`: booked, came, cancelled, missed; `ticket`: her number, once she came."""

    id: str
    service: str
    starts: int
    token: str
    visit: str = ""
    procedure: str | None = None
    language: Language = Language.VI
    priority: str | None = None
    sealed: str = ""
    status: str = "booked"
    ticket: str = ""


ANSWERS_KEPT = LONGEST_MINUTES * MINUTE
"""How long an answer is looked at; what watches more minutes sees no further."""
MOST_ALERTS = 50
"""Alerts that are kept in mind; closed ones go first."""


class OfferNow(Frozen):
    """A rating that was asked for; nothing in it leads to a person."""

    id: str
    service: str
    counter: int
    half_hour: str
    opened: int
    expires: int
    procedure: str = ""
    answered: str = ""
    survey: str = ""


class DossierNow(Frozen):
    """A dossier that is not ended. `stopped_at` (ms): since when its due date stands still, 0: it does not."""

    id: str
    procedure: str
    service: str
    status: DossierStatus
    received_at: int
    code: str = ""
    provisional: str = ""
    time: ProcessingTime = ProcessingTime()
    due_at: int | None = None
    stopped_at: int = 0
    supplements: int = 0
    sample: bool = False
    place: int = 0


class Lease(Frozen):
    """Ordinals of a service that a kiosk may give while it is cut off, and how many came back as tickets."""

    device: str
    service: str
    first: int
    last: int
    handed: int = 0


class State(msgspec.Struct):
    """The whole line. Tickets are those of the running day; offers those that may still be answered."""

    setup: Setup = Setup()
    epoch: int = 1
    day: str = ""
    day_open: bool = False
    at: int = 0
    tickets: dict[str, Ticket] = {}
    waiting: dict[str, dict[str, None]] = {}
    counters: dict[int, CounterNow] = {}
    next_ordinal: dict[str, int] = {}
    leases: tuple[Lease, ...] = ()
    """Of the running day."""
    leased_from: dict[str, int] = {}
    """By service the lowest ordinal that is, or may be, in a lease of today."""
    handed: dict[str, tuple[int, ...]] = {}
    """By service the ordinals that kiosks handed over today."""
    suspended: dict[str, str] = {}
    offers: dict[str, OfferNow] = {}
    answers: tuple[Answer, ...] = ()
    """Those of the last hour, for what watches them."""
    alerts: dict[str, Alert] = {}
    steps: dict[int, Step] = {}
    asks: dict[str, str] = {}
    """Asks of today → ticket; an empty string: withdrawn before a ticket was made."""
    tokens: dict[str, str] = {}
    appointments: dict[str, AppointmentNow] = {}
    """Those of today and of days to come, by id."""
    appointments_made: dict[str, int] = {}
    """By local day: how many have been booked for it, so that no id is given twice."""
    help: dict[str, int] = {}
    moves: dict[str, MoveNow] = {}
    """Moves of the running day, in the order in which they were proposed."""
    times: Times = Times()
    """What has been learned of service times; a rule may use it, for it stands in the log."""
    seen: dict[str, Seen] = {}
    """By `pace_key`: what today's visits teach of paces."""
    scores: dict[str, Score] = {}
    """By service: how well the waits of today were foretold."""
    scores_before: DayScores = DayScores()
    """The same of the last day that ended."""
    dossiers: dict[str, DossierNow] = {}
    """Those that are not ended, in the order in which they came."""
    dossier_day: str = ""
    dossier_serials: dict[str, int] = {}
    """By agency the last serial given on `dossier_day`; under `""` those of provisional numbers."""
    dossiers_from: int = 0
    """Serials of `dossier_day` go on above this one (after a restore)."""
    papers_filed: int = 0
    papers_reused: int = 0
    """Of them those that the centre held already."""
    province_away: str = ""
    """Why the province cannot be spoken to, empty while it can; and since when (ms)."""
    province_said: int = 0
    feedback: dict[str, FeedbackNow] = {}
    """What is not ended, in the order in which it came."""
    feedback_day: str = ""
    feedback_serial: int = 0
    """The last number given on `feedback_day`."""
    forms_checked: dict[str, str] = {}
    """By `<form>/<version>`: the SHA of the content that somebody found to be as the official sheet."""

    def ticket_of(self, counter: int) -> Ticket | None:
        held = self.counters[counter].ticket
        return self.tickets[held] if held else None

    def waiting_for(self, services: tuple[str, ...]) -> Iterator[Ticket]:
        """Tickets that wait in any of these services' lines, in no order."""
        for service in services:
            for ticket in self.waiting.get(service, ()):
                yield self.tickets[ticket]

    def serving_counters(self, service: str) -> list[CounterNow]:
        """Open counters that serve it now, paused ones too."""
        return [c for c in self.counters.values() if c.open and service in c.serves]

    def offer_of(self, counter: int, at: int) -> OfferNow | None:
        """The counter's newest offer that still stands unanswered on its tablet."""
        limit = at - int(self.setup.rules.offer_minutes * MINUTE)
        for offer in reversed(self.offers.values()):  # they stand in the order of their opening
            if offer.opened < limit:
                break
            if offer.counter == counter and not offer.answered:
                return offer
        return None


def apply(state: State, event: e.Event, at: int, actor: e.Actor = e.Actor(device="")) -> None:
    """Fold one event into the state; `at` is the event's time (ms UTC). Never refuses."""
    state.at = max(state.at, at)
    _FOLD[type(event)](state, event, at, actor)


# --- the centre ---------------------------------------------------------------------------------


def _setup_changed(state: State, ev: e.SetupChanged, at: int, actor: e.Actor) -> None:
    state.setup = ev.setup
    for counter in ev.setup.counters:
        state.counters.setdefault(counter.id, CounterNow(id=counter.id))
    for service in ev.setup.services:
        state.waiting.setdefault(service.id, {})
        state.next_ordinal.setdefault(service.id, service.first)
    known = {s.id for s in ev.setup.services}
    state.suspended = {k: v for k, v in state.suspended.items() if k in known}


def _day_started(state: State, ev: e.DayStarted, at: int, actor: e.Actor) -> None:
    state.day, state.day_open = ev.day, True
    state.appointments = {k: a for k, a in state.appointments.items() if k[:10] >= ev.day}
    state.appointments_made = {k: n for k, n in state.appointments_made.items() if k >= ev.day}
    state.tickets, state.asks, state.tokens, state.steps = {}, {}, {}, {}
    state.moves, state.scores, state.seen = {}, {}, {}
    state.waiting = {s.id: {} for s in state.setup.services}
    state.next_ordinal = {s.id: s.first for s in state.setup.services}
    state.leases, state.leased_from, state.handed = (), {}, {}
    state.counters = {
        k: replace(c, ticket=None, followed="", since=at) for k, c in state.counters.items()
    }
    state.offers = {
        k: o for k, o in state.offers.items() if o.expires > at and o.answered != "rated"
    }


def _day_ended(state: State, ev: e.DayEnded, at: int, actor: e.Actor) -> None:
    state.day_open = False
    state.steps = {}


def _epoch_opened(state: State, ev: e.EpochOpened, at: int, actor: e.Actor) -> None:
    state.epoch = ev.epoch
    state.next_ordinal = {**state.next_ordinal, **ev.next_ordinal}
    state.leased_from = {**state.leased_from, **ev.leased_from}
    _dossier_day(state, at)
    state.dossiers_from = ev.dossiers_from
    feedback_now.jumped(state, ev.feedback_from, at)


def _counter(state: State, counter: int, **changes: Any) -> None:
    state.counters[counter] = replace(state.counters[counter], **changes)


def _counter_opened(state: State, ev: e.CounterOpened, at: int, actor: e.Actor) -> None:
    _counter(
        state, ev.counter, open=True, officer=ev.officer, serves=ev.serves, paused=None, since=at
    )
    state.steps.pop(ev.counter, None)
    _touch_moves(state, ev.counter)


def _counter_closed(state: State, ev: e.CounterClosed, at: int, actor: e.Actor) -> None:
    _counter(state, ev.counter, open=False, officer="", paused=None, since=at, followed="")
    state.steps.pop(ev.counter, None)
    _touch_moves(state, ev.counter)


def _counter_paused(state: State, ev: e.CounterPaused, at: int, actor: e.Actor) -> None:
    _counter(state, ev.counter, paused=ev.reason, since=at)


def _counter_resumed(state: State, ev: e.CounterResumed, at: int, actor: e.Actor) -> None:
    _counter(state, ev.counter, paused=None, since=at)


def _serves_changed(state: State, ev: e.ServesChanged, at: int, actor: e.Actor) -> None:
    _counter(state, ev.counter, serves=ev.serves)
    if not ev.move:
        _touch_moves(state, ev.counter)


def _suspended(state: State, ev: e.ServiceSuspended, at: int, actor: e.Actor) -> None:
    state.suspended[ev.service] = ev.reason


def _resumed(state: State, ev: e.ServiceResumed, at: int, actor: e.Actor) -> None:
    state.suspended.pop(ev.service, None)


def _help_called(state: State, ev: e.HelpCalled, at: int, actor: e.Actor) -> None:
    state.help[ev.place] = at


def _help_answered(state: State, ev: e.HelpAnswered, at: int, actor: e.Actor) -> None:
    state.help.pop(ev.place, None)


def _form_marked(state: State, ev: e.FormMarked, at: int, actor: e.Actor) -> None:
    key = f"{ev.form}/{ev.version}"
    kept = {k: sha for k, sha in state.forms_checked.items() if k != key}
    state.forms_checked = {**kept, key: ev.sha} if ev.checked else kept


# --- moves, scores and what was learned ------------------------------------------------------------


def _move(state: State, move: str, **changes: Any) -> None:
    state.moves[move] = replace(state.moves[move], **changes)


def _touch_moves(state: State, counter: int) -> None:
    """Somebody changed what this counter serves: a move under way there puts nothing back."""
    for move, now in state.moves.items():
        if now.status is MoveStatus.ACCEPTED and now.move.counter == counter:
            state.moves[move] = replace(now, touched=True)


def _move_proposed(state: State, ev: e.MoveProposed, at: int, actor: e.Actor) -> None:
    state.moves[ev.move.id] = MoveNow(move=ev.move, proposed_at=at)


def _move_accepted(state: State, ev: e.MoveAccepted, at: int, actor: e.Actor) -> None:
    counter = state.moves[ev.move].move.counter
    _move(
        state,
        ev.move,
        status=MoveStatus.ACCEPTED,
        answered_at=at,
        by=actor.account,
        auto=ev.auto,
        before=() if counter is None else state.counters[counter].serves,
    )


def _move_refused(state: State, ev: e.MoveRefused, at: int, actor: e.Actor) -> None:
    _move(
        state,
        ev.move,
        status=MoveStatus.REFUSED,
        answered_at=at,
        by=actor.account,
        reason=ev.reason,
    )


def _move_expired(state: State, ev: e.MoveExpired, at: int, actor: e.Actor) -> None:
    _move(state, ev.move, status=MoveStatus.EXPIRED, ended_at=at)


def _move_ended(state: State, ev: e.MoveEnded, at: int, actor: e.Actor) -> None:
    _move(state, ev.move, status=MoveStatus.ENDED, ended_at=at, came=ev.came)


def _times_learned(state: State, ev: e.TimesLearned, at: int, actor: e.Actor) -> None:
    state.times = ev.times


def _day_scored(state: State, ev: e.DayScored, at: int, actor: e.Actor) -> None:
    state.scores_before = DayScores(day=ev.day, services=ev.scores)


def _score(state: State, ticket: Ticket, at: int, sign: int = 1) -> None:
    """Hold a called ticket's wait against what she was told (`sign` -1: the call is undone)."""
    if ticket.told is None:
        return
    known = state.scores.get(ticket.service, Score())
    fresh = scored(known, ticket.told, round(ticket.wait(at) / MINUTE, 1), sign)
    if fresh.count:
        state.scores[ticket.service] = fresh
    else:
        state.scores.pop(ticket.service, None)


# --- tickets ------------------------------------------------------------------------------------


def _put(state: State, ticket: Ticket) -> None:
    """Store a ticket and keep the lines' index in step with its status and service."""
    old = state.tickets.get(ticket.id)
    if old is not None and old.status is S.WAITING:
        state.waiting[old.service].pop(old.id, None)
    state.tickets[ticket.id] = ticket
    if ticket.status is S.WAITING:
        state.waiting.setdefault(ticket.service, {})[ticket.id] = None


def _release(state: State, ticket: Ticket, at: int) -> None:
    if ticket.counter is not None and state.counters[ticket.counter].ticket == ticket.id:
        _counter(state, ticket.counter, ticket=None, followed=ticket.id, since=at)


def _step(
    state: State,
    counter: int,
    event: e.Event,
    actor: e.Actor,
    before: Ticket,
    passed: tuple[str, ...] = (),
) -> None:
    """Remember what an officer did, for undo. `held` is what the counter holds after the step."""
    if actor.account:
        state.steps[counter] = Step(
            account=actor.account,
            name=type(event).__name__,
            before=before,
            after=state.tickets[before.id],
            held=state.counters[counter].ticket,
            passed=passed,
        )
    else:
        state.steps.pop(counter, None)


def _issued(state: State, ev: e.TicketIssued, at: int, actor: e.Actor) -> None:
    if ev.late:
        return
    arrived = at if ev.arrived is None else ev.arrived
    start = max(arrived, ev.booked or 0)
    late = arrived - int(state.setup.rules.appointment_late_minutes * MINUTE)
    first = ev.first or ev.service
    ticket = Ticket(
        id=ev.ticket,
        number=ev.number,
        service=first,
        visit=ev.visit,
        token=ev.token,
        arrived=arrived,
        place=ev.booked if ev.booked is not None and ev.booked >= late else start,
        waiting_from=start,
        language=ev.language,
        priority=ev.priority,
        procedure=ev.procedure,
        booked=ev.booked,
        dossiers=ev.dossiers,
        then=_without(first, (ev.service, *ev.then)),
        source=ev.source,
        ask=ev.ask,
        sealed=ev.sealed,
        prepared=ev.prepared,
        copies=ev.copies,
        supplement=ev.supplement,
        asked=ev.service,
        told=ev.told,
        offline=ev.offline,
    )
    _put(state, ticket)
    if ev.offline:
        _handed_over(state, ev)
    else:
        state.next_ordinal[ev.service] = max(state.next_ordinal.get(ev.service, 1), ev.ordinal + 1)
    state.tokens[ev.token] = ev.ticket
    if ev.appointment:
        _appointment(state, ev.appointment, status="came", ticket=ev.ticket)
    if ev.ask:
        state.asks[ev.ask] = ev.ticket


def _booked(state: State, ev: e.AppointmentBooked, at: int, actor: e.Actor) -> None:
    state.appointments[ev.appointment] = AppointmentNow(
        id=ev.appointment,
        service=ev.service,
        starts=ev.starts,
        token=ev.token,
        visit=ev.visit,
        procedure=ev.procedure,
        language=ev.language,
        priority=ev.priority,
        sealed=ev.sealed,
    )
    day, _, number = ev.appointment.rpartition("-")
    state.appointments_made[day] = max(state.appointments_made.get(day, 0), int(number))


def _appointment(state: State, appointment: str, **changes: Any) -> None:
    known = state.appointments.get(appointment)
    if known is not None:
        state.appointments[appointment] = replace(known, **changes)


def _booking_cancelled(state: State, ev: e.AppointmentCancelled, at: int, actor: e.Actor) -> None:
    _appointment(state, ev.appointment, status="cancelled")


def _booking_missed(state: State, ev: e.AppointmentMissed, at: int, actor: e.Actor) -> None:
    _appointment(state, ev.appointment, status="missed")


def _handed_over(state: State, ev: e.TicketIssued) -> None:
    state.handed[ev.service] = (*state.handed.get(ev.service, ()), ev.ordinal)
    state.leases = tuple(
        replace(x, handed=x.handed + 1)
        if (x.device, x.service) == (ev.source, ev.service) and x.first <= ev.ordinal <= x.last
        else x
        for x in state.leases
    )


def _leased(state: State, ev: e.NumbersLeased, at: int, actor: e.Actor) -> None:
    lease = Lease(device=ev.device, service=ev.service, first=ev.first, last=ev.last)
    state.leases = (*state.leases, lease)
    lowest = min(state.leased_from.get(ev.service, ev.first), ev.first)
    state.leased_from = {**state.leased_from, ev.service: lowest}


def _without(errand: str, errands: tuple[str, ...]) -> tuple[str, ...]:
    """The errands but for one of this service."""
    place = errands.index(errand)
    return errands[:place] + errands[place + 1 :]


def _ask_withdrawn(state: State, ev: e.AskWithdrawn, at: int, actor: e.Actor) -> None:
    state.asks.setdefault(ev.ask, "")


def _called(state: State, ev: e.TicketCalled, at: int, actor: e.Actor) -> None:
    before = state.tickets[ev.ticket]
    by_priority = before.priority is not None
    for other in ev.passed:
        ticket = state.tickets[other]
        state.tickets[other] = replace(
            ticket,
            passed=ticket.passed + 1,
            passed_by_priority=ticket.passed_by_priority + by_priority,
        )
    out = before.out_for + (at - before.out_since if before.status is S.OUT else 0)
    called = replace(
        before,
        status=S.CALLED,
        counter=ev.counter,
        called_at=at,
        started_at=0,
        calls=1,
        out_for=out,
        out_since=0,
        reason=ev.reason,
        scored=True,
    )
    _put(state, called)
    if not before.scored:
        _score(state, called, at)
    _counter(state, ev.counter, ticket=ev.ticket, since=at)
    _step(state, ev.counter, ev, actor, before, ev.passed)


def _recalled(state: State, ev: e.TicketRecalled, at: int, actor: e.Actor) -> None:
    ticket = state.tickets[ev.ticket]
    state.tickets[ev.ticket] = replace(ticket, called_at=at, calls=ticket.calls + 1)
    state.steps.pop(ev.counter, None)


def _started(state: State, ev: e.ServiceStarted, at: int, actor: e.Actor) -> None:
    before = state.tickets[ev.ticket]
    _put(state, replace(before, status=S.SERVING, started_at=ev.since or at))
    _step(state, ev.counter, ev, actor, before)


def _finished(state: State, ev: e.ServiceFinished, at: int, actor: e.Actor) -> None:
    before = state.tickets[ev.ticket]
    done = (before.service, ev.counter, before.called_at, at)
    after = replace(
        before,
        status=S.FINISHED,
        counter=None,
        ended_at=at,
        waits=(*before.waits, before.wait(at)),
        served=(*before.served, done),
    )
    if ev.then:
        after = replace(
            after,
            status=S.WAITING,
            service=ev.then,
            then=_without(ev.then, before.then) if ev.then in before.then else before.then,
            place=at,
            waiting_from=at,
            ended_at=0,
            out_for=0,
            passed=0,
            passed_by_priority=0,
            called_at=0,
            calls=0,
            booked=None,
        )
    key, known = _teach(state, before, ev.counter, at)
    _release(state, before, at)
    _put(state, after)
    _step(state, ev.counter, ev, actor, before)
    if key and ev.counter in state.steps:
        state.steps[ev.counter] = replace(state.steps[ev.counter], pace=key, seen=known)


def _teach(state: State, ticket: Ticket, counter: int, at: int) -> tuple[str, Seen | None]:
    """Let a visit that ends teach this counter's pace; gives what was changed and what stood there before."""
    expected = minutes_of(ticket, ticket.service, ticket.asked, state.setup, state.times)
    if not 0.0 < expected < math.inf:
        return "", None
    key = pace_key(state.counters[counter], ticket.service)
    known = state.seen.get(key)
    before = known or Seen()
    state.seen[key] = Seen(
        took=before.took + taught((at - ticket.called_at) / MINUTE, expected),
        foretold=before.foretold + expected,
        last=expected,
    )
    return key, known


def pace_key(counter: CounterNow, service: str) -> str:
    """`4:hoa:ho_tich`: the officer who sits there and the service; in `State.seen`."""
    return f"{counter.id}:{counter.officer}:{service}"


def _no_show(state: State, ev: e.TicketNoShow, at: int, actor: e.Actor) -> None:
    before = state.tickets[ev.ticket]
    _release(state, before, at)
    _put(
        state,
        replace(before, status=S.NO_SHOW, counter=None, ended_at=at, absences=before.absences + 1),
    )
    _step(state, ev.counter, ev, actor, before)


def _back_in_line(ticket: Ticket, at: int) -> Ticket:
    """Waiting again at her old place; the time away (absent, parked, out) is no waiting time."""
    away_from = ticket.ended_at or ticket.out_since
    away = at - away_from if away_from else 0
    return replace(
        ticket,
        status=S.WAITING,
        counter=None,
        called_at=0,
        started_at=0,
        calls=0,
        ended_at=0,
        out_since=0,
        out_for=ticket.out_for + away,
    )


def _put_back(state: State, ev: e.TicketPutBack, at: int, actor: e.Actor) -> None:
    before = state.tickets[ev.ticket]
    counter = before.counter
    _release(state, before, at)
    _put(state, _back_in_line(before, at))
    if counter is not None:
        _step(state, counter, ev, actor, before)


def _transferred(state: State, ev: e.TicketTransferred, at: int, actor: e.Actor) -> None:
    before = state.tickets[ev.ticket]
    counter = before.counter
    at_counter = before.status in AT_COUNTER
    _release(state, before, at)
    asked = ev.service if before.service == before.asked else before.asked
    after = replace(before, service=ev.service, asked=asked, told=None)
    if at_counter:
        after = replace(
            after,
            status=S.WAITING,
            counter=None,
            waits=(*before.waits, before.wait(at)),
            waiting_from=at,
            out_for=0,
            called_at=0,
            started_at=0,
            calls=0,
        )
    _put(state, after)
    if counter is not None:
        _step(state, counter, ev, actor, before)


def _parked(state: State, ev: e.TicketParked, at: int, actor: e.Actor) -> None:
    before = state.tickets[ev.ticket]
    _release(state, before, at)
    _put(state, replace(before, status=S.PARKED, counter=None, out_since=at))
    _step(state, ev.counter, ev, actor, before)


def _unparked(state: State, ev: e.TicketResumed, at: int, actor: e.Actor) -> None:
    before = state.tickets[ev.ticket]
    if ev.counter is None:
        _put(state, _back_in_line(before, at))
        return
    _put(
        state,
        replace(
            before,
            status=S.SERVING,
            counter=ev.counter,
            started_at=before.started_at or at,
            out_since=0,
        ),
    )
    _counter(state, ev.counter, ticket=ev.ticket, since=at)
    _step(state, ev.counter, ev, actor, before)


def _out(state: State, ev: e.TicketSteppedOut, at: int, actor: e.Actor) -> None:
    _put(state, replace(state.tickets[ev.ticket], status=S.OUT, out_since=at))


def _in_again(state: State, ev: e.TicketSteppedBack, at: int, actor: e.Actor) -> None:
    _put(state, _back_in_line(state.tickets[ev.ticket], at))


def _cancelled(state: State, ev: e.TicketCancelled, at: int, actor: e.Actor) -> None:
    """A number that its visitor never saw leaves her appointment as it was."""
    _end(state, ev.ticket, S.CANCELLED, at)
    for known in list(state.appointments.values()) if ev.reason == NOT_TAKEN else ():
        if known.ticket == ev.ticket:
            _appointment(state, known.id, status="booked", ticket="")


def _expired(state: State, ev: e.TicketExpired, at: int, actor: e.Actor) -> None:
    if ev.ticket in state.tickets:  # else one of a day that was over when it was handed over
        _end(state, ev.ticket, S.EXPIRED, at)


def _end(state: State, ticket_id: str, status: TicketStatus, at: int) -> None:
    ticket = state.tickets[ticket_id]
    _release(state, ticket, at)
    _put(state, replace(ticket, status=status, counter=None, ended_at=at))


def _priority(state: State, ev: e.PriorityGranted, at: int, actor: e.Actor) -> None:
    state.tickets[ev.ticket] = replace(state.tickets[ev.ticket], priority=ev.group)


def _no_priority(state: State, ev: e.PriorityWithdrawn, at: int, actor: e.Actor) -> None:
    state.tickets[ev.ticket] = replace(state.tickets[ev.ticket], priority=None)


def _undone(state: State, ev: e.StepUndone, at: int, actor: e.Actor) -> None:
    step = state.steps.pop(ev.counter)
    by_priority = step.before.priority is not None
    for other in step.passed:
        ticket = state.tickets[other]
        state.tickets[other] = replace(
            ticket,
            passed=max(0, ticket.passed - 1),
            passed_by_priority=max(0, ticket.passed_by_priority - by_priority),
        )
    if step.after.scored and not step.before.scored:
        _score(state, step.after, at, -1)
    if step.pace:
        _unteach(state, step)
    _put(state, step.before)
    holds = step.before.status in AT_COUNTER and step.before.counter == ev.counter
    _counter(state, ev.counter, ticket=step.before.id if holds else None, since=at)
    if step.offer:
        state.offers.pop(step.offer, None)


def _unteach(state: State, step: Step) -> None:
    if step.seen is None:
        state.seen.pop(step.pace, None)
    else:
        state.seen[step.pace] = step.seen


def _printed(state: State, ev: e.TicketPrinted, at: int, actor: e.Actor) -> None:
    if ev.ticket in state.tickets:
        state.tickets[ev.ticket] = replace(state.tickets[ev.ticket], printed=ev.outcome)


# --- dossiers -----------------------------------------------------------------------------------


def _dossier_day(state: State, at: int) -> None:
    """Serials begin anew with the day on which codes are given."""
    today = day_of(at, state.setup.rules.utc_offset_minutes)
    if state.dossier_day != today:
        state.dossier_day, state.dossier_serials, state.dossiers_from = today, {}, 0


def _count_serial(state: State, agency: str, serial: int, at: int) -> None:
    _dossier_day(state, at)
    if serial:
        last = max(serial, state.dossier_serials.get(agency, 0))
        state.dossier_serials = {**state.dossier_serials, agency: last}


def _dossier_filed(state: State, ev: e.DossierFiled, at: int, actor: e.Actor) -> None:
    _count_serial(state, ev.agency, ev.serial, at)
    state.papers_filed += len(ev.papers)
    state.papers_reused += sum(p.held for p in ev.papers)
    state.dossiers[ev.dossier] = DossierNow(
        id=ev.dossier,
        procedure=ev.procedure,
        service=ev.service,
        status=DossierStatus.PREPARED if ev.prepared else DossierStatus.RECEIVED,
        received_at=ev.received_at,
        code=ev.code,
        provisional=ev.provisional,
        time=ev.time,
        due_at=ev.due_at,
        sample=ev.sample,
        place=ev.place,
    )


def _dossier_coded(state: State, ev: e.DossierCodeCame, at: int, actor: e.Actor) -> None:
    _count_serial(state, ev.agency, ev.serial, at)
    known = state.dossiers.get(ev.dossier)
    if known is not None:
        state.dossiers[ev.dossier] = replace(
            known,
            code=ev.code or known.code,
            provisional=ev.provisional or known.provisional,
            received_at=ev.received_at or known.received_at,
            due_at=ev.due_at,
        )


def _dossier_moved(state: State, ev: e.DossierMoved, at: int, actor: e.Actor) -> None:
    if ev.status in ENDED:
        state.dossiers.pop(ev.dossier, None)
        return
    known = state.dossiers[ev.dossier]
    state.dossiers[ev.dossier] = replace(
        known,
        status=ev.status,
        due_at=ev.due_at,
        stopped_at=at if ev.status in STOPPED else 0,
        supplements=known.supplements + (ev.status is DossierStatus.SUPPLEMENT),
    )


def _dossier_passed(state: State, ev: e.DossierPassed, at: int, actor: e.Actor) -> None:
    """How it stands with the province is in the read table alone: no rule asks for it later."""


def _province_said(state: State, ev: e.ProvinceSaid, at: int, actor: e.Actor) -> None:
    state.province_away, state.province_said = ev.away, at


# --- ratings ------------------------------------------------------------------------------------


def _surveys_chosen(state: State, ev: e.SurveysChosen, at: int, actor: e.Actor) -> None:
    state.setup = replace(state.setup, surveys=ev.uses)


def _triggers_chosen(state: State, ev: e.TriggersChosen, at: int, actor: e.Actor) -> None:
    state.setup = replace(state.setup, triggers=ev.triggers)


def _offer_opened(state: State, ev: e.OfferOpened, at: int, actor: e.Actor) -> None:
    state.offers[ev.offer] = OfferNow(
        id=ev.offer,
        service=ev.service,
        counter=ev.counter,
        half_hour=ev.half_hour,
        opened=at,
        expires=ev.expires,
        procedure=ev.procedure,
        survey=ev.survey,
    )
    step = state.steps.get(ev.counter)
    if step is not None and step.name == "ServiceFinished":
        state.steps[ev.counter] = replace(step, offer=ev.offer)


def _offer_withdrawn(state: State, ev: e.OfferWithdrawn, at: int, actor: e.Actor) -> None:
    state.offers.pop(ev.offer, None)


def _rated(state: State, ev: e.RatingGiven, at: int, actor: e.Actor) -> None:
    offer = state.offers.get(ev.offer)
    if offer is not None:
        state.offers[ev.offer] = replace(offer, answered="rated")
        state.answers = with_answer(state.answers, ev, at, offer.counter, offer.service)


def with_answer(
    known: tuple[Answer, ...], ev: e.RatingGiven, at: int, counter: int, service: str
) -> tuple[Answer, ...]:
    """One more answer to look at; what is too old goes."""
    since = at - ANSWERS_KEPT
    given = Answer(at=ev.pressed_at or at, score=ev.score, counter=counter, service=service)
    return (*(a for a in known if a.at > since), given)


def _alert_opened(state: State, ev: e.AlertOpened, at: int, actor: e.Actor) -> None:
    state.alerts[ev.alert.id] = ev.alert
    closed = [a for a in state.alerts.values() if a.status is AlertStatus.CLOSED]
    for old in sorted(closed, key=lambda a: a.opened_at)[: max(0, len(state.alerts) - MOST_ALERTS)]:
        del state.alerts[old.id]


def _alert_turned(state: State, ev: e.AlertTurned, at: int, actor: e.Actor) -> None:
    alert = state.alerts.get(ev.alert)
    if alert is None:
        return
    if ev.status is AlertStatus.ACKNOWLEDGED:
        alert = replace(alert, status=ev.status, acknowledged_at=at, acknowledged_by=actor.account)
    elif ev.status is AlertStatus.CLOSED:
        alert = replace(alert, status=ev.status, closed_at=at, closed_by=actor.account)
    if ev.sealed:
        said = Comment(at=at, by=actor.account, words="")
        alert = replace(alert, comments=(*alert.comments, said))
    state.alerts[ev.alert] = alert


def _silent(state: State, ev: e.RatingSilent, at: int, actor: e.Actor) -> None:
    if ev.offer in state.offers and not state.offers[ev.offer].answered:
        state.offers[ev.offer] = replace(state.offers[ev.offer], answered="silent")


def _noted(state: State, ev: e.Noted, at: int, actor: e.Actor) -> None:
    pass


_FOLD: dict[type, Callable[[State, Any, int, e.Actor], None]] = {
    e.SetupChanged: _setup_changed,
    e.DayStarted: _day_started,
    e.DayEnded: _day_ended,
    e.EpochOpened: _epoch_opened,
    e.CounterOpened: _counter_opened,
    e.CounterClosed: _counter_closed,
    e.CounterPaused: _counter_paused,
    e.CounterResumed: _counter_resumed,
    e.ServesChanged: _serves_changed,
    e.ServiceSuspended: _suspended,
    e.ServiceResumed: _resumed,
    e.TicketIssued: _issued,
    e.NumbersLeased: _leased,
    e.AppointmentBooked: _booked,
    e.AppointmentCancelled: _booking_cancelled,
    e.AppointmentMissed: _booking_missed,
    e.AskWithdrawn: _ask_withdrawn,
    e.TicketCalled: _called,
    e.TicketRecalled: _recalled,
    e.ServiceStarted: _started,
    e.ServiceFinished: _finished,
    e.TicketNoShow: _no_show,
    e.TicketPutBack: _put_back,
    e.TicketTransferred: _transferred,
    e.TicketParked: _parked,
    e.TicketResumed: _unparked,
    e.TicketSteppedOut: _out,
    e.TicketSteppedBack: _in_again,
    e.TicketCancelled: _cancelled,
    e.TicketExpired: _expired,
    e.PriorityGranted: _priority,
    e.PriorityWithdrawn: _no_priority,
    e.StepUndone: _undone,
    e.TicketPrinted: _printed,
    e.MoveProposed: _move_proposed,
    e.MoveAccepted: _move_accepted,
    e.MoveRefused: _move_refused,
    e.MoveExpired: _move_expired,
    e.MoveEnded: _move_ended,
    e.TimesLearned: _times_learned,
    e.DayScored: _day_scored,
    e.HelpCalled: _help_called,
    e.HelpAnswered: _help_answered,
    e.FormMarked: _form_marked,
    e.DossierFiled: _dossier_filed,
    e.DossierCodeCame: _dossier_coded,
    e.DossierMoved: _dossier_moved,
    e.DossierPassed: _dossier_passed,
    e.ProvinceSaid: _province_said,
    e.FeedbackGiven: feedback_now.given,
    e.FeedbackSorted: feedback_now.sorted_,
    e.FeedbackJudged: feedback_now.judged,
    e.FeedbackMoved: feedback_now.moved,
    e.FeedbackAdded: feedback_now.added,
    e.SurveysChosen: _surveys_chosen,
    e.TriggersChosen: _triggers_chosen,
    e.OfferOpened: _offer_opened,
    e.OfferWithdrawn: _offer_withdrawn,
    e.AlertOpened: _alert_opened,
    e.AlertTurned: _alert_turned,
    e.RatingGiven: _rated,
    e.RatingSilent: _silent,
    e.Noted: _noted,
    e.OnlineDeclared: _noted,
}
