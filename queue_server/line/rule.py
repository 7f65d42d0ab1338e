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

HELPS_SLOWER = 1.08
"""Before anything was learned a counter is believed to take so much longer for what is not its home service."""
BELIEF = 4.0
"""A pace that is believed at the start counts like so many visits seen today."""
LONGEST = 4.0
"""One visit teaches a pace no more than so many times its expected minutes."""
NO_COUNTER = 1e9
"""The weight of a line that no counter serves now."""


class Weights(NamedTuple):
    """The numbers of the rule. Spans in minutes.

    Somebody's claim on a counter is *urgency ÷ her minutes there*. Urgency is 1 for who has just come and
    grows with the fourth power of her wait, so that short visits go first while all is well and the longest
    waits as `due` passes (a generalised cµ rule, van Mieghem 1995, with a polynomial cost). From `level` on
    it eases, by the power `fade` of the wait: in a rush that cannot be served in time, those who can still be
    called in time are, and the rest stand under the bound (`max_wait`, `max_passed`). `fade` 0 keeps them
    level. `apart`: how much a counter that is slow at her service leaves her to its colleagues.

    `max_wait`: after so long no ordinary visitor who came later passes her any more.
    """

    max_wait: float = 70.0
    max_passed: float = 60.0
    max_passed_by_priority: float = 30.0
    due: float = 20.0
    steep: float = 4.0
    level: float = 36.0
    fade: float = 0.5
    apart: float = 0.5


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
    The bound: who has been passed as often as the rules allow is called first, oldest first; who has waited
    `max_wait` is passed by nobody any more but priority visitors.
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
        why = overdue(line.passed[row], line.passed_by_priority[row], weights)
        if why != 0:
            return (row, why) if long == NOBODY else (long, WAITED_LONG)
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
    if waited > weights.level:
        urgency *= (weights.level / waited) ** weights.fade
    return float(urgency / (max(expected, 0.5) * pace ** (1.0 + weights.apart)))


def overdue(passed: int, by_priority: int, weights: Weights) -> int:
    """Why somebody passed so often is called first; 0: she may still be passed."""
    if passed >= weights.max_passed:
        return PASSED_OFTEN
    if by_priority >= weights.max_passed_by_priority:
        return PASSED_BY_PRIORITY
    return 0


def first_come(
    line: Line,
    order: Wholes,
    count: int,
    at: float,
    can: Wholes,
    base: int,
    prefers: bool,
    weights: Weights,
) -> tuple[int, int]:
    """The simple rule: priority by the list's order, then the oldest place; the bound as in `pick`.

    It reads places, ranks and passes only, so that it holds when nothing is known of minutes.
    """
    first, first_rank, oldest, long = NOBODY, ORDINARY, NOBODY, NOBODY
    for position in range(count):
        row = order[position]
        if can[base + line.service[row]] == CANNOT:
            continue
        why = overdue(line.passed[row], line.passed_by_priority[row], weights)
        if at - line.since[row] >= weights.max_wait and long == NOBODY:
            long = row
        if why != 0:
            return (row, why) if long == NOBODY else (long, WAITED_LONG)
        if oldest == NOBODY:
            oldest = row
        if prefers and line.rank[row] < first_rank:
            first, first_rank = row, line.rank[row]
    if first != NOBODY:
        return first, PRIORITY
    return oldest, SIMPLE


def taught(took: float, expected: float) -> float:
    """The minutes of a visit as they count for a pace."""
    return min(took, LONGEST * expected)


def pace_now(believed: float, expected: float, took: float, foretold: float) -> float:
    """A counter's pace after today's visits there: what they took in all, beside what had been foretold.

    What was believed in the morning weighs like BELIEF visits of `expected` minutes, those of the last visit.
    """
    start = BELIEF * expected
    return (start * believed + took) / (start + foretold)


def weight_of_line(expected: float, people: float, counters: float) -> float:
    """Work that waits before an errand of `expected` minutes, for each open counter of its line."""
    return expected * people / counters if counters > 0.0 else NO_COUNTER


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
