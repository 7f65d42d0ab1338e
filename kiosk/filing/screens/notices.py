"""The pictures above the visit: help comes, are you there, leave or stay, how to see and hear."""

from __future__ import annotations

import math
from typing import Any, cast

from kivy.uix.widget import Widget

from kiosk import access as a
from kiosk.filing import reports as r
from kiosk.filing.visit import Help, idle_left
from kiosk.screens.access import wishes
from kiosk.screens.notices import Anywhere
from kiosk.touch.style import LETTERS, Colour
from kiosk.touch.text import Text, height_of
from kiosk.touch.widgets import Icon, Space

from .scene import Scene, choices, fixed, framed, main_button, room_for


def notice(
    scene: Scene, sign: Widget, heading: str, words: str, *buttons: Widget, share: float = 0.5
) -> Widget:
    """`share`: of the height that is left, what the sign has beside the empty room below."""
    look = scene.look
    sign.size_hint_y = share
    title = Text(look, heading, "title", bold=True, halign="center")
    title = fixed(title, height_of(look, heading, "title", scene.width, bold=True) + look.unit(2))
    text = Text(look, words, "lead", halign="center", valign="top")
    text = fixed(text, height_of(look, words, "lead", scene.width) + look.unit(4))
    above = [Widget(size_hint_y=0.15), sign, title, text]
    return framed(scene, Space(), *buttons, above=above, back=False, leave=False)


def helping(scene: Scene) -> Widget:
    look, help_ = scene.look, scene.state.help
    icon = {Help.COMING: "check", Help.UNHEARD: "warning"}.get(help_, "help")
    colours: dict[Help, Colour] = {
        Help.COMING: look.palette.success,
        Help.UNHEARD: look.palette.accent,
    }
    return notice(
        scene,
        Icon(look, icon, colours.get(help_, look.palette.primary)),
        scene.say(f"help.{help_.value}"),
        scene.say(f"help.{help_.value}_text"),
        main_button(scene, scene.say("help.close"), scene.touch(r.HelpClosed), "close", units=15),
    )


def idle(scene: Scene) -> Widget:
    """Counts down; any touch says that she is still there."""
    look = scene.look
    seconds = math.ceil((idle_left(scene.state) or 0) / 1000)
    count = Text(
        look, str(seconds), "count", bold=True, halign="center", colour=look.palette.primary
    )
    picture = notice(
        scene,
        count,
        scene.say("idle.title"),
        scene.say("leave.idle", seconds=seconds),
        main_button(
            scene,
            scene.say("leave.longer"),
            scene.touch(a.MoreTimeAsked),
            "longer",
            kind="plain",
            icon="clock",
        ),
        main_button(scene, scene.say("idle.here"), scene.touch(r.Touched), "here", units=20),
        share=0.5 if look.portrait else 2,
    )
    return Anywhere(picture, scene.touch(r.Touched))


def leave(scene: Scene) -> Widget:
    """Nothing is thrown away without this question."""
    look = scene.look
    return notice(
        scene,
        Icon(look, "warning", look.palette.accent),
        scene.say("leave.title"),
        scene.say("leave.text"),
        main_button(
            scene,
            scene.say("leave.leave"),
            scene.touch(r.Left),
            "leave-now",
            kind="accent",
            units=14,
        ),
        main_button(scene, scene.say("leave.stay"), scene.touch(r.Stayed), "stay", units=16),
    )


def access(scene: Scene) -> Widget:
    """How she wants to see, hear and reach: the kiosk's own wishes, in this frame."""
    look, heading = scene.look, scene.say("access.title")
    close = scene.touch(a.AccessClosed)
    done = main_button(scene, scene.say("access.done"), close, "access-done", icon="check")
    columns = 1 if look.letters > LETTERS[1] and look.portrait else 2
    room = room_for(scene, done.height, title=heading)
    body = choices(scene, wishes(cast(Any, scene)), room, 12, 15, columns)
    return framed(scene, *body, Space(), done, title=heading, leave=False)
