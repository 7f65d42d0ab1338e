"""A day file laid out for the engine, played under a rule, and read back: one outcome a visitor."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..line.events import Reason
from ..line.reasons import Beside, beside, why_in_words
from ..line.rule import (
    BALANCED,
    CANNOT,
    HELPS,
    HOME,
    NOBODY,
    ORDINARY,
    SIMPLE,
    Line,
    Weights,
)
from . import baselines
from .day import Day
from .engine import Hall, Run, Truth, call, happen, play
from .learn import Knowledge

Array = Callable[[Sequence[Any]], Any]
LATE_GRACE = 15.0
"""A booked visitor who comes so many minutes late keeps the place of her time; later, of her coming."""
BOOKED_CREDIT = 8.0
"""A booked visitor counts as having waited so many minutes more, so that her time is nearly kept."""
START = Knowledge()


@dataclass
class Layout:
    """A day as columns. Rows `0…visitors-1` are the visits' first errands, further errands follow."""

    hall: Hall
    line: Line
    truth: Truth
    arrivals: Any
    visitor: list[int]
    services: list[str]
    last_closing: float
    rows: int


def laid_out(
    day: Day, policy: str = "balanced", knowledge: Knowledge = START, array: Array = list
) -> Layout:
    """The day's columns; `array` makes them lists (plain Python) or arrays (`fast.py`)."""
    names = {s.id: k for k, s in enumerate(day.services)}
    means = [s.mean_minutes for s in day.services]
    rows = [(v, visitor.service) for v, visitor in enumerate(day.visitors)]
    mates = [1 + len(v.then) for v in day.visitors]
    mates_from = list(range(len(rows)))
    rows, mates_from, mates = _with_errands(day, rows, mates_from, mates)
    since, place, ready = [], [], []
    minutes, shows, expected, credit, rank = [], [], [], [], []
    for v, service in rows:
        visitor = day.visitors[v]
        start = max(visitor.arrives, visitor.booked or 0.0)
        kept = visitor.booked is not None and visitor.arrives <= visitor.booked + LATE_GRACE
        since.append(start)
        place.append(visitor.booked if kept else start)
        ready.append(start)
        share = means[names[service]] / means[names[visitor.service]]
        minutes.append((visitor.minutes or 0.0) * share)
        shows.append(visitor.shows)
        expected.append(knowledge.minutes_of(day, v, service))
        credit.append(BOOKED_CREDIT if kept else 0.0)
        rank.append(ranked(bool(visitor.priority)))
    hall, last_closing = _hall(day, names, policy, knowledge, array)
    arrivals = sorted(range(len(day.visitors)), key=lambda r: (ready[r], r))
    line = Line(
        place=array(place),
        since=array(since),
        credit=array(credit),
        service=array([names[s] for _, s in rows]),
        rank=array(rank),
        expected=array(expected),
        passed=array([0] * len(rows)),
        passed_by_priority=array([0] * len(rows)),
    )
    truth = Truth(
        ready=array(ready),
        minutes=array(minutes),
        shows=array(shows),
        mates_from=array(mates_from),
        mates=array(mates),
        no_show_minutes=float(day.no_show_minutes),
    )
    return Layout(
        hall=hall,
        line=line,
        truth=truth,
        arrivals=array(arrivals),
        visitor=[v for v, _ in rows],
        services=[s.id for s in day.services],
        last_closing=last_closing,
        rows=len(rows),
    )


def ranked(priority: bool) -> int:
    """A day file names no order of groups: one rank for all priority visitors."""
    return 0 if priority else ORDINARY


def _with_errands(
    day: Day, rows: list[tuple[int, str]], mates_from: list[int], mates: list[int]
) -> tuple[list[tuple[int, str]], list[int], list[int]]:
    """Visits of several errands, each a block of rows behind the first errands' rows.

    The block repeats the first errand, so that a visit's rows stand together; the visit's own row only
    stands for its coming (`join` chooses among the block).
    """
    for v, visitor in enumerate(day.visitors):
        if visitor.then:
            mates_from[v] = len(rows)
            block = [(v, s) for s in (visitor.service, *visitor.then)]
            mates_from += [len(rows)] * len(block)
            mates += [len(block)] * len(block)
            rows += block
    return rows, mates_from, mates


def _hall(
    day: Day, names: dict[str, int], policy: str, knowledge: Knowledge, array: Array
) -> tuple[Hall, float]:
    count = len(names)
    can, takes, pace = [], [], []
    for place, counter in enumerate(day.counters):
        skills, factors, paces = [CANNOT] * count, [1.0] * count, [1.0] * count
        for rank, service in enumerate(counter.serves):
            cell = names[service]
            skills[cell] = HOME if rank == 0 else HELPS
            factors[cell] = 1.0 / counter.speed.get(service, 1.0)
            paces[cell] = knowledge.pace_of(day, place, service)
        can += skills
        takes += factors
        pace += paces
    _narrow(day, policy, can, count)
    last = max((end for c in day.counters for _, end in c.open), default=0.0)
    edges = []
    for place, counter in enumerate(day.counters):
        for begin, end in counter.open:
            edges.append((begin, 1, place))
            if end < last:
                edges.append((end, 0, place))
    # A closing comes before an opening of the same minute, so that spans that touch stay open.
    edges.sort(key=lambda edge: (edge[0], edge[1]))
    width = range(count)
    hall = Hall(
        counters=len(day.counters),
        services=count,
        can=array(can),
        takes=array(takes),
        pace=array(list(pace)),
        believed=array(pace),
        prefers=array([True] * len(day.counters)),
        skills=array(
            [sum(can[k * count + s] > 0 for s in width) for k in range(len(day.counters))]
        ),
        edge_at=array([float(edge[0]) for edge in edges]),
        edge_counter=array([edge[2] for edge in edges]),
        edge_opens=array([edge[1] for edge in edges]),
    )
    return hall, last


def _narrow(day: Day, policy: str, can: list[int], services: int) -> None:
    """Baselines in which a counter serves only its home service, or only its group's."""
    if policy in baselines.ONLY_HOME:
        homes = {day.counters[k].serves[0] for k in range(len(day.counters))}
        names = {s.id: n for n, s in enumerate(day.services)}
        kept = {names[h] for h in homes}
        for cell, skill in enumerate(can):
            if skill == HELPS and cell % services in kept:
                can[cell] = CANNOT
    elif policy == "groups":
        _three_groups(day, can, services)


def _three_groups(day: Day, can: list[int], services: int) -> None:
    """Services in three groups of like work, dealt out in turn; a counter serves its home's group."""
    order = sorted(range(services), key=lambda s: -day.services[s].mean_minutes)
    group = {s: k % 3 for k, s in enumerate(order)}
    names = {s.id: n for n, s in enumerate(day.services)}
    served = set()
    for k, counter in enumerate(day.counters):
        mine = group[names[counter.serves[0]]]
        served |= {s for s in range(services) if can[k * services + s] and group[s] == mine}
    for k, counter in enumerate(day.counters):
        mine = group[names[counter.serves[0]]]
        for s in range(services):
            if can[k * services + s] == HELPS and group[s] != mine and s in served:
                can[k * services + s] = CANNOT


def fresh_run(rows: int, counters: int, services: int, array: Array = list) -> Run:
    """Nobody called, all counters closed."""
    cells = counters * services
    return Run(
        cursor=array([0, 0]),
        called=array([-1.0] * rows),
        counter=array([NOBODY] * rows),
        finished=array([-1.0] * rows),
        why=array([0] * rows),
        order=array([0] * (rows + 1)),
        count=array([0]),
        in_line=array([0] * services),
        open=array([0] * counters),
        holds=array([NOBODY] * counters),
        free_at=array([math.inf] * counters),
        idle_from=array([0.0] * counters),
        took=array([0.0] * cells),
        foretold=array([0.0] * cells),
        memory=array([0.0] * (baselines.BOUND_FROM + rows)),
    )


@dataclass(frozen=True)
class Called:
    """One transaction: when and where she was called, until when, how often she was passed, and why."""

    service: str
    called: float
    counter: int
    finished: float
    wait: float
    passed: int
    passed_by_priority: int
    why: int
    reason: Reason | None = field(default=None, compare=False)


def replay(
    day: Day, policy: str = "balanced", weights: Weights = Weights(), knowledge: Knowledge = START
) -> list[list[Called]]:
    """Each visitor's transactions in the order in which they were called (none: she never was)."""
    layout = laid_out(day, policy, knowledge)
    run = fresh_run(layout.rows, layout.hall.counters, layout.hall.services)
    play(
        layout.hall, layout.line, layout.truth, layout.arrivals, run, baselines.KINDS[policy],
        weights, math.inf, NOBODY,
    )  # fmt: skip
    return read_back(day, layout, run)


@dataclass(frozen=True)
class Watched:
    """A replay with what stood beside each call: seconds that decisions took, and each row's reason."""

    found: list[list[Called]]
    seconds: list[float]


def replay_watched(
    day: Day, policy: str = "balanced", weights: Weights = Weights(), knowledge: Knowledge = START
) -> Watched:
    """`replay` in plain Python, each decision timed and its reason told."""
    layout = laid_out(day, policy, knowledge)
    hall, line, truth = layout.hall, layout.line, layout.truth
    run = fresh_run(layout.rows, hall.counters, hall.services)
    kind = baselines.KINDS[policy]
    seconds: list[float] = []
    reasons: dict[int, Reason] = {}
    while (at := happen(hall, line, truth, layout.arrivals, run, kind, math.inf)) != math.inf:
        while run.count[0] > 0:
            order, began = run.order[: run.count[0]], time.perf_counter()
            counter = call(hall, line, truth, run, kind, weights, at)
            if counter == NOBODY:
                break
            seconds.append(time.perf_counter() - began)
            row = run.holds[counter]
            reasons[row] = _reason(day, layout, run, policy, weights, row, order, counter)
    return Watched(read_back(day, layout, run, reasons), seconds)


def _reason(
    day: Day, layout: Layout, run: Run, policy: str, weights: Weights, row: int, order: Any,
    counter: int,
) -> Reason:  # fmt: skip
    """Why the row was called there; `order` are those who waited then."""
    hall, line = layout.hall, layout.line
    stood = beside(line, order, len(order), row, hall.can, hall.pace, counter * hall.services)
    return reason_of(
        day, policy, weights, layout.visitor[row], layout.services[line.service[row]],
        run.why[row], run.called[row] - line.since[row], line.passed[row],
        line.passed_by_priority[row], stood,
    )  # fmt: skip


def reason_of(
    day: Day, policy: str, weights: Weights, visitor: int, service: str, why: int, minutes: float,
    passed: int, passed_by_priority: int, stood: Beside | None = None,
) -> Reason:  # fmt: skip
    """The reason of a replayed call, as the live line tells it; `by_rule` where only the policy's name is true.

    `stood`: how she stood among those who waited, None where that was not kept (days played compiled).
    """
    if why in (BALANCED, SIMPLE) and (stood is None or (why == SIMPLE and not stood.oldest)):
        return Reason(code="by_rule", values={"rule": policy})
    group = day.visitors[visitor].priority
    names = {s.id: s.name for s in day.services}
    return why_in_words(
        why,
        minutes=minutes,
        service=names[service] or service,
        group=group if isinstance(group, str) else "",
        passed=passed,
        passed_by_priority=passed_by_priority,
        limit=weights.max_wait,
        beside=stood or Beside(),
    )


def with_reasons(
    day: Day, policy: str, weights: Weights, found: list[list[Called]]
) -> list[list[Called]]:
    """Calls of a day played compiled, each with what can be said of it afterwards."""

    def told(visitor: int, call: Called) -> Called:
        reason = reason_of(
            day, policy, weights, visitor, call.service, call.why, call.wait, call.passed,
            call.passed_by_priority,
        )  # fmt: skip
        return replace(call, reason=reason)

    return [[told(visitor, call) for call in errands] for visitor, errands in enumerate(found)]


def read_back(
    day: Day, layout: Layout, run: Run, reasons: dict[int, Reason] | None = None
) -> list[list[Called]]:
    found: list[list[Called]] = [[] for _ in day.visitors]
    for row in range(layout.rows):
        if run.called[row] < 0:
            continue
        found[layout.visitor[row]].append(
            Called(
                service=layout.services[layout.line.service[row]],
                called=float(run.called[row]),
                counter=day.counters[run.counter[row]].id,
                finished=float(run.finished[row]),
                wait=float(run.called[row] - layout.line.since[row]),
                passed=int(layout.line.passed[row]),
                passed_by_priority=int(layout.line.passed_by_priority[row]),
                why=int(run.why[row]),
                reason=reasons.get(row) if reasons else None,
            )
        )
    for errands in found:
        errands.sort(key=lambda c: c.called)
    return found
