"""The printer: what counts as printed, and what each fault leads to, over real TCP, a pty and files."""

from __future__ import annotations

import os
import socket
import threading
import time
import tty
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from kiosk.pretend_printer import Engine, PretendPrinter, State
from kiosk.printer import (
    Printer,
    PrinterSettings,
    PrinterStatus,
    PrintQueue,
    PrintState,
    doctor_line,
)
from kiosk.printer_bytes import Cause, padded, ticket_bytes, understand
from kiosk.printer_line import BadAddress, kernel_node


def drawn(height: int = 700, width: int = 576) -> Image.Image:
    """A picture in which no row looks like its neighbour, so that lost or doubled rows show."""
    image = Image.new("1", (width, height), 1)
    pen = ImageDraw.Draw(image)
    for y in range(height):
        pen.line((y % width, y, (y * 7) % width, y), fill=0)
    return image


@pytest.fixture
def pretend() -> Iterator[PretendPrinter]:
    printer = PretendPrinter()
    printer.start()
    yield printer
    printer.stop()


def printer_at(address: str, **other: Any) -> Printer:
    quick: dict[str, Any] = {"patience_s": 1.0, "answer_s": 0.5}
    return Printer(PrinterSettings(address=address, **(quick | other)))


def void(_: object) -> None:
    """For a callback whose answer nobody wants."""


def eventually(true: Any, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(true())


def test_a_ticket_is_confirmed_and_comes_out_dot_for_dot(pretend: PretendPrinter) -> None:
    image = drawn()

    outcome = printer_at(pretend.address).print_ticket(image)

    assert outcome.state is PrintState.CONFIRMED
    assert pretend.tickets[0].tobytes() == image.tobytes()


def test_two_tickets_in_a_row_are_two_cuts(pretend: PretendPrinter) -> None:
    printer = printer_at(pretend.address)

    states = [printer.print_ticket(drawn(height)).state for height in (300, 500)]

    assert states == [PrintState.CONFIRMED] * 2
    assert [ticket.height for ticket in pretend.tickets] == [300, 500]


def test_a_silent_printer_prints_but_is_not_believed(pretend: PretendPrinter) -> None:
    pretend.state.mute = True
    printer = printer_at(pretend.address)

    outcome = printer.print_ticket(drawn())

    assert outcome.state is PrintState.UNKNOWN
    assert eventually(lambda: pretend.tickets)
    assert printer.status() == PrinterStatus(silent=True)


def test_a_stray_byte_within_the_ticket_is_no_confirmation() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # most is still to be sent

    def babble() -> None:
        host, _ = listener.accept()
        with host:
            while b"\x1dv0" not in host.recv(4096):
                pass
            host.sendall(b"\x00")
            while host.recv(4096):
                pass

    threading.Thread(target=babble, daemon=True).start()

    printer = printer_at(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    outcome = printer.print_ticket(drawn(1200))
    listener.close()

    assert outcome.state is PrintState.UNKNOWN


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (State(rows_left=0), Cause.PAPER_OUT),
        (State(cover_open=True), Cause.COVER_OPEN),
        (State(cutter_jammed=True), Cause.CUTTER),
    ],
)
def test_a_fault_is_known_before_a_dot_is_sent(
    pretend: PretendPrinter, state: State, cause: Cause
) -> None:
    vars(pretend.state).update(vars(state))
    printer = printer_at(pretend.address)

    outcome = printer.print_ticket(drawn())

    assert (outcome.state, outcome.cause) == (PrintState.FAILED, cause)
    assert printer.status().word == cause.value
    assert outcome.seconds < 0.9


@pytest.mark.parametrize("deaf_to_changes", [False, True])
def test_paper_that_ends_within_a_ticket_fails_it_with_its_cause(
    pretend: PretendPrinter, deaf_to_changes: bool
) -> None:
    pretend.state.rows_left = 600
    pretend.state.deaf_to_changes = deaf_to_changes

    outcome = printer_at(pretend.address).print_ticket(drawn(700))

    assert (outcome.state, outcome.cause) == (PrintState.FAILED, Cause.PAPER_OUT)
    assert pretend.tickets == []


def test_a_printer_that_stops_reading_ends_in_a_timeout_and_works_again_after(
    pretend: PretendPrinter,
) -> None:
    pretend.state.reads = 5_000
    printer = printer_at(pretend.address)

    outcome = printer.print_ticket(drawn(1200))
    pretend.state.reads = None
    again = printer.print_ticket(drawn(300))

    assert (outcome.state, outcome.cause) == (PrintState.FAILED, Cause.TIMEOUT)
    assert outcome.seconds < 9
    assert again.state is PrintState.CONFIRMED


def test_nobody_at_the_address_is_no_printer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"

        outcome = printer_at(address).print_ticket(drawn())

    assert (outcome.state, outcome.cause) == (PrintState.FAILED, Cause.NO_PRINTER)
    assert doctor_line(address)[0] is False


def test_near_end_is_a_warning_and_no_fault(pretend: PretendPrinter) -> None:
    pretend.state.near_end = True
    printer = printer_at(pretend.address)

    outcome = printer.print_ticket(drawn())

    assert outcome.state is PrintState.CONFIRMED
    assert outcome.paper_low
    assert printer.status().word == "paper_low"


def test_paper_low_is_said_by_count_until_the_roll_is_changed(
    pretend: PretendPrinter, tmp_path: Path
) -> None:
    settings = PrinterSettings(address=pretend.address, roll_tickets=2)
    Printer(settings, tmp_path / "roll").print_ticket(drawn(100))
    printer = Printer(settings, tmp_path / "roll")
    assert printer.print_ticket(drawn(100)).paper_low

    pretend.state.rows_left = 0
    assert printer.status().word == "paper_out"
    pretend.state.rows_left = None

    assert printer.status().word == "ok"
    assert (tmp_path / "roll").read_text() == "0"


@pytest.mark.parametrize("flow", ["rtscts", "xonxoff", "none"])
def test_a_serial_printer_confirms_as_well(flow: str) -> None:
    master, slave = os.openpty()
    tty.setraw(master)
    tickets: list[Image.Image] = []

    def serve() -> None:
        engine = Engine(State(), lambda answer: void(os.write(master, answer)), tickets.append)
        try:
            while data := os.read(master, 1024):
                engine.feed(data)
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    image = drawn(300)

    outcome = printer_at(f"serial:{os.ttyname(slave)}?baud=115200&flow={flow}").print_ticket(image)
    os.close(slave)
    thread.join(5)
    os.close(master)

    assert outcome.state is PrintState.CONFIRMED
    assert tickets[0].tobytes() == image.tobytes()


def test_a_file_takes_the_bytes_and_can_confirm_nothing(tmp_path: Path) -> None:
    outcome = printer_at(f"file:{tmp_path / 'paper.bin'}").print_ticket(drawn(100))

    tickets: list[Image.Image] = []
    Engine(State(), lambda _: None, tickets.append).feed((tmp_path / "paper.bin").read_bytes())
    assert outcome.state is PrintState.UNKNOWN
    assert tickets[0].tobytes() == drawn(100).tobytes()


def test_a_usb_printer_is_found_by_its_ids_and_port(tmp_path: Path) -> None:
    for name, port in (("lp0", "1-1.2"), ("lp1", "1-1.4")):
        device = tmp_path / "devices" / port
        (device / f"{port}:1.0").mkdir(parents=True)
        (device / "idVendor").write_text("04b8\n")
        (device / "idProduct").write_text("0e28\n")
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "device").symlink_to(device / f"{port}:1.0")

    classes = tmp_path / "class"
    assert kernel_node(0x04B8, 0x0E28, "", classes) == Path("/dev/usb/lp0")
    assert kernel_node(0x04B8, 0x0E28, "1-1.4", classes) == Path("/dev/usb/lp1")
    assert kernel_node(0x04B8, 0x0202, "", classes) is None


@pytest.mark.parametrize(
    "address",
    ["", "lpt1", "tcp:", "tcp://host:many", "usb:epson:1", "serial:/dev/x?baud=fast", "none:x"],
)
def test_an_address_that_means_nothing_is_refused_at_once(address: str) -> None:
    with pytest.raises(BadAddress):
        Printer(PrinterSettings(address=address))
    assert doctor_line(address)[0] is False


@pytest.mark.parametrize("height", [48, 248 + 48, 248 + 240, 2 * 248, 700])
def test_no_strip_is_a_multiple_of_48_rows_or_higher_than_256(height: int) -> None:
    data = ticket_bytes(drawn(height))
    heights = []
    at = data.find(b"\x1dv0\x00")
    while at >= 0:
        rows = data[at + 6] | data[at + 7] << 8
        heights.append(rows)
        at += 8 + 72 * rows
        at = at if data[at : at + 3] == b"\x1dv0" else -1

    assert sum(heights) == padded(drawn(height)).height
    assert all(rows % 48 and rows <= 256 for rows in heights)


def test_answers_of_all_kinds_are_told_apart_and_a_torn_one_waits() -> None:
    heard, rest = understand(bytes([0x16, 0x11, 0x13, 0x30, 0x00, 0x03, 0x0F, 0x03, 0x18, 0x00]))

    assert [(h.kind, h.body.hex()) for h in heard] == [
        ("now", "16"),
        ("change", "3000030f"),
        ("in_turn", "03"),
    ]
    assert rest == bytes([0x18, 0x00])


def test_the_queue_prints_in_order_and_never_makes_the_screen_wait(
    pretend: PretendPrinter,
) -> None:
    seen: list[PrinterStatus] = []
    worker = PrintQueue(printer_at(pretend.address), seen.append)
    worker.start()
    began = time.monotonic()
    futures = [worker.submit(partial(drawn, height)) for height in (100, 200, 300)]
    assert time.monotonic() - began < 0.1

    assert [f.result(10).state for f in futures] == [PrintState.CONFIRMED] * 3
    worker.stop()

    assert [ticket.height for ticket in pretend.tickets] == [100, 200, 300]
    assert [status.word for status in seen] == ["ok"]


def test_the_last_ticket_can_be_printed_again_for_a_minute_only(
    pretend: PretendPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = PrintQueue(printer_at(pretend.address))
    assert worker.reprint() is None
    worker.start()
    worker.submit(lambda: drawn(150)).result(10)

    again = worker.reprint()
    assert again is not None
    assert again.result(10).state is PrintState.CONFIRMED
    monkeypatch.setattr("kiosk.printer.REPRINT_WITHIN_S", -1.0)
    assert worker.reprint() is None
    worker.stop()

    assert [ticket.height for ticket in pretend.tickets] == [150, 150]


def test_an_idle_queue_notices_paper_out_and_paper_back(pretend: PretendPrinter) -> None:
    seen: list[str] = []
    worker = PrintQueue(
        printer_at(pretend.address), lambda status: seen.append(status.word), poll_s=0.05
    )
    worker.start()
    assert eventually(lambda: seen == ["ok"])
    pretend.state.rows_left = 0
    assert eventually(lambda: seen == ["ok", "paper_out"])
    pretend.state.rows_left = None
    assert eventually(lambda: seen == ["ok", "paper_out", "ok"])
    worker.stop()
    worker.stop()


def test_a_drawing_that_fails_is_told_and_the_next_ticket_still_comes(
    pretend: PretendPrinter,
) -> None:
    worker = PrintQueue(printer_at(pretend.address))
    worker.start()

    def broken() -> Image.Image:
        raise ValueError("no such template")

    failed, good = worker.submit(broken), worker.submit(lambda: drawn(100))

    with pytest.raises(ValueError, match="no such template"):
        failed.result(10)
    assert good.result(10).state is PrintState.CONFIRMED
    worker.stop()


def test_the_pretend_printer_keeps_the_newest_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.pretend_printer.KEEP_PICTURES", 2)
    pretend = PretendPrinter(save=tmp_path / "paper")

    for height in (10, 20, 30):
        pretend.cut_ticket(drawn(height))

    kept = [Image.open(path).height for path in sorted((tmp_path / "paper").glob("*.png"))]
    assert kept == [20, 30]
