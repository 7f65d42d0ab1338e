"""`/up/{token}`: a visitor's phone hands in photos and PDF for her visit at the kiosk, and for no other."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from ..uploads import HIGHEST_PAPER, LARGEST_BODY, LASTS_S, PhoneVisits, Refusal, Visit
from .limits import Limit
from .notices import notice, please_wait
from .render import address, is_secure, language_of, page

COOKIE = "motcua_up"
MOST_FILES = 20
STATUS = {"too_large": 413, "over": 410}


class InMemory(MultiPartParser):
    """Nothing that a visitor hands in touches the disk."""

    spool_max_size = LARGEST_BODY


def upload_pages(visits: PhoneVisits) -> APIRouter:
    router = APIRouter(tags=["public"])
    guesses, sent = Limit(30, 600), Limit(60, 600)

    def found(request: Request, token: str) -> Visit | Response:
        """The visit of this token, or what is said instead."""
        now, key = time.monotonic(), address(request)
        visit = visits.by_token(token)
        if visit is None:
            if (wait := guesses.wait(key, now)) > 0:
                return please_wait(request, wait)
            guesses.count(key, now)
            return notice(request, "up_over", 410)
        if visit.phone and not _is_hers(request, visit):
            return notice(request, "up_taken", 403)
        return visit

    @router.get("/up/{token}", response_class=HTMLResponse)
    @router.get("/up/{token}/{paper}", response_class=HTMLResponse)
    async def ask(token: str, request: Request, paper: str = "") -> Response:
        """Choose photos or PDF of a paper. Works without script."""
        visit = found(request, token)
        if isinstance(visit, Response):
            return visit
        return _known(request, visit, _phone(request, visit), _page(request, visit, paper))

    @router.post("/up/{token}", response_class=HTMLResponse)
    @router.post("/up/{token}/{paper}", response_class=HTMLResponse)
    async def take(token: str, request: Request, paper: str = "") -> Response:
        """`file`, several times: JPEG, PNG or PDF. The first phone that hands in is the only one."""
        visit = found(request, token)
        if isinstance(visit, Response):
            return visit
        if (wait := sent.wait(visit.id, time.monotonic())) > 0:
            return please_wait(request, wait)
        sent.count(visit.id, time.monotonic())
        phone = _phone(request, visit)
        try:
            async with visit.taking:
                if visit.phone not in ("", phone):
                    return notice(request, "up_taken", 403)
                visit.phone = phone
                await _hand_in(visits, visit, request, _number(paper))
            response: Response = RedirectResponse(f"{request.url.path}?took=1", 303)
        except Refusal as refusal:
            status = STATUS.get(refusal.code, 422)
            if refusal.code == "over":
                return notice(request, "up_over", status)
            response = _page(request, visit, paper, refusal.code, status)
        return _known(request, visit, phone, response)

    return router


def _phone(request: Request, visit: Visit) -> str:
    """The phone's own name for this visit; it has it from the page, before it hands anything in."""
    return visit.phone or request.cookies.get(COOKIE, "") or secrets.token_urlsafe(18)


def _known(request: Request, visit: Visit, phone: str, response: Response) -> Response:
    response.set_cookie(
        COOKIE,
        phone,
        max_age=int(LASTS_S),
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
        path=f"/up/{visit.token}",
    )
    return response


async def _hand_in(visits: PhoneVisits, visit: Visit, request: Request, paper: int | None) -> None:
    """Raises Refusal."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise Refusal("too_large")
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refusal("empty")
    parser = InMemory(request.headers, _limited(request), max_files=MOST_FILES, max_fields=5)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise Refusal("torn") from error
    files = [x for x in form.getlist("file") if isinstance(x, UploadFile) and x.filename]
    if not files:
        raise Refusal("empty")
    for file in files:
        ending = (file.filename or "").rpartition(".")[2]
        claimed = file.content_type or ending
        await visits.hand_in(visit, paper, await file.read(), claimed)
    await form.close()


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    """The body, but never more than is allowed, whatever its head says. Raises Refusal."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise Refusal("too_large")
        yield chunk


def _is_hers(request: Request, visit: Visit) -> bool:
    given = request.cookies.get(COOKIE, "")
    return secrets.compare_digest(given.encode(), visit.phone.encode())


def _number(paper: str) -> int | None:
    return int(paper) if paper.isdecimal() and len(paper) <= len(str(HIGHEST_PAPER)) else None


def _page(
    request: Request, visit: Visit, paper: str, wrong: str = "", status: int = 200
) -> Response:
    number = _number(paper)
    where = f"/up/{visit.token}" if number is None else f"/up/{visit.token}/{number}"
    return page(
        request,
        "upload.html",
        language_of(request, visit.language),
        status,
        path=where,
        where=where,
        wrong=wrong,
        took=request.query_params.get("took") == "1",
        count=len(visit.pages),
    )
