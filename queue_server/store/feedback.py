"""The read table of feedback: one line each, in step with the log, for lists, the follow page and open figures."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from ..dossiers.feedback import ENDED, FeedbackKind, FeedbackStatus
from ..line import events as e
from ..wire.words import Frozen

COLUMNS = (
    "feedback, number, kind, status, procedure, service, counter, language, received_at, refuse_by,"
    " ask_by, answer_by, publish_by, answered_at, moved_at, sorted, late, token, sealed, source, provisional,"
    " right, dossier"
)


class Feedback(Frozen):
    """A line of the table; times in ms. Nothing of a person.

    `late`: a step of it came after its time; `right`: it was found to be; `dossier`: which it is about.
    """

    feedback: str
    number: str
    kind: FeedbackKind
    status: FeedbackStatus
    procedure: str
    service: str
    counter: int | None
    language: str
    received_at: int
    refuse_by: int
    ask_by: int
    answer_by: int
    publish_by: int | None
    answered_at: int | None
    moved_at: int
    sorted: bool
    late: bool
    token: str
    sealed: str
    source: str
    provisional: str
    right: bool = False
    dossier: str = ""

    @property
    def due_at(self) -> int | None:
        """When the next step of ours is due; None where there is none, or it is the visitor's."""
        if self.status is FeedbackStatus.ANSWERED:
            return self.publish_by
        if self.status is not FeedbackStatus.RECEIVED:
            return None
        return self.answer_by if self.sorted else self.refuse_by


class Figures(Frozen):
    """Of what came since a moment: `in_time` of those answered or refused; `overdue`: not dealt with in time yet."""

    received: int = 0
    answered: int = 0
    refused: int = 0
    in_time: int = 0
    published: int = 0
    overdue: int = 0

    @property
    def share_in_time(self) -> float | None:
        """Of all that was dealt with or is overdue, 0 to 1; None while there is nothing."""
        dealt = self.answered + self.refused + self.overdue
        return self.in_time / dealt if dealt else None


def project(conn: sqlite3.Connection, event: e.Event, at: int) -> None:
    """Keep the table in step, in the event's own transaction."""
    if isinstance(event, e.FeedbackGiven):
        conn.execute(
            f"INSERT OR IGNORE INTO feedback ({COLUMNS}) VALUES ({', '.join('?' * 23)})",
            (
                *(event.feedback, event.number, str(event.kind), "received", event.procedure),
                *(event.service, event.counter, str(event.language), event.received_at),
                *(event.refuse_by, event.ask_by, event.answer_by, None, None, at, False, False),
                *(event.token, event.sealed, event.source, event.provisional, False, ""),
            ),
        )
    elif isinstance(event, e.FeedbackSorted):
        conn.execute(
            "UPDATE feedback SET kind = ?, service = ?, sorted = 1 WHERE feedback = ?",
            (str(event.kind), event.service, event.feedback),
        )
    elif isinstance(event, e.FeedbackJudged):
        conn.execute(
            "UPDATE feedback SET right = ?, dossier = ? WHERE feedback = ?",
            (event.right, event.dossier, event.feedback),
        )
    elif isinstance(event, e.FeedbackMoved):
        answered = at if event.status is FeedbackStatus.ANSWERED else None
        conn.execute(
            "UPDATE feedback SET status = ?, sorted = 1, late = max(late, ?), moved_at = ?,"
            " publish_by = coalesce(?, publish_by), answered_at = coalesce(?, answered_at)"
            " WHERE feedback = ?",
            (str(event.status), event.late, at, event.publish_by, answered, event.feedback),
        )
    elif isinstance(event, e.FeedbackAdded):
        conn.execute(
            "UPDATE feedback SET status = 'received', answer_by = ?, moved_at = ? WHERE feedback = ?",
            (event.answer_by, at, event.feedback),
        )


def get(conn: sqlite3.Connection, feedback: str) -> Feedback | None:
    return _one(conn, "feedback = ?", feedback)


def by_token(conn: sqlite3.Connection, token: str) -> Feedback | None:
    """By the hash of its key."""
    return _one(conn, "token = ? AND token != ''", token)


def listed(
    conn: sqlite3.Connection, status: Iterable[FeedbackStatus], limit: int = 200
) -> list[Feedback]:
    """Those that stand so, the first to come first; ended ones the last to end first."""
    wanted = tuple(status)
    order = "moved_at DESC" if set(wanted) <= ENDED else "received_at, rowid"
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM feedback WHERE status IN ({', '.join('?' * len(wanted))})"
        f" ORDER BY {order} LIMIT ?",
        (*map(str, wanted), limit),
    )
    return [_line(row) for row in rows.fetchall()]


def received(conn: sqlite3.Connection, span: tuple[int, int]) -> list[Feedback]:
    """Those that came in `span` (ms, from … to before)."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM feedback WHERE received_at >= ? AND received_at < ?", span
    )
    return [_line(row) for row in rows]


def complained_of(conn: sqlite3.Connection) -> dict[str, bool]:
    """Dossiers that a complaint is about, refused ones left out; whether one of these was found right."""
    rows = conn.execute(
        "SELECT dossier, max(right) FROM feedback WHERE dossier != '' AND kind = ? AND status != ?"
        " GROUP BY dossier",
        (str(FeedbackKind.COMPLAINT), str(FeedbackStatus.REFUSED)),
    )
    return {dossier: bool(right) for dossier, right in rows}


def figures(conn: sqlite3.Connection, since: int, now: int) -> Figures:
    """Of what was received since `since` (ms)."""
    row = conn.execute(
        "SELECT count(*), count(answered_at), coalesce(sum(status = 'refused'), 0),"
        " coalesce(sum(CASE WHEN answered_at IS NOT NULL THEN answered_at <= answer_by"
        " WHEN status = 'refused' THEN NOT late ELSE 0 END), 0),"
        " coalesce(sum(status = 'published'), 0),"
        " coalesce(sum(status = 'received' AND answer_by < ?), 0)"
        " FROM feedback WHERE received_at >= ?",
        (now, since),
    ).fetchone()
    return Figures(**dict(zip(Figures.__struct_fields__, row, strict=True)))


def _one(conn: sqlite3.Connection, where: str, value: str) -> Feedback | None:
    row = conn.execute(f"SELECT {COLUMNS} FROM feedback WHERE {where}", (value,)).fetchone()
    return _line(row) if row else None


def _line(row: tuple[object, ...]) -> Feedback:
    named: dict[str, Any] = dict(zip(Feedback.__struct_fields__, row, strict=True))
    named["kind"] = FeedbackKind(str(named["kind"]))
    named["status"] = FeedbackStatus(str(named["status"]))
    for name in ("sorted", "late", "right"):
        named[name] = bool(named[name])
    return Feedback(**named)
