"""The lists that several forms share (`lists.toml`): ethnicity, nationality, sex, relations."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from ...wire.words import Names
from ..search import fold
from .model import Option

OTHER = "other"


@cache
def shared() -> dict[str, tuple[Option, ...]]:
    """All shared lists by name, each in the order in which it is offered."""
    tables = tomllib.loads(files(__package__).joinpath("lists.toml").read_text("utf-8"))
    return {name: tuple(_options(table)) for name, table in tables.items()}


def options_of(name: str) -> tuple[Option, ...]:
    """The options of the list `name`; none where there is no such list."""
    return shared().get(name, ())


def label(name: str, value: str, language: str) -> str:
    """What the list `name` calls `value`; a free text stands as it is."""
    return next((o.label.say(language) for o in options_of(name) if o.value == value), value)


def _options(table: dict[str, Any]) -> list[Option]:
    found: list[Option] = []
    for value, labels in table.items():
        if value == "names":
            found += [Option(value=_slug(n), label=Names(vi=n, en=n)) for n in labels]
        else:
            found.append(Option(value=value, label=Names(vi=labels[0], en=labels[1])))
    return found


def _slug(name: str) -> str:
    return fold(name).replace(" ", "_")
