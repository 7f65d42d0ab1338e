"""What every picture of self-filing is made of: a state, a look, words, whom to tell; and the frame around it.

The frame, lists and measures are the kiosk's own (`kiosk.screens.scene`), so that nothing changes under a visitor's
hand when her visit goes on in the child. They ask a scene for what `kiosk.screens.scene.Stage` names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from kivy.uix.widget import Widget

from kiosk import access as a
from kiosk.filing import reports as r
from kiosk.filing.eye import Eye
from kiosk.filing.visit import Errand, State, Step
from kiosk.filing.words import Words
from kiosk.screens import scene as kiosk
from kiosk.screens.scene import (
    GAP,
    MARGIN,
    Choice,
    aside,
    choices,
    fixed,
    footer_height,
    key_words,
    listed,
    own_look,
    pager,
    pager_height,
    turning,
)
from kiosk.touch.spoken import as_one, part_of_frame
from kiosk.touch.style import LETTERS, Colour, Look
from kiosk.touch.text import Text, drawn_size, height_of
from kiosk.touch.widgets import (
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
)


@dataclass(frozen=True)
class Scene:
    """`tell(kind, **values)` reports a touch; `eye` has the pictures that were taken."""

    state: State
    look: Look
    words: Words
    tell: Callable[..., None]
    clock: str
    kept: dict[str, tuple[object, Widget]]
    eye: Eye
    emblem: str = ""

    def say(self, key: str, **values: object) -> str:
        return self.words.say(key, self.state.language, **values)

    def keep(self, name: str, key: object, make: Callable[[], Widget]) -> Widget:
        """The part called `name` from the picture before, if `key` is the same; else a new one."""
        return kiosk.keep(self, name, key, make)

    def touch(self, kind: type[r.Report], **values: Any) -> Callable[[], None]:
        """What a button does: report `kind`."""
        return lambda: self.tell(kind, **values)

    @property
    def width(self) -> float:
        """Pixels between the margins."""
        return self.look.width - 2 * self.look.unit(MARGIN)


def framed(
    scene: Scene,
    *body: Widget,
    title: str = "",
    above: Sequence[Widget] = (),
    back: bool = True,
    leave: bool = True,
) -> Widget:
    """Header, progress, question, what is only looked at, body, and the footer with the ways aside.

    On a low screen (`Look.low`) the body, all that is touched, stands in the lower half.
    """
    look = scene.look
    asked = [fixed(Title(look, title), kiosk.title_height(look, title))] if title else []
    bar = [progress(scene)] if has_progress(scene) else []
    key = (look, scene.state.language, back, leave)
    foot = scene.keep("footer", key, lambda: footer(scene, back, leave))
    room = [Space()] if look.lowered and not kiosk.fills(above) else []
    seen = [*bar, *asked, *above, *room]
    return kiosk.laid_out(look, header(scene), seen, body, foot)


def room_for(scene: Scene, *taken: float, title: str = "") -> float:
    """Pixels of height left between the question and the footer, less what is `taken` there."""
    look = scene.look
    left = kiosk.body_room(look, *taken, title=title, steps=has_progress(scene))
    return left if look.lowered or title else left - look.unit(GAP)


def seen_room(scene: Scene, *taken: float, title: str = "") -> float:
    """The same for what is only looked at, which on a low screen stands in the upper half."""
    look = scene.look
    if not look.lowered:
        return room_for(scene, *taken, title=title)
    room = look.height / 2 - look.unit(11 + 4 + GAP) - kiosk.title_height(look, title)
    if has_progress(scene):
        room -= kiosk.progress_height(look) + look.unit(GAP)
    return room - sum(height + look.unit(GAP) for height in taken)


def page_of(
    scene: Scene, parts: Sequence[Widget], room: float, gap: float
) -> tuple[list[Widget], int, int]:
    """The parts on the page that the state names, which it is, and how many there are.

    Only where there are more than one a pager takes of the `room`.
    """
    pages = _pages(scene, parts, room, gap, True)
    page = min(scene.state.page, len(pages) - 1)
    begin, end = pages[page]
    return list(parts[begin:end]), page, len(pages)


def _pages(
    scene: Scene, parts: Sequence[Widget], room: float, gap: float, pager_inside: bool
) -> list[tuple[int, int]]:
    heights = [part.height for part in parts]
    if pager_inside:
        return kiosk.paged(scene.look, heights, room, gap)
    return kiosk.by_pages(heights, room, gap)


SHEET, SHEET_GAP = 6.1, 1.4
"""Units that a sheet's edges take of its height; and between its parts."""


def sheet_pages(scene: Scene, parts: Sequence[Widget], room: float) -> list[tuple[int, int]]:
    """First and behind-last part on each page of a sheet; on a low screen its pager stands elsewhere."""
    look = scene.look
    inner = room - look.unit(SHEET)
    return _pages(scene, parts, inner, look.unit(SHEET_GAP), not look.lowered)


def sheet(
    scene: Scene, parts: Sequence[Widget], room: float, border: Colour | None = None
) -> tuple[Widget, int, int]:
    """`parts` on a sheet of `room` pixels: the page that the state names, which it is, how many there are."""
    pages = sheet_pages(scene, parts, room)
    page = min(scene.state.page, len(pages) - 1)
    begin, end = pages[page]
    card = Card(scene.look, *parts[begin:end], Space(), pad=3, gap=SHEET_GAP, border=border)
    return card, page, len(pages)


def turner(scene: Scene, page: int, pages: int, onward: bool = True) -> list[Widget]:
    """A pager, if there is anything to turn."""
    return [pager(scene, page, pages, onward)] if pages > 1 else []


def once_seen(
    scene: Scene, deed: BigButton, page: int, pages: int
) -> tuple[list[Widget], BigButton]:
    """A pager and `deed`; in its place the way to the next page, until the last one was seen."""
    if page == pages - 1 or scene.state.furthest >= pages - 1:
        return turner(scene, page, pages), deed
    turn = scene.touch(r.PageTurned, page=page + 1)
    words = scene.say("frame.next")
    next_ = BigButton(
        scene.look, words, turn, name="next-page", kind="primary", icon="next", role=deed.label.role
    )
    return turner(scene, page, pages, False), cast(BigButton, fixed(next_, deed.height))


def header(scene: Scene) -> Header:
    opened, language = scene.state.opened, scene.state.language
    setup = opened.setup if opened else None
    authority = setup.authority.say(language) if setup else ""
    centre = setup.name.say(language) if setup else ""
    head = Header(scene.look, authority, centre, scene.clock, emblem=scene.emblem)
    return as_one(part_of_frame(head))


def footer(scene: Scene, back: bool, leave: bool) -> Widget:
    """Back at the left, help at the right; between them how it is seen and heard, and the way out."""
    look = scene.look
    buttons: list[BigButton] = []
    if back:
        buttons.append(aside(scene, "back", "frame.back", r.WentBack, "back"))
    buttons.append(aside(scene, "access", "frame.access", a.AccessOpened, "access"))
    if leave:
        buttons.append(aside(scene, "leave", "leave.button", r.LeaveAsked, "home"))
    call = scene.touch(r.HelpCalled)
    words = scene.say("help.call")
    help_ = HelpButton(look, words, call, role="body", upright=look.portrait, pad=0.8)
    help_.size_hint_x = 1.0 if look.letters == LETTERS[0] or len(buttons) < 3 else 1.3
    buttons.append(help_)
    row = Row(look, *buttons, gap=GAP)
    alike(buttons)
    margin = look.unit(MARGIN)
    row.padding = [margin, look.unit(2.5), margin, look.unit(2.5)]
    return fixed(part_of_frame(row), footer_height(look))


# --- how far ------------------------------------------------------------------------------------

STAGES = ("fill", "papers", "review", "done")
STAGE_OF = {
    Step.CONSENT: "fill",
    Step.CARD: "fill",
    Step.QUESTION: "fill",
    Step.PAPERS: "papers",
    Step.PAPER: "papers",
    Step.SCAN: "papers",
    Step.PAGES: "papers",
    Step.REVIEW: "review",
    Step.SENDING: "done",
    Step.DONE: "done",
}


def has_progress(scene: Scene) -> bool:
    """Large letters in little height need the room for themselves; words of feedback have no stages."""
    look, state = scene.look, scene.state
    if state.errand is Errand.FEEDBACK and state.step is not Step.QUESTION:
        return False
    tight = look.letters > LETTERS[1] and (look.lowered or not look.portrait)
    return state.step in STAGE_OF and state.form is not None and not tight


def progress(scene: Scene) -> Widget:
    """On a question how many there are; else the stages of the whole. In words, and as a bar."""
    state = scene.state
    if state.step is Step.QUESTION and state.asked:
        paths = [q.path for q in state.asked]
        here = paths.index(state.at) + 1 if state.at in paths else 1
        return _bar(scene, here / len(paths), _where(scene, here, len(paths)))
    stage = STAGE_OF[state.step]
    at = STAGES.index(stage) + 1
    return _bar(scene, at / len(STAGES), scene.say(f"stage.{stage}"))


def _where(scene: Scene, here: int, count: int) -> str:
    state = scene.state
    question = state.question
    said = scene.say("question.place", here=here, count=count)
    section = (
        next((s for s in state.form.sections if question and s.id == question.section), None)
        if state.form
        else None
    )
    if section is None:
        return said
    whole = f"{said} · {section.title.say(state.language).rstrip(':')}"
    look = scene.look
    wide = drawn_size(whole, look.text("small"), True, None)[0] + 4.0
    return whole if wide <= scene.width else said


def _bar(scene: Scene, part: float, words: str) -> Widget:
    look = scene.look
    p = look.palette
    done = Card(look, fill=p.primary, border=p.primary, pad=0)
    ahead = p.line if p.edge == 1.0 else p.pressed
    left = Card(look, fill=ahead, border=ahead, pad=0)
    done.size_hint_x, left.size_hint_x = max(0.02, part), max(0.001, 1 - part)
    bar = fixed(Row(look, done, *([left] if part < 1 else []), gap=0.6), look.unit(1.2))
    text = Text(look, words, "small", bold=True, colour=p.primary)
    return fixed(Column(look, text, bar, gap=0.6), kiosk.progress_height(look))


# --- parts --------------------------------------------------------------------------------------


def main_button(
    scene: Scene,
    words: str,
    act: Callable[[], None],
    name: str,
    *,
    kind: str = "primary",
    icon: str = "",
    units: float = 12,
    detail: str = "",
) -> BigButton:
    """A way on over the whole width."""
    height = kiosk.wide_height(scene.look, words, units, detail)
    button = BigButton(
        scene.look,
        words,
        act,
        name=name,
        kind=kind,
        icon=icon,
        role="lead" if units > 12 else "button",
        detail=detail,
    )
    return cast(BigButton, fixed(button, height))


def paragraph(scene: Scene, words: str, role: str = "body", quiet: bool = False) -> Widget:
    """A text as high as it is."""
    colour = scene.look.palette.quiet if quiet else scene.look.palette.ink
    text = Text(scene.look, words, role, colour=colour)
    return fixed(text, height_of(scene.look, words, role, scene.width) + 2)


def remark(
    scene: Scene, words: str, icon: str = "warning", *, calm: bool = False, width: float = 0
) -> Widget:
    """Something to mind: with a drawing and a frame, so that not only its colour says so."""
    look = scene.look
    p = look.palette
    fill, colour = (p.tint, p.primary) if calm else (p.accent_tint, p.accent)
    sign = Icon(look, icon, colour, size_hint_x=None, width=look.unit(5))
    inner = (width or scene.width) - look.unit(5 + 2 * 2 + 1.5)
    text = Text(look, words, "body", bold=not calm)
    card = Card(look, sign, text, fill=fill, border=colour, pad=2, orientation="horizontal")
    high = height_of(look, words, "body", inner, bold=not calm) + look.unit(4.4)
    return fixed(card, max(high, look.unit(9)))


def hers(part: Widget) -> Widget:
    """`part` says something of her: it is read to headphones only."""
    for each in part.walk(restrict=True):
        if isinstance(each, Text):
            each.private = True
    return part


def beside(scene: Scene, left: Widget, right: Widget, share: float = 0.5) -> Widget:
    """Two halves of a lying screen."""
    left.size_hint_x, right.size_hint_x = share, 1 - share
    return Row(scene.look, left, right, gap=GAP * 2)


__all__ = [
    "GAP",
    "MARGIN",
    "SHEET",
    "Choice",
    "Scene",
    "beside",
    "choices",
    "fixed",
    "framed",
    "hers",
    "key_words",
    "listed",
    "main_button",
    "once_seen",
    "own_look",
    "page_of",
    "pager",
    "pager_height",
    "paragraph",
    "remark",
    "room_for",
    "seen_room",
    "sheet",
    "sheet_pages",
    "turner",
    "turning",
]
