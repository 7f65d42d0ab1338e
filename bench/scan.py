"""Scanning: is the sheet found, to one part in a hundred; is the empty desk left alone; how fast; what is judged.

On made scenes (`kiosk.scan.made`) whose corners and faults are known. What the finder and judge were tuned on has
seeds below 2000; here they begin at 2000. Beside it, in the same run and on the same pictures, the plain way:
Canny's edges, and the largest contour with four corners.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np

from kiosk.scan import made
from kiosk.scan.finder import Finder, Outline
from kiosk.scan.judge import Fault, Way, judge, turned_upright, way_up
from kiosk.scan.page import straighten
from kiosk.scan.shapes import Picture, Points, diagonal
from kiosk.scan.taker import Taker

FIRST = 2000
NEAR = 0.01
"""Of the sheet's own diagonal, the farthest corner."""
STEP_MS = 66
JUDGED = ("blur", "glare", "cut", "finger", "blank")
Row = tuple[str, str, str]


def measure_scan(small: bool = False, first: int = FIRST) -> tuple[dict[str, Any], list[Row]]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        pages = _pages(range(first, first + (24 if small else 400)))
        desks = _desks(range(first, first + (12 if small else 300)))
        judged, told = _judged(range(first, first + (6 if small else 80)))
        ways = _ways(range(first, first + (6 if small else 60)))
    finally:
        cv2.setNumThreads(before)
    found = {"pages": pages, "desks": desks, "judged": judged, "ways": ways}
    return found, [*_page_rows(pages), *_desk_rows(desks), *told, *_way_rows(ways)]


# --- corners and speed ---


def _pages(seeds: range) -> dict[str, Any]:
    finder, plain_times, times = Finder(), [], []
    errors: dict[str, list[float]] = {"ours": [], "plain": [], "hard": [], "easy": []}
    for seed in seeds:
        scene = made.Scene.of(seed)
        frame, truth = made.render(scene), made.corners_in(scene, made.PREVIEW)
        began = time.process_time()
        outline = finder.find(frame)
        times.append(time.process_time() - began)
        began = time.process_time()
        plain = plain_contour(frame)
        plain_times.append(time.process_time() - began)
        error = off(outline.corners if outline and not outline.cut else None, truth)
        errors["ours"].append(error)
        errors["hard" if scene.hard else "easy"].append(error)
        errors["plain"].append(off(plain, truth))
    return {
        "count": len(seeds),
        "near": {name: _share(error <= NEAR for error in e) for name, e in errors.items()},
        "wrong": _share(NEAR < error < 9 for error in errors["ours"]),
        "median_error": float(np.median(errors["ours"])),
        "frames_per_s": 1 / float(np.median(times)),
        "slow_frames_per_s": 1 / float(np.quantile(times, 0.95)),
        "plain_frames_per_s": 1 / float(np.median(plain_times)),
    }


def off(corners: Points | None, truth: Points) -> float:
    """The farthest corner's distance over the sheet's diagonal; 9 when nothing was found."""
    if corners is None:
        return 9.0
    turns = [np.linalg.norm(np.roll(corners, n, axis=0) - truth, axis=1).max() for n in range(4)]
    return float(min(turns) / diagonal(truth))


def plain_contour(picture: Picture) -> Points | None:
    """What is usually done: grey, blurred, Canny with Otsu's level, edges closed, the largest four corners."""
    scale = 500 / picture.shape[0]
    grey = cv2.cvtColor(cv2.resize(picture, None, fx=scale, fy=scale), cv2.COLOR_BGR2GRAY)
    grey = cv2.GaussianBlur(grey, (5, 5), 0)
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    edges = cv2.dilate(cv2.Canny(grey, 0.5 * level, level), np.ones((3, 3), np.uint8))
    shapes, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for shape in sorted(shapes, key=cv2.contourArea, reverse=True)[:8]:
        corners = cv2.approxPolyDP(shape, 0.02 * cv2.arcLength(shape, True), True)
        large = cv2.contourArea(corners) > 0.05 * grey.size
        if len(corners) == 4 and large and cv2.isContourConvex(corners):
            return np.asarray(_clockwise(corners.reshape(4, 2) / scale), float)
    return None


def _clockwise(corners: Points) -> Points:
    return corners if cv2.contourArea(corners.astype(np.float32), True) > 0 else corners[::-1]


def _page_rows(pages: dict[str, Any]) -> list[Row]:
    near = pages["near"]
    return [
        (
            f"(m) scan: corners within 1 %, {pages['count']} made pages",
            f"{near['ours']:.1%} (hard ones {near['hard']:.1%}, others {near['easy']:.1%}); "
            f"elsewhere {pages['wrong']:.1%}; median {pages['median_error']:.2%}",
            "≥ 95 %",
        ),
        ("(m) scan: the same by plain contours", f"{near['plain']:.1%}", "–"),
        (
            "(m) scan: 1280×720 on one core",
            f"{pages['frames_per_s']:.0f} frames/s, slowest 5 % {pages['slow_frames_per_s']:.0f} "
            f"(plain contours {pages['plain_frames_per_s']:.0f})",
            "≥ 15",
        ),
    ]


# --- empty desks ---


def _desks(seeds: range) -> dict[str, Any]:
    """Outlines of whole sheets, and what the taker makes of two seconds of it."""
    finder = Finder()
    outlines = cuts = plain = captures = 0
    for seed in seeds:
        frame = made.render(made.Scene.of(seed, empty=True))
        outline = finder.find(frame)
        outlines += outline is not None and not outline.cut
        cuts += outline is not None and outline.cut
        plain += plain_contour(frame) is not None
        captures += _would_take(frame, outline)
    count = len(seeds)
    return {"count": count, "outlines": outlines, "cut": cuts, "captures": captures, "plain": plain}


def _would_take(frame: Picture, outline: Outline | None) -> bool:
    """The worst case: the camera shows this very picture again and again. `still_scale` leaves distance aside."""
    taker, faults = Taker(), judge(frame, outline, still_scale=9.0).faults
    return any(taker.see(at, outline, faults).take for at in range(0, 2000, STEP_MS))


def _desk_rows(desks: dict[str, Any]) -> list[Row]:
    told = (
        f"{desks['outlines']} whole, {desks['cut']} cut, {desks['captures']} captured "
        f"of {desks['count']} (plain contours: {desks['plain']} outlines)"
    )
    return [("(m) scan: outlines on empty desks", told, "0 captured")]


# --- judging ---


def _judged(seeds: range) -> tuple[dict[str, Any], list[Row]]:
    """Of each fault: the share that is recognised, that is taken all the same, and false alarms on good sheets."""
    finder = Finder()
    good = [s for seed in seeds for s in (_good(seed),) if s is not None]
    alarms: dict[str, int] = dict.fromkeys((*JUDGED, "dark"), 0)
    seen = 0
    for scene in good:
        frame = made.render(scene)
        outline = finder.find(frame)
        if outline is None:
            continue
        seen += 1
        for fault in judge(frame, outline, still_scale=9.0).faults:
            if fault.value in alarms:
                alarms[fault.value] += 1
    found: dict[str, Any] = {}
    rows: list[Row] = []
    for name in JUDGED:
        recognised, taken = _of_fault(finder, name, seeds)
        found[name] = {
            "recognised": recognised, "taken": taken, "false_alarms": alarms[name] / max(1, seen)
        }  # fmt: skip
        told = f"{recognised:.1%}, taken all the same {taken:.1%}; false alarms {alarms[name] / max(1, seen):.1%}"
        rows.append((f"(m) scan: {name} recognised, {len(seeds)} pages", told, "–"))
    return found, rows


def _good(seed: int) -> made.Scene | None:
    """A scene that nothing is wrong with."""
    scene = made.Scene.of(seed)
    return None if scene.fingers or scene.dark else scene


def _of_fault(finder: Finder, name: str, seeds: range) -> tuple[float, float]:
    recognised, taken = [], []
    for seed in seeds:
        frame = made.render(made.Scene.of(seed, fault=name))
        verdict = judge(frame, finder.find(frame), still_scale=9.0)
        recognised.append(Fault(name) in verdict.faults)
        taken.append(verdict.good)
    return _share(recognised), _share(taken)


# --- which way up ---


def _ways(seeds: range) -> dict[str, Any]:
    """Pages as a still shows them, laid in each of the four ways."""
    right = wrong = upright = 0
    count = 0
    for seed in seeds:
        turn = list(made.TURNS)[seed % 4]
        scene = made.Scene.of(seed, turn=turn)
        if scene.hard or scene.fingers:
            continue
        size = (2592, 1458)
        corners = made.corners_in(scene, size)
        start = int(np.argmin(corners.sum(axis=1)))
        page = straighten(made.render(scene, size), np.roll(corners, -start, axis=0)).picture
        count += 1
        way = way_up(page)
        true = {"upright": Way.UPRIGHT, "upside_down": Way.UPSIDE_DOWN}.get(turn, Way.SIDEWAYS)
        right += way is true
        wrong += way not in (true, Way.UNSURE)
        upright += turned_upright(page)[1] is Way.UPRIGHT
    return {"count": count, "right": right, "wrong": wrong, "upright": upright}


def _way_rows(ways: dict[str, Any]) -> list[Row]:
    count = max(1, ways["count"])
    told = (
        f"{ways['right'] / count:.1%} right, {ways['wrong'] / count:.1%} wrong, the rest unsure; "
        f"{ways['upright'] / count:.1%} turned upright, {ways['count']} pages"
    )
    return [("(m) scan: which way up", told, "–")]


def _share(values: Iterable[bool]) -> float:
    known = list(values)
    return sum(known) / len(known) if known else 0.0
