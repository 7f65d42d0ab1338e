"""What the calculators of the law read: dossiers that ended, feedback, and the agency, over whole local days.

What this system does not know is left None and never guessed: who of several agencies was slow, and what nobody of
the centre has told (`Told`). Complaints are those of this centre's inbox that were tied to a dossier there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3

import msgspec

from ..dossiers.calendar import WorkCalendar, working_days_between
from ..dossiers.feedback import FeedbackKind, FeedbackStatus
from ..dossiers.life import DossierStatus
from ..line.events import DossierMoved, decode_event
from ..satisfaction import circular01 as tt01
from ..satisfaction import decision766 as qd766
from ..wire.words import local
from .declared import Online
from .feedback import Feedback, complained_of, received
from .satisfaction import Days, Sheets

ENDED = (DossierStatus.READY, DossierStatus.RETURNED, DossierStatus.REFUSED)
OFFICER_NAMES = "officer of the indices"


class Calendar(msgspec.Struct, frozen=True):
    """Working days of the centre; moments are ms UTC."""

    days: WorkCalendar
    offset_minutes: int

    def between(self, since: int, until: int) -> int:
        """Working days after the day of `since` up to and with the day of `until`."""
        return working_days_between(self.date(since), self.date(until), self.days)

    def date(self, at: int) -> dt.date:
        return local(at, self.offset_minutes).date()

    def span(self, days: Days) -> tuple[int, int]:
        """The days as ms UTC, from … to before."""
        return self._start(days.since), self._start(days.until)

    def _start(self, day: str) -> int:
        midnight = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
        return int(midnight.timestamp() * 1000) - self.offset_minutes * 60_000


def pseudonym(account: str) -> str:
    """Another name for an officer in figures; the same each time."""
    return hashlib.sha256(f"{OFFICER_NAMES}/{account}".encode()).hexdigest()[:10] if account else ""


class Told(msgspec.Struct, frozen=True):
    """What people of the centre say of it; `own` stands in its settings."""

    own: tt01.Declared = tt01.Declared()
    electronic: bool = False
    """The centre's procedures stand on a page that everybody can reach."""
    by_month: Online | None = None
    """Over the months that are judged, if they are whole."""


class Ended(msgspec.Struct, frozen=True):
    """A dossier that ended: when its result was ready (ms), and by whose hand.

    `complained`: a complaint is about it; `right`: and was found right.
    """

    received_at: int
    due_at: int | None
    supplements: int
    ready_at: int
    officer: str
    complained: bool = False
    right: bool = False


def ended(conn: sqlite3.Connection, span: tuple[int, int]) -> tuple[Ended, ...]:
    """Those whose result was ready in `span` (ms), the made-up ones of a sample left out.

    One that was ready before and is only fetched in `span` is none of them.
    """
    found: dict[str, tuple[int, str]] = {}
    for at, account, body in conn.execute(
        "SELECT at, account, body FROM events WHERE kind = 'DossierMoved' AND at < ? ORDER BY seq",
        (span[1],),
    ):
        event = decode_event(body)
        if isinstance(event, DossierMoved) and event.status in ENDED:
            found.setdefault(event.dossier, (at, account))
    found = {dossier: end for dossier, end in found.items() if end[0] >= span[0]}
    complaints = complained_of(conn)
    lines = []
    for dossier, (at, account) in found.items():
        row = conn.execute(
            "SELECT received_at, due_at, supplements FROM dossiers WHERE dossier = ? AND sample = 0",
            (dossier,),
        ).fetchone()
        if row is not None:
            said = dossier in complaints, complaints.get(dossier, False)
            lines.append(Ended(row[0], row[1], row[2], at, pseudonym(account), *said))
    return tuple(lines)


def for_circular(
    known: tuple[Ended, ...], sheets: Sheets, calendar: Calendar, told: Told = Told()
) -> tuple[tt01.Dossier, ...]:
    """The system's facts of each dossier, and beside them what citizens said: which belongs to which is sealed."""
    own = [
        tt01.Dossier(
            officer=one.officer,
            whole=tt01.Spent(
                allowed=calendar.between(one.received_at, one.due_at),
                taken=calendar.between(one.received_at, one.ready_at),
            )
            if one.due_at is not None
            else None,
            contacts=one.supplements,
            complained=one.right,
            posted=told.own.posted,
            electronic=told.electronic or None,
        )
        for one in known
    ]
    said = [
        tt01.Dossier(
            answers=tt01.Answers(
                time=sheet.get("i1"),
                contacts=sheet.get("i3"),
                agencies=sheet.get("i4"),
                attitude=sheet.get("i7"),
            )
        )
        for sheet in sheets.answers
    ]
    return (*own, *said)


def for_decision(
    known: tuple[Ended, ...], overdue: tuple[qd766.Dossier, ...] = ()
) -> tuple[qd766.Dossier, ...]:
    """A dossier without a due date has no time to be late of, and is left out."""
    own = (
        qd766.Dossier(
            due=one.due_at,
            finished=one.ready_at,
            supplements=one.supplements,
            complained=one.complained,
        )
        for one in known
        if one.due_at is not None
    )
    return (*own, *overdue)


def overdue(conn: sqlite3.Connection, span: tuple[int, int], at: int) -> tuple[qd766.Dossier, ...]:
    """Those that fell due in `span`, before `at` (ms), and are still worked at."""
    rows = conn.execute(
        "SELECT dossier, due_at, supplements FROM dossiers WHERE sample = 0 AND status IN (?, ?)"
        " AND due_at >= ? AND due_at < ?",
        (
            DossierStatus.RECEIVED.value,
            DossierStatus.PROCESSING.value,
            span[0],
            min(span[1], at),
        ),
    )
    complaints = complained_of(conn)
    return tuple(
        qd766.Dossier(due=due, supplements=supplements, complained=dossier in complaints)
        for dossier, due, supplements in rows
    )


def feedback_of(
    conn: sqlite3.Connection, span: tuple[int, int], calendar: Calendar, at: int
) -> tuple[qd766.Feedback, ...]:
    """Complaints, suggestions and questions that came in `span`, in working days; praise wants no answer."""
    lines = [line for line in received(conn, span) if line.kind is not FeedbackKind.PRAISE]
    return tuple(_in_days(line, calendar, at) for line in lines)


def _in_days(line: Feedback, calendar: Calendar, at: int) -> qd766.Feedback:
    def since(moment: int | None, start: int = line.received_at) -> int | None:
        return None if moment is None else calendar.between(start, moment)

    is_over = line.status in (
        FeedbackStatus.REFUSED,
        FeedbackStatus.CLOSED,
        FeedbackStatus.PUBLISHED,
    )
    end = line.moved_at if is_over else at
    published = line.moved_at if line.status is FeedbackStatus.PUBLISHED else None
    return qd766.Feedback(
        age=calendar.between(line.received_at, end),
        sorted=line.sorted,
        refused=since(line.moved_at if line.status is FeedbackStatus.REFUSED else None),
        answered=since(line.answered_at),
        published=since(published, line.answered_at or line.received_at),
    )


def agency(
    feedback: tuple[qd766.Feedback, ...],
    procedures: int,
    told: Told = Told(),
    answer_days: int = qd766.ANSWER_DAYS,
) -> tt01.Agency:
    """Counts of the one-stop; all procedures of its catalogue are received and returned here.

    Feedback that has waited longer than `answer_days` counts as late, answered or not.
    """
    judged = [
        f
        for f in feedback
        if f.answered is not None or f.refused is not None or f.age > answer_days
    ]
    in_time = sum(
        f.refused is not None or (f.answered is not None and f.answered <= answer_days)
        for f in judged
    )
    own, month = told.own, told.by_month
    return tt01.Agency(
        level=own.level,
        procedures=procedures or None,
        here=procedures or None,
        on_spot=own.on_spot,
        posted=None if own.posted is None else procedures * own.posted,
        electronic=procedures if told.electronic and procedures else None,
        feedback=len(judged),
        feedback_in_time=in_time,
        online_procedures=own.online,
        dossiers=month.dossiers if month else None,
        online_dossiers=month.online if month else None,
        online_late=month.late if month else None,
    )
