"""The read table of dossiers: one line each, kept in step with the log, for lists and look-ups."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from ..dossiers.life import ENDED, DossierStatus
from ..line import events as e
from ..wire.words import Frozen

COLUMNS = (
    "dossier, code, provisional, procedure, service, status, received_at, filed_at, moved_at, due_at,"
    " place, prepared, sample, form, form_version, papers, reused, supplements, sealed, source"
)


class Dossier(Frozen):
    """A line of the table. Times in ms; nothing of a person."""

    dossier: str
    code: str
    provisional: str
    procedure: str
    service: str
    status: DossierStatus
    received_at: int
    filed_at: int
    moved_at: int
    due_at: int | None
    place: int
    prepared: bool
    sample: bool
    form: str
    form_version: str
    papers: int
    reused: int
    supplements: int
    sealed: str
    source: str

    @property
    def number(self) -> str:
        """What it is called before people."""
        return self.code or self.provisional


def project(conn: sqlite3.Connection, event: e.Event, at: int) -> None:
    """Keep the table in step, in the event's own transaction."""
    if isinstance(event, e.DossierFiled):
        _insert(conn, event, at)
    elif isinstance(event, e.DossierCodeCame):
        conn.execute(
            "UPDATE dossiers SET code = CASE WHEN ? = '' THEN code ELSE ? END,"
            " provisional = CASE WHEN ? = '' THEN provisional ELSE ? END,"
            " received_at = CASE WHEN ? = 0 THEN received_at ELSE ? END, due_at = ?"
            " WHERE dossier = ?",
            (
                *(event.code, event.code, event.provisional, event.provisional),
                *(event.received_at, event.received_at, event.due_at, event.dossier),
            ),
        )
    elif isinstance(event, e.DossierMoved):
        conn.execute(
            "UPDATE dossiers SET status = ?, due_at = ?, moved_at = ?, supplements = supplements + ?"
            " WHERE dossier = ?",
            (
                str(event.status),
                event.due_at,
                at,
                event.status is DossierStatus.SUPPLEMENT,
                event.dossier,
            ),
        )


def _insert(conn: sqlite3.Connection, event: e.DossierFiled, at: int) -> None:
    status = DossierStatus.PREPARED if event.prepared else DossierStatus.RECEIVED
    conn.execute(
        f"INSERT OR IGNORE INTO dossiers ({COLUMNS}) VALUES ({', '.join('?' * 20)})",
        (
            *(event.dossier, event.code, event.provisional, event.procedure, event.service),
            *(str(status), event.received_at, at, at, event.due_at, event.place),
            *(event.prepared, event.sample, event.form, event.form_version),
            *(len(event.papers), sum(p.held for p in event.papers), 0, event.sealed, event.source),
        ),
    )


def get(conn: sqlite3.Connection, dossier: str) -> Dossier | None:
    rows = conn.execute(f"SELECT {COLUMNS} FROM dossiers WHERE dossier = ?", (dossier,))
    return next((_line(row) for row in rows.fetchall()), None)


def of(conn: sqlite3.Connection, wanted: list[str]) -> dict[str, Dossier]:
    """Those of these that there are; for lists."""
    marks = ", ".join("?" * len(wanted))
    rows = conn.execute(f"SELECT {COLUMNS} FROM dossiers WHERE dossier IN ({marks})", wanted)
    return {line.dossier: line for line in map(_line, rows.fetchall())}


def find(conn: sqlite3.Connection, number: str) -> Dossier | None:
    """By code or provisional number; None also where several have that provisional number."""
    if not number:
        return None
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM dossiers WHERE code = ? OR provisional = ? LIMIT 3",
        (number, number),
    ).fetchall()
    return _line(rows[0]) if len(rows) == 1 else None


def listed(
    conn: sqlite3.Connection, status: Iterable[DossierStatus], limit: int = 200
) -> list[Dossier]:
    """Those that stand so, the first to come first; ended ones the last to end first."""
    wanted = tuple(status)
    order = "moved_at DESC" if set(wanted) <= ENDED else "received_at, filed_at"
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM dossiers WHERE status IN ({', '.join('?' * len(wanted))})"
        f" ORDER BY {order} LIMIT ?",
        (*map(str, wanted), limit),
    )
    return [_line(row) for row in rows.fetchall()]


def _line(row: tuple[object, ...]) -> Dossier:
    named: dict[str, Any] = dict(zip(Dossier.__struct_fields__, row, strict=True))
    named["status"] = DossierStatus(str(named["status"]))
    named["prepared"], named["sample"] = bool(named["prepared"]), bool(named["sample"])
    return Dossier(**named)
