"""What is being typed or looked for as an answer, before it is one: pure rules from key to key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from kiosk.touch.vietnamese import DELETE, PLAIN, press
from queue_server.dossiers.forms.ask import Question, Widget
from queue_server.dossiers.forms.model import Option
from queue_server.dossiers.search import fold

LONGEST = {Widget.LONG: 2_000, Widget.NAME: 80, Widget.EMAIL: 100}
LONGEST_ELSE = 300
LONGEST_NUMBER = {Widget.ID_NUMBER: 12, Widget.PHONE: 11, Widget.INT: 6, Widget.MONEY: 15}
FEW = 8
"""As many choices are shown as buttons; of more one is found by typing."""
PARTS = (2, 2, 4)
HIGHEST_FIRST = (3, 1, 9)
"""A first figure above this is the whole day or month."""


class Input(StrEnum):
    """What stands on the screen for an answer."""

    KEYS = "keys"
    PAD = "pad"
    DATE = "date"
    TIME = "time"
    BUTTONS = "buttons"
    FIND = "find"
    YES_NO = "yes_no"
    STATEMENT = "statement"
    LINES = "lines"


@dataclass(frozen=True)
class Draft:
    """`text`: letters, or figures of a pad, or what is looked for. `own`: an own text beside the choices.

    `date`: figures of day, month and year; `part`: the one that is typed; `parts`: how many are known.
    """

    text: str = ""
    own: bool = False
    date: tuple[str, str, str] = ("", "", "")
    part: int = 0
    parts: int = 3


def input_of(question: Question, draft: Draft) -> Input:
    kind = question.kind
    if kind in (Widget.ID_NUMBER, Widget.PHONE, Widget.INT, Widget.MONEY):
        return Input.PAD
    if kind in (Widget.CHOICE, Widget.PROVINCE, Widget.COMMUNE):
        if draft.own:
            return Input.KEYS
        return Input.BUTTONS if len(question.options) <= FEW else Input.FIND
    return {
        Widget.DATE: Input.DATE,
        Widget.TIME: Input.TIME,
        Widget.YES_NO: Input.YES_NO,
        Widget.STATEMENT: Input.STATEMENT,
        Widget.MORE: Input.LINES,
    }.get(kind, Input.KEYS)


def begin(question: Question) -> Draft:
    """The draft as the question is put: the answer so far, or what is suggested."""
    value = question.value if question.value not in (None, "") else question.suggested
    if question.kind is Widget.DATE:
        return _date_draft(question, value)
    if question.kind in (Widget.CHOICE, Widget.PROVINCE, Widget.COMMUNE):
        own = isinstance(value, str) and value not in {o.value for o in question.options}
        return Draft(text=str(value), own=True) if own and value and question.other else Draft()
    if question.kind is Widget.TIME and isinstance(value, str):
        return Draft(text=value.replace(":", ""))
    return Draft(text="" if value is None or isinstance(value, bool) else str(value))


def _date_draft(question: Question, value: Any) -> Draft:
    if not isinstance(value, str) or not value:
        return Draft()
    said = value.split("-")
    year, month, day = (*said, "", "")[:3]
    parts = len(said) if question.partial else 3
    return Draft(date=(day, month, year), part=3 - parts, parts=parts)


def pressed(question: Question, draft: Draft, key: str, way: str) -> Draft:
    """The draft after a key: a letter, sign or figure, `DELETE`, or a tone's name."""
    mode = input_of(question, draft)
    if mode is Input.DATE:
        return _date_pressed(draft, key)
    if mode is Input.TIME:
        return replace(draft, text=_figures(draft.text, key, 4))
    if mode is Input.PAD:
        return replace(draft, text=_figures(draft.text, key, LONGEST_NUMBER[question.kind]))
    if question.kind is Widget.EMAIL:
        return replace(draft, text=press(draft.text, key, PLAIN)[:100].lower())
    most = LONGEST.get(question.kind, LONGEST_ELSE)
    text = press(draft.text, key, way)
    return replace(draft, text=text if len(text) <= most else draft.text)


def _figures(text: str, key: str, most: int) -> str:
    if key == DELETE:
        return text[:-1]
    return text + key if key.isdigit() and len(text) < most else text


def _date_pressed(draft: Draft, key: str) -> Draft:
    """A full part goes on to the next; taking away from an empty part goes back to the one before."""
    at, date = draft.part, list(draft.date)
    if key == DELETE:
        if not date[at] and at > 3 - draft.parts:
            at -= 1
        date[at] = date[at][:-1]
        return replace(draft, date=_three(date), part=at)
    if not key.isdigit():
        return draft
    if len(date[at]) >= PARTS[at]:
        date[at] = ""
    date[at] += key
    full = len(date[at]) == PARTS[at] or (at < 2 and int(date[at]) > HIGHEST_FIRST[at])
    return replace(draft, date=_three(date), part=min(at + 1, 2) if full else at)


def _three(date: list[str]) -> tuple[str, str, str]:
    return date[0], date[1], date[2]


def part_touched(draft: Draft, part: int) -> Draft:
    """Type this part anew."""
    if not 3 - draft.parts <= part <= 2:
        return draft
    date = [("" if at == part else figures) for at, figures in enumerate(draft.date)]
    return replace(draft, date=_three(date), part=part)


def parts_turned(draft: Draft, parts: int) -> Draft:
    first = 3 - parts
    date = [("" if at < first else figures) for at, figures in enumerate(draft.date)]
    return replace(draft, date=_three(date), parts=parts, part=max(first, draft.part))


def value_of(question: Question, draft: Draft) -> Any:
    """The draft as an answer; an empty text where nothing was typed."""
    mode = input_of(question, draft)
    if mode is Input.DATE:
        return _date_value(draft)
    if mode is Input.TIME:
        text = draft.text
        return f"{text[:-2].rjust(2, '0')}:{text[-2:]}" if len(text) >= 3 else text
    if question.kind in (Widget.INT, Widget.MONEY):
        return int(draft.text) if draft.text else ""
    if question.kind is Widget.NAME:
        return draft.text.strip().upper()
    return draft.text.strip()


def _date_value(draft: Draft) -> str:
    """`1990-03-10`, or as much as is known; what is no date stays none, and is said."""
    asked = draft.date[3 - draft.parts :]
    if not any(asked):
        return ""
    said = [figures.rjust(2, "0") for figures in reversed(asked)]
    return "-".join(said)


def found(question: Question, draft: Draft) -> tuple[Option, ...]:
    """The choices of which a word begins with what was typed, those whose name begins so first."""
    wanted = fold(draft.text).strip()
    if not wanted:
        return question.options
    named = [(_bare(fold(o.label.vi)), o) for o in question.options]
    first = [
        o for name, o in named if name.startswith(wanted) or fold(o.label.vi).startswith(wanted)
    ]
    later = [o for name, o in named if o not in first and f" {wanted}" in f" {name}"]
    english = [
        o
        for o in question.options
        if o not in first and o not in later and fold(o.label.en).startswith(wanted)
    ]
    return (*first, *later, *english)


def _bare(name: str) -> str:
    """Without the kind of unit in front: one types `hà tĩnh`, not `tỉnh hà tĩnh`."""
    for kind in ("tinh ", "thanh pho ", "xa ", "phuong ", "dac khu "):
        if name.startswith(kind):
            return name[len(kind) :]
    return name
