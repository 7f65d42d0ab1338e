"""Made pictures of paper under a camera, whose corners and faults are known: for tests, benchmark and demo.

A scene is drawn once by chance (`Scene.of(seed)`) and can then be rendered at any size, so that the
preview and the still of a pretend camera show the same sheet. Lengths are parts of the picture's width.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .shapes import A4_MM, Floats, Picture, Points

PREVIEW = (1280, 720)
LAYOUTS = 48
"""How many different pages there are; each is drawn once and kept."""
TURNS = {"upright": 0.0, "right": 90.0, "upside_down": 180.0, "left": 270.0}

WORDS = [
    "cộng",
    "hòa",
    "xã",
    "hội",
    "chủ",
    "nghĩa",
    "việt",
    "nam",
    "độc",
    "lập",
    "tự",
    "do",
    "hạnh",
    "phúc",
    "giấy",
    "khai",
    "sinh",
    "ủy",
    "ban",
    "nhân",
    "dân",
    "phường",
    "trung",
    "tâm",
    "phục",
    "vụ",
    "hành",
    "chính",
    "công",
    "người",
    "yêu",
    "cầu",
    "họ",
    "và",
    "tên",
    "ngày",
    "tháng",
    "năm",
    "nơi",
    "cư",
    "trú",
    "dân",
    "tộc",
    "quốc",
    "tịch",
    "giấy",
    "tờ",
    "tùy",
    "thân",
    "số",
    "cấp",
    "đăng",
    "ký",
    "bản",
    "sao",
    "chứng",
    "thực",
    "theo",
    "quy",
    "định",
    "của",
    "pháp",
    "luật",
    "tôi",
    "cam",
    "đoan",
    "những",
    "nội",
    "dung",
    "khai",
    "trên",
    "đây",
    "là",
    "đúng",
    "sự",
    "thật",
    "chịu",
    "trách",
    "nhiệm",
    "trước",
    "về",
    "lời",
]

DESKS: dict[str, tuple[int, int, int]] = {
    "white": (222, 226, 228), "cream": (196, 212, 222), "light_wood": (140, 182, 210),
    "mid_wood": (82, 128, 168), "dark_wood": (42, 62, 88), "grey": (140, 140, 138),
    "light_grey": (200, 200, 198), "black": (34, 34, 36), "green": (86, 120, 70),
    "blue": (140, 96, 62), "cloth": (150, 150, 190),
}  # fmt: skip
"""Blue, green, red of the desk under even light."""
PAPERS: dict[str, tuple[int, int, int]] = {
    "white": (245, 244, 243), "plain": (236, 238, 238), "cream": (212, 230, 238),
    "recycled": (196, 206, 210), "yellow": (150, 226, 240), "pink": (206, 196, 240),
    "green": (200, 232, 204), "blue": (240, 222, 198),
}  # fmt: skip
SKINS = ((140, 172, 224), (105, 140, 198), (70, 100, 150), (165, 194, 241), (92, 128, 186))
THINGS = ("pen", "phone", "card", "cup", "keyboard", "sheet", "cable", "seam")


@dataclass(frozen=True)
class Scene:
    """All that chance decided; `fault` is one of blur, glare, cut, finger, blank, moving, or ""."""

    seed: int
    desk: str
    paper: str
    layout: int = 0
    corners: tuple[tuple[float, float], ...] = ()
    """Of the sheet as it is read: upper left, upper right, lower right, lower left; () for an empty desk.
    Parts of the width; (0, 0) is the middle of the picture."""
    curl: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    fingers: int = 0
    things: tuple[str, ...] = ()
    dark: bool = False
    hard: bool = False
    fault: str = ""
    shaken: float = 0.0

    @staticmethod
    def of(seed: int, *, empty: bool = False, fault: str = "", turn: str = "") -> Scene:
        """`turn`: one of TURNS, the way the sheet lies; "" is as chance has it, mostly sideways."""
        chance = np.random.default_rng((seed, 1 if empty else 0, sum(map(ord, fault))))
        desk = _one_of(chance, DESKS)
        things = tuple(
            t for t in THINGS if chance.random() < (0.3 if empty else 0.09) and t != "sheet"
        )
        if empty:
            fingers = int(chance.integers(1, 5)) if chance.random() < 0.25 else 0
            return Scene(seed, desk, "", things=things, fingers=fingers, dark=chance.random() < 0.1)
        hard = bool(chance.random() < 0.3)
        paper = _one_of(chance, PAPERS) if chance.random() < 0.6 else "white"
        if hard and chance.random() < 0.6:
            desk, paper = chance.choice(["white", "cream", "light_grey"]), chance.choice(
                ["white", "plain", "cream"]
            )  # fmt: skip
        curl = chance.normal(0, 0.0035 if hard else 0.0012, 4).clip(-0.007, 0.007)
        if not hard and chance.random() < 0.04:
            things = (*things, "sheet")
        fingers = int(chance.integers(1, 4)) if chance.random() < 0.22 else 0
        if fault == "finger":
            fingers = max(1, fingers)
        elif fault:
            fingers = 0
        return Scene(
            seed,
            str(desk),
            str(paper),
            layout=int(chance.integers(LAYOUTS)),
            corners=_pose(chance, fault == "cut", turn),
            curl=(float(curl[0]), float(curl[1]), float(curl[2]), float(curl[3])),
            fingers=fingers,
            things=things,
            dark=bool(chance.random() < (0.3 if hard else 0.06)),
            hard=hard,
            fault=fault,
        )

    def moved(self, x: float, y: float) -> Scene:
        """The sheet pushed aside by parts of the width."""
        return replace(self, corners=tuple((a + x, b + y) for a, b in self.corners))


def without_sheet(scene: Scene) -> Scene:
    """The same desk with nothing on it."""
    return replace(scene, corners=(), things=(), fingers=0, fault="")


def corners_in(scene: Scene, size: tuple[int, int]) -> Points:
    """Where the sheet's corners are in a picture of this width and height."""
    return np.array(scene.corners) * size[0] + (np.array(size) - 1) / 2


def render(scene: Scene, size: tuple[int, int] = PREVIEW, *, shot: int = 0) -> Picture:
    """`size` is width and height; each `shot` of a scene has noise of its own."""
    chance = np.random.default_rng((scene.seed, 7))
    view = _View(size, chance)
    picture = _desk(scene.desk, view)
    for thing in scene.things:
        _thing(picture, thing, view)
    if scene.corners:
        picture = _lay(picture, scene, view)
    if scene.fingers:
        _hand(picture, scene, view)
    picture *= _light(scene, view)[..., None]
    picture *= view.chance.uniform((0.84, 0.95, 0.93), (1.06, 1.0, 1.08)).astype(np.float32)
    picture *= _exposure(scene, picture, view)
    if scene.fault == "glare":
        picture += _glare(scene, view)[..., None]
    return _sensor(picture, scene, view, np.random.default_rng((scene.seed, 11, shot)))


class _View:
    """Width, height and the chance of one rendering."""

    def __init__(self, size: tuple[int, int], chance: np.random.Generator) -> None:
        self.width, self.height = size
        self.chance = chance

    def pixels(self, points: object) -> Points:
        middle = (np.array((self.width, self.height)) - 1) / 2
        return np.asarray(points, dtype=float) * self.width + middle

    def length(self, part: float) -> float:
        return part * self.width

    def cloud(self, columns: int, rows: int) -> Floats:
        """A smooth field of about −1 … 1 with so many hills."""
        field = self.chance.normal(0, 1, (rows, columns)).astype(np.float32)
        return cv2.resize(field, (self.width, self.height), interpolation=cv2.INTER_CUBIC)


def _one_of(chance: np.random.Generator, table: dict[str, tuple[int, int, int]]) -> str:
    return list(table)[int(chance.integers(len(table)))]


# --- where the sheet lies ---


def _pose(chance: np.random.Generator, cut: bool, turn: str) -> tuple[tuple[float, float], ...]:
    """Corners of an A4 sheet seen by a pinhole camera that hangs askew over it."""
    half = np.array(A4_MM) / 2
    sheet = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    usual = float(chance.choice([90.0, 270.0, 0.0, 180.0], p=[0.35, 0.3, 0.3, 0.05]))
    angle = TURNS[turn] if turn else usual
    spread = 4.0 if turn else float(chance.choice([3.0, 9.0, 20.0], p=[0.4, 0.45, 0.15]))
    angle += float(chance.normal(0, spread))
    seen = _through_lens(chance, _turned(sheet, angle))
    seen -= (seen.max(axis=0) + seen.min(axis=0)) / 2
    frame = np.array([1.0, PREVIEW[1] / PREVIEW[0]])
    extent = seen.max(axis=0) - seen.min(axis=0)
    fits = float((frame / extent).min())
    scale = fits * float(chance.uniform(0.6, 0.97) if not cut else chance.uniform(0.9, 1.25))
    room = (frame - extent * scale) / 2
    if not cut:
        place = chance.uniform(-1, 1, 2) * np.maximum(0, room - 0.006)
    else:
        across = chance.random() < 0.5
        beyond = float(chance.uniform(0.06, 0.3)) * extent * scale
        place = chance.uniform(-0.4, 0.4, 2) * np.abs(room)
        side = 0 if across else 1
        place[side] = (room[side] + beyond[side]) * chance.choice([-1, 1])
    return tuple((float(x), float(y)) for x, y in seen * scale + place)


def _turned(points: Points, degrees: float) -> Points:
    a = math.radians(degrees)
    return np.asarray(points @ np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]]))


def _through_lens(chance: np.random.Generator, flat: Points) -> Points:
    """The flat points (mm) as a camera sees them that is tilted by some degrees."""
    tilt = math.radians(abs(float(chance.normal(0, 11))))
    way, far = float(chance.uniform(0, 2 * math.pi)), float(chance.uniform(380, 700))
    axis = np.array([math.cos(way), math.sin(way)])
    depth = far + (flat @ axis) * math.sin(min(tilt, 0.5))
    along = (flat @ axis) * math.cos(min(tilt, 0.5))
    across = flat @ np.array([-axis[1], axis[0]])
    plane = np.stack([along, across], axis=1) / depth[:, None]
    return np.asarray(plane @ np.array([axis, [-axis[1], axis[0]]]))


# --- the desk and what lies on it ---


def _desk(name: str, view: _View) -> Floats:
    colour = np.array(DESKS[name], np.float32) * view.chance.uniform(0.9, 1.06)
    picture = np.ones((view.height, view.width, 3), np.float32) * colour
    if "wood" in name:
        grain = view.cloud(7, 160) * 0.6 + view.cloud(3, 50) * 0.7
        picture *= (1 + 0.055 * grain)[..., None]
    elif name == "cloth":
        picture *= _checks(view)[..., None]
    else:
        picture *= (1 + 0.012 * view.cloud(40, 24))[..., None]
    return picture


def _checks(view: _View) -> Floats:
    step = view.length(float(view.chance.uniform(0.02, 0.07)))
    x, y = np.arange(view.width) / step, np.arange(view.height) / step
    dark = np.float32(view.chance.uniform(0.12, 0.35))
    return (1 - dark * (x[None] % 1 < 0.5) - dark * (y[:, None] % 1 < 0.5)).astype(np.float32)


def _thing(picture: Floats, name: str, view: _View) -> None:
    chance = view.chance
    middle = chance.uniform((-0.5, -0.28), (0.5, 0.28))
    angle = float(chance.uniform(0, 180))
    if name == "seam":  # the desk's edge, or two tables side by side
        far = _turned(np.array([(-1.0, 0.0), (1.0, 0.0), (1.0, 0.6), (-1.0, 0.6)]), angle)
        shade = float(chance.uniform(0.7, 0.93))
        mask = _mask(view, [far + middle])
        picture *= 1 - (1 - shade) * mask[..., None]
        return
    if name == "cable":
        line = np.stack([np.linspace(-0.6, 0.6, 40), 0.06 * np.sin(np.linspace(0, 6, 40))], 1)
        points = view.pixels(_turned(line, angle) + middle).astype(np.int32)
        width = max(1, round(view.length(0.004)))
        cv2.polylines(picture, [points], False, (30, 30, 30), width, cv2.LINE_AA)
        return
    shapes: dict[str, tuple[float, float, tuple[int, int, int]]] = {
        "pen": (0.12, 0.009, (120, 50, 30)), "phone": (0.15, 0.073, (28, 26, 26)),
        "card": (0.086, 0.054, (200, 180, 140)), "cup": (0.08, 0.08, (230, 230, 235)),
        "keyboard": (0.42, 0.14, (48, 46, 46)), "sheet": (0.297, 0.21, (238, 238, 236)),
    }  # fmt: skip
    long, short, colour = shapes[name]
    if name in ("phone", "card", "keyboard", "cup"):
        long, short = long * 1.25, short * 1.25
    if name == "sheet":  # another paper, mostly out of the picture
        middle = np.array([chance.choice([-0.55, 0.55]), chance.uniform(-0.2, 0.2)])
        long, short = long * 1.6, short * 1.6
    box = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (long / 2, short / 2)
    place = _turned(box, angle) + middle
    if name == "cup":
        a = np.linspace(0, 2 * math.pi, 60)
        place = np.stack([np.cos(a), np.sin(a)], 1) * short / 2 + middle
    _fill(picture, view, place, colour, shadow=0.35)
    if name == "phone":
        _fill(picture, view, _turned(box * 0.94, angle) + middle, (60, 52, 48), shadow=0.0)
    if name == "cup":
        _fill(picture, view, (place - middle) * 0.85 + middle, (40, 60, 90), shadow=0.0)
    if name == "keyboard":
        for row in range(5):
            for column in range(14):
                key = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (0.8 / 14, 0.78 / 5)
                key = (key + (column / 14 + 0.007, row / 5 + 0.02) - 0.5) * (long, short)
                _fill(picture, view, _turned(key, angle) + middle, (74, 72, 70), shadow=0.0)


def _mask(view: _View, shapes: list[Points], soft: float = 0.0) -> Floats:
    """1 inside the shapes; `soft` is the width of its edge as a part of the picture's."""
    mask = np.zeros((view.height, view.width), np.float32)
    fine = [np.round(view.pixels(s) * 16).astype(np.int32) for s in shapes]
    for shape in fine:
        cv2.fillPoly(mask, [shape], 1.0, cv2.LINE_AA, 4)
    if soft:
        mask = _soften(mask, view.length(soft))
    return mask


def _soften(field: Floats, sigma: float) -> Floats:
    """A Gaussian blur of any width; wide ones are done small."""
    step = max(1, int(sigma / 3))
    if step == 1:
        return cv2.GaussianBlur(field, (0, 0), max(0.3, sigma))
    size = (max(2, field.shape[1] // step), max(2, field.shape[0] // step))
    small = cv2.resize(field, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return cv2.resize(small, (field.shape[1], field.shape[0]), interpolation=cv2.INTER_LINEAR)


def _fill(
    picture: Floats, view: _View, place: Points, colour: tuple[int, int, int], shadow: float
) -> None:
    if shadow:
        fallen = _mask(view, [place + view.chance.uniform(-0.004, 0.006, 2)], soft=0.004)
        picture *= 1 - shadow * fallen[..., None]
    mask = _mask(view, [place])[..., None]
    picture *= 1 - mask
    picture += mask * np.array(colour, np.float32)


# --- the sheet ---


def _lay(picture: Floats, scene: Scene, view: _View) -> Floats:
    corners = view.pixels(scene.corners)
    tall = max(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1]))
    texture = page_of(scene.layout if scene.fault != "blank" else -1, round(float(tall) * 1.25))
    paper = np.array(PAPERS[scene.paper], np.float32) * view.chance.uniform(0.97, 1.02)
    sheet, cover = _warped(texture, corners, scene.curl, view)
    shift = view.chance.uniform(-0.008, 0.008, 2) * view.width
    wide = view.length(float(view.chance.uniform(0.0015, 0.008)))
    deep = float(view.chance.uniform(0.06, 0.4))
    moved = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    fallen = cv2.warpAffine(cover, moved, (view.width, view.height))
    touch = _soften(cover, max(0.8, view.length(0.0009)))
    picture = picture * (1 - deep * _soften(fallen, wide) - 0.10 * touch)[..., None]
    bend = _bend(corners, scene, view)
    laid = sheet * paper / 255 * (cover * bend)[..., None]
    return np.asarray(picture * (1 - cover[..., None]) + laid)


def _warped(
    texture: Picture, corners: Points, curl: tuple[float, float, float, float], view: _View
) -> tuple[Floats, Floats]:
    """The page as the camera sees it, its edges bent by parts of its size, and where it is."""
    tall, wide = texture.shape[:2]
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    to_unit = cv2.getPerspectiveTransform(corners.astype(np.float32), unit).astype(np.float32)
    x, y = np.meshgrid(
        np.arange(view.width, dtype=np.float32), np.arange(view.height, dtype=np.float32)
    )
    u, v, w = (to_unit[n, 0] * x + to_unit[n, 1] * y + to_unit[n, 2] for n in range(3))
    u, v = u / w, v / w
    across, down = np.sin(np.pi * u.clip(0, 1)), np.sin(np.pi * v.clip(0, 1))
    bent_u = u + down * (curl[0] * (1 - u) + curl[1] * u)
    bent_v = v + across * (curl[2] * (1 - v) + curl[3] * v)
    map_x, map_y = bent_u * wide - 0.5, bent_v * tall - 0.5
    sheet = cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    ones = np.ones((tall, wide), np.float32)
    cover = cv2.remap(ones, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return sheet.astype(np.float32), cover


def _bend(corners: Points, scene: Scene, view: _View) -> Floats:
    """A bent sheet takes the light unevenly."""
    if not scene.hard:
        return np.ones((view.height, view.width), np.float32)
    return (1 + 0.02 * view.cloud(3, 2)).astype(np.float32)


@lru_cache(maxsize=64)
def _page(layout: int) -> Picture:
    """A printed A4 page at 200 dpi in black, red and blue on white; −1 is a blank one."""
    wide, tall = 1654, 2339
    page = Image.new("RGB", (wide, tall), "white")
    if layout < 0:
        return np.asarray(page)[..., ::-1].copy()
    draw, chance = ImageDraw.Draw(page), np.random.default_rng((layout, 5))
    margin, y = int(chance.integers(110, 230)), int(chance.integers(110, 260))
    y = _heading(draw, chance, wide, y)
    kinds: list[Callable[..., int]] = [_paragraph, _paragraph, _fields, _table]
    last = tall - int(chance.integers(140, 420)) if chance.random() < 0.7 else int(tall * 0.55)
    while y < last:
        y = kinds[int(chance.integers(len(kinds)))](draw, chance, margin, wide - margin, y, last)
    if chance.random() < 0.6:
        _stamp(page, chance, (int(wide * 0.66), min(tall - 330, last - 40)))
    if chance.random() < 0.2:
        draw.rectangle((margin, 120, margin + 236, 120 + 315), fill=(122, 140, 168))
        draw.ellipse((margin + 68, 170, margin + 168, 300), fill=(226, 190, 160))
    return np.asarray(page)[..., ::-1].copy()


@lru_cache(maxsize=96)
def _shrunk(layout: int, tall: int) -> Picture:
    page = _page(layout)
    wide = round(tall * page.shape[1] / page.shape[0])
    way = cv2.INTER_AREA if tall < page.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(page, (wide, tall), interpolation=way), np.uint8)


def page_of(layout: int, tall: int) -> Picture:
    """The flat page about so many pixels tall, as it would be printed."""
    return _shrunk(layout, max(64, tall // 32 * 32))


def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Roboto as kivy carries it, or what Pillow has where there is no kivy."""
    found = importlib.util.find_spec("kivy")
    for place in list(found.submodule_search_locations or []) if found else []:
        path = Path(place) / "data/fonts" / f"Roboto-{'Bold' if bold else 'Regular'}.ttf"
        if path.exists():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


def _words(chance: np.random.Generator, count: int) -> str:
    return " ".join(WORDS[n] for n in chance.integers(len(WORDS), size=count))


def _heading(draw: ImageDraw.ImageDraw, chance: np.random.Generator, wide: int, y: int) -> int:
    for size, text in (
        (34, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
        (32, "Độc lập - Tự do - Hạnh phúc"),
        (50, _words(chance, 4).upper()),
    ):
        draw.text((wide / 2, y), text, "black", font(size, bold=True), anchor="mt")
        y += int(size * 1.7)
    return y + 30


def _paragraph(
    draw: ImageDraw.ImageDraw, chance: np.random.Generator, left: int, right: int, y: int, last: int
) -> int:
    size = int(chance.integers(28, 40))
    face, line = font(size), int(size * chance.uniform(1.3, 1.6))
    for row in range(int(chance.integers(3, 9))):
        if y > last:
            break
        text, start = "", left + (60 if row == 0 else 0)
        share = 1.0 if chance.random() < 0.75 else float(chance.uniform(0.3, 0.9))
        while start + draw.textlength(text, face) < left + (right - left) * share - 150:
            text += ("" if not text else " ") + _words(chance, 1)
        draw.text((start, y), text.capitalize() if row == 0 else text, (25, 25, 25), face)
        y += line
    return y + line // 2


def _fields(
    draw: ImageDraw.ImageDraw, chance: np.random.Generator, left: int, right: int, y: int, last: int
) -> int:
    face = font(34)
    for _ in range(int(chance.integers(3, 8))):
        if y > last:
            break
        label = _words(chance, int(chance.integers(2, 5))).capitalize() + ": "
        end = left + draw.textlength(label, face)
        draw.text((left, y), label, (20, 20, 20), face)
        draw.text((end, y), "." * int((right - end) / 10), (90, 90, 90), face)
        draw.text((end + 20, y - 6), _words(chance, 4).title(), (120, 40, 30), face)
        y += 58
    return y + 20


def _table(
    draw: ImageDraw.ImageDraw, chance: np.random.Generator, left: int, right: int, y: int, last: int
) -> int:
    rows, columns = int(chance.integers(2, 7)), int(chance.integers(2, 5))
    rows = min(rows, max(1, (last - y) // 64))
    for row in range(rows + 1):
        draw.line((left, y + row * 64, right, y + row * 64), "black", 3)
    for column in range(columns + 1):
        x = left + (right - left) * column // columns
        draw.line((x, y, x, y + rows * 64), "black", 3)
    for row in range(rows):
        for column in range(columns):
            x = left + (right - left) * column // columns
            draw.text((x + 12, y + row * 64 + 16), _words(chance, 2), (30, 30, 30), font(26))
    return y + rows * 64 + 50


def _stamp(page: Image.Image, chance: np.random.Generator, place: tuple[int, int]) -> None:
    """The red round seal, and a signature in blue through it."""
    draw = ImageDraw.Draw(page)
    x, y = place
    for radius, line in ((150, 8), (110, 3)):
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius), outline=(205, 40, 50), width=line
        )
    draw.regular_polygon((x, y, 46), 5, fill=(205, 40, 50))
    t = np.linspace(0, 14, 120)
    curve = np.stack(
        [x - 220 + t * 26, y + 40 * np.sin(t * chance.uniform(1, 2)) * np.cos(t / 3)], axis=1
    )
    draw.line([tuple(p) for p in curve], fill=(40, 40, 150), width=6)


# --- hands ---


def _hand(picture: Floats, scene: Scene, view: _View) -> None:
    """Fingers that reach over an edge of the sheet, or lie on the empty desk."""
    chance = view.chance
    skin = np.array(SKINS[int(chance.integers(len(SKINS)))], np.float32)
    if scene.corners:
        corners = np.array(scene.corners)
        size = float(np.linalg.norm(corners[2] - corners[1]))
        side, at = int(chance.integers(4)), float(chance.uniform(0.08, 0.92))
        a, b = corners[side], corners[(side + 1) % 4]
        edge = a + (b - a) * at
        inward = corners.mean(axis=0) - (a + b) / 2
        inward /= np.linalg.norm(inward)
        deep = float(chance.uniform(0.03, 0.09)) * size
        if scene.fault == "finger":
            deep = float(chance.uniform(0.07, 0.14)) * size
    else:
        size, deep = 0.45, 0.0
        edge = chance.uniform((-0.3, -0.2), (0.3, 0.2))
        way = float(chance.uniform(0, 2 * math.pi))
        inward = np.array([math.cos(way), math.sin(way)])
    along = np.array([-inward[1], inward[0]])
    thick = 0.056 * size
    shapes = []
    for finger in range(scene.fingers):
        shift = along * (finger - (scene.fingers - 1) / 2) * thick * 1.25
        tip = edge + inward * (deep - abs(finger - 1) * 0.012 * size) + shift
        root = edge - inward * 0.3 * size + shift * 1.3
        shapes.append(_capsule(tip, root, thick / 2, thick * 0.62))
    palm = edge - inward * 0.4 * size
    shapes.append(_capsule(palm, palm - inward * 0.5, thick * (1.2 + scene.fingers * 0.5), 0.09))
    shade = _mask(view, [s + (0.003, 0.004) for s in shapes], soft=0.004)
    picture *= 1 - 0.3 * shade[..., None]
    mask = _mask(view, shapes)
    round_ = 0.72 + 0.33 * _soften(mask, view.length(thick * 0.22))
    colour = skin * round_[..., None] * (1 + 0.03 * view.cloud(60, 34))[..., None]
    soft = cv2.GaussianBlur(mask, (0, 0), 0.7)[..., None]
    picture *= 1 - soft
    picture += soft * colour


def _capsule(tip: Points, root: Points, at_tip: float, at_root: float) -> Points:
    way = (tip - root) / max(1e-6, float(np.linalg.norm(tip - root)))
    a = math.atan2(way[1], way[0])
    front = np.linspace(a - math.pi / 2, a + math.pi / 2, 24)
    back = np.linspace(a + math.pi / 2, a + 3 * math.pi / 2, 24)
    return np.concatenate(
        [
            tip + at_tip * np.stack([np.cos(front), np.sin(front)], 1),
            root + at_root * np.stack([np.cos(back), np.sin(back)], 1),
        ]
    )


# --- light and sensor ---


def _light(scene: Scene, view: _View) -> Floats:
    chance = view.chance
    x = np.linspace(-1, 1, 96, dtype=np.float32)[None]
    y = np.linspace(-1, 1, 54, dtype=np.float32)[:, None]
    way, slope = chance.uniform(0, 2 * math.pi), float(chance.uniform(0, 0.25))
    field = 1 + slope * (math.cos(way) * x + math.sin(way) * y)
    for _ in range(int(chance.integers(1, 3))):
        at = chance.uniform(-1.2, 1.2, 2)
        wide, much = chance.uniform(0.5, 1.3), chance.uniform(0.0, 0.4)
        field = field + much * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / wide**2)
    if chance.random() < (0.5 if scene.hard else 0.25):  # somebody stands in the light
        way, off = chance.uniform(0, 2 * math.pi), chance.uniform(-0.6, 0.6)
        edge = (math.cos(way) * x + math.sin(way) * y - off) / float(chance.uniform(0.04, 0.4))
        field = field * (1 - chance.uniform(0.12, 0.42) / (1 + np.exp(-4 * edge.clip(-9, 9))))
    return cv2.resize(
        field.astype(np.float32), (view.width, view.height), interpolation=cv2.INTER_CUBIC
    )


def _exposure(scene: Scene, picture: Floats, view: _View) -> float:
    """A camera's automatic one: the bright parts near a level."""
    level = view.chance.uniform(95, 135) if scene.dark else view.chance.uniform(190, 238)
    bright = float(np.percentile(picture[::8, ::8].max(axis=2), 96))
    return float(level / max(40.0, bright))


def _glare(scene: Scene, view: _View) -> Floats:
    """The mirror image of a lamp on the sheet."""
    chance = np.random.default_rng((scene.seed, 13))
    corners = view.pixels(scene.corners)
    weights = chance.dirichlet([2.0] * 4)
    middle = weights @ corners
    size = float(np.linalg.norm(corners[2] - corners[0]))
    a, b = size * chance.uniform(0.05, 0.12), size * chance.uniform(0.03, 0.08)
    turn = chance.uniform(0, math.pi)
    x = np.arange(view.width, dtype=np.float32)[None] - middle[0]
    y = np.arange(view.height, dtype=np.float32)[:, None] - middle[1]
    u = (math.cos(turn) * x + math.sin(turn) * y) / a
    v = (-math.sin(turn) * x + math.cos(turn) * y) / b
    return np.asarray(330 * np.exp(-((u * u + v * v) ** 1.5)), np.float32)


def _sensor(picture: Floats, scene: Scene, view: _View, chance: np.random.Generator) -> Picture:
    fixed = np.random.default_rng((scene.seed, 17))
    sharp = float(fixed.uniform(0.45, 0.9))
    if scene.fault == "blur":
        sharp = float(fixed.uniform(2.6, 5.0))
    picture = cv2.GaussianBlur(picture, (0, 0), sharp * max(1.0, view.width / 2200))
    shaken = scene.shaken or (0.012 if scene.fault == "moving" else 0.0)
    if shaken:
        picture = _smeared(picture, view.length(shaken), float(fixed.uniform(0, math.pi)))
    noise = float(fixed.uniform(5, 9) if scene.dark else fixed.uniform(1, 5))
    noise *= float(np.sqrt(min(1.0, 1280 / view.width)))
    cv2.setRNGSeed(int(chance.integers(1 << 30)))
    grain = np.empty((view.height, view.width), np.float32)
    for channel in range(3):
        cv2.randn(grain, np.zeros(1), np.full(1, noise))
        picture[..., channel] += grain
    flat = np.clip(picture, 0, 255).astype(np.uint8)
    quality = int(fixed.integers(70, 95))
    coded = cv2.imencode(".jpg", flat, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _smeared(picture: Floats, long: float, angle: float) -> Floats:
    size = max(3, int(long) | 1)
    kernel: NDArray[np.float32] = np.zeros((size, size), np.float32)
    middle = size // 2
    way = np.array([math.cos(angle), math.sin(angle)]) * middle
    a, b = (middle - way).astype(int), (middle + way).astype(int)
    cv2.line(kernel, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0, 1)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())
