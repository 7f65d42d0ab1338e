"""How well waits were foretold: what visitors were told at issue, held against how long they waited."""

from __future__ import annotations

from collections.abc import Iterable

from ..wire.words import Estimate, Frozen

FEWEST = 30
"""Below this many visits a score says nothing yet."""


class Score(Frozen):
    """Sums over `count` visitors, in minutes: |told − waited|, told − waited, and how many inside low–high."""

    count: int = 0
    error: float = 0.0
    bias: float = 0.0
    inside: int = 0

    @property
    def enough(self) -> bool:
        return self.count >= FEWEST

    @property
    def mean_error(self) -> float:
        return self.error / self.count if self.count else 0.0

    @property
    def mean_bias(self) -> float:
        return self.bias / self.count if self.count else 0.0

    @property
    def share_inside(self) -> float:
        return self.inside / self.count if self.count else 0.0


class DayScores(Frozen):
    """The scores of one whole day, by service."""

    day: str = ""
    services: dict[str, Score] = {}


def scored(score: Score, told: Estimate, waited: float, sign: int = 1) -> Score:
    """The score with one visitor more (`sign` -1: one less, a call undone); `waited` in minutes."""
    off = told.minutes - waited
    inside = told.low <= waited <= told.high
    return Score(
        count=score.count + sign,
        error=round(score.error + sign * abs(off), 3),
        bias=round(score.bias + sign * off, 3),
        inside=score.inside + sign * inside,
    )


def together(scores: Iterable[Score]) -> Score:
    """Several services as one."""
    known = list(scores)
    return Score(
        count=sum(s.count for s in known),
        error=sum(s.error for s in known),
        bias=sum(s.bias for s in known),
        inside=sum(s.inside for s in known),
    )
