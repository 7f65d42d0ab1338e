"""`/satisfaction`: what visitors' answers mean, alerts about the last minutes, and which surveys are asked of whom."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from itertools import count

from fastapi import APIRouter, Request, Response
from msgspec.structs import replace
from nicegui import ui

from ....desk.commands import MoveAlert
from ....line import orders as o
from ....line.setup import SurveyUse
from ....satisfaction.figure import Figure
from ....satisfaction.intervals import ENOUGH, Interval
from ....satisfaction.triggers import (
    AlertStatus,
    Measure,
    Trigger,
    bad_answers,
    low_index,
    negative_share,
)
from ....store.satisfaction import month_before
from ....wire.words import Role, local
from ..context import Web
from ..satisfaction import PERIODS, Report
from .ask import Field, ask, ask_reason, confirm
from .counter_view import service_name
from .html import tag
from .layout import PAGES, button, frame
from .page import Page, open_page
from .satisfaction_view import SatisfactionView


def satisfaction_pages(web: Web) -> None:

    @ui.page("/satisfaction")
    async def satisfaction(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["satisfaction"])
        if isinstance(page, Response):
            return page
        if page.session.role is Role.AUDITOR:
            await page.give("Note", o.Note(what="read", subject="satisfaction"), tell=False)
        period = request.query_params.get("period", PERIODS[0])
        period = period if period in PERIODS else PERIODS[0]
        report = await asyncio.to_thread(web.reports.of, period)
        SatisfactionPage(page, SatisfactionView(page, report, period)).build()
        return None


def satisfaction_routes(web: Web) -> APIRouter:
    """The numbers behind the page as a file."""
    router = APIRouter(include_in_schema=False)

    @router.get("/satisfaction.csv")
    async def as_csv(request: Request, period: str = PERIODS[0]) -> Response:
        session = web.session(request)
        if session is None or session.must_change or session.role not in PAGES["satisfaction"]:
            return Response(status_code=403)
        if session.role is Role.AUDITOR:
            await web.give("Note", o.Note(what="read", subject="satisfaction.csv"), session)
        report = await asyncio.to_thread(
            web.reports.of, period if period in PERIODS else PERIODS[0]
        )
        name = f"satisfaction-{report.days.since}-{report.days.until}.csv"
        out = io.StringIO()
        csv.writer(out).writerows(rows_of(report))
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    return router


HEAD = (
    "since",
    "until",
    "measure",
    "level",
    "within",
    "value",
    "low",
    "high",
    "n",
    "asked",
    "told",
)


def rows_of(report: Report) -> Iterator[tuple[object, ...]]:
    """Each figure with its interval and what it rests on; shares are 0–1. What is hidden has no number."""
    span = (report.days.since, report.days.until)
    yield HEAD
    whole = report.whole
    yield (
        *span,
        "satisfied",
        "",
        "",
        *_told(whole.value, whole.interval, whole.enough),
        whole.n,
        whole.asked,
        "",
    )
    for driver in report.drivers.drivers:
        for level in driver.levels:
            enough = (level.answers or 0) >= ENOUGH
            share = _told(level.share, level.interval, enough)
            figures = (*share, level.answers, "", level.told.value)
            yield (*span, f"by_{driver.by}", level.level, level.within, *figures)
    for one in report.counters:
        share = _told(one.share, one.interval, one.enough)
        yield (*span, "answered", one.counter, "", *share, one.answers, one.offers, "")
    for voice, indices in (("system", report.indices.system), ("citizen", report.indices.citizen)):
        for index, found in indices.items():
            yield (*span, f"tt01_{voice}", index, "", *_figure(found.figure), found.of, "")
    for index, found in report.own.items():
        yield (*span, "tt01_own", index, "", *_figure(found.figure), found.of, "")
    for name, points in (
        ("5.1", report.decision.sorted),
        ("5.2", report.decision.in_time),
        ("5.3", report.decision.content),
        ("5.4", report.decision.satisfied.result),
    ):
        yield (*span, "qd766", name, "", *_figure(points.figure), "", "")
    for factor, figure in report.sipas.factors.items():
        yield (*span, "sipas", factor.value, "", *_figure(figure), "", "")
    for mark in report.marked:
        yield (*span, "marked", mark.reason, mark.counter, mark.told or "", "", "", "", "", "")


def _told(
    value: float | None, interval: Interval | None, enough: bool
) -> tuple[object, object, object]:
    """Value, low and high; empty where there is too little to say."""
    if not enough:
        return "", "", ""
    return value, interval.low if interval else "", interval.high if interval else ""


def _figure(figure: Figure) -> tuple[object, ...]:
    return (*_told(figure.value, figure.interval, figure.enough), figure.n)


class SatisfactionPage:
    def __init__(self, page: Page, view: SatisfactionView) -> None:
        self.page = page
        self.view = view

    def build(self) -> None:
        page, view = self.page, self.view
        frame(page, page.say("page.satisfaction"))
        ui.html(view.periods(), sanitize=False)
        page.part(view.alerts, acts={"take": self.take, "close": self.close, "say": self.say})
        ui.html(view.tiles(), sanitize=False)
        with ui.element("div").classes("mc-grid mc-two"):
            with ui.element("div").classes("mc-stack"):
                for key, drawn in view.drivers():
                    self._card(key, drawn)
            with ui.element("div").classes("mc-stack"):
                self._card("satisfaction.counters", view.counters())
                self._card("satisfaction.reasons", view.reasons())
                self._card("satisfaction.marked", view.marked())
                self._card("satisfaction.circular", view.circular(), self._declares)
                self._card("satisfaction.officers", view.officers())
                self._card("satisfaction.decision", view.decision())
                self._card("satisfaction.sipas", view.sipas())
                with ui.element("section").classes("mc-card"):
                    ui.html(tag("h2", page.say("satisfaction.surveys")), sanitize=False)
                    page.part(view.surveys, acts={"drop": self.drop})
                    if page.may(o.ChooseSurveys):
                        button(page, page.say("satisfaction.add_survey"), self.add)
                with ui.element("section").classes("mc-card"):
                    ui.html(tag("h2", page.say("satisfaction.triggers")), sanitize=False)
                    page.part(view.triggers, acts={"untrigger": self.untrigger})
                    if page.may(o.ChooseTriggers):
                        button(page, page.say("satisfaction.add_trigger"), self.add_trigger)
        page.follow()

    def _card(self, key: str, drawn: str, below: Callable[[], None] | None = None) -> None:
        with ui.element("section").classes("mc-card"):
            ui.html(tag("h2", self.page.say(key)), sanitize=False)
            ui.html(drawn, sanitize=False)
            if below is not None:
                below()

    # --- what this system cannot know ---

    def _declares(self) -> None:
        if self.page.may(o.DeclareOnline):
            button(self.page, self.page.say("satisfaction.declare"), self.declare)

    async def declare(self, *_: str) -> None:
        """How many dossiers of a month came online, for index 9; shown when the page is opened anew."""
        page = self.page
        offset = page.state.setup.rules.utc_offset_minutes
        month = f"{month_before(local(page.web.now(), offset).date()):%Y-%m}"
        given = await ask(
            page,
            page.say("satisfaction.declare"),
            Field("month", page.say("satisfaction.declared_month"), value=month, most=7),
            *(
                Field(name, page.say(f"satisfaction.declared_{name}"), most=8)
                for name in ("dossiers", "online", "late")
            ),
            text=page.say("satisfaction.declare_hint"),
        )
        if given is None:
            return
        try:
            counts = {name: whole_number(given[name]) for name in ("dossiers", "online", "late")}
        except ValueError:
            page.tell(page.say("satisfaction.number_wrong"), "negative")
            return
        order = o.DeclareOnline(month=given["month"], **counts)
        if await page.did("DeclareOnline", order, page.say("satisfaction.declared")):
            page.web.reports.forget()

    # --- alerts ---

    async def take(self, alert: str) -> None:
        await self.page.did("MoveAlert", MoveAlert(alert=alert, status=AlertStatus.ACKNOWLEDGED))

    async def close(self, alert: str) -> None:
        await self._with_words(alert, AlertStatus.CLOSED, "satisfaction.close_alert")

    async def say(self, alert: str) -> None:
        await self._with_words(alert, AlertStatus.OPEN, "satisfaction.say_alert")

    async def _with_words(self, alert: str, status: AlertStatus, title: str) -> None:
        words = await ask_reason(self.page, self.page.say(title))
        if words is not None:
            await self.page.did("MoveAlert", MoveAlert(alert=alert, status=status, words=words))

    async def add_trigger(self, *_: str) -> None:
        """One more limit, of one of three kinds with its usual figures to begin with."""
        page = self.page
        names = {name: page.say(f"satisfaction.measure_{name}") for name in TRIGGERS}
        title = page.say("satisfaction.add_trigger")
        chosen = await ask(page, title, Field("measure", page.say("satisfaction.measure"), names))
        if chosen is None:
            return
        measure = str(chosen["measure"])
        known = {trigger.id for trigger in page.state.setup.triggers}
        trigger = TRIGGERS[measure](
            next(x for n in count(1) if (x := f"{measure}-{n}") not in known)
        )
        given = await ask(page, names[measure], *self._trigger_fields(trigger))
        if given is None:
            return
        try:
            numbers = {name: whole_number(given[name]) for name in given if name in NUMBERS}
        except ValueError:
            page.tell(page.say("satisfaction.number_wrong"), "negative")
            return
        places = {"service": given["service"] or None, "counter": given["counter"] or None}
        wanted = replace(trigger, **numbers, **places)
        order = o.ChooseTriggers(triggers=(*page.state.setup.triggers, wanted))
        await page.did("ChooseTriggers", order, page.say("satisfaction.trigger_chosen"))

    def _trigger_fields(self, trigger: Trigger) -> list[Field]:
        page = self.page
        services = {s.id: service_name(page, s.id) for s in page.state.setup.services}
        counters = {c.id: str(c.id) for c in page.state.setup.counters}
        named = {
            "limit": f"satisfaction.limit_{trigger.measure.value}",
            "answer": "satisfaction.answer",
            "minutes": "satisfaction.minutes",
            "fewest": "satisfaction.fewest",
        }
        of_answer = trigger.measure is Measure.ANSWER
        del named["fewest" if of_answer else "answer"]
        numbers = [
            Field(name, page.say(key), value=f"{getattr(trigger, name):g}", most=5)
            for name, key in named.items()
        ]
        return [
            *numbers,
            Field("service", page.say("table.service"), services, needed=False),
            Field("counter", page.say("manager.counters"), counters, needed=False),
        ]

    async def untrigger(self, trigger: str) -> None:
        triggers = self.page.state.setup.triggers
        left = tuple(x for x in triggers if x.id != trigger)
        await self.page.did("ChooseTriggers", o.ChooseTriggers(triggers=left))

    # --- surveys ---

    async def add(self, *_: str) -> None:
        """One more survey for a share of visits, at the end of the list."""
        page = self.page
        known = page.web.surveys
        services = {s.id: service_name(page, s.id) for s in page.state.setup.services}
        counters = {c.id: str(c.id) for c in page.state.setup.counters}
        names = {x.id: x.title.say(page.language) for x in known.values() if x.questions}
        given = await ask(
            page,
            page.say("satisfaction.add_survey"),
            Field("survey", page.say("satisfaction.survey"), names),
            Field("share", page.say("satisfaction.share"), value="100", most=5),
            Field("services", page.say("table.service"), services, several=True, needed=False),
            Field("counters", page.say("manager.counters"), counters, several=True, needed=False),
            Field("from_time", page.say("satisfaction.from_time"), needed=False, most=5),
            Field("to_time", page.say("satisfaction.to_time"), needed=False, most=5),
            text=page.say("satisfaction.add_hint"),
        )
        if given is None:
            return
        share = percent(given["share"])
        if share is None:
            page.tell(page.say("satisfaction.share_wrong"), "negative")
            return
        if known[given["survey"]].too_long and not await confirm(
            page, page.say("satisfaction.long_title"), page.say("satisfaction.long_text")
        ):
            return
        use = SurveyUse(
            survey=given["survey"],
            share=share,
            services=tuple(given["services"] or ()),
            counters=tuple(given["counters"] or ()),
            from_time=given["from_time"] or "",
            to_time=given["to_time"] or "",
        )
        uses = (*page.state.setup.surveys, use)
        await page.did("ChooseSurveys", o.ChooseSurveys(uses=uses), page.say("satisfaction.chosen"))

    async def drop(self, place: str) -> None:
        """`place` in the list as she saw it; nothing if it has changed since."""
        page = self.page
        number, _, survey = place.partition("/")
        uses = page.state.setup.surveys
        if int(number) < len(uses) and uses[int(number)].survey == survey:
            left = tuple(use for n, use in enumerate(uses) if n != int(number))
            await page.did("ChooseSurveys", o.ChooseSurveys(uses=left))


TRIGGERS = {"negative": negative_share, "index": low_index, "answer": bad_answers}
NUMBERS = frozenset({"limit", "answer", "minutes", "fewest"})


def whole_number(text: str) -> int:
    """Raises ValueError."""
    return int(text.replace("%", "").strip())


def percent(text: str) -> float | None:
    """`25`, `12,5` or `12.5 %` as 0–1; None if it is no such share."""
    try:
        share = float(text.replace("%", "").replace(",", ".").strip()) / 100
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None
