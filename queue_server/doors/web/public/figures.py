"""The public figures of a day, from the state alone: counts and means, nothing that leads to a person."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ....desk import public
from ....desk.estimates import Estimates
from ....line.scores import Score, together
from ....line.state import State, Ticket
from ....store.satisfaction import Group
from ....wire import messages as m
from ....wire.words import AT_COUNTER, MINUTE, Estimate, Names
from .calls import NEVER_CALLED

FEWEST_VISITS = 5
"""Below this a mean would be somebody's own wait."""

FEWEST_ANSWERS = 30


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """Waits of today, per visit, from taking a number to being called. None: too few visits."""

    n: int
    mean_minutes: float | None
    share_over_target: float | None


class Satisfaction(msgspec.Struct, frozen=True, kw_only=True):
    """Share (0–1) of the two best of five levels among `n` answers. None: fewer than 30 answers."""

    n: int
    share: float | None


class Foretold(msgspec.Struct, frozen=True, kw_only=True):
    """How well waits were foretold: told at issue against waited. None: fewer than 30 visitors.

    `mean_error_minutes`: mean of |told − waited|; `bias_minutes`: mean of told − waited;
    `share_inside`: share (0–1) whose wait was within the range that they were told.
    """

    n: int
    mean_error_minutes: float | None = None
    bias_minutes: float | None = None
    share_inside: float | None = None
    day: str = ""


class ServiceFigures(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: Names
    state: str
    waiting: int
    estimate: Estimate | None
    waits: Waits
    foretold: Foretold
    quieter: m.Quieter | None = None
    """When the line is long: the next half-hour of today in which the wait is half as long.

    `starts`: what an ask for a number names as `booked`.
    """


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
    foretold: Foretold
    foretold_before: Foretold | None
    """The same of the last day that ended."""
    services: list[ServiceFigures]
    take: str = ""
    """Where a number is to be had by phone, also one for a quieter time; empty: nowhere."""


def figures(
    state: State, estimates: Estimates, satisfaction: Satisfaction, at: int, take: str = ""
) -> Figures:
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
        foretold=foretold(together(state.scores.values()), line.day),
        foretold_before=_before(state),
        services=[
            ServiceFigures(
                id=s.id,
                name=names[s.id],
                state=s.state,
                waiting=s.waiting,
                estimate=s.estimate,
                waits=waits([t for t in called if t.service == s.id], target, at),
                foretold=foretold(state.scores.get(s.id, Score()), line.day),
                quieter=s.quieter,
            )
            for s in line.services
        ],
        take=take,
    )


def waits(called: Iterable[Ticket], target_minutes: float, at: int) -> Waits:
    minutes = [_wait(t, at) / MINUTE for t in called]
    n = len(minutes)
    if n < FEWEST_VISITS:
        return Waits(n=n, mean_minutes=None, share_over_target=None)
    over = sum(m > target_minutes for m in minutes)
    return Waits(n=n, mean_minutes=round(sum(minutes) / n, 1), share_over_target=round(over / n, 3))


def foretold(score: Score, day: str) -> Foretold:
    if not score.enough:
        return Foretold(n=score.count, day=day)
    return Foretold(
        n=score.count,
        mean_error_minutes=round(score.mean_error, 1),
        bias_minutes=round(score.mean_bias, 1),
        share_inside=round(score.share_inside, 3),
        day=day,
    )


def _before(state: State) -> Foretold | None:
    before = state.scores_before
    return foretold(together(before.services.values()), before.day) if before.day else None


def satisfied(groups: Iterable[Group]) -> Satisfaction:
    """Over groups that are whole fives already."""
    known = list(groups)
    n = sum(group.answers for group in known)
    if n < FEWEST_ANSWERS:
        return Satisfaction(n=n, share=None)
    return Satisfaction(n=n, share=round(sum(group.satisfied for group in known) / n, 3))


def _was_called(ticket: Ticket) -> bool:
    if ticket.reason is not None and ticket.reason.code == NEVER_CALLED:
        return False
    return bool(ticket.waits) or ticket.status in AT_COUNTER


def _wait(ticket: Ticket, at: int) -> int:
    """The visit's wait so far: the sum over its transactions, the present one if she is at a counter."""
    now = ticket.wait(at) if ticket.status in AT_COUNTER else 0
    return sum(ticket.waits) + now
