"""Digitised papers: sealed files in `<data>/papers/`, and the table of which person's they are.

A dossier's files lie in a folder of its own, named by the reference that the log knows, each sealed with the
dossier's key, which lies in the vault. They are written before the dossier is in the log; a folder of which no
living dossier tells was never filed, or was forgotten, and is cleared away after an hour.
"""

from __future__ import annotations

import hmac
import os
import re
import shutil
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..dossiers.search import fold
from ..wire.files import sync_folder, write_new
from ..wire.words import Frozen
from .vault import CannotUnseal

FOLDER = "papers"
DRAFT = ".draft-"
COMING = ".coming"
ORPHAN_S = 3600.0


class Papers:
    """The files below `<data>/papers`. A folder is there whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root / FOLDER

    def incoming(self, name: str) -> Path:
        """Where a package that is coming in is laid for the moment. Raises OSError."""
        folder = self._root / COMING
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / name

    def write(self, ref: str, key: bytes, files: Sequence[bytes]) -> None:
        """Seal and keep the files of one dossier. Raises OSError, after which nothing of it is there."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._root / f"{DRAFT}{ref}"
        try:
            draft.mkdir(mode=0o700)
            cipher = AESGCM(key)
            for n, content in enumerate(files, 1):
                nonce = os.urandom(12)
                sealed = nonce + cipher.encrypt(nonce, content, f"{ref}/{n}".encode())
                write_new(draft / name_of(n), sealed)
            sync_folder(draft)
            draft.rename(self._root / ref)
            sync_folder(self._root)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise

    def read(self, ref: str, key: bytes, n: int) -> bytes:
        """The `n`-th paper (from 1). Raises FileNotFoundError, CannotUnseal."""
        sealed = (self._root / ref / name_of(n)).read_bytes()
        try:
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], f"{ref}/{n}".encode())
        except InvalidTag as error:
            raise CannotUnseal(f"{ref}/{n}") from error

    def drop(self, ref: str) -> None:
        shutil.rmtree(self._root / ref, ignore_errors=True)

    def count(self, ref: str) -> int:
        """How many files a dossier has."""
        return sum(1 for _ in (self._root / ref).glob("*.sealed"))

    def tidy(self, living: Iterable[str], now: float) -> int:
        """Clear away what no living dossier tells of and is older than an hour; `now` in seconds."""
        if not self._root.is_dir():
            return 0
        keep, gone = set(living), 0
        coming = self._root / COMING
        for path in [*self._root.iterdir(), *(coming.iterdir() if coming.is_dir() else ())]:
            if path.name in keep or path == coming or now - _age(path) < ORPHAN_S:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            gone += 1
        return gone


def name_of(n: int) -> str:
    return f"{n:02d}.sealed"


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def living(conn: sqlite3.Connection) -> list[str]:
    """References of the dossiers whose key is still there."""
    rows = conn.execute(
        "SELECT sealed FROM dossiers WHERE dossier IN (SELECT visit FROM vault_keys)"
    ).fetchall()
    return [row[0] for row in rows]


# --- whose they are -----------------------------------------------------------------------------


class Owner(Frozen):
    """A person as the table knows her: keyed hashes of her number, and of number and name together."""

    number: bytes = b""
    both: bytes = b""


class Owners:
    """Hashes under a key of their own, derived from the master key: who has the table alone learns nobody."""

    def __init__(self, master: bytes) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=b"motcua paper owner 1").derive(master)

    def of(self, number: str, name: str) -> Owner:
        """Nobody, where there is no number."""
        plain = re.sub(r"[\s.-]", "", unicodedata.normalize("NFKC", number)).upper()
        if not plain:
            return Owner()
        called = " ".join(fold(name).split())
        return Owner(number=self._hash(plain), both=self._hash(f"{plain}\n{called}"))

    def _hash(self, text: str) -> bytes:
        return hmac.new(self._key, text.encode(), sha256).digest()


class Paper(Frozen):
    """A line of the table. `paper`: its reference, `<dossier>.<n>`; owner and `type` are the two columns of
    its code (mã số giấy tờ số hóa), `revision` counts the owner's papers of this type."""

    paper: str
    dossier: str
    n: int
    type: str
    revision: int
    kind: str
    pages: int
    kept: bool
    filed_at: int


_LINE = "paper, dossier, n, type, revision, kind, pages, kept, filed_at"
_HERS = (
    "owner = ? AND owner_check = ? AND kept AND dossier IN (SELECT visit FROM vault_keys) AND dossier IN"
    " (SELECT dossier FROM dossiers WHERE status NOT IN ('refused', 'withdrawn', 'prepared'))"
)


def note(
    conn: sqlite3.Connection,
    dossier: str,
    n: int,
    owner: Owner,
    type_: str,
    kind: str,
    pages: int,
    kept: bool,
    at: int,
) -> None:
    """Write a paper into the table, in the transaction in which its dossier is filed.

    The column `sha` stays empty: nobody reads it, and a sum of what lies sealed would tell it from others.
    """
    newest = conn.execute(
        "SELECT coalesce(max(revision), 0) FROM papers WHERE owner = ? AND type = ? AND owner != x''",
        (owner.number, type_),
    ).fetchone()[0]
    conn.execute(
        "INSERT OR IGNORE INTO papers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(f"{dossier}.{n}", dossier, n, owner.number, owner.both, type_),
            *(newest + 1, kind, pages, "", kept, at),
        ),
    )


def held(conn: sqlite3.Connection, owner: Owner, types: Iterable[str]) -> dict[str, Paper]:
    """By type the newest paper of this person that was kept with her consent and is still there."""
    if not owner.number:
        return {}
    wanted = set(types)
    rows = conn.execute(
        f"SELECT {_LINE} FROM papers WHERE {_HERS} ORDER BY filed_at, revision",
        (owner.number, owner.both),
    ).fetchall()
    found = [_paper(row) for row in rows]
    return {paper.type: paper for paper in found if paper.type in wanted}


def is_hers(conn: sqlite3.Connection, ref: str, owner: Owner) -> Paper | None:
    """The paper `ref`, if this very person may use it again."""
    row = conn.execute(
        f"SELECT {_LINE} FROM papers WHERE {_HERS} AND owner != x'' AND paper = ?",
        (owner.number, owner.both, ref),
    ).fetchone()
    return _paper(row) if row else None


def of_dossier(conn: sqlite3.Connection, dossier: str) -> list[Paper]:
    rows = conn.execute(f"SELECT {_LINE} FROM papers WHERE dossier = ? ORDER BY n", (dossier,))
    return [_paper(row) for row in rows.fetchall()]


def forget(conn: sqlite3.Connection) -> int:
    """Strike out the papers of dossiers whose key is gone; returns how many."""
    return conn.execute(
        "DELETE FROM papers WHERE dossier NOT IN (SELECT visit FROM vault_keys)"
    ).rowcount


def _paper(row: tuple[object, ...]) -> Paper:
    paper, dossier, n, type_, revision, kind, pages, kept, at = row
    return Paper(
        paper=str(paper),
        dossier=str(dossier),
        n=int(str(n)),
        type=str(type_),
        revision=int(str(revision)),
        kind=str(kind),
        pages=int(str(pages)),
        kept=bool(kept),
        filed_at=int(str(at)),
    )
