"""Answers on their way to the server: a file that outlives a power cut between press and reply.

Each answer has its ask id from the first press on, so that sending it twice counts once. What is
kept: an answer until the server has confirmed or refused it; then its offer and outcome only, for a
week; never more than 20,000 rows, of which closed ones go first, then the oldest, which are counted.

Each row is signed under a key beside the file, made at the first start. A row that another hand has changed or moved,
or that a bad flash has spoilt, is not sent: it is closed as `altered` and counted in the device's health.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog
from sqlite_utils import Database

from queue_server.wire.centre_time import Anchor, Moment
from queue_server.wire.files import write_whole
from queue_server.wire.link import new_id
from queue_server.wire.messages import Rate, StaySilent
from queue_server.wire.words import DAY

from .journey import Rating

log = structlog.get_logger()

COUNTED = "counted"
"""The outcome of an answer that the server accepted; any other is the code of its refusal, or ALTERED."""
ALTERED = "altered"
"""The outcome of an answer whose row does not bear this tablet's signature."""
KEY_BYTES = 32
SIGNED = "seq, id, offer, verb, message, moment"
"""What a row's signature stands for."""

Answer = Rate | StaySilent
_KINDS: dict[str, Any] = {"rate": Rate, "stay_silent": StaySilent}


@dataclass(frozen=True)
class Pending:
    """An answer to be sent: `verb` and `message` as they go on the wire."""

    verb: str
    message: Answer
    moment: Moment | None = None
    """When it was pressed, to be put right by what is known of the server's clock now."""


def _first(db: Database) -> None:
    db.execute(
        "CREATE TABLE answer ("
        " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
        " id TEXT NOT NULL UNIQUE, offer TEXT NOT NULL UNIQUE,"
        " verb TEXT NOT NULL, message BLOB, outcome TEXT, at INTEGER NOT NULL,"
        " state TEXT NOT NULL CHECK (state IN ('draft', 'ready', 'closed')))"
    )
    db.execute("CREATE INDEX answer_by_state ON answer (state, seq)")


def _tallies(db: Database) -> None:
    db.execute("CREATE TABLE tally (name TEXT PRIMARY KEY, count INTEGER NOT NULL)")


def _moments(db: Database) -> None:
    db.execute("ALTER TABLE answer ADD COLUMN moment BLOB")
    db.execute("CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), anchor BLOB NOT NULL)")


def _signatures(db: Database) -> None:
    """Rows of before are signed as they stand, by `start`."""
    db.execute("ALTER TABLE answer ADD COLUMN signature BLOB")


STEPS = (_first, _tallies, _moments, _signatures)
"""Schema steps in order; one that has been released is never edited."""


class AnswerStore:
    """One SQLite file, written with every commit on the disk (WAL, synchronous=FULL).

    Methods may be called from any thread; each raises `sqlite3.Error` when the disk fails.
    """

    def __init__(self, path: Path, keep_days: float = 7.0, keep_answers: int = 20_000) -> None:
        self._path = path
        self._keep_ms = int(keep_days * DAY)
        self._keep_answers = keep_answers
        self._lock = threading.RLock()
        self._db: Database | None = None
        self._key = b""

    # --- life ---

    def start(self) -> None:
        """Open the file; what a power cut left unfinished is now ready to be sent as it stands."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._key = _own_key(self._path.with_suffix(".key"))
        connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._db = Database(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        self._path.chmod(0o600)
        self._migrate()
        with self._writing() as db:
            db.execute("UPDATE answer SET state = 'ready' WHERE state = 'draft'")

    def stop(self) -> None:
        with self._lock:
            db, self._db = self._db, None
            if db is not None:
                db.close()

    # --- what the journey orders ---

    def keep_rating(self, rating: Rating, at: int, boot: str = "") -> None:
        """Save a rating that may still be changed; `at` ms UTC; `boot` names the machine's start."""
        self._save("rate", wire_rating(rating), "draft", at, _moment(rating, boot))

    def hand_in_rating(self, rating: Rating, at: int, boot: str = "") -> None:
        self._save("rate", wire_rating(rating), "ready", at, _moment(rating, boot))

    def hand_in_silence(self, offer: str, at: int) -> None:
        self._save("stay_silent", silence_of(offer), "ready", at)

    # --- what the post does ---

    def next(self) -> Pending | None:
        """The oldest answer that the server has not confirmed."""
        return next(iter(self.oldest(1)), None)

    def oldest(self, most: int) -> list[Pending]:
        """Up to `most` answers that the server has not confirmed, the oldest first; altered ones are closed."""
        while True:
            rows = self._rows(
                f"SELECT {SIGNED}, signature FROM answer WHERE state = 'ready' ORDER BY seq LIMIT ?",
                (most,),
            )
            altered = [row for row in rows if not self._is_genuine(row)]
            if not altered:
                return [_pending(verb, message, moment) for *_, verb, message, moment, _ in rows]
            self._close_altered([row[0] for row in altered])

    def close(self, ask_id: str, outcome: str, at: int) -> None:
        self.close_all([(ask_id, outcome)], at)

    def close_all(self, outcomes: Sequence[tuple[str, str]], at: int) -> None:
        """The server has spoken on these ask ids: keep offer and outcome, forget what was said, and
        what is old. One commit for all: on a tablet's flash each takes its time."""
        with self._writing() as db:
            for ask_id, outcome in outcomes:
                db.execute(
                    "UPDATE answer SET state = 'closed', outcome = ?, message = NULL, moment = NULL, at = ?"
                    " WHERE id = ?",
                    (outcome, at, ask_id),
                )
            db.execute(
                "DELETE FROM answer WHERE state = 'closed' AND at < ?", (at - self._keep_ms,)
            )

    # --- the server's clock ---

    def keep_anchor(self, anchor: Anchor) -> None:
        """How the server's clock stood when it was last heard."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (msgspec.json.encode(anchor),))

    def anchor(self) -> Anchor | None:
        row = self._row("SELECT anchor FROM clock")
        return msgspec.json.decode(row[0], type=Anchor) if row else None

    # --- what can be asked ---

    def answered(self, last: int = 64) -> tuple[str, ...]:
        """The newest offers that have an answer here, oldest first."""
        rows = self._rows("SELECT offer FROM answer ORDER BY seq DESC LIMIT ?", (last,))
        return tuple(row[0] for row in reversed(rows))

    def waiting(self) -> int:
        """How many answers the server has not confirmed."""
        row = self._row("SELECT count(*) FROM answer WHERE state != 'closed'")
        return int(row[0]) if row else 0

    def dropped(self) -> int:
        """How many answers went for want of room before the server had them."""
        row = self._row("SELECT count FROM tally WHERE name = 'dropped'")
        return int(row[0]) if row else 0

    def altered(self) -> int:
        """How many answers were not sent, since their rows were changed by another hand or spoilt."""
        row = self._row("SELECT count FROM tally WHERE name = 'altered'")
        return int(row[0]) if row else 0

    def outcomes(self) -> dict[str, str]:
        """Offer → outcome of the answers that are closed."""
        rows = self._rows("SELECT offer, outcome FROM answer WHERE state = 'closed' ORDER BY seq")
        return dict(rows)

    # --- below ---

    def _save(
        self, verb: str, message: Answer, state: str, at: int, moment: Moment | None = None
    ) -> None:
        """One answer per offer: a draft is written over under its own id, a finished one stays."""
        with self._writing() as db:
            draft = db.execute(
                "SELECT id FROM answer WHERE offer = ? AND state = 'draft'", (message.offer,)
            ).fetchone()
            if draft is not None:
                message = msgspec.structs.replace(message, id=draft[0])
            db.execute(
                "INSERT INTO answer (id, offer, verb, message, state, at, moment)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (offer) DO UPDATE SET verb = excluded.verb, at = excluded.at,"
                " message = excluded.message, state = excluded.state, moment = excluded.moment"
                " WHERE state = 'draft' AND excluded.verb = 'rate'",
                (
                    message.id,
                    message.offer,
                    verb,
                    msgspec.json.encode(message),
                    state,
                    at,
                    msgspec.json.encode(moment) if moment else None,
                ),
            )
            self._sign(db, "offer = ?", (message.offer,))
            self._bound(db)

    def _sign(self, db: Database, where: str, values: tuple[object, ...] = ()) -> None:
        for row in db.execute(f"SELECT {SIGNED} FROM answer WHERE {where}", values).fetchall():
            signature = self._signature(row)
            db.execute("UPDATE answer SET signature = ? WHERE seq = ?", (signature, row[0]))

    def _signature(self, row: tuple[Any, ...]) -> bytes:
        return hmac.digest(self._key, msgspec.msgpack.encode(row), hashlib.sha256)

    def _is_genuine(self, row: tuple[Any, ...]) -> bool:
        *signed, signature = row
        return hmac.compare_digest(self._signature(tuple(signed)), signature or b"")

    def _close_altered(self, rows: list[int]) -> None:
        log.error("answers_altered", rows=len(rows))
        with self._writing() as db:
            for seq in rows:
                db.execute(
                    "UPDATE answer SET state = 'closed', outcome = ?, message = NULL, moment = NULL"
                    " WHERE seq = ?",
                    (ALTERED, seq),
                )
                _tally(db, "altered")

    def _bound(self, db: Database) -> None:
        """Closed answers go first; a waiting one never without being counted."""
        (rows,) = db.execute("SELECT count(*) FROM answer").fetchone()
        if rows <= self._keep_answers:
            return
        gone = db.execute(
            "SELECT seq, state, offer FROM answer ORDER BY state != 'closed', seq LIMIT ?",
            (rows - self._keep_answers,),
        ).fetchall()
        for seq, state, offer in gone:
            db.execute("DELETE FROM answer WHERE seq = ?", (seq,))
            if state != "closed":
                log.error("answer_dropped", offer=offer)
                _tally(db, "dropped")

    def _migrate(self) -> None:
        with self._writing() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            for number, move in enumerate(STEPS[version:], version + 1):
                move(db)
                db.execute(f"PRAGMA user_version = {number}")
            if version < STEPS.index(_signatures) + 1:
                self._sign(db, "state != 'closed'")

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        with self._lock:
            if self._db is None:
                raise sqlite3.ProgrammingError("the store is not open")
            with self._db.atomic() as db:
                yield db

    def _rows(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            if self._db is None:
                raise sqlite3.ProgrammingError("the store is not open")
            return list(self._db.execute(sql, values).fetchall())

    def _row(self, sql: str) -> tuple[Any, ...] | None:
        rows = self._rows(sql)
        return rows[0] if rows else None


def open_store(path: Path, keep_days: float = 7.0, keep_answers: int = 20_000) -> AnswerStore:
    """A started store; a file that is no database is laid aside: a tablet must ask in any case."""
    store = AnswerStore(path, keep_days, keep_answers)
    try:
        store.start()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) or not path.exists():
            raise
        store.stop()
        for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            if name.exists():
                name.replace(name.with_name(f"{name.name}.broken"))
        store.start()
    return store


def _own_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) != KEY_BYTES:
        key = secrets.token_bytes(KEY_BYTES)
        write_whole(path, key)
    return key


def _tally(db: Database, name: str) -> None:
    db.execute(
        "INSERT INTO tally VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1",
        (name,),
    )


def _moment(rating: Rating, boot: str) -> Moment:
    return Moment(boot=boot, steady=rating.pressed_own, told=rating.pressed_at)


def _pending(verb: str, message: bytes, moment: bytes | None) -> Pending:
    when = msgspec.json.decode(moment, type=Moment) if moment else None
    return Pending(verb, msgspec.json.decode(message, type=_KINDS[verb]), when)


def silence_of(offer: str) -> StaySilent:
    """The message for an offer that nobody answered, under a new ask id."""
    return StaySilent(id=new_id(), offer=offer)


def wire_rating(rating: Rating) -> Rate:
    """The message for a rating, under a new ask id."""
    return Rate(
        id=new_id(),
        offer=rating.offer,
        score=rating.score,
        pressed_at=rating.pressed_at,
        reasons=rating.reasons,
        words=rating.words,
        answers=dict(rating.answers),
        shown=rating.shown,
    )
