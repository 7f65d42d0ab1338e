"""The forms that come with the program, the sheet they are printed on, and the guide for an eleventh."""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from kiosk.paper.form import FormPaper, commune_of, form_words
from queue_server.dossiers.forms import fill
from queue_server.dossiers.forms.model import Certainty, Field, FieldType, Form, Printed
from queue_server.dossiers.forms.offered import key_of, offered
from queue_server.dossiers.forms.read import (
    all_in_force,
    check_form,
    content_sha,
    in_force,
    read_form,
    shipped,
)
from queue_server.dossiers.identity import read_card
from queue_server.wire.words import Names
from tests.form_visitor import TODAY, answered_whole
from tests.test_ticket_paper import SETUP, TEXTS

CENTRE = msgspec.structs.replace(
    SETUP, authority=Names(vi="Ủy ban nhân dân phường Thành Sen", en="Thành Sen Ward")
)
FORMS = {f.id: f for f in shipped() if f.valid_to is None}
EVERY = pytest.mark.parametrize("form", shipped(), ids=lambda f: f"{f.id} {f.version}")
PAPER = FormPaper()
GUIDES = Path(__file__).parents[1] / "docs"
BLOCKS = (FieldType.ADDRESS, FieldType.ID_DOCUMENT, FieldType.LIST)
CARD = read_card("079301000456||Trần Thị Bưởi|02091951|Nữ|Ấp 2, Xã Y, TP.HCM|20082024||||")
SILENT = (FieldType.MADE, FieldType.SIGNATURE)
NO_NUMBER = ("home", "ethnicity", "nationality")


def fields(form: Form) -> list[Field]:
    return [f for s in form.sections for f in s.fields]


def sheet(form: Form) -> list[str]:
    """The labels on the sheet, in order; a row that is put together from answers counts once."""
    skipped = (Printed.NO, Printed.JOINED, Printed.ADDRESSEE)
    return [
        f.label.vi + f.note
        for f in fields(form)
        if f.printed not in skipped and f.type is not FieldType.STATEMENT
    ]


def asked(form: Form, answers: fill.Answers) -> list[str]:
    return [q.path for q in fill.questions(form, answers, TODAY)]


def tell(form: Form, answers: fill.Answers, path: str, value: Any) -> fill.Answers:
    question = next(q for q in fill.questions(form, answers, TODAY) if q.path == path)
    return fill.answered(form, answers, question, value)


def wrong(form: Form, answers: fill.Answers, path: str, value: Any) -> list[tuple[str, bool]]:
    question = next(q for q in fill.questions(form, answers, TODAY) if q.path == path)
    found = fill.check(form, answers, question, value, TODAY)
    return [(fill.words_of(p, lambda key, *_, **__: key), p.blocks) for p in found]


# --- the data ---


def test_the_ten_forms_are_there() -> None:
    assert set(FORMS) == {
        "khai-sinh",
        "ban-sao-trich-luc",
        "xac-nhan-hon-nhan",
        "ct01",
        "ho-kinh-doanh",
        "chung-thuc",
        "tro-giup-1a",
        "tro-giup-1d",
        "tro-giup-1dd",
        "khai-tu",
        "ket-hon",
        "khuyet-tat",
    }
    assert len(all_in_force(shipped(), "1.001776", TODAY)) == 3, "a sheet for each kind of person"


@EVERY
def test_a_form_says_where_it_is_from_and_asks_in_both_languages(form: Form) -> None:
    assert [str(f) for f in check_form(form)] == []
    assert form.source and form.procedures
    for field in (x for f in fields(form) for x in (f, *f.fields)):
        is_read = field.certainty in (Certainty.READ, Certainty.PREVIOUS)
        assert bool(field.cite) is is_read, f"{field.id}: chưa đối chiếu"
        if field.type not in SILENT:
            assert field.ask and field.ask.vi and field.ask.en, field.id
            if field.type not in BLOCKS and field.type is not FieldType.STATEMENT:
                assert field.ask.vi.endswith(("?", ".")), field.ask.vi
            assert "bác" not in field.ask.vi.lower()


def test_the_birth_form_has_the_rows_of_the_sheet_in_order() -> None:
    assert sheet(FORMS["khai-sinh"]) == [
        "Họ, chữ đệm, tên người yêu cầu",
        "Ngày, tháng, năm sinh",
        "Nơi cư trú(2)",
        "Giấy tờ tùy thân(3)",
        "Quan hệ với người được khai sinh",
        "Họ, chữ đệm, tên",
        "Ngày, tháng, năm sinh",
        "ghi bằng chữ",
        "Giới tính",
        "Dân tộc",
        "Quốc tịch",
        "Nơi sinh(4)",
        "Quê quán",
        "Họ, chữ đệm, tên người mẹ",
        "Năm sinh(5)",
        "Dân tộc(2)",
        "Quốc tịch(2)",
        "Nơi cư trú(2)",
        "Giấy tờ tùy thân(3)",
        "Họ, chữ đệm, tên người cha",
        "Năm sinh(5)",
        "Dân tộc(2)",
        "Quốc tịch(2)",
        "Nơi cư trú(2)",
        "Giấy tờ tùy thân(3)",
        "Số",
        "Quyển số",
        "đăng ký ngày",
        "tại",
        "Đề nghị cấp bản sao(6)",
        "Số lượng",
        "Làm tại",
        "Người yêu cầu",
    ]


def test_ct01_has_the_rows_of_the_sheet_in_order() -> None:
    form = FORMS["ct01"]
    assert sheet(form) == [
        "Họ, chữ đệm và tên khai sinh",
        "Ngày, tháng, năm sinh",
        "Giới tính",
        "Số định danh cá nhân",
        "Số điện thoại liên hệ",
        "Email",
        "Họ, chữ đệm và tên chủ hộ(2)",
        "Mối quan hệ với chủ hộ",
        "Số định danh cá nhân của chủ hộ",
        "Nội dung đề nghị(3)",
        "Những thành viên trong hộ gia đình cùng thay đổi",
        "Ý KIẾN CỦA CHỦ HỘ(4)",
        "Ý KIẾN CỦA CHỦ SỞ HỮU CHỖ Ở HỢP PHÁP(5)",
        "Họ và tên(8)",
        "Số định danh cá nhân(8)",
        "Ý KIẾN CỦA CHA HOẶC MẸ HOẶC NGƯỜI GIÁM HỘ(6)",
        "Họ và tên(8)",
        "Số định danh cá nhân(8)",
        "NGƯỜI KÊ KHAI(7)",
    ]
    assert [f.number for f in fields(form) if f.number] == [str(n) for n in range(1, 12)]


def test_the_marriage_form_has_the_same_rows_for_her_and_for_him() -> None:
    each = [
        "Họ, chữ đệm, tên",
        "Ngày, tháng, năm sinh",
        "Dân tộc(2)",
        "Quốc tịch(2)",
        "Nơi cư trú(2)",
        "Giấy tờ tùy thân(3)",
        "Kết hôn lần thứ mấy",
    ]
    end = ["Đề nghị cấp bản sao(4)", "Số lượng", "Làm tại", "Bên nữ", "Bên nam"]
    assert sheet(FORMS["ket-hon"]) == each + each + end


def test_the_household_business_form_has_its_numbers() -> None:
    form = FORMS["ho-kinh-doanh"]
    numbers = [f.number for f in fields(form) if f.number]
    assert numbers == ["2", "3", "5.1", "5.2", "5.3", "5.4", "6", "7"]
    titles = [s.title.vi for s in form.sections if s.printed]
    assert titles[1:4] == ["1. Tên hộ kinh doanh", "4. Vốn kinh doanh", "5. Thông tin đăng ký thuế"]


# --- what is asked ---


def test_the_id_number_comes_first_and_folds_the_rows_of_note_2_away() -> None:
    form = FORMS["khai-sinh"]
    paths = [p for p in asked(form, {}) if p.startswith("mother.")]
    assert paths[0] == "mother.paper/number"
    answers = tell(form, {}, "mother.paper/number", "042185001234")
    answers = tell(form, answers, "mother.born", "1985-03-15")
    left = {p.split(".")[1].split("/")[0] for p in asked(form, answers) if "mother." in p}
    assert not left & set(NO_NUMBER)
    answers = tell(form, answers, "mother.born", "1985")
    left = {p.split(".")[1].split("/")[0] for p in asked(form, answers) if "mother." in p}
    assert left >= set(NO_NUMBER), "note (2): a birth date known in part only"


def test_a_father_who_registers_is_not_asked_about_himself_again() -> None:
    form = FORMS["khai-sinh"]
    answers = tell(form, {}, "requester.name", "Trần Văn Quyết")
    answers = tell(form, answers, "requester.relation", "father")
    assert answers["father.name"] == "Trần Văn Quyết"
    assert "father.name" not in asked(form, answers)
    answers = tell(form, answers, "start.case", "no_father")
    assert not any(p.startswith(("father.", "marriage.")) for p in asked(form, answers))


def test_the_old_residence_form_ends_the_day_before_the_new_one_begins() -> None:
    for code in FORMS["ct01"].procedures:
        old = in_force(shipped(), code, dt.date(2026, 6, 30))
        new = in_force(shipped(), code, dt.date(2026, 7, 1))
        assert old and new and (old.version, new.version) == ("tt53-2025", "tt116-2026")


@pytest.mark.parametrize("version", ["tt53-2025", "tt116-2026"])
def test_a_change_of_head_needs_the_heads_and_the_owners_consent(version: str) -> None:
    form = next(f for f in shipped() if (f.id, f.version) == ("ct01", version))
    for kind, wanted in (("split", True), ("adjust", True), ("temporary", False)):
        told = asked(form, tell(form, {}, "start.kind", kind))
        assert all((f"consent.{x}_way" in told) is wanted for x in ("head", "owner")), kind


def test_nobody_is_asked_thirty_one_questions_about_a_disability() -> None:
    form = FORMS["khuyet-tat"]
    lines = [f"{s.id}.{f.id}" for s in form.sections for f in s.fields if f.id.startswith("line_")]
    assert len(lines) == 31
    answers: fill.Answers = {}
    for group in range(1, 7):
        answers = tell(form, answers, f"g{group}.any", group == 3)
    told = [p for p in asked(form, answers) if p in lines]
    assert told == [f"g3.line_{n}" for n in range(1, 8)]
    assert answers["g1.line_1"] is False, "and the sheet has its cross all the same"
    answers = tell(form, answers, "request.what", "exchange")
    assert not any(p.startswith(("g3.", "ability.")) for p in asked(form, answers))
    assert all(f.sensitive for s in form.sections if s.table for f in s.fields)


def test_abilities_are_asked_from_six_years_on() -> None:
    form = FORMS["khuyet-tat"]
    for born, count in (("2020-11-27", 10), ("2020-11-28", 0)):
        answers = tell(form, {}, "person.born", born)
        assert sum(p.startswith("ability.") for p in asked(form, answers)) == count


@pytest.mark.parametrize(
    ("born", "path", "value"),
    [("1951-01-01", "person.pension", "no"), ("1954-01-01", "person.poor", "yes")],
)
def test_who_is_due_the_social_pension_is_sent_there_but_not_held_up(
    born: str, path: str, value: str
) -> None:
    form = FORMS["tro-giup-1d"]
    answers = tell(form, {}, "person.born", born)
    ((words, blocks),) = wrong(form, answers, path, value)
    assert "1.014027" in words and not blocks
    assert wrong(form, answers, path, "yes" if value == "no" else "no") == []
    assert "person.poor" not in asked(form, tell(form, {}, "person.born", "1960-01-01"))


@EVERY
def test_a_card_at_the_start_fills_whose_it_is(form: Form) -> None:
    """Else it is filed under nobody's name."""
    filled = fill.prefill(form, {}, CARD, today=TODAY)
    assert "TRẦN THỊ BƯỞI" in [str(value).upper() for value in filled.values()]
    assert CARD.number in str(filled)


def test_she_is_eighteen_and_he_is_twenty() -> None:
    form = FORMS["ket-hon"]
    for path, day, held_up in (
        ("bride.born", "2008-11-27", False),
        ("bride.born", "2008-11-28", True),
        ("groom.born", "2006-11-27", False),
        ("groom.born", "2006-11-28", True),
    ):
        assert any(blocks for _, blocks in wrong(form, {}, path, day)) is held_up, (path, day)


def test_a_second_marriage_needs_the_end_of_the_first() -> None:
    form = FORMS["ket-hon"]
    for times, values in ((1, {"single", "other"}), (2, {"divorced", "widowed", "other"})):
        answers = tell(form, {}, "bride.times", times)
        question = next(q for q in fill.questions(form, answers, TODAY) if q.path == "bride.status")
        assert {o.value for o in question.options} == values


def test_who_must_be_present_cannot_file_even_a_checked_form() -> None:
    for form in FORMS.values():
        checked = {key_of(form.id, form.version): content_sha(form)}
        may = offered([form], (), checked, sample=False).may_file(form.id, form.version)
        assert may is (form.id not in ("ket-hon", "chung-thuc"))


# --- the sheet ---


@EVERY
def test_a_form_filled_from_end_to_end_has_no_problems_and_all_its_words_on_the_sheet(
    form: Form,
) -> None:
    answers = answered_whole(form)
    assert [p.path for p in fill.problems(form, answers, TODAY) if p.blocks] == []
    words = str(form_words(form, answers, CENTRE, TODAY, TEXTS, sample=True))
    for row in fill.rows(form, answers, TODAY, printed=True):
        if row.type is FieldType.NAME:
            assert row.value in words
    assert "MẪU" in words and "chưa ký" in words and form.version in words
    assert PAPER.draw(form, answers, CENTRE, TODAY, sample=True).startswith(b"%PDF-")


MOST_PAGES = 60
HOSTILE = '#set page(fill: red) $x$ *A* \\ "q" </b> {person.name} ' + "x" * 400 + " 😀 " + "ữ" * 60


@EVERY
def test_the_longest_and_strangest_answers_stay_text_within_the_margins(form: Form) -> None:
    answers = answered_whole(form)
    for field_path, value in list(answers.items()):
        if isinstance(value, str) and value in ("Xã Cẩm Bình", "Trần Văn Quyết"):
            answers[field_path] = HOSTILE
        if isinstance(value, list):
            lines = [
                {k: HOSTILE if v == "Xã Cẩm Bình" else v for k, v in one.items()} for one in value
            ]
            answers[field_path] = lines
    pages = PAPER.pictures(form, answers, CENTRE, TODAY, sample=False, dpi=50)
    assert len(pages) < MOST_PAGES
    for page in pages:
        grey = np.asarray(Image.open(io.BytesIO(page)).convert("L"))
        edge = round(14 / 25.4 * 50)
        assert grey[:, -edge:].min() > 200, "something runs off the paper"
        assert grey[:, :edge].min() > 200


def test_an_empty_form_is_a_sheet_to_fill_in_by_hand() -> None:
    for form in FORMS.values():
        assert len(PAPER.pictures(form, {}, CENTRE, TODAY, sample=True, dpi=30)) in (1, 2, 3)
    words = form_words(FORMS["khai-sinh"], {}, SETUP, TODAY, TEXTS, sample=False, language="en")
    assert words["sample"] == "" and "Vietnamese" in words["translated"]


def test_the_addressee_is_the_centre_itself_where_nothing_else_was_said() -> None:
    for form_id, option, said in (
        ("khai-tu", "here", "Ủy ban nhân dân phường Thành Sen"),
        ("ct01", "police_here", "Công an phường Thành Sen"),
        ("khuyet-tat", "chair_here", "Chủ tịch Ủy ban nhân dân phường Thành Sen"),
        ("khai-tu", "Ủy ban nhân dân xã X", "Ủy ban nhân dân xã X"),
    ):
        answers = {"office.to": option}
        words = form_words(FORMS[form_id], answers, CENTRE, TODAY, TEXTS, sample=False)
        assert words["addressee"]["value"] == said
    assert commune_of("Ủy ban nhân dân tỉnh Hà Tĩnh") == ""


def test_the_marital_status_is_one_sentence_on_the_sheet() -> None:
    form = FORMS["xac-nhan-hon-nhan"]
    answers = answered_whole(form, status__kind="divorced", status__divorce_number="12/2019/HNGĐ")
    words = str(form_words(form, answers, CENTRE, TODAY, TEXTS, sample=False)["blocks"])
    assert "nhưng đã ly hôn" in words
    assert "theo Bản án/Quyết định ly hôn số 12/2019/HNGĐ ngày 15/03/1985 của" in words


def test_a_certification_sheet_shows_only_what_was_asked_for_and_its_fee() -> None:
    form = FORMS["chung-thuc"]
    answers = answered_whole(form)
    words = str(form_words(form, answers, CENTRE, TODAY, TEXTS, sample=False)["blocks"])
    assert "Danh mục giấy tờ" in words and "16.000 đồng" in words
    assert "Tên văn bản" not in words and "CHƯA KÝ" not in words
    answers = tell(form, answers, "start.kind", "signature")
    words = str(form_words(form, answers, CENTRE, TODAY, TEXTS, sample=False)["blocks"])
    assert "CHƯA KÝ" in words and "Danh mục giấy tờ" not in words


# --- the guide ---


def eleventh(guide: str) -> Form:
    """The example of the guide, put together from its parts as its reader would."""
    text = (GUIDES / guide).read_text("utf-8")
    return read_form("\n".join(re.findall(r"```toml eleventh\n(.*?)```", text, re.S)), guide)


@pytest.mark.parametrize("guide", ["forms.md", "forms.vi.md"])
def test_the_eleventh_form_of_the_guide_is_sound_and_can_be_printed(guide: str) -> None:
    form = eleventh(guide)
    assert [str(f) for f in check_form(form)] == []
    answers = answered_whole(form)
    assert [p for p in fill.problems(form, answers, TODAY) if p.blocks] == []
    assert len(PAPER.pictures(form, answers, CENTRE, TODAY, sample=True, dpi=30)) == 1
    assert form.procedures and not any(f.id == form.id for f in shipped())


def test_the_guide_explains_every_attribute_and_lists_every_form() -> None:
    text = (GUIDES / "forms.md").read_text("utf-8")
    for kind in (Form, Field):
        for name in msgspec.structs.fields(kind):
            assert f"`{name.encode_name}`" in text, name.encode_name
    for kind_of in FieldType:
        assert f"`{kind_of.value}`" in text
    for printed in Printed:
        assert f"`{printed.value}`" in text
    for form in shipped():
        assert form.version in text and form.id in text
