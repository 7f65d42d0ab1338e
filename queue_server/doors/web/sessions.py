"""Who is logged in: sessions kept in their own small file, ended by log-out, time or a change of account."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ...wire.words import Role

COOKIE = "motcua_session"
FREE_TRIES = 5
LONGEST_WAIT_S = 900.0


@dataclass(frozen=True)
class Session:
    """A person at work. `key` is the hash of her token; the token itself is with her alone."""

    key: str
    account: str
    name: str
    role: Role
    expires: float
    must_change: bool = False


class TooManyTries(Exception):
    """Log-in is closed for this name or address for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class Sessions:
    """`minutes`: how long a session lasts from log-in."""

    def __init__(self, path: Path, minutes: int) -> None:
        self._lasts = minutes * 60.0
        self._conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._conn.execute("PRAGMA journal_mode=WAL")
        self._conn.execute(
            "CREATE TABLE IF NOT EXISTS sessions (key TEXT PRIMARY KEY, account TEXT NOT NULL,"
            " name TEXT NOT NULL, role TEXT NOT NULL, expires REAL NOT NULL,"
            " must_change INTEGER NOT NULL)"
        )
        path.chmod(0o600)

    def close(self) -> None:
        self._conn.close()

    def start(self, account: str, name: str, role: Role, must_change: bool, now: float) -> str:
        """A new session's token."""
        token = secrets.token_urlsafe(32)
        self._conn.execute("DELETE FROM sessions WHERE expires < ?", (now,))
        self._conn.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)",
            (_key(token), account, name, str(role), now + self._lasts, must_change),
        )
        return token

    def find(self, token: str, now: float) -> Session | None:
        return self.alive(_key(token), now)

    def alive(self, key: str, now: float) -> Session | None:
        """The session if it still holds; an open page asks this before everything it does."""
        row = self._conn.execute(
            "SELECT key, account, name, role, expires, must_change FROM sessions"
            " WHERE key = ? AND expires > ?",
            (key, now),
        ).fetchone()
        if row is None:
            return None
        return Session(row[0], row[1], row[2], Role(row[3]), row[4], bool(row[5]))

    def end(self, key: str) -> None:
        self._conn.execute("DELETE FROM sessions WHERE key = ?", (key,))

    def end_account(self, account: str, but: str = "") -> None:
        """End all sessions of a person (her password, role or right to come in has changed)."""
        self._conn.execute("DELETE FROM sessions WHERE account = ? AND key != ?", (account, but))

    def password_changed(self, key: str) -> None:
        self._conn.execute("UPDATE sessions SET must_change = 0 WHERE key = ?", (key,))


@dataclass
class Throttle:
    """Log-in tries by name and by address: five free, then a wait that doubles to 15 minutes."""

    _failed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _until: dict[str, float] = field(default_factory=dict)

    def check(self, keys: tuple[str, ...], now: float) -> None:
        """Raises TooManyTries."""
        wait = max((self._until.get(k, 0.0) - now for k in keys), default=0.0)
        if wait > 0:
            raise TooManyTries(wait)

    def failed(self, keys: tuple[str, ...], now: float) -> None:
        for key in keys:
            self._failed[key] += 1
            over = self._failed[key] - FREE_TRIES
            if over >= 0:
                self._until[key] = now + min(LONGEST_WAIT_S, 2.0 ** min(over + 1, 12))

    def passed(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            self._failed.pop(key, None)
            self._until.pop(key, None)
