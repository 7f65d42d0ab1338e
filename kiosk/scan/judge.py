"""What is the matter with a page under the camera, so that the visitor can be told what to do."""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np

from .finder import Outline
from .page import straighten
from .shapes import LEAST_DPI, Picture, dpi_on_a4

WIDE = 620
"""Pixels of the straightened page that is looked at."""
GLARE_LEVEL, GLARE_PART = 252, 0.004
SHARP_LEAST = 24.0
INK_DARKER = 26
BLANK_INK = 0.0012
SKIN_PART = 0.004


class Fault(StrEnum):
    """In the order in which they are said; keys under `[hint]` in the texts."""

    NO_PAGE = "no_page"
    CUT = "cut"
    TOO_FAR = "too_far"
    FINGER = "finger"
    GLARE = "glare"
    BLUR = "blur"
    BLANK = "blank"
    SIDEWAYS = "sideways"
    UPSIDE_DOWN = "upside_down"
    HOLD_STILL = "hold"


def judge(picture: Picture, outline: Outline | None, scale: float = 1.0) -> tuple[Fault, ...]:
    """All that is wrong with the sheet in this picture. `scale`: how many times more pixels the still has."""
    if outline is None:
        return (Fault.NO_PAGE,)
    faults = []
    if outline.cut:
        faults.append(Fault.CUT)
    if dpi_on_a4(outline.corners) * scale < LEAST_DPI:
        faults.append(Fault.TOO_FAR)
    page = _looked_at(straighten(picture, outline.corners))
    if has_finger(page):
        faults.append(Fault.FINGER)
    if has_glare(page):
        faults.append(Fault.GLARE)
    if is_blank(page):
        return (*faults, Fault.BLANK)
    if sharpness(page) < SHARP_LEAST:
        faults.append(Fault.BLUR)
    return tuple(faults)


def _looked_at(page: Picture) -> Picture:
    short = min(page.shape[:2])
    if short <= WIDE:
        return page
    size = (round(page.shape[1] * WIDE / short), round(page.shape[0] * WIDE / short))
    return np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8)


def _grey(page: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8)


def _paper(grey: Picture) -> Picture:
    """The brightness of the paper at each place, without its ink."""
    grown = cv2.dilate(grey, cv2.getStructuringElement(cv2.MORPH_RECT, (15, 15)))
    return np.asarray(cv2.medianBlur(grown, 31), np.uint8)


def ink(page: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where something is written or printed."""
    grey = _grey(page)
    mask = _paper(grey).astype(np.int16) - grey > INK_DARKER
    rim = round(min(mask.shape) * 0.03)
    mask[:rim], mask[-rim:], mask[:, :rim], mask[:, -rim:] = False, False, False, False
    return mask


def is_blank(page: Picture) -> bool:
    """Nothing on it that could be read: the back of a sheet."""
    return float(ink(page).mean()) < BLANK_INK


def sharpness(page: Picture) -> float:
    """How steep the edges of the ink are: grey levels a pixel at the steepest tenth, by the ink's own contrast."""
    grey = _grey(page)
    written = ink(page)
    if not written.any():
        return 0.0
    near = cv2.dilate(written.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3) / 8
    steep = np.hypot(across, down)[near]
    contrast = float(np.percentile(_paper(grey), 50) - np.percentile(grey[written], 20))
    return float(np.percentile(steep, 90)) / max(20.0, contrast) * 100


def has_glare(page: Picture) -> bool:
    """A lamp's mirror image: burnt out in all colours, in one place, brighter than the paper around it."""
    burnt = (page.min(axis=2) >= GLARE_LEVEL).astype(np.uint8)
    if float(burnt.mean()) < GLARE_PART:
        return False
    paper = float(np.percentile(_grey(page), 60))
    if paper >= GLARE_LEVEL - 4:
        return float(burnt.mean()) > 0.5 and float(np.percentile(_grey(page), 25)) < 215
    count, _, stats, _ = cv2.connectedComponentsWithStats(cv2.medianBlur(burnt, 5))
    areas = stats[1:, cv2.CC_STAT_AREA] if count > 1 else np.zeros(1)
    return bool(float(areas.max()) / burnt.size >= GLARE_PART)


def has_finger(page: Picture) -> bool:
    """Skin that reaches in from the rim. Coloured paper is no skin: it is everywhere."""
    tint = cv2.cvtColor(page, cv2.COLOR_BGR2YCrCb)
    lightness, red, blue = (tint[:, :, channel].astype(np.int16) for channel in range(3))
    middle_red, middle_blue = np.median(red), np.median(blue)
    skin = (red - middle_red > 10) & (middle_blue - blue > 5) & (lightness > 40)
    skin &= (red > 136) & (red < 182) & (blue > 76) & (blue < 132)
    mask = cv2.morphologyEx(skin.astype(np.uint8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    count, _labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    height, width = mask.shape
    for part in range(1, count):
        x, y, w, h, size = stats[part]
        at_rim = x <= 3 or y <= 3 or x + w >= width - 3 or y + h >= height - 3
        if at_rim and size / mask.size >= SKIN_PART and size / max(1, w * h) > 0.35:
            return True
    return False


def lies_sideways(page: Picture) -> bool | None:
    """Whether lines of text run from top to bottom; None where there is too little text to say."""
    written = ink(page).astype(np.float32)
    if written.mean() < 4 * BLANK_INK:
        return None
    rows, columns = written.mean(axis=1), written.mean(axis=0)
    along, across = _rhythm(rows), _rhythm(columns)
    if max(along, across) < 1.15 * min(along, across):
        return None
    return across > along


def _rhythm(profile: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    """How much a profile goes up and down at the distance of lines of text."""
    smooth = np.convolve(profile, np.ones(31) / 31, "same")
    return float(np.abs(np.diff(profile - smooth)).mean()) / (float(profile.mean()) + 1e-6)
