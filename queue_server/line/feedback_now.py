"""Feedback that is not ended yet, as the state holds it, and how its events fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..dossiers.feedback import ENDED, FeedbackKind, FeedbackStatus
from ..wire.words import Frozen, day_of
from . import events as e

if TYPE_CHECKING:
    from .state import State


class FeedbackNow(Frozen):
    """Times in ms. `sorted`: somebody has looked at it and said what it is; `judged`: found right, about a dossier."""

    id: str
    number: str
    kind: FeedbackKind
    received_at: int
    refuse_by: int
    ask_by: int
    answer_by: int
    publish_by: int | None = None
    status: FeedbackStatus = FeedbackStatus.RECEIVED
    procedure: str = ""
    service: str = ""
    counter: int | None = None
    sorted: bool = False
    judged: tuple[bool, str] | None = None


def today_of(state: State, at: int) -> str:
    return day_of(at, state.setup.rules.utc_offset_minutes)


def given(state: State, ev: e.FeedbackGiven, at: int, actor: e.Actor) -> None:
    state.feedback_day, state.feedback_serial = today_of(state, at), ev.serial
    state.feedback[ev.feedback] = FeedbackNow(
        id=ev.feedback,
        number=ev.number,
        kind=ev.kind,
        received_at=ev.received_at,
        refuse_by=ev.refuse_by,
        ask_by=ev.ask_by,
        answer_by=ev.answer_by,
        procedure=ev.procedure,
        service=ev.service,
        counter=ev.counter,
    )


def moved(state: State, ev: e.FeedbackMoved, at: int, actor: e.Actor) -> None:
    if ev.status in ENDED:
        state.feedback.pop(ev.feedback, None)
    else:
        _put(state, ev.feedback, status=ev.status, sorted=True, publish_by=ev.publish_by)


def sorted_(state: State, ev: e.FeedbackSorted, at: int, actor: e.Actor) -> None:
    _put(state, ev.feedback, kind=ev.kind, service=ev.service, sorted=True)


def judged(state: State, ev: e.FeedbackJudged, at: int, actor: e.Actor) -> None:
    _put(state, ev.feedback, judged=(ev.right, ev.dossier))


def added(state: State, ev: e.FeedbackAdded, at: int, actor: e.Actor) -> None:
    _put(state, ev.feedback, status=FeedbackStatus.RECEIVED, answer_by=ev.answer_by)


def jumped(state: State, above: int | None, at: int) -> None:
    """After a restore: numbers of today go on above all that may have been given."""
    today = today_of(state, at)
    if above is None:
        last = state.feedback_serial if state.feedback_day == today else 0
        above = last + state.setup.rules.restore_margin
    state.feedback_day, state.feedback_serial = today, above


def _put(state: State, feedback: str, **changes: Any) -> None:
    state.feedback[feedback] = replace(state.feedback[feedback], **changes)
