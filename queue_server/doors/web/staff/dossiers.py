"""`/dossiers`: what kiosks filed, in the order in which it came; one opened for a reason, and what becomes of it."""

from __future__ import annotations

import asyncio

from fastapi import Request, Response
from markupsafe import Markup
from nicegui import ui

from ....desk.commands import GiveDossierCode, MoveDossier, OpenDossier
from ....dossiers.life import ENDED, NEEDS_WORDS, NEXT, DossierStatus
from ....line import orders as o
from ....store import dossiers, passing
from ....store.dossiers import Dossier
from ....store.passing import Passing
from ....store.vault import CannotUnseal
from ....wire.words import Role
from ..context import Web
from ..dossiers import Line, Opened, PaperShown, Words
from .ask import Field, ask, ask_reason, confirm
from .counter_view import PROCEDURES, service_name
from .html import chip, join, row, table, tag
from .layout import PAGES, button, frame
from .page import Page, open_page
from .province import province_chip

S = DossierStatus
VIEWS: dict[str, tuple[DossierStatus, ...]] = {
    "to_check": (S.RECEIVED,),
    "under_way": (S.PROCESSING, S.SUPPLEMENT, S.PAUSED),
    "ready": (S.READY,),
    "prepared": (S.PREPARED,),
    "ended": tuple(sorted(ENDED)),
}
LOOKS = {
    S.RECEIVED: "mc-first",
    S.READY: "mc-good",
    S.RETURNED: "mc-good",
    S.REFUSED: "mc-dull",
    S.WITHDRAWN: "mc-dull",
}


def dossier_pages(web: Web) -> None:
    @ui.page("/dossiers")
    async def listed(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["dossiers"])
        if isinstance(page, Response):
            return page
        if page.session.role is Role.AUDITOR:
            await page.give("Note", o.Note(what="read", subject="dossiers"), tell=False)
        ListPage(page).build()
        return None

    @ui.page("/dossiers/{dossier}")
    async def one(request: Request, dossier: str) -> Response | None:
        page = open_page(web, request, *PAGES["dossiers"])
        if isinstance(page, Response):
            return page
        DossierPage(page, dossier).build()
        return None


class ListPage:
    """The list alone opens no seal: codes, procedures, states and times."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._view = "to_check"

    def build(self) -> None:
        page = self.page
        frame(page, page.say("page.dossiers"))
        with ui.element("section").classes("mc-card mc-stack"):
            with ui.element("div").classes("mc-line mc-small"):
                views = {name: page.say(f"dossiers.view_{name}") for name in VIEWS}
                chosen = ui.select(views, value=self._view).props("outlined dense options-dense")
                chosen.style("min-width: 240px")
                chosen.on_value_change(lambda event: self._choose(str(event.value)))
                self._number = ui.input(page.say("dossiers.number")).props(
                    "outlined dense maxlength=40 spellcheck=false"
                )
                self._number.on("keydown.enter", page.acts(self.find), js_handler=TELL_NOTHING)
                button(page, page.say("dossiers.find"), self.find, emits=TELL_NOTHING)
            page.part(self._reuse)
            page.part(self._list)
        page.follow()

    def _choose(self, view: str) -> None:
        if view in VIEWS and self.page.still() is not None:
            self._view = view
            self.page.draw()

    async def find(self, _: str = "") -> None:
        page = self.page
        number = str(self._number.value or "").strip().upper()
        found = await asyncio.to_thread(page.web.shelf.find, number)
        if found is None:
            page.tell(page.say("dossiers.unknown", number=number or "–"), "negative")
            return
        with page.client:
            ui.navigate.to(f"/dossiers/{found.dossier}")

    def _reuse(self) -> Markup:
        """How many of the papers filed here the centre had already."""
        state = self.page.state
        share = 100 * state.papers_reused / state.papers_filed if state.papers_filed else 0.0
        words = self.page.say(
            "dossiers.reuse", share=f"{share:.0f}", used=state.papers_reused, all=state.papers_filed
        )
        return tag("p", words, cls="mc-soft")

    def _list(self) -> Markup:
        page = self.page
        found = dossiers.listed(page.web.database, VIEWS[self._view])
        if not found:
            return tag("div", page.say("dossiers.none"), cls="mc-empty")
        names = ("place", "code", "procedure", "service", "state", "received", "due", "papers")
        head = tuple(page.say(f"dossiers.{name}") for name in names)
        passed = passing.of(page.web.database, [d.dossier for d in found])
        return table(
            (*head, ""),
            [self._row(n, d, passed.get(d.dossier)) for n, d in enumerate(found, 1)],
        )

    def _row(self, place: int, line: Dossier, passed: Passing | None) -> Markup:
        page = self.page
        reused = page.say("dossiers.reused", count=line.reused) if line.reused else ""
        return row(
            tag("td", place, cls="mc-num"),
            tag("b", line.number or "–"),
            PROCEDURES.name(page, line.procedure),
            service_name(page, line.service),
            join(
                state_chip(page, line),
                " ",
                sample_chip(page, line),
                " ",
                province_chip(page, passed) if passed else "",
            ),
            page.moment(line.received_at),
            due_words(page, line),
            tag("span", line.papers, " ", tag("small", reused, cls="mc-soft")),
            tag(
                "td",
                tag("a", page.say("dossiers.open"), href=f"/dossiers/{line.dossier}", cls="mc-act"),
                cls="mc-acts",
            ),
            data_dossier=line.dossier,
        )


TELL_NOTHING = "() => emit('')"


class DossierPage:
    """One dossier. What it says of a person is shown once she who reads has given a reason, which is logged."""

    def __init__(self, page: Page, dossier: str) -> None:
        self.page, self.dossier = page, dossier
        self._opened: Opened | None = None

    def build(self) -> None:
        page = self.page
        line = self._line()
        frame(page, page.say("page.dossiers"))
        with ui.element("section").classes("mc-card mc-stack"):
            ui.html(self._back(), sanitize=False)
            if line is None:
                ui.label(page.say("dossiers.unknown", number=self.dossier[:8]))
                return
            page.part(self._head)
            with ui.element("div").classes("mc-line mc-small"):
                self._buttons()
        page.part(self._inside, "mc-stack")
        page.follow()

    def _back(self) -> Markup:
        return tag("a", f"← {self.page.say('page.dossiers')}", href="/dossiers")

    def _line(self) -> Dossier | None:
        return dossiers.get(self.page.web.database, self.dossier)

    def _head(self) -> Markup:
        page, line = self.page, self._line()
        if line is None:
            return Markup("")
        name = PROCEDURES.name(page, line.procedure)
        return join(
            tag("h2", line.number or page.say("dossiers.no_code")),
            tag("p", tag("b", name), " · ", service_name(page, line.service)),
            tag("p", state_chip(page, line), " ", sample_chip(page, line), " ", self._province()),
            tag(
                "p",
                page.say("dossiers.received"),
                ": ",
                page.moment(line.received_at),
                " · ",
                page.say("dossiers.due"),
                ": ",
                due_words(page, line),
            ),
        )

    def _province(self) -> Markup:
        known = passing.get(self.page.web.database, self.dossier)
        return province_chip(self.page, known) if known.at else Markup("")

    # --- what may be done ---

    def _buttons(self) -> None:
        page = self.page
        button(
            page,
            page.say("dossiers.look_in"),
            self.open,
            look="unelevated color=primary",
            able=lambda: self._opened is None,
            emits=TELL_NOTHING,
        )
        if not page.may(MoveDossier):
            return
        for status in (S.PROCESSING, S.SUPPLEMENT, S.PAUSED, S.READY, S.RETURNED, S.REFUSED):
            self._move_button(status)
        button(
            page,
            page.say("dossiers.give_code"),
            self.give_code,
            able=self._wants_code,
            emits=TELL_NOTHING,
        )
        button(
            page,
            page.say("dossiers.withdraw"),
            self.withdraw,
            able=lambda: self._may_be(S.WITHDRAWN),
            emits=TELL_NOTHING,
        )

    def _move_button(self, status: DossierStatus) -> None:
        async def pressed(_: str = "") -> None:
            await self.move(status)

        button(
            self.page,
            self.page.say(f"dossiers.to_{status}"),
            pressed,
            able=lambda: self._may_be(status),
            emits=TELL_NOTHING,
        )

    def _may_be(self, status: DossierStatus) -> bool:
        line = self._line()
        if line is None or status not in NEXT[line.status]:
            return False
        return status is not S.SUPPLEMENT or not line.supplements

    def _wants_code(self) -> bool:
        line = self._line()
        return line is not None and not line.code and line.status not in (S.PREPARED, *ENDED)

    async def open(self, _: str = "") -> None:
        page = self.page
        reason = await ask_reason(page, page.say("dossiers.look_in"), "ready.dossier")
        if reason is None:
            return
        if not await page.did("OpenDossier", OpenDossier(dossier=self.dossier, reason=reason)):
            return
        page.web.shelf.note_opened(page.session, self.dossier)
        await self._read()

    async def _read(self) -> None:
        page = self.page
        try:
            found = await asyncio.to_thread(page.web.shelf.read, self.dossier, page.language)
        except CannotUnseal:
            found = None
        if found is None:
            page.tell(page.say("dossiers.forgotten"), "negative")
        self._opened = found

    async def move(self, status: DossierStatus) -> None:
        page, words = self.page, ""
        if status in NEEDS_WORDS:
            title = page.say(f"dossiers.to_{status}")
            given = await ask(
                page,
                title,
                Field(
                    "words",
                    page.say(f"dossiers.words_{status}"),
                    known=tuple(page.say(f"ready.{status}").split("|")),
                    most=1_000,
                ),
                text=page.say(f"dossiers.help_{status}"),
            )
            if given is None:
                return
            words = given["words"]
        order = MoveDossier(dossier=self.dossier, status=status, words=words)
        if await page.did("MoveDossier", order, page.say("dossiers.moved")):
            if self._opened is not None:
                await self._read()

    async def withdraw(self, _: str = "") -> None:
        title = self.page.say("dossiers.withdraw")
        if await confirm(self.page, title, self.page.say("dossiers.withdraw_text")):
            await self.move(S.WITHDRAWN)

    async def give_code(self, _: str = "") -> None:
        page = self.page
        given = await ask(
            page, page.say("dossiers.give_code"), Field("code", page.say("codes.label"), most=40)
        )
        if given is not None:
            order = GiveDossierCode(dossier=self.dossier, code=given["code"])
            await page.did("GiveDossierCode", order, page.say("dossiers.moved"))

    # --- what lies under the seal ---

    def _inside(self) -> Markup:
        page, found = self.page, self._opened
        if found is None:
            return tag("section", page.say("dossiers.sealed"), cls="mc-card mc-hint")
        receipt = f"/api/dossiers/{self.dossier}/receipt.pdf"
        owner = [
            (page.say("dossiers.owner"), found.owner),
            (page.say("dossiers.owner_number"), found.number),
            (page.say("dossiers.phone"), found.phone),
        ]
        return join(
            tag(
                "section",
                tag("h2", page.say("dossiers.who")),
                *[tag("p", name, ": ", tag("b", value)) for name, value in owner if value],
                tag(
                    "p",
                    tag(
                        "a",
                        page.say("dossiers.receipt"),
                        href=receipt,
                        target="_blank",
                        cls="mc-act",
                    ),
                ),
                cls="mc-card",
            ),
            self._words(found.words),
            tag(
                "section",
                tag("h2", page.say("dossiers.papers")),
                table(
                    tuple(page.say(f"dossiers.{x}") for x in ("place", "paper", "as", "pages")),
                    [self._paper(p) for p in found.papers],
                ),
                cls="mc-card",
            ),
            tag(
                "section",
                tag("h2", page.say("dossiers.answers")),
                tag("p", page.say("dossiers.doubts", count=found.doubts), cls="mc-alert")
                if found.doubts
                else None,
                tag("table", tag("tbody", *[_answer(x) for x in found.answers]), cls="mc-table"),
                cls="mc-card",
            ),
        )

    def _paper(self, paper: PaperShown) -> Markup:
        page = self.page
        href = f"/api/dossiers/{self.dossier}/papers/{paper.n}"
        name = paper.name or page.say("dossiers.paper")
        kind = page.say(f"dossiers.kind_{'held' if paper.again else paper.kind}")
        coded = f"{paper.type} · {paper.revision}" if paper.type else ""
        return row(
            paper.n,
            tag("td", tag("a", name, href=href, target="_blank"), " ", tag("small", coded)),
            kind,
            paper.pages,
        )

    def _words(self, said: tuple[Words, ...]) -> Markup | None:
        page = self.page
        if not said:
            return None
        lines = [
            tag("p", page.moment(x.at), " · ", page.say(f"dossiers.is_{x.status}"), ": ", x.words)
            for x in said
        ]
        return tag("section", tag("h2", page.say("dossiers.said")), *lines, cls="mc-card")


def _answer(line: Line) -> Markup:
    if line.heading:
        return tag("tr", tag("th", line.label, colspan=2))
    lines = [tag("div", x) for x in line.value.split("\n")]
    return tag("tr", tag("td", line.label, cls="mc-soft"), tag("td", *lines))


def state_chip(page: Page, line: Dossier) -> Markup:
    return chip(page.say(f"dossiers.is_{line.status}"), LOOKS.get(line.status, ""))


def sample_chip(page: Page, line: Dossier) -> Markup | None:
    return chip(page.say("dossiers.sample"), "mc-dull") if line.sample else None


def due_words(page: Page, line: Dossier) -> Markup | str:
    """Late ones stand out; while a supplement is waited for, no date runs."""
    if line.status in (S.SUPPLEMENT, S.PAUSED):
        return page.say("dossiers.stands_still")
    if line.due_at is None:
        return "–"
    late = line.due_at < page.web.now() and line.status not in ENDED | {S.READY}
    if not late:
        return page.moment(line.due_at)
    return tag("b", page.say("dossiers.late", at=page.moment(line.due_at)), cls="mc-late")
