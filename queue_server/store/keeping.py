"""Backups of a running centre, and a centre brought back from one in a new epoch.

A backup is one tar file with a manifest of SHA-256 sums. It holds all that a centre needs but the
vault's master key, the web sessions and what can be made again (broker, speech).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import shutil
import sqlite3
import tarfile
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec

from ..line import events as e
from ..line import orders as o
from ..line.decide import decide
from ..line.state import State, apply
from ..wire.files import CHUNK, sha256, sync_folder, write_whole
from ..wire.words import DAY, MINUTE, Frozen, day_of
from . import heads, papers
from .heads import HeadKey
from .log import GENESIS, Log, load, rows
from .schema import CannotOpen, connect
from .vault import Vault
from .verify import Chain

DATABASES = ("centre.db", "devices.db")
FILES = (
    "catalogue.db",  # replaced whole when it changes, so that a plain copy is a whole one
    "everyday.toml",
    "server-secret.json",
    "head-key.pem",
    "web-secret",
    "nicegui-secret",
    "first-login.json",
)
FOLDERS = ("authority", "heads", "forms", "surveys", "firmware")
SETTINGS = "settings.toml"
MANIFEST = "manifest.json"
PURGED = "purged.json"
PART = ".motcua-part-"
PAGES_AT_ONCE = 256
REST_S = 0.004
"""After each megabyte the disk is left to the line's own commits for a moment."""
LARGEST_MANIFEST = 1_000_000
RESTORER = e.Actor(device="restore")


class NoBackup(Exception):
    """A backup could not be made; the text is one line."""


class Unfit(Exception):
    """A backup cannot be brought back as it is; the text says why in one line."""


class Member(Frozen):
    name: str
    size: int
    sha256: str


class Manifest(Frozen):
    """What a backup holds. `at` in ms, `seq` and `head` (hex) where its log ends."""

    centre: str
    at: int
    epoch: int
    day: str
    seq: int
    head: str
    members: tuple[Member, ...]
    fault: str = ""
    """Where the log's chain was found broken when it was copied; empty when it is sound."""
    layout: int = 1


class Terms(Frozen):
    """On what terms a backup is brought back.

    `margin` (none: the rules' own) and `highest`, ordinals by service letter that were seen on
    paper, are for `jump`. `purged`: visits that were forgotten since, with when (ms).
    """

    margin: int | None = None
    highest: dict[str, int] = {}
    purged: dict[str, int] = {}
    forget_all: bool = False
    damaged: bool = False
    """Bring it back although its log is broken."""


class Restored(Frozen):
    """A centre brought back: its numbers go on per service as (in the copy, now)."""

    manifest: Manifest
    epoch: int
    numbers: dict[str, tuple[int, int]]
    forgotten: int
    sealed: int


# --- making one ---


def back_up(
    root: Path, to: Path, settings: Path | None, key: HeadKey, now: int, keep: int
) -> tuple[Path, Manifest]:
    """Copy the centre in `root`, running or not, into a new file in `to`; `keep` newest stay there.

    Writes nothing to the centre's databases. A copy whose log is broken says so in its manifest and
    pushes no older one out. Raises NoBackup; CannotOpen; OSError.
    """
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    _refuse_without_room(root, to)
    with _parts(to) as parts:
        _copy_all(root, parts, settings)
        manifest = _seal(parts, key, root / "heads", now)
        stamp = dt.datetime.fromtimestamp(now / 1000, dt.UTC).strftime("%Y%m%d-%H%M%SZ")
        path = to / f"motcua-{manifest.centre}-{stamp}-seq{manifest.seq}.tar"
        _pack(parts, manifest, path)
        write_whole(to / PURGED, purged_list(parts / "centre.db"))
    if not manifest.fault:
        _drop_older(to, manifest.centre, keep)
    return path, manifest


def _refuse_without_room(root: Path, to: Path) -> None:
    wanted = 2 * sum((root / n).stat().st_size for n in DATABASES if (root / n).exists())
    kept = root / papers.FOLDER
    # Beside the tar, papers take room only where they cannot have a second name.
    times = 1 if kept.is_dir() and kept.stat().st_dev == to.stat().st_dev else 2
    wanted += times * sum(size for _, size in _papers(kept))
    free = shutil.disk_usage(to).free
    if free < wanted + CHUNK:
        raise NoBackup(f"{to}: {wanted >> 20} MB are needed and {free >> 20} MB are free")


@contextlib.contextmanager
def _parts(to: Path) -> Iterator[Path]:
    """A folder for the copy in the making; what a killed backup left is cleared away."""
    for left in to.glob(f"{PART}*"):
        if not _lives(left.name.removeprefix(PART)):
            shutil.rmtree(left, ignore_errors=True)
    place = to / f"{PART}{os.getpid()}"
    place.mkdir(mode=0o700)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _lives(pid: str) -> bool:
    return pid.isdecimal() and int(pid) != os.getpid() and Path(f"/proc/{pid}").exists()


def _copy_all(root: Path, parts: Path, settings: Path | None) -> None:
    for name in DATABASES:
        if (root / name).exists():
            copy_database(root / name, parts / name)
    for name in FILES:
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(root / name, parts / name)
    for name in FOLDERS:
        if (root / name).is_dir():
            ignored = shutil.ignore_patterns("*.new")
            shutil.copytree(root / name, parts / name, copy_function=_copy, ignore=ignored)
    for path, _ in _papers(root / papers.FOLDER):
        target = parts / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(str(path), str(target))
    if settings is not None:
        shutil.copyfile(settings, parts / SETTINGS)


def _papers(kept: Path) -> Iterator[tuple[Path, int]]:
    """The sealed papers and their sizes, as they are met: one dossier's may be purged at any moment."""
    for folder, inner, files in os.walk(kept):
        inner[:] = [x for x in inner if x != papers.COMING and not x.startswith(papers.DRAFT)]
        for name in files:
            path = Path(folder, name)
            with contextlib.suppress(FileNotFoundError):
                yield path, path.stat().st_size


def _copy(source: str, target: str) -> str:
    """A sealed paper is never written again, so that a second name for it is a copy; else a copy.

    What is purged in the meantime is left out: its key is gone as well.
    """
    with contextlib.suppress(FileNotFoundError):
        if source.endswith(".sealed"):
            try:
                os.link(source, target)
                return target
            except OSError:
                pass  # the backup lies on another file system
        return str(shutil.copyfile(source, target))
    return target


def copy_database(source: Path, target: Path) -> None:
    """A database as it stands at one moment, while others go on writing to it. Raises CannotOpen."""
    reading = connect(source, read_only=True)
    writing = sqlite3.connect(target)
    try:
        # An open read transaction keeps SQLite from starting over at each commit of the writer.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=PAGES_AT_ONCE, progress=lambda *_: time.sleep(REST_S))
        writing.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise CannotOpen(f"{source}: {error}") from error
    finally:
        reading.close()
        writing.close()


def _seal(parts: Path, key: HeadKey, export_to: Path, now: int) -> Manifest:
    """Check the copy's chain, sign its head, and sum up every file."""
    conn = sqlite3.connect(parts / "centre.db", isolation_level=None)
    try:
        fault = broken_at(conn)
        state, seq = load(conn)
        head = heads.sign_last(conn, key)
        row = conn.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
    finally:
        conn.close()
    if head is not None:
        heads.export(export_to, head, key)
        heads.export(parts / "heads", head, key)
    return Manifest(
        centre=state.setup.centre,
        at=now,
        epoch=state.epoch,
        day=state.day,
        seq=seq,
        head=(row[0] if row else GENESIS).hex(),
        members=tuple(_member(parts, path) for path in _files(parts)),
        fault=fault,
    )


def broken_at(conn: sqlite3.Connection) -> str:
    """The first line that does not fit to the one before it; empty when all do."""
    chain = Chain()
    for row in rows(conn):
        wrong = chain.follow(row)
        if wrong:
            return f"seq {row.seq}: {wrong}"
    return ""


def _files(parts: Path) -> list[Path]:
    return sorted(path for path in parts.rglob("*") if path.is_file())


def _member(parts: Path, path: Path) -> Member:
    name = path.relative_to(parts).as_posix()
    return Member(name=name, size=path.stat().st_size, sha256=sha256(path))


def _pack(parts: Path, manifest: Manifest, path: Path) -> None:
    """One tar, mode 600, the manifest first; it takes its name when it is whole and on disk."""
    draft = parts / path.name
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            body = msgspec.json.format(msgspec.json.encode(manifest))
            tar.addfile(_entry(MANIFEST, len(body), manifest.at), io.BytesIO(body))
            for member in manifest.members:
                with (parts / member.name).open("rb") as content:
                    tar.addfile(_entry(member.name, member.size, manifest.at), content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def _entry(name: str, size: int, at: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, at // 1000, 0o600
    return entry


def backups(folder: Path, centre: str = "*") -> list[Path]:
    """The backups in a folder, oldest first (their names carry the time)."""
    return sorted(folder.glob(f"motcua-{centre}-????????-??????Z-seq*.tar"))


def _drop_older(folder: Path, centre: str, keep: int) -> None:
    for path in backups(folder, centre)[: -max(1, keep)]:
        path.unlink(missing_ok=True)


# --- what was forgotten ---


def purged_list(database: Path) -> bytes:
    """Visits whose data was destroyed, as JSON {visit: when in ms}; ids of chance, nothing personal."""
    conn = connect(database, read_only=True)
    try:
        found = dict(conn.execute("SELECT visit, at FROM vault_purged").fetchall())
    finally:
        conn.close()
    return msgspec.json.encode(found)


def read_purged(path: Path) -> dict[str, int]:
    """Raises Unfit; OSError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except msgspec.DecodeError as error:
        raise Unfit(f"{path}: not a list of forgotten visits ({error})") from error


# --- bringing one back ---


def read_manifest(archive: Path) -> Manifest:
    """Raises Unfit; OSError."""
    try:
        with tarfile.open(archive, "r:") as tar:
            return _manifest(tar)
    except tarfile.TarError as error:
        raise Unfit(f"{archive}: not a backup ({error})") from error


def _manifest(tar: tarfile.TarFile) -> Manifest:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    if content is None:
        raise Unfit("it does not begin with a manifest")
    try:
        manifest = msgspec.json.decode(content.read(LARGEST_MANIFEST), type=Manifest)
    except msgspec.DecodeError as error:
        raise Unfit(f"its manifest cannot be read ({error})") from error
    if manifest.layout != 1:
        raise Unfit(f"it has layout {manifest.layout}, which this program does not know")
    return manifest


def unpack(archive: Path, place: Path) -> Manifest:
    """Lay the files of a backup into the empty folder `place`, each checked. Raises Unfit; OSError."""
    try:
        with tarfile.open(archive, "r:") as tar:
            manifest = _manifest(tar)
            left = {member.name: member for member in manifest.members}
            for entry in tar:
                if entry.name == MANIFEST:
                    continue
                member = left.pop(entry.name, None)
                content = tar.extractfile(entry) if entry.isreg() else None
                if member is None or content is None or not _is_inside(entry.name):
                    raise Unfit(f"{entry.name} is not in its manifest")
                _lay(content, place / entry.name, member)
    except tarfile.TarError as error:
        raise Unfit(f"it is torn ({error})") from error
    if left:
        raise Unfit(f"{next(iter(left))} is missing from it")
    return manifest


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _lay(content: IO[bytes], path: Path, member: Member) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(content, file, CHUNK)
        file.flush()
        os.fsync(file.fileno())
    if path.stat().st_size != member.size or sha256(path) != member.sha256:
        raise Unfit(f"{member.name} is damaged: it does not fit its SHA-256")


def restore(archive: Path, root: Path, now: Callable[[int], int], terms: Terms) -> Restored:
    """Bring a backup back in the new folder `root`, whole or not at all.

    `now` gives the time (ms) for a log that ends at its argument. Raises Unfit; OSError.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Unfit(f"{root} is not an empty folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = root.with_name(f".{root.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    try:
        manifest = unpack(archive, draft)
        if manifest.fault and not terms.damaged:
            raise Unfit(f"its log is broken ({manifest.fault}); --damaged brings it back as it is")
        restored = _reopen(draft, f"restored {archive.name}", manifest, now, terms)
        draft.replace(root)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync_folder(root.parent)
    return restored


def _reopen(
    root: Path, why: str, manifest: Manifest, now: Callable[[int], int], terms: Terms
) -> Restored:
    log = Log(root / "centre.db")
    try:
        if (log.seq, log.head.hex()) != (manifest.seq, manifest.head):
            raise Unfit("its log does not end where its manifest says")
        state = log.load()
        at = now(state.at)
        with log.transaction():
            before = jump(log, state, at, manifest.at, terms, why)
            forgotten = _forget_again(log, at, terms)
            log.snapshot(state)
        sealed = log.conn.execute("SELECT count(*) FROM vault_keys").fetchone()[0]
    finally:
        log.close()
    return Restored(
        manifest=manifest,
        epoch=state.epoch,
        numbers={s: (ordinal, state.next_ordinal[s]) for s, ordinal in before.items()},
        forgotten=forgotten,
        sealed=sealed,
    )


def jump(log: Log, state: State, at: int, copied: int, terms: Terms, why: str) -> dict[str, int]:
    """Open a new epoch at `at`, in whose running day no number can come that was given after `copied`.

    How many were given then, nobody knows any more: as many as the service ever gave in a span of
    that length, and the margin; or more, where `highest` says so. The same holds for numbers leased to
    kiosks, which lie at the band's other end. Returns where numbering stood.
    """
    _do(log, state, o.PassTime(), at)  # a copy of an earlier day: today's numbering begins first
    before = dict(state.next_ordinal)
    span = _unknown_span(state, copied, at)
    busy, leased = busiest(log.conn, span), most_leased(log.conn, span)
    filed = most_of_all(log.conn, span, "DossierFiled", lambda _: 1)
    filed += most_of_all(log.conn, span, "DossierCodeCame", lambda x: 1 if x.serial else 0)
    words = most_of_all(log.conn, span, "FeedbackGiven", lambda _: 1)
    letters = {s.id: s.letter for s in state.setup.services}
    wanted = {
        s: max(terms.highest.get(letters.get(s, ""), 0), before[s] - 1 + busy.get(s, 0))
        for s in before
    }
    jumped = o.OpenEpoch(
        highest=wanted,
        leased=leased,
        margin=terms.margin,
        why=why,
        dossiers=filed,
        feedback=words,
    )
    _do(log, state, jumped, at)
    return before


def _do(log: Log, state: State, order: o.AnyOrder, at: int) -> None:
    events, _ = decide(state, order, at, RESTORER)
    for event in events:
        log.append(event, at, RESTORER, "")
        apply(state, event, at, RESTORER)


def _unknown_span(state: State, copied: int, at: int) -> int:
    """Ms of today after the copy was made: what was given out then is not in it."""
    offset = state.setup.rules.utc_offset_minutes
    midnight = at - (at + offset * MINUTE) % DAY
    return at - max(copied, midnight) if day_of(at, offset) == state.day else 0


def busiest(conn: sqlite3.Connection, span: int) -> dict[str, int]:
    """The most numbers that each service ever gave within `span` ms."""
    return _most(conn, span, "TicketIssued", lambda _: 1)


def most_leased(conn: sqlite3.Connection, span: int) -> dict[str, int]:
    """The most numbers of each service that kiosks were ever leased within `span` ms."""
    return _most(conn, span, "NumbersLeased", lambda x: 0 if x.again else x.last - x.first + 1)


def most_of_all(conn: sqlite3.Connection, span: int, kind: str, count: Callable[[Any], int]) -> int:
    """The highest count of such events within `span` ms, of whatever service."""
    return _most(conn, span, kind, count, lambda _: "").get("", 0)


def _most(
    conn: sqlite3.Connection,
    span: int,
    kind: str,
    count: Callable[[Any], int],
    of: Callable[[Any], str] = lambda event: str(event.service),
) -> dict[str, int]:
    """By `of` (the service) the highest count within `span` ms."""
    times: dict[str, list[int]] = {}
    sums: dict[str, list[int]] = {}
    most: dict[str, int] = {}
    query = "SELECT at, body FROM events WHERE kind = ? ORDER BY seq"
    for at, body in conn.execute(query, (kind,)):
        event: Any = e.decode_event(body)
        name = of(event)
        when, sum_ = times.setdefault(name, []), sums.setdefault(name, [0])
        when.append(at)
        sum_.append(sum_[-1] + count(event))
        recent = sum_[-1] - sum_[bisect_right(when, at - span)]
        most[name] = max(most.get(name, 0), recent if span > 0 else 0)
    return most


def _forget_again(log: Log, at: int, terms: Terms) -> int:
    """Destroy once more what had been destroyed, and what has become due since the copy."""
    vault = Vault(log.conn, bytes(32))  # forgetting opens nothing, so no master key is needed
    there = {row[0] for row in log.conn.execute("SELECT visit FROM vault_keys").fetchall()}
    purged = terms.purged
    for visit in there if terms.forget_all else there & purged.keys():
        vault.forget(visit, purged.get(visit, at))
    log.conn.executemany("INSERT OR IGNORE INTO vault_purged VALUES (?, ?)", list(purged.items()))
    vault.purge(at)
    papers.forget(log.conn)
    left: int = log.conn.execute("SELECT count(*) FROM vault_keys").fetchone()[0]
    return len(there) - left
