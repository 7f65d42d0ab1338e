"""The look ahead of the live line: what it is asked of a state, and the moves that it answers."""

from __future__ import annotations

import datetime as dt
from itertools import count

import pytest

from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import decide
from queue_server.line.moves import Move, MoveKind
from queue_server.line.proposals import TWIN
from queue_server.line.setup import Counter, Hours, Officer, Rules, Service, Setup
from queue_server.line.state import apply
from queue_server.twin.ahead import Coming, answered, plan_with_moves, question
from queue_server.twin.learn import Came
from queue_server.twin.present import present
from queue_server.wire.words import MINUTE
from tests.line_room import START, Room, names

MANY = 24
AT = 40.0
"""Minutes after 7:30 at which the twin looks ahead: 8:10."""
DROWNED = 14
"""So many wait for `a` (8 minutes each, one counter) in a drowning hall."""


def hall(**rules: object) -> Room:
    """Counter 1 serves `a`; counter 2 serves `b`, but bea who sits there has both skills; 3 stays closed."""
    setup = Setup(
        centre="test",
        services=tuple(
            Service(id=s, letter=s.upper(), name=names(s), mean_minutes=8, cv=0.3) for s in "ab"
        ),
        counters=tuple(
            Counter(id=k, name=names(str(k)), serves=(s,))
            for k, s in ((1, "a"), (2, "b"), (3, "b"))
        ),
        officers=(
            Officer(account="ann", name="Ann", skills=("a",)),
            Officer(account="bea", name="Bea", skills=("a", "b")),
        ),
        hours=Hours(sessions=dict.fromkeys(("mon", "tue", "wed"), ((450, 690), (810, 1020)))),
        rules=Rules(**rules),  # type: ignore[arg-type]
    )
    room = Room(setup=setup)
    room.open(1, "ann")
    room.open(2, "bea")
    return room


def drowning(**rules: object) -> Room:
    room = hall(**rules)
    for _ in range(DROWNED):
        room.take("a", 30.0)
    room.call(1, 31.0, "ann")
    return room


NOBODY_COMES: tuple[tuple[Came, ...], ...] = ((),)
AS_THE_LAST_HOUR: tuple[tuple[Came, ...], ...] = ()


def looked(room: Room, at: float = AT, came: tuple[tuple[Came, ...], ...] = NOBODY_COMES) -> Coming:
    here = present(room.state, START + int(at * MINUTE), came=came)
    ids = count(1)
    return answered(question(room.state, here), lambda: f"m{next(ids)}", MANY, 1)


def propose(room: Room, move: Move, at: float = AT) -> None:
    now = START + int(at * MINUTE)
    actor = e.Actor(device=TWIN)
    for event in decide(room.state, o.ProposeMove(move=move), now, actor)[0]:
        apply(room.state, event, now, actor)


def help_for(moves: tuple[Move, ...], service: str) -> list[Move]:
    return [m for m in moves if (m.kind, m.service) == (MoveKind.HELP, service)]


def test_a_skilled_colleague_who_is_idle_is_asked_to_help_a_line_that_drowns() -> None:
    room = drowning()
    (move,) = help_for(looked(room).moves, "a")
    assert (move.counter, set(move.serves)) == (2, {"a", "b"})
    assert move.expected < move.without - 5
    propose(room, move)  # and the server takes it as it is
    assert move.id in room.state.moves


def test_who_drowns_is_foretold() -> None:
    chances = {(x.service, x.minutes_ahead): x.chance for x in looked(drowning()).outlook}
    assert chances["a", 30] > 0.8
    assert chances["b", 30] == 0.0


def test_a_calm_hall_has_no_moves() -> None:
    room = hall()
    room.take("a", 30.0)
    room.call(1, 31.0, "ann")
    assert looked(room).moves == ()


def test_where_moves_are_off_the_hour_is_foretold_and_none_is_proposed() -> None:
    told = looked(drowning(moves="off"))
    assert told.moves == () and told.outlook


@pytest.mark.parametrize("answer", [None, o.RefuseMove(move="m1"), o.AcceptMove(move="m1")])
def test_a_counter_in_a_move_or_at_rest_after_one_is_let_alone(answer: o.AnyOrder | None) -> None:
    room = drowning()
    (move,) = help_for(looked(room).moves, "a")
    propose(room, move)
    if answer is not None:
        room.do(answer, AT + 1, "lan")
    assert not help_for(looked(room, AT + 2).moves, "a")


def test_with_no_counter_open_nothing_is_said() -> None:
    room = Room(setup=hall().setup)
    assert looked(room) == Coming()


def test_half_hours_of_later_waits_are_told_in_the_centres_own_time() -> None:
    later = looked(drowning(), came=AS_THE_LAST_HOUR).later
    assert later
    begins = [dt.datetime.fromisoformat(x.half_hour) for x in later]
    assert all(b.minute in (0, 30) for b in begins)
    assert dt.datetime(2026, 11, 24, 8, 0) <= min(begins) <= dt.datetime(2026, 11, 24, 9, 0)
    assert max(begins) < dt.datetime(2026, 11, 24, 17, 0)


def test_help_that_is_under_way_is_known_to_end() -> None:
    room = drowning()
    (move,) = help_for(looked(room).moves, "a")
    propose(room, move)
    room.do(o.AcceptMove(move=move.id), AT + 1, "lan")
    here = present(room.state, START + int((AT + 2) * MINUTE), came=NOBODY_COMES)
    plan = plan_with_moves(room.state, here)
    assert here.hall.can[1 * 2 + 0] != 0
    assert list(plan.skill_cell) == [1 * 2 + 0] and list(plan.skill_value) == [0]
    assert plan.skill_at[0] == pytest.approx(450 + (move.until - START) / MINUTE)
