"""The sentence of a call, as units that are each spoken, or recorded by the centre, on their own.

"Mời công dân có số thứ tự A, không, một, hai, đến quầy số ba": a number is read sign by sign, so
that it is heard as it stands on the paper; a counter is read as a number. Names are never called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from string import ascii_lowercase, digits

from queue_server.wire.messages import Call
from queue_server.wire.texts import Texts
from queue_server.wire.words import Frozen, Language

LETTERS = frozenset(ascii_lowercase)
"""Letters that have a spoken name. Đ has none: in a hall it cannot be told from D."""

SILENT_SIGNS = frozenset(" -.")
"""Signs that a number may show and nobody reads out."""

HIGHEST_COUNTER = 999
LAST_ORDINAL = 9
PAUSES_MS = {"invite": 600, "letter": 220, "digit": 180, "go_to": 300, "counter": 50, "times": 300}
_FINAL = frozenset({"counter", "times"})


class Unspeakable(ValueError):
    """A number or counter that has no words; the text says which."""


class Announcement(Frozen, frozen=True):
    """What is said of a call. `times` 1 is the first call, 2 the first recall."""

    number: str
    counter: int
    times: int = 1
    language: Language = Language.VI

    @classmethod
    def of(cls, call: Call) -> Announcement:
        return cls(
            number=call.number, counter=call.counter, times=call.times, language=call.language
        )


class Unit(Frozen, frozen=True):
    """A piece of speech. `key` is stable and names a recording, such as `vi/digit/0`.

    `text` ends with a comma where the voice must stay up, with a full stop where it may fall.
    """

    key: str
    text: str

    @property
    def kind(self) -> str:
        return self.key.split("/")[1]


def sentence(announcement: Announcement, texts: Texts) -> tuple[Unit, ...]:
    """The units of `announcement`: in Vietnamese, and after it in the visitor's own language.

    Raises `Unspeakable` for a number with other signs than A–Z and 0–9, or a counter outside 1–999.
    """
    languages = dict.fromkeys([Language.VI, announcement.language])
    return tuple(unit for language in languages for unit in _say(announcement, language, texts))


def all_units(letters: Iterable[str], counters: Iterable[int], texts: Texts) -> tuple[Unit, ...]:
    """Every unit that calls of these service letters and counters can need, in every language.

    It is what a centre records to be called by its own voice. Raises `Unspeakable` as `sentence`.
    """
    signs = [*dict.fromkeys("".join(letters)), *digits]
    places = sorted(set(counters))
    return tuple(
        dict.fromkeys(
            unit for language in Language for unit in _vocabulary(language, signs, places, texts)
        )
    )


def pause_before(unit: Unit) -> int:
    """Milliseconds of silence between what was said before and `unit`."""
    return PAUSES_MS[unit.kind]


def number_words(value: int, language: str, texts: Texts) -> str:
    """0–999 in words: 12 "mười hai", 15 "mười lăm", 21 "hai mươi mốt", 105 "một trăm linh năm"."""
    if not 0 <= value <= HIGHEST_COUNTER:
        raise Unspeakable(f"no words for {value}: only 0 to {HIGHEST_COUNTER} are spoken")
    hundreds, rest = divmod(value, 100)
    if not hundreds:
        return _below_hundred(rest, language, texts)
    form = "whole" if rest == 0 else "below_ten" if rest < 10 else "above_ten"
    return texts.say(
        f"hundreds.{form}",
        language,
        digit=texts.say(f"digit.{hundreds}", language),
        rest=_below_hundred(rest, language, texts),
    )


def _below_hundred(value: int, language: str, texts: Texts) -> str:
    if value < 20:
        return texts.say(f"below_twenty.{value}", language)
    tens, ones = divmod(value, 10)
    words = texts.say(f"tens.{tens}", language)
    return f"{words} {texts.say(f'after_tens.{ones}', language)}" if ones else words


def _say(announcement: Announcement, language: Language, texts: Texts) -> Iterator[Unit]:
    yield _unit("invite", language, texts)
    signs = [sign for sign in announcement.number if sign not in SILENT_SIGNS]
    if not signs:
        raise Unspeakable(f"number {announcement.number!r} has no letter or digit")
    for sign in signs:
        yield _sign(sign, language, texts)
    yield _unit("go_to", language, texts)
    yield _counter(announcement.counter, language, texts)
    if announcement.times > 1:
        yield _times(announcement.times, language, texts)


def _vocabulary(
    language: Language, signs: list[str], counters: list[int], texts: Texts
) -> Iterator[Unit]:
    yield _unit("invite", language, texts)
    yield _unit("go_to", language, texts)
    for sign in signs:
        yield _sign(sign, language, texts)
    for counter in counters:
        yield _counter(counter, language, texts)
    for times in range(2, LAST_ORDINAL + 2):
        yield _times(times, language, texts)


def _unit(name: str, language: Language, texts: Texts) -> Unit:
    return _made(f"{language}/{name}", texts.say(name, language))


def _sign(sign: str, language: Language, texts: Texts) -> Unit:
    name = sign.lower()
    if name not in LETTERS and name not in digits:
        raise Unspeakable(f"no spoken name for {sign!r}: a number has letters A–Z and digits only")
    kind = "letter" if name in LETTERS else "digit"
    return _made(f"{language}/{kind}/{name}", texts.say(f"{kind}.{name}", language))


def _counter(counter: int, language: Language, texts: Texts) -> Unit:
    if counter < 1:
        raise Unspeakable(f"no words for counter {counter}: counters begin at 1")
    return _made(f"{language}/counter/{counter}", number_words(counter, language, texts))


def _times(times: int, language: Language, texts: Texts) -> Unit:
    if times > LAST_ORDINAL:
        return _made(f"{language}/times/again", texts.say("again", language))
    return _made(f"{language}/times/{times}", texts.say(f"times.{times}", language))


def _made(key: str, text: str) -> Unit:
    return Unit(key=key, text=text + ("." if key.split("/")[1] in _FINAL else ","))
