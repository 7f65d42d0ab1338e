"""What comes of an order: events and a reply, or a refusal."""

from __future__ import annotations

from ..wire.words import Frozen
from . import events as e


class Refused(Exception):
    """The order cannot be carried out; `code` is a key under `[refusal]`, `values` fill its text."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Issued(Frozen):
    """Reply to IssueTicket. `closes_in` minutes until the session ends, if that may come before her turn."""

    ticket: str
    number: str
    ahead: int
    counters: tuple[int, ...]
    closes_in: int | None = None


class Touched(Frozen):
    """Reply to the other orders: the ticket that they were about, if any, and the offer opened."""

    ticket: str = ""
    number: str = ""
    offer: str = ""


class Booked(Frozen):
    """Reply to BookAppointment; `starts` ms."""

    appointment: str
    service: str
    starts: int


class Leased(Frozen):
    """Reply to LeaseNumbers: fresh numbers by service, good for `day`.

    `void`: numbers that the kiosk said it held and must give to nobody (any more): others have them.
    """

    day: str
    numbers: dict[str, tuple[str, ...]] = {}
    void: tuple[str, ...] = ()


class HandedOver(Frozen):
    """Reply to HandOver. `late`: her day was over; she is counted, and no longer in a line."""

    ticket: str
    number: str
    arrived: int
    late: bool = False


Reply = Issued | Booked | Touched | Leased | HandedOver
Outcome = tuple[list[e.Event], Reply]
NOTHING: Reply = Touched()
