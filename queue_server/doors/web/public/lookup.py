"""`/lookup`: how far a dossier is, by its code. Without log-in the law allows code and degree of completion alone
(TT 01/2018/TT-VPCP, art. 16): no name, no procedure, no date; a code that nobody has is answered in the same shape."""

import asyncio
import re

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from ....dossiers.life import COMPLETION
from ....wire.words import Frozen
from ..context import Web
from .limits import Limit, must_wait
from .notices import please_wait
from .render import address, language_of, page

NUMBER = re.compile(r"[A-Z0-9][A-Z0-9.\-]{3,39}")


class Found(Frozen, omit_defaults=False):
    """`state`: a word of `dossiers/life.py`, `unknown` where no dossier has this code; `completion` in percent."""

    code: str
    state: str = "unknown"
    completion: int = 0


class Lookups:
    """So many a device or phone in ten minutes, so many in all: nobody tries codes out."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._by_address, self._in_all = Limit(30, 600), Limit(300, 60)

    def must_wait(self, request: Request) -> float:
        """Seconds until this one may ask again; counts the asking when it may."""
        return must_wait((self._by_address, address(request)), (self._in_all, ""))

    async def find(self, code: str) -> Found:
        given = code.strip().upper()[:40]
        if not NUMBER.fullmatch(given):
            return Found(code=given)
        found = await asyncio.to_thread(self._web.shelf.find, given)
        if found is None:
            return Found(code=given)
        return Found(code=given, state=str(found.status), completion=COMPLETION[found.status])


def lookup_routes(web: Web) -> APIRouter:
    from ..api import json

    router = APIRouter(tags=["public"])
    lookups = Lookups(web)

    @router.get("/api/lookup")
    async def look_up(request: Request, code: str = "") -> Response:
        """State and degree of completion of a dossier, by code or provisional number. No log-in needed."""
        wait = lookups.must_wait(request)
        if wait > 0:
            headers = {"Retry-After": str(int(wait) + 1)}
            return Response(status_code=429, headers=headers)
        response = json(await lookups.find(code))
        response.headers["Cache-Control"] = "no-store"
        return response

    @router.get("/lookup", response_class=HTMLResponse)
    async def look_up_page(request: Request, code: str = "") -> Response:
        """The same on a phone. No log-in; works without script."""
        found = None
        if code.strip():
            wait = lookups.must_wait(request)
            if wait > 0:
                return please_wait(request, wait)
            found = await lookups.find(code)
        language = language_of(request)
        hotline = web.state.setup.hotline
        return page(request, "lookup.html", language, found=found, hotline=hotline)

    return router
