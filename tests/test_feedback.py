"""Feedback (PAKN): numbered once, dealt with in working days, sealed, followed by its key alone."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI

from queue_server.desk import commands as c
from queue_server.doors.web.feedback import feedback_routes, tidy
from queue_server.doors.web.filings import filing_routes
from queue_server.doors.web.public.feedback import feedback_pages
from queue_server.doors.web.public.signing import Signer
from queue_server.dossiers.calendar import WorkCalendar
from queue_server.dossiers.feedback import FeedbackKind
from queue_server.dossiers.feedback import FeedbackStatus as S
from queue_server.dossiers.life import DossierStatus
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.state import apply
from queue_server.satisfaction.circular01 import over_dossiers
from queue_server.satisfaction.decision766 import satisfaction
from queue_server.store import feedback as table
from queue_server.store import keeping
from queue_server.store.law_facts import Calendar, ended, for_circular, for_decision
from queue_server.store.satisfaction import Sheets
from queue_server.store.schema import migrate
from queue_server.store.verify import verify
from queue_server.wire.filing import Feedback, encode_feedback, feedback_key, read_key, shown_key
from queue_server.wire.sealed import seal
from queue_server.wire.words import DAY, MINUTE, Role, local
from tests.desk_room import ok
from tests.filing_room import FilingRoom

FRIDAY = int(dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC).timestamp() * 1000) - 7 * 3_600_000
"""A Friday, nine in the morning in Vietnam; Tuesday 24 November is a holiday."""
WORDS = "Chị Lan ở quầy 3 hẹn ba lần, điện thoại của tôi 0912345678"


class FeedbackRoom(FilingRoom):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.now = FRIDAY
        self.signer = Signer(b"k" * 32)
        app = FastAPI()
        app.include_router(feedback_routes(self.web))
        app.include_router(feedback_pages(self.web, self.signer))
        self.app = app
        self.box = self.web.feedback_box

    def given(self, **more: Any) -> Feedback:
        kept = {"id": "visit-000001", "kind": "complaint", "words": WORDS, "submitted_at": self.now}
        return Feedback(**{**kept, **more})

    def send(self, given: Feedback, auth: tuple[str, str] | None = None) -> Any:
        body = seal(encode_feedback(given), self.web.filing_key, given.id)
        path = f"/api/feedback/{given.id}"
        return self.call("POST", path, content=body, auth=auth or self.kiosk)

    def lines(self) -> list[table.Feedback]:
        return table.listed(self.desk.log.conn, tuple(S))

    def move(self, status: S, words: str = "Trung tâm đã làm việc với quầy", at: int = 0) -> Any:
        line = self.lines()[at]
        order = c.MoveFeedback(feedback=line.feedback, status=status, words=words)
        return self.give(order, "ql", Role.MANAGER)

    def post(self, path: str, **fields: str) -> Any:  # type: ignore[override]
        return self.call("POST", path, data=fields)

    def form(self, **fields: str) -> dict[str, str]:
        signed = self.signer.sign("feedback", f"{len(self.lines()):024x}", 4e9)
        return {"id": signed, "kind": "question", "words": "Mấy giờ mở cửa?", **fields}


@pytest.fixture
def room(tmp_path: Path) -> FeedbackRoom:
    return FeedbackRoom(tmp_path)


def refused(answer: Any) -> str:
    return answer.refusal.code if answer.refusal else ""


def day(at: int | None) -> str:
    return f"{local(at or 0, 420):%d/%m %H:%M}"


def test_sent_three_times_by_a_kiosk_it_has_one_number_and_one_answer(room: FeedbackRoom) -> None:
    answers = [room.send(room.given()).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["number"] == "PA-261120-0001"
    assert answers[0]["url"] == f"https://mc.example/feedback/{answers[0]['key']}"
    assert len(room.lines()) == 1
    again = room.send(room.given(id="visit-000002")).json()
    assert again["number"] == "PA-261120-0002"
    assert again["key"] != answers[0]["key"]


def test_its_words_and_who_wrote_them_lie_under_the_seal_alone(room: FeedbackRoom) -> None:
    room.send(room.given(name="Trần Văn Tư", phone="0912345678", about="quầy 3"))
    room.move(S.ASKED, "Ông Tư cho biết ngày nào?")
    conn = room.desk.log.conn
    kept = b"".join(x for (x,) in conn.execute("SELECT body FROM events"))
    kept += b"".join(x for (x,) in conn.execute("SELECT body FROM answers"))
    kept += repr(conn.execute("SELECT * FROM feedback").fetchall()).encode()
    for secret in ("Trần Văn", "ông Tư", "Ông Tư", "0912345678", "Chị Lan"):
        assert secret.encode() not in kept
    whole = room.box.whole(room.lines()[0].feedback)
    assert whole is not None
    assert (whole.given.words, whole.given.name) == (WORDS, "Trần Văn Tư")
    assert [x.words for x in whole.said] == ["Ông Tư cho biết ngày nào?"]


def test_times_are_counted_in_working_days(room: FeedbackRoom) -> None:
    """Friday; Tuesday is a holiday: two working days are Monday and Wednesday."""
    room.send(room.given())
    line = room.lines()[0]
    assert day(line.refuse_by) == "25/11 17:00"
    assert day(line.ask_by) == "30/11 17:00"
    assert day(line.answer_by) == "14/12 17:00"
    assert line.due_at == line.refuse_by  # nobody has looked at it yet
    sort = o.SortFeedback(feedback=line.feedback, kind=FeedbackKind.SUGGESTION, service="ho_tich")
    ok(room.give(sort, "ql", Role.MANAGER))
    line = room.lines()[0]
    assert (line.kind, line.service, line.due_at) == ("suggestion", "ho_tich", line.answer_by)
    room.now = line.answer_by + 1
    ok(room.move(S.ANSWERED))
    line = room.lines()[0]
    assert line.late
    assert day(line.publish_by) == "16/12 17:00"


def test_each_step_needs_words_a_role_and_its_turn(room: FeedbackRoom) -> None:
    room.send(room.given())
    assert refused(room.move(S.PUBLISHED)) == "feedback_elsewhere"
    assert refused(room.move(S.ANSWERED, "  ")) == "words_missing"
    order = c.MoveFeedback(feedback=room.lines()[0].feedback, status=S.ANSWERED, words="Đã xong")
    assert refused(room.give(order, "hoa", Role.OFFICER)) == "not_allowed"
    ok(room.move(S.ANSWERED))
    assert refused(room.move(S.REFUSED)) == "feedback_elsewhere"
    ok(room.move(S.PUBLISHED, "Về thời gian hẹn: quầy đã rút kinh nghiệm."))
    assert room.desk.state.feedback == {}
    assert [x.words for x in room.box.published()] == ["Về thời gian hẹn: quầy đã rút kinh nghiệm."]


@pytest.mark.parametrize(("right", "seventh"), [(True, 0), (False, 1)])
def test_a_complaint_tied_to_a_dossier_is_taken_off_and_only_a_right_one_costs_the_officer(
    room: FeedbackRoom, right: bool, seventh: int
) -> None:
    room.app.include_router(filing_routes(room.web))
    sent, body = room.package()
    path = f"/api/filings/{sent}"
    number = room.call("POST", path, content=body, auth=room.kiosk).json()["code"]
    (filed,) = room.filed()
    room.desk.log.conn.execute("UPDATE dossiers SET sample = 0")
    for status in (DossierStatus.PROCESSING, DossierStatus.READY):
        ok(room.give(c.MoveDossier(dossier=filed.dossier, status=status), "hoa"))
    room.send(room.given())
    feedback = room.lines()[0].feedback
    found = c.JudgeFeedback(feedback=feedback, right=right, number=f" {number} ")
    assert refused(room.give(found, "hoa", Role.OFFICER)) == "not_allowed"
    none = c.JudgeFeedback(feedback=feedback, right=right, number="H19.15-no-such")
    assert refused(room.give(none, "ql", Role.MANAGER)) == "unknown_number"
    conn, span = room.desk.log.conn, (FRIDAY - DAY, FRIDAY + DAY)
    assert figure(conn, span) == (100.0, 1)
    ok(room.give(found, "ql", Role.MANAGER))
    ok(room.give(found, "ql", Role.MANAGER))
    assert sum(isinstance(x, e.FeedbackJudged) for x in room.events()) == 1
    assert figure(conn, span) == (0.0, seventh)
    assert not [x for x in verify(conn, None).faults if "feedback" in x.what]
    ok(room.give(c.JudgeFeedback(feedback=feedback, right=right), "ql", Role.MANAGER))
    assert figure(conn, span) == (100.0, 1), "the last word counts"
    ok(room.give(found, "ql", Role.MANAGER))
    ok(room.move(S.REFUSED))
    assert figure(conn, span) == (100.0, 1), "what was refused is no complaint"


def figure(conn: sqlite3.Connection, span: tuple[int, int]) -> tuple[float | None, float | None]:
    """5.4 of QĐ 766, and index 7 of TT 01/2018 by the system."""
    known, calendar = ended(conn, span), Calendar(WorkCalendar(), 420)
    own = over_dossiers(for_circular(known, Sheets("circular01"), calendar)).system[7].figure.value
    return satisfaction(for_decision(known), span[1]).result.figure.value, own


def test_asked_for_more_she_answers_on_her_page_and_the_days_begin_anew(
    room: FeedbackRoom,
) -> None:
    told = room.send(room.given()).json()
    room.move(S.ASKED, "Xin cho biết ngày nào?")
    path = f"/feedback/{told['key']}"
    shown = room.call("GET", path).text
    assert "Xin cho biết ngày nào?" in shown
    assert "Chị Lan" not in shown and "<textarea" in shown
    room.later(10)
    assert room.post(path, words="Hôm thứ ba").status_code == 303
    line = room.lines()[0]
    assert line.status is S.RECEIVED
    assert line.answer_by > FRIDAY + 25 * DAY
    assert "<textarea" not in room.call("GET", path).text
    assert room.post(path, words="Nữa").status_code == 303  # not asked any more: nothing happens
    whole = room.box.whole(line.feedback)
    assert whole is not None
    assert [(x.status, x.words) for x in whole.said][1:] == [("added", "Hôm thứ ba")]


def test_followed_by_number_and_key_and_by_nothing_less(room: FeedbackRoom) -> None:
    told = room.send(room.given(provisional="K1-0007")).json()
    key, number = told["key"], told["number"]

    def status(number: str, key: str) -> int:
        params = {"number": number, "key": key}
        found: int = room.call("GET", "/feedback/follow", params=params).status_code
        return found

    assert status(number, shown_key(key).lower()) == 200
    assert status("K1-0007", key) == 200
    assert status("PA-261120-0002", key) == 404
    assert status(number, "0" * 16) == 404
    assert status(number, "") == 404
    assert room.call("GET", f"/feedback/{number}").status_code == 404
    assert [status(number, "1" * 16) for _ in range(30)][-1] == 429
    found = room.box.followed(key)
    assert found is not None
    assert set(found.__struct_fields__) == {
        "number", "status", "answer_by", "due_at", "late", "told"
    }  # fmt: skip


def test_a_cut_off_kiosk_makes_the_key_itself(room: FeedbackRoom) -> None:
    key = feedback_key(bytes(range(10)))
    told = room.send(room.given(key=key, submitted_at=FRIDAY - DAY)).json()
    assert told["key"] == key
    assert read_key(shown_key(key).lower().replace("0", "o")) == key
    assert room.lines()[0].received_at == FRIDAY - DAY
    assert room.box.followed(key) is not None


def test_what_is_not_sealed_for_this_or_not_by_a_device_is_refused(room: FeedbackRoom) -> None:
    given = room.given()
    assert room.send(given, ("kiosk-1", "wrong")).status_code == 401
    other = seal(encode_feedback(given), room.web.filing_key, "visit-000009")
    path = f"/api/feedback/{given.id}"
    assert room.call("POST", path, content=other, auth=room.kiosk).status_code == 400
    assert room.call("POST", path, content=b"x" * 70_000, auth=room.kiosk).status_code == 413
    assert room.send(room.given(words=" \n\u0007")).status_code == 409
    assert room.send(room.given(kind="threat")).status_code == 409
    assert room.lines() == []
    room.away = True
    assert room.send(given).status_code == 503
    room.away = False
    assert room.send(given).status_code == 200  # what was put off is taken later


def test_hostile_words_stay_words(room: FeedbackRoom) -> None:
    words = "<script>alert(1)</script>\u202e\x00 😀 " + "á" * 10_000
    told = room.send(room.given(words=words, counter=99, service="gone")).json()
    room.move(S.ANSWERED, "<b>đậm</b>")
    shown = room.call("GET", f"/feedback/{told['key']}").text
    assert "&lt;b&gt;đậm" in shown and "<script>" not in shown
    kept = tidy(room.given(words=words)).words
    assert len(kept) == 4_000 and "\x00" not in kept and "\u202e" not in kept and "😀" in kept
    assert (room.lines()[0].service, room.lines()[0].counter) == ("", None)


def test_the_phones_form_loses_nothing_and_a_second_press_sends_nothing(
    room: FeedbackRoom,
) -> None:
    wrong = room.post("/feedback", **room.form(phone="12345"))
    assert wrong.status_code == 422
    assert "Mấy giờ mở cửa?" in wrong.text and 'value="12345"' in wrong.text
    form = room.form(phone="0912 345 678", notify="1")
    first, second = (room.post("/feedback", **form) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    shown = room.call("GET", first.headers["location"])
    assert parse_qs(urlsplit(first.headers["location"]).query) == {"new": ["1"]}
    assert "PA-261120-0001" in shown.text and "14/12/2026" in shown.text
    assert len(room.lines()) == 1
    assert room.post("/feedback", **{**form, "id": "forged"}).status_code == 422


def test_one_address_cannot_flood_the_inbox(room: FeedbackRoom) -> None:
    answers = [room.post("/feedback", **room.form()).status_code for _ in range(12)]
    assert answers[9] == 303 and answers[10:] == [429, 429]
    assert len(room.lines()) == 10


def test_no_number_is_given_twice_also_after_a_restore(room: FeedbackRoom) -> None:
    for n in range(3):
        room.send(room.given(id=f"visit-{n:06d}"))
    ok(room.give(o.OpenEpoch(why="restored"), role=None))
    room.send(room.given(id="visit-000009"))
    numbers = [x.number for x in room.lines()]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == "PA-261120-0024"
    log, state, now = room.desk.log, room.desk.state, room.now
    with log.transaction():
        keeping.jump(log, state, now + MINUTE, now, keeping.Terms(margin=5), "again")
    room.send(room.given(id="visit-000011"))
    assert room.lines()[-1].number == "PA-261120-0034"  # 24, four given at once, five of the margin
    room.later(3)
    room.send(room.given(id="visit-000010"))
    assert room.lines()[-1].number == "PA-261123-0001"


def test_a_log_of_before_says_not_where_numbers_go_on(room: FeedbackRoom) -> None:
    room.send(room.given())
    opened = e.decode_event(b'{"t":"EpochOpened","epoch":2,"next_ordinal":{}}')
    apply(room.desk.state, opened, room.now, e.Actor(device="restore"))
    assert room.desk.state.feedback_serial == 1 + 20


def test_the_log_makes_the_table_and_its_figures_anew(room: FeedbackRoom) -> None:
    for n in range(4):
        room.send(room.given(id=f"visit-{n:06d}"))
    room.move(S.ANSWERED, at=0)
    room.move(S.REFUSED, at=1)
    room.later(40)
    room.move(S.ANSWERED, at=2)
    found = table.figures(room.desk.log.conn, 0, room.now)
    assert (found.received, found.answered, found.refused) == (4, 2, 1)
    assert (found.in_time, found.overdue) == (2, 1)
    assert found.share_in_time == 0.5
    anew = sqlite3.connect(":memory:", isolation_level=None)
    migrate(anew)
    for at, body in room.desk.log.conn.execute("SELECT at, body FROM events ORDER BY seq"):
        table.project(anew, e.decode_event(body), at)
    assert table.listed(anew, tuple(S)) == room.lines()
    assert verify(room.desk.log.conn, None).faults == ()
    room.desk.log.conn.execute("DELETE FROM feedback WHERE number = 'PA-261120-0002'")
    (fault,) = verify(room.desk.log.conn, None).faults
    assert "missing from the table" in fault.what


def test_what_is_kept_no_longer_is_forgotten(room: FeedbackRoom) -> None:
    told = room.send(room.given()).json()
    room.desk.vault.purge(room.now + 11 * DAY)  # this centre keeps ten days
    assert room.box.whole(room.lines()[0].feedback) is None
    assert room.call("GET", f"/feedback/{told['key']}").status_code == 200


def test_what_an_auditor_reads_is_noted(room: FeedbackRoom) -> None:
    room.send(room.given())
    assert room.call("GET", "/api/feedback", headers=room.bearer(Role.MANAGER)).status_code == 200
    assert not [x for x in room.events() if isinstance(x, e.Noted)]
    assert room.call("GET", "/api/feedback", headers=room.bearer(Role.AUDITOR)).status_code == 200
    noted = [x for x in room.events() if isinstance(x, e.Noted)]
    assert [(x.what, x.subject) for x in noted] == [("read", "feedback")]


def test_what_the_key_does_not_open_is_told_as_gone(room: FeedbackRoom) -> None:
    room.send(room.given())
    ok(room.move(S.ANSWERED))
    ok(room.move(S.PUBLISHED))
    room.web.__dict__["master"] = bytes(32)  # kept by `cached_property`
    path = f"/api/feedback/{room.lines()[0].feedback}/open"
    assert room.call("POST", path, headers=room.bearer(Role.MANAGER)).status_code == 410
    assert room.call("GET", "/feedback/published").status_code == 200


def test_guesses_are_counted_by_all_doors_together(room: FeedbackRoom) -> None:
    tries = [room.call("GET", "/api/feedback/follow/AAAA").status_code for _ in range(30)]
    assert set(tries) == {404}
    assert room.call("GET", "/feedback/AAAA").status_code == 429


def test_pressed_again_after_no_answer_it_is_filed_once(room: FeedbackRoom) -> None:
    """The first has arrived; its answer has not come back."""
    line = room.web.replica.line
    give = line.give

    async def lost(*order: Any) -> Any:
        await give(*order)
        raise TimeoutError

    line.give = lost  # type: ignore[method-assign]
    again = room.post("/feedback", **room.form())
    assert again.status_code == 503
    line.give = give  # type: ignore[method-assign]
    found = re.search(r'name="id" value="([^"]+)"', again.text)
    assert found is not None
    sent = room.post("/feedback", **{**room.form(), "id": found.group(1)})
    assert sent.status_code == 303
    assert len(room.lines()) == 1
