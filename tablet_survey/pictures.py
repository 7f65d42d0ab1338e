"""The tablet's pictures: each draws a state of the journey and reports what was touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kivy.graphics import Color, SmoothEllipse, SmoothRoundedRectangle
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from kiosk.touch.icons import draw_icon
from kiosk.touch.keyboard import Keyboard, KeyWords
from kiosk.touch.style import Look
from kiosk.touch.text import Text
from kiosk.touch.vietnamese import PLAIN, TELEX, press
from kiosk.touch.widgets import (
    BigButton,
    Card,
    Column,
    FaceButton,
    Header,
    Icon,
    Row,
    Space,
    alike,
    middle,
)
from queue_server.wire.messages import CentreSetup, CounterState
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language

from . import journey as j
from .journey import Screen, State

Report = Callable[[j.Touch], None]
SCORES = (1, 2, 3, 4, 5)
REASONS_ABREAST = 4
DISC = 0.9
"""Diameter of a face in its square."""
TICK = 4.5
"""Side of the tick on the chosen face, in units."""
KEY_WORDS = ("space", "delete", "digits", "letters", "done")
ROOM_SHOWN_BELOW = 40
"""How few letters are left when their number is shown."""
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
        self.label.wished = look.unit(3.9)
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
            padding=[look.unit(4), look.unit(2.5), look.unit(4), look.unit(2.5)],
            spacing=look.unit(2),
            **kwargs,
        )
        self.bar: TimeBar | None = None

    def update(self, state: State, left: float, clock: str) -> None:
        """`left`: the share of the screen's time; `clock`: the time of day as shown."""
        if self.bar is not None:
            self.bar.show(left)


def picture(scene: Scene) -> Picture:
    """The picture of the scene's screen."""
    return _PICTURES[scene.state.screen](scene)


def drawn_from(state: State) -> tuple[object, ...]:
    """What a picture stands on: while this is the same, `update` is enough."""
    if state.screen in j.IDLE:
        return (state.screen, state.language, state.counter)
    asked = state.asked.offer if state.asked else ""
    poor = state.rating is not None and state.rating.score <= j.POOR
    return (state.screen, state.language, asked, poor)


# --- between two visitors -----------------------------------------------------------------------


class _Idle(Picture):
    """The centre's band above, the rest below."""

    def __init__(self, scene: Scene, *below: Widget) -> None:
        super().__init__(scene)
        look = scene.look
        edges = [look.unit(4), look.unit(3), look.unit(4), look.unit(4)]
        self.padding, self.spacing = 0, 0
        self._header = _band(scene)
        self.add_widget(self._header)
        body = BoxLayout(orientation="vertical", padding=edges, spacing=look.unit(2.5))
        for widget in below:
            body.add_widget(widget)
        self.add_widget(body)

    def update(self, state: State, left: float, clock: str) -> None:
        self._header.clock.text = clock


def _band(scene: Scene) -> Header:
    setup, language = scene.setup, scene.state.language
    if setup is None:
        where = scene.say("counter.name", counter=scene.counter)
        return Header(scene.look, where, scene.say("connecting.device"), scene.clock)
    authority, centre = setup.authority.say(language), setup.name.say(language)
    return Header(scene.look, authority, centre, scene.clock)


def waiting(scene: Scene) -> Picture:
    """The counter's number, its field, the number being served and the officer's name tag."""
    counter = scene.state.counter
    if counter is None:
        return connecting(scene)
    upright = scene.look.portrait
    sign = _counter_sign(scene)
    sign.size_hint = (1, 0.45) if upright else (0.32, 1)
    aside = Column(scene.look, _field(scene, counter), _served(scene, counter), gap=2.5)
    if counter.officer and counter.state != "closed":
        aside.add_widget(_name_tag(scene, counter.officer))
    return _Idle(scene, (Column if upright else Row)(scene.look, sign, aside, gap=2.5))


def _counter_sign(scene: Scene) -> Widget:
    look, p = scene.look, scene.look.palette
    word = Text(look, scene.say("counter.word"), "title", colour=p.on_primary, halign="center")
    number = Text(
        look, str(scene.counter), "number", bold=True, colour=p.on_primary, halign="center"
    )
    _tall(word, 0.25)
    _tall(number, 0.6)
    number.wished = look.unit(26 if look.portrait else 38)
    other = scene.texts.say("counter.word", Language.EN)
    below = Text(
        look,
        other if other != scene.say("counter.word") else "",
        "lead",
        colour=p.on_primary,
        halign="center",
    )
    _tall(below, 0.15)
    return Card(look, word, number, below, fill=p.primary, border=p.primary, gap=0)


def _field(scene: Scene, counter: CounterState) -> Widget:
    look = scene.look
    own = Text(look, counter.name.say(scene.state.language), "title", bold=True, valign="bottom")
    if scene.state.language is not Language.VI or counter.name.en in ("", counter.name.vi):
        return _tall(own, 0.24)
    other = Text(look, counter.name.en, "body", colour=look.palette.quiet, valign="top")
    _tall(own, 0.6)
    _tall(other, 0.4)
    return _tall(Column(look, own, other, gap=0.6), 0.24)


def _served(scene: Scene, counter: CounterState) -> Widget:
    look, p = scene.look, scene.look.palette
    known = counter.state if counter.state in ("calling", "serving", "paused", "closed") else "open"
    if counter.number and known in ("calling", "serving"):
        above = _both(scene, f"counter.{known}", "lead")
        number = Text(look, counter.number, "number", bold=True, colour=p.primary, halign="center")
        _tall(above, 0.25)
        _tall(number, 0.75)
        return Card(look, above, number, gap=0.5)
    title = _both(scene, f"counter.{'open' if known in ('calling', 'serving') else known}", "title")
    title.color = p.accent if known in ("paused", "closed") else p.ink
    detail = scene.say("counter.elsewhere" if known in ("paused", "closed") else "counter.wait")
    note = Text(look, detail, "lead", colour=p.quiet, halign="center", valign="top")
    title.valign = "bottom"
    return Card(look, title, note, gap=1.5)


def _both(scene: Scene, key: str, role: str) -> Text:
    """A text of the waiting screen in both languages: nobody can choose one there."""
    own, other = scene.say(key), scene.texts.say(key, Language.EN)
    between = "\n" if scene.look.portrait else "  ·  "
    text = own if own == other else f"{own}{between}{other}"
    return Text(scene.look, text, role, colour=scene.look.palette.quiet, halign="center")


def _name_tag(scene: Scene, officer: str) -> Widget:
    look = scene.look
    icon = Icon(look, "person")
    icon.size_hint_x, icon.width = None, look.unit(8)
    title = Text(
        look, scene.say("counter.officer"), "small", colour=look.palette.quiet, valign="bottom"
    )
    name = Text(look, officer, "lead", bold=True, valign="top")
    _tall(title, 0.42)
    _tall(name, 0.58)
    column = Column(look, title, name, gap=0.4)
    return _tall(Card(look, icon, column, orientation="horizontal", gap=3, pad=2.5), 0.3)


def connecting(scene: Scene) -> Picture:
    return _notice(scene, "clock", "connecting")


def away(scene: Scene) -> Picture:
    return _notice(scene, "offline", "away")


def _notice(scene: Scene, icon: str, key: str) -> Picture:
    look = scene.look
    drawing = Icon(look, icon, look.palette.quiet)
    title = Text(look, scene.say(f"{key}.title"), "title", bold=True, halign="center")
    detail = Text(
        look,
        scene.say(f"{key}.detail"),
        "lead",
        colour=look.palette.quiet,
        halign="center",
        valign="top",
    )
    _tall(drawing, 0.3)
    _tall(title, 0.2)
    _tall(detail, 0.3)
    return _Idle(scene, _tall(Space(), 0.15), drawing, title, detail, _tall(Space(), 0.15))


# --- with a visitor -----------------------------------------------------------------------------


class Question(Picture):
    """The five faces, and below them what a press leads to; the faces keep their places."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        look, state = scene.look, scene.state
        title = Text(look, scene.say("ask.title"), "title", bold=True, halign="center")
        chosen = state.screen is Screen.CHOSEN
        self.faces = _faces(scene, lying=look.portrait)
        self.bar = TimeBar(look)
        self.add_widget(_top(scene))
        self.add_widget(_tall(title, 0.17))
        abreast = Column if look.portrait else Row
        self.add_widget(abreast(look, *self.faces, gap=2))
        below = _sending(scene) if chosen else _hint(scene, "ask.hint")
        below.size_hint_y, below.height = None, look.target(12)
        self.add_widget(below)
        self.add_widget(self.bar)
        self.update(state, 1.0, "")

    def update(self, state: State, left: float, clock: str) -> None:
        super().update(state, left, clock)
        _mark(self.faces, state)


def _sending(scene: Scene) -> Widget:
    look = scene.look
    hint = Text(look, scene.say("ask.change"), "body", colour=look.palette.quiet)
    return Row(look, hint, _send(scene), gap=3)


def _send(scene: Scene) -> BigButton:
    button = BigButton(
        scene.look,
        scene.say("ask.send"),
        lambda: scene.report(j.PressSend()),
        name="send",
        kind="primary",
        role="lead",
    )
    button.size_hint_x = 0.5
    return button


def _hint(scene: Scene, key: str) -> Text:
    return Text(
        scene.look, scene.say(key), "lead", colour=scene.look.palette.quiet, halign="center"
    )


class ReasonsPicture(Picture):
    """What was not good: several may be touched; the rating may still be changed above."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        look = scene.look
        self._scene = scene
        self.faces = _faces(scene)
        self.chips = [_chip(scene, reason) for reason in scene.reasons]
        self.bar = TimeBar(look)
        self.add_widget(_top(scene))
        self.add_widget(_tall(Row(look, *self.faces, gap=2), 0.6))
        self.add_widget(_tall(_asked_for(scene), 0.44))
        if self.chips:
            self.add_widget(_grid(look, self.chips))
        self.add_widget(_tall(self._below(scene), 0.5))
        self.add_widget(self.bar)
        self.update(scene.state, 1.0, "")
        alike(self.chips)

    def _below(self, scene: Scene) -> Widget:
        row = Row(scene.look, gap=3)
        if scene.words_length:
            row.add_widget(_write(scene))
        row.add_widget(_send(scene))
        return row

    def update(self, state: State, left: float, clock: str) -> None:
        super().update(state, left, clock)
        _mark(self.faces, state)
        chosen = state.rating.reasons if state.rating else ()
        for chip, reason in zip(self.chips, self._scene.reasons, strict=True):
            chip.choose(reason in chosen)


class Chip(BigButton):
    """A reason: touched once it is chosen, touched again it is not."""

    chosen = False

    def choose(self, chosen: bool) -> None:
        if chosen == self.chosen:
            return
        self.chosen = chosen
        self.kind = "primary" if chosen else "plain"
        self._show_pressed()


def _chip(scene: Scene, reason: str) -> Chip:
    return Chip(
        scene.look,
        scene.say(f"reason.{reason}"),
        lambda: scene.report(j.ToggleReason(reason)),
        name=f"reason-{reason}",
    )


def _asked_for(scene: Scene) -> Widget:
    look = scene.look
    title = Text(look, scene.say("reasons.title"), "title", bold=True, valign="bottom")
    hint = Text(look, scene.say("reasons.hint"), "body", colour=look.palette.quiet, valign="top")
    _tall(title, 0.56)
    _tall(hint, 0.44)
    return Column(look, title, hint, gap=0.4)


def _write(scene: Scene) -> BigButton:
    written = scene.state.rating.words if scene.state.rating else ""
    return BigButton(
        scene.look,
        scene.say("reasons.words_again" if written else "reasons.words"),
        lambda: scene.report(j.OpenWords()),
        name="words",
        kind="quiet",
        detail=written[:60],
        role="lead",
        size_hint_x=0.5,
    )


class WordsPicture(Picture):
    """A few words of the visitor's own, and the keyboard."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        look = scene.look
        self.padding, self.spacing = [look.unit(3), look.unit(2)] * 2, look.unit(1.6)
        self._scene, self._words = scene, _words_of(scene.state)
        self._text = Text(look, "", "lead", valign="top")
        self._note = Text(look, scene.say("words.hint"), "body", colour=look.palette.quiet)
        _tall(self._note, 0.3)
        self.bar = TimeBar(look)
        space, delete, digits, letters, done = (scene.say(f"words.{key}") for key in KEY_WORDS)
        keyboard = Keyboard(
            look,
            KeyWords(space, delete, digits, letters, done),
            self._press,
            lambda: scene.report(j.CloseWords()),
            vietnamese=scene.state.language is Language.VI,
        )
        sheet = Card(look, self._text, self._note, border=look.palette.primary, gap=1, pad=2.5)
        self.add_widget(_tall(sheet, 0.4))
        self.add_widget(keyboard)
        self.add_widget(self.bar)
        self.update(scene.state, 1.0, "")

    def _press(self, key: str) -> None:
        way = TELEX if self._scene.state.language is Language.VI else PLAIN
        self._scene.report(j.WriteWords(press(self._words, key, way)))

    def update(self, state: State, left: float, clock: str) -> None:
        super().update(state, left, clock)
        self._words = _words_of(state)
        self._text.text = f"{self._words}|"
        room = self._scene.words_length - len(self._words)
        if room <= ROOM_SHOWN_BELOW:
            self._note.text = self._scene.say("words.left", count=room)


def _words_of(state: State) -> str:
    return state.rating.words if state.rating else ""


def thanks(scene: Scene) -> Picture:
    look, rating = scene.look, scene.state.rating
    poor = rating is not None and rating.score <= j.POOR
    drawing = Icon(look, "check", look.palette.success)
    title = Text(look, scene.say("thanks.title"), "title", bold=True, halign="center")
    title.wished = look.unit(8)
    detail = _hint(scene, "thanks.poor" if poor else "thanks.detail")
    _tall(drawing, 0.5)
    _tall(title, 0.22)
    _tall(detail, 0.2)
    own = Picture(scene)
    for widget in (_tall(Space(), 0.2), drawing, title, detail, _tall(Space(), 0.3)):
        own.add_widget(widget)
    return own


# --- parts --------------------------------------------------------------------------------------


def _top(scene: Scene) -> Widget:
    """Counter and receipt number, and the way to the other language."""
    look, asked = scene.look, scene.state.asked
    where = scene.say("counter.name", counter=scene.counter)
    receipt = scene.say("ask.receipt", number=asked.number) if asked and asked.number else ""
    left = Text(look, where, "lead", bold=True, colour=look.palette.primary)
    centre = Text(look, receipt, "lead", bold=True, halign="center")
    right = _language(scene)
    for side in (left, right):
        side.size_hint_x, side.width = None, look.unit(30)
    row = Row(look, left, centre, right, gap=2)
    row.size_hint_y, row.height = None, look.target(12)
    return row


def _language(scene: Scene) -> BigButton:
    """The way to the other language, in that language's own words."""
    other = Language.VI if scene.state.language is Language.EN else Language.EN
    return BigButton(
        scene.look,
        scene.texts.say("language.name", other),
        lambda: scene.report(j.ChooseLanguage(other)),
        name=f"language-{other}",
        kind="quiet",
    )


def _faces(scene: Scene, lying: bool = False) -> list[FaceChoice]:
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


def _mark(faces: Sequence[FaceChoice], state: State) -> None:
    chosen = state.rating.score if state.rating else 0
    for face in faces:
        face.mark(face.score == chosen)


def _grid(look: Look, buttons: Sequence[Widget]) -> Widget:
    abreast = min(2 if look.portrait else REASONS_ABREAST, len(buttons))
    grid = GridLayout(cols=abreast, spacing=look.unit(2), size_hint_y=1.8 if look.portrait else 1)
    for button in buttons:
        grid.add_widget(button)
    return grid


def _tall(widget: Widget, share: float) -> Widget:
    """The widget with its share of the height."""
    widget.size_hint_y = share
    return widget


_PICTURES: dict[Screen, Callable[[Scene], Picture]] = {
    Screen.CONNECTING: connecting,
    Screen.AWAY: away,
    Screen.WAITING: waiting,
    Screen.ASKING: Question,
    Screen.CHOSEN: Question,
    Screen.REASONS: ReasonsPicture,
    Screen.WORDS: WordsPicture,
    Screen.THANKS: thanks,
}
