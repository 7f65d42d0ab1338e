"""How sure a figure is: the interval of a share, of a mean, of a difference; how many answers are enough.

* Share: Wilson's score interval. It never leaves 0–1 and has a width also when all say the same.
* Mean of scores between two bounds: Hoeffding's inequality in its first, exact form (1963, theorem 1). It holds for
  any number of answers and any shape of the scores, where the usual mean ± 1.96 deviations does neither: after
  thirty fives that one is a point. The price is width, most where the scores are alike.
* Difference of two shares: Newcombe's interval, made of both Wilson intervals (1998, method 10). For shares near 0
  or 1 of few answers, compared many times over, it is a little too narrow; Fisher's exact test is not (`by_chance`).

All ask that answers are independent. An interval says nothing about those who did not answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import NormalDist

from ..wire.words import Frozen

ENOUGH = 30
"""With fewer answers there is no figure to rely on: "chưa đủ mẫu". A setting may name another number."""
LEVEL = 0.95
MARGIN = 0.05
"""The usual error e of the sample size (the interior ministry's training text)."""
_HALVINGS = 60


class Interval(Frozen):
    """`low`–`high` holds the true value in `level` of all cases."""

    low: float
    high: float
    level: float = LEVEL

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def wilson(hits: float, n: float, level: float = LEVEL) -> Interval | None:
    """The interval of the share `hits` ÷ `n`, 0–1; None without answers.

    Both may be fractions, where answers count less than one each (`effective`).
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share")
    if n == 0:
        return None
    share, z = hits / n, _z(level)
    weight = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / weight
    half = z / weight * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return Interval(low=low, high=high, level=level)


def bounded_mean(
    total: float, n: float, lowest: float, highest: float, level: float = LEVEL
) -> Interval | None:
    """The interval of the mean `total` ÷ `n` of scores from `lowest` to `highest`; None without answers.

    It holds every mean μ of which the seen one is not further off than exp(−n·KL(seen, μ)) allows, half of
    1 − `level` on either side.
    """
    if n == 0:
        return None
    width = highest - lowest
    seen = (total / n - lowest) / width
    if not -1e-9 <= seen <= 1 + 1e-9:
        raise ValueError(f"a mean of {total / n} is not between {lowest} and {highest}")
    seen = min(1.0, max(0.0, seen))
    allowed = math.log(2 / (1 - level)) / n
    low, high = _furthest(seen, 0.0, allowed), _furthest(seen, 1.0, allowed)
    return Interval(low=lowest + width * low, high=lowest + width * high, level=level)


def difference(
    hits: float, n: float, other_hits: float, other_n: float, level: float = LEVEL
) -> Interval | None:
    """The interval of the first share less the second, −1 to 1; None where one has no answers."""
    one, other = wilson(hits, n, level), wilson(other_hits, other_n, level)
    if one is None or other is None:
        return None
    first, second = hits / n, other_hits / other_n
    seen = first - second
    return Interval(
        low=max(-1.0, seen - math.hypot(first - one.low, other.high - second)),
        high=min(1.0, seen + math.hypot(one.high - first, second - other.low)),
        level=level,
    )


def by_chance(hits: int, n: int, other_hits: int, other_n: int) -> float:
    """How likely shares at least so far apart are if there is no difference, 0–1: Fisher's test, both sides alike.

    Exact for any number of answers; twice the chance of what was seen and what lies further out on its side.
    """
    good, everybody = hits + other_hits, n + other_n
    if not n or not other_n:
        return 1.0
    bad_elsewhere = everybody - good - n + hits
    chance = math.exp(
        _log_ways(good, hits) + _log_ways(everybody - good, n - hits) - _log_ways(everybody, n)
    )
    seen, tail = hits, 0.0
    down = hits * everybody <= n * good
    while chance > tail * 1e-12:
        tail += chance
        if down:
            chance *= seen * bad_elsewhere / ((good - seen + 1) * (n - seen + 1))
            seen, bad_elsewhere = seen - 1, bad_elsewhere - 1
        else:
            chance *= (good - seen) * (n - seen) / ((seen + 1) * (bad_elsewhere + 1))
            seen, bad_elsewhere = seen + 1, bad_elsewhere + 1
    return min(1.0, 2 * tail)


def effective(weights: Iterable[float]) -> float:
    """How many independent answers weigh as much as people of such weights (Kish): (Σw)² ÷ Σw².

    One person's answers to several questions are not independent; counted so, they weigh as one.
    """
    known = [w for w in weights if w > 0]
    squares = math.fsum(w * w for w in known)
    return math.fsum(known) ** 2 / squares if squares else 0.0


def sample_size(population: int, margin: float = MARGIN) -> int:
    """How many of `population` are to be asked: n = N ÷ (1 + N·e²), rounded up."""
    if population < 0 or margin <= 0:
        raise ValueError("a population is not below 0, an error above 0")
    return math.ceil(population / (1 + population * margin * margin) - 1e-9)


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _log_ways(n: int, k: int) -> float:
    """The logarithm of the ways to choose `k` of `n`."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _furthest(seen: float, bound: float, allowed: float) -> float:
    """The value furthest from `seen` towards `bound` that is still possible, to the last bit outwards."""
    inside, outside = seen, bound
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if _apart(seen, middle) <= allowed:
            inside = middle
        else:
            outside = middle
    return outside


def _apart(seen: float, mean: float) -> float:
    """Kullback and Leibler's distance of two shares, in nats."""
    apart = 0.0
    for p, q in ((seen, mean), (1 - seen, 1 - mean)):
        if p > 0:
            apart += math.inf if q <= 0 else p * math.log(p / q)
    return apart
