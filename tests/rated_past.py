"""Ratings of days gone by, written straight into the read tables: for pages and sums, which read nothing else."""

from __future__ import annotations

import datetime as dt
import json
import random
import sqlite3
from collections.abc import Iterable

from queue_server.wire.words import DAY, MINUTE

COLUMNS = (
    "offer, half_hour, service, counter, procedure, score, reasons, source, survey, answers, shown,"
    " officer, waited, priority, opened_at, given_at, pressed_at, next_at"
)
Row = tuple[object, ...]


def past(days: int, each: int, now: int, services: Iterable[str], seed: int = 1) -> list[Row]:
    """`each` visits on each of the last `days` days (not today): who waits long is less content."""
    chance, names = random.Random(seed), tuple(services)
    rows: list[Row] = []
    for day in range(1, days + 1):
        midnight = (now + 7 * 60 * MINUTE) // DAY * DAY - 7 * 60 * MINUTE - day * DAY
        for n in range(each):
            opened = midnight + (7 * 60 + 30) * MINUTE + n * 9 * 60 * MINUTE // each
            half = dt.datetime.fromtimestamp(opened / 1000 + 7 * 3600, dt.UTC)
            half_hour = f"{half:%Y-%m-%d}T{half:%H}:{half.minute // 30 * 30:02}"
            waited = chance.choice((2, 7, 12, 22, 40))
            rows.append(_row(chance, f"past-{day}-{n}", half_hour, names, waited, opened))
    return rows


def _row(
    chance: random.Random,
    offer: str,
    half_hour: str,
    services: tuple[str, ...],
    waited: int,
    opened: int,
) -> Row:
    answered = chance.random() < 0.7
    content = chance.random() < (0.95 if waited < 15 else 0.6)
    score = (chance.choice((4, 5)) if content else chance.choice((1, 2, 3))) if answered else None
    survey = chance.choice(("", "circular01", "sipas")) if answered else ""
    answers = {
        "circular01": {k: chance.choice((1, 2, 2)) for k in ("i1", "i3", "i4", "i7")},
        "sipas": {
            k: chance.choice((3, 4, 5))
            for k in ("access", "procedures", "officers", "result", "feedback")
        },
    }.get(survey, {})
    shown = len(answers)
    if survey and chance.random() < 0.3:
        shown -= 2
        answers = dict(list(answers.items())[:shown])
    reasons = "waiting" if score is not None and score <= 3 and waited >= 15 else ""
    given = opened + 20_000 if answered else None
    return (
        offer,
        half_hour,
        chance.choice(services),
        chance.choice((1, 2, 3)),
        "",
        score,
        reasons,
        "tablet" if answered else "silent",
        survey,
        json.dumps(answers) if answers else "",
        shown,
        chance.choice(("hoa", "binh")),
        waited,
        chance.choice(("", "", "elderly")),
        opened,
        given,
        given,
        opened + 60_000,
    )


def write(conn: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """First asked, then answered or not, as it happens: the sums follow by the table's own triggers."""
    with conn:
        for row in rows:
            given = dict(zip(COLUMNS.replace(" ", "").split(","), row, strict=True))
            conn.execute(
                "INSERT INTO ratings (offer, half_hour, service, counter, procedure, survey, officer,"
                " waited, priority, opened_at, next_at) VALUES (:offer, :half_hour, :service, :counter,"
                " :procedure, :survey, :officer, :waited, :priority, :opened_at, :next_at)",
                given,
            )
            conn.execute(
                "UPDATE ratings SET score = :score, source = :source, reasons = :reasons,"
                " answers = :answers, shown = :shown, given_at = :given_at, pressed_at = :pressed_at"
                " WHERE offer = :offer",
                given,
            )
