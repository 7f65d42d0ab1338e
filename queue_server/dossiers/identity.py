"""What the QR of a citizen-ID card says. It has no checksum and no signature: it fills in, and proves nothing.

A CCCD (2021 to June 2024) has seven fields, `number|old number|name|born|sex|address|issued`; a Căn cước
(since July 2024) the same seven and more, which may name the family. Only what a form needs is kept.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from enum import StrEnum

from ..wire.words import Frozen
from .search import fold

FIELDS, MOST_FIELDS, NEW_FIELDS = 7, 20, 10
LONGEST = 4_096
NEW_CARD = dt.date(2024, 7, 1)
NUMBER = re.compile(r"\d{12}")
HEALTH = re.compile(r"[A-Z]{2}\d{13}|\d{10}")
HEX = re.compile(r"(?:[0-9a-fA-F]{2}){2,}")
LINK = re.compile(r"^(?:[a-z][a-z0-9+.\-]*://|www\.|otpauth:|00020101|vneid)", re.IGNORECASE)
PROVINCES = frozenset(
    re.findall(
        r"\d{3}",
        "001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 "
        "034 035 036 037 038 040 042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 "
        "067 068 070 072 074 075 077 079 080 082 083 084 086 087 089 091 092 093 094 095 096 ",
    )
)
"""First three digits: the province of birth registration, of the 63 until June 2025 (TT 59/2021/TT-BCA)."""


class CardKind(StrEnum):
    CCCD = "cccd"
    CAN_CUOC = "can_cuoc"


class Reason(StrEnum):
    """Why a code is no card: cut off or doubled, a health-insurance card, a link or VNeID code, anything else."""

    TORN = "torn"
    HEALTH_CARD = "health_card"
    LINK = "link"
    UNKNOWN = "unknown"


class NotACard(ValueError):
    """The code is not one of a citizen-ID card. The exception never holds what was read."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Card(Frozen):
    """What a card fills in. `sex` is `male`, `female` or empty; dates are None where the card leaves them out."""

    number: str
    name: str
    born: dt.date | None
    sex: str
    address: str
    issued: dt.date | None
    kind: CardKind

    def __repr__(self) -> str:
        return "Card(…)"


def read_card(text: str) -> Card:
    """The card in `text` as a camera or a reader gives it; `NotACard` says what else it seems to be."""
    line = _one_line(text)
    if LINK.match(line):
        raise NotACard(Reason.LINK)
    fields = [field.strip() for field in line.split("|")]
    if _is_health_card(fields):
        raise NotACard(Reason.HEALTH_CARD)
    if not re.match(r"\d{3,}", fields[0]) or len(fields) > MOST_FIELDS or "|" not in line:
        raise NotACard(Reason.TORN if NUMBER.fullmatch(line) else Reason.UNKNOWN)
    if len(fields) < FIELDS or not NUMBER.fullmatch(fields[0]):
        raise NotACard(Reason.TORN)
    number, _old, name, born, sex, address, issued = fields[:FIELDS]
    issued_on = _date(issued)
    if not name:
        raise NotACard(Reason.TORN)
    return Card(
        number=number,
        name=" ".join(name.split()),
        born=_date(born),
        sex={"nam": "male", "nu": "female"}.get(fold(sex), ""),
        address=_address(address),
        issued=issued_on,
        kind=_kind(len(fields), issued_on),
    )


def numbers_only(card: Card) -> Card:
    """The card as a reader that types like a keyboard gives it: input methods destroy its letters for good."""
    return Card(
        number=card.number,
        name="",
        born=card.born,
        sex=card.sex,
        address="",
        issued=card.issued,
        kind=card.kind,
    )


def doubts(number: str, born: dt.date | str | None = None, sex: str = "") -> tuple[str, ...]:
    """What in a 12-digit number does not fit: `province`, `sex`, `year`. Old registers have errors: warn only."""
    if not NUMBER.fullmatch(number):
        return ()
    century, number_sex = divmod(int(number[3]), 2)
    found = [] if number[:3] in PROVINCES else ["province"]
    if sex and sex != ("female" if number_sex else "male"):
        found.append("sex")
    year = _year(born)
    if year and year != 1900 + 100 * century + int(number[4:6]):
        found.append("year")
    return tuple(found)


def age(born: dt.date | str, today: dt.date) -> int:
    """Completed years. Of a year, or year and month, alone: as if born on its first day; never below 0."""
    year, month, day = _parts(born)
    return max(0, today.year - year - ((today.month, today.day) < (month, day)))


def _one_line(text: str) -> str:
    """One reading: some readers send a code twice, with or without a line end between."""
    if len(text) > LONGEST:
        raise NotACard(Reason.UNKNOWN)
    text = unicodedata.normalize("NFC", text.removeprefix("\ufeff"))
    lines = [
        "".join(c for c in line if unicodedata.category(c) != "Cc").strip()
        for line in text.splitlines()
    ]
    different = list(dict.fromkeys(line for line in lines if line))
    if not different:
        raise NotACard(Reason.UNKNOWN)
    if len(different) > 1:
        raise NotACard(Reason.TORN)
    line = different[0]
    half = len(line) // 2
    return (
        line[:half] if len(line) % 2 == 0 and "|" in line and line[:half] == line[half:] else line
    )


def _is_health_card(fields: list[str]) -> bool:
    return len(fields) > 2 and bool(HEALTH.fullmatch(fields[0])) and bool(HEX.fullmatch(fields[1]))


def _kind(fields: int, issued: dt.date | None) -> CardKind:
    is_new = fields >= NEW_FIELDS or (issued is not None and issued >= NEW_CARD)
    return CardKind.CAN_CUOC if is_new else CardKind.CCCD


def _date(ddmmyyyy: str) -> dt.date | None:
    """None for an empty date; one that is no day of any calendar means a torn code."""
    if not ddmmyyyy:
        return None
    digits = re.sub(r"[/.\-]", "", ddmmyyyy)
    if not re.fullmatch(r"\d{8}", digits):
        raise NotACard(Reason.TORN)
    try:
        return dt.date(int(digits[4:]), int(digits[2:4]), int(digits[:2]))
    except ValueError:
        raise NotACard(Reason.TORN) from None


def _address(text: str) -> str:
    """Without the blanks and dashes that cards leave where a part is missing (`, -, `)."""
    parts = (" ".join(p.split()).strip(" -") for p in text.split(","))
    return ", ".join(p for p in parts if p)


def _parts(born: dt.date | str) -> tuple[int, int, int]:
    if isinstance(born, dt.date):
        return born.year, born.month, born.day
    numbers = [int(n) for n in born.split("-")]
    year, month, day = (*numbers, 1, 1)[:3]
    return year, month, day


def _year(born: dt.date | str | None) -> int:
    try:
        return _parts(born)[0] if born else 0
    except ValueError:
        return 0
