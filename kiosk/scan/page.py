"""A page from a picture of it: straightened, its light evened out, its colours kept."""

from __future__ import annotations

import cv2
import numpy as np

from .shapes import A4_MM, MM_PER_INCH, Picture, Points, in_order, side_lengths

PAPER_WHITE = 244
"""Grey to which the paper is brought: white, but with room above for its own texture."""
INSET = 0.004
"""Parts of a side cut off all round: the rim of the desk does not come along."""
GROUND_PX = 160
"""The width at which the light is looked at: text is gone there, shadows are not."""
LEAST_GROUND = 60
THUMBNAIL = (360, 480)
NEARLY_A4 = 0.12


def straighten(picture: Picture, corners: Points) -> Picture:
    """The sheet between `corners` as a rectangle, as large as its pixels allow; A4 in shape if it is nearly so."""
    corners = in_order(np.asarray(corners, np.float64))
    upper, right, lower, left = side_lengths(corners)
    width, height = _shape(max(upper, lower), max(left, right))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    middle = corners.mean(axis=0)
    inner = middle + (corners - middle) * (1 - 2 * INSET)
    warp = cv2.getPerspectiveTransform(inner.astype(np.float32), target)
    flat = cv2.warpPerspective(
        picture, warp, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(flat, np.uint8)


def _shape(width: float, height: float) -> tuple[int, int]:
    """Perspective shortens a side: a sheet that is nearly A4 gets the longer reading of both."""
    long, short = max(width, height), min(width, height)
    ratio = A4_MM[1] / A4_MM[0]
    if abs(long / short / ratio - 1) <= NEARLY_A4:
        long = max(long, short * ratio)
        short = long / ratio
    found = (short, long) if width <= height else (long, short)
    return max(8, round(found[0])), max(8, round(found[1]))


def even_light(page: Picture) -> Picture:
    """The paper white all over, whatever shadow or colour of lamp lay on it; ink and stamps as they are."""
    ground = _ground(page)
    lifted = page.astype(np.float32) * (PAPER_WHITE / np.maximum(ground, LEAST_GROUND))
    return np.clip(lifted, 0, 255).astype(np.uint8)


def _ground(page: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The paper alone, in each colour: the bright of each neighbourhood, smooth over text and stamps."""
    height = max(8, round(page.shape[0] * GROUND_PX / page.shape[1]))
    small = cv2.resize(page, (GROUND_PX, height), interpolation=cv2.INTER_AREA)
    bright = cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    calm = cv2.medianBlur(bright, 21)
    smooth = cv2.GaussianBlur(calm, (0, 0), 5)
    large = cv2.resize(smooth, (page.shape[1], page.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)


def cleaned(picture: Picture, corners: Points) -> Picture:
    """Straightened and evened out."""
    return even_light(straighten(picture, corners))


def turned(page: Picture, quarters: int) -> Picture:
    """Turned clockwise by quarter turns."""
    return np.ascontiguousarray(np.rot90(page, -quarters % 4))


def dpi_of(page: Picture) -> float:
    """Dots per inch, taking the page for A4."""
    short, long = sorted(page.shape[:2])
    return float(min(short / A4_MM[0], long / A4_MM[1]) * MM_PER_INCH)


def thumbnail(page: Picture) -> Picture:
    """Small enough to show many of them."""
    height, width = page.shape[:2]
    scale = min(THUMBNAIL[0] / width, THUMBNAIL[1] / height, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8)
