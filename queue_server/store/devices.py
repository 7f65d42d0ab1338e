"""The devices of the centre: who may come in, by which one-time secret, with which password.

Server, command line and pages use it from processes of their own, so every change is one short
transaction (WAL, busy timeout). Passwords and secrets are kept as hashes only.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any

import bcrypt
import msgspec
from sqlite_utils import Database

from ..wire.enrol import SECRET_BYTES, make_code, split_code
from ..wire.link import Credentials
from ..wire.messages import DeviceConfig
from ..wire.topics import SAFE
from ..wire.words import DAY, DeviceKind, Frozen

CODE_LASTS_MS = DAY
BUSY_MS = 5_000
BCRYPT_ROUNDS = 4
"""The least there is: the passwords are 256 random bits, which no rounds make safer, and after a
restart of the broker each device's connect pays for them (1.3 ms at 4, 150 ms at 11)."""
PBKDF2_ROUNDS = 101
"""As `mosquitto_passwd` uses; the same thought."""


STEPS = (
    "CREATE TABLE IF NOT EXISTS devices ("
    " name TEXT PRIMARY KEY, kind TEXT NOT NULL, counter INTEGER, added_at INTEGER NOT NULL,"
    " enrolled_at INTEGER, revoked_at INTEGER, bcrypt TEXT, pbkdf2 TEXT)",
    "CREATE TABLE IF NOT EXISTS device_codes ("
    " secret TEXT PRIMARY KEY, device TEXT NOT NULL, expires_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS device_changes (count INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS device_configs ("
    " device TEXT PRIMARY KEY, version INTEGER NOT NULL, wanted TEXT NOT NULL, at INTEGER NOT NULL,"
    " by TEXT NOT NULL, firmware TEXT NOT NULL DEFAULT '{}')",
    "INSERT INTO device_changes SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM device_changes)",
)


class UnknownDevice(Exception):
    """No device of this name."""


class NameTaken(Exception):
    """A device of this name is there already; `reissue` gives it a new code."""


class CodeRefused(Exception):
    """The secret is unknown, used, or too old; which of them is nobody's business."""


class PasswordHashes(Frozen):
    """One password as each broker wants it: NATS bcrypt, Mosquitto PBKDF2-SHA512 (`$7$…`)."""

    bcrypt: str
    pbkdf2: str


class Device(Frozen):
    """A device as it is known. `passwords` is None until it has enrolled and once it is revoked."""

    name: str
    kind: DeviceKind
    added_at: int
    counter: int | None = None
    enrolled_at: int | None = None
    revoked_at: int | None = None
    passwords: PasswordHashes | None = None


class Wanted(Frozen):
    """What a device is to run with, since when (ms UTC) and by whose word."""

    config: DeviceConfig
    at: int
    by: str


class Enrolled(Frozen):
    """What a redeemed secret gives, this once: neither password nor client id is kept here."""

    device: Device
    password: str
    client_id: str

    def credentials(
        self, *, centre: str, host: str, port: int, web: str = "", ca: str = ""
    ) -> Credentials:
        """`host`, `port`: the broker as the device reaches it; `ca` PEM, empty on loopback."""
        return Credentials(
            device=self.device.name,
            kind=self.device.kind,
            centre=centre,
            host=host,
            port=port,
            username=self.device.name,
            password=self.password,
            client_id=self.client_id,
            counter=self.device.counter,
            web=web,
            ca=ca,
        )


def random_password() -> str:
    """256 bits, in letters that every file format and keyboard takes."""
    return secrets.token_urlsafe(32)


def hash_password(password: str, salt: bytes | None = None) -> PasswordHashes:
    """`salt`: 12 bytes for PBKDF2, random when not given; bcrypt always makes its own."""
    return PasswordHashes(
        bcrypt=bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode(),
        pbkdf2=_pbkdf2(password, salt or os.urandom(12)),
    )


def _pbkdf2(password: str, salt: bytes) -> str:
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PBKDF2_ROUNDS)
    return f"$7${PBKDF2_ROUNDS}${_base64(salt)}${_base64(digest)}"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


class Devices:
    """The table of devices; all times are ms UTC and come from the caller."""

    def __init__(
        self,
        place: Database | Path,
        fingerprint: str,
        code_lasts_ms: int = CODE_LASTS_MS,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`fingerprint`: of the centre's authority, which each code carries a part of."""
        self._db = place if isinstance(place, Database) else Database(place)
        self._db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        _enable_wal(self._db)
        self._fingerprint = fingerprint
        self._code_lasts_ms = code_lasts_ms
        self._random_bytes = random_bytes
        with _writing(self._db):
            for step in STEPS:
                self._db.execute(step)

    def add(self, kind: DeviceKind, name: str, counter: int | None, now: int) -> str:
        """The one-time code that lets a new device in. Raises NameTaken; ValueError for a bad
        name.
        """
        if not SAFE.fullmatch(name):
            raise ValueError(f"device name {name!r}: small letters, digits, - and _ only")
        with self._changing():
            row = {"name": name, "kind": kind, "counter": counter, "added_at": now}
            known = self._row(name)
            if known is None:
                self._write(
                    "INSERT INTO devices (name, kind, counter, added_at)"
                    " VALUES (:name, :kind, :counter, :added_at)",
                    row,
                )
            elif known["revoked_at"] is None:
                raise NameTaken(name)
            else:
                self._write(
                    "UPDATE devices SET kind = :kind, counter = :counter, added_at = :added_at,"
                    " enrolled_at = NULL, revoked_at = NULL WHERE name = :name",
                    row,
                )
            return self._new_code(name, now)

    def reissue(self, name: str, now: int) -> str:
        """A new code for a device that is there: its password stays good until the code is used.

        Raises UnknownDevice, also for one that was revoked.
        """
        with self._changing():
            known = self._row(name)
            if known is None or known["revoked_at"] is not None:
                raise UnknownDevice(name)
            return self._new_code(name, now)

    def redeem(self, secret: str, now: int) -> Enrolled:
        """Use the secret part of a code, once. Raises CodeRefused."""
        password = random_password()
        hashes = hash_password(password)
        with self._changing():
            name = self._use_secret(secret, now)
            self._write(
                "UPDATE devices SET enrolled_at = ?, bcrypt = ?, pbkdf2 = ? WHERE name = ?",
                [now, hashes.bcrypt, hashes.pbkdf2, name],
            )
            device = self.get(name)
        return Enrolled(device=device, password=password, client_id=secrets.token_hex(16))

    def revoke(self, name: str, now: int) -> None:
        """Shut a device out; its codes and password are forgotten. Raises UnknownDevice."""
        with self._changing():
            if self._row(name) is None:
                raise UnknownDevice(name)
            self._write(
                "UPDATE devices SET revoked_at = ?, bcrypt = NULL, pbkdf2 = NULL WHERE name = ?",
                [now, name],
            )
            self._write("DELETE FROM device_codes WHERE device = ?", [name])
            self._want(name, {}, now, "", {})

    def configure(self, name: str, values: dict[str, Any], now: int, by: str) -> DeviceConfig:
        """Want a device to run with these values in place of all that was wanted before. Raises UnknownDevice."""
        with _writing(self._db):
            known = self._row(name)
            if known is None or known["revoked_at"] is not None:
                raise UnknownDevice(name)
            return self._want(name, values, now, by)

    def want_firmware(self, bridge: str, terminal: str, package: str, now: int, by: str) -> None:
        """Want a terminal of a bridge to run a package ("": none is wanted any more). Raises UnknownDevice."""
        with _writing(self._db):
            known = self._row(bridge)
            if known is None or known["revoked_at"] or known["kind"] != DeviceKind.BRIDGE:
                raise UnknownDevice(bridge)
            before = self.wanted().get(bridge)
            config = before.config if before else DeviceConfig(version=0)
            firmware = {**config.firmware, terminal: package}
            firmware = {name: one for name, one in firmware.items() if one}
            self._want(bridge, config.values, now, by, firmware)

    def wanted(self) -> dict[str, Wanted]:
        """By device; one of whom nothing was ever wanted is left out."""
        rows = self._db.query(
            "SELECT c.* FROM device_configs c JOIN devices d ON d.name = c.device"
            " WHERE d.revoked_at IS NULL"
        )
        return {row["device"]: _wanted(row) for row in rows}

    def get(self, name: str) -> Device:
        """Raises UnknownDevice."""
        row = self._row(name)
        if row is None:
            raise UnknownDevice(name)
        return _device(row)

    def list(self) -> tuple[Device, ...]:
        """All that ever were, revoked ones as well, by name."""
        return tuple(_device(row) for row in self._db.query("SELECT * FROM devices ORDER BY name"))

    def changes(self) -> int:
        """Counts every change, by any process: the broker's users are out of date when it grows."""
        return int(self._db.execute("SELECT count FROM device_changes").fetchone()[0])

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with _writing(self._db):
            self._write("UPDATE device_changes SET count = count + 1", [])
            yield

    def _want(
        self,
        name: str,
        values: dict[str, Any],
        now: int,
        by: str,
        firmware: dict[str, str] | None = None,
    ) -> DeviceConfig:
        """Versions of a name go on counting when it is revoked and added anew. `firmware` None: as before."""
        wanted = None if firmware is None else msgspec.json.encode(firmware).decode()
        self._write(
            "INSERT INTO device_configs (device, version, wanted, at, by, firmware)"
            " VALUES (:device, 1, :values, :at, :by, coalesce(:firmware, '{}'))"
            " ON CONFLICT (device) DO UPDATE SET version = version + 1, wanted = :values,"
            " at = :at, by = :by, firmware = coalesce(:firmware, firmware)",
            {
                "device": name,
                "values": msgspec.json.encode(values).decode(),
                "at": now,
                "by": by,
                "firmware": wanted,
            },
        )
        row = next(self._db.query("SELECT * FROM device_configs WHERE device = ?", [name]))
        return _wanted(row).config

    def _new_code(self, name: str, now: int) -> str:
        code = make_code(self._random_bytes(SECRET_BYTES), self._fingerprint)
        secret, _ = split_code(code)
        self._write("DELETE FROM device_codes WHERE device = ?", [name])
        self._write(
            "INSERT INTO device_codes (secret, device, expires_at) VALUES (?, ?, ?)",
            [_sealed(secret), name, now + self._code_lasts_ms],
        )
        return code

    def _use_secret(self, secret: str, now: int) -> str:
        """The device that the secret is for. Raises CodeRefused."""
        used = self._db.execute(
            "DELETE FROM device_codes WHERE secret = ? AND expires_at > ? RETURNING device",
            [_sealed(secret), now],
        ).fetchall()
        if not used:
            raise CodeRefused()
        return str(used[0][0])

    def _row(self, name: str) -> dict[str, Any] | None:
        return next(iter(self._db.query("SELECT * FROM devices WHERE name = ?", [name])), None)

    def _write(self, sql: str, values: Sequence[object] | dict[str, Any]) -> None:
        self._db.execute(sql, values)


def _enable_wal(db: Database) -> None:
    """SQLite does not wait its busy timeout for this one, so two first starts try again."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            return db.enable_wal()
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@contextmanager
def _writing(db: Database) -> Iterator[None]:
    """A transaction that holds the write lock from its start.

    SQLite refuses at once, whatever the busy timeout, when a transaction that has read wants to
    write after another process has written; one that begins by writing waits its turn instead.
    """
    if db.conn.in_transaction:
        with db.atomic():
            yield
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def _sealed(secret: str) -> str:
    return hashlib.sha256(b"motcua device code " + secret.encode()).hexdigest()


def _wanted(row: dict[str, Any]) -> Wanted:
    values = msgspec.json.decode(row["wanted"])
    firmware = msgspec.json.decode(row["firmware"])
    config = DeviceConfig(version=row["version"], values=values, firmware=firmware)
    return Wanted(config=config, at=row["at"], by=row["by"])


def _device(row: dict[str, Any]) -> Device:
    passwords = None
    if row["bcrypt"] and row["pbkdf2"]:
        passwords = PasswordHashes(bcrypt=row["bcrypt"], pbkdf2=row["pbkdf2"])
    return Device(
        name=row["name"],
        kind=DeviceKind(row["kind"]),
        counter=row["counter"],
        added_at=row["added_at"],
        enrolled_at=row["enrolled_at"],
        revoked_at=row["revoked_at"],
        passwords=passwords,
    )
