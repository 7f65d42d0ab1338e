"""The pictures of finding a procedure: errands, search with its keyboard, fields, and the procedure's page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kivy.uix.widget import Widget

import queue_server.dossiers
from kiosk import finding_reports as f
from kiosk import reports as r
from kiosk.finding import can_file, errands
from kiosk.finding_reports import Part
from kiosk.touch.keyboard import Keyboard, KeyWords
from kiosk.touch.style import Look
from kiosk.touch.text import Text, drawn_size
from kiosk.touch.vietnamese import VNI
from kiosk.touch.widgets import BigButton, Card, Column, Icon, Paragraph, QrImage, Row, alike
from queue_server.dossiers.advice import Advice, advise
from queue_server.dossiers.catalogue import Summary
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language

from .scene import (
    GAP,
    MARGIN,
    Choice,
    Scene,
    body_room,
    button_of,
    choices,
    fixed,
    framed,
    pager,
    pager_height,
    rest,
)

DOSSIER_TEXTS = Texts(Path(queue_server.dossiers.__file__).parent / "texts")
ICONS = {
    f.Errand.SEARCH: "search",
    f.Errand.FIELDS: "list",
    f.Errand.LOOKUP: "folder",
    f.Errand.FEEDBACK: "speech",
}
ACTIONS = 0.3
"""The share of a lying screen's width for what can be done."""
Block = tuple[str, str]
"""A role (`head`, `body`, `small`) and its text."""


def errand(scene: Scene) -> Widget:
    """What beside a number."""
    items = [
        BigButton(
            scene.look,
            scene.say(f"errand.{each.value}"),
            scene.touch(f.ErrandChosen, errand=each),
            name=f"errand-{each.value}",
            kind="primary" if each is f.Errand.SEARCH else "plain",
            detail=scene.say(f"errand.{each.value}_hint"),
            icon=ICONS[each],
            role="lead",
            detail_role="body",
            halign="left",
            pad=2.4,
        )
        for each in errands(scene.state)
    ]
    return framed(
        scene,
        *[fixed(item, max(scene.look.unit(15), scene.look.target())) for item in items],
        rest(),
        title=scene.say("errand.title"),
    )


# --- search -------------------------------------------------------------------------------------


def search(scene: Scene) -> Widget:
    """What she types, what it may mean, and the keys; beside each other on a lying screen."""
    look, title = scene.look, scene.say("search.title")
    box = fixed(_typed(scene), look.unit(9) * min(look.letters, 1.25))
    if not look.portrait:
        found = Column(look, box, *_hits(scene, body_room(look, box.height)), rest(), gap=GAP)
        found.size_hint_x = 0.82
        keys = fixed(_keyboard(scene), min(body_room(look), look.unit(60)))
        typing = Column(look, rest(), keys, gap=0)
        return framed(scene, Row(look, found, typing, gap=GAP * 2), title=title)
    keys = fixed(_keyboard(scene), look.unit(44))
    hits = _hits(scene, body_room(look, keys.height, box.height))
    return framed(scene, box, *hits, rest(), keys, title=title)


def _hits(scene: Scene, room: float) -> list[Widget]:
    """The best procedures, as many as there is room for: more letters bring the others up."""
    look, gap = scene.look, scene.look.unit(GAP)
    height = max(look.unit(11.5) * look.letters, look.target())
    lines = _lines(scene)[: max(1, int((room + gap) // (height + gap)))]
    if not lines:
        words = "search.nothing" if scene.state.query.strip() else "search.hint"
        return [fixed(Text(look, scene.say(words), "lead", halign="center"), look.unit(18))]
    buttons = [button_of(scene, _found(scene, line)) for line in lines]
    alike(buttons)
    return [fixed(button, height) for button in buttons]


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
    shown = Text(look, f"{query}|" if query else scene.say("search.empty"), "lead")
    if not query:
        shown.color = look.palette.quiet
    clear = BigButton(
        look,
        scene.say("search.clear"),
        scene.touch(f.QueryCleared),
        name="clear",
        kind="quiet",
        disabled=not query,
    )
    clear.size_hint_x, clear.width = None, look.unit(20)
    sign = Icon(look, "search", size_hint_x=None, width=look.unit(5))
    card = Card(look, sign, shown, border=look.palette.primary, pad=1.4, orientation="horizontal")
    return Row(look, card, clear, gap=GAP)


def _keyboard(scene: Scene) -> Widget:
    """The same keys from one letter to the next: eighty buttons are not made anew for each."""
    key = (scene.look, scene.state.language, scene.state.typing)
    return scene.keep("search keys", key, lambda: _new_keyboard(scene))


def _new_keyboard(scene: Scene) -> Keyboard:
    typing = scene.state.typing
    words = KeyWords(
        space=scene.say("keys.space"),
        delete=scene.say("keys.delete"),
        digits=scene.say("keys.digits"),
        letters=scene.say("keys.letters"),
        done=scene.say("keys.done"),
        way=scene.say(f"keys.{typing}"),
    )
    return Keyboard(
        scene.look,
        words,
        lambda key: scene.tell(f.KeyPressed, key=key),
        scene.touch(f.QueryCleared),
        vietnamese=scene.state.language == Language.VI,
        numbers=typing == VNI,
        on_way=scene.touch(f.TypingTurned),
        last=False,
    )


# --- fields -------------------------------------------------------------------------------------


def fields(scene: Scene) -> Widget:
    shelf = scene.state.shelf
    items = [
        Choice(
            name=f"field-{place}",
            text=each.name,
            on_act=scene.touch(f.FieldChosen, field=each.name),
            detail=scene.say("fields.count", count=each.count),
        )
        for place, each in enumerate(shelf.fields() if shelf else ())
    ]
    body = choices(scene, items, body_room(scene.look), least=11, most=14)
    return framed(scene, *body, rest(), title=scene.say("fields.title"))


def field(scene: Scene) -> Widget:
    state = scene.state
    lines = state.shelf.of_field(state.field) if state.shelf else ()
    items = [_found(scene, line) for line in lines]
    body = choices(scene, items, body_room(scene.look), least=11, most=14)
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
    ways, aside = _ways(scene, line), _aside(scene)
    tabs = fixed(_tabs(scene), look.target())
    height = max(look.unit(11), look.target())
    if look.portrait:
        beside = fixed(Row(look, *aside, gap=1.2), look.target())
        main = fixed(
            Column(look, *ways, gap=GAP), (height + look.unit(GAP)) * len(ways) - look.unit(GAP)
        )
        room = body_room(look, tabs.height, main.height, beside.height)
        return framed(scene, tabs, *_sheet(scene, line, room, 1.0), beside, main, title=line.name)
    things = [fixed(thing, height) for thing in (*ways, *aside)]
    right = Column(look, *things, rest(), gap=GAP, size_hint_x=None, width=look.width * ACTIONS)
    sheet = _sheet(scene, line, body_room(look, tabs.height), 1 - ACTIONS)
    left = Column(look, tabs, *sheet, gap=GAP)
    return framed(scene, Row(look, left, right, gap=GAP * 2), title=line.name)


def _sheet(scene: Scene, line: Summary, room: float, share: float) -> list[Widget]:
    """The shown part as a sheet of `room` pixels on `share` of the width, and a pager if it is longer."""
    look = scene.look
    width = look.width * share - look.unit(2 * MARGIN + 2 * 3 + (0 if share == 1.0 else GAP * 2))
    blocks = _blocks(scene, _told(scene), line)
    pages = laid_out(look, blocks, room, width)
    if len(pages) > 1:
        pages = laid_out(look, blocks, room - pager_height(look) - look.unit(GAP), width)
    page = min(scene.state.page, len(pages) - 1)
    sheet = Card(look, *_texts(look, pages[page]), rest(), pad=3, gap=1)
    return [sheet, *([pager(scene, page, len(pages))] if len(pages) > 1 else [])]


def _told(scene: Scene) -> Advice | None:
    state = scene.state
    record = state.shelf.record(state.found) if state.shelf else None
    return advise(record, DOSSIER_TEXTS.say, state.language) if record else None


def _tabs(scene: Scene) -> Widget:
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
        for part in Part
    ]
    return Row(scene.look, *buttons, gap=1.2)


def _ways(scene: Scene, line: Summary) -> list[Widget]:
    """The ways on, the fullest first: file here, take a number."""
    look = scene.look
    ways: list[tuple[str, str, type[r.Report], str]] = []
    if can_file(scene.state):
        ways.append(("file", "advice.file", f.FilingAsked, "write"))
    if line.service:
        ways.append(("number", "advice.number", f.NumberAsked, "ticket"))
    if not ways:
        return [Paragraph(look, scene.say("search.elsewhere_text"), halign="center")]
    return [
        BigButton(
            look,
            scene.say(key),
            scene.touch(kind),
            name=name,
            kind="plain" if place else "primary",
            icon=icon,
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
            icon=icons[name],
            role="body",
            pad=0.8,
        )
        for name, key, act in things
    ]


def _keep(scene: Scene, line: Summary) -> Widget:
    look, setup = scene.look, scene.state.setup
    base = setup.public_url.rstrip("/") if setup else ""
    code = QrImage(f"{base}/p/{line.code}", size_hint_y=1.4)
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
        code,
        words,
        fixed(close, max(look.unit(12), look.target())),
        rest() if look.portrait else Widget(size_hint_y=0.05),
        title=line.name,
    )


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
    """The blocks by pages of `room` pixels, a heading with what follows; one longer than a page goes on
    over the next."""
    inner = room - look.unit(6)
    pages: list[list[Block]] = [[]]
    left = inner
    parted = _split(look, blocks, width, inner)
    heights = [_height(look, role, text, width) for role, text in parted]
    for place, (role, text) in enumerate(parted):
        height = heights[place]
        with_next = height + (heights[place + 1] if place + 1 < len(parted) else 0)
        if (with_next if role == "head" else height) > left and pages[-1]:
            pages.append([])
            left = inner
        pages[-1].append((role, text))
        left -= height
    return pages


def _split(look: Look, blocks: Sequence[Block], width: float, most: float) -> list[Block]:
    """No block is higher than a page: long ones are parted between words."""
    parted: list[Block] = []
    for role, text in blocks:
        words = text.split(" ")
        while _height(look, role, " ".join(words), width) > most and len(words) > 1:
            low, high = 1, len(words) - 1
            while low < high:
                middle = (low + high + 1) // 2
                fits = _height(look, role, " ".join(words[:middle]), width) <= most
                low, high = (middle, high) if fits else (low, middle - 1)
            parted.append((role, " ".join(words[:low])))
            words = words[low:]
        parted.append((role, " ".join(words)))
    return parted


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
