"""An open page of a person: her session asked again at every step, drawn again when the line changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec
import structlog
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from nicegui import Client, events, ui

from ....desk.roles import may
from ....line import events as e
from ....line.state import State
from ....wire import messages as m
from ....wire.words import Frozen, Role, local
from ..context import Web
from ..sessions import Session
from .notices import forbidden
from .words import TEXTS, language_of

log = structlog.get_logger()
DRAW_EVERY_S = 0.2
DRAW_AT_LEAST_EVERY_S = 10.0
SHORT_MS, LONG_MS = 2_500, 6_000
ROW_ACT = (
    "(e) => { const b = e.target.closest('[data-act]');"
    " if (b && !b.disabled) emit(b.dataset.act, b.dataset.subject); }"
)

RowHandlers = Mapping[str, Callable[[str], Awaitable[None]]]
Kind = Literal["positive", "negative", "warning"]


def open_page(web: Web, request: Request, *roles: Role) -> Page | Response:
    """The page for who asks, or the answer instead: to the log-in, or that it is not for her role."""
    session = web.session(request)
    if session is None or session.must_change:
        return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
    language = language_of(request)
    if session.role not in roles:
        return forbidden(session, roles, language)
    return Page(web, session, roles, language, request.url.path)


class Page:
    """`give` and every handler made by `acts` do nothing any more once the session has ended."""

    def __init__(
        self, web: Web, session: Session, roles: tuple[Role, ...], language: str, path: str
    ) -> None:
        self.web = web
        self.session = session
        self.language = language
        self.path = path
        self.client: Client = ui.context.client
        self._roles = roles
        self._draws: list[Callable[[], None]] = []
        self._acting = asyncio.Lock()
        self._due: asyncio.TimerHandle | None = None
        self._due_at = 0.0  # a handle of uvloop does not tell its time
        self._drawn = 0.0
        self._unlisten: Callable[[], None] = lambda: None
        self._ended = False

    # --- what is read ---

    @property
    def state(self) -> State:
        return self.web.state

    @property
    def fresh(self) -> bool:
        """False while the server is away: nothing can be done."""
        return self.web.replica.fresh

    def say(self, key: str, **values: object) -> str:
        return TEXTS.say(key, self.language, **values)

    def moment(self, at: int) -> str:
        """`09:30 20/11/2026`, by the centre's clock."""
        return f"{local(at, self.state.setup.rules.utc_offset_minutes):%H:%M %d/%m/%Y}"

    def may(self, order: type) -> bool:
        return may(self.session.role, order)

    # --- drawing ---

    def part(
        self, draw: Callable[[], str], classes: str = "", acts: RowHandlers | None = None
    ) -> ui.html:
        """A live piece of HTML, sent again only when it has changed; `acts`: its rows' buttons."""
        element = ui.html(draw(), sanitize=False).classes(classes)
        if acts is not None:
            element.on("click", self._row_acts(acts), js_handler=ROW_ACT)
        self.on_draw(lambda: _set(element, draw()))
        return element

    def on_draw(self, draw: Callable[[], None]) -> None:
        self._draws.append(draw)

    def follow(self) -> None:
        """From now on until the page is closed: draw again after changes, at most five times a second."""
        self._drawn = asyncio.get_running_loop().time()
        self._unlisten = self.web.replica.listen(self._changed)
        self._draw_at(self._drawn + DRAW_AT_LEAST_EVERY_S)
        self.client.on_delete(self.end)

    def end(self) -> None:
        """Twice without harm."""
        self._ended = True
        self._unlisten()
        if self._due is not None:
            self._due.cancel()

    def _changed(self, entries: list[e.Entry]) -> None:
        self._draw_at(self._drawn + DRAW_EVERY_S)

    def _draw_at(self, at: float) -> None:
        """Draw then, or at once if that has passed, unless it is drawn sooner anyway."""
        if self._ended:
            return
        loop = asyncio.get_running_loop()
        at = max(at, loop.time())
        if self._due is not None:
            if self._due_at <= at:
                return
            self._due.cancel()
        self._due, self._due_at = loop.call_at(at, self.draw), at

    def draw(self) -> None:
        self._due = None
        if self._ended or self.still() is None:
            return
        self._drawn = asyncio.get_running_loop().time()
        for draw in self._draws:
            try:
                draw()
            except Exception as error:
                log.exception("page_not_drawn", page=self.path, kind=type(error).__name__)
        self._draw_at(self._drawn + DRAW_AT_LEAST_EVERY_S)

    # --- acting ---

    def still(self) -> Session | None:
        """Her session if it still holds; else the page is emptied and goes to the log-in."""
        alive = self.web.still(self.session, *self._roles)
        if alive is not None and not alive.must_change:
            return alive
        if not self._ended:
            self.end()
            with self.client:
                self.client.content.clear()
                ui.navigate.to(f"/login?next={quote(self.path)}")
        return None

    def acts(
        self, handler: Callable[..., Awaitable[None]]
    ) -> Callable[[events.GenericEventArguments], Awaitable[None]]:
        """A handler that asks for the session first; presses of one page are carried out one by one."""

        async def heard(event: events.GenericEventArguments) -> None:
            if self.still() is None:
                return
            arguments = event.args if isinstance(event.args, list) else [event.args]
            async with self._acting:
                await handler(*[a for a in arguments if isinstance(a, str)])
            self._draw_at(0.0)  # who pressed sees it at once; the others within DRAW_EVERY_S

        return heard

    def _row_acts(
        self, acts: RowHandlers
    ) -> Callable[[events.GenericEventArguments], Awaitable[None]]:
        async def heard(name: str, subject: str) -> None:
            if name in acts:
                await acts[name](subject)

        return self.acts(heard)

    async def give(self, verb: str, body: Frozen, tell: bool = True) -> m.Answer | None:
        """The answer to an order; a refusal is told on the page. None: the session is over."""
        session = self.still()
        if session is None:
            return None
        answer = await self.web.give(verb, body, session)
        if answer.refusal is not None and tell:
            self.tell(self.refusal(answer), "negative")
        return answer

    def refusal(self, answer: m.Answer) -> str:
        if answer.refusal is None:
            return ""
        return answer.refusal.en if self.language == "en" else answer.refusal.vi

    async def did(self, verb: str, body: Frozen, told: str = "") -> bool:
        """Give an order; True when it was carried out."""
        answer = await self.give(verb, body)
        done = answer is not None and answer.refusal is None
        if done and told:
            self.tell(told)
        return done

    def reply(self, answer: m.Answer, kind: type[Any]) -> Any:
        return msgspec.json.decode(bytes(answer.ok), type=kind)

    def tell(self, words: str, kind: Kind = "positive") -> None:
        if self._ended:
            return
        lasts = SHORT_MS if kind == "positive" else LONG_MS
        with self.client:
            ui.notify(words, type=kind, position="top", timeout=lasts)


def _set(element: ui.html, content: str) -> None:
    if element.content != content:
        element.set_content(content)
