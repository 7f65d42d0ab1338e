"""The tablet's pictures: each draws a state of the journey and reports what was touched."""

from __future__ import annotations

from collections.abc import Callable

from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from kiosk.touch.keyboard import Keyboard, KeyWords
from kiosk.touch.text import Text
from kiosk.touch.vietnamese import PLAIN, TELEX, press
from kiosk.touch.widgets import BigButton, Card, Column, Icon, Row, Space, alike
from queue_server.wire.words import Language

from . import journey as j
from .access import AccessPicture
from .idle import away, connecting, waiting
from .journey import Screen, State
from .more import MorePicture
from .parts import (
    Chip,
    Picture,
    Scene,
    TimeBar,
    faces,
    fixed,
    go_back,
    go_on,
    hint,
    larger,
    mark,
    send,
    tall,
    top,
    write,
)

REASONS_ABREAST = 4
KEY_WORDS = ("space", "delete", "digits", "letters", "done")
ROOM_SHOWN_BELOW = 40
"""How few letters are left when their number is shown."""


def picture(scene: Scene) -> Picture:
    """The picture of the scene's screen, or the access panel over it."""
    if scene.state.access.open:
        return AccessPicture(scene)
    return _PICTURES[scene.state.screen](scene)


def drawn_from(state: State) -> tuple[object, ...]:
    """What a picture stands on: while this is the same, `update` is enough."""
    if state.screen in j.IDLE:
        return (state.screen, state.language, state.counter, state.refused)
    asked = state.asked.offer if state.asked else ""
    poor = state.rating is not None and state.rating.score <= j.POOR
    more = (state.survey, state.place, j.answered(state)) if state.survey else ()
    return (state.screen, state.language, asked, poor, more, state.access)


def screen_name(state: State) -> str:
    """Each question is a screen of its own, on which a finger meant for the one before does nothing."""
    if state.access.open:
        return "access"
    return f"more-{state.place + 1}" if state.screen is Screen.MORE else str(state.screen)


class Question(Picture):
    """The five faces, and below them what a press leads to; the faces keep their places."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        look, state = scene.look, scene.state
        title = Text(look, scene.say("ask.title"), "title", bold=True, halign="center")
        chosen = state.screen is Screen.CHOSEN
        self.faces = faces(scene, lying=look.portrait)
        self.bar = TimeBar(look)
        self.add_widget(top(scene))
        self.add_widget(tall(title, 0.17))
        abreast = Column if look.portrait else Row
        self.add_widget(abreast(look, *self.faces, gap=2))
        below = _sending(scene) if chosen else hint(scene, "ask.hint")
        fixed(below, look.target(12))
        self.add_widget(below)
        self.add_widget(self.bar)
        self.update(state, 1.0, "")

    def update(self, state: State, left: float, clock: str) -> None:
        super().update(state, left, clock)
        mark(self.faces, state)


def _sending(scene: Scene) -> Widget:
    look = scene.look
    hint = Text(look, scene.say("ask.change"), "body", colour=look.palette.quiet)
    return Row(look, hint, *_ways_on(scene), gap=3)


def _ways_on(scene: Scene) -> list[BigButton]:
    """Out, and on: to the reasons of a poor rating, or to the survey's questions."""
    state = scene.state
    poor = state.rating is not None and state.rating.score <= j.POOR
    reasons = state.screen is Screen.CHOSEN and poor
    if state.survey is None and not reasons:
        ways = [send(scene)]
    else:
        ways = [send(scene, "quiet", "more.send"), go_on(scene)]
    for way in ways:
        way.size_hint_x = 0.5
    return ways


class ReasonsPicture(Picture):
    """What was not good: several may be touched. The faces stand above, so that the rating may still
    be changed; with larger letters there is a way back to them instead."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        look = scene.look
        self._scene = scene
        roomy = not larger(look)
        self.faces = faces(scene) if roomy else []
        self.chips = [_chip(scene, reason) for reason in scene.reasons]
        self.bar = TimeBar(look)
        self.add_widget(top(scene))
        if roomy:
            self.add_widget(tall(Row(look, *self.faces, gap=2), 0.6))
        self.add_widget(tall(_asked_for(scene), 0.44 if roomy else 0.5))
        if self.chips:
            self.add_widget(_grid(scene, self.chips))
        self.add_widget(self._below(scene))
        self.add_widget(self.bar)
        self.update(scene.state, 1.0, "")
        alike(self.chips)

    def _below(self, scene: Scene) -> Widget:
        look, ways = scene.look, _ways_on(scene)
        if scene.words_length and not scene.state.asks_words:
            ways.insert(0, write(scene))
        if larger(look):
            ways.insert(0, go_back(scene))
        abreast = 2 if look.portrait and larger(look) else len(ways)
        rows = [ways[n : n + abreast] for n in range(0, len(ways), abreast)]
        below = Column(look, *(Row(look, *row) for row in rows))
        for way in ways:
            way.size_hint_x = 1
        return fixed(below, len(rows) * look.target(12) + (len(rows) - 1) * look.unit(2))

    def update(self, state: State, left: float, clock: str) -> None:
        super().update(state, left, clock)
        mark(self.faces, state)
        chosen = state.rating.reasons if state.rating else ()
        for chip, reason in zip(self.chips, self._scene.reasons, strict=True):
            chip.choose(reason in chosen)


def _chip(scene: Scene, reason: str) -> Chip:
    return Chip(
        scene.look,
        scene.say(f"reason.{reason}"),
        lambda: scene.report(j.ToggleReason(reason)),
        name=f"reason-{reason}",
    )


def _grid(scene: Scene, chips: list[Chip]) -> Widget:
    look = scene.look
    abreast = min(2 if look.portrait else REASONS_ABREAST, len(chips))
    grid = GridLayout(cols=abreast, spacing=look.unit(2), size_hint_y=1.8 if look.portrait else 1)
    for chip in chips:
        grid.add_widget(chip)
    return grid


def _asked_for(scene: Scene) -> Widget:
    look = scene.look
    title = Text(look, scene.say("reasons.title"), "title", bold=True, valign="bottom")
    hint = Text(look, scene.say("reasons.hint"), "body", colour=look.palette.quiet, valign="top")
    tall(title, 0.56)
    tall(hint, 0.44)
    return Column(look, title, hint, gap=0.4)


class WordsPicture(Picture):
    """A few words of the visitor's own, and the keyboard."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        look = scene.look
        self.padding, self.spacing = [look.unit(3), look.unit(2)] * 2, look.unit(1.6)
        self._scene, self._words = scene, _words_of(scene.state)
        self._text = Text(look, "", "lead", valign="top", private=True)
        self._text.bind(size=self._show_words)
        self._note = Text(look, scene.say("words.hint"), "body", colour=look.palette.quiet)
        tall(self._note, 0.3)
        self.bar = TimeBar(look)
        space, delete, digits, letters, done = (scene.say(f"words.{key}") for key in KEY_WORDS)
        keyboard = Keyboard(
            look,
            KeyWords(space, delete, digits, letters, done),
            self._press,
            lambda: scene.report(j.CloseWords()),
            vietnamese=scene.state.language is Language.VI,
            private=True,
        )
        sheet = Card(look, self._text, self._note, border=look.palette.primary, gap=1, pad=2.5)
        self.add_widget(tall(sheet, 0.4))
        self.add_widget(keyboard)
        self.add_widget(self.bar)
        self.update(scene.state, 1.0, "")

    def _press(self, key: str) -> None:
        way = TELEX if self._scene.state.language is Language.VI else PLAIN
        self._scene.report(j.WriteWords(press(self._words, key, way)))

    def update(self, state: State, left: float, clock: str) -> None:
        super().update(state, left, clock)
        self._words = _words_of(state)
        self._show_words()
        room = self._scene.words_length - len(self._words)
        if room <= ROOM_SHOWN_BELOW:
            self._note.text = self._scene.say("words.left", count=room)

    def _show_words(self, *_: object) -> None:
        """The end of it, where there is no room for all: that is where she writes."""
        self._text.text = shown = f"{self._words}|"
        while self._text.overflows and " " in shown:
            shown = shown.split(" ", 1)[1]
            self._text.text = f"… {shown}"


def _words_of(state: State) -> str:
    return state.rating.words if state.rating else ""


def thanks(scene: Scene) -> Picture:
    look, rating = scene.look, scene.state.rating
    poor = rating is not None and rating.score <= j.POOR
    drawing = Icon(look, "check", look.palette.success)
    title = Text(look, scene.say("thanks.title"), "title", bold=True, halign="center")
    title.wished = look.unit(8)
    detail = hint(scene, "thanks.poor" if poor else "thanks.detail")
    tall(drawing, 0.5)
    tall(title, 0.22)
    tall(detail, 0.2)
    own = Picture(scene)
    for widget in (tall(Space(), 0.2), drawing, title, detail, tall(Space(), 0.3)):
        own.add_widget(widget)
    return own


_PICTURES: dict[Screen, Callable[[Scene], Picture]] = {
    Screen.CONNECTING: connecting,
    Screen.AWAY: away,
    Screen.WAITING: waiting,
    Screen.ASKING: Question,
    Screen.CHOSEN: Question,
    Screen.REASONS: ReasonsPicture,
    Screen.WORDS: WordsPicture,
    Screen.MORE: MorePicture,
    Screen.THANKS: thanks,
}
