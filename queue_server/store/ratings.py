"""The read tables of ratings: one line for each offer, in step with the log, and what they add up to.

`ratings` is read by rules that look at single answers, and shown to nobody line by line. `rating_sums` holds the
same counted by half-hour, place, procedure, priority group and wait, so that five million answers are quickly
told; the database keeps it in step itself (triggers of `SUMS`).
"""

from __future__ import annotations

import json
import sqlite3

from ..line import events as e
from ..wire.words import HALF_HOUR

COLUMNS = (
    "offer, half_hour, service, counter, procedure, score, reasons, source, survey, answers, shown,"
    " officer, waited, priority, opened_at, given_at, pressed_at, next_at"
)
FOLLOWED_WITHIN = 4 * HALF_HOUR
"""A call that comes so long after an offer says nothing about it."""
WAIT_BANDS = (5, 10, 15, 30)
"""Minutes at which a band of waits ends; the last is open."""

_NAMES = ("half_hour", "service", "counter", "procedure", "priority", "band")
_COUNTED = ("offers", "silent", "s1", "s2", "s3", "s4", "s5")


def create(conn: sqlite3.Connection) -> None:
    """Both tables, empty."""
    conn.execute(
        "CREATE TABLE ratings (offer TEXT PRIMARY KEY, half_hour TEXT NOT NULL,"
        " service TEXT NOT NULL, counter INTEGER NOT NULL, procedure TEXT NOT NULL,"
        " score INTEGER, reasons TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '',"
        " survey TEXT NOT NULL DEFAULT '', answers TEXT NOT NULL DEFAULT '',"
        " shown INTEGER NOT NULL DEFAULT 0, officer TEXT NOT NULL DEFAULT '',"
        " waited INTEGER NOT NULL DEFAULT 0, priority TEXT NOT NULL DEFAULT '',"
        " opened_at INTEGER NOT NULL, given_at INTEGER, pressed_at INTEGER, next_at INTEGER)"
    )
    conn.execute("CREATE INDEX ratings_when ON ratings(half_hour)")
    conn.execute("CREATE INDEX ratings_counter ON ratings(counter, opened_at)")
    conn.execute("CREATE INDEX ratings_given ON ratings(given_at) WHERE given_at IS NOT NULL")
    conn.execute(
        f"CREATE TABLE rating_sums (half_hour TEXT NOT NULL, service TEXT NOT NULL,"
        f" counter INTEGER NOT NULL, procedure TEXT NOT NULL, priority TEXT NOT NULL,"
        f" band INTEGER NOT NULL, {', '.join(f'{x} INTEGER NOT NULL DEFAULT 0' for x in _COUNTED)},"
        f" PRIMARY KEY ({', '.join(_NAMES)})) WITHOUT ROWID"
    )
    _keep_sums(conn)


def wrong_sums(conn: sqlite3.Connection) -> int:
    """How many lines of the sums are not what the ratings add up to."""
    keys, counted = ", ".join(_NAMES), ", ".join(_COUNTED)
    band = _band("waited")
    scores = ", ".join(f"coalesce(sum(score = {score}), 0)" for score in range(1, 6))
    anew = (
        f"SELECT half_hour, service, counter, procedure, priority, {band}, count(*),"
        f" sum(source = 'silent'), {scores} FROM ratings GROUP BY 1, 2, 3, 4, 5, 6"
    )
    kept = f"SELECT {keys}, {counted} FROM rating_sums"
    found: int = conn.execute(
        f"SELECT count(*) FROM (SELECT * FROM ({anew} EXCEPT {kept})"
        f" UNION ALL SELECT * FROM ({kept} EXCEPT {anew}))"
    ).fetchone()[0]
    return found


def _band(minutes: str) -> str:
    ends = " ".join(f"WHEN {minutes} < {end} THEN {n}" for n, end in enumerate(WAIT_BANDS))
    return f"CASE {ends} ELSE {len(WAIT_BANDS)} END"


def _keep_sums(conn: sqlite3.Connection) -> None:
    place = "NEW.half_hour, NEW.service, NEW.counter, NEW.procedure, NEW.priority, " + _band(
        "NEW.waited"
    )
    keys = ", ".join(_NAMES)
    conn.execute(
        "CREATE TRIGGER ratings_opened AFTER INSERT ON ratings BEGIN"
        f" INSERT INTO rating_sums ({keys}, offers) VALUES ({place}, 1)"
        f" ON CONFLICT ({keys}) DO UPDATE SET offers = offers + 1; END"
    )
    for score in range(1, 6):
        conn.execute(
            f"CREATE TRIGGER ratings_given_{score} AFTER UPDATE OF score ON ratings"
            f" WHEN NEW.score = {score} AND OLD.score IS NULL BEGIN"
            f" INSERT INTO rating_sums ({keys}, s{score}) VALUES ({place}, 1)"
            f" ON CONFLICT ({keys}) DO UPDATE SET s{score} = s{score} + 1,"
            " silent = silent - (OLD.source = 'silent'); END"
        )
    conn.execute(
        "CREATE TRIGGER ratings_silent AFTER UPDATE OF source ON ratings"
        " WHEN NEW.source = 'silent' AND OLD.source = '' BEGIN"
        f" INSERT INTO rating_sums ({keys}, silent) VALUES ({place}, 1)"
        f" ON CONFLICT ({keys}) DO UPDATE SET silent = silent + 1; END"
    )


def project(conn: sqlite3.Connection, event: e.Event, at: int) -> None:
    """Keep the tables in step, in the event's own transaction."""
    if isinstance(event, e.OfferOpened):
        conn.execute(
            "INSERT OR IGNORE INTO ratings (offer, half_hour, service, counter, procedure, survey,"
            " officer, waited, priority, opened_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                event.offer,
                event.half_hour,
                event.service,
                event.counter,
                event.procedure,
                event.survey,
                event.officer,
                event.waited,
                event.priority,
                at,
            ),
        )
    elif isinstance(event, e.RatingGiven):
        conn.execute(
            "UPDATE ratings SET score = ?, reasons = ?, source = ?, answers = ?, shown = ?,"
            " given_at = ?, pressed_at = ? WHERE offer = ? AND score IS NULL",
            (
                event.score,
                ",".join(event.reasons),
                event.source,
                json.dumps(event.answers, sort_keys=True) if event.answers else "",
                event.shown,
                at,
                event.pressed_at or at,
                event.offer,
            ),
        )
    elif isinstance(event, e.RatingSilent):
        conn.execute(
            "UPDATE ratings SET source = 'silent' WHERE offer = ? AND score IS NULL",
            (event.offer,),
        )
    elif isinstance(event, e.TicketCalled):
        conn.execute(
            "UPDATE ratings SET next_at = ? WHERE next_at IS NULL AND offer ="
            " (SELECT offer FROM ratings WHERE counter = ? AND opened_at > ?"
            "  ORDER BY opened_at DESC LIMIT 1)",
            (at, event.counter, at - FOLLOWED_WITHIN),
        )
