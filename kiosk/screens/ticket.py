"""The pictures of the number: being fetched, there, refused, not answered."""

from __future__ import annotations

import math

from kivy.uix.widget import Widget

from kiosk import reports as r
from kiosk.touch.spoken import as_one, spelt
from kiosk.touch.style import LETTERS, Look
from kiosk.touch.text import Text, height_of
from kiosk.touch.widgets import (
    BigButton,
    Card,
    Column,
    Icon,
    QrImage,
    Row,
    Spinner,
    Title,
)
from kiosk.visit import Paper, can_reprint, procedure_of, service_info, ticket_left
from queue_server.wire import messages as m
from queue_server.wire.words import Estimate, Language, local

from .notices import notice
from .scene import GAP, MARGIN, Scene, fixed, footer, framed, header


def waiting(scene: Scene) -> Widget:
    look = scene.look
    cancel = BigButton(
        look, scene.say("waiting.cancel"), scene.touch(r.WentHome), name="cancel", kind="quiet"
    )
    return framed(
        scene,
        Widget(size_hint_y=0.2),
        Spinner(look, size_hint_y=0.3),
        Title(look, scene.say("waiting.title"), halign="center", valign="bottom", size_hint_y=0.2),
        Text(
            look, scene.say("waiting.text"), "lead", halign="center", valign="top", size_hint_y=0.3
        ),
        fixed(cancel, max(look.unit(11), look.target())),
        back=False,
    )


def ticket(scene: Scene) -> Widget:
    """The number as large as it goes; how long, where, the code for the phone, the paper's fate."""
    look, taken = scene.look, scene.state.taken
    assert taken is not None
    whole = look.width - 2 * look.unit(MARGIN)
    late, buttons = _late(scene, taken), _buttons(scene)
    crowded = bool(late or taken.offline)
    paper = _paper(scene, crowded)
    code = [_code(scene, taken.url, crowded)] if taken.url else []
    if look.lowered:
        seen = [_number(scene, taken, whole), _facts(scene, taken, whole)]
        flags = _flags(scene, taken) if look.letters > LETTERS[0] else []
        return framed(scene, *flags, *code, paper, *late, buttons, above=seen, back=False)
    margin = look.unit(MARGIN)
    padding = [margin, look.unit(3 if look.letters == LETTERS[0] else 1.5), margin, 0]
    below = [paper, *late, buttons]
    gap = GAP if look.letters == LETTERS[0] else 1.4
    if look.portrait:
        number, facts = _number(scene, taken, whole), _facts(scene, taken, whole)
        middle = Column(look, number, facts, *code, *below, gap=gap, padding=padding)
    else:
        share = 0.52 if look.letters == LETTERS[0] else 0.42
        number = _number(scene, taken, whole * share)
        facts = _facts(scene, taken, (whole - look.unit(3)) * (1 - share))
        number.size_hint_x = share
        right = Column(look, facts, *code, gap=gap, size_hint_x=1 - share)
        middle = Column(look, Row(look, number, right, gap=3), *below, gap=gap, padding=padding)
    return Column(look, header(scene), middle, footer(scene, False), gap=0)


def _number(scene: Scene, taken: m.TicketTaken, width: float) -> Widget:
    look = scene.look
    p = look.palette
    larger = look.letters > LETTERS[0]
    info, chosen = service_info(scene.state, taken.service), procedure_of(scene.state)
    name = info.name.say(scene.state.language) if info else ""
    words = chosen.name.say(scene.state.language) if chosen else name
    above = Text(
        look,
        scene.say("ticket.title"),
        "body" if larger else "lead",
        halign="center",
        size_hint_y=0.17,
    )
    below = Text(look, words, _usual_role(look), bold=True, halign="center", size_hint_y=0.24)
    if larger:
        inner = width - look.unit(5)
        for part in (above, below):
            fixed(part, height_of(look, part.text, part.role, inner, part.bold) + 1)
    crowded = larger and (look.lowered or taken.priority or taken.offline)
    parts: list[Widget] = [
        *([] if crowded else [above]),
        Text(
            look,
            taken.number,
            "count" if crowded else "number",
            spoken=spelt(taken.number),
            bold=True,
            halign="center",
            colour=p.primary,
        ),
        below,
    ]
    if not (look.lowered and larger):
        parts += _flags(scene, taken)
    return Card(look, *parts, gap=0.6, pad=1.6 if larger else 2.5, border=p.primary)


def _flags(scene: Scene, taken: m.TicketTaken) -> list[Widget]:
    """What is said of her number in words and a sign."""
    flags = []
    if taken.priority:
        flags.append(_flag(scene, "priority", scene.say("ticket.priority")))
    if taken.offline:
        flags.append(_flag(scene, "warning", scene.say("ticket.offline")))
    return flags


def _tight(look: Look, crowded: bool = False) -> bool:
    """The largest letters in half a screen, or where a warning wants the room of the number."""
    return (look.lowered or crowded) and look.letters > LETTERS[1]


def _usual_role(look: Look) -> str:
    """Larger letters in half a screen: the words beside the number stand back behind it."""
    return "body" if look.lowered and look.letters > LETTERS[0] else "button"


def _flag(scene: Scene, icon: str, words: str) -> Widget:
    look = scene.look
    accent = look.palette.accent
    sign = Icon(look, icon, accent, size_hint_x=None, width=look.unit(5))
    label = Text(look, words, _usual_role(look), bold=True, colour=accent)
    label.size_hint_x, label.width = None, min(label.natural_width(), look.width * 0.7)
    row = Row(look, Widget(), sign, label, Widget(), gap=1.5, size_hint_y=0.16)
    if look.letters > LETTERS[0]:
        fixed(row, height_of(look, words, label.role, label.width, bold=True) + 1)
    return row


def _facts(scene: Scene, taken: m.TicketTaken, width: float) -> Widget:
    look = scene.look
    counters = ("counter", "ticket.counters", ", ".join(map(str, taken.counters)))
    wait = wait_words(scene, taken.estimate)
    first: list[Widget] = []
    if taken.comes_at is not None:
        first = [_own_time(scene, taken.comes_at, width)]
        facts = [("person", "ticket.wait_from", wait), counters]
    else:
        ahead = str(taken.ahead) if taken.ahead else scene.say("ticket.ahead_none")
        facts = [
            ("person", "ticket.ahead", _last_known(scene, taken) if taken.offline else ahead),
            ("clock", "ticket.wait", wait),
            counters,
        ]
    cards = [_fact(scene, icon, key, words, width) for icon, key, words in facts if words]
    if look.letters == LETTERS[0]:
        return Column(look, *first, *cards, gap=1.5, size_hint_y=0.85 if taken.url else 1)
    high = sum(card.height for card in (*first, *cards))
    return fixed(
        Column(look, *first, *cards, gap=1.0), high + look.unit(1.0) * (len(first + cards) - 1)
    )


def _last_known(scene: Scene, taken: m.TicketTaken) -> str:
    """Alone the kiosk knows nobody who is before her: only what it heard last."""
    if taken.known_at is None:
        return scene.say("ticket.ahead_unknown")
    offset = scene.state.setup.utc_offset_minutes if scene.state.setup else 420
    at = f"{local(taken.known_at, offset):%H:%M}"
    return scene.say("ticket.ahead_last", at=at, people=taken.ahead)


def _own_time(scene: Scene, at: int, width: float) -> Widget:
    """When she is called from: the one thing that she must not forget."""
    look = scene.look
    p = look.palette
    larger = look.letters > LETTERS[0]
    offset = scene.state.setup.utc_offset_minutes if scene.state.setup else 420
    words = scene.say("ticket.booked", at=f"{local(at, offset):%H:%M}")
    come = Text(look, scene.say("ticket.booked_come"), "body", valign="top", size_hint_y=0.7)
    when = Text(look, words, "title", bold=True, colour=p.primary, valign="bottom")
    high = look.unit(2.2)
    if larger:
        inner = width - look.unit(7 + 2 + 2)
        for part in (come, when):
            fixed(part, height_of(look, part.text, part.role, inner, part.bold) + 1)
            high += part.height
    card = Card(
        look,
        Icon(look, "clock", size_hint_x=None, width=look.unit(7)),
        Column(look, when, come, gap=0.2),
        fill=p.tint,
        border=p.primary,
        orientation="horizontal",
        pad=1.0 if larger else 1.6,
        gap=2,
        size_hint_y=1.7,
    )
    return fixed(card, high) if larger else card


KEY_SHARE = 0.42


def _fact(scene: Scene, icon: str, key: str, words: str, width: float) -> Widget:
    look = scene.look
    larger = look.letters > LETTERS[0]
    name = Text(look, scene.say(key), "body", colour=look.palette.quiet, size_hint_x=KEY_SHARE)
    said = Text(look, words, "button" if larger else "lead", bold=True, size_hint_x=1 - KEY_SHARE)
    card = Card(
        look,
        Icon(look, icon, size_hint_x=None, width=look.unit(5)),
        name,
        said,
        orientation="horizontal",
        pad=1.0 if larger else 1.6,
        gap=2,
    )
    as_one(card)
    if not larger:
        return card
    inner = width - look.unit(5 + 2 * 2 + 2 * 1.0)
    needs = [
        height_of(look, part.text, part.role, inner * part.size_hint_x, part.bold) + 1
        for part in (name, said)
    ]
    return fixed(card, max(needs) + look.unit(2.0))


def wait_words(scene: Scene, estimate: Estimate | None) -> str:
    """`khoảng 12 phút (8–17)`: the same numbers as on the paper."""
    if estimate is None:
        return scene.say("ticket.wait_unknown")
    minutes = max(1, round(estimate.minutes))
    low, high = math.floor(max(0.0, estimate.low)), math.ceil(estimate.high)
    key = "ticket.wait_between" if low < high else "ticket.wait_about"
    return scene.say(key, minutes=minutes, low=low, high=high)


def _code(scene: Scene, url: str, crowded: bool) -> Widget:
    """The code for her phone; its words go where there is much else to say in larger letters."""
    look = scene.look
    larger = look.letters > LETTERS[0]
    crowded = crowded and look.letters > LETTERS[1]
    words, role = scene.say("ticket.scan"), "body" if crowded else "button"
    card = Card(
        look,
        QrImage(url, size_hint_x=0.5 if look.portrait else 0.4),
        *([] if crowded and look.lowered else [Text(look, words, role)]),
        orientation="horizontal",
        pad=0.6 if crowded else 1.5,
        gap=2,
        size_hint_y=1.0,
    )
    if look.lowered or not (larger and look.portrait):
        return card
    return fixed(card, look.unit(16.5 if crowded else 23.0))


def _paper(scene: Scene, crowded: bool) -> Widget:
    """Where the paper is; in words and a drawing."""
    look, paper = scene.look, scene.state.paper
    p = look.palette
    good = paper in (Paper.CONFIRMED, Paper.UNKNOWN)
    bad = paper is Paper.FAILED
    fill = p.success_tint if good else p.accent_tint if bad else p.tint
    colour = p.success if good else p.accent if bad else p.primary
    words = scene.say(f"paper.{paper.value}")
    role = "button" if look.letters == LETTERS[0] else "small" if _tight(look, crowded) else "body"
    card = Card(
        look,
        Icon(
            look,
            "check" if good else "warning" if bad else "printer",
            colour,
            size_hint_x=None,
            width=look.unit(5),
        ),
        Text(look, words, role, bold=good),
        fill=fill,
        border=colour,
        orientation="horizontal",
        pad=1.6,
        gap=2,
    )
    width = look.width - look.unit(2 * MARGIN + 2 * 1.6 + 5 + 2)
    return fixed(card, max(look.unit(10), _high(look, words, role, width) + look.unit(3.2)))


def _high(look: Look, words: str, role: str, width: float) -> float:
    return height_of(look, words, role, width, bold=True) + 1


def _late(scene: Scene, taken: m.TicketTaken) -> list[Widget]:
    """A warning when the centre may close before her turn."""
    if taken.estimate is None or taken.closes_in_minutes is None:
        return []
    if taken.estimate.high < taken.closes_in_minutes:
        return []
    look = scene.look
    accent = look.palette.accent
    sign = Icon(look, "warning", accent, size_hint_x=None, width=look.unit(5))
    role = "small" if _tight(look, crowded=True) else "body"
    words = Text(look, scene.say("ticket.late"), role, bold=True, colour=accent)
    width = look.width - look.unit(2 * MARGIN + 5 + 2)
    high = max(look.unit(8), _high(look, words.text, role, width))
    return [fixed(Row(look, sign, words), high)]


def _buttons(scene: Scene) -> Widget:
    look = scene.look
    seconds = math.ceil(ticket_left(scene.state) / 1000)
    words = (
        scene.say("ticket.done_soon", seconds=seconds)
        if seconds <= 15
        else scene.say("ticket.done")
    )
    done = BigButton(
        look, words, scene.touch(r.WentHome), name="done", kind="primary", icon="check"
    )
    row = Row(look, gap=GAP)
    if can_reprint(scene.state):
        again = scene.say("ticket.again")
        row.add_widget(
            BigButton(
                look,
                again,
                scene.touch(r.ReprintAsked),
                name="reprint",
                kind="quiet",
                icon="printer" if look.letters <= LETTERS[1] else "",
                size_hint_x=0.7,
            )
        )
    row.add_widget(done)
    return fixed(row, max(look.unit(12), look.target()))


def refused(scene: Scene) -> Widget:
    """The server's own words, in her language."""
    refusal, later = scene.state.refusal, scene.state.later
    english = scene.state.language == Language.EN
    words = (refusal.en if english else refusal.vi) if refusal else ""
    return notice(
        scene,
        "warning",
        scene.say("refused.title"),
        words or scene.say("refused.plain"),
        ("other", scene.say("refused.time" if later else "refused.other"), r.WentBack),
        ("home", scene.say("idle.leave"), r.WentHome),
    )


def no_answer(scene: Scene) -> Widget:
    return notice(
        scene,
        "offline",
        scene.say("no_answer.title"),
        scene.say("no_answer.text"),
        ("again", scene.say("no_answer.again"), r.WentBack),
        ("home", scene.say("idle.leave"), r.WentHome),
    )
