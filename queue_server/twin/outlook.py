"""A look ahead from the present: waits and breaches by service and half-hour, from futures of the line.

A *breach* is a service's half-hour whose mean wait passes the target, waits counted in the half-hour in which
the visitor is called. Nothing of the day is read but what the centre knows at `now`: who waits, who is at a
counter since when, who was called; newcomers come from past days. Equal `number`s draw equal futures, so that
two plans of the same moment can be compared future by future.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..line.rule import NOBODY, Line, Weights
from . import engine, futures
from .engine import Hall, Run
from .fast import compiled
from .futures import Belief, Room, _begin, _newcomers, _sorted_arrivals

TARGET = 15.0
HALF_HOUR = 30.0
HORIZON = 60.0
MOMENTS = (15.0, 30.0, 60.0)
"""Minutes ahead that are told."""
AROUND = 7.5
"""Called *around* a moment: so many minutes before or after it."""
MANY = 40
LATER_MANY = 16


class Plan(NamedTuple):
    """What changes from now on as far as is settled, each in order of time: counters that open (1) and close
    (0), and cells (`counter * services + service`) that become what `skill_value` says (CANNOT, HOME, HELPS).
    """

    edge_at: Any
    edge_counter: Any
    edge_opens: Any
    skill_at: Any
    skill_cell: Any
    skill_value: Any


class Tally(NamedTuple):
    """What the futures came to, by future and service (and half-hour, or moment).

    `waited`: minutes waited in all by the `people` who wait now or come within the horizon, each until she is
    called or the futures end; so two plans share their denominators.
    """

    sums: Any
    counts: Any
    near_sums: Any
    near_counts: Any
    waited: Any
    people: Any


class Been(NamedTuple):
    """Waits (minutes, summed) and number of those called so far in this half-hour, by service."""

    sums: Any
    counts: Any


@dataclass(frozen=True)
class Ahead:
    """One service so many minutes from now. `wait`: mean of those called around then, None: nobody.
    `chance` (0–1): that the half-hour which holds that moment becomes a breach."""

    service: int
    minutes_ahead: int
    wait: float | None
    chance: float


@dataclass(frozen=True)
class Look:
    """One look. Half-hours are numbered from midnight (9:30 is 19); columns begin with the one of `now`."""

    now: float
    first: int
    ahead: tuple[Ahead, ...]
    wait: Any
    """Service × half-hour: mean wait of those called in it; NaN: nobody."""
    chance: Any
    """Service × half-hour: share of futures in which it is a breach."""
    tally: Tally

    def breaches(self, threshold: float) -> list[tuple[int, int, float]]:
        """(service, half-hour, chance) at or over the threshold, likeliest first."""
        found = [
            (int(s), self.first + int(h), float(self.chance[s, h]))
            for s, h in np.argwhere(self.chance >= threshold)
        ]
        return sorted(found, key=lambda b: -b[2])


@dataclass(frozen=True)
class LaterWait:
    """The mean wait foretold for who comes for `service` in this half-hour of today."""

    service: int
    half_hour: int
    minutes: float


def plan_of(hall: Hall, run: Run) -> Plan:
    """The openings and closings still to come of a played day; no skill changes."""
    first = int(run.cursor[1])
    return planned(
        [
            (float(hall.edge_at[k]), int(hall.edge_counter[k]), int(hall.edge_opens[k]))
            for k in range(first, len(hall.edge_at))
        ],
        [],
    )


def planned(edges: list[tuple[float, int, int]], skills: list[tuple[float, int, int]]) -> Plan:
    """A plan from (at, counter, opens) and (at, cell, value). Of one minute a closing comes first."""
    edges = sorted(edges, key=lambda e: (e[0], e[2]))
    skills = sorted(skills, key=lambda s: s[0])
    return Plan(
        edge_at=np.array([e[0] for e in edges], dtype=np.float64),
        edge_counter=np.array([e[1] for e in edges], dtype=np.int64),
        edge_opens=np.array([e[2] for e in edges], dtype=np.int64),
        skill_at=np.array([s[0] for s in skills], dtype=np.float64),
        skill_cell=np.array([s[1] for s in skills], dtype=np.int64),
        skill_value=np.array([s[2] for s in skills], dtype=np.int64),
    )


def been_so_far(line: Line, run: Run, services: int, now: float) -> Been:
    """Of a played day's rows: those called in the half-hour of `now`."""
    begins = half_hour(now) * HALF_HOUR
    here = (run.called >= begins) & (run.called <= now)
    waits = np.maximum(run.called[here] - line.since[here], 0.0)
    service = line.service[here]
    return Been(
        np.bincount(service, weights=waits, minlength=services).astype(np.float64),
        np.bincount(service, minlength=services).astype(np.float64),
    )


def half_hour(at: float) -> int:
    return math.floor(at / HALF_HOUR)


def look_ahead(
    hall: Hall, line: Line, run: Run, kind: int, weights: Weights, now: float, belief: Belief,
    many: int = MANY, horizon: float = HORIZON, *, target: float = TARGET, plan: Plan | None = None,
    been: Been | None = None, room: Room | None = None, number: int = 1,
) -> Look:  # fmt: skip
    """What the next `horizon` minutes bring, from `many` futures (numbered from `number`) of the present.

    `plan` stands in place of the hall's own coming edges; `been`: who was called in this half-hour already
    (read from `run` if not given). Columns must be arrays (`fast.array`).
    """
    plan = plan or plan_of(hall, run)
    been = been or been_so_far(line, run, hall.services, now)
    room = room or futures.room(len(line.since), hall.counters, hall.services)
    first = half_hour(now)
    slots = half_hour(now + horizon) - first + 1
    shape = (many, hall.services)
    tally = Tally(
        *(np.zeros((*shape, slots)) for _ in range(2)),
        *(np.zeros((*shape, len(MOMENTS))) for _ in range(2)),
        *(np.zeros(shape) for _ in range(2)),
    )
    tally.sums[:, :, 0] += been.sums
    tally.counts[:, :, 0] += been.counts
    _look(
        room, hall, plan, hall.pace.copy(), hall.can.copy(), hall.skills.copy(), line, run, kind,
        weights, now, belief, many, number, horizon, first * HALF_HOUR, tally,
    )  # fmt: skip
    wait, chance = _summed(tally, target)
    return Look(now, first, tuple(_told(tally, chance, now, first, horizon)), wait, chance, tally)


def _summed(tally: Tally, target: float) -> tuple[Any, Any]:
    counts = tally.counts.sum(axis=0)
    wait = np.where(counts > 0, tally.sums.sum(axis=0) / np.maximum(counts, 1.0), np.nan)
    over = tally.sums > target * tally.counts
    return wait, over.mean(axis=0)


def _told(tally: Tally, chance: Any, now: float, first: int, horizon: float) -> list[Ahead]:
    found = []
    for m, minutes in enumerate(MOMENTS):
        if minutes > horizon:
            continue
        slot = half_hour(now + minutes) - first
        for service in range(chance.shape[0]):
            count = tally.near_counts[:, service, m].sum()
            wait = float(tally.near_sums[:, service, m].sum() / count) if count else None
            found.append(Ahead(service, int(minutes), wait, float(chance[service, slot])))
    return found


def later_waits(
    hall: Hall, line: Line, run: Run, kind: int, weights: Weights, now: float, belief: Belief,
    until: float, many: int = LATER_MANY, *, plan: Plan | None = None, room: Room | None = None,
    number: int = 1,
) -> list[LaterWait]:  # fmt: skip
    """The wait of who comes later today, by half-hour and service, up to `until` (the last closing).

    A half-hour that has begun counts from now on; a service for which nobody came then in any future is
    left out, and so are half-hours that lie beyond the newcomers which one future has room for.
    """
    plan = plan or plan_of(hall, run)
    room = room or futures.room(len(line.since), hall.counters, hall.services)
    first = half_hour(now)
    slots = max(half_hour(max(until, now) - 1e-6) - first + 1, 1)
    sums, counts = (np.zeros((hall.services, slots)) for _ in range(2))
    reached = _later(
        room, hall, plan, hall.pace.copy(), hall.can.copy(), hall.skills.copy(), line, run, kind,
        weights, now, belief, many, number, until, first * HALF_HOUR, sums, counts,
    )  # fmt: skip
    last = slots if reached >= until else max(half_hour(reached) - first, 1)
    return [
        LaterWait(service, first + h, float(sums[service, h] / counts[service, h]))
        for h in range(last)
        for service in range(hall.services)
        if counts[service, h]
    ]


@compiled
def _play_one(
    to: Any, hall: Hall, plan: Plan, pace: Any, can: Any, skills: Any, line: Line, run: Run,
    kind: int, weights: Weights, now: float, belief: Belief, number: int, come_until: float,
    until: float,
) -> tuple[int, int]:  # fmt: skip
    """One future into `to`, played until `until`; gives (rows, newcomers: the last rows).

    Visits take what counters are believed to need: their true paces are the world's.
    """
    np.random.seed(number)
    pace[:] = hall.pace[:]
    can[:] = hall.can[:]
    skills[:] = hall.skills[:]
    here = Hall(
        hall.counters, hall.services, can, hall.pace, pace, hall.believed, hall.prefers, skills,
        plan.edge_at, plan.edge_counter, plan.edge_opens,
    )  # fmt: skip
    first, _ = _begin(to, hall, line, run, now, belief, NOBODY)
    to.run.cursor[1] = 0
    extra, days = 0, len(belief.pool_from) - 1
    if days > 0:
        extra = _newcomers(to, first, now, number % days, come_until, belief)
    _sorted_arrivals(to, first, extra)
    arrivals = to.arrivals[:extra]
    k = 0
    while k < len(plan.skill_at) and plan.skill_at[k] < until:
        at = max(plan.skill_at[k], now)
        engine.play(here, to.line, to.truth, arrivals, to.run, kind, weights, at, NOBODY)
        while k < len(plan.skill_at) and plan.skill_at[k] <= at:
            change_skill(here, plan.skill_cell[k], plan.skill_value[k])
            k += 1
        engine.settle(here, to.line, to.truth, to.run, kind, weights, at)
    engine.play(here, to.line, to.truth, arrivals, to.run, kind, weights, until, NOBODY)
    return first + extra, extra


@compiled
def change_skill(hall: Hall, cell: int, value: int) -> None:
    """A counter may serve a service from now on (HOME, HELPS), or may not (CANNOT)."""
    counter = cell // hall.services
    hall.skills[counter] += (1 if value > 0 else 0) - (1 if hall.can[cell] > 0 else 0)
    hall.can[cell] = value


@compiled
def _look(
    to: Any, hall: Hall, plan: Plan, pace: Any, can: Any, skills: Any, line: Line, run: Run,
    kind: int, weights: Weights, now: float, belief: Belief, many: int, number: int,
    horizon: float, begins: float, tally: Tally,
) -> None:  # fmt: skip
    until = now + horizon + HALF_HOUR
    at_counters = 0
    for counter in range(hall.counters):
        if run.holds[counter] != NOBODY:
            at_counters += 1
    for f in range(many):
        rows, _ = _play_one(
            to, hall, plan, pace, can, skills, line, run, kind, weights, now, belief, number + f,
            until, until,
        )  # fmt: skip
        for row in range(at_counters, rows):
            _count(to, row, f, now, horizon, until, begins, tally)


@compiled
def _count(
    to: Any, row: int, f: int, now: float, horizon: float, until: float, begins: float, tally: Tally
) -> None:
    service, since, called = to.line.service[row], to.line.since[row], to.run.called[row]
    if since <= now + horizon:
        end = called if called >= 0.0 else until
        tally.waited[f, service] += max(end - since, 0.0)
        tally.people[f, service] += 1.0
    if called < 0.0:
        return
    wait = max(called - since, 0.0)
    slot = int((called - begins) // HALF_HOUR)
    if slot < tally.sums.shape[2]:
        tally.sums[f, service, slot] += wait
        tally.counts[f, service, slot] += 1.0
    for m in range(len(MOMENTS)):
        if abs(called - now - MOMENTS[m]) <= AROUND:
            tally.near_sums[f, service, m] += wait
            tally.near_counts[f, service, m] += 1.0


@compiled
def _later(
    to: Any, hall: Hall, plan: Plan, pace: Any, can: Any, skills: Any, line: Line, run: Run,
    kind: int, weights: Weights, now: float, belief: Belief, many: int, number: int, until: float,
    begins: float, sums: Any, counts: Any,
) -> float:  # fmt: skip
    """Waits of newcomers by half-hour of coming; gives until when no future lacked newcomers."""
    reached = until
    for f in range(many):
        rows, extra = _play_one(
            to, hall, plan, pace, can, skills, line, run, kind, weights, now, belief, number + f,
            until, until + 600.0,
        )  # fmt: skip
        if extra >= futures.MOST_NEWCOMERS:
            reached = min(reached, to.truth.ready[to.arrivals[extra - 1]])
        for row in range(rows - extra, rows):
            slot = int((to.line.since[row] - begins) // HALF_HOUR)
            if to.run.called[row] >= 0.0 and slot < sums.shape[1]:
                sums[to.line.service[row], slot] += to.run.called[row] - to.line.since[row]
                counts[to.line.service[row], slot] += 1.0
    return reached
