"""What the code of an ID card is read as, and where an address on it lies now. All people here are made up."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_server.dossiers import units
from queue_server.dossiers.identity import (
    CardKind,
    NotACard,
    age,
    doubts,
    numbers_only,
    read_card,
)

OLD = "001085000123|012345678|Nguyễn Văn A|15031985|Nam|Số 1, Phường X, Hà Nội|10052021"
NEW = "079301000456||Trần Thị B|02092001|Nữ|Ấp 2, Xã Y, TP.HCM|20082024||||"
FAMILY = "079301000456||Trần Thị B|02092001|Nữ|Ấp 2|20082024|Cha Lạ|079060000001|Mẹ Lạ|079160000002"


def test_a_card_of_seven_fields_is_a_cccd() -> None:
    card = read_card(OLD)
    assert (card.number, card.name, card.sex) == ("001085000123", "Nguyễn Văn A", "male")
    assert (card.born, card.issued) == (dt.date(1985, 3, 15), dt.date(2021, 5, 10))
    assert card.kind is CardKind.CCCD
    assert doubts(card.number, card.born, card.sex) == ()


def test_a_card_of_2024_has_more_fields_and_they_are_dropped() -> None:
    assert read_card(NEW).kind is CardKind.CAN_CUOC
    card = read_card(FAMILY)
    kept = [getattr(card, name) for name in card.__struct_fields__]
    assert not any("Lạ" in str(x) or "079060000001" in str(x) for x in kept)


def test_a_card_shows_nothing_of_itself_in_a_log() -> None:
    assert repr(read_card(OLD)) == str(read_card(OLD)) == "Card(…)"


@pytest.mark.parametrize(
    "text",
    [
        f"{OLD}\r\n",
        f"\ufeff{OLD}",
        f"{OLD}\n{OLD}\n",
        OLD + OLD,
        OLD.replace("Nguyễn", "Nguye\u0302\u0303n"),
        OLD.replace("Nam", " nam "),
        OLD.replace("Số 1, Phường", "Số 1, -, Phường"),
        OLD.replace("|012345678|", "||"),
    ],
)
def test_what_readers_and_cards_do_to_a_code_is_put_right(text: str) -> None:
    assert read_card(text) == read_card(OLD)


def test_dates_may_be_missing() -> None:
    card = read_card(OLD.replace("15031985", "").replace("10052021", ""))
    assert (card.born, card.issued) == (None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (OLD[1:], "torn"),
        (OLD[:40], "torn"),
        (OLD.replace("15031985", "31022000"), "torn"),
        (f"{OLD}\n{NEW}", "torn"),
        ("001085000123", "torn"),
        (
            "GD4797915001234|4e677579e1bb856e2041|15031985|1|48c3a0204ec3b469|79-001|-",
            "health_card",
        ),
        ("7915001234|4e677579e1bb856e2041|15031985|1|48c3a0204ec3b469|79-001|-", "health_card"),
        ("https://vneid.gov.vn/?code=1", "link"),
        ("00020101021138570010A000000727", "link"),
        ("", "unknown"),
        ("xin chào", "unknown"),
        ("|".join(["001085000123"] + ["x"] * 20), "unknown"),
        ("x" * 100_000, "unknown"),
    ],
)
def test_what_is_no_card_is_named(text: str, reason: str) -> None:
    with pytest.raises(NotACard) as told:
        read_card(text)
    assert told.value.reason == reason
    assert "Nguyễn" not in str(told.value)


@given(st.text(max_size=80) | st.lists(st.text(max_size=12), max_size=12).map("|".join))
def test_any_code_is_a_card_or_named(text: str) -> None:
    try:
        assert len(read_card(text).number) == 12
    except NotACard as told:
        assert told.reason in ("torn", "health_card", "link", "unknown")


def test_a_reader_that_types_gives_numbers_and_dates_alone() -> None:
    card = numbers_only(read_card(OLD.replace("Nguyễn Văn A", "Nguye^~n Va(n A")))
    assert (card.name, card.address) == ("", "")
    assert card.number == "001085000123" and card.born == dt.date(1985, 3, 15)


@pytest.mark.parametrize(
    ("number", "born", "sex", "told"),
    [
        ("003085000123", "1985-03-15", "male", ("province",)),
        ("001085000123", "1985-03-15", "female", ("sex",)),
        ("001285000123", "1985-03-15", "male", ("year",)),
        ("001304000123", "2004", "female", ()),
        ("001085000123", "", "", ()),
        ("12", "1985", "male", ()),
    ],
)
def test_doubts_about_a_number(number: str, born: str, sex: str, told: tuple[str, ...]) -> None:
    assert doubts(number, born, sex) == told


def test_age_counts_completed_years() -> None:
    today = dt.date(2026, 11, 27)
    assert age(dt.date(1966, 11, 27), today) == 60
    assert age(dt.date(1966, 11, 28), today) == 59
    assert age("1966", today) == 60
    assert age("2027-01-01", today) == 0


# --- units ---


def test_all_provinces_and_communes_are_there() -> None:
    assert len(units.provinces()) == 34
    assert sum(len(units.communes(p.code)) for p in units.provinces()) == 3_321
    assert units.communes("99") == ()


def test_units_are_found_without_marks_by_how_they_begin() -> None:
    assert [u.code for u in units.find("ha tinh")][:1] == ["42"]
    assert units.find("thanh s", "42")[0].name == "Phường Thành Sen"
    assert [u.short for u in units.find("BINH", "42")] == ["Cẩm Bình", "Hương Bình"]
    assert len(units.find("", "42")) == len(units.communes("42"))
    assert units.find("khong co") == ()


@pytest.mark.parametrize(
    ("text", "province", "commune", "detail"),
    [
        ("Thôn 2, Xã Kỳ Văn, Huyện Kỳ Anh, Tỉnh Hà Tĩnh", "42", "Xã Kỳ Văn", "Thôn 2"),
        ("Thôn Bắc, Việt Xuyên, Thạch Hà, Hà Tĩnh", "42", "Xã Việt Xuyên", "Thôn Bắc"),
        ("Xóm 3, Cẩm Bình, Hà Tĩnh", "42", "Xã Cẩm Bình", "Xóm 3"),
        ("Tổ 5, Thạch Hạ, Thạch Hà, Hà Tĩnh", "42", "", "Tổ 5, Thạch Hạ, Thạch Hà"),
        ("Số 9, P. Trần Phú, TP. Hà Tĩnh, Hà Tĩnh", "42", "Phường Trần Phú", "Số 9"),
        ("Ấp 2, Xã Y, TP.HCM", "79", "", "Ấp 2, Xã Y"),
        ("Xóm 1, Xã Lạ, Huyện Lạ, Quảng Bình", "44", "", "Xóm 1, Xã Lạ"),
        ("Khối 3, Thanh Hóa", "38", "", "Khối 3"),
        ("Paris, Pháp", "", "", "Paris, Pháp"),
        ("", "", "", ""),
    ],
)
def test_an_old_address_is_guessed_at_and_its_district_dropped(
    text: str, province: str, commune: str, detail: str
) -> None:
    place = units.split_address(text)
    said = units.name_of(place.commune) if place.commune else ""
    assert (place.province, said, place.detail) == (province, commune, detail)
