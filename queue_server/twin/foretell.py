"""What each visitor of a replayed day is told when she comes: quantiles of her wait, from futures.

The day is played by the compiled engine from one coming to the next; at each the futures begin from what the
centre knows at that moment. Told waits are held against what came of them as the day goes (`Calibration`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..line.rule import NOBODY, Weights
from . import baselines, fast, futures
from .day import Day
from .engine import Run
from .futures import Belief
from .learn import Came, Knowledge
from .replay import START, Called, Layout, fresh_run, laid_out, ranked, read_back


@dataclass(frozen=True)
class Told:
    """Minutes: median and 80 % interval of a wait."""

    p10: float
    p50: float
    p90: float


STEP = 0.01
FEWEST, USUAL_LINE = 8, 150
"""Futures of one estimate at the least; above so many waiting they are thinned out."""
BUDGET_S = 60.0
RECENT = 60.0
AT_ONCE = Told(0.0, 0.0, 0.0)


def belief_of(day: Day, layout: Layout, knowledge: Knowledge) -> Belief:
    """What futures of this day draw from."""
    names = {service: k for k, service in enumerate(layout.services)}
    sigma = []
    for row in range(layout.rows):
        visitor = day.visitors[layout.visitor[row]]
        service = layout.services[layout.line.service[row]]
        foretold = visitor.expected is not None and service == visitor.service
        sigma.append(knowledge.sigma_of(service, foretold))
    pools = [[c for c in past if c.service in names] for past in knowledge.came]
    everyone = [c for pool in pools for c in pool]
    return Belief(
        sigma=np.array(sigma),
        absent=knowledge.absent,
        no_show_minutes=float(day.no_show_minutes),
        pool_from=np.cumsum([0, *(len(pool) for pool in pools)]),
        pool_at=np.array([c.at for c in everyone], dtype=float),
        pool_service=np.array([names[c.service] for c in everyone], dtype=np.int64),
        pool_rank=np.array([ranked(c.priority) for c in everyone], dtype=np.int64),
        pool_expected=np.array([_expected(day, knowledge, c) for c in everyone], dtype=float),
        pool_sigma=np.array(
            [knowledge.sigma_of(c.service, c.expected is not None) for c in everyone], dtype=float
        ),
    )


def _going_on(
    belief: Belief, layout: Layout, coming: Sequence[int], place: int, now: float
) -> Belief:
    """Without any past day: the last hour's newcomers come again in each of the next two hours."""
    lately = [v for v in coming[:place] if layout.truth.ready[v] > now - RECENT]
    again = [(layout.truth.ready[v] + RECENT * k, v) for k in (1, 2) for v in lately]
    again.sort()
    rows = [v for _, v in again]
    return belief._replace(
        pool_from=np.array([0, len(rows)]),
        pool_at=np.array([at for at, _ in again], dtype=float),
        pool_service=layout.line.service[rows] if rows else np.zeros(0, dtype=np.int64),
        pool_rank=layout.line.rank[rows] if rows else np.zeros(0, dtype=np.int64),
        pool_expected=layout.line.expected[rows] if rows else np.zeros(0),
        pool_sigma=belief.sigma[rows] if rows else np.zeros(0),
    )


def _expected(day: Day, knowledge: Knowledge, came: Came) -> float:
    if came.expected is not None:
        return came.expected * knowledge.foretold.get(came.service, 1.0)
    set_mean = next(s.mean_minutes for s in day.services if s.id == came.service)
    return knowledge.means.get(came.service, set_mean)


class Calibration:
    """Narrows or widens intervals so that 80 of 100 hold, by what today's told waits came to.

    An online quantile tracker (Gibbs & Candès 2021): each told interval that failed widens the next
    ones, each that held narrows them a little.
    """

    def __init__(self, step: float = STEP, wanted: float = 0.8) -> None:
        self._step, self._wanted = step, wanted
        self.scale = 1.0

    def score(self, told: Told, waited: float) -> None:
        missed = not told.p10 - 0.05 <= waited <= told.p90 + 0.05
        change = self._step * (missed - (1.0 - self._wanted))
        self.scale = min(1.6, max(0.6, self.scale * math.exp(change)))

    def told(self, raw: tuple[float, float, float]) -> Told:
        low, middle, high = raw
        return Told(
            p10=max(0.0, middle - self.scale * (middle - low)),
            p50=middle,
            p90=middle + self.scale * (high - middle),
        )


def replay_fast(
    day: Day, policy: str = "balanced", weights: Weights = Weights(), knowledge: Knowledge = START
) -> list[list[Called]]:
    """`replay` by the compiled engine: the same calls, sooner where lines are very long."""
    layout = laid_out(day, policy, knowledge, fast.array)
    run = fresh_run(layout.rows, layout.hall.counters, layout.hall.services, fast.array)
    fast.play(
        layout.hall, layout.line, layout.truth, layout.arrivals, run, baselines.KINDS[policy],
        weights, math.inf, NOBODY,
    )  # fmt: skip
    return read_back(day, layout, run)


def replay_telling(
    day: Day,
    policy: str,
    weights: Weights,
    knowledge: Knowledge = START,
    many: int = futures.FUTURES,
    seed: int = 1,
    calibration: Calibration | None = None,
    budget: float = BUDGET_S,
) -> tuple[Layout, Run, list[Told | None]]:
    """The played day, and what each visitor was told when she came.

    Lines longer than any hall holds are foretold from fewer futures; after `budget` seconds nobody is told
    any more (None), so that the answer comes in bounded time.
    """
    begun = time.monotonic()
    layout = laid_out(day, policy, knowledge, fast.array)
    hall = layout.hall
    run = fresh_run(layout.rows, hall.counters, hall.services, fast.array)
    kind = baselines.KINDS[policy]
    belief = belief_of(day, layout, knowledge)
    room = futures.room(layout.rows, hall.counters, hall.services)
    pace, waits = np.zeros(len(hall.pace)), np.zeros(many)
    futures.seed(seed)
    told: list[Told | None] = [None] * len(day.visitors)
    calibration = calibration or Calibration()
    open_ones: list[int] = []
    coming = sorted(range(len(day.visitors)), key=lambda v: (day.visitors[v].arrives, v))
    for place, visitor in enumerate(coming):
        now = day.visitors[visitor].arrives
        fast.play(hall, layout.line, layout.truth, layout.arrivals, run, kind, weights, now, NOBODY)
        open_ones = _score(open_ones, told, run, layout, day, now, calibration)
        row = _row_of(layout, run, visitor)
        if run.called[row] >= 0.0:
            told[visitor] = AT_ONCE
            calibration.score(AT_ONCE, 0.0)
            continue
        if time.monotonic() - begun > budget:
            continue
        if not knowledge.came:
            belief = _going_on(belief, layout, coming, place, now)
        here = min(many, max(FEWEST, int(many * (USUAL_LINE / max(1, run.count[0])) ** 2)))
        futures.called_in(
            room, hall, pace, layout.line, run, kind, weights, now, row,
            layout.truth.ready[visitor], belief, here, waits,
        )  # fmt: skip
        told[visitor] = calibration.told(
            futures.quantiles(np.maximum(waits[:here] - layout.line.since[row], 0.0))
        )
        open_ones.append(visitor)
    fast.play(
        hall, layout.line, layout.truth, layout.arrivals, run, kind, weights, math.inf, NOBODY
    )
    return layout, run, told


def _row_of(layout: Layout, run: Run, visitor: int) -> int:
    """The row of her errand that is waited for: the visit's own, or the one that `join` chose."""
    mates = int(layout.truth.mates[visitor])
    if mates == 1:
        return visitor
    first = int(layout.truth.mates_from[visitor])
    waiting = set(run.order[: run.count[0]].tolist())
    for row in range(first, first + mates):
        if row in waiting or run.called[row] >= 0.0:
            return row
    return first


def _score(
    open_ones: Sequence[int],
    told: Sequence[Told | None],
    run: Run,
    layout: Layout,
    day: Day,
    now: float,
    calibration: Calibration,
) -> list[int]:
    """Score whom has been called by now; gives those still open."""
    left = []
    for visitor in open_ones:
        row = _row_of(layout, run, visitor)
        said = told[visitor]
        if run.called[row] < 0.0 or run.called[row] > now:
            left.append(visitor)
        elif said is not None and day.visitors[visitor].shows:
            calibration.score(said, float(run.called[row] - layout.line.since[row]))
    return left
