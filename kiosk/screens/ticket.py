"""The pictures of the number: being fetched, there, refused, not answered."""

from __future__ import annotations

import math

from kivy.uix.widget import Widget

from kiosk import reports as r
from kiosk.touch.text import Text
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
    number, facts = _number(scene, taken), _facts(scene, taken)
    code = [_code(scene, taken.url)] if taken.url else []
    below = [_paper(scene), *_late(scene, taken), _buttons(scene)]
    margin = look.unit(MARGIN)
    padding = [margin, look.unit(3), margin, 0]
    if look.portrait:
        middle = Column(look, number, facts, *code, *below, gap=GAP, padding=padding)
    else:
        number.size_hint_x = 0.52
        right = Column(look, facts, *code, gap=GAP, size_hint_x=0.48)
        middle = Column(look, Row(look, number, right, gap=3), *below, gap=GAP, padding=padding)
    return Column(look, header(scene), middle, footer(scene, False), gap=0)


def _number(scene: Scene, taken: m.TicketTaken) -> Widget:
    look = scene.look
    p = look.palette
    info, chosen = service_info(scene.state, taken.service), procedure_of(scene.state)
    name = info.name.say(scene.state.language) if info else ""
    words = chosen.name.say(scene.state.language) if chosen else name
    parts: list[Widget] = [
        Text(look, scene.say("ticket.title"), "lead", halign="center", size_hint_y=0.17),
        Text(look, taken.number, "number", bold=True, halign="center", colour=p.primary),
        Text(look, words, "button", bold=True, halign="center", size_hint_y=0.24),
    ]
    if taken.priority:
        parts.append(_flag(scene, "priority", scene.say("ticket.priority")))
    if taken.offline:
        parts.append(_flag(scene, "warning", scene.say("ticket.offline")))
    return Card(look, *parts, gap=0.6, pad=2.5, border=p.primary)


def _flag(scene: Scene, icon: str, words: str) -> Widget:
    look = scene.look
    accent = look.palette.accent
    sign = Icon(look, icon, accent, size_hint_x=None, width=look.unit(5))
    label = Text(look, words, "button", bold=True, colour=accent)
    label.size_hint_x, label.width = None, look.unit(30)
    return Row(look, Widget(), sign, label, Widget(), gap=1.5, size_hint_y=0.16)


def _facts(scene: Scene, taken: m.TicketTaken) -> Widget:
    look = scene.look
    counters = ("counter", "ticket.counters", ", ".join(map(str, taken.counters)))
    wait = wait_words(scene, taken.estimate)
    first: list[Widget] = []
    if taken.comes_at is not None:
        first = [_own_time(scene, taken.comes_at)]
        facts = [("person", "ticket.wait_from", wait), counters]
    else:
        ahead = str(taken.ahead) if taken.ahead else scene.say("ticket.ahead_none")
        facts = [
            ("person", "ticket.ahead", _last_known(scene, taken) if taken.offline else ahead),
            ("clock", "ticket.wait", wait),
            counters,
        ]
    cards = [_fact(scene, icon, key, words) for icon, key, words in facts if words]
    return Column(look, *first, *cards, gap=1.5, size_hint_y=0.85 if taken.url else 1)


def _last_known(scene: Scene, taken: m.TicketTaken) -> str:
    """Alone the kiosk knows nobody who is before her: only what it heard last."""
    if taken.known_at is None:
        return scene.say("ticket.ahead_unknown")
    offset = scene.state.setup.utc_offset_minutes if scene.state.setup else 420
    at = f"{local(taken.known_at, offset):%H:%M}"
    return scene.say("ticket.ahead_last", at=at, people=taken.ahead)


def _own_time(scene: Scene, at: int) -> Widget:
    """When she is called from: the one thing that she must not forget."""
    look = scene.look
    p = look.palette
    offset = scene.state.setup.utc_offset_minutes if scene.state.setup else 420
    words = scene.say("ticket.booked", at=f"{local(at, offset):%H:%M}")
    come = Text(look, scene.say("ticket.booked_come"), "body", valign="top", size_hint_y=0.7)
    when = Text(look, words, "title", bold=True, colour=p.primary, valign="bottom")
    return Card(
        look,
        Icon(look, "clock", size_hint_x=None, width=look.unit(7)),
        Column(look, when, come, gap=0.3),
        fill=p.tint,
        border=p.primary,
        orientation="horizontal",
        pad=1.6,
        gap=2,
        size_hint_y=1.7,
    )


def _fact(scene: Scene, icon: str, key: str, words: str) -> Widget:
    look = scene.look
    return Card(
        look,
        Icon(look, icon, size_hint_x=None, width=look.unit(5)),
        Text(look, scene.say(key), "body", colour=look.palette.quiet, size_hint_x=0.42),
        Text(look, words, "lead", bold=True, size_hint_x=0.58),
        orientation="horizontal",
        pad=1.6,
        gap=2,
    )


def wait_words(scene: Scene, estimate: Estimate | None) -> str:
    """`khoảng 12 phút (8–17)`: the same numbers as on the paper."""
    if estimate is None:
        return scene.say("ticket.wait_unknown")
    minutes = max(1, round(estimate.minutes))
    low, high = math.floor(max(0.0, estimate.low)), math.ceil(estimate.high)
    key = "ticket.wait_between" if low < high else "ticket.wait_about"
    return scene.say(key, minutes=minutes, low=low, high=high)


def _code(scene: Scene, url: str) -> Widget:
    look = scene.look
    return Card(
        look,
        QrImage(url, size_hint_x=0.5),
        Text(look, scene.say("ticket.scan"), "button"),
        orientation="horizontal",
        pad=1.5,
        gap=2,
        size_hint_y=1.0,
    )


def _paper(scene: Scene) -> Widget:
    """Where the paper is; in words and a drawing."""
    look, paper = scene.look, scene.state.paper
    p = look.palette
    good = paper in (Paper.CONFIRMED, Paper.UNKNOWN)
    bad = paper is Paper.FAILED
    fill = p.success_tint if good else p.accent_tint if bad else p.tint
    colour = p.success if good else p.accent if bad else p.primary
    card = Card(
        look,
        Icon(
            look,
            "check" if good else "warning" if bad else "printer",
            colour,
            size_hint_x=None,
            width=look.unit(5),
        ),
        Text(look, scene.say(f"paper.{paper.value}"), "button", bold=good),
        fill=fill,
        border=colour,
        orientation="horizontal",
        pad=1.6,
        gap=2,
    )
    return fixed(card, look.unit(10) * look.letters)


def _late(scene: Scene, taken: m.TicketTaken) -> list[Widget]:
    """A warning when the centre may close before her turn."""
    if taken.estimate is None or taken.closes_in_minutes is None:
        return []
    if taken.estimate.high < taken.closes_in_minutes:
        return []
    look = scene.look
    accent = look.palette.accent
    sign = Icon(look, "warning", accent, size_hint_x=None, width=look.unit(5))
    words = Text(look, scene.say("ticket.late"), "body", bold=True, colour=accent)
    return [fixed(Row(look, sign, words), look.unit(8) * look.letters)]


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
                icon="printer",
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
