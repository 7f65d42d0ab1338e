"""Vietnamese typed key by key on a touch screen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.touch.vietnamese import DELETE, MARKED, PLAIN, TELEX, TONES, VNI, WAYS, press


def typed(keys: str, way: str = TELEX) -> str:
    text = "- "
    for key in keys:
        text = press(text, key, way)
    return text[2:]


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ("chowf", "chờ"),
        ("quas", "quá"),
        ("laau", "lâu"),
        ("hoaf", "hòa"),
        ("hoafn", "hoàn"),
        ("thuys", "thúy"),
        ("ddieejn", "điện"),
        ("dieenjd", "điện"),
        ("nguowif", "người"),
        ("nguoiwf", "người"),
        ("thuowngf", "thường"),
        ("chuaw", "chưa"),
        ("hoawcj", "hoặc"),
        ("khuyru", "khuỷu"),
        ("giays", "giáy"),
        ("giaaysf", "giầy"),
        ("gif", "gì"),
        ("quyeenf", "quyền"),
        ("cuar", "của"),
        ("nghieeng", "nghiêng"),
        ("uwowcs", "ước"),
        ("thuaanj", "thuận"),
    ],
)
def test_telex_writes_vietnamese(keys: str, word: str) -> None:
    assert typed(keys) == word


@pytest.mark.parametrize(
    ("keys", "word"), [("aaa", "aa"), ("ass", "as"), ("ddd", "dd"), ("asz", "a"), ("aww", "aw")]
)
def test_the_same_key_again_gives_the_letter(keys: str, word: str) -> None:
    assert typed(keys) == word


@pytest.mark.parametrize("word", ["this", "wifi", "website", "scan", "ok"])
def test_without_telex_letters_are_letters(word: str) -> None:
    assert typed(word, PLAIN) == word


def test_tones_may_be_set_by_name_with_marked_keys() -> None:
    text = "- "
    for key in ("t", "i", "ê", "n", "g", "sắc"):
        text = press(text, key)
    assert text == "- tiếng"


def test_a_tone_key_replaces_the_tone() -> None:
    assert press(press("- ma", "sắc"), "nặng") == "- mạ"


def test_a_tone_without_a_syllable_changes_nothing() -> None:
    assert press("- 12 ", "sắc") == "- 12 "


def test_a_letter_that_makes_no_syllable_leaves_the_tone_where_it_is() -> None:
    assert press("- cá", "b") == "- cáb"


def test_delete_takes_one_letter_with_its_marks() -> None:
    assert press("- mế", DELETE) == "- m"
    assert press("", DELETE) == ""


def test_sentences_begin_with_a_capital() -> None:
    text = ""
    for key in "ddoong. chowf":
        text = press(text, key)
    assert text == "Đông. Chờ"


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ("cho72", "chờ"),
        ("d9ie6n5", "điện"),
        ("dien659", "điện"),
        ("nguoi72", "người"),
        ("thuong72", "thường"),
        ("toan2", "toàn"),
        ("hoa8c5", "hoặc"),
        ("hoa20", "hoa"),
        ("a88", "a8"),
        ("so61", "số"),
        ("12", "12"),
    ],
)
def test_vni_writes_vietnamese(keys: str, word: str) -> None:
    assert typed(keys, VNI) == word


KEYS = [*"abcdefghijklmnopqrstuvwxyz ,.0123456789", *MARKED, *TONES, DELETE]


@given(st.lists(st.sampled_from(KEYS), max_size=30), st.sampled_from(WAYS))
def test_any_keys_give_composed_text_that_grows_by_one_at_most(keys: list[str], way: str) -> None:
    text = ""
    for key in keys:
        before, text = text, press(text, key, way)
        assert len(text) <= len(before) + 1
        assert text == unicodedata.normalize("NFC", text)
