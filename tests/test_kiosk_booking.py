"""Booking a time and coming for one at the kiosk: the journey's rules, and the slip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
import zxingcpp

from kiosk import booking_reports as b
from kiosk import finding_reports as f
from kiosk import reports as r
from kiosk.finding_reports import Errand
from kiosk.journey import decide
from kiosk.paper.slip import SlipPaper
from kiosk.visit import State, Step
from queue_server.wire import messages as m
from tests.kiosk_pictures import LATER, NOW, TAKEN, base

FREE = m.TimesFree(days={"2026-11-24": (m.FreeTime(starts=LATER, left=1),)})
MINE = m.TimeBooked(
    appointment="2026-11-24-1",
    service="civil",
    starts=LATER,
    token="C3UFC7GEFY",
    url="https://mc.example/a/C3UFC7GEFY",
)


@pytest.fixture
def ready() -> State:
    state = base("vi")
    assert state.setup is not None
    return replace(state, setup=msgspec.structs.replace(state.setup, appointments=True))


def after(state: State, *reports: tuple[type, dict[str, Any]]) -> tuple[State, list[Any]]:
    done: list[Any] = []
    for kind, values in reports:
        state, effects = decide(state, kind(NOW, **values))
        done += effects
    return state, done


ERRAND = (f.ErrandAsked, {"language": "vi"})
TO_TIME = (
    ERRAND,
    (f.ErrandChosen, {"errand": Errand.BOOK}),
    (b.BookingService, {"service": "civil"}),
    (b.TimesCame, {"service": "civil", "free": FREE}),
    (b.DayPicked, {"day": "2026-11-24"}),
)


def test_she_books_what_is_free_and_nothing_else(ready: State) -> None:
    state, done = after(ready, *TO_TIME)
    assert done == [b.AskTimes("civil")] and state.step is Step.BOOK_TIME
    assert after(state, (b.TimePicked, {"starts": LATER + 1, "ask": "x"}))[1] == []
    state, done = after(state, (b.TimePicked, {"starts": LATER, "ask": "x"}))
    assert done[0].message.id == "x" and done[0].message.starts == LATER
    assert after(state, (b.TimePicked, {"starts": LATER, "ask": "y"}))[1] == []
    state, done = after(state, (b.TimeCame, {"ask": "x", "booked": MINE}))
    assert state.step is Step.BOOKED and done == [b.PrintSlip(MINE, "vi")]


def test_who_leaves_while_it_is_booked_gives_it_back(ready: State) -> None:
    state, _ = after(ready, *TO_TIME, (b.TimePicked, {"starts": LATER, "ask": "x"}))
    _, done = after(state, (r.WentHome, {}), (b.TimeCame, {"ask": "x", "booked": MINE}))
    assert done == [b.GiveBack(MINE.token)]


def test_an_answer_that_comes_late_is_not_taken_by_the_next_visitor(ready: State) -> None:
    hers, _ = after(ready, *TO_TIME, (b.TimePicked, {"starts": LATER, "ask": "x"}))
    his, _ = after(hers, (r.WentHome, {}), *TO_TIME, (b.TimePicked, {"starts": LATER, "ask": "y"}))
    same, done = after(his, (b.TimeCame, {"ask": "x", "booked": MINE}))
    assert same.step is Step.BOOKING and done == [b.GiveBack(MINE.token)]
    assert after(his, (b.TimeRefused, {"ask": "x", "refusal": None}))[0].step is Step.BOOKING
    told = {"service": "other", "free": m.TimesFree(days={})}
    at_day, _ = after(ready, *TO_TIME[:3], (b.TimesCame, told))
    assert at_day.free is None
    booked, _ = after(his, (b.TimeCame, {"ask": "y", "booked": MINE}))
    slip, _ = after(booked, (b.SlipCame, {"token": "another", "outcome": "failed"}))
    assert slip.slip == "printing"


def test_a_service_that_was_chosen_before_is_not_the_appointments(ready: State) -> None:
    """She looked at a procedure first: neither is booked with it, nor is it the one that she comes for."""
    looked = replace(ready, service="land", procedure="1.012")
    state, done = after(looked, *TO_TIME, (b.TimePicked, {"starts": LATER, "ask": "x"}))
    assert done[-1].message.procedure is None
    state, _ = after(looked, (b.CodeGiven, {"code": "C3UFC7GEFY", "ask": "q"}))
    assert (state.service, state.procedure) == (None, None)


def test_a_code_is_typed_as_it_is_printed(ready: State) -> None:
    at_code, _ = after(ready, ERRAND, (f.ErrandChosen, {"errand": Errand.CHECK_IN}))
    typed, _ = after(at_code, *((b.CodeKey, {"key": key}) for key in "c3ufc 7g-efy"))
    assert typed.code == "C3UFC7GEFY"
    cut_off = replace(typed, connected=False)
    told, done = after(cut_off, (b.CodeGiven, {"code": typed.code, "ask": "q"}))
    assert told.step is Step.NO_ANSWER and told.coming and done == []
    assert after(told, (r.WentBack, {}))[0].step is Step.CHECK_IN


def test_a_time_that_went_meanwhile_brings_the_days_again(ready: State) -> None:
    full = m.Refusal(code="slot_full", vi="Đã hết", en="Full")
    state, _ = after(ready, *TO_TIME, (b.TimePicked, {"starts": LATER, "ask": "x"}))
    again, done = after(state, (b.TimeRefused, {"ask": "x", "refusal": full}))
    assert (again.step, again.refusal, done) == (Step.BOOK_DAY, full, [b.AskTimes("civil")])
    silent, _ = after(state, (b.TimeRefused, {"ask": "x", "refusal": None}))
    assert silent.step is Step.BOOK_DAY and silent.unanswered


@pytest.mark.parametrize(
    "code", ["C3UFC7GEFY", "c3ufc7gefy", "https://mc.example/a/C3UFC7GEFY\r\n"]
)
def test_a_scanned_code_on_the_first_screen_gives_her_number(ready: State, code: str) -> None:
    state, done = after(ready, (b.CodeGiven, {"code": code, "ask": "q"}))
    assert state.step is Step.WAITING and done[0].message.token == "C3UFC7GEFY"
    state, _ = after(state, (r.TicketCame, {"ask": "q", "taken": TAKEN}))
    assert state.step is Step.TICKET


@pytest.mark.parametrize(
    "code", ["", "C3UFC7GEF", "001085000123|012345678|A|15031985|Nam", "x" * 9000]
)
def test_another_code_is_no_appointment(ready: State, code: str) -> None:
    state, done = after(ready, (b.CodeGiven, {"code": code, "ask": "q"}))
    assert state.step is Step.WELCOME and done == []
    at_code, _ = after(ready, ERRAND, (f.ErrandChosen, {"errand": Errand.CHECK_IN}))
    told, _ = after(at_code, (b.CodeGiven, {"code": code, "ask": "q"}))
    assert told.step is Step.CHECK_IN and told.refusal is not None


def test_back_from_a_refusal_leads_to_the_code_again(ready: State) -> None:
    state, _ = after(ready, (b.CodeGiven, {"code": "C3UFC7GEFY", "ask": "q"}))
    used = m.Refusal(code="appointment_used")
    state, _ = after(state, (r.TicketRefused, {"ask": "q", "refusal": used}), (r.WentBack, {}))
    assert state.step is Step.CHECK_IN and not state.coming


def test_who_leaves_before_the_answer_gives_her_number_back(ready: State) -> None:
    state, _ = after(ready, (b.CodeGiven, {"code": "C3UFC7GEFY", "ask": "q"}))
    state, done = after(state, (r.WentHome, {}))
    assert done == [r.Withdraw("q")] and not state.coming


def test_booking_is_not_offered_where_the_centre_takes_none_or_the_line_is_down(
    ready: State,
) -> None:
    for state in (base("vi"), replace(ready, connected=False)):
        at, _ = after(state, ERRAND, (f.ErrandChosen, {"errand": Errand.BOOK}))
        assert at.step is Step.ERRAND


def test_the_slips_code_opens_the_appointment(ready: State) -> None:
    assert ready.setup is not None
    for width in (576, 384):
        slip = SlipPaper(width).draw(MINE, ready.setup)
        read = zxingcpp.read_barcodes(np.asarray(slip.convert("L")))
        assert slip.width == width and [code.text for code in read] == [MINE.url]
