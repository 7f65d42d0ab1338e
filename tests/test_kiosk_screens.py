"""The kiosk as a visitor meets it: real pictures, touches and broker, a pretend queue server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kiosk.pretend_printer import PretendPrinter
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.guides import Guide
from queue_server.wire.texts import Texts
from queue_server.wire.words import HALF_HOUR, Estimate, half_hour

from .kiosk_room import PAGES, RUN_KIOSK, Broker, KioskProcess, PretendServer, setup, until
from .test_intake import picture

ROOT = Path(__file__).parent.parent


def test_both_languages_say_the_same_things() -> None:
    texts = Texts(ROOT / "kiosk" / "texts")
    assert texts.keys("vi") == texts.keys("en")


# --- visits ---------------------------------------------------------------------------------------


class Room:
    """A broker, a server, a printer and a kiosk."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.broker = Broker(folder)
        self.broker.start()
        self.server = PretendServer(self.broker.port)
        self.server.start()
        self.kiosk = KioskProcess(folder, self.broker.port, self.server.web, settings=settings)

    def stop(self) -> None:
        self.kiosk.stop()
        self.server.stop()
        self.broker.stop()


@pytest.fixture(scope="module")
def printer() -> Iterator[PretendPrinter]:
    pretend = PretendPrinter()
    pretend.start()
    yield pretend
    pretend.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, printer: PretendPrinter) -> Iterator[Room]:
    room = Room(
        tmp_path_factory.mktemp("room"), f'[kiosk.printer]\naddress = "{printer.address}"\n'
    )
    room.kiosk.start()
    yield room
    room.stop()


@pytest.fixture
def room(shared: Room) -> Room:
    """The shared kiosk at its first screen, with nothing refused and nothing kept silent."""
    shared.server.silent, shared.server.refusal = set(), None
    shared.server.say(topics.SETUP, setup())
    leave(shared.kiosk)
    shared.server.asks.clear()
    return shared


def leave(kiosk: KioskProcess) -> None:
    """Go back to the first screen by whatever way the screen offers."""

    def at_home() -> bool:
        state = kiosk.do(state=True)
        names = {b["name"] for b in state["buttons"]}
        if state["screen"] == "welcome":
            return True
        for way in ("close", "home", "done", "cancel", "back"):
            if way in names:
                kiosk.touch(way)
                break
        return False

    until(at_home, "the first screen")


def test_a_visit_from_greeting_to_paper(room: Room, printer: PretendPrinter) -> None:
    kiosk, server = room.kiosk, room.server
    kiosk.go("start-vi", "service-civil", "procedure-1.001193", "priority-elderly")
    kiosk.until_shows("confirm")
    kiosk.touch("confirm", times=3)
    kiosk.until_shows("ticket")
    assert kiosk.says("khoảng 12 phút (8–17)")
    until(lambda: server.said("report_print"), "the print's report")
    assert server.said("report_print")[0].outcome == "confirmed"
    assert kiosk.says("Xin lấy phiếu")
    asked = server.said("take_ticket")
    assert [(a.service, a.procedure, a.priority) for a in asked] == [
        ("civil", "1.001193", "elderly")
    ]
    kiosk.touch("done")
    kiosk.until_shows("welcome")


def long_line(quieter: m.Quieter | None) -> m.LineState:
    """Twenty people wait to have something certified."""
    service = m.ServiceLine(
        id="certify",
        state="open",
        waiting=20,
        estimate=Estimate(minutes=32, low=20, high=45),
        quieter=quieter,
    )
    return m.LineState(
        at=int(time.time() * 1000), day="", state="open", services=(service,), counters=()
    )


def test_when_the_line_is_long_a_number_for_a_quieter_time_is_offered_and_taken(
    room: Room, printer: PretendPrinter
) -> None:
    kiosk, server = room.kiosk, room.server
    starts = (int(time.time() * 1000) // HALF_HOUR + 1) * HALF_HOUR
    at = half_hour(starts, 420)[11:]
    try:
        server.say(topics.LINE, long_line(m.Quieter(at=at, minutes=8, starts=starts)))
        kiosk.go("start-vi")
        until(lambda: kiosk.says(f"từ {at} khoảng 8 phút"), "the long line")
        kiosk.go("service-certify", "priority-none")
        kiosk.until_shows("time")
        assert kiosk.says("Lấy số bây giờ") and kiosk.says("chờ khoảng 32 phút")
        kiosk.go("time-later")
        kiosk.until_shows("confirm")
        assert kiosk.says(f"Hẹn {at}, chờ khoảng 8 phút")
        kiosk.touch("confirm")
        kiosk.until_shows("ticket")
        assert kiosk.says(f"Hẹn {at}") and kiosk.says("Xin có mặt trước giờ hẹn")
        assert [ask.booked for ask in server.said("take_ticket")] == [starts]
        until(lambda: server.said("report_print"), "the print's report")
    finally:
        server.say(topics.LINE, long_line(None))


def test_no_key_leaves_the_kiosk_and_a_scanner_presses_nothing(room: Room) -> None:
    kiosk = room.kiosk
    kiosk.go("start-vi")
    before = kiosk.until_shows("service")["buttons"]
    for key in ("escape", "f1", "f4", "f11", "tab", *"079123456789", "enter"):
        kiosk.do(key=key)
    assert kiosk.until_shows("service")["buttons"] == before


def test_a_finger_that_slides_off_a_button_does_not_press_it(room: Room) -> None:
    kiosk = room.kiosk
    button = next(b for b in kiosk.do(state=True)["buttons"] if b["name"] == "start-vi")
    left, top, width, height = button["rect"]
    kiosk.do(touch=[left + width // 2, top + height // 2], to=[left + width // 2, top - 30])
    assert kiosk.do(state=True)["screen"] == "welcome"


def test_letters_and_contrast_are_for_this_visitor_only(room: Room) -> None:
    kiosk = room.kiosk
    kiosk.go("start-en", "access", "letters", "contrast")
    assert kiosk.says("Large")
    kiosk.go("access-done", "service-civil")
    kiosk.until_shows("procedure")
    kiosk.go("back", "access", "access-done", "back", "access")
    until(lambda: kiosk.says("Thường") and kiosk.says("Đang tắt"), "the usual look")


def test_a_service_suspended_in_the_middle_is_said_at_once_with_its_reason(room: Room) -> None:
    kiosk = room.kiosk
    kiosk.go("start-vi", "service-civil")
    kiosk.until_shows("procedure")
    room.server.say(topics.SETUP, setup(civil="suspended"))
    kiosk.until_shows("stopped")
    assert kiosk.says("Mất điện")
    kiosk.touch("other")
    kiosk.until_shows("service")


def test_a_refusal_is_shown_in_the_servers_words(room: Room) -> None:
    kiosk = room.kiosk
    room.server.refusal = m.Refusal(code="cut_off", vi="Đã hết số hôm nay.", en="No more today.")
    kiosk.go("start-en", "service-certify", "priority-none", "confirm")
    kiosk.until_shows("refused")
    assert kiosk.says("No more today.")


def test_help_is_called_and_the_visitor_is_told(room: Room) -> None:
    kiosk = room.kiosk
    kiosk.go("start-vi", "help")
    kiosk.until_shows("help")
    until(lambda: kiosk.says("Nhân viên sẽ tới ngay"), "the word that somebody comes")
    assert [ask.screen for ask in room.server.said("call_help")] == ["service"]


def test_without_paper_the_number_and_its_code_stand_on_the_screen(
    room: Room, printer: PretendPrinter
) -> None:
    kiosk = room.kiosk
    printer.state.rows_left = 0
    try:
        kiosk.go("start-vi", "service-certify", "priority-none", "confirm")
        kiosk.until_shows("ticket")
        until(lambda: kiosk.says("Không in được phiếu"), "the word that there is no paper")
        report = until(lambda: room.server.said("report_print"), "the report")[0]
        assert (report.outcome, report.detail) == ("failed", "paper_out")
    finally:
        printer.state.rows_left = None


def test_a_lost_broker_sends_visitors_to_the_desk_until_it_is_back(room: Room) -> None:
    kiosk = room.kiosk
    kiosk.go("start-vi")
    kiosk.until_shows("service")
    room.broker.stop()
    kiosk.until_shows("away")
    assert kiosk.says("Xin Ông/Bà lấy số tại bàn hướng dẫn")
    room.broker.start()
    kiosk.until_shows("service")


def test_a_visitor_sees_the_centres_sample_of_her_procedure_and_nothing_of_it_stays(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk, guide = room.kiosk, Guide(file="tờ khai.jpg", kind="picture", caption="Khai như thế này")
    torn = Guide(file="hỏng.jpg", kind="picture", caption="Hỏng")
    monkeypatch.setitem(PAGES, "/api/guides/1.001193", msgspec.json.encode([torn, guide]))
    monkeypatch.setitem(PAGES, "/guides/1.001193/h%E1%BB%8Fng.jpg", b"no picture")
    monkeypatch.setitem(PAGES, "/guides/1.001193/t%E1%BB%9D%20khai.jpg", picture())
    kiosk.go("more-vi", "errand-fields", "field-0", "found-1.001193", "part-sample")
    until(lambda: kiosk.says("Khai như thế này"), "the sample")
    until(lambda: not kiosk.says("Đang mở hình"), "its picture")
    assert not kiosk.says("Trang 1/2"), "what is torn is left out"
    kiosk.do(later=61)
    kiosk.until_shows("idle")
    kiosk.do(later=20)
    kiosk.until_shows("welcome")
    assert not kiosk.says("Khai như thế này")


# --- a server that does not answer; the power ----------------------------------------------------


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A kiosk with short times."""
    times = "[kiosk]\nanswer_seconds = 1.0\n"
    room = Room(tmp_path_factory.mktemp("hasty"), times)
    room.kiosk.start()
    yield room
    room.stop()


def test_without_an_answer_the_ask_is_withdrawn_and_idle_goes_home(hasty: Room) -> None:
    kiosk, server = hasty.kiosk, hasty.server
    server.silent = {"take_ticket"}
    kiosk.go("start-vi", "service-certify", "priority-none", "confirm")
    kiosk.until_shows("no_answer")
    withdrawn = until(lambda: server.said("withdraw_ticket"), "the withdrawal")
    assert withdrawn[0].ask == server.said("take_ticket")[0].id
    kiosk.do(later=61)
    kiosk.until_shows("idle")
    kiosk.do(later=20)
    kiosk.until_shows("welcome")


def test_an_ask_open_at_a_power_cut_is_withdrawn_at_the_next_start(hasty: Room) -> None:
    kiosk, server = hasty.kiosk, hasty.server
    server.silent = {"take_ticket"}
    server.asks.clear()
    kiosk.go("start-vi", "service-certify", "priority-none", "confirm")
    asked = until(lambda: server.said("take_ticket"), "the ask")[0]
    kiosk.kill()
    assert server.said("withdraw_ticket") == []
    kiosk.start()
    withdrawn = until(lambda: server.said("withdraw_ticket"), "the withdrawal")
    assert withdrawn[0].ask == asked.id


def test_a_kiosk_that_is_not_enrolled_says_so_in_one_line(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", RUN_KIOSK, "--data", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"SDL_VIDEODRIVER": "offscreen"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert said.returncode == 1
    assert said.stderr.splitlines() == [
        f"motcua kiosk: {tmp_path / 'device.json'} is missing: enrol with --server and --code"
    ]
