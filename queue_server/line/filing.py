"""Dossiers by the rules: codes in three ways, due dates, and how one may stand next. Pure: time is an argument."""

from __future__ import annotations

import datetime as dt

from ..dossiers import calendar
from ..dossiers.calendar import NeverOpen, ProcessingTime, WorkCalendar
from ..dossiers.codes import BadCode, compose, parse
from ..dossiers.life import NEEDS_WORDS, NEXT, STOPPED, CodeRule, CodeWay, DossierStatus
from ..wire.words import DAY, Frozen, day_of, local, ms_of
from . import events as e
from . import orders as o
from .outcome import NOTHING, Outcome, Refused
from .state import DossierNow, State

S = DossierStatus
PREPARED_DAYS = 30
"""What was prepared and never brought to a counter is let go after this."""
LONGEST_CUT_OFF = 60 * DAY
"""A time of submitting further back than this is a wrong clock."""


class Code(Frozen):
    """What a dossier is called: its code, or a provisional number until the province's comes."""

    code: str = ""
    provisional: str = ""
    agency: str = ""
    serial: int = 0


def register(state: State, order: o.RegisterDossier, at: int, actor: e.Actor) -> Outcome:
    """A dossier is handed in; the same one again changes nothing."""
    if order.dossier in state.dossiers:
        return [], NOTHING
    if state.setup.service(order.service) is None:
        raise Refused("unknown_service", service=order.service)
    marked = state.forms_checked.get(f"{order.form}/{order.form_version}")
    is_checked = bool(order.form_sha) and marked == order.form_sha
    prepared = order.prepare or order.presence
    if not (is_checked or order.sample or prepared):
        raise Refused("form_not_checked")
    received = received_at(order.submitted_at, at)
    named = Code() if prepared else next_code(state, order.terms.codes, at, order.provisional)
    due = None
    if named.code:
        due = due_at(received, order.time, order.terms.calendar, _offset(state))
    filed = e.DossierFiled(
        dossier=order.dossier,
        procedure=order.procedure,
        service=order.service,
        received_at=received,
        code=named.code,
        provisional=order.provisional if prepared else named.provisional,
        agency=named.agency,
        serial=named.serial,
        time=order.time,
        due_at=due,
        papers=order.papers,
        form=order.form,
        form_version=order.form_version,
        sample=not is_checked and order.sample,
        prepared=prepared,
        place=0 if prepared else 1 + to_check(state),
        sealed=order.sealed,
        source=order.source or actor.device,
    )
    return [filed], NOTHING


def turn(state: State, order: o.TurnDossier, at: int, actor: e.Actor) -> Outcome:
    """Take over, ask for a supplement, pause, refuse, finish, hand back."""
    known = _known(state, order.dossier)
    if known.status is order.status:
        return [], NOTHING
    if order.status not in NEXT[known.status]:
        raise Refused("dossier_elsewhere", number=known.code or known.provisional)
    if order.status in NEEDS_WORDS and not order.sealed:
        raise Refused("reason_missing")
    if order.status is S.SUPPLEMENT and known.supplements:
        raise Refused("supplement_asked")
    events: list[e.Event] = []
    due = known.due_at
    if known.status is S.PREPARED and order.status is S.PROCESSING:
        came = _taken_over(state, known, order, at)
        events, due = [came], came.due_at
    elif known.stopped_at and order.status not in STOPPED:
        due = _resumed(state, known, order.terms.calendar, at)
    moved = e.DossierMoved(dossier=known.id, status=order.status, sealed=order.sealed, due_at=due)
    return [*events, moved], NOTHING


def give_code(state: State, order: o.CodeDossier, at: int, actor: e.Actor) -> Outcome:
    """The province's code takes the place of the provisional number, and the due date is known."""
    known = _known(state, order.dossier)
    try:
        code = str(parse(order.code))
    except BadCode as error:
        raise Refused("bad_dossier_code", given=order.code[:40]) from error
    if known.code == code:
        return [], NOTHING
    if known.code or known.status is S.PREPARED:
        raise Refused("dossier_has_code", number=known.code)
    if any(x.code == code for x in state.dossiers.values()):
        raise Refused("dossier_code_taken", number=code)
    due = order.due_at
    if due is None:
        due = due_at(known.received_at, known.time, order.terms.calendar, _offset(state))
    return [e.DossierCodeCame(dossier=known.id, code=code, due_at=due)], NOTHING


def never_fetched(state: State, at: int) -> list[e.Event]:
    """Prepared ones that nobody brought to a counter."""
    return [
        e.DossierMoved(dossier=x.id, status=S.WITHDRAWN)
        for x in state.dossiers.values()
        if x.status is S.PREPARED and x.received_at < at - PREPARED_DAYS * DAY
    ]


def to_check(state: State) -> int:
    """How many dossiers stand in the officers' list."""
    return sum(x.status is S.RECEIVED for x in state.dossiers.values())


# --- codes --------------------------------------------------------------------------------------


def next_code(state: State, rule: CodeRule, at: int, provisional: str = "") -> Code:
    """The next code of the day; a provisional number where the code is the province's to give, or none is left.

    `provisional`: the number that the visitor was given when the line was down.
    """
    today = day_of(at, _offset(state))
    date = dt.date.fromisoformat(today)
    if rule.way is not CodeWay.PROVINCE and rule.agency:
        serial = _next_serial(state, rule.agency, today)
        shown = rule.first + serial - 1 if rule.way is CodeWay.BAND else serial
        try:
            if rule.way is CodeWay.OWN or shown <= rule.last:
                code = compose(rule.agency, date, shown, rule.width)
                return Code(code=code, provisional=provisional, agency=rule.agency, serial=serial)
        except BadCode:
            pass  # the agency's name is none, or all serials that can be written are given
    if provisional:
        return Code(provisional=provisional)
    serial = _next_serial(state, "", today)
    return Code(provisional=f"TAM-{date:%y%m%d}-{serial:04d}", serial=serial)


def _next_serial(state: State, agency: str, today: str) -> int:
    if state.dossier_day != today:
        return 1
    return max(state.dossier_serials.get(agency, 0), state.dossiers_from) + 1


def jumped(state: State, beyond: int, at: int) -> int:
    """After a restore: above this serial nothing of today can have been given."""
    today = day_of(at, _offset(state))
    if state.dossier_day != today:
        return beyond
    return max([state.dossiers_from, *state.dossier_serials.values()]) + beyond


# --- time ---------------------------------------------------------------------------------------


def received_at(submitted_at: int, at: int) -> int:
    """The time of submitting; never in the future, nor older than a kiosk can have been cut off."""
    return submitted_at if at - LONGEST_CUT_OFF <= submitted_at <= at else at


def due_at(received: int, time: ProcessingTime, days: WorkCalendar, offset: int) -> int | None:
    """When (ms) the result is due; None where nothing can be promised.

    What comes in while the centre is shut counts from its next working day, not from a Saturday morning.
    """
    try:
        due = calendar.due(_counts_from(local(received, offset), days), time, days)
    except NeverOpen:
        return None
    return None if due is None else ms_of(due, offset)


def _counts_from(received: dt.datetime, days: WorkCalendar) -> dt.datetime:
    opening = calendar.next_opening(received, days)
    if opening == received or days.is_working_day(opening.date()):
        return received
    day = calendar.next_working_day(opening.date(), days)
    return dt.datetime.combine(day, days.sessions_on(day)[0].opens)


def _resumed(state: State, known: DossierNow, days: WorkCalendar, at: int) -> int | None:
    """The due date after it stood still since `stopped_at`."""
    if known.due_at is None:
        return None
    offset = _offset(state)
    was, since, now = (local(x, offset) for x in (known.due_at, known.stopped_at, at))
    try:
        return ms_of(calendar.extended(was, known.time.unit, since, now, days), offset)
    except NeverOpen:
        return known.due_at


def _offset(state: State) -> int:
    return state.setup.rules.utc_offset_minutes


def _taken_over(
    state: State, known: DossierNow, order: o.TurnDossier, at: int
) -> e.DossierCodeCame:
    """What was prepared is received now, at the counter."""
    named = next_code(state, order.terms.codes, at)
    due = due_at(at, known.time, order.terms.calendar, _offset(state)) if named.code else None
    return e.DossierCodeCame(
        dossier=known.id,
        code=named.code,
        provisional=named.provisional,
        agency=named.agency,
        serial=named.serial,
        received_at=at,
        due_at=due,
    )


def _known(state: State, dossier: str) -> DossierNow:
    known = state.dossiers.get(dossier)
    if known is None:
        raise Refused("unknown_dossier")
    return known
