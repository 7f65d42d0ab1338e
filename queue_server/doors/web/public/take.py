"""`/take`: a number with a phone or any browser: off, only at the centre, or free, by a setting."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ....desk import public
from ....line.setup import Service
from ....wire import messages as m
from ....wire.link import new_id
from ....wire.words import Estimate, Frozen, Language, Names
from ..context import Web
from ..sessions import Throttle, TooManyTries
from .limits import Limit
from .notices import notice, please_wait
from .render import Form, address, form_of, is_secure, language_of, page
from .signing import Signer
from .visit import Visits, is_over

DEVICE = "take"
HERE_COOKIE, TAKEN_COOKIE = "motcua_here", "motcua_taken"
HERE_LASTS_S = 900
FORM_LASTS_S = 3_600
TAKEN_LASTS_S = 86_400
A_MOMENT = re.compile(r"[0-9]{0,15}")
"""In ms, or empty, as the page's own form sends it."""
NOT_THEN = frozenset({"booked_past", "booked_outside", "slot_full"})
"""Refusals of the time alone: the page offers what there is now."""


class Choice(Frozen):
    """A service as the page offers it, and what it would be like to wait for it."""

    id: str
    letter: str
    name: Names
    state: str
    reason: str
    waiting: int
    estimate: Estimate | None
    quieter: m.Quieter | None = None


@dataclass
class Taking:
    """Who may take a number now. Phones of one hall may share an address, so theirs is a wide limit."""

    web: Web
    signer: Signer
    visits: Visits
    by_address: dict[str, Limit] = field(
        default_factory=lambda: {"centre": Limit(40, 600), "free": Limit(6, 600)}
    )
    in_all: Limit = field(default_factory=lambda: Limit(90, 60))
    wrong_codes: Throttle = field(default_factory=Throttle)

    @property
    def mode(self) -> str:
        return self.web.file.web.take

    def is_here(self, request: Request) -> bool:
        """She has typed or scanned the code of the board within a quarter of an hour."""
        if self.mode == "free":
            return True
        here = self.signer.read("here", request.cookies.get(HERE_COOKIE, ""), time.time())
        return here is not None

    def running(self, request: Request) -> str | None:
        """The token of the number that this phone took and that is still to be called or served."""
        cookie = request.cookies.get(TAKEN_COOKIE, "")
        token = self.signer.read("taken", cookie, time.time())
        ticket = self.visits.ticket(token) if token else None
        return token if ticket is not None and not is_over(ticket) else None

    def right_code(self, given: str, request: Request) -> bool:
        """Raises TooManyTries for an address that guesses."""
        now = time.time()
        keys = (f"code:{address(request)}",)
        self.wrong_codes.check(keys, now)
        if self.signer.is_code(given, now):
            self.wrong_codes.passed(keys)
            return True
        self.wrong_codes.failed(keys, now)
        return False

    def must_wait(self, request: Request) -> float:
        """Seconds until this address (or anybody at all) may have one more number."""
        now = time.time()
        mine = self.by_address[self.mode].wait(address(request), now)
        return max(mine, self.in_all.wait("", now))

    def took(self, request: Request) -> None:
        now = time.time()
        self.by_address[self.mode].count(address(request), now)
        self.in_all.count("", now)

    def choices(self) -> list[Choice]:
        return [self._choice(s) for s in self.web.state.setup.services]

    def choice(self, service_id: str) -> Choice | None:
        """A service that gives numbers now."""
        service = self.web.state.setup.service(service_id)
        known = self._choice(service) if service else None
        return known if known and known.state == "open" else None

    def group(self, given: str) -> str | None:
        """A priority group of the centre's list; anything else is no claim."""
        known = (p.id for p in self.web.state.setup.priorities)
        return given if given in known else None

    def _choice(self, service: Service) -> Choice:
        state, at = self.web.state, self.web.now()
        return Choice(
            id=service.id,
            letter=service.letter,
            name=service.name,
            state=public.service_state(state, service.id, at),
            reason=state.suspended.get(service.id, ""),
            waiting=public.waiting_now(state, service.id, at),
            estimate=self.web.newcomer(service.id),
            quieter=public.quieter(state, self.web.replica.estimates, service.id, at),
        )


def take_routes(taking: Taking) -> APIRouter:
    router = APIRouter(tags=["public"])

    @router.get("/take", response_class=HTMLResponse)
    async def choose(request: Request) -> Response:
        """Take a number; no log-in, at the centre the code of its board. One running number a phone."""
        shut = _shut(taking, request)
        if shut is not None:
            return shut
        if given := request.query_params.get("code"):
            return _enter(taking, request, given)
        if not taking.is_here(request):
            return page(request, "take_code.html", language_of(request), wrong=False)
        return _step(taking, request)

    @router.post("/take/code", response_class=HTMLResponse)
    async def code(request: Request) -> Response:
        """`code` from the board; answers with the services."""
        form = await form_of(request)
        return _shut(taking, request) or _enter(taking, request, form.text("code", 20))

    @router.post("/take", response_class=HTMLResponse)
    async def take(request: Request) -> Response:
        """`service`, `priority` (or none), `booked` (ms, or none: now) and the form's own `id`.

        By the id a second press takes nothing.
        """
        form = await form_of(request)
        return _shut(taking, request) or await _take(taking, request, form)

    return router


def _shut(taking: Taking, request: Request) -> Response | None:
    """Why nobody takes a number here now, or why this phone does not: it has one."""
    if taking.mode == "off":
        return notice(request, "take_off", 403)
    if not taking.web.replica.fresh:
        return notice(request, "away", 503, refresh=5)
    token = taking.running(request)
    return RedirectResponse(f"/t/{token}", 303) if token else None


def _enter(taking: Taking, request: Request, given: str) -> Response:
    """The code was typed or scanned: remember it, and leave it out of the address."""
    try:
        right = taking.mode == "free" or taking.right_code(given, request)
    except TooManyTries as error:
        return please_wait(request, error.seconds)
    if not right:
        return page(request, "take_code.html", language_of(request), 403, path="/take", wrong=True)
    response = RedirectResponse("/take", 303)
    signed = taking.signer.sign("here", "1", time.time() + HERE_LASTS_S)
    _cookie(response, request, HERE_COOKIE, signed, HERE_LASTS_S)
    return response


def _step(taking: Taking, request: Request) -> Response:
    """Service, then priority group, then (when the line is long) the time, then confirm.

    One question on each page; who has priority hardly waits and is not asked for a time.
    """
    language = language_of(request)
    chosen = taking.choice(request.query_params.get("service", ""))
    if chosen is None:
        return page(request, "take_service.html", language, choices=taking.choices())
    groups = taking.web.state.setup.priorities
    claimed = request.query_params.get("priority")
    if claimed is None and groups:
        return page(request, "take_priority.html", language, chosen=chosen, groups=groups)
    group = next((g for g in groups if g.id == claimed), None)
    when = request.query_params.get("at")
    later = chosen.quieter if group is None else None
    if later is not None and when is None:
        return page(request, "take_time.html", language, chosen=chosen, later=later)
    later = later if later is not None and when == later.at else None
    estimate = taking.web.newcomer(chosen.id, group.id if group else None)
    order_id = taking.signer.sign("take", new_id(), time.time() + FORM_LASTS_S)
    return page(
        request,
        "take_confirm.html",
        language,
        chosen=chosen,
        group=group,
        estimate=estimate,
        later=later,
        id=order_id,
    )


async def _take(taking: Taking, request: Request, form: Form) -> Response:
    order_id = taking.signer.read("take", form.text("id"), time.time())
    service, booked = form.text("service"), form.text("booked")
    if order_id is None or not taking.is_here(request) or not A_MOMENT.fullmatch(booked):
        return RedirectResponse("/take", 303)
    seconds = taking.must_wait(request)
    if seconds > 0:
        return please_wait(request, seconds)
    language = language_of(request)
    ask = m.TakeTicket(
        id=order_id,
        service=service,
        asked_at=taking.web.now(),
        priority=taking.group(form.text("priority")),
        language=Language(language),
        booked=int(booked) if booked else None,
    )
    answer = await taking.web.give("TakeTicket", ask, None, order_id, DEVICE)
    if answer.refusal is not None:
        words = answer.refusal.en if language == Language.EN else answer.refusal.vi
        again = answer.refusal.code in NOT_THEN
        link = f"/take?{urlencode({'service': service, 'priority': ''})}" if again else "/take"
        return notice(request, "refused", 409, words=words, link=link)
    taking.took(request)
    token = msgspec.json.decode(answer.ok, type=m.TicketTaken).token
    response = RedirectResponse(f"/t/{token}", 303)
    signed = taking.signer.sign("taken", token, time.time() + TAKEN_LASTS_S)
    _cookie(response, request, TAKEN_COOKIE, signed, TAKEN_LASTS_S)
    return response


def _cookie(response: Response, request: Request, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
        path="/take",
    )
