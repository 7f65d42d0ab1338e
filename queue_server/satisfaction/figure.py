"""What every calculator hands out: a figure with what it was made of, how sure it is, and where the rule stands."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from ..wire.words import Frozen
from .intervals import ENOUGH, Interval


class Certainty(StrEnum):
    """How well the rule itself is known: its text was read, it is common knowledge of the field, or unsure."""

    SOURCED = "sourced"
    WELL_KNOWN = "well_known"
    UNSURE = "unsure"


class Source(Frozen):
    """`article` as one cites it, in Vietnamese."""

    article: str
    certainty: Certainty


class Figure(Frozen):
    """`numerator` ÷ `denominator` as `value`, in the unit and with the rounding of its calculator.

    `value` None: there is nothing to divide by ("N/A"). `n`: how many people, dossiers or things it rests on;
    not `enough`: to be shown as "chưa đủ mẫu", with no grade or class beside it. `interval` is of the unrounded value,
    None where all are counted rather than asked.
    """

    source: Source
    numerator: float
    denominator: float
    n: int
    value: float | None = None
    interval: Interval | None = None
    enough: bool = False


def is_enough(n: int, least: int = ENOUGH) -> bool:
    return n > 0 and n >= least


def half_up(number: Fraction, decimals: int) -> float:
    """Rounded as at school: a half goes up (0.25 → 0.3; Python's own `round` gives 0.2)."""
    scale = 10**decimals
    return float(Fraction((2 * number * scale + 1).__floor__() // 2, scale))
