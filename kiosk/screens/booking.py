"""The pictures of booking a time and of coming for one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from kivy.uix.widget import Widget

from kiosk import booking_reports as b
from kiosk import reports as r
from kiosk.booking import CODE_LENGTH
from kiosk.touch.keyboard import Keyboard
from kiosk.touch.text import Text
from kiosk.touch.widgets import BigButton, Card, Column, Icon, QrImage, Row
from kiosk.visit import service_info
from queue_server.wire.words import local

from .scene import (
    Choice,
    Scene,
    body_room,
    choices,
    fixed,
    framed,
    key_words,
    rest,
    wide_height,
)


def service(scene: Scene) -> Widget:
    setup, language = scene.state.setup, scene.state.language
    items = [
        Choice(
            name=f"book-{info.id}",
            text=info.name.say(language),
            on_act=scene.touch(b.BookingService, service=info.id),
            badge=info.letter,
        )
        for info in (setup.services if setup else ())
    ]
    title = scene.say("book.service")
    body = choices(scene, items, body_room(scene.look, title=title), least=12, most=16)
    return framed(scene, *body, rest(), title=title)


def day(scene: Scene) -> Widget:
    """The days that have a free time; what is the matter if there are none."""
    state = scene.state
    title = scene.say("book.day")
    if state.unanswered:
        return _matter(scene, scene.say("book.unanswered"), title)
    if state.free is None:
        return _matter(scene, scene.say("book.asking"), title)
    if not state.free.days:
        return _matter(scene, scene.say("book.none"), title)
    items = [
        Choice(
            name=f"day-{name}",
            text=_day_words(scene, name),
            on_act=scene.touch(b.DayPicked, day=name),
            detail=scene.say("book.free", count=sum(time.left for time in times)),
        )
        for name, times in state.free.days.items()
    ]
    told = []
    if state.refusal is not None:
        words = state.refusal.en if state.language == "en" else state.refusal.vi
        told = [fixed(Text(scene.look, words, "body", halign="center"), scene.look.unit(8))]
    room = body_room(scene.look, *(t.height for t in told), title=title)
    return framed(scene, *told, *choices(scene, items, room), rest(), title=title)


def time(scene: Scene) -> Widget:
    state = scene.state
    offset = state.setup.utc_offset_minutes if state.setup else 420
    times = state.free.days.get(state.day, ()) if state.free else ()
    items = [
        Choice(
            name=f"time-{local(time.starts, offset):%H%M}",
            text=f"{local(time.starts, offset):%H:%M}",
            on_act=scene.touch(b.TimePicked, starts=time.starts),
        )
        for time in times
    ]
    title = _day_words(scene, state.day)
    columns = 3 if scene.look.letters < 1.5 else 2
    body = choices(scene, items, body_room(scene.look, title=title), columns=columns)
    return framed(scene, *body, rest(), title=title)


def _day_words(scene: Scene, day: str) -> str:
    date = dt.date.fromisoformat(day)
    return scene.say("book.date", weekday=scene.say(f"weekday.{date.isoweekday()}"), day=date)


def _matter(scene: Scene, words: str, title: str) -> Widget:
    said = Text(scene.look, words, "lead", halign="center")
    return framed(scene, rest(), said, rest(), title=title)


def booking(scene: Scene) -> Widget:
    look = scene.look
    leave = BigButton(
        look, scene.say("book.leave"), scene.touch(r.WentHome), name="leave", kind="quiet"
    )
    return framed(
        scene,
        rest(),
        Text(look, scene.say("book.booking"), "lead", halign="center"),
        rest(),
        fixed(leave, wide_height(look, scene.say("book.leave"), 12)),
        back=False,
    )


def booked(scene: Scene) -> Widget:
    """Day and time, the code to come with, and the slip."""
    look, state = scene.look, scene.state
    mine = state.booked
    assert mine is not None, "the journey shows this only with a booked time"
    offset = state.setup.utc_offset_minutes if state.setup else 420
    starts = local(mine.starts, offset)
    info = service_info(state, mine.service)
    when = Text(look, f"{starts:%H:%M}", "count", bold=True, halign="center")
    when.color = look.palette.primary
    lines = [
        fixed(when, look.unit(19)),
        _line(scene, _day_words(scene, starts.date().isoformat()), "title"),
        _line(scene, info.name.say(state.language) if info else "", "lead"),
    ]
    code = _line(scene, f"{mine.token[:5]} {mine.token[5:]}", "title")
    sign: list[Widget] = [QrImage(mine.url), code] if mine.url else [code]
    slip = scene.say(f"book.slip_{state.slip or 'none'}")
    done = BigButton(
        look, scene.say("ticket.done"), scene.touch(r.WentHome), name="done", kind="primary"
    )
    words = _line(scene, slip, "body")
    foot = fixed(done, wide_height(look, scene.say("ticket.done"), 12))
    if look.portrait:
        title = scene.say("book.booked")
        return framed(scene, *sign, words, foot, back=False, title=title, above=lines)
    both = Row(look, Column(look, *lines, rest(), gap=1), Column(look, *sign, gap=1), gap=3)
    return framed(scene, both, words, foot, back=False, title=scene.say("book.booked"))


def _line(scene: Scene, words: str, role: str) -> Widget:
    text = Text(scene.look, words, role, bold=role == "title", halign="center")
    return fixed(text, scene.look.text(role) * (2.6 if role == "body" else 1.7))


def check_in(scene: Scene) -> Widget:
    """Hold the code before the reader, or type it."""
    look, state = scene.look, scene.state
    keys = replace(key_words(scene, scene.say("check_in.send")), space="")
    pad = Keyboard(
        look,
        keys,
        lambda key: scene.tell(b.CodeKey, key=key),
        lambda: scene.tell(b.CodeGiven, code=state.code),
        vietnamese=False,
        numbers=True,
    )
    shown = f"{state.code}{'_' * (CODE_LENGTH - len(state.code))}"
    code = Text(look, f"{shown[:5]}  {shown[5:]}", "title", bold=True, halign="center")
    box = fixed(Card(look, code, border=look.palette.primary, pad=1.4), look.unit(11))
    accent = look.palette.accent if state.refusal else None
    words = scene.say("check_in.wrong" if state.refusal else "check_in.hint")
    hint = Text(look, words, "lead", bold=bool(accent), colour=accent, halign="center")
    sign = Icon(look, "warning" if state.refusal else "phone", accent, size_hint_y=0.9)
    taken = () if look.lowered else (box.height,)
    keys_height = min(look.unit(48), body_room(look, *taken, title=scene.say("check_in.title")))
    return framed(
        scene,
        fixed(pad, keys_height),
        title=scene.say("check_in.title"),
        above=[sign, hint, box],
    )
