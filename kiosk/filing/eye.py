"""The child's eye: the camera and the flat-bed scanner's folder, codes and pages found, pages kept in memory alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from msgspec.structs import replace

from queue_server.wire.link import new_id

from . import reports as r
from .talk import Devices

if TYPE_CHECKING:
    from kiosk.scan.camera import Camera
    from kiosk.scan.card import CardEye
    from kiosk.scan.finder import Outline
    from kiosk.scan.flat import Dropped, FlatFolder
    from kiosk.scan.page import Page
    from kiosk.scan.reader import Reader
    from kiosk.scan.scanning import Scanning, Seen, Taken
    from kiosk.scan.taker import Taker

PREVIEW_S = 0.2

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
    """`watch` turns it on and off; `hear` is told of codes, hints and pages from its own threads.

    Cameras are slow to let go: each wish is done in one thread, in its turn, and the screen waits for none.
    """

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._turns = ThreadPoolExecutor(1, "eye")
        self._lock = threading.Lock()
        self._pages: dict[str, Page] = {}
        self._small: dict[str, Picture] = {}
        self._taker: Taker | None = None
        self._sight: Sight | None = None
        self._looking: Looking | None = None

    def sight(self) -> Sight | None:
        """What it sees now; None while it is shut."""
        return self._sight

    def thumbnail(self, page: str) -> Picture | None:
        """A page as the screen shows it."""
        with self._lock:
            return self._small.get(page)

    def warm_up(self) -> None:
        """Load the libraries."""
        import kiosk.scan.flat
        import kiosk.scan.pdf
        import kiosk.scan.scanning  # noqa: F401

    def watch(self, what: r.LookFor, devices: Devices) -> None:
        """Look for this from now on; `NOTHING` lets everything go."""
        if what is not r.LookFor.NOTHING and not devices.camera:
            self._hear(r.CameraChanged, works=False)
        self._do(self._turn, what, devices)

    def retake(self) -> None:
        """The sheet that was taken last may be taken once more."""
        self._do(self._let_retake)

    def take_now(self) -> None:
        """Take the page as it lies."""
        self._do(self._take)

    def forget(self, page: str) -> None:
        with self._lock:
            self._pages.pop(page, None)
            self._small.pop(page, None)

    def pdf(self, pages: Sequence[r.Page], name: str, code: str) -> bytes:
        """The pages of a paper, in their order."""
        from kiosk.scan.pdf import pages_to_pdf

        with self._lock:
            kept = [self._pages[page.id] for page in pages if page.id in self._pages]
        now = int(time.time() * 1000)
        return pages_to_pdf(kept, name=name, paper_code=code, number="", created_ms=now)

    def leave(self) -> None:
        """The process ends, and all that it holds with it; what lies in the scanner's folder does not."""
        if self._looking is not None:
            self._looking.clear()

    # --- in turn ---

    def _do(self, act: Callable[..., None], *given: object) -> None:
        self._turns.submit(act, *given).add_done_callback(self._done)

    def _done(self, turn: Future[None]) -> None:
        error = turn.exception()
        if error is not None:
            log.error("eye_failed", exc_info=error)
            self._hear(r.CameraChanged, works=False)

    def _turn(self, what: r.LookFor, devices: Devices) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.stop()
        self._sight = None
        if what is not r.LookFor.NOTHING:
            self._looking = Looking(self, what, devices)
            self._looking.start()

    def _let_retake(self) -> None:
        if self._taker is not None:
            self._taker.retake(int(time.monotonic() * 1000))

    def _take(self) -> None:
        if self._looking is not None:
            self._looking.take_now()

    # --- for what looks ---

    def taker(self) -> Taker:
        """One a visit: it knows which sheet was taken, and waits until that is lifted."""
        from kiosk.scan.taker import Taker

        self._taker = self._taker or Taker()
        return self._taker

    def tell(self, kind: type[r.Report], **values: Any) -> None:
        self._hear(kind, **values)

    def show(self, sight: Sight) -> None:
        self._sight = sight

    def take_sent(self, jpeg: bytes, paper: int | None) -> bool:
        """A page that came by phone, already drawn anew by the centre; False: it is no picture."""
        import cv2

        from kiosk.scan.page import Page
        from kiosk.scan.shapes import A4_MM, MM_PER_INCH

        decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        if decoded is None:
            return False
        picture = decoded.astype(np.uint8, copy=False)
        height, width = picture.shape[:2]
        mm = A4_MM if height >= width else A4_MM[::-1]
        dpi = max(height / mm[1], width / mm[0]) * MM_PER_INCH
        self.keep(
            Page(picture, dpi, (width / dpi * MM_PER_INCH, height / dpi * MM_PER_INCH)), (), paper
        )
        return True

    def keep(self, page: Page, flaws: Sequence[str] = (), paper: int | None = None) -> None:
        """A page was taken. `paper`: the one that it is for, if that is known."""
        from kiosk.scan.page import thumbnail

        name, small = new_id(), thumbnail(page)
        with self._lock:
            self._pages[name], self._small[name] = page, small
        self._hear(r.PageTaken, page=r.Page(name, tuple(flaws)), paper=paper)


class Looking:
    """One time of looking: a camera, a card reader and a scanner's folder, as far as they are there."""

    def __init__(self, eye: Eye, what: r.LookFor, devices: Devices) -> None:
        self._eye, self._what = eye, what
        self._stopped = threading.Event()
        self._works: bool | None = None
        self._count, self._hint = 0, ""
        self._camera: Camera | None = None
        self._scanning: Scanning | None = None
        self._folder: FlatFolder | None = None
        self._parts: list[Camera | CardEye | Scanning | Reader | FlatFolder] = []
        if devices.camera and what is not r.LookFor.FILES:
            self._use_camera(devices, what)
        if what is r.LookFor.CODES and devices.card_reader:
            from kiosk.scan.reader import Reader

            self._parts.append(Reader(devices.card_reader, self._read))
        if what is r.LookFor.FILES and devices.scan_folder:
            from kiosk.scan.flat import FlatFolder

            self._folder = FlatFolder(Path(devices.scan_folder), self._dropped)
            self._folder.cleared()
            self._parts.append(self._folder)

    def _use_camera(self, devices: Devices, what: r.LookFor) -> None:
        from kiosk.scan.camera import Camera
        from kiosk.scan.card import CardEye
        from kiosk.scan.scanning import Scanning

        self._camera = Camera(replace(devices.opened, address=devices.camera))
        if what is r.LookFor.PAGES:
            taker = self._eye.taker()
            self._scanning = Scanning(self._camera, self._seen, self._taken, taker)
            self._parts += [self._camera, self._scanning]
        else:
            self._parts += [self._camera, CardEye(self._camera, self._read)]

    def start(self) -> None:
        for part in self._parts:
            part.start()
        if self._camera is not None:
            threading.Thread(target=self._watch, name="eye", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        for part in reversed(self._parts):
            part.stop()
        self.clear()

    def clear(self) -> None:
        """What a scanner has left that nobody took in is nobody's, and goes."""
        if self._folder is not None:
            self._folder.cleared()

    def take_now(self) -> None:
        """The page as it lies, whatever is the matter with it."""
        if self._scanning is not None:
            self._scanning.take_now()

    # --- in other threads ---

    def _watch(self) -> None:
        """Whether the camera is there, and its picture while codes are looked for."""
        from kiosk.scan.camera import CameraState

        assert self._camera is not None
        frame: Picture | None = None
        while not self._stopped.is_set():
            newest = self._camera.wait(frame, PREVIEW_S)
            works = self._camera.state is not CameraState.GONE
            if works != self._works:
                self._works = works
                self._eye.tell(r.CameraChanged, works=works)
            if newest is not None and newest is not frame and self._what is r.LookFor.CODES:
                self._show(newest, None, False)
            frame = newest

    def _show(self, frame: Picture, outline: Outline | None, good: bool) -> None:
        self._count += 1
        self._eye.show(Sight(frame, self._count, _parts(outline, frame), good))

    def _read(self, text: str) -> None:
        if not self._stopped.is_set():
            self._eye.tell(r.CodeRead, text=text)

    def _seen(self, seen: Seen) -> None:
        from kiosk.scan.taker import Stage

        if self._stopped.is_set():
            return
        stage, fault = seen.step.stage, seen.step.hint
        if seen.frame is not None:
            self._show(seen.frame, seen.outline, stage in (Stage.STILL, Stage.TAKING, Stage.LIFT))
        hint = fault.value if fault is not None else HINTS.get(stage.value, "")
        if hint != self._hint and hint != "no_camera":
            self._hint = hint
            self._eye.tell(r.HintCame, hint=hint)

    def _taken(self, taken: Taken) -> None:
        from kiosk.scan.judge import Way

        if not self._stopped.is_set():
            wrong = taken.way not in (Way.UPRIGHT, Way.UNSURE)
            flaws = [fault.value for fault in taken.flaws]
            self._eye.keep(taken.page, [*flaws, *([taken.way.value] if wrong else [])])

    def _dropped(self, dropped: Dropped) -> None:
        if self._stopped.is_set():
            return
        if dropped.refused is not None:
            small = dropped.refused.value == "too_small"
            self._eye.tell(r.HintCame, hint="small" if small else "refused")
        for page in dropped.pages:
            self._eye.keep(page)


HINTS = {"still": "hold", "taking": "hold", "lift": "good"}
"""What is said of a stage where nothing is wrong."""


def _parts(outline: Outline | None, frame: Picture) -> tuple[tuple[float, float], ...] | None:
    if outline is None:
        return None
    height, width = frame.shape[:2]
    return tuple((float(x) / width, float(y) / height) for x, y in outline.corners)
