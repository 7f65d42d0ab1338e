"""The last calls of the day, newest first: what the board shows and speaks."""

from __future__ import annotations

import sqlite3
from collections import deque

import msgspec

from ....line import events as e
from ....line.state import State
from ....wire.words import AT_COUNTER, Frozen, Language, TicketStatus

KEPT = 40
SHOWN = 6
NEVER_CALLED = "without_ticket"
"""The reason of a visitor who stands at the counter already: nobody need be told where to go."""

_STANDS = AT_COUNTER | {TicketStatus.FINISHED, TicketStatus.NO_SHOW, TicketStatus.PARKED}


class Kept(Frozen):
    """A call or recall as it happened. `at`: ms; `times` 1 is the first call."""

    id: str
    ticket: str
    counter: int
    at: int
    times: int


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A call as the board shows it: numbers only. `over`: she has come, or it was given up."""

    id: str
    number: str
    counter: int
    at: int
    times: int
    over: bool
    language: Language


class Calls:
    """The newest calls, by the entries of the log. A ticket back in the line is called no more."""

    def __init__(self) -> None:
        self._kept: deque[Kept] = deque(maxlen=KEPT)

    def happened(self, entries: list[e.Entry], epoch: int) -> bool:
        """Note the calls among `entries`; whether there was one."""
        before = len(self._kept) and self._kept[-1].id
        for entry in entries:
            self._note(entry, epoch)
        return bool(self._kept) and self._kept[-1].id != before

    def read(self, conn: sqlite3.Connection, epoch: int) -> None:
        """Forget all and take the newest calls from the log."""
        rows = conn.execute(
            "SELECT seq, at, body FROM events WHERE kind IN ('TicketCalled', 'TicketRecalled')"
            " ORDER BY seq DESC LIMIT ?",
            (KEPT,),
        ).fetchall()
        self._kept.clear()
        nobody = e.Actor(device="")
        for seq, at, body in reversed(rows):
            event = e.decode_event(body)
            self._note(e.Entry(seq=seq, at=at, actor=nobody, order="", event=event), epoch)

    def shown(self, state: State) -> list[Shown]:
        """The newest call of each ticket that still stands, newest first."""
        newest: dict[str, Kept] = {}
        for call in reversed(self._kept):
            newest.setdefault(call.ticket, call)
        standing = [c for c in newest.values() if _stands(c, state)]
        return [_shown(c, state) for c in standing[:SHOWN]]

    def find(self, call_id: str, state: State) -> Shown | None:
        """A call that may be spoken, by its id."""
        known = next((c for c in self._kept if c.id == call_id), None)
        return _shown(known, state) if known and known.ticket in state.tickets else None

    def _note(self, entry: e.Entry, epoch: int) -> None:
        event = entry.event
        if isinstance(event, e.TicketCalled):
            if event.reason.code == NEVER_CALLED:
                return
            times = 1
        elif isinstance(event, e.TicketRecalled):
            times = 1 + next((c.times for c in reversed(self._kept) if c.ticket == event.ticket), 1)
        else:
            return
        self._kept.append(
            Kept(
                id=f"{epoch}-{entry.seq}",
                ticket=event.ticket,
                counter=event.counter,
                at=entry.at,
                times=times,
            )
        )


def _stands(call: Kept, state: State) -> bool:
    ticket = state.tickets.get(call.ticket)
    return ticket is not None and ticket.status in _STANDS


def _shown(call: Kept, state: State) -> Shown:
    ticket = state.tickets[call.ticket]
    return Shown(
        id=call.id,
        number=ticket.number,
        counter=call.counter,
        at=call.at,
        times=call.times,
        over=ticket.status is not TicketStatus.CALLED,
        language=ticket.language,
    )
