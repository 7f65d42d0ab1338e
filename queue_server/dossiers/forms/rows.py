"""A filled form in rows, for the review on the screen and for the printed sheet."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from ...wire.words import Frozen, Language
from ..units import name_of
from ..words_vi import grouped, money_words, number_words, partial_date_words
from . import made
from .answers import Answers, holds, is_asked, is_copied, is_date, is_filled, value_at
from .ask import ABROAD, CARDS, HERE
from .check import spoken_date
from .lists import label
from .model import Field, FieldType, Form, Printed, Section
from .paths import fields_of


class RowKind(StrEnum):
    HEADING = "heading"
    ANSWER = "answer"
    LIST = "list"
    MADE = "made"
    STATEMENT = "statement"
    SIGNATURE = "signature"


class Row(Frozen):
    """One row. `number`, `label` and `note` as printed; `value` in words, empty where nothing was said.

    `path`: `section.field`, where a touch on the review leads; `section`: whose person it is about. `head` and
    `lines`: of a list, a table. `asked`: false for a row that folded away, which the sheet still has.
    """

    kind: RowKind
    section: str
    path: str = ""
    number: str = ""
    label: str = ""
    value: str = ""
    note: str = ""
    type: FieldType | None = None
    head: tuple[str, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()
    asked: bool = True
    sensitive: bool = False


def rows(
    form: Form,
    answers: Answers,
    today: dt.date,
    language: str = Language.VI,
    *,
    place: str = "",
    printed: bool = False,
) -> tuple[Row, ...]:
    """The form's rows in its order, in `language`; what is made in words stays Vietnamese, as it is printed.

    `place`: where it is made, for `place_date`. `printed`: also the rows that folded away, empty, and the places
    to sign, but no heading and no row that the sheet has not.
    """
    writing = _Writing(form, answers, today, language, place)
    found: list[Row] = []
    for section in form.sections:
        is_there = holds(section.when, answers, today)
        if not is_there and not printed:
            continue
        if section.printed or not printed:
            found.append(writing.heading(section, is_there))
        for field in section.fields:
            if printed and field.printed is Printed.NO:
                continue
            row = writing.row(section, field, is_there)
            if printed or (row.asked and row.kind is not RowKind.SIGNATURE):
                found.append(row)
    return tuple(found)


def in_words(field: Field, value: Any, language: str = Language.VI) -> str:
    """One answer as people read it."""
    if not is_filled(value):
        return ""
    if field.type is FieldType.CHOICE:
        own = next((o.label.say(language) for o in field.options if o.value == value), None)
        return own or label(field.options_from, str(value), language)
    if field.type is FieldType.DATE:
        return spoken_date(str(value))
    if field.type is FieldType.NAME:
        return str(value).upper()
    if field.type is FieldType.ADDRESS and isinstance(value, dict):
        return address_words(value, language, with_kind=len(field.kinds) > 1)
    if field.type is FieldType.ID_DOCUMENT and isinstance(value, dict):
        return id_words(value, language)
    if isinstance(value, bool):
        return label("yes_no", "yes" if value else "no", language)
    if isinstance(value, int):
        number = grouped(value) if language == Language.VI else f"{value:,}"
        return f"{number} đồng" if field.type is FieldType.MONEY else number
    return str(value)


def address_words(
    value: dict[str, Any], language: str = Language.VI, with_kind: bool = True
) -> str:
    """`Thường trú: Số 1, Xã Cẩm Bình, Tỉnh Hà Tĩnh`."""
    province, country = value.get("province", ""), value.get("country", "")
    parts = [value.get("detail", "")]
    if province == ABROAD:
        parts.append(label("nationality", country, language))
    else:
        parts += [name_of(value.get("commune", "")), name_of(province)]
        if country and country != HERE:
            parts.append(label("nationality", country, language))
    text = ", ".join(p for p in parts if p)
    kind = value.get("kind", "") if with_kind else ""
    return f"{label('residence', kind, language)}: {text}" if kind and text else text


def id_words(value: dict[str, Any], language: str = Language.VI) -> str:
    """`Căn cước công dân số 042…, Bộ Công an cấp ngày 10/05/2021`: kind, number, issuer, day of issue."""
    number, kind = value.get("number", ""), value.get("kind", "")
    said = []
    if kind and kind != "number_only":
        own = number if kind in CARDS else value.get("paper", "")
        said.append(_line("paper", language, kind=label("id_kind", kind, language), number=own))
        issuer = label("id_issuer", value.get("issuer", ""), language)
        issued = value.get("issued", "")
        if issuer:
            said.append(_line("issuer", language, issuer=issuer))
        if issued:
            said.append(_line("issued", language, issued=spoken_date(issued)))
    if number and (kind not in CARDS):
        said.append(_line("number", language, number=number))
    return ", ".join(said)


def _line(key: str, language: str, **values: str) -> str:
    return label("id_line", key, language).format(**values).strip()


class _Writing:
    """Rows of one form, filled in one way."""

    def __init__(
        self, form: Form, answers: Answers, today: dt.date, language: str, place: str
    ) -> None:
        self.form, self.answers, self.today = form, answers, today
        self.language, self.place = language, place

    def heading(self, section: Section, is_there: bool) -> Row:
        return Row(
            kind=RowKind.HEADING,
            section=section.id,
            label=section.title.say(self.language),
            asked=is_there,
        )

    def row(self, section: Section, field: Field, is_there: bool) -> Row:
        path = f"{section.id}.{field.id}"
        is_asked_now = is_there and holds(field.when, self.answers, self.today)
        row = Row(
            kind=_kind(field),
            section=section.id,
            path=path,
            number=field.number,
            label=field.label.say(self.language),
            note=field.note,
            type=field.type,
            asked=is_asked_now,
            sensitive=field.sensitive,
        )
        if not is_asked_now:
            return row
        if field.type is FieldType.LIST:
            return self._table(row, field, self.answers.get(path))
        return replace(row, value=self._value(field, path))

    def _value(self, field: Field, path: str) -> str:
        if field.type is FieldType.MADE:
            return compose(self.form, field.made, self.answers, self.today, self.place)
        if not is_asked(field):
            return ""
        copied = is_copied(field, self.answers, self.today)
        value = value_at(self.answers, field.same_as if copied else path)
        return in_words(field, value, self.language)

    def _table(self, row: Row, field: Field, value: Any) -> Row:
        lines = value if isinstance(value, list) else []
        return replace(
            row,
            head=tuple(inner.label.say(self.language) for inner in field.fields),
            lines=tuple(
                tuple(self._cell(inner, line) for inner in field.fields) for line in lines if line
            ),
        )

    def _cell(self, inner: Field, line: Answers) -> str:
        if not holds(inner.when, self.answers, self.today, line):
            return ""
        copied = is_copied(inner, self.answers, self.today, line)
        value = value_at(self.answers, inner.same_as, line) if copied else line.get(inner.id)
        return in_words(inner, value, self.language)


def _kind(field: Field) -> RowKind:
    return {
        FieldType.LIST: RowKind.LIST,
        FieldType.MADE: RowKind.MADE,
        FieldType.STATEMENT: RowKind.STATEMENT,
        FieldType.SIGNATURE: RowKind.SIGNATURE,
    }.get(field.type, RowKind.ANSWER)


# --- made by the program ---


def compose(form: Form, spec: str, answers: Answers, today: dt.date, place: str = "") -> str:
    """What `made` says, in Vietnamese; empty while what it is made from is not answered."""
    verb, path, names = made.split_spec(spec)
    if verb == "today":
        return spoken_date(today.isoformat())
    if verb == "place_date":
        day = f"ngày {today.day:02} tháng {today.month:02} năm {today.year}"
        return f"{place}, {day}" if place else f"Ng{day[2:]}"
    if verb == "text":
        return _filled_in(form, path, answers)
    value = value_at(answers, path)
    if not is_filled(value):
        return ""
    if verb in made.OF_LIST:
        return _counted(verb, value, names)
    return _spoken(verb, value)


def _spoken(verb: str, value: Any) -> str:
    if verb == "date_words":
        return partial_date_words(value) if is_date(value) else ""
    if not isinstance(value, int):
        return ""
    return money_words(value) if verb == "money_words" else number_words(value)


def _counted(verb: str, lines: Any, names: tuple[str, ...]) -> str:
    if not isinstance(lines, list):
        return ""
    numbers = [[_number(line, name) for name in names] for line in lines if line]
    if verb == "count":
        return str(len(numbers))
    if verb == "fee":
        total = sum(made.certification_fee(pages, copies) for pages, copies in numbers)
        return f"{grouped(total)} đồng"
    return grouped(sum(_product(one) for one in numbers))


def _number(line: Answers, name: str) -> int:
    value = line.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _product(numbers: list[int]) -> int:
    product = 1
    for number in numbers:
        product *= number
    return product


def _filled_in(form: Form, template: str, answers: Answers) -> str:
    """The template with its `{path}` in words; empty where one of them is not answered."""
    fields, said = fields_of(form), dict[str, str]()
    for path in made.PLACE.findall(template):
        whole, _, part = path.partition("/")
        value = value_at(answers, path)
        field = fields.get(whole)
        if field is None or not is_filled(value):
            return ""
        said[path] = name_of(str(value)) if part else in_words(field, value)
    return made.PLACE.sub(lambda found: said[found[1]], template)
