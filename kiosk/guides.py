"""The centre's own guides to procedures: fetched when a visitor opens one, kept as pictures, there cut off too.

A picture, and each page of a sample, is drawn anew as a JPEG no larger than the screen; a sample's bears the
word MẪU. A film is only named: a kiosk draws without a graphics card and plays none.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
import numpy as np
import structlog

from kiosk.touch.style import font_file
from queue_server.dossiers.catalogue import CODE
from queue_server.wire.files import write_whole
from queue_server.wire.guides import MOST_GUIDES, Guide
from queue_server.wire.intake import LARGEST, LEAST_SIDE, NotAccepted, accept, pages
from queue_server.wire.link import Credentials

from .fetch import Centre
from .finding_reports import Drawn, Sheet

if TYPE_CHECKING:
    from PIL.Image import Image

WITHIN_S = 10.0
LARGEST_LIST = 256_000
MOST_SHEETS = 60
"""Of one procedure."""
MOST_BYTES = 200_000_000
"""Of all that is kept."""
QUALITY = 85
LIST = "list.json"
KEPT = re.compile(r"[0-9a-f]{24}-\d{1,2}\.jpg")
MARK = "MẪU"
MARK_COLOUR, MARK_PART, MARK_WIDE = (200, 30, 30), 0.3, 0.62
"""Red; how much of it covers what is beneath; how much of the sheet's diagonal the word takes."""

log = structlog.get_logger()


class Guides:
    """After `want(code)` `on_guides` is told what is here; its own thread asks the centre and tells what changed.

    `draw` opens a sheet and tells `on_drawn`: None for one that cannot be shown. That and what is here are
    read in a thread that never waits for the centre. `screen`: width and height in pixels; no sheet is kept larger.
    """

    def __init__(
        self,
        credentials: Credentials,
        folder: Path,
        screen: tuple[int, int],
        on_guides: Callable[[str, tuple[Sheet, ...]], None],
        on_drawn: Callable[[str, str, Drawn | None], None],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._centre = Centre(credentials)
        self._folder, self._screen, self._most = folder, screen, most_bytes
        self._on_guides, self._on_drawn = on_guides, on_drawn
        self._refused: set[str] = set()
        self._wanted: tuple[str, Future[tuple[Sheet, ...]]] | None = None
        self._asked = ("", "")
        self._work = threading.Event()
        self._stopped = threading.Event()
        self._here = ThreadPoolExecutor(1, "guides-here")
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="guides", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._work.set()
        self._here.shutdown(wait=False, cancel_futures=True)

    def want(self, code: str) -> None:
        """Somebody reads about this procedure. What was wanted before is left. Never blocks."""
        if CODE.fullmatch(code) and not self._stopped.is_set():
            self._wanted = (code, self._here.submit(self._tell, code))
            self._work.set()

    def draw(self, code: str, file: str) -> None:
        """Open this sheet; one that was asked for before and is not open yet is left. Never blocks."""
        self._asked = (code, file)
        if not self._stopped.is_set():
            self._here.submit(self._draw, code, file)

    # --- the thread that fetches -----------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._work.wait()
            self._work.clear()
            wanted, self._wanted = self._wanted, None
            if wanted is None or self._stopped.is_set():
                continue
            code, told = wanted
            wait([told])
            if not told.cancelled():
                self._bring(code, told.result())

    def _bring(self, code: str, kept: tuple[Sheet, ...]) -> None:
        """Ask the centre, and tell what is other than what is kept."""
        try:
            listed = self._listed(code)
            found = None if listed is None else self._fetched(code, listed, kept)
            if found is None:
                return
            self._keep(code, found)
            if found != kept:
                self._on_guides(code, found)
            self._tidy(code, found)
        except OSError as error:
            log.warning("guides_not_fetched", code=code, error=str(error))
        except Exception:  # whatever a file does to us, the next one is fetched
            log.exception("guides_failed", code=code)

    def _listed(self, code: str) -> list[Guide] | None:
        """None when the centre does not say. Raises OSError when it is not there."""
        answer = self._centre.ask(
            f"/api/guides/{quote(code)}", within=WITHIN_S, largest=LARGEST_LIST
        )
        try:
            if answer.status == 200:
                return msgspec.json.decode(answer.body, type=list[Guide])[:MOST_GUIDES]
            log.warning("guides_not_listed", code=code, status=answer.status)
        except msgspec.DecodeError as error:
            log.warning("guides_not_listed", code=code, error=str(error))
        return None

    def _fetched(
        self, code: str, listed: Sequence[Guide], kept: Sequence[Sheet]
    ) -> tuple[Sheet, ...] | None:
        """All sheets of the list; None if meanwhile another procedure is wanted. Where nothing was kept
        the visitor is told of each file as it comes. Raises OSError.
        """
        sheets: list[Sheet] = []
        size = 0
        for guide in listed:
            if self._stopped.is_set() or self._left(code):
                return None
            more = self._sheets(code, guide, kept)
            size += sum(self._size(code, sheet) for sheet in more)
            if len(sheets) + len(more) > MOST_SHEETS or size > self._most:
                log.warning("guides_too_many", code=code, file=guide.file)
                break
            sheets += more
            if more and not kept:
                self._on_guides(code, tuple(sheets))
        return tuple(sheets)

    def _left(self, code: str) -> bool:
        """Meanwhile another procedure is wanted."""
        wanted = self._wanted
        return wanted is not None and wanted[0] != code

    def _sheets(self, code: str, guide: Guide, kept: Sequence[Sheet]) -> list[Sheet]:
        """The sheets of one file: those that are here already, or drawn anew. None of what is left out."""
        if guide.kind == "film":
            return [Sheet("film", guide.caption)]
        name = hashlib.sha256(f"{guide.file}\n{guide.stamp}".encode()).hexdigest()[:24]
        known = [sheet for sheet in kept if sheet.file.startswith(name)]
        if known and len(known) == known[0].pages:
            return known
        if name in self._refused or guide.kind not in ("picture", "sample"):
            return []
        try:
            return self._drawn_anew(code, guide, name)
        except NotAccepted as error:
            if error.reason != "not_given":
                self._refused.add(name)
            log.warning("guide_left_out", code=code, file=guide.file, reason=error.reason)
            return []

    def _drawn_anew(self, code: str, guide: Guide, name: str) -> list[Sheet]:
        """Raises NotAccepted, OSError."""
        claimed = "pdf" if guide.kind == "sample" else Path(guide.file).suffix
        names: list[str] = []
        for page in pages(self._file(code, guide), claimed):
            names.append(f"{name}-{len(names) + 1}.jpg")
            (self._folder / code).mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._folder / code / names[-1], self._jpeg(page, guide.kind))
        return [
            Sheet(guide.kind, guide.caption, file, n, len(names)) for n, file in enumerate(names, 1)
        ]

    def _file(self, code: str, guide: Guide) -> bytes:
        if guide.size > LARGEST:
            raise NotAccepted("too_large")
        path = f"/guides/{quote(code)}/{quote(guide.file, safe='')}"
        answer = self._centre.ask(path, within=WITHIN_S, largest=LARGEST + 1)
        if answer.status != 200:
            raise NotAccepted("not_given")
        return answer.body

    def _jpeg(self, page: Image, kind: str) -> bytes:
        page.thumbnail(self._screen)
        if min(page.size) < LEAST_SIDE:
            raise NotAccepted("too_small")
        if kind == "sample":
            mark(page)
        out = io.BytesIO()
        page.save(out, "JPEG", quality=QUALITY)
        return out.getvalue()

    # --- what is kept ------------------------------------------------------------------------------

    def _kept(self, code: str) -> tuple[Sheet, ...]:
        """The sheets in the folder; none of what is damaged there."""
        folder = self._folder / code
        try:
            sheets = msgspec.json.decode((folder / LIST).read_bytes(), type=tuple[Sheet, ...])
        except (OSError, msgspec.DecodeError):
            return ()
        return tuple(
            sheet
            for sheet in sheets
            if (sheet.kind == "film" and not sheet.file)
            or (KEPT.fullmatch(sheet.file) and (folder / sheet.file).is_file())
        )

    def _keep(self, code: str, sheets: tuple[Sheet, ...]) -> None:
        folder = self._folder / code
        if sheets:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(folder / LIST, msgspec.json.encode(sheets))
        else:
            shutil.rmtree(folder, ignore_errors=True)

    def _tidy(self, code: str, sheets: tuple[Sheet, ...]) -> None:
        """Let go of what is no longer listed, and, while all of it is too much, of what was not asked for longest."""
        named = {LIST, *(sheet.file for sheet in sheets)}
        for path in _files(self._folder / code):
            if path.name not in named:
                path.unlink(missing_ok=True)
        others = [f for f in self._folder.glob("*") if f.is_dir() and f.name != code]
        sizes = {f: sum(path.stat().st_size for path in _files(f)) for f in others}
        size = sum(sizes.values()) + sum(p.stat().st_size for p in _files(self._folder / code))
        for folder in sorted(others, key=_last_wanted):
            if size <= self._most:
                break
            shutil.rmtree(folder, ignore_errors=True)
            size -= sizes[folder]

    def _size(self, code: str, sheet: Sheet) -> int:
        return (self._folder / code / sheet.file).stat().st_size if sheet.file else 0

    # --- the thread for what is here ---------------------------------------------------------------

    def _tell(self, code: str) -> tuple[Sheet, ...]:
        kept = self._kept(code)
        if kept:
            with suppress(OSError):
                os.utime(self._folder / code / LIST)
            self._on_guides(code, kept)
        return kept

    def _draw(self, code: str, file: str) -> None:
        if self._asked != (code, file):
            return
        path = self._folder / code / file
        drawn = None
        try:
            (page,) = accept(path.read_bytes(), "jpeg")
            drawn = Drawn(file, np.ascontiguousarray(np.asarray(page)[:, :, ::-1]))
        except (OSError, NotAccepted) as error:
            log.warning("guide_not_shown", code=code, file=file, error=str(error))
            path.unlink(missing_ok=True)
        self._on_drawn(code, file, drawn)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*") if path.is_file())


def _last_wanted(folder: Path) -> float:
    """When its list was last used; what has none goes first."""
    try:
        return (folder / LIST).stat().st_mtime
    except OSError:
        return 0.0


def mark(page: Image) -> None:
    """MẪU across the page, thin enough to read what is beneath."""
    from PIL import Image as Images
    from PIL import ImageDraw, ImageFont

    diagonal = int((page.width**2 + page.height**2) ** 0.5)
    face = str(font_file(bold=True))
    usual = ImageFont.truetype(face, 100).getlength(MARK)
    font = ImageFont.truetype(face, max(10, int(100 * diagonal * MARK_WIDE / usual)))
    layer = Images.new("L", (diagonal, diagonal))
    middle = (diagonal / 2, diagonal / 2)
    ImageDraw.Draw(layer).text(middle, MARK, int(255 * MARK_PART), font, anchor="mm")
    layer = layer.rotate(np.degrees(np.arctan2(page.height, page.width)))
    left, top = (diagonal - page.width) // 2, (diagonal - page.height) // 2
    layer = layer.crop((left, top, left + page.width, top + page.height))
    page.paste(MARK_COLOUR, (0, 0), layer)
