"""The log checked from its first line to its last, read beside a running centre; what is wrong, and where.

What an edit cannot hide: a changed, lost or added line breaks the sequence or the hash chain; a log
that was chained anew does not fit the signed heads that were carried away (`store.heads`).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..line.state import State, apply
from ..wire.words import Frozen
from . import declared, dossiers, feedback, passing, ratings
from . import heads as signed
from .heads import Head
from .log import GENESIS, Row, project, rows
from .papers import Papers
from .schema import migrate
from .vault import Vault

CHUNK = 5_000
"""Lines to one read of the database: a long read would keep the write-ahead log from being emptied."""

KEYS = {
    "ratings": ("offer", ratings.COLUMNS),
    "dossiers": ("dossier", dossiers.COLUMNS),
    "passing": ("dossier", passing.COLUMNS),
    "feedback": ("feedback", feedback.COLUMNS),
    "online_months": ("month", declared.COLUMNS),
}
"""The key and the columns of each read table."""


class Fault(Frozen):
    """What is wrong at line `seq` (0: with no line of the log), on the day that was running there."""

    seq: int
    day: str
    what: str

    def __str__(self) -> str:
        place = f"seq {self.seq}" + (f", day {self.day}" if self.day else "")
        return f"{place}: {self.what}" if self.seq else self.what


class Verified(Frozen):
    """What was checked, in numbers, and every fault, in the log's order."""

    rows: int
    seconds: float
    epoch: int
    day: str
    heads: int
    ratings: int
    dossiers: int
    snapshots: int
    sealed: int
    overdue: int
    """Visits whose personal data should have been forgotten by now."""
    vault_read: bool
    faults: tuple[Fault, ...]


@dataclass
class Chain:
    """Goes along the lines and finds where sequence or hashes break. A break is told once."""

    seq: int = 0
    _stored: bytes | None = GENESIS
    _computed: bytes | None = None

    def follow(self, row: Row) -> str:
        """What is wrong with this line, in words; empty when it fits to the one before."""
        missing = row.seq - self.seq - 1
        before = (self._stored, self._computed) if missing == 0 else ()
        hashes = [_chained(row, x) for x in before if x is not None]
        self.seq = row.seq
        self._stored = row.hash
        fits = row.hash in hashes
        # The line after a changed one fits either to the hash that stands there or to the true one.
        self._computed = hashes[0] if hashes and not fits else None
        if missing:
            lost = f"line {row.seq - 1} is" if missing == 1 else f"{missing} lines are"
            return f"{lost} missing before this one"
        return "" if fits else "the line does not fit its hash: it, or its hash, was changed"


def _chained(row: Row, before: bytes) -> bytes:
    try:
        return row.chained(before)
    except TypeError:  # somebody put text where bytes belong
        return b""


def _empty() -> sqlite3.Connection:
    """The read tables, empty, to be filled anew from the log."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    migrate(conn)
    return conn


@dataclass
class _Reading:
    """What the lines so far add up to."""

    snapshots: dict[int, tuple[bytes, bytes]]
    heads: dict[int, list[Head]]
    state: State = field(default_factory=State)
    chain: Chain = field(default_factory=Chain)
    tables: sqlite3.Connection = field(default_factory=_empty)
    faults: list[Fault] = field(default_factory=list)
    folds: bool = True
    snapshots_read: int = 0

    def fault(self, what: str, seq: int | None = None) -> None:
        at = self.chain.seq if seq is None else seq
        self.faults.append(Fault(seq=at, day=self.state.day if at else "", what=what))

    def take(self, row: Row) -> None:
        wrong = self.chain.follow(row)
        if wrong:
            self.fault(wrong)
        self._fold(row)
        for head in self.heads.pop(row.seq, ()):
            if bytes.fromhex(head.hash) != row.hash:
                self.fault(f"the log was rewritten: the signed head of {head.day} is another")
        if row.seq in self.snapshots:
            self._compare(row, *self.snapshots.pop(row.seq))

    def _fold(self, row: Row) -> None:
        try:
            entry = row.entry()
        except msgspec.DecodeError as error:
            self.fault(f"the line cannot be read ({error})")
            return
        if row.kind != type(entry.event).__name__:
            self.fault(f"the line is called {row.kind} but is {type(entry.event).__name__}")
        project(self.tables, entry.event, entry.at)
        if not self.folds:
            return
        try:
            apply(self.state, entry.event, entry.at, entry.actor)
        except Exception as error:  # a fold over a log with faults may fail anyhow
            self.folds = False
            self.fault(f"what happened here does not follow from before ({type(error).__name__})")

    def _compare(self, row: Row, body: bytes, hash_: bytes) -> None:
        if hash_ != row.hash:
            self.fault("the snapshot of this line was taken of another log")
        try:
            kept = msgspec.json.decode(body, type=State)
        except msgspec.DecodeError:
            return  # an older program's, which a start passes over as well
        self.snapshots_read += 1
        different = [f for f in State.__struct_fields__ if not _same(kept, self.state, f)]
        if self.folds and different:
            self.fault(
                f"the snapshot differs from what the lines add up to: {', '.join(different)}"
            )


def _same(one: State, other: State, name: str) -> bool:
    return bool(getattr(one, name) == getattr(other, name))


def verify(
    conn: sqlite3.Connection,
    public: Ed25519PublicKey | None,
    carried: Iterable[Head] = (),
    master: bytes | None = None,
    now: int = 0,
    progress: Callable[[int, int], None] = lambda done, of: None,
    files: Papers | None = None,
) -> Verified:
    """Check everything that `conn` (read only) holds; writes nothing.

    `public`: the key of the centre's heads, `carried`: heads kept elsewhere, `master`: the vault's
    master key (none: its keys are only counted), `now` in ms. `progress` gets lines done and to do;
    `files`: where papers lie.
    """
    began = time.monotonic()
    own = signed.kept(conn, public) if public is not None else []
    reading = _Reading(_snapshots(conn), _by_seq(reading_heads := [*own, *carried]))
    for head in reading_heads:
        if not head.is_signed(public):
            reading.fault(f"the head of {head.day} is not signed by this centre's key", 0)
    sealed = overdue = 0
    counts: dict[str, int] = {}
    try:
        _check_file(conn, reading)
        _read_lines(conn, reading, progress)
        with _moment(conn):
            _read_on(conn, reading)  # what came meanwhile, so that tables are compared as they are
            counts = {name: _check_table(conn, reading, name) for name in KEYS}
            wrong = ratings.wrong_sums(conn)
            if wrong:
                reading.fault(
                    f"rating_sums: {wrong} lines differ from what the ratings add up to", 0
                )
            _check_papers(conn, reading, files)
            sealed, overdue = _check_vault(conn, reading, master, now)
    except sqlite3.DatabaseError as error:
        reading.fault(f"the database cannot be read on after this line ({error})")
    for later in sorted(reading.heads):
        names = ", ".join(head.day for head in reading.heads[later])
        reading.fault(f"the log ends before line {later}, the signed head of {names}", 0)
    for later in sorted(reading.snapshots):
        reading.fault(f"the log ends before line {later}, of which a snapshot is kept", 0)
    return Verified(
        rows=reading.chain.seq,
        seconds=time.monotonic() - began,
        epoch=reading.state.epoch,
        day=reading.state.day,
        heads=len(reading_heads),
        ratings=counts.get("ratings", 0),
        dossiers=counts.get("dossiers", 0),
        snapshots=reading.snapshots_read,
        sealed=sealed,
        overdue=overdue,
        vault_read=master is not None,
        faults=tuple(reading.faults),
    )


def _check_file(conn: sqlite3.Connection, reading: _Reading) -> None:
    for (said,) in conn.execute("PRAGMA quick_check(5)").fetchall():
        if said != "ok":
            reading.fault(f"the database file is damaged: {said}", 0)


def _snapshots(conn: sqlite3.Connection) -> dict[int, tuple[bytes, bytes]]:
    found = conn.execute("SELECT seq, body, hash FROM snapshots").fetchall()
    return {seq: (body, hash_) for seq, body, hash_ in found}


def _by_seq(heads: Iterable[Head]) -> dict[int, list[Head]]:
    found: dict[int, list[Head]] = {}
    for head in heads:
        found.setdefault(head.seq, []).append(head)
    return found


@contextmanager
def _moment(conn: sqlite3.Connection) -> Iterator[None]:
    """All reads inside see the database as it is at one moment."""
    conn.execute("BEGIN")
    try:
        yield
    finally:
        conn.execute("ROLLBACK")


def _last(conn: sqlite3.Connection) -> int:
    return conn.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0] or 0


def _read_lines(
    conn: sqlite3.Connection, reading: _Reading, progress: Callable[[int, int], None]
) -> None:
    last = _last(conn)
    while reading.chain.seq < last:
        before = reading.chain.seq
        for row in rows(conn, before, before + CHUNK):
            reading.take(row)
        if reading.chain.seq == before:  # nothing in this stretch: the next line will tell
            if not _read_next(conn, reading):
                return
        progress(reading.chain.seq, last)


def _read_next(conn: sqlite3.Connection, reading: _Reading) -> bool:
    """Beyond a gap that is wider than a chunk."""
    for row in rows(conn, reading.chain.seq):
        reading.take(row)
        return True
    return False


def _read_on(conn: sqlite3.Connection, reading: _Reading) -> None:
    for row in rows(conn, reading.chain.seq):
        reading.take(row)


def _check_table(conn: sqlite3.Connection, reading: _Reading, name: str) -> int:
    """How many lines a read table has; each as the log says."""
    key, columns = KEYS[name]
    query = f"SELECT {key}, {columns} FROM {name} ORDER BY {key}"
    left, count = {row[0]: row for row in reading.tables.execute(query)}, 0
    for row in conn.execute(query):
        count += 1
        expected = left.pop(row[0], None)
        if expected is None:
            reading.fault(f"{name}: {key} {row[0]} stands in the table but not in the log", 0)
        elif expected != row:
            reading.fault(f"{name}: {key} {row[0]} differs from what the log says", 0)
    for missing in left:
        reading.fault(f"{name}: {key} {missing} is missing from the table", 0)
    return count


def _check_papers(conn: sqlite3.Connection, reading: _Reading, files: Papers | None) -> None:
    """Those of each dossier are known and, while it is not forgotten, there."""
    strange = conn.execute(
        "SELECT count(*) FROM papers WHERE dossier NOT IN (SELECT dossier FROM dossiers)"
    ).fetchone()[0]
    if strange:
        reading.fault(f"papers: {strange} belong to no dossier", 0)
    for dossier, ref, wanted, noted in conn.execute(
        "SELECT d.dossier, d.sealed, d.papers, count(p.paper) FROM dossiers d"
        " JOIN vault_keys k ON k.visit = d.dossier LEFT JOIN papers p ON p.dossier = d.dossier"
        " GROUP BY d.dossier"
    ):
        if noted != wanted:
            reading.fault(f"papers: of {dossier} {noted} are noted, the log says {wanted}", 0)
        if files is not None and files.count(ref) != wanted:
            reading.fault(f"papers: files of {ref} are missing", 0)


def _check_vault(
    conn: sqlite3.Connection, reading: _Reading, master: bytes | None, now: int
) -> tuple[int, int]:
    """How many visits have sealed data, and how many of them are kept too long."""
    count, overdue = conn.execute(
        "SELECT count(*), coalesce(sum(purge_at < ?), 0) FROM vault_keys", (now,)
    ).fetchone()
    back = conn.execute(
        "SELECT count(*) FROM vault_purged JOIN vault_keys USING (visit)"
        " WHERE purge_at < vault_purged.at"
    ).fetchone()[0]
    if back:
        reading.fault(f"vault: {back} visits that were forgotten are there again", 0)
    orphans = conn.execute(
        "SELECT count(*) FROM vault_items WHERE visit NOT IN (SELECT visit FROM vault_keys)"
    ).fetchone()[0]
    if orphans:
        reading.fault(f"vault: {orphans} sealed items have no key", 0)
    lost = Vault(conn, master).unreadable() if master is not None else []
    if lost:
        reading.fault(f"vault: the master key does not open {len(lost)} of {count} keys", 0)
    return count, overdue
