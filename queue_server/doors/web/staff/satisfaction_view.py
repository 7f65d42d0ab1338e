"""How the satisfaction page looks: every figure with what it rests on, and a word where there is too little."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from ....line import orders as o
from ....satisfaction.circular01 import Total
from ....satisfaction.decision766 import Points
from ....satisfaction.drivers import By, Driver, Level, Told
from ....satisfaction.figure import Certainty, Figure
from ....satisfaction.intervals import ENOUGH, Interval
from ....satisfaction.triggers import Alert, AlertStatus, Trigger
from ....store import law_facts as law
from ....store.ratings import WAIT_BANDS
from ....store.vault import CannotUnseal
from ...numbers import decimal
from ..satisfaction import PERIODS, Report, Share
from .counter_view import service_name
from .html import act, chip, join, row, table, tag
from .page import Page

LOOKS = {Told.BETTER: "mc-good", Told.WORSE: "mc-bad"}
MARKED_TOLD = 5
"""Fewer marked answers at a counter are told as `< 5`: one of them would be somebody's."""


class SatisfactionView:
    def __init__(self, page: Page, report: Report, period: str) -> None:
        self._page, self._report, self._period = page, report, period

    # --- words ---

    def _say(self, key: str, **values: object) -> str:
        return self._page.say(f"satisfaction.{key}", **values)

    def _percent(self, value: float | None) -> str:
        return "–" if value is None else f"{decimal(100 * value, self._page.language)} %"

    def _range(self, interval: Interval | None) -> str:
        if interval is None:
            return ""
        language = self._page.language
        low, high = (decimal(100 * x, language) for x in (interval.low, interval.high))
        return f"{low}–{high} %"

    def _head(self, first: str, *numbers: str, last: str = "") -> tuple[object, ...]:
        """The heads of a table: over numbers they stand at the right, as these do."""
        heads = [tag("div", self._say(key), cls="mc-num") for key in numbers]
        return (self._say(first), *heads, *((last,) if last else ()))

    def _few(self) -> Markup:
        return chip(self._say("few", least=ENOUGH), "mc-dull")

    def _sure(self, certainty: Certainty) -> Markup | None:
        if certainty is Certainty.SOURCED:
            return None
        return tag("span", self._say(f"sure_{certainty.value}"), cls="mc-remark")

    # --- head ---

    def periods(self) -> Markup:
        links = [
            tag(
                "a",
                self._say(f"period_{name}"),
                href=f"/satisfaction?period={name}",
                cls="mc-chip " + ("mc-good" if name == self._period else ""),
                aria_current="page" if name == self._period else None,
            )
            for name in PERIODS
        ]
        days = self._report.days
        words = self._say("days", since=_day(days.since), until=_day(days.until))
        file = tag("a", self._say("file"), href=f"/satisfaction.csv?period={self._period}")
        return tag(
            "div", Markup(" ").join(links), tag("span", words, cls="mc-hint"), file, cls="mc-line"
        )

    def tiles(self) -> Markup:
        report = self._report
        whole, before = report.whole, report.before
        answered = min(1.0, whole.n / whole.asked) if whole.asked else None
        return tag(
            "div",
            self._tile("whole", *self._satisfied(whole, self._range(whole.interval))),
            self._tile("before", *self._satisfied(before, self._say("n", n=before.n))),
            self._tile("answers", str(whole.n), self._say("steps")),
            self._tile("answered", self._percent(answered), self._say("of_asked", n=whole.asked)),
            cls="mc-tiles",
        )

    def _satisfied(self, share: Share, below: str) -> tuple[str, str]:
        if share.enough:
            return self._percent(share.value), below
        return "–", self._say("few", least=ENOUGH)

    def _tile(self, key: str, value: str, below: str) -> Markup:
        return tag(
            "div",
            tag("span", self._say(f"tile_{key}")),
            tag("b", value),
            tag("small", below),
            cls="mc-tile",
            data_tile=key,
        )

    # --- alerts ---

    def alerts(self) -> Markup:
        alerts = self._page.state.alerts.values()
        living = [a for a in alerts if a.status is not AlertStatus.CLOSED]
        ended = sorted(
            (a for a in alerts if a.status is AlertStatus.CLOSED), key=lambda a: -a.opened_at
        )
        shown = [self._alert(a) for a in living]
        past = [
            tag("li", reading(self._page, a), " · ", self._page.moment(a.opened_at))
            for a in ended[:5]
        ]
        return tag(
            "div",
            *shown,
            tag("details", tag("summary", self._say("past_alerts")), tag("ul", *past))
            if past
            else None,
            cls="mc-alerts",
        )

    def _alert(self, alert: Alert) -> Markup:
        page, now = self._page, alert.moment
        wait = decimal(now.wait_minutes or 0, page.language, 0)
        room = self._say(
            "alert_room",
            waiting=now.waiting,
            wait=wait,
            counters=now.counters_open,
            officers=now.officers,
        )
        can = page.may(o.ChooseSurveys) and page.fresh
        buttons = [act("say", self._say("say_alert"), alert.id, can)]
        if alert.status is AlertStatus.OPEN:
            buttons.append(act("take", self._say("take_alert"), alert.id, can))
        else:
            buttons.append(act("close", self._say("close_alert"), alert.id, can))
        return tag(
            "div",
            tag("b", reading(page, alert)),
            tag("span", page.moment(alert.opened_at)),
            tag("span", room, cls="mc-soft"),
            chip(self._say(f"alert_{alert.status.value}")),
            tag("span", self._say("said", n=len(alert.comments))) if alert.comments else None,
            tag("span", Markup(" ").join(buttons), cls="mc-acts"),
            *self._words(alert),
            cls="mc-alert",
            role="status",
            data_alert=alert.id,
        )

    def _words(self, alert: Alert) -> list[Markup]:
        """What people of the centre wrote about it, from under its seal."""
        try:
            said = self._page.web.vault.find(f"alert:{alert.id}", "words")
        except CannotUnseal:
            return []
        return [tag("div", words.decode(), cls="mc-remark") for words in said]

    def officers(self) -> Markup:
        """Indices 1, 2, 3, 4 and 7 of each officer's dossiers, as far as the system knows them."""
        names = {
            law.pseudonym(x.account): x.name for x in self._page.state.setup.officers if x.account
        }
        rows = []
        for officer, both in self._report.officers.items():
            total = both.by_system
            enough = total.figure.enough and total.grade is not None
            language = self._page.language
            rows.append(
                row(
                    names.get(officer, "–"),
                    tag(
                        "td",
                        f"{decimal(total.figure.numerator, language)} / {total.figure.denominator:g}"
                        if enough
                        else self._few(),
                        cls="mc-num",
                    ),
                    self._say(f"grade_{total.grade.value}") if enough and total.grade else "",
                    tag("td", total.figure.n, cls="mc-num"),
                )
            )
        if not rows:
            return tag("div", self._say("nothing"), cls="mc-empty")
        head = (
            self._say("officer"),
            tag("div", self._say("points"), cls="mc-num"),
            self._say("grade"),
            tag("div", self._say("dossiers"), cls="mc-num"),
        )
        return join(table(head, rows), tag("div", self._say("officers_hint"), cls="mc-hint"))

    # --- what drives it ---

    def drivers(self) -> Iterator[tuple[str, Markup]]:
        for driver in self._report.drivers.drivers:
            yield f"satisfaction.by_{driver.by}", self._driver(driver)

    def _driver(self, driver: Driver) -> Markup:
        shown = [x for x in driver.levels if x.told is not Told.HIDDEN and x.answers]
        hidden = sum(x.told is Told.HIDDEN for x in driver.levels)
        note = tag("div", self._say("hidden", n=hidden), cls="mc-hint") if hidden else None
        if not shown:
            return join(tag("div", self._say("nothing"), cls="mc-empty"), note)
        head = self._head("level", "share", "interval", "n_head", last=self._say("told"))
        rows = [self._level(driver.by, x) for x in shown]
        hint = tag("div", self._say("no_cause"), cls="mc-hint") if driver.by == By.WAIT else None
        return join(table(head, rows), note, hint)

    def _level(self, by: str, level: Level) -> Markup:
        enough = (level.answers or 0) >= ENOUGH
        return row(
            self._name(by, level.level, level.within),
            tag("td", self._percent(level.share) if enough else self._few(), cls="mc-num"),
            tag("td", self._range(level.interval) if enough else "", cls="mc-num mc-soft"),
            tag("td", level.answers, cls="mc-num"),
            chip(self._say(f"told_{level.told.value}"), LOOKS.get(level.told, "mc-dull")),
            data_level=f"{by}-{level.level}",
        )

    def _name(self, by: str, level: str, within: str) -> str:
        page = self._page
        if by == By.WAIT:
            edges = (0, *WAIT_BANDS)
            low = edges[int(level)]
            if int(level) == len(WAIT_BANDS):
                return self._say("wait_from", low=low)
            return self._say("wait_band", low=low, high=WAIT_BANDS[int(level)])
        if by == By.HOUR:
            return self._say("hour", hour=level)
        if by == By.PROCEDURE:
            name = level or self._say("none_procedure")
            return f"{service_name(page, within)}: {name}" if within else name
        if not level:
            return self._say("none_" + by)
        if by == By.SERVICE:
            return service_name(page, level)
        if by == By.GROUP:
            groups = {g.id: g.name.say(page.language) for g in page.state.setup.priorities}
            return groups.get(level, level)
        return level

    # --- counters, reasons, marks ---

    def counters(self) -> Markup:
        head = self._head("counter", "answered", "interval", "mean", "n_head")
        rows = [
            row(
                join(
                    one.counter,
                    " ",
                    chip(self._say("reason_silence"), "mc-bad") if one.mark is not None else None,
                ),
                tag("td", self._percent(one.share) if one.enough else self._few(), cls="mc-num"),
                tag("td", self._range(one.interval) if one.enough else "", cls="mc-num mc-soft"),
                tag(
                    "td",
                    decimal(one.mean, self._page.language)
                    if one.mean is not None and one.answers >= ENOUGH
                    else self._few(),
                    cls="mc-num",
                ),
                tag("td", f"{one.answers}/{one.offers}", cls="mc-num"),
                data_counter=one.counter,
            )
            for one in self._report.counters
        ]
        return join(table(head, rows), tag("div", self._say("silence_hint"), cls="mc-hint"))

    def reasons(self) -> Markup:
        found = sorted(self._report.reasons.items(), key=lambda x: -x[1])
        if not found:
            return tag("div", self._say("nothing"), cls="mc-empty")
        return table(
            self._head("reason", "n_head"),
            [row(self._say(f"why_{name}"), tag("td", n, cls="mc-num")) for name, n in found],
        )

    def marked(self) -> Markup:
        found, days = self._report.marked, self._report.days_marked
        if not found and not days:
            return tag("div", self._say("marked_none"), cls="mc-empty")
        rows = [
            row(
                self._say(f"reason_{one.reason}"),
                one.counter or "–",
                tag(
                    "td",
                    one.told or f"< {MARKED_TOLD}",
                    cls="mc-num",
                ),
                data_mark=one.reason,
            )
            for one in found
        ]
        if days:
            rows.append(row(self._say("reason_days"), "–", tag("td", days, cls="mc-num")))
        where, n = self._say("counter"), tag("div", self._say("n_head"), cls="mc-num")
        return join(
            table((self._say("reason"), where, n), rows),
            tag("div", self._say("marked_hint"), cls="mc-hint"),
        )

    # --- the three calculators ---

    def circular(self) -> Markup:
        report = self._report
        head = self._head("index", "by_system", "by_citizens", "n_head")
        rows = []
        for index in range(1, 10):
            own, said = report.indices.system.get(index), report.indices.citizen.get(index)
            if own is None or not own.figure.n:
                own = report.own.get(index)
            rows.append(
                row(
                    self._say(f"index_{index}"),
                    tag("td", self._figure(own.figure) if own else "–", cls="mc-num"),
                    tag("td", self._figure(said.figure) if said else "–", cls="mc-num"),
                    tag(
                        "td",
                        f"{own.figure.n if own else 0} · {said.figure.n if said else 0}",
                        cls="mc-num",
                    ),
                )
            )
        both = report.agency
        return join(
            table(head, rows),
            self._total("total_citizens", both.by_citizens),
            self._total("total_system", both.by_system),
            tag("div", self._say("circular_hint"), cls="mc-hint"),
        )

    def _figure(self, figure: Figure) -> Markup | str:
        if figure.value is None:
            return "–"
        return decimal(figure.value, self._page.language) if figure.enough else self._few()

    def _total(self, key: str, total: Total) -> Markup:
        figure = total.figure
        points = f"{decimal(figure.numerator, self._page.language)} / {figure.denominator:g}"
        if figure.value is None or not figure.enough or total.rank is None:
            rank: Markup = self._few()
        else:
            rank = chip(self._say(f"rank_{total.rank.value}"))
        left = ", ".join(str(x) for x in total.left_out)
        notes = [tag("li", self._say(f"open_{x.value}")) for x in total.open]
        return tag(
            "div",
            tag("b", self._say(key)),
            " ",
            points,
            " ",
            rank,
            tag("div", self._say("left_out", indices=left), cls="mc-remark") if left else None,
            tag("details", tag("summary", self._say("unsettled")), tag("ul", *notes))
            if notes
            else None,
            data_total=key,
        )

    def decision(self) -> Markup:
        group = self._report.decision
        known = (
            ("5_1", group.sorted),
            ("5_2", group.in_time),
            ("5_3", group.content),
            ("5_4", group.satisfied.result),
        )
        head = self._head("index", "share", "points", "n_head")
        rows = [self._points(key, points) for key, points in known]
        best = group.satisfied.result.figure
        enough = best.enough and group.points is not None
        total = (
            f"{decimal(group.points or 0, self._page.language)} / {group.most:g}"
            if enough
            else self._few()
        )
        made = self._say(
            "late_of", late=group.satisfied.late, n=best.n, silent=group.satisfied.silent
        )
        return join(
            table(head, rows),
            tag("div", tag("b", self._say("together")), " ", total),
            tag("div", made, cls="mc-hint"),
            tag("div", self._say("decision_hint"), cls="mc-hint"),
        )

    def _points(self, key: str, points: Points) -> Markup:
        figure, language = points.figure, self._page.language
        value = "–" if figure.value is None else f"{decimal(figure.value, language)} %"
        earned = (
            "–"
            if points.points is None
            else f"{decimal(points.points, language)} / {points.most:g}"
        )
        return row(
            join(self._say(f"index_{key}"), " ", self._sure(points.certainty)),
            tag(
                "td", value if figure.enough or figure.value is None else self._few(), cls="mc-num"
            ),
            tag("td", earned if figure.enough else "–", cls="mc-num"),
            tag("td", figure.n, cls="mc-num"),
        )

    def sipas(self) -> Markup:
        found = self._report.sipas
        head = self._head("factor", "share", "interval", "n_head")
        rows = [
            row(
                self._say(f"factor_{factor.value}"),
                tag(
                    "td",
                    self._percent(figure.value) if figure.enough else self._few(),
                    cls="mc-num",
                ),
                tag(
                    "td",
                    self._range(figure.interval) if figure.enough else "",
                    cls="mc-num mc-soft",
                ),
                tag("td", figure.n, cls="mc-num"),
            )
            for factor, figure in found.factors.items()
        ]
        whole, mean = found.share_over_items, found.mean_over_factors
        both = [
            tag(
                "div",
                tag("b", self._say(key)),
                " ",
                self._percent(x.value) if x.enough else self._few(),
            )
            for key, x in (("over_items", whole), ("over_factors", mean))
        ]
        needed = self._say(
            "sipas_wanted", wanted=self._report.wanted, asked=self._report.whole.asked
        )
        return join(
            table(head, rows),
            *both,
            tag("div", needed, cls="mc-hint"),
            tag("div", self._say("sipas_hint"), cls="mc-hint"),
        )

    # --- surveys ---

    def surveys(self) -> Markup:
        page = self._page
        followed = {x.survey: x for x in self._report.surveys}
        can = page.may(o.ChooseSurveys) and page.fresh
        rows = []
        for place, use in enumerate(page.state.setup.surveys):
            survey = page.web.surveys.get(use.survey)
            seen = followed.get(use.survey)
            told = self._say("followed", ended=seen.ended, begun=seen.begun) if seen else "–"
            warn = (seen is not None and seen.long) or (survey is not None and survey.too_long)
            rows.append(
                row(
                    survey.title.say(page.language) if survey else use.survey,
                    tag("td", self._percent(use.share), cls="mc-num"),
                    self._where(use.services, use.counters, use.from_time, use.to_time),
                    join(told, " ", chip(self._say("too_long"), "mc-bad") if warn else None),
                    tag(
                        "td",
                        act("drop", self._say("drop"), f"{place}/{use.survey}", can),
                        cls="mc-acts",
                    ),
                )
            )
        if not rows:
            return tag("div", self._say("only_quick"), cls="mc-empty")
        head = tuple(self._say(k) for k in ("survey", "share", "where", "followed_head"))
        return table((*head, ""), rows)

    def triggers(self) -> Markup:
        """What opens an alert, and where."""
        page = self._page
        can = page.may(o.ChooseTriggers) and page.fresh
        rows = [
            row(
                limit(page, x),
                self._where((x.service,) if x.service else (), (x.counter,) if x.counter else ()),
                tag("td", act("untrigger", self._say("untrigger"), x.id, can), cls="mc-acts"),
            )
            for x in page.state.setup.triggers
        ]
        if not rows:
            return tag("div", self._say("no_triggers"), cls="mc-empty")
        return table((self._say("measure"), self._say("watched_where"), ""), rows)

    def _where(
        self,
        services: tuple[str, ...],
        counters: tuple[int, ...],
        since: str = "",
        until: str = "",
    ) -> str:
        parts = [service_name(self._page, s) for s in services]
        parts += [self._say("at_counter", counter=c) for c in counters]
        if since or until:
            parts.append(f"{since or '00:00'}–{until or '24:00'}")
        return ", ".join(parts) or self._say("everywhere")


def reading(page: Page, alert: Alert) -> str:
    """Which limit the last minutes' answers have passed: of so few answers the figure itself would tell each."""
    triggers = {t.id: t for t in page.state.setup.triggers}
    known = triggers.get(alert.trigger)
    return limit(page, known) if known else page.say("satisfaction.alert_gone")


def limit(page: Page, trigger: Trigger) -> str:
    return page.say(
        f"satisfaction.alert_{trigger.measure.value}",
        value=decimal(trigger.limit, page.language, 0),
        n=trigger.fewest,
        minutes=trigger.minutes,
        answer=trigger.answer,
    )


def _day(day: str) -> str:
    """`2026-11-20` as `20/11/2026`."""
    return "/".join(reversed(day.split("-")))
