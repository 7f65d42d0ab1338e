"""What the calculators of the law read: each dossier in the month in which its result was ready, and once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from queue_server.doors.web.satisfaction import months_of
from queue_server.dossiers.life import DossierStatus as S
from queue_server.line import events as e
from queue_server.satisfaction.circular01 import Declared, Level, of_agency
from queue_server.satisfaction.decision766 import Feedback
from queue_server.store.declared import Online, project, within
from queue_server.store.law_facts import Told, agency, ended
from queue_server.store.log import Log
from queue_server.store.satisfaction import Days
from queue_server.wire.words import DAY

RECEIVED = 1_795_480_200_000
DUE = RECEIVED + 5 * DAY
OCTOBER = (RECEIVED, RECEIVED + 10 * DAY)
NOVEMBER = (OCTOBER[1], OCTOBER[1] + 30 * DAY)


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    """One dossier: ready in time in the first month, fetched in the second."""
    log = Log(tmp_path / "centre.db")
    filed = {"dossier": "d1", "procedure": "p", "service": "a", "received_at": RECEIVED}
    columns = [row[1] for row in log.conn.execute("PRAGMA table_info(dossiers)")]
    values = [filed.get(name, DUE if name == "due_at" else 0) for name in columns]
    log.conn.execute(f"INSERT INTO dossiers VALUES ({', '.join('?' * len(columns))})", values)
    for status, day in ((S.READY, 4), (S.RETURNED, 20)):
        moved = e.DossierMoved(dossier="d1", status=status)
        log.append(moved, RECEIVED + day * DAY, e.Actor(device="web", account="hoa"), "")
    return log.conn


def test_a_dossier_counts_in_the_month_it_was_ready_and_not_again_when_fetched(
    conn: sqlite3.Connection,
) -> None:
    (only,) = ended(conn, OCTOBER)
    assert only.ready_at == RECEIVED + 4 * DAY
    assert ended(conn, NOVEMBER) == ()


def test_what_nobody_has_told_is_left_out_and_what_was_told_counts(
    conn: sqlite3.Connection,
) -> None:
    silent = of_agency(agency((), 200))
    assert {index: silent[index].points for index in (5, 6, 9)} == {5: None, 6: None, 9: None}
    own = Declared(level=Level.PROVINCE, posted=True, on_spot=40, online=40)
    told = Told(
        own=own,
        electronic=True,
        by_month=Online(dossiers=1_000, online=300, late=0),
    )
    full = of_agency(agency((), 200, told))
    assert {index: full[index].points for index in (5, 6, 9)} == {5: 2, 6: 2, 9: 2}
    in_commune = msgspec.structs.replace(own, level=Level.COMMUNE)
    commune = of_agency(agency((), 200, msgspec.structs.replace(told, own=in_commune)))
    assert commune[5].points == 1, "100 % of a commune's procedures are to be approved on the spot"
    late = Online(dossiers=1_000, online=300, late=1)
    assert of_agency(agency((), 200, msgspec.structs.replace(told, by_month=late)))[9].points == 0


def test_a_quarter_is_known_once_each_of_its_months_was_told(conn: sqlite3.Connection) -> None:
    quarter = months_of(Days(since="2026-07-01", until="2026-10-01"))
    assert quarter == ["2026-07", "2026-08", "2026-09"]
    assert months_of(Days(since="2026-07-02", until="2026-10-01")) == []
    assert within(conn, []) is None
    for month in quarter:
        assert within(conn, quarter) is None
        for online in (1, 30):  # the last word counts
            event = e.OnlineDeclared(month=month, dossiers=100, online=online, late=0)
            project(conn, event, 0)
    assert within(conn, quarter) == Online(dossiers=300, online=90, late=0)


def test_feedback_that_waits_too_long_is_late_though_nobody_answered_it() -> None:
    waiting, old = Feedback(age=3), Feedback(age=16)
    assert of_agency(agency((waiting,), 1))[8].points == 2, "there is still time"
    assert of_agency(agency((old,), 1))[8].points == 0
    answered = (*(Feedback(age=4, answered=4) for _ in range(9)), old)
    assert of_agency(agency(answered, 1))[8].points == 1
