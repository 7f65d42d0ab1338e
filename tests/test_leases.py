"""Numbers leased to kiosks: never given twice, never by the ordinary line, each counted once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import Refused, decide
from queue_server.line.outcome import HandedOver, Issued, Leased
from queue_server.line.setup import Service
from queue_server.line.state import State, Ticket, apply
from queue_server.twin.from_log import days_of
from queue_server.wire.words import MINUTE, TicketStatus, day_of
from tests.line_room import START, Room, names, small_setup

TODAY = day_of(START, 420)


class LeaseRoom(Room):
    """Two kiosks; `do_as` orders for one of them."""

    def do_as(self, device: str, order: o.AnyOrder, at: float = 0) -> object:
        now, actor = START + int(at * MINUTE), e.Actor(device=device)
        events, reply = decide(self.state, order, now, actor)
        for event in events:
            apply(self.state, event, now, actor)
            self.events.append((event, now, actor))
        return reply

    def lease(self, device: str = "k1", at: float = 0, **more: object) -> Leased:
        reply = self.do_as(device, o.LeaseNumbers(**more), at)  # type: ignore[arg-type]
        assert isinstance(reply, Leased)
        return reply

    def hand_over(
        self, number: str, came: float, at: float, device: str = "k1", **more: object
    ) -> HandedOver:
        values: dict[str, object] = {
            "number": number,
            "service": "a",
            "day": TODAY,
            "issued_at": START + int(came * MINUTE),
            "ask": f"{device}/{number}",
            "token_hash": f"t-{device}-{number}",
            **more,
        }
        reply = self.do_as(device, o.HandOver(**values), at)  # type: ignore[arg-type]
        assert isinstance(reply, HandedOver)
        return reply

    def found(self, number: str) -> Ticket:
        return next(t for t in self.state.tickets.values() if t.number == number)


@pytest.fixture
def room() -> LeaseRoom:
    return LeaseRoom()


# --- leasing --------------------------------------------------------------------------------------


def test_a_lease_comes_from_the_bands_end_and_the_line_begins_at_one(room: LeaseRoom) -> None:
    one, other = room.lease("k1"), room.lease("k2")
    assert one.day == TODAY
    assert (one.numbers["a"][0], one.numbers["a"][-1]) == ("A980", "A999")
    assert (other.numbers["a"][0], other.numbers["a"][-1]) == ("A960", "A979")
    assert room.ticket(room.take()).number == "A001"


def test_who_has_half_of_it_left_gets_no_more_and_then_it_is_filled_up(room: LeaseRoom) -> None:
    room.lease()
    assert room.lease(have={"a": 11, "b": 11}).numbers == {}
    assert len(room.lease(have={"a": 10, "b": 11}).numbers["a"]) == 10


def test_a_suspended_service_gets_no_lease_and_lease_0_turns_it_off(room: LeaseRoom) -> None:
    room.do(o.SuspendService(service="a", reason="Mất điện"))
    assert set(room.lease().numbers) == {"b"}
    assert LeaseRoom(setup=small_setup(lease_numbers=0)).lease().numbers == {}


def test_a_kiosk_that_loses_its_disk_again_and_again_empties_no_band(room: LeaseRoom) -> None:
    given = [number for _ in range(9) for number in room.lease().numbers.get("a", ())]
    assert len(given) == len(set(given)) == 60
    room.hand_over(given[0], 1, 2)
    assert len(room.lease().numbers["a"]) == 1


def test_where_few_numbers_remain_the_lease_is_small_and_the_line_passes_over_it() -> None:
    setup = small_setup()
    setup = replace(setup, services=(Service(id="a", letter="A", name=names("A"), last=40),))
    room = LeaseRoom(setup=replace(setup, counters=(), officers=()))
    leased = room.lease().numbers["a"]
    assert len(leased) == 10
    given = [room.ticket(room.take()).number for _ in range(40)]
    assert given[29:32] == ["A030", "A1000", "A1001"]
    assert not set(given) & set(leased)


def test_a_lease_ends_with_its_day(room: LeaseRoom) -> None:
    first = room.lease()
    tomorrow = room.lease("k2", at=24 * 60)
    assert tomorrow.day > first.day
    assert tomorrow.numbers["a"][-1] == "A999"
    assert room.state.leases[0].device == "k2"
    room.do(o.EndDay(), 24 * 60 + 1)
    with pytest.raises(Refused, match="day_ended"):
        room.lease(at=24 * 60 + 2)


# --- handing over ---------------------------------------------------------------------------------


def test_who_waited_while_cut_off_stands_where_she_came() -> None:
    room = LeaseRoom(setup=small_setup(policy="first"))
    number = room.lease().numbers["a"][0]
    early = room.take(at=1)
    late = room.take(at=30)
    done = room.hand_over(number, came=5, at=60, priority="gone", procedure="1.001193")
    ticket = room.ticket(done.ticket)
    assert (ticket.number, ticket.offline, ticket.priority) == (number, True, None)
    assert ticket.arrived == ticket.waiting_from == START + 5 * MINUTE
    assert ticket.wait(START + 60 * MINUTE) == 55 * MINUTE
    assert ticket.token == f"t-k1-{number}"
    room.open(1, at=61)
    assert [room.call(at=61)] == [early]
    room.finish(at=62)
    assert room.call(at=62) == done.ticket
    room.finish(at=63)
    assert room.call(at=63) == late
    assert room.replayed() == room.state


def test_handed_over_twice_it_is_counted_once(room: LeaseRoom) -> None:
    number = room.lease().numbers["a"][0]
    first = room.hand_over(number, 5, 60)
    count = len(room.events)
    assert room.hand_over(number, 5, 61).ticket == first.ticket
    assert len(room.events) == count


@pytest.mark.parametrize(
    ("said", "means"), [(-3 * 1440, -450), (5, 5), (70, 60), (1440, 60), (10 * 1440, 60)]
)
def test_no_clock_of_a_kiosk_makes_her_come_tomorrow_or_before_the_day(
    room: LeaseRoom, said: float, means: float
) -> None:
    """Minutes after 7:30; handed over at 8:30."""
    number = room.lease().numbers["a"][0]
    assert room.hand_over(number, said, 60).arrived == START + means * MINUTE


def test_the_order_of_a_kiosks_visitors_stays_whatever_its_clock_said(room: LeaseRoom) -> None:
    numbers = room.lease().numbers["a"]
    said = (10, -1440, 12, 11)
    came = [room.hand_over(n, x, 60).arrived for n, x in zip(numbers, said, strict=False)]
    assert came == sorted(came)


def test_after_the_day_she_is_counted_and_waits_in_no_line(room: LeaseRoom) -> None:
    one, two, *_ = room.lease().numbers["a"]
    room.do(o.EndDay(), 570)
    assert room.hand_over(one, 500, 580).late
    assert room.found(one).status is TicketStatus.EXPIRED
    room.do(o.PassTime(), 1440)
    done = room.hand_over(two, 501, 1441, printed="confirmed")
    assert done.late and done.arrived == START + 501 * MINUTE
    assert done.ticket not in room.state.tickets
    issued = [x for x, _, _ in room.events if isinstance(x, e.TicketIssued)]
    assert [(x.number, x.late) for x in issued] == [(one, False), (two, True)]
    assert room.hand_over(two, 501, 1442, known=True).ticket == done.ticket
    assert room.replayed() == room.state


def test_yesterdays_number_is_no_double_of_todays(room: LeaseRoom) -> None:
    number = room.lease().numbers["a"][0]
    room.do(o.PassTime(), 1440)
    today = day_of(START + 1440 * MINUTE, 420)
    assert number in room.lease("k2", 1440).numbers["a"]
    theirs = room.hand_over(number, 1441, 1442, "k2", day=today)
    done = room.hand_over(number, 501, 1443)
    assert done.late and theirs.ticket != done.ticket
    issued = [x for x, _, _ in room.events if isinstance(x, e.TicketIssued)]
    assert [x.doubled for x in issued] == ["", ""]


def test_a_service_that_is_no_more_refuses_nobody_with_paper(room: LeaseRoom) -> None:
    number = room.lease().numbers["a"][0]
    only_b = tuple(s for s in room.setup.services if s.id == "b")
    counters = (replace(room.setup.counters[2], serves=("b",)),)
    room.do(
        o.ChangeSetup(setup=replace(room.setup, services=only_b, counters=counters, officers=()))
    )
    assert room.hand_over(number, 5, 60).late
    assert room.found(number).status is TicketStatus.EXPIRED


@pytest.mark.parametrize("number", ["", "A1", "B980", "A1000", "A000", "x" * 500, "A٩٨٠", "A980\n"])
def test_what_no_lease_ever_held_is_refused(room: LeaseRoom, number: str) -> None:
    room.lease()
    with pytest.raises(Refused, match="bad_number"):
        room.hand_over(number, 5, 60)


def test_a_replayed_day_has_the_visitor_when_she_came_and_once(room: LeaseRoom) -> None:
    one, two, *_ = room.lease().numbers["a"]
    room.take(at=10)
    room.hand_over(one, 5, 60)
    room.hand_over(one, 5, 61)
    room.do(o.PassTime(), 1440)
    room.hand_over(two, 500, 1441)
    entries = [
        e.Entry(seq=n, at=at, actor=actor, order="", event=event)
        for n, (event, at, actor) in enumerate(room.events)
    ]
    came = [[v.arrives for v in day.visitors] for day in days_of(entries)]
    assert came == [[455.0, 460.0], []]


# --- after a restore ------------------------------------------------------------------------------


def test_a_restored_server_leases_below_what_kiosks_may_hold(room: LeaseRoom) -> None:
    lost = LeaseRoom()
    room.take()
    held = lost.lease("k1")
    room.do(o.OpenEpoch(highest={"a": 10}, leased={"a": 20, "b": 20}))
    fresh = room.lease("k2")
    assert not set(held.numbers["a"]) & set(fresh.numbers["a"])
    assert room.hand_over(held.numbers["a"][0], 5, 60).late is False


def test_a_kiosk_tells_the_restored_server_what_it_holds(room: LeaseRoom) -> None:
    held = LeaseRoom().lease("k1").numbers
    again = room.lease("k1", have={"a": 20, "b": 20}, day=TODAY, held=held)
    assert (again.numbers, again.void) == ({}, ())
    assert room.lease("k2").numbers["a"][-1] == "A979"


def test_numbers_that_another_kiosk_has_by_now_are_void_in_the_first(room: LeaseRoom) -> None:
    held = LeaseRoom().lease("k1").numbers
    room.lease("k2")
    told = room.lease("k1", have={"a": 20, "b": 20}, day=TODAY, held=held)
    assert set(told.void) == {*held["a"], *held["b"]}


def test_two_papers_with_one_number_are_both_served_and_the_log_tells_them_apart(
    room: LeaseRoom,
) -> None:
    room.lease("k2")
    first = room.hand_over("A980", 5, 60, "k2")
    second = room.hand_over("A980", 6, 61, "k1")
    assert (first.ticket, second.ticket) == (f"{TODAY.replace('-', '')}-A980", f"{first.ticket}.2")
    assert [room.ticket(x.ticket).number for x in (first, second)] == ["A980", "A980"]
    issued = [x for x, _, _ in room.events if isinstance(x, e.TicketIssued)]
    assert [x.doubled for x in issued] == ["", first.ticket]


# --- in any order ---------------------------------------------------------------------------------


@dataclass
class Kiosk:
    """What a kiosk remembers: numbers it can give, all of the day, and what it told visitors."""

    name: str
    free: dict[str, list[str]] = field(default_factory=lambda: {"a": [], "b": []})
    held: dict[str, list[str]] = field(default_factory=lambda: {"a": [], "b": []})
    told: list[tuple[str, str, float]] = field(default_factory=list)

    def fill(self, room: LeaseRoom, at: float) -> None:
        have = {s: len(x) for s, x in self.free.items()}
        held = {s: tuple(x) for s, x in self.held.items()}
        reply = room.lease(self.name, at, have=have, day=TODAY, held=held)
        for service, fresh in reply.numbers.items():
            self.free[service] += fresh
            self.held[service] += fresh
        for numbers in self.free.values():
            numbers[:] = [n for n in numbers if n not in reply.void]


STEPS = st.tuples(
    st.sampled_from(["lease", "offline", "offline", "online", "hand_over", "again", "copy"]),
    st.sampled_from([0, 1]),
    st.sampled_from(["a", "b"]),
)


@given(st.lists(STEPS, max_size=40), st.booleans())
@settings(max_examples=120, deadline=None)
def test_in_any_order_no_number_is_given_twice_and_each_counts_once(
    steps: list[tuple[str, int, str]], restored: bool
) -> None:
    """Two kiosks; leases, numbers given with and without the server, hand-overs again and again; and in
    the middle the server comes back from a copy of any moment before."""
    room = LeaseRoom(setup=small_setup(lease_numbers=4, restore_margin=45))
    kiosks = [Kiosk("k1"), Kiosk("k2")]
    online: list[str] = []
    copy: tuple[State, int] = (State(), 0)
    handed: list[int] = [0, 0]
    at = 0.0

    def bring_back() -> None:
        room.state, kept = copy
        del room.events[kept:]
        room.do(o.PassTime(), at)
        room.do(o.OpenEpoch(leased={"a": 45, "b": 45}), at)
        handed[:] = [0, 0]

    for place, (what, which, service) in enumerate(steps):
        at += 1
        kiosk = kiosks[which]
        if what == "lease":
            kiosk.fill(room, at)
        elif what == "offline" and kiosk.free[service]:
            kiosk.told.append((kiosk.free[service].pop(0), service, at))
        elif what == "online":
            reply = room.do(o.IssueTicket(service=service, token_hash=f"o{place}"), at)
            assert isinstance(reply, Issued)
            online.append(reply.number)
        elif what == "copy":
            copy = (room.replayed(), len(room.events))
        elif what in ("hand_over", "again"):
            since = handed[which] if what == "hand_over" else 0
            for number, wanted, came in kiosk.told[since:]:
                room.hand_over(number, came, at, kiosk.name, service=wanted)
            handed[which] = len(kiosk.told)
        if restored and place == len(steps) // 2 and copy[1]:
            bring_back()
    for kiosk in kiosks:
        for number, wanted, came in kiosk.told:
            room.hand_over(number, came, at + 1, kiosk.name, service=wanted)
    papers = online + [number for kiosk in kiosks for number, _, _ in kiosk.told]
    assert len(papers) == len(set(papers))
    offline = [t for t in room.state.tickets.values() if t.offline]
    assert sorted(t.number for t in offline) == sorted(n for k in kiosks for n, _, _ in k.told)
    assert {t.number: t.arrived for t in offline} == {
        n: START + int(came * MINUTE) for k in kiosks for n, _, came in k.told
    }
    assert room.replayed() == room.state
