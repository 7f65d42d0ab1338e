"""The pictures of the end: review, sending, what she is told and takes home; and how a dossier stands by its code."""

from __future__ import annotations

from itertools import product

import msgspec
from kivy.uix.widget import Widget

from kiosk.filing import reports as r
from kiosk.filing.reports import How
from kiosk.filing.visit import (
    Errand,
    follow_key,
    is_prepared,
    is_sample,
    offers_priority,
    title,
    to_give,
)
from kiosk.touch.keyboard import Keyboard, keyboard_height
from kiosk.touch.text import Text, height_of
from kiosk.touch.widgets import BigButton, Card, Column, Icon, Row, Space, Spinner, alike
from queue_server.dossiers.forms import fill
from queue_server.dossiers.forms.rows import RowKind
from queue_server.wire.words import local

from .camera import Live
from .scene import (
    GAP,
    SHEET,
    Choice,
    Scene,
    beside,
    fixed,
    framed,
    key_words,
    listed,
    main_button,
    once_seen,
    paragraph,
    remark,
    room_for,
    seen_room,
    sheet,
    sheet_pages,
    turner,
    turning,
)

LONGEST_SECTION = 32


def review(scene: Scene) -> Widget:
    """All that she said, each to be changed by a touch."""
    look, state = scene.look, scene.state
    heading = scene.say("review.title")
    key = (
        "feedback.send"
        if state.errand is Errand.FEEDBACK
        else "review.prepare"
        if is_prepared(state)
        else "review.send"
    )
    units = 10 if look.lowered else 14
    send = main_button(
        scene, scene.say(key), scene.touch(r.FilingWanted), "submit", icon="check", units=units
    )
    above = [paragraph(scene, scene.say("review.look"), quiet=True)]
    taken = [send.height, *(0 if look.lowered else part.height for part in above)]
    room = room_for(scene, *taken, title=heading)
    rows = _rows(scene)
    if look.portrait:
        box, page, pages = listed(scene, rows, room, 9, 11)
        turn, last = once_seen(scene, send, page, pages)
        return framed(scene, box, *turn, Space(), last, title=heading, above=above)
    box, page, pages = listed(scene, rows, room + turning(look), 9, 11)
    if pages == 1:
        box, page, pages = listed(scene, rows, room, 9, 11)
    turn, last = once_seen(scene, send, page, pages)
    foot: Widget = last
    if turn:
        last.size_hint_y = 1
        foot = fixed(beside(scene, turn[0], last), send.height)
    return framed(scene, box, Space(), foot, title=heading, above=above)


def _rows(scene: Scene) -> list[Choice]:
    state = scene.state
    assert state.form is not None
    found: list[Choice] = []
    section = ""
    for row in fill.rows(state.form, state.answers, state.today, state.language):
        if row.kind is RowKind.HEADING:
            section = row.label
        elif row.kind in (RowKind.ANSWER, RowKind.LIST, RowKind.STATEMENT):
            found.append(_row(scene, row, section))
    if to_give(state):
        found.append(
            Choice(
                name="row-papers",
                text=_papers_words(scene),
                on_act=scene.touch(r.WentBack),
                detail=scene.say("papers.title"),
                icon="folder",
                named=True,
            )
        )
    return found


def _row(scene: Scene, row: fill.Row, section: str) -> Choice:
    words = row.value
    if row.kind is RowKind.LIST:
        words = scene.say("review.lines", count=len(row.lines))
    if row.kind is RowKind.STATEMENT:
        words = scene.say("review.agreed")
    label = row.label if len(row.label) < 90 else f"{row.label[:88].rsplit(' ', 1)[0]} …"
    words = words or scene.say("review.empty")
    return Choice(
        name=f"row-{row.path}",
        text=words if len(words) < 160 else f"{words[:158].rsplit(' ', 1)[0]} …",
        on_act=scene.touch(r.RowTouched, path=row.path),
        detail=f"{section} · {label}" if _tells(section, label) else label,
        icon="write",
        private=True,
        named=True,
    )


def _tells(section: str, label: str) -> bool:
    """A section's name says whose answer it is; a whole sentence only takes room."""
    return bool(section) and section != label and len(section) <= LONGEST_SECTION


def _papers_words(scene: Scene) -> str:
    given = scene.state.given.values()
    scanned = sum(bool(each.pages) for each in given)
    held = sum(each.how is How.HELD for each in given)
    shown = sum(each.how is How.SHOW for each in given)
    parts = [
        scene.say(f"review.{key}", count=count)
        for key, count in (("scanned", scanned), ("held", held), ("shown", shown))
        if count
    ]
    return "; ".join(parts) or scene.say("review.no_papers")


def sending(scene: Scene) -> Widget:
    look = scene.look
    return framed(
        scene,
        Space(),
        above=[
            Widget(size_hint_y=0.4),
            Spinner(look, size_hint_y=0.5),
            _centred(scene, scene.say("sending.title"), "title"),
            _centred(scene, scene.say("sending.text"), "lead"),
        ],
        back=False,
        leave=False,
    )


def _centred(scene: Scene, words: str, role: str) -> Widget:
    look = scene.look
    text = Text(look, words, role, halign="center", bold=role == "title")
    return fixed(
        text, height_of(look, words, role, scene.width, bold=role == "title") + look.unit(2)
    )


# --- done -----------------------------------------------------------------------------------------


def done(scene: Scene) -> Widget:
    """What it is called, when and where it goes on; the strip is printed of itself."""
    look, state = scene.look, scene.state
    buttons: list[Widget] = []
    wants_ticket = is_prepared(state) and bool(state.opened and state.opened.service)
    if wants_ticket:
        if offers_priority(state):
            buttons.append(_priority(scene))
        words = scene.say("done.ticket")
        take = scene.touch(r.TicketWanted)
        buttons.append(main_button(scene, words, take, "ticket", icon="ticket", units=15))
    ends = [_again(scene)] if state.strip not in ("", "printing") else []
    finish = BigButton(
        look,
        scene.say("done.done"),
        scene.touch(r.LeaveAsked),
        name="done",
        kind="quiet" if wants_ticket else "primary",
        icon="check",
    )
    row = Row(look, *ends, finish, gap=GAP)
    buttons.append(fixed(row, max(look.unit(12), look.target())))
    heading = scene.say(_done_key(scene))
    lay = _done_upright if look.portrait else _done_lying
    above, body = lay(scene, heading, buttons)
    return framed(scene, *body, title=heading, above=above, back=False, leave=False)


def _done_lying(
    scene: Scene, heading: str, buttons: list[Widget]
) -> tuple[list[Widget], list[Widget]]:
    """The number and the facts; beside them what is to be minded, as much as there is room for."""
    look = scene.look
    half = (scene.width - look.unit(GAP * 2)) / 2
    big = _big(scene)
    right = room_for(scene, *(part.height for part in buttons), title=heading) - look.unit(GAP)
    notes, told = _noted(scene, _facts(scene, half), [right], half)
    room = room_for(scene, big.height, title=heading)
    facts, page, pages = sheet(scene, told, room, look.palette.success)
    left = Column(look, big, facts, *turner(scene, page, pages), gap=GAP)
    return [], [beside(scene, left, Column(look, *notes[0], Space(), *buttons, gap=GAP))]


def _done_upright(
    scene: Scene, heading: str, buttons: list[Widget]
) -> tuple[list[Widget], list[Widget]]:
    """The number, what is to be minded, the facts. On a low screen there may be more to mind below."""
    look = scene.look
    big, high = _big(scene), [part.height for part in buttons]
    upper = seen_room(scene, big.height, *([] if look.lowered else high), title=heading)
    lower = room_for(scene, *high) - look.unit(GAP) if look.lowered else 0.0
    facts = _facts(scene, scene.width)
    gap, turn = look.unit(GAP), turning(look)
    least = min(look.unit(30), sum(part.height + gap for part in facts) + look.unit(7))
    for above_room, below_room in product((upper - least, upper - least - turn, 0), (0, turn)):
        rooms = [above_room, lower - below_room]
        (above, below), told = _noted(scene, facts, rooms, scene.width)
        room = upper - sum(part.height + gap for part in above)
        if _stands(scene, told, room, bool(below_room)):
            break
    card, page, pages = sheet(scene, told, room, look.palette.success)
    low = [Space()] if look.lowered else []
    return [big, *above, card], [*below, *turner(scene, page, pages), *low, *buttons]


def _stands(scene: Scene, parts: list[Widget], room: float, can_turn: bool) -> bool:
    """Each of these parts stands whole on a sheet of `room`, and there is room for a pager if it needs one."""
    look = scene.look
    inner = room - look.unit(SHEET)
    turns = len(sheet_pages(scene, parts, room)) > 1
    if turns and look.lowered and not can_turn:
        return False
    if turns and not look.lowered:
        inner -= turning(look)
    return all(part.height <= inner for part in parts)


def _noted(
    scene: Scene, facts: list[Widget], rooms: list[float], width: float
) -> tuple[list[list[Widget]], list[Widget]]:
    """The notes in the first of these rooms where they fit; else before the facts, the word MẪU after them."""
    look = scene.look
    placed: list[list[Widget]] = [[] for _ in rooms]
    first: list[Widget] = []
    last: list[Widget] = []
    for key, icon, calm in _notes(scene):
        note = remark(scene, scene.say(key), icon, calm=calm, width=width)
        at = next((n for n, room in enumerate(rooms) if note.height <= room), None)
        if at is not None:
            placed[at].append(note)
            rooms[at] -= note.height + look.unit(GAP)
            continue
        inside = remark(scene, scene.say(key), icon, calm=calm, width=width - look.unit(6))
        (last if key == "done.sample" else first).append(inside)
    return placed, [*first, *facts, *last]


def _done_key(scene: Scene) -> str:
    state = scene.state
    if state.errand is Errand.FEEDBACK:
        return "done.feedback"
    if is_prepared(state):
        return "done.prepared"
    return "done.kept" if state.kept else "done.filed"


def _number(scene: Scene) -> tuple[str, str]:
    """The number that she keeps, and what it is."""
    state = scene.state
    if state.feedback is not None:
        return state.feedback.number, scene.say("done.follow")
    if state.filed is not None and state.filed.code:
        return state.filed.code, scene.say("done.code")
    known = state.filed.provisional if state.filed is not None else ""
    return known or state.provisional, scene.say("done.provisional")


def _big(scene: Scene) -> Widget:
    look = scene.look
    p = look.palette
    number, words = _number(scene)
    sign = Icon(look, "check", p.success, size_hint_x=None, width=look.unit(9))
    name = Text(look, words, "body", valign="bottom", size_hint_y=0.4)
    code = Text(look, number, "title", bold=True, colour=p.success, valign="top", size_hint_y=0.6)
    card = Card(
        look,
        sign,
        Column(look, name, code, gap=0.4),
        fill=p.success_tint,
        border=p.success,
        orientation="horizontal",
        pad=2.5,
        gap=3,
    )
    return fixed(card, look.unit(17) + look.text("title") - look.unit(5.6))


def _strip_words(scene: Scene) -> str:
    """Only who has filed takes a receipt home: of words a slip with their number, of what is prepared a note."""
    state = scene.state
    if state.strip not in ("printing", "confirmed", "unknown"):
        return f"strip.{state.strip}"
    if state.errand is Errand.FEEDBACK:
        return f"strip.{state.strip}_slip"
    return f"strip.{state.strip}{'_prepared' if is_prepared(state) else ''}"


def _facts(scene: Scene, width: float) -> list[Widget]:
    state, opened = scene.state, scene.state.opened
    filed = state.filed
    is_feedback = state.errand is Errand.FEEDBACK
    lines = [] if is_feedback else [("done.procedure", title(state))]
    if opened is not None and filed is not None:
        at = local(filed.received_at, opened.setup.utc_offset_minutes)
        lines.append(("done.received", f"{at:%H:%M %d/%m/%Y}"))
        if filed.due_text:
            lines.append(("done.due", filed.due_text))
        if filed.place:
            lines.append(("done.place", str(filed.place)))
        if filed.papers:
            lines.append(("done.papers", str(filed.papers)))
    if state.feedback is not None and state.feedback.answer_by and opened is not None:
        by = local(state.feedback.answer_by, opened.setup.utc_offset_minutes)
        lines.append(("done.answer_by", f"{by:%d/%m/%Y}"))
    lines.append(("done.key", follow_key(state)))
    return [_line(scene, key, words, width) for key, words in lines if words]


def _line(scene: Scene, key: str, words: str, width: float) -> Widget:
    look = scene.look
    name = Text(look, scene.say(key), "body", colour=look.palette.quiet, size_hint_x=0.4)
    said = Text(look, words, "button", bold=True, size_hint_x=0.6)
    inner = width - look.unit(8)
    high = max(
        height_of(look, words, "button", inner * 0.58, bold=True),
        height_of(look, scene.say(key), "body", inner * 0.38),
    )
    return fixed(Row(look, name, said), high + look.unit(0.8))


def _notes(scene: Scene) -> list[tuple[str, str, bool]]:
    """What is to be minded, the most pressing first: its words, its sign, and whether it is calm."""
    state = scene.state
    notes = []
    if state.strip:
        failed = state.strip == "failed"
        notes.append((_strip_words(scene), "warning" if failed else "printer", not failed))
    elif not state.kept:
        notes.append(("strip.none", "write", True))
    if state.kept:
        notes.append(("done.kept_text", "offline", True))
    if is_sample(state):
        notes.append(("done.sample", "warning", False))
    return notes


def _again(scene: Scene) -> Widget:
    look = scene.look
    words = scene.say("strip.again")
    return BigButton(
        look, words, scene.touch(r.StripAsked), name="strip", kind="quiet", icon="printer"
    )


def _priority(scene: Scene) -> Widget:
    """She is old enough: priority is there without asking, and can be left."""
    look, state = scene.look, scene.state
    buttons = [
        BigButton(
            look,
            scene.say(f"done.priority_{key}"),
            scene.touch(r.PriorityTouched, wanted=value),
            name=f"priority-{key}",
            kind="chosen" if state.priority is value else "quiet",
            role="body",
            icon="check" if state.priority is value else "",
            pad=0.8,
        )
        for key, value in (("yes", True), ("no", False))
    ]
    alike(buttons)
    high = max(look.unit(10), look.text("body") * 2.6 + look.unit(2), look.target())
    return fixed(Row(look, *buttons, gap=GAP), high)


def refused(scene: Scene) -> Widget:
    """The centre's own words; all that she did is still here."""
    state = scene.state
    refusal = state.refusal
    words = (refusal.en if state.language == "en" else refusal.vi) if refusal else ""
    notes = [words, scene.say("refused_here.text")] if words else [scene.say("refused_here.text")]
    return _trouble(scene, scene.say("refused_here.title"), notes, "call")


WAY_OUT = {"disk": "call", "large": "review"}
"""What helps; else to try again."""


def full(scene: Scene) -> Widget:
    why = scene.state.fault or "error"
    notes = [scene.say(f"full.{why}")]
    return _trouble(scene, scene.say("full.title"), notes, WAY_OUT.get(why, "again"))


def _trouble(scene: Scene, heading: str, notes: list[str], main: str) -> Widget:
    """What is the matter; the way out that helps is the main one, and stands last."""
    kinds = {"again": r.FilingWanted, "review": r.WentBack, "call": r.HelpCalled}
    names = ["again", "review"] if main != "call" else ["again", "review", "call"]
    names.sort(key=lambda name: name == main)
    ways = [
        main_button(
            scene,
            scene.say(f"full.{name}"),
            scene.touch(kinds[name]),
            name,
            kind="primary" if name == main else "plain",
            units=14 if name == main else 12,
            icon="help" if name == "call" else "",
        )
        for name in names
    ]
    sign = Icon(scene.look, "warning", scene.look.palette.accent, size_hint_y=0.5)
    first, *rest = notes
    said = [remark(scene, first), *(paragraph(scene, words, "lead") for words in rest)]
    taken = [part.height for part in said]
    if not scene.look.lowered:
        taken += [way.height for way in ways]
    room = seen_room(scene, *taken, title=heading)
    signs = [sign] if room > scene.look.unit(14) else []
    return framed(scene, Space(), *ways, title=heading, above=[*said, *signs])


# --- looking up -----------------------------------------------------------------------------------


def code(scene: Scene) -> Widget:
    """The code of a dossier, by camera or keys."""
    look, state = scene.look, scene.state
    heading = scene.say("lookup.title")
    text = state.draft.text
    shown = Text(look, f"{text}|" if text else scene.say("lookup.empty"), "lead", bold=bool(text))
    if not text:
        shown.color = look.palette.quiet
    box = fixed(Card(look, shown, border=look.palette.primary, pad=1.8), look.unit(11))
    notes = [
        paragraph(scene, scene.say("lookup.hint" if state.camera else "lookup.type"), quiet=True)
    ]
    if state.card_fault:
        notes = [remark(scene, scene.say("lookup.fault"))]
    find = main_button(
        scene, scene.say("lookup.find"), scene.touch(r.LookedFor), "find", icon="search"
    )
    keys = _code_keys(scene)
    live = [Live(look, scene.eye, "card")] if state.camera else []
    if look.portrait:
        gap = [] if live or look.lowered else [Space()]
        return framed(
            scene, *gap, keys, find, title=heading, above=[*notes, box, *live], leave=False
        )
    left = Column(look, box, *live, *([] if live else [Space()]), find, gap=GAP)
    return framed(
        scene,
        beside(scene, left, Column(look, Space(), keys)),
        title=heading,
        above=notes,
        leave=False,
    )


def _code_keys(scene: Scene) -> Widget:
    look = scene.look

    def make() -> Widget:
        words = key_words(scene)
        tell = scene.tell
        return Keyboard(
            look,
            words,
            lambda key: tell(r.KeyPressed, key=key),
            lambda: None,
            vietnamese=False,
            numbers=True,
            last=False,
            signs="-.",
        )

    height = keyboard_height(look, False) + look.unit(8)
    if not look.portrait:
        height = min(height, room_for(scene, look.unit(10), title="A"))
    return fixed(scene.keep("code-keys", (look, scene.state.language), make), height)


def looking(scene: Scene) -> Widget:
    words = _centred(scene, scene.say("lookup.looking"), "title")
    return framed(
        scene, Space(), above=[Widget(size_hint_y=0.4), Spinner(scene.look), words], leave=False
    )


class _Found(msgspec.Struct):
    code: str
    state: str = "unknown"
    completion: int = 0


def found(scene: Scene) -> Widget:
    """State and degree of completion, and no more: that is what the law allows without log-in."""
    look, answer = scene.look, scene.state.looked_up
    try:
        known = (
            msgspec.json.decode(answer.body, type=_Found)
            if answer and answer.status == 200
            else None
        )
    except msgspec.DecodeError:
        known = None
    is_found = known is not None and known.state != "unknown"
    leave = _end(scene, "done.done", r.Left, "done", is_found)
    again = _end(scene, "lookup.again", r.WentBack, "again", not is_found)
    buttons: list[Widget] = [again, leave] if is_found else [leave, again]
    if not look.portrait:
        high = max(part.height for part in buttons)
        for part in buttons:
            part.size_hint_y = 1
        buttons = [fixed(Row(look, *buttons, gap=GAP), high)]
    if known is None or not is_found:
        key = "unknown" if known else "slow" if answer and answer.status == 429 else "away"
        said = [
            _centred(scene, scene.state.draft.text, "title"),
            remark(scene, scene.say(f"lookup.{key}")),
        ]
        heading = scene.say("lookup.title")
        return framed(scene, Space(), *buttons, title=heading, above=said, leave=False)
    parts = [
        _centred(scene, known.code, "title"),
        _centred(scene, scene.say(f"lookup.state.{known.state}"), "lead"),
        _completion(scene, known.completion),
    ]
    high = sum(part.height for part in parts) + look.unit(8 + 4 * 3)
    card = fixed(Card(look, Space(), *parts, Space(), pad=4, gap=3), high)
    return framed(
        scene, Space(), *buttons, title=scene.say("lookup.found"), above=[card], leave=False
    )


def _end(scene: Scene, key: str, act: type[r.Report], name: str, main: bool) -> BigButton:
    kind = "primary" if main else "plain"
    return main_button(scene, scene.say(key), scene.touch(act), name, kind=kind)


def _completion(scene: Scene, percent: int) -> Widget:
    look = scene.look
    p = look.palette
    done_ = Card(look, fill=p.success, border=p.success, pad=0)
    ahead = p.line if p.edge == 1.0 else p.pressed
    left = Card(look, fill=ahead, border=ahead, pad=0)
    done_.size_hint_x, left.size_hint_x = max(0.01, percent / 100), max(0.01, 1 - percent / 100)
    bar = fixed(Row(look, done_, left, gap=0.6), look.unit(3))
    words = _centred(scene, scene.say("lookup.completion", percent=percent), "button")
    return fixed(Column(look, bar, words, gap=1), look.unit(12))
