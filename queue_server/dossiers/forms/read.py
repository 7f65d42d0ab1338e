"""Forms read from their TOML files, and the faults that a person who writes one can make."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from ...wire.words import Frozen
from ..codes import BadCode, parse_procedure
from . import made
from .answers import is_date
from .lists import options_of, shared
from .model import Check, Field, FieldType, Form, Printed, Section, When
from .paths import NEVER_ANSWERED, conditions, fields_of, named

ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
FORM_ID = re.compile(r"[a-z0-9][a-z0-9_\-]{0,59}")
LAYOUTS = ("standard", "two_columns", "boxes")
PREFILLS = {
    "card.name": (FieldType.NAME, FieldType.TEXT),
    "card.born": (FieldType.DATE,),
    "card.sex": (FieldType.CHOICE,),
    "card.number": (FieldType.ID_NUMBER, FieldType.ID_DOCUMENT),
    "card.issued": (FieldType.DATE,),
    "card.address": (FieldType.ADDRESS, FieldType.TEXT, FieldType.LONG),
    "card.issuer": (FieldType.TEXT,),
    "card": (FieldType.ID_DOCUMENT,),
}
DATED = (FieldType.DATE,)
COUNTED = (FieldType.INT, FieldType.MONEY, FieldType.LIST)
LARGEST = 500_000
AT = re.compile(r"(?: - at `\$(?P<path>[^`]*)`)$")
STEP = re.compile(r"\.(\w+)\[(\d+|\.\.\.)\]|\.(\w+)")


class BadForm(ValueError):
    """A file that is no form: `name` of the file, `place` in it (key or line), and what is wrong there."""

    def __init__(self, name: str, place: str, detail: str, line: int = 0) -> None:
        at = f"{name}, line {line}" if line else name
        super().__init__(f"{at}: {place}: {detail}" if place else f"{at}: {detail}")
        self.name, self.place, self.detail, self.line = name, place, detail, line


class Fault(Frozen):
    """One thing wrong in a form that can be read. `place` is `section.field.key`; words: `form.fault.<code>`."""

    code: str
    place: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.code}" + (f" ({self.detail})" if self.detail else "")


# --- reading ---


def read_form(text: str, name: str) -> Form:
    """The form in `text`, composed to NFC; `BadForm` says where a file named `name` cannot be read."""
    if len(text) > LARGEST:
        raise BadForm(name, "", f"larger than {LARGEST} characters")
    text = unicodedata.normalize("NFC", text)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise BadForm(name, "", str(error), line) from None
    except RecursionError:
        raise BadForm(name, "", "nested too deep") from None
    try:
        return msgspec.convert(table, Form)
    except msgspec.ValidationError as error:
        raise _misplaced(name, text, table, str(error)) from None


@cache
def shipped() -> tuple[Form, ...]:
    """The forms that come with the program. `BadForm` where one is broken: a fault of ours."""
    return tuple(read_form(text, name) for name, text in shipped_texts().items())


def shipped_texts() -> dict[str, str]:
    """The shipped files by name, in order."""
    folder = files(__package__).joinpath("data")
    if not folder.is_dir():
        return {}
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name: f.read_text("utf-8") for f in found}


def content_sha(form: Form) -> str:
    """SHA-256 of what the form says: a changed form is no longer the one that somebody checked."""
    return hashlib.sha256(msgspec.json.encode(form)).hexdigest()


# --- which form ---


def is_in_force(form: Form, day: dt.date) -> bool:
    """`valid_from` and `valid_to` are both days on which it may be filed."""
    return (form.valid_from or day) <= day <= (form.valid_to or day)


def all_in_force(forms: Iterable[Form], procedure: str, day: dt.date) -> tuple[Form, ...]:
    """One version of each form of `procedure` (national or local code) that may be filed on `day`.

    Most procedures have one; social assistance has a sheet for each kind of person. The newest version
    counts where two are in force.
    """
    newest: dict[str, Form] = {}
    code = _national(procedure)
    for form in forms:
        if code in form.procedures and is_in_force(form, day):
            known = newest.get(form.id)
            if known is None or _age(known) <= _age(form):
                newest[form.id] = form
    return tuple(newest.values())


def in_force(forms: Iterable[Form], procedure: str, day: dt.date) -> Form | None:
    """The first of `all_in_force`."""
    return next(iter(all_in_force(forms, procedure, day)), None)


def _age(form: Form) -> tuple[dt.date, str]:
    return form.valid_from or dt.date.min, form.version


def _national(procedure: str) -> str:
    try:
        return parse_procedure(procedure).national
    except BadCode:
        return procedure


# --- faults ---


def check_form(form: Form) -> list[Fault]:
    """Everything wrong in `form` that its types do not say; empty for a sound one."""
    return list(_faults(form))


def _faults(form: Form) -> Iterator[Fault]:
    if not FORM_ID.fullmatch(form.id):
        yield Fault(code="bad_id", place="id", detail=form.id)
    if not form.version:
        yield Fault(code="empty", place="version")
    elif not FORM_ID.fullmatch(form.version):
        yield Fault(code="bad_id", place="version", detail=form.version)
    if form.valid_from and form.valid_to and form.valid_to < form.valid_from:
        yield Fault(code="ends_before", place="valid_to", detail=form.valid_to.isoformat())
    if form.layout not in LAYOUTS:
        yield Fault(code="unknown_layout", place="layout", detail=form.layout)
    for code in form.procedures:
        if _bad_procedure(code):
            yield Fault(code="bad_procedure", place="procedures", detail=code)
    if not any(s.fields for s in form.sections):
        yield Fault(code="no_fields", place="sections")
    yield from _doubles("sections", (s.id for s in form.sections))
    for section in form.sections:
        yield from _section(form, section)


def _section(form: Form, section: Section) -> Iterator[Fault]:
    if not ID.fullmatch(section.id):
        yield Fault(code="bad_id", place=section.id or "sections", detail=section.id)
    yield from _doubles(section.id, (f.id for f in section.fields))
    yield from _whens(form, section.when, f"{section.id}.when")
    for field in section.fields:
        yield from _field(form, field, f"{section.id}.{field.id}", None)


def _field(form: Form, field: Field, place: str, line_of: Field | None) -> Iterator[Fault]:
    if not ID.fullmatch(field.id):
        yield Fault(code="bad_id", place=place, detail=field.id)
    if not field.label.vi or not field.label.en:
        yield Fault(code="empty", place=f"{place}.label")
    yield from _whens(form, field.when, f"{place}.when", line_of, itself=place)
    yield from _choice(form, field, place, line_of)
    yield from _list(form, field, place, line_of)
    yield from _copies(form, field, place, line_of)
    yield from _kinds(field, place)
    for number, check in enumerate(field.checks, 1):
        yield from _check(form, field, check, f"{place}.checks[{number}]", line_of)
    if field.partial and field.type is not FieldType.DATE:
        yield Fault(code="not_for_type", place=f"{place}.partial", detail=field.type)
    if field.printed is Printed.PARTS and field.type is not FieldType.ADDRESS:
        yield Fault(code="not_for_type", place=f"{place}.printed", detail=field.type)
    if field.type is FieldType.MADE or field.made:
        yield from _made(form, field, place)


def _whens(
    form: Form, when: When | None, place: str, line_of: Field | None = None, itself: str = ""
) -> Iterator[Fault]:
    for condition in conditions(when):
        tests = (condition.is_, condition.filled, condition.at_least, condition.at_most)
        years = (condition.at_least_years, condition.under_years, condition.whole)
        if not condition.field:
            if any(t is not None for t in (*tests, *years)) or condition.in_:
                yield Fault(code="no_field", place=place)
            elif not (condition.all or condition.any or condition.not_):
                yield Fault(code="says_nothing", place=place)
            continue
        target = named(form, condition.field, line_of)
        if target is None or target.type in NEVER_ANSWERED:
            yield Fault(code="unknown_field", place=place, detail=condition.field)
            continue
        if condition.field == itself or (line_of and condition.field == f".{_last(itself)}"):
            yield Fault(code="on_itself", place=place, detail=condition.field)
        if any(t is not None for t in years) and not _is_date(target, condition.field):
            yield Fault(code="not_a_date", place=place, detail=condition.field)
        if not condition.in_ and all(t is None for t in (*tests, *years)):
            yield Fault(code="says_nothing", place=place, detail=condition.field)
        yield from _values(target, condition, place)


def _values(target: Field, condition: When, place: str) -> Iterator[Fault]:
    """What a condition compares with must be a value that the field can have."""
    asked = [*condition.in_, *([] if condition.is_ is None else [condition.is_])]
    if "/" in condition.field:
        return
    if target.type is FieldType.YES_NO:
        wrong = [v for v in asked if not isinstance(v, bool)]
    elif target.type is FieldType.CHOICE and not target.other:
        known = {o.value for o in choices(target)}
        wrong = [v for v in asked if v not in known]
    else:
        return
    for value in wrong:
        yield Fault(code="unknown_value", place=place, detail=f"{condition.field} = {value}")


def _choice(form: Form, field: Field, place: str, line_of: Field | None) -> Iterator[Fault]:
    has = bool(field.options or field.options_from)
    if field.type is not FieldType.CHOICE:
        if has and field.type is not FieldType.TEXT:
            yield Fault(code="not_for_type", place=f"{place}.options", detail=field.type)
        return
    if not has or (field.options and field.options_from):
        yield Fault(code="options", place=f"{place}.options")
    if field.options_from and field.options_from not in shared():
        yield Fault(code="unknown_list", place=f"{place}.options_from", detail=field.options_from)
    yield from _doubles(f"{place}.options", (o.value for o in field.options))
    for option in field.options:
        yield from _whens(form, option.when, f"{place}.options.{option.value}.when", line_of)
    known = {o.value for o in choices(field)}
    if field.preset and field.preset not in known and not field.other:
        yield Fault(code="unknown_value", place=f"{place}.preset", detail=field.preset)


def choices(field: Field) -> tuple[Any, ...]:
    """The options of a choice, its own or the shared list's, conditions apart."""
    return field.options or options_of(field.options_from)


def _list(form: Form, field: Field, place: str, line_of: Field | None) -> Iterator[Fault]:
    if field.type is not FieldType.LIST:
        if field.fields:
            yield Fault(code="not_for_type", place=f"{place}.fields", detail=field.type)
        return
    if line_of is not None:
        yield Fault(code="list_in_list", place=place)
        return
    if not field.fields:
        yield Fault(code="no_fields", place=f"{place}.fields")
    if not 0 <= field.least <= field.most:
        yield Fault(code="wrong_way_round", place=f"{place}.least", detail=str(field.least))
    yield from _doubles(place, (f.id for f in field.fields))
    for inner in field.fields:
        yield from _field(form, inner, f"{place}.{inner.id}", field)


def _copies(form: Form, field: Field, place: str, line_of: Field | None) -> Iterator[Fault]:
    if field.prefill and field.type not in PREFILLS.get(field.prefill, ()):
        yield Fault(code="unknown_prefill", place=f"{place}.prefill", detail=field.prefill)
    if not field.same_as:
        if field.same_when:
            yield Fault(code="same_without", place=f"{place}.same_when")
        return
    source = named(form, field.same_as, line_of)
    if source is None or "/" in field.same_as or source.type is not field.type:
        yield Fault(code="unknown_field", place=f"{place}.same_as", detail=field.same_as)
    yield from _whens(form, field.same_when, f"{place}.same_when", line_of, itself=place)


def _kinds(field: Field, place: str) -> Iterator[Fault]:
    list_name = {FieldType.ADDRESS: "residence", FieldType.ID_DOCUMENT: "id_kind"}.get(field.type)
    if list_name is None:
        if field.kinds:
            yield Fault(code="not_for_type", place=f"{place}.kinds", detail=field.type)
        return
    known = {o.value for o in options_of(list_name)}
    for kind in field.kinds:
        if kind not in known:
            yield Fault(code="unknown_kind", place=f"{place}.kinds", detail=kind)


def _check(
    form: Form, field: Field, check: Check, place: str, line_of: Field | None
) -> Iterator[Fault]:
    for key in ("not_before", "not_after"):
        other = getattr(check, key)
        if not other or other == "today" or is_date(other):
            continue
        target = named(form, other, line_of)
        if target is None or not _is_date(target, other):
            yield Fault(code="not_a_date", place=f"{place}.{key}", detail=other)
    yield from _whens(form, check.when, f"{place}.when", line_of)
    if check.one:
        found = next((f for f in field.fields if f.id == check.one), None)
        if found is None or found.type is not FieldType.YES_NO:
            yield Fault(code="unknown_field", place=f"{place}.one", detail=check.one)
    ranges = ((check.least, check.most), (check.shortest, check.longest))
    for low, high in ranges:
        if low is not None and high is not None and low > high:
            yield Fault(code="wrong_way_round", place=place, detail=f"{low} > {high}")
    if check.least_years is not None and field.type is not FieldType.DATE:
        yield Fault(code="not_for_type", place=f"{place}.least_years", detail=field.type)
    if (check.least is not None or check.most is not None) and field.type not in COUNTED:
        yield Fault(code="not_for_type", place=f"{place}.least", detail=field.type)
    try:
        re.compile(check.pattern)
    except re.error as error:
        yield Fault(code="bad_pattern", place=f"{place}.pattern", detail=str(error))


def _made(form: Form, field: Field, place: str) -> Iterator[Fault]:
    if field.type is not FieldType.MADE:
        yield Fault(code="not_for_type", place=f"{place}.made", detail=field.type)
        return
    for code, detail in made.faults(form, field.made):
        yield Fault(code=code, place=f"{place}.made", detail=detail)


def _is_date(target: Field, path: str) -> bool:
    return target.type is FieldType.DATE or path.endswith("/issued")


def _bad_procedure(code: str) -> bool:
    try:
        return parse_procedure(code).province is not None
    except BadCode:
        return True


def _doubles(place: str, ids: Iterable[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            yield Fault(code="double", place=place, detail=name)
        seen.add(name)


def _last(path: str) -> str:
    return path.rsplit(".", 1)[-1]


# --- places ---


def line_of(text: str, place: str) -> int:
    """The line on which the section or field of `place` (`requester.name.when`) gets its id; 0 if unseen."""
    lines = text.splitlines()
    at = 0
    for step in place.split("."):
        found = next((i for i in range(at, len(lines)) if _names(lines[i], step)), None)
        if found is None:
            break
        at = found + 1
    return at


def _names(line: str, step: str) -> bool:
    return bool(re.search(rf"\bid\s*=\s*[\"']{re.escape(step)}[\"']", line))


def _misplaced(name: str, text: str, table: dict[str, Any], said: str) -> BadForm:
    """msgspec's `$.sections[1].fields[4].type`, told by the ids that the writer gave."""
    found = AT.search(said)
    detail = AT.sub("", said)
    if found is None:
        return BadForm(name, "", detail)
    place: list[str] = []
    here: Any = table
    for many, index, key in STEP.findall(found["path"]):
        step = many or key
        here = here.get(step) if isinstance(here, dict) else None
        if not many:
            place.append(step)
            continue
        here = here[int(index)] if isinstance(here, list) and index.isdigit() else None
        own = here.get("id") if isinstance(here, dict) else None
        place.append(str(own) if own else f"{step}[{index}]")
    where = ".".join(place)
    return BadForm(name, where, detail, line_of(text, where))


__all__ = [
    "BadForm",
    "Fault",
    "all_in_force",
    "check_form",
    "choices",
    "content_sha",
    "fields_of",
    "in_force",
    "is_in_force",
    "line_of",
    "read_form",
    "shipped",
    "shipped_texts",
]
