"""Finds the sheet of paper in a picture: lines first, then the four of them that make a sheet.

On a small copy, line segments of several channels are gathered into long lines (`lines`). Every line remembers
how strongly the picture changes across it, pixel by pixel; so any four lines are weighed by a few look-ups
(`sheets`): do all four sides show an edge, the same way round, that ends at the corners? The best four are
then laid anew on the full picture, to a fraction of a pixel (`edges`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .edges import refined
from .lines import WIDE, Lines, channels, gathered, rims, seen
from .shapes import Floats, Picture, Points, area, diagonal, dpi_on_a4, in_order
from .sheets import best_sheet


@dataclass(frozen=True)
class Outline:
    """`corners`: clockwise, beginning at the one nearest the upper left of the picture; `confidence` 0 … 1.

    `cut`: the sheet reaches out of the picture; its corners there are where the picture ends.
    """

    corners: Points
    confidence: float
    cut: bool = False

    @property
    def diagonal(self) -> float:
        return diagonal(self.corners)

    @property
    def area(self) -> float:
        return area(self.corners)

    @property
    def dpi(self) -> float:
        """In this picture, if the sheet is A4."""
        return dpi_on_a4(self.corners)


class Finder:
    """`find` keeps nothing between pictures and may be called from any one thread."""

    def __init__(self) -> None:
        self._segments = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD, 0.9)

    def find(self, picture: Picture) -> Outline | None:
        """The sheet that fills most of the picture, or None; half a pixel exact on a flat sheet."""
        scale = WIDE / picture.shape[1]
        size = (WIDE, round(picture.shape[0] * scale))
        lab = seen(_shrunk(picture, size))
        lines = self._lines(lab)
        chosen = best_sheet(lines, lab) if len(lines.weight) >= 4 else None
        if chosen is None:
            return None
        corners, confidence, cut = chosen
        exact = (corners + 0.5) / scale - 0.5
        if not cut:
            exact = refined(picture, exact, 1 / scale)
        return Outline(in_order(exact), confidence, cut)

    def _lines(self, lab: Floats) -> Lines:
        """All lines of the picture, and its four borders."""
        found: list[Floats] = [np.zeros((0, 4))]
        for channel in channels(lab):
            segments = self._segments.detect(channel)[0]
            if segments is not None:
                found.append(segments.reshape(-1, 4))
        return gathered(np.concatenate(found).astype(float), rims(lab), lab.shape[1], lab.shape[0])


def _shrunk(picture: Picture, size: tuple[int, int]) -> Floats:
    """By halves first, which is quick and loses no light."""
    small: Floats = picture
    while small.shape[1] >= 2 * size[0] and small.shape[0] % 2 == small.shape[1] % 2 == 0:
        half = (small.shape[1] // 2, small.shape[0] // 2)
        small = cv2.resize(small, half, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, size, interpolation=cv2.INTER_AREA)
