"""Papers from a visitor's phone: for one visit, one phone, drawn anew, and opened by that visit alone."""

from __future__ import annotations

import asyncio
import contextlib
import io
import queue
import re
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI
from PIL import Image

from kiosk.filing import reports as r
from kiosk.filing import talk
from kiosk.filing.eye import Eye
from kiosk.filing.phone import Phone
from queue_server.doors.web.public.upload import upload_pages
from queue_server.doors.web.uploads import LASTS_S, LONGEST_S, PhoneVisits, visit_routes
from queue_server.wire.phone import about
from queue_server.wire.sealed import NotSealed, public_text, unseal
from tests.filing_room import FilingRoom


class UploadRoom(FilingRoom):
    """`clock` is the seconds by which visits are timed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.clock = 1_000.0
        self.visits = PhoneVisits(lambda: self.clock)
        app = FastAPI()
        app.include_router(visit_routes(self.web, self.visits))
        app.include_router(upload_pages(self.visits))
        self.app = app
        self.private = X25519PrivateKey.generate()

    def begin(self, device: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
        ask = {"public_key": public_text(self.private), "language": "vi", **more}
        answer = self.call("POST", "/api/visits", json=ask, auth=device or self.kiosk)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def send(self, visit: dict[str, Any], *files: Any, paper: str = "", **more: Any) -> Any:
        named = [("file", x if isinstance(x, tuple) else ("IMG_1.jpg", x)) for x in files]
        return self.call("POST", f"/up/{visit['token']}{paper}", files=named, **more)

    def files(self, visit: dict[str, Any], auth: Any = None) -> Any:
        return self.call("GET", f"/api/visits/{visit['visit']}/files", auth=auth or self.kiosk)

    def page(self, visit: dict[str, Any], n: int) -> bytes:
        path = f"/api/visits/{visit['visit']}/files/{n}"
        content: bytes = self.call("GET", path, auth=self.kiosk).content
        return content

    def opened(self, visit: dict[str, Any], n: int) -> Image.Image:
        sealed = self.page(visit, n)
        return Image.open(io.BytesIO(unseal(sealed, self.private, about(visit["visit"], n))))


@pytest.fixture
def room(tmp_path: Path) -> UploadRoom:
    return UploadRoom(tmp_path)


def photo(size: tuple[int, int] = (800, 1100), kind: str = "JPEG", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (250, 248, 240)).save(out, kind, **more)
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 30,000 × 30,000."""

    def chunk(name: bytes, data: bytes) -> bytes:
        whole = name + data
        return len(data).to_bytes(4, "big") + whole + zlib.crc32(whole).to_bytes(4, "big")

    size = (30_000).to_bytes(4, "big")
    head = chunk(b"IHDR", size + size + bytes([8, 0, 0, 0, 0]))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")
    )


def test_a_photo_comes_to_the_visit_that_asked_and_is_drawn_anew(room: UploadRoom) -> None:
    visit = room.begin()
    assert visit["url"] == f"https://mc.example/up/{visit['token']}"
    exif = Image.Exif()
    exif[0x010F] = "Nokia of Mai"
    exif[0x0112] = 6  # lies on its side
    sent = room.send(visit, photo((3_600, 2_400), exif=exif), paper="/2")
    assert sent.status_code == 303, sent.text
    assert room.files(visit).json() == [{"n": 1, "paper": 2, "bytes": len(room.page(visit, 1))}]
    drawn = room.opened(visit, 1)
    assert drawn.format == "JPEG"
    assert drawn.size == (1733, 2600)  # upright, and no larger than is read
    assert not drawn.getexif()
    kept = [x for x in room.folder.root.rglob("*") if x.is_file()]
    assert not [x for x in kept if b"Nokia of Mai" in x.read_bytes()]


def test_what_is_sealed_for_one_visit_no_other_opens(room: UploadRoom) -> None:
    visit = room.begin()
    room.send(visit, photo())
    sealed = room.page(visit, 1)
    with pytest.raises(NotSealed):
        unseal(sealed, X25519PrivateKey.generate(), about(visit["visit"], 1))
    with pytest.raises(NotSealed):
        unseal(sealed, room.private, about(visit["visit"], 2))
    other = room.enrol("kiosk-2")
    assert room.files(visit, other).status_code == 404
    assert room.files(visit, ("kiosk-1", "guessed")).status_code == 401
    pages = f"/api/visits/{visit['visit']}/files"
    assert room.call("GET", f"{pages}/x").status_code == 401
    assert room.call("GET", f"{pages}/x", auth=room.kiosk).status_code == 404


def test_a_second_phone_and_a_foreign_code_are_refused_in_the_visitors_language(
    room: UploadRoom,
) -> None:
    visit = room.begin()
    cookie = {"Cookie": room.send(visit, photo()).headers["set-cookie"].partition(";")[0]}
    other = room.send(visit, photo())
    assert other.status_code == 403
    assert "Điện thoại khác" in other.text
    assert room.call("GET", f"/up/{visit['token']}").status_code == 403
    assert room.send(visit, photo(), headers=cookie).status_code == 303
    assert len(room.files(visit).json()) == 2
    foreign = room.call("GET", "/up/guessed", headers={"Cookie": "motcua_language=en"})
    assert foreign.status_code == 410
    assert "not valid any more" in foreign.text
    assert [room.call("GET", "/up/guessed").status_code for _ in range(30)][-1] == 429


def test_a_phone_whose_connection_broke_off_is_still_hers(room: UploadRoom) -> None:
    visit = room.begin()
    path = f"/up/{visit['token']}"
    cookie = {"Cookie": room.call("GET", path).headers["set-cookie"].partition(";")[0]}

    async def breaks_off() -> Any:
        yield b"--x\r\n"
        raise ConnectionResetError

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(ConnectionResetError):
        room.call("POST", path, content=breaks_off(), headers={**kind, **cookie})
    assert room.send(visit, photo()).status_code == 403
    assert room.send(visit, photo(), headers=cookie).status_code == 303


def test_one_body_of_a_visit_is_read_at_a_time(room: UploadRoom) -> None:
    visit = room.begin()
    path, read = f"/up/{visit['token']}", []
    head = {"Content-Type": "multipart/form-data; boundary=x", "Cookie": "motcua_up=hers"}

    async def body(name: str, go_on: asyncio.Event) -> Any:
        read.append(name)
        await go_on.wait()
        yield b"--x--\r\n"

    async def both() -> None:
        go_on, way = asyncio.Event(), httpx.ASGITransport(app=room.app)
        async with httpx.AsyncClient(transport=way, base_url="http://centre") as phone:
            sent = [
                asyncio.create_task(phone.post(path, content=body(x, go_on), headers=head))
                for x in ("first", "second")
            ]
            for _ in range(100):
                await asyncio.sleep(0)
            assert read == ["first"]
            go_on.set()
            await asyncio.gather(*sent)

    asyncio.run(both())
    assert read == ["first", "second"]


def test_a_papers_number_has_three_digits(room: UploadRoom) -> None:
    visit = room.begin()
    room.send(visit, photo(), paper="/0000000001234")
    assert room.files(visit).json()[0].get("paper") is None


HOSTILE: dict[str, tuple[Callable[[], Any], int, str]] = {
    "bomb": (lambda: ("a.png", bomb(), "image/png"), 422, "Ảnh quá lớn"),
    "script": (lambda: ("a.jpg", b"<script>alert(1)</script>"), 422, "không phải ảnh"),
    "disguised": (lambda: ("a.pdf", photo(), "application/pdf"), 422, "không đúng loại"),
    "torn": (lambda: photo()[:700], 422, "bị hỏng"),
    "tiny": (lambda: photo((90, 90)), 422, "quá nhỏ"),
    "moving": (lambda: ("a.gif", photo(kind="GIF"), "image/gif"), 422, "không phải ảnh"),
    "nothing": (lambda: ("a.jpg", b""), 422, "Chưa có tệp"),
    "large": (lambda: ("a.jpg", b"\xff\xd8\xff" + bytes(26_000_000)), 413, "quá lớn"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_paper_is_refused_in_words_and_nothing_of_it_kept(
    room: UploadRoom, name: str
) -> None:
    make, status, words = HOSTILE[name]
    visit = room.begin()
    answer = room.send(visit, make())
    assert answer.status_code == status
    alert = re.search(r'role="alert">([^<]+)', answer.text)
    assert alert is not None
    assert words in alert.group(1)
    assert room.files(visit).json() == []


def test_two_hundred_megabytes_are_refused_before_they_are_read(room: UploadRoom) -> None:
    visit = room.begin()
    read = 0

    async def endless() -> Any:
        nonlocal read
        yield b"--x\r\nContent-Disposition: form-data; name=file; filename=a.jpg\r\n\r\n"
        for _ in range(200):
            read += 1
            yield bytes(1_000_000)

    path, kind = f"/up/{visit['token']}", {"Content-Type": "multipart/form-data; boundary=x"}
    said = room.call("POST", path, content=b"", headers={**kind, "Content-Length": "200000000"})
    assert said.status_code == 413
    cookie = {"Cookie": said.headers["set-cookie"].partition(";")[0]}
    said = room.call("POST", path, content=endless(), headers={**kind, **cookie})
    assert said.status_code == 413
    assert read < 60
    assert room.files(visit).json() == []


def test_all_is_gone_at_the_end_and_after_a_quarter_of_an_hour_unused(room: UploadRoom) -> None:
    visit = room.begin()
    cookie = {"Cookie": room.send(visit, photo()).headers["set-cookie"].partition(";")[0]}
    kept = room.visits.by_token(visit["token"])
    assert kept is not None
    room.clock += LASTS_S - 1
    assert room.send(visit, photo(), headers=cookie).status_code == 303  # in use: it lasts on
    room.clock += LASTS_S - 1
    assert len(room.files(visit).json()) == 2
    room.clock += 1
    assert room.files(visit).status_code == 404
    assert room.send(visit, photo(), headers=cookie).status_code == 410
    assert kept.pages == []
    ended = room.begin()
    path = f"/api/visits/{ended['visit']}"
    assert room.call("DELETE", path, auth=room.kiosk).status_code == 200
    assert room.call("DELETE", path, auth=room.kiosk).status_code == 200
    assert room.call("GET", f"/up/{ended['token']}").status_code == 410
    last = room.begin()
    room.visits.use(room.visits.by_token(last["token"]))  # type: ignore[arg-type]
    for _ in range(10):
        room.clock += LONGEST_S / 10
        if (found := room.visits.by_token(last["token"])) is not None:
            room.visits.use(found)
    assert room.files(last).status_code == 404


def test_a_new_visit_at_the_kiosk_ends_the_one_before(room: UploadRoom) -> None:
    first = room.begin()
    room.send(first, photo())
    second = room.begin(language="en")
    assert room.files(first).status_code == 404
    assert room.files(second).json() == []
    assert "Papers for your visit" in room.call("GET", f"/up/{second['token']}/1").text


def test_a_visit_holds_so_many_pages_and_no_more(room: UploadRoom) -> None:
    visit = room.begin()
    small = photo((210, 210))
    cookie = {"Cookie": room.send(visit, *[small] * 20).headers["set-cookie"].partition(";")[0]}
    assert room.send(visit, *[small] * 20, headers=cookie).status_code == 303
    said = room.send(visit, small, headers=cookie)
    assert said.status_code == 422
    assert "Quá nhiều trang" in said.text
    assert len(room.files(visit).json()) == 40


@pytest.mark.parametrize("key", ["", "not base64!", b64encode(b"short").decode()])
def test_a_key_that_is_none_begins_nothing(room: UploadRoom, key: str) -> None:
    ask = {"public_key": key}
    answer = room.call("POST", "/api/visits", json=ask, auth=room.kiosk)
    assert answer.status_code == 400


class Kiosk:
    """A visit's process at the kiosk: what it asks goes to the centre, and the answer back, as its kiosk does it."""

    def __init__(self, room: UploadRoom) -> None:
        self.room = room
        self.reports: list[Any] = []
        self.gone: list[str] = []
        self.asks: queue.SimpleQueue[talk.Ask] = queue.SimpleQueue()
        self.eye = Eye(self.hear)
        self.phone = Phone(self.asks.put, self.hear, self.eye.take_sent, every_s=0.02)

    def hear(self, kind: type, **values: Any) -> None:
        self.reports.append(kind(0, **values))

    def carry(self, until: Callable[[], bool], away: bool = False) -> None:
        """Carry asks until it is so."""
        end = time.monotonic() + 20
        while not until():
            assert time.monotonic() < end, self.reports
            with contextlib.suppress(queue.Empty):
                ask = self.asks.get(timeout=0.1)
                self.phone.heard(self._answer(ask) if not away else talk.Answered(ask.id, 0))

    def _answer(self, ask: talk.Ask) -> talk.Answered:
        method = "DELETE" if ask.gone else "POST" if ask.body else "GET"
        more = {"content": ask.body} if ask.body else {}
        answer = self.room.call(method, ask.path, auth=self.room.kiosk, **more)
        return talk.Answered(id=ask.id, status=answer.status_code, body=answer.content)

    @property
    def codes(self) -> list[str]:
        return [x.url for x in self.reports if isinstance(x, r.PhoneChanged)]

    @property
    def pages(self) -> list[r.PageTaken]:
        return [x for x in self.reports if isinstance(x, r.PageTaken)]


def test_a_kiosks_visit_shows_a_code_and_takes_the_pages_that_come_by_it(room: UploadRoom) -> None:
    kiosk = Kiosk(room)
    kiosk.phone.look("vi")
    kiosk.carry(lambda: bool(kiosk.codes))
    sent = {"token": kiosk.codes[0].rpartition("/")[2]}
    room.send(sent, photo((1200, 1700)), photo((1700, 1200)), paper="/3")
    kiosk.carry(lambda: len(kiosk.pages) == 2)
    assert [x.paper for x in kiosk.pages] == [3, 3]
    assert (
        kiosk.eye.pdf([x.page for x in kiosk.pages], "Giấy chứng sinh", "GCS").count(b"/Page") > 1
    )
    room.visits.sweep()
    kiosk.phone.leave()
    visit = next(iter(room.visits._visits.values()))
    kiosk.carry(lambda: room.visits.of("kiosk-1", visit.id) is None)
    assert room.send(sent, photo()).status_code == 410


def test_after_a_restart_of_the_centre_there_is_a_new_code(room: UploadRoom) -> None:
    kiosk = Kiosk(room)
    kiosk.phone.look("en")
    kiosk.carry(lambda: kiosk.codes[-1:] == [""], away=True)
    kiosk.carry(lambda: len(kiosk.codes) > 1)
    first = kiosk.codes[-1]
    room.visits._visits.clear()
    kiosk.carry(lambda: kiosk.codes[-1] not in ("", first))
    room.send({"token": kiosk.codes[-1].rpartition("/")[2]}, photo(), paper="/0")
    kiosk.carry(lambda: bool(kiosk.pages))
    assert kiosk.pages[0].paper == 0
    kiosk.phone.rest()


def test_what_is_no_page_is_passed_over(room: UploadRoom) -> None:
    kiosk = Kiosk(room)
    assert not kiosk.eye.take_sent(b"no picture", 1) and kiosk.reports == []
    assert not kiosk.phone.heard(talk.Answered(id="lookup", status=200, body=b"{}"))
    assert kiosk.phone.heard(talk.Answered(id="phone-begin", status=200, body=b"torn"))
