"""The read tables of ratings: one line for each offer, in step with the log, and what they add up to.

`ratings` is read by rules that look at single answers, and shown to nobody line by line. `rating_sums` holds the
same counted a day by each thing that may drive satisfaction (LEVELS), so that five million answers are quickly
told; the database keeps it in step by triggers.
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

LEVELS = {
    "": ("''", "''"),
    "service": ("{}service", "''"),
    "counter": ("CAST({}counter AS TEXT)", "''"),
    "hour": ("substr({}half_hour, 12, 2)", "''"),
    "procedure": ("{}procedure", "{}service"),
    "group": ("{}priority", "''"),
    "wait": (
        "CASE "
        + " ".join(f"WHEN {{0}}waited < {end} THEN '{n}'" for n, end in enumerate(WAIT_BANDS))
        + f" ELSE '{len(WAIT_BANDS)}' END",
        "''",
    ),
}
"""What sums are kept by: the level and within what it lies, as SQL over a row of `ratings` (`{}`: its name)."""

_KEYS = "day, by, level, within"
_COUNTED = ("offers", "silent", "s1", "s2", "s3", "s4", "s5")


def levels(by: str, row: str = "") -> tuple[str, str]:
    level, within = LEVELS[by]
    return level.format(row), within.format(row)


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
        "CREATE TABLE rating_sums (day TEXT NOT NULL, by TEXT NOT NULL, level TEXT NOT NULL,"
        f" within TEXT NOT NULL, {', '.join(f'{x} INTEGER NOT NULL DEFAULT 0' for x in _COUNTED)},"
        " PRIMARY KEY (by, day, level, within)) WITHOUT ROWID"
    )
    _keep_sums(conn)


def _keep_sums(conn: sqlite3.Connection) -> None:
    """The database's own triggers: each offer, answer and silence counts in a line of every driver."""
    opened, silent = _added("offers"), _added("silent")
    conn.execute(f"CREATE TRIGGER ratings_opened AFTER INSERT ON ratings BEGIN {opened} END")
    unsilenced = "silent = silent - (OLD.source = 'silent')"
    for score in range(1, 6):
        given = _added(f"s{score}", unsilenced)
        conn.execute(
            f"CREATE TRIGGER ratings_given_{score} AFTER UPDATE OF score ON ratings"
            f" WHEN NEW.score = {score} AND OLD.score IS NULL BEGIN {given} END"
        )
    conn.execute(
        "CREATE TRIGGER ratings_silent AFTER UPDATE OF source ON ratings"
        f" WHEN NEW.source = 'silent' AND OLD.source = '' BEGIN {silent} END"
    )
    conn.execute(
        "CREATE TRIGGER ratings_undone AFTER DELETE ON ratings"
        f" WHEN OLD.score IS NULL BEGIN {_taken_back()} END"
    )


def _added(counted: str, also: str = "") -> str:
    """One more of `counted` in the line of each driver."""
    more = f", {also}" if also else ""
    return " ".join(
        f"INSERT INTO rating_sums ({_KEYS}, {counted}) VALUES"
        f" (substr(NEW.half_hour, 1, 10), '{by}', {level}, {within}, 1)"
        f" ON CONFLICT (by, day, level, within) DO UPDATE SET {counted} = {counted} + 1{more};"
        for by in LEVELS
        for level, within in (levels(by, "NEW."),)
    )


def _taken_back() -> str:
    """An offer that is undone counts no longer, and no line stays that counts nothing."""
    return " ".join(
        f"UPDATE rating_sums SET offers = offers - 1, silent = silent - (OLD.source = 'silent') {line};"
        f" DELETE FROM rating_sums {line} AND offers = 0;"
        for by in LEVELS
        for level, within in (levels(by, "OLD."),)
        for line in (
            f"WHERE by = '{by}' AND day = substr(OLD.half_hour, 1, 10)"
            f" AND level = {level} AND within = {within}",
        )
    )


def fill_sums(conn: sqlite3.Connection) -> None:
    """All sums anew from the ratings, for a table that was filled without them."""
    conn.execute("DELETE FROM rating_sums")
    conn.execute(f"INSERT INTO rating_sums ({_KEYS}, {', '.join(_COUNTED)}) {_anew()}")


def wrong_sums(conn: sqlite3.Connection) -> int:
    """How many lines of the sums are not what the ratings add up to."""
    kept = f"SELECT {_KEYS}, {', '.join(_COUNTED)} FROM rating_sums"
    found: int = conn.execute(
        f"SELECT count(*) FROM (SELECT * FROM ({_anew()} EXCEPT {kept})"
        f" UNION ALL SELECT * FROM ({kept} EXCEPT SELECT * FROM ({_anew()})))"
    ).fetchone()[0]
    return found


def _anew() -> str:
    scores = ", ".join(f"coalesce(sum(score = {score}), 0)" for score in range(1, 6))
    return " UNION ALL ".join(
        f"SELECT substr(half_hour, 1, 10), '{by}', {level}, {within}, count(*),"
        f" sum(source = 'silent'), {scores} FROM ratings GROUP BY 1, 3, 4"
        for by in LEVELS
        for level, within in (levels(by),)
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
    elif isinstance(event, e.StepUndone) and event.offer:
        conn.execute("DELETE FROM ratings WHERE offer = ? AND score IS NULL", (event.offer,))
    elif isinstance(event, e.TicketCalled):
        conn.execute(
            "UPDATE ratings SET next_at = ? WHERE next_at IS NULL AND offer ="
            " (SELECT offer FROM ratings WHERE counter = ? AND opened_at > ?"
            "  ORDER BY opened_at DESC LIMIT 1)",
            (at, event.counter, at - FOLLOWED_WITHIN),
        )
