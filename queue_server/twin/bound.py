"""A mean wait that no calling rule can beat on a day: the Lagrangian relaxation of the clairvoyant day.

The rule that is bounded knows all: who will come, who will show, how long each visit takes. Each
group of counters (`pooled`: all of them as one) gets a price λ(t) ≥ 0 for a minute of a counter at
time t; each visitor picks, alone, the start s that costs her least: her wait plus the price of the
minutes that she takes. The prices' own budget, Σ λ·(counters open), is taken off. What is left is a
lower bound for *any* prices (weak duality; Fisher 1981, Management Science 27(1)); here the prices
climb by subgradient steps (Polyak 1969), and the best value seen is told.

Why it holds, point by point:

- A counter that closes at b ends the visit in hand. So a visit is charged for open counters only,
  λ over [s, min(s + d, b)), and one that runs over b takes one of as many tickets as counters of the
  group close at b, at the price μ_b ≥ 0: each of them can run over with one visit.
- The counters whose end is the last of the day serve on without end.
- `pooled`: any counter serves anybody, with the highest speed that any counter has for the service.
  Otherwise a group is the counters of the same services and speeds.
- Who does not show is called last, when no one waits, and costs nothing; so she is left out.
- Two sorts of visitors may stay away here at no cost, since a rule can spare them their wait: one whose
  service no counter gives after the last closing time (she may be left unserved), and one with several
  services (which of them comes first is the rule's choice). Days full of those have a loose bound.
- Start times are minimised exactly: the cost is piecewise linear in s, with corners where s or s + d
  meets the edge of a slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .day import Day, DayCounter, DayVisitor, Span
from .fast import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SLOT = 1.25
"""Minutes in which a price stays the same."""
SHUT = 1_000.0
"""Price where no counter of the group is open: any price holds there, so one that nobody pays."""
RUN_OVER_SCALE = 8.0
"""Step of the prices for running over, against that of a minute: about the minutes of a visit."""
PATIENCE = 30


@dataclass(frozen=True)
class Bound:
    """`mean`: minutes of wait over the visitors who show, which no rule goes below. `rounds`: steps taken.

    `reached`: the mean when whoever is free takes the shortest visit that waits, its minutes known; the
    best that can be had lies between the two (not pooled: on the day's own counters).
    """

    mean: float
    rounds: int
    reached: float = 0.0


@dataclass(frozen=True)
class Problem:
    """The relaxed day as arrays: n visitors who show, g groups, m slots, at most k closings a group.

    `release` n: minute from which she may start. `minutes` n × g: her visit there, inf where it has
    not the skill. `leaves` n: may stay away at no cost. `edges` m + 1: of the slots, in minutes.
    `counters` g × m: open in each slot. `closes`, `closing` g × k: when counters of the group close
    (inf: none) and how many. `before`: minutes, over all, by which `release` is before their due time.
    """

    before: float
    release: Floats
    minutes: Floats
    leaves: npt.NDArray[np.bool_]
    edges: Floats
    counters: Floats
    closes: Floats
    closing: Floats


def bound(day: Day, pooled: bool = True, rounds: int = 1000, early: float = 0.0) -> Bound:
    """The bound of a day that `checked` has passed and whose visitors carry `minutes`.

    `pooled`: all counters as one; else by groups of equal skills, which is tighter and slower.
    `rounds`: steps at most; a day of 700 visitors takes half a second. `early`: minutes before a booked
    time at which a rule may call already (her wait is then below zero). A day without
    visitors or open counters has the bound 0.
    """
    posed = pose(day, pooled, early)
    if posed is None:
        return Bound(0.0, 0)
    problem, prices, target = posed
    value, steps = _climbed(problem, prices, target, rounds)
    mean, reached = ((total - problem.before) / len(problem.release) for total in (value, target))
    if not pooled:
        mean = max(mean, bound(day, True, rounds, early).mean)
    return Bound(mean, steps, reached)


def relaxed(problem: Problem, prices: Floats, over: Floats) -> float:
    """Σ of waits below which no rule goes, for any prices ≥ 0: `prices` g × m a minute, `over` g × k."""
    return _valued(problem, prices, over)[0]


def pose(day: Day, pooled: bool = True, early: float = 0.0) -> tuple[Problem, Floats, float] | None:
    """The relaxed day; prices g × m to begin with, and a sum of waits to aim at, from a replay.

    The replay calls the shortest first; what it reaches steers the climb, and the bound holds without it.
    None where nobody shows or nothing opens.
    """
    shown = [v for v in day.visitors if v.shows]
    if not shown or not any(c.open for c in day.counters):
        return None
    before = np.array([min(early, _release(v) - v.arrives) for v in shown])
    counters = [c for c in day.counters if c.open]
    last = max(c.open[-1][1] for c in counters)
    groups = [counters] if pooled else _alike(counters)
    release = np.array([_release(v) for v in shown]) - before
    minutes = np.array([[_minutes(v, g, counters, pooled) for g in groups] for v in shown])
    after = {s for c in counters if c.open[-1][1] == last for s in c.serves}
    group_of = [n for n, group in enumerate(groups) for _ in group]
    spans = [_spans(c, last) for group in groups for c in group]
    started, by = _shortest_first(release, minutes, group_of, spans)
    edges = _edges(spans, release, started, minutes)
    closes, closing = _closings(groups, last)
    problem = Problem(
        before=float(before.sum()),
        release=release,
        minutes=minutes,
        leaves=np.array([v.service not in after or bool(v.then) for v in shown]),
        edges=edges,
        counters=_open_counters(group_of, spans, edges, len(groups)),
        closes=closes,
        closing=closing,
    )
    served = np.isfinite(started)
    target = float((started - release)[served].sum())
    return problem, _first_prices(problem, started, by), target


def _release(visitor: DayVisitor) -> float:
    return max(visitor.arrives, visitor.booked or visitor.arrives)


def _alike(counters: Sequence[DayCounter]) -> list[list[DayCounter]]:
    groups: dict[object, list[DayCounter]] = {}
    for counter in counters:
        key = tuple(sorted((s, counter.speed.get(s, 1.0)) for s in counter.serves))
        groups.setdefault(key, []).append(counter)
    return list(groups.values())


def _minutes(
    visitor: DayVisitor, group: list[DayCounter], counters: list[DayCounter], pooled: bool
) -> float:
    able = [c for c in (counters if pooled else group) if visitor.service in c.serves]
    if not able:
        return 0.0 if pooled else np.inf
    return (visitor.minutes or 0.0) / max(c.speed.get(visitor.service, 1.0) for c in able)


def _spans(counter: DayCounter, last: float) -> list[Span]:
    """When visits may start there; a counter that is open at the last closing time serves on."""
    *early, (begin, end) = _joined(counter)
    return [*early, (begin, np.inf if end == last else end)]


def _joined(counter: DayCounter) -> list[Span]:
    """Its spans; two that touch are one, for it does not close between them."""
    joined: list[Span] = []
    for begin, end in counter.open:
        if joined and joined[-1][1] == begin:
            begin, _ = joined.pop()
        joined.append((begin, end))
    return joined


def _edges(spans: list[list[Span]], release: Floats, started: Floats, minutes: Floats) -> Floats:
    ends = [t for own in spans for span in own for t in span if t < np.inf]
    begin = min(float(release.min()), min(ends))
    longest = float(minutes[np.isfinite(minutes)].max(initial=0.0))
    finite = started[np.isfinite(started)]
    end = max(float(finite.max(initial=begin)) + longest, max(ends), float(release.max()))
    grid = np.arange(begin, end + 2 * SLOT, SLOT)
    return np.unique(np.concatenate([grid, ends]))


def _open_counters(
    group_of: list[int], spans: list[list[Span]], edges: Floats, groups: int
) -> Floats:
    middle = (edges[1:] + edges[:-1]) / 2
    found = np.zeros((groups, len(middle)))
    for group, own in zip(group_of, spans, strict=True):
        for begin, end in own:
            found[group] += (begin < middle) & (middle < end)
    return found


def _closings(groups: list[list[DayCounter]], last: float) -> tuple[Floats, Floats]:
    found = []
    for group in groups:
        ends = [end for c in group for _, end in _joined(c) if end < last]
        found.append(np.unique(np.array(ends), return_counts=True))
    most = max(1, *(len(at) for at, _ in found))
    closes, closing = np.full((len(groups), most), np.inf), np.zeros((len(groups), most))
    for n, (at, count) in enumerate(found):
        closes[n, : len(at)], closing[n, : len(at)] = at, count
    return closes, closing


def _shortest_first(
    release: Floats,
    minutes: Floats,
    group_of: list[int],
    spans: list[list[Span]],
) -> tuple[Floats, Ints]:
    """A replay in which each free counter takes the shortest visit that waits: starts (inf: never), groups."""
    started, by = np.full(len(release), np.inf), np.full(len(release), -1)
    free = np.array([own[0][0] for own in spans])
    cost = np.ascontiguousarray(minutes.T)
    while (free < np.inf).any():
        counter = int(free.argmin())
        now, group = free[counter], group_of[counter]
        able = np.isinf(started) & np.isfinite(cost[group])
        waiting = able & (release <= now)
        if waiting.any():
            who = int(np.where(waiting, cost[group], np.inf).argmin())
            started[who], by[who] = now, group
            then = now + cost[group, who]
        else:
            then = float(release[able].min(initial=np.inf))
        free[counter] = _next_open(spans[counter], then)
    return started, by


def _next_open(spans: list[Span], at: float) -> float:
    return next((max(at, begin) for begin, end in spans if at < end), np.inf)


def _first_prices(problem: Problem, started: Floats, by: Ints) -> Floats:
    """A minute more at t brings everyone forward whom this busy time still calls, each by 1 ÷ counters."""
    prices = np.zeros(problem.counters.shape)
    edges = problem.edges
    for group, row in enumerate(prices):
        able = np.isfinite(problem.minutes[:, group])
        came = np.searchsorted(np.sort(problem.release[able]), edges[1:], side="right")
        gone = np.searchsorted(np.sort(started[able]), edges[1:], side="right")
        calls = np.histogram(started[by == group], edges)[0]
        price = 0.0
        for slot in range(len(row) - 1, -1, -1):
            count = problem.counters[group, slot]
            busy = came[slot] > gone[slot] and count > 0
            price = price + calls[slot] / count if busy else 0.0
            row[slot] = price
    return prices


def _climbed(problem: Problem, prices: Floats, target: float, rounds: int) -> tuple[float, int]:
    """The best value seen on the way up, and the steps taken."""
    over = np.where(np.isfinite(problem.closes), prices.max(initial=0.0), 0.0)
    length = np.diff(problem.edges)
    shut = problem.counters == 0
    best, best_at, daring, stale = 0.0, (prices * 0, over * 0), 1.0, 0
    for step in range(rounds):
        prices[shut] = SHUT
        value, used, ran = _valued(problem, prices, over)
        if value > best + 1e-6 * abs(best):
            best, best_at, stale = value, (prices.copy(), over.copy()), 0
        else:
            stale += 1
        if stale >= PATIENCE:
            daring, stale = daring / 2, 0
            prices, over = best_at[0].copy(), best_at[1].copy()
            continue
        lack, lack_over = used - problem.counters * length, ran - problem.closing
        lack[shut] = 0.0
        size = float((lack**2 / length).sum() + RUN_OVER_SCALE * (lack_over**2).sum())
        if size < 1e-9 or daring < 1e-4:
            return best, step + 1
        stride = daring * (max(target, 1.02 * best) - value) / size
        prices = np.maximum(0.0, prices + stride * lack / length)
        over = np.maximum(0.0, over + stride * RUN_OVER_SCALE * lack_over)
    return best, rounds


def _valued(problem: Problem, prices: Floats, over: Floats) -> tuple[float, Floats, Floats]:
    """Value, minutes used g × m, and visits that ran over g × k, each visitor at her cheapest."""
    length = np.diff(problem.edges)
    paid = np.zeros((len(prices), len(problem.edges)))
    np.cumsum(prices * length, axis=1, out=paid[:, 1:])
    used, ran = np.zeros_like(prices), np.zeros_like(over)
    total: float = _choose(
        problem.release,
        problem.minutes,
        problem.leaves,
        problem.edges,
        prices,
        paid,
        problem.closes,
        over,
        used,
        ran,
    )
    budget = float((prices * length * problem.counters).sum() + (over * problem.closing).sum())
    return total - budget, used, ran


@compiled
def _slot(edges: Floats, t: float) -> int:
    slot = int(np.searchsorted(edges, t, side="right")) - 1
    return min(max(slot, 0), len(edges) - 2)


@compiled
def _paid_until(edges: Floats, prices: Floats, paid: Floats, slot: int, t: float) -> float:
    """∫ λ up to t, which lies in `slot`; nothing is paid beyond the last edge."""
    total: float = paid[slot] + prices[slot] * (min(t, edges[slot + 1]) - edges[slot])
    return total


@compiled
def _cheapest(
    release: float,
    minutes: float,
    edges: Floats,
    prices: Floats,
    paid: Floats,
    best: float,
    best_start: float,
) -> tuple[float, float]:
    """The least wait + price over all starts, no visit running over: (cost, start)."""
    last = len(edges) - 2
    slot = _slot(edges, release)
    end_slot = _slot(edges, release + minutes)
    first_end = end_slot
    start, edge = release, slot
    while start - release < best:
        while end_slot < last and edges[end_slot + 1] <= start + minutes:
            end_slot += 1
        cost = start - release + _paid_until(edges, prices, paid, end_slot, start + minutes)
        cost -= _paid_until(edges, prices, paid, edge, start)
        if cost < best:
            best, best_start = cost, start
        if edge > last or edges[edge + 1] <= start:
            break
        start = edges[edge + 1]
        edge = min(edge + 1, last)
    for end in range(first_end + 1, last + 2):
        start = edges[end] - minutes
        if start - release >= best:
            break
        while slot < last and edges[slot + 1] <= start:
            slot += 1
        cost = start - release + paid[end] - _paid_until(edges, prices, paid, slot, start)
        if cost < best:
            best, best_start = cost, start
    return best, best_start


@compiled
def _cheapest_over(
    release: float,
    minutes: float,
    edges: Floats,
    prices: Floats,
    paid: Floats,
    close: float,
    ticket: float,
    best: float,
    best_start: float,
) -> tuple[float, float]:
    """The same for a visit that runs over the closing at `close` with a ticket of this price."""
    first = max(release, close - minutes)
    if first - release + ticket >= best:
        return best, best_start
    top = np.searchsorted(edges, close)
    slot = _slot(edges, first)
    cost = first - release + ticket + paid[top] - _paid_until(edges, prices, paid, slot, first)
    if cost < best:
        best, best_start = cost, first
    for edge in range(slot + 1, top + 1):
        cost = edges[edge] - release + ticket + paid[top] - paid[edge]
        if cost < best:
            best, best_start = cost, edges[edge]
    return best, best_start


@compiled
def _choose(
    release: Floats,
    minutes: Floats,
    leaves: npt.NDArray[np.bool_],
    edges: Floats,
    prices: Floats,
    paid: Floats,
    closes: Floats,
    over: Floats,
    used: Floats,
    ran: Floats,
) -> float:
    """Each visitor's cheapest choice: their sum; `used` and `ran` take what they use."""
    total = 0.0
    for who in range(len(release)):
        best, start, group, ticket = np.inf, 0.0, -1, -1
        if leaves[who]:
            best = 0.0
        for g in range(len(prices)):
            if minutes[who, g] == np.inf:
                continue
            found, s = _cheapest(
                release[who], minutes[who, g], edges, prices[g], paid[g], best, start
            )
            if found < best:
                best, start, group, ticket = found, s, g, -1
            for k in range(closes.shape[1]):
                if closes[g, k] <= release[who]:
                    continue
                if closes[g, k] - minutes[who, g] - release[who] >= best:
                    break
                found, s = _cheapest_over(
                    release[who],
                    minutes[who, g],
                    edges,
                    prices[g],
                    paid[g],
                    closes[g, k],
                    over[g, k],
                    best,
                    start,
                )
                if found < best:
                    best, start, group, ticket = found, s, g, k
        if group < 0:
            continue
        total += best
        end = start + minutes[who, group]
        if ticket >= 0:
            ran[group, ticket] += 1
            end = min(end, closes[group, ticket])
        _use(edges, used[group], start, end)
    return total


@compiled
def _use(edges: Floats, used: Floats, start: float, end: float) -> None:
    slot = _slot(edges, start)
    while slot < len(used) and edges[slot] < end:
        part = min(end, edges[slot + 1]) - max(start, edges[slot])
        if part > 0:
            used[slot] += part
        slot += 1
