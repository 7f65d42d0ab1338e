"""What the twin tells those who wait: of made lines whose waits are known, and of history."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from queue_server.desk.estimates import Estimates, Newcomer, Table
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import decide
from queue_server.line.proposals import TWIN
from queue_server.line.setup import Counter, Hours, Rules, Service, Setup
from queue_server.line.times import sound
from queue_server.store.log import Log
from queue_server.twin.from_log import days_of
from queue_server.twin.lessons import past_days, times_of
from queue_server.twin.present import foreseen, present
from queue_server.wire.words import DAY, MINUTE, PriorityGroup
from tests.line_room import START, Room, names
from tests.test_from_log import entries


def steady(counters: int = 1, cv: float = 0.3, **more: object) -> Room:
    """Counters that serve `a` (10 minutes) and `b` (6)."""
    setup = Setup(
        services=(
            Service(id="a", letter="A", name=names("A"), mean_minutes=10, cv=cv),
            Service(id="b", letter="B", name=names("B"), mean_minutes=6, cv=cv),
        ),
        counters=tuple(
            Counter(id=k, name=names(str(k)), serves=("a", "b")) for k in range(1, counters + 1)
        ),
        priorities=(PriorityGroup(id="old", name=names("old")),),
        rules=Rules(**more.pop("rules", {})),  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )
    room = Room(setup=setup)
    for k in range(1, counters + 1):
        room.open(k, account="")
    return room


def told(room: Room, at: float, many: int = 200) -> Table:
    # The day's newcomers so far are left out: nobody else comes.
    return foreseen(present(room.state, START + int(at * MINUTE), came=((),)), many)


def newcomer(table: Table, service: str, priority: bool = False) -> Newcomer:
    return next(n for n in table.newcomers if (n.service, n.priority) == (service, priority))


def test_with_nobody_there_a_newcomer_is_called_at_once() -> None:
    room = steady()
    room.take("b", 0)
    room.call(1, 0, account="")
    room.finish(1, 1, account="")
    assert newcomer(told(room, 2), "a").estimate.minutes == 0.0


def test_three_ahead_at_one_counter_wait_about_the_sum_of_their_minutes() -> None:
    room = steady()
    line = [room.take("a", k / 10) for k in range(4)]
    room.call(1, 1, account="")
    table = told(room, 1)
    for ahead, ticket in enumerate(line[1:], 1):
        found = table.tickets[ticket]
        assert found.minutes == pytest.approx(10 * ahead * 0.95, abs=2.5)
        assert found.low < found.minutes < found.high
    assert newcomer(table, "a").estimate.minutes == pytest.approx(38, abs=4)
    assert newcomer(table, "a", priority=True).estimate.minutes == pytest.approx(9.5, abs=1.5)


def test_two_counters_halve_the_wait() -> None:
    room = steady(counters=2)
    for k in range(8):
        room.take("a", k / 10)
    room.call(1, 1, account="")
    room.call(2, 1, account="")
    assert newcomer(told(room, 1), "a").estimate.minutes == pytest.approx(35, abs=5)


def test_a_ghost_waits_as_a_visitor_in_her_place_does() -> None:
    room = steady(counters=2, cv=0.6)
    for k in range(9):
        room.take("ab"[k % 2], k / 2, priority="old" if k % 4 == 0 else None)
    room.call(1, 5, account="")
    room.call(2, 5, account="")
    before = told(room, 5, 600)
    for service in "ab":
        foretold = newcomer(before, service).estimate
        other = Room(setup=room.setup, state=room.replayed(), issued=50)
        ticket = other.take(service, 5)
        found = told(other, 5, 600).tickets[ticket]
        assert foretold.minutes == pytest.approx(found.minutes, abs=1.5)
        assert foretold.high == pytest.approx(found.high, abs=3.0)


def test_the_time_already_spent_at_the_counter_counts() -> None:
    room = steady()
    room.take("a", 0)
    waits = room.take("a", 0)
    room.call(1, 0, account="")
    assert told(room, 8).tickets[waits].minutes < told(room, 0).tickets[waits].minutes - 4


def test_the_rest_of_a_break_is_waited_for() -> None:
    room = steady(hours=Hours(sessions={"tue": ((450, 690), (810, 1020))}))
    waits = room.take("a", 0)
    room.do(o.PauseCounter(counter=1, reason="tea"), 1)
    assert told(room, 2).tickets[waits].minutes == pytest.approx(14, abs=0.5)


def test_over_lunch_the_afternoon_is_waited_for() -> None:
    room = steady(hours=Hours(sessions={"tue": ((450, 690), (810, 1020))}))
    waits = room.take("a", 0)
    room.do(o.CloseCounter(counter=1), 240)
    assert told(room, 250).tickets[waits].minutes == pytest.approx(110, abs=0.5)


def test_a_booked_visitor_is_foretold_from_her_time() -> None:
    room = steady()
    booked = room.take("a", 0, booked=START + 30 * MINUTE)
    assert told(room, 5).tickets[booked].minutes == pytest.approx(25, abs=0.2)


def test_nobody_is_told_a_wait_where_no_counter_serves() -> None:
    room = steady()
    waits = room.take("a", 0)
    room.do(o.CloseCounter(counter=1), 1)
    table = told(room, 2)
    assert waits not in table.tickets
    assert Estimates().newcomer("a", False, 0, 0) is None


def test_the_interval_holds_about_eighty_of_a_hundred() -> None:
    room = steady(cv=0.7)
    ticket = [room.take("a", 0) for _ in range(3)][2]
    room.call(1, 0, account="")
    found = told(room, 0, 400).tickets[ticket]
    other = [
        foreseen(present(room.state, START, came=((),)), 1, number=1000 + k).tickets.get(ticket)
        for k in range(300)
    ]
    waits = [x.minutes for x in other if x is not None]
    inside = sum(found.low <= x <= found.high for x in waits) / len(waits)
    assert inside == pytest.approx(0.8, abs=0.07)


def test_a_pass_with_twelve_counters_and_two_hundred_waiting_is_quick() -> None:
    room = steady(counters=12, cv=0.7)
    for k in range(212):
        room.take("ab"[k % 2], k / 30, priority="old" if k % 8 == 0 else None)
    for counter in range(1, 13):
        room.call(counter, 8, account="")
    told(room, 9, 2)
    began = time.monotonic()
    table = foreseen(present(room.state, START + 9 * MINUTE), 24)
    took = time.monotonic() - began
    assert len(table.tickets) == 200 and len(table.newcomers) == 4
    assert took < 1.0, f"{took:.2f} s"


def past(days: int = 2) -> Room:
    room = Room()
    for day in range(days):
        begins = day * DAY / MINUTE
        for counter, account in ((1 + day % 2, "hoa"), (3, "binh")):
            room.open(counter, account, at=begins)
        for k in range(10):
            room.take("a", begins + 12 * k, prepared=k % 2 == 0, copies=k % 3 + 1)
            room.call(1 + day % 2, begins + 12 * k + 1)
            room.finish(1 + day % 2, begins + 12 * k + (7 if k % 2 == 0 else 11))
        for counter, account in ((1 + day % 2, "hoa"), (3, "binh")):
            room.do(o.CloseCounter(counter=counter), begins + 200, account)
    return room


def test_past_days_teach_minutes_paces_and_officers_who_moved() -> None:
    times = times_of(days_of(entries(past())))
    assert sound(times) and times.day == "2026-11-25"
    assert times.services["a"].seen == 20
    assert 5.5 < times.services["a"].mean < 8.5
    assert times.services["a"].prepared < 1.0
    assert set(times.officers) == {"hoa:a"} and {"1:a", "2:a"} <= set(times.counters)


def test_what_is_learned_can_be_told_to_the_line() -> None:
    room = past()
    times = times_of(days_of(entries(room)))
    actor = e.Actor(device=TWIN)
    (event,), _ = decide(room.state, o.LearnTimes(times=times), START + 2 * DAY, actor)
    assert isinstance(event, e.TimesLearned)


def test_past_days_are_read_from_the_stored_log(tmp_path: Path) -> None:
    room, log = past(3), Log(tmp_path / "centre.db")
    with log.transaction():
        for event, at, actor in room.events:
            log.append(event, at, actor, "")
    log.close()
    days = past_days(tmp_path / "centre.db", room.setup, "2026-11-26")
    assert [d.day for d in days] == ["2026-11-24", "2026-11-25"]
    assert days == days_of(entries(room))[:2]
