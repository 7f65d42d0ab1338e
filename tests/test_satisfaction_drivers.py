"""What goes with satisfaction: against the rest, told apart from chance, and with nobody to be found in it."""

from __future__ import annotations

from math import comb
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.satisfaction.drivers import (
    FEWEST,
    By,
    Drivers,
    Level,
    Tally,
    Told,
    drivers,
)
from queue_server.satisfaction.intervals import difference, wilson
from tests.tallied import Answer, band, tallied


def tally(level: str, answers: int, satisfied: int | None = None, within: str = "") -> Tally:
    good = answers if satisfied is None else satisfied
    return Tally(level=level, answers=answers, satisfied=good, within=within)


def levels(found: Drivers, by: str = By.SERVICE) -> dict[str, Level]:
    (driver,) = (d for d in found.drivers if d.by == by)
    return {level.level: level for level in driver.levels}


def hidden(*tables: tuple[int, ...]) -> list[set[str]]:
    """Which of the levels a, b, c … of so many answers are not shown."""
    found = []
    for table in tables:
        named = [tally("abcdefgh"[k], n) for k, n in enumerate(table)]
        shown = levels(drivers({By.SERVICE: named}))
        found.append({name for name, level in shown.items() if level.told is Told.HIDDEN})
    return found


# --- against the rest ---


def test_each_level_stands_against_all_others() -> None:
    """a: 60 of 100, b: 190 of 200; together 250 of 300."""
    found = drivers({By.SERVICE: [tally("a", 100, 60), tally("b", 200, 190)]})
    assert (found.answers, found.share, found.comparisons) == (300, 250 / 300, 2)
    assert found.interval == wilson(250, 300)
    a, b = levels(found)["a"], levels(found)["b"]
    assert (a.answers, a.share, a.interval) == (100, 0.6, wilson(60, 100))
    assert a.difference == pytest.approx(0.6 - 0.95)
    assert a.difference_interval == difference(60, 100, 190, 200, 0.975)  # 1 − 0.05 ÷ 2
    assert (a.told, b.told) == (Told.WORSE, Told.BETTER)


def test_a_small_difference_may_be_chance() -> None:
    found = levels(drivers({By.SERVICE: [tally("a", 100, 88), tally("b", 200, 184)]}))
    assert {level.told for level in found.values()} == {Told.CHANCE}


def test_the_more_is_compared_the_more_it_takes() -> None:
    """84 of 100 against 92 %: clear alone, and not among forty."""
    pair = [tally("a", 100, 84), tally("b", 1_000, 920)]
    assert levels(drivers({By.SERVICE: pair}))["a"].told is Told.WORSE
    hours = [tally(f"{k:02}", 55, 50 if k else 54) for k in range(20)]
    many = drivers({By.SERVICE: pair, By.HOUR: hours, By.GROUP: hours})
    assert many.comparisons == 42
    assert levels(many)["a"].told is Told.CHANCE


@pytest.mark.parametrize(("n", "told"), [(29, Told.TOO_FEW), (30, Told.WORSE)])
def test_with_fewer_than_thirty_on_either_side_nothing_is_said(n: int, told: Told) -> None:
    found = drivers({By.SERVICE: [tally("a", n, 0), tally("b", 100)]})
    assert levels(found)["a"].told is told
    assert levels(found)["b"].told is (Told.TOO_FEW if n < 30 else Told.BETTER)
    assert found.comparisons == (0 if n < 30 else 2)


def test_one_level_alone_has_no_rest() -> None:
    only = levels(drivers({By.SERVICE: [tally("a", 100)]}))["a"]
    assert (only.difference, only.difference_interval, only.told) == (None, None, Told.TOO_FEW)


def test_of_no_answers_nothing_is_told() -> None:
    for tables in ({}, tallied([]), {By.SERVICE: [tally("a", 0)]}):
        found = drivers(tables)
        assert (found.answers, found.share, found.interval, found.enough) == (None,) * 3 + (False,)


def test_chance_alone_is_called_a_difference_in_five_of_a_hundred_at_most() -> None:
    """Every way in which two levels of 40, both satisfied at 90 %, may come out, by its likelihood."""
    n, share = 40, 0.9
    way = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    wrong = 0.0
    for a in range(n + 1):
        for b in range(n + 1):
            if way[a] * way[b] > 1e-9:
                found = drivers({By.SERVICE: [tally("a", n, a), tally("b", n, b)]})
                if levels(found)["a"].told is not Told.CHANCE:
                    wrong += way[a] * way[b]
    assert wrong <= 0.05


def test_among_twenty_levels_chance_alone_is_seldom_called_a_difference() -> None:
    chance, wrong = Random(5), 0
    for _ in range(200):
        table = [
            tally(str(k), 40, sum(chance.random() < 0.9 for _ in range(40))) for k in range(20)
        ]
        told = {level.told for level in levels(drivers({By.SERVICE: table})).values()}
        wrong += told != {Told.CHANCE}
    assert wrong <= 10  # 5 %


# --- small numbers ---


def test_a_small_level_is_hidden_and_with_it_the_next_smallest() -> None:
    assert hidden((4, 20, 7)) == [{"a", "c"}]
    assert hidden((5, 20, 7)) == [set()]
    assert hidden((4, 20, 20)) == [{"a", "b"}]  # of two alike the first by name
    assert hidden((3, 3, 40)) == [{"a", "b"}]  # six together
    assert hidden((1, 1, 40, 60)) == [{"a", "b", "c"}]  # two together would be too few
    assert hidden((4, 0, 40)) == [{"a", "c"}]  # nobody protects nobody
    assert hidden((4, 40)) == [{"a", "b"}]
    assert hidden((4,)) == [{"a"}]


def test_a_hidden_level_says_nothing_but_its_name() -> None:
    found = levels(drivers({By.SERVICE: [tally("a", 4), tally("b", 9), tally("c", 99)]}))
    assert found["a"] == Level(level="a", told=Told.HIDDEN)
    assert found["b"] == Level(level="b", told=Told.HIDDEN)
    assert found["c"].answers == 99


def test_of_four_answers_in_all_not_even_the_whole_is_told() -> None:
    found = drivers({By.SERVICE: [tally("a", 4)]})
    assert (found.answers, found.share) == (None, None)
    assert drivers({By.SERVICE: [tally("a", 5)]}).answers == 5


def test_a_procedure_cannot_be_had_by_its_service_less_its_others() -> None:
    """Service x shows 20: with its 17 shown, its 3 would be known, whatever is hidden elsewhere."""
    services = [tally("x", 20), tally("y", 36)]
    procedures = [
        tally("1", 17, within="x"),
        tally("2", 3, within="x"),
        tally("3", 6, within="y"),
        tally("4", 30, within="y"),
    ]
    found = levels(drivers({By.PROCEDURE: procedures, By.SERVICE: services}), By.PROCEDURE)
    assert [found[name].told is Told.HIDDEN for name in "1234"] == [True, True, False, False]


def test_with_a_service_all_of_its_procedures_are_hidden() -> None:
    services = [tally("x", 4), tally("y", 20), tally("z", 60)]
    procedures = [
        tally("1", 4, within="x"),
        tally("2", 10, within="y"),
        tally("3", 10, within="y"),
        tally("4", 60, within="z"),
    ]
    found = levels(drivers({By.SERVICE: services, By.PROCEDURE: procedures}), By.PROCEDURE)
    assert [found[name].told is Told.HIDDEN for name in "1234"] == [True, True, True, False]


@pytest.mark.parametrize(
    "tables",
    [
        {By.SERVICE: [tally("a", 50)], By.HOUR: [tally("07", 49)]},
        {By.SERVICE: [tally("a", 50)], By.HOUR: [tally("07", 50, 49)]},
        {By.PROCEDURE: [tally("1", 50, within="a")]},
        {By.SERVICE: [tally("a", 50)], By.PROCEDURE: [tally("1", 50, within="b")]},
        {By.SERVICE: [tally("a", 5, 6)]},
    ],
)
def test_tables_that_are_no_splits_of_the_same_answers_are_refused(
    tables: dict[str, list[Tally]],
) -> None:
    with pytest.raises(ValueError, match=r"same answers|not shown|no tally"):
        drivers(tables)


# --- counting ---


@pytest.mark.parametrize(
    ("minutes", "name"),
    [
        (0, "00-05"),
        (4.99, "00-05"),
        (5, "05-10"),
        (15, "15-20"),
        (60, "60-"),
        (500, "60-"),
        (None, ""),
    ],
)
def test_waits_come_in_bands(minutes: float | None, name: str) -> None:
    assert band(minutes) == name


def test_answers_are_counted_by_each_driver_and_the_unknown_is_a_level() -> None:
    found = tallied(
        [
            Answer(satisfied=True, wait_minutes=3, service="a", hour=7, procedure="1", group="g"),
            Answer(satisfied=False, service="a", hour=7, procedure="1"),
        ]
    )
    assert found[By.WAIT] == (tally("", 1, 0), tally("00-05", 1))
    assert found[By.SERVICE] == (tally("a", 2, 1),)
    assert found[By.HOUR] == (tally("07", 2, 1),)
    assert found[By.PROCEDURE] == (tally("1", 2, 1, within="a"),)
    assert found[By.GROUP] == (tally("", 1, 0), tally("g", 1))


answer = st.builds(
    Answer,
    satisfied=st.booleans(),
    wait_minutes=st.one_of(st.none(), st.floats(0, 90)),
    service=st.sampled_from("ab"),
    hour=st.sampled_from([None, 7, 8]),
    procedure=st.sampled_from(["", "1", "2", "3"]),
    group=st.sampled_from(["", "elderly", "pregnant"]),
)
many = st.lists(answer, max_size=60)


@settings(deadline=None)
@given(many)
def test_no_sum_that_is_shown_gives_away_fewer_than_five(answers: list[Answer]) -> None:
    """Whole less shown, for every driver, and for procedures service by service."""
    tables = tallied(answers)
    found = drivers(tables)
    real = {by: {(t.within, t.level): t.answers for t in table} for by, table in tables.items()}
    by_service = levels(found)
    for driver in found.drivers:
        groups: dict[str, list[Level]] = {}
        for level in driver.levels:
            groups.setdefault(level.within, []).append(level)
        for within, group in groups.items():
            secret = [x for x in group if x.told is Told.HIDDEN]
            sizes = [real[driver.by][x.within, x.level] for x in secret]
            outer = by_service[within].answers if within else found.answers
            if outer is not None and secret:
                assert len(secret) >= 2
                assert sum(sizes) >= FEWEST
            assert all(x.answers is None or x.answers >= FEWEST for x in group)


@settings(deadline=None)
@given(many.flatmap(lambda x: st.tuples(st.just(x), st.permutations(x))))
def test_the_order_of_answers_does_not_matter(orders: tuple[list[Answer], list[Answer]]) -> None:
    assert drivers(tallied(orders[0])) == drivers(tallied(orders[1]))


@settings(deadline=None)
@given(many)
def test_a_good_answer_more_lowers_no_share(answers: list[Answer]) -> None:
    good = Answer(satisfied=True, service="a")
    before, after = drivers(tallied(answers)), drivers(tallied([*answers, good]))
    assert before.share is None or (after.share is not None and after.share >= before.share)
    was, now = levels(before).get("a"), levels(after)["a"]
    if was is not None and was.share is not None and now.share is not None:
        assert now.share >= was.share
