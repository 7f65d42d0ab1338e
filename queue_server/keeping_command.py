"""`motcua verify`, `backup` and `restore`: whether the log is sound, a copy of it, and a centre from a copy."""

from __future__ import annotations

import argparse
import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import settings
from .by_hand import Away, give
from .desk.clock import Clock
from .folder import Folder
from .line import orders as o
from .store import heads, keeping
from .store.heads import HeadKey
from .store.keeping import NoBackup, Restored, Terms, Unfit
from .store.papers import Papers
from .store.schema import CannotOpen, connect
from .store.verify import Verified, verify
from .wire.settings import SettingsError

FAULTS_SHOWN = 20
PROGRESS_EVERY_S = 1.0
NUMBER = re.compile(r"([A-Z])(\d{1,4})")


class Refused(Exception):
    """The command cannot be done; the text is one line."""


REFUSALS = (
    Refused,
    NoBackup,
    Unfit,
    CannotOpen,
    SettingsError,
    OSError,
    ValueError,
    sqlite3.Error,
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Hang `verify`, `backup` and `restore` on `motcua`."""
    checking = commands.add_parser("verify", help="check the log from its first line to its last")
    checking.add_argument(
        "--heads",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a signed head, or a folder of them, that was kept elsewhere",
    )
    checking.set_defaults(run=lambda args: _run(_verify, args))
    copying = commands.add_parser("backup", help="copy a centre, running or not, into one file")
    copying.add_argument("--to", type=Path, help="folder for backups (default: from the settings)")
    copying.set_defaults(run=lambda args: _run(_backup, args))
    for parser in (checking, copying):
        parser.add_argument("--data", type=Path, default=Path("var"), help="data folder")
        parser.add_argument("--settings", type=Path, help="settings file of the centre")
    _add_restore(commands)


def _add_restore(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("restore", help="bring a backup back elsewhere, in a new epoch")
    parser.add_argument("file", type=Path, help="a file that `motcua backup` made")
    parser.add_argument("--data", type=Path, required=True, help="data folder to make")
    parser.add_argument(
        "--margin", type=int, help="numbers to leave out besides (default: the centre's rules)"
    )
    parser.add_argument(
        "--highest",
        action="append",
        default=[],
        metavar="A123",
        help="a number seen on paper or on the board, but none that a cut off kiosk gave (its paper says"
        " so); may be given for each letter",
    )
    parser.add_argument(
        "--purged",
        type=Path,
        metavar="FILE",
        help="newer list of forgotten visits (default: purged.json beside the backup)",
    )
    parser.add_argument(
        "--forget-all",
        action="store_true",
        help="forget all personal data: when the vault's master key is lost",
    )
    parser.add_argument(
        "--damaged", action="store_true", help="bring it back although its log is broken"
    )
    parser.set_defaults(run=lambda args: _run(_restore, args))


def _run(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """0; or 1 after one line on stderr that says why not (or after the faults that were found)."""
    try:
        return command(args)
    except REFUSALS as error:
        print(f"motcua {args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1


def settings_of(folder: Folder, named: Path | None) -> Path | None:
    """The settings file that was named, else the one that the running centre was started with."""
    if named is not None:
        return named
    try:
        told = json.loads(folder.addresses.read_text())
    except (OSError, ValueError):
        return None
    path = told.get("settings") or ""
    return Path(path) if path and Path(path).exists() else None


def _centre(args: argparse.Namespace) -> tuple[Folder, Path | None, settings.CentreFile]:
    folder = Folder(args.data)
    if not folder.database.exists():
        raise Refused(f"no centre in {args.data}")
    path = settings_of(folder, args.settings)
    return folder, path, settings.read(path)


# --- verify ---


def _verify(args: argparse.Namespace) -> int:
    folder, _, file = _centre(args)
    os.nice(5)
    key = folder.master_key(file.vault.key_file)
    conn = connect(folder.database, read_only=True)
    try:
        found = verify(
            conn,
            _public(folder),
            [head for place in args.heads for head in heads.read(place)],
            key.read_bytes() if key.exists() else None,
            int(time.time() * 1000),
            _Progress(),
            Papers(folder.root),
        )
    finally:
        conn.close()
    print(summary(found, key))
    for fault in found.faults[:FAULTS_SHOWN]:
        print(f"  WRONG  {fault}")
    if len(found.faults) > FAULTS_SHOWN:
        print(f"  … and {len(found.faults) - FAULTS_SHOWN} more")
    return 1 if found.faults else 0


def _public(folder: Folder) -> Ed25519PublicKey | None:
    return HeadKey.read(folder.head_key).public if folder.head_key.exists() else None


class _Progress:
    """A line on stderr each second while it is long."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self._said >= PROGRESS_EVERY_S:
            self._said = now
            speed = done / (now - self._began)
            print(f"  {done:,} of {of:,} lines, {speed:,.0f}/s", file=sys.stderr, flush=True)


def summary(found: Verified, key: Path) -> str:
    """What was checked, in a line or two."""
    speed = found.rows / found.seconds if found.seconds else 0.0
    lines = [
        f"{'WRONG' if found.faults else 'ok'}: {found.rows:,} lines to {found.day or '–'}"
        f" (epoch {found.epoch}), {found.heads} signed heads, {found.snapshots} snapshots,"
        f" {found.ratings:,} ratings, {found.dossiers:,} dossiers, {found.sealed:,} sealed visits;"
        f" {found.seconds:.1f} s, {speed:,.0f} lines/s"
    ]
    if found.sealed and not found.vault_read:
        lines.append(f"  sealed data was not tried: no master key at {key}")
    if found.overdue:
        lines.append(f"  {found.overdue} visits are due to be forgotten: a running centre does it")
    return "\n".join(lines)


# --- backup ---


def _backup(args: argparse.Namespace) -> int:
    folder, path, file = _centre(args)
    to = args.to or (Path(file.backup.folder) if file.backup.folder else beside(folder.root))
    _refuse_inside(to, folder.root)
    os.nice(10)
    key = HeadKey.open(folder.head_key)
    began = time.monotonic()
    now = int(time.time() * 1000)
    made, manifest = keeping.back_up(folder.root, to, path, key, now, file.backup.keep)
    took = time.monotonic() - began
    print(f"{made}: {made.stat().st_size >> 10:,} KB, line {manifest.seq:,}, {took:.1f} s")
    print(f"  not in it: the vault's master key, {folder.master_key(file.vault.key_file)}")
    if path is None:
        print("  not in it: a settings file; name it with --settings")
    _note(folder, made.name, manifest.seq)
    if manifest.fault:
        print(f"  WRONG  the log is broken at {manifest.fault}; older backups stay; motcua verify")
    return 1 if manifest.fault else 0


def beside(root: Path) -> Path:
    """Where backups go when nobody said: beside the data folder, never in it."""
    whole = root.absolute()
    return whole.parent / f"{whole.name}-backups"


def _refuse_inside(place: Path, folder: Path) -> None:
    if folder.resolve() in [place.resolve(), *place.resolve().parents]:
        raise Refused(f"{place} is in the data folder: name another one with --to")


def _note(folder: Folder, name: str, seq: int) -> None:
    """Who carries the centre's data away is a fact of the log."""
    note = o.Note(what="backup_made", subject=name, detail={"seq": str(seq)})
    try:
        refusal = give(folder, "Note", note).refusal
        why = refusal.en if refusal is not None else ""
    except Away as error:
        why = str(error)
    if why:
        print(f"  it could not be noted in the log: {why}", file=sys.stderr)


# --- restore ---


def _restore(args: argparse.Namespace) -> int:
    if args.margin is not None and args.margin < 0:
        raise Refused(f"--margin {args.margin}: at least 0")
    beside_it = args.file.parent / keeping.PURGED
    purged = args.purged or (beside_it if beside_it.exists() else None)
    terms = Terms(
        margin=args.margin,
        highest=dict(_number(text) for text in args.highest),
        purged=keeping.read_purged(purged) if purged is not None else {},
        forget_all=args.forget_all,
        damaged=args.damaged,
    )
    try:
        restored = keeping.restore(args.file, args.data, lambda last: Clock(last).now(), terms)
    except Unfit as error:
        raise Refused(f"{args.file.name}: {error}") from error
    print("\n".join(report(restored, Folder(args.data), args.file)))
    return 0


def _number(text: str) -> tuple[str, int]:
    found = NUMBER.fullmatch(text.strip().upper())
    if found is None:
        raise Refused(f"--highest {text}: a number looks like A123")
    return found[1], int(found[2])


def report(restored: Restored, folder: Folder, archive: Path) -> list[str]:
    """What was done, and what a person must still do, in order."""
    manifest = restored.manifest
    jumped = ", ".join(f"{s} {old}→{new}" for s, (old, new) in restored.numbers.items())
    has_settings = (folder.root / keeping.SETTINGS).exists()
    named = f" --settings {folder.root / keeping.SETTINGS}" if has_settings else " --settings FILE"
    lines = [
        f"{folder.root}: {manifest.centre} as of line {manifest.seq:,}, now epoch {restored.epoch}",
        f"  next numbers: {jumped}",
        f"  forgotten again: {restored.forgotten} visits; {restored.sealed} sealed",
        "Still to be done:",
        "  - the old machine stays off: two centres would give out numbers of their own",
        "  - a number higher than these on paper or on the board? restore again with --highest A123",
    ]
    if restored.sealed:
        lines.append(f"  - the vault's master key, from its own copy, to {folder.master_key()}")
        lines.append("    (mode 600, or where [vault] key_file says); lost: --forget-all")
    if not has_settings:
        lines.append("  - the settings file: this backup holds none")
    lines += [
        "  - the old machine's name and address (DNS, [web] names) to this one, for devices and phones",
        "  - what changed after the copy is as it was: motcua accounts list, accounts device list",
        f"  - then: motcua up --data {folder.root}{named}; motcua doctor --data {folder.root}{named}",
    ]
    return lines
