"""A keyboard on the glass, with keys for Vietnamese marks and tones for those who do not know Telex."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kivy.uix.boxlayout import BoxLayout

from .style import Look
from .vietnamese import DELETE, MARKED, TONES
from .widgets import BigButton, Row

LETTER_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm,.?")
DIGIT_ROWS = ("1234567890", "-/:()%+&!", "*#=@;'\",.?")
NAMES = {" ": "space", ",": "comma", ".": "dot", "?": "question"}


@dataclass(frozen=True)
class KeyWords:
    """What the keys that are no letters say, in the visitor's language."""

    space: str
    delete: str
    digits: str
    letters: str
    done: str
    way: str = ""
    """How Vietnamese is typed (Telex, VNI, plain): the key that changes it, if there is one."""
    spoken: tuple[tuple[str, str], ...] = ()
    """Keys and what they are called when they are read aloud, where it is not what stands on them."""


class Keyboard(BoxLayout):
    """Tells `on_key` each key as `vietnamese.press` takes it, and `on_done` the last.

    `numbers`: digits stand above the letters too, as VNI needs them; `on_way`: the key that changes the
    way of typing; `last`: there is a key that says she is done; `private`: what a key is called is said to
    headphones only, as what is typed with it is nobody else's business; `signs`: they have keys, instead of the
    space and the signs of a sentence. A remote finger finds a key as `key-a`,
    `key-ă`, `key-sắc`, `key-space`, `key-delete`, `key-way`, `done`.
    """

    def __init__(
        self,
        look: Look,
        words: KeyWords,
        on_key: Callable[[str], None],
        on_done: Callable[[], None],
        *,
        vietnamese: bool = True,
        numbers: bool = False,
        on_way: Callable[[], None] | None = None,
        last: bool = True,
        last_kind: str = "primary",
        private: bool = False,
        signs: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(orientation="vertical", spacing=look.unit(1.2), **kwargs)
        self._look, self._words = look, words
        self._on_key, self._on_done = on_key, on_done
        self._vietnamese, self._numbers, self._on_way = vietnamese, numbers, on_way
        self._last, self._last_kind, self._private = last, last_kind, private
        self._signs = signs
        self._lay(LETTER_ROWS, words.digits)

    def _lay(self, rows: tuple[str, ...], other: str) -> None:
        self.clear_widgets()
        if self._numbers and rows is LETTER_ROWS:
            self.add_widget(self._row(*(self._key(digit) for digit in DIGIT_ROWS[0])))
        for letters in rows[:-1]:
            self.add_widget(self._row(*(self._key(letter) for letter in letters)))
        wide = 1.5 if self._look.letters == 1.0 else 2.0
        delete = self._key(DELETE, self._words.delete, "quiet", wide=wide)
        last = rows[-1].rstrip(",.?") if self._signs and rows is LETTER_ROWS else rows[-1]
        self.add_widget(self._row(*(self._key(letter) for letter in last), delete))
        if self._vietnamese and rows is LETTER_ROWS:
            apart = self._look.letters > 1.0
            marks = [self._key(letter) for letter in MARKED]
            role, wide = (
                ("button", 1.0) if apart else ("small", 1.6 if self._look.portrait else 1.3)
            )
            tones = [self._key(tone, tone, "quiet", wide=wide, role=role) for tone in TONES]
            for row in (marks, tones) if apart else ([*marks, *tones],):
                self.add_widget(self._row(*row))
        self.add_widget(self._last_row(rows, other))

    def _last_row(self, rows: tuple[str, ...], other: str) -> BoxLayout:
        larger = self._look.letters > 1.0
        role = "body" if larger else "button"
        turn = BigButton(
            self._look,
            other,
            lambda: self._turn(rows),
            name="key-other",
            kind="quiet",
            role=role,
            pad=0.5,
        )
        done = BigButton(
            self._look,
            self._words.done,
            self._on_done,
            name="done",
            kind=self._last_kind,
            role=role,
            pad=0.5,
        )
        turn.size_hint_x, done.size_hint_x = 1.5, 2.5
        crowded = larger or (self._last and self._on_way is not None)
        space = self._key(" ", self._words.space, wide=3 if crowded else 6)
        keys = [turn, *([self._key(sign) for sign in self._signs] or [space])]
        if self._last:
            keys.append(done)
        if self._on_way is not None:
            way = BigButton(
                self._look,
                self._words.way,
                self._on_way,
                name="key-way",
                kind="quiet",
                role=role,
                pad=0.5,
            )
            way.size_hint_x = 2.2
            keys.insert(1, way)
        return self._row(*keys)

    def _turn(self, rows: tuple[str, ...]) -> None:
        if rows is LETTER_ROWS:
            self._lay(DIGIT_ROWS, self._words.letters)
        else:
            self._lay(LETTER_ROWS, self._words.digits)

    def _row(self, *keys: BigButton) -> BoxLayout:
        return Row(self._look, *keys, gap=1.0)

    def _key(
        self, key: str, shown: str = "", kind: str = "plain", wide: float = 1, role: str = ""
    ) -> BigButton:
        usual = ("body" if key == DELETE else "button") if shown else "lead"
        button = BigButton(
            self._look,
            shown or key,
            lambda: self._on_key(key),
            name=f"key-{NAMES.get(key, key)}",
            kind=kind,
            role=role or usual,
            size_hint_x=wide,
        )
        button.padding = self._look.unit(0.5)
        button.spoken = dict(self._words.spoken).get(key)
        button.private = self._private
        button.repeats = True
        return button


def keyboard_height(look: Look, vietnamese: bool = True, numbers: bool = False) -> float:
    """Pixels that the keys need on an upright screen; one row more when letters are larger."""
    units = 53 if vietnamese and look.letters > 1.0 else 44
    return look.unit(units + (4 if numbers else 0))
