"""`motcua kiosk --learn-keys`: asks for each key of a keypad, and writes down what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kivy.clock import Clock

from kiosk.touch.keys import KeyName, code_of, write_keys
from kiosk.touch.screen_app import ScreenApp
from kiosk.touch.text import Text
from kiosk.touch.widgets import Column, Title
from kiosk.touch.window import WindowSettings
from queue_server.wire.texts import Texts

SKIP_S = 15.0


class _Learn(ScreenApp):
    """One key after the other; a key that is not there is waited for and left out."""

    def __init__(self, window: WindowSettings, texts: Texts) -> None:
        super().__init__(window)
        self._texts = texts
        self._asked = list(KeyName)
        self.learnt: dict[int, KeyName] = {}
        self._skip = Clock.create_trigger(lambda _: self._next(), SKIP_S)

    def draw(self) -> None:
        if not self._asked:
            self.stop()
            return
        key = self._texts.say(f"learn.{self._asked[0].value}", "vi")
        self.show(
            self._asked[0].value,
            Column(
                self.look,
                Title(self.look, self._texts.say("learn.title", "vi", name=key), halign="center"),
                Text(self.look, self._texts.say("learn.text", "vi"), "lead", halign="center"),
            ),
        )
        self._skip.cancel()
        self._skip()

    def _next(self) -> None:
        self._asked.pop(0)
        self.draw()

    def _on_key(
        self,
        _window: object,
        key: int,
        scan: int,
        letter: str | None = None,
        modifiers: Sequence[str] = (),
    ) -> bool:
        code = code_of(key, scan)
        if self._asked and code not in self.learnt:
            self.learnt[code] = self._asked[0]
            self._next()
        return True


def learn(window: WindowSettings, folder: Path, texts: Texts) -> int:
    """Ask for the keys and write them to `folder`; how many were learnt."""
    app = _Learn(window, texts)
    app.run()
    if app.learnt:
        write_keys(folder, app.learnt)
    return len(app.learnt)
