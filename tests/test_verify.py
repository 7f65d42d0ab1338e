"""`motcua verify`: what was changed, lost or rewritten in a log shows, and where."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from queue_server import command
from queue_server.store import heads, ratings
from queue_server.store.heads import DailyHeads, HeadKey
from queue_server.store.log import Log
from queue_server.store.verify import Verified, verify
from tests.brokers import wait_for
from tests.keeping_room import KeepingRoom


@pytest.fixture
def room(tmp_path: Path) -> KeepingRoom:
    made = KeepingRoom(tmp_path / "var")
    made.live()
    made.snapshot()
    made.number("b")
    return made


def only(found: Verified, seq: int, words: str) -> None:
    assert [fault.seq for fault in found.faults] == [seq], found.faults
    assert words in found.faults[0].what


def test_a_sound_log_is_sound_in_every_part(room: KeepingRoom) -> None:
    found = room.check()
    assert found.faults == ()
    assert found.rows == room.desk.log.seq
    assert (found.ratings, found.snapshots) == (3, 1)
    assert found.sealed > 0 and found.vault_read


@pytest.mark.parametrize(
    "column", ["body", "text", "at", "account", "device", "order_id", "kind", "hash"]
)
def test_a_changed_line_is_named_and_no_other(room: KeepingRoom, column: str) -> None:
    seq = room.seq_of("TicketIssued")
    value = {
        "at": "at + 1",
        "hash": "randomblob(32)",
        "text": "replace(body, 'A001', 'A001')",
        "body": "CAST(replace(body, '\"A001\"', '\"A007\"') AS BLOB)",
    }.get(column, f"{column} || 'x'")
    where = "body" if column == "text" else column
    room.meddle(f"UPDATE events SET {where} = {value} WHERE seq = {seq}")
    faults = room.check().faults
    assert faults[0].seq == seq
    assert "changed" in faults[0].what
    assert faults[0].day == room.desk.state.day
    assert {fault.seq for fault in faults if "snapshot" not in fault.what} == {seq}


def test_one_flipped_byte_of_the_file_names_its_line(room: KeepingRoom) -> None:
    seq = room.seq_of("ServiceFinished")
    body = room.desk.log.conn.execute("SELECT body FROM events WHERE seq = ?", (seq,)).fetchone()[0]
    room.desk.log.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    room.desk.log.close()
    raw = bytearray(room.path.read_bytes())
    place = raw.index(body) + body.index(b"counter")
    raw[place] ^= 1
    room.path.write_bytes(raw)
    faults = room.check().faults
    assert {fault.seq for fault in faults if "snapshot" not in fault.what} == {seq}


def test_a_lost_line_is_named(room: KeepingRoom) -> None:
    seq = room.seq_of("RatingGiven")
    room.meddle("DELETE FROM events WHERE seq = ?", seq)
    found = room.check()
    assert found.faults[0].what == f"line {seq} is missing before this one"
    assert found.faults[0].seq == seq + 1


def test_a_changed_rating_is_named_by_its_offer(room: KeepingRoom) -> None:
    offer = room.desk.log.conn.execute("SELECT offer FROM ratings").fetchone()[0]
    room.meddle("UPDATE ratings SET score = 5 WHERE offer = ?", offer)
    row, sums = room.check().faults
    assert offer in row.what and "rating_sums" in sums.what
    room.meddle("DELETE FROM ratings WHERE offer = ?", offer)
    row, sums = room.check().faults
    assert "missing from the table" in row.what and "rating_sums" in sums.what


def test_a_snapshot_that_is_not_the_fold_names_what_differs(room: KeepingRoom) -> None:
    room.meddle("UPDATE snapshots SET body = replace(body, '\"A002\"', '\"A099\"')")
    found = room.check()
    assert "tickets" in found.faults[0].what


def test_another_master_key_is_noticed_and_none_is_told(room: KeepingRoom) -> None:
    assert "master key does not open" in room.check(master=bytes(32)).faults[0].what
    found = room.check(master=None)
    assert found.faults == () and not found.vault_read


def test_a_rewritten_log_shows_against_a_head_that_was_carried_away(
    room: KeepingRoom, tmp_path: Path
) -> None:
    daily = DailyHeads(room.head_key, room.folder.heads)
    room.next_day("2030-01-02")
    daily.follow(room.desk.log, "2030-01-02")
    kept = shutil.copytree(room.folder.heads, tmp_path / "elsewhere")
    day = heads.read(kept)[0]
    assert day.seq == room.seq_of("DayEnded")
    assert room.check(carried=heads.read(kept)).faults == ()
    seq = room.seq_of("RatingGiven")
    forged = "CAST(replace(body, ':4', ':5') AS BLOB)"
    room.meddle(f"UPDATE events SET body = {forged} WHERE seq = ?", seq)
    room.chain_anew()
    room.meddle("UPDATE ratings SET score = 5 WHERE rowid = 1")
    with room.desk.log.transaction():
        ratings.fill_sums(room.desk.log.conn)  # he is thorough
    room.meddle("DELETE FROM snapshots")
    room.meddle("DELETE FROM heads")
    with room.desk.log.transaction():
        heads.sign_ended_days(room.desk.log.conn, room.head_key)  # he holds the key as well
    assert room.check().faults == ()
    found = room.check(carried=heads.read(kept))
    assert "the log was rewritten" in found.faults[0].what
    assert found.faults[0].seq == day.seq


def test_a_log_cut_short_shows_against_the_head(room: KeepingRoom) -> None:
    with room.desk.log.transaction():
        head = heads.sign_last(room.desk.log.conn, room.head_key)
    assert head is not None
    room.meddle("DELETE FROM events WHERE seq = ?", head.seq)
    only(room.check(), 0, f"the log ends before line {head.seq}")


def test_a_head_signed_by_another_is_none(room: KeepingRoom, tmp_path: Path) -> None:
    stranger = HeadKey.open(tmp_path / "stranger.pem")
    log = room.desk.log
    only(
        room.check(carried=[stranger.sign(room.desk.state.day, log.seq, log.head)]), 0, "not signed"
    )


def test_each_days_head_is_signed_when_the_next_begins_also_after_days_off(
    room: KeepingRoom,
) -> None:
    daily = DailyHeads(room.head_key, room.folder.heads)
    daily.follow(room.desk.log, room.desk.state.day)
    assert heads.kept(room.desk.log.conn, room.head_key.public) == []
    first = room.desk.state.day
    room.next_day("2030-01-02")
    room.next_day("2030-01-05")
    daily.follow(room.desk.log, room.desk.state.day)
    made = heads.kept(room.desk.log.conn, room.head_key.public)
    assert [head.day for head in made] == [first, "2030-01-02"]
    assert all(head.is_signed(room.head_key.public) for head in made)
    assert heads.read(room.folder.heads) == made
    assert room.folder.head_key.stat().st_mode & 0o777 == 0o600


def test_verify_beside_a_writer_never_finds_a_half_of_something(room: KeepingRoom) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.keeping_room import KeepingRoom\n"
        "room = KeepingRoom(Path(sys.argv[1]))\n"
        "print('writing', flush=True)\n"
        "for n in range(400):\n"
        "    room.number('a')\n"
        "    room._serve()\n"
        "    if n % 50 == 0: room.snapshot()\n"
    )
    room.desk.log.close()
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(room.folder.root)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        seen = []
        while writer.poll() is None and len(seen) < 20:
            found = room.check()
            assert found.faults == ()
            seen.append(found.rows)
        assert len(set(seen)) > 2, "it was not read while it was written"
    finally:
        writer.kill()
        writer.wait()


WRITER = """
import os, sys
from pathlib import Path
from tests.keeping_room import KeepingRoom
room = KeepingRoom(Path(sys.argv[1]))
room.desk.log.conn.execute("PRAGMA wal_autocheckpoint=0")
wal = str(room.path) + "-wal"
while True:
    room.number("a", phone="0912345678")
    print(room.desk.log.seq, os.path.getsize(wal), flush=True)
"""


def test_a_power_cut_at_any_byte_loses_nothing_that_was_answered_before(tmp_path: Path) -> None:
    """Files copied while a process writes, the write-ahead log cut at arbitrary places."""
    root, told = tmp_path / "var", tmp_path / "told"
    with told.open("wb") as said:
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root)], stdout=said, cwd=Path(__file__).parent.parent
        )
        try:
            assert wait_for(lambda: told.read_bytes().count(b"\n") > 60, 30)
            place = tmp_path / "copy"
            place.mkdir()
            shutil.copyfile(root / "centre.db", place / "centre.db")
            shutil.copyfile(root / "centre.db-wal", place / "centre.db-wal")
        finally:
            writer.kill()
            writer.wait()
    answered = [tuple(map(int, x.split())) for x in told.read_text().splitlines() if " " in x]
    wal = (place / "centre.db-wal").read_bytes()
    chance, lost_some = random.Random(11), 0
    for n in range(25):
        cut = chance.randrange(len(wal))
        torn = tmp_path / f"cut{n}"
        torn.mkdir()
        shutil.copyfile(place / "centre.db", torn / "centre.db")
        (torn / "centre.db-wal").write_bytes(wal[:cut])
        try:
            log = Log(torn / "centre.db")
        except Exception as error:
            raise AssertionError(f"cut at {cut}") from error
        found = verify(log.conn, None)
        assert found.faults == (), cut
        surely = [seq for seq, size in answered if size <= cut]
        assert log.seq >= max(surely, default=0), cut
        lost_some += log.seq < answered[-1][0]
        log.close()
    assert lost_some > 5, "the cuts cut nothing off"


def test_the_command_says_where_it_is_wrong_and_fails(
    room: KeepingRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(room.folder.root)]
    assert command.main(["verify", *data]) == 0
    assert capsys.readouterr().out.startswith("ok: ")
    seq = room.seq_of("TicketCalled")
    room.meddle("UPDATE events SET account = 'lan' WHERE seq = ?", seq)
    assert command.main(["verify", *data]) == 1
    assert f"WRONG  seq {seq}, day {room.desk.state.day}: " in capsys.readouterr().out
    assert command.main(["verify", "--data", "nowhere"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
