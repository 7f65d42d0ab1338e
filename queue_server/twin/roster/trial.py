"""A plan tried on drawn tomorrows by the live rule, compiled: how near each part of the promise comes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from ...line.rule import HELPS, HOME, NOBODY, ORDINARY, Line, Weights
from .. import fast
from ..baselines import BALANCED
from ..day import Day
from ..engine import Hall, Run
from ..learn import Knowledge
from ..replay import Layout, fresh_run, laid_out
from .shifts import Plan, Site

MEAN, PRIORITY, ORDINARY_95 = 15.0, 15.0, 45.0
"""The promise: mean wait, and the waits that 95 % of priority and of ordinary visitors stay below."""
NEVER = 240.0
"""Who is never called counts as having waited so many minutes."""
SHARP = 8.0
"""The worst part of the promise weighs most: the mean of so high a power, a smooth greatest."""
MEAN_WEIGHT = 0.15
HALF_HOURS_WEIGHT = 0.1


@dataclass(frozen=True)
class Outcome:
    """Waits in minutes, over all days that were played."""

    mean: float
    priority_95: float
    ordinary_95: float
    half_hours: float
    """Share of half-hours whose visitors waited more than 15 minutes on the mean."""

    @property
    def keeps(self) -> bool:
        return self.worst <= 1.0

    @property
    def worst(self) -> float:
        """The greatest ratio to the promise."""
        return max(self.mean / MEAN, self.priority_95 / PRIORITY, self.ordinary_95 / ORDINARY_95)

    @property
    def cost(self) -> float:
        ratios = (self.mean / MEAN, self.priority_95 / PRIORITY, self.ordinary_95 / ORDINARY_95)
        worst = float((sum(r**SHARP for r in ratios) / len(ratios)) ** (1.0 / SHARP))
        return worst + MEAN_WEIGHT * self.mean / MEAN + HALF_HOURS_WEIGHT * self.half_hours


@dataclass(frozen=True)
class Drawn:
    """One day laid out once; a plan changes only the hall."""

    layout: Layout
    run: Run
    priority: np.ndarray
    half_hour: np.ndarray
    counted: np.ndarray
    """Rows that are errands of their own (the row of a visit of several only stands for its coming)."""


class Trial:
    """Days to try plans on; safe to use from several threads, as each play has its own columns."""

    def __init__(
        self, site: Site, days: Sequence[Day], knowledge: Knowledge, weights: Weights = Weights()
    ) -> None:
        self._site, self._weights = site, weights
        services = [s for s in days[0].services if s.id in site.services]
        self._columns = {s.id: k for k, s in enumerate(services)}
        here = [msgspec.structs.replace(d, counters=site.counters) for d in days]
        here = [msgspec.structs.replace(d, services=tuple(services)) for d in here]
        self.pace = _paces(here[0], knowledge)
        self.days = [_drawn(day, knowledge) for day in here]

    def outcome(self, waits: Sequence[np.ndarray]) -> Outcome:
        """Of the first days, as many as there are waits."""
        days = self.days[: len(waits)]
        every = np.concatenate(waits)
        priority = np.concatenate([d.priority for d in days])
        bins = np.concatenate([d.half_hour + 400 * k for k, d in enumerate(days)])
        many = np.bincount(bins)
        sums = np.bincount(bins, weights=every)
        met = many > 0
        return Outcome(
            mean=float(every.mean()) if len(every) else 0.0,
            priority_95=_p95(every[priority]),
            ordinary_95=_p95(every[~priority]),
            half_hours=float((sums[met] > MEAN * many[met]).mean()) if met.any() else 0.0,
        )

    def waits(self, plan: Plan, place: int) -> np.ndarray:
        """Each visitor's wait on one of the days."""
        drawn = self.days[place]
        line, run = _fresh(drawn.layout.line), Run(*(column.copy() for column in drawn.run))
        fast.play(
            self._hall(plan), line, drawn.layout.truth, drawn.layout.arrivals, run,
            BALANCED, self._weights, math.inf, NOBODY,
        )  # fmt: skip
        waits = np.where(run.called >= 0.0, run.called - line.since, NEVER)
        return np.asarray(waits[drawn.counted])

    def played(self, plan: Plan) -> Outcome:
        return self.outcome([self.waits(plan, k) for k in range(len(self.days))])

    def _hall(self, plan: Plan) -> Hall:
        counters, services = len(self._site.counters), len(self._columns)
        can = np.zeros((counters, services), dtype=np.int64)
        for place, counter in enumerate(self._site.counters):
            for k, service in enumerate(counter.serves):
                if service in self._columns:
                    can[place, self._columns[service]] = HOME if k == plan.homes[place] else HELPS
        at, which, opens = self._edges(plan)
        flat = self.pace.reshape(-1)
        return Hall(
            counters, services, can.reshape(-1), flat, flat.copy(), flat,
            np.ones(counters, dtype=np.bool_), (can > 0).sum(axis=1), at, which, opens,
        )  # fmt: skip

    def _edges(self, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        last = max((end for shift in plan.shifts for _, end in shift), default=0)
        edges = [
            edge
            for place, shift in enumerate(plan.shifts)
            for begin, end in shift
            for edge in ((begin, 1, place), (end, 0, place))
            if edge[1] or end < last
        ]
        edges.sort(key=lambda edge: (edge[0], edge[1]))
        grid = float(self._site.rules.grid_minutes)
        at, opens, which = zip(*edges, strict=True)
        return np.array(at) * grid, np.array(which), np.array(opens)


def _paces(day: Day, knowledge: Knowledge) -> np.ndarray:
    """Counters × services, as they were learned at the homes of the past."""
    return np.array(
        [
            [knowledge.pace_of(day, place, s.id) for s in day.services]
            for place in range(len(day.counters))
        ]
    )


def _drawn(day: Day, knowledge: Knowledge) -> Drawn:
    layout = laid_out(day, "balanced", knowledge, fast.array)
    rows, services = layout.rows, len(day.services)
    several = np.array([bool(v.then) for v in day.visitors] + [False] * (rows - len(day.visitors)))
    counted = ~several
    return Drawn(
        layout=layout,
        run=fresh_run(rows, len(day.counters), services, fast.array),
        priority=np.asarray(layout.line.rank < ORDINARY)[counted],
        half_hour=np.asarray(layout.line.since // 30.0, dtype=np.int64)[counted],
        counted=counted,
    )


def _fresh(line: Line) -> Line:
    return line._replace(
        place=line.place.copy(),
        since=line.since.copy(),
        passed=line.passed.copy(),
        passed_by_priority=line.passed_by_priority.copy(),
    )


def _p95(waits: np.ndarray) -> float:
    return float(np.percentile(waits, 95)) if len(waits) else 0.0
