"""What the tablet's pictures are made of: the scene, faces, buttons and the line of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kivy.graphics import Color, SmoothEllipse, SmoothRoundedRectangle
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from kiosk.touch.icons import draw_icon
from kiosk.touch.spoken import part_of_frame
from kiosk.touch.style import LETTERS, Look
from kiosk.touch.text import Text
from kiosk.touch.widgets import BigButton, Column, FaceButton, Row, alike, middle
from queue_server.wire.messages import CentreSetup
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language

from . import journey as j
from .journey import Screen, State

Report = Callable[[j.Touch], None]
SCORES = (1, 2, 3, 4, 5)
DISC = 0.9
"""Diameter of a face in its square."""
TICK = 4.5
"""Side of the tick on the chosen face, in units."""
SMALL_TICK = 3.4
SIDE = 4.0
"""Empty room at both sides of a picture, in units."""
SHOWN_BELOW = 0.6
"""The share of a screen's time under which what is left of it is shown."""


@dataclass(frozen=True)
class Scene:
    """All that a picture is made from. `report` takes a touch to the journey."""

    look: Look
    texts: Texts
    state: State
    report: Report
    reasons: tuple[str, ...]
    words_length: int
    counter: int
    setup: CentreSetup | None = None
    clock: str = ""

    def say(self, key: str, **values: object) -> str:
        return self.texts.say(key, self.state.language, **values)


class TimeBar(Widget):
    """How much of a screen's time is left, as a quiet line that grows shorter."""

    def __init__(self, look: Look) -> None:
        super().__init__(size_hint_y=None, height=look.unit(0.9), opacity=0)
        self._left, self._shown = 1.0, False
        with self.canvas:
            Color(rgba=look.palette.line)
            self._whole = SmoothRoundedRectangle(radius=[look.unit(0.45)])
            Color(rgba=look.palette.primary)
            self._rest = SmoothRoundedRectangle(radius=[look.unit(0.45)])
        self.bind(pos=self._place, size=self._place)

    def show(self, left: float) -> None:
        """`left`: 1 all … 0 nothing; hidden while there is plenty, so that nobody feels hurried."""
        if left >= SHOWN_BELOW and not self._shown:
            return
        self._left, self._shown = left, left < SHOWN_BELOW
        self.opacity = 1.0 if self._shown else 0.0
        self._place()

    def _place(self, *_: object) -> None:
        self._whole.pos, self._whole.size = self.pos, self.size
        wide = max(self.height, self.width * self._left)
        self._rest.pos, self._rest.size = self.pos, (wide, self.height)


class FaceChoice(FaceButton):
    """A face on a tinted disc that stays marked once it was chosen."""

    def __init__(self, look: Look, *args: Any, lying: bool = False, **kwargs: Any) -> None:
        super().__init__(look, *args, **kwargs)
        self.label.wished = look.unit(3.9) * look.letters
        if lying:
            self._lie_down()
        self.chosen = False
        self.bind(pos=self._paint, size=self._paint)

    def _lie_down(self) -> None:
        """The words beside the face, for a list of them on an upright screen."""
        self.orientation = "horizontal"
        self.face.size_hint, self.label.size_hint = (0.3, 1), (0.7, 1)
        self.label.halign, self.label.valign = "left", "middle"

    def _draw(self, *_: object) -> None:
        p = self._look.palette
        tint = (p.accent_tint, p.accent_tint, p.tint, p.success_tint, p.success_tint)
        side = min(self.face.width, self.face.height) * DISC
        x, y = middle(self.face)
        self.face.canvas.before.clear()
        with self.face.canvas.before:
            Color(rgba=tint[self.score - 1])
            SmoothEllipse(pos=(x - side / 2, y - side / 2), size=(side, side))
        super()._draw()

    def mark(self, chosen: bool) -> None:
        if chosen != self.chosen:
            self.chosen = chosen
            self._paint()

    def _show_pressed(self, *_: object) -> None:
        super()._show_pressed()
        if not self.pressed:
            self._paint()

    def _paint(self, *_: object) -> None:
        """Ground, a broad border and a tick say it: never colour alone."""
        p, side, gap = self._look.palette, self._look.unit(TICK), self._look.unit(1)
        self.repaint(p.tint if self.chosen else p.card, p.primary if self.chosen else p.line)
        self._line.width = self._border_width * (3 if self.chosen else 1)
        self.canvas.after.clear()
        if self.chosen:
            with self.canvas.after:
                Color(rgba=p.primary)
                draw_icon("check", self.right - side - gap, self.top - side - gap, side)


class Picture(BoxLayout):
    """A whole screen. `update` draws what changes while it stands, and no touch is lost by it."""

    def __init__(self, scene: Scene, **kwargs: Any) -> None:
        look = scene.look
        super().__init__(
            orientation="vertical",
            padding=[look.unit(SIDE), look.unit(2.5), look.unit(SIDE), look.unit(2.5)],
            spacing=look.unit(2),
            **kwargs,
        )
        self.bar: TimeBar | None = None

    def update(self, state: State, left: float, clock: str) -> None:
        """`left`: the share of the screen's time; `clock`: the time of day as shown."""
        if self.bar is not None:
            self.bar.show(left)


class Chip(BigButton):
    """One of several answers; the one chosen has another ground, a broad border and a tick."""

    chosen = False

    def choose(self, chosen: bool) -> None:
        if chosen == self.chosen:
            return
        if not self.chosen:
            self.bind(pos=self._paint, size=self._paint)
        self.chosen = chosen
        self.kind = "chosen" if chosen else "plain"
        self._paint()

    def _paint(self, *_: object) -> None:
        self._show_pressed()
        self._line.width = self._border_width * (3 if self.chosen else 1)
        self.canvas.after.clear()
        if self.chosen:
            side, gap = self._look.unit(SMALL_TICK), self._look.unit(0.8)
            with self.canvas.after:
                Color(rgba=self._look.palette.primary)
                draw_icon("check", self.right - side - gap, self.top - side - gap, side)


def send(scene: Scene, kind: str = "primary", key: str = "ask.send") -> BigButton:
    """Hand in as it stands."""
    return _way(scene, "send", key, j.PressSend(), kind)


def go_on(scene: Scene, key: str = "more.next", kind: str = "primary") -> BigButton:
    return _way(scene, "next", key, j.GoOn(), kind)


def go_back(scene: Scene) -> BigButton:
    narrow = scene.look.portrait and larger(scene.look)
    return _way(scene, "back", "more.back", j.GoBack(), "quiet", icon="" if narrow else "back")


def _way(scene: Scene, name: str, key: str, touch: j.Touch, kind: str, icon: str = "") -> BigButton:
    return BigButton(
        scene.look,
        scene.say(key),
        lambda: scene.report(touch),
        name=name,
        kind=kind,
        icon=icon,
        role="lead" if kind == "primary" else "button",
    )


def write(scene: Scene) -> BigButton:
    """The way to the keyboard, with what stands there already."""
    state = scene.state
    written = state.rating.words if state.rating else ""
    crowded = larger(scene.look) or (state.survey and state.screen is Screen.REASONS)
    return BigButton(
        scene.look,
        scene.say("reasons.words_again" if written else "reasons.words"),
        lambda: scene.report(j.OpenWords()),
        name="words",
        kind="quiet",
        detail="" if crowded else written[:60],
        role="lead",
    )


def hint(scene: Scene, key: str) -> Text:
    return Text(
        scene.look, scene.say(key), "lead", colour=scene.look.palette.quiet, halign="center"
    )


def top(scene: Scene) -> Widget:
    """Counter and receipt number, the way to the access panel and to the other language."""
    look, asked = scene.look, scene.state.asked
    where = scene.say("counter.name", counter=scene.counter)
    receipt = scene.say("ask.receipt", number=asked.number) if asked and asked.number else ""
    above = Text(look, where, "lead", bold=True, colour=look.palette.primary)
    below = Text(look, receipt, "lead", bold=True)
    other = scene.state.other_language
    ways = [_access(scene), language(scene, other)] if other else [_access(scene)]
    for way in ways:
        way.size_hint_x, way.width = None, look.unit(24)
    words: Widget
    if look.portrait:
        above.valign, below.valign = "bottom", "top"
        words = Column(look, above, below, gap=0.4)
    else:
        words = Row(look, above, below)
    return part_of_frame(fixed(Row(look, words, *ways, gap=2), look.target(14)))


def _access(scene: Scene) -> BigButton:
    return BigButton(
        scene.look,
        scene.say("access.open"),
        lambda: scene.report(j.MakeWish(j.Wish.OPEN)),
        name="access",
        kind="quiet",
        icon="access",
        role="body",
        upright=True,
        pad=0.8,
    )


def language(scene: Scene, other: Language) -> BigButton:
    """The way to the other language, in that language's own words."""
    return BigButton(
        scene.look,
        scene.texts.say("language.name", other),
        lambda: scene.report(j.ChooseLanguage(other)),
        name=f"language-{other}",
        kind="quiet",
    )


def faces(scene: Scene, lying: bool = False) -> list[FaceChoice]:
    faces = [_face(scene, score, lying) for score in SCORES]
    alike(faces)
    return faces


def _face(scene: Scene, score: int, lying: bool) -> FaceChoice:
    return FaceChoice(
        scene.look,
        score,
        scene.say(f"score.{score}"),
        lambda: scene.report(j.PressFace(score)),
        lying=lying,
    )


def mark(faces: Sequence[FaceChoice], state: State) -> None:
    mark_face(faces, state.rating.score if state.rating else 0)


def mark_face(faces: Sequence[FaceChoice], chosen: int) -> None:
    """`chosen`: a score; 0: none is."""
    for face in faces:
        face.mark(face.score == chosen)


def fixed(widget: Widget, height: float) -> Widget:
    """The widget at a height in pixels."""
    widget.size_hint_y, widget.height = None, height
    return widget


def larger(look: Look) -> bool:
    """Whether a visitor has made the letters larger than usual: there is room for fewer things."""
    return look.letters > LETTERS[0]


def tall(widget: Widget, share: float) -> Widget:
    """The widget with its share of the height."""
    widget.size_hint_y = share
    return widget
