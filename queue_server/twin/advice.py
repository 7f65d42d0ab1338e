"""Moves that would help where a breach is likely, each tried on the very futures that foretell the breach.

A move is advised only when what it gains stands clear of chance: the same futures are played with it and
without, the best is played again on fresh ones, and only what these say is told. Indices are those of the
columns; `move_of` names them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from ..line.moves import Move, MoveKind
from ..line.rule import CANNOT, HELPS, NOBODY, Line, Weights
from ..wire.words import MINUTE
from . import futures
from .engine import Hall, Run
from .futures import Belief, Room
from .outlook import (
    HALF_HOUR,
    HORIZON,
    MANY,
    Been,
    LaterWait,
    Look,
    Plan,
    been_so_far,
    half_hour,
    look_ahead,
    plan_of,
    planned,
)

FRESH = 500_000
"""Futures that judge a move again are numbered so far from those that chose it."""
SOON = 45.0
"""A counter about to close: within so many minutes."""
BREAK = 90.0
"""Closed for no longer than this is a break, which can move."""
WORST = 2
"""So many services are seen to at once, the worst first."""
IDLE_TRIED = 4
QUIETER = 10.0
"""A later half-hour is worth offering if one waits so many minutes less then."""


@dataclass(frozen=True)
class Advising:
    """When a move is advised. `price`: minutes of visitors' waiting that one counter-minute must save.

    `calm`: no half-hour's chance over this, and a counter may close; `loss`: minutes of waiting that a
    counter-minute given back may cost.
    """

    threshold: float = 0.5
    least_gain: float = 1.5
    least_t: float = 2.0
    price: float = 2.0
    most: int = 3
    screen: int = 12
    """Futures with which each candidate is tried; `many` judge the best again."""
    many: int = MANY
    horizon: float = HORIZON
    calm: float = 0.2
    loss: float = 0.5


@dataclass(frozen=True)
class Leeway:
    """What may be changed now. `may`: cells (`counter * services + service`) that are skills, served or not;
    `reserve`: closed counters that may be opened; `minutes`: counter-minutes that may still be spent;
    `resting`: counters in a move, or resting after one; nothing opened lasts past `last_closing`."""

    may: Any
    reserve: frozenset[int] = frozenset()
    minutes: float = math.inf
    resting: frozenset[int] = frozenset()
    last_closing: float = math.inf


@dataclass(frozen=True)
class Advice:
    """A move, in minutes after midnight. `serves`: the counter's services while it lasts.

    `without`, `expected`: the mean wait of all who wait for `service` now or come within `minutes_ahead`
    minutes, each until she is called (cut half an hour after). `saved`: minutes of waiting that it saves
    over all services, per future. `since`: when the counters change; `until`: when it is undone.
    """

    kind: MoveKind
    counter: int | None
    service: int
    serves: tuple[int, ...]
    since: float
    until: float
    without: float
    expected: float
    cost_minutes: float
    minutes_ahead: int
    saved: float = 0.0
    t: float = 0.0


class _Looks(Protocol):
    def __call__(self, *, many: int, plan: Plan, number: int) -> Look: ...


@dataclass(frozen=True)
class _Effect:
    without: float
    expected: float
    gain: float
    gain_t: float
    saved: float
    saved_t: float
    pushed: bool
    """Another service's half-hour comes over the threshold by it."""


def advise(
    hall: Hall, line: Line, run: Run, kind: int, weights: Weights, now: float, belief: Belief,
    look: Look, leeway: Leeway, rules: Advising = Advising(), *, plan: Plan | None = None,
    been: Been | None = None, room: Room | None = None, number: int = 1,
) -> list[Advice]:  # fmt: skip
    """The best moves against the breaches that `look` foretells, at most `rules.most`, none if none helps.

    Each after the first takes those before it as carried out.
    """
    look_with = _looking(hall, line, run, kind, weights, now, belief, rules, been=been, room=room)
    plan = plan or plan_of(hall, run)
    found: list[Advice] = []
    while len(found) < rules.most and look.breaches(rules.threshold):
        best = _best(hall, run, look, look_with, plan, leeway, rules, number)
        if best is None:
            break
        found.append(best)
        plan = with_move(plan, hall, best)
        leeway = _less(leeway, best)
        look = look_with(many=rules.many, plan=plan, number=number)
    return found


def spare(
    hall: Hall, line: Line, run: Run, kind: int, weights: Weights, now: float, belief: Belief,
    look: Look, leeway: Leeway, rules: Advising = Advising(), *, plan: Plan | None = None,
    been: Been | None = None, room: Room | None = None, number: int = 1,
) -> Advice | None:  # fmt: skip
    """While all is calm: an idle counter that may close for a while at hardly any loss."""
    if float(look.chance.max()) > rules.calm:
        return None
    plan = plan or plan_of(hall, run)
    look_with = _looking(hall, line, run, kind, weights, now, belief, rules, been=been, room=room)
    base = look_with(many=rules.many, plan=plan, number=number)
    best: Advice | None = None
    for advice in _closings(hall, run, plan, leeway, now, rules):
        moved = with_move(plan, hall, advice)
        other = look_with(many=rules.many, plan=moved, number=number)
        effect = _effect(base, other, advice.service, rules)
        lost = -effect.saved / -advice.cost_minutes
        calm = float(other.chance.max()) <= rules.calm + 0.05
        if calm and lost <= rules.loss and (best is None or effect.saved > best.saved):
            best = _told(advice, effect)
    return best


def offer_return(
    look: Look, later: Iterable[LaterWait], rules: Advising = Advising()
) -> Advice | None:
    """In words only: who waits for the likeliest breach is offered a quieter time; no effect is claimed."""
    for service, slot, _ in look.breaches(rules.threshold):
        wait = float(look.wait[service, slot - look.first])
        quiet = [
            w for w in later
            if w.service == service and w.half_hour > slot and w.minutes <= wait - QUIETER
        ]  # fmt: skip
        if quiet:
            end = (slot + 1) * HALF_HOUR
            return Advice(
                MoveKind.RETURN_LATER, None, service, (), look.now, end, wait, wait, 0.0,
                int(rules.horizon),
            )  # fmt: skip
    return None


def with_move(plan: Plan, hall: Hall, advice: Advice) -> Plan:
    """The plan with the move and its end."""
    edges = [
        (float(at), int(counter), int(opens))
        for at, counter, opens in zip(*plan[:3], strict=True)
    ]  # fmt: skip
    skills = [(float(at), int(cell), int(value)) for at, cell, value in zip(*plan[3:], strict=True)]
    counter = advice.counter
    if counter is None:
        return plan
    if advice.kind is MoveKind.HELP:
        cell = counter * hall.services + advice.service
        skills += [(advice.since, cell, HELPS), (advice.until, cell, CANNOT)]
    elif advice.kind is MoveKind.OPEN:
        own = [e for e in edges if e[1] == counter and e[0] <= advice.until]
        edges.append((advice.since, counter, 1))
        if not own:
            edges.append((advice.until, counter, 0))
    elif advice.kind is MoveKind.CLOSE:
        edges += [(advice.since, counter, 0), (advice.until, counter, 1)]
    elif advice.kind is MoveKind.LATER_BREAK:
        edges = _break_moved(edges, counter, advice)
    return planned(edges, skills)


def move_of(
    advice: Advice,
    id: str,
    made: int,
    midnight: int,
    counters: Sequence[int],
    services: Sequence[str],
) -> Move:
    """The advice as the server's proposal. `made` and `midnight` (of this local day) in ms UTC."""
    return Move(
        id=id,
        kind=advice.kind,
        service=services[advice.service],
        until=midnight + round(advice.until * MINUTE),
        without=round(advice.without, 1),
        expected=round(advice.expected, 1),
        made=made,
        counter=None if advice.counter is None else counters[advice.counter],
        serves=tuple(services[s] for s in advice.serves),
        cost_minutes=round(advice.cost_minutes, 1),
        minutes_ahead=advice.minutes_ahead,
    )


# --- one best move ------------------------------------------------------------------------------


def _looking(
    hall: Hall, line: Line, run: Run, kind: int, weights: Weights, now: float, belief: Belief,
    rules: Advising, *, been: Been | None, room: Room | None,
) -> _Looks:  # fmt: skip
    return partial(
        look_ahead, hall, line, run, kind, weights, now, belief, horizon=rules.horizon,
        been=been or been_so_far(line, run, hall.services, now),
        room=room or futures.room(len(line.since), hall.counters, hall.services),
    )  # fmt: skip


def _best(
    hall: Hall, run: Run, look: Look, look_with: _Looks, plan: Plan, leeway: Leeway,
    rules: Advising, number: int,
) -> Advice | None:  # fmt: skip
    """The move that is worth most; it must hold on fresh futures too, whose numbers are told."""
    base = look_with(many=rules.screen, plan=plan, number=number)
    worth: list[tuple[float, Advice]] = []
    for advice in _candidates(hall, run, look, plan, leeway, rules):
        moved = with_move(plan, hall, advice)
        other = look_with(many=rules.screen, plan=moved, number=number)
        effect = _effect(base, other, advice.service, rules)
        if _gains(effect, advice, rules):
            worth.append((effect.saved - rules.price * advice.cost_minutes, advice))
    if not worth:
        return None
    _, best = max(worth, key=lambda w: w[0])
    fresh = look_with(many=rules.many, plan=plan, number=number + FRESH)
    moved = with_move(plan, hall, best)
    other = look_with(many=rules.many, plan=moved, number=number + FRESH)
    effect = _effect(fresh, other, best.service, rules)
    holds = _gains(effect, best, rules) and not effect.pushed
    return _told(best, effect) if holds else None


def _gains(effect: _Effect, advice: Advice, rules: Advising) -> bool:
    return (
        effect.gain >= rules.least_gain
        and effect.gain_t >= rules.least_t
        and effect.saved_t >= rules.least_t
        and effect.saved > rules.price * advice.cost_minutes
    )


def _effect(base: Look, other: Look, service: int, rules: Advising) -> _Effect:
    people = np.maximum(base.tally.people[:, service], 1.0)
    before = base.tally.waited[:, service] / people
    after = other.tally.waited[:, service] / people
    saved = (base.tally.waited - other.tally.waited).sum(axis=1)
    up = (other.chance >= rules.threshold) & (base.chance < rules.threshold)
    up &= other.chance - base.chance >= 0.1
    up[service] = False
    return _Effect(
        without=float(before.mean()),
        expected=float(after.mean()),
        gain=float((before - after).mean()),
        gain_t=_t(before - after),
        saved=float(saved.mean()),
        saved_t=_t(saved),
        pushed=bool(up.any()),
    )


def _t(differences: Any) -> float:
    """How many standard errors the mean of paired differences lies over nought."""
    mean, error = (
        float(differences.mean()),
        float(differences.std(ddof=1)) / len(differences) ** 0.5,
    )
    if error == 0.0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return float(mean / error)


def _told(advice: Advice, effect: _Effect) -> Advice:
    return replace(
        advice,
        without=effect.without,
        expected=effect.expected,
        saved=effect.saved,
        t=effect.gain_t,
    )


def _less(leeway: Leeway, advice: Advice) -> Leeway:
    resting = leeway.resting | ({advice.counter} if advice.counter is not None else set())
    return replace(leeway, minutes=leeway.minutes - advice.cost_minutes, resting=frozenset(resting))


# --- what could be done -------------------------------------------------------------------------


def _candidates(
    hall: Hall, run: Run, look: Look, plan: Plan, leeway: Leeway, rules: Advising
) -> list[Advice]:
    found: dict[tuple[MoveKind, int, float], Advice] = {}
    for service in _worst(look, rules.threshold):
        for counter in range(hall.counters):
            if counter in leeway.resting or not leeway.may[counter * hall.services + service]:
                continue
            for advice in _at(hall, run, plan, leeway, look.now, counter, service):
                if advice.cost_minutes > max(leeway.minutes, 0.0):
                    continue
                # A counter that opens helps all its services: tried once, for the worst of them.
                many = advice.service if advice.kind is MoveKind.HELP else 0
                key = (advice.kind, counter * hall.services + many, advice.until)
                found.setdefault(key, replace(advice, minutes_ahead=int(rules.horizon)))
    return list(found.values())


def _worst(look: Look, threshold: float) -> list[int]:
    """The services that breach, those first whose waits go furthest over it for most people."""
    likely = look.chance >= threshold
    counts = look.tally.counts.mean(axis=0)
    weight = np.where(likely, np.nan_to_num(look.wait) * counts, 0.0).sum(axis=1)
    order = sorted(np.flatnonzero(likely.any(axis=1)).tolist(), key=lambda s: -float(weight[s]))
    return order[:WORST]


def _at(
    hall: Hall, run: Run, plan: Plan, leeway: Leeway, now: float, counter: int, service: int
) -> list[Advice]:
    can = hall.can[counter * hall.services + service] != CANNOT
    if not run.open[counter]:
        return _openings(hall, plan, leeway, now, counter, service) if can else []
    if can:
        return _later_closings(hall, plan, leeway, now, counter, service)
    closes = _next(plan, counter, 0, now)
    serves = (*_serves(hall, counter), service)
    return [
        _draft(MoveKind.HELP, counter, service, serves, now, until, 0.0)
        for until in _ends(now, 15.0, leeway.last_closing)[-1:]
        if closes > now + 15.0
    ]


def _openings(
    hall: Hall, plan: Plan, leeway: Leeway, now: float, counter: int, service: int
) -> list[Advice]:
    own = _next(plan, counter, 1, now)
    if counter not in leeway.reserve or own < now + 10.0:
        return []
    serves = _serves(hall, counter)
    return [
        _draft(MoveKind.OPEN, counter, service, serves, now, min(until, own), min(until, own) - now)
        for until in _ends(now, 30.0, leeway.last_closing)
    ]


def _later_closings(
    hall: Hall, plan: Plan, leeway: Leeway, now: float, counter: int, service: int
) -> list[Advice]:
    """A counter about to close stays half an hour longer; if it is a break, the break moves and costs nothing."""
    closes = _next(plan, counter, 0, now)
    until = closes + HALF_HOUR
    if closes > now + SOON or until > leeway.last_closing:
        return []
    opens = _next(plan, counter, 1, closes)
    is_break = opens <= closes + BREAK
    if is_break and opens + HALF_HOUR >= min(_next(plan, counter, 0, opens), leeway.last_closing):
        return []
    if not is_break and opens < until:
        return []
    cost = 0.0 if is_break else HALF_HOUR
    serves = _serves(hall, counter)
    return [_draft(MoveKind.LATER_BREAK, counter, service, serves, closes, until, cost)]


def _break_moved(
    edges: list[tuple[float, int, int]], counter: int, advice: Advice
) -> list[tuple[float, int, int]]:
    """The closing at `since` comes at `until`; so does, as much later, the opening that ends a break."""
    later = advice.until - advice.since
    opens = min(
        (e[0] for e in edges if e[1] == counter and e[2] and e[0] >= advice.since), default=math.inf
    )
    moved = {(advice.since, counter, 0)}
    if opens <= advice.since + BREAK:
        moved.add((opens, counter, 1))
    return [(e[0] + later, e[1], e[2]) if e in moved else e for e in edges]


def _closings(
    hall: Hall, run: Run, plan: Plan, leeway: Leeway, now: float, rules: Advising
) -> list[Advice]:
    """Counters that stand idle, the longest idle first."""
    idle = [
        c for c in range(hall.counters)
        if run.open[c] and run.holds[c] == NOBODY and c not in leeway.resting
        and _next(plan, c, 0, now) > now + HORIZON
    ]  # fmt: skip
    idle.sort(key=lambda c: float(run.idle_from[c]))
    found = []
    for counter in idle[:IDLE_TRIED]:
        serves = _serves(hall, counter)
        for until in _ends(now, 30.0, leeway.last_closing)[-1:]:
            draft = _draft(MoveKind.CLOSE, counter, serves[0], serves, now, until, now - until)
            found.append(replace(draft, minutes_ahead=int(rules.horizon)))
    return found


def _ends(now: float, least: float, last: float) -> list[float]:
    """The half-hours at which a move may end: at least so many minutes from now, at most an hour."""
    slots = range(half_hour(now), half_hour(now + HORIZON) + 1)
    ends = [s * HALF_HOUR for s in slots if now + least <= s * HALF_HOUR <= now + HORIZON]
    return [end for end in ends if end <= last]


def _next(plan: Plan, counter: int, opens: int, after: float) -> float:
    """When the counter next opens (1) or closes (0); inf: not today."""
    here = (plan.edge_counter == counter) & (plan.edge_opens == opens) & (plan.edge_at >= after)
    return float(plan.edge_at[here].min()) if here.any() else math.inf


def _serves(hall: Hall, counter: int) -> tuple[int, ...]:
    """Its services, the home service first."""
    cells = range(counter * hall.services, (counter + 1) * hall.services)
    ranked = sorted((int(hall.can[c]), c % hall.services) for c in cells if hall.can[c] != CANNOT)
    return tuple(service for _, service in ranked)


def _draft(
    kind: MoveKind, counter: int, service: int, serves: tuple[int, ...], since: float, until: float,
    cost: float,
) -> Advice:  # fmt: skip
    return Advice(kind, counter, service, serves, since, until, 0.0, 0.0, cost, int(HORIZON))
