"""What a picture says: its items in reading order, each with its words, and all of it in a few sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from kivy.uix.widget import Widget

from .text import Text
from .widgets import Touchable

W = TypeVar("W", bound=Any)
LONGEST_SUMMARY = 600
"""Letters: what is longer is heard item by item."""
TITLES = ("title", "greeting")


@dataclass(frozen=True)
class SpokenWords:
    """What is said beside the words that stand there, in the language of the screen."""

    button: str = ""
    chosen: str = ""
    unavailable: str = ""
    choices: Callable[[int], str] = lambda count: ""
    """How many things there are to choose."""


@dataclass(frozen=True)
class Item:
    """Something to be heard, and touched if it `acts`. `aside`: of the frame that all pictures have."""

    widget: Widget
    words: str
    acts: bool
    private: bool
    aside: bool
    key: str
    """The same in the same picture drawn anew."""


def items(root: Widget, words: SpokenWords) -> list[Item]:
    """All that can be heard, in reading order: from above, from the left."""
    return list(_within(root, words, False))


def _within(widget: Widget, words: SpokenWords, aside: bool) -> Iterator[Item]:
    aside = aside or bool(getattr(widget, "aside", False))
    said: str | None = getattr(widget, "spoken", None)
    if isinstance(widget, Touchable):
        label = said if said is not None else str(getattr(widget, "said", ""))
        key = widget.name or label
        yield Item(widget, _button(widget, label, words), True, widget.private, aside, key)
    elif isinstance(widget, Text):
        label = said if said is not None else widget.text
        if label.strip() and not widget.silent:
            yield Item(widget, _flat(label), False, widget.private, aside, label)
    elif said is not None:
        if said.strip():
            yield Item(widget, said, False, bool(getattr(widget, "private", False)), aside, said)
    elif getattr(widget, "together", False):
        yield from _together(widget, words, aside)
    else:
        for child in reversed(widget.children):
            yield from _within(child, words, aside)


def _together(widget: Widget, words: SpokenWords, aside: bool) -> Iterator[Item]:
    """Name and value are one thing to hear."""
    parts = [part for child in reversed(widget.children) for part in _within(child, words, aside)]
    if parts:
        said = ", ".join(part.words for part in parts)
        private = any(part.private for part in parts)
        yield Item(widget, said, False, private, aside, said)


def _button(widget: Touchable, label: str, words: SpokenWords) -> str:
    """Its words, and its state, which else only its colour and border show."""
    state = []
    if getattr(widget, "kind", "") == "chosen" or getattr(widget, "chosen", False):
        state.append(words.chosen)
    state.append(words.unavailable if widget.disabled else words.button)
    return ". ".join(part for part in (_flat(label), *state) if part)


def _flat(label: str) -> str:
    return " ".join(label.replace("\n", ". ").split())


def summary(found: Sequence[Item], words: SpokenWords) -> str:
    """The question first, then what stands there, then how many things there are to choose."""
    told = [item for item in found if not item.acts and not item.aside and not item.private]
    told.sort(key=lambda item: getattr(item.widget, "role", "") not in TITLES)
    text = ". ".join(item.words.rstrip(".") for item in told)
    if len(text) > LONGEST_SUMMARY:
        text = text[:LONGEST_SUMMARY].rsplit(" ", 1)[0]
    count = sum(item.acts and not item.aside and not item.widget.disabled for item in found)
    return ". ".join(part for part in (text, words.choices(count) if count else "") if part)


def as_one(widget: W) -> W:
    """`widget` is heard as one item, however many texts it has."""
    widget.together = True
    return widget


def part_of_frame(widget: W) -> W:
    """`widget` is of the frame: heard when it is touched or gone to, and not with each new picture."""
    widget.aside = True
    return widget


def spelt(text: str) -> str:
    """`A047` sign by sign: `A 0 4 7`."""
    return " ".join(text.replace(" ", ""))
