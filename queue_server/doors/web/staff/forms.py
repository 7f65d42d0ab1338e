"""`/forms`: the forms that visitors fill in here, how sure each is, and marking one as checked against its sheet."""

from __future__ import annotations

from fastapi import Request, Response
from markupsafe import Markup
from nicegui import ui

from ....dossiers.forms.model import Certainty, Field, Form
from ....dossiers.forms.offered import FormsOffered, OfferedForm
from ....line import orders as o
from ....wire.words import Role
from ..context import Web
from .ask import confirm
from .html import act, chip, join, row, table, tag
from .layout import PAGES, frame
from .page import Page, open_page

READ = (Certainty.READ, Certainty.PREVIOUS)


def form_pages(web: Web) -> None:
    @ui.page("/forms")
    async def forms(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["forms"])
        if isinstance(page, Response):
            return page
        if page.session.role is Role.AUDITOR:
            await page.give("Note", o.Note(what="read", subject="forms"), tell=False)
        FormsPage(page).build()
        return None


class FormsPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def _may(self) -> bool:
        return self.page.may(o.MarkForm)

    def build(self) -> None:
        page = self.page
        frame(page, page.say("page.forms"))
        with ui.element("section").classes("mc-card mc-stack"):
            words = "forms.sample" if self._now().sample else "forms.only_checked"
            ui.html(tag("p", page.say(words)), sanitize=False)
            page.part(self._list, acts={"check": self.check, "uncheck": self.uncheck})
        page.follow()

    def _now(self) -> FormsOffered:
        web = self.page.web
        return web.forms.offered(web.state.forms_checked)

    def _list(self) -> Markup:
        page = self.page
        names = ("form", "version", "valid", "sure", "state")
        head = tuple(page.say(f"table.{name}") for name in names)
        return table((*head, ""), [self._row(offered) for offered in self._now().forms])

    def _row(self, offered: OfferedForm) -> Markup:
        page, form = self.page, offered.form
        points = [tag("li", point.say(page.language)) for point in form.open_points]
        name = join(
            tag("b", form.title.say(page.language)),
            tag("div", form.source, cls="mc-remark"),
            tag("ul", *points, cls="mc-remark") if points else None,
        )
        sure, asked = sureness(form)
        key = f"{form.id}/{form.version}"
        verb = "uncheck" if offered.checked else "check"
        button = act(verb, page.say(f"act.{verb}"), key, page.fresh)
        return row(
            name,
            join(form.version, " ", chip(page.say("forms.own")) if offered.own else None),
            valid_words(form),
            page.say("forms.sure", sure=sure, asked=asked),
            self._state(offered),
            tag("td", button if self._may else None, cls="mc-acts"),
            data_form_version=key,
        )

    def _state(self, offered: OfferedForm) -> Markup:
        page = self.page
        if offered.form.presence:
            return chip(page.say("forms.presence"), "mc-dull")
        if offered.checked:
            return chip(page.say("forms.checked"), "mc-good")
        return chip(page.say("forms.unchecked"), "mc-first")

    async def check(self, key: str) -> None:
        """She says that she has compared every row with the official sheet."""
        page = self.page
        if await confirm(page, page.say("forms.check_title"), page.say("forms.check_text")):
            await self._mark(key, True)

    async def uncheck(self, key: str) -> None:
        await self._mark(key, False)

    async def _mark(self, key: str, checked: bool) -> None:
        form, _, version = key.partition("/")
        found = self._now().find(form, version)
        if found is None or not self._may:
            return
        order = o.MarkForm(form=form, version=version, sha=found.sha, checked=checked)
        await self.page.give("MarkForm", order)


def sureness(form: Form) -> tuple[int, int]:
    """How many of its fields were read on an official print, and how many there are."""
    fields = [field for section in form.sections for field in all_fields(section.fields)]
    return sum(field.certainty in READ for field in fields), len(fields)


def all_fields(fields: tuple[Field, ...]) -> list[Field]:
    return [each for field in fields for each in (field, *all_fields(field.fields))]


def valid_words(form: Form) -> str:
    """`16/08/2024 –`, `01/07/2025 – 30/06/2026`."""
    begin = f"{form.valid_from:%d/%m/%Y}" if form.valid_from else ""
    end = f"{form.valid_to:%d/%m/%Y}" if form.valid_to else ""
    return f"{begin} – {end}".strip()
