"""The forms that visitors fill in: fetched from the server, kept as a file, so that they are there cut off too."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from queue_server.dossiers.forms.offered import FormsOffered, OfferedForm
from queue_server.dossiers.forms.read import all_in_force
from queue_server.wire.files import write_whole
from queue_server.wire.link import Credentials

from .fetch import Centre

WITHIN_S = 20.0
FIRST_RETRY_S = 2.0
LAST_RETRY_S = 60.0
LARGEST = 16_000_000
FILE = "forms.json"

log = structlog.get_logger()


class Kept(msgspec.Struct):
    """The file in the data folder. `wanted`: the version that the setup named when they were fetched."""

    wanted: str
    offered: FormsOffered


class Forms:
    """After `want(version)` its own thread sees to it that that version is here; `on_forms` is told of each.

    Forms of a newer release that this kiosk cannot read leave the ones it has in use.
    """

    def __init__(
        self,
        credentials: Credentials,
        folder: Path,
        on_forms: Callable[[FormsOffered], None] = lambda _: None,
    ) -> None:
        self._centre = Centre(credentials)
        self._file = folder / FILE
        self._on_forms = on_forms
        self._kept = Kept("", FormsOffered(version=""))
        self._wanted: str | None = None
        self._work = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def offered(self) -> FormsOffered:
        """What is here now; no forms before the first fetch."""
        return self._kept.offered

    def in_force(self, procedure: str, day: dt.date) -> tuple[OfferedForm, ...]:
        """The forms of a procedure on `day`: most have one, some one for each kind of person."""
        offered = self.offered
        found = all_in_force((x.form for x in offered.forms), procedure, day)
        return tuple(x for f in found if (x := offered.find(f.id, f.version)) is not None)

    def start(self) -> None:
        """Give what the file holds at once; fetch when a version is wanted."""
        kept = _read(self._file)
        if kept is not None:
            self._give(kept)
        self._thread = threading.Thread(target=self._fetch_wanted, name="forms", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._work.set()

    def want(self, version: str) -> None:
        """The setup names this version; the same again does nothing. Never blocks."""
        if version:
            self._wanted = version
            self._work.set()

    def _fetch_wanted(self) -> None:
        retry = FIRST_RETRY_S
        while not self._stopped.is_set():
            wanted = self._wanted
            if wanted is None or wanted == self._kept.wanted:
                self._work.wait()
                self._work.clear()
                continue
            if self._fetch(wanted):
                retry = FIRST_RETRY_S
            else:
                self._stopped.wait(retry)
                retry = min(retry * 2, LAST_RETRY_S)

    def _fetch(self, wanted: str) -> bool:
        try:
            answer = self._centre.ask("/api/forms", within=WITHIN_S, largest=LARGEST)
            if answer.status != 200:
                log.warning("forms_not_fetched", status=answer.status)
                return False
            offered = msgspec.json.decode(answer.body, type=FormsOffered)
        except (OSError, msgspec.DecodeError) as error:
            log.warning("forms_not_fetched", error=str(error))
            return False
        kept = Kept(wanted, offered)
        _write(self._file, kept)
        self._give(kept)
        return True

    def _give(self, kept: Kept) -> None:
        self._kept = kept
        self._on_forms(kept.offered)
        log.info("forms", version=kept.offered.version, forms=len(kept.offered.forms))


def _read(path: Path) -> Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, kept: Kept) -> None:
    try:
        write_whole(path, msgspec.json.encode(kept))
    except OSError as error:
        log.warning("forms_not_kept", error=str(error))
