"""The table of devices: codes that work once and not for ever, and two processes at a time."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from sqlite_utils import Database

from queue_server.store.devices import (
    CODE_LASTS_MS,
    CodeRefused,
    Devices,
    NameTaken,
    UnknownDevice,
    hash_password,
)
from queue_server.wire.enrol import split_code
from queue_server.wire.words import DeviceKind

FINGERPRINT = "ab" * 32


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[Devices]:
    with contextlib.closing(Devices(tmp_path / "devices.db", FINGERPRINT)) as made:
        yield made


def secret_of(code: str) -> str:
    return split_code(code)[0]


def test_a_code_lets_its_device_in_once(devices: Devices) -> None:
    secret = secret_of(devices.add(DeviceKind.TABLET, "tablet-3", 3, now=0))
    enrolled = devices.redeem(secret, now=1)
    assert (enrolled.device.name, enrolled.device.counter) == ("tablet-3", 3)
    with pytest.raises(CodeRefused):
        devices.redeem(secret, now=2)


def test_a_code_ends_after_a_day(devices: Devices) -> None:
    secret = secret_of(devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0))
    with pytest.raises(CodeRefused):
        devices.redeem(secret, now=CODE_LASTS_MS)


def test_the_file_holds_neither_password_nor_secret_nor_client_id(
    devices: Devices, tmp_path: Path
) -> None:
    secret = secret_of(devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0))
    other = secret_of(devices.add(DeviceKind.KIOSK, "kiosk-2", None, now=0))
    enrolled = devices.redeem(secret, now=1)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for private in (secret, other, enrolled.password, enrolled.client_id):
        assert private.encode() not in files
    hashes = enrolled.device.passwords
    assert hashes is not None
    assert bcrypt.checkpw(enrolled.password.encode(), hashes.bcrypt.encode())


def test_a_new_code_voids_the_one_before_and_the_password_stays_until_it_is_used(
    devices: Devices,
) -> None:
    first = secret_of(devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0))
    second = secret_of(devices.reissue("kiosk-1", now=1))
    with pytest.raises(CodeRefused):
        devices.redeem(first, now=2)
    before = devices.redeem(second, now=2).device.passwords
    third = secret_of(devices.reissue("kiosk-1", now=3))
    assert devices.get("kiosk-1").passwords == before
    assert devices.redeem(third, now=4).device.passwords != before


def test_a_revoked_device_loses_password_and_codes_and_may_be_added_again(
    devices: Devices,
) -> None:
    devices.redeem(secret_of(devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0)), now=1)
    open_code = secret_of(devices.reissue("kiosk-1", now=2))
    devices.revoke("kiosk-1", now=3)
    assert devices.get("kiosk-1").passwords is None
    with pytest.raises(CodeRefused):
        devices.redeem(open_code, now=4)
    with pytest.raises(UnknownDevice):
        devices.reissue("kiosk-1", now=4)
    devices.add(DeviceKind.TABLET, "kiosk-1", 2, now=5)
    assert devices.get("kiosk-1").kind is DeviceKind.TABLET


def test_names_are_unique_and_fit_into_topics(devices: Devices) -> None:
    devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0)
    with pytest.raises(NameTaken):
        devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0)
    for bad in ("Kiosk", "a.b", "a/b", "#", "+", "", "a b", "a\n"):
        with pytest.raises(ValueError):
            devices.add(DeviceKind.KIOSK, bad, None, now=0)
    with pytest.raises(UnknownDevice):
        devices.revoke("nobody", now=0)


def test_every_change_is_counted_and_a_refused_one_is_not(devices: Devices) -> None:
    before = devices.changes()
    devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0)
    assert devices.changes() == before + 1
    with pytest.raises(CodeRefused):
        devices.redeem("NOSUCHSECRET", now=1)
    assert devices.changes() == before + 1


def test_it_takes_part_in_the_callers_transaction(tmp_path: Path) -> None:
    db = Database(tmp_path / "centre.db")
    devices = Devices(db, FINGERPRINT)
    db.begin()
    devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0)
    db.rollback()
    assert devices.list() == ()


def test_the_same_password_and_salt_give_the_same_mosquitto_hash() -> None:
    salt = b"twelve bytes"
    assert hash_password("x", salt).pbkdf2 == hash_password("x", salt).pbkdf2
    assert hash_password("x", salt).pbkdf2 != hash_password("y", salt).pbkdf2


def _enrol_many(path: Path, who: str, start: multiprocessing.synchronize.Barrier) -> None:
    start.wait(20)
    own = Devices(path, FINGERPRINT)
    for number in range(25):
        code = own.add(DeviceKind.KIOSK, f"{who}-{number}", None, now=0)
        own.redeem(secret_of(code), now=1)


def _redeem_one(path: Path, secret: str, start, won) -> None:
    own = Devices(path, FINGERPRINT)
    start.wait(20)
    try:
        own.redeem(secret, now=1)
        won.put(True)
    except CodeRefused:
        won.put(False)


def test_two_processes_write_at_once_from_the_very_first_start(tmp_path: Path) -> None:
    path = tmp_path / "devices.db"
    spawn = multiprocessing.get_context("fork")
    start = spawn.Barrier(2)
    both = [spawn.Process(target=_enrol_many, args=(path, who, start)) for who in "ab"]
    for process in both:
        process.start()
    for process in both:
        process.join(30)
    assert [process.exitcode for process in both] == [0, 0]
    enrolled = [d for d in Devices(path, FINGERPRINT).list() if d.passwords]
    assert len(enrolled) == 50


def test_one_code_raced_for_by_two_processes_is_won_by_one(
    devices: Devices, tmp_path: Path
) -> None:
    spawn = multiprocessing.get_context("fork")
    secret = secret_of(devices.add(DeviceKind.KIOSK, "kiosk-1", None, now=0))
    start, won = spawn.Barrier(2), spawn.Queue()
    args = (tmp_path / "devices.db", secret, start, won)
    both = [spawn.Process(target=_redeem_one, args=args) for _ in range(2)]
    for process in both:
        process.start()
    assert sorted(won.get(timeout=20) for _ in both) == [False, True]
    for process in both:
        process.join(20)
