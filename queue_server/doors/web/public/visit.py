"""What a visitor's own token opens: her ticket of today, or the offer to rate a visit that is over."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec
import structlog
from fastapi import Request, Response

from ....desk import public
from ....desk.desk import token_hash
from ....line.state import State, Ticket
from ....store.vault import CannotUnseal
from ....wire.words import AT_COUNTER, Estimate, Names, TicketStatus, local
from ..context import Web
from .limits import Limit
from .render import address, is_secure
from .signing import Signer

log = structlog.get_logger()
S = TicketStatus
SEEN_COOKIE = "motcua_seen"
SEEN_LASTS_S = 8 * 86_400
LONGEST_TOKEN = 60


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as its holder sees it. `ahead`: how many will be called before her, as it stands now.

    `booked`: her own time, as `10:30`, while it is still to come; `estimate` is the wait from then.
    """

    number: str
    status: TicketStatus
    service: Names
    service_state: str
    reason: str
    priority: bool
    ahead: int
    estimate: Estimate | None
    counter: int | None
    counter_name: Names | None
    counters: tuple[int, ...]
    last_called: str
    fresh: bool
    booked: str = ""


class Standing(StrEnum):
    """How the offer of a visit stands."""

    OPEN = "open"
    RATED = "rated"
    OVER = "over"
    NOT_YET = "not_yet"


def ticket_view(web: Web, ticket: Ticket) -> TicketView:
    state = web.state
    service = state.setup.service(ticket.service)
    settled = state.setup.counter(ticket.counter) if ticket.counter is not None else None
    ahead = ahead_of_ticket(state, ticket)
    estimates, now = web.replica.estimates, web.now()
    to_come = ticket.booked is not None and ticket.booked > now
    estimate = public.wait_of(state, estimates, ticket, now)
    if estimate is None and not to_come:
        estimate = estimates.newcomer(ticket.service, ticket.priority is not None, ahead, now)
    counters = (c.id for c in state.serving_counters(ticket.service) if c.paused is None)
    return TicketView(
        number=ticket.number,
        status=ticket.status,
        service=service.name if service else Names(vi=ticket.service, en=ticket.service),
        service_state=public.service_state(state, ticket.service, now),
        reason=state.suspended.get(ticket.service, ""),
        priority=ticket.priority is not None,
        ahead=ahead,
        estimate=estimate,
        counter=ticket.counter,
        counter_name=settled.name if settled else None,
        counters=tuple(sorted(counters)),
        last_called=last_called(state, ticket),
        fresh=web.replica.fresh,
        booked=_clock(state, ticket.booked) if ticket.booked is not None and to_come else "",
    )


def _clock(state: State, at: int) -> str:
    return local(at, state.setup.rules.utc_offset_minutes).strftime("%H:%M")


def ahead_of_ticket(state: State, ticket: Ticket) -> int:
    """Those waiting for the same service who come before her by class and place."""

    def rank(other: Ticket) -> tuple[int, int, str]:
        return state.setup.priority_rank(other.priority), other.place, other.id

    line = state.waiting.get(ticket.service, {})
    mine = rank(ticket)
    return sum(1 for t in line if t != ticket.id and rank(state.tickets[t]) < mine)


def last_called(state: State, ticket: Ticket) -> str:
    """The number that her line called last, and has not put back."""
    line = (
        t
        for t in state.tickets.values()
        if t.service == ticket.service and t.called_at and t.id != ticket.id
    )
    newest = max(line, key=lambda t: t.called_at, default=None)
    return newest.number if newest else ""


@dataclass
class Visits:
    """Finds what a token opens. Who asks for many that do not exist is made to wait."""

    web: Web
    signer: Signer
    unknown: Limit = field(default_factory=lambda: Limit(30, 600))

    def ticket(self, token: str) -> Ticket | None:
        """Her ticket of the running day."""
        held = self.web.state.tokens.get(_hash(token))
        return self.web.state.tickets.get(held) if held else None

    def offer(self, token: str) -> str | None:
        """The newest offer of the visit behind this token, also when its day is over; None: no such visit.

        "" stands for a visit that is known and has no offer (yet, or any more).
        """
        ticket = self.ticket(token)
        visit = ticket.visit if ticket else self.web.vault.visit_behind(_hash(token))
        if visit is None:
            return None
        try:
            offers = self.web.vault.find(visit, "offer")
        except CannotUnseal as error:
            log.error("offer_not_opened", kind=type(error).__name__)
            return ""
        return offers[-1].decode() if offers else ""

    def standing(self, offer: str) -> Standing:
        """Whether this offer may be answered now."""
        if not offer:
            return Standing.NOT_YET
        row = self.web.database.execute(
            "SELECT score FROM ratings WHERE offer = ?", (offer,)
        ).fetchone()
        if row is not None and row[0] is not None:
            return Standing.RATED
        known = self.web.state.offers.get(offer)
        alive = known is not None and known.expires > self.web.now()
        return Standing.OPEN if alive else Standing.OVER

    # --- against guessing -----------------------------------------------------------------------

    def must_wait(self, request: Request, token: str) -> float:
        """Seconds for an address that asked for many unknown ones; a ticket of today always opens.

        Tokens have 128 bits, and a hall's phones may share one address: nobody who has a ticket is
        made to wait for another's guesses, nor a phone that has shown a true one before.
        """
        if self.ticket(token) is not None:
            return 0.0
        now = time.time()
        seen = self.signer.read("seen", request.cookies.get(SEEN_COOKIE, ""), now)
        return 0.0 if seen else self.unknown.wait(address(request), now)

    def was_unknown(self, request: Request) -> None:
        self.unknown.count(address(request), time.time())

    def was_known(self, request: Request, response: Response) -> None:
        signed = self.signer.sign("seen", "1", time.time() + SEEN_LASTS_S)
        response.set_cookie(
            SEEN_COOKIE,
            signed,
            max_age=SEEN_LASTS_S,
            httponly=True,
            samesite="lax",
            secure=is_secure(request),
        )


def may(view: TicketView) -> tuple[str, ...]:
    """What the holder may do now: out, back, cancel. Before her time she need not say that she is out."""
    if view.status is S.WAITING and view.booked:
        return ("cancel",)
    if view.status is S.WAITING:
        return ("out", "cancel")
    if view.status is S.OUT:
        return ("back", "cancel")
    if view.status in (S.CALLED, S.PARKED, S.NO_SHOW):
        return ("cancel",)
    return ()


def is_over(ticket: Ticket) -> bool:
    """She may take another number: nothing of this one is to come."""
    return ticket.status not in AT_COUNTER | {S.WAITING, S.OUT, S.PARKED}


def _hash(token: str) -> str:
    return token_hash(token[:LONGEST_TOKEN])
