"""The printed ticket: what stands on it, that nothing is cut off, and that its QR can be read."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageOps

from kiosk.paper import TicketPaper, ticket_words
from kiosk.paper.ticket import HERE
from queue_server.wire.messages import CentreSetup, ServiceInfo, TicketTaken
from queue_server.wire.texts import Texts
from queue_server.wire.words import Estimate, Names

URL = "https://motcua.haichau.example.vn/t/3vQ9bXk2TqWm7LrZpYc8Nd"
LONG = (
    "Đất đai, tài nguyên và môi trường, xây dựng, quy hoạch đô thị "
    "và phát triển nông nghiệp, nông thôn miền núi"
)
SETUP = CentreSetup(
    centre="hai-chau",
    name=Names(
        vi="Trung tâm Phục vụ hành chính công phường Hải Châu",
        en="Hai Chau Ward Public Administration Service Centre",
    ),
    authority=Names(vi="Ủy ban nhân dân phường Hải Châu", en="Hai Chau People's Committee"),
    at=0,
    services=(
        ServiceInfo(id="civil", letter="A", name=Names(vi="Hộ tịch", en="Civil status")),
        ServiceInfo(id="land", letter="D", name=Names(vi=LONG, en="Land")),
    ),
    priorities=(),
)
TEXTS = Texts(HERE / "texts")
AT_0805 = 1_795_395_900_000  # 2026-11-23 08:05 in Việt Nam
AT_1030 = AT_0805 + 145 * 60_000
WIDTHS = [(576, 203), (512, 180), (384, 203)]


def taken(**other: Any) -> TicketTaken:
    usual: dict[str, Any] = {
        "ticket": "t1",
        "number": "A012",
        "service": "civil",
        "issued_at": AT_0805,
        "ahead": 5,
        "token": "3vQ9bXk2TqWm7LrZpYc8Nd",
        "url": URL,
        "estimate": Estimate(minutes=12.3, low=8.4, high=16.2),
        "counters": (3, 4),
    }
    return TicketTaken(**(usual | other))


@pytest.fixture(scope="module")
def papers() -> dict[int, TicketPaper]:
    return {width: TicketPaper(width, dpi) for width, dpi in WIDTHS}


def ink_box(image: Image.Image) -> tuple[int, int, int, int]:
    box = ImageOps.invert(image.convert("L")).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("width", [576, 512, 384])
def test_the_ticket_is_as_wide_as_the_printer_and_its_qr_leads_to_her_page(
    papers: dict[int, TicketPaper], width: int
) -> None:
    image = papers[width].draw(taken(), SETUP)

    assert image.mode == "1"
    assert image.width == width
    assert [code.text for code in zxingcpp.read_barcodes(image.convert("L"))] == [URL]


@pytest.mark.parametrize("width", [576, 512, 384])
def test_each_module_of_the_qr_is_a_whole_number_of_dots(
    papers: dict[int, TicketPaper], width: int
) -> None:
    image = papers[width].draw(taken(), SETUP).convert("L")
    corners = zxingcpp.read_barcodes(image)[0].position
    across = zxingcpp.create_barcode(URL, zxingcpp.BarcodeFormat.QRCode, ec_level="M").to_image(
        add_quiet_zones=False
    )
    module = round((corners.top_right.x - corners.top_left.x + 1) / across.shape[0])
    edge = module * across.shape[0]

    box = (corners.top_left.x, corners.top_left.y)
    code = image.crop((*box, box[0] + edge, box[1] + edge))

    assert code.tobytes() == Image.fromarray(across).resize((edge, edge), 0).tobytes()


def test_without_a_public_address_there_is_no_qr(papers: dict[int, TicketPaper]) -> None:
    image = papers[576].draw(taken(url=""), SETUP)

    assert zxingcpp.read_barcodes(image.convert("L")) == []
    assert image.height < papers[576].draw(taken(), SETUP).height


@pytest.mark.parametrize("width", [576, 512, 384])
def test_long_vietnamese_names_wrap_and_keep_inside_the_paper(
    papers: dict[int, TicketPaper], width: int
) -> None:
    procedure = Names(vi=f"Thủ tục {LONG.lower()}, {LONG.lower()}", en="")
    short = papers[width].draw(taken(), SETUP)

    image = papers[width].draw(taken(service="land", number="K12-D9905"), SETUP, "vi", procedure)

    left, _, right, bottom = ink_box(image)
    assert image.height > short.height + 100
    assert left >= 4
    assert right <= width - 4
    assert bottom < image.height


def test_a_longer_number_is_set_smaller_and_never_cut(papers: dict[int, TicketPaper]) -> None:
    for number in ("A1", "A012", "K12-A0123"):
        left, _, right, _ = ink_box(papers[384].draw(taken(number=number), SETUP))
        assert 0 < left < right < 384


def test_the_priority_flag_is_a_black_bar(papers: dict[int, TicketPaper]) -> None:
    def black_rows(image: Image.Image) -> int:
        grey = image.convert("L")
        row = [grey.crop((20, y, 556, y + 1)) for y in range(grey.height)]
        return sum(line.getextrema() == (0, 0) for line in row)

    plain = black_rows(papers[576].draw(taken(url=""), SETUP))
    flagged = black_rows(papers[576].draw(taken(url="", priority="elderly"), SETUP))

    assert flagged > plain + 20


def test_it_draws_in_another_thread_than_it_was_made_in(papers: dict[int, TicketPaper]) -> None:
    drawn: list[Image.Image] = []
    worker = threading.Thread(target=lambda: drawn.append(papers[576].draw(taken(), SETUP)))

    worker.start()
    worker.join(10)

    assert drawn[0].width == 576


def facts(ticket: TicketTaken, language: str = "vi") -> dict[str, str]:
    return dict(ticket_words(ticket, SETUP, TEXTS, language)["facts"])


def test_the_estimate_is_whole_minutes_with_its_interval_rounded_outwards() -> None:
    assert facts(taken())["Dự kiến chờ"] == "khoảng 12 phút (8–17)"
    assert facts(taken(), "en")["Expected wait"] == "about 12 min (8–17)"


def test_an_estimate_of_seconds_is_never_zero_minutes() -> None:
    soon = taken(estimate=Estimate(minutes=0.2, low=0.0, high=1.4))

    assert facts(soon)["Dự kiến chờ"] == "khoảng 1 phút (0–2)"


def test_without_an_estimate_the_ticket_says_so() -> None:
    assert facts(taken(estimate=None))["Dự kiến chờ"] == "chưa ước tính được"


def test_the_time_of_issue_is_the_centre_s_wall_clock() -> None:
    assert facts(taken())["Cấp lúc"] == "08:05 23/11/2026"


def test_nobody_knows_who_is_ahead_while_cut_off() -> None:
    offline = ticket_words(taken(offline=True, estimate=None), SETUP, TEXTS)

    assert dict(offline["facts"])["Số người chờ trước"] == "không rõ"
    assert dict(offline["facts"])["Dự kiến chờ"] == "chưa ước tính được"
    assert offline["offline"] == "CẤP KHI MẤT KẾT NỐI"
    heard = taken(offline=True, estimate=None, ahead=5, known_at=taken().issued_at)
    known = dict(ticket_words(heard, SETUP, TEXTS)["facts"])
    assert known["Số người chờ trước"] == "không rõ (lúc 08:05: 5 người)"


def test_it_warns_when_the_counters_may_close_before_her_turn() -> None:
    assert ticket_words(taken(closes_in_minutes=15), SETUP, TEXTS)["note"]
    assert not ticket_words(taken(closes_in_minutes=90), SETUP, TEXTS)["note"]


def test_a_number_for_a_time_says_it_large_and_the_wait_from_then(
    papers: dict[int, TicketPaper],
) -> None:
    ticket = taken(booked=AT_1030, estimate=Estimate(minutes=8, low=8, high=8))
    words = ticket_words(ticket, SETUP, TEXTS)
    assert (words["booked"], words["booked_help"]) == ("Hẹn 10:30", "Xin có mặt trước giờ hẹn")
    told = facts(ticket)
    assert told["Chờ từ giờ hẹn"] == "khoảng 8 phút"
    assert "Số người chờ trước" not in told
    english = ticket_words(ticket, SETUP, TEXTS, "en")
    assert english["booked"] == "For 10:30"
    for width, paper in papers.items():
        plain, booked = paper.draw(taken(), SETUP), paper.draw(ticket, SETUP)
        assert booked.height > plain.height
        left, _, right, _ = ink_box(booked)
        assert left >= 0 and right <= width


def test_an_appointment_whose_time_has_come_is_a_ticket_like_others() -> None:
    ticket = taken(booked=AT_0805 - 60_000)
    assert ticket_words(ticket, SETUP, TEXTS)["booked"] == ""
    assert "Số người chờ trước" in facts(ticket)


def test_the_english_ticket_names_the_centre_in_both_languages() -> None:
    words = ticket_words(taken(), SETUP, TEXTS, "en")

    assert words["centre"].startswith("TRUNG TÂM PHỤC VỤ HÀNH CHÍNH CÔNG")
    assert words["centre_too"] == SETUP.name.en
    assert words["service"] == "Civil status"


def test_both_languages_have_the_same_words() -> None:
    assert TEXTS.keys("vi") == TEXTS.keys("en")


def test_words_stay_words_and_are_never_markup(papers: dict[int, TicketPaper]) -> None:
    odd = Names(vi='#panic("x") *a* $b$ [c] \\ "d"', en="")

    image = papers[576].draw(taken(), SETUP, "vi", odd)

    assert image.height > papers[576].draw(taken(), SETUP).height
