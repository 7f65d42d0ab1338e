"""TT 01/2018 Đ.13–15 by hand: each row of the table, the means, the totals, and what the text leaves open."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.satisfaction.circular01 import (
    NONE,
    OF_A_CITIZEN,
    Agency,
    Answers,
    Dossier,
    Grade,
    Level,
    Open,
    Rank,
    Spent,
    agency_total,
    of_agency,
    of_dossier,
    officer_total,
    officer_totals,
    over_dossiers,
)
from queue_server.satisfaction.figure import Certainty


def spent(taken: int, allowed: int = 10) -> Spent:
    return Spent(allowed=allowed, taken=taken)


EARLY, ON_DAY, LATE = spent(9), spent(10), spent(11)
BEST = Dossier(
    officer="p1",
    whole=EARLY,
    parts=(EARLY,),
    contacts=0,
    agencies_contacted=0,
    posted=True,
    electronic=True,
    complained=False,
    answers=Answers(time=2, contacts=2, agencies=2, attitude=2),
)
FULL = Agency(
    procedures=100,
    here=100,
    on_spot=100,
    posted=100,
    electronic=100,
    feedback=0,
    online_procedures=20,
    dossiers=1_000,
    online_dossiers=300,
    online_late=0,
)


def like(facts: Any, **other: object) -> Any:
    """The same facts but for these."""
    return type(facts)(
        **{**{name: getattr(facts, name) for name in facts.__struct_fields__}, **other}
    )


# --- Đ.13, dossiers ---


@pytest.mark.parametrize(
    ("index", "facts", "points"),
    [
        (1, {"whole": EARLY}, 2),
        (1, {"whole": ON_DAY}, 1),
        (1, {"whole": LATE}, 0),
        (1, {"whole": None}, None),
        (2, {"parts": (EARLY, spent(2, 3))}, 2),
        (2, {"parts": (EARLY, ON_DAY)}, 1),
        (2, {"parts": (EARLY, LATE)}, 0),
        (2, {"parts": (EARLY, None)}, None),
        (2, {"parts": (LATE, None)}, 0),  # whatever the other did
        (2, {"parts": ()}, None),
        (3, {"contacts": 0}, 2),
        (3, {"contacts": 1}, 1),
        (3, {"contacts": 2}, 0),
        (3, {"contacts": 2, "own_fault": 1}, 1),
        (3, {"contacts": 3, "own_fault": 3}, 2),
        (3, {"contacts": None}, None),
        (4, {"agencies_contacted": 0}, 2),
        (4, {"agencies_contacted": 1}, 1),
        (4, {"agencies_contacted": 5}, 0),
        (4, {"agencies_contacted": None}, None),
        (6, {"posted": True, "electronic": True}, 2),
        (6, {"posted": False, "electronic": True}, 1),
        (6, {"posted": False, "electronic": False}, 0),
        (6, {"posted": None}, None),
        (7, {"whole": EARLY}, 2),
        (7, {"whole": ON_DAY}, 1),
        (7, {"whole": EARLY, "complained": True}, 0),
        (7, {"whole": None, "complained": True}, 0),
        (7, {"whole": None}, None),
        (7, {"complained": None}, None),
    ],
)
def test_a_dossiers_index(index: int, facts: dict[str, object], points: int | None) -> None:
    assert of_dossier(like(BEST, **facts)).system[index].points == points


@pytest.mark.parametrize(
    ("index", "facts", "open"),
    [
        (2, {"parts": (EARLY, LATE)}, Open.WORST_AGENCY),
        (3, {"contacts": 2, "own_fault": 1}, Open.OWN_FAULT),
        (7, {"whole": LATE}, Open.LATE_UNBLAMED),
    ],
)
def test_what_the_text_leaves_open_is_named(
    index: int, facts: dict[str, object], open: Open
) -> None:
    assert of_dossier(like(BEST, **facts)).system[index].open == (open,)
    assert of_dossier(BEST).system[index].open == ()


def test_the_citizens_word_stands_beside_the_systems() -> None:
    both = of_dossier(like(BEST, whole=EARLY, answers=Answers(time=0, attitude=1)))
    assert both.system[1].points == 2
    assert {i: s.points for i, s in both.citizen.items()} == {1: 0, 3: None, 4: None, 7: 1}


def test_an_answer_off_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="not 3"):
        of_dossier(Dossier(answers=Answers(time=3)))


# --- Đ.13, the one-stop ---


@pytest.mark.parametrize(
    ("index", "facts", "points"),
    [
        (5, {"level": Level.PROVINCE, "on_spot": 20}, 2),
        (5, {"level": Level.PROVINCE, "on_spot": 19}, 1),
        (5, {"level": Level.DISTRICT, "on_spot": 50}, 2),
        (5, {"level": Level.DISTRICT, "on_spot": 49}, 1),
        (5, {"level": Level.COMMUNE, "on_spot": 100}, 2),
        (5, {"level": Level.COMMUNE, "on_spot": 99}, 1),
        (5, {"here": 99, "on_spot": 0}, 0),
        (5, {"on_spot": None}, None),
        (5, {"procedures": 0}, None),
        (6, {}, 2),
        (6, {"posted": 99}, 1),
        (6, {"posted": 99, "electronic": 0}, 0),
        (6, {"posted": None}, None),
        (8, {"feedback": 0}, 2),
        (8, {"feedback": 10, "feedback_in_time": 10}, 2),
        (8, {"feedback": 10, "feedback_in_time": 9}, 1),
        (8, {"feedback": 100, "feedback_in_time": 89}, 0),
        (8, {"feedback": 10}, None),
        (8, {"feedback": None}, None),
        (9, {}, 2),
        (9, {"online_dossiers": 299}, 1),
        (9, {"online_dossiers": 150}, 1),
        (9, {"online_dossiers": 149}, 0),
        (9, {"online_dossiers": 149, "online_late": None}, 0),
        (9, {"online_late": 1}, 0),
        (9, {"online_late": None}, None),
        (9, {"online_procedures": None}, None),
        (9, {"dossiers": 0}, None),
    ],
)
def test_a_one_stops_index(index: int, facts: dict[str, object], points: int | None) -> None:
    assert of_agency(like(FULL, **facts))[index].points == points


@pytest.mark.parametrize(
    ("index", "facts", "points", "open"),
    [
        (5, {"level": Level.PROVINCE, "here": 99, "on_spot": 60}, 0, Open.ON_SPOT_NOT_ALL_HERE),
        (9, {"online_procedures": 19}, 1, Open.ONLINE_BETWEEN),
    ],
)
def test_where_two_rows_of_the_table_meet_it_is_said(
    index: int, facts: dict[str, object], points: int, open: Open
) -> None:
    found = of_agency(like(FULL, **facts))[index]
    assert (found.points, found.open) == (points, (open,))


# --- Đ.15, means ---


def times(*groups: tuple[int, Spent]) -> list[Dossier]:
    return [like(BEST, whole=time) for count, time in groups for _ in range(count)]


def test_an_index_is_the_sum_by_the_number_to_one_decimal() -> None:
    """Forty dossiers: 25 shorter, 10 as long, 5 longer: (25·2 + 10·1) ÷ 40 = 1.5."""
    found = over_dossiers(times((25, EARLY), (10, ON_DAY), (5, LATE))).system[1].figure
    assert (found.numerator, found.denominator, found.n, found.value) == (60, 40, 40, 1.5)
    assert found.enough
    assert found.source.certainty is Certainty.SOURCED
    assert found.interval is not None
    assert found.interval.holds(1.5)


def test_a_half_of_a_tenth_goes_up() -> None:
    """(5·1 + 15·0) ÷ 20 = 0.25 → 0.3."""
    assert over_dossiers(times((5, ON_DAY), (15, LATE))).system[1].figure.value == 0.3


@pytest.mark.parametrize(("n", "enough"), [(29, False), (30, True)])
def test_from_thirty_dossiers_on_an_index_is_enough(n: int, enough: bool) -> None:
    assert over_dossiers([BEST] * n).system[1].figure.enough is enough
    assert over_dossiers([BEST] * n, least=40).system[1].figure.enough is False


def test_dossiers_without_a_score_are_in_neither_sum_nor_number() -> None:
    silent = like(BEST, answers=Answers())
    index = over_dossiers([like(BEST, answers=Answers(time=1)), silent, silent]).citizen[1]
    assert (index.figure.value, index.figure.n, index.of) == (1.0, 1, 3)
    assert index.open == (Open.SOME_UNKNOWN,)


def test_of_no_dossiers_there_is_no_index() -> None:
    for found in over_dossiers([]).system.values():
        assert (found.figure.value, found.figure.n, found.figure.enough) == (None, 0, False)
        assert found.figure.interval is None


# --- Đ.15, officers ---


def officers(points: Answers, count: int = 30, **facts: object) -> list[Dossier]:
    return [like(BEST, answers=points, **facts) for _ in range(count)]


@pytest.mark.parametrize(
    ("answers", "parts", "total", "grade"),
    [
        (Answers(time=2, contacts=2, agencies=2, attitude=2), EARLY, 10.0, Grade.WHOLE),
        (Answers(time=1, contacts=1, agencies=1, attitude=1), ON_DAY, 5.0, Grade.WHOLE),
        (Answers(time=1, contacts=1, agencies=1, attitude=1), LATE, 4.0, Grade.MOST),
        (Answers(time=1, contacts=1, agencies=1, attitude=0), LATE, 3.0, Grade.LESS),
        (Answers(time=0, contacts=0, agencies=0, attitude=0), LATE, 0.0, Grade.LESS),
    ],
)
def test_an_officers_total_and_grade(
    answers: Answers, parts: Spent, total: float, grade: Grade
) -> None:
    found = officer_total(officers(answers, parts=(parts,))).by_citizens
    assert (found.figure.value, found.at_full, found.grade) == (total, total, grade)
    assert (found.figure.denominator, found.left_out, found.settled) == (10, (), True)
    assert found.figure.enough


def test_the_limit_of_three_and_a_half_belongs_to_the_grade_above() -> None:
    """Indices 1.0, 0 (2), 1.0, 1.0 and 0.5: 3.5; one tenth less is below."""
    half = officers(Answers(time=1, contacts=1, agencies=1, attitude=1), 20, parts=(LATE,))
    none = officers(Answers(time=1, contacts=1, agencies=1, attitude=0), 20, parts=(LATE,))
    found = officer_total(half + none).by_citizens
    assert (found.figure.value, found.grade) == (3.5, Grade.MOST)
    less = officer_total(half + none * 2).by_citizens  # attitude 20 ÷ 60 = 0.3
    assert (less.figure.value, less.grade) == (3.3, Grade.LESS)


def test_a_grade_by_the_citizens_and_one_by_the_system_are_two() -> None:
    both = officer_total(officers(Answers(time=0, contacts=0, agencies=0, attitude=0)))
    assert both.by_citizens.figure.value == 2.0  # index 2 alone, which no citizen answers
    assert both.by_system.figure.value == 10.0
    assert (both.by_citizens.grade, both.by_system.grade) == (Grade.LESS, Grade.WHOLE)


def test_with_an_index_left_out_the_limits_shrink_in_step_and_that_is_not_settled() -> None:
    """Index 4 unanswered: 4.0 of 8 is as good as 5.0 of 10."""
    found = officer_total(officers(Answers(time=1, contacts=1, attitude=1), parts=(ON_DAY,)))
    total = found.by_citizens
    assert (total.figure.value, total.figure.denominator, total.at_full) == (4.0, 8, 5.0)
    assert (total.grade, total.left_out) == (Grade.WHOLE, (4,))
    assert total.open == (Open.LEFT_OUT,)
    assert not total.settled


def test_out_of_fewer_than_half_of_the_indices_comes_no_grade() -> None:
    total = officer_total(officers(Answers(time=2))).by_citizens  # 1 and 2 of five
    assert (total.figure.value, total.at_full, total.grade) == (4.0, None, None)
    assert total.open == (Open.TOO_FEW_INDICES,)
    assert not total.figure.enough
    nothing = officer_total([]).by_system
    assert (nothing.figure.value, nothing.figure.denominator, nothing.grade) == (None, 0, None)


def test_a_total_is_enough_only_if_each_of_its_indices_is() -> None:
    answered = officers(Answers(time=2, contacts=2, agencies=2, attitude=2), 29)
    silent = officers(Answers(), 100)
    both = officer_total(answered + silent)
    assert not both.by_citizens.figure.enough
    assert both.by_citizens.figure.n == 29
    assert both.by_system.figure.enough


def test_each_officer_has_her_own_dossiers() -> None:
    totals = officer_totals([BEST, like(BEST, officer="p2", whole=LATE), like(BEST, officer="")])
    assert list(totals) == ["p1", "p2"]
    assert totals["p1"].by_system.figure.value == 10.0
    assert totals["p2"].by_system.figure.value == 6.0  # 0 + 2 + 2 + 2 + 0


# --- Đ.15, the one-stop ---


def answered(points: int) -> list[Dossier]:
    same = Answers(time=points, contacts=points, agencies=points, attitude=points)
    return officers(same, parts=(ON_DAY,))


@pytest.mark.parametrize(
    ("points", "facts", "total", "rank"),
    [
        (2, {}, 17.0, Rank.EXCELLENT),  # 4·2 + 1 (index 2) + 4·2
        (1, {"on_spot": 0, "posted": 0}, 11.0, Rank.FAIR),  # 4·1 + 1 + (1 + 1 + 2 + 2)
        (2, {"on_spot": 0, "posted": 0}, 15.0, Rank.EXCELLENT),
        (2, {"here": 0, "on_spot": 0, "posted": 0}, 14.0, Rank.GOOD),
        (1, {"posted": 0}, 12.0, Rank.GOOD),
        (1, {"here": 0, "on_spot": 0, "posted": 0, "online_dossiers": 150}, 9.0, Rank.FAIR),
        (1, {"here": 0, "on_spot": 0, "posted": 0, "online_late": 1}, 8.0, Rank.AVERAGE),
        (0, {"here": 0, "on_spot": 0, "posted": 0}, 6.0, Rank.AVERAGE),
        (0, {"here": 0, "on_spot": 0, "posted": 0, "online_late": 1}, 4.0, Rank.WEAK),
    ],
)
def test_a_one_stops_total_and_class(
    points: int, facts: dict[str, object], total: float, rank: Rank
) -> None:
    found = agency_total(answered(points), like(FULL, **facts)).by_citizens
    assert (found.figure.value, found.figure.denominator) == (total, 18)
    assert (found.rank, found.settled) == (rank, True)


@pytest.mark.parametrize(
    ("late", "total", "at_full", "rank"),
    [
        (0, 13.0, 14.63, Rank.GOOD),  # 13 · 18 ÷ 16
        (21, 11.6, 13.05, Rank.GOOD),  # index 2: 18 ÷ 30 = 0.6
        (30, 11.0, 12.38, Rank.GOOD),  # 11 of 18 would be fair
    ],
)
def test_a_class_without_one_index_is_that_of_the_rest_in_proportion(
    late: int, total: float, at_full: float, rank: Rank
) -> None:
    """Feedback unknown; the citizens' four give 8, the one-stop's three 0 + 1 + 2, index 2 the rest."""
    facts = like(FULL, feedback=None, here=0, on_spot=0, posted=0)
    mixed = officers(BEST.answers, 30 - late, parts=(EARLY,))
    mixed += officers(BEST.answers, late, parts=(LATE,))
    found = agency_total(mixed, facts).by_citizens
    assert (found.figure.value, found.at_full, found.rank) == (total, at_full, rank)
    assert (found.left_out, found.open) == ((8,), (Open.LEFT_OUT,))


def test_the_one_stops_own_publishing_goes_before_its_dossiers() -> None:
    wall = officers(BEST.answers, electronic=False)
    assert agency_total(wall, FULL).by_system.figure.value == 18.0
    unknown = like(FULL, posted=None)
    assert agency_total(wall, unknown).by_system.figure.value == 17.0
    assert agency_total(wall, unknown).by_system.left_out == ()


def test_of_a_one_stop_of_which_nothing_is_known_nothing_is_said() -> None:
    found = agency_total([], Agency()).by_citizens
    assert (found.figure.value, found.rank, found.figure.enough) == (None, None, False)
    assert len(found.left_out) == 9
    assert of_agency(Agency()) == dict.fromkeys((5, 6, 8, 9), NONE)


# --- properties ---

point = st.one_of(st.none(), st.integers(0, 2))
answers = st.builds(Answers, time=point, contacts=point, agencies=point, attitude=point)
time = st.one_of(st.none(), st.sampled_from([EARLY, ON_DAY, LATE]))
dossiers = st.builds(
    Dossier,
    officer=st.sampled_from(["", "p1", "p2"]),
    whole=time,
    parts=st.lists(time, max_size=2).map(tuple),
    contacts=st.one_of(st.none(), st.integers(0, 3)),
    own_fault=st.integers(0, 2),
    complained=st.one_of(st.none(), st.booleans()),
    answers=answers,
)


@settings(deadline=None)
@given(st.lists(dossiers, max_size=12))
def test_one_more_dossier_of_the_best_lowers_no_index(known: list[Dossier]) -> None:
    before, after = over_dossiers(known), over_dossiers([*known, BEST])
    for was, now in ((before.system, after.system), (before.citizen, after.citizen)):
        for index, found in was.items():
            value = now[index].figure.value
            assert value is not None
            assert found.figure.value is None or value >= found.figure.value


@settings(deadline=None)
@given(st.lists(dossiers, max_size=12).flatmap(lambda x: st.tuples(st.just(x), st.permutations(x))))
def test_the_order_of_dossiers_does_not_matter(
    orders: tuple[list[Dossier], list[Dossier]],
) -> None:
    one, other = orders
    assert over_dossiers(one) == over_dossiers(other)
    assert officer_totals(one) == officer_totals(other)
    assert agency_total(one, FULL) == agency_total(other, FULL)


@settings(deadline=None)
@given(st.lists(dossiers, max_size=12))
def test_every_total_lies_between_nothing_and_its_most(known: list[Dossier]) -> None:
    both = officer_total(known)
    for total in (both.by_citizens, both.by_system):
        assert 0 <= total.figure.numerator <= total.figure.denominator <= 10
        assert (total.grade is None) == (total.at_full is None)
    assert set(over_dossiers(known).citizen) == set(OF_A_CITIZEN)
