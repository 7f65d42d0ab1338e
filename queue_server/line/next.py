"""Who is next at a counter, and why: the state laid out in columns for the rule (`rule.py`).

The rule sees only what the centre knows at that moment: the waiting tickets that this counter may
serve, what was learned, the setup and the time; never minutes to come or visitors yet to arrive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..wire.words import MINUTE, Frozen
from . import rule
from .events import Reason
from .expected import believed_pace, minutes_of
from .reasons import Beside, beside, why_in_words
from .rule import CANNOT, HELPS, HOME, NOBODY, ORDINARY, Line, Weights
from .setup import Counter, Rules
from .state import CounterNow, State, Ticket, pace_key


class Choice(Frozen):
    """The ticket to call, why, and who is passed by it."""

    ticket: str
    reason: Reason
    passed: tuple[str, ...] = ()


class Unusable(Exception):
    """What was learned gives no minutes that the rule can weigh."""


class Shown(NamedTuple):
    """What the rule is shown of one counter; minutes, now being 0. Services stand in the setup's order."""

    line: Line
    can: list[int]
    pace: list[float]
    prefers: bool
    weights: Weights
    failed: str = ""
    """Why the simple rule must stand in for the balanced one."""


class Picked(NamedTuple):
    row: int
    why: int
    failed: str


def call_next(state: State, counter_id: int, at: int) -> Choice | None:
    """The choice for an open counter, or None when nobody waits whom it may call now.

    When the balanced rule cannot weigh, the simple one stands in at once, and the reason says `simple`.
    """
    counter = state.counters[counter_id]
    candidates = able(state, counter, at)
    if not candidates:
        return None
    shown = _shown(state, counter, candidates, at)
    order = list(range(len(candidates)))
    picked = _pick(shown, order, state.setup.rules.policy)
    called = candidates[picked.row]
    reason = _reason(state.setup.rules, called, at, shown, order, picked)
    return Choice(ticket=called.id, reason=reason, passed=passed_by(candidates, called))


def calling_order(state: State, counter: CounterNow, at: int, most: int) -> list[Ticket]:
    """The first `most` tickets in the order in which this counter alone would call them at `at`."""
    candidates = able(state, counter, at)
    shown = _shown(state, counter, candidates, at)
    left = list(range(len(candidates)))
    order: list[Ticket] = []
    while left and len(order) < most:
        row = _pick(shown, left, state.setup.rules.policy).row
        order.append(candidates[row])
        left.remove(row)
    return order


def first_to_call(state: State, at: int) -> int | None:
    """Which of the idle counters calls first at `at`; None: none of them can.

    The one that is quickest at what it would call, then the one at home in it, then the one with the
    fewest skills, then the one idle longest.
    """
    best: tuple[float, int, int, int, int] | None = None
    for counter in state.counters.values():
        if not counter.open or counter.paused is not None or counter.ticket is not None:
            continue
        candidates = able(state, counter, at)
        if not candidates:
            continue
        shown = _shown(state, counter, candidates, at)
        picked = _pick(shown, list(range(len(candidates))), state.setup.rules.policy)
        cell = shown.line.service[picked.row]
        skills = len(counter.serves)
        found = (shown.pace[cell], shown.can[cell], skills, counter.since, counter.id)
        best = found if best is None else min(best, found)
    return None if best is None else best[-1]


def able(state: State, counter: CounterNow, at: int) -> list[Ticket]:
    """Waiting tickets that this counter may call at `at`, oldest place first.

    A booked visitor is not callable before her time less the grace; a suspended service calls nobody.
    """
    early = at + int(state.setup.rules.appointment_early_minutes * MINUTE)
    serves = tuple(s for s in counter.serves if s not in state.suspended)
    found = [t for t in state.waiting_for(serves) if t.waiting_from <= early]
    return sorted(found, key=place_of)


def place_of(ticket: Ticket) -> tuple[int, int, int, str]:
    """The order of the line: by place, of equals who joined first."""
    return ticket.place, ticket.waiting_from, ticket.arrived, ticket.id


def passed_by(candidates: Sequence[Ticket], called: Ticket) -> tuple[str, ...]:
    """Whom a call of `called` passes: those this counter may serve who came before."""
    place = place_of(called)
    return tuple(t.id for t in candidates if place_of(t) < place)


def lightest(state: State, errands: Sequence[str], minutes: Iterable[float], at: int) -> str:
    """Which of a visit's errands goes first: the one whose line holds least work for each open counter."""
    best, least = errands[0], math.inf
    for service, expected in zip(errands, minutes, strict=True):
        people = sum(t.waiting_from <= at for t in state.waiting_for((service,)))
        counters = [c for c in state.serving_counters(service) if c.paused is None]
        open_now = 0 if service in state.suspended else len(counters)
        weight = rule.weight_of_line(expected, people, open_now)
        if weight < least:
            best, least = service, weight
    return best


def weights_of(rules: Rules) -> Weights:
    """The rule's numbers as the centre has set them."""
    return Weights(
        max_wait=rules.max_wait_minutes,
        max_passed=float(rules.max_passed),
        max_passed_by_priority=float(rules.max_passed_by_priority),
        due=rules.balance_due_minutes,
        level=rules.balance_level_minutes,
        fade=rules.balance_fade,
        apart=rules.balance_apart,
    )


def rank_of(state: State, ticket: Ticket) -> int:
    """0 for the list's first priority group, ORDINARY for an ordinary visitor."""
    rank = state.setup.priority_rank(ticket.priority)
    return rank if rank < len(state.setup.priorities) else ORDINARY


def credit_of(rules: Rules, ticket: Ticket) -> float:
    """Minutes that count as waited besides: of a booked visitor who came in time, and of who was sent on.

    Who stood in a wrong line first keeps what she waited there.
    """
    if ticket.booked is None:
        return (ticket.waiting_from - ticket.place) / MINUTE
    return rules.appointment_credit_minutes if ticket.place <= ticket.booked else 0.0


def pace_of(state: State, counter: CounterNow, service: str) -> float:
    """Factor on the minutes of this service here: what was believed in the morning and seen since."""
    believed = believed_pace(counter.id, counter.officer, service, state.setup, state.times)
    seen = state.seen.get(pace_key(counter, service))
    if seen is None:
        return believed
    return rule.pace_now(believed, seen.last, seen.took, seen.foretold)


def prefers(rules: Rules, settled: Counter | None) -> bool:
    """Whether a counter calls priority visitors first."""
    return rules.priority_at == "every" or (settled is not None and settled.priority)


# --- below ----------------------------------------------------------------------------------------


def _shown(state: State, counter: CounterNow, candidates: Sequence[Ticket], at: int) -> Shown:
    setup = state.setup
    cells = {s: k for k, s in enumerate(counter.serves)}
    settled = setup.counter(counter.id)
    home = settled.serves[0] if settled is not None else counter.serves[0]
    try:
        expected, pace = _weighed(state, counter, candidates)
        failed = ""
    except (ArithmeticError, LookupError, TypeError, ValueError, Unusable) as error:
        expected, pace = [1.0] * len(candidates), [1.0] * len(cells)
        failed = type(error).__name__
    line = Line(
        place=[t.place for t in candidates],
        since=[-t.wait(at) / MINUTE for t in candidates],
        credit=[credit_of(setup.rules, t) for t in candidates],
        service=[cells[t.service] for t in candidates],
        rank=[rank_of(state, t) for t in candidates],
        expected=expected,
        passed=[t.passed for t in candidates],
        passed_by_priority=[t.passed_by_priority for t in candidates],
    )
    can = [HOME if s == home else HELPS for s in cells]
    assert CANNOT not in can
    return Shown(line, can, pace, prefers(setup.rules, settled), weights_of(setup.rules), failed)


def _weighed(
    state: State, counter: CounterNow, candidates: Sequence[Ticket]
) -> tuple[list[float], list[float]]:
    """Expected minutes by candidate and pace by service. Raises Unusable."""
    expected = [minutes_of(t, t.service, t.asked, state.setup, state.times) for t in candidates]
    pace = [pace_of(state, counter, s) for s in counter.serves]
    if not all(0.0 < x < math.inf for x in (*expected, *pace)):
        raise Unusable("minutes")
    return expected, pace


def _pick(shown: Shown, order: list[int], policy: str) -> Picked:
    failed = shown.failed if policy == "balanced" else ""
    if policy == "balanced" and not failed:
        try:
            row, why = rule.pick(
                shown.line, order, len(order), 0.0, shown.can, shown.pace, 0, shown.prefers,
                shown.weights,
            )  # fmt: skip
            if row != NOBODY:
                return Picked(row, why, "")
            failed = Unusable.__name__
        except Exception as error:  # whatever it is, the visitor is called
            failed = type(error).__name__
    row, why = rule.first_come(
        shown.line, order, len(order), 0.0, shown.can, 0, shown.prefers, shown.weights
    )
    return Picked(row, why, failed)


def _reason(
    rules: Rules, called: Ticket, at: int, shown: Shown, order: list[int], picked: Picked
) -> Reason:
    compared = Beside(oldest=True)
    if picked.why == rule.BALANCED:
        compared = beside(shown.line, order, len(order), picked.row, shown.can, shown.pace, 0)
        compared = compared._replace(booked=compared.booked and called.booked is not None)
    return why_in_words(
        picked.why,
        minutes=called.wait(at) / MINUTE,
        service=called.service,
        group=called.priority or "",
        passed=called.passed,
        passed_by_priority=called.passed_by_priority,
        limit=rules.max_wait_minutes,
        beside=compared,
        failed=picked.failed,
    )
