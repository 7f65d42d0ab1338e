"""Pages that say one calm thing: not found, wait a moment, not here, thank you."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from ....wire import messages as m
from ....wire.words import Language
from .render import language_of, page
from .visit import Visits


def notice(
    request: Request,
    which: str,
    status: int = 200,
    language: str | None = None,
    refresh: int = 0,
    link: str = "/",
    words: str = "",
) -> HTMLResponse:
    """`which` is a key under `[notice]`; `words` (from the server) stand in place of its text.

    `refresh`: seconds until the browser asks again by itself, 0 for never.
    """
    return page(
        request,
        "notice.html",
        language or language_of(request),
        status,
        which=which,
        refresh=refresh,
        link=link,
        words=words,
    )


def not_found(request: Request, visits: Visits, token: str) -> HTMLResponse:
    """No such ticket; asked too often from one address, the answer is to wait."""
    seconds = visits.must_wait(request, token)
    if seconds > 0:
        return please_wait(request, seconds)
    visits.was_unknown(request)
    return notice(request, "unknown", 404)


def refused(request: Request, refusal: m.Refusal, link: str, status: int = 409) -> HTMLResponse:
    """What the server refused, in its own words."""
    words = refusal.en if language_of(request) == Language.EN else refusal.vi
    return notice(request, "refused", status, words=words, link=link)


def please_wait(request: Request, seconds: float) -> HTMLResponse:
    response = notice(request, "wait", 429)
    response.headers["Retry-After"] = str(int(seconds) + 1)
    return response
