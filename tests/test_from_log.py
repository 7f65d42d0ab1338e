"""Past days come out of the log as days that can be replayed and learned from."""

from __future__ import annotations

from queue_server.line import orders as o
from queue_server.line.events import Entry
from queue_server.twin.day import checked
from queue_server.twin.from_log import days_of
from queue_server.twin.learn import learned
from queue_server.twin.replay import replay
from queue_server.wire.words import DAY, MINUTE
from tests.line_room import Room

BEGAN = 450.0
"""`Room` counts minutes from half past seven."""


def entries(room: Room) -> list[Entry]:
    return [
        Entry(seq=k, at=at, actor=actor, order="", event=event)
        for k, (event, at, actor) in enumerate(room.events, 1)
    ]


def served(room: Room, at: float, minutes: float) -> str:
    called = room.call(1, at)
    room.finish(1, at + minutes)
    return called


def test_a_visit_has_her_coming_call_counter_and_end() -> None:
    room = Room()
    room.open(1)
    room.take("a", 2, prepared=True, copies=3)
    served(room, 5, 4)
    (day,) = days_of(entries(room))
    (visitor,) = day.visitors
    assert (visitor.arrives, visitor.called, visitor.finished) == (BEGAN + 2, BEGAN + 5, BEGAN + 9)
    assert (visitor.counter, visitor.minutes, visitor.shows) == (1, 4.0, True)
    assert (visitor.prepared, visitor.copies) == (True, 3)


def test_a_counter_is_open_while_neither_closed_nor_paused() -> None:
    room = Room()
    room.open(1)
    room.do(o.PauseCounter(counter=1, reason="tea"), 30, "hoa")
    room.do(o.ResumeCounter(counter=1), 40, "hoa")
    room.do(o.CloseCounter(counter=1), 60, "hoa")
    (day,) = days_of(entries(room))
    (counter,) = day.counters
    assert counter.open == ((BEGAN, BEGAN + 30), (BEGAN + 40, BEGAN + 60))
    assert (counter.officer, counter.serves) == ("hoa", ("a", "b"))


def test_who_did_not_come_who_left_and_who_was_never_served() -> None:
    room = Room()
    room.open(1)
    absent, left, _ = room.take("a", 0), room.take("a", 1), room.take("a", 2)
    room.call(1, 3)
    room.do(o.NoShow(counter=1, ticket=absent), 5, "hoa")
    room.do(o.Cancel(ticket=left), 6)
    room.do(o.EndDay(), 7)
    (day,) = days_of(entries(room))
    assert [v.shows for v in day.visitors] == [False, True]
    assert day.no_show_minutes == 2.0
    assert day.visitors[1].called is None and day.visitors[1].minutes == 5.0


def test_time_parked_is_no_time_at_the_counter() -> None:
    room = Room()
    room.open(1)
    ticket = room.take("a", 0)
    room.call(1, 1)
    room.do(o.Park(counter=1, ticket=ticket), 4, "hoa")
    room.do(o.Resume(ticket=ticket, counter=1), 34, "hoa")
    room.finish(1, 36)
    (day,) = days_of(entries(room))
    assert day.visitors[0].minutes == 5.0


def test_several_errands_are_one_visit() -> None:
    room = Room()
    room.open(1)
    room.take("a", 0, then=("b",))
    first, second = served(room, 1, 4), served(room, 6, 3)
    assert first == second
    (day,) = days_of(entries(room))
    (visitor,) = day.visitors
    assert {visitor.service, *visitor.then} == {"a", "b"}
    (further,) = visitor.further
    assert (further.called, further.finished) == (BEGAN + 6, BEGAN + 9)


def test_days_follow_each_other_also_from_the_middle_of_the_log() -> None:
    room = Room()
    for day in (0, 1):
        room.open(1, at=day * DAY / MINUTE)
        room.take("a", day * DAY / MINUTE + 1)
        served(room, day * DAY / MINUTE + 2, 6)
        room.do(o.CloseCounter(counter=1), day * DAY / MINUTE + 20, "hoa")
    found = entries(room)
    both = days_of(found)
    assert [d.day for d in both] == ["2026-11-24", "2026-11-25"]
    starts = [k for k, x in enumerate(found) if type(x.event).__name__ == "DayStarted"]
    assert days_of(found[starts[1] :], room.setup) == both[1:]
    assert both[0].visitors[0].called == both[1].visitors[0].called


def test_a_day_of_the_log_can_be_replayed_and_learned_from() -> None:
    room = Room()
    room.open(1)
    for minute in range(0, 30, 10):
        room.take("a", minute)
        served(room, minute + 1, 7)
    (day,) = days_of(entries(room))
    again = replay(checked(day, False, "log"))
    assert [visit[0].called for visit in again] == [BEGAN, BEGAN + 10, BEGAN + 20]
    assert 5 < learned([day]).means["a"] < 7


def test_no_entries_are_no_days() -> None:
    assert days_of([]) == []
    assert days_of(entries(Room())) == []
