"""Numbers leased to this kiosk, and those that it gave while cut off: a file that outlives a power cut.

A number is *burnt* when it is taken out of the lease, *told* just before it stands on the screen, and
*handed* when the server has it. Each step is on the disk when its call returns: a burnt number is never
given again, and only a told one is handed over.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import structs

from queue_server.wire import messages as m
from queue_server.wire.centre_time import Anchor, Moment
from queue_server.wire.words import ticket_id

log = structlog.get_logger()

KEEP_DAYS = 30
_FIRST = (
    "CREATE TABLE number (place INTEGER PRIMARY KEY AUTOINCREMENT, day TEXT NOT NULL,"
    " service TEXT NOT NULL, number TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('free', 'burnt', 'void')), UNIQUE (day, number))",
    "CREATE TABLE given (seq INTEGER PRIMARY KEY AUTOINCREMENT, ask TEXT NOT NULL UNIQUE,"
    " ticket TEXT NOT NULL, message TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('burnt', 'told', 'handed', 'refused', 'skipped')),"
    " moment TEXT, printed TEXT NOT NULL DEFAULT '', epoch INTEGER NOT NULL DEFAULT 0)",
    "CREATE INDEX given_by_state ON given (state, seq)",
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
STEPS = (_FIRST,)
"""Schema steps in order; one that has been released is never edited."""


@dataclass(frozen=True)
class Given:
    """A number that a visitor has been told; `message` still lacks `issued_at` and `printed`."""

    message: m.HandOver
    moment: Moment
    printed: str


class Leases:
    """One SQLite file of mode 600, on the disk with every commit. Any thread may call.

    Methods raise `sqlite3.Error` when the disk fails; nothing has changed then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._conn: sqlite3.Connection | None = None

    # --- life ---

    def start(self) -> None:
        """Open the file, if it is not open. What was burnt and not told at a power cut is skipped for good."""
        if self._conn is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        self._path.chmod(0o600)
        conn = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._conn = conn
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")
        with self._writing():
            (version,) = conn.execute("PRAGMA user_version").fetchone()
            for number, step in enumerate(STEPS[version:], version + 1):
                for sql in step:
                    conn.execute(sql)
                conn.execute(f"PRAGMA user_version = {number}")
            conn.execute("UPDATE given SET state = 'skipped' WHERE state = 'burnt'")

    def stop(self) -> None:
        with self._lock:
            conn, self._conn = self._conn, None
            if conn is not None:
                conn.close()

    # --- the lease ---

    def add(self, leased: m.Leased) -> None:
        """Fresh numbers. Those of other days, and void ones, are given no more."""
        with self._writing() as conn:
            conn.execute("DELETE FROM number WHERE day != ?", (leased.day,))
            for service, numbers in leased.numbers.items():
                conn.executemany(
                    "INSERT OR IGNORE INTO number (day, service, number, state)"
                    " VALUES (?, ?, ?, 'free')",
                    [(leased.day, service, number) for number in numbers],
                )
            conn.executemany(
                "UPDATE number SET state = 'void' WHERE state = 'free' AND day = ? AND number = ?",
                [(leased.day, number) for number in leased.void],
            )
            conn.execute(
                "DELETE FROM given WHERE state NOT IN ('burnt', 'told') AND seq <"
                " (SELECT max(seq) FROM given) - ?",
                (KEEP_DAYS * 200,),
            )

    def left(self, day: str) -> dict[str, int]:
        """How many numbers of each service can be given on `day`."""
        return dict(
            self._rows(
                "SELECT service, sum(state = 'free') FROM number WHERE day = ? GROUP BY service",
                day,
            )
        )

    def held(self, day: str) -> dict[str, tuple[str, ...]]:
        """All numbers of the lease of `day`, given or not."""
        found: dict[str, tuple[str, ...]] = {}
        for service, number in self._rows(
            "SELECT service, number FROM number WHERE day = ? AND state != 'void' ORDER BY place",
            day,
        ):
            found[service] = (*found.get(service, ()), number)
        return found

    def burn(self, day: str, wanted: m.HandOver) -> m.HandOver | None:
        """The next number of its service put into `wanted`; given to nobody else from now on. None: none is left."""
        with self._writing() as conn:
            row = conn.execute(
                "SELECT place, number FROM number WHERE day = ? AND service = ? AND state = 'free'"
                " ORDER BY place LIMIT 1",
                (day, wanted.service),
            ).fetchone()
            if row is None:
                return None
            message = structs.replace(wanted, number=row[1], day=day)
            conn.execute("UPDATE number SET state = 'burnt' WHERE place = ?", (row[0],))
            conn.execute(
                "INSERT INTO given (ask, ticket, message, state) VALUES (?, ?, ?, 'burnt')",
                (message.id, ticket_id(day, message.number), _text(message)),
            )
        return message

    # --- what was given ---

    def tell(self, ask: str, moment: Moment) -> None:
        """The visitor sees it from now on."""
        with self._writing() as conn:
            changed = conn.execute(
                "UPDATE given SET state = 'told', moment = ? WHERE ask = ? AND state = 'burnt'",
                (_text(moment), ask),
            )
            if changed.rowcount != 1:
                raise sqlite3.IntegrityError(f"{ask} was not burnt")

    def note_print(self, ticket: str, outcome: str) -> bool:
        """How its paper came out; False if the ticket is none of those that still are to be handed over."""
        with self._writing() as conn:
            changed = conn.execute(
                "UPDATE given SET printed = ? WHERE ticket = ? AND state = 'told'",
                (outcome, ticket),
            )
            return changed.rowcount == 1

    def pending(self, epoch: int, day: str) -> list[Given]:
        """What the server has not got, in the order in which it was given.

        A server restored from a backup may have lost what it had got today: that is handed over again.
        """
        rows = self._rows(
            "SELECT message, moment, printed FROM given WHERE state = 'told' OR"
            " (state = 'handed' AND epoch < ? AND json_extract(message, '$.day') = ?)"
            " ORDER BY seq",
            epoch,
            day,
        )
        return [
            Given(
                msgspec.json.decode(message, type=m.HandOver),
                msgspec.json.decode(moment, type=Moment),
                printed,
            )
            for message, moment, printed in rows
        ]

    def close(self, ask: str, epoch: int, state: str = "handed") -> str:
        """The server has it (`handed`), or would not have it (`refused`); how its paper came out."""
        with self._writing() as conn:
            conn.execute("UPDATE given SET state = ?, epoch = ? WHERE ask = ?", (state, epoch, ask))
        return str(self._rows("SELECT printed FROM given WHERE ask = ?", ask)[0][0])

    def waiting(self) -> int:
        """How many numbers are still to be handed over."""
        return int(self._rows("SELECT count(*) FROM given WHERE state = 'told'")[0][0])

    # --- what it must know without a server ---

    def keep(self, name: str, value: Any) -> None:
        """A fact for the next start without a server, as JSON."""
        with self._writing() as conn:
            conn.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, _text(value)))

    def kept(self, name: str, kind: Any) -> Any:
        """None where it is not there, or an older program's."""
        rows = self._rows("SELECT value FROM fact WHERE name = ?", name)
        try:
            return msgspec.json.decode(rows[0][0], type=kind) if rows else None
        except msgspec.DecodeError:
            return None

    def anchor(self) -> Anchor | None:
        found: Anchor | None = self.kept("anchor", Anchor)
        return found

    def last_told(self) -> int:
        """The latest time (ms) that a visitor was told; 0 if none."""
        rows = self._rows("SELECT max(json_extract(moment, '$.told')) FROM given")
        return int(rows[0][0] or 0)

    # --- below ---

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            conn = self._open()
            conn.execute("BEGIN IMMEDIATE")
            try:
                yield conn
                conn.execute("COMMIT")
            except BaseException:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                raise

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._open().execute(sql, values).fetchall()

    def _open(self) -> sqlite3.Connection:
        if self._conn is None:
            raise sqlite3.ProgrammingError("the leases are not open")
        return self._conn


def _text(value: Any) -> str:
    """JSON as text: SQLite reads no JSON in a blob."""
    return msgspec.json.encode(value).decode()


def open_leases(path: Path) -> Leases:
    """Started; a file that is no database is laid aside, since a kiosk must serve in any case."""
    leases = Leases(path)
    try:
        leases.start()
    except sqlite3.DatabaseError as error:
        leases.stop()
        if isinstance(error, sqlite3.OperationalError) or not path.exists():
            raise
        log.error("leases_broken", error=str(error))
        for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            if name.exists():
                name.replace(name.with_name(f"{name.name}.broken"))
        leases.start()
    return leases
