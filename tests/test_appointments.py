"""Appointments: times of days to come, booked, checked in for, cancelled, missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from queue_server.doors.web.public.book import book_routes
from queue_server.doors.web.public.signing import Signer
from queue_server.line import appointments
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import decide
from queue_server.line.outcome import Refused
from queue_server.line.setup import WEEKDAYS, Hours
from queue_server.line.state import State, apply
from queue_server.wire import messages as m
from queue_server.wire.words import DAY, HALF_HOUR, MINUTE, day_of
from tests.desk_room import DeskRoom
from tests.filing_room import FilingRoom
from tests.line_room import START, small_setup

HOURS = Hours(sessions=dict.fromkeys(WEEKDAYS, ((450, 690), (810, 1020))))
SETUP = structs.replace(small_setup(appointment_days=7, appointments_per_half_hour=2), hours=HOURS)
OPENING = (START + 420 * MINUTE) // DAY * DAY - 420 * MINUTE + 450 * MINUTE
TOMORROW = OPENING + DAY
KIOSK = e.Actor(device="kiosk-1")


def line() -> State:
    state = State()
    give(state, o.ChangeSetup(setup=SETUP), OPENING)
    give(state, o.PassTime(), OPENING)
    return state


def give(state: State, order: o.AnyOrder, at: int) -> object:
    events, reply = decide(state, order, at, KIOSK)
    for event in events:
        apply(state, event, at, KIOSK)
    return reply


def book(state: State, starts: int, token: str, at: int = OPENING, service: str = "a") -> None:
    give(state, o.BookAppointment(service=service, starts=starts, token_hash=token), at)


def refusal(state: State, order: o.AnyOrder, at: int) -> str:
    with pytest.raises(Refused) as refused:
        give(state, order, at)
    return refused.value.code


def test_what_is_free_can_be_booked_until_it_is_full() -> None:
    state = line()
    free = appointments.free_days(state, "a", OPENING)
    assert list(free)[1] == day_of(TOMORROW, 420) and len(free) == 8
    assert free[day_of(TOMORROW, 420)][0] == appointments.FreeTime(starts=TOMORROW, left=2)
    book(state, TOMORROW, "x")
    book(state, TOMORROW, "y")
    assert refusal(state, o.BookAppointment(service="a", starts=TOMORROW), OPENING) == "slot_full"
    times = appointments.free_days(state, "a", OPENING)[day_of(TOMORROW, 420)]
    assert times[0].starts == TOMORROW + HALF_HOUR
    book(state, TOMORROW, "z", service="b")


@pytest.mark.parametrize(
    ("starts", "code"),
    [
        (OPENING - HALF_HOUR, "booked_past"),
        (TOMORROW + 4 * 60 * MINUTE, "booked_outside"),  # lunch
        (TOMORROW + 10 * MINUTE, "booked_outside"),  # no half-hour
        (OPENING + 8 * DAY, "booked_outside"),  # too far ahead
        (TOMORROW + 10**15, "booked_outside"),
    ],
)
def test_what_is_not_free_is_refused(starts: int, code: str) -> None:
    assert refusal(line(), o.BookAppointment(service="a", starts=starts), OPENING) == code


def test_a_day_off_has_no_times() -> None:
    state, closed = line(), (day_of(TOMORROW, 420),)
    assert closed[0] not in appointments.free_days(state, "a", OPENING, closed)
    order = o.BookAppointment(service="a", starts=TOMORROW, closed=closed)
    assert refusal(state, order, OPENING) == "booked_outside"


def test_who_checks_in_is_called_from_her_time_on_and_only_once() -> None:
    state = line()
    book(state, TOMORROW + HALF_HOUR, "x")
    assert refusal(state, o.CheckIn(token_hash="x"), OPENING) == "appointment_other_day"
    give(state, o.CheckIn(token_hash="x", ticket_token="t"), TOMORROW)
    ticket = next(iter(state.tickets.values()))
    assert ticket.booked == TOMORROW + HALF_HOUR and ticket.waiting_from == ticket.booked
    assert refusal(state, o.CheckIn(token_hash="x"), TOMORROW) == "appointment_used"
    assert refusal(state, o.CheckIn(token_hash="?"), TOMORROW) == "unknown_appointment"


def test_an_unknown_priority_group_is_refused_when_booked_and_never_at_the_check_in() -> None:
    state = line()
    order = o.BookAppointment(service="a", starts=TOMORROW, token_hash="x", priority="nobody")
    assert refusal(state, order, OPENING) == "unknown_priority"
    group = SETUP.priorities[0].id
    give(state, structs.replace(order, priority=group), OPENING)
    give(state, o.ChangeSetup(setup=structs.replace(SETUP, priorities=())), OPENING)
    give(state, o.CheckIn(token_hash="x", ticket_token="t"), TOMORROW)
    assert next(iter(state.tickets.values())).priority is None


def test_a_cancelled_time_is_free_again_and_a_missed_one_is_said_so() -> None:
    state = line()
    book(state, TOMORROW, "x")
    book(state, TOMORROW, "y")
    give(state, o.CancelAppointment(token_hash="x"), OPENING)
    give(state, o.CancelAppointment(token_hash="x"), OPENING)
    assert appointments.left(state, "a", TOMORROW) == 1
    assert refusal(state, o.CheckIn(token_hash="x"), TOMORROW) == "appointment_cancelled"
    events, _ = decide(state, o.PassTime(), TOMORROW + DAY, KIOSK)
    missed = [event for event in events if isinstance(event, e.AppointmentMissed)]
    assert [event.appointment for event in missed] == [f"{day_of(TOMORROW, 420)}-2"]


def test_without_the_rule_there_are_none() -> None:
    state = line()
    rules = structs.replace(SETUP.rules, appointment_days=0)
    give(state, o.ChangeSetup(setup=structs.replace(SETUP, rules=rules)), OPENING)
    order = o.BookAppointment(service="a", starts=TOMORROW)
    assert refusal(state, order, OPENING) == "no_appointments"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_no_half_hour_is_ever_overbooked_and_no_id_given_twice(
    wishes: list[tuple[int, bool]],
) -> None:
    state = line()
    for number, (slot, cancels) in enumerate(wishes):
        starts = TOMORROW + slot * HALF_HOUR
        try:
            book(state, starts, f"t{number}")
        except Refused:
            continue
        if cancels:
            give(state, o.CancelAppointment(token_hash=f"t{number}"), OPENING)
    alive = [a for a in state.appointments.values() if a.status == "booked"]
    for slot in range(6):
        assert sum(a.starts == TOMORROW + slot * HALF_HOUR for a in alive) <= 2
    assert len({a.id for a in state.appointments.values()}) == len(state.appointments)


# --- at the desk ---


@pytest.fixture
def desk(tmp_path: Path) -> DeskRoom:
    room = DeskRoom(tmp_path)
    every_hour = Hours(sessions=dict.fromkeys(WEEKDAYS, ((0, 1440),)))
    setup = structs.replace(SETUP, hours=every_hour)
    room.give(o.ChangeSetup(setup=setup), role=None)
    return room


def told(desk: DeskRoom, ask: Any, kind: type[Any]) -> Any:
    """The reply to a kiosk's ask."""
    answer = desk.ask(ask)
    assert answer.refusal is None, answer.refusal
    return m.decode(kind, bytes(answer.ok))


def booked(desk: DeskRoom, starts: int, **more: str) -> m.TimeBooked:
    ask = m.BookTime(id=f"b{starts}", service="a", starts=starts, **more)
    made: m.TimeBooked = told(desk, ask, m.TimeBooked)
    return made


def test_the_key_opens_the_appointment_typed_or_scanned_and_the_log_holds_neither(
    desk: DeskRoom,
) -> None:
    free = told(desk, m.FreeTimes(id="f", service="a"), m.TimesFree)
    now = desk.desk.clock.now()
    today = min(free.days)
    starts = free.days[today][0].starts
    mine = booked(desk, starts, phone="0912345678")
    assert mine.url == f"https://mc.example/a/{mine.token}"
    typed = f" {mine.token[:5].lower()} {mine.token[5:].lower()} "
    if day_of(starts, 420) == day_of(now, 420):
        taken = told(desk, m.CheckIn(id="c", token=typed, asked_at=now), m.TicketTaken)
        assert taken.booked == starts
        again = desk.ask(m.CheckIn(id="c2", token=mine.url, asked_at=now))
        assert again.refusal is not None and again.refusal.code == "appointment_used"
    events = b"".join(row[0] for row in desk.desk.log.conn.execute("SELECT body FROM events"))
    assert mine.token.encode() not in events and b"0912345678" not in events


def test_what_is_free_is_asked_without_a_trace(desk: DeskRoom) -> None:
    """Anyone may ask, without log-in: it must cost the writer no commit of answers."""
    ask = m.FreeTimes(id="f", service="a")
    before = told(desk, ask, m.TimesFree)
    day = max(before.days)
    booked(desk, before.days[day][-1].starts)
    assert told(desk, ask, m.TimesFree).days[day][-1].left == 1
    assert desk.desk.log.answered("kiosk-1/f") is None


def test_a_time_is_given_back_with_the_same_key(desk: DeskRoom) -> None:
    free = told(desk, m.FreeTimes(id="f", service="a"), m.TimesFree)
    starts = free.days[max(free.days)][-1].starts
    mine = booked(desk, starts)
    told(desk, m.CancelTime(id="x", token=mine.token), m.Done)
    refused = desk.ask(m.BookTime(id="y", service="none", starts=starts)).refusal
    assert refused is not None and refused.code == "unknown_service"


def test_a_number_that_she_never_saw_leaves_her_appointment_as_it_was() -> None:
    state = line()
    book(state, TOMORROW, "x")
    give(state, o.CheckIn(token_hash="x", ticket_token="t", ask="q"), TOMORROW)
    give(state, o.WithdrawTicket(ask="q"), TOMORROW)
    give(state, o.CheckIn(token_hash="x", ticket_token="u", ask="r"), TOMORROW)
    assert [t.status for t in state.tickets.values()] == ["cancelled", "waiting"]


# --- on the web ---


@pytest.fixture
def phones(tmp_path: Path) -> FilingRoom:
    room = FilingRoom(tmp_path)
    room.app = FastAPI()
    room.app.include_router(book_routes(room.web, Signer(b"k" * 32)))
    return room


def test_keys_are_not_tried_out_by_giving_back_either(phones: FilingRoom) -> None:
    tries = [phones.call("POST", f"/a/22222222{n:02}/cancel").status_code for n in range(31)]
    assert tries == [404] * 30 + [429]
    assert phones.call("GET", "/a/2222222222").status_code == 429


def test_free_times_are_asked_for_so_often_by_one_address_and_no_more(phones: FilingRoom) -> None:
    asked = {phones.call("GET", "/book?service=ho_tich").status_code for _ in range(120)}
    assert asked == {200}
    assert phones.call("GET", "/book?service=ho_tich").status_code == 429
    assert phones.call("GET", "/book").status_code == 200
