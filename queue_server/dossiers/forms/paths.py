"""Where an answer stands in a form: `requester.name`, `requester.id/number`, `.name` of a list's line."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Field, FieldType, Form, When

ID_PARTS = ("number", "kind", "paper", "issued", "issuer")
"""Of an ID document: the 12-digit ID number, the kind of paper, the paper's own number, day and issuer."""
ADDRESS_PARTS = ("kind", "province", "country", "commune", "detail")
PARTS = {FieldType.ID_DOCUMENT: ID_PARTS, FieldType.ADDRESS: ADDRESS_PARTS}

NEVER_ANSWERED = frozenset({FieldType.MADE, FieldType.SIGNATURE})


def fields_of(form: Form) -> dict[str, Field]:
    """Every field that stands in a section, by `section.field`."""
    return {f"{s.id}.{f.id}": f for s in form.sections for f in s.fields}


def split(path: str) -> tuple[str, str]:
    """`requester.id/number` as field and part; the part is empty where none is named."""
    field, _, part = path.partition("/")
    return field, part


def named(form: Form, path: str, line_of: Field | None = None) -> Field | None:
    """The field that `path` names; `line_of`: the list whose lines `.name` looks into."""
    whole, part = split(path)
    if whole.startswith("."):
        lines = line_of.fields if line_of else ()
        found = next((f for f in lines if f.id == whole[1:]), None)
    else:
        found = fields_of(form).get(whole)
    if found is None or not part:
        return found
    return found if part in PARTS.get(found.type, ()) else None


def conditions(when: When | None) -> Iterator[When]:
    """`when` and all within it."""
    if when is None:
        return
    yield when
    for inner in (*when.all, *when.any, when.not_):
        yield from conditions(inner)
