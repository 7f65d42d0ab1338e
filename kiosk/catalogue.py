"""The procedures that visitors choose from: fetched from the server, kept as a file."""

from __future__ import annotations

import ssl
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from queue_server.wire.link import Credentials
from queue_server.wire.words import Names

from .reports import Procedure

WITHIN_S = 10.0
FIRST_RETRY_S = 2.0
LAST_RETRY_S = 60.0
LARGEST = 32_000_000

log = structlog.get_logger()


class Entry(msgspec.Struct):
    """What of a summary the kiosk needs; `name` is Vietnamese, or both languages."""

    code: str
    name: str | Names
    service: str | None = None

    def procedure(self) -> Procedure | None:
        """None for a procedure that no queue here does."""
        if not self.service:
            return None
        names = Names(vi=self.name, en=self.name) if isinstance(self.name, str) else self.name
        return Procedure(self.code, names, self.service)


class Kept(msgspec.Struct):
    """The file in the data folder."""

    version: str
    entries: list[Entry]


class Catalogue:
    """After `want(version)` its own thread sees to it that `on_procedures` gets that version."""

    def __init__(
        self,
        credentials: Credentials,
        folder: Path,
        on_procedures: Callable[[tuple[Procedure, ...]], None],
    ) -> None:
        self._url = f"{credentials.web.rstrip('/')}/api/catalogue"
        self._context = (
            ssl.create_default_context(cadata=credentials.ca) if credentials.ca else None
        )
        self._file = folder / "catalogue.json"
        self._on_procedures = on_procedures
        self._wanted: str | None = None
        self._have: str | None = None
        self._work = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Give what the file holds at once; fetch when a version is wanted."""
        kept = _read(self._file)
        if kept is not None:
            self._give(kept)
        self._thread = threading.Thread(target=self._fetch_wanted, name="catalogue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._work.set()

    def want(self, version: str) -> None:
        """The setup names this version; the same again does nothing. Never blocks."""
        self._wanted = version
        self._work.set()

    def _fetch_wanted(self) -> None:
        retry = FIRST_RETRY_S
        while not self._stopped.is_set():
            wanted = self._wanted
            if wanted is None or wanted == self._have:
                self._work.wait()
                self._work.clear()
                continue
            if self._fetch(wanted):
                retry = FIRST_RETRY_S
            else:
                self._stopped.wait(retry)
                retry = min(retry * 2, LAST_RETRY_S)

    def _fetch(self, version: str) -> bool:
        try:
            with urllib.request.urlopen(
                self._url, timeout=WITHIN_S, context=self._context
            ) as answer:
                entries = msgspec.json.decode(answer.read(LARGEST), type=list[Entry])
        except (OSError, ValueError, msgspec.DecodeError) as error:
            log.warning("catalogue_not_fetched", error=str(error))
            return False
        kept = Kept(version, entries)
        self._give(kept)
        _write(self._file, kept)
        return True

    def _give(self, kept: Kept) -> None:
        self._have = kept.version
        found = (entry.procedure() for entry in kept.entries)
        self._on_procedures(tuple(p for p in found if p is not None))
        log.info("catalogue", version=kept.version, procedures=len(kept.entries))


def _read(path: Path) -> Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, kept: Kept) -> None:
    draft = path.with_suffix(".new")
    try:
        draft.write_bytes(msgspec.json.encode(kept))
        draft.replace(path)
    except OSError as error:
        log.warning("catalogue_not_kept", error=str(error))
