"""Filed dossiers go to the province once each, whatever it answers and wherever we are killed."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from queue_server import settings
from queue_server.desk import commands as c
from queue_server.desk.desk import Request
from queue_server.doors.province import port
from queue_server.doors.province.courier import (
    IN_A_ROW,
    POLL_S,
    Courier,
    NoKey,
    client_for,
    read_key,
)
from queue_server.doors.web.staff.province import ProvincePage
from queue_server.doors.web.staff.words import TEXTS
from queue_server.dossiers.life import CodeRule, CodeWay
from queue_server.dossiers.life import DossierStatus as S
from queue_server.dossiers.passing import PassedOn as P
from queue_server.line import events as e
from queue_server.line.passing import PROVINCE
from queue_server.settings import ProvinceSettings
from queue_server.store import dossiers, passing
from queue_server.store.papers import Papers
from queue_server.store.schema import connect, migrate
from queue_server.store.vault import Vault, master_key
from queue_server.store.verify import verify
from queue_server.wire import messages as m
from queue_server.wire.settings import SettingsError
from queue_server.wire.words import Frozen, Role, local
from tests.brokers import wait_for
from tests.desk_room import ok
from tests.filing_room import FilingRoom, paper, pdf
from tests.house import House
from tests.province_server import KEY, KEY_ID, Province, province

MINUTES = 60_000


class PowerCut(BaseException):
    """The process is gone, in the middle of whatever it did."""


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Province]:
    with province() as there:
        yield there


@pytest.fixture
def there(everywhere: Province) -> Province:
    """The one server, emptied."""
    everywhere.held.clear()
    everywhere.manifests.clear()
    everywhere.taken.clear()
    everywhere.asked.clear()
    everywhere.let_go.clear()
    for waiting in everywhere.misdeeds.values():
        waiting.clear()
    everywhere.codes = False
    return everywhere


class PassingRoom(FilingRoom):
    """A centre's desk, and the courier over its folder; time goes on by `later` alone."""

    def __init__(self, root: Path, there: Province, **more: Any) -> None:
        super().__init__(root, **more)
        self.now = self.desk.clock.now()
        key = root / "province.key"
        key.write_bytes(KEY)
        key.chmod(0o600)
        self.settings = replace(
            self.settings,
            province=ProvinceSettings(
                url=there.url, key_id=KEY_ID, key_file=str(key), timeout=1.0, samples=True
            ),
        )
        self.rest = 0.0
        """Seconds until the courier would look again."""
        self.shut: Callable[[str, Any], Exception | str] = lambda verb, body: ""
        """The server is not there, or refuses."""
        self.cut_at: Callable[[str, Any], bool] = lambda verb, body: False
        self.cut_after: Callable[[str, Any], bool] = lambda verb, body: False

    def carry(self, passes: int = 1, minutes: float = 0) -> None:
        """So many passes of a courier that has just been started, `minutes` between them."""

        async def run() -> None:
            conn = connect(self.path, read_only=True)
            async with client_for(self.settings.province) as client:
                courier = self.courier(conn, client)
                for _ in range(passes):
                    self.rest = await courier.once()
                    self.now += int(minutes * MINUTES)
            conn.close()

        asyncio.run(run())

    def courier(self, conn: sqlite3.Connection, client: httpx.AsyncClient) -> Courier:
        return Courier(
            self.settings,
            conn,
            Vault(conn, master_key(self.key)),
            Papers(self.folder.root),
            self.tell,
            lambda: self.now,
            client,
        )

    async def tell(self, verb: str, body: Frozen) -> m.Answer:
        if self.cut_at(verb, body):
            raise PowerCut
        if isinstance(shut := self.shut(verb, body), Exception):
            raise shut
        if shut:
            refusal = m.Refusal(code=shut, vi="", en="")
            return m.Answer(id="", verb=verb, at=0, refusal=refusal)
        answers: list[m.Answer] = []
        actor = e.Actor(device=PROVINCE)
        self.desk.carry_out([Request("", verb, actor, body, answers.append)])
        if self.cut_after(verb, body):
            raise PowerCut
        return answers[0]

    def stands(self, dossier: str) -> passing.Passing:
        return passing.get(self.desk.log.conn, dossier)

    def file_one(self) -> str:
        return str(self.file()["dossier"])


@pytest.fixture
def room(tmp_path: Path, there: Province) -> PassingRoom:
    return PassingRoom(tmp_path, there)


def refused(answer: m.Answer) -> str:
    return answer.refusal.code if answer.refusal else ""


def test_a_dossier_arrives_once_whole_and_signed(room: PassingRoom, there: Province) -> None:
    told = room.file(None, pdf(1), pdf(2))
    room.carry(passes=3, minutes=120)
    dossier = told["dossier"]
    assert there.taken == {dossier: 1}
    assert there.asked == [f"GET {dossier}", f"PUT {dossier}"]
    manifest = there.manifests[dossier][0]
    assert manifest["owner"]["name"] == "Nguyễn Thị Mai"
    assert manifest["answers"] == {"child.name": "Trần An"}
    assert manifest["code"] == told["code"]
    assert there.papers[dossier] == [pdf(1), pdf(2)]
    assert room.stands(dossier).passed is P.ACCEPTED
    said = b"".join(x for (x,) in room.desk.log.conn.execute("SELECT body FROM events"))
    assert b"001185000123" not in said and "Nguyễn Thị Mai".encode() not in said


def test_the_provinces_code_and_due_date_take_the_place_of_the_provisional(
    tmp_path: Path, there: Province
) -> None:
    room = PassingRoom(tmp_path, there, codes=CodeRule(way=CodeWay.PROVINCE))
    there.codes = True
    told = room.file()
    assert "code" not in told or not told["code"]
    room.carry()
    known = dossiers.get(room.desk.log.conn, told["dossier"])
    assert known is not None
    assert known.code == "H19.15-261127-0900"
    assert known.provisional == told["provisional"]
    assert port.iso(known.due_at or 0, 420) == "2026-12-04T17:00:00+07:00"


@pytest.mark.parametrize(
    "misdeed", ["500_after", "garbage_after", "hang_after", "huge_after", "page_after", "moved"]
)
def test_what_was_taken_in_but_not_clearly_answered_is_asked_about_and_not_sent_again(
    room: PassingRoom, there: Province, misdeed: str
) -> None:
    dossier = room.file_one()
    there.next("put", misdeed)
    room.carry()
    assert room.stands(dossier).passed is P.UNCLEAR
    room.carry(passes=3, minutes=120)
    assert room.stands(dossier).passed is P.ACCEPTED
    assert there.taken == {dossier: 1}
    assert there.asked.count(f"PUT {dossier}") == 1


def test_an_unclear_one_waits_before_it_is_asked_about(room: PassingRoom, there: Province) -> None:
    """The province may still be at work on it."""
    dossier = room.file_one()
    there.next("put", "500_lost")
    room.carry(passes=3)
    assert there.asked == [f"GET {dossier}", f"PUT {dossier}"]


@pytest.mark.parametrize("lie", ["500", "page", "garbage", "huge", "other", "checking", "hang"])
def test_only_a_clear_unknown_lets_it_be_sent(room: PassingRoom, there: Province, lie: str) -> None:
    dossier = room.file_one()
    there.next("put", "500_lost")
    room.carry()
    there.next("get", lie)
    room.now += 5 * MINUTES
    room.carry()
    assert there.asked.count(f"PUT {dossier}") == 1
    assert room.stands(dossier).passed is P.UNCLEAR
    there.let_go.set()
    room.now += 120 * MINUTES
    room.carry()
    assert there.taken == {dossier: 1}
    assert room.stands(dossier).passed is P.ACCEPTED


def test_a_rejected_one_stays_until_a_manager_sends_it_again_with_a_reason(
    room: PassingRoom, there: Province
) -> None:
    dossier = room.file_one()
    there.next("put", "reject Thiếu chữ ký của bà Mai")
    room.carry(passes=3, minutes=600)
    stands = room.stands(dossier)
    assert (stands.passed, stands.cause) == (P.REJECTED, "incomplete")
    assert there.asked.count(f"PUT {dossier}") == 1
    again = c.PassAgain(dossier=dossier, reason=" ")
    assert refused(room.give(again, "ql", Role.MANAGER)) == "reason_missing"
    again = c.PassAgain(dossier=dossier, reason="Đã gọi bà Mai, tỉnh đồng ý nhận lại")
    assert refused(room.give(again, "hoa", Role.OFFICER)) == "not_allowed"
    ok(room.give(again, "ql", Role.MANAGER))
    room.carry(passes=2, minutes=600)
    assert [x["round"] for x in there.manifests[dossier]] == [1, 2]
    assert room.stands(dossier).passed is P.ACCEPTED
    assert refused(room.give(again, "ql", Role.MANAGER)) == "not_rejected"
    read = room.web.shelf.read(dossier, "vi")
    assert read is not None
    assert [(x.status, x.words) for x in read.words] == [
        ("province_rejected", "Thiếu chữ ký của bà Mai"),
        ("province_again", "Đã gọi bà Mai, tỉnh đồng ý nhận lại"),
    ]
    for language in ("vi", "en"):
        assert all(TEXTS.say(f"dossiers.is_{x.status}", language) for x in read.words)
    said = b"".join(x for (x,) in room.desk.log.conn.execute("SELECT body FROM events"))
    assert "bà Mai".encode() not in said


def test_killed_anywhere_it_is_neither_lost_nor_doubled(tmp_path: Path, there: Province) -> None:
    """Before and after each thing that is written; each time the courier starts anew from the folder alone."""
    for n, (verb, step) in enumerate(
        [("NotePassing", P.SENDING), ("NotePassing", P.ACCEPTED), ("SayProvince", None)]
    ):
        for when in ("cut_at", "cut_after"):
            (root := tmp_path / f"{n}{when}").mkdir()
            room = PassingRoom(root, there)
            dossier = room.file_one()
            setattr(
                room,
                when,
                lambda v, b, verb=verb, step=step: v == verb and step in (None, _step(b)),
            )
            with pytest.raises(PowerCut):
                room.carry()
            setattr(room, when, lambda v, b: False)
            room.now += 10 * MINUTES
            room.carry(passes=2, minutes=600)
            assert there.taken[dossier] == 1
            assert room.stands(dossier).passed is P.ACCEPTED


def _step(body: Any) -> P | None:
    """Which step an order notes."""
    return getattr(body, "passed", None)


def test_a_restored_centre_finds_out_what_had_arrived_already(
    room: PassingRoom, there: Province, tmp_path: Path
) -> None:
    dossier = room.file_one()
    before = tmp_path / "before.db"
    with sqlite3.connect(before) as copy:
        room.desk.log.conn.backup(copy)
    room.carry()
    room.desk.log.close()
    for leftover in room.folder.root.glob("centre.db*"):
        leftover.unlink()
    before.rename(room.path)
    room.open()
    room.carry()
    assert room.stands(dossier).passed is P.ACCEPTED
    assert there.asked == [f"GET {dossier}", f"PUT {dossier}", f"GET {dossier}"]


def test_while_the_province_is_away_nothing_is_written_but_that(
    room: PassingRoom, there: Province
) -> None:
    first = room.file_one()
    for _ in range(4):
        room.file_one()
    gone = replace(room.settings.province, url="http://127.0.0.1:9/x")
    here, room.settings = room.settings, replace(room.settings, province=gone)
    seq = room.desk.log.seq
    room.carry(passes=2)
    assert room.desk.state.province_away == "no_connection"
    assert room.desk.log.seq == seq + 1
    room.settings = here
    room.now += 120 * MINUTES
    room.carry()
    assert room.desk.state.province_away == ""
    assert len(there.taken) == 5
    assert there.asked[0] == f"GET {first}"  # the first filed goes first


def test_what_cannot_be_done_now_is_not_tried_without_a_rest(
    room: PassingRoom, there: Province
) -> None:
    room.file_one()
    room.shut = lambda verb, body: ConnectionError()
    room.carry()
    assert room.rest > 1
    room.shut = lambda verb, body: "not_now" if verb == "NotePassing" else ""
    room.carry()
    assert room.rest > 1
    Path(room.settings.province.key_file).chmod(0o644)
    room.carry()
    assert (room.rest, room.desk.state.province_away) == (POLL_S, "key_file")
    room.shut = lambda verb, body: ConnectionError()
    room.carry()
    assert room.rest == POLL_S


def test_after_failures_in_a_row_the_others_wait_too(room: PassingRoom, there: Province) -> None:
    for _ in range(IN_A_ROW + 2):
        room.file_one()
    there.next("get", *["500"] * (IN_A_ROW + 2))
    room.carry(passes=3)
    assert len(there.asked) == IN_A_ROW
    assert room.rest > 1


def test_a_large_dossier_has_time_on_a_slow_line(room: PassingRoom) -> None:
    """The other end reads nothing for longer than the time in which it must answer."""
    body, dossier = bytes(8_000_000), "a" * 24
    said = f'{{"state": "accepted", "id": "{dossier}", "round": 1}}'.encode()

    async def lazily(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(1.2)
        await reader.readexactly(len(body))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
        writer.close()

    async def send() -> port.Outcome:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        own = replace(room.settings.province, url=url, timeout=0.5)
        room.settings = replace(room.settings, province=own)
        async with await asyncio.start_server(lazily, sock=listening), client_for(own) as client:
            courier = room.courier(room.desk.log.conn, client)
            known = passing.Passing(dossier=dossier)
            return await courier._send(known, "/x", KEY, body, "text/plain")

    assert asyncio.run(send()).passed is P.ACCEPTED


def test_the_page_counts_as_waiting_what_will_go_and_nothing_else(
    room: PassingRoom, there: Province
) -> None:
    """`since` is a day of the centre: what was received before it stays here."""
    room.file_one()
    unclear = room.file_one()
    there.next("get", "500")
    there.next("put", "500_after")
    room.carry()
    assert room.stands(unclear).passed is P.UNCLEAR
    today = local(room.now, room.settings.rules.utc_offset_minutes).date()
    for since, waiting in ((None, 1), (today, 1), (today + dt.timedelta(days=1), 0)):
        own = replace(room.settings.province, since=since)
        room.web.file = replace(room.settings, province=own)
        page: Any = SimpleNamespace(web=room.web)
        counted = ProvincePage(page)._counts()
        assert (counted["waiting"], counted["unclear"]) == (waiting, 1)


def test_denied_and_busy_are_no_answers_about_a_dossier(room: PassingRoom, there: Province) -> None:
    dossier = room.file_one()
    there.next("put", "denied_lost", "busy_lost")
    room.carry()
    assert (room.stands(dossier).passed, room.stands(dossier).cause) == (P.WAITING, "denied")
    assert room.desk.state.province_away == "denied"
    room.now += 120 * MINUTES
    room.carry()
    assert room.stands(dossier).cause == "busy"
    room.now += 120 * MINUTES
    room.carry()
    assert there.taken == {dossier: 1}


def test_what_was_only_prepared_or_ended_or_is_a_sample_stays_here(
    room: PassingRoom, there: Province
) -> None:
    room.file(room.filing(paper(pdf()), prepare=True), pdf())
    refused = room.file_one()
    ok(room.give(c.MoveDossier(dossier=refused, status=S.REFUSED, words="Sai nơi nộp"), "hoa"))
    sample = room.file_one()
    own = replace(room.settings.province, samples=False)
    room.settings = replace(room.settings, province=own)
    room.carry(passes=2)
    assert not there.asked
    known = dossiers.get(room.desk.log.conn, sample)
    assert known is not None
    assert known.sample


def test_the_log_makes_the_table_anew_and_nobody_else_may_write_it(
    room: PassingRoom, there: Province
) -> None:
    dossier = room.file_one()
    there.next("put", "500_after")
    room.carry()
    room.now += 10 * MINUTES
    room.carry()
    lied = c.NotePassing(dossier=dossier, passed=P.REJECTED)
    assert refused(room.give(lied, "hoa")) == "not_allowed"
    assert refused(room.give(lied, "", role=None)) == "not_allowed"
    assert not verify(room.desk.log.conn, None).faults
    anew = sqlite3.connect(":memory:", isolation_level=None)
    migrate(anew)
    for at, body in room.desk.log.conn.execute("SELECT at, body FROM events ORDER BY seq"):
        passing.project(anew, e.decode_event(body), at)
    assert passing.get(anew, dossier) == room.stands(dossier)
    room.desk.log.conn.execute("UPDATE passing SET round = 7")
    (found,) = verify(room.desk.log.conn, None).faults
    assert found.what == f"passing: dossier {dossier} differs from what the log says"


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o640)
    with pytest.raises(NoKey):
        read_key(key)
    key.write_bytes(b"short")
    key.chmod(0o600)
    with pytest.raises(NoKey):
        read_key(key)


@pytest.mark.parametrize("url", ["http://tinh.example/x", "ftp://127.0.0.1", "https://a@b/c?x"])
def test_dossiers_go_over_tls_alone(tmp_path: Path, url: str) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(f'[province]\nurl = "{url}"\nkey_id = "a"\nkey_file = "b"\n')
    with pytest.raises(SettingsError, match="province"):
        settings.read(path)


def test_the_signature_is_as_the_document_says() -> None:
    """The worked example of docs/province-port.md, so that the province's programmers can check theirs."""
    said = (Path(__file__).parent.parent / "docs" / "province-port.md").read_text("utf-8")
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    path = "/mot-cua/v1/dossiers/00112233445566778899aabb"
    made = port.signature(
        b"0123456789abcdef0123456789abcdef", "GET", path, digest, 1795800000, "n-1"
    )
    assert made in said and path in said and digest in said
    for reason in port.REASONS:
        assert f"`{reason}`" in said


def test_the_process_itself_killed_in_the_middle_sends_nothing_twice(
    tmp_path: Path, there: Province
) -> None:
    """The real process over a real server's folder, killed with SIGKILL while the province is still silent."""
    room = PassingRoom(tmp_path, there)
    dossier = room.file_one()
    room.desk.log.close()
    key = room.settings.province.key_file
    text = settings.example().read_text() + (
        f'\n[province]\nurl = "{there.url}"\nkey_id = "{KEY_ID}"\nkey_file = "{key}"\n'
        "settle = 0.05\nretry = 0.05\nsamples = true\n"
    )
    (path := tmp_path / "centre.toml").write_text(text)
    home = House(tmp_path)
    there.next("put", "hang_after")
    there.came.clear()
    options = ["--data", str(home.folder.root), "--settings", str(path)]
    command = [sys.executable, "-m", "queue_server.doors.province.process", *options]

    def stands() -> str:
        conn = connect(home.folder.database, read_only=True)
        try:
            return str(passing.get(conn, dossier).passed)
        finally:
            conn.close()

    try:
        home.start()
        with (tmp_path / "province.log").open("wb") as said:
            courier = subprocess.Popen(command, stdout=said, stderr=said)
            assert there.came.wait(15), (tmp_path / "province.log").read_text()
            os.kill(courier.pid, signal.SIGKILL)
            courier.wait()
            there.let_go.set()
            assert stands() == "sending"
            courier = subprocess.Popen(command, stdout=said, stderr=said)
            assert wait_for(lambda: stands() == "accepted", 15)
            courier.terminate()
            assert courier.wait(15) == 0
    finally:
        home.stop()
    assert there.taken == {dossier: 1}
    assert there.asked.count(f"PUT {dossier}") == 1
    assert b"Mai" not in (tmp_path / "province.log").read_bytes()
