"""Dossier codes: both official forms are read, real dates are demanded, and what is written is read back."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_server.dossiers.codes import (
    BadCode,
    DossierCode,
    compose,
    parse,
    parse_procedure,
)

CLASSIC = "000.00.15.H19-240105-0001"
REVERSED = "H15.50.05.13-261008-0975"
agencies = st.one_of(
    st.from_regex(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}", fullmatch=True),
    st.from_regex(r"[A-Z][0-9]{2}(\.[0-9]{2}){0,3}", fullmatch=True),
)
days = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))


def reason_of(text: str) -> str:
    with pytest.raises(BadCode) as caught:
        parse(text)
    return caught.value.reason


def test_the_classic_form_is_read():
    assert parse(CLASSIC) == DossierCode(
        agency="000.00.15.H19", date=dt.date(2024, 1, 5), serial=1, width=4
    )


@pytest.mark.parametrize("text", ["H19-240105-0001", "H19.15-240105-0001", REVERSED])
def test_the_reversed_form_is_read_at_every_level(text):
    assert str(parse(text)) == text


def test_a_ministry_writes_seven_digits_and_keeps_them():
    code = parse("G15.02-260708-1500042")
    assert (code.serial, code.width, str(code)) == (1500042, 7, "G15.02-260708-1500042")


def test_blanks_around_and_small_letters_are_forgiven():
    assert str(parse(f"  {REVERSED.lower()}\r\n")) == REVERSED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A012",
        "H19",
        "H19-240105-001",
        "H19-240105-00000001",
        "H19.15.01.02.03-240105-0001",
        "00.00.15.H19-240105-0001",
        "H19 -240105-0001",
        "H19-240105-0001\nH19-240105-0002",
        "H19-२४०१०५-0001",
    ],
)
def test_a_text_of_another_shape_is_refused(text):
    assert reason_of(text) == "shape"


@pytest.mark.parametrize("text", ["H19-240230-0001", "H19-241301-0001", "H19-250229-0001"])
def test_a_day_that_never_was_is_refused(text):
    assert reason_of(text) == "date"


@pytest.mark.parametrize(
    ("agency", "date", "serial", "reason"),
    [
        ("h19", dt.date(2026, 1, 1), 1, "shape"),
        ("H19", dt.date(2026, 1, 1), 10_000_000, "shape"),
        ("H19", dt.date(2026, 1, 1), -1, "shape"),
        ("H19", dt.date(1999, 1, 1), 1, "date"),
    ],
)
def test_what_could_not_be_read_back_is_never_written(agency, date, serial, reason):
    with pytest.raises(BadCode) as caught:
        compose(agency, date, serial)
    assert caught.value.reason == reason


@given(agencies, days, st.integers(0, 9_999_999), st.integers(4, 7))
def test_every_code_written_is_read_back(agency, day, serial, width):
    code = parse(compose(agency, day, serial, width))
    assert (code.agency, code.date, code.serial) == (agency, day, serial)
    assert parse(str(code)) == code


@given(st.text(max_size=40))
def test_any_text_is_a_code_or_refused_with_a_reason(text):
    try:
        assert str(parse(text)) == text.strip().upper()
    except BadCode as bad:
        assert bad.reason in {"shape", "date"}


def test_procedure_codes_are_national_or_a_provinces_own():
    assert parse_procedure(" 1.001612 ").province is None
    local = parse_procedure("1.001612.000.00.00.h19")
    assert (local.national, local.province) == ("1.001612", "H19")
    assert str(local) == "1.001612.000.00.00.H19"


@pytest.mark.parametrize("text", ["1.0133611", "1.00161", "1.001612.H19", "x"])
def test_an_odd_procedure_code_is_refused(text):
    with pytest.raises(BadCode):
        parse_procedure(text)
