"""A form as data: sections of fields, with types, help, conditions, checks and where each is from.

One form is one TOML file (`docs/forms.md`); several versions of a form are several files with the same
`id`, told apart by `valid_from`/`valid_to`.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from msgspec import field as named

from ...wire.words import Frozen, Names


class FieldType(StrEnum):
    """What kind of answer a field takes. `iddoc` and `address` are blocks of several questions."""

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
    ID_DOCUMENT = "id_document"
    ADDRESS = "address"
    PHONE = "phone"
    EMAIL = "email"
    LIST = "list"
    MADE = "made"
    """Composed by the program (date in words, totals, place and date): shown, never asked."""
    STATEMENT = "statement"
    """Fixed text that the declarant agrees to."""
    SIGNATURE = "signature"
    """A place to sign on the printed sheet; never asked on the screen."""


class Certainty(StrEnum):
    """How sure the field's place on the form is (`docs/forms.md`)."""

    READ = "read"
    PREVIOUS = "previous"
    SOFTWARE = "software"
    KNOWN = "known"
    UNSURE = "unsure"


class Printed(StrEnum):
    """How a field stands on the printed sheet; the screen asks it all the same."""

    ROW = "row"
    """On a line of its own."""
    BESIDE = "beside"
    """On the line of the field before it, with its own label; after a signature: in that place to sign."""
    JOINED = "joined"
    """Its value after the value before, with a comma and without a label: a hospital and its address."""
    FILLED = "filled"
    """On a line of its own, but only where something was answered."""
    PARTS = "parts"
    """Of an address: house, commune and province on three lines."""
    ADDRESSEE = "addressee"
    """`Kính gửi: …` in the middle, under the title."""
    NO = "no"
    """Asked on the screen only; the sheet has no such row."""


class When(Frozen, forbid_unknown_fields=True):
    """A condition on other answers; all that is given must hold. Nothing given: always.

    `field`: path of another field (`requester.relation`); of a list's line: `.name` of the same line.
    `at_least_years`/`under_years`: completed years today of a date of birth, as `field` holds it.
    """

    field: str = ""
    is_: str | int | bool | None = named(name="is", default=None)
    in_: tuple[str, ...] = named(name="in", default=())
    filled: bool | None = None
    at_least: int | None = None
    at_most: int | None = None
    at_least_years: int | None = None
    under_years: int | None = None
    whole: bool | None = None
    """Of a date: day, month and year are known (true), or only a part of them (false)."""
    all: tuple[When, ...] = ()
    any: tuple[When, ...] = ()
    not_: When | None = named(name="not", default=None)


class Option(Frozen, forbid_unknown_fields=True):
    """One value of a choice; `when`: offered only then."""

    value: str
    label: Names
    help: Names | None = None
    when: When | None = None


class Check(Frozen, forbid_unknown_fields=True):
    """A rule over the answer beside its type: `not_before`/`not_after` name a date field or `today`."""

    not_before: str = ""
    not_after: str = ""
    least: int | None = None
    most: int | None = None
    least_years: int | None = None
    shortest: int | None = None
    longest: int | None = None
    pattern: str = ""
    one: str = ""
    """Of a list: its yes/no field that exactly one line answers with yes. `least` and `most` count its lines."""
    message: Names | None = None
    """Said instead of the rule's usual words."""
    when: When | None = None
    """The rule counts only then (twenty years for him, eighteen for her)."""
    warns: bool = False
    """Said, but does not hold the visitor up."""


class Field(Frozen, forbid_unknown_fields=True):
    """One row of a form. `label` as printed; `ask` is the question as it is put on the screen.

    `number`: the row's number on the paper. `required` holds while the field is asked (`when`).
    `prefill`: what of a citizen-ID card goes in (`card.name`, `card.born`, `card.sex`, `card.number`,
    `card.issued`, `card.address`, `card.issuer`; `card` fills a whole ID document).
    `same_as`: copied from another field while `same_when` holds.
    `made`: how a MADE field is composed (`made.py`: `date_words:child.born`, `money_words:…`, `today`,
    `place_date`, `count:…`, `sum:papers.list/copies`, `fee:papers.list/pages*copies`, `text:… {path} …`).
    """

    id: str
    type: FieldType
    label: Names
    number: str = ""
    ask: Names | None = None
    help: Names | None = None
    required: bool = True
    when: When | None = None
    options: tuple[Option, ...] = ()
    options_from: str = ""
    """A shared list instead of own options (`lists.toml`): `ethnicity`, `nationality`, `sex`, `relation`, …"""
    other: bool = False
    """A choice takes a free text beside its options; a shared list's `other` is not offered then."""
    checks: tuple[Check, ...] = ()
    fields: tuple[Field, ...] = ()
    """Of a list: one line's fields."""
    least: int = 0
    most: int = 20
    prefill: str = ""
    same_as: str = ""
    same_when: When | None = None
    preset: str = ""
    made: str = ""
    sensitive: bool = False
    """Health and the like: never spoken by the loudspeaker, kept until the print only where the law says so."""
    partial: bool = False
    """A date may be a year, or month and year, only."""
    kinds: tuple[str, ...] = ()
    """Of an address: `permanent`, `temporary`, `present` (asked only where there are several; none: `place`,
    just an address); of an ID document: its kinds (`id_kind` in `lists.toml`), none: all."""
    detail: bool = False
    """An address must have its house or hamlet."""
    cite: str = ""
    """Circular and annex; empty: `chưa đối chiếu` (not yet checked)."""
    certainty: Certainty = Certainty.UNSURE
    note: str = ""
    """The note number on the sheet, such as `(2)`."""
    first: bool = False
    """Asked before the rest of its section, wherever it stands on the sheet: the ID number."""
    printed: Printed = Printed.ROW
    ticks: bool = False
    """Of a choice: the sheet has a box for each option. Of a yes/no: one box to tick, not `Có` and `Không`."""
    unit: Names | None = None
    """Stands behind the answer on the sheet: `bản`, `người`."""


class Section(Frozen, forbid_unknown_fields=True):
    """Fields that belong to one person or subject; `title` is printed where the sheet has a heading."""

    id: str
    title: Names
    fields: tuple[Field, ...]
    when: When | None = None
    printed: bool = True
    table: bool = False
    """Printed as a table: a line for each choice, a column for each of its options (all have the same ones)."""


class Form(Frozen, forbid_unknown_fields=True):
    """One version of one form. Answers are kept under `section.field`."""

    id: str
    version: str
    title: Names
    sections: tuple[Section, ...]
    procedures: tuple[str, ...] = ()
    """National codes (`1.001193`) of the procedures it belongs to."""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    """The last day on which it may be filed."""
    source: str = ""
    certainty: Certainty = Certainty.UNSURE
    presence: bool = False
    """The declarant must sign, or show originals, before an officer: prepare only, never file."""
    paper_code: str = ""
    """Paper-type code of the filled form."""
    open_points: tuple[Names, ...] = ()
    layout: str = "standard"
    """Typst layout: `standard`, `two_columns` (bên nữ, bên nam) or `boxes` (ID numbers in boxes)."""
    notes: tuple[Names, ...] = ()
    """What the sheet tells the declarant, and who must agree or sign beside her."""
