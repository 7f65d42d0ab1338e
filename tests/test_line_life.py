"""The life of a ticket, told in short stories."""

from __future__ import annotations

import pytest

from queue_server.line import orders as o
from queue_server.line.decide import Issued, Refused, number_of
from queue_server.line.setup import Hours, Service
from queue_server.wire.words import MINUTE, TicketStatus
from tests.line_room import START, Room, names, small_setup

S = TicketStatus


@pytest.fixture
def room() -> Room:
    room = Room()
    room.open(1)
    return room


def refused(room: Room, order: o.AnyOrder, at: float = 0, account: str = "hoa") -> str:
    with pytest.raises(Refused) as caught:
        room.do(order, at, account)
    return caught.value.code


def test_numbers_run_per_service_and_start_at_one(room: Room) -> None:
    taken = [room.take("a"), room.take("b"), room.take("a")]
    assert [room.ticket(t).number for t in taken] == ["A001", "B001", "A002"]


def test_a_used_up_band_goes_on_with_a_fourth_digit_and_ends_at_9999() -> None:
    service = Service(id="a", letter="A", name=names("A"), last=999)
    assert number_of(service, 999) == "A999"
    assert number_of(service, 1000) == "A1000"
    assert number_of(service, 9999) == "A9999"
    with pytest.raises(Refused) as caught:
        number_of(service, 10_000)
    assert caught.value.code == "band_used_up"


def test_a_short_band_never_gives_a_number_twice() -> None:
    service = Service(id="a", letter="A", name=names("A"), first=1, last=20)
    numbers = [number_of(service, n) for n in range(1, 3000)]
    assert len(set(numbers)) == len(numbers)
    assert numbers[20] == "A1000"


def test_wait_is_last_call_less_joining_and_time_out(room: Room) -> None:
    ticket = room.take("a", 0)
    room.do(o.StepOut(ticket=ticket), 4)
    room.do(o.StepBack(ticket=ticket), 10)
    room.call(1, 20)
    assert room.ticket(ticket).wait(START + 99 * MINUTE) == 14 * MINUTE
    room.do(o.Recall(counter=1), 22, "hoa")
    assert room.ticket(ticket).wait(START + 99 * MINUTE) == 16 * MINUTE


def test_next_finishes_the_visitor_in_service_and_calls_the_one_after(room: Room) -> None:
    first, second = room.take("a"), room.take("a")
    assert room.call(1) == first
    room.do(o.Start(counter=1), 1, "hoa")
    assert room.call(1, 5, after=first, offer="f1") == second
    assert room.ticket(first).status is S.FINISHED
    assert room.state.offers["f1"].counter == 1


def test_a_double_press_calls_one_person(room: Room) -> None:
    first, second = room.take("a"), room.take("a")
    assert room.call(1, 0, after="") == first
    assert room.call(1, 0.01, after="") == first
    assert room.ticket(second).status is S.WAITING


def test_next_is_refused_while_a_called_visitor_has_not_come(room: Room) -> None:
    first = room.take("a")
    room.take("a")
    room.call(1)
    assert refused(room, o.CallNext(counter=1, after=first)) == "counter_busy"


def test_transfer_for_a_wrong_service_keeps_her_place(room: Room) -> None:
    first = room.take("a", 0)
    room.take("b", 1)
    room.call(1, 5)
    room.do(o.Transfer(ticket=first, service="b"), 6, "hoa")
    assert room.ticket(first).waits == (5 * MINUTE,)
    assert room.call(1, 10) == first
    assert room.ticket(first).wait(START) == 4 * MINUTE


def test_a_visit_with_two_services_goes_on_in_the_second_line(room: Room) -> None:
    ticket = room.take("a", 0, then=("b",))
    room.call(1, 2)
    room.finish(1, 5, offer="early")
    assert room.ticket(ticket).service == "b"
    assert "early" not in room.state.offers
    room.call(1, 9)
    room.finish(1, 12, offer="late")
    assert room.ticket(ticket).status is S.FINISHED
    assert room.ticket(ticket).waits == (2 * MINUTE, 4 * MINUTE)
    assert "late" in room.state.offers


def test_park_and_resume_at_the_same_counter(room: Room) -> None:
    ticket = room.take("a")
    room.call(1, 3)
    room.do(o.Start(counter=1), 3, "hoa")
    room.do(o.Park(counter=1, ticket=ticket, reason="photocopy"), 5, "hoa")
    assert room.state.counters[1].ticket is None
    room.do(o.Resume(ticket=ticket, counter=1), 15, "hoa")
    assert room.ticket(ticket).status is S.SERVING
    room.finish(1, 20)
    assert room.ticket(ticket).waits == (3 * MINUTE,)


def test_parked_back_to_the_line_waits_without_the_time_parked(room: Room) -> None:
    ticket = room.take("a")
    room.call(1, 3)
    room.do(o.Park(counter=1, ticket=ticket), 5, "hoa")
    room.do(o.Resume(ticket=ticket), 25, "hoa")
    assert room.ticket(ticket).wait(START + 30 * MINUTE) == 10 * MINUTE


def test_no_show_can_be_put_back_until_absent_too_often(room: Room) -> None:
    ticket = room.take("a")
    for minute in range(3):
        room.call(1, minute)
        room.do(o.NoShow(counter=1, ticket=ticket), minute + 0.5, "hoa")
        if minute < 2:
            room.do(o.PutBack(ticket=ticket), minute + 0.6, "hoa")
    assert refused(room, o.PutBack(ticket=ticket), 5) == "absent_too_often"


@pytest.mark.parametrize("step", ["call", "start", "finish", "no_show", "transfer", "park"])
def test_the_last_step_can_be_undone_by_who_did_it(room: Room, step: str) -> None:
    ticket = room.take("a")
    if step != "call":
        room.call(1, 1)
    if step == "finish":
        room.do(o.Start(counter=1), 2, "hoa")
    before, held = room.ticket(ticket), room.state.counters[1].ticket
    orders: dict[str, o.AnyOrder] = {
        "call": o.CallNext(counter=1),
        "start": o.Start(counter=1),
        "finish": o.Finish(counter=1, ticket=ticket, offer="x"),
        "no_show": o.NoShow(counter=1, ticket=ticket),
        "transfer": o.Transfer(ticket=ticket, service="b"),
        "park": o.Park(counter=1, ticket=ticket),
    }
    room.do(orders[step], 3, "hoa")
    room.do(o.Undo(counter=1), 4, "hoa")
    assert room.ticket(ticket) == before
    assert room.state.counters[1].ticket == held
    assert room.state.offers == {}
    assert refused(room, o.Undo(counter=1), 5) == "nothing_to_undo"


def test_undo_of_a_call_gives_back_the_passes() -> None:
    room = Room()
    room.open(1)
    ordinary = room.take("a", 0)
    room.take("a", 1, priority="old")
    room.call(1, 2)
    assert room.ticket(ordinary).passed_by_priority == 1
    room.do(o.Undo(counter=1), 2, "hoa")
    assert (room.ticket(ordinary).passed, room.ticket(ordinary).passed_by_priority) == (0, 0)


def test_undo_is_refused_once_another_has_taken_the_ticket(room: Room) -> None:
    room.open(2, "binh")
    ticket = room.take("a")
    room.call(1, 1)
    room.do(o.PutBack(ticket=ticket), 2, "hoa")
    room.call(2, 3, "binh")
    assert refused(room, o.Undo(counter=1), 4) == "moved_on"


def test_undo_is_refused_when_the_visitor_has_rated(room: Room) -> None:
    room.take("a")
    room.call(1)
    room.finish(1, 2, offer="x")
    room.do(o.GiveRating(offer="x", score=5), 3)
    assert refused(room, o.Undo(counter=1), 4) == "rated_already"


def test_an_officer_calls_a_named_number_and_the_reason_is_kept(room: Room) -> None:
    room.take("a")
    second = room.take("a")
    room.do(o.CallNumber(counter=1, ticket=second, reason="hẹn lại"), 1, "hoa")
    reason = room.ticket(second).reason
    assert reason is not None
    assert reason.values == {"why": "hẹn lại"}
    third = room.take("a")
    room.finish(1, 2)
    assert refused(room, o.CallNumber(counter=1, ticket=third, reason=" "), 2) == "reason_missing"


def test_a_visitor_without_a_ticket_is_served_with_a_reason(room: Room) -> None:
    reply = room.do(
        o.ServeWithoutTicket(counter=1, service="a", reason="cấp cứu", visit="v", token_hash="t"),
        1,
        "hoa",
    )
    assert room.ticket(reply.ticket).status is S.SERVING
    again = o.ServeWithoutTicket(counter=1, service="a", reason="")
    room.finish(1, 2)
    assert refused(room, again) == "reason_missing"


def test_withdrawn_before_it_was_made_a_ticket_is_never_made(room: Room) -> None:
    room.do(o.WithdrawTicket(ask="k/1"))
    assert refused(room, o.IssueTicket(service="a", ask="k/1")) == "withdrawn"


def test_withdrawn_after_it_was_made_a_ticket_leaves_the_line(room: Room) -> None:
    ticket = room.take("a", ask="k/1")
    room.do(o.WithdrawTicket(ask="k/1"))
    assert room.ticket(ticket).status is S.CANCELLED
    assert refused(room, o.CallNext(counter=1)) == "nobody_waits"


def test_a_late_request_gets_no_number(room: Room) -> None:
    order = o.IssueTicket(service="a", expires=START + MINUTE)
    assert refused(room, order, 2) == "too_late"


def test_a_suspended_service_gives_and_calls_no_numbers(room: Room) -> None:
    waiting = room.take("a")
    room.do(o.SuspendService(service="a", reason="hệ thống Bộ bảo trì"))
    assert refused(room, o.IssueTicket(service="a")) == "service_suspended"
    assert refused(room, o.CallNext(counter=1)) == "nobody_waits"
    room.do(o.ResumeService(service="a"))
    assert room.call(1) == waiting


def test_the_ended_day_expires_who_waits_and_lets_the_counter_finish(room: Room) -> None:
    served, waiting = room.take("a"), room.take("a")
    room.call(1)
    room.do(o.EndDay(reason="mất điện"))
    assert room.ticket(waiting).status is S.EXPIRED
    assert refused(room, o.IssueTicket(service="a")) == "day_ended"
    room.finish(1, 5)
    assert room.ticket(served).status is S.FINISHED


def test_midnight_closes_the_day_and_numbers_start_again(room: Room) -> None:
    room.take("a")
    room.do(o.PassTime(), 60 * 24)
    assert room.state.day == "2026-11-25"
    assert not room.state.counters[1].open
    assert room.ticket(room.take("a", 60 * 24)).number == "A001"


def test_after_hours_who_can_no_longer_be_served_expires() -> None:
    hours = Hours(sessions={"tue": ((450, 690), (810, 1020))}, enforced=True, cut_off_minutes=5)
    room = Room(setup=small_setup())
    setup = room.setup
    from msgspec.structs import replace

    room.do(o.ChangeSetup(setup=replace(setup, hours=hours)))
    room.open(3, "binh")
    left, served = room.take("a", 0), room.take("b", 0)
    assert refused(room, o.IssueTicket(service="a"), 566) == "cut_off"
    assert refused(room, o.IssueTicket(service="a"), 900) == "outside_hours"
    room.do(o.PassTime(), 571)
    assert room.ticket(left).status is S.EXPIRED
    assert room.ticket(served).status is S.WAITING


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (o.IssueTicket(service="zzz"), "unknown_service"),
        (o.IssueTicket(service="a", priority="king"), "unknown_priority"),
        (o.CallNext(counter=99), "unknown_counter"),
        (o.CallNext(counter=2), "counter_closed"),
        (o.Finish(counter=1, ticket="nobody"), "nobody_at_counter"),
        (o.GiveRating(offer="never", score=5), "no_offer"),
        (o.Recall(counter=1), "nobody_at_counter"),
        (o.Cancel(ticket="20260101-A001"), "unknown_ticket"),
        (o.CallNext(counter=1), "nobody_waits"),
        (o.PauseCounter(counter=1, reason=""), "reason_missing"),
        (o.OpenCounter(counter=2), "already_at_counter"),
    ],
)
def test_bad_orders_are_refused_by_name(room: Room, order: o.AnyOrder, code: str) -> None:
    assert refused(room, order) == code


def test_an_officer_without_the_skill_cannot_open_or_call(room: Room) -> None:
    assert refused(room, o.OpenCounter(counter=3), 0, "lan") == "no_skill"
    room.open(2, "lan")
    waiting = room.take("b")
    order = o.CallNumber(counter=2, ticket=waiting, reason="x")
    assert refused(room, order, 0, "lan") == "no_skill"


def test_a_called_ticket_cannot_be_called_elsewhere(room: Room) -> None:
    room.open(2, "binh")
    ticket = room.take("a")
    room.call(1)
    order = o.CallNumber(counter=2, ticket=ticket, reason="x")
    assert refused(room, order, 1, "binh") == "called_already"


def test_nobody_works_at_another_officers_counter(room: Room) -> None:
    room.take("a")
    assert refused(room, o.CallNext(counter=1), 0, "binh") == "not_your_counter"


def test_a_rating_counts_once(room: Room) -> None:
    room.take("a")
    room.call(1)
    room.finish(1, 2, offer="x")
    room.do(o.GiveRating(offer="x", score=4), 3)
    assert refused(room, o.GiveRating(offer="x", score=1), 4) == "rated_already"


def test_a_button_rates_the_offer_that_stood_when_it_was_pressed(room: Room) -> None:
    room.take("a")
    room.call(1)
    press = o.PressRating(counter=1, score=5, terminal="b1", age_ms=5 * MINUTE)
    room.finish(1, 10, offer="x")
    assert refused(room, press, 10.1) == "no_offer"
    room.do(o.PressRating(counter=1, score=5, terminal="b1", age_ms=6000), 10.2)
    assert room.state.offers["x"].answered == "rated"


def test_an_epoch_jumps_past_every_number_that_may_be_out(room: Room) -> None:
    room.take("a")
    room.do(o.OpenEpoch(highest={"a": 57}))
    assert room.ticket(room.take("a")).number == "A078"
    assert room.ticket(room.take("b")).number == "B021"


def test_ahead_counts_the_line_and_for_priority_only_its_class(room: Room) -> None:
    room.take("a")
    room.take("a", priority="old")
    reply = room.do(o.IssueTicket(service="a", visit="v", token_hash="x"))
    assert isinstance(reply, Issued)
    assert reply.ahead == 2
    reply = room.do(o.IssueTicket(service="a", visit="w", token_hash="y", priority="baby"))
    assert isinstance(reply, Issued)
    assert reply.ahead == 1
