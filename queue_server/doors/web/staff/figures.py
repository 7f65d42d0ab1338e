"""Figures of the running day, from the state alone: waits by transaction, by service and by half-hour."""

from __future__ import annotations

from collections.abc import Iterable

from ....line.state import State, Ticket
from ....line.transactions import Transaction, transactions
from ....wire.words import MINUTE, Frozen, half_hour


class Waits(Frozen):
    """Mean wait in minutes and the share over the target, of `count` transactions."""

    count: int = 0
    mean: float = 0.0
    over: float = 0.0


def waits(of: Iterable[Transaction], target_minutes: float) -> Waits:
    known = [t.wait / MINUTE for t in of]
    if not known:
        return Waits()
    over = sum(1 for w in known if w > target_minutes)
    return Waits(count=len(known), mean=sum(known) / len(known), over=over / len(known))


def by_half_hour(of: Iterable[Transaction], offset_minutes: int) -> list[tuple[str, Waits]]:
    """(`07:30`, waits) of each half-hour in which somebody was called, in order; the target is not asked."""
    halves: dict[str, list[Transaction]] = {}
    for one in of:
        halves.setdefault(half_hour(one.called_at, offset_minutes)[11:], []).append(one)
    return [(half, waits(halves[half], float("inf"))) for half in sorted(halves)]


def joined(ticket: Ticket) -> int:
    """The moment (ms) from which a waiting visitor's wait is counted, time stepped out taken off."""
    return ticket.waiting_from + ticket.out_for


def longest(tickets: Iterable[Ticket]) -> Ticket | None:
    """Who has waited longest."""
    return min(tickets, key=joined, default=None)


class Today:
    """The transactions of the day, gathered once for all pages that show the same state."""

    def __init__(self) -> None:
        self._seq = -1
        self._known: tuple[Transaction, ...] = ()

    def of(self, state: State, seq: int) -> tuple[Transaction, ...]:
        """`seq`: the line of the log at which `state` stands."""
        if seq != self._seq:
            self._known, self._seq = tuple(transactions(state)), seq
        return self._known
