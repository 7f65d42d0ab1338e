"""Estimates held against what happened: what a visitor was told, and how long she waited."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server import said
from queue_server.desk import public
from queue_server.desk.estimates import Estimates, Later, Newcomer, Table
from queue_server.doors.web.public.figures import Foretold, foretold
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.scores import Score, together
from queue_server.wire.words import Estimate
from tests.line_room import START, Room

TOLD = Estimate(minutes=10, low=6, high=14)


def room() -> Room:
    made = Room()
    made.open(1)
    return made


def test_the_first_call_is_held_against_what_was_told() -> None:
    r = room()
    r.take("a", 0, told=TOLD)
    r.take("a", 0, told=Estimate(minutes=12, low=9, high=16))
    r.take("b", 0)  # was told nothing
    r.call(1, 7)
    r.finish(1, 17)
    r.call(1, 17)
    r.finish(1, 18)
    r.call(1, 18)
    assert r.state.scores == {"a": Score(count=2, error=8.0, bias=-2.0, inside=1)}


def test_the_time_that_she_stepped_out_is_no_waiting() -> None:
    r = room()
    ticket = r.take("a", 0, told=TOLD)
    r.do(o.StepOut(ticket=ticket), 1)
    r.do(o.StepBack(ticket=ticket), 21)
    r.call(1, 31)
    assert r.state.scores["a"] == Score(count=1, error=1.0, bias=-1.0, inside=1)


def test_a_second_call_does_not_count_again() -> None:
    r = room()
    ticket = r.take("a", 0, told=TOLD)
    r.call(1, 10)
    r.do(o.NoShow(counter=1, ticket=ticket), 11, "hoa")
    r.do(o.PutBack(ticket=ticket), 30)
    r.call(1, 40)
    assert r.state.scores["a"].count == 1


def test_a_call_undone_is_not_counted_and_counts_when_it_comes_again() -> None:
    r = room()
    r.take("a", 0, told=TOLD)
    r.call(1, 7)
    r.do(o.Undo(counter=1), 7.5, "hoa")
    assert r.state.scores == {}
    r.call(1, 12)
    assert r.state.scores["a"] == Score(count=1, error=2.0, bias=-2.0, inside=1)


def test_what_was_told_of_another_service_is_not_held_against_this_one() -> None:
    r = room()
    ticket = r.take("a", 0, told=TOLD)
    r.do(o.Transfer(ticket=ticket, service="b"), 1)
    r.call(1, 30)
    assert r.state.scores == {}


def test_the_days_scores_are_kept_at_its_end_and_begin_anew() -> None:
    for end, at in ((o.EndDay(), 60), (o.PassTime(), 24 * 60)):
        r = room()
        r.take("a", 0, told=TOLD)
        r.call(1, 10)
        day, today = r.state.day, dict(r.state.scores)
        r.do(end, at)
        r.do(o.PassTime(), 24 * 60 + 1)
        kept = [x for x, _, _ in r.events if isinstance(x, e.DayScored)]
        assert kept == [e.DayScored(day=day, scores=today)]
        assert r.state.scores == {}
        assert (r.state.scores_before.day, r.state.scores_before.services) == (day, today)


def test_several_services_are_one_score() -> None:
    one, two = Score(count=1, error=2, bias=-2, inside=1), Score(count=3, error=4, bias=1)
    assert together([one, two]) == Score(count=4, error=6, bias=-1, inside=1)
    assert together([]).share_inside == 0.0


waits = st.floats(0.1, 50).map(lambda x: round(x, 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(waits, st.booleans()), max_size=12))
def test_the_score_is_the_sum_over_those_called_whatever_was_undone(
    calls: list[tuple[float, bool]],
) -> None:
    r, now, expected = room(), 0.0, []
    for wait, undone in calls:
        r.take("a", now, told=TOLD)
        if undone:
            r.call(1, now + wait / 2)
            r.do(o.Undo(counter=1), now + wait / 2, "hoa")
        r.call(1, now + wait)
        issued = next(x for x in reversed(r.events) if isinstance(x[0], e.TicketIssued))[1]
        called = next(x for x in reversed(r.events) if isinstance(x[0], e.TicketCalled))[1]
        expected.append(round((called - issued) / 60_000, 1))
        now += wait + 1
        r.finish(1, now)
    score = r.state.scores.get("a", Score())
    assert score.count == len(calls)
    assert abs(score.error - sum(abs(10 - w) for w in expected)) < 0.01
    assert score.inside == sum(6 <= w <= 14 for w in expected)
    assert r.replayed() == r.state


# --- what is published of them ---


def test_a_score_is_published_from_thirty_visitors_on() -> None:
    few = Score(count=29, error=58, bias=-29, inside=20)
    assert foretold(few, "2026-11-24") == Foretold(n=29, day="2026-11-24")
    enough = Score(count=30, error=81, bias=-30, inside=24)
    assert foretold(enough, "") == Foretold(
        n=30, mean_error_minutes=2.7, bias_minutes=-1.0, share_inside=0.8
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (None, None),
        (15.0, None),  # not over the target
        (16.0, "10:00"),  # the first that is half as long
        (45.0, "09:30"),
    ],
)
def test_a_quieter_time_is_named_only_when_the_line_is_long(
    now: float | None, expected: str | None
) -> None:
    halves = {
        "2026-11-24T07:30": 1.0,  # is now
        "2026-11-24T09:30": 20.0,
        "2026-11-24T10:00": 7.0,
        "2026-11-24T10:30": 2.0,
        "2026-11-25T07:30": 1.0,  # tomorrow
    }
    later = [Later(half_hour=h, service="a", minutes=m) for h, m in halves.items()]
    later.append(Later(half_hour="2026-11-24T09:00", service="b", minutes=0))
    told = Estimate(minutes=now or 0, low=0, high=60)
    newcomer = Newcomer(service="a", priority=False, ahead=0, estimate=told, each=1)
    estimates = Estimates()
    estimates.replace(
        Table(at=START, newcomers=(newcomer,) if now is not None else (), later=tuple(later))
    )
    found = public.quieter(room().state, estimates, "a", START)
    assert (found.at if found else None) == expected


# --- reasons of calls in words ---


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    "reason",
    [
        e.Reason(code="balanced_short", values={"minutes": 7, "expected": 3}),
        e.Reason(code="balanced_wait", values={"minutes": 7}),
        e.Reason(code="home", values={"minutes": 7, "service": "a"}),
        e.Reason(code="help", values={"minutes": 7, "service": "a"}),
        e.Reason(code="booked", values={"minutes": 7}),
        e.Reason(code="simple", values={"minutes": 7}),
    ],
    ids=lambda r: r if isinstance(r, str) else r.code,
)
def test_every_reason_of_a_call_is_a_sentence(reason: e.Reason, language: str) -> None:
    words = said.reason(reason, room().state.setup, language)
    assert not words.startswith("reason.")
    assert "{" not in words
    assert ("A" in words) or "service" not in reason.values
