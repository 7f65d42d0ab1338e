"""What scanning speaks of: pictures, corners, and how large a sheet lies under the camera."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8]
"""Rows × columns × 3, blue-green-red as OpenCV has it."""
Points: TypeAlias = NDArray[np.float64]
"""n × 2: x to the right, y down, in pixels; the middle of the first pixel is (0, 0)."""
Floats: TypeAlias = NDArray[Any]
"""Numbers, or yes and no, of any precision: OpenCV's signatures tell no more."""

A4_MM = (210.0, 297.0)
MM_PER_INCH = 25.4
LEAST_DPI = 200
"""What the law wants of a digitised paper."""


def sampled(picture: Floats, points: Floats) -> Floats:
    """The picture's values at points (rows × columns × 2) between its pixels; beyond its border the border's."""
    places = np.asarray(points, np.float32)
    return np.asarray(
        cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    )


def side_lengths(corners: Points) -> Points:
    """Upper, right, lower, left; in pixels."""
    return np.asarray(np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1))


def diagonal(corners: Points) -> float:
    """The longer one, in pixels."""
    return float(
        max(
            np.linalg.norm(corners[2] - corners[0]),
            np.linalg.norm(corners[3] - corners[1]),
        )
    )


def area(corners: Points) -> float:
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def in_order(corners: Points) -> Points:
    """Clockwise on the screen, beginning at the corner nearest the picture's upper left."""
    middle = corners.mean(axis=0)
    angles = np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0])
    turned = corners[np.argsort(angles)]
    return np.roll(turned, -int(np.argmin(turned.sum(axis=1))), axis=0)


def dpi_on_a4(corners: Points) -> float:
    """Dots per inch that an A4 sheet with these corners has in its worse direction."""
    upper, right, lower, left = side_lengths(corners)
    across, down = min(upper, lower), min(left, right)
    short, long = sorted((across, down))
    return float(min(short / A4_MM[0], long / A4_MM[1]) * MM_PER_INCH)
