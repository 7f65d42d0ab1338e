"""The dashboard's figures over five million ratings: the sums of a month for every driver, in whole fives."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from queue_server.doors.web.satisfaction import drivers
from queue_server.store import satisfaction as store
from queue_server.store.ratings import create, fill_sums
from queue_server.store.satisfaction import Days

MANY, FEW = 5_000_000, 100_000
A_DAY = 4_000
FIRST = "2022-01-01"
TIMES = 7


def ratings_rows(small: bool) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """(m) The page's queries over all ratings that are kept, for the newest 30 days; median of seven."""
    found = measure(FEW if small else MANY)
    told = (
        f"{found['ms']:.0f} ms; {found['ratings']:,} ratings in {found['mb']:.0f} MB,"
        f" {found['answers']:,} answers of the month"
    )
    return found, [("(m) satisfaction of 30 days by five drivers", told, "≤ 200 ms")]


def measure(ratings: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, closing(_made(Path(folder), ratings)) as conn:
        last = conn.execute("SELECT max(substr(half_hour, 1, 10)) FROM ratings").fetchone()[0]
        since = conn.execute("SELECT date(?, '-30 days')", (last,)).fetchone()[0]
        days = Days(since=since, until=last)
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            by = {key: store.groups(conn, days, key) for key in store.DRIVEN_BY}
            (whole,) = store.groups(conn, days)
            drivers(by)
            times.append(time.perf_counter() - began)
        size = (Path(folder) / "ratings.db").stat().st_size
    return {
        "ratings": ratings,
        "answers": whole.answers,
        "ms": sorted(times)[TIMES // 2] * 1000,
        "mb": size / 2**20,
    }


def _made(folder: Path, ratings: int) -> sqlite3.Connection:
    """Filled at once, and the sums after: row by row, as in life, it would take hours."""
    conn = sqlite3.connect(folder / "ratings.db")
    conn.execute("PRAGMA journal_mode=OFF")
    conn.execute("PRAGMA synchronous=OFF")
    create(conn)
    triggers = conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        conn.execute(f"DROP TRIGGER {name}")
    conn.execute(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?),"
        " r AS MATERIALIZED (SELECT i, abs(random()) AS x, abs(random()) AS y,"
        f" date('{FIRST}', '+' || (i / {A_DAY}) || ' days') AS day, i % {A_DAY} AS k FROM n)"
        " INSERT INTO ratings SELECT 'o' || i,"
        f" day || 'T' || printf('%02d', 7 + k * 9 / {A_DAY}) || ':' || CASE WHEN k % 2 THEN '30' ELSE '00' END,"
        " 's' || (x % 8), x % 20, 'p' || (x % 160),"
        " CASE WHEN y % 10 < 7 THEN 1 + (y / 16) % 5 END, '', 'tablet', '', '', 0, 'o' || (x % 20),"
        " (y / 32) % 45, CASE WHEN y % 4 = 0 THEN 'g' || (y % 3) ELSE '' END,"
        " i * 1000, CASE WHEN y % 10 < 7 THEN i * 1000 + 500 END, i * 1000, NULL FROM r",
        (ratings,),
    )
    fill_sums(conn)
    conn.commit()
    return conn
