"""`/feedback-inbox`: feedback (PAKN) by when each is due, read through the seal, sorted and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from markupsafe import Markup
from nicegui import ui

from ....desk.commands import JudgeFeedback, MoveFeedback, OpenFeedback
from ....dossiers.feedback import ENDED, NEXT, FeedbackKind, FeedbackStatus
from ....line import orders as o
from ....store.feedback import Feedback
from ....store.vault import CannotUnseal
from ....wire.words import Role
from ..context import Web
from ..feedback import Whole
from .ask import Field, ask
from .counter_view import service_name
from .html import act, chip, join, row, table, tag
from .layout import PAGES, frame
from .page import Page, open_page

S = FeedbackStatus
VIEWS: dict[str, tuple[FeedbackStatus, ...]] = {
    "open": (S.RECEIVED, S.ASKED),
    "to_publish": (S.ANSWERED,),
    "ended": (S.PUBLISHED, S.CLOSED, S.REFUSED),
}
STEPS = (S.ASKED, S.ANSWERED, S.REFUSED, S.PUBLISHED, S.CLOSED)
LONGEST = 4_000


def feedback_inbox_pages(web: Web) -> None:
    @ui.page("/feedback-inbox")
    async def inbox(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["feedback-inbox"])
        if isinstance(page, Response):
            return page
        if page.session.role is Role.AUDITOR:
            await page.give("Note", o.Note(what="read", subject="feedback"), tell=False)
        Inbox(page).build()
        return None


class Inbox:
    """The list opens no seal; what is read is noted, and shown on this page alone."""

    def __init__(self, page: Page) -> None:
        self.page, self._box = page, page.web.feedback_box
        self._view = "open"
        self._read: Whole | None = None

    def build(self) -> None:
        page = self.page
        frame(page, page.say("page.feedback-inbox"))
        with ui.element("section").classes("mc-card mc-stack"):
            views = {name: page.say(f"inbox.view_{name}") for name in VIEWS}
            chosen = ui.select(views, value=self._view).props("outlined dense options-dense")
            chosen.style("max-width: 260px")
            chosen.on_value_change(lambda event: self._choose(str(event.value)))
            page.part(self._figures)
            page.part(
                self._list,
                acts={
                    "open": self.open,
                    "sort": self.sort,
                    "judge": self.judge,
                    **{str(x): _mover(self, x) for x in STEPS},
                },
            )
        page.part(self._inside, "mc-stack")
        page.follow()

    def _choose(self, view: str) -> None:
        if view in VIEWS and self.page.still() is not None:
            self._view = view
            self.page.draw()

    def _figures(self) -> Markup:
        found, page = self._box.figures(), self.page
        share = found.share_in_time
        words = page.say(
            "inbox.figures",
            received=found.received,
            answered=found.answered,
            share="–" if share is None else f"{100 * share:.0f} %",
            overdue=found.overdue,
        )
        return tag("p", words, cls="mc-soft")

    def _list(self) -> Markup:
        page = self.page
        found = self._box.listed(*VIEWS[self._view])
        if not found:
            return tag("div", page.say("inbox.none"), cls="mc-empty")
        names = ("number", "kind", "service", "state", "received", "due")
        head = tuple(page.say(f"inbox.{name}") for name in names)
        return table((*head, ""), [self._row(x) for x in found])

    def _row(self, line: Feedback) -> Markup:
        page = self.page
        counter = f" · {page.say('inbox.counter', number=line.counter)}" if line.counter else ""
        return row(
            tag("b", line.number),
            page.say(f"inbox.kind_{line.kind}"),
            join(service_name(page, line.service) if line.service else "–", counter),
            self._state(line),
            self.page.moment(line.received_at),
            self._due(line),
            tag("td", *self._acts(line), cls="mc-acts"),
            data_feedback=line.feedback,
        )

    def _state(self, line: Feedback) -> Markup:
        fresh = line.status is S.RECEIVED and not line.sorted
        words = self.page.say("inbox.is_new" if fresh else f"inbox.is_{line.status}")
        return join(
            chip(words, "mc-first" if fresh else ""),
            chip(self.page.say("inbox.was_late"), "mc-dull") if line.late else "",
            chip(self.page.say("inbox.is_right"), "mc-dull") if line.right else "",
            chip(self.page.say("inbox.of_dossier"), "mc-dull") if line.dossier else "",
        )

    def _due(self, line: Feedback) -> Markup:
        """The next step's time; past it in words, not by colour alone."""
        page = self.page
        if line.due_at is None:
            return tag("span", "–")
        if line.due_at < page.web.now():
            return chip(page.say("inbox.overdue", at=self.page.moment(line.due_at)), "mc-first")
        return tag("span", self.page.moment(line.due_at))

    def _acts(self, line: Feedback) -> list[Markup]:
        page = self.page
        made = []
        if page.may(OpenFeedback):
            made.append(act("open", page.say("inbox.open"), line.feedback, page.fresh))
        if not page.may(MoveFeedback):
            return made
        if line.status in (S.RECEIVED, S.ASKED):
            made.append(act("sort", page.say("inbox.sort"), line.feedback, page.fresh))
        if line.kind is FeedbackKind.COMPLAINT and line.status not in ENDED:
            made.append(act("judge", page.say("inbox.judge"), line.feedback, page.fresh))
        for status in STEPS:
            if status in NEXT[line.status]:
                danger = "mc-danger" if status is S.REFUSED else ""
                words = page.say(f"inbox.to_{status}")
                made.append(act(str(status), words, line.feedback, page.fresh, danger))
        return made

    # --- what may be done ---

    async def open(self, feedback: str) -> None:
        page = self.page
        if not await page.did("OpenFeedback", OpenFeedback(feedback=feedback)):
            return
        try:
            self._read = await asyncio.to_thread(self._box.whole, feedback)
        except CannotUnseal:
            self._read = None
        if self._read is None:
            page.tell(page.say("inbox.forgotten"), "negative")
        page.draw()

    async def sort(self, feedback: str) -> None:
        page, line = self.page, self._box.line(feedback)
        if line is None:
            return
        services = {"": page.say("inbox.no_service")}
        services |= {s.id: s.name.say(page.language) for s in page.state.setup.services}
        answers = await ask(
            page,
            page.say("inbox.sort"),
            Field(
                "kind",
                page.say("inbox.kind"),
                {str(x): page.say(f"inbox.kind_{x}") for x in FeedbackKind},
                value=str(line.kind),
            ),
            Field("service", page.say("inbox.service"), services, needed=False, value=line.service),
        )
        if answers is None:
            return
        order = o.SortFeedback(
            feedback=feedback,
            kind=FeedbackKind(answers["kind"]),
            service=answers["service"] or "",
        )
        await page.did("SortFeedback", order, page.say("inbox.done"))

    async def judge(self, feedback: str) -> None:
        """Whether the complaint is right, and about which dossier: what the indices of the law count."""
        page, line = self.page, self._box.line(feedback)
        if line is None:
            return
        answers = await ask(
            page,
            page.say("inbox.judge"),
            Field(
                "right",
                page.say("inbox.right"),
                {1: page.say("inbox.right_yes"), 0: page.say("inbox.right_no")},
                value=int(line.right),
            ),
            Field("number", page.say("inbox.dossier"), needed=False, most=40),
            text=page.say("inbox.help_judge"),
        )
        if answers is None:
            return
        order = JudgeFeedback(
            feedback=feedback, right=bool(answers["right"]), number=answers["number"] or ""
        )
        await page.did("JudgeFeedback", order, page.say("inbox.done"))

    async def move(self, feedback: str, status: FeedbackStatus) -> None:
        page = self.page
        answers = await ask(
            page,
            page.say(f"inbox.to_{status}"),
            Field("words", page.say(f"inbox.words_{status}"), most=LONGEST, long=True),
            text=page.say(f"inbox.help_{status}"),
        )
        if answers is None:
            return
        order = MoveFeedback(feedback=feedback, status=status, words=answers["words"])
        if not await page.did("MoveFeedback", order, page.say("inbox.done")):
            return
        if self._read is not None and self._read.line.feedback == feedback:
            self._read = await asyncio.to_thread(self._box.whole, feedback)

    # --- what was read ---

    def _inside(self) -> Markup:
        page, read = self.page, self._read
        if read is None:
            return tag("p", page.say("inbox.sealed"), cls="mc-soft")
        given = read.given
        who = [x for x in (given.name, given.phone, given.about) if x]
        parts = [
            tag("h2", read.line.number),
            tag("p", " · ".join(who) or page.say("inbox.nobody"), cls="mc-soft"),
            tag("p", given.words, style="white-space: pre-line"),
        ]
        if given.notify:
            parts.append(tag("p", chip(page.say("inbox.notify"))))
        for said in read.said:
            head = f"{page.say(f'inbox.said_{said.status}')} · {self.page.moment(said.at)}"
            parts.append(tag("p", tag("b", head)))
            parts.append(tag("p", said.words, style="white-space: pre-line"))
        return tag("section", *parts, cls="mc-card mc-stack")


def _mover(inbox: Inbox, status: FeedbackStatus) -> Callable[[str], Awaitable[None]]:
    """A row's button that leads to `status`."""

    async def pressed(feedback: str) -> None:
        await inbox.move(feedback, status)

    return pressed
