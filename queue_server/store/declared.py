"""What a manager tells of a month that this system cannot know: how many dossiers came online, over all channels."""

from __future__ import annotations

import sqlite3

from ..line import events as e
from ..wire.words import Frozen

COLUMNS = "month, dossiers, online, late"


class Online(Frozen):
    """Counts: of all `dossiers` so many came `online`, of which so many were `late`."""

    dossiers: int
    online: int
    late: int


def project(conn: sqlite3.Connection, event: e.Event, at: int) -> None:
    """The last word on a month counts."""
    if isinstance(event, e.OnlineDeclared):
        conn.execute(
            f"INSERT OR REPLACE INTO online_months ({COLUMNS}) VALUES (?, ?, ?, ?)",
            (event.month, event.dossiers, event.online, event.late),
        )


def within(conn: sqlite3.Connection, months: list[str]) -> Online | None:
    """Over these months (`2026-10`); None unless each of them has been declared."""
    places = ", ".join("?" * len(months))
    count, dossiers, online, late = conn.execute(
        "SELECT count(*), coalesce(sum(dossiers), 0), coalesce(sum(online), 0), coalesce(sum(late), 0)"
        f" FROM online_months WHERE month IN ({places})",
        months,
    ).fetchone()
    if not months or count < len(months):
        return None
    return Online(dossiers=dossiers, online=online, late=late)
