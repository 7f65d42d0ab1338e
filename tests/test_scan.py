"""Papers under a camera: found, judged, taken once, straight, bound as a PDF; codes; a camera pulled out and back."""

from __future__ import annotations

import itertools
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest

from kiosk.scan import made
from kiosk.scan.camera import Camera, CameraGone, CameraState, doctor_line
from kiosk.scan.finder import Finder, Outline
from kiosk.scan.intake import Reason
from kiosk.scan.judge import Fault, Way, judge, turned_upright, way_up
from kiosk.scan.page import Page, even_light, look, scan
from kiosk.scan.pdf import LARGEST_PAGE, pages_to_pdf
from kiosk.scan.reader import Lines
from kiosk.scan.scanning import Scanning, Taken
from kiosk.scan.settings import CameraSettings
from kiosk.scan.shapes import diagonal, dpi_on_a4
from kiosk.scan.taker import Stage, Step, Taker
from queue_server.wire.texts import Texts

CARD = "079301000456||Trần Thị Bưởi|02092001|Nữ|Ấp 2, Xã Y, TP.HCM|20082024||||"
SHEET = np.array([(300.0, 80.0), (900.0, 90.0), (890.0, 640.0), (290.0, 630.0)])
FINE = 9.0
"""A still so much finer than the preview that distance is no question."""


@lru_cache
def frame(seed: int, fault: str = "") -> Any:
    return made.render(made.Scene.of(seed, fault=fault))


@lru_cache
def still() -> tuple[Any, Any]:
    """A sheet that lies upright, and its corners."""
    scene = made.Scene.of(12, turn="upright")
    size = (1920, 1080)
    return made.render(scene, size), made.corners_in(scene, size)


# --- found ---


@pytest.mark.parametrize("seed", [0, 4, 9])
def test_the_corners_are_found_to_one_part_in_a_hundred(seed: int) -> None:
    truth = made.corners_in(made.Scene.of(seed), made.PREVIEW)
    found = Finder().find(frame(seed))
    assert found is not None and not found.cut
    turns = [np.linalg.norm(np.roll(found.corners, n, axis=0) - truth, axis=1) for n in range(4)]
    assert min(turn.max() for turn in turns) < 0.01 * diagonal(truth)


@pytest.mark.parametrize("seed", [1, 3])
def test_an_empty_desk_is_no_sheet(seed: int) -> None:
    found = Finder().find(made.render(made.Scene.of(seed, empty=True)))
    assert found is None or found.cut
    assert Finder().find(np.zeros((720, 1280, 3), np.uint8)) is None


# --- judged ---


@pytest.mark.parametrize("fault", [Fault.BLUR, Fault.GLARE, Fault.FINGER, Fault.BLANK])
def test_what_is_wrong_with_a_sheet_is_said(fault: Fault) -> None:
    outline = Outline(made.corners_in(made.Scene.of(2, fault=fault), made.PREVIEW), 1.0)
    verdict = judge(frame(2, fault), outline, still_scale=FINE)
    assert fault in verdict.faults and not verdict.good


def test_a_good_sheet_is_good_unless_it_is_too_far_away_or_cut() -> None:
    outline = Outline(made.corners_in(made.Scene.of(9), made.PREVIEW), 1.0)
    assert judge(frame(9), outline, still_scale=FINE).faults == ()
    assert judge(frame(9), outline, still_scale=1.0).faults == (Fault.TOO_FAR,)
    cut = judge(frame(9), Outline(outline.corners, 1.0, cut=True), still_scale=FINE)
    assert cut.faults[0] is Fault.CUT
    assert judge(frame(9), None).faults == (Fault.NO_PAGE,)


def test_which_way_up_a_page_lies_is_told_by_its_lines_and_marks() -> None:
    page = made.page_of(3, 1344)
    assert way_up(page) is Way.UPRIGHT
    assert way_up(page[::-1, ::-1]) is Way.UPSIDE_DOWN
    assert way_up(np.ascontiguousarray(np.rot90(page))) is Way.SIDEWAYS
    assert way_up(np.full((1344, 950, 3), 240, np.uint8)) is Way.UNSURE
    for quarters in (1, 3):
        upright, way = turned_upright(np.ascontiguousarray(np.rot90(page, quarters)))
        assert way is Way.UPRIGHT
        assert np.abs(upright.astype(int) - page).mean() < 1


def test_every_fault_refusal_and_state_has_its_words() -> None:
    texts = Texts(Path(made.__file__).parent / "texts")
    keys = {f"fault.{f.value}" for f in Fault} | {f"refused.{r.value}" for r in Reason}
    keys |= {f"stage.{s.value}" for s in Stage} | {f"camera.{s.value}" for s in CameraState}
    assert keys == texts.keys("vi") == texts.keys("en")


# --- taken ---


def lie(taker: Taker, begin: int, ms: int, dx: float = 0.0, faults: Any = (), **more: Any) -> Any:
    sights = range(begin, begin + ms, 50)
    return [taker.see(at, Outline(SHEET + dx, 0.9), faults, **more) for at in sights]


def takes(steps: list[Step]) -> int:
    return sum(step.take for step in steps)


def test_a_sheet_is_taken_when_it_has_lain_still_and_not_again_before_it_is_lifted() -> None:
    taker = Taker()
    steps = lie(taker, 0, 2000)
    assert takes(steps) == 1 and not any(step.take for step in steps[:12])
    assert taker.taken(2000).stage is Stage.LIFT
    assert takes(lie(taker, 2050, 3000)) == 0
    for at in range(5100, 5800, 50):
        taker.see(at, None)
    assert takes(lie(taker, 5800, 1500)) == 1


def test_one_more_page_waits_for_another_sheet_though_the_camera_was_off_meanwhile() -> None:
    taker = Taker()
    lie(taker, 0, 2000)
    taker.taken(2000)
    taker.resume(9000)
    assert taker.see(9000, None).stage is Stage.LIFT, "the first picture may be dark"
    assert takes(lie(taker, 9050, 3000)) == 0
    taker.retake(12_050)
    assert takes(lie(taker, 12_050, 1500)) == 1
    broken_off = Taker()
    assert takes(lie(broken_off, 0, 700)) == 1, "and its still never comes"
    broken_off.resume(800)
    assert takes(lie(broken_off, 800, 1500)) == 1


def test_another_sheet_laid_over_the_first_is_taken_too() -> None:
    first, other = (look(made.page_of(n, 400), page_corners()) for n in (3, 8))
    taker = Taker()
    assert takes(lie(taker, 0, 1000, look=first)) == 1
    taker.taken(1000)
    assert takes(lie(taker, 1050, 2000, look=first * 0.8 + 9)) == 0, "only the light has changed"
    assert takes(lie(taker, 3100, 2000, look=other)) == 1


def page_corners() -> Any:
    high, wide = made.page_of(3, 400).shape[:2]
    return np.array([(0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high)])


def test_moving_faulty_or_cut_sheets_and_empty_desks_are_not_taken() -> None:
    pushed = Taker()
    assert not any(pushed.see(at, Outline(SHEET + at * 0.2, 0.9)).take for at in range(0, 3000, 50))
    assert takes(lie(Taker(), 0, 3000, faults=(Fault.GLARE,))) == 0
    assert takes(lie(Taker(), 0, 3000, faults=(Fault.UPSIDE_DOWN,))) == 1, "advice holds nobody up"
    cut, empty = Taker(), Taker()
    assert not any(cut.see(at, Outline(SHEET, 0.9, cut=True)).take for at in range(0, 3000, 50))
    assert not any(empty.see(at, None).take for at in range(0, 3000, 50))
    unsure = Taker()
    assert not any(unsure.see(at, Outline(SHEET, 0.4)).take for at in range(0, 3000, 50))
    slow = Taker()
    assert not slow.see(0, Outline(SHEET, 0.9)).take and not slow.see(900, Outline(SHEET, 0.9)).take


def test_a_still_that_came_out_badly_is_said_and_tried_again() -> None:
    taker = Taker()
    assert takes(lie(taker, 0, 1000)) == 1
    assert taker.taken(1000, (Fault.BLUR,)).hint is Fault.BLUR
    assert takes(lie(taker, 1050, 1500)) == 1
    lost = Taker()
    assert takes(lie(lost, 0, 1000)) == 1 and takes(lie(lost, 1000, 12_000)) == 1


def test_words_do_not_flicker() -> None:
    taker, hints = Taker(), []
    for n in range(80):
        faults = (Fault.GLARE,) if n % 2 else (Fault.BLUR,)
        hints.append(taker.see(n * 50, Outline(SHEET, 0.9), faults).hint)
    assert sum(a is not b for a, b in itertools.pairwise(hints)) <= 3


# --- the page ---


def test_a_page_comes_out_straight_as_a4_and_its_paper_white() -> None:
    picture, corners = still()
    page = scan(picture, corners)
    assert page.mm == pytest.approx((210, 297), abs=0.1)
    assert page.size[1] / page.size[0] == pytest.approx(297 / 210, abs=0.005)
    assert page.dpi == pytest.approx(dpi_on_a4(corners), rel=0.1)
    printed = made.page_of(made.Scene.of(12, turn="upright").layout, page.size[1])
    small = [
        cv2.resize(x, (105, 148), interpolation=cv2.INTER_AREA) for x in (page.picture, printed)
    ]
    grey = [cv2.cvtColor(x, cv2.COLOR_BGR2GRAY).ravel().astype(float) for x in small]
    assert np.corrcoef(grey)[0, 1] > 0.9


def test_shadows_go_and_stamps_stay() -> None:
    paper = np.full((1200, 850, 3), 235, np.uint8)
    cv2.circle(paper, (600, 900), 60, (40, 40, 200), 12)
    shade = np.linspace(0.45, 1.0, 850)[None, :, None]
    lit = even_light((paper * shade).astype(np.uint8))
    assert np.percentile(lit[:, 40:200], 5) > 235 and np.percentile(lit[:, 650:], 50) > 235
    blue, green, red = lit[900, 540].astype(int)
    assert red - max(blue, green) > 100


# --- the PDF ---


def test_a_pdf_holds_its_pages_in_true_size_with_code_and_number_and_a_megabyte_a_page() -> None:
    picture, corners = still()
    noise = np.random.default_rng(1).integers(90, 255, (2339, 1654, 3), np.uint8)
    pages = [scan(picture, corners), Page(noise, 200.0)]
    data = pages_to_pdf(
        pages, name="Giấy <chứng> sinh", paper_code="KQ.004", number="12/2026", created_ms=10**12
    )
    assert len(data) <= 2 * LARGEST_PAGE
    document = pypdfium2.PdfDocument(data)
    assert [p.get_size() for p in document] == [pytest.approx((595.3, 841.9), abs=0.2)] * 2
    told = document.get_metadata_dict()
    assert (told["Title"], told["Keywords"], told["Subject"]) == (
        "Giấy <chứng> sinh",
        "KQ.004",
        "12/2026",
    )
    assert b"<mc:PaperTypeCode>KQ.004<" in data
    drawn = np.asarray(document[0].render(scale=0.5).to_pil().convert("L"), float)
    straight = cv2.cvtColor(pages[0].picture, cv2.COLOR_BGR2GRAY)
    same = cv2.resize(straight, drawn.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(drawn.ravel(), same.ravel().astype(float))[0, 1] > 0.9
    with pytest.raises(ValueError):
        pages_to_pdf([], name="", paper_code="", number="", created_ms=0)


# --- the camera ---


class Pretend:
    """Gives so many pictures, then is pulled out."""

    def __init__(self, pictures: int) -> None:
        self._left = pictures

    def read(self) -> Any:
        self._left -= 1
        if self._left < 0:
            raise CameraGone("pulled out")
        return np.zeros((72, 128, 3), np.uint8)

    def still(self) -> Any:
        raise CameraGone("pulled out")

    def close(self) -> None: ...


def test_a_camera_pulled_out_is_gone_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.scan.camera.AGAIN_S", 0.01)
    plugged = threading.Event()

    def opened(settings: CameraSettings) -> Any:
        if not hasattr(opened, "before"):
            opened.before = True  # type: ignore[attr-defined]
            return Pretend(3)
        if not plugged.is_set():
            raise CameraGone("not there")
        return Pretend(10**9)

    camera = Camera(CameraSettings(rotate=90), opened)
    camera.start()
    try:
        known = None
        while camera.state is not CameraState.GONE:
            known = camera.wait(known, 5.0)
        plugged.set()
        while camera.state is not CameraState.READY:
            known = camera.wait(known, 5.0)
        assert known is not None and known.shape == (128, 72, 3), "turned as the settings say"
        with pytest.raises(CameraGone):
            camera.still().result(5)
    finally:
        camera.stop()


def test_a_sheet_on_a_film_is_taken_once_and_stands_upright(tmp_path: Path) -> None:
    scene = made.Scene.of(5, turn="upright")
    cv2.imwrite(str(tmp_path / "a.png"), made.render(scene, (1280, 720)))
    cv2.imwrite(str(tmp_path / "a.still.png"), made.render(scene, (2592, 1458)))
    taken: list[Taken] = []
    seen: list[Any] = []
    came = threading.Event()
    settings = CameraSettings(address=f"film:{tmp_path}", still="2592x1458", least_dpi=90)
    camera = Camera(settings)
    scanning = Scanning(camera, seen.append, lambda page: (taken.append(page), came.set()))
    camera.start()
    scanning.start()
    assert came.wait(20), [s.step for s in seen[-3:]]
    scanning.stop()
    camera.stop()
    assert taken[0].page.size[0] < taken[0].page.size[1] and taken[0].page.dpi > 90
    assert taken[0].way is Way.UPRIGHT and len(taken) == 1


def film(folder: Path) -> Camera:
    """A sheet that a camera never takes by itself: it is too far away."""
    scene = made.Scene.of(5, turn="upright")
    cv2.imwrite(str(folder / "a.png"), made.render(scene, (1280, 720)))
    return Camera(CameraSettings(address=f"film:{folder}", still="1280x720", least_dpi=500))


def test_a_sheet_taken_by_hand_is_kept_with_its_flaw_and_not_taken_again(tmp_path: Path) -> None:
    taken: list[Taken] = []
    came, looked = threading.Event(), threading.Event()
    camera, taker = film(tmp_path), Taker()
    scanning = Scanning(
        camera, lambda _: looked.set(), lambda page: (taken.append(page), came.set()), taker
    )
    camera.start()
    scanning.start()
    assert looked.wait(20)
    scanning.take_now()
    assert came.wait(20)
    scanning.stop()
    camera.stop()
    assert Fault.TOO_FAR in taken[0].flaws and len(taken) == 1
    assert taker.see(10**12, Outline(SHEET, 0.9)).stage is Stage.LIFT


def test_the_doctor_refuses_a_camera_that_gives_a4_less_than_200_dpi() -> None:
    assert doctor_line(CameraSettings(address="made:1", still="1920x1080"))[0] is False
    assert doctor_line(CameraSettings(address="none"))[0] is True
    good, told = doctor_line(CameraSettings(address="film:/nowhere"))
    assert not good and "no pictures" in told
    assert not doctor_line(CameraSettings(address="made:1", still="large"))[0]


# --- codes ---


def test_lines_of_a_reader_are_cut_by_suffix_or_silence_and_noise_is_dropped() -> None:
    lines = Lines()
    said = [*lines.feed(0.0, CARD.encode()[:40]), *lines.feed(0.1, CARD.encode()[40:] + b"\r\n")]
    assert said == [CARD]
    assert lines.feed(1.0, b"\xff\xfe\xfa\xc3\r\x1b[2J\x07abc\rab\r") == []
    assert lines.feed(2.0, b"\x02H19.15-261123-0007\x04") == []
    assert lines.feed(2.4, b"") == ["H19.15-261123-0007"]
    assert lines.feed(3.0, b"x" * 100_000 + b"\r" + b"12345\r") == ["12345"]
