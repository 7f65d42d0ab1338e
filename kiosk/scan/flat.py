"""The folder into which a flat-bed scanner puts its files: each is taken once it is whole, and deleted."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import structlog
from PIL import Image

from queue_server.wire.intake import LARGEST, NotAccepted, accept

ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".pdf")
STEADY_POLLS = 2
"""A file that was as long as now at the polls before is whole: scanners write for seconds."""

log = structlog.get_logger()


class Taken(NamedTuple):
    """Pages of one file, or why it was not accepted (`NotAccepted.reason`)."""

    pages: tuple[Image.Image, ...]
    refused: str = ""


class FlatFolder:
    """`poll()` every half second. `begin()` throws away what lay there before this visit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[Path, tuple[int, int]] = {}

    def begin(self) -> int:
        """Delete what an earlier visit left; returns how many files."""
        old = self._files()
        for path in old:
            path.unlink(missing_ok=True)
        self._sizes.clear()
        return len(old)

    def poll(self) -> tuple[Taken, ...]:
        """What has come whole since, in the order of coming; deleted from the folder."""
        taken = []
        present = self._files()
        for path in present:
            size = _size(path)
            known, polls = self._sizes.get(path, (-1, 0))
            self._sizes[path] = (size, polls + 1 if size == known and size > 0 else 0)
            if self._sizes[path][1] >= STEADY_POLLS - 1:
                taken.append(self._take(path))
        self._sizes = {path: seen for path, seen in self._sizes.items() if path in present}
        return tuple(taken)

    def _take(self, path: Path) -> Taken:
        try:
            if _size(path) > LARGEST:
                raise NotAccepted("too_large")
            return Taken(accept(path.read_bytes(), path.suffix))
        except NotAccepted as error:
            log.warning("scan_refused", reason=error.reason, ending=path.suffix.lower())
            return Taken((), error.reason)
        except OSError as error:
            log.warning("scan_unreadable", cause=type(error).__name__)
            return Taken((), "torn")
        finally:
            path.unlink(missing_ok=True)
            self._sizes.pop(path, None)

    def _files(self) -> list[Path]:
        try:
            found = [p for p in self._folder.iterdir() if p.suffix.lower() in ENDINGS]
            return sorted((p for p in found if p.is_file()), key=lambda p: p.stat().st_mtime_ns)
        except OSError:
            return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
