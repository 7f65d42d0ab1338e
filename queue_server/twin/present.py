"""The live state at a moment as the engine's columns, and the table of wait estimates made from its futures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..desk.estimates import Newcomer, Table
from ..line.decide import ahead_of
from ..line.expected import START_MINUTES, believed_pace, minutes_of
from ..line.next import credit_of, pace_of, place_of, prefers, rank_of, weights_of
from ..line.rule import CANNOT, HELPS, HOME, NOBODY, ORDINARY, Line, Weights
from ..line.state import CounterNow, State, Ticket, pace_key
from ..wire.words import DAY, MINUTE, Estimate, TicketStatus
from . import baselines, fast, futures
from .engine import Hall, Run
from .everyone import Ghosts, calls_in
from .futures import Belief
from .learn import START_SIGMA, Came
from .replay import fresh_run

BREAK_MINUTES = 15.0
"""A counter on a break is believed to be back after so long, or five minutes from now."""
RECENT = 60.0
"""Where no past day tells who comes, those of the last hour come again, in each of the next two."""
NO_SHOW_MINUTES = 1.0
KINDS = {"balanced": baselines.BALANCED, "first": baselines.STRICT}
MANY = 48


@dataclass(frozen=True)
class Present:
    """`tickets` by row: those at a counter, those who wait (`run.order`), those booked for later (`later`).

    Times are minutes after the centre's midnight; `services` and `counters` name the columns' places.
    """

    at: int
    now: float
    services: tuple[str, ...]
    counters: tuple[int, ...]
    tickets: tuple[str, ...]
    hall: Hall
    line: Line
    run: Run
    kind: int
    weights: Weights
    belief: Belief
    later: Any
    ready: Any
    newcomers: tuple[Newcomer, ...]
    """What is known of newcomers but for their estimate."""
    ghosts: Ghosts


def present(
    state: State,
    at: int,
    came: Sequence[Sequence[Came]] = (),
    no_show_minutes: float = NO_SHOW_MINUTES,
) -> Present:
    """The state at `at` (ms). `came`: who came on past days (`learn.Knowledge.came`)."""
    services = tuple(s.id for s in state.setup.services)
    counters = tuple(state.counters[c.id] for c in state.setup.counters)
    cells = {s: k for k, s in enumerate(services)}
    now = minute_of(state, at)
    rows = [t for t in _rows(state, counters, at) if t.service in cells]
    early = at + int(state.setup.rules.appointment_early_minutes * MINUTE)
    later = [
        r for r, t in enumerate(rows) if t.status is TicketStatus.WAITING and t.waiting_from > early
    ]
    newcomers = tuple(_newcomers(state, services))
    hall = _hall(state, counters, cells, at)
    return Present(
        at=at,
        now=now,
        services=services,
        counters=tuple(c.id for c in counters),
        tickets=tuple(t.id for t in rows),
        hall=hall,
        line=_line(state, rows, cells, at, now),
        run=_run(state, counters, rows, cells, at, now, set(later)),
        kind=KINDS[state.setup.rules.policy],
        weights=weights_of(state.setup.rules),
        belief=_belief(state, rows, services, came, at, no_show_minutes),
        later=np.array(later, dtype=np.int64),
        ready=np.array([now + (rows[r].waiting_from - at) / MINUTE for r in later], dtype=float),
        newcomers=newcomers,
        ghosts=Ghosts(
            service=np.array([cells[n.service] for n in newcomers], dtype=np.int64),
            rank=np.array([_rank(state, n.priority) for n in newcomers], dtype=np.int64),
            expected=np.array([_mean(state, n.service) for n in newcomers], dtype=float),
        ),
    )


def minute_of(state: State, at: int) -> float:
    """`at` (ms) as minutes after the centre's midnight."""
    return ((at + state.setup.rules.utc_offset_minutes * MINUTE) % DAY) / MINUTE


def foreseen(here: Present, many: int = MANY, number: int = 1, scale: float = 1.0) -> Table:
    """Estimates for all who wait and for a newcomer in each line, from `many` futures.

    `scale` widens (or narrows) the interval around the median. Who is not called in most futures has none.
    """
    waiting = int(here.run.count[0])
    calls = np.zeros((many, waiting + len(here.later)))
    ghost_calls = np.zeros((many, len(here.newcomers)))
    hall = here.hall
    calls_in(
        futures.room(len(here.tickets), hall.counters, hall.services), hall,
        hall.pace.copy(), here.line, here.run, here.kind, here.weights, here.now, here.belief,
        here.later, here.ready, here.ghosts, number, many, calls, ghost_calls,
    )  # fmt: skip
    rows = [*(int(r) for r in here.run.order[:waiting]), *(int(r) for r in here.later)]
    told = _estimates(calls - here.now, scale)
    fresh = _estimates(ghost_calls - here.now, scale)
    return Table(
        at=here.at,
        newcomers=tuple(
            Newcomer(
                service=n.service,
                priority=n.priority,
                ahead=n.ahead,
                estimate=estimate,
                each=n.each,
            )
            for n, estimate in zip(here.newcomers, fresh, strict=True)
            if estimate is not None
        ),
        tickets={
            here.tickets[row]: estimate
            for row, estimate in zip(rows, told, strict=True)
            if estimate is not None
        },
    )


def _estimates(waits: Any, scale: float) -> Iterator[Estimate | None]:
    if not waits.size:
        return iter(())
    # Infinite is who was not called in time; this method takes no mean of two waits.
    found = np.quantile(waits, (0.1, 0.5, 0.9), axis=0, method="inverted_cdf")
    return (_estimate(float(a), float(b), float(c), scale) for a, b, c in found.T)


def _estimate(low: float, middle: float, high: float, scale: float) -> Estimate | None:
    if math.isinf(middle):
        return None
    high = high if math.isfinite(high) else 2 * middle + 60.0
    return Estimate(
        minutes=round(max(0.0, middle), 1),
        low=round(max(0.0, middle - scale * (middle - low)), 1),
        high=round(max(0.0, middle + scale * (high - middle)), 1),
    )


# --- the columns ----------------------------------------------------------------------------------


def _rows(state: State, counters: Sequence[CounterNow], at: int) -> list[Ticket]:
    held = [state.tickets[c.ticket] for c in counters if c.ticket]
    waiting = (state.tickets[t] for line in state.waiting.values() for t in line)
    return [*held, *sorted(waiting, key=place_of)]


def _line(state: State, rows: Sequence[Ticket], cells: dict[str, int], at: int, now: float) -> Line:
    rules = state.setup.rules
    return Line(
        place=np.array([now + (t.place - at) / MINUTE for t in rows], dtype=float),
        since=np.array([_since(t, at, now) for t in rows], dtype=float),
        credit=np.array([credit_of(rules, t) for t in rows], dtype=float),
        service=np.array([cells[t.service] for t in rows], dtype=np.int64),
        rank=np.array([rank_of(state, t) for t in rows], dtype=np.int64),
        expected=np.array([_expected(state, t) for t in rows], dtype=float),
        passed=np.array([t.passed for t in rows], dtype=np.int64),
        passed_by_priority=np.array([t.passed_by_priority for t in rows], dtype=np.int64),
    )


def _since(ticket: Ticket, at: int, now: float) -> float:
    """When her wait began, moved by the time she was out; still to come for who is booked."""
    ahead = max(0, ticket.waiting_from - at)
    return now + (ahead - ticket.wait(at)) / MINUTE


def _expected(state: State, ticket: Ticket) -> float:
    return minutes_of(ticket, ticket.service, ticket.asked, state.setup, state.times)


def _mean(state: State, service: str) -> float:
    learned = state.times.services.get(service)
    settled = state.setup.service(service)
    start = START_MINUTES if settled is None else settled.mean_minutes
    return start if learned is None else learned.mean


def _hall(state: State, counters: Sequence[CounterNow], cells: dict[str, int], at: int) -> Hall:
    can, pace, believed = [], [], []
    for counter in counters:
        settled = state.setup.counter(counter.id)
        assert settled is not None
        serves = counter.serves if counter.open else settled.serves
        for service in cells:
            known = service in serves and service not in state.suspended
            can.append((HOME if settled.serves[0] == service else HELPS) if known else CANNOT)
            pace.append(pace_of(state, counter, service))
            believed.append(
                believed_pace(counter.id, counter.officer, service, state.setup, state.times)
            )
    edges = sorted(_edges(state, counters, at), key=lambda edge: (edge[0], edge[2]))
    width = len(cells)
    return Hall(
        counters=len(counters),
        services=width,
        can=np.array(can, dtype=np.int64),
        takes=np.array(pace, dtype=float),
        pace=np.array(pace, dtype=float),
        believed=np.array(believed, dtype=float),
        prefers=np.array(
            [prefers(state.setup.rules, state.setup.counter(c.id)) for c in counters],
            dtype=np.bool_,
        ),
        skills=np.array(
            [sum(x > 0 for x in can[k * width : (k + 1) * width]) for k in range(len(counters))],
            dtype=np.int64,
        ),
        edge_at=np.array([e[0] for e in edges], dtype=float),
        edge_counter=np.array([e[1] for e in edges], dtype=np.int64),
        edge_opens=np.array([e[2] for e in edges], dtype=np.int64),
    )


def _edges(
    state: State, counters: Sequence[CounterNow], at: int
) -> Iterator[tuple[float, int, int]]:
    """(minute, counter, opens): what is to come by the centre's hours, and the ends of breaks.

    After the last session's end the counters then open serve on.
    """
    now = minute_of(state, at)
    sessions = state.setup.hours.today(at, state.setup.rules.utc_offset_minutes)
    inside = any(begin <= now < end for begin, end in sessions)
    nexts = [begin for begin, _ in sessions if begin > now]
    for place, counter in enumerate(counters):
        if counter.open and counter.paused is None:
            for _, end in sessions[:-1] if inside else ():
                if end > now:
                    yield float(end), place, 0
            if inside:
                yield from ((float(begin), place, 1) for begin in nexts)
        elif counter.open and inside:
            begun = minute_of(state, counter.since)
            yield max(now + 5.0, begun + BREAK_MINUTES), place, 1
        elif nexts and not inside and counter.since >= at - int(now * MINUTE):
            yield float(nexts[0]), place, 1


def _run(
    state: State,
    counters: Sequence[CounterNow],
    rows: Sequence[Ticket],
    cells: dict[str, int],
    at: int,
    now: float,
    later: set[int],
) -> Run:
    run = fresh_run(len(rows), len(counters), len(cells), fast.array)
    row_of = {t.id: r for r, t in enumerate(rows)}
    for place, counter in enumerate(counters):
        run.open[place] = int(counter.open and counter.paused is None)
        run.idle_from[place] = now - (at - counter.since) / MINUTE
        held = row_of.get(counter.ticket or "", NOBODY)
        if held != NOBODY:
            run.holds[place] = held
            run.called[held] = now - (at - rows[held].called_at) / MINUTE
            run.counter[held] = place
        for service, cell in cells.items():
            seen = state.seen.get(pace_key(counter, service))
            if seen is not None:
                run.took[place * len(cells) + cell] = seen.took
                run.foretold[place * len(cells) + cell] = seen.foretold
    waiting = [r for r, t in enumerate(rows) if t.status is TicketStatus.WAITING and r not in later]
    run.count[0] = len(waiting)
    run.order[: len(waiting)] = waiting
    for row in waiting:
        run.in_line[cells[rows[row].service]] += 1
    return run


def _newcomers(state: State, services: Sequence[str]) -> Iterator[Newcomer]:
    nothing = Estimate(minutes=0.0, low=0.0, high=0.0)
    for service in services:
        counters = [c for c in state.serving_counters(service) if c.paused is None]
        for priority in (False, True):
            yield Newcomer(
                service=service,
                priority=priority,
                ahead=ahead_of(state, service, "any" if priority else None),
                estimate=nothing,
                each=round(_mean(state, service) / max(1, len(counters)), 2),
            )


# --- what is believed -----------------------------------------------------------------------------


def _belief(
    state: State,
    rows: Sequence[Ticket],
    services: Sequence[str],
    came: Sequence[Sequence[Came]],
    at: int,
    no_show_minutes: float,
) -> Belief:
    cells = {s: k for k, s in enumerate(services)}
    pools = [[c for c in day if c.service in cells] for day in came] or [_again(state, cells, at)]
    everyone = [c for pool in pools for c in pool]
    return Belief(
        sigma=np.array([_sigma(state, t.service) for t in rows], dtype=float),
        absent=state.times.no_show,
        no_show_minutes=no_show_minutes,
        pool_from=np.cumsum([0, *(len(pool) for pool in pools)]),
        pool_at=np.array([c.at for c in everyone], dtype=float),
        pool_service=np.array([cells[c.service] for c in everyone], dtype=np.int64),
        pool_rank=np.array([_rank(state, c.priority) for c in everyone], dtype=np.int64),
        pool_expected=np.array([_mean(state, c.service) for c in everyone], dtype=float),
        pool_sigma=np.array([_sigma(state, c.service) for c in everyone], dtype=float),
    )


def _rank(state: State, priority: bool) -> int:
    """Of somebody whose group is not known: the middle of the list."""
    return len(state.setup.priorities) // 2 if priority else ORDINARY


def _again(state: State, cells: dict[str, int], at: int) -> list[Came]:
    now = minute_of(state, at)
    lately = [
        t
        for t in state.tickets.values()
        if at - RECENT * MINUTE < t.arrived <= at and (t.asked or t.service) in cells
    ]
    found = [
        Came(
            at=now + (t.arrived - at) / MINUTE + RECENT * hours,
            service=t.asked or t.service,
            priority=t.priority is not None,
            expected=None,
        )
        for hours in (1, 2)
        for t in lately
    ]
    return sorted(found, key=lambda c: c.at)


def _sigma(state: State, service: str) -> float:
    """Spread of the logarithm of minutes."""
    learned = state.times.services.get(service)
    settled = state.setup.service(service)
    if learned is None and settled is None:
        return START_SIGMA
    cv = learned.cv if learned is not None else settled.cv if settled is not None else 0.0
    return math.sqrt(math.log1p(cv * cv))


assert CANNOT == 0 < HOME < HELPS < ORDINARY
