"""`/survey/{token}`: a rating by phone for the visit behind a token; once, until its offer ends."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from ....wire import messages as m
from ....wire.link import new_id
from ....wire.surveys import Kind, Survey
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
ASKED = "asked"
"""The survey that stands on the page."""
ANSWER = "q-"
"""Before a question's id in the form: no question of a centre's own survey can be taken for another field."""


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
        response = _form(request, signer, token, survey_of(web, offer, language_of(request)))
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
        survey = survey_of(web, offer, language_of(request), form.text(ASKED))
        score = score_of(form)
        if score is None:
            return _form(request, signer, token, survey, missing=form, status=422)
        order_id = signer.read("rate", form.text("id"), time.time()) or new_id()
        body = rating(order_id, offer, score, form, survey)
        given = await web.give("Rate", body, None, order_id, DEVICE)
        return _told(request, given, token, score)

    return router


def score_of(form: Form) -> int | None:
    text = form.text("score")
    return int(text) if text in ("1", "2", "3", "4", "5") else None


def survey_of(web: Web, offer: str, language: str, asked: str = "") -> Survey | None:
    """What this offer asks beyond the faces, if that is asked in her language, or stood on the page."""
    known = web.state.offers.get(offer)
    survey = web.surveys.get(known.survey) if known else None
    if survey is None or not survey.questions:
        return None
    return survey if asked == survey.id or language in survey.languages else None


def answers_of(form: Form, survey: Survey | None) -> dict[str, int]:
    """By question, what was chosen; what is none of its answers is left out."""
    found = {}
    for question in survey.questions if survey else ():
        text = form.text(f"{ANSWER}{question.id}", 12)
        try:
            value = int(text)
        except ValueError:
            continue
        if question.takes(value):
            found[question.id] = value
    return found


def rating(
    order_id: str, offer: str, score: int, form: Form, survey: Survey | None = None
) -> m.Rate:
    """As it goes to the server; reasons belong to a poor one only, as on the tablet.

    All questions stand on one page: whoever sends it has been shown them all.
    """
    chosen = set(form.several("reason")) if score <= POOR else set()
    return m.Rate(
        id=order_id,
        offer=offer,
        score=score,
        pressed_at=int(time.time() * 1000),
        reasons=tuple(r for r in REASONS if r in chosen),
        words=form.text("words", LONGEST_WORDS),
        source="phone",
        answers=answers_of(form, survey),
        shown=len(survey.questions) if survey and form.text(ASKED) == survey.id else 0,
    )


def _form(
    request: Request,
    signer: Signer,
    token: str,
    survey: Survey | None,
    missing: Form | None = None,
    status: int = 200,
) -> Response:
    """`missing`: what was sent without a face, and stands there again."""
    questions = survey.questions if survey else ()
    asks_words = next((q for q in questions if q.kind is Kind.WORDS), None)
    return page(
        request,
        "survey.html",
        language_of(request),
        status,
        token=token,
        id=signer.sign("rate", new_id(), time.time() + FORM_LASTS_S),
        reasons=REASONS,
        longest=LONGEST_WORDS,
        missing=missing is not None,
        questions=[q for q in questions if q.kind is not Kind.WORDS],
        asks_words=asks_words,
        asked=survey.id if survey else "",
        prefix=ANSWER,
        given=answers_of(missing, survey) if missing else {},
        chosen=missing.several("reason") if missing else (),
        words=missing.text("words", LONGEST_WORDS) if missing else "",
    )


def _told(request: Request, given: m.Answer, token: str, score: int) -> Response:
    if given.refusal is None:
        return notice(request, "survey_poor" if score <= POOR else "survey_thanks")
    if given.refusal.code == "rated_already":
        return notice(request, "survey_rated", link=f"/t/{token}")
    if given.refusal.code == "no_offer":
        return notice(request, "survey_over", 410)
    return refused(request, given.refusal, f"/survey/{token}", 503)
