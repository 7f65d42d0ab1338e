"""Codes of dossiers (mã hồ sơ) and of administrative procedures (mã TTHC): read, checked, composed.

A dossier code names the agency, the day of receipt and the serial number of that day. Two forms
are in use: the classic `000.00.15.H19-240105-0001` (Thông tư 01/2018/TT-VPCP, art. 19) and, since
Quyết định 20/2020/QĐ-TTg, the agency's levels from the left: `H19.15-240105-0001`. Provincial
systems write four digits of serial number, ministries six or seven.
"""

from __future__ import annotations

import datetime as dt
import re

from ..wire.words import Frozen

AGENCY = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}|[A-Z][0-9]{2}(?:\.[0-9]{2}){0,3}")
DOSSIER = re.compile(rf"({AGENCY.pattern})-([0-9]{{6}})-([0-9]{{4,7}})")
PROCEDURE = re.compile(r"([0-9]\.[0-9]{6})(?:\.000\.00\.00\.(H[0-9]{2}))?")
CENTURY = 2000
SERIAL_DIGITS = 4
MOST_SERIAL_DIGITS = 7


class BadCode(ValueError):
    """A text that is no code. `reason`: `shape`, or `date` when its middle part is no real yymmdd."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DossierCode(Frozen):
    """A dossier's code in its parts; `width` is how many digits the serial number is written with."""

    agency: str
    date: dt.date
    serial: int
    width: int = SERIAL_DIGITS

    def __str__(self) -> str:
        return compose(self.agency, self.date, self.serial, self.width)


class ProcedureCode(Frozen):
    """A TTHC code: the national number, and the province that made the procedure its own (`H19`)."""

    national: str
    province: str | None = None

    def __str__(self) -> str:
        return f"{self.national}.000.00.00.{self.province}" if self.province else self.national


def parse(text: str) -> DossierCode:
    """The dossier code in `text`, which may be in small letters and between blanks; else `BadCode`."""
    match = DOSSIER.fullmatch(text.strip().upper())
    if match is None:
        raise BadCode("shape")
    agency, day, serial = match.groups()
    return DossierCode(agency=agency, date=_date(day), serial=int(serial), width=len(serial))


def compose(agency: str, date: dt.date, serial: int, width: int = SERIAL_DIGITS) -> str:
    """The code's text; a serial number longer than `width` is written whole, up to seven digits."""
    if not AGENCY.fullmatch(agency) or not SERIAL_DIGITS <= width <= MOST_SERIAL_DIGITS:
        raise BadCode("shape")
    if not 0 <= serial < 10**MOST_SERIAL_DIGITS:
        raise BadCode("shape")
    if not CENTURY <= date.year < CENTURY + 100:
        raise BadCode("date")
    return f"{agency}-{date:%y%m%d}-{serial:0{width}d}"


def parse_procedure(text: str) -> ProcedureCode:
    """The TTHC code in `text`: national `1.001612` or local `1.001612.000.00.00.H19`; else `BadCode`."""
    match = PROCEDURE.fullmatch(text.strip().upper())
    if match is None:
        raise BadCode("shape")
    return ProcedureCode(national=match.group(1), province=match.group(2))


def _date(yymmdd: str) -> dt.date:
    try:
        return dt.date(CENTURY + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:]))
    except ValueError:
        raise BadCode("date") from None
