"""`/counter/{n}`: the officer's working page, and the small caller window that stays on top."""

from __future__ import annotations

import json

from fastapi import Request, Response
from nicegui import ui

from ....desk.commands import FinishService
from ....dossiers.codes import BadCode
from ....dossiers.codes import parse as parse_code
from ....line import orders as o
from ....line.state import Ticket
from ....wire.words import TicketStatus
from ..context import Web
from .ask import Field, ask, ask_reason
from .counter_view import CounterView, priority_name, service_name
from .layout import PAGES, button, frame
from .notices import plain
from .page import Page, open_page
from .words import language_of


def counter_pages(web: Web) -> None:
    @ui.page("/counter/{number}")
    def counter(request: Request, number: int) -> Response | None:
        page = _page(web, request, number)
        if isinstance(page, Response):
            return page
        CounterPage(page, number).build()
        return None

    @ui.page("/counter/{number}/caller")
    def caller(request: Request, number: int) -> Response | None:
        page = _page(web, request, number)
        if isinstance(page, Response):
            return page
        CounterPage(page, number).build_caller()
        return None


def _page(web: Web, request: Request, number: int) -> Page | Response:
    page = open_page(web, request, *PAGES["counter"])
    if isinstance(page, Page) and number not in web.state.counters:
        return plain("unknown.html", language_of(request), 404)
    return page


class CounterPage:
    """Buttons and keys of one counter. `shown` is always the ticket that the officer saw when she pressed."""

    def __init__(self, page: Page, number: int) -> None:
        self.page = page
        self.number = number
        self.view = CounterView(page, number)
        self._codes: ui.textarea | None = None
        self._codes_for = self._held()

    # --- what is on it ---

    def build(self) -> None:
        page, view = self.page, self.view
        frame(page, view.name())
        with ui.element("div").classes("mc-grid mc-counter"):
            with ui.element("div").classes("mc-stack"):
                page.part(view.moves)
                page.part(view.now)
                with ui.element("div").classes("mc-bar"):
                    self._main_buttons()
                self._codes_card()
                with ui.element("div").classes("mc-bar2"):
                    self._further_buttons()
                with ui.element("div").classes("mc-card mc-foot"):
                    page.part(view.today)
                    self._caller_button()
            with ui.element("div").classes("mc-stack"):
                page.part(view.waiting, "mc-card", {"call": self.call, "priority": self.priority})
                with ui.element("div").classes("mc-grid mc-asides"):
                    acts = {
                        "resume": self.resume,
                        "to_line": self.to_line,
                        "put_back": self.put_back,
                    }
                    page.part(view.parked, "mc-card", acts)
                    page.part(view.absent, "mc-card", acts)
        page.follow()

    def build_caller(self) -> None:
        """Next, recall, finish, no-show: in a window of some 340×260 beside the province's software."""
        page, view = self.page, self.view
        frame(page, view.name(), bare=True)
        page.part(view.moves)
        page.part(view.caller)
        with ui.element("div").classes("mc-callbar"):
            self._next_button()
            self._plain("recall", "F3", self.recall, "calling")
            self._plain("finish_short", "F8", self.finish, "calling", "serving")
            self._plain("no_show", "F9", self.no_show, "calling")
        page.follow()

    def _main_buttons(self) -> None:
        self._next_button()
        self._plain("recall", "F3", self.recall, "calling")
        self._plain("start", "F4", self.start, "calling")
        self._plain("finish", "F8", self.finish, "calling", "serving")
        self._plain("no_show", "F9", self.no_show, "calling")

    def _further_buttons(self) -> None:
        page, view = self.page, self.view
        self._plain("transfer", "F7", self.transfer, "calling", "serving")
        self._plain("park", "Shift+F6", self.park, "calling", "serving")
        self._plain("put_back", "Shift+F9", self.put_back, "calling")
        self._plain("priority", "Shift+F7", self.priority, "calling", "serving")
        button(
            page, page.say("do.undo"), self.undo, key="Shift+F8 Ctrl+Z", able=lambda: view.can_undo
        )
        free = {"able": lambda: view.free}
        button(page, page.say("do.call_number"), self.call_number, key="Shift+F2", **free)  # type: ignore[arg-type]
        button(page, page.say("do.without_ticket"), self.without_ticket, key="Shift+F4", **free)  # type: ignore[arg-type]
        button(page, self._pause_words, self.pause, key="F10", able=lambda: view.mine)
        button(page, page.say("do.help"), self.help, key="F1")
        button(
            page,
            page.say("do.close"),
            self.close,
            key="Shift+F3",
            able=lambda: view.mine and view.ticket is None,
        )

    def _plain(self, name: str, key: str, handler: object, *words: str) -> None:
        view = self.view
        button(
            self.page,
            self.page.say(f"do.{name}"),
            handler,  # type: ignore[arg-type]
            key=key,
            able=lambda: view.mine and view.word in words,
        )

    def _next_button(self) -> None:
        view = self.view
        button(
            self.page,
            lambda: self.page.say(f"do.next_{view.word}" if view.mine else "do.next_closed"),
            self.next,
            key="F2",
            able=lambda: (
                view.word == "closed"
                or (view.mine and view.counter.paused is None and view.word != "calling")
            ),
            look="unelevated color=primary",
            classes="mc-next",
        )

    def _pause_words(self) -> str:
        return self.page.say("do.pause" if self.view.counter.paused is None else "do.go_on")

    def _codes_card(self) -> None:
        page = self.page
        with ui.element("section").classes("mc-card mc-line"):
            self._codes = (
                ui.textarea(page.say("codes.label"), placeholder=page.say("codes.example"))
                .props("outlined dense autogrow rows=1 spellcheck=false maxlength=1500")
                .classes("mc-codes")
            )
            self._codes.props(f'hint="{page.say("codes.hint")}"')
        field = ui.button().props('data-key="F6" tabindex=-1').style("display:none")
        field.on("click", js_handler="() => motcua.field()")
        page.on_draw(self._forget_codes)

    def _caller_button(self) -> None:
        url = json.dumps(f"/counter/{self.number}/caller")
        small = ui.button(self.page.say("do.caller")).props(
            "no-caps flat icon=picture_in_picture_alt"
        )
        small.on("click", js_handler=f"() => motcua.openCaller({url})")

    # --- dossier codes ---

    def _held(self) -> str:
        ticket = self.view.ticket
        return ticket.id if ticket else ""

    def _forget_codes(self) -> None:
        """Codes belong to the visitor before whom they were typed: they never go to the next one."""
        held = self._held()
        if held == self._codes_for:
            return
        left, self._codes_for = self._typed(), held
        if left:
            self.page.tell(self.page.say("codes.left", codes=", ".join(left)), "warning")
        self._clear_codes()

    def _typed(self) -> tuple[str, ...]:
        text = str(self._codes.value or "") if self._codes is not None else ""
        return tuple(dict.fromkeys(text.replace(",", " ").replace(";", " ").upper().split()))

    def _clear_codes(self) -> None:
        if self._codes is not None:
            self._codes.value = ""
            self._codes.props(remove="error error-message")

    def _checked_codes(self) -> tuple[str, ...] | None:
        """The codes that were typed, or None when one is none: the field says which."""
        typed = self._typed()
        wrong = [code for code in typed if not _is_code(code)]
        if self._codes is None:
            return ()
        if wrong:
            said = self.page.say("codes.wrong", codes=", ".join(wrong)).replace('"', "”")
            self._codes.props(f'error error-message="{said}"')
            self._codes.run_method("focus")
            return None
        self._codes.props(remove="error error-message")
        return typed

    # --- the visitor before me ---

    async def next(self, shown: str) -> None:
        """Open the counter; or finish with the codes that were typed, and call who is next."""
        view = self.view
        if view.word == "closed":
            await self.page.did("OpenCounter", o.OpenCounter(counter=self.number))
            return
        if shown and self._held() == shown and self._typed() and not await self._finish(shown):
            return
        await self.page.did("CallNext", o.CallNext(counter=self.number, after=shown))

    async def recall(self, shown: str) -> None:
        await self.page.did("Recall", o.Recall(counter=self.number))

    async def start(self, shown: str) -> None:
        await self.page.did("Start", o.Start(counter=self.number))

    async def finish(self, shown: str) -> None:
        await self._finish(shown)

    async def _finish(self, shown: str) -> bool:
        codes = self._checked_codes()
        if codes is None:
            return False
        order = FinishService(counter=self.number, ticket=shown, dossiers=codes)
        if not await self.page.did("FinishService", order):
            return False
        self._clear_codes()
        return True

    async def no_show(self, shown: str) -> None:
        await self.page.did("NoShow", o.NoShow(counter=self.number, ticket=shown))

    async def put_back(self, shown: str) -> None:
        await self.page.did("PutBack", o.PutBack(ticket=shown))

    async def transfer(self, shown: str) -> None:
        page, ticket = self.page, self._ticket(shown)
        if ticket is None:
            return
        services = {
            s.id: s.name.say(page.language)
            for s in page.state.setup.services
            if s.id != ticket.service and s.id not in page.state.suspended
        }
        answers = await ask(
            page,
            page.say("do.transfer_of", number=ticket.number),
            Field("service", page.say("table.service"), services),
            Field("reason", page.say("ask.reason"), needed=False),
        )
        if answers is not None:
            order = o.Transfer(ticket=shown, service=answers["service"], reason=answers["reason"])
            await page.did("Transfer", order)

    async def park(self, shown: str) -> None:
        page, ticket = self.page, self._ticket(shown)
        if ticket is None:
            return
        title = page.say("do.park_of", number=ticket.number)
        reason = await ask_reason(page, title, "ready.park", needed=False)
        if reason is not None:
            order = o.Park(counter=self.number, ticket=shown, reason=reason)
            await page.did("Park", order)

    async def priority(self, shown: str) -> None:
        ticket = self._ticket(shown)
        if ticket is not None:
            await change_priority(self.page, ticket)

    async def undo(self, shown: str) -> None:
        page = self.page
        await page.did("Undo", o.Undo(counter=self.number), page.say("told.undone"))

    # --- others ---

    async def resume(self, ticket: str) -> None:
        await self.page.did("Resume", o.Resume(ticket=ticket, counter=self.number))

    async def to_line(self, ticket: str) -> None:
        await self.page.did("Resume", o.Resume(ticket=ticket))

    async def call(self, ticket_id: str) -> None:
        page, ticket = self.page, self._ticket(ticket_id)
        if ticket is None:
            return
        title = page.say("do.call_of", number=ticket.number)
        reason = await ask_reason(page, title, "ready.call")
        if reason is not None:
            order = o.CallNumber(counter=self.number, ticket=ticket_id, reason=reason)
            await page.did("CallNumber", order)

    async def call_number(self, shown: str) -> None:
        page = self.page
        answers = await ask(
            page,
            page.say("do.call_number"),
            Field("number", page.say("table.number"), most=6),
            Field("reason", page.say("ask.reason"), known=tuple(page.say("ready.call").split("|"))),
        )
        if answers is None:
            return
        wanted = answers["number"].upper()
        found = next((t for t in page.state.tickets.values() if t.number == wanted), None)
        if found is None:
            page.tell(page.say("told.no_number", number=wanted), "negative")
            return
        order = o.CallNumber(counter=self.number, ticket=found.id, reason=answers["reason"])
        await page.did("CallNumber", order)

    async def without_ticket(self, shown: str) -> None:
        page = self.page
        serves = {s: service_name(page, s) for s in self.view.counter.serves}
        ready = tuple(page.say("ready.without_ticket").split("|"))
        answers = await ask(
            page,
            page.say("do.without_ticket"),
            Field("service", page.say("table.service"), serves, value=next(iter(serves), None)),
            Field("reason", page.say("ask.reason"), known=ready),
        )
        if answers is not None:
            order = o.ServeWithoutTicket(
                counter=self.number, service=answers["service"], reason=answers["reason"]
            )
            await page.did("ServeWithoutTicket", order)

    # --- the counter itself ---

    async def pause(self, shown: str) -> None:
        page = self.page
        if self.view.counter.paused is not None:
            await page.did("ResumeCounter", o.ResumeCounter(counter=self.number))
            return
        reason = await ask_reason(page, page.say("do.pause"), "ready.pause")
        if reason is not None:
            await page.did("PauseCounter", o.PauseCounter(counter=self.number, reason=reason))

    async def close(self, shown: str) -> None:
        await self.page.did("CloseCounter", o.CloseCounter(counter=self.number))

    async def help(self, shown: str) -> None:
        page = self.page
        order = o.CallHelp(place=f"counter-{self.number}")
        await page.did("CallHelp", order, page.say("told.help"))

    def _ticket(self, ticket_id: str) -> Ticket | None:
        return self.page.state.tickets.get(ticket_id)


async def change_priority(page: Page, ticket: Ticket) -> None:
    """Grant a priority group to a visitor, or take it back; with a reason in any case."""
    if ticket.status not in (TicketStatus.WAITING, TicketStatus.CALLED, TicketStatus.SERVING):
        return
    none = {"": page.say("priority.none")} if ticket.priority else {}
    groups = {p.id: p.name.say(page.language) for p in page.state.setup.priorities}
    group = {key: words for key, words in {**none, **groups}.items() if key != ticket.priority}
    now = priority_name(page, ticket.priority) if ticket.priority else page.say("priority.none")
    answers = await ask(
        page,
        page.say("priority.title", number=ticket.number),
        Field("group", page.say("priority.group"), group, needed=not none),
        Field(
            "reason",
            page.say("ask.reason"),
            known=tuple(page.say("ready.priority").split("|")),
        ),
        text=page.say("priority.now", group=now),
    )
    if answers is None or answers["group"] is None:
        return
    if answers["group"]:
        grant = o.GrantPriority(ticket=ticket.id, group=answers["group"], reason=answers["reason"])
        await page.did("GrantPriority", grant)
    else:
        take = o.WithdrawPriority(ticket=ticket.id, reason=answers["reason"])
        await page.did("WithdrawPriority", take)


def _is_code(text: str) -> bool:
    try:
        parse_code(text)
    except BadCode:
        return False
    return True
