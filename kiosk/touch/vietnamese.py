"""Vietnamese from plain keys: Telex, VNI, and keys for marks and tones by name; pure text, no screen.

A tone belongs to the syllable, not to a letter, and moves as the syllable grows: toa + n + huyền is
toàn. It is set as public papers set it: hòa, thúy (not hoà, thuý).
"""

from __future__ import annotations

import re
import unicodedata

TONES = {"sắc": "\u0301", "huyền": "\u0300", "hỏi": "\u0309", "ngã": "\u0303", "nặng": "\u0323"}
"""The five tones by name, which are keys too, as combining marks."""
MARKED = ("ă", "â", "đ", "ê", "ô", "ơ", "ư")
DELETE = "delete"

TELEX, VNI, PLAIN = "telex", "vni", "plain"
WAYS = (TELEX, VNI, PLAIN)
"""How letters and digits act: Telex (aw ă, s sắc), VNI (a8 ă, 1 sắc), or as themselves."""

_TONE_KEYS = {
    TELEX: {"s": "sắc", "f": "huyền", "r": "hỏi", "x": "ngã", "j": "nặng"},
    VNI: {"1": "sắc", "2": "huyền", "3": "hỏi", "4": "ngã", "5": "nặng"},
}
_NO_TONE = {TELEX: "z", VNI: "0"}
_CROSS = {TELEX: "d", VNI: "9"}
_MARKS = {
    TELEX: {
        "a": {"a": "â", "ă": "â"},
        "e": {"e": "ê"},
        "o": {"o": "ô", "ơ": "ô"},
        "w": {"a": "ă", "â": "ă", "o": "ơ", "ô": "ơ", "u": "ư"},
    },
    VNI: {
        "6": {"a": "â", "ă": "â", "e": "ê", "o": "ô", "ơ": "ô"},
        "7": {"o": "ơ", "ô": "ơ", "u": "ư"},
        "8": {"a": "ă", "â": "ă"},
    },
}
_HORN = ("w", "7")
_VOWELS = "aăâeêioôơuưy"
_SYLLABLE = re.compile(
    rf"(?P<onset>(?:gi(?=[{_VOWELS}])|qu|ngh|ng|nh|gh|kh|ch|ph|th|tr|[bcdđghklmnpqrstvx])?)"
    rf"(?P<nucleus>[{_VOWELS}]{{1,3}})(?P<coda>ch|ng|nh|[cmnpt]|)",
)
_LETTERS = re.compile(r"[^\W\d_]+$")


def press(text: str, key: str, way: str = TELEX) -> str:
    """`text` after `key`: a letter or sign, `DELETE`, or the name of a tone.

    By Telex letters (aa â, aw ă, dd đ, s sắc … z takes the tone away), by VNI digits (a6 â, a8 ă, d9 đ,
    1 sắc … 0) also act as marks and tones; the same key again gives the key itself. A sentence begins
    with a capital.
    """
    if key == DELETE:
        return text[:-1]
    if key in TONES:
        return _with_tone(text, TONES[key])
    if way in _MARKS:
        changed = _by_keys(text, key, way)
        if changed is not None:
            return changed
    return _grown(text, key.upper() if _begins_sentence(text) else key)


def _begins_sentence(text: str) -> bool:
    return not text.strip() or re.search(r"[.!?]\s+$", text) is not None


def _by_keys(text: str, key: str, way: str) -> str | None:
    """`text` where `key` acts as a mark or tone; None where it is only a letter."""
    if key in _TONE_KEYS[way]:
        tone = TONES[_TONE_KEYS[way][key]]
        head, word, had = _last_word(text)
        if had == tone:
            return head + word + key
        toned = _with_tone(text, tone)
        return toned if toned != text else None
    if key == _NO_TONE[way]:
        head, word, had = _last_word(text)
        return head + word if had else None
    if key == _CROSS[way]:
        return _crossed(text, key)
    return _marked(text, key, _MARKS[way][key]) if key in _MARKS[way] else None


def _crossed(text: str, key: str) -> str | None:
    """d + d (or 9) is đ, also at the end of the syllable (did → đi); đ + d is dd."""
    head, word, tone = _last_word(text)
    if word.lower() == "đ":
        return head + ("D" if word.isupper() else "d") + key
    if word[:1] in ("d", "D") and _SYLLABLE.fullmatch(
        word.lower() + ("a" if len(word) == 1 else "")
    ):
        return _toned(head, ("Đ" if word[0] == "D" else "đ") + word[1:], tone)
    return None


def _marked(text: str, key: str, marks: dict[str, str]) -> str | None:
    head, word, tone = _last_word(text)
    found = _SYLLABLE.fullmatch(word.lower())
    if found is None:
        return None
    start, end = found.span("nucleus")
    nucleus = found["nucleus"]
    if key in _HORN and "uo" in nucleus:
        changed = nucleus.replace("uo", "ươ")
    elif key in _HORN and nucleus.startswith("ua"):
        changed = "ư" + nucleus[1:]
    else:
        places = [i for i, letter in enumerate(nucleus) if letter in marks]
        if not places:
            return _unmarked(head, word, tone, nucleus[-1], key, marks)
        at = places[-1]
        changed = nucleus[:at] + marks[nucleus[at]] + nucleus[at + 1 :]
    return _toned(head, word[:start] + _cased(changed, word[start:end]) + word[end:], tone)


def _unmarked(
    head: str, word: str, tone: str, last: str, key: str, marks: dict[str, str]
) -> str | None:
    """The key that set the mark of the last letter, again: the two letters as they are."""
    plain = {v: k for k, v in reversed(marks.items())}.get(last)
    if plain is None or not word.lower().endswith(last):
        return None
    return _toned(head, word[:-1] + _cased(plain, word[-1]), tone) + key


def _cased(letters: str, like: str) -> str:
    return "".join(a.upper() if b.isupper() else a for a, b in zip(letters, like, strict=True))


def _grown(text: str, letter: str) -> str:
    """The letter set at the end; the tone goes where it now belongs."""
    head, word, tone = _last_word(text)
    if not tone or _SYLLABLE.fullmatch((word + letter).lower()) is None:
        return text + letter
    return _toned(head, word + letter, tone)


def _with_tone(text: str, tone: str) -> str:
    head, word, _ = _last_word(text)
    toned = _toned(head, word, tone)
    return toned if toned != head + word else text


def _last_word(text: str) -> tuple[str, str, str]:
    """What is before the last word, the word without its tone, and the tone."""
    found = _LETTERS.search(text)
    if found is None:
        return text, "", ""
    letters = unicodedata.normalize("NFD", found.group())
    tones = [c for c in letters if c in TONES.values()]
    bare = "".join(c for c in letters if c not in TONES.values())
    return text[: found.start()], unicodedata.normalize("NFC", bare), tones[-1] if tones else ""


def _toned(head: str, word: str, tone: str) -> str:
    """Head and word, with the tone at its place; without it where the word is no syllable."""
    found = _SYLLABLE.fullmatch(word.lower())
    if found is None or not tone:
        return head + word
    at = found.start("nucleus") + _tone_place(found["nucleus"], found["coda"]) + 1
    return head + unicodedata.normalize("NFC", word[:at] + tone + word[at:])


def _tone_place(nucleus: str, coda: str) -> int:
    """Which of the vowels carries the tone."""
    marked = [i for i, letter in enumerate(nucleus) if letter in "ăâêôơư"]
    if marked:
        return marked[-1]
    if len(nucleus) == 1:
        return 0
    return 1 if coda or len(nucleus) == 3 else 0
