"""The signed head of each day: where the log stood, under a key of its own, to be carried away.

Who rewrites the log can mend its hash chain and, holding the data folder, sign again; but not change
the heads that lie elsewhere. So `heads/<day>.json` is made to be copied to where he cannot reach.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ..line import events as e
from ..wire.files import write_whole
from ..wire.words import Frozen
from .log import Log

PUBLIC = "public.pem"
EXPORTED = 31
"""Days whose files are made again when they are missing."""


class Head(Frozen, forbid_unknown_fields=True):
    """The log's line `seq` is the last of `day` (or of a copy made on it). Bytes are hex."""

    day: str
    seq: int
    hash: str
    key: str
    signature: str

    def is_signed(self, key: Ed25519PublicKey | None = None) -> bool:
        """Whether `key` (none: the one it names itself) has signed it."""
        try:
            signer = key or Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            signer.verify(bytes.fromhex(self.signature), _said(self.day, self.seq, self.hash))
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class HeadKey:
    """The key that signs; made at the first start, mode 600."""

    private: Ed25519PrivateKey

    @classmethod
    def open(cls, path: Path) -> HeadKey:
        """The key in `path`, made when there is none. Raises OSError, ValueError for a torn file."""
        if not path.exists():
            write_whole(path, _private_pem(Ed25519PrivateKey.generate()))
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> HeadKey:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path}: not an Ed25519 key")
        return cls(key)

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    def sign(self, day: str, seq: int, hash_: bytes) -> Head:
        signature = self.private.sign(_said(day, seq, hash_.hex()))
        return Head(
            day=day,
            seq=seq,
            hash=hash_.hex(),
            key=self.public.public_bytes_raw().hex(),
            signature=signature.hex(),
        )


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _said(day: str, seq: int, hash_: str) -> bytes:
    return f"motcua head|{day}|{seq}|{hash_}".encode()


def keep(conn: sqlite3.Connection, head: Head) -> None:
    """Put a head in the table; a day's later head takes the place of its earlier one."""
    conn.execute(
        "INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT (day) DO UPDATE SET seq = excluded.seq,"
        " hash = excluded.hash, signature = excluded.signature WHERE excluded.seq >= seq",
        (head.day, head.seq, bytes.fromhex(head.hash), bytes.fromhex(head.signature)),
    )


def kept(conn: sqlite3.Connection, public: Ed25519PublicKey) -> list[Head]:
    """The heads of the table, oldest first, as signed by `public` (or not, which `is_signed` tells)."""
    key = public.public_bytes_raw().hex()
    rows = conn.execute("SELECT day, seq, hash, signature FROM heads ORDER BY seq").fetchall()
    return [
        Head(day=day, seq=seq, hash=hash_.hex(), key=key, signature=signature.hex())
        for day, seq, hash_, signature in rows
    ]


def sign_ended_days(conn: sqlite3.Connection, key: HeadKey) -> list[Head]:
    """Sign and keep the head of every day that has ended and has none; called in a transaction.

    A day ends where the next one starts: its head is the line before the next `DayStarted`.
    """
    since = conn.execute("SELECT coalesce(max(seq), 0) FROM heads").fetchone()[0]
    starts = conn.execute(
        "SELECT seq, body FROM events WHERE kind = 'DayStarted' ORDER BY seq"
    ).fetchall()
    made = []
    for (_, body), (end, _) in pairwise(starts):
        if end - 1 > since:
            made.append(_sign(conn, key, _day(body), end - 1))
    for head in made:
        keep(conn, head)
    return made


def sign_last(conn: sqlite3.Connection, key: HeadKey) -> Head | None:
    """Sign and keep the head as it stands now, under the running day; None for an empty log."""
    last = conn.execute("SELECT max(seq) FROM events").fetchone()[0]
    started = conn.execute(
        "SELECT body FROM events WHERE kind = 'DayStarted' ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    if last is None or started is None:
        return None
    head = _sign(conn, key, _day(started[0]), last)
    keep(conn, head)
    return head


@dataclass
class DailyHeads:
    """Signs and exports each day's head once the next day has started."""

    key: HeadKey
    folder: Path
    _day: str = ""

    def follow(self, log: Log, day: str) -> None:
        """`day` is the one that runs. Raises LogFull; OSError, after which it is tried again."""
        if day == self._day:
            return
        with log.transaction():
            sign_ended_days(log.conn, self.key)
        for head in kept(log.conn, self.key.public)[-EXPORTED:]:
            export(self.folder, head, self.key)
        self._day = day


def _sign(conn: sqlite3.Connection, key: HeadKey, day: str, seq: int) -> Head:
    hash_ = conn.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()[0]
    return key.sign(day, seq, hash_)


def _day(body: bytes) -> str:
    event = e.decode_event(body)
    assert isinstance(event, e.DayStarted)
    return event.day


def export(folder: Path, head: Head, key: HeadKey) -> None:
    """Write `<day>.json` and, beside it, the public key, where they are not yet. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    pem = key.public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for path, content in (
        (folder / PUBLIC, pem),
        (folder / f"{head.day}.json", msgspec.json.encode(head) + b"\n"),
    ):
        if not path.exists() or path.read_bytes() != content:
            write_whole(path, content, 0o644)


def read(place: Path) -> list[Head]:
    """The heads of a file or of a folder's `.json` files. Raises OSError, ValueError naming the file."""
    paths = sorted(place.glob("*.json")) if place.is_dir() else [place]
    heads = []
    for path in paths:
        try:
            heads.append(msgspec.json.decode(path.read_bytes(), type=Head))
        except msgspec.DecodeError as error:
            raise ValueError(f"{path}: not a head of a log ({error})") from error
    return heads
