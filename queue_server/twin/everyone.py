"""When everyone who waits now is called, and when a newcomer would be: one set of futures for all, compiled.

A newcomer is a *ghost*: nobody sees her, so that she makes nobody wait; at each call of a future it is asked
whether that counter would have called her instead. Until then she has changed nothing, so the answer is that
of a future which she stands in.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..line import rule
from ..line.rule import NOBODY, ORDINARY, Line, Weights
from . import engine, futures
from .engine import Hall, Run
from .fast import compiled
from .futures import Belief, _begin, _newcomers, _put, _sorted_arrivals

HORIZON = 480.0
"""Futures end after so many minutes."""
TOO_LATE = math.inf


class Ghosts(NamedTuple):
    """Newcomers who come now, by row."""

    service: Any
    rank: Any
    expected: Any


@compiled
def calls_in(
    to: Any, hall: Hall, pace: Any, line: Line, run: Run, kind: int, weights: Weights, now: float,
    belief: Belief, later: Any, ready: Any, ghosts: Ghosts, number: int, many: int, calls: Any,
    ghost_calls: Any,
) -> None:  # fmt: skip
    """When (minutes after midnight) each is called in each of `many` futures; inf: not within the horizon.

    `calls[f]` holds those of `run.order`, then the rows `later`, who join at `ready` (booked visitors before
    their time); `ghost_calls[f]` the ghosts. Equal `number`s draw equal futures.
    """
    np.random.seed(number)
    days = len(belief.pool_from) - 1
    future_hall = Hall(
        hall.counters, hall.services, hall.can, hall.pace, pace, hall.believed, hall.prefers,
        hall.skills, hall.edge_at, hall.edge_counter, hall.edge_opens,
    )  # fmt: skip
    noted = np.empty(hall.counters, np.int64)
    waiting = run.count[0]
    for f in range(many):
        pace[:] = hall.pace[:]
        rows, _ = _begin(to, hall, line, run, now, belief, NOBODY)
        first = rows - waiting
        extra = len(later)
        for k in range(extra):
            _put(to, rows + k, line, later[k], belief.sigma[later[k]], belief)
            to.truth.ready[rows + k] = max(ready[k], now)
        if days > 0:
            extra += _newcomers(to, rows + extra, now, f % days, now + futures.AHEAD, belief)
        _sorted_arrivals(to, rows, extra)
        noted[:] = to.run.holds[:]
        ghost_calls[f, :] = TOO_LATE
        wanted = waiting + len(later)
        left = wanted + len(ghosts.service)
        engine.settle(future_hall, to.line, to.truth, to.run, kind, weights, now)
        at = now
        while at != math.inf:
            left -= _heard(to, future_hall, kind, weights, at, now, noted, first, wanted)
            left -= _would_be_called(
                to, future_hall, kind, weights, at, now, noted, ghosts, ghost_calls[f]
            )
            for counter in range(hall.counters):
                noted[counter] = to.run.holds[counter]
            if left <= 0:
                break
            at = engine.advance(
                future_hall, to.line, to.truth, to.arrivals[:extra], to.run, kind, weights,
                now + HORIZON,
            )  # fmt: skip
        for k in range(wanted):
            called = to.run.called[first + k]
            calls[f, k] = called if called >= 0.0 else TOO_LATE


@compiled
def _heard(
    to: Any, hall: Hall, kind: int, weights: Weights, at: float, now: float, noted: Any,
    first: int, wanted: int,
) -> int:  # fmt: skip
    """How many of those who wait now have just been called."""
    many = 0
    for counter in range(hall.counters):
        row = to.run.holds[counter]
        if row != NOBODY and row != noted[counter] and first <= row < first + wanted:
            many += 1
    return many


@compiled
def _would_be_called(
    to: Any, hall: Hall, kind: int, weights: Weights, at: float, now: float, noted: Any,
    ghosts: Ghosts, called: Any,
) -> int:  # fmt: skip
    """Which ghosts a counter would call now: one that stays idle, or in place of the one it has just called."""
    many = 0
    for counter in range(hall.counters):
        row = to.run.holds[counter]
        if not to.run.open[counter] or (row != NOBODY and row == noted[counter]):
            continue
        for ghost in range(len(ghosts.service)):
            cell = counter * hall.services + ghosts.service[ghost]
            if called[ghost] != TOO_LATE or hall.can[cell] == rule.CANNOT:
                continue
            if row == NOBODY or _goes_before(
                to, hall, kind, weights, at, now, counter, row, cell, ghosts.rank[ghost],
                ghosts.expected[ghost],
            ):  # fmt: skip
                called[ghost] = at
                many += 1
    return many


@compiled
def _goes_before(
    to: Any, hall: Hall, kind: int, weights: Weights, at: float, now: float, counter: int,
    row: int, cell: int, rank: int, expected: float,
) -> bool:  # fmt: skip
    """Whether the counter would have called somebody who came at `now` in place of `row`."""
    why = to.run.why[row]
    if why == rule.PASSED_OFTEN or why == rule.PASSED_BY_PRIORITY:
        return False
    older = to.line.place[row] > now
    if hall.prefers[counter]:
        if rank != to.line.rank[row]:
            return bool(rank < to.line.rank[row])
        if rank < ORDINARY:
            return bool(older)
    if why == rule.WAITED_LONG or kind != 0:
        return bool(older)
    if at - now >= weights.max_wait:
        return True
    mine = rule.claimed(at - now, expected, hall.pace[cell], weights)
    base = counter * hall.services
    theirs = rule.claimed(
        at - to.line.since[row] + to.line.credit[row], to.line.expected[row],
        hall.pace[base + to.line.service[row]], weights,
    )  # fmt: skip
    return bool(mine > theirs)
