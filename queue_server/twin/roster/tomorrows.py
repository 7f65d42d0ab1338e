"""Tomorrow as past days let expect it: work by service and hour, and whole days drawn anew around them.

A plan that is tried on the very days it learned from would fit their chances. So minutes are drawn anew, and
most days are mixed of all the past days' visitors, busy and quiet days in their true shares.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.random import Generator

from ..day import Day, DayVisitor
from ..learn import Knowledge
from .shifts import Site

SPREAD_OF_DAYS = 0.06
SPREAD_COUNTS = 10.0
"""The usual spread between days counts like so many days of history."""
CAREFUL = 1.0
"""Drawn days are busier than the past by so many standard errors of its mean: few days may have been quiet
ones, and a day too busy for its plan costs visitors more than a day too quiet for it."""
JITTER = 10.0
"""A drawn visitor comes up to so many minutes earlier or later than she did."""
SMOOTHED = (0.25, 0.5, 0.25)
"""A cell's work is shared with its neighbours, as few past days leave gaps by chance."""


def expected_work(history: Sequence[Day], knowledge: Knowledge, site: Site) -> np.ndarray:
    """Services × cells from the first opening on: expected minutes at a counter of mean pace."""
    work = np.zeros((len(site.services), site.last - site.first))
    rows = {s: k for k, s in enumerate(site.services)}
    for day in history:
        for place, visitor in enumerate(day.visitors):
            cell = int(_comes(visitor) // site.rules.grid_minutes) - site.first
            cell = min(max(cell, 0), work.shape[1] - 1)
            for service in (visitor.service, *visitor.then):
                minutes = knowledge.minutes_of(day, place, service)
                minutes += knowledge.absent * (day.no_show_minutes - minutes)
                work[rows[service], cell] += minutes
    padded = np.pad(work / len(history), ((0, 0), (1, 1)), mode="edge")
    smooth = sum(share * padded[:, k : k + work.shape[1]] for k, share in enumerate(SMOOTHED))
    return np.asarray(smooth)


def tomorrows(history: Sequence[Day], knowledge: Knowledge, many: int, seed: int) -> list[Day]:
    """So many days: a third are past days with minutes drawn anew, the others are mixed of all of them."""
    rng = np.random.default_rng([seed, 31])
    again = min(len(history), many // 3)
    chosen = rng.permutation(len(history))[:again]
    days = [history[k] for k in chosen]
    days += [_mixed(history, factor, rng) for factor in _factors(history, many - again, rng)]
    order = rng.permutation(len(days))
    return [_drawn(days[k], knowledge, rng) for k in order]


def _comes(visitor: DayVisitor) -> float:
    return max(visitor.arrives, visitor.booked or 0.0)


def _factors(history: Sequence[Day], many: int, rng: Generator) -> np.ndarray:
    """How busy days are against the mean, evenly from the quietest to the busiest."""
    counts = np.array([len(day.visitors) for day in history], dtype=float)
    mean = max(float(counts.mean()), 1.0)
    beyond = max(float(((counts - mean) ** 2).sum()) / mean**2 - (len(counts) - 1) / mean, 0.0)
    square = (SPREAD_COUNTS * SPREAD_OF_DAYS**2 + beyond) / (SPREAD_COUNTS + len(counts) - 1)
    unsure = square / len(counts)
    drawn = rng.gamma(1.0 / (square + unsure), square + unsure, 4000) + CAREFUL * unsure**0.5
    return np.asarray(np.quantile(drawn, (np.arange(many) + 0.5) / max(many, 1)))


def _mixed(history: Sequence[Day], factor: float, rng: Generator) -> Day:
    everyone = [v for day in history for v in day.visitors]
    many = int(rng.poisson(factor * len(everyone) / len(history)))
    first = min((v.arrives for v in everyone), default=0.0)
    last = max((v.arrives for v in everyone), default=0.0)
    found = []
    for k in rng.integers(0, max(len(everyone), 1), many if everyone else 0):
        visitor = everyone[int(k)]
        at = min(max(visitor.arrives + rng.uniform(-JITTER, JITTER), first), last)
        if visitor.booked is None:
            visitor = msgspec.structs.replace(visitor, arrives=float(at))
        found.append(visitor)
    return msgspec.structs.replace(history[-1], visitors=tuple(found))


def _drawn(day: Day, knowledge: Knowledge, rng: Generator) -> Day:
    found = []
    for place, visitor in enumerate(day.visitors):
        mean = knowledge.minutes_of(day, place, visitor.service)
        sigma = knowledge.sigma_of(visitor.service, visitor.expected is not None)
        minutes = float(mean * np.exp(rng.normal(-0.5 * sigma**2, sigma)))
        shows = bool(rng.random() >= knowledge.absent)
        found.append(msgspec.structs.replace(visitor, minutes=min(minutes, 600.0), shows=shows))
    return msgspec.structs.replace(day, visitors=tuple(found))
