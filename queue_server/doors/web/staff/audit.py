"""`/audit`: the log, line by line, for the auditor; each of her reads is a line of it too."""

from __future__ import annotations

import datetime as dt
import sqlite3
from typing import Any

import msgspec
from fastapi import Request, Response
from markupsafe import Markup
from nicegui import ui

from ....line import events as e
from ....line import orders as o
from ....wire.words import DAY, MINUTE, Frozen, local
from ..context import Web
from .html import row, table, tag
from .layout import PAGES, button, frame
from .page import Page, open_page

A_PAGE = 100
HIDDEN = frozenset(
    {"t", "token", "visit", "sealed", "ask", "setup", "ticket", "counter"}
    | {"number", "ordinal", "what", "expires", "since", "score", "reasons"}
    | {"answers", "shown", "pressed_at"}
)
"""Keys and references that lead to persons, single ratings, and what has a column of its own."""
KINDS = tuple(kind.__name__ for kind in e.Event.__args__)


class Wanted(Frozen):
    """What is looked for; `day` as `2026-11-23`, `before`: lines older than this one."""

    kind: str = ""
    ticket: str = ""
    day: str = ""
    account: str = ""
    before: int = 1 << 62


class Line(Frozen):
    seq: int
    at: int
    device: str
    account: str
    kind: str
    body: dict[str, Any]


def audit_pages(web: Web) -> None:
    @ui.page("/audit")
    async def audit(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["audit"])
        if isinstance(page, Response):
            return page
        log = AuditPage(page)
        log.build()
        await log.read("")
        return None


def lines(database: sqlite3.Connection, wanted: Wanted, offset_minutes: int) -> list[Line]:
    """The newest lines that fit, newest first. Raises ValueError for a day that is none."""
    where, values = ["seq < ?"], [wanted.before]
    asked: list[Any] = values
    if wanted.kind:
        where.append("kind = ?")
        asked.append(wanted.kind)
    if wanted.account:
        where.append("account = ?")
        asked.append(wanted.account)
    if wanted.ticket:
        where.append("json_extract(body, '$.ticket') LIKE ?")
        asked.append(f"%-{wanted.ticket.upper()}")
    if wanted.day:
        start = _midnight(wanted.day, offset_minutes)
        where.append("at >= ? AND at < ?")
        asked += [start, start + DAY]
    rows = database.execute(
        "SELECT seq, at, device, account, kind, body FROM events"
        f" WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",
        (*asked, A_PAGE),
    ).fetchall()
    return [
        Line(seq=s, at=at, device=d, account=a, kind=k, body=msgspec.json.decode(body))
        for s, at, d, a, k, body in rows
    ]


def _midnight(day: str, offset_minutes: int) -> int:
    moment = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
    return int(moment.timestamp() * 1000) - offset_minutes * MINUTE


class AuditPage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self._found: list[Line] = []

    def build(self) -> None:
        page = self.page
        frame(page, page.say("page.audit"))
        with ui.element("section").classes("mc-card mc-stack"):
            with ui.element("div").classes("mc-line mc-small"):
                self._fields()
                button(
                    page,
                    page.say("audit.read"),
                    self.read,
                    look="unelevated color=primary",
                    emits="() => emit('')",
                )
                button(page, page.say("audit.older"), self.older, emits="() => emit('')")
            ui.label(page.say("audit.hint")).classes("mc-hint")
            self._table = ui.html("", sanitize=False)
        page.follow()

    def _fields(self) -> None:
        page = self.page
        kinds = {"": page.say("audit.every"), **{k: f"{page.say(f'event.{k}')}" for k in KINDS}}
        look = "outlined dense options-dense"
        self._day = ui.input(page.say("audit.day"), value=page.state.day).props(
            "outlined dense type=date"
        )
        self._kind = ui.select(kinds, label=page.say("audit.kind"), value="").props(look)
        self._kind.style("min-width: 260px")
        self._ticket = ui.input(page.say("table.number")).props("outlined dense maxlength=6")
        self._account = ui.input(page.say("table.account")).props("outlined dense maxlength=60")

    async def read(self, _: str) -> None:
        await self._read(Wanted())

    async def older(self, _: str) -> None:
        if self._found:
            await self._read(Wanted(before=self._found[-1].seq))

    async def _read(self, wanted: Wanted) -> None:
        page = self.page
        wanted = Wanted(
            kind=self._kind.value or "",
            ticket=str(self._ticket.value or "").strip(),
            day=str(self._day.value or ""),
            account=str(self._account.value or "").strip(),
            before=wanted.before,
        )
        detail = {
            k: str(v) for k, v in msgspec.structs.asdict(wanted).items() if v and k != "before"
        }
        note = o.Note(what="read", subject="log", detail=detail)
        if not await page.did("Note", note):
            return
        try:
            offset = page.state.setup.rules.utc_offset_minutes
            self._found = lines(page.web.database, wanted, offset)
        except ValueError:
            page.tell(page.say("audit.bad_day"), "negative")
            return
        self._table.set_content(self._lines())

    def _lines(self) -> Markup:
        page = self.page
        if not self._found:
            return tag("div", page.say("audit.nothing"), cls="mc-empty")
        names = ("line", "time", "who", "device", "event", "number", "counter", "detail")
        head = tuple(page.say(f"table.{name}") for name in names)
        return table(head, [self._row(line) for line in self._found])

    def _row(self, line: Line) -> Markup:
        offset = self.page.state.setup.rules.utc_offset_minutes
        ticket = str(line.body.get("ticket", ""))
        return row(
            tag("td", line.seq, cls="mc-soft"),
            tag("td", local(line.at, offset).strftime("%d/%m %H:%M:%S"), cls="mc-time"),
            line.account,
            tag("span", line.device, cls="mc-soft"),
            self._event(line),
            tag("b", ticket.rpartition("-")[2]),
            line.body.get("counter", ""),
            tag("span", self._detail(line), cls="mc-soft"),
        )

    def _event(self, line: Line) -> str:
        if line.kind != e.Noted.__name__:
            return self.page.say(f"event.{line.kind}")
        what = str(line.body.get("what", ""))
        known = self.page.say(f"note.{what}")
        return what if known.startswith("note.") else known

    def _detail(self, line: Line) -> str:
        """The rest of the event in one line, without keys that lead to persons."""
        page = self.page
        kept = {key: value for key, value in line.body.items() if key not in HIDDEN}
        if line.kind == e.TicketCalled.__name__:
            why = msgspec.convert(kept.pop("reason"), e.Reason)
            kept = {"reason": page.web.reason(why, page.language), **kept}
        if line.kind == e.TimesLearned.__name__:  # pages of numbers, and of officers' pace
            kept = {"day": kept["times"].get("day", "")}
        return ", ".join(f"{self._key(key)}: {_plain(value)}" for key, value in kept.items())

    def _key(self, key: str) -> str:
        known = self.page.say(f"detail.{key}")
        return key if known.startswith("detail.") else known


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{k}={_plain(v)}" for k, v in value.items())
    if isinstance(value, list):
        return " ".join(_plain(v) for v in value) if len(value) < 8 else str(len(value))
    return str(value)
