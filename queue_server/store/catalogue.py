"""The catalogue of procedures on disk: one SQLite file, built beside the old one and put in its place whole.

A file in place is never written again, so readers in any process open it as immutable and see
either the old catalogue or the new one. An import that dies leaves the old one as it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlite_utils import Database

from ..dossiers import catalogue as rules
from ..dossiers.catalogue import (
    Left,
    Procedure,
    Reason,
    Say,
    Summary,
    called,
    merged,
    summarise,
)
from ..dossiers.codes import BadCode, parse_procedure
from ..dossiers.search import fold, terms
from ..wire.texts import Texts
from ..wire.words import Frozen

FILE = "catalogue.db"
NEW = "catalogue.db.new"
LOCK = "catalogue.lock"
LAYOUT = 1
TEXTS = Path(rules.__file__).parent / "texts"
EXAMPLES = 50
BY_CHOICE = frozenset({Reason.INTERNAL, Reason.OTHER_PROVINCE})
TABLES = """
CREATE TABLE IF NOT EXISTS procedures (
  code TEXT PRIMARY KEY, service TEXT, body TEXT NOT NULL, summary TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (version TEXT NOT NULL);
DROP TABLE IF EXISTS words;
CREATE VIRTUAL TABLE words USING fts5 (
  code, title, keywords, name, field, results, prefix = '2 3', tokenize = 'unicode61'
);
"""
RANK = "bm25(words, 5, 10, 8, 3, 2, 2)"
SEARCH = f"""
SELECT summary FROM words JOIN procedures USING (code)
WHERE words MATCH ? ORDER BY service IS NULL, {RANK}, code LIMIT ?
"""


class CatalogueUnreadable(Exception):
    """`catalogue.db` is damaged or of another release; importing again after removing it helps."""


class ImportRunning(Exception):
    """Another import holds the catalogue."""


class NothingToImport(Exception):
    """Not one procedure could be read; `left` is the first reason, none for an empty file."""

    def __init__(self, left: Left | None) -> None:
        super().__init__(left)
        self.left = left


class Report(Frozen):
    """What an import did, in numbers of procedures; `examples` are the first broken ones, with their lines.

    `kept`: procedures that were there before and that the import did not name.
    """

    version: str
    changed: bool
    total: int
    left: dict[str, int]
    by_service: dict[str, int]
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept: int = 0
    examples: tuple[Left, ...] = ()
    odd_codes: tuple[str, ...] = ()


class Catalogue:
    """Reads the catalogue in the data folder `folder`; every call opens the file that is in place then."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.resolve() / FILE

    def exists(self) -> bool:
        return self._path.exists()

    def version(self) -> str:
        """A hash of the content; empty where there is no catalogue yet."""
        rows = self._read("SELECT version FROM meta")
        return str(rows[0]["version"]) if rows else ""

    def summaries(self) -> list[Summary]:
        """All procedures, those that a service here takes first, by code."""
        return self._summaries("SELECT summary FROM procedures ORDER BY service IS NULL, code")

    def served(self) -> bytes:
        """The whole records of what a service here takes, as one JSON object by code."""
        rows = self._read(
            "SELECT code, body FROM procedures WHERE service IS NOT NULL ORDER BY code"
        )
        each = (msgspec.json.encode(row["code"]) + b":" + row["body"].encode() for row in rows)
        return b"{" + b",".join(each) + b"}"

    def get(self, code: str) -> Procedure | None:
        rows = self._read("SELECT body FROM procedures WHERE code = ?", code.strip())
        return _decode(rows[0]["body"]) if rows else None

    def search(self, text: str, limit: int = 20) -> list[Summary]:
        """The best `limit` procedures for `text`, whose last word may be unfinished.

        First those called so in one piece, then those with all of its words, then, if there are
        none, those with any.
        """
        words = terms(text)
        if not words:
            return []
        whole = " ".join(words)
        each = [f'"{word}"' for word in words[:-1]] + [f'"{words[-1]}"*']
        found = self._summaries(SEARCH, f'{{title keywords}} : "{whole}"*', limit)
        found += self._summaries(SEARCH, " AND ".join(each), limit)
        found = found or self._summaries(SEARCH, " OR ".join(each), limit)
        return list({summary.code: summary for summary in found}.values())[:limit]

    def _summaries(self, sql: str, *values: object) -> list[Summary]:
        rows = self._read(sql, *values)
        return [msgspec.json.decode(row["summary"], type=Summary) for row in rows]

    def _read(self, sql: str, *values: object) -> list[dict[str, Any]]:
        if not self.exists():
            return []
        try:
            connection = sqlite3.connect(f"{self._path.as_uri()}?immutable=1", uri=True)
            database = Database(connection)
            try:
                return list(database.query(sql, values))
            finally:
                database.close()
        except sqlite3.DatabaseError as error:
            raise CatalogueUnreadable(f"{self._path}: {error}") from error


def import_procedures(
    folder: Path, records: Iterable[Procedure | Left], say: Say | None = None
) -> Report:
    """Add `records` to the catalogue in `folder`, each in place of the one with its code.

    Raises `ImportRunning`, `NothingToImport`, `CatalogueUnreadable` or `OSError`; then nothing has changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        _remove_rests(folder)
        try:
            return _import(folder, records, say or Texts(TEXTS).say)
        except sqlite3.DatabaseError as error:
            raise CatalogueUnreadable(f"{folder / FILE}: {error}") from error
        finally:
            _remove_rests(folder)


def _import(folder: Path, records: Iterable[Procedure | Left], say: Say) -> Report:
    old, new = folder / FILE, folder / NEW
    if old.exists():
        shutil.copyfile(old, new)
    database = _open_new(new)
    try:
        before, tally = _version(database), _Tally()
        with database.atomic():
            for record in records:
                tally.count(record, _store(database, record))
            tally.refuse_if_nothing_came()
            version = _index(database, say)
        report = tally.report(database, version, version != before)
    finally:
        database.close()
    if report.changed:
        _put_in_place(new, old)
    return report


class _Tally:
    """Counts what became of each record."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._examples: list[Left] = []
        self._codes: set[str] = set()
        self._odd: list[str] = []

    def count(self, record: Procedure | Left, outcome: str) -> None:
        if isinstance(record, Left):
            self._left[record.reason] += 1
            if record.reason not in BY_CHOICE and len(self._examples) < EXAMPLES:
                self._examples.append(record)
            return
        self._outcomes[outcome] += 1
        self._codes.add(record.code)
        if record.source.origin == "portal" and not _is_regular(record.code):
            self._odd.append(record.code)

    def refuse_if_nothing_came(self) -> None:
        if self._codes or (self._left and set(self._left) <= BY_CHOICE):
            return
        raise NothingToImport(next(iter(self._examples), None))

    def report(self, database: Database, version: str, changed: bool) -> Report:
        by_service = {
            row["service"] or "": row["n"]
            for row in database.query(
                "SELECT service, count(*) AS n FROM procedures GROUP BY service ORDER BY service"
            )
        }
        total = sum(by_service.values())
        return Report(
            version=version,
            changed=changed,
            total=total,
            added=self._outcomes["added"],
            replaced=self._outcomes["replaced"],
            unchanged=self._outcomes["unchanged"],
            kept=total - len(self._codes),
            left=dict(self._left),
            examples=tuple(self._examples),
            by_service=by_service,
            odd_codes=tuple(self._odd),
        )


def _is_regular(code: str) -> bool:
    try:
        parse_procedure(code)
    except BadCode:
        return False
    return True


def _store(database: Database, record: Procedure | Left) -> str:
    """Put a procedure in its row: `added`, `replaced` or `unchanged`; a record left out is `left`."""
    if isinstance(record, Left):
        return "left"
    rows = list(database.query("SELECT body FROM procedures WHERE code = ?", (record.code,)))
    body = _encode(merged(_decode(rows[0]["body"]) if rows else None, record))
    if rows and rows[0]["body"] == body:
        return "unchanged"
    database.execute(
        "INSERT INTO procedures (code, service, body) VALUES (?, ?, ?)"
        " ON CONFLICT (code) DO UPDATE SET service = excluded.service, body = excluded.body",
        (record.code, record.service, body),
    )
    return "replaced" if rows else "added"


def _index(database: Database, say: Say) -> str:
    """Write every summary and the search index anew; the version of the whole."""
    digest = hashlib.sha256()
    for row in list(database.query("SELECT code, body FROM procedures ORDER BY code")):
        procedure = _decode(row["body"])
        summary = _encode(summarise(procedure, say))
        digest.update(f"{row['body']}\n{summary}\n".encode())
        database.execute(
            "UPDATE procedures SET summary = ? WHERE code = ?", (summary, procedure.code)
        )
        database.execute("INSERT INTO words VALUES (?, ?, ?, ?, ?, ?)", _words(procedure))
    version = digest.hexdigest()[:16]
    database.execute("DELETE FROM meta")
    database.execute("INSERT INTO meta VALUES (?)", (version,))
    return version


def _words(procedure: Procedure) -> tuple[str, ...]:
    texts = (
        called(procedure),
        " ".join(procedure.keywords),
        procedure.name,
        procedure.field,
        " ".join(procedure.results),
    )
    return (procedure.code, *(fold(text) for text in texts))


def _open_new(path: Path) -> Database:
    """A database that nobody else sees: no journal, no syncs; it counts only once it is in place."""
    database = Database(sqlite3.connect(path, isolation_level=None))
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    layout = next(database.query("PRAGMA user_version"))["user_version"]
    if layout not in (0, LAYOUT):
        database.close()
        raise CatalogueUnreadable(f"{path.with_name(FILE)}: layout {layout}, not {LAYOUT}")
    database.executescript(TABLES)
    database.execute(f"PRAGMA user_version = {LAYOUT}")
    return database


def _version(database: Database) -> str:
    rows = list(database.query("SELECT version FROM meta"))
    return str(rows[0]["version"]) if rows else ""


def _encode(value: Procedure | Summary) -> str:
    return msgspec.json.encode(value).decode()


def _decode(body: str) -> Procedure:
    try:
        return msgspec.json.decode(body, type=Procedure)
    except msgspec.MsgspecError as error:
        raise CatalogueUnreadable(str(error)) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImportRunning from error
        yield


def _remove_rests(folder: Path) -> None:
    """What an import that died has left behind."""
    (folder / NEW).unlink(missing_ok=True)


def _put_in_place(new: Path, old: Path) -> None:
    _sync(new, os.O_RDONLY)
    new.replace(old)
    _sync(old.parent, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
