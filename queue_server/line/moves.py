"""Moves: what a manager may change for a while so that the target is kept, and what came of it."""

from __future__ import annotations

from enum import StrEnum

from ..wire.words import Frozen


class MoveKind(StrEnum):
    """`help` alone is carried out by the server; the others are people's to do once accepted."""

    HELP = "help"
    """A counter takes another service too."""
    OPEN = "open"
    CLOSE = "close"
    LATER_BREAK = "later_break"
    """An officer's break moves."""
    RESERVE = "reserve"
    """Call in somebody from the reserve."""
    KIOSK = "kiosk"
    """Send self-filers to the kiosk."""
    RETURN_LATER = "return_later"
    """Offer waiting visitors a time to return."""


class Move(Frozen):
    """A proposal of the twin. `until` and `made` in ms UTC; `serves`: the counter's services while it lasts.

    `without` and `expected`: the mean wait (minutes) of `service` over the next `minutes_ahead`
    minutes, without and with it. `cost_minutes`: counter-minutes that it costs.
    """

    id: str
    kind: MoveKind
    service: str
    until: int
    without: float
    expected: float
    made: int
    counter: int | None = None
    serves: tuple[str, ...] = ()
    cost_minutes: float = 0.0
    minutes_ahead: int = 30

    @property
    def place(self) -> str:
        """What may be in one move only at a time: the counter, or without one the kind and service."""
        return f"{self.kind}:{self.service}" if self.counter is None else f"counter:{self.counter}"


class MoveStatus(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    ENDED = "ended"


class MoveNow(Frozen):
    """A move of the running day and how it stands. Times in ms UTC, 0: not yet.

    `before`: what the counter served when the move was accepted; `touched`: somebody has changed that
    since, so that nothing is put back at the end. `came`: the mean wait (minutes) of those of the
    service who were called while it lasted; None: nobody was, or it never lasted.
    """

    move: Move
    proposed_at: int
    status: MoveStatus = MoveStatus.PROPOSED
    answered_at: int = 0
    ended_at: int = 0
    by: str = ""
    auto: bool = False
    reason: str = ""
    before: tuple[str, ...] = ()
    touched: bool = False
    came: float | None = None

    @property
    def rests_since(self) -> int:
        """Since when (ms) its place is to be left alone; 0: it is not."""
        if self.status is MoveStatus.REFUSED:
            return self.answered_at
        return self.ended_at if self.status is MoveStatus.ENDED else 0
