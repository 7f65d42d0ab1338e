"""Why a counter calls somebody, in a code and values that an officer can repeat as one sentence."""

from __future__ import annotations

from typing import NamedTuple

from . import rule
from .events import Reason
from .rule import BALANCED, HOME, Line, Reals, Wholes


class Beside(NamedTuple):
    """How who is called stands among those whom the counter may serve. Minutes.

    `oldest`: nobody among them came before her. `booked`: she has an appointment and came in time. `helps`:
    the counter is not at home in her service, and nobody waits longer than the longest of her line.
    `expected`: her minutes at this counter, `usual` the mean of theirs.
    """

    oldest: bool = False
    booked: bool = False
    helps: bool = False
    expected: float = 0.0
    usual: float = 0.0


def beside(
    line: Line, order: Wholes, count: int, row: int, can: Wholes, pace: Reals, base: int
) -> Beside:
    """Compared from the rule's columns at the moment of the call, `row` still in `order[:count]`."""
    mine = line.service[row]
    total, people, eldest = 0.0, 0, row
    longest, longest_here = line.since[row], line.since[row]
    for position in range(count):
        other = order[position]
        service = line.service[other]
        if can[base + service] == rule.CANNOT:
            continue
        if not people:
            eldest = other
        people += 1
        total += line.expected[other] * pace[base + service]
        longest = min(longest, line.since[other])
        if service == mine:
            longest_here = min(longest_here, line.since[other])
    return Beside(
        oldest=bool(eldest == row),
        booked=bool(line.credit[row] > 0.0),
        helps=bool(can[base + mine] != HOME and longest_here <= longest),
        expected=float(line.expected[row] * pace[base + mine]),
        usual=float(total / max(people, 1)),
    )


def why_in_words(
    why: int,
    *,
    minutes: float,
    service: str,
    group: str = "",
    passed: int = 0,
    passed_by_priority: int = 0,
    limit: float = 0.0,
    beside: Beside = Beside(oldest=True),
    failed: str = "",
) -> Reason:
    """The true reason of a call: the rule's `why`, and for a balanced one what speaks for her.

    `minutes` she waited, `limit` is the rules' longest wait; `passed…` as they stood at the call; `failed`
    names what made the simple rule stand in for another.
    """
    waited = int(minutes)
    match why:
        case rule.PRIORITY:
            return (
                _said("priority", waited, group=group) if group else _said("has_priority", waited)
            )
        case rule.WAITED_LONG:
            return _said("waited_long", waited, limit=round(limit))
        case rule.PASSED_OFTEN:
            return _said("passed_often", waited, times=passed)
        case rule.PASSED_BY_PRIORITY:
            return _said("passed_by_priority", waited, times=passed_by_priority)
        case _ if failed:
            return _said("simple", waited, failed=failed)
        case _ if why != BALANCED or beside.oldest:
            return _said("longest_wait", waited)
    if beside.booked:
        return _said("booked", waited)
    if beside.helps:
        return _said("help", waited, service=service)
    if beside.expected < beside.usual:
        return _said("balanced_short", waited, expected=max(1, round(beside.expected)))
    return _said("balanced_wait", waited)


def _said(code: str, minutes: int, **values: str | int) -> Reason:
    return Reason(code=code, values={"minutes": minutes, **values})
