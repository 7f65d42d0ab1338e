"""The rule that keeps the promise: which of those who wait a counter calls, as plain arithmetic over columns.

Live the columns are made from the state (`next.py`); the twin runs these very functions over whole days
and futures, compiled. So everything here is numbers and indexable columns: no objects, no clock, no chance.
Times and spans are minutes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Reals = Any
"""A column of floats: a list here, an array where the twin runs it compiled; likewise the two below."""
Wholes = Any
Truths = Any

ORDINARY = 99
"""The rank of a visitor without priority; priority groups rank from 0 in the list's order."""
NOBODY = -1

# Why somebody is called; `next.py` names them.
WAITED_LONG, PASSED_OFTEN, PASSED_BY_PRIORITY, PRIORITY, BALANCED, SIMPLE = 1, 2, 3, 4, 5, 6

CANNOT, HOME, HELPS = 0, 1, 2
"""What a counter is to a service."""


class Weights(NamedTuple):
    """The numbers of the rule. Spans in minutes.

    Somebody's claim on a counter is *urgency ÷ her minutes there*. Urgency is 1 for who has just come and
    grows with the fourth power of her wait, so that short visits go first while all is well and the longest
    waits as `due` passes (a generalised cµ rule, van Mieghem 1995, with a polynomial cost); from `level` on
    all are equally urgent, so that a rush does not end in plain first come first served. `apart`: how much
    a counter that is slow at her service leaves her to its colleagues.

    `max_wait`: after so long no ordinary visitor who came later passes her any more.
    """

    max_wait: float = 90.0
    max_passed: float = 60.0
    max_passed_by_priority: float = 30.0
    due: float = 20.0
    steep: float = 4.0
    level: float = 38.0
    apart: float = 1.0


class Line(NamedTuple):
    """Columns over visitors; a row is one transaction of one visitor.

    `place` orders the line (first arrival, or booked time), `since` starts the present wait, `expected`
    are the minutes foretold at a counter of mean pace, `credit` counts as waited when claims are compared.
    """

    place: Reals
    since: Reals
    credit: Reals
    service: Wholes
    rank: Wholes
    expected: Reals
    passed: Wholes
    passed_by_priority: Wholes


def pick(
    line: Line,
    order: Wholes,
    count: int,
    at: float,
    can: Wholes,
    pace: Reals,
    base: int,
    prefers: bool,
    weights: Weights,
) -> tuple[int, int]:
    """(row, why) that the counter calls at `at`; (NOBODY, 0) when it may serve none of those who wait.

    `order[:count]` are the waiting rows, oldest place first. The counter's skills are `can[base + service]`,
    its minutes there `pace[base + service]` × `expected`. `prefers`: it calls priority visitors first.
    The bound comes first: who has been passed or has waited as much as the rules allow, oldest first.
    """
    best, best_claim = NOBODY, -1.0
    first, first_rank = NOBODY, ORDINARY
    long = NOBODY
    for position in range(count):
        row = order[position]
        service = line.service[row]
        if can[base + service] == CANNOT:
            continue
        waited = at - line.since[row]
        if waited >= weights.max_wait and long == NOBODY:
            long = row
        if line.passed[row] >= weights.max_passed:
            return row, PASSED_OFTEN
        if line.passed_by_priority[row] >= weights.max_passed_by_priority:
            return row, PASSED_BY_PRIORITY
        if line.rank[row] < first_rank:
            first, first_rank = row, line.rank[row]
        claim = claimed(
            waited + line.credit[row], line.expected[row], pace[base + service], weights
        )
        if claim > best_claim:
            best, best_claim = row, claim
    if first != NOBODY and prefers:
        return first, PRIORITY
    if long != NOBODY:
        return long, WAITED_LONG
    return best, BALANCED


def claimed(waited: float, expected: float, pace: float, weights: Weights) -> float:
    """The claim of one visitor on one counter; greater is called first."""
    counted = min(max(waited, 0.0), weights.level)
    urgency = 1.0 + (counted / weights.due) ** weights.steep
    return float(urgency / (max(expected, 0.5) * pace ** (1.0 + weights.apart)))


def first_come(
    line: Line, order: Wholes, count: int, can: Wholes, base: int, prefers: bool
) -> tuple[int, int]:
    """The simple rule: priority by the list's order, then the oldest place."""
    first, first_rank, oldest = NOBODY, ORDINARY, NOBODY
    for position in range(count):
        row = order[position]
        if can[base + line.service[row]] == CANNOT:
            continue
        if oldest == NOBODY:
            oldest = row
        if prefers and line.rank[row] < first_rank:
            first, first_rank = row, line.rank[row]
    if first != NOBODY:
        return first, PRIORITY
    return oldest, SIMPLE


def count_passed(
    line: Line, order: Wholes, count: int, called: int, can: Wholes, base: int
) -> None:
    """Count one pass for each whom this counter may serve and who came before the one it called."""
    by_priority = line.rank[called] < ORDINARY
    for position in range(count):
        row = order[position]
        if row == called:
            return
        if can[base + line.service[row]] != CANNOT:
            line.passed[row] += 1
            if by_priority:
                line.passed_by_priority[row] += 1
