"""Whether a sheet can be taken as it lies there, and if not, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from .finder import Outline
from .shapes import LEAST_DPI, Floats, Picture, Points


class Fault(StrEnum):
    """Each has its words in `texts` under `fault.<code>`; those first here are said first."""

    NO_CAMERA = "no_camera"
    NO_PAGE = "no_page"
    CUT = "cut"
    TOO_FAR = "too_far"
    MOVING = "moving"
    FINGER = "finger"
    GLARE = "glare"
    DARK = "dark"
    BLUR = "blur"
    BLANK = "blank"
    SIDEWAYS = "sideways"
    UPSIDE_DOWN = "upside_down"


ADVICE = frozenset({Fault.SIDEWAYS, Fault.UPSIDE_DOWN})
"""Said, but no reason not to take the sheet: it can be turned afterwards."""
URGENCY = tuple(Fault)

TILE = 32
CONTRAST = 22.0
"""Grey levels between ink and paper from which a tile counts as text."""
SHARP = 0.30
"""Steepest change per pixel over the contrast: 0.5 in a sharp picture, 0.6/σ in one blurred by σ."""
BLOWN = 251
GLARE_SHARE = 0.004
SKIN_SHARE = 0.0022
INK_SHARE = 0.0012
DARK_LEVEL = 55.0


@dataclass(frozen=True)
class Verdict:
    """`faults`: the most urgent first. `sharpness`: as SHARP, None where there is no text. `dpi`: on A4."""

    faults: tuple[Fault, ...]
    sharpness: float | None = None
    dpi: float = 0.0

    @property
    def good(self) -> bool:
        return not set(self.faults) - ADVICE


def judge(
    picture: Picture,
    outline: Outline | None,
    *,
    least_dpi: float = LEAST_DPI,
    still_scale: float = 1.0,
) -> Verdict:
    """`still_scale`: how many times finer the still will be than this preview; 1 for the still itself."""
    if outline is None:
        return Verdict((Fault.NO_PAGE,))
    dpi = outline.dpi * still_scale
    found = {Fault.CUT} if outline.cut else set()
    if dpi < least_dpi and not outline.cut:
        found.add(Fault.TOO_FAR)
    region = _Region(picture, outline.corners)
    sharpness = region.sharpness()
    if sharpness is not None and sharpness < SHARP:
        found.add(Fault.BLUR)
    if region.is_blank():
        found.add(Fault.BLANK)
        found.discard(Fault.BLUR)
    if region.glare() > GLARE_SHARE:
        found.add(Fault.GLARE)
    if region.skin() > SKIN_SHARE:
        found.add(Fault.FINGER)
    if region.level < DARK_LEVEL:
        found.add(Fault.DARK)
    return Verdict(tuple(f for f in URGENCY if f in found), sharpness, dpi)


class _Region:
    """The sheet's part of a picture, as it is for sharpness and small for all else."""

    SMALL = 480

    def __init__(self, picture: Picture, corners: Points) -> None:
        height, width = picture.shape[:2]
        low = np.floor(corners.min(axis=0)).astype(int).clip(0, [width - 2, height - 2])
        high = np.ceil(corners.max(axis=0)).astype(int).clip(low + 2, [width, height])
        self._crop = picture[low[1] : high[1], low[0] : high[0]]
        self._corners = corners - low
        scale = min(1.0, self.SMALL / max(self._crop.shape[:2]))
        size = (
            max(8, round(self._crop.shape[1] * scale)),
            max(8, round(self._crop.shape[0] * scale)),
        )
        self._small = cv2.resize(self._crop, size, interpolation=cv2.INTER_AREA)
        self._scale = scale
        self._mask = self._inside(self._small.shape, scale, 0.985)
        self._area = max(1, int(np.count_nonzero(self._mask)))
        self._grey = cv2.cvtColor(self._small, cv2.COLOR_BGR2GRAY)
        inside = self._grey[self._mask > 0]
        self.level = float(np.percentile(inside, 70)) if inside.size else 0.0

    def _inside(self, shape: tuple[int, ...], scale: float, part: float) -> Picture:
        middle = self._corners.mean(axis=0)
        place = (middle + (self._corners - middle) * part) * scale
        mask = np.zeros(shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, np.round(place).astype(np.int32), 255)
        return mask

    def sharpness(self) -> float | None:
        """The median over those tiles of the sheet that have text; None without any."""
        grey = cv2.cvtColor(self._crop, cv2.COLOR_BGR2GRAY)
        grey = cv2.GaussianBlur(grey, (0, 0), 0.6).astype(np.float32)
        rows, columns = grey.shape[0] // TILE, grey.shape[1] // TILE
        if not rows or not columns:
            return None
        steep = np.maximum(
            np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1)),
            np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1)),
        ) / 2  # fmt: skip
        inside = cv2.resize(
            self._inside(grey.shape, 1.0, 0.94), (columns, rows), interpolation=cv2.INTER_AREA
        )
        tiles, steeps = _tiles(grey, rows, columns), _tiles(steep, rows, columns)
        low, high = np.percentile(tiles, (2, 95), axis=-1)
        contrast = high - low
        text = (contrast > CONTRAST) & (inside > 250)
        if np.count_nonzero(text) < 3:
            return None
        ratio = np.percentile(steeps[text], 99, axis=-1) / contrast[text]
        return float(np.percentile(ratio, 65))

    def is_blank(self) -> bool:
        """Nothing darker than the paper beside it; also a blurred page has dark parts."""
        kernel = np.ones((15, 15), np.uint8)
        ink = cv2.morphologyEx(self._grey, cv2.MORPH_CLOSE, kernel).astype(int) - self._grey
        ink = ink[self._inside(self._small.shape, self._scale, 0.92) > 0]
        if not ink.size:
            return True
        noise = 2.5 * float(np.median(ink)) + 8
        dark = ink > max(13.0, 0.1 * self.level, noise)
        return bool(np.count_nonzero(dark) < INK_SHARE * ink.size)

    def glare(self) -> float:
        """The share that is blown out, though the sheet around it is not."""
        blown = ((self._small.min(axis=2) >= BLOWN) & (self._mask > 0)).astype(np.uint8)
        blown = cv2.morphologyEx(blown, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
        return float(np.count_nonzero(blown) / self._area)

    def skin(self) -> float:
        """The share of what is redder than the sheet and reaches in over its edge."""
        tones = cv2.cvtColor(self._small, cv2.COLOR_BGR2YCrCb).astype(np.float32)
        inside = tones[self._mask > 0]
        bright = inside[inside[:, 0] >= np.percentile(inside[:, 0], 50)]
        paper = np.median(bright, axis=0)
        red, blue = tones[..., 1] - paper[1], tones[..., 2] - paper[2]
        light = tones[..., 0] / max(1.0, float(paper[0]))
        strength = paper[0] / 200
        other = (red > 6 * strength) & (np.hypot(red, blue) > 11 * strength) & (blue < 14)
        skin = other & (red < 60) & (light > 0.2) & (light < 1.08)
        skin = (skin & (self._mask > 0)).astype(np.uint8)
        skin = cv2.morphologyEx(skin, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
        core = self._inside(self._small.shape, self._scale, 0.955)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(skin)
        at_edge = set(np.unique(labels[(self._mask > 0) & (core == 0)])) - {0}
        deep = set(np.unique(labels[core > 0]))
        shares = [stats[n, cv2.CC_STAT_AREA] for n in range(1, count) if n in at_edge & deep]
        return float(sum(shares) / self._area)


def _tiles(field: Floats, rows: int, columns: int) -> Floats:
    cut = field[: rows * TILE, : columns * TILE]
    split = cut.reshape(rows, TILE, columns, TILE).swapaxes(1, 2)
    return np.asarray(split.reshape(rows, columns, TILE * TILE))


# --- which way up ---


class Way(StrEnum):
    UPRIGHT = "upright"
    UPSIDE_DOWN = "upside_down"
    SIDEWAYS = "sideways"
    """Its lines run up or down; which, is not known."""
    UNSURE = "unsure"


LINES_CLEARER = 1.5
UP_CLEARLY = 0.05


def way_up(page: Picture) -> Way:
    """How the text of a straightened page runs. Letters of Vietnamese reach up, by marks and stems, more than
    down; a page of few lines stays `unsure`."""
    ink = _ink(page)
    if np.count_nonzero(ink) < 0.002 * ink.size:
        return Way.UNSURE
    across, down = _rhythm(ink), _rhythm(np.ascontiguousarray(ink.T))
    if down > LINES_CLEARER * across:
        return Way.SIDEWAYS
    if across < LINES_CLEARER * down:
        return Way.UNSURE
    score = _upness(ink)
    if abs(score) < UP_CLEARLY:
        return Way.UNSURE
    return Way.UPRIGHT if score > 0 else Way.UPSIDE_DOWN


def turned_upright(page: Picture) -> tuple[Picture, Way]:
    """The page turned so that it can be read, where that is sure, and how it is then."""
    way = way_up(page)
    if way is Way.SIDEWAYS:
        page = np.ascontiguousarray(np.rot90(page))
        way = way_up(page)
    if way is Way.UPSIDE_DOWN:
        return np.ascontiguousarray(page[::-1, ::-1]), Way.UPRIGHT
    return page, way


def _ink(page: Picture) -> Floats:
    """1 where there is ink; the page about 1,300 rows tall, without its rim."""
    scale = 1300 / max(page.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    grey = cv2.cvtColor(
        cv2.resize(page, None, fx=scale, fy=scale, interpolation=way), cv2.COLOR_BGR2GRAY
    )
    paper = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((31, 31), np.uint8))
    depth = paper.astype(np.float32) - grey
    rim = int(0.03 * max(grey.shape))
    depth = depth[rim:-rim, rim:-rim]
    level = max(14.0, 0.35 * float(np.percentile(depth, 99.5)))
    ink = (depth > level).astype(np.uint8)
    for size in ((61, 1), (1, 61)):  # rules of tables are no letters
        rules = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(size, np.uint8))
        ink[cv2.dilate(rules, np.ones((3, 3), np.uint8)) > 0] = 0
    return ink.astype(np.float32)


def _rhythm(ink: Floats) -> float:
    """0 … 1: how much of the ink's ups and downs from row to row is as quick as lines of text are."""
    rows = ink.mean(axis=1)
    quick = rows - np.convolve(rows, np.ones(25) / 25, "same")
    return float((quick * quick).sum() / max(1e-9, float((rows * rows).sum())))


def _upness(ink: Floats) -> float:
    """−1 … 1: above 0 when lines have more ink over their body than under it."""
    above = below = 0.0
    for strip in np.array_split(ink, 5, axis=1):
        for first, last in _bands(strip.mean(axis=1)):
            profile = strip[first:last].sum(axis=1)
            body = np.flatnonzero(profile > 0.55 * profile.max())
            above += float(profile[: body[0]].sum())
            below += float(profile[body[-1] + 1 :].sum())
    return (above - below) / max(1.0, above + below)


def _bands(profile: Floats) -> list[tuple[int, int]]:
    """Where rows of text begin and end; those that are too thin or too thick for letters left out."""
    busy = np.concatenate([[False], profile > max(0.004, 0.06 * float(profile.max())), [False]])
    edges = np.flatnonzero(np.diff(busy.astype(int)))
    return [
        (int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if 9 <= b - a <= 48
    ]
