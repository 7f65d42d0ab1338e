"""The self-filing child's eye over a pretend camera: a page taken by itself, kept in memory, gone with the visit."""

from __future__ import annotations

import threading
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
from kiosk.scan.camera import calm_scene
from kiosk.scan.finder import Finder
from kiosk.scan.judge import Fault, judge
from kiosk.settings import FilingSettings

STILL = 3.0
"""How many times more pixels across the still has."""


def test_the_sheet_is_found_to_a_hundredth_and_none_on_an_empty_desk() -> None:
    finder = Finder()
    for seed in (400, 403, 410):
        scene = calm_scene(seed)
        found = finder.find(made.render(scene))
        assert found is not None and not found.cut
        truth = made.corners_in(scene, made.PREVIEW)
        turns = [np.roll(found.corners, turn, axis=0) - truth for turn in range(4)]
        off = min(float(np.linalg.norm(turn, axis=1).max()) for turn in turns)
        assert off < 0.01 * found.diagonal
        assert finder.find(made.render(made.without_sheet(scene))) is None


@pytest.mark.parametrize(
    ("fault", "told"), [("blur", Fault.BLUR), ("glare", Fault.GLARE), ("blank", Fault.BLANK)]
)
def test_what_is_wrong_with_a_page_is_seen(fault: str, told: Fault) -> None:
    finder, right = Finder(), 0
    for seed in range(500, 504):
        frame = made.render(made.Scene.of(seed, fault=fault))
        right += told in judge(frame, finder.find(frame), still_scale=STILL).faults
    assert right >= 3


@pytest.mark.parametrize("turned", [0, 90])
def test_the_eye_takes_a_page_and_keeps_it_in_memory_alone(tmp_path: Path, turned: int) -> None:
    """Also with a camera that is mounted turned, as the settings say."""
    seen = made.render(calm_scene(403), (3840, 2160))
    if turned:
        seen = np.ascontiguousarray(np.rot90(seen))
    cv2.imwrite(str(tmp_path / "a.png"), seen)
    heard: list[tuple[Any, dict[str, Any]]] = []
    came = threading.Event()

    def hear(kind: Any, **values: Any) -> None:
        heard.append((kind, values))
        if kind is r.PageTaken:
            came.set()

    eye = Eye(hear)
    own = FilingSettings(camera=f"film:{tmp_path}", camera_rotate=turned)
    eye.watch(r.LookFor.PAGES, Devices(camera=own.camera, opened=own.camera_settings()))
    assert came.wait(30), [values for _, values in heard]
    sight = eye.sight()
    assert sight is not None
    high, wide = sight.frame.shape[:2]
    assert wide > high, "shown as the visitor sees her desk"
    page = next(values["page"] for kind, values in heard if kind is r.PageTaken)
    assert eye.thumbnail(page.id) is not None
    pdf = pypdfium2.PdfDocument(eye.pdf([page], "Giấy chứng sinh", "KQ1"))
    width, height = sorted(pdf[0].get_size())
    assert abs(width - 595) < 12 and abs(height - 842) < 12
    eye.forget(page.id)
    assert eye.thumbnail(page.id) is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    eye.watch(r.LookFor.NOTHING, Devices())


def test_without_a_camera_it_says_so() -> None:
    heard: list[tuple[Any, dict[str, Any]]] = []
    eye = Eye(lambda kind, **values: heard.append((kind, values)))
    eye.watch(r.LookFor.CODES, Devices())
    assert heard == [(r.CameraChanged, {"works": False})]
    eye.watch(r.LookFor.NOTHING, Devices())
    assert eye.sight() is None
