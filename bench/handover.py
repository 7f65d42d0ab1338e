"""A tablet that was cut off for a week: how long its stored ratings take to reach the log, each once."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import structlog

from queue_server import settings
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.store.log import Log
from queue_server.wire.link import Link
from queue_server.wire.words import DAY, DeviceKind
from tablet_survey.journey import Rating
from tablet_survey.post import Post
from tablet_survey.store import COUNTED, AnswerStore

from .centre import centre, devices
from .start import Writer

AIM_S = 20.0
COUNTER = 3
PATIENCE_S = 300.0


def open_offers(database: Path, count: int) -> None:
    """A log in which `count` visits of the last six days wait for their rating."""
    log, now = Log(database), int(time.time() * 1000)
    writer, began = Writer(log), now - 6 * DAY
    with log.transaction():
        setup = settings.read(settings.example()).setup()
        writer.do(o.ChangeSetup(setup=setup), began)
        for n in range(count):
            at = began + n * 6 * DAY // count
            opened = e.OfferOpened(
                offer=f"offer-{n}",
                service=setup.services[0].id,
                counter=COUNTER,
                half_hour="2026-03-02 08:00",
                expires=at + 7 * DAY,
            )
            log.append(opened, at, e.Actor(device="bench"), "")
    log.close()


def fill(store: AnswerStore, count: int) -> None:
    """The ratings as the tablet has kept them, in one commit: only handing over is measured."""
    now = int(time.time() * 1000)
    with store._writing():
        for n in range(count):
            store.hand_in_rating(
                Rating(offer=f"offer-{n}", score=1 + n % 5, pressed_at=now - DAY, reasons=()), now
            )


class Watched(AnswerStore):
    """Tells when nothing waits any more."""

    empty: threading.Event

    def close_all(self, outcomes: Any, at: int) -> None:
        super().close_all(outcomes, at)
        if not self.waiting():
            self.empty.set()


def hand_over(store: Watched, link: Link) -> float:
    """Seconds from the line's coming back to the last answer closed on the tablet's disk."""
    store.empty = threading.Event()
    post = Post(store, link)
    link.start()
    if not link.wait_connected(20):
        raise TimeoutError("no broker")
    began = time.perf_counter()
    post.send()
    if not store.empty.wait(PATIENCE_S):
        raise TimeoutError(f"{store.waiting()} ratings were not handed over")
    took = time.perf_counter() - began
    post.stop()
    link.stop()
    return took


def counted(database: Path) -> tuple[int, int]:
    """How many ratings the log holds, and for how many offers."""
    conn = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    row = conn.execute(
        "SELECT count(*), count(DISTINCT json_extract(body, '$.offer')) FROM events"
        " WHERE kind = 'RatingGiven'"
    ).fetchone()
    conn.close()
    return int(row[0]), int(row[1])


def measure_handover(count: int) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as made:
        folder = Folder(Path(made) / "var")
        folder.open()
        open_offers(folder.database, count)
        store = Watched(Path(made) / "answers.db", keep_answers=count)
        store.start()
        fill(store, count)
        with centre(folder=folder.root) as running:
            own = devices(running, DeviceKind.TABLET, ["tablet-week"])[0]
            took = hand_over(store, Link(own, "bench"))
            ratings, offers = counted(folder.database)
        refused = sum(outcome != COUNTED for outcome in store.outcomes().values())
        store.stop()
    found = {"ratings": count, "took_s": took, "lost": count - offers, "doubled": ratings - offers}
    told = (
        f"{took:.1f} s ({count / took:,.0f}/s); {count - offers} lost, {ratings - offers} doubled"
    )
    row = (f"(k) {count:,} stored ratings handed over", told, f"≤ {AIM_S:.0f} s")
    return {**found, "refused": refused}, [row]
