"""Four lines that make a sheet: all candidates weighed by their sides, the best looked into."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np

from .lines import Lines, Profiles, along_lines, mean_between, profiles_of, roughness
from .shapes import Floats, Points, sampled
from .weights import HIDDEN, HIDDEN_BIAS, OUT, OUT_BIAS

MOST_KEPT = (5, 4)
"""Lines of each direction that make candidates: by the picture without ink, and more by the picture as it is."""
MOST_COMPARED = 300
"""Shapes that are looked at closely; of these so many go on to the next round:"""
MOST_WEIGHED = 60
RIM_WORTH = (0.5, 12.0)
"""How much more a shape counts, in the first choice and in the next ones, whose sides are rims of large areas."""
ROUNDS, MOST_TRIED_AGAIN = 1, 4
"""How often, and how many of the best shapes, are tried with other sides."""
MOST_LOOKED_INTO, GRID = 40, 16
"""How many of the best are looked into, at how many points each way."""
SURE = 0.33
"""Confidence from which an outline is shown."""
LEAST_LIGHT, CUT_LIGHT, CUT_LIT, LEAST_BESIDE = 0.5, 0.58, 0.7, 0.8
"""Paper against the lightest thing in the picture: keyboards and phones are darker. A cut sheet, of which less is
seen, must be lighter (`CUT_LIGHT`), and below `CUT_LIT` not darker than what lies beside it."""
BEYOND = 0.03
"""How far outside the picture, in parts of its size, a corner may lie; such a sheet is cut."""


def best_sheet(lines: Lines, lab: Floats) -> tuple[Points, float, bool] | None:
    corners, features, cut = candidates(lines, lab)
    if not len(corners):
        return None
    scores = _confidence(features, cut)
    best = int(np.argmax(scores))
    if scores[best] < SURE:
        return None
    limit = np.array([lab.shape[1] - 1, lab.shape[0] - 1])
    place = corners[best]
    return place.clip(0, limit) if cut[best] else place, float(scores[best]), bool(cut[best])


def candidates(lines: Lines, lab: Floats) -> tuple[Floats, Floats, Floats]:
    """The most promising shapes: corners, features, whether cut.

    Four of the strongest lines first; then, of the best shapes, each side is tried with every line there is,
    since letters and hands can be stronger than the pale edge of a sheet.
    """
    height, width = lab.shape[:2]
    clean = cv2.morphologyEx(lab, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    profiles = profiles_of(lines, lab, clean)
    four, corners = _fours(lines, _promising(lines, lab, clean), width, height)
    none = np.zeros((0, 4, 2)), np.zeros((0, len(FEATURES))), np.zeros(0, bool)
    if not len(four):
        return none
    four, corners = _with_edges(four, corners, lines, profiles)
    features = _features(four, corners, lines, profiles, width, height)
    for _ in range(ROUNDS):
        order = _foremost(four, corners, features, lines, width, height)
        four, corners, features = four[order], corners[order], features[order]
        other, places = _with_other_sides(four[_unlike(corners)], lines, width, height)
        if len(other):
            other, places = _with_edges(other, places, lines, profiles)
            more = _features(other, places, lines, profiles, width, height)
            four = np.concatenate([four, other])
            corners, features = np.concatenate([corners, places]), np.concatenate([features, more])
    order = _foremost(four, corners, features, lines, width, height)[:MOST_LOOKED_INTO]
    cut = lines.border[four[order]].any(axis=1) | _outside(corners[order], width, height)
    surfaces = _surfaces(corners[order], clean)
    return corners[order], np.concatenate([features[order], surfaces], axis=1), cut


def _with_edges(
    four: Floats, corners: Floats, lines: Lines, profiles: Profiles
) -> tuple[Floats, Floats]:
    """Of many shapes those with most edge all round, which alone are looked at closely."""
    if len(four) <= MOST_COMPARED:
        return four, corners
    sides = [_side(four, corners, lines, profiles, side) for side in range(4)]
    edge = np.stack(
        [
            np.where(lines.border[line], 0.75, mean_between(profiles.edge, line, low, high))
            for line, low, high in sides
        ]
    )
    rims = lines.rim[four].mean(axis=1)
    worth = edge.mean(axis=0) + 0.3 * edge.min(axis=0) + RIM_WORTH[0] * rims
    best = np.argpartition(-worth, MOST_COMPARED)
    return four[best[:MOST_COMPARED]], corners[best[:MOST_COMPARED]]


def _side(
    four: Floats, corners: Floats, lines: Lines, profiles: Profiles, side: int
) -> tuple[Floats, Floats, Floats]:
    """The line of a side of each shape, and where on it the side begins and ends."""
    line = four[:, side]
    x, y = lines.along[
        line
    ].T  # the line's foot lies at right angles to it, and needs no taking off
    one, other = (
        corner[:, 0] * x + corner[:, 1] * y - profiles.start[line]
        for corner in (corners[:, (side - 1) % 4], corners[:, side])
    )
    return line, np.minimum(one, other), np.maximum(one, other)


def _foremost(
    four: Floats, corners: Floats, features: Floats, lines: Lines, width: int, height: int
) -> Floats:
    cut = lines.border[four].any(axis=1) | _outside(corners, width, height)
    rims = lines.rim[four].mean(axis=1)
    return np.argsort(-(_worth(features, cut) + RIM_WORTH[1] * rims))[:MOST_WEIGHED]


def _unlike(corners: Floats) -> list[int]:
    """The first few that differ from each other."""
    chosen: list[int] = []
    for n, one in enumerate(corners):
        if all(np.abs(one - corners[other]).max() > 8 for other in chosen):
            chosen.append(n)
        if len(chosen) == MOST_TRIED_AGAIN:
            break
    return chosen


def _with_other_sides(four: Floats, lines: Lines, width: int, height: int) -> tuple[Floats, Floats]:
    """Each of these with one side exchanged for every other line."""
    count = len(lines.weight)
    tried = np.repeat(four, 4 * count, axis=0)
    rows = np.arange(len(tried))
    tried[rows, (rows // count) % 4] = rows % count
    turn = np.arctan2(lines.normal[:, 1], lines.normal[:, 0])
    opposite = (_between(turn[tried[:, :2]], turn[tried[:, 2:]]) < 0.45).all(axis=1)
    square = _between(turn[tried], turn[np.roll(tried, -1, axis=1)]).min(axis=1) > np.pi / 2 - 0.6
    few = lines.border[tried].sum(axis=1) < 3
    return _shapes(lines, tried[opposite & square & few], width, height)


def _promising(lines: Lines, lab: Floats, clean: Floats) -> Floats:
    """The lines with the longest and strongest stretch of edge, as many of each of the two ways they run: by the
    picture without ink, where letters and tables are gone, and by the picture as it is, where a pale sheet's
    shadow is still there. And the borders."""
    turn = np.arctan2(lines.normal[:, 1], lines.normal[:, 0])
    stretches = [np.where(lines.border, 0, _stretch(lines, picture)) for picture in (clean, lab)]
    main = np.angle((stretches[0] * np.exp(4j * turn)).sum()) / 4
    along = np.cos(2 * (turn - main)) > 0
    kept = lines.border | lines.rim
    for stretch, most in zip(stretches, MOST_KEPT, strict=True):
        for way in (along, ~along):
            order = np.argsort(-np.where(way & ~kept, stretch, 0))[:most]
            kept[order[stretch[order] > 6]] = True
    return np.flatnonzero(kept)


def _stretch(lines: Lines, picture: Floats) -> Floats:
    """Of each line the best stretch: its length times how much clearer than grain the change across it is."""
    _, points, inside = along_lines(lines, picture, step=2.5)
    beside = 2.0 * lines.normal[:, None]
    sides = sampled(picture, points - beside), sampled(picture, points + beside)
    change = np.abs(sides[1] - sides[0]).sum(axis=-1)
    level = np.maximum(2.0, roughness(picture, lines))[:, None]
    worth = np.clip(np.log2(np.maximum(change, 1e-3) / level), -1.5, 2.5) * inside - 0.2
    sums = np.cumsum(worth, axis=1)
    low = np.minimum.accumulate(np.minimum(sums, 0), axis=1)
    return np.asarray((sums - low).max(axis=1))


def _surfaces(corners: Floats, clean: Floats) -> Floats:
    """What lies inside each shape once the ink is gone: how uneven it is, and how light."""
    white = max(30.0, float(np.percentile(clean[::4, ::4, 0], 97)))
    t = (np.arange(GRID) + 0.5) / GRID * 0.9 + 0.05
    u, v = np.meshgrid(t, t)
    weights = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=-1)
    spots = np.einsum("abk,nkc->nabc", weights, corners)
    inside = sampled(clean, spots.reshape(len(corners) * GRID, GRID, 2))
    inside = inside.reshape(len(corners), GRID, GRID, 3)
    across = np.abs(np.diff(inside, axis=2)).sum(axis=-1).reshape(len(corners), -1)
    down = np.abs(np.diff(inside, axis=1)).sum(axis=-1).reshape(len(corners), -1)
    uneven = np.partition(np.concatenate([across, down], axis=1), GRID * GRID, axis=1)
    light = np.median(inside[..., 0].reshape(len(corners), -1), axis=1)
    return np.stack(
        [
            np.log1p(uneven[:, GRID * GRID]),
            np.log1p(uneven.mean(axis=1)),
            np.minimum(1.0, light / white),
            light / np.maximum(20.0, _light_around(corners, clean)),
        ],
        axis=1,
    )


def _light_around(corners: Floats, clean: Floats) -> Floats:
    """How light it is just outside each shape, where it is lighter."""
    middle = corners.mean(axis=1, keepdims=True)
    wider = middle + (corners - middle) * 1.13
    t = (np.arange(12) + 0.5)[:, None] / 12
    rim = [wider[:, None, n] * (1 - t) + wider[:, None, (n + 1) % 4] * t for n in range(4)]
    light = sampled(clean[..., 0], np.concatenate(rim, axis=1))
    return np.asarray(np.percentile(light, 75, axis=1))


def _outside(corners: Floats, width: int, height: int) -> Floats:
    low = (corners < -1).any(axis=(1, 2))
    high = (corners[..., 0] > width).any(axis=1) | (corners[..., 1] > height).any(axis=1)
    return np.asarray(low | high)


def _fours(lines: Lines, used: Floats, width: int, height: int) -> tuple[Floats, Floats]:
    """Indices of lines, in order round the sheet, and the corners between them; only shapes a sheet can have."""
    turn = np.arctan2(lines.normal[:, 1], lines.normal[:, 0]) % np.pi
    pairs = np.array(list(combinations(used, 2)))
    apart = _between(turn[pairs[:, 0]], turn[pairs[:, 1]])
    borders = lines.border[pairs].sum(axis=1)
    sign = np.sign((lines.normal[pairs[:, 0]] * lines.normal[pairs[:, 1]]).sum(axis=1))
    gap = np.abs(lines.offset[pairs[:, 0]] - sign * lines.offset[pairs[:, 1]])
    pairs = pairs[(apart < 0.45) & (borders < 2) & (gap > 0.12 * height)]
    if len(pairs) < 2:
        return np.zeros((0, 4), int), np.zeros((0, 4, 2))
    mean = turn[pairs[:, 0]]
    one, other = np.triu_indices(len(pairs), 1)
    square = np.abs(_between(mean[one], mean[other]) - np.pi / 2) < 0.5
    one, other = one[square], other[square]
    four = np.stack([pairs[one, 0], pairs[other, 0], pairs[one, 1], pairs[other, 1]], axis=1)
    return _shapes(lines, four[lines.border[four].sum(axis=1) < 3], width, height)


def _shapes(lines: Lines, four: Floats, width: int, height: int) -> tuple[Floats, Floats]:
    """Those of the fours whose corners make a shape that a sheet can have, with these corners."""
    meet = [_meet(lines, four[:, n], four[:, (n + 1) % 4]) for n in range(4)]
    corners = np.stack(meet, axis=1)
    good = _convex(corners) & _within(corners, width, height)
    return four[good], corners[good]


def _between(a: Floats, b: Floats) -> Floats:
    """The angle between two lines, 0 … π/2."""
    apart = np.abs(a - b) % np.pi
    return np.asarray(np.minimum(apart, np.pi - apart))


def _meet(lines: Lines, one: Floats, other: Floats) -> Floats:
    n, m = lines.normal[one], lines.normal[other]
    c, d = lines.offset[one], lines.offset[other]
    det = n[:, 0] * m[:, 1] - n[:, 1] * m[:, 0]
    det = np.where(np.abs(det) < 1e-6, 1e-6, det)
    return np.stack([(c * m[:, 1] - d * n[:, 1]) / det, (d * n[:, 0] - c * m[:, 0]) / det], axis=1)


def _convex(corners: Floats) -> Floats:
    way = np.roll(corners, -1, axis=1) - corners
    nxt = np.roll(way, -1, axis=1)
    cross = way[..., 0] * nxt[..., 1] - way[..., 1] * nxt[..., 0]
    return np.asarray((cross > 0).all(axis=1) | (cross < 0).all(axis=1))


def _within(corners: Floats, width: int, height: int) -> Floats:
    x, y = corners[..., 0], corners[..., 1]
    out = BEYOND * width
    near = ((x > -out) & (x < width + out) & (y > -out) & (y < height + out)).all(axis=1)
    x2, y2 = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    covers = np.abs((x * y2 - x2 * y).sum(axis=1)) / 2 > 0.06 * width * height
    sides = np.hypot(x2 - x, y2 - y)
    return np.asarray(near & covers & (sides.min(axis=1) > 0.14 * height))


FEATURES = (
    "edge", "weakest", "one_way", "weakest_way", "strength",
    "runs_on", "most_runs_on", "agree", "aspect", "covers",
    "clear", "least_clear", "gap", "next_weakest",
    "uneven", "mean_uneven", "light", "beside",
)  # fmt: skip


def _features(
    four: Floats, corners: Floats, lines: Lines, profiles: Profiles, width: int, height: int
) -> Floats:
    """One row a candidate, the columns as `FEATURES` names them."""
    middle = corners.mean(axis=1)
    edges, ways, strengths, beyonds, inward, lengths, clears = [], [], [], [], [], [], []
    for side in range(4):
        line, low, high = _side(four, corners, lines, profiles, side)
        long = np.maximum(1.0, high - low)
        rim = 0.03 * long
        edge = mean_between(profiles.edge, line, low + rim, high - rim)
        change = mean_between(profiles.change, line, low + rim, high - rim)
        strength = mean_between(profiles.strength, line, low + rim, high - rim)
        normal = lines.normal[line]
        away = middle[:, 0] * normal[:, 0] + middle[:, 1] * normal[:, 1] - lines.offset[line]
        into = np.sign(away)
        change = change * into[:, None]
        out = np.maximum(6.0, 0.10 * long)
        before = mean_between(profiles.edge, line, low - out - 2, low - 3)
        after = mean_between(profiles.edge, line, high + 3, high + out + 2)
        border = lines.border[line]
        clear = mean_between(profiles.clear, line, low + rim, high - rim)
        clears.append(np.where(border, 0.4, clear))
        edges.append(np.where(border, 0.75, edge))
        ways.append(np.where(border, 0.75, np.linalg.norm(change, axis=1) / (strength + 0.5)))
        strengths.append(np.where(border, 6.0, strength))
        beyonds.append(np.where(border, 0.0, (before + after) / 2))
        inward.append(np.where(border[:, None], 0.0, change))
        lengths.append(long)
    edge_, way_, beyond_ = np.stack(edges, 1), np.stack(ways, 1), np.stack(beyonds, 1)
    clear_ = np.stack(clears, 1)
    vectors, long_ = np.stack(inward, 1), np.stack(lengths, 1)
    total = np.linalg.norm(vectors.sum(axis=1), axis=1)
    agree = total / (np.linalg.norm(vectors, axis=2).sum(axis=1) + 0.5)
    first, second = long_[:, 0] + long_[:, 2], long_[:, 1] + long_[:, 3]
    ratio = np.maximum(first, second) / np.maximum(1, np.minimum(first, second))
    x, y = corners[..., 0], corners[..., 1]
    x2, y2 = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    covers = np.abs((x * y2 - x2 * y).sum(axis=1)) / 2 / (width * height)
    border_ = lines.border[four].any(axis=1) | _outside(corners, width, height)
    aspect = np.where(border_, 0.25, np.abs(np.log(ratio / np.sqrt(2))))
    return np.stack(
        [
            edge_.mean(axis=1),
            edge_.min(axis=1),
            way_.mean(axis=1),
            way_.min(axis=1),
            np.log1p(np.stack(strengths, 1).min(axis=1)),
            beyond_.mean(axis=1),
            beyond_.max(axis=1),
            agree,
            np.minimum(1.0, aspect),
            np.sqrt(covers),
            clear_.mean(axis=1),
            clear_.min(axis=1),
            clear_.max(axis=1) - clear_.min(axis=1),
            np.sort(edge_, axis=1)[:, 1],
        ],
        axis=1,
    )


WEIGHTS = np.array(
    [
        41.20,
        12.65,
        1.40,
        5.30,
        0.42,
        -2.28,
        -1.92,
        3.55,
        -32.72,
        5.44,
        -0.60,
        0.46,
        1.20,
        19.46,
    ]
)
BIAS = -80.61
"""Of the first features, for the first choices of whole sheets; the last one is the net's (`weights`)."""
CUT_WEIGHTS = np.array(
    [
        4.03,
        0.48,
        4.26,
        1.07,
        -0.42,
        -2.14,
        -1.19,
        1.63,
        0.00,
        5.72,
        2.87,
        1.25,
        0.82,
        6.14,
        0.50,
        -1.77,
        3.23,
    ]
)
CUT_BIAS = -22.19
"""Fitted by logistic regression on made scenes with seeds below 1000."""


def _worth(features: Floats, cut: Floats) -> Floats:
    """The logarithm of the odds, roughly, before the inside of a shape has been looked at."""
    return np.asarray(np.where(cut, _partly(features), features @ WEIGHTS + BIAS))


def _partly(features: Floats) -> Floats:
    """The same of cut sheets, of the columns alone that are known yet."""
    known = min(features.shape[1], len(CUT_WEIGHTS))
    return np.asarray(features[:, :known] @ CUT_WEIGHTS[:known] + CUT_BIAS)


def _confidence(features: Floats, cut: Floats) -> Floats:
    light, beside = features[:, FEATURES.index("light")], features[:, FEATURES.index("beside")]
    dim = (light < CUT_LIGHT) | ((light < CUT_LIT) & (beside < LEAST_BESIDE))
    dark = np.where(cut, dim, light < LEAST_LIGHT)
    whole = np.tanh(features @ HIDDEN + HIDDEN_BIAS) @ OUT + OUT_BIAS
    worth = np.where(cut, _partly(features), whole)
    return np.asarray(np.where(dark, 0.0, 1 / (1 + np.exp(-worth))))
