"""Futures of a line, compiled: the rule that runs, over minutes and newcomers that are not known yet.

Each future draws what a visit may take (lognormal around what is expected of it), who will not show, and the
newcomers of one past day; then the engine plays on. Only calls and ends that have been are read of the day.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..line.rule import NOBODY, Line, Weights
from .engine import Hall, Run, Truth
from .fast import array, compiled, play
from .replay import fresh_run

FUTURES = 64
AHEAD = 300.0
"""Newcomers are drawn for so many minutes ahead."""
MOST_NEWCOMERS = 600
TRIES = 16
JITTER = 12.0
"""A past day's newcomer comes up to so many minutes earlier or later in a future."""


class Belief(NamedTuple):
    """What a future draws from. `pool_*`: past days' newcomers in order of time, day by day from `pool_from`."""

    sigma: Any
    """By row of the present day."""
    absent: float
    no_show_minutes: float
    pool_from: Any
    pool_at: Any
    pool_service: Any
    pool_rank: Any
    pool_expected: Any
    pool_sigma: Any


class Room(NamedTuple):
    """Arrays for one future, used again for the next."""

    line: Line
    truth: Truth
    run: Run
    arrivals: Any
    at: Any


def room(rows: int, counters: int, services: int) -> Room:
    """Room for the present rows, the tagged visitor and the newcomers of one future."""
    size = rows + counters + MOST_NEWCOMERS + 2
    whole, real = np.int64, np.float64
    return Room(
        line=Line(
            place=np.zeros(size, real),
            since=np.zeros(size, real),
            credit=np.zeros(size, real),
            service=np.zeros(size, whole),
            rank=np.zeros(size, whole),
            expected=np.zeros(size, real),
            passed=np.zeros(size, whole),
            passed_by_priority=np.zeros(size, whole),
        ),
        truth=Truth(
            ready=np.zeros(size, real),
            minutes=np.zeros(size, real),
            shows=np.zeros(size, np.bool_),
            mates_from=np.arange(size),
            mates=np.ones(size, whole),
            no_show_minutes=1.0,
        ),
        run=fresh_run(size, counters, services, array),
        arrivals=np.zeros(size, whole),
        at=np.zeros(size, real),
    )


@compiled
def _noise(sigma: float) -> float:
    return math.exp(np.random.normal(-0.5 * sigma * sigma, sigma))


@compiled
def _rest(mean: float, sigma: float, elapsed: float, belief: Belief) -> float:
    """What is left of a visit that has taken `elapsed` minutes."""
    if elapsed < belief.no_show_minutes and np.random.random() < belief.absent:
        return belief.no_show_minutes - elapsed
    for _ in range(TRIES):
        drawn = mean * _noise(sigma)
        if drawn > elapsed:
            return drawn - elapsed
    return np.random.exponential(0.5 * mean)


@compiled
def _put(to: Any, row: int, line: Line, source: int, sigma: float, belief: Belief) -> None:
    """One of the present rows into a future, with minutes drawn for her."""
    to.line.place[row] = line.place[source]
    to.line.since[row] = line.since[source]
    to.line.credit[row] = line.credit[source]
    to.line.service[row] = line.service[source]
    to.line.rank[row] = line.rank[source]
    to.line.expected[row] = line.expected[source]
    to.line.passed[row] = line.passed[source]
    to.line.passed_by_priority[row] = line.passed_by_priority[source]
    to.truth.minutes[row] = line.expected[source] * _noise(sigma)
    to.truth.shows[row] = np.random.random() >= belief.absent
    to.run.called[row] = -1.0


@compiled
def _newcomers(to: Any, row: int, now: float, day: int, until: float, belief: Belief) -> int:
    """The newcomers of one past day from now on, as rows from `row` on; gives how many."""
    many = 0
    first, last = belief.pool_from[day], belief.pool_from[day + 1]
    for k in range(first, last):
        at = belief.pool_at[k] + np.random.uniform(-JITTER, JITTER)
        if at <= now or at > until or many >= MOST_NEWCOMERS:
            continue
        r = row + many
        to.line.place[r] = at
        to.line.since[r] = at
        to.line.credit[r] = 0.0
        to.line.service[r] = belief.pool_service[k]
        to.line.rank[r] = belief.pool_rank[k]
        to.line.expected[r] = belief.pool_expected[k]
        to.line.passed[r] = 0
        to.line.passed_by_priority[r] = 0
        to.truth.ready[r] = at
        to.truth.minutes[r] = belief.pool_expected[k] * _noise(belief.pool_sigma[k])
        to.truth.shows[r] = np.random.random() >= belief.absent
        to.run.called[r] = -1.0
        many += 1
    return many


@compiled
def _sorted_arrivals(to: Any, first: int, many: int) -> None:
    for k in range(many):
        to.at[k] = to.truth.ready[first + k]
    order = np.argsort(to.at[:many])
    for k in range(many):
        to.arrivals[k] = first + order[k]


@compiled
def _begin(
    to: Any, hall: Hall, line: Line, run: Run, now: float, belief: Belief, tagged: int
) -> tuple[int, int]:
    """The present into `to`: who is at a counter, who waits. Gives (rows used, the tagged one's row)."""
    found, row = NOBODY, 0
    for counter in range(hall.counters):
        to.run.open[counter] = run.open[counter]
        to.run.idle_from[counter] = run.idle_from[counter]
        source = run.holds[counter]
        if source == NOBODY:
            to.run.holds[counter] = NOBODY
            to.run.free_at[counter] = np.inf
            continue
        _put(to, row, line, source, belief.sigma[source], belief)
        mean = line.expected[source] * hall.pace[counter * hall.services + line.service[source]]
        rest = _rest(mean, belief.sigma[source], now - run.called[source], belief)
        to.run.called[row] = run.called[source]
        to.truth.shows[row] = True
        to.run.holds[counter] = row
        to.run.free_at[counter] = now + rest
        row += 1
    for service in range(hall.services):
        to.run.in_line[service] = run.in_line[service]
    for k in range(run.count[0]):
        source = run.order[k]
        _put(to, row, line, source, belief.sigma[source], belief)
        to.run.order[k] = row
        if source == tagged:
            found = row
        row += 1
    to.run.count[0] = run.count[0]
    to.run.cursor[1] = run.cursor[1]
    to.run.cursor[0] = 0
    to.run.took[:] = run.took[:]
    to.run.foretold[:] = run.foretold[:]
    return row, found


@compiled
def called_in(
    to: Any, hall: Hall, pace: Any, line: Line, run: Run, kind: int, weights: Weights,
    now: float, tagged: int, ready: float, belief: Belief, many: int, waits: Any,
) -> None:  # fmt: skip
    """`waits[:many]`: when (minutes after midnight) the row `tagged` is called, in each of `many` futures.

    `ready` is when she may first be called, if that is still to come (a booked visitor who came early).
    """
    days = len(belief.pool_from) - 1
    future_hall = Hall(
        hall.counters, hall.services, hall.can, hall.pace, pace, hall.believed, hall.prefers,
        hall.skills, hall.edge_at, hall.edge_counter, hall.edge_opens,
    )  # fmt: skip
    for f in range(many):
        pace[:] = hall.pace[:]
        first, row = _begin(to, hall, line, run, now, belief, tagged)
        extra = 0
        if row == NOBODY:
            row = first
            _put(to, row, line, tagged, belief.sigma[tagged], belief)
            to.truth.ready[row] = max(ready, now)
            extra = 1
        if days > 0:
            extra += _newcomers(to, first + extra, now, f % days, now + AHEAD, belief)
        _sorted_arrivals(to, first, extra)
        play(
            future_hall, to.line, to.truth, to.arrivals[:extra], to.run, kind, weights,
            now + 720.0, row,
        )  # fmt: skip
        waits[f] = to.run.called[row] if to.run.called[row] >= 0.0 else now + 720.0


@compiled
def seed(number: int) -> None:
    """Seeds what the futures draw."""
    np.random.seed(number)


def quantiles(values: Any) -> tuple[float, float, float]:
    """10 %, 50 % and 90 %."""
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    return float(low), float(middle), float(high)
