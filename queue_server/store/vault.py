"""Personal data, sealed: AES-256-GCM under a key per visit, each key wrapped by the master key.

The log holds references only. Destroying a visit's key forgets all that was sealed under it; the
purged visits are remembered by id, so that a restore forgets them again. The master key lies outside
the data folder and the backup.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..wire.files import write_whole
from .schema import CannotOpen, connect


class CannotUnseal(Exception):
    """The master key is not the one that sealed this, or the sealed bytes were changed."""


def master_key(path: Path) -> bytes:
    """The 32-byte master key; made at first start, mode 600."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, AESGCM.generate_key(256))
    return path.read_bytes()


def require_key(database: Path, key: Path) -> None:
    """Raises CannotOpen when data is sealed but the master key is away, before a new one is made that
    opens none of it."""
    if key.exists() or not database.exists():
        return
    conn = connect(database, read_only=True)
    try:
        sealed = conn.execute("SELECT count(*) FROM vault_keys").fetchone()[0]
    except sqlite3.OperationalError:
        sealed = 0  # the first start was cut off before there was a vault
    finally:
        conn.close()
    if sealed:
        raise CannotOpen(f"the vault's master key is not at {key}: bring it back from its own copy")


def new_ref() -> str:
    return secrets.token_hex(12)


class Vault:
    """Works on the connection of the writer (or of a reader); commits nothing by itself."""

    def __init__(self, conn: sqlite3.Connection, master: bytes) -> None:
        self._conn = conn
        self._master = AESGCM(master)

    def seal(
        self, visit: str, kind: str, data: bytes, purge_at: int, ref: str = "", door: str = ""
    ) -> str:
        """Seal `data` under the visit's key, kept until `purge_at` (ms) or later; returns the reference.

        `ref` (from `new_ref`) where an event named it before; `door`: a hash by which the visitor's
        own token finds the visit again. What belongs to a visit that was forgotten and has no time of its
        own (`purge_at` 0) is not kept: its reference opens nothing.
        """
        ref = ref or new_ref()
        key = self._key(visit)
        if key is None and not purge_at and self._is_forgotten(visit):
            return ref
        if key is None:
            key = AESGCM.generate_key(256)
            self._conn.execute(
                "INSERT INTO vault_keys (visit, wrapped, purge_at, door) VALUES (?, ?, ?, ?)",
                (visit, _lock(self._master, key, visit), purge_at, door),
            )
        else:
            self._conn.execute(
                "UPDATE vault_keys SET purge_at = max(purge_at, ?),"
                " door = CASE WHEN ? = '' THEN door ELSE ? END WHERE visit = ?",
                (purge_at, door, door, visit),
            )
        self._conn.execute(
            "INSERT INTO vault_items (ref, visit, kind, sealed) VALUES (?, ?, ?, ?)",
            (ref, visit, kind, _lock(AESGCM(key), data, ref)),
        )
        return ref

    def open(self, ref: str) -> bytes | None:
        """What was sealed, or None if it has been purged; raises CannotUnseal."""
        row = self._conn.execute(
            "SELECT visit, sealed FROM vault_items WHERE ref = ?", (ref,)
        ).fetchone()
        key = self._key(row[0]) if row else None
        return _unlock(AESGCM(key), row[1], ref) if key else None

    def find(self, visit: str, kind: str) -> list[bytes]:
        """All that was sealed of this kind for a visit, oldest first."""
        key = self._key(visit)
        if key is None:
            return []
        rows = self._conn.execute(
            "SELECT ref, sealed FROM vault_items WHERE visit = ? AND kind = ? ORDER BY rowid",
            (visit, kind),
        ).fetchall()
        return [_unlock(AESGCM(key), sealed, ref) for ref, sealed in rows]

    def keep_until(self, visit: str, purge_at: int) -> None:
        """Not purged before `purge_at` (ms)."""
        self._conn.execute(
            "UPDATE vault_keys SET purge_at = max(purge_at, ?) WHERE visit = ?", (purge_at, visit)
        )

    def visit_behind(self, door: str) -> str | None:
        row = self._conn.execute(
            "SELECT visit FROM vault_keys WHERE door = ? AND door != ''", (door,)
        ).fetchone()
        return row[0] if row else None

    def purge(self, now: int) -> int:
        """Destroy the keys whose time has come; returns how many visits were forgotten."""
        due = [
            r[0]
            for r in self._conn.execute(
                "SELECT visit FROM vault_keys WHERE purge_at <= ?", (now,)
            ).fetchall()
        ]
        for visit in due:
            self.forget(visit, now)
        return len(due)

    def forget(self, visit: str, now: int) -> None:
        self._conn.execute("DELETE FROM vault_items WHERE visit = ?", (visit,))
        self._conn.execute("DELETE FROM vault_keys WHERE visit = ?", (visit,))
        self._conn.execute("INSERT OR IGNORE INTO vault_purged VALUES (?, ?)", (visit, now))

    def unreadable(self) -> list[str]:
        """Visits whose key the master key does not open."""
        lost = []
        for visit, wrapped in self._conn.execute("SELECT visit, wrapped FROM vault_keys"):
            try:
                _unlock(self._master, wrapped, visit)
            except CannotUnseal:
                lost.append(visit)
        return lost

    def _is_forgotten(self, visit: str) -> bool:
        row = self._conn.execute("SELECT 1 FROM vault_purged WHERE visit = ?", (visit,)).fetchone()
        return row is not None

    def _key(self, visit: str) -> bytes | None:
        row = self._conn.execute(
            "SELECT wrapped FROM vault_keys WHERE visit = ?", (visit,)
        ).fetchone()
        return _unlock(self._master, row[0], visit) if row else None


def _lock(key: AESGCM, data: bytes, about: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + key.encrypt(nonce, data, about.encode())


def _unlock(key: AESGCM, sealed: bytes, about: str) -> bytes:
    try:
        return key.decrypt(sealed[:12], sealed[12:], about.encode())
    except InvalidTag as error:
        raise CannotUnseal(about) from error
