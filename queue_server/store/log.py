"""The append-only event log: a hash chain in SQLite, written with answers and outbox in one transaction."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..line import events as e
from ..line.state import State, apply
from . import declared, dossiers, feedback, passing, ratings
from .schema import connect, migrate

TABLES = (dossiers, feedback, passing, ratings, declared)
"""The read tables that each line of the log is projected into."""
SNAPSHOT_EVERY = 20_000
GENESIS = b"\0" * 32

_encode_state = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(State).decode


class LogFull(Exception):
    """The disk took no more (or failed); nothing of the transaction was kept."""


@dataclass(frozen=True)
class Row:
    """A line of the log as it is stored."""

    seq: int
    at: int
    device: str
    account: str
    order: str
    kind: str
    body: bytes
    hash: bytes

    def entry(self) -> e.Entry:
        return e.Entry(
            seq=self.seq,
            at=self.at,
            actor=e.Actor(device=self.device, account=self.account),
            order=self.order,
            event=e.decode_event(self.body),
        )

    def chained(self, before: bytes) -> bytes:
        return chain(
            before, self.seq, self.at, self.device, self.account, self.order, self.kind, self.body
        )


def chain(
    before: bytes, seq: int, at: int, device: str, account: str, order: str, kind: str, body: bytes
) -> bytes:
    """SHA-256 over the hash before and every field of the line, with lengths so that none can shift."""
    head = (
        f"{seq}|{at}|{len(device)}|{device}|{len(account)}|{account}|{len(order)}|{order}|{kind}|"
    )
    return hashlib.sha256(before + head.encode() + body).digest()


class Log:
    """One writer. `append` and its companions are called inside `transaction()`."""

    def __init__(self, path: Path) -> None:
        self.conn = connect(path)
        migrate(self.conn)
        row = self.conn.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        self.seq: int = row[0] if row else 0
        self.head: bytes = row[1] if row else GENESIS

    def close(self) -> None:
        self.conn.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; raises LogFull when the disk refuses, after rolling back."""
        seq, head = self.seq, self.head
        try:
            self.conn.execute("BEGIN IMMEDIATE")
            yield
            self.conn.execute("COMMIT")
        except BaseException as error:
            self.seq, self.head = seq, head
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError):
                raise LogFull(str(error)) from error
            raise

    def append(self, event: e.Event, at: int, actor: e.Actor, order: str) -> e.Entry:
        """The only way in: the line is written, and every read table with it."""
        body = e.encode(event)
        kind = type(event).__name__
        self.seq += 1
        self.head = chain(self.head, self.seq, at, actor.device, actor.account, order, kind, body)
        self.conn.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self.seq, at, actor.device, actor.account, order, kind, body, self.head),
        )
        project(self.conn, event, at)
        return e.Entry(seq=self.seq, at=at, actor=actor, order=order, event=event)

    def answer(self, order: str, at: int, body: bytes) -> None:
        self.conn.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (order, at, body))

    def answered(self, order: str) -> bytes | None:
        row = self.conn.execute("SELECT body FROM answers WHERE order_id = ?", (order,)).fetchone()
        return row[0] if row else None

    def issued(self, order: str) -> bool:
        """Whether this request has ever made a ticket."""
        found = self.conn.execute(
            "SELECT 1 FROM events WHERE kind = 'TicketIssued' AND order_id = ?", (order,)
        ).fetchone()
        return found is not None

    def put_out(self, topic: str, payload: bytes, retained: bool, at: int) -> int:
        cursor = self.conn.execute(
            "INSERT INTO outbox (at, topic, payload, retained) VALUES (?, ?, ?, ?)",
            (at, topic, payload, retained),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def waiting_out(self) -> list[tuple[int, int, str, bytes, bool]]:
        """(id, at, topic, payload, retained) of what was saved and not yet published, oldest first."""
        rows = self.conn.execute(
            "SELECT id, at, topic, payload, retained FROM outbox ORDER BY id"
        ).fetchall()
        return [(i, at, topic, payload, bool(kept)) for i, at, topic, payload, kept in rows]

    def sent(self, ids: list[int]) -> None:
        self.conn.executemany("DELETE FROM outbox WHERE id = ?", [(i,) for i in ids])

    def prune(self, before: int) -> None:
        """Forget answers older than `before` (ms): nobody asks again so late."""
        self.conn.execute("DELETE FROM answers WHERE at < ?", (before,))

    def snapshot(self, state: State) -> None:
        """Save the fold at the present head; keeps the last two."""
        self.conn.execute(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?)",
            (self.seq, state.at, _encode_state(state), self.head),
        )
        self.conn.execute(
            "DELETE FROM snapshots WHERE seq NOT IN"
            " (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT 2)"
        )

    def load(self) -> State:
        return load(self.conn)[0]


def project(conn: sqlite3.Connection, event: e.Event, at: int) -> None:
    """Keep all read tables in step, in the event's own transaction."""
    for table in TABLES:
        table.project(conn, event, at)


def load(conn: sqlite3.Connection, upto: int | None = None) -> tuple[State, int]:
    """The state and the seq it stands at: the newest fitting snapshot and the events after it.

    A snapshot that cannot be read (an older program's) is passed over.
    """
    limit = upto if upto is not None else 1 << 62
    state, since = State(), 0
    for seq, body in conn.execute(
        "SELECT seq, body FROM snapshots WHERE seq <= ? ORDER BY seq DESC", (limit,)
    ):
        try:
            state, since = _decode_state(body), seq
            break
        except msgspec.DecodeError:
            continue
    for row in rows(conn, since, limit):
        entry = row.entry()
        apply(state, entry.event, entry.at, entry.actor)
        since = entry.seq
    return state, since


def since_day(conn: sqlite3.Connection, days: int) -> Iterator[Row]:
    """The lines from the beginning of the `days`-th last day on (the running one is the last)."""
    found = conn.execute(
        "SELECT seq FROM events WHERE kind = 'DayStarted' ORDER BY seq DESC LIMIT 1 OFFSET ?",
        (max(0, days - 1),),
    ).fetchone()
    return rows(conn, found[0] - 1 if found else 0)


def rows(conn: sqlite3.Connection, after: int = 0, upto: int = 1 << 62) -> Iterator[Row]:
    """The lines of the log with after < seq <= upto, in order."""
    cursor = conn.execute(
        "SELECT seq, at, device, account, order_id, kind, body, hash FROM events"
        " WHERE seq > ? AND seq <= ? ORDER BY seq",
        (after, upto),
    )
    while chunk := cursor.fetchmany(2000):
        for values in chunk:
            yield Row(*values)
