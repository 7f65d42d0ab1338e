"""Camera, finder, judge and taker together, off the screen's thread: pictures to show, pages that were taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import structlog

from .camera import Camera, CameraGone, CameraState
from .finder import Finder, Outline
from .in_thread import InThread
from .intake import page_of
from .judge import Fault, Way, judge, turned_upright
from .page import Page, look, scan
from .shapes import Floats, Picture
from .taker import Stage, Step, Taker

WAIT_S = 0.5

log = structlog.get_logger()


@dataclass(frozen=True)
class Seen:
    """For the screen: the picture, the sheet's outline in it, and what to say."""

    frame: Picture | None
    outline: Outline | None
    step: Step


@dataclass(frozen=True)
class Taken:
    """A page; `way` says whether it stands upright, which the visitor may still change; `flaws`: of one that
    she had taken as it lay."""

    page: Page
    way: Way
    flaws: tuple[Fault, ...] = ()


class Scanning(InThread):
    """`seen` and `taken` are called from its thread. The camera is started and stopped by whoever owns it.

    `taker`: one that another scanning has used up to now, and so knows what lies there.
    """

    def __init__(
        self,
        camera: Camera,
        seen: Callable[[Seen], None],
        taken: Callable[[Taken], None],
        taker: Taker | None = None,
    ) -> None:
        super().__init__("scanning", patience_s=10)
        self._camera, self._seen, self._taken = camera, seen, taken
        self._finder, self._taker = Finder(), taker or Taker()
        self._asked = threading.Event()
        self._by_hand = False
        self._sheet: tuple[Outline, Floats | None] | None = None
        self._still: Future[Picture] | None = None

    def take_now(self) -> None:
        """Take the sheet as it lies, whatever is the matter with it."""
        self._asked.set()

    def _run(self) -> None:
        frame: Picture | None = None
        resumed = False
        while not self._stop.is_set():
            newest = self._camera.wait(frame, WAIT_S)
            same, frame = newest is frame, newest
            if frame is None and self._camera.state is CameraState.STARTING:
                continue
            if not resumed:
                resumed = True
                self._taker.resume(_ms())
            if self._asked.is_set():
                self._asked.clear()
                self._take_by_hand()
            if self._still is not None:
                if self._still.done():
                    self._finish(self._still)
                elif same:
                    continue
            if not same or frame is None:
                self._look(frame)

    def _take_by_hand(self) -> None:
        self._by_hand = True
        if self._still is None:
            self._still = self._camera.still()
            if self._sheet is not None:
                self._taker.hold(_ms(), *self._sheet)

    def _look(self, frame: Picture | None) -> None:
        if frame is None:
            self._seen(Seen(None, None, self._taker.see(_ms(), None, (Fault.NO_CAMERA,))))
            return
        settings = self._camera.settings
        outline = self._finder.find(frame)
        small: Floats | None = None
        faults: tuple[Fault, ...] = ()
        if outline is not None:
            verdict = judge(
                frame, outline, least_dpi=settings.least_dpi, still_scale=settings.still_scale()
            )
            faults = verdict.faults
            small = None if outline.cut else look(frame, outline.corners)
        self._sheet = None if outline is None else (outline, small)
        step = self._taker.see(_ms(), outline, faults, small)
        self._seen(Seen(frame, outline, step))
        if step.take:
            self._still = self._camera.still()

    def _finish(self, still: Future[Picture]) -> None:
        self._still = None
        by_hand, self._by_hand = self._by_hand, False
        try:
            picture = still.result(0)
        except (CameraGone, TimeoutError):
            self._taker.taken(_ms(), (Fault.NO_CAMERA,))
            return
        outline = self._finder.find(picture)
        verdict = judge(picture, outline, least_dpi=self._camera.settings.least_dpi)
        step = self._taker.taken(_ms(), () if by_hand else verdict.faults)
        if by_hand and (outline is None or outline.cut):
            self._taken(Taken(page_of(picture), Way.UNSURE, (Fault.NO_PAGE,)))
            return
        if outline is None or step.stage is not Stage.LIFT:
            log.info("still_not_good", faults=[f.value for f in verdict.faults])
            return
        page = scan(picture, outline.corners)
        upright, way = turned_upright(page.picture)
        turned = upright.shape[0] != page.picture.shape[0]
        page = Page(upright, page.dpi, page.mm[::-1] if turned else page.mm)
        self._taken(Taken(page, way, verdict.faults if by_hand else ()))


def _ms() -> int:
    return int(time.monotonic() * 1000)
