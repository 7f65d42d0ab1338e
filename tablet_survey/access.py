"""The picture where a visitor says how she wants to see and hear the tablet: one button a wish."""

from __future__ import annotations

from kiosk.touch.style import LETTERS
from kiosk.touch.text import Text
from kiosk.touch.widgets import BigButton, Row, alike
from kiosk.touch.wishes import SPEEDS, VOLUMES_DB

from . import journey as j
from .journey import Wish
from .parts import Picture, Scene, TimeBar, fixed, tall

ICONS = {
    Wish.LETTERS: "letters",
    Wish.CONTRAST: "contrast",
    Wish.READING: "speaker",
    Wish.SPEED: "speaker",
    Wish.VOLUME: "speaker",
    Wish.TIME: "clock",
}


class AccessPicture(Picture):
    """Her rating stands behind it, and goes on where it was."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        look = scene.look
        title = Text(look, scene.say("access.title"), "title", bold=True, halign="center")
        wishes = [_button(scene, *about) for about in _wishes(scene)]
        columns = _columns(scene, len(wishes))
        self.add_widget(tall(title, 0.4))
        for n in range(0, len(wishes), columns):
            self.add_widget(Row(look, *wishes[n : n + columns]))
        self.bar = TimeBar(look)
        self.add_widget(fixed(_done(scene), look.target(12)))
        self.add_widget(self.bar)
        self.update(scene.state, 1.0, "")
        alike(wishes)


def _columns(scene: Scene, count: int) -> int:
    if not scene.look.portrait:
        return 3 if count > 4 else 2
    return 1 if scene.look.letters > LETTERS[1] else 2


def _wishes(scene: Scene) -> list[tuple[Wish, str, bool]]:
    """Each wish, how it stands in words, and whether it is other than usual."""
    own = scene.state.access
    wishes = [
        (Wish.LETTERS, scene.say(f"access.letters_{own.size}"), own.size > 1),
        (Wish.CONTRAST, _switch(scene, own.contrast), own.contrast),
        (Wish.READING, _switch(scene, own.reading), own.reading),
    ]
    if own.reading:
        speed = scene.say("access.step", step=own.speed + 1, steps=len(SPEEDS))
        volume = scene.say("access.step", step=own.volume + 1, steps=len(VOLUMES_DB))
        wishes += [(Wish.SPEED, speed, False), (Wish.VOLUME, volume, False)]
    more = own.patience > 1
    key = "access.time_times" if more else "access.time_usual"
    return [*wishes, (Wish.TIME, scene.say(key, times=own.patience), more)]


def _switch(scene: Scene, on: bool) -> str:
    return scene.say("access.on" if on else "access.off")


def _button(scene: Scene, wish: Wish, state: str, changed: bool) -> BigButton:
    return BigButton(
        scene.look,
        scene.say(f"access.{wish}"),
        lambda: scene.report(j.MakeWish(wish)),
        name=f"wish-{wish}",
        kind="chosen" if changed else "plain",
        detail=state,
        icon=ICONS[wish],
    )


def _done(scene: Scene) -> BigButton:
    return BigButton(
        scene.look,
        scene.say("access.done"),
        lambda: scene.report(j.MakeWish(Wish.CLOSE)),
        name="access-done",
        kind="primary",
        icon="check",
        role="lead",
    )
