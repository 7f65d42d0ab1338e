"""`/t/{token}`: a visitor's own ticket on her phone, with script and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ....line import events as e
from ....line import orders as o
from ....line.state import Ticket
from ....wire.words import Frozen
from ..context import Web
from .notices import not_found, notice, please_wait
from .render import event, fragment, language_of, page, stream
from .streams import Streams, woken
from .visit import Standing, TicketView, Visits, may, ticket_view

BEAT_S = 20.0
BETWEEN_S = 1.0
MOST_PHONES = 1_500
DEVICE = "phone"


class Phones:
    """The event streams of phones that watch their ticket."""

    def __init__(self, web: Web) -> None:
        self.streams = Streams(MOST_PHONES)
        web.replica.listen(self._happened)

    def _happened(self, entries: list[e.Entry]) -> None:
        self.streams.wake()


def ticket_routes(web: Web, visits: Visits, phones: Phones) -> APIRouter:
    router = APIRouter(tags=["public"])

    @router.get("/t/{token}", response_class=HTMLResponse)
    async def own_ticket(token: str, request: Request) -> Response:
        """The visitor's own ticket; whoever has the token may see it."""
        return _own_ticket(web, visits, token, request)

    @router.get("/t/{token}/events")
    async def events(token: str, request: Request) -> Response:
        """Server-Sent Events: the ticket's part of the page, each time that it changes."""
        ticket = visits.ticket(token)
        if ticket is None:
            visits.was_unknown(request)
            raise HTTPException(404, "no such ticket")
        if phones.streams.full():
            raise HTTPException(503, "too many phones")
        language = language_of(request, ticket.language)
        return stream(follow(web, visits, phones, token, language))

    @router.get("/t/{token}/cancel", response_class=HTMLResponse)
    async def ask_cancel(token: str, request: Request) -> Response:
        """Asks whether she means it."""
        ticket = visits.ticket(token)
        if ticket is None or "cancel" not in may(ticket_view(web, ticket)):
            return RedirectResponse(f"/t/{token}", 303)
        language = language_of(request, ticket.language)
        return page(request, "cancel.html", language, number=ticket.number, token=token)

    @router.post("/t/{token}/{step}")
    async def take_step(token: str, step: str, request: Request) -> Response:
        """Her own step: `out`, `back` or `cancel`; answers with her ticket."""
        ticket = visits.ticket(token)
        order = own_order(step, ticket)
        if ticket is None or order is None:
            return not_found(request, visits, token)
        answer = await web.give(type(order).__name__, order, None, device=DEVICE)
        if answer.refusal is None:
            return RedirectResponse(f"/t/{token}", 303)
        language = language_of(request, ticket.language)
        words = answer.refusal.en if language == "en" else answer.refusal.vi
        view = ticket_view(web, visits.ticket(token) or ticket)
        return _page(request, visits, token, language, view, words, 409)

    return router


def own_order(step: str, ticket: Ticket | None) -> Frozen | None:
    """The order behind a button; the holder's reason is that she pressed it."""
    if ticket is None:
        return None
    match step:
        case "out":
            return o.StepOut(ticket=ticket.id)
        case "back":
            return o.StepBack(ticket=ticket.id)
        case "cancel":
            return o.Cancel(ticket=ticket.id, reason="visitor")
    return None


def _own_ticket(web: Web, visits: Visits, token: str, request: Request) -> Response:
    ticket = visits.ticket(token)
    if ticket is None:
        return _no_ticket_today(web, visits, token, request)
    language = language_of(request, ticket.language)
    response = _page(request, visits, token, language, ticket_view(web, ticket))
    visits.was_known(request, response)
    return response


def _no_ticket_today(web: Web, visits: Visits, token: str, request: Request) -> Response:
    """Her day is over, the server is not there yet, or there never was such a token."""
    if not web.replica.fresh:
        return notice(request, "away", 503, refresh=5)
    seconds = visits.must_wait(request, token)
    if seconds > 0:
        return please_wait(request, seconds)
    offer = visits.offer(token)
    if offer is None:
        return not_found(request, visits, token)
    open_still = visits.standing(offer) is Standing.OPEN
    response = page(
        request, "past.html", language_of(request), survey=f"/survey/{token}" if open_still else ""
    )
    visits.was_known(request, response)
    return response


def _page(
    request: Request,
    visits: Visits,
    token: str,
    language: str,
    view: TicketView,
    refusal: str = "",
    status: int = 200,
) -> Response:
    return page(
        request,
        "ticket.html",
        language,
        status,
        path=f"/t/{token}",
        refusal=refusal,
        **_values(visits, token, view),
    )


def _values(visits: Visits, token: str, view: TicketView) -> dict[str, object]:
    finished = view.status == "finished"
    asked = finished and visits.standing(visits.offer(token) or "") is Standing.OPEN
    return {
        "view": view,
        "may": may(view),
        "token": token,
        "survey": f"/survey/{token}" if asked else "",
    }


async def follow(
    web: Web, visits: Visits, phones: Phones, token: str, language: str
) -> AsyncIterator[bytes]:
    """Her part of the page at each change, at most once a second; ends when her day is over."""
    with phones.streams.open() as ear:
        yield b"retry: 2000\n\n"
        sent = ""
        while (ticket := visits.ticket(token)) is not None or not web.replica.fresh:
            drawn = _drawn(web, visits, token, language, ticket) if ticket else sent
            if drawn != sent:
                sent = drawn
                yield event("ticket", drawn.encode())
                await asyncio.sleep(BETWEEN_S)  # changes that come together are drawn together
            if not await woken(ear, BEAT_S):
                yield b": still here\n\n"
        yield event("gone", b"")


def _drawn(web: Web, visits: Visits, token: str, language: str, ticket: Ticket) -> str:
    values = _values(visits, token, ticket_view(web, ticket))
    return fragment("_ticket.html", language, refusal="", **values)
