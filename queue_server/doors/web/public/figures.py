"""The public figures of a day, from the state alone: counts and means, nothing that leads to a person."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ....desk import public
from ....desk.estimates import Estimates
from ....line.state import State, Ticket
from ....wire.words import AT_COUNTER, MINUTE, Estimate, Names
from .calls import NEVER_CALLED

FEWEST_VISITS = 5
"""Below this a mean would be somebody's own wait."""

FEWEST_ANSWERS = 30
STEP = 5
"""Satisfaction is counted over whole fives of answers, so that no single one shows."""

SATISFIED = 4


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """Waits of today, per visit, from taking a number to being called. None: too few visits."""

    n: int
    mean_minutes: float | None
    share_over_target: float | None


class Satisfaction(msgspec.Struct, frozen=True, kw_only=True):
    """Share (0–1) of the two best of five levels among `n` answers. None: fewer than 30 answers."""

    n: int
    share: float | None


class ServiceFigures(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: Names
    state: str
    waiting: int
    estimate: Estimate | None
    waits: Waits


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`at` ms UTC; `target_minutes` is the limit that `share_over_target` counts against."""

    at: int
    centre: Names
    day: str
    state: str
    waiting: int
    counters_open: int
    counters_paused: int
    counters: int
    target_minutes: float
    waits: Waits
    satisfaction: Satisfaction
    services: list[ServiceFigures]


def figures(state: State, estimates: Estimates, satisfaction: Satisfaction, at: int) -> Figures:
    line = public.line_state(state, estimates, at)
    target = state.setup.rules.target_minutes
    called = [t for t in state.tickets.values() if _was_called(t)]
    names = {s.id: s.name for s in state.setup.services}
    counters = [state.counters[c.id] for c in state.setup.counters]
    return Figures(
        at=at,
        centre=state.setup.name,
        day=line.day,
        state=line.state,
        waiting=sum(s.waiting for s in line.services),
        counters_open=sum(c.open for c in counters),
        counters_paused=sum(c.open and c.paused is not None for c in counters),
        counters=len(counters),
        target_minutes=target,
        waits=waits(called, target, at),
        satisfaction=satisfaction,
        services=[
            ServiceFigures(
                id=s.id,
                name=names[s.id],
                state=s.state,
                waiting=s.waiting,
                estimate=s.estimate,
                waits=waits([t for t in called if t.service == s.id], target, at),
            )
            for s in line.services
        ],
    )


def waits(called: Iterable[Ticket], target_minutes: float, at: int) -> Waits:
    minutes = [_wait(t, at) / MINUTE for t in called]
    n = len(minutes)
    if n < FEWEST_VISITS:
        return Waits(n=n, mean_minutes=None, share_over_target=None)
    over = sum(m > target_minutes for m in minutes)
    return Waits(n=n, mean_minutes=round(sum(minutes) / n, 1), share_over_target=round(over / n, 3))


def satisfied(scores: list[int]) -> Satisfaction:
    """Over the oldest whole fives of `scores`."""
    counted = scores[: len(scores) // STEP * STEP]
    n = len(counted)
    if n < FEWEST_ANSWERS:
        return Satisfaction(n=n, share=None)
    return Satisfaction(n=n, share=round(sum(s >= SATISFIED for s in counted) / n, 3))


def _was_called(ticket: Ticket) -> bool:
    if ticket.reason is not None and ticket.reason.code == NEVER_CALLED:
        return False
    return bool(ticket.waits) or ticket.status in AT_COUNTER


def _wait(ticket: Ticket, at: int) -> int:
    """The visit's wait so far: the sum over its transactions, the present one if she is at a counter."""
    now = ticket.wait(at) if ticket.status in AT_COUNTER else 0
    return sum(ticket.waits) + now
