"""The child's eye: the camera and the flat-bed scanner's folder, codes and pages found, pages kept in memory alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from queue_server.wire.link import new_id

from . import reports as r
from .talk import Devices

if TYPE_CHECKING:
    from kiosk.scan.camera import Camera
    from kiosk.scan.finder import Outline
    from kiosk.scan.judge import Fault
    from kiosk.scan.reader import SerialReader

POLL_S = 0.5
CODES_EVERY_S = 0.12

log = structlog.get_logger()

Hear = Callable[..., None]
Picture = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Sight:
    """A picture as it is seen now. `corners`: of what was found, in parts of its width and height from above."""

    frame: Picture
    count: int
    corners: tuple[tuple[float, float], ...] | None = None
    good: bool = False


class Eye:
    """`watch` turns it on and off; `hear` is told of codes, hints and pages from its own threads."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._lock = threading.Lock()
        self._pages: dict[str, Picture] = {}
        self._sight: Sight | None = None
        self._looking: Looking | None = None

    def sight(self) -> Sight | None:
        """What it sees now; None while it is shut."""
        return self._sight

    def thumbnail(self, page: str) -> Picture | None:
        """A page as the screen shows it."""
        from kiosk.scan.page import thumbnail

        with self._lock:
            found = self._pages.get(page)
        return thumbnail(found) if found is not None else None

    def warm_up(self) -> None:
        """Load the libraries."""
        import kiosk.scan.camera
        import kiosk.scan.finder
        import kiosk.scan.pdf  # noqa: F401

    def watch(self, what: r.LookFor, devices: Devices) -> None:
        """Look for this from now on; `NOTHING` lets everything go."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.stop()
        self._sight = None
        if what is r.LookFor.NOTHING:
            return
        if not devices.camera:
            self._hear(r.CameraChanged, works=False)
        self._looking = Looking(self, what, devices)
        self._looking.start()

    def take_now(self) -> None:
        """Take the page as it lies."""
        if self._looking is not None:
            self._looking.take_now()

    def forget(self, page: str) -> None:
        with self._lock:
            self._pages.pop(page, None)

    def pdf(self, pages: Sequence[r.Page], name: str, code: str) -> bytes:
        """The pages of a paper, in their order."""
        from kiosk.scan.page import dpi_of
        from kiosk.scan.pdf import pages_to_pdf

        with self._lock:
            pictures = [self._pages[page.id] for page in pages if page.id in self._pages]
        dpi = min(map(dpi_of, pictures), default=200.0)
        now = int(time.time() * 1000)
        return pages_to_pdf(pictures, name=name, paper_code=code, created_ms=now, dpi=dpi)

    def stop(self) -> None:
        """Let the camera go, and every page."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.stop()
        with self._lock:
            self._pages.clear()

    # --- for what looks ---

    def tell(self, kind: type[r.Report], **values: Any) -> None:
        self._hear(kind, **values)

    def show(self, sight: Sight) -> None:
        self._sight = sight

    def keep(self, page: Picture, flaws: Sequence[str] = ()) -> None:
        """A page was taken."""
        name = new_id()
        with self._lock:
            self._pages[name] = page
        self._hear(r.PageTaken, page=r.Page(name, tuple(flaws)))


class Looking:
    """One time of looking: a camera, a card reader and a scanner's folder, as far as they are there."""

    def __init__(self, eye: Eye, what: r.LookFor, devices: Devices) -> None:
        from kiosk.scan.camera import Camera, CameraSettings
        from kiosk.scan.card import OnceEach
        from kiosk.scan.finder import Finder
        from kiosk.scan.reader import SerialReader
        from kiosk.scan.taker import Taker

        self._eye, self._what = eye, what
        self._settings = CameraSettings(device=devices.camera)
        self._stopped = threading.Event()
        self._camera: Camera | None = None
        if devices.camera:
            self._camera = Camera(self._settings, self._frame, self._works)
        self._reader: SerialReader | None = None
        if devices.card_reader and what is r.LookFor.CODES:
            self._reader = SerialReader(devices.card_reader, self._read)
        self._folder = Path(devices.scan_folder) if devices.scan_folder else None
        self._finder, self._taker, self._once = Finder(), Taker(), OnceEach()
        self._count, self._codes_at, self._hint = 0, 0.0, ""
        self._now = False

    def start(self) -> None:
        for part in (self._camera, self._reader):
            if part is not None:
                part.start()
        if self._folder is not None and self._what is r.LookFor.PAGES:
            threading.Thread(target=self._poll, name="flat", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        for part in (self._camera, self._reader):
            if part is not None:
                part.stop()

    def take_now(self) -> None:
        self._now = True

    # --- in the camera's thread ---

    def _works(self, works: bool) -> None:
        if not self._stopped.is_set():
            self._eye.tell(r.CameraChanged, works=works)

    def _read(self, text: str) -> None:
        if not self._stopped.is_set():
            self._eye.tell(r.CodeRead, text=text)

    def _frame(self, frame: Picture) -> None:
        if self._stopped.is_set():
            return
        self._count += 1
        if self._what is r.LookFor.CODES:
            self._eye.show(Sight(frame, self._count))
            self._codes(frame)
        else:
            self._page(frame)

    def _codes(self, frame: Picture) -> None:
        from kiosk.scan.card import find_codes

        now = time.monotonic()
        if now - self._codes_at < CODES_EVERY_S:
            return
        self._codes_at = now
        for text in self._once.fresh(find_codes(frame), now):
            self._read(text)

    def _page(self, frame: Picture) -> None:
        from kiosk.scan.judge import judge
        from kiosk.scan.page import straighten
        from kiosk.scan.taker import look_of, seen

        outline = self._finder.find(frame)
        faults = judge(frame, outline, self._settings.still_width / frame.shape[1])
        look = look_of(straighten(frame, outline.corners)) if outline is not None else ()
        self._taker = seen(self._taker, time.monotonic(), outline, faults, look)
        good = outline is not None and not faults
        self._eye.show(Sight(frame, self._count, _parts(outline, frame), good))
        if self._taker.hint != self._hint:
            self._hint = self._taker.hint
            self._eye.tell(r.HintCame, hint=self._hint)
        if self._taker.take or self._now:
            flaws = tuple(faults) if self._now else ()
            self._now = False
            self._take(flaws)

    def _take(self, flaws: Sequence[Fault]) -> None:
        if self._camera is not None:
            self._camera.still(lambda picture: self._taken(picture, flaws))

    def _taken(self, picture: Picture | None, flaws: Sequence[Fault]) -> None:
        """The large picture: the sheet is found again in it, and taken as it is where it is not."""
        from kiosk.scan.judge import Fault as Flaw
        from kiosk.scan.page import cleaned

        if picture is None or self._stopped.is_set():
            return
        outline = self._finder.find(picture)
        if outline is None:
            self._eye.keep(picture, (Flaw.NO_PAGE,))
            return
        self._eye.keep(cleaned(picture, outline.corners), tuple(flaws))

    # --- the scanner's folder ---

    def _poll(self) -> None:
        from kiosk.scan.flat import FlatFolder

        assert self._folder is not None
        folder = FlatFolder(self._folder)
        folder.begin()
        while not self._stopped.wait(POLL_S):
            for taken in folder.poll():
                if taken.refused:
                    small = taken.refused == "too_small"
                    self._eye.tell(r.HintCame, hint="small" if small else "refused")
                for page in taken.pages:
                    self._eye.keep(np.ascontiguousarray(np.asarray(page)[:, :, ::-1]))


def _parts(outline: Outline | None, frame: Picture) -> tuple[tuple[float, float], ...] | None:
    if outline is None:
        return None
    height, width = frame.shape[:2]
    return tuple((float(x) / width, float(y) / height) for x, y in outline.corners)
