"""The read table of ratings: one line for each offer, kept in step with the log, for figures without people."""

from __future__ import annotations

import sqlite3

from ..line import events as e

COLUMNS = "offer, half_hour, service, counter, procedure, score, reasons, source"


def project(conn: sqlite3.Connection, event: e.Event, at: int) -> None:
    """Keep the table in step, in the event's own transaction."""
    if isinstance(event, e.OfferOpened):
        conn.execute(
            "INSERT OR IGNORE INTO ratings (offer, half_hour, service, counter, procedure)"
            " VALUES (?, ?, ?, ?, ?)",
            (event.offer, event.half_hour, event.service, event.counter, event.procedure),
        )
    elif isinstance(event, e.RatingGiven):
        conn.execute(
            "UPDATE ratings SET score = ?, reasons = ?, source = ? WHERE offer = ?",
            (event.score, ",".join(event.reasons), event.source, event.offer),
        )
    elif isinstance(event, e.RatingSilent):
        conn.execute(
            "UPDATE ratings SET source = 'silent' WHERE offer = ? AND score IS NULL",
            (event.offer,),
        )
