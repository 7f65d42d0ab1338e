"""The centre: data folder, doors, keys, catalogue, backups, and what is due to be forgotten."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography import x509

from ..by_hand import is_running
from ..doors.broker import BrokerMissing, is_loopback, nats_program
from ..dossiers.everyday import FILE as EVERYDAY
from ..dossiers.everyday import BadEveryday, read_everyday
from ..line.setup import Setup
from ..store.catalogue import Catalogue, CatalogueUnreadable
from ..store.holidays import days_off
from ..store.keeping import backups
from ..store.log import load
from ..store.schema import connect
from ..store.vault import Vault
from ..wire.words import local
from .finding import Finding, Look, bad, note, ok
from .ports import is_healthy, owner, speaks_mqtt

HOUR_MS = 3_600_000
CERTIFICATE_LEFT = dt.timedelta(days=14)
BACKUP_OLD_H = 48
KEY_BYTES = 32


def data(look: Look) -> Finding:
    folder = look.folder
    if not folder.database.exists():
        return note("data", "data_none", place=folder.root)
    with closing(connect(folder.database, read_only=True)) as conn:
        said = conn.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        return bad("data", "data_broken", detail=said)
    if not look.pid:
        return note("data", "data_stopped")
    if not is_running(folder):
        return bad("data", "data_mute", pid=look.pid, place=folder.root / "server.log")
    return ok("data", "data_running", pid=look.pid)


# --- settings and setup ---


def settings(look: Look) -> Finding:
    return ok("settings", "settings", place=look.settings_path)


def setup(look: Look) -> Finding | None:
    """The log's setup counts; the file only seeded it."""
    if not look.folder.database.exists():
        return None
    with closing(connect(look.folder.database, read_only=True)) as conn:
        kept = load(conn)[0].setup
    if not kept.services:
        return None
    names = list(differences(kept, look.file.setup()))
    if names:
        return note("setup", "setup_differs", names=", ".join(names))
    return ok("setup", "setup")


def differences(one: Setup, other: Setup) -> Iterator[str]:
    """Keys in which two setups differ: `hotline`, `rules.target_minutes`, `services.ho_tich`."""
    for name in Setup.__struct_fields__:
        mine, its = getattr(one, name), getattr(other, name)
        if mine == its:
            continue
        if isinstance(mine, tuple):
            yield from (f"{name}.{key}" for key in _different(_keyed(mine), _keyed(its)))
        elif name in ("rules", "hours"):
            fields = (msgspec.structs.asdict(mine), msgspec.structs.asdict(its))
            yield from (f"{name}.{key}" for key in _different(*fields))
        else:
            yield name


def _keyed(rows: tuple[msgspec.Struct, ...]) -> dict[str, object]:
    return {str(getattr(row, "id", getattr(row, "account", ""))): row for row in rows}


def _different(mine: dict[str, object], its: dict[str, object]) -> list[str]:
    """In the order of both; all of them when only their order differs."""
    names = list(dict.fromkeys([*mine, *its]))
    return [n for n in names if mine.get(n) != its.get(n)] or names


# --- doors ---


def broker(look: Look) -> Finding:
    outside, own = look.file.outside_broker, look.file.broker
    host = outside.host or own.host
    program = outside.host
    try:
        program = program or nats_program(own.nats_server)
    except BrokerMissing as error:
        return bad("broker", "broker_missing", detail=error)
    port = int(look.addresses.get("broker_port", 0)) or (outside.port if outside.host else own.port)
    if look.addresses or outside.host:
        if speaks_mqtt(host, port, None if is_loopback(host) else _ca(look)):
            return ok("broker", "broker", place=f"{host}:{port}")
        log = look.folder.broker / "nats.log"
        return bad("broker", "broker_silent", place=f"{host}:{port}", log=log)
    return _port("broker", port) or ok("broker", "broker_stopped", detail=Path(program).name)


def web(look: Look) -> Finding | None:
    url = str(look.addresses.get("web", ""))
    if not url:
        port = look.file.web.port
        return _port("web", port) or (ok("web", "port_free", port=port) if port else None)
    if is_healthy(url, _ca(look) if url.startswith("https") else None):
        return ok("web", "web", place=url)
    return bad("web", "web_silent", place=url, log=look.folder.root / "web.log")


def _port(name: str, port: int) -> Finding | None:
    """A port that somebody else has taken, while the centre is not running."""
    taken = owner(port) if port else ""
    return bad(name, "port_taken", port=port, owner=taken) if taken else None


def _ca(look: Look) -> Path:
    return look.folder.authority / "ca.pem"


def public_url(look: Look) -> Finding:
    url = look.file.web.public_url
    if not url:
        return note("public_url", "public_url_none")
    if is_loopback(urlsplit(url).hostname or ""):
        return note("public_url", "public_url_loopback", place=url)
    return ok("public_url", "public_url", place=url)


def certificate(look: Look) -> Finding:
    path = look.folder.authority / "server.pem"
    if not path.exists():
        return note("certificate", "certificate_none")
    try:
        ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        return bad("certificate", "certificate_torn", detail=error)
    until = ends.date().isoformat()
    if ends - dt.datetime.fromtimestamp(look.now / 1000, dt.UTC) < CERTIFICATE_LEFT:
        return bad("certificate", "certificate_ends", until=until)
    return ok("certificate", "certificate", until=until)


# --- what is kept ---


def vault(look: Look) -> Finding:
    """The master key: there, where no copy of the data takes it along, and the right one."""
    key = look.master_key
    sealed = _count(look, "SELECT count(*) FROM vault_keys")
    if not key.exists():
        missing = bad("vault", "vault_missing", place=key)
        return missing if sealed else note("vault", "vault_none", place=key)
    inside = [look.folder.root.resolve(), look.backups.resolve()]
    if any(place in key.resolve().parents for place in inside):
        return bad("vault", "vault_inside", place=key)
    master = key.read_bytes()
    if len(master) != KEY_BYTES:
        return bad("vault", "vault_size", place=key)
    if sealed and not _opens(look, master):
        return bad("vault", "vault_wrong", place=key)
    return ok("vault", "vault", place=key)


def _opens(look: Look, master: bytes) -> bool:
    with closing(connect(look.folder.database, read_only=True)) as conn:
        return not Vault(conn, master).unreadable()


def purge(look: Look) -> Finding | None:
    if not look.folder.database.exists():
        return None
    due = "SELECT count(*) FROM vault_keys WHERE purge_at <= ?"
    overdue = _count(look, due, look.now - 2 * HOUR_MS)
    if overdue:
        return bad("purge", "purge_overdue", count=overdue)
    count = _count(look, due, look.now)
    return ok("purge", "purge_due", count=count) if count else ok("purge", "purge")


def _count(look: Look, sql: str, *values: object) -> int:
    """0 where there is no database, or it has no vault yet."""
    if not look.folder.database.exists():
        return 0
    with closing(connect(look.folder.database, read_only=True)) as conn:
        try:
            return int(conn.execute(sql, values).fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def catalogue(look: Look) -> Finding:
    try:
        found = Catalogue(look.folder.root).summaries()
    except CatalogueUnreadable as error:
        return bad("catalogue", "catalogue_torn", detail=error)
    if not found:
        return note("catalogue", "catalogue_none")
    words = look.folder.root / EVERYDAY
    if words.exists():
        try:
            read_everyday(words.read_text("utf-8", "replace"), str(words))
        except BadEveryday as error:
            return bad("catalogue", "everyday_torn", detail=error)
    services = {summary.service for summary in found if summary.service}
    return ok("catalogue", "catalogue", count=len(found), services=len(services))


def holidays(look: Look) -> Finding:
    year = local(look.now, look.file.rules.utc_offset_minutes).year
    count = len(days_off([year]).holidays)
    known = ok("holidays", "holidays", year=year, count=count)
    return known if count else bad("holidays", "holidays_none", year=year)


def first_login(look: Look) -> Finding:
    path = look.folder.first_login
    if not path.exists():
        return ok("first_login", "first_login")
    count = len(json.loads(path.read_text("utf-8")))
    return note("first_login", "first_login_left", count=count, place=path)


def modes(look: Look) -> Finding:
    """Secrets, and the folder that holds the log, are their owner's alone."""
    folder = look.folder
    secret = [
        folder.root,
        folder.authority,
        folder.authority / "ca-key.pem",
        folder.authority / "server-key.pem",
        folder.secret,
        folder.head_key,
        folder.first_login,
        folder.root / "web-secret",
        folder.root / "nicegui-secret",
        folder.broker / "nats.conf",
        look.master_key,
        *folder.root.glob("devices/*/device.json"),
        *backups(look.backups),
    ]
    open_ = [path for path in secret if path.exists() and path.stat().st_mode & 0o077]
    if open_:
        return bad("modes", "modes_open", names=", ".join(map(str, open_)))
    return ok("modes", "modes")


def backup(look: Look) -> Finding | None:
    if not look.folder.database.exists():
        return None
    found = backups(look.backups)
    if not found:
        return note("backup", "backup_none", place=look.backups)
    hours = (time.time() - found[-1].stat().st_mtime) / 3600
    if hours > BACKUP_OLD_H:
        return bad("backup", "backup_old", days=int(hours // 24), place=look.backups)
    return ok("backup", "backup", hours=int(hours), place=look.backups)
