"""Draws every picture of the kiosk without a server: for the tests, and for looking at.

python -m tests.kiosk_pictures SIZE FOLDER [LANGUAGE] [LOOK]     (LOOK: see tests/looks.py)

Saves FOLDER/<name>.png (`-`: no pictures) and prints what `touch.remote.describe` says of each.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image, ImageDraw

import queue_server.dossiers
from kiosk.access import Access
from kiosk.finding import parts
from kiosk.finding_reports import Drawn, Part, Sheet
from kiosk.guides import mark
from kiosk.reports import PrinterCondition, Procedure
from kiosk.shelf import Shelf, shelf_of
from kiosk.touch.window import WindowSettings, parse_size, prepare_kivy
from kiosk.visit import Help, LastTicket, Paper, Rules, State, Step, TimeOffer
from queue_server.dossiers.catalogue import Procedure as Record
from queue_server.dossiers.catalogue import own_record, summarise
from queue_server.wire import messages as m
from queue_server.wire.texts import Texts
from queue_server.wire.words import Estimate, Names, PriorityGroup

from .looks import access_of

NOW = 1_795_394_700_000
LATER = NOW + 24_300_000
"""14:30 of the same day."""
SERVICES = (
    ("civil", "A", "Hộ tịch", "Civil status", "open", "", (1, 2)),
    ("certify", "B", "Chứng thực", "Certification", "open", "", (2, 3)),
    ("residence", "C", "Cư trú, căn cước", "Residence and identity cards", "open", "", (4,)),
    ("land", "D", "Đất đai, xây dựng và môi trường", "Land, construction and environment",
     "suspended", "Cán bộ đi kiểm tra thực địa đến 14 giờ", (5,)),
    ("business", "E", "Đăng ký hộ kinh doanh", "Household businesses", "open", "", (6,)),
    ("social", "F", "Lao động, thương binh và xã hội", "Labour and social affairs",
     "cut_off", "", (7,)),
    ("other", "G", "Lĩnh vực khác, trả kết quả", "Other fields, collecting results",
     "open", "", (8,)),
)  # fmt: skip
PROCEDURES = (
    ("1.001193", "Đăng ký khai sinh", "Registration of birth"),
    ("1.000894", "Đăng ký kết hôn", "Registration of marriage"),
    ("1.000656", "Đăng ký khai tử", "Registration of death"),
    ("1.004873", "Cấp giấy xác nhận tình trạng hôn nhân", "Certificate of marital status"),
    ("2.000635", "Cấp bản sao trích lục hộ tịch, bản sao giấy khai sinh", "Copies of extracts"),
    ("1.004859", "Thay đổi, cải chính, bổ sung thông tin hộ tịch, xác định lại dân tộc",
     "Change and correction of civil status"),
    ("1.001022", "Đăng ký nhận cha, mẹ, con", "Recognition of father, mother, child"),
    ("1.004837", "Đăng ký giám hộ", "Registration of guardianship"),
    ("2.000986", "Liên thông khai sinh, thường trú, cấp thẻ bảo hiểm y tế cho trẻ em dưới 6 tuổi",
     "Birth, residence and health insurance card for a child under 6"),
    ("1.004884", "Đăng ký lại khai sinh", "Re-registration of birth"),
    ("1.004772", "Đăng ký khai sinh cho người đã có hồ sơ, giấy tờ cá nhân",
     "Birth registration for persons with papers"),
    ("1.004746", "Đăng ký lại kết hôn", "Re-registration of marriage"),
)  # fmt: skip
PRIORITIES = (
    ("disabled", "Người khuyết tật đặc biệt nặng, khuyết tật nặng", "Severely disabled persons",
     "Giấy xác nhận khuyết tật", "certificate of disability"),
    ("elderly", "Người từ đủ 60 tuổi trở lên", "Persons of 60 years and older",
     "Thẻ căn cước", "identity card"),
    ("pregnant", "Phụ nữ mang thai", "Pregnant women", "", ""),
    ("child", "Người bế trẻ em dưới 36 tháng tuổi", "Persons with a child under 36 months", "", ""),
    ("merit", "Người có công với cách mạng", "Persons with merits to the revolution",
     "Giấy chứng nhận người có công", "certificate of merit"),
)  # fmt: skip
TAKEN = m.TicketTaken(
    ticket="t1",
    number="A047",
    service="civil",
    issued_at=NOW,
    ahead=5,
    token="x",
    url="https://motcua.hongha.gov.vn/t/7fQm2Jx9RkT4Zb8uWc1LpA",
    estimate=Estimate(minutes=12.2, low=8.1, high=16.6),
    counters=(1, 2),
)


def setup() -> m.CentreSetup:
    return m.CentreSetup(
        centre="test",
        name=Names(vi="Trung tâm Phục vụ hành chính công", en="Public Administration Centre"),
        authority=Names(vi="UBND phường Hồng Hà", en="People's Committee of Hồng Hà Ward"),
        at=NOW,
        services=tuple(
            m.ServiceInfo(id=i, letter=x, name=Names(vi=vi, en=en), state=s, reason=why, counters=c)
            for i, x, vi, en, s, why, c in SERVICES
        ),
        priorities=tuple(
            PriorityGroup(id=i, name=Names(vi=vi, en=en), proof=Names(vi=pv, en=pe))
            for i, vi, en, pv, pe in PRIORITIES
        ),
    )


def line() -> m.LineState:
    estimate = Estimate(minutes=11.6, low=8, high=16)
    return m.LineState(
        at=NOW - 1,
        day="2026-11-23",
        state="open",
        services=tuple(
            m.ServiceLine(
                id=s[0],
                state=s[4],
                waiting=3 * i,
                estimate=estimate if i else None,
                quieter=m.Quieter(at="14:30", minutes=6.0, starts=LATER) if i == 2 else None,
            )
            for i, s in enumerate(SERVICES)
        ),
        counters=tuple(m.CounterLine(id=i, state="serving") for i in range(1, 7)),
    )


def procedures() -> tuple[Procedure, ...]:
    return tuple(Procedure(c, Names(vi=vi, en=en), "civil") for c, vi, en in PROCEDURES)


def base(language: str) -> State:
    """A kiosk that is ready for a visitor."""
    return State(
        rules=Rules(),
        setup=setup(),
        line=line(),
        procedures=procedures(),
        connected=True,
        now=NOW,
        touched=NOW,
        language=language,
    )


def pictures(language: str) -> Iterator[tuple[str, State]]:
    """Every picture by name, in the order of a visit."""
    ready = base(language)
    civil = replace(ready, service="civil", procedure="1.004859", priority="disabled")
    told = replace(ready, step=Step.TICKET, taken=TAKEN, service="civil", procedure="1.001193")
    last = LastTicket(TAKEN, language, None, NOW)
    yield "starting", State(now=NOW)
    yield "welcome", ready
    yield "welcome_no_paper", replace(ready, printer=PrinterCondition.PAPER_OUT, line=None)
    yield "welcome_reprint", replace(ready, last=last)
    yield from finding_pictures(ready)
    yield from booking_pictures(ready)
    yield "service", replace(ready, step=Step.SERVICE)
    yield "procedure", replace(ready, step=Step.PROCEDURE, service="civil")
    yield (
        "procedure_2",
        replace(ready, step=Step.PROCEDURE, service="civil", pages={Step.PROCEDURE: 1}),
    )
    yield "priority", replace(civil, step=Step.PRIORITY)
    offer = TimeOffer(now_minutes=32.4, at="14:30", minutes=7.6, starts=LATER)
    asked = replace(ready, step=Step.TIME, service="residence", offer=offer)
    yield "time", asked
    yield "confirm", replace(civil, step=Step.CONFIRM)
    yield "confirm_now", replace(asked, step=Step.CONFIRM)
    all_asked = replace(civil, priority=None, step=Step.CONFIRM, offer=offer, later=True)
    yield "confirm_later", all_asked
    yield "confirm_plain", replace(ready, step=Step.CONFIRM, service="certify")
    yield "waiting", replace(ready, step=Step.WAITING, ask="a", asked=NOW)
    yield "ticket", replace(told, paper=Paper.CONFIRMED, last=last)
    yield "ticket_printing", replace(told, paper=Paper.PRINTING)
    late = TAKEN_LATE
    yield "ticket_no_paper", replace(told, taken=late, paper=Paper.FAILED, priority="elderly")
    yield "ticket_no_url", replace(told, taken=TAKEN_PLAIN, paper=Paper.NONE)
    yield "ticket_booked", replace(told, taken=TAKEN_LATER, paper=Paper.CONFIRMED, last=last)
    full = m.Refusal(
        code="slot_full",
        vi="Đã hết số hẹn lúc 14:30. Xin chọn giờ khác hoặc lấy số bây giờ.",
        en="No more numbers for 14:30. Please choose another time, or take a number for now.",
    )
    yield "refused_time", replace(all_asked, step=Step.REFUSED, refusal=full)
    refusal = m.Refusal(
        code="cut_off",
        vi="Hôm nay đã hết số của lĩnh vực này, vì còn 25 phút nữa là hết giờ làm việc.",
        en="There are no more numbers for this field today: it closes in 25 minutes.",
    )
    yield "refused", replace(ready, step=Step.REFUSED, refusal=refusal)
    yield "no_answer", replace(ready, step=Step.NO_ANSWER)
    yield "away", replace(ready, connected=False, connection_changed=0)
    alone = replace(
        ready, connected=False, connection_changed=0, leased={"civil": 12, "certify": 0}
    )
    yield "away_used_up", replace(alone, leased={"civil": 0})
    yield "alone_welcome", alone
    yield "alone_service", replace(alone, step=Step.SERVICE)
    yield "alone_confirm", replace(alone, step=Step.CONFIRM, service="civil", procedure="1.001193")
    yield "alone_stopped", replace(alone, step=Step.CONFIRM, service="certify")
    given = replace(told, connected=False, connection_changed=0, taken=TAKEN_OFFLINE)
    yield "alone_ticket", replace(given, paper=Paper.CONFIRMED, leased={"civil": 11})
    yield "closed", replace(ready, setup=_all_shut())
    yield "stopped", replace(ready, step=Step.CONFIRM, service="land")
    yield "idle", replace(civil, step=Step.CONFIRM, touched=NOW - 68_000)
    yield "access", replace(civil, step=Step.CONFIRM, access=Access(open=True))
    reading = Access(open=True, reading=True, patience=5)
    yield "access_reading", replace(civil, step=Step.CONFIRM, access=reading)
    for help_ in (Help.CALLING, Help.COMING, Help.UNHEARD):
        yield f"help_{help_.value}", replace(civil, step=Step.PROCEDURE, help=help_)


def finding_pictures(ready: State) -> Iterator[tuple[str, State]]:
    """A visitor looks for her procedure."""
    shown = replace(ready, shelf=shelf(), setup=_reached(ready))
    yield "errand", replace(shown, step=Step.ERRAND)
    yield "search", replace(shown, step=Step.SEARCH)
    yield "search_typed", replace(shown, step=Step.SEARCH, query="khai sinh")
    yield "search_vni", replace(shown, step=Step.SEARCH, query="xyz", typing="vni")
    yield "fields", replace(shown, step=Step.FIELDS)
    yield "field", replace(shown, step=Step.FIELD, field="Hộ tịch")
    page = replace(shown, step=Step.ADVICE, found="1.001193")
    for part in parts(page):
        yield f"advice_{part.value}", replace(page, part=part)
    yield from guide_pictures(replace(page, guides=GUIDES))
    yield "advice_printed", replace(page, pages={Step.ADVICE: 1}, listed="failed")
    yield "advice_keep", replace(page, kept=True)
    yield "advice_elsewhere", replace(page, found="1.004746")


GUIDES = (
    Sheet("sample", "Tờ khai đăng ký khai sinh đã điền", "a-1.jpg", 1, 2),
    Sheet("sample", "Tờ khai đăng ký khai sinh đã điền", "a-2.jpg", 2, 2),
    Sheet("picture", "Giấy chứng sinh", "b-1.jpg"),
    Sheet(
        "film", "Cách đăng ký khai sinh cho trẻ em mới sinh, từ giấy chứng sinh đến giấy khai sinh"
    ),
)


def guide_pictures(page: State) -> Iterator[tuple[str, State]]:
    """The centre's own guides to a procedure."""
    yield "advice_guided", page
    seen = replace(page, part=Part.SAMPLE)
    yield "advice_sample_opening", seen
    yield "advice_sample", replace(seen, drawn=sheet_drawn(1240, 1754))
    third = replace(seen, pages={Step.ADVICE: 2})
    yield "advice_sample_picture", replace(third, drawn=sheet_drawn(1600, 900, "picture"))
    yield "advice_sample_film", replace(seen, pages={Step.ADVICE: 3})
    yield "advice_sample_alone", replace(seen, guides=GUIDES[:1], drawn=sheet_drawn(1240, 1754))


def sheet_drawn(width: int, height: int, kind: str = "sample") -> Drawn:
    """A page full of lines; a sample under the word."""
    page = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(page)
    for line in range(60, height - 60, 40):
        pen.line((80, line, width - 80 - line * 7 % 300, line), "#203040", 3)
    if kind == "sample":
        mark(page)
    return Drawn("a-1.jpg", np.ascontiguousarray(np.asarray(page)[:, :, ::-1]))


def booking_pictures(ready: State) -> Iterator[tuple[str, State]]:
    """A visitor books a time, or comes for hers."""
    times = tuple(m.FreeTime(starts=LATER + n * 1_800_000, left=2) for n in range(8))
    days = {f"2026-11-{day}": times for day in range(24, 30)}
    asked = replace(ready, service="civil", free=m.TimesFree(days=days))
    yield "book_service", replace(ready, step=Step.BOOK_SERVICE)
    yield "book_asking", replace(asked, step=Step.BOOK_DAY, free=None)
    yield "book_day", replace(asked, step=Step.BOOK_DAY)
    yield "book_none", replace(asked, step=Step.BOOK_DAY, free=m.TimesFree())
    yield "book_time", replace(asked, step=Step.BOOK_TIME, day="2026-11-24")
    yield "booking", replace(asked, step=Step.BOOKING)
    mine = m.TimeBooked(
        appointment="2026-11-24-1",
        service="civil",
        starts=LATER,
        token="C3UFC7GEFY",
        url="https://motcua.hongha.gov.vn/a/C3UFC7GEFY",
    )
    yield "booked", replace(asked, step=Step.BOOKED, booked=mine, slip="confirmed")
    yield "check_in", replace(ready, step=Step.CHECK_IN, code="C3U")
    wrong = m.Refusal(code="unknown_appointment")
    yield "check_in_wrong", replace(ready, step=Step.CHECK_IN, refusal=wrong)


def shelf() -> Shelf:
    """The sample centre's procedures, and one that nobody here does."""
    sample = Path(__file__).parent.parent / "deploy" / "procedures.sample.toml"
    raw = tomllib.loads(sample.read_text())["procedure"]
    records = {p.code: p for p in map(own_record, raw) if isinstance(p, Record)}
    say = Texts(Path(queue_server.dossiers.__file__).parent / "texts").say
    lines = [summarise(record, say) for record in records.values()]
    lines.append(msgspec.structs.replace(lines[0], code="1.004746", service=None))
    return shelf_of(lines, records.get, lambda code: code == "1.001193")


def _reached(ready: State) -> m.CentreSetup:
    assert ready.setup is not None
    return msgspec.structs.replace(ready.setup, public_url="https://motcua.hongha.gov.vn")


def _changed(taken: m.TicketTaken, **changes: Any) -> m.TicketTaken:
    from msgspec import structs

    return structs.replace(taken, **changes)


TAKEN_LATE = _changed(
    TAKEN, priority="elderly", closes_in_minutes=15, number="D108", counters=(5, 6, 11)
)
TAKEN_LATER = _changed(
    TAKEN, number="C021", booked=LATER, estimate=Estimate(minutes=8, low=8, high=8)
)
TAKEN_OFFLINE = _changed(
    TAKEN, number="A981", offline=True, estimate=None, known_at=NOW - 900_000, priority="elderly"
)
TAKEN_PLAIN = _changed(TAKEN, url="", estimate=None, ahead=0)


def _all_shut() -> m.CentreSetup:
    from msgspec import structs

    whole = setup()
    reason = "Ngoài giờ làm việc. Sáng 7:30–11:30, chiều 13:30–17:00"
    services = tuple(structs.replace(s, state="closed", reason=reason) for s in whole.services)
    return structs.replace(whole, services=services)


def run(size: str, folder: Path | None, language: str, way: str) -> None:
    width, height = parse_size(size)
    window = WindowSettings(width, height, False, 344.0 if height > width else 598.0)
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    prepare_kivy(window, Path(tempfile.mkdtemp()) / "kivy")
    from kivy.config import Config

    Config.set("graphics", "maxfps", "0")
    from kivy.clock import Clock

    from kiosk.screens import draw
    from kiosk.screens.scene import Scene, own_look
    from kiosk.touch.remote import describe
    from kiosk.touch.screen_app import ScreenApp
    from kiosk.touch.style import CALM, HIGH_CONTRAST

    texts = Texts(Path("kiosk/texts"))
    access = access_of(way)

    class Gallery(ScreenApp):
        """Shows a picture, looks at it two frames later, and goes on."""

        def on_start(self) -> None:
            self.palette = HIGH_CONTRAST if access.contrast else CALM
            self.letters, self.low = access.letters, access.low
            self.rest = pictures(language)
            Clock.schedule_once(lambda _: self.next(), 0.1)

        def next(self) -> None:
            found = next(self.rest, None)
            if found is None:
                self.stop()
                return
            name, state = found
            wish = replace(
                state.access, letters=access.letters, low=access.low, contrast=access.contrast
            )
            state = replace(state, access=wish)
            scene = Scene(state, own_look(self.look), texts, lambda *_, **__: None, "07:25")
            self.show(*draw(scene))
            Clock.schedule_once(lambda _: Clock.schedule_once(lambda _: self.keep(name), 0), 0)

        def keep(self, name: str) -> None:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                self.screenshot(folder / f"{name}.png")
            print(json.dumps({"name": name, **describe(self)}), flush=True)
            self.next()

    Gallery(window).run()


if __name__ == "__main__":
    given = [*sys.argv[1:], *["vi", "usual"][len(sys.argv) - 3 :]]
    run(given[0], None if given[1] == "-" else Path(given[1]), given[2], given[3])
