"""The tables of `centre.db`, as small ordered steps; a step that has been released is never edited."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database

from ..line.events import decode_event
from . import ratings


class CannotOpen(Exception):
    """The data folder or its database cannot be used; the text says which and why."""


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """An autocommit connection with WAL and synchronous=FULL; raises CannotOpen."""
    mode = "ro" if read_only else "rwc"
    try:
        conn = sqlite3.connect(
            f"file:{path}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=10.0,
            check_same_thread=False,
        )
        if not read_only:
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute("PRAGMA synchronous=FULL")
            conn.execute("PRAGMA secure_delete=ON")
        conn.execute("PRAGMA foreign_keys=ON")
        conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise CannotOpen(f"{path}: {error}") from error
    return conn


def migrate(conn: sqlite3.Connection) -> int:
    """Bring the schema up to date; returns the version. Each step is one transaction."""
    version: int = conn.execute("PRAGMA user_version").fetchone()[0]
    for number, step in enumerate(STEPS[version:], version + 1):
        conn.execute("BEGIN IMMEDIATE")
        try:
            step(Database(conn, recursive_triggers=False))
            conn.execute(f"PRAGMA user_version={number}")
            conn.execute("COMMIT")
        except BaseException:
            conn.execute("ROLLBACK")
            raise
    return len(STEPS)


def _log(db: Database) -> None:
    db.conn.execute(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, device TEXT NOT NULL,"
        " account TEXT NOT NULL, order_id TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,"
        " hash BLOB NOT NULL)"
    )
    db.conn.execute("CREATE INDEX events_kind ON events(kind, seq)")
    db.conn.execute(
        "CREATE TABLE answers (order_id TEXT PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL)"
        " WITHOUT ROWID"
    )
    db.conn.execute(
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
        " topic TEXT NOT NULL, payload BLOB NOT NULL, retained INTEGER NOT NULL)"
    )
    db.conn.execute(
        "CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL,"
        " hash BLOB NOT NULL)"
    )
    db.conn.execute(
        "CREATE TABLE heads (day TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL,"
        " signature BLOB NOT NULL)"
    )
    db.conn.execute("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)")


def _vault(db: Database) -> None:
    db.conn.execute(
        "CREATE TABLE vault_keys (visit TEXT PRIMARY KEY, wrapped BLOB NOT NULL,"
        " purge_at INTEGER NOT NULL, door TEXT NOT NULL DEFAULT '')"
    )
    db.conn.execute("CREATE INDEX vault_keys_door ON vault_keys(door)")
    db.conn.execute(
        "CREATE TABLE vault_items (ref TEXT PRIMARY KEY, visit TEXT NOT NULL, kind TEXT NOT NULL,"
        " sealed BLOB NOT NULL)"
    )
    db.conn.execute("CREATE INDEX vault_items_visit ON vault_items(visit, kind)")
    db.conn.execute("CREATE TABLE vault_purged (visit TEXT PRIMARY KEY, at INTEGER NOT NULL)")


def _ratings(db: Database) -> None:
    db.conn.execute(
        "CREATE TABLE ratings (offer TEXT PRIMARY KEY, half_hour TEXT NOT NULL,"
        " service TEXT NOT NULL, counter INTEGER NOT NULL, procedure TEXT NOT NULL,"
        " score INTEGER, reasons TEXT NOT NULL DEFAULT '', source TEXT NOT NULL DEFAULT '')"
    )
    db.conn.execute("CREATE INDEX ratings_when ON ratings(half_hour)")


def _people(db: Database) -> None:
    db.conn.execute(
        "CREATE TABLE accounts (account TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL,"
        " password TEXT NOT NULL, must_change INTEGER NOT NULL, disabled INTEGER NOT NULL DEFAULT 0,"
        " made_at INTEGER NOT NULL)"
    )


def _dossiers(db: Database) -> None:
    db.conn.execute(
        "CREATE TABLE dossiers (dossier TEXT PRIMARY KEY, code TEXT NOT NULL, provisional TEXT NOT NULL,"
        " procedure TEXT NOT NULL, service TEXT NOT NULL, status TEXT NOT NULL,"
        " received_at INTEGER NOT NULL, filed_at INTEGER NOT NULL, moved_at INTEGER NOT NULL,"
        " due_at INTEGER, place INTEGER NOT NULL, prepared INTEGER NOT NULL, sample INTEGER NOT NULL,"
        " form TEXT NOT NULL, form_version TEXT NOT NULL, papers INTEGER NOT NULL,"
        " reused INTEGER NOT NULL, supplements INTEGER NOT NULL, sealed TEXT NOT NULL,"
        " source TEXT NOT NULL)"
    )
    db.conn.execute("CREATE INDEX dossiers_code ON dossiers(code)")
    db.conn.execute("CREATE INDEX dossiers_provisional ON dossiers(provisional)")
    db.conn.execute("CREATE INDEX dossiers_status ON dossiers(status, received_at)")
    db.conn.execute(
        "CREATE TABLE papers (paper TEXT PRIMARY KEY, dossier TEXT NOT NULL, n INTEGER NOT NULL,"
        " owner BLOB NOT NULL, owner_check BLOB NOT NULL, type TEXT NOT NULL,"
        " revision INTEGER NOT NULL, kind TEXT NOT NULL, pages INTEGER NOT NULL, sha TEXT NOT NULL,"
        " kept INTEGER NOT NULL, filed_at INTEGER NOT NULL)"
    )
    db.conn.execute("CREATE INDEX papers_owner ON papers(owner, type)")
    db.conn.execute("CREATE INDEX papers_dossier ON papers(dossier)")


def _passing_and_feedback(db: Database) -> None:
    db.conn.execute(
        "CREATE TABLE passing (dossier TEXT PRIMARY KEY, passed TEXT NOT NULL, round INTEGER NOT NULL,"
        " tries INTEGER NOT NULL, cause TEXT NOT NULL, code TEXT NOT NULL, due_at INTEGER,"
        " sealed TEXT NOT NULL, at INTEGER NOT NULL)"
    )
    db.conn.execute("CREATE INDEX passing_passed ON passing(passed, at)")
    db.conn.execute(
        "CREATE TABLE feedback (feedback TEXT PRIMARY KEY, number TEXT NOT NULL, kind TEXT NOT NULL,"
        " status TEXT NOT NULL, procedure TEXT NOT NULL, service TEXT NOT NULL, counter INTEGER,"
        " language TEXT NOT NULL, received_at INTEGER NOT NULL, refuse_by INTEGER NOT NULL,"
        " ask_by INTEGER NOT NULL, answer_by INTEGER NOT NULL, publish_by INTEGER,"
        " answered_at INTEGER, moved_at INTEGER NOT NULL, sorted INTEGER NOT NULL,"
        " late INTEGER NOT NULL, token TEXT NOT NULL, sealed TEXT NOT NULL, source TEXT NOT NULL,"
        " provisional TEXT NOT NULL)"
    )
    db.conn.execute("CREATE INDEX feedback_token ON feedback(token)")
    db.conn.execute("CREATE INDEX feedback_status ON feedback(status, received_at)")


def _tickets_by_request(db: Database) -> None:
    """Whether a request of a day gone by ever made a ticket is asked at each late hand-over."""
    db.conn.execute("CREATE INDEX events_tickets ON events(order_id) WHERE kind = 'TicketIssued'")


def _ratings_in_full(db: Database) -> None:
    """What is read of ratings needs more of each, which the log has always had: read from it anew."""
    db.conn.execute("DROP TABLE ratings")
    ratings.create(db.conn)
    for at, body in db.conn.execute(
        "SELECT at, body FROM events WHERE kind IN"
        " ('OfferOpened', 'RatingGiven', 'RatingSilent', 'StepUndone', 'TicketCalled') ORDER BY seq"
    ):
        ratings.project(db.conn, decode_event(body), at)


def _complaints(db: Database) -> None:
    """Whether a piece of feedback was found right, and which dossier it is about."""
    db.conn.execute("ALTER TABLE feedback ADD COLUMN right INTEGER NOT NULL DEFAULT 0")
    db.conn.execute("ALTER TABLE feedback ADD COLUMN dossier TEXT NOT NULL DEFAULT ''")
    db.conn.execute("CREATE INDEX feedback_dossier ON feedback(dossier) WHERE dossier != ''")


def _online_months(db: Database) -> None:
    db.conn.execute(
        "CREATE TABLE online_months (month TEXT PRIMARY KEY, dossiers INTEGER NOT NULL,"
        " online INTEGER NOT NULL, late INTEGER NOT NULL)"
    )


STEPS: list[Callable[[Database], None]] = [
    _log,
    _vault,
    _ratings,
    _people,
    _dossiers,
    _passing_and_feedback,
    _tickets_by_request,
    _ratings_in_full,
    _complaints,
    _online_months,
]
