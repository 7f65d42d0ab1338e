"""Rules of the end: review, the sealed package, the centre's answer, a number; and of looking a dossier up."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kiosk.touch.vietnamese import DELETE

from . import filling, talk
from . import reports as r
from .reports import Effect
from .visit import (
    ELDERLY,
    State,
    Step,
    copies,
    is_prepared,
    offers_priority,
    to_give,
)

Decision = tuple[State, tuple[Effect, ...]]
LONGEST_CODE = 40
CODE_IN = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{5,39}")


def before_review(state: State) -> State:
    """Back from the review."""
    if to_give(state):
        return replace(state, step=Step.PAPERS)
    return filling.last(state)


def _filing_wanted(state: State, _report: r.FilingWanted) -> Decision:
    """Once, whatever is touched how often: the step is left at once."""
    if state.step not in (Step.REVIEW, Step.REFUSED, Step.FULL):
        return state, ()
    checked = filling.first(replace(state, step=Step.REVIEW, returning=True))
    if checked.step is not Step.REVIEW:
        return checked, ()
    going = replace(checked, step=Step.SENDING, refusal=None, fault="")
    if going.provisional:
        return going, (r.Pack(going.provisional),)
    return going, (r.Say(talk.WantsNumber()),)


def _packed(state: State, report: r.Packed) -> Decision:
    if state.step is not Step.SENDING:
        return state, ()
    state = replace(state, key=report.key)
    kind = "feedback" if state.opened and state.opened.errand == "feedback" else "filings"
    message = talk.Submit(id=report.id, path=report.path, provisional=state.provisional, kind=kind)
    return state, (r.Say(message),)


def _not_packed(state: State, report: r.NotPacked) -> Decision:
    """Said at once, and nothing is lost: all that she did is still here."""
    if state.step is not Step.SENDING:
        return state, ()
    return replace(state, step=Step.FULL, fault=report.why, touched=report.at), ()


def heard(state: State, message: talk.FromKiosk) -> Decision:
    """The kiosk's word on what was handed to it."""
    if isinstance(message, talk.Numbered) and state.step is Step.SENDING:
        return replace(state, provisional=message.provisional), (r.Pack(message.provisional),)
    if isinstance(message, talk.Full) and state.step is Step.SENDING:
        return replace(state, step=Step.FULL, fault="disk", touched=state.now), ()
    if isinstance(message, talk.Printed):
        return replace(state, strip=message.outcome), ()
    if isinstance(message, talk.Answered):
        return _answered(state, message)
    if state.opened is None or getattr(message, "id", None) != state.opened.visit:
        return state, ()
    if state.step not in (Step.SENDING, Step.DONE):
        return state, ()
    if isinstance(message, talk.Submitted):
        return _done(replace(state, filed=message.filed, kept=False))
    if isinstance(message, talk.FeedbackKept):
        return _done(replace(state, feedback=message.filed, kept=False))
    if isinstance(message, talk.Kept):
        return _done(replace(state, kept=True, provisional=message.provisional))
    if isinstance(message, talk.Refused):
        return replace(state, step=Step.REFUSED, refusal=message, touched=state.now), ()
    return state, ()


def _done(state: State) -> Decision:
    """What she takes home is printed of itself."""
    done = replace(state, step=Step.DONE, touched=state.now)
    has_printer = bool(state.opened and state.opened.devices.printer)
    if not has_printer:
        return done, ()
    return replace(done, strip="printing"), (r.DrawStrip(),)


def _strip_asked(state: State, _report: r.StripAsked) -> Decision:
    if state.step is not Step.DONE or state.strip in ("", "printing"):
        return state, ()
    return replace(state, strip="printing"), (r.DrawStrip(),)


def _ticket_wanted(state: State, _report: r.TicketWanted) -> Decision:
    """The visit ends with a number for a shorter turn: all is prepared."""
    opened = state.opened
    if state.step is not Step.DONE or opened is None or not opened.service:
        return state, ()
    has_priority = offers_priority(state) and state.priority
    wants = talk.WantsTicket(
        procedure=opened.record.code if opened.record else "",
        service=opened.service,
        priority=ELDERLY if has_priority else None,
        prepared=is_prepared(state),
        copies=copies(state),
        dossier_code=(state.filed.dossier or None) if state.filed else None,
    )
    return state, (r.Say(wants), r.End("ticket"))


def _priority_touched(state: State, report: r.PriorityTouched) -> Decision:
    return replace(state, priority=report.wanted), ()


# --- looking up ---------------------------------------------------------------------------------


def key_pressed(state: State, report: r.KeyPressed) -> Decision:
    """Letters, figures, dots and dashes of a code."""
    text = state.draft.text
    if report.key == DELETE:
        text = text[:-1]
    elif len(report.key) == 1 and re.fullmatch(r"[0-9A-Za-z.\-]", report.key):
        text = (text + report.key.upper())[:LONGEST_CODE]
    return replace(state, draft=replace(state.draft, text=text), card_fault=""), ()


def code_read(state: State, report: r.CodeRead) -> Decision:
    """The receipt's own code, or the address on it that ends in one."""
    words = re.split(r"[/=]", report.text.strip())[-1]
    if len(words) > LONGEST_CODE or CODE_IN.fullmatch(words) is None:
        return replace(state, card_fault="code", touched=report.at), ()
    typed = replace(state, draft=replace(state.draft, text=words), touched=report.at)
    return _looked_for(typed, r.LookedFor(report.at))


def _looked_for(state: State, _report: r.LookedFor) -> Decision:
    code = state.draft.text.strip(".-")
    if state.step is not Step.CODE:
        return state, ()
    if CODE_IN.fullmatch(code) is None:
        return replace(state, card_fault="code"), ()
    return replace(state, step=Step.LOOKING, card_fault=""), (r.LookUp(code),)


def _answered(state: State, message: talk.Answered) -> Decision:
    if state.step is not Step.LOOKING:
        return state, ()
    return replace(state, step=Step.FOUND, looked_up=message, touched=state.now), ()


RULES: dict[type[r.Report], Callable[[State, Any], Decision]] = {
    r.FilingWanted: _filing_wanted,
    r.Packed: _packed,
    r.NotPacked: _not_packed,
    r.StripAsked: _strip_asked,
    r.TicketWanted: _ticket_wanted,
    r.PriorityTouched: _priority_touched,
    r.LookedFor: _looked_for,
}
