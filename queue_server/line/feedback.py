"""Feedback by the rules: its number, by when it must be dealt with, how it may stand next. Pure."""

from __future__ import annotations

import datetime as dt

from ..dossiers import feedback as rules
from ..dossiers.calendar import NeverOpen, WorkCalendar, add_working_days
from ..dossiers.feedback import NEXT, FeedbackKind, FeedbackStatus
from ..wire.words import local, ms_of
from . import events as e
from . import orders as o
from .feedback_now import FeedbackNow, today_of
from .filing import received_at
from .outcome import NOTHING, Outcome, Refused
from .state import State

S = FeedbackStatus
END_OF_DAY = dt.time(17)
"""When a working day ends in which no session is known."""


def register(state: State, order: o.RegisterFeedback, at: int, actor: e.Actor) -> Outcome:
    """A new one gets the day's next number; the same one again changes nothing.

    A service or counter that is not there any more is left out: nobody's words are lost for it.
    """
    if order.feedback in state.feedback:
        return [], NOTHING
    if order.kind not in set(FeedbackKind):
        raise Refused("bad_feedback")
    named = state.setup.service(order.service)
    counter = None if order.counter is None else state.setup.counter(order.counter)
    serial = next_serial(state, at)
    today = dt.date.fromisoformat(today_of(state, at))
    received, days = received_at(order.submitted_at, at), order.calendar
    given = e.FeedbackGiven(
        feedback=order.feedback,
        number=f"PA-{today:%y%m%d}-{serial:04d}",
        provisional=order.provisional,
        serial=serial,
        kind=FeedbackKind(order.kind),
        received_at=received,
        refuse_by=_by(state, received, rules.REFUSE_DAYS, days),
        ask_by=_by(state, received, rules.ASK_DAYS, days),
        answer_by=_by(state, received, rules.ANSWER_DAYS, days),
        procedure=order.procedure,
        service=named.id if named else "",
        counter=counter.id if counter else None,
        language=order.language,
        token=order.token,
        sealed=order.sealed,
        source=order.source,
    )
    return [given], NOTHING


def sort(state: State, order: o.SortFeedback, at: int, actor: e.Actor) -> Outcome:
    """Say what it is and whose field it belongs to."""
    known = _known(state, order.feedback)
    if order.service and state.setup.service(order.service) is None:
        raise Refused("unknown_service", service=order.service)
    if known.sorted and (known.kind, known.service) == (order.kind, order.service):
        return [], NOTHING
    return [e.FeedbackSorted(feedback=known.id, kind=order.kind, service=order.service)], NOTHING


def judge(state: State, order: o.WeighFeedback, at: int, actor: e.Actor) -> Outcome:
    """Say whether it was right, and about which dossier, while it is not ended."""
    known = _known(state, order.feedback)
    if known.judged == (order.right, order.dossier):
        return [], NOTHING
    judged = e.FeedbackJudged(feedback=known.id, right=order.right, dossier=order.dossier)
    return [judged], NOTHING


def turn(state: State, order: o.TurnFeedback, at: int, actor: e.Actor) -> Outcome:
    """Ask for more, answer, publish, close, refuse: each with its words."""
    known = _known(state, order.feedback)
    if order.status not in NEXT[known.status]:
        raise Refused("feedback_elsewhere", number=known.number)
    if not order.sealed:
        raise Refused("words_missing")
    answered = order.status is S.ANSWERED
    moved = e.FeedbackMoved(
        feedback=known.id,
        status=order.status,
        sealed=order.sealed,
        late=at > _due(known, order.status),
        publish_by=_by(state, at, rules.PUBLISH_DAYS, order.calendar) if answered else None,
    )
    return [moved], NOTHING


def add(state: State, order: o.AddToFeedback, at: int, actor: e.Actor) -> Outcome:
    """The visitor's answer to our asking; the days for ours begin anew."""
    known = _known(state, order.feedback)
    if known.status is not S.ASKED:
        raise Refused("feedback_elsewhere", number=known.number)
    answer_by = _by(state, at, rules.ANSWER_DAYS, order.calendar)
    return [e.FeedbackAdded(feedback=known.id, sealed=order.sealed, answer_by=answer_by)], NOTHING


def next_serial(state: State, at: int) -> int:
    return 1 + (state.feedback_serial if state.feedback_day == today_of(state, at) else 0)


def jumped(state: State, beyond: int, at: int) -> int:
    """After a restore: above this number nothing of today can have been given."""
    return next_serial(state, at) - 1 + beyond


def _due(known: FeedbackNow, status: FeedbackStatus) -> int:
    by = {S.REFUSED: known.refuse_by, S.ASKED: known.ask_by, S.ANSWERED: known.answer_by}
    return by.get(status) or known.publish_by or known.answer_by


def _by(state: State, since: int, days: int, calendar: WorkCalendar) -> int:
    """The end (ms) of the `days`-th working day after `since`."""
    offset = state.setup.rules.utc_offset_minutes
    day = local(since, offset).date()
    try:
        last = add_working_days(day, days, calendar)
    except NeverOpen:
        last = day + dt.timedelta(days=days)
    sessions = calendar.sessions_on(last)
    moment = dt.datetime.combine(last, sessions[-1].closes if sessions else END_OF_DAY)
    return ms_of(moment, offset)


def _known(state: State, feedback: str) -> FeedbackNow:
    known = state.feedback.get(feedback)
    if known is None:
        raise Refused("unknown_feedback")
    return known
