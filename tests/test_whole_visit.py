"""One whole visit: real kiosk and tablet programs, NATS, a printer's socket, Chromium, a button terminal.

Touches go in as pointer events at coordinates, keys as keys; the ticket is read back from the bytes that the
printer got. The board, the counter, the manager and the visitor's phone are pages in a real browser.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect, sync_playwright

from firmware_bridge.settings import make_key
from kiosk.pretend_printer import PretendPrinter
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.store.devices import Devices
from queue_server.store.log import rows
from queue_server.store.schema import connect
from queue_server.wire.enrol import enrol, fingerprint
from queue_server.wire.words import DeviceKind
from tests.centre import PASSWORD, Centre, running_centre, until

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
COUNTER, OFFICER = 3, "canbo03"
CODE = "H19.15-261124-0042"


class Program:
    """A Kivy program in a process of its own, touched by its remote finger."""

    def __init__(self, name: str, folder: Path, options: list[str], size: str) -> None:
        self.folder = folder
        self._socket = folder / f"{name}.sock"
        environment = {
            **os.environ,
            "SDL_VIDEODRIVER": "offscreen",
            f"MOTCUA_{name.upper()}_REMOTE": str(self._socket),
        }
        with (folder / f"{name}.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "queue_server.command", name, *options]
                + ["--size", size, "--windowed"],
                env=environment,
                stdout=log,
                stderr=log,
            )
        until(self._socket.exists, f"{name}'s window: {(folder / f'{name}.log').read_text()}")

    def say(self, **order: Any) -> Any:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
            line.connect(str(self._socket))
            line.sendall(json.dumps(order).encode() + b"\n")
            return json.loads(line.makefile().readline())

    def screen(self) -> str:
        """The name of the screen, once it is drawn and listens."""
        state = self.say(state=True)
        return str(state["screen"]) if state["ready"] else ""

    def wait_screen(self, name: str) -> None:
        until(lambda: self.screen() == name, f"screen {name}, it is {self.screen()}")

    def texts(self) -> str:
        return " ".join(text["text"] for text in self.say(state=True)["texts"])

    def touch(self, name: str) -> None:
        """A finger down and up in the middle of a button."""

        def button() -> Any:
            state = self.say(state=True)
            found = state["buttons"] if state["ready"] else []
            return next((b for b in found if b["name"] == name and not b["disabled"]), None)

        left, top, width, height = until(button, f"button {name}")["rect"]
        self.say(touch=[left + width / 2, top + height / 2])

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)


class House:
    """The centre with one kiosk, one tablet, one printer, and pages."""

    def __init__(self, centre: Centre, folder: Path, browser: Browser) -> None:
        self.centre, self.browser = centre, browser
        self.printer = PretendPrinter()
        self.printer.start()
        settings = folder / "kiosk.toml"
        settings.write_text(
            f'[kiosk.printer]\naddress = "tcp://127.0.0.1:{self.printer.port}"\n', "utf-8"
        )
        ca = (Folder(centre.data).authority / "ca.pem").read_text()
        self.devices = Devices(Folder(centre.data).devices, fingerprint(ca))
        self.kiosk = self._program(
            "kiosk", DeviceKind.KIOSK, None, folder, ["--settings", str(settings)], "1080x1920"
        )
        self.tablet = self._program("tablet", DeviceKind.TABLET, COUNTER, folder, [], "1280x800")

    def _program(
        self,
        name: str,
        kind: DeviceKind,
        counter: int | None,
        folder: Path,
        options: list[str],
        size: str,
    ) -> Program:
        """Enrolled as a technician does: by the address and the one-time code."""
        code = self.devices.add(kind, f"{name}-1", counter, int(time.time() * 1000))
        way = ["--data", str(folder / name), "--server", self.centre.web, "--code", code]
        return Program(name, folder, [*way, *options], size)

    def page(self, path: str, account: str = "", **options: Any) -> Page:
        context = self.browser.new_context(viewport={"width": 1366, "height": 768}, **options)
        page = context.new_page()
        if account:
            self.centre.ready(account)
            page.goto(f"{self.centre.web}/login?next={path}")
            page.fill("input[name=account]", account)
            page.fill("input[name=password]", PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(f"**{path}")
        else:
            page.goto(self.centre.web + path)
        return page

    def events(self, kind: type) -> list[Any]:
        conn = connect(Folder(self.centre.data).database, read_only=True)
        try:
            entries = [row.entry().event for row in rows(conn)]
        finally:
            conn.close()
        return [event for event in entries if isinstance(event, kind)]

    def stop(self) -> None:
        self.kiosk.stop()
        self.tablet.stop()
        self.printer.stop()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("visit")
    with running_centre(folder) as centre, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        home = House(centre, folder, browser)
        try:
            yield home
        finally:
            home.stop()
            browser.close()


def take_a_number(kiosk: Program, language: str = "vi", priority: str = "") -> None:
    """Welcome to ticket, by touch."""
    kiosk.wait_screen("welcome")
    kiosk.touch(f"start-{language}")
    kiosk.wait_screen("service")
    kiosk.touch("service-ho_tich")
    kiosk.wait_screen("procedure")
    kiosk.touch("procedure-1.001193")
    kiosk.wait_screen("priority")
    kiosk.touch(f"priority-{priority}" if priority else "priority-none")
    kiosk.wait_screen("confirm")
    kiosk.touch("confirm")
    kiosk.wait_screen("ticket")


def qr_of(image: Any) -> str:
    found = zxingcpp.read_barcodes(image.convert("L"))
    assert len(found) == 1
    return str(found[0].text)


def in_time(fact: Callable[[], Any], what: str) -> Any:
    return until(fact, what, 20)


@pytest.mark.timeout(240)
def test_one_visit_from_the_kiosk_to_the_rating_beside_the_dossier(house: House) -> None:
    centre = house.centre
    board = house.page("/board")
    manager = house.page("/manager", "quanly01")
    counter = house.page(f"/counter/{COUNTER}", OFFICER)
    centre.order(OFFICER, "open-counter", counter=COUNTER)
    house.kiosk.wait_screen("welcome")
    in_time(lambda: house.tablet.screen() == "waiting", "the tablet's rest")

    take_a_number(house.kiosk)
    assert "A001" in house.kiosk.texts()
    paper = in_time(lambda: house.printer.tickets and house.printer.tickets[-1], "the paper")
    url = qr_of(paper)
    issued = house.events(e.TicketIssued)[-1]
    assert (issued.number, issued.procedure, issued.source) == ("A001", "1.001193", "kiosk-1")
    printed = in_time(lambda: house.events(e.TicketPrinted), "the print's report")
    assert printed[-1].outcome == "confirmed"

    path = re.sub(r"^https?://[^/]+", "", url)
    phone = house.page(path, java_script_enabled=False)
    expect(phone.locator("body")).to_contain_text("A001")

    counter.keyboard.press("F2")
    expect(counter.locator("[data-shown]")).to_contain_text("A001", timeout=10_000)
    expect(board.locator("[data-call-id]").first).to_contain_text("A001", timeout=10_000)
    expect(board.locator("[data-call-id]").first).to_contain_text(str(COUNTER))
    phone.reload()
    expect(phone.locator("body")).to_contain_text(str(COUNTER))
    in_time(lambda: "A001" in house.tablet.texts(), "the number on the tablet")
    expect(manager.locator("body")).to_contain_text("A001", timeout=10_000)

    ticket = issued.ticket
    counter.keyboard.press("F4")
    in_time(lambda: house.events(e.ServiceStarted), "the start")
    counter.keyboard.press("F6")
    counter.keyboard.type(CODE)
    counter.keyboard.press("F8")
    in_time(lambda: house.tablet.screen() == "asking", "the offer on the tablet")
    assert "A001" in house.tablet.texts()
    house.tablet.touch("face-5")
    rated = in_time(lambda: house.events(e.RatingGiven), "the rating")
    assert [(r.score, r.source) for r in rated] == [(5, "tablet")]
    in_time(lambda: house.tablet.screen() == "waiting", "the tablet's rest again")

    opened = centre.order("quanly01", "open-seal", offer=rated[0].offer, reason="kiểm tra")
    assert opened == {"ticket": ticket, "dossiers": [CODE]}
    raw = (centre.data / "centre.db").read_bytes() + (centre.data / "centre.db-wal").read_bytes()
    assert CODE.encode() not in raw


@pytest.mark.timeout(120)
def test_the_same_number_is_spoken_once_and_in_words(house: House) -> None:
    centre = house.centre
    taken = centre.take("chung_thuc")
    board = house.page("/board")
    sounds: list[str] = []
    board.on("request", lambda r: sounds.append(r.url) if ".wav" in r.url else None)
    expect(board.locator("#services li").first).to_be_visible()
    board.click("#voice")
    with board.expect_request(re.compile(r"/speech/\d.*[.]wav$"), timeout=20_000):
        centre.order(OFFICER, "call-next", counter=COUNTER, after="")
    expect(board.locator("[data-call-id]").first).to_contain_text(taken["number"])
    board.wait_for_timeout(1500)
    assert len([url for url in sounds if "chime" not in url]) == 1
    held = centre.tickets()[taken["number"]]["ticket"]
    centre.order(OFFICER, "finish-service", counter=COUNTER, ticket=held)


@pytest.mark.timeout(120)
def test_a_button_terminal_rates_over_its_serial_line(house: House, tmp_path: Path) -> None:
    """Bridge and terminal are programs of their own, with a pty for the cable between them."""
    centre, cable = house.centre, tmp_path / "ttyTERM"
    key = tmp_path / "bridge" / "terminals" / "b1.key"
    make_key(key)
    table = (
        f'[bridge]\nport = "{cable}"\n'
        f'[[bridge.terminals]]\nname = "b1"\naddress = 1\ncounter = {COUNTER}\n'
    )
    (tmp_path / "bridge.toml").write_text(table)
    code = house.devices.add(DeviceKind.BRIDGE, "bridge-1", None, int(time.time() * 1000))
    enrol(centre.web, code).write(tmp_path / "bridge" / "device.json")
    terminal = subprocess.Popen(
        [sys.executable, "-m", "firmware_bridge.pretend_terminal", "--link", str(cable)]
        + ["--address", "1", "--key-file", str(key)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert terminal.stdin is not None
    until(cable.exists, "the cable")
    bridge = subprocess.Popen(
        [sys.executable, "-m", "queue_server.command", "bridge"]
        + ["--data", str(tmp_path / "bridge"), "--settings", str(tmp_path / "bridge.toml")]
    )
    try:
        taken = centre.take("ho_tich")
        ticket = centre.order(OFFICER, "call-next", counter=COUNTER, after="")["ticket"]
        assert ticket == taken["ticket"]
        centre.order(OFFICER, "finish-service", counter=COUNTER, ticket=ticket)
        before = len(house.events(e.RatingGiven))
        terminal.stdin.write("4\n")
        terminal.stdin.flush()
        rated = in_time(lambda: house.events(e.RatingGiven)[before:], "the press")
        assert [(r.score, r.source) for r in rated] == [(4, "terminal:b1")]
    finally:
        bridge.terminate()
        bridge.wait(15)
        terminal.terminate()
        terminal.wait(10)


@pytest.mark.timeout(120)
def test_without_paper_she_gets_her_number_on_the_screen(house: House) -> None:
    until(lambda: house.kiosk.screen() == "welcome", "the first screen, by itself", 60)
    house.printer.state.rows_left = 0
    before = len(house.printer.tickets)
    take_a_number(house.kiosk, "en", "mang_thai")
    report = in_time(lambda: house.events(e.TicketPrinted)[1:], "the print's report")
    assert report[-1].outcome == "failed"
    assert report[-1].detail == "paper_out"
    number = house.events(e.TicketIssued)[-1].number
    assert number in house.kiosk.texts()
    assert house.events(e.TicketIssued)[-1].priority == "mang_thai"
    assert len(house.printer.tickets) == before
