"""Moves: proposed by the twin, answered by a manager, ended by time; a counter is never pulled to and fro."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server import said
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import Refused, check_setup, decide
from queue_server.line.moves import Move, MoveKind, MoveStatus
from queue_server.line.setup import Setup
from queue_server.line.state import State, apply
from queue_server.line.times import ServiceTimes, Times
from queue_server.wire.words import MINUTE
from tests.line_room import START, Room, small_setup

ANSWER, REST = 10, 20
TWIN, MANAGER = e.Actor(device="twin"), e.Actor(device="web", account="manager")


def help_of(counter: int = 3, service: str = "a", until: float = 60, **more: object) -> Move:
    """Counter 3 serves only `b`; mai, who has no entry, may help with anything."""
    told: dict[str, object] = {
        "id": f"m-{counter}-{service}",
        "kind": MoveKind.HELP,
        "service": service,
        "counter": counter,
        "serves": ("b", "a"),
        "until": START + int(until * MINUTE),
        "without": 19.0,
        "expected": 12.0,
        "made": START,
    }
    return Move(**{**told, **more})  # type: ignore[arg-type]


def room(**rules: object) -> Room:
    """Three open counters; 3 serves `b` alone."""
    made = Room(setup=small_setup(**rules))
    for counter, account in ((1, "hoa"), (2, "binh"), (3, "mai")):
        made.open(counter, account)
    return made


def give(room: Room, order: o.AnyOrder, at: float, actor: e.Actor = MANAGER) -> list[e.Event]:
    now = START + int(at * MINUTE)
    events, _ = decide(room.state, order, now, actor)
    for event in events:
        apply(room.state, event, now, actor)
        room.events.append((event, now, actor))
    return events


def propose(room: Room, move: Move, at: float = 0) -> list[e.Event]:
    return give(room, o.ProposeMove(move=move), at, TWIN)


def refused(room: Room, order: o.AnyOrder, at: float, actor: e.Actor = MANAGER) -> str:
    with pytest.raises(Refused) as why:
        give(room, order, at, actor)
    assert said.TEXTS.say(f"refusal.{why.value.code}", "en") != f"refusal.{why.value.code}"
    return why.value.code


def serves(room: Room, counter: int = 3) -> tuple[str, ...]:
    return room.state.counters[counter].serves


# --- the life of a move ---


def test_an_accepted_help_lasts_until_its_time_and_then_the_counter_is_as_before() -> None:
    r = room()
    propose(r, help_of())
    assert serves(r) == ("b",)
    give(r, o.AcceptMove(move="m-3-a"), 5)
    assert serves(r) == ("b", "a")
    give(r, o.PassTime(), 59.9)
    assert serves(r) == ("b", "a")
    give(r, o.PassTime(), 60)
    assert serves(r) == ("b",)
    now = r.state.moves["m-3-a"]
    assert (now.status, now.by, now.came) == (MoveStatus.ENDED, "manager", None)


def test_what_came_is_the_mean_wait_of_those_called_while_it_lasted() -> None:
    r = room()
    for at in (0, 2, 4, 8):
        r.take("a", at)
    r.call(1, 6)  # before the move: waited 6
    propose(r, help_of(until=30), 7)
    give(r, o.AcceptMove(move="m-3-a"), 7)
    r.call(3, 10, "mai")  # waited 8
    r.call(2, 20, "binh")  # waited 16
    r.finish(3, 31, "mai")
    r.call(3, 40, "mai")  # after it: waited 32
    give(r, o.PassTime(), 41)
    assert r.state.moves["m-3-a"].came == 12.0


def test_what_somebody_changed_meanwhile_is_left_as_it_is() -> None:
    r = room()
    propose(r, help_of())
    give(r, o.AcceptMove(move="m-3-a"), 1)
    give(r, o.ChangeServes(counter=3, serves=("b",)), 2)
    give(r, o.ChangeServes(counter=3, serves=("b", "a")), 3)  # wanted by a person now
    give(r, o.PassTime(), 61)
    assert r.state.moves["m-3-a"].status is MoveStatus.ENDED
    assert serves(r) == ("b", "a")


def test_a_move_is_over_when_its_counter_closes() -> None:
    r = room()
    propose(r, help_of())
    give(r, o.AcceptMove(move="m-3-a"), 1)
    r.do(o.CloseCounter(counter=3), 2, "mai")
    give(r, o.PassTime(), 2.1)
    assert r.state.moves["m-3-a"].status is MoveStatus.ENDED
    r.open(3, "lan2", 3)
    give(r, o.PassTime(), 61)
    assert serves(r) == ("b",)


def test_accepting_twice_is_accepting_once() -> None:
    r = room()
    propose(r, help_of())
    assert give(r, o.AcceptMove(move="m-3-a"), 1)
    assert give(r, o.AcceptMove(move="m-3-a"), 2) == []


def test_a_proposal_that_nobody_answers_goes_and_cannot_be_accepted_any_more() -> None:
    r = room()
    propose(r, help_of())
    assert refused(r, o.AcceptMove(move="m-3-a"), ANSWER) == "move_expired"  # the clock is late
    give(r, o.PassTime(), ANSWER)
    assert r.state.moves["m-3-a"].status is MoveStatus.EXPIRED
    assert refused(r, o.AcceptMove(move="m-3-a"), ANSWER + 1) == "move_expired"
    assert serves(r) == ("b",)


def test_refusing_a_move_under_way_ends_it_at_once() -> None:
    r = room()
    propose(r, help_of())
    give(r, o.AcceptMove(move="m-3-a"), 1)
    give(r, o.RefuseMove(move="m-3-a", reason="không đủ giấy tờ"), 5)
    assert serves(r) == ("b",)
    assert r.state.moves["m-3-a"].status is MoveStatus.ENDED
    assert refused(r, o.AcceptMove(move="m-3-a"), 6) == "move_answered"


def test_a_proposal_that_no_longer_fits_is_not_carried_out() -> None:
    r = room()
    propose(r, help_of())
    give(r, o.ChangeServes(counter=3, serves=("b", "a")), 1)
    assert refused(r, o.AcceptMove(move="m-3-a"), 2) == "move_stale"


def test_the_day_leaves_nothing_open_and_the_next_begins_without_moves() -> None:
    r = room()
    propose(r, help_of(until=2000))
    give(r, o.AcceptMove(move="m-3-a"), 1)
    propose(r, help_of(1, "a", 2000, id="x", kind=MoveKind.CLOSE, serves=()), 2)
    give(r, o.EndDay(reason="x"), 9)
    assert [m.status for m in r.state.moves.values()] == [MoveStatus.ENDED, MoveStatus.EXPIRED]
    give(r, o.PassTime(), 24 * 60)
    assert r.state.moves == {}


# --- who, and which ---


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (o.ProposeMove(move=help_of()), "not_allowed"),
        (o.LearnTimes(times=Times()), "not_allowed"),
        (o.AcceptMove(move="none"), "unknown_move"),
        (o.RefuseMove(move="none"), "unknown_move"),
    ],
)
def test_a_person_neither_proposes_nor_teaches(order: o.AnyOrder, code: str) -> None:
    assert refused(room(), order, 0) == code


@pytest.mark.parametrize(
    ("move", "code"),
    [
        (help_of(9), "unknown_counter"),
        (help_of(service="zzz"), "unknown_service"),
        (help_of(until=0), "move_expired"),
        (help_of(serves=("a",)), "move_stale"),  # it would take `b` away
        (help_of(counter=1, serves=("a", "b")), "move_stale"),  # serves it already
        (help_of(kind=MoveKind.OPEN), "move_stale"),  # is open
        (help_of(kind=MoveKind.CLOSE, counter=None), "move_stale"),
    ],
)
def test_a_proposal_must_fit_the_centre_as_it_is(move: Move, code: str) -> None:
    assert refused(room(), o.ProposeMove(move=move), 0, TWIN) == code


def test_nobody_is_asked_to_serve_what_she_has_not_learned() -> None:
    r = Room()
    r.open(1, "lan")  # only `a`
    move = help_of(1, "b", serves=("a", "b"))
    assert refused(r, o.ProposeMove(move=move), 0, TWIN) == "no_skill"


def test_a_suspended_service_is_not_helped() -> None:
    r = room()
    propose(r, help_of())
    give(r, o.SuspendService(service="a", reason="bảo trì"), 1)
    assert refused(r, o.AcceptMove(move="m-3-a"), 2) == "service_suspended"


def test_moves_switched_off_are_not_even_proposed() -> None:
    assert refused(room(moves="off"), o.ProposeMove(move=help_of()), 0, TWIN) == "moves_off"


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="bad_setup"):
        check_setup(small_setup(moves="always"))


def helper_room(**rules: object) -> Room:
    """Hoa at counter 1, who for now serves `a` alone and has both skills."""
    r = Room(setup=small_setup(**rules))
    r.open(1, "hoa")
    give(r, o.ChangeServes(counter=1, serves=("a",)), 0)
    return r


def test_a_harmless_move_goes_by_itself_only_where_the_rules_let_it() -> None:
    move = help_of(1, "b", serves=("a", "b"))
    for mode, begun in (("harmless", True), ("propose", False)):
        r = helper_room(moves=mode)
        propose(r, move)
        now = r.state.moves[move.id]
        assert ((now.status is MoveStatus.ACCEPTED), now.auto) == (begun, begun)
        assert serves(r, 1) == (("a", "b") if begun else ("a",))


@pytest.mark.parametrize(
    "move",
    [
        help_of(1, "b", serves=("a", "b"), cost_minutes=3.0),
        help_of(1, "b", kind=MoveKind.CLOSE, serves=()),
        help_of(3, "a"),  # mai's skills are not known, and counter 3 is not set up for `a`
    ],
)
def test_what_costs_something_or_is_no_known_skill_waits_for_a_manager(move: Move) -> None:
    r = helper_room(moves="harmless")
    r.open(3, "mai")
    propose(r, move)
    assert r.state.moves[move.id].status is MoveStatus.PROPOSED


# --- no flapping ---


def test_a_counter_rests_after_a_move_that_ended_or_was_refused() -> None:
    r = room()
    propose(r, help_of())
    assert refused(r, o.ProposeMove(move=help_of(id="2")), 1, TWIN) == "move_proposed_already"
    give(r, o.RefuseMove(move="m-3-a"), 2)
    again = o.ProposeMove(move=help_of(id="3"))
    assert refused(r, again, 2 + REST - 0.1, TWIN) == "move_rests"
    assert give(r, again, 2 + REST, TWIN)
    give(r, o.AcceptMove(move="3"), 23)
    other = help_of(id="4", kind=MoveKind.CLOSE, until=90)
    assert refused(r, o.ProposeMove(move=other), 24, TWIN) == "move_under_way"
    give(r, o.PassTime(), 60)
    assert refused(r, o.ProposeMove(move=other), 60 + REST - 0.1, TWIN) == "move_rests"


def test_of_two_proposals_for_a_counter_only_one_is_accepted() -> None:
    r = room()
    propose(r, help_of(id="one"))
    propose(r, help_of(id="two", kind=MoveKind.CLOSE, until=90))
    give(r, o.AcceptMove(move="one"), 1)
    assert refused(r, o.AcceptMove(move="two"), 2) == "move_under_way"


act = st.one_of(
    st.tuples(st.sampled_from(["propose", "propose", "close"]), st.sampled_from([1, 3]), st.none()),
    st.tuples(st.sampled_from(["accept", "refuse"]), st.integers(0, 2), st.none()),
    st.tuples(st.sampled_from(["accept", "wait"]), st.just(0), st.none()),
    st.tuples(st.just("serves"), st.sampled_from([1, 3]), st.sampled_from(["b", "ab"])),
    st.tuples(st.just("shut"), st.sampled_from([1, 3]), st.none()),
)
"""Of counters 1 and 3; answers are to one of the last three proposals."""


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(act, st.floats(0, 8)), min_size=12, max_size=60),
    st.sampled_from(["propose", "harmless"]),
)
def test_no_order_of_proposals_answers_and_time_pulls_a_counter_to_and_fro(
    day: list[tuple[tuple[str, object, object], float]], mode: str
) -> None:
    r, now = room(moves=mode, move_rest_minutes=REST, move_answer_minutes=ANSWER), 0.0
    give(r, o.ChangeServes(counter=1, serves=("b",)), 0)
    for (verb, first, second), pause in day:
        now += pause
        give(r, o.PassTime(), now)  # as the server does every five seconds
        try:
            _play(r, verb, first, second, now)
        except Refused:
            pass
        accepted = [m for m in r.state.moves.values() if m.status is MoveStatus.ACCEPTED]
        assert len({m.move.place for m in accepted}) == len(accepted)
        _as_people_left_them(r, {m.move.counter for m in accepted})
    assert r.replayed() == r.state
    _rested(r.events)


def _play(r: Room, verb: str, first: object, second: object, now: float) -> None:
    number = int(str(first))
    if verb in ("propose", "close"):
        kind = MoveKind.HELP if verb == "propose" else MoveKind.CLOSE
        serves = (*r.state.counters[number].serves, "a")
        move = f"{len(r.events)}"
        propose(r, help_of(number, "a", now + 12, id=move, kind=kind, serves=serves), now)
    elif verb in ("accept", "refuse") and r.state.moves:
        move = list(r.state.moves)[-1 - number % len(r.state.moves)]
        give(r, o.AcceptMove(move=move) if verb == "accept" else o.RefuseMove(move=move), now)
    elif verb == "serves":
        give(r, o.ChangeServes(counter=number, serves=tuple(str(second))), now)
    elif verb == "shut":
        account = r.state.counters[number].officer
        r.do(o.CloseCounter(counter=number), now, account)
        r.open(number, account, now)


def _as_people_left_them(r: Room, in_moves: set[int | None]) -> None:
    """A counter in no move serves what a person last chose for it."""
    chosen = {
        event.counter: event.serves
        for event, _, _ in r.events
        if isinstance(event, e.CounterOpened)
        or (isinstance(event, e.ServesChanged) and not event.move)
    }
    for counter, serving in chosen.items():
        assert counter in in_moves or serves(r, counter) == serving


def _rested(events: list[tuple[e.Event, int, e.Actor]]) -> None:
    """No counter's services change by a move sooner than the rest after a move there was over."""
    places: dict[str, str] = {}
    over: dict[str, int] = {}
    for event, at, _ in events:
        if isinstance(event, e.MoveProposed):
            places[event.move.id] = event.move.place
            assert (
                at >= over.get(event.move.place, 0) + REST * MINUTE or event.move.place not in over
            )
        elif isinstance(event, e.MoveEnded | e.MoveRefused):
            over[places[event.move]] = at


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 9), st.lists(st.floats(0, 30), max_size=5))
def test_whatever_the_time_in_between_the_end_restores_what_was(
    answered: float, pauses: list[float]
) -> None:
    r, now = room(), answered
    propose(r, help_of())
    give(r, o.AcceptMove(move="m-3-a"), answered)
    for pause in pauses:
        now += pause
        give(r, o.PassTime(), now)
        assert serves(r) == (("b",) if now >= 60 else ("b", "a"))


# --- what was learned ---


def test_what_the_twin_learned_stands_in_the_log_and_outlasts_the_day() -> None:
    r = room()
    times = Times(day="2026-11-23", services={"a": ServiceTimes(mean=4.5, cv=0.6, seen=210)})
    assert give(r, o.LearnTimes(times=times), 1, TWIN)
    assert give(r, o.LearnTimes(times=times), 2, TWIN) == []  # nothing new, nothing written
    give(r, o.PassTime(), 24 * 60)
    assert r.state.times == times
    assert r.replayed() == r.state


@pytest.mark.parametrize(
    "times",
    [
        Times(services={"a": ServiceTimes(mean=0.0, cv=0.6)}),
        Times(services={"a": ServiceTimes(mean=float("nan"), cv=0.6)}),
        Times(counters={"1:a": float("inf")}),
        Times(officers={"hoa:a": -1.0}),
        Times(no_show=1.0),
    ],
)
def test_numbers_that_cannot_be_are_not_learned(times: Times) -> None:
    assert refused(room(), o.LearnTimes(times=times), 0, TWIN) == "bad_times"


# --- in words ---


def test_a_move_is_said_in_words() -> None:
    setup: Setup = small_setup()
    move = help_of(4, "a", 180)
    assert (
        said.move(move, setup, "vi") == "Quầy 4 nhận thêm A đến 10:30: chờ trung bình 19 → 12 phút"
    )
    assert said.move_at_counter(move, setup, "vi") == "Nhận thêm A đến 10:30"


def test_a_move_that_claims_no_effect_names_the_wait_alone() -> None:
    move = help_of(4, "a", 180, kind=MoveKind.RETURN_LATER, without=24.2, expected=24.2)
    words = said.move(move, small_setup(), "vi")
    assert words == "Mời khách đang chờ A hẹn giờ quay lại sau 10:30: chờ trung bình 24 phút"


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", list(MoveKind))
def test_every_kind_of_move_has_its_words(kind: MoveKind, language: str) -> None:
    words = said.move(help_of(kind=kind, cost_minutes=12.0), State().setup, language)
    assert "12" in words
    assert not words.startswith("move.")
