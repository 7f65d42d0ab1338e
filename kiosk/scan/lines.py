"""The lines of a picture: segments of several channels, gathered, and how the picture changes across them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .shapes import Floats, Picture, sampled

WIDE = 400
"""Columns of the small copy in which lines are looked for."""
MOST_SEGMENTS, MOST_TRIED = 320, 80
"""The longest segments that are gathered, and the longest lines of them that are looked at."""
SHORTEST = 12.0
"""Segments below are letters."""
STEP = 2.0
"""Small pixels from one look across a line to the next."""
REACH = 3
"""How far beside a line, in small pixels, its two sides are looked at."""


@dataclass(frozen=True)
class Lines:
    """`normal` · point = `offset`; `along` is the direction, `weight` the length seen."""

    normal: Floats
    offset: Floats
    weight: Floats
    border: Floats
    """Whether it is a border of the picture rather than something seen."""
    rim: Floats
    """Whether a large area ends there."""

    @property
    def along(self) -> Floats:
        return np.stack([-self.normal[:, 1], self.normal[:, 0]], axis=1)


def seen(small: Floats) -> Floats:
    """Lightness, green-red, blue-yellow; colour counts a little more, since it has no shadows."""
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.float32)
    lab[..., 1:] = (lab[..., 1:] - 128) * 1.5
    return cv2.GaussianBlur(lab, (0, 0), 0.7)


def channels(lab: Floats) -> list[Picture]:
    """What segments are looked for in: lightness without its letters, and colour; both without lamps."""
    light = lab[..., 0]
    kernel = np.ones((9, 9), np.uint8)
    without_ink = cv2.morphologyEx(light, cv2.MORPH_CLOSE, kernel)
    mixed = lab[..., 2] * 0.8 + lab[..., 1] * 0.5
    colour = cv2.morphologyEx(mixed, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return [_steep(without_ink, 5.0), _steep(colour, 4.0)]


def rims(lab: Floats) -> Floats:
    """Sides of large areas that stand out by lightness or colour as a whole: n × 4, as segments are.

    A sheet on a desk of another colour is found by this alone, however loud letters and hands are.
    """
    height, width = lab.shape[:2]
    clean = cv2.morphologyEx(lab, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    sides: list[Floats] = []
    for channel in (*cv2.split(clean), _rough(clean)):
        low, high = float(channel.min()), float(channel.max())
        if high - low < 12:
            continue
        stretched = ((channel - low) * (255 / (high - low))).astype(np.uint8)
        _, mask = cv2.threshold(stretched, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        for area_ in (mask, cv2.bitwise_not(mask)):
            shapes, _ = cv2.findContours(area_, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            for shape in shapes:
                if cv2.contourArea(shape) > 0.05 * width * height:
                    sides.append(_long_sides(cv2.convexHull(shape), width, height))
    return np.concatenate([np.zeros((0, 4)), *sides])


def _rough(clean: Floats) -> Floats:
    """How restless it is round each pixel: paper without its ink is calm, cloth and wood are not."""
    light = clean[..., 0]
    steps = np.abs(cv2.Scharr(light, cv2.CV_32F, 1, 0)) + np.abs(
        cv2.Scharr(light, cv2.CV_32F, 0, 1)
    )
    spread = cv2.erode(cv2.blur(steps, (9, 9)), np.ones((7, 7), np.uint8))
    return np.asarray(20 * np.log1p(spread / 16))


def _long_sides(hull: Floats, width: int, height: int) -> Floats:
    """The long sides of a hull that do not lie on the picture's border."""
    corners = cv2.approxPolyDP(hull, 0.012 * cv2.arcLength(hull, True), True).reshape(-1, 2)
    ends = np.concatenate([corners, np.roll(corners, -1, axis=0)], axis=1).astype(float)
    size = np.array([width - 1, height - 1] * 2)
    on_border = ((ends <= 2)[:, :2] & (ends <= 2)[:, 2:]).any(axis=1)
    on_border |= ((ends >= size - 2)[:, :2] & (ends >= size - 2)[:, 2:]).any(axis=1)
    long = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]) > 0.12 * height
    return np.asarray(ends[long & ~on_border])


def _steep(channel: Floats, gain: float) -> Picture:
    """Slow changes taken away, quick ones made strong: a pale edge counts as a clear one does."""
    slow = cv2.blur(channel, (41, 41))
    return np.asarray(np.clip(128 + gain * (channel - slow), 0, 255), np.uint8)


def gathered(segments: Floats, rims: Floats, width: int, height: int) -> Lines:
    """Segments that lie on one line, as one; the longest lines, and the four borders of the picture."""
    segments = np.concatenate([rims, segments])
    way = segments[:, 2:] - segments[:, :2]
    length = np.hypot(way[:, 0], way[:, 1])
    is_rim = np.arange(len(segments)) < len(rims)
    enough = np.sort(length)[-MOST_SEGMENTS] if len(length) > MOST_SEGMENTS else 0.0
    long = is_rim | (length >= max(SHORTEST, enough))
    segments, way, length, is_rim = segments[long], way[long], length[long], is_rim[long]
    order = np.argsort(-length)
    normals, offsets, weights, from_rim = [], [], [], []
    taken = np.zeros(len(order), bool)
    middle = (segments[:, :2] + segments[:, 2:]) / 2
    unit = np.stack([-way[:, 1], way[:, 0]], axis=1) / length[:, None]
    for one in order:
        if taken[one]:
            continue
        normal = unit[one]
        away_a = np.abs((segments[:, :2] - middle[one]) @ normal)
        away_b = np.abs((segments[:, 2:] - middle[one]) @ normal)
        same = ~taken & (np.abs(unit @ normal) > 0.985) & (np.maximum(away_a, away_b) < 3.0)
        same[one] = True
        taken |= same
        points = np.concatenate([segments[same, :2], segments[same, 2:]])
        heavy = np.tile(length[same] * np.where(is_rim[same], 0.3, 1.0), 2)
        normal, offset, along = _fitted(points, heavy)
        normals.append(normal)
        offsets.append(offset)
        weights.append(_covered(along))
        from_rim.append(bool(is_rim[same].any()))
    order = np.argsort(-(np.array(weights) + 1e3 * np.array(from_rim)))
    best = [int(n) for n in order[:MOST_TRIED]]
    borders = [(1, 0, 0), (1, 0, width - 1), (0, 1, 0), (0, 1, height - 1)]
    return Lines(
        np.array([normals[n] for n in best] + [b[:2] for b in borders], float),
        np.array([offsets[n] for n in best] + [b[2] for b in borders], float),
        np.array([weights[n] for n in best] + [0.0] * 4),
        np.array([False] * len(best) + [True] * 4),
        np.array([from_rim[n] for n in best] + [False] * 4),
    )


def _fitted(points: Floats, weight: Floats) -> tuple[tuple[float, float], float, Floats]:
    """The line nearest the points: normal, offset, and where along it each of them is."""
    centre = weight @ points / weight.sum()
    x, y = (points - centre).T
    turn = 0.5 * math.atan2(2 * float(weight @ (x * y)), float(weight @ (x * x - y * y)))
    cosine, sine = math.cos(turn), math.sin(turn)
    return (-sine, cosine), float(cosine * centre[1] - sine * centre[0]), cosine * x + sine * y


def _covered(ends: Floats) -> float:
    """How much of a line its segments cover, those that several channels saw counted once."""
    half = len(ends) // 2
    pairs = zip(ends[:half].tolist(), ends[half:].tolist(), strict=True)
    total, reached = 0.0, -math.inf
    for low, high in sorted((min(pair), max(pair)) for pair in pairs):
        total += max(0.0, high - max(low, reached))
        reached = max(reached, high)
    return total


# --- how strongly the picture changes across a line ---


@dataclass(frozen=True)
class Profiles:
    """Sums along each line from its start: `edge` (0 … 1 a pixel) and the `change` across it (3 channels)."""

    start: Floats
    edge: Floats
    change: Floats
    strength: Floats
    clear: Floats
    """How far above the grain the change is, in three octaves."""


def profiles_of(lines: Lines, lab: Floats, clean: Floats) -> Profiles:
    start, points, inside = along_lines(lines, lab, step=STEP)
    count, long = inside.shape
    steps = np.arange(-REACH, REACH + 1, 1.0)
    side = points[None] + steps[:, None, None, None] * lines.normal[None, :, None]
    values = sampled(lab, side.reshape(len(steps) * count, long, 2))
    values = values.reshape(len(steps), count, long, 3)
    # a bent edge wanders beside its line: at each pixel the strongest of several changes counts
    changes = values[3:] - values[:-3]
    size = np.sqrt((changes**2).sum(axis=-1))
    best = size.argmax(axis=0)
    strongest = np.take_along_axis(size, best[None], axis=0)[0]
    change = np.take_along_axis(changes, best[None, ..., None], axis=0)[0]
    level = np.maximum(2.0, 1.2 * roughness(clean, lines))[:, None]
    above = np.log2(np.maximum(strongest, 1e-3) / level)
    edge = np.clip(above + 0.3, 0, 1) * inside
    return Profiles(
        start,
        _sums(edge),
        _sums(change * inside[..., None]),
        _sums(strongest * inside),
        _sums(np.clip(above / 3, 0, 1) * inside),
    )


def _sums(values: Floats) -> Floats:
    total = np.cumsum(values, axis=1)
    return np.concatenate([np.zeros_like(total[:, :1]), total], axis=1)


def roughness(lab: Floats, lines: Lines) -> Floats:
    """The change across three pixels that the picture shows anyway in a line's direction: grain, noise."""
    light = lab[::2, ::2, 0]
    across = float(np.median(np.abs(light[:, 2:] - light[:, :-2])) * 1.5)
    down = float(np.median(np.abs(light[2:] - light[:-2])) * 1.5)
    return np.asarray(np.hypot(lines.normal[:, 0] * across, lines.normal[:, 1] * down))


def along_lines(lines: Lines, picture: Floats, step: float) -> tuple[Floats, Floats, Floats]:
    """Where each line's points begin, the points, and which of them are in the picture."""
    height, width = picture.shape[:2]
    long = np.hypot(width, height) + 80
    foot = lines.normal * lines.offset[:, None]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    start = ((middle - foot) * lines.along).sum(axis=1) - long / 2
    at = start[:, None] + np.arange(0, long, step)
    points = foot[:, None] + at[..., None] * lines.along[:, None]
    x, y = points[..., 0], points[..., 1]
    return start, points, (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def mean_between(sums: Floats, line: Floats, low: Floats, high: Floats) -> Floats:
    last = sums.shape[1] - 1
    a = np.clip(np.round(low / STEP), 0, last).astype(int)
    b = np.clip(np.round(high / STEP), 0, last).astype(int)
    b = np.maximum(b, np.minimum(a + 1, last))
    span = np.maximum(1, b - a).astype(float)
    total = sums[line, b] - sums[line, a]
    return np.asarray(total / (span[:, None] if total.ndim == 2 else span))
