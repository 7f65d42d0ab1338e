"""From the still to a page: straight, of its right shape, evenly lit, its paper white where it is white."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .shapes import A4_MM, MM_PER_INCH, Floats, Picture, Points, side_lengths

MOST_DPI = 300
ROOT_2 = math.sqrt(2)
A_FORMAT = 0.06
"""How far the logarithm of the sides' ratio may be from √2 for the sheet to count as of an A format."""
WHITE = 248.0
PALE = 9.0
"""Paper whose colour (a, b of Lab) is paler than this counts as white."""


@dataclass(frozen=True)
class Page:
    """`picture` blue-green-red; `dpi` on paper of `mm` (width, height)."""

    picture: Picture
    dpi: float
    mm: tuple[float, float] = A4_MM

    @property
    def size(self) -> tuple[int, int]:
        return self.picture.shape[1], self.picture.shape[0]

    def turned(self, quarters: int) -> Page:
        """Turned by so many quarters to the right."""
        turned = np.ascontiguousarray(np.rot90(self.picture, -quarters))
        return Page(turned, self.dpi, self.mm if quarters % 2 == 0 else self.mm[::-1])


def straighten(picture: Picture, corners: Points, *, most_dpi: float = MOST_DPI) -> Page:
    """The sheet between the corners, seen from straight above, at the picture's own resolution.

    An A-format sheet comes out as A4 exactly; any other keeps its own shape, its longer side as A4's.
    """
    upper, right, lower, left = side_lengths(corners)
    tall = right + left > upper + lower
    ratio = _ratio(corners, picture.shape[1], picture.shape[0])
    long_over_short = max(ratio, 1 / ratio)
    if abs(math.log(long_over_short / ROOT_2)) < A_FORMAT:
        long_over_short = A4_MM[1] / A4_MM[0]
    long_mm = A4_MM[1]
    short_mm = long_mm / long_over_short
    longest = max(right, left) if tall else max(upper, lower)
    shortest = max(upper, lower) if tall else max(right, left)
    dpi = min(most_dpi, max(longest / long_mm, shortest / short_mm) * MM_PER_INCH)
    long, short = round(long_mm / MM_PER_INCH * dpi), round(short_mm / MM_PER_INCH * dpi)
    wide, high = (short, long) if tall else (long, short)
    goal = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32) - 0.5
    lens = cv2.getPerspectiveTransform(corners.astype(np.float32), goal)
    flat = cv2.warpPerspective(picture, lens, (wide, high), flags=cv2.INTER_CUBIC,
                               borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    return Page(
        np.asarray(flat, np.uint8), float(dpi), (short_mm, long_mm) if tall else (long_mm, short_mm)
    )


def _ratio(corners: Points, width: int, height: int) -> float:
    """Height over width of the rectangle whose picture has these corners, for a camera with square pixels
    that looks through the picture's middle (Zhang and He 2007, whiteboard scanning)."""
    upper, right, lower, left = side_lengths(corners)
    plain = float((left + right) / max(1e-6, upper + lower))
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    m1, m2, m4, m3 = (np.array([*(c - middle), 1.0]) for c in corners)
    k2 = np.dot(np.cross(m1, m4), m3) / _not_zero(float(np.dot(np.cross(m2, m4), m3)))
    k3 = np.dot(np.cross(m1, m4), m2) / _not_zero(float(np.dot(np.cross(m3, m4), m2)))
    n2, n3 = k2 * m2 - m1, k3 * m3 - m1
    if abs(n2[2]) < 2e-2 or abs(n3[2]) < 2e-2:
        return (
            plain  # seen from straight above: opposite sides are parallel, and as long as they look
        )
    focal2 = -(n2[0] * n3[0] + n2[1] * n3[1]) / (n2[2] * n3[2])
    if not (0.4 * width) ** 2 < focal2 < (4 * width) ** 2:
        return plain
    scale = np.array([1 / focal2, 1 / focal2, 1.0])
    found = float(np.sqrt((n3 * n3 * scale).sum() / (n2 * n2 * scale).sum()))
    return found if abs(math.log(found / plain)) < 0.25 else plain


def _not_zero(value: float) -> float:
    return value if abs(value) > 1e-9 else 1e-9


def even_light(picture: Picture) -> Picture:
    """Lamps and shadows taken away; colours of stamp, ink and coloured paper kept.

    The paper's own brightness is estimated where there is no ink, and every place made as bright as the
    brightest; only pale paper is made neutral too.
    """
    paper = _paper(picture)
    tone = cv2.cvtColor(
        np.median(paper, axis=(0, 1), keepdims=True).astype(np.uint8), cv2.COLOR_BGR2LAB
    )
    pale = float(np.hypot(float(tone[0, 0, 1]) - 128, float(tone[0, 0, 2]) - 128)) < PALE
    if pale:
        gain = WHITE / np.maximum(paper, 24)
    else:
        brightest = paper.max(axis=2, keepdims=True)
        gain = np.repeat(WHITE / np.maximum(brightest, 24), 3, axis=2)
    gain = np.minimum(gain, 4.0).astype(np.float32)
    full = cv2.resize(gain, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR)
    lit = picture.astype(np.float32) * full
    return np.asarray(np.clip((lit - 10) * (255 / 240), 0, 255), np.uint8)


def _paper(picture: Picture) -> Floats:
    """The brightness that blank paper has at each place, small and smooth; photographs are spanned over."""
    scale = 160 / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    open_ = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    light = open_.max(axis=2)
    wide = cv2.morphologyEx(open_, cv2.MORPH_CLOSE, np.ones((41, 41), np.uint8))
    is_paper = light > 0.72 * wide.max(axis=2)
    filled = np.where(is_paper[..., None], open_, wide).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(filled, (0, 0), 5, borderType=cv2.BORDER_REPLICATE))


def scan(picture: Picture, corners: Points, *, most_dpi: float = MOST_DPI) -> Page:
    """A still and its corners to a page that can be kept."""
    flat = straighten(picture, corners, most_dpi=most_dpi)
    return Page(even_light(flat.picture), flat.dpi, flat.mm)


def look(picture: Picture, corners: Points) -> Floats:
    """24 × 24 grey values of the sheet, to tell one page from another."""
    goal = np.array([(0, 0), (95, 0), (95, 95), (0, 95)], np.float32)
    lens = cv2.getPerspectiveTransform(corners.astype(np.float32), goal)
    flat = cv2.cvtColor(cv2.warpPerspective(picture, lens, (96, 96)), cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(flat, (24, 24), interpolation=cv2.INTER_AREA), np.float32)


def thumbnail(page: Page, wide: int = 240) -> Picture:
    high = max(1, round(wide * page.size[1] / page.size[0]))
    return np.asarray(
        cv2.resize(page.picture, (wide, high), interpolation=cv2.INTER_AREA), np.uint8
    )
