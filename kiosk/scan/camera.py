"""The camera: live pictures at 720p, and stills of five megapixels or more by a change of mode.

A law-proof page needs 200 dpi, which 1080p does not give on A4; large pictures come slowly, so the live ones are
small and the camera is opened anew for each still. `device` may name a pretend camera: `made:<seed>` shows made
sheets, `film:<folder>` the pictures of a folder, in the order of their names.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import structlog

from queue_server.wire.words import Frozen

from . import made
from .shapes import A4_MM, LEAST_DPI, MM_PER_INCH, Picture

SETTLE_FRAMES = 8
"""Thrown away after a change of mode, while exposure settles."""
AGAIN_S = 1.5
LEAST_STILL = 5_000_000
MADE_SHEET_S = 6.0

log = structlog.get_logger()


class CameraSettings(Frozen, forbid_unknown_fields=True):
    """`[kiosk.camera]`. `device`: a path such as `/dev/v4l/by-id/…-index0`, a number, or a pretend camera; empty:
    none. `turned`: quarter turns clockwise that bring the picture upright. `still`: the still's size."""

    device: str = ""
    preview_width: int = 1280
    preview_height: int = 720
    still_width: int = 3840
    still_height: int = 2160
    turned: int = 0
    margin: float = 0.1
    """How much of the picture is not covered by an A4 sheet that lies well."""


def still_dpi(settings: CameraSettings) -> float:
    """Dots per inch that an A4 sheet gets in the still, with the margin around it."""
    long, short = sorted((settings.still_width, settings.still_height), reverse=True)
    covered = 1 - settings.margin
    return min(long / A4_MM[1], short / A4_MM[0]) * MM_PER_INCH * covered


def too_coarse(settings: CameraSettings) -> bool:
    """What `motcua doctor` refuses: less than the law's 200 dpi."""
    return bool(settings.device) and still_dpi(settings) < LEAST_DPI


class Source(Protocol):
    """Where pictures come from."""

    def read(self) -> Picture | None:
        """The next live picture; None when the camera is gone."""

    def still(self) -> Picture | None:
        """One large picture; None when the camera is gone."""

    def close(self) -> None: ...


class Camera:
    """`on_frame` gets each live picture, `on_works` whether the camera is there; both in the camera's own thread."""

    def __init__(
        self,
        settings: CameraSettings,
        on_frame: Callable[[Picture], None],
        on_works: Callable[[bool], None] = lambda _: None,
        open_source: Callable[[CameraSettings], Source | None] | None = None,
    ) -> None:
        self._settings, self._on_frame, self._on_works = settings, on_frame, on_works
        self._open = open_source or source_of
        self._stopped = threading.Event()
        self._wanted: Callable[[Picture | None], None] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopped.clear()
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(3)

    def still(self, on_picture: Callable[[Picture | None], None]) -> None:
        """Take one large picture; `on_picture` gets it, or None, in the camera's thread."""
        self._wanted = on_picture

    def _work(self) -> None:
        while not self._stopped.is_set():
            source = self._open(self._settings)
            self._on_works(source is not None)
            if source is not None:
                try:
                    self._watch(source)
                finally:
                    source.close()
            if not self._stopped.wait(AGAIN_S):
                continue

    def _watch(self, source: Source) -> None:
        """Until it is stopped or the camera is gone."""
        while not self._stopped.is_set():
            wanted, self._wanted = self._wanted, None
            if wanted is not None:
                picture = source.still()
                wanted(_upright(picture, self._settings))
                if picture is None:
                    self._on_works(False)
                    return
                continue
            frame = _upright(source.read(), self._settings)
            if frame is None:
                log.warning("camera_gone")
                self._on_works(False)
                return
            self._on_frame(frame)


def _upright(picture: Picture | None, settings: CameraSettings) -> Picture | None:
    if picture is None or not settings.turned % 4:
        return picture
    return np.ascontiguousarray(np.rot90(picture, -settings.turned % 4))


def source_of(settings: CameraSettings) -> Source | None:
    """The camera of the settings, opened; None when it cannot be."""
    device = settings.device
    if device.startswith("made:"):
        return MadeSource(int(device.partition(":")[2] or 1), settings)
    if device.startswith("film:"):
        return FilmSource(Path(device.partition(":")[2]), settings)
    return V4lSource.opened(settings) if device else None


class V4lSource:
    """A camera of Linux, by OpenCV. V4L2 is named, since another back end ignores the wished sizes."""

    def __init__(self, settings: CameraSettings, capture: cv2.VideoCapture) -> None:
        self._settings, self._capture = settings, capture

    @staticmethod
    def opened(settings: CameraSettings) -> V4lSource | None:
        capture = _capture(settings, settings.preview_width, settings.preview_height)
        return V4lSource(settings, capture) if capture is not None else None

    def read(self) -> Picture | None:
        ok, frame = self._capture.read()
        return np.asarray(frame, np.uint8) if ok and frame is not None else None

    def still(self) -> Picture | None:
        """Close, open large, let it settle, take, and back: the dependable way to change the mode."""
        own = self._settings
        self._capture.release()
        large = _capture(own, own.still_width, own.still_height)
        picture = None
        if large is not None:
            for _ in range(SETTLE_FRAMES):
                large.grab()
            ok, frame = large.read()
            picture = np.asarray(frame, np.uint8) if ok and frame is not None else None
            large.release()
        again = _capture(own, own.preview_width, own.preview_height)
        if again is not None:
            self._capture = again
        return picture

    def close(self) -> None:
        self._capture.release()


def _capture(settings: CameraSettings, width: int, height: int) -> cv2.VideoCapture | None:
    device = int(settings.device) if settings.device.isdecimal() else settings.device
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
    if not capture.isOpened():
        return None
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # before the size
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    got = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if got != (width, height):
        log.warning("camera_size", wanted=f"{width}x{height}", got=f"{got[0]:.0f}x{got[1]:.0f}")
    return capture


class MadeSource:
    """A pretend camera over made sheets: an empty desk, a sheet, the desk again, the next sheet …"""

    def __init__(self, seed: int, settings: CameraSettings) -> None:
        self._seed, self._settings = seed, settings
        self._began = time.monotonic()
        self._kept: tuple[int, Picture] | None = None

    def _scene(self) -> tuple[int, made.Scene]:
        place = int((time.monotonic() - self._began) / MADE_SHEET_S)
        seed = self._seed * 1000 + place // 3
        return place, made.Scene.of(seed, empty=place % 3 == 0)

    def read(self) -> Picture | None:
        time.sleep(1 / 15)
        place, scene = self._scene()
        if self._kept is None or self._kept[0] != place:
            size = (self._settings.preview_width, self._settings.preview_height)
            self._kept = place, made.render(scene, size)
        return self._kept[1]

    def still(self) -> Picture | None:
        own = self._settings
        wide = own.still_width, round(own.still_width * own.preview_height / own.preview_width)
        return made.render(self._scene()[1], wide)

    def close(self) -> None: ...


class FilmSource:
    """A pretend camera over the pictures of a folder, one every fifteenth of a second, round and round.

    The still is the shown picture, or that of the same name in a folder `still` inside.
    """

    def __init__(self, folder: Path, settings: CameraSettings) -> None:
        self._files = sorted(p for p in folder.iterdir() if p.suffix in (".png", ".jpg"))
        self._stills, self._place = folder / "still", -1
        self._settings = settings

    def read(self) -> Picture | None:
        time.sleep(1 / 15)
        if not self._files:
            return None
        self._place = (self._place + 1) % len(self._files)
        return _picture(self._files[self._place])

    def still(self) -> Picture | None:
        if not self._files:
            return None
        shown = self._files[max(0, self._place)]
        large = self._stills / shown.name
        return _picture(large if large.exists() else shown)

    def close(self) -> None: ...


def _picture(path: Path) -> Picture | None:
    found = cv2.imread(str(path))
    return np.asarray(found, np.uint8) if found is not None else None
