"""The pictures above the journey: starting, no server, closed, are you there, help comes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget

from kiosk import reports as r
from kiosk.access import MoreTimeAsked
from kiosk.finding_reports import ErrandAsked
from kiosk.touch.style import LETTERS, Colour
from kiosk.touch.text import Text, height_of
from kiosk.touch.widgets import BigButton, Column, Icon, Row, Title, button_height
from kiosk.visit import (
    Help,
    Step,
    idle_left,
    service_info,
    service_reason,
    service_state,
)
from queue_server.wire.words import Language

from .scene import GAP, MARGIN, Scene, fixed, framed

Way = tuple[str, str, type[r.Report]] | tuple[str, str, type[r.Report], dict[str, Any]]
"""A button under a notice: name, text, report, and its values if it has any."""


def notice(
    scene: Scene,
    icon: str,
    title: str,
    text: str,
    *ways: Way,
    also: str = "",
    colour: Colour | None = None,
    sign: Widget | None = None,
) -> Widget:
    """A drawing, what is the matter, what to do, and the ways on."""
    look = scene.look
    width = look.width - 2 * look.unit(MARGIN)
    drawing = sign or Icon(look, icon, colour or look.palette.accent)
    drawing.size_hint_y = 0.45
    tight = look.lowered and look.letters > LETTERS[1]
    role, least = ("body", 0.0) if tight else ("lead", look.unit(16))
    said = fixed(
        Title(look, title, halign="center"),
        max(0.0 if tight else look.unit(14), height_of(look, title, "title", width, bold=True) + 1),
    )
    words = fixed(
        Text(look, text, role, halign="center", valign="top"),
        max(least, height_of(look, text, role, width) + 1),
    )
    parts: list[Widget] = [Widget(size_hint_y=0.2), drawing, said, words]
    if also:
        quiet, other = look.palette.quiet, "small" if tight else "body"
        again = Text(look, also, other, halign="center", valign="top", colour=quiet)
        parts.append(fixed(again, height_of(look, also, other, width) + 1))
    parts.append(Widget(size_hint_y=0.12))
    return framed(scene, *([_ways(scene, ways)] if ways else []), above=parts, back=False)


def _ways(scene: Scene, ways: tuple[Way, ...]) -> Widget:
    """Side by side; one below the other where larger letters need the width."""
    look = scene.look
    gap, width = look.unit(GAP), look.width - 2 * look.unit(MARGIN)
    beside = (width - gap * (len(ways) - 1)) / len(ways)
    least = max(look.unit(16), look.target())
    stacked = (len(ways) > 2 and look.portrait) or any(
        height_of(look, words, "button", beside - look.unit(5), bold=True) > look.unit(11)
        for _, words, *_ in ways
    )
    buttons = [_way(scene, way, "quiet" if place else "primary") for place, way in enumerate(ways)]
    if not stacked:
        return fixed(Row(look, *buttons, gap=GAP), least)
    heights = [
        max(
            least if not place else look.unit(11),
            look.target(),
            button_height(look, words, "", width),
        )
        for place, (_, words, *_) in enumerate(ways)
    ]
    for button, height in zip(buttons, heights, strict=True):
        fixed(button, height)
    return fixed(Column(look, *buttons, gap=GAP), sum(heights) + gap * (len(heights) - 1))


def _way(scene: Scene, way: Way, kind: str) -> BigButton:
    values: dict[str, Any] = way[3] if len(way) == 4 else {}
    return BigButton(scene.look, way[1], scene.touch(way[2], **values), name=way[0], kind=kind)


def _both(scene: Scene, key: str) -> dict[str, Any]:
    """On the first screen nobody has chosen a language yet: say it in the other one as well."""
    if scene.state.step is not Step.WELCOME or len(scene.languages) < 2:
        return {}
    other = Language.EN if scene.state.language == Language.VI else Language.VI
    words = f"{scene.texts.say(f'{key}.title', other)}. {scene.texts.say(f'{key}.text', other)}"
    return {"also": words}


def starting(scene: Scene) -> Widget:
    return notice(
        scene,
        "clock",
        scene.say("starting.title"),
        scene.say("starting.text"),
        colour=scene.look.palette.primary,
        **_both(scene, "starting"),
    )


def away(scene: Scene) -> Widget:
    """No server, and no number of the kiosk's own (any more): where to go, and what can be done here."""
    state = scene.state
    key = "used_up" if state.leased else "away"
    ways: list[Way] = []
    if state.step is Step.WELCOME and state.shelf is not None:
        for language in scene.languages:
            words = scene.texts.say("welcome.more", language)
            ways.append((f"more-{language}", words, ErrandAsked, {"language": language}))
    elif state.step is not Step.WELCOME:
        ways.append(("home", scene.say("idle.leave"), r.WentHome, {}))
    return notice(
        scene,
        "offline",
        scene.say(f"{key}.title"),
        scene.say(f"{key}.text"),
        *ways,
        **_both(scene, key),
    )


def closed(scene: Scene) -> Widget:
    """No service gives numbers now; says why when all have the same reason."""
    setup = scene.state.setup
    services = setup.services if setup else ()
    reasons = {service_reason(scene.state, s.id) for s in services} - {""}
    states = {service_state(scene.state, s.id) for s in services}
    words = [scene.say("closed.text")]
    if len(reasons) == 1:
        words.insert(0, scene.say("stopped.reason", reason=reasons.pop()))
    elif states == {"cut_off"}:
        words.insert(0, scene.say("stopped.cut_off"))
    return notice(
        scene, "clock", scene.say("closed.title"), "\n".join(words), **_both(scene, "closed")
    )


def stopped(scene: Scene) -> Widget:
    """The chosen service gives no numbers (any more): said at once, wherever she is."""
    state = scene.state
    info = service_info(state, state.service)
    name = info.name.say(state.language) if info else ""
    words = scene.say(f"stopped.{service_state(state, state.service)}")
    reason = service_reason(state, state.service)
    if reason:
        words = f"{words}\n{scene.say('stopped.reason', reason=reason)}"
    return notice(
        scene,
        "warning",
        scene.say("stopped.title", service=name),
        words,
        ("other", scene.say("stopped.other"), r.WentBack),
        ("home", scene.say("idle.leave"), r.WentHome),
    )


def idle(scene: Scene) -> Widget:
    """Counts down; any touch says that she is still there. The number stands in the text too, which is
    enough where larger letters leave no room for it above."""
    look = scene.look
    seconds = math.ceil((idle_left(scene.state) or 0) / 1000)
    count = Text(
        look, str(seconds), "count", bold=True, halign="center", colour=look.palette.primary
    )
    roomy = look.portrait or look.letters == 1.0
    picture = notice(
        scene,
        "clock",
        scene.say("idle.title"),
        f"{scene.say('idle.text')} {scene.say('idle.seconds', seconds=seconds)}",
        ("here", scene.say("idle.here"), r.Touched),
        ("more", scene.say("idle.more"), MoreTimeAsked),
        ("home", scene.say("idle.leave"), r.WentHome),
        sign=count if roomy else None,
        colour=look.palette.primary,
    )
    return Anywhere(picture, scene.touch(r.Touched))


class Anywhere(FloatLayout):
    """A touch beside the buttons of `picture` counts as well."""

    def __init__(self, picture: Widget, on_touch: Callable[[], None]) -> None:
        super().__init__()
        self._on_touch = on_touch
        self.add_widget(picture)

    def on_touch_down(self, touch: Any) -> bool:
        if not super().on_touch_down(touch):
            self._on_touch()
        return True


def helping(scene: Scene) -> Widget:
    look, help_ = scene.look, scene.state.help
    icon = {Help.COMING: "check", Help.UNHEARD: "warning"}.get(help_, "help")
    colour = {Help.COMING: look.palette.success, Help.UNHEARD: look.palette.accent}
    return notice(
        scene,
        icon,
        scene.say(f"help.{help_.value}"),
        scene.say(f"help.{help_.value}_text"),
        ("close", scene.say("help.close"), r.HelpClosed),
        colour=colour.get(help_, look.palette.primary),
    )


def opening(scene: Scene) -> Widget:
    """Until the child has the screen, which it then covers."""
    return notice(
        scene,
        "write",
        scene.say("opening.title"),
        scene.say("opening.text"),
        colour=scene.look.palette.primary,
    )


def lost(scene: Scene) -> Widget:
    """What was done in the child broke off: said plainly, and nothing of it is left."""
    return notice(
        scene,
        "warning",
        scene.say("lost.title"),
        scene.say("lost.text"),
        ("home", scene.say("idle.leave"), r.WentHome),
    )
