"""Lays out every picture of the kiosk in the looks that are hardest on it, and says what stands where.

python -m tests.screen_matrix     a JSON line a picture

Nothing is drawn: sizes and places are what the tests ask for, and they are known without paint.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from kiosk.touch.window import WindowSettings, parse_size, prepare_kivy
from queue_server.wire.texts import Texts

from .kiosk_pictures import pictures
from .looks import access_of

LOOKS = (
    ("1080x1920", "vi", "largest"),
    ("1080x1920", "en", "largest"),
    ("1080x1920", "en", "largest-low"),
    ("1080x1920", "vi", "usual-low"),
    ("1920x1080", "en", "largest"),
)
NESTED = 12
"""Layouts in layouts place their children a tick later each."""
TEXTS = Texts(Path("kiosk/texts"))
UPRIGHT_MM, LYING_MM = 344.0, 598.0


def main() -> None:
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    with tempfile.TemporaryDirectory() as home:
        prepare_kivy(WindowSettings(64, 64, fullscreen=False), Path(home))
        from kivy.config import Config

        Config.set("graphics", "maxfps", "0")
        from kivy.base import EventLoop

        from kiosk.touch import widgets
        from kiosk.touch.style import register_font
        from kiosk.touch.text import Text

        register_font()
        EventLoop.ensure_window()
        # Letters are measured and not painted, drawings left out.
        Text._paint = lambda self: None
        widgets.draw_icon = lambda *_: None
        for size, language, look in LOOKS:
            for name, state in pictures(language):
                place = {"name": name, "look": f"{size}-{language}-{look}"}
                print(json.dumps({**place, **lay_out(size, look, state)}), flush=True)


def lay_out(size: str, way: str, state: Any) -> dict[str, Any]:
    from kivy.clock import Clock
    from kivy.uix.floatlayout import FloatLayout

    from kiosk.screens import draw
    from kiosk.screens.scene import Scene, own_look
    from kiosk.touch.style import Look

    width, height = parse_size(size)
    access = access_of(way)
    wish = replace(state.access, letters=access.letters, low=access.low)
    millimetres = UPRIGHT_MM if height > width else LYING_MM
    look = Look(width, height, millimetres, letters=access.letters, low=access.low)
    scene = Scene(
        replace(state, access=wish), own_look(look), TEXTS, lambda *_, **__: None, "07:25"
    )
    stage = FloatLayout(size=(width, height), size_hint=(None, None))
    stage.add_widget(draw(scene)[1])
    for _ in range(NESTED):
        Clock.tick()
    return told(stage, scene.look)


def told(stage: Any, look: Any) -> dict[str, Any]:
    from kiosk.touch.spoken import SpokenWords, items
    from kiosk.touch.style import SIZES
    from kiosk.touch.text import Text
    from kiosk.touch.widgets import Touchable

    def rect(widget: Any) -> list[int]:
        top = look.height - widget.top
        return [round(v) for v in (widget.x, top, widget.width, widget.height)]

    texts = [w for w in stage.walk(restrict=True) if isinstance(w, Text) and w.text]
    buttons = [w for w in stage.walk(restrict=True) if isinstance(w, Touchable)]
    return {
        "size": [look.width, look.height],
        "mm": look.mm(1.0),
        "buttons": [{"name": b.name, "rect": rect(b), "disabled": b.disabled} for b in buttons],
        "texts": [
            {
                "text": t.text,
                "rect": rect(t),
                "overflows": t.overflows,
                "role": t.role,
                "pixels": t.font_size,
                "usual": look.unit(SIZES[t.role]),
            }
            for t in texts
        ],
        "items": [
            {"words": i.words, "acts": i.acts, "rect": rect(i.widget), "name": i.key}
            for i in items(stage, SpokenWords("button", "chosen", "unavailable"))
        ],
    }


if __name__ == "__main__":
    main()
