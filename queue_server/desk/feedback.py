"""The desk's use cases of feedback: take it in, let the visitor add to it, answer it, look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..dossiers.calendar import WorkCalendar
from ..dossiers.feedback import ENDED, LONGEST_WORDS
from ..dossiers.package import provisional
from ..line import orders as o
from ..line.outcome import Refused
from ..store import dossiers
from ..store import feedback as table
from ..wire import messages as m
from ..wire.filing import FeedbackFiled
from ..wire.words import DAY, Frozen, local
from . import commands as c

if TYPE_CHECKING:
    from .desk import Changed, Desk, Request


def file(desk: Desk, request: Request, ask: c.FileFeedback, changed: Changed) -> Frozen:
    """The same again gives the same answer, however late."""
    if request.role is not None:
        raise Refused("not_allowed")
    conn, now = desk.log.conn, desk.clock.now()
    known = table.get(conn, ask.feedback)
    if known is None:
        given, ref = ask.given, desk.new_ref()
        order = o.RegisterFeedback(
            feedback=ask.feedback,
            kind=given.kind,
            submitted_at=given.submitted_at + given.offset_ms,
            calendar=_calendar(desk, now),
            procedure=given.procedure,
            service=given.service,
            counter=given.counter,
            language=given.language,
            token=ask.token,
            sealed=ref,
            source=request.actor.device,
            provisional=provisional(given),
        )
        desk.do(request, order, changed)
        purge_at = now + desk.terms.keep_days * DAY
        desk.vault.seal(ask.feedback, "feedback", m.encode(given), purge_at, ref)
        known = table.get(conn, ask.feedback)
    assert known is not None
    return taken(known, desk.state.setup.rules.utc_offset_minutes)


def taken(known: table.Feedback, offset_minutes: int) -> FeedbackFiled:
    """What the visitor is told of it; the key and the address are added by the door that knows them."""
    answer_by = known.answer_by
    return FeedbackFiled(
        number=known.number,
        received_at=known.received_at,
        answer_by=answer_by,
        answer_text=f"{local(answer_by, offset_minutes):%d/%m/%Y}",
    )


def add(desk: Desk, request: Request, ask: c.AddWords, changed: Changed) -> Frozen:
    """By the visitor, when she was asked for more."""
    if request.role is not None:
        raise Refused("not_allowed")
    known = table.by_token(desk.log.conn, ask.token)
    if known is None:
        raise Refused("unknown_feedback")
    words = _words(ask.words)
    ref = desk.new_ref()
    calendar = _calendar(desk, desk.clock.now())
    desk.do(
        request,
        o.AddToFeedback(feedback=known.feedback, sealed=ref, calendar=calendar),
        changed,
    )
    _seal(desk, known.feedback, "added", words, ref)
    return m.Done()


def move(desk: Desk, request: Request, ask: c.MoveFeedback, changed: Changed) -> Frozen:
    """What is said is sealed; the log knows only that it was."""
    words = _words(ask.words)
    ref = desk.new_ref()
    order = o.TurnFeedback(
        feedback=ask.feedback,
        status=ask.status,
        calendar=_calendar(desk, desk.clock.now()),
        sealed=ref,
    )
    desk.do(request, order, changed)
    _seal(desk, ask.feedback, str(ask.status), words, ref, kept=ask.status in ENDED)
    return m.Done()


def judge(desk: Desk, request: Request, ask: c.JudgeFeedback, changed: Changed) -> Frozen:
    """About which dossier it is goes by the number on its receipt."""
    dossier = ""
    if number := ask.number.strip():
        found = dossiers.find(desk.log.conn, number)
        if found is None:
            raise Refused("unknown_number")
        dossier = found.dossier
    order = o.WeighFeedback(feedback=ask.feedback, right=ask.right, dossier=dossier)
    desk.do(request, order, changed)
    return m.Done()


def open_(desk: Desk, request: Request, ask: c.OpenFeedback, changed: Changed) -> Frozen:
    """Only noted here: the web process opens the seal by itself, afterwards."""
    if table.get(desk.log.conn, ask.feedback) is None:
        raise Refused("unknown_feedback")
    desk.do(request, o.Note(what="feedback_opened", subject=ask.feedback), changed)
    return m.Done()


def _words(text: str) -> str:
    words = text.strip()[:LONGEST_WORDS]
    if not words:
        raise Refused("words_missing")
    return words


def _seal(desk: Desk, feedback: str, status: str, words: str, ref: str, kept: bool = False) -> None:
    now = desk.clock.now()
    said = {"status": status, "words": words, "at": now}
    purge_at = now + desk.terms.keep_days * DAY if kept else 0
    desk.vault.seal(feedback, "said", m.encode(said), purge_at, ref)


def _calendar(desk: Desk, at: int) -> WorkCalendar:
    return desk.terms_at(at).calendar


CASES: dict[type, Any] = {
    c.FileFeedback: file,
    c.AddWords: add,
    c.JudgeFeedback: judge,
    c.MoveFeedback: move,
    c.OpenFeedback: open_,
}
PEOPLES = frozenset({c.JudgeFeedback, c.MoveFeedback, c.OpenFeedback})
"""Those that need a role of the person."""
