"""The procedures that visitors choose from: fetched from the server, kept as files, searched by a shelf.

Two files: the short lines of all procedures, by which one searches, and the whole records of what is done
here, by which a visitor is told what she needs while the line to the server is down.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from queue_server.dossiers import catalogue as dossiers
from queue_server.dossiers.catalogue import Summary
from queue_server.dossiers.everyday import BadEveryday, Everyday, read_everyday, shipped
from queue_server.wire.files import write_whole
from queue_server.wire.link import Credentials
from queue_server.wire.words import Names

from .fetch import Centre
from .reports import Procedure
from .shelf import Shelf, shelf_of

WITHIN_S = 10.0
FIRST_RETRY_S = 2.0
LAST_RETRY_S = 60.0
LARGEST = 32_000_000
LARGEST_RECORDS = 200_000_000
"""Bytes of all whole records, unpacked."""
OK, UNCHANGED, NOT_THERE = 200, 304, 404

log = structlog.get_logger()
T = TypeVar("T")


class Entry(msgspec.Struct):
    """What of a summary the kiosk needs; `name` is Vietnamese, or both languages."""

    code: str
    name: str | Names
    service: str | None = None
    field: str = ""
    same_day: bool = False
    fee: str = ""
    fee_en: str = ""
    time: Names = msgspec.field(default_factory=lambda: Names(vi="", en=""))
    keywords: tuple[str, ...] = ()
    official: str = ""

    def procedure(self) -> Procedure | None:
        """None for a procedure that no queue here does."""
        if not self.service:
            return None
        names = Names(vi=self.name, en=self.name) if isinstance(self.name, str) else self.name
        return Procedure(self.code, names, self.service)

    def summary(self) -> Summary:
        return Summary(
            code=self.code,
            name=self.name if isinstance(self.name, str) else self.name.vi,
            service=self.service or None,
            field=self.field,
            same_day=self.same_day,
            fee=self.fee,
            fee_en=self.fee_en,
            time=self.time,
            keywords=self.keywords,
            official=self.official,
        )


class Kept(msgspec.Struct):
    """The file of short lines in the data folder."""

    version: str
    entries: list[Entry]


class Records(msgspec.Struct):
    """What `GET /api/catalogue/full` answers: records as they came, by code, and the centre's own words.

    `asked`: codes, what visitors here come for most first.
    """

    everyday: str = ""
    asked: tuple[str, ...] = ()
    procedures: dict[str, msgspec.Raw] = {}


class KeptRecords(msgspec.Struct):
    """The file of whole records in the data folder; `tag` names this state of them to the server."""

    tag: str
    records: Records


class Catalogue:
    """After `want(version)` its own thread sees to it that `on_procedures` and `on_shelf` get that version.

    A shelf, with its search, is built on that thread too; any other may ask it.
    """

    def __init__(
        self,
        credentials: Credentials,
        folder: Path,
        on_procedures: Callable[[tuple[Procedure, ...]], None],
        on_shelf: Callable[[Shelf], None] = lambda _: None,
        has_form: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._centre = Centre(credentials)
        self._file = folder / "catalogue.json"
        self._records_file = folder / "catalogue-full.json"
        self._on_procedures, self._on_shelf, self._has_form = on_procedures, on_shelf, has_form
        self._entries: list[Entry] = []
        self._records = KeptRecords(tag="", records=Records())
        self._wanted: str | None = None
        self._have: str | None = None
        self._records_for: str | None = None
        self._work = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Give what the short file holds at once, the rest soon after; fetch when a version is wanted."""
        kept = _read(self._file, Kept)
        if kept is not None:
            self._give(kept)
        self._thread = threading.Thread(target=self._run, name="catalogue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._work.set()

    def want(self, version: str) -> None:
        """The setup names this version; the same again does nothing. Never blocks."""
        self._wanted = version
        self._work.set()

    def procedure(self, code: str) -> dossiers.Procedure | None:
        """The whole record, from the kiosk's own copy; None where it has none that can be read."""
        raw = self._records.records.procedures.get(code)
        try:
            return None if raw is None else msgspec.json.decode(raw, type=dossiers.Procedure)
        except msgspec.DecodeError as error:
            log.warning("record_unreadable", code=code, error=str(error))
            return None

    # --- its own thread --------------------------------------------------------------------------

    def _run(self) -> None:
        self._records = _read(self._records_file, KeptRecords) or self._records
        if self._entries:
            self._build_shelf()
        retry = FIRST_RETRY_S
        while not self._stopped.is_set():
            due = self._due()
            if due is None:
                self._work.wait()
                self._work.clear()
            elif due():
                retry = FIRST_RETRY_S
            else:
                self._stopped.wait(retry)
                retry = min(retry * 2, LAST_RETRY_S)

    def _due(self) -> Callable[[], bool] | None:
        """What to fetch next; it tells whether that went well. The records are asked for once a start as
        well: the centre's own words may have changed.
        """
        wanted = self._wanted
        if wanted is None:
            return None
        if wanted != self._have:
            return lambda: self._fetch(wanted)
        return (lambda: self._fetch_records(wanted)) if wanted != self._records_for else None

    def _fetch(self, version: str) -> bool:
        try:
            answer = self._centre.ask("/api/catalogue", within=WITHIN_S, largest=LARGEST)
            if answer.status != OK:
                log.warning("catalogue_not_fetched", status=answer.status)
                return False
            entries = msgspec.json.decode(answer.body, type=list[Entry])
        except (OSError, msgspec.DecodeError) as error:
            log.warning("catalogue_not_fetched", error=str(error))
            return False
        kept = Kept(version, entries)
        self._give(kept)
        _write(self._file, kept)
        self._build_shelf()
        return True

    def _fetch_records(self, version: str) -> bool:
        """True also where the server has nothing new, or, an older one, no records to give."""
        headers = {"Accept-Encoding": "gzip", "If-None-Match": self._records.tag}
        try:
            answer = self._centre.ask(
                "/api/catalogue/full", within=WITHIN_S, largest=LARGEST_RECORDS, headers=headers
            )
            if answer.status in (UNCHANGED, NOT_THERE):
                self._records_for = version
                return True
            if answer.status != OK:
                log.warning("records_not_fetched", status=answer.status)
                return False
            packed = answer.headers.get("Content-Encoding") == "gzip"
            body = _unpacked(answer.body) if packed else answer.body
            records = msgspec.json.decode(body, type=Records)
        except (OSError, zlib.error, msgspec.DecodeError) as error:
            log.warning("records_not_fetched", error=str(error))
            return False
        self._take_records(KeptRecords(answer.headers.get("ETag") or "", records), version)
        return True

    def _take_records(self, kept: KeptRecords, version: str) -> None:
        before = self._records.records
        _write(self._records_file, kept)
        self._records, self._records_for = kept, version
        log.info("records", procedures=len(kept.records.procedures))
        now = kept.records
        if (now.everyday, now.asked) != (before.everyday, before.asked):
            self._build_shelf()

    def _give(self, kept: Kept) -> None:
        self._have, self._entries = kept.version, kept.entries
        found = (entry.procedure() for entry in kept.entries)
        self._on_procedures(tuple(p for p in found if p is not None))
        log.info("catalogue", version=kept.version, procedures=len(kept.entries))

    def _build_shelf(self) -> None:
        began = time.monotonic()
        lines = [entry.summary() for entry in self._entries]
        asked = self._records.records.asked
        shelf = shelf_of(lines, self.procedure, self._has_form, self._everyday(), asked)
        log.info("shelf", procedures=len(lines), ms=round(1000 * (time.monotonic() - began)))
        self._on_shelf(shelf)

    def _everyday(self) -> Everyday:
        """The product's table and the centre's own, which a server has read before it gave it."""
        try:
            return shipped().added(read_everyday(self._records.records.everyday))
        except BadEveryday as error:
            log.warning("everyday_words_unreadable", error=str(error))
            return shipped()


def _unpacked(body: bytes) -> bytes:
    """Raises zlib.error, also for what would be larger than any catalogue."""
    unpacking = zlib.decompressobj(wbits=31)
    plain = unpacking.decompress(body, LARGEST_RECORDS)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise zlib.error("torn, or too large")
    return plain


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, kept: Kept | KeptRecords) -> None:
    try:
        write_whole(path, msgspec.json.encode(kept))
    except OSError as error:
        log.warning("catalogue_not_kept", error=str(error))
