"""Ratings of the day for those who lead: only ever of whole fives of answers, never of a single one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ....line import events as e
from ....store.satisfaction import SATISFIED, fives
from ....wire.words import Frozen
from ..context import Web


class Score(Frozen):
    """The first `count` answers (a multiple of five) of a service or counter; `None` where there are fewer."""

    count: int = 0
    mean: float | None = None
    content: float | None = None
    """Share of scores 4 and 5."""


class OfferLine(Frozen):
    """A rating that was asked for; whether it was answered, and when, is told nowhere."""

    offer: str
    half_hour: str
    service: str
    counter: int


class Ratings(Frozen):
    services: dict[str, Score] = {}
    counters: dict[int, Score] = {}
    offers: tuple[OfferLine, ...] = ()


def stepped(scores: Iterable[int]) -> Score:
    """`scores` in the order in which they were given; the last few, short of a five, are left out."""
    known = list(scores)
    count = fives(len(known))
    if not count:
        return Score()
    first = known[:count]
    content = sum(1 for score in first if score >= SATISFIED)
    return Score(count=count, mean=sum(first) / count, content=content / count)


def ratings_of(database: sqlite3.Connection, day: str) -> Ratings:
    """Of the offers made on `day`; answers in the order in which they came."""
    rows = database.execute(
        "SELECT offer, half_hour, service, counter FROM ratings"
        " WHERE half_hour >= ? AND half_hour < ? ORDER BY half_hour DESC, service, counter",
        (day, f"{day}U"),
    ).fetchall()
    answers = database.execute(
        "SELECT service, counter, score FROM ratings"
        " WHERE half_hour >= ? AND half_hour < ? AND score IS NOT NULL ORDER BY given_at, offer",
        (day, f"{day}U"),
    )
    by_service: dict[str, list[int]] = {}
    by_counter: dict[int, list[int]] = {}
    for service, counter, score in answers:
        by_service.setdefault(service, []).append(score)
        by_counter.setdefault(counter, []).append(score)
    return Ratings(
        services={key: stepped(scores) for key, scores in by_service.items()},
        counters={key: stepped(scores) for key, scores in by_counter.items()},
        offers=tuple(
            OfferLine(offer=offer, half_hour=half_hour[11:], service=service, counter=counter)
            for offer, half_hour, service, counter in rows
        ),
    )


class RatingsToday:
    """Read from the database again only after something about ratings has happened."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._known: Ratings | None = None
        self._day = ""
        web.replica.listen(self._happened)

    def read(self) -> Ratings:
        day = self._web.state.day
        if self._known is None or day != self._day:
            self._known, self._day = ratings_of(self._web.database, day), day
        return self._known

    def _happened(self, entries: list[e.Entry]) -> None:
        about = (e.OfferOpened, e.OfferWithdrawn, e.RatingGiven, e.RatingSilent, e.StepUndone)
        if not entries or any(isinstance(x.event, about) for x in entries):
            self._known = None
