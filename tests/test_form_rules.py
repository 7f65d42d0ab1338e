"""Forms as data: what is asked, what folds away, what is wrong, and what the sheet says."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_server.dossiers.forms import fill
from queue_server.dossiers.forms.lists import options_of, shared
from queue_server.dossiers.forms.made import certification_fee
from queue_server.dossiers.forms.model import Form
from queue_server.dossiers.forms.offered import offered
from queue_server.dossiers.forms.read import (
    BadForm,
    all_in_force,
    check_form,
    content_sha,
    in_force,
    read_form,
    shipped,
)
from queue_server.dossiers.identity import read_card
from queue_server.dossiers.words_vi import (
    DIGITS,
    date_words,
    money_words,
    number_words,
    partial_date_words,
)
from queue_server.store.catalogue import TEXTS
from queue_server.wire.texts import Texts

TODAY = dt.date(2026, 11, 27)
TEXT = (Path(__file__).parent / "data" / "form.toml").read_text("utf-8")
FORM = read_form(TEXT, "form.toml")
SAY = Texts(TEXTS).say
CARD = "079301000456||Trần Thị B|02092001|Nữ|Xóm 3, Cẩm Bình, Hà Tĩnh|20082024||||"


def asked(answers: fill.Answers, form: Form = FORM) -> dict[str, fill.Question]:
    return {q.path: q for q in fill.questions(form, answers, TODAY)}


def say(answers: fill.Answers, **said: Any) -> fill.Answers:
    """Answers to questions by path, `__` for `.`: `requester__name="An"`."""
    for path, value in said.items():
        answers = tell(answers, path.replace("__", "."), value)
    return answers


def tell(answers: fill.Answers, path: str, value: Any) -> fill.Answers:
    return fill.answered(FORM, answers, asked(answers)[path], value)


def wrong(path: str, value: Any, answers: fill.Answers | None = None) -> list[str]:
    """Codes of what is wrong; doubts that do not hold up have a question mark."""
    answers = answers or {}
    found = fill.check(FORM, answers, asked(answers)[path], value, TODAY)
    return [p.code if p.blocks else f"{p.code}?" for p in found]


# --- reading ---


def test_a_sound_form_has_no_faults_nor_has_a_shipped_one() -> None:
    assert check_form(FORM) == []
    for form in shipped():
        assert [str(f) for f in check_form(form)] == [], form.id


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('field = "person.born"', 'field = "person.bron"', "unknown_field"),
        ('field = "person.born"', 'field = "person.name"', "not_a_date"),
        ('is = "self"', 'is = "me"', "unknown_value"),
        ('options_from = "sex"', 'options_from = "gender"', "unknown_list"),
        ('id = "email"', 'id = "phone"', "double"),
        ('id = "email"', 'id = "E-mail"', "bad_id"),
        ("fee:person.papers/pages*copies", "fee:person.papers/pages*what", "unknown_field"),
        ("fee:person.papers/pages*copies", "fee:person.papers/pages*pages*copies", "unknown_field"),
        ("fee:person.papers/pages*copies", "fee:person.papers", "unknown_field"),
        ("date_words:person.born", "date_word:person.born", "unknown_made"),
        ('"present"]', '"elsewhere"]', "unknown_kind"),
        (", under_years = 18", "", "says_nothing"),
        ('field = ".pages"', 'field = ".copies"', "on_itself"),
        (
            "valid_from = 2026-01-01",
            "valid_from = 2026-01-01\nvalid_to = 2025-01-01",
            "ends_before",
        ),
        ('not_before = "person.born"', 'not_before = "person.name"', "not_a_date"),
        ('not_before = "person.born"', 'not_before = "20260101"', "not_a_date"),
        ('prefill = "card.born"', 'prefill = "card.name"', "unknown_prefill"),
        ("least = 1\nmost = 3", "least = 4\nmost = 3", "wrong_way_round"),
        ('one = "main"', 'one = "pages"', "unknown_field"),
        ('procedures = ["1.009999"]', 'procedures = ["khai sinh"]', "bad_procedure"),
    ],
)
def test_what_a_writer_gets_wrong_is_told_with_its_place(old: str, new: str, fault: str) -> None:
    assert old in TEXT
    found = check_form(read_form(TEXT.replace(old, new, 1), "form.toml"))
    assert fault in [f.code for f in found]
    for each in found:
        assert each.place
        assert SAY(f"form.fault.{each.code}", "vi", detail="x") != f"form.fault.{each.code}"


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('type = "phone"', 'type = "fone"', "requester.phone.type"),
        ("partial = true", "partal = true", "person.born"),
        ("required = false", 'required = "no"', "requester.phone.required"),
    ],
)
def test_what_cannot_be_read_names_field_and_line(old: str, new: str, place: str) -> None:
    with pytest.raises(BadForm) as told:
        read_form(TEXT.replace(old, new, 1), "form.toml")
    assert told.value.place == place
    line = TEXT.splitlines()[told.value.line - 1]
    assert f'id = "{place.split(".")[1]}"' in line


@pytest.mark.parametrize("text", ["id = ", "", "\x00", "[[sections]]\nid=1", "a = 1\n" * 200_000])
def test_a_file_that_is_no_form_is_refused(text: str) -> None:
    with pytest.raises(BadForm):
        read_form(text, "x.toml")


def version(name: str, start: str, end: str | None = None) -> Form:
    until = f"\nvalid_to = {end}" if end else ""
    text = TEXT.replace("valid_from = 2026-01-01", f"valid_from = {start}{until}")
    return read_form(text.replace('version = "2026-01"', f'version = "{name}"'), "x")


def test_the_version_of_the_day_is_filed() -> None:
    forms = (version("old", "2020-01-01", "2026-06-30"), version("new", "2026-07-01"))
    for day, name in ((dt.date(2026, 6, 30), "old"), (dt.date(2026, 7, 1), "new")):
        found = in_force(forms, "1.009999.000.00.00.H19", day)
        assert found is not None and found.version == name
    assert in_force(forms, "1.009999", dt.date(2019, 1, 1)) is None
    assert all_in_force(forms, "1.000001", TODAY) == ()


def test_a_changed_form_is_checked_no_more() -> None:
    key = "to-khai-thu/2026-01"
    centre = offered((FORM,), (), {key: content_sha(FORM)}, sample=False)
    assert centre.may_file(FORM.id, FORM.version)
    changed = read_form(TEXT.replace("Tờ khai thử", "Tờ khai khác"), "x")
    after = offered((FORM,), (changed,), {key: content_sha(FORM)}, sample=False)
    assert not after.may_file(FORM.id, FORM.version)
    assert after.version != centre.version
    sample = offered((changed,), (), {}, sample=True)
    assert sample.may_file(FORM.id, FORM.version) and sample.is_sample(FORM.id, FORM.version)


# --- asking ---


def test_the_id_number_is_asked_first_and_folds_the_residence_away() -> None:
    paths = list(asked({}))
    assert paths[0] == "requester.paper/number"
    assert "requester.home/province" in paths
    answers = tell({}, "requester.paper/number", "042 085 000 123")
    assert answers["requester.paper"]["number"] == "042085000123"
    assert "requester.home/province" not in asked(answers)
    kinds = {o.value for o in asked(answers)["requester.paper/kind"].options}
    assert {"cccd", "can_cuoc"} < kinds
    without = {o.value for o in asked({})["requester.paper/kind"].options}
    assert without == {"passport", "cmnd", "other"}


def test_a_passport_has_its_own_number_and_a_card_has_not() -> None:
    answers = tell({}, "requester.paper/kind", "passport")
    assert "requester.paper/paper" in asked(answers)
    assert wrong("requester.paper/paper", "c 123 4567", answers) == []
    assert wrong("requester.paper/paper", "12", answers) == ["paper?"]
    old = tell({}, "requester.paper/kind", "cmnd")
    assert wrong("requester.paper/paper", "18345678", old) == ["old_card?"]
    answers = tell(answers, "requester.paper/paper", "c 123 4567")
    assert answers["requester.paper"]["paper"] == "C1234567"
    answers = tell(answers, "requester.paper/number", "042085000123")
    answers = tell(answers, "requester.paper/kind", "cccd")
    assert "requester.paper/paper" not in asked(answers)
    assert "paper" not in answers["requester.paper"]
    assert asked(answers)["requester.paper/issuer"].suggested == "ccs"


def test_who_asks_for_herself_is_asked_once() -> None:
    answers = say({}, requester__name="Trần Thị B", requester__born="2001-09-02")
    answers = tell(answers, "requester.relation", "self")
    assert answers["person.name"] == "Trần Thị B"
    assert "person.name" not in asked(answers)
    answers = tell(answers, "requester.name", "Trần Thị C")
    assert answers["person.name"] == "Trần Thị C"
    answers = tell(answers, "requester.relation", "mother")
    assert "person.name" in asked(answers)


def test_what_becomes_needless_is_cleared() -> None:
    answers = say({}, requester__relation="mother", person__born="2020-01-01")
    answers = tell(answers, "person.guardian", "Lê Văn D")
    answers = tell(answers, "person.born", "1950")
    assert "person.guardian" not in answers
    answers = tell(answers, "requester.home/province", "42")
    answers = tell(answers, "requester.home/commune", "18562")
    answers = tell(answers, "requester.home/province", "01")
    assert "commune" not in answers["requester.home"]
    answers = tell(answers, "requester.home/province", "abroad")
    assert "requester.home/country" in asked(answers)
    assert "requester.home/commune" not in asked(answers)


def test_answers_given_before_are_never_changed_in_place() -> None:
    first = tell({}, "requester.home/province", "42")
    kept = {"requester.home": {"province": "42", "country": "VN"}}
    tell(first, "requester.home/commune", "18562")
    assert first == kept


def test_a_list_is_asked_line_by_line_until_there_are_no_more() -> None:
    answers = tell({}, "person.papers[0].what", "Bằng tốt nghiệp")
    assert "person.papers[0].copies" not in asked(answers)
    answers = tell(answers, "person.papers[0].pages", 3)
    answers = tell(answers, "person.papers[0].copies", 2)
    answers = tell(answers, "person.papers/more", True)
    assert "person.papers[1].what" in asked(answers)
    answers = tell(answers, "person.papers[1].pages", 1)
    answers = tell(answers, "person.papers/more", False)
    assert asked(answers)["person.papers/more"].value is False
    answers = fill.without_line(FORM, answers, "person.papers", 1, TODAY)
    assert len(answers["person.papers"]) == 1
    answers = tell(tell(answers, "person.papers/more", True), "person.papers/more", True)
    assert "person.papers/more" not in asked(answers)


def test_a_card_fills_in_the_person_whom_the_screen_is_about() -> None:
    answers = fill.prefill(FORM, {}, read_card(CARD), at="requester.name", today=TODAY)
    assert answers["requester.paper"] == {
        "number": "079301000456",
        "kind": "can_cuoc",
        "issuer": "bca",
        "issued": "2024-08-20",
    }
    assert answers["requester.born"] == "2001-09-02"
    assert "requester.home" not in answers, "the ID number makes it needless"
    assert fill.prefill(FORM, {}, read_card(CARD), at="person.name") == {}
    assert fill.takes_card(FORM, "requester.name") and not fill.takes_card(FORM, "person.name")


def test_the_issuer_of_a_card_stands_in_words_where_it_is_a_text() -> None:
    as_text = 'id = "email"\ntype = "text"\nprefill = "card.issuer"'
    form = read_form(TEXT.replace('id = "email"\ntype = "email"', as_text, 1), "form.toml")
    answers = fill.prefill(form, {}, read_card(CARD), at="requester.name", today=TODAY)
    assert answers["requester.email"] == "Bộ Công an"


def test_progress_counts_what_was_passed_over_too() -> None:
    done, whole = fill.progress(FORM, {}, TODAY)
    answers = tell({}, "requester.phone", "")
    assert (done, fill.progress(FORM, answers, TODAY)) == (0, (1, whole))


# --- checking ---


@pytest.mark.parametrize(
    ("path", "value", "codes"),
    [
        ("requester.name", "", ["required"]),
        ("requester.phone", "", []),
        ("requester.name", "Nguyễn Thị Ánh Tuyết", []),
        ("requester.name", "Jean-Paul D'Arc", []),
        ("requester.name", "H'Mai Êban", []),
        ("requester.name", "<b>An</b>", ["name_signs"]),
        ("requester.name", "An 😀 Bình", ["name_signs"]),
        ("requester.name", "Hằng", ["name_one_word?"]),
        ("requester.name", "n" * 10_000, ["too_long"]),
        ("requester.born", "2026-02-30", ["not_a_date"]),
        ("requester.born", "1950", ["date_whole"]),
        ("requester.born", "2026-11-28", ["in_future"]),
        ("requester.born", "2026-11-27", []),
        ("person.born", "1950", []),
        ("person.born", "1950-13", ["not_a_date"]),
        ("requester.sex", "other", ["not_an_option"]),
        ("requester.phone", "0912 345 678", []),
        ("requester.phone", "+84 912 345 678", []),
        ("requester.phone", "0239 3855 123", []),
        ("requester.phone", "0612345678", ["phone"]),
        ("requester.phone", "091234567", ["phone"]),
        ("requester.email", "ten@gmail.com", []),
        ("requester.email", "ten@gmail", ["email"]),
        ("requester.paper/number", "04208500012", ["id_digits"]),
        ("requester.paper/number", "04208500012a", ["id_number"]),
        ("requester.paper/number", "003085000123", ["id_province?"]),
        ("person.purpose", "Mua nhà 🏠", []),
        ("person.purpose", "a" * 10_000, ["too_long"]),
        ("person.capital", 999_999, ["too_small?"]),
        ("person.capital", -1, ["too_small"]),
        ("person.capital", 10**16, ["too_large"]),
        ("person.capital", "1000", ["not_a_number"]),
        ("person.papers[0].pages", 0, ["too_small"]),
        ("person.papers/more", None, ["required"]),
        ("person.truth", False, ["not_agreed"]),
        ("requester.home/province", "99", ["not_an_option"]),
        ("requester.paper/kind", "passport", []),
    ],
)
def test_an_answer_is_checked_by_its_kind(path: str, value: Any, codes: list[str]) -> None:
    assert wrong(path, value) == codes
    for code in codes:
        assert SAY(f"form.problem.{code.rstrip('?')}") != f"form.problem.{code.rstrip('?')}"


def test_number_sex_and_century_are_held_against_each_other_and_never_block() -> None:
    answers = say({}, requester__born="1985-03-15", requester__sex="female")
    assert wrong("requester.paper/number", "042085000123", answers) == ["id_sex?"]
    assert wrong("requester.paper/number", "042185000123", answers) == []
    answers = tell(answers, "requester.paper/number", "042185000123")
    assert wrong("requester.born", "1986-01-01", answers) == ["id_year?"]
    assert wrong("requester.sex", "male", answers) == ["id_sex?"]


def test_one_date_is_held_against_another() -> None:
    answers = say({}, requester__relation="child", person__born="1950")
    assert wrong("person.died", "1949-12-31", answers) == ["too_early"]
    assert wrong("person.died", "1950-01-01", answers) == []


def test_exactly_one_line_is_the_main_one() -> None:
    answers = whole()
    answers = tell(answers, "person.papers/more", True)
    assert wrong("person.papers/more", False, answers) == []
    answers = tell(answers, "person.papers[1].main", True)
    assert wrong("person.papers/more", False, answers) == ["exactly_one"]
    answers = tell(tell(answers, "person.papers/more", True), "person.papers[2].main", False)
    assert "exactly_one" in [p.code for p in fill.problems(FORM, answers, TODAY)], "full list"


def some(question: fill.Question) -> Any:
    """A value that the question may take."""
    if question.options:
        return question.options[len(question.path) % len(question.options)].value
    numbers = {fill.Widget.INT: 2, fill.Widget.MONEY: 5_000_000}
    texts = {
        fill.Widget.DATE: "1990-05-17",
        fill.Widget.TIME: "07:30",
        fill.Widget.PHONE: "0912345678",
    }
    texts |= {fill.Widget.EMAIL: "ten@gmail.com", fill.Widget.ID_NUMBER: "042090000123"}
    yes = (fill.Widget.YES_NO, fill.Widget.STATEMENT)
    if question.kind in yes:
        return True
    return numbers.get(question.kind) or texts.get(question.kind) or "Nguyễn Thị Ánh"


@given(st.lists(st.tuples(st.integers(0, 99), st.booleans()), max_size=25), st.data())
def test_in_whatever_order_it_is_filled_only_what_is_asked_is_kept(
    touches: list[tuple[int, bool]], data: st.DataObject
) -> None:
    form = data.draw(st.sampled_from((FORM, *shipped())))
    answers: fill.Answers = {}
    for number, passes in touches:
        now = fill.questions(form, answers, TODAY)
        question = now[number % len(now)]
        value: Any = (
            passes if question.kind is fill.Widget.MORE else "" if passes else some(question)
        )
        answers = fill.answered(form, answers, question, value)
        assert fill.settled(form, answers, TODAY) == answers
    paths = [q.path for q in fill.questions(form, answers, TODAY)]
    assert len(set(paths)) == len(paths)
    done, all_ = fill.progress(form, answers, TODAY)
    assert 0 <= done <= all_ == len(paths)
    fill.problems(form, answers, TODAY)
    for language in ("vi", "en"):
        assert fill.rows(form, answers, TODAY, language, printed=True)


def test_hostile_text_is_kept_as_text_without_its_hidden_signs() -> None:
    answers = tell({}, "person.purpose", "a\x00b\u202e<script>\r\n\r\n\r\n\r\n#set\u200b x")
    assert answers["person.purpose"] == "ab<script>\n\n#set x"


@given(st.text(max_size=60))
def test_any_text_gets_an_answer_at_any_question(text: str) -> None:
    for path in ("requester.name", "requester.born", "requester.phone", "person.purpose"):
        question = asked({})[path]
        fill.check(FORM, {}, question, text, TODAY)
        kept = fill.answered(FORM, {}, question, text)[path]
        assert fill.answered(FORM, {}, question, kept)[path] == kept


def test_all_that_is_missing_is_told_in_the_sheets_order() -> None:
    found = fill.problems(FORM, {}, TODAY)
    assert [p.path for p in found][:2] == ["requester.paper/kind", "requester.name"]
    assert {p.code for p in found} == {"required"}


# --- the sheet ---


def whole() -> fill.Answers:
    answers = fill.prefill(FORM, {}, read_card(CARD), today=TODAY)
    answers = tell(answers, "requester.relation", "self")
    answers = say(answers, person__purpose="Xin việc", person__capital=1_205_000)
    for path, value in (("what", "Bằng"), ("pages", 3), ("copies", 2), ("main", True)):
        answers = tell(answers, f"person.papers[0].{path}", value)
    answers = tell(answers, "person.papers/more", False)
    return say(answers, person__truth=True)


def test_the_rows_say_it_in_words() -> None:
    answers = whole()
    assert [p.code for p in fill.problems(FORM, answers, TODAY) if p.blocks] == []
    rows = {r.path: r for r in fill.rows(FORM, answers, TODAY)}
    paper = "Thẻ căn cước số 079301000456, nơi cấp: Bộ Công an, cấp ngày 20/08/2024"
    assert rows["requester.paper"].value == paper
    assert rows["person.name"].value == "TRẦN THỊ B"
    in_words = "Ngày hai tháng chín năm hai nghìn không trăm linh một"
    assert rows["person.words"].value == in_words
    assert rows["person.capital"].value == "1.205.000 đồng"
    assert rows["person.capital_words"].value == "Một triệu hai trăm linh năm nghìn đồng"
    assert rows["person.papers"].lines == (("Bằng", "3", "2", "Có"),)
    assert rows["person.fee"].value == "10.000 đồng"
    assert rows["person.request"].value == "Cấp cho TRẦN THỊ B, sinh 02/09/2001"
    assert "requester.home" not in rows and "person.sign" not in rows


def test_the_printed_sheet_has_the_rows_that_folded_away_empty() -> None:
    rows = {r.path: r for r in fill.rows(FORM, whole(), TODAY, "en", printed=True)}
    assert rows["requester.home"].value == "" and not rows["requester.home"].asked
    assert rows["requester.sex"].value == "Female"
    assert "person.sign" in rows


def test_an_address_is_written_from_the_house_to_the_province() -> None:
    answers: fill.Answers = {}
    for part, value in (("kind", "permanent"), ("province", "42"), ("commune", "18685")):
        answers = tell(answers, f"requester.home/{part}", value)
    answers = tell(answers, "requester.home/detail", "Xóm 3")
    row = next(r for r in fill.rows(FORM, answers, TODAY) if r.path == "requester.home")
    assert row.value == "Thường trú: Xóm 3, Xã Cẩm Bình, Tỉnh Hà Tĩnh"


# --- words and sums ---


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "không"),
        (10, "mười"),
        (15, "mười lăm"),
        (21, "hai mươi mốt"),
        (24, "hai mươi tư"),
        (105, "một trăm linh năm"),
        (2005, "hai nghìn không trăm linh năm"),
        (2026, "hai nghìn không trăm hai mươi sáu"),
        (1_000_005, "một triệu không trăm linh năm"),
        (2_000_000_000_000, "hai nghìn tỷ"),
        (-7, "âm bảy"),
    ],
)
def test_numbers_are_said_as_people_say_them(number: int, words: str) -> None:
    assert number_words(number) == words


SAID = {w: n for n, w in enumerate(DIGITS)}
SAID |= {"mốt": 1, "tư": 4, "lăm": 5}
UNITS = {"nghìn": 10**3, "triệu": 10**6}


def heard(words: str) -> int:
    """The number back from its words, by a reading that shares nothing with the writing."""
    above, tỷ, below = words.rpartition(" tỷ")
    if tỷ:
        return heard(above) * 10**9 + heard(below)
    total = three = 0
    digit = 0
    for word in words.split():
        if word in UNITS:
            total, three, digit = total + (three + digit) * UNITS[word], 0, 0
        elif word == "trăm":
            three, digit = digit * 100, 0
        elif word == "mươi":
            three, digit = three + digit * 10, 0
        elif word == "mười":
            three += 10
        elif word != "linh":
            digit = SAID[word]
    return total + three + digit


@given(st.integers(0, 10**15))
def test_words_of_a_number_can_be_heard_back(number: int) -> None:
    assert heard(number_words(number)) == number


def test_dates_and_money_in_words() -> None:
    day = dt.date(2026, 3, 10)
    assert date_words(day) == "Ngày mười tháng ba năm hai nghìn không trăm hai mươi sáu"
    assert partial_date_words("1950-04") == "Tháng tư năm một nghìn chín trăm năm mươi"
    assert money_words(500_000_000) == "Năm trăm triệu đồng"


@pytest.mark.parametrize(
    ("pages", "copies", "fee"),
    [(1, 1, 2_000), (2, 1, 4_000), (3, 2, 10_000), (198, 1, 200_000), (500, 3, 600_000)],
)
def test_the_fee_of_certified_copies_has_a_ceiling_for_each(
    pages: int, copies: int, fee: int
) -> None:
    assert certification_fee(pages, copies) == fee


def test_the_shared_lists_are_whole() -> None:
    assert len(options_of("ethnicity")) == 54 + 1
    assert options_of("nationality")[0].value == "VN"
    for name, options in shared().items():
        assert len({o.value for o in options}) == len(options), name
        assert all(o.label.vi and o.label.en for o in options)
