"""The pictures of the beginning: which form, what will happen, consent, filling in from a card."""

from __future__ import annotations

from collections.abc import Sequence

from kivy.uix.widget import Widget

from kiosk.filing import reports as r
from kiosk.filing.reports import Consent
from kiosk.filing.visit import (
    Errand,
    Wanted,
    asks_presence,
    forms,
    offers_priority,
    title,
    to_give,
)
from kiosk.screens.scene import by_pages
from kiosk.touch.style import LETTERS
from kiosk.touch.text import Text, height_of
from kiosk.touch.widgets import BigButton, Column, Icon, Row, Space
from queue_server.dossiers.forms import fill

from .camera import Live
from .scene import (
    GAP,
    SHEET,
    Choice,
    Scene,
    beside,
    choices,
    fixed,
    framed,
    main_button,
    once_seen,
    page_of,
    pager_height,
    remark,
    room_for,
    seen_room,
    sheet,
    turner,
)

PATIENT_LOOK_MS = 8_000
"""Whoever has held a card into the picture for so long is told how to hold it."""


def forms_to_choose(scene: Scene) -> Widget:
    """Some procedures have a form for each kind of person."""
    language = scene.state.language
    heading = scene.say("forms.title")
    items = [
        Choice(
            name=f"form-{offered.form.id}",
            text=offered.form.title.say(language),
            on_act=scene.touch(r.FormChosen, form=offered.form.id),
        )
        for offered in forms(scene.state)
    ]
    body = choices(scene, items, room_for(scene, title=heading), 12, 16)
    return framed(scene, *body, Space(), title=heading)


def start(scene: Scene) -> Widget:
    """What will happen, what she needs for it, and what cannot be done here."""
    look, state = scene.look, scene.state
    is_feedback = state.errand is Errand.FEEDBACK
    key = "feedback" if is_feedback else "start"
    begin = main_button(
        scene, scene.say(f"{key}.begin"), scene.touch(r.Began), "begin", icon="write", units=16
    )
    heading = scene.say(f"{key}.title", name=title(state))
    minded = [] if is_feedback else _minded(scene)
    remarks = [remark(scene, scene.say(k), icon) for k, icon in minded]
    if look.lowered:
        count = _fit_below(scene, remarks, begin)
        inner = scene.width - look.unit(6)
        more = [remark(scene, scene.say(k), icon, width=inner) for k, icon in minded[count:]]
        told = [*more, *_told(scene, key)]
        card, page, pages = sheet(scene, told, seen_room(scene, title=heading))
        turn = turner(scene, page, pages)
        return framed(scene, *turn, *remarks[:count], Space(), begin, title=heading, above=[card])
    taken = [begin.height, *(part.height for part in remarks)]
    card, page, pages = sheet(scene, _told(scene, key), seen_room(scene, *taken, title=heading))
    turn = turner(scene, page, pages)
    return framed(scene, *turn, begin, title=heading, above=[*remarks, card])


def _minded(scene: Scene) -> list[tuple[str, str]]:
    """What she should know before she begins, and its sign."""
    state = scene.state
    found = []
    if asks_presence(state):
        found.append(("start.presence", "counter"))
    if any(offered.form.presence is False for offered in forms(state)) and _sample(scene):
        found.append(("start.sample", "warning"))
    return found


def _fit_below(scene: Scene, notes: Sequence[Widget], button: Widget) -> int:
    """How many of the notes stand between pager and button in the lower half."""
    room = room_for(scene, button.height, pager_height(scene.look))
    for at, note in enumerate(notes):
        room -= note.height + scene.look.unit(GAP)
        if room < 0:
            return at
    return len(notes)


def _sample(scene: Scene) -> bool:
    opened = scene.state.opened
    return bool(opened and opened.forms.sample and not all(x.checked for x in opened.forms.forms))


def _told(scene: Scene, key: str) -> list[Widget]:
    """The steps, then the papers."""
    width = scene.width - scene.look.unit(6)
    parts: list[Widget] = []
    for step in ("one", "two", "three", "four"):
        words = scene.say(f"{key}.{step}")
        if words != f"{key}.{step}" and words:
            parts.append(_point(scene, words, width))
    papers = [_point(scene, _paper_words(scene, p), width, "list") for p in to_give(scene.state)]
    if papers:
        look = scene.look
        head = _head(scene, scene.say("start.papers"), width)
        high = head.height + papers[0].height + look.unit(1.4)
        papers[0] = fixed(Column(look, head, papers[0], gap=1.4), high)
    return [*parts, *papers]


def _paper_words(scene: Scene, paper: Wanted) -> str:
    return f"{paper.name} ({scene.say('papers.to_show')})" if paper.show else paper.name


def _head(scene: Scene, words: str, width: float) -> Widget:
    text = Text(scene.look, words, "button", bold=True)
    return fixed(
        text, height_of(scene.look, words, "button", width, bold=True) + scene.look.unit(1)
    )


def _point(scene: Scene, words: str, width: float, icon: str = "check") -> Widget:
    look = scene.look
    sign = Icon(look, icon, look.palette.success if icon == "check" else look.palette.primary)
    sign.size_hint_x, sign.width = None, look.unit(4.4)
    inner = width - look.unit(4.4 + 2)
    text = Text(look, words, "button")
    return fixed(
        Row(look, sign, text), max(look.unit(4.8), height_of(look, words, "button", inner) + 2)
    )


# --- consent --------------------------------------------------------------------------------------


def consent(scene: Scene) -> Widget:
    """Each purpose by itself; what is not touched is not agreed to."""
    look = scene.look
    heading = scene.say("consent.title")
    agree = main_button(
        scene, scene.say("consent.agree"), scene.touch(r.Began), "agree", icon="check", units=14
    )
    use = remark(scene, scene.say("consent.use"), "person", calm=True)
    words = scene.say("consent.optional")
    optional = Text(look, words, "body", bold=True)
    optional = fixed(optional, height_of(look, words, "body", scene.width, bold=True) + 2)
    gap = look.unit(GAP)
    taken = [agree.height, *([] if look.lowered else [use.height]), optional.height]
    room = room_for(scene, *taken, title=heading)
    rows = _purposes(scene, room)
    above: list[Widget] = [use]
    first: list[Widget] = [optional]
    if look.lowered or _height(rows, gap) <= room:
        shown, page, pages = page_of(scene, rows, room, gap)
    else:
        shown, page, pages = _by_and_by(scene, use, optional, rows, heading, agree.height)
        above, first = ([use], []) if page == 0 else ([optional], [])
    turn, on = once_seen(scene, agree, page, pages)
    return framed(scene, *first, *shown, *turn, Space(), on, title=heading, above=above)


def _by_and_by(
    scene: Scene, use: Widget, optional: Widget, rows: list[Widget], heading: str, taken: float
) -> tuple[list[Widget], int, int]:
    """First what cannot be done without, by itself; then the purposes, on as many pages as they need."""
    look = scene.look
    room = room_for(scene, taken, optional.height, pager_height(look), title=heading)
    pages = by_pages([row.height for row in rows], room, look.unit(GAP))
    page = min(scene.state.page, len(pages))
    if page == 0:
        return [], 0, len(pages) + 1
    begin, end = pages[page - 1]
    return rows[begin:end], page, len(pages) + 1


def _height(parts: Sequence[Widget], gap: float) -> float:
    return float(sum(part.height + gap for part in parts) - gap)


def _purposes(scene: Scene, room: float) -> list[Widget]:
    """The purposes with roomy buttons, or with the least there may be where all then stand on one page."""
    look = scene.look
    rows: list[Widget] = []
    for least in (max(look.unit(10), look.target()), look.target()):
        rows = [_purpose(scene, x, least) for x in (Consent.REUSE, Consent.KEEP, Consent.NOTIFY)]
        if _height(rows, look.unit(GAP)) <= room:
            break
    return rows


def _purpose(scene: Scene, purpose: Consent, least: float) -> Widget:
    """The purpose in words, and yes or no beside it: neither is chosen before she touches one."""
    look, state = scene.look, scene.state
    given = True if purpose in state.consents else False if purpose in state.refused else None
    buttons = []
    for key, value in (("yes", True), ("no", False)):
        button = BigButton(
            look,
            scene.say(f"consent.{key}"),
            scene.touch(r.ConsentSet, purpose=purpose, given=value),
            name=f"{purpose.value}-{key}",
            kind="chosen" if given is value else "quiet",
            role="body",
            pad=0.8,
        )
        button.size_hint_x, button.width = None, look.unit(17) * min(look.letters, 1.25)
        buttons.append(button)
    words = scene.say(f"consent.{purpose.value}")
    text = Text(look, words, "body")
    width = scene.width - sum(b.width for b in buttons) - look.unit(3 * 2)
    high = max(least, height_of(look, words, "body", width) + 2)
    return fixed(Row(look, text, *buttons, gap=GAP), high)


# --- card -----------------------------------------------------------------------------------------


def card(scene: Scene) -> Widget:
    """The camera's picture with a frame for the card; what it filled in, or why it could not."""
    look, state = scene.look, scene.state
    if state.filled:
        return _filled(scene)
    heading = scene.say("card.title")
    notes = _card_notes(scene)
    without = main_button(
        scene, scene.say("card.without"), scene.touch(r.CardLeft), "without", kind="plain"
    )
    if not state.camera:
        picture: Widget = Icon(look, "card", size_hint_y=0.6)
        return framed(scene, Space(), without, title=heading, above=[*notes, picture])
    live = Live(look, scene.eye, "card")
    if look.lowered:
        return framed(scene, live, without, title=heading, above=notes)
    if look.portrait:
        return framed(scene, without, title=heading, above=[*notes, live])
    half = (scene.width - look.unit(GAP * 2)) / 2
    words = Column(look, *_card_notes(scene, half), Space(), without, gap=GAP)
    return framed(scene, beside(scene, live, words), title=heading)


def _card_notes(scene: Scene, width: float = 0) -> list[Widget]:
    """What is the matter with what was held, if it was no good; and how to hold the card."""
    state = scene.state
    key = "card.hold" if state.camera else "card.no_camera"
    if state.camera and state.now - state.since > PATIENT_LOOK_MS and not state.card_fault:
        key = "card.patience"
    how = remark(scene, scene.say(key), "card", calm=True, width=width)
    if not state.card_fault:
        return [how]
    return [remark(scene, scene.say(f"card.fault_{state.card_fault}"), width=width), how]


def _filled(scene: Scene) -> Widget:
    """`Điền sẵn`, never `đã xác thực`: a card's code proves nothing."""
    look, state = scene.look, scene.state
    on = main_button(
        scene, scene.say("card.on"), scene.touch(r.CardLeft), "card-on", icon="check", units=14
    )
    parts: list[Widget] = []
    rows = fill.rows(state.form, state.answers, state.today, state.language) if state.form else ()
    for row in rows:
        if row.path in state.filled and row.value:
            parts.append(_said(scene, row.label, row.value))
    heading = scene.say("card.filled")
    keys = [("card.look", "person")]
    if offers_priority(state):
        keys.append(("card.elderly", "priority"))
    notes = _notes(scene, keys)
    if look.lowered:
        count, inner = _fit_below(scene, notes, on), scene.width - look.unit(6)
        notes, parts = notes[:count], [*parts, *_notes(scene, keys[count:], inner)]
        card_, page, pages = sheet(scene, parts, seen_room(scene, title=heading))
        turn, last = once_seen(scene, on, page, pages)
        return framed(scene, *turn, *notes, Space(), last, title=heading, above=[card_])
    taken = [on.height, *(part.height for part in notes)]
    room = seen_room(scene, *taken, title=heading)
    tallest = max((part.height for part in parts), default=0.0)
    if tallest > room - look.unit(SHEET + GAP) - pager_height(look):
        notes, parts = [], [*parts, *_notes(scene, keys, scene.width - look.unit(6))]
        room = seen_room(scene, on.height, title=heading)
    card_, page, pages = sheet(scene, parts, room)
    turn, last = once_seen(scene, on, page, pages)
    return framed(scene, *turn, last, title=heading, above=[*notes, card_])


def _notes(scene: Scene, keys: list[tuple[str, str]], width: float = 0) -> list[Widget]:
    """Side by side on a lying screen."""
    look = scene.look
    if look.portrait or len(keys) == 1:
        return [remark(scene, scene.say(k), icon, calm=True, width=width) for k, icon in keys]
    half = (scene.width - look.unit(GAP)) / 2
    notes = [remark(scene, scene.say(k), icon, calm=True, width=half) for k, icon in keys]
    high = max(note.height for note in notes)
    return [fixed(Row(look, *(fixed(note, high) for note in notes), gap=GAP), high)]


def _said(scene: Scene, label: str, value: str) -> Widget:
    """What a value is, and beside it, or below it where letters are large, the value."""
    look = scene.look
    quiet = look.palette.quiet
    below = look.letters > LETTERS[1] and look.portrait
    name = Text(look, label, "body", colour=quiet, size_hint_x=1 if below else 0.38)
    said = Text(look, value, "button", bold=True, size_hint_x=1 if below else 0.62)
    said.private = True
    inner = (scene.width - look.unit(8)) * (1 if below else 0.6)
    first = height_of(look, label, "body", inner if below else inner * 0.6)
    second = height_of(look, value, "button", inner, bold=True)
    if below:
        parts = Column(look, fixed(name, first + 1), fixed(said, second + 1), gap=0)
        return fixed(parts, first + second + 2)
    return fixed(Row(look, name, said), max(first, second) + look.unit(1.5))
