"""What the program composes on a sheet: dates and sums in words, totals, the certification fee, today.

`made` of a field: `date_words:child.born`, `money_words:capital.total`, `number_words:…`, `today`,
`place_date`, `count:papers.list`, `sum:papers.list/copies`, `sum:papers.list/pages*copies`,
`fee:papers.list/pages*copies`, or `text:Đăng ký tạm trú tại {stay.address} từ ngày {stay.from}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .model import Field, FieldType, Form
from .paths import NEVER_ANSWERED, named

ALONE = frozenset({"today", "place_date"})
WORDS_OF = {
    "date_words": (FieldType.DATE,),
    "money_words": (FieldType.MONEY, FieldType.INT),
    "number_words": (FieldType.MONEY, FieldType.INT),
}
OF_LIST = frozenset({"count", "sum", "fee"})
NAMES = {"count": (0, 0), "sum": (1, 9), "fee": (2, 2)}
"""How many fields of a list are multiplied, at least and at most."""
PLACE = re.compile(r"\{([^{}]*)\}")

PAGE_FEE, FURTHER_PAGE_FEE, PAGES_AT_FIRST, MOST_A_COPY = 2_000, 1_000, 2, 200_000


def certification_fee(pages: int, copies: int) -> int:
    """Đồng for `copies` certified copies of an original of `pages` pages (TT 226/2016/TT-BTC, art. 4)."""
    first = min(pages, PAGES_AT_FIRST)
    one = PAGE_FEE * first + FURTHER_PAGE_FEE * (pages - first)
    return min(MOST_A_COPY, one) * copies


def split_spec(spec: str) -> tuple[str, str, tuple[str, ...]]:
    """The verb, the path and, of a list, which of its fields are multiplied."""
    verb, _, rest = spec.partition(":")
    if verb not in OF_LIST:
        return verb, rest, ()
    path, _, inner = rest.partition("/")
    return verb, path, tuple(n for n in inner.split("*") if n)


def faults(form: Form, spec: str) -> Iterator[tuple[str, str]]:
    """Code and detail of each fault in a `made` of `form`."""
    verb, path, names = split_spec(spec)
    if verb in ALONE and not path:
        return
    if verb == "text":
        for inner in PLACE.findall(spec):
            target = named(form, inner)
            if target is None or target.type in NEVER_ANSWERED:
                yield "unknown_field", inner
        return
    if verb not in WORDS_OF and verb not in OF_LIST:
        yield "unknown_made", spec
        return
    target = named(form, path)
    if target is None:
        yield "unknown_field", path
    elif verb in WORDS_OF:
        if target.type not in WORDS_OF[verb]:
            yield "not_for_type", f"{path} ({target.type})"
    else:
        yield from _list_faults(target, path, names, NAMES[verb])


def _list_faults(
    target: Field, path: str, names: tuple[str, ...], bounds: tuple[int, int]
) -> Iterator[tuple[str, str]]:
    if target.type is not FieldType.LIST:
        yield "not_for_type", f"{path} ({target.type})"
        return
    least, most = bounds
    if not least <= len(names) <= most:
        yield "unknown_field", f"{path}/{'*'.join(names)}"
    numbers = {f.id for f in target.fields if f.type in (FieldType.INT, FieldType.MONEY)}
    for name in names:
        if name not in numbers:
            yield "unknown_field", f"{path}/{name}"
