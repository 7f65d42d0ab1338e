"""SIPAS by hand: top two over valid answers, by question, factor and in all, with people as the sample."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.satisfaction.figure import Certainty
from queue_server.satisfaction.intervals import wilson
from queue_server.satisfaction.sipas import ITEMS, Factor, sipas

SMALL = {"seats": Factor.ACCESS, "polite": Factor.STAFF, "listens": Factor.STAFF}


def test_an_item_is_the_share_of_its_two_best_levels() -> None:
    """Scores 5 4 3 2 1: two of five."""
    found = sipas([{"seats": score} for score in (5, 4, 3, 2, 1)], SMALL).items["seats"]
    assert (found.value, found.numerator, found.denominator, found.n) == (0.4, 2, 5, 5)
    assert found.interval == wilson(2, 5)
    assert found.source.certainty is Certainty.WELL_KNOWN


def test_a_factor_pools_its_items_and_the_whole_is_told_in_two_ways() -> None:
    """Access 4 of 4; staff 4 of 8. Over all answers 8 of 12, the mean of factors (1 + ½) ÷ 2."""
    found = sipas([{"seats": 5, "polite": 4, "listens": 1}] * 4, SMALL)
    assert {f: x.value for f, x in found.factors.items()} == {Factor.ACCESS: 1, Factor.STAFF: 0.5}
    assert found.share_over_items.value == pytest.approx(8 / 12)
    assert found.mean_over_factors.value == 0.75
    assert found.mean_over_factors.source.certainty is Certainty.UNSURE


def test_what_is_left_out_or_off_the_scale_is_in_neither_number() -> None:
    found = sipas([{"seats": None}, {"seats": 0}, {"seats": 6}, {"seats": 5}, {"x": 5}, {}], SMALL)
    assert (found.items["seats"].numerator, found.items["seats"].denominator) == (1, 1)
    assert (found.invalid, found.unknown, found.sheets) == (2, 1, 6)


def test_a_factor_without_an_answer_is_left_out_of_the_mean() -> None:
    found = sipas([{"polite": 5}], SMALL)
    assert found.left_out == (Factor.ACCESS,)
    assert (found.mean_over_factors.value, found.mean_over_factors.denominator) == (1.0, 1)


def test_without_a_sheet_there_is_nothing_to_say() -> None:
    found = sipas([])
    for figure in (found.share_over_items, found.mean_over_factors, *found.items.values()):
        assert (figure.value, figure.interval, figure.n, figure.enough) == (None, None, 0, False)
    assert found.left_out == tuple(Factor)


@pytest.mark.parametrize(("people", "enough"), [(29, False), (30, True)])
def test_thirty_people_are_enough_however_many_questions_they_answer(
    people: int, enough: bool
) -> None:
    found = sipas([dict.fromkeys(ITEMS, 5)] * people)
    assert found.share_over_items.denominator == people * len(ITEMS)
    for figure in (found.share_over_items, found.mean_over_factors, found.items["polite"]):
        assert (figure.n, figure.enough) == (people, enough)


def test_many_questions_make_no_narrower_interval_than_the_people_who_answer() -> None:
    """Half of forty people like everything, half nothing: forty answers' worth, not 920."""
    found = sipas([dict.fromkeys(ITEMS, score) for score in [5, 1] * 20])
    people = wilson(20, 40)
    assert people is not None
    for figure in (found.share_over_items, found.mean_over_factors):
        assert figure.interval is not None
        assert figure.interval.low == pytest.approx(people.low)
        assert figure.interval.high == pytest.approx(people.high)


def test_a_factor_that_one_person_answered_makes_the_mean_as_unsure_as_she_is() -> None:
    """Thirty answer access, one of them staff too. She weighs 1/30 + 1, the others 1/30 each: 4 ÷ 1.1 people."""
    found = sipas([{"seats": 5, "polite": 1}, *[{"seats": 5}] * 29], SMALL).mean_over_factors
    assert (found.value, found.n, found.enough) == (0.5, 1, False)
    people = wilson(2 / 1.1, 4 / 1.1)
    assert found.interval is not None
    assert people is not None
    assert found.interval.low == pytest.approx(people.low)
    assert found.interval.high == pytest.approx(people.high)


def test_every_factor_has_its_questions() -> None:
    assert set(ITEMS.values()) == set(Factor)
    assert all(item.isascii() for item in ITEMS)


answer = st.one_of(st.none(), st.integers(0, 6))
sheets = st.lists(st.dictionaries(st.sampled_from([*SMALL, "x"]), answer), max_size=10)


@settings(deadline=None)
@given(sheets)
def test_one_sheet_of_the_best_lowers_no_share(known: list[dict[str, int | None]]) -> None:
    before, after = sipas(known, SMALL), sipas([*known, dict.fromkeys(SMALL, 5)], SMALL)
    pairs = [
        (before.share_over_items, after.share_over_items),
        (before.mean_over_factors, after.mean_over_factors),
        *((before.items[i], after.items[i]) for i in SMALL),
        *((before.factors[f], after.factors[f]) for f in before.factors),
    ]
    for was, now in pairs:
        assert now.value is not None
        assert was.value is None or now.value >= was.value


@settings(deadline=None)
@given(sheets.flatmap(lambda x: st.tuples(st.just(x), st.permutations(x))))
def test_the_order_of_sheets_does_not_matter(
    orders: tuple[list[dict[str, int | None]], list[dict[str, int | None]]],
) -> None:
    assert sipas(orders[0], SMALL) == sipas(orders[1], SMALL)
