"""Numbers for a time to come: what may be had, how many, and that what is offered can be taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from queue_server.desk import public
from queue_server.desk.estimates import Estimates, Later, Newcomer, Table
from queue_server.line import booking
from queue_server.line import orders as o
from queue_server.line.outcome import Refused
from queue_server.line.setup import WEEKDAYS, Hours
from queue_server.wire import messages as m
from queue_server.wire.words import HALF_HOUR, MINUTE, Estimate, Role, half_hour
from tests.desk_room import DeskRoom, ok
from tests.house import take
from tests.line_room import START, Room, small_setup

OFFICE = ((450, 690), (810, 1020))
HOURS = Hours(sessions=dict.fromkeys(WEEKDAYS, OFFICE), enforced=True)
LONG = Newcomer(
    service="a",
    priority=False,
    ahead=0,
    estimate=Estimate(minutes=32, low=20, high=45),
    each=1,
)


def room(hours: Hours = HOURS, **rules: object) -> Room:
    made = Room(setup=structs.replace(small_setup(**rules), hours=hours))
    made.open(1)
    return made


def minute(after_opening: float) -> int:
    return START + int(after_opening * MINUTE)


def book(r: Room, minutes: float, at: float = 0, service: str = "a") -> str:
    return r.take(service, at, booked=minute(minutes), offered=True)


# --- which time ---


@pytest.mark.parametrize(
    ("minutes", "at", "code"),
    [
        (-1, 0, "booked_past"),
        (29, 30, "booked_past"),
        (240, 0, "booked_outside"),  # lunch
        (600, 0, "booked_outside"),  # the evening
        (24 * 60, 0, "booked_outside"),  # tomorrow, at a good hour
        (10**9, 0, "booked_outside"),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_its_cause(
    minutes: float, at: float, code: str
) -> None:
    r = room()
    with pytest.raises(Refused) as refused:
        book(r, minutes, at)
    assert refused.value.code == code
    assert not r.state.tickets


@pytest.mark.parametrize("minutes", [0, 180, 239, 360, 569])
def test_a_time_in_todays_sessions_may_be_had(minutes: float) -> None:
    r = room()
    ticket = r.ticket(book(r, minutes))
    assert ticket.waiting_from == minute(minutes)
    assert r.replayed() == r.state


def test_the_last_minutes_without_new_numbers_are_no_time_either() -> None:
    r = room(structs.replace(HOURS, cut_off_minutes=10))
    with pytest.raises(Refused, match="booked_outside"):
        book(r, 565)


def test_where_hours_only_warn_they_hold_for_who_asks_within_them() -> None:
    r = room(structs.replace(HOURS, enforced=False))
    with pytest.raises(Refused, match="booked_outside"):
        book(r, 250)
    assert book(r, 340, at=250)  # asked at lunch, where a number was to be had anyway


def test_an_appointment_made_elsewhere_is_taken_also_when_its_time_has_gone_by() -> None:
    r = room(booked_per_half_hour=0)
    assert r.take("a", 20, booked=minute(10))


# --- how many ---


def test_a_full_half_hour_is_refused_by_its_time_and_the_next_is_not() -> None:
    r = room(booked_per_half_hour=2)
    book(r, 60), book(r, 89)
    with pytest.raises(Refused) as refused:
        book(r, 75)
    assert (refused.value.code, refused.value.values) == ("slot_full", {"time": "08:45"})
    book(r, 90)
    book(r, 75, service="b")


def test_a_cancelled_number_makes_room_and_a_served_one_does_not() -> None:
    r = room(booked_per_half_hour=1)
    first = book(r, 60)
    r.do(o.Cancel(ticket=first, reason="visitor"), 1)
    book(r, 60, 2)
    r.call(1, 61)
    r.finish(1, 62)
    with pytest.raises(Refused, match="slot_full"):
        book(r, 63, 62)


asks = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(-60, 700), st.integers(0, 20)), max_size=40
)


@given(asks, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_no_half_hour_ever_has_more_than_its_numbers(
    wanted: list[tuple[str, int, int]], most: int
) -> None:
    r, now = room(booked_per_half_hour=most), 0
    for service, minutes, later in wanted:
        now += later
        try:
            book(r, minutes, min(now, 500), service)
        except Refused as refused:
            assert refused.code in {"booked_past", "booked_outside", "slot_full", "outside_hours"}
    given_for: dict[tuple[str, int], int] = {}
    for ticket in r.state.tickets.values():
        assert ticket.booked is not None
        assert ticket.booked >= ticket.arrived
        slot = (ticket.service, (ticket.booked - START) // HALF_HOUR)
        given_for[slot] = given_for.get(slot, 0) + 1
    assert all(count <= most for count in given_for.values())


def test_a_booked_visitor_is_called_at_her_time_and_not_before() -> None:
    r = room()
    early = book(r, 60)
    walks_in = r.take("a", 30)
    assert r.call(1, 31) == walks_in
    r.finish(1, 40)
    with pytest.raises(Refused, match="nobody_waits"):
        r.call(1, 59)
    assert r.call(1, 61) == early
    assert r.ticket(early).wait(minute(61)) == MINUTE


def test_a_booked_visitor_who_misses_her_call_is_put_back_like_others() -> None:
    r = room()
    late = book(r, 60)
    assert r.call(1, 60) == late
    r.do(o.NoShow(counter=1, ticket=late), 63, "hoa")
    r.do(o.PutBack(ticket=late), 70)
    assert r.call(1, 71) == late
    assert r.replayed() == r.state


# --- what is offered ---


def later_table(minutes: dict[int, float]) -> Estimates:
    """Waits foretold for the half-hours that begin so many minutes after the opening."""
    estimates = Estimates()
    found = tuple(
        Later(half_hour=half_hour(minute(begins), 420), service="a", minutes=wait)
        for begins, wait in minutes.items()
    )
    estimates.replace(Table(at=START, newcomers=(LONG,), later=found))
    return estimates


def test_a_full_half_hour_and_a_closed_one_are_not_offered() -> None:
    r = room(booked_per_half_hour=1)
    table = later_table({60: 6, 90: 20, 240: 3, 360: 8})
    offered = public.quieter(r.state, table, "a", START)
    assert offered == m.Quieter(at="08:30", minutes=6, starts=minute(60))
    book(r, 60)
    offered = public.quieter(r.state, table, "a", START)
    assert offered is not None
    assert offered.at == "13:30"  # 09:00 is too long, 11:30 is lunch


def test_a_service_that_gives_no_numbers_offers_no_time() -> None:
    r = room()
    r.do(o.SuspendService(service="a", reason="mất điện"))
    assert public.quieter(r.state, later_table({60: 6}), "a", START) is None


@given(
    st.dictionaries(st.integers(-1, 20).map(lambda n: n * 30), st.floats(0, 40), max_size=12),
    st.integers(0, 560),
    st.integers(0, 2),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_what_is_offered_can_be_taken(
    waits: dict[int, float], now: int, most: int, enforced: bool
) -> None:
    r = room(structs.replace(HOURS, enforced=enforced), booked_per_half_hour=most)
    table = later_table(waits)
    for _ in range(4):
        offered = public.quieter(r.state, table, "a", minute(now))
        if offered is None:
            break
        assert booking.may_have(r.state, "a", offered.starts, minute(now))
        try:
            r.take("a", now, booked=offered.starts, offered=True)
        except Refused as refused:
            assert refused.code in {"outside_hours", "cut_off"}  # no number at all at this hour
            break


def test_who_comes_later_is_not_counted_among_those_who_wait() -> None:
    r = room()
    book(r, 60)
    here = r.take("a", 1)
    line = public.line_state(r.state, Estimates(), minute(2))
    assert line.services[0].waiting == 1
    assert r.call(1, 2) == here
    assert public.line_state(r.state, Estimates(), minute(60)).services[0].waiting == 1


def test_the_wait_of_a_booked_visitor_counts_from_her_time() -> None:
    r = room()
    ticket = r.ticket(book(r, 60))
    table = later_table({60: 8.4})
    expected = Estimate(minutes=8, low=8, high=8)
    assert public.wait_of(r.state, table, ticket, minute(5)) == expected
    known = structs.replace(
        table.table, tickets={ticket.id: Estimate(minutes=64, low=58, high=71.5)}
    )
    table.replace(known)
    found = public.wait_of(r.state, table, ticket, minute(5))
    assert found == Estimate(minutes=4, low=0, high=11.5)
    assert public.wait_of(r.state, table, ticket, minute(60)) == known.tickets[ticket.id]


# --- at the desk ---


def soon(room: DeskRoom) -> int:
    """A half-hour of today that is to come; skips in the day's last one."""
    now = room.desk.clock.now()
    starts = (now // HALF_HOUR + 1) * HALF_HOUR
    if half_hour(starts, 420)[:10] != half_hour(now, 420)[:10]:
        pytest.skip("the last half-hour of the day")
    return starts


def test_the_desk_tells_a_booked_visitor_her_time_and_the_wait_from_then(tmp_path: Path) -> None:
    room = DeskRoom(tmp_path)
    starts = soon(room)
    later = (Later(half_hour=half_hour(starts, 420), service="a", minutes=7.6),)
    room.desk.estimates.replace(Table(at=room.desk.clock.now(), newcomers=(LONG,), later=later))
    taken = ok(room.ask(take("a", booked=starts)))
    assert taken["booked"] == starts
    assert taken["estimate"] == {"minutes": 8, "low": 8, "high": 8}
    assert room.desk.state.tickets[taken["ticket"]].told is None
    room.desk.estimates.replace(Table(at=1, later=later))  # the twin has been silent for long
    assert "estimate" not in ok(room.ask(take("a", booked=starts)))


def test_a_kiosk_cannot_ask_for_a_time_gone_by_and_the_guide_enters_a_late_appointment(
    tmp_path: Path,
) -> None:
    room = DeskRoom(tmp_path)
    past = room.desk.clock.now() - 5 * MINUTE
    refusal = room.ask(take("a", booked=past)).refusal
    assert refusal is not None
    assert refusal.code == "booked_past"
    assert "đã qua" in refusal.vi
    assert "passed" in refusal.en
    answer = room.give(take("a", booked=past), "mai", Role.GUIDE)
    assert ok(answer)["booked"] == past


def test_a_full_half_hour_is_told_in_both_languages(tmp_path: Path) -> None:
    room = DeskRoom(tmp_path)
    starts = soon(room)
    for _ in range(room.desk.state.setup.rules.booked_per_half_hour):
        ok(room.ask(take("a", booked=starts)))
    refusal = room.ask(take("a", booked=starts)).refusal
    assert refusal is not None
    assert refusal.code == "slot_full"
    assert half_hour(starts, 420)[11:] in refusal.vi
    assert half_hour(starts, 420)[11:] in refusal.en
