"""Which procedures visitors come for: counted from the tickets in the log, told as an order without figures."""

from __future__ import annotations

import sqlite3

from ..line.events import TicketIssued


def most_asked(conn: sqlite3.Connection, since: int, limit: int = 60) -> tuple[str, ...]:
    """Codes, the most asked for first, of tickets since `since` (ms); a code needs two of them to be told."""
    found = conn.execute(
        "SELECT json_extract(CAST(body AS TEXT), '$.procedure') AS code, count(*) AS n FROM events"
        " WHERE kind = ? AND at >= ? GROUP BY code HAVING code IS NOT NULL AND n > 1"
        " ORDER BY n DESC, code LIMIT ?",
        (TicketIssued.__name__, since, limit),
    )
    return tuple(code for code, _ in found)
