"""A page is taken by itself: found, judged, still; straightened and evened out; the camera pulled out and back."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest

from kiosk.filing import reports as r
from kiosk.filing.eye import Eye
from kiosk.filing.talk import Devices
from kiosk.scan import made
from kiosk.scan.camera import Camera, CameraSettings, still_dpi, too_coarse
from kiosk.scan.finder import Finder, Outline
from kiosk.scan.judge import Fault, judge
from kiosk.scan.page import cleaned, straighten
from kiosk.scan.taker import Phase, Taker, seen

WIDE = (1280, 720)
STILL = 3.0
"""How many times more pixels across the still has."""
SHEET = np.array([(300.0, 80.0), (900.0, 90.0), (890.0, 640.0), (290.0, 630.0)])


def outline(dx: float = 0.0, confidence: float = 0.9) -> Outline:
    return Outline(SHEET + dx, confidence)


def run(frames: list[tuple[float, Outline | None, tuple[Fault, ...]]]) -> list[Taker]:
    taker, told = Taker(), []
    for now, found, faults in frames:
        taker = seen(taker, now, found, faults, (0.0,) * 4)
        told.append(taker)
    return told


def steady(begin: float, seconds: float, dx: float = 0.0) -> list[tuple[float, Any, Any]]:
    return [(begin + n / 10, outline(dx), ()) for n in range(int(seconds * 10) + 1)]


def test_a_page_is_taken_once_it_is_still_and_once_only() -> None:
    told = run(steady(0.0, 3.0))
    assert sum(t.take for t in told) == 1
    assert next(i for i, t in enumerate(told) if t.take) >= 6
    assert told[-1].phase is Phase.TAKEN and told[-1].hint == ""


def test_a_moving_or_faulty_page_and_an_empty_desk_are_not_taken() -> None:
    moving = [(n / 10, outline(dx=8.0 * n), ()) for n in range(30)]
    empty = [(n / 10, None, (Fault.NO_PAGE,)) for n in range(30)]
    unsure = [(n / 10, outline(confidence=0.3), ()) for n in range(30)]
    glaring = [(n / 10, outline(), (Fault.GLARE,)) for n in range(30)]
    for frames in (moving, empty, unsure, glaring):
        assert not any(t.take for t in run(frames))
    assert run(glaring)[-1].hint == Fault.GLARE and run(empty)[-1].hint == Fault.NO_PAGE


def test_the_next_page_is_taken_after_the_first_was_lifted_or_moved() -> None:
    lifted = [(3.0 + n / 10, None, (Fault.NO_PAGE,)) for n in range(10)]
    assert sum(t.take for t in run([*steady(0, 2), *lifted, *steady(4.5, 2)])) == 2
    assert sum(t.take for t in run([*steady(0, 2), *steady(3, 2, dx=120.0)])) == 2
    covered = [(2.5, None, (Fault.NO_PAGE,)), (2.6, None, (Fault.NO_PAGE,))]
    assert sum(t.take for t in run([*steady(0, 2), *covered, *steady(2.7, 2)])) == 1


def test_words_do_not_flicker() -> None:
    told = run([(n / 10, outline(), (Fault.BLUR,) if n % 2 else (Fault.GLARE,)) for n in range(40)])
    hints = [t.hint for t in told]
    assert sum(a != b for a, b in itertools.pairwise(hints)) <= 2


@pytest.mark.parametrize(
    ("fault", "told"), [("blur", Fault.BLUR), ("glare", Fault.GLARE), ("blank", Fault.BLANK)]
)
def test_what_is_wrong_with_a_page_is_seen(fault: str, told: Fault) -> None:
    finder, right = Finder(), 0
    for seed in range(500, 504):
        frame = made.render(made.Scene.of(seed, fault=fault), WIDE)
        right += told in judge(frame, finder.find(frame), STILL)
    assert right >= 3


def good_scene() -> made.Scene:
    scene = made.Scene.of(403)
    assert not scene.fingers and not scene.fault
    return scene


def test_a_page_is_straight_white_and_keeps_its_colours() -> None:
    size = (1920, 1080)
    frame = made.render(good_scene(), size)
    corners = made.corners_in(good_scene(), size)
    page = cleaned(frame, corners)
    long, short = sorted(page.shape[:2], reverse=True)
    assert abs(long / short - 297 / 210) < 0.03
    bright = np.percentile(page.reshape(-1, 3), 70, axis=0)
    assert bright.min() > 225 and bright.max() - bright.min() < 14
    left, right = page[:, : page.shape[1] // 4], page[:, -page.shape[1] // 4 :]
    assert abs(float(np.percentile(left, 75)) - float(np.percentile(right, 75))) < 12
    stamped = frame.copy()
    middle = tuple(int(v) for v in corners.mean(axis=0))
    cv2.circle(stamped, middle, 40, (40, 40, 190), -1)
    red = cleaned(stamped, corners)[page.shape[0] // 2, page.shape[1] // 2].astype(int)
    assert red[2] - red[0] > 90
    assert straighten(frame, corners[::-1]).shape == straighten(frame, corners).shape


def test_less_than_two_hundred_dots_an_inch_is_refused() -> None:
    assert still_dpi(CameraSettings(device="x")) >= 200 and not too_coarse(CameraSettings())
    assert too_coarse(CameraSettings(device="x", still_width=1920, still_height=1080))


class Unplugged:
    """A camera that shows `frames` and is then pulled out."""

    def __init__(self, frames: int) -> None:
        self._left = frames

    def read(self) -> Any:
        self._left -= 1
        return np.zeros((720, 1280, 3), np.uint8) if self._left >= 0 else None

    def still(self) -> Any:
        return None

    def close(self) -> None: ...


def test_a_camera_that_is_pulled_out_is_told_and_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kiosk.scan.camera.AGAIN_S", 0.01)
    sources: Iterator[Any] = iter([Unplugged(3), None, Unplugged(10**9)])
    told: list[bool] = []
    back = threading.Event()

    def works(there: bool) -> None:
        told.append(there)
        if told == [True, False, False, True]:
            back.set()

    camera = Camera(CameraSettings(device="x"), lambda _: None, works, lambda _: next(sources))
    camera.start()
    assert back.wait(5)
    camera.stop()


def test_the_eye_takes_a_page_and_keeps_it_in_memory_alone(tmp_path: Path) -> None:
    (tmp_path / "still").mkdir()
    cv2.imwrite(str(tmp_path / "a.png"), made.render(good_scene(), WIDE))
    large = made.render(good_scene(), (3840, 2160))
    cv2.imwrite(str(tmp_path / "still" / "a.png"), large)
    heard: list[tuple[Any, dict[str, Any]]] = []
    came = threading.Event()

    def hear(kind: Any, **values: Any) -> None:
        heard.append((kind, values))
        if kind is r.PageTaken:
            came.set()

    eye = Eye(hear)
    eye.watch(r.LookFor.PAGES, Devices(camera=f"film:{tmp_path}"))
    assert came.wait(20), [values for _, values in heard]
    page = next(values["page"] for kind, values in heard if kind is r.PageTaken)
    thumbnail = eye.thumbnail(page.id)
    assert thumbnail is not None and max(thumbnail.shape) <= 480
    pdf = pypdfium2.PdfDocument(eye.pdf([page], "Giấy chứng sinh", "KQ1"))
    width, height = sorted(pdf[0].get_size())
    assert abs(width - 595) < 12 and abs(height - 842) < 12
    eye.stop()
    assert eye.thumbnail(page.id) is None and eye.sight() is not None
