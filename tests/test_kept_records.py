"""What a kiosk keeps for when the line is down: whole records and the centre's own everyday words."""

import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from kiosk.catalogue import Catalogue
from kiosk.shelf import Shelf
from queue_server.doors.web.kept_catalogue import KeptCatalogue
from queue_server.dossiers.catalogue import Procedure
from queue_server.store import catalogue as store
from queue_server.store.asked_for import most_asked
from queue_server.wire import messages as m
from queue_server.wire.link import new_id
from queue_server.wire.words import DAY
from tests.desk_room import DeskRoom
from tests.kiosk_room import until
from tests.test_kiosk_parts import credentials

BIRTH = Procedure(
    code="1.1", name="Thủ tục khai sinh", field="Hộ tịch", service="civil", steps=("Đến",)
)
ELSEWHERE = Procedure(code="3.3", name="Đổi giấy phép lái xe", field="Đường bộ")
OWN_WORDS = '[[procedure]]\ncodes = ["1.1"]\nsay = ["giấy rốn"]\n'


class Web(http.server.ThreadingHTTPServer):
    """The two answers of a centre's web, from the very parts that make them there."""

    def __init__(self, folder: Path, asked: Callable[[], tuple[str, ...]] = lambda: ()) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.short, self.kept = store.Catalogue(folder), KeptCatalogue(folder, asked)
        self.full_answers: list[int] = []
        self.garble: Callable[[bytes], bytes] = bytes


class Answer(http.server.BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        if self.path == "/api/catalogue":
            self._send(200, msgspec.json.encode(self.server.short.summaries()))
            return
        copy = self.server.kept.copy()
        known = self.headers["If-None-Match"] == copy.tag
        self.server.full_answers.append(304 if known else 200)
        packed = {"ETag": copy.tag, "Content-Encoding": "gzip"}
        body = b"" if known else self.server.garble(copy.packed)
        self._send(304 if known else 200, body, packed)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store.import_procedures(tmp_path / "centre", [BIRTH, ELSEWHERE])
    return tmp_path / "centre"


@pytest.fixture
def web(folder: Path) -> Iterator[Web]:
    server = Web(folder)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Kiosk:
    """A kiosk's catalogue and the shelves that it gave."""

    def __init__(self, port: int, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.shelves: list[Shelf] = []
        self.catalogue = Catalogue(
            credentials(port), folder, lambda _: None, on_shelf=self.shelves.append
        )
        self.catalogue.start()

    def __enter__(self) -> "Kiosk":
        return self

    def __exit__(self, *_: object) -> None:
        self.catalogue.stop()

    def usual(self) -> list[str]:
        return [line.code for line in self.shelves[-1].usual()] if self.shelves else []

    def found(self, text: str) -> list[str]:
        return [hit.code for hit in self.shelves[-1].find(text)] if self.shelves else []


def online(web: Web, folder: Path) -> Kiosk:
    return Kiosk(web.server_address[1], folder)


def test_whole_records_of_what_is_done_here_are_there_when_the_server_is_not(
    web: Web, tmp_path: Path
) -> None:
    with online(web, tmp_path / "kiosk") as kiosk:
        kiosk.catalogue.want("1")
        until(lambda: kiosk.catalogue.procedure("1.1"), "the record")
    with Kiosk(1, tmp_path / "kiosk") as alone:
        until(lambda: alone.shelves, "a shelf")
        assert alone.catalogue.procedure("1.1") == BIRTH
        assert alone.catalogue.procedure("3.3") is None
        assert alone.found("khai sinh") == ["1.1"]
        assert alone.found("bằng lái") == ["3.3"]
        assert alone.shelves[-1].record("1.1") == BIRTH


def test_records_that_are_the_same_are_not_sent_again(web: Web, tmp_path: Path) -> None:
    for n in range(2):
        with online(web, tmp_path / "kiosk") as kiosk:
            kiosk.catalogue.want("1")
            until(lambda n=n: len(web.full_answers) > n, "the question")
            until(lambda: kiosk.catalogue.procedure("1.1"), "the record")
    assert web.full_answers == [200, 304]


def test_the_centres_own_everyday_words_reach_the_kiosk(
    web: Web, folder: Path, tmp_path: Path
) -> None:
    (folder / "everyday.toml").write_text(OWN_WORDS, "utf-8")
    with online(web, tmp_path / "kiosk") as kiosk:
        kiosk.catalogue.want("1")
        until(lambda: kiosk.found("giay ron") == ["1.1"], "the centre's words")


@pytest.mark.parametrize("damage", [b"", b"{", b'{"tag": 3}', b"\xff\x00", b"[]"])
def test_damaged_files_are_as_if_there_were_none(web: Web, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "kiosk").mkdir()
    for name in ("catalogue.json", "catalogue-full.json"):
        (tmp_path / "kiosk" / name).write_bytes(damage)
    with online(web, tmp_path / "kiosk") as kiosk:
        assert kiosk.catalogue.procedure("1.1") is None
        kiosk.catalogue.want("1")
        until(lambda: kiosk.catalogue.procedure("1.1") == BIRTH, "the record anew")


@pytest.mark.parametrize("garble", [lambda b: b[:-9], lambda _: b"<html>", lambda _: b""])
def test_a_torn_answer_leaves_the_kept_records_as_they_were(
    web: Web, folder: Path, tmp_path: Path, garble: Callable[[bytes], bytes]
) -> None:
    with online(web, tmp_path / "kiosk") as kiosk:
        kiosk.catalogue.want("1")
        until(lambda: kiosk.catalogue.procedure("1.1"), "the record")
        until((tmp_path / "kiosk" / "catalogue-full.json").exists, "its file")
        before = (tmp_path / "kiosk" / "catalogue-full.json").read_bytes()
        store.import_procedures(folder, [msgspec.structs.replace(BIRTH, steps=("Khác",))])
        web.garble = garble
        kiosk.catalogue.want("2")
        until(lambda: len(web.full_answers) > 1, "the torn answer")
    assert kiosk.catalogue.procedure("1.1") == BIRTH
    assert (tmp_path / "kiosk" / "catalogue-full.json").read_bytes() == before


def test_the_servers_copy_is_made_anew_only_where_something_changed(folder: Path) -> None:
    kept = KeptCatalogue(folder)
    first = kept.copy()
    assert kept.copy() is first
    assert gzip.decompress(first.packed) == first.plain
    (folder / "everyday.toml").write_text(OWN_WORDS, "utf-8")
    second = kept.copy()
    assert second.tag != first.tag
    assert msgspec.json.decode(second.plain)["everyday"] == OWN_WORDS


def test_what_visitors_here_come_for_most_stands_first(tmp_path: Path) -> None:
    room = DeskRoom(tmp_path)
    for code, times in (("1.1", 2), ("3.3", 3), ("9.9", 1)):
        for _ in range(times):
            room.ask(
                m.TakeTicket(
                    id=new_id(),
                    service="a",
                    asked_at=room.desk.clock.now(),
                    ttl_ms=DAY,
                    procedure=code,
                )
            )
    assert most_asked(room.desk.log.conn, 0) == ("3.3", "1.1")
    assert most_asked(room.desk.log.conn, room.desk.clock.now() + DAY) == ()
    store.import_procedures(tmp_path, [BIRTH, msgspec.structs.replace(ELSEWHERE, service="civil")])
    asked = most_asked(room.desk.log.conn, 0)
    with Web(tmp_path, lambda: asked) as web, online(web, tmp_path / "kiosk") as kiosk:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        kiosk.catalogue.want("1")
        until(lambda: kiosk.usual() == ["3.3", "1.1"], "the order by use")
        web.shutdown()


def test_a_damaged_table_of_the_centre_takes_nothing_else_with_it(folder: Path) -> None:
    (folder / "everyday.toml").write_text("[[procedure", "utf-8")
    answer = msgspec.json.decode(KeptCatalogue(folder).copy().plain)
    assert answer["everyday"] == "" and list(answer["procedures"]) == ["1.1"]
