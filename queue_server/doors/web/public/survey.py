"""`/survey/{token}`: a rating by phone for the visit behind a token; once, until its offer ends."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from ....wire import messages as m
from ....wire.link import new_id
from ..context import Web
from .notices import not_found, notice, please_wait, refused
from .render import Form, form_of, language_of, page
from .signing import Signer
from .visit import Standing, Visits

DEVICE = "phone"
FORM_LASTS_S = 8 * 86_400
REASONS = (
    "waiting",
    "guidance",
    "attitude",
    "repeated",
    "paperwork",
    "late",
    "fees",
    "facilities",
)
"""The same words as on the tablet, so that the answers count together."""

POOR = 3
"""A rating up to this one may have reasons."""

LONGEST_WORDS = 500


def survey_routes(web: Web, visits: Visits, signer: Signer) -> APIRouter:
    router = APIRouter(tags=["public"])

    @router.get("/survey/{token}", response_class=HTMLResponse)
    async def ask(token: str, request: Request) -> Response:
        """The question, if this visit has an offer that still stands; needs its token."""
        seconds = visits.must_wait(request, token)
        if seconds > 0:
            return please_wait(request, seconds)
        if not web.replica.fresh:
            return notice(request, "away", 503, refresh=5)
        offer = visits.offer(token)
        if offer is None:
            return not_found(request, visits, token)
        standing = visits.standing(offer)
        if standing is not Standing.OPEN:
            return notice(request, f"survey_{standing}", link=f"/t/{token}")
        response = _form(request, signer, token)
        visits.was_known(request, response)
        return response

    @router.post("/survey/{token}", response_class=HTMLResponse)
    async def answer(token: str, request: Request) -> Response:
        """The rating: `score` 1–5, `reason` several times, `words` at most 500 signs; needs its token."""
        form = await form_of(request)
        seconds = visits.must_wait(request, token)
        if seconds > 0:
            return please_wait(request, seconds)
        offer = visits.offer(token)
        if offer is None:
            return not_found(request, visits, token)
        score = score_of(form)
        if score is None:
            return _form(request, signer, token, missing=True, status=422)
        order_id = signer.read("rate", form.text("id"), time.time()) or new_id()
        given = await web.give("Rate", rating(order_id, offer, score, form), None, order_id, DEVICE)
        return _told(request, given, token, score)

    return router


def score_of(form: Form) -> int | None:
    text = form.text("score")
    return int(text) if text in ("1", "2", "3", "4", "5") else None


def rating(order_id: str, offer: str, score: int, form: Form) -> m.Rate:
    """As it goes to the server; reasons belong to a poor one only, as on the tablet."""
    chosen = set(form.several("reason")) if score <= POOR else set()
    return m.Rate(
        id=order_id,
        offer=offer,
        score=score,
        pressed_at=int(time.time() * 1000),
        reasons=tuple(r for r in REASONS if r in chosen),
        words=form.text("words", LONGEST_WORDS),
        source="phone",
    )


def _form(
    request: Request, signer: Signer, token: str, missing: bool = False, status: int = 200
) -> Response:
    return page(
        request,
        "survey.html",
        language_of(request),
        status,
        token=token,
        id=signer.sign("rate", new_id(), time.time() + FORM_LASTS_S),
        reasons=REASONS,
        longest=LONGEST_WORDS,
        missing=missing,
    )


def _told(request: Request, given: m.Answer, token: str, score: int) -> Response:
    if given.refusal is None:
        return notice(request, "survey_poor" if score <= POOR else "survey_thanks")
    if given.refusal.code == "rated_already":
        return notice(request, "survey_rated", link=f"/t/{token}")
    if given.refusal.code == "no_offer":
        return notice(request, "survey_over", 410)
    return refused(request, given.refusal, f"/survey/{token}", 503)
