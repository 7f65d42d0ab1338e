"""`/book`: a time of a day to come, and `/a/{token}`: the appointment to show at the kiosk, or to give back."""

from __future__ import annotations

import datetime as dt
import re
import time

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ....desk.appointments import normal
from ....desk.desk import token_hash
from ....line.appointments import find
from ....line.outcome import Refused
from ....line.state import AppointmentNow
from ....wire import messages as m
from ....wire.link import new_id
from ....wire.words import Frozen, Language, local
from ..context import Web
from ..qr import qr_element
from .limits import Limit
from .notices import notice, please_wait, refused
from .render import Form, address, form_of, language_of, page
from .signing import Signer

DEVICE = "book"
FORM_LASTS_S = 3_600
MOMENT = re.compile(r"[0-9]{1,15}")


class Day(Frozen):
    """A day with free times, each as its start (ms) and its name on the clock."""

    date: dt.date
    times: tuple[tuple[int, str], ...]


class Booking:
    """What `/book` needs; phones behind one address share its limit."""

    def __init__(self, web: Web, signer: Signer) -> None:
        self.web, self.signer = web, signer
        self.by_address, self.in_all = Limit(12, 3_600), Limit(60, 600)
        self.unknown, self.asked = Limit(30, 600), Limit(120, 600)

    @property
    def on(self) -> bool:
        return self.web.state.setup.rules.appointment_days > 0

    async def days(self, service: str) -> tuple[Day, ...]:
        ask = m.FreeTimes(id=new_id(), service=service)
        answer = await self.web.give("FreeTimes", ask, None, device=DEVICE)
        if answer.refusal is not None:
            return ()
        free = msgspec.json.decode(answer.ok, type=m.TimesFree)
        offset = self.web.state.setup.rules.utc_offset_minutes
        return tuple(
            Day(
                date=dt.date.fromisoformat(day),
                times=tuple((t.starts, f"{local(t.starts, offset):%H:%M}") for t in times),
            )
            for day, times in free.days.items()
        )

    def found(self, request: Request, key: str) -> AppointmentNow | Response:
        """The appointment of this key, or what is said instead; keys are not to be guessed."""
        wait = self.unknown.wait(address(request), time.time())
        if wait > 0:
            return please_wait(request, wait)
        try:
            return find(self.web.state, token_hash(key))
        except Refused:
            self.unknown.count(address(request), time.time())
            return notice(request, "no_appointment", 404)


def book_routes(web: Web, signer: Signer) -> APIRouter:
    router = APIRouter(tags=["public"])
    booking = Booking(web, signer)

    @router.get("/book", response_class=HTMLResponse)
    async def choose(request: Request) -> Response:
        """Book a time of a day to come: the service, then the time. No log-in."""
        language = language_of(request)
        if not booking.on:
            return notice(request, "no_appointments", 404)
        service = web.state.setup.service(request.query_params.get("service", ""))
        if service is None:
            return page(request, "book_service.html", language, services=web.state.setup.services)
        now = time.time()
        wait = booking.asked.wait(address(request), now)
        if wait > 0:
            return please_wait(request, wait)
        booking.asked.count(address(request), now)
        days = await booking.days(service.id)
        order_id = signer.sign("book", new_id(), time.time() + FORM_LASTS_S)
        return page(request, "book_time.html", language, service=service, days=days, id=order_id)

    @router.post("/book", response_class=HTMLResponse)
    async def book(request: Request) -> Response:
        """`service`, `starts` (ms) and the form's own `id`, by which a second press books nothing."""
        return await _book(booking, request, await form_of(request))

    @router.get("/a/{token}", response_class=HTMLResponse)
    async def appointment(token: str, request: Request) -> Response:
        """One's own appointment: its day and time, and the code for the kiosk. No log-in."""
        key = normal(token)
        found = booking.found(request, key)
        if isinstance(found, Response):
            return found
        setup = web.state.setup
        starts = local(found.starts, setup.rules.utc_offset_minutes)
        return page(
            request,
            "appointment.html",
            language_of(request, found.language),
            found=found,
            token=key,
            starts=starts,
            service=setup.service(found.service),
            centre=setup.name,
            qr=qr_element(f"{web.file.web.public_url.rstrip('/')}/a/{key}", scale=6),
        )

    @router.post("/a/{token}/cancel", response_class=HTMLResponse)
    async def cancel(token: str, request: Request) -> Response:
        """She will not come: her time is free for somebody else."""
        key = normal(token)
        found = booking.found(request, key)
        if isinstance(found, Response):
            return found
        ask = m.CancelTime(id=new_id(), token=key)
        answer = await web.give("CancelTime", ask, None, device=DEVICE)
        if answer.refusal is not None:
            return refused(request, answer.refusal, "/book")
        return RedirectResponse(f"/a/{key}", 303)

    return router


async def _book(booking: Booking, request: Request, form: Form) -> Response:
    order_id = booking.signer.read("book", form.text("id"), time.time())
    starts = form.text("starts")
    if order_id is None or not MOMENT.fullmatch(starts):
        return RedirectResponse("/book", 303)
    now = time.time()
    wait = max(booking.by_address.wait(address(request), now), booking.in_all.wait("", now))
    if wait > 0:
        return please_wait(request, wait)
    ask = m.BookTime(
        id=order_id,
        service=form.text("service"),
        starts=int(starts),
        language=Language(language_of(request)),
    )
    answer = await booking.web.give("BookTime", ask, None, order_id, DEVICE)
    if answer.refusal is not None:
        return refused(request, answer.refusal, f"/book?service={ask.service}")
    booking.by_address.count(address(request), now)
    booking.in_all.count("", now)
    told = msgspec.json.decode(answer.ok, type=m.TimeBooked)
    return RedirectResponse(f"/a/{told.token}", 303)
