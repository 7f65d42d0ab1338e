"""The tables of `centre.db`, as small ordered steps; a step that has been released is never edited."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database


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


STEPS: list[Callable[[Database], None]] = [_log, _vault, _ratings, _people]
