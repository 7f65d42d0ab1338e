"""Backups and restores: what a copy holds and never holds, and no number given twice after it."""

from __future__ import annotations

import tarfile
import threading
import time
from pathlib import Path

import msgspec
import pytest

from queue_server import command
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.store import heads, keeping
from queue_server.store.keeping import NoBackup, Terms, Unfit
from queue_server.store.log import Log, load
from queue_server.store.schema import CannotOpen, connect
from queue_server.store.vault import CannotUnseal, Vault, require_key
from queue_server.store.verify import verify
from queue_server.wire.words import DAY, DeviceKind
from tests.brokers import wait_for
from tests.house import House, house, take, taken
from tests.keeping_room import KeepingRoom


@pytest.fixture
def room(tmp_path: Path) -> KeepingRoom:
    made = KeepingRoom(tmp_path / "var")
    made.live()
    return made


def now() -> int:
    return int(time.time() * 1000)


def back_up(room: KeepingRoom, to: Path, keep: int = 14, at: int = 0) -> Path:
    return keeping.back_up(room.folder.root, to, None, room.head_key, at or now(), keep)[0]


def restored(archive: Path, root: Path, at: int = 0, **terms: object) -> keeping.Restored:
    return keeping.restore(
        archive,
        root,
        lambda last: max(last, at or now()),
        Terms(**terms),  # type: ignore[arg-type]
    )


def again(root: Path, room: KeepingRoom) -> KeepingRoom:
    """A desk on what was restored, with the old master key brought along."""
    key = Folder(root).master_key()
    key.parent.mkdir()
    key.write_bytes(room.key.read_bytes())
    made = KeepingRoom.__new__(KeepingRoom)
    made.folder, made.changes, made.head_key = Folder(root), [], room.head_key
    made.open()
    return made


# --- the copy ---


def test_a_backup_holds_what_a_centre_needs_and_never_the_master_key(
    room: KeepingRoom, tmp_path: Path
) -> None:
    room.folder.server_secret("password", "client")
    (room.folder.root / "web.db").write_text("sessions")
    (room.folder.root / "surveys").mkdir()
    (room.folder.root / "surveys" / "clean.toml").write_text("the centre's own")
    path = back_up(room, tmp_path / "to")
    with tarfile.open(path) as tar:
        names = tar.getnames()
    assert names[0] == keeping.MANIFEST
    assert {"centre.db", "server-secret.json", "head-key.pem", "heads/public.pem"} <= set(names)
    assert "surveys/clean.toml" in names
    assert not {"web.db", "master.key"} & set(names)
    assert room.key.read_bytes() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "to").glob(".*")) == []


def test_the_newest_stay_and_a_killed_backups_rest_is_cleared(
    room: KeepingRoom, tmp_path: Path
) -> None:
    to = tmp_path / "to"
    (to / f"{keeping.PART}999999999").mkdir(parents=True)
    made = [back_up(room, to, keep=2, at=now() + n * 1000) for n in range(4)]
    assert keeping.backups(to) == made[-2:]
    assert not list(to.glob(f"{keeping.PART}*"))


def test_a_backup_of_a_broken_log_says_so_and_pushes_no_good_one_out(
    room: KeepingRoom, tmp_path: Path
) -> None:
    to = tmp_path / "to"
    good = back_up(room, to, keep=1)
    seq = room.seq_of("TicketIssued")
    room.meddle("UPDATE events SET account = 'x' WHERE seq = ?", seq)
    broken = back_up(room, to, keep=1, at=now() + 1000)
    assert keeping.backups(to) == [good, broken]
    assert keeping.read_manifest(broken).fault.startswith(f"seq {seq}: ")
    with pytest.raises(Unfit, match="--damaged"):
        restored(broken, tmp_path / "new")
    assert restored(broken, tmp_path / "new", damaged=True).epoch == 2


def test_without_room_on_the_disk_nothing_is_begun(
    room: KeepingRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(NoBackup, match="are needed"):
        back_up(room, tmp_path / "to")


def test_the_copys_head_is_signed_and_lies_beside_the_log(
    room: KeepingRoom, tmp_path: Path
) -> None:
    manifest = keeping.read_manifest(back_up(room, tmp_path / "to"))
    exported = heads.read(room.folder.heads)
    assert [(x.seq, x.hash) for x in exported] == [(manifest.seq, manifest.head)]
    assert room.check(carried=exported).faults == ()


# --- bringing it back ---


def test_numbers_given_after_the_copy_are_never_given_again(
    room: KeepingRoom, tmp_path: Path
) -> None:
    path = back_up(room, tmp_path / "to")
    told = {room.number() for _ in range(20)}
    found = restored(path, tmp_path / "new")
    new = again(tmp_path / "new", room)
    numbers = {new.number() for _ in range(20)}
    assert found.epoch == new.desk.state.epoch == 2
    assert not told & numbers
    opened = [x for x in events(new) if isinstance(x, e.EpochOpened)]
    assert opened[0].why == f"restored {path.name}"
    assert opened[0].next_ordinal["a"] == found.numbers["a"][1]
    assert new.check().faults == ()


def test_the_margin_grows_with_what_the_service_gives_in_such_a_time(
    room: KeepingRoom, tmp_path: Path
) -> None:
    for _ in range(60):
        room.number()
    path = back_up(room, tmp_path / "to")
    told = {room.number() for _ in range(60)}
    found = restored(path, tmp_path / "new", at=now() + 60_000, margin=5)
    assert found.numbers["a"][0] == 64
    assert found.numbers["a"][1] >= 64 + 60 + 5
    assert int(max(told)[1:]) < found.numbers["a"][1]
    assert found.numbers["b"] == (1, 6)


def test_yesterdays_copy_brought_back_today_does_not_begin_at_one(
    room: KeepingRoom, tmp_path: Path
) -> None:
    path = back_up(room, tmp_path / "to")
    noon = now() + DAY
    noon += DAY // 2 - (noon + 7 * 3_600_000) % DAY  # 12:00 in Vietnam
    found = restored(path, tmp_path / "new", at=noon)
    assert found.numbers["a"] == (1, 1 + 3 + 20)
    with_paper = restored(path, tmp_path / "other", at=noon, highest={"A": 120})
    assert with_paper.numbers["a"] == (1, 141)
    log = Log(tmp_path / "new" / "centre.db")
    assert verify(log.conn, None).faults == ()
    log.close()


def test_what_was_forgotten_since_the_copy_is_forgotten_again(
    room: KeepingRoom, tmp_path: Path
) -> None:
    path = back_up(room, tmp_path / "to")
    conn = room.desk.log.conn
    visit = conn.execute("SELECT visit FROM vault_keys WHERE visit NOT LIKE 'offer:%'").fetchone()[
        0
    ]
    with room.desk.log.transaction():
        room.desk.vault.forget(visit, now())
    purged = msgspec.json.decode(keeping.purged_list(room.path))
    assert visit in purged
    found = restored(path, tmp_path / "new", purged=purged)
    assert found.forgotten == 1
    new = again(tmp_path / "new", room)
    assert new.desk.vault.find(visit, "contact") == []
    left = conn.execute("SELECT count(*) FROM vault_keys").fetchone()[0]
    assert found.sealed == left > 0


def test_a_newer_list_beside_the_backup_is_taken_by_itself(
    room: KeepingRoom, tmp_path: Path
) -> None:
    to = tmp_path / "to"
    older = back_up(room, to, at=now() - 5000)
    visit = room.desk.log.conn.execute("SELECT visit FROM vault_keys").fetchone()[0]
    with room.desk.log.transaction():
        room.desk.vault.forget(visit, now())
    back_up(room, to)
    assert command.main(["restore", str(older), "--data", str(tmp_path / "new")]) == 0
    conn = connect(tmp_path / "new" / "centre.db", read_only=True)
    assert conn.execute("SELECT 1 FROM vault_keys WHERE visit = ?", (visit,)).fetchall() == []
    conn.close()


def test_sealed_data_stays_shut_without_the_master_key(
    room: KeepingRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restored(back_up(room, tmp_path / "to"), tmp_path / "new")
    folder = Folder(tmp_path / "new")
    conn = connect(folder.database, read_only=True)
    visit = conn.execute("SELECT visit FROM vault_items WHERE kind = 'contact'").fetchone()[0]
    with pytest.raises(CannotUnseal):
        Vault(conn, bytes(32)).find(visit, "contact")
    conn.close()
    with pytest.raises(CannotOpen, match="master key"):
        require_key(folder.database, folder.master_key())
    assert command.main(["up", "--data", str(folder.root), "--no-windows"]) == 1
    assert "master key" in capsys.readouterr().err
    assert not folder.master_key().exists()


def test_with_a_lost_key_all_sealed_data_can_be_given_up(room: KeepingRoom, tmp_path: Path) -> None:
    found = restored(back_up(room, tmp_path / "to"), tmp_path / "new", forget_all=True)
    assert found.forgotten > 0 and found.sealed == 0
    require_key(tmp_path / "new" / "centre.db", tmp_path / "no-key")


@pytest.mark.parametrize("harm", ["flip", "cut", "no manifest", "text", "a member more"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    room: KeepingRoom, tmp_path: Path, harm: str
) -> None:
    path = back_up(room, tmp_path / "to")
    raw = bytearray(path.read_bytes())
    if harm == "flip":
        raw[raw.index(b"SQLite format 3") + 5000] ^= 1
    elif harm == "cut":
        raw = raw[: len(raw) // 2]
    elif harm == "no manifest":
        raw[:1] = b"x"
    elif harm == "text":
        raw = bytearray(b"no tar at all\n")
    path.write_bytes(raw)
    if harm == "a member more":
        with tarfile.open(path, "a") as tar:
            tar.addfile(tarfile.TarInfo("../../outside"))
    with pytest.raises(Unfit):
        restored(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_folder_that_is_in_use_is_not_restored_over(
    room: KeepingRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = back_up(room, tmp_path / "to")
    assert command.main(["restore", str(path), "--data", str(room.folder.root)]) == 1
    assert "not an empty folder" in capsys.readouterr().err
    assert room.check().faults == ()


def test_restore_says_what_a_person_must_still_do(
    room: KeepingRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = back_up(room, tmp_path / "to")
    new = tmp_path / "new"
    options = ["--highest", "A77", "--margin", "3"]
    assert command.main(["restore", str(path), "--data", str(new), *options]) == 0
    said = capsys.readouterr().out
    assert "a 4→81" in said
    assert str(Folder(new).master_key()) in said
    assert "old machine stays off" in said
    assert (
        command.main(["restore", str(path), "--data", str(tmp_path / "x"), "--highest", "77"]) == 1
    )
    assert "looks like A123" in capsys.readouterr().err


# --- while a centre runs ---


def flow(
    home: House, kiosk: object, stop: threading.Event, told: list[str], slow: list[float]
) -> None:
    """A kiosk that asks for a number, gets it, and asks for the next."""
    link = home.link(kiosk)  # type: ignore[arg-type]
    while not stop.is_set():
        began = time.monotonic()
        told.append(taken(link.ask("take_ticket", take("ho_tich"), 20).result(20)).number)
        slow.append(time.monotonic() - began)


def test_a_backup_under_load_stops_nobody_and_is_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with house(tmp_path) as home:
        kiosk = home.enrol(DeviceKind.KIOSK, "kiosk-0")
        home.start()
        stop, told, slow = threading.Event(), [], []  # type: ignore[var-annotated]
        visitor = threading.Thread(target=flow, args=(home, kiosk, stop, told, slow))
        visitor.start()
        try:
            to = tmp_path / "to"
            arguments = ["--data", str(home.folder.root), "--to", str(to)]
            while len(told) < 30:
                time.sleep(0.01)
            first = len(told)
            assert command.main(["backup", *arguments]) == 0, capsys.readouterr().err
            during = len(told) - first
        finally:
            stop.set()
            visitor.join()
        assert during > 0, "nobody was served while it was copied"
        assert max(slow) < 5
        home.stop()
        notes = [x.event for x in home.log() if isinstance(x.event, e.Noted)]
        (path,) = keeping.backups(to)
        assert [x.subject for x in notes if x.what == "backup_made"] == [path.name]
        restored(path, tmp_path / "new", margin=len(told))
        log = Log(tmp_path / "new" / "centre.db")
        assert verify(log.conn, None).faults == ()
        state, _ = load(log.conn)
        assert set(told[:first]) <= {ticket.number for ticket in state.tickets.values()}
        assert state.next_ordinal["ho_tich"] > int(max(told)[1:])
        log.close()


def test_the_server_signs_the_head_of_a_day_when_the_next_has_begun(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        yesterday = now() - DAY
        log = Log(home.folder.database)
        with log.transaction():
            for event in (e.SetupChanged(setup=home.file.setup()), e.DayStarted(day="2026-01-05")):
                log.append(event, yesterday, e.Actor(device="test"), "")
        log.close()
        home.start()
        assert wait_for(lambda: list(home.folder.heads.glob("*.json")), 20)
        (head,) = heads.read(home.folder.heads)
        home.stop()
        assert head.day == "2026-01-05"
        ended = [x.seq for x in home.log() if isinstance(x.event, e.DayEnded)]
        assert ended == [head.seq]
        assert head.is_signed()


def events(room: KeepingRoom) -> list[object]:
    from queue_server.store.log import rows

    return [row.entry().event for row in rows(room.desk.log.conn)]


def test_the_list_of_the_forgotten_holds_ids_and_times_only(room: KeepingRoom) -> None:
    with room.desk.log.transaction():
        room.desk.vault.forget("someone", 5)
    assert msgspec.json.decode(keeping.purged_list(room.path)) == {"someone": 5}
