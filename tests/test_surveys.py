"""Surveys as data, which visit is asked which, alerts about poor answers, and what the tables add up to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from queue_server.desk import commands as c
from queue_server.doors.web.satisfaction import Marked
from queue_server.doors.web.staff.audit import HIDDEN
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import Refused, check_setup
from queue_server.line.setup import SurveyUse
from queue_server.line.surveys import survey_of, well_timed
from queue_server.satisfaction.triggers import AlertStatus, Trigger, bad_answers, low_index
from queue_server.store.declared import Online, within
from queue_server.store.verify import verify
from queue_server.wire import messages as m
from queue_server.wire.link import new_id
from queue_server.wire.surveys import SurveyError, offered, read
from queue_server.wire.words import MINUTE, Role
from tests.desk_room import DeskRoom, ok
from tests.house import take
from tests.line_room import START, Room, small_setup

OPEN = "SELECT sum(offers), sum(silent), sum(s1), sum(s2), sum(s3), sum(s4), sum(s5) FROM rating_sums WHERE by = ''"


@pytest.fixture
def room(tmp_path: Path) -> DeskRoom:
    room = DeskRoom(tmp_path)
    ok(room.give(o.OpenCounter(counter=1), "hoa"))
    return room


def serve(room: DeskRoom) -> str:
    """One visitor comes, is served and gone; the offer."""
    ok(room.ask(take("a")))
    ticket = ok(room.give(o.CallNext(counter=1, after=""), "hoa"))["ticket"]
    ok(room.give(c.FinishService(counter=1, ticket=ticket), "hoa"))
    return list(room.desk.state.offers)[-1]


def rate(room: DeskRoom, offer: str, score: int, **more: Any) -> m.Answer:
    now = room.desk.clock.now()
    return room.ask(m.Rate(id=new_id(), offer=offer, score=score, pressed_at=now, **more))


def manager(room: DeskRoom, order: Any) -> m.Answer:
    return room.give(order, "binh", Role.MANAGER)


# --- definitions --------------------------------------------------------------------------------


def test_the_shipped_surveys_ask_what_the_law_lets_the_citizen_answer() -> None:
    known = offered()
    assert [q.id for q in known["circular01"].questions] == ["i1", "i3", "i4", "i7"]
    assert all({x.value for x in q.options} == {0, 1, 2} for q in known["circular01"].questions)
    assert len(known["sipas"].questions) == 5 and not known["sipas"].too_long
    assert not known["quick"].questions
    assert all(q.text.vi != q.text.en for s in known.values() for q in s.questions)


HEAD = 'id = "x"\ntitle = { vi = "a", en = "b" }\n'
Q = '[[questions]]\nid = "q"\ntext = { vi = "a", en = "b" }\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HEAD + Q + 'kind = "choice"', "two options"),
        (HEAD + Q + Q, "one id"),
        ("id = 3", "str"),
        ("id = ", "own.toml: Invalid value"),
    ],
)
def test_a_survey_that_cannot_be_asked_says_why(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "own.toml").write_text(text, "utf-8")
    with pytest.raises(SurveyError, match=why):
        read(tmp_path)


def test_a_survey_of_the_centres_own_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "word.toml").write_text('id = "word"\ntitle = {vi="Riêng", en="Own"}', "utf-8")
    assert offered(tmp_path)["word"].title.vi == "Riêng"


# --- of whom ------------------------------------------------------------------------------------


def test_a_share_of_visits_is_asked_and_always_the_same() -> None:
    half = replace(small_setup(), surveys=(SurveyUse(survey="sipas", share=0.5),))
    drawn = [survey_of(half, f"offer{n}", "a", 1, START) for n in range(2000)]
    assert 900 < drawn.count("sipas") < 1100
    assert drawn == [survey_of(half, f"offer{n}", "a", 1, START) for n in range(2000)]


def test_where_and_when_it_is_asked() -> None:
    use = SurveyUse(survey="word", counters=(2,), from_time="13:00", since="2000-01-01")
    one = replace(small_setup(), surveys=(use,))
    assert survey_of(one, "x", "a", 1, START) == ""
    assert survey_of(one, "x", "a", 2, START) == "", "it is morning"
    late = START + 8 * 60 * MINUTE
    assert survey_of(one, "x", "a", 2, late) == "word"
    assert not well_timed(replace(use, to_time="9:00"))
    assert not well_timed(replace(use, until="1999-12-31"))


def test_a_manager_chooses_and_a_survey_that_is_none_is_refused(room: DeskRoom) -> None:
    uses = (SurveyUse(survey="circular01"),)
    ok(manager(room, o.ChooseSurveys(uses=uses)))
    assert room.desk.state.setup.surveys == uses
    refused = manager(room, o.ChooseSurveys(uses=(SurveyUse(survey="none"),)))
    assert refused.refusal and refused.refusal.code == "unknown_survey"
    refused = room.give(o.ChooseSurveys(uses=uses))
    assert refused.refusal and refused.refusal.code == "not_allowed"
    bad = (replace(uses[0], share=1.5),)
    refused = manager(room, o.ChooseSurveys(uses=bad))
    assert refused.refusal and refused.refusal.code == "bad_share"


def test_a_manager_chooses_what_opens_an_alert_and_never_so_that_it_tells_one_answer(
    room: DeskRoom,
) -> None:
    worst = bad_answers("worst", times=3)
    refused = room.give(o.ChooseTriggers(triggers=(worst,)))
    assert refused.refusal and refused.refusal.code == "not_allowed"
    ok(manager(room, o.ChooseTriggers(triggers=(worst,))))
    for wrong in (
        (replace(worst, limit=1),),
        (replace(low_index(), fewest=1),),
        (replace(worst, minutes=600),),
        (worst, worst),
    ):
        refused = manager(room, o.ChooseTriggers(triggers=wrong))
        assert refused.refusal and refused.refusal.code == "bad_trigger"
    elsewhere = replace(worst, service="none")
    refused = manager(room, o.ChooseTriggers(triggers=(elsewhere,)))
    assert refused.refusal and refused.refusal.code == "unknown_service"
    assert room.desk.state.setup.triggers == (worst,)
    for _ in range(3):
        ok(rate(room, serve(room), 1))
    room.give(o.PassTime(), role=None)
    assert [alert.trigger for alert in room.desk.state.alerts.values()] == ["worst"]
    ok(manager(room, o.ChooseTriggers(triggers=())))
    room.give(o.PassTime(), role=None)
    (alert,) = room.desk.state.alerts.values()
    assert alert.status is AlertStatus.CLOSED, "what is watched no more is no alert"


def test_a_month_that_has_ended_is_told_and_stands_in_the_log(room: DeskRoom) -> None:
    told = o.DeclareOnline(month="2020-01", dossiers=200, online=60, late=1)
    refused = room.give(told)
    assert refused.refusal and refused.refusal.code == "not_allowed"
    for wrong, code in (
        (replace(told, month="2999-01"), "bad_month"),
        (replace(told, month="2020-1"), "bad_month"),
        (replace(told, online=201), "bad_counts"),
        (replace(told, late=-1), "bad_counts"),
    ):
        refused = manager(room, wrong)
        assert refused.refusal and refused.refusal.code == code
    ok(manager(room, told))
    assert within(room.desk.log.conn, ["2020-01"]) == Online(dossiers=200, online=60, late=1)
    assert verify(room.desk.log.conn, None).faults == ()


def test_answers_that_do_not_fit_are_left_out_and_the_rating_counts(room: DeskRoom) -> None:
    ok(manager(room, o.ChooseSurveys(uses=(SurveyUse(survey="circular01"),))))
    offer = serve(room)
    assert room.desk.offer_at(1) is not None and room.desk.offer_at(1).survey == "circular01"  # type: ignore[union-attr]
    ok(rate(room, offer, 5, answers={"i1": 2, "i3": 7, "other": 1}, shown=9))
    found = room.desk.log.conn.execute("SELECT score, answers, shown FROM ratings").fetchall()
    assert found == [(5, '{"i1": 2}', 4)]


def test_a_survey_whose_file_is_gone_does_not_bar_the_choice_of_others(room: DeskRoom) -> None:
    kept, gone = SurveyUse(survey="sipas"), SurveyUse(survey="word")
    ok(manager(room, o.ChooseSurveys(uses=(kept, gone))))
    room.desk.surveys = {"circular01": offered()["circular01"]}
    ok(manager(room, o.ChooseSurveys(uses=(gone,))))


@pytest.mark.parametrize("wrong", [{"fewest": 3}, {"worst": 5}, {"minutes": 61}, {"limit": 0}])
def test_a_trigger_that_cannot_be_reckoned_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Refused, match="bad_setup"):
        check_setup(replace(small_setup(), triggers=(Trigger(id="x", **wrong),)))  # type: ignore[arg-type]


def test_waiting_is_summed_over_errands_without_the_service_between() -> None:
    room = Room()
    room.do(o.OpenCounter(counter=1), 0, "hoa")
    room.do(o.IssueTicket(service="a", then=("b",), visit="v", token_hash="t"), 0)
    (ticket,) = room.state.tickets
    room.do(o.CallNext(counter=1, after=""), 10, "hoa")
    room.do(o.Finish(counter=1, ticket=ticket, offer="o1"), 50, "hoa")
    room.do(o.CallNext(counter=1, after=""), 55, "hoa")
    room.do(o.Finish(counter=1, ticket=ticket, offer="o2"), 60, "hoa")
    (opened,) = [x for x, _, _ in room.events if isinstance(x, e.OfferOpened)]
    assert opened.waited == 15


def test_marked_answers_are_told_in_fives() -> None:
    assert [Marked(reason="stuck", counter=1, count=n).told for n in (1, 5, 9)] == [0, 5, 5]


def test_the_audit_hides_what_one_visitor_answered() -> None:
    told = {"score", "reasons", "answers", "shown", "pressed_at"}
    assert told <= HIDDEN


# --- what the tables add up to ------------------------------------------------------------------


def test_sums_follow_each_offer_answer_and_silence(room: DeskRoom) -> None:
    first, second, _ = (serve(room) for _ in range(3))
    ok(rate(room, first, 5))
    ok(room.ask(m.StaySilent(id=new_id(), offer=second)))
    assert room.desk.log.conn.execute(OPEN).fetchone() == (3, 1, 0, 0, 0, 0, 1)
    ok(rate(room, second, 2))  # by phone, after the tablet had given up
    again = rate(room, first, 1)
    assert again.refusal and again.refusal.code == "rated_already"
    assert room.desk.log.conn.execute(OPEN).fetchone() == (3, 0, 0, 1, 0, 0, 1)
    row = room.desk.log.conn.execute(
        "SELECT officer, waited, opened_at < next_at FROM ratings WHERE offer = ?", (first,)
    ).fetchone()
    assert row[0] and row[2] == 1, "who served, and that the next one was called after"


def test_what_was_undone_was_never_asked(room: DeskRoom) -> None:
    first = serve(room)
    ok(room.ask(m.StaySilent(id=new_id(), offer=first)))
    ok(room.give(o.Undo(counter=1), "hoa"))
    assert room.desk.log.conn.execute("SELECT count(*) FROM rating_sums").fetchone() == (0,)
    held = room.desk.state.counters[1].ticket
    assert held is not None
    ok(room.give(c.FinishService(counter=1, ticket=held), "hoa"))
    assert room.desk.log.conn.execute(OPEN).fetchone() == (1, 0, 0, 0, 0, 0, 0)
    assert not verify(room.desk.log.conn, None).faults


def test_the_tables_are_what_the_log_says(room: DeskRoom) -> None:
    ok(rate(room, serve(room), 3))
    serve(room)
    assert not verify(room.desk.log.conn, None).faults
    room.desk.log.conn.execute("UPDATE rating_sums SET s3 = s3 + 1 WHERE by = 'wait'")
    assert [fault.what for fault in verify(room.desk.log.conn, None).faults] == [
        "rating_sums: 2 lines differ from what the ratings add up to"
    ]


# --- alerts -------------------------------------------------------------------------------------


def poor_minutes(room: DeskRoom) -> str:
    for score in (1, 2, 1, 5):
        ok(rate(room, serve(room), score))
    ok(room.give(o.PassTime(), role=None))
    (alert,) = room.desk.state.alerts
    return str(alert)


def test_half_poor_answers_within_a_quarter_of_an_hour_call_a_manager(room: DeskRoom) -> None:
    for score in (1, 2, 1):
        ok(rate(room, serve(room), score))
    ok(room.give(o.PassTime(), role=None))
    assert not room.desk.state.alerts, "three answers are too few"
    ok(rate(room, serve(room), 5))
    ok(room.give(o.PassTime(), role=None))
    (alert,) = room.desk.state.alerts.values()
    assert (alert.reading.value, alert.reading.n) == (75.0, 4)
    assert alert.moment.counters_open >= 1


def test_an_alert_is_taken_then_closed_with_words_that_are_sealed(room: DeskRoom) -> None:
    alert = poor_minutes(room)
    close = c.MoveAlert(alert=alert, status=AlertStatus.CLOSED, words="Đã mở thêm quầy 2")
    refused = manager(room, close)
    assert refused.refusal and refused.refusal.code == "not_acknowledged"
    ok(manager(room, c.MoveAlert(alert=alert, status=AlertStatus.ACKNOWLEDGED)))
    ok(manager(room, close))
    assert room.desk.state.alerts[alert].status is AlertStatus.CLOSED
    said = room.desk.vault.find(f"alert:{alert}", "words")
    assert said == ["Đã mở thêm quầy 2".encode()]
    bodies = b"".join(r[0] for r in room.desk.log.conn.execute("SELECT body FROM events"))
    assert "thêm quầy".encode() not in bodies
    refused = room.give(close)
    assert refused.refusal and refused.refusal.code == "not_allowed"


def test_the_seal_is_opened_by_the_roles_of_the_settings_alone(room: DeskRoom) -> None:
    offer = serve(room)
    ok(rate(room, offer, 1))
    ask = c.OpenSeal(offer=offer, reason="Khiếu nại số 3")
    ok(manager(room, ask))
    rules = replace(room.desk.state.setup.rules, seal_roles=("auditor",))
    changed = replace(room.desk.state.setup, rules=rules)
    ok(room.give(o.ChangeSetup(setup=changed, why="seal"), "admin", Role.ADMINISTRATOR))
    refused = manager(room, ask)
    assert refused.refusal and refused.refusal.code == "not_allowed"
    noted = room.desk.log.conn.execute(
        "SELECT count(*) FROM events WHERE kind = 'Noted' AND CAST(body AS TEXT) LIKE '%seal_opened%'"
    ).fetchone()
    assert noted == (1,)
