"""Triggers after HappyOrNot's practice, and alerts that open once, are acknowledged, and close with a word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.satisfaction.triggers import (
    LONGEST_WORDS,
    Alert,
    AlertStatus,
    Answer,
    Measure,
    Moment,
    Reading,
    Trigger,
    Wrong,
    WrongStep,
    acknowledge,
    bad_answers,
    close,
    comment,
    low_index,
    negative_share,
    read,
    watch,
)
from queue_server.wire.words import MINUTE

START = 1_000 * MINUTE
NEGATIVE = negative_share()
ROOM = Moment(waiting=17, wait_minutes=24.5, counters_open=2, officers=2)


def answers(*scores: int, at: int = START, counter: int = 1, service: str = "a") -> list[Answer]:
    return [Answer(at=at, score=score, counter=counter, service=service) for score in scores]


# --- what is seen ---


@pytest.mark.parametrize(
    ("scores", "reading"),
    [
        ((1, 2, 4, 5), Reading(value=50, n=4, fires=True)),
        ((1, 2, 5), Reading(n=3)),
        ((1, 3, 4, 5, 5), Reading(value=20, n=5, better=True)),
        ((1, 1, 4, 5, 5), Reading(value=40, n=5, better=True)),
        ((1, 1, 1, 1, 5, 5, 5, 5, 5), Reading(value=400 / 9, n=9)),  # between: neither
        ((), Reading()),
    ],
)
def test_half_of_at_least_four_answers_negative_fires(
    scores: tuple[int, ...], reading: Reading
) -> None:
    assert read(NEGATIVE, answers(*scores), START) == reading


def test_only_the_last_quarter_of_an_hour_counts() -> None:
    old = answers(1, 1, 1, at=START - 15 * MINUTE)
    assert read(NEGATIVE, old + answers(1), START).n == 1
    just = answers(1, 1, 1, at=START - 15 * MINUTE + 1)
    assert read(NEGATIVE, just + answers(1), START).fires
    assert read(NEGATIVE, answers(1, 1, 1, 1, at=START + 1), START).n == 0


def test_a_trigger_may_watch_one_counter_or_service() -> None:
    given_ = answers(1, 1, 1, 1, counter=2) + answers(5, 5, 5, 5)
    assert read(Trigger(id="x", counter=2), given_, START).value == 100
    assert read(Trigger(id="x", counter=1), given_, START).value == 0
    assert read(Trigger(id="x", service="b"), given_, START).n == 0


INDEX = Trigger(id="i", measure=Measure.INDEX, limit=60, ease=5, fewest=2)
ABOVE = Trigger(id="i", measure=Measure.INDEX, limit=60, ease=5, fewest=2, above=True)


@pytest.mark.parametrize(
    ("trigger", "scores", "value", "fires", "better"),
    [
        (INDEX, (3, 3), 50, True, False),
        (INDEX, (3, 3, 4, 4, 3), 60, False, False),  # the limit itself is kept
        (INDEX, (3, 4), 62.5, False, False),
        (INDEX, (4, 3, 4, 4), 68.75, False, True),
        (INDEX, (1, 1), 0, True, False),
        (INDEX, (5, 5), 100, False, True),
        (ABOVE, (4, 4), 75, True, False),
        (ABOVE, (3, 3, 4, 4, 3), 60, False, False),
        (ABOVE, (3, 3), 50, False, True),
    ],
)
def test_an_index_is_held_against_its_limit(
    trigger: Trigger, scores: tuple[int, ...], value: float, fires: bool, better: bool
) -> None:
    """(mean − 1) ÷ 4: the mean of 3 3 4 4 3 is 3.4, so 60."""
    reading = read(trigger, answers(*scores), START)
    assert reading == Reading(value=pytest.approx(value), n=len(scores), fires=fires, better=better)


@pytest.mark.parametrize(
    ("scores", "value", "fires", "better"),
    [
        ((1, 1, 1), 3, True, False),
        ((1, 5, 1), 2, False, False),
        ((5, 5), 0, False, True),
        ((), 0, False, True),
    ],
)
def test_a_given_answer_so_many_times_fires(
    scores: tuple[int, ...], value: float, fires: bool, better: bool
) -> None:
    reading = read(bad_answers(), answers(*scores), START)
    assert reading == Reading(value=value, n=len(scores), fires=fires, better=better)


# --- one alert at a time ---

FIRES, BETWEEN, BETTER = Reading(n=4, fires=True), Reading(n=4), Reading(n=4, better=True)
NOTHING = Reading()


def see(
    reading: Reading, last: Alert | None, minute: int, trigger: Trigger = NEGATIVE
) -> Alert | None:
    return watch(trigger, reading, last, START + minute * MINUTE, ROOM, f"a{minute}")


def opened() -> Alert:
    alert = see(FIRES, None, 0)
    assert alert is not None
    return alert


def test_an_alert_keeps_what_was_seen_and_how_it_was_in_the_room() -> None:
    alert = opened()
    assert (alert.id, alert.trigger, alert.opened_at) == ("a0", "negative", START)
    assert (alert.status, alert.reading, alert.moment) == (AlertStatus.OPEN, FIRES, ROOM)


def test_while_one_is_open_no_other_opens() -> None:
    alert = opened()
    assert see(FIRES, alert, 60) is None
    assert see(FIRES, acknowledge(alert, "ql", START), 60) is None


@pytest.mark.parametrize("reading", [FIRES, BETWEEN, NOTHING])
def test_answers_that_stop_or_are_hardly_better_end_nothing(reading: Reading) -> None:
    assert see(reading, opened(), 5) is None


def test_clearly_better_answers_end_it_by_itself() -> None:
    for alert in (opened(), acknowledge(opened(), "ql", START)):
        ended = see(BETTER, alert, 20)
        assert ended is not None
        assert (ended.status, ended.closed_at) == (AlertStatus.CLOSED, START + 20 * MINUTE)
        assert ended.closed_by == ""
    assert see(BETTER, opened(), 20, Trigger(id="negative", ends_itself=False)) is None


def test_after_its_end_a_trigger_rests() -> None:
    ended = see(BETTER, opened(), 20)
    assert see(FIRES, ended, 34) is None
    again = see(FIRES, ended, 35)
    assert again is not None
    assert again.id == "a35"
    assert see(BETTER, ended, 35) is None
    assert see(BETTER, None, 0) is None


# --- the life of an alert ---


def test_a_person_acknowledges_comments_and_closes() -> None:
    alert = acknowledge(opened(), "ql", START + 1)
    alert = comment(alert, "hd", START + 2, "  máy in hết giấy ")
    alert = close(alert, "ql", START + 3, "đã mở thêm quầy 4")
    assert alert.status is AlertStatus.CLOSED
    assert (alert.acknowledged_by, alert.acknowledged_at) == ("ql", START + 1)
    assert (alert.closed_by, alert.closed_at) == ("ql", START + 3)
    assert [(c.by, c.words) for c in alert.comments] == [
        ("hd", "máy in hết giấy"),
        ("ql", "đã mở thêm quầy 4"),
    ]
    assert alert.reading == FIRES


def done() -> Alert:
    return close(acknowledge(opened(), "ql", START), "ql", START, "xong")


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (lambda: close(opened(), "ql", START, "xong"), Wrong.NOT_ACKNOWLEDGED),
        (lambda: acknowledge(acknowledge(opened(), "a", 1), "b", 2), Wrong.ALREADY_ACKNOWLEDGED),
        (lambda: acknowledge(done(), "ql", START), Wrong.CLOSED),
        (lambda: comment(done(), "ql", START, "x"), Wrong.CLOSED),
        (lambda: close(done(), "ql", START, "x"), Wrong.CLOSED),
        (lambda: comment(opened(), "ql", START, " \n"), Wrong.NO_WORDS),
        (lambda: close(acknowledge(opened(), "q", 1), "q", 2, ""), Wrong.NO_WORDS),
        (lambda: comment(opened(), "q", 1, "x" * (LONGEST_WORDS + 1)), Wrong.LONG_WORDS),
    ],
)
def test_a_wrong_step_is_refused_with_its_reason(step: Callable[[], Alert], code: Wrong) -> None:
    with pytest.raises(WrongStep) as refused:
        step()
    assert refused.value.code is code


# --- properties ---


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 5), max_size=12).flatmap(
        lambda x: st.tuples(st.just(x), st.permutations(x))
    ),
    st.sampled_from([NEGATIVE, low_index(), INDEX, bad_answers()]),
)
def test_the_order_does_not_matter_and_a_best_answer_more_fires_nothing(
    orders: tuple[list[int], list[int]], trigger: Trigger
) -> None:
    reading = read(trigger, answers(*orders[0]), START)
    assert reading == read(trigger, answers(*orders[1]), START)
    assert not (reading.fires and reading.better)
    if len(orders[0]) >= trigger.fewest and not reading.fires:
        assert not read(trigger, answers(*orders[0], 5), START).fires


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from([FIRES, BETWEEN, BETTER, NOTHING]))))
def test_alerts_of_one_trigger_never_overlap_and_keep_their_rest(
    steps: list[tuple[int, Reading]],
) -> None:
    minute, last, all_alerts = 0, None, dict[str, Alert]()
    for waited, reading in steps:
        minute += waited
        changed = see(reading, last, minute)
        if changed is not None:
            if changed.status is AlertStatus.OPEN and last is not None:
                assert last.status is AlertStatus.CLOSED
                assert changed.opened_at - last.closed_at >= 15 * MINUTE
            all_alerts[changed.id] = last = changed
    assert sum(a.status is not AlertStatus.CLOSED for a in all_alerts.values()) <= 1
