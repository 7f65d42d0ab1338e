"""The pictures of finding a procedure: errands, search with its keyboard, fields, and the procedure's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kivy.uix.widget import Widget

import queue_server.dossiers
from kiosk import finding_reports as f
from kiosk import reports as r
from kiosk.finding import can_file, errands, parts, sheet_of, sheets
from kiosk.finding_reports import Part, Sheet
from kiosk.touch.keyboard import Keyboard, keyboard_height
from kiosk.touch.picture import Picture
from kiosk.touch.style import LETTERS, Look
from kiosk.touch.text import Text, drawn_size, height_of
from kiosk.touch.vietnamese import VNI
from kiosk.touch.widgets import (
    BigButton,
    Card,
    Column,
    Icon,
    QrImage,
    Row,
    alike,
    button_height,
)
from queue_server.dossiers.advice import Advice, advise
from queue_server.dossiers.catalogue import Summary
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language

from .scene import (
    GAP,
    HEADER,
    MARGIN,
    Choice,
    Scene,
    body_room,
    button_of,
    by_pages,
    choices,
    fixed,
    framed,
    key_words,
    paged,
    pager,
    rest,
    title_height,
    turning,
    wide_height,
)

DOSSIER_TEXTS = Texts(Path(queue_server.dossiers.__file__).parent / "texts")
ICONS = {
    f.Errand.SEARCH: "search",
    f.Errand.FIELDS: "list",
    f.Errand.LOOKUP: "folder",
    f.Errand.CHECK_IN: "ticket",
    f.Errand.BOOK: "clock",
    f.Errand.FEEDBACK: "speech",
}
TYPED = 0.82
"""The width of what is found beside that of the keys, on a lying screen."""
LONGEST_CAPTION = 60
ACTIONS = 0.3
"""The share of a lying screen's width for what can be done."""
GOES_ON = " …"
Block = tuple[str, str]
"""A role (`head`, `body`, `small`) and its text."""


def errand(scene: Scene) -> Widget:
    """What beside a number."""
    look, title = scene.look, scene.say("errand.title")
    offered = errands(scene.state)
    high = {
        each: max(
            look.unit(15), wide_height(look, *_errand_words(scene, each), "lead", "body", 2.4)
        )
        for each in offered
    }
    room, gap = body_room(look, title=title), look.unit(GAP)
    tight = sum(high.values()) + gap * (len(high) - 1) > room
    role = "button" if tight and look.letters > LETTERS[1] else "lead"
    items = [
        BigButton(
            look,
            _errand_words(scene, each)[0],
            scene.touch(f.ErrandChosen, errand=each),
            name=f"errand-{each.value}",
            kind="primary" if each is f.Errand.SEARCH else "plain",
            detail="" if tight else _errand_words(scene, each)[2],
            icon=ICONS[each],
            role=role,
            detail_role="body",
            halign="left",
            pad=1.2 if tight else 2.4,
        )
        for each in offered
    ]
    least = {
        each: wide_height(look, words, 12, "", role, "body", 1.2)
        for each in offered
        for words in [_errand_words(scene, each)[0]]
    }
    heights = least if tight else high
    sized = [fixed(item, heights[each]) for item, each in zip(items, offered, strict=True)]
    return framed(scene, *sized, rest(), title=title)


def _errand_words(scene: Scene, each: f.Errand) -> tuple[str, float, str]:
    """Its text, its usual height in units, its explanation."""
    return scene.say(f"errand.{each.value}"), 15, scene.say(f"errand.{each.value}_hint")


# --- search -------------------------------------------------------------------------------------


def search(scene: Scene) -> Widget:
    """What she types, what it may mean, and the keys; beside each other on a lying screen."""
    look, title = scene.look, scene.say("search.title")
    box = _typed(scene)
    if not look.portrait:
        width = (look.width - look.unit(2 * MARGIN + GAP * 2)) * TYPED / (1 + TYPED)
        hits = _hits(scene, body_room(look, box.height, title=title), width)
        found = Column(look, box, *hits, rest(), gap=GAP, size_hint_x=TYPED)
        keys = fixed(_keyboard(scene), min(body_room(look, title=title), look.unit(60)))
        typing = Column(look, rest(), keys, gap=0)
        return framed(scene, Row(look, found, typing, gap=GAP * 2), title=title)
    keys = fixed(
        _keyboard(scene),
        keyboard_height(_key_look(look), scene.state.language == "vi", scene.state.typing == VNI),
    )
    width = look.width - 2 * look.unit(MARGIN)
    if look.lowered:
        hits = _hits(scene, body_room(look, keys.height), width)
        return framed(scene, *hits, rest(), keys, title=title, above=[box])
    hits = _hits(scene, body_room(look, keys.height, box.height, title=title), width)
    return framed(scene, *hits, rest(), keys, title=title, above=[box])


def _hits(scene: Scene, room: float, width: float) -> list[Widget]:
    """The best procedures, page by page; more letters bring the others up."""
    look, gap = scene.look, scene.look.unit(GAP)
    lines = _lines(scene)
    if not lines:
        words = scene.say("search.nothing" if scene.state.query.strip() else "search.hint")
        high = max(look.unit(18), height_of(look, words, "lead", width) + 1)
        return [fixed(Text(look, words, "lead", halign="center"), min(high, room))]
    items = [_found(scene, line) for line in lines]
    usual = [_hit_height(look, item, width) for item in items]
    if usual[0] > room + 0.5:
        items = [replace(item, detail="") for item in items]
        usual = [_hit_height(look, item, width, look.target()) for item in items]
    heights = [min(high, max(room, look.target())) for high in usual]
    can_turn = room - turning(look) >= max(heights)
    pages = paged(look, heights, room, gap) if can_turn else by_pages(heights, room, gap)
    turns = can_turn and len(pages) > 1
    page = min(scene.state.page, len(pages) - 1) if turns else 0
    begin, end = pages[page]
    buttons = [
        fixed(button_of(scene, item), high)
        for item, high in zip(items[begin:end], heights[begin:end], strict=True)
    ]
    alike(buttons)
    return [*buttons, *([pager(scene, page, len(pages))] if turns else [])]


def _hit_height(look: Look, item: Choice, width: float, least: float = 0.0) -> float:
    need = button_height(look, item.text, item.detail, width)
    return max(least or max(look.unit(11.5), look.target()), need)


def _lines(scene: Scene) -> list[Summary]:
    shelf, query = scene.state.shelf, scene.state.query
    if shelf is None:
        return []
    if not query.strip():
        return list(shelf.usual())
    found = (shelf.line(hit.code) for hit in shelf.find(query))
    return [line for line in found if line is not None]


def _found(scene: Scene, line: Summary) -> Choice:
    time = line.time.say(scene.state.language)
    fee = line.fee_en if scene.state.language == Language.EN else line.fee
    here = bool(line.service)
    words = f"{time} · {fee}" if here else scene.say("search.elsewhere")
    return Choice(
        name=f"found-{line.code}",
        text=line.name,
        on_act=scene.touch(f.ProcedureFound, code=line.code),
        detail=words,
        kind="plain" if here else "muted",
    )


def _typed(scene: Scene) -> Widget:
    look, query = scene.look, scene.state.query
    words = f"{query}|" if query else scene.say("search.empty")
    shown = Text(look, words, "lead")
    aside = look.unit(20) * min(look.letters, 1.25)
    width = look.width - look.unit(2 * MARGIN)
    if not look.portrait:
        width = (width - look.unit(GAP * 2)) * TYPED / (1 + TYPED)
    inner = width - look.unit(5 + 2 * 1.4 + 1.5) - (0 if look.lowered else aside + look.unit(GAP))
    high = max(look.unit(9), height_of(look, words, "lead", inner) + look.unit(3))
    if not query:
        shown.color = look.palette.quiet
    sign = Icon(look, "search", size_hint_x=None, width=look.unit(5))
    card = Card(look, sign, shown, border=look.palette.primary, pad=1.4, orientation="horizontal")
    if look.lowered:
        return fixed(card, high)
    clear = BigButton(
        look,
        scene.say("search.clear"),
        scene.touch(f.QueryCleared),
        name="clear",
        kind="quiet",
        disabled=not query,
        role="button" if look.letters == 1.0 else "body",
        pad=1.0,
    )
    clear.size_hint_x, clear.width = None, aside
    return fixed(Row(look, card, clear, gap=GAP), high)


def _keyboard(scene: Scene) -> Widget:
    """The same keys from one letter to the next: fifty buttons are not made anew for each."""
    key = (scene.look, scene.state.language, scene.state.typing)
    return scene.keep("search keys", key, lambda: _new_keyboard(scene))


def _new_keyboard(scene: Scene) -> Keyboard:
    typing = scene.state.typing
    low = scene.look.lowered  # there what is typed stands above, and is not to be touched
    words = key_words(scene, scene.say("search.clear") if low else "", typing)
    return Keyboard(
        _key_look(scene.look),
        words,
        lambda key: scene.tell(f.KeyPressed, key=key),
        scene.touch(f.QueryCleared),
        vietnamese=scene.state.language == Language.VI,
        numbers=typing == VNI,
        on_way=scene.touch(f.TypingTurned),
        last=low,
        last_kind="quiet",
    )


def _key_look(look: Look) -> Look:
    """Letters on keys are large already; in the lower half they must leave room for what is found."""
    return replace(look, letters=1.0 if look.lowered else min(look.letters, 1.25))


# --- fields -------------------------------------------------------------------------------------


def fields(scene: Scene) -> Widget:
    shelf = scene.state.shelf
    items = [
        Choice(
            name=f"field-{place}",
            text=each.name,
            on_act=scene.touch(f.FieldChosen, field=each.name),
            detail=scene.say(
                "fields.count_one" if each.count == 1 else "fields.count", count=each.count
            ),
        )
        for place, each in enumerate(shelf.fields() if shelf else ())
    ]
    title = scene.say("fields.title")
    body = choices(scene, items, body_room(scene.look, title=title), least=11, most=14)
    return framed(scene, *body, rest(), title=title)


def field(scene: Scene) -> Widget:
    state = scene.state
    lines = state.shelf.of_field(state.field) if state.shelf else ()
    items = [_found(scene, line) for line in lines]
    body = choices(scene, items, body_room(scene.look, title=state.field), least=11, most=14)
    return framed(scene, *body, rest(), title=state.field)


# --- the procedure's page -----------------------------------------------------------------------


def advice(scene: Scene) -> Widget:
    """Its name, the parts, the shown part by pages, and what can be done from here."""
    look, state = scene.look, scene.state
    line = state.shelf.line(state.found) if state.shelf else None
    if line is None:
        return errand(scene)
    if state.kept:
        return _keep(scene, line)
    if (sheet := sheet_of(state)) is not None:
        return _guide(scene, line, sheet)
    ways, aside = _ways(scene, line), _aside(scene)
    share = 1.0 if look.portrait else 1 - ACTIONS
    tabs = _tabs(scene, share)
    height = max(look.unit(11), look.target(), look.text("button") * 2.6 + look.unit(3))
    if not look.portrait:
        return _advice_lying(scene, line, tabs, [*ways, *aside], height)
    beside = fixed(Row(look, *aside, gap=1.2), _row_height(look, aside, look.width, 1.2))
    main = _main(look, ways, height)
    if look.lowered:
        room = look.height / 2 - look.unit(HEADER + 4 + GAP) - title_height(look, line.name)
        sheet, *turn = _sheet(scene, line, room, 1.0, pager_below=True)
        below = [*turn, tabs, beside, main, rest()]
        return framed(scene, *below, title=line.name, above=[sheet])
    room = body_room(look, tabs.height, main.height, beside.height, title=line.name)
    sheets = _sheet(scene, line, room, 1.0)
    return framed(scene, tabs, *sheets, beside, main, title=line.name)


def _main(look: Look, ways: Sequence[Widget], height: float) -> Widget:
    """One below the other; side by side, where larger letters leave the sheet too little room."""
    if look.letters <= LETTERS[1] and not look.lowered:
        high = (height + look.unit(GAP)) * len(ways) - look.unit(GAP)
        return fixed(Column(look, *ways, gap=GAP), high)
    least = height if look.letters <= LETTERS[1] else look.unit(11)
    return fixed(Row(look, *ways, gap=1.2), max(least, _row_height(look, ways, look.width, 1.2)))


def _advice_lying(
    scene: Scene, line: Summary, tabs: Widget, things: Sequence[Widget], height: float
) -> Widget:
    """What can be done stands at the right of the sheet."""
    look = scene.look
    room = body_room(look, title=line.name)
    height = min(height, (room + look.unit(GAP)) / len(things) - look.unit(GAP))
    right = Column(
        look,
        *[fixed(thing, height) for thing in things],
        rest(),
        gap=GAP,
        size_hint_x=None,
        width=look.width * ACTIONS,
    )
    sheet = _sheet(scene, line, body_room(look, tabs.height, title=line.name), 1 - ACTIONS)
    left = Column(look, tabs, *sheet, gap=GAP)
    return framed(scene, Row(look, left, right, gap=GAP * 2), title=line.name)


def _row_height(look: Look, buttons: Sequence[Widget], width: float, gap: float) -> float:
    """Of buttons side by side in `width` pixels (the margins are taken off), as their words need."""
    inner = width - 2 * look.unit(MARGIN) - look.unit(gap) * (len(buttons) - 1)
    each = inner / max(1, len(buttons))
    needs = [
        button_height(
            look, b.label.text, "", each, role=b.label.role, beside=b.icon is not None, pad=0.8
        )
        for b in buttons
        if isinstance(b, BigButton)
    ]
    return max([look.target(), *needs])


def _narrow(look: Look) -> str:
    """The role of words on narrow buttons: the largest letters leave no room for more."""
    return "body" if look.letters <= LETTERS[1] else "small"


def _sheet(
    scene: Scene, line: Summary, room: float, share: float, pager_below: bool = False
) -> list[Widget]:
    """The shown part as a sheet of `room` pixels on `share` of the width, and a pager if it is longer.

    `pager_below`: the pager takes none of the room.
    """
    look = scene.look
    width = look.width * share - look.unit(2 * MARGIN + 2 * 3 + (0 if share == 1.0 else GAP * 2))
    blocks = _blocks(scene, _told(scene), line)
    pages = laid_out(look, blocks, room, width)
    if len(pages) > 1 and not pager_below:
        pages = laid_out(look, blocks, room - turning(look), width)
    page = min(scene.state.page, len(pages) - 1)
    sheet = Card(look, *_texts(look, pages[page]), rest(), pad=3, gap=1)
    return [sheet, *([pager(scene, page, len(pages))] if len(pages) > 1 else [])]


def _told(scene: Scene) -> Advice | None:
    state = scene.state
    record = state.shelf.record(state.found) if state.shelf else None
    return advise(record, DOSSIER_TEXTS.say, state.language) if record else None


def _tabs(scene: Scene, share: float) -> Widget:
    buttons = [
        BigButton(
            scene.look,
            scene.say(f"advice.{part.value}"),
            scene.touch(f.PartShown, part=part),
            name=f"part-{part.value}",
            kind="chosen" if part is scene.state.part else "quiet",
            role="body",
            pad=0.8,
        )
        for part in parts(scene.state)
    ]
    look = scene.look
    width = look.width * share
    half = len(buttons) // 2
    ways = [[buttons]]
    if look.letters > LETTERS[1]:
        ways = [[buttons[:n], buttons[n:]] for n in sorted({half, len(buttons) - half})]
    rows = min(ways, key=lambda rows: sum(_row_height(look, row, width, 1.2) for row in rows))
    heights = [_row_height(look, row, width, 1.2) for row in rows]
    lines = [fixed(Row(look, *row, gap=1.2), high) for row, high in zip(rows, heights, strict=True)]
    gaps = look.unit(1.2) * (len(rows) - 1)
    return fixed(Column(look, *lines, gap=1.2), sum(heights) + gaps)


def _ways(scene: Scene, line: Summary) -> list[Widget]:
    """The ways on, the fullest first: file here, take a number."""
    look = scene.look
    ways: list[tuple[str, str, type[r.Report], str]] = []
    if can_file(scene.state):
        ways.append(("file", "advice.file", f.FilingAsked, "write"))
    if line.service:
        ways.append(("number", "advice.number", f.NumberAsked, "ticket"))
    if not ways:
        return [Text(look, scene.say("search.elsewhere_text"), "body", halign="center")]
    return [
        BigButton(
            look,
            scene.say(key),
            scene.touch(kind),
            name=name,
            kind="plain" if place else "primary",
            icon=icon if look.letters <= LETTERS[1] else "",
            pad=1.6 if look.letters <= LETTERS[1] else 0.8,
        )
        for place, (name, key, kind, icon) in enumerate(ways)
    ]


def _aside(scene: Scene) -> list[Widget]:
    state, look = scene.state, scene.look
    things: list[tuple[str, str, Widget]] = []
    if state.printer.prints:
        key = "advice.printing" if state.listing else "advice.print"
        if state.listed and not state.listing:
            key = "advice.printed" if state.listed != "failed" else "advice.not_printed"
        things.append(("print", key, scene.touch(f.ChecklistAsked)))
    if state.setup is not None and state.setup.public_url:
        things.append(("keep", "advice.keep", scene.touch(f.KeptOnPhone, shown=True)))
    things.append(("read", "advice.read", scene.touch(f.ReadAsked)))
    icons = {"print": "printer", "keep": "phone", "read": "speaker"}
    return [
        BigButton(
            look,
            scene.say(key),
            act,
            name=name,
            kind="quiet",
            icon=icons[name] if look.letters <= LETTERS[1] else "",
            role=_narrow(look),
            pad=0.8,
        )
        for name, key, act in things
    ]


def _keep(scene: Scene, line: Summary) -> Widget:
    look = scene.look
    code = QrImage(_on_phone(scene, line), size_hint_y=1.4)
    close = BigButton(
        look,
        scene.say("advice.keep_done"),
        scene.touch(f.KeptOnPhone, shown=False),
        name="keep-done",
        kind="primary",
    )
    words = Text(look, scene.say("advice.keep_text"), "lead", halign="center", size_hint_y=0.5)
    return framed(
        scene,
        fixed(close, max(look.unit(12), look.target())),
        rest() if look.portrait else Widget(size_hint_y=0.05),
        title=line.name,
        above=[code, words],
    )


def _guide(scene: Scene, line: Summary, sheet: Sheet) -> Widget:
    """A sheet of the centre's own guides, as large as it goes; for a film the code that opens it on a phone.

    All that is touched stands at the foot anyway: a low screen needs no other order.
    """
    scene = replace(scene, look=replace(scene.look, low=False))
    state, look = scene.state, scene.look
    count = len(sheets(state))
    turn = [pager(scene, min(state.page, count - 1), count)] if count > 1 else []
    title = _caption(scene, sheet)
    if sheet.kind == "film":
        words = Text(look, scene.say("advice.film"), "lead", halign="center", size_hint_y=0.5)
        shown = [QrImage(_on_phone(scene, line), size_hint_y=1.4), words]
    elif state.drawn is not None:
        shown = [Picture(look, state.drawn.pixels)]
    else:
        shown = [Text(look, scene.say("advice.sheet_opening"), "lead", halign="center")]
    return framed(scene, *turn, title=title, above=shown)


def _caption(scene: Scene, sheet: Sheet) -> str:
    caption = sheet.caption
    if len(caption) > LONGEST_CAPTION:
        caption = caption[:LONGEST_CAPTION].rsplit(" ", 1)[0] + " …"
    if sheet.kind == "sample":
        caption = scene.say("advice.sheet_sample", caption=caption)
    if sheet.pages > 1:
        values = {"page": sheet.page, "pages": sheet.pages}
        caption = scene.say("advice.sheet_of", caption=caption, **values)
    return caption


def _on_phone(scene: Scene, line: Summary) -> str:
    """The procedure's page for the visitor's own phone."""
    setup = scene.state.setup
    return f"{setup.public_url.rstrip('/') if setup else ''}/p/{line.code}"


def _blocks(scene: Scene, told: Advice | None, line: Summary) -> list[Block]:
    """The shown part as texts."""
    if told is None:
        language = scene.state.language
        fee = line.fee_en if language == Language.EN else line.fee
        facts = scene.say("advice.short", time=line.time.say(language), fee=fee)
        return [("body", facts), ("small", scene.say("advice.no_record"))]
    return {
        Part.PAPERS: _papers,
        Part.COST: _cost,
        Part.STEPS: _steps,
        Part.RULES: _rules,
    }[scene.state.part](scene, told)


def _papers(scene: Scene, told: Advice) -> list[Block]:
    blocks: list[Block] = []
    for group in told.papers:
        if group.title:
            blocks.append(("head", group.title))
        for paper in group.papers:
            blocks.append(("body", f"•  {paper.name}"))
            if paper.sheets:
                blocks.append(("small", f"    {paper.sheets}"))
    if told.presence:
        blocks.insert(0, ("head", scene.say("advice.presence")))
    return blocks or [("body", scene.say("advice.no_papers"))]


def _cost(scene: Scene, told: Advice) -> list[Block]:
    blocks: list[Block] = [
        ("head", scene.say("advice.short", time=told.time, fee=told.fee)),
        ("small", told.dated),
    ]
    for way in told.ways:
        blocks.append(("body", f"•  {way.name}: {way.time}"))
        blocks.append(("small", "    " + "; ".join(way.fees)))
    return blocks


def _steps(scene: Scene, told: Advice) -> list[Block]:
    return [("body", f"{place}.  {step}") for place, step in enumerate(told.steps, 1)]


def _rules(scene: Scene, told: Advice) -> list[Block]:
    blocks: list[Block] = []
    for key, lines in (
        ("advice.who", told.who),
        ("advice.rules_head", told.rules),
        ("advice.remarks", told.remarks),
        ("advice.results", told.results),
        ("advice.legal", told.legal),
    ):
        if lines:
            blocks.append(("head", scene.say(key)))
            blocks += [("body", f"•  {line}") for line in lines]
    blocks.append(("small", scene.say("advice.code", code=told.code)))
    return blocks


# --- text by pages ------------------------------------------------------------------------------


ROLES = {"head": "lead", "body": "button", "small": "body"}


def laid_out(look: Look, blocks: Sequence[Block], room: float, width: float) -> list[list[Block]]:
    """The blocks by pages of `room` pixels: a heading with what follows, a long block over two pages."""
    inner = room - look.unit(6)
    pages: list[list[Block]] = [[]]
    left = inner
    following = [*(role for role, _ in blocks[1:]), ""]
    for (role, text), then in zip(blocks, following, strict=True):
        rest = text
        beneath = _beneath(look, role, then, width)
        while rest:
            height = _height(look, role, rest, width)
            alone = not pages[-1] and (height <= left or len(rest.split(" ")) == 1)
            if height + beneath <= left or alone:
                pages[-1].append((role, rest))
                left -= height
                break
            part, after = "", rest
            if height > left:
                part, after = _parted(look, role, rest, width, left, bool(pages[-1]))
            if part:
                pages[-1].append((role, part))
            rest = after
            pages.append([])
            left = inner
    return pages if pages[-1] or len(pages) == 1 else pages[:-1]


def _beneath(look: Look, role: str, then: str, width: float) -> float:
    """What must have room on the same page: two lines under a heading, one of what is said of a paper."""
    if role == "head":
        return _height(look, "body", "Ấg\nẤg", width)
    return _height(look, "small", "Ấg", width) if then == "small" else 0.0


def _parted(
    look: Look, role: str, text: str, width: float, room: float, begun: bool
) -> tuple[str, str]:
    """As many words as `room` holds, and the others. On a page that is `begun` two lines at least.

    At the end of a sentence, if there is one in the second half; else the first part says that it goes on.
    """
    words = text.split(" ")
    low, high = 0, len(words) - 1
    while low < high:
        middle = (low + high + 1) // 2
        fits = _height(look, role, " ".join(words[:middle]) + GOES_ON, width) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    few = low and _height(look, role, " ".join(words[:low]), width) < 2 * look.text(ROLES[role])
    if begun and (role == "head" or few):
        low = 0
    if not begun:
        low = max(1, low)
    ends = [n for n in range(low, low // 2, -1) if words[n - 1].endswith((".", ";"))]
    low = ends[0] if ends else low
    part = " ".join(words[:low])
    return part if ends or not part else part + GOES_ON, " ".join(words[low:])


def _height(look: Look, role: str, text: str, width: float) -> float:
    bold = role == "head"
    return drawn_size(text, look.text(ROLES[role]), bold, width)[1] + look.unit(1)


def _texts(look: Look, blocks: Sequence[Block]) -> list[Widget]:
    """Each block as a text as high as it is; the quiet ones are the sheets under a paper's name."""
    texts = []
    for role, words in blocks:
        colour = look.palette.quiet if role == "small" else look.palette.ink
        texts.append(Text(look, words, ROLES[role], bold=role == "head", colour=colour, grows=True))
    return texts
