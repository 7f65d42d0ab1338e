"""QĐ 766, 5.1–5.4 by hand: who counts as late, what is taken off, and what earns how many points."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.satisfaction.decision766 import (
    Dossier,
    Feedback,
    Weight,
    content_with_answers,
    earned,
    feedback_in_time,
    group5,
    satisfaction,
    sorted_feedback,
    was_in_time,
    was_late,
)
from queue_server.satisfaction.figure import Certainty
from queue_server.wire.words import DAY

DUE = 10 * DAY
AT = 20 * DAY
GOOD = Dossier(due=DUE, finished=DUE)
LATE = Dossier(due=DUE, finished=DUE + 1)
BLAMED = Dossier(due=DUE, finished=DUE, complained=True)
LATE_AND_BLAMED = Dossier(due=DUE, finished=DUE + 1, complained=True)
OPEN = Dossier(due=AT)
ANSWERED = Feedback(age=15, answered=15, published=2, sorted=True, content=True)


# --- 5.4 ---


@pytest.mark.parametrize(
    ("dossier", "late"),
    [
        (GOOD, False),
        (LATE, True),
        (Dossier(due=DUE, finished=DUE + 5, paused=5), False),
        (Dossier(due=DUE, finished=DUE + 6, paused=5), True),
        (Dossier(due=DUE, finished=1, supplements=1), False),
        (Dossier(due=DUE, finished=1, supplements=2), True),
        (OPEN, None),
        (Dossier(due=AT - 1), True),
        (Dossier(due=AT - 1, paused=1), None),
        (Dossier(due=AT, supplements=2), True),
    ],
)
def test_a_dossier_is_late_after_its_pauses_or_after_a_second_supplement(
    dossier: Dossier, late: bool | None
) -> None:
    assert was_late(dossier, AT) is late


def test_satisfaction_is_100_less_the_late_and_the_complained() -> None:
    """200 dossiers, 8 late and 5 complained of: 100 − (4 + 2.5) = 93.5 %, full marks."""
    found = satisfaction([GOOD] * 187 + [LATE] * 8 + [BLAMED] * 5, AT)
    figure = found.result.figure
    assert (figure.value, figure.numerator, figure.denominator) == (93.5, 187, 200)
    assert (found.result.points, found.result.most) == (6.0, 6)
    assert (found.late, found.complained, found.both, found.silent) == (8, 5, 0, 187)
    assert figure.enough
    assert figure.source.certainty is Certainty.SOURCED
    assert figure.interval is not None
    assert figure.interval.holds(93.5)


def test_below_90_percent_points_are_in_proportion() -> None:
    """30 dossiers, 5 late, 1 complained of: 80 %; 80 × 6 ÷ 90 = 5.33."""
    found = satisfaction([GOOD] * 24 + [LATE] * 5 + [BLAMED], AT)
    assert (found.result.figure.value, found.result.points) == (80.0, 5.33)


def test_two_decimals_a_half_goes_up() -> None:
    """1 of 3: 33.33 %, 2.22 points; 1 of 32: 96.875 % → 96.88 %."""
    assert satisfaction([GOOD, LATE, LATE], AT).result.figure.value == 33.33
    assert satisfaction([GOOD, LATE, LATE], AT).result.points == 2.22
    assert satisfaction([GOOD] * 31 + [LATE], AT).result.figure.value == 96.88


def test_who_is_both_is_taken_off_twice_as_the_formula_says_but_never_below_nothing() -> None:
    found = satisfaction([GOOD] * 8 + [LATE_AND_BLAMED] * 2, AT)
    assert (found.result.figure.value, found.both, found.silent) == (60.0, 2, 8)
    assert satisfaction([LATE_AND_BLAMED] * 3, AT).result.figure.value == 0.0


def test_without_dossiers_it_is_not_applicable() -> None:
    for dossiers in ([], [OPEN]):
        found = satisfaction(dossiers, AT)
        assert (found.result.figure.value, found.result.points) == (None, None)
        assert (found.result.figure.interval, found.result.figure.enough) == (None, False)


@pytest.mark.parametrize(("n", "enough"), [(29, False), (30, True)])
def test_thirty_dossiers_are_enough(n: int, enough: bool) -> None:
    assert satisfaction([GOOD] * n, AT).result.figure.enough is enough


# --- 5.1 to 5.3 ---


@pytest.mark.parametrize(
    ("feedback", "in_time"),
    [
        (ANSWERED, True),
        (Feedback(age=16, answered=16), False),
        (Feedback(age=15, answered=15, published=3), False),
        (Feedback(age=2, refused=2), True),
        (Feedback(age=3, refused=3), False),
        (Feedback(age=9, asked=5, answered=9), True),
        (Feedback(age=9, asked=6, answered=9), False),
        (Feedback(age=15), None),
        (Feedback(age=16), False),
    ],
)
def test_feedback_is_in_time_if_each_step_was(feedback: Feedback, in_time: bool | None) -> None:
    assert was_in_time(feedback) is in_time


def test_feedback_that_is_open_and_not_late_is_not_counted_yet() -> None:
    found = feedback_in_time([ANSWERED] * 3 + [Feedback(age=16), Feedback(age=1)])
    assert (found.figure.value, found.figure.denominator) == (75.0, 4)
    assert (found.points, found.certainty) == (4.5, Certainty.UNSURE)  # 6 × 75 %


def test_content_are_all_but_the_discontent_and_the_late() -> None:
    """Ten: one discontent, one late, one both, two silent: (10 − 3) ÷ 10."""
    discontent = Feedback(age=5, answered=5, content=False)
    late, both = Feedback(age=16, answered=16), Feedback(age=16, answered=16, content=False)
    silent = Feedback(age=5, answered=5)
    found, said_nothing = content_with_answers(
        [ANSWERED] * 5 + [discontent, late, both, silent, silent]
    )
    assert (found.figure.value, found.figure.numerator, said_nothing) == (70.0, 7, 2)


def test_sorted_feedback_is_told_and_not_weighed() -> None:
    found = sorted_feedback([ANSWERED, Feedback(age=1)])
    assert (found.figure.value, found.points) == (50.0, None)
    assert found.figure.source.certainty is Certainty.UNSURE


def test_the_group_has_18_points_less_what_is_not_applicable() -> None:
    whole = group5([ANSWERED] * 30, [GOOD] * 30, AT)
    assert (whole.points, whole.most) == (18.0, 18.0)
    no_feedback = group5([], [GOOD] * 24 + [LATE] * 6, AT)
    assert (no_feedback.points, no_feedback.most) == (5.33, 6.0)
    nothing = group5([], [], AT)
    assert (nothing.points, nothing.most) == (None, 0.0)


# --- points and class ---


@pytest.mark.parametrize(
    ("percent", "points"),
    [(None, None), (0.0, 0.0), (45.0, 3.0), (89.99, 6.0), (89.0, 5.93), (90.0, 6.0), (100.0, 6.0)],
)
def test_points_are_full_from_90_percent_on(percent: float | None, points: float | None) -> None:
    assert earned(percent, Weight(most=6, full_at=90)) == points


# --- properties ---

dossiers = st.builds(
    Dossier,
    due=st.just(DUE),
    finished=st.one_of(st.none(), st.integers(DUE - 2, DUE + 2)),
    paused=st.integers(0, 2),
    supplements=st.integers(0, 2),
    complained=st.booleans(),
)
days = st.one_of(st.none(), st.integers(0, 17))
feedback = st.builds(
    Feedback,
    age=st.integers(0, 20),
    refused=days,
    asked=days,
    answered=days,
    published=days,
    content=st.one_of(st.none(), st.booleans()),
)


@settings(deadline=None)
@given(st.lists(dossiers, max_size=20), st.lists(feedback, max_size=20))
def test_one_good_more_lowers_no_figure(ds: list[Dossier], fs: list[Feedback]) -> None:
    before, after = group5(fs, ds, AT), group5([*fs, ANSWERED], [*ds, GOOD], AT)
    pairs = [
        (before.in_time.figure.value, after.in_time.figure.value),
        (before.content.figure.value, after.content.figure.value),
        (before.satisfied.result.figure.value, after.satisfied.result.figure.value),
    ]
    for was, now in pairs:
        assert now is not None
        assert 0 <= now <= 100
        assert was is None or now >= was


@settings(deadline=None)
@given(st.lists(dossiers, max_size=12).flatmap(lambda x: st.tuples(st.just(x), st.permutations(x))))
def test_the_order_of_dossiers_does_not_matter(
    orders: tuple[list[Dossier], list[Dossier]],
) -> None:
    assert satisfaction(orders[0], AT) == satisfaction(orders[1], AT)
