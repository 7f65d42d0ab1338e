"""A visitor books a time of a day to come, or comes for hers; pure rules. It needs the server.

errand → service → day → time → booked (code, slip); errand → code → her number.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from kiosk.touch.vietnamese import DELETE
from queue_server.wire import messages as m
from queue_server.wire.words import Language

from . import booking_reports as b
from . import reports as r
from .visit import State, Step, service_info

Decision = tuple[State, tuple[Any, ...]]
APPOINTMENT = re.compile(r"(?:.*/a/)?([2-9A-HJ-NP-Za-hj-np-z]{10})/?\s*\Z")
"""What a kiosk takes for the code of an appointment: ten letters and digits, or the address with them."""
CODE_LENGTH = 10


def service_picked(state: State, report: b.BookingService) -> Decision:
    if state.step is not Step.BOOK_SERVICE or service_info(state, report.service) is None:
        return state, ()
    chosen = replace(state, service=report.service, procedure=None)
    asked = replace(chosen, step=Step.BOOK_DAY, free=None, unanswered=False)
    return asked, (b.AskTimes(report.service),)


def times_came(state: State, report: b.TimesCame) -> Decision:
    if state.step is not Step.BOOK_DAY or report.service != state.service:
        return state, ()
    return replace(state, free=report.free, unanswered=report.free is None), ()


def day_picked(state: State, report: b.DayPicked) -> Decision:
    if state.step is not Step.BOOK_DAY or not state.free or report.day not in state.free.days:
        return state, ()
    pages = {**state.pages, Step.BOOK_TIME: 0}
    return replace(state, step=Step.BOOK_TIME, day=report.day, pages=pages), ()


def time_picked(state: State, report: b.TimePicked) -> Decision:
    times = state.free.days.get(state.day, ()) if state.free else ()
    known = any(time.starts == report.starts for time in times)
    if state.step is not Step.BOOK_TIME or not known or state.service is None:
        return state, ()
    ask = m.BookTime(
        id=report.ask,
        service=state.service,
        starts=report.starts,
        procedure=state.procedure,
        language=Language(state.language),
    )
    asked = replace(state, step=Step.BOOKING, booking=report.ask, booked=None, refusal=None)
    return asked, (b.AskTime(ask),)


def time_came(state: State, report: b.TimeCame) -> Decision:
    """For who has left meanwhile the time is given back."""
    if state.step is not Step.BOOKING or report.ask != state.booking:
        return state, (b.GiveBack(report.booked.token),)
    shown = replace(state, step=Step.BOOKED, booked=report.booked, touched=report.at, slip="")
    if not state.printer.prints:
        return shown, ()
    return replace(shown, slip="printing"), (b.PrintSlip(report.booked, state.language),)


def time_refused(state: State, report: b.TimeRefused) -> Decision:
    if state.step is not Step.BOOKING or report.ask != state.booking:
        return state, ()
    if report.refusal is None:
        return replace(state, step=Step.BOOK_DAY, unanswered=True), ()
    asked = replace(state, step=Step.BOOK_DAY, refusal=report.refusal, free=None)
    return asked, (b.AskTimes(state.service or ""),)


def slip_came(state: State, report: b.SlipCame) -> Decision:
    hers = state.booked is not None and state.booked.token == report.token
    return (replace(state, slip=report.outcome) if hers else state), ()


def code_key(state: State, report: b.CodeKey) -> Decision:
    if state.step is not Step.CHECK_IN:
        return state, ()
    if report.key == DELETE:
        return replace(state, code=state.code[:-1], refusal=None), ()
    if len(report.key) != 1 or not report.key.isalnum():
        return state, ()
    typed = (state.code + report.key.upper())[:CODE_LENGTH]
    return replace(state, code=typed, refusal=None), ()


def code_given(state: State, report: b.CodeGiven) -> Decision:
    """On the first screen a scanned code is enough: she has come for her appointment."""
    found = APPOINTMENT.match(report.code.strip())
    if state.step not in (Step.WELCOME, Step.ERRAND, Step.CHECK_IN):
        return state, ()
    if not state.connected:
        there = state.step is Step.CHECK_IN or found is not None
        return (replace(state, step=Step.NO_ANSWER, coming=True) if there else state), ()
    if found is None:
        wrong = m.Refusal(code="unknown_appointment")
        at_code = state.step is Step.CHECK_IN
        return (replace(state, refusal=wrong, code="") if at_code else state), ()
    message = m.CheckIn(
        id=report.ask, token=found.group(1).upper(), asked_at=report.at, ttl_ms=state.rules.ttl
    )
    coming = replace(state, service=None, procedure=None, coming=True)
    waiting = replace(coming, step=Step.WAITING, ask=report.ask, asked=report.at)
    return waiting, (b.AskCheckIn(message), r.WakeAt(report.at + state.rules.ttl))


def back(state: State) -> State:
    """One step back among these steps."""
    before = {
        Step.BOOK_SERVICE: Step.ERRAND,
        Step.BOOK_DAY: Step.BOOK_SERVICE,
        Step.BOOK_TIME: Step.BOOK_DAY,
        Step.CHECK_IN: Step.ERRAND,
    }
    return replace(state, step=before.get(state.step, state.step), refusal=None)


RULES: dict[type, Any] = {
    b.BookingService: service_picked,
    b.TimesCame: times_came,
    b.DayPicked: day_picked,
    b.TimePicked: time_picked,
    b.TimeCame: time_came,
    b.TimeRefused: time_refused,
    b.CodeKey: code_key,
    b.CodeGiven: code_given,
    b.SlipCame: slip_came,
}
