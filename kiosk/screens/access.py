"""The picture where a visitor says how she wants to see, hear and reach: one button a wish."""

from __future__ import annotations

from kivy.uix.widget import Widget

from kiosk import access as a
from kiosk.reports import Report
from kiosk.touch.style import LETTERS
from kiosk.touch.widgets import BigButton

from .scene import Choice, Scene, body_room, choices, fixed, framed, rest


def access(scene: Scene) -> Widget:
    look = scene.look
    done = BigButton(
        look,
        scene.say("access.done"),
        scene.touch(a.AccessClosed),
        name="access-done",
        kind="primary",
        icon="check",
    )
    height = max(look.unit(11), look.target())
    title = scene.say("access.title")
    room = body_room(look, height, title=title, steps=True)
    columns = 1 if look.letters > LETTERS[1] and look.portrait else 2
    body = choices(scene, wishes(scene), room, least=12, most=15, columns=columns)
    return framed(scene, *body, rest(), fixed(done, height), title=title)


def wishes(scene: Scene) -> list[Choice]:
    """Speed and volume only while it reads, low reach only where there is a lower half to go to."""
    wish, look = scene.state.access, scene.look
    size = wish.size
    letters = scene.say(f"access.letters_{size}")
    items = [
        _wish(scene, "letters", letters, a.LettersTurned, size > 1),
        _wish(scene, "contrast", _switch(scene, wish.contrast), a.ContrastTurned, wish.contrast),
    ]
    if look.portrait:
        words = f"{_switch(scene, wish.low)}. {scene.say('access.low_hint')}"
        items.append(_wish(scene, "low", words, a.LowTurned, wish.low))
    words = _switch(scene, wish.reading)
    items.append(_wish(scene, "reading", words, a.ReadingTurned, wish.reading))
    if wish.reading:
        speed = scene.say("access.step", step=wish.speed + 1, steps=len(a.SPEEDS))
        volume = scene.say("access.step", step=wish.volume + 1, steps=len(a.VOLUMES_DB))
        items.append(_wish(scene, "speed", speed, a.SpeedTurned, False))
        items.append(_wish(scene, "volume", volume, a.VolumeTurned, False))
    times = wish.patience
    key = "access.time_times" if times > 1 else "access.time_usual"
    items.append(_wish(scene, "time", scene.say(key, times=times), a.MoreTimeAsked, times > 1))
    return items


ICONS = {
    "letters": "letters",
    "contrast": "contrast",
    "low": "low",
    "reading": "speaker",
    "speed": "speaker",
    "volume": "speaker",
    "time": "clock",
}


def _wish(scene: Scene, name: str, state: str, kind: type[Report], changed: bool) -> Choice:
    return Choice(
        name=name,
        text=scene.say(f"access.{name}"),
        on_act=scene.touch(kind),
        detail=state,
        kind="chosen" if changed else "plain",
        icon=ICONS[name],
    )


def _switch(scene: Scene, on: bool) -> str:
    return scene.say("access.on" if on else "access.off")
