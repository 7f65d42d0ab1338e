"""A centre's own guides at the kiosk: fetched when wanted, kept within limits, and nothing hostile shown."""

from __future__ import annotations

import http.server
import io
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from kiosk.finding_reports import Drawn, Sheet
from kiosk.guides import LIST, Guides, mark
from queue_server.doors.web.public.procedure import guides
from queue_server.wire import intake
from tests.kiosk_room import until
from tests.test_intake import bomb, pdf_of, picture
from tests.test_kiosk_parts import credentials

CODE = "1.001193"


class Web(http.server.ThreadingHTTPServer):
    """A centre's two answers about guides, from the very part that lists them there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.given: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Answer(http.server.BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        _, kind, *rest = urllib.parse.unquote(self.path).split("/")
        if kind == "api":
            self._send(msgspec.json.encode(guides(self.server.folder, rest[1])))
            return
        self.server.given.append(rest[1])
        self._send((self.server.folder / rest[0] / rest[1]).read_bytes())

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    server = Web(tmp_path / "centre")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def put(web: Web, name: str, content: bytes, code: str = CODE) -> Path:
    (web.folder / code).mkdir(parents=True, exist_ok=True)
    path = web.folder / code / name
    path.write_bytes(content)
    return path


class Kiosk:
    """A kiosk's guides, and what they told."""

    def __init__(self, port: int, folder: Path, most_bytes: int = 10_000_000) -> None:
        self.folder = folder
        self.came: list[tuple[str, tuple[Sheet, ...]]] = []
        self.drawn: list[tuple[str, Drawn | None]] = []
        self.guides = Guides(
            credentials(port),
            folder,
            (540, 960),
            lambda code, sheets: self.came.append((code, sheets)),
            lambda _, file, drawn: self.drawn.append((file, drawn)),
            most_bytes,
        )
        self.guides.start()

    def __enter__(self) -> Kiosk:
        return self

    def __exit__(self, *_: object) -> None:
        self.guides.stop()

    def sheets(self, count: int, code: str = CODE) -> tuple[Sheet, ...]:
        """Want a procedure's guides, and wait until there are so many sheets, and they are kept.

        Another procedure's may still be told in between.
        """
        before = len(self.came)
        self.guides.want(code)
        kept = self.folder / code / LIST

        def told() -> list[tuple[Sheet, ...]]:
            return [sheets for about, sheets in self.came[before:] if about == code]

        until(lambda: told() and len(told()[-1]) == count, "all")
        until(lambda: listed(kept) == count, "all of them kept")
        return told()[-1]

    def pixels(self, sheet: Sheet, code: str = CODE) -> np.ndarray:
        self.guides.draw(code, sheet.file)
        file, drawn = until(lambda: self.drawn and self.drawn.pop(), "the sheet")
        assert file == sheet.file and drawn is not None
        return drawn.pixels


def listed(path: Path) -> int:
    """How many sheets a kept list names; -1 for none that can be read."""
    try:
        return len(msgspec.json.decode(path.read_bytes()))
    except (OSError, msgspec.DecodeError):
        return -1


def sample(pages: int = 2) -> bytes:
    return pdf_of(*[Image.new("RGB", (1654, 2339), "white")] * pages)


def blue(size: tuple[int, int]) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "blue").save(made, "JPEG")
    return made.getvalue()


def reddish(pixels: np.ndarray) -> float:
    """The share of a sheet (blue green red) under the red word."""
    return float((pixels[:, :, 2].astype(int) - pixels[:, :, 0] > 30).mean())


def test_a_guide_comes_page_by_page_in_order_its_sample_under_the_word(
    web: Web, tmp_path: Path
) -> None:
    put(web, "01 Tờ khai đã điền.pdf", sample())
    put(web, "02_giấy_chứng_sinh.jpg", blue((1600, 800)))
    put(web, "03 Cách khai.mp4", b"a film is not asked for")
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        first, second, third, film = kiosk.sheets(4)
        assert [(s.kind, s.caption, s.page, s.pages) for s in (first, second, third, film)] == [
            ("sample", "Tờ khai đã điền", 1, 2),
            ("sample", "Tờ khai đã điền", 2, 2),
            ("picture", "giấy chứng sinh", 1, 1),
            ("film", "Cách khai", 1, 1),
        ]
        assert web.given == ["01 Tờ khai đã điền.pdf", "02_giấy_chứng_sinh.jpg"]
        page = kiosk.pixels(second)
        assert page.shape[0] <= 960 and page.shape[1] <= 540
        assert 0.05 < reddish(page) < 0.5
        assert kiosk.pixels(third).shape == (270, 540, 3)
        assert [round(v, -1) for v in kiosk.pixels(third).mean(axis=(0, 1))] == [250, 0, 0]


def test_a_guide_is_there_without_the_centre_and_is_not_sent_twice(
    web: Web, tmp_path: Path
) -> None:
    put(web, "a.pdf", sample(1))
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        before = kiosk.sheets(1)
    with Kiosk(1, tmp_path / "kiosk") as alone:
        assert alone.sheets(1) == before
        assert reddish(alone.pixels(before[0])) > 0.05
    with Kiosk(web.port, tmp_path / "kiosk") as again:
        put(web, "b.jpg", picture())
        again.sheets(2)
    assert web.given == ["a.pdf", "b.jpg"]


def test_what_the_centre_changes_or_takes_away_changes_here(web: Web, tmp_path: Path) -> None:
    put(web, "a.jpg", picture(size=(300, 300)))
    gone = put(web, "b.jpg", picture())
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        kiosk.sheets(2)
        put(web, "a.jpg", picture(size=(400, 300)))
        gone.unlink()
        (only,) = kiosk.sheets(1)
        assert kiosk.pixels(only).shape == (300, 400, 3)
        files = {LIST, only.file}
        until(lambda: {p.name for p in (tmp_path / "kiosk" / CODE).iterdir()} == files, "no rests")
        (web.folder / CODE / "a.jpg").unlink()
        kiosk.guides.want(CODE)
        until(lambda: kiosk.came[-1] == (CODE, ()), "the word that there is none")
        assert not (tmp_path / "kiosk" / CODE).exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", bomb()),
        ("a.jpg", picture()[:2_000]),
        ("a.pdf", b"%PDF-1.4 and no more"),
        ("a.jpg", b"<html>not found</html>"),
        ("a.jpg", sample(1)),
        ("a.jpg", b""),
        ("a.jpg", picture(size=(4_000, 201))),
    ],
    ids=["bomb", "torn", "torn_pdf", "foreign", "not_what_it_says", "empty", "a_line"],
)
def test_a_hostile_file_is_left_out_and_the_others_are_shown(
    web: Web, tmp_path: Path, name: str, content: bytes
) -> None:
    put(web, name, content)
    put(web, "b.jpg", picture())
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        (shown,) = kiosk.sheets(1)
        assert shown.caption == "b"
        kiosk.guides.want(CODE)
        until(lambda: kiosk.came.count(kiosk.came[-1]) >= 2, "what is kept")
    assert web.given.count(name) == 1, "it is not asked for again"


def test_what_is_too_large_is_not_even_asked_for(web: Web, tmp_path: Path) -> None:
    with put(web, "a.pdf", sample(1)).open("r+b") as file:
        file.truncate(intake.LARGEST + 1)
    put(web, "b.jpg", picture())
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        assert [sheet.caption for sheet in kiosk.sheets(1)] == ["b"]
    assert web.given == ["b.jpg"]


def test_a_kept_sheet_that_was_damaged_is_told_let_go_and_fetched_again(
    web: Web, tmp_path: Path
) -> None:
    put(web, "a.jpg", picture())
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        (sheet,) = kiosk.sheets(1)
        kept = tmp_path / "kiosk" / CODE / sheet.file
        kept.write_bytes(kept.read_bytes()[:500])
        kiosk.guides.draw(CODE, sheet.file)
        assert until(lambda: kiosk.drawn and kiosk.drawn.pop(), "word") == (sheet.file, None)
        assert not kept.exists()
        kiosk.sheets(1)
        until(kept.exists, "the sheet anew")
        assert kiosk.pixels(sheet).shape == (743, 540, 3)


@pytest.mark.parametrize(
    "damage", [b"", b"{", b'[{"kind":"picture","caption":"x","file":"../../device.json"}]']
)
def test_a_damaged_list_is_as_if_there_were_none(web: Web, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "kiosk" / CODE).mkdir(parents=True)
    (tmp_path / "kiosk" / CODE / LIST).write_bytes(damage)
    put(web, "a.jpg", picture())
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        (sheet,) = kiosk.sheets(1)
        assert sheet.caption == "a"


def test_what_was_not_asked_for_longest_makes_room(web: Web, tmp_path: Path) -> None:
    for code in ("1.1a", "1.2b", "1.3c"):
        put(web, "a.jpg", picture(), code)
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        kiosk.sheets(1, "1.1a")
        size = sum(p.stat().st_size for p in (tmp_path / "kiosk" / "1.1a").iterdir())
    with Kiosk(web.port, tmp_path / "kiosk", most_bytes=size * 5 // 2) as kiosk:
        kiosk.sheets(1, "1.2b")
        kiosk.sheets(1, "1.1a")
        kiosk.sheets(1, "1.3c")
        until(lambda: not (tmp_path / "kiosk" / "1.2b").exists(), "room")
        assert (tmp_path / "kiosk" / "1.1a" / LIST).exists()


def test_a_code_that_names_another_folder_is_never_looked_for(web: Web, tmp_path: Path) -> None:
    put(web, "a.jpg", picture())
    with Kiosk(web.port, tmp_path / "kiosk") as kiosk:
        kiosk.guides.want("../../etc")
        kiosk.sheets(1)
        assert {code for code, _ in kiosk.came} == {CODE}


@pytest.mark.parametrize("size", [(540, 764), (960, 300), (200, 200)])
def test_the_word_lies_across_any_sheet_and_leaves_it_legible(size: tuple[int, int]) -> None:
    page = Image.new("RGB", size, "white")
    page.paste("black", (0, 0, size[0] // 2, size[1]))
    mark(page)
    pixels = np.asarray(page)[:, :, ::-1]
    assert reddish(pixels) > 0.05
    left, right = pixels[:, : size[0] // 2].max(axis=2), pixels[:, size[0] // 2 :].max(axis=2)
    assert left.max() < 120 < 180 < right.min(), "black and white stay apart"
