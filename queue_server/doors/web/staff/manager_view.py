"""What a manager sees: alerts, services, counters, waits over the day, ratings, devices."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ....desk import public
from ....desk.commands import OpenSeal
from ....desk.public import counter_state_word
from ....line import orders as o
from ....line.state import CounterNow
from ....line.transactions import Transaction
from ....satisfaction.triggers import AlertStatus
from ....wire.health import FIGURES, GOOD, OF_TERMINALS, troubles
from ....wire.words import AT_COUNTER, MINUTE, TicketStatus
from ..devices import device_view
from .counter_view import service_name
from .figures import Today, by_half_hour, joined, longest, waits
from .html import act, chip, clock, join, row, table, tag
from .outlook_view import OutlookView
from .page import Page
from .ratings import OfferLine, RatingsToday, Score
from .satisfaction_view import reading

S = TicketStatus
CLOCK_BEHIND_MS = 5_000
OFFERS_SHOWN = 60
WORD_LOOKS = {"calling": "mc-first", "serving": "mc-good", "closed": "mc-dull", "paused": "mc-dull"}


class ManagerView:
    """Every method reads the state anew; `today` and `ratings` are shared by all managers' pages."""

    def __init__(
        self, page: Page, today: Today, ratings: RatingsToday, outlook: OutlookView
    ) -> None:
        self._page = page
        self._outlook = outlook
        self._today = today
        self._ratings = ratings

    def _transactions(self) -> tuple[Transaction, ...]:
        return self._today.of(self._page.state, self._page.web.replica.seq)

    @property
    def _target(self) -> float:
        return self._page.state.setup.rules.target_minutes

    # --- above ---

    def tiles(self) -> Markup:
        page, state = self._page, self._page.state
        now = page.web.now()
        waiting = sum(public.waiting_now(state, s, now) for s in state.waiting)
        figures = waits(self._transactions(), self._target)
        open_ones = sum(1 for c in state.counters.values() if c.open)
        served = sum(1 for t in self._transactions() if t.done)
        late = figures.count > 0 and figures.mean > self._target
        unit = page.say("page.minutes_unit")
        return tag(
            "div",
            _tile(str(waiting), page.say("manager.waiting")),
            _tile(f"{figures.mean:.0f}", page.say("manager.mean"), unit, late),
            _tile(f"{figures.over:.0%}", page.say("manager.over", minutes=f"{self._target:g}")),
            _tile(str(served), page.say("manager.served")),
            _tile(str(open_ones), page.say("manager.open_counters"), f"/ {len(state.counters)}"),
            _tile(
                str(sum(1 for t in state.tickets.values() if t.status is S.NO_SHOW)),
                page.say("manager.absent"),
            ),
            cls="mc-tiles",
        )

    def alerts(self) -> Markup:
        """What needs somebody now, or that nothing does."""
        page = self._page
        found = [*self._help(), *self._answers(), *self._unserved(), *self._outlook.alerts()]
        found += [*self._clock(), *self._suspended()]
        if not found and self._outlook.proposals():
            return Markup("")
        if not found:
            found = [tag("div", page.say("manager.all_well"), cls="mc-alert mc-quiet")]
        return tag("div", *found, cls="mc-alerts")

    def _help(self) -> list[Markup]:
        page = self._page
        answer = page.say("act.answer")
        return [
            _alert(
                page.say("alert.help", place=place_name(page, place)),
                clock(since),
                act("answer", answer, place, page.fresh, "mc-strong")
                if page.may(o.AnswerHelp)
                else None,
            )
            for place, since in page.state.help.items()
        ]

    def _answers(self) -> list[Markup]:
        """Poor answers of the last minutes that nobody looks after yet."""
        page = self._page
        return [
            _alert(
                reading(page, alert), tag("a", page.say("satisfaction.look"), href="/satisfaction")
            )
            for alert in page.state.alerts.values()
            if alert.status is AlertStatus.OPEN
        ]

    def _unserved(self) -> list[Markup]:
        page, state = self._page, self._page.state
        return [
            _alert(
                page.say("alert.no_counter", service=service_name(page, service), count=len(line))
            )
            for service, line in state.waiting.items()
            if line and service not in state.suspended and not state.serving_counters(service)
        ]

    def _clock(self) -> list[Markup]:
        web = self._page.web
        behind = max(web.clock.behind_ms, web.state.at - web.clock.now())
        if behind < CLOCK_BEHIND_MS:
            return []
        minutes = f"{behind / MINUTE:.1f}"
        return [_alert(self._page.say("alert.clock", minutes=minutes))]

    def _suspended(self) -> list[Markup]:
        page = self._page
        return [
            _alert(page.say("alert.suspended", service=service_name(page, service), reason=reason))
            for service, reason in page.state.suspended.items()
        ]

    # --- tables ---

    def services(self) -> Markup:
        page, state = self._page, self._page.state
        by_service: dict[str, list[Transaction]] = {}
        for one in self._transactions():
            by_service.setdefault(one.service, []).append(one)
        say = page.say
        head = (
            say("table.service"),
            _num(say("table.waiting")),
            _num(say("table.longest")),
            _num(say("table.served")),
            _num(say("table.mean")),
            _num(say("table.over")),
            "",
        )
        rows = [
            self._service_row(s.id, s.letter, by_service.get(s.id, []))
            for s in state.setup.services
        ]
        return table(head, rows)

    def _service_row(self, service: str, letter: str, done: list[Transaction]) -> Markup:
        page, state = self._page, self._page.state
        figures = waits(done, self._target)
        now = page.web.now()
        first = longest(t for t in state.waiting_for((service,)) if t.waiting_from <= now)
        suspended = service in state.suspended
        verb = "go_on" if suspended else "suspend"
        order = o.ResumeService if suspended else o.SuspendService
        return row(
            join(
                tag("b", letter),
                f" {service_name(page, service)} ",
                chip(page.say("manager.suspended"), "mc-bad") if suspended else None,
            ),
            _cell(public.waiting_now(state, service, now) or "–"),
            _cell(clock(joined(first), "min", self._target) if first else "–"),
            _cell(figures.count or "–"),
            _cell(_late(page, figures.mean, self._target) if figures.count else "–"),
            _cell(f"{figures.over:.0%}" if figures.count else "–"),
            tag(
                "td",
                act(verb, page.say(f"act.{verb}"), service, page.fresh) if page.may(order) else "",
                cls="mc-acts",
            ),
            data_service=service,
        )

    def counters(self) -> Markup:
        page = self._page
        head = tuple(
            page.say(f"table.{name}")
            for name in ("counter", "state", "number", "since", "officer", "serves")
        )
        rows = [self._counter_row(c) for c in page.state.counters.values()]
        return table((*head, ""), rows)

    def _counter_row(self, counter: CounterNow) -> Markup:
        page, state = self._page, self._page.state
        word = counter_state_word(state, counter)
        ticket = state.ticket_of(counter.id)
        officer = state.setup.officer(counter.officer)
        settled = state.setup.counter(counter.id)
        serves = counter.serves if counter.open else (settled.serves if settled else ())
        letters = [s.letter for s in state.setup.services if s.id in serves]
        star = tag("span", " ★", title=page.say("manager.priority_counter"))
        change = counter.open and page.fresh
        return row(
            tag(
                "td",
                tag("a", counter.id, href=f"/counter/{counter.id}")
                if page.may(o.OpenCounter)
                else counter.id,
                star if settled and settled.priority else None,
            ),
            chip(counter.paused or page.say(f"state.{word}"), WORD_LOOKS.get(word, "")),
            tag("b", ticket.number if ticket else ""),
            clock(counter.since) if counter.since and word != "closed" else "",
            (officer.name if officer else counter.officer) if counter.open else "",
            " ".join(letters),
            tag(
                "td",
                act("serves", page.say("act.serves"), counter.id, change)
                if page.may(o.ChangeServes)
                else "",
                cls="mc-acts",
            ),
            data_counter=counter.id,
        )

    def devices(self) -> Markup:
        page = self._page
        known = [device_view(page.web, d.name) for d in page.web.devices.list() if not d.revoked_at]
        if not known:
            return tag("div", page.say("devices.none"), cls="mc-empty")
        return tag("table", tag("tbody", *[device_row(page, d) for d in known]), cls="mc-table")

    # --- the day's chart ---

    def chart(self) -> dict[str, Any]:
        """ECharts' option: mean wait and calls by half-hour beside the target."""
        page = self._page
        offset = page.state.setup.rules.utc_offset_minutes
        halves = by_half_hour(self._transactions(), offset)
        means = [
            {
                "value": round(w.mean, 1),
                "itemStyle": {"color": "#C8501E" if w.mean > self._target else "#0B5C7A"},
            }
            for _, w in halves
        ]
        target = page.say("manager.target", minutes=f"{self._target:g}")
        line = {"yAxis": self._target, "name": target}
        return {
            "animation": False,
            "textStyle": {"fontFamily": "MotCua"},
            "grid": {"left": 44, "right": 100, "top": 26, "bottom": 26},
            "tooltip": {"trigger": "axis"},
            "xAxis": {"type": "category", "data": [half for half, _ in halves]},
            "yAxis": {
                "type": "value",
                "name": page.say("page.minutes_unit"),
                "max": max([20, *[round(w.mean * 1.1) for _, w in halves]]),
            },
            "series": [
                {
                    "type": "bar",
                    "name": page.say("manager.mean"),
                    "data": means,
                    "barMaxWidth": 36,
                    "markLine": {
                        "symbol": "none",
                        "silent": True,
                        "lineStyle": {"color": "#C8501E", "type": "dashed", "width": 2},
                        "label": {"formatter": "{b}", "color": "#C8501E"},
                        "data": [line],
                    },
                }
            ],
        }

    # --- ratings ---

    def by_service(self) -> Markup:
        page, known = self._page, self._ratings.read().services
        rows = [
            self._score_row(service_name(page, s.id), known.get(s.id, Score()))
            for s in page.state.setup.services
        ]
        return self._scores(page.say("table.service"), rows)

    def by_counter(self) -> Markup:
        page, known = self._page, self._ratings.read().counters
        rows = [
            self._score_row(page.say("manager.counter", number=c.id), known.get(c.id, Score()))
            for c in page.state.setup.counters
            if c.id in known
        ]
        return self._scores(page.say("table.counter"), rows)

    def _scores(self, first: str, rows: list[Markup]) -> Markup:
        say = self._page.say
        if not rows:
            return tag("div", say("ratings.none"), cls="mc-empty")
        head = (first, *[_num(say(f"ratings.{name}")) for name in ("count", "mean", "content")])
        return table(head, rows)

    def _score_row(self, name: str, score: Score) -> Markup:
        if score.mean is None or score.content is None:
            few = tag("td", self._page.say("ratings.few"), cls="mc-num mc-soft", colspan=3)
            return row(name, few)
        return row(
            name,
            _cell(f"≥ {score.count}"),
            _cell(f"{score.mean:.1f} / 5"),
            _cell(f"{score.content:.0%}"),
        )

    def offers(self) -> Markup:
        page = self._page
        lines = self._ratings.read().offers
        if not lines:
            return tag("div", page.say("ratings.none"), cls="mc-empty")
        head = tuple(page.say(f"table.{name}") for name in ("half_hour", "service", "counter"))
        return table((*head, ""), [self._offer_row(x) for x in lines[:OFFERS_SHOWN]])

    def _offer_row(self, line: OfferLine) -> Markup:
        page = self._page
        open_it = act("seal", page.say("act.open_seal"), line.offer, page.fresh)
        return row(
            line.half_hour,
            service_name(page, line.service),
            line.counter,
            tag("td", open_it if page.may(OpenSeal) else "", cls="mc-acts"),
        )


def device_row(page: Page, device: dict[str, Any]) -> Markup:
    return row(
        tag("td", tag("b", device["name"]), cls="mc-keep"),
        tag("td", page.say(f"device.{device['kind']}"), cls="mc-keep"),
        presence_chip(page, device),
        health_chips(page, device),
    )


def presence_chip(page: Page, device: dict[str, Any]) -> Markup:
    if device["revoked"]:
        return chip(page.say("devices.revoked"), "mc-dull")
    if not device["enrolled"]:
        return chip(page.say("devices.not_enrolled"), "mc-dull")
    if device["online"]:
        return chip(page.say("devices.online"), "mc-good")
    return chip(page.say("devices.offline"), "mc-bad")


def health_chips(page: Page, device: dict[str, Any]) -> Markup:
    """Of a bridge's terminals only what is wrong: each has a row of its own."""
    shown = {
        part: word
        for part, word in device["health"].items()
        if not (device["terminals"] and part.startswith(OF_TERMINALS)) or troubles({part: word})
    }
    return join(
        *[
            join(chip(f"{part}: {word}", health_colour(part, word)), " ")
            for part, word in sorted(shown.items())
        ]
    )


def health_colour(part: str, word: str) -> str:
    if word in GOOD:
        return "mc-good"
    return "mc-dull" if part.startswith(FIGURES) else "mc-first"


def place_name(page: Page, place: str) -> str:
    """`counter-3` as a counter, a device by its name."""
    if place.startswith("counter-"):
        return page.say("manager.counter", number=place.removeprefix("counter-"))
    return place


def waiting_people(page: Page) -> int:
    """How many would go home unserved if the day were ended now."""
    here = (S.WAITING, S.OUT, S.PARKED)
    return sum(1 for t in page.state.tickets.values() if t.status in here)


def at_counters(page: Page) -> int:
    return sum(1 for t in page.state.tickets.values() if t.status in AT_COUNTER)


def _tile(value: str, words: str, unit: str = "", over: bool = False) -> Markup:
    inside = tag("b", value, " ", tag("small", unit) if unit else None)
    return tag("div", inside, tag("span", words), cls="mc-tile" + (" mc-over" if over else ""))


def _alert(*inside: object) -> Markup:
    return tag("div", *inside, cls="mc-alert", role="status")


def _num(words: str) -> Markup:
    return tag("div", words, cls="mc-num")


def _cell(inside: object) -> Markup:
    return tag("td", inside, cls="mc-num")


def _late(page: Page, mean: float, target: float) -> Markup:
    words = page.say("page.minutes").replace("{n}", f"{mean:.0f}")
    return tag("span", words, cls="mc-late" if mean > target else "")
