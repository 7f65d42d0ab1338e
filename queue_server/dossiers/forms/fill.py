"""Filling a form: answers go in one by one, copies follow, what became needless is cleared.

The public face of filling; the rules are in `ask.py`, `check.py` and `rows.py`.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from ...wire.words import Language
from ..identity import Card
from ..units import split_address
from .answers import MORE, Answers, holds, is_copied, is_filled, value_at
from .ask import ABROAD, HERE, NUMBERED, Question, Widget, id_kinds, issuer_of, questions
from .check import Problem, check, cleaned, problems, words_of
from .lists import label
from .model import Field, FieldType, Form, Section
from .rows import Row, rows

ROUNDS = 12
"""A form whose conditions turn each other on and off for ever stops here."""
AT_LINE = re.compile(r"(?P<list>[^/\[]+)\[(?P<index>\d+)\].*")

__all__ = [
    "Answers",
    "Problem",
    "Question",
    "Row",
    "Widget",
    "answered",
    "check",
    "is_filled",
    "prefill",
    "problems",
    "progress",
    "questions",
    "rows",
    "settled",
    "takes_card",
    "value_at",
    "without_line",
    "words_of",
]


def answered(form: Form, answers: Answers, question: Question, value: Any) -> Answers:
    """New answers with `value` for `question`; the old ones are left as they are.

    An empty text is a question passed over. What the new answer makes needless is cleared, and what says the
    same as another answer is copied.
    """
    value = cleaned(question, value)
    if question.kind is Widget.MORE:
        return settled(form, _more(answers, question, bool(value)), question.today)
    if value is None:
        value = ""
    new = _put(answers, question.path, value)
    if question.part:
        new = _follow(new, question, value)
    return settled(form, new, question.today)


def without_line(
    form: Form, answers: Answers, list_path: str, index: int, today: dt.date
) -> Answers:
    """New answers without that line of a list."""
    lines = [line for at, line in enumerate(answers.get(list_path) or []) if at != index]
    return settled(form, {**answers, list_path: lines}, today)


def progress(form: Form, answers: Answers, today: dt.date) -> tuple[int, int]:
    """Questions answered or passed over, and all that are asked now."""
    asked = questions(form, answers, today)
    return sum(q.value is not None for q in asked), len(asked)


def prefill(
    form: Form, answers: Answers, card: Card, at: str = "", today: dt.date | None = None
) -> Answers:
    """New answers with what the card says of one person: filled in, not proven.

    `at`: the question on the screen; the card is then of the person whom its section, or its line of a list, is
    about. Without: of the first section that takes a card. With `today` the rest of the answers follow.
    """
    line = AT_LINE.fullmatch(at)
    if line is not None:
        new = _prefill_line(form, answers, card, line["list"], int(line["index"]))
    else:
        new = _prefill_section(form, answers, card, at)
    return settled(form, new, today) if today else new


def _prefill_section(form: Form, answers: Answers, card: Card, at: str) -> Answers:
    wanted = at.partition(".")[0]
    section = next(
        (
            s
            for s in form.sections
            if (s.id == wanted or not wanted) and any(f.prefill for f in s.fields)
        ),
        None,
    )
    if section is None:
        return answers
    said = {
        f"{section.id}.{f.id}": value
        for f in section.fields
        if f.prefill and is_filled(value := _from_card(f, card))
    }
    return {**answers, **said}


def takes_card(form: Form, at: str) -> bool:
    """A card read at this question would fill something in: the screen may offer to read one."""
    line = AT_LINE.fullmatch(at)
    section_id, _, rest = (line["list"] if line else at).partition(".")
    for section in form.sections:
        if section.id != section_id:
            continue
        own = next((f for f in section.fields if line and f.id == rest), None)
        return any(f.prefill for f in (own.fields if own else section.fields))
    return False


# --- one answer ---


def _put(answers: Answers, path: str, value: Any) -> Answers:
    """`answers` with `value` under the path; blocks and lines on the way are copied, never changed."""
    line = AT_LINE.fullmatch(path)
    if line is not None:
        index = int(line["index"])
        lines = list(answers.get(line["list"]) or [])
        lines += [{} for _ in range(index + 1 - len(lines))]
        inner = path.split("].", 1)[1]
        lines[index] = _put(lines[index], inner, value)
        return {**answers, line["list"]: lines}
    whole, _, part = path.partition("/")
    if not part:
        return {**answers, whole: value}
    block = answers.get(whole)
    return {**answers, whole: {**(block if isinstance(block, dict) else {}), part: value}}


def _more(answers: Answers, question: Question, wants: bool) -> Answers:
    """A further line begins empty; no further line is remembered, so that the question counts as answered."""
    index = question.index or 0
    lines = list(answers.get(question.list_path) or [])
    lines += [{} for _ in range(index - len(lines))]
    new = {key: value for key, value in answers.items() if key != question.path}
    if wants:
        return {**new, question.list_path: [*lines, {}]}
    return {**new, question.list_path: lines, question.path: False}


def _follow(answers: Answers, question: Question, value: Any) -> Answers:
    """What one part of a block says about the others."""
    whole = question.path.rpartition("/")[0]
    said: dict[str, Any] = dict(value_at(answers, whole) or {})
    before = question.value
    if question.part == "province":
        said["country"] = "" if value in (ABROAD, "") else HERE
        if value == ABROAD:
            said.pop("country")
        if value != before:
            said.pop("commune", None)
    if question.part == "number" and not value and said.get("kind") in NUMBERED:
        said.pop("kind")
    if question.part == "kind" and value != before:
        for part in ("paper", "issuer"):
            said.pop(part, None)
        if before:
            said.pop("issued", None)
    return _put(answers, whole, said)


# --- what follows from it ---


def settled(form: Form, answers: Answers, today: dt.date | None) -> Answers:
    """The answers with copies made and needless ones cleared, over and over until nothing changes."""
    for _ in range(ROUNDS):
        new = _once(form, answers, today)
        if new == answers:
            break
        answers = new
    return answers


def _once(form: Form, answers: Answers, today: dt.date | None) -> Answers:
    kept: Answers = {}
    for section in form.sections:
        if holds(section.when, answers, today):
            kept |= _section(section, answers, today)
    return kept


def _section(section: Section, answers: Answers, today: dt.date | None) -> Answers:
    kept: Answers = {}
    for field in section.fields:
        path = f"{section.id}.{field.id}"
        if not holds(field.when, answers, today):
            continue
        if is_copied(field, answers, today):
            value = value_at(answers, field.same_as)
        else:
            value = answers.get(path)
        if isinstance(value, list) and field.type is FieldType.LIST:
            more = f"{path}/{MORE}"
            if more in answers and len(value) < field.most:
                kept[more] = answers[more]
            value = [_line(field, answers, line, today) for line in value[: field.most]]
        if value is not None:
            kept[path] = _block(field, value)
    return kept


def _line(field: Field, answers: Answers, line: Answers, today: dt.date | None) -> Answers:
    kept: Answers = {}
    for inner in field.fields:
        if not holds(inner.when, answers, today, line):
            continue
        copied = is_copied(inner, answers, today, line)
        value = value_at(answers, inner.same_as, line) if copied else line.get(inner.id)
        if value is not None:
            kept[inner.id] = _block(inner, value)
    return kept


def _block(field: Field, value: Any) -> Any:
    """A block without the parts that are not asked any more."""
    if not isinstance(value, dict):
        return value
    if field.type is FieldType.ID_DOCUMENT:
        kind = value.get("kind")
        asked = {"number", "kind"}
        if kind and kind != "number_only":
            asked |= {"issued", "issuer"} | (set() if kind in NUMBERED else {"paper"})
        return {part: said for part, said in value.items() if part in asked}
    if field.type is FieldType.ADDRESS and value.get("province") == "":
        return {part: said for part, said in value.items() if part in ("kind", "province")}
    return value


# --- from a card ---


def _prefill_line(form: Form, answers: Answers, card: Card, list_path: str, index: int) -> Answers:
    section_id, _, field_id = list_path.partition(".")
    fields = [f for s in form.sections if s.id == section_id for f in s.fields if f.id == field_id]
    for inner in fields[0].fields if fields else ():
        value = _from_card(inner, card)
        if inner.prefill and is_filled(value):
            answers = _put(answers, f"{list_path}[{index}].{inner.id}", value)
    return answers


def _from_card(field: Field, card: Card) -> Any:
    if field.type is FieldType.ID_DOCUMENT:
        return _id_document(field, card)
    if field.type is FieldType.ADDRESS:
        return _address(field, card)
    return {
        "card.name": card.name,
        "card.born": card.born.isoformat() if card.born else "",
        "card.sex": card.sex,
        "card.number": card.number,
        "card.issued": card.issued.isoformat() if card.issued else "",
        "card.address": card.address,
        "card.issuer": label("id_issuer", _issuer(card) or "", Language.VI),
    }.get(field.prefill, "")


def _issuer(card: Card) -> str | None:
    return issuer_of(card.kind.value, card.issued.isoformat() if card.issued else "")


def _id_document(field: Field, card: Card) -> dict[str, str]:
    said = {"number": card.number}
    if card.kind.value not in {o.value for o in id_kinds(field, has_number=True)}:
        return said
    issued = card.issued.isoformat() if card.issued else ""
    said |= {"kind": card.kind.value, "issuer": _issuer(card) or ""}
    return said | ({"issued": issued} if issued else {})


def _address(field: Field, card: Card) -> dict[str, str]:
    """`old` keeps the card's own words, where the place had to be guessed from them."""
    if not card.address:
        return {}
    place = split_address(card.address)
    if not place.province:
        return {"detail": place.detail, "old": card.address}
    said = {"province": place.province, "country": HERE, "detail": place.detail}
    if len(field.kinds) > 1 and "permanent" in field.kinds:
        said["kind"] = "permanent"
    if place.commune:
        said["commune"] = place.commune
    return said | {"old": card.address}
