"""Local search of rosters: small changes that keep every rule, tried on drawn days, taken if they help.

Simulated annealing from the first plan, in rounds: each chain makes its changes, then all go on from the best.
A change is tried on a few days first, and on all of them only if it is not plainly worse.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import numpy as np

from .shifts import Cells, Plan, Shift, Site, covers, crew_keeps, shift_keeps
from .trial import Outcome, Trial

CHAINS = 2
FEW_DAYS = 6
WORSE = 0.015
"""A plan that costs so much more than the present one on the few days is not tried on all."""
WARM, COLD = 0.02, 0.0005
"""Temperature at the start and at the end: costs are near 1."""
ROUNDS = 10
TRIES = 40


@dataclass(frozen=True)
class Standing:
    """A plan with what it came to on each day."""

    plan: Plan
    waits: tuple[np.ndarray, ...]
    few: float
    """Cost on the first few days."""
    cost: float
    outcome: Outcome


@dataclass(frozen=True)
class Budget:
    """When the search ends: at this moment of the monotonic clock, or after so many changes (0: no limit)."""

    until: float
    evaluations: int = 0


def searched(
    site: Site, trial: Trial, first: Plan, minutes: float, budget: Budget, seed: int
) -> tuple[Plan, Outcome]:
    """The best plan found, and what it came to. The same for the same seed where only changes are counted."""
    cells = int(minutes // site.rules.grid_minutes)
    begun = time.monotonic()
    best = standing(trial, first)
    with ThreadPoolExecutor(CHAINS) as pool:
        for turn in range(ROUNDS):
            share = (turn + 1) / ROUNDS
            until = begun + (budget.until - begun) * share
            many = -(-budget.evaluations // (ROUNDS * CHAINS))
            heat = WARM * (COLD / WARM) ** (turn / max(ROUNDS - 1, 1))
            chains = [
                pool.submit(
                    _chain, site, trial, best, cells, heat, Budget(until, many),
                    Random(f"{seed}/{turn}/{chain}"),
                )
                for chain in range(CHAINS)
            ]  # fmt: skip
            found = [chain.result() for chain in chains]
            best = min([best, *found], key=lambda s: s.cost)
    return best.plan, best.outcome


def standing(trial: Trial, plan: Plan) -> Standing:
    waits = tuple(trial.waits(plan, k) for k in range(len(trial.days)))
    return _stands(trial, plan, waits)


def _stands(trial: Trial, plan: Plan, waits: tuple[np.ndarray, ...]) -> Standing:
    outcome = trial.outcome(waits)
    few = trial.outcome(waits[:FEW_DAYS]).cost
    return Standing(plan, waits, few, outcome.cost, outcome)


def _chain(
    site: Site,
    trial: Trial,
    start: Standing,
    cells: int,
    heat: float,
    budget: Budget,
    chance: Random,
) -> Standing:
    """One walk; gives the best standing it met."""
    here, best, tried = start, start, 0
    while time.monotonic() < budget.until:
        if budget.evaluations and tried >= budget.evaluations:
            break
        tried += 1
        plan = changed(site, here.plan, cells, chance)
        if plan is None:
            continue
        limit = here.cost - heat * math.log(max(chance.random(), 1e-12))
        found = _tried(trial, plan, here)
        if found is not None and found.cost <= limit:
            here = found
            if here.cost < best.cost:
                best = here
    return best


def _tried(trial: Trial, plan: Plan, here: Standing) -> Standing | None:
    waits = [trial.waits(plan, k) for k in range(min(FEW_DAYS, len(trial.days)))]
    if trial.outcome(waits).cost > here.few + WORSE:
        return None
    waits += [trial.waits(plan, k) for k in range(len(waits), len(trial.days))]
    return _stands(trial, plan, tuple(waits))


def changed(site: Site, plan: Plan, cells: int, chance: Random) -> Plan | None:
    """Another plan near this one that keeps every rule, or None if none was met in a few tries."""
    for _ in range(TRIES):
        shifts, homes = list(plan.shifts), list(plan.homes)
        if site.rules.home_changes and chance.random() < 0.03:
            _rehome(site, homes, chance)
        else:
            for _ in range(chance.choice((1, 1, 2))):
                _alter(site, shifts, chance)
            _balance(site, shifts, cells, chance)
        found = Plan(tuple(shifts), tuple(homes))
        if found != plan and _keeps(site, found, cells):
            return found
    return None


def _keeps(site: Site, plan: Plan, cells: int) -> bool:
    return (
        plan.cells <= cells
        and sum(home != 0 for home in plan.homes) <= site.rules.home_changes
        and all(crew_keeps(crew, plan.shifts) for crew in site.crews)
        and covers(site, site.opened(plan))
    )


def _rehome(site: Site, homes: list[int], chance: Random) -> None:
    place = chance.randrange(len(homes))
    homes[place] = chance.randrange(len(site.counters[place].serves))


def _alter(site: Site, shifts: list[Shift], chance: Random) -> None:
    """One counter's spans changed, if the change keeps the counter's own rules."""
    way = chance.choice(
        (_move_edge, _move_edge, _move_edge, _slide, _give, _give, _drop, _add, _split)
    )
    way(site, shifts, chance)


def _put(site: Site, shifts: list[Shift], place: int, spans: Sequence[Cells]) -> bool:
    shift = tuple(sorted(spans))
    if not shift_keeps(site, shift):
        return False
    shifts[place] = shift
    return True


def _any_open(shifts: Sequence[Shift], chance: Random) -> int:
    return chance.choice([k for k, shift in enumerate(shifts) if shift])


def _move_edge(site: Site, shifts: list[Shift], chance: Random) -> None:
    place = _any_open(shifts, chance)
    spans = list(shifts[place])
    which = chance.randrange(len(spans))
    begin, end = spans[which]
    step = chance.choice((-4, -2, -2, -1, -1, -1, 1, 1, 1, 2, 2, 4))
    spans[which] = (begin + step, end) if chance.random() < 0.5 else (begin, end + step)
    _put(site, shifts, place, spans)


def _slide(site: Site, shifts: list[Shift], chance: Random) -> None:
    place = _any_open(shifts, chance)
    spans = list(shifts[place])
    which = chance.randrange(len(spans))
    step = chance.choice((-4, -2, -1, 1, 2, 4))
    spans[which] = (spans[which][0] + step, spans[which][1] + step)
    _put(site, shifts, place, spans)


def _give(site: Site, shifts: list[Shift], chance: Random) -> None:
    """A span goes to another counter; or two counters change their days."""
    one, two = _any_open(shifts, chance), chance.randrange(len(shifts))
    if one == two:
        return
    if chance.random() < 0.4:
        shifts[one], shifts[two] = shifts[two], shifts[one]
        return
    spans = list(shifts[one])
    span = spans.pop(chance.randrange(len(spans)))
    if _put(site, shifts, two, [*shifts[two], span]) and not _put(site, shifts, one, spans):
        shifts[one] = ()


def _drop(site: Site, shifts: list[Shift], chance: Random) -> None:
    place = _any_open(shifts, chance)
    spans = list(shifts[place])
    spans.pop(chance.randrange(len(spans)))
    _put(site, shifts, place, spans)


def _add(site: Site, shifts: list[Shift], chance: Random) -> None:
    place = chance.randrange(len(shifts))
    long = -(-site.rules.shortest_span // site.rules.grid_minutes) + chance.choice((0, 0, 1, 2))
    session = chance.choice(site.hours)
    if session[1] - session[0] >= long:
        begin = chance.randrange(session[0], session[1] - long + 1)
        _put(site, shifts, place, [*shifts[place], (begin, begin + long)])


def _split(site: Site, shifts: list[Shift], chance: Random) -> None:
    """A break in a long span, or none between two."""
    place = _any_open(shifts, chance)
    spans = list(shifts[place])
    if len(spans) == 2 and chance.random() < 0.5:
        _put(site, shifts, place, [(spans[0][0], spans[1][1])])
        return
    begin, end = spans.pop(chance.randrange(len(spans)))
    pause = max(-(-site.rules.shortest_break // site.rules.grid_minutes), 1) + chance.choice((0, 2))
    if end - begin > pause:
        at = chance.randrange(begin, end - pause)
        _put(site, shifts, place, [*spans, (begin, at), (at + pause, end)])


def _balance(site: Site, shifts: list[Shift], cells: int, chance: Random) -> None:
    """Edges elsewhere give or take what the change cost or freed."""
    for _ in range(TRIES):
        over = sum(end - begin for shift in shifts for begin, end in shift) - cells
        if over == 0 or not any(shifts):
            return
        place = _any_open(shifts, chance)
        spans = list(shifts[place])
        which = chance.randrange(len(spans))
        begin, end = spans[which]
        step = min(abs(over), chance.choice((1, 2, 4))) * (1 if over > 0 else -1)
        spans[which] = (begin + step, end) if chance.random() < 0.5 else (begin, end - step)
        _put(site, shifts, place, spans)
