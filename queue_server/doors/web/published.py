"""Satisfaction of a month that has ended, as the law wants it shown: at the office, on the site, as open data.

Only whole months that are over, the same for everybody, and only figures over thirty answers or more: nobody can be
found in them, neither in one nor by taking two from each other.
"""

from __future__ import annotations

import datetime as dt
import re

from ...satisfaction.drivers import Tally, hide
from ...satisfaction.figure import Figure
from ...satisfaction.intervals import ENOUGH
from ...store.satisfaction import Days, month_after, month_before
from ...wire.words import Frozen, Names
from .context import Web
from .satisfaction import Report, Share

MONTHS_KEPT = 24
METHOD = ("faces", "fives", "interval", "answered", "private", "marked")
"""Lines of the method, in the texts under `method`."""


class Told(Frozen):
    """A share (0–1) with its 95 % interval; all None when there are too few answers, and `n` is 0 then."""

    n: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None


class OfService(Frozen):
    id: str
    name: Names
    satisfied: Told


class OfIndex(Frozen):
    """One figure of a calculator of the law. `unit`: points, percent or share; `source`: the article."""

    id: str
    value: float | None
    n: int
    most: float | None
    """Of points that are a sum: the most that could be had of the indices that are known."""
    unit: str
    source: str
    certainty: str


class Month(Frozen):
    """`month` as 2026-10. `answered`: the share of those asked that answered."""

    month: str
    centre: Names
    satisfied: Told
    answered: float | None
    services: tuple[OfService, ...]
    reasons: dict[str, int]
    circular: tuple[OfIndex, ...]
    decision: tuple[OfIndex, ...]
    sipas: tuple[OfIndex, ...]
    marked: int
    """Answers that look wrong, in whole fives; they are counted like all others."""


def last_month(today: dt.date) -> str:
    return f"{month_before(today):%Y-%m}"


def days_of(month: str, today: dt.date) -> Days | None:
    """The days of a month that has ended and is not two years gone; None for any other text."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        return None
    since = dt.date.fromisoformat(f"{month}-01")
    until = month_after(since)
    ago = (today.year - since.year) * 12 + today.month - since.month
    if until > today or not 1 <= ago <= MONTHS_KEPT:
        return None
    return Days(since=since.isoformat(), until=until.isoformat())


def published(web: Web, month: str, today: dt.date) -> Month | None:
    """The figures of a month; None if it is none that is published."""
    days = days_of(month, today)
    return None if days is None else month_of(web, web.reports.on(days), month)


def month_of(web: Web, report: Report, month: str) -> Month:
    setup = web.state.setup
    whole = report.whole
    hidden = _hidden(report.services)
    total = report.agency.by_citizens.figure
    return Month(
        month=month,
        centre=setup.name,
        satisfied=told(whole),
        answered=round(min(1.0, whole.n / whole.asked), 3) if whole.asked >= ENOUGH else None,
        services=tuple(
            OfService(
                id=s.id,
                name=s.name,
                satisfied=Told() if s.id in hidden else told(report.services.get(s.id, Share())),
            )
            for s in setup.services
        ),
        reasons={k: n for k, n in report.reasons.items() if n >= ENOUGH},
        circular=(
            *(_index(f"tt01.{k}", x.figure, "points") for k, x in report.indices.system.items()),
            *(_index(f"tt01.{k}.own", x.figure, "points") for k, x in report.own.items()),
            *(
                _index(f"tt01.citizen.{k}", x.figure, "points")
                for k, x in report.indices.citizen.items()
            ),
            _index("tt01.total", total, "points", total.denominator),
        ),
        decision=tuple(
            _index(f"qd766.{name}", points.figure, "percent")
            for name, points in (
                ("5.1", report.decision.sorted),
                ("5.2", report.decision.in_time),
                ("5.3", report.decision.content),
                ("5.4", report.decision.satisfied.result),
            )
        ),
        sipas=(
            *(_index(f"sipas.{k.value}", x, "share") for k, x in report.sipas.factors.items()),
            _index("sipas.whole", report.sipas.share_over_items, "share"),
        ),
        marked=report.marked_answers,
    )


def _hidden(services: dict[str, Share]) -> set[str]:
    """Services of few answers, and with them as many as it takes that none is had by taking the rest from all."""
    table = {
        ("", name): Tally(level=name, answers=share.n, satisfied=share.satisfied)
        for name, share in services.items()
    }
    return {name for _, name in hide(table, ENOUGH)}


def told(share: Share) -> Told:
    if not share.enough or share.value is None or share.interval is None:
        return Told()
    low, high = round(share.interval.low, 4), round(share.interval.high, 4)
    return Told(n=share.n, value=round(share.value, 4), low=low, high=high)


def _index(name: str, figure: Figure, unit: str, most: float | None = None) -> OfIndex:
    enough = figure.enough and figure.value is not None
    return OfIndex(
        id=name,
        value=round(figure.value, 4) if enough and figure.value is not None else None,
        n=figure.n if enough else 0,
        most=most if enough else None,
        unit=unit,
        source=figure.source.article,
        certainty=figure.source.certainty.value,
    )


def rows(month: Month) -> list[tuple[object, ...]]:
    """The same as a table: measure, level, value, low, high, n, source. What is too little stands empty."""
    s = month.satisfied
    found: list[tuple[object, ...]] = [
        ("measure", "level", "value", "low", "high", "n", "unit", "source"),
        ("satisfied", "", s.value, s.low, s.high, s.n or "", "share", ""),
        ("answered", "", month.answered, "", "", "", "share", ""),
    ]
    for service in month.services:
        t = service.satisfied
        found.append(("satisfied", service.id, t.value, t.low, t.high, t.n or "", "share", ""))
    found += [("reason", name, n, "", "", "", "answers", "") for name, n in month.reasons.items()]
    for one in (*month.circular, *month.decision, *month.sipas):
        found.append(("index", one.id, one.value, "", "", one.n or "", one.unit, one.source))
    return found
