"""`/guide`: at the door: tickets for others, priority, who waits, and calls for help."""

from __future__ import annotations

import re
from typing import Any

from fastapi import Request, Response
from markupsafe import Markup
from nicegui import ui

from ....dossiers.catalogue import Summary
from ....dossiers.search import fold
from ....line import orders as o
from ....line.state import Ticket
from ....wire import messages as m
from ....wire.link import new_id
from ....wire.words import Language, TicketStatus, local
from ..context import Web
from ..qr import qr_element
from .ask import Field, ask, confirm
from .counter import change_priority
from .counter_view import priority_chip, procedure_name, service_name
from .figures import joined
from .html import act, chip, clock, join, row, table, tag
from .layout import PAGES, button, frame
from .manager_view import place_name
from .page import Page, open_page

S = TicketStatus
SHOWN = 60
FOUND = 6
SIZE = re.compile(r'width="(\d+)" height="(\d+)"')
MOST_DOSSIERS = 50


def guide_pages(web: Web) -> None:
    @ui.page("/guide")
    def guide(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["guide"])
        if isinstance(page, Response):
            return page
        GuidePage(page).build()
        return None


class GuidePage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self._filter = ""
        self._chosen: Summary | None = None

    def build(self) -> None:
        page = self.page
        frame(page, page.say("page.guide"))
        page.part(self._help, acts={"answer": self.answer})
        with ui.element("div").classes("mc-grid mc-guide"):
            with ui.element("section").classes("mc-card mc-stack"):
                self._form()
            with ui.element("section").classes("mc-card mc-stack"):
                self._list()
        page.follow()

    def _help(self) -> Markup:
        page = self.page
        return tag(
            "div",
            *[
                tag(
                    "div",
                    page.say("alert.help", place=place_name(page, place)),
                    clock(since),
                    act("answer", page.say("act.answer"), place, page.fresh, "mc-strong"),
                    cls="mc-alert",
                )
                for place, since in page.state.help.items()
            ],
            cls="mc-alerts",
        )

    # --- a ticket for somebody ---

    def _form(self) -> None:
        page = self.page
        ui.html(page.say("guide.issue"), sanitize=False, tag="h2")
        say = page.say
        services = {
            s.id: f"{s.letter} – {s.name.say(page.language)}" for s in page.state.setup.services
        }
        groups = {p.id: p.name.say(page.language) for p in page.state.setup.priorities}
        look = "outlined dense options-dense"
        search = ui.input(say("guide.procedure")).props("outlined dense clearable debounce=250")
        search.classes("mc-field")
        self._search = search
        self._results = page.part(
            self._procedures, "mc-field", {"choose": self.choose, "drop": self.drop}
        )
        search.on_value_change(lambda _: self._results.set_content(self._procedures()))
        self._service = (
            ui.select(services, label=say("table.service")).props(look).classes("mc-field")
        )
        self._priority = (
            ui.select(groups, label=say("guide.priority"), clearable=True)
            .props(look)
            .classes("mc-field")
        )
        self._then = (
            ui.select(services, label=say("guide.then"), multiple=True, value=[])
            .props(f"{look} use-chips")
            .classes("mc-field")
        )
        with ui.element("div").classes("mc-grid mc-two"):
            self._dossiers = ui.number(
                say("guide.dossiers"), value=1, min=1, max=MOST_DOSSIERS, precision=0
            ).props("outlined dense")
            self._language = ui.select(
                {"vi": "Tiếng Việt", "en": "English"}, label=say("guide.language"), value="vi"
            ).props(look)
        button(
            page,
            say("guide.give"),
            self.take,
            key="F2",
            look="unelevated color=primary",
            classes="mc-next",
        )
        self._taken = ui.html("", sanitize=False)

    def _procedures(self) -> Markup:
        """The procedure that was chosen, or what the search has found."""
        page, typed = self.page, str(self._search.value or "")
        if self._chosen is not None:
            name = tag("b", self._chosen.name)
            drop = act("drop", "×", self._chosen.code)
            return tag("table", row(name, tag("td", drop, cls="mc-acts")), cls="mc-table")
        found = page.web.catalogue.search(typed, FOUND) if len(typed.strip()) > 1 else []
        rows = [
            row(
                s.name,
                s.time.say(page.language),
                tag("td", act("choose", page.say("act.choose"), s.code), cls="mc-acts"),
            )
            for s in found
        ]
        return tag("table", *rows, cls="mc-table") if rows else Markup("")

    async def choose(self, code: str) -> None:
        """A procedure knows its service."""
        found = self.page.web.catalogue.search(code, 1)
        self._chosen = found[0] if found and found[0].code == code else None
        if self._chosen is not None and self.page.state.setup.service(self._chosen.service or ""):
            self._service.value = self._chosen.service
        self._search.value = ""
        self._results.set_content(self._procedures())

    async def drop(self, _: str) -> None:
        self._chosen = None
        self._results.set_content(self._procedures())

    async def take(self, _: str) -> None:
        page = self.page
        if not self._service.value:
            self._service.props(f'error error-message="{page.say("ask.needed")}"')
            return
        self._service.props(remove="error error-message")
        ask_for = m.TakeTicket(
            id=new_id(),
            service=self._service.value,
            asked_at=page.web.now(),
            procedure=self._chosen.code if self._chosen else None,
            priority=self._priority.value or None,
            language=Language(self._language.value or "vi"),
            dossiers=int(self._dossiers.value or 1),
            then=tuple(s for s in self._then.value or () if s != self._service.value),
        )
        answer = await page.give("TakeTicket", ask_for)
        if answer is None or answer.refusal is not None:
            return
        self._taken.set_content(self._ticket_card(page.reply(answer, m.TicketTaken)))
        self._clear()

    def _clear(self) -> None:
        self._chosen = None
        self._results.set_content(self._procedures())
        for given, empty in (
            (self._service, None),
            (self._priority, None),
            (self._then, []),
            (self._dossiers, 1),
        ):
            given.value = empty

    def _ticket_card(self, taken: m.TicketTaken) -> Markup:
        page = self.page
        estimate = taken.estimate
        wait = (
            page.say("guide.estimate", low=f"{estimate.low:.0f}", high=f"{estimate.high:.0f}")
            if estimate
            else ""
        )
        return tag(
            "div",
            tag(
                "div",
                tag("div", taken.number, cls="mc-number", data_taken=taken.number),
                tag("div", service_name(page, taken.service)),
                tag("div", page.say("guide.ahead", count=taken.ahead)),
                tag("div", wait, cls="mc-soft"),
            ),
            qr_code(taken.url) if taken.url else tag("p", page.say("guide.no_url"), cls="mc-hint"),
            cls="mc-taken",
        )

    # --- who waits ---

    def _list(self) -> None:
        page = self.page
        with ui.element("div").classes("mc-line"):
            ui.html(page.say("guide.list"), sanitize=False, tag="h2")
            search = ui.input(placeholder=page.say("guide.filter")).props(
                "outlined dense clearable"
            )
        page.part(
            self._tickets,
            acts={
                "priority": self.priority,
                "out": self.out,
                "back": self.back,
                "transfer": self.transfer,
                "put_back": self.put_back,
                "to_line": self.to_line,
                "cancel": self.cancel,
            },
        )

        def filtered(event: Any) -> None:
            self._filter = fold(str(event.value or "")).upper()
            page.draw()

        search.on_value_change(filtered)

    def _tickets(self) -> Markup:
        page = self.page
        shown = (S.WAITING, S.OUT, S.PARKED, S.NO_SHOW, S.CALLED)
        found = [
            t
            for t in page.state.tickets.values()
            if t.status in shown and t.number.startswith(self._filter)
        ]
        found.sort(key=lambda t: (shown.index(t.status) if t.status is S.NO_SHOW else 0, t.place))
        if not found:
            return tag("div", page.say("counter.nobody"), cls="mc-empty")
        head = tuple(page.say(f"table.{x}") for x in ("number", "service", "wait", "state"))
        rows = [self._row(t) for t in found[:SHOWN]]
        more = len(found) - SHOWN
        return join(
            table((*head, ""), rows),
            tag("div", page.say("counter.more", count=more), cls="mc-empty") if more > 0 else None,
        )

    def _row(self, ticket: Ticket) -> Markup:
        page = self.page
        target = page.state.setup.rules.target_minutes
        return row(
            tag("b", ticket.number, cls="mc-no"),
            join(
                service_name(page, ticket.service),
                " ",
                priority_chip(page, ticket),
                tag("div", procedure_name(page, ticket), cls="mc-soft")
                if ticket.procedure
                else None,
            ),
            clock(joined(ticket), "min", target) if self._waits(ticket) else "",
            chip(self._status(ticket), "mc-first" if ticket.status is S.CALLED else "mc-dull"),
            tag("td", *self._acts(ticket), cls="mc-acts"),
            data_ticket=ticket.number,
        )

    def _waits(self, ticket: Ticket) -> bool:
        """In line, and not for a time that is still to come."""
        return ticket.status is S.WAITING and ticket.waiting_from <= self.page.web.now()

    def _status(self, ticket: Ticket) -> str:
        if ticket.status is S.WAITING and not self._waits(ticket):
            offset = self.page.state.setup.rules.utc_offset_minutes
            at = f"{local(ticket.waiting_from, offset):%H:%M}"
            return self.page.say("guide.booked", at=at)
        if ticket.status is S.CALLED:
            return self.page.say("guide.called", counter=ticket.counter or 0)
        return self.page.say(f"status.{ticket.status}")

    def _acts(self, ticket: Ticket) -> list[Markup]:
        names = {
            S.WAITING: ("priority", "transfer", "out", "cancel"),
            S.OUT: ("back", "cancel"),
            S.PARKED: ("to_line",),
            S.NO_SHOW: ("put_back",),
            S.CALLED: (),
        }[ticket.status]
        fresh = self.page.fresh
        danger = {"cancel": "mc-danger"}
        words = {"to_line": "put_back"}
        return [
            act(n, self.page.say(f"act.{words.get(n, n)}"), ticket.id, fresh, danger.get(n, ""))
            for n in names
        ]

    # --- orders ---

    async def answer(self, place: str) -> None:
        await self.page.did("AnswerHelp", o.AnswerHelp(place=place))

    async def priority(self, ticket_id: str) -> None:
        ticket = self.page.state.tickets.get(ticket_id)
        if ticket is not None:
            await change_priority(self.page, ticket)

    async def out(self, ticket: str) -> None:
        await self.page.did("StepOut", o.StepOut(ticket=ticket))

    async def back(self, ticket: str) -> None:
        await self.page.did("StepBack", o.StepBack(ticket=ticket))

    async def put_back(self, ticket: str) -> None:
        await self.page.did("PutBack", o.PutBack(ticket=ticket))

    async def to_line(self, ticket: str) -> None:
        await self.page.did("Resume", o.Resume(ticket=ticket))

    async def transfer(self, ticket_id: str) -> None:
        page = self.page
        ticket = page.state.tickets.get(ticket_id)
        if ticket is None:
            return
        services = {
            s.id: s.name.say(page.language)
            for s in page.state.setup.services
            if s.id != ticket.service
        }
        answers = await ask(
            page,
            page.say("do.transfer_of", number=ticket.number),
            Field("service", page.say("table.service"), services),
        )
        if answers is not None:
            await page.did("Transfer", o.Transfer(ticket=ticket_id, service=answers["service"]))

    async def cancel(self, ticket_id: str) -> None:
        page = self.page
        ticket = page.state.tickets.get(ticket_id)
        if ticket is None:
            return
        title = page.say("guide.cancel", number=ticket.number)
        if await confirm(page, title, page.say("guide.cancel_text")):
            await page.did("Cancel", o.Cancel(ticket=ticket_id, reason=page.session.role))


def qr_code(url: str) -> Markup:
    """The address as a QR code, drawn here."""
    return Markup(SIZE.sub(r'viewBox="0 0 \1 \2"', qr_element(url), count=1))
