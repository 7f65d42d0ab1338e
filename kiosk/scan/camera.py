"""The camera over the desk, in a thread of its own: previews all the time, a fine still when asked for.

The mode is switched by closing and opening again, which is what every camera understands. Pulled out in the
middle, the state is `gone`, and it is looked for until it is back. Pretend cameras play a folder of pictures
or made papers.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import structlog

from . import made
from .in_thread import InThread
from .settings import CameraSettings, a4_dpi, size_of
from .shapes import Picture

AGAIN_S = 1.0
FRAME_S = 1 / 30
MISSES = 5
"""Reads in a row without a picture after which the camera counts as gone."""
STILLS = 3
"""Pictures of which the sharpest is the still."""
FILM = (".jpg", ".jpeg", ".png")
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

log = structlog.get_logger()


class CameraState(StrEnum):
    """Words for visitors under `camera.<state>`."""

    STARTING = "starting"
    READY = "ready"
    GONE = "gone"


class CameraGone(Exception):
    """No picture comes; the text says why, for the technician."""


class Source(Protocol):
    """What gives pictures: a real camera or a pretend one. All raise CameraGone."""

    def read(self) -> Picture: ...
    def still(self) -> Picture: ...
    def close(self) -> None: ...


Opener = Callable[[CameraSettings], Source]


class Camera(InThread):
    """`start` and `stop` it; `preview` and `still` may be called from any thread."""

    def __init__(self, settings: CameraSettings, opener: Opener | None = None) -> None:
        super().__init__("camera", patience_s=10)
        self.settings = settings
        self._opener = opener or open_source
        self._fresh = threading.Condition()
        self._frame: Picture | None = None
        self._state = CameraState.STARTING
        self._asked: Future[Picture] | None = None
        self._lock = threading.Lock()

    @property
    def state(self) -> CameraState:
        return self._state

    def preview(self) -> Picture | None:
        """The newest picture, None while there is none. A new object for each picture."""
        return self._frame

    def wait(self, known: Picture | None, seconds: float) -> Picture | None:
        """The newest picture as soon as it is another than `known`; after `seconds`, whatever there is."""
        with self._fresh:
            self._fresh.wait_for(lambda: self._frame is not known or self._stop.is_set(), seconds)
        return self._frame

    def still(self) -> Future[Picture]:
        """A fine picture, in a second or two; fails with CameraGone. One at a time: a second ask gets the first."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                if self._stop.is_set():
                    self._asked.set_exception(CameraGone("stopped"))
            return self._asked

    def stop(self) -> None:
        super().stop()
        self._end_ask(CameraGone("stopped"))
        self._show(None, CameraState.STARTING)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                source = self._opener(self.settings)
            except CameraGone as error:
                self._lost(error)
                continue
            try:
                self._serve(source)
            except CameraGone as error:
                self._lost(error)
            finally:
                source.close()

    def _serve(self, source: Source) -> None:
        while not self._stop.is_set():
            asked = self._asked
            if asked is not None and not asked.done():
                picture = source.still()
                asked.set_result(_turned(picture, self.settings.rotate))
            self._show(_turned(source.read(), self.settings.rotate), CameraState.READY)

    def _lost(self, error: CameraGone) -> None:
        if self._state is not CameraState.GONE:
            log.warning("camera_gone", error=str(error))
        self._end_ask(error)
        self._show(None, CameraState.GONE)
        self._stop.wait(AGAIN_S)

    def _end_ask(self, error: CameraGone) -> None:
        with self._lock:
            if self._asked is not None and not self._asked.done():
                self._asked.set_exception(error)

    def _show(self, frame: Picture | None, state: CameraState) -> None:
        with self._fresh:
            self._frame, self._state = frame, state
            self._fresh.notify_all()


def _turned(picture: Picture, degrees: int) -> Picture:
    turn = TURNS.get(degrees % 360)
    return picture if turn is None else np.asarray(cv2.rotate(picture, turn), np.uint8)


def open_source(settings: CameraSettings) -> Source:
    """By the address in the settings; raises CameraGone."""
    kind, _, rest = settings.address.partition(":")
    if kind == "film" and rest:
        return Film(Path(rest))
    if kind == "made" and rest.isdecimal():
        return MadePapers(int(rest), settings)
    if settings.address in ("", "none"):
        raise CameraGone("this kiosk has no camera")
    return V4l2(settings)


# --- a real camera ---


class V4l2:
    """A USB camera (UVC). FOURCC before the size, each size read back: drivers take what they can and say nothing."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._misses = 0
        self._capture = self._open(settings.preview_size())

    def _open(self, size: tuple[int, int]) -> cv2.VideoCapture:
        address = os.path.realpath(self._settings.address)
        if not os.path.exists(address):
            raise CameraGone(f"{self._settings.address} is not there")
        capture = cv2.VideoCapture(address, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise CameraGone(f"{self._settings.address} cannot be opened")
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if self._settings.focus >= 0:
            capture.set(cv2.CAP_PROP_AUTOFOCUS, 0)
            capture.set(cv2.CAP_PROP_FOCUS, self._settings.focus)
        got = (
            round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        if got != size:
            log.warning("camera_size", wanted=f"{size[0]}x{size[1]}", got=f"{got[0]}x{got[1]}")
        return capture

    def read(self) -> Picture:
        while True:
            took, frame = self._capture.read()
            if took and frame is not None and frame.size:
                self._misses = 0
                return np.asarray(frame, np.uint8)
            self._misses += 1
            if self._misses >= MISSES:
                raise CameraGone("no picture comes")

    def still(self) -> Picture:
        self._capture.release()
        self._capture = self._open(self._settings.still_size())
        try:
            for _ in range(self._settings.settle_frames):
                self.read()
            return max((self.read() for _ in range(STILLS)), key=_crispness)
        finally:
            self._capture.release()
            self._capture = self._open(self._settings.preview_size())

    def close(self) -> None:
        self._capture.release()


def _crispness(picture: Picture) -> float:
    grey = cv2.cvtColor(picture[::2, ::2], cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


# --- pretend cameras ---


class Film:
    """Pictures of a folder in the order of their names, for ever; `x.jpg` may have a still `x.still.jpg`."""

    def __init__(self, folder: Path) -> None:
        names = [p for p in folder.glob("*") if p.suffix.lower() in FILM] if folder.is_dir() else []
        self._names = sorted(p for p in names if ".still." not in p.name)
        self._next = 0
        if not self._names:
            raise CameraGone(f"{folder}: no pictures")

    def read(self) -> Picture:
        path = self._names[self._next % len(self._names)]
        self._next += 1
        time.sleep(FRAME_S)
        return _load(path)

    def still(self) -> Picture:
        path = self._names[max(0, self._next - 1) % len(self._names)]
        fine = path.with_suffix(f".still{path.suffix}")
        return _load(fine if fine.exists() else path)

    def close(self) -> None:
        """Nothing is open."""


def _load(path: Path) -> Picture:
    try:
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except OSError as error:
        raise CameraGone(f"{path.name}: {error.strerror}") from error
    if picture is None:
        raise CameraGone(f"{path.name} is no picture")
    return np.asarray(picture, np.uint8)


class MadePapers:
    """A desk on which somebody lays a sheet, lets it lie, and takes it away again; then the next."""

    EMPTY_S, LAY_S, LIE_S = 2.0, 1.0, 7.0

    def __init__(self, seed: int, settings: CameraSettings) -> None:
        self._seed, self._settings = seed, settings
        self._began = time.monotonic()
        self._drawn: dict[tuple[int, str], Picture] = {}

    def read(self) -> Picture:
        time.sleep(FRAME_S)
        number, phase = self._now()
        key = (number, phase)
        if key not in self._drawn:
            self._drawn = {k: v for k, v in self._drawn.items() if k[0] == number}
            self._drawn[key] = self._draw(number, phase, self._settings.preview_size())
        return self._drawn[key].copy()

    def still(self) -> Picture:
        return self._draw(*self._now(), self._settings.still_size())

    def close(self) -> None:
        """Nothing is open."""

    def _now(self) -> tuple[int, str]:
        cycle = self.EMPTY_S + 2 * self.LAY_S + self.LIE_S
        number, at = divmod(time.monotonic() - self._began, cycle)
        if at < self.EMPTY_S:
            return int(number), "empty"
        inside = self.EMPTY_S + self.LAY_S < at < cycle - self.LAY_S
        return int(number), f"lies{int(at * 4) % 2}" if inside else f"moves{int(at * 6) % 3}"

    def _draw(self, number: int, phase: str, size: tuple[int, int]) -> Picture:
        scene = calm_scene(self._seed + 101 * number)
        if phase == "empty":
            return made.render(made.without_sheet(scene), size)
        if phase.startswith("moves"):
            return made.render(scene.moved(0.05 * (1 + int(phase[-1])), 0.02), size)
        return made.render(scene, size, shot=int(phase[-1]))


def calm_scene(seed: int) -> made.Scene:
    """A scene without hard light or hands, the sheet upright or sideways and large enough."""
    while True:
        scene = made.Scene.of(seed)
        corners = np.array(scene.corners)
        large = np.ptp(corners[:, 1]) > 0.47
        if large and not scene.hard and not scene.dark and not scene.fingers and not scene.things:
            return scene
        seed += 1


# --- for the doctor ---


def doctor_line(settings: CameraSettings) -> tuple[bool, str]:
    """Whether stills are fine enough for A4 (`least_dpi`), and a line on it for the technician."""
    if settings.address in ("", "none"):
        return True, "none"
    try:
        size_of(settings.preview), size_of(settings.still)
        source = open_source(settings)
    except (CameraGone, ValueError) as error:
        return False, str(error)
    try:
        shape = _turned(source.still(), settings.rotate).shape
    except CameraGone as error:
        return False, str(error)
    finally:
        source.close()
    wide, high = shape[1], shape[0]
    dpi = a4_dpi(wide, high, settings.field_mm)
    told = f"{wide}x{high}, A4: {dpi:.0f} dpi"
    return (
        dpi >= settings.least_dpi,
        told if dpi >= settings.least_dpi else f"{told} < {settings.least_dpi}",
    )
