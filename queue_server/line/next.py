"""Who is next at a counter, and why: the rule that plugs into `CallNext` (and into the simulator).

A policy sees only what the centre knows at that moment: the waiting tickets that this counter may
serve, the setup and the time. It never sees service times to come or visitors yet to arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..wire.words import MINUTE, Frozen
from .events import Reason
from .setup import Setup
from .state import CounterNow, State, Ticket


class Choice(Frozen):
    """The ticket to call, why, and who is passed by it."""

    ticket: str
    reason: Reason
    passed: tuple[str, ...] = ()


class Policy(Protocol):
    def choose(
        self, candidates: Sequence[Ticket], counter: CounterNow, setup: Setup, at: int
    ) -> tuple[Ticket, Reason]:
        """One of the candidates (never empty, oldest place first) and the reason to say."""


class First:
    """Priority visitors first (by the list's order, then the longest wait), then the longest wait."""

    def choose(
        self, candidates: Sequence[Ticket], counter: CounterNow, setup: Setup, at: int
    ) -> tuple[Ticket, Reason]:
        settled = setup.counter(counter.id)
        everywhere = setup.rules.priority_at == "every" or (
            settled is not None and settled.priority
        )
        if everywhere:
            first = [t for t in candidates if t.priority is not None]
            if first:
                best = min(first, key=lambda t: (setup.priority_rank(t.priority), t.place, t.id))
                return best, _reason("priority", best, at, group=best.priority or "")
        oldest = candidates[0]
        return oldest, _reason("longest_wait", oldest, at)


POLICIES: dict[str, Policy] = {"first": First()}


def call_next(state: State, counter_id: int, at: int) -> Choice | None:
    """The choice for an open counter, or None when nobody waits whom it may call now.

    The bound comes before every policy: who has been passed as often as the rules allow, or has
    waited as long, is taken first, oldest first; so no order of events passes anyone further.
    """
    counter = state.counters[counter_id]
    candidates = able(state, counter, at)
    if not candidates:
        return None
    due = next(((t, r) for t in candidates if (r := _due(t, state.setup, at)) is not None), None)
    if due is None:
        policy = POLICIES[state.setup.rules.policy]
        due = policy.choose(candidates, counter, state.setup, at)
    ticket, reason = due
    return Choice(ticket=ticket.id, reason=reason, passed=passed_by(candidates, ticket))


def calling_order(state: State, counter: CounterNow, at: int, most: int) -> list[Ticket]:
    """The first `most` tickets in the order in which this counter alone would call them at `at`."""
    candidates = able(state, counter, at)
    due = [t for t in candidates if _due(t, state.setup, at) is not None]
    order = due[:most]
    chosen = {t.id for t in due}
    rest = [t for t in candidates if t.id not in chosen]
    policy = POLICIES[state.setup.rules.policy]
    while rest and len(order) < most:
        ticket, _ = policy.choose(rest, counter, state.setup, at)
        order.append(ticket)
        rest.remove(ticket)
    return order


def able(state: State, counter: CounterNow, at: int) -> list[Ticket]:
    """Waiting tickets that this counter may call at `at`, oldest place first.

    A booked visitor is not callable before her time less the grace; a suspended service calls nobody.
    """
    early = int(state.setup.rules.appointment_early_minutes * MINUTE)
    serves = tuple(s for s in counter.serves if s not in state.suspended)
    found = [t for t in state.waiting_for(serves) if t.place <= at + early]
    return sorted(found, key=lambda t: (t.place, t.id))


def passed_by(candidates: Sequence[Ticket], called: Ticket) -> tuple[str, ...]:
    """Whom a call of `called` passes: those this counter may serve who came before."""
    return tuple(t.id for t in candidates if (t.place, t.id) < (called.place, called.id))


def _due(ticket: Ticket, setup: Setup, at: int) -> Reason | None:
    rules = setup.rules
    if ticket.wait(at) >= rules.max_wait_minutes * MINUTE:
        return _reason("waited_long", ticket, at, limit=round(rules.max_wait_minutes))
    if ticket.passed >= rules.max_passed:
        return _reason("passed_often", ticket, at, times=ticket.passed)
    if ticket.passed_by_priority >= rules.max_passed_by_priority:
        return _reason("passed_by_priority", ticket, at, times=ticket.passed_by_priority)
    return None


def _reason(code: str, ticket: Ticket, at: int, **values: str | int) -> Reason:
    return Reason(code=code, values={"minutes": ticket.wait(at) // MINUTE, **values})
