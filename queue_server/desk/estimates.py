"""The table of wait estimates that the twin keeps fresh; read at once when a number is given."""

from __future__ import annotations

from ..wire.words import MINUTE, Estimate, Frozen


class Newcomer(Frozen):
    """What a newcomer to a line would wait: made when `ahead` people stood before her.

    `each` is what one more person ahead adds, in minutes.
    """

    service: str
    priority: bool
    ahead: int
    estimate: Estimate
    each: float


class Outlook(Frozen):
    """A service `minutes_ahead` from now: the mean wait (minutes) of those called around then.

    `chance` (0–1): that the half-hour's mean is over the target.
    """

    service: str
    minutes_ahead: int
    wait: float
    chance: float


class Later(Frozen):
    """The wait (minutes) foretold for somebody who comes in a local half-hour, as `2026-11-26T09:30`."""

    half_hour: str
    service: str
    minutes: float


class Table(Frozen):
    """One pass of the twin, of the state at `at` (ms); `tickets` holds those who wait now."""

    at: int
    newcomers: tuple[Newcomer, ...] = ()
    tickets: dict[str, Estimate] = {}
    outlook: tuple[Outlook, ...] = ()
    later: tuple[Later, ...] = ()


OLD = 10 * MINUTE
"""A table older than this tells nobody anything."""


class Estimates:
    """The newest table, and how it is read."""

    def __init__(self) -> None:
        self.table = Table(at=0)
        self._newcomers: dict[tuple[str, bool], Newcomer] = {}

    def replace(self, table: Table) -> None:
        self.table = table
        self._newcomers = {(n.service, n.priority): n for n in table.newcomers}

    def newcomer(self, service: str, priority: bool, ahead: int, at: int) -> Estimate | None:
        """Minutes, moved by how many came or were called since the table was made; None: not known at `at`
        (ms), or the twin is late by more than OLD: no estimate is better than a wrong one."""
        known = self._newcomers.get((service, priority))
        if known is None or at - self.table.at > OLD:
            return None
        moved = (ahead - known.ahead) * known.each
        of = known.estimate
        return Estimate(
            minutes=round(max(0.0, of.minutes + moved), 1),
            low=round(max(0.0, of.low + moved), 1),
            high=round(max(0.0, of.high + moved), 1),
        )
