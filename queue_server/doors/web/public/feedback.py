"""`/feedback`: leave a complaint, a suggestion, a question or praise by phone, follow it, read what was published."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ....desk.desk import is_phone
from ....dossiers.feedback import LONGEST_WORDS, FeedbackKind, FeedbackStatus
from ....wire.filing import Feedback, shown_key
from ....wire.words import Language, local
from ..context import Web
from ..feedback import PHONE, Followed
from ..filings import Stop
from .notices import notice, please_wait, refused
from .render import Form, address, form_of, language_of, page
from .signing import Signer

FORM_LASTS_S = 86_400
LARGEST_FORM = 60_000
"""Bytes: a Vietnamese letter may take nine of them in a form."""
FIELDS = ("kind", "about", "service", "words", "name", "phone", "notify")


def feedback_pages(web: Web, signer: Signer) -> APIRouter:
    router = APIRouter(tags=["public"])
    box = web.feedback_box

    @router.get("/feedback", response_class=HTMLResponse)
    async def ask(request: Request) -> Response:
        """Write to the centre, or follow what was written. No log-in; works without script."""
        return _form(web, signer, request, {})

    @router.post("/feedback", response_class=HTMLResponse)
    async def send(request: Request) -> Response:
        """`kind`, `words`; `service`, `about`, `name`, `phone`, `notify` if she likes; the form's own `id`."""
        form = await form_of(request, LARGEST_FORM)
        given = {name: form.text(name, LONGEST_WORDS) for name in FIELDS}
        sent = signer.read("feedback", form.text("id"), time.time())
        wrong = _wrong(given)
        if sent is None or wrong:
            return _form(web, signer, request, given, wrong or "old", 422)
        if not web.replica.fresh:
            return _form(web, signer, request, given, "away", 503, sent)
        wait = box.must_wait((box.by_address, box.in_all), address(request))
        if wait > 0:
            return please_wait(request, wait)
        try:
            filed = await box.take(_feedback(web, request, sent, given), sent, PHONE)
        except Stop as stop:
            wrong = "away" if stop.code == "server_away" else "refused"
            return _form(web, signer, request, given, wrong, 503, sent if wrong == "away" else "")
        return RedirectResponse(f"/feedback/{filed.key}?new=1", 303)

    @router.get("/feedback/follow", response_class=HTMLResponse)
    async def by_number(request: Request, number: str = "", key: str = "") -> Response:
        """Number and key, as they stand on the strip."""
        wait = box.must_wait((box.guesses,), address(request))
        if wait > 0:
            return please_wait(request, wait)
        found = await asyncio.to_thread(box.followed, key, number)
        if found is None:
            return notice(request, "no_feedback", 404, link="/feedback")
        return _followed(web, request, found, key)

    @router.get("/feedback/published", response_class=HTMLResponse)
    async def published(request: Request) -> Response:
        """What was answered and published, in the centre's own words. No log-in."""
        shown = await asyncio.to_thread(box.published)
        return page(
            request,
            "feedback_published.html",
            language_of(request),
            shown=[(x, _day(web, x.answered_at)) for x in shown],
        )

    @router.get("/feedback/{key}", response_class=HTMLResponse)
    async def follow(key: str, request: Request) -> Response:
        """State and answer, by the key that the QR holds."""
        wait = box.must_wait((box.guesses,), address(request))
        if wait > 0:
            return please_wait(request, wait)
        found = await asyncio.to_thread(box.followed, key)
        if found is None:
            return notice(request, "no_feedback", 404, link="/feedback")
        return _followed(web, request, found, key)

    @router.post("/feedback/{key}", response_class=HTMLResponse)
    async def add(key: str, request: Request) -> Response:
        """What she adds when she was asked for more."""
        wait = box.must_wait((box.guesses,), address(request))
        if wait > 0:
            return please_wait(request, wait)
        form: Form = await form_of(request, LARGEST_FORM)
        answer = await box.add(key, form.text("words", LONGEST_WORDS))
        if answer.refusal is None or answer.refusal.code == "feedback_elsewhere":
            return RedirectResponse(f"/feedback/{key}", 303)
        return refused(request, answer.refusal, f"/feedback/{key}")

    return router


def _wrong(given: dict[str, str]) -> str:
    if given["kind"] not in set(FeedbackKind):
        return "kind"
    if not given["words"]:
        return "words"
    phone = "".join(x for x in given["phone"] if x.isdecimal())
    if given["phone"] and not is_phone(phone):
        return "phone"
    return "phone_missing" if given["notify"] and not phone else ""


def _feedback(web: Web, request: Request, sent: str, given: dict[str, str]) -> Feedback:
    known = web.state.setup.service(given["service"])
    return Feedback(
        id=sent,
        kind=given["kind"],
        words=given["words"],
        submitted_at=web.now(),
        language=Language(language_of(request)),
        about=given["about"],
        service=known.id if known else "",
        name=given["name"],
        phone=given["phone"],
        notify=bool(given["notify"]),
    )


def _form(
    web: Web,
    signer: Signer,
    request: Request,
    given: dict[str, str],
    wrong: str = "",
    status: int = 200,
    sent: str = "",
) -> Response:
    """Nothing that was typed is lost for what is wrong with it. `sent`: the form's id, where it may have arrived."""
    return page(
        request,
        "feedback.html",
        language_of(request),
        status,
        id=signer.sign("feedback", sent or secrets.token_hex(12), time.time() + FORM_LASTS_S),
        kinds=[str(x) for x in FeedbackKind],
        services=web.state.setup.services,
        given={name: given.get(name, "") for name in FIELDS},
        wrong=wrong,
        longest=LONGEST_WORDS,
        hotline=web.state.setup.hotline,
    )


def _followed(web: Web, request: Request, found: Followed, key: str) -> Response:
    told: list[tuple[Any, str]] = [(x, _day(web, x.at)) for x in found.told]
    return page(
        request,
        "feedback_follow.html",
        language_of(request),
        path=f"/feedback/{key}",
        found=found,
        told=told,
        key=shown_key(key.replace("-", "").upper()),
        link=f"/feedback/{key}",
        new=request.query_params.get("new") == "1",
        asked=found.status is FeedbackStatus.ASKED,
        answer_by=_day(web, found.answer_by),
        longest=LONGEST_WORDS,
        hotline=web.state.setup.hotline,
    )


def _day(web: Web, at: int) -> str:
    return f"{local(at, web.state.setup.rules.utc_offset_minutes):%d/%m/%Y}"
