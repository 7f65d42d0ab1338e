"""Tomorrow's roster from past days: who serves what, and when which counter is open, within the shift rules.

What past days teach gives a first plan (`seed.py`), which then is changed for the better on drawn
tomorrows that the live rule plays (`search.py`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from ..day import Day, Roster
from ..learn import Knowledge, learned
from .search import Budget, searched
from .seed import first_plan
from .shifts import NoPlan, Officers, Plan, ShiftRules, Site, broken, roster_of, site_of
from .tomorrows import expected_work, tomorrows
from .trial import Outcome, Trial

DAYS = 32
"""Drawn days that plans are tried on: fewer, where many visitors come."""
VISITORS = 24_000
FEWEST_DAYS = 4
SEED_SHARE = 0.25
"""Share of the time that the first plan may take."""
LEAST_SEARCH = 0.3
"""Share that the search has at least, also where compiling took long on a busy machine."""
SEED_NODES = 1
MOST_SEED_SECONDS = 120.0
FOREVER = 1e9


@dataclass(frozen=True)
class Effort:
    """How long to search: seconds in all, or so many changes (then the clock has no say)."""

    seconds: float = 45.0
    evaluations: int = 0
    seed: int = 0
    days: int = DAYS


@dataclass(frozen=True)
class Planned:
    """A roster, and what it and the first plan came to on the drawn days."""

    roster: Roster
    first: Roster
    expected: Outcome
    expected_first: Outcome
    minutes: int


def plan_roster(
    history: Sequence[Day],
    minutes: float,
    rules: ShiftRules = ShiftRules(),
    officers: Officers = Officers(),
    effort: Effort = Effort(),
) -> Planned:
    """A roster that keeps every rule with at most so many counter-minutes open. Raises NoPlan."""
    begun = time.monotonic()
    if not 0 < minutes < FOREVER:
        raise NoPlan(f"{minutes:g} counter-minutes are no time that can be planned")
    site = site_of(history, rules, officers)
    if not _visitors(history):
        raise NoPlan("nobody came on the days of the history")
    history = _of_one_centre(history)
    knowledge = learned(history)
    counted = bool(effort.evaluations)
    work = expected_work(history, knowledge, site)
    seconds = MOST_SEED_SECONDS if counted else SEED_SHARE * effort.seconds
    first = first_plan(site, work, _pace(site, history, knowledge), minutes, seconds, SEED_NODES)
    many = max(min(effort.days, VISITORS * len(history) // _visitors(history)), FEWEST_DAYS)
    _check(site, first, minutes)
    trial = Trial(site, tomorrows(history, knowledge, many, effort.seed), knowledge)
    expected_first = trial.played(first)
    late = time.monotonic() + LEAST_SEARCH * effort.seconds
    until = begun + FOREVER if counted else max(begun + effort.seconds, late)
    budget = Budget(until, effort.evaluations)
    plan, expected = searched(site, trial, first, minutes, budget, effort.seed)
    _check(site, plan, minutes)
    return Planned(
        roster=roster_of(site, plan),
        first=roster_of(site, first),
        expected=expected,
        expected_first=expected_first,
        minutes=plan.cells * rules.grid_minutes,
    )


def _visitors(history: Sequence[Day]) -> int:
    return sum(len(day.visitors) for day in history)


def _of_one_centre(history: Sequence[Day]) -> list[Day]:
    """The days with the services of all of them, as the latest day describes each."""
    services = {s.id: s for day in history for s in day.services}
    return [replace(day, services=tuple(services.values())) for day in history]


def _pace(site: Site, history: Sequence[Day], knowledge: Knowledge) -> np.ndarray:
    """Services × counters: factor on the minutes there."""
    here = replace(history[-1], counters=site.counters)
    return np.array(
        [
            [knowledge.pace_of(here, place, s) for place in range(len(site.counters))]
            for s in site.services
        ]
    )


def _check(site: Site, plan: Plan, minutes: float) -> None:
    wrong = broken(site, plan, minutes)
    if wrong:
        raise NoPlan(f"no plan was found; the best one breaks a rule: {wrong}")
