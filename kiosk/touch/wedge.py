"""A scanner that pretends to be a keyboard: its keys become one text and never act."""

from __future__ import annotations

from dataclasses import dataclass

ENTER = frozenset({13, 271})
FIRST_NAMED = 256
"""From here on Kivy's codes are keys without a letter, such as Shift (304)."""
LONGEST_GAP_S = 0.3
"""A scanner types a key every few ms; longer pauses mean a hand, whose keys are dropped."""
SHORTEST_SCAN = 4
LONGEST_SCAN = 4096
_PLAIN, _SHIFTED = "1234567890-=[]\\;',./`", '!@#$%^&*()_+{}|:"<>?~'
_WITH_SHIFT = str.maketrans(_PLAIN, _SHIFTED)


def shifted(letter: str) -> str:
    """What a key types with Shift on the US keyboard, which scanners are set to in the factory."""
    return letter.upper().translate(_WITH_SHIFT)


@dataclass
class Wedge:
    """Collects keys between pauses; `press` returns the text when Enter ends it."""

    _text: str = ""
    _last: float = 0.0

    def begun(self, now: float) -> bool:
        """A scanner is typing."""
        return bool(self._text) and now - self._last <= LONGEST_GAP_S

    def press(self, now: float, key: int, letter: str | None) -> str | None:
        """`now` in seconds, `key` Kivy's key code, `letter` what it types."""
        if now - self._last > LONGEST_GAP_S or len(self._text) > LONGEST_SCAN:
            self._text = ""
        self._last = now
        if key in ENTER:
            text, self._text = self._text, ""
            return text if len(text) >= SHORTEST_SCAN else None
        if letter and key < FIRST_NAMED and letter.isprintable():
            self._text += letter
        return None
