"""Intervals: never wider than the scale, never a point, and true as often as they say."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.satisfaction.figure import half_up, is_enough
from queue_server.satisfaction.intervals import (
    bounded_mean,
    by_chance,
    difference,
    effective,
    sample_size,
    wilson,
)

KNOWN = [
    (0, 10, 0.0, 0.2775),
    (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
    (29, 29, 0.8830, 1.0),
]


@pytest.mark.parametrize(("hits", "n", "low", "high"), KNOWN)
def test_a_shares_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    found = wilson(hits, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_without_answers_there_is_no_interval() -> None:
    assert wilson(0, 0) is None
    assert bounded_mean(0, 0, 1, 5) is None
    assert difference(0, 0, 5, 10) is None
    assert difference(5, 10, 0, 0) is None


@pytest.mark.parametrize(("hits", "n"), [(-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(hits, n)


def test_a_mean_outside_its_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="not between"):
        bounded_mean(60, 10, 1, 5)


def test_thirty_fives_leave_a_mean_unsure() -> None:
    """All alike: the bound is solved by hand, μⁿ = 0.025, so 1 + 4·0.025^(1/30)."""
    found = bounded_mean(150, 30, 1, 5)
    assert found is not None
    assert found.low == pytest.approx(1 + 4 * 0.025 ** (1 / 30), abs=1e-9)
    assert found.high == 5


SHAPES = [(p, q) for p, q in product((0.02, 0.1, 0.5, 0.9), (0.0, 0.05, 0.5)) if p + q <= 1]


@pytest.mark.parametrize(("low", "middle"), SHAPES)
def test_a_means_interval_is_true_in_at_least_95_of_100_cases(low: float, middle: float) -> None:
    """Every way in which twelve scores of 0, 1 or 2 may fall, weighed by how likely it is."""
    n, high = 12, 1 - low - middle
    mean, held = middle + 2 * high, 0.0
    for zeros in range(n + 1):
        for ones in range(n + 1 - zeros):
            twos = n - zeros - ones
            ways = math.comb(n, zeros) * math.comb(n - zeros, ones)
            found = bounded_mean(ones + 2 * twos, n, 0, 2)
            assert found is not None
            if found.holds(mean):
                held += ways * low**zeros * middle**ones * high**twos
    assert held >= 0.95


def test_a_differences_interval_is_newcombes() -> None:
    """Newcombe 1998, table II: 56/70 − 48/80, and 0/10 − 0/20."""
    one, other = difference(56, 70, 48, 80), difference(0, 10, 0, 20)
    assert one is not None
    assert other is not None
    assert (round(one.low, 4), round(one.high, 4)) == (0.0524, 0.3339)
    assert (round(other.low, 4), round(other.high, 4)) == (-0.1611, 0.2775)


def test_the_lady_who_tasted_tea_may_have_guessed() -> None:
    """Fisher's own: 3 of 4 against 1 of 4. One side (16 + 1) ÷ 70."""
    assert by_chance(3, 4, 1, 4) == pytest.approx(2 * 17 / 70)
    assert by_chance(1, 4, 3, 4) == pytest.approx(2 * 17 / 70)
    assert by_chance(4, 4, 0, 4) == pytest.approx(2 / 70)
    assert by_chance(2, 4, 2, 4) == 1
    assert by_chance(0, 0, 2, 4) == 1
    assert by_chance(5, 5, 9, 9) == 1


@pytest.mark.parametrize("hits", range(8))
@pytest.mark.parametrize("other_hits", [0, 1, 6, 11])
def test_chance_is_counted_way_by_way(hits: int, other_hits: int) -> None:
    n, other_n, good = 7, 11, hits + other_hits
    ways = {
        k: math.comb(good, k) * math.comb(n + other_n - good, n - k)
        for k in range(n + 1)
        if k <= good and n - k <= n + other_n - good
    }
    below = sum(w for k, w in ways.items() if k <= hits)
    above = sum(w for k, w in ways.items() if k >= hits)
    tail = below if hits * (n + other_n) <= n * good else above
    expected = min(1, 2 * tail / math.comb(n + other_n, n))
    assert by_chance(hits, n, other_hits, other_n) == pytest.approx(expected)


def test_chance_is_found_among_millions() -> None:
    assert by_chance(920_000, 1_000_000, 3_680_000, 4_000_000) == 1
    assert by_chance(921_000, 1_000_000, 3_680_000, 4_000_000) == pytest.approx(0.00098, abs=1e-4)
    assert by_chance(950_000, 1_000_000, 3_680_000, 4_000_000) < 1e-100


def test_who_answers_all_questions_weighs_as_one_person() -> None:
    assert effective([22] * 40) == pytest.approx(40)
    assert effective([22, 0, 0]) == 1
    assert effective([]) == 0
    assert 1 < effective([22, 1, 1]) < 3


@pytest.mark.parametrize(
    ("population", "asked"),
    [(0, 0), (1, 1), (400, 200), (1_000, 286), (20_000, 393), (10_000_000, 400)],
)
def test_how_many_are_to_be_asked(population: int, asked: int) -> None:
    """N ÷ (1 + N·0.05²): 400 ÷ 2 = 200; 1000 ÷ 3.5 = 285.7; 20000 ÷ 51 = 392.2."""
    assert sample_size(population) == asked


def test_a_smaller_error_asks_more() -> None:
    assert sample_size(1_000, margin=0.03) == 527  # 1000 ÷ 1.9
    with pytest.raises(ValueError, match="error"):
        sample_size(10, margin=0)


def test_thirty_are_enough_and_twenty_nine_are_not() -> None:
    assert not is_enough(29)
    assert is_enough(30)
    assert is_enough(10, least=10)
    assert not is_enough(0, least=0)


@pytest.mark.parametrize(
    ("number", "decimals", "rounded"),
    [("0.25", 1, 0.3), ("1.25", 1, 1.3), ("1.249", 1, 1.2), ("0.005", 2, 0.01), ("2", 1, 2.0)],
)
def test_a_half_goes_up(number: str, decimals: int, rounded: float) -> None:
    assert half_up(Fraction(number), decimals) == rounded


shares = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(shares, st.sampled_from([0.8, 0.95, 0.999]))
def test_an_interval_holds_what_was_seen_and_stays_on_its_scale(
    share: tuple[int, int], level: float
) -> None:
    hits, n = share
    for found in (wilson(hits, n, level), bounded_mean(hits, n, 0, 1, level)):
        assert found is not None
        assert 0 <= found.low <= hits / n <= found.high <= 1
        assert found.low < found.high


@settings(deadline=None)
@given(shares)
def test_one_good_answer_more_lowers_neither_end(share: tuple[int, int]) -> None:
    hits, n = share
    pairs = [
        (wilson(hits, n), wilson(hits + 1, n + 1)),
        (bounded_mean(hits, n, 0, 1), bounded_mean(hits + 1, n + 1, 0, 1)),
    ]
    for before, after in pairs:
        assert before is not None
        assert after is not None
        assert after.low >= before.low
        assert after.high >= before.high - 1e-12
