"""What past days taught, in the form in which the log keeps it and the live rule reads it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ..line.setup import Setup
from ..line.times import ServiceTimes, Times
from ..store.log import since_day
from ..store.schema import connect
from .day import Day
from .from_log import days_of
from .learn import Knowledge, Visit, _visits, learned

DAYS = 60
"""So many past days teach; older ones told of another centre."""


def past_days(database: Path, setup: Setup, today: str) -> list[Day]:
    """The last days of the log before `today`, oldest first. `setup`: the centre's, for what the log cuts off."""
    conn = connect(database, read_only=True)
    try:
        found = days_of((row.entry() for row in since_day(conn, DAYS + 1)), setup)
    finally:
        conn.close()
    return [day for day in found if day.day < today and day.visitors]


def times_of(days: Sequence[Day]) -> Times:
    """What these days teach of minutes, spread, paces and absences; `Times()` when there are none.

    `counters` holds the pace of each counter, whoever sat there; `officers` of those who sat at several.
    """
    if not days:
        return Times()
    by_counter = learned([_nameless(day) for day in days])
    by_officer = learned(days)
    visits = [visit for day in days for visit in _visits(day)]
    return Times(
        day=days[-1].day,
        services={s: _service(s, by_counter, visits) for s in by_counter.means},
        counters={f"{c}:{s}": round(p, 4) for (c, s), p in by_counter.paces.items()},
        officers={
            f"{who}:{s}": round(p, 4)
            for (who, s), p in by_officer.paces.items()
            if who in _wanderers(days)
        },
        helps=round(by_counter.helps, 4),
        no_show=round(by_counter.absent, 4),
    )


def _nameless(day: Day) -> Day:
    return replace(day, counters=tuple(replace(c, officer="") for c in day.counters))


def _service(service: str, knowledge: Knowledge, visits: Sequence[Visit]) -> ServiceTimes:
    mean = knowledge.means[service]
    sigma = knowledge.sigma_of(service, False)
    usual = knowledge.copies.get(service)
    return ServiceTimes(
        mean=round(mean, 3),
        cv=round(math.sqrt(math.expm1(sigma * sigma)), 3),
        prepared=round(knowledge.prepared, 4),
        per_copy=0.0 if usual is None else round(knowledge.per_copy * mean, 4),
        copies=0.0 if usual is None else round(usual, 2),
        seen=sum(v.service == service for v in visits),
    )


def _wanderers(days: Sequence[Day]) -> set[str]:
    """Officers who sat at more than one counter."""
    sat: dict[str, set[int]] = defaultdict(set)
    for day in days:
        for counter in day.counters:
            if counter.officer:
                sat[counter.officer].add(counter.id)
    return {who for who, counters in sat.items() if len(counters) > 1}
