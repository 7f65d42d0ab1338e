"""The pictures of the papers: which are wanted, how one comes in, the camera, and its pages."""

from __future__ import annotations

from kivy.uix.widget import Widget

from kiosk.filing import reports as r
from kiosk.filing.papers import held_for, pages_of, phone_code, the_paper, ways
from kiosk.filing.reports import How
from kiosk.filing.visit import Wanted, is_settled, missing, to_give
from kiosk.touch.picture import Picture
from kiosk.touch.style import LETTERS
from kiosk.touch.text import Text, height_of
from kiosk.touch.widgets import BigButton, Column, QrImage, Row, Space, alike
from queue_server.wire.words import local

from .camera import Live
from .scene import (
    GAP,
    Choice,
    Scene,
    beside,
    choices,
    fixed,
    framed,
    main_button,
    remark,
    room_for,
    turner,
)

ICONS = {
    How.SCAN: "camera",
    How.FLAT: "scanner",
    How.PHONE: "phone",
    How.HELD: "folder",
    How.SHOW: "counter",
    How.NONE: "none",
}
MOST_ON_SCREEN, MOST_LARGE = 4, 1


def papers(scene: Scene) -> Widget:
    """Every paper with how it stands; a touch leads to it."""
    look, state = scene.look, scene.state
    heading = scene.say("papers.title")
    above = []
    if state.warned:
        above = [remark(scene, scene.say("papers.missing", count=len(missing(state))))]
    done = main_button(
        scene,
        scene.say("papers.on_without" if state.warned else "papers.on"),
        scene.touch(r.PapersDone),
        "papers-done",
        units=12 if look.portrait else 10,
    )
    items = [_item(scene, paper) for paper in to_give(state)]
    taken = [done.height, *(0 if look.lowered else part.height for part in above)]
    body = choices(scene, items, room_for(scene, *taken, title=heading), 13, 17)
    return framed(scene, *body, Space(), done, title=heading, above=above)


def _item(scene: Scene, paper: Wanted) -> Choice:
    settled = is_settled(scene.state, paper)
    return Choice(
        name=f"paper-{paper.index}",
        text=paper.name,
        on_act=scene.touch(r.PaperTouched, index=paper.index),
        detail=_standing(scene, paper),
        kind="chosen" if settled else "plain",
        icon="check" if settled else "write",
    )


def _standing(scene: Scene, paper: Wanted) -> str:
    given = scene.state.given.get(paper.index)
    if given is None:
        return scene.say("papers.to_show").capitalize() if paper.show else scene.say("papers.open")
    if given.how in (How.SCAN, How.FLAT, How.PHONE):
        return (
            scene.say("papers.pages", count=len(given.pages))
            if given.pages
            else scene.say("papers.open")
        )
    return scene.say(f"papers.is_{given.how.value}")


def paper(scene: Scene) -> Widget:
    """How this one comes in."""
    found = the_paper(scene.state)
    assert found is not None
    items = []
    for how in ways(scene.state, found):
        detail = scene.say(f"papers.{how.value}_hint")
        if how is How.HELD:
            detail = _held_words(scene, found)
        items.append(
            Choice(
                name=f"how-{how.value}",
                text=scene.say(f"papers.{how.value}"),
                on_act=scene.touch(r.HowChosen, how=how),
                detail=detail,
                icon=ICONS[how],
            )
        )
    body = choices(scene, items, room_for(scene, title=found.name), 13, 18)
    return framed(scene, *body, Space(), title=found.name)


def _held_words(scene: Scene, paper: Wanted) -> str:
    held, opened = held_for(scene.state, paper), scene.state.opened
    if held is None or opened is None:
        return ""
    day = local(held.at, opened.setup.utc_offset_minutes)
    return scene.say("papers.held_hint", day=f"{day:%d/%m/%Y}")


def scan(scene: Scene) -> Widget:
    """The page as the camera sees it, and in one line what to do."""
    look, state = scene.look, scene.state
    found = the_paper(state)
    heading = found.name if found else ""
    given = state.given.get(state.paper)
    if given is not None and given.how is How.PHONE:
        return _phone(scene, heading)
    if given is not None and given.how is How.FLAT:
        return _flat(scene, heading)
    width = 0.0 if look.portrait else (scene.width - look.unit(GAP * 2)) * 0.38
    if not state.camera:
        return _elsewhere(scene, heading, remark(scene, scene.say("scan.no_camera")))
    words = scene.say(f"scan.hint.{state.hint}") if state.hint else scene.say("scan.lay")
    note = remark(
        scene,
        words,
        "check" if state.hint in ("hold", "good") else "camera",
        calm=True,
        width=width,
    )
    take = main_button(scene, scene.say("scan.take"), scene.touch(r.Shutter), "take", icon="camera")
    live = Live(look, scene.eye, "page")
    if look.lowered:
        return framed(scene, live, take, title=heading, above=[note])
    if look.portrait:
        return framed(scene, take, title=heading, above=[note, live])
    right = Column(look, note, Space(), take, gap=GAP)
    return framed(scene, beside(scene, live, right, 0.62), title=heading)


def _phone(scene: Scene, heading: str) -> Widget:
    look, where = scene.look, phone_code(scene.state)
    if not where:
        if scene.state.phone is None:
            note = remark(scene, scene.say("scan.phone_wait"), "phone", calm=True)
            return framed(scene, Space(), title=heading, above=[note])
        return _elsewhere(scene, heading, remark(scene, scene.say("scan.phone_off")))
    said = scene.say("scan.phone")
    high = height_of(look, said, "lead", scene.width) + look.unit(4)
    words = fixed(Text(look, said, "lead", halign="center"), high)
    if look.lowered:
        return framed(scene, QrImage(where), title=heading, above=[words])
    code = fixed(QrImage(where), min(look.unit(50), room_for(scene, high, title=heading)))
    return framed(scene, Space(), title=heading, above=[words, code])


UNREADABLE = ("small", "refused")
"""A scanner's file of which she knows nothing: she can only scan again."""


def _flat(scene: Scene, heading: str) -> Widget:
    """How to scan stands there also when something was the matter with what was scanned."""
    hint = scene.state.hint
    how = remark(scene, scene.say("scan.flat"), "scanner", calm=True)
    if not hint:
        return framed(scene, Space(), title=heading, above=[how])
    key = "scan.flat_again" if hint in UNREADABLE else f"scan.hint.{hint}"
    return _elsewhere(scene, heading, remark(scene, scene.say(key)), how, main=False)


def _elsewhere(scene: Scene, heading: str, *notes: Widget, main: bool = True) -> Widget:
    """This way does not work, or not well: another one is a touch away, unless pages came by this one."""
    act, kind = scene.touch(r.WentBack), "primary" if main else "plain"
    other = main_button(scene, scene.say("scan.other"), act, "other-way", kind=kind)
    ways = [] if pages_of(scene.state) else [other]
    seen, more = (notes[:1], notes[1:]) if scene.look.lowered else (notes, ())
    return framed(scene, *more, Space(), *ways, title=heading, above=seen)


def pages(scene: Scene) -> Widget:
    """The pages as they were taken: good, again, one more. On a low screen their pictures stand above."""
    look, state = scene.look, scene.state
    found, taken = the_paper(state), pages_of(state)
    heading = scene.say("pages.title", name=found.name if found else "")
    if len(heading) > 120 or look.letters > LETTERS[0]:
        heading = scene.say("pages.short")
    flaws = [*(flaw for page in taken for flaw in page.flaws), state.hint]
    above: list[Widget] = []
    if flaws[0]:
        half = 0.0 if look.portrait else (scene.width - look.unit(GAP * 2)) / 2
        above.append(remark(scene, scene.say(f"scan.hint.{flaws[0]}"), width=half))
    roomy = look.letters == LETTERS[0] and look.portrait and not look.lowered
    most = MOST_ON_SCREEN if roomy else MOST_LARGE
    at = min(state.page, (len(taken) - 1) // most)
    shown = taken[at * most : (at + 1) * most]
    if look.lowered:
        above += [Picture(look, scene.eye.thumbnail(page.id)) for page in shown]
    given = state.given.get(state.paper)
    how = given.how if given else How.SCAN
    more = main_button(
        scene,
        scene.say("pages.more"),
        scene.touch(r.HowChosen, how=how),
        "more",
        kind="plain",
        icon="add",
    )
    done = main_button(
        scene,
        scene.say("pages.done"),
        scene.touch(r.PagesDone),
        "pages-done",
        kind="plain" if flaws[0] else "primary",
        icon="check",
    )
    turn = turner(scene, at, -(-len(taken) // most))
    if not look.portrait:
        picture = Picture(look, scene.eye.thumbnail(shown[0].id))
        wishes = _wishes(scene, shown[0], at, len(taken))[bool(turn) :]
        right = Column(look, *above, *wishes, *turn, Space(), more, done, gap=GAP)
        return framed(scene, beside(scene, picture, right), title=heading)
    cards = [_page(scene, page, at * most + n, len(taken)) for n, page in enumerate(shown)]
    columns = min(2, len(cards))
    rows = [Row(look, *cards[n : n + columns], gap=GAP) for n in range(0, len(cards), columns)]
    return framed(scene, *rows, *turn, more, done, title=heading, above=above)


def _page(scene: Scene, page: r.Page, place: int, count: int) -> Widget:
    look = scene.look
    below = _wishes(scene, page, place, count)
    if look.lowered:
        high = sum(part.height for part in below) + look.unit(1)
        return fixed(Column(look, *below, gap=1), high)
    return Column(look, Picture(look, scene.eye.thumbnail(page.id)), *below, gap=1)


def _wishes(scene: Scene, page: r.Page, place: int, count: int) -> list[Widget]:
    """Which page it is, and what she may want of it."""
    look = scene.look
    buttons = [_wish(scene, page, "again", bool(page.flaws)), _wish(scene, page, "remove")]
    if place:
        buttons.append(_wish(scene, page, "up"))
    alike(buttons)
    words = scene.say("pages.place", place=place + 1, count=count)
    text = Text(look, words, "body", halign="center")
    row = fixed(Row(look, *buttons, gap=1), look.target())
    return [fixed(text, look.unit(5) * look.letters), row]


def _wish(scene: Scene, page: r.Page, wish: str, main: bool = False) -> BigButton:
    return BigButton(
        scene.look,
        scene.say(f"pages.{wish}"),
        scene.touch(r.PageTouched, page=page.id, wish=wish),
        name=f"{wish}-{page.id}",
        kind="primary" if main else "accent" if wish == "remove" else "quiet",
        role="body",
        pad=0.6,
    )
