"""`/open/satisfaction`: a month's satisfaction for everybody, as a page, JSON, a table and a poster to hang up."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from ....wire.words import Language, local
from ...sheets.poster import poster_pdf
from ..context import Web
from ..published import METHOD, Month, last_month, published, rows
from .notices import notice
from .render import TEXTS, language_of, page

_ANYONE = {"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=300"}


def month_routes(web: Web) -> APIRouter:
    router = APIRouter(tags=["public"], prefix="/open")

    def today() -> dt.date:
        return local(web.now(), web.state.setup.rules.utc_offset_minutes).date()

    async def found(month: str) -> Month | None:
        named = month or last_month(today())
        return await asyncio.to_thread(published, web, named, today())

    @router.get("/satisfaction", response_class=HTMLResponse)
    async def shown(request: Request, month: str = "") -> Response:
        """A month that has ended (2026-10; the last one if none is named); no log-in."""
        known = await found(month)
        if known is None:
            return notice(request, "no_month", 404, link="/open/satisfaction")
        return page(
            request,
            "month.html",
            language_of(request),
            month=known,
            name=month_name(known.month),
            before=_month_before(known.month),
            method=METHOD,
        )

    @router.get("/satisfaction.json")
    async def as_json(month: str = "") -> Response:
        """The same as JSON, with the method in both languages; no log-in."""
        known = await found(month)
        if known is None:
            return Response(status_code=404)
        method = {
            name: {lang: TEXTS.say(f"method.{name}", lang) for lang in TEXTS.languages()}
            for name in METHOD
        }
        body = msgspec.json.encode({"satisfaction": known, "method": method})
        return Response(body, media_type="application/json", headers=_ANYONE)

    @router.get("/satisfaction.csv")
    async def as_csv(month: str = "") -> Response:
        """The same as a table; no log-in."""
        known = await found(month)
        if known is None:
            return Response(status_code=404)
        out = io.StringIO()
        csv.writer(out).writerows(rows(known))
        name = f'inline; filename="satisfaction-{known.month}.csv"'
        headers = {**_ANYONE, "Content-Disposition": name}
        return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("/satisfaction.pdf")
    async def as_poster(request: Request, month: str = "") -> Response:
        """The month's poster for the wall, A3; no log-in."""
        known = await found(month)
        if known is None:
            return Response(status_code=404)
        setup, language = web.state.setup, Language(language_of(request))
        base = web.file.web.public_url.rstrip("/")
        url = f"{base}/open/satisfaction?month={known.month}" if base else ""
        made = await asyncio.to_thread(poster_pdf, known, setup, url, language)
        name = f'inline; filename="satisfaction-{known.month}.pdf"'
        headers = {**_ANYONE, "Content-Disposition": name}
        return Response(made, media_type="application/pdf", headers=headers)

    return router


def month_name(month: str) -> str:
    """`10/2026`."""
    year, number = month.split("-")
    return f"{number}/{year}"


def _month_before(month: str) -> str:
    return last_month(dt.date.fromisoformat(f"{month}-01"))
