"""One visitor's way through the kiosk: pure rules from state and report to state and effects.

welcome → service → procedure or just a number → priority → now or later → confirm → waiting → ticket
→ welcome.
Steps with nothing to choose are left out. Whatever comes, idle brings the screen home, and a ticket
that its visitor has not seen is withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from msgspec import structs

from queue_server.wire import messages as m
from queue_server.wire.words import Language

from . import access_rules, booking, errand_rules, finding
from . import booking_reports as b
from . import finding_reports as f
from . import reports as r
from .reports import Effect, PrinterCondition
from .visit import (
    BOOKING,
    CHOOSING,
    FINDING,
    HELP_AGAIN_AFTER_MS,
    Help,
    LastTicket,
    Paper,
    State,
    Step,
    View,
    can_reprint,
    is_away,
    leaves_at,
    own_numbers,
    procedure_of,
    procedures_of,
    service_info,
    service_line,
    steps,
    ticket_left,
    time_offer,
    view,
)

Decision = tuple[State, tuple[Effect | f.Effect | b.Effect, ...]]


def decide(state: State, report: r.Report) -> Decision:
    """What follows from `report`. A report that does not suit the step changes nothing."""
    state = replace(state, now=max(state.now, report.at))
    rule = _RULES.get(type(report))
    return rule(state, report) if rule else (state, ())


# --- rules: the world ---------------------------------------------------------------------------


def _setup_came(state: State, report: r.SetupCame) -> Decision:
    """Takes effect in the middle of a visit: what is no longer offered is no longer chosen."""
    groups = {group.id for group in report.setup.priorities}
    priority = state.priority if state.priority in groups else None
    return replace(state, setup=report.setup, priority=priority), ()


def _line_came(state: State, report: r.LineCame) -> Decision:
    return replace(state, line=report.line), ()


def _catalogue_came(state: State, report: r.CatalogueCame) -> Decision:
    state = replace(state, procedures=report.procedures)
    return replace(state, procedure=state.procedure if procedure_of(state) else None), ()


def _shelf_came(state: State, report: f.ShelfCame) -> Decision:
    state = replace(state, shelf=report.shelf)
    gone = state.step is Step.ADVICE and report.shelf.line(state.found) is None
    return (replace(state, step=Step.ERRAND, found="") if gone else state), ()


def _connection_changed(state: State, report: r.ConnectionChanged) -> Decision:
    if report.up == state.connected:
        return state, ()
    return replace(state, connected=report.up, connection_changed=report.at), ()


def _lease_changed(state: State, report: r.LeaseChanged) -> Decision:
    return replace(state, leased=report.left), ()


def _printer_changed(state: State, report: r.PrinterChanged) -> Decision:
    return replace(state, printer=report.condition), ()


def _tick(state: State, report: r.Tick) -> Decision:
    if state.unplugged is not None and state.now >= leaves_at(state):
        return _went_home(state, r.WentHome(report.at))
    if state.step is Step.WAITING:
        return _give_up(state) if state.now >= _patience(state) else (state, ())
    if state.step is Step.TICKET:
        if state.paper is Paper.AWAITED and state.now >= state.print_at:
            return _print(state)
        return (home(state), ()) if ticket_left(state) == 0 else (state, ())
    if state.step is Step.OPENING:
        return state, ()
    return (home(state), ()) if state.now >= leaves_at(state) else (state, ())


# --- rules: choosing ----------------------------------------------------------------------------


def home(state: State) -> State:
    """The first screen as a new visitor finds it: usual language and letters, nothing chosen."""
    return State(
        rules=state.rules,
        setup=state.setup,
        line=state.line,
        procedures=state.procedures,
        shelf=state.shelf,
        connected=state.connected,
        connection_changed=state.connection_changed,
        leased=state.leased,
        printer=state.printer,
        last=state.last,
        help_called=state.help_called,
        home_language=state.home_language,
        headphones=state.headphones,
        language=state.home_language,
        now=state.now,
        touched=state.now,
    )


def _touched(state: State, report: r.Touched) -> Decision:
    return replace(state, touched=report.at, unplugged=None), ()


def _started(state: State, report: r.Started) -> Decision:
    if state.step is not Step.WELCOME:
        return state, ()
    return replace(state, step=Step.SERVICE, language=report.language), ()


def _service_chosen(state: State, report: r.ServiceChosen) -> Decision:
    if state.step is not Step.SERVICE or service_info(state, report.service) is None:
        return state, ()
    if report.service != state.service:
        pages: dict[Step, int] = {**state.pages, Step.PROCEDURE: 0}
        state = replace(state, service=report.service, procedure=None, pages=pages)
    return _onward(state), ()


def _procedure_chosen(state: State, report: r.ProcedureChosen) -> Decision:
    known = {p.code for p in procedures_of(state, state.service)} | {None}
    if state.step is not Step.PROCEDURE or report.code not in known:
        return state, ()
    return _onward(replace(state, procedure=report.code)), ()


def _priority_chosen(state: State, report: r.PriorityChosen) -> Decision:
    groups = state.setup.priorities if state.setup else ()
    if state.step is not Step.PRIORITY or report.group not in {g.id for g in groups} | {None}:
        return state, ()
    return _onward(replace(state, priority=report.group)), ()


def _time_chosen(state: State, report: r.TimeChosen) -> Decision:
    if state.step is not Step.TIME or state.offer is None:
        return state, ()
    return _onward(replace(state, later=report.later)), ()


def _number_asked(state: State, _report: f.NumberAsked) -> Decision:
    """A number for the procedure that she reads about: on to what is still to be asked."""
    line = state.shelf.line(state.found) if state.shelf else None
    if state.step is not Step.ADVICE or line is None or not line.service:
        return state, ()
    chosen = replace(state, service=line.service, procedure=line.code, step=Step.PROCEDURE)
    return _onward(chosen), ()


def _onward(state: State) -> State:
    chain = steps(state)
    here = chain.index(state.step) if state.step in chain else 0
    return _at(state, chain[min(here + 1, len(chain) - 1)])


def _at(state: State, step: Step) -> State:
    """At `step`. The offer of a time is made when its step is reached, and not yet before."""
    if step is Step.TIME:
        return replace(state, step=step, offer=time_offer(state))
    if step is Step.CONFIRM:
        return replace(state, step=step)
    return replace(state, step=step, offer=None, later=False)


def _went_back(state: State, _report: r.WentBack) -> Decision:
    """One step back; what was chosen stays chosen."""
    if state.access.open:
        return replace(state, access=replace(state.access, open=False)), ()
    if state.step in BOOKING:
        return booking.back(state), ()
    if state.step in FINDING:
        return (home(state) if state.step is Step.ERRAND else finding.back(state)), ()
    if state.step in (Step.REFUSED, Step.NO_ANSWER) and state.coming:
        return replace(state, step=Step.CHECK_IN, coming=False, refusal=None, code=""), ()
    if state.step in (Step.REFUSED, Step.NO_ANSWER) and state.later:
        return _ask_time_again(state), ()
    if state.step in (Step.REFUSED, Step.NO_ANSWER):
        return replace(state, step=Step.CONFIRM, refusal=None), ()
    if view(state) is View.STOPPED:
        return _at(replace(state, service=None, procedure=None), Step.SERVICE), ()
    if state.step not in CHOOSING:
        return state, ()
    chain = steps(state)
    before = chain.index(state.step) - 1 if state.step in chain else 0
    if (
        state.found
        and state.found == state.procedure
        and chain[before]
        in (
            Step.SERVICE,
            Step.PROCEDURE,
        )
    ):
        return _at(state, Step.ADVICE), ()
    return (_at(state, chain[before]) if before >= 0 else home(state)), ()


def _ask_time_again(state: State) -> State:
    """Her time was not to be had: what is offered now, or else a number for now."""
    fresh = replace(state, refusal=None, offer=None, later=False)
    return _at(fresh, Step.TIME if Step.TIME in steps(fresh) else Step.CONFIRM)


def _went_home(state: State, _report: r.WentHome) -> Decision:
    """She leaves: an ask without answer is taken back, a ticket that she has seen is printed."""
    if state.ask is not None:
        return home(state), () if state.alone else (r.Withdraw(state.ask),)
    if state.paper is Paper.AWAITED:
        printing, effects = _print(state)
        return home(printing), effects
    return home(state), ()


def _page_turned(state: State, report: r.PageTurned) -> Decision:
    page = max(0, report.page)
    if state.access.open:
        return replace(state, access=replace(state.access, page=page)), ()
    pages: dict[Step, int] = {**state.pages, state.step: page}
    return finding.with_sheet(replace(state, pages=pages))


# --- rules: the ticket --------------------------------------------------------------------------


def _confirmed(state: State, report: r.Confirmed) -> Decision:
    if view(state) is not View.CONFIRM or state.service is None:
        return state, ()
    if is_away(state):
        return _from_lease(state, report.ask)
    booked = state.offer.starts if state.later and state.offer else None
    waiting = replace(state, step=Step.WAITING, ask=report.ask, asked=report.at)
    message = _ask(state, report.ask, booked)
    return waiting, (r.AskTicket(message), r.WakeAt(report.at + state.rules.ttl))


def _ask(state: State, ask: str, booked: int | None = None) -> m.TakeTicket:
    assert state.service is not None
    return m.TakeTicket(
        id=ask,
        service=state.service,
        asked_at=state.now,
        ttl_ms=state.rules.ttl,
        procedure=state.procedure,
        priority=state.priority,
        language=Language(state.language),
        booked=booked,
        prepared=state.prepared,
        copies=state.copies,
        dossier_code=state.dossier,
    )


def _from_lease(state: State, ask: str) -> Decision:
    """A number that this kiosk gives by itself; it knows nobody's wait, only what it last heard."""
    line, info = service_line(state, state.service), service_info(state, state.service)
    want = r.TakeLeased(
        _ask(state, ask),
        ahead=line.waiting if line else 0,
        known_at=state.line.at if state.line and line else None,
        counters=(line.open_counters if line else ()) or (info.counters if info else ()),
    )
    waiting = replace(
        state, step=Step.WAITING, ask=ask, asked=state.now, alone=True, offer=None, later=False
    )
    return waiting, (want, r.WakeAt(state.now + state.rules.ttl))


def _patience(state: State) -> int:
    """Until when an answer is waited for: not long once the line is down and there is a number here."""
    whole = state.asked + state.rules.ttl
    if state.alone or state.connected or state.later or not own_numbers(state, state.service):
        return whole
    return min(whole, max(state.asked, state.connection_changed) + state.rules.cut_off)


def _ticket_came(state: State, report: r.TicketCame) -> Decision:
    if report.ask != state.ask:
        return state, (r.Withdraw(report.ask),)
    return _show(state, report.taken)


def _leased_came(state: State, report: r.LeasedCame) -> Decision:
    """Kept before it is shown. Whoever has left in the meantime leaves a number that nobody gets."""
    if report.ask != state.ask:
        return state, ()
    shown, effects = _show(state, report.taken)
    return shown, (r.Tell(report.ask, report.taken.ticket), *effects)


def _none_left(state: State, report: r.NoneLeft) -> Decision:
    return _give_up(state) if report.ask == state.ask else (state, ())


def _untold(state: State, report: r.Untold) -> Decision:
    if state.taken is None or state.taken.ticket != report.ticket:
        return state, ()
    gone = replace(state, taken=None, last=None, paper=Paper.NONE)
    return replace(gone, step=Step.NO_ANSWER, touched=state.now), ()


def _show(state: State, taken: m.TicketTaken) -> Decision:
    last = LastTicket(taken, state.language, procedure_of(state), state.now)
    state = replace(
        state,
        step=Step.TICKET,
        ask=None,
        alone=False,
        taken=taken,
        last=last,
        touched=state.now,
        paper=Paper.AWAITED,
        print_at=state.now + state.rules.printer_wait,
    )
    if not state.printer.prints:
        return _no_paper(state)
    return state, (r.WakeAt(state.print_at),)


def _no_paper(state: State) -> Decision:
    """The screen is the ticket. A kiosk that was set up without a printer has nothing to report."""
    assert state.taken is not None
    if state.printer is PrinterCondition.ABSENT:
        return replace(state, paper=Paper.NONE), ()
    told = r.TellPrint(state.taken.ticket, "failed", state.printer.value)
    return replace(state, paper=Paper.FAILED), (told,)


def _update_came(state: State, report: r.UpdateCame) -> Decision:
    """The rolled-out estimate: onto the paper if it is not printed yet, onto the screen anyway."""
    update, taken = report.update, state.taken
    if taken is None or taken.ticket != update.ticket:
        return state, ()
    taken = _with_update(taken, update)
    last = replace(state.last, taken=taken) if state.last else None
    state = replace(state, taken=taken, last=last)
    return _print(state) if state.paper is Paper.AWAITED else (state, ())


def _with_update(taken: m.TicketTaken, update: m.TicketUpdate) -> m.TicketTaken:
    estimate = update.estimate or taken.estimate
    return structs.replace(taken, ahead=update.ahead, estimate=estimate)


def _print(state: State) -> Decision:
    assert state.last is not None
    last = state.last
    return replace(state, paper=Paper.PRINTING), (
        r.Print(last.taken, last.language, last.procedure),
    )


def _paper_came(state: State, report: r.PaperCame) -> Decision:
    told = r.TellPrint(report.ticket, report.outcome, report.detail, report.reprint)
    if state.taken is None or state.taken.ticket != report.ticket:
        return state, (told,)
    return replace(state, paper=Paper(report.outcome), touched=state.now), (told,)


def _reprint_asked(state: State, report: r.ReprintAsked) -> Decision:
    last = state.last
    if last is None or not can_reprint(state):
        return state, ()
    paper = Paper.PRINTING if state.step is Step.TICKET else state.paper
    printed = replace(last, reprints=last.reprints + 1)
    effect = r.Print(last.taken, last.language, last.procedure, reprint=True)
    return replace(state, last=printed, paper=paper, touched=report.at), (effect,)


def _ticket_refused(state: State, report: r.TicketRefused) -> Decision:
    if report.ask != state.ask:
        return state, ()
    refused = replace(state, step=Step.REFUSED, ask=None, refusal=report.refusal, touched=report.at)
    return refused, ()


def _no_answer_came(state: State, report: r.NoAnswerCame) -> Decision:
    return _give_up(state) if report.ask == state.ask else (state, ())


def _give_up(state: State) -> Decision:
    """The ask is taken back, so that she has one number: of the lease, or she is told that she has none."""
    assert state.ask is not None
    back = () if state.alone else (r.Withdraw(state.ask),)
    if not state.alone and not state.later and own_numbers(state, state.service):
        waiting, effects = _from_lease(state, f"{state.ask}-alone")
        return waiting, (*back, *effects)
    return replace(state, step=Step.NO_ANSWER, ask=None, alone=False, touched=state.now), back


# --- rules: help --------------------------------------------------------------------------------


def _help_called(state: State, report: r.HelpCalled) -> Decision:
    screen = view(state)
    if screen is View.HELP:
        return state, ()
    if report.at - state.help_called < HELP_AGAIN_AFTER_MS:
        return replace(state, help=Help.COMING, touched=report.at), ()
    called = replace(state, help=Help.CALLING, help_called=report.at, touched=report.at)
    return called, (r.AskHelp(screen.value),)


def _help_answered(state: State, report: r.HelpAnswered) -> Decision:
    called = state.help_called if report.heard else -HELP_AGAIN_AFTER_MS
    state = replace(state, help_called=called)
    if state.help is Help.NONE:
        return state, ()
    return replace(state, help=Help.COMING if report.heard else Help.UNHEARD), ()


def _help_closed(state: State, _report: r.HelpClosed) -> Decision:
    return replace(state, help=Help.NONE), ()


_RULES: dict[type[r.Report], Callable[[State, Any], Decision]] = {
    **booking.RULES,
    **finding.RULES,
    **access_rules.RULES,
    **errand_rules.RULES,
    f.ShelfCame: _shelf_came,
    f.NumberAsked: _number_asked,
    r.Tick: _tick,
    r.Touched: _touched,
    r.SetupCame: _setup_came,
    r.LineCame: _line_came,
    r.CatalogueCame: _catalogue_came,
    r.ConnectionChanged: _connection_changed,
    r.LeaseChanged: _lease_changed,
    r.PrinterChanged: _printer_changed,
    r.Started: _started,
    r.ServiceChosen: _service_chosen,
    r.ProcedureChosen: _procedure_chosen,
    r.PriorityChosen: _priority_chosen,
    r.TimeChosen: _time_chosen,
    r.Confirmed: _confirmed,
    r.WentBack: _went_back,
    r.WentHome: _went_home,
    r.PageTurned: _page_turned,
    r.HelpCalled: _help_called,
    r.HelpClosed: _help_closed,
    r.ReprintAsked: _reprint_asked,
    r.TicketCame: _ticket_came,
    r.LeasedCame: _leased_came,
    r.NoneLeft: _none_left,
    r.Untold: _untold,
    r.TicketRefused: _ticket_refused,
    r.NoAnswerCame: _no_answer_came,
    r.UpdateCame: _update_came,
    r.PaperCame: _paper_came,
    r.HelpAnswered: _help_answered,
}
