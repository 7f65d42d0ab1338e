"""The bridge's own memory: presses that the server has not confirmed yet, and counts that never go back.

SQLite in WAL mode with synchronous=FULL: what `keep` has returned from survives a power cut, and only
then is a press acknowledged to its terminal.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .clock import Moment
from .frames import HIGHEST_COUNT

_STEPS = (
    """
    CREATE TABLE press (
        id INTEGER PRIMARY KEY,
        ask TEXT NOT NULL UNIQUE,
        terminal TEXT NOT NULL,
        key_id TEXT NOT NULL,
        count INTEGER NOT NULL,
        counter INTEGER NOT NULL,
        score INTEGER NOT NULL,
        wall_ms INTEGER NOT NULL,
        boot_ms INTEGER NOT NULL,
        boot TEXT NOT NULL,
        state TEXT NOT NULL,
        refusal TEXT NOT NULL DEFAULT '',
        ended_ms INTEGER NOT NULL DEFAULT 0,
        UNIQUE (terminal, key_id, count)
    ) STRICT;
    CREATE INDEX press_by_state ON press (state, id);
    CREATE TABLE terminal (
        name TEXT NOT NULL,
        key_id TEXT NOT NULL,
        highest INTEGER NOT NULL DEFAULT 0,
        spoken INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (name, key_id)
    ) STRICT;
    """,
    "ALTER TABLE press ADD COLUMN key TEXT NOT NULL DEFAULT '';",
)


class StoreFailed(Exception):
    """The disk would not take it (full, read-only, broken): nothing was kept."""


class CountsUsedUp(Exception):
    """All counts under this key have been used; the terminal must be enrolled again with a new key."""


class Kept(StrEnum):
    NEW = "new"
    REPEATED = "repeated"
    """The terminal's last press once more: it has missed the acknowledgement."""
    REPLAYED = "replayed"
    """A count that lies behind the highest: not from the terminal as it is now."""


class State(StrEnum):
    WAITING = "waiting"
    ANSWERED = "answered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class KeptPress:
    """A press as it is stored. `ask` is the id under which the server hears of it, every time.

    `score` of a face, or `key` of a keypad (then `score` is 0).
    """

    terminal: str
    key_id: str
    count: int
    counter: int
    score: int
    pressed: Moment
    ask: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many presses are in which state (those ended are forgotten after the settings' days)."""

    waiting: int
    answered: int
    refused: int


class PressStore:
    """One SQLite file; safe to call from several threads. All methods raise StoreFailed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA busy_timeout = 2000")
        except sqlite3.Error as error:
            raise StoreFailed(str(error)) from error
        self._migrate()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def keep(self, press: KeptPress, refusal: str = "") -> Kept:
        """Keep a press for good and raise its terminal's highest count, in one transaction.

        With a `refusal` it is kept as already refused: recorded and counted, never forwarded.
        """
        with self._writing() as db:
            highest = self._highest(db, press.terminal, press.key_id)
            if press.count <= highest:
                return Kept.REPEATED if press.count == highest > 0 else Kept.REPLAYED
            self._insert(db, press, refusal)
            db.execute(
                "UPDATE terminal SET highest = ? WHERE name = ? AND key_id = ?",
                (press.count, press.terminal, press.key_id),
            )
        return Kept.NEW

    def highest(self, terminal: str, key_id: str) -> int:
        """The highest count of a press that this terminal has sent under this key; 0 at first."""
        with self._writing() as db:
            return self._highest(db, terminal, key_id)

    def reserve_counts(self, terminal: str, key_id: str, how_many: int) -> range:
        """Counts for frames to a terminal, never given before. Raises CountsUsedUp."""
        with self._writing() as db:
            self._highest(db, terminal, key_id)
            (spoken,) = db.execute(
                "UPDATE terminal SET spoken = spoken + ? WHERE name = ? AND key_id = ? RETURNING spoken",
                (how_many, terminal, key_id),
            ).fetchone()
            if spoken > HIGHEST_COUNT:
                raise CountsUsedUp(terminal)
        return range(spoken - how_many + 1, spoken + 1)

    def waiting(self, limit: int) -> list[KeptPress]:
        """The oldest presses that the server has not answered yet, oldest first."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT terminal, key_id, count, counter, score, wall_ms, boot_ms, boot, ask,"
                " key FROM press WHERE state = ? ORDER BY id LIMIT ?",
                (State.WAITING, limit),
            ).fetchall()
        return [_kept_press(*row) for row in rows]

    def end(self, ask: str, at_ms: int, refusal: str = "") -> None:
        """The server has answered: the press counts, or was refused for the reason that `refusal` names."""
        state = State.REFUSED if refusal else State.ANSWERED
        with self._writing() as db:
            db.execute(
                "UPDATE press SET state = ?, refusal = ?, ended_ms = ? WHERE ask = ? AND state = ?",
                (state, refusal, at_ms, ask, State.WAITING),
            )

    def refusals(self) -> dict[str, int]:
        """How many kept presses were refused, by reason."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT refusal, count(*) FROM press WHERE state = ? GROUP BY refusal",
                (State.REFUSED,),
            )
            return dict(rows.fetchall())

    def tally(self) -> Tally:
        with self._reading() as db:
            rows = dict(db.execute("SELECT state, count(*) FROM press GROUP BY state").fetchall())
        return Tally(*(rows.get(state, 0) for state in State))

    def forget_ended(self, before_ms: int) -> int:
        """Delete presses that ended before then; returns how many. Waiting ones and counts stay."""
        with self._writing() as db:
            done = db.execute(
                "DELETE FROM press WHERE state != ? AND ended_ms < ?", (State.WAITING, before_ms)
            )
            return done.rowcount

    # --- below ---

    def _insert(self, db: sqlite3.Connection, press: KeptPress, refusal: str) -> None:
        pressed, ended_ms = press.pressed, press.pressed.wall_ms if refusal else 0
        db.execute(
            "INSERT INTO press (ask, terminal, key_id, count, counter, score, wall_ms, boot_ms, boot,"
            " state, refusal, ended_ms, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                press.ask or uuid.uuid4().hex,
                press.terminal,
                press.key_id,
                press.count,
                press.counter,
                press.score,
                pressed.wall_ms,
                pressed.boot_ms,
                pressed.boot,
                State.REFUSED if refusal else State.WAITING,
                refusal,
                ended_ms,
                press.key,
            ),
        )

    def _highest(self, db: sqlite3.Connection, terminal: str, key_id: str) -> int:
        db.execute(
            "INSERT OR IGNORE INTO terminal (name, key_id) VALUES (?, ?)", (terminal, key_id)
        )
        (highest,) = db.execute(
            "SELECT highest FROM terminal WHERE name = ? AND key_id = ?", (terminal, key_id)
        ).fetchone()
        return int(highest)

    def _migrate(self) -> None:
        with self._reading() as db:
            (done,) = db.execute("PRAGMA user_version").fetchone()
            for number, step in enumerate(_STEPS[done:], done + 1):
                db.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise StoreFailed(str(error)) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; it is on the disk when the block has ended."""
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise


def _kept_press(
    terminal: str,
    key_id: str,
    count: int,
    counter: int,
    score: int,
    wall_ms: int,
    boot_ms: int,
    boot: str,
    ask: str,
    key: str,
) -> KeptPress:
    pressed = Moment(wall_ms, boot_ms, boot)
    return KeptPress(terminal, key_id, count, counter, score, pressed, ask, key)
