"""Due dates: first day not counted, ends on days off roll on, late receipts of same-day procedures wait."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_server.dossiers.calendar import (
    OFFICE_DAY,
    NeverOpen,
    ProcessingTime,
    TimeUnit,
    WorkCalendar,
    add_working_days,
    due,
    extended,
    is_open,
    next_opening,
    sessions,
    working_day_before,
    working_days_between,
)
from queue_server.store.holidays import LocalDays, days_off

OFF_2026 = days_off([2026, 2027])
PLAIN = WorkCalendar()
VIETNAM = WorkCalendar(holidays=OFF_2026.holidays, worked=OFF_2026.worked)
SATURDAY_MORNING = WorkCalendar(week=(*[OFFICE_DAY] * 5, sessions("07:30-11:30"), ()))
moments = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 6, 30))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def takes(unit: TimeUnit, value: float = 1) -> ProcessingTime:
    return ProcessingTime(unit=unit, value=value)


SAME_DAY = takes(TimeUnit.SAME_DAY)


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("2026-11-23 07:40", "2026-11-23 17:00"),
        ("2026-11-23 15:00", "2026-11-23 17:00"),
        ("2026-11-23 15:01", "2026-11-25 17:00"),  # Tuesday 24 November is Vietnam Culture Day
        ("2026-11-20 16:00", "2026-11-23 17:00"),
        ("2026-11-20 18:30", "2026-11-23 17:00"),
        ("2026-11-22 09:00", "2026-11-23 17:00"),
    ],
)
def test_a_same_day_procedure_received_after_three_is_due_the_next_working_day(received, expected):
    assert due(at(received), SAME_DAY, VIETNAM) == at(expected)


def test_a_saturday_morning_counter_gives_same_day_results_but_no_working_day():
    saturday = at("2026-11-21 08:00")
    assert due(saturday, SAME_DAY, SATURDAY_MORNING) == at("2026-11-21 11:30")
    assert due(saturday, takes(TimeUnit.WORKING_DAY, 3), SATURDAY_MORNING) == at("2026-11-25 17:00")
    assert not SATURDAY_MORNING.is_working_day(saturday.date())


@pytest.mark.parametrize(
    ("received", "days", "expected"),
    [
        ("2026-11-16 08:00", 3, "2026-11-19 17:00"),
        ("2026-11-20 08:00", 3, "2026-11-26 17:00"),  # weekend and 24 November in between
        ("2026-02-13 08:00", 1, "2026-02-23 17:00"),  # over Tết
        ("2026-11-16 08:00", 7.5, "2026-11-27 11:30"),  # the half day ends at noon
    ],
)
def test_working_days_leave_out_the_first_day_and_days_off(received, days, expected):
    assert due(at(received), takes(TimeUnit.WORKING_DAY, days), VIETNAM) == at(expected)


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        (TimeUnit.DAY, 5, "2026-11-23 17:00"),  # 21 November is a Saturday
        (TimeUnit.DAY, 15, "2026-12-01 17:00"),
        (TimeUnit.MONTH, 1, "2026-12-16 17:00"),
        (TimeUnit.YEAR, 1, "2027-11-16 17:00"),
    ],
)
def test_calendar_deadlines_count_days_off_but_do_not_end_on_them(unit, value, expected):
    assert due(at("2026-11-16 08:00"), takes(unit, value), VIETNAM) == at(expected)


def test_a_month_without_that_day_ends_on_its_last():
    assert due(at("2026-12-31 08:00"), takes(TimeUnit.MONTH, 2), PLAIN) == at("2027-03-01 17:00")


@pytest.mark.parametrize(
    ("received", "hours", "expected"),
    [
        ("2026-11-16 08:00", 1, "2026-11-16 09:00"),
        ("2026-11-16 11:00", 1, "2026-11-16 14:00"),  # the lunch break does not count
        ("2026-11-16 16:30", 2, "2026-11-17 09:00"),
        ("2026-11-16 08:00", 8, "2026-11-17 17:00"),
        ("2026-11-16 08:00", 12, "2026-11-18 11:30"),
    ],
)
def test_hours_are_hours_in_which_the_centre_works(received, hours, expected):
    assert due(at(received), takes(TimeUnit.HOUR, hours), PLAIN) == at(expected)


def test_where_no_time_is_stated_no_date_is_promised():
    assert due(at("2026-11-16 08:00"), ProcessingTime(), PLAIN) is None


def test_lunch_closing_and_weekends_open_again_at_the_next_session():
    assert next_opening(at("2026-11-20 12:00"), PLAIN) == at("2026-11-20 13:30")
    assert next_opening(at("2026-11-20 17:00"), PLAIN) == at("2026-11-23 07:30")
    assert not is_open(at("2026-11-20 11:30"), PLAIN)


def test_a_pause_for_a_supplement_moves_the_due_date_by_the_working_days_lost():
    due_at = at("2026-11-19 17:00")
    moved = extended(
        due_at, TimeUnit.WORKING_DAY, at("2026-11-17 09:00"), at("2026-11-20 10:00"), PLAIN
    )
    assert moved == at("2026-11-24 17:00")


def test_an_apology_goes_out_on_the_working_day_before():
    assert working_day_before(dt.date(2026, 11, 25), VIETNAM) == dt.date(2026, 11, 23)


def test_the_public_holidays_and_swapped_saturdays_of_2026_are_known():
    assert dt.date(2026, 11, 24) in OFF_2026.holidays
    assert VIETNAM.is_working_day(dt.date(2026, 8, 22))
    assert len(VIETNAM.sessions_on(dt.date(2026, 8, 22))) == 2


def test_the_centres_own_list_has_the_last_word():
    swap, own = dt.date(2026, 8, 22), dt.date(2026, 12, 1)
    off = days_off([2026], LocalDays(closed=(swap, own), worked=(dt.date(2026, 8, 31),)))
    calendar = WorkCalendar(holidays=off.holidays, worked=off.worked)
    assert not calendar.is_working_day(swap)
    assert not calendar.is_working_day(own)
    assert calendar.is_working_day(dt.date(2026, 8, 31))


def test_a_calendar_without_a_working_day_is_refused_and_never_hangs():
    closed = WorkCalendar(week=((),) * 7)
    with pytest.raises(NeverOpen):
        due(at("2026-11-16 08:00"), SAME_DAY, closed)
    with pytest.raises(NeverOpen):
        add_working_days(dt.date(2026, 11, 16), 1, closed)


@pytest.mark.parametrize("text", ["11:30-07:30", "07:30-11:30 11:00-12:00", "7h30"])
def test_sessions_out_of_order_are_refused(text):
    with pytest.raises(ValueError):
        sessions(text)


@given(moments, st.sampled_from(list(TimeUnit)), st.integers(1, 60))
def test_a_due_moment_is_never_before_receipt_nor_on_a_day_off(received, unit, value):
    moment = due(received, takes(unit, value), VIETNAM)
    if moment is not None:
        assert moment >= received
        assert VIETNAM.is_working_day(moment.date())


@given(st.dates(dt.date(2026, 1, 1), dt.date(2027, 6, 30)), st.integers(1, 40))
def test_working_days_counted_forward_are_counted_back(day, count):
    end = add_working_days(day, count, VIETNAM)
    assert working_days_between(day, end, VIETNAM) == count
