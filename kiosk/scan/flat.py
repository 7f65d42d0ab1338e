"""A folder where a flat-bed scanner or copier drops files: whole ones are taken in, then deleted.

Such devices write slowly and in several goes; a file is whole when its size and time have not changed for
a while. What is refused is deleted too: it may be somebody's paper, and must not lie about.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from queue_server.wire.intake import LARGEST

from .in_thread import InThread
from .intake import NotAccepted, Reason, accept
from .page import Page

POLL_S = 0.5
STEADY_S = 1.5
MOST_FILES = 200
ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".pdf")

log = structlog.get_logger()


@dataclass(frozen=True)
class Dropped:
    """One file: its pages, or why it was refused. Its name is told to nobody."""

    pages: tuple[Page, ...] = ()
    refused: Reason | None = None


class FlatFolder(InThread):
    """`poll` looks once; `start` has a thread do it. `hear` is called from that thread.

    `cleared` where nobody scans: what lies there then belongs to nobody, and goes unread.
    """

    def __init__(
        self, folder: Path, hear: Callable[[Dropped], None], steady_s: float = STEADY_S
    ) -> None:
        super().__init__("flat")
        self.folder, self.hear, self.steady_s = folder, hear, steady_s
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            self.poll(time.monotonic())

    def cleared(self) -> int:
        """Deletes all that lies in the folder; how many files there were."""
        found = self._files()
        for path in found:
            _delete(path)
        self._seen.clear()
        return len(found)

    def poll(self, now: float) -> int:
        """`now` in seconds of any steady clock; how many files were taken or refused."""
        files = self._files()
        self._seen = {path: seen for path, seen in self._seen.items() if path in files}
        done = 0
        for path in files:
            try:
                stat = path.stat()
            except OSError:
                continue
            mark = (stat.st_size, stat.st_mtime_ns)
            known = self._seen.get(path)
            if known is None or known[0] != mark:
                self._seen[path] = (mark, now)
            elif now - known[1] >= self.steady_s and stat.st_size:
                self._take(path, stat.st_size)
                done += 1
        return done

    def _take(self, path: Path, size: int) -> None:
        self._seen.pop(path, None)
        try:
            dropped = self._read(path, size)
        except OSError as error:
            log.warning("flat_file_unreadable", error=error.strerror)
            return
        _delete(path)
        self.hear(dropped)

    def _read(self, path: Path, size: int) -> Dropped:
        if size > LARGEST:
            return Dropped(refused=Reason.TOO_LARGE)
        try:
            return Dropped(tuple(accept(path.read_bytes(), path.suffix)))
        except NotAccepted as error:
            log.info("flat_file_refused", reason=error.reason)
            return Dropped(refused=Reason(error.reason))

    def _files(self) -> list[Path]:
        """Plain files whose ending is known, by name; links lead elsewhere and are left."""
        try:
            found = [
                path
                for path in self.folder.iterdir()
                if path.suffix.lower() in ENDINGS and path.is_file() and not path.is_symlink()
            ]
        except OSError:
            return []
        return sorted(found, key=lambda path: path.name)[:MOST_FILES]


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("flat_file_stays", error=error.strerror)
