"""Suspicious ratings: marked with their reason and shown apart, and never dropped."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.satisfaction.suspicion import (
    Asked,
    Judged,
    Limits,
    OfficerDay,
    Press,
    Suspicion,
    apart,
    judge,
    judge_days,
    responses,
)
from queue_server.wire.words import MINUTE, SECOND

S = Suspicion


def press(at: float, **more: object) -> Press:
    """Pressed so many seconds after the start, at counter 1's tablet."""
    now = round(at * SECOND)
    told: dict[str, object] = {
        "offer": f"o{now}",
        "at": now,
        "pressed_at": now,
        "counter": 1,
        "score": 5,
        "source": "tablet",
        "officer": "p1",
    }
    return Press(**{**told, **more})  # type: ignore[arg-type]


def reasons(judged: tuple[Judged, ...]) -> list[list[Suspicion]]:
    return [[mark.reason for mark in j.marks] for j in judged]


# --- repeated ---


def test_a_press_soon_after_another_is_marked_and_the_first_is_not() -> None:
    judged = judge([press(0), press(8), press(16.001)])
    assert reasons(judged) == [[], [S.REPEATED], []]
    assert judged[1].marks[0].facts == {"after_ms": 8_000}
    assert judged[1].marks[0].offer == "o8000"


def test_a_burst_is_marked_to_its_end() -> None:
    assert reasons(judge([press(t) for t in (0, 5, 11, 18)])) == [[], *[[S.REPEATED]] * 3]


def test_other_counters_and_phones_at_home_are_not_one_finger() -> None:
    assert reasons(judge([press(0), press(1, counter=2), press(2, source="phone")])) == [[], [], []]
    boxes = [press(0, source="terminal:a"), press(1, source="tablet")]
    assert reasons(judge(boxes)) == [[], [S.REPEATED]]


def test_the_same_offer_again_is_repeated_however_late_and_from_where() -> None:
    judged = judge([press(0, offer="x"), press(90_000, offer="x", source="phone")])
    assert reasons(judged) == [[], [S.REPEATED]]
    assert judged[1].marks[0].facts == {"after_ms": 90_000_000}


# --- nobody served, and for the visitor ---


def test_a_press_with_nobody_served_is_marked() -> None:
    assert reasons(judge([press(0, served=False)])) == [[S.NOBODY_SERVED]]


@pytest.mark.parametrize(
    ("pressed", "called", "source", "marked"),
    [
        (4.0, 3 * SECOND, "tablet", True),
        (4.0, 4 * SECOND, "terminal:a", True),
        (4.001, 3 * SECOND, "tablet", False),  # she had the time
        (2.0, 3 * SECOND, "tablet", False),  # pressed before the next was called
        (2.0, None, "tablet", False),
        (60.0, 3 * SECOND, "tablet", False),  # she stands there while the next comes
        (2.0, 1 * SECOND, "phone", False),
    ],
)
def test_seconds_after_the_end_with_the_next_one_called_it_was_hardly_the_visitor(
    pressed: float, called: int | None, source: str, marked: bool
) -> None:
    judged = judge([press(pressed, finished_at=0, next_called_at=called, source=source)])
    assert reasons(judged) == [[S.FOR_THE_VISITOR] if marked else []]
    if marked and called:
        facts = judged[0].marks[0].facts
        assert facts == {"after_finish_ms": 4_000, "after_next_call_ms": 4_000 - called}


def test_the_limits_are_settings() -> None:
    pressed = [press(0), press(8)]
    assert reasons(judge(pressed, Limits(repeat_ms=7_999))) == [[], []]


# --- a stuck button ---


def test_one_answer_at_a_machines_rhythm_is_a_stuck_button() -> None:
    judged = judge([press(60 * k + 0.1 * (k % 2), score=1) for k in range(6)])
    assert reasons(judged) == [[S.STUCK]] * 6
    assert judged[0].marks[0].facts == {
        "presses": 6,
        "score": 1,
        "every_ms": 60_100,
        "uneven_ms": 200,
    }


def test_a_run_is_found_within_other_presses() -> None:
    people = [press(t, score=4) for t in (-900, -410, -100)]
    after = [press(t) for t in (500, 777)]
    judged = judge(people + [press(60 * k, score=4) for k in range(6)] + after)
    assert reasons(judged) == [[]] * 3 + [[S.STUCK]] * 6 + [[]] * 2


@pytest.mark.parametrize(
    "presses",
    [
        [press(60 * k) for k in range(5)],  # too few
        [press(60 * k, score=1 + k % 2) for k in range(12)],  # not one answer
        [press(60 * k + 0.4 * (k % 2)) for k in range(12)],  # steps 0.8 s apart: people
        [press(60 * k, source=f"terminal:{k % 2}") for k in range(10)],  # two boxes, five each
    ],
)
def test_people_are_no_stuck_button(presses: list[Press]) -> None:
    assert all(S.STUCK not in marks for marks in reasons(judge(presses)))


# --- an officer against her own days ---


def day(k: int, offers: int, answers: int, best: int = 0, officer: str = "p1") -> OfficerDay:
    return OfficerDay(
        officer=officer, day=f"2026-11-{k:02d}", offers=offers, answers=answers, best=best
    )


USUAL = [day(k, 50, 15 + k % 3, 10) for k in range(1, 11)]
"""Ten days on which 30 to 34 % answered."""


def test_a_day_with_far_more_answers_than_is_usual_for_her_is_marked() -> None:
    """Median 16 of 50; chance alone spreads 0.066 on fifty; 48 of 50 are 9.7 spreads above."""
    (mark,) = judge_days([*USUAL, day(20, 50, 48, 30)])
    assert (mark.reason, mark.officer, mark.day) == (S.RATE, "p1", "2026-11-20")
    assert mark.facts["share"] == 0.96
    assert mark.facts["usual"] == 0.32
    assert mark.facts["spreads"] == pytest.approx(9.7, abs=0.1)
    assert mark.facts["days"] == 10


def test_far_more_best_answers_than_is_usual_are_marked_too() -> None:
    history = [day(k, 50, 40, 20) for k in range(1, 11)]
    (mark,) = judge_days([*history, day(20, 50, 40, 40)])
    assert (mark.reason, mark.facts["share"], mark.facts["usual"]) == (S.SCORES, 1.0, 0.5)


@pytest.mark.parametrize(
    "days",
    [
        [*USUAL, day(20, 50, 20, 12)],  # 40 %: 1.2 spreads
        [*USUAL, day(20, 50, 0)],  # silence is spoken of elsewhere
        [*USUAL[1:], day(20, 50, 48, 30)],  # nine days are no pattern
        [*USUAL, day(20, 9, 9)],  # a short day
        [*USUAL, day(20, 50, 48, 30, officer="p2")],  # another's pattern
        [day(k, 50, 50, 50) for k in range(1, 25)],  # always all: her pattern
        [],
    ],
)
def test_what_is_not_far_from_her_own_pattern_is_not_marked(days: list[OfficerDay]) -> None:
    assert judge_days(days) == ()


def test_whose_days_differ_much_has_a_wide_pattern() -> None:
    wide = [day(k, 50, 10 if k % 2 else 40, 5) for k in range(1, 11)]
    assert judge_days([*wide, day(20, 50, 48, 5)]) == ()


# --- silence ---


def test_a_counter_where_clearly_fewer_answer_is_silent_beside_its_score() -> None:
    quiet, loud = responses(
        [
            Asked(counter=2, offers=100, answers=50, total=200),
            Asked(counter=1, offers=100, answers=5, total=25),
        ]
    )
    assert (quiet.counter, quiet.share, quiet.mean) == (1, 0.05, 5.0)
    assert quiet.mark is not None
    assert quiet.mark.reason is S.SILENCE
    assert quiet.mark.facts == {"share": 0.05, "others": 0.5, "n": 100}
    assert quiet.mean_interval is not None
    assert quiet.mean_interval.low < 4  # five fives prove little
    assert (loud.share, loud.mean, loud.mark) == (0.5, 4.0, None)


@pytest.mark.parametrize(
    ("offers", "answers", "marked"), [(29, 0, False), (30, 0, True), (100, 45, False)]
)
def test_silence_needs_thirty_asked_and_a_clear_distance(
    offers: int, answers: int, marked: bool
) -> None:
    one, _ = responses(
        [
            Asked(counter=1, offers=offers, answers=answers, total=answers * 5),
            Asked(counter=2, offers=100, answers=50, total=200),
        ]
    )
    assert (one.mark is not None) is marked
    assert one.enough is (offers >= 30)


def test_a_counter_that_asked_nobody_says_nothing() -> None:
    (only,) = responses([Asked(counter=1, offers=0, answers=0, total=0)])
    assert (only.share, only.interval, only.mean, only.mean_interval) == (None, None, None, None)
    assert (only.enough, only.mark) == (False, None)


# --- properties ---

some = st.one_of(st.none(), st.integers(0, 10 * MINUTE))
pressed = st.builds(
    Press,
    offer=st.sampled_from("abcdefgh"),
    at=st.integers(0, 10 * MINUTE),
    pressed_at=st.integers(0, 20).map(lambda k: k * 5 * SECOND),
    counter=st.integers(1, 2),
    score=st.integers(1, 2),
    source=st.sampled_from(["tablet", "terminal:a", "phone"]),
    finished_at=some,
    next_called_at=some,
    served=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(pressed, max_size=20))
def test_nothing_is_dropped_or_changed(presses: list[Press]) -> None:
    judged = judge(presses)
    assert [j.press for j in judged] == presses
    plain, suspicious = apart(judged)
    assert len(plain) + len(suspicious) == len(presses)
    for j in judged:
        assert all(mark.offer == j.press.offer for mark in j.marks)


@settings(deadline=None)
@given(
    st.lists(pressed, max_size=15, unique_by=lambda p: (p.pressed_at, p.at, p.offer)).flatmap(
        lambda x: st.tuples(st.just(x), st.permutations(x))
    )
)
def test_the_order_in_which_they_arrive_does_not_matter(
    orders: tuple[list[Press], list[Press]],
) -> None:
    one, other = (sorted(judge(x), key=lambda j: str(j)) for x in orders)
    assert one == other
