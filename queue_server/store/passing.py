"""The read table of what is passed on to the province: one line for each dossier that was begun with."""

from __future__ import annotations

import sqlite3
from typing import Any

from ..dossiers.passing import OPEN, PassedOn
from ..line import events as e
from ..wire.words import Frozen

COLUMNS = "dossier, passed, round, tries, cause, code, due_at, sealed, at"


class Passing(Frozen):
    """How a dossier stands between us and the province. `round`: 1, and one more each time a person lets a
    rejected one go again; `tries`: how often it was sent in this round; `cause`: a word of
    docs/province-port.md; `at` (ms): since when."""

    dossier: str
    passed: PassedOn = PassedOn.WAITING
    round: int = 1
    tries: int = 0
    cause: str = ""
    code: str = ""
    due_at: int | None = None
    sealed: str = ""
    at: int = 0


def project(conn: sqlite3.Connection, event: e.Event, at: int) -> None:
    """Keep the table in step, in the event's own transaction."""
    if not isinstance(event, e.DossierPassed):
        return
    sent = event.passed is PassedOn.SENDING
    conn.execute(
        f"INSERT INTO passing ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (dossier) DO UPDATE SET passed = excluded.passed, round = excluded.round,"
        " tries = CASE WHEN round = excluded.round THEN tries ELSE 0 END + excluded.tries,"
        " cause = excluded.cause, code = CASE WHEN excluded.code = '' THEN code ELSE excluded.code END,"
        " due_at = coalesce(excluded.due_at, due_at), sealed = excluded.sealed, at = excluded.at",
        (
            *(event.dossier, str(event.passed), event.round, int(sent), event.cause),
            *(event.code, event.due_at, event.sealed, at),
        ),
    )


def get(conn: sqlite3.Connection, dossier: str) -> Passing:
    """A dossier of which nothing is known yet waits."""
    row = conn.execute(f"SELECT {COLUMNS} FROM passing WHERE dossier = ?", (dossier,)).fetchone()
    return _line(row) if row else Passing(dossier=dossier)


STILL_OPEN = (
    " FROM dossiers d LEFT JOIN passing p ON p.dossier = d.dossier"
    f" WHERE coalesce(p.passed, 'waiting') IN ({', '.join('?' * len(OPEN))})"
    " AND d.received_at >= ? AND d.sample <= ? AND d.status != 'prepared'"
    " AND (coalesce(p.passed, 'waiting') != 'waiting' OR d.status NOT IN ('refused', 'withdrawn'))"
)


def waiting(
    conn: sqlite3.Connection, samples: bool = False, since: int = 0, limit: int = 500
) -> list[Passing]:
    """What is still to be settled, the first filed first.

    Not those that were only prepared, nor (unless asked for) those under the word MẪU, nor what was ended here
    before it was ever sent. `since` (ms): filed before this is none of ours.
    """
    rows = conn.execute(
        "SELECT d.dossier, coalesce(p.passed, 'waiting'), coalesce(p.round, 1), coalesce(p.tries, 0),"
        " coalesce(p.cause, ''), coalesce(p.code, ''), p.due_at, coalesce(p.sealed, ''),"
        f" coalesce(p.at, d.filed_at){STILL_OPEN} ORDER BY d.filed_at, d.rowid LIMIT ?",
        (*map(str, OPEN), since, int(samples), limit),
    )
    return [_line(row) for row in rows.fetchall()]


def how_many_wait(conn: sqlite3.Connection, samples: bool = False, since: int = 0) -> int:
    """Of what is still to be settled, those with which nothing was begun, however many."""
    rows = conn.execute(
        f"SELECT count(*){STILL_OPEN} AND coalesce(p.passed, 'waiting') = 'waiting'",
        (*map(str, OPEN), since, int(samples)),
    )
    return int(rows.fetchone()[0])


def of(conn: sqlite3.Connection, dossiers: list[str]) -> dict[str, Passing]:
    """Of these dossiers, where something is known; for lists."""
    marks = ", ".join("?" * len(dossiers))
    rows = conn.execute(f"SELECT {COLUMNS} FROM passing WHERE dossier IN ({marks})", dossiers)
    return {row[0]: _line(row) for row in rows.fetchall()}


def listed(conn: sqlite3.Connection, passed: PassedOn, limit: int = 200) -> list[Passing]:
    """Those that stand so, the newest first."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM passing WHERE passed = ? ORDER BY at DESC LIMIT ?",
        (str(passed), limit),
    )
    return [_line(row) for row in rows.fetchall()]


def counts(conn: sqlite3.Connection) -> dict[str, int]:
    """How many stand how."""
    return dict(conn.execute("SELECT passed, count(*) FROM passing GROUP BY passed").fetchall())


def _line(row: tuple[object, ...]) -> Passing:
    named: dict[str, Any] = dict(zip(Passing.__struct_fields__, row, strict=True))
    named["passed"] = PassedOn(str(named["passed"]))
    return Passing(**named)
