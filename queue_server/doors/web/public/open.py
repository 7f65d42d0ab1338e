"""`/open`: the centre's live figures for everybody, as a page, as JSON and as a table."""

from __future__ import annotations

import csv
import io
import time

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from ....store.satisfaction import Days, groups
from ....wire.words import DAY, day_of, local
from ..context import Web
from .figures import (
    FEWEST_ANSWERS,
    Figures,
    Foretold,
    Satisfaction,
    Waits,
    figures,
    satisfied,
)
from .render import TEXTS, language_of, page

RATED_DAYS = 30
REFRESH_S = 20
KEPT_S = 5.0


MEASURES = ("waiting", "wait", "over", "counters", "foretold", "satisfaction")


class Answers:
    """Satisfaction of the last 30 days and today, in whole fives; asked anew after some seconds."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._known = satisfied(())
        self._read_at = float("-inf")

    def now(self, at: int) -> Satisfaction:
        if time.monotonic() - self._read_at > KEPT_S:
            offset = self._web.state.setup.rules.utc_offset_minutes
            since, until = at - RATED_DAYS * DAY, at + DAY
            days = Days(since=day_of(since, offset), until=day_of(until, offset))
            self._known = satisfied(groups(self._web.database, days))
            self._read_at = time.monotonic()
        return self._known


def open_routes(web: Web) -> APIRouter:
    router = APIRouter(tags=["public"])
    answers = Answers(web)

    def now() -> Figures:
        at = web.now()
        take = "/take" if web.file.web.take != "off" else ""
        return figures(web.state, web.replica.estimates, answers.now(at), at, take)

    @router.get("/open", response_class=HTMLResponse)
    async def shown(request: Request) -> Response:
        """The centre's live figures, with what they mean; no log-in."""
        found = now()
        at = local(found.at, web.state.setup.rules.utc_offset_minutes)
        return page(
            request,
            "open.html",
            language_of(request),
            figures=found,
            at=at.strftime("%H:%M %d/%m/%Y"),
            refresh=REFRESH_S,
            fewest=FEWEST_ANSWERS,
            days=RATED_DAYS,
            measures=MEASURES,
        )

    @router.get("/open.json")
    async def as_json() -> Response:
        """The same as JSON, with the definitions; no log-in."""
        body = {"figures": now(), "definitions": definitions()}
        return Response(msgspec.json.encode(body), media_type="application/json", headers=_ANYONE)

    @router.get("/open.csv")
    async def as_csv() -> Response:
        """The same as a table: measure, service ("" for the centre), value, n, unit; no log-in."""
        text = table(now())
        headers = {**_ANYONE, "Content-Disposition": 'inline; filename="open.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    return router


_ANYONE = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


def definitions() -> dict[str, dict[str, str]]:
    """What each measure means and where it comes from, in both languages."""
    return {
        name: {lang: TEXTS.say(f"definition.{name}", lang) for lang in TEXTS.languages()}
        for name in MEASURES
    }


def table(found: Figures) -> str:
    share = found.satisfaction.share
    rows: list[tuple[object, ...]] = [
        ("measure", "service", "value", "n", "unit"),
        ("waiting", "", found.waiting, "", "visitors"),
        ("counters_open", "", found.counters_open, found.counters, "counters"),
        *_waits("", found.waits),
        *_foretold("", found.foretold),
        ("satisfied", "", share, found.satisfaction.n, "share"),
    ]
    for service in found.services:
        rows += [("waiting", service.id, service.waiting, "", "visitors")]
        rows += _waits(service.id, service.waits)
        rows += _foretold(service.id, service.foretold)
    out = io.StringIO()
    csv.writer(out).writerows(rows)  # None is written as an empty field
    return out.getvalue()


def _waits(service: str, waits: Waits) -> list[tuple[object, ...]]:
    return [
        ("mean_wait", service, waits.mean_minutes, waits.n, "minutes"),
        ("over_target", service, waits.share_over_target, waits.n, "share"),
    ]


def _foretold(service: str, score: Foretold) -> list[tuple[object, ...]]:
    return [
        ("estimate_error", service, score.mean_error_minutes, score.n, "minutes"),
        ("estimate_bias", service, score.bias_minutes, score.n, "minutes"),
        ("estimate_inside", service, score.share_inside, score.n, "share"),
    ]
