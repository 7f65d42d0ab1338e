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
    from kiosk.scan.card import CardEye
    from kiosk.scan.finder import Outline
    from kiosk.scan.flat import Dropped, FlatFolder
    from kiosk.scan.page import Page
    from kiosk.scan.reader import Reader
    from kiosk.scan.scanning import Scanning, Seen, Taken

PREVIEW_S = 0.2
STILL_WITHIN_S = 8.0

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
        self._pages: dict[str, Page] = {}
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
        import kiosk.scan.flat
        import kiosk.scan.pdf
        import kiosk.scan.scanning  # noqa: F401

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
        from kiosk.scan.pdf import pages_to_pdf

        with self._lock:
            kept = [self._pages[page.id] for page in pages if page.id in self._pages]
        now = int(time.time() * 1000)
        return pages_to_pdf(kept, name=name, paper_code=code, number="", created_ms=now)

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

    def keep(self, page: Page, flaws: Sequence[str] = ()) -> None:
        """A page was taken."""
        name = new_id()
        with self._lock:
            self._pages[name] = page
        self._hear(r.PageTaken, page=r.Page(name, tuple(flaws)))


class Looking:
    """One time of looking: a camera, a card reader and a scanner's folder, as far as they are there."""

    def __init__(self, eye: Eye, what: r.LookFor, devices: Devices) -> None:
        self._eye = eye
        self._stopped = threading.Event()
        self._works: bool | None = None
        self._count, self._hint = 0, ""
        self._camera: Camera | None = None
        self._parts: list[Camera | CardEye | Scanning | Reader | FlatFolder] = []
        if devices.camera:
            self._use_camera(devices, what)
        if what is r.LookFor.CODES and devices.card_reader:
            from kiosk.scan.reader import Reader

            self._parts.append(Reader(devices.card_reader, self._read))
        if what is r.LookFor.PAGES and devices.scan_folder:
            from kiosk.scan.flat import FlatFolder

            folder = FlatFolder(Path(devices.scan_folder), self._dropped)
            folder.cleared()
            self._parts.append(folder)

    def _use_camera(self, devices: Devices, what: r.LookFor) -> None:
        from kiosk.scan.camera import Camera
        from kiosk.scan.card import CardEye
        from kiosk.scan.scanning import Scanning
        from kiosk.scan.settings import CameraSettings

        self._camera = Camera(
            CameraSettings(address=devices.camera, preview=devices.preview, still=devices.still)
        )
        if what is r.LookFor.PAGES:
            self._parts += [self._camera, Scanning(self._camera, self._seen, self._taken)]
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

    def take_now(self) -> None:
        """The page as it lies, whatever is the matter with it; in a thread of its own."""
        if self._camera is not None:
            threading.Thread(target=self._take, name="take", daemon=True).start()

    def _take(self) -> None:
        from kiosk.scan.camera import CameraGone
        from kiosk.scan.finder import Finder
        from kiosk.scan.intake import page_of
        from kiosk.scan.judge import judge
        from kiosk.scan.page import scan

        assert self._camera is not None
        try:
            picture = self._camera.still().result(STILL_WITHIN_S)
        except (CameraGone, TimeoutError):
            return
        outline = Finder().find(picture)
        if self._stopped.is_set():
            return
        if outline is None or outline.cut:
            self._eye.keep(page_of(picture), ("no_page",))
            return
        flaws = tuple(fault.value for fault in judge(picture, outline).faults)
        self._eye.keep(scan(picture, outline.corners), flaws)

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
            if newest is not None and newest is not frame and not self._scans():
                self._show(newest, None, False)
            frame = newest

    def _scans(self) -> bool:
        from kiosk.scan.scanning import Scanning

        return any(isinstance(part, Scanning) for part in self._parts)

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
            self._eye.keep(taken.page, (taken.way.value,) if wrong else ())

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
