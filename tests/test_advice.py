"""Moves: advised only where they help, carried out within skills, undone in time, and blind to what comes."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest

from queue_server.line.moves import MoveKind
from queue_server.line.rule import Weights
from queue_server.twin.advice import (
    Advice,
    Advising,
    Leeway,
    advise,
    move_of,
    offer_return,
    spare,
    with_move,
)
from queue_server.twin.day import Day, DayCounter
from queue_server.twin.foretell import belief_of
from queue_server.twin.generate import generate
from queue_server.twin.history import as_history
from queue_server.twin.learn import Knowledge, learned
from queue_server.twin.moved import Living, Moved, replay_moved
from queue_server.twin.outlook import LaterWait, look_ahead, plan_of, planned
from queue_server.twin.replay import replay
from tests.test_outlook import RUSH, made_day, played

QUICK = Living(
    every=4.0, calm_every=8.0, tries_every=8.0, many=16, advising=Advising(screen=8, many=24)
)
BOTH = {1: ("S0", "S1"), 2: ("S1", "S0"), 3: ("S0", "S1")}


def advised(
    day: Day, now: float, skills: dict[int, tuple[str, ...]], **leeway: Any
) -> tuple[list[Advice], Any]:
    layout, run = played(day, now)
    hall, belief = layout.hall, belief_of(day, layout, Knowledge())
    may = np.array(hall.can) != 0
    for place, counter in enumerate(day.counters):
        for service in skills.get(counter.id, ()):
            may[place * hall.services + layout.services.index(service)] = True
    columns: Any = (hall, layout.line, run, 0, Weights(), now, belief)
    look = look_ahead(*columns)
    room = Leeway(may=may, last_closing=layout.last_closing, **leeway)
    return advise(*columns, look, room), (columns, look, room)


def with_reserve(day: Day) -> Day:
    return msgspec.structs.replace(day, counters=(*day.counters, DayCounter(id=3, serves=("S0",))))


def test_an_idle_neighbour_with_the_skill_is_asked_to_help() -> None:
    found, _ = advised(made_day(RUSH), 502.0, BOTH)
    help_ = found[0]
    assert (help_.kind, help_.counter, help_.service) == (MoveKind.HELP, 1, 0)
    assert help_.serves == (1, 0) and help_.cost_minutes == 0.0 and help_.t > 2
    assert help_.expected < help_.without - 1.5
    assert help_.until in {540.0, 570.0} and 15 <= help_.until - 502.0 <= 60


def test_without_the_skill_nobody_is_asked() -> None:
    assert advised(made_day(RUSH), 502.0, {})[0] == []


def test_where_nothing_threatens_nothing_is_advised() -> None:
    assert advised(made_day([(500.0, "S0")]), 502.0, BOTH)[0] == []


def test_a_neighbour_as_busy_as_the_breached_line_is_left_alone() -> None:
    both = [(500.0 + 0.1 * k, f"S{k % 2}") for k in range(24)]
    assert advised(made_day(both), 502.0, BOTH)[0] == []


def test_a_reserve_counter_opens_within_what_may_be_spent() -> None:
    day = with_reserve(made_day(RUSH))
    found, _ = advised(day, 502.0, {}, reserve=frozenset({2}), minutes=60.0)
    assert [(a.kind, a.counter) for a in found] == [(MoveKind.OPEN, 2)]
    assert found[0].cost_minutes == found[0].until - 502.0
    assert advised(day, 502.0, {}, reserve=frozenset({2}), minutes=20.0)[0] == []


def test_a_counter_that_rests_after_a_move_is_left_alone() -> None:
    assert advised(made_day(RUSH), 502.0, BOTH, resting=frozenset({1}))[0] == []


def test_a_break_in_the_rush_moves_and_costs_nothing() -> None:
    day = made_day(RUSH)
    counter = DayCounter(id=1, serves=("S0",), open=((480.0, 520.0), (550.0, 720.0)))
    day = msgspec.structs.replace(day, counters=(counter, day.counters[1]))
    found, (columns, _, _) = advised(day, 502.0, {})
    move = found[0]
    assert (move.kind, move.counter, move.cost_minutes) == (MoveKind.LATER_BREAK, 0, 0.0)
    moved = with_move(plan_of(columns[0], columns[2]), columns[0], move)
    mine = moved.edge_counter == 0
    assert list(zip(moved.edge_at[mine], moved.edge_opens[mine], strict=True)) == [
        (550.0, 0),
        (580.0, 1),
    ]


def test_an_idle_counter_may_close_while_all_is_calm() -> None:
    day = with_reserve(made_day([(500.0, "S0")]))
    day = msgspec.structs.replace(
        day, counters=(*day.counters[:2], DayCounter(id=3, serves=("S0",), open=((480.0, 720.0),)))
    )
    _, (columns, look, room) = advised(day, 512.0, {})
    closing = spare(*columns, look, room)
    assert closing is not None and closing.kind is MoveKind.CLOSE and closing.cost_minutes < 0


def test_waiting_visitors_are_offered_a_quieter_time_without_a_promise() -> None:
    _, (_, look, _) = advised(made_day(RUSH), 502.0, {})
    offer = offer_return(look, [LaterWait(0, 20, 5.0), LaterWait(1, 20, 0.0)])
    assert offer is not None and offer.kind is MoveKind.RETURN_LATER
    assert offer.without == offer.expected and offer.counter is None
    assert offer_return(look, [LaterWait(0, 20, 40.0)]) is None


def test_an_advice_becomes_the_servers_move() -> None:
    advice = advised(made_day(RUSH), 502.0, BOTH)[0][0]
    move = move_of(advice, "m1", 1_000, 0, [1, 2], ["S0", "S1"])
    assert (move.counter, move.service, set(move.serves)) == (2, "S0", {"S0", "S1"})
    assert move.until == advice.until * 60_000 and move.expected == round(advice.expected, 1)


def test_of_one_minute_a_closing_comes_before_an_opening() -> None:
    assert planned([(9.0, 0, 1), (9.0, 1, 0)], []).edge_opens.tolist() == [0, 1]


# --- a day with moves -----------------------------------------------------------------------------


def short_day(seed: int = 20) -> Day:
    """A generated morning whose counters serve two of their three skills, and a reserve."""
    day = generate("mixed", 0.9, seed)
    counters = tuple(
        DayCounter(id=c.id, serves=c.serves[:2], open=((480.0, 720.0),)) for c in day.counters
    )
    spare_one = DayCounter(id=13, serves=tuple(s.id for s in day.services))
    visitors = tuple(v for v in day.visitors if v.arrives < 690.0)
    return Day(day.services, (*counters, spare_one), visitors)


def skills_of(seed: int = 20) -> dict[int, tuple[str, ...]]:
    return {c.id: c.serves for c in generate("mixed", 0.9, seed).counters}


@cache
def taught() -> Knowledge:
    return learned([as_history(short_day(seed), replay(short_day(seed))) for seed in range(3)])


@cache
def lived(accept: bool) -> Moved:
    living = replace(QUICK, accept=accept, reserve_minutes=120.0)
    return replay_moved(short_day(), taught(), living=living, skills=skills_of())


def mean_wait(moved: Moved) -> float:
    waits = [c.wait for errands in moved.called for c in errands]
    return sum(waits) / len(waits)


def test_moves_gain_and_their_cost_is_told() -> None:
    without, moved = lived(False), lived(True)
    assert not without.moves and without.alarms
    kinds = {m.advice.kind for m in moved.moves}
    assert MoveKind.HELP in kinds and MoveKind.OPEN in kinds
    assert mean_wait(moved) < mean_wait(without)
    assert moved.paid_minutes - without.paid_minutes <= 120.0 + 30.0


def test_nobody_is_called_where_there_is_no_skill_and_each_move_is_undone() -> None:
    day, moved = short_day(), lived(True)
    may = {c.id: set(c.serves) | set(skills_of().get(c.id, ())) for c in day.counters}
    settled = {c.id: set(c.serves) for c in day.counters}
    for errands in moved.called:
        assert len(errands) == 1
        one = errands[0]
        assert one.service in may[one.counter]
        if one.service not in settled[one.counter]:
            assert any(_covers(m.advice, m.at, day, one.counter, one.called) for m in moved.moves)
        if one.counter == 13:
            assert any(_covers(m.advice, m.at, day, 13, one.called) for m in moved.moves)
    assert [set(s) for s in moved.serves_after] == [settled[c.id] for c in day.counters]


def _covers(advice: Advice, at: float, day: Day, counter: int, called: float) -> bool:
    place = [c.id for c in day.counters].index(counter)
    return advice.counter == place and at <= called <= advice.until


def test_a_counter_is_in_one_move_at_a_time_and_rests_after_it() -> None:
    last: dict[int, float] = {}
    for made in lived(True).moves:
        counter = made.advice.counter
        assert counter is not None and made.at >= last.get(counter, -math.inf) + QUICK.rest
        last[counter] = made.advice.until


@pytest.mark.parametrize("after", [540.0])
def test_what_comes_later_changes_no_earlier_alarm_or_move(after: float) -> None:
    day = short_day()
    called = {id(v): c[0].called for v, c in zip(day.visitors, lived(True).called, strict=True)}
    changed = tuple(
        msgspec.structs.replace(v, minutes=30.0 - min(v.minutes or 0.0, 25.0), shows=not v.shows)
        if called[id(v)] > after
        else v
        for v in day.visitors
        if v.arrives <= after or v.service != "S1"
    )
    living = replace(QUICK, reserve_minutes=120.0)
    other = replay_moved(
        Day(day.services, day.counters, changed), taught(), living=living, skills=skills_of()
    )
    assert _before(other, after) == _before(lived(True), after)
    assert _before(other, after)[1], "moves were made before that"


def _before(moved: Moved, after: float) -> tuple[Any, Any]:
    alarms = {(a.service, a.half_hour, a.raised) for a in moved.alarms if a.raised <= after}
    return alarms, [m for m in moved.moves if m.at <= after]
