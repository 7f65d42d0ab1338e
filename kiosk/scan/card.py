"""The code of an ID card before the camera: read off the screen's thread, told once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
import structlog
import zxingcpp

from .in_thread import InThread
from .shapes import Floats, Picture

AGAIN_S = 2.0
"""For so long after it was last seen, the same text is not told again."""
LONGEST = 4096
POLL_S = 0.06

log = structlog.get_logger()


class Frames(Protocol):
    """Where pictures come from: a camera."""

    def preview(self) -> Picture | None: ...


def find_codes(frame: Picture) -> tuple[str, ...]:
    """The texts of the QR codes that can be read in a picture; () for torn or blurred ones. Never raises."""
    if frame.ndim not in (2, 3) or min(frame.shape[:2]) < 16 or frame.dtype != np.uint8:
        return ()
    grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    found = _read(grey)
    if not found and max(grey.shape) <= 2000:  # small, dense codes of cards read better enlarged
        found = _read(cv2.resize(grey, None, fx=1.6, fy=1.6, interpolation=cv2.INTER_CUBIC))
    return found


def _read(grey: Floats) -> tuple[str, ...]:
    try:
        codes = zxingcpp.read_barcodes(
            np.ascontiguousarray(grey),
            formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]),
        )
    except (ValueError, RuntimeError, TypeError, UnicodeDecodeError) as error:
        log.info("code_unreadable", error=type(error).__name__)
        return ()
    texts = [code.text for code in codes if code.valid and 0 < len(code.text) <= LONGEST]
    return tuple(dict.fromkeys(texts))


class Once:
    """Tells a text once while it is seen; again after it has been away for `AGAIN_S`."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def new(self, now: float, texts: tuple[str, ...]) -> tuple[str, ...]:
        """`now` in seconds."""
        self._last = {text: at for text, at in self._last.items() if now - at < AGAIN_S}
        fresh = tuple(text for text in texts if text not in self._last)
        self._last.update(dict.fromkeys(texts, now))
        return fresh


class CardEye(InThread):
    """Looks at a camera's pictures until it is stopped; `hear` is called from its thread."""

    def __init__(self, camera: Frames, hear: Callable[[str], None]) -> None:
        super().__init__("card")
        self._camera, self._hear = camera, hear

    def _run(self) -> None:
        once, last = Once(), None
        while not self._stop.wait(POLL_S):
            frame = self._camera.preview()
            if frame is None or frame is last:
                continue
            last = frame
            for text in once.new(time.monotonic(), find_codes(frame)):
                self._hear(text)
