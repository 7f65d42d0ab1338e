"""Personal accounts: one person, one account; passwords as argon2 hashes only."""

from __future__ import annotations

import re
import secrets
import sqlite3
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ..wire.words import Frozen, Role

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
SHORTEST = 10
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}")
"""What an account may be called."""

hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id by the OWASP minimum (19 MiB, 2 passes): some 30 ms a login on a small machine."""


class Account(Frozen):
    account: str
    name: str
    role: Role
    password: str
    must_change: bool
    disabled: bool


class _Saved(Protocol):
    @property
    def account(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def password(self) -> str: ...
    @property
    def must_change(self) -> bool: ...
    @property
    def disabled(self) -> bool: ...


def save(conn: sqlite3.Connection, given: _Saved, at: int) -> None:
    """Make or change an account; an empty `password` keeps the present hash."""
    conn.execute(
        "INSERT INTO accounts (account, name, role, password, must_change, disabled, made_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(account) DO UPDATE SET name = excluded.name,"
        " role = excluded.role, must_change = excluded.must_change, disabled = excluded.disabled,"
        " password = CASE WHEN excluded.password = '' THEN password ELSE excluded.password END",
        (
            given.account,
            given.name,
            str(given.role),
            given.password,
            given.must_change,
            given.disabled,
            at,
        ),
    )


def find(conn: sqlite3.Connection, account: str) -> Account | None:
    row = conn.execute(
        "SELECT account, name, role, password, must_change, disabled FROM accounts"
        " WHERE account = ?",
        (account,),
    ).fetchone()
    return _account(row) if row else None


def everyone(conn: sqlite3.Connection) -> list[Account]:
    rows = conn.execute(
        "SELECT account, name, role, password, must_change, disabled FROM accounts ORDER BY account"
    ).fetchall()
    return [_account(row) for row in rows]


def _account(row: tuple[str, str, str, str, int, int]) -> Account:
    account, name, role, password, must_change, disabled = row
    return Account(
        account=account,
        name=name,
        role=Role(role),
        password=password,
        must_change=bool(must_change),
        disabled=bool(disabled),
    )


def verify(account: Account | None, password: str) -> bool:
    """Takes the same time whether or not the account exists."""
    stored = account.password if account is not None else _NOBODY
    try:
        hasher.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False
    return account is not None and not account.disabled


def random_password() -> str:
    """Twelve letters that are read aloud without confusion, some 59 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


_NOBODY = hasher.hash(secrets.token_urlsafe(16))
