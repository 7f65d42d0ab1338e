"""Drawings by line in a square: icons and the five faces, in the canvas's current colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import cos, pi, sin

from kivy.graphics import SmoothEllipse, SmoothLine

Point = tuple[float, float]
THINNEST = 1.1
"""Pixels to each side of a line's middle."""
ROUND = 0.92
"""A dot of the line's own width would look broader than the line."""
ARC_STEPS = 120
"""Corners of a full circle: none is seen on the largest drawing."""


class _Pen:
    """Draws in a square of side 1, laid at (x, y) with `side` pixels."""

    def __init__(self, x: float, y: float, side: float) -> None:
        self.x, self.y, self.side = x, y, side

    def line(self, *points: Point, width: float = 0.045, close: bool = False) -> None:
        """Straight from point to point, with round corners and ends."""
        self._stroke(points, width, close)
        self._round(points, width)

    def _stroke(self, points: Sequence[Point], width: float, close: bool) -> None:
        flat = [c for px, py in points for c in (self.x + px * self.side, self.y + py * self.side)]
        SmoothLine(points=flat, width=max(THINNEST, width * self.side), close=close)

    def _round(self, points: Iterable[Point], width: float) -> None:
        """Kivy's smooth line knows neither round corners nor round ends."""
        for point in points:
            self.dot(point, ROUND * max(THINNEST / self.side, width))

    def arc(
        self,
        centre: Point,
        radius: float,
        start: float,
        end: float,
        width: float = 0.045,
        blunt: bool = False,
    ) -> None:
        """From angle `start` to `end` in turns, anticlockwise from the right; or with `blunt` ends."""
        whole = abs(end - start) >= 1
        count = max(12, round(ARC_STEPS * abs(end - start)))
        steps = [start + (end - start) * i / count for i in range(count if whole else count + 1)]
        points = [
            (centre[0] + radius * cos(2 * pi * t), centre[1] + radius * sin(2 * pi * t))
            for t in steps
        ]
        self._stroke(points, width, whole)
        if not whole and not blunt:
            self._round((points[0], points[-1]), width)

    def dot(self, centre: Point, radius: float) -> None:
        side = 2 * radius * self.side
        corner = (
            self.x + (centre[0] - radius) * self.side,
            self.y + (centre[1] - radius) * self.side,
        )
        SmoothEllipse(pos=corner, size=(side, side))


def _back(pen: _Pen) -> None:
    pen.line((0.62, 0.85), (0.27, 0.5), (0.62, 0.15), width=0.06)


def _next(pen: _Pen) -> None:
    pen.line((0.38, 0.85), (0.73, 0.5), (0.38, 0.15), width=0.06)


def _check(pen: _Pen) -> None:
    pen.arc((0.5, 0.5), 0.44, 0, 1)
    pen.line((0.28, 0.5), (0.44, 0.34), (0.73, 0.66), width=0.055)


def _help(pen: _Pen) -> None:
    pen.dot((0.5, 0.78), 0.13)
    pen.arc((0.5, 0.12), 0.34, 0, 0.5, width=0.05)
    pen.line((0.16, 0.12), (0.84, 0.12), width=0.05)
    pen.line((0.5, 0.46), (0.5, 0.58), width=0.05)


def _warning(pen: _Pen) -> None:
    pen.line((0.5, 0.9), (0.06, 0.12), (0.94, 0.12), close=True)
    pen.line((0.5, 0.62), (0.5, 0.4), width=0.05)
    pen.dot((0.5, 0.25), 0.05)


def _clock(pen: _Pen) -> None:
    pen.arc((0.5, 0.5), 0.44, 0, 1)
    pen.line((0.5, 0.76), (0.5, 0.5), (0.68, 0.4))


def _home(pen: _Pen) -> None:
    pen.line((0.08, 0.48), (0.5, 0.86), (0.92, 0.48))
    pen.line((0.2, 0.5), (0.2, 0.12), (0.8, 0.12), (0.8, 0.5))


def _ticket(pen: _Pen) -> None:
    pen.line((0.2, 0.94), (0.2, 0.1), (0.35, 0.18), (0.5, 0.08), (0.65, 0.18), (0.8, 0.1))
    pen.line((0.8, 0.1), (0.8, 0.94), (0.2, 0.94))
    pen.line((0.35, 0.72), (0.65, 0.72))
    pen.line((0.35, 0.5), (0.65, 0.5))


def _printer(pen: _Pen) -> None:
    pen.line((0.26, 0.62), (0.26, 0.92), (0.74, 0.92), (0.74, 0.62))
    pen.line(
        (0.26, 0.28),
        (0.08, 0.28),
        (0.08, 0.62),
        (0.92, 0.62),
        (0.92, 0.28),
        (0.74, 0.28),
    )
    pen.line((0.26, 0.42), (0.74, 0.42), (0.74, 0.06), (0.26, 0.06), close=True)


def _list(pen: _Pen) -> None:
    for y in (0.8, 0.5, 0.2):
        pen.dot((0.16, y), 0.07)
        pen.line((0.36, y), (0.9, y), width=0.05)


def _offline(pen: _Pen) -> None:
    pen.arc((0.5, 0.16), 0.62, 0.125, 0.375)
    pen.arc((0.5, 0.16), 0.38, 0.125, 0.375)
    pen.dot((0.5, 0.2), 0.07)
    pen.line((0.14, 0.1), (0.86, 0.92), width=0.05)


def _person(pen: _Pen) -> None:
    pen.arc((0.5, 0.68), 0.2, 0, 1)
    pen.arc((0.5, 0.06), 0.36, 0, 0.5)


def _priority(pen: _Pen) -> None:
    points = [
        (0.5 + r * sin(pi * i / 5), 0.5 + r * cos(pi * i / 5))
        for i in range(10)
        for r in [0.46 if i % 2 == 0 else 0.2]
    ]
    pen.line(*points, close=True)


def _letters(pen: _Pen) -> None:
    pen.line((0.02, 0.14), (0.3, 0.88), (0.58, 0.14), width=0.055)
    pen.line((0.12, 0.4), (0.48, 0.4), width=0.055)
    pen.line((0.82, 0.36), (0.82, 0.7), width=0.05)
    pen.line((0.66, 0.53), (0.98, 0.53), width=0.05)


def _counter(pen: _Pen) -> None:
    pen.arc((0.5, 0.74), 0.16, 0, 1)
    pen.arc((0.5, 0.34), 0.26, 0, 0.5)
    pen.line((0.04, 0.34), (0.96, 0.34))
    pen.line((0.12, 0.34), (0.12, 0.06), (0.88, 0.06), (0.88, 0.34))


def _contrast(pen: _Pen) -> None:
    pen.arc((0.5, 0.5), 0.42, 0, 1)
    pen.arc((0.5, 0.5), 0.21, 0.25, 0.75, width=0.21, blunt=True)


def _search(pen: _Pen) -> None:
    pen.arc((0.42, 0.58), 0.32, 0, 1, width=0.055)
    pen.line((0.66, 0.34), (0.92, 0.08), width=0.07)


def _folder(pen: _Pen) -> None:
    pen.line(
        (0.06, 0.14),
        (0.06, 0.84),
        (0.38, 0.84),
        (0.48, 0.72),
        (0.94, 0.72),
        (0.94, 0.14),
        close=True,
    )
    pen.line((0.06, 0.58), (0.94, 0.58))


def _speech(pen: _Pen) -> None:
    pen.line(
        (0.08, 0.9),
        (0.92, 0.9),
        (0.92, 0.34),
        (0.46, 0.34),
        (0.24, 0.1),
        (0.24, 0.34),
        (0.08, 0.34),
        close=True,
    )
    for x in (0.3, 0.5, 0.7):
        pen.dot((x, 0.62), 0.05)


def _phone(pen: _Pen) -> None:
    pen.line((0.28, 0.04), (0.28, 0.96), (0.72, 0.96), (0.72, 0.04), close=True)
    pen.dot((0.5, 0.15), 0.045)
    pen.line((0.28, 0.26), (0.72, 0.26), width=0.035)


def _speaker(pen: _Pen) -> None:
    pen.line(
        (0.08, 0.36),
        (0.08, 0.64),
        (0.26, 0.64),
        (0.48, 0.86),
        (0.48, 0.14),
        (0.26, 0.36),
        close=True,
    )
    pen.arc((0.48, 0.5), 0.2, -0.13, 0.13)
    pen.arc((0.48, 0.5), 0.38, -0.13, 0.13)


def _write(pen: _Pen) -> None:
    pen.line((0.12, 0.88), (0.12, 0.1), (0.7, 0.1), (0.7, 0.3))
    pen.line((0.12, 0.88), (0.62, 0.88))
    pen.line((0.4, 0.36), (0.46, 0.56), (0.86, 0.94), (0.96, 0.84), (0.58, 0.44), close=True)


def _access(pen: _Pen) -> None:
    """A person with open arms: access for all."""
    pen.arc((0.5, 0.5), 0.46, 0, 1, width=0.045)
    pen.dot((0.5, 0.76), 0.065)
    pen.line((0.24, 0.6), (0.5, 0.56), (0.76, 0.6), width=0.05)
    pen.line((0.5, 0.56), (0.5, 0.4), width=0.05)
    pen.line((0.34, 0.18), (0.5, 0.4), (0.66, 0.18), width=0.05)


def _low(pen: _Pen) -> None:
    """A screen whose lower half is filled with buttons, and an arrow down."""
    pen.line((0.16, 0.06), (0.16, 0.94), (0.84, 0.94), (0.84, 0.06), close=True)
    pen.line((0.3, 0.4), (0.7, 0.4), width=0.06)
    pen.line((0.3, 0.22), (0.7, 0.22), width=0.06)
    pen.line((0.5, 0.84), (0.5, 0.58), width=0.045)
    pen.line((0.38, 0.7), (0.5, 0.57), (0.62, 0.7), width=0.045)


def _card(pen: _Pen) -> None:
    """A card with a code on it."""
    pen.line((0.04, 0.2), (0.04, 0.8), (0.96, 0.8), (0.96, 0.2), close=True)
    pen.line((0.16, 0.62), (0.44, 0.62))
    pen.line((0.16, 0.42), (0.36, 0.42))
    pen.line((0.58, 0.36), (0.58, 0.64), (0.84, 0.64), (0.84, 0.36), close=True)
    pen.dot((0.71, 0.5), 0.05)


def _camera(pen: _Pen) -> None:
    pen.line((0.06, 0.16), (0.06, 0.72), (0.3, 0.72), (0.38, 0.86))
    pen.line((0.38, 0.86), (0.62, 0.86), (0.7, 0.72), (0.94, 0.72))
    pen.line((0.94, 0.72), (0.94, 0.16), (0.06, 0.16))
    pen.arc((0.5, 0.44), 0.18, 0, 1)


def _scanner(pen: _Pen) -> None:
    """A flat bed with its lid open, and a paper on it."""
    pen.line((0.06, 0.14), (0.06, 0.36), (0.94, 0.36), (0.94, 0.14), close=True)
    pen.line((0.08, 0.36), (0.9, 0.78))
    pen.line((0.3, 0.36), (0.78, 0.36), width=0.09)


def _add(pen: _Pen) -> None:
    pen.arc((0.5, 0.5), 0.44, 0, 1)
    pen.line((0.5, 0.28), (0.5, 0.72), width=0.055)
    pen.line((0.28, 0.5), (0.72, 0.5), width=0.055)


def _none(pen: _Pen) -> None:
    """A ring with a stroke through it: not this."""
    pen.arc((0.5, 0.5), 0.44, 0, 1)
    pen.line((0.19, 0.19), (0.81, 0.81))


_ICONS: dict[str, Callable[[_Pen], None]] = {
    "back": _back,
    "next": _next,
    "check": _check,
    "help": _help,
    "warning": _warning,
    "clock": _clock,
    "home": _home,
    "ticket": _ticket,
    "printer": _printer,
    "list": _list,
    "offline": _offline,
    "person": _person,
    "priority": _priority,
    "contrast": _contrast,
    "letters": _letters,
    "counter": _counter,
    "search": _search,
    "folder": _folder,
    "speech": _speech,
    "phone": _phone,
    "speaker": _speaker,
    "write": _write,
    "access": _access,
    "low": _low,
    "card": _card,
    "camera": _camera,
    "scanner": _scanner,
    "add": _add,
    "none": _none,
}
ICONS = tuple(_ICONS)


def draw_icon(name: str, x: float, y: float, side: float) -> None:
    """Draw `name` (one of `ICONS`) in the square at (x, y); KeyError for a name that is none."""
    draw = _ICONS[name]
    if side > 0:
        draw(_Pen(x, y, side))


def draw_face(score: int, x: float, y: float, side: float) -> None:
    """A face from 1 (very dissatisfied: mouth far down, brows drawn) to 5 (open smile)."""
    if side <= 0:
        return
    pen = _Pen(x, y, side)
    pen.arc((0.5, 0.5), 0.45, 0, 1, width=0.032)
    for eye in (0.34, 0.66):
        pen.dot((eye, 0.62), 0.05)
    _MOUTHS[score](pen)


def _very_sad(pen: _Pen) -> None:
    pen.arc((0.5, 0.12), 0.24, 0.08, 0.42, width=0.032)
    pen.line((0.22, 0.8), (0.4, 0.72), width=0.032)
    pen.line((0.78, 0.8), (0.6, 0.72), width=0.032)


def _sad(pen: _Pen) -> None:
    pen.arc((0.5, 0.06), 0.28, 0.15, 0.35, width=0.032)


def _even(pen: _Pen) -> None:
    pen.line((0.32, 0.32), (0.68, 0.32), width=0.032)


def _glad(pen: _Pen) -> None:
    pen.arc((0.5, 0.56), 0.28, 0.65, 0.85, width=0.032)


def _very_glad(pen: _Pen) -> None:
    pen.arc((0.5, 0.43), 0.26, 0.5, 1.0, width=0.032)
    pen.line((0.24, 0.43), (0.76, 0.43), width=0.032)


_MOUTHS = {1: _very_sad, 2: _sad, 3: _even, 4: _glad, 5: _very_glad}
