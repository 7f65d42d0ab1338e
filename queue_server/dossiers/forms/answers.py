"""Answers of one form and the conditions over them. A plain dict: `section.field` → JSON value.

Dates are `2026-03-10`, `2026-03` or `2026`; an address and an ID document are dicts by part; a list is a list
of dicts; an empty text is a question that was passed over. `section.list/more` false: no further line.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from ..identity import age
from .model import Field, FieldType, When
from .paths import split

Answers = dict[str, Any]
MORE = "more"
DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
WHOLE = len("2026-03-10")
PATH = re.compile(r"(?P<field>[^/\[]+)(?:\[(?P<index>\d+)\]\.(?P<inner>[^/]+))?(?:/(?P<part>.+))?")


def is_filled(value: Any) -> bool:
    """Something was said: `False` and 0 are answers, an empty text, block or list is none."""
    if isinstance(value, dict):
        return any(is_filled(v) for key, v in value.items() if key != "kind")
    if isinstance(value, list):
        return bool(value)
    return value is not None and value != ""


def value_at(answers: Answers, path: str, line: Answers | None = None) -> Any:
    """The answer under `section.field`, `section.field/part`, `section.list[0].name` or `.name` of `line`."""
    if path.startswith("."):
        return _inside(line or {}, path[1:])
    found = PATH.fullmatch(path)
    if found is None:
        return None
    if found["index"] is None:
        if found["part"] == MORE:
            return answers.get(path)
        return _inside(answers, path)
    lines = answers.get(found["field"])
    if not isinstance(lines, list) or int(found["index"]) >= len(lines):
        return None
    inner = found["inner"] + (f"/{found['part']}" if found["part"] else "")
    return _inside(lines[int(found["index"])], inner)


def _inside(values: Answers, path: str) -> Any:
    key, part = split(path)
    value = values.get(key)
    if not part:
        return value
    return value.get(part) if isinstance(value, dict) else None


def holds(
    when: When | None, answers: Answers, today: dt.date | None, line: Answers | None = None
) -> bool:
    """Whether the condition holds; none always does. `today` None: conditions on age are taken to hold."""
    if when is None:
        return True
    if when.field and not _holds_for(when, value_at(answers, when.field, line), today):
        return False
    if not all(holds(inner, answers, today, line) for inner in when.all):
        return False
    if when.any and not any(holds(inner, answers, today, line) for inner in when.any):
        return False
    return when.not_ is None or not holds(when.not_, answers, today, line)


def _holds_for(when: When, value: Any, today: dt.date | None) -> bool:
    filled = is_filled(value)
    if when.filled is not None and filled is not when.filled:
        return False
    if when.is_ is not None and not (value == when.is_ and type(value) is type(when.is_)):
        return False
    if when.in_ and value not in when.in_:
        return False
    if when.at_least is not None or when.at_most is not None:
        number = _number(value)
        if number is None:
            return False
        if when.at_least is not None and number < when.at_least:
            return False
        if when.at_most is not None and number > when.at_most:
            return False
    if when.whole is not None and not (is_date(value) and (len(value) == WHOLE) is when.whole):
        return False
    return _holds_for_age(when, value, today)


def _holds_for_age(when: When, value: Any, today: dt.date | None) -> bool:
    if when.at_least_years is None and when.under_years is None:
        return True
    if not is_date(value):
        return False
    if today is None:
        return True
    years = age(value, today)
    if when.at_least_years is not None and years < when.at_least_years:
        return False
    return when.under_years is None or years < when.under_years


def _number(value: Any) -> int | None:
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def is_date(value: Any) -> bool:
    """A day, month or year of the calendar, as answers hold it."""
    if not isinstance(value, str) or not DATE.fullmatch(value):
        return False
    try:
        first_day(value)
    except ValueError:
        return False
    return True


def first_day(text: str) -> dt.date:
    """The first day that `2026-03-10`, `2026-03` or `2026` can mean."""
    year, month, day = (*(int(n) for n in text.split("-")), 1, 1)[:3]
    return dt.date(year, month, day)


def last_day(text: str) -> dt.date:
    """The last day that it can mean."""
    first = first_day(text)
    if len(text) == WHOLE:
        return first
    if len(text) == len("2026-03") and first.month < 12:
        return dt.date(first.year, first.month + 1, 1) - dt.timedelta(days=1)
    return dt.date(first.year, 12, 31)


def is_copied(
    field: Field, answers: Answers, today: dt.date | None, line: Answers | None = None
) -> bool:
    """The field says what another one says, so it is not asked."""
    return bool(field.same_as) and holds(field.same_when, answers, today, line)


def is_asked(field: Field) -> bool:
    return field.type not in (FieldType.MADE, FieldType.SIGNATURE)
