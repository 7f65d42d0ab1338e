"""The child's eye: the camera and the flat-bed scanner's folder, codes and pages found, pages kept in memory alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import reports as r
from .talk import Devices

Hear = Callable[..., None]


@dataclass(frozen=True)
class Sight:
    """A picture as it is seen now. `corners`: of what was found, in parts of its width and height from above."""

    frame: np.ndarray[Any, Any]
    count: int
    corners: tuple[tuple[float, float], ...] | None = None
    good: bool = False


class Eye:
    """`watch` turns it on and off; `hear` is told of codes, hints and pages from its own threads."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._lock = threading.Lock()
        self._pages: dict[str, Any] = {}
        self._sight: Sight | None = None

    def sight(self) -> Sight | None:
        """What it sees now; None while it is shut."""
        return self._sight

    def thumbnail(self, page: str) -> np.ndarray[Any, Any] | None:
        """A page as the screen shows it."""
        with self._lock:
            return self._pages.get(page)

    def warm_up(self) -> None:
        """Load the libraries."""

    def watch(self, what: r.LookFor, devices: Devices) -> None:
        if what is not r.LookFor.NOTHING and not devices.camera:
            self._hear(r.CameraChanged, works=False)

    def take_now(self) -> None:
        """Take the page as it lies."""

    def forget(self, page: str) -> None:
        with self._lock:
            self._pages.pop(page, None)

    def pdf(self, pages: Sequence[r.Page], name: str, code: str) -> bytes:
        return b""

    def stop(self) -> None:
        """Let the camera go."""
