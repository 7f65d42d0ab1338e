"""`/province`: how passing dossiers on to the province stands; what it rejected is sent again only from here."""

from __future__ import annotations

import time

from fastapi import Request, Response
from markupsafe import Markup
from nicegui import ui

from ....desk.commands import PassAgain
from ....dossiers.passing import PassedOn
from ....line import orders as o
from ....store import dossiers, passing
from ....store.dossiers import Dossier
from ....store.passing import Passing
from ....wire.words import Role
from ...province.port import start_of
from ..context import Web
from .ask import ask_reason
from .html import act, chip, join, row, table, tag
from .layout import PAGES, frame
from .page import Page, open_page

P = PassedOn
SHOWN = (P.REJECTED, P.UNCLEAR, P.SENDING, P.ACCEPTED)
LOOKS = {
    P.ACCEPTED: "mc-good",
    P.REJECTED: "mc-first",
    P.UNCLEAR: "mc-first",
    P.SENDING: "mc-first",
}
MOST = 100
COUNT_EVERY_S = 10.0


def province_pages(web: Web) -> None:
    @ui.page("/province")
    async def province(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["province"])
        if isinstance(page, Response):
            return page
        if page.session.role is Role.AUDITOR:
            await page.give("Note", o.Note(what="read", subject="province"), tell=False)
        ProvincePage(page).build()
        return None


class ProvincePage:
    """Nothing of a person: codes, states and causes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._counted: dict[str, int] = {}
        self._count_at = 0.0

    def build(self) -> None:
        page = self.page
        frame(page, page.say("page.province"))
        with ui.element("section").classes("mc-card mc-stack"):
            page.part(self._head)
            page.part(self._list, acts={"again": self.again})
        page.follow()

    def _head(self) -> Markup:
        page = self.page
        file = page.web.file.province
        if not file.url:
            return tag("p", page.say("province.off"), cls="mc-soft")
        away = page.state.province_away
        found = self._counts()
        counts = [chip(f"{page.say(f'province.is_{x}')}: {found.get(x, 0)}") for x in P]
        if not away:
            return tag("p", Markup(" ").join(counts))
        since = self.page.moment(page.state.province_said)
        words = page.say("province.away", cause=cause_words(page, away), at=since)
        return join(
            tag("div", words, cls="mc-away", role="alert"), tag("p", Markup(" ").join(counts))
        )

    def _counts(self) -> dict[str, int]:
        """How many stand how; the tables are gone through for it every ten seconds at most."""
        page, now = self.page, time.monotonic()
        if now >= self._count_at:
            own, database = page.web.file.province, page.web.database
            start = start_of(own.since, page.web.file.rules.utc_offset_minutes)
            self._counted = passing.counts(database)
            self._counted["waiting"] = passing.how_many_wait(database, own.samples, start)
            self._count_at = now + COUNT_EVERY_S
        return self._counted

    def _list(self) -> Markup:
        page = self.page
        found = [x for status in SHOWN for x in passing.listed(page.web.database, status, MOST)]
        if not found:
            return tag("div", page.say("province.none"), cls="mc-empty")
        names = ("code", "state", "cause", "tries", "since")
        head = tuple(page.say(f"province.{name}") for name in names)
        lines = dossiers.of(page.web.database, [x.dossier for x in found])
        return table((*head, ""), [self._row(x, lines.get(x.dossier)) for x in found])

    def _row(self, known: Passing, line: Dossier | None) -> Markup:
        page = self.page
        can = known.passed is P.REJECTED and page.may(PassAgain)
        again = act("again", page.say("province.again"), known.dossier, page.fresh)
        return row(
            tag("a", _name(line), href=f"/dossiers/{known.dossier}"),
            passing_chip(page, known),
            cause_words(page, known.cause),
            known.tries,
            self.page.moment(known.at),
            tag("td", *((again,) if can else ()), cls="mc-acts"),
            data_dossier=known.dossier,
        )

    async def again(self, dossier: str) -> None:
        page = self.page
        reason = await ask_reason(page, page.say("province.again"))
        if reason is not None:
            order = PassAgain(dossier=dossier, reason=reason)
            await page.did("PassAgain", order, page.say("province.goes_again"))
            self._count_at = 0.0


def passing_chip(page: Page, known: Passing) -> Markup:
    """How it stands with the province, in words."""
    return chip(page.say(f"province.is_{known.passed}"), LOOKS.get(known.passed, ""))


def province_chip(page: Page, known: Passing) -> Markup:
    """The same in lists of dossiers, where it must say of what it speaks."""
    words = f"{page.say('province.state')}: {page.say(f'province.is_{known.passed}')}"
    return chip(words, LOOKS.get(known.passed, ""))


def cause_words(page: Page, cause: str) -> str:
    """A cause in words; one of HTTP's numbers as it is."""
    if cause.startswith("http_"):
        return page.say("province.cause_http", number=cause.removeprefix("http_"))
    return page.say(f"province.cause_{cause}") if cause else "–"


def _name(line: Dossier | None) -> str:
    return (line.number if line else "") or "–"
