"""Promises of the line that hold in any order of events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import Refused
from queue_server.line.next import able, call_next
from queue_server.line.setup import POLICIES
from queue_server.line.state import State, apply
from queue_server.wire.words import MINUTE, TicketStatus
from tests.line_room import START, Room, small_setup

BY_PRIORITY, IN_ALL, LONGEST = 3, 5, 60.0
ACCOUNTS = {1: "hoa", 2: "binh", 3: "mai"}

step = st.one_of(
    st.tuples(st.just("take"), st.sampled_from("ab"), st.sampled_from([None, None, "old", "baby"])),
    st.tuples(st.just("call"), st.sampled_from([1, 2, 3]), st.none()),
    st.tuples(st.just("finish"), st.sampled_from([1, 2, 3]), st.none()),
    st.tuples(
        st.sampled_from(
            ["no_show", "put_back", "park", "resume", "transfer", "out", "back", "cancel", "undo"]
        ),
        st.integers(0, 40),
        st.sampled_from([1, 2, 3]),
    ),
    st.tuples(st.sampled_from(["grant", "withdraw"]), st.integers(0, 40), st.just("old")),
)
days = st.lists(st.tuples(step, st.floats(0, 4)), max_size=90)
policies = st.sampled_from(POLICIES)


def walk(
    day: list[tuple[tuple[str, object, object], float]],
    policy: str = "balanced",
    longest: float = LONGEST,
) -> Room:
    """Play a day of whatever order; what is refused changes nothing."""
    room = Room(
        setup=small_setup(
            policy=policy,
            max_passed_by_priority=BY_PRIORITY,
            max_passed=IN_ALL,
            max_wait_minutes=longest,
        )
    )
    for counter, account in ACCOUNTS.items():
        room.open(counter, account)
    now = 0.0
    for (verb, first, second), pause in day:
        now += pause
        before = len(room.events)
        try:
            play(room, verb, first, second, now)
        except Refused:
            assert len(room.events) == before
    return room


def play(room: Room, verb: str, first: object, second: object, now: float) -> None:
    if verb == "take":
        room.take(str(first), now, priority=second)
        return
    if verb in ("call", "finish"):
        counter = int(first)  # type: ignore[call-overload]
        account = ACCOUNTS[counter]
        held = room.state.counters[counter].ticket
        if verb == "call":
            room.do(o.CallNext(counter=counter), now, account)
        elif held:
            room.do(
                o.Finish(counter=counter, ticket=held, offer=f"f{len(room.events)}"), now, account
            )
        return
    tickets = list(room.state.tickets)
    if not tickets:
        return
    ticket = tickets[int(first) % len(tickets)]  # type: ignore[call-overload]
    account = ACCOUNTS.get(second, "") if isinstance(second, int) else ""
    counter = second if isinstance(second, int) else 1
    orders: dict[str, o.AnyOrder] = {
        "no_show": o.NoShow(counter=counter, ticket=ticket),
        "put_back": o.PutBack(ticket=ticket),
        "park": o.Park(counter=counter, ticket=ticket),
        "resume": o.Resume(ticket=ticket),
        "transfer": o.Transfer(ticket=ticket, service="b"),
        "out": o.StepOut(ticket=ticket),
        "back": o.StepBack(ticket=ticket),
        "cancel": o.Cancel(ticket=ticket),
        "undo": o.Undo(counter=counter),
        "grant": o.GrantPriority(ticket=ticket, group="old", reason="seen"),
        "withdraw": o.WithdrawPriority(ticket=ticket, reason="mistake"),
    }
    room.do(orders[verb], now, account)


@settings(max_examples=150, deadline=None)
@given(days, policies)
def test_nobody_is_passed_more_often_than_the_rules_allow(
    day: list[tuple[tuple[str, object, object], float]], policy: str
) -> None:
    room = walk(day, policy)
    for ticket in room.state.tickets.values():
        assert ticket.passed <= IN_ALL
        assert ticket.passed_by_priority <= BY_PRIORITY


@settings(max_examples=150, deadline=None)
@given(days, policies)
def test_who_has_waited_too_long_is_passed_by_nobody_but_priority_visitors(
    day: list[tuple[tuple[str, object, object], float]], policy: str
) -> None:
    room, state, too_long = walk(day, policy, longest=6.0), State(), 6.0 * MINUTE
    for event, at, actor in room.events:
        if isinstance(event, e.TicketCalled) and state.tickets[event.ticket].priority is None:
            assert all(state.tickets[other].wait(at) < too_long for other in event.passed)
        apply(state, event, at, actor)


@settings(max_examples=100, deadline=None)
@given(days, policies)
def test_who_was_passed_as_often_as_the_rules_allow_is_next_at_the_first_able_counter(
    day: list[tuple[tuple[str, object, object], float]], policy: str
) -> None:
    room = walk(day, policy)
    for counter in (1, 2, 3):
        waiting = able(room.state, room.state.counters[counter], room.state.at)
        due = [t for t in waiting if t.passed >= IN_ALL or t.passed_by_priority >= BY_PRIORITY]
        if due:
            choice = call_next(room.state, counter, room.state.at)
            assert choice is not None and due[0].id not in choice.passed


@settings(max_examples=80, deadline=None)
@given(days)
def test_the_fold_of_the_events_is_the_state(
    day: list[tuple[tuple[str, object, object], float]],
) -> None:
    room = walk(day)
    assert room.replayed() == room.state


@settings(max_examples=80, deadline=None)
@given(days)
def test_numbers_are_unique_and_every_counter_holds_at_most_one(
    day: list[tuple[tuple[str, object, object], float]],
) -> None:
    room = walk(day)
    numbers = [event.number for event, _, _ in room.events if isinstance(event, e.TicketIssued)]
    assert len(set(numbers)) == len(numbers)
    at_counter = [
        t.id
        for t in room.state.tickets.values()
        if t.status in (TicketStatus.CALLED, TicketStatus.SERVING)
    ]
    held = [c.ticket for c in room.state.counters.values() if c.ticket]
    assert sorted(at_counter) == sorted(held)


@settings(max_examples=80, deadline=None)
@given(days)
def test_the_line_holds_just_those_who_wait(
    day: list[tuple[tuple[str, object, object], float]],
) -> None:
    room = walk(day)
    listed = {(s, t) for s, line in room.state.waiting.items() for t in line}
    waiting = {
        (t.service, t.id) for t in room.state.tickets.values() if t.status is TicketStatus.WAITING
    }
    assert listed == waiting


def test_priority_comes_first_then_the_longest_wait() -> None:
    room = Room()
    room.open(1)
    ordinary, old = room.take("a", 0), room.take("b", 1, priority="baby")
    oldest = room.take("a", 2, priority="old")
    assert [room.call(1, 3), room.finish(1, 4) and room.call(1, 4)] == [oldest, old]
    room.finish(1, 5)
    assert room.call(1, 5) == ordinary


def test_each_call_says_why() -> None:
    room = Room(setup=small_setup(max_passed_by_priority=1))
    room.open(1)
    ordinary = room.take("a", 0)
    room.take("a", 1, priority="old")
    room.take("a", 1, priority="old")
    codes = []
    for minute in range(2, 5):
        called = room.call(1, minute)
        reason = room.ticket(called).reason
        assert reason is not None
        codes.append(reason.code)
        room.finish(1, minute + 0.5)
    assert codes == ["priority", "passed_by_priority", "priority"]
    assert room.ticket(ordinary).status is TicketStatus.FINISHED


def test_only_priority_counters_prefer_when_the_setting_says_so() -> None:
    room = Room(setup=small_setup(priority_at="priority"))
    room.open(1)
    room.open(2, "binh")
    ordinary, old = room.take("a", 0), room.take("a", 1, priority="old")
    assert room.call(1, 2) == ordinary
    assert room.call(2, 2, "binh") == old


def test_a_booked_visitor_is_not_called_before_her_time_less_the_grace() -> None:
    room = Room(setup=small_setup(appointment_early_minutes=5))
    room.open(1)
    booked = room.take("a", 0, booked=START + 30 * MINUTE)
    try:
        room.call(1, 20)
    except Refused as refused:
        assert refused.code == "nobody_waits"
    else:
        raise AssertionError("called too early")
    assert room.call(1, 26) == booked
    assert room.ticket(booked).wait(START) == 0
