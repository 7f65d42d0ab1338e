"""The coming hour of the live line: what the look ahead tells the server, and which moves it proposes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..desk.estimates import Later, Outlook
from ..line.moves import Move, MoveKind, MoveStatus
from ..line.rule import CANNOT
from ..line.state import State
from ..line.transactions import transactions
from ..wire.words import MINUTE, local
from .advice import Advising, Leeway, advise, move_of, offer_return
from .outlook import (
    HALF_HOUR,
    HORIZON,
    Been,
    LaterWait,
    Look,
    Plan,
    half_hour,
    later_waits,
    look_ahead,
    plan_of,
    planned,
)
from .present import Present

CLOSING_UNKNOWN = 240.0
"""Where no opening hours hold now, later waits are foretold for so many minutes."""
RESERVE_LEAST = 30.0


@dataclass(frozen=True)
class Coming:
    """What the server is told: the outlook, later waits, and moves to propose (most helpful first)."""

    outlook: tuple[Outlook, ...] = ()
    later: tuple[Later, ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is read of the state for one look, at one moment; `answered` needs the state no more."""

    here: Present
    been: Been
    plan: Plan
    leeway: Leeway
    target: float
    closing: float
    moves: bool
    offset_minutes: int
    any_open: bool


def question(state: State, here: Present) -> Question:
    rules = state.setup.rules
    closing = last_closing(state, here)
    return Question(
        here=here,
        been=been_by_service(state, here),
        plan=plan_with_moves(state, here),
        leeway=leeway_of(state, here, closing),
        target=rules.target_minutes,
        closing=closing,
        moves=rules.moves != "off",
        offset_minutes=rules.utc_offset_minutes,
        any_open=any(c.open for c in state.counters.values()),
    )


def answered(asked: Question, names: Callable[[], str], many: int, number: int) -> Coming:
    """Played in futures; `names` makes ids of moves. Nothing when no counter is open."""
    if not asked.any_open:
        return Coming()
    here, been, plan = asked.here, asked.been, asked.plan
    columns = (here.hall, here.line, here.run, here.kind, here.weights, here.now, here.belief)
    look = look_ahead(
        *columns,
        many=many,
        horizon=HORIZON,
        target=asked.target,
        plan=plan,
        been=been,
        number=number,
    )
    later = later_waits(*columns, until=asked.closing, plan=plan, number=number)
    moves: tuple[Move, ...] = ()
    if asked.moves:
        rules = Advising(many=many)
        found = advise(*columns, look, asked.leeway, rules, plan=plan, been=been, number=number)
        words = offer_return(look, later, rules) if not found else None
        midnight = here.at - round(here.now * MINUTE)
        moves = tuple(
            move_of(a, names(), here.at, midnight, here.counters, here.services)
            for a in [*found, *([words] if words else [])]
        )
    told = tuple(_later(later, here, asked.offset_minutes))
    return Coming(tuple(_outlook(look, here)), told, moves)


def plan_with_moves(state: State, here: Present) -> Plan:
    """What is settled for the coming hours: openings and closings, and the ends of help that is under way."""
    plan = plan_of(here.hall, here.run)
    places = {counter: place for place, counter in enumerate(here.counters)}
    cells = {s: k for k, s in enumerate(here.services)}
    ends = [
        (
            here.now + (now.move.until - here.at) / MINUTE,
            places[now.move.counter] * len(cells) + cells[now.move.service],
            CANNOT,
        )
        for now in state.moves.values()
        if now.status is MoveStatus.ACCEPTED and now.move.kind is MoveKind.HELP
        if not now.touched and now.move.service in cells and now.move.counter in places
    ]
    edges = zip(plan.edge_at, plan.edge_counter, plan.edge_opens, strict=True)
    return planned([(float(a), int(c), int(o)) for a, c, o in edges], ends)


def been_by_service(state: State, here: Present) -> Been:
    """Waits of those called in the half-hour of `here.now`, by service."""
    sums, counts = np.zeros(len(here.services)), np.zeros(len(here.services))
    begins = here.at - round((here.now - half_hour(here.now) * HALF_HOUR) * MINUTE)
    cells = {s: k for k, s in enumerate(here.services)}
    for call in transactions(state):
        if call.called_at >= begins and call.service in cells:
            sums[cells[call.service]] += call.wait / MINUTE
            counts[cells[call.service]] += 1.0
    return Been(sums, counts)


def last_closing(state: State, here: Present) -> float:
    """The minute at which today's last session ends, or a while from now."""
    rules, hours = state.setup.rules, state.setup.hours
    last = max((end for _, end in hours.today(here.at, rules.utc_offset_minutes)), default=0)
    return float(last) if last > here.now else here.now + CLOSING_UNKNOWN


def leeway_of(state: State, here: Present, closing: float) -> Leeway:
    """What a manager may change now: skills of who sits there, closed counters, none that rests."""
    cells = {s: k for k, s in enumerate(here.services)}
    may = np.zeros(len(here.hall.can), dtype=np.int64)
    for place, counter in enumerate(here.counters):
        for service in _skills(state, counter):
            if service in cells and service not in state.suspended:
                may[place * len(here.services) + cells[service]] = 1
    reserve = frozenset(
        place
        for place, counter in enumerate(here.counters)
        if not state.counters[counter].open and here.now + RESERVE_LEAST < closing
    )
    return Leeway(
        may=may, reserve=reserve, resting=frozenset(_resting(state, here)), last_closing=closing
    )


def _skills(state: State, counter_id: int) -> set[str]:
    now, settled = state.counters[counter_id], state.setup.counter(counter_id)
    officer = state.setup.officer(now.officer) if now.officer else None
    if officer is not None:
        return set(officer.skills)
    return set(settled.serves) if settled else set()


def _resting(state: State, here: Present) -> Iterator[int]:
    """Counters in a move, proposed or under way, or resting after one."""
    rest = state.setup.rules.move_rest_minutes * MINUTE
    places = {counter: place for place, counter in enumerate(here.counters)}
    for now in state.moves.values():
        if now.move.counter not in places:
            continue
        standing = now.status in (MoveStatus.PROPOSED, MoveStatus.ACCEPTED)
        if standing or (now.rests_since and here.at - now.rests_since < rest):
            yield places[now.move.counter]


def _outlook(look: Look, here: Present) -> Iterator[Outlook]:
    for ahead in look.ahead:
        yield Outlook(
            service=here.services[ahead.service],
            minutes_ahead=ahead.minutes_ahead,
            wait=round(ahead.wait or 0.0, 1),
            chance=round(ahead.chance, 2),
        )


def _later(found: list[LaterWait], here: Present, offset_minutes: int) -> Iterator[Later]:
    today = local(here.at, offset_minutes).replace(hour=0, minute=0, second=0, microsecond=0)
    for wait in found:
        begins = today + dt.timedelta(minutes=wait.half_hour * HALF_HOUR)
        yield Later(
            half_hour=begins.isoformat(timespec="minutes"),
            service=here.services[wait.service],
            minutes=round(wait.minutes, 1),
        )
