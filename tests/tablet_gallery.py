"""Every picture of the tablet in every size, language and text size, laid out and checked.

`python -m tests.tablet_gallery` prints a JSON list of what is wrong: a word cut, a target too small
or off the screen. With a FOLDER each picture is drawn into it as PNG, the largest letters in high
contrast. It is a process of its own, since Kivy lives once in a process.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kiosk.touch.style import LETTERS
from kiosk.touch.window import WindowSettings, prepare_kivy
from kiosk.touch.wishes import Access
from queue_server.wire import messages as m
from queue_server.wire import surveys
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language, Names
from tablet_survey import journey as j
from tablet_survey.journey import Screen, State
from tablet_survey.main import TEXTS
from tablet_survey.settings import REASONS, TabletSettings

SIZES = ((1280, 800), (1920, 1200), (1024, 600), (800, 1280))
LEAST_TARGET = {Screen.WORDS: 0.055}
"""The least side of a target in parts of the shorter side; keys are smaller than buttons."""
USUAL_LEAST_TARGET = 0.12

COUNTER = m.CounterState(
    counter=12,
    name=Names(
        vi="Lao động – Thương binh và Xã hội, Bảo hiểm xã hội",
        en="Labour, war invalids and social affairs, social insurance",
    ),
    state="serving",
    at=0,
    number="B047",
    officer="Nguyễn Trần Thị Thu Hường",
)
OFFER = m.Offer(offer="o", counter=12, at=0, expires=1, number="B047")
GOOD = j.Rating(offer="o", score=5, pressed_at=0)
POOR = j.Rating(
    offer="o", score=1, pressed_at=0, reasons=("guidance", "late"), words="Chờ quá lâu. " * 15
)
ASKED = State(offer=OFFER, asked=OFFER, counter=COUNTER, connected=True)
SHIPPED = surveys.offered()
SEEN_ONCE = ((1920, 1200),)
"""Sizes that differ from another one in their scale alone."""
OFF = {Screen.CONNECTING, Screen.AWAY, Screen.WAITING}
"""Between two visitors nobody has wished for larger letters."""
SIX = surveys.Survey(
    id="six",
    title=Names(vi="Sáu mức", en="Six levels"),
    questions=(
        surveys.Question(
            id="q",
            kind=surveys.Kind.CHOICE,
            text=Names(vi="Ông/Bà đã chờ bao lâu?", en="How long did you wait?"),
            options=tuple(
                surveys.Option(value=n, text=Names(vi=f"Đến {n} phút", en=f"Up to {n} minutes"))
                for n in (5, 10, 15, 30, 60, 90)
            ),
        ),
    ),
)
"""As many options as somebody's own survey may well have."""


def questions() -> Iterator[tuple[str, State]]:
    """Each question of the shipped surveys; the last ones answered."""
    for survey in (*SHIPPED.values(), SIX):
        for place, question in enumerate(survey.questions):
            last = place == len(survey.questions) - 1
            values = [o.value for o in question.options] or [4]
            given = ((question.id, values[0]),) if last else ()
            rating = replace(POOR, answers=given, shown=place + 1, words=POOR.words if last else "")
            yield (
                f"{survey.id}-{place + 1}",
                replace(ASKED, screen=Screen.MORE, survey=survey, place=place, rating=rating),
            )


def scenes() -> Iterator[tuple[str, State]]:
    """Each picture by name, with the longest words that it may have to hold."""
    yield "connecting", replace(ASKED, screen=Screen.CONNECTING)
    yield "away", replace(ASKED, screen=Screen.AWAY)
    for state, number in (("serving", "B047"), ("calling", "B047"), ("open", ""), ("paused", "")):
        counter = m.CounterState(
            counter=12, name=COUNTER.name, state=state, at=0, number=number, officer=COUNTER.officer
        )
        yield state, replace(ASKED, screen=Screen.WAITING, counter=counter)
    closed = m.CounterState(counter=12, name=COUNTER.name, state="closed", at=0)
    yield "closed", replace(ASKED, screen=Screen.WAITING, counter=closed)
    yield "asking", replace(ASKED, screen=Screen.ASKING)
    yield "chosen", replace(ASKED, screen=Screen.CHOSEN, rating=GOOD)
    yield "reasons", replace(ASKED, screen=Screen.REASONS, rating=POOR)
    yield "words", replace(ASKED, screen=Screen.WORDS, rating=POOR)
    survey = SHIPPED["circular01"]
    yield "chosen-survey", replace(ASKED, screen=Screen.CHOSEN, rating=GOOD, survey=survey)
    yield "reasons-survey", replace(ASKED, screen=Screen.REASONS, rating=POOR, survey=survey)
    yield from questions()
    for name, reading in (("access", False), ("access-reading", True)):
        access = Access(open=True, reading=reading)
        yield name, replace(ASKED, screen=Screen.ASKING, access=access)
    yield "thanks", replace(ASKED, screen=Screen.THANKS, rating=GOOD)
    yield "thanks-poor", replace(ASKED, screen=Screen.THANKS, rating=POOR)


SETUP = m.CentreSetup(
    centre="test",
    name=Names(
        vi="Trung tâm Phục vụ hành chính công phường Hạc Thành",
        en="Hạc Thành Ward Public Administration Service Centre",
    ),
    authority=Names(
        vi="Ủy ban nhân dân phường Hạc Thành", en="People's Committee of Hạc Thành Ward"
    ),
    at=0,
    services=(),
    priorities=(),
)


def lay_out(
    name: str, state: State, size: tuple[int, int], letters: float, folder: Path | None
) -> list[str]:
    """Draw one picture; what is wrong with it."""
    from kivy.clock import Clock
    from kivy.core.window import Window

    from kiosk.touch.screen_app import lay_out as lay_out_now
    from kiosk.touch.style import CALM, HIGH_CONTRAST, Look
    from tablet_survey.parts import Scene
    from tablet_survey.pictures import picture

    palette = HIGH_CONTRAST if letters == LETTERS[-1] else CALM
    scene = Scene(
        look=Look(*size, TabletSettings().width_mm, palette, letters),
        texts=Texts(TEXTS),
        state=state,
        report=lambda _: None,
        reasons=REASONS,
        words_length=200,
        counter=12,
        setup=None if name == "connecting" else SETUP,
        clock="07:25",
    )
    drawn = picture(scene)
    drawn.size_hint, drawn.size, drawn.pos = (None, None), size, (0, 0)
    Window.clear()
    for widget in list(Window.children):
        Window.remove_widget(widget)
    Window.add_widget(drawn)
    lay_out_now(drawn)
    for _ in range(4):
        Clock.tick()
    drawn.update(state, 0.4, "07:25")
    label = f"{size[0]}x{size[1]}-{state.language}-{name}-{letters}"
    if folder is not None:
        draw(drawn, folder / f"{label}.png", palette.background)
    return [f"{label}: {fault}" for fault in faults(drawn, state.screen, size)]


def draw(drawn: Any, path: Path, ground: tuple[float, ...]) -> None:
    from PIL import Image

    drawn.export_to_png(str(path))
    with Image.open(path) as made:
        whole = Image.new("RGBA", made.size, tuple(round(255 * part) for part in ground))
        whole.alpha_composite(made.convert("RGBA"))
    whole.convert("RGB").save(path)


def faults(drawn: Any, screen: Screen, size: tuple[int, int]) -> Iterator[str]:
    from kiosk.touch.spoken import SpokenWords, items
    from kiosk.touch.text import Text
    from kiosk.touch.widgets import Touchable

    for item in items(drawn, SpokenWords(chosen="<chosen>")):
        if getattr(item.widget, "chosen", False) and "<chosen>" not in item.words:
            yield f"seen but not heard: {item.words}"
    least = LEAST_TARGET.get(screen, USUAL_LEAST_TARGET) * min(size)
    for widget in drawn.walk():
        if isinstance(widget, Text) and widget.text and widget.overflows:
            yield f"cut: {widget.text}"
        if not isinstance(widget, Touchable):
            continue
        if min(widget.size) < least:
            yield f"too small: {widget.name} {[round(side) for side in widget.size]}"
        inside = widget.x >= 0 and widget.y >= 0
        if not (inside and widget.right <= size[0] + 1 and widget.top <= size[1] + 1):
            yield f"off the screen: {widget.name}"


def main() -> None:
    os.environ.setdefault("SDL_VIDEODRIVER", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        prepare_kivy(WindowSettings(640, 400, fullscreen=False), Path(home))
        from kivy.config import Config

        Config.set("graphics", "maxfps", "0")
        from kivy.base import EventLoop

        from kiosk.touch.style import register_font

        register_font()
        EventLoop.ensure_window()
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        said = []
        every = itertools.product(SIZES, Language, list(scenes()), LETTERS)
        for size, language, (name, state), letters in every:
            if letters != LETTERS[0] and (state.screen in OFF or size in SEEN_ONCE):
                continue
            access = replace(state.access, letters=letters, contrast=letters == LETTERS[-1])
            own = replace(state, language=language, home=language, access=access)
            said += lay_out(name, own, size, letters, folder)
    print(json.dumps(said, ensure_ascii=False))


if __name__ == "__main__":
    main()
