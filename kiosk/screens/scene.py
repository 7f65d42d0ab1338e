"""What every picture is made of: a state, a look, words, whom to tell; and the frame around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from kiosk import reports as r
from kiosk.touch.style import Look
from kiosk.touch.text import Text
from kiosk.touch.widgets import (
    BigButton,
    Card,
    Column,
    Header,
    HelpButton,
    Row,
    Space,
    Title,
    alike,
)
from kiosk.visit import State, Step, View, is_away, steps, view
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language

MARGIN = 4.0
HEADER = 11.0
FOOTER = 13.5
FOOTER_UPRIGHT = 17.0
PROGRESS = 6.5
TITLE = 9.0
TITLE_UPRIGHT = 13.0
PAGER = 10.0
GAP = 2.0


LARGER = 1.25
"""What "larger text" does to the letters."""
LYING_DENSITY = 0.84
"""A lying screen has less height for the same frame around each question."""


def own_look(look: Look) -> Look:
    """The look of the kiosk's pictures in this window."""
    return look if look.portrait else replace(look, density=LYING_DENSITY)


@dataclass(frozen=True)
class Scene:
    """`tell(kind, **values)` reports a touch; `clock` is the centre's time as `07:25`."""

    state: State
    look: Look
    texts: Texts
    tell: Callable[..., None]
    clock: str = ""
    languages: tuple[str, ...] = (Language.VI, Language.EN)
    kept: dict[str, tuple[object, Widget]] = field(default_factory=dict)
    """Parts that stand on the next picture as they are, such as a keyboard: see `keep`."""

    def say(self, key: str, **values: object) -> str:
        return self.texts.say(key, self.state.language, **values)

    def keep(self, name: str, key: object, make: Callable[[], Widget]) -> Widget:
        """The part called `name` from the picture before, if `key` is the same; else a new one."""
        known = self.kept.get(name)
        part = known[1] if known is not None and known[0] == key else make()
        if part.parent is not None:
            part.parent.remove_widget(part)
        self.kept[name] = (key, part)
        return part

    def touch(self, kind: type[r.Report], **values: Any) -> Callable[[], None]:
        """What a button does: report `kind`."""
        return lambda: self.tell(kind, **values)


def framed(scene: Scene, *body: Widget, back: bool = True, title: str = "") -> Widget:
    """Header, progress, question, body, and the footer with the ways aside."""
    look = scene.look
    parts: list[Widget] = []
    if scene.state.step in steps(scene.state):
        parts.append(progress(scene))
    if title:
        parts.append(fixed(Title(look, title), title_height(look)))
    margin = look.unit(MARGIN)
    middle = Column(look, *parts, *body, gap=GAP, padding=[margin, look.unit(2), margin, 0])
    return Column(look, header(scene), middle, footer(scene, back), gap=0)


def fixed(widget: Widget, height: float) -> Widget:
    """`widget` at a height in pixels."""
    widget.size_hint_y, widget.height = None, height
    return widget


def header(scene: Scene) -> Header:
    setup, language = scene.state.setup, scene.state.language
    authority = setup.authority.say(language) if setup else ""
    if setup is not None and is_away(scene.state) and view(scene.state) is not View.AWAY:
        authority = scene.say("frame.away")
    centre = setup.name.say(language) if setup else ""
    return Header(scene.look, authority, centre, scene.clock)


def footer(scene: Scene, back: bool) -> Widget:
    """Back at the left, help at the right, between them how the screen looks; always the same."""
    look, state = scene.look, scene.state
    row = Row(look, gap=GAP)
    if back:
        row.add_widget(_aside(scene, "back", "frame.back", r.WentBack, "back", 1.15))
    letters = "frame.smaller" if state.large else "frame.larger"
    contrast = "frame.calm" if state.contrast else "frame.contrast"
    row.add_widget(_aside(scene, "letters", letters, r.LettersToggled, "letters", 1.0))
    row.add_widget(_aside(scene, "contrast", contrast, r.ContrastToggled, "contrast", 1.0))
    row.add_widget(
        HelpButton(
            look,
            scene.say("help.call"),
            scene.touch(r.HelpCalled),
            role="body",
            upright=look.portrait,
            pad=0.8,
            size_hint_x=1.25,
        )
    )
    alike([b for b in row.children if isinstance(b, BigButton)])
    margin = look.unit(MARGIN)
    row.padding = [margin, look.unit(2.5), margin, look.unit(2.5)]
    return fixed(row, footer_height(look))


def title_height(look: Look) -> float:
    return look.unit(TITLE_UPRIGHT if look.portrait else TITLE)


def footer_height(look: Look) -> float:
    units = FOOTER_UPRIGHT if look.portrait else FOOTER
    return max(look.unit(units), look.target() + look.unit(5))


def _aside(
    scene: Scene, name: str, key: str, kind: type[r.Report], icon: str, share: float
) -> BigButton:
    return BigButton(
        scene.look,
        scene.say(key),
        scene.touch(kind),
        name=name,
        kind="quiet",
        icon=icon,
        role="body",
        upright=scene.look.portrait,
        pad=0.8,
        size_hint_x=share,
    )


def progress(scene: Scene) -> Widget:
    """The steps as named bars: those done and the one now are filled, and the one now is bold."""
    look, state = scene.look, scene.state
    chain = steps(state)
    here = chain.index(state.step)
    row = Row(look, gap=1.5)
    for place, step in enumerate(chain):
        row.add_widget(_stage(scene, step, place, here))
    return fixed(row, look.unit(PROGRESS))


def _stage(scene: Scene, step: Step, place: int, here: int) -> Widget:
    look = scene.look
    p = look.palette
    ahead = p.line if p.edge == 1.0 else p.pressed
    colour = p.primary if place <= here else ahead
    bar = Card(look, fill=colour, border=colour, pad=0)
    words = Text(
        look,
        f"{place + 1}. {scene.say(f'step.{step.value}')}",
        "small",
        bold=place == here,
        colour=p.primary if place == here else p.quiet,
    )
    return Column(look, fixed(bar, look.unit(1.0)), words, gap=0.4)


@dataclass(frozen=True)
class Choice:
    """One button of a list."""

    name: str
    text: str
    on_act: Callable[[], None]
    detail: str = ""
    badge: str = ""
    kind: str = "plain"


@dataclass(frozen=True)
class Grid:
    """How a list is laid: columns, rows on a page and a row's height in pixels."""

    columns: int
    rows: int
    row_height: float


def lay_grid(look: Look, count: int, room: float, least: float, most: float) -> Grid:
    """The grid for `count` choices in `room` pixels; rows between `least` and `most` units high."""
    columns = 1 if look.portrait else 2
    gap = look.unit(GAP)
    low = max(look.unit(least) * look.letters, look.target())
    wanted = math.ceil(count / columns)
    if wanted * (low + gap) - gap > room:
        room -= pager_height(look) + gap
    rows = max(1, min(wanted, int((room + gap) // (low + gap))))
    return Grid(columns, rows, min((room + gap) / rows - gap, look.unit(most) * look.letters))


def pager_height(look: Look) -> float:
    return max(look.unit(PAGER), look.target())


def body_room(look: Look, *taken: float) -> float:
    """Pixels of height left between the question and the footer, less what is `taken` there."""
    frame = look.unit(HEADER + 2 + PROGRESS + GAP + GAP + GAP)
    frame += title_height(look) + footer_height(look)
    return look.height - frame - sum(height + look.unit(GAP) for height in taken)


def choices(
    scene: Scene, items: Sequence[Choice], room: float, least: float = 11, most: float = 15
) -> list[Widget]:
    """The list's page that the state names, and a pager under it when there are more pages."""
    look = scene.look
    grid = lay_grid(look, len(items), room, least, most)
    size = grid.columns * grid.rows
    pages = max(1, math.ceil(len(items) / size))
    page = min(scene.state.page, pages - 1)
    shown = [button_of(scene, item) for item in items[page * size : (page + 1) * size]]
    alike(shown)
    rows = grid.rows if pages > 1 else math.ceil(len(shown) / grid.columns)
    box = GridLayout(cols=grid.columns, spacing=look.unit(GAP))
    for button in shown:
        box.add_widget(fixed(button, grid.row_height))
    fixed(box, rows * (grid.row_height + look.unit(GAP)) - look.unit(GAP) if rows else 0)
    for _ in range(grid.columns - len(shown) if len(shown) < grid.columns else 0):
        box.add_widget(fixed(Widget(), grid.row_height))
    return [box, *([pager(scene, page, pages)] if pages > 1 else [])]


def button_of(scene: Scene, item: Choice) -> BigButton:
    """One button of a list."""
    return BigButton(
        scene.look,
        item.text,
        item.on_act,
        name=item.name,
        kind=item.kind,
        detail=item.detail,
        badge=item.badge,
        halign="left",
    )


def pager(scene: Scene, page: int, pages: int) -> Widget:
    look = scene.look

    def turn(name: str, key: str, target: int) -> Widget:
        if not 0 <= target < pages:
            return Widget()
        act = scene.touch(r.PageTurned, page=target)
        icon = "back" if name == "previous" else "next"
        return BigButton(look, scene.say(key), act, name=name, kind="quiet", icon=icon)

    where = Text(look, scene.say("frame.page", page=page + 1, pages=pages), halign="center")
    row = Row(
        look,
        turn("previous", "frame.previous", page - 1),
        where,
        turn("next", "frame.next", page + 1),
        gap=GAP,
    )
    return fixed(row, pager_height(look))


def rest() -> Widget:
    """Takes what room is left."""
    return Space()
