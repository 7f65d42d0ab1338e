"""A sheet's corners exactly: each side laid anew on the full picture, to a fraction of a pixel."""

from __future__ import annotations

import cv2
import numpy as np

from .shapes import Floats, Picture, Points, sampled


def refined(picture: Picture, corners: Points, reach: float) -> Points:
    """Each side laid anew on the full picture within `reach` × 2.5 pixels, the corners where they meet."""
    fitted = [_fitted(picture, corners, side, reach * 3.5) for side in range(4)]
    out = np.empty_like(corners)
    for n in range(4):
        (p, u), (q, v) = fitted[n - 1], fitted[n]
        det = u[0] * v[1] - u[1] * v[0]
        if abs(det) < 0.2:
            return corners
        t = ((q[0] - p[0]) * v[1] - (q[1] - p[1]) * v[0]) / det
        out[n] = p + t * u
    moved = np.linalg.norm(out - corners, axis=1).max()
    return out if moved < reach * 8 else corners


def _fitted(picture: Picture, corners: Points, side: int, reach: float) -> tuple[Points, Points]:
    """A point and the direction of the side from corner `side` to the next."""
    a, b = corners[side], corners[(side + 1) % 4]
    long = float(np.linalg.norm(b - a))
    unit = (b - a) / max(1e-6, long)
    inward = np.array([-unit[1], unit[0]])
    if (corners.mean(axis=0) - a) @ inward < 0:
        inward = -inward
    count = int(np.clip(long / 6, 24, 120))
    at = np.linspace(0.03, 0.97, count) * long
    steps = np.arange(-reach - 3, reach + 4)
    spots = a + at[:, None, None] * unit + steps[None, :, None] * inward
    values: Floats = sampled(picture, spots).astype(np.float32)
    values = cv2.blur(values, (1, 5), borderType=cv2.BORDER_REPLICATE)
    step = values[:, 4:] - values[:, :-4]
    response = np.maximum(step @ _common_step(step), 0) + 1e-3
    best = response.argmax(axis=1)
    inner = np.clip(best, 1, response.shape[1] - 2)
    rows = np.arange(count)
    before, here, after = (response[rows, inner + n] for n in (-1, 0, 1))
    bend = before - 2 * here + after
    safe = np.where(np.abs(bend) > 1e-6, bend, 1.0)
    shift = np.where(np.abs(bend) > 1e-6, 0.5 * (before - after) / safe, 0.0).clip(-0.5, 0.5)
    away = steps[2:-2][inner] + shift
    slope, height = _robust_line(at / long - 0.5, away, here)
    middle = a + (b - a) / 2 + inward * height
    way = unit * long + inward * slope
    return middle, way / np.linalg.norm(way)


def _common_step(step: Floats) -> Floats:
    """The change of colour that most of the side shows at one distance: a shadow's far end counts less,
    since it darkens inwards."""
    mean = step.mean(axis=0)
    size = np.linalg.norm(mean, axis=1)
    size = np.where(mean.sum(axis=1) > 0, size, size * 0.6)
    chosen = mean[int(size.argmax())]
    return np.asarray(chosen / max(1e-6, float(np.linalg.norm(chosen))))


def _robust_line(at: Floats, away: Floats, weight: Floats) -> tuple[float, float]:
    """Slope and height at 0 of the line that most points agree on (Cauchy weights, some rounds)."""
    kept = np.minimum(weight, np.median(weight) * 2)
    start = float(np.median(away))
    slope, height, wide = 0.0, start, 4.0
    for _ in range(8):
        off = away - slope * at - height
        w = kept / (1 + (off / wide) ** 2)
        total = w.sum()
        mx, my = (w * at).sum() / total, (w * away).sum() / total
        var = (w * (at - mx) ** 2).sum()
        slope = float((w * (at - mx) * (away - my)).sum() / max(1e-9, var))
        height = float(my - slope * mx)
        wide = max(0.7, wide * 0.7)
    return slope, height
