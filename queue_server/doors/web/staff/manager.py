"""`/manager`: the whole centre live, and the few orders that lead it."""

from __future__ import annotations

from fastapi import Request, Response
from nicegui import ui

from ....desk.commands import Opened, OpenSeal
from ....line import orders as o
from ....wire.words import Role
from ..context import Web
from .ask import Field, ask, ask_reason, confirm
from .counter_view import service_name
from .figures import Today
from .layout import PAGES, button, frame
from .manager_view import ManagerView, waiting_people
from .outlook_view import OutlookView
from .page import Page, open_page
from .ratings import RatingsToday


def manager_pages(web: Web) -> None:
    today, ratings = Today(), RatingsToday(web)

    @ui.page("/manager")
    async def manager(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["manager"])
        if isinstance(page, Response):
            return page
        if page.session.role is Role.AUDITOR:
            await page.give("Note", o.Note(what="read", subject="manager"), tell=False)
        outlook = OutlookView(page)
        ManagerPage(page, ManagerView(page, today, ratings, outlook), outlook).build()
        return None


class ManagerPage:
    def __init__(self, page: Page, view: ManagerView, outlook: OutlookView) -> None:
        self.page = page
        self.view = view
        self.outlook = outlook

    def build(self) -> None:
        page, view, outlook = self.page, self.view, self.outlook
        frame(page, page.say("page.manager"))
        page.part(view.alerts, acts={"answer": self.answer})
        page.part(outlook.proposals, acts={"accept": self.accept, "refuse": self.refuse})
        page.part(view.tiles)
        with ui.element("div").classes("mc-grid mc-wide"):
            with ui.element("div").classes("mc-stack"):
                self._card(
                    "manager.services", view.services, suspend=self.suspend, go_on=self.go_on
                )
                self._card("outlook.title", outlook.outlook)
                self._chart()
            with ui.element("div").classes("mc-stack"):
                self._card("moves.title", outlook.moves, stop=self.stop)
                self._card("manager.counters", view.counters, serves=self.serves)
                self._card("manager.devices", view.devices)
        with ui.element("div").classes("mc-grid mc-two"):
            with ui.element("div").classes("mc-stack"):
                self._card("ratings.by_service", view.by_service)
                self._card("ratings.by_counter", view.by_counter)
            with ui.element("div").classes("mc-stack"):
                self._card("scores.title", outlook.scores)
        if page.may(OpenSeal) and page.session.role in page.state.setup.rules.seal_roles:
            with ui.expansion(page.say("ratings.sealed")).classes("mc-card").props("dense"):
                ui.label(page.say("ratings.sealed_hint")).classes("mc-hint")
                page.part(view.offers, "mc-scroll", {"seal": self.seal})
        if page.may(o.EndDay):
            with ui.element("div").classes("mc-line mc-small"):
                button(
                    page,
                    page.say("manager.end_day"),
                    self.end_day,
                    able=lambda: page.state.day_open,
                    look="outline color=negative",
                )
        page.follow()

    def _card(self, title: str, draw: object, **acts: object) -> None:
        with ui.element("section").classes("mc-card"):
            ui.html(self.page.say(title), sanitize=False, tag="h2")
            self.page.part(draw, acts=acts or None)  # type: ignore[arg-type]

    def _chart(self) -> None:
        page, view = self.page, self.view
        with ui.element("section").classes("mc-card"):
            ui.html(page.say("manager.chart"), sanitize=False, tag="h2")
            shown = view.chart()
            chart = ui.echart(shown).classes("mc-chart")
        last = [shown]

        def draw() -> None:
            fresh = view.chart()
            if fresh != last[0]:
                last[0] = fresh
                chart.options.clear()
                chart.options.update(fresh)
                chart.update()

        page.on_draw(draw)

    # --- orders ---

    async def answer(self, place: str) -> None:
        await self.page.did("AnswerHelp", o.AnswerHelp(place=place))

    async def accept(self, move: str) -> None:
        await self.page.did("AcceptMove", o.AcceptMove(move=move), self.page.say("told.accepted"))

    async def refuse(self, move: str) -> None:
        await self._refuse(move, "moves.refuse")

    async def stop(self, move: str) -> None:
        await self._refuse(move, "moves.stop")

    async def _refuse(self, move: str, title: str) -> None:
        page = self.page
        reason = await ask_reason(page, page.say(title), "ready.refuse", needed=False)
        if reason is not None:
            await page.did("RefuseMove", o.RefuseMove(move=move, reason=reason))

    async def suspend(self, service: str) -> None:
        page = self.page
        title = page.say("manager.suspend", service=service_name(page, service))
        reason = await ask_reason(page, title, "ready.suspend")
        if reason is not None:
            await page.did("SuspendService", o.SuspendService(service=service, reason=reason))

    async def go_on(self, service: str) -> None:
        await self.page.did("ResumeService", o.ResumeService(service=service))

    async def serves(self, counter_id: str) -> None:
        page, counter = self.page, self.page.state.counters[int(counter_id)]
        officer = page.state.setup.officer(counter.officer)
        able = [s.id for s in page.state.setup.services if not officer or s.id in officer.skills]
        answers = await ask(
            page,
            page.say("manager.serves", number=counter.id),
            Field(
                "serves",
                page.say("table.serves"),
                {s: service_name(page, s) for s in able},
                several=True,
                value=[s for s in counter.serves if s in able],
            ),
            Field("why", page.say("ask.reason"), needed=False),
        )
        if answers is not None:
            order = o.ChangeServes(
                counter=counter.id, serves=tuple(answers["serves"]), why=answers["why"]
            )
            await page.did("ChangeServes", order)

    async def end_day(self, _: str) -> None:
        page = self.page
        text = page.say("manager.end_day_text", count=waiting_people(page))
        if await confirm(page, page.say("manager.end_day"), text):
            await page.did("EndDay", o.EndDay(reason=page.session.account))

    async def seal(self, offer: str) -> None:
        page = self.page
        title = page.say("ratings.open_seal")
        reason = await ask_reason(page, title, "ready.seal")
        if reason is None:
            return
        answer = await page.give("OpenSeal", OpenSeal(offer=offer, reason=reason))
        if answer is None or answer.refusal is not None:
            return
        await self._show(page.reply(answer, Opened))

    async def _show(self, opened: Opened) -> None:
        page = self.page
        codes = ", ".join(opened.dossiers) or page.say("ratings.no_dossier")
        lines = [
            page.say("ratings.ticket", ticket=opened.ticket),
            page.say("ratings.dossiers", codes=codes),
        ]
        if opened.words:
            lines.append(page.say("ratings.words", words=opened.words))
        with page.client, ui.dialog() as dialog, ui.card().classes("mc-dialog"):
            ui.label(page.say("ratings.opened")).classes("mc-dialog-title")
            for line in lines:
                ui.label(line)
            ui.label(page.say("ratings.recorded")).classes("mc-hint")
            with ui.row().classes("mc-dialog-ends"):
                ui.button(page.say("ask.seen"), on_click=dialog.close).props("unelevated no-caps")
        await dialog
        dialog.delete()
