"""What a visitor is told about a procedure, from its record."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from msgspec.structs import replace

import queue_server.dossiers
from queue_server.dossiers import advice as a
from queue_server.dossiers.calendar import ProcessingTime, TimeUnit
from queue_server.dossiers.catalogue import (
    Channel,
    Component,
    ComponentKind,
    Fee,
    Procedure,
    Way,
    fee_line,
)
from queue_server.wire.texts import Texts

SAY = Texts(Path(queue_server.dossiers.__file__).parent / "texts").say
BIRTH = Procedure(
    code="1.001193",
    name="Thủ tục đăng ký khai sinh",
    field="Hộ tịch",
    ways=(
        Way(
            channel=Channel.ONLINE,
            time=ProcessingTime(unit=TimeUnit.WORKING_DAY, value=2),
            fees=(Fee(amount=0),),
        ),
        Way(
            channel=Channel.DIRECT,
            time=ProcessingTime(unit=TimeUnit.SAME_DAY, value=1),
            fees=(Fee(amount=8000, text="Bản sao"), Fee(text="Quá hạn", certain=False)),
        ),
    ),
    components=(
        Component(name="Tờ khai", original=1),
        Component(name="Căn cước", kind=ComponentKind.SHOW, original=1),
        Component(name="Không phải nộp nếu đã có dữ liệu.", kind=ComponentKind.NOTE),
        Component(name="Giấy A. " + "Trường hợp rất dài; " * 30, copy=2, group="Bị bỏ rơi"),
    ),
    results=("Giấy khai sinh",),
    valid_from=dt.date(2026, 1, 16),
)


def test_papers_are_told_by_case_with_their_sheets_and_remarks_apart() -> None:
    told = a.advise(BIRTH, SAY)
    assert [group.title for group in told.papers] == ["", "Bị bỏ rơi"]
    first, second = told.papers[0].papers
    assert first.sheets == "1 bản chính"
    assert second.show and second.sheets == "1 bản chính, xuất trình bản chính rồi mang về"
    assert told.papers[1].papers[0].sheets == "2 bản sao"
    assert told.remarks == ("Không phải nộp nếu đã có dữ liệu.",)


def test_a_long_paper_is_cut_at_a_sentence_and_kept_whole_beside() -> None:
    paper = a.advise(BIRTH, SAY).papers[1].papers[0]
    assert len(paper.name) <= a.LONGEST_NAME + 2 and paper.name.endswith("…")
    assert paper.whole == BIRTH.components[3].name and paper.place == 3


def test_ways_begin_in_person_and_an_uncertain_fee_says_so() -> None:
    here, online = a.advise(BIRTH, SAY).ways
    assert (here.name, here.time) == ("Nộp tại đây", "Trong ngày")
    assert here.fees == ("Bản sao: 8.000 đ", "Quá hạn (hỏi lại tại quầy)")
    assert online.fees == ("Miễn phí",) and online.time == "2 ngày làm việc"


def test_what_a_consulate_takes_does_not_stand_under_here() -> None:
    abroad = Way(
        channel=Channel.DIRECT,
        time=ProcessingTime(unit=TimeUnit.SAME_DAY, value=1),
        fees=(Fee(amount=10, currency="USD", text="/bản"),),
    )
    told = a.advise(replace(BIRTH, ways=(abroad, *BIRTH.ways)), SAY)
    assert told.ways == a.advise(BIRTH, SAY).ways
    online = replace(abroad, channel=Channel.ONLINE)
    assert len(a.advise(replace(BIRTH, ways=(online,)), SAY).ways) == 1


def test_a_fee_by_the_sheet_is_said_as_a_sum() -> None:
    assert fee_line(Fee(amount=8000, text="/bản"), SAY) == "8.000 đ/bản"


def test_the_day_from_which_the_fees_hold_is_told_or_said_to_be_unknown() -> None:
    assert "16/01/2026" in a.advise(BIRTH, SAY).dated
    undated = a.advise(Procedure(code="1.000001", name="X", field="Y"), SAY, "en")
    assert undated.dated == "The source names no date. Please ask for the fee at the counter."
    assert undated.steps[0] == "Bring your ID document."


def test_presence_is_read_from_the_record_itself() -> None:
    married = Procedure(
        code="1.000894", name="Kết hôn", field="Hộ tịch", conditions="Cả hai bên cùng có mặt."
    )
    assert a.needs_presence(married) and not a.needs_presence(BIRTH)


@pytest.mark.parametrize(
    ("conditions", "there"),
    [
        ("Đất có mặt nước là ao, hồ, đầm", False),
        ("Có mặt bằng hợp pháp để sản xuất", False),
        ("Cá nhân trực tiếp ký hợp đồng làm đại lý", False),
        ("Người yêu cầu chứng thực phải ký/điểm chỉ trước mặt người tiếp nhận", True),
        ("Người yêu cầu phải trực tiếp ký tờ khai", True),
    ],
)
def test_presence_is_of_persons(conditions: str, there: bool) -> None:
    procedure = Procedure(code="1.000001", name="X", field="Y", conditions=conditions)
    assert a.needs_presence(procedure) is there


def test_what_is_read_aloud_names_time_fee_and_each_paper() -> None:
    told = a.spoken(a.advise(BIRTH, SAY), SAY)
    assert told[:2] == ("Đăng ký khai sinh.", "Thời gian giải quyết: Trong ngày.")
    assert told[3] == "Cần 3 loại giấy tờ." and told[4] == "1. Tờ khai"
