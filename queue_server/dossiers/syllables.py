"""Vietnamese syllables as a search compares them: bare, with their marks, and as people mistype them.

A syllable's tone may stand on either vowel ("hoà", "hòa") and may be missing or wrong, s is heard as x,
tr as ch, and a kiosk's keyboard leaves Telex letters behind ("ddang ky", "sinhh").
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

TONES = {"\u0300": "1", "\u0301": "2", "\u0303": "3", "\u0309": "4", "\u0323": "5"}
WORD = re.compile(r"[^\W_]+")
LONE_Y = re.compile(r"[bcdghklmnpqrstvx]{1,3}y")
LEFT_IN = re.compile(r"(?<=[a-z])[0-9]")
"""A VNI digit that stayed a digit: "khai1"."""
TELEX = (("dd", "d"), ("aa", "a"), ("ee", "e"), ("oo", "o"), ("uw", "u"), ("ow", "o"), ("aw", "a"))
TONE_LETTERS = "sfrxjz"
FIRST_SOUNDS = (
    ("ngh", "ng"), ("gh", "g"), ("tr", "c"), ("ch", "c"), ("gi", "d"), ("ph", "f"), ("kh", "kh"),
    ("th", "th"), ("ng", "ng"), ("nh", "nh"), ("x", "s"), ("r", "d"), ("n", "l"), ("k", "k"), ("c", "k"),
    ("q", "k"),
)  # fmt: skip
"""Beginnings that are said alike in some part of the country, by the letter that stands for them."""


class Syllable(NamedTuple):
    """`bare` without any mark; `marked` with all of them, its tone last; from `start` to `end` of the text."""

    bare: str
    marked: str
    start: int
    end: int

    @property
    def has_marks(self) -> bool:
        return self.bare != self.marked


def syllables(text: str) -> list[Syllable]:
    """All syllables and numbers of `text` (NFC) in their order."""
    return [Syllable(*_read(m.group()), m.start(), m.end()) for m in WORD.finditer(text)]


def composed(text: str) -> str:
    """`text` as keyboards and files should give it: composed, without invisible signs."""
    return "".join(
        c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in ("Cf", "Cc")
    )


@lru_cache(maxsize=50_000)
def _read(word: str) -> tuple[str, str]:
    letters, bare, tone = [], [], ""
    for c in unicodedata.normalize("NFKD", word.casefold()):
        if c in TONES:
            tone = TONES[c]
        else:
            letters.append(c)
            if unicodedata.category(c) != "Mn":
                bare.append("d" if c == "đ" else c)
    plain = _one_i("".join(bare))
    marked = "".join(letters)
    return plain, (_one_i(marked) if marked.isascii() else marked) + tone


def _one_i(bare: str) -> str:
    """ "ký" and "kí" are one."""
    return bare[:-1] + "i" if LONE_Y.fullmatch(bare) else bare


def untyped(bare: str) -> Iterator[str]:
    """What stood there before an input method was off: "ddang" → "dang", "giays" → "giay", "sinh1" → "sinh"."""
    plain = LEFT_IN.sub("", bare)
    for typed, meant in TELEX:
        plain = plain.replace(typed, meant)
    if plain != bare:
        yield _one_i(plain)
    if len(plain) > 2 and plain[-1] in TONE_LETTERS:
        yield _one_i(plain[:-1])


def sound(bare: str) -> str:
    """One key for all that sounds alike: s/x, ch/tr, d/gi/r, l/n, c/k/q, i/y."""
    if bare.startswith("gi") and bare[2:3] not in tuple("aeou"):
        return "d" + bare[1:]
    for written, said in FIRST_SOUNDS:
        if bare.startswith(written):
            bare = said + bare[len(written) :]
            break
    return bare.replace("y", "i")


class Spellings:
    """The words of a catalogue, found by what people type for them."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = sorted(w for w in words)
        self._known = frozenset(self.words)
        self._by_sound: dict[str, list[str]] = {}
        self._by_rest: dict[str, list[str]] = {}
        for word in self.words:
            if word.isalpha():
                self._by_sound.setdefault(sound(word), []).append(word)
                for rest in _shortened(word):
                    self._by_rest.setdefault(rest, []).append(word)

    def __contains__(self, bare: str) -> bool:
        return bare in self._known

    def typed(self, bare: str) -> list[str]:
        return [word for word in dict.fromkeys(untyped(bare)) if word in self._known]

    def alike(self, bare: str) -> list[str]:
        """Words that sound like it, itself left out."""
        return [word for word in self._by_sound.get(sound(bare), ()) if word != bare]

    def near(self, bare: str) -> list[str]:
        """Words one letter away: one too many, missing, wrong, or two changed about."""
        if len(bare) < 3 or not bare.isalpha():
            return []
        found = dict.fromkeys(self._by_rest.get(bare, ()))
        for rest in _shortened(bare):
            found.update(dict.fromkeys(self._by_rest.get(rest, ())))
            if rest in self._known:
                found[rest] = None
        return [word for word in found if word != bare and _one_apart(word, bare)]

    def begun(self, start: str) -> list[str]:
        """Words that begin with `start`, itself left out."""
        return [w for w in self._range(start) if w != start]

    def _range(self, start: str) -> list[str]:
        low = bisect_left(self.words, start)
        return self.words[low : bisect_left(self.words, start + "\uffff", low)]


def _shortened(word: str) -> set[str]:
    return {word[:k] + word[k + 1 :] for k in range(len(word))} if len(word) > 1 else set()


def _one_apart(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    if len(one) != len(other):
        return True
    wrong = [k for k in range(len(one)) if one[k] != other[k]]
    if len(wrong) == 1:
        return True
    return (
        len(wrong) == 2
        and wrong[1] == wrong[0] + 1
        and one[wrong[0]] == other[wrong[1]]
        and one[wrong[1]] == other[wrong[0]]
    )
