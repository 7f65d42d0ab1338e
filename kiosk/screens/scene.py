"""What every picture is made of: a state, a look, words, whom to tell; and the frame around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from kivy.uix.widget import Widget

from kiosk import access as a
from kiosk import reports as r
from kiosk.touch.keyboard import KeyWords
from kiosk.touch.spoken import as_one, part_of_frame
from kiosk.touch.style import LETTERS, Look
from kiosk.touch.text import Text, height_of
from kiosk.touch.vietnamese import TONES
from kiosk.touch.widgets import (
    PAD,
    BigButton,
    Card,
    Column,
    Header,
    HelpButton,
    Icon,
    Row,
    Space,
    Title,
    alike,
    button_height,
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
LOW_EDGE = 1.0
"""Below the middle of a low screen, above what is touched."""


LYING_DENSITY = 0.84
"""A lying screen has less height for the same frame around each question."""


def own_look(look: Look) -> Look:
    """The look of the kiosk's pictures in this window."""
    return look if look.portrait else replace(look, density=LYING_DENSITY)


class Turned(Protocol):
    """A state with a list of which one page is seen."""

    @property
    def page(self) -> int: ...


class Stage(Protocol):
    """What the parts that the kiosk and its child share ask of a scene."""

    @property
    def state(self) -> Turned: ...
    @property
    def look(self) -> Look: ...
    @property
    def kept(self) -> dict[str, tuple[object, Widget]]: ...
    def say(self, key: str, **values: object) -> str: ...
    def touch(self, kind: type[r.Report], **values: Any) -> Callable[[], None]: ...


@dataclass(frozen=True)
class Scene:
    """`tell(kind, **values)` reports a touch; `clock` is the centre's time as `07:25`."""

    state: State
    look: Look
    texts: Texts
    tell: Callable[..., None]
    clock: str = ""
    languages: tuple[str, ...] = (Language.VI, Language.EN)
    emblem: str = ""
    """A picture file for the head of each screen."""
    kept: dict[str, tuple[object, Widget]] = field(default_factory=dict)
    """Parts that stand on the next picture as they are, such as a keyboard: see `keep`."""

    def say(self, key: str, **values: object) -> str:
        return self.texts.say(key, self.state.language, **values)

    def keep(self, name: str, key: object, make: Callable[[], Widget]) -> Widget:
        """The part called `name` from the picture before, if `key` is the same; else a new one."""
        return keep(self, name, key, make)

    def touch(self, kind: type[r.Report], **values: Any) -> Callable[[], None]:
        """What a button does: report `kind`."""
        return lambda: self.tell(kind, **values)


def keep(scene: Stage, name: str, key: object, make: Callable[[], Widget]) -> Widget:
    """See `Scene.keep`."""
    known = scene.kept.get(name)
    part = known[1] if known is not None and known[0] == key else make()
    if part.parent is not None:
        part.parent.remove_widget(part)
    scene.kept[name] = (key, part)
    return part


def framed(
    scene: Scene,
    *body: Widget,
    back: bool = True,
    title: str = "",
    above: Sequence[Widget] = (),
) -> Widget:
    """Header, progress, question, body, and the footer with the ways aside.

    `above`: what of the body is only looked at. It comes first; on a low screen (`Look.low`) it goes up
    with the question, and the rest, all that is touched, stands in the lower half.
    """
    look = scene.look
    asked: list[Widget] = []
    if title:
        asked.append(fixed(Title(look, title), title_height(look, title)))
    tight = look.lowered and look.letters > LETTERS[1]
    steps_ = [progress(scene)] if scene.state.step in steps(scene.state) and not tight else []
    room = [Space()] if look.lowered and not fills(above) else []
    seen = [*steps_, *asked, *above, *room] if above else [*steps_, *room, *asked]
    key = (look, scene.state.language, back)
    foot = scene.keep("footer", key, lambda: footer(scene, back))
    return laid_out(look, header(scene), seen, body, foot)


def fills(parts: Sequence[Widget]) -> bool:
    """One of them takes the height that is left over, or a share of it."""
    return any(part.size_hint_y is not None for part in parts)


def laid_out(
    look: Look, head: Widget, seen: Sequence[Widget], body: Sequence[Widget], foot: Widget
) -> Widget:
    """Head, what is only looked at, body, foot; on a low screen body and foot are its lower half."""
    side, edge = look.unit(MARGIN), look.unit(2)
    if not look.lowered:
        middle = Column(look, *seen, *body, gap=GAP, padding=[side, edge, side, 0])
        return Column(look, head, middle, foot, gap=0)
    upper = Column(look, *seen, gap=GAP, padding=[side, edge, side, edge])
    lower = Column(look, *body, gap=GAP, padding=[side, look.unit(LOW_EDGE), side, 0])
    half = Column(look, lower, foot, gap=0)
    return Column(look, head, upper, fixed(half, look.height / 2), gap=0)


def fixed(widget: Widget, height: float) -> Widget:
    """`widget` at a height in pixels."""
    widget.size_hint_y, widget.height = None, height
    return widget


def header(scene: Scene) -> Header:
    setup, language = scene.state.setup, scene.state.language
    authority = setup.authority.say(language) if setup else ""
    centre = setup.name.say(language) if setup else ""
    away: list[Widget] = []
    if setup is not None and is_away(scene.state) and view(scene.state) is not View.AWAY:
        authority, p = scene.say("frame.away"), scene.look.palette
        ink = p.on_primary if p.edge == 1.0 else p.ink
        away = [Icon(scene.look, "offline", ink, size_hint_x=None, width=scene.look.unit(7))]
    top = Header(
        scene.look,
        authority,
        centre,
        scene.clock,
        *away,
        emblem=scene.emblem,
        stressed=bool(away),
    )
    return as_one(part_of_frame(top))


def footer(scene: Scene, back: bool) -> Widget:
    """Back at the left, help at the right, between them how it is seen and heard; always the same."""
    look = scene.look
    row = Row(look, gap=GAP)
    if back:
        row.add_widget(aside(scene, "back", "frame.back", r.WentBack, "back"))
    row.add_widget(aside(scene, "access", "frame.access", a.AccessOpened, "access"))
    row.add_widget(
        HelpButton(
            look,
            scene.say("help.call"),
            scene.touch(r.HelpCalled),
            role="body",
            upright=look.portrait,
            pad=0.8,
        )
    )
    alike([b for b in row.children if isinstance(b, BigButton)])
    margin = look.unit(MARGIN)
    row.padding = [margin, look.unit(2.5), margin, look.unit(2.5)]
    return fixed(part_of_frame(row), footer_height(look))


def title_height(look: Look, title: str = "") -> float:
    """At least what every picture gives its question; more if this one needs it."""
    usual = look.unit(TITLE_UPRIGHT if look.portrait else TITLE)
    width = look.width - 2 * look.unit(MARGIN)
    return max(usual, height_of(look, title, "title", width, bold=True) + 1)


def footer_height(look: Look) -> float:
    units = FOOTER_UPRIGHT if look.portrait else FOOTER
    grown = look.text("body") * 1.2 - look.unit(3.2) * 1.2
    return max(look.unit(units), look.target() + look.unit(5)) + grown * (2 if look.portrait else 1)


def aside(scene: Stage, name: str, key: str, kind: type[r.Report], icon: str) -> BigButton:
    """One of the footer's buttons."""
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
    )


def progress(scene: Scene) -> Widget:
    """The steps as named bars: those done and the one now are filled, and the one now is bold."""
    look, state = scene.look, scene.state
    chain = steps(state)
    here = chain.index(state.step)
    row = Row(look, gap=1.5)
    for place, step in enumerate(chain):
        row.add_widget(_stage(scene, step, place, here))
    name = scene.say(f"step.{state.step.value}")
    row.spoken = scene.say("speech.step", step=here + 1, steps=len(chain), name=name)
    part_of_frame(row)
    return fixed(row, progress_height(look))


def progress_height(look: Look) -> float:
    return look.unit(PROGRESS) + look.text("small") - look.unit(2.5)


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
    """One button of a list. `private`: it says something of her, and is read to headphones only."""

    name: str
    text: str
    on_act: Callable[[], None]
    detail: str = ""
    badge: str = ""
    kind: str = "plain"
    icon: str = ""
    private: bool = False
    named: bool = False
    """The detail is the text's name, and stands above it."""


def pager_height(look: Look) -> float:
    return max(look.unit(PAGER), look.text("body") * 1.3 + look.unit(2), look.target())


def body_room(look: Look, *taken: float, title: str = "", steps: bool = False) -> float:
    """Pixels of height left between the question and the footer, less what is `taken` there.

    On a low screen: between its middle and the footer. `steps`: whether the bar of steps stands above.
    """
    if look.lowered:
        room = look.height / 2 - footer_height(look) - look.unit(LOW_EDGE + GAP)
    else:
        room = look.height - look.unit(HEADER + 2 + GAP + GAP)
        room -= progress_height(look) + look.unit(GAP) if steps else 0.0
        room -= title_height(look, title) + footer_height(look)
    return room - sum(height + look.unit(GAP) for height in taken)


def choices(
    scene: Stage,
    items: Sequence[Choice],
    room: float,
    least: float = 11,
    most: float = 15,
    columns: int | None = None,
) -> list[Widget]:
    """The list's page that the state names, and a pager under it when there are more pages."""
    box, page, pages = listed(scene, items, room, least, most, columns)
    return [box, *([pager(scene, page, pages)] if pages > 1 else [])]


def listed(
    scene: Stage,
    items: Sequence[Choice],
    room: float,
    least: float = 11,
    most: float = 15,
    columns: int | None = None,
) -> tuple[Widget, int, int]:
    """The list's page that the state names, which it is, and how many there are; room for a pager is left.

    Each row is as high as its words need, `least` to `most` units where they need less: larger letters
    make more pages.
    """
    look = scene.look
    columns = columns or (1 if look.portrait else 2)
    gap = look.unit(GAP)
    low = max(look.unit(least), look.target())
    rows = [items[at : at + columns] for at in range(0, len(items), columns)]
    width = (look.width - 2 * look.unit(MARGIN) - (columns - 1) * gap) / columns
    needs = [max(low, *(_height_needed(look, item, width) for item in row)) for row in rows]
    pages = paged(look, needs, room, gap)
    if len(pages) > 1:
        room -= turning(look)
    page = min(scene.state.page, len(pages) - 1)
    begin, end = pages[page]
    spare = (room + gap - sum(needs[begin:end]) - gap * (end - begin)) / max(1, end - begin)
    heights = [max(n, min(n + max(0.0, spare), look.unit(most))) for n in needs[begin:end]]
    shown = [[button_of(scene, item) for item in row] for row in rows[begin:end]]
    alike([button for row in shown for button in row])
    lines = []
    for row, height in zip(shown, heights, strict=True):
        empty = [Widget() for _ in range(columns - len(row))]
        lines.append(fixed(Row(look, *row, *empty, gap=GAP), height))
    box = fixed(Column(look, *lines, gap=GAP), max(0.0, sum(heights) + gap * (len(heights) - 1)))
    return box, page, len(pages)


def turning(look: Look) -> float:
    """Pixels of height that a pager takes of a list's room."""
    return pager_height(look) + look.unit(GAP)


def paged(look: Look, heights: Sequence[float], room: float, gap: float) -> list[tuple[int, int]]:
    """As `by_pages`; where there are more pages than one, a pager takes of the room."""
    pages = by_pages(heights, room, gap)
    return pages if len(pages) == 1 else by_pages(heights, room - turning(look), gap)


def by_pages(heights: Sequence[float], room: float, gap: float) -> list[tuple[int, int]]:
    """First and behind-last of the rows on each page; a row higher than the room has its own."""
    pages, begin, used = [], 0, 0.0
    for at, height in enumerate(heights):
        if at > begin and used + height > room + 0.5:
            pages.append((begin, at))
            begin, used = at, 0.0
        used += height + gap
    return [*pages, (begin, len(heights))]


def _height_needed(look: Look, item: Choice, width: float) -> float:
    beside = bool(item.badge or item.icon)
    return button_height(look, item.text, item.detail, width, beside=beside)


def wide_height(
    look: Look,
    text: str,
    units: float,
    detail: str = "",
    role: str = "button",
    detail_role: str = "small",
    pad: float = PAD,
) -> float:
    """Pixels of height of a button over the whole width: `units`, or more if its words need it."""
    width = look.width - 2 * look.unit(MARGIN)
    needed = button_height(
        look, text, detail, width, role=role, detail_role=detail_role, beside=True, pad=pad
    )
    return max(look.unit(units), look.target(), needed)


def button_of(scene: Stage, item: Choice) -> BigButton:
    """One button of a list."""
    return BigButton(
        scene.look,
        item.text,
        item.on_act,
        name=item.name,
        kind=item.kind,
        detail=item.detail,
        badge=item.badge,
        icon=item.icon,
        halign="left",
        private=item.private,
        named=item.named,
    )


def pager(scene: Stage, page: int, pages: int, onward: bool = True) -> Widget:
    """Without `onward` the way to the next page stands elsewhere."""
    look = scene.look

    larger = look.letters > LETTERS[0]

    def turn(name: str, key: str, target: int) -> Widget:
        if not 0 <= target < pages:
            return Widget()
        return BigButton(
            look,
            scene.say(key),
            scene.touch(r.PageTurned, page=target),
            name=name,
            kind="quiet",
            icon="" if larger else "back" if name == "previous" else "next",
            role="body" if larger else "button",
            pad=0.8 if larger else PAD,
        )

    where = Text(look, scene.say("frame.page", page=page + 1, pages=pages), halign="center")
    row = Row(
        look,
        turn("previous", "frame.previous", page - 1),
        where,
        turn("next", "frame.next", page + 1) if onward else Space(),
        gap=GAP,
    )
    return fixed(row, pager_height(look))


def key_words(scene: Stage, done: str = "", way: str = "") -> KeyWords:
    """What the keys say that are no letters. `done`: the last one's words; `way`: how Vietnamese is typed."""
    return KeyWords(
        space=scene.say("keys.space"),
        delete=scene.say("keys.delete"),
        digits=scene.say("keys.digits"),
        letters=scene.say("keys.letters"),
        done=done,
        way=scene.say(f"keys.{way}") if way else "",
        spoken=spoken_keys(scene),
    )


def spoken_keys(scene: Stage) -> tuple[tuple[str, str], ...]:
    """What keys are called that say nothing by themselves."""
    signs = {" ": "space", ",": "comma", ".": "dot", "?": "question"}
    signs |= {"@": "at", "-": "dash", "_": "underscore"}
    named = [(sign, scene.say(f"keys.spoken_{name}")) for sign, name in signs.items()]
    return (*named, *((tone, scene.say("keys.spoken_tone", tone=tone)) for tone in TONES))


def rest() -> Widget:
    """Takes what room is left."""
    return Space()
