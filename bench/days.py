"""Many days played under many rules, compiled; the same days for all."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from queue_server.line.rule import NOBODY, Weights
from queue_server.twin import baselines, fast
from queue_server.twin.day import Day
from queue_server.twin.generate import generate
from queue_server.twin.history import as_history
from queue_server.twin.learn import Knowledge, learned
from queue_server.twin.replay import START, fresh_run, laid_out, replay

MEAN, PRIORITY, ORDINARY = 15.0, 15.0, 45.0
"""The promise, in minutes: mean wait, and the 95th percentiles of priority and ordinary visitors."""


@dataclass
class Played:
    """A day laid out once, to be played again and again."""

    day: Day
    policy: str
    knowledge: Knowledge = START

    def __post_init__(self) -> None:
        self._out = laid_out(self.day, self.policy, self.knowledge, fast.array)
        self._start = [
            c.copy() for c in (self._out.line.since, self._out.line.place, self._out.hall.pace)
        ]
        self.shown = np.array([v.shows for v in self.day.visitors])
        self.priority = np.array([bool(v.priority) for v in self.day.visitors])

    def waits(self, policy: str, weights: Weights) -> tuple[Any, Any]:
        """(ordinary, priority) waits of those who showed up, minutes."""
        out = self._out
        out.line.since[:], out.line.place[:], out.hall.pace[:] = self._start
        out.line.passed[:] = 0
        out.line.passed_by_priority[:] = 0
        run = fresh_run(out.rows, out.hall.counters, out.hall.services, fast.array)
        kind = baselines.KINDS[policy]
        fast.play(out.hall, out.line, out.truth, out.arrivals, run, kind, weights, math.inf, NOBODY)
        waits = run.called - out.line.since
        self.passed = int(out.line.passed.max())
        self.worst = float(waits.max())
        return waits[self.shown & ~self.priority], waits[self.shown & self.priority]


@functools.lru_cache(maxsize=4000)
def day_of(family: str, load: float, seed: int) -> Day:
    return generate(family, load, seed)


@functools.lru_cache(maxsize=20_000)
def laid(family: str, load: float, seed: int, narrow: str) -> Played:
    return Played(day_of(family, load, seed), narrow)


def forget() -> None:
    """Days of one family are not needed for the next."""
    day_of.cache_clear()
    laid.cache_clear()


Waits = list[tuple[Any, Any]]


def play_days(family: str, load: float, seeds: range, policy: str, weights: Weights) -> Waits:
    narrow = policy if policy in ("static", "fqm", "groups") else "balanced"
    return [laid(family, load, seed, narrow).waits(policy, weights) for seed in seeds]


@dataclass(frozen=True)
class Figures:
    """Pooled over days: mean of all, 95th percentiles; minutes."""

    mean: float
    ordinary: float
    priority: float

    @property
    def kept(self) -> bool:
        return self.mean <= MEAN and self.ordinary <= ORDINARY and self.priority <= PRIORITY


def pooled(days: Waits) -> Figures:
    ordinary = np.concatenate([o for o, _ in days])
    priority = np.concatenate([p for _, p in days])
    everyone = np.concatenate([ordinary, priority])
    return Figures(
        float(everyone.mean()),
        float(np.quantile(ordinary, 0.95)),
        float(np.quantile(priority, 0.95)) if len(priority) else 0.0,
    )


def capacity(family: str, policy: str, seeds: range, weights: Weights, least: int = 30) -> float:
    """The highest load, in hundredths, up to which the promise is kept, pooled over the days."""
    low, high = least, 120
    while high - low > 1:
        middle = (low + high) // 2
        kept = pooled(play_days(family, middle / 100, seeds, policy, weights)).kept
        low, high = (middle, high) if kept else (low, middle)
    return low / 100


def capacity_between(
    family: str, policy: str, seeds: range, weights: Weights, found: float, draws: int = 200
) -> tuple[float, float]:
    """A 95 % interval of the capacity, by drawing whole days again around what was found."""
    loads = [round(found + step / 100, 2) for step in range(-6, 7)]
    played = {load: play_days(family, load, seeds, policy, weights) for load in loads}
    chance = np.random.default_rng(1)
    reached = []
    for _ in range(draws):
        drawn = chance.integers(0, len(seeds), len(seeds))
        kept = [load for load in loads if pooled([played[load][k] for k in drawn]).kept]
        reached.append(max(kept, default=loads[0]))
    return float(np.quantile(reached, 0.025)), float(np.quantile(reached, 0.975))


def history_of(family: str, load: float, seeds: range, policy: str = "balanced") -> Knowledge:
    """What past days of this centre teach."""
    days = [generate(family, load, seed) for seed in seeds]
    return learned([as_history(day, replay(day, policy)) for day in days])
