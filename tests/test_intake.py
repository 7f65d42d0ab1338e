"""Pictures and PDFs that somebody hands in: what is accepted, what is refused, and why."""

from __future__ import annotations

import io
import os
import struct
import threading
import time
import weakref
import zlib
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from kiosk.filing import reports as r
from kiosk.filing.eye import Eye, Looking
from kiosk.filing.talk import Devices
from kiosk.scan.card import Once, find_codes
from kiosk.scan.flat import Dropped, FlatFolder
from kiosk.scan.page import Page
from kiosk.scan.pdf import pages_to_pdf
from kiosk.scan.reader import Reader
from queue_server.doors.web import uploads
from queue_server.wire import intake
from queue_server.wire.filing import LARGEST_PAGE
from queue_server.wire.intake import NotAccepted, accept

CARD = "079301000456||Trần Thị Bưởi|02092001|Nữ|Ấp 2, Xã Y, TP.HCM|20082024||||"


def picture(kind: str = "JPEG", size: tuple[int, int] = (800, 1100), **options: object) -> bytes:
    noise = np.random.default_rng(1).integers(120, 255, (size[1] // 8, size[0] // 8, 3), np.uint8)
    made = io.BytesIO()
    Image.fromarray(noise).resize(size).save(made, kind, **options)
    return made.getvalue()


def pdf_of(*pictures: np.ndarray | Image.Image, **said: str) -> bytes:
    pages = [
        Page(np.asarray(p.convert("RGB") if isinstance(p, Image.Image) else p), 200)
        for p in pictures
    ]
    told = {"name": "x", "paper_code": "", "number": "", **said}
    return pages_to_pdf(pages, created_ms=0, **told)


def reason(data: bytes, claimed: str = "") -> str:
    with pytest.raises(NotAccepted) as refused:
        accept(data, claimed)
    return refused.value.reason


def test_pictures_and_pdfs_come_in_as_upright_pages() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    assert accept(picture(exif=turned))[0].size == (1100, 800)
    assert accept(picture("PNG"), "image/png")[0].mode == "RGB"
    two = io.BytesIO()
    page = Image.open(io.BytesIO(picture()))
    page.save(two, "TIFF", save_all=True, append_images=[page])
    assert len(accept(two.getvalue(), ".tif")) == 2
    pages = accept(pdf_of(page, page), "application/pdf")
    assert len(pages) == 2


def test_the_pages_of_a_file_never_lie_in_memory_together(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[weakref.ref[Image.Image]] = []
    together: list[int] = []

    def jpeg(page: Image.Image) -> bytes:
        seen.append(weakref.ref(page))
        together.append(sum(ref() is not None for ref in seen))
        return b""

    monkeypatch.setattr(uploads, "_jpeg", jpeg)
    made, page = io.BytesIO(), Image.open(io.BytesIO(picture()))
    page.save(made, "TIFF", save_all=True, append_images=[page] * 5)
    assert len(uploads._drawn(made.getvalue(), "tif")) == 6
    assert max(together) <= 2


def bomb() -> bytes:
    """A PNG of 1.6 gigapixels in a few kilobytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_what_is_not_a_paper_is_refused_with_its_reason() -> None:
    assert reason(b"") == "empty"
    assert reason(b"MZ\x90\x00" + bytes(900)) == "unknown"
    assert reason(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg") == "unknown"
    assert reason(picture(), "image/png") == "not_what_it_says"
    assert reason(picture()[:3000]) == "torn"
    assert reason(b"%PDF-1.7\nrubbish") == "torn"
    assert reason(picture(size=(96, 96))) == "too_small"
    assert reason(bomb()) == "too_many_pixels"


def test_two_hundred_megabytes_are_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "kind_of", lambda _: pytest.fail("it was looked at"))
    assert reason(bytes(200_000_000)) == "too_large"


def test_moving_pictures_and_too_many_pages_are_refused() -> None:
    frames = [Image.new("RGB", (300, 300), (n, n, n)) for n in range(3)]
    moving = io.BytesIO()
    frames[0].save(moving, "PNG", save_all=True, append_images=frames[1:])
    assert reason(moving.getvalue()) == "moving"
    long = pdf_of(*[Image.new("RGB", (300, 400))] * (intake.MOST_PAGES + 1))
    assert reason(long) == "too_many_pages"


def test_a_pdf_of_pages_is_in_colour_true_in_size_and_a_megabyte_a_page_at_most() -> None:
    grain = np.random.default_rng(2).integers(140, 255, (1170, 827, 3), np.uint8)
    rough = grain.repeat(2, axis=0)[:2339].repeat(2, axis=1)
    pdf = pdf_of(rough, rough, name="Giấy chứng sinh", paper_code="KQ004389", number="12/2026")
    assert pdf.startswith(b"%PDF-1.") and len(pdf) <= 2 * LARGEST_PAGE
    document = pypdfium2.PdfDocument(pdf)
    width, height = document[0].get_size()
    assert abs(width - 595) < 2 and abs(height - 842) < 2
    told = document.get_metadata_dict()
    assert told["Title"] == "Giấy chứng sinh"
    assert {"KQ004389", "12/2026"} <= {told["Subject"], told["Keywords"]}


def card_frame(text: str = CARD, scale: int = 3) -> np.ndarray:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=scale)
    frame = np.full((720, 1280, 3), 180, np.uint8)
    side = np.array(code).shape[0]
    frame[200 : 200 + side, 500 : 500 + side] = np.array(code)[:, :, None]
    return frame


def test_a_cards_code_is_read_with_its_marks_and_a_torn_one_is_none() -> None:
    frame = card_frame()
    assert find_codes(frame) == (CARD,)
    torn = frame.copy()
    torn[200:420, 560:720] = 180
    assert find_codes(torn) == ()
    blurred = np.array(Image.fromarray(frame).resize((80, 45)).resize((1280, 720)))
    assert find_codes(blurred) == ()


def test_a_code_is_told_once_until_it_was_away() -> None:
    once = Once()
    assert once.new(10.0, (CARD,)) == (CARD,)
    assert once.new(11.0, (CARD, "x")) == ("x",)
    assert once.new(20.0, (CARD,)) == (CARD,)


def test_a_serial_reader_keeps_marks_and_outlives_noise_and_a_pulled_plug() -> None:
    own, other = os.openpty()
    heard: list[str] = []
    came = threading.Event()

    def hear(text: str) -> None:
        heard.append(text)
        came.set()

    reader = Reader(os.ttyname(other), hear)
    reader.start()
    deadline = time.monotonic() + 5
    while not reader.there:
        assert time.monotonic() < deadline
    try:
        for sent in (f"{CARD}\r\n".encode(), b"\xff\xfe\xfa\r", "không đuôi\n".encode()):
            os.write(own, sent)
            if sent != b"\xff\xfe\xfa\r":
                assert came.wait(5)
                came.clear()
    finally:
        os.close(own)
        os.close(other)
        reader.stop()
    assert heard == [CARD, "không đuôi"]


def test_the_scanners_folder_gives_whole_files_once_and_keeps_none(tmp_path: Path) -> None:
    (tmp_path / "old.jpg").write_bytes(picture())
    heard: list[Dropped] = []
    folder = FlatFolder(tmp_path, heard.append)
    assert folder.cleared() == 1 and not list(tmp_path.iterdir())
    growing = tmp_path / "scan.jpg"
    growing.write_bytes(picture()[:2000])
    assert folder.poll(0.0) == 0
    growing.write_bytes(picture())
    assert folder.poll(5.0) == 0 and folder.poll(10.0) == 1
    assert len(heard[0].pages) == 1 and not list(tmp_path.iterdir())
    (tmp_path / "virus.pdf").write_bytes(b"MZ" + bytes(500))
    folder.poll(20.0)
    assert folder.poll(30.0) == 1 and heard[1].refused is not None
    assert not list(tmp_path.iterdir())


def test_a_scanner_works_without_the_camera_and_nothing_of_it_stays(tmp_path: Path) -> None:
    heard: list[r.Page] = []
    eye = Eye(lambda kind, **told: heard.append(told["page"]) if kind is r.PageTaken else None)
    (tmp_path / "before.jpg").write_bytes(picture())
    devices = Devices(camera="film:/nowhere", scan_folder=str(tmp_path))
    looking = Looking(eye, r.LookFor.FILES, devices)
    assert list(tmp_path.iterdir()) == []
    (folder,) = looking._parts
    assert isinstance(folder, FlatFolder)
    (tmp_path / "a.pdf").write_bytes(pdf_of(*[Image.new("RGB", (800, 1100), "white")] * 3))
    folder.poll(0.0)
    folder.poll(10.0)
    assert len(heard) == 3
    small = eye.thumbnail(heard[2].id)
    assert small is not None and small.shape[1] == 240
    eye.forget(heard[2].id)
    assert eye.thumbnail(heard[2].id) is None
    (tmp_path / "late.jpg").write_bytes(picture())
    looking.stop()
    assert list(tmp_path.iterdir()) == []
    pages = Looking(eye, r.LookFor.PAGES, devices)
    assert not any(isinstance(part, FlatFolder) for part in pages._parts)


def test_the_screen_does_not_wait_for_a_camera_that_is_slow_to_let_go() -> None:
    held, told = threading.Event(), threading.Event()
    eye = Eye(lambda *_, **__: told.set())
    eye._do(held.wait)
    eye.watch(r.LookFor.CODES, Devices())
    assert told.is_set() and eye._looking is None
    eye.watch(r.LookFor.NOTHING, Devices())
    held.set()
    eye._turns.shutdown()
    assert eye._looking is None
