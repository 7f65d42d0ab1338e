"""One report of satisfaction over whole days: the figures that pages, tables, poster and open data are drawn from."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

from ...desk.terms import DossierTerms
from ...satisfaction import circular01 as tt01
from ...satisfaction import decision766 as qd766
from ...satisfaction import drivers as d
from ...satisfaction import suspicion as s
from ...satisfaction.circular01 import Both, Index, Indices
from ...satisfaction.decision766 import Group5
from ...satisfaction.intervals import ENOUGH, Interval, sample_size, wilson
from ...satisfaction.sipas import Factor, Sipas, sipas
from ...store import declared
from ...store import law_facts as law
from ...store import satisfaction as store
from ...store.satisfaction import Days, Group, Sheets
from ...store.schema import connect
from ...wire.surveys import Survey
from ...wire.words import Frozen, local

if TYPE_CHECKING:
    from .context import Web

PERIODS = ("days30", "month", "last_month", "quarter", "last_quarter")
KEPT_S = 60.0
DRIVERS = (d.By.WAIT, d.By.SERVICE, d.By.HOUR, d.By.PROCEDURE, d.By.GROUP)
FACTORS = {
    "access": Factor.ACCESS,
    "procedures": Factor.PROCEDURE,
    "officers": Factor.STAFF,
    "result": Factor.RESULT,
    "feedback": Factor.FEEDBACK,
}
"""The shipped SIPAS survey's questions, one for each factor."""
LEFT_EARLY = 0.2
"""From this share of visitors who left a survey before its end on, it is too long."""


class Share(Frozen):
    """Satisfied (4 and 5) of `n` answers; `enough`: 30 or more. `asked`: visitors asked."""

    n: int = 0
    satisfied: int = 0
    asked: int = 0
    interval: Interval | None = None

    @property
    def value(self) -> float | None:
        return self.satisfied / self.n if self.n else None

    @property
    def enough(self) -> bool:
        return self.n >= ENOUGH


class Followed(Frozen):
    """How far a survey was followed: of `begun`, `ended` saw its last question; `long` is the warning."""

    survey: str
    begun: int
    ended: int
    answers: int
    long: bool


class Marked(Frozen):
    """Answers that look wrong: how many of one reason at one counter. Of a single one nothing is told."""

    reason: str
    counter: int | None
    count: int

    @property
    def told(self) -> int:
        """In whole fives, as everything that comes of single answers; 0: fewer than five."""
        return store.fives(self.count)


class Report(Frozen):
    """Of `days`. `marked`: apart, and counted in all the other figures as well."""

    days: Days
    at: int
    whole: Share
    before: Share
    """The same number of days before."""
    services: dict[str, Share]
    counters: tuple[s.Response, ...]
    drivers: d.Drivers
    indices: Indices
    own: dict[int, Index]
    """Indices 5, 6, 8 and 9 of the one-stop itself."""
    agency: Both
    officers: dict[str, Both]
    decision: Group5
    sipas: Sipas
    wanted: int
    """Answers that a sample of the visitors who were asked would need, at ± 5 %."""
    surveys: tuple[Followed, ...]
    marked: tuple[Marked, ...]
    marked_answers: int
    """Answers with a mark or more, in whole fives."""
    days_marked: int
    """Officers' days that are far from their own pattern."""
    reasons: dict[str, int]
    """Why a rating was poor, in whole fives."""


def days_of(period: str, today: dt.date) -> Days:
    """The whole days of a period, today left out: it has not ended."""
    month, last = today.replace(day=1), store.month_before(today)
    quarter = _quarter(today)
    last_quarter = _quarter(store.month_before(quarter))
    spans = {
        "month": (month, today),
        "last_month": (last, month),
        "quarter": (quarter, today),
        "last_quarter": (last_quarter, quarter),
    }
    since, until = spans.get(period, (today - dt.timedelta(days=30), today))
    return Days(since=since.isoformat(), until=until.isoformat())


def _quarter(day: dt.date) -> dt.date:
    """The first day of its quarter."""
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def before(days: Days) -> Days:
    since, until = dt.date.fromisoformat(days.since), dt.date.fromisoformat(days.until)
    return Days(since=(since - (until - since)).isoformat(), until=days.since)


class Reports:
    """Made anew after a minute at most, in the caller's thread: some hundred milliseconds for a month."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._lock = threading.Lock()
        self._kept: dict[Days, tuple[float, Report]] = {}
        file = web.file
        self._terms = DossierTerms(file.code_rule(), file.dossiers.keep_days, file.own_days())

    def of(self, period: str) -> Report:
        web = self._web
        offset = web.state.setup.rules.utc_offset_minutes
        return self.on(days_of(period, local(web.now(), offset).date()))

    def on(self, days: Days) -> Report:
        with self._lock:
            kept = self._kept.get(days)
            if kept is not None and time.monotonic() - kept[0] < KEPT_S:
                return kept[1]
            with closing(connect(self._web.folder.database, read_only=True)) as conn:
                made = self._make(conn, days)
            self._kept = {k: v for k, v in self._kept.items() if k != days and len(self._kept) < 20}
            self._kept[days] = (time.monotonic(), made)
            return made

    def forget(self) -> None:
        """Make the next ones anew: something was told that they count."""
        with self._lock:
            self._kept = {}

    def _make(self, conn: sqlite3.Connection, days: Days) -> Report:
        web = self._web
        setup, at = web.state.setup, web.now()
        offset = setup.rules.utc_offset_minutes
        terms = self._terms.at(at, setup.hours, offset)
        calendar = law.Calendar(terms.calendar, offset)
        whole = store.groups(conn, days)
        by = {key: store.groups(conn, days, key) for key in store.DRIVEN_BY}
        surveys = dict(web.surveys)
        sheets = {x.id: store.sheets(conn, days, x.id, len(x.questions)) for x in surveys.values()}
        judged = s.judge(store.presses(conn, days))
        counters = s.responses(store.asked(by["counter"]))
        span = calendar.span(days)
        ended = law.ended(conn, span)
        feedback = law.feedback_of(conn, span, calendar, at)
        told = self._told(conn, days)
        circular = law.for_circular(
            ended, sheets.get("circular01", Sheets(survey="")), calendar, told
        )
        agency = law.agency(feedback, len(web.catalogue.summaries()), told)
        return Report(
            days=days,
            at=at,
            whole=share(whole),
            before=share(store.groups(conn, before(days))),
            services={g.level: share((g,)) for g in by["service"]},
            counters=counters,
            drivers=drivers(by),
            indices=tt01.over_dossiers(circular),
            own=tt01.own_indices(agency),
            agency=tt01.agency_total(circular, agency),
            officers=tt01.officer_totals(circular),
            decision=qd766.group5(
                feedback, law.for_decision(ended, law.overdue(conn, span, at)), at
            ),
            wanted=sample_size(sum(g.asked for g in whole)),
            sipas=sipas(sheets.get("sipas", Sheets(survey="")).answers, FACTORS),
            surveys=tuple(followed(surveys[x], sheets[x]) for x in sheets if sheets[x].begun),
            marked=marked(judged, counters),
            marked_answers=store.fives(len(s.apart(judged)[1])),
            days_marked=len(s.judge_days(store.officer_days(conn, days))),
            reasons=store.reasons(conn, days),
        )

    def _told(self, conn: sqlite3.Connection, days: Days) -> law.Told:
        return law.Told(
            own=self._web.file.circular01,
            electronic=bool(self._web.file.web.public_url),
            by_month=declared.within(conn, months_of(days)),
        )


def months_of(days: Days) -> list[str]:
    """The calendar months (`2026-10`) that the days are; none unless these are whole."""
    spans = store.months(days)
    firsts = all(span.since.endswith("-01") for span in spans)
    return [span.since[:7] for span in spans] if firsts and days.until.endswith("-01") else []


def share(groups: tuple[Group, ...]) -> Share:
    n, satisfied = sum(g.answers for g in groups), sum(g.satisfied for g in groups)
    asked = sum(g.asked for g in groups)
    return Share(n=n, satisfied=satisfied, asked=asked, interval=wilson(satisfied, n))


def drivers(by: dict[str, tuple[Group, ...]]) -> d.Drivers:
    """Groups are cut to fives each by itself, so each driver is compared with its own whole."""
    found = []
    comparisons = 0
    for one in DRIVERS:
        tables = {one.value: [g.tally() for g in by[one.value]]}
        if one is d.By.PROCEDURE:
            tables = _with_services(by)
        made = d.drivers(tables)
        comparisons += made.comparisons
        found += [x for x in made.drivers if x.by == one.value]
    whole = d.drivers({"service": [g.tally() for g in by["service"]]})
    return d.Drivers(
        drivers=tuple(found),
        comparisons=comparisons,
        answers=whole.answers,
        share=whole.share,
        interval=whole.interval,
        enough=whole.enough,
    )


def _with_services(by: dict[str, tuple[Group, ...]]) -> dict[str, list[d.Tally]]:
    """A service's sum as that of its procedures as they are told."""
    inner = [g.tally() for g in by["procedure"]]
    services = sorted({t.within for t in inner})
    outer = [
        d.Tally(
            level=service,
            answers=sum(t.answers for t in inner if t.within == service),
            satisfied=sum(t.satisfied for t in inner if t.within == service),
        )
        for service in services
    ]
    return {"service": outer, "procedure": inner}


def followed(survey: Survey, sheets: Sheets) -> Followed:
    ended = sheets.shown[-1] if sheets.shown else 0
    left = 1 - ended / sheets.begun if sheets.begun else 0.0
    measured = sheets.begun >= ENOUGH and left >= LEFT_EARLY
    return Followed(
        survey=survey.id,
        begun=sheets.begun,
        ended=ended,
        answers=len(sheets.answers),
        long=measured or survey.too_long,
    )


def marked(judged: tuple[s.Judged, ...], counters: tuple[s.Response, ...]) -> tuple[Marked, ...]:
    counts: dict[tuple[str, int | None], int] = {}
    for one in judged:
        for mark in one.marks:
            key = (mark.reason.value, mark.counter)
            counts[key] = counts.get(key, 0) + 1
    for response in counters:
        if response.mark is not None:
            counts[(response.mark.reason.value, response.counter)] = response.offers
    return tuple(
        Marked(reason=reason, counter=counter, count=count)
        for (reason, counter), count in sorted(
            counts.items(), key=lambda x: (x[0][0], x[0][1] or 0)
        )
    )
