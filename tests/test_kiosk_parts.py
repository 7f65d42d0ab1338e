"""The kiosk's small parts: settings, kept catalogue, open asks, scanner keys, printer words."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk import settings
from kiosk.catalogue import Catalogue
from kiosk.doing import condition
from kiosk.open_asks import OpenAsks
from kiosk.printer import PrinterStatus
from kiosk.printer_bytes import Cause
from kiosk.reports import PrinterCondition, Procedure
from kiosk.touch.style import Look
from kiosk.touch.wedge import ENTER, Wedge, shifted
from kiosk.touch.window import parse_size
from queue_server.wire.link import Credentials
from queue_server.wire.settings import SettingsError
from queue_server.wire.words import DeviceKind, Names

from .kiosk_room import until

# --- settings -------------------------------------------------------------------------------------


def test_without_a_file_the_defaults_hold() -> None:
    rules = settings.read(None).rules()
    assert (rules.idle, rules.printer_wait) == (60_000, 300)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ("idle_second = 3", "unknown key"),
        ("idle_seconds = 59", "60 or more"),
        ("warn_seconds = 5", "20 or more"),
        ("answer_seconds = 0", "above 0"),
        ("languages = []", "one language"),
        ("[kiosk.filing]\ncamera_still = '4k'", "1280x720"),
        ("[kiosk.filing]\ncamera_rotate = 45", "0, 90, 180 or 270"),
        ("[kiosk.printer]\nadress = 'none'", "unknown key"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(tmp_path: Path, table: str, word: str) -> None:
    file = tmp_path / "centre.toml"
    file.write_text(f"[kiosk]\n{table}\n")
    with pytest.raises(SettingsError, match=word):
        settings.read(file)


def test_a_size_is_width_by_height() -> None:
    assert parse_size("1080x1920") == (1080, 1920)
    with pytest.raises(ValueError, match="1080x1920"):
        parse_size("large")


def test_a_target_is_never_under_18_mm_of_glass() -> None:
    small = Look(width=1080, height=1920, width_mm=150.0)
    assert small.target() == pytest.approx(small.mm(18))


# --- the catalogue --------------------------------------------------------------------------------


class Shelf(http.server.ThreadingHTTPServer):
    """Serves a catalogue and counts how often it was fetched."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.fetched = 0
        self.entries = [{"code": "1.1", "name": "Khai sinh", "service": "civil", "fee": "0"}]


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        if self.path != "/api/catalogue":
            self.send_error(404)
            return
        self.server.fetched += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.server.entries).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    server = Shelf()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def credentials(port: int) -> Credentials:
    return Credentials(
        device="kiosk-1",
        kind=DeviceKind.KIOSK,
        centre="test",
        host="127.0.0.1",
        port=1,
        username="x",
        password="x",
        client_id="x",
        web=f"http://127.0.0.1:{port}",
    )


def test_the_catalogue_is_fetched_when_its_version_changes_and_not_otherwise(
    shelf: Shelf, tmp_path: Path
) -> None:
    came: list[tuple[Procedure, ...]] = []
    catalogue = Catalogue(credentials(shelf.server_address[1]), tmp_path, came.append)
    catalogue.start()
    catalogue.want("1")
    until(lambda: came, "the first version")
    catalogue.want("1")
    shelf.entries = [{"code": "2.2", "name": {"vi": "Kết hôn", "en": "Marriage"}, "service": "x"}]
    catalogue.want("2")
    until(lambda: len(came) == 2, "the second version")
    catalogue.stop()
    assert came[0] == (Procedure("1.1", Names(vi="Khai sinh", en="Khai sinh"), "civil"),)
    assert came[1] == (Procedure("2.2", Names(vi="Kết hôn", en="Marriage"), "x"),)
    assert shelf.fetched == 2


def test_the_catalogue_is_there_from_the_file_when_the_server_is_away(
    shelf: Shelf, tmp_path: Path
) -> None:
    first: list[tuple[Procedure, ...]] = []
    catalogue = Catalogue(credentials(shelf.server_address[1]), tmp_path, first.append)
    catalogue.start()
    catalogue.want("1")
    until(lambda: (tmp_path / "catalogue.json").exists(), "the file")
    catalogue.stop()
    later: list[tuple[Procedure, ...]] = []
    again = Catalogue(credentials(1), tmp_path, later.append)
    again.start()
    assert later == first
    again.stop()


def test_a_procedure_that_no_service_here_does_is_not_offered(shelf: Shelf, tmp_path: Path) -> None:
    shelf.entries = [{"code": "3.3", "name": "Khác", "service": None}]
    came: list[tuple[Procedure, ...]] = []
    catalogue = Catalogue(credentials(shelf.server_address[1]), tmp_path, came.append)
    catalogue.start()
    catalogue.want("1")
    until(lambda: came, "the catalogue")
    catalogue.stop()
    assert came == [()]


# --- open asks, keys, printer -------------------------------------------------------------------


def test_open_asks_outlive_the_program(tmp_path: Path) -> None:
    first = OpenAsks(tmp_path / "open-asks")
    first.add("a")
    first.add("b")
    first.remove("a")
    assert OpenAsks(tmp_path / "open-asks").all() == ("b",)


def test_a_scanners_keys_become_one_text() -> None:
    wedge, enter = Wedge(), min(ENTER)
    for place, letter in enumerate("079123"):
        assert wedge.press(place * 0.01, ord(letter), letter) is None
    assert wedge.press(0.07, enter, None) == "079123"


def test_shift_makes_the_bars_between_the_fields_of_an_identity_card() -> None:
    assert "".join(map(shifted, "a1\\;")) == "A!|:"


def test_a_hand_at_a_keyboard_is_no_scanner() -> None:
    wedge, enter = Wedge(), min(ENTER)
    for place, letter in enumerate("079123"):
        wedge.press(place * 0.5, ord(letter), letter)
    assert wedge.press(3.0, enter, None) is None


@pytest.mark.parametrize(
    ("status", "address", "told"),
    [
        (PrinterStatus(), "tcp://printer", PrinterCondition.READY),
        (PrinterStatus(silent=True), "tcp://printer", PrinterCondition.READY),
        (PrinterStatus(paper_low=True), "tcp://printer", PrinterCondition.PAPER_LOW),
        (PrinterStatus(cause=Cause.PAPER_OUT), "tcp://printer", PrinterCondition.PAPER_OUT),
        (PrinterStatus(cause=Cause.NO_PRINTER), "tcp://printer", PrinterCondition.FAULT),
        (PrinterStatus(cause=Cause.NO_PRINTER), "none", PrinterCondition.ABSENT),
    ],
)
def test_what_a_visitor_is_told_of_the_printer(
    status: PrinterStatus, address: str, told: PrinterCondition
) -> None:
    assert condition(status, address) is told
