"""One question a screen: letters, figures, dates, choices, lists; what is wrong stands at the field, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kivy.uix.widget import Widget

from kiosk.filing import reports as r
from kiosk.filing.drafts import Input, found, input_of
from kiosk.touch.keyboard import Keyboard, keyboard_height
from kiosk.touch.style import LEAST_TARGET_MM, LETTERS
from kiosk.touch.text import Text, height_of
from kiosk.touch.vietnamese import DELETE, VNI
from kiosk.touch.widgets import BigButton, Card, Column, Row, Space, alike
from queue_server.dossiers.forms import fill
from queue_server.dossiers.forms.ask import Question
from queue_server.dossiers.forms.ask import Widget as Kind
from queue_server.dossiers.words_vi import grouped, money_words, number_words

from .scene import (
    GAP,
    Choice,
    Scene,
    beside,
    choices,
    fixed,
    framed,
    hers,
    key_words,
    main_button,
    page_of,
    pager,
    pager_height,
    paragraph,
    remark,
    room_for,
    seen_room,
    turner,
)

PAD_ROWS = ("123", "456", "789")
PAD_WIDTH, PAD_HEIGHT = 70.0, 56.0
LEAST_FIGURE = 6.8
"""Units of height in which a figure of the pad can be read."""
LONGEST_TITLE = 150
EMAIL_SIGNS = "@.-_"
FIND_KEYS, FIND_KEYS_LOW = 36.0, 31.0
"""Units of height of the keys by which something is found: with large letters the list needs the room."""


def question(scene: Scene) -> Widget:
    """The question on the screen with what stands for its answer."""
    asked = scene.state.question
    assert asked is not None
    picture = _PICTURES[input_of(asked, scene.state.draft)](scene, asked)
    if asked.sensitive:
        _ask_alone(picture, _title(scene, asked))
    return picture


def _ask_alone(picture: Widget, title: str) -> None:
    """What is asked already says something of her: `read_aloud` asks it where only she hears it."""
    for part in picture.walk(restrict=True):
        if isinstance(part, Text) and part.text == title:
            part.private = part.asks = True


def _title(scene: Scene, asked: Question) -> str:
    words = asked.ask.say(scene.state.language)
    return words if len(words) <= LONGEST_TITLE else f"{words[:LONGEST_TITLE].rsplit(' ', 1)[0]} …"


# --- above the answer -----------------------------------------------------------------------------


def _above(
    scene: Scene, asked: Question, width: float = 0, room: float = float("inf")
) -> list[Widget]:
    """Help, where there is `room` for it; where the answer comes from, and what is the matter with it."""
    state, language = scene.state, scene.state.language
    parts: list[Widget] = []
    if asked.help is not None and not state.problems:
        help_ = _helped(scene, asked.help.say(language), width)
        if help_.height <= room:
            parts.append(help_)
    if state.problems:
        said = "\n".join(fill.words_of(p, scene.words.say, language) for p in state.problems)
        parts.append(remark(scene, said, width=width))
    elif _is_filled_in(scene, asked):
        parts.append(remark(scene, scene.say("question.filled"), "person", calm=True, width=width))
    return [hers(part) for part in parts] if asked.sensitive else parts


def _helped(scene: Scene, words: str, width: float) -> Widget:
    look = scene.look
    text = Text(look, words, "body", colour=look.palette.quiet, valign="top")
    return fixed(text, height_of(look, words, "body", width or scene.width) + 2)


def _is_filled_in(scene: Scene, asked: Question) -> bool:
    whole = asked.path.partition("/")[0]
    return whole in scene.state.filled and asked.value not in (None, "")


# --- below it -------------------------------------------------------------------------------------


def _ways(scene: Scene, asked: Question, onward: bool = True) -> list[Widget]:
    """On with what was typed, leave it out, or fill in from a card; a doubt is answered before."""
    state, look = scene.state, scene.look
    if state.pending is not None:
        return [
            main_button(
                scene,
                scene.say("question.certain"),
                scene.touch(r.Certain),
                "certain",
                icon="check",
            )
        ]
    parts: list[Widget] = []
    beside_: list[BigButton] = []
    if not asked.required:
        beside_.append(_quiet(scene, "question.skip", r.Skipped, "skip"))
    if state.form is not None and fill.takes_card(state.form, asked.path) and _offers_card(asked):
        act = scene.touch(r.CardAsked, path=asked.path)
        words = scene.say("question.card")
        beside_.append(
            BigButton(
                look, words, act, name="card", kind="quiet", icon="card", role="body", pad=0.8
            )
        )
    if beside_:
        alike(beside_)
        high = max(look.unit(9), look.text("body") * 1.3 + look.unit(2), look.target())
        if look.letters > LETTERS[0]:
            parts += [fixed(button, high) for button in beside_]
        else:
            parts.append(fixed(Row(look, *beside_, gap=GAP), high))
    if onward:
        words = scene.say("question.next")
        parts.append(main_button(scene, words, scene.touch(r.Entered), "next"))
    return parts


def _offers_card(asked: Question) -> bool:
    """At the first thing that a card says of a person, and nowhere else: one offer a person is enough."""
    return asked.kind is Kind.ID_NUMBER


def _quiet(scene: Scene, key: str, kind: type[r.Report], name: str, **values: Any) -> BigButton:
    return BigButton(
        scene.look,
        scene.say(key),
        scene.touch(kind, **values),
        name=name,
        kind="quiet",
        role="body",
        pad=0.8,
    )


def _laid(
    scene: Scene,
    asked: Question,
    shown: list[Widget],
    touched: list[Widget],
) -> Widget:
    """What is looked at above what is touched; beside it on a lying screen."""
    look, title = scene.look, _title(scene, asked)
    if look.portrait:
        taken = [part.height for part in shown]
        if not look.lowered:
            taken += [part.height for part in touched]
        room = seen_room(scene, *taken, title=title) - look.unit(GAP)
        above = [*_above(scene, asked, room=room), *shown]
        body = touched if look.lowered else [Space(), *touched]
        return framed(scene, *body, title=title, above=above)
    half = (scene.width - look.unit(GAP * 2)) / 2
    left = Column(look, *_above(scene, asked, half), *shown, Space(), gap=GAP)
    right = Column(look, Space(), *touched, gap=GAP)
    return framed(scene, beside(scene, left, right), title=title)


# --- letters --------------------------------------------------------------------------------------


def _keys(scene: Scene, asked: Question) -> Widget:
    state, look = scene.state, scene.look
    tight = look.lowered and look.letters > LETTERS[1]
    most = 2 if tight else 4
    lines = most if asked.kind is Kind.LONG else 2 if asked.kind is Kind.TEXT else 1
    text = state.draft.text.upper() if asked.kind is Kind.NAME else state.draft.text
    box = _box(scene, text, lines)
    ways = _ways(scene, asked, onward=False)
    if asked.other and asked.options:
        ways.insert(
            0, fixed(_quiet(scene, "question.choices", r.OwnWords, "choices"), look.target())
        )
    return _laid(
        scene,
        asked,
        [box],
        [*ways, *([] if state.pending is not None else [_keyboard(scene, asked)])],
    )


def _box(scene: Scene, text: str, lines: int = 1, hint: str = "") -> Widget:
    """What has been typed so far. It is hers alone: read aloud to headphones only."""
    look = scene.look
    shown = Text(
        look,
        f"{text}|" if text or not hint else hint,
        "lead",
        valign="top" if lines > 1 else "middle",
    )
    if not text and hint:
        shown.color = look.palette.quiet
    shown.private = True
    card = Card(look, shown, border=look.palette.primary, pad=1.8)
    width = scene.width if look.portrait else (scene.width - look.unit(GAP * 2)) / 2
    wanted = height_of(look, text or "A", "lead", width - look.unit(4)) + look.unit(4.5)
    least = look.text("lead") * 1.2 * lines + look.unit(4.5)
    return fixed(card, min(max(least, wanted), look.unit(34)))


def _keyboard(scene: Scene, asked: Question | None, done: str = "question.next") -> Widget:
    """The keys stay from letter to letter: only what changes them makes new ones. To find something (`asked` is
    None) no marks are needed."""
    look, state = scene.look, scene.state
    plain = asked is not None and asked.kind is Kind.EMAIL
    is_vietnamese = state.language == "vi" and not plain and asked is not None
    numbers = state.typing == VNI or plain
    private = asked is not None and asked.sensitive
    key = (look, state.language, state.typing, plain, asked is None, done, private)

    def make() -> Widget:
        words = key_words(scene, scene.say(done), state.typing)
        tell = scene.tell
        return Keyboard(
            look,
            words,
            lambda key: tell(r.KeyPressed, key=key),
            lambda: tell(r.Entered),
            vietnamese=is_vietnamese,
            numbers=numbers,
            on_way=None if plain or asked is None else lambda: tell(r.TypingTurned),
            last=bool(done),
            private=private,
            signs=EMAIL_SIGNS if plain else "",
        )

    height = keyboard_height(look, is_vietnamese)
    if asked is None and look.letters > LETTERS[0]:
        height = look.unit(FIND_KEYS_LOW if look.lowered else FIND_KEYS)
    if not look.portrait:
        height = min(look.unit(60), room_for(scene, title="A"))
    return fixed(scene.keep("keyboard", key, make), height)


# --- figures --------------------------------------------------------------------------------------


def _pad(scene: Scene, asked: Question) -> Widget:
    text = scene.state.draft.text
    shown, below = _figures(asked.kind, text, scene.state.language)
    parts = [_number_box(scene, shown)]
    if below:
        parts.append(hers(paragraph(scene, below, quiet=True)))
    return _with_pad(scene, asked, parts, [])


def _figures(kind: Kind, text: str, language: str) -> tuple[str, str]:
    """Figures as one reads them, and in words where they are many."""
    if kind is Kind.ID_NUMBER:
        return " ".join(text[at : at + 3] for at in range(0, len(text), 3)), ""
    if kind is Kind.PHONE:
        return " ".join(part for part in (text[:4], text[4:7], text[7:]) if part), ""
    if not text:
        return "", ""
    number = int(text)
    if kind is Kind.MONEY:
        return f"{grouped(number)} đồng", money_words(number) if language == "vi" else ""
    return grouped(number), number_words(number) if language == "vi" and number > 20 else ""


def _number_box(scene: Scene, shown: str) -> Widget:
    look = scene.look
    text = Text(look, f"{shown}|", "title", bold=True, halign="center")
    text.private = True
    return fixed(Card(look, text, border=look.palette.primary, pad=1.8), look.unit(13))


def _with_pad(scene: Scene, asked: Question, shown: list[Widget], touched: list[Widget]) -> Widget:
    """The number pad as large as there is room for; on a lying screen at the right of all else."""
    look, title = scene.look, _title(scene, asked)
    ways = _ways(scene, asked)
    gap = look.unit(GAP)
    if look.portrait:
        fixed_ = [part.height for part in (*touched, *ways)]
        if not look.lowered:
            fixed_ += [part.height for part in (*shown, *_above(scene, asked, room=0))]
            fixed_ += _room_of_help(scene, asked, room_for(scene, *fixed_, title=title))
        room = room_for(scene, *fixed_, title=title)
        pad = _number_pad(scene, asked, min(room, look.unit(PAD_HEIGHT)))
        return _laid(scene, asked, shown, [*touched, pad, *ways])
    half = (scene.width - gap * 2) / 2
    aside, last = ways[:-1], ways[-1:]
    used = [part.height for part in (*shown, *touched, *aside)]
    above = _above(scene, asked, half, room_for(scene, *used, title=title) - gap)
    left = Column(look, *above, *shown, *touched, Space(), *aside, gap=GAP)
    room = room_for(scene, *(part.height for part in last), title=title)
    pad = _number_pad(scene, asked, min(room, look.unit(PAD_HEIGHT)), half)
    return framed(
        scene, beside(scene, left, Column(look, Space(), pad, *last, gap=GAP)), title=title
    )


def _room_of_help(scene: Scene, asked: Question, room: float) -> list[float]:
    """A line that helps is worth more than very large figures."""
    if asked.help is None or scene.state.problems:
        return []
    gap = scene.look.unit(GAP)
    help_ = _above(scene, asked)[0].height + gap + 1
    roomy = 4 * scene.look.target() + 3 * scene.look.unit(1.2)
    return [help_] if help_ + gap <= room - roomy else []


def _least_pad(scene: Scene) -> float:
    look = scene.look
    return 4 * max(look.mm(LEAST_TARGET_MM), look.unit(LEAST_FIGURE)) + 3 * look.unit(1.2)


def _number_pad(scene: Scene, asked: Question, height: float, width: float = 0) -> Widget:
    """Ten figures and one to take away, as on a telephone."""
    look = scene.look
    private = asked.sensitive
    key = (look, scene.state.language, private)

    def make() -> Widget:
        rows = [[_figure(scene, figure, private) for figure in row] for row in PAD_ROWS]
        words = scene.say("keys.delete")
        delete = _figure(scene, DELETE, private, words)
        rows.append([Space(), _figure(scene, "0", private), delete])
        return Column(look, *(Row(look, *row, gap=1.2) for row in rows), gap=1.2)

    pad = scene.keep("pad", key, make)
    pad.size_hint_x, pad.width = None, min(look.unit(PAD_WIDTH), width or scene.width)
    return fixed(Row(look, Space(), pad, Space(), gap=0), max(height, _least_pad(scene)))


def _figure(scene: Scene, key: str, private: bool, shown: str = "") -> BigButton:
    tell = scene.tell
    button = BigButton(
        scene.look,
        shown or key,
        lambda: tell(r.KeyPressed, key=key),
        name=f"key-{key}",
        kind="quiet" if shown else "plain",
        role="button" if shown else "title" if scene.look.letters == LETTERS[0] else "lead",
    )
    button.padding = scene.look.unit(0.5)
    button.private = private
    button.repeats = True
    return button


def _date(scene: Scene, asked: Question) -> Widget:
    """Three boxes, filled one after the other; each can be touched to type it anew."""
    draft, look = scene.state.draft, scene.look
    boxes = []
    for part, key in enumerate(("day", "month", "year")):
        known = part >= 3 - draft.parts
        shown = draft.date[part] or "–"
        here = known and part == draft.part
        box = BigButton(
            look,
            f"{shown}|" if here else shown,
            scene.touch(r.PartTouched, part=part),
            name=f"date-{key}",
            kind="chosen" if here else "plain" if known else "muted",
            detail=scene.say(f"date.{key}"),
            role="title",
            detail_role="body",
            disabled=not known,
        )
        box.private = True
        box.size_hint_x = 1.5 if part == 2 else 1
        boxes.append(box)
    row = fixed(
        Row(look, *boxes, gap=GAP), max(look.unit(17), look.target()) * min(look.letters, 1.25)
    )
    parts = [_known(scene)] if asked.partial else []
    return _with_pad(scene, asked, [], [row, *parts])


def _known(scene: Scene) -> Widget:
    """How much of the date she knows."""
    look, draft = scene.look, scene.state.draft
    buttons = [
        BigButton(
            look,
            scene.say(f"date.parts_{parts}"),
            scene.touch(r.PartsTurned, parts=parts),
            name=f"parts-{parts}",
            kind="chosen" if draft.parts == parts else "quiet",
            role="body",
            pad=0.8,
        )
        for parts in (3, 2, 1)
    ]
    alike(buttons)
    lines = 1 if look.letters == LETTERS[0] else 2
    high = max(look.unit(9), look.text("body") * 1.3 * lines + look.unit(1.6), look.target())
    return fixed(Row(look, *buttons, gap=GAP), high)


def _time(scene: Scene, asked: Question) -> Widget:
    text = scene.state.draft.text
    shown = text if len(text) < 3 else f"{text[:-2]}:{text[-2:]}"
    how = paragraph(scene, scene.say("question.time"), quiet=True)
    return _with_pad(scene, asked, [_number_box(scene, shown), how], [])


# --- choices --------------------------------------------------------------------------------------


def _buttons(scene: Scene, asked: Question) -> Widget:
    look, title = scene.look, _title(scene, asked)
    above, ways = _above(scene, asked), _ways(scene, asked, onward=False)
    taken = [part.height for part in ways]
    if not look.lowered:
        taken += [part.height for part in above]
    body = choices(scene, _options(scene, asked), room_for(scene, *taken, title=title), 12, 16)
    return framed(scene, *body, Space(), *ways, title=title, above=above)


def _options(scene: Scene, asked: Question) -> list[Choice]:
    language, state = scene.state.language, scene.state
    chosen = state.pending if state.pending is not None else asked.value
    items = [
        Choice(
            name=f"option-{option.value}",
            text=option.label.say(language),
            on_act=scene.touch(r.Chosen, value=option.value),
            detail=option.help.say(language) if option.help else "",
            kind="chosen" if option.value == chosen else "plain",
            private=asked.sensitive,
        )
        for option in asked.options
    ]
    if asked.other:
        words = scene.say("question.own")
        items.append(Choice("own", words, scene.touch(r.OwnWords), kind="quiet"))
    return items


def _find(scene: Scene, asked: Question) -> Widget:
    """Many choices: a few letters bring up the right one."""
    look, state = scene.look, scene.state
    title = _title(scene, asked)
    spare = float("inf") if look.letters <= LETTERS[1] else 0.0
    above = _above(scene, asked, room=spare)
    box = _box(scene, state.draft.text, hint=scene.say("question.find"))
    keys = _keyboard(scene, None, done="")
    ways = _ways(scene, asked, onward=False)
    if asked.other:
        high = max(look.mm(LEAST_TARGET_MM), look.unit(7)) if look.lowered else look.target()
        ways.append(fixed(_quiet(scene, "question.own", r.OwnWords, "own"), high))
    if state.pending is not None:
        return framed(scene, Space(), *ways, title=title, above=above)
    items = _found(scene, asked)
    if not look.portrait:
        half = (scene.width - look.unit(GAP * 2)) / 2
        above = _above(scene, asked, half)
        taken = [box.height, *(part.height for part in (*above, *ways))]
        hits = _hits(scene, items, room_for(scene, *taken, title=title), 2)
        left = Column(look, *above, box, *hits, Space(), *ways, gap=GAP)
        return framed(scene, beside(scene, left, Column(look, Space(), keys)), title=title)
    taken = [keys.height, *(part.height for part in ways)]
    if not look.lowered:
        taken += [box.height, *(part.height for part in above)]
    hits = _hits(scene, items, room_for(scene, *taken, title=title), 2 if look.letters < 1.3 else 1)
    return framed(scene, *hits, Space(), *ways, keys, title=title, above=[*above, box])


def _hits(scene: Scene, items: list[Choice], room: float, columns: int) -> list[Widget]:
    look = scene.look
    if not items:
        return [paragraph(scene, scene.say("question.none"), "lead", quiet=True)]
    if look.portrait:
        return choices(scene, items, room, 9, 11, columns)
    gap = look.unit(GAP)
    height = max(look.unit(9), look.target())
    most, turn = max(1, int((room + gap) // (height + gap))) * columns, []
    if len(items) > most and room >= height + gap + pager_height(look):
        most = int((room - pager_height(look)) // (height + gap)) * columns
        pages = -(-len(items) // most)
        page = min(scene.state.page, pages - 1)
        items, turn = items[page * most :], [pager(scene, page, pages)]
    shown = [_button(scene, item) for item in items[:most]]
    alike(shown)
    lines = [shown[at : at + columns] for at in range(0, len(shown), columns)]
    rows = [Row(look, *line, *[Space()] * (columns - len(line)), gap=GAP) for line in lines]
    return [*(fixed(row, height) for row in rows), *turn]


def _button(scene: Scene, item: Choice) -> BigButton:
    return BigButton(
        scene.look,
        item.text,
        item.on_act,
        name=item.name,
        kind=item.kind,
        halign="left",
        pad=0.8,
        private=item.private,
    )


def _found(scene: Scene, asked: Question) -> list[Choice]:
    language = scene.state.language
    return [
        Choice(
            name=f"option-{option.value}",
            text=option.label.say(language),
            on_act=scene.touch(r.Chosen, value=option.value),
            kind="chosen" if option.value == asked.value else "plain",
            private=asked.sensitive,
        )
        for option in found(asked, scene.state.draft)
    ]


def _yes_no(scene: Scene, asked: Question) -> Widget:
    look, state = scene.look, scene.state
    title = _title(scene, asked)
    chosen = state.pending if state.pending is not None else asked.value
    buttons = [
        BigButton(
            look,
            scene.say(f"question.{key}"),
            scene.touch(r.Chosen, value=value),
            name=key,
            kind="chosen" if chosen is value else "plain",
            role="title",
            private=asked.sensitive,
        )
        for key, value in (("yes", True), ("no", False))
    ]
    row = (Column if look.portrait else Row)(look, *buttons, gap=GAP)
    high = look.unit(38 if look.portrait else 26)
    row = fixed(row, min(high, room_for(scene, look.unit(24), title=title)))
    ways = _ways(scene, asked, onward=False)
    return framed(scene, row, Space(), *ways, title=title, above=_above(scene, asked))


def _statement(scene: Scene, asked: Question) -> Widget:
    """Fixed words that she agrees to."""
    look = scene.look
    words = asked.label.say(scene.state.language)
    role = "lead" if len(words) < 400 else "body"
    text = Text(look, words, role, valign="top", private=asked.sensitive)
    high = height_of(look, words, role, scene.width - look.unit(8)) + look.unit(8)
    card = Card(look, text, pad=4)
    title = scene.say("question.statement")
    agree = main_button(
        scene,
        scene.say("question.agree"),
        scene.touch(r.Chosen, value=True),
        "agree",
        icon="check",
        units=14,
    )
    ways = _ways(scene, asked, onward=False)
    taken = [agree.height, *(part.height for part in ways)]
    card = fixed(
        card,
        min(high, look.height * 0.5 if look.portrait else room_for(scene, *taken, title=title)),
    )
    return framed(scene, Space(), agree, *ways, title=title, above=[*_above(scene, asked), card])


# --- lists ----------------------------------------------------------------------------------------


def _lines(scene: Scene, asked: Question) -> Widget:
    """The lines so far, each to be changed or taken away; one more, or on."""
    look = scene.look
    title = _title(scene, asked)
    lines = _told(scene, asked)
    add = main_button(
        scene,
        scene.say("lines.add" if lines else "lines.first"),
        scene.touch(r.Chosen, value=True),
        "add",
        kind="plain" if lines else "primary",
        icon="write",
    )
    done = main_button(
        scene,
        scene.say("lines.done" if lines else "lines.none"),
        scene.touch(r.Chosen, value=False),
        "lines-done",
        kind="primary" if lines else "plain",
    )
    above = _above(scene, asked)
    taken = [add.height, done.height, *(0 if look.lowered else part.height for part in above)]
    height = max(look.unit(12), look.target())
    rows = [fixed(_line(scene, index, words), height) for index, words in lines]
    room = room_for(scene, *taken, title=title)
    shown, page, pages = page_of(scene, rows, room, look.unit(GAP))
    turn = turner(scene, page, pages)
    return framed(scene, *shown, *turn, Space(), add, done, title=title, above=above)


def _told(scene: Scene, asked: Question) -> list[tuple[int, str]]:
    """Each line of the list in words."""
    state = scene.state
    assert state.form is not None
    rows = fill.rows(state.form, state.answers, state.today, state.language)
    row = next((row for row in rows if row.path == asked.list_path), None)
    return [
        (index, "; ".join(word for word in line if word) or scene.say("lines.empty"))
        for index, line in enumerate(row.lines if row else ())
    ]


def _line(scene: Scene, index: int, words: str) -> Widget:
    look = scene.look
    change = BigButton(
        look,
        words,
        scene.touch(r.LineTouched, index=index),
        name=f"line-{index}",
        icon="write",
        halign="left",
        private=True,
    )
    remove = BigButton(
        look,
        scene.say("lines.remove"),
        scene.touch(r.LineTouched, index=index, remove=True),
        name=f"remove-{index}",
        kind="accent",
        role="body",
        pad=0.8,
    )
    remove.size_hint_x, remove.width = None, look.unit(18)
    return Row(look, change, remove, gap=GAP)


_PICTURES: dict[Input, Callable[[Scene, Question], Widget]] = {
    Input.KEYS: _keys,
    Input.PAD: _pad,
    Input.DATE: _date,
    Input.TIME: _time,
    Input.BUTTONS: _buttons,
    Input.FIND: _find,
    Input.YES_NO: _yes_no,
    Input.STATEMENT: _statement,
    Input.LINES: _lines,
}
