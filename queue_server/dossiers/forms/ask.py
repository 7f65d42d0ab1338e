"""What is asked now, one question a screen: blocks in their parts, lists line by line, needless ones left out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any

from msgspec.structs import replace

from ...wire.words import Frozen, Names
from ..identity import NEW_CARD
from ..units import communes, provinces
from .answers import MORE, Answers, holds, is_asked, is_copied, value_at
from .lists import OTHER, options_of
from .model import Field, FieldType, Form, Option, Section

ABROAD = "abroad"
HERE = "VN"
CARDS = ("can_cuoc", "cccd", "certificate")
"""Kinds of paper whose own number is the ID number."""
NUMBERED = (*CARDS, "number_only")


class Widget(StrEnum):
    """What the screen offers for an answer."""

    TEXT = "text"
    LONG = "long"
    NAME = "name"
    DATE = "date"
    TIME = "time"
    CHOICE = "choice"
    YES_NO = "yes_no"
    INT = "int"
    MONEY = "money"
    ID_NUMBER = "id_number"
    PHONE = "phone"
    EMAIL = "email"
    PROVINCE = "province"
    COMMUNE = "commune"
    STATEMENT = "statement"
    MORE = "more"
    """Whether there is a further line of a list; the answer is true or false."""


class Question(Frozen):
    """One screen. `path` names the answer: `requester.address/province`, `house.members[0].name`.

    `kind`: the widget. `ask`: the question; `label`: the sheet's own words; `part`: of a block. `list_path` and
    `index` (from 0): of a list's line. `options`: what is offered now; `other`: a free text as well.
    `value`: the answer so far; `suggested`: what to show where there is none. `today`: the day it is asked on.
    """

    path: str
    section: str
    field: Field
    kind: Widget
    label: Names
    ask: Names
    today: dt.date
    help: Names | None = None
    part: str = ""
    list_path: str = ""
    index: int | None = None
    options: tuple[Option, ...] = ()
    other: bool = False
    required: bool = True
    partial: bool = False
    sensitive: bool = False
    value: Any = None
    suggested: Any = None


def questions(form: Form, answers: Answers, today: dt.date) -> tuple[Question, ...]:
    """All that is asked in view of `answers`, in the sheet's order; what became needless is not among them."""
    return tuple(_questions(form, answers, today))


def _questions(form: Form, answers: Answers, today: dt.date) -> Iterator[Question]:
    for section in form.sections:
        if holds(section.when, answers, today):
            for field in sorted(section.fields, key=lambda f: not f.first):
                yield from _Asking(section, answers, today).field(field)


class _Asking:
    """The questions of one section; `line`, `list_path` and `index` where it is inside a list."""

    def __init__(
        self,
        section: Section,
        answers: Answers,
        today: dt.date,
        line: Answers | None = None,
        list_path: str = "",
        index: int | None = None,
    ) -> None:
        self.section, self.answers, self.today = section, answers, today
        self.line, self.list_path, self.index = line, list_path, index

    def field(self, field: Field) -> Iterator[Question]:
        if not is_asked(field) or not holds(field.when, self.answers, self.today, self.line):
            return
        if is_copied(field, self.answers, self.today, self.line):
            return
        if field.type is FieldType.LIST:
            yield from self._lines(field)
        elif field.type is FieldType.ID_DOCUMENT:
            yield from self._id_document(field)
        elif field.type is FieldType.ADDRESS:
            yield from self._address(field)
        else:
            yield self._plain(field)

    def _path(self, field: Field) -> str:
        if self.index is None:
            return f"{self.section.id}.{field.id}"
        return f"{self.list_path}[{self.index}].{field.id}"

    def _plain(self, field: Field) -> Question:
        path = self._path(field)
        shared = _without_other(options_of(field.options_from), field.other)
        options = tuple(
            o
            for o in (field.options or shared)
            if holds(o.when, self.answers, self.today, self.line)
        )
        return Question(
            path=path,
            section=self.section.id,
            field=field,
            kind=Widget(field.type.value),
            label=field.label,
            ask=field.ask or field.label,
            help=field.help,
            today=self.today,
            list_path=self.list_path,
            index=self.index,
            options=options,
            other=field.other,
            required=field.required,
            partial=field.partial,
            sensitive=field.sensitive,
            value=value_at(self.answers, path),
            suggested=_preset(field, self.today),
        )

    def _part(self, field: Field, part: str, kind: Widget, **further: Any) -> Question:
        whole = self._plain(replace(field, type=FieldType.TEXT, preset=""))
        path = f"{whole.path}/{part}"
        asked = {"required": field.required, **further}
        return replace(
            whole,
            path=path,
            field=field,
            kind=kind,
            part=part,
            ask=_part_ask(field, part),
            value=value_at(self.answers, path),
            partial=False,
            **asked,
        )

    # --- lists ---

    def _lines(self, field: Field) -> Iterator[Question]:
        path = self._path(field)
        kept = value_at(self.answers, path)
        lines: list[Answers] = kept if isinstance(kept, list) else []
        for index in range(max(len(lines), field.least)):
            line = lines[index] if index < len(lines) else {}
            inside = _Asking(self.section, self.answers, self.today, line, path, index)
            for inner in field.fields:
                yield from inside.field(inner)
        if max(len(lines), field.least) < field.most:
            more = self._part(field, MORE, Widget.MORE)
            yield replace(
                more,
                ask=_part_ask(field, MORE if lines else "first"),
                list_path=path,
                index=max(len(lines), field.least),
                value=self.answers.get(more.path),
            )

    # --- ID document ---

    def _id_document(self, field: Field) -> Iterator[Question]:
        said: dict[str, Any] = value_at(self.answers, self._path(field)) or {}
        yield self._part(field, "number", Widget.ID_NUMBER, required=False)
        options = id_kinds(field, bool(said.get("number")))
        yield self._part(field, "kind", Widget.CHOICE, options=options)
        kind = said.get("kind")
        if not kind or kind == "number_only":
            return
        if kind not in CARDS:
            yield self._part(field, "paper", Widget.TEXT)
        yield self._part(field, "issued", Widget.DATE)
        issuers = options_of("id_issuer")
        suggested = issuer_of(kind, said.get("issued"))
        yield self._part(
            field, "issuer", Widget.CHOICE, options=issuers, other=True, suggested=suggested
        )

    # --- address ---

    def _address(self, field: Field) -> Iterator[Question]:
        said: dict[str, Any] = value_at(self.answers, self._path(field)) or {}
        if len(field.kinds) > 1:
            kinds = tuple(o for o in options_of("residence") if o.value in field.kinds)
            yield self._part(field, "kind", Widget.CHOICE, options=kinds)
        yield self._part(field, "province", Widget.PROVINCE, options=_provinces())
        province = said.get("province")
        if not province:
            return
        if province == ABROAD:
            everywhere = _without_other(options_of("nationality"), True)
            countries = tuple(o for o in everywhere if o.value != HERE)
            yield self._part(
                field, "country", Widget.CHOICE, options=countries, other=True, required=True
            )
        else:
            yield self._part(
                field,
                "commune",
                Widget.COMMUNE,
                options=_communes(province),
                other=True,
                required=True,
            )
        yield self._part(field, "detail", Widget.TEXT, required=field.detail or province == ABROAD)


def id_kinds(field: Field, has_number: bool) -> tuple[Option, ...]:
    """Which papers may be named: cards carry the ID number, so without one there is no card."""
    return tuple(
        o
        for o in options_of("id_kind")
        if (not field.kinds or o.value in field.kinds) and (has_number or o.value not in NUMBERED)
    )


def _without_other(options: tuple[Option, ...], free_text: bool) -> tuple[Option, ...]:
    """`Khác` is no answer where its name can be typed."""
    return tuple(o for o in options if o.value != OTHER) if free_text else options


def issuer_of(kind: str, issued: Any = None) -> str | None:
    """Who usually issues that paper, as a key of `id_issuer`; the Ministry itself since 1 July 2024."""
    if kind in ("can_cuoc", "certificate"):
        return "bca"
    if kind == "cccd":
        return "bca" if isinstance(issued, str) and issued >= NEW_CARD.isoformat() else "ccs"
    return "qlxnc" if kind == "passport" else None


def _preset(field: Field, today: dt.date) -> Any:
    if field.type is FieldType.DATE and field.preset == "today":
        return today.isoformat()
    if field.type is FieldType.YES_NO and field.preset:
        return field.preset in ("true", "yes")
    if field.type in (FieldType.INT, FieldType.MONEY) and field.preset.isdigit():
        return int(field.preset)
    return field.preset or None


@cache
def _provinces() -> tuple[Option, ...]:
    here = tuple(Option(value=p.code, label=Names(vi=p.name, en=p.name)) for p in provinces())
    abroad = next(o for o in options_of("part") if o.value == ABROAD)
    return (*here, abroad)


@cache
def _communes(province: str) -> tuple[Option, ...]:
    return tuple(
        Option(value=c.code, label=Names(vi=c.name, en=c.name)) for c in communes(province)
    )


# --- words of the parts ---


def part_label(field: Field, part: str) -> Names:
    """What a part of a block is called."""
    if part == "kind":
        part = "residence" if field.type is FieldType.ADDRESS else "id_kind"
    return next(o.label for o in options_of("part") if o.value == part)


def _part_ask(field: Field, part: str) -> Names:
    """`Nơi cư trú: Tỉnh/Thành phố`: the sheet's words, then the part."""
    own = part_label(field, part)
    whole = field.ask or field.label
    return Names(vi=f"{_bare(whole.vi)}: {own.vi}", en=f"{_bare(whole.en)}: {own.en}")


def _bare(text: str) -> str:
    return text.rstrip(" :?.")
