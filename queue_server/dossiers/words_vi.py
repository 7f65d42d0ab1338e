"""Numbers, dates and money in Vietnamese words, as sheets ask for them (*ghi bằng chữ*)."""

from __future__ import annotations

import datetime as dt

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
MILLIARD = 1_000_000_000
LARGEST = 10**18


def number_words(number: int) -> str:
    """`number` read aloud: 15 `mười lăm`, 21 `hai mươi mốt`, 2005 `hai nghìn không trăm linh năm`.

    Below 10¹⁸ either way; `ValueError` beyond.
    """
    if abs(number) >= LARGEST:
        raise ValueError("too large to say")
    if number < 0:
        return f"âm {number_words(-number)}"
    return _whole(number, led=False) or DIGITS[0]


def date_words(day: dt.date) -> str:
    """`Ngày mười tháng ba năm hai nghìn không trăm hai mươi sáu`."""
    return f"Ngày {number_words(day.day)} tháng {_month(day.month)} năm {number_words(day.year)}"


def partial_date_words(text: str) -> str:
    """The same of `2026-03-10`, `2026-03` or `2026`, as far as it goes; `ValueError` where it is none."""
    if len(text) == len("2026-03-10"):
        return date_words(dt.date.fromisoformat(text))
    year, _, month = text.partition("-")
    spoken = f"năm {number_words(int(year))}"
    return f"Tháng {_month(int(month))} {spoken}" if month else f"N{spoken[1:]}"


def money_words(amount: int) -> str:
    """`Một triệu hai trăm nghìn đồng`."""
    spoken = number_words(amount)
    return f"{spoken[:1].upper()}{spoken[1:]} đồng"


def grouped(number: int) -> str:
    """`1.200.000`: thousands apart as Vietnamese writes them."""
    return f"{number:,}".replace(",", ".")


def _month(number: int) -> str:
    """The fourth month is `tư`, never `bốn`."""
    return "tư" if number == 4 else number_words(number)


def _whole(number: int, led: bool) -> str:
    """`led`: something larger was said before, so that zeros in front are said too."""
    above, below = divmod(number, MILLIARD)
    said = []
    if above:
        said.append(f"{_whole(above, led)} tỷ")
    for unit, size in ((" triệu", 1_000_000), (" nghìn", 1_000), ("", 1)):
        three = below // size % 1000
        if three:
            said.append(_three(three, led or bool(said)) + unit)
    return " ".join(said)


def _three(number: int, full: bool) -> str:
    hundreds, rest = divmod(number, 100)
    tens, units = divmod(rest, 10)
    said = [f"{DIGITS[hundreds]} trăm"] if hundreds or full else []
    if tens == 0 and units:
        said += ["linh"] if said else []
    elif tens == 1:
        said.append("mười")
    elif tens:
        said.append(f"{DIGITS[tens]} mươi")
    if units:
        said.append(_unit(units, tens))
    return " ".join(said)


def _unit(units: int, tens: int) -> str:
    if units == 1 and tens > 1:
        return "mốt"
    if units == 4 and tens > 1:
        return "tư"
    if units == 5 and tens:
        return "lăm"
    return DIGITS[units]
