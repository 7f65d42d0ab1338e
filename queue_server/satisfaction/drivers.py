"""What goes with satisfaction: its share by wait, service, hour, procedure and priority group, against the rest.

* Each level: its share with Wilson's interval; the difference from all the others with Newcombe's.
* Many comparisons find something by chance alone. Bonferroni: with m comparisons each difference's interval is drawn at
  1 − 0.05 ÷ m, however they depend on each other. A level is called different only where that interval leaves out 0 and
  Fisher's exact test gives chance no more than 0.05 ÷ m, so that where all is chance a page has such a word in 5 of
  100 cases at most. Holm's steps would find a little more, but word and interval would then often disagree.
* Small numbers: a level of fewer than five answers is hidden, and with it as many of the next smallest as it takes that
  the hidden, two at least, have five answers together; so none is had by taking the rest from the whole. Each driver
  splits the same answers (what is not known is a level of its own). A procedure lies within its service, whose sum is
  shown: so this is done service by service, and with a service all of its procedures are hidden. Two pages of times
  that overlap could still be taken from each other: whoever publishes shows whole, fixed times.

A difference is no cause: who waits long may also have the harder procedure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from ..wire.words import Frozen
from .intervals import ENOUGH, LEVEL, Interval, by_chance, difference, wilson

FEWEST = 5
"""A level with fewer answers is not shown."""


class By(StrEnum):
    WAIT = "wait"
    SERVICE = "service"
    HOUR = "hour"
    PROCEDURE = "procedure"
    GROUP = "group"


WITHIN: dict[str, str] = {By.PROCEDURE: By.SERVICE}
"""Drivers whose levels each lie within one level of another (`Tally.within`)."""


class Tally(Frozen):
    """So many answers of one level, so many of them satisfied. `within`: a procedure's service."""

    level: str
    answers: int
    satisfied: int
    within: str = ""


class Told(StrEnum):
    """A level against the rest, in a word."""

    BETTER = "better"
    WORSE = "worse"
    CHANCE = "chance"
    """It may as well be chance."""
    TOO_FEW = "too_few"
    """One of both sides has too few answers to say."""
    HIDDEN = "hidden"


class Level(Frozen):
    """One level; of a hidden one nothing but its name.

    `difference`: its share less that of all others of the driver, −1 to 1, None without others; its interval
    is drawn for as many comparisons as were made.
    """

    level: str
    told: Told
    within: str = ""
    answers: int | None = None
    satisfied: int | None = None
    share: float | None = None
    interval: Interval | None = None
    difference: float | None = None
    difference_interval: Interval | None = None


class Driver(Frozen):
    by: str
    levels: tuple[Level, ...]


class Drivers(Frozen):
    """All drivers of the same answers. `share` None: there are too few to show even the whole.

    `comparisons`: how many differences were looked at, for which the intervals are drawn.
    """

    drivers: tuple[Driver, ...]
    comparisons: int
    answers: int | None = None
    share: float | None = None
    interval: Interval | None = None
    enough: bool = False


Key = tuple[str, str]
"""`within` and `level`."""
Table = dict[Key, Tally]


def drivers(
    tables: Mapping[str, Iterable[Tally]],
    fewest: int = FEWEST,
    least: int = ENOUGH,
    level: float = LEVEL,
) -> Drivers:
    """Every driver with its levels by name. ValueError: the tables are not splits of the same answers."""
    merged = {by: _merged(table) for by, table in tables.items()}
    whole = _whole(merged)
    hidden = _hidden(merged, fewest)
    comparisons = sum(
        _comparable(tally, whole, least)
        for by, table in merged.items()
        for key, tally in table.items()
        if key not in hidden[by]
    )
    strict = 1 - (1 - level) / max(1, comparisons)
    shown = whole.answers >= max(1, fewest)
    return Drivers(
        drivers=tuple(
            Driver(
                by=by,
                levels=tuple(
                    Level(level=tally.level, within=tally.within, told=Told.HIDDEN)
                    if key in hidden[by]
                    else _level(tally, whole, least, level, strict)
                    for key, tally in table.items()
                ),
            )
            for by, table in merged.items()
        ),
        comparisons=comparisons,
        answers=whole.answers if shown else None,
        share=whole.satisfied / whole.answers if shown else None,
        interval=wilson(whole.satisfied, whole.answers, level) if shown else None,
        enough=shown and whole.answers >= least,
    )


# --- small numbers ------------------------------------------------------------------------------


def _hidden(tables: Mapping[str, Table], fewest: int) -> dict[str, frozenset[Key]]:
    hidden: dict[str, frozenset[Key]] = {}
    for by, table in sorted(tables.items(), key=lambda item: item[0] in WITHIN):
        outer = WITHIN.get(by)
        if outer is None:
            hidden[by] = hide(table, fewest)
        elif outer in tables:
            hidden[by] = _hide_within(table, tables[outer], hidden[outer], fewest)
        else:
            raise ValueError(f"{by} is not shown without {outer}")
    return hidden


def hide(table: Mapping[Key, Tally], fewest: int = FEWEST) -> frozenset[Key]:
    """The levels that are not shown: the small ones, and those that keep them from being reckoned."""
    hidden = {key for key, tally in table.items() if 0 < tally.answers < fewest}
    if not hidden:
        return frozenset()
    others = (key for key, tally in table.items() if key not in hidden and tally.answers)
    for key in sorted(others, key=lambda k: (table[k].answers, k)):
        if sum(table[k].answers for k in hidden) >= fewest:
            break  # and so they are two at least
        hidden.add(key)
    return frozenset(hidden)


def _hide_within(
    table: Table, outer: Table, outer_hidden: frozenset[Key], fewest: int
) -> frozenset[Key]:
    """The same within each level of the outer driver; all of a hidden one."""
    hidden: set[Key] = set()
    for key, whole in outer.items():
        inner = {k: tally for k, tally in table.items() if k[0] == whole.level}
        _same(_sum(inner.values()), (whole.answers, whole.satisfied))
        hidden |= set(inner) if key in outer_hidden else hide(inner, fewest)
    if any(tally.answers and ("", tally.within) not in outer for tally in table.values()):
        raise ValueError("a level lies within none of the outer driver")
    return frozenset(hidden)


def _whole(tables: Mapping[str, Table]) -> Tally:
    sums = [_sum(table.values()) for table in tables.values()]
    for one in sums:
        _same(one, sums[0])
    answers, satisfied = sums[0] if sums else (0, 0)
    return Tally(level="", answers=answers, satisfied=satisfied)


def _same(one: tuple[int, int], other: tuple[int, int]) -> None:
    if one != other:
        raise ValueError(f"drivers that do not count the same answers: {one}, {other}")


# --- counting and comparing ---------------------------------------------------------------------


def _merged(table: Iterable[Tally]) -> Table:
    """One tally a level, by name."""
    levels: dict[Key, list[Tally]] = {}
    for tally in table:
        if not 0 <= tally.satisfied <= tally.answers:
            raise ValueError(f"{tally.satisfied} of {tally.answers} is no tally")
        levels.setdefault((tally.within, tally.level), []).append(tally)
    merged = {}
    for within, level in sorted(levels):
        answers, satisfied = _sum(levels[within, level])
        merged[within, level] = Tally(
            level=level, answers=answers, satisfied=satisfied, within=within
        )
    return merged


def _sum(tallies: Iterable[Tally]) -> tuple[int, int]:
    known = list(tallies)
    return sum(t.answers for t in known), sum(t.satisfied for t in known)


def _comparable(tally: Tally, whole: Tally, least: int) -> bool:
    return tally.answers >= least and whole.answers - tally.answers >= least


def _level(tally: Tally, whole: Tally, least: int, level: float, strict: float) -> Level:
    n, good = tally.answers, tally.satisfied
    rest, rest_good = whole.answers - n, whole.satisfied - good
    apart = difference(good, n, rest_good, rest, strict)
    return Level(
        level=tally.level,
        within=tally.within,
        told=_word(apart, by_chance(good, n, rest_good, rest))
        if _comparable(tally, whole, least)
        else Told.TOO_FEW,
        answers=n,
        satisfied=good,
        share=good / n if n else None,
        interval=wilson(good, n, level),
        difference=good / n - rest_good / rest if n and rest else None,
        difference_interval=apart,
    )


def _word(apart: Interval | None, chance: float) -> Told:
    if apart is None or apart.holds(0) or chance > 1 - apart.level:
        return Told.CHANCE
    return Told.BETTER if apart.low > 0 else Told.WORSE
