"""The tablet's pictures between two visitors: the counter, and what is to be said of the line."""

from __future__ import annotations

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from kiosk.touch.text import Text
from kiosk.touch.widgets import Card, Column, Header, Icon, Row, Space
from queue_server.wire.messages import CounterState
from queue_server.wire.words import Language

from .journey import State
from .parts import Picture, Scene, tall


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
    tall(word, 0.25)
    tall(number, 0.6)
    number.wished = look.unit(26 if look.portrait else 38)
    other = scene.texts.say("counter.word", Language.EN)
    below = Text(
        look,
        other if other != scene.say("counter.word") else "",
        "lead",
        colour=p.on_primary,
        halign="center",
    )
    tall(below, 0.15)
    return Card(look, word, number, below, fill=p.primary, border=p.primary, gap=0)


def _field(scene: Scene, counter: CounterState) -> Widget:
    look = scene.look
    own = Text(look, counter.name.say(scene.state.language), "title", bold=True, valign="bottom")
    if scene.state.language is not Language.VI or counter.name.en in ("", counter.name.vi):
        return tall(own, 0.24)
    other = Text(look, counter.name.en, "body", colour=look.palette.quiet, valign="top")
    tall(own, 0.6)
    tall(other, 0.4)
    return tall(Column(look, own, other, gap=0.6), 0.24)


def _served(scene: Scene, counter: CounterState) -> Widget:
    look, p = scene.look, scene.look.palette
    known = counter.state if counter.state in ("calling", "serving", "paused", "closed") else "open"
    if counter.number and known in ("calling", "serving"):
        above = _both(scene, f"counter.{known}", "lead")
        number = Text(look, counter.number, "number", bold=True, colour=p.primary, halign="center")
        tall(above, 0.25)
        tall(number, 0.75)
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
    tall(title, 0.42)
    tall(name, 0.58)
    column = Column(look, title, name, gap=0.4)
    return tall(Card(look, icon, column, orientation="horizontal", gap=3, pad=2.5), 0.3)


def connecting(scene: Scene) -> Picture:
    return _notice(scene, "clock", "connecting")


def away(scene: Scene) -> Picture:
    return _notice(scene, "offline", "refused" if scene.state.refused else "away")


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
    tall(drawing, 0.3)
    tall(title, 0.2)
    tall(detail, 0.3)
    return _Idle(scene, tall(Space(), 0.15), drawing, title, detail, tall(Space(), 0.15))
