"""The desk: answers given once, seals, roles, what is said in public; on a real database."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from queue_server.desk import commands as c
from queue_server.desk import public
from queue_server.desk.desk import Request
from queue_server.desk.estimates import Newcomer, Table
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.moves import Move, MoveKind
from queue_server.line.times import Times
from queue_server.store.vault import CannotUnseal, Vault, master_key
from queue_server.wire import messages as m
from queue_server.wire.link import new_id
from queue_server.wire.words import DAY, SECOND, Estimate, Role
from tests.desk_room import DeskRoom, ok
from tests.house import take

CODE = "H19.15-261122-4321"
MOVE = Move(
    id="m",
    kind=MoveKind.HELP,
    service="a",
    counter=3,
    serves=("b", "a"),
    until=1 << 50,
    without=19,
    expected=12,
    made=0,
)


@pytest.fixture
def room(tmp_path: Path) -> DeskRoom:
    room = DeskRoom(tmp_path)
    ok(room.give(o.OpenCounter(counter=1), "hoa"))
    return room


def served(room: DeskRoom, *dossiers: str) -> str:
    """One whole visit; returns the offer that it ended with."""
    ok(room.ask(take("a")))
    ticket = ok(room.give(o.CallNext(counter=1, after=""), "hoa"))["ticket"]
    ok(room.give(c.FinishService(counter=1, ticket=ticket, dossiers=dossiers), "hoa"))
    offers = [x.offer for x in room.events() if isinstance(x, e.OfferOpened)]
    return offers[-1]


def everything_written(room: DeskRoom) -> bytes:
    room.desk.log.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return room.path.read_bytes()


def test_the_same_id_gives_the_same_answer_also_when_it_was_a_refusal(room: DeskRoom) -> None:
    assert room.ask(take("zzz")).refusal is not None
    refused = take("zzz")
    first = room.ask(refused)
    assert room.ask(refused) == first
    room.open()
    assert room.ask(refused) == first


def test_a_phone_and_a_dossier_code_are_sealed_and_never_stand_in_the_log(room: DeskRoom) -> None:
    ok(room.ask(take("a", phone="0912345678", dossier_code=CODE)))
    issued = next(x for x in room.events() if isinstance(x, e.TicketIssued))
    assert issued.sealed
    assert b"0912345678" in (room.desk.vault.open(issued.sealed) or b"")
    written = everything_written(room)
    assert b"0912345678" not in written
    assert CODE.encode() not in written


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"phone": "12345"}, "bad_phone"),
        ({"phone": "0112345678"}, "bad_phone"),
        ({"dossier_code": "H19-999999-0001"}, "bad_dossier_code"),
    ],
)
def test_a_wrong_phone_or_code_is_told_and_makes_no_ticket(
    room: DeskRoom, wrong: dict[str, str], code: str
) -> None:
    answer = room.ask(take("a", **wrong))
    assert answer.refusal is not None
    assert answer.refusal.code == code
    assert not room.desk.state.tickets


def test_dossiers_of_a_visit_are_sealed_and_a_wrong_one_keeps_the_visit_open(
    room: DeskRoom,
) -> None:
    ok(room.ask(take("a")))
    ticket = ok(room.give(o.CallNext(counter=1), "hoa"))["ticket"]
    wrong = room.give(c.FinishService(counter=1, ticket=ticket, dossiers=(CODE, "x9z8")), "hoa")
    assert wrong.refusal is not None
    assert "“x9z8”" in wrong.refusal.vi
    ok(room.give(c.FinishService(counter=1, ticket=ticket, dossiers=(CODE, CODE)), "hoa"))
    finished = [x for x in room.events() if isinstance(x, e.ServiceFinished)]
    assert [x.dossiers for x in finished] == [1]
    assert CODE.encode() not in everything_written(room)
    assert b"x9z8" not in everything_written(room)


def test_a_rating_stands_beside_its_dossier_only_through_the_seal(room: DeskRoom) -> None:
    offer = served(room, CODE)
    rate = m.Rate(id=new_id(), offer=offer, score=2, pressed_at=0, words="chờ lâu quá")
    ok(room.ask(rate, "tablet-1"))
    assert "chờ lâu quá".encode() not in everything_written(room)
    rated = [x for x in room.events() if isinstance(x, e.RatingGiven)]
    assert "ticket" not in rated[0].__struct_fields__
    denied = room.give(c.OpenSeal(offer=offer, reason="khiếu nại"), "hoa", Role.OFFICER)
    assert denied.refusal is not None
    assert denied.refusal.code == "not_allowed"
    opened = ok(room.give(c.OpenSeal(offer=offer, reason="khiếu nại"), "sep", Role.MANAGER))
    assert opened["dossiers"] == [CODE]
    assert opened["words"] == "chờ lâu quá"
    assert CODE.encode() not in everything_written(room)
    noted = [x for x in room.events() if isinstance(x, e.Noted) and x.what == "seal_opened"]
    assert [x.subject for x in noted] == [offer]


def test_opening_a_seal_needs_a_reason(room: DeskRoom) -> None:
    answer = room.give(c.OpenSeal(offer=served(room), reason=" "), "sep", Role.MANAGER)
    assert answer.refusal is not None
    assert answer.refusal.code == "reason_missing"


def test_a_rating_is_counted_once_over_tablet_and_terminal(room: DeskRoom) -> None:
    offer = served(room)
    ok(room.ask(m.Rate(id=new_id(), offer=offer, score=5, pressed_at=0), "tablet-1"))
    again = room.ask(m.Rate(id=new_id(), offer=offer, score=1, pressed_at=0), "tablet-1")
    assert again.refusal is not None
    assert again.refusal.code == "rated_already"
    press = m.RatePressed(id=new_id(), counter=1, score=1, terminal="b1")
    assert room.ask(press, "bridge-1").refusal is not None
    rows = room.desk.log.conn.execute("SELECT offer, score FROM ratings").fetchall()
    assert rows == [(offer, 5)]


def test_a_terminal_rates_for_its_own_counter_only(room: DeskRoom) -> None:
    served(room)
    press = m.RatePressed(id=new_id(), counter=1, score=4, terminal="b1")
    denied = room.ask(press, "bridge-2", counter=2)
    assert denied.refusal is not None
    assert denied.refusal.code == "not_allowed"
    ok(room.ask(m.RatePressed(id=new_id(), counter=1, score=4, terminal="b1"), "bridge-1"))


# --- the officer's keypad ---


def key(which: m.Key, counter: int = 1, **more: int) -> m.KeyPressed:
    return m.KeyPressed(id=new_id(), counter=counter, key=which, terminal="k1", **more)


def refused(answer: m.Answer) -> str:
    return answer.refusal.code if answer.refusal is not None else ""


def test_the_keys_do_what_her_page_would_do_and_in_her_name(room: DeskRoom) -> None:
    for _ in range(2):
        ok(room.ask(take("a")))
    for which in (m.Key.NEXT, m.Key.RECALL, m.Key.NO_SHOW, m.Key.NEXT, m.Key.FINISH):
        ok(room.ask(key(which), "bridge-1"))
    done = [x for change in room.changes for x in change.entries if x.actor.device == "bridge-1"]
    assert [type(x.event) for x in done] == [
        e.TicketCalled,
        e.TicketRecalled,
        e.TicketNoShow,
        e.TicketCalled,
        e.ServiceStarted,
        e.ServiceFinished,
        e.OfferOpened,
    ]
    assert {x.actor.account for x in done} == {"hoa"}
    assert room.desk.offer_at(1) is not None


def test_next_on_the_keypad_finishes_who_is_being_served_and_she_can_undo_it(
    room: DeskRoom,
) -> None:
    for _ in range(2):
        ok(room.ask(take("a")))
    first = ok(room.give(o.CallNext(counter=1, after=""), "hoa"))["ticket"]
    ok(room.give(o.Start(counter=1), "hoa"))
    ok(room.ask(key(m.Key.NEXT), "bridge-1"))
    assert room.desk.state.counters[1].ticket != first
    ok(room.give(o.Undo(counter=1), "hoa"))


def test_a_second_next_for_a_visitor_who_is_just_called_is_refused(room: DeskRoom) -> None:
    for _ in range(2):
        ok(room.ask(take("a")))
    ok(room.ask(key(m.Key.NEXT), "bridge-1"))
    assert refused(room.ask(key(m.Key.NEXT), "bridge-1")) == "counter_busy"


def test_the_same_key_heard_twice_acts_once(room: DeskRoom) -> None:
    ok(room.ask(take("a")))
    pressed = key(m.Key.NEXT)
    assert room.ask(pressed, "bridge-1") == room.ask(pressed, "bridge-1")
    assert len([x for x in room.events() if isinstance(x, e.TicketCalled)]) == 1


@pytest.mark.parametrize(
    ("pressed", "code"),
    [
        (key(m.Key.NEXT), "nobody_waits"),
        (key(m.Key.FINISH), "nobody_at_counter"),
        (key(m.Key.NO_SHOW), "nobody_at_counter"),
        (key(m.Key.RECALL), "nobody_at_counter"),
        (key(m.Key.NEXT, counter=2), "counter_closed"),
        (key(m.Key.NEXT, counter=99), "unknown_counter"),
        (key(m.Key.NEXT, age_ms=10_001), "key_stale"),
        (key(m.Key.NEXT, age_ms=1, at=1), "key_stale"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_key_that_cannot_be_carried_out_is_refused_with_its_reason(
    room: DeskRoom, pressed: m.KeyPressed, code: str
) -> None:
    answer = room.ask(pressed, "bridge-1")
    assert refused(answer) == code
    assert answer.refusal is not None and answer.refusal.vi and answer.refusal.en


def test_a_keypad_serves_its_own_counter_only(room: DeskRoom) -> None:
    ok(room.ask(take("a")))
    assert refused(room.ask(key(m.Key.NEXT), "bridge-2", counter=2)) == "not_allowed"


def test_the_offer_on_the_tablet_shows_the_number_also_after_a_restart(room: DeskRoom) -> None:
    served(room)
    shown = room.desk.offer_at(1)
    assert shown is not None
    assert shown.number == "A001"
    room.open()
    again = room.desk.offer_at(1)
    assert again == shown


def test_next_finishes_and_calls_in_one_press_and_opens_an_offer(room: DeskRoom) -> None:
    ok(room.ask(take("a")))
    ok(room.ask(take("a")))
    first = ok(room.give(o.CallNext(counter=1, after=""), "hoa"))["ticket"]
    ok(room.give(o.Start(counter=1), "hoa"))
    second = ok(room.give(o.CallNext(counter=1, after=first), "hoa"))["ticket"]
    assert second != first
    shown = room.desk.offer_at(1)
    assert shown is not None
    assert shown.number == "A001"


def test_roles_open_their_own_orders_only(room: DeskRoom) -> None:
    for role, order, allowed in (
        (Role.AUDITOR, o.CallNext(counter=1), False),
        (Role.GUIDE, o.EndDay(), False),
        (Role.OFFICER, o.SuspendService(service="a", reason="x"), False),
        (Role.MANAGER, o.SuspendService(service="a", reason="x"), True),
        (Role.TECHNICIAN, o.ChangeServes(counter=1, serves=("a",)), False),
        (Role.ADMINISTRATOR, o.PassTime(), False),
    ):
        answer = room.give(order, "hoa", role)
        assert (answer.refusal is None or answer.refusal.code != "not_allowed") == allowed


def test_a_defect_in_one_request_does_not_touch_the_others(
    room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = room.desk.allowed

    def broken(request: Request, order: type) -> None:
        if request.id == "bad":
            raise ZeroDivisionError
        real(request, order)

    monkeypatch.setattr(room.desk, "allowed", broken)
    answers: dict[str, m.Answer] = {}
    actor = e.Actor(device="kiosk-1")

    def request(ask_id: str) -> Request:
        body = m.TakeTicket(id=ask_id, service="a", asked_at=int(time.time() * 1000))
        return Request(ask_id, "take_ticket", actor, body, lambda a: answers.update({ask_id: a}))

    room.desk.carry_out([request("one"), request("bad"), request("two")])
    assert answers["bad"].refusal is not None
    assert answers["bad"].refusal.code == "internal"
    assert answers["one"].refusal is None
    assert answers["two"].refusal is None
    numbers = [t.number for t in room.desk.state.tickets.values()]
    assert numbers == ["A001", "A002"]


def test_public_messages_hold_numbers_and_no_person(room: DeskRoom) -> None:
    ok(room.ask(take("a", phone="0912345678", priority="old")))
    ok(room.give(o.CallNext(counter=1), "hoa"))
    at = room.desk.clock.now()
    said = m.encode(public.line_state(room.desk.state, room.desk.estimates, at))
    said += m.encode(public.counter_state(room.desk.state, 1, at))
    assert b"A001" in said
    ticket = next(iter(room.desk.state.tickets.values()))
    for secret in ("0912345678", ticket.token, ticket.visit, "old"):
        assert secret.encode() not in said


def test_forgetting_a_visit_destroys_its_key_and_what_it_sealed(tmp_path: Path) -> None:
    room = DeskRoom(tmp_path)
    vault, conn = room.desk.vault, room.desk.log.conn
    ref = vault.seal("v1", "contact", b"0912345678", purge_at=1000)
    kept = vault.seal("v2", "contact", b"0987654321", purge_at=10 * DAY)
    assert vault.purge(now=2000) == 1
    assert vault.open(ref) is None
    assert vault.open(kept) == b"0987654321"
    assert conn.execute("SELECT visit FROM vault_purged").fetchall() == [("v1",)]


def test_another_master_key_opens_nothing(tmp_path: Path) -> None:
    room = DeskRoom(tmp_path)
    ref = room.desk.vault.seal("v1", "contact", b"x", purge_at=1)
    other = Vault(room.desk.log.conn, master_key(tmp_path / "other" / "master.key"))
    with pytest.raises(CannotUnseal):
        other.open(ref)
    assert (tmp_path / "other" / "master.key").stat().st_mode & 0o777 == 0o600


def test_what_the_visitor_was_told_and_what_is_known_of_her_visit_stand_in_the_log(
    room: DeskRoom,
) -> None:
    newcomer = Newcomer(
        service="a",
        priority=False,
        ahead=0,
        estimate=Estimate(minutes=5, low=2, high=9),
        each=4.0,
    )
    room.desk.estimates.replace(Table(at=room.desk.clock.now(), newcomers=(newcomer,)))
    ok(room.ask(take("a")))
    told = ok(room.ask(take("a", prepared=True, copies=5000, supplement=True)))["estimate"]
    issued = [x for x in room.events() if isinstance(x, e.TicketIssued)][-1]
    assert told == {"minutes": 9.0, "low": 6.0, "high": 13.0}
    assert issued.told == Estimate(minutes=9, low=6, high=13)
    assert (issued.prepared, issued.copies, issued.supplement) == (True, 999, True)


def test_who_comes_at_a_time_of_her_own_is_told_no_wait(room: DeskRoom) -> None:
    estimate = Estimate(minutes=5, low=2, high=9)
    newcomer = Newcomer(service="a", priority=False, ahead=0, estimate=estimate, each=4.0)
    room.desk.estimates.replace(Table(at=room.desk.clock.now(), newcomers=(newcomer,)))
    at = room.desk.clock.now() + 2 * SECOND
    assert "estimate" not in ok(room.ask(take("a", booked=at)))


@pytest.mark.parametrize("role", list(Role))
def test_moves_are_answered_by_those_who_lead_the_centre_alone(room: DeskRoom, role: Role) -> None:
    refusal = room.give(o.AcceptMove(move="none"), "x", role).refusal
    leads = role in (Role.MANAGER, Role.ADMINISTRATOR)
    assert refusal is not None
    assert refusal.code == ("unknown_move" if leads else "not_allowed")


@pytest.mark.parametrize("order", [o.LearnTimes(times=Times()), o.ProposeMove(move=MOVE)])
def test_no_role_may_speak_for_the_twin(room: DeskRoom, order: o.AnyOrder) -> None:
    for role in (*Role, None):
        refusal = room.give(order, "x", role).refusal
        assert refusal is not None
        assert refusal.code == "not_allowed"


def test_a_move_under_way_outlasts_a_restart_also_from_a_snapshot(room: DeskRoom) -> None:
    ok(room.give(o.OpenCounter(counter=3), "mai"))
    twin = e.Actor(device="twin")
    ok(room._carry(o.ProposeMove(move=MOVE), twin, None, new_id()))
    ok(room.give(o.AcceptMove(move="m"), "lead", Role.MANAGER))
    before = room.desk.state
    room.open()
    assert room.desk.state == before
    with room.desk.log.transaction():
        room.desk.log.snapshot(before)
    ok(room.give(o.RefuseMove(move="m"), "lead", Role.MANAGER))
    room.open()
    assert room.desk.state.counters[3].serves == ("b",)


def test_a_snapshot_of_the_program_before_moves_is_read_as_it_is(room: DeskRoom) -> None:
    ok(room.ask(take("a")))
    old = msgspec.to_builtins(room.desk.state)
    for name in ("moves", "times", "scores", "scores_before"):
        old.pop(name, None)
    for field in ("told", "prepared", "copies", "supplement", "scored"):
        for ticket in old["tickets"].values():
            ticket.pop(field, None)
    state = msgspec.json.decode(msgspec.json.encode(old), type=type(room.desk.state))
    assert state == room.desk.state


def test_whether_a_request_made_a_ticket_is_looked_up_in_an_index(room: DeskRoom) -> None:
    """It is asked at each late hand-over, of a log of years."""
    query = "SELECT 1 FROM events WHERE kind = 'TicketIssued' AND order_id = ?"
    plan = room.desk.log.conn.execute(f"EXPLAIN QUERY PLAN {query}", ("x",)).fetchall()
    assert "events_tickets" in plan[0][-1]
