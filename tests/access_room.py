"""A visitor who does not see, one whose hand shakes, and one with a keypad, at the kiosk's own program.

python -m tests.access_room FOLDER     a JSON object: what came of each story; speech lies in FOLDER as WAV

Touches and keys go the way of Kivy's own, and espeak-ng speaks; only the sound card is a folder.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kiosk.touch.window import WindowSettings, prepare_kivy

SIZE = (1080, 1920)
UP, DOWN, SELECT, JACK_IN, JACK_OUT = 82, 81, 88, 104, 105


def main(folder: Path) -> None:
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    prepare_kivy(WindowSettings(*SIZE, fullscreen=False), Path(tempfile.mkdtemp()))
    from kivy.config import Config

    Config.set("graphics", "maxfps", "0")
    from kiosk.app import KioskApp
    from kiosk.main import TEXTS
    from kiosk.settings import KioskSettings
    from kiosk.touch.keys import table
    from kiosk.touch.reader import ReadingSettings
    from queue_server.wire.texts import Texts

    player = f"sh -c 'cat > {folder}/{{device}}-$$.wav'"
    reading = ReadingSettings(player=player, loudspeaker="loud", headphones="ear")
    settings = KioskSettings(reading=reading)
    app = KioskApp(WindowSettings(*SIZE, fullscreen=False), settings, Texts(TEXTS), "test")
    codes = {"up": UP, "down": DOWN, "select": SELECT, "jack_in": JACK_IN, "jack_out": JACK_OUT}
    app.keys = table(codes)
    app._run_prepare()
    app.reader.start()
    told = Stories(app).all()
    app.reader.stop()
    print(json.dumps(told, ensure_ascii=False))


class Stories:
    def __init__(self, app: Any) -> None:
        from kivy.base import EventLoop

        self._app, self._loop = app, EventLoop
        self._count = 0
        self.said: list[tuple[str, bool]] = []
        self._listen()

    def all(self) -> dict[str, Any]:
        self.world()
        stories: list[Callable[[], Any]] = [
            self.two_fingers_at_once,
            self.a_shaking_hand,
            self.the_corner,
            self.explored,
            self.by_keypad,
            self.touched_while_it_speaks,
            self.pulled_out,
        ]
        return {story.__name__: self._fresh(story) for story in stories}

    def _fresh(self, story: Callable[[], Any]) -> Any:
        from kiosk import access as a
        from kiosk import reports as r

        self._app.tell(a.JackMoved, inside=False)
        self._app.tell(r.WentHome)
        self.said.clear()
        self.frames(0.3)
        return story()

    def world(self) -> None:
        from kiosk import reports as r
        from tests.kiosk_pictures import line, procedures, setup

        self._app.tell(r.SetupCame, setup=setup())
        self._app.tell(r.LineCame, line=line())
        self._app.tell(r.CatalogueCame, procedures=procedures())
        self._app.tell(r.ConnectionChanged, up=True)
        self.frames(0.4)

    def _listen(self) -> None:
        """Write down what is to be said; it is said all the same."""
        say = self._app.reader.say

        def heard(text: str, language: str = "vi", *, private: bool = False) -> bool:
            self.said.append((text, private))
            return bool(say(text, language, private=private))

        self._app.reader.say = heard

    # --- hands ---

    def frames(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._loop.idle()

    def finger(self, x: float, y: float) -> Any:
        from kiosk.touch.remote import _Finger

        self._count += 1
        return _Finger("hand", self._count, (x / SIZE[0], y / SIZE[1]))

    def down(self, x: float, y: float) -> Any:
        finger = self.finger(x, y)
        self._loop.post_dispatch_input("begin", finger)
        return finger

    def up(self, finger: Any) -> None:
        self._loop.post_dispatch_input("end", finger)

    def tap(self, x: float, y: float) -> None:
        self.up(self.down(x, y))

    def key(self, scan: int) -> None:
        from kivy.core.window import Window

        Window.dispatch("on_key_down", 0, scan, None, [])
        Window.dispatch("on_key_up", 0, scan)

    def middle(self, name: str) -> tuple[float, float]:
        item = next(i for i in self._app.assist.items() if i.key == name)
        return item.widget.center_x, item.widget.center_y

    @property
    def state(self) -> Any:
        return self._app.state

    # --- stories ---

    def two_fingers_at_once(self) -> Any:
        one, other = self.middle("start-vi"), self.middle("more-vi")
        first, second = self.down(*one), self.down(*other)
        self.up(second)
        self.up(first)
        return {"step": self.state.step.value}

    def a_shaking_hand(self) -> Any:
        """Two presses of the same button within half a second, a third after it."""
        self.tap(*self.middle("access"))
        self.frames(0.3)
        place = self.middle("letters")
        sizes = []
        for _ in range(2):
            self.tap(*place)
            sizes.append(self.state.access.letters)
        self.frames(0.55)
        self.tap(*place)
        return [*sizes, self.state.access.letters]

    def the_corner(self) -> Any:
        finger = self.down(10, 10)
        self.frames(3.2)
        reading = self.state.access.reading
        self.up(finger)
        return {"reading": reading, "step": self.state.step.value, "said": self.said[-1][0][:40]}

    def explored(self) -> Any:
        from kiosk import access as a

        self._app.tell(a.ReadingTurned, on=True)
        self.frames(0.3)
        finger = self.down(*self.middle("more-en"))
        self.frames(0.4)
        finger.move(tuple(v / s for v, s in zip(self.middle("start-en"), SIZE, strict=True)))
        self._loop.post_dispatch_input("update", finger)
        heard = self.said[-1][0]
        self.up(finger)
        lifted = self.state.step.value
        self.frames(0.05)
        for _ in range(2):
            self.tap(540, 960)
            self.frames(0.05)
        acted = self.state.step.value
        self.tap(540, 960)
        self.tap(540, 960)
        return {
            "heard": heard,
            "lifted": lifted,
            "acted": acted,
            "language": self.state.language,
            "after": self.state.step.value,
        }

    def by_keypad(self) -> Any:
        """From before the first item once round, and back to it; then the first button is pressed."""
        self.key(JACK_IN)
        self.frames(0.3)
        items = [item.key for item in self._app.assist.items()]
        gone = []
        for _ in range(len(items) + 1):
            self.key(DOWN)
            gone.append(self._app.assist.cursor.current.key)
        framed = len(self._app.assist.cursor.frame.children) > 0
        while self._app.assist.cursor.current.key != "start-vi":
            self.key(DOWN)
        self.key(SELECT)
        self.key(SELECT)
        return {"items": items, "gone": gone, "framed": framed, "step": self.state.step.value}

    def touched_while_it_speaks(self) -> Any:
        from kiosk import access as a

        self._app.tell(a.ReadingTurned, on=True)
        reader = self._app.reader
        deadline = time.monotonic() + 5
        while not reader.speaking and time.monotonic() < deadline:
            time.sleep(0.005)
        spoke = reader.speaking
        finger = self.down(540, 960)
        while reader.speaking and time.monotonic() < deadline:
            time.sleep(0.005)
        self.up(finger)
        return {"spoke": spoke, "silent": not reader.speaking}

    def pulled_out(self) -> Any:
        from kiosk import reports as r

        self._app.tell(r.Started, language="vi")
        self.key(JACK_IN)
        reading = (self.state.access.reading, self._app.reader.plugged)
        self.key(JACK_OUT)
        covered = self._app.screen_name
        self._app.later(9)
        return {"reading": reading, "covered": covered, "step": self.state.step.value}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
