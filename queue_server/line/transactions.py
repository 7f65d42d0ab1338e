"""The calls of a day that came about, with their waits; from the state alone."""

from __future__ import annotations

from collections.abc import Iterator

from ..wire.words import AT_COUNTER, Frozen
from .state import State, Ticket


class Transaction(Frozen):
    """A call that came about: `wait` in ms; `done` False while she is still at the counter."""

    service: str
    counter: int
    called_at: int
    wait: int
    done: bool = True


def transactions(state: State) -> Iterator[Transaction]:
    """All of the day whose visitor came to the counter, in no order."""
    for ticket in state.tickets.values():
        yield from _of(ticket)


def _of(ticket: Ticket) -> Iterator[Transaction]:
    """A wait is kept for each transaction done, and one for each transfer before it: paired from the end."""
    for done, wait in zip(reversed(ticket.served), reversed(ticket.waits), strict=False):
        service, counter, called_at, _ = done
        yield Transaction(service=service, counter=counter, called_at=called_at, wait=wait)
    if ticket.status in AT_COUNTER and ticket.counter is not None:
        yield Transaction(
            service=ticket.service,
            counter=ticket.counter,
            called_at=ticket.called_at,
            wait=ticket.wait(ticket.called_at),
            done=False,
        )
