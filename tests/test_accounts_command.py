"""`motcua accounts`: people and devices from the shell, beside a running centre and on a closed one."""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path

import msgspec
import pytest

from queue_server import command, first_start
from queue_server.doors.authority import Authority
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.store import people
from queue_server.store.devices import Devices
from queue_server.store.log import rows
from queue_server.store.schema import connect
from queue_server.wire.enrol import fingerprint, split_code
from queue_server.wire.words import DeviceKind, Role
from tests.house import house
from tests.keeping_room import KeepingRoom

Said = pytest.CaptureFixture[str]


@pytest.fixture
def closed(tmp_path: Path) -> Folder:
    """A centre that has been started once and is not running, with its authority."""
    room = KeepingRoom(tmp_path / "var")
    room.desk.log.close()
    Authority.open(room.folder.authority, "test", dt.datetime.now(dt.UTC))
    return room.folder


def accounts(folder: Folder, *words: str) -> int:
    return command.main(["accounts", *words, "--data", str(folder.root)])


def found(folder: Folder, account: str) -> people.Account | None:
    conn = connect(folder.database, read_only=True)
    try:
        return people.find(conn, account)
    finally:
        conn.close()


def noted(folder: Folder) -> list[tuple[str, str, str]]:
    conn = connect(folder.database, read_only=True)
    entries = [row.entry() for row in rows(conn)]
    conn.close()
    return [
        (x.event.what, x.event.subject, x.actor.device)
        for x in entries
        if isinstance(x.event, e.Noted)
    ]


def password_in(said: str) -> str:
    match = re.search(r"password\s+(\S+)", said)
    assert match is not None, said
    return match[1]


def add(folder: Folder, account: str = "hoa99", role: str = "officer") -> int:
    return accounts(folder, "add", account, "--name", "Nguyễn Thị Hoa", "--role", role)


def test_a_new_person_gets_a_password_once_and_must_change_it(closed: Folder, capsys: Said) -> None:
    assert add(closed) == 0
    password = password_in(capsys.readouterr().out)
    hoa = found(closed, "hoa99")
    assert hoa is not None
    assert people.verify(hoa, password)
    assert hoa.must_change and hoa.role is Role.OFFICER
    assert noted(closed) == [("account_saved", "hoa99", "command")]
    assert accounts(closed, "list") == 0
    listed = capsys.readouterr().out
    assert "Nguyễn Thị Hoa" in listed
    assert password not in listed


def test_a_reset_ends_the_old_password_also_that_of_the_first_login_file(
    closed: Folder, capsys: Said
) -> None:
    add(closed)
    old = password_in(capsys.readouterr().out)
    first_start.tell(closed.first_login, {"hoa99": {"password": old}})
    assert accounts(closed, "reset", "hoa99") == 0
    new = password_in(capsys.readouterr().out)
    hoa = found(closed, "hoa99")
    assert not people.verify(hoa, old)
    assert people.verify(hoa, new)
    assert not closed.first_login.exists()


def test_shut_open_and_another_role(closed: Folder, capsys: Said) -> None:
    add(closed)
    password = password_in(capsys.readouterr().out)
    assert accounts(closed, "disable", "HOA99") == 0
    assert not people.verify(found(closed, "hoa99"), password)
    assert accounts(closed, "enable", "hoa99") == 0
    assert people.verify(found(closed, "hoa99"), password)
    assert accounts(closed, "role", "hoa99", "guide") == 0
    changed = found(closed, "hoa99")
    assert changed is not None and changed.role is Role.GUIDE


def test_the_last_administrator_cannot_be_lost(closed: Folder, capsys: Said) -> None:
    add(closed, "chief", "administrator")
    assert accounts(closed, "disable", "chief") == 1
    assert accounts(closed, "role", "chief", "officer") == 1
    assert "last administrator" in capsys.readouterr().err
    add(closed, "second", "administrator")
    assert accounts(closed, "disable", "chief") == 0
    assert accounts(closed, "disable", "second") == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["reset", "nobody"], "no account nobody"),
        (["add", "Ỏi", "--name", "x", "--role", "officer"], "small letters"),
        (["add", "hoa01", "--name", " ", "--role", "officer"], "whose"),
        (["device", "revoke", "kiosk-5"], "no device kiosk-5"),
        (["device", "reissue", "kiosk-5"], "no device kiosk-5"),
        (["device", "add", "Kiosk 5", "--kind", "kiosk"], "small letters"),
        (["device", "add", "tablet-5", "--kind", "tablet"], "--counter"),
        (["device", "add", "tablet-5", "--kind", "tablet", "--counter", "9"], "no counter 9"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    closed: Folder, capsys: Said, words: list[str], why: str
) -> None:
    assert accounts(closed, *words) == 1
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


def test_a_folder_without_a_centre_is_left_as_it_is(tmp_path: Path, capsys: Said) -> None:
    folder = Folder(tmp_path / "var")
    assert add(folder) == 1
    assert "motcua up" in capsys.readouterr().err
    assert not folder.root.exists()


def test_a_new_device_is_told_its_code_and_what_to_type(closed: Folder, capsys: Said) -> None:
    options = ["--kind", "tablet", "--counter", "3", "--server", "https://mc.example:8443"]
    assert accounts(closed, "device", "add", "tablet-3", *options) == 0
    said = capsys.readouterr().out
    typed = re.search(r"motcua tablet --server https://mc.example:8443 --code (\S+)", said)
    assert typed is not None, said
    devices = Devices(closed.devices, fingerprint((closed.authority / "ca.pem").read_text()))
    secret, _ = split_code(typed[1])
    device = devices.redeem(secret, int(time.time() * 1000)).device
    assert (device.kind, device.counter) == (DeviceKind.TABLET, 3)
    assert accounts(closed, "device", "add", "tablet-3", *options) == 1
    assert "reissue" in capsys.readouterr().err
    assert accounts(closed, "device", "revoke", "tablet-3") == 0
    assert devices.get("tablet-3").passwords is None
    assert accounts(closed, "device", "list") == 0
    assert re.search(r"tablet-3 +tablet +counter 3 +revoked", capsys.readouterr().out)
    assert [what for what, *_ in noted(closed)] == ["device_added", "device_revoked"]


def test_a_running_centre_takes_it_at_its_door_and_learns_of_devices(
    tmp_path: Path, capsys: Said
) -> None:
    with house(tmp_path) as home:
        kiosk = home.enrol(DeviceKind.KIOSK, "kiosk-0")
        home.start()
        Authority.open(home.folder.authority, "test", dt.datetime.now(dt.UTC))
        assert add(home.folder) == 0
        assert found(home.folder, "hoa99") is not None
        options = ["--kind", "tablet", "--counter", "3"]
        assert accounts(home.folder, "device", "add", "tablet-3", *options) == 0
        said = capsys.readouterr()
        assert said.err == ""
        assert ("device_added", "tablet-3", "command") in noted(home.folder)
        assert home.link(kiosk).connected
        assert "Traceback" not in home.said()
        told = msgspec.json.decode(home.folder.first_login.read_bytes())
        name = next(iter(told))
        assert accounts(home.folder, "reset", name) == 0
        left = msgspec.json.decode(home.folder.first_login.read_bytes())
        assert set(told) - set(left) == {name}
