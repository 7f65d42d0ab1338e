"""Who is next under the rule that balances, and the sentence that says why."""

from __future__ import annotations

import pytest

from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line import rule
from queue_server.line.next import call_next, calling_order, pace_of, weights_of
from queue_server.line.proposals import TWIN
from queue_server.line.reasons import Beside, why_in_words
from queue_server.line.setup import Rules
from queue_server.line.state import apply
from queue_server.line.times import ServiceTimes, Times
from queue_server.said import reason as said
from queue_server.twin import replay
from queue_server.wire.words import MINUTE
from tests.line_room import START, Room, small_setup


@pytest.fixture
def room() -> Room:
    room = Room()
    room.open(1)
    return room


def learn(room: Room, **times: object) -> None:
    event = e.TimesLearned(times=Times(day="2026-11-23", **times))  # type: ignore[arg-type]
    apply(room.state, event, START, e.Actor(device=TWIN))


def why(room: Room, ticket: str) -> str:
    reason = room.ticket(ticket).reason
    assert reason is not None
    assert said(reason, room.state.setup, "vi") and said(reason, room.state.setup, "en")
    return reason.code


def test_a_short_visit_goes_before_a_long_one_that_came_just_before(room: Room) -> None:
    room.take("b", 0)
    short = room.take("a", 1)
    assert room.call(1, 2) == short
    assert why(room, short) == "balanced_short"


def test_a_long_wait_goes_before_a_short_visit(room: Room) -> None:
    long = room.take("b", 0)
    room.take("a", 28)
    assert room.call(1, 30) == long
    assert why(room, long) == "longest_wait"


def test_what_was_learned_weighs_and_not_what_was_set(room: Room) -> None:
    learn(room, services={"a": ServiceTimes(mean=20, cv=0.7), "b": ServiceTimes(mean=4, cv=0.7)})
    room.take("a", 0)
    short = room.take("b", 1)
    assert room.call(1, 2) == short


@pytest.mark.parametrize("known", [{"prepared": True}, {"copies": 1}, {"supplement": True}])
def test_what_the_kiosk_knows_makes_a_visit_shorter(room: Room, known: dict[str, object]) -> None:
    learned = ServiceTimes(mean=5, cv=0.7, prepared=0.6, per_copy=1.0, copies=4.0)
    learn(room, services={"a": learned, "b": ServiceTimes(mean=8, cv=0.7)})
    room.take("a", 0)
    known_one = room.take("a", 0.5, **known)
    assert room.call(1, 1) == known_one


def test_several_dossiers_make_it_longer(room: Room) -> None:
    room.take("a", 0, dossiers=4)
    other = room.take("b", 1)
    assert room.call(1, 2) == other


def test_a_counter_leaves_to_others_what_it_is_slow_at(room: Room) -> None:
    learn(room, counters={"1:a": 2.5})
    room.take("a", 0)
    other = room.take("b", 1)
    assert room.call(1, 2) == other


def test_an_officer_takes_her_pace_along(room: Room) -> None:
    learn(room, counters={"1:a": 1.0}, officers={"hoa:a": 2.5})
    room.take("a", 0)
    other = room.take("b", 1)
    assert room.call(1, 2) == other


def test_today_teaches_a_pace_and_an_undone_finish_unteaches_it(room: Room) -> None:
    counter = room.state.counters[1]
    assert pace_of(room.state, counter, "a") == 1.0
    room.take("a", 0)
    room.call(1, 1)
    room.finish(1, 11)
    assert pace_of(room.state, room.state.counters[1], "a") == pytest.approx((4 * 5 + 10) / 25)
    room.do(o.Undo(counter=1), 12, "hoa")
    assert pace_of(room.state, room.state.counters[1], "a") == 1.0
    assert room.replayed() == room.state


def test_a_priority_visitor_is_first_and_so_said(room: Room) -> None:
    room.take("a", 0)
    old = room.take("b", 5, priority="old")
    assert room.call(1, 6) == old
    assert why(room, old) == "priority"


def test_a_booked_visitor_in_time_has_the_place_of_her_time(room: Room) -> None:
    booked = room.take("a", 12, booked=START + 10 * MINUTE)
    room.take("a", 9)
    assert room.ticket(booked).place == START + 10 * MINUTE
    assert room.call(1, 16) == booked
    assert why(room, booked) == "booked"


def test_a_booked_visitor_who_comes_too_late_has_the_place_of_her_coming(room: Room) -> None:
    late = room.take("a", 30, booked=START + 10 * MINUTE)
    assert room.ticket(late).place == START + 30 * MINUTE


def test_nobody_is_called_ahead_of_her_time(room: Room) -> None:
    room.take("a", 0, booked=START + 10 * MINUTE)
    assert call_next(room.state, 1, START + 10 * MINUTE - 1) is None
    assert call_next(room.state, 1, START + 10 * MINUTE) is not None


def test_a_counter_that_helps_a_long_line_says_so(room: Room) -> None:
    """Of two who wait alike the quicker goes first; the longest wait of all is in her line."""
    learn(room, services={"b": ServiceTimes(mean=8, cv=0.7, prepared=0.3)})
    room.take("b", 0)
    prepared = room.take("b", 0.5, prepared=True)
    room.take("a", 1)
    assert room.call(1, 2) == prepared
    assert why(room, prepared) == "help"


@pytest.mark.parametrize(
    "among, code",
    [
        (Beside(oldest=True, booked=True, helps=True), "longest_wait"),
        (Beside(booked=True, helps=True), "booked"),
        (Beside(helps=True, expected=3, usual=8), "help"),
        (Beside(expected=3, usual=8), "balanced_short"),
        (Beside(expected=9, usual=8), "balanced_wait"),
    ],
)
def test_the_truest_word_is_said_of_a_balanced_call(among: Beside, code: str) -> None:
    found = why_in_words(rule.BALANCED, minutes=20.4, service="a", beside=among)
    assert (found.code, found.values["minutes"]) == (code, 20)


def test_of_several_errands_the_one_with_the_lightest_line_goes_first(room: Room) -> None:
    room.open(2, "binh")
    for minute in range(3):
        room.take("a", minute)
    visit = room.take("a", 4, then=("b",))
    assert room.ticket(visit).service == "b"
    assert room.ticket(visit).number.startswith("A")
    assert room.ticket(visit).then == ("a",)


@pytest.mark.parametrize("broken", [float("nan"), 0.0, float("inf")])
def test_unusable_times_let_the_call_go_on_by_the_simple_rule(room: Room, broken: float) -> None:
    learn(room, services={"a": ServiceTimes(mean=broken, cv=0.7)})
    oldest = room.take("b", 0)
    room.take("a", 1)
    assert room.call(1, 2) == oldest
    assert why(room, oldest) == "simple"
    room.finish(1, 5)
    assert room.call(1, 6)


def test_a_rule_that_fails_lets_the_call_go_on(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> tuple[int, int]:
        raise RuntimeError("pick")

    monkeypatch.setattr(rule, "pick", fails)
    oldest, old = room.take("a", 0), room.take("b", 1, priority="old")
    assert [room.call(1, 2), room.finish(1, 3) and room.call(1, 3)] == [old, oldest]
    reason = room.ticket(oldest).reason
    assert reason is not None and reason.values["failed"] == "RuntimeError"


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(Exception, match="bad_setup"):
        Room(setup=small_setup(policy="lottery"))


def test_pages_show_the_order_in_which_the_counter_would_call(room: Room) -> None:
    long, short, old = room.take("b", 0), room.take("a", 0.5), room.take("a", 1, priority="old")
    order = calling_order(room.state, room.state.counters[1], START + 2 * MINUTE, 3)
    assert [t.id for t in order] == [old, short, long]


def test_the_simulator_and_the_rules_start_from_the_same_numbers() -> None:
    rules = Rules()
    assert weights_of(rules) == rule.Weights()
    assert rules.appointment_credit_minutes == replay.BOOKED_CREDIT
    assert rules.appointment_late_minutes == replay.LATE_GRACE
